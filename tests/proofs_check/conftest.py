"""Fixtures for the tests of the checker."""

import sys
import types

import numpy as np
import pytest

# Tested with the newest versions only. With the oldest python-flint the last digits of
# the vectors' radii differ, and the report's pictures miss a function.
NEWEST_ONLY = ["test_report_browser.py", "test_report_site.py", "test_vectors.py", "test_vectors_planted.py"]
collect_ignore = NEWEST_ONLY if np.lib.NumpyVersion(np.__version__) < "2.0.0" else []


@pytest.fixture
def module(monkeypatch):
    """An implementation made of functions, offered flat."""

    def module(**functions):
        offered = types.ModuleType("offered_by_a_test")
        vars(offered).update(functions)
        monkeypatch.setitem(sys.modules, offered.__name__, offered)
        return offered.__name__

    return module
