"""Diagonal rescalings that make a matrix or a convolution a contraction."""

from __future__ import annotations

import math
from typing import Any

from gpu._arguments import as_matrix, as_matrix_or_kernel, as_real_vector
from gpu._namespace import (
    Array,
    Namespace,
    adjoint,
    any_nonzero,
    matmul,
    namespace_of,
    quiet,
    real_dtype,
    roundoff,
    scaled_by_power_of_two,
    working,
)
from gpu.convolution._zero_padded import gram_step
from gpu.spectral import spectral_norm, spectral_norm_enclosure
from refimpl._arguments import as_choice, as_count

# Row sums above this have all their digits: what underflow takes from them is below their rounding.
SMALLEST = {2.0**-53: 2.0**-900, 2.0**-24: 2.0**-100}


def spectral_normalization(W: Any, *, certified: bool = False) -> Array:
    """`refimpl.layers.spectral_normalization`."""
    xp = namespace_of(W)
    A = as_matrix(W)
    if not any_nonzero(xp, A):
        raise ValueError("W must not be zero, which has no direction to keep, got a zero matrix")
    return normalized(xp, A, certified=certified)


def normalized(xp: Namespace, W: Array, *, certified: bool = False) -> Array:
    """A matrix that is not zero, over its norm, which does not depend on its scale."""
    A, _ = scaled_by_power_of_two(xp, W)
    if as_choice(certified, "certified", (False, True)):
        # Entries are rounded by 3u each at most (twice for complex ones), which moves the norm by less than this.
        room = 1 + 12 * roundoff() * math.sqrt(min(A.shape))
        return working(xp, A) / (spectral_norm_enclosure(A).high * room)
    return working(xp, A) / spectral_norm(A)


def aol_rescaling(W: Any) -> Array:
    """`refimpl.layers.aol_rescaling`."""
    return sll_rescaling(W)


def sll_rescaling(W: Any, q: Any = None) -> Array:
    """`refimpl.layers.sll_rescaling`."""
    return spectral_rescaling(W, 1, q)


def spectral_rescaling(W: Any, n_iter: int, q: Any = None) -> Array:
    """`refimpl.layers.spectral_rescaling`."""
    xp = namespace_of(W, q)
    n_iter = as_count(n_iter, "n_iter", minimum=1)
    given = as_matrix_or_kernel(W, xp=xp)
    columns = given.shape[1]
    if q is None:
        weights = xp.ones_like(xp.abs(given[(0, slice(None), *(0,) * (given.ndim - 2))]))
    else:
        weights = as_real_vector(q, "q", size=columns, xp=xp)
    if not bool(xp.all(weights > 0)):
        raise ValueError(f"q must be positive, got {float(xp.min(weights))}")
    sizes = xp.max(xp.abs(given), axis=(0, *range(2, given.ndim)))
    if not any_nonzero(xp, sizes):
        return xp.astype(xp.zeros_like(sizes), real_dtype(xp))
    scaled, exponent = scaled_by_power_of_two(xp, given)
    A, size, h = working(xp, scaled), 1.0, 1.0
    for _ in range(n_iter):
        length = float(xp.linalg.vector_norm(xp.reshape(A, (-1,))))
        size, h = size * length**h, h / 2
        A = _gram(xp, A / length)
    moduli = xp.abs(A) if A.ndim == 2 else xp.sum(xp.abs(A), axis=(2, 3))
    lost = (sizes > 0) & (xp.linalg.diagonal(moduli) < SMALLEST[roundoff()])
    if bool(xp.any(lost)):
        first = int(xp.argmax(xp.astype(lost, xp.int8)))
        raise OverflowError(f"W loses column {first} to underflow after {n_iter} steps: use fewer")
    with quiet():
        sums = xp.sum(moduli * working(xp, weights[None, :] / weights[:, None]), axis=1)
    if not bool(xp.all(xp.isfinite(sums))):
        raise OverflowError("q leaves the range of floats: its entries are too far apart")
    half = -exponent // 2
    with quiet():
        R = xp.where(sums > 0, sums, xp.ones_like(sums)) ** -h / size
        # The factor may leave the range of the working precision where the result does not.
        R = xp.astype(R, xp.float64) * 2.0**half * 2.0 ** (-exponent - half)
        R = working(xp, xp.where(sums > 0, R, xp.zeros_like(R)))
    if not bool(xp.all(xp.isfinite(R))):
        raise OverflowError("R leaves the range of floats: scale W up")
    return R


def _gram(xp: Namespace, A: Array) -> Array:
    return gram_step(xp, A) if A.ndim == 4 else matmul(adjoint(xp, A), A)
