"""Thesis 7.2.2, 7.2.3, D.2.1: what Gaussian noise and small activations do to the Hessian."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Kind, Verdict, claim, instead, tighten
from proofs_check.claims._curvature import NOISY, flat, noise
from proofs_check.claims._sides import length
from proofs_check.claims._smoothing import PLACES, SIGMAS, SPLIT, lines, moving, several, smoothed_line, steepest
from proofs_check.strategies import dyadics

NOISY_LOGITS = NOISY.map(lambda case: {key: case[key] for key in ("logits", "h", "sigma")})


def _unlabelled(case: dict[str, Any]) -> dict[str, Any]:
    return {key: case[key] for key in ("logits", "h", "sigma")}


@claim(
    "thesis.cor-7.2.2",
    at="Corollary 7.2.2, equation 7.3",
    tex=r"\lVert \nabla \mathcal{L}(\theta) \rVert \le \epsilon \implies \lVert \nabla^2 \mathcal{L}^\sigma(\theta) \rVert_2 \le H \operatorname{erf}\Bigl(\frac{\epsilon}{\sqrt2 H \sigma}\Bigr)",
    given={"curvature": st.sampled_from([0.5, 1.0, 3.0]), "theta": dyadics(-1, 1), "epsilon": st.sampled_from([0.125, 0.5, 1.0]), "sigma": SIGMAS},
    where=lambda curvature, theta, epsilon, sigma: abs(curvature * theta) <= epsilon,
    verdict=Verdict.REFUTED,
    kind=Kind.AMBIGUOUS,
    reading="The gradient is at most epsilon at theta, 'near a minimum'. If it is so everywhere, as the proof takes it ('for all theta'), the bound holds.",
    note="The text means the gradient at theta, 'near a local minimum'; figure 7.1 takes epsilon as the gradient's norm at the end of training. L = theta^2/2 at its minimum: smoothing adds a constant, "
    "the Hessian stays 1, while the bound goes to 0 with epsilon. The proof needs f_u with values in [0, 2 epsilon] everywhere.",
    counterexample={"curvature": 1.0, "theta": 0.0, "epsilon": 1.0, "sigma": 2.0},
    control={"curvature": 1.0, "theta": 0.0, "epsilon": 1.0, "sigma": 0.0},
    amended_by="thesis.cor-7.2.2.everywhere",
)
def small_gradient_at_a_point(impl: Any, curvature: Any, theta: Any, epsilon: Any, sigma: Any) -> Comparison:
    """The smoothed Hessian of a quadratic is below the bound where its gradient is at most epsilon."""
    # The Weierstrass transform of curvature theta^2 / 2 is that plus curvature sigma^2 / 2.
    return Comparison(curvature, "<=", impl.curvature.smoothed_hessian_bound(curvature, epsilon, sigma))


def _gradient(impl: Any, f: Any, x: Any, sigma: Any, share: float) -> Comparison:
    """The gradient is epsilon (2 f - 1), epsilon = 1/2."""
    found = abs(smoothed_line(f, x, sigma)[1])
    return Comparison(found, "<=", impl.curvature.smoothed_hessian_bound(steepest(f), 0.5 * share, sigma), scale=8.0)


@claim(
    "thesis.cor-7.2.2.everywhere",
    at="Corollary 7.2.2, amended",
    tex=r"\sup_{\theta'} \lVert \nabla \mathcal{L}(\theta') \rVert \le \epsilon \implies \lVert \nabla^2 \mathcal{L}^\sigma(\theta) \rVert_2 \le H \operatorname{erf}\Bigl(\frac{\epsilon}{\sqrt2 H \sigma}\Bigr)",
    given={"f": lines(), "x": PLACES, "sigma": SIGMAS},
    verdict=Verdict.SURVIVED,
    note="Losses along one direction whose gradient is a broken line with values in [-1/2, 1/2]. Huber's function attains it, and only the interval in which u^T gradient lies counts, here of length 2 epsilon. "
    "Cross entropy of a network of two layers has neither an epsilon nor an H: its gradient in the weights grows with them.",
    where=lambda f, x, sigma: moving(f),
    strata={"several kinks": several},
    mutants={"one-percent-tighter": tighten(0.01),
             "half-the-interval": instead(lambda impl, f, x, sigma: _gradient(impl, f, x, sigma, 0.5))},
    witnesses=[{"f": SPLIT, "x": 0.0, "sigma": 0.5}, {"f": SPLIT, "x": 0.0, "sigma": 2.0}],
)
def bounded_gradient(impl: Any, f: Any, x: Any, sigma: Any) -> Comparison:
    """A gradient that is bounded everywhere has a smoothed Hessian below the bound."""
    return _gradient(impl, f, x, sigma, 1.0)


def _last_layer(impl: Any, logits: Any, h: Any, sigma: Any) -> Any:
    """The norm of the smoothed Hessian in the last layer's weights: of a Kronecker product with h h^T."""
    return impl.spectral.spectral_norm(impl.curvature.smoothed_cross_entropy_hessian(logits, h, sigma)) * length(h) * length(h)


def _bound(impl: Any, h: Any, sigma: Any, factor: float) -> Any:
    root = (length(h) * 0 + 2) ** 0.5
    return impl.curvature.smoothed_hessian_bound(length(h) * length(h) / 2, length(h) / root * factor, sigma)


@claim(
    "thesis.cor-7.2.2.cross-entropy",
    at="Corollary 7.2.2 for the last layer's weights, as in figure 7.1",
    tex=r"\lVert \nabla_{W^{(L)}}^2 \mathcal{L}_{CE}^\sigma \rVert_2 \le \frac{\lVert h \rVert^2}{2} \operatorname{erf}\Bigl(\frac{1}{\sigma \lVert h \rVert}\Bigr)",
    given=NOISY_LOGITS,
    where=lambda logits, h, sigma: bool(np.any(h)),
    verdict=Verdict.SURVIVED,
    note="Where the corollary does apply: H = ||h||^2 / 2, and u^T softmax lies in an interval of length at most 2^(1/2), so that epsilon is ||h|| / 2^(1/2) and not the largest gradient 2^(1/2) ||h||. "
    "Sharp for two equal logits, for little noise and for much.",
    strata={"little noise": lambda **case: noise(**case) < 0.2, "much noise": lambda **case: noise(**case) > 4},
    mutants={"one-percent-tighter": tighten(0.01),
             "half-the-interval": instead(lambda impl, logits, h, sigma: Comparison(_last_layer(impl, logits, h, sigma), "<=", _bound(impl, h, sigma, 0.5 if noise(h, sigma) > 1 else 2.0**-6)))},
    witnesses=[_unlabelled(flat(2, 0.03125)), _unlabelled(flat(2, 8.0)), _unlabelled(flat(2, 64.0))],
)
def last_layer(impl: Any, logits: Any, h: Any, sigma: Any) -> Comparison:
    """The Hessian of the smoothed cross entropy in the last layer's weights is below half of ||h||^2 times the error function."""
    return Comparison(_last_layer(impl, logits, h, sigma), "<=", _bound(impl, h, sigma, 1.0))


@claim(
    "thesis.sec-7.2.2-reduction",
    at="Section 7.2.2, 'quantifies the reduction in the spectral norm of the Hessian ... near a local minimum'",
    tex=r"\lVert \nabla^2 \mathcal{L}^\sigma(\theta) \rVert_2 \le \lVert \nabla^2 \mathcal{L}(\theta) \rVert_2",
    given=NOISY_LOGITS,
    verdict=Verdict.REFUTED,
    kind=Kind.AMBIGUOUS,
    reading="Reduced against the Hessian at the same place. Against the largest Hessian anywhere, H, it holds (with a gradient bounded everywhere).",
    note="Section 7.2.3 again: 'proves that smoothing contracts the Hessian's spectral norm'. The corollary compares with the largest Hessian anywhere, not with the one at theta. Two logits 8 apart, h = 1, sigma = 2: 0.00067 without noise, 0.0139 with it. A flat place becomes sharper, "
    "as its surroundings are averaged in; and trained networks sit in flat places.",
    counterexample={"logits": np.array([8.0, 0.0]), "h": np.array([1.0]), "sigma": 2.0},
    control={"logits": np.array([0.0, 0.0]), "h": np.array([1.0]), "sigma": 2.0},
    amended_by="thesis.cor-7.2.2.everywhere",
)
def noise_flattens(impl: Any, logits: Any, h: Any, sigma: Any) -> Comparison:
    """Noise on the last layer lowers the norm of the Hessian of the cross entropy."""
    without = impl.spectral.spectral_norm(impl.curvature.cross_entropy_hessian(logits)) * length(h) * length(h)
    return Comparison(_last_layer(impl, logits, h, sigma), "<=", without)


HEADS = st.integers(1, 2).flatmap(lambda d: st.fixed_dictionaries({
    "W": st.lists(dyadics(-2, 2), min_size=2 * d, max_size=2 * d).map(lambda v: np.array(v).reshape(2, -1)),
    "h": st.lists(dyadics(-4, 4), min_size=d, max_size=d).map(np.array)}))


def _in_activations(impl: Any, W: Any, h: Any) -> Any:
    return impl.spectral.spectral_norm(W.T @ impl.curvature.cross_entropy_hessian(W @ h) @ W)


@claim(
    "thesis.sec-7.2.3-curvature",
    at="Section 7.2.3, the penalty ||h||^2 'directly targets the curvature term' in h of theorem 7.2.1",
    tex=r"\lVert \nabla_h^2 \mathcal{L}(h/2) \rVert \le \lVert \nabla_h^2 \mathcal{L}(h) \rVert",
    given=HEADS,
    verdict=Verdict.REFUTED,
    kind=Kind.AMBIGUOUS,
    reading="'Targets' read as 'lowers': the curvature in the activations. The curvature in the last weights is bounded by the penalty.",
    note="The curvature in h is W^T (diag p - p p^T) W. Smaller activations bring p nearer to the uniform distribution, where it is largest: W = (1, -1)^T, 0.071 at h = 2, 0.42 at h = 1, 1 at h = 0. "
    "What the penalty bounds is the curvature in W^(L).",
    counterexample={"W": np.array([[1.0], [-1.0]]), "h": np.array([2.0])},
    control={"W": np.array([[1.0], [-1.0]]), "h": np.array([0.0])},
    amended_by="thesis.sec-7.2.3-curvature.last-layer",
)
def smaller_activations(impl: Any, W: Any, h: Any) -> Comparison:
    """Half the activations have no larger curvature in the activations."""
    return Comparison(_in_activations(impl, W, h / 2), "<=", _in_activations(impl, W, h))


def _in_weights(impl: Any, W: Any, h: Any) -> Any:
    network = impl.network.FeedForward([W], "identity")
    return impl.spectral.spectral_norm(impl.curvature.loss_hessian(network, h, 0, weights="last"))


@claim(
    "thesis.sec-7.2.3-curvature.last-layer",
    at="Section 7.2.3, amended",
    tex=r"\lVert \nabla_{W^{(L)}}^2 \mathcal{L} \rVert = \lVert \nabla_a^2 \mathcal{L} \rVert\, \lVert h \rVert^2 \le \tfrac12 \lVert h \rVert^2",
    given=HEADS,
    verdict=Verdict.SURVIVED,
    note="The penalty of activation decay is sigma^2 times this bound. Everywhere, not at minimizers only: logits are linear in the last layer's weights. Equality for equal logits.",
    where=lambda W, h: bool(np.any(h)),
    strata={"two activations": lambda W, h: len(h) == 2 and np.all(h != 0)},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"W": np.array([[1.0], [1.0]]), "h": np.array([2.0])}, {"W": np.array([[1.0, 2.0], [1.0, 2.0]]), "h": np.array([2.0, 1.0])}],
)
def activations_and_weights(impl: Any, W: Any, h: Any) -> Comparison:
    """The curvature in the last layer's weights is that in the logits times ||h||^2, at most half of that."""
    network = impl.network.FeedForward([W], "identity")
    exact = impl.curvature.hessian_norm_bound(network, h, weights="last")
    found, half = _in_weights(impl, W, h), length(h) * length(h) / 2
    slack = half * 2.0**-30  # an equality of two arithmetics, as two inequalities
    return Comparison([found, exact, found], "<=", [exact + slack, found + slack, half], scale=half)
