"""Theorems 12 and 13: Lipschitz constants in the weights and in the pre-activations."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st

from proofs_check.claim import Case, Comparison, Kind, Step, Verdict, claim, instead, scale_right, tighten
from proofs_check.claims._sides import length, product
from proofs_check.claims.than._members import all_members, cut, in_weights, members
from proofs_check.claims.than._networks import network_of, normalized_networks, operator_norm
from proofs_check.strategies import networks


def _with_layer(case: Case) -> st.SearchStrategy[Case]:
    fixed = {"weights": case["weights"], "x": case["x"], "norms": case.get("norms")}
    return st.integers(1, len(case["weights"])).map(lambda i: {**fixed, "i": i})


_BY_LAYER = st.one_of(networks(max_depth=3), normalized_networks()).flatmap(_with_layer)


def tail(impl: Any, weights: Any, i: int, norms: Any = None, activation: Any = "relu") -> Any:
    """The network from the pre-activation y_i on: h_i = g_i(NO_i(y_i)) and what follows."""
    identity = np.eye(np.shape(weights[i - 1])[0])
    return network_of(impl, [identity, *weights[i:]], None if norms is None else norms[i - 1 :], activation)


def _local(impl: Any, weights: Any, x: Any, i: int, norms: Any = None) -> tuple[Any, Any, Any]:
    """||dh/dW_i||, ||h_{i-1}||, ||dh/dy_i|| at one input."""
    network = network_of(impl, weights, norms)
    before = network.layers(x)[i - 1]
    y = np.asarray(weights[i - 1]) @ before
    by_weights = operator_norm(impl, impl.network.weight_jacobian(network, x, i))
    by_linear = impl.spectral.spectral_norm(impl.network.input_jacobian(tail(impl, weights, i, norms), y))
    return by_weights, length(before), by_linear


@claim(
    "than.thm-12-eq-6",
    at="Theorem 12, equation 6",
    tex=r"\lVert h_{no}, W_i \rVert_{Lip} \le A_{i-1} \lVert h_{no}, y_i \rVert_{Lip}",
    given=_BY_LAYER,
    verdict=Verdict.SURVIVED,
    note="At one input, where both sides are equal. A_{i-1} = sup_x |h_{i-1}(x)| is infinite for i = 1 (all of R^n), and for "
    "networks without normalization for every i unless an earlier layer is zero; the statement then says nothing.",
    strata={"inner layer, not dead": lambda weights, x, i, norms: norms is None and 1 < i < len(weights) and bool(np.any(network_values(weights, x))),
            "normalized": lambda weights, x, i, norms: norms is not None and 1 < i < len(weights)},
    mutants={"one-percent-tighter": tighten(0.01), "A_i-instead": instead(lambda impl, weights, x, i, norms: Comparison(
        _local(impl, weights, x, i, norms)[0], "<=",
        length(network_of(impl, weights, norms).layers(x)[i]) * _local(impl, weights, x, i, norms)[2]))},
    witnesses=[{"weights": [np.eye(2), np.diag([0.5, 0.25]), np.eye(2)], "x": np.array([1.0, 2.0]), "i": 2, "norms": None},
               {"weights": [np.eye(2)] * 3, "x": np.array([1.0, 2.0]), "i": 2,
                "norms": [{"kind": "rms", "epsilon": 0.25}, {"kind": "rms", "epsilon": 4.0**5}, {"kind": "rms", "epsilon": 0.25}]}],
    adversarial=["weights", "x"],
    rounding=lambda weights, x, i, norms: 2.0**20,
)
def weights_by_linear_part(impl: Any, weights: Any, x: Any, i: int, norms: Any) -> Comparison:
    """The constant in the weights of a layer is the size of its input times the constant in its linear part."""
    by_weights, size, by_linear = _local(impl, weights, x, i, norms)
    return Comparison(by_weights, "<=", size * by_linear)


def network_values(weights: Any, x: Any) -> Any:
    """The output of the ReLU network (to choose strata)."""
    for W in weights:
        x = np.maximum(W @ x, 0)
    return x


NORMALIZED_TAILS = normalized_networks().flatmap(
    lambda case: st.integers(1, len(case["weights"])).map(
        lambda i: {"weights": case["weights"], "norms": case["norms"], "y": np.resize(case["x"], len(case["weights"][i - 1])), "i": i}
    )
)


def _constants(impl: Any, network: Any, widths: list[int]) -> list[Any]:
    return [normalizer.lipschitz(n) for normalizer, n in zip(network.normalizers, widths, strict=True)]


def equation_7(impl: Any, weights: Any, norms: Any, y: Any, i: int, forget: int = 0) -> Comparison:
    """The Jacobian in y_i against the later weights' and normalizers' constants, all but `forget` of them."""
    network = tail(impl, weights, i, norms, "identity")
    widths = [np.shape(W)[0] for W in weights[i - 1 :]]
    bound = product(map(impl.spectral.spectral_norm, weights[i:])) * product(_constants(impl, network, widths)[forget:])
    return Comparison(impl.spectral.spectral_norm(impl.network.input_jacobian(network, y)), "<=", bound, bound)


_LAYER = {"kind": "layer", "epsilon": 0.25}
_HALF = np.array([[0.5, -0.5], [-0.5, 0.5]])


@claim(
    "than.thm-12-eq-7",
    at="Theorem 12, equation 7",
    tex=r"\lVert h_{no}, y_i \rVert_{Lip} \le b_{i+1} \prod_{k=i}^K \lVert \mathrm{NO}_k \rVert_{Lip}\ (i < K),\quad "
    r"\lVert \mathrm{NO}_K \rVert_{Lip}\ (i = K)",
    given=NORMALIZED_TAILS,
    verdict=Verdict.SURVIVED,
    strata={"i < K": lambda weights, norms, y, i: i < len(weights), "i = K": lambda weights, norms, y, i: i == len(weights)},
    mutants={"one-percent-tighter": tighten(0.01),
             "product-from-i+1": instead(lambda impl, **case: equation_7(impl, **case, forget=1))},
    witnesses=[{"weights": [_HALF, _HALF], "norms": [_LAYER, _LAYER], "y": np.zeros(2), "i": 1},
               {"weights": [_HALF, _HALF], "norms": [_LAYER, _LAYER], "y": np.zeros(2), "i": 2}],
    adversarial=["weights", "y"],
    rounding=lambda weights, norms, y, i: 2.0**20,
)
def linear_part(impl: Any, weights: Any, norms: Any, y: Any, i: int) -> Comparison:
    """The constant in the linear part of layer i: the later weights, and the normalizers from i on."""
    return equation_7(impl, weights, norms, y, i)


# Remark 17: what O(s_K ... s_{i+1}) leaves out.

@st.composite
def _inner_layers(draw: st.DrawFn) -> Case:
    case = draw(networks(max_depth=3).filter(lambda case: len(case["weights"]) >= 2))
    larger = draw(st.sampled_from([1.0, 8.0, 1024.0]))
    return {"weights": [larger * case["weights"][0], *case["weights"][1:]], "x": case["x"], "i": draw(st.integers(1, len(case["weights"])))}


def _in_weight(impl: Any, weights: Any, x: Any, i: int, norms: Any = None) -> tuple[Any, Any]:
    """The constant in W_i at x, and the norms of the later weights; with normalizers the activations are linear."""
    network = network_of(impl, weights, norms, "relu" if norms is None else "identity")
    found = operator_norm(impl, impl.network.weight_jacobian(network, x, i))
    return found, product(map(impl.spectral.spectral_norm, weights[i:]))


def _by_input(impl: Any, weights: Any, x: Any, i: int, at: int = -1, end: int = -1) -> Comparison:
    found, later = _in_weight(impl, weights, x, i)
    size = length(network_of(impl, weights).layers(x)[i + at])
    whole = length(x) * product(map(impl.spectral.spectral_norm, weights[: i + end]))
    return Comparison([found, size * later], "<=", [size * later, whole * later], whole * later)


_DOUBLE, _ONE = np.array([[2.0]]), np.array([[1.0]])


@claim(
    "than.remark-17",
    at="Remark 17, 'the training loss is O(s_K ... s_{i+1})-Lipschitz continuous with respect to the weight matrix W_i'",
    tex=r"\lVert f, W_i \rVert_{Lip} \le c\, s_{i+1} \cdots s_K \text{ with } c \text{ of the data alone},\ c = \lVert x \rVert",
    given=_inner_layers(),
    verdict=Verdict.REFUTED,
    kind=Kind.AMBIGUOUS,
    reading="O(...) as the weights' norms grow. Refuted: its constant is one of the data and the loss. True: its constant holds A_{i-1}, the size of the layer's input, as in theorem 12 (and grows with s_1 ... s_{i-1}). For i = 1 both agree.",
    note="Widths 1, x = 1, weights 2, 1, 1: the constant in W_2 is 2, the norms after it have the product 1. It is a_{i+1} ... a_K times the length of the layer's input, which grows like s_1 ... s_{i-1}: without normalization the "
    "order is the product of all other norms, for every layer. With it the input has the length sqrt(n_{i-1}) at most (than.remark-17.normalized), so that the contrast is larger than printed.",
    counterexample={"weights": [_DOUBLE, _ONE, _ONE], "x": np.array([1.0]), "i": 2},
    control={"weights": [_DOUBLE, _ONE, _ONE], "x": np.array([1.0]), "i": 1},
    amended_by="than.remark-17.input-of-the-layer",
    rounding=lambda weights, x, i: 2.0**20,
)
def later_norms_only(impl: Any, weights: Any, x: Any, i: int) -> Comparison:
    """The constant in the weights of layer i is at most the data's size times the norms of the later weights."""
    found, later = _in_weight(impl, weights, x, i)
    return Comparison(found, "<=", length(x) * later)


@claim(
    "than.remark-17.input-of-the-layer",
    at="Remark 17, with A_{i-1} of theorem 12 in the constant",
    tex=r"\lVert h, W_i \rVert_{Lip} \le \lVert h_{i-1}(x) \rVert \prod_{j > i} \lVert W_j \rVert \le \lVert x \rVert \prod_{j \ne i} \lVert W_j \rVert",
    given=_inner_layers(),
    verdict=Verdict.SURVIVED,
    strata={"an inner layer": lambda weights, x, i: 1 < i < len(weights) and bool(np.any(network_values(weights, x)))},
    mutants={"one-percent-tighter": tighten(0.01),
             "input-before-that": instead(lambda impl, weights, x, i: _by_input(impl, weights, x, i, at=-2)),
             "one-weight-forgotten": instead(lambda impl, weights, x, i: _by_input(impl, weights, x, i, end=-2))},
    witnesses=[{"weights": [np.diag([2.0, 1.0]), np.eye(2), np.diag([3.0, 1.0])], "x": np.array([1.0, 0.0]), "i": 2}],
    adversarial=["weights", "x"],
    rounding=lambda weights, x, i: 2.0**20,
)
def all_other_norms(impl: Any, weights: Any, x: Any, i: int) -> Comparison:
    """The constant in the weights of layer i is at most the size of its input times the later norms: all other norms, in the end."""
    return _by_input(impl, weights, x, i)


_INNER_NORMALIZED = normalized_networks(("layer", "rms")).filter(lambda case: len(case["weights"]) >= 2).flatmap(
    lambda case: st.integers(2, len(case["weights"])).map(lambda i: {"weights": case["weights"], "x": case["x"], "norms": case["norms"], "i": i}))


def _normalized_input(impl: Any, weights: Any, x: Any, norms: Any, i: int, root: float = 0.5, first: int = -1) -> Comparison:
    found, later = _in_weight(impl, weights, x, i, norms)
    widths = [np.shape(W)[0] for W in weights]
    factors = _constants(impl, network_of(impl, weights, norms), widths)[i + first :]
    bound = (found * 0 + widths[i - 2]) ** (found * 0 + root) * later * product(factors)
    return Comparison(found, "<=", bound, bound)


@claim(
    "than.remark-17.normalized",
    at="Remark 17, 'the loss becomes O(s_K ... s_{i+1} prod ||NO_k||)-Lipschitz continuous with respect to W_i'",
    tex=r"\lVert h_{no}, W_i \rVert_{Lip} \le \sqrt{n_{i-1}}\; b_{i+1} \prod_{k=i}^K \lVert \mathrm{NO}_k \rVert_{Lip},\quad i \ge 2",
    given=_INNER_NORMALIZED,
    verdict=Verdict.SURVIVED,
    reading="Layer or root-mean-square normalization, activations with |g(v)| <= |v| (tried: linear ones), i at least 2; at any x.",
    note="A normalized vector of n entries has the length sqrt(n) at most: here the constant that O leaves out depends on a width only, and on no weight.",
    strata={"three layers": lambda weights, i, **_: len(weights) == 3 and i == 2, "the last layer": lambda weights, i, **_: i == len(weights)},
    mutants={"one-percent-tighter": tighten(0.01),
             "root-forgotten": instead(lambda impl, **case: _normalized_input(impl, **case, root=0.0)),
             "product-from-i+1": instead(lambda impl, **case: _normalized_input(impl, **case, first=0))},
    witnesses=[{"weights": [np.ones((3, 1)), np.array([[1.0, -1.0, 0.0]]), *rest], "x": np.array([2.0**40]), "i": 2, "norms": [{"kind": "rms", "epsilon": 0.25}] * (2 + len(rest))}
               for rest in ([], [np.array([[1.0]])])],
    adversarial=["weights", "x"],
    rounding=lambda **case: 2.0**20,
)
def normalized_weights(impl: Any, weights: Any, x: Any, norms: Any, i: int) -> Comparison:
    """After a normalized layer the constant in the weights depends on the later norms, the normalizers and a width."""
    return _normalized_input(impl, weights, x, norms, i)


def _truncated(sizes: Any, factors: Any, x: Any, i: int) -> bool:
    return len(x) >= 2 and min(sizes[i + 1 :]) == 1 and np.count_nonzero(x) >= 2 and min(sizes[:i]) >= 2


@claim(
    "than.thm-13-eq-8",
    at="Theorem 13, equation 8, with equation 59 of its proof",
    tex=r"\lVert h^*(x), W_i \rVert_{Lip} = a_{i+1} \cdots a_K \lVert (h_{i-1}(x))^{(n_{i+1}, \dots, n_K)} \rVert",
    given=members(),
    verdict=Verdict.REFUTED,
    kind=Kind.FALSE,
    reading="h* is the member of the proof. The constant in W_i is over all matrices of its size, with the Frobenius or the spectral norm; i = 1 and a width below n_0 later on: no other member does either.",
    note="The step from equation 58 to 59 truncates h_{i-1}, a vector of size n_{i-1}, where the rows of W_i h_{i-1} are "
    "truncated: |(W h)^{(m)}|_Lip in W is |h| for every m >= 1. Widths 2, 1, 1, x = (0, 1), a_2 = 1: h(W) = ReLU(W x) has "
    "constant 1 in W, the printed one is |x_1| = 0. No other member satisfies equations 8 and 9 for all x there: every member's constant in W_1 is its constant in y_1 times |x|. (For i > 1 zero weights before layer i "
    "would do, both sides being 0.)",
    counterexample={"sizes": [2, 1, 1], "factors": np.array([1.0, 1.0]), "x": np.array([0.0, 1.0]), "i": 1},
    control={"sizes": [2, 2, 2], "factors": np.array([1.0, 1.0]), "x": np.array([0.0, 1.0]), "i": 1},
    amended_by="than.thm-13-eq-8.untruncated",
    exhaustive=all_members,
)
def weights_truncated(impl: Any, sizes: Any, factors: Any, x: Any, i: int) -> Comparison:
    """The constant in the weights of layer i is the product of later scales times the truncated input's length."""
    return in_weights(impl, sizes, factors, x, i, cut)


@claim(
    "than.thm-13-eq-8.untruncated",
    at="Theorem 13, equation 8, amended",
    tex=r"\lVert h^*(x), W_i \rVert_{Lip} = a_{i+1} \cdots a_K \lVert h_{i-1}(x) \rVert",
    given=members(),
    verdict=Verdict.PROVED,
    note="The derivative at a W_i whose first row is active reaches this value; equations 6 and 9 bound it from above. "
    "Proved by enumeration of all widths 1 to 3 up to depth 3.",
    strata={"truncation to one": _truncated},
    mutants={"one-percent": scale_right(1.01), "truncated": instead(
        lambda impl, sizes, factors, x, i: in_weights(impl, sizes, factors, x, i, cut))},
    exhaustive=all_members,
)
def weights_untruncated(impl: Any, sizes: Any, factors: Any, x: Any, i: int) -> Comparison:
    """The constant in the weights of layer i is the product of later scales times the length of its input."""
    return in_weights(impl, sizes, factors, x, i)


@claim(
    "than.thm-13-eq-9",
    at="Theorem 13, equation 9",
    tex=r"\lVert h^*, y_i \rVert_{Lip} = a_{i+1} \cdots a_K",
    given=members(),
    verdict=Verdict.PROVED,
    note="Proved by enumeration of all widths 1 to 3 up to depth 3, and by symbols for the product of three identities.",
    strata={"truncation to one": lambda sizes, factors, x, i: min(sizes[i + 1 :]) == 1 and sizes[i] >= 2},
    mutants={"one-percent": scale_right(1.01), "a_i-included": instead(
        lambda impl, sizes, factors, x, i: _in_linear_part(impl, sizes, factors, i, 2.0))},
    exhaustive=all_members,
    derivation=lambda factor: _scaled_identities(factor),
)
def linear_part_extremal(impl: Any, sizes: Any, factors: Any, x: Any, i: int) -> Comparison:
    """The constant in the linear part of layer i is the product of the later scales."""
    return _in_linear_part(impl, sizes, factors, i, 1.0)


def _in_linear_part(impl: Any, sizes: Any, factors: Any, i: int, extra: float) -> Comparison:
    tail = impl.network.extremal_network([sizes[i], *sizes[i:]], [factors[i] * 0 + 1, *factors[i:]])
    claimed = extra * product(factors[i:])
    return Comparison(
        [impl.spectral.spectral_norm(impl.network.input_jacobian(tail, np.ones(sizes[i]))),
         impl.network.product_upper_bound(tail)], "==", [claimed, claimed],
    )


def _scaled_identities(factor: Any) -> Iterator[Step]:
    a, b = sympy.symbols("a b", positive=True)
    for n1, n2, n3 in itertools.product((1, 2, 3), repeat=3):
        jacobian = sympy.eye(n3)[:, : min(n2, n3)].row_join(sympy.zeros(n3, max(0, n2 - n3))) * b
        jacobian = jacobian * sympy.Matrix(n2, n1, lambda i, j: int(int(i) == int(j))) * a
        first = jacobian.T * jacobian[:, 0]
        yield Step(f"widths {n1}, {n2}, {n3}: e_1 is an eigenvector of J^T J for (a b)^2",
                   first - factor * (a * b) ** 2 * sympy.Matrix(n1, 1, lambda i, j: int(int(i) == 0)))


