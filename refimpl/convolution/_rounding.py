"""Rounding bounds for the certified bounds of convolutions: rational numbers, rounded outward.

Arrays are scaled so that their largest part is about 1; then TINY is far more than all that can be lost to
underflow. u is the unit roundoff, and a sum of k products is off by at most ``relative_error(k)`` times the
sum of the absolute values.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from refimpl.convolution._geometry import Pair, kernel_size
from refimpl.spectral._enclosure import relative_error, sqrt_above, sum_of_squares_above

__all__ = [
    "cosine_below", "density_blocks", "gram_kernel_error", "sum_of_magnitudes_above", "sum_of_moduli_squared_above",
]

Array = npt.NDArray[Any]

TINY = Fraction(1, 2**500)
BITS = 256
PI = 0x3243F6A8885A308D313198A2E03707344A4093822299F31D0082EFA98EC4E6C89  # pi * 2^BITS, rounded down


def _turn(part: Fraction) -> tuple[int, int]:
    """Cosine and sine of ``2 pi part``, 0 <= part <= 1, times 2^BITS, off by less than 2^20.

    Taylor's series in integers: 96 terms leave less than (2 pi)^96 / 96! < 2^-240.
    """
    angle = 2 * PI * part.numerator // part.denominator
    parts, term = [0, 0], 1 << BITS
    for k in range(96):
        parts[k % 2] += term if k % 4 < 2 else -term
        term = (term * angle >> BITS) // (k + 1)
    return parts[0], parts[1]


def cosine_below(part: Fraction) -> Fraction:
    """A number not above the cosine of ``2 pi part``."""
    return Fraction(_turn(part)[0] - 2**20, 2**BITS)


def _unit_roots(n: int) -> Array:
    """exp(-2 pi i j / n) for j = 0, ..., n - 1, each part off by at most u."""
    pairs = [_turn(Fraction(j, n)) for j in range(n)]
    return np.array([complex(c / 2**BITS, -s / 2**BITS) for c, s in pairs])


def density_blocks(K: Array, n: Pair) -> tuple[Array, Fraction]:
    """The frequency blocks (half of them for a real kernel), and a bound on the Frobenius norm of any block's error.

    A sum over the taps with unit roots of known error: a fast Fourier transform would have a smaller error
    in practice, but the library that runs it states no bound.
    """
    (h, w), (k_h, k_w) = n, kernel_size(K)
    u, v = np.arange(h), np.arange(w if np.iscomplexobj(K) else w // 2 + 1)
    vertical = _unit_roots(h)[np.outer(u, np.arange(k_h)) % h]
    horizontal = _unit_roots(w)[np.outer(v, np.arange(k_w)) % w]
    partial = np.tensordot(vertical, K, axes=(1, 2))  # u, c_out, c_in, q
    D = np.tensordot(partial, horizontal, axes=(3, 1)).transpose(0, 3, 1, 2)
    # Real and imaginary parts are sums of at most 2 k_h and 2 k_w products, of unit roots off by 2u.
    relative = 4 * relative_error(2 * k_h + 2 * k_w + 8)
    return D, relative * sqrt_above(sum_of_moduli_squared_above(_tap_sums(K))) + TINY


def _tap_sums(K: Array) -> Array:
    """For each pair of channels not less than the sum of the moduli of its taps."""
    return np.asarray((np.abs(K).sum(axis=(2, 3)) + 2.0**-1000) * (1 + (K.shape[2] * K.shape[3] + 4) * 2.0**-50))


def gram_kernel_error(K: Array) -> Fraction:
    """A bound on the norm of the rounding error of the Gram kernel, as an operator.

    The norm of a kernel's operator is at most the sum over its taps of their Frobenius norms, and a tap of the
    error is at most a multiple of the Gram kernel of the moduli.
    """
    c_out, _, k_h, k_w = K.shape
    lengths = np.linalg.norm(K, axis=(0, 1))
    total = Fraction(math.fsum(lengths.ravel().tolist())) * (1 + Fraction(K.shape[0] * K.shape[1] + 8, 2**52)) + TINY
    return 4 * relative_error(2 * c_out + k_h * k_w + 4) * total**2 + TINY


def sum_of_magnitudes_above(A: Array) -> Fraction:
    """Not less than the sum of the moduli of the entries."""
    moduli = np.abs(A) if np.iscomplexobj(A) else np.abs(A).real
    total = Fraction(math.fsum(moduli.ravel().tolist()))
    return total * (1 + Fraction(8, 2**53)) + TINY if np.iscomplexobj(A) else total * (1 + Fraction(1, 2**53))


def sum_of_moduli_squared_above(A: Array) -> Fraction:
    """Not less than the sum of the squared moduli of the entries."""
    return sum_of_squares_above(A.real) + (sum_of_squares_above(A.imag) if np.iscomplexobj(A) else 0)
