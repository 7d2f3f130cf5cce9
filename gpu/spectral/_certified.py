"""Bounds on batches of matrices that rounding cannot break, in floats of any precision.

Every scalar bound is computed in float64 and multiplied by UP, which is more than the rounding of the operations since
the last one, seven at most, and `tiny` is added, for what underflow takes from arrays whose largest entry is about 1.
Products of matrices are off by `gpu._namespace.product_error` times the product of the moduli. That holds for every
library that computes products by sums, not by Strassen's method. Of decompositions only LAPACK's by Cholesky is
trusted: what others return is multiplied out again.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import array_api_compat
import numpy as np
import scipy.linalg.lapack

from gpu._namespace import (
    Array,
    Namespace,
    adjoint,
    frobenius,
    from_host,
    is_complex,
    matmul,
    on_device,
    product_error,
    quiet,
    real_dtype,
    roundoff,
    to_host,
)

UP = 1 + 2.0**-50


def tiny() -> float:
    """More than underflow takes from a norm of entries of about 1 and less: roots of as many least floats as fit."""
    return 2.0**-500 if roundoff() == 2.0**-53 else 2.0**-60


def length_above(xp: Namespace, A: Array) -> Array:
    """Not less than the Frobenius norms over the last two axes, in float64; of entries of about 1 and less."""
    entries = A.shape[-1] * A.shape[-2]
    # Squares and sums of so many terms, and the root.
    room = 1 + (entries + 8) * roundoff() * 1.01
    return xp.astype(frobenius(xp, A), xp.float64) * (room * UP) + tiny()


def conversion_error(xp: Namespace, W: Array, scaled: Array, A: Array, exponent: int) -> float:
    """A bound on ``||W / 2**exponent - A||_F`` for the scaled matrix and its version in the working precision."""
    lost = 0.0
    half = exponent // 2
    back = scaled * 2.0**half * 2.0 ** (exponent - half)
    if not bool(xp.all(back == W)):
        lost = 4 * math.prod(W.shape) * 2.0**-1074
    if A.dtype == scaled.dtype:
        return lost
    return (lost + float(xp.linalg.vector_norm(xp.reshape(scaled - xp.astype(A, scaled.dtype), (-1,))))) * UP + tiny()


def certified_gram_bounds(xp: Namespace, A: Array, n_iter: int, error: float) -> Array:
    """Gram iteration with Frobenius read-out of each matrix of a batch, for all matrices that are within `error` of it.

    Not below the exact value, nor the spectral norm. The bound after k steps is a Schatten norm f_k with
    ``f_k(A) = f_{k-1}(A* A)^(1/2)`` and ``f(B + E) <= f(B) + ||E||_F``: the rounding error of every Gram matrix is
    added on the way back. The largest entry of the batch has to be about 1.
    """
    levels = []
    exponent = 0
    for _ in range(n_iter):
        # One exact power of two for the whole batch: what underflow takes from a small matrix is below `tiny`.
        product = product_error(A.shape[-2], complex_entries=is_complex(xp, A)) * length_above(xp, A) ** 2 * UP + tiny()
        G = matmul(adjoint(xp, A), A)
        exponent = math.frexp(float(xp.max(xp.abs(G))) or 1.0)[1]
        levels.append((exponent, product))
        A = G * 2.0**-exponent
    bound = length_above(xp, A)
    for exponent, product in reversed(levels):
        bound = xp.sqrt(bound * 2.0**exponent + product + tiny()) * UP
    return (bound + error) * UP


def nudged(value: float, exponent: int) -> float:
    """``value * 2**exponent``, rounded up where it is subnormal, infinite where there is no float."""
    if value == 0:
        return 0.0
    try:
        scaled = math.ldexp(value, exponent)
    except OverflowError:
        return math.inf
    return math.nextafter(scaled, math.inf) if abs(scaled) < 2.0**-1020 else scaled


@contextlib.contextmanager
def _failures_raise(xp: Namespace) -> Iterator[None]:
    """A factorization that fails is told on the device as well, where it is silent by default."""
    if not on_device(xp):
        with quiet():
            yield
        return
    import cupyx

    with cupyx.errstate(linalg="raise"):
        yield


def definite(xp: Namespace, B: Array) -> Any:
    """Of which matrices of a batch Cholesky's factorization runs to completion; on the host B is overwritten."""
    if array_api_compat.is_numpy_namespace(xp):
        # One by one: NumPy's own tells of a batch only whether all are, and copies.
        B = np.ascontiguousarray(B)
        (factorize,) = scipy.linalg.lapack.get_lapack_funcs(("potrf",), (B,))
        codes = [factorize(part.T, lower=True, overwrite_a=True, clean=False)[1] for part in B]
        return np.array(codes) == 0
    found = np.zeros(B.shape[0], dtype=bool)
    parts = [np.arange(B.shape[0])]
    # A list and no recursion, whose frames would keep arrays alive.
    while parts:
        index = parts.pop()
        if _factor(xp, B if index.size == B.shape[0] else xp.take(B, from_host(xp, index, B), axis=0)) is not None:
            found[index] = True
        elif index.size > 1:
            parts += [index[: index.size // 2], index[index.size // 2 :]]
    return found


def _factor(xp: Namespace, B: Array) -> Array | None:
    """Cholesky factors of a batch, or None where one of them fails."""
    try:
        with _failures_raise(xp):
            L = xp.linalg.cholesky(B)
    except np.linalg.LinAlgError:
        return None
    return L if bool(xp.all(xp.isfinite(xp.linalg.diagonal(L)))) else None


def eigenvalues_below(xp: Namespace, G: Array, square: float, gram_error: Any) -> Any:
    """Bounds on the eigenvalues of exact Gram matrices within `gram_error` of G, near the square.

    Infinite where there is no proof. With ``B = square I - G`` and a factor L of it, ``G = square I - L L* - R`` and
    L L* has no negative eigenvalues. So no eigenvalue is above the square plus the norm of R, plus the rounding errors.
    On a device R is computed, and L may come from anywhere. LAPACK's factors need no second product: where its
    factorization runs to completion, R is at most the rounding of sums of n + 2 products times the trace (Rump,
    Verification of positive definiteness, 2006).
    """
    n = G.shape[-1]
    square = float(xp.asarray(square, dtype=real_dtype(xp)))  # B is made with this number
    B = square * xp.eye(n, dtype=G.dtype, device=array_api_compat.device(G)) - G
    complex_entries = is_complex(xp, G)
    # The subtractions for B and for R round once each.
    if array_api_compat.is_numpy_namespace(xp):
        trace = n * xp.astype(xp.max(xp.abs(xp.linalg.diagonal(B)), axis=-1), xp.float64)
        each = product_error(n + 2, complex_entries=complex_entries)
        left = each / (1 - each) * trace * (1 + 4 * roundoff())
        above = (square + left + 4 * roundoff() * length_above(xp, B) + gram_error + tiny()) * UP
        return np.where(definite(xp, B), above, np.inf)
    above, shown, L = np.full(G.shape[0], np.inf), np.arange(G.shape[0]), _factor(xp, B)
    if L is None:
        shown = np.flatnonzero(definite(xp, B))
        B = xp.take(B, from_host(xp, shown, B), axis=0)
        L = _factor(xp, B) if shown.size else None
    if L is not None:
        R = B - matmul(L, adjoint(xp, L))
        subtractions = 4 * roundoff() * (length_above(xp, B) + length_above(xp, R))
        product = product_error(n, complex_entries=complex_entries) * length_above(xp, L) ** 2
        above[shown] = to_host((square + length_above(xp, R) + subtractions + product + gram_error + tiny()) * UP)
    return above
