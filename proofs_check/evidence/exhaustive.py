"""Exhaustive evidence: every instance of a finite domain."""

from __future__ import annotations

from proofs_check.claim import Case, Claim
from proofs_check.evidence._decide import Decision, decide
from proofs_check.implementation import Implementation


def enumerate_all(claim: Claim, impl: Implementation) -> tuple[int, float, tuple[Case, Decision] | None]:
    """How many instances there are, the least slack, and the first violation if there is one."""
    assert claim.exhaustive is not None
    count, least = 0, float("inf")
    for case in claim.exhaustive():
        if not claim.admits(case):
            continue
        decision = decide(claim, impl, case)
        count, least = count + 1, min(least, abs(decision.slack))
        if not decision.holds or decision.accurate is False:
            return count, decision.slack, (case, decision)
    return count, least, None
