"""Fixtures for the tests of the checker."""

import sys
import types

import numpy as np
import pytest
from click.testing import CliRunner

from proofs_check.claims import load
from proofs_check.cli import main

# Tested with the newest versions only: a browser needs no second look.
NEWEST_ONLY = ["test_report_browser.py"]
collect_ignore = NEWEST_ONLY if np.lib.NumpyVersion(np.__version__) < "2.0.0" else []


# Of every kind of page, and one of each kind of picture.
IN_THE_SITE = (
    "than.lemma-1", "than.lemma-1.largest", "than.lemma-2", "thesis.eq-4.3", "thesis.thm-3.2.4b-R-quadratic",
    "explosion.input", "thesis.thm-3.6.1-fro.positions", "thesis.eq-7.1",
)


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The report with the pages of all claims, the results of some, the documentation and the API, built once."""
    for name in ("jinja2", "latex2mathml", "ziamath", "markdown_it"):
        pytest.importorskip(name, reason="no report: pip install 'lipref[report]'")
    folder = tmp_path_factory.mktemp("report")
    run, out = str(folder / "run.jsonl"), str(folder / "site")
    done = CliRunner().invoke(main, ["run", *IN_THE_SITE, "--profile", "quick", "--json", run, "--jobs", "2"])
    assert done.exit_code == 0, done.output
    made = CliRunner().invoke(main, ["report", run, "--out", out])
    assert made.exit_code == 0, made.output
    assert f"{len(load())} claims, {len(IN_THE_SITE)} of them with results" in made.output
    return folder / "site"


@pytest.fixture
def module(monkeypatch):
    """An implementation made of functions, offered flat."""

    def module(**functions):
        offered = types.ModuleType("offered_by_a_test")
        vars(offered).update(functions)
        monkeypatch.setitem(sys.modules, offered.__name__, offered)
        return offered.__name__

    return module
