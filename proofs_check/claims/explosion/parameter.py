"""Exponential growth in the weights: a feature that carries the missing direction is kept alive beside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Step, Verdict, claim, instead, scale_right
from proofs_check.claims._sides import length
from proofs_check.claims.explosion.input import ENTRIES, networks_of, norm_of

RATES = (2.0, 3.0, 4.0)


def _grown(impl: Any, depth: int, rate: float, layer: int, factor: float = 1.0, epsilon: float = 0.0, further: int = 0) -> Comparison:
    """The norm of the Jacobian in a weight (0 the first) over what it is claimed to be; the norm of a weight."""
    at = layer % depth
    network = impl.explosion.exploding_weights(depth, rate, epsilon=epsilon)
    J = impl.explosion.linear_network_weight_jacobian(network.weights, network.batch, at, epsilon=epsilon)
    growth = norm_of(impl, J, network.weights[0].size) * rate ** (at + further) / network.growth
    weight = impl.spectral.spectral_norm(network.weights[0])
    one, move = growth * 0 + 1, np.asarray(network.perturbation).ravel()  # of the first weight, but the same for all
    worst = length(np.asarray(J).reshape(-1, move.size) @ move) * rate**at / network.growth
    return Comparison([factor * growth, factor * one, weight, worst, one], "<=", [one, growth, one, one, worst])


def _steps(factor: Any) -> Iterator[Step]:
    """What the first weight does in its layer; the layers above are those of explosion.input."""
    import sympy

    r, L = sympy.symbols("r L", positive=True)
    t, d = sympy.Matrix([1, 1, -1, -1]), sympy.Matrix([1, -1, 1, -1])
    Q = sympy.eye(4) - sympy.ones(4, 4) / 4 - t * t.T / 4
    yield Step("the third feature is d, of variance 1: kept as it is", d.dot(d) / 4 - 1)
    yield Step("d is orthogonal to t and to the constant vector", d.dot(t) ** 2 + sum(d) ** 2)
    yield Step("(e1 - e2) e3' / sqrt(2) adds d / sqrt(2) and -d / sqrt(2) to the equal features, whose deviation is 1/r",
               (r * Q * d / sympy.sqrt(2) - factor * r * d / sympy.sqrt(2)).norm())
    yield Step("(d, -d) / sqrt(2) has the length 2, and each of L - 1 further layers multiplies it by r",
               2 * r * r ** (L - 1) - 2 * r**L)


@claim(
    "explosion.parameter",
    at="Abstract: 'parameter Lipschitzness, measuring sensitivity to weight perturbations'",
    tex=r"X = (t, t, d),\quad W_l = \begin{pmatrix} W & 0 \\ 0 & 1 \end{pmatrix}: \qquad \Bigl\lVert \frac{\partial X_L}{\partial W_l} \Bigr\rVert_2 = 2\, r^{L - l + 1}",
    given={"depth": st.integers(1, 10), "rate": st.sampled_from(RATES), "layer": st.integers(0, 9)},
    verdict=Verdict.PROVED,
    note="W of explosion.input. In that network alone no weight can add a direction that the features do not have, and the Jacobian in the weights vanishes (explosion.parameter-rank); here a "
    "third feature keeps d = (1, -1, 1, -1) alive. Worst perturbation (e1 - e2) e3' / sqrt(2) of the first weight: 2 r^L, and so for weight l in the L - l + 1 layers from it on. The number of parameters is 9 L. "
    "Proved: that this perturbation grows so; that none grows more is what the balls say at depth 1 to 10.",
    strata={"deep": lambda depth, rate, layer: depth >= 6 and layer % depth == 0, "an inner weight": lambda depth, rate, layer: depth >= 4 and 0 < layer % depth < depth - 1},
    mutants={"one percent faster": instead(lambda impl, **case: _grown(impl, factor=1.01, **case)),
             "one layer less": instead(lambda impl, **case: _grown(impl, further=1, **case))},
    witnesses=[{"depth": 10, "rate": 3.0, "layer": 0}, {"depth": 6, "rate": 2.0, "layer": 3}],
    derivation=_steps,
)
def parameter_growth(impl: Any, depth: int, rate: float, layer: int) -> Comparison:
    """Weights of norm 1 whose network has a Jacobian in each weight that grows by the rate at every layer from it on."""
    return _grown(impl, depth, rate, layer)


def _small(impl: Any, depth: int, rate: float, layer: int, tau: float, **rest: Any) -> Comparison:
    return _grown(impl, depth, rate, layer, epsilon=(1 - tau**2) / rate**2, **rest)


@claim(
    "explosion.parameter-epsilon",
    at="Abstract, for epsilon > 0",
    tex=r"\Bigl\lVert \frac{\partial X_L}{\partial W_l} \Bigr\rVert_2 = 2 \sqrt{1 - \epsilon}\, r^{L - l + 1}",
    given={"depth": st.integers(1, 5), "layer": st.integers(0, 4), "rate": st.sampled_from([2.0, 4.0]), "tau": st.sampled_from([0.25, 0.5, 0.75])},
    verdict=Verdict.SURVIVED,
    note="At the batch that every layer gives back: t scaled by sqrt(1 - epsilon r^2), d by sqrt(1 - epsilon).",
    strata={"deep": lambda depth, layer, **_: depth >= 2 and layer % depth == 0, "an inner weight": lambda depth, layer, **_: 0 < layer % depth < depth - 1},
    mutants={"one percent faster": instead(lambda impl, **case: _small(impl, factor=1.01, **case)),
             "one layer less": instead(lambda impl, **case: _small(impl, further=1, **case))},
    witnesses=[{"depth": 3, "rate": 4.0, "tau": 0.5, "layer": layer} for layer in (0, 1)],
)
def parameter_growth_with_epsilon(impl: Any, **case: Any) -> Comparison:
    """The same with a positive epsilon."""
    return _small(impl, **case)


def _of_rank_one(impl: Any, depth: int, rate: float, layer: int, most: float) -> Comparison:
    network = impl.explosion.exploding_network(depth, rate)
    J = impl.explosion.linear_network_weight_jacobian(network.weights, network.batch, layer % depth, epsilon=0.0)
    return Comparison(most, "<=", -norm_of(impl, J, 4))


@claim(
    "explosion.parameter-rank",
    at="Abstract, the two notions apart",
    tex=r"X = t v^\top, \ \epsilon = 0: \qquad \frac{\partial X_L}{\partial W_l} = 0",
    given={"depth": st.integers(1, 8), "rate": st.sampled_from(RATES), "layer": st.integers(0, 7)},
    verdict=Verdict.SURVIVED,
    note="A batch of rank one (centred) has an output that no weight moves to first order: batch normalization gives the direction of a feature, and all features have one. The two growths need "
    "different batches.",
    strata={"deep": lambda depth, rate, layer: depth >= 6, "the last weight": lambda depth, rate, layer: depth >= 2 and layer % depth == depth - 1},
    mutants={"not zero": instead(lambda impl, **case: _of_rank_one(impl, most=0.01, **case))},
    witnesses=[{"depth": 5, "rate": 3.0, "layer": 0}],
)
def nothing_to_add(impl: Any, depth: int, rate: float, layer: int) -> Comparison:
    """At a batch of rank one the Jacobian in every weight is zero."""
    return _of_rank_one(impl, depth, rate, layer, 0.0)


def _same_move(impl: Any, weights: Any, batch: Any, kind: str, epsilon: float, layer: int, A: Any, transposed: bool = True) -> Comparison:
    at = layer % len(weights)
    before = batch if at == 0 else impl.explosion.linear_network(weights[:at], batch, epsilon=epsilon, normalizer=kind)
    n = np.shape(weights[at])[1]
    B = np.array(A)[:n, :n]
    by_weight = impl.explosion.linear_network_weight_jacobian(weights, batch, at, epsilon=epsilon, normalizer=kind)
    by_input = impl.explosion.linear_network_jacobian(weights[at:], before, epsilon=epsilon, normalizer=kind)
    moved = [np.asarray(weights[at]) @ B, np.asarray(before) @ (B.T if transposed else B)]
    left, right = (np.asarray(J).reshape(-1, move.size) @ move.ravel() for J, move in zip((by_weight, by_input), moved, strict=True))
    return Comparison(left, "==", right, scale=64.0)


def _told(W: Any, A: Any) -> bool:
    """Whether the weight moves, and A is not symmetric on its columns."""
    n = np.shape(W)[1]
    B = np.array(A)[:n, :n]
    return n >= 2 and bool(np.any(W @ B)) and bool(np.any(B != B.T))


_MIX = st.lists(ENTRIES, min_size=36, max_size=36).map(lambda e: np.array(e).reshape(6, 6))


@claim(
    "explosion.parameter-input",
    at="Abstract: 'input Lipschitzness' and 'parameter Lipschitzness', how they go together",
    tex=r"\frac{\partial X_L}{\partial W_l}[W_l A] = \frac{\partial X_L}{\partial X_{l-1}}[X_{l-1} A^\top]",
    given=st.tuples(networks_of(("batch", "layer", "group", "rms")), st.integers(0, 1), _MIX).map(lambda drawn: {**drawn[0], "layer": drawn[1], "A": drawn[2]}),
    verdict=Verdict.SURVIVED,
    note="X (W + W A)^T = (X + X A^T) W^T. So the weights can do what such perturbations of the layer's input do, and more where W is not invertible; for any weights, batch, epsilon and kind.",
    strata={"an inner weight": lambda weights, layer, batch, A, **_: len(weights) == 2 and layer == 1 and _told(weights[1], A) and bool(np.any(np.ptp(batch, axis=0))),
            "batch": lambda weights, kind, layer, A, **_: kind == "batch" and len(weights) == 2 and layer == 0 and _told(weights[0], A)},
    mutants={"one percent": scale_right(1.01),
             "A not transposed": instead(lambda impl, **case: _same_move(impl, transposed=False, **case))},
    witnesses=[{"weights": [np.array([[1.0, 0.5], [-1.0, 2.0], [0.0, 1.0]]), np.array([[1.0, -1.0, 0.5], [0.5, 0.0, 1.0]])], "batch": np.array([[1.0, 0.0], [0.5, -1.0], [2.0, 1.0]]),
                "kind": kind, "epsilon": 0.25, "layer": layer, "A": np.arange(36.0).reshape(6, 6) % 7 - 3} for kind in ("batch", "rms") for layer in (0, 1)],
)
def weights_and_inputs(impl: Any, **case: Any) -> Comparison:
    """What a weight does by W A, its layer's input does by X A^T."""
    return _same_move(impl, **case)
