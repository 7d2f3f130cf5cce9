"""Gram iteration: upper bounds on the spectral norm from repeated Gram matrices, and their gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpu._arguments import as_matrix
from gpu._namespace import (
    Array,
    Namespace,
    adjoint,
    any_nonzero,
    frobenius,
    from_host,
    is_complex,
    matmul,
    namespace_of,
    quiet,
    real_dtype,
    rescale,
    scaled_by_power_of_two,
    working,
)
from gpu.spectral._certified import certified_gram_bounds, conversion_error, nudged
from gpu.spectral._norms import check_norm, matrix_norm
from refimpl._arguments import as_choice, as_count


def gram_iteration_naive(W: Any, n_iter: int, norm: Any = "fro") -> float:
    """`refimpl.spectral.gram_iteration_naive`."""
    xp = namespace_of(W)
    A = working(xp, as_matrix(W))
    n_iter = as_count(n_iter, "n_iter")
    check_norm(norm)
    nonzero = any_nonzero(xp, A)
    for step in range(n_iter):
        with quiet():
            A = matmul(adjoint(xp, A), A)
        if not bool(xp.all(xp.isfinite(A))) or (nonzero and not any_nonzero(xp, A)):
            raise OverflowError(f"W leaves the range of floats at step {step + 1}: use gram_iteration")
    return float(matrix_norm(xp, A, norm) ** 2.0**-n_iter)


def gram_iteration(W: Any, n_iter: int, norm: Any = "fro", *, certified: bool = False) -> float:
    """`refimpl.spectral.gram_iteration`; certified, the rounding bound is that of the arithmetic asked for."""
    xp = namespace_of(W)
    A = as_matrix(W)
    n_iter = as_count(n_iter, "n_iter")
    check_norm(norm)
    if as_choice(certified, "certified", (False, True)):
        if callable(norm) or norm != "fro":
            raise ValueError(f"norm must be 'fro' where certified is true, got {norm!r}")
        return _certified(xp, A, n_iter)
    if not any_nonzero(xp, A):
        return 0.0
    A, exponent = scaled_by_power_of_two(xp, A)
    A, bound, h = working(xp, A), 1.0, 1.0
    for _ in range(n_iter):
        A, bound, h = _step(xp, A, bound, h)
    return rescale(bound * matrix_norm(xp, A, norm) ** h, exponent)


def _step(xp: Namespace, A: Array, bound: float, h: float) -> tuple[Array, float, float]:
    """The next iterate; `bound` holds the sizes divided out, each to the power h = 2^-step it counts in."""
    size = float(frobenius(xp, A))
    A = A / size
    return matmul(adjoint(xp, A), A), bound * size**h, h / 2


def _certified(xp: Namespace, W: Array, n_iter: int) -> float:
    if not any_nonzero(xp, W):
        return 0.0
    scaled, exponent = scaled_by_power_of_two(xp, W)
    A = working(xp, scaled)
    bounds = certified_gram_bounds(xp, A[None, ...], n_iter, conversion_error(xp, W, scaled, A, exponent))
    return nudged(float(bounds[0]), exponent)


def gram_bound_sequence(W: Any, n_iter: int, norm: Any = "fro") -> Array:
    """`refimpl.spectral.gram_bound_sequence`."""
    xp = namespace_of(W)
    given = as_matrix(W)
    check_norm(norm)
    n_iter = as_count(n_iter, "n_iter")
    bounds = [0.0] * (n_iter + 1)
    if any_nonzero(xp, given):
        A, exponent = scaled_by_power_of_two(xp, given)
        A, bound, h = working(xp, A), 1.0, 1.0
        bounds[0] = rescale(matrix_norm(xp, A, norm), exponent)
        for k in range(1, n_iter + 1):
            A, bound, h = _step(xp, A, bound, h)
            bounds[k] = rescale(bound * matrix_norm(xp, A, norm) ** h, exponent)
    return xp.astype(from_host(xp, np.array(bounds), given), real_dtype(xp))


def gram_iteration_gradient(W: Any, n_iter: int) -> Array:
    """`refimpl.spectral.gram_iteration_gradient`."""
    xp = namespace_of(W)
    A = as_matrix(W)
    n_iter = as_count(n_iter, "n_iter")
    if not any_nonzero(xp, A):
        raise ValueError("W must not be zero, where the bound is not differentiable, got a zero matrix")
    return gradient(xp, working(xp, scaled_by_power_of_two(xp, A)[0]), n_iter)


def gradient(xp: Namespace, A: Array, n_iter: int) -> Array:
    """The gradient at a matrix that is not 0; the scale of the matrix does not matter."""
    direction = unit_A = A / float(frobenius(xp, A))
    G, bound, h = matmul(adjoint(xp, direction), direction), 1.0, 0.5
    # W (W*W)^(2^n - 1) is the product of W and the Gram powers 1, 2, 4, ...: only its direction matters, the length
    # follows from <gradient, W> = bound.
    for _ in range(n_iter):
        direction = matmul(direction, G)
        direction = direction / float(frobenius(xp, direction))
        size = float(frobenius(xp, G))
        G, bound, h = G / size, bound * size**h, h / 2
        G = matmul(G, G)
    product = xp.conj(direction) * unit_A if is_complex(xp, A) else direction * unit_A
    inner = float(xp.sum(xp.real(product) if is_complex(xp, A) else product))
    return direction * (bound / inner)
