"""Strided convolutions: their polyphase form, and upper bounds on their spectral norm."""

from __future__ import annotations

from typing import Any

from gpu._arguments import as_kernel
from gpu._namespace import Array, namespace_of, working
from gpu.convolution._circular import circular_norm_bound
from gpu.convolution._geometry import kernel_size, zeros
from gpu.convolution._zero_padded import zero_padded_norm_bound
from refimpl._arguments import as_choice, as_pair


def polyphase_kernel(K: Any, stride: Any) -> Array:
    """`refimpl.convolution.polyphase_kernel`."""
    xp = namespace_of(K)
    return working(xp, polyphase(K, stride))


def polyphase(K: Any, stride: Any) -> Array:
    """The same, as exact as the kernel."""
    xp = namespace_of(K)
    kernel = as_kernel(K, xp=xp)
    s_h, s_w = as_pair(stride, "stride")
    c_out, c_in = kernel.shape[:2]
    k_h, k_w = (-(-k // s) for k, s in zip(kernel_size(kernel), (s_h, s_w), strict=True))
    padded = zeros(xp, (c_out, c_in, k_h * s_h, k_w * s_w), kernel)
    padded[:, :, : kernel.shape[2], : kernel.shape[3]] = kernel
    phases = xp.permute_dims(xp.reshape(padded, (c_out, c_in, k_h, s_h, k_w, s_w)), (0, 1, 3, 5, 2, 4))
    return xp.reshape(phases, (c_out, c_in * s_h * s_w, k_h, k_w))


def strided_norm_bound(
    K: Any, n: Any, stride: Any, n_iter: int, *, padding: Any = "circular", certified: bool = False,
    memory_limit: int | None = None,
) -> float:
    """`refimpl.convolution.strided_norm_bound`; `memory_limit` as in `circular_norm_bound`."""
    xp = namespace_of(K)
    kernel = as_kernel(K, xp=xp)
    size, steps = as_pair(n, "n"), as_pair(stride, "stride")
    as_choice(padding, "padding", ("circular", "zero"))
    if any(s > a for s, a in zip(steps, size, strict=True)):
        raise ValueError(f"stride must be at most the size of the image {size}, got {steps}")
    if padding == "zero":
        return zero_padded_norm_bound(polyphase(kernel, steps), n_iter, certified=certified)
    if any(a % s for a, s in zip(size, steps, strict=True)):
        return circular_norm_bound(kernel, size, n_iter, certified=certified, memory_limit=memory_limit)
    reduced = (size[0] // steps[0], size[1] // steps[1])
    return circular_norm_bound(
        polyphase(kernel, steps), reduced, n_iter, certified=certified, memory_limit=memory_limit
    )
