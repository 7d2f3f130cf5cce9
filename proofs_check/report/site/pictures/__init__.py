"""The pictures of an instance, chosen by what it holds."""

from __future__ import annotations

from proofs_check.claim import Case, Claim, Comparison
from proofs_check.implementation import Implementation
from proofs_check.report.site.pictures import functions, growth, matrices, risk, sides
from proofs_check.report.site.pictures.figure import Figure
from proofs_check.report.site.pictures.scan import scans


def figures(claim: Claim, impl: Implementation, case: Case, found: Comparison) -> list[Figure]:
    """All that explain something about the instance."""
    drawn = [
        sides.two_sides(claim, found),
        *(sides.scanned(claim, scan) for scan in scans(claim, impl, case)),
        growth.explosion(claim, impl, case),
        matrices.permuted(impl, case) if claim.id == "thesis.thm-3.4.3" else _object(impl, case),
    ]
    return [figure for figure in drawn if figure is not None]


def _object(impl: Implementation, case: Case) -> Figure | None:
    """What the instance is made of: the first kind that fits."""
    tried = (
        lambda: matrices.kernel(case), lambda: functions.ramp(case), lambda: functions.scores(impl, case),
        lambda: functions.activation(impl, case), lambda: growth.chain(case), lambda: matrices.matrix(case),
        lambda: functions.kink(impl, case), lambda: functions.line_through(case), lambda: risk.counts(case),
        lambda: risk.intervals(impl, case),
    )
    return next((figure for figure in (draw() for draw in tried) if figure is not None), None)
