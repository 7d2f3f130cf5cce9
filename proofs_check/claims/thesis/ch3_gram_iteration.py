"""Thesis 3.2: Gram iteration is an upper bound that converges. Theorem 3.2.4 (1), (2), (a), A.0.3.

The source counts iterates from t = 1, the code counts steps: n_iter = t - 1.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st

from proofs_check.claim import Case, Comparison, Kind, Step, Verdict, claim, instead, scale_right, tighten
from proofs_check.claims._sides import adjoint, largest, length
from proofs_check.strategies import matrices

SUBMULTIPLICATIVE = ("fro", "1", "inf", "nuc", "2")

# For an n x n matrix X: LOW(n) ||X||_2 <= ||X|| <= HIGH(n) ||X||_2, both as powers of n.
LOW = {"fro": 0.0, "1": -0.5, "inf": -0.5, "nuc": 0.0, "2": 0.0, "max": -1.0}
HIGH = {"fro": 0.5, "1": 0.5, "inf": 0.5, "nuc": 1.0, "2": 0.0, "max": 0.0}


def largest_modulus(A: Any) -> Any:
    """The largest modulus of an entry: a norm, but not a submultiplicative one."""
    return largest(np.abs(A))


def _norm(name: str) -> Any:
    return largest_modulus if name == "max" else name


def _generic(W: Any, **_: Any) -> bool:
    return min(np.shape(W)) >= 2 and np.linalg.matrix_rank(W) >= 2


def _tied(W: Any, **_: Any) -> bool:
    """A multiple of a unitary matrix, not 1 x 1."""
    W = np.asarray(W)
    return len(W) >= 2 and bool(W.any()) and np.array_equal(W.conj().T @ W, np.eye(W.shape[1]) * np.vdot(W[0], W[0]))


def _small(entries: tuple[int, ...], steps: tuple[int, ...]) -> Iterator[Case]:
    for values in itertools.product(entries, repeat=4):
        for n_iter in steps:
            yield {"W": np.array(values, dtype=float).reshape(2, 2), "n_iter": n_iter}


@claim(
    "thesis.A.0.3-closed-form",
    at="Appendix A.0.3, closed form",
    tex=r"\mathbf{W}^{(t)} = (\mathbf{W}^*\mathbf{W})^{2^{t-2}},\quad t \ge 2",
    given={"W": matrices(3, complex_entries=True), "n_iter": st.integers(1, 3)},
    verdict=Verdict.PROVED,
    strata={"rank at least 2, t at least 3": lambda W, n_iter: n_iter >= 2 and _generic(W)},
    mutants={
        "exponent-one-less": instead(
            lambda impl, W, n_iter: _closed_form(impl, W, n_iter, 2 ** (n_iter - 1) - (n_iter > 1))
        ),
        "one-percent": scale_right(1.01),
    },
    exhaustive=lambda: _small((-1, 0, 1, 2), (1, 2, 3)),
    derivation=lambda factor: _closed_form_steps(factor),
)
def closed_form(impl: Any, W: Any, n_iter: int) -> Comparison:
    """The iterate after n_iter = t - 1 steps is the power 2^(t-2) of the Gram matrix (Frobenius norms)."""
    return _closed_form(impl, W, n_iter, 2 ** (n_iter - 1))


def _closed_form(impl: Any, W: Any, n_iter: int, exponent: int) -> Comparison:
    gram = adjoint(W) @ W
    power = gram
    for _ in range(exponent - 1):
        power = power @ gram
    return Comparison(impl.spectral.gram_iteration_naive(W, n_iter) ** 2**n_iter, "==", length(power))


def _closed_form_steps(factor: Any) -> Iterator[Step]:
    W = sympy.Matrix(2, 2, sympy.symbols("a b c d", real=True))
    gram = W.T * W
    iterate = gram
    for t in (3, 4):
        iterate = iterate.T * iterate
        yield Step(f"W^({t}) = (W^T W)^{2 ** (t - 2)} for every real 2 x 2 matrix",
                   (iterate - factor * gram ** (2 ** (t - 2))).expand())
    k = sympy.symbols("k", integer=True, positive=True)
    yield Step("induction: the exponent doubles, 2 * 2^(k-2) = 2^(k-1)", 2 * 2 ** (k - 2) - 2 ** (k - 1))


@claim(
    "thesis.alg-3",
    at="Algorithm 3 and equation 3.1",
    tex=r"\sigma_1(\mathbf{W}^{(t+1)}) = \sigma_1(\mathbf{W}^{(t)})^2",
    given={"W": matrices(3, complex_entries=True), "n_iter": st.integers(1, 4)},
    verdict=Verdict.SURVIVED,
    strata={"rank at least 2": _generic, "ties": _tied},
    mutants={"one-percent": scale_right(1.01)},
    witnesses=[{"W": np.array([[1.0, 1.0], [0.0, 1.0]]), "n_iter": 2}],
    adversarial=["W"],
    exhaustive=lambda: _small((-1, 0, 2), (1, 2)),
    weights=lambda W: {"W": W, "n_iter": 3},
)
def naive_keeps_the_spectral_norm(impl: Any, W: Any, n_iter: int) -> Comparison:
    """With the spectral norm as read-out the naive Gram iteration returns the spectral norm itself."""
    return Comparison(
        impl.spectral.gram_iteration_naive(W, n_iter, "2"), "==", impl.spectral.spectral_norm(W)
    )


@claim(
    "thesis.alg-4",
    at="Algorithm 4",
    tex=r"\lVert \mathbf{W} \rVert^{2^{-N}} \exp(2^{-N} r) = \lVert \mathbf{W}^{(N+1)} \rVert^{2^{-N}}",
    given={
        "W": matrices(3, complex_entries=True).filter(np.any),
        "n_iter": st.integers(0, 4),
        "norm": st.sampled_from(SUBMULTIPLICATIVE),
    },
    verdict=Verdict.SURVIVED,
    note="Printed without the hypothesis W != 0: line 4 takes the logarithm of the norm of W. The code "
    "returns 0 for W = 0. 'Strict upper bound' in the text means guaranteed: for rank one it is equal.",
    strata={"rank at least 2": lambda W, n_iter, norm: n_iter >= 2 and _generic(W)},
    mutants={
        "one-percent": scale_right(1.01),
        "one-rescaling-forgotten": instead(lambda impl, W, n_iter, norm: Comparison(
            _rescaled(W, n_iter, norm, impl, forget=True), "==",
            impl.spectral.gram_iteration_naive(W, n_iter, norm),
        )),
    },
    adversarial=["W"],
)
def rescaling_changes_nothing(impl: Any, W: Any, n_iter: int, norm: str) -> Comparison:
    """Gram iteration with rescaling (as printed, and as implemented) equals the naive form."""
    naive = impl.spectral.gram_iteration_naive(W, n_iter, norm)
    return Comparison(
        [_rescaled(W, n_iter, norm, impl), impl.spectral.gram_iteration(W, n_iter, norm)], "==", [naive, naive]
    )


def _rescaled(W: Any, n_iter: int, norm: str, impl: Any, forget: bool = False) -> Any:
    """Algorithm 4 line by line; the final norm is an iteration of no steps."""
    r: Any = 0.0
    for step in range(n_iter):
        size = length(W)
        r = 2 * (r + np.log(size)) if step > 0 or not forget else 0.0
        W = W / size
        W = adjoint(W) @ W
    h = 2.0**-n_iter
    return impl.spectral.gram_iteration_naive(W, 0, norm) ** h * np.exp(h * r)


@claim(
    "thesis.thm-3.2.4-1",
    at="Theorem 3.2.4 (1)",
    tex=r"s_t \to \sigma_1:\quad m^{2^{1-t}} \sigma_1 \le s_t \le M^{2^{1-t}} \sigma_1,\quad t \ge 2",
    given={
        "W": matrices(3, complex_entries=True),
        "n_iter": st.integers(1, 6),
        "norm": st.sampled_from((*SUBMULTIPLICATIVE, "max")),
    },
    verdict=Verdict.SURVIVED,
    note="Convergence in the form of an enclosure that closes: m and M are the constants of norm equivalence "
    "on q x q matrices. It holds for every norm, submultiplicative or not (here also the largest entry).",
    strata={"ties": lambda W, n_iter, norm: n_iter >= 2 and norm in ("fro", "nuc") and _tied(W)},
    mutants={
        "exponent-of-the-next-step": instead(
            lambda impl, W, n_iter, norm: _between(impl, W, n_iter, norm, 2.0 ** -(n_iter + 1))
        ),
        "one-percent-tighter": tighten(0.01),
    },
    witnesses=[{"W": np.eye(3), "n_iter": 2, "norm": "fro"}, {"W": np.eye(2), "n_iter": 3, "norm": "nuc"}],
    adversarial=["W"],
    weights=lambda W: {"W": W, "n_iter": 6, "norm": "fro"},
)
def converges(impl: Any, W: Any, n_iter: int, norm: str) -> Comparison:
    """For any norm as read-out, Gram iteration converges to the spectral norm."""
    return _between(impl, W, n_iter, norm, 2.0**-n_iter)


def _between(impl: Any, W: Any, n_iter: int, norm: str, h: float) -> Comparison:
    sigma = impl.spectral.spectral_norm(W)
    bound = impl.spectral.gram_iteration(W, n_iter, _norm(norm))
    q = np.asarray(W).shape[1]
    one = sigma * 0 + 1.0
    low, high = (one * q) ** (LOW[norm] * h), (one * q) ** (HIGH[norm] * h)
    return Comparison([low * sigma, bound], "<=", [bound, high * sigma])


@claim(
    "thesis.thm-3.2.4-2",
    at="Theorem 3.2.4 (2) and its proof, 'rho(X) <= ||X|| for any norm'",
    tex=r"\text{for any matrix norm } s_t \ge \sigma_1(\mathbf{W}),\quad t \ge 2",
    given={
        "W": matrices(3, complex_entries=True),
        "n_iter": st.integers(1, 4),
        "norm": st.sampled_from((*SUBMULTIPLICATIVE, "max")),
    },
    verdict=Verdict.REFUTED,
    kind=Kind.AMBIGUOUS,
    reading="'For any matrix norm' and, in the proof, 'for any norm': any norm on matrices. With the submultiplicative norm of the theorem's first line it holds.",
    note="The theorem assumes a submultiplicative norm, item (2) and its proof then say 'any matrix norm'. "
    "The largest modulus of an entry is a norm, and for the row (1, 1) s_2 = 1 < sqrt(2): its Gram matrix is all ones.",
    counterexample={"W": np.ones((1, 2)), "n_iter": 1, "norm": "max"},
    control={"W": np.ones((1, 2)), "n_iter": 1, "norm": "fro"},
    amended_by="thesis.thm-3.2.4-2.submultiplicative",
)
def upper_bound_in_any_norm(impl: Any, W: Any, n_iter: int, norm: str) -> Comparison:
    """Read out in any matrix norm, Gram iteration is never below the spectral norm."""
    return _upper(impl, W, n_iter, norm)


def _upper(impl: Any, W: Any, n_iter: int, norm: str) -> Comparison:
    bound = impl.spectral.gram_iteration(W, n_iter, _norm(norm))
    return Comparison(impl.spectral.spectral_norm(W), "<=", bound)


@claim(
    "thesis.thm-3.2.4-2.submultiplicative",
    at="Theorem 3.2.4 (2), amended",
    tex=r"\lVert AB \rVert \le \lVert A \rVert\,\lVert B \rVert \implies s_t \ge \sigma_1(\mathbf{W}),\ t \ge 2",
    given={
        "W": matrices(4, complex_entries=True),
        "n_iter": st.integers(1, 6),
        "norm": st.sampled_from(SUBMULTIPLICATIVE),
    },
    verdict=Verdict.SURVIVED,
    note="t = 1 is rightly left out: the 1-norm of [[1, 1], [0, 0]] is 1, its spectral norm sqrt(2).",
    strata={
        "rank at least 2": _generic,
        "Frobenius, rank 2 or more, 4 steps": lambda W, n_iter, norm: norm == "fro" and n_iter >= 4 and _generic(W),
    },
    mutants={
        "one-percent-tighter": tighten(0.01),
    },
    witnesses=[{"W": np.diag([2.0, 1.0]), "n_iter": 5, "norm": "fro"}],
    adversarial=["W"],
    weights=lambda W: {"W": W, "n_iter": 10, "norm": "fro"},
)
def upper_bound(impl: Any, W: Any, n_iter: int, norm: str) -> Comparison:
    """Read out in a submultiplicative norm, Gram iteration is never below the spectral norm."""
    return _upper(impl, W, n_iter, norm)


def _rate(impl: Any, W: Any, n_iter: int, norm: str, scale: Any) -> Comparison:
    """s_t <= sigma_1 + scale * 2^(1-t) ln(M) M^(2^(1-t))."""
    sigma = impl.spectral.spectral_norm(W)
    M = (sigma * 0 + np.asarray(W).shape[1]) ** HIGH[norm]
    h = 2.0**-n_iter
    excess = h * np.log(M) * M**h
    return Comparison(
        impl.spectral.gram_iteration(W, n_iter, norm), "<=", sigma + (sigma if scale is None else scale) * excess
    )


@claim(
    "thesis.thm-3.2.4a",
    at="Theorem 3.2.4 (a)",
    tex=r"s_t - \sigma_1 \le C\,2^{-t} \text{ for all large } t,\ C \text{ depending on the norm and the dimension}",
    given={
        "W": matrices(2),
        "n_iter": st.integers(8, 12),
        "norm": st.just("fro"),
    },
    verdict=Verdict.REFUTED,
    kind=Kind.AMBIGUOUS,
    reading="C depends on the norm and the dimension and on nothing else, as printed. With a C that may depend on W too it holds.",
    note="The left side is homogeneous in W, the right side is not: C has to contain sigma_1(W). Tested with the "
    "C that serves all W of spectral norm 1; for W = c I_2 in the Frobenius norm 2^t (s_t - sigma_1) tends to "
    "c ln 2, which no constant bounds.",
    counterexample={"W": np.diag([2.0, 2.0]), "n_iter": 8, "norm": "fro"},
    control={"W": np.diag([1.0, 1.0]), "n_iter": 8, "norm": "fro"},
    amended_by="thesis.thm-3.2.4a.scaled",
)
def rate_with_a_constant_free_of_the_matrix(impl: Any, W: Any, n_iter: int, norm: str) -> Comparison:
    """The error of Gram iteration is at most C / 2^t with a C that does not depend on the matrix."""
    return _rate(impl, W, n_iter, norm, 1.0)


@claim(
    "thesis.thm-3.2.4a.scaled",
    at="Theorem 3.2.4 (a), amended",
    tex=r"s_t \le \sigma_1 \bigl(1 + 2^{1-t} \ln M \cdot M^{2^{1-t}}\bigr)",
    given={
        "W": matrices(3, complex_entries=True),
        "n_iter": st.integers(1, 8),
        "norm": st.sampled_from(("fro", "1", "inf", "nuc")),
    },
    verdict=Verdict.SURVIVED,
    strata={"ties, several steps": lambda W, n_iter, norm: n_iter >= 5 and norm in ("fro", "nuc") and _tied(W)},
    mutants={
        "half-the-rate": instead(lambda impl, W, n_iter, norm: _rate(
            impl, W, n_iter, norm, 0.5 * impl.spectral.spectral_norm(W)
        )),
        "rate-4^-t": instead(lambda impl, W, n_iter, norm: _rate(
            impl, W, n_iter, norm, 2.0**-n_iter * impl.spectral.spectral_norm(W)
        )),
    },
    witnesses=[{"W": np.eye(2), "n_iter": 8, "norm": "fro"}, {"W": np.eye(3), "n_iter": 6, "norm": "nuc"}],
    adversarial=["W"],
    derivation=lambda factor: _rate_steps(factor),
)
def rate(impl: Any, W: Any, n_iter: int, norm: str) -> Comparison:
    """The error of Gram iteration is at most sigma_1 times a constant of the norm, over 2^t."""
    return _rate(impl, W, n_iter, norm, None)


def _rate_steps(factor: Any) -> Iterator[Step]:
    x = sympy.symbols("x", positive=True)
    gap = factor * x * sympy.exp(x) - (sympy.exp(x) - 1)
    yield Step("e^x - 1 <= x e^x at x = 0, with equality", gap.subs(x, 0))
    yield Step("its difference grows: derivative x e^x >= 0", sympy.simplify(gap.diff(x) - x * sympy.exp(x)))


@claim(
    "thesis.thm-3.2.4a.column-sums",
    at="Theorem 3.2.4 (a), sharp constant for the 1- and the infinity-norm",
    tex=r"s_t \le \Bigl(\tfrac{1+\sqrt q}{2}\Bigr)^{2^{1-t}} \sigma_1 \text{ for } \lVert\cdot\rVert_1, "
    r"\lVert\cdot\rVert_\infty,\ t \ge 2",
    given={
        "W": matrices(4, complex_entries=True),
        "n_iter": st.integers(1, 5),
        "norm": st.sampled_from(("1", "inf")),
    },
    verdict=Verdict.SURVIVED,
    note="From t = 2 on the iterate is positive semidefinite, which improves sqrt(q) to (1 + sqrt(q))/2. Attained at "
    "every t by the row (3, 1, 1, 1): the rate 2^-t of (a) cannot be improved for these norms.",
    strata={"four columns": lambda W, n_iter, norm: np.shape(W)[1] == 4 and n_iter >= 2},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[
        {"W": np.array([[3.0, 1.0, 1.0, 1.0]]), "n_iter": 2, "norm": "1"},
        {"W": np.array([[3.0, -1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]), "n_iter": 1, "norm": "inf"},
    ],
    adversarial=["W"],
    derivation=lambda factor: _column_sum_steps(factor),
)
def sharp_rate_for_column_sums(impl: Any, W: Any, n_iter: int, norm: str) -> Comparison:
    """In the 1- and infinity-norm the constant is (1 + sqrt(q))/2, and it is attained."""
    sigma = impl.spectral.spectral_norm(W)
    q = sigma * 0 + np.asarray(W).shape[1]
    return Comparison(
        impl.spectral.gram_iteration(W, n_iter, norm), "<=", ((1 + np.sqrt(q)) / 2) ** (2.0**-n_iter) * sigma
    )


def _column_sum_steps(factor: Any) -> Iterator[Step]:
    """||A e_1||_1 = max over signs of tr(A (e_1 s^T + s e_1^T)/2), at most the positive eigenvalue."""
    for q in (2, 3, 4, 5):
        s = sympy.ones(q, 1)
        e = sympy.zeros(q, 1)
        e[0] = 1
        symmetric = (e * s.T + s * e.T) / 2
        top = (1 + sympy.sqrt(q)) / 2
        vector = s + sympy.sqrt(q) * e
        yield Step(f"(s_1 + sqrt q)/2 is an eigenvalue for q = {q}", symmetric * vector - factor * top * vector)
        yield Step(f"the others are one negative and zeros, q = {q}", symmetric.trace() - top - (1 - sympy.sqrt(q)) / 2)


@claim(
    "thesis.A.0.3-operator-norm",
    at="Appendix A.0.3, operator 2-norm",
    tex=r"\lVert\cdot\rVert = \lVert\cdot\rVert_2 \implies s_t = \sigma_1(\mathbf{W}),\ t \ge 2",
    given={"W": matrices(3, complex_entries=True), "n_iter": st.integers(0, 5)},
    verdict=Verdict.SURVIVED,
    note="True from t = 1 on.",
    strata={"rank at least 2": _generic, "ties": _tied},
    mutants={"one-percent": scale_right(1.01)},
    witnesses=[{"W": np.array([[1.0, 1.0], [0.0, 1.0]]), "n_iter": 3}],
    adversarial=["W"],
    weights=lambda W: {"W": W, "n_iter": 5},
)
def spectral_read_out_is_exact(impl: Any, W: Any, n_iter: int) -> Comparison:
    """With the spectral norm as read-out every bound is the spectral norm."""
    return Comparison(impl.spectral.gram_iteration(W, n_iter, "2"), "==", impl.spectral.spectral_norm(W))
