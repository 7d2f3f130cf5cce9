"""Section 4.2: how large the variances before a normalizer can be, after a normalized layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Case, Comparison, Verdict, claim, instead, tighten
from proofs_check.strategies import dyadics


@st.composite
def _layers(draw: st.DrawFn, kinds: tuple[str, ...] = ("batch", "layer")) -> Case:
    """Samples before a normalizer, the activation after it, the next weight."""
    m, before, after = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return {
        "kind": draw(st.sampled_from(kinds)), "activation": draw(st.sampled_from(["relu", "identity", "tanh"])),
        "Y": np.array(draw(st.lists(dyadics(-3, 3), min_size=m * before, max_size=m * before))).reshape(m, before),
        "W": np.array(draw(st.lists(dyadics(-3, 3), min_size=after * before, max_size=after * before))).reshape(after, before),
        "epsilon": draw(st.sampled_from([0.25, 1.0, 2.0**-20])),
    }


def _variances(impl: Any, kind: str, activation: str, Y: Any, W: Any, epsilon: Any) -> Any:
    """Before the next normalizer: of each feature over the samples, or of each sample over the features."""
    if kind == "batch":
        normalized = impl.normalization.batch_norm_training(Y, epsilon=epsilon)
    else:
        normalized = np.array([impl.normalization.layer_norm(y, epsilon=epsilon) for y in Y])
    seen = np.asarray(impl.layers.activation(normalized, activation)) @ np.asarray(W).T
    values = seen if kind == "batch" else seen.T
    centred = values - values.sum(axis=0) / (epsilon * 0 + len(values))
    return (centred * centred).sum(axis=0) / (epsilon * 0 + len(values))


def _ceiling(impl: Any, W: Any) -> Any:
    norm = impl.spectral.spectral_norm(W)
    return norm * norm * W.shape[1] / W.shape[0]


_SQUARE = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
_DOUBLED = {"kind": "batch", "activation": "identity", "Y": _SQUARE, "W": 2 * np.eye(2), "epsilon": 0.0}
_SHARED: Any = {"verdict": Verdict.SURVIVED, "rounding": lambda **case: 2.0**20}


@claim(
    "than.sec-4.2-variance",
    at="Section 4.2, 'Empirical evidence of large input variances', for a layer after a normalized one",
    tex=r"\frac1{n_k} \sum_j \sigma_{k,j}^2 \le \frac{n_{k-1}}{n_k} \lVert W_k \rVert^2",
    given=_layers(),
    note="After BN each feature has at most unit variance over the data, after LN each sample over its features, and mean 0; an activation with |g(v)| <= |v| does not raise second moments, so E |h_{k-1}|^2 <= n_{k-1}. "
    "So variances before the normalizers of a normalized network are large only where the norm of the weight is as large: they do not come in addition to it. The 10-layer network of figure 2 has no normalizers; "
    "its ResNet18 has, but also shortcuts and scales, which definition 8 leaves out and which this does not cover.",
    strata={"batch": lambda kind, W, Y, **_: kind == "batch" and len(Y) >= 2 and W.shape[1] >= 2, "layer": lambda kind, W, **_: kind == "layer" and W.shape[1] >= 2},
    mutants={"one-percent-tighter": tighten(0.01), "half of the weight's norm": instead(lambda impl, **case: Comparison(
        _mean(impl, **case), "<=", _ceiling(impl, case["W"]) / 4))},
    witnesses=[_DOUBLED, {"kind": "layer", "activation": "identity", "Y": np.array([[1.0, -1.0]]), "W": 2 * np.eye(2), "epsilon": 0.0}],
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


def _floor(impl: Any, case: Case, share: Any = 1) -> Comparison:
    constant = impl.normalization.batch_norm_lipschitz(_variances(impl, **case), epsilon=case["epsilon"])
    return Comparison(1 / np.sqrt(_ceiling(impl, case["W"]) * share + case["epsilon"]), "<=", constant)


@claim(
    "than.sec-4.2-floor",
    at="after Corollary 10, 'This suggests that BN can significantly reduce the Lipschitz constant', and 10^-25 in section 4.2",
    tex=r"\lVert \mathrm{BN}_k \rVert_{Lip} \ge \Bigl(\tfrac{n_{k-1}}{n_k} \lVert W_k \rVert^2 + \epsilon\Bigr)^{-1/2},\quad "
    r"\lVert W_k \rVert \lVert \mathrm{BN}_k \rVert_{Lip} \ge \sqrt{n_k / n_{k-1}} \text{ for } \epsilon \to 0",
    given=_layers(("batch",)),
    note="For k > 1 and the statistics of the data that go through. Whatever the product of all 1/sigma_k is, P_w is as large: from the second layer on the bounds of corollaries 10 and 22 do not fall by a layer of equal width, with no "
    "variances at all. What normalization takes away is the growth of P_w, not more. Definition 8's networks: no shortcuts, no scales.",
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
