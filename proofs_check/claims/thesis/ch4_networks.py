"""Thesis 4.1 to 4.3 and B.1: whole networks, their product upper bound by the rules of the layers, and local constants."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Kind, Verdict, claim, instead, tighten
from proofs_check.claims._sides import largest, length
from proofs_check.strategies import dyadics, layered_networks, matrices, network_from, vectors
from proofs_check.strategies._layered import contains

ENTRIES = dyadics(-2, 2)
# sigmoid(0) - sigmoid(-x) and the like lose digits; values here are below 10^4.
SCALE = 1e4


def _net(impl: Any, network: Any) -> Any:
    return network_from(impl.network, network["inputs"], network["parts"])


def _dense(*rows: Any) -> dict[str, Any]:
    return {"kind": "dense", "weight": np.array(rows, dtype=float), "bias": np.zeros(len(rows))}


def _pairs() -> Any:
    return layered_networks(activations=("relu", "abs", "tanh", "gelu", "silu")).flatmap(lambda network: st.fixed_dictionaries({
        "network": st.just(network), "x": vectors(network["inputs"], ENTRIES), "step": vectors(network["inputs"], ENTRIES).filter(np.any)}))


def _has(kind: str) -> Any:
    return lambda network, **_: contains(network["parts"], kind) and any(np.any(part.get("weight", 0)) for part in network["parts"])


POOLED = {"inputs": 3, "parts": [
    {"kind": "convolution", "kernel": np.full((1, 1, 1, 1), 2.0), "n": 3, "bias": np.ones(1), "padding": "zero", "stride": 1},
    {"kind": "pooling", "pool": "max", "channels": 1, "n": 3, "k": 2, "stride": 1}, _dense([1, 1])]}
ADDED = {"inputs": 2, "parts": [
    {"kind": "residual", "inputs": 2, "block": [_dense([2, 0], [0, 2])], "shortcut": None},
    {"kind": "residual", "inputs": 2, "block": [{"kind": "activation", "name": "relu"}], "shortcut": [_dense([3, 0], [0, 3])]}, _dense([1, 0])]}
NORMALIZED = {"inputs": 2, "parts": [
    {"kind": "batch_norm", "mean": np.ones(1), "variance": np.array([3.0]), "scale": np.array([-2.0]), "shift": np.zeros(1), "pixels": 2}, _dense([1, 1]),
    {"kind": "activation", "name": "abs"}]}


@claim(
    "thesis.app-B.1",
    at="Appendix B.1, the product over layers, residual sums and pooling",
    tex=r"\lVert f(\mathbf{x}) - f(\mathbf{y}) \rVert_2 \le \mathrm{PUB}(f) \lVert \mathbf{x} - \mathbf{y} \rVert_2",
    given=_pairs(),
    verdict=Verdict.SURVIVED,
    note="With the amended rules: overlapping max-pools, GELU and SiLU above 1, projection shortcuts. Dense, convolution (both paddings, strides), batch norm with scale, pools, "
    "residual blocks with and without shortcut.",
    strata={"convolution": _has("convolution"), "pooling": _has("pooling"), "residual": _has("residual"), "batch norm": _has("batch_norm")},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"network": POOLED, "x": np.array([0.0, 1.0, 0.0]), "step": np.array([0.0, -1.0, 0.0])},
               {"network": ADDED, "x": np.array([1.0, 0.0]), "step": np.array([-1.0, 0.0])},
               {"network": NORMALIZED, "x": np.array([1.0, 1.0]), "step": np.array([-1.0, -1.0])}],
)
def product_by_the_rules(impl: Any, network: Any, x: Any, step: Any) -> Comparison:
    """The product upper bound of a network of layers bounds every quotient."""
    net = _net(impl, network)
    return Comparison(length(net(x + step) - net(x)), "<=", impl.network.product_upper_bound(net) * length(step), scale=SCALE)


@claim(
    "thesis.app-B.1-jacobian",
    at="Appendix B.1 with section 2.1.1, the supremum of the Jacobian norm",
    tex=r"\lVert J_f(\mathbf{x}) \rVert_2 \le \mathrm{PUB}(f)",
    given=_pairs(),
    verdict=Verdict.SURVIVED,
    strata={"convolution": _has("convolution"), "pooling": _has("pooling"), "residual": _has("residual"), "batch norm": _has("batch_norm")},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"network": POOLED, "x": np.array([0.0, 1.0, 0.0]), "step": np.ones(3)}, {"network": ADDED, "x": np.ones(2), "step": np.ones(2)},
               {"network": NORMALIZED, "x": np.zeros(2), "step": np.ones(2)}],
    # At a kink the slopes of balls are not those of floats where they came there through a transcendental function.
    rounding=lambda **_: float("inf"),
)
def jacobian_by_the_rules(impl: Any, network: Any, x: Any, step: Any) -> Comparison:
    """The norm of the Jacobian is at most the product upper bound."""
    net = _net(impl, network)
    return Comparison(length(impl.network.input_jacobian(net, x) @ step), "<=", impl.network.product_upper_bound(net) * length(step))


def _shortcut(impl: Any, W: Any, S: Any) -> Any:
    dense = impl.network.Dense
    return impl.network.Residual(impl.network.Sequential([dense(W)], W.shape[1]), impl.network.Sequential([dense(S)], S.shape[1]))


def _branches() -> Any:
    shapes = st.tuples(st.integers(1, 3), st.integers(1, 3))
    return shapes.flatmap(lambda shape: st.fixed_dictionaries({name: st.lists(
        ENTRIES, min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]).map(lambda e: np.array(e).reshape(shape)) for name in ("W", "S")}))


@claim(
    "thesis.app-B.1-residual.shortcut",
    at="Appendix B.1, residual blocks with a projection, amended",
    tex=r"L(\mathbf{W} + \mathbf{S}) \le L(\mathbf{W}) + L(\mathbf{S})",
    given=_branches(),
    verdict=Verdict.SURVIVED,
    strata={"two rows": lambda W, S: np.linalg.matrix_rank(W) >= 2 and np.linalg.matrix_rank(S) >= 2},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"W": np.diag([3.0, 1.0]), "S": np.diag([2.0, 1.0])}],
    adversarial=["W", "S"],
)
def shortcut_counts(impl: Any, W: Any, S: Any) -> Comparison:
    """The constants of the two branches add up."""
    net = _shortcut(impl, W, S)
    return Comparison(impl.spectral.spectral_norm(impl.network.input_jacobian(net, np.zeros(W.shape[1]))), "<=", impl.network.product_upper_bound(net))


def _lines() -> Any:
    return st.fixed_dictionaries({"network": layered_networks(inputs=1, max_parts=3), "x": vectors(1, ENTRIES), "radius": st.sampled_from([0.5, 2.0]),
                                  "start": st.sampled_from([-1.0, 1.0, 0.5])})


def _bent(network: Any, **_: Any) -> bool:
    return contains(network["parts"], "activation") and all(np.any(part.get("weight", 1)) for part in network["parts"])


BENT = {"inputs": 1, "parts": [_dense([1], [-2]), {"kind": "activation", "name": "relu"}]}
ALIGNED = {"inputs": 1, "parts": [_dense([1], [1]), {"kind": "activation", "name": "relu"}, _dense([1, 1])]}
POOLED_LINE = {"inputs": 1, "parts": [_dense([0], [2], [0]), *POOLED["parts"]]}


@claim(
    "thesis.sec-4.3",
    at="Section 4.3, table 4.2: local Lipschitz constant and product upper bound",
    tex=r"\max_i \frac{\lVert f(\mathbf{x}_i) - f(\mathbf{x}) \rVert}{\lVert \mathbf{x}_i - \mathbf{x} \rVert} \le L(f, \mathcal{B}) \le L(f) \le \mathrm{PUB}(f)",
    given=_lines(),
    verdict=Verdict.SURVIVED,
    note="Networks of one input with convolutions, batch norms, pools and residual blocks; the exact constants from rational kinks. Float quotients are off by at most 2^-16 "
    "(values below 10^4, distances not below 1/200).",
    strata={"bent": _bent},
    mutants={"half": instead(lambda impl, **case: _sandwich(impl, 0.5, **case))},
    witnesses=[{"network": BENT, "x": np.array([0.5]), "radius": 0.5, "start": 1.0}, {"network": ALIGNED, "x": np.array([1.0]), "radius": 0.5, "start": 1.0},
               {"network": POOLED_LINE, "x": np.array([1.0]), "radius": 0.5, "start": 1.0}],
    promise=True,
)
def lower_exact_upper(impl: Any, network: Any, x: Any, radius: float, start: float) -> Comparison:
    """Ascent is at most the local constant, that is at most the global one, and that at most the product upper bound."""
    return _sandwich(impl, 1.0, network, x, radius, start)


def _sandwich(impl: Any, factor: float, network: Any, x: Any, radius: float, start: float) -> Comparison:
    net, exact = _net(impl, network), impl.exact.network
    ball_net = _net(impl.exact, network)
    found = impl.network.local_lipschitz(net, x, radius, 8, start=x + radius * start)
    near, everywhere = exact.local_lipschitz_exact(ball_net, x, radius) * factor, exact.local_lipschitz_exact(ball_net, x) * factor
    bound = exact.product_upper_bound(ball_net) * factor**2
    return Comparison([near * 0 + found, near, everywhere / factor, everywhere / factor],
                      "<=", [near + 2.0**-16, everywhere, bound, bound * 0 + impl.network.product_upper_bound(net) * (1 + 2.0**-40) * factor**2])


@claim(
    "thesis.eq-2.3-exact.layers",
    at="Definition 2.1.1, for piecewise linear networks of layers",
    tex=r"L(f, \mathcal{B}) = \max_{\text{patterns}} \lVert J \rVert_2",
    given=_lines(),
    verdict=Verdict.SURVIVED,
    note="The enumeration of activation patterns by linear programs against the rational kinks on the line; max-pooling as max(a, b) = a + relu(b - a). Not above 24 kinks.",
    strata={"bent": _bent},
    mutants={"one-percent": instead(lambda impl, **case: _enumerated(impl, 1.01, **case))},
    witnesses=[{"network": BENT, "x": np.array([0.5]), "radius": 0.5, "start": 1.0}, {"network": POOLED_LINE, "x": np.array([1.0]), "radius": 0.5, "start": 1.0}],
    promise=True,
)
def patterns_of_layers(impl: Any, network: Any, x: Any, radius: float, start: float) -> Comparison:
    """The enumeration finds the exact local constant of convolutional, pooled and residual networks too."""
    return _enumerated(impl, 1.0, network, x, radius, start)


def _enumerated(impl: Any, factor: float, network: Any, x: Any, radius: float, start: float) -> Comparison:
    found = impl.network.local_lipschitz_exact(_net(impl, network), x, radius) * factor
    exact = impl.exact.network.local_lipschitz_exact(_net(impl.exact, network), x, radius)
    # Products of up to seven matrices of small entries.
    room = (1 + exact) * 2.0**-36
    return Comparison([exact * 0 + found, exact], "<=", [exact + room, exact * 0 + found + room])


def _residual_layers() -> Any:
    sizes = st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 3), st.integers(1, 3))
    return sizes.flatmap(lambda s: st.fixed_dictionaries({
        "K": st.lists(ENTRIES, min_size=s[0] * s[1] * s[2], max_size=s[0] * s[1] * s[2]).filter(any).map(lambda e: np.array(e).reshape(s[0], s[1], 1, s[2])),
        "n": st.just(s[3]), "padding": st.sampled_from(["zero", "circular"]), "bias": vectors(s[1], ENTRIES), "n_iter": st.integers(1, 3),
        "name": st.sampled_from(["relu", "tanh", "softplus"]), "x": vectors(s[0] * s[3], ENTRIES), "step": vectors(s[0] * s[3], ENTRIES).filter(np.any)}))


def _stretched(impl: Any, factor: float, K: Any, n: int, padding: str, bias: Any, n_iter: int, name: str, x: Any, step: Any) -> Comparison:
    weight = impl.network.Convolution(K, (1, n), padding=padding)
    layer = impl.network.LipschitzResidual(weight, bias, n_iter=n_iter, name=name)
    residual = (layer(x + step) - layer(x)) - step
    return Comparison(length(step + factor * residual), "<=", length(step), scale=SCALE)


@claim(
    "thesis.cor-4.5.2-residual.convolution",
    at="Corollary 4.5.2, the residual layer, and section 5.1, for convolutions",
    tex=r"\mathbf{x} - 2 \mathbf{W} \mathbf{R}^2 \rho(\mathbf{W}^\top \mathbf{x} + \mathbf{b}) \ \text{is 1-Lipschitz}",
    given=_residual_layers(),
    verdict=Verdict.SURVIVED,
    note="Zero and circular padding, one factor a channel, kernels larger than the image. Equality for a reflection: one tap, ReLU active.",
    strata={"several taps": lambda K, **_: K.shape[3] >= 2 and np.count_nonzero(K) >= 2},
    mutants={"one-percent-more": instead(lambda impl, **case: _stretched(impl, 1.01, **case))},
    witnesses=[{"K": np.ones((1, 1, 1, 1)), "n": 2, "padding": "zero", "bias": np.zeros(1), "n_iter": 1, "name": "relu", "x": np.ones(2), "step": np.ones(2)},
               {"K": np.ones((1, 1, 1, 2)), "n": 2, "padding": "circular", "bias": np.zeros(1), "n_iter": 1, "name": "relu", "x": np.ones(2), "step": np.ones(2)}],
)
def convolutional_residual_layer(impl: Any, **case: Any) -> Comparison:
    """A residual layer of a rescaled convolution is 1-Lipschitz."""
    return _stretched(impl, 1.0, **case)


def _loss(impl: Any, W: Any, target: float) -> Any:
    norm = impl.spectral.spectral_norm(W)
    return largest([norm, norm * 0 + target])


@claim(
    "thesis.eq-4.1",
    at="Equation 4.1, 'this regularization loss ensures that the Lipschitz constant remains close to the target value'",
    tex=r"\max\{\sigma_1(\mathbf{W}), \gamma\} - \gamma \ge |\sigma_1(\mathbf{W}) - \gamma|",
    given={"W": matrices(3), "target": st.sampled_from([1.0, 2.0])},
    verdict=Verdict.REFUTED,
    kind=Kind.AMBIGUOUS,
    reading="'Remains close to the target' from both sides, for the term itself. As an upper limit it holds, which is what the maximum does.",
    note="Flat below the target: at W = 0 the loss is least. What keeps norms up at the target is the rest of the training loss, not this term.",
    counterexample={"W": np.zeros((1, 1)), "target": 1.0},
    control={"W": np.array([[3.0]]), "target": 1.0},
    amended_by="thesis.eq-4.1.one-sided",
)
def close_to_the_target(impl: Any, W: Any, target: float) -> Comparison:
    """The regularization loss grows with the distance from the target, on both sides."""
    distance = abs(impl.spectral.spectral_norm(W) - target)
    return Comparison(distance, "<=", _loss(impl, W, target) - target)


@claim(
    "thesis.eq-4.1.one-sided",
    at="Equation 4.1, amended",
    tex=r"\sigma_1(\mathbf{W}) \le \max\{\sigma_1(\mathbf{W}), \gamma\},\qquad "
    r"\max\{\sigma_1(\tfrac{\mathbf{V} + \mathbf{W}}{2}), \gamma\} \le \tfrac12 (\max\{\sigma_1(\mathbf{V}), \gamma\} + \max\{\sigma_1(\mathbf{W}), \gamma\})",
    given=_branches().map(lambda case: {"V": case["W"], "W": case["S"]}).flatmap(
        lambda case: st.fixed_dictionaries({"V": st.just(case["V"]), "W": st.just(case["W"]), "target": st.sampled_from([1.0, 2.0])})),
    verdict=Verdict.SURVIVED,
    note="An upper limit, and convex in the weights. Equality where leading singular vectors agree.",
    strata={"two rows": lambda V, W, target: np.linalg.matrix_rank(W) >= 2 and np.linalg.matrix_rank(V) >= 2},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"V": np.diag([3.0, 1.0]), "W": np.diag([5.0, 2.0]), "target": 1.0}],
)
def limit_from_above(impl: Any, V: Any, W: Any, target: float) -> Comparison:
    """The regularization loss bounds the spectral norm and is convex in the weights."""
    ends = (_loss(impl, V, target) + _loss(impl, W, target)) * 0.5
    return Comparison([impl.spectral.spectral_norm(W), _loss(impl, (V + W) * 0.5, target)], "<=", [_loss(impl, W, target), ends])


def _cross_entropy(scores: Any, label: int) -> Any:
    array = np.asarray(scores)
    return np.log(sum(np.exp(array - array[label])))


@claim(
    "thesis.sec-4.3-jensen",
    at="Section 4.3, the loss of the smoothed network",
    tex=r"\mathcal{L}\bigl(\tfrac12 (f(\mathbf{x} + \delta) + f(\mathbf{x} - \delta)), y\bigr) \le \tfrac12 \bigl(\mathcal{L}(f(\mathbf{x} + \delta), y) + \mathcal{L}(f(\mathbf{x} - \delta), y)\bigr)",
    given=st.integers(2, 3).flatmap(lambda c: st.fixed_dictionaries({"u": vectors(c, ENTRIES), "v": vectors(c, ENTRIES), "label": st.integers(0, c - 1)})),
    verdict=Verdict.SURVIVED,
    note="Cross-entropy is convex in the scores; noise of two values stands for any noise. Holds for losses that are convex in what is smoothed only.",
    strata={"different": lambda u, v, label: bool(np.any(u - u[label] != v - v[label]))},
    mutants={"swapped": instead(lambda impl, u, v, label: _averaged(v * 2, u, label, flip=True))},
    witnesses=[{"u": np.array([1.0, 0.0]), "v": np.array([0.0, 1.0]), "label": 0}],
)
def smoothing_lowers_the_loss(impl: Any, u: Any, v: Any, label: int) -> Comparison:
    """The loss of the averaged scores is at most the average loss."""
    return _averaged(u, v, label)


def _averaged(u: Any, v: Any, label: int, flip: bool = False) -> Comparison:
    together = _cross_entropy((u + v) * 0.5, label)
    apart = (_cross_entropy(u, label) + _cross_entropy(v, label)) * 0.5
    return Comparison(apart, "<=", together, scale=8.0) if flip else Comparison(together, "<=", apart, scale=8.0)
