"""Refuted claims: what it takes to be one."""



import numpy as np
import pytest
from tiny_claims import CLAIMS, DEFAULT, ONE, REFUTED, frobenius_at_most_spectral, run, spectral_at_most_frobenius

from proofs_check.claim import (
    Verdict,
)
from proofs_check.run import run_claim
from proofs_check.strategies import matrices

# -- refuted claims -------------------------------------------------------------------------------


def test_a_refuted_claim_is_reproduced():
    result = run(frobenius_at_most_spectral, **REFUTED)
    assert result.good, result
    assert result.violation == "{'W': [[1, 0], [0, 1]]}"
    assert result.evidence["rigorous"] == "counterexample confirmed in balls"


def test_a_refuted_claim_that_holds_is_not_reproduced():
    result = run(spectral_at_most_frobenius, **REFUTED, given={"W": matrices(1)})
    assert result.outcome == "not reproduced"
    assert "the stored counterexample does not violate the statement" in result.detail
    assert "no violation found by random search" in result.detail


def test_a_refuted_claim_whose_control_fails_too_is_not_reproduced():
    result = run(frobenius_at_most_spectral, **{**REFUTED, "control": {"W": np.diag([1.0, 3.0])}})
    assert result.outcome == "not reproduced"
    assert result.detail == "the control violates the statement too: the check refutes everything"


def test_a_counterexample_outside_the_hypotheses_is_not_one():
    result = run(frobenius_at_most_spectral, **REFUTED, where=lambda W: not np.array_equal(W, np.eye(2)))
    assert result.detail == "the stored counterexample does not meet the hypotheses"


def test_a_refuted_claim_whose_domain_has_no_violation_is_not_reproduced():
    result = run(frobenius_at_most_spectral, **REFUTED, given=ONE)
    assert result.detail == "no violation found by random search"


def test_a_refuted_claim_whose_enumeration_holds_is_not_reproduced():
    result = run(frobenius_at_most_spectral, **REFUTED, exhaustive=lambda: [{"W": np.ones((1, 2))}])
    assert result.detail == "no violation in the exhaustive enumeration"


def test_an_inaccurate_implementation_does_not_refute(module):
    # The Frobenius norm as it is, the spectral norm a little too small: the statement would fail by error.
    name = module(
        spectral_norm=lambda W: np.linalg.norm(W, 2) * (1 - 1e-9),
        gram_iteration=lambda W, n_iter: np.linalg.norm(W),
    )
    result = run(frobenius_at_most_spectral, **REFUTED, implementation=name)
    assert result.outcome == "not reproduced"
    assert "the implementation gives" in result.detail


@pytest.mark.parametrize(("id", "violation"), [
    # A diagonal of two features: with one the l2 norm of 1/sigma is its entry. 3 and 1 come first.
    ("than.lemma-1", "{'variance': [3, 3], 'epsilon': 1}"),
    # Two features are the fewest, zeros the simplest, and the Jacobian at a constant vector has norm 1.
    ("than.lemma-2.summary-factor", "{'x': [0, 0], 'epsilon': 1}"),
    # At t = 1 (no step); rank one has one singular value, whose norms of all indices agree.
    ("thesis.sec-3.2-schatten", "{'W': [[1, 0], [0, 1]], 'n_iter': 0}"),
])
def test_a_known_false_claim_shrinks_to_its_literal_minimum(id, violation):
    result = run_claim(CLAIMS[id], "refimpl", DEFAULT, 0)
    assert result.good, result
    assert result.violation == violation
    assert CLAIMS[result.id].verdict is Verdict.REFUTED


def test_the_row_of_two_ones_is_found_with_a_row_of_zeros_at_most():
    # Its Gram matrix is four ones, of largest entry 1 < 2. Some versions of the shrinker leave a zero row.
    violation = run_claim(CLAIMS["thesis.thm-3.2.4-2"], "refimpl", DEFAULT, 0).violation
    assert violation in [f"{{'W': {W}, 'n_iter': 1, 'norm': 'max'}}" for W in ("[[1, 1]]", "[[0, 0], [1, 1]]")]
