"""The documentation as pages of the site: Markdown of the repository, and the API by Sphinx."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import proofs_check

# In the order in which a reader wants them; what else lies in the folder comes after these.
ORDER = {
    "quick-start": "From the installation to a false theorem in five minutes.",
    "verdicts": "Proved, survived, refuted, open: how each is decided, and what remains to trust.",
    "adapters": "Your functions against the same claims, from the command line or in pytest.",
    "strategies": "The instances that the claims are tested with, for tests of your own.",
    "vectors": "Inputs with enclosed results, for implementations in any language.",
    "contributing": "How to add a claim, from the sentence in a source to the row in a report.",
    "findings": "All that was found in the sources, a line each, with notes.",
    "tightness": "Every bound on convolutions over the exact norm.",
    "experiments": "The figures and tables of the sources, run again, and what they showed.",
    "audit": "A bound for your own model: what it stands for, its options, where there is none.",
    "gpu": "The fast side: the same names for large inputs.",
}
CONTRIBUTING = "CONTRIBUTING.md"
SCROLLED = '<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>\n'
# A text with the ids of claims as links, from a folder; the name of the page of a file.
Linked = Callable[[str, str], str]
Names = dict[Path, str]
API = "api/index.rst"


class ApiError(RuntimeError):
    """The pages of the API cannot be built."""


@dataclass(frozen=True)
class Page:
    """One page of the guide: its name, its title, what it is about and its content."""

    name: str
    title: str
    about: str
    body: str


def folder(given: Path | None = None) -> Path | None:
    """Where the documentation lies: the folder that is named, or beside the package, or installed with it."""
    beside = Path(proofs_check.__file__).parents[1] / "docs"
    candidates = [given] if given is not None else [beside, *_installed()]
    found = (path.resolve() for path in candidates if (path / "quick-start.md").is_file())
    return next((path for path in found if (path.parent / CONTRIBUTING).is_file()), None)


def _installed() -> list[Path]:
    """The folder in which pip has put it."""
    try:
        files = importlib.metadata.files("lipref") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [Path(str(file.locate())).parent for file in files if file.parts[-2:] == ("docs", "quick-start.md")]


def pages(docs: Path, linked: Linked, out: Path, *, api: bool) -> list[Page]:
    """Every page, with links among them; files that they show are copied beside them."""
    files = {path.stem: path for path in docs.glob("*.md")} | {"contributing": docs.parent / CONTRIBUTING}
    order = [*(name for name in ORDER if name in files), *sorted(set(files) - set(ORDER))]
    names = {path.resolve(): name for name, path in files.items()}
    return [_page(name, files[name], docs, names, linked, out, api=api) for name in order]


def _page(name: str, path: Path, docs: Path, names: Names, linked: Linked, out: Path, *, api: bool) -> Page:
    markdown = _parser()
    tokens = markdown.parse(path.read_text(encoding="utf-8"))
    seen: dict[str, int] = {}
    title = name
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            text = _text(tokens[place + 1])
            token.attrSet("id", _slug(text, seen))
            title = text if token.tag == "h1" and title == name else title
        elif token.type == "inline":
            token.children = _with_links(token.children or [], path, docs, names, linked, out, api=api)
    return Page(name, title, ORDER.get(name, ""), markdown.renderer.render(tokens, markdown.options, {}))


def _parser() -> Any:
    from markdown_it import MarkdownIt

    made = MarkdownIt("commonmark", {"html": False}).enable("table")

    def fence(self: Any, tokens: Any, idx: int, options: Any, env: Any) -> str:
        from markupsafe import escape

        return f'<pre tabindex="0"><code>{escape(tokens[idx].content)}</code></pre>\n'

    made.add_render_rule("fence", fence)
    made.add_render_rule("table_open", lambda *_: SCROLLED)
    made.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return made


def _text(inline: Any) -> str:
    return "".join(child.content if child.type != "softbreak" else " " for child in inline.children or [])


def _slug(text: str, seen: dict[str, int]) -> str:
    """The anchor that GitHub gives a heading."""
    slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
    seen[slug] = seen.get(slug, -1) + 1
    return f"{slug}-{seen[slug]}" if seen[slug] else slug


def _with_links(
    children: Sequence[Any], path: Path, docs: Path, names: Names, linked: Linked, out: Path, *, api: bool
) -> list[Any]:
    """Links to files as links to pages, ids of claims as links to theirs; what has no page is no link."""
    from markdown_it.token import Token

    result: list[Any] = []
    open_links: list[bool] = []
    for child in children:
        if child.type == "link_open":
            target = _target(str(child.attrGet("href")), path, docs, names, out, api=api)
            open_links.append(target is not None)
            if target is None:
                continue
            child.attrSet("href", target)
        elif child.type == "link_close":
            if not open_links.pop():
                continue
        elif child.type in ("text", "code_inline") and not any(open_links):
            # A plain string: text that is joined to a marked one is escaped.
            found = str(linked(child.content, "../"))
            html = f"<code>{found}</code>" if child.type == "code_inline" else found
            result.append(Token("html_inline", "", 0, content=html))
            continue
        result.append(child)
    return result


def _target(href: str, path: Path, docs: Path, names: Names, out: Path, *, api: bool) -> str | None:
    parts = urlsplit(href)
    if parts.scheme or not parts.path:
        return href
    file = (path.parent / parts.path).resolve()
    anchor = f"#{parts.fragment}" if parts.fragment else ""
    if file in names:
        return f"{names[file]}.html{anchor}"
    if file == docs / API:
        return "../api/index.html" if api else None
    if file.is_file() and file.is_relative_to(docs):
        copy = out / "docs" / file.relative_to(docs)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
        return file.relative_to(docs).as_posix()
    return None


# -- the API -------------------------------------------------------------------------------------------


def has_sphinx() -> bool:
    """Whether the API can be built."""
    return all(importlib.util.find_spec(name) is not None for name in ("sphinx", "numpydoc"))


def build_api(docs: Path, out: Path) -> list[str]:
    """Sphinx, in a process of its own, into the folder api of the site; the formulas in it come back."""
    options = ["-W", "-q", "-b", "html", "-A", "in_site=1", "-d", str(out / "api" / ".trees")]
    command = [sys.executable, "-m", "sphinx", *options, str(docs / "api"), str(out / "api")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for unread in (".trees", "_sources", "_static"):
        shutil.rmtree(out / "api" / unread, ignore_errors=True)
    for unread in (".buildinfo", "search.html", "searchindex.js", "objects.inv", "py-modindex.html"):
        (out / "api" / unread).unlink(missing_ok=True)
    if done.returncode:
        raise ApiError(f"Sphinx could not build the API: {done.stderr.strip() or done.stdout.strip()}")
    return [text for page in sorted((out / "api").glob("*.html"))
            for text in re.findall(r"<math.*?</math>", page.read_text(encoding="utf-8"), re.DOTALL)]
