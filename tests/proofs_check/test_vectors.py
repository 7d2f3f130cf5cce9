"""The exported set is well formed, reproducible, and put to packages and programs."""

import importlib
import json
import math
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import refimpl.confidence
import refimpl.spectral
from proofs_check.cli import main
from proofs_check.vectors import _files, _flags, _make, _numbers, _schema, cases
from proofs_check.vectors._peers import Adapter, Crashed, NoAnswer, Program
from proofs_check.vectors._rounding import ROUNDING
from proofs_check.vectors._run import check_function
from proofs_check.vectors._spec import Rounding
from proofs_check.vectors._uncovered import TOPICS, UNCOVERED

REFIMPL = Path(__file__).parents[2] / "refimpl"
PEERS = Path(__file__).parents[2] / "docs" / "vectors"
FUNCTIONS = cases.load()
# Computed in a blink; the others are in the slow test below.
SLOW = {
    "certificates.certify_mono", "certificates.certify_multi", "certificates.certify_partitioned",
    "convolution.zero_padded_norm_bound", "weierstrass.quantile_lipschitz", "certificates.radius_multi_lipschitz",
}


# -- the set ---------------------------------------------------------------------------------------


def test_the_set_holds_what_the_cases_name():
    assert _files.functions() == sorted(FUNCTIONS)


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - SLOW))
def test_the_set_is_reproduced_byte_for_byte(name):
    file = _make.make(FUNCTIONS[name])
    assert _files.text(file) == (_files.DATA / f"{name}.json").read_text(encoding="utf-8")
    assert _files.schema_text(_schema.schema(file)) == (_files.DATA / f"{name}.schema.json").read_text(encoding="utf-8")


def test_the_slow_rest_is_reproduced_too(tmp_path):
    for name in sorted(SLOW):
        for path in _files.write(tmp_path, _make.make(FUNCTIONS[name])):
            assert path.read_bytes() == (_files.DATA / path.name).read_bytes()


@pytest.mark.parametrize("name", _files.functions())
def test_a_file_follows_its_schema_and_the_lint(name):
    jsonschema = pytest.importorskip("jsonschema")
    file = _files.load(name)
    schema = json.loads((_files.DATA / f"{name}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(file)
    assert _files.lint(file) == []
    assert file["count"] >= 40


def test_a_schema_is_closed():
    jsonschema = pytest.importorskip("jsonschema")
    file = _files.load("confidence.bonferroni")
    schema = _schema.schema(file)
    for change in ({"more": 1}, {"count": "41"}, {"promises": "maybe"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**file, **change}, schema, jsonschema.Draft202012Validator)
    file["vectors"][0]["inputs"]["alpha"] = 0.05
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(file, schema, jsonschema.Draft202012Validator)


def test_the_set_is_small():
    assert sum(path.stat().st_size for path in _files.DATA.iterdir()) < 5_000_000


def test_every_function_is_covered_or_listed_with_a_reason():
    public = {f"{topic}.{name}" for topic in TOPICS for name in importlib.import_module(f"refimpl.{topic}").__all__}
    assert sorted(public - set(FUNCTIONS) - set(UNCOVERED)) == []
    assert sorted(set(UNCOVERED) - public) == sorted(set(UNCOVERED) & set(FUNCTIONS)) == []
    topics = {path.stem for path in REFIMPL.iterdir() if not path.name.startswith("_") and path.suffix in ("", ".py")}
    assert set(TOPICS) == topics


def test_what_counts_as_rounding_is_derived():
    assert sorted(ROUNDING) == sorted(FUNCTIONS)
    for file in _files.load_all():
        rounding = ROUNDING[file["function"]]
        assert file["rounding"] == rounding.why and (rounding.ulp is None or rounding.operations == 0)
        for each in file["vectors"]:
            for relation in [each["relation"]] if "kind" in each["relation"] else each["relation"].values():
                if "Certified" in each["flags"]:
                    assert relation == {"kind": relation["kind"], "relative": "0x0p+0"}
                elif relation["kind"] != "raises":
                    assert relation.get("ulp") == rounding.ulp
                    if rounding.operations:
                        ratio = float.fromhex(relation["relative"]) / rounding.relative(1.0)
                        assert ratio >= 1 and math.log2(ratio).is_integer()


def test_rounding_is_the_product_of_operations_and_condition():
    assert Rounding("", 1).relative(1.0) == 2.0**-50
    assert Rounding("", 64, 2.0**10).relative(1.0) == 2.0**-34
    assert Rounding("", 64).relative(1000.0) == 2.0**-34
    assert Rounding("").relative(5.0) == 0


SMALL_TRAPS = {
    "ZeroMean": "conv_spectral_norm circular_norm_bound zero_padded_norm_bound strided_norm_bound spectral_density",
    "OwnSize": "conv_spectral_norm circular_norm_bound",
    "KernelSize": "conv_spectral_norm circular_norm_bound sampled_density_bound",
    "Aliasing": "circulant_matrix conv_spectral_norm",
    "EvenKernel": "conv_spectral_norm circular_norm_bound zero_padded_norm_bound conv2d circulant_matrix",
    "Groups": "conv2d conv2d_transpose conv_spectral_norm",
    "Dilation": "conv2d conv2d_transpose conv_spectral_norm",
    "Stride": "conv2d conv2d_transpose conv_spectral_norm strided_norm_bound",
    "Transposed": "conv2d_transpose",
    "Anchor": "conv2d conv2d_transpose conv_spectral_norm",
    "Certified": "circular_norm_bound zero_padded_norm_bound smaller_input_norm_bound",
    "SmallImage": "conv2d conv_spectral_norm circular_norm_bound",
    "CircularIsNoBound": "conv_spectral_norm",
}
TRAPS = {
    **{flag: [f"convolution.{name}" for name in names.split()] for flag, names in SMALL_TRAPS.items()},
    "EpsilonBreaksBound": ["spectral.gram_iteration", "convolution.circular_norm_bound",
                           "layers.spectral_normalization"],
    "TinyP": ["certificates.radius_mono", "certificates.radius_multi", "confidence.clopper_pearson",
              "weierstrass.probit"],
    "NoSuccess": ["confidence.clopper_pearson", "certificates.certify_mono"],
    "SelectionBias": ["certificates.certify_mono", "certificates.certify_partitioned", "certificates.lvm_rs"],
    "Unpaid": ["confidence.bonferroni", "certificates.certify_multi", "certificates.lvm_rs"],
    "Ties": ["simplex.hardmax", "simplex.sparsemax", "confidence.partition_classes"],
    "RepeatedSingularValue": ["spectral.spectral_norm", "spectral.gram_iteration"],
    "Overflow": ["spectral.spectral_norm", "spectral.gram_iteration", "convolution.circular_norm_bound"],
    "Complex": ["spectral.spectral_norm", "spectral.schatten_norm", "spectral.spectral_radius", "layers.cayley"],
    "Cancellation": ["certificates.radius_multi", "curvature.smoothed_cross_entropy"],
}


@pytest.mark.parametrize("flag", TRAPS)
def test_a_trap_is_set_where_it_belongs(flag):
    for function in TRAPS[flag]:
        assert flag in _files.load(function)["notes"], function


def test_the_extreme_probabilities_are_there():
    lower = _files.load("confidence.clopper_pearson")["vectors"]
    assert any(each["inputs"]["counts"] == 0 and _numbers.decode(each["inputs"]["alpha"]) == 1e-7
               for each in lower if each["expected"])
    ends = [1 - Fraction(each["expected"]["value"]["lower"]) for each in lower if each["expected"]]
    assert any(0 < end < Fraction(1, 10**15) for end in ends)
    p = [1 - _numbers.decode(each["inputs"]["p_lower"]) for each in _files.load("certificates.radius_mono")["vectors"]
         if each["expected"]]
    assert any(0 < q < 1e-15 for q in p)


def test_every_flag_is_used():
    used = {flag for file in _files.load_all() for flag in file["notes"]}
    assert sorted(set(_flags.FLAGS) - used) == []


def test_lint_finds_what_a_schema_cannot():
    file = _files.load("confidence.bonferroni")
    file["vectors"][1]["id"] = "confidence.bonferroni-009"
    file["vectors"][2]["inputs"] = file["vectors"][3]["inputs"]
    file["notes"]["Ties"] = "of nothing"
    file["count"] = 3
    assert len(_files.lint(file)) == 5


@pytest.mark.parametrize("name", _files.functions())
def test_refimpl_passes_and_refuses_nothing_that_it_should_answer(name):
    row = check_function(_files.load(name), Adapter("refimpl"))
    assert row.state == "pass", row.first
    assert row.outcomes["refused"] == 0


def test_the_enclosures_agree_with_floating_point_of_another_kind():
    file = _files.load("spectral.spectral_norm")
    for each in file["vectors"]:
        if each["expected"] is not None and "Overflow" not in each["flags"] and "Subnormal" not in each["flags"]:
            W = _numbers.decode(each["inputs"]["W"])
            assert float(each["expected"]["value"]) == pytest.approx(np.linalg.svd(W)[1][0], rel=1e-12, abs=1e-15)


# -- programs --------------------------------------------------------------------------------------


def test_a_c_program_passes(tmp_path):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    program = tmp_path / "bonferroni"
    strict = ["-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *strict, "-o", program, PEERS / "bonferroni.c"], check=True, timeout=60)
    done = CliRunner().invoke(main, ["vectors", "check", "--command", str(program), "confidence.*", "spectral.*"])
    assert done.exit_code == 0, done.output
    assert "1 offered: 1 pass, 0 FAIL" in done.output and "not offered" in done.output


def test_a_javascript_program_passes():
    if shutil.which("node") is None:
        pytest.skip("no node")
    done = CliRunner().invoke(main, ["vectors", "check", "--command", f"node {PEERS / 'softmax.js'}", "simplex.*"])
    assert done.exit_code == 0, done.output
    assert "1 offered: 1 pass, 0 FAIL" in done.output


@pytest.mark.parametrize("name", ["bonferroni.c", "softmax.js"])
def test_an_example_is_about_a_dozen_lines(name):
    assert len((PEERS / name).read_text("utf-8").splitlines()) <= 16


@pytest.mark.parametrize(("body", "raised", "says"), [
    ("print('{', flush=True)", Crashed, "not a line of JSON"),
    ("print('{\"id\": \"other\", \"result\": 1}', flush=True)", Crashed, "was due"),
    ("sys.exit(3)", Crashed, "exit code 3"),
    ("print(json.dumps({'id': request['id']}), flush=True)", Crashed, "neither result"),
    ("time.sleep(60)", NoAnswer, "no answer within 0.5 s"),
])
def test_a_program_that_misbehaves_is_told_apart(body, raised, says):
    code = f"import json, sys, time\nfor line in sys.stdin:\n    request = json.loads(line)\n    {body}\n"
    file = _files.load("confidence.bonferroni")
    peer = Program([sys.executable, "-c", code], timeout=5.0 if raised is Crashed else 0.5)
    try:
        with pytest.raises(raised, match=says):
            peer.answer(file, file["vectors"][0])
    finally:
        peer.close()


# -- the command -----------------------------------------------------------------------------------


def test_the_command_exports_and_checks(tmp_path, module):
    done = CliRunner().invoke(main, ["vectors", "export", str(tmp_path), "confidence.bon*"])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "confidence.bonferroni.json").exists()
    wrong = module(bonferroni=lambda alpha, m: alpha)
    done = CliRunner().invoke(main, ["vectors", "check", "--impl", "refimpl", "--impl", wrong, "confidence.*"])
    assert done.exit_code == 1
    assert "FAIL" in done.output and "not offered" in done.output
    assert f"{wrong}: confidence.bonferroni-002\n  (ClosedForm, Unpaid) 0.001 over 2" in done.output


def test_the_command_tells_estimates_apart(module):
    def spectral_norm(W):
        return refimpl.spectral.power_iteration(W, 5, rng=0)

    guess = module(spectral_norm=spectral_norm, PROMISES={"spectral.spectral_norm": "estimate"})
    done = CliRunner().invoke(main, ["vectors", "check", "--impl", guess, "spectral.spectral_norm"])
    assert done.exit_code == 1 and "0 pass, 0 FAIL, 1 estimate" in done.output
    assert "estimate where the exact value is asked for: exact to" in done.output


def test_networks_and_events_are_given_as_a_package_has_them(module):
    def seen(kind):
        def product_upper_bound(network):
            assert isinstance(network, kind)
            raise ValueError("seen")

        return product_upper_bound

    file = _files.load("network.product_upper_bound")
    own = type("FeedForward", (), {"__init__": lambda self, weights, activation, biases: None})
    for offered in ({"product_upper_bound": seen(dict)}, {"product_upper_bound": seen(own), "FeedForward": own}):
        row = check_function(file, Adapter(module(**offered)))
        assert row.state == "refused" and row.outcomes["refused"] >= 40

    def exact_coverage(covers, p, n):
        return refimpl.confidence.exact_coverage(lambda counts: not covers(counts), p, n)

    row = check_function(_files.load("confidence.exact_coverage"), Adapter(module(exact_coverage=exact_coverage)))
    assert row.state == "FAIL" and row.outcomes["refused"] == 0


def test_the_command_refuses_what_it_cannot_do():
    for arguments in (["check"], ["check", "--impl", "no_such_package"], ["check", "--command", "no-such-program"],
                      ["check", "--impl", "refimpl", "no.such*"]):
        assert CliRunner().invoke(main, ["vectors", *arguments]).exit_code != 0
