"""`proofs-check certify`: a whole data set, interrupted and resumed, and what it refuses."""

import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from click.testing import CliRunner

from proofs_check import certification
from proofs_check.cli import main
from refimpl.certificates import certify

MODEL = """
    import numpy as np

    seen = []

    def line(batch):
        return np.concatenate([batch, -batch], axis=1)

    def stops_at_the_third(batch):
        seen.append(len(batch))
        if len(seen) == 3:
            raise KeyboardInterrupt
        return line(batch)

    def flat(batch):
        return batch[:, 0]
"""
X = np.linspace(-1, 1, 9)[:, None]
SETTINGS = ("--sigma", "0.5", "--estimation", "200", "--seed", "3")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "lines_and_planes.py").write_text(textwrap.dedent(MODEL))
    np.savez(tmp_path / "inputs.npz", x=X, y=(X[:, 0] < 0).astype(int))
    np.savez(tmp_path / "without_labels.npz", x=X)
    monkeypatch.delitem(sys.modules, "lines_and_planes", raising=False)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, ["certify", *arguments])


def rows(file):
    header, *found = [json.loads(line) for line in file.read_text().splitlines()]
    return header, found


@pytest.mark.parametrize("procedure", ["mono", "multi", "partitioned", "lvm_rs"])
def test_each_input_gets_the_certificate_of_its_own_stream(folder, procedure):
    file = folder / "out.jsonl"
    result = run("lines_and_planes:line", "inputs.npz", *SETTINGS, "--procedure", procedure, "--json", str(file))
    assert result.exit_code == 0, result.output
    header, found = rows(file)
    assert header["certify"] == "lines_and_planes:line" and header["procedure"] == procedure
    assert [row["index"] for row in found] == list(range(9))
    for i, row in enumerate(found):
        expected = certify(
            lambda b: np.concatenate([b, -b], axis=1), X[i], 0.5, 0.001, rng=np.random.default_rng([3, i]),
            procedure=procedure, estimation=200)
        assert {key: row[key] for key in expected._fields} == expected._asdict()
        assert row["true_label"] == (X[i, 0] < 0)


def test_an_interrupted_run_goes_on_and_ends_like_an_uninterrupted_one(folder):
    whole, parts = folder / "whole.jsonl", folder / "parts.jsonl"
    assert run("lines_and_planes:line", "inputs.npz", *SETTINGS, "--json", str(whole)).exit_code == 0
    broken = run("lines_and_planes:stops_at_the_third", "inputs.npz", *SETTINGS, "--json", str(parts))
    assert broken.exit_code == 130
    assert "interrupted: 7 of 9 inputs are missing; go on with --resume" in broken.output
    assert len(rows(parts)[1]) == 2
    # A line that was cut off in the middle is no line.
    with parts.open("a") as out:
        out.write('{"index": 2, "la')
    resumed = run("lines_and_planes:stops_at_the_third", "inputs.npz", *SETTINGS, "--resume", str(parts))
    assert resumed.exit_code == 0, resumed.output
    assert rows(parts)[1] == rows(whole)[1]
    again = run("lines_and_planes:stops_at_the_third", "inputs.npz", *SETTINGS, "--resume", str(parts))
    assert again.exit_code == 0 and again.output == resumed.output


def test_what_is_done_survives_a_kill(folder):
    """Lines are written when they are done, not at the end."""
    (folder / "dies.py").write_text(textwrap.dedent("""
        import os
        from lines_and_planes import line
        calls = []
        def f(batch):
            calls.append(1)
            if len(calls) == 4:
                os._exit(9)
            return line(batch)
    """))
    command = [sys.executable, "-m", "proofs_check", "certify", "dies:f", "inputs.npz", *SETTINGS, "--json", "k.jsonl"]
    assert subprocess.run(command, cwd=folder, check=False, timeout=120).returncode == 9
    assert [row["index"] for row in rows(folder / "k.jsonl")[1]] == [0, 1, 2]


def test_the_summary_counts_right_labels_only(folder):
    np.savez(folder / "wrong.npz", x=X, y=np.ones(9, dtype=int))
    output = run("lines_and_planes:line", "wrong.npz", *SETTINGS).output
    assert output.splitlines()[0].startswith("9 inputs, 8 certified, ")
    assert output.splitlines()[2].split() == ["0", "0.444"]
    assert "share certified" in run("lines_and_planes:line", "without_labels.npz", *SETTINGS).output


def test_a_part_of_the_digits_by_name(folder):
    file = folder / "digits.jsonl"
    common = ("mlp-noise-0.25", "digits", "--sigma", "0.25", "--estimation", "100")
    assert run(*common, "--first", "2", "--json", str(file)).exit_code == 0
    longer = run(*common, "--first", "3", "--resume", str(file))
    assert longer.exit_code == 0 and longer.output.startswith("3 inputs, ")
    assert len(rows(file)[1]) == 3


@pytest.mark.parametrize(("arguments", "message"), [
    (("nothing", "inputs.npz", *SETTINGS), "'nothing' is neither MODULE:FUNCTION nor a network trained on digits"),
    (("lines_and_planes:none", "inputs.npz", *SETTINGS), "cannot import 'lines_and_planes:none'"),
    (("lines_and_planes:seen", "inputs.npz", *SETTINGS), "'lines_and_planes:seen' is no function"),
    (("lines_and_planes:flat", "inputs.npz", *SETTINGS), "input 0: ValueError: f(x) must be of shape (200, classes)"),
    (("lines_and_planes:line", "missing.npz", *SETTINGS), "missing.npz: not a readable .npz file"),
    (("lines_and_planes:line", "inputs.csv", *SETTINGS), "inputs.csv: must be an .npz or a .safetensors file"),
    (("lines_and_planes:line", "vector.npz", *SETTINGS), "vector.npz: x must be a finite array of numbers"),
    (("lines_and_planes:line", "short.npz", *SETTINGS), "short.npz: y must be an array of 2 integers"),
    (("lines_and_planes:line", "inputs.npz", "--sigma", "0"), "Invalid value for '--sigma'"),
    (("lines_and_planes:line", "inputs.npz", *SETTINGS, "--selection", "9"), "--selection is not for multi"),
    (("lines_and_planes:line", "inputs.npz", *SETTINGS, "--resume", "of_claims.jsonl"), "not the record of a run"),
    (("lines_and_planes:line", "inputs.npz", *SETTINGS, "--resume", "no.jsonl"), "no.jsonl cannot be read"),
])
def test_bad_input_is_one_line(folder, arguments, message):
    np.savez(folder / "vector.npz", x=np.ones(3))
    np.savez(folder / "short.npz", x=np.ones((2, 1)), y=np.zeros(3, dtype=int))
    (folder / "of_claims.jsonl").write_text('{"lipref": "0", "impl": "refimpl"}\n')
    command = [sys.executable, "-m", "proofs_check", "certify", *arguments]
    done = subprocess.run(command, cwd=folder, check=False, timeout=120, capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("proofs-check: ") and message in done.stderr and done.stderr.count("\n") == 1


def test_files_are_checked_row_by_row(folder):
    file = folder / "out.jsonl"
    run("lines_and_planes:line", "inputs.npz", *SETTINGS, "--json", str(file))
    file.write_text(file.read_text().replace('"radius"', '"radii"', 1))
    result = run("lines_and_planes:line", "inputs.npz", *SETTINGS, "--resume", str(file))
    assert result.exit_code != 0 and "line 2 is not a certified input" in str(result.exception) + result.output


def test_the_noise_of_an_input_does_not_depend_on_the_others():
    inputs = certification.Inputs(X, None, "")
    settings = certification.Settings(0.5, 0.001, "multi", None, 50, 0)

    def f(batch):
        return np.concatenate([batch, -batch], axis=1)

    alone = list(certification.certificates(f, inputs, settings, [5], 1000))
    assert list(certification.certificates(f, inputs, settings, [2, 5, 3], 7))[1:2] == alone
