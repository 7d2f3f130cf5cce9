"""What the literature compares with; whether bound or estimate stands in the first line of each in refimpl."""

from __future__ import annotations

import math
from typing import Any

from gpu._arguments import as_image, as_kernel
from gpu._namespace import (
    Array,
    Namespace,
    any_nonzero,
    from_host,
    is_complex,
    namespace_of,
    rescale,
    scaled_by_power_of_two,
    working,
)
from gpu.convolution._apply import apply, apply_adjoint
from gpu.convolution._blocks import Spectrum
from gpu.convolution._geometry import as_layer, kernel_size
from gpu.convolution._search import over_chunks
from gpu.spectral import spectral_norm
from refimpl._arguments import as_count, as_generator


def conv_power_iteration(
    K: Any, n: Any, n_iter: int, *, padding: Any = "zero", stride: Any = 1, start: Any = None, rng: Any = None
) -> float:
    """`refimpl.convolution.conv_power_iteration`; the start is drawn on the host, so that a seed means the same."""
    xp = namespace_of(K, start)
    layer = as_layer(K, n, padding, stride, xp=xp)
    n_iter = as_count(n_iter, "n_iter")
    if (start is None) == (rng is None):
        raise ValueError(f"start must be given if rng is not, and only then, got {'none' if rng is None else 'both'}")
    shape = (layer.K.shape[1], *layer.n)
    if start is None:
        X = from_host(xp, as_generator(rng).standard_normal(shape), layer.K)
    else:
        X = as_image(start, "start", channels=shape[0], xp=xp)
    if X.shape != shape or not any_nonzero(xp, X):
        raise ValueError(f"start must be an image of shape {shape} that is not zero, got shape {tuple(X.shape)}")
    kernel, exponent = scaled_by_power_of_two(xp, layer.K)
    layer = layer._replace(K=working(xp, kernel))
    X, _ = _unit(xp, working(xp, scaled_by_power_of_two(xp, X)[0]))
    for _ in range(n_iter):
        Y, size = _unit(xp, apply(xp, layer, X))
        if size == 0:
            return 0.0
        X, _ = _unit(xp, apply_adjoint(xp, layer, Y))
    _, size = _unit(xp, apply(xp, layer, X))
    return rescale(size, exponent)


def _unit(xp: Namespace, X: Array) -> tuple[Array, float]:
    """The image over its length, and the length; pixels may be so small that their squares underflow."""
    scaled, exponent = scaled_by_power_of_two(xp, X)
    length = float(xp.linalg.vector_norm(xp.reshape(scaled, (-1,))))
    return (scaled / length if length > 0 else scaled), rescale(length, exponent)


def four_matrix_bound(K: Any) -> float:
    """`refimpl.convolution.four_matrix_bound`."""
    xp = namespace_of(K)
    kernel = as_kernel(K)
    c_out, c_in, k_h, k_w = kernel.shape
    shapes = {
        (0, 2, 1, 3): (c_out * k_h, c_in * k_w), (0, 3, 1, 2): (c_out * k_w, c_in * k_h),
        (0, 1, 2, 3): (c_out, c_in * k_h * k_w), (0, 2, 3, 1): (c_out * k_h * k_w, c_in),
    }
    norms = [spectral_norm(xp.reshape(xp.permute_dims(kernel, axes), shape)) for axes, shape in shapes.items()]
    return math.sqrt(k_h * k_w) * min(norms)


def sampled_density_bound(K: Any, samples: int, *, memory_limit: int | None = None) -> float:
    """`refimpl.convolution.sampled_density_bound`; `memory_limit` as in `circular_norm_bound`."""
    xp = namespace_of(K)
    kernel = as_kernel(K)
    samples = as_count(samples, "samples", minimum=1)
    limit = None if memory_limit is None else as_count(memory_limit, "memory_limit", minimum=1)
    scaled, exponent = scaled_by_power_of_two(xp, kernel)
    if scaled.shape[0] > scaled.shape[1]:
        scaled = xp.permute_dims(scaled, (1, 0, 2, 3))
    # An axis of kernel size 1 has a constant density; a conjugate block has the same moduli.
    k_h, k_w = kernel_size(scaled)
    size = (1 if k_h == 1 else samples, 1 if k_w == 1 else samples)
    spectrum = Spectrum(xp, working(xp, scaled), size, half=not is_complex(xp, scaled))
    rows = None

    def visit(index: Any) -> None:
        nonlocal rows
        moduli = xp.abs(spectrum.blocks(index))
        largest = xp.max(moduli, axis=(0, 2))  # taps may cancel: squares must not underflow
        safe = xp.where(largest > 0, largest, xp.ones_like(largest))
        lengths = xp.max(xp.sqrt(xp.sum((moduli / safe[:, None]) ** 2, axis=2)), axis=0) * largest
        rows = lengths if rows is None else xp.maximum(rows, lengths)

    over_chunks(spectrum, spectrum.all, limit, visit)
    total, shift = scaled_by_power_of_two(xp, rows)
    return rescale(float(xp.linalg.vector_norm(total)), exponent + shift)
