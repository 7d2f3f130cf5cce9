"""Rigorous evidence: instances decided in ball arithmetic, and the floats held against the balls."""

from __future__ import annotations

from collections.abc import Iterable

from proofs_check.claim import Case, Claim
from proofs_check.evidence._decide import Decision, decide
from proofs_check.implementation import Implementation


def confirm(claim: Claim, impl: Implementation, cases: Iterable[Case]) -> list[tuple[Case, Decision]]:
    """Decide every case in balls, whatever the floats say."""
    return [(case, decide(claim, impl, case, rigorous=True)) for case in cases]
