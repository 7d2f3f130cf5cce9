"""What refimpl promises of normalizers, layers, networks and cells: the values of their definitions, in every axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Verdict, claim
from proofs_check.claims.lipref._agreement import agreement, scaled, slip
from proofs_check.claims.lipref.geometry import _array

UNITS = 2.0**16
SEEDS = st.integers(0, 2**20)
EPSILONS = st.sampled_from([0.5, 2.0, 0.0625])


def _linear(impl: Any, case: Any) -> list[Any]:
    W, X, how = case["weights"], case["batch"], {"epsilon": case["epsilon"], "normalizer": case["normalizer"]}
    of = impl.explosion
    found = [of.linear_network(W, X, **how), of.linear_network_jacobian(W, X, **how), of.amplification(W, X, case["moved"], **how), of.jacobian_bound(W, X, **how)]
    frozen = of.frozen_network(W, X, epsilon=case["epsilon"])
    found.append(impl.network.input_jacobian(frozen, X[0]))
    return found + [of.linear_network_weight_jacobian(W, X, layer, **how) for layer in range(len(W))]


def _chains() -> Any:
    def made(parts: Any) -> Any:
        seed, shape, depth = parts["seed"], parts["shape"], parts["depth"]
        return {"weights": [_array(seed + i, shape[1], shape[1]) + np.eye(shape[1]) / 2 for i in range(depth)], "batch": _array(seed + 8, *shape) + 1 / 4,
                "moved": _array(seed + 9, *shape) + 1 / 4, "epsilon": parts["epsilon"], "normalizer": parts["normalizer"]}

    drawn = st.fixed_dictionaries({"seed": SEEDS, "shape": st.sampled_from([(3, 2), (2, 4), (2, 2)]), "depth": st.integers(1, 3),
                                   "epsilon": EPSILONS, "normalizer": st.sampled_from(["batch", "layer", "group", "rms"])})
    return drawn.map(made).filter(lambda case: all(abs(np.linalg.det(W)) > 0.1 for W in case["weights"]) and _spread(case))


def _spread(case: Any) -> bool:
    """Neither samples nor features are alike."""
    X = case["batch"]
    return all(np.ptp(X, axis=axis).min() > 0 for axis in (0, 1)) and not np.array_equal(X[:, 0], X[:, 1])


def _other(kind: str) -> str:
    return {"batch": "layer", "layer": "batch", "group": "batch", "rms": "layer"}[kind]


@claim(
    "lipref.linear-network-values",
    at="refimpl.explosion.linear_network, its Jacobians, amplification, jacobian_bound and frozen_network",
    tex=r"X^{(l)} = \mathrm{norm}(X^{(l-1)} W_l^T), \qquad \frac{\partial X^{(L)}}{\partial X^{(0)}}, \; \frac{\partial X^{(L)}}{\partial W_l}",
    given=_chains(),
    verdict=Verdict.SURVIVED,
    note="Numbers of samples and features that differ, weights that are not symmetric.",
    strata={"of samples": lambda normalizer, **_: normalizer == "batch", "of features": lambda normalizer, **_: normalizer != "batch"},
    mutants={"a-millionth": scaled(_linear, UNITS), "transposed-weights": slip(_linear, UNITS, lambda case: {"weights": [W.T + np.triu(np.ones(W.shape), 1) for W in case["weights"]]}),
             "other-axis": slip(_linear, UNITS, lambda case: {"normalizer": _other(case["normalizer"])})},
    promise=True,
)
def linear_networks(impl: Any, **case: Any) -> Any:
    """Linear networks with a normalizer, and their derivatives by the input and by every weight, are those of the definition."""
    return agreement(_linear, UNITS)(impl, **case)


def _cells(impl: Any, case: Any) -> list[Any]:
    of, k = impl.generalization, case["counts"]
    found = [of.sampling_remainder(k, case["delta"], case["loss"], form=form) for form in ("printed", "chernoff", "differences")]
    terms = (case["loss"], k, case["distances"], case["lipschitz"], case["delta"])
    found += [of.local_lipschitz_bound(*terms, 1.5), of.optimal_transport_bound(*terms, constant=0.25)]
    found += [of.spherical_sharpness_bound(case["loss"], 2.0, case["mu"], sum(k) + 1, log_constant=1.5, constant=0.25)]
    scales, layer = case["scales"], case["layer"]
    return found + [of.iteration_complexity(scales, case["delta"], layer, power=p, deviation=d) for p in (1, 2) for d in (None, case["mu"])]


@claim(
    "lipref.cell-values",
    at="refimpl.generalization, its bounds and iteration_complexity",
    tex=r"\sum_i \frac{m_i}{m} \, d_i L_i + g(\delta), \qquad \max_{m_i > 0} d_i L_i \sqrt{\ln(4/\delta)/m}",
    given=st.fixed_dictionaries({
        "counts": st.lists(st.integers(0, 40), min_size=2, max_size=5).filter(lambda k: sum(k) > 1 and max(k) < sum(k)), "delta": st.sampled_from([0.05, 0.3, 1e-4]), "loss": st.sampled_from([0.5, 2.0]),
        "mu": st.sampled_from([0.5, 3.0, 0.125]), "seed": SEEDS, "layer": st.integers(1, 3)}).map(lambda case: {
            **{name: case[name] for name in ("counts", "delta", "loss", "mu", "layer")}, "scales": np.abs(_array(case["seed"], 5)) + 0.5,
            "distances": np.abs(_array(case["seed"] + 1, len(case["counts"]))) / 4 + 0.25, "lipschitz": np.abs(_array(case["seed"] + 2, len(case["counts"]))) / 4 + 0.125}),
    verdict=Verdict.SURVIVED,
    strata={"an empty cell": lambda counts, **_: 0 in counts, "samples in all cells": lambda counts, **_: 0 not in counts},
    mutants={"a-millionth": scaled(_cells, UNITS), "twice-the-risk": slip(_cells, UNITS, lambda case: {"delta": 2 * case["delta"]}),
             "variance-for-deviation": slip(_cells, UNITS, lambda case: {"mu": case["mu"] ** 2}), "a-layer-earlier": slip(_cells, UNITS, lambda case: {"layer": case["layer"] % 3 + 1, "scales": case["scales"] * 1.5})},
    promise=True,
)
def cell_values(impl: Any, **case: Any) -> Any:
    """The bounds of the expected loss by cells, and the orders of iterations, are those of their formulas."""
    return agreement(_cells, UNITS)(impl, **case)


def _nearest(impl: Any, case: Any) -> list[Any]:
    of, x, c, k = impl.generalization, case["points"], case["centres"], case["counts"]
    cells = of.partition_by_nearest(x, c)
    places = [int(float(cell)) for cell in np.asarray(cells).ravel()]
    found = of.cell_statistics(x, case["losses"], places, case["probabilities"], k, len(c))
    return [cells, found.distances, found.lipschitz]


def _points() -> Any:
    def made(seed: int) -> Any:
        rng = np.random.default_rng(seed)
        places = rng.permutation(49)[:6]
        x = np.stack([places // 7, places % 7], axis=1) * 1.0
        return {"points": x, "centres": rng.integers(0, 7, (3, 2)) * 1.0, "losses": rng.integers(-4, 5, 6) * 1.0, "probabilities": rng.integers(1, 5, 6) * 1.0, "counts": rng.integers(0, 4, 6) * 1.0}

    return SEEDS.map(made)


def _tie(points: Any, centres: Any, **_: Any) -> bool:
    """A point equally far from two places that are nearest."""
    squares = ((points[:, None] - centres[None]) ** 2).sum(axis=2)
    return bool(((squares == squares.min(axis=1, keepdims=True)).sum(axis=1) > 1).any())


def _populated(counts: Any, **_: Any) -> bool:
    return bool(counts.sum() >= 4)


@claim(
    "lipref.nearest-values",
    at="refimpl.generalization.partition_by_nearest and cell_statistics",
    tex=r"i(x) = \min \operatorname*{argmin}_i \lVert x - c_i \rVert_2",
    given=_points(),
    verdict=Verdict.SURVIVED,
    note="On a lattice: points equally far from two centres go to the first.",
    strata={"ties": lambda **case: _tie(**case) and _populated(**case), "no ties": lambda **case: not _tie(**case) and _populated(**case)},
    mutants={"a-millionth": scaled(_nearest, UNITS), "other-losses": slip(_nearest, UNITS, lambda case: {"losses": 2 * case["losses"] + np.arange(6), "points": case["points"] * 1.25}),
             "equal-probabilities": slip(_nearest, UNITS, lambda case: {"probabilities": case["probabilities"] * 0 + 1, "counts": case["counts"] + np.arange(6), "centres": case["centres"][::-1] + 0.5})},
    promise=True,
)
def nearest_values(impl: Any, **case: Any) -> Any:
    """Points go to the nearest centre, the first of several; mean distances and slopes are those of the definition."""
    return agreement(_nearest, UNITS)(impl, **case)


def _normalized(impl: Any, case: Any) -> list[Any]:
    of, x, e, groups = impl.normalization, case["x"], case["epsilon"], case["groups"]
    m, n = x.shape
    flat, positive = x.ravel(), np.abs(x[0]) + 0.25
    found = [of.layer_norm(flat, epsilon=e), of.layer_norm_jacobian(flat, epsilon=e), of.layer_norm_jacobian_norm(x[0], epsilon=e), of.layer_norm_lipschitz(n, epsilon=e)]
    found += [of.rms_norm(flat, epsilon=e), of.rms_norm_jacobian(flat, epsilon=e), of.rms_norm_lipschitz(epsilon=e)]
    found += [of.instance_norm(x, epsilon=e), of.instance_norm_jacobian(x, epsilon=e), of.instance_norm_lipschitz(n, epsilon=e)]
    found += [of.group_norm(flat, groups, epsilon=e), of.group_norm_jacobian(flat, groups, epsilon=e), of.group_norm_lipschitz(groups, epsilon=e)]
    found += [of.group_norm(flat, m, epsilon=e), of.group_norm_jacobian(flat, m, epsilon=e)]
    found += [of.batch_norm_training(x, epsilon=e), of.batch_norm_training_jacobian(x, epsilon=e), of.batch_norm_training_lipschitz(m, epsilon=e)]
    found += [of.batch_norm(x, x[-1], positive, epsilon=e), of.batch_norm_jacobian(positive, epsilon=e), of.batch_norm_lipschitz(positive, epsilon=e)]
    return [*found, *of.batch_norm_statistics(x)]


def _tables() -> Any:
    def made(parts: Any) -> Any:
        x = _array(parts["seed"], *parts["shape"]) + _array(parts["seed"] + 1, *parts["shape"]) / 8
        cut = 1 if parts["seed"] % 2 else x.size // 3 + 1
        order = np.random.default_rng(parts["seed"]).permutation(x.size).tolist()
        return {"x": x, "epsilon": parts["epsilon"], "groups": [order[:cut], order[cut:]]}

    shapes = st.sampled_from([(2, 3), (3, 2), (2, 4), (1, 3), (4, 1), (2, 2)])
    return st.fixed_dictionaries({"seed": SEEDS, "shape": shapes, "epsilon": EPSILONS}).map(made).filter(lambda case: np.ptp(case["x"]) > 1)


@claim(
    "lipref.normalizer-values",
    at="refimpl.normalization",
    tex=r"\frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}}, \quad \mu, \sigma^2 \text{ over features, groups, channels or samples}",
    given=_tables(),
    verdict=Verdict.SURVIVED,
    note="Rows and columns of different numbers, groups in any order, one and two entries.",
    strata={"wider than high": lambda x, **_: x.shape[1] > x.shape[0] > 1, "higher than wide": lambda x, **_: x.shape[0] > x.shape[1] > 1, "one row or column": lambda x, **_: 1 in x.shape},
    mutants={"a-millionth": scaled(_normalized, UNITS), "epsilon-outside": slip(_normalized, UNITS, lambda case: {"epsilon": case["epsilon"] ** 2 + 2 * case["epsilon"]}),
             "rows-for-columns": slip(_normalized, UNITS, lambda case: {"x": case["x"].T + 0.5 * np.arange(case["x"].size).reshape(case["x"].T.shape)})},
    promise=True,
)
def normalizer_values(impl: Any, **case: Any) -> Any:
    """Normalizers, their derivatives and their constants are those of the definition, along the axis that each is about."""
    return agreement(_normalized, UNITS)(impl, **case)


def _pooled(impl: Any, case: Any) -> list[Any]:
    return [impl.network.pooling_lipschitz(kind, case["n"], case["k"], case["stride"]) for kind in ("max", "average")]


@claim(
    "lipref.pooling-values",
    at="refimpl.network.pooling_lipschitz",
    tex=r"\sqrt{\max_x |\{ w : x \in w \}|}, \qquad \sigma_1(\text{means})",
    given={"n": st.tuples(st.integers(3, 6), st.integers(3, 6)), "k": st.tuples(st.integers(1, 3), st.integers(1, 3)), "stride": st.tuples(st.integers(1, 3), st.integers(1, 3))},
    where=lambda n, k, stride: k != (1, 1),
    verdict=Verdict.SURVIVED,
    note="Windows, images and strides that are not square; where few windows fit, fewer than k / s share a pixel.",
    strata={"wider windows": lambda n, k, stride: k[1] > k[0], "higher windows": lambda n, k, stride: k[0] > k[1]},
    mutants={"a-millionth": scaled(_pooled, UNITS), "one-pixel-more": slip(_pooled, UNITS, lambda case: {"k": tuple(side + 1 for side in case["k"]), "n": tuple(side + 2 for side in case["n"])})},
    promise=True,
)
def pooling_values(impl: Any, **case: Any) -> Any:
    """The constants of pooling are those of its windows, in both axes."""
    return agreement(_pooled, UNITS)(impl, **case)


def _derived(impl: Any, case: Any) -> list[Any]:
    of = impl.network
    net = of.FeedForward(case["weights"], case["names"], None, case["biases"])
    return [of.input_jacobian(net, case["x"]), *(of.weight_jacobian(net, case["x"], i + 1) for i in range(len(case["weights"]))), of.product_upper_bound(net)]


def _feed_forward() -> Any:
    def made(parts: Any) -> Any:
        seed, widths = parts["seed"], parts["widths"]
        shapes = list(zip(widths[1:], widths[:-1], strict=True))
        return {"weights": [_array(seed + i, *shape) / 4 + 1 / 8 for i, shape in enumerate(shapes)], "names": [parts["name"]] * (len(shapes) - 1) + ["identity"],
                "biases": [_array(seed + 8 + i, m) / 4 + 1 / 32 for i, (m, _) in enumerate(shapes)], "x": _array(seed + 20, widths[0]) / 4 + 1 / 16}

    return st.fixed_dictionaries({"seed": SEEDS, "name": st.sampled_from(["tanh", "sigmoid", "softplus", "silu", "gelu"]),
                                  "widths": st.sampled_from([(2, 2, 2), (2, 3, 2), (3, 2, 2, 2), (2, 2, 1)])}).map(made)


@claim(
    "lipref.feed-forward-values",
    at="refimpl.network.input_jacobian, weight_jacobian and product_upper_bound of a FeedForward with biases",
    tex=r"J = D_L W_L \cdots D_1 W_1, \qquad D_l = \mathrm{diag}\, \rho'(W_l h_{l-1} + b_l)",
    given=_feed_forward(),
    verdict=Verdict.SURVIVED,
    strata={"as many outputs as inputs": lambda weights, **_: len(weights[-1]) == weights[0].shape[1], "fewer": lambda weights, **_: len(weights[-1]) < weights[0].shape[1]},
    mutants={"a-millionth": scaled(_derived, UNITS), "without-biases": slip(_derived, UNITS, lambda case: {"biases": [b * 0 + 1 for b in case["biases"]]})},
    promise=True,
)
def feed_forward_values(impl: Any, **case: Any) -> Any:
    """Derivatives of networks with biases are products of weights and of slopes at the pre-activations."""
    return agreement(_derived, UNITS)(impl, **case)


def _curved(impl: Any, case: Any) -> list[Any]:
    of, net = impl.curvature, impl.network.FeedForward(case["weights"], case["names"], None, case["biases"])
    found = [of.loss_hessian(net, case["x"], label, loss=loss) for loss, label in (("cross_entropy", 1), ("squared", [0.25, -0.5]))]
    return found + [of.hessian_norm_bound(net, case["x"], loss=loss, weights=which) for loss in ("cross_entropy", "squared") for which in ("all", "inner", "last")]


def _curved_networks() -> Any:
    def made(parts: Any) -> Any:
        seed = parts["seed"]
        return {"weights": [_array(seed, 2, 1) / 4 + 1 / 8, _array(seed + 1, 2, 2) / 4 + 1 / 8], "names": [parts["name"], "identity"],
                "biases": [_array(seed + 2, 2) / 4 + 1 / 32, _array(seed + 3, 2) / 4], "x": np.array([parts["x"]])}

    return st.fixed_dictionaries({"seed": SEEDS, "name": st.sampled_from(["tanh", "softplus"]), "x": st.sampled_from([0.75, -1.5])}).map(made)


@claim(
    "lipref.curvature-values",
    at="refimpl.curvature.loss_hessian and hessian_norm_bound",
    tex=r"\nabla^2 \ell = J^T H_a J + \sum_k (p - y)_k \nabla^2 a_k, \qquad \lVert H_a \rVert \sum_j \Bigl(s_j \lVert h_{j-1} \rVert \prod_{l > j} K_l \lVert W_l \rVert\Bigr)^2",
    given=_curved_networks(),
    verdict=Verdict.SURVIVED,
    note="Two layers with biases; away from the least loss, so that the Hessian is more than the product of Jacobians.",
    strata={"tanh": lambda names, **_: names[0] == "tanh", "softplus": lambda names, **_: names[0] == "softplus"},
    mutants={"a-millionth": scaled(_curved, UNITS), "other-biases": slip(_curved, UNITS, lambda case: {"biases": [b + 0.25 * np.arange(1, 3) for b in case["biases"]]})},
    promise=True,
)
def curvature_values(impl: Any, **case: Any) -> Any:
    """Hessians of the loss, with blocks between layers and bends of activations, and their bounds are those of the definition."""
    return agreement(_curved, UNITS)(impl, **case)


def _pieces(impl: Any, case: Any) -> list[Any]:
    net = impl.network.FeedForward(case["weights"], ["relu", "identity"], None, case["biases"])
    return [impl.network.local_lipschitz_exact(net, case["x"], radius) for radius in (case["radius"], 2 * case["radius"])]


def _kinked() -> Any:
    def made(parts: Any) -> Any:
        kink = parts["radius"] * parts["share"]
        # Slope 1 at the point, steeper behind a kink at the share of the radius on one side.
        return {"weights": [np.array([[1.0], [-1.0], [parts["side"]]]), np.array([[1.0, -1.0, parts["slope"]]])], "biases": [np.zeros(3), np.zeros(1)] if kink == 0 else [
            np.array([0.0, 0.0, -kink - parts["side"] * parts["x"]]), np.zeros(1)], "x": np.array([parts["x"]]), "radius": parts["radius"]}

    return st.fixed_dictionaries({"radius": st.sampled_from([0.5, 2.0]), "share": st.sampled_from([0.5, 1.5, 3.0]), "side": st.sampled_from([1.0, -1.0]),
                                  "slope": st.sampled_from([2.0, 4.0]), "x": st.sampled_from([0.25, -0.75])}).map(made)


@claim(
    "lipref.local-constant-values",
    at="refimpl.network.local_lipschitz_exact",
    tex=r"\max_{|x' - x| < r} |f'(x')|",
    given=_kinked(),
    verdict=Verdict.SURVIVED,
    note="A kink at half the radius, at one and a half, at three times it: inside of both balls, of the larger one, of none.",
    strata={"small balls": lambda radius, **_: radius < 1, "larger balls": lambda radius, **_: radius > 1},
    mutants={"a-millionth": scaled(_pieces, UNITS), "twice-the-weights": slip(_pieces, UNITS, lambda case: {"weights": [case["weights"][0], 2 * case["weights"][1]]})},
    promise=True,
)
def local_constant_values(impl: Any, **case: Any) -> Any:
    """The exact local constant is the largest slope within the radius, of no piece beyond."""
    return agreement(_pieces, UNITS)(impl, **case)
