"""Do the vectors alone find the mistakes that implementations make?"""

import functools

import pytest
from planted import BUGS, found_by

from proofs_check.vectors._files import functions, load
from proofs_check.vectors._peers import Adapter
from proofs_check.vectors._run import Row, check_function, judged

WITH_VECTORS = set(functions())


@functools.cache
def loose(function):
    """The vectors of which the right function's bound is looser than the definition's."""
    found = judged(load(function), Adapter("refimpl"), Row(function, "refimpl"), tight=True)
    return {vector["id"] for vector, judgement in found if not judgement.passed}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", found_by("vectors"))
def test_a_planted_bug_is_found_by_the_vectors(name, module):
    bug = BUGS[name]
    offered = {bug.function.rpartition(".")[2]: bug.broken, "PROMISES": {bug.function: bug.promises or "exact"}}
    if bug.promises is None:
        del offered["PROMISES"]
    file = load(bug.function)
    row, peer = Row(bug.function, name), Adapter(f"{module(**offered)}+refimpl")
    wrong = [
        vector["id"] for vector, judgement in judged(file, peer, row, tight=bug.tight)
        # By a wrong answer, not by what must be refused.
        if judgement.outcome == "fail" and vector["expected"] and not judgement.verdict.startswith("crashed")
    ]
    # Where the right function is loose itself, as of subnormal numbers, looseness says nothing.
    assert set(wrong) - loose(bug.function), f"{name}: {row.outcomes}"


@pytest.mark.parametrize("function", sorted({bug.function for bug in BUGS.values()} & WITH_VECTORS))
def test_the_right_function_passes(function):
    assert check_function(load(function), Adapter("refimpl")).state == "pass"


def test_what_only_claims_find_has_no_vectors():
    assert not [name for name, bug in BUGS.items() if bug.only == "claims" and bug.function in WITH_VECTORS]
