"""Norms by depth: what the layers' norms multiply to, against the norm of what they make together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from proofs_check.claim import Case, Claim
from proofs_check.implementation import Implementation
from proofs_check.report.site.pictures.figure import Figure
from proofs_check.report.site.svg import Plot, short

LAST = 6
NORMALIZERS = {"explosion.layer": "layer", "explosion.group": "group", "explosion.rms": "rms"}
NAMED = {"batch": "batch normalization", "layer": "layer normalization", "group": "group normalization",
         "rms": "root-mean-square normalization"}
Curve = list[tuple[float, float]]


def chain(case: Case) -> Figure | None:
    """Products of norms, and norms of products, layer by layer."""
    weights = case.get("weights")
    if not isinstance(weights, (list, tuple)) or len(weights) < 2 or not all(np.ndim(W) == 2 for W in weights):
        return None
    bound, product = 1.0, None
    bounds: Curve = []
    exact: Curve = []
    for number, W in enumerate(weights, 1):
        matrix = np.asarray(W, dtype=float)
        if product is not None and product.shape[0] != matrix.shape[1]:
            return None
        bound *= float(np.linalg.norm(matrix, 2))
        product = matrix if product is None else matrix @ product
        bounds.append((float(number), bound))
        exact.append((float(number), float(np.linalg.norm(product, 2))))
    says = "The weights alone, by depth: the product of their norms, and the norm of their product."
    return _by_depth("Norm by depth", says, exact, bounds, "norm of the product", "product of norms")


def explosion(claim: Claim, impl: Implementation, case: Case) -> Figure | None:
    """The Jacobian that the claim is about, at every depth up to the instance's."""
    depth, rate = case.get("depth"), case.get("rate")
    if claim.source.name != "explosion" or depth is None or rate is None:
        return None
    last = max(LAST, int(depth))
    if claim.id in ("explosion.frozen", "explosion.both"):
        return _frozen_and_not(impl, last, rate, case.get("a", 1.0), case.get("b", 1.0))
    tau = case.get("tau")
    epsilon = 0.0 if tau is None else (1 - tau**2) / rate**2
    if claim.id.startswith("explosion.parameter"):
        return _in_weights(claim, impl, last, rate, epsilon, case.get("layer", 0))
    kind = case.get("kind", NORMALIZERS.get(claim.id, "batch"))
    exact = _each(last, lambda layers: _in_input(impl, layers, rate, epsilon, kind))
    products = _each(last, lambda layers: _product(impl.explosion.exploding_network(
        layers, rate, epsilon=epsilon, normalizer=kind).weights))
    where = f"ε = {short(epsilon)}" if epsilon else "no ε"
    says = (f"{NAMED[kind].capitalize()}, rate {short(float(rate))}, {where}. With every layer the Jacobian at this "
            "batch grows by the rate, while the norms of the weights multiply to no more than 1.")
    names = "norm of the Jacobian", "product of the weights' norms"
    return _by_depth("Jacobian norm by depth", says, exact, products, *names)


def _each(last: int, value: Callable[[int], float]) -> Curve:
    return [(float(layers), value(layers)) for layers in range(1, last + 1)]


def _product(weights: Sequence[Any]) -> float:
    return float(np.prod([np.linalg.norm(W, 2) for W in weights]))


def _in_input(impl: Implementation, layers: int, rate: float, epsilon: float, kind: str) -> float:
    network = impl.explosion.exploding_network(layers, rate, epsilon=epsilon, normalizer=kind)
    J = impl.explosion.linear_network_jacobian(network.weights, network.batch, epsilon=epsilon, normalizer=kind)
    return float(np.linalg.norm(np.asarray(J).reshape(-1, np.asarray(network.batch).size), 2))


def _in_weights(
    claim: Claim, impl: Implementation, last: int, rate: float, epsilon: float, layer: int
) -> Figure | None:
    if claim.id == "explosion.parameter-rank":
        # The Jacobian is 0 at every depth.
        return None

    def norm(layers: int) -> float:
        network = impl.explosion.exploding_weights(layers, rate, epsilon=epsilon)
        J = impl.explosion.linear_network_weight_jacobian(network.weights, network.batch, layer, epsilon=epsilon)
        return float(np.linalg.norm(np.asarray(J).reshape(-1, network.weights[layer].size), 2))

    products = _each(
        last, lambda layers: _product(impl.explosion.exploding_weights(layers, rate, epsilon=epsilon).weights))
    says = (f"Batch normalization, rate {short(float(rate))}. The Jacobian in the first weight grows with every layer, "
            "while the norms of the weights multiply to no more than 1.")
    return _by_depth("Jacobian norm by depth", says, _each(last, norm), products, "norm of the Jacobian in the weights",
                     "product of the weights' norms")


def _frozen_and_not(impl: Implementation, last: int, rate: float, a: float, b: float) -> Figure:
    """The same weights: statistics of (a t + b d, a t - b d) frozen, and batch statistics at the worst batch."""
    t, d = np.array([1.0, 1.0, -1.0, -1.0]), np.array([1.0, -1.0, 1.0, -1.0])
    batch = np.stack([a * t + b * d, a * t - b * d], axis=1)

    def frozen(layers: int) -> float:
        weights = impl.explosion.exploding_network(layers, rate).weights
        network = impl.explosion.frozen_network(weights, batch, epsilon=0.0)
        return float(np.linalg.norm(np.asarray(impl.network.input_jacobian(network, np.array([1.0, 0.0]))), 2))

    says = (f"The same weights, of norm 1, rate {short(float(rate))}. With the statistics of this batch frozen the "
            f"network's constant tends to 1/b = {short(1 / b)}; with batch statistics, at a batch of two equal "
            "features, the Jacobian grows by the rate.")
    return _by_depth("Frozen and batch statistics, by depth", says, _each(last, frozen),
                     _each(last, lambda layers: _in_input(impl, layers, rate, 0.0, "batch")),
                     "Jacobian with frozen statistics", "Jacobian with batch statistics")


def _by_depth(title: str, says: str, exact: Curve, bounds: Curve, first: str, second: str) -> Figure:
    values = [y for _, y in exact + bounds]
    log = min(values) > 0 and max(values) > 50 * min(values)
    plot = Plot.around([bounds, exact], "layers", "norm" + (", logarithmic" if log else ""), log_y=log, zero=not log)
    plot.line(bounds, "b", dots=True)
    plot.line(exact, "a", dots=True)
    marks = [x for x, _ in exact] if len(exact) <= 12 else None
    return Figure(title, plot.svg(says, marks), says, (("a", first), ("b", second)))
