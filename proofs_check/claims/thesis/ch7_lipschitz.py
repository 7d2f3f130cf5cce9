"""Thesis 7.1, 7.2.1: what penalties on the weights do to the product upper bound."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Kind, Verdict, claim, instead, tighten
from proofs_check.claims._curvature import network_of
from proofs_check.claims._sides import length, product
from proofs_check.strategies import networks


def _nonzero(weights: Any, **_: Any) -> bool:
    return all(np.any(W) for W in weights)


def _deep(weights: Any, **_: Any) -> bool:
    return len(weights) >= 2 and _nonzero(weights) and all(min(W.shape) >= 1 for W in weights)


WEIGHTS = networks(max_depth=3, max_width=2).map(lambda case: {"weights": case["weights"]})
# All spectral norms equal, so that the means meet; of rank one, so that both norms do.
EQUAL = {"weights": [np.array([[2.0, 0.0]]), np.array([[0.0], [2.0]])]}


def _pub(impl: Any, weights: Any) -> Any:
    return impl.network.product_upper_bound(network_of(impl, weights, "relu"))


def _mean(values: list[Any]) -> Any:
    return sum(values[1:], values[0]) / len(values)


@claim(
    "thesis.eq-7.1",
    at="Equation 7.1, 'constrains the overall Lipschitz constant via the product's upper bound'",
    tex=r"\mathrm{PUB}(f) \le \Bigl(\frac1L \sum_l \lVert W^{(l)} \rVert_2\Bigr)^L",
    given=WEIGHTS,
    verdict=Verdict.SURVIVED,
    note="How the sum constrains the product, which the text does not say: the means. Equality where all norms are equal. The displayed penalty of 'Regularization terms' is called a "
    "'deviation of the spectral norm from a target threshold'; it has the square that equation 7.1 has not, and no threshold.",
    strata={"two layers": _deep},
    mutants={"one-percent-tighter": tighten(0.01),
             "the sum to the power L - 1": instead(lambda impl, weights: Comparison(_pub(impl, weights), "<=", _mean([impl.spectral.spectral_norm(W) for W in weights]) ** (len(weights) - 1)))},
    witnesses=[EQUAL],
)
def sum_of_norms(impl: Any, weights: Any) -> Comparison:
    """The product upper bound is at most the mean of the layers' spectral norms to the power of their number."""
    return Comparison(_pub(impl, weights), "<=", _mean([impl.spectral.spectral_norm(W) for W in weights]) ** len(weights))


@claim(
    "thesis.sec-7.2.1-PUB",
    at="Section 7.2.1, the display of PUB(f)",
    tex=r"\prod_l \lVert W^{(l)} \rVert_2 \le \prod_l \lVert W^{(l)} \rVert_F",
    given=WEIGHTS,
    verdict=Verdict.SURVIVED,
    note="Equality where every matrix has rank one or is zero.",
    strata={"two layers": _deep},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[EQUAL],
    adversarial=["weights"],
)
def frobenius_product(impl: Any, weights: Any) -> Comparison:
    """The product of spectral norms is at most the product of Frobenius norms."""
    return Comparison(_pub(impl, weights), "<=", product([length(W) for W in weights]))


@claim(
    "thesis.sec-7.2.1-penalty",
    at="Section 7.2.1, 'Penalizing the parameter norm ... constrains the model's Lipschitz constant'",
    tex=r"\mathrm{PUB}(f)^2 \le \Bigl(\frac{\lVert \theta \rVert_2^2}{L}\Bigr)^L",
    given=WEIGHTS,
    verdict=Verdict.SURVIVED,
    note="Made quantitative. Equality where all matrices have rank one and the same norm.",
    strata={"two layers": _deep},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[EQUAL],
)
def weight_decay(impl: Any, weights: Any) -> Comparison:
    """The norm of all parameters bounds the product upper bound."""
    pub = _pub(impl, weights)
    return Comparison(pub * pub, "<=", _mean([length(W) * length(W) for W in weights]) ** len(weights))


def _moved(impl: Any, weights: Any, x: Any, z: Any, name: str) -> tuple[Any, Any]:
    network = network_of(impl, weights, name)
    return length(network(x) - network(z)), length(x - z)


POINTS = networks(max_depth=3, max_width=2).flatmap(lambda case: st.fixed_dictionaries(
    {**{key: st.just(value) for key, value in case.items()}, "name": st.sampled_from(["gelu", "relu"])}))


@claim(
    "thesis.sec-7.2.1-activations",
    at="Section 7.2.1, the product upper bound of a network with 'typically ReLU or GELU'",
    tex=r"\lVert f(x) - f(z) \rVert \le \prod_l \lVert W^{(l)} \rVert_2 \lVert x - z \rVert",
    given=POINTS,
    verdict=Verdict.REFUTED,
    kind=Kind.FALSE,
    reading="'Typically ReLU or GELU', the product of the weights' spectral norms alone, as the section displays it.",
    note="W = (1), (1) with GELU: from 1.25 to 1.75 the network rises by 0.564. The experiments of the section use GELU, which also leaves theorem 7.2.1's hypothesis of 1-Lipschitz activations unmet.",
    counterexample={"weights": [np.array([[1.0]]), np.array([[1.0]])], "x": np.array([1.25]), "z": np.array([1.75]), "name": "gelu"},
    control={"weights": [np.array([[1.0]]), np.array([[1.0]])], "x": np.array([1.25]), "z": np.array([1.75]), "name": "relu"},
    amended_by="thesis.sec-7.2.1-activations.constants",
)
def weights_only(impl: Any, weights: Any, x: Any, z: Any, name: str) -> Comparison:
    """The product of the spectral norms bounds the Lipschitz constant of a network with ReLU or GELU."""
    moved, step = _moved(impl, weights, x, z, name)
    return Comparison(moved, "<=", product([impl.spectral.spectral_norm(W) for W in weights]) * step)


@claim(
    "thesis.sec-7.2.1-activations.constants",
    at="Section 7.2.1, amended",
    tex=r"\lVert f(x) - f(z) \rVert \le \prod_l L(\rho^{(l)}) \lVert W^{(l)} \rVert_2 \lVert x - z \rVert",
    given=POINTS,
    verdict=Verdict.SURVIVED,
    note="With 1.1289 for GELU.",
    strata={"two layers": lambda weights, x, z, name: _nonzero(weights) and len(weights) >= 2},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"weights": [np.array([[1.0]]), np.array([[1.0]])], "x": np.array([1.375]), "z": np.array([1.453125]), "name": "gelu"}],
)
def weights_and_activations(impl: Any, weights: Any, x: Any, z: Any, name: str) -> Comparison:
    """With the activations' constants it does."""
    moved, step = _moved(impl, weights, x, z, name)
    return Comparison(moved, "<=", impl.network.product_upper_bound(network_of(impl, weights, name)) * step)
