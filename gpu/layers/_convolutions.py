"""Convolutions of Lipschitz constant 1: all frequencies are one batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from gpu._arguments import as_kernel, as_matrix
from gpu._namespace import Array, Namespace, adjoint, is_complex, matmul, namespace_of, real_dtype, working
from gpu.convolution._blocks import Spectrum
from gpu.convolution._geometry import kernel_size, zeros
from gpu.layers._orthogonal import cayley_of, exponential_of, eye
from refimpl._arguments import as_pair, as_sequence


def reshaped_kernel_orthogonalization(K: Any) -> Array:
    """`refimpl.layers.reshaped_kernel_orthogonalization`."""
    xp = namespace_of(K)
    kernel = as_kernel(K)
    W = working(xp, xp.reshape(kernel, (kernel.shape[0], -1)))
    u, sigma, vh = xp.linalg.svd(W, full_matrices=False)
    largest, smallest = float(sigma[0]), float(sigma[-1])
    if smallest <= largest * 1e-14:
        raise ValueError(
            f"K must have a reshaped matrix of full rank, got singular values {largest:g} to {smallest:g}")
    return xp.reshape(matmul(u, vh), kernel.shape) / math.sqrt(math.prod(kernel_size(kernel)))


def cayley_convolution(K: Any, n: Any) -> Array:
    """`refimpl.layers.cayley_convolution`."""
    return _by_frequency(K, n, cayley_of)


def skew_orthogonal_convolution(K: Any, n: Any, terms: int | None = None) -> Array:
    """`refimpl.layers.skew_orthogonal_convolution`."""
    return _by_frequency(K, n, lambda xp, D: exponential_of(xp, D, terms))


def _by_frequency(K: Any, n: Any, transform: Callable[[Namespace, Array], Array]) -> Array:
    xp = namespace_of(K)
    kernel, size = as_kernel(K), as_pair(n, "n")
    if kernel.shape[0] != kernel.shape[1]:
        raise ValueError(f"K must have as many output as input channels, got shape {kernel.shape}")
    complex_entries = is_complex(xp, kernel)
    # The transforms of conjugate blocks are conjugate.
    spectrum = Spectrum(xp, working(xp, kernel), size, half=not complex_entries)
    blocks = transform(xp, spectrum.blocks(spectrum.all))
    blocks = xp.reshape(blocks, (size[0], spectrum.width, *kernel.shape[:2]))
    if complex_entries:
        full = xp.astype(xp.fft.ifftn(blocks, axes=(0, 1)), spectrum.complex_dtype)
    else:
        full = xp.astype(xp.fft.irfftn(blocks, s=size, axes=(0, 1)), real_dtype(xp))
    return xp.permute_dims(full, (2, 3, 0, 1))


def block_orthogonal_convolution(H: Any, directions: Any) -> Array:
    """`refimpl.layers.block_orthogonal_convolution`."""
    pairs = [
        (pair, pair if isinstance(pair, (tuple, list)) else [pair]) for pair in as_sequence(directions, "directions")
    ]
    xp = namespace_of(H, *(U for _, parts in pairs for U in parts))
    first = as_matrix(H, "H", square=True, xp=xp)
    c = first.shape[0]
    off = xp.abs(matmul(adjoint(xp, first), first) - eye(xp, c, first))
    if float(xp.max(off)) > 64 * c * 2.0**-53:
        raise ValueError("H must be orthogonal, got H* H that differs from the identity")
    kernel = working(xp, first)[:, :, None, None]
    for i, (_, parts) in enumerate(pairs):
        if len(parts) != 2:
            raise ValueError(f"directions[{i}] must be a pair of matrices, got {len(parts)} of them")
        P, Q = (_projector(xp, U, c, f"directions[{i}][{j}]") for j, U in enumerate(parts))
        kernel = _composed(xp, kernel, xp.stack([P, eye(xp, c, P) - P], axis=-1)[:, :, None, :])
        kernel = _composed(xp, kernel, xp.stack([Q, eye(xp, c, Q) - Q], axis=-1)[:, :, :, None])
    return xp.asarray(kernel, copy=True)


def _projector(xp: Namespace, U: Any, c: int, name: str) -> Array:
    columns = as_matrix(U, name, xp=xp)
    if columns.shape[0] != c:
        raise ValueError(f"{name} must have {c} rows, got shape {columns.shape}")
    u, sigma, _ = xp.linalg.svd(columns, full_matrices=False)
    # The rank as scipy.linalg.orth has it.
    kept = int(xp.count_nonzero(sigma > float(sigma[0]) * 2.0**-52 * max(columns.shape)))
    basis = working(xp, u[:, :kept])
    return matmul(basis, adjoint(xp, basis))


def _composed(xp: Namespace, first: Array, second: Array) -> Array:
    """The kernel of the composition: taps p and q meet at p + q."""
    if is_complex(xp, first) != is_complex(xp, second):
        wide = first.dtype if is_complex(xp, first) else second.dtype
        first, second = xp.astype(first, wide), xp.astype(second, wide)
    (a, b), (c, d) = kernel_size(first), kernel_size(second)
    matrices = xp.permute_dims(first, (2, 3, 0, 1))
    result = zeros(xp, (first.shape[0], second.shape[1], a + c - 1, b + d - 1), first)
    for p in range(c):
        for q in range(d):
            product = matmul(matrices, second[:, :, p, q])
            result[:, :, p : p + a, q : q + b] += xp.permute_dims(product, (2, 3, 0, 1))
    return result
