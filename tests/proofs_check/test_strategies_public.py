"""The strategies as others use them: complete docstrings, short failing instances, no private names."""

import inspect
import subprocess
import sys

import hypothesis
import pytest

from proofs_check import strategies

NUMPYDOC = {"GL08", "SS01", "PR01", "PR02", "PR03", "PR04", "RT01", "EX01"}
NO_STRATEGIES = {"network_from", "unit_arrays", "with_spectrum"}
# The oldest Hypothesis shows the lambdas behind these, a newer one the arrays that they make.
SHOWN_AS_LAMBDAS = {"convolutions", "images", "kernels", "orthogonal_kernels", "separable_kernels"}
OLD = hypothesis.__version_info__ < (6, 120)
ARGUMENTS = {
    "vectors": "3", "image_sizes": "np.ones((1, 1, 1, 3))", "convolutions": "s.kernels()", "images": "2, (1, 2)",
    "widths": "st.just(2)", "normalizers": "2", "groupings": "4",
}

OUTSIDE = """
import sys
import numpy as np
from hypothesis import given, settings, strategies as st
from proofs_check import strategies as s

for name, text in {table!r}.items():
    @settings(database=None, max_examples=5)
    @given(drawn=eval(text))
    def fails(drawn):
        raise AssertionError(name)

    try:
        fails()
    except AssertionError as error:
        print(name, "|", " ".join("".join(error.__notes__).split()))
"""


def test_all_is_what_the_package_offers():
    public = {n for n, value in vars(strategies).items() if not n.startswith("_") and not inspect.ismodule(value)}
    assert set(strategies.__all__) == public and sorted(strategies.__all__) == strategies.__all__


@pytest.mark.parametrize("name", strategies.__all__)
def test_docstrings_are_complete(name):
    validate = pytest.importorskip("numpydoc.validate").validate
    errors = validate(f"proofs_check.strategies.{name}")["errors"]
    assert [error for error in errors if error[0] in NUMPYDOC] == []


def test_a_failing_test_elsewhere_shows_the_instance_and_no_private_name():
    names = [name for name in strategies.__all__ if name not in NO_STRATEGIES]
    table = {name: f"s.{name}({ARGUMENTS.get(name, '')})" for name in names}
    done = subprocess.run(
        [sys.executable, "-c", OUTSIDE.replace("{table!r}", repr(table))],
        capture_output=True, text=True, timeout=120, check=True,
    )
    shown = dict(line.split(" | ") for line in done.stdout.splitlines())
    assert sorted(shown) == sorted(names)
    for name, text in shown.items():
        assert "drawn=" in text, name
        private = ["build(", "_filled", "<", "object at"]
        private += [] if OLD and name in SHOWN_AS_LAMBDAS else ["lambda"]
        assert not any(word in text for word in private), text


def test_the_page_about_strategies_names_each():
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text("utf-8")
    assert [name for name in strategies.__all__ if f"`{name}`" not in page] == []
