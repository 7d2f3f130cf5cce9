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
    size = taps[0].shape[0], taps[1].shape[0]
    down, right = (_shifts(part, length) for part, length in zip(taps, n, strict=True))
    if down is not None and right is not None:
        (h, w), frame, seen = _slices(xp, n, size, down, right)
    else:
        (h, w), frame, seen = _places(xp, n, size, taps, like)
    # Of each tap by itself, or side by side: one product where the pixels of all taps fit.
    matrices = xp.permute_dims(K, (2, 3, 0, 1))
    matrices = [matrices[p, q, ...] for p in range(K.shape[2]) for q in range(K.shape[3])]
    fits = 8 * K.shape[1] * h * w * len(matrices) <= HOST_CHUNK
    wide = xp.concat(matrices, axis=1) if fits else None

    def gathered(image: Array) -> Array:
        if is_complex(xp, K) and not is_complex(xp, image):
            image = xp.astype(image, K.dtype)
        framed = zeros(xp, (K.shape[1], *frame[0]), image)
        framed[:, frame[1] : frame[1] + n[0], frame[2] : frame[2] + n[1]] = image
        flat = xp.reshape(framed, (K.shape[1], -1))
        with quiet():
            if wide is not None:
                Y = matmul(wide, xp.concat([pixels(flat) for pixels in seen], axis=0))
            else:
                Y = zeros(xp, (K.shape[0], h * w), image)
                for matrix, pixels in zip(matrices, seen, strict=True):
                    Y += matmul(matrix, pixels(flat))
        return xp.reshape(Y, (K.shape[0], h, w))[:, : size[0], : size[1]]

    return gathered


def _shifts(taps: Any, n: int) -> list[int] | None:
    """By how much each tap moves an axis of n pixels that has zeros around it; None where it does anything else."""
    outputs, shifts = np.arange(taps.shape[0]), []
    for tap in taps.T:
        met = np.flatnonzero(tap != OUTSIDE)
        shift = int(tap[met[0]] - met[0]) if met.size else n
        inside = (outputs + shift >= 0) & (outputs + shift < n)
        if not np.array_equal(tap, np.where(inside, outputs + shift, OUTSIDE)):
            return None
        shifts.append(shift)
    return shifts


def _slices(xp: Namespace, n: Pair, size: Pair, down: list[int], right: list[int]) -> Any:
    """Pixels of shifted images: slices, as long as all rows of the frame, of which the first entries are kept."""
    before = [max(0, -min(shifts)) for shifts in (down, right)]
    after = [max(0, max(shifts) + out - length)
             for shifts, out, length in zip((down, right), size, n, strict=True)]
    width = max(before[1] + n[1] + after[1], size[1])
    length = size[0] * width
    # One row more, since the last slices begin within a row.
    frame = (before[0] + n[0] + after[0] + 1, width)
    starts = [(before[0] + p) * width + before[1] + q for p in down for q in right]
    return (size[0], width), (frame, *before), [lambda flat, s=s: flat[:, s : s + length] for s in starts]


def _places(xp: Namespace, n: Pair, size: Pair, taps: tuple[Any, Any], like: Array) -> Any:
    """Pixels by their places; the row and column of zeros at the end are what OUTSIDE = -1 points at."""
    rows, columns = taps[0] % (n[0] + 1), taps[1] % (n[1] + 1)
    places = (rows.T[:, None, :, None] * (n[1] + 1) + columns.T[None, :, None, :]).reshape(-1, math.prod(size))
    chosen = [from_host(xp, place, like) for place in places]
    frame = (n[0] + 1, n[1] + 1)
    return size, (frame, 0, 0), [lambda flat, place=place: xp.take(flat, place, axis=1) for place in chosen]


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
