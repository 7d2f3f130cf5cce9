"""Thesis 2.1.1 and 2.2: local Lipschitz constants, the product upper bound, and the attack of algorithm 1.

Exact constants are judged on networks of one input, whose kinks are rational numbers; refimpl's enumeration of activation
patterns does not know that there is only one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Verdict, claim, instead, scale_right, tighten
from proofs_check.claims._sides import largest, length
from proofs_check.strategies import dyadics, vectors

ENTRIES = dyadics(-2, 2)


def _matrix(rows: int, columns: int) -> Any:
    return st.lists(ENTRIES, min_size=rows * columns, max_size=rows * columns).map(lambda e: np.array(e).reshape(rows, columns))


def _lines(**rest: Any) -> Any:
    """ReLU networks of one input, two hidden layers of two and a linear output."""
    return st.fixed_dictionaries({
        "weights": st.tuples(_matrix(2, 1), _matrix(2, 2), _matrix(2, 2)), "biases": st.tuples(vectors(2, ENTRIES), vectors(2, ENTRIES)),
        "x": vectors(1, ENTRIES), "radius": st.sampled_from([0.5, 2.0]), **rest})


def _network(impl: Any, weights: Any, biases: Any) -> Any:
    return impl.network.FeedForward(list(weights), ["relu", "relu", "identity"], biases=[*biases, np.zeros(2)])


def _bent(weights: Any, biases: Any, **_: Any) -> bool:
    return all(bool(np.any(W)) for W in weights) and bool(np.any(weights[2] @ weights[1] @ weights[0]))


@claim(
    "thesis.eq-2.3",
    at="Definition 2.1.1 and equation 2.3, 'only an empirical lower bound'",
    tex=r"\max_i \frac{\lVert f(\mathbf{x}_i) - f(\mathbf{x}) \rVert}{\lVert \mathbf{x}_i - \mathbf{x} \rVert} \le L(f, \mathcal{B}) = \max_{\text{patterns}} \lVert J \rVert_2",
    given=_lines(start=st.sampled_from([-1.0, 1.0, 0.5])),
    verdict=Verdict.SURVIVED,
    note="Projected gradient ascent against the exact constant on the same ball, from rational kinks. Float quotients are off by at most 2^-20 here (values up to 300, distances "
    "not below 1/200).",
    strata={"bent": _bent},
    mutants={"half": instead(lambda impl, **case: _ascent(impl, 0.5, **case))},
    witnesses=[{"weights": (np.array([[1.0], [-1.0]]), np.eye(2), np.eye(2)), "biases": (np.zeros(2), np.zeros(2)), "x": np.array([1.0]), "radius": 0.5,
                "start": 1.0}],
    promise=True,
)
def ascent_is_a_lower_bound(impl: Any, weights: Any, biases: Any, x: Any, radius: float, start: float) -> Comparison:
    """Projected gradient ascent finds a lower bound on the local Lipschitz constant."""
    return _ascent(impl, 1.0, weights, biases, x, radius, start)


def _ascent(impl: Any, factor: float, weights: Any, biases: Any, x: Any, radius: float, start: float) -> Comparison:
    found = impl.network.local_lipschitz(_network(impl, weights, biases), x, radius, 8, start=x + radius * start)
    exact = impl.exact.network.local_lipschitz_exact(_network(impl.exact, weights, biases), x, radius)
    return Comparison(found, "<=", exact * factor + 2.0**-20)


@claim(
    "thesis.eq-2.3-exact",
    at="Definition 2.1.1, for piecewise linear networks",
    tex=r"L(f, \mathcal{B}) = \max_{\text{patterns}} \lVert J \rVert_2",
    given=_lines(),
    verdict=Verdict.SURVIVED,
    note="The enumeration of activation patterns by linear programs against the kinks on the line.",
    strata={"bent": _bent},
    mutants={"one-percent": instead(lambda impl, **case: _enumerated(impl, 1.01, **case)),
             "slope-at-the-centre": instead(lambda impl, weights, biases, x, radius: Comparison(
                 impl.spectral.spectral_norm(impl.network.input_jacobian(_network(impl, weights, biases), x) + np.array([[0.0], [2.0**-40]])), "==",
                 impl.network.local_lipschitz_exact(_network(impl, weights, biases), x, radius)))},
    witnesses=[{"weights": (np.array([[1.0], [-2.0]]), np.eye(2), np.eye(2)), "biases": (np.zeros(2), np.zeros(2)), "x": np.array([0.5]), "radius": 2.0}],
    promise=True,
)
def patterns_give_the_constant(impl: Any, weights: Any, biases: Any, x: Any, radius: float) -> Comparison:
    """The largest Jacobian norm over the activation patterns in a ball is the Lipschitz constant there."""
    return _enumerated(impl, 1.0, weights, biases, x, radius)


def _enumerated(impl: Any, factor: float, weights: Any, biases: Any, x: Any, radius: float) -> Comparison:
    found = impl.network.local_lipschitz_exact(_network(impl, weights, biases), x, radius) * factor
    exact = impl.exact.network.local_lipschitz_exact(_network(impl.exact, weights, biases), x, radius)
    # Norms of matrices of entries up to 64: off by less than 2^-40.
    return Comparison([exact * 0 + found, exact], "<=", [exact + 2.0**-40, exact * 0 + found + 2.0**-40])


@claim(
    "thesis.def-2.1.1.pairs",
    at="Definition 2.1.1",
    tex=r"\lVert f(\mathbf{x}) - f(\mathbf{x}') \rVert \le L(f, \mathcal{B}) \lVert \mathbf{x} - \mathbf{x}' \rVert",
    given=_lines(a=st.sampled_from([-1.0, -0.5, 0.25]), b=st.sampled_from([0.0, 0.5, 1.0])),
    verdict=Verdict.SURVIVED,
    strata={"bent": lambda a, b, **case: _bent(**case)},
    mutants={"half": scale_right(0.5)},
    witnesses=[{"weights": (np.array([[1.0], [-1.0]]), np.eye(2), np.eye(2)), "biases": (np.zeros(2), np.zeros(2)), "x": np.array([2.0]), "radius": 0.5,
                "a": -1.0, "b": 1.0}],
)
def every_pair(impl: Any, weights: Any, biases: Any, x: Any, radius: float, a: float, b: float) -> Comparison:
    """No pair of points of the ball has a quotient above the exact local constant."""
    net = _network(impl, weights, biases)
    first, second = x + radius * a, x + radius * b
    return Comparison(length(net(first) - net(second)), "<=", impl.network.local_lipschitz_exact(net, x, radius) * length(first - second), scale=300.0)


@claim(
    "thesis.eq-2.4",
    at="Definition 2.1.2, equation 2.4",
    tex=r"L(f) \le \mathrm{PUB}(f) = \prod_l L(f^{(l)})",
    given=_lines(),
    verdict=Verdict.SURVIVED,
    note="With the exact global constant on the left. Equality for nonnegative rank-one layers that align. 'Holds strictly only under perfect alignment' in the text means with "
    "equality.",
    strata={"bent": _bent},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"weights": (np.array([[1.0], [1.0]]), np.ones((2, 2)), np.ones((2, 2))), "biases": (np.zeros(2), np.zeros(2)), "x": np.array([1.0]), "radius": 0.5}],
)
def product_bound(impl: Any, weights: Any, biases: Any, x: Any, radius: float) -> Comparison:
    """The exact Lipschitz constant, local or global, is at most the product of the layers' constants."""
    net = _network(impl, weights, biases)
    pub = impl.network.product_upper_bound(net)
    return Comparison([impl.network.local_lipschitz_exact(net, x, radius), impl.network.local_lipschitz_exact(net, x)], "<=", [pub, pub])


def _attacks(**rest: Any) -> Any:
    return st.fixed_dictionaries({
        "weights": st.tuples(_matrix(2, 2), _matrix(2, 2)), "x": vectors(2, ENTRIES), "start": vectors(2, ENTRIES).filter(np.any), "label": st.integers(0, 1),
        "radius": st.sampled_from([0.25, 1.0]), "step": st.sampled_from([0.125, 1.0]), "n_iter": st.integers(0, 3), **rest})


def _smooth(impl: Any, weights: Any) -> Any:
    return impl.network.FeedForward(list(weights), ["tanh", "identity"])


def _attacked(impl: Any, weights: Any, x: Any, start: Any, label: int, radius: float, step: float, n_iter: int) -> Any:
    return impl.network.pgd_attack(_smooth(impl, weights), x, label, radius, n_iter, step=step, start=start)


@claim(
    "thesis.alg-1",
    at="Algorithm 1, line 7",
    tex=r"\lVert \mathbf{x}_{\mathrm{adv}} - \mathbf{x} \rVert_2 \le \epsilon",
    given=_attacks(),
    verdict=Verdict.SURVIVED,
    note="As printed. Line 5 divides by the norm of the gradient without excluding 0; the code stops there. The start has length epsilon; equality is the rule.",
    strata={"some steps": lambda weights, n_iter, **_: n_iter >= 2 and all(np.linalg.matrix_rank(W) == 2 for W in weights)},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"weights": (np.eye(2), np.eye(2)), "x": np.zeros(2), "start": np.array([1.0, 0.0]), "label": 0, "radius": 0.25, "step": 1.0, "n_iter": 3}],
    # At a stationary point the direction is rounding alone.
    rounding=lambda **_: float("inf"),
)
def stays_in_the_budget(impl: Any, **case: Any) -> Comparison:
    """The attack never leaves the ball of its budget."""
    return Comparison(length(_attacked(impl, **case) - case["x"]), "<=", case["radius"])


@claim(
    "thesis.alg-1-certified",
    at="Algorithm 1 with Proposition 2.2.4",
    tex=r"\arg\max f(\mathbf{x}_{\mathrm{adv}}) \ne y \implies M(f(\mathbf{x}), y) \le \sqrt2\, \mathrm{PUB}(f)\, \epsilon",
    given=_attacks(),
    verdict=Verdict.SURVIVED,
    note="An attack that succeeds within the certified radius would refute the certificate (or the code). Written as: the margin lost between x and its attack is at most sqrt(2) L epsilon. "
    "That sqrt(2) is sharp: outputs (x, -x) of the identity.",
    strata={"some steps": lambda weights, n_iter, **_: n_iter >= 2 and all(np.linalg.matrix_rank(W) == 2 for W in weights)},
    mutants={"twentieth": scale_right(0.05)},
    witnesses=[{"weights": (np.eye(2), np.eye(2)), "x": np.array([0.25, 0.0]), "start": np.array([-1.0, 1.0]), "label": 0, "radius": 0.25, "step": 1.0, "n_iter": 3}],
    rounding=lambda **_: float("inf"),
)
def attacks_respect_the_certificate(impl: Any, **case: Any) -> Comparison:
    """No attack takes more from the margin than the Lipschitz constant allows."""
    net, y = _smooth(impl, case["weights"]), case["label"]
    before, after = net(case["x"]), net(_attacked(impl, **case))
    lost = (before[y] - before[1 - y]) - (after[y] - after[1 - y])
    one = impl.network.product_upper_bound(net)
    return Comparison(largest([lost, one * 0]), "<=", np.sqrt(one * 0 + 2) * one * case["radius"])
