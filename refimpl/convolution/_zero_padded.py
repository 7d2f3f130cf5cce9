"""Bounds for zero padding: Gram iteration on the kernel itself, by convolving it with itself."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_choice, as_count, as_kernel, as_pair
from refimpl.convolution._geometry import Pair, kernel_size
from refimpl.convolution._rounding import gram_kernel_error, sum_of_magnitudes_above, sum_of_moduli_squared_above
from refimpl.spectral._enclosure import float_above, scaled_with_loss, sqrt_above
from refimpl.spectral._norms import rescale, scaled_by_power_of_two

Array = npt.NDArray[Any]


def gram_kernel(K: npt.ArrayLike, n_iter: int = 1) -> Array:
    r"""Kernel of the Gram operator of a convolution on an unbounded image, exact up to rounding.

    .. math::

        K^{(t+1)}_{a,b} = \sum_j K^{(t)}_{j,a} \star K^{(t)}_{j,b}, \qquad
        (K_a \star K_b)_l = \sum_m \overline{K_a(m)}\, K_b(m + l)

    with all lags l at which the two overlap (the maximal non-trivial padding). Its spectral density is
    :math:`(E^* E)^{2^{t-1}}`.

    Parameters
    ----------
    K : (c_out, c_in, k_h, k_w) array_like
        Kernel.
    n_iter : int
        Number of Gram steps, at least 0; overflows for large numbers.

    Returns
    -------
    kernel : (c_in, c_in, s_h, s_w) ndarray
        With ``s = 2**n_iter * (k - 1) + 1``, lag 0 in the middle; `K` itself for no step.

    Raises
    ------
    ValueError
        If `K` is not a finite kernel or `n_iter` is negative.
    OverflowError
        If an entry leaves the range of floats.

    References
    ----------
    thesis.eq-A.2.unbounded, thesis.sec-3.9.4-size.doubling

    Examples
    --------
    >>> gram_kernel([[[[1, 2]]]]).tolist()
    [[[[2.0, 5.0, 2.0]]]]
    """
    kernel = as_kernel(K)
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(as_count(n_iter, "n_iter")):
            kernel = _gram_step(kernel)
            if not np.isfinite(kernel).all():
                raise OverflowError(f"K leaves the range of floats at step {step + 1}")
    return kernel


def _gram_step(K: Array) -> Array:
    """One tap of the first factor at a time, laid over the second at its lag."""
    c_out, c_in, k_h, k_w = K.shape
    result = np.zeros((c_in, c_in, 2 * k_h - 1, 2 * k_w - 1), K.dtype)
    second = K.reshape(c_out, -1)
    for p in range(k_h):
        for q in range(k_w):
            product = (K[:, :, p, q].conj().T @ second).reshape(c_in, c_in, k_h, k_w)
            result[:, :, k_h - 1 - p : 2 * k_h - 1 - p, k_w - 1 - q : 2 * k_w - 1 - q] += product
    return result


def zero_padded_norm_bound(
    K: npt.ArrayLike, n_iter: int, norm: Literal["inf", "fro"] = "inf", *, n: int | Pair | None = None,
    certified: bool = False,
) -> float:
    r"""Upper bound on the spectral norm of a convolution with zero padding (the thesis's norm2_toep).

    .. math::

        \Bigl(\max_b \sum_{a,l} |K^{(t)}_{a,b,l}|\Bigr)^{2^{1-t}} \quad\text{or}\quad
        \Bigl(N \sum_{a,b,l} |K^{(t)}_{a,b,l}|^2\Bigr)^{2^{-t}}, \qquad t = n\_iter + 1

    where N is the number of taps of :math:`K^{(t)}`, or in each axis the size of the image if that is smaller.

    Parameters
    ----------
    K : (c_out, c_in, k_h, k_w) array_like
        Kernel. See `polyphase_kernel` for strides.
    n_iter : int
        Number of Gram steps, at least 1 for "inf" and 0 for "fro".
    norm : {"inf", "fro"}
        The norm of the read-out.
    n : int or pair of int, optional
        Size of the image, for zero padding only; used by "fro".
    certified : bool
        If true the result is not below the exact spectral norm, whatever the rounding.

    Returns
    -------
    bound : float
        In the units of `K`. Without `n` it is an upper bound for every size of the image and every padding,
        circular included. It converges to the supremum of `spectral_density`'s norm (which the norms
        approach as the image grows), not to the norm at a given size; it exceeds that by at most a factor
        ``(c_in * taps)**(2**-t)`` with the taps of :math:`K^{(t)}`. With "inf" it does not increase with
        `n_iter`; with "fro" it may.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.thm-3.6.1-inf.spectral, thesis.thm-3.6.1-fro.positions, thesis.alg-6.transposed,
    thesis.thm-3.6.1-limit.density, lipref.certified-zero-padded

    Examples
    --------
    >>> [round(zero_padded_norm_bound([[[[1, 1, -1]]]], t), 3) for t in (1, 2, 3, 8)]
    [2.236, 2.236, 2.236, 2.236]
    >>> from refimpl.convolution import conv_spectral_norm
    >>> round(conv_spectral_norm([[[[1, 1, -1]]]], (1, 8), padding="zero").norm, 3)
    2.129
    """
    kernel = as_kernel(K)
    as_choice(norm, "norm", ("inf", "fro"))
    n_iter = as_count(n_iter, "n_iter", minimum=1 if norm == "inf" else 0)
    size = None if n is None else as_pair(n, "n")
    if as_choice(certified, "certified", (False, True)):
        return _certified(kernel, n_iter, norm, size)
    if not kernel.any():
        return 0.0
    scaled, exponent = scaled_by_power_of_two(kernel)
    bound, h = 1.0, 1.0
    for _ in range(n_iter):
        length = float(np.linalg.norm(scaled))
        scaled = _gram_step(scaled / length)
        bound, h = bound * length**h, h / 2
    if norm == "inf":
        value = float(np.abs(scaled).sum(axis=(0, 2, 3)).max())
    else:
        value = float(np.sqrt(_positions(scaled, size)) * np.linalg.norm(scaled))
    return rescale(bound * value**h, exponent)


def _positions(K: Array, n: Pair | None) -> int:
    """N: the taps of the kernel, in each axis at most the size of the image."""
    taps = kernel_size(K)
    return int(np.prod(taps if n is None else [min(k, size) for k, size in zip(taps, n, strict=True)]))


def _certified(K: Array, n_iter: int, norm: str, n: Pair | None) -> float:
    """The same bound, where each step's rounding is added to the norm of the operator on the way back.

    With G the exact Gram kernel of K and G' the computed one, ``||K||^2 = ||G|| <= ||G'|| + ||G - G'||``
    in the supremum norm of densities.
    """
    if not K.any():
        return 0.0
    scaled, exponent, loss = scaled_with_loss(K)
    levels = []
    for _ in range(n_iter):
        error = gram_kernel_error(scaled)
        scaled, step = scaled_by_power_of_two(_gram_step(scaled))
        levels.append((step, error))
    if norm == "inf":
        # Rounding leaves the kernel not quite Hermitian: the larger of its row and column sums counts.
        slices = [scaled[:, b] for b in range(scaled.shape[1])] + list(scaled)
        bound = max(map(sum_of_magnitudes_above, slices))
    else:
        bound = sqrt_above(_positions(scaled, n) * sum_of_moduli_squared_above(scaled))
    for step, error in reversed(levels):
        bound = sqrt_above(bound * Fraction(2) ** step + error)
    taps = kernel_size(K)
    return float_above((bound + loss * taps[0] * taps[1]) * Fraction(2) ** exponent)
