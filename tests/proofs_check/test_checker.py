"""Does the checker catch what it must catch: wrong statements, weak statements, wrong derivations."""


import math

import numpy as np
import pytest
import sympy
from hypothesis import strategies as st
from tiny_claims import (
    CLAIMS,
    DEFAULT,
    NUMBERS,
    ONE,
    QUICK,
    frobenius_at_most_spectral,
    made,
    norm_is_modulus,
    run,
    spectral_at_most_frobenius,
)

from proofs_check.claim import (
    Comparison,
    Mutant,
    Step,
    Verdict,
    instead,
    tighten,
)
from proofs_check.evidence import adversarial, exhaustive, symbolic
from proofs_check.implementation import Implementation
from proofs_check.run import run_claim
from proofs_check.strategies import dyadics, matrices, vectors

# -- statements -----------------------------------------------------------------------------------


def test_a_true_statement_is_reproduced_and_its_mutant_dies():
    result = run(spectral_at_most_frobenius)
    assert (result.outcome, result.good, result.violation) == ("reproduced", True, None)
    assert result.used == ["spectral.gram_iteration", "spectral.spectral_norm"]
    assert result.mutants["half"]["all"] is not None
    assert result.slack is not None and result.slack >= 0


@pytest.mark.parametrize("seed", range(3))
def test_a_false_statement_shrinks_to_the_smallest_instance_of_the_domain(seed):
    # The norms differ from rank 2 on, so 2 x 2 is the least size. A diagonal takes fewer choices than
    # four free entries, and 1 is the first value of its strategy.
    result = run(frobenius_at_most_spectral, seed=seed)
    assert (result.outcome, result.good) == ("not reproduced", False)
    assert result.violation == "{'W': [[1, 0], [0, 1]]}"
    assert result.evidence["random"] == "violated"
    assert result.detail.startswith("the statement fails (random evidence)")
    assert result.slack == pytest.approx(1 / math.sqrt(2) - 1)


def test_a_false_statement_about_numbers_shrinks_to_a_number():
    def at_most_one(impl, x):
        return Comparison(impl.spectral.spectral_norm(np.array([[x]])), "<=", 1.0)

    assert run(at_most_one, given={"x": dyadics()}).violation == "{'x': 2}"


def test_a_statement_too_weak_to_fail_lets_its_mutant_survive():
    def weak(impl, W):
        return Comparison(impl.spectral.spectral_norm(W), "<=", 10 * impl.spectral.gram_iteration(W, 0) + 1)

    result = run(weak)
    assert result.outcome == "reproduced"
    assert result.surviving_mutants == ["half"]
    assert not result.good
    assert result.mutants == {"half": {"all": None}}


def test_a_mutant_that_survives_in_one_stratum_survives():
    result = run(
        spectral_at_most_frobenius,
        strata={"rank one": lambda W: np.linalg.matrix_rank(W) == 1, "zero": lambda W: not W.any()},
        mutants={"nine-tenths": tighten(0.1)}, given={"W": matrices(2)},
    )
    assert result.mutants["nine-tenths"]["zero"] is None
    assert result.mutants["nine-tenths"]["rank one"] is not None
    assert result.surviving_mutants == ["nine-tenths"]


def test_a_mutant_that_equals_the_statement_survives():
    same = {"same": Mutant(lambda compare: compare)}
    assert run(spectral_at_most_frobenius, mutants=same).surviving_mutants == ["same"]


def test_another_comparison_as_a_mutant_dies_where_it_is_false():
    assert run(spectral_at_most_frobenius, mutants={"other": instead(frobenius_at_most_spectral)}).good


def test_a_stratum_without_instances_is_vacuous():
    result = run(spectral_at_most_frobenius, given=ONE, strata={"nine rows": lambda W: len(W) == 9})
    assert (result.outcome, result.good) == ("vacuous", False)
    assert "'nine rows'" in result.detail


@pytest.mark.parametrize("how", [
    {"given": ONE, "where": lambda W: False},
    {"given": {"W": ONE["W"].filter(lambda W: False)}},
])
def test_hypotheses_that_nothing_meets_are_vacuous(how):
    result = run(spectral_at_most_frobenius, **how)
    assert (result.outcome, result.detail) == ("vacuous", "no instance met the hypotheses")


def test_hypotheses_restrict_what_is_tested():
    result = run(frobenius_at_most_spectral, where=lambda W: np.linalg.matrix_rank(W) <= 1)
    assert result.good, result


def test_a_false_witness_is_caught():
    result = run(
        frobenius_at_most_spectral, given=ONE, witnesses=[{"W": np.eye(2)}]
    )
    assert result.outcome == "not reproduced"
    assert result.violation == "{'W': [[1, 0], [0, 1]]}"


def test_an_enumeration_finds_what_the_random_search_cannot():
    def enumerated():
        return ({"W": np.diag([1.0, b])} for b in (0.0, 1.0, 2.0))

    result = run(
        frobenius_at_most_spectral, given=ONE, exhaustive=enumerated
    )
    assert result.outcome == "not reproduced"
    assert result.evidence["exhaustive"] == "violated"
    assert result.violation == "{'W': [[1, 0], [0, 1]]}"
    count, _, (case, _) = exhaustive.enumerate_all(
        made(frobenius_at_most_spectral, exhaustive=enumerated), Implementation("refimpl")
    )
    assert count == 2 and case["W"].tolist() == [[1, 0], [0, 1]]


def test_an_optimiser_finds_what_the_random_search_cannot():
    def at_most_its_start(impl, x):
        return Comparison(impl.spectral.spectral_norm(np.array([[x]])), "<=", 2.01)

    start = {"x": st.just(2.0)}
    assert run(at_most_its_start, given=start).outcome == "reproduced"
    result = run(at_most_its_start, given=start, adversarial=["x"])
    assert result.outcome == "not reproduced"
    assert result.evidence["adversarial"] == "violated"


def test_an_optimiser_stays_within_the_hypotheses():
    tested = made(frobenius_at_most_spectral, adversarial=["W"], where=lambda W: bool(np.all(W > 0)))
    start = {"W": np.ones((2, 2))}
    case, spent = adversarial.attack(tested, Implementation("refimpl"), start, evaluations=50)
    assert np.all(case["W"] > 0)
    assert 0 < spent <= 50


def test_a_weight_matrix_of_a_real_network_is_tested():
    how = {"given": ONE, "weights": lambda W: {"W": W}}
    tested = made(frobenius_at_most_spectral, **how)
    result = run_claim(tested, "refimpl", QUICK, 0, {"first": np.eye(2)})
    assert result.outcome == "not reproduced"
    assert result.evidence["real layers"] == "violated"


def test_a_failure_too_small_for_floats_is_decided_in_balls():
    # One plus 2^-60 is 1 in floats, so the two float sides are equal.
    def equal(impl, x):
        return Comparison(impl.spectral.spectral_norm(np.array([[x]])), ">=", x + x * 2.0**-60)

    result = run(equal, given={"x": st.just(1.0)})
    assert (result.outcome, result.slack) == ("not reproduced", pytest.approx(-(2.0**-60)))


# -- derivations ----------------------------------------------------------------------------------


def difference_of_squares(factor):
    a, b = sympy.symbols("a b")
    yield Step("difference of two squares", sympy.expand(factor * (a + b) * (a - b) - (a**2 - b**2)))


def test_a_derivation_is_checked_and_notices_a_wrong_constant():
    result = run(norm_is_modulus, given=NUMBERS, derivation=difference_of_squares, verdict=Verdict.PROVED)
    assert result.good, result
    assert result.evidence["symbolic"] == "1 steps"
    assert result.mutants["derivation x 99/100"] == {"symbolic": "difference of two squares"}


@pytest.mark.parametrize("false", [
    False, sympy.false, sympy.Integer(1), sympy.Symbol("x"), sympy.Matrix([0, 1]), sympy.Symbol("x") < 0,
])
def test_a_false_step_is_not_reproduced(false):
    def derivation(factor):
        yield from difference_of_squares(sympy.Integer(1))
        yield Step("so it follows", false)

    result = run(norm_is_modulus, given=NUMBERS, derivation=derivation)
    assert result.outcome == "not reproduced"
    assert result.detail == "this step of the derivation is not true: so it follows"


@pytest.mark.parametrize("true", [
    True, sympy.true, 0, sympy.zeros(2, 2), sympy.sin(1) ** 2 + sympy.cos(1) ** 2 - 1,
])
def test_a_true_step_is_accepted(true):
    tested = made(norm_is_modulus, given=NUMBERS, derivation=lambda factor: [Step("so", true)])
    assert symbolic.derive(tested) == (1, None)


def test_a_derivation_that_ignores_the_constant_survives_its_mutant():
    result = run(
        norm_is_modulus, given=NUMBERS, derivation=lambda factor: difference_of_squares(sympy.Integer(1)),
        verdict=Verdict.PROVED,
    )
    assert result.surviving_mutants == ["derivation x 99/100"]
    assert result.outcome == "reproduced" and not result.good


# -- seeds ----------------------------------------------------------------------------------------


def outcome(result):
    return {key: value for key, value in result.as_dict().items() if key != "seconds"}


@pytest.mark.parametrize("id", ["thesis.alg-4", "than.lemma-2", "thesis.thm-3.2.4-2"])
def test_the_same_seed_gives_the_same_result(id):
    first, second = (run_claim(CLAIMS[id], "refimpl", QUICK, seed=3) for _ in range(2))
    assert outcome(first) == outcome(second)


def drawn(id, seed):
    """What the random search draws for a claim about three numbers."""
    seen = []

    def statement(impl, x):
        seen.append(tuple(x))
        return Comparison(0.0, "<=", 1.0)

    run(statement, id=id, seed=seed, given={"x": vectors(3)})
    return seen[:25]


def test_every_claim_and_every_seed_has_its_own_instances():
    assert drawn("lipref.a", 0) == drawn("lipref.a", 0)
    assert drawn("lipref.a", 0) != drawn("lipref.b", 0)
    assert drawn("lipref.a", 0) != drawn("lipref.a", 1)


def test_a_larger_profile_searches_longer():
    few, many = run(spectral_at_most_frobenius), run(spectral_at_most_frobenius, profile=DEFAULT)
    assert few.instances <= QUICK.examples < many.instances <= DEFAULT.examples
