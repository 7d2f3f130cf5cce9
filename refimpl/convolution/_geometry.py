"""Which pixel a tap of the kernel meets: the one place where padding, stride and anchor are decided."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_choice, as_count, as_kernel, as_pair

Array = npt.NDArray[Any]
Pair = tuple[int, int]
Padding = Literal["circular", "zero", "full", "valid"]

PADDINGS = ("circular", "zero", "full", "valid")
OUTSIDE = -1


class Layer(NamedTuple):
    """A convolution without dilation or groups: its kernel, and per axis the pixels that each output meets.

    ``rows[u, p]`` is the row of the image that output row u multiplies with kernel row p, or OUTSIDE.
    """

    K: Array
    n: Pair
    rows: Array
    columns: Array


def as_layer(
    K: npt.ArrayLike, n: Any, padding: Any, stride: Any = 1, dilation: Any = 1, groups: Any = 1, anchor: Any = None
) -> Layer:
    """All arguments of a convolution, checked against each other."""
    kernel = ungrouped(dilated(as_kernel(K), as_pair(dilation, "dilation")), as_count(groups, "groups", minimum=1))
    n = as_pair(n, "n")
    padding = as_choice(padding, "padding", PADDINGS)
    stride = as_pair(stride, "stride")
    k = kernel_size(kernel)
    if any(s > size for s, size in zip(stride, n, strict=True)):
        raise ValueError(f"stride must be at most the size of the image {n}, got {stride}")
    if padding == "valid" and any(a > b for a, b in zip(k, n, strict=True)):
        raise ValueError(f"K must fit into the image {n} where padding is 'valid', got a kernel of size {k}")
    before = anchor_of(k, padding, anchor)
    rows, columns = (_taps(*axis, padding) for axis in zip(n, k, stride, before, strict=True))
    return Layer(kernel, n, rows, columns)


def kernel_size(K: Array) -> Pair:
    """Height and width of a kernel."""
    return int(K.shape[2]), int(K.shape[3])


def anchor_of(k: Pair, padding: Padding, anchor: Any) -> Pair:
    """The tap that lies on the output pixel; by default the centre, left of the middle where k is even."""
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


def _taps(n: int, k: int, stride: int, before: int, padding: Padding) -> Array:
    outputs = {"circular": n, "zero": n, "full": n + k - 1, "valid": n - k + 1}[padding]
    first = np.arange(0, outputs, stride) - before
    index = first[:, None] + np.arange(k)
    if padding == "circular":
        return index % n
    return np.where((index >= 0) & (index < n), index, OUTSIDE)


def dilated(K: Array, dilation: Pair) -> Array:
    """The kernel with ``dilation - 1`` zeros between neighbouring taps."""
    c_out, c_in, k_h, k_w = K.shape
    spread = np.zeros((c_out, c_in, (k_h - 1) * dilation[0] + 1, (k_w - 1) * dilation[1] + 1), K.dtype)
    spread[:, :, :: dilation[0], :: dilation[1]] = K
    return spread


def ungrouped(K: Array, groups: int) -> Array:
    """The kernel of the same map without groups: zero between channels of different groups."""
    c_out, per_group, k_h, k_w = K.shape
    if c_out % groups:
        raise ValueError(f"groups must divide the {c_out} output channels of K, got {groups}")
    full = np.zeros((c_out, per_group * groups, k_h, k_w), K.dtype)
    out = c_out // groups
    for g in range(groups):
        full[g * out : (g + 1) * out, g * per_group : (g + 1) * per_group] = K[g * out : (g + 1) * out]
    return full
