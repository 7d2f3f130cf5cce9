"""Norms of dense matrices from their singular values or eigenvalues."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gpu._arguments import as_matrix
from gpu._namespace import (
    Array,
    Namespace,
    adjoint,
    frobenius,
    from_host,
    matmul,
    namespace_of,
    on_device,
    quiet,
    real_dtype,
    rescale,
    scaled_by_power_of_two,
    to_host,
    working,
)
from refimpl._arguments import as_choice, as_count, as_number

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


def spectral_norm(W: Any) -> float:
    """`refimpl.spectral.spectral_norm`; on a device from the eigenvalues of the smaller Gram matrix."""
    xp = namespace_of(W)
    A, exponent = scaled_by_power_of_two(xp, as_matrix(W))
    return rescale(float(largest_singular_values(xp, working(xp, A))), exponent)


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
