"""Planted bugs are found by the claims alone, without a test that knows the bug, in the default profile.

At seed 0 here; ``PLANTED_SEEDS=0,1,2 pytest tests/proofs_check/test_planted.py`` asks at three.
"""

import functools
import itertools
import os
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
SEEDS = [int(seed) for seed in os.environ.get("PLANTED_SEEDS", "0").split(",")]
FIRST = settings(
    max_examples=200, database=None, deadline=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
# Planted before there was a claim or a vector that draws their regions.
EARLIER = 86


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
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("title", found_by("claims"))
def test_a_planted_bug_is_found_by_a_claim(title, seed, monkeypatch, request):
    bug = BUGS[title]
    module = types.ModuleType("planted_bug")
    setattr(module, bug.function.rpartition(".")[2], bug.broken)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    passed = []
    # The one that is named first, then the others: all of them in the quick profile before any is asked for long.
    named = [("default", bug.claim)] if bug.claim in CLAIMS else []
    users = claims_by_function()[bug.function]
    others = sorted({*users} - {bug.claim}, key=lambda id: (not id.startswith("lipref."), users.index(id)))
    for profile, id in [*named, *itertools.product(("quick", "default"), others)]:
        result = run_claim(CLAIMS[id], "planted_bug+refimpl", PROFILES[profile], seed=seed)
        if result.outcome == "not reproduced":
            request.node.user_properties += [("found by", id), ("instance", result.violation or result.detail)]
            return
        passed.append(f"{id}: {result.outcome} {result.detail}")
    pytest.fail(f"{title}: {bug.function} passes {'; '.join(passed)}")


def test_twice_fifty_four_bugs_have_joined():
    assert len(BUGS) - EARLIER >= 2 * 54


@pytest.mark.parametrize("kind", ["claims", "vectors"])
def test_nine_in_ten_are_found_by_each_alone_and_the_others_say_why(kind):
    missed = [bug for bug in BUGS.values() if bug.only not in ("", kind)]
    assert len(missed) <= len(BUGS) / 10
    assert all(bug.why for bug in missed)


def test_every_topic_has_bugs():
    assert {bug.function.partition(".")[0] for bug in BUGS.values()} == {
        "spectral", "convolution", "layers", "normalization", "network", "weierstrass", "simplex", "confidence",
        "certificates", "curvature", "generalization", "explosion"}
