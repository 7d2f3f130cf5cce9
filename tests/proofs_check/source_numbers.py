"""The numbers that the sources print, read from their text, which is a machine's conversion of two PDFs.

The sources are not part of the project. What was read from them is in `source_numbers.toml`:
`python tests/proofs_check/source_numbers.py FOLDER` writes that.
"""

import re
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

KINDS = {
    "Definition": "def", "Theorem": "thm", "Lemma": "lemma", "Proposition": "prop", "Corollary": "cor",
    "Remark": "remark", "Example": "ex", "Algorithm": "alg", "Equation": "eq", "Figure": "fig", "Table": "tab",
}
SHORT = {"Eq": "Equation", "Eqs": "Equation", "Fig": "Figure", "Figs": "Figure", "Tab": "Table", "Algo": "Algorithm",
         "Alg": "Algorithm", "Thm": "Theorem", "Def": "Definition", "Prop": "Proposition", "Cor": "Corollary"}

NUMBER = r"(?:[A-E]\.)?\d+(?:\.\d+)*"
STATED = "Theorem|Lemma|Definition|Proposition|Corollary|Remark|Example|Algorithm"


@dataclass(frozen=True)
class Document:
    """How one document sets its numbers; each pattern finds a line's number."""

    file: str
    start: str  # the line where the text begins, after the table of contents
    end: str  # the line of its end, before references and lists of figures
    section: str
    stated: str
    equation: str
    figure: str
    table: str
    chapters: bool = False  # a number begins with its chapter
    exceptions: dict[str, str] = field(default_factory=dict)  # references to what the text does not state, and why


THAN = Document(
    file="001_*.txt", start="Abstract", end="References",
    section=r"^(?:(\d(?:\.\d)*) [A-Z]|Appendix ([A-E])\.|([A-E]\.\d) [A-Z])",
    stated=rf"^({STATED}) (\d+) (?=[(*$]|Consider)",
    equation=r"(?:\\quad|&) \((?:\\text\{)?(\d+|BN|LN|HKK|LLA)\}?\)(?=\$\$| \\\\| \\end)|\\tag\{(\d+)\}",
    figure=r"^Figure (\d+): ", table=r"^Table (\d+): ",
    exceptions={
        "thm-5": "theorem 5 of Than et al. (2025), not of this document",
    },
)

THESIS = Document(
    file="003_*.txt", start="# Introduction", end="# Bibliography", chapters=True,
    section=rf"^#+ (?:Chapter )?({NUMBER}) ",
    stated=rf"^(?:#+ |\*\*)({STATED}) ({NUMBER})",
    equation=rf"\\quad \((?:\\text\{{)?({NUMBER})\}}?\)\$\$$",
    figure=rf"^(?:\*\*)?Fig\. ({NUMBER})\.(?::|$)", table=rf"^\*\*Tab\. ({NUMBER})\.:",
    exceptions={
        "thm-1": "theorem 1 of Araujo et al. (2023), and of Pfister and Bresler (2019)",
        "thm-2": "'Now we can prove Theorem 2' in B.5 is theorem 4.6.5",
        "thm-3": "theorem 3 of Araujo et al. (2023)",
        "thm-7.9": "theorem 7.9 of Zhang (2011)",
        "lemma-4": "lemma 4 of Yi (2020)",
        "cor-A.1.1": "corollary A.1.1 of Trockman and Kolter (2021)",
        "eq-4.152": "equation 4.152 of Bishop (2006)",
        "ex-C.3": "appendix C.3 with example C.3.1",
    },
)

DOCUMENTS = {"than": THAN, "thesis": THESIS}


def text_of(document: Document, folder: Path) -> list[str]:
    """The lines of the document between its table of contents and its references."""
    [file] = folder.glob(document.file)
    lines = file.read_text("utf-8").splitlines()
    return lines[lines.index(document.start) : lines.index(document.end)]


def numbers(document: Document, lines: list[str]) -> list[str]:
    """Every number in the order of the text: statements, displays, figures, tables."""
    found: dict[str, None] = {}
    proof = ""  # the appendix that the line is in: a proof of the thesis numbers its own displays (1), (2)
    for line in lines:
        if section := re.match(document.section, line):
            proof = next(filter(None, section.groups()))
        if stated := re.match(document.stated, line):
            found.setdefault(f"{KINDS[stated[1]]}-{stated[2].rstrip('.')}")
        for kind, pattern in (("eq", document.equation), ("fig", document.figure), ("tab", document.table)):
            for match in re.finditer(pattern, line):
                number = next(filter(None, match.groups()))
                if kind == "eq" and document.chapters and "." not in number:
                    number = f"{proof}-{number}"
                found.setdefault(f"{kind}-{number}")
    return list(found)


def sections(document: Document, lines: list[str]) -> list[str]:
    """The numbers of the headings, in order."""
    matches = (re.match(document.section, line) for line in lines)
    return list(dict.fromkeys(next(filter(None, match.groups())) for match in matches if match))


def references(lines: list[str]) -> dict[str, int]:
    """What the text refers to by kind and number, and how often."""
    found: dict[str, int] = {}
    names = "|".join([*KINDS, *SHORT])
    for line in lines:
        for match in re.finditer(rf"\b({names})s?\.?~? ?\(?({NUMBER})", line):
            name = SHORT.get(match[1], match[1])
            id = f"{KINDS[name]}-{match[2]}"
            found[id] = found.get(id, 0) + 1
    return found


def written(folder: Path) -> str:
    """The content of source_numbers.toml."""
    text = "# Written by source_numbers.py from the sources: the numbers of headings, and all that is numbered.\n"
    for name, document in DOCUMENTS.items():
        lines = text_of(document, folder)
        text += f"\n[{name}]\n"
        for key, values in (("sections", sections(document, lines)), ("numbers", numbers(document, lines))):
            words = textwrap.fill(", ".join(f'"{value}"' for value in values), 115, break_on_hyphens=False)
            text += f"{key} = [\n{textwrap.indent(words, '    ')},\n]\n"
    return text


if __name__ == "__main__":
    sys.stdout.write(written(Path(sys.argv[1])))
