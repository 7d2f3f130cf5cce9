"""Thesis 3.2: dominant singular vectors, eigenpairs by squaring, Gelfand's formula. Equations 3.2 to 3.5."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Case, Comparison, Kind, Verdict, claim, instead, tighten
from proofs_check.claims._sides import length
from proofs_check.strategies import signs, spectra, square_matrices, with_spectrum

_PAIRS = st.sampled_from([[2.0, 1.0], [3.0, 1.0], [4.0, 3.0], [1.0, 0.5], [3.0, 2.0]]).map(np.array)


def _sine_to_axis(u: Any, axis: int) -> Any:
    return length(np.delete(np.asarray(u), axis))


@claim(
    "thesis.eq-3.2",
    at="Equation 3.2, 'i is any column index such that W_{:,i} != 0'",
    tex=r"\mathbf{W}^{(t)}_{:,i} \ne 0 \implies \sin\angle(\mathbf{W}^{(t)}_{:,i}, \mathbf{v}_1) \le "
    r"\sqrt n\,(\sigma_2/\sigma_1)^{2^{t-1}}",
    given=st.fixed_dictionaries({"s": _PAIRS, "n_iter": st.integers(1, 5), "column": st.integers(0, 1)}),
    where=lambda s, n_iter, column: s[0] > s[1] > 0,
    verdict=Verdict.REFUTED,
    kind=Kind.AMBIGUOUS,
    reading="Any nonzero column of the computed iterate, sigma_1 > sigma_2. Of the limit of the normalized iterates, a projector, every nonzero column is right.",
    note="Not any non-zero column: the second column of diag(2, 1)^(t) is a non-zero multiple of e_2 for every t, and "
    "e_2 belongs to the smaller singular value. The longest column is always right.",
    counterexample={"s": np.array([2.0, 1.0]), "n_iter": 2, "column": 1},
    control={"s": np.array([2.0, 1.0]), "n_iter": 2, "column": 0},
    amended_by="thesis.eq-3.2.longest-column",
)
def any_column(impl: Any, s: Any, n_iter: int, column: int) -> Comparison:
    """Every non-zero column of the Gram iterate tends to the leading right singular vector (W = diag(s))."""
    u = impl.spectral.dominant_singular_vector(np.diag(s), n_iter, column=column)
    return Comparison(_sine_to_axis(u, 0), "<=", math.sqrt(2) * (s[1] / s[0]) ** 2.0**n_iter)


def _longest(impl: Any, s: Any, left: Any, right: Any, n_iter: int, constant: float, exponent: float) -> Comparison:
    u = impl.spectral.dominant_singular_vector(with_spectrum(s, left, right), n_iter)
    coordinates = (np.eye(4) - np.outer(right, right) / 2) @ u  # along the right singular vectors
    leading = sum(1 for value in s if value == s[0])
    ratio = s[leading] / s[0] if leading < 4 else s[0] * 0
    return Comparison(length(coordinates[leading:]) if leading < 4 else s[0] * 0, "<=", constant * ratio**exponent)


@claim(
    "thesis.eq-3.2.longest-column",
    at="Equation 3.2, amended",
    tex=r"\sin\angle(\mathbf{W}^{(t)}_{:,i}, V_1) \le \sqrt n\,(\sigma_{m+1}/\sigma_1)^{2^{t-1}}, "
    r"\quad i = \arg\max_i \lVert \mathbf{W}^{(t)}_{:,i} \rVert",
    given=st.fixed_dictionaries({
        "s": spectra().map(np.array), "left": signs(), "right": signs(), "n_iter": st.integers(1, 5),
    }),
    verdict=Verdict.SURVIVED,
    note="V_1 is the span of the singular vectors of sigma_1, of dimension m; ties are allowed.",
    strata={"simple, three steps": lambda s, left, right, n_iter: n_iter == 3 and s[0] > s[1] > 0,
            "double, three steps": lambda s, left, right, n_iter: n_iter == 3 and s[0] == s[1] > s[2] > 0},
    mutants={
        "rate-squared": instead(lambda impl, s, left, right, n_iter: _longest(
            impl, s, left, right, n_iter, 2.0, 2.0 ** (n_iter + 1))),
        "constant-below-a-half": instead(lambda impl, s, left, right, n_iter: _longest(
            impl, s, left, right, n_iter, 0.45, 2.0**n_iter)),
    },
    witnesses=[
        {"s": np.array([2.0, 1.5, 1.5, 1.5]), "left": [1] * 4, "right": [1, -1, 1, 1], "n_iter": 3},
        {"s": np.array([2.0, 2.0, 1.5, 1.5]), "left": [1] * 4, "right": [1, -1, 1, 1], "n_iter": 3},
    ],
    rounding=lambda s, left, right, n_iter: _resolved(s, n_iter),
)
def longest_column(impl: Any, s: Any, left: Any, right: Any, n_iter: int) -> Comparison:
    """The longest column of the Gram iterate tends to the leading right singular space."""
    return _longest(impl, s, left, right, n_iter, 2.0, 2.0**n_iter)


def _resolved(s: Any, n_iter: int) -> float:
    """A sine is a difference from a unit vector: floats resolve it down to u."""
    smaller = [float(value / s[0]) for value in s if value < s[0]]
    sine = max(smaller, default=0.0) ** 2.0**n_iter
    return 4096.0 / sine if sine > 2.0**-36 else math.inf


# Eigenpairs: W = Q diag(d) Q^-1 with an integer Q of determinant 1, so that all is exact.

_Q = st.tuples(st.integers(-2, 2), st.integers(-2, 2))


def _similar(d: Any, q: tuple[int, int]) -> tuple[Any, Any, Any]:
    a, b = q
    Q = np.array([[1 + a * b, a], [b, 1]])
    inverse = np.array([[1, -a], [-b, 1 + a * b]])
    return Q @ np.diag(d) @ inverse, Q, inverse


def _eigen_case(values: list[list[complex]]) -> st.SearchStrategy[Case]:
    return st.fixed_dictionaries({
        "d": st.sampled_from(values).map(np.array), "q": _Q, "n_iter": st.integers(1, 4),
    })


_DOMINANT = _eigen_case([[2.0, 1.0], [-3.0, 1.0], [2.0, -1.5], [2j, 1.0], [3.0, 1 + 1j]])


@claim(
    "thesis.eq-3.4",
    at="Equations 3.3 and 3.4",
    tex=r"\mathbf{W}^{(t)} = \mathbf{W}^{2^{t-1}} = \mathbf{Q}\boldsymbol{\Lambda}^{2^{t-1}}\mathbf{Q}^{-1}",
    given=_DOMINANT,
    verdict=Verdict.SURVIVED,
    note="Normalised columns are compared, for diagonalisable W with an exact eigenbasis.",
    strata={"not normal": lambda d, q, n_iter: q[0] != 0 and n_iter >= 2},
    mutants={"exponent-one-less": instead(lambda impl, d, q, n_iter: _column_of_power(impl, d, q, n_iter, 1))},
    witnesses=[{"d": np.array([2.0, 1.0]), "q": (1, 1), "n_iter": 2}],
    rounding=lambda d, q, n_iter: 2.0**14 * (1 + abs(q[0]) + abs(q[1])) ** 8,
)
def squaring(impl: Any, d: Any, q: Any, n_iter: int) -> Comparison:
    """After n squarings the iterate is Q Lambda^(2^n) Q^-1, also for non-normal and complex matrices."""
    return _column_of_power(impl, d, q, n_iter, 0)


def _column_of_power(impl: Any, d: Any, q: Any, n_iter: int, less: int) -> Comparison:
    W, Q, inverse = _similar(d, q)
    _, u = impl.spectral.dominant_eigenpair(W, n_iter, column=0)
    image = (Q @ np.diag(np.asarray(d) ** (2**n_iter - less)) @ inverse)[:, 0]
    return Comparison(u, "==", image / length(image))


def _eigenvector(impl: Any, d: Any, q: Any, n_iter: int, column: int | None, power: float) -> Comparison:
    """sin(u, u_1) <= sqrt(2) kappa(Q) |d_2/d_1|^(2^n)."""
    W, Q, inverse = _similar(d, q)
    _, u = impl.spectral.dominant_eigenpair(W, n_iter, column=column)
    sine = abs(Q[0, 0] * u[1] - Q[1, 0] * u[0]) / length(Q[:, 0] + u[0] * 0)
    condition = impl.spectral.spectral_norm(Q) * impl.spectral.spectral_norm(inverse)
    return Comparison(sine, "<=", math.sqrt(2) * condition * (abs(d[1]) / abs(d[0])) ** power)


@claim(
    "thesis.eq-3.5",
    at="Equation 3.5, 'i is any nonzero column index', 'if lambda_1 > lambda_2'",
    tex=r"\lambda_1 > \lambda_2,\ \mathbf{W}^{(t)}_{:,i} \ne 0 \implies \mathbf{W}^{(t)}_{:,i} \to \mathbf{u}_1",
    given=st.fixed_dictionaries({
        "d": _PAIRS, "q": st.just((0, 0)), "n_iter": st.integers(2, 5), "column": st.integers(0, 1),
    }),
    verdict=Verdict.REFUTED,
    kind=Kind.AMBIGUOUS,
    reading="Any nonzero column of the computed iterate, lambda_1 larger in modulus than lambda_2. Of the limit of the normalized iterates every nonzero column is right.",
    note="As for equation 3.2: the second column of diag(2, 1) is an eigenvector of 1 at every t.",
    counterexample={"d": np.array([2.0, 1.0]), "q": (0, 0), "n_iter": 2, "column": 1},
    control={"d": np.array([2.0, 1.0]), "q": (0, 0), "n_iter": 2, "column": 0},
    amended_by="thesis.eq-3.5.longest-column",
)
def any_column_of_the_power(impl: Any, d: Any, q: Any, n_iter: int, column: int) -> Comparison:
    """Every non-zero column of the squared iterate tends to the dominant eigenvector."""
    return _eigenvector(impl, d, q, n_iter, column, 2.0**n_iter)


@claim(
    "thesis.eq-3.4.order",
    at="after Equation 3.4, 'dominates (if lambda_1 > lambda_2)'",
    tex=r"\lambda_1 > \lambda_2 \implies \mathbf{W}^{(t)} \text{ aligns with } \mathbf{u}_1 "
    r"\text{ (tested as a sine of at most } 1/2 \text{ from } t = 5)",
    given=st.fixed_dictionaries({
        "d": st.sampled_from([[1.0, -2.0], [2.0, 1.0], [3.0, -1.0]]).map(np.array), "q": st.just((0, 0)),
        "n_iter": st.integers(4, 6),
    }),
    verdict=Verdict.REFUTED,
    kind=Kind.AMBIGUOUS,
    reading="Real eigenvalues, 'largest' in the order of the reals. With 'largest' in modulus, as complex eigenvalues need, it holds.",
    note="It is the modulus that counts: of diag(1, -2) the eigenvalue -2 dominates although 1 > -2; and complex "
    "eigenvalues have no order. The condition is |lambda_1| > |lambda_2|.",
    counterexample={"d": np.array([1.0, -2.0]), "q": (0, 0), "n_iter": 4},
    control={"d": np.array([3.0, -1.0]), "q": (0, 0), "n_iter": 4},
    amended_by="thesis.eq-3.5.longest-column",
)
def real_order(impl: Any, d: Any, q: Any, n_iter: int) -> Comparison:
    """The largest eigenvalue, in the order of the reals, dominates the squared iterate."""
    _, u = impl.spectral.dominant_eigenpair(np.diag(d), n_iter)
    return Comparison(_sine_to_axis(u, 0), "<=", 0.5)


@claim(
    "thesis.eq-3.5.longest-column",
    at="Equation 3.5, amended",
    tex=r"\sin\angle(\mathbf{W}^{(t)}_{:,i}, \mathbf{u}_1) \le \sqrt n\,\kappa(\mathbf{Q})\,"
    r"|\lambda_2/\lambda_1|^{2^{t-1}}, \quad i = \arg\max_i \lVert \mathbf{W}^{(t)}_{:,i} \rVert",
    given=_DOMINANT,
    where=lambda d, q, n_iter: abs(d[0]) > abs(d[1]),
    verdict=Verdict.SURVIVED,
    note="n = 2 here; Q is the eigenbasis, kappa its condition number.",
    strata={"two or more squarings": lambda d, q, n_iter: n_iter >= 2},
    mutants={
        "rate-squared": instead(lambda impl, d, q, n_iter: _eigenvector(
            impl, d, q, n_iter, None, 2.0 ** (n_iter + 1))),
        "rate-power-1.5": instead(lambda impl, d, q, n_iter: _eigenvector(
            impl, d, q, n_iter, None, 1.5 * 2.0**n_iter)),
    },
    witnesses=[{"d": np.array([2.0, 1.0]), "q": (1, 0), "n_iter": 3}, {"d": np.array([2.0, 1.0]), "q": (1, -1), "n_iter": 4}],
    rounding=lambda d, q, n_iter: math.inf,
)
def longest_column_of_the_power(impl: Any, d: Any, q: Any, n_iter: int) -> Comparison:
    """The longest column of the squared iterate tends to the eigenvector of largest modulus."""
    return _eigenvector(impl, d, q, n_iter, None, 2.0**n_iter)


@claim(
    "thesis.eq-3.3",
    at="Equation 3.3, the eigenvalue",
    tex=r"|\mathbf{u}^*\mathbf{W}\mathbf{u} - \lambda_1| \le 2 \lVert \mathbf{W} \rVert_2 "
    r"\sin\angle(\mathbf{u}, \mathbf{u}_1)",
    given=_DOMINANT,
    verdict=Verdict.SURVIVED,
    note="With equation 3.5 amended this is convergence of the eigenvalue. For symmetric W the sine may be squared.",
    strata={"not normal": lambda d, q, n_iter: q[0] * q[1] != 0},
    mutants={"sine-squared": instead(lambda impl, d, q, n_iter: _rayleigh(impl, d, q, n_iter, 2)),
             "a-tenth": instead(lambda impl, d, q, n_iter: _rayleigh(impl, d, q, n_iter, 1, 0.1))},
    witnesses=[{"d": np.array([2.0, 1.0]), "q": (2, 1), "n_iter": 2}, {"d": np.array([2.0, -1.5]), "q": (1, 1), "n_iter": 2}],
    rounding=lambda d, q, n_iter: math.inf,
)
def eigenvalue(impl: Any, d: Any, q: Any, n_iter: int) -> Comparison:
    """The Rayleigh quotient is as close to the eigenvalue as twice the norm times the vector's sine."""
    return _rayleigh(impl, d, q, n_iter, 1)


def _rayleigh(impl: Any, d: Any, q: Any, n_iter: int, power: int, factor: float = 1.0) -> Comparison:
    W, Q, _ = _similar(d, q)
    value, u = impl.spectral.dominant_eigenpair(W, n_iter)
    sine = abs(Q[0, 0] * u[1] - Q[1, 0] * u[0]) / length(Q[:, 0] + u[0] * 0)
    return Comparison(abs(value - d[0]), "<=", factor * 2 * impl.spectral.spectral_norm(W) * sine**power)


# Gelfand's formula.

_NORMS = ("fro", "1", "inf", "nuc", "2")


def _square_small() -> Iterator[Case]:
    for values in itertools.product((-1.0, 0.0, 1.0, 2.0), repeat=4):
        yield {"W": np.array(values).reshape(2, 2), "n_iter": 3, "norm": "fro"}


def _defective(W: Any, n_iter: int, norm: str = "2") -> float:
    """An eigenvalue of multiplicity n moves by the n-th root of the rounding."""
    return 256.0 * 2.0 ** (53 * (1 - 1 / len(W)))


@claim(
    "thesis.def-3.2.2",
    at="Definition 3.2.2, the inequality",
    tex=r"\rho(\mathbf{W}) \le \lVert \mathbf{W}^t \rVert^{1/t},\quad t \ge 1",
    given=st.fixed_dictionaries({
        "W": square_matrices(3, complex_entries=True), "n_iter": st.integers(1, 4), "norm": st.sampled_from(_NORMS),
    }),
    verdict=Verdict.SURVIVED,
    note="For all t in N: from 1 on. The sequence need not decrease.",
    strata={"not normal": lambda W, n_iter, norm: not np.array_equal(W @ W.conj().T, W.conj().T @ W)
            and n_iter >= 3 and len(W) >= 2},
    mutants={"one-percent-tighter": tighten(0.01), "ten-percent-tighter": tighten(0.1)},
    witnesses=[{"W": np.array([[2.0, 1.0], [0.0, 0.0]]), "n_iter": 4, "norm": "inf"},
               {"W": np.array([[2.0, 0.0625], [0.0, 1.0]]), "n_iter": 4, "norm": "2"}],
    exhaustive=_square_small,
    rounding=_defective,
)
def above_the_radius(impl: Any, W: Any, n_iter: int, norm: str) -> Comparison:
    """In a submultiplicative norm every term of Gelfand's sequence is at least the spectral radius."""
    return Comparison(
        impl.spectral.spectral_radius(W), "<=", impl.spectral.gelfand_sequence(W, n_iter, norm), length(W)
    )


def _henrici(impl: Any, W: Any, n_iter: int, drop: int = 0) -> Comparison:
    n = len(W)
    rho = impl.spectral.spectral_radius(W)
    nilpotent = impl.spectral.spectral_norm(np.triu(W, 1) + W * 0)
    last = impl.spectral.gelfand_sequence(W, n_iter, "2")[-1]
    terms = [math.comb(n_iter, j) * rho ** (n_iter - j) * nilpotent**j for j in range(min(n - drop, n_iter + 1))]
    return Comparison([rho**n_iter, last**n_iter], "<=", [last**n_iter, sum(terms[1:], terms[0])],
                      length(W) ** n_iter)


@claim(
    "thesis.def-3.2.2-limit",
    at="Definition 3.2.2, the limit",
    tex=r"\rho^t \le \lVert \mathbf{W}^t \rVert_2 \le \sum_{j<n} \tbinom{t}{j} \rho^{t-j} \lVert \mathbf{N} \rVert_2^j, "
    r"\quad \mathbf{W} = \mathbf{D} + \mathbf{N} \text{ triangular}",
    given=st.fixed_dictionaries({
        "W": square_matrices(3).map(np.triu), "n_iter": st.integers(1, 6),
    }),
    verdict=Verdict.SURVIVED,
    note="The t-th root of the right side tends to rho, so this is the limit, with a rate; every matrix is unitarily "
    "triangular (Schur) and all norms are equivalent.",
    strata={"not normal": lambda W, n_iter: len(W) >= 2 and n_iter >= 3 and bool(np.any(np.triu(W, 1)))},
    mutants={"one-term-less": instead(lambda impl, W, n_iter: _henrici(impl, W, n_iter, 1)),
             "ten-percent-tighter": tighten(0.1)},
    witnesses=[{"W": np.array([[1.0, 1.0], [0.0, 1.0]]), "n_iter": 5}, {"W": np.array([[1.0, 0.0078125], [0.0, 1.0]]), "n_iter": 3}],
    rounding=_defective,
)
def gelfand_limit(impl: Any, W: Any, n_iter: int) -> Comparison:
    """Gelfand's sequence tends to the spectral radius."""
    return _henrici(impl, W, n_iter)
