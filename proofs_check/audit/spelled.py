"""What exporters spell out in several nodes and is one function: normalization by the statistics of the input, gates.

Each is replaced by one node of the domain lipref, in the place of the last; the others stay where another needs them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from proofs_check.audit import gates
from proofs_check.audit.graph import Graph, Node


def fused(graph: Graph, moving: set[str]) -> Graph:
    """The graph with one node for each function that is known."""
    normalized = _normalized(graph)
    found = {**gates.find(graph, moving), **normalized}
    nodes = [found.get(node.outputs[0], node) if len(node.outputs) == 1 else node for node in graph.nodes]
    return replace(graph, nodes=nodes)


def _normalized(graph: Graph) -> dict[str, Node]:
    """X - mean(x), or x, over the root of the mean of its squares plus epsilon."""
    makers = {name: node for node in graph.nodes for name in node.outputs if not node.domain and node.version}
    found = {}
    for node in graph.nodes:
        if node.domain or node.op not in ("Div", "Mul") or len(node.inputs) != 2:
            continue
        for numerator, other in ((0, 1), (1, 0))[: 1 if node.op == "Div" else 2]:
            made = _match(graph, makers, node, node.inputs[numerator], node.inputs[other])
            if made is not None:
                found[node.outputs[0]] = made
    return found


def _match(graph: Graph, makers: Mapping[str, Node], node: Node, top: str, bottom: str) -> Node | None:
    deviation = _deviation(graph, makers, node.op, bottom)
    added = makers.get(deviation or "")
    if added is None or added.op != "Add":
        return None
    for variance, epsilon in (added.inputs, added.inputs[::-1]):
        number = graph.constants.get(epsilon)
        mean = makers.get(variance)
        if number is None or number.size != 1 or mean is None or mean.op != "ReduceMean":
            continue
        square = makers.get(mean.inputs[0])
        axes = _axes(graph, mean)
        if square is None or axes is None or not _is_square(graph, square, top):
            continue
        root, centred = top, False
        difference = makers.get(top)
        if difference is not None and difference.op == "Sub":
            average = makers.get(difference.inputs[1])
            if (average is not None and average.op == "ReduceMean" and average.inputs[0] == difference.inputs[0]
                    and _axes(graph, average) == axes):
                root, centred = difference.inputs[0], True
        attributes = {"epsilon": float(np.asarray(number).reshape(-1)[0]), "axes": axes, "centred": centred}
        return Node("Normalized", "lipref", 1, node.name, (root,), node.outputs, attributes, node.proto)
    return None


def _deviation(graph: Graph, makers: Mapping[str, Node], op: str, name: str) -> str | None:
    """What the root is taken of: by a quotient, or by a product with the inverse of the root."""
    made = makers.get(name)
    if made is None:
        return None
    if op == "Div":
        return made.inputs[0] if made.op == "Sqrt" or _is_power(graph, made, 0.5) else None
    if made.op == "Reciprocal":
        return _deviation(graph, makers, "Div", made.inputs[0])
    if made.op == "Div" and _is_number(graph, made.inputs[0], 1.0):
        return _deviation(graph, makers, "Div", made.inputs[1])
    return made.inputs[0] if _is_power(graph, made, -0.5) else None


def _is_square(graph: Graph, node: Node, name: str) -> bool:
    if node.op == "Mul":
        return tuple(node.inputs) == (name, name)
    return node.inputs[0] == name and _is_power(graph, node, 2.0)


def _is_power(graph: Graph, node: Node, p: float) -> bool:
    return node.op == "Pow" and _is_number(graph, node.inputs[1], p)


def _is_number(graph: Graph, name: str, value: float) -> bool:
    array = graph.constants.get(name)
    return array is not None and array.size == 1 and float(np.asarray(array).reshape(-1)[0]) == value


def _axes(graph: Graph, node: Node) -> tuple[int, ...] | None:
    """The axes of a mean that keeps them; None if it does not, or takes all."""
    if not node.attributes.get("keepdims", 1):
        return None
    axes: Sequence[int] | None = node.attributes.get("axes")
    if axes is None and len(node.inputs) > 1 and node.inputs[1] in graph.constants:
        axes = graph.constants[node.inputs[1]].reshape(-1).tolist()
    return tuple(sorted(int(axis) for axis in axes)) if axes else None


