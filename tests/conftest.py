"""Fixtures that every test may use."""

import numpy as np
import pytest


def _frozen(value, dtype=None):
    array = np.array(value, dtype=dtype)
    array.setflags(write=False)
    return array


@pytest.fixture
def frozen():
    """Make a read-only copy: a function that writes into its input fails."""
    return _frozen


@pytest.fixture
def rng():
    """A generator with a fixed seed, the same in every test."""
    return np.random.default_rng(20240229)
