"""The Fourier side of a convolution: frequency blocks, spectral density, block diagonalization."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_choice, as_count, as_kernel, as_pair, as_real_array, in_range
from refimpl.convolution._geometry import Pair, anchor_of, kernel_size

Array = npt.NDArray[Any]


class BlockDiagonalization(NamedTuple):
    """Five factors whose product, in this order, is the matrix of a circular convolution."""

    dft_out: Array
    permutation_out: Array
    D: Array
    permutation_in: Array
    inverse_dft_in: Array


def dft_matrix(n: int) -> Array:
    r"""Matrix of the discrete Fourier transform, exact up to rounding.

    .. math:: U_{u,v} = e^{-2 \pi i u v / n}, \qquad u, v = 0, \dots, n - 1

    Parameters
    ----------
    n : int
        Size, at least 1.

    Returns
    -------
    U : (n, n) ndarray
        Complex symmetric; ``U.conj() / n`` is its inverse.

    Raises
    ------
    ValueError
        If `n` is not an integer of at least 1.

    References
    ----------
    thesis.def-3.4.1

    Examples
    --------
    >>> dft_matrix(2).real.round(12).tolist()
    [[1.0, 1.0], [1.0, -1.0]]
    """
    n = as_count(n, "n", minimum=1)
    # The exponent is reduced before it is multiplied: u v may be large, u v mod n is not.
    return np.asarray(np.exp(-2j * np.pi * (np.outer(np.arange(n), np.arange(n)) % n) / n))


def spectral_density(K: npt.ArrayLike, w1: npt.ArrayLike, w2: npt.ArrayLike) -> Array:
    r"""Spectral density of a convolution at given angles, exact up to rounding.

    .. math:: E(w_1, w_2) = \sum_{p,q} e^{-i p w_1} e^{-i q w_2} K_{:,:,p,q}

    Parameters
    ----------
    K : (c_out, c_in, k_h, k_w) array_like
        Kernel.
    w1, w2 : array_like
        Angles in radians, vertical and horizontal; broadcast against each other.

    Returns
    -------
    E : (..., c_out, c_in) ndarray
        The supremum over all angles of its spectral norm bounds the convolution's norm for every padding,
        and is the limit of the norms as the image grows.

    Raises
    ------
    ValueError
        If an array is empty or not finite, or `w1` and `w2` do not broadcast.
    OverflowError
        If an entry leaves the range of floats.

    References
    ----------
    thesis.lemma-A.0.2.axes, thesis.eq-A.2.unbounded

    Examples
    --------
    >>> spectral_density([[[[1, -1]]]], 0, np.pi).real.tolist()
    [[2.0]]
    """
    kernel = as_kernel(K)
    first, second = as_real_array(w1, "w1", "angles"), as_real_array(w2, "w2", "angles")
    try:
        first, second = np.broadcast_arrays(first, second)
    except ValueError:
        raise ValueError(f"w2 must broadcast against w1 of shape {first.shape}, got shape {second.shape}") from None
    k_h, k_w = kernel_size(kernel)
    vertical, horizontal = np.exp(-1j * first[..., None] * range(k_h)), np.exp(-1j * second[..., None] * range(k_w))
    with np.errstate(over="ignore", invalid="ignore"):
        E = np.einsum("...p,...q,jipq->...ji", vertical, horizontal, kernel)
    return in_range(E, "E")


def frequency_blocks(K: npt.ArrayLike, n: int | Pair, *, half: bool = False) -> Array:
    r"""Blocks of a circular convolution, one per frequency, exact up to rounding.

    .. math:: D_{u,v} = E(2 \pi u / h, 2 \pi v / w) = \sum_{p,q} e^{-2 \pi i (u p / h + v q / w)} K_{:,:,p,q}

    The singular values of the convolution are those of all the blocks together.

    Parameters
    ----------
    K : (c_out, c_in, k_h, k_w) array_like
        Kernel. Taps beyond the image wrap around it (they are added, never cut off).
    n : int or pair of int
        Size (h, w) of the image.
    half : bool
        If true only the frequencies ``v <= w // 2`` are returned. For a real kernel the others are complex
        conjugates of these and have the same singular values.

    Returns
    -------
    D : (h, w or w // 2 + 1, c_out, c_in) ndarray
        Complex.

    Raises
    ------
    ValueError
        If `K` is not a finite kernel, `n` not positive, or `half` is asked for a complex kernel.
    OverflowError
        If an entry leaves the range of floats.

    References
    ----------
    thesis.thm-3.4.3.transposed, thesis.eq-3.14

    Examples
    --------
    >>> frequency_blocks([[[[1, 1]]]], (1, 2))[0, :, 0, 0].real.tolist()
    [2.0, 0.0]
    """
    kernel = as_kernel(K)
    size = as_pair(n, "n")
    half = as_choice(half, "half", (False, True))
    if half and np.iscomplexobj(kernel):
        raise ValueError("half must be False where K is complex, got True")
    with np.errstate(over="ignore", invalid="ignore"):
        wrapped = _wrapped(kernel, size)
        D = np.fft.rfft2(wrapped) if half else np.fft.fft2(wrapped)
    return in_range(D.transpose(2, 3, 0, 1), "D")


def _wrapped(K: Array, n: Pair) -> Array:
    """The kernel laid on the image, taps beyond its border going round."""
    wrapped = np.zeros((*K.shape[:2], *n), K.dtype)
    rows, columns = (np.arange(k) % size for k, size in zip(kernel_size(K), n, strict=True))
    for p, row in enumerate(rows):
        for q, column in enumerate(columns):
            wrapped[:, :, row, column] += K[:, :, p, q]
    return wrapped


def channel_permutation(channels: int, positions: int) -> Array:
    r"""Permutation matrix from channel-major to position-major order, exact.

    .. math:: P\, e_{i n + f} = e_{f c + i}, \qquad 0 \le i < c,\ 0 \le f < n

    Parameters
    ----------
    channels, positions : int
        c and n, at least 1.

    Returns
    -------
    P : (channels * positions, channels * positions) ndarray
        Its transpose goes back.

    Raises
    ------
    ValueError
        If an argument is not an integer of at least 1.

    References
    ----------
    thesis.thm-3.4.3, thesis.thm-3.4.3.transposed

    Examples
    --------
    Two channels of three positions, a b c and d e f:

    >>> (channel_permutation(2, 3) @ [1, 2, 3, 4, 5, 6]).tolist()
    [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]
    """
    c, n = as_count(channels, "channels", minimum=1), as_count(positions, "positions", minimum=1)
    source = np.arange(c * n).reshape(c, n)
    return np.asarray(np.eye(c * n)[source.T.ravel()])


def block_diagonalization(
    K: npt.ArrayLike, n: int | Pair, *, anchor: int | Pair | None = None
) -> BlockDiagonalization:
    r"""Factors of a circular convolution's matrix, exact up to rounding.

    .. math:: W_{\mathrm{circ}} = (I \otimes F)\, P_{\mathrm{out}}^\top\, D\, P_{\mathrm{in}}\, (I \otimes F^{-1})

    with :math:`F = U_h \otimes U_w`, P from `channel_permutation` and D block diagonal with the `frequency_blocks`.
    The source prints the two permutations the other way round.

    Parameters
    ----------
    K : (c_out, c_in, k_h, k_w) array_like
        Kernel.
    n : int or pair of int
        Size (h, w) of the image.
    anchor : int or pair of int, optional
        As in `circulant_matrix`; it turns the phase of each block.

    Returns
    -------
    factors : BlockDiagonalization
        ``functools.reduce(np.matmul, factors)`` is ``circulant_matrix(K, n, anchor=anchor)``.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.thm-3.4.3.transposed

    Examples
    --------
    >>> factors = block_diagonalization([[[[3, 1]]]], (1, 2), anchor=0)
    >>> factors.D.real.tolist()
    [[4.0, 0.0], [0.0, 2.0]]
    >>> np.linalg.multi_dot(factors).real.round(12).tolist()
    [[3.0, 1.0], [1.0, 3.0]]
    """
    kernel = as_kernel(K)
    h, w = as_pair(n, "n")
    a, b = anchor_of(kernel_size(kernel), "circular", anchor)
    F = np.kron(dft_matrix(h), dft_matrix(w))
    phase = np.outer(dft_matrix(h)[:, a % h].conj(), dft_matrix(w)[:, b % w].conj())
    blocks = (frequency_blocks(kernel, (h, w)) * phase[:, :, None, None]).reshape(h * w, *kernel.shape[:2])
    c_out, c_in = kernel.shape[:2]
    D = np.zeros((h * w, c_out, h * w, c_in), complex)
    D[np.arange(h * w), :, np.arange(h * w), :] = blocks
    return BlockDiagonalization(
        np.kron(np.eye(c_out), F),
        channel_permutation(c_out, h * w).T,
        D.reshape(h * w * c_out, h * w * c_in),
        channel_permutation(c_in, h * w),
        np.kron(np.eye(c_in), F.conj() / (h * w)),
    )
