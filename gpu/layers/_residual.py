"""Residual and two-layer maps of Lipschitz constant 1."""

from __future__ import annotations

import math
from typing import Any

from gpu._arguments import as_matrix, as_real_matrix, as_real_vector, in_range
from gpu._namespace import Array, Namespace, any_nonzero, matmul, namespace_of, quiet, working
from gpu.convolution._geometry import zeros
from gpu.layers._activations import ACTIVATIONS, activation
from gpu.layers._orthogonal import cayley_rectangular, eye
from gpu.layers._rescaling import normalized, spectral_rescaling
from gpu.spectral import spectral_norm
from refimpl._arguments import as_choice


def times(A: Array, x: Array) -> Array:
    """A matrix times a vector."""
    return matmul(A, x[:, None])[:, 0]


def _residual(xp: Namespace, x: Any, W: Array, b: Any, R: Any, name: Any) -> Array:
    """The map x - 2 W R^2 rho(W^T x + b); R is applied twice, as its square may leave the range of floats."""
    point = working(xp, as_real_vector(x, size=W.shape[0], xp=xp))
    W = working(xp, W)
    bias = zeros(xp, (W.shape[1],), W) if b is None else working(xp, as_real_vector(b, "b", size=W.shape[1], xp=xp))
    with quiet():
        hidden = activation(in_range(times(xp.matrix_transpose(W), point) + bias, "W^T x + b", xp), name)
        return in_range(point - 2 * times(W * R, R * hidden), "y", xp)


def convex_potential_layer(x: Any, W: Any, b: Any = None, *, name: Any = "relu") -> Array:
    """`refimpl.layers.convex_potential_layer`."""
    xp = namespace_of(x, W, b)
    A = as_real_matrix(W, xp=xp)
    as_choice(name, "name", ACTIVATIONS)
    if not any_nonzero(xp, A):
        raise ValueError("W must not be zero, where the layer is not defined, got a zero matrix")
    return _residual(xp, x, A, b, 1 / spectral_norm(A), name)


def sll_layer(x: Any, W: Any, b: Any = None, *, q: Any = None, n_iter: int = 1, name: Any = "relu") -> Array:
    """`refimpl.layers.sll_layer`."""
    xp = namespace_of(x, W, b, q)
    A = as_real_matrix(W, xp=xp)
    as_choice(name, "name", ACTIVATIONS)
    return _residual(xp, x, A, b, spectral_rescaling(A, n_iter, q), name)


def sandwich_layer(x: Any, W: Any, V: Any, q: Any, b: Any = None, *, name: Any = "relu") -> Array:
    """`refimpl.layers.sandwich_layer`."""
    xp = namespace_of(x, W, V, q, b)
    square, free = as_real_matrix(W, xp=xp), as_real_matrix(V, "V", xp=xp)
    as_choice(name, "name", ACTIVATIONS)
    upper, lower = cayley_rectangular(square, free)
    point = working(xp, as_real_vector(x, size=lower.shape[0], xp=xp))
    n = upper.shape[0]
    scales = working(xp, as_real_vector(q, "q", size=n, xp=xp))
    bias = zeros(xp, (n,), upper) if b is None else working(xp, as_real_vector(b, "b", size=n, xp=xp))
    with quiet():
        psi = in_range(xp.exp(scales), "exp(q)", xp)
        inner = math.sqrt(2) * xp.exp(-scales) * times(xp.matrix_transpose(lower), point) + bias
        hidden = activation(in_range(inner, "B x", xp), name)
        return in_range(times(math.sqrt(2) * upper, psi * hidden), "y", xp)


def residual_linear_block(Q: Any) -> Array:
    """`refimpl.layers.residual_linear_block`."""
    xp = namespace_of(Q)
    A = as_matrix(Q, "Q", square=True)
    A = eye(xp, A.shape[0], A) + A
    if not any_nonzero(xp, A):
        raise ValueError("Q must not be minus the identity, got I + Q = 0")
    return normalized(xp, A)
