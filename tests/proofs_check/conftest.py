"""Fixtures for the tests of the checker."""

import sys
import types

import pytest


@pytest.fixture
def module(monkeypatch):
    """An implementation made of functions, offered flat."""

    def module(**functions):
        offered = types.ModuleType("offered_by_a_test")
        vars(offered).update(functions)
        monkeypatch.setitem(sys.modules, offered.__name__, offered)
        return offered.__name__

    return module
