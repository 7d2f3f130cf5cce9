"""Power iteration, and dominant vectors from Gram or squaring iteration."""

from __future__ import annotations

from typing import Any

from gpu._arguments import as_matrix, as_vector
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
    rescale,
    scaled_by_power_of_two,
    working,
)
from refimpl._arguments import as_count, as_generator


def power_iteration(W: Any, n_iter: int, *, start: Any = None, rng: Any = None) -> float:
    """`refimpl.spectral.power_iteration`; the start is drawn on the host, so that a seed means the same."""
    xp = namespace_of(W, start)
    A, exponent = scaled_by_power_of_two(xp, as_matrix(W, xp=xp))
    n_iter = as_count(n_iter, "n_iter", minimum=1)
    A, u = working(xp, A), working(xp, _start(xp, A, start, rng))
    H = adjoint(xp, A)
    for _ in range(n_iter):
        v = unit(xp, _times(A, u))
        u = unit(xp, _times(H, v))
    return rescale(float(xp.real(xp.vecdot(_times(A, u), v)) if is_complex(xp, v) else xp.vecdot(_times(A, u), v)),
                   exponent)


def _times(A: Array, u: Array) -> Array:
    return matmul(A, u[:, None])[:, 0]


def _start(xp: Namespace, A: Array, start: Any, rng: Any) -> Array:
    columns = A.shape[1]
    if start is None:
        if rng is None:
            raise ValueError("start must be a vector where rng is not given, got None for both")
        generator = as_generator(rng)
        drawn = generator.standard_normal(columns)
        if is_complex(xp, A):
            drawn = drawn + 1j * generator.standard_normal(columns)
        return from_host(xp, drawn, A)
    u = as_vector(start, "start", size=columns, xp=xp)
    if not any_nonzero(xp, u):
        raise ValueError("start must not be zero, got a zero vector")
    u = u if not is_complex(xp, A) or is_complex(xp, u) else xp.astype(u, A.dtype)
    return scaled_by_power_of_two(xp, u)[0]


def unit(xp: Namespace, v: Array) -> Array:
    """The vector at length 1; scaled first, since squares of small entries underflow. Zero stays zero."""
    scaled, _ = scaled_by_power_of_two(xp, v)
    return scaled / (float(xp.linalg.vector_norm(scaled)) or 1.0)


def _column(xp: Namespace, A: Array, column: int | None) -> Array:
    """A column of unit length: the given one, or the first among the longest."""
    if column is None:
        column = int(xp.argmax(xp.linalg.vector_norm(A, axis=0)))
    elif not 0 <= as_count(column, "column") < A.shape[1]:
        raise ValueError(f"column must be an index below {A.shape[1]}, got {column}")
    if not any_nonzero(xp, A[:, column]):
        raise ValueError(f"column must be one of a non-zero iterate, got {column}, which is zero")
    return unit(xp, A[:, column])


def dominant_singular_vector(W: Any, n_iter: int, *, column: int | None = None) -> Array:
    """`refimpl.spectral.dominant_singular_vector`."""
    xp = namespace_of(W)
    A = working(xp, scaled_by_power_of_two(xp, as_matrix(W))[0])
    for _ in range(as_count(n_iter, "n_iter", minimum=1)):
        A = matmul(adjoint(xp, A), A)
        A = A / (float(frobenius(xp, A)) or 1.0)
    return _column(xp, A, column)


def dominant_eigenpair(W: Any, n_iter: int, *, column: int | None = None) -> tuple[complex | float, Array]:
    """`refimpl.spectral.dominant_eigenpair`."""
    xp = namespace_of(W)
    A, exponent = scaled_by_power_of_two(xp, as_matrix(W, square=True))
    power = A = working(xp, A)
    for _ in range(as_count(n_iter, "n_iter")):
        power = matmul(power, power)
        power = power / (float(xp.max(xp.abs(power))) or 1.0)
    if not any_nonzero(xp, power):
        raise ValueError("W must not be nilpotent, got a matrix whose power is zero")
    u = _column(xp, power, column)
    value = xp.vecdot(u, _times(A, u))
    if is_complex(xp, A):
        found = complex(value)
        return complex(rescale(found.real, exponent), rescale(found.imag, exponent)), u
    return rescale(float(value), exponent), u
