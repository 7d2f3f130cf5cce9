"""Every claim, checked against the reference functions: the shortest of the profiles, without real layers."""

import pytest

from proofs_check.claim import Verdict
from proofs_check.claims import load
from proofs_check.run import PROFILES, run_claim

CLAIMS = load()
REFUTED = sorted(id for id, claim in CLAIMS.items() if claim.verdict is Verdict.REFUTED)
RESULTS = {}


def result_of(id):
    """Run a claim once, however many tests ask for it."""
    if id not in RESULTS:
        RESULTS[id] = run_claim(CLAIMS[id], "refimpl", PROFILES["quick"], seed=0)
    return RESULTS[id]


@pytest.mark.parametrize("id", CLAIMS)
def test_claim(id):
    result = result_of(id)
    assert result.good, (
        f"{id}: {result.outcome}. {result.detail}\n"
        f"violation: {result.violation}\nsurviving mutants: {result.surviving_mutants}"
    )


@pytest.mark.parametrize("id", CLAIMS)
def test_no_claim_rests_on_one_kind_of_evidence(id):
    result = result_of(id)
    assert len(result.evidence) >= 2, f"{id}: {result.evidence}, {result.detail}"


@pytest.mark.parametrize("id", REFUTED)
def test_random_search_finds_a_violation_of_every_refuted_claim(id):
    result = result_of(id)
    found = result.evidence.get("random", "")
    assert found.startswith("violated"), f"{id}: {result.evidence}, {result.detail}"
    assert result.violation is not None
