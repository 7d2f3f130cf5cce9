"""Corollary 14 to corollary 19: the loss, its gradients, and what they say about iterations."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Case, Comparison, Kind, Verdict, claim, instead, scale_right, tighten
from proofs_check.claims._sides import length, product
from proofs_check.claims.than._members import all_members, cut, in_weights, member, members
from proofs_check.claims.than._networks import network_of, operator_norm
from proofs_check.claims.than.smoothness import NORMALIZED_TAILS, equation_7, tail
from proofs_check.strategies import dyadics, networks, vectors

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
    kind=Kind.FALSE,
    reading="Both metrics l2 (section 2.2), h(x) a vector: 'a number (instead of a vector)' comes with theorem 15 only. For one output the equality holds.",
    note="The l1 loss is sqrt(n_K)-Lipschitz in the l2 norm. Widths 1, 2, 2, x = 1, label 0, both rows active: the gradient of "
    "|h|_1 = |w_1| + |w_2| is (1, 1), of length sqrt(2); h itself has constant 1. Equation 10 takes the root into its O.",
    counterexample={"sizes": [1, 2, 2], "factors": np.array([1.0, 1.0]), "x": np.array([1.0]), "i": 1},
    control={"sizes": [2, 1, 1], "factors": np.array([1.0, 1.0]), "x": np.array([1.0, 1.0]), "i": 1},
    amended_by="than.cor-14.root",
    exhaustive=all_members,
)
def loss_equals_network(impl: Any, sizes: Any, factors: Any, x: Any, i: int) -> Comparison:
    """The l1 loss and the network have the same Lipschitz constant in the weights."""
    network, before, scale = member(impl, sizes, factors, x, i, "all")
    return Comparison(_loss_gradient(impl, network, x, i), "==", scale * length(before))


@st.composite
def _labelled(draw: st.DrawFn) -> Case:
    case = draw(networks(max_depth=3))
    signs = st.lists(st.sampled_from([1.0, -1.0]), min_size=3, max_size=3)
    return {"weights": case["weights"], "x": case["x"], "i": draw(st.integers(1, len(case["weights"]))), "signs": np.array(draw(signs))}


def _rooted(impl: Any, weights: Any, x: Any, i: int, signs: Any, outputs: Any = None) -> Comparison:
    jacobian = np.asarray(impl.network.weight_jacobian(network_of(impl, weights), x, i))
    gradient = sum(sign * row for sign, row in zip(signs, jacobian, strict=False))
    constant = operator_norm(impl, jacobian)
    n = len(jacobian) if outputs is None else outputs(weights)
    return Comparison(length(gradient), "<=", np.sqrt(constant * 0 + n) * constant, constant)


@claim(
    "than.cor-14.root",
    at="before Corollary 14, amended",
    tex=r"\lVert f, W_i \rVert_{Lip} \le \sqrt{n_K}\, \lVert h, W_i \rVert_{Lip}, \text{ with equality for } n_K = 1",
    given=_labelled(),
    verdict=Verdict.SURVIVED,
    note="At every differentiable point, for every label: the gradient of the loss is the Jacobian's rows with the signs of h - y.",
    strata={"two outputs": lambda weights, **_: len(weights[-1]) == 2, "three outputs": lambda weights, **_: len(weights[-1]) == 3,
            "a label above": lambda weights, signs, **_: len(weights[-1]) >= 2 and len(set(signs[: len(weights[-1])])) == 2},
    mutants={"one-percent-tighter": tighten(0.01),
             "root-forgotten": instead(lambda impl, **case: _rooted(impl, **case, outputs=lambda weights: 1)),
             "root-of-n-0": instead(lambda impl, **case: _rooted(impl, **case, outputs=lambda weights: np.shape(weights[0])[1]))},
    witnesses=[{"weights": [np.ones((n, 1))], "x": np.array([1.0]), "i": 1, "signs": np.array([1.0, sign, 1.0])} for n in (2, 3) for sign in (1.0, -1.0)],
    adversarial=["weights", "x"],
    rounding=lambda **case: 2.0**20,
)
def loss_by_root(impl: Any, **case: Any) -> Comparison:
    """The l1 loss is at most the root of the number of outputs times as steep in the weights as the network."""
    return _rooted(impl, **case)


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
    at="Corollary 14, equation 11, with the member of theorem 13",
    tex=r"\lVert f(h^*, x), W_i \rVert_{Lip} = a_{i+1} \cdots a_K \lVert (h_{i-1}(x))^{(n_{i+1}, \dots, n_K)} \rVert",
    given=members(),
    verdict=Verdict.REFUTED,
    kind=Kind.UNSUPPORTED,
    reading="h* is the member of theorem 13, which the text combines with 'f and h have the same constant'. That some member has the printed constant at a given x is true: scales may be smaller than a_j.",
    note="Inherits the truncation of equation 8 and the missing root of than.cor-14. Widths 1, 2, 2, x = 1: sqrt(2), not 1. For this member see than.cor-14-eq-11.amended.",
    counterexample={"sizes": [1, 2, 2], "factors": np.array([1.0, 1.0]), "x": np.array([1.0]), "i": 1},
    control={"sizes": [1, 1, 1], "factors": np.array([1.0, 1.0]), "x": np.array([1.0]), "i": 1},
    amended_by="than.cor-14-eq-11.another-member",
    exhaustive=all_members,
)
def loss_truncated(impl: Any, sizes: Any, factors: Any, x: Any, i: int) -> Comparison:
    """Step of the proof of corollary 14: for theorem 13's member the l1 loss has in the weights the product of later scales times the truncated input's length."""
    network, before, scale = member(impl, sizes, factors, x, i, "all")
    return Comparison(_loss_gradient(impl, network, x, i), "==", scale * cut(impl, before, sizes, i))


@claim(
    "than.cor-14-eq-11.amended",
    at="Corollary 14, equation 11, for the member of theorem 13",
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


def _smaller(impl: Any, sizes: Any, factors: Any, x: Any, i: int) -> Comparison:
    """The member with a_K times the truncated input's length over the input's and the root of the rows."""
    _, before, scale = member(impl, sizes, factors, x, i, "all")
    claimed, size = scale * cut(impl, before, sizes, i), length(before)
    share = cut(impl, before, sizes, i) / size / np.sqrt(size * 0 + min(sizes[i:]))
    network, _, _ = member(impl, sizes, [*factors[:-1], factors[-1] * share], x, i, "all")
    return Comparison(_loss_gradient(impl, network, x, i), "==", claimed)


@claim(
    "than.cor-14-eq-11.another-member",
    at="Corollary 14, equation 11: 'there exists a member'",
    tex=r"\forall a, x\ \exists h^*:\ \lVert f(h^*, x), W_i \rVert_{Lip} = a_{i+1} \cdots a_K \lVert (h_{i-1}(x))^{(n_{i+1}, \dots, n_K)} \rVert",
    given=members(),
    where=lambda sizes, factors, x, i: bool(np.all(x)),
    verdict=Verdict.PROVED,
    reading="The statement says 'any x' before 'there exists', so that the member may depend on x; label 0.",
    note="Theorem 13's member with a_K |(h)^(...)| / (sqrt(m) |h|), at most a_K, in the place of a_K, m = min(n_i, ..., n_K): the constant is continuous in the scales. So equation 11 says little: any number up to "
    "sqrt(m) a_{i+1} ... a_K |h| is the constant of some member. Proved by enumeration of all widths 1 to 3 up to depth 3, for x without zeros; where h_{i-1} = 0 both sides are 0.",
    strata={"two rows reach the output": lambda sizes, factors, x, i: min(sizes[i:]) >= 2,
            "truncation to one": lambda sizes, factors, x, i: len(x) >= 2 and i == 1 and min(sizes[2:]) == 1 and bool(np.all(x))},
    mutants={"one-percent": scale_right(1.01),
             "theorem-13's-member": instead(lambda impl, **case: loss_truncated.compare(impl, **case))},
    exhaustive=all_members,
)
def some_member(impl: Any, sizes: Any, factors: Any, x: Any, i: int) -> Comparison:
    """Some member with scales of at most a_j has the printed constant of the l1 loss in the weights."""
    return _smaller(impl, sizes, factors, x, i)


# Theorem 15: the gradient of a training loss in the rows of W_i.

@st.composite
def _trained(draw: st.DrawFn) -> Case:
    depth = draw(st.integers(2, 3))
    sizes = draw(st.lists(st.integers(1, 3), min_size=depth + 1, max_size=depth + 1))
    i = draw(st.integers(1, depth - 1))
    inner, m = sizes[i - 1] * sizes[i], draw(st.integers(1, 4))
    return {
        "sizes": sizes, "i": i,
        "factors": np.array(draw(st.lists(st.sampled_from([1.0, 2.0, 0.5]), min_size=depth, max_size=depth))),
        "W": draw(vectors(inner, dyadics(-2, 2))).reshape(sizes[i], sizes[i - 1]),
        "data": draw(vectors(m * sizes[0], dyadics(0, 2))).reshape(m, sizes[0]),
        "c": draw(st.sampled_from([1.0, 0.5, 3.0])), "labels": draw(st.lists(st.sampled_from([0.0, 1.0, -2.0]), min_size=m, max_size=m)),
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


def _loss_rows(impl: Any, sizes: Any, i: int, factors: Any, W: Any, data: Any, c: Any, labels: Any, g: str,
               indicator: bool = True, samples: int = 0, first: int = 0) -> Comparison:
    kept = [impl.network.identity_like(m, n) for m, n in zip(sizes[1:], sizes[:-1], strict=True)]
    weights = [*kept[: i - 1], W, *(a * eye for a, eye in zip(factors[i:], kept[i:], strict=True))]
    head = np.ones((1, sizes[-1])) * c
    network = impl.network.FeedForward([*weights, head], ["relu"] * len(weights) + [g])
    scale, smallest, m = c * product(factors[i + first :]), min(sizes[i + 1 :]), samples or len(data)
    gradient, claimed = W * 0, W * 0
    for x, label in zip(data, labels, strict=True):
        h = network(x)[0]
        before = network.layers(x)[i - 1]
        slope = 1 - h * h if g == "tanh" else h * 0 + 1
        gradient = gradient + 2 * (h - label) * np.asarray(impl.network.weight_jacobian(network, x, i))[0] / len(data)
        for t in range(sizes[i]):
            if t < smallest and (not indicator or (W[t] @ before) >= 0):
                claimed[t] = claimed[t] + scale / m * 2 * (h - label) * slope * before
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
             "no-indicator": instead(lambda impl, **case: _loss_rows(impl, **case, indicator=False)),
             "halved": instead(lambda impl, **case: _loss_rows(impl, **case, samples=2)),
             "a_i-included": instead(lambda impl, **case: _loss_rows(impl, **case, first=-1))},
    witnesses=[
        {"sizes": [1, 2, 1], "i": 1, "factors": np.array([1.0, 2.0]), "W": np.array([[1.0], [-1.0]]), "c": 1.0, "labels": [0.0, 0.0],
         "data": np.array([[1.0], [2.0]]), "g": "tanh"},
        {"sizes": [1, 2, 1], "i": 1, "factors": np.array([1.0, 2.0]), "W": np.array([[-1.0], [1.0]]), "c": 1.0, "labels": [1.0, 1.0],
         "data": np.array([[1.0], [2.0]]), "g": "tanh"},
        {"sizes": [1, 2, 2], "i": 1, "factors": np.array([1.0, 2.0]), "W": np.array([[1.0], [-1.0]]), "c": 1.0, "labels": [0.0, 0.0],
         "data": np.array([[1.0], [2.0]]), "g": "identity"},
    ],
    rounding=lambda **case: 2.0**16,
)
def training_gradient(impl: Any, **case: Any) -> Comparison:
    """The gradient of the training loss in the rows of W_i is as printed: zero beyond the smallest later width."""
    return _loss_rows(impl, **case)


# Corollaries 18 and 19.

@claim(
    "than.cor-18",
    at="Corollary 18: the constant that is put into the cited bound",
    tex=r"\max_h \lVert h, W_i \rVert_{Lip} = s_{i+1} \cdots s_K \lVert h_{i-1} \rVert \ \Rightarrow\ s_j \to 2 s_j "
    r"\text{ multiplies it by } 2^{K-i}",
    given=members(),
    verdict=Verdict.PROVED,
    reading="A worst case over members, as the sentences after it say ('can require', 'in the worst case'). Checked: the Lipschitz constant in W_i of the worst member is of the printed order, the length of the layer's input aside.",
    note="The cited lower bounds are for the worst of all functions with a Lipschitz constant. That losses of networks are among the hard ones is not shown, so that the number of iterations itself stays undecided.",
    strata={"depth 3": lambda sizes, factors, x, i: len(sizes) == 4 and i == 1 and bool(np.all(x))},
    mutants={"a_i-included": instead(lambda impl, sizes, factors, x, i: worst_member.compare(impl, sizes, factors, x, i, 1)),
             "exponent-K": instead(lambda impl, sizes, factors, x, i: _doubled(impl, sizes, factors, x, i, len(factors))),
             "exponent-K-i-1": instead(lambda impl, sizes, factors, x, i: _doubled(impl, sizes, factors, x, i, len(factors) - i - 1))},
    exhaustive=all_members,
)
def worst_member(impl: Any, sizes: Any, factors: Any, x: Any, i: int, extra: int = 0) -> Comparison:
    """Doubling every later norm bound multiplies the worst constant in W_i by 2^(K - i); it is alpha times the order and the input's length."""
    doubled, order = _doubled(impl, sizes, factors, x, i, len(factors) - i), in_weights(impl, sizes, factors, x, i)
    alpha = 0.25
    counted = impl.generalization.iteration_complexity(factors, alpha, i) * alpha
    length_of_input = order.rhs / product(factors[i - extra :])
    return Comparison([doubled.lhs, order.lhs], "==", [doubled.rhs, counted * length_of_input])


def _doubled(impl: Any, sizes: Any, factors: Any, x: Any, i: int, exponent: int) -> Comparison:
    once = in_weights(impl, sizes, factors, x, i).lhs
    twice = in_weights(impl, sizes, factors * 2, x, i).lhs
    return Comparison(twice, "==", once * 2.0**exponent)


_DEVIATIONS = st.fixed_dictionaries({
    "deviations": st.lists(st.sampled_from([2.0, 4.0, 0.5, 1.0]), min_size=1, max_size=4).map(np.array), "i": st.integers(1, 4),
    "scale": st.sampled_from([2.0, 0.5, 8.0]), "alpha": st.sampled_from([0.5, 0.25, 2.0]),
})


def _exponent(impl: Any, deviations: Any, i: int, scale: Any, alpha: Any, further: int = 0, power: int = 2) -> Comparison:
    """The orders' quotient against the product of the layers' constants 1/sigma_k, k = i..K (one feature, epsilon 0).

    And the order without normalizers against scales of scale, 2 scale, 4 scale, ... and alpha.
    """
    constants = [impl.normalization.batch_norm_lipschitz(np.array([d * d]), epsilon=d * 0) for d in deviations]
    scales = [scale * 2.0**j for j in range(len(deviations) + max(further, 0))]
    sigma, order = min(deviations, key=float), impl.generalization.iteration_complexity
    quotient = order(scales, alpha, i, power=2, deviation=sigma) / order(scales, alpha, i, power=2) * sigma ** max(-further, 0)
    without, printed = order(scales[: len(deviations)], alpha, i, power=2), product(scales[i : len(deviations)]) / alpha**power
    return Comparison([product(constants[i - 1 :]), without, printed], "<=", [quotient, printed, without])


@claim(
    "than.cor-19",
    at="Corollary 19, the exponent",
    tex=r"\prod_{k=i}^K \lVert \mathrm{NO}_k \rVert_{Lip} \le \sigma^{-K+i-1}",
    given=_DEVIATIONS,
    where=lambda deviations, i, **_: i < len(deviations),
    verdict=Verdict.SURVIVED,
    note="The exponent counts the normalizers from layer i to K. With sigma < 1 it is an increase. The rates O(L/alpha^2) that "
    "it is put into are cited, not proved, by the source; for cor-10's reading of BN.",
    strata={"two layers or more, sigma > 1": lambda deviations, i, **_: len(deviations) - i >= 2 and min(deviations) > 1,
            "sigma < 1": lambda deviations, i, **_: len(deviations) - i >= 2 and max(deviations) < 1},
    mutants={"one-percent-tighter": tighten(0.01), "exponent-off-by-one": instead(lambda impl, **case: _exponent(
        impl, **case, further=1 if min(case["deviations"]) > 1 else -1)),
        "alpha-not-squared": instead(lambda impl, **case: _exponent(impl, **case, power=1))},
    witnesses=[{"deviations": np.array([d] * 3), "i": 1, "scale": 2.0, "alpha": 0.5} for d in (2.0, 0.5)],
    exhaustive=lambda: ({"deviations": np.array(d), "i": i, "scale": 2.0, "alpha": 0.5} for d in itertools.product((0.5, 2.0, 4.0), repeat=3) for i in (1, 2)),
)
def reduction_exponent(impl: Any, **case: Any) -> Comparison:
    """Batch normalization from layer i on contributes at most sigma to the power -(K - i + 1)."""
    return _exponent(impl, **case)
