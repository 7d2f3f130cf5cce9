"""gpu.confidence against refimpl.confidence."""

import math

import numpy as np
import pytest
from hypothesis import strategies as st
from parity import parity, refused

from gpu.confidence import clopper_pearson

SIDES = st.sampled_from(["both", "lower", "upper"])
RISKS = st.sampled_from([0.9, 0.5, 0.05, 1e-3, 1e-10, 1e-100, 1e-300])


def _shaped(low, high, entries):
    shapes = st.sampled_from([(), (3,), (2, 2)])
    filled = st.lists(entries(low, high), min_size=4, max_size=4)
    return st.builds(lambda values, shape: np.array(values[: math.prod(shape)]).reshape(shape), filled, shapes)


COUNTS = st.integers(1, 200).flatmap(lambda n: st.fixed_dictionaries({
    "n": st.just(n), "counts": _shaped(0, n, st.integers), "alpha": RISKS, "side": SIDES}))


# Right to eleven digits, both.
@parity(given_=COUNTS, roundings=2e-11 * 2.0**53, precisions=("float64",))
def test_clopper_pearson(impl, counts, n, alpha, side):
    return _arrays(impl.confidence.clopper_pearson(counts, n, alpha, side=side))


@parity(given_=COUNTS, roundings=4 + 2e-11 * 2.0**24, precisions=("float32",))
def test_clopper_pearson_in_float32(impl, counts, n, alpha, side):
    return _arrays(impl.confidence.clopper_pearson(counts, n, alpha, side=side))


def _arrays(interval):
    """Numbers are NumPy's in refimpl, Python's here."""
    return type(interval)(*(float(end) if np.ndim(end) == 0 else end for end in interval))


EIGHTHS = st.integers(0, 16).map(lambda k: k / 8)


@parity(given_={"mean": _shaped(0, 16, lambda low, high: EIGHTHS), "n": st.integers(1, 1000), "alpha": RISKS,
                "side": SIDES, "mass": st.sampled_from([2.0, 8.0])}, roundings=32)
def test_hoeffding(impl, mean, n, alpha, side, mass):
    return _arrays(impl.confidence.hoeffding(mean, n, alpha, side=side, mass=mass))


@parity(given_={"mean": _shaped(0, 16, lambda low, high: EIGHTHS), "variance": st.sampled_from([0.0, 0.25, 1.0]),
                "n": st.integers(2, 1000), "alpha": RISKS, "side": SIDES}, roundings=64)
def test_empirical_bernstein(impl, mean, variance, n, alpha, side):
    return _arrays(impl.confidence.empirical_bernstein(mean, variance, n, alpha, side=side, mass=2.0))


def test_large_numbers_of_trials_keep_the_digits():
    for n in (10**6, 10**9):
        for risk in (0.05, 1e-9):
            # No success and one: closed forms of the tail.
            exact = -math.expm1(math.log(risk) / n)
            assert clopper_pearson(0, n, risk, side="upper").upper == pytest.approx(exact, rel=1e-14)
            p = float(clopper_pearson(1, n, risk, side="upper").upper)
            assert (n - 1) * math.log1p(-p) + math.log1p((n - 1) * p) == pytest.approx(math.log(risk), rel=1e-13)


def test_what_cannot_be_had_is_refused():
    with pytest.raises(ValueError, match="n must be smaller for a risk of 1e-07, whose tail has too many terms"):
        clopper_pearson(10**11 // 2, 10**11, 1e-7, side="lower")


test_bad_arguments = refused([
    lambda i, k: i.confidence.clopper_pearson(k, 2, 0.1),
    lambda i, k: i.confidence.clopper_pearson(k - 2, 5, 0.1),
    lambda i, k: i.confidence.clopper_pearson(k / 2, 5, 0.1),
    lambda i, k: i.confidence.clopper_pearson(k, 5, 0),
    lambda i, k: i.confidence.clopper_pearson(k, 5, 1.0),
    lambda i, k: i.confidence.clopper_pearson(k, 5, 1e-308),
    lambda i, k: i.confidence.clopper_pearson(k, 0, 0.1),
    lambda i, k: i.confidence.clopper_pearson(k, 2**53 + 1, 0.1),
    lambda i, k: i.confidence.clopper_pearson(k, 5, 0.1, side="left"),
    lambda i, k: i.confidence.hoeffding(k, 5, 0.1),
    lambda i, k: i.confidence.hoeffding(-k, 5, 0.1),
    lambda i, k: i.confidence.hoeffding(k / 3, 5, 0.1, mass=0),
    lambda i, k: i.confidence.hoeffding(k * 1j, 5, 0.1),
    lambda i, k: i.confidence.empirical_bernstein(k / 3, k / 3, 5, 0.1),
    lambda i, k: i.confidence.empirical_bernstein(k / 3, -k, 5, 0.1),
    lambda i, k: i.confidence.empirical_bernstein(k / 3, 0 * k[:2], 5, 0.1),
    lambda i, k: i.confidence.empirical_bernstein(k / 3, 0.1, 1, 0.1),
], k=np.array([1.0, 2.0, 3.0]))
