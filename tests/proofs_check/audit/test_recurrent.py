"""Recurrent layers against Jacobians by differences of the reference evaluator."""

import numpy as np
import pytest

pytest.importorskip("onnx")

from models import audited, model
from onnx import helper
from onnx.reference import ReferenceEvaluator

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def slope(made, shape, rng, points=8):
    """The largest norm of a Jacobian at random points."""
    session = ReferenceEvaluator(made)

    def f(v):
        return np.concatenate([np.ravel(y) for y in session.run(None, {"x": v.reshape(shape)})])

    best, step = 0.0, 2.0**-18
    for _ in range(points):
        v = rng.normal(size=int(np.prod(shape)))
        J = np.stack([(f(v + step * e) - f(v - step * e)) / (2 * step) for e in np.eye(len(v))], axis=1)
        best = max(best, float(np.linalg.norm(J, 2)))
    return best


@pytest.mark.parametrize("outputs", [("y",), ("", "y")])
@pytest.mark.parametrize(("op", "attributes"), [
    ("RNN", {}), ("LSTM", {}), ("GRU", {}), ("GRU", {"linear_before_reset": 1}),
])
def test_the_bound_is_above_every_slope(rng, op, attributes, outputs):
    T, hidden, width = 3, 2, 2
    W, R = (rng.integers(-4, 5, (1, GATES[op] * hidden, n)) / 8 for n in (width, hidden))
    B = rng.integers(-4, 5, (1, 2 * GATES[op] * hidden)) / 8
    node = helper.make_node(op, ["x", "W", "R", "B"], list(outputs), hidden_size=hidden, **attributes)
    made = model([node], {"x": (T, 1, width)}, {"W": W, "R": R, "B": B})
    found, seen = audited(made).bound, slope(made, (T, 1, width), rng)
    assert seen * (1 - 1e-6) <= found <= 40 * seen


def test_a_linear_recursion_is_sharp():
    # h' = relu(x + h / 2) from 0, at positive inputs: a triangular matrix of halves.
    node = helper.make_node("RNN", ["x", "W", "R"], ["y"], hidden_size=1, activations=["Relu"])
    made = model([node], {"x": (3, 1, 1)}, {"W": np.ones((1, 1, 1)), "R": np.full((1, 1, 1), 0.5)})
    right = np.linalg.norm([[1, 0, 0], [0.5, 1, 0], [0.25, 0.5, 1]], 2)
    assert audited(made).bound == pytest.approx(right, rel=1e-9)


def test_initial_states_are_inputs_too():
    node = helper.make_node("RNN", ["x", "W", "R", "", "", "h"], ["", "y"], hidden_size=1)
    made = model([node], {"x": (2, 1, 1), "h": (1, 1, 1)}, {"W": np.ones((1, 1, 1)), "R": np.full((1, 1, 1), 0.5)})
    assert audited(made).by_input == pytest.approx({"x": np.hypot(1, 0.5), "h": 0.25}, rel=1e-9)


@pytest.mark.parametrize(("attributes", "inputs", "why"), [
    ({"activations": ["Affine"]}, [], "the activation affine"), ({"layout": 1}, [], "the batch first"),
    ({}, ["lengths"], "several lengths"),
])
def test_what_is_not_covered_is_named(attributes, inputs, why):
    node = helper.make_node("RNN", ["x", "W", "R", "", *inputs], ["y"], hidden_size=1, **attributes)
    made = model([node], {"x": (2, 1, 1)}, {"W": np.ones((1, 1, 1)), "R": np.ones((1, 1, 1)), "lengths": np.array([1])})
    made.graph.initializer[2].data_type = 6 if inputs else 7
    if inputs:
        made.graph.initializer[2].CopyFrom(helper.make_tensor("lengths", 6, [1], [1]))
    assert why in str(audited(made).refused)
