"""Section 4.2: how large the variances before a normalizer can be after a normalized layer, and what normalization takes away."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Case, Comparison, Verdict, claim, instead, scale_right, tighten
from proofs_check.strategies import dyadics


@st.composite
def _layers(draw: st.DrawFn, kinds: tuple[str, ...] = ("batch", "layer"), shifted: bool = False) -> Case:
    """Samples before a normalizer, the activation after it, the next weight.

    What shifts the activation changes no variance over samples; over features it is drawn where that is meant.
    """
    m, before, after = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    kind = draw(st.sampled_from(kinds))
    any_value = shifted or kind == "batch"
    return {
        "kind": kind, "activation": draw(st.sampled_from(["relu", "identity", "tanh", "abs", *(["sigmoid"] if any_value else [])])),
        "shift": draw(st.sampled_from([0.0, 3.0, -1.0])) if any_value else 0.0,
        "Y": np.array(draw(st.lists(dyadics(-3, 3), min_size=m * before, max_size=m * before))).reshape(m, before),
        "W": np.array(draw(st.lists(dyadics(-3, 3), min_size=after * before, max_size=after * before))).reshape(after, before),
        "epsilon": draw(st.sampled_from([0.25, 1.0, 2.0**-20])),
    }


def _variances(impl: Any, kind: str, activation: str, shift: Any, Y: Any, W: Any, epsilon: Any) -> Any:
    """Before the next normalizer: of each feature over the samples, or of each sample over the features."""
    if kind == "batch":
        normalized = impl.normalization.batch_norm_training(Y, epsilon=epsilon)
    else:
        normalized = np.array([impl.normalization.layer_norm(y, epsilon=epsilon) for y in Y])
    seen = (np.asarray(impl.layers.activation(normalized, activation)) + shift) @ np.asarray(W).T
    values = seen if kind == "batch" else seen.T
    centred = values - values.sum(axis=0) / (epsilon * 0 + len(values))
    return (centred * centred).sum(axis=0) / (epsilon * 0 + len(values))


def _ceiling(impl: Any, W: Any) -> Any:
    norm = impl.spectral.spectral_norm(W)
    return norm * norm * W.shape[1] / W.shape[0]


_SQUARE = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
_DOUBLED = {"kind": "batch", "activation": "identity", "shift": 3.0, "Y": _SQUARE, "W": 2 * np.eye(2), "epsilon": 0.0}
_SHARED: Any = {"verdict": Verdict.SURVIVED, "rounding": lambda **case: 2.0**20}


@claim(
    "than.sec-4.2-variance",
    at="Section 4.2, 'Empirical evidence of large input variances', for a layer after a normalized one",
    tex=r"\frac1{n_k} \sum_j \sigma_{k,j}^2 \le \frac{n_{k-1}}{n_k} \lVert W_k \rVert^2",
    given=_layers(),
    reading="Activations act entry by entry and are 1-Lipschitz; with layer normalization also |g(v)| <= |v| (of those that definition 4 names not the sigmoid), else see than.sec-4.2-variance.offset.",
    note="After BN each feature has at most unit variance over the data, which no 1-Lipschitz activation raises and no shift changes. After LN each sample has mean 0 and at most unit variance over its features; an activation with "
    "|g(v)| <= |v| does not raise second moments, so |h_{k-1}|^2 <= n_{k-1}. "
    "So variances before the normalizers of a normalized network are large only where the norm of the weight is as large: they do not come in addition to it. The 10-layer network of figure 2 has no normalizers; "
    "its ResNet18 has, but also shortcuts and scales, which definition 8 leaves out and which this does not cover.",
    strata={"batch": lambda kind, W, Y, **_: kind == "batch" and len(Y) >= 2 and W.shape[1] >= 2, "layer": lambda kind, W, **_: kind == "layer" and W.shape[1] >= 2,
            "widths that differ": lambda W, **_: W.shape[0] != W.shape[1]},
    mutants={"one-percent-tighter": tighten(0.01), "norm for its square": instead(lambda impl, **case: Comparison(
        _mean(impl, **case), "<=", _ceiling(impl, case["W"]) / impl.spectral.spectral_norm(case["W"]))),
        "widths exchanged": instead(lambda impl, **case: Comparison(
            _mean(impl, **case), "<=", _ceiling(impl, case["W"]) * (case["W"].shape[0] / case["W"].shape[1]) ** 2))},
    witnesses=[_DOUBLED, {"kind": "layer", "activation": "identity", "shift": 0.0, "Y": np.array([[1.0, -1.0]]), "W": 2 * np.eye(2), "epsilon": 0.0},
               {"kind": "layer", "activation": "identity", "shift": 0.0, "Y": np.array([[1.0, -1.0, 0.0]]), "W": np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0]]), "epsilon": 0.0},
               {**_DOUBLED, "W": np.array([[2.0, 2.0]]), "Y": np.array([[1.0, 1.0], [-1.0, -1.0]])}],
    where=lambda W, **_: bool(np.any(W)),
    adversarial=["Y", "W"],
    **_SHARED,
)
def variances_have_a_ceiling(impl: Any, **case: Any) -> Comparison:
    """After a normalized layer the mean variance is at most the squared norm of the weight times the quotient of the widths."""
    bound = _ceiling(impl, case["W"])
    return Comparison(_mean(impl, **case), "<=", bound, bound)


def _mean(impl: Any, **case: Any) -> Any:
    variances = _variances(impl, **case)
    return variances.sum() / (case["epsilon"] * 0 + len(variances))


def _offset(impl: Any, case: Case, rule: Any) -> Comparison:
    at_zero = abs(np.asarray(impl.layers.activation(case["Y"][:1, 0] * 0, case["activation"]))[0] + case["shift"])
    bound = _ceiling(impl, case["W"]) * rule(at_zero)
    return Comparison(_mean(impl, **case), "<=", bound, bound)


@claim(
    "than.sec-4.2-variance.offset",
    at="Section 4.2, 'Empirical evidence of large input variances', for any activation of definition 4",
    tex=r"\frac1{n_k} \sum_j (y_{k,j} - \bar y_k)^2 \le \frac{n_{k-1}}{n_k} \lVert W_k \rVert^2 (1 + |g(0)|)^2",
    given=_layers(("layer",), shifted=True),
    note="|g(v)| <= |g(0)| + |v|. After layer normalization g(v) = v + 3 makes (1, -1) into (4, 2), and W = diag(1, -1) the variance 9 of that: what is needed is a bound of g(0), and definition 4 has none.",
    strata={"shifted": lambda shift, W, **_: shift != 0 and W.shape[1] >= 2},
    mutants={"one-percent-tighter": tighten(0.01), "offset forgotten": instead(lambda impl, **case: _offset(impl, case, lambda c: c * 0 + 1)),
             "squares added": instead(lambda impl, **case: _offset(impl, case, lambda c: 1 + c * c))},
    witnesses=[{"kind": "layer", "activation": "abs", "shift": 3.0, "Y": np.array([[1.0, -1.0]]), "W": np.diag([2.0, -2.0]), "epsilon": 0.0}],
    adversarial=["Y", "W"],
    **_SHARED,
)
def variances_with_an_offset(impl: Any, **case: Any) -> Comparison:
    """After a layer normalization and an activation of value g(0) at 0 the variance is at most (1 + |g(0)|)^2 times as large."""
    return _offset(impl, case, lambda c: (1 + c) * (1 + c))


def _floor(impl: Any, case: Case, share: Any = 1) -> Comparison:
    constant = impl.normalization.batch_norm_lipschitz(_variances(impl, **case), epsilon=case["epsilon"])
    return Comparison(1 / np.sqrt(_ceiling(impl, case["W"]) * share + case["epsilon"]), "<=", constant)


@claim(
    "than.sec-4.2-floor",
    at="after Corollary 10, 'This suggests that BN can significantly reduce the Lipschitz constant', and 10^-25 in section 4.2",
    tex=r"\lVert \mathrm{BN}_k \rVert_{Lip} \ge \Bigl(\tfrac{n_{k-1}}{n_k} \lVert W_k \rVert^2 + \epsilon\Bigr)^{-1/2},\quad "
    r"\lVert W_k \rVert \lVert \mathrm{BN}_k \rVert_{Lip} \ge \sqrt{n_k / n_{k-1}} \text{ for } \epsilon \to 0",
    given=_layers(("batch",)),
    reading="k > 1, frozen statistics of the data that go through, any 1-Lipschitz activation that acts entry by entry (g(v) = v + 3 too), no shortcuts and no scales (definition 8).",
    note="Whatever the product of all 1/sigma_k is, P_w is as large: from the second layer on the bounds of corollaries 10 and 22 do not fall by a layer of equal width, with no "
    "variances at all. What normalization takes away is the growth of P_w, not more.",
    strata={"two samples, two features": lambda W, Y, **_: len(Y) >= 2 and W.shape[1] >= 2},
    mutants={"one-percent": instead(lambda impl, **case: _floor(impl, case, 0.97)), "a quarter of the ceiling": instead(lambda impl, **case: _floor(impl, case, 0.25))},
    witnesses=[_DOUBLED, {**_DOUBLED, "W": np.eye(2)}],
    adversarial=["Y", "W"],
    where=lambda W, epsilon, **_: epsilon > 0 or bool(np.any(W)),
    **_SHARED,
)
def reduction_has_a_floor(impl: Any, **case: Any) -> Comparison:
    """After a normalized layer batch normalization reduces by no more than the norm of its weight, the quotient of the widths aside."""
    return _floor(impl, case)


def _reduced(impl: Any, scales: Any, epsilon: Any, power: Any = 0.5, recursive: bool = True) -> Comparison:
    """Scaled identities with the statistics of four uncorrelated samples: each layer divides by its deviation."""
    weights = [s * np.eye(2) for s in scales]
    frozen = impl.explosion.frozen_network(weights, _SQUARE, epsilon=epsilon)
    plain = impl.network.FeedForward(weights, "identity")
    found = [impl.spectral.spectral_norm(impl.network.input_jacobian(network, np.ones(2))) for network in (frozen, plain)]
    variance, without, with_normalizers = epsilon * 0 + 1, epsilon * 0 + 1, epsilon * 0 + 1
    for s in scales:
        before = s * s * variance
        variance = before / (before + epsilon) if recursive else variance
        without, with_normalizers = without * s, with_normalizers * s / (before + epsilon) ** (epsilon * 0 + power)
    return Comparison([found[0], impl.network.product_upper_bound(frozen), found[1]], "==", [with_normalizers, with_normalizers, without])


@claim(
    "than.sec-4.2-reduction",
    at="Abstract, 'the insertion of normalization layers provably can reduce the Lipschitz constant at an exponential rate'; section 4.2",
    tex=r"W_k = s_k I: \quad \lVert h \rVert_{Lip} = \prod_k s_k,\quad \lVert h_{no} \rVert_{Lip} = \prod_k \frac{s_k}{\sqrt{s_k^2 v_{k-1} + \epsilon}} \le 1,\quad v_k = \frac{s_k^2 v_{k-1}}{s_k^2 v_{k-1} + \epsilon},\ v_0 = 1",
    given={"scales": st.lists(st.sampled_from([2.0, 3.0, 1.0, 8.0]), min_size=1, max_size=6), "epsilon": st.sampled_from([0.25, 1.0, 2.0**-20])},
    verdict=Verdict.SURVIVED,
    reading="Frozen statistics of the data that go through, linear activations; against the same weights without normalization.",
    note="So it can: with every s_k = 2 the constant falls from 2^K to about 1. Each layer divides by the standard deviation, where the introduction and remark 17 speak of the variance. But for epsilon, no layer "
    "after the first goes below 1 (than.sec-4.2-floor).",
    strata={"three layers, epsilon to be seen": lambda scales, epsilon: len(scales) >= 3 and max(scales) > 1 and epsilon >= 0.25},
    mutants={"one-percent": scale_right(1.01), "variance for deviation": instead(lambda impl, scales, epsilon: _reduced(impl, scales, epsilon, power=1.0)),
             "variances of the data in every layer": instead(lambda impl, scales, epsilon: _reduced(impl, scales, epsilon, recursive=False))},
    witnesses=[{"scales": [2.0] * 6, "epsilon": 0.25}],
)
def exponential_reduction(impl: Any, scales: Any, epsilon: Any) -> Comparison:
    """Batch normalization of four uncorrelated samples divides the constant of scaled identities by the deviation in every layer."""
    return _reduced(impl, scales, epsilon)
