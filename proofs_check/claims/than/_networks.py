"""Networks for the claims: made from plain data through an implementation."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Case
from proofs_check.claims._sides import length
from proofs_check.strategies import networks, normalizers

_CLASSES = {"batch": "FrozenBatchNorm", "layer": "LayerNorm", "rms": "RMSNorm", "group": "GroupNorm"}


def normalizer_of(impl: Any, data: Any) -> Any:
    """The implementation's normalizer of a dictionary kind, epsilon, mean, variance."""
    fields = {key: value for key, value in data.items() if key != "kind"}
    return getattr(impl.network, _CLASSES[data["kind"]])(**fields)


def network_of(impl: Any, weights: Any, norms: Any = None, activation: Any = "relu") -> Any:
    """The implementation's feed-forward network."""
    made = None if norms is None else [normalizer_of(impl, data) for data in norms]
    return impl.network.FeedForward(weights, activation, made)


def operator_norm(impl: Any, tensor: Any) -> Any:
    """The spectral norm of a Jacobian with respect to a matrix of weights, flattened."""
    array = np.asarray(tensor)
    return impl.spectral.spectral_norm(array.reshape(array.shape[0], -1))


@st.composite
def normalized_networks(
    draw: st.DrawFn, kinds: tuple[str, ...] = ("batch", "layer", "rms", "group"), max_depth: int = 3, max_width: int = 3
) -> Case:
    """A network with a normalizer in every layer, as data."""
    case = draw(networks(max_depth, max_width))
    chosen = draw(st.sampled_from([kinds, *((kind,) for kind in kinds)]))  # mixed, or all alike
    case["norms"] = [draw(normalizers(len(W), chosen)) for W in case["weights"]]
    return case


def quotient(network: Any, x: Any, z: Any) -> Any:
    """|h(x) - h(z)| / |x - z|."""
    return length(network(x) - network(z)) / length(x - z)
