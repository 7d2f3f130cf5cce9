"""Planted bugs are found by the claims alone, without a test that knows the bug."""

import functools
import itertools
import sys
import types

import pytest
from hypothesis import HealthCheck, Phase, find, settings
from planted import BUGS, found_by

from proofs_check.claims import load
from proofs_check.evidence.random import strategy_of
from proofs_check.implementation import Implementation
from proofs_check.run import PROFILES, run_claim

CLAIMS = load()
FIRST = settings(
    max_examples=200, database=None, deadline=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@functools.cache
def claims_by_function():
    """Which claims use a function, as the implementation records it; those that use the fewest functions first."""
    users = {}
    for id, claim in CLAIMS.items():
        code = Implementation("refimpl")
        stored = [case for case in (claim.counterexample, *claim.witnesses) if case is not None][:2]
        for case in stored or [find(strategy_of(claim), lambda case: True, settings=FIRST)]:
            claim.compare(code, **case)
        for name in code.used:
            users.setdefault(name, []).append((len(code.used), id))
    return {name: [id for _, id in sorted(found)] for name, found in users.items()}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("title", found_by("claims"))
def test_a_planted_bug_is_found_by_a_claim(title, monkeypatch, request):
    bug = BUGS[title]
    module = types.ModuleType("planted_bug")
    setattr(module, bug.function.rpartition(".")[2], bug.broken)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    passed = []
    ids = sorted(claims_by_function()[bug.function], key=lambda id: id != bug.claim)
    # What is drawn depends on the version of Hypothesis: the few draws of the quick profile may all miss.
    for profile, id in itertools.product(("quick", "default"), ids):
        result = run_claim(CLAIMS[id], "planted_bug+refimpl", PROFILES[profile], seed=0)
        if result.outcome == "not reproduced":
            request.node.user_properties += [("found by", id), ("instance", result.violation or result.detail)]
            return
        passed.append(f"{id}: {result.outcome} {result.detail}")
    pytest.fail(f"{title}: {bug.function} passes {'; '.join(passed)}")


def test_at_least_twenty_five_bugs_are_found_by_either_alone():
    assert len(set(found_by("claims")) & set(found_by("vectors"))) >= 25
