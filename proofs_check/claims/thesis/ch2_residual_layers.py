"""Thesis 2.1.3 and 4.5: residual and sandwich layers. CPL, SLL with any number of steps, sandwich; projections of 2.1.2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Kind, Step, Verdict, claim, instead, scale_right, tighten
from proofs_check.claims._sides import largest, length
from proofs_check.strategies import matrices, vectors

MONOTONE = ("relu", "tanh", "sigmoid", "softplus", "identity")


def _pairs(matrix: Any, **rest: Any) -> Any:
    """Cases of a matrix, a bias and two points."""
    return matrix.flatmap(lambda W: st.fixed_dictionaries({
        "W": st.just(W), "b": vectors(np.shape(W)[1]), "x": vectors(np.shape(W)[0]), "y": vectors(np.shape(W)[0]), **rest}))


def _apart(W: Any, x: Any, y: Any, **_: Any) -> bool:
    """Two columns that differ, points apart along what W sees."""
    W = np.asarray(W, dtype=float)
    seen = W.T @ (np.asarray(x, dtype=float) - np.asarray(y, dtype=float))
    return min(W.shape) >= 2 and bool(np.linalg.matrix_rank(W) >= 2) and float(np.abs(seen).max()) > 0


def _contracts(layer: Any, x: Any, y: Any) -> Comparison:
    return Comparison(length(layer(x) - layer(y)), "<=", length(x - y), scale=float(1 + _size(x) + _size(y)))


def _size(x: Any) -> float:
    """For the size of rounding: a point moved by a bias of up to 8."""
    return 100.0 if np.asarray(x).dtype == object else 100.0 + float(np.abs(np.asarray(x)).sum())


@claim(
    "thesis.eq-2.6",
    at="Equation 2.6 (CPL)",
    tex=r"\mathbf{x} \mapsto \mathbf{x} - \tfrac{2}{\lVert \mathbf{W} \rVert_2^2} \mathbf{W} \rho(\mathbf{W}^\top \mathbf{x} + \mathbf{b}) \text{ is 1-Lipschitz}",
    given=_pairs(matrices(3).filter(np.any), name=st.sampled_from(MONOTONE)),
    where=lambda W, **_: bool(np.any(W)),
    verdict=Verdict.SURVIVED,
    note="For every activation with a derivative in [0, 1], ReLU among them.",
    strata={"two columns, points apart": _apart},
    mutants={
        "ten-percent-tighter": tighten(0.1),
        "twice-the-step": instead(lambda impl, W, b, x, y, name: _contracts(
            lambda z: 2 * impl.layers.convex_potential_layer(z, W, b, name=name) - z, x, y)),
    },
    witnesses=[{"W": np.diag([2.0, 1.0]), "b": np.array([4.0, 4.0]), "x": np.array([1.0, 0.0]), "y": np.array([-1.0, 0.0]), "name": "relu"}],
    adversarial=["x", "y", "W"],
)
def convex_potential(impl: Any, W: Any, b: Any, x: Any, y: Any, name: str) -> Comparison:
    """The convex potential layer is 1-Lipschitz."""
    return _contracts(lambda z: impl.layers.convex_potential_layer(z, W, b, name=name), x, y)


@claim(
    "thesis.sec-4.5-CPL",
    at="Section 4.5, 'SN used on the SLL block retrieves the CPL block'",
    tex=r"\mathbf{R} = \lVert \mathbf{W} \rVert_2^{-1} \mathbf{I}:\quad \mathbf{x} - 2 \mathbf{W} \mathbf{R}^2 \rho(\mathbf{W}^\top \mathbf{x} + \mathbf{b}) = \mathrm{CPL}(\mathbf{x})",
    given=_pairs(matrices(3).filter(lambda W: bool(np.any(W)) and W.shape[1] == 1)),
    where=lambda W, **_: bool(np.any(W)) and np.shape(W)[1] == 1,
    verdict=Verdict.SURVIVED,
    note="Compared where the two rescalings coincide by themselves: one column.",
    strata={"two rows": lambda W, b, x, y: len(W) >= 2 and np.count_nonzero(W) >= 2 and bool(np.any(np.asarray(W).T @ x + b > 0))},
    mutants={"one-percent": scale_right(1.01),
             "twice-the-step": instead(lambda impl, W, b, x, y: Comparison(
                 2 * impl.layers.sll_layer(x, W, b) - x, "==", impl.layers.convex_potential_layer(x, W, b), scale=1e3))},
    adversarial=["x"],
)
def convex_potential_from_sll(impl: Any, W: Any, b: Any, x: Any, y: Any) -> Comparison:
    """With spectral normalization for the rescaling, SLL is CPL."""
    return Comparison(impl.layers.sll_layer(x, W, b), "==", impl.layers.convex_potential_layer(x, W, b), scale=1e3)


@claim(
    "thesis.cor-4.5.2-residual",
    at="Corollary 4.5.2, residual layer, 'rho is any 1-Lipschitz activation'",
    tex=r"|\rho(a) - \rho(b)| \le |a - b| \implies \mathbf{x} - 2 \mathbf{W} (\mathbf{R}^{(t)})^2 \rho(\mathbf{W}^\top \mathbf{x} + \mathbf{b}) \text{ is 1-Lipschitz}",
    given=_pairs(matrices(2), name=st.sampled_from(("abs", "relu", "identity")), n_iter=st.integers(1, 2)),
    verdict=Verdict.REFUTED,
    kind=Kind.FALSE,
    reading="'Any 1-Lipschitz activation' at its word; the examples named, ReLU, tanh and sigmoid, do not fall, and for those it holds.",
    note="The modulus is 1-Lipschitz. W = (1), b = 0: x - 2|x| takes 0 to 0 and -1 to -3. The activation has to be nondecreasing too, as ReLU, tanh and the sigmoid "
    "of the corollary are.",
    counterexample={"W": np.ones((1, 1)), "b": np.zeros(1), "x": np.zeros(1), "y": -np.ones(1), "name": "abs", "n_iter": 1},
    control={"W": np.ones((1, 1)), "b": np.zeros(1), "x": np.zeros(1), "y": np.ones(1), "name": "abs", "n_iter": 1},
    amended_by="thesis.cor-4.5.2-residual.monotone",
)
def any_activation(impl: Any, W: Any, b: Any, x: Any, y: Any, name: str, n_iter: int) -> Comparison:
    """With any 1-Lipschitz activation the residual layer is 1-Lipschitz."""
    return _contracts(lambda z: impl.layers.sll_layer(z, W, b, n_iter=n_iter, name=name), x, y)


@claim(
    "thesis.cor-4.5.2-residual.monotone",
    at="Corollary 4.5.2, residual layer, amended",
    tex=r"0 \le \rho' \le 1,\ t \ge 1 \implies \mathbf{x} - 2 \mathbf{W} (\mathbf{R}^{(t)})^2 \rho(\mathbf{W}^\top \mathbf{x} + \mathbf{b}) \text{ is 1-Lipschitz}",
    given=_pairs(matrices(3), name=st.sampled_from(MONOTONE), n_iter=st.integers(1, 3)),
    verdict=Verdict.SURVIVED,
    note="Algebra: with T = R^-2 and W^T W <= T, J^T J <= I - 4 W T^-1 (D - D^2) W^T <= I for every diagonal D in [0, 1] (the derivation, for two columns). Equality for the "
    "identity as activation and one column.",
    strata={"two columns, points apart": _apart},
    mutants={
        "ten-percent-tighter": tighten(0.1),
        "twice-the-step": instead(lambda impl, W, b, x, y, name, n_iter: _contracts(
            lambda z: 2 * impl.layers.sll_layer(z, W, b, n_iter=n_iter, name=name) - z, x, y)),
    },
    witnesses=[{"W": np.diag([2.0, 1.0]), "b": np.zeros(2), "x": np.array([1.0, 0.0]), "y": np.array([0.0, 1.0]), "name": "identity", "n_iter": 1}],
    adversarial=["x", "y", "W"],
    derivation=lambda factor: _residual_steps(factor),
)
def monotone_activation(impl: Any, W: Any, b: Any, x: Any, y: Any, name: str, n_iter: int) -> Comparison:
    """With an activation of derivative in [0, 1] the residual layer is 1-Lipschitz at every number of steps from one on."""
    return _contracts(lambda z: impl.layers.sll_layer(z, W, b, n_iter=n_iter, name=name), x, y)


def _residual_steps(factor: Any) -> Iterator[Step]:
    W = sympy.Matrix(2, 2, sympy.symbols("a b c d", real=True))
    D = sympy.diag(*sympy.symbols("p q", real=True))
    S = sympy.diag(*sympy.symbols("s t", positive=True))  # S = T^-1
    J = sympy.eye(2) - 2 * W * S * D * W.T
    rest = 4 * W * D * S * (S.inv() - W.T * W) * S * D * W.T
    yield Step("I - J^T J = 4 W S (D - D^2) W^T + 4 W D S (T - W^T W) S D W^T, both positive semidefinite",
               (sympy.eye(2) - J.T * J - factor * (4 * W * S * (D - D**2) * W.T + rest)).applyfunc(sympy.simplify))


def _sandwiches() -> Any:
    def case(V: Any) -> Any:
        m, n = V.shape
        square = st.lists(st.integers(-2, 2).map(float), min_size=n * n, max_size=n * n).map(lambda e: np.array(e).reshape(n, n))
        return st.fixed_dictionaries({
            "V": st.just(V), "W": square, "q": vectors(n, st.sampled_from([0.0, 0.5, -1.0, 1.5])), "b": vectors(n), "x": vectors(m),
            "y": vectors(m), "name": st.sampled_from(MONOTONE)})

    return matrices(2).flatmap(case)


@claim(
    "thesis.sec-2.1.3-sandwich",
    at="Section 2.1.3, sandwich layer",
    tex=r"\mathbf{x} \mapsto \sqrt2\, \mathbf{A}^\top \mathbf{R}^{-1} \rho(\sqrt2\, \mathbf{R} \mathbf{B} \mathbf{x} + \mathbf{b}) \text{ is 1-Lipschitz}",
    given=_sandwiches(),
    verdict=Verdict.SURVIVED,
    note="The printed form is right, with R = diag(e^q)^-1 and an activation of derivative in [0, 1] (the bias is added here). R and its inverse cancel in the "
    "Jacobian 2 A^T D B, and 2 u^T D v <= |u + v|^2 / 2 <= 1 for (u, v) = (A y, B x).",
    strata={"two hidden units, points apart": lambda V, W, q, b, x, y, name: np.shape(V)[1] == 2 and np.linalg.matrix_rank(V) >= 2
            and bool(np.any(np.asarray(x) != np.asarray(y)))},
    mutants={
        "half": tighten(0.5),
        "factor-4": instead(lambda impl, V, W, q, b, x, y, name: _contracts(
            lambda z: 2 * impl.layers.sandwich_layer(z, W, V, q, b, name=name), x, y)),
    },
    witnesses=[{"V": np.eye(2), "W": np.array([[0.0, 1.0], [0.0, 0.0]]), "q": np.array([1.5, -1.0]), "b": np.zeros(2), "x": np.array([1.0, 0.0]),
                "y": np.array([0.0, 0.0]), "name": "identity"}],
    adversarial=["x", "y", "V"],
    derivation=lambda factor: _sandwich_steps(factor),
)
def sandwich(impl: Any, V: Any, W: Any, q: Any, b: Any, x: Any, y: Any, name: str) -> Comparison:
    """The sandwich layer is 1-Lipschitz."""
    return _contracts(lambda z: impl.layers.sandwich_layer(z, W, V, q, b, name=name), x, y)


def _sandwich_steps(factor: Any) -> Iterator[Step]:
    u, v = sympy.symbols("u v", real=True)
    yield Step("4 u v = (u + v)^2 - (u - v)^2, so d u v <= (u + v)^2 / 4 for every d in [0, 1]",
               sympy.expand(4 * u * v * factor - ((u + v) ** 2 - (u - v) ** 2)))


NAMES = ("1", "2", "inf")


def _projected(impl: Any, W: Any, bound: float, norm: str) -> Any:
    size = impl.spectral.gram_iteration_naive(W, 0, norm)
    return W / largest([size * 0 + 1.0, size / bound])


def _same_shape() -> Any:
    shapes = st.sampled_from([(1, 2), (2, 2), (2, 3), (3, 2)])
    return shapes.flatmap(lambda shape: st.fixed_dictionaries({
        **{name: st.lists(st.integers(-4, 4).map(float), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]).map(
            lambda entries: np.array(entries).reshape(shape)) for name in ("W", "M")},
        "bound": st.sampled_from([0.5, 1.0, 4.0]), "norm": st.sampled_from(NAMES)}))


def _nearest(impl: Any, P: Any, W: Any, M: Any, bound: float, norm: str, measured: str) -> Comparison:
    inside = _projected(impl, M, bound, norm)
    return Comparison(impl.spectral.gram_iteration_naive(W - P, 0, measured), "<=",
                      impl.spectral.gram_iteration_naive(W - inside, 0, measured), scale=64.0)


@claim(
    "thesis.sec-2.1.2-projection",
    at="Section 2.1.2, Gouk et al., 'applies a projection P onto the set of matrices with a Lipschitz constant less than or equal to lambda'",
    tex=r"\lVert \mathbf{W} - P(\mathbf{W}) \rVert_p \le \lVert \mathbf{W} - \mathbf{M} \rVert_p \text{ for all } \lVert \mathbf{M} \rVert_p \le \lambda",
    given=_same_shape(),
    verdict=Verdict.SURVIVED,
    reading="Distances in the norm that describes the set, p = 1, 2 or infinity; no other is named. In the Frobenius norm diag(2, 1) has a nearer matrix, diag(1, 1), than diag(1, 1/2).",
    note="|W - M| >= |W| - |M| >= |W| - lambda, and P attains it, as every norm does along W.",
    strata={"both outside of the set": lambda W, M, bound, norm: np.linalg.matrix_rank(W) >= 2 and min(np.abs(W).max(), np.abs(M).max()) >= 4.0},
    mutants={
        "one-percent-tighter": tighten(0.01),
        "in-the-Frobenius-norm": instead(lambda impl, W, M, bound, norm: _nearest(
            impl, _projected(impl, W, bound, norm), W, M, bound, norm, "fro")),
        "half-the-set": instead(lambda impl, W, M, bound, norm: _nearest(
            impl, _projected(impl, W, bound / 2, norm), W, M, bound, norm, norm)),
    },
    witnesses=[{"W": np.diag([4.0, 1.0]), "M": np.diag([4.0, 1.0]), "bound": 1.0, "norm": "2"},
               {"W": np.diag([4.0, 2.0]), "M": np.diag([4.0, 4.0]), "bound": 1.0, "norm": "2"},
               {"W": np.array([[4.0, 0.0], [0.0, 2.0]]), "M": np.array([[4.0, 0.0], [0.0, 4.0]]), "bound": 1.0, "norm": "inf"}],
    adversarial=["M"],
)
def nearest_matrix(impl: Any, W: Any, M: Any, bound: float, norm: str) -> Comparison:
    """In the norm of the set the rescaled matrix is a nearest one in the set."""
    return _nearest(impl, _projected(impl, W, bound, norm), W, M, bound, norm, norm)


@claim(
    "thesis.sec-2.1.2-projection.rescaling",
    at="Section 2.1.2, Gouk et al., the set",
    tex=r"\lVert P(\mathbf{W}) \rVert_p \le \lambda,\quad \lVert \mathbf{W} \rVert_p \le \lambda \implies P(\mathbf{W}) = \mathbf{W},\quad p = 1, 2, \infty",
    given={"W": matrices(3), "bound": st.sampled_from([0.5, 1.0, 4.0]), "norm": st.sampled_from(NAMES)},
    verdict=Verdict.SURVIVED,
    note="A rescaling into the set, the identity inside of it.",
    strata={"outside of the set": lambda W, bound, norm: np.linalg.matrix_rank(W) >= 2 and float(np.abs(W).max()) >= 4},
    mutants={"one-percent-tighter": tighten(0.01)},
    adversarial=["W"],
)
def rescaled_into_the_set(impl: Any, W: Any, bound: float, norm: str) -> Comparison:
    """The rescaled matrix lies in the set."""
    rescaled = _projected(impl, W, bound, norm)
    return Comparison(impl.spectral.gram_iteration_naive(rescaled, 0, norm), "<=", bound)
