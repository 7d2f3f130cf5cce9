"""The pytest plugin, by pytest's own pytester: items, selections, reports, and nothing without the option."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

import proofs_check
from proofs_check.vectors import _files as vectors_files

pytest_plugins = ["pytester"]

ADAPTER = """
import numpy as np

def spectral_norm(W):
    return float(np.linalg.norm(np.asarray(W), 2)) * {factor}
"""
# One claim that a norm alone decides, and one that needs more.
CLAIMS = ("--lipref-claims", "thesis.eq-4.1", "--lipref-claims", "lipref.enclosure")
ENTRIES = importlib.metadata.entry_points(group="pytest11")
INSTALLED = any(entry.value == "proofs_check.pytest_plugin" for entry in ENTRIES)


@pytest.fixture
def run(pytester, monkeypatch):
    """Run pytest in a folder with one test of its own and an adapter that is right or wrong."""
    paths = [str(Path(proofs_check.__file__).parents[1]), os.environ.get("PYTHONPATH")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    pytester.makepyfile(test_own="def test_own(): pass")
    plugin = () if INSTALLED else ("-p", "proofs_check.pytest_plugin")

    def run(*options, factor="1"):
        pytester.makepyfile(adapter=ADAPTER.replace("{factor}", factor))
        return pytester.runpytest_subprocess(*plugin, *options, timeout=240)

    return run


def test_claims_are_items_with_their_ids_beside_the_own_tests(run):
    found = run("--lipref-impl", "adapter", *CLAIMS, "-v", "-rs")
    found.assert_outcomes(passed=2, skipped=1)
    found.stdout.fnmatch_lines(["*test_own.py::test_own PASSED*", "lipref::thesis.eq-4.1 PASSED*"])
    found.stdout.fnmatch_lines(["*adapter does not offer spectral.spectral_norm_enclosure*"])


def test_a_failure_shows_the_instance_and_no_traceback_of_the_checker(run):
    found = run("--lipref-impl", "adapter", *CLAIMS, factor="1.01")
    found.assert_outcomes(passed=1, failed=1, skipped=1)
    found.stdout.fnmatch_lines(["thesis.eq-4.1 *: not reproduced", "instance: {*}", "functions: *spectral_norm*"])
    assert "proofs_check/run.py" not in found.stdout.str()


def test_what_is_not_offered_may_come_from_refimpl(run):
    claims = ("--lipref-claims", "lipref.enclosure-width", "--lipref-claims", "thesis.alg-4")
    found = run("--lipref-impl", "adapter+refimpl", *claims, "-rs")
    # Neither uses the adapter's one function.
    found.assert_outcomes(passed=1, skipped=2)
    found.stdout.fnmatch_lines(["*the first package offers none of spectral.spectral_norm_enclosure*"])


def test_k_and_x_and_the_junit_report_know_the_items(run, pytester):
    found = run("--lipref-impl", "adapter", "-k", "eq-4.1 or limit.normal", "-x", "--junitxml=report.xml", factor="2")
    found.assert_outcomes(failed=1)
    report = (pytester.path / "report.xml").read_text("utf-8")
    assert 'name="thesis.eq-4.1"' in report and 'name="verdict"' in report and "instance: {" in report


def test_xdist_runs_the_same_items(run):
    pytest.importorskip("xdist")
    found = run("--lipref-impl", "adapter", *CLAIMS, "-n", "2")
    found.assert_outcomes(passed=2, skipped=1)


# -- vectors ---------------------------------------------------------------------------------------


BONFERRONI = """
def bonferroni(alpha, m):
    if not 0 < alpha < 1 or m < 1:
        raise ValueError("alpha must be a risk, m positive")
    return alpha / m if m < 100 else alpha / {divisor}
"""
VECTORS = ("--lipref-claims", "confidence.*")


@pytest.fixture
def run_vectors(run, pytester):
    """The same with an adapter of one function, wrong from m = 100 on where the divisor is not m."""

    def go(*options, divisor="m"):
        pytester.makepyfile(peer=BONFERRONI.replace("{divisor}", divisor))
        return run("--lipref-impl", "peer", *VECTORS, *options)

    return go


def vectors(function):
    return {vector["id"]: vector for vector in vectors_files.load(function)["vectors"]}


OFFERED = len(vectors("confidence.bonferroni"))


def test_vectors_are_items_with_readable_ids(run_vectors):
    found = run_vectors("-v", "-k", "bonferroni or hoeffding-001", "-rs")
    counted = found.parseoutcomes()
    assert (counted["passed"], counted["skipped"], "failed" in counted) == (OFFERED, 1, False)
    for line in ("bonferroni-001 PASSED*", "hoeffding-001 SKIPPED*"):
        found.stdout.fnmatch_lines([f"lipref::confidence.{line}"])
    found.stdout.fnmatch_lines(["*peer does not offer confidence.hoeffding*"])


def test_a_vector_that_fails_shows_verdict_comment_flag_and_inputs(run_vectors):
    [id] = [id for id, v in vectors("confidence.bonferroni").items() if v["comment"] == "0.001 over 1000"]
    found = run_vectors("-k", id, divisor="99")
    assert found.parseoutcomes()["failed"] == 1
    found.stdout.fnmatch_lines([
        "wrong, exact to 0 digits: * (0.001 over 1000)", "Unpaid: More classes, *",
        "inputs: {'alpha': 0.001, 'm': 1000}", "proofs-check vectors check --impl peer confidence.bonferroni",
        f"FAILED lipref::{id} - wrong, exact to*",
    ])
    assert "_run.py" not in found.stdout.str()


def test_vectors_stop_at_x_and_stand_in_the_junit_report(run_vectors, pytester):
    found = run_vectors("-x", "-k", "bonferroni", "--junitxml=report.xml", divisor="2")
    assert found.parseoutcomes()["failed"] == 1 and found.parseoutcomes()["passed"] < OFFERED
    report = (pytester.path / "report.xml").read_text("utf-8")
    assert 'name="confidence.bonferroni-001"' in report and 'value="exact to' in report and "inputs: {" in report


def test_vectors_run_under_xdist(run_vectors):
    pytest.importorskip("xdist")
    found = run_vectors("-n", "2", "-k", "bonferroni or bernstein-001")
    found.assert_outcomes(passed=OFFERED, skipped=1)


def test_a_promise_that_is_none_is_a_usage_error(run, pytester):
    pytester.makepyfile(promising="PROMISES = {'spectral.spectral_norm': 'tight'}")
    found = run("--lipref-impl", "promising", *CLAIMS)
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    found.stderr.fnmatch_lines(["*PROMISES*spectral.spectral_norm* must be one of exact, upper, lower, estimate*"])


# -- what is refused, and what is not there --------------------------------------------------------


def test_an_adapter_in_the_current_directory_is_found(run, pytester):
    run()    # writes the adapter
    plugin = () if INSTALLED else ("-p", "proofs_check.pytest_plugin")
    # -P: as the command `pytest`, which does not put the current directory in front.
    found = pytester.run(sys.executable, "-P", "-m", "pytest", *plugin, "--lipref-impl", "adapter", *CLAIMS)
    found.assert_outcomes(passed=2, skipped=1)


def test_an_implementation_that_is_not_there_is_a_usage_error(run):
    found = run("--lipref-impl", "no_such_adapter")
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    found.stderr.fnmatch_lines(["*--lipref-impl: cannot import 'no_such_adapter': ModuleNotFoundError*"])


def test_without_the_option_there_are_no_items(run):
    run().assert_outcomes(passed=1)


def test_the_plugin_imports_nothing_heavy():
    code = "import sys, proofs_check.pytest_plugin; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    modules = set(done.stdout.split())
    assert modules & {"numpy", "scipy", "hypothesis", "sympy", "flint", "click", "proofs_check.claim"} == set()
