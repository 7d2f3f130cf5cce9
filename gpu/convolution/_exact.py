"""The spectral norm of a convolution: exact, by the cheapest of three ways."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse.linalg

from gpu._namespace import (
    Array,
    Namespace,
    adjoint,
    frobenius,
    from_host,
    is_complex,
    matmul,
    namespace_of,
    on_device,
    rescale,
    roundoff,
    scaled_by_power_of_two,
    to_host,
    working,
)
from gpu.convolution._apply import operators
from gpu.convolution._blocks import Spectrum, tall
from gpu.convolution._geometry import Layer, Pair, as_layer
from gpu.convolution._matrices import matrix_of
from gpu.convolution._search import largest_norm
from gpu.convolution._strided import polyphase
from gpu.spectral._norms import largest_singular_values
from refimpl._arguments import as_choice, as_count, as_pair
from refimpl.convolution import ConvSpectralNorm

__all__ = ["ConvSpectralNorm", "conv_spectral_norm"]

METHODS = ("auto", "blocks", "dense", "lanczos")
# Above this many entries a matrix is not written out.
DENSE_ENTRIES = 4_000_000
# As in refimpl, where the library needs more rows and columns than the vectors it is asked for.
LANCZOS_SIDE = 4
# Vectors of the search space, how many of them survive a restart, and how often it is restarted.
VECTORS, KEPT, RESTARTS = 40, 8, 200
# On the host, of the residual relative to the eigenvalue.
ARPACK_TOLERANCE = 2.0**-48


def conv_spectral_norm(
    K: Any, n: Any, *, padding: Any = "circular", stride: Any = 1, dilation: Any = 1, groups: Any = 1,
    anchor: Any = None, method: str = "auto", memory_limit: int | None = None,
) -> ConvSpectralNorm:
    """`refimpl.convolution.conv_spectral_norm`; "lanczos" keeps a search space of 40 images.

    Of many blocks only those that seem the largest are decomposed: for the others Cholesky's factorization shows that
    they are below. `memory_limit` as in `circular_norm_bound`, for "blocks" only.
    """
    xp = namespace_of(K)
    as_choice(method, "method", METHODS)
    limit = None if memory_limit is None else as_count(memory_limit, "memory_limit", minimum=1)
    layer = as_layer(K, n, padding, stride, dilation, groups, anchor, xp=xp)
    steps = as_pair(stride, "stride")
    by_blocks = padding == "circular" and all(size % s == 0 for size, s in zip(layer.n, steps, strict=True))
    shape = layer.K.shape[0] * len(layer.rows) * len(layer.columns), layer.K.shape[1] * layer.n[0] * layer.n[1]
    small = min(shape) < LANCZOS_SIDE
    if method == "auto":
        by_matrix = small or shape[0] * shape[1] <= DENSE_ENTRIES
        method = "blocks" if by_blocks else "dense" if by_matrix else "lanczos"
    if method == "blocks":
        if not by_blocks:
            raise ValueError(
                f"method must not be 'blocks' unless padding is 'circular' and stride divides n, got padding "
                f"{padding!r}, stride {steps}, n {layer.n}"
            )
        return _by_blocks(xp, layer.K, layer.n, steps, limit)
    scaled, exponent = scaled_by_power_of_two(xp, layer.K)
    layer = layer._replace(K=working(xp, scaled))
    if method == "dense":
        W = matrix_of(xp, layer, sparse=False)
        norm = float(largest_singular_values(xp, W))
        error = sum(W.shape) * roundoff() * float(frobenius(xp, W)) + _rounding_of_taps(xp, layer.K)
    else:
        if small:
            raise ValueError(
                f"method must not be 'lanczos' for a matrix with fewer than {LANCZOS_SIDE} rows or columns, "
                f"got shape {shape}"
            )
        norm, error = _by_lanczos(xp, layer)
    return ConvSpectralNorm(rescale(norm, exponent), rescale(error, exponent), method)


def _rounding_of_taps(xp: Namespace, K: Array) -> float:
    """A multiple of the roundoff of sums over the taps, which may cancel."""
    return K.shape[2] * K.shape[3] * roundoff() * float(xp.sum(xp.abs(K)))


def _by_blocks(xp: Namespace, K: Array, n: Pair, stride: Pair, limit: int | None) -> ConvSpectralNorm:
    scaled, exponent = scaled_by_power_of_two(xp, polyphase(K, stride))
    scaled = working(xp, scaled)
    size = (n[0] // stride[0], n[1] // stride[1])
    spectrum = Spectrum(xp, tall(xp, scaled), size, half=not is_complex(xp, scaled))
    norm, open_part = largest_norm(spectrum, limit)
    # The Frobenius norm of no block is above the root of the smaller side times the norm.
    rounding = sum(spectrum.shape) * roundoff() * math.sqrt(spectrum.shape[1]) * norm
    transform = (math.log2(size[0] * size[1]) + 8) * _rounding_of_taps(xp, scaled)
    return ConvSpectralNorm(rescale(norm, exponent), rescale(rounding + transform + open_part, exponent), "blocks")


def _by_arpack(xp: Namespace, gram: Callable[[Array], Array], v: Array) -> tuple[float, float]:
    """The largest eigenvalue on the host and its residual, by the library's Lanczos iteration."""
    start = to_host(v).ravel()

    def product(x: Any) -> Any:
        return to_host(gram(xp.reshape(from_host(xp, x.astype(start.dtype), v), (-1, 1)))).ravel()

    operator = scipy.sparse.linalg.LinearOperator((start.size, start.size), matvec=product, dtype=start.dtype)
    _, vectors = scipy.sparse.linalg.eigsh(operator, k=1, which="LA", v0=start, tol=ARPACK_TOLERANCE)
    x = vectors[:, 0] / np.linalg.norm(vectors[:, 0])
    image = product(x)
    square = float(np.vdot(x, image).real)
    return square, float(np.linalg.norm(image - square * x))


def _by_lanczos(xp: Namespace, layer: Layer) -> tuple[float, float]:
    """The largest singular value, and the residual of the pair: Lanczos iteration on K* K.

    On the host the library's. On a device with thick restarts; all products with the space are kept, so that the
    projection is computed and not assumed: no orthogonality is lost without being seen.
    """
    channels, (h, w) = layer.K.shape[1], layer.n
    rounding = channels * _rounding_of_taps(xp, layer.K)
    start = np.random.default_rng(0).standard_normal((channels * h * w, 1))
    v = working(xp, from_host(xp, start, layer.K))
    v = xp.astype(v, layer.K.dtype) / float(xp.linalg.vector_norm(v))

    there, back = operators(xp, layer, v)

    def gram(x: Array) -> Array:
        return xp.reshape(back(there(xp.reshape(x, (channels, h, w)))), (-1, 1))

    V, GV = v, gram(v)
    if float(xp.max(xp.abs(GV))) == 0:
        return 0.0, rounding
    if not on_device(xp):
        square, off = _by_arpack(xp, gram, v)
        norm = math.sqrt(max(square, 0.0))
        return norm, off / norm + rounding if norm > 0 else rounding
    most = min(VECTORS, channels * h * w)
    for _ in range(RESTARTS * VECTORS):
        H = to_host(matmul(adjoint(xp, V), GV))
        values, vectors = np.linalg.eigh((H + H.conj().T) / 2)
        top = from_host(xp, vectors[:, -1:].astype(H.dtype), V)
        square = float(values[-1])
        residual = matmul(GV, top) - square * matmul(V, top)
        off = float(xp.linalg.vector_norm(residual))
        if off <= 8 * roundoff() * square * math.sqrt(V.shape[0]) or V.shape[1] == channels * h * w:
            break
        if V.shape[1] == most:
            kept = from_host(xp, vectors[:, -KEPT:].astype(H.dtype), V)
            V, GV = matmul(V, kept), matmul(GV, kept)
        for _ in range(2):  # twice is enough
            residual = residual - matmul(V, matmul(adjoint(xp, V), residual))
            size = float(xp.linalg.vector_norm(residual))
            if size == 0:
                break
            residual = residual / size
        if size == 0:
            break
        V, GV = xp.concat([V, residual], axis=1), xp.concat([GV, gram(residual)], axis=1)
    norm = math.sqrt(max(square, 0.0))
    # A residual of the square is one of the singular value, over the sum of both.
    return norm, off / norm + rounding if norm > 0 else rounding
