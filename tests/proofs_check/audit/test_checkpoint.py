"""The audit of a checkpoint: rows, product, and what it refuses to bound."""

import json
import math

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import save_file

from proofs_check.audit import Settings, layers_of, product
from proofs_check.cli import main
from refimpl.convolution import circulant_matrix, toeplitz_matrix
from refimpl.spectral import spectral_norm_enclosure

W = np.array([[3.0, 0.0], [0.0, 4.0]])
K = np.arange(18.0).reshape(2, 1, 3, 3) / 8 - 1
NORM = {
    "bn.weight": np.array([1.0, -3.0]), "bn.bias": np.zeros(2), "bn.running_mean": np.zeros(2),
    "bn.running_var": np.array([1.0, 4.0]), "bn.num_batches_tracked": np.array(3),
}


def audited(arrays, **settings):
    return {name: job() for name, job in layers_of(arrays, Settings(**settings))}


@pytest.fixture
def call():
    return lambda *arguments: CliRunner().invoke(main, ["audit", *map(str, arguments)])


@pytest.mark.parametrize("certified", [False, True])
def test_a_dense_layer_has_its_norm_and_bounds_that_fall(certified):
    layer = audited({"fc.weight": W, "fc.bias": np.ones(2)}, certified=certified)["fc"]
    assert (layer.kind, layer.shape) == ("dense", (2, 2))
    assert layer.low <= 4.0 <= layer.high < 4.0 + 1e-13
    assert sorted(layer.gram.values(), reverse=True) == list(layer.gram.values())
    assert layer.power <= 4.0 + 1e-14 <= min(layer.gram.values()) + 1e-13


@pytest.mark.parametrize("padding", ["zero", "circular"])
@pytest.mark.parametrize("certified", [False, True])
def test_a_convolution_at_a_size_encloses_the_norm_of_its_matrix(padding, certified):
    layer = audited({"conv.weight": K}, input_size=5, padding=padding, certified=certified)["conv"]
    matrix = circulant_matrix(K, 5) if padding == "circular" else toeplitz_matrix(K, 5)
    low, high = spectral_norm_enclosure(matrix)
    assert layer.low <= high and low <= layer.high
    assert layer.high <= (1.3 if certified else 1 + 1e-12) * high
    assert all(bound >= low * (1 - 1e-12) for bound in layer.gram.values())


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_without_a_size_the_bound_is_for_every_size_and_padding(n):
    layer = audited({"conv.weight": K})["conv"]
    for matrix in (circulant_matrix(K, n), toeplitz_matrix(K, n)):
        assert np.linalg.norm(matrix, 2) <= layer.high * (1 + 1e-12)
    assert layer.low <= layer.high <= 1.05 * layer.low


def test_a_one_dimensional_convolution_has_height_one():
    layer = audited({"conv.weight": np.ones((1, 1, 3))}, input_size=4, padding="circular")["conv"]
    assert (layer.kind, layer.shape) == ("conv 1d", (1, 1, 3))
    assert layer.high == pytest.approx(3.0, rel=1e-12)


def test_a_batch_norm_is_scaled_by_its_largest_factor():
    layer = audited(NORM, epsilon=0.0)["bn"]
    assert layer.kind == "batch norm" and 1.5 <= layer.high <= 1.5 * (1 + 1e-14)


def test_the_product_is_that_of_the_upper_ends():
    arrays = {"fc.weight": W, "out.weight": 2 * np.eye(2), "bias": np.ones(2)} | NORM
    layers = list(audited(arrays, epsilon=0.0).values())
    assert product(layers) == pytest.approx(math.prod([4.0, 2.0, 1.5]), rel=1e-13)


@pytest.mark.parametrize(("arrays", "why"), [
    ({"norm.weight": np.ones(3)}, "no rule for a weight of 1 dimensions"),
    ({"conv3.weight": np.ones((1, 1, 2, 2, 2))}, "no rule for a weight of 5 dimensions"),
    ({"fc.weight": W.astype(int)}, "not an array of real floats"),
    ({"fc.weight": W * 1j}, "not an array of real floats"),
    ({"fc.weight": W * np.nan}, "NaN"),
    ({"attention.weight": W, "attention.in_proj": W}, "no rule for in_proj"),
    ({"bn.running_var": -np.ones(2), "bn.running_mean": np.ones(2)}, "running_var"),
    ({"fc.weight": None}, "not an array of real floats"),
])
def test_a_layer_without_a_rule_is_named_and_the_product_withheld(arrays, why):
    layers = list(audited(arrays | {"good.weight": W}).values())
    assert layers[0].high is None and why in layers[0].note
    assert layers[1].high is not None and product(layers) is None


def test_the_command_prints_rows_and_product_and_writes_json(call, tmp_path):
    file, out = tmp_path / "model.safetensors", tmp_path / "audit.json"
    save_file({"fc.weight": W, "fc.bias": np.ones(2), "conv.weight": K}, file)
    result = call(file, "--input-size", 4, "--json", out)
    assert result.exit_code == 0, result.output
    assert "fc" in result.output and "product upper bound: " in result.output
    content = json.loads(out.read_text())
    assert [layer["name"] for layer in content["layers"]] == ["conv", "fc"]
    assert content["product"] == pytest.approx(math.prod(layer["high"] for layer in content["layers"]))
    assert content["settings"]["input_size"] == 4
    again = call(file, "--json", out)
    assert again.exit_code == 2 and "exists already" in again.stderr


def test_an_unbounded_layer_is_named_after_the_table(call, tmp_path):
    file = tmp_path / "model.npz"
    np.savez(file, **{"fc.weight": W, "norm.weight": np.ones(2)})
    result = call(file)
    assert result.exit_code == 0 and "not available, no bound for norm" in result.output


@pytest.mark.parametrize(("name", "content", "why"), [
    ("model.npz", b"text", "not a readable .npz file"),
    ("model.pt", b"", "must be an .npz or a .safetensors file"),
    ("missing.safetensors", None, "not a readable .safetensors file"),
])
def test_a_file_that_is_none_is_refused_in_one_line(call, tmp_path, name, content, why):
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    result = call(file)
    assert result.exit_code == 2 and why in result.stderr and result.stderr.count("\n") == 1


def test_a_file_without_arrays_is_refused(call, tmp_path):
    file = tmp_path / "model.npz"
    np.savez(file)
    assert "holds no arrays" in call(file).stderr
