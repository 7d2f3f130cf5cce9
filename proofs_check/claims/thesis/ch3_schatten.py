"""Thesis 3.2: the Gram iteration bound as a Schatten norm, and which read-outs are norms."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Kind, Verdict, claim, instead, scale_right, tighten
from proofs_check.strategies import matrices


def _schatten(impl: Any, W: Any, n_iter: int, p: float) -> Comparison:
    return Comparison(impl.spectral.gram_iteration(W, n_iter), "==", impl.spectral.schatten_norm(W, p))


_MATRIX = st.fixed_dictionaries({"W": matrices(3, complex_entries=True).filter(np.any), "n_iter": st.integers(0, 4)})


@claim(
    "thesis.sec-3.2-schatten",
    at="Section 3.2, before Proposition 3.2.5",
    tex=r"\lVert \mathbf{W}^{(t)} \rVert_F^{2^{1-t}} = \lVert \mathbf{W} \rVert_{S_p},\quad p = 2^{1-t}",
    given=_MATRIX,
    verdict=Verdict.REFUTED,
    kind=Kind.MISPRINT,
    reading="The index as printed, with t from 1.",
    right_at="section 3.5, after proposition 3.5.1: the Schatten norm of index 2^t",
    note="The index is the inverse of what it should be, up to a factor: at t = 1 the bound is the Frobenius norm, "
    "Schatten 2, and the text says Schatten 1. For I_2 that is sqrt(2) against 2.",
    counterexample={"W": np.eye(2), "n_iter": 0},
    control={"W": np.array([[1.0]]), "n_iter": 0},
    amended_by="thesis.sec-3.2-schatten.2-to-the-t",
)
def schatten_as_printed(impl: Any, W: Any, n_iter: int) -> Comparison:
    """The Frobenius bound s_t is the Schatten norm of index 2^(1-t)."""
    return _schatten(impl, W, n_iter, 2.0**-n_iter)


@claim(
    "thesis.sec-3.2-schatten.2-to-the-t",
    at="Section 3.2, before Proposition 3.2.5, amended",
    tex=r"\lVert \mathbf{W}^{(t)} \rVert_F^{2^{1-t}} = \lVert \mathbf{W} \rVert_{S_p},\quad p = 2^t",
    given=_MATRIX,
    verdict=Verdict.SURVIVED,
    strata={"rank at least 2, two steps": lambda W, n_iter: np.linalg.matrix_rank(W) >= 2 and n_iter >= 2},
    mutants={
        "index-halved": instead(lambda impl, W, n_iter: _schatten(impl, W, n_iter, 2.0**n_iter)),
        "index-doubled": instead(lambda impl, W, n_iter: _schatten(impl, W, n_iter, 2.0 ** (n_iter + 2))),
        "one-percent": scale_right(1.01),
    },
    adversarial=["W"],
    where=lambda W, n_iter: bool(np.any(W)),
    weights=lambda W: {"W": W, "n_iter": 0},
)
def schatten(impl: Any, W: Any, n_iter: int) -> Comparison:
    """The Frobenius bound s_t is the Schatten norm of index 2^t."""
    return _schatten(impl, W, n_iter, 2.0 ** (n_iter + 1))


_PAIR = st.integers(1, 2).flatmap(lambda m: st.fixed_dictionaries({
    "V": st.lists(st.integers(-2, 2).map(float), min_size=2 * m, max_size=2 * m).map(lambda v: np.array(v).reshape(m, 2)),
    "W": st.lists(st.integers(-2, 2).map(float), min_size=2 * m, max_size=2 * m).map(lambda v: np.array(v).reshape(m, 2)),
    "n_iter": st.integers(0, 3),
}))


def _triangle(impl: Any, V: Any, W: Any, n_iter: int, norm: str) -> Comparison:
    def s(X: Any) -> Any:
        return impl.spectral.gram_iteration(X, n_iter, norm)

    return Comparison(s(V + W), "<=", s(V) + s(W))


@claim(
    "thesis.sec-3.2-norm",
    at="Section 3.2, 'GI provides a proper norm at each iteration'",
    tex=r"s_t(\mathbf{V} + \mathbf{W}) \le s_t(\mathbf{V}) + s_t(\mathbf{W}) \text{ for } \lVert\cdot\rVert_F",
    given=_PAIR,
    verdict=Verdict.SURVIVED,
    strata={"independent": lambda V, W, n_iter: np.linalg.matrix_rank(np.vstack([V, W])) == 2 and n_iter >= 1},
    mutants={"one-percent-tighter": tighten(0.01), "quasi-norm": instead(
        lambda impl, V, W, n_iter: Comparison(
            impl.spectral.schatten_norm(V + W, 0.5), "<=",
            impl.spectral.schatten_norm(V, 0.5) + impl.spectral.schatten_norm(W, 0.5)))},
    witnesses=[{"V": np.array([[1.0, 0.0], [0.0, 1.0]]), "W": np.array([[1.0, 0.0], [0.0, 1.0]]), "n_iter": 2},
               {"V": np.array([[1.0, 0.0], [0.0, 0.0]]), "W": np.array([[0.0, 0.0], [0.0, 1.0]]), "n_iter": 1}],
    adversarial=["V", "W"],
)
def frobenius_read_out_is_a_norm(impl: Any, V: Any, W: Any, n_iter: int) -> Comparison:
    """With the Frobenius norm as read-out the bound of Gram iteration satisfies the triangle inequality."""
    return _triangle(impl, V, W, n_iter, "fro")


@claim(
    "thesis.sec-3.2-decreasing",
    at="Section 3.2 (implied by the Schatten norm; not printed)",
    tex=r"s_{t+1} \le s_t \text{ for } \lVert\cdot\rVert_F",
    given=_MATRIX,
    verdict=Verdict.SURVIVED,
    note="Every further step gives a bound that is at least as good.",
    strata={"rank at least 2, two steps": lambda W, n_iter: np.linalg.matrix_rank(W) >= 2 and n_iter >= 2},
    mutants={"one-percent-tighter": instead(lambda impl, W, n_iter: _decreasing(impl, W, n_iter, 0.99)),
             "increasing": instead(lambda impl, W, n_iter: Comparison(
                 *(lambda s: (s[:-1], "<=", s[1:]))(impl.spectral.gram_bound_sequence(W, n_iter + 1))))},
    witnesses=[{"W": np.diag([4.0, 0.5]), "n_iter": 3}],
    adversarial=["W"],
    where=lambda W, n_iter: bool(np.any(W)),
)
def decreasing(impl: Any, W: Any, n_iter: int) -> Comparison:
    """The Frobenius bounds of Gram iteration do not increase from step to step."""
    return _decreasing(impl, W, n_iter, 1.0)


def _decreasing(impl: Any, W: Any, n_iter: int, factor: float) -> Comparison:
    bounds = impl.spectral.gram_bound_sequence(W, n_iter + 1)
    return Comparison(bounds[1:], "<=", factor * bounds[:-1])
