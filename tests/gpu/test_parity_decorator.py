"""The parity decorator fails when it must."""

import types

import numpy as np
import parity as subject
import pytest
from hypothesis import strategies as st
from parity import compare, namespace, parity

strict = namespace("array_api_strict")
NUMPY = namespace("numpy")


@pytest.fixture
def right(monkeypatch):
    """Both implementations answer with what the test puts in; `right(ours, theirs)` runs a decorated test."""

    def right(ours, theirs, **how):
        made = {
            "gpu": types.SimpleNamespace(topic=types.SimpleNamespace(function=ours)),
            "refimpl": types.SimpleNamespace(topic=types.SimpleNamespace(function=theirs)),
        }
        monkeypatch.setattr(subject, "Implementation", made.__getitem__)

        @parity(given_={"W": st.just(np.eye(2))}, **how)
        def test(impl, W):
            return impl.topic.function(W)

        test(how.pop("name", "numpy"), "float64")

    return right


def _raising(error, message="no"):
    def function(W):
        raise error(message)

    return function


def test_equal_results_pass(right):
    right(lambda W: W + 1, lambda W: W + 1)
    right(lambda W: 1.0, lambda W: 1.0)
    right(_raising(ValueError), _raising(ValueError), errors=True)


@pytest.mark.parametrize(("ours", "theirs", "says"), [
    (lambda W: 1.0, lambda W: 1, "float, not int"),
    (lambda W: W[0, 0], lambda W: W, "shape"),
    (lambda W: W.tolist(), lambda W: W, "list, not an array"),
    (lambda W: W.astype(np.float32), lambda W: W, "float32, not float64"),
    (lambda W: W + 1e-15, lambda W: W, "off by"),
    (lambda W: W * np.nan, lambda W: W, "not"),
    (lambda W: W, lambda W: W * np.inf, "not"),
    (lambda W: (W,), lambda W: (W, W), "1 results, not 2"),
    (lambda W: [W], lambda W: (W,), "list, not tuple"),
    (lambda W: "a", lambda W: "b", "'a', not 'b'"),
    (lambda W: strict.asarray(W.copy()), lambda W: W, "arrays of array_api_strict"),
])
def test_a_difference_fails(right, ours, theirs, says):
    with pytest.raises(AssertionError, match=says), np.errstate(all="ignore"):
        right(ours, theirs)


@pytest.mark.parametrize(("ours", "theirs", "errors"), [
    (_raising(ValueError), lambda W: W, False),
    (lambda W: W, _raising(ValueError), False),
    (_raising(ValueError), _raising(ValueError), False),
    (lambda W: W, lambda W: W, True),
    (lambda W: W, _raising(ValueError), True),
    (_raising(ValueError), lambda W: W, True),
    (_raising(OverflowError), _raising(ValueError), True),
    (_raising(ValueError, "other words"), _raising(ValueError), True),
])
def test_errors_are_part_of_the_contract(right, ours, theirs, errors):
    with pytest.raises(AssertionError):
        right(ours, theirs, errors=errors)


def test_writing_into_an_argument_fails(right):
    def writing(W):
        W[0, 0] = 5
        return W

    with pytest.raises(AssertionError, match="read-only"):
        right(writing, writing)


def test_the_tolerance_is_in_units_of_the_roundoff():
    W = np.ones(3)
    compare(W * (1 + 2.0**-51), W, xp=NUMPY, roundings=4)
    with pytest.raises(AssertionError, match="off by"):
        compare(W * (1 + 2.0**-51), W, xp=NUMPY, roundings=3)
    compare((W * (1 + 2.0**-22)).astype(np.float32), W, xp=NUMPY, roundings=4, precision="float32")
    with pytest.raises(AssertionError, match="off by"):
        compare((W * (1 + 2.0**-22)).astype(np.float32), W, xp=NUMPY, roundings=3, precision="float32")


def test_the_namespace_and_the_precision_reach_the_body():
    seen = []

    @parity(given_={"W": st.just(np.eye(2))}, roundings=1)
    def test(impl, W):
        seen.append((impl.name, type(W).__module__.partition(".")[0]))
        return impl.spectral.spectral_norm(W)

    test("array_api_strict", "float32")
    assert ("gpu", "array_api_strict") in seen and ("refimpl", "numpy") in seen
