"""Which pixel a tap of the kernel meets; indices are the host's, kernels stay where they are."""

from __future__ import annotations

from typing import Any, NamedTuple

import array_api_compat
import numpy as np

from gpu._arguments import as_kernel
from gpu._namespace import Array, Namespace
from refimpl._arguments import as_choice, as_count, as_pair

Pair = tuple[int, int]

PADDINGS = ("circular", "zero", "full", "valid")
OUTSIDE = -1


class Layer(NamedTuple):
    """A convolution without dilation or groups: its kernel, and per axis the pixels that each output meets.

    ``rows[u, p]`` is the row of the image that output row u multiplies with kernel row p, or OUTSIDE.
    """

    K: Array
    n: Pair
    rows: Any
    columns: Any


def as_layer(
    K: Any, n: Any, padding: Any, stride: Any = 1, dilation: Any = 1, groups: Any = 1, anchor: Any = None, *,
    xp: Namespace,
) -> Layer:
    """All arguments of a convolution, checked against each other."""
    spread = dilated(xp, as_kernel(K, xp=xp), as_pair(dilation, "dilation"))
    kernel = ungrouped(xp, spread, as_count(groups, "groups", minimum=1))
    n = as_pair(n, "n")
    padding = as_choice(padding, "padding", PADDINGS)
    stride = as_pair(stride, "stride")
    k = kernel_size(kernel)
    if any(s > size for s, size in zip(stride, n, strict=True)):
        raise ValueError(f"stride must be at most the size of the image {n}, got {stride}")
    if padding == "valid" and any(a > b for a, b in zip(k, n, strict=True)):
        raise ValueError(f"K must fit into the image {n} where padding is 'valid', got a kernel of size {k}")
    rows, columns = (_taps(*axis, padding) for axis in zip(n, k, stride, _before(k, padding, anchor), strict=True))
    return Layer(kernel, n, rows, columns)


def kernel_size(K: Array) -> Pair:
    """Height and width of a kernel."""
    return int(K.shape[2]), int(K.shape[3])


def _before(k: Pair, padding: str, anchor: Any) -> Pair:
    """The tap that lies on the first pixel."""
    if padding in ("full", "valid"):
        if anchor is not None:
            raise ValueError(f"anchor must be None where padding is {padding!r}, got {anchor!r}")
        return (k[0] - 1, k[1] - 1) if padding == "full" else (0, 0)
    if anchor is None:
        return (k[0] - 1) // 2, (k[1] - 1) // 2
    given = as_pair(anchor, "anchor", minimum=0)
    if any(a >= size for a, size in zip(given, k, strict=True)):
        raise ValueError(f"anchor must be a tap of the kernel of size {k}, got {given}")
    return given


def _taps(n: int, k: int, stride: int, before: int, padding: str) -> Any:
    last = {"circular": n, "zero": n, "full": n + k - 1, "valid": n - k + 1}[padding]
    met = np.arange(0, last, stride)[:, None] - before + np.arange(k)[None, :]
    if padding == "circular":
        return met % n
    met[(met < 0) | (met >= n)] = OUTSIDE
    return met


def zeros(xp: Namespace, shape: tuple[int, ...], like: Array) -> Array:
    """Zeros of the dtype and on the device of an array."""
    return xp.zeros(shape, dtype=like.dtype, device=array_api_compat.device(like))


def dilated(xp: Namespace, K: Array, dilation: Pair) -> Array:
    """The kernel with ``dilation - 1`` zeros between neighbouring taps."""
    if dilation == (1, 1):
        return K
    c_out, c_in, k_h, k_w = K.shape
    spread = zeros(xp, (c_out, c_in, (k_h - 1) * dilation[0] + 1, (k_w - 1) * dilation[1] + 1), K)
    spread[:, :, :: dilation[0], :: dilation[1]] = K
    return spread


def ungrouped(xp: Namespace, K: Array, groups: int) -> Array:
    """The kernel of the same map without groups: zero between channels of different groups."""
    c_out, per_group, k_h, k_w = K.shape
    if c_out % groups:
        raise ValueError(f"groups must divide the {c_out} output channels of K, got {groups}")
    if groups == 1:
        return K
    full = zeros(xp, (c_out, per_group * groups, k_h, k_w), K)
    out = c_out // groups
    for g in range(groups):
        full[g * out : (g + 1) * out, g * per_group : (g + 1) * per_group, :, :] = K[g * out : (g + 1) * out, ...]
    return full
