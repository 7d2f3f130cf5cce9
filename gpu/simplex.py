"""Maps onto a simplex, as in `refimpl.simplex`."""

from __future__ import annotations

from typing import Any

from gpu._arguments import as_real_array
from gpu._namespace import Array, Namespace, namespace_of, quiet, working
from refimpl._arguments import as_number

__all__ = ["hardmax", "softmax", "sparsemax"]


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
    powers = xp.exp(_shifted(xp, rows, t))
    p = r * (powers / xp.sum(powers, axis=1, keepdims=True))
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
    with quiet():
        scores = _shifted(xp, rows, t) / r  # in units of the mass
    # Scores more than 1 below the largest, which is 0, get nothing.
    ordered = xp.maximum(xp.sort(scores, axis=1, descending=True), xp.full_like(scores, -2.0))
    counts = xp.cumulative_sum(xp.ones_like(ordered), axis=1)
    sums = xp.cumulative_sum(ordered, axis=1)
    inside = xp.astype(1 + counts * ordered > sums, ordered.dtype)
    support = xp.sum(inside, axis=1, keepdims=True)
    # The scores inside are the first ones of each row.
    rho = (xp.sum(ordered * inside, axis=1, keepdims=True) - 1) / support
    with quiet():
        p = r * xp.maximum(scores - rho, xp.zeros_like(scores))
    return p[0, :] if single else p
