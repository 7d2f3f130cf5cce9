"""Orthogonal matrices from free parameters, for one matrix or a batch of them."""

from __future__ import annotations

from typing import Any

import array_api_compat

from gpu._arguments import as_matrix, in_range
from gpu._namespace import (
    Array,
    Namespace,
    adjoint,
    frobenius,
    is_complex,
    matmul,
    namespace_of,
    quiet,
    roundoff,
    working,
)
from refimpl._arguments import as_count


def eye(xp: Namespace, n: int, like: Array) -> Array:
    """The identity, of the dtype and on the device of an array."""
    return xp.eye(n, dtype=like.dtype, device=array_api_compat.device(like))


def cayley(W: Any) -> Array:
    """`refimpl.layers.cayley`."""
    xp = namespace_of(W)
    return cayley_of(xp, working(xp, as_matrix(W, square=True)))


def cayley_of(xp: Namespace, W: Array) -> Array:
    """The same for a batch."""
    A = _skew_part(xp, W)
    identity = eye(xp, A.shape[-1], A)
    return _solved(xp, identity - A, identity + A, "W - W*")


def _solved(xp: Namespace, A: Array, B: Array, name: str) -> Array:
    """A^-1 B, refused where the condition of A leaves no digit; A is the identity plus what cannot shrink a vector."""
    most = 1e14 * 2.0**-53 / roundoff()
    # So the condition is at most the norm, and decompositions are only needed where that is large.
    if not float(xp.max(frobenius(xp, A))) < most:
        sigma = xp.linalg.svdvals(A)
        if not bool(xp.all(sigma[..., 0] < most * sigma[..., -1])):
            raise OverflowError(f"{name} is so large that rounding leaves no digit: scale it down")
    return xp.linalg.solve(A, xp.broadcast_to(B, A.shape) if B.ndim < A.ndim else B)


def _skew_part(xp: Namespace, W: Array) -> Array:
    with quiet():
        return in_range(W - adjoint(xp, W), "W - W*", xp)


def cayley_rectangular(W: Any, V: Any) -> tuple[Array, Array]:
    """`refimpl.layers.cayley_rectangular`."""
    xp = namespace_of(W, V)
    square, free = as_matrix(W, square=True, xp=xp), as_matrix(V, "V", xp=xp)
    if free.shape[1] != square.shape[0]:
        raise ValueError(f"V must have the {square.shape[0]} columns of W, got shape {free.shape}")
    square, free = working(xp, square), working(xp, free)
    if is_complex(xp, square) != is_complex(xp, free):
        wide = square.dtype if is_complex(xp, square) else free.dtype
        square, free = xp.astype(square, wide), xp.astype(free, wide)
    with quiet():
        Z = in_range(_skew_part(xp, square) + matmul(adjoint(xp, free), free), "Z", xp)
    identity = eye(xp, Z.shape[0], Z)
    inverse = _solved(xp, identity + Z, identity, "Z")
    return matmul(identity - Z, inverse), matmul(-2 * free, inverse)


def skew_exponential(W: Any, terms: int | None = None) -> Array:
    """`refimpl.layers.skew_exponential`."""
    xp = namespace_of(W)
    return exponential_of(xp, working(xp, as_matrix(W, square=True)), terms)


def exponential_of(xp: Namespace, W: Array, terms: int | None) -> Array:
    """The same for a batch."""
    A = _skew_part(xp, W)
    if terms is None:
        if float(xp.max(xp.abs(A))) > 1e13 * 2.0**-53 / roundoff():
            raise OverflowError("W - W* is so large that rounding leaves no digit: scale it down")
        angles, vectors = xp.linalg.eigh(1j * A)
        Q = matmul(vectors * xp.exp(-1j * angles)[..., None, :], adjoint(xp, vectors))
        return xp.astype(Q, A.dtype, copy=False) if is_complex(xp, A) else xp.real(Q)
    term = total = eye(xp, A.shape[-1], A)
    with quiet():
        for k in range(1, as_count(terms, "terms", minimum=1)):
            term = in_range(matmul(term, A) / k, "a term of the series", xp)
            total = total + term
    return xp.broadcast_to(total, A.shape) if total.ndim < A.ndim else total


def bjorck(W: Any, n_iter: int) -> Array:
    """`refimpl.layers.bjorck`."""
    xp = namespace_of(W)
    A = xp.asarray(working(xp, as_matrix(W)), copy=True)
    n_iter = as_count(n_iter, "n_iter")
    with quiet():
        for _ in range(n_iter):
            A = in_range(1.5 * A - 0.5 * matmul(A, matmul(adjoint(xp, A), A)), "an iterate", xp)
    return A
