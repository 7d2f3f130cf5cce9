"""The audit of an ONNX graph against brute force: explicit matrices and Jacobians of the whole network."""

import json
import warnings

import numpy as np
import pytest
from click.testing import CliRunner

from proofs_check import audit_onnx
from proofs_check.audit import Settings
from proofs_check.cli import main

onnx = pytest.importorskip("onnx")


def model(nodes, inputs, constants, outputs):
    """A checked model from nodes, shapes of inputs and numbers of axes of outputs."""
    helper = onnx.helper
    value = [helper.make_tensor_value_info(n, onnx.TensorProto.DOUBLE, s) for n, s in inputs.items()]
    names = {n: [f"{n}{i}" for i in range(rank)] for n, rank in outputs.items()}
    out = [helper.make_tensor_value_info(n, onnx.TensorProto.DOUBLE, s) for n, s in names.items()]
    tensors = [onnx.numpy_helper.from_array(np.asarray(a), n) for n, a in constants.items()]
    graph = helper.make_graph(nodes, "g", value, out, tensors)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(made)
    return onnx.shape_inference.infer_shapes(made)


def matrix_of(made, shape):
    """The matrix of a linear graph without biases, column by column, by the reference evaluator."""
    from onnx.reference import ReferenceEvaluator

    session, size = ReferenceEvaluator(made), int(np.prod(shape))
    name = made.graph.input[0].name
    zero = session.run(None, {name: np.zeros(shape)})[0]
    return np.stack([(session.run(None, {name: e.reshape(shape)})[0] - zero).ravel() for e in np.eye(size)], axis=1)


def node(op, inputs, output, **attributes):
    return onnx.helper.make_node(op, inputs, [output], name=output, **attributes)


@pytest.mark.parametrize("certified", [False, True])
@pytest.mark.parametrize(("attributes", "channels"), [
    ({"pads": [1, 1, 1, 1]}, (2, 2)), ({"pads": [0, 0, 0, 0], "strides": [2, 2]}, (2, 2)),
    ({"pads": [2, 0, 1, 1], "strides": [2, 1]}, (1, 3)), ({"pads": [2, 2, 2, 2], "dilations": [2, 2]}, (1, 2)),
    ({"pads": [1, 1, 1, 1], "group": 2}, (4, 2)), ({"pads": [2, 2, 2, 2], "strides": [3, 3]}, (2, 1)),
])
def test_a_convolution_encloses_the_norm_of_its_matrix(rng, attributes, channels, certified):
    group = attributes.get("group", 1)
    K = rng.integers(-3, 4, (*((channels[1] * group, channels[0] // group) if group > 1 else channels[::-1]), 3, 3)) / 2
    made = model([node("Conv", ["x", "K", "b"], "y", **attributes)], {"x": (1, channels[0], 5, 4)},
                 {"K": K, "b": np.ones(len(K))}, {"y": 4})
    audit = audit_onnx.audit_model(made, Settings(certified=certified))
    norm = np.linalg.norm(matrix_of(made, (1, channels[0], 5, 4)), 2)
    [layer] = audit.layers
    assert layer.low <= norm * (1 + 1e-13) and norm * (1 - 1e-13) <= layer.high <= norm * (1 + 1e-12)
    assert all(bound >= norm * (1 - 1e-13) for bound in layer.gram.values()) and layer.power <= norm * (1 + 1e-13)
    assert audit.bound == pytest.approx(norm, rel=1e-11)


@pytest.mark.parametrize(("op", "attributes"), [
    ("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]}), ("MaxPool", {"kernel_shape": [3, 2], "strides": [1, 1]}),
    ("AveragePool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    ("AveragePool", {"kernel_shape": [3, 3], "strides": [1, 2], "pads": [1, 1, 1, 1], "count_include_pad": 1}),
    ("GlobalAveragePool", {}),
])
def test_a_pool_has_the_constant_of_brute_force(op, attributes):
    made = model([node(op, ["x"], "y", **attributes)], {"x": (1, 1, 7, 7)}, {}, {"y": 4})
    bound = audit_onnx.audit_model(made, Settings()).bound
    columns = matrix_of(made, (1, 1, 7, 7))
    if op == "MaxPool":  # the response to a single bright pixel
        assert bound == pytest.approx(np.linalg.norm(columns, axis=0).max(), rel=1e-12)
    else:
        assert bound == pytest.approx(np.linalg.norm(columns, 2), rel=1e-11)


def test_a_residual_sum_adds_and_a_batch_norm_scales():
    W = np.array([[0.0, 2.0], [1.0, 0.0]])
    nodes = [
        node("Gemm", ["x", "W", "b"], "h"), node("BatchNormalization", ["h", "g", "b", "b", "v"], "n", epsilon=0.0),
        node("Relu", ["n"], "r"), node("Add", ["x", "r"], "s"), node("Mul", ["s", "c"], "y"),
    ]
    constants = {"W": W, "b": np.zeros(2), "g": np.array([1.0, 3.0]), "v": np.array([1.0, 4.0]), "c": np.array(0.5)}
    audit = audit_onnx.audit_model(model(nodes, {"x": (1, 2)}, constants, {"y": 2}), Settings())
    assert audit.bound == pytest.approx(0.5 * (1 + 1.5 * 2.0), rel=1e-12)
    assert [layer.kind for layer in audit.layers] == ["Gemm", "BatchNormalization", "Add", "Mul"]


@pytest.mark.parametrize(("nodes", "why"), [
    (lambda: [node("Exp", ["x"], "y")], "no rule for Exp"),
    (lambda: [node("Mul", ["x", "x"], "y")], "a product of two that move"),
    (lambda: [node("MatMul", ["x", "x"], "y")], "a weight that is no finite constant"),
])
def test_what_has_no_rule_is_named_and_the_bound_withheld(nodes, why):
    made = model([*nodes(), node("Relu", ["y"], "z")], {"x": (2, 2)}, {}, {"z": 2})
    audit = audit_onnx.audit_model(made, Settings())
    assert audit.bound is None and audit.missing == ["y"] and why in audit.layers[0].note


def test_a_size_that_is_not_known_is_no_bound():
    made = model([node("Conv", ["x", "K"], "y")], {"x": (1, 1, "h", "w")}, {"K": np.ones((1, 1, 3, 3))}, {"y": 4})
    audit = audit_onnx.audit_model(made, Settings())
    assert audit.bound is None and "not known" in audit.layers[0].note


def test_the_command_takes_a_graph(tmp_path):
    file, out = tmp_path / "model.onnx", tmp_path / "audit.json"
    onnx.save(model([node("Gemm", ["x", "W"], "y")], {"x": (1, 2)}, {"W": np.diag([3.0, 4.0])}, {"y": 2}), file)
    result = CliRunner().invoke(main, ["audit", str(file), "--certified", "--json", str(out)])
    assert result.exit_code == 0 and "for the graph" in result.output, result.output
    assert json.loads(out.read_text())["product"] == pytest.approx(4.0, rel=1e-12)
    file.write_bytes(b"text")
    refused = CliRunner().invoke(main, ["audit", str(file)])
    assert refused.exit_code == 2 and "not a readable .onnx file" in refused.stderr


def test_a_residual_network_of_torch_is_bounded_above_its_jacobians(tmp_path):
    torch = pytest.importorskip("torch")
    nn = torch.nn
    torch.manual_seed(0)

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.norm = nn.Conv2d(3, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3)
            self.second = nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, x):
            return torch.relu(x + self.second(torch.relu(self.norm(self.first(x)))))

    network = nn.Sequential(
        nn.Conv2d(1, 3, 3, stride=2, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(3, 2, 1), Block(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 4),
    )
    for _ in range(3):
        network(torch.randn(8, 1, 8, 8))  # statistics that are not the initial ones
    network = network.eval().double()
    file = tmp_path / "resnet.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that needs no further package is the older one
        torch.onnx.export(network, (torch.zeros(1, 1, 8, 8, dtype=torch.float64),), str(file), dynamo=False)
    audit = audit_onnx.audit_model(audit_onnx.load(file), Settings())
    # The same rules with explicit matrices of every linear piece, by automatic differentiation.
    def norm(layers, shape):
        J = torch.autograd.functional.jacobian(nn.Sequential(*layers).eval(), torch.zeros(shape, dtype=torch.float64))
        return float(torch.linalg.matrix_norm(J.reshape(-1, int(np.prod(shape))), 2))

    block = network[4]
    main_path = norm([block.first, block.norm], (1, 3, 2, 2)) * norm([block.second], (1, 3, 2, 2))
    brute = norm(network[:2], (1, 1, 8, 8)) * 2.0 * (1 + main_path) * norm(network[5:], (1, 3, 2, 2))
    assert brute * (1 - 1e-9) <= audit.bound <= 1.5 * brute
    for _ in range(20):
        J = torch.autograd.functional.jacobian(network, 3 * torch.randn(1, 1, 8, 8, dtype=torch.float64)).reshape(4, 64)
        assert float(torch.linalg.matrix_norm(J, 2)) <= audit.bound
