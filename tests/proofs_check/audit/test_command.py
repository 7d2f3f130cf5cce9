"""The command on graphs: rows, the sentence, JSON, options that apply and those that do not."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("onnx")

import onnx
from models import TYPES, model
from onnx import helper

from proofs_check.cli import main

node = helper.make_node


@pytest.fixture
def call():
    return lambda *arguments: CliRunner().invoke(main, ["audit", *map(str, arguments)])


@pytest.fixture
def saved(tmp_path):
    """A model as a file; its outputs say their shapes."""

    def saved(nodes, inputs, constants=None, shape=(1, 2), **rest):
        made = model(nodes, inputs, constants, **rest)
        made.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", TYPES["f8"], shape))
        file = tmp_path / f"model{len(list(tmp_path.iterdir()))}.onnx"
        onnx.save(made, file)
        return file

    return saved


def gemm(saved, shape=(1, 2), size=(1, 2)):
    return saved([node("Gemm", ["x", "W"], ["y"])], {"x": size}, {"W": np.diag([3.0, 4.0])}, shape)


def test_the_command_takes_a_graph(call, saved, tmp_path):
    file, out = gemm(saved), tmp_path / "audit.json"
    result = call(file, "--json", out)
    assert result.exit_code == 0, result.output
    assert "bound 4: a change of the input x moves the output by at most so many times its own length" in result.output
    found = json.loads(out.read_text())
    assert found["bound"] == pytest.approx(4.0, rel=1e-12) and found["schema"] == 1
    assert found["rows"][0]["operator"] == "Gemm-13" and found["by_input"]["x"] == found["bound"]


def test_samples_that_do_not_mix_need_no_number(call, saved):
    result = call(gemm(saved, ("N", 2), ("N", 2)))
    assert result.exit_code == 0 and "it holds for any number of them" in result.output


def test_without_a_bound_the_exit_code_is_1_and_the_json_valid(call, saved, tmp_path):
    file, out = saved([node("Exp", ["x"], ["y"])], {"x": (1, 2)}), tmp_path / "out.json"
    result = call(file, "--json", out)
    assert result.exit_code == 1 and "no bound: 1 node without a finite constant" in result.output
    assert json.loads(out.read_text())["bound"] is None
    assert call(file, "--within", -1, 0).output.startswith("node")


def test_on_a_box(call, saved, tmp_path):
    file = saved([node("Mul", ["x", "x"], ["y"])], {"x": (1, 2)})
    assert "bound 4: " in call(file, "--within", -1, 2).output
    np.save(tmp_path / "x.npy", np.array([[1.0, -3.0]]))
    result = call(file, "--at", tmp_path / "x.npy", "--radius", 0.5)
    assert "bound 7: " in result.output and "on the box" in result.output


def test_a_file_that_is_none_is_refused(call, tmp_path):
    file = tmp_path / "model.onnx"
    file.write_bytes(b"text")
    refused = call(file)
    assert refused.exit_code == 2 and "not a readable .onnx file" in refused.stderr


@pytest.mark.parametrize(("options", "why"), [
    (["--input-size", 3], "--input-size does not apply to an .onnx graph"),
    (["--epsilon", 1], "--epsilon does not apply to an .onnx graph"),
    (["--within", 1, 0], "--within needs two finite numbers, the smaller first, got 1 0"),
    (["--within", "nan", 0], "--within needs two finite numbers"),
    (["--radius", 1], "--at and --radius belong together"),
    (["--dim", "N"], "needs NAME=SIZE"), (["--dim", "N=0"], "positive sizes"), (["--shape", "x=1,a"], "positive sizes"),
    (["--shape", "q=1,2"], "--shape names 'q', which is no tensor of the graph"),
    (["--from", "q"], "--from names 'q'"), (["--to", "q"], "--to names 'q'"),
    (["--at", "nothing.npy", "--radius", 1], "not a readable .npy or .npz file"),
])
def test_options_that_do_not_fit_are_refused(call, saved, options, why):
    result = call(gemm(saved), *options)
    assert result.exit_code == 2 and why in result.stderr, result.output


def test_options_of_graphs_do_not_apply_to_arrays(call, tmp_path):
    np.savez(tmp_path / "a.npz", W=np.eye(2))
    result = call(tmp_path / "a.npz", "--within", 0, 1)
    assert result.exit_code == 2 and "--within does not apply to arrays" in result.stderr
