"""From a file to a checked graph: local functions inlined, every operator with its domain and version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Node:
    """One operation: `version` is the opset in which its operator was last changed, 0 where ONNX does not know it."""

    op: str
    domain: str
    version: int
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    proto: Any

    @property
    def operator(self) -> str:
        """Domain, name and version, to be read."""
        domain = f"{self.domain}::" if self.domain else ""
        return f"{domain}{self.op}" + (f"-{self.version}" if self.version else "")


@dataclass(frozen=True)
class Input:
    """An input of the graph; `shape` is None for what is no tensor."""

    name: str
    type: int
    shape: tuple[int | str | None, ...] | None


@dataclass
class Graph:
    """Nodes in order, constants by name, inputs and outputs."""

    nodes: list[Node]
    constants: dict[str, Array]
    inputs: dict[str, Input]
    outputs: list[str]
    opsets: Mapping[str, int] = field(default_factory=dict)
    ir_version: int = 10


def load(path: Path) -> Graph:
    """Read and check a model.

    Raises
    ------
    ValueError
        If the file cannot be read, is not valid, or holds what cannot be a graph of tensors.
    """
    try:
        import onnx
    except ImportError as missing:
        raise ValueError("an .onnx file needs the package onnx: pip install 'lipref[onnx]'") from missing
    try:
        model = onnx.load(str(path))
        _check(path)
        return of_model(model)
    except Exception as unreadable:
        reason = " ".join(str(unreadable).split()) or type(unreadable).__name__
        raise ValueError(f"{path}: not a readable .onnx file: {reason}") from unreadable


def of_model(model: Any) -> Graph:
    """The graph of a model that is checked, its local functions written out."""
    from onnx import inliner

    if model.functions:
        model = inliner.inline_local_functions(model)
    opsets = {_domain(o.domain): o.version for o in model.opset_import}
    return of_proto(model.graph, opsets, model.ir_version)


def of_proto(graph: Any, opsets: Mapping[str, int], ir_version: int) -> Graph:
    """The graph, or the branch or body of a node."""
    from onnx import numpy_helper

    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    constants |= {t.values.name: _dense(t) for t in graph.sparse_initializer}
    inputs = {v.name: _input(v) for v in graph.input if v.name not in constants}
    nodes = []
    for node in _nodes(graph, opsets):
        value = _constant(node) if node.op == "Constant" and not node.domain else None
        if value is None:
            nodes.append(node)
        else:
            constants[node.outputs[0]] = value
    return Graph(nodes, constants, inputs, [v.name for v in graph.output], opsets, ir_version)


def _check(path: Path) -> None:
    """ONNX's own check, by path so that files above 2 GB pass; a deprecated operator is refused later, by its name."""
    import onnx

    try:
        onnx.checker.check_model(str(path))
    except onnx.checker.ValidationError as invalid:
        if "deprecated" not in str(invalid):
            raise


def _domain(name: str) -> str:
    return "" if name == "ai.onnx" else name


def _nodes(graph: Any, opsets: Mapping[str, int]) -> Iterator[Node]:
    from onnx import helper

    for i, node in enumerate(graph.node):
        domain = _domain(node.domain)
        # Named by what it makes: names of nodes are optional and need not differ.
        name = node.name or next((o for o in node.output if o), "") or f"node {i}"
        yield Node(
            node.op_type, domain, _version(node.op_type, domain, opsets), name, tuple(node.input), tuple(node.output),
            {a.name: helper.get_attribute_value(a) for a in node.attribute}, node)


def _version(op: str, domain: str, opsets: Mapping[str, int]) -> int:
    import onnx

    try:
        return int(onnx.defs.get_schema(op, opsets.get(domain, 1), domain).since_version)
    except onnx.defs.SchemaError:
        return 0


def _constant(node: Node) -> Array | None:
    """The value of a Constant, None for one of strings."""
    from onnx import numpy_helper

    [(kind, value)] = node.attributes.items()
    if kind == "value":
        return numpy_helper.to_array(value)
    if kind == "sparse_value":
        return _dense(value)
    types = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}
    return np.asarray(value, dtype=types[kind]) if kind in types else None


def _input(value: Any) -> Input:
    kind = value.type.WhichOneof("value")
    if kind != "tensor_type":
        return Input(value.name, 0, None)
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return Input(value.name, tensor.elem_type, None)
    return Input(value.name, tensor.elem_type, tuple(
        d.dim_value if d.HasField("dim_value") else d.dim_param or None for d in tensor.shape.dim))


def _dense(sparse: Any) -> Array:
    from onnx import numpy_helper

    values, places = numpy_helper.to_array(sparse.values), numpy_helper.to_array(sparse.indices)
    array = np.zeros(tuple(sparse.dims), values.dtype)
    if places.ndim == 1:
        array.reshape(-1)[places] = values
    else:
        array[tuple(places.T)] = values
    return array
