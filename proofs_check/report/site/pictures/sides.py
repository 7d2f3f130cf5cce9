"""The two sides of a claim: at the instance, near it, and over a run."""

from __future__ import annotations

import functools
import math
import tomllib
from collections.abc import Sequence
from pathlib import Path

from proofs_check.claim import Claim, Comparison
from proofs_check.report.site import svg
from proofs_check.report.site.pictures.figure import Figure
from proofs_check.report.site.pictures.scan import FAILS, Scan
from proofs_check.report.site.svg import Axis, Plot, element, short
from proofs_check.run import SLACK_EDGES

MOST_BARS = 40
# Beyond this a logarithmic axis shows nothing but that one end is nearly 0.
STEEPEST = 1e30
SIGNS = {"<=": "≤", ">=": "≥", "==": "="}
TITLES = {"coverage": "Coverage", "size": "By image size", "segment": "From one point to the other"}


@functools.cache
def _all_names() -> dict[str, list[str]]:
    return tomllib.loads((Path(__file__).parents[1] / "sides.toml").read_text(encoding="utf-8"))


def names(claim: Claim) -> tuple[str, str] | None:
    """What stands on the left and on the right, where somebody has written it down."""
    found = _all_names().get(claim.id)
    return None if found is None else (found[0], found[1])


def _labels(claim: Claim) -> tuple[str, str]:
    return names(claim) or ("left", "right")


def _asserts(claim: Claim, relation: str) -> str:
    left, right = _labels(claim)
    return f"The claim: {left} {SIGNS[relation]} {right}"


def two_sides(claim: Claim, found: Comparison) -> Figure | None:
    """The numbers that are compared; nothing where one number equals itself."""
    pairs = [(complex(a).real, complex(b).real) for a, b in found.middles()]
    if found.relation == ">=":
        pairs = [(b, a) for a, b in pairs]
    values = [value for pair in pairs for value in pair]
    if len(pairs) > MOST_BARS or not all(map(math.isfinite, values)) or not any(values):
        return None
    if all(abs(a - b) <= 1e-9 * max(abs(a), abs(b)) for a, b in pairs) and claim.counterexample is None:
        return None
    if len(pairs) == 1:
        return _two_bars(claim, found, pairs[0])
    return _entries(claim, found, pairs)


def _entries(claim: Claim, found: Comparison, pairs: Sequence[tuple[float, float]]) -> Figure:
    series = [[(float(i), pair[side]) for i, pair in enumerate(pairs, 1)] for side in (0, 1)]
    plot = Plot.around(series, "entry", zero=True)
    plot.x = Axis(0.4, len(pairs) + 0.6, plot.x.start, plot.x.end)
    wrong = []
    if claim.counterexample is not None:
        wrong = [i for i, (a, b) in enumerate(pairs, 1) if Comparison(a, found.relation, b).slack() < FAILS]
    plot.shade([float(i) for i in wrong], [float(i) for i in range(1, len(pairs) + 1)])
    for points, name in zip(series, "ab", strict=True):
        for x, y in points:
            plot.dot_at(plot.x(x), plot.y(y), name)
    says = f"{len(pairs)} entries of both sides. {_asserts(claim, found.relation)}, entry by entry"
    says += "; on shaded ground it fails." if wrong else "."
    marks = list(range(1, len(pairs) + 1, max(1, len(pairs) // 6)))
    legend = tuple(zip(("dot a", "dot b"), _labels(claim), strict=True))
    return Figure("The two sides", plot.svg(says, marks), says, legend)


def _two_bars(claim: Claim, found: Comparison, pair: tuple[float, float]) -> Figure:
    low, high = min(0.0, *pair), max(0.0, *pair)
    start_of_all = 12 if low == 0 else 90
    axis = Axis(low, high, start_of_all, svg.WIDTH - 90)
    body = []
    for row, (series, label, value) in enumerate(zip("ab", _labels(claim), pair, strict=True)):
        top = 18 + 50 * row
        start, end = sorted((axis(0.0), axis(value)))
        body.append(element("text", label, x=12, y=top - 5))
        body.append(element("rect", x=start, y=top, width=max(end - start, 1.0), height=22, class_=f"bar {series}"))
        body.append(element("text", f"{value:.6g}", x=max(end, axis(0.0)) + 6, y=top + 15))
    says = f"{short(pair[0])} and {short(pair[1])}. {_asserts(claim, found.relation)}"
    fails = claim.counterexample is not None and found.slack() < -1e-12
    says += ". Here it fails." if fails else "."
    return Figure("The two sides", svg.drawing(body, says, height=100), says)


def scanned(claim: Claim, found: Scan) -> Figure:
    """The sides as something moves, the instance marked, and where the claim fails."""
    series = [list(zip(found.values, side, strict=True)) for side in (found.lhs, found.rhs)]
    values = [*found.lhs, *found.rhs]
    log = found.kind != "coverage" and min(values) > 0 and 50 < max(values) / min(values) < STEEPEST
    y_label = "probability" if found.kind == "coverage" else "both sides" + (", logarithmic" if log else "")
    plot = Plot.around(series, found.label, y_label, log_y=log)
    whole = all(value == int(value) for value in found.values) and len(found.values) <= 14
    wrong = found.failing if claim.counterexample is not None else []
    plot.shade([found.values[i] for i in wrong], found.values)
    plot.line(series[1], "b", dots=whole)
    plot.line(series[0], "a", dots=whole)
    plot.upright(found.at, "counterexample" if claim.counterexample is not None else "this instance")
    for side, mark in zip(series, "ab", strict=True):
        for x, y in side:
            if x == found.at:
                plot.dot_at(plot.x(x), plot.y(y), mark)
    says = f"All else stays as in this instance{f'; {found.entry}' if found.entry else ''}. "
    says += _asserts(claim, found.relation)
    if len(wrong) == len(found.values):
        says += ". It fails everywhere here."
    else:
        says += ". It fails on shaded ground." if wrong else "."
    if all(abs(a - b) <= 1e-9 * max(abs(a), abs(b)) for a, b in zip(found.lhs, found.rhs, strict=True)):
        says += " The two curves lie on each other."
    marks = found.values if whole and len(found.values) <= 9 else None
    title = TITLES.get(found.kind, f"By {found.label}")
    return Figure(title, plot.svg(says, marks), says, tuple(zip("ab", _labels(claim), strict=True)))


# -- the search ----------------------------------------------------------------------------------------


def slack_histogram(counts: Sequence[int], refuted: bool = False) -> Figure | None:
    """How far the sides were apart in the instances of a run; nothing where it was the same everywhere."""
    total = sum(counts)
    if not total or sum(map(bool, counts)) < 2 or len(counts) != len(SLACK_EDGES) + 1:
        return None
    labels = ["meet", *(f"≤ {short(edge)}" for edge in SLACK_EDGES[1:]), "> 1"]
    first = min(i for i, count in enumerate(counts) if count)
    last = max(i for i, count in enumerate(counts) if count)
    shown = range(first, last + 1)
    body, most = [element("text", "slack", x=64, y=12, text_anchor="end", class_="label"),
                  element("text", "instances", x=72, y=12, class_="label")], max(counts)
    for row, i in enumerate(shown):
        top = 20 + 20 * row
        width = 210 * counts[i] / most
        body.append(element("text", labels[i], x=64, y=top + 12, text_anchor="end"))
        body.append(element("rect", x=72, y=top, width=max(width, 1.0), height=15, class_="bar a"))
        body.append(element("text", str(counts[i]), x=72 + width + 5, y=top + 12))
    which = "instances before the first violation" if refuted else "instances"
    says = (f"How far apart the sides were, relative to the larger one, in {total} {which}: {counts[0]} where they "
            f"meet, most ({most}) in the row {labels[list(counts).index(most)]}.")
    return Figure("The slack found", svg.drawing(body, says, height=26 + 20 * len(shown)), says)
