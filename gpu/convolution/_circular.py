"""Bounds for circular padding: Gram iteration on the frequency blocks, and its gradient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gpu._arguments import as_kernel
from gpu._namespace import (
    Array,
    Namespace,
    any_nonzero,
    is_complex,
    namespace_of,
    product_error,
    rescale,
    roundoff,
    scaled_by_power_of_two,
    to_host,
    working,
)
from gpu.convolution._blocks import Spectrum, tall
from gpu.convolution._geometry import kernel_size
from gpu.convolution._search import (
    certified_square,
    gram_bounds,
    largest_gram_bound,
    over_cells,
    over_chunks,
    sound,
    worth_it,
)
from gpu.convolution._zero_padded import gram_kernel_error
from gpu.spectral._certified import UP, certified_gram_bounds, conversion_error, nudged, tiny
from gpu.spectral._gram import gradient
from refimpl._arguments import as_choice, as_count, as_pair

METHODS = ("auto", "every", "pruned", "cholesky")


def circular_norm_bound(
    K: Any, n: Any, n_iter: int, *, certified: bool = False, method: str = "auto", memory_limit: int | None = None
) -> float:
    """`refimpl.convolution.circular_norm_bound`, a chunk of frequencies at a time, half of them for real kernels.

    `method`: "every" does all Gram steps for every block; "pruned" drops a block as soon as its bound, which only
    falls, is below that of the block that seems the largest; "cholesky" first shows for as many blocks as it can, by
    Cholesky's factorization, that they are below. The value is the same. "auto" takes "cholesky" on the host for many
    steps, "every" where blocks are few or small, else "pruned". What is asked for as certified comes from Gram steps
    on every block too, or with "cholesky" (and "auto", where blocks are many) from the factorizations alone: that bound
    is next to the norm itself, which the bound of the Gram steps is not below.

    `memory_limit`: bytes that the blocks and what is made of them may take, at least eight complex blocks; by default
    half of the free memory of the device, or 64 MB on the host.
    """
    xp = namespace_of(K)
    kernel = as_kernel(K)
    size, n_iter = as_pair(n, "n"), as_count(n_iter, "n_iter")
    as_choice(method, "method", METHODS)
    limit = None if memory_limit is None else as_count(memory_limit, "memory_limit", minimum=1)
    certified = as_choice(certified, "certified", (False, True))
    if not any_nonzero(xp, kernel):
        return 0.0
    scaled, exponent = scaled_by_power_of_two(xp, kernel)
    half = not is_complex(xp, kernel)
    spectrum = Spectrum(xp, tall(xp, working(xp, scaled)), size, half=half)
    if certified:
        loss = conversion_error(xp, kernel, scaled, working(xp, scaled), exponent) * math.prod(kernel_size(kernel)) * UP
        by_factors = worth_it(spectrum) if method == "auto" else method == "cholesky" and sound(spectrum)
        bound = _by_certificates(spectrum, loss, limit) if by_factors else None
        bound = _certified(xp, spectrum, n_iter, loss, limit) if bound is None else bound
        return nudged(bound, exponent)
    return rescale(largest_gram_bound(spectrum, n_iter, limit, by=method), exponent)


def _by_certificates(spectrum: Spectrum, loss: float, limit: int | None) -> float | None:
    """A bound next to the norm itself, from one factorization for each block; None where there is no proof."""
    error = gram_error(spectrum)
    square = certified_square(spectrum, error, limit)
    return None if square is None else (math.sqrt(square) * UP + loss) * UP


def gram_error(spectrum: Spectrum) -> float:
    """A bound on the norm of the rounding error of the Gram matrix of any block."""
    xp = spectrum.xp
    if not spectrum.by_lags:
        length = spectrum.block_length * UP
        product = product_error(spectrum.shape[0], complex_entries=True) * (length + block_error(xp, spectrum)) ** 2
        return (product + 2 * block_error(xp, spectrum) * (length + block_error(xp, spectrum)) + tiny()) * UP
    # Of the Gram kernel, and of the sums over its lags with rounded phases.
    sums = product_error(2 * spectrum.count_of_lags, complex_entries=True) + phase_error()
    return (gram_kernel_error(xp, spectrum.K) + 2 * sums * spectrum.size_of_lags * UP + tiny()) * UP


def _certified(xp: Namespace, spectrum: Spectrum, n_iter: int, loss: float, limit: int | None) -> float:
    error = block_error(xp, spectrum) + loss
    best = 0.0

    def visit(index: Any) -> None:
        nonlocal best
        bounds = certified_gram_bounds(xp, spectrum.blocks(index), n_iter, error * UP)
        best = max(best, float(xp.max(bounds)))

    over_chunks(spectrum, spectrum.all, limit, visit)
    return best


def block_error(xp: Namespace, spectrum: Spectrum) -> float:
    """A bound on the Frobenius norm of the rounding error of any block: of the phases, and of the sums over taps."""
    taps = math.prod(kernel_size(spectrum.K))
    moduli = xp.sum(xp.abs(spectrum.K), axis=(2, 3))
    room = 1 + (math.prod(spectrum.K.shape) + 16) * roundoff()
    total = float(xp.linalg.vector_norm(xp.reshape(moduli, (-1,)))) * room * UP + tiny()
    return ((product_error(taps, complex_entries=True) + phase_error()) * 1.001 * total + tiny()) * UP


def phase_error() -> float:
    """Unit roots are off by the root of 2 times 2^-53, their product by three times that, and it is converted."""
    return 8 * 2.0**-53 + (2 * roundoff() if roundoff() > 2.0**-53 else 0.0)


def circular_norm_bound_gradient(K: Any, n: Any, n_iter: int, *, memory_limit: int | None = None) -> Array:
    """`refimpl.convolution.circular_norm_bound_gradient`; `memory_limit` as in `circular_norm_bound`."""
    xp = namespace_of(K)
    kernel = as_kernel(K)
    (h, w), n_iter = as_pair(n, "n"), as_count(n_iter, "n_iter")
    limit = None if memory_limit is None else as_count(memory_limit, "memory_limit", minimum=1)
    if is_complex(xp, kernel):
        raise ValueError(f"K must be a real kernel, got dtype {str(kernel.dtype).rpartition('.')[2]}")
    if not any_nonzero(xp, kernel):
        raise ValueError("K must not be zero, where the bound is not differentiable, got a zero kernel")
    scaled = working(xp, scaled_by_power_of_two(xp, kernel)[0])
    spectrum = Spectrum(xp, scaled, (h, w), half=True)
    place, best = _first_largest(xp, spectrum, n_iter, limit)
    if best == 0:
        raise ValueError(f"K must not vanish on an image of size {(h, w)}, got taps that cancel when they wrap")
    G = gradient(xp, spectrum.blocks([place])[0, ...], n_iter)
    return _pulled_back(xp, spectrum, place, G)


def _first_largest(xp: Namespace, spectrum: Spectrum, n_iter: int, limit: int | None) -> tuple[int, float]:
    """The first frequency with the largest bound, and the bound."""
    place, best, largest = 0, 0.0, 0.0

    def look(index: Any, floor: float) -> Any:
        nonlocal place, best, largest
        bounds = to_host(gram_bounds(xp, spectrum.blocks(index), n_iter))
        largest = max(largest, float(bounds.max()))
        # All that are left are looked at in order in the end.
        if floor == 1 and bounds.max() > best:
            place, best = int(index[bounds.argmax()]), float(bounds.max())
        return index[bounds > floor * largest]

    over_cells(spectrum, limit, lambda D: gram_bounds(xp, D, n_iter), look)
    return place, best


def _pulled_back(xp: Namespace, spectrum: Spectrum, place: int, G: Array) -> Array:
    """The gradient of the kernel from that of a block: the phases are the derivative."""
    k_h, k_w = kernel_size(spectrum.K)
    p, q = np.indices((k_h, k_w))
    phases = xp.reshape(spectrum.phases([place], p.ravel(), q.ravel()), (k_h, k_w))
    return xp.real(G[:, :, None, None] * xp.conj(phases))
