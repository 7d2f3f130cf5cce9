"""Maps onto a simplex in balls."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb

from proofs_check.balls._lift import ball_array


def _rows(z: Any, one: Any) -> np.ndarray:
    array = ball_array(z)
    out = np.empty(array.shape, dtype=object)
    for place in np.ndindex(*array.shape[:-1]):
        out[place] = one(array[place])
    return out


def softmax(z: Any, *, temperature: Any = 1.0, mass: Any = 1.0) -> np.ndarray:
    """Powers over their sum."""
    def one(row: np.ndarray) -> np.ndarray:
        powers = np.array([(v / arb(temperature)).exp() for v in row], dtype=object)
        shares: np.ndarray = powers / sum(powers, arb(0)) * arb(mass)
        return shares

    return _rows(z, one)


def hardmax(z: Any, *, mass: Any = 1.0) -> np.ndarray:
    """The mass shared by those that nothing is above."""
    def one(row: np.ndarray) -> np.ndarray:
        top = [all(not v < w for w in row) for v in row]
        return np.array([arb(mass) / sum(top) if t else arb(0) for t in top], dtype=object)

    return _rows(z, one)


def sparsemax(z: Any, *, temperature: Any = 1.0, mass: Any = 1.0) -> np.ndarray:
    """The threshold of every number of positive entries; the right one is the largest of them."""
    def one(row: np.ndarray) -> np.ndarray:
        scores = [v / arb(temperature) for v in row]
        ordered = sorted(scores, key=float, reverse=True)
        threshold = None
        for k in range(1, len(ordered) + 1):
            # Of the k largest entries: the root of a convex function seen from the left.
            rho = (sum(ordered[:k], arb(0)) - arb(mass)) / k
            threshold = rho if threshold is None else threshold.max(rho)
        return np.array([(v - threshold).max(arb(0)) for v in scores], dtype=object)

    return _rows(z, one)
