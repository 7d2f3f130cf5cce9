"""The errata as entries of BibTeX, to be cited one by one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from proofs_check.claim import Claim
from proofs_check.report.records import Header
from proofs_check.report.site.views import View

_SPECIAL = str.maketrans({
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
})


def bibtex(refuted: Sequence[View], claims: Mapping[str, Claim], header: Header) -> str:
    """One @misc a refuted statement: what it says, what fails, what holds instead."""
    return "\n".join(entry(shown, claims, header) for shown in refuted)


def entry(shown: View, claims: Mapping[str, Claim], header: Header) -> str:
    """One entry."""
    claim = shown.claim
    assert claim.amended_by is not None
    amended = claims[claim.amended_by]
    case = "" if shown.instance is None else ", ".join(f"{k} = {v}" for k, v in shown.instance.arguments.items())
    note = f"Printed: {claim.statement} Fails: {claim.note} Counterexample: {case}. Instead: {amended.statement}"
    fields = {
        "title": f"Erratum to {claim.source.title}: {claim.source.locator}",
        "howpublished": f"lipref {header['lipref']}, claim {claim.id}",
        "note": " ".join(note.split()),
    }
    inside = "".join(f"  {name} = {{{text.translate(_SPECIAL)}}},\n" for name, text in fields.items())
    key = "erratum-" + re.sub(r"[^A-Za-z0-9]+", "-", claim.id)
    return f"@misc{{{key},\n{inside}  formula = {{${claim.tex}$}},\n}}\n"
