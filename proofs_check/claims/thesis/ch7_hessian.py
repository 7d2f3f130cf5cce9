"""Thesis 7.2.1, D.2.2: the Hessian of the loss in the weights, and the spectral norms of the layers."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Kind, Step, Verdict, claim, instead, tighten
from proofs_check.claims._curvature import hessian_at_target, network_of, printed_bound, targets
from proofs_check.strategies import dyadics
from refimpl.curvature import cross_entropy

ONE = np.array([[1.0]])
CHAIN = {"weights": [ONE, ONE], "x": np.array([1.0]), "name": "identity", "loss": "squared"}


def _norm(impl: Any, which: str, **case: Any) -> Any:
    return impl.spectral.spectral_norm(hessian_at_target(impl, **case, which=which))


def _alive(weights: Any, x: Any, name: str, loss: str, least: int = 2) -> bool:
    """Several layers, and nothing is zero."""
    return len(weights) >= least and loss == "squared" and bool(np.any(x)) and all(np.any(W) for W in weights)


@claim(
    "thesis.thm-7.2.1",
    at="Theorem 7.2.1, equation 7.2",
    tex=r"\lVert \nabla_\theta^2 \mathcal{L}(\theta^*) \rVert_2 \le \Bigl(\sum_{j=1}^{L-1} \Bigl\lVert \frac{\partial h^{(j)}}{\partial\theta} \Bigr\rVert_2 \prod_{l=j+1}^{L-1} \lVert W^{(l)} \rVert_2\Bigr)^2 \lVert \nabla_{h^{(L-1)}}^2 \mathcal{L} \rVert_2",
    given=targets(),
    verdict=Verdict.REFUTED,
    kind=Kind.FALSE,
    reading="theta holds the weights of all layers, as section 7.2.1 defines it; logit stationarity, 1-Lipschitz activations, L >= 2. For the weights before the last layer it holds.",
    note="Theta holds the weights of all layers, W^(L) included, and h^(L-1) does not depend on W^(L): the proof's chain rule leaves its block of the Hessian out. f = w2 w1 x with all three 1, squared "
    "loss at the target: the Hessian is [[1, 1], [1, 1]], norm 2; the printed bound is 1. For L = 1 the sum is empty and the bound 0. Figure 7.1 measures the very block that is missing. Read as a partial derivative (only through W^(j)); the total "
    "derivative would make the last term alone the whole J and the sum pointless. Nothing is assumed about second derivatives of the activations; at a kink there is no Hessian.",
    counterexample={**CHAIN, "name": "relu"},
    control={**CHAIN, "weights": [0 * ONE, ONE]},
    amended_by="thesis.thm-7.2.1.all-weights",
)
def layerwise_bound(impl: Any, weights: Any, x: Any, name: str, loss: str) -> Comparison:
    """At logit stationarity the norm of the Hessian in all weights is at most the printed product."""
    case = {"weights": weights, "x": x, "name": name, "loss": loss}
    return Comparison(_norm(impl, "all", **case), "<=", printed_bound(impl, **case))


def _bounded(impl: Any, which: str, bound: str, **case: Any) -> Comparison:
    network = network_of(impl, case["weights"], case["name"])
    rhs = impl.curvature.hessian_norm_bound(network, case["x"], loss=case["loss"], weights=bound)
    return Comparison(_norm(impl, which, **case), "<=", rhs, scale=_size(**case))


def _size(weights: Any, x: Any, **_: Any) -> float:
    """For the rounding of entries that cancel; balls need none."""
    if np.asarray(x).dtype == object:
        return 0.0
    return float(np.prod([1 + np.abs(W).sum() for W in weights]) ** 2 * (1 + np.abs(x).sum()) ** 2)


@claim(
    "thesis.thm-7.2.1.all-weights",
    at="Theorem 7.2.1, amended: all weights",
    tex=r"\lVert \nabla_\theta^2 \ell \rVert \le \lVert \nabla_a^2 \ell \rVert \sum_{j=1}^L \Bigl(\max|\rho_j'|\, \lVert h_{j-1} \rVert \prod_{l=j+1}^L \lVert W_l \rVert\Bigr)^2",
    given=targets(),
    verdict=Verdict.SURVIVED,
    note="The sum runs to L and the curvature is the one in the logits. Layers have their own columns of J, so that their squares add: the printed square of a sum is larger by up to the number of layers. "
    "Equality for chains of numbers. For one sample; of several the bounds are averaged.",
    strata={"two layers": _alive},
    mutants={"one-percent-tighter": tighten(0.01),
             "without-the-last-layer": instead(lambda impl, **case: _bounded(impl, "all", "inner" if len(case["weights"]) > 1 else "last", **case))},
    witnesses=[CHAIN, {"weights": [2 * ONE, 3 * ONE, ONE], "x": np.array([0.5]), "name": "relu", "loss": "squared"}],
    adversarial=["weights", "x"],
)
def all_layers(impl: Any, weights: Any, x: Any, name: str, loss: str) -> Comparison:
    """At logit stationarity the Hessian in all weights is bounded by a sum over all layers."""
    return _bounded(impl, "all", "all", weights=weights, x=x, name=name, loss=loss)


@claim(
    "thesis.thm-7.2.1.inner-weights",
    at="Theorem 7.2.1 and appendix D.2.2, for the weights before the last layer",
    tex=r"\lVert \nabla_{W_1 \dots W_{L-1}}^2 \ell \rVert \le \sum_j a_j^2\, \lVert \nabla_{h}^2 \ell \rVert \le \Bigl(\sum_j a_j\Bigr)^2 \lVert \nabla_h^2 \ell \rVert",
    given=targets(min_depth=2),
    verdict=Verdict.SURVIVED,
    note="What the proof shows. The printed right side is the last one; the one before is smaller and sharp.",
    strata={"two layers": _alive, "three layers": lambda **case: _alive(**case, least=3)},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[CHAIN, {"weights": [2 * ONE, 3 * ONE, ONE], "x": np.array([0.5]), "name": "relu", "loss": "squared"}],
)
def inner_layers(impl: Any, weights: Any, x: Any, name: str, loss: str) -> Comparison:
    """The Hessian in the weights before the last layer is below the sum of squares, and that below the printed square."""
    case = {"weights": weights, "x": x, "name": name, "loss": loss}
    found = _bounded(impl, "inner", "inner", **case)
    return Comparison([found.lhs, found.rhs], "<=", [found.rhs, printed_bound(impl, **case)], scale=found.scale)


CHAINS = st.fixed_dictionaries({"w": st.lists(st.sampled_from([0.5, 1.0, 2.0, 3.0]), min_size=3, max_size=3).map(np.array), "x": st.sampled_from([0.5, 1.0, 2.0])})


def _of_chain(impl: Any, w: Any, x: Any) -> Any:
    """The Hessian's norm of w_3 w_2 w_1 x at its target."""
    weights = [np.array([[value]]) for value in w]
    return _norm(impl, "all", weights=weights, x=np.array([x]), name="identity", loss="squared")


@claim(
    "thesis.sec-7.2.1-deeper",
    at="Section 7.2.1, 'the contributions from deeper layers to the Hessian norm bound are more significant'",
    tex=r"\lVert \nabla^2 \ell(2 w_1, w_2, w_3) \rVert \le \lVert \nabla^2 \ell(w_1, 2 w_2, w_3) \rVert",
    given=CHAINS,
    verdict=Verdict.REFUTED,
    kind=Kind.AMBIGUOUS,
    reading="The effect of a layer's norm on the Hessian, or on the bound with all that depends on it. As a count of the factors that equation 7.2 displays it holds.",
    note="'As the spectral norm is accumulated more times for deeper layers': the factors of the earlier layers stand in the derivatives of h^(j), which hold h^(j-1). w = (2, 1, 1), x = 1: twice the first gives 33, twice the second 24. The bound (7.2) does the same, 25 and 16.",
    counterexample={"w": np.array([2.0, 1.0, 1.0]), "x": 1.0},
    control={"w": np.array([1.0, 2.0, 1.0]), "x": 1.0},
    amended_by="thesis.sec-7.2.1-deeper.symmetric",
)
def deeper_counts_more(impl: Any, w: Any, x: Any) -> Comparison:
    """Twice the norm of a deeper layer raises the Hessian's norm at least as much as twice that of an earlier one."""
    return Comparison(_of_chain(impl, w * np.array([2, 1, 1]), x), "<=", _of_chain(impl, w * np.array([1, 2, 1]), x))


def _derived_chain(factor: Any) -> Any:
    import sympy

    w1, w2, w3, x, t = sympy.symbols("w1 w2 w3 x t", positive=True)
    loss = (w3 * w2 * w1 * x - t) ** 2 / 2
    hessian = sympy.hessian(loss, (w1, w2, w3)).subs(t, w3 * w2 * w1 * x)
    norm = x**2 * (w2**2 * w3**2 + w1**2 * w3**2 + w1**2 * w2**2)
    J = sympy.Matrix([w2 * w3, w1 * w3, w1 * w2]) * x
    yield Step("of rank one", hessian - J * J.T)
    yield Step("whose norm is the squared length", (J.T * J)[0] - factor * norm)
    yield Step("symmetric in the layers", norm - norm.subs({w1: w2, w2: w1}, simultaneous=True))


@claim(
    "thesis.sec-7.2.1-deeper.symmetric",
    at="Section 7.2.1, amended",
    tex=r"\lVert \nabla^2 \ell \rVert = x^2 \sum_j \prod_{l \ne j} w_l^2",
    given=CHAINS,
    verdict=Verdict.PROVED,
    note="For chains of numbers the depth of a layer does not matter: the smallest weights have the largest derivatives.",
    strata={"different": lambda w, x: len(set(w)) == 3},
    mutants={"without-the-first": instead(lambda impl, w, x: Comparison(_of_chain(impl, w, x), "==", x * x * (w[0] ** 2 * w[2] ** 2 + w[0] ** 2 * w[1] ** 2))),
             "squares-forgotten": instead(lambda impl, w, x: Comparison(_of_chain(impl, w, x), "==", x * x * (w[1] * w[2] + w[0] * w[2] + w[0] * w[1])))},
    witnesses=[{"w": np.array([2.0, 1.0, 3.0]), "x": 0.5}],
    derivation=_derived_chain,
)
def symmetric_in_the_layers(impl: Any, w: Any, x: Any) -> Comparison:
    """The Hessian's norm of a chain of numbers is a symmetric function of them."""
    first, second, third = w
    value = x * x * (second * second * third * third + first * first * third * third + first * first * second * second)
    return Comparison(_of_chain(impl, w, x), "==", value, scale=512.0)


def _residuals(impl: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Of the least-squares line through the origin."""
    w = (x @ y) / (x @ x)
    network = impl.network.FeedForward([np.array([[w]])], "identity")
    return np.array([network(np.array([v]))[0] for v in x]) - y, x


DATA = st.integers(2, 3).flatmap(lambda n: st.fixed_dictionaries({
    "x": st.lists(dyadics(-2, 2), min_size=n, max_size=n).map(np.array).filter(np.any), "y": st.lists(dyadics(-2, 2), min_size=n, max_size=n).map(np.array)}))


@claim(
    "thesis.sec-7.2.1-stationarity.mean",
    at="Section 7.2.1, amended",
    tex=r"\sum_i x_i\, \nabla_a \ell(a_i(\theta^*), y_i) = 0",
    given=DATA,
    verdict=Verdict.SURVIVED,
    note="Stationarity in the parameters, which is all that a minimizer has.",
    strata={"residuals": lambda x, y: abs(x[0] * y[1] - x[1] * y[0]) > 0},
    mutants={"unweighted": instead(lambda impl, x, y: Comparison(_residuals(impl, x, y)[0].sum(), "==", 0.0, scale=64.0)),
             "another-target": instead(lambda impl, x, y: Comparison(x @ (_residuals(impl, x, y)[0] + 0.01 * y), "==", 0.0, scale=64.0))},
    witnesses=[{"x": np.array([1.0, 2.0]), "y": np.array([1.0, -1.0])}],
)
def stationary_in_the_mean(impl: Any, x: Any, y: Any) -> Comparison:
    """At a minimizer of the squared loss the gradients in the weights cancel."""
    residuals, points = _residuals(impl, x, y)
    return Comparison(points @ residuals, "==", 0.0, scale=64.0)


def _loss_of(w: float, t: float, name: str) -> float:
    import refimpl

    network = refimpl.network.FeedForward([[[w]], [[t], [0.0]]], [name, "identity"])
    return cross_entropy(network([1.0]), 0)
