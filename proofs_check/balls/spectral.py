"""Spectral quantities in balls, from the characteristic polynomial of the Gram matrix."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from flint import acb, arb, ctx, fmpz, fmpz_mat

from proofs_check.balls._dual import derivative
from proofs_check.balls._lift import (
    adjoint,
    as_flint,
    ball_array,
    euclidean_norm,
    is_complex,
    nonnegative_root,
    product,
)

# Up to this side, and this many bits from the largest entry's first to the smallest entry's last,
# the characteristic polynomial is expanded in integers and its roots are isolated.
_CHARPOLY_SIDE = 12
_SPREAD_BITS = 400


def _integers(array: np.ndarray) -> tuple[list[fmpz], int]:
    """Midpoints as integers times a common power of two."""
    pairs = [v.mid().man_exp() for v in array.ravel()]
    exponent = min((e for m, e in pairs if m != 0), default=fmpz(0))
    return [m * (fmpz(1) << int(e - exponent)) if m != 0 else fmpz(0) for m, e in pairs], int(exponent)


def _real_embedding(array: np.ndarray) -> np.ndarray:
    """A real matrix with the same singular values, each twice."""
    real = np.frompyfunc(lambda v: v.real if isinstance(v, acb) else v, 1, 1)(array)
    imag = np.frompyfunc(lambda v: v.imag if isinstance(v, acb) else arb(0), 1, 1)(array)
    return np.block([[real, -imag], [imag, real]])


def _two_to(exponent: int) -> arb:
    return arb(1) * arb(2) ** exponent


def singular_values(W: Any) -> list[arb]:
    """All singular values, largest first."""
    array = ball_array(W)
    doubled = is_complex(array)
    if doubled:
        array = _real_embedding(array)
    if array.shape[0] < array.shape[1]:
        array = array.T
    values = _of_midpoints(array)
    values.sort(key=lambda v: float(v.mid()), reverse=True)
    return values[::2] if doubled else values


def _of_midpoints(array: np.ndarray) -> list[arb]:
    """Roots of the integer characteristic polynomial, widened by Weyl's perturbation bound."""
    integers, exponent = _integers(array)
    matrix = fmpz_mat(array.shape[0], array.shape[1], integers)
    polynomial = (matrix.transpose() * matrix).charpoly()
    values = []
    for root, multiplicity in polynomial.complex_roots():
        value = nonnegative_root(acb(root).real) * _two_to(exponent) + _perturbation(array)
        values += [value] * int(multiplicity)
    return values


def _perturbation(array: np.ndarray) -> arb:
    """A ball around 0 that holds every change of a singular value when midpoints replace balls."""
    return arb(0, euclidean_norm([arb(v.rad()) for v in array.ravel()]).upper())


def spectral_norm(W: Any) -> arb:
    """The largest singular value."""
    array = ball_array(W)
    if 1 in array.shape:
        return euclidean_norm(array)
    if not all(v.rad() == 0 for v in array.ravel()):
        return _norm_by_traces(array)
    return _exact_matrix_norm(_Key(array), ctx.prec)


class _Key:
    """A matrix of exact balls that can be looked up."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        parts = (part for v in array.ravel() for part in (v.real, v.imag))
        self._entries = (array.shape, tuple((int(m), int(e)) for m, e in (p.man_exp() for p in parts)))

    def __hash__(self) -> int:
        return hash(self._entries)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._entries == other._entries


@lru_cache(maxsize=4096)
def _exact_matrix_norm(key: _Key, precision: int) -> arb:
    array = key.array
    small = min(array.shape) <= _CHARPOLY_SIDE
    return singular_values(array)[0] if small and _spread(array) <= _SPREAD_BITS else _norm_by_traces(array)


def _spread(array: np.ndarray) -> int:
    """How many bits lie between the largest entry and the last digit of the smallest."""
    parts = [part for v in array.ravel() for part in ((v.real, v.imag) if isinstance(v, acb) else (v,))]
    pairs = [part.mid().man_exp() for part in parts if part.mid() != 0]
    tops = [int(m.bit_length() + e) for m, e in pairs]
    return max(tops) - min(int(e) for _, e in pairs) if pairs else 0


def _norm_by_traces(array: np.ndarray) -> arb:
    """Between tr(G^N)^(1/2N) / n^(1/2N) and tr(G^N)^(1/2N), where G is the Gram matrix and N = 2^k.

    For large matrices, and for those whose characteristic polynomial has roots too close to separate:
    balls around ties, entries far apart in size.
    """
    doublings = ctx.prec
    with ctx.workprec(3 * ctx.prec):  # every squaring doubles the relative radius
        tall = array if array.shape[0] >= array.shape[1] else adjoint(array)
        middle = np.frompyfunc(lambda v: v.mid(), 1, 1)(tall)
        gram = as_flint(product(adjoint(middle), middle))
        root = arb(1)
        if _real_part(gram.trace()) == 0:
            return _perturbation(tall)
        for k in range(doublings + 1):
            trace = _real_part(gram.trace())
            root *= trace ** (arb(2) ** -k / 2)
            gram = gram * (1 / trace)
            gram = gram * gram
        least = arb(tall.shape[1]) ** (-(arb(2) ** -doublings) / 2)
        return root * least.union(1) + _perturbation(tall)


def _real_part(value: arb | acb) -> arb:
    return value.real if isinstance(value, acb) else value


def spectral_radius(W: Any) -> arb:
    """The largest modulus of an eigenvalue, of a matrix of exact entries."""
    array = ball_array(W)
    if is_complex(array):
        array = _real_embedding(array)
    integers, exponent = _integers(array)
    roots = fmpz_mat(*array.shape, integers).charpoly().complex_roots()
    largest = arb(0)
    for root, _ in roots:
        largest = largest.max(abs(acb(root)))
    return largest * _two_to(exponent)


def schatten_norm(W: Any, p: float | arb) -> arb:
    """The p-norm of the singular values."""
    values = singular_values(W)
    if isinstance(p, float) and p == float("inf"):
        return values[0]
    total = arb(0)
    for v in values:
        total += _power(v, arb(p))
    return _power(total, 1 / arb(p))


def _power(base: arb, exponent: arb) -> arb:
    """A power with positive exponent, also where the base is (or may be) zero."""
    if base == 0:
        return arb(0)
    if not base > 0:
        return arb(0).union(base.upper() ** exponent)
    return base**exponent


def matrix_norm(W: Any, norm: str | Callable[[Any], Any]) -> arb:
    """Frobenius, nuclear, operator 1, 2, infinity norm, or the given function of the matrix."""
    array = ball_array(W)
    if callable(norm):
        return norm(array)
    if norm == "fro":
        return euclidean_norm(array)
    if norm == "nuc":
        return schatten_norm(array, 1.0)
    if norm == "2":
        return spectral_norm(array)
    moduli = np.frompyfunc(abs, 1, 1)(array)
    sums = moduli.sum(axis=0 if norm == "1" else 1)
    largest = arb(0)
    for s in sums:
        largest = largest.max(s)
    return largest


def gram_iterate(W: Any, n_iter: int) -> np.ndarray:
    """The matrix after `n_iter` Gram steps."""
    array = ball_array(W)
    for _ in range(n_iter):
        array = product(adjoint(array), array)
    return array


def gram_iteration_naive(W: Any, n_iter: int, norm: Any = "fro") -> arb:
    """The norm of the iterate, its 2^n_iter-th root."""
    return _power(matrix_norm(gram_iterate(W, n_iter), norm), arb(2) ** -n_iter)


def gram_iteration(W: Any, n_iter: int, norm: Any = "fro", *, certified: bool = False) -> arb:
    """As the naive form: balls neither overflow nor round silently."""
    return gram_iteration_naive(W, n_iter, norm)


def gram_bound_sequence(W: Any, n_iter: int, norm: Any = "fro") -> np.ndarray:
    """The bounds after 0 to n_iter steps."""
    return np.array([gram_iteration_naive(W, t, norm) for t in range(n_iter + 1)], dtype=object)


def gelfand_sequence(W: Any, n_iter: int, norm: Any = "fro") -> np.ndarray:
    """The t-th roots of the norms of the powers 1 to n_iter."""
    array = ball_array(W)
    power, roots = array, []
    for t in range(1, n_iter + 1):
        roots.append(_power(matrix_norm(power, norm), 1 / arb(t)))
        power = product(power, array)
    return np.array(roots, dtype=object)


def power_iteration(W: Any, n_iter: int, *, start: Any, rng: Any = None) -> arb:
    """Algorithm 2 as it stands."""
    array = ball_array(W)
    u = ball_array(start).reshape(-1, 1)
    for _ in range(n_iter):
        v = product(array, u)
        if all(entry == 0 for entry in v.ravel()):
            return arb(0)
        v = v / euclidean_norm(v)
        u = product(adjoint(array), v)
        u = u / euclidean_norm(u)
    value = product(adjoint(product(array, u)), v)[0, 0]
    return value.real if isinstance(value, acb) else value


def _column(array: np.ndarray, column: int | None) -> np.ndarray:
    if column is None:
        norms = [float(euclidean_norm(c).mid()) for c in array.T]
        column = int(np.argmax(norms))
    chosen = array[:, column]
    return chosen / euclidean_norm(chosen)


def dominant_singular_vector(W: Any, n_iter: int, *, column: int | None = None) -> np.ndarray:
    """A normalised column of the Gram iterate."""
    return _column(gram_iterate(W, n_iter), column)


def dominant_eigenpair(W: Any, n_iter: int, *, column: int | None = None) -> tuple[Any, np.ndarray]:
    """Rayleigh quotient and normalised column after repeated squaring."""
    array = ball_array(W)
    power = array
    for _ in range(n_iter):
        power = product(power, power)
    u = _column(power, column).reshape(-1, 1)
    return product(adjoint(u), product(array, u))[0, 0], u.ravel()


def gram_iteration_gradient(W: Any, n_iter: int) -> np.ndarray:
    """The derivative of the Frobenius read-out by forward differentiation, by real and imaginary parts."""
    array = ball_array(W)
    doubled = is_complex(array)
    parts = np.stack([_part(array, "real"), _part(array, "imag")]) if doubled else array

    def squared_norm(entries: np.ndarray) -> Any:
        iterate = entries.reshape(parts.shape)
        if doubled:
            iterate = np.block([[iterate[0], -iterate[1]], [iterate[1], iterate[0]]])
        for _ in range(n_iter):
            iterate = iterate.T.dot(iterate)
        return (iterate * iterate).sum() / (2 if doubled else 1)

    exponent = arb(2) ** -(n_iter + 1)
    slopes = derivative(squared_norm, parts.ravel()).reshape(parts.shape)
    gradient: np.ndarray = slopes * exponent * squared_norm(parts.ravel()) ** (exponent - 1)
    return gradient[0] + gradient[1] * acb(0, 1) if doubled else gradient


def _part(array: np.ndarray, name: str) -> np.ndarray:
    """Real or imaginary parts."""
    return np.asarray(np.frompyfunc(lambda v: getattr(acb(v), name), 1, 1)(array))
