"""What docs/findings.md says of packages and test vectors is what the installed packages do, and nothing else fails.

Where versions or vectors change, the message of a failing test has the rows that the table needs.
"""

import importlib.metadata
import itertools
import re
from pathlib import Path

import pytest

from proofs_check import adapters
from proofs_check.implementation import Implementation
from proofs_check.vectors import Adapter, load_all
from proofs_check.vectors._run import Row, judged

FINDINGS = Path(__file__).parents[2] / "docs" / "findings.md"
ROW = re.compile(r"^\| (\w+) \| (\w+\.\w+) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)
# Whose functions an adapter calls, and the version that the table is about.
VERSIONS = {
    "numpy_linalg": "numpy 2.4.6", "scipy_svds": "scipy 1.17.1", "scipy_stats": "scipy 1.17.1",
    "statsmodels": "statsmodels 0.15.0", "torch_linalg": "torch 2.13.0", "torch_spectral": "torch 2.13.0",
    "torch_orthogonal": "torch 2.13.0", "entmax": "entmax 1.3", "deel_torchlip": "deel-torchlip 1.0.5",
    "geotorch": "geotorch 0.4.0", "orthogonium": "orthogonium 0.0.4", "art": "adversarial-robustness-toolbox 1.20.1",
}


def listed():
    """Of the table: adapter and function with the numbers of wrong answers and of bad inputs that are taken."""
    section = FINDINGS.read_text("utf-8").partition("### By the test vectors")[2].partition("\n## ")[0]
    return {(row[1], row[2]): (row[3], row[4]) for row in ROW.finditer(section)}


def spans(numbers):
    """As the table writes them: 1-3, 7."""
    groups = itertools.groupby(enumerate(numbers), lambda item: item[1] - item[0])
    ranges = [[number for _, number in group] for _, group in groups]
    return ", ".join(str(r[0]) if len(r) == 1 else f"{r[0]}–{r[-1]}" for r in ranges) or "–"


def failing(name):
    """What this adapter fails, in the same form."""
    full = f"proofs_check.adapters.{name}"
    code, peer, found = Implementation(full), Adapter(full), {}
    for file in load_all():
        if not code.offers(*file["function"].split(".")):
            continue
        numbers = ([], [])
        for vector, judgement in judged(file, peer, Row(file["function"], name)):
            if judgement.outcome not in ("pass", "refused"):
                numbers[vector["expected"] is None].append(int(vector["id"].rpartition("-")[2]))
        if any(numbers):
            found[name, file["function"]] = tuple(map(spans, numbers))
    return found


@pytest.mark.parametrize("name", adapters.READY)
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
def test_the_table_lists_what_each_package_fails_and_no_more(name):
    if adapters.missing(name):
        pytest.skip(adapters.missing(name))
    package, version = VERSIONS[name].split()
    here = importlib.metadata.version(package).partition("+")[0]
    if here != version:
        pytest.skip(f"the table is about {package} {version}, here is {here}")
    found, said = failing(name), {key: row for key, row in listed().items() if key[0] == name}
    rows = "\n".join(f"| {adapter} | {function} | {' | '.join(ids)} |" for (adapter, function), ids in found.items())
    assert found == said, f"the rows of {name} should begin:\n{rows}"


def test_every_adapter_is_in_the_table_or_fails_nothing():
    assert {adapter for adapter, _ in listed()} <= set(adapters.READY) == set(VERSIONS)


def test_numbers_are_written_as_spans():
    assert [spans(n) for n in ([], [4], [1, 2, 3, 7], [1, 3])] == ["–", "4", "1–3, 7", "1, 3"]
