#!/usr/bin/env bash
# onnx 1.23.2, onnx.reference: Erf of doubles, and with it Gelu, is computed in single precision and returned as doubles:
# errors of 1e-8 where float64 has 1e-16, and slopes by differences that are noise. Tanh, Softplus and Sigmoid keep doubles.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check onnx==1.23.2 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import math

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

def run(op, x):
    values = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, x.shape) for name in "xy"]
    graph = helper.make_graph([helper.make_node(op, ["x"], ["y"])], "g", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    return ReferenceEvaluator(model).run(None, {"x": x})[0]

print("onnx", onnx.__version__)
x = np.array([0.1, 0.3, 1.7])
right = {
    "Erf": [math.erf(v) for v in x], "Gelu": [v / 2 * math.erfc(-v / math.sqrt(2)) for v in x],
    "Tanh": [math.tanh(v) for v in x],
}
errors = {op: float(np.abs(run(op, x) - values).max()) for op, values in right.items()}
for op, error in errors.items():
    print(op, run(op, x).dtype, f"largest error {error:.2g}")
assert errors["Erf"] > 1e-9 and errors["Gelu"] > 1e-10 and errors["Tanh"] < 1e-15
PY
