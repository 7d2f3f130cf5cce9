"""Instances for the claims about the curvature of the loss: logits under noise, small networks at their targets."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claims._sides import length
from proofs_check.strategies import dyadics, networks, vectors

LOGITS = dyadics(-8, 8)
NAMES = ("identity", "relu", "tanh", "softplus")


def _noisy(classes: int, sigmas: list[float]) -> Any:
    return st.fixed_dictionaries({
        "logits": vectors(classes, LOGITS), "label": st.integers(0, classes - 1),
        "h": vectors(st.integers(1, 2), dyadics(-1, 1)), "sigma": st.sampled_from(sigmas),
    })


# Means over two normal variables take long in balls where the noise is wide.
TWO = _noisy(2, [0.03125, 0.125, 0.5, 1.0, 2.0, 8.0])
MILD_TWO = _noisy(2, [0.0625, 0.25, 1.0])
NOISY = st.one_of(TWO, _noisy(3, [0.03125, 0.125, 0.25]))
MILD = st.sampled_from([2, 2, 2, 2, 3]).flatmap(lambda c: MILD_TWO if c == 2 else _noisy(3, [0.0625]))


def noise(h: Any, sigma: Any, **_: Any) -> Any:
    """The standard deviation of a logit."""
    return length(h) * sigma


def two_classes(logits: Any, **case: Any) -> bool:
    """Two classes and some noise."""
    return len(logits) == 2 and noise(**case) > 0


def three_classes(logits: Any, **case: Any) -> bool:
    """Three classes and some noise."""
    return len(logits) == 3 and noise(**case) > 0


STRATA = {"two classes": two_classes, "three classes": three_classes}


def flat(classes: int, sigma: float) -> dict[str, Any]:
    """Equal logits, where the noise raises the loss most."""
    return {"logits": np.zeros(classes), "label": 0, "h": np.array([1.0]), "sigma": sigma}


@st.composite
def targets(draw: st.DrawFn, min_depth: int = 1, losses: tuple[str, ...] = ("squared", "cross_entropy")) -> dict[str, Any]:
    """Weights of a small network, an input, an activation and a loss; the target is the network's own output."""
    drawn = draw(networks(max_depth=3, max_width=2).filter(lambda case: len(case["weights"]) >= min_depth))
    return {"weights": drawn["weights"], "x": drawn["x"], "name": draw(st.sampled_from(NAMES)), "loss": draw(st.sampled_from(losses))}


def network_of(impl: Any, weights: Any, name: str) -> Any:
    """With the activation everywhere but in the last layer."""
    return impl.network.FeedForward(weights, [name] * (len(weights) - 1) + ["identity"])


def hessian_at_target(impl: Any, weights: Any, x: Any, name: str, loss: str, which: str = "all") -> Any:
    """Of the loss whose label is what the network says: its gradient in the logits is zero."""
    network = network_of(impl, weights, name)
    logits = network(x)
    label = logits if loss == "squared" else impl.simplex.softmax(logits)
    return impl.curvature.loss_hessian(network, x, label, loss=loss, weights=which)


def printed_bound(impl: Any, weights: Any, x: Any, name: str, loss: str) -> Any:
    """The right side of theorem 7.2.1: the sum over the layers before the last, squared, times the curvature in h."""
    h, last = network_of(impl, weights, name).layers(x), len(weights) - 1
    outer = impl.curvature.cross_entropy_hessian(h[-1]) if loss == "cross_entropy" else np.eye(len(h[-1]))
    total = length(x) * 0
    for j in range(last):
        slopes = np.abs(impl.layers.activation_derivative(weights[j] @ h[j], name))
        term = slopes.max() * length(h[j])
        for later in range(j + 1, last):
            term = term * impl.spectral.spectral_norm(weights[later])
        total = total + term
    return total * total * impl.spectral.spectral_norm(weights[last].T @ outer @ weights[last])
