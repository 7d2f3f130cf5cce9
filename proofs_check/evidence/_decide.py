"""One instance, decided: in floats where they are far apart, else in ball arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from flint import ctx

from proofs_check.balls import lift
from proofs_check.claim import Case, Claim, Compare, Comparison, as_ball
from proofs_check.implementation import Implementation, balls
from proofs_check.literals import written

# Floats decide only a slack above this; everything closer is decided by balls. Rounding in the
# reference code stays many orders of magnitude below it (`Claim.rounding` is checked against balls).
CLEAR = 1e-6
PRECISIONS = (106, 320)
# Instances with more entries than LARGE (the layers of a real network) are decided at one precision.
LARGE, LARGE_PRECISION = 256, 64
UNIT_ROUNDOFF = 2.0**-53
# The attribute of an exception that names the instance.
INSTANCE = "lipref_instance"


@dataclass(frozen=True)
class Decision:
    """What one instance says of a claim.

    ``holds`` is the answer of the strongest arithmetic used; ``meets`` that the sides agree to the
    last precision; ``accurate`` that the implementation's floats lie within rounding of the balls
    (None where that was not asked).
    """

    holds: bool
    slack: float
    meets: bool = False
    rigorous: bool = False
    accurate: bool | None = None
    detail: str = ""


def decide(
    claim: Claim, impl: Implementation, case: Case, *, compare: Compare | None = None, rigorous: bool = False
) -> Decision:
    """Decide a case, of the claim or of one of its mutants (`compare`)."""
    try:
        return _decide(claim, impl, case, compare or claim.compare, rigorous)
    except Exception as error:
        # Who reads of the error has to know the instance. The last of many is the shrunken one.
        setattr(error, INSTANCE, written(case))
        raise


def _decide(claim: Claim, impl: Implementation, case: Case, chosen: Compare, rigorous: bool) -> Decision:
    if claim.promise:
        return _decide_exactly(chosen, impl, case)[0]
    found = chosen(impl, **case)
    slack = found.slack()
    if found.exact:
        return _decide_exactly(chosen, impl, case)[0]
    resolved = math.isfinite(rounding_units(claim, case))
    if math.isnan(slack) and resolved:
        return Decision(False, slack, accurate=False, detail="the implementation returned NaN")
    if slack > CLEAR and resolved and not rigorous:
        return Decision(True, slack)
    decision, exact = _decide_exactly(chosen, balls(), lift(case))
    accurate, detail = _accurate(found, exact, rounding_units(claim, case) * UNIT_ROUNDOFF)
    return replace(decision, accurate=accurate, detail=detail)


def _decide_exactly(compare: Compare, impl: Implementation, case: Case) -> tuple[Decision, Comparison]:
    """Raise the precision until the balls separate; sides that never do are said to meet."""
    for precision in (LARGE_PRECISION,) if _entries_of(case) > LARGE else PRECISIONS:
        with ctx.workprec(precision):
            found = compare(impl, **case)
            answer, slack = found.holds(), found.slack()
        if answer is not None:
            return Decision(answer, slack, slack == 0, True), found
    if math.isnan(slack):
        raise ArithmeticError(f"the balls say nothing at {precision} bits: {found}")
    return Decision(True, slack, True, True), found


def _accurate(found: Comparison, exact: Comparison, allowed: float) -> tuple[bool, str]:
    """Whether both float sides lie within the rounding bound of the exact ones."""
    if math.isinf(allowed):
        return True, ""
    for name in ("lhs", "rhs"):
        given, true = getattr(found, name), getattr(exact, name)
        error, size = _distance(given, true)
        if not error <= allowed * max(size, float(found.scale)):
            return False, (
                f"{name}: the implementation gives {_floats(given)}, exact is {_floats(true)}; "
                f"error {error:.2e}, allowed {allowed * max(size, float(found.scale)):.2e}"
            )
    return True, ""


def _distance(given: Any, true: Any) -> tuple[float, float]:
    """How far the farthest float lies outside its ball, and the largest entry."""
    comparison = Comparison(given, "==", true)
    outside = [float(abs(as_ball(a) - as_ball(b)).abs_lower()) for a, b in comparison.pairs()]
    return max(outside), max(max(abs(a), abs(b)) for a, b in comparison.middles())


def _floats(side: Any) -> Any:
    values = [a for a, _ in Comparison(side, "==", side).middles()]
    plain = [v.real if v.imag == 0 else v for v in map(complex, values)]
    return plain[0] if len(plain) == 1 else plain


def rounding_units(claim: Claim, case: Case) -> float:
    """How many units of roundoff the floats of a side may be off.

    The claim's own bound (infinite where floats cannot resolve the sides, so that only balls
    decide), or 64 times the square of the number of entries: every side is a short chain of sums
    and products of that many terms, and a norm obtained backward stably.
    """
    if claim.rounding is not None:
        return claim.rounding(**case)
    return 64.0 * max(2, _entries_of(case)) ** 2


def _entries_of(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return int(value.size)
    if isinstance(value, dict):
        return sum(map(_entries_of, value.values()))
    if isinstance(value, (list, tuple)):
        return sum(map(_entries_of, value))
    return 1
