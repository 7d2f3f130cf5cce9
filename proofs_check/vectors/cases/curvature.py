"""The loss of a last layer, its derivatives, and what Gaussian noise on the weights makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from proofs_check.balls import curvature
from proofs_check.vectors._numbers import Draws
from proofs_check.vectors._spec import ARRAY, INTEGER, NUMBER, Case, Function, bad, distinct

NAN = float("nan")
TWO: list[tuple[str, tuple[str, ...], list[float], int]] = [
    ("equal logits: ln 2", ("Ties", "ClosedForm"), [0.0, 0.0], 0),
    ("equal logits, far from zero", ("Ties", "ClosedForm"), [500.0, 500.0], 1),
    ("right by far: a loss of e^-40", ("Cancellation", "TinyP"), [40.0, 0.0], 0),
    ("right by farther: e^-700", ("Underflow", "TinyP"), [700.0, 0.0], 0),
    ("right by e^-100, which no sum near 1 holds", ("Cancellation", "TinyP"), [0.0, 100.0], 1),
    ("wrong by far", ("TinyP",), [40.0, 0.0], 1),
    ("exponentials overflow", ("OverflowingExponential",), [1000.0, 998.0], 1),
    ("exponentials overflow, the leader", ("OverflowingExponential", "Cancellation"), [1000.0, 980.0], 0),
    ("exponentials underflow", ("Underflow",), [-1000.0, -1001.0], 0),
    ("nearly equal", ("Cancellation",), [1.0, 1.0 + 2.0**-40], 0),
    ("one apart", ("ClosedForm",), [0.0, 1.0], 0),
    ("one apart, the other label", ("ChannelOrder",), [0.0, 1.0], 1),
]
MORE: list[tuple[str, tuple[str, ...], list[float], int]] = [
    ("three equal logits: ln 3", ("Ties", "ClosedForm"), [1.0, 1.0, 1.0], 2),
    ("the label is in the middle", ("ChannelOrder",), [3.0, -1.0, 0.5], 1),
    ("two tie for the lead", ("Ties",), [2.0, 2.0, -3.0], 0),
    ("four classes", ("ClosedForm",), [0.5, -0.5, 1.5, 0.25], 3),
    ("three, exponentials overflow", ("OverflowingExponential",), [800.0, 799.0, 0.0], 0),
]


def _apart(a: list[float], h: Sequence[float] = (), sigma: float = 0.0) -> float:
    """What exponentials of the logits and of the variance lose."""
    return float(1 + max(a) - min(a) + sigma * sigma * sum(v * v for v in h))


def _loss(label: bool = True) -> list[Case]:
    cases, draws = [], Draws("cross_entropy", 0)
    listed = TWO + MORE + [("drawn", ("Drawn",), draws.array(2 + i % 4).tolist(), i % 2) for i in range(24)]
    seen = set()
    for c, f, a, y in listed:
        key = str((a, y if label else 0))
        if key not in seen:
            seen.add(key)
            cases.append(Case(c, f, {"logits": np.array(a), **({"label": y} if label else {})}, condition=_apart(a)))
    if not label:
        cases += [Case(f"{g:g} apart", ("TinyP",) if g > 20 else ("ClosedForm",), {"logits": np.array([0.0, g])}, condition=1 + g) for g in (2.0, 5.0, 10.0, 25.0, 50.0, 100.0)]
    how: dict[str, Any] = {"label": 0} if label else {}
    return [*distinct(cases), bad("NaN", logits=np.array([NAN, 0.0]), **how), bad("no logits", logits=np.zeros(0), **how)] + (
        [bad("no such label", logits=np.array([1.0, 2.0]), label=2), bad("a negative label", logits=np.array([1.0, 2.0]), label=-1)] if label else [])


NOISES: list[tuple[str, tuple[str, ...], list[float], float]] = [
    ("no noise", ("Boundary",), [1.0, 2.0], 0.0), ("little noise", ("Cancellation",), [1.0, -1.0], 2.0**-10), ("noise 1/2", ("ClosedForm",), [1.0, 0.5], 0.5),
    ("noise 2 on small activations", ("ClosedForm",), [0.25, 0.25, 0.5], 2.0), ("noise 1", ("ClosedForm",), [0.5, -0.5], 1.0), ("no activation", ("Zero", "Boundary"), [0.0, 0.0], 0.5),
]


def _smoothed(most_classes: int = 9, label: bool = True) -> list[Case]:
    cases = []
    listed = [item for item in TWO + MORE if len(item[2]) <= most_classes and max(abs(v) for v in item[2]) < 600]
    if not label:
        listed.append(("two apart", ("ClosedForm",), [2.0, 0.0], 0))
    for c, f, a, y in listed:
        for d, g, h, s in NOISES:
            closed = tuple((set(f) | set(g)) - {"ClosedForm"}) or ("ClosedForm",)
            cases.append(Case(f"{c}; {d}", closed, {"logits": np.array(a), **({"label": y} if label else {}), "h": np.array(h), "sigma": s}, condition=_apart(a, h, s)))
    good: dict[str, Any] = {"logits": np.array([1.0, 0.0]), **({"label": 0} if label else {}), "h": np.ones(2), "sigma": 0.5}
    return [*distinct(cases), bad("negative noise", **{**good, "sigma": -0.5}), bad("NaN", **{**good, "h": np.array([NAN])})] + (
        [bad("no such label", **{**good, "label": 2})] if label else [])


def _huber() -> list[Case]:
    cases = [Case(f"curvature {c:g}, gradient {g:g}, noise {s:g}", ("Zero", "Boundary") if 0 in (c, g) else ("Boundary",) if s == 0 else ("Cancellation",) if g / (c * s) < 1e-6 else ("TinyP",) if g / (c * s) > 6 else ("ClosedForm",),
                  {"curvature": c, "gradient": g, "sigma": s})
             for c in (1.0, 4.0, 2.0**20, 0.0) for g in (1.0, 0.25, 2.0**-20, 0.0) for s in (0.5, 2.0, 0.0)]
    return [*cases, bad("negative noise", curvature=1.0, gradient=1.0, sigma=-1.0), bad("NaN", curvature=NAN, gradient=1.0, sigma=1.0), bad("negative curvature", curvature=-1.0, gradient=1.0, sigma=1.0)]


LL, NOISE = {"logits": ARRAY, "label": INTEGER}, {"h": ARRAY, "sigma": NUMBER}
FUNCTIONS = [
    Function("curvature.cross_entropy", "minus the logarithm of the softmax of the logits at the label", "exact", LL, _loss, curvature.cross_entropy),
    Function("curvature.cross_entropy_gradient", "its derivative: softmax less the label", "exact", LL, _loss, curvature.cross_entropy_gradient),
    Function("curvature.cross_entropy_hessian", "its second derivative", "exact", {"logits": ARRAY}, lambda: _loss(False), curvature.cross_entropy_hessian),
    Function("curvature.activation_decay", "the cross entropy plus |h|^2 sigma^2 / 2: a bound on its mean under noise on the last layer's weights", "upper", {**LL, **NOISE}, lambda: _smoothed(2),
             curvature.activation_decay, truth=curvature.smoothed_cross_entropy),
    Function("curvature.smoothed_cross_entropy_bound", "a sharper bound on that mean", "upper", {**LL, **NOISE}, lambda: _smoothed(2),
             curvature.smoothed_cross_entropy_bound, truth=curvature.smoothed_cross_entropy),
    Function("curvature.taylor_smoothed_cross_entropy", "the cross entropy plus sigma^2 |h|^2 / 2 times the trace of its Hessian: an estimate of its mean under noise on the last layer's weights, "
             "wrong by sigma^4 |h|^4 / 16 at most, on either side", "estimate", {**LL, **NOISE}, lambda: _smoothed(2), curvature.taylor_smoothed_cross_entropy, truth=curvature.smoothed_cross_entropy),
    Function("curvature.smoothed_cross_entropy", "the mean of the cross entropy of logits + W h, W of independent normal entries of deviation sigma; two classes", "exact", {**LL, **NOISE}, lambda: _smoothed(2),
             curvature.smoothed_cross_entropy),
    Function("curvature.smoothed_cross_entropy_gradient", "its derivative by the logits; two classes", "exact", {**LL, **NOISE}, lambda: _smoothed(2), curvature.smoothed_cross_entropy_gradient),
    Function("curvature.smoothed_cross_entropy_hessian", "its second derivative by the logits; two classes", "exact", {"logits": ARRAY, **NOISE}, lambda: _smoothed(2, False),
             curvature.smoothed_cross_entropy_hessian),
    Function("curvature.smoothed_hessian_bound", "curvature * erf(gradient / (sqrt(2) curvature sigma)): a bound on the curvature after smoothing", "upper", {"curvature": NUMBER, "gradient": NUMBER, "sigma": NUMBER}, _huber,
             curvature.smoothed_hessian_bound),
]
