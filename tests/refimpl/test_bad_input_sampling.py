"""One table: a bad call of what draws samples itself, and the whole message: argument, need, value."""

# ruff: noqa: E501
import numpy as np
import pytest

from refimpl.certificates import certify, noisy_counts
from refimpl.confidence import simulated_coverage


def f(batch):
    return np.stack([batch[:, 0], -batch[:, 0]], axis=1)


def never(batch):
    raise AssertionError("nothing may be drawn before all arguments are checked")


NAMES = {
    "np": np, "nan": float("nan"), "inf": float("inf"), "f": f, "never": never, "yes": lambda counts: True,
    "certify": certify, "noisy_counts": noisy_counts, "simulated_coverage": simulated_coverage,
}

TABLE = [
    ("certify(5, [1.0], 0.5, 0.1, rng=0)", "f must be callable, got 5"),
    ("certify(never, [1.0], 0.0, 0.1, rng=0)", "sigma must be a finite number above 0, got 0.0"),
    ("certify(never, [1.0], -1, 0.1, rng=0)", "sigma must be a finite number above 0, got -1.0"),
    ("certify(never, [1.0], nan, 0.1, rng=0)", "sigma must be a finite number above 0, got nan"),
    ("certify(never, [1.0], 0.5, 0, rng=0)", "alpha must be a finite number above 0, got 0.0"),
    ("certify(never, [1.0], 0.5, 1, rng=0)", "alpha must be at least 1e-307 and below 1, got 1.0"),
    ("certify(never, [1.0], 0.5, 0.1, rng=0, procedure='both')", "procedure must be one of 'mono', 'multi', 'partitioned', 'lvm_rs', got 'both'"),
    ("certify(never, [1.0], 0.5, 0.1, rng=0, selection=10)", "selection must be left out for 'multi', which has one sample only, got 10"),
    ("certify(never, [1.0], 0.5, 0.1, rng=0, procedure='mono', selection=0)", "selection must be an integer of at least 1, got 0"),
    ("certify(never, [1.0], 0.5, 0.1, rng=0, procedure='lvm_rs', selection=1)", "selection must be an integer of at least 2, got 1"),
    ("certify(never, [1.0], 0.5, 0.1, rng=0, procedure='lvm_rs', estimation=1)", "estimation must be an integer of at least 2, got 1"),
    ("certify(never, [1.0], 0.5, 0.1, rng=0, estimation=0)", "estimation must be an integer of at least 1, got 0"),
    ("certify(never, [1.0], 0.5, 0.1, rng=0, estimation=1e4)", "estimation must be an integer of at least 1, got 10000.0"),
    ("certify(never, [1.0], 0.5, 0.1, rng=0, batch=0)", "batch must be an integer of at least 1, got 0"),
    ("certify(never, [1.0], 0.5, 0.1, rng=0, maps=['softmax'])", "maps and temperatures must be left out for 'multi', which maps no scores"),
    ("certify(never, [1.0], 0.5, 0.1, rng=0, procedure='mono', temperatures=[1.0])", "maps and temperatures must be left out for 'mono', which maps no scores"),
    ("certify(never, [1.0], 0.5, 0.1, rng=0, procedure='lvm_rs', maps=['soft'])", "maps must be one of 'softmax', 'sparsemax', 'hardmax', got 'soft'"),
    ("certify(never, [1.0], 0.5, 0.1, rng=0, procedure='lvm_rs', temperatures=[0.0])", "temperatures must be a finite number above 0, got 0.0"),
    ("certify(never, [1.0], 0.5, 0.1, rng=0, procedure='lvm_rs', temperatures=[])", "maps and temperatures must name at least one of each, got none"),
    ("certify(never, [1.0], 0.5, 0.1, rng='a')", "rng must be a numpy.random.Generator or a seed (an integer of at least 0), got 'a'"),
    ("certify(never, [1.0], 0.5, 0.1, rng=0, progress=5)", "progress must be callable, got 5"),
    ("certify(never, [[1.0]], 0.5, 0.1, rng=0)", "x must be a vector (one dimension), got shape (1, 1)"),
    ("certify(never, [nan], 0.5, 0.1, rng=0)", "x must be a vector of finite numbers, got nan at index (0,)"),
    ("certify(lambda x: x, [1.0], 0.5, 0.1, rng=0)", "counts must be (classes,) or (inputs, classes), of at least two classes, got shape (1,)"),
    ("certify(lambda x: f(x) * nan, [1.0], 0.5, 0.1, rng=0, estimation=5)", "f(x) must be scores of finite numbers, got nan at index (0, 0)"),
    ("noisy_counts(5, [1.0], 0.5, 5, rng=0)", "f must be callable, got 5"),
    ("noisy_counts(never, [1.0], -0.5, 5, rng=0)", "sigma must be a finite number of at least 0, got -0.5"),
    ("noisy_counts(never, [1.0], 0.5, 0, rng=0)", "samples must be an integer of at least 1, got 0"),
    ("noisy_counts(lambda x: x[:, 0], [1.0], 0.5, 5, rng=0)", "f(x) must be of shape (5, classes) for 5 inputs, got shape (5,)"),
    ("simulated_coverage(5, [1, 1], 2, 10, 0.1, rng=0)", "covers must be callable, got 5"),
    ("simulated_coverage(yes, [], 2, 10, 0.1, rng=0)", "p must have a positive weight, got []"),
    ("simulated_coverage(yes, [0, 0], 2, 10, 0.1, rng=0)", "p must have a positive weight, got [0, 0]"),
    ("simulated_coverage(yes, [1, -1], 2, 10, 0.1, rng=0)", "p must be of weights of at least 0, got -1"),
    ("simulated_coverage(yes, [1, 1], 0, 10, 0.1, rng=0)", "n must be an integer of at least 1, got 0"),
    ("simulated_coverage(yes, [1, 1], 2, 0, 0.1, rng=0)", "runs must be an integer of at least 1, got 0"),
    ("simulated_coverage(yes, [1, 1], 2, 10, 1.5, rng=0)", "alpha must be at least 1e-307 and below 1, got 1.5"),
    ("simulated_coverage(lambda k: np.array([1, 0]), [1, 1], 2, 10, 0.1, rng=0)", "covers must return a truth value, got array([1, 0])"),
]


@pytest.mark.parametrize(("call", "message"), TABLE, ids=[call for call, _ in TABLE])
def test_bad_input_is_named_in_the_message(call, message):
    with pytest.raises(ValueError) as raised:
        eval(call, dict(NAMES))
    assert str(raised.value) == message
