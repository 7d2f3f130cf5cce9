"""What ONNX itself says of one node: types and shapes of its outputs, and their values where all inputs are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from proofs_check.audit.graph import Node
from proofs_check.audit.value import Array, Refused, Value

# Values above this many entries are not looked into when shapes are inferred: weights, not sizes.
SMALL = 4096
# Above this many entries a constant is not computed.
LARGEST = 100_000_000
RANDOM = {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"}

Type = tuple[int, tuple[int, ...]]


def output_types(node: Node, args: Sequence[Value | None], opsets: Mapping[str, int], ir: int) -> list[Type | None]:
    """Element type and shape of every output; None for one that is left out or whose size depends on values."""
    from onnx import defs, helper, numpy_helper, shape_inference

    schema = defs.get_schema(node.op, opsets.get(node.domain, 1), node.domain)
    types, data = {}, {}
    for name, value in zip(node.inputs, args, strict=True):
        if value is not None:
            types[name] = helper.make_tensor_type_proto(value.type, value.shape)
            if value.constant is not None and value.count <= SMALL and value.constant.dtype.kind in "fiub":
                data[name] = numpy_helper.from_array(np.ascontiguousarray(value.constant), name)
    try:
        inferred = shape_inference.infer_node_outputs(
            schema, node.proto, types, data, opset_imports=_imports(opsets), ir_version=ir)
    except Exception as wrong:
        raise Refused(f"its shapes do not fit: {' '.join(str(wrong).split())}") from wrong
    return [_type(inferred.get(name)) if name else None for name in node.outputs]


def _type(proto: Any) -> Type | None:
    if proto is None or proto.WhichOneof("value") != "tensor_type" or not proto.tensor_type.HasField("shape"):
        return None
    sizes = [d.dim_value if d.HasField("dim_value") else None for d in proto.tensor_type.shape.dim]
    return None if None in sizes else (proto.tensor_type.elem_type, tuple(int(n) for n in sizes if n is not None))


def evaluate(node: Node, arrays: Sequence[Array | None], opsets: Mapping[str, int], ir: int) -> list[Array]:
    """The outputs for these inputs, by ONNX's reference evaluator."""
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    feeds = {name: array for name, array in zip(node.inputs, arrays, strict=True) if name and array is not None}
    inputs = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
              for name, array in feeds.items()]
    names = [name for name in node.outputs if name]
    outputs = [helper.make_empty_tensor_value_info(name) for name in names]
    graph = helper.make_graph([node.proto], "node", inputs, outputs)
    model = helper.make_model(graph, opset_imports=_imports(opsets), ir_version=ir)
    try:
        with np.errstate(all="ignore"):
            return [np.asarray(array) for array in ReferenceEvaluator(model).run(None, feeds)]
    except Exception as wrong:
        raise Refused(f"a constant that cannot be computed: {' '.join(str(wrong).split())}") from wrong


def _imports(opsets: Mapping[str, int]) -> list[Any]:
    from onnx import helper

    return [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
