"""Norms of dense matrices from their singular values or eigenvalues."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse.linalg

from gpu._arguments import as_matrix
from gpu._namespace import (
    Array,
    Namespace,
    adjoint,
    any_nonzero,
    frobenius,
    from_host,
    matmul,
    namespace_of,
    on_device,
    quiet,
    real_dtype,
    rescale,
    roundoff,
    scaled_by_power_of_two,
    to_host,
    working,
)
from refimpl._arguments import as_choice, as_count, as_number

# From this side on Lanczos iteration is faster on the host than a decomposition.
LANCZOS_SIDE = 200
# Of the residual, relative to the eigenvalue: its square is below the roundoff of float64.
LANCZOS_TOLERANCE = 1e-9
# The library's Lanczos iteration needs more rows than vectors.
LEAST_SIDE = 4
METHODS = ("auto", "svd", "cholesky", "lanczos")
NORMS = ("fro", "nuc", "1", "2", "inf")


def check_norm(norm: Any) -> None:
    """Reject what is neither the name of a norm nor a function."""
    if not callable(norm):
        as_choice(norm, "norm", NORMS)


def matrix_norm(xp: Namespace, W: Array, norm: Any) -> float:
    """The named norm of a matrix, or the given function of it."""
    if callable(norm):
        return float(norm(W))
    if norm == "fro":
        return float(frobenius(xp, W))
    if norm in ("1", "inf"):
        return float(xp.max(xp.sum(xp.abs(W), axis=0 if norm == "1" else 1)))
    sigma = xp.linalg.svdvals(W)
    return float(xp.sum(sigma) if norm == "nuc" else sigma[0])


def smaller_gram(xp: Namespace, A: Array) -> Array:
    """The Gram matrices on the smaller side: the same singular values other than 0."""
    H = adjoint(xp, A)
    return matmul(A, H) if A.shape[-2] < A.shape[-1] else matmul(H, A)


def largest_singular_values(xp: Namespace, A: Array, *, by_gram: bool | None = None) -> Array:
    """The largest singular value of each matrix of a batch, to rounding.

    On a device from the eigenvalues of the smaller Gram matrix: products are fast there and decompositions into
    singular values slow, and the largest eigenvalue loses no digits to squaring.
    """
    if by_gram is None:
        by_gram = on_device(xp)
    if not by_gram:
        return xp.linalg.svdvals(A)[..., 0]
    largest = xp.linalg.eigvalsh(smaller_gram(xp, A))[..., -1]
    return xp.sqrt(xp.where(largest > 0, largest, xp.zeros_like(largest)))


def leading_pair(xp: Namespace, G: Array) -> tuple[float, Array]:
    """The largest eigenvalue of a positive semidefinite matrix and its vector, a column.

    On the host by Lanczos iteration: its residual enters the eigenvalue squared. That no eigenvalue is larger is not
    known from it.
    """
    if on_device(xp) or G.shape[0] < LANCZOS_SIDE:
        eigenvalues, vectors = xp.linalg.eigh(G)
        return float(eigenvalues[-1]), vectors[:, -1:]
    host = to_host(G)
    start = np.random.default_rng(0).standard_normal(len(host)).astype(host.dtype)
    try:
        values, vectors = scipy.sparse.linalg.eigsh(host, k=1, which="LA", v0=start, tol=LANCZOS_TOLERANCE)
    except scipy.sparse.linalg.ArpackError:
        eigenvalues, vectors = np.linalg.eigh(host)
        return float(eigenvalues[-1]), from_host(xp, vectors[:, -1:], G)
    return float(values[0]), from_host(xp, vectors, G)


def _uncertified(xp: Namespace, A: Array) -> float:
    """The largest singular value by Lanczos iteration with the matrix and its adjoint."""
    host = to_host(A if A.shape[0] >= A.shape[1] else adjoint(xp, A))
    start = np.random.default_rng(0).standard_normal(host.shape[1]).astype(host.dtype)
    back = np.conj(host.T) if host.dtype.kind == "c" else host.T
    gram = scipy.sparse.linalg.LinearOperator(
        (host.shape[1],) * 2, matvec=lambda x: back @ (host @ x), dtype=host.dtype)
    values = scipy.sparse.linalg.eigsh(
        gram, k=1, which="LA", v0=start, tol=LANCZOS_TOLERANCE, return_eigenvectors=False)
    return math.sqrt(max(float(values[0]), 0.0))


def _by_lanczos(xp: Namespace, A: Array) -> float | None:
    """The largest singular value by Lanczos iteration, if Cholesky's factorization finds none that is larger."""
    G = to_host(smaller_gram(xp, A))
    square, _ = leading_pair(xp, from_host(xp, G, A))
    rest = -G
    np.fill_diagonal(rest, square * (1 + 8 * len(G) * roundoff()) - np.diag(G))
    try:
        scipy.linalg.cholesky(rest, lower=True, overwrite_a=True, check_finite=False)
    except scipy.linalg.LinAlgError:
        return None
    return math.sqrt(square)


def spectral_norm(W: Any, *, method: str = "auto") -> float:
    """`refimpl.spectral.spectral_norm`.

    `method`: "svd" decomposes; "cholesky" takes Lanczos iteration on the smaller Gram matrix and shows by Cholesky's
    factorization that it has no larger eigenvalue, or decomposes; "lanczos" goes without that, by products with the
    matrix alone. "auto" takes "cholesky" for large matrices on the host; on a device always the eigenvalues of the
    smaller Gram matrix.
    """
    xp = namespace_of(W)
    scaled, exponent = scaled_by_power_of_two(xp, as_matrix(W))
    A = working(xp, scaled)
    as_choice(method, "method", METHODS)
    if on_device(xp) or min(A.shape) < (LANCZOS_SIDE if method == "auto" else LEAST_SIDE):
        method = "svd"
    if method == "svd" or not any_nonzero(xp, A):
        found = None
    else:
        found = _uncertified(xp, A) if method == "lanczos" else _by_lanczos(xp, A)
    return rescale(float(largest_singular_values(xp, A)) if found is None else found, exponent)


def schatten_norm(W: Any, p: float) -> float:
    """`refimpl.spectral.schatten_norm`."""
    xp = namespace_of(W)
    A, exponent = scaled_by_power_of_two(xp, as_matrix(W))
    p = as_number(p, "p", above=0, infinite=True)
    sigma = xp.linalg.svdvals(working(xp, A))
    largest = float(sigma[0])
    if math.isinf(p) or largest == 0:
        return rescale(largest, exponent)
    # A handful of numbers: powers and roots near the ends of the range are the host's.
    ratios = to_host(sigma).astype(float) / largest
    with quiet():
        return rescale(float(largest * np.power((ratios**p).sum(), 1 / p)), exponent)


def spectral_radius(W: Any) -> float:
    """`refimpl.spectral.spectral_radius`; where the library of the device has no such eigenvalues, on the host."""
    xp = namespace_of(W)
    A, exponent = scaled_by_power_of_two(xp, as_matrix(W, square=True))
    A = working(xp, A)
    try:
        moduli = xp.abs(xp.linalg.eigvals(A))
    except (AttributeError, RuntimeError):  # CuPy before 14, CUDA before 12.6
        moduli = np.abs(np.linalg.eigvals(to_host(A)))
    return rescale(float(moduli.max() if isinstance(moduli, np.ndarray) else xp.max(moduli)), exponent)


def gelfand_sequence(W: Any, n_iter: int, norm: Any = "fro") -> Array:
    """`refimpl.spectral.gelfand_sequence`."""
    xp = namespace_of(W)
    given = as_matrix(W, square=True)
    scaled, exponent = scaled_by_power_of_two(xp, given)
    n_iter = as_count(n_iter, "n_iter", minimum=1)
    check_norm(norm)
    A = power = working(xp, scaled)
    log_scale = 0.0  # W^t = power * exp(log_scale) * 2^(t * exponent)
    bounds = []
    for t in range(1, n_iter + 1):
        size = float(xp.max(xp.abs(power)))
        if size == 0:
            bounds.append(0.0)
            continue
        power, log_scale = power / size, log_scale + math.log(size)
        value = matrix_norm(xp, power, norm)
        # A norm that is none may be 0.
        bounds.append(rescale(math.exp((math.log(value) + log_scale) / t), exponent) if value > 0 else 0.0)
        power = matmul(power, A)
    return xp.astype(from_host(xp, np.array(bounds), given), real_dtype(xp))
