"""Do the vectors find the mistakes that implementations make?"""

import pytest
from planted_bugs import BUGS

from proofs_check.vectors._files import load
from proofs_check.vectors._peers import Adapter
from proofs_check.vectors._run import check_function


def test_there_are_at_least_25():
    assert len(BUGS) >= 25


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("bug", BUGS)
def test_the_vectors_alone_find(bug, module):
    function, broken, promises, tight = BUGS[bug]
    name = function.partition(".")[2]
    peer = Adapter(module(**{name: broken}, **({"PROMISES": promises} if promises else {})))
    row = check_function(load(function), peer, tight=tight)
    assert row.state == "FAIL", f"{bug}: {row.outcomes}"
    vector, judgement = row.first
    # Found by a wrong answer, not by what must be refused.
    wrong = [v["id"] for v in load(function)["vectors"] if v["expected"] is not None]
    assert vector["id"] in wrong, (vector["comment"], judgement.verdict)
    assert not judgement.verdict.startswith("crashed"), judgement.verdict


@pytest.mark.parametrize("function", sorted({function for function, *_ in BUGS.values()}))
def test_the_right_function_passes(function):
    assert check_function(load(function), Adapter("refimpl")).state == "pass"
