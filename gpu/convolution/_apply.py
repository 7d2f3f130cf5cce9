"""Convolution and its adjoint: one product of matrices, or one a tap where all pixels that are met do not fit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gpu._arguments import as_image, in_range
from gpu._namespace import (
    HOST_CHUNK,
    Array,
    Namespace,
    adjoint,
    from_host,
    is_complex,
    matmul,
    namespace_of,
    quiet,
    working,
)
from gpu.convolution._geometry import OUTSIDE, Layer, Pair, as_layer, zeros


def conv2d(
    X: Any, K: Any, *, padding: Any = "circular", stride: Any = 1, dilation: Any = 1, groups: Any = 1,
    anchor: Any = None,
) -> Array:
    """`refimpl.convolution.conv2d`, by products of matrices."""
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
    return operators(xp, layer, image)[0](image)


def apply_adjoint(xp: Namespace, layer: Layer, image: Array) -> Array:
    """The adjoint of the convolution."""
    return operators(xp, layer, image)[1](image)


def operators(xp: Namespace, layer: Layer, like: Array) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """The convolution and its adjoint, for many images like this one.

    Through a tap every pixel goes to one output at most, so that the adjoint gathers as well.
    """
    K = xp.permute_dims(adjoint(xp, xp.permute_dims(layer.K, (2, 3, 0, 1))), (2, 3, 0, 1))
    inverse = (_inverse(layer.rows, layer.n[0]), _inverse(layer.columns, layer.n[1]))
    return (
        _gatherer(xp, layer.K, layer.n, (layer.rows, layer.columns), like),
        _gatherer(xp, K, (len(layer.rows), len(layer.columns)), inverse, like),
    )


def _inverse(taps: Any, n: int) -> Any:
    """For each pixel and tap the output that meets the pixel through the tap."""
    inverse = np.full((n, taps.shape[1]), OUTSIDE)
    for p in range(taps.shape[1]):
        met = np.flatnonzero(taps[:, p] != OUTSIDE)
        inverse[taps[met, p], p] = met
    return inverse


def _gatherer(xp: Namespace, K: Array, n: Pair, taps: tuple[Any, Any], like: Array) -> Callable[[Array], Array]:
    """The sum over the taps of the kernel's matrix times the pixels of an image of size n that the tap meets."""
    if is_complex(xp, like) and not is_complex(xp, K):
        K = xp.astype(K, like.dtype)
    # A row and a column of zeros at the end: what OUTSIDE = -1 points at. Tap by tap the pixel that an output meets.
    rows, columns = taps[0] % (n[0] + 1), taps[1] % (n[1] + 1)
    size, channels = (rows.shape[0], columns.shape[0]), K.shape[1]
    places = (rows.T[:, None, :, None] * (n[1] + 1) + columns.T[None, :, None, :]).reshape(-1, math.prod(size))
    fits = 8 * channels * places.size <= HOST_CHUNK
    chosen = [from_host(xp, part, like) for part in ([places.ravel()] if fits else places)]
    matrices = xp.reshape(K, (K.shape[0], -1)) if fits else xp.reshape(K, (K.shape[0], channels, -1))

    def gathered(image: Array) -> Array:
        if is_complex(xp, K) and not is_complex(xp, image):
            image = xp.astype(image, K.dtype)
        framed = zeros(xp, (channels, n[0] + 1, n[1] + 1), image)
        framed[:, :-1, :-1] = image
        flat = xp.reshape(framed, (channels, -1))
        with quiet():
            if fits:
                seen = xp.reshape(xp.take(flat, chosen[0], axis=1), (channels * len(places), -1))
                Y = matmul(matrices, seen)
            else:
                Y = zeros(xp, (K.shape[0], math.prod(size)), image)
                for tap, place in enumerate(chosen):
                    Y += matmul(matrices[:, :, tap], xp.take(flat, place, axis=1))
        return xp.reshape(Y, (K.shape[0], *size))

    return gathered


def conv2d_transpose(
    Y: Any, K: Any, n: Any, *, padding: Any = "circular", stride: Any = 1, dilation: Any = 1, groups: Any = 1,
    anchor: Any = None,
) -> Array:
    """`refimpl.convolution.conv2d_transpose`, by products of matrices."""
    xp = namespace_of(Y, K)
    layer = as_layer(K, n, padding, stride, dilation, groups, anchor, xp=xp)
    image = as_image(Y, "Y", channels=layer.K.shape[0], xp=xp)
    size = (len(layer.rows), len(layer.columns))
    if image.shape[1:] != size:
        raise ValueError(f"Y must be of the size {size} that conv2d returns, got shape {image.shape}")
    layer = layer._replace(K=working(xp, layer.K))
    return in_range(apply_adjoint(xp, layer, working(xp, image)), "X", xp)
