"""Enclosures of spectral norms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gpu._arguments import as_matrix
from gpu._namespace import (
    Array,
    Namespace,
    adjoint,
    any_nonzero,
    is_complex,
    matmul,
    namespace_of,
    product_error,
    roundoff,
    scaled_by_power_of_two,
    working,
)
from gpu.spectral._certified import UP, conversion_error, eigenvalues_below, length_above, nudged, tiny
from gpu.spectral._norms import leading_pair, smaller_gram
from refimpl.spectral import SpectralNormEnclosure

__all__ = ["SpectralNormEnclosure", "spectral_norm_enclosure"]


def spectral_norm_enclosure(W: Any) -> SpectralNormEnclosure:
    """`refimpl.spectral.spectral_norm_enclosure`, by other means: a residual of Cholesky's factors, bounds in floats.

    The relative width is of the order of ``n**2`` times the roundoff of the arithmetic that is asked for.
    """
    xp = namespace_of(W)
    given = as_matrix(W)
    if given.shape == (1, 1) and not is_complex(xp, given):
        exact = abs(float(given[0, 0]))
        return SpectralNormEnclosure(exact, exact)
    if not any_nonzero(xp, given):
        return SpectralNormEnclosure(0.0, 0.0)
    scaled, exponent = scaled_by_power_of_two(xp, given)
    A = working(xp, scaled)
    loss = conversion_error(xp, given, scaled, A, exponent)
    A = A if A.shape[0] >= A.shape[1] else adjoint(xp, A)
    G = smaller_gram(xp, A)
    square, vector = leading_pair(xp, G)
    low = max(0.0, _low(xp, A, vector) - loss * UP)
    high = (_high(xp, A, G, square) + loss) * UP
    below = math.ldexp(low, exponent)
    if 0 < below < 2.0**-1020:
        below = math.nextafter(below, 0.0)
    return SpectralNormEnclosure(min(below, np.finfo(float).max), nudged(high, exponent))


def _low(xp: Namespace, A: Array, v: Array) -> float:
    """||A v|| / ||v||, with the rounding of A v taken off."""
    size = float(length_above(xp, v))
    error = product_error(A.shape[1], complex_entries=is_complex(xp, A)) * float(length_above(xp, A)) * size
    y = matmul(A, v)
    # Divided by the same room that `length_above` multiplies with, twice: from above to below.
    room = (1 + (y.shape[0] + 8) * roundoff() * 1.01) ** 2 * UP
    return ((float(length_above(xp, y)) - tiny()) / room - error - 2 * tiny()) / size / UP


def _high(xp: Namespace, A: Array, G: Array, estimate: float) -> float:
    """The root of a square that exceeds the eigenvalues of the Gram matrix for certain."""
    length = float(length_above(xp, A))
    n = A.shape[1]
    gram_error = product_error(A.shape[0], complex_entries=is_complex(xp, A)) * length**2
    slack = 4.0 * n * roundoff()
    while slack < 1:
        square = estimate * (1 + slack)
        above = float(eigenvalues_below(xp, G[None, ...], square, gram_error)[0])
        if math.isfinite(above):
            return min(math.sqrt(above) * UP, length)
        slack *= 4
    return length
