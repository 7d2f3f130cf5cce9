"""A linear layer and the constant factors behind it, channel by channel, are one linear layer: one norm, not two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from proofs_check.audit.graph import Graph, Node
from proofs_check.audit.value import Array

LINEAR = {"Conv": 1, "Gemm": 1, "MatMul": -1}


def merged(graph: Graph) -> Graph:
    """The graph with factors moved into the layers before them; what else needs the layer keeps it."""
    makers: dict[str, Node] = {}
    nodes = []
    for node in graph.nodes:
        made = _merge(node, makers, graph.constants)
        nodes.append(made)
        makers.update({name: made for name in made.outputs if name})
    return replace(graph, nodes=nodes)


def _merge(node: Node, makers: Mapping[str, Node], constants: Mapping[str, Array]) -> Node:
    found = _factors(node, makers, constants)
    if found is None:
        return node
    layer, slopes, shifts = found
    if "slopes" in layer.attributes:
        slopes, shifts = slopes * layer.attributes["slopes"], slopes * layer.attributes["shifts"] + shifts
    proto = type(layer.proto)()
    proto.CopyFrom(layer.proto)
    del proto.output[:]
    proto.output.append(node.outputs[0])
    attributes: dict[str, Any] = {**layer.attributes, "slopes": slopes, "shifts": shifts}
    return replace(layer, name=f"{layer.name} {node.op}", outputs=node.outputs[:1], attributes=attributes, proto=proto)


def _factors(
    node: Node, makers: Mapping[str, Node], constants: Mapping[str, Array]
) -> tuple[Node, Array, Array] | None:
    """The layer before a node that multiplies its channels by constants, the factors, and what is added."""
    if node.domain or node.op not in ("BatchNormalization", "Mul", "Div") or sum(map(bool, node.outputs)) != 1:
        return None
    place = 1 if node.op == "Mul" and node.inputs[0] in constants else 0
    layer = makers.get(node.inputs[place])
    if layer is None or layer.domain or layer.op not in LINEAR or layer.inputs[1] not in constants:
        return None
    if any(name and name not in constants for name in layer.inputs[2:]):
        return None
    channels = _channels(layer, constants[layer.inputs[1]])
    if channels is None:
        return None
    count, rank = channels
    if node.op == "BatchNormalization":
        # Its channels are axis 1, a product's the last one; how many axes there are is not known here.
        return _batch_norm(node, layer, count, constants) if rank else None
    factor = constants.get(node.inputs[1 - place])
    if factor is None or factor.dtype.kind != "f" or not np.isfinite(factor).all():
        return None
    by_channel = _by_channel(np.asarray(factor, dtype=np.float64), count, rank)
    if by_channel is None or (node.op == "Div" and (by_channel == 0).any()):
        return None
    return layer, 1 / by_channel if node.op == "Div" else by_channel, np.zeros(count)


def _batch_norm(
    node: Node, layer: Node, count: int, constants: Mapping[str, Array]
) -> tuple[Node, Array, Array] | None:
    known = [constants.get(name) for name in node.inputs[1:5]]
    if node.version < 7 or node.attributes.get("training_mode", 0) or len(known) != 4:
        return None
    wide = [np.asarray(array, dtype=np.float64) for array in known if array is not None]
    if len(wide) != 4 or any(a.shape != (count,) or not np.isfinite(a).all() for a in wide):
        return None
    scale, shift, mean, variance = wide
    epsilon = float(node.attributes.get("epsilon", 1e-5))
    if (variance < 0).any() or (variance + epsilon <= 0).any():
        return None
    slopes = scale / np.sqrt(variance + epsilon)
    return layer, slopes, shift - slopes * mean


def _channels(layer: Node, W: Array) -> tuple[int, int] | None:
    """How many channels a layer has, and on which axis of its output they lie: 1, or the last one (0)."""
    if layer.op == "Conv":
        return (len(W), W.ndim) if W.ndim > 2 else None
    if W.ndim != 2:
        return None
    if layer.op == "Gemm":
        return W.shape[0 if layer.attributes.get("transB", 0) else 1], 2
    return W.shape[1], 0


def _by_channel(factor: Array, count: int, rank: int) -> Array | None:
    """A constant as one factor a channel; None if it varies otherwise, or adds axes."""
    if factor.size == 1 and factor.ndim <= max(rank, 1):
        return np.full(count, float(factor.reshape(-1)[0]))
    if rank == 0:
        return factor if factor.shape == (count,) else None
    shape = (1,) * (rank - factor.ndim) + factor.shape
    fits = factor.ndim <= rank and factor.size == count and shape[1] == count
    return factor.reshape(-1) if fits else None
