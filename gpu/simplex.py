"""Maps onto a simplex, as in `refimpl.simplex`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_compat
import numpy as np

from gpu._arguments import as_real_array
from gpu._namespace import Array, Namespace, namespace_of, on_device, quiet, working
from refimpl._arguments import as_number

__all__ = ["hardmax", "softmax", "sparsemax"]

# Entries of which half a dozen copies fit into the caches of a core.
CACHED = 2**15
# Up to so many classes many samples side by side are faster than one after the other.
FEW = 64
# Rounds in which a set shrinks to the support, before the scores are sorted instead.
ROUNDS = 24


def _rows(z: Any) -> tuple[Namespace, Array, bool]:
    """Scores, samples as rows, and whether there was one."""
    xp = namespace_of(z)
    scores = as_real_array(z, "z", "a vector or a batch of vectors")
    if scores.ndim not in (1, 2):
        raise ValueError(f"z must be (c,) or (samples, c), got shape {scores.shape}")
    return xp, scores if scores.ndim == 2 else scores[None, :], scores.ndim == 1


def _shifted(xp: Namespace, rows: Array, t: float) -> Array:
    """Scores over the temperature, the largest at 0; halves cannot leave the range of floats when subtracted."""
    with quiet():
        return working(xp, 2 * ((rows / 2 - xp.max(rows, axis=1, keepdims=True) / 2) / t))


def softmax(z: Any, *, temperature: float = 1.0, mass: float = 1.0) -> Array:
    """`refimpl.simplex.softmax`."""
    xp, rows, single = _rows(z)
    t, r = as_number(temperature, "temperature", above=0), as_number(mass, "mass", above=0)

    def shares(part: Array) -> Array:
        powers = xp.exp(_shifted(xp, part, t))
        return r * (powers / xp.sum(powers, axis=1, keepdims=True))

    p = _by_parts(xp, rows, shares)
    return p[0, :] if single else p


def hardmax(z: Any, *, mass: float = 1.0) -> Array:
    """`refimpl.simplex.hardmax`."""
    xp, rows, single = _rows(z)
    r = as_number(mass, "mass", above=0)
    top = working(xp, xp.astype(rows == xp.max(rows, axis=1, keepdims=True), xp.float64))
    p = top * (r / xp.sum(top, axis=1, keepdims=True))
    return p[0, :] if single else p


def sparsemax(z: Any, *, temperature: float = 1.0, mass: float = 1.0) -> Array:
    """`refimpl.simplex.sparsemax`."""
    xp, rows, single = _rows(z)
    t, r = as_number(temperature, "temperature", above=0), as_number(mass, "mass", above=0)
    p = _by_parts(xp, rows, lambda part: _nearest(xp, part, t, r))
    return p[0, :] if single else p


def _by_parts(xp: Namespace, rows: Array, f: Callable[[Array], Array]) -> Array:
    """A function of rows, on the host for as many at a time as the caches hold with all that is made of them."""
    step = max(1, CACHED // rows.shape[1])
    if on_device(xp) or rows.shape[0] <= step:
        return f(rows)
    ends = [*range(step, rows.shape[0], step), rows.shape[0]]
    return xp.concat([f(rows[start:end, :]) for start, end in zip([0, *ends[:-1]], ends, strict=True)], axis=0)


def _nearest(xp: Namespace, rows: Array, t: float, r: float) -> Array:
    """The points of the simplex nearest to rows of scores."""
    with quiet():
        scores = _shifted(xp, rows, t) / r  # in units of the mass
    rho = None
    if array_api_compat.is_numpy_namespace(xp):
        rho = _by_shrinking(np.ascontiguousarray(scores.T), 0) if scores.shape[1] <= FEW else _by_shrinking(scores, 1)
    rho = _by_sorting(xp, scores) if rho is None else rho
    with quiet():
        return r * xp.maximum(scores - rho, xp.zeros_like(scores))


def _by_sorting(xp: Namespace, scores: Array) -> Array:
    """What is taken from each score, of rows whose largest is 0."""
    # Scores more than 1 below the largest get nothing.
    ordered = xp.maximum(xp.sort(scores, axis=1, descending=True), xp.full_like(scores, -2.0))
    counts = xp.arange(1, scores.shape[1] + 1, dtype=scores.dtype, device=array_api_compat.device(scores))
    sums = xp.cumulative_sum(ordered, axis=1)
    inside = xp.astype(1 + counts * ordered > sums, ordered.dtype)
    support = xp.sum(inside, axis=1, keepdims=True)
    # The scores inside are the first ones of each row.
    return (xp.sum(ordered * inside, axis=1, keepdims=True) - 1) / support


def _by_shrinking(scores: Any, axis: int) -> Any:
    """The same: what is taken if all of a set get something, from the set down to those that do (Michelot 1986).

    None where the sets shrink too slowly; classes on the given axis.
    """
    scores = np.maximum(scores, -2.0)  # no score that is -infinite may meet a 0
    inside = scores > -1
    support = inside.sum(axis=axis, keepdims=True, dtype=scores.dtype)
    for _ in range(ROUNDS):
        rho = ((scores * inside).sum(axis=axis, keepdims=True) - 1) / support
        inside &= scores > rho
        left = inside.sum(axis=axis, keepdims=True, dtype=scores.dtype)
        if (left == support).all():
            return rho.reshape(-1, 1)
        support = left
    return None
