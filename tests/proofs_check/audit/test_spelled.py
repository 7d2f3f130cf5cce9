"""What is one function though it is spelled out in several nodes, and the rules for sorting, sums and products."""

import math

import numpy as np
import pytest

pytest.importorskip("onnx")

from models import audited, model
from onnx import helper
from random_graphs import largest_slope

AXES = np.array([-1])


def node(op, inputs, output, **attributes):
    return helper.make_node(op, inputs, [output], **attributes)


def deviation(square, bottom, *, keepdims=1):
    """x - mean(x), and the mean of its squares, then what is made of them."""
    return [
        node("ReduceMean", ["x", "axes"], "m"), node("Sub", ["x", "m"], "d"), *square,
        node("ReduceMean", ["s", "axes"], "v", keepdims=keepdims), *bottom,
    ]


SQUARE = [node("Mul", ["d", "d"], "s")]
POWER = [node("Pow", ["d", "two"], "s")]
INSIDE = [node("Add", ["v", "e"], "a"), node("Sqrt", ["a"], "b"), node("Div", ["d", "b"], "y")]
INVERSE = [node("Add", ["v", "e"], "a"), node("Sqrt", ["a"], "b"), node("Reciprocal", ["b"], "r"),
           node("Mul", ["r", "d"], "y")]
MINUS = [node("Add", ["e", "v"], "a"), node("Pow", ["a", "minus"], "r"), node("Mul", ["d", "r"], "y")]
OUTSIDE = [node("Mul", ["v", "k"], "w"), node("Sqrt", ["w"], "b"), node("Add", ["b", "e"], "a"),
           node("Div", ["d", "a"], "y")]
RESHAPED = [node("Reshape", ["v", "kept"], "w"), node("Add", ["w", "e"], "a"), node("Sqrt", ["a"], "b"),
            node("Div", ["d", "b"], "y")]
CONSTANTS = {"axes": AXES, "two": np.array(2.0), "minus": np.array(-0.5), "e": np.array(0.25), "k": np.array(4 / 3),
             "kept": np.array([2, 1])}


@pytest.mark.parametrize(("nodes", "right"), [
    (deviation(SQUARE, INSIDE), 2.0), (deviation(POWER, INVERSE), 2.0), (deviation(SQUARE, MINUS), 2.0),
    (deviation(POWER, OUTSIDE), 4.0), (deviation(SQUARE, RESHAPED, keepdims=0), 2.0),
])
def test_a_normalization_has_the_inverse_of_its_least_denominator(rng, nodes, right):
    made = model(nodes, {"x": (2, 4)}, CONSTANTS)
    assert audited(made).bound == pytest.approx(right, rel=1e-9)
    assert largest_slope(made, {"x": (2, 4)}, rng) <= right


def test_a_tensor_over_its_deviation_is_none():
    # Along the constant vectors it grows without limit.
    nodes = [*deviation(SQUARE, INSIDE[:-1]), node("Div", ["x", "b"], "y")]
    assert audited(model(nodes, {"x": (2, 4)}, CONSTANTS)).bound is None


def test_means_over_other_axes_are_no_normalization():
    nodes = deviation(SQUARE, INSIDE)
    nodes[0] = node("ReduceMean", ["x", "first"], "m")
    found = audited(model(nodes, {"x": (2, 4)}, {**CONSTANTS, "first": np.array([0])}))
    assert found.bound is None and "different axes" in str(found.refused)


@pytest.mark.parametrize("at_least", ["Clip", "Max"])
def test_a_length_that_is_kept_away_from_zero(rng, at_least):
    nodes = [node("ReduceL2", ["x", "axes"], "n"), node(at_least, ["n", "e"], "b"), node("Div", ["x", "b"], "y")]
    made = model(nodes, {"x": (2, 4)}, CONSTANTS)
    assert audited(made).bound == pytest.approx(4.0, rel=1e-9)
    assert largest_slope(made, {"x": (2, 4)}, rng) <= 4.0 + 1e-6


@pytest.mark.parametrize(("nodes", "right"), [
    ([node("Greater", ["x", "zero"], "c"), node("Mul", ["x", "k"], "s"), node("Where", ["c", "x", "s"], "y")], 4 / 3),
    ([node("Less", ["x", "e"], "c"), node("Sub", ["x", "e"], "s"), node("Where", ["c", "zero", "s"], "y")], 1.0),
    ([node("Less", ["x", "e"], "c"), node("Where", ["c", "zero", "x"], "y")], None),
    ([node("Greater", ["z", "zero"], "c"), node("Mul", ["x", "k"], "s"), node("Where", ["c", "x", "s"], "y")], None),
])
def test_two_lines_that_meet_have_a_slope_and_two_that_do_not_jump(nodes, right):
    inputs = {"x": (3,), "z": (3,)}
    found = audited(model(nodes, inputs, {**CONSTANTS, "zero": np.array(0.0)}))
    assert found.bound is None if right is None else found.bound == pytest.approx(right, rel=1e-9)


@pytest.mark.parametrize(("nodes", "right"), [
    ([node("Sigmoid", ["x"], "s"), node("Mul", ["s", "x"], "y")], 1.0998393201),
    ([node("Mul", ["x", "k"], "t"), node("Sigmoid", ["t"], "s"), node("Mul", ["s", "x"], "y")], 1.0998393201),
    ([node("Softplus", ["x"], "p"), node("Tanh", ["p"], "s"), node("Mul", ["x", "s"], "y")], 1.0884987),
    ([node("Div", ["x", "root"], "u"), node("Erf", ["u"], "g"), node("Add", ["g", "one"], "h"),
      node("Mul", ["x", "h"], "p"), node("Mul", ["p", "half"], "y")], 1.1289041451),
    ([node("HardSigmoid", ["x"], "s", alpha=1 / 6, beta=0.5), node("Mul", ["x", "s"], "y")], 1.5),
])
def test_a_gate_has_the_largest_slope_of_its_function(nodes, right):
    constants = {**CONSTANTS, "root": np.array(math.sqrt(2)), "one": np.array(1.0), "half": np.array(0.5)}
    found = audited(model(nodes, {"x": (3,)}, constants)).bound
    assert right * (1 - 1e-6) <= found <= right * (1 + 1e-5)


def test_sorting_and_sums():
    made = model([helper.make_node("TopK", ["x", "two"], ["y", "i"])], {"x": (5,)}, {"two": np.array([2])})
    assert audited(made).bound == 1.0
    assert "places jump" in str(audited(made, ends=("i",)).refused)
    triangle = np.tril(np.ones((4, 4)))
    made = model([node("CumSum", ["x", "axis"], "y")], {"x": (4, 3)}, {"axis": np.array(0)})
    assert audited(made).bound == pytest.approx(np.linalg.norm(triangle, 2), rel=1e-9)
    box = {"x": (np.asarray(0.0), np.asarray([1.0, 2.0, 3.0]))}
    made = model([node("ReduceProd", ["x", "axis"], "y")], {"x": (2, 3)}, {"axis": np.array([1])})
    assert audited(made).bound is None
    assert audited(made, boxes=box).bound == pytest.approx(math.sqrt(6**2 + 3**2 + 2**2), rel=1e-9)


@pytest.mark.parametrize(("equation", "shape", "weight"), [
    ("bi,oi->bo", (2, 3), (4, 3)), ("bhq,hqo->bho", (2, 3, 2), (3, 2, 4)), ("bi,io->b", (2, 3), (3, 2)),
    ("bij,oi->bo", (2, 3, 2), (4, 3)), ("bi,oc->bioc", (2, 3), (2, 2)),
])
def test_a_sum_of_products_with_a_constant_has_the_norm_of_its_matrix(rng, equation, shape, weight):
    W = rng.normal(size=weight)
    columns = [np.einsum(equation, e.reshape(shape), W).ravel() for e in np.eye(math.prod(shape))]
    made = model([node("Einsum", ["x", "W"], "y", equation=equation)], {"x": shape}, {"W": W})
    assert audited(made).bound == pytest.approx(np.linalg.norm(np.stack(columns, axis=1), 2), rel=1e-9)


def test_types_of_real_numbers_do_not_matter_and_integers_jump():
    made = model([node("Cast", ["x"], "h", to=1), node("Cast", ["h"], "y", to=11)], {"x": (3,)})
    assert audited(made).bound == 1.0
    assert "jumps" in str(audited(model([node("Cast", ["x"], "y", to=7)], {"x": (3,)})).refused)
