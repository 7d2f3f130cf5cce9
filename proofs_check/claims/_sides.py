"""Arithmetic that reads the same on floats and on balls, for writing the two sides of a claim."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import acb, arb

from proofs_check.balls._lift import euclidean_norm


def length(v: Any) -> Any:
    """The Euclidean norm of all entries."""
    if np.asarray(v).dtype == object:
        return euclidean_norm(v)
    sizes = np.abs(np.asarray(v))
    return np.sqrt((sizes * sizes).sum())


def sum_of_moduli(K: Any) -> float:
    """For the size of rounding where terms cancel: in floats; balls need none."""
    array = np.asarray(K)
    return float(np.abs(array).sum()) if array.dtype != object else 0.0


def adjoint(W: Any) -> Any:
    """The conjugate transpose."""
    array = np.asarray(W)
    if array.dtype != object:
        return array.conj().T
    return np.frompyfunc(lambda v: v.conjugate() if isinstance(v, acb) else v, 1, 1)(array.T)


def largest(values: Any) -> Any:
    """The largest of some real numbers."""
    first, *rest = list(np.asarray(values, dtype=object).ravel())
    for value in rest:
        first = first.max(value) if isinstance(first, arb) else max(first, value)
    return first


def product(values: Any) -> Any:
    """The product of some numbers, 1 if there are none."""
    result: Any = 1.0
    for value in values:
        result = value * result
    return result


def sine(u: Any, direction: int) -> Any:
    """The sine of the angle between a unit vector and a coordinate axis."""
    return length(np.delete(np.asarray(u), direction))
