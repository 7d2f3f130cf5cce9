"""Corollaries 21 and 22: losses that jump, and what normalization does to the bound."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Case, Comparison, Kind, Verdict, claim, instead, scale_right, tighten
from proofs_check.claims._sides import largest, length, product
from proofs_check.claims.than._networks import network_of, normalized_networks
from proofs_check.claims.than._spaces import DELTAS, decomposition, gap, positive_part, shares, spaces, transport
from proofs_check.claims.than.capacity import deviations_at
from proofs_check.strategies import networks

# Corollary 21: X_0 is where the loss is not Lipschitz.

@claim(
    "than.cor-21",
    at="Corollary 21, for a trained model",
    tex=r"P(X_0) = 0 \Rightarrow F(P,h) \le F(D,h) + \sum_{i \in T} \tfrac{m_i}{m} \lambda_i L_i + g(D,\delta)",
    given={"m": st.integers(1, 512), "N": st.integers(1, 3), "delta": DELTAS},
    verdict=Verdict.REFUTED,
    kind=Kind.AMBIGUOUS,
    reading="Refuted for a trained model, of which section 5.2.1 speaks: X_0 then depends on the sample. True for a model that is fixed before the sample, since no sample then lies in X_0 (but for an event of probability 0).",
    note="Whatever was learned by heart: uniform numbers in [0, 1], loss 0 at the samples and 1 elsewhere. The loss jumps at the samples and nowhere else, so X_0 = D and P(X_0) = 0; on X_1, the rest, L_1 = 0. "
    "F(D) = 0, F(P) = 1, and for m = 64, delta = 1/4 the remainder is 0.50, even if all samples are counted into X_1 (they lie in X_0, so T is empty and g = 0). The bound fails for every sample. The proof drops X_0 "
    "from P, but D may lie in it: X_0 depends on the model, and the model on D.",
    counterexample={"m": 64, "N": 1, "delta": 0.25},
    control={"m": 8, "N": 1, "delta": 0.25},
    amended_by="than.cor-21.no-sample-in-it",
)
def learned_by_heart(impl: Any, m: int, N: int, delta: Any) -> Comparison:
    """The bound of theorem 20 holds for a trained model whose loss jumps on a set of probability 0 (tried: loss 0 at the samples, 1 elsewhere)."""
    return Comparison(delta * 0 + 1, "<=", impl.generalization.local_lipschitz_bound(0.0, [m, *[0] * (N - 1)], 0.0, 0.0, delta, 1.0))


@st.composite
def _with_jumps(draw: st.DrawFn) -> Case:
    """A space and losses at further points, in a set that has no probability."""
    case = draw(spaces(4))
    return {**case, "jump": draw(st.integers(0, 4).map(float)), "at": draw(st.integers(0, len(case["p"]) - 1))}


def _jumping(impl: Any, points: Any, cells: Any, p: Any, losses: Any, counts: Any, jump: Any, at: int, sampled: bool) -> Comparison:
    """A further point of no probability, with a loss of its own; the samples at one point may be moved there."""
    bound = decomposition(impl, points, cells, p, losses, counts)
    if not sampled:
        # The point has no probability and no sample: it enters neither loss.
        everywhere, weights = np.append(losses, jump), [*p, 0]
        return Comparison(gap(everywhere, weights, [*counts, 0]), "<=", bound.rhs, largest(losses))
    one = losses[0] * 0 + 1
    moved = counts[at] * (losses[at] - jump) * one / sum(counts)
    return Comparison(gap(losses, p, counts) + moved, "<=", bound.rhs, largest(losses))


@claim(
    "than.cor-21.no-sample-in-it",
    at="Corollary 21, with no sample in X_0",
    tex=r"P(X_0) = 0,\ D \cap X_0 = \emptyset \Rightarrow F(P,h) - F(D,h) \le \sum_{i \in T} \tfrac{m_i}{m} \lambda_i L_i + C \sum_i \bigl(P(X_i) - \tfrac{m_i}{m}\bigr)_+",
    given=_with_jumps(),
    verdict=Verdict.SURVIVED,
    note="Almost surely so where X_0 is fixed before the sample; for a trained model it has to be looked at. The cells X_1, ..., X_N are also fixed before the sample, up to sets of no probability: cut along the jumps of a "
    "trained model they are not. With 'Lipschitz on X_i' a jump inside of a cell is not allowed by taking its edge into X_0, since L_i compares both sides.",
    strata={"a jump down beside a sample": lambda counts, at, jump, losses, **_: counts[at] > 0 and jump < losses[at],
            "two cells": lambda cells, **_: len(set(cells)) >= 2},
    mutants={"one-percent-tighter": tighten(0.01), "samples in X_0": instead(lambda impl, **case: _jumping(impl, **case, sampled=True))},
    witnesses=[
        {"points": np.array([[0.0], [2.0]]), "cells": [0, 0], "p": [1, 1], "losses": np.array([1.0, 3.0]), "counts": [1, 0], "jump": 0.0, "at": 0},
        {"points": np.array([[0.0], [2.0]]), "cells": [0, 1], "p": [1, 1], "losses": np.array([0.0, 3.0]), "counts": [1, 0], "jump": 3.0, "at": 0},
    ],
    adversarial=["losses", "points"],
    where=lambda losses, **_: bool(np.min(losses) >= 0),
)
def jumps_without_samples(impl: Any, **case: Any) -> Comparison:
    """Jumps at points that have no probability and no sample change nothing."""
    return _jumping(impl, **case, sampled=False)


def _with_mass(impl: Any, points: Any, cells: Any, p: Any, losses: Any, counts: Any, term: Any = 1) -> Comparison:
    """Cell 0 is X_0: in the place of its Lipschitz constant stands C."""
    found = impl.generalization.cell_statistics(points, losses, np.array(cells), np.array(p, dtype=float), np.array(counts), max(cells) + 1)
    one, C = losses[0] * 0 + 1, largest(losses)
    samples = [sum(c for c, cell in zip(counts, cells, strict=True) if cell == i) for i in range(max(cells) + 1)]
    rest, total = one * 0, sum(counts)
    for i, m_i in enumerate(samples):
        P = sum((v for v, cell in zip(shares(p, one), cells, strict=True) if cell == i), one * 0)
        rest = rest + C * positive_part(P - one * m_i / total)
    smooth = sum((np.asarray(found.distances)[i] * np.asarray(found.lipschitz)[i] * m_i / total for i, m_i in enumerate(samples) if i), one * 0)
    return Comparison(gap(losses, p, counts), "<=", term * C * samples[0] / total + smooth + rest, C)


@claim(
    "than.cor-21.mass",
    at="Corollary 21 without P(X_0) = 0",
    tex=r"F(P,h) - F(D,h) \le C \tfrac{m_0}{m} + \sum_{i \in T,\, i > 0} \tfrac{m_i}{m} \lambda_i L_i + C \sum_i \bigl(P(X_i) - \tfrac{m_i}{m}\bigr)_+",
    given=spaces(),
    verdict=Verdict.SURVIVED,
    note="A set X_0 where nothing is known of the loss, fixed before the sample, is one more cell and costs C times its share of the samples, which can be counted. The term is needed and sharp: X_0 of two points, "
    "one sampled, loss 0 there and 1 at the other, nearly all of the probability.",
    strata={"a sample in X_0": lambda cells, counts, **_: any(c and not cell for c, cell in zip(counts, cells, strict=True)),
            "X_0 and another cell": lambda cells, counts, **_: len(set(cells)) >= 2 and any(c and not cell for c, cell in zip(counts, cells, strict=True))},
    mutants={"one-percent-tighter": tighten(0.01), "term forgotten": instead(lambda impl, **case: _with_mass(impl, **case, term=0))},
    witnesses=[
        {"points": np.array([[0.0], [1.0]]), "cells": [0, 0], "p": [1, 1000], "losses": np.array([0.0, 1.0]), "counts": [2, 0]},
        {"points": np.array([[0.0], [1.0], [2.0]]), "cells": [0, 0, 1], "p": [1, 1000, 1], "losses": np.array([0.0, 1.0, 1.0]), "counts": [2, 0, 0]},
    ],
    adversarial=["losses", "points"],
    where=lambda losses, **_: bool(np.min(losses) >= 0),
)
def jumps_with_mass(impl: Any, **case: Any) -> Comparison:
    """A cell where nothing is known of the loss costs the largest loss times its share of the samples."""
    return _with_mass(impl, **case)


# Corollary 22: L_i is at most L_f times the product of the layers' constants. One cell of two points x and z.

def _chords(impl: Any, case: Case, factor: Any, first: int = 0) -> Comparison:
    """The loss's slope, and its gap with the sample at x, for the loss |h - h(x)|, which is 1-Lipschitz in h."""
    network = network_of(impl, case["weights"], case.get("norms"), "identity" if "norms" in case else "relu")
    at_x = np.asarray(network(case["x"]))
    far = length(np.asarray(network(case["z"])) - at_x)
    losses = np.array([far * 0, far])
    found = impl.generalization.cell_statistics(np.array([case["x"], case["z"]]), losses, np.array([0, 0]), np.array([1.0, 1.0]), np.array([1, 0]), 1)
    L = factor * product(impl.spectral.spectral_norm(W) for W in case["weights"][first:])
    slope, omega = np.asarray(found.lipschitz)[0], L * np.asarray(found.distances)[0]
    return Comparison([slope, gap(losses, [1, 1], [1, 0]), transport(found)], "<=", [L, omega, omega], L + omega)


def _moved(x: Any, z: Any, **_: Any) -> bool:
    return bool(np.any(x != z))


def _rounding(**_: Any) -> float:
    return 2.0**22


@claim(
    "than.cor-22-14",
    at="Corollary 22, equation 14, with one label in every cell",
    tex=r"L_i \le L_f P_w(h),\quad \sum_{i \in T} \tfrac{m_i}{m} \lambda_i L_i \le \omega(h) = L_f P_w(h) \sum_{i \in T} \tfrac{m_i}{m} \lambda_i",
    given=networks(),
    where=_moved,
    verdict=Verdict.SURVIVED,
    note="Checked as what it adds to theorem 20: the local constant and the sum. The label has to be the same in all of a cell, since a change of the label changes the loss too (than.cor-22-labels): cells times labels.",
    strata={"depth 2, width 2": lambda weights, x, z: len(weights) >= 2 and min(map(min, map(np.shape, weights))) >= 2},
    mutants={"one-percent-tighter": tighten(0.01), "first-layer-forgotten": instead(lambda impl, **case: _chords(impl, case, 1, first=1))},
    witnesses=[{"weights": [np.diag([3.0, 1.0]), np.diag([2.0, 1.0])], "x": np.array([1.0, 1.0]), "z": np.array([2.0, 1.0])}],
    adversarial=["weights", "x", "z"],
    rounding=_rounding,
)
def unnormalized(impl: Any, **case: Any) -> Comparison:
    """In theorem 20 the product of the weights' norms may stand for the local constants."""
    return _chords(impl, case, 1)


def _sigma(norms: Any, sign: int = 1) -> Any:
    """The least over the layers of the reciprocal l2 norm of 1/sigma (the largest for sign -1)."""
    return sign / largest([sign * length(1 / np.sqrt(np.asarray(d["variance"]) + d["epsilon"])) for d in norms])


_ZERO, _STEP = np.zeros(2), np.array([1.0, -1.0])
_HALF = np.array([[0.5, -0.5], [-0.5, 0.5]])
_BATCH = {"kind": "batch", "epsilon": 1.0, "mean": _ZERO, "variance": np.array([3.0, 2.0**40])}
_STEEP = {**_BATCH, "variance": np.array([0.0, 2.0**60])}
_LAYER = {"kind": "layer", "epsilon": 0.25}


@claim(
    "than.cor-22-BN",
    at="Corollary 22, BN, with one label in every cell and frozen statistics",
    tex=r"L_i \le L_f P_w(h_{no}) \sigma^{-K},\quad \sigma = \min_k \lVert 1/\sigma_k \rVert^{-1}",
    given=normalized_networks(("batch",), max_depth=2),
    where=_moved,
    verdict=Verdict.SURVIVED,
    note="With the l2 norm of corollary 10, as printed: an upper bound, up to sqrt(n) a layer above the largest entry of 1/sigma (than.lemma-1). A width of n needs deviations above sqrt(n) for the factor to be below 1.",
    strata={"two layers": lambda weights, x, z, norms: len(weights) >= 2},
    mutants={"one-percent-tighter": tighten(0.01), "exponent K + 1": instead(lambda impl, **case: _chords(
        impl, case, (1 / _sigma(case["norms"])) ** (len(case["weights"]) + 1))),
        "largest sigma": instead(lambda impl, **case: _chords(impl, case, (1 / _sigma(case["norms"], -1)) ** len(case["weights"])))},
    witnesses=[{"weights": [np.diag([2.0, 1.0])] * 2, "x": _ZERO, "z": np.array([1.0, 0.0]), "norms": [_BATCH, other]} for other in (_BATCH, _STEEP)],
    adversarial=["weights", "x", "z"],
    rounding=_rounding,
)
def batch_normalized(impl: Any, **case: Any) -> Comparison:
    """With batch normalization in every layer the local constants are at most the product of norms times sigma to the power -K."""
    return _chords(impl, case, (1 / _sigma(case["norms"])) ** len(case["weights"]))


def _layer_factor(norms: Any) -> Any:
    return product(1 / np.sqrt(data["epsilon"]) for data in norms)


@claim(
    "than.cor-22-LN",
    at="Corollary 22, LN, with one label in every cell",
    tex=r"L_i \le L_f P_w(h_{no}) \prod_{k=1}^K 1/\sigma_k,\quad \sigma_k = \sqrt{\epsilon_k}",
    given=normalized_networks(("layer",), max_depth=2),
    where=_moved,
    verdict=Verdict.SURVIVED,
    note="With sigma_k as lemma 2 defines it, the least over all inputs, which is sqrt(epsilon). Then the factor is epsilon^(-K/2), 316 a layer for the usual 1e-5.",
    strata={"two layers": lambda weights, x, z, norms: len(weights) >= 2},
    mutants={"one-percent-tighter": tighten(0.01), "one layer forgotten": instead(lambda impl, **case: _chords(impl, case, _layer_factor(case["norms"][1:])))},
    witnesses=[{"weights": [_HALF, _HALF], "x": _ZERO, "z": _STEP * 2.0**-20, "norms": [_LAYER, _LAYER]}],
    adversarial=["weights", "x", "z"],
    rounding=_rounding,
)
def layer_normalized(impl: Any, **case: Any) -> Comparison:
    """With layer normalization in every layer the local constants are at most the product of norms times that of 1/sqrt(epsilon)."""
    return _chords(impl, case, _layer_factor(case["norms"]))


def _at_both(impl: Any, case: Case, choose: Any = min) -> Comparison:
    """With the lesser of the deviations at the two points of the cell, in every layer."""
    at_x, at_z = (deviations_at(impl, case["weights"], case["norms"], case[v]) for v in ("x", "z"))
    return _chords(impl, case, product(1 / choose(pair, key=float) for pair in zip(at_x, at_z, strict=True)))


@claim(
    "than.cor-22-LN.on-the-data",
    at="Corollary 22, LN, 'the product of 1/sigma_k can be exponentially small, as pointed out in ... Figure 2'",
    tex=r"L_i \le L_f P_w(h_{no}) \prod_{k=1}^K 1/\sigma_k,\quad \sigma_k = \min_{x \in X_i} \sqrt{\sigma_{n_k}^2(x) + \epsilon}",
    given=normalized_networks(("layer",), max_depth=2),
    where=_moved,
    verdict=Verdict.SURVIVED,
    reading="sigma_k is the least deviation over all points of the cells, of samples and of others; one label in every cell.",
    note="By than.cor-11.on-the-data. So the reading of section 4.2 does carry over, if the variances are large at every point that can occur: those of the samples alone do not bound the slope "
    "(W = I_2, epsilon = 1, sample (1, -1), other point (-1/2, 1/2): slope 0.770 > 0.707). How large they can be: than.sec-4.2-variance.",
    strata={"two layers": lambda weights, x, z, norms: len(weights) >= 2, "one layer": lambda weights, x, z, norms: len(weights) == 1},
    mutants={"one-percent-tighter": tighten(0.01), "deviation at the sample": instead(lambda impl, **case: _at_both(impl, case, lambda pair, key: pair[0]))},
    witnesses=[{"weights": [np.eye(2)] * depth, "x": _STEP, "z": z, "norms": [{"kind": "layer", "epsilon": 1.0}] * depth} for depth in (1, 2) for z in (-_STEP, -0.5 * _STEP)],
    adversarial=["weights", "x", "z"],
    rounding=_rounding,
)
def layer_normalized_data(impl: Any, **case: Any) -> Comparison:
    """The least deviation over the points of a cell bounds the loss's slope in it."""
    return _at_both(impl, case)


@st.composite
def _layer_normalized(draw: st.DrawFn) -> Case:
    sizes = draw(st.lists(st.integers(2, 5), min_size=2, max_size=4))
    scales = st.lists(st.sampled_from([1.0, 0.5, 3.0]), min_size=len(sizes) - 1, max_size=len(sizes) - 1)
    floors = st.lists(st.sampled_from([2.0**-16, 2.0**-4, 0.25, 1.0, 4.0]), min_size=len(sizes) - 1, max_size=len(sizes) - 1)
    return {"sizes": sizes, "scales": draw(scales.map(np.array)), "epsilons": draw(floors.map(np.array))}


def _increase(impl: Any, sizes: Any, scales: Any, epsilons: Any, power: float = -0.5, same: bool = False) -> Comparison:
    """Constants that are reached, at 0: with and without normalizers, for the same weights, scaled identities."""
    weights = [a * impl.network.identity_like(m, n) for a, m, n in zip(scales, sizes[1:], sizes[:-1], strict=True)]
    plain = network_of(impl, weights, None, "identity")
    normalized = network_of(impl, weights, [{"kind": "layer", "epsilon": epsilon} for epsilon in epsilons], "identity")
    found = [impl.spectral.spectral_norm(impl.network.input_jacobian(network, np.zeros(sizes[0]))) for network in (normalized, plain)]
    factor = product((epsilons[0] if same else epsilon) ** (epsilon * 0 + power) for epsilon in epsilons)
    return Comparison([found[0], impl.network.product_upper_bound(normalized)], "==", [factor * found[1], factor * impl.network.product_upper_bound(plain)])


@claim(
    "than.cor-22.increase",
    at="Corollary 22, LN against equation 14, with sigma_k as lemma 2 defines it",
    tex=r"\frac{\text{(LN)} - g}{\text{(14)} - g} = \prod_k \epsilon_k^{-1/2} = \frac{\lVert h_{no} \rVert_{Lip}}{\lVert h \rVert_{Lip}} \text{ for } W_k = a_k I_k",
    given=_layer_normalized(),
    verdict=Verdict.SURVIVED,
    reading="sigma_k the least deviation over all inputs; equal weights and distances. 'Can significantly reduce' is not refuted: with the least deviation over the data the factor may be below 1 (than.cor-22-LN.on-the-data).",
    note="Over all inputs the network with layer normalization is as much steeper: at 0 its Jacobian reaches the bound, as the other's does. Less than 1 only for epsilon > 1; 316 a layer for the usual 1e-5.",
    strata={"two layers, epsilon below 1": lambda sizes, scales, epsilons: len(scales) >= 2 and max(epsilons) < 1 and len(set(epsilons)) >= 2,
            "widths that differ": lambda sizes, scales, epsilons: len(scales) >= 2 and len(set(sizes)) >= 3 and len(set(epsilons)) >= 2},
    mutants={"one-percent": scale_right(1.01), "exponent K": instead(lambda impl, **case: _increase(impl, **case, power=-1.0)),
             "one epsilon for all": instead(lambda impl, **case: _increase(impl, **case, same=True))},
    witnesses=[{"sizes": [2, 3, 5], "scales": np.array([3.0, 0.5]), "epsilons": np.array([0.25, 0.0625])}],
)
def layer_norm_increases(impl: Any, **case: Any) -> Comparison:
    """Over all inputs layer normalization multiplies the Lipschitz constant, and the term of corollary 22, by 1/sqrt(epsilon) in every layer."""
    return _increase(impl, **case)


@claim(
    "than.cor-22-labels",
    at="Corollary 22, 'loss f(h, .) is L_f-Lipschitz continuous w.r.t h'",
    tex=r"F(P,h) - F(D,h) \le g(D,\delta) + L_f P_w(h) \sum_{i \in T} \tfrac{m_i}{m} \lambda_i",
    given={"size": st.integers(2, 4096), "m": st.integers(1, 512), "delta": DELTAS, "width": st.sampled_from([2.0**-20, 2.0**-10, 1.0])},
    where=lambda size, m, delta, width: m <= size,
    verdict=Verdict.REFUTED,
    kind=Kind.AMBIGUOUS,
    reading="Refuted where the loss compares h(x) with a label that varies in a cell, as that of section 4.3 may; the one cell is fixed before the sample, the model trained. True where f depends on x through h(x) alone: one label in each cell.",
    note="One cell: 1024 equally likely numbers in [1, 1 + w], w = 2^-10, each of a class of its own; h(x) = ReLU(Wx) with one output for each class, W = 1 for the classes "
    "seen and 0 for the others, loss max(0, 1 - h_label(x)), 1-Lipschitz in h. F(D) = 0, F(P) >= 1 - m/1024, P_w <= sqrt(m), lambda <= w. For m = 100, delta = 1/8 the bound is 0.467 and F(P) at least 0.902, for every "
    "sample. Cells have to hold one label each.",
    counterexample={"size": 1024, "m": 100, "delta": 0.125, "width": 2.0**-10},
    control={"size": 1024, "m": 4, "delta": 0.125, "width": 2.0**-10},
    amended_by="than.cor-22-14",
)
def labels_left_out(impl: Any, size: int, m: int, delta: Any, width: Any) -> Comparison:
    """The loss is as smooth in the input as the network, whatever the labels in a cell (tried: score 1 for the classes in the sample)."""
    zero = delta * 0
    bound = impl.generalization.local_lipschitz_bound(0.0, [m], width, np.sqrt(zero + m), delta, 1.0)
    return Comparison((zero + (size - m)) / size, "<=", bound)
