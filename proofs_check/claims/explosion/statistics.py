"""Frozen against batch statistics on the same weights, and what one sample does to the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Step, Verdict, claim, instead
from proofs_check.claims.explosion.input import norm_of

# r, at epsilon = 0: powers of two, so that the weights have norm 1 in floats.
RATES = (2.0, 4.0)
T, D = np.array([1.0, 1.0, -1.0, -1.0]), np.array([1.0, -1.0, 1.0, -1.0])


def _batch(a: float, b: float) -> Any:
    """Two features a t + b d and a t - b d, of equal variance and the correlation (a^2 - b^2) / (a^2 + b^2)."""
    return np.stack([a * T + b * D, a * T - b * D], axis=1)


def _frozen(impl: Any, depth: int, rate: float, a: float, b: float) -> tuple[Any, Any]:
    """Norm of the Jacobian and product upper bound, with the statistics of that batch."""
    network = impl.explosion.exploding_network(depth, rate)
    frozen = impl.explosion.frozen_network(network.weights, _batch(a, b), epsilon=0.0)
    J = impl.network.input_jacobian(frozen, np.array([1.0, 0.0]))
    return impl.spectral.spectral_norm(J), impl.network.product_upper_bound(frozen)


def _closed(impl: Any, factor: float, depth: int, rate: float, a: float, b: float, power: int = 2, exchanged: bool = False) -> Comparison:
    norm, bound = _frozen(impl, depth, rate, a, b)
    t, d = (b, a) if exchanged else (a, b)
    expected = 1 / np.sqrt(norm * 0 + d**2 + t**2 * rate ** (-power * depth))
    return Comparison([norm * factor, bound * factor], "==", [expected, expected])


def _telescope(factor: Any) -> Iterator[Step]:
    """The features stay a_l t + b_l d and a_l t - b_l d."""
    import sympy

    a, b, r = sympy.symbols("a b r", positive=True)
    variance = a**2 / r**2 + b**2
    yield Step("a layer maps (a, b) to (a / r, b) before normalization, of variance a^2 / r^2 + b^2",
               sympy.expand(((a / r + b) ** 2 + (a / r - b) ** 2) / 2 - factor * variance))
    after = (a / r) / sympy.sqrt(variance), b / sympy.sqrt(variance)
    yield Step("and to a^2 + b^2 = 1 after it", sympy.simplify(after[0] ** 2 + after[1] ** 2 - 1))
    yield Step("so b^2 is divided by every variance: the product of L variances, times b_L^2, is b^2",
               sympy.simplify(after[1] ** 2 * variance - b**2))
    yield Step("and (a / b)^2 by r^2 at every layer", sympy.simplify(after[0] ** 2 / after[1] ** 2 - a**2 / b**2 / r**2))
    q = sympy.Symbol("q", positive=True)
    yield Step("with b_L^2 = 1 / (1 + q), q = (a / b)^2 r^(-2L): the product is b^2 (1 + q)", sympy.simplify(b**2 / (1 / (1 + q)) - b**2 * (1 + q)))


CASES = {"depth": st.integers(1, 10), "rate": st.sampled_from(RATES), "a": st.sampled_from([0.5, 1.0, 3.0, 8.0]), "b": st.sampled_from([0.125, 0.5, 1.0, 2.0])}


@claim(
    "explosion.frozen",
    at="Abstract, against than's corollary 10 (frozen statistics)",
    tex=r"X = (a t + b d,\ a t - b d): \qquad \lVert h_{\mathrm{frozen}} \rVert_{Lip} = \prod_l \lVert W_l \rVert \max_k \frac{1}{\sigma_{l,k}} = (b^2 + a^2 r^{-2L})^{-1/2}",
    given=CASES,
    verdict=Verdict.PROVED,
    note="The weights of explosion.input, with the statistics that a batch has in every layer. Uncorrelated features (a = b = 1): at most 1, at every depth. Equal features (b = 0): r^L. So the bound of "
    "corollary 10 is reached here, and tells a batch that is safe from one that is not.",
    strata={"deep": lambda depth, **_: depth >= 6, "shallow": lambda depth, **_: depth <= 2},
    mutants={"one percent": instead(lambda impl, **case: _closed(impl, 1.01, **case)),
             "r^-L": instead(lambda impl, **case: _closed(impl, 1.0, **case, power=1)),
             "a and b exchanged": instead(lambda impl, **case: _closed(impl, 1.0, **case, exchanged=True))},
    witnesses=[{"depth": 10, "rate": 2.0, "a": 1.0, "b": 1.0}],
    derivation=_telescope,
)
def frozen_constant(impl: Any, **case: Any) -> Comparison:
    """With the statistics of a batch frozen the network has this Lipschitz constant, and so says corollary 10."""
    return _closed(impl, 1.0, **case)


def _both(impl: Any, depth: int, rate: float, factor: float, power: int = 2, further: int = 0) -> Comparison:
    network = impl.explosion.exploding_network(depth, rate)
    norm, bound = _frozen(impl, depth, rate, 1.0, 1.0)
    J = impl.explosion.linear_network_jacobian(network.weights, network.batch, epsilon=0.0)
    batch = norm_of(impl, J, 8)
    frozen = 1 / np.sqrt(norm * 0 + 1 + rate ** (-power * depth))
    return Comparison([factor * norm, factor * bound, factor * batch / rate ** (depth + further)], "==", [frozen, frozen, norm * 0 + 1])


@claim(
    "explosion.both",
    at="The two papers on one network",
    tex=r"\lVert h_{\mathrm{frozen}} \rVert_{Lip} = (1 + r^{-2L})^{-1/2} < 1 \quad\text{and}\quad \sup_X \lVert J_X \rVert_2 \ge r^L",
    given={"depth": st.integers(1, 12), "rate": st.sampled_from(RATES)},
    verdict=Verdict.SURVIVED,
    note="The same weights, of norm 1. Frozen, with the statistics of a batch of two uncorrelated features: moving one sample moves its output by less than itself, as corollary 10 of the "
    "normalization paper says. With batch statistics, at a batch of two equal features: a perturbation of the batch grows by r^L, as the explosion paper says. The first speaks of one sample at "
    "inference, the second of the whole batch while training; one sample alone suffices there too (explosion.one-sample).",
    strata={"deep": lambda depth, rate: depth >= 8},
    mutants={"one percent": instead(lambda impl, depth, rate: _both(impl, depth, rate, 1.01)),
             "r^-L": instead(lambda impl, depth, rate: _both(impl, depth, rate, 1.0, power=1)),
             "one layer less": instead(lambda impl, depth, rate: _both(impl, depth, rate, 1.0, further=-1))},
    witnesses=[{"depth": 10, "rate": 2.0}],
)
def both_papers(impl: Any, depth: int, rate: float) -> Comparison:
    """One network: contracting with the statistics of one batch frozen, exploding at another batch."""
    return _both(impl, depth, rate, 1.0)


def _one_sample(impl: Any, depth: int, rate: float, values: Any, sample: int, factor: float = 1.0, share: Any = None) -> Comparison:
    """All but 1/m and t_i^2 / |t|^2 of the sample's own direction is new; the first layer divides by the deviation."""
    network = impl.explosion.exploding_network(depth, rate)
    m, at = len(values), sample % len(values)
    batch, delta = np.outer(values, np.ones(2)), np.zeros((m, 2))
    delta[at] = [1.0, -1.0]
    found = impl.explosion.amplification(network.weights, batch, delta, epsilon=0.0)
    one = found * 0 + 1
    t = [one * value for value in values]
    mean = sum(t) / m
    square = sum((value - mean) ** 2 for value in t)
    old = one / m + (t[at] - mean) ** 2 / square if share is None else one * share(m)
    growth = factor * found / rate**depth  # squared: 0 where t is the sample's own direction
    return Comparison(growth * growth, "==", (1 - old) * m / square, scale=1.0)


@st.composite
def _samples(draw: st.DrawFn) -> Any:
    """As many 1 as -1, in any order; or other numbers."""
    half = draw(st.integers(2, 4))
    balanced = st.permutations([1.0] * half + [-1.0] * half)
    return draw(st.one_of(balanced, st.lists(st.integers(-8, 8).map(lambda i: i / 4), min_size=3, max_size=7).filter(lambda v: len(set(v)) >= 2)))


def _balanced(m: int) -> list[float]:
    return [1.0, 1.0, *[-1.0] * (m // 2), *[1.0] * (m // 2 - 2)]


@claim(
    "explosion.one-sample",
    at="Abstract, 'sensitivity to data perturbations'",
    tex=r"X = (t, t),\ \Delta = e_i\, (1, -1): \qquad \frac{\lVert J_X \Delta \rVert}{\lVert \Delta \rVert} = \frac{r^L}{\sigma(t)} \sqrt{1 - \tfrac1m - \tfrac{(t_i - \bar t)^2}{m\, \sigma^2(t)}}, "
    r"\quad r^L \sqrt{1 - \tfrac2m} \text{ for } t = (\pm 1, \dots)",
    given={"depth": st.integers(1, 8), "rate": st.sampled_from([2.0, 3.0, 4.0]), "values": _samples(), "sample": st.integers(0, 7)},
    verdict=Verdict.SURVIVED,
    note="Moving one of the m samples is enough: but for its parts along the constant vector and along t all of it is new; of m = 4, 6, 8, ... balanced samples all but 2/m. All outputs of the batch move, those of the other samples too. "
    "The weights act on the features, so that the batch may have any size from three on.",
    strata={"four": lambda depth, values, **_: depth >= 4 and sorted(values) == [-1, -1, 1, 1],
            "more than four": lambda depth, values, **_: depth >= 4 and len(values) >= 6 and set(values) == {1.0, -1.0} and sum(values) == 0,
            "unbalanced": lambda depth, values, **_: depth >= 4 and sum(values) != 0 and len(values) >= 5},
    mutants={"one percent": instead(lambda impl, **case: _one_sample(impl, factor=1.01, **case)),
             "1/m taken off": instead(lambda impl, **case: _one_sample(impl, share=lambda m: 1 / m, **case)),
             "three quarters of 2/m": instead(lambda impl, **case: _one_sample(impl, share=lambda m: 1.5 / m, **case))},
    witnesses=[{"depth": 5, "rate": 3.0, "values": _balanced(4), "sample": 0}, {"depth": 5, "rate": 3.0, "values": _balanced(6), "sample": 1},
               {"depth": 5, "rate": 2.0, "values": [0.0, 1.0, 2.0, -1.0, 0.5], "sample": 2}],
    rounding=lambda **_: float("inf"),
)
def one_sample(impl: Any, **case: Any) -> Comparison:
    """A perturbation of one sample grows by the rate at every layer, but for a constant."""
    return _one_sample(impl, **case)
