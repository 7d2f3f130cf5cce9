"""From floats to exact balls, and from object arrays to python-flint's matrices and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import acb, acb_mat, arb, arb_mat


def lift(value: Any) -> Any:
    """The same value with every float replaced by the ball of radius zero at it."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "fc":
            lifted = np.empty(value.shape, dtype=object)
            lifted.ravel()[:] = [lift(v) for v in value.ravel().tolist()]
            return lifted
        return value
    if isinstance(value, complex):
        return acb(value.real, value.imag)
    if isinstance(value, (float, np.floating)):
        return arb(float(value))
    if isinstance(value, dict):
        return {key: lift(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(lift(v) for v in value)
    return value


def ball_array(value: Any) -> np.ndarray:
    """An object array of balls from an array_like of floats, integers or balls."""
    array = np.asarray(value)
    if array.dtype.kind in "iub":
        array = array.astype(float)
    if array.dtype == object:
        out = np.empty(array.shape, dtype=object)
        out.ravel()[:] = [arb(v) if isinstance(v, int) else lift(v) for v in array.ravel()]
        return out
    lifted: np.ndarray = lift(array)
    return lifted


def is_complex(array: np.ndarray) -> bool:
    """Whether an object array holds complex balls."""
    return any(isinstance(v, acb) for v in array.ravel())


def adjoint(array: np.ndarray) -> np.ndarray:
    """Conjugate transpose of an object array."""
    flipped = array.T.copy()
    if is_complex(array):
        flipped.ravel()[:] = [v.conjugate() if isinstance(v, acb) else v for v in flipped.ravel()]
    return flipped


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Matrix product of object arrays of balls, by python-flint."""
    kind = acb_mat if is_complex(a) or is_complex(b) else arb_mat
    result = as_flint(a, kind) * as_flint(b, kind)
    out = np.empty((a.shape[0], b.shape[1]), dtype=object)
    out.ravel()[:] = result.entries()
    return out


def as_flint(array: np.ndarray, kind: Any = None) -> Any:
    """An `arb_mat` or `acb_mat` of the same entries."""
    kind = kind or (acb_mat if is_complex(array) else arb_mat)
    return kind(array.shape[0], array.shape[1], list(array.ravel()))


def euclidean_norm(values: Any) -> arb:
    """The square root of the sum of squared moduli."""
    total = arb(0)
    for v in np.asarray(values, dtype=object).ravel():
        total += abs(v) * abs(v)
    return nonnegative_root(total)


def nonnegative_root(square: arb) -> arb:
    """The square root of a ball known to contain a number that is not negative."""
    return square.sqrt() if square >= 0 else arb(0).union(square.upper().sqrt())
