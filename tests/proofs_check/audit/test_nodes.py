"""The audit of single nodes and of small networks against brute force: explicit matrices, Jacobians of the whole."""

import warnings

import numpy as np
import pytest

pytest.importorskip("onnx")

from models import audited, matrix_of, model
from onnx import helper

from proofs_check.audit import norms
from proofs_check.audit.graph import load
from proofs_check.audit.model import audit


def node(op, inputs, output, **attributes):
    return helper.make_node(op, inputs, [output], name=output, **attributes)


@pytest.mark.parametrize("explicit", [10**6, 0])
@pytest.mark.parametrize(("attributes", "channels"), [
    ({"pads": [1, 1, 1, 1]}, (2, 2)), ({"pads": [0, 0, 0, 0], "strides": [2, 2]}, (2, 2)),
    ({"pads": [2, 0, 1, 1], "strides": [2, 1]}, (1, 3)), ({"pads": [2, 2, 2, 2], "dilations": [2, 2]}, (1, 2)),
    ({"pads": [2, 1, 2, 1], "dilations": [2, 1]}, (2, 2)), ({"auto_pad": "SAME_UPPER", "strides": [2, 2]}, (2, 2)),
    ({"auto_pad": "SAME_LOWER"}, (2, 1)), ({"pads": [1, 1, 1, 1], "group": 2}, (4, 2)),
    ({"pads": [1, 1, 1, 1], "group": 3}, (3, 1)), ({"pads": [2, 2, 2, 2], "strides": [3, 3]}, (2, 1)),
])
def test_a_convolution_encloses_the_norm_of_its_matrix(rng, monkeypatch, attributes, channels, explicit):
    monkeypatch.setattr(norms, "EXPLICIT", explicit)
    group = attributes.get("group", 1)
    shape = (channels[1] * group, channels[0] // group) if group > 1 else channels[::-1]
    K = rng.integers(-3, 4, (*shape, 3, 3)) / 2
    made = model([node("Conv", ["x", "K", "b"], "y", **attributes)], {"x": (1, channels[0], 5, 4)},
                 {"K": K, "b": np.ones(len(K))})
    norm = np.linalg.norm(matrix_of(made, (1, channels[0], 5, 4)), 2)
    found = audited(made)
    [row] = found.rows
    assert norm * (1 - 1e-13) <= found.bound <= norm * (1 + 1e-11 if explicit else 2.0)
    assert row.low is None or row.low <= norm * (1 + 1e-13)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_a_transposed_convolution_is_the_adjoint(rng, rank):
    K, image = rng.integers(-3, 4, (2, 3, *(3, 2, 2)[:rank])) / 2, (4, 3, 3)[:rank]
    made = model([node("ConvTranspose", ["x", "K"], "y", strides=[2] * rank, pads=[1, *[0] * (2 * rank - 1)])],
                 {"x": (1, 2, *image)}, {"K": K})
    norm = np.linalg.norm(matrix_of(made, (1, 2, *image)), 2)
    assert norm * (1 - 1e-13) <= audited(made).bound <= norm * (1 + 1e-11 if rank < 3 else 1.3)


@pytest.mark.parametrize(("op", "attributes"), [
    ("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]}), ("MaxPool", {"kernel_shape": [3, 2], "strides": [1, 1]}),
    ("MaxPool", {"kernel_shape": [2, 2], "strides": [1, 2], "dilations": [2, 3]}),
    ("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
    ("AveragePool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    ("AveragePool", {"kernel_shape": [3, 3], "strides": [1, 2], "pads": [1, 1, 1, 1], "count_include_pad": 1}),
    ("GlobalAveragePool", {}),
])
def test_a_pool_has_the_constant_of_brute_force(op, attributes):
    made = model([node(op, ["x"], "y", **attributes)], {"x": (1, 1, 7, 7)})
    bound, columns = audited(made).bound, matrix_of(made, (1, 1, 7, 7))
    if op == "MaxPool":  # the response to a single bright pixel
        assert bound == pytest.approx(np.linalg.norm(columns, axis=0).max(), rel=1e-12)
    else:
        assert bound == pytest.approx(np.linalg.norm(columns, 2), rel=1e-11)


def test_a_residual_sum_adds_and_a_batch_norm_is_merged_into_the_layer_before_it():
    W = np.array([[0.0, 2.0], [1.0, 0.0]])
    nodes = [
        node("Gemm", ["x", "W", "b"], "h"), node("BatchNormalization", ["h", "g", "b", "b", "v"], "n", epsilon=0.0),
        node("Relu", ["n"], "r"), node("Add", ["x", "r"], "s"), node("Mul", ["s", "c"], "y"),
    ]
    constants = {"W": W, "b": np.zeros(2), "g": np.array([1.0, 3.0]), "v": np.array([1.0, 4.0]), "c": np.array(0.5)}
    found = audited(model(nodes, {"x": (1, 2)}, constants))
    # Columns 1 and 3/2 behind W: [[0, 3], [1, 0]].
    assert found.bound == pytest.approx(0.5 * (1 + 3.0), rel=1e-12)
    assert [row.operator for row in found.rows] == ["Gemm-13", "Add-14", "Mul-14"]


@pytest.mark.parametrize(("nodes", "why"), [
    (lambda: [node("Det", ["x"], "y")], "no rule for Det"),
    (lambda: [node("Mul", ["x", "x"], "y")], "a product of two that move"),
    (lambda: [node("MatMul", ["x", "x"], "y")], "a product of two that move"),
    (lambda: [node("Log", ["x"], "y")], "a logarithm of what can be 0"),
])
def test_what_has_no_constant_is_named_and_the_bound_withheld(nodes, why):
    found = audited(model([*nodes(), node("Relu", ["y"], "z")], {"x": (2, 2)}, outputs=("z",)))
    assert found.bound is None and why in found.refused["y"]


def test_on_a_box_products_have_a_constant():
    box = {"x": (np.asarray(1.0), np.asarray(3.0))}
    # 3 from each side; 1/1 from the numerator and 3/1 from the denominator.
    for op, right in (("Mul", 6.0), ("Div", 4.0)):
        found = audited(model([node(op, ["x", "x"], "y")], {"x": (2, 2)}), boxes=box)
        assert found.bound == pytest.approx(right, rel=1e-12)
    assert audited(model([node("Log", ["x"], "y")], {"x": (2, 2)}), boxes=box).bound == pytest.approx(1.0, rel=1e-12)
    assert audited(model([node("Exp", ["x"], "y")], {"x": (2,)}), boxes=box).bound == pytest.approx(np.exp(3), rel=1e-9)


def test_a_size_that_is_not_known_is_asked_for():
    made = model([node("Conv", ["x", "K"], "y")], {"x": (1, 1, "h", "w")}, {"K": np.ones((1, 1, 3, 3))})
    with pytest.raises(ValueError, match=r"axis 2 of the input x has no size but the name h: --dim h=SIZE or --sh"):
        audited(made)
    assert audited(made, dims={"h": 8, "w": 8}).bound == audited(made, shapes={"x": (1, 1, 8, 8)}).bound


def test_ends_can_be_chosen():
    nodes = [node("Gemm", ["x", "W"], "h"), node("Exp", ["h"], "e"), node("Gemm", ["e", "W"], "y")]
    made = model(nodes, {"x": (1, 2)}, {"W": np.diag([3.0, 4.0])})
    assert audited(made).bound is None
    assert audited(made, ends=("h",)).bound == pytest.approx(4.0, rel=1e-12)
    assert audited(made, start=("e",), shapes={"e": (1, 2)}).by_input == pytest.approx({"e": 4.0}, rel=1e-12)
    with pytest.raises(ValueError, match="--to names 'q'"):
        audited(made, ends=("q",))


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
    found = audit(load(file))
    # The same rules with explicit matrices of every linear piece, by automatic differentiation.

    def norm(layers, shape):
        J = torch.autograd.functional.jacobian(nn.Sequential(*layers).eval(), torch.zeros(shape, dtype=torch.float64))
        return float(torch.linalg.matrix_norm(J.reshape(-1, int(np.prod(shape))), 2))

    block = network[4]
    main_path = norm([block.first, block.norm], (1, 3, 2, 2)) * norm([block.second], (1, 3, 2, 2))
    pool, head = norm(network[5:7], (1, 3, 2, 2)), norm(network[7:], (1, 3))
    brute = norm(network[:2], (1, 1, 8, 8)) * 2.0 * (1 + main_path) * pool * head
    assert found.bound == pytest.approx(brute, rel=1e-9)
    for _ in range(20):
        J = torch.autograd.functional.jacobian(network, 3 * torch.randn(1, 1, 8, 8, dtype=torch.float64)).reshape(4, 64)
        assert float(torch.linalg.matrix_norm(J, 2)) <= found.bound
