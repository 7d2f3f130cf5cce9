"""Certified radii: against rational arithmetic and 80 digits; what is certified lies below them."""

import math
from fractions import Fraction

import numpy as np
import pytest
import smoothing_reference as exact
from mpmath import mp

from refimpl.certificates import (
    certified_accuracy,
    margin,
    radius_coordinate,
    radius_global,
    radius_mono,
    radius_multi,
    radius_multi_lipschitz,
    radius_pairwise,
)
from refimpl.weierstrass import smoothed_probit
from refimpl.weierstrass._quantile import ramp_start

U = 2.0**-53


def units(value, expected):
    """The relative error in units of roundoff."""
    return float(abs(mp.mpf(float(value)) - expected) / abs(expected) / U)


def least_quotient(scores, y, constant):
    """The smallest quotient of a gap and its constant, in rational numbers."""
    quotients = []
    for k, v in enumerate(scores):
        gap = max(Fraction(float(scores[y])) - Fraction(float(v)), Fraction(0))
        if k != y:
            quotients.append(gap if gap == 0 else gap / Fraction(constant(k)) if constant(k) else math.inf)
    return min(quotients)


# Margins


def test_the_margin_is_the_gap_to_the_best_other_class():
    assert margin([0.5, 3.0, 1.0], 1) == 2.0
    assert margin([0.5, 3.0, 1.0], 0) == margin([3.0, 3.0, 1.0], 0) == 0.0
    assert margin([2.0, -1.0], 0) == 3.0 and type(margin([2, -1], 0)) is float
    assert margin([[2, 1, 0], [1, 1, 0], [0, 5, 9]], np.array([0, 1, 2])).tolist() == [1.0, 0.0, 4.0]
    assert margin([1e308, 1e308, -7e307], 0) == 0.0
    assert margin([5e-324, 0.0], 0) == 5e-324


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_radii_agree_with_rational_arithmetic_and_certified_ones_lie_below(classes, rng):
    scores = rng.normal(size=(40, classes)) * 10.0 ** rng.integers(-3, 4, size=(40, 1))
    labels = np.where(rng.random(40) < 0.8, scores.argmax(axis=1), rng.integers(classes, size=40))
    each, pairs, whole = rng.uniform(0, 4, classes), rng.uniform(0, 4, (classes, classes)), 1.7
    each[0] = pairs[0, 1] = pairs[1, 0] = 0.0
    cases = [
        (radius_coordinate, each, lambda y: lambda k: Fraction(each[y]) + Fraction(each[k])),
        (radius_coordinate, whole, lambda y: lambda k: 2 * Fraction(whole)),
        (radius_pairwise, pairs, lambda y: lambda k: pairs[y, k]),
    ]
    for radius, lipschitz, constant in cases:
        plain = radius(scores, labels, lipschitz)
        lower = radius(scores, labels, lipschitz, certified=True)
        for row, y, r, low in zip(scores, labels, plain, lower, strict=True):
            expected = least_quotient(row, y, constant(y))
            # A difference, a sum and a quotient.
            assert math.isinf(r) if math.isinf(expected) else abs(Fraction(r) - expected) <= 4 * U * expected
            assert low <= expected and (low < r or r in (0, math.inf))
            assert math.isinf(r) or low >= r * (1 - 2.0**-48)
    for row, y, r, low in zip(
        scores, labels, radius_global(scores, labels, whole), radius_global(scores, labels, whole, certified=True),
        strict=True,
    ):
        with mp.workdps(40):
            gap = least_quotient(row, y, lambda k: 1)
            expected = mp.mpf(gap.numerator) / gap.denominator / mp.sqrt(2) / mp.mpf(whole)
            assert abs(mp.mpf(float(r)) - expected) <= 5 * U * expected
            assert mp.mpf(float(low)) <= expected and (low < r or r == 0)


def test_a_batch_is_its_samples_one_by_one(rng):
    scores, labels, each = rng.normal(size=(9, 4)), rng.integers(4, size=9), rng.uniform(1, 2, 4)
    for call in (
        margin,
        lambda s, y: radius_global(s, y, 2.0, certified=True),
        lambda s, y: radius_coordinate(s, y, each),
        lambda s, y: radius_pairwise(s, y, np.add.outer(each, each)),
    ):
        assert call(scores, labels).tolist() == [call(s, int(y)) for s, y in zip(scores, labels, strict=True)]


def test_constants_for_pairs_are_never_worse_than_their_sums_and_those_not_than_the_largest(rng):
    for _ in range(30):
        scores, each = rng.normal(size=5), rng.uniform(0.5, 2, 5)
        sums = np.add.outer(each, each)
        first = radius_coordinate(scores, 2, float(each.max()))
        second = radius_coordinate(scores, 2, each)
        third = radius_pairwise(scores, 2, sums * 0.9)
        assert first <= second <= third and second == radius_pairwise(scores, 2, sums)
        # The norm of a vector of scores bounds each difference by root 2 times.
        assert radius_global(scores, 2, 1.0) == pytest.approx(margin(scores, 2) / math.sqrt(2), rel=4 * U, abs=0)


def test_without_a_margin_the_radius_is_0_and_without_a_constant_infinite():
    for radius, zero in ((radius_global, 0.0), (radius_coordinate, [0.0, 0.0]), (radius_pairwise, np.zeros((2, 2)))):
        assert radius([2.0, 1.0], 0, zero) == math.inf
        assert radius([2.0, 1.0], 1, zero) == radius([1.0, 1.0], 0, zero) == 0.0
        assert radius([[2.0, 1.0], [1.0, 1.0]], [1, 0], zero, certified=True).tolist() == [0.0, 0.0]


def test_an_affine_classifier_changes_its_label_just_beyond_the_pairwise_radius(rng):
    W, b, x = rng.normal(size=(4, 3)), rng.normal(size=4), rng.normal(size=3)
    scores = W @ x + b
    y = int(scores.argmax())
    pairs = np.linalg.norm(W[:, None] - W[None], axis=2)
    radius = radius_pairwise(scores, y, pairs)
    k = min((k for k in range(4) if k != y), key=lambda k: (scores[y] - scores[k]) / pairs[y, k])
    step = (W[k] - W[y]) / pairs[y, k]
    assert margin(W @ (x + step * radius * (1 + 1e-9)) + b, y) == 0.0
    assert margin(W @ (x + step * radius * (1 - 1e-9)) + b, y) > 0.0


@pytest.mark.parametrize(("radius", "expected"), [
    (lambda: radius_global([2.0, 1.0], 0, 1.7e308), 1 / 1.7e308 / math.sqrt(2)),
    (lambda: radius_coordinate([2.0, 1.0], 0, 1.7e308), 1 / 1.7e308 / 2),
])
def test_constants_at_the_end_of_the_range_of_floats_certify_a_radius(radius, expected):
    assert radius() == pytest.approx(expected, rel=1e-9, abs=1e-323)


@pytest.mark.parametrize("n", [1, 5, 99])
def test_a_certified_radius_lies_below_for_the_least_constants_too(n):
    low = radius_global([n * 5e-324, 0.0], 0, n * 5e-324, certified=True)
    assert 2 * Fraction(low) ** 2 <= 1


# Of smoothed classifiers


@pytest.mark.parametrize("p", [
    0.5 + 2.0**-53, 0.5 + 1e-10, 0.501, 0.5025, 0.6, 0.9, 0.999, 1 - 1e-10, 1 - 2.0**-52, 1 - 2.0**-53,
])
def test_the_radius_of_one_class_is_right_near_one_half_and_near_one(p):
    with mp.workdps(exact.DIGITS):
        expected = mp.mpf(0.3) * exact.quantile(p)
        assert units(radius_mono(p, 0.3), expected) <= 16
        assert mp.mpf(radius_mono(p, 0.3, certified=True)) < expected


@pytest.mark.parametrize("q", [1e-300, 1e-100, 1e-20, 1e-5, 1e-3, 0.1, 0.4])
def test_the_radius_of_two_classes_is_right(q):
    with mp.workdps(exact.DIGITS):
        for p in {q * (1 + d) for d in (2.0**-50, 1e-10, 1e-5, 0.005, 0.0099, 999)} | {0.5, 0.59, 1 - q, 1 - 2.0**-53}:
            if q < p < 1:
                # Beyond 1.01 q two quantiles are subtracted, each right to 4 units.
                places = [abs(exact.quantile(p)), abs(exact.quantile(q))]
                allowed = 16 if p <= 1.01 * q else 4 + 4 * sum(places) / exact.radius_multi(p, q, 2)
                assert units(radius_multi(p, q, 2.0), exact.radius_multi(p, q, 2)) <= allowed
                assert mp.mpf(radius_multi(p, q, 2.0, certified=True)) < exact.radius_multi(p, q, 2)


@pytest.mark.parametrize(("p", "q"), [
    (1.011e-300, 1e-300), (1.0101e-20, 1e-20), (0.9011, 0.9), (0.999011, 0.999), (0.9999999999005, 0.9999999999),
])
def test_a_certified_radius_of_probabilities_that_are_close_lies_below(p, q):
    with mp.workdps(exact.DIGITS):
        assert mp.mpf(radius_multi(p, q, 1.0, certified=True)) < exact.radius_multi(p, q, 1)


def test_probabilities_that_tie_or_end_the_interval_give_0_or_infinity():
    p, q = [0.3, 0.3, 0.2, 0.0, 1.0, 1.0, 1.0, 0.7], [0.3, np.nextafter(0.3, 1), 0.9, 0.0, 1.0, 0.0, 0.5, 0.0]
    expected = [0.0] * 5 + [math.inf] * 3
    assert radius_multi(p, q, 0.5).tolist() == radius_multi_lipschitz(p, q, 0.5, 3.0).tolist() == expected
    assert radius_multi_lipschitz(p, q, 0.5, (3.0, 4.0)).tolist() == expected
    assert radius_mono([0.0, 0.5, 1.0], 2.0).tolist() == [0.0, 0.0, math.inf]
    for call in (radius_multi, lambda *a, **k: radius_multi_lipschitz(*a, 1.0, **k)):
        assert call(p[:5], q[:5], 0.5, certified=True).tolist() == [0.0] * 5
        assert call([[0.5], [0.6]], [0.1, 0.2, 0.3], 1.0).shape == (2, 3) and type(call(0.5, 0.2, 1.0)) is float


def test_one_class_is_two_that_share_the_probability():
    p = np.array([0.2, 0.5, 0.6, 0.75, 0.96875])
    assert radius_mono(p, 0.5).tolist() == radius_multi(p, 1 - p, 0.5).tolist()
    assert radius_multi(0.75, 0.125, 4.0) == 8 * radius_multi(0.75, 0.125, 0.5)
    assert radius_multi(0.75, 0.125, 1.0) > radius_multi(0.75, 0.25, 1.0) > radius_multi(0.7, 0.25, 1.0)


def test_a_half_space_changes_its_label_at_the_radius_of_one_class():
    # The smoothed indicator of x > 0 is the probit of x / sigma.
    sigma, at = 0.5, 0.75
    p = smoothed_probit([at], [1e200], 0.0, sigma, scale=1.0)
    assert radius_mono(p, sigma) == pytest.approx(at, rel=1e-13, abs=0)


# With the Lipschitz constant of the scores

CASES = [
    (0.6, 0.1, 0.5), (0.9, 0.05, 1.0), (0.999, 1e-6, 0.25), (0.3, 0.2999, 2.0), (1e-5, 1e-9, 1.0),
    (1 - 1e-12, 1e-13, 1.0), (0.5, 0.25, 1.0),
]
PAIRS = [(1.0, 1.0), (1.0, 2.0), (0.05, 0.05), (5.0, 0.1), (0.01, 3.0), (40.0, 1000.0)]


@pytest.mark.parametrize(("first", "second"), PAIRS)
@pytest.mark.parametrize(("p", "q", "sigma"), CASES)
def test_the_radius_where_the_two_ramps_meet_is_right(p, q, sigma, first, second):
    radius = radius_multi_lipschitz(p, q, sigma, (first, second))
    with mp.workdps(50):
        expected = exact.radius_of_ramps(p, q, sigma, first, second)
    # It is a difference of places: 64 units of these.
    places = abs(ramp_start(p, first, sigma)) + abs(ramp_start(q, second, sigma)) + sigma
    assert abs(radius - float(expected)) <= 64 * U * places
    lower = radius_multi_lipschitz(p, q, sigma, (first, second), certified=True)
    assert mp.mpf(lower) < expected and lower >= radius - 2.0**-42 * places


@pytest.mark.parametrize(("p", "q", "sigma"), CASES)
def test_the_radius_is_never_below_the_plain_one_and_falls_to_it_as_the_constants_rise(p, q, sigma):
    plain, places = radius_multi(p, q, sigma), []
    for other in (1.0, 0.3, 7.0):
        radii = []
        for L in (0.02, 0.1, 0.5, 2.0, 10.0, 100.0, 1e4, 1e7):
            radii.append(radius_multi_lipschitz(p, q, sigma, (L / sigma, other * L / sigma)))
            places.append(sigma + abs(ramp_start(p, L / sigma, sigma)) + abs(ramp_start(q, other * L / sigma, sigma)))
            assert radii[-1] >= plain
        assert all(a >= b - 64 * U * s for a, b, s in zip(radii, radii[1:], places, strict=False))
        assert radii[0] > plain * 1.01
        assert radii[-1] == pytest.approx(plain, rel=1e-6, abs=0)
    assert radius_multi_lipschitz(p, q, sigma, math.inf) == pytest.approx(plain, rel=64 * U, abs=64 * U * places[-1])
    assert radius_multi_lipschitz(p, q, sigma, (math.inf, math.inf)) == radius_multi_lipschitz(p, q, sigma, math.inf)


def test_for_small_constants_it_is_the_radius_of_the_scores_themselves():
    """Scores of slope L without noise: (p - q) / (2 L), or over the sum of two constants."""
    for L, K in ((1e-3, 1e-3), (1e-3, 4e-3)):
        assert radius_multi_lipschitz(0.6, 0.3, 1.0, (L, K)) == pytest.approx(0.3 / (L + K), rel=1e-12, abs=0)


def test_the_radius_scales_with_the_noise():
    for pair in ((1.0, 1.0), (1.0, 3.0)):
        scaled = radius_multi_lipschitz(0.6, 0.2, 4.0, (pair[0] / 8, pair[1] / 8))
        assert scaled == pytest.approx(8 * radius_multi_lipschitz(0.6, 0.2, 0.5, pair), rel=1e-13, abs=0)


@pytest.mark.parametrize(("p", "q", "sigma", "pair"), [
    (0.09487337490297879, 0.09487337490297876, 0.006594729755669245, (6371.257053529293, 30266.11333406973)),
    (4.885876162757669e-140, 4.8858761627576685e-140, 215.4996484665619, (0.028838811543420575, 0.856259152395791)),
])
def test_probabilities_a_few_units_apart_have_a_radius(p, q, sigma, pair):
    assert 0 <= radius_multi_lipschitz(p, q, sigma, pair) <= 1e-13 * sigma


@pytest.mark.parametrize("pair", [(1e-310, 1e-310), (1e-310, 1e-309)])
def test_the_least_constants_have_a_radius(pair):
    assert radius_multi_lipschitz(0.5, 0.25, 1.0, pair) >= radius_multi(0.5, 0.25, 1.0)


@pytest.mark.parametrize(("radius", "least", "most"), [
    (lambda: radius_mono(1.0, 5e-324), math.inf, math.inf),
    (lambda: radius_mono(0.99, 5e-324), 1e-323, 1e-323),
])
def test_noise_at_the_ends_of_the_range_of_floats_has_a_radius(radius, least, most):
    assert least <= radius() <= most


# Certified accuracy


def test_certified_accuracy_counts_the_radii_beyond_the_level(rng):
    radii = np.concatenate([np.zeros(3), rng.exponential(size=16), [math.inf]])
    levels = np.concatenate([[0.0], radii[np.isfinite(radii)], rng.exponential(size=6)]).reshape(2, -1)
    shares = certified_accuracy(radii, levels)
    assert shares.shape == levels.shape
    for level, share in zip(levels.ravel(), shares.ravel(), strict=True):
        assert share == sum(r > level for r in radii) / 20
    assert certified_accuracy([1.0, 2.0], 1.0) == 0.5 and type(certified_accuracy([1.0], 0.5)) is float
    assert certified_accuracy([5e-324, 0.0], 0.0) == 0.5


def test_no_function_writes_into_its_input(frozen):
    scores, labels, each = frozen([[2.0, 1.0], [0.0, 3.0]]), frozen([0, 1]), frozen([1.0, 2.0])
    margin(scores, labels)
    for certified in (False, True):
        radius_global(scores, labels, 1.0, certified=certified)
        radius_coordinate(scores, labels, each, certified=certified)
        radius_pairwise(scores, labels, frozen([[0.0, 1.0], [1.0, 0.0]]), certified=certified)
        p, q = frozen([0.7, 0.6]), frozen([0.1, 0.2])
        radius_mono(p, 1.0, certified=certified)
        radius_multi(p, q, 1.0, certified=certified)
        radius_multi_lipschitz(p, q, 1.0, (1.0, 2.0), certified=certified)
    certified_accuracy(each, each)
