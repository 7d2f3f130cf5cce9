"""Bounds for zero padding: Gram iteration on the kernel itself."""

from __future__ import annotations

import math
from typing import Any

import scipy.fft

from gpu._arguments import as_kernel
from gpu._namespace import (
    Array,
    Namespace,
    adjoint,
    any_nonzero,
    is_complex,
    matmul,
    namespace_of,
    product_error,
    quiet,
    rescale,
    roundoff,
    scaled_by_power_of_two,
    working,
)
from gpu.convolution._geometry import Pair, kernel_size, zeros
from gpu.spectral._certified import UP, conversion_error, nudged, tiny
from refimpl._arguments import as_choice, as_count, as_pair

# From so many taps on, transforms are faster than a product for each tap.
MANY_TAPS = 64


def gram_kernel(K: Any, n_iter: int = 1) -> Array:
    """`refimpl.convolution.gram_kernel`."""
    xp = namespace_of(K)
    kernel = as_kernel(K)
    kernel = working(xp, kernel)
    with quiet():
        for step in range(as_count(n_iter, "n_iter")):
            kernel = gram_step(xp, kernel)
            if not bool(xp.all(xp.isfinite(kernel))):
                raise OverflowError(f"K leaves the range of floats at step {step + 1}")
    return kernel


def gram_step(xp: Namespace, K: Array) -> Array:
    """One tap of the first factor at a time, laid over the second at its lag."""
    c_out, c_in, k_h, k_w = K.shape
    result = zeros(xp, (c_in, c_in, 2 * k_h - 1, 2 * k_w - 1), K)
    second = xp.reshape(K, (c_out, -1))
    for p in range(k_h):
        for q in range(k_w):
            product = xp.reshape(matmul(adjoint(xp, K[:, :, p, q]), second), (c_in, c_in, k_h, k_w))
            result[:, :, k_h - 1 - p : 2 * k_h - 1 - p, k_w - 1 - q : 2 * k_w - 1 - q] += product
    return result


def _gram_step_by_transforms(xp: Namespace, K: Array) -> Array:
    """The same by Gram matrices of the blocks on an image that is large enough, for kernels of many taps."""
    shape = [2 * k - 1 for k in kernel_size(K)]
    size = [scipy.fft.next_fast_len(k) for k in shape]
    blocks = xp.fft.fftn if is_complex(xp, K) else xp.fft.rfftn
    kernel = xp.fft.ifftn if is_complex(xp, K) else xp.fft.irfftn
    D = blocks(xp.permute_dims(K, (2, 3, 0, 1)), s=size, axes=(0, 1))
    G = kernel(matmul(adjoint(xp, D), D), s=size, axes=(0, 1))
    # Lags are counted from the largest negative one on.
    G = xp.roll(xp.astype(G, K.dtype, copy=False), tuple(k - 1 for k in kernel_size(K)), axis=(0, 1))
    return xp.permute_dims(G[: shape[0], : shape[1], ...], (2, 3, 0, 1))


def zero_padded_norm_bound(
    K: Any, n_iter: int, norm: Any = "inf", *, n: Any = None, certified: bool = False
) -> float:
    """`refimpl.convolution.zero_padded_norm_bound`; certified, with the rounding of the arithmetic asked for."""
    xp = namespace_of(K)
    kernel = as_kernel(K)
    as_choice(norm, "norm", ("inf", "fro"))
    n_iter = as_count(n_iter, "n_iter", minimum=1 if norm == "inf" else 0)
    size = None if n is None else as_pair(n, "n")
    certified = as_choice(certified, "certified", (False, True))
    if not any_nonzero(xp, kernel):
        return 0.0
    exact, exponent = scaled_by_power_of_two(xp, kernel)
    scaled = working(xp, exact)
    if certified:
        loss = conversion_error(xp, kernel, exact, scaled, exponent) * math.prod(kernel_size(kernel))
        return nudged((_certified(xp, scaled, n_iter, norm, size) + loss) * UP, exponent)
    bound, h = 1.0, 1.0
    for _ in range(n_iter):
        length = _length(xp, scaled)
        step = gram_step if math.prod(kernel_size(scaled)) < MANY_TAPS else _gram_step_by_transforms
        scaled = step(xp, scaled / length)
        bound, h = bound * length**h, h / 2
    return rescale(bound * _read_out(xp, scaled, norm, size) ** h, exponent)


def _length(xp: Namespace, K: Array) -> float:
    return float(xp.linalg.vector_norm(xp.reshape(K, (-1,))))


def _read_out(xp: Namespace, K: Array, norm: str, n: Pair | None, axes: Any = (0, 2, 3)) -> float:
    if norm == "inf":
        return float(xp.max(xp.sum(xp.abs(K), axis=axes)))
    taps = kernel_size(K)
    positions = math.prod(taps if n is None else [min(k, size) for k, size in zip(taps, n, strict=True)])
    return math.sqrt(positions) * _length(xp, K)


def _certified(xp: Namespace, K: Array, n_iter: int, norm: str, n: Pair | None) -> float:
    """The same bound, where each step's rounding is added to the norm of the operator on the way back.

    With G the exact Gram kernel of K and G' the computed one, ``||K||^2 = ||G|| <= ||G'|| + ||G - G'||`` in the
    supremum norm of densities.
    """
    levels = []
    for _ in range(n_iter):
        error = gram_kernel_error(xp, K)
        K, step = scaled_by_power_of_two(xp, gram_step(xp, K))
        levels.append((step, error))
    # Not quite Hermitian for rounding: the larger of row and column sums counts. Sums of so many moduli are rounded.
    value = max(_read_out(xp, K, norm, n), _read_out(xp, K, norm, n, (1, 2, 3)))
    bound = (value * (1 + 2 * (math.prod(K.shape) + 8) * roundoff()) + tiny()) * UP
    for step, error in reversed(levels):
        bound = math.sqrt(math.ldexp(bound, step) + error) * UP
    return bound


def gram_kernel_error(xp: Namespace, K: Array) -> float:
    """A bound on the norm of the rounding error of the Gram kernel, as an operator.

    That norm is at most the sum over the taps of their Frobenius norms, and a tap of the error at most a multiple of
    the Gram kernel of the moduli: products of matrices, then sums of as many as there are taps.
    """
    taps = math.prod(kernel_size(K))
    room = 1 + (math.prod(K.shape) + 8) * roundoff()
    total = float(xp.sum(xp.linalg.vector_norm(K, axis=(0, 1)))) * room * UP + tiny()
    each = product_error(K.shape[0], complex_entries=is_complex(xp, K)) + 2 * (taps + 1) * roundoff()
    return (2 * each * total**2 + tiny()) * UP
