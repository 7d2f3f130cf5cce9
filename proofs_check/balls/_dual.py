"""Forward differentiation in balls: a value with its derivative along one direction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from proofs_check.balls._lift import ball_array


@dataclass(frozen=True)
class Dual:
    """``value + slope * t`` to first order in t."""

    value: Any
    slope: Any

    def __add__(self, other: Any) -> Dual:
        other = _dual(other)
        return Dual(self.value + other.value, self.slope + other.slope)

    __radd__ = __add__

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.slope)

    def __sub__(self, other: Any) -> Dual:
        return self + (-_dual(other))

    def __rsub__(self, other: Any) -> Dual:
        return (-self) + other

    def __mul__(self, other: Any) -> Dual:
        other = _dual(other)
        return Dual(self.value * other.value, self.slope * other.value + self.value * other.slope)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Dual:
        other = _dual(other)
        quotient = self.value / other.value
        return Dual(quotient, (self.slope - quotient * other.slope) / other.value)

    def __rtruediv__(self, other: Any) -> Dual:
        return _dual(other) / self

    def sqrt(self) -> Dual:
        """The square root, at a positive value."""
        root = self.value.sqrt()
        return Dual(root, self.slope / (2 * root))

    def exp(self) -> Dual:
        """The exponential."""
        power = self.value.exp()
        return Dual(power, self.slope * power)


def _dual(value: Any) -> Dual:
    return value if isinstance(value, Dual) else Dual(value, arb(0))


def derivative(f: Callable[[np.ndarray], Any], x: Any) -> np.ndarray:
    """The Jacobian matrix at x of a map of vectors (or a scalar function: one row)."""
    point = ball_array(x)
    columns = []
    for j in range(point.size):
        moved = np.empty(point.size, dtype=object)
        moved[:] = [Dual(v, arb(int(i == j))) for i, v in enumerate(point)]
        values = np.atleast_1d(np.asarray(f(moved), dtype=object))
        columns.append([_dual(v).slope for v in values])
    return np.array(columns, dtype=object).T
