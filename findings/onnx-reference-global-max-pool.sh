#!/usr/bin/env bash
# onnx 1.23.2, onnx.reference: GlobalMaxPool of a signal (batch, channels, length) takes the maximum over the channels and
# the length together, and returns an array of two axes: (1, 2, 4) -> (1, 1). The operator's text, and onnxruntime, keep
# the channels: (1, 2, 4) -> (1, 2, 1). For volumes (batch, channels, d, h, w) it keeps d and returns six axes instead of
# five. For images (two axes) it is right. Seen by measured slopes above a bound that is right.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check onnx==1.23.2 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

def pooled(shape):
    values = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, s) for name, s in (("x", shape), ("y", None))]
    graph = helper.make_graph([helper.make_node("GlobalMaxPool", ["x"], ["y"])], "g", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    x = np.arange(np.prod(shape), dtype=float).reshape(shape)
    return ReferenceEvaluator(model).run(None, {"x": x})[0], x.max(axis=tuple(range(2, len(shape))), keepdims=True)

print("onnx", onnx.__version__)
for shape in ((1, 2, 4), (1, 2, 3, 4), (1, 2, 2, 2, 2)):
    got, right = pooled(shape)
    print(shape, "gives shape", got.shape, got.ravel().tolist(), "is", right.shape, right.ravel().tolist())
assert pooled((1, 2, 4))[0].shape == (1, 1)
assert np.array_equal(*pooled((1, 2, 3, 4)))
assert pooled((1, 2, 2, 2, 2))[0].shape != (1, 2, 1, 1, 1)
PY
