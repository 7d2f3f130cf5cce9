"""The explicit matrix of a convolution: circulant, Toeplitz, strided."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipy.sparse

from refimpl._arguments import as_choice, in_range
from refimpl.convolution._apply import meetings
from refimpl.convolution._geometry import Layer, Padding, Pair, as_layer

Array = npt.NDArray[Any]


def circulant_matrix(
    K: npt.ArrayLike, n: int | Pair, *, dilation: int | Pair = 1, groups: int = 1, anchor: int | Pair | None = None,
    sparse: bool = False,
) -> Any:
    r"""Matrix of a convolution with circular padding, exact: blocks of doubly circulant matrices.

    .. math:: \operatorname{vec}(K \star X) = W_{\mathrm{circ}} \operatorname{vec}(X)

    Parameters
    ----------
    K : (c_out, c_in / groups, k_h, k_w) array_like
        Kernel.
    n : int or pair of int
        Size of the image. Where it is smaller than the kernel, taps that fall on one pixel are added.
    dilation, groups : as in `conv2d`
        The same arguments.
    anchor : int or pair of int, optional
        The tap on the diagonal: 0 for the thesis's blkcirc, by default the centre, as in `conv2d`.
    sparse : bool
        If true a scipy sparse array (CSR) is returned.

    Returns
    -------
    W : (c_out * h * w, c_in * h * w) ndarray or sparse array
        Images are flattened channel by channel, row by row.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    OverflowError
        If taps that wrap onto one pixel add up beyond the range of floats.

    References
    ----------
    thesis.A.0.2, thesis.eq-3.8

    Examples
    --------
    >>> circulant_matrix([[[[1, 2, 3]]]], (1, 3), anchor=0).tolist()
    [[1.0, 2.0, 3.0], [3.0, 1.0, 2.0], [2.0, 3.0, 1.0]]
    """
    return matrix_of(as_layer(K, n, "circular", 1, dilation, groups, anchor), sparse)


def toeplitz_matrix(
    K: npt.ArrayLike, n: int | Pair, *, padding: Literal["zero", "full", "valid"] = "zero", dilation: int | Pair = 1,
    groups: int = 1, anchor: int | Pair | None = None, sparse: bool = False,
) -> Any:
    r"""Matrix of a convolution with zero padding, exact: blocks of banded doubly Toeplitz matrices.

    .. math:: \operatorname{vec}(K \star X) = W_{\mathrm{toep}} \operatorname{vec}(X)

    Parameters
    ----------
    K : (c_out, c_in / groups, k_h, k_w) array_like
        Kernel.
    n : int or pair of int
        Size of the image.
    padding : {"zero", "full", "valid"}
        As in `conv2d`: "zero" keeps the size of the image.
    dilation, groups : as in `conv2d`
        The same arguments.
    anchor : int or pair of int, optional
        The tap on the diagonal ("zero" only), by default the centre, as in `conv2d`.
    sparse : bool
        If true a scipy sparse array (CSR) is returned.

    Returns
    -------
    W : (c_out * h_out * w_out, c_in * h * w) ndarray or sparse array
        Images are flattened channel by channel, row by row.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.A.0.1.centred, thesis.eq-3.8

    Examples
    --------
    >>> toeplitz_matrix([[[[1, 2, 3]]]], (1, 3)).tolist()
    [[2.0, 3.0, 0.0], [1.0, 2.0, 3.0], [0.0, 1.0, 2.0]]
    """
    as_choice(padding, "padding", ("zero", "full", "valid"))
    return matrix_of(as_layer(K, n, padding, 1, dilation, groups, anchor), sparse)


def strided_matrix(
    K: npt.ArrayLike, n: int | Pair, stride: int | Pair, *, padding: Padding = "circular", dilation: int | Pair = 1,
    groups: int = 1, anchor: int | Pair | None = None, sparse: bool = False,
) -> Any:
    r"""Matrix of a strided convolution, exact: every s-th row of every s-th block row.

    .. math:: W_{K,s} = \mathrm{DownSampling}_s\, W_{K,1}

    Parameters
    ----------
    K : (c_out, c_in / groups, k_h, k_w) array_like
        Kernel.
    n : int or pair of int
        Size of the image.
    stride : int or pair of int
        At most the size of the image.
    padding, dilation, groups, anchor : as in `conv2d`
        The same arguments.
    sparse : bool
        If true a scipy sparse array (CSR) is returned.

    Returns
    -------
    W : (c_out * h_out * w_out, c_in * h * w) ndarray or sparse array
        Images are flattened channel by channel, row by row.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    OverflowError
        If taps that wrap onto one pixel add up beyond the range of floats.

    References
    ----------
    thesis.sec-3.8-downsampling, thesis.eq-3.8

    Examples
    --------
    >>> strided_matrix([[[[1, 2]]]], (1, 4), (1, 2)).tolist()
    [[1.0, 2.0, 0.0, 0.0], [0.0, 0.0, 1.0, 2.0]]
    """
    return matrix_of(as_layer(K, n, padding, stride, dilation, groups, anchor), sparse)


def matrix_of(layer: Layer, sparse: bool) -> Any:
    """One entry for each output, tap and pair of channels; entries of one place are added."""
    sparse = as_choice(sparse, "sparse", (False, True))
    c_out, c_in = layer.K.shape[:2]
    outputs = np.arange(c_out * len(layer.rows) * len(layer.columns)).reshape(c_out, len(layer.rows), -1)
    pixels = np.arange(c_in * layer.n[0] * layer.n[1]).reshape(c_in, *layer.n)
    entries: tuple[list[Array], list[Array], list[Array]] = ([], [], [])
    for p, q, met, seen in meetings(layer):
        row, column = outputs[:, *met][:, None], pixels[:, *seen][None]
        tap = layer.K[:, :, p, q][:, :, None, None]
        for list_, array in zip(entries, np.broadcast_arrays(row, column, tap), strict=True):
            list_.append(array.ravel())
    rows, columns, values = map(np.concatenate, entries)
    W = scipy.sparse.coo_array((values, (rows, columns)), shape=(outputs.size, pixels.size))
    compressed = W.tocsr()
    in_range(compressed.data, "W")
    return compressed if sparse else compressed.toarray()
