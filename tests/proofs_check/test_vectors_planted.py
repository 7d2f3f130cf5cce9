"""Do the vectors alone find the mistakes that implementations make?"""

import pytest
from planted import BUGS, found_by

from proofs_check.vectors._files import functions, load
from proofs_check.vectors._peers import Adapter
from proofs_check.vectors._run import check_function

WITH_VECTORS = set(functions())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", found_by("vectors"))
def test_a_planted_bug_is_found_by_the_vectors(name, module):
    bug = BUGS[name]
    offered = {bug.function.rpartition(".")[2]: bug.broken, "PROMISES": {bug.function: bug.promises or "exact"}}
    if bug.promises is None:
        del offered["PROMISES"]
    file = load(bug.function)
    row = check_function(file, Adapter(f"{module(**offered)}+refimpl"), tight=bug.tight)
    assert row.state == "FAIL", f"{name}: {row.outcomes}"
    vector, judgement = row.first
    # Found by a wrong answer, not by what must be refused.
    assert vector["expected"] is not None, (vector["comment"], judgement.verdict)
    assert not judgement.verdict.startswith("crashed"), judgement.verdict


@pytest.mark.parametrize("function", sorted({bug.function for bug in BUGS.values()} & WITH_VECTORS))
def test_the_right_function_passes(function):
    assert check_function(load(function), Adapter("refimpl")).state == "pass"


def test_what_only_claims_find_has_no_vectors():
    assert not [name for name, bug in BUGS.items() if bug.only == "claims" and bug.function in WITH_VECTORS]
