"""The pages of the site, from a run's file and the registry."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from proofs_check.claim import SOURCES, Claim, Kind, Verdict
from proofs_check.evidence.random import same_draws_everywhere
from proofs_check.implementation import Implementation
from proofs_check.report.records import Header
from proofs_check.report.site import errata, fonts, guide
from proofs_check.report.site.views import View, number, view, word
from proofs_check.run import SLACK_EDGES, Result

HERE = Path(__file__).parent
KINDS = (*(word(kind) for kind in Kind), "amended", "proved", "survived", "open", "tight")
MEANS = {
    Kind.FALSE: "False in its most favourable sensible reading, with every hypothesis that text, context or proof "
                "supply.",
    Kind.AMBIGUOUS: "False in one reading that the text allows, true in another; both are checked.",
    Kind.MISPRINT: "A slip: the source has it right elsewhere.",
    Kind.UNSUPPORTED: "A step of the printed proof fails; the statement itself is true or undecided.",
}
_ID = re.compile(rf"\b({'|'.join(SOURCES)})\.[A-Za-z0-9.-]*[A-Za-z0-9]")


def build(
    out: Path, claims: Mapping[str, Claim], header: Header, results: Mapping[str, Result],
    done: Callable[[str], None] = lambda id: None, docs: Path | None = None, *, api: bool = False,
) -> list[View]:
    """Write the whole site into a folder, with the documentation of another one; what was gathered comes back."""
    impl_name = str(header["impl"])
    amends: dict[str, list[str]] = {}
    for made in claims.values():
        if made.amended_by is not None:
            amends.setdefault(made.amended_by, []).append(made.id)
    views = []
    for id, made in claims.items():
        with same_draws_everywhere():
            views.append(view(made, results.get(id), Implementation(impl_name), amends.get(id, [])))
        done(id)
    render, linked = _renderer(claims, header, with_docs=docs is not None)
    (out / "claims").mkdir(parents=True, exist_ok=True)
    for shown in views:
        _write(out / "claims" / f"{shown.id}.html", render("claim.html", "../", view=shown))
    _write(out / "index.html", render(
        "index.html", "", views=views, table=_glance(views), sources=_sources(claims), kinds=KINDS,
        rejected=_rejected(results.values()), missing=[id for id in claims if id not in results],
        failed=[shown for shown in views if shown.result is not None and not shown.result.good]))
    refuted = [shown for kind in Kind for shown in views if shown.claim.kind is kind]
    by_source = {
        name: [s for s in refuted if s.claim.source.name == name and s.id not in errata.NOT_ITS_OWN]
        for name in _sources(claims)
    }
    _write(out / "errata.html", render(
        "errata.html", "", counts=_counts(refuted),
        by_source={name: shown for name, shown in by_source.items() if shown},
        formulas={shown.id: shown.formula for shown in views}, claims=claims,
        aside=[s for s in refuted if s.id in errata.NOT_ITS_OWN], why=errata.NOT_ITS_OWN,
        entries={shown.id: errata.entry(shown, claims, header) for shown in refuted}))
    _write(out / "errata.bib", errata.bibtex(refuted, claims, header))
    _write(out / "tightness.html", render("tightness.html", "", groups=_by_tightness(views), edges=SLACK_EDGES))
    for asset in sorted((HERE / "static").iterdir()):
        (out / asset.name).write_bytes(asset.read_bytes())
    formulas = [shown.formula for shown in views]
    if docs is not None:
        _write_docs(out, docs, render, linked, api=api)
        formulas += guide.build_api(docs, out) if api else []
    fonts.write(out / "math.woff", formulas)
    return views


def _write_docs(out: Path, docs: Path, render: Callable[..., str], linked: guide.Linked, *, api: bool) -> None:
    (out / "docs").mkdir(exist_ok=True)
    pages = guide.pages(docs, linked, out, api=api)
    _write(out / "docs" / "index.html", render("docs.html", "../", pages=pages, api=api))
    for shown in pages:
        _write(out / "docs" / f"{shown.name}.html", render("doc.html", "../", pages=pages, shown=shown, api=api))


def _renderer(
    claims: Mapping[str, Claim], header: Header, *, with_docs: bool
) -> tuple[Callable[..., str], guide.Linked]:
    """What fills a page in, and what makes links of the ids in a text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup, escape

    pages = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True)

    def linked(text: str, root: str = "../") -> Markup:
        """Plain text with the ids of claims as links."""
        parts, end = [], 0
        for found in _ID.finditer(text):
            if found[0] in claims:
                parts += [escape(text[end:found.start()]),
                          Markup('<a href="{}claims/{}.html">{}</a>').format(root, found[0], found[0])]
                end = found.end()
        return Markup("").join([*parts, escape(text[end:])])

    pages.filters.update(linked=linked, number=number, safe_markup=Markup)

    def render(name: str, root: str, **values: Any) -> str:
        return pages.get_template(name).render(
            root=root, means=MEANS, header={"date": "", **header}, titles=SOURCES, with_docs=with_docs, **values)

    return render, linked


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _sources(claims: Mapping[str, Claim]) -> list[str]:
    present = {made.source.name for made in claims.values()}
    return [name for name in SOURCES if name in present]


def _glance(views: Sequence[View]) -> dict[str, Counter[str]]:
    """How many claims of each kind a source has."""
    table: dict[str, Counter[str]] = {}
    for shown in views:
        row = table.setdefault(shown.claim.source.name, Counter())
        row.update([*shown.kinds.split(), "all"])
    return table


def _counts(refuted: Sequence[View]) -> dict[str, tuple[int, str]]:
    """By the word for a kind how many there are, and what it means."""
    return {word(kind): (sum(s.claim.kind is kind for s in refuted), means) for kind, means in MEANS.items()}


def _rejected(results: Any) -> tuple[int, int]:
    pairs = [(len(result.mutants) - len(result.surviving_mutants), len(result.mutants)) for result in results]
    return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)


def _by_tightness(views: Sequence[View]) -> dict[str, list[View]]:
    """The inequalities that hold, loosest last, by what was seen."""
    holding = [s for s in views if s.is_inequality and s.claim.verdict is not Verdict.REFUTED
               and s.result is not None and s.result.slack is not None]
    ordered = sorted(holding, key=lambda s: (abs(s.result.slack or 0.0), -(s.met or 0.0), s.id))  # type: ignore[union-attr]
    return {
        "The sides meet": [s for s in ordered if s.tight],
        "Nearly": [s for s in ordered if not s.tight and abs(s.result.slack or 0) <= 0.01],  # type: ignore[union-attr]
        "Never closer than one per cent": [s for s in ordered if abs(s.result.slack or 0) > 0.01],  # type: ignore[union-attr]
    }
