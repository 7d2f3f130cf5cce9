"""Two implementations of one definition: floating point against balls, up to rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from proofs_check.claim import Comparison, Mutant, as_ball, instead

UNIT = 2.0**-53
Values = Callable[[Any, dict[str, Any]], list[Any]]


def agree(found: list[Any], true: list[Any], units: float) -> Comparison:
    """Each result has the shape of the exact one and is finite, and its entries are off by so many units of the largest at most."""
    errors, allowed = [], []
    for mine, exact in zip(found, true, strict=True):
        array, balls = np.asarray(mine), np.asarray(exact, dtype=object)
        if array.shape != balls.shape or not np.isfinite(array.astype(complex)).all():
            return Comparison(1.0, "<=", 0.0)
        size = max((float(abs(as_ball(ball)).mid()) for ball in balls.ravel()), default=0.0)
        errors += [abs(as_ball(ball) - as_ball(entry)) for entry, ball in zip(array.ravel().tolist(), balls.ravel(), strict=True)]
        allowed += [units * UNIT * size] * balls.size
    return Comparison(errors, "<=", [error * 0 + most for error, most in zip(errors, allowed, strict=True)])


def agreement(values: Values, units: float) -> Callable[..., Comparison]:
    """A claim's comparison: what `values` makes of the implementation is what it makes of balls."""
    def compare(impl: Any, **case: Any) -> Comparison:
        return agree(values(impl, case), values(impl.exact, case), units)

    return compare


def slip(values: Values, units: float, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Mutant:
    """The implementation called with other arguments than the balls."""
    return instead(lambda impl, **case: agree(values(impl, {**case, **change(case)}), values(impl.exact, case), units))


def scaled(values: Values, units: float, by: float = 2.0**-20) -> Mutant:
    """Every result made larger by this share."""
    return instead(lambda impl, **case: agree(
        [np.asarray(value) * (1 + by) for value in values(impl, case)], values(impl.exact, case), units))


def near(found: list[Any], wanted: list[Any], units: float) -> Comparison:
    """Numbers that are computed twice in floats: no further apart than so many units of the larger, or of 1."""
    pairs = [(float(a), float(b)) for a, b in zip(found, wanted, strict=True)]
    return Comparison([abs(a - b) for a, b in pairs], "<=", [units * UNIT * max(1.0, abs(a), abs(b)) for a, b in pairs])
