"""From a small image to any size and padding."""

from __future__ import annotations

import math
from typing import Any

from gpu._arguments import as_kernel
from gpu._namespace import namespace_of
from gpu.convolution._circular import circular_norm_bound
from gpu.convolution._geometry import kernel_size
from refimpl._arguments import as_choice, as_count, as_pair

# More than the rounding of the factor: a sine or a root near 1, and a power of it.
ROOM = 1 + 2.0**-44


def size_transfer_factor(k: Any, n0: Any, n_iter: int) -> float:
    """`refimpl.convolution.size_transfer_factor`; a number, on the host."""
    size, samples, n_iter = as_pair(k, "k"), as_pair(n0, "n0"), as_count(n_iter, "n_iter")
    for taps, m in zip(size, samples, strict=True):
        if taps > 1 and (m - 1) >> n_iter < taps - 1:
            raise ValueError(f"n0 must be at least 2**{n_iter} * (k - 1) + 1 for kernels of size {size}, got {samples}")
    factor = 1.0
    for taps, m in zip(size, samples, strict=True):
        if taps > 1:
            rest = (m - ((taps - 1) << n_iter)) / m
            factor *= min(1 / math.sqrt(rest), 1 / math.sin(math.pi * rest / 2)) ** 2.0**-n_iter
    return factor


def smaller_input_norm_bound(
    K: Any, n0: Any, n_iter: int, *, certified: bool = False, memory_limit: int | None = None
) -> float:
    """`refimpl.convolution.smaller_input_norm_bound`; `memory_limit` as in `circular_norm_bound`."""
    xp = namespace_of(K)
    kernel = as_kernel(K, xp=xp)
    samples, n_iter = as_pair(n0, "n0"), as_count(n_iter, "n_iter")
    factor = size_transfer_factor(kernel_size(kernel), samples, n_iter)
    bound = circular_norm_bound(kernel, samples, n_iter, certified=certified, memory_limit=memory_limit)
    return bound * factor * (ROOM if as_choice(certified, "certified", (False, True)) else 1)
