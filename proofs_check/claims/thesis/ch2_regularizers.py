"""Thesis 2.1.1 to 2.1.3: what penalties and clipping say of spectral norms, attention, CPL as a resolvent."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Verdict, claim, instead, scale_right, tighten
from proofs_check.claims._sides import length, product
from proofs_check.claims.thesis.ch2_residual_layers import MONOTONE
from proofs_check.strategies import dyadics, matrices, vectors


def _frobenius(impl: Any, W: Any) -> Any:
    return impl.spectral.schatten_norm(W, 2)


def _several(W: Any, **_: Any) -> bool:
    return min(np.shape(W)) >= 2 and bool(np.linalg.matrix_rank(W) >= 2)


@claim(
    "thesis.sec-2.1.2-orthogonality",
    at="Section 2.1.2, the penalty on W W^T - I",
    tex=r"\sigma_1(\mathbf{W})^2 \le 1 + \lVert \mathbf{W}\mathbf{W}^\top - \mathbf{I} \rVert_F",
    given={"W": matrices(4)},
    verdict=Verdict.SURVIVED,
    note="sigma_1^2 - 1 is an eigenvalue of W W^T - I where it is positive. Nothing is said of the other side where W has more columns than rows: W W^T = I then, "
    "with W^T W a projection. Equality: one singular value differs from 1.",
    strata={"rank two or more": _several},
    mutants={"one-percent-tighter": tighten(0.01),
             "half-the-distance": instead(lambda impl, W: _nearly_orthogonal(impl, W, 0.5)),
             "without-the-distance": instead(lambda impl, W: _nearly_orthogonal(impl, W, 0.0))},
    witnesses=[{"W": np.diag([2.0, 1.0])}],
)
def nearly_orthogonal(impl: Any, W: Any) -> Comparison:
    """A small penalty bounds the spectral norm."""
    return _nearly_orthogonal(impl, W, 1.0)


def _nearly_orthogonal(impl: Any, W: Any, factor: float) -> Comparison:
    W = np.asarray(W)
    distance = _frobenius(impl, W @ W.T - np.eye(len(W)))
    return Comparison(impl.spectral.spectral_norm(W) ** 2, "<=", 1 + factor * distance)


@claim(
    "thesis.sec-2.1.2-clipping",
    at="Section 2.1.2, weight clipping",
    tex=r"|\mathbf{W}_{ij}| \le c \implies \sigma_1(\mathbf{W}) \le c \sqrt{m n}",
    given={"W": matrices(4)},
    verdict=Verdict.SURVIVED,
    note="Equality for equal entries: what clipping bounds grows with the size.",
    strata={"two rows and columns": lambda W: min(np.shape(W)) >= 2 and bool(np.any(W))},
    mutants={"one-percent-tighter": tighten(0.01),
             "the-longer-side": instead(lambda impl, W: _clipped(impl, W, max(np.shape(W))))},
    witnesses=[{"W": np.ones((3, 2))}, {"W": np.ones((2, 2))}],
    adversarial=["W"],
)
def clipped(impl: Any, W: Any) -> Comparison:
    """Bounded entries bound the spectral norm, by the root of their number."""
    return _clipped(impl, W, np.shape(W)[0] * np.shape(W)[1])


def _clipped(impl: Any, W: Any, entries: int) -> Comparison:
    sigma = impl.spectral.spectral_norm(W)
    return Comparison(sigma, "<=", (sigma * 0 + entries) ** 0.5 * float(np.abs(W).max()))


@claim(
    "thesis.sec-2.1.2-spectral-penalty",
    at="Section 2.1.2, the sum of the spectral norms as a penalty",
    tex=r"\prod_{l=1}^L \sigma_1(\mathbf{W}_l) \le \Bigl( \tfrac1L \sum_{l=1}^L \sigma_1(\mathbf{W}_l) \Bigr)^L",
    given={"weights": st.lists(matrices(3), min_size=2, max_size=4)},
    verdict=Verdict.SURVIVED,
    note="The inequality of the means: a bounded sum bounds the product, and so the network (definition 2.1.2). A single layer is bounded by the whole sum only.",
    strata={"three layers": lambda weights: len(weights) >= 3 and all(np.any(W) for W in weights)},
    mutants={"one-percent-tighter": tighten(0.01),
             "one-layer-more": instead(lambda impl, weights: _by_the_mean(impl, weights, len(weights) + 1))},
    witnesses=[{"weights": [np.eye(2), np.eye(2), np.eye(2)]}],
)
def product_by_the_sum(impl: Any, weights: Any) -> Comparison:
    """The product of the spectral norms is at most the power of their mean."""
    return _by_the_mean(impl, weights, len(weights))


def _by_the_mean(impl: Any, weights: Any, count: int) -> Comparison:
    norms = [impl.spectral.spectral_norm(W) for W in weights]
    return Comparison(product(norms), "<=", (sum(norms[1:], norms[0]) / count) ** len(weights))


def _tokens() -> Any:
    """Two inputs of n tokens of width d, and the weights of query and key."""
    return st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(1, 2)).flatmap(lambda sizes: st.fixed_dictionaries({
        name: st.lists(dyadics(), min_size=rows * sizes[1], max_size=rows * sizes[1]).map(
            lambda flat, rows=rows: np.array(flat).reshape(rows, -1))
        for name, rows in (("X", sizes[0]), ("Y", sizes[0]), ("query", sizes[2]), ("key", sizes[2]))}))


@claim(
    "thesis.sec-2.1.1-attention",
    at="Section 2.1.1, the quadratic form in self-attention; section 8.2",
    tex=r"\lVert A(\mathbf{X}) - A(\mathbf{Y}) \rVert_F \le \lVert \mathbf{W}_Q^\top \mathbf{W}_K \rVert_2 (\lVert \mathbf{X} \rVert_2 + \lVert \mathbf{Y} \rVert_2) "
    r"\lVert \mathbf{X} - \mathbf{Y} \rVert_F,\quad A(\mathbf{X}) = \mathbf{X} \mathbf{W}_Q^\top \mathbf{W}_K \mathbf{X}^\top",
    given=_tokens(),
    verdict=Verdict.SURVIVED,
    note="Tokens are rows. Equality for X = s Y of rank one along the leading singular vectors, for every s: the form is Lipschitz on bounded sets only, by twice their radius. The slope of the "
    "form grows like the norm of the input, its value like the square.",
    strata={"two tokens of width two": lambda X, Y, query, key: min(np.shape(X)) >= 2 and all(map(np.any, (query, key))) and bool(np.any(X != Y))},
    mutants={"one-percent-tighter": tighten(0.01),
             "one-of-two": instead(lambda impl, X, Y, query, key: _attention(impl, X, Y, query, key, 0.0)),
             "half-of-the-other": instead(lambda impl, X, Y, query, key: _attention(impl, X, Y, query, key, 0.5))},
    witnesses=[{"X": np.diag([2.0, 0.0]), "Y": np.diag([1.0, 0.0]), "query": np.eye(2), "key": np.eye(2)}],
)
def attention_scores(impl: Any, X: Any, Y: Any, query: Any, key: Any) -> Comparison:
    """The scores of self-attention move by at most the norms of both inputs times their distance."""
    return _attention(impl, X, Y, query, key, 1.0)


def _attention(impl: Any, X: Any, Y: Any, query: Any, key: Any, share: float) -> Comparison:
    W = np.asarray(query).T @ key
    norm = impl.spectral.spectral_norm
    moved = X @ W @ np.transpose(X) - Y @ W @ np.transpose(Y)
    return Comparison(_frobenius(impl, moved), "<=", norm(W) * (norm(X) + share * norm(Y)) * _frobenius(impl, X - Y))


@claim(
    "thesis.sec-2.1.3-resolvent",
    at="Section 2.1.3, CPL as a reflected resolvent",
    tex=r"T = \mathrm{CPL},\ J = \tfrac12(\mathbf{I} + T):\quad \lVert J\mathbf{x} - J\mathbf{y} \rVert^2 \le \langle J\mathbf{x} - J\mathbf{y},\, \mathbf{x} - \mathbf{y} \rangle",
    given=matrices(3).filter(np.any).flatmap(lambda W: st.fixed_dictionaries({
        "W": st.just(W), "b": vectors(np.shape(W)[1]), "x": vectors(np.shape(W)[0]), "y": vectors(np.shape(W)[0]), "name": st.sampled_from(MONOTONE)})),
    where=lambda W, **_: bool(np.any(W)),
    verdict=Verdict.SURVIVED,
    note="Firmly nonexpansive with full domain, so J is the resolvent of a maximal monotone operator, and the layer 2 J - I its reflection, exactly. The operator is "
    "the inverse of J less the identity, not the gradient of the potential itself: it agrees with half of its step to first order.",
    strata={"points apart": lambda W, x, y, **_: min(np.shape(W)) >= 2 and float(np.abs(np.transpose(W) @ (x - y)).max()) > 0},
    mutants={"one-percent-tighter": scale_right(0.99),
             "half-of-the-layer": instead(lambda impl, W, b, x, y, name: _firm(impl, W, b, x, y, name, 2.0))},
    witnesses=[{"W": np.diag([2.0, 1.0]), "b": np.array([4.0, 4.0]), "x": np.array([1.0, 0.0]), "y": np.array([-1.0, 0.0]), "name": "relu"},
               {"W": np.diag([2.0, 1.0]), "b": np.array([-4.0, -4.0]), "x": np.array([1.0, 0.0]), "y": np.array([0.0, 0.0]), "name": "relu"}],
    adversarial=["x", "y"],
)
def reflected_resolvent(impl: Any, W: Any, b: Any, x: Any, y: Any, name: str) -> Comparison:
    """Half of the identity and the convex potential layer is firmly nonexpansive: a resolvent."""
    return _firm(impl, W, b, x, y, name, 1.0)


def _firm(impl: Any, W: Any, b: Any, x: Any, y: Any, name: str, steps: float) -> Comparison:
    def half(z: Any) -> Any:
        return z + (impl.layers.convex_potential_layer(z, W, b, name=name) - z) * (0.5 * steps)

    moved = half(x) - half(y)
    size = 1e4 + 1e2 * float(np.abs(x).sum() + np.abs(y).sum()) if moved.dtype != object else 1.0
    return Comparison(length(moved) ** 2, "<=", moved @ (x - y), scale=size)
