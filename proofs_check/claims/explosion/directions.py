"""Which perturbations grow: new singular directions against those that the batch has, and what the rate depends on."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Verdict, claim, instead
from proofs_check.claims.explosion.input import norm_of

T, D = np.array([1.0, 1.0, -1.0, -1.0]), np.array([1.0, -1.0, 1.0, -1.0])
PAIR, APART = np.ones(2), np.array([1.0, -1.0])
# Of the data: samples and features. The others: a new one of each.
DATA = {"batch": (T, PAIR), "layer": (np.ones(4), T), "group": (np.ones(4), np.tile(T, 2)), "rms": (np.ones(4), PAIR)}
NEW = {"batch": (D, APART), "layer": (D, D), "group": (D, np.tile(D, 2)), "rms": (D, APART)}


def _amplified(impl: Any, depth: int, rate: float, tau: float, kind: str, factor: float, exchanged: bool = False) -> Comparison:
    """Old and new directions of samples and features, to the power 1 / depth, for a batch of rank one."""
    epsilon = (1 - tau**2) / rate**2
    network = impl.explosion.exploding_network(depth, rate, epsilon=epsilon, normalizer=kind)
    (s, f), (s_new, f_new) = DATA[kind], NEW[kind]
    directions = [np.outer(s, f), np.outer(s_new, f), np.outer(s, f_new), np.outer(s_new, f_new)]
    found = [impl.explosion.amplification(network.weights, tau * np.outer(s, f), delta, epsilon=epsilon, normalizer=kind) for delta in directions]
    along = epsilon * rate**2
    factors = (along, 1.0, along * rate, rate) if kind == "batch" else (along, along, rate, rate)
    factors = (factors[0], factors[2], factors[1], factors[3]) if exchanged else factors
    return Comparison([value * factor for value in found], "==", [found[0] * 0 + each**depth for each in factors])


@claim(
    "explosion.rank",
    at="Abstract: 'perturbations introducing new singular directions should be amplified much more strongly than equal-energy perturbations ... within the input's original singular subspace'",
    tex=r"\begin{aligned} &\text{batch } t v^\top: && t v^\top\!: \epsilon r^2 & d v^\top\!: 1 && t w^\top\!: \epsilon r^3 && d w^\top\!: r \\ &\text{others}: && \epsilon r^2 && \epsilon r^2 && r && r \end{aligned}",
    given={"depth": st.integers(1, 5), "rate": st.sampled_from([2.0, 4.0]), "tau": st.sampled_from([0.25, 0.5, 0.75]), "kind": st.sampled_from(["batch", "layer", "group", "rms"])},
    verdict=Verdict.SURVIVED,
    note="Amplification a layer, of perturbations of equal energy at the batch of explosion.epsilon; d and w are the new directions of samples and features. For batch statistics a perturbation "
    "has to bring a new direction of both, that is a new singular direction: the source's prediction, exactly; one that stays inside shrinks by epsilon r^2 < 1, to nothing for epsilon = 0. "
    "Layer, group and root-mean-square normalization see one sample at a time: there a new direction of its features is what grows, and a new singular direction of the batch alone does not.",
    strata={"batch": lambda kind, **_: kind == "batch", "one sample": lambda kind, **_: kind != "batch"},
    mutants={"one percent": instead(lambda impl, **case: _amplified(impl, factor=1.01, **case)),
             "samples and features exchanged": instead(lambda impl, **case: _amplified(impl, factor=1.0, exchanged=True, **case))},
    witnesses=[{"depth": 3, "rate": 4.0, "tau": 0.5, "kind": kind} for kind in DATA],
)
def rank_separation(impl: Any, **case: Any) -> Comparison:
    """How much the four kinds of perturbation of a batch of rank one grow."""
    return _amplified(impl, factor=1.0, **case)


def _scaled(impl: Any, depth: int, rate: float, layer: int, scale: float, power: int) -> Comparison:
    network = impl.explosion.exploding_network(depth, rate)
    weights = list(network.weights)
    weights[layer % depth] = weights[layer % depth] * scale
    batch = np.array([[1.0, 2.0], [0.0, -1.0], [-1.0, 1.0], [2.0, 0.5]])
    values = [impl.explosion.linear_network(chain, batch, epsilon=0.0) for chain in (network.weights, weights)]
    jacobians = [impl.explosion.linear_network_jacobian(chain, batch, epsilon=0.0) for chain in (network.weights, weights)]
    return Comparison([*values[1].ravel(), *jacobians[1].ravel()], "==", [*(values[0] * scale**power).ravel(), *(jacobians[0] * scale**power).ravel()], scale=8.0)


@claim(
    "explosion.scale-blind",
    at="Abstract: 'instabilities that are invisible from layerwise norm bounds alone'",
    tex=r"\epsilon = 0,\ c > 0: \qquad N(c\, X W^\top) = N(X W^\top)",
    given={"depth": st.integers(1, 4), "rate": st.sampled_from([2.0, 3.0]), "layer": st.integers(0, 3), "scale": st.sampled_from([2.0**-20, 0.75, 3.0])},
    verdict=Verdict.SURVIVED,
    note="Why a bound on ||W_l|| constrains nothing: the network and its Jacobian do not see the size of a weight, so that the same growth is had with norms as small as one likes. An equal scale of "
    "all features (the affine parameter of a layer before) is such a factor, and a shift is taken off with the mean. With epsilon > 0 a factor c acts as epsilon / c^2.",
    strata={"several layers": lambda depth, **_: depth >= 2},
    mutants={"proportional": instead(lambda impl, **case: _scaled(impl, power=1, **case))},
    witnesses=[{"depth": 2, "rate": 3.0, "layer": 0, "scale": 0.75}],
    rounding=lambda **_: float("inf"),
)
def scale_blind(impl: Any, **case: Any) -> Comparison:
    """Without epsilon the network and its Jacobian do not depend on the size of any weight."""
    return _scaled(impl, power=0, **case)


def _affine(impl: Any, depth: int, gamma: float, factor: float, twice: bool = False) -> Comparison:
    """Scales (1, gamma) after every normalization are the same as weights times them, and so for the batch."""
    W, scales = np.array([[2.0, -1.0], [-1.0, 2.0]]), np.array([1.0, gamma])
    x, y = gamma / (2 - gamma), 1 / (2 * gamma - 1)
    found = impl.explosion.amplification([W * scales] * depth, np.outer(T, PAIR), np.outer(D, np.array([x, -y])), epsilon=0.0)
    return Comparison(factor * found / (1 + x + (x if twice else y)) ** depth, "==", found * 0 + 1)


@claim(
    "explosion.affine",
    at="Abstract, with the affine parameters of the normalization",
    tex=r"\gamma = (1, g),\ W = \tfrac13 \begin{pmatrix} 2 & -1 \\ -1 & 2 \end{pmatrix}: \qquad \text{rate } 1 + \frac{g}{2 - g} + \frac{1}{2 g - 1} \ge 3, \quad \tfrac12 < g < 2",
    given={"depth": st.integers(1, 5), "gamma": st.sampled_from([0.75, 1.0, 1.25, 1.5, 1.75])},
    verdict=Verdict.SURVIVED,
    note="Equal scales change nothing (explosion.scale-blind), nor do shifts. Unequal ones raise the rate, without bound towards g = 2, where a feature loses its variance: 3 at g = 1, 4.5 at 1.5.",
    strata={"unequal": lambda depth, gamma: gamma != 1},
    mutants={"one percent": instead(lambda impl, depth, gamma: _affine(impl, depth, gamma, 1.01)),
             "one term twice": instead(lambda impl, depth, gamma: _affine(impl, depth, gamma, 1.0, twice=True))},
    witnesses=[{"depth": 4, "gamma": 1.5}],
    rounding=lambda **_: float("inf"),
)
def affine_parameters(impl: Any, depth: int, gamma: float) -> Comparison:
    """With unequal scales after every normalization the rate is larger."""
    return _affine(impl, depth, gamma, 1.0)


def _few(impl: Any, weights: Any, batch: Any, factor: float, excepted: bool = True, ddof: int = 0) -> Comparison:
    chain = [np.array([[w]]) for w in weights]
    X = np.array(batch)[:, None]
    norm = norm_of(impl, impl.explosion.linear_network_jacobian(chain, X, epsilon=0.0), len(batch))
    variance = impl.normalization.batch_norm_statistics(X).variance[0]
    expected = 0 * variance if len(batch) == 2 and excepted else np.sqrt((len(batch) - ddof) / (variance * len(batch)))
    return Comparison(norm * np.sqrt(variance), "==", factor * expected * np.sqrt(variance) + (factor - 1), scale=8.0)


NUMBERS = st.integers(-8, 8).map(lambda i: i / 4)


@claim(
    "explosion.width-one",
    at="Abstract, the least width and the least batch",
    tex=r"n = 1,\ \epsilon = 0: \qquad \lVert J_x \rVert_2 = \frac{1}{\sigma(x)} \ (m \ge 3), \qquad 0 \ (m = 2)",
    given={"weights": st.lists(NUMBERS.filter(bool), min_size=1, max_size=4), "batch": st.lists(NUMBERS, min_size=2, max_size=5).filter(lambda b: len(set(b)) > 1)},
    verdict=Verdict.SURVIVED,
    note="One feature does not grow, whatever the depth: two are needed, and three samples. More of either change nothing in the rate, which is bounded by the least deviation alone "
    "(explosion.local): two features reach every rate.",
    strata={"three samples": lambda weights, batch: len(batch) >= 3, "two samples": lambda weights, batch: len(batch) == 2},
    mutants={"one percent": instead(lambda impl, weights, batch: _few(impl, weights, batch, 1.01)),
             "variance over m - 1, no exception": instead(lambda impl, weights, batch: _few(impl, weights, batch, 1.0, False, 1))},
    witnesses=[{"weights": [0.5, -2.0], "batch": [0.0, 1.0, 2.0]}, {"weights": [0.5], "batch": [0.0, 1.0]}],
    rounding=lambda **_: float("inf"),
)
def one_feature(impl: Any, weights: Any, batch: Any) -> Comparison:
    """A network of one feature has the same Jacobian norm at every depth."""
    return _few(impl, weights, batch, 1.0)


def _of_batch_size(impl: Any, depth: int, rate: float, samples: int, factor: float, ddof: int = 0) -> Comparison:
    network = impl.explosion.exploding_network(depth, rate)
    x, d = np.zeros(samples), np.zeros(samples)
    x[:2], d[:3] = [1.0, -1.0], [1.0, 1.0, -2.0]
    found = impl.explosion.amplification(network.weights, np.outer(x, PAIR), np.outer(d, APART), epsilon=0.0)
    return Comparison(factor * found / rate**depth, "==", np.sqrt(found * 0 + (samples - ddof) / 2))


@claim(
    "explosion.batch-size",
    at="Abstract, for batches of three samples and more",
    tex=r"X = (x, x),\ x = (1, -1, 0, \dots, 0),\ d = (1, 1, -2, 0, \dots, 0): \qquad \frac{\lVert J_X (d, -d) \rVert}{\lVert (d, -d) \rVert} = r^L \sqrt{\tfrac m2} = \frac{r^L}{\sigma(x)}",
    given={"depth": st.integers(1, 5), "rate": st.sampled_from([2.0, 3.0]), "samples": st.integers(3, 9)},
    verdict=Verdict.SURVIVED,
    note="The rate is that of the weights for every batch of at least three samples; the first layer divides by the deviation of the batch. No perturbation grows more (explosion.local).",
    strata={"deep": lambda depth, **_: depth >= 4, "many samples": lambda samples, **_: samples >= 6},
    mutants={"one percent": instead(lambda impl, **case: _of_batch_size(impl, factor=1.01, **case)),
             "variance over m - 1": instead(lambda impl, **case: _of_batch_size(impl, factor=1.0, ddof=1, **case))},
    witnesses=[{"depth": 4, "rate": 3.0, "samples": 3}],
    rounding=lambda **_: float("inf"),
)
def batch_size(impl: Any, depth: int, rate: float, samples: int) -> Comparison:
    """Any batch of two equal features, of at least three samples, has the rate."""
    return _of_batch_size(impl, depth, rate, samples, 1.0)
