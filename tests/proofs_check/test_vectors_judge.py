"""Numbers are written exactly, and results judged by their enclosures and promises."""

import importlib
import math
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, ctx

from proofs_check.vectors import _files, _numbers
from proofs_check.vectors._judge import judge, unit_in_the_last_place
from proofs_check.vectors._peers import Adapter
from proofs_check.vectors._run import check_function, put


def vector(value, relation, **more):
    radius = "1e-29" if isinstance(value, str) and "." in value else "0"
    return {"relation": relation, "expected": {"value": value, "radius": radius, **more}}


EQUAL = {"kind": "equal", "relative": "0x1p-40", "of": "entry"}
UPPER, LOWER = ({"kind": kind, "relative": "0x1p-40"} for kind in ("upper", "lower"))
ESTIMATE = {"kind": "estimate", "relative": "0x1p-40", "of": "entry"}
ULP = {"kind": "equal", "ulp": 1}
COMPLEX = {"value": [{"re": "1", "im": "1"}], "radius": [{"re": "0", "im": "0"}]}
ROOT = "1.41421356237309504880168872421"

# -- numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0.0, -0.0, 1.5, -3.0, 0.1, 5e-324, 1.7e308, math.inf, -math.inf])
def test_a_float_survives_being_written(value):
    text = _numbers.hexadecimal(value)
    assert float.fromhex(text) == value and math.copysign(1, float.fromhex(text)) == math.copysign(1, value)


def test_digits_hold_the_number():
    with ctx.workprec(300):
        digits_hold_the_number()


def digits_hold_the_number():
    assert _numbers.decimal(arb(2).sqrt()) == (ROOT, "1e-29")
    assert abs(Fraction(ROOT) ** 2 - 2) < 4 * Fraction("1e-29")
    assert _numbers.decimal(arb(0.5)) == ("0.5", "1e-60")
    assert _numbers.decimal(arb(0.5), sharp=True) == ("0.5", "0")
    assert _numbers.decimal(-arb(2) ** 60) == ("-1152921504606846976", "1e-41")
    assert _numbers.decimal(arb(10) ** 30, sharp=True) == ("1e30", "0")
    assert _numbers.decimal(arb(0)) == ("0", "0")
    assert _numbers.decimal(arb.pos_inf()) == ("inf", "0")


@pytest.mark.parametrize("value", [1, 1.5, 1000, -1, Fraction(1, 2**31), Fraction(1, 3), 2**101])
def test_another_midpoint_and_radius_give_the_same_text(value):
    """As another version of the library has them: on either side of a power of ten, of a digit's half, or exact."""
    with ctx.workprec(400):
        ball = arb(Fraction(value).numerator) / Fraction(value).denominator
        size = abs(ball)
        texts = {_numbers.decimal(ball + shift * size * arb(10) ** -70 + arb(0, 1e-75) * size * wide)
                 for shift in (-1, 0, 1) for wide in (0, 1)}
    assert len(texts) == 1
    [(text, radius)] = texts
    assert abs(Fraction(text) - Fraction(value)) < Fraction(radius)


def test_a_ball_with_few_digits_is_refused():
    for ball in (arb(1, 1e-20), arb(1, 1e-55), arb(0, 1e-60)):
        with pytest.raises(ValueError, match="fewer than 63 digits"):
            _numbers.decimal(ball)
    with ctx.workprec(1400):
        assert _numbers.decimal(arb(0, 1) * arb(10) ** -401) == ("0", "1e-400")
    with pytest.raises(ValueError, match="is not exact"):
        _numbers.decimal(arb(2).sqrt() * 0 + arb(1, 1e-300), sharp=True)


def test_complex_numbers_survive_being_written():
    value = [[1 + 2j, -0.5j], [0.25, 3]]
    text = _numbers.encode(np.array(value))
    assert text[0][0] == {"re": "0x1p+0", "im": "0x1p+1"}
    np.testing.assert_array_equal(_numbers.decode(text), np.array(value))
    np.testing.assert_array_equal(_numbers.decode([["0x1p+0", {"re": "0x0p+0", "im": "0x1p+0"}]]), np.array([[1, 1j]]))


@pytest.mark.parametrize(("value", "unit"), [
    (1.0, 2.0**-52), (1.9, 2.0**-52), (2.0, 2.0**-51), (-0.3, 2.0**-54), (0.0, 2.0**-1074), (2.0**-1060, 2.0**-1074),
    (1.7e308, 2.0**971)])
def test_units_in_the_last_place(value, unit):
    assert unit_in_the_last_place(Fraction(value)) == Fraction(unit)


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
    (2.0, vector("2", ESTIMATE), "pass", "estimate, exact to 17"),
    (1.0, vector("2", ESTIMATE), "fail", "estimate, wrong, exact to 0"),
    (1.0 + 2.0**-52, vector("1", ULP), "pass", "exact to 15"),
    (1.0 + 2.0**-51, vector("1", ULP), "fail", "wrong, exact to 15"),
    (1.0, vector("1", {"kind": "upper", "ulp": 0}), "pass", "sound"),
    (0.9999999, vector("1", {"kind": "upper", "ulp": 3}), "fail", "UNSOUND"),
    (np.array([1 + 1j]), {"relation": EQUAL, "expected": COMPLEX}, "pass", "exact to 17"),
    ([{"re": 1, "im": 1}], {"relation": EQUAL, "expected": COMPLEX}, "pass", "exact to 17"),
    (np.array([1 - 1j]), {"relation": EQUAL, "expected": COMPLEX}, "fail", "wrong"),
    (np.array([1.0]), {"relation": EQUAL, "expected": COMPLEX}, "fail", "wrong"),
    (np.array([1 + 1j]), {"relation": EQUAL, "expected": {"value": ["1"], "radius": ["0"]}}, "fail", "no result"),
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


@pytest.mark.parametrize(("asked", "says"), [
    (EQUAL, "the exact value"), (UPPER, "an upper bound"), (LOWER, "a lower bound")])
@pytest.mark.parametrize(("result", "side"), [(1.5, ", above the truth"), (1.4, ", below the truth")])
def test_an_estimate_is_said_to_be_one(asked, says, result, side):
    judgement = judge(vector(ROOT, asked), result, promise="estimate")
    assert judgement.outcome == "estimate"
    assert judgement.verdict.startswith(f"estimate where {says} is asked for") and judgement.verdict.endswith(side)


def test_of_an_estimate_more_may_be_promised_and_is_judged_by_the_truth():
    given = vector("1.5", ESTIMATE, truth=ROOT, truth_radius="1e-29")
    assert judge(given, 1.5).passed and judge(given, 1.5, promise="upper").verdict == "sound"
    assert judge(given, 1.5, promise="lower").verdict.startswith("UNSOUND")
    assert not judge(given, 1.5, promise="exact").passed and judge(given, math.sqrt(2), promise="exact").passed


@pytest.mark.parametrize("function", [
    "spectral.spectral_norm", "convolution.circular_norm_bound", "certificates.radius_mono",
    "certificates.certify_mono", "confidence.clopper_pearson"])
def test_what_declares_itself_an_estimate_never_comes_out_sound(function, module):
    topic, name = function.split(".")
    right = getattr(importlib.import_module(f"refimpl.{topic}"), name)
    file = _files.load(function)
    fields = file["promises"]
    for said in (dict.fromkeys(fields, "estimate") if isinstance(fields, dict) else "estimate", "estimate"):
        peer = Adapter(module(**{name: right, "PROMISES": {function: said}}))
        verdicts = [put(file, each, peer) for each in file["vectors"] if each["expected"] is not None]
        assert all(judgement.outcome == "estimate" and "sound" not in judgement.verdict for judgement in verdicts)
        assert check_function(file, peer).state == "estimate"


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
