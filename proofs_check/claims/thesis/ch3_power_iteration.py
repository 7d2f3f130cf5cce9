"""Thesis 3.1: power iteration is a lower bound, and how fast it converges."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st

from proofs_check.claim import Case, Comparison, Kind, Step, Verdict, claim, instead, scale_right, tighten
from proofs_check.claims._sides import length
from proofs_check.strategies import matrices, vectors


@st.composite
def _started(draw: st.DrawFn, max_side: int = 3) -> Case:
    W = draw(matrices(max_side, complex_entries=True))
    start = draw(vectors(W.shape[1]).filter(np.any))
    return {"W": W, "start": start, "n_iter": draw(st.integers(1, 6))}


def _started_small() -> Iterator[Case]:
    for values in itertools.product((-1.0, 0.0, 2.0), repeat=4):
        for start in ((1.0, 0.0), (1.0, 1.0), (1.0, -2.0)):
            yield {"W": np.array(values).reshape(2, 2), "start": np.array(start), "n_iter": 2}


def _condition(W: Any, start: Any, n_iter: int) -> float:
    """Rounding in W u is magnified where W nearly annihilates the start; floats may miss that it does."""
    image = float(length(W @ start))
    units = 256.0 * np.size(W) ** 2 * float(length(W) * length(start)) / image if image > 0 else math.inf
    return units if units < 2.0**48 else math.inf


def _wide_enough(W: Any, start: Any, n_iter: int) -> bool:
    return min(np.shape(W)) >= 2 and np.linalg.matrix_rank(W) >= 2 and n_iter >= 2


@claim(
    "thesis.alg-2",
    at="Algorithm 2 and the paragraph 'Lower bound by Power Iteration'",
    tex=r"(\mathbf{W}\mathbf{u})^*\mathbf{v} \le \sigma_1(\mathbf{W}) \text{ after every number of iterations}",
    given=_started(),
    verdict=Verdict.SURVIVED,
    note="Where W maps the start to zero the printed algorithm divides by zero; the code returns 0.",
    strata={"rank at least 2, two steps": _wide_enough},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"W": np.diag([2.0, 1.0]), "start": np.array([1.0, 1.0]), "n_iter": 6}],
    exhaustive=_started_small,
    rounding=_condition,
    derivation=lambda factor: _cauchy_schwarz(factor),
    weights=lambda W: {"W": W, "start": np.ones(W.shape[1]), "n_iter": 10},
)
def lower_bound(impl: Any, W: Any, start: Any, n_iter: int) -> Comparison:
    """Power iteration never exceeds the spectral norm."""
    return Comparison(
        impl.spectral.power_iteration(W, n_iter, start=start), "<=", impl.spectral.spectral_norm(W)
    )


def _cauchy_schwarz(factor: Any) -> Iterator[Step]:
    a, b, c, d, s, t = sympy.symbols("a b c d s t", real=True)
    W = sympy.Matrix([[a, b], [c, d]])
    v = sympy.Matrix([sympy.cos(s), sympy.sin(s)])
    u = sympy.Matrix([sympy.cos(t), sympy.sin(t)])
    inner = (W * u).dot(v)
    cross = (W * u).dot(sympy.Matrix([-v[1], v[0]]))
    yield Step("for unit v, |W u|^2 - ((W u)^T v)^2 is a square", factor * (W * u).dot(W * u) - inner**2 - cross**2)


@claim(
    "thesis.alg-2-monotone",
    at="Algorithm 2 (implied; not printed)",
    tex=r"\hat\sigma_k \le \hat\sigma_{k+1}",
    given=_started(),
    verdict=Verdict.SURVIVED,
    strata={"two singular values": lambda W, start, n_iter: min(np.shape(W)) >= 2},
    mutants={"one-percent-tighter": tighten(0.01), "decreasing": instead(
        lambda impl, W, start, n_iter: Comparison(
            impl.spectral.power_iteration(W, n_iter + 1, start=start), "<=",
            impl.spectral.power_iteration(W, n_iter, start=start),
        )
    )},
    witnesses=[{"W": np.diag([2.0, 1.0]), "start": np.array([1.0, 4.0]), "n_iter": 1}],
    exhaustive=_started_small,
    rounding=_condition,
)
def increases(impl: Any, W: Any, start: Any, n_iter: int) -> Comparison:
    """The estimate of power iteration does not decrease."""
    return Comparison(
        impl.spectral.power_iteration(W, n_iter, start=start), "<=",
        impl.spectral.power_iteration(W, n_iter + 1, start=start),
    )


# Two singular values a > b > 0 and a start (1, c): all rates can be read off.

_PAIRS = st.fixed_dictionaries({
    "pair": st.sampled_from([[2.0, 1.0], [3.0, 2.0], [4.0, 1.0], [1.0, 0.5], [1.0, 0.75], [5.0, 4.0]]),
    "c": st.sampled_from([1.0, 0.5, 2.0, -1.0]),
    "n_iter": st.integers(2, 6),
})


def _ratio_between(impl: Any, pair: Any, c: Any, n_iter: int, mu: Any) -> Comparison:
    """Mu (1 - e_k / 2a) <= e_{k+1} / e_k <= mu (1 + c^2 (b/a)^(4k-2)): both ends tend to mu."""
    a, b = pair
    W = np.diag(np.asarray(pair))
    start = np.array([1.0, 1.0]) * np.asarray([c * 0 + 1, c])
    now = a - impl.spectral.power_iteration(W, n_iter, start=start)
    later = a - impl.spectral.power_iteration(W, n_iter + 1, start=start)
    widening = 1 + c * c * (b / a) ** (4 * n_iter - 2)
    return Comparison([mu * (1 - now / (2 * a)) * now, later], "<=", [later, mu * widening * now])


def _cancellation(pair: Any, c: Any, n_iter: int) -> float:
    """The error is a difference: its relative rounding is u times a over the error."""
    a, b = pair
    error = c * c * (1 - (b / a) ** 2) * (b / a) ** (4 * n_iter + 4) / (1 + c * c)
    units = 64.0 / error if error > 0 else math.inf
    return units if units < 2.0**48 else math.inf


def _two_values(pair: Any, c: Any, n_iter: int) -> bool:
    return n_iter >= 3


@claim(
    "thesis.def-3.1.2",
    at="after Definition 3.1.2, 'convergence rate of mu = sigma_1/sigma_2'",
    tex=r"\lim_k |\hat\sigma_{k+1} - \sigma_1| / |\hat\sigma_k - \sigma_1| = \sigma_1/\sigma_2",
    given=_PAIRS,
    where=lambda pair, c, n_iter: pair[0] >= pair[1],
    verdict=Verdict.REFUTED,
    kind=Kind.MISPRINT,
    reading="Q-linear as the definition has it, with a rate in (0, 1); the value that algorithm 2 returns.",
    right_at="after theorem 3.2.4 and figure 3.6, where the ratio stands the other way up (its power is a finding of its own)",
    note="Definition 3.1.2 wants mu in (0, 1); sigma_1/sigma_2 is above 1, and a bound that only rises cannot have "
    "errors that grow. Control: sigma_1 = sigma_2, where the error is 0 at once.",
    counterexample={"pair": [2.0, 1.0], "c": 1.0, "n_iter": 2},
    control={"pair": [2.0, 2.0], "c": 1.0, "n_iter": 2},
    amended_by="thesis.def-3.1.2.fourth-power",
    rounding=_cancellation,
)
def rate_as_printed(impl: Any, pair: Any, c: Any, n_iter: int) -> Comparison:
    """The error of power iteration shrinks by the factor sigma_1/sigma_2 in the limit."""
    return _ratio_between(impl, pair, c, n_iter, pair[0] / pair[1])


@claim(
    "thesis.def-3.1.2.inverse-ratio",
    at="after Theorem 3.2.4 and Figure 3.6, 'linearly with rate sigma_2/sigma_1'",
    tex=r"\lim_k |\hat\sigma_{k+1} - \sigma_1| / |\hat\sigma_k - \sigma_1| = \sigma_2/\sigma_1",
    given=_PAIRS,
    verdict=Verdict.REFUTED,
    kind=Kind.FALSE,
    reading="Q-linear as definition 3.1.2 defines it, for the value that algorithm 2 returns; sigma_1 > sigma_2 > 0. As an upper bound on the rate it holds.",
    note="Two products a step, and an error of the value that is the square of the vector's: the factor is the "
    "fourth power. With W = diag(2, 1) the errors shrink 16-fold, not 2-fold. sigma_2/sigma_1 is the rate of the "
    "vector when W itself, symmetric, is applied once a step.",
    counterexample={"pair": [2.0, 1.0], "c": 1.0, "n_iter": 3},
    control={"pair": [2.0, 2.0], "c": 1.0, "n_iter": 3},
    amended_by="thesis.def-3.1.2.fourth-power",
    rounding=_cancellation,
)
def rate_as_printed_later(impl: Any, pair: Any, c: Any, n_iter: int) -> Comparison:
    """The error of power iteration shrinks by the factor sigma_2/sigma_1 in the limit."""
    return _ratio_between(impl, pair, c, n_iter, pair[1] / pair[0])


@claim(
    "thesis.def-3.1.2.fourth-power",
    at="after Definition 3.1.2, amended",
    tex=r"\lim_k |\hat\sigma_{k+1} - \sigma_1| / |\hat\sigma_k - \sigma_1| = (\sigma_2/\sigma_1)^4",
    given=_PAIRS,
    verdict=Verdict.PROVED,
    note="Needs a start with a part along both leading singular vectors.",
    strata={"three steps": _two_values},
    mutants={
        "third-power": instead(lambda impl, pair, c, n_iter: _ratio_between(
            impl, pair, c, n_iter, (pair[1] / pair[0]) ** 3)),
        "one-percent-faster": instead(lambda impl, pair, c, n_iter: _ratio_between(
            impl, pair, c, n_iter, 0.99 * (pair[1] / pair[0]) ** 4)),
        "one-percent-slower": instead(lambda impl, pair, c, n_iter: _ratio_between(
            impl, pair, c, n_iter, 1.01 * (pair[1] / pair[0]) ** 4)),
    },
    witnesses=[{"pair": [4.0, 1.0], "c": 1.0, "n_iter": 6}],
    derivation=lambda factor: _rate_steps(factor),
    rounding=_cancellation,
)
def rate(impl: Any, pair: Any, c: Any, n_iter: int) -> Comparison:
    """The error of power iteration shrinks by the factor (sigma_2/sigma_1)^4 in the limit."""
    return _ratio_between(impl, pair, c, n_iter, (pair[1] / pair[0]) ** 4)


def _rate_steps(factor: Any) -> Iterator[Step]:
    rho, c, k = sympy.symbols("rho c k", positive=True)
    # sigma_1 = 1: v_k is proportional to (1, c rho^(2k-1)), and the estimate is |W v_k|.
    square = (1 + c**2 * rho ** (4 * k)) / (1 + c**2 * rho ** (4 * k - 2))
    gap = sympy.simplify(1 - square)
    ratio = sympy.simplify(gap.subs(k, k + 1) / gap)
    claimed = factor * rho**4 * (1 + c**2 * rho ** (4 * k - 2)) / (1 + c**2 * rho ** (4 * k + 2))
    yield Step("the squared estimates' errors have this ratio, which tends to rho^4", sympy.simplify(ratio - claimed))


# The iteration with W alone, as the paragraph on the lower bound prints it.

@claim(
    "thesis.sec-3.1-limit",
    at="Section 3.1, 'Lower bound by Power Iteration', the limit",
    tex=r"\mathbf{u}_{k+1} = \mathbf{W}\mathbf{u}_k / \lVert \mathbf{W}\mathbf{u}_k \rVert \implies "
    r"\lim_k \lVert \mathbf{W}\mathbf{u}_k \rVert = \lVert \mathbf{W} \rVert_2",
    given=st.fixed_dictionaries({"a": st.sampled_from([1.0, 2.0]), "b": st.integers(-2, 2).map(float)}),
    verdict=Verdict.REFUTED,
    kind=Kind.FALSE,
    reading="Real square W, as the paragraph says; it assumes neither symmetry nor that W is normal.",
    note="The iteration with W finds an eigenvector, not a singular vector. W = [[1, 1], [0, 0]] sends every start to "
    "a multiple of e_1 and stays there: the limit is 1, the spectral norm sqrt(2). True for normal W with a dominant "
    "eigenvalue; algorithm 2, which alternates W and W*, is right for every W.",
    counterexample={"a": 1.0, "b": 1.0},
    control={"a": 1.0, "b": 0.0},
    amended_by="thesis.sec-3.1-limit.normal",
)
def limit_for_every_matrix(impl: Any, a: Any, b: Any) -> Comparison:
    """The iteration u <- W u / |W u| ends with |W u| equal to the spectral norm (W = [[a, b], [0, 0]])."""
    W = np.array([[a, b], [a * 0, a * 0]])
    fixed = np.array([a * 0 + 1, a * 0])  # W u is a multiple of this for every u, and of itself
    return Comparison(length(W @ fixed), "==", impl.spectral.spectral_norm(W))


@claim(
    "thesis.sec-3.1-limit.normal",
    at="Section 3.1, 'Lower bound by Power Iteration', amended",
    tex=r"0 \le \sigma_1^2 - \lVert \mathbf{W}\mathbf{u}_k \rVert^2 \le "
    r"\sigma_1^2 \tan^2\!\theta_0\,(|\lambda_2|/|\lambda_1|)^{2k} \text{ for normal } \mathbf{W}",
    given=st.fixed_dictionaries({
        "eigenvalues": st.sampled_from([[2.0, 1.0], [2.0, -1.0], [-4.0, 3.0], [1j, 0.5], [3.0, -2j]]).map(np.array),
        "c": st.sampled_from([1.0, 0.5, 2.0]),
        "steps": st.integers(0, 6),
    }),
    verdict=Verdict.SURVIVED,
    strata={"three steps": lambda eigenvalues, c, steps: steps >= 3},
    mutants={
        "rate-squared": instead(lambda impl, eigenvalues, c, steps: _normal(impl, eigenvalues, c, steps, 4)),
        "limit-one-percent-lower": instead(lambda impl, eigenvalues, c, steps: Comparison(
            _normal(impl, eigenvalues, c, steps, 2).lhs[0], "<=",
            0.99 * impl.spectral.spectral_norm(np.diag(eigenvalues)) ** 2)),
    },
    witnesses=[{"eigenvalues": np.array([2.0, -1.0]), "c": 1.0, "steps": 6}],
    rounding=lambda eigenvalues, c, steps: 4096.0,
)
def limit_for_normal_matrices(impl: Any, eigenvalues: Any, c: Any, steps: int) -> Comparison:
    """For a normal matrix with one dominant eigenvalue the iteration with W converges to the norm from below."""
    return _normal(impl, eigenvalues, c, steps, 2)


def _normal(impl: Any, eigenvalues: Any, c: Any, steps: int, power: int) -> Comparison:
    W = np.diag(eigenvalues)
    u = np.array([c * 0 + 1, c])
    for _ in range(steps):
        u = W @ u / length(W @ u)
    u = u / length(u)
    square, sigma = length(W @ u) ** 2, impl.spectral.spectral_norm(W)
    ratio = abs(eigenvalues[1]) / abs(eigenvalues[0])
    return Comparison([square, sigma**2], "<=", [sigma**2, square + sigma**2 * c * c * ratio ** (power * steps)])


@claim(
    "thesis.sec-3.1-lower-bound",
    at="Section 3.1, 'Lower bound by Power Iteration', the inequality",
    tex=r"\lVert \mathbf{u} \rVert = 1 \implies \lVert \mathbf{W}\mathbf{u} \rVert \le \lVert \mathbf{W} \rVert_2",
    given=_started(),
    verdict=Verdict.SURVIVED,
    strata={"rank at least 2": lambda W, start, n_iter: np.linalg.matrix_rank(W) >= 2},
    mutants={"one-percent-tighter": tighten(0.01), "frobenius-squared": scale_right(0.5)},
    witnesses=[{"W": np.diag([2.0, 1.0]), "start": np.array([1.0, 0.0]), "n_iter": 1}],
    exhaustive=_started_small,
    adversarial=["W", "start"],
    where=lambda W, start, n_iter: bool(np.any(start)),
    rounding=_condition,
)
def image_is_a_lower_bound(impl: Any, W: Any, start: Any, n_iter: int) -> Comparison:
    """The image of a unit vector is never longer than the spectral norm."""
    return Comparison(length(W @ start), "<=", impl.spectral.spectral_norm(W) * length(start))
