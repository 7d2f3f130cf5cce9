"""The audit of arrays without a graph: rows, layouts, parametrizations, and what it refuses to bound."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import save_file

from proofs_check.audit.checkpoint import Settings, layers_of
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


def test_a_dense_layer_has_its_norm():
    layer = audited({"fc.weight": W, "fc.bias": np.ones(2)})["fc"]
    assert (layer.operator, layer.shape) == ("dense", (2, 2))
    assert layer.low <= 4.0 <= layer.high < 4.0 + 1e-13


@pytest.mark.parametrize("padding", ["zero", "circular"])
def test_a_convolution_at_a_size_encloses_the_norm_of_its_matrix(padding):
    kernel = np.concatenate([K, K[::-1]], axis=1)
    layer = audited({"conv.weight": kernel}, input_size=5, padding=padding)["conv"]
    matrix = circulant_matrix(kernel, 5) if padding == "circular" else toeplitz_matrix(kernel, 5)
    low, high = spectral_norm_enclosure(matrix)
    assert layer.low <= high and low <= layer.high <= (1 + 1e-11) * high


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_without_a_size_the_bound_is_for_every_size_and_padding(n):
    kernel = np.concatenate([K, K[::-1]], axis=1)
    layer = audited({"conv.weight": kernel})["conv"]
    for matrix in (circulant_matrix(kernel, n), toeplitz_matrix(kernel, n)):
        assert np.linalg.norm(matrix, 2) <= layer.high * (1 + 1e-12)
    assert layer.low <= layer.high <= 1.05 * layer.low


def test_one_channel_in_may_be_a_group_a_channel():
    taps = np.zeros((4, 1, 3, 3))
    taps[:, :, 1, 1] = 1
    layer = audited({"conv.weight": taps})["conv"]
    assert layer.low == pytest.approx(1.0, rel=1e-9) and layer.high == pytest.approx(2.0, rel=0.02)
    assert "at least if depthwise" in layer.note


def test_kernels_with_the_channels_last_are_told_by_their_name():
    kernel = np.ones((3, 3, 1, 1))
    for name in ("Conv_0/kernel", "Conv_0.kernel"):
        layer = audited({name: kernel}, input_size=8)["Conv_0"]
        assert layer.shape == (1, 1, 3, 3) and layer.high == pytest.approx((1 + 2 * np.cos(np.pi / 9)) ** 2, rel=1e-9)
    assert audited({"Dense_0/kernel": np.array([[3.0, 4.0]])})["Dense_0"].shape == (2, 1)


def test_parametrizations_are_put_together():
    v, g = np.array([[3.0, 4.0], [0.0, 2.0]]), np.array([[2.0], [3.0]])
    right = np.linalg.norm(g * v / np.linalg.norm(v, axis=1, keepdims=True), 2)
    for parts in ({"weight_g": g, "weight_v": v},
                  {"parametrizations.weight.original0": g, "parametrizations.weight.original1": v}):
        layer = audited({f"fc.{name}": array for name, array in parts.items()} | {"fc.bias": np.ones(2)})["fc"]
        assert layer.high == pytest.approx(right, rel=1e-12) and layer.note == "weight norm"
    u = np.array([0.0, 1.0])
    for parts in ({"weight_orig": W, "weight_u": u, "weight_v": u},
                  {"parametrizations.weight.original": W, "parametrizations.weight.0._u": u,
                   "parametrizations.weight.0._v": u}):
        layer = audited({f"fc.{name}": array for name, array in parts.items()})["fc"]
        assert layer.high == pytest.approx(1.0, rel=1e-12)
    # By vectors that have not converged the norm is not 1.
    v = np.array([1.0, 1.0]) / np.sqrt(2)
    layer = audited({"fc.weight_orig": W, "fc.weight_u": v, "fc.weight_v": v})["fc"]
    assert layer.high == pytest.approx(4 / 3.5, rel=1e-12)


def test_a_one_dimensional_convolution_has_height_one():
    layer = audited({"conv.weight": np.ones((1, 1, 3))}, input_size=4, padding="circular")["conv"]
    assert (layer.operator, layer.shape) == ("conv 1d", (1, 1, 3))
    assert layer.high == pytest.approx(3.0, rel=1e-12)


def test_a_three_dimensional_one_is_bounded_at_every_size():
    layer = audited({"conv.weight": np.ones((1, 1, 2, 2, 2))})["conv"]
    assert 8.0 <= layer.high <= 8.5


def test_a_batch_norm_is_scaled_by_its_largest_factor():
    layer = audited(NORM, epsilon=0.0)["bn"]
    assert layer.operator == "batch norm" and 1.5 <= layer.high <= 1.5 * (1 + 1e-14)


@pytest.mark.parametrize(("arrays", "why"), [
    ({"norm.weight": np.ones(3)}, "no rule for a weight of 1 dimensions"),
    ({"conv4.weight": np.ones((1, 1, 2, 2, 2, 2))}, "no rule for a weight of 6 dimensions"),
    ({"fc.weight": W.astype(int)}, "not an array of real floats"),
    ({"fc.weight": W * 1j}, "not an array of real floats"),
    ({"fc.weight": W * np.nan}, "NaN"),
    ({"attention.weight": W, "attention.in_proj": W}, "no rule for in_proj"),
    ({"bn.running_var": -np.ones(2), "bn.running_mean": np.ones(2)}, "running_var"),
    ({"bn.running_var": np.array([-1.0, 4.0]), "bn.running_mean": np.ones(2)}, "negative"),
    ({"fc.weight": None}, "not an array of real floats"),
    ({"fc.weight_g": np.ones((2, 1)), "fc.weight_v": np.zeros((2, 2))}, "weight norm"),
])
def test_a_layer_without_a_rule_is_named(arrays, why):
    layers = list(audited(arrays | {"good.weight": W}).values())
    assert layers[0].high is None and why in layers[0].note
    assert layers[1].high is not None


def test_the_command_prints_rows_and_no_bound_of_the_whole(call, tmp_path):
    file, out = tmp_path / "model.safetensors", tmp_path / "audit.json"
    save_file({"fc.weight": W, "fc.bias": np.ones(2), "conv.weight": K}, file)
    result = call(file, "--input-size", 4, "--json", out)
    assert result.exit_code == 0, result.output
    assert "fc" in result.output and "no bound of the whole" in result.output
    content = json.loads(out.read_text())
    assert [layer["name"] for layer in content["rows"]] == ["conv", "fc"]
    assert content["bound"] is None and content["asked"] == {"input_size": 4}
    again = call(file, "--json", out)
    assert again.exit_code == 2 and "exists already" in again.stderr


def test_shards_are_read_by_their_index(call, tmp_path):
    save_file({"a.weight": W}, tmp_path / "model-1.safetensors")
    save_file({"b.weight": 2 * W}, tmp_path / "model-2.safetensors")
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a.weight": "model-1.safetensors", "b.weight": "model-2.safetensors"}}))
    result = call(index)
    assert result.exit_code == 0 and "8" in result.output and "b " in result.output
    index.write_text(json.dumps({"weight_map": {"a.weight": "../model-1.safetensors"}}))
    assert "which is not beside it" in call(index).stderr
    index.write_text("[]")
    assert "not a readable index" in call(index).stderr


def test_a_layer_without_a_bound_is_exit_code_1(call, tmp_path):
    file = tmp_path / "model.npz"
    np.savez(file, **{"fc.weight": W, "norm.weight": np.ones(2)})
    result = call(file)
    assert result.exit_code == 1 and "no rule for a weight of 1 dimensions" in result.output


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
