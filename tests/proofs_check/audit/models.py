"""Small ONNX models, and the matrix of a linear one by the reference evaluator."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from proofs_check.audit.graph import of_model
from proofs_check.audit.model import Options, audit

TYPES = {"f8": TensorProto.DOUBLE, "f4": TensorProto.FLOAT}


def model(nodes, inputs, constants=None, outputs=("y",), opset=20, domains=(), functions=(), dtype="f8"):
    """A model: nodes, shapes of the inputs, arrays; real numbers get the type of the inputs."""
    arrays = {name: np.asarray(array) for name, array in (constants or {}).items()}
    tensors = [numpy_helper.from_array(array.astype(dtype) if array.dtype.kind == "f" else array, name)
               for name, array in arrays.items()]
    values = [helper.make_tensor_value_info(name, TYPES[dtype], shape) for name, shape in inputs.items()]
    ends = [helper.make_empty_tensor_value_info(name) for name in outputs]
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    graph = helper.make_graph(nodes, "g", values, ends, tensors)
    return helper.make_model(graph, opset_imports=opsets, ir_version=9, functions=list(functions))


def audited(made, **options):
    """Its audit."""
    return audit(of_model(made), Options(**options))


def matrix_of(made, shape):
    """The matrix of a linear model without biases, column by column."""
    from onnx.reference import ReferenceEvaluator

    session, size = ReferenceEvaluator(made), int(np.prod(shape))
    name = made.graph.input[0].name
    zero = session.run(None, {name: np.zeros(shape)})[0]
    return np.stack([(session.run(None, {name: e.reshape(shape)})[0] - zero).ravel() for e in np.eye(size)], axis=1)
