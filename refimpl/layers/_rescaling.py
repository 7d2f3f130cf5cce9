"""Diagonal rescalings that make a matrix or a convolution a contraction: SN, AOL, SLL, SR."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_choice, as_count, as_matrix, as_matrix_or_kernel, as_real_vector
from refimpl.convolution import gram_kernel
from refimpl.spectral import spectral_norm, spectral_norm_enclosure
from refimpl.spectral._norms import scaled_by_power_of_two

Array = npt.NDArray[Any]


def spectral_normalization(W: npt.ArrayLike, *, certified: bool = False) -> Array:
    r"""Matrix over its spectral norm (SN), exact up to rounding.

    .. math:: W / \lVert W \rVert_2

    Parameters
    ----------
    W : (m, n) array_like
        Finite matrix, not empty and not zero.
    certified : bool
        If true the matrix is divided by a bound that is certain, and shrunk by the rounding of that division: its
        norm is then at most 1 in spite of rounding.

    Returns
    -------
    contraction : (m, n) ndarray
        Of spectral norm 1.

    Raises
    ------
    ValueError
        If `W` is not a finite, non-empty matrix or is zero.

    References
    ----------
    thesis.sec-2.1.3-SN, lipref.certified-normalization

    Examples
    --------
    >>> spectral_normalization([[3, 0], [0, 4]]).tolist()
    [[0.75, 0.0], [0.0, 1.0]]
    """
    A = as_matrix(W)
    if not A.any():
        raise ValueError("W must not be zero, which has no direction to keep, got a zero matrix")
    A, _ = scaled_by_power_of_two(A)  # SN does not depend on the scale of W
    if as_choice(certified, "certified", (False, True)):
        # Entries are rounded by 2u each at most (twice for complex ones), which moves the norm by less than this.
        room = 1 + 8 * 2.0**-53 * float(np.sqrt(min(A.shape)))
        return np.asarray(A / (spectral_norm_enclosure(A).high * room))
    return np.asarray(A / spectral_norm(A))


def aol_rescaling(W: npt.ArrayLike) -> Array:
    r"""Rescaling of almost-orthogonal layers (AOL), exact up to rounding.

    .. math:: R_i = \Bigl(\sum_j |W^\top W|_{ij}\Bigr)^{-1/2}, \qquad \lVert W \operatorname{diag}(R) \rVert_2 \le 1

    Parameters
    ----------
    W : (m, n) or (c_out, c_in, k_h, k_w) array_like
        Matrix or convolution kernel. For a kernel the sum goes over the lags of its Gram kernel too.

    Returns
    -------
    R : (n,) or (c_in,) ndarray
        In units of 1 / `W`; 0 for a zero column. The contraction is ``W * R`` or ``K * R[:, None, None]``, for every
        size of the image and padding.

    Raises
    ------
    ValueError
        If `W` is neither a finite matrix nor a finite kernel, or empty.
    OverflowError
        If the Gram matrix leaves the range of floats.

    References
    ----------
    thesis.eq-2.5, thesis.sec-3.6-rescaling.inverse-root

    Examples
    --------
    Orthogonal columns are divided by their lengths, others by more:

    >>> aol_rescaling([[3, 0], [0, 4]]).round(4).tolist()
    [0.3333, 0.25]
    >>> aol_rescaling([[3, 0], [4, 2]]).round(4).tolist()
    [0.1741, 0.2887]
    """
    return sll_rescaling(W)


def sll_rescaling(W: npt.ArrayLike, q: npt.ArrayLike | None = None) -> Array:
    r"""Rescaling of SDP-based Lipschitz layers (SLL), exact up to rounding.

    .. math:: R_i = \Bigl(\sum_j |W^\top W|_{ij} \frac{q_j}{q_i}\Bigr)^{-1/2}

    Parameters
    ----------
    W : (m, n) or (c_out, c_in, k_h, k_w) array_like
        Matrix or convolution kernel.
    q : (n,) or (c_in,) array_like, optional
        Positive weights, all 1 by default (then it is `aol_rescaling`).

    Returns
    -------
    R : (n,) or (c_in,) ndarray
        As of `aol_rescaling`.

    Raises
    ------
    ValueError
        If `W` is neither a finite matrix nor a finite kernel, or `q` is not positive.
    OverflowError
        If the Gram matrix leaves the range of floats.

    References
    ----------
    thesis.eq-2.7

    Examples
    --------
    >>> sll_rescaling([[1, 1]], [1, 3]).round(3).tolist()
    [0.5, 0.866]
    """
    return spectral_rescaling(W, 1, q)


def spectral_rescaling(W: npt.ArrayLike, n_iter: int, q: npt.ArrayLike | None = None) -> Array:
    r"""Spectral rescaling (SR) after some Gram steps, exact up to rounding.

    .. math::

        R_i = \Bigl(\sum_j |W^{(t)}|_{ij} \frac{q_j}{q_i}\Bigr)^{-2^{-t}}, \qquad
        W^{(1)} = W^\top W,\ W^{(t+1)} = W^{(t)\top} W^{(t)}

    so that :math:`\lVert W \operatorname{diag}(R) \rVert_2 \le 1`. One step is `aol_rescaling`.

    Parameters
    ----------
    W : (m, n) or (c_out, c_in, k_h, k_w) array_like
        Matrix or convolution kernel.
    n_iter : int
        t, at least 1.
    q : (n,) or (c_in,) array_like, optional
        Positive weights, all 1 by default.

    Returns
    -------
    R : (n,) or (c_in,) ndarray
        As of `aol_rescaling`.

    Raises
    ------
    ValueError
        If `W` is neither a finite matrix nor a finite kernel, `n_iter` below 1, or `q` is not positive.
    OverflowError
        If an iterate leaves the range of floats: singular values far apart need a smaller `n_iter`.

    References
    ----------
    thesis.thm-4.5.1, thesis.cor-4.5.2-affine

    Examples
    --------
    >>> [round(float(np.linalg.norm([[3, 1]] * spectral_rescaling([[3, 1]], t))), 4) for t in (1, 2, 4)]
    [1.0, 0.9898, 0.9959]
    """
    n_iter = as_count(n_iter, "n_iter", minimum=1)
    A = as_matrix_or_kernel(W)
    weights = np.ones(A.shape[1]) if q is None else as_real_vector(q, "q", size=A.shape[1])
    if not (weights > 0).all():
        raise ValueError(f"q must be positive, got {weights.min()}")
    columns = np.abs(A).max(axis=(0, *range(2, A.ndim)))
    if not columns.any():
        return np.zeros(A.shape[1])
    A, exponent = scaled_by_power_of_two(A)
    size, h = 1.0, 1.0
    for _ in range(n_iter):
        length = float(np.linalg.norm(A))
        size, h = size * length**h, h / 2
        A = _gram(A / length)
    moduli = np.abs(A) if A.ndim == 2 else np.abs(A).sum(axis=(2, 3))
    lost = (columns > 0) & (np.diag(moduli) < SMALLEST)
    if lost.any():
        raise OverflowError(f"W loses column {int(lost.argmax())} to underflow after {n_iter} steps: use fewer")
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        sums = (moduli * (weights[None, :] / weights[:, None])).sum(axis=1)
    if not np.isfinite(sums).all():
        raise OverflowError("q leaves the range of floats: its entries are too far apart")
    R = np.zeros(len(sums))
    R[sums > 0] = sums[sums > 0] ** -h / size
    with np.errstate(over="ignore"):
        R = np.ldexp(R, -exponent)
    if not np.isfinite(R).all():
        raise OverflowError("R leaves the range of floats: scale W up")
    return R


# Row sums above this have all their digits: what underflow takes from them is below their rounding.
SMALLEST = 2.0**-900


def _gram(A: Array) -> Array:
    return gram_kernel(A) if A.ndim == 4 else np.asarray(A.conj().T @ A)
