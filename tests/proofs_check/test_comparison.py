"""How two sides are compared."""


import math

import numpy as np
import pytest
from flint import acb, arb
from tiny_claims import (
    NUMBERS,
    made,
    norm_is_modulus,
)

from proofs_check.claim import (
    Comparison,
    as_ball,
)
from proofs_check.evidence._decide import decide
from proofs_check.implementation import Implementation
from proofs_check.run import Result

# -- comparisons ----------------------------------------------------------------------------------

ROOT = arb(2).sqrt()


@pytest.mark.parametrize(("comparison", "slack"), [
    (Comparison(1.0, "<=", 2.0), 0.5),
    (Comparison(2.0, "<=", 1.0), -0.5),
    (Comparison(2.0, ">=", 1.0), 0.5),
    (Comparison(1.0, ">=", 2.0), -0.5),
    (Comparison(-2.0, "<=", -1.0), 0.5),
    (Comparison(0.0, "<=", 0.0), 0.0),
    (Comparison([1.0, 3.0], "<=", [4.0, 4.0]), 0.25),
    (Comparison([1.0, 3.0], "<=", 2.0), -1 / 3),
    (Comparison([[1.0, 1.0], [1.0, 1.0]], "<=", [1.0, 2.0]), 0.0),
    (Comparison(0.0, "==", 0.0), 0.0),
    (Comparison(1.0, "==", 2.0), -0.5),
    (Comparison([0.0, 4.0], "==", [1.0, 4.0]), -0.25),
    (Comparison(1j, "==", -1j), -2.0),
    (Comparison(1 + 1j, "==", 1 + 1j), 0.0),
    (Comparison(1.0, "<=", math.inf), math.inf),
    (Comparison(math.inf, "<=", 1.0), -math.inf),
    (Comparison(math.inf, "<=", math.inf), 0.0),
    (Comparison(-math.inf, "<=", 1.0), math.inf),
    (Comparison(arb(1), "<=", 2), 0.5),
    (Comparison(acb(0, 1), "==", 1j), 0.0),
])
def test_slack_is_relative_to_the_sides(comparison, slack):
    assert comparison.slack() == slack


@pytest.mark.parametrize("relation", ["<=", ">=", "=="])
def test_slack_of_nan_is_nan(relation):
    assert math.isnan(Comparison([1.0, math.nan], relation, 2.0).slack())


def test_pairs_come_smaller_side_first():
    assert Comparison([1, 3], "<=", 2).pairs() == [(1, 2), (3, 2)]
    assert Comparison([1, 3], ">=", 2).pairs() == [(2, 1), (2, 3)]


@pytest.mark.parametrize(("comparison", "answer"), [
    (Comparison(ROOT, "<=", 2), True),
    (Comparison(ROOT, ">=", 2), False),
    (Comparison(ROOT * ROOT, "<=", 2), None),
    (Comparison(ROOT * ROOT, "==", 2), None),
    (Comparison(ROOT, "==", 2), False),
    (Comparison(arb(2), "==", 2.0), True),
    (Comparison(acb(0, 1), "==", 1j), True),
    (Comparison(acb(0, 1), "==", -1j), False),
    (Comparison([ROOT, ROOT], "<=", [2, 1]), False),
    (Comparison([ROOT * ROOT, ROOT], "<=", [2, 2]), None),
    (Comparison([ROOT * ROOT, ROOT], "<=", [2, 1]), False),
    (Comparison([ROOT, arb(1)], ">=", 1), True),
    (Comparison(math.inf, "<=", arb(1)), False),
    (Comparison(arb(1), "<=", math.inf), True),
    (Comparison(arb("nan"), "<=", 1), None),
    (Comparison(arb("nan"), "==", 1), None),
])
def test_balls_answer_certainly_or_not_at_all(comparison, answer):
    assert comparison.holds() is answer


def test_exact_means_that_a_side_is_made_of_balls():
    assert Comparison(ROOT, "<=", 2).exact
    assert Comparison([1.0, 2.0], "<=", [acb(1), 2.0]).exact
    assert not Comparison([1.0, 2.0], "<=", 3).exact


def test_the_scale_widens_what_rounding_may_do():
    # 1 + 2^-50 - 1: the difference of numbers near 1 has the rounding of numbers near 1.
    def difference(scale):
        return lambda impl, x: Comparison((x + 1) - 1, "==", x, scale)

    case, impl = {"x": 2.0**-60}, Implementation("refimpl")
    assert decide(made(difference(0.0), given=NUMBERS), impl, case, rigorous=True).accurate is False
    assert decide(made(difference(1.0), given=NUMBERS), impl, case, rigorous=True).accurate is True


@pytest.mark.parametrize("value", [3, 0.1, np.float32(0.5), np.int64(-2), True])
def test_floats_become_exact_balls(value):
    ball = as_ball(value)
    assert isinstance(ball, arb) and ball.is_exact() and float(ball) == value
    assert as_ball(1 - 2j) == acb(1, -2)
    assert as_ball(ROOT) is ROOT


def test_small_parts():
    tested = made(norm_is_modulus, given=NUMBERS)
    assert tested.statement == "A statement."
    assert tested.source.title.startswith("lipref itself")
    assert Result("x", "open", mutants={"m": {}}).surviving_mutants == ["m"]
