"""What refimpl.curvature promises in floating point, against balls."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import ctx
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Verdict, claim, instead
from proofs_check.claims._curvature import MILD, STRATA, network_of, noise
from proofs_check.strategies import networks

SMOOTH = ("tanh", "sigmoid", "gelu", "softplus", "silu", "relu", "leaky_relu", "abs")


def _hessians(impl: Any, case: Any, factor: float) -> Comparison:
    weights, x, name, loss, which = (case[key] for key in ("weights", "x", "name", "loss", "which"))
    label = np.ones(len(weights[-1])) if loss == "squared" else 0
    which = "all" if len(weights) == 1 else which
    found, true = (
        one.curvature.loss_hessian(network_of(one, weights, name), x, label, loss=loss, weights=which) for one in (impl, impl.exact)
    )
    errors = [abs(exact - float(entry) * factor) for entry, exact in zip(np.ravel(found), np.ravel(true), strict=True)]
    size = np.prod([1 + np.abs(W).sum() for W in weights]) ** 2 * (1 + np.abs(x).sum()) ** 2
    return Comparison(errors, "<=", [error * 0 + 64 * float(size) * 2.0**-53 for error in errors])


NETWORKS = networks(max_depth=3, max_width=2).flatmap(lambda case: st.fixed_dictionaries({
    "weights": st.just(case["weights"]), "x": st.just(case["x"]), "name": st.sampled_from(SMOOTH),
    "loss": st.sampled_from(["squared", "cross_entropy"]), "which": st.sampled_from(["all", "inner", "last"])}))


@claim(
    "lipref.loss-hessian",
    at="refimpl.curvature.loss_hessian",
    tex=r"|\mathrm{fl}(H)_{ij} - H_{ij}| \le 64 u \Bigl((1 + \lVert x \rVert_1) \prod_l (1 + \lVert W_l \rVert_1)\Bigr)^2",
    given=NETWORKS,
    verdict=Verdict.SURVIVED,
    note="Against second coefficients of power series in balls, along the axes and their sums. At a kink both take the slope from the left.",
    strata={"two layers": lambda weights, **case: len(weights) >= 2 and all(np.any(W) for W in weights) and np.any(case["x"]) and case["loss"] == "squared" and case["which"] != "inner"},
    mutants={"1e-10": instead(lambda impl, **case: _hessians(impl, case, 1 + 1e-10))},
    promise=True,
)
def network_hessians(impl: Any, **case: Any) -> Comparison:
    """Hessians of the loss of small networks are those of power series."""
    return _hessians(impl, case, 1.0)


def _means(impl: Any, logits: Any, label: Any, h: Any, sigma: Any, shift: float) -> Comparison:
    with ctx.workprec(64):  # more than is compared, and the nodes grow with it
        found, true = _both(impl, logits, label, h, sigma)
    allowed = 64 * 2.0**-53 * (1 + float(noise(h, sigma)) + float(np.ptp(logits)))
    errors = [abs(exact - float(value) - shift) for value, exact in zip(found, true, strict=True)]
    return Comparison(errors, "<=", [error * 0 + allowed for error in errors])


def _both(impl: Any, logits: Any, label: Any, h: Any, sigma: Any) -> tuple[list[Any], ...]:
    return tuple(
        [one.curvature.smoothed_cross_entropy(logits, label, h, sigma), *one.curvature.smoothed_cross_entropy_gradient(logits, label, h, sigma),
         *np.ravel(one.curvature.smoothed_cross_entropy_hessian(logits, h, sigma))] for one in (impl, impl.exact)
    )


@claim(
    "lipref.smoothed-cross-entropy",
    at="refimpl.curvature.smoothed_cross_entropy, its gradient and its Hessian",
    tex=r"|\mathrm{fl}(\cdot) - \cdot| \le 64 u (1 + \sigma \lVert h \rVert + \max a - \min a)",
    given=MILD,
    verdict=Verdict.SURVIVED,
    note="The reference integrates products of distribution functions in one dimension; the balls the definition, in as many dimensions as there are differences of logits.",
    strata=STRATA,
    mutants={"1e-12": instead(lambda impl, **case: _means(impl, **case, shift=1e-12))},
    promise=True,
)
def smoothed_means(impl: Any, logits: Any, label: Any, h: Any, sigma: Any) -> Comparison:
    """The smoothed cross entropy and its derivatives are those of the definition."""
    return _means(impl, logits, label, h, sigma, 0.0)


def _small(impl: Any, gap: float, sigma: float, factor: float) -> Comparison:
    """Relative errors, each over what rounding the exponents makes of it."""
    case = (np.array([gap, 0.0]), 0, np.array([0.6, 0.8]), sigma)
    found, true = _values(impl, case), _values(impl.exact, case)
    allowed = 64 * 2.0**-53 * (1 + gap + sigma * sigma)
    errors = [abs(exact - float(value) * factor) / abs(exact) for value, exact in zip(found, true, strict=True)]
    return Comparison(errors, "<=", [error * 0 + allowed for error in errors])


def _values(one: Any, case: Any) -> list[Any]:
    logits, label, h, sigma = case
    of = one.curvature
    with ctx.workprec(160):  # losses of e^-40 to 30 digits
        return [of.cross_entropy(logits, label), of.smoothed_cross_entropy(*case), *of.smoothed_cross_entropy_gradient(*case),
                *np.ravel(of.smoothed_cross_entropy_hessian(logits, h, sigma)), of.smoothed_cross_entropy_bound(*case)]


@claim(
    "lipref.small-losses",
    at="refimpl.curvature.cross_entropy, smoothed_cross_entropy, their derivatives and smoothed_cross_entropy_bound",
    tex=r"|\mathrm{fl}(\ell) - \ell| \le 64 u (1 + \Delta + \sigma^2 \lVert h \rVert^2)\, \ell, \qquad \Delta = a_1 - a_2",
    given={"gap": st.sampled_from([5.0, 40.0]), "sigma": st.sampled_from([0.0, 0.25, 2.0])},
    verdict=Verdict.SURVIVED,
    note="Two classes. An absolute error of a roundoff, as the logarithm of a sum near 1 has, is the whole loss from a gap of 37 on.",
    strata={"a loss below a roundoff": lambda gap, sigma: gap >= 40 and sigma > 0, "a loss above": lambda gap, sigma: gap < 20 and sigma > 0},
    mutants={"1e-11": instead(lambda impl, gap, sigma: _small(impl, gap, sigma, 1 + 1e-11)),
             "without-the-noise": instead(lambda impl, gap, sigma: _small(impl, gap, 0.0 * sigma, 1 + 0.01 * sigma))},
    promise=True,
)
def small_losses(impl: Any, gap: float, sigma: float) -> Comparison:
    """Losses, smoothed losses, their derivatives and bounds are right to the last digits, however small they are."""
    return _small(impl, gap, sigma, 1.0)
