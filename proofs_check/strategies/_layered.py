"""Networks of layers as plain data: a list of dictionaries, each with the kind of a layer and its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check.strategies._matrices import dyadics, vectors

PIECEWISE = ("relu", "leaky_relu", "abs", "identity")
SMOOTH = ("tanh", "sigmoid", "gelu", "softplus", "silu")
ENTRIES = dyadics(-2, 2)
# With epsilon 1 the standard deviations are 1, 2 and 4.
VARIANCES = st.sampled_from([0.0, 3.0, 15.0])
KINDS = ("dense", "convolution", "activation", "batch_norm", "max_pool", "average_pool", "residual")


def layered_networks(
    inputs: int | None = None, activations: tuple[str, ...] = PIECEWISE, max_parts: int = 4
) -> SearchStrategy[dict[str, Any]]:
    """Networks of layers as plain data: a list of dictionaries, each with the kind of a layer and its numbers.

    Dense layers, convolutions of both paddings and strides, activations, frozen batch normalization, pools with
    overlapping windows, residual blocks with and without a shortcut; `network_from` makes a network of them.

    Parameters
    ----------
    inputs : int, optional
        Number of entries of the input; 1 to 4 without it.
    activations : tuple of str
        Names of the activations.
    max_parts : int
        Largest number of layers.

    Returns
    -------
    strategy
        Of dictionaries: ``inputs`` and ``parts``, at least one layer.

    Examples
    --------
    >>> from hypothesis import find
    >>> data = find(layered_networks(), lambda data: data["parts"][0]["kind"] == "residual")
    >>> data["parts"][0]["block"]
    [{'kind': 'activation', 'name': 'relu'}]
    """
    return _layered_networks(inputs, activations, max_parts)


@st.composite
def _layered_networks(
    draw: st.DrawFn, inputs: int | None, activations: tuple[str, ...], max_parts: int
) -> dict[str, Any]:
    n = first = draw(st.integers(1, 4)) if inputs is None else inputs
    parts = []
    if inputs == 1:
        parts.append(draw(_dense(1, draw(st.integers(2, 4)))))
        n = len(parts[0]["weight"])
    for _ in range(draw(st.integers(1, max_parts))):
        part, n = draw(_part(n, activations, KINDS))
        parts.append(part)
    return {"inputs": first, "parts": parts}


@st.composite
def _part(draw: st.DrawFn, n: int, activations: tuple[str, ...], kinds: tuple[str, ...]) -> tuple[Any, int]:
    kind = draw(st.sampled_from(kinds))
    if kind == "dense":
        m = draw(st.integers(1, 4))
        return draw(_dense(n, m)), m
    if kind == "activation":
        return {"kind": kind, "name": draw(st.sampled_from(activations))}, n
    if kind == "residual":
        inner, shortcut = draw(_part(n, activations, ("dense", "activation", "batch_norm"))), None
        if inner[1] != n or draw(st.booleans()):
            shortcut = [draw(_dense(n, inner[1]))]
        return {"kind": kind, "inputs": n, "block": [inner[0]], "shortcut": shortcut}, inner[1]
    channels = draw(st.sampled_from([c for c in (1, 2, 4) if n % c == 0]))
    pixels = n // channels
    if kind == "batch_norm":
        return {
            "kind": kind, "mean": draw(vectors(channels, ENTRIES)), "variance": draw(vectors(channels, VARIANCES)),
            "scale": draw(vectors(channels, ENTRIES)), "shift": draw(vectors(channels, ENTRIES)), "pixels": pixels,
        }, n
    if kind == "convolution":
        return draw(_convolution(channels, pixels))
    k, stride = draw(st.integers(1, min(2, pixels))), draw(st.integers(1, 2))
    pool = "max" if kind == "max_pool" else "average"
    part = {"kind": "pooling", "pool": pool, "channels": channels, "n": pixels, "k": k, "stride": stride}
    return part, channels * ((pixels - k) // stride + 1)


@st.composite
def _convolution(draw: st.DrawFn, c_in: int, pixels: int) -> tuple[Any, int]:
    c_out, k, stride = draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(st.integers(1, min(2, pixels)))
    taps = draw(st.lists(ENTRIES, min_size=c_out * c_in * k, max_size=c_out * c_in * k))
    part = {
        "kind": "convolution", "kernel": np.array(taps).reshape(c_out, c_in, 1, k), "n": pixels,
        "bias": draw(vectors(c_out, ENTRIES)), "padding": draw(st.sampled_from(["zero", "circular"])), "stride": stride,
    }
    return part, c_out * -(-pixels // stride)


@st.composite
def _dense(draw: st.DrawFn, n: int, m: int) -> dict[str, Any]:
    entries = draw(st.lists(ENTRIES, min_size=m * n, max_size=m * n))
    return {"kind": "dense", "weight": np.array(entries).reshape(m, n), "bias": draw(vectors(m, ENTRIES))}


def contains(parts: Any, kind: str) -> bool:
    """Whether a layer of this kind is among the parts, those of residual blocks included."""
    return any(
        part["kind"] == kind
        or (part["kind"] == "residual" and (contains(part["block"], kind) or contains(part["shortcut"] or [], kind)))
        for part in parts
    )


def network_from(module: Any, inputs: int, parts: Any) -> Any:
    """The network that such data describe, made of the classes of a module like `refimpl.network`.

    Parameters
    ----------
    module : module or namespace
        Where the classes of the layers are.
    inputs : int
        Number of entries of the input.
    parts : list of dict
        As `layered_networks` draws them.

    Returns
    -------
    Sequential
        Of that module.

    Examples
    --------
    >>> import numpy as np
    >>> import refimpl.network
    >>> dense = {"kind": "dense", "weight": np.eye(2), "bias": np.ones(2)}
    >>> network_from(refimpl.network, 2, [dense])([1, 2]).tolist()
    [2.0, 3.0]
    """
    return module.Sequential([_layer(module, part) for part in parts], inputs)


def _layer(module: Any, part: Any) -> Any:
    kind = part["kind"]
    if kind == "dense":
        return module.Dense(part["weight"], part["bias"])
    if kind == "activation":
        return module.Activation(part["name"])
    if kind == "batch_norm":
        return module.FrozenBatchNorm(
            part["mean"], part["variance"], 1.0, scale=part["scale"], shift=part["shift"], pixels=part["pixels"]
        )
    if kind == "convolution":
        return module.Convolution(
            part["kernel"], (1, part["n"]), part["bias"], padding=part["padding"], stride=(1, part["stride"])
        )
    if kind == "pooling":
        return module.Pooling(part["pool"], part["channels"], (1, part["n"]), (1, part["k"]), (1, part["stride"]))
    block, shortcut = (
        None if branch is None else network_from(module, part["inputs"], branch)
        for branch in (part["block"], part["shortcut"])
    )
    return module.Residual(block, shortcut)
