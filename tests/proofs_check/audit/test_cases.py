"""Graphs that an audit by names or by shapes alone gets wrong: each with the constant worked out by hand."""

import functools
import math

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
from models import TYPES, audited, model
from onnx import helper, numpy_helper

from proofs_check.audit.graph import load
from proofs_check.audit.model import audit

F = TYPES["f4"]
graph, bound = functools.partial(model, dtype="f4"), audited
node = helper.make_node
EYE = np.eye(2)


@pytest.mark.parametrize(("nodes", "inputs", "constants", "right"), [
    # What is added moves too, and is scaled.
    ([node("Gemm", ["x", "W", "x"], ["y"], beta=3.0)], {"x": (2, 2)}, {"W": EYE}, 4),
    ([node("Gemm", ["ones", "W", "x"], ["y"])], {"x": (1, 2)}, {"W": EYE / 8, "ones": np.ones((1, 2))}, 1),
    ([node("Gemm", ["x", "x", "c"], ["y"])], {"x": (2, 2)}, {"c": EYE}, None),
    # A bias that moves goes to every pixel.
    ([node("ReduceMean", ["x", "axes"], ["m"], keepdims=0), node("Conv", ["x", "K", "m"], ["y"])],
     {"x": (1, 1, 4)}, {"K": np.ones((1, 1, 1)), "axes": np.array([0, 2])}, 2),
    ([node("ReduceMean", ["x", "axes"], ["m"], keepdims=0),
      node("BatchNormalization", ["x", "one", "m", "zero", "v"], ["y"], epsilon=0.0)],
     {"x": (1, 2, 3)}, {"axes": np.array([0, 2]), "one": np.ones(2), "zero": np.zeros(2), "v": np.full(2, 4.0)}, 1.5),
    # Limits that move.
    ([node("Div", ["x", "c"], ["s"]), node("ReduceMean", ["x"], ["m"], keepdims=0), node("Clip", ["s", "m"], ["y"])],
     {"x": (4,)}, {"c": np.array(64.0)}, math.hypot(1 / 64, 1)),
    # Constants are not repeated, what moves is.
    ([node("Constant", [], ["c"], value_float=1.0), node("Add", ["x", "c"], ["y"])], {"x": (1, 100)}, {}, 1),
    ([node("Constant", [], ["c"], value_float=2.0), node("Mul", ["x", "c"], ["y"])], {"x": (1, 100)}, {}, 2),
    ([node("MaxPool", ["x"], ["p", "y"], kernel_shape=[2, 2])], {"x": (1, 1, 4, 4)}, {}, None),
    ([node("Dropout", ["x", "r", "t"], ["y"])], {"x": (4,)}, {"r": np.array(0.75)}, 4),
])
def test_what_moves_is_counted(nodes, inputs, constants, right):
    made = graph(nodes, inputs, constants)
    if nodes[0].op_type == "Dropout":
        made.graph.initializer.append(numpy_helper.from_array(np.array(True), "t"))
    found = bound(made)
    assert (found.bound is None) if right is None else found.bound == pytest.approx(right, rel=1e-6), found


def test_the_channels_behind_a_product_are_not_its_columns():
    normalization = node("BatchNormalization", ["h", "s", "zero", "zero", "one"], ["y"], epsilon=0.0)
    constants = {"W": np.diag([1.0, 0.125]), "s": np.array([1.0, 8.0]), "zero": np.zeros(2), "one": np.ones(2)}
    made = graph([node("MatMul", ["x", "W"], ["h"]), normalization], {"x": (1, 2, 2)}, constants)
    assert bound(made).bound == pytest.approx(8, rel=1e-6)


def test_several_inputs_are_bounded_one_by_one():
    found = bound(graph([node("Add", ["x", "z"], ["y"])], {"x": (12, 4), "z": (1, 4)}))
    assert found.by_input == pytest.approx({"x": 1.0, "z": math.sqrt(12)}, rel=1e-12)
    assert found.bound == pytest.approx(math.sqrt(13), rel=1e-12)


def test_a_symbolic_axis_is_never_one():
    made = graph([node("Add", ["x", "z"], ["y"])], {"x": ("seq", 4), "z": (1, 4)})
    with pytest.raises(ValueError, match=r"the first axis of x has no size, and the samples on it mix .* at y: --sh"):
        bound(made)
    assert bound(made, dims={"seq": 16}).bound == pytest.approx(math.sqrt(17), rel=1e-12)


@pytest.mark.parametrize("opset", [9, 15])
def test_training_mode_is_refused(opset):
    outputs = ["y", "m", "v", "s", "t"] if opset == 9 else ["y", "m", "v"]
    training = {} if opset == 9 else {"training_mode": 1}
    made = graph([node("BatchNormalization", ["x", "one", "zero", "zero", "one"], outputs, **training)],
                 {"x": (4, 2, 3)}, {"one": np.ones(2), "zero": np.zeros(2)}, opset=opset)
    found = bound(made)
    assert found.bound is None and "training mode" in str(found.refused)


@pytest.mark.parametrize(("variance", "epsilon"), [((-1.0, 4.0), 0.5), ((0.0, 4.0), 0.0)])
def test_a_variance_that_is_none_is_refused(variance, epsilon):
    made = graph([node("BatchNormalization", ["x", "one", "zero", "zero", "v"], ["y"], epsilon=epsilon)],
                 {"x": (4, 2)}, {"one": np.ones(2), "zero": np.zeros(2), "v": np.array(variance)})
    assert "variance" in str(bound(made).refused)


def test_a_local_function_is_what_it_does_and_not_its_name(tmp_path):
    ten = helper.make_node("Constant", [], ["c"], value_float=10.0)
    function = helper.make_function("my.ops", "Clip", ["a"], ["b"], [ten, node("Mul", ["a", "c"], ["b"])],
                                    [helper.make_opsetid("", 20)])
    made = graph([node("Clip", ["x"], ["y"], domain="my.ops")], {"x": (3,)}, functions=[function], domains=["my.ops"])
    made.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", F, (3,)))
    onnx.save(made, tmp_path / "model.onnx")
    assert audit(load(tmp_path / "model.onnx")).bound == pytest.approx(10.0)
    unknown = graph([node("Abs", ["x"], ["y"], domain="my.ops")], {"x": (3,)}, domains=["my.ops"])
    assert bound(unknown).refused == {"y": "no rule for my.ops::Abs"}


def test_factors_that_underflow_stay_above():
    nodes = [node("Mul", [f"t{i}" if i else "x", "c"], [f"t{i + 1}" if i < 9 else "y"]) for i in range(10)]
    found = bound(graph(nodes, {"x": (2,)}, {"c": np.array(1e-38)}))
    assert 0 < found.bound <= 1e-300


def test_an_axis_of_size_zero_is_refused():
    found = bound(graph([node("Slice", ["x", "a", "b"], ["y"])], {"x": (4,)}, {"a": np.array([2]), "b": np.array([2])}))
    assert found.bound is None and "size 0" in str(found.refused)


def test_without_a_rule_nothing_is_computed():
    nodes = [node("Gemm", ["x", "W"], ["h"]), node("Det", ["h"], ["d"]), node("Hardmax", ["h"], ["y"])]
    found = bound(graph(nodes, {"x": (2, 2)}, {"W": EYE}, outputs=("d", "y")))
    assert found.rows == [] and set(found.refused) == {"d", "y"}
    assert "no rule for Det-" in found.refused["d"] and "jumps" in found.refused["y"]
