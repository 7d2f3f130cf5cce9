"""Convolutions of Lipschitz constant 1: RKO, Cayley, SOC, BCOP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg

from refimpl._arguments import as_kernel, as_matrix, as_pair, as_sequence
from refimpl.convolution import frequency_blocks
from refimpl.convolution._geometry import Pair, kernel_size
from refimpl.layers._orthogonal import cayley, skew_exponential

Array = npt.NDArray[Any]


def reshaped_kernel_orthogonalization(K: npt.ArrayLike) -> Array:
    r"""Kernel whose reshaped matrix is orthogonal (RKO), over the root of its number of taps, exact up to rounding.

    .. math:: \frac{1}{\sqrt{k_h k_w}}\, \operatorname{polar}(K_{c_o \times c_i k_h k_w})

    Parameters
    ----------
    K : (c_out, c_in, k_h, k_w) array_like
        Finite kernel; its reshaped matrix of full rank, for which the polar factor is unique.

    Returns
    -------
    kernel : (c_out, c_in, k_h, k_w) ndarray
        Its convolution has spectral norm at most 1, for every size, stride and padding; it is not orthogonal in
        general.

    Raises
    ------
    ValueError
        If `K` is not a finite kernel, or its reshaped matrix not of full rank.

    References
    ----------
    thesis.sec-2.1.3-RKO

    Examples
    --------
    >>> reshaped_kernel_orthogonalization([[[[3, 4]]]]).round(4).tolist()
    [[[[0.4243, 0.5657]]]]
    """
    kernel = as_kernel(K)
    u, sigma, vh = np.linalg.svd(kernel.reshape(len(kernel), -1), full_matrices=False)
    if sigma[-1] <= sigma[0] * 1e-14:
        spread = f"{sigma[0]:g} to {sigma[-1]:g}"
        raise ValueError(f"K must have a reshaped matrix of full rank, got singular values {spread}")
    k_h, k_w = kernel_size(kernel)
    return np.asarray((u @ vh).reshape(kernel.shape) / np.sqrt(k_h * k_w))


def cayley_convolution(K: npt.ArrayLike, n: int | Pair) -> Array:
    r"""Kernel of an orthogonal circular convolution by the Cayley transform, exact up to rounding.

    Each frequency block D of the kernel becomes ``cayley(D)``.

    Parameters
    ----------
    K : (c, c, k_h, k_w) array_like
        Kernel with as many output as input channels.
    n : int or pair of int
        Size of the image. The result is orthogonal for circular padding at this size only.

    Returns
    -------
    kernel : (c, c, n, ...) ndarray
        As large as the image; its circular convolution with ``anchor=0`` is orthogonal.

    Raises
    ------
    ValueError
        If `K` is not a kernel with square blocks or `n` not positive.

    References
    ----------
    thesis.sec-2.1.3-cayley-convolution

    Examples
    --------
    >>> cayley_convolution([[[[0, 1]]]], (1, 3)).round(4).tolist()
    [[[[0.0, 1.0, 0.0]]]]
    """
    return _by_frequency(K, n, cayley)


def skew_orthogonal_convolution(K: npt.ArrayLike, n: int | Pair, terms: int | None = None) -> Array:
    r"""Kernel of an orthogonal circular convolution by the exponential (SOC), exact up to rounding, or truncated.

    Each frequency block D of the kernel becomes ``skew_exponential(D, terms)``.

    Parameters
    ----------
    K : (c, c, k_h, k_w) array_like
        Kernel with as many output as input channels.
    n : int or pair of int
        Size of the image.
    terms : int, optional
        As in `skew_exponential`; then it is not orthogonal.

    Returns
    -------
    kernel : (c, c, n, ...) ndarray
        As large as the image; its circular convolution with ``anchor=0`` is orthogonal without `terms`.

    Raises
    ------
    ValueError
        If `K` is not a kernel with square blocks, `n` not positive, or `terms` not positive.

    References
    ----------
    thesis.sec-2.1.3-SOC-convolution

    Examples
    --------
    >>> skew_orthogonal_convolution([[[[0, 1]]]], (1, 2)).round(12).tolist()
    [[[[1.0, 0.0]]]]
    """
    return _by_frequency(K, n, lambda D: skew_exponential(D, terms))


def _by_frequency(K: npt.ArrayLike, n: int | Pair, transform: Callable[[Array], Array]) -> Array:
    kernel, size = as_kernel(K), as_pair(n, "n")
    if kernel.shape[0] != kernel.shape[1]:
        raise ValueError(f"K must have as many output as input channels, got shape {kernel.shape}")
    D = frequency_blocks(kernel, size)
    blocks = np.array([[transform(block) for block in row] for row in D])
    full = np.fft.ifft2(blocks.transpose(2, 3, 0, 1))
    return np.asarray(full if np.iscomplexobj(kernel) else full.real)


def block_orthogonal_convolution(H: npt.ArrayLike, directions: Sequence[tuple[npt.ArrayLike, npt.ArrayLike]]) -> Array:
    r"""Kernel of an orthogonal convolution of limited size (BCOP), exact up to rounding.

    .. math:: H \ast [P_1, I - P_1] \ast [Q_1; I - Q_1] \ast \dots

    with the projectors P and Q onto the columns of the given matrices, alternately two taps wide and two taps high.

    Parameters
    ----------
    H : (c, c) array_like
        Orthogonal matrix, as from `cayley`.
    directions : sequence of pairs of (c, r) array_like
        For each enlargement by one tap in both axes, the matrices whose column spaces P and Q project on.

    Returns
    -------
    kernel : (c, c, k, k) ndarray
        With k - 1 pairs; orthogonal for circular padding at every size of at least k.

    Raises
    ------
    ValueError
        If `H` is not square and orthogonal to rounding, or a matrix has another number of rows.

    References
    ----------
    thesis.sec-2.1.3-BCOP

    Examples
    --------
    >>> block_orthogonal_convolution([[1.0]], [([[1.0]], [[0.0]])]).tolist()
    [[[[0.0, 0.0], [1.0, 0.0]]]]
    """
    first = as_matrix(H, "H", square=True)
    c = len(first)
    if np.abs(first.conj().T @ first - np.eye(c)).max() > 64 * c * 2.0**-53:
        raise ValueError("H must be orthogonal, got H* H that differs from the identity")
    kernel = first[:, :, None, None].copy()
    for i, pair in enumerate(as_sequence(directions, "directions")):
        parts = pair if isinstance(pair, (tuple, list)) else [pair]
        if len(parts) != 2:
            raise ValueError(f"directions[{i}] must be a pair of matrices, got {len(parts)} of them")
        wide, high = parts
        P, Q = _projector(wide, c, f"directions[{i}][0]"), _projector(high, c, f"directions[{i}][1]")
        identity = np.eye(c)
        kernel = _composed(_composed(kernel, np.stack([P, identity - P], axis=-1)[:, :, None, :]),
                           np.stack([Q, identity - Q], axis=-1)[:, :, :, None])
    return kernel


def _projector(U: Any, c: int, name: str) -> Array:
    columns = as_matrix(U, name)
    if len(columns) != c:
        raise ValueError(f"{name} must have {c} rows, got shape {columns.shape}")
    basis = scipy.linalg.orth(columns)
    return np.asarray(basis @ basis.conj().T)


def _composed(first: Array, second: Array) -> Array:
    """The kernel of the composition: taps p and q meet at p + q."""
    a, b = kernel_size(first)
    c, d = kernel_size(second)
    shape = (first.shape[0], second.shape[1], a + c - 1, b + d - 1)
    result = np.zeros(shape, np.result_type(first, second))
    for p in range(c):
        for q in range(d):
            result[:, :, p : p + a, q : q + b] += np.einsum("jixy,ik->jkxy", first, second[:, :, p, q])
    return result
