"""No bound of a random graph is below a slope that was measured."""

import numpy as np
import pytest

pytest.importorskip("onnx")

from random_graphs import largest_slope, random_model

from proofs_check.audit.graph import of_model
from proofs_check.audit.model import audit

# What differences of step 2^-20 in double precision can be off by.
SLACK = 1e-6


# The single seeds are those in which a bound once was too small.
@pytest.mark.parametrize("seeds", [
    *(range(first, first + 40) for first in range(0, 400, 40)), [32383], [66253], [71457]])
def test_no_bound_is_below_a_slope(seeds):
    bounded = 0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        model, inputs = random_model(rng)
        try:
            slope = largest_slope(model, inputs, rng)
        except (ValueError, IndexError):    # the evaluator's own, on some shapes of its Mean and of its pools
            continue
        found = audit(of_model(model))
        if found.bound is not None:
            bounded += 1
            assert found.bound >= slope * (1 - SLACK) - 1e-9, (seed, found.bound, slope)
    assert bounded > 0.75 * len(seeds)
