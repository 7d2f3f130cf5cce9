"""Lemma 5 to corollary 11: the product of the layers' norms, with and without normalization."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st

from proofs_check.claim import Case, Comparison, Kind, Step, Verdict, claim, instead, scale_right, tighten
from proofs_check.claims._sides import largest, length, product
from proofs_check.claims.than._networks import network_of, normalized_networks, quotient
from proofs_check.strategies import networks, widths

_HALF = np.array([[0.5, -0.5], [-0.5, 0.5]])
_ZERO, _STEP = np.zeros(2), np.array([1.0, -1.0])


def _local_norm(impl: Any, network: Any, x: Any) -> Any:
    return impl.spectral.spectral_norm(impl.network.input_jacobian(network, x))


def _kinked(**_: Any) -> float:
    """Rounding of a difference of outputs, relative to the outputs."""
    return 2.0**20


def _small_networks() -> Iterator[Case]:
    for first in itertools.product((-1.0, 0.0, 1.0), repeat=4):
        for second in itertools.product((0.0, 1.0), repeat=2):
            yield {
                "weights": [np.array(first).reshape(2, 2), np.array(second).reshape(1, 2)],
                "x": np.array([1.0, 2.0]), "z": np.array([3.0, 1.0]), "activation": "relu",
            }


@claim(
    "than.lemma-5",
    at="Lemma 5",
    tex=r"\lVert h, x \rVert_{Lip} \le \prod_{k=1}^K \lVert W_k \rVert",
    given=st.tuples(networks(), st.sampled_from(["relu", "relu", "leaky_relu", "tanh", "sigmoid", "abs", "identity"])).map(lambda drawn: {**drawn[0], "activation": drawn[1]}),
    verdict=Verdict.SURVIVED,
    note="Checked for pairs of inputs and for the Jacobian, at activations of constant 1 and below. The printed product runs over k with index i (equation 33 has k).",
    strata={"depth 2 or more, width 2": lambda weights, x, z, activation: len(weights) >= 2 and min(map(min, map(np.shape, weights))) >= 2},
    mutants={"one-percent-tighter": tighten(0.01), "one-layer-forgotten": instead(lambda impl, weights, x, z, activation: Comparison(
        quotient(network_of(impl, weights, None, activation), x, z), "<=",
        impl.network.product_upper_bound(network_of(impl, weights[:-1] or [np.eye(len(x))]))))},
    witnesses=[{"weights": [np.diag([3.0, 1.0]), np.diag([2.0, 1.0])], "x": np.array([1.0, 1.0]), "z": np.array([2.0, 1.0]), "activation": "relu"}],
    exhaustive=_small_networks,
    adversarial=["weights", "x", "z"],
    where=lambda weights, x, z, activation: bool(np.any(x != z)),
    weights=lambda W: {"weights": [W], "x": np.ones(W.shape[1]), "z": np.zeros(W.shape[1]), "activation": "relu"},
    rounding=_kinked,
)
def product_bound(impl: Any, weights: Any, x: Any, z: Any, activation: Any) -> Comparison:
    """The Lipschitz constant of a network is at most the product of the spectral norms of its weights."""
    network = network_of(impl, weights, None, activation)
    bound = impl.network.product_upper_bound(network)
    return Comparison([quotient(network, x, z), _local_norm(impl, network, x)], "<=", [bound, bound], bound)


@claim(
    "than.lemma-5.residual",
    at="Lemma 5, for a residual block (used for the ResNet18 of figure 1)",
    tex=r"\lVert x + f(x) \rVert_{Lip} \le 1 + \prod_k \lVert W_k \rVert",
    given=networks().filter(lambda case: case["weights"][0].shape[1] == case["weights"][-1].shape[0]),
    verdict=Verdict.SURVIVED,
    strata={"width 2": lambda weights, x, z: len(x) >= 2},
    mutants={"one-percent-tighter": tighten(0.01), "without-the-identity": instead(lambda impl, weights, x, z: Comparison(
        _local_norm(impl, impl.network.Residual(network_of(impl, weights)), x), "<=",
        impl.network.product_upper_bound(network_of(impl, weights))))},
    witnesses=[{"weights": [np.diag([3.0, 1.0])], "x": np.array([1.0, 1.0]), "z": np.array([2.0, 1.0])}],
    adversarial=["weights", "x", "z"],
    where=lambda weights, x, z: bool(np.any(x != z)),
    rounding=_kinked,
)
def residual_bound(impl: Any, weights: Any, x: Any, z: Any) -> Comparison:
    """A residual block adds 1 to the product of the spectral norms."""
    network = impl.network.Residual(network_of(impl, weights))
    bound = impl.network.product_upper_bound(network)
    return Comparison([quotient(network, x, z), _local_norm(impl, network, x)], "<=", [bound, bound], bound)


@st.composite
def _extremal(draw: st.DrawFn) -> Case:
    sizes = draw(widths(st.integers(1, 4), 3))
    factors = st.sampled_from([1.0, 0.5, 3.0, 2.0, 0.0])
    return {"sizes": sizes, "factors": np.array(draw(st.lists(factors, min_size=len(sizes) - 1, max_size=len(sizes) - 1)))}


def _all_patterns() -> Iterator[Case]:
    for depth in (1, 2, 3):
        for sizes in itertools.product((1, 2, 3), repeat=depth + 1):
            yield {"sizes": list(sizes), "factors": np.array([0.5, 3.0, 2.0][:depth])}


def _bottleneck(sizes: Any, factors: Any) -> bool:
    return len(sizes) >= 4 and min(sizes[1:-1]) == 1 and bool(np.all(factors))


@claim(
    "than.thm-6",
    at="Theorem 6 and its proof",
    tex=r"\lVert h^*, x \rVert_{Lip} = \prod_k a_k,\quad W_k = a_k I_k",
    given=_extremal(),
    verdict=Verdict.PROVED,
    note="By symbols for every pattern of widths 1 to 3 and depth 2; by enumeration to depth 3. Width 1 and a_k = 0 included.",
    strata={"a bottleneck of width 1": _bottleneck,
            "growing": lambda sizes, factors: len(sizes) >= 3 and sizes == sorted(sizes) and sizes[0] < sizes[-1] and bool(np.all(factors))},
    mutants={"one-percent": scale_right(1.01), "sum-of-factors": instead(lambda impl, sizes, factors: Comparison(
        impl.network.product_upper_bound(impl.network.extremal_network(sizes, list(factors))), "==", 0.125 + sum(factors)))},
    exhaustive=_all_patterns,
    derivation=lambda factor: _identity_steps(factor),
)
def extremal_networks(impl: Any, sizes: Any, factors: Any) -> Comparison:
    """The network of scaled rectangular identities has exactly the product of the scales as Lipschitz constant."""
    network = impl.network.extremal_network(sizes, list(factors))
    claimed = product(factors)
    upper, local = impl.network.product_upper_bound(network), _local_norm(impl, network, np.ones(sizes[0]))
    cut = impl.network.truncate_or_pad(np.ones(sizes[0]), sizes[1:])
    return Comparison([upper, local, *network(np.ones(sizes[0]))], "==", [claimed, claimed, *(cut * claimed)])


def _identity_steps(factor: Any) -> Iterator[Step]:
    """The Jacobian at a positive input: upper bound and lower bound meet at a_1 a_2."""
    a, b = sympy.symbols("a b", nonnegative=True)
    for n0, n1, n2 in itertools.product((1, 2, 3), repeat=3):
        first = sympy.Matrix(n1, n0, lambda i, j: int(i == j))
        second = sympy.Matrix(n2, n1, lambda i, j: int(i == j))
        jacobian = (b * second) * (a * first)
        kept = min(n0, n1, n2)
        claimed = factor * a * b * sympy.diag(sympy.eye(kept), sympy.zeros(n2 - kept, n0 - kept))
        yield Step(f"widths {n0}, {n1}, {n2}: the Jacobian is a b times a rectangular identity", jacobian - claimed)


def _normalized(impl: Any, case: Case, constant: Any) -> Comparison:
    network = network_of(impl, case["weights"], case["norms"], "identity")
    rectified = network_of(impl, case["weights"], case["norms"])
    bound = constant * product(impl.spectral.spectral_norm(W) for W in case["weights"])
    return Comparison(
        [quotient(network, case["x"], case["z"]), _local_norm(impl, network, case["x"]),
         quotient(rectified, case["x"], case["z"])], "<=", [bound] * 3, bound,
    )


def _lipschitz(impl: Any, data: Any, n: int) -> Any:
    if data["kind"] == "batch":
        return impl.normalization.batch_norm_lipschitz(data["variance"], epsilon=data["epsilon"])
    if data["kind"] == "layer":
        return impl.normalization.layer_norm_lipschitz(n, epsilon=data["epsilon"])
    if data["kind"] == "group":
        return impl.normalization.group_norm_lipschitz(data["groups"], epsilon=data["epsilon"])
    return impl.normalization.rms_norm_lipschitz(epsilon=data["epsilon"])


def _constants(impl: Any, weights: Any, norms: Any) -> Any:
    return product(_lipschitz(impl, data, len(W)) for W, data in zip(weights, norms, strict=True))


def _of_kind(kind: str) -> Any:
    return lambda weights, x, z, norms: len(weights) >= 2 and all(data["kind"] == kind for data in norms)


_LAYER, _RMS = {"kind": "layer", "epsilon": 0.25}, {"kind": "rms", "epsilon": 0.25}
_GROUP = {"kind": "group", "epsilon": 0.25, "groups": [[0, 1], [2, 3]]}
_PAIRS = np.kron(np.eye(2), _HALF)
_BATCH = {"kind": "batch", "epsilon": 1.0, "mean": _ZERO, "variance": np.array([3.0, 2.0**40])}
_WITNESSES = [
    {"weights": [_HALF, _HALF], "x": _ZERO, "z": _STEP, "norms": [_LAYER, _LAYER]},
    {"weights": [np.diag([2.0, 1.0])] * 2, "x": _ZERO, "z": _STEP, "norms": [_RMS, _RMS]},
    {"weights": [np.diag([2.0, 1.0])] * 2, "x": _ZERO, "z": np.array([1.0, 0.0]), "norms": [_BATCH, _BATCH]},
    {"weights": [_PAIRS, _PAIRS], "x": np.zeros(4), "z": np.array([1.0, -1.0, 0.0, 0.0]), "norms": [_GROUP, _GROUP]},
]


# Layers of different deviations: where the least is taken for all of them, or the layers' order matters.
_STRETCH, _SHRINK = {**_BATCH, "variance": np.array([0.0, 2.0**60])}, {**_BATCH, "variance": np.array([63.0, 2.0**60])}
_UNEQUAL = [{"weights": [np.diag([2.0, 1.0])] * 2, "x": _ZERO, "z": np.array([1.0, 0.0]), "norms": order}
            for order in ([_STRETCH, _SHRINK], [_SHRINK, _STRETCH])]


def _moved(weights: Any, x: Any, z: Any, norms: Any) -> bool:
    return bool(np.any(x != z))


@claim(
    "than.thm-9",
    at="Theorem 9",
    tex=r"\lVert h_{no}, x \rVert_{Lip} \le \prod_k \lVert W_k \rVert\, \lVert \mathrm{NO}_k \rVert_{Lip}",
    given=normalized_networks(),
    where=_moved,
    verdict=Verdict.SURVIVED,
    note="With the true constants: the largest reciprocal deviation for BN, 1/sqrt(epsilon) for LN and RMS. Frozen statistics.",
    strata={kind: _of_kind(kind) for kind in ("batch", "layer", "rms", "group")},
    mutants={"one-percent-tighter": tighten(0.01), "one-normalizer-forgotten": instead(
        lambda impl, weights, x, z, norms: _normalized(
            impl, {"weights": weights, "x": x, "z": z, "norms": norms}, _constants(impl, weights[1:], norms[1:])))},
    witnesses=[*_WITNESSES, {**_WITNESSES[2], "norms": [{**_BATCH, "epsilon": 0.25, "variance": np.array([0.0, 2.0**40])}] * 2}],
    adversarial=["weights", "x", "z"],
    rounding=_kinked,
)
def normalized_product_bound(impl: Any, weights: Any, x: Any, z: Any, norms: Any) -> Comparison:
    """The Lipschitz constant of a normalized network is at most the product of both kinds of constants."""
    case = {"weights": weights, "x": x, "z": z, "norms": norms}
    return _normalized(impl, case, _constants(impl, weights, norms))


def _reciprocals(data: Any) -> Any:
    return 1 / np.sqrt(np.asarray(data["variance"]) + data["epsilon"])


def _inverse_deviation(data: Any) -> Any:
    return length(_reciprocals(data))


_COR_10 = {
    "given": normalized_networks(("batch",)),
    "where": _moved,
    "verdict": Verdict.SURVIVED,
    "strata": {"two layers": _of_kind("batch")},
    "witnesses": [_WITNESSES[2], *_UNEQUAL],
    "adversarial": ["weights", "x", "z"],
    "rounding": _kinked,
}


@claim(
    "than.cor-10-1",
    at="Corollary 10 (1)",
    tex=r"\lVert h_{no}, x \rVert_{Lip} \le P_w(h_{no}) \prod_k \lVert 1/\sigma_k \rVert",
    note="True with the l2 norm that lemma 1 prints, and up to sqrt(n) per layer looser than with the largest entry (thm-9). "
    "For frozen statistics: with the batch's own, the map is another one (than.batch-statistics).",
    mutants={"one-percent-tighter": tighten(0.01), "one-layer-twice": instead(lambda impl, weights, x, z, norms: _normalized(
        impl, {"weights": weights, "x": x, "z": z, "norms": norms}, product(map(_inverse_deviation, [*norms[:-1], norms[0]])))),
        "largest-deviation-instead": instead(lambda impl, weights, x, z, norms: _normalized(
            impl, {"weights": weights, "x": x, "z": z, "norms": norms}, product(-largest(-_reciprocals(data)) for data in norms)))},
    **_COR_10,
)
def batch_norm_networks(impl: Any, weights: Any, x: Any, z: Any, norms: Any) -> Comparison:
    """With batch normalization in every layer the product of the norms of 1/sigma_k enters."""
    case = {"weights": weights, "x": x, "z": z, "norms": norms}
    return _normalized(impl, case, product(map(_inverse_deviation, norms)))


@claim(
    "than.cor-10-2",
    at="Corollary 10 (2)",
    tex=r"\lVert h_{no}, x \rVert_{Lip} \le \sigma^{-K} P_w(h_{no}),\quad \sigma = \min_k \lVert 1/\sigma_k \rVert^{-1}",
    note="A reduction only if sigma > 1; with sigma < 1 it is an exponential increase.",
    mutants={"one-percent-tighter": tighten(0.01), "exponent-K+1": instead(lambda impl, weights, x, z, norms: _power_of_sigma(
        impl, weights, x, z, norms, len(weights) + 1)),
        "largest-sigma": instead(lambda impl, weights, x, z, norms: _power_of_sigma(impl, weights, x, z, norms, len(weights), min))},
    **_COR_10,
)
def batch_norm_power(impl: Any, weights: Any, x: Any, z: Any, norms: Any) -> Comparison:
    """With batch normalization in every layer the least deviation enters to the power of the depth."""
    return _power_of_sigma(impl, weights, x, z, norms, len(weights))


def _power_of_sigma(impl: Any, weights: Any, x: Any, z: Any, norms: Any, exponent: int, choose: Any = max) -> Comparison:
    inverses = [_inverse_deviation(data) for data in norms]
    sigma = 1 / choose(inverses, key=float)
    return _normalized(impl, {"weights": weights, "x": x, "z": z, "norms": norms}, (1 / sigma) ** exponent)


_COR_11 = normalized_networks(("layer",))


def deviations_at(impl: Any, weights: Any, norms: Any, x: Any) -> list[Any]:
    """sqrt(variance + epsilon) of the normalized vectors when the network is at x (linear activations)."""
    deviations, values = [], x
    for W, data in zip(weights, norms, strict=True):
        y = W @ values
        one = np.asarray(y)[0] * 0 + len(y)
        centred = y - y.sum() / one
        deviations.append(np.sqrt((centred * centred).sum() / one + data["epsilon"]))
        values = centred / deviations[-1]
    return deviations


@claim(
    "than.cor-11",
    at="Corollary 11",
    tex=r"\lVert h_{no}, x \rVert_{Lip} \le P_w(h_{no}) \prod_k \sigma_k^{-1},\quad \sigma_k = \epsilon_k^{1/2}",
    given=_COR_11,
    where=_moved,
    verdict=Verdict.SURVIVED,
    note="With sigma_k as lemma 2 defines it, the minimum over all inputs, which is sqrt(epsilon): then the bound is sharp and "
    "says nothing about the data.",
    strata={"two layers": _of_kind("layer")},
    mutants={"one-percent-tighter": tighten(0.01), "one-layer-forgotten": instead(lambda impl, weights, x, z, norms: _normalized(
        impl, {"weights": weights, "x": x, "z": z, "norms": norms}, product(1 / np.sqrt(d["epsilon"]) for d in norms[1:])))},
    witnesses=_WITNESSES[:1],
    adversarial=["weights", "x", "z"],
    rounding=_kinked,
)
def layer_norm_networks(impl: Any, weights: Any, x: Any, z: Any, norms: Any) -> Comparison:
    """With layer normalization in every layer the product of the reciprocal least deviations enters."""
    case = {"weights": weights, "x": x, "z": z, "norms": norms}
    return _normalized(impl, case, product(1 / np.sqrt(data["epsilon"]) for data in norms))


@claim(
    "than.cor-11.data-variance",
    at="Corollary 11 as section 4.2 uses it: 'As shown in Figure 2, the values of sigma_k are typically much greater than 1'",
    tex=r"\lVert h_{no} \rVert_{Lip} \le P_w(h_{no}) \prod_k \sigma_k^{-1},\quad \sigma_k \text{ the least deviation over the data } \{x\},\ \lVert \cdot \rVert_{Lip} \text{ over all inputs}",
    given=normalized_networks(("layer",), max_depth=1),
    where=_moved,
    verdict=Verdict.REFUTED,
    kind=Kind.AMBIGUOUS,
    reading="sigma_k is 'input variance before NO_k, defined in Lemma 2', there a minimum over all of R^n, in figure 2 a variance of data. Refuted: deviations of data, constant over R^n. True: both over R^n (than.cor-11), or both over the data.",
    note="Deviations of data bound what happens between data, not the Lipschitz constant. One layer, W = I_2, epsilon = 1: at x = (1, -1) the deviation is sqrt(2), at z = 0 the Jacobian has norm 1 > 1/sqrt(2). "
    "With the minimum of lemma 2, which is sqrt(epsilon), corollary 11 is true and no data lower it. Between data it is true with the data's own least deviation (than.cor-11.on-the-data).",
    counterexample={"weights": [np.eye(2)], "x": _STEP, "z": _ZERO, "norms": [{"kind": "layer", "epsilon": 1.0}]},
    control={"weights": [np.eye(2)], "x": _ZERO, "z": _STEP, "norms": [{"kind": "layer", "epsilon": 1.0}]},
    amended_by="than.cor-11.on-the-data",
    rounding=_kinked,
)
def layer_norm_data_variance(impl: Any, weights: Any, x: Any, z: Any, norms: Any) -> Comparison:
    """The deviations observed at the data (here x alone) bound the Lipschitz constant over all inputs (here the derivative at z)."""
    network = network_of(impl, weights, norms, "identity")
    bound = product(1 / d for d in deviations_at(impl, weights, norms, x))
    return Comparison(_local_norm(impl, network, z), "<=", bound * product(map(impl.spectral.spectral_norm, weights)), bound)


def _between(impl: Any, weights: Any, x: Any, z: Any, norms: Any, choose: Any = min) -> Comparison:
    """The slope between two data, against the deviations there (of the two the lesser one, in every layer)."""
    at_x, at_z = (deviations_at(impl, weights, norms, v) for v in (x, z))
    bound = product(1 / choose(pair, key=float) for pair in zip(at_x, at_z, strict=True))
    bound = bound * product(map(impl.spectral.spectral_norm, weights))
    return Comparison(quotient(network_of(impl, weights, norms, "identity"), x, z), "<=", bound, bound)


@claim(
    "than.cor-11.on-the-data",
    at="Corollary 11, over the data only",
    tex=r"\lVert h_{no}(x) - h_{no}(z) \rVert \le P_w(h_{no}) \prod_k \min\{\sigma_k(x), \sigma_k(z)\}^{-1}\, \lVert x - z \rVert",
    given=_COR_11,
    where=_moved,
    verdict=Verdict.SURVIVED,
    reading="sigma_k is the least sqrt(variance + epsilon) over the data, and the Lipschitz constant is that of the network restricted to the data.",
    note="No path between the data has to stay where the deviation is large: with y and y' centred, R = |y|/sigma and r = |y|, R R' <= r r'/min sigma^2 and |R - R'| <= |r - r'|/min sigma, and the squared distance of the outputs is "
    "(R - R')^2 + R R' |y/r - y'/r'|^2. So large deviations at all data, test data included, do lower the constant that corollary 22 needs; but see than.sec-4.2-floor for how large they can be. Sharp for y' = -y. Checked with linear activations; the argument goes layer by layer, so that those of definition 8 may stand between.",
    strata={"two layers": _of_kind("layer"), "one layer": lambda weights, x, z, norms: len(weights) == 1},
    mutants={"one-percent-tighter": tighten(0.01),
             "larger-of-the-two": instead(lambda impl, **case: _between(impl, **case, choose=max)),
             "at-the-first": instead(lambda impl, **case: _between(impl, **case, choose=lambda pair, key: pair[0]))},
    witnesses=[{"weights": [np.eye(2)], "x": _STEP, "z": -_STEP, "norms": [{"kind": "layer", "epsilon": 1.0}]},
               {"weights": [np.eye(2)] * 2, "x": _STEP, "z": -_STEP, "norms": [{"kind": "layer", "epsilon": 1.0}] * 2},
               *({"weights": [W] * depth, "x": 64 * W @ np.array(x), "z": 64 * W @ np.array(z), "norms": [{"kind": "layer", "epsilon": 1.0}] * depth}
                 for depth in (1, 2) for W in [np.eye(3)] for x, z in [((1.0, -1.0, 0.0), (1.0, -1.0, 2.0**-6)), ((2.0, -2.0, 0.0), (1.0, -1.0, 2.0**-6))])],
    adversarial=["weights", "x", "z"],
    rounding=_kinked,
)
def layer_norm_on_the_data(impl: Any, weights: Any, x: Any, z: Any, norms: Any) -> Comparison:
    """Between two data the network is as steep as the weights' norms over the lesser of the two deviations, in every layer."""
    return _between(impl, weights, x, z, norms)


@claim(
    "than.cor-11.local",
    at="Corollary 11, for the derivative at one input",
    tex=r"\Bigl\lVert \frac{\partial h_{no}}{\partial x}(x) \Bigr\rVert \le P_w(h_{no}) \prod_k (\sigma_k^2(x) + \epsilon_k)^{-1/2}",
    given=_COR_11,
    where=_moved,
    verdict=Verdict.SURVIVED,
    strata={"two layers": _of_kind("layer")},
    mutants={"one-percent-tighter": tighten(0.01), "one-layer-forgotten": instead(lambda impl, weights, x, z, norms: Comparison(
        _local_norm(impl, network_of(impl, weights, norms, "identity"), x), "<=",
        product(1 / d for d in deviations_at(impl, weights, norms, x)[1:])
        * product(map(impl.spectral.spectral_norm, weights))))},
    witnesses=_WITNESSES[:1],
    adversarial=["weights", "x"],
    rounding=_kinked,
)
def layer_norm_local(impl: Any, weights: Any, x: Any, z: Any, norms: Any) -> Comparison:
    """The variances observed at x bound the derivative at x."""
    return layer_norm_data_variance.compare(impl, weights, x, x, norms)


