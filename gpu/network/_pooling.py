"""Windows of pooling layers and the Lipschitz constants that follow from them, on the host."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refimpl._arguments import as_choice, as_pair


def pooling_lipschitz(kind: Any, n: Any, k: Any, stride: Any = None) -> float:
    """`refimpl.network.pooling_lipschitz`; a number, on the host."""
    as_choice(kind, "kind", ("max", "average"))
    size, window, step = geometry(n, k, stride)
    axes = [_windows(*axis) for axis in zip(size, window, step, strict=True)]
    if kind == "max":
        return math.sqrt(math.prod(int(w.sum(axis=0).max()) for w in axes))
    return math.prod(float(np.linalg.svd(w / w.sum(axis=1, keepdims=True), compute_uv=False)[0]) for w in axes)


def geometry(n: Any, k: Any, stride: Any) -> tuple[Any, Any, Any]:
    """Sizes of the image and of the windows, and the step between these."""
    size, window = as_pair(n, "n"), as_pair(k, "k")
    step = window if stride is None else as_pair(stride, "stride")
    if any(a > b for a, b in zip(window, size, strict=True)):
        raise ValueError(f"k must be at most the size of the image {size}, got {window}")
    return size, window, step


def _windows(n: int, k: int, stride: int) -> Any:
    """1 where a window (row) holds a pixel (column) of one axis."""
    first = np.arange(0, n - k + 1, stride)[:, None]
    return ((np.arange(n) >= first) & (np.arange(n) < first + k)).astype(float)


def members(size: Any, window: Any, step: Any) -> Any:
    """The pixels of each window, as indices of the flat image."""
    vertical, horizontal = (
        np.arange(0, n - k + 1, s)[:, None] + np.arange(k) for n, k, s in zip(size, window, step, strict=True)
    )
    pixels = vertical[:, None, :, None] * size[1] + horizontal[None, :, None, :]
    return pixels.reshape(-1, window[0] * window[1])
