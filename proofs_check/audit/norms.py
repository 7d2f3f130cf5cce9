"""Certified norms of linear layers, each computed once; or placeholders, where only refusals are looked for."""

from __future__ import annotations

import contextlib
import hashlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from proofs_check.audit.rounding import up
from proofs_check.audit.value import Array, Refused

Bracket = tuple[float, float]
Sizes = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]
# From this many entries a product keeps all cores busy.
LARGE = 10**6
# Up to this many entries the matrix of a convolution is written out, and its norm is exact.
EXPLICIT = 400_000


class Norms:
    """Brackets of spectral norms: what the norm is at least and at most, whatever the rounding."""

    def __init__(self) -> None:
        self._known: dict[Any, Bracket] = {}

    def dense(self, W: Array) -> Bracket:
        """Of a matrix."""
        return self._once("dense", W, (), lambda: _dense(W))

    def convolution(
        self, K: Array, image: Sizes, stride: Sizes, dilation: Sizes, pads: Pads, groups: int
    ) -> Bracket:
        """Of a convolution with kernel (c_out, c_in / groups, ...), zero padding, on an image of this size."""
        how = (image, stride, dilation, pads, groups)
        return self._once("convolution", K, how, lambda: _convolution(K, *how))

    def _once(self, kind: str, array: Array, how: tuple[Any, ...], compute: Callable[[], Bracket]) -> Bracket:
        digest = hashlib.sha256(np.ascontiguousarray(array).view(np.uint8)).digest()
        key = (kind, array.shape, array.dtype.str, digest, how)
        if key not in self._known:
            # Many small factorizations: threads only wait for each other.
            with threadpool_limits(1, "blas") if array.size < LARGE else contextlib.nullcontext():
                self._known[key] = compute()
        return self._known[key]


class Placeholders(Norms):
    """Every norm is 1, at no price."""

    def _once(self, kind: str, array: Array, how: tuple[Any, ...], compute: Callable[[], Bracket]) -> Bracket:
        return 1.0, 1.0


def _dense(W: Array) -> Bracket:
    from gpu.spectral import spectral_norm_enclosure

    if 1 in W.shape:
        size = _length(W)
        return size * (1 - 2.0**-50), size
    low, high = spectral_norm_enclosure(W)
    if not np.isfinite(high):
        raise Refused("a norm above the largest float")
    return float(low), float(high)


def _length(v: Array) -> float:
    """The length of a vector, not below the exact one."""
    largest = float(np.abs(v).max())
    if largest == 0:
        return 0.0
    scaled = np.abs(v.reshape(-1)) / largest
    square = math.fsum(float(x) for x in scaled * scaled) if v.size < 10**5 else float(np.sum(scaled * scaled))
    return up(largest * math.sqrt(square) * (1 + (4 + v.size.bit_length()) * 2.0**-50))


def _convolution(K: Array, image: Sizes, stride: Sizes, dilation: Sizes, pads: Pads, groups: int) -> Bracket:
    while K.ndim < 4:  # one axis: an image of height 1
        K, image, stride, dilation = K[:, :, None], (1, *image), (1, *stride), (1, *dilation)
        pads = ((0, 0), *pads)
    # Taps that see nothing but padding do nothing.
    parts = np.split(K, groups)
    brackets = [_one_group(part, image, stride, dilation, pads) for part in parts]
    return max(b[0] for b in brackets), max(b[1] for b in brackets)


def _one_group(K: Array, image: Sizes, stride: Sizes, dilation: Sizes, pads: Pads) -> Bracket:
    if K.ndim > 4:
        return 0.0, _by_first_axis(K, image, stride, dilation, pads)
    from gpu.convolution import circular_norm_bound, polyphase_kernel
    from refimpl.convolution._geometry import dilated

    K = dilated(K, (dilation[0], dilation[1]))
    poly = polyphase_kernel(K, (stride[0], stride[1]))
    if poly.shape[2:] == (1, 1):
        low, high = _dense(poly[:, :, 0, 0])
        # The norm itself where some window lies inside of the image.
        inside = all(any(i * s >= p[0] and i * s - p[0] + k <= n for i in range(1 + (n + p[0]) // s))
                     for n, k, s, p in zip(image, K.shape[2:], stride, pads, strict=True))
        return (low if inside else 0.0), high
    padded = tuple(n + p[0] + p[1] for n, p in zip(image, pads, strict=True))
    if K.shape[0] * K.shape[1] * math.prod(padded) * math.prod(image) <= EXPLICIT * math.prod(stride):
        return _dense(_matrix(K, image, padded, stride, pads))
    # Any zero padding is a part of a circular convolution on an image with that many zeros beside it.
    size = tuple(-(-(n + max(p)) // s) for n, p, s in zip(image, pads, stride, strict=True))
    return 0.0, float(circular_norm_bound(poly, (size[0], size[1]), 6, certified=True))


def _matrix(K: Array, image: Sizes, padded: Sizes, stride: Sizes, pads: Pads) -> Array:
    """Zeros around the image, then the columns of the pixels inside."""
    from refimpl.convolution import strided_matrix

    stride = tuple(min(s, n) for s, n in zip(stride, padded, strict=True))  # a window that does not move
    inside = np.zeros((K.shape[1], *padded), dtype=bool)
    inside[:, pads[0][0] : pads[0][0] + image[0], pads[1][0] : pads[1][0] + image[1]] = True
    W: Array = strided_matrix(K, (padded[0], padded[1]), (stride[0], stride[1]), padding="valid")[:, inside.ravel()]
    return W


def _by_first_axis(K: Array, image: Sizes, stride: Sizes, dilation: Sizes, pads: Pads) -> float:
    """More axes: circular along the first one too, where it is a convolution of the others for every frequency."""
    s, d = stride[0], dilation[0]
    n = -(-(image[0] + max(pads[0])) // s)
    # Taps with dilation, then one channel for every phase of the stride.
    taps = -(-((K.shape[2] - 1) * d + 1) // s)
    spread = np.zeros((*K.shape[:2], taps * s, *K.shape[3:]))
    spread[:, :, : (K.shape[2] - 1) * d + 1 : d] = K
    phases = np.moveaxis(spread.reshape(*K.shape[:2], taps, s, *K.shape[3:]), 3, 2)
    phases = phases.reshape(K.shape[0], K.shape[1] * s, taps, *K.shape[3:])
    largest = 0.0
    for place in range(n // 2 + 1):  # the others are conjugates
        waves = np.exp(-2j * np.pi * (np.arange(taps) * place % n) / n)
        mixed = np.tensordot(phases, waves, axes=(2, 0))
        mixed = mixed.real if place == 0 else mixed
        largest = max(largest, _one_group(mixed, image[1:], stride[1:], dilation[1:], pads[1:])[1])
    # The waves and their sum are off by a few units in the last place of the sum of the taps' lengths.
    error = sum(_length(phases[:, :, tap]) * math.sqrt(math.prod(K.shape[3:])) for tap in range(taps))
    return up(largest + error * (taps + 8) * 2.0**-52)
