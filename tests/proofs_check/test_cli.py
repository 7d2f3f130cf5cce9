"""The command line, as a user meets it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from proofs_check import catalogue
from proofs_check.claims import load
from proofs_check.cli import main
from proofs_check.report.details import literal

REFUTED = "thesis.thm-3.2.4-2"
HOLDS = "thesis.thm-3.2.4-2.submultiplicative"
OTHER = "thesis.thm-3.2.4a.column-sums"
BROKEN = """
from refimpl.spectral import *
from refimpl.spectral import gram_iteration as _right

def gram_iteration(W, n_iter, norm="fro"):
    return -_right(W, n_iter, norm)
"""
DYING = """
import os

def gram_iteration(*arguments):
    os._exit(1)

spectral_norm = gram_iteration
"""


@pytest.fixture
def weights(tmp_path):
    file = tmp_path / "weights.npz"
    np.savez(file, W=np.array([[1.0, 2.0], [0.5, -1.0]]))
    return str(file)


@pytest.fixture
def call(weights):
    def call(*arguments):
        extra = ["--weights", weights] if arguments[0] == "run" and "--weights" not in arguments else []
        if arguments[0] == "run" and "--jobs" not in arguments:
            extra += ["--jobs", "1"]
        if arguments[0] == "run" and "--profile" not in arguments:
            extra += ["--profile", "quick"]
        return CliRunner().invoke(main, [*map(str, arguments), *extra])

    return call


def refused(result):
    """One line on standard error, nothing else."""
    assert result.exit_code == 2, result.output
    assert result.stderr.count("\n") == 1 and "Traceback" not in result.stderr
    return result.stderr


def records(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def without_seconds(file):
    header, *results = records(file)
    return header, sorted(({**r, "seconds": 0} for r in results), key=lambda r: r["id"])


def test_list_has_a_row_for_every_claim(call):
    result = call("list")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.output.splitlines()[1:]] == list(load())
    assert "\x1b" not in result.output


def test_list_of_what_is_missing(call, monkeypatch):
    rows = catalogue.rows()
    held, open = rows["thesis.alg-4"], replace(rows["thesis.eq-3.14"], claims=(), open="for odd sizes")
    monkeypatch.setattr(catalogue, "rows", lambda: {"thesis.alg-4": held})
    result = call("list", "--missing")
    assert (result.exit_code, result.output) == (0, "")
    monkeypatch.setattr(catalogue, "rows", lambda: {"thesis.alg-4": held, "thesis.eq-3.14": open})
    result = call("list", "--missing")
    assert result.exit_code == 1
    [_, row] = result.output.splitlines()
    assert row.startswith("thesis.eq-3.14 ") and row.endswith("MISSING: for odd sizes")


def test_list_of_all_statements(call):
    result = call("list", "--statements")
    lines = result.output.splitlines()
    assert result.exit_code == 0 and [line.split()[0] for line in lines[1:]] == list(catalogue.rows())
    result = call("list", "--statements", "than.eq-1", "thesis.fig-3.1?")
    ids = [line.split()[0] for line in result.output.splitlines()[1:]]
    assert ids == ["than.eq-1", "thesis.fig-3.10", "thesis.fig-3.11"]
    for part in ("section 3.9.2", "reproduce tightness; not run: needs the weights of ResNet18", "reproduce fig-3.11"):
        assert part in result.output


def test_list_of_statements_refuses_what_does_not_exist(call, monkeypatch):
    assert "no statement matches 'thesis.eq-3.111'; the nearest are thesis.eq-3.11" in refused(
        call("list", "--statements", "thesis.eq-3.111"))
    wrong = replace(catalogue.rows()["thesis.alg-4"], experiments=("fig-3.22",))
    monkeypatch.setattr(catalogue, "rows", lambda: {"thesis.alg-4": wrong})
    assert "names the experiment fig-3.22, which does not exist" in refused(call("list", "--missing"))


def test_list_takes_a_pattern(call):
    rows = call("list", "thesis.thm-3.2.4-2*").output.splitlines()[1:]
    assert [row.split()[0] for row in rows] == [REFUTED, HOLDS]


@pytest.mark.parametrize("id", [REFUTED, HOLDS, "thesis.alg-4"])
def test_the_python_of_show_runs(call, id):
    result = call("show", id)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()[-5:]
    assert result.output.splitlines()[-6] == ""
    ran = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, timeout=100, check=True
    )
    assert re.fullmatch(r"\S.* (<=|==|>=) .*, slack \S+\n", ran.stdout)


def test_show_says_all_that_is_known(call):
    output = call("show", REFUTED).output
    claim = load()[REFUTED]
    for part in (claim.statement, claim.tex, claim.source.title, claim.source.locator, "refuted, ", claim.reading,
                 claim.note, claim.amended_by, "counterexample", "<= 1.0, slack -0.292893", "ch3_gram_iteration.py:",
                 "spectral.gram_iteration, "):
        assert part in output


@pytest.mark.parametrize("value", [
    {"W": np.array([[1.0, np.nan], [-np.inf, 1e-300]]), "n": 3, "name": "fro", "none": None},
    {"W": np.array([1 + 2j]), "z": complex(0, np.inf), "x": float("-inf"), "yes": True},
    {"layers": [(np.eye(2), np.zeros(0)), (np.array([1, 2]),)], "empty": np.zeros((0, 3)), "t": ()},
])
def test_literals_make_the_value_again(value):
    again = eval(literal(value), {"np": np})
    np.testing.assert_equal(again, value)
    for name, part in value.items():
        assert getattr(again[name], "dtype", None) == getattr(part, "dtype", None)


@pytest.mark.parametrize("command", [("show",), ("attack",), ("run",), ("list",)])
def test_an_unknown_claim_names_the_nearest(call, command):
    assert REFUTED in refused(call(*command, "thesis.thm-3.2.4-22"))
    refused(call(*command, "nothing-like-it"))


@pytest.mark.parametrize("arguments", [
    ("run", REFUTED, "--impl", "no_such_module"), ("run", REFUTED, "--jobs", "0"), ("run", "--seed", "-1"),
    ("run", REFUTED, "--seed", "x"), ("run", "--profile", "endless"), ("attack", REFUTED), ("sing",),
    ("attack", HOLDS, "--evaluations", "0"), ("show", REFUTED, "--impl", "no.such"), ("run", "--no-option"),
    ("run", REFUTED, "--weights", "/no/such/file.npz"), ("run", REFUTED, "--resume", "/no/such/file"),
    ("run", REFUTED, "--json", "/no/such/directory/file"),
])
def test_errors_are_one_line(call, arguments):
    refused(call(*arguments))


def test_run_reproduces(call):
    result = call("run", REFUTED)
    assert result.exit_code == 0, result.output
    assert REFUTED in result.output
    assert result.output.splitlines()[-1].startswith("1 reproduced, 0 not reproduced, 0 not offered, 0 err")
    assert "\x1b" not in result.output and "\r" not in result.output


def test_a_wrong_implementation_is_found(call, tmp_path, monkeypatch):
    (tmp_path / "broken_norms.py").write_text(BROKEN)
    monkeypatch.syspath_prepend(tmp_path)
    for jobs in (1, 2):
        result = call("run", HOLDS, OTHER, "--impl", "broken_norms", "--jobs", jobs)
        assert result.exit_code == 1
        assert "implementation is wrong" in result.output
        assert "instance: {'W': [[" in result.output
        assert f"proofs-check show {HOLDS}" in result.output
        assert "0 reproduced, 2 not reproduced" in result.output


def test_a_worker_that_dies_is_an_error_of_its_claim(call, tmp_path, monkeypatch):
    (tmp_path / "dying_norms.py").write_text(DYING)
    monkeypatch.syspath_prepend(tmp_path)
    result = call("run", HOLDS, OTHER, "--impl", "dying_norms", "--jobs", "2")
    assert result.exit_code == 1
    assert "2 errored" in result.output and "a worker process died" in result.output


def test_what_is_not_offered_does_not_pass(call, tmp_path, monkeypatch):
    (tmp_path / "empty_norms.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    result = call("run", HOLDS, "--impl", "empty_norms")
    assert result.exit_code == 1
    assert "0 reproduced, 0 not reproduced, 1 not offered" in result.output
    assert "does not offer" in refused(call("attack", HOLDS, "--impl", "empty_norms"))
    assert "does not offer" in refused(call("show", HOLDS, "--impl", "empty_norms"))


def test_any_number_of_jobs_gives_the_same(call, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for file, jobs in ((one, 1), (two, 2)):
        result = call("run", "thesis.thm-3.2.4b*", "--json", file, "--jobs", jobs)
        assert result.exit_code == 0, result.output
    assert without_seconds(one) == without_seconds(two)
    assert len(records(one)) == 1 + len([id for id in load() if id.startswith("thesis.thm-3.2.4b")])


def test_json_starts_with_the_header(call, tmp_path):
    file = tmp_path / "run.jsonl"
    call("run", REFUTED, "--json", file, "--seed", "5")
    header, result = records(file)
    assert set(header) == {"lipref", "impl", "profile", "seed", "weights", "date"}
    assert (header["impl"], header["profile"], header["seed"]) == ("refimpl", "quick", 5)
    assert len(header["weights"]) == 64
    assert result["id"] == REFUTED and result["outcome"] == "reproduced"


def test_json_never_overwrites(call, tmp_path):
    file = tmp_path / "run.jsonl"
    file.write_text("precious")
    assert "exists already" in refused(call("run", REFUTED, "--json", file))
    assert file.read_text() == "precious"


def test_resume_after_a_line_that_was_cut_off(call, tmp_path):
    file = tmp_path / "run.jsonl"
    call("run", REFUTED, HOLDS, "--json", file)
    whole = file.read_text()
    file.write_text(whole[:-20])
    first = whole.splitlines()[:2]
    result = call("run", REFUTED, HOLDS, "--resume", file)
    assert result.exit_code == 0, result.output
    assert "2 reproduced" in result.output
    assert file.read_text().splitlines()[:2] == first
    assert [r["id"] for r in without_seconds(file)[1]] == [REFUTED, HOLDS]


def test_resume_of_a_finished_run_does_nothing(call, tmp_path):
    file = tmp_path / "run.jsonl"
    call("run", REFUTED, "--json", file)
    before = file.read_bytes()
    assert call("run", REFUTED, "--resume", file, "--json", file).exit_code == 0
    assert file.read_bytes() == before


def test_resume_runs_errors_again(call, tmp_path):
    file = tmp_path / "run.jsonl"
    call("run", REFUTED, "--json", file)
    header, result = records(file)
    file.write_text(json.dumps(header) + "\n" + json.dumps({**result, "outcome": "errored"}) + "\n")
    result = call("run", REFUTED, "--resume", file)
    assert result.exit_code == 0 and "1 reproduced" in result.output
    assert [r["outcome"] for r in records(file)[1:]] == ["errored", "reproduced"]
    assert call("run", REFUTED, "--resume", file).exit_code == 0
    assert len(records(file)) == 3


@pytest.mark.parametrize(
    ("option", "value", "differs"), [("--seed", "7", "seed"), ("--profile", "default", "profile")]
)
def test_resume_of_another_run_is_refused(call, tmp_path, option, value, differs):
    file = tmp_path / "run.jsonl"
    call("run", REFUTED, "--json", file)
    before = file.read_bytes()
    assert f"{differs} is" in refused(call("run", REFUTED, "--resume", file, option, value))
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", ["", "{", "[]\n", "{}\n", "no json\n"])
def test_resume_of_another_file_is_refused(call, tmp_path, content):
    file = tmp_path / "run.jsonl"
    file.write_text(content)
    refused(call("run", REFUTED, "--resume", file))
    assert file.read_text() == content


def test_a_spoilt_line_in_the_middle_is_refused(call, tmp_path):
    file = tmp_path / "run.jsonl"
    call("run", REFUTED, HOLDS, "--json", file)
    lines = file.read_text().splitlines(keepends=True)
    file.write_text(lines[0] + "spoilt\n" + lines[2])
    assert "line 2" in refused(call("run", REFUTED, HOLDS, "--resume", file))


def test_weights_are_used_and_the_rest_named(call, tmp_path):
    file = tmp_path / "layers.npz"
    np.savez(file, W=np.eye(3), V=np.ones((2, 3)), bias=np.ones(3))
    result = call("run", HOLDS, "--weights", file, "--json", tmp_path / "run.jsonl")
    assert result.exit_code == 0, result.output
    assert "skipped: bias" in result.stderr
    assert records(tmp_path / "run.jsonl")[1]["evidence"]["real layers"] == "2 layers"


def test_kernels_of_a_file_go_to_claims_on_convolutions(call, tmp_path):
    file = tmp_path / "layers.npz"
    np.savez(file, K=np.arange(36.0).reshape(2, 2, 3, 3), line=np.ones((2, 1, 3)), W=np.eye(2))
    call("run", "thesis.prop-3.5.1", "--profile", "quick", "--weights", file, "--json", tmp_path / "run.jsonl")
    assert records(tmp_path / "run.jsonl")[1]["evidence"]["real layers"] == "2 layers"


def test_bad_weights_are_refused(call, tmp_path):
    file = tmp_path / "layers.npz"
    np.savez(file, W=np.array([[np.nan]]))
    assert "NaN" in refused(call("run", HOLDS, "--weights", file))
    np.savez(file, W=np.ones(3))
    assert "matrix or kernel" in refused(call("run", HOLDS, "--weights", file))
    file.write_text("text")
    assert "not a readable" in refused(call("run", HOLDS, "--weights", file))


def test_bad_weights_leave_no_record(call, tmp_path):
    file = tmp_path / "layers.npz"
    file.write_text("text")
    refused(call("run", HOLDS, "--weights", file, "--json", tmp_path / "run.jsonl"))
    assert not (tmp_path / "run.jsonl").exists()


def test_attack_prints_improvements_and_the_instance(call, tmp_path, monkeypatch):
    result = call("attack", HOLDS, "--evaluations", "100")
    assert result.exit_code == 0, result.output
    assert "slack" in result.output and "best instance" in result.output
    assert "it does not violate the claim" in result.output
    (tmp_path / "low_norms.py").write_text(BROKEN.replace("return -", "return 0.9 * "))
    monkeypatch.syspath_prepend(tmp_path)
    assert call("attack", HOLDS, "--evaluations", "100", "--impl", "low_norms").exit_code == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupt_prints_what_is_there(tmp_path, weights, jobs):
    file = tmp_path / "run.jsonl"
    # A shell's background job, and so its children, would ignore the signal.
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from proofs_check.cli import main; main()"
    )
    arguments = ["run", "thesis.*", "--profile", "thorough", "--jobs", jobs, "--weights", weights]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments, "--json", str(file)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 60
        # Until the header and the first result are there.
        while not (file.exists() and file.read_text().count("\n") >= 2) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # the workers too: they hold the pipes open
            process.communicate()
    assert process.returncode == 130
    assert "interrupted: " in output and "thesis.A.0.1 " in output
    assert "Traceback" not in errors
    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.killpg(process.pid, 0)
            time.sleep(0.05)


def test_help_imports_nothing_heavy():
    program = (
        "import sys; from click.testing import CliRunner; from proofs_check.cli import main;"
        "assert CliRunner().invoke(main, ['run', '--help']).exit_code == 0;"
        "sys.exit(' '.join({'numpy', 'rich', 'hypothesis', 'sympy', 'sklearn', 'flint'} & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.stderr.strip() == ""
