"""Convolution as the deep-learning frameworks define it (cross-correlation), and its adjoint."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_image, in_range
from refimpl.convolution._geometry import OUTSIDE, Layer, Padding, Pair, as_layer

Array = npt.NDArray[Any]


def conv2d(
    X: npt.ArrayLike, K: npt.ArrayLike, *, padding: Padding = "circular", stride: int | Pair = 1,
    dilation: int | Pair = 1, groups: int = 1, anchor: int | Pair | None = None,
) -> Array:
    r"""Convolution of an image with a kernel (cross-correlation), exact up to rounding.

    .. math:: Y_{j,u,v} = \sum_i \sum_{p,q} K_{j,i,p,q}\, X_{i,\ s u + d p - a,\ s v + d q - b}

    for stride s, dilation d and anchor (a, b), indices counted from 0; outside of the image X is zero, or
    goes round where `padding` is "circular".

    Parameters
    ----------
    X : (c_in, h, w) array_like
        Image; a signal has height 1.
    K : (c_out, c_in / groups, k_h, k_w) array_like
        Kernel; with height 1 the convolution is one-dimensional.
    padding : {"circular", "zero", "full", "valid"}
        Outputs in each axis, before the stride: the size of the image for "circular" and "zero", every
        position where the kernel meets the image ("full", the maximal non-trivial zero padding ``k - 1``),
        or lies inside of it ("valid"). A kernel larger than the image is wrapped as often as it takes
        where `padding` is "circular".
    stride, dilation : int or pair of int
        One integer stands for both axes. The stride may not exceed the image.
    groups : int
        Number of groups of channels that do not mix.
    anchor : int or pair of int, optional
        The tap that lies on the output pixel ("circular" and "zero" only): 0 for the layout of the
        thesis's circulant matrices, by default the frameworks' ``(k - 1) // 2`` of the dilated kernel.

    Returns
    -------
    Y : (c_out, h_out, w_out) ndarray
        ``h_out = ceil(h / stride)`` for "circular" and "zero".

    Raises
    ------
    ValueError
        If shapes do not fit, an array is not finite or empty, or another argument is out of its range.
    OverflowError
        If an entry of the result leaves the range of floats.

    References
    ----------
    thesis.eq-3.7.from-zero, thesis.eq-3.8

    Examples
    --------
    A centred difference, with zeros outside and going round:

    >>> conv2d([[[1, 2, 4]]], [[[[-1, 0, 1]]]], padding="zero").tolist()
    [[[2.0, 3.0, -2.0]]]
    >>> conv2d([[[1, 2, 4]]], [[[[-1, 0, 1]]]], padding="circular").tolist()
    [[[-2.0, 3.0, -1.0]]]
    """
    image = as_image(X)
    layer = as_layer(K, image.shape[1:], padding, stride, dilation, groups, anchor)
    if len(image) != layer.K.shape[1]:
        raise ValueError(
            f"X must be an image of {layer.K.shape[1]} channels, those of K times groups, got shape {image.shape}"
        )
    Y = np.zeros((len(layer.K), len(layer.rows), len(layer.columns)), np.result_type(image, layer.K))
    for p, q, outputs, pixels in meetings(layer):
        with np.errstate(over="ignore", invalid="ignore"):
            Y[:, *outputs] += np.einsum("ji,iuv->juv", layer.K[:, :, p, q], image[:, *pixels])
    return in_range(Y, "Y")


def conv2d_transpose(
    Y: npt.ArrayLike, K: npt.ArrayLike, n: int | Pair, *, padding: Padding = "circular", stride: int | Pair = 1,
    dilation: int | Pair = 1, groups: int = 1, anchor: int | Pair | None = None,
) -> Array:
    r"""Transposed convolution, the adjoint of `conv2d` with the same arguments, exact up to rounding.

    .. math:: \langle K \star X, Y \rangle = \langle X, K \star^* Y \rangle

    Parameters
    ----------
    Y : (c_out, h_out, w_out) array_like
        Image of the shape that `conv2d` returns.
    K : (c_out, c_in / groups, k_h, k_w) array_like
        Kernel of the forward convolution. Where it is complex its conjugate is applied.
    n : int or pair of int
        Size of the image that `conv2d` takes, which a stride leaves open.
    padding, stride, dilation, groups, anchor : as in `conv2d`
        The same arguments.

    Returns
    -------
    X : (c_in, n, ...) ndarray
        The product of the conjugate transpose of the convolution's matrix with `Y`.

    Raises
    ------
    ValueError
        If shapes do not fit, an array is not finite or empty, or another argument is out of its range.
    OverflowError
        If an entry of the result leaves the range of floats.

    References
    ----------
    lipref.conv-adjoint

    Examples
    --------
    >>> conv2d_transpose([[[1, 0, 0]]], [[[[-1, 0, 1]]]], (1, 3), padding="zero").tolist()
    [[[0.0, 1.0, 0.0]]]
    """
    layer = as_layer(K, n, padding, stride, dilation, groups, anchor)
    image = as_image(Y, "Y", channels=len(layer.K))
    size = (len(layer.rows), len(layer.columns))
    if image.shape[1:] != size:
        raise ValueError(f"Y must be of the size {size} that conv2d returns, got shape {image.shape}")
    X = np.zeros((layer.K.shape[1], *layer.n), np.result_type(image, layer.K))
    for p, q, outputs, pixels in meetings(layer):
        with np.errstate(over="ignore", invalid="ignore"):
            # Through one tap every output sees another pixel.
            X[:, *pixels] += np.einsum("ji,juv->iuv", layer.K[:, :, p, q].conj(), image[:, *outputs])
    return in_range(X, "X")


def meetings(layer: Layer) -> Any:
    """For each tap (p, q): the outputs that see a pixel through it, and those pixels, as open meshes."""
    for p in range(layer.rows.shape[1]):
        for q in range(layer.columns.shape[1]):
            u, v = (np.flatnonzero(taps != OUTSIDE) for taps in (layer.rows[:, p], layer.columns[:, q]))
            if u.size and v.size:
                yield p, q, np.ix_(u, v), np.ix_(layer.rows[u, p], layer.columns[v, q])
