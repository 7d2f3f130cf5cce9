"""The exported set is well formed, reproducible, and judged by its enclosures."""

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
from flint import arb, ctx

from proofs_check.cli import main
from proofs_check.vectors import _files, _flags, _make, _numbers, _schema, cases
from proofs_check.vectors._judge import judge
from proofs_check.vectors._peers import Adapter, Crashed, NoAnswer, Program
from proofs_check.vectors._run import check_function, put

PEERS = Path(__file__).parents[2] / "docs" / "vectors"
FUNCTIONS = cases.load()
# Computed in a blink; the others are in the slow test below.
SLOW = {
    "certificates.certify_mono", "certificates.certify_multi", "certificates.certify_partitioned",
    "convolution.zero_padded_norm_bound", "weierstrass.quantile_lipschitz", "certificates.radius_multi_lipschitz",
}


def vector(value, relation, **more):
    radius = "1e-29" if isinstance(value, str) and "." in value else "0"
    return {"relation": relation, "expected": {"value": value, "radius": radius, **more}}


EQUAL = {"kind": "equal", "relative": "0x1p-40", "of": "entry"}
UPPER, LOWER = ({"kind": kind, "relative": "0x1p-40"} for kind in ("upper", "lower"))
ROOT = "1.41421356237309504880168872421"

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
    jsonschema.validate(file, schema, jsonschema.Draft202012Validator)
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
            assert float(each["expected"]["value"]) == pytest.approx(np.linalg.svd(W)[1][0], rel=1e-12)


# -- numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0.0, -0.0, 1.5, -3.0, 0.1, 5e-324, 1.7e308, math.inf, -math.inf])
def test_a_float_survives_being_written(value):
    text = _numbers.hexadecimal(value)
    assert float.fromhex(text) == value and math.copysign(1, float.fromhex(text)) == math.copysign(1, value)


def test_digits_hold_the_number():
    with ctx.workprec(200):
        digits_hold_the_number()


def digits_hold_the_number():
    assert _numbers.decimal(arb(2).sqrt()) == (ROOT, "1e-29")
    assert abs(Fraction(ROOT) ** 2 - 2) < 4 * Fraction("1e-29")
    assert _numbers.decimal(arb(0.5)) == ("0.5", "0")
    assert _numbers.decimal(-arb(2) ** 60) == ("-1152921504606846976", "0")
    assert _numbers.decimal(arb(10) ** 30) == ("1e30", "0")
    assert _numbers.decimal(arb.pos_inf()) == ("inf", "0")


def test_a_ball_with_few_digits_is_refused():
    with pytest.raises(ValueError, match="fewer than 33 digits"):
        _numbers.decimal(arb(1, 1e-20))


# -- verdicts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("result", "given", "outcome", "says"), [
    (math.sqrt(2), vector(ROOT, EQUAL), "pass", "exact to 1"),
    (1.4142, vector(ROOT, EQUAL), "fail", "wrong, exact to 5 digits"),
    (math.nan, vector(ROOT, EQUAL), "fail", "NaN"),
    (math.inf, vector(ROOT, UPPER), "pass", "loose x inf"),
    (1.5, vector(ROOT, UPPER), "pass", "loose x 1.061"),
    (math.sqrt(2), vector(ROOT, UPPER), "pass", "sound"),
    (1.41, vector(ROOT, UPPER), "fail", "UNSOUND"),
    (1.41, vector(ROOT, LOWER), "pass", "loose x 1.003"),
    (0.0, vector(ROOT, LOWER), "pass", "loose x inf"),
    (1.42, vector(ROOT, LOWER), "fail", "UNSOUND"),
    (1.42, vector("1.5", UPPER, truth=ROOT, truth_radius="1e-29"), "pass", "sound"),
    (2.0, vector("2", {"kind": "upper", "relative": "0x0p+0"}), "pass", "sound"),
    (Fraction(ROOT), vector(ROOT, {"kind": "upper", "relative": "0x0p+0"}), "unknown", "unknown"),
    ([1.0, 2.0], {"relation": EQUAL, "expected": {"value": ["1", "2"], "radius": ["0", "0"]}}, "pass", "exact to 17"),
    ([1.0], {"relation": EQUAL, "expected": {"value": ["1", "2"], "radius": ["0", "0"]}}, "fail", "shape (1,)"),
    ("no number", vector("2", EQUAL), "fail", "no result"),
    (None, vector("2", EQUAL), "fail", "no result"),
    (1.0, vector("2", {"kind": "estimate", "relative": "0x1p-40", "of": "entry"}), "pass", "estimate, exact to 0"),
    (5.0, {"relation": {"kind": "raises"}, "expected": None}, "fail", "accepted"),
])
def test_a_result_is_judged(result, given, outcome, says):
    judgement = judge(given, result)
    assert (judgement.outcome, judgement.verdict.startswith(says)) == (outcome, True), judgement


def test_a_promise_of_its_own_turns_the_verdict():
    assert judge(vector(ROOT, EQUAL), 1.5, promise="upper").verdict == "loose x 1.061"
    assert judge(vector(ROOT, EQUAL), 1.4, promise="upper").verdict.startswith("UNSOUND")
    assert judge(vector(ROOT, EQUAL), 1.4, promise="lower").passed
    assert judge(vector(ROOT, EQUAL), 1.4142, relative=1e-4).passed


def test_an_error_is_a_refusal_a_crash_or_what_is_asked_for(module):
    file = _files.load("spectral.spectral_norm")
    answered = file["vectors"][0]
    refused = next(each for each in file["vectors"] if each["expected"] is None)

    def outcome(raised, given):
        def spectral_norm(W):
            raise raised

        return put(file, given, Adapter(module(spectral_norm=spectral_norm))).outcome

    assert outcome(ValueError("W must be finite"), refused) == "pass"
    assert outcome(ValueError("W must be finite"), answered) == "refused"
    assert outcome(IndexError("0"), refused) == "fail"
    assert check_function(file, Adapter(module())).state == "not offered"


def test_a_promise_that_is_no_promise_is_refused(module):
    with pytest.raises(ValueError, match="must be one of exact, upper, lower, estimate, got 'tight'"):
        Adapter(module(PROMISES={"spectral.spectral_norm": "tight"}))


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


def test_the_command_refuses_what_it_cannot_do():
    for arguments in (["check"], ["check", "--impl", "no_such_package"], ["check", "--command", "no-such-program"],
                      ["check", "--impl", "refimpl", "no.such*"]):
        assert CliRunner().invoke(main, ["vectors", *arguments]).exit_code != 0
