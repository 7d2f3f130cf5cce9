"""What exporters spell out in several nodes and is one function: normalization by the statistics of the input, gates.

Each is replaced by one node of the domain lipref, in the place of the last; the others stay where another needs them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from proofs_check.audit import gates
from proofs_check.audit.graph import Graph, Node


def fused(graph: Graph, moving: set[str]) -> Graph:
    """The graph with one node for each function that is known."""
    found = {**gates.find(graph, moving), **_Normalizations(graph).find()}
    nodes = [found.get(node.outputs[0], node) if len(node.outputs) == 1 else node for node in graph.nodes]
    return replace(graph, nodes=nodes)


@dataclass(frozen=True)
class _Squares:
    """`share` times the mean of the squares of a tensor over some axes; `shape` where it was reshaped to one."""

    of: str
    axes: tuple[int, ...]
    share: float
    is_sum: bool
    shape: tuple[int, ...] | None


class _Normalizations:
    """d over sqrt(v + epsilon), sqrt(v) + epsilon or max(|d|, epsilon), where v is a share of the mean of d squared.

    d is a tensor or its deviation from its mean. All have the constant 1 / sqrt(epsilon) or 1 / epsilon, for any share:
    across d the slope is 1 over the denominator, along d it is smaller.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.makers = {name: node for node in graph.nodes for name in node.outputs if not node.domain and node.version}

    def find(self) -> dict[str, Node]:
        """By output the node that stands for a normalization."""
        found = {}
        for node in self.graph.nodes:
            if node.domain or node.op not in ("Div", "Mul") or len(node.inputs) != 2:
                continue
            for top, other in ((0, 1), (1, 0))[: 1 if node.op == "Div" else 2]:
                made = self._match(node, node.inputs[top], node.inputs[other])
                if made is not None:
                    found[node.outputs[0]] = made
        return found

    def _match(self, node: Node, top: str, other: str) -> Node | None:
        bottom = other if node.op == "Div" else self._inverted(other)
        denominator = None if bottom is None else self._denominator(bottom)
        if denominator is None:
            return None
        squares, epsilon = denominator
        root, means = self._deviation(top)
        other_root, other_means = self._deviation(squares.of)
        if root != other_root or (means is None) != (other_means is None):
            return None
        # Axes are counted from either end: the rule, which knows the rank, compares them.
        attributes = {"epsilon": epsilon, "axes": squares.axes, "centred": means is not None, "share": squares.share,
                      "is_sum": squares.is_sum, "kept": squares.shape, "means": [a for a in (means, other_means) if a]}
        return Node("Normalized", "lipref", 1, node.name, (root,), node.outputs, attributes, node.proto)

    def _inverted(self, name: str) -> str | None:
        """What a factor is 1 over, as the name of a denominator; a negative power of 1/2 is one itself."""
        made = self._maker(name)
        if made is None:
            return None
        if made.op == "Reciprocal":
            return made.inputs[0]
        if made.op == "Div" and self._number(made.inputs[0]) == 1:
            return made.inputs[1]
        return name if made.op == "Pow" and self._number(made.inputs[1]) == -0.5 else None

    def _denominator(self, name: str) -> tuple[_Squares, float] | None:
        """The squares in it, and the epsilon inside of the root."""
        made = self._maker(name)
        if made is None:
            return None
        if made.op in ("Clip", "Max") and len(made.inputs) > 1 and (not made.inputs[2:] or not any(made.inputs[2:])):
            low, norm = self._number(made.inputs[1]), self._maker(made.inputs[0])
            axes = None if norm is None or norm.op != "ReduceL2" else self._axes(norm)
            if norm is None or axes is None or low is None or not norm.attributes.get("keepdims", 1):
                return None
            return _Squares(norm.inputs[0], axes, 1.0, True, None), low**2
        if made.op == "Add":  # sqrt(v) + epsilon
            for root, number in (made.inputs, made.inputs[::-1]):
                under, epsilon = self._under_root(self._maker(root)), self._number(number)
                squares = None if under is None else self._squares(under)
                if squares is not None and epsilon is not None and epsilon > 0:
                    return squares, epsilon**2
            return None
        added = self._maker(self._under_root(made) or "")
        if added is None or added.op != "Add":
            return None
        for squared, number in (added.inputs, added.inputs[::-1]):
            squares, epsilon = self._squares(squared), self._number(number)
            if squares is not None and epsilon is not None and epsilon > 0:
                return squares, epsilon
        return None

    def _under_root(self, made: Node | None) -> str | None:
        if made is None:
            return None
        root = made.op == "Sqrt" or (made.op == "Pow" and self._number(made.inputs[1]) in (0.5, -0.5))
        return made.inputs[0] if root else None

    def _squares(self, name: str, share: float = 1.0, shape: tuple[int, ...] | None = None) -> _Squares | None:
        made = self._maker(name)
        if made is None:
            return None
        if made.op in ("Mul", "Div") and len(made.inputs) == 2:
            for inner, number in (made.inputs, made.inputs[::-1])[: 1 if made.op == "Div" else 2]:
                factor = self._number(number)
                if factor is not None and factor > 0:
                    return self._squares(inner, share * factor if made.op == "Mul" else share / factor, shape)
            return None
        if made.op == "Reshape" and made.inputs[1] in self.graph.constants and shape is None:
            sizes = tuple(int(n) for n in self.graph.constants[made.inputs[1]].reshape(-1))
            return self._squares(made.inputs[0], share, sizes)
        axes = self._axes(made) if made.op in ("ReduceMean", "ReduceSum") else None
        square = self._maker(made.inputs[0])
        if axes is None or square is None or (shape is None and not made.attributes.get("keepdims", 1)):
            return None
        if square.op == "Mul" and square.inputs[0] == square.inputs[1]:
            return _Squares(square.inputs[0], axes, share, made.op == "ReduceSum", shape)
        if square.op == "Pow" and self._number(square.inputs[1]) == 2:
            return _Squares(square.inputs[0], axes, share, made.op == "ReduceSum", shape)
        return None

    def _deviation(self, name: str) -> tuple[str, tuple[int, ...] | None]:
        """The tensor whose deviation from its mean this is, and the mean's axes, or the tensor itself."""
        made = self._maker(name)
        if made is not None and made.op == "Sub":
            mean = self._maker(made.inputs[1])
            axes = None if mean is None or mean.op != "ReduceMean" else self._axes(mean)
            if (mean is not None and axes is not None and mean.inputs[0] == made.inputs[0]
                    and mean.attributes.get("keepdims", 1)):
                return made.inputs[0], axes
        return name, None

    def _maker(self, name: str) -> Node | None:
        """What makes a tensor, behind nodes that only repeat it."""
        made = self.makers.get(name)
        while made is not None and made.op in ("Expand", "Identity"):
            made = self.makers.get(made.inputs[0])
        return made

    def _number(self, name: str) -> float | None:
        array = self.graph.constants.get(name)
        return float(np.asarray(array).reshape(-1)[0]) if array is not None and array.size == 1 else None

    def _axes(self, node: Node) -> tuple[int, ...] | None:
        axes: Sequence[int] | None = node.attributes.get("axes")
        if axes is None and len(node.inputs) > 1 and node.inputs[1] in self.graph.constants:
            axes = self.graph.constants[node.inputs[1]].reshape(-1).tolist()
        return tuple(sorted(int(axis) for axis in axes)) if axes else None

