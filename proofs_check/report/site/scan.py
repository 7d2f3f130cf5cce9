"""Both sides of a claim as one of its arguments varies, within what the search draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from proofs_check.claim import Case, Claim
from proofs_check.evidence import random
from proofs_check.implementation import Implementation

# What a reader would turn first. Labels, seeds and places of entries are no quantities.
ORDER = ("n_iter", "depth", "sigma", "epsilon", "alpha", "delta", "rate", "slope", "p", "radius", "temperature",
         "n", "m", "n0", "t", "x", "y", "z", "s", "a", "b", "c", "q", "scale", "step", "mass", "share", "k", "terms")
DRAWN = 20
MOST = 12
POINTS = 25
FAILS = -1e-6


@dataclass(frozen=True)
class Scan:
    """The argument, its values, the two sides there, and where the instance itself stands."""

    name: str
    values: list[float]
    lhs: list[float]
    rhs: list[float]
    relation: str
    at: float


def scan(claim: Claim, impl: Implementation, case: Case) -> Scan | None:
    """The first argument that moves a scalar side, or None."""
    names = [name for name in ORDER if _is_number(case.get(name))]
    if not names:
        return None
    drawn = random.draw(claim, examples=DRAWN, seed_=0, where=lambda **_: True)
    for name in names:
        values = _values(case[name], [other[name] for other in drawn if _is_number(other.get(name))])
        found = _sides(claim, impl, case, name, values)
        if found is not None:
            return found
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _values(at: Any, drawn: Sequence[Any]) -> list[Any]:
    """Whole numbers near the instance's, or evenly spread floats, all within the range that was drawn."""
    low, high = min([at, *drawn]), max([at, *drawn])
    if isinstance(at, (int, np.integer)):
        first = max(math.ceil(low), int(at) - MOST // 2)
        return list(range(first, min(math.floor(high), first + MOST) + 1))
    near = max(abs(at), (high - low) / 8)
    low, high = max(low, at - 3 * near), min(high, at + 3 * near)
    return sorted({*np.linspace(low, high, POINTS).tolist(), float(at)})


def _sides(claim: Claim, impl: Implementation, case: Case, name: str, values: Sequence[Any]) -> Scan | None:
    rows = []
    relation = "=="
    for value in values:
        moved = {**case, name: value}
        try:
            if not claim.admits(moved):
                continue
            found = claim.compare(impl, **moved)
        except (ValueError, ArithmeticError, IndexError):
            # The other arguments do not allow this value.
            continue
        pairs = np.broadcast(np.asarray(found.lhs, dtype=object), np.asarray(found.rhs, dtype=object))
        if pairs.size != 1:
            return None
        relation = found.relation
        left, right = (complex(middle) for middle in found.middles()[0])
        if relation == ">=":
            left, right = right, left
        if left.imag or right.imag or not math.isfinite(left.real) or not math.isfinite(right.real):
            continue
        if claim.counterexample is None and found.slack() < FAILS:
            # The argument is bound to another one by the domain, so it must not be moved alone.
            return None
        rows.append((float(value), left.real, right.real))
    if len(rows) < 3 or all(_still([row[side] for row in rows]) for side in (1, 2)):
        return None
    moving, lhs, rhs = (list(column) for column in zip(*rows, strict=True))
    return Scan(name, moving, lhs, rhs, relation, float(case[name]))


def _still(values: Sequence[float]) -> bool:
    return max(values) - min(values) <= 1e-9 * max(map(abs, values))
