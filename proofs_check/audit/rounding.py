"""Sums, products and roots that rounding cannot make too small, and intervals that it cannot make too narrow."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def up(x: float) -> float:
    """The next float above; zero and infinity stay."""
    return x if x == 0 else math.nextafter(x, math.inf)


def times(*factors: float) -> float:
    """A product of numbers that are not negative, not below the exact one; 0 times infinity is 0: nothing arrives."""
    if 0.0 in factors:
        return 0.0
    total = 1.0
    for factor in factors:
        total = factor if total == 1.0 else total if factor == 1.0 else max(up(total * factor), 5e-324)
    return total


def plus(terms: Iterable[float]) -> float:
    """A sum of numbers that are not negative, not below the exact one."""
    total = 0.0
    for term in terms:
        total = term if total == 0 else total if term == 0 else up(total + term)
    return total


def length(terms: Iterable[float]) -> float:
    """The root of a sum of squares, not below the exact one."""
    some = [term for term in terms if term != 0]
    return 0.0 if not some else some[0] if len(some) == 1 else up(up(up(math.hypot(*some))))


def root(x: float) -> float:
    """A square root, not below the exact one; exact for squares of small integers."""
    r = math.sqrt(x)
    return r if r * r == x and x < 2.0**50 and x == int(x) else up(r)


def below(x: Any) -> Array:
    """The next floats below."""
    return np.nextafter(np.asarray(x, dtype=np.float64), -np.inf)


def above(x: Any) -> Array:
    """The next floats above."""
    return np.nextafter(np.asarray(x, dtype=np.float64), np.inf)


def widened(low: Any, high: Any, ulps: int = 1) -> tuple[Array, Array]:
    """An interval whose ends were computed with an error of at most so many units in the last place, made safe."""
    low, high = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    for _ in range(ulps):
        low, high = below(low), above(high)
    return low, high


def interval_sum(a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array]:
    """The sum, outward."""
    with np.errstate(invalid="ignore", over="ignore"):
        low, high = a[0] + b[0], a[1] + b[1]
    return _safe(*widened(low, high))


def interval_product(a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array]:
    """The product, outward; 0 times infinity is 0, as the ends are limits and not values."""
    with np.errstate(invalid="ignore", over="ignore"):
        corners = np.broadcast_arrays(*(np.where((x == 0) | (y == 0), 0.0, x * y) for x in a for y in b))
    return _safe(*widened(np.minimum.reduce(corners), np.maximum.reduce(corners)))


def interval_negative(a: tuple[Array, Array]) -> tuple[Array, Array]:
    """-a."""
    return -a[1], -a[0]


def interval_reciprocal(a: tuple[Array, Array]) -> tuple[Array, Array]:
    """1 / a, outward; everything where a holds 0."""
    holds = (a[0] <= 0) & (a[1] >= 0)
    with np.errstate(divide="ignore"):
        low, high = widened(1 / np.where(holds, 1.0, a[1]), 1 / np.where(holds, 1.0, a[0]))
    return np.where(holds, -np.inf, low), np.where(holds, np.inf, high)


def _safe(low: Array, high: Array) -> tuple[Array, Array]:
    """Where a difference of infinities gave NaN, nothing is known."""
    return np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)
