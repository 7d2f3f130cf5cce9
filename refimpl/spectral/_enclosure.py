"""Bounds on the spectral norm that rounding cannot break: a-posteriori error bounds, rounded outward.

Notation of the comments: u is the unit roundoff, eta the smallest positive float, and
``gamma(k) = k u / (1 - k u)`` bounds the relative error of a sum of k products in any order of
summation, with fused multiply-add or without: the bounds hold for every BLAS and LAPACK that computes
products by such sums (not by Strassen's method) and keeps subnormal numbers.
Matrices are computed in floats; every scalar bound is computed exactly, in fractions.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_matrix
from refimpl.spectral._norms import scaled_by_power_of_two

Array = npt.NDArray[Any]

_U = Fraction(1, 2**53)
_ETA = Fraction(1, 2**1074)


class SpectralNormEnclosure(NamedTuple):
    """Two floats with the exact spectral norm between them, ends included."""

    low: float
    high: float


def spectral_norm_enclosure(W: npt.ArrayLike) -> SpectralNormEnclosure:
    r"""Rigorous lower and upper bound on the spectral norm of the given float matrix.

    The lower end is :math:`\lVert W v \rVert / \lVert v \rVert` for a vector from the singular value
    decomposition. The upper end is an s for which a Cholesky factorisation of
    :math:`s^2 I - W^* W` runs to completion, which proves that :math:`\sigma_1 \le s` up to an error
    that is bounded and added (Rump, Verification of positive definiteness, 2006).

    Parameters
    ----------
    W : (m, n) array_like
        Finite real or complex matrix, not empty; entries of any size that floats have.

    Returns
    -------
    enclosure : SpectralNormEnclosure
        ``low`` and ``high``, in the units of `W`. ``high`` is infinite if the norm is not certain to be
        below the largest float. The relative width is of the order of ``n**2 * 1e-16`` for n the smaller
        side (twice that side for complex `W`), and ``m * 1e-16`` for m the larger.

    Raises
    ------
    ValueError
        If `W` is not a finite, non-empty matrix.

    References
    ----------
    lipref.enclosure, lipref.enclosure-width

    Examples
    --------
    >>> low, high = spectral_norm_enclosure([[1, 1], [0, 1]])
    >>> low <= (1 + 5**0.5) / 2 <= high, (high - low) < 1e-14
    (True, True)
    """
    given = as_matrix(W)
    if given.shape == (1, 1) and not np.iscomplexobj(given):
        exact = abs(float(given[0, 0]))
        return SpectralNormEnclosure(exact, exact)
    if not given.any():
        return SpectralNormEnclosure(0.0, 0.0)
    A = _real_form(given)
    A, exponent, loss = scaled_with_loss(A if A.shape[0] >= A.shape[1] else A.T)
    scale = _power_of_two(exponent)
    estimate, v = _leading_pair(A)
    low = max(Fraction(0), _lower_bound(A, v) - loss) * scale
    high = (_upper_bound(A, estimate) + loss) * scale
    return SpectralNormEnclosure(float_below(low), float_above(high))


def certified_gram_bound(W: Array, n_iter: int, error: Fraction = Fraction(0)) -> float:
    """Gram iteration with Frobenius read-out, not below its exact value nor the spectral norm.

    Of every matrix whose distance from W in the Frobenius norm is at most `error`. The bound after k
    steps is a Schatten norm f_k with ``f_k(A) = f_{k-1}(A^T A)^(1/2)``, and
    ``f(B + E) <= f(B) + ||E||_F``. So the rounding error of every Gram matrix is added on the way back.
    """
    if not W.any():
        return float_above(error)
    A, exponent, loss = scaled_with_loss(_real_form(W))
    # The real form of a complex matrix has the root of 2 times its Frobenius norm.
    error = (2 if np.iscomplexobj(W) else 1) * error / _power_of_two(exponent) + loss
    levels = [(exponent, error)]
    for _ in range(n_iter):
        rounding = _product_error(A)
        A, exponent, loss = scaled_with_loss(A.T @ A)
        levels.append((exponent, rounding / _power_of_two(exponent) + loss))
    bound = sqrt_above(sum_of_squares_above(A))
    for step, (exponent, error) in reversed(list(enumerate(levels))):
        bound = (bound + error) * _power_of_two(exponent)
        if step > 0:
            bound = sqrt_above(bound)
    if np.iscomplexobj(W):
        # Every singular value came twice: the bound is too large by the root of 2 of order 2^(n+1).
        twice = Fraction(2)
        for _ in range(n_iter + 1):
            twice = sqrt_below(twice)
        bound /= twice
    return float_above(bound)


def _real_form(W: Array) -> Array:
    """A real matrix with the same singular values, each twice where W is complex."""
    if not np.iscomplexobj(W):
        return W
    return np.block([[W.real, -W.imag], [W.imag, W.real]])


def scaled_with_loss(W: Array) -> tuple[Array, int, Fraction]:
    """A, exponent and a bound on ``||W / 2**exponent - A||_F``: entries may underflow."""
    A, exponent = scaled_by_power_of_two(W)
    exact = (np.ldexp(A.real, exponent) == W.real).all() and (np.ldexp(A.imag, exponent) == W.imag).all()
    return A, exponent, Fraction(0) if exact else 4 * A.size * _ETA


def _power_of_two(exponent: int) -> Fraction:
    return Fraction(2) ** exponent


def _leading_pair(A: Array) -> tuple[float, Array]:
    """Approximate norm and right singular vector; neither has to be accurate."""
    try:
        _, sigma, Vh = np.linalg.svd(A, full_matrices=False)
        return float(sigma[0]), Vh[0]
    except np.linalg.LinAlgError:
        lengths = np.linalg.norm(A, axis=0)
        return float(np.linalg.norm(A)), np.eye(A.shape[1])[lengths.argmax()]


def _lower_bound(A: Array, v: Array) -> Fraction:
    """||A v|| / ||v||, with the rounding of A v taken off."""
    m, n = map(int, A.shape)
    y, z = A @ v, np.abs(A) @ np.abs(v)
    gamma = relative_error(n)
    # |y - A v| <= gamma |A||v| + n eta, and |A||v| <= (z + n eta) / (1 - gamma).
    error = gamma / (1 - gamma) * sqrt_above(_exact_sum_of_squares(z)) + 3 * n * m * _ETA
    return (sqrt_below(_exact_sum_of_squares(y)) - error) / sqrt_above(_exact_sum_of_squares(v))


def _upper_bound(A: Array, estimate: float) -> Fraction:
    """The root of an s^2 for which Cholesky's factorisation of s^2 I - A^T A succeeds, errors added."""
    n = A.shape[1]
    G = A.T @ A
    G = np.tril(G) + np.tril(G, -1).T
    slack = 4.0 * n * float(_U)
    while slack < 1:
        square = estimate * estimate * (1 + slack)
        B = square * np.eye(n) - G
        if _cholesky_completes(B):
            diagonal = [Fraction(float(d)) for d in np.diag(B)]
            # Rump's gamma(n + 1) tr(B) / (1 - gamma(n + 1)), with n + 2 for a LAPACK that multiplies by the
            # reciprocal of a pivot; an entry loses at most (n + root of a pivot) eta to underflow.
            gamma = relative_error(n + 2)
            underflow = 12 * n * (n + 1) * (2 * n + 1 + max(diagonal)) * _ETA
            factorisation = gamma / (1 - gamma) * sum(diagonal, Fraction(0)) + underflow
            subtraction = _U * max(diagonal) + _ETA
            total = Fraction(square) + factorisation + subtraction + _product_error(A)
            return min(sqrt_above(total), _frobenius_above(A))
        slack *= 4
    return _frobenius_above(A)


def _cholesky_completes(B: Array) -> bool:
    if not (np.diag(B) > 0).all():
        return False
    try:
        return bool(np.isfinite(np.linalg.cholesky(B)).all())
    except np.linalg.LinAlgError:
        return False


def _product_error(A: Array) -> Fraction:
    """A bound on the Frobenius norm of the rounding error of the computed A^T A."""
    m, n = map(int, A.shape)
    return relative_error(m) * sum_of_squares_above(A) + m * n * n * _ETA


def relative_error(k: int) -> Fraction:
    return Fraction(k, 2**53 - k)


def _frobenius_above(A: Array) -> Fraction:
    return sqrt_above(sum_of_squares_above(A))


def _exact_sum_of_squares(v: Array) -> Fraction:
    return sum((Fraction(float(x)) ** 2 for x in v), Fraction(0))


def sum_of_squares_above(A: Array) -> Fraction:
    """Squares are off by u or eta each, their correctly rounded sum by u."""
    return Fraction(math.fsum((A * A).ravel().tolist())) * (1 + 3 * _U) + (A.size + 1) * _ETA


def _scaled_root(x: Fraction) -> tuple[int, int]:
    """An integer r and a shift s with ``r / 2**s <= sqrt(x) <= (r + 1) / 2**s``, to 80 digits of 2 or more."""
    shift = max(0, 160 - (x.numerator.bit_length() - x.denominator.bit_length())) // 2 + 1
    return math.isqrt((x.numerator << (2 * shift)) // x.denominator), shift


def sqrt_below(x: Fraction) -> Fraction:
    """A fraction not above the square root of x >= 0."""
    root, shift = _scaled_root(x)
    return Fraction(root, 2**shift)


def sqrt_above(x: Fraction) -> Fraction:
    """A fraction not below the square root of x >= 0."""
    root, shift = _scaled_root(x)
    exact = Fraction(root, 2**shift)
    return exact if exact * exact == x else Fraction(root + 1, 2**shift)


def float_below(x: Fraction) -> float:
    """The largest float not above x >= 0."""
    if x >= 2**1024:
        return math.nextafter(math.inf, 0)
    nearest = _nearest(x)
    return nearest if math.isfinite(nearest) and Fraction(nearest) <= x else math.nextafter(nearest, -math.inf)


def float_above(x: Fraction) -> float:
    """The smallest float not below x >= 0, infinite where there is none."""
    nearest = _nearest(x)
    return nearest if nearest == math.inf or Fraction(nearest) >= x else math.nextafter(nearest, math.inf)


def _nearest(x: Fraction) -> float:
    try:
        return float(x)
    except OverflowError:
        return math.inf
