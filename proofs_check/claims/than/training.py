"""Corollary 14 to corollary 19: the loss, its gradients, and what they say about iterations."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Case, Comparison, Verdict, claim, instead, scale_right, tighten
from proofs_check.claims._sides import length, product
from proofs_check.claims.than._members import all_members, cut, in_weights, member, members
from proofs_check.claims.than._networks import network_of
from proofs_check.claims.than.smoothness import NORMALIZED_TAILS, equation_7, tail
from proofs_check.strategies import dyadics, vectors

# The l1 loss |y - h|_1 with label y = 0, so that every residual has the sign of h.

def _loss_gradient(impl: Any, network: Any, x: Any, i: int) -> Any:
    """The Euclidean norm of the gradient of |h|_1 in W_i; h >= 0 after ReLU."""
    return length(np.asarray(impl.network.weight_jacobian(network, x, i)).sum(axis=0))


@claim(
    "than.cor-14",
    at="before Corollary 14, 'Observe that ||f, W_i||_Lip = ||h, W_i||_Lip'",
    tex=r"f = \lVert \hat y - h \rVert_1 \implies \lVert f, W_i \rVert_{Lip} = \lVert h, W_i \rVert_{Lip}",
    given=members(),
    verdict=Verdict.REFUTED,
    note="The l1 loss is sqrt(n_K)-Lipschitz in the l2 norm. Widths 1, 2, 2, x = 1, label 0, both rows active: the gradient of "
    "|h|_1 = |w_1| + |w_2| is (1, 1), of length sqrt(2); h itself has constant 1.",
    counterexample={"sizes": [1, 2, 2], "factors": np.array([1.0, 1.0]), "x": np.array([1.0]), "i": 1},
    control={"sizes": [2, 1, 1], "factors": np.array([1.0, 1.0]), "x": np.array([1.0, 1.0]), "i": 1},
    amended_by="than.cor-14-eq-11.amended",
    exhaustive=all_members,
)
def loss_equals_network(impl: Any, sizes: Any, factors: Any, x: Any, i: int) -> Comparison:
    """The l1 loss and the network have the same Lipschitz constant in the weights."""
    network, before, scale = member(impl, sizes, factors, x, i, "all")
    return Comparison(_loss_gradient(impl, network, x, i), "==", scale * length(before))


@claim(
    "than.cor-14-eq-10",
    at="Corollary 14, equation 10",
    tex=r"\lVert f(h_{no}, x), W_i \rVert_{Lip} \le \sqrt{n_K}\,\lVert h_{i-1}(x) \rVert\, b_{i+1} "
    r"\prod_{k=i}^K \lVert \mathrm{NO}_k \rVert_{Lip}",
    given=NORMALIZED_TAILS,
    verdict=Verdict.SURVIVED,
    note="The printed O(b_{i+1}) with its constant spelt out: sqrt(n_K) from the l1 norm and the length of the layer's input. "
    "Checked as the l1 gradient in y_i, which the length of h_{i-1} multiplies.",
    strata={"two outputs": lambda weights, norms, y, i: len(weights[-1]) >= 2 and i < len(weights)},
    mutants={"one-percent-tighter": tighten(0.01), "root-of-n-forgotten": instead(
        lambda impl, weights, norms, y, i: _loss_bound(impl, weights, norms, y, i, 1.0))},
    witnesses=[{"weights": [np.eye(2), np.array([[1.0, 0.0], [1.0, 0.0]])], "norms": [{"kind": "rms", "epsilon": 0.25}] * 2,
                "y": np.zeros(2), "i": 1}],
    adversarial=["weights", "y"],
    rounding=lambda weights, norms, y, i: 2.0**20,
)
def loss_bound(impl: Any, weights: Any, norms: Any, y: Any, i: int) -> Comparison:
    """The l1 loss of a normalized network: sqrt(outputs) times the bound of equations 6 and 7."""
    return _loss_bound(impl, weights, norms, y, i, None)


def _loss_bound(impl: Any, weights: Any, norms: Any, y: Any, i: int, root: Any) -> Comparison:
    bound = equation_7(impl, weights, norms, y, i)
    jacobian = impl.network.input_jacobian(tail(impl, weights, i, norms, "identity"), y)
    root = np.sqrt(bound.rhs * 0 + np.shape(weights[-1])[0]) if root is None else root
    return Comparison(length(np.asarray(jacobian).sum(axis=0)), "<=", root * bound.rhs, bound.rhs)


@claim(
    "than.cor-14-eq-11",
    at="Corollary 14, equation 11",
    tex=r"\lVert f(h^*, x), W_i \rVert_{Lip} = a_{i+1} \cdots a_K \lVert (h_{i-1}(x))^{(n_{i+1}, \dots, n_K)} \rVert",
    given=members(),
    verdict=Verdict.REFUTED,
    note="Inherits the truncation of equation 8 and the missing root of than.cor-14. Widths 1, 2, 2, x = 1: sqrt(2), not 1.",
    counterexample={"sizes": [1, 2, 2], "factors": np.array([1.0, 1.0]), "x": np.array([1.0]), "i": 1},
    control={"sizes": [1, 1, 1], "factors": np.array([1.0, 1.0]), "x": np.array([1.0]), "i": 1},
    amended_by="than.cor-14-eq-11.amended",
    exhaustive=all_members,
)
def loss_truncated(impl: Any, sizes: Any, factors: Any, x: Any, i: int) -> Comparison:
    """The constant of the l1 loss in the weights is the product of later scales times the truncated input's length."""
    network, before, scale = member(impl, sizes, factors, x, i, "all")
    return Comparison(_loss_gradient(impl, network, x, i), "==", scale * cut(impl, before, sizes, i))


@claim(
    "than.cor-14-eq-11.amended",
    at="Corollary 14, equation 11, amended",
    tex=r"\lVert f(h^*, x), W_i \rVert_{Lip} = \sqrt m\; a_{i+1} \cdots a_K \lVert h_{i-1}(x) \rVert,\quad "
    r"m = \min\{n_i, \dots, n_K\}",
    given=members(),
    verdict=Verdict.PROVED,
    note="m outputs depend on W_i, each on its own row. Proved by enumeration of all widths 1 to 3 up to depth 3.",
    strata={"two rows reach the output": lambda sizes, factors, x, i: min(sizes[i:]) >= 2 and bool(np.any(x))},
    mutants={"one-percent": scale_right(1.01), "without-root": instead(lambda impl, sizes, factors, x, i: _rows(
        impl, sizes, factors, x, i, 1.0))},
    exhaustive=all_members,
)
def loss_amended(impl: Any, sizes: Any, factors: Any, x: Any, i: int) -> Comparison:
    """The constant of the l1 loss in the weights counts the rows that reach the output, under a root."""
    return _rows(impl, sizes, factors, x, i, float(min(sizes[i:])))


def _rows(impl: Any, sizes: Any, factors: Any, x: Any, i: int, m: float) -> Comparison:
    network, before, scale = member(impl, sizes, factors, x, i, "all")
    return Comparison(_loss_gradient(impl, network, x, i), "==", np.sqrt(scale * 0 + m) * scale * length(before))


# Theorem 15: the gradient of a training loss in the rows of W_i.

@st.composite
def _trained(draw: st.DrawFn) -> Case:
    depth = draw(st.integers(2, 3))
    sizes = draw(st.lists(st.integers(1, 3), min_size=depth + 1, max_size=depth + 1))
    i = draw(st.integers(1, depth - 1))
    inner = sizes[i - 1] * sizes[i]
    return {
        "sizes": sizes, "i": i,
        "factors": np.array(draw(st.lists(st.sampled_from([1.0, 2.0, 0.5]), min_size=depth, max_size=depth))),
        "W": draw(vectors(inner, dyadics(-2, 2))).reshape(sizes[i], sizes[i - 1]),
        "data": draw(vectors(2 * sizes[0], dyadics(0, 2))).reshape(2, sizes[0]),
        "c": draw(st.sampled_from([1.0, 0.5])), "label": draw(st.sampled_from([0.0, 1.0])),
        "g": draw(st.sampled_from(["identity", "tanh"])),
    }


def _smooth(sizes: Any, i: int, W: Any, data: Any, **_: Any) -> bool:
    """No pre-activation of layer i at zero, where the loss is not differentiable."""
    for x in data:
        before = np.asarray(x)
        for size in sizes[1:i]:
            before = np.resize(np.concatenate([before, np.zeros(size)]), size)
        if np.any(W @ before == 0):
            return False
    return True


def _loss_rows(impl: Any, sizes: Any, i: int, factors: Any, W: Any, data: Any, c: Any, label: Any, g: str,
               indicator: bool = True, cut: bool = True) -> Comparison:
    kept = [impl.network.identity_like(m, n) for m, n in zip(sizes[1:], sizes[:-1], strict=True)]
    weights = [*kept[: i - 1], W, *(a * eye for a, eye in zip(factors[i:], kept[i:], strict=True))]
    head = np.ones((1, sizes[-1])) * c
    network = impl.network.FeedForward([*weights, head], ["relu"] * len(weights) + [g])
    scale, smallest = c * product(factors[i:]), min(sizes[i + 1 :])
    gradient, claimed = W * 0, W * 0
    for x in data:
        h = network(x)[0]
        before = network.layers(x)[i - 1]
        slope = 1 - h * h if g == "tanh" else h * 0 + 1
        gradient = gradient + 2 * (h - label) * np.asarray(impl.network.weight_jacobian(network, x, i))[0] / len(data)
        for t in range(sizes[i]):
            if (t < smallest or not cut) and (not indicator or (W[t] @ before) >= 0):
                claimed[t] = claimed[t] + scale / len(data) * 2 * (h - label) * slope * before
    return Comparison(gradient, "==", claimed, 16.0)


@claim(
    "than.thm-15",
    at="Theorem 15, equation 12",
    tex=r"\frac{\partial L}{\partial W_{it}} = \frac{c\,a_K \cdots a_{i+1}}{m} \sum_x I_{it} "
    r"\frac{\partial (f \circ g)}{\partial u}\, h_{i-1}(x)^T\ (t \le \min\{n_{i+1}, \dots, n_K\}),\quad 0 \text{ otherwise}",
    given=_trained(),
    where=lambda **case: _smooth(**case),
    verdict=Verdict.SURVIVED,
    note="Squared loss, g the identity or tanh, rows beyond the smallest width included. Where W_it h_{i-1} = 0 and h_{i-1} is not "
    "0 the loss has a kink and no gradient; the printed indicator takes the right derivative there.",
    strata={"rows beyond the smallest width": lambda **case: case["sizes"][case["i"]] > min(case["sizes"][case["i"] + 1 :]),
            "all rows count": lambda **case: case["sizes"][case["i"]] <= min(case["sizes"][case["i"] + 1 :])},
    mutants={"one-percent": scale_right(1.01),
             "no-indicator": instead(lambda impl, **case: _loss_rows(impl, **case, indicator=False))},
    witnesses=[
        {"sizes": [1, 2, 1], "i": 1, "factors": np.array([1.0, 2.0]), "W": np.array([[1.0], [-1.0]]), "c": 1.0, "label": 0.0,
         "data": np.array([[1.0], [2.0]]), "g": "tanh"},
        {"sizes": [1, 2, 1], "i": 1, "factors": np.array([1.0, 2.0]), "W": np.array([[-1.0], [1.0]]), "c": 1.0, "label": 1.0,
         "data": np.array([[1.0], [2.0]]), "g": "tanh"},
        {"sizes": [1, 2, 2], "i": 1, "factors": np.array([1.0, 2.0]), "W": np.array([[1.0], [-1.0]]), "c": 1.0, "label": 0.0,
         "data": np.array([[1.0], [2.0]]), "g": "identity"},
    ],
    rounding=lambda **case: 2.0**16,
)
def training_gradient(impl: Any, **case: Any) -> Comparison:
    """The gradient of the training loss in the rows of W_i is as printed: zero beyond the smallest later width."""
    return _loss_rows(impl, **case)


# Corollaries 18 and 19.

_SCALES = st.fixed_dictionaries({
    "w": st.sampled_from([1.0, -1.0, 0.5]), "s": st.sampled_from([1.0, 1024.0]), "alpha": st.sampled_from([0.125, 0.5]),
})


@claim(
    "than.cor-18",
    at="Corollary 18",
    tex=r"\text{any gradient method needs } \Omega(s_{i+1} \cdots s_K/\alpha) \text{ iterations to reach } "
    r"\lVert \partial L/\partial W_i \rVert \le \alpha",
    given=_SCALES,
    verdict=Verdict.REFUTED,
    note="The cited lower bounds hold for the worst function of a Lipschitz class, not for every function in it. The network "
    "s_2 ReLU(w x) at x = 1, w = -1 is dead: its gradient in w is 0, so 0 iterations are needed whatever s_2 is. Tested as: "
    "more than 0 iterations are needed, that is, the gradient at the start is above alpha.",
    counterexample={"w": -1.0, "s": 1024.0, "alpha": 0.125},
    control={"w": 1.0, "s": 1024.0, "alpha": 0.125},
    amended_by="than.cor-18.worst-member",
)
def every_network_is_slow(impl: Any, w: Any, s: Any, alpha: Any) -> Comparison:
    """No unnormalized network starts at a stationary point of its loss."""
    network = network_of(impl, [np.array([[w]]), np.array([[s]])])
    return Comparison(alpha, "<=", length(impl.network.weight_jacobian(network, np.array([1.0]), 1)))


@claim(
    "than.cor-18.worst-member",
    at="Corollary 18, amended: the exponent",
    tex=r"\max_h \lVert h, W_i \rVert_{Lip} = s_{i+1} \cdots s_K \lVert h_{i-1} \rVert \ \Rightarrow\ s_j \to 2 s_j "
    r"\text{ multiplies it by } 2^{K-i}",
    given=members(),
    verdict=Verdict.PROVED,
    note="What the corollary can mean: the Lipschitz constant that enters the cited bounds, for the worst member, is of the "
    "printed order. The bound for that loss itself is not established.",
    strata={"depth 3": lambda sizes, factors, x, i: len(sizes) == 4 and i == 1 and bool(np.all(x))},
    mutants={"exponent-K": instead(lambda impl, sizes, factors, x, i: _doubled(impl, sizes, factors, x, i, len(factors))),
             "exponent-K-i-1": instead(lambda impl, sizes, factors, x, i: _doubled(impl, sizes, factors, x, i, len(factors) - i - 1))},
    exhaustive=all_members,
)
def worst_member(impl: Any, sizes: Any, factors: Any, x: Any, i: int) -> Comparison:
    """Doubling every later norm bound multiplies the worst constant in W_i by 2^(K - i); it is alpha times the order and the input's length."""
    doubled, order = _doubled(impl, sizes, factors, x, i, len(factors) - i), in_weights(impl, sizes, factors, x, i)
    alpha = 0.25
    counted = impl.generalization.iteration_complexity(factors, alpha, i) * alpha
    length_of_input = order.rhs / product(factors[i:])
    return Comparison([doubled.lhs, order.lhs], "==", [doubled.rhs, counted * length_of_input])


def _doubled(impl: Any, sizes: Any, factors: Any, x: Any, i: int, exponent: int) -> Comparison:
    once = in_weights(impl, sizes, factors, x, i).lhs
    twice = in_weights(impl, sizes, factors * 2, x, i).lhs
    return Comparison(twice, "==", once * 2.0**exponent)


_DEVIATIONS = st.fixed_dictionaries({
    "deviations": st.lists(st.sampled_from([2.0, 4.0, 0.5, 1.0]), min_size=1, max_size=4).map(np.array), "i": st.integers(1, 4),
})


def _exponent(impl: Any, deviations: Any, i: int, further: int = 0) -> Comparison:
    """The orders' quotient against the product of the layers' constants 1/sigma_k, k = i..K (one feature, epsilon 0)."""
    constants = [impl.normalization.batch_norm_lipschitz(np.array([d * d]), epsilon=d * 0) for d in deviations]
    sigma, scales = min(deviations, key=float), np.full(len(deviations) + further, 2.0)
    order = impl.generalization.iteration_complexity
    with_normalizers, without = order(scales, 0.5, i, power=2, deviation=sigma), order(scales, 0.5, i, power=2)
    return Comparison(product(constants[i - 1 :]), "<=", with_normalizers / without)


@claim(
    "than.cor-19",
    at="Corollary 19, the exponent",
    tex=r"\prod_{k=i}^K \lVert \mathrm{NO}_k \rVert_{Lip} \le \sigma^{-K+i-1}",
    given=_DEVIATIONS,
    where=lambda deviations, i: i < len(deviations),
    verdict=Verdict.SURVIVED,
    note="The exponent counts the normalizers from layer i to K. With sigma < 1 it is an increase. The rates O(L/alpha^2) that "
    "it is put into are cited, not proved, by the source; for cor-10's reading of BN.",
    strata={"two layers or more, sigma > 1": lambda deviations, i: len(deviations) - i >= 2 and min(deviations) > 1,
            "sigma < 1": lambda deviations, i: len(deviations) - i >= 2 and max(deviations) < 1},
    mutants={"one-percent-tighter": tighten(0.01), "exponent-off-by-one": instead(lambda impl, deviations, i: _exponent(
        impl, deviations, i, 1 if min(deviations) > 1 else -1))},
    witnesses=[{"deviations": np.array([2.0, 2.0, 2.0]), "i": 1}, {"deviations": np.array([0.5, 0.5, 0.5]), "i": 1}],
    exhaustive=lambda: ({"deviations": np.array(d), "i": i} for d in itertools.product((0.5, 2.0, 4.0), repeat=3) for i in (1, 2)),
)
def reduction_exponent(impl: Any, deviations: Any, i: int) -> Comparison:
    """Batch normalization from layer i on contributes at most sigma to the power -(K - i + 1)."""
    return _exponent(impl, deviations, i)
