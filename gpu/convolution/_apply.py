"""Convolution and its adjoint, one product of matrices a tap."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpu._arguments import as_image, in_range
from gpu._namespace import Array, Namespace, adjoint, from_host, is_complex, matmul, namespace_of, quiet, working
from gpu.convolution._geometry import OUTSIDE, Layer, as_layer, zeros


def conv2d(
    X: Any, K: Any, *, padding: Any = "circular", stride: Any = 1, dilation: Any = 1, groups: Any = 1,
    anchor: Any = None,
) -> Array:
    """`refimpl.convolution.conv2d`, by one product of matrices a tap."""
    xp = namespace_of(X, K)
    image = as_image(X, xp=xp)
    layer = as_layer(K, image.shape[1:], padding, stride, dilation, groups, anchor, xp=xp)
    if image.shape[0] != layer.K.shape[1]:
        raise ValueError(
            f"X must be an image of {layer.K.shape[1]} channels, those of K times groups, got shape {image.shape}"
        )
    layer = layer._replace(K=working(xp, layer.K))
    return in_range(apply(xp, layer, working(xp, image)), "Y", xp)


def apply(xp: Namespace, layer: Layer, image: Array) -> Array:
    """The convolution of an image that fits."""
    return _gathered(xp, layer.K, image, layer.rows, layer.columns)


def apply_adjoint(xp: Namespace, layer: Layer, image: Array) -> Array:
    """The adjoint: through a tap every pixel goes to one output at most, so it gathers as well."""
    K = adjoint(xp, xp.permute_dims(layer.K, (2, 3, 0, 1)))
    rows, columns = _inverse(layer.rows, layer.n[0]), _inverse(layer.columns, layer.n[1])
    return _gathered(xp, xp.permute_dims(K, (2, 3, 0, 1)), image, rows, columns)


def _inverse(taps: Any, n: int) -> Any:
    """For each pixel and tap the output that meets the pixel through the tap."""
    inverse = np.full((n, taps.shape[1]), OUTSIDE)
    for p in range(taps.shape[1]):
        met = np.flatnonzero(taps[:, p] != OUTSIDE)
        inverse[taps[met, p], p] = met
    return inverse


def _gathered(xp: Namespace, K: Array, image: Array, rows: Any, columns: Any) -> Array:
    """The sum over the taps of the kernel's matrix times the pixels that the tap meets."""
    if is_complex(xp, K) != is_complex(xp, image):
        K, image = (xp.astype(a, K.dtype if is_complex(xp, K) else image.dtype) for a in (K, image))
    # A row and a column of zeros at the end: what OUTSIDE = -1 points at.
    framed = zeros(xp, (image.shape[0], image.shape[1] + 1, image.shape[2] + 1), image)
    framed[:, :-1, :-1] = image
    height, width = image.shape[1:]
    Y = zeros(xp, (K.shape[0], rows.shape[0] * columns.shape[0]), image)
    with quiet():
        for p in range(rows.shape[1]):
            if (rows[:, p] == OUTSIDE).all():
                continue
            strip = xp.take(framed, from_host(xp, rows[:, p] % (height + 1), image), axis=1)
            for q in range(columns.shape[1]):
                if (columns[:, q] == OUTSIDE).all():
                    continue
                seen = xp.take(strip, from_host(xp, columns[:, q] % (width + 1), image), axis=2)
                Y += matmul(K[:, :, p, q], xp.reshape(seen, (image.shape[0], -1)))
    return xp.reshape(Y, (K.shape[0], rows.shape[0], columns.shape[0]))


def conv2d_transpose(
    Y: Any, K: Any, n: Any, *, padding: Any = "circular", stride: Any = 1, dilation: Any = 1, groups: Any = 1,
    anchor: Any = None,
) -> Array:
    """`refimpl.convolution.conv2d_transpose`, by one product of matrices a tap."""
    xp = namespace_of(Y, K)
    layer = as_layer(K, n, padding, stride, dilation, groups, anchor, xp=xp)
    image = as_image(Y, "Y", channels=layer.K.shape[0], xp=xp)
    size = (len(layer.rows), len(layer.columns))
    if image.shape[1:] != size:
        raise ValueError(f"Y must be of the size {size} that conv2d returns, got shape {image.shape}")
    layer = layer._replace(K=working(xp, layer.K))
    return in_range(apply_adjoint(xp, layer, working(xp, image)), "X", xp)
