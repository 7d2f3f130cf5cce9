"""The errata as entries of BibTeX, to be cited one by one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from proofs_check.claim import Claim, Kind
from proofs_check.report.records import Header
from proofs_check.report.site.views import View

AUTHOR = "The lipref developers"
# Refuted, but no error of the source: what it says against them itself, or who else printed them.
NOT_ITS_OWN = {
    "thesis.app-C.1": "The source itself says that this fails, against earlier work; the counterexample is ours.",
    "than.lemma-2.summary-factor": "Printed in a summary of the paper by others, not in the paper.",
}
_SPECIAL = str.maketrans({
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
})


def key(id: str) -> str:
    """What a paper cites an entry by."""
    return "lipref-erratum-" + re.sub(r"[^A-Za-z0-9]+", "-", id)


def bibtex(refuted: Sequence[View], claims: Mapping[str, Claim], header: Header) -> str:
    """All entries."""
    return "\n".join(entry(shown, claims, header) for shown in refuted)


def entry(shown: View, claims: Mapping[str, Claim], header: Header) -> str:
    """One @misc for a refuted statement: what it says, what fails, what holds instead."""
    claim = shown.claim
    assert claim.amended_by is not None and claim.kind is not None
    amended = claims[claim.amended_by]
    aside = NOT_ITS_OWN.get(claim.id, "")
    right = f"Right at: {claim.right_at}. " if claim.right_at else ""
    note = f"Printed: {claim.statement} {aside} Reading: {claim.reading} {right}Fails: {claim.note} " \
           f"Counterexample: {counterexample(shown)}. " \
           f"Instead ({amended.verdict.value}): {amended.statement}"
    own = claim.id not in NOT_ITS_OWN and claim.kind in (Kind.FALSE, Kind.MISPRINT)
    day, what = str(header.get("date", "")), "Erratum to" if own else "Note on"
    fields = {
        "author": f"{{{AUTHOR}}}",
        "title": _plain(f"{what} {claim.source.title}: {claim.source.locator}"),
        **({"year": day[:4]} if day else {}),
        "howpublished": _plain(f"lipref {header['lipref']}, claim {claim.id}" + (f", run of {day}" if day else "")),
        "note": _plain(note),
        "keywords": claim.kind.value,
        "formula": f"${claim.tex}$",
        "instead": f"${amended.tex}$",
    }
    return f"@misc{{{key(claim.id)},\n" + "".join(f"  {name} = {{{text}}},\n" for name, text in fields.items()) + "}\n"


def counterexample(shown: View) -> str:
    """The arguments and both sides, in a line."""
    case = shown.instance
    if case is None:
        return "not computed by this implementation"
    arguments = ", ".join(f"{name} = {value}" for name, value in case.arguments.items())
    return f"{arguments}: left {case.lhs}, right {case.rhs}"


def _plain(text: str) -> str:
    return " ".join(text.split()).translate(_SPECIAL)
