"""Confidence intervals: against the binomial tail in 50 digits, their formulas, and two other root searches."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from mpmath import mp
from scipy import stats

from refimpl.confidence import (
    bonferroni,
    clopper_pearson,
    empirical_bernstein,
    exact_coverage,
    hoeffding,
)

U = 2.0**-53
ALPHAS = [0.9, 0.5, 0.05, 1e-3, 1e-10, 1e-20, 1e-21, 1e-50, 1e-100, 1e-300]
SIZES = [1, 2, 3, 10, 100, 1000, 1001, 10**6, 10**9]


def some_counts(n):
    return sorted({k for k in (0, 1, 2, 3, 7, n // 100, n // 3, n // 2, n - n // 3, n - 2, n - 1, n) if 0 <= k <= n})


# The binomial tail


def tail(k, n, x):
    """P(X >= k) for the log odds x, and the derivative of its logarithm to them."""
    p, q = 1 / (1 + mp.exp(-x)), 1 / (1 + mp.exp(x))
    odds = int(mp.floor(mp.ldexp(mp.exp(x), 300)))
    total = term = 1 << 300
    for j in range(k, n):
        term = (term * (n - j) * odds // (j + 1)) >> 300
        total += term
        if not term >> 110:  # below 2^-190 of the first, and falling
            break
    ways = mp.loggamma(n + 1) - mp.loggamma(k + 1) - mp.loggamma(n - k + 1)
    relative = mp.mpf(total) / 2**300
    return mp.exp(ways + k * mp.log(p) + (n - k) * mp.log(q)) * relative, k * q / relative


def solved(k, n, risk, near):
    """The log odds where P(X >= k) is the risk, and the slope there: Newton, for a concave increasing function."""
    x = mp.log(near / (1 - near))
    for _ in range(500):
        value, slope = tail(k, n, x)
        step = min(mp.log(value / mp.mpf(risk)) / slope, mp.mpf(700))
        x -= step
        if abs(step) < mp.mpf(10) ** -30:
            return x, slope
    raise AssertionError((k, n, risk))


def proper(value):
    return min(max(value, mp.mpf(10) ** -320), 1 - mp.mpf(10) ** -20)


def errors(k, n, risk):
    """Relative errors of both one-sided ends, each over its bound.

    The library's quantile is taken where its tail is right to 1e-13 (n + 10); the logarithm of the series has the
    rounding of the terms it is added from. The slope turns both into an error of the end, and the log odds have theirs.
    """
    rough = 1e-13 * (n + 10) + 8 * U * (3 * math.lgamma(n + 1) - math.log(risk))
    found = []
    lower = clopper_pearson(k, n, risk, side="lower")
    upper = clopper_pearson(k, n, risk, side="upper")
    assert lower.upper == 1.0 and upper.lower == 0.0
    with mp.workdps(50):
        if k == 0:
            assert lower.lower == 0.0
        else:
            x, slope = solved(k, n, risk, proper(mp.mpf(float(lower.lower))))
            exact, other = 1 / (1 + mp.exp(-x)), 1 / (1 + mp.exp(x))
            bound = 2 * (rough * other / slope + U * (4 + abs(x)))
            found.append((abs(mp.mpf(float(lower.lower)) / exact - 1), bound))
        if k == n:
            assert upper.upper == 1.0
        else:
            x, slope = solved(n - k, n, risk, proper(1 - mp.mpf(float(upper.upper))))
            exact, other = 1 / (1 + mp.exp(x)), 1 / (1 + mp.exp(-x))
            bound = 2 * (rough * other / slope + U * (4 + abs(x)))
            found.append((abs(mp.mpf(float(upper.upper)) / exact - 1), bound))
    return found


# Clopper-Pearson


@pytest.mark.parametrize("n", SIZES)
def test_both_ends_solve_the_binomial_tail_to_fifty_digits_and_the_promised_rounding(n):
    for k, risk in itertools.product(some_counts(n), ALPHAS if n < 10**9 else [0.9, 0.05, 1e-10, 1e-50, 1e-300]):
        for error, bound in errors(k, n, risk):
            assert error <= bound, (k, n, risk, float(error), float(bound))


def test_two_sided_ends_are_the_one_sided_ones_at_half_the_risk():
    for n, alpha in itertools.product((1, 7, 1000, 10**9), ALPHAS):
        for k in some_counts(n):
            both = clopper_pearson(k, n, alpha)
            assert both.lower == clopper_pearson(k, n, alpha / 2, side="lower").lower
            assert both.upper == clopper_pearson(k, n, alpha / 2, side="upper").upper
            assert 0 <= both.lower < both.upper <= 1


@pytest.mark.parametrize("n", [1, 2, 9, 60, 1000])
@pytest.mark.parametrize("alpha", [0.3, 0.05, 1e-3, 1e-6])
def test_the_quantiles_of_the_beta_distribution_and_another_root_search_agree(n, alpha):
    k = np.arange(n + 1)
    low, high = clopper_pearson(k, n, alpha)
    room = 2e-13 * (n + 10)
    np.testing.assert_allclose(low[1:], stats.beta.ppf(alpha / 2, k[1:], n - k[1:] + 1), rtol=room)
    np.testing.assert_allclose(high[:-1], stats.beta.isf(alpha / 2, k[:-1] + 1, n - k[:-1]), rtol=room)
    for i in some_counts(n):
        other = stats.binomtest(i, n).proportion_ci(1 - alpha, method="exact")
        # Its root search stops at 2e-12, and 1 - alpha is rounded before.
        assert (low[i], high[i]) == pytest.approx(other, rel=2 * U / alpha + room, abs=4e-12)


@pytest.mark.parametrize("n", [1, 2, 10, 300])
def test_failures_for_successes_turn_the_interval_round(n):
    k = np.arange(n + 1)
    for alpha in (0.9, 0.05, 1e-20, 1e-21, 1e-300):
        low, high = clopper_pearson(k, n, alpha)
        # Both ends are right to what the first test allows, where the slope of a log tail in p is at least 1.
        np.testing.assert_allclose(high, 1 - low[::-1], rtol=0, atol=4e-13 * (n + 10))
        assert (low[0], high[-1]) == (0.0, 1.0)


@pytest.mark.parametrize("n", [1, 2, 50, 1000, 10**6, 10**9])
def test_ends_rise_with_the_count_and_the_interval_widens_as_the_risk_falls(n):
    counts = np.array(some_counts(n) if n >= 1000 else range(n + 1))
    alphas = np.array(ALPHAS)
    lower = np.array([clopper_pearson(counts, n, a, side="lower").lower for a in alphas])
    upper = np.array([clopper_pearson(counts, n, a, side="upper").upper for a in alphas])
    assert (np.diff(lower, axis=1) > 0).all()
    inner = (upper[:, :-1] < 1 - 1e-15)
    assert (np.diff(upper, axis=1)[inner] > 0).all() and (np.diff(upper, axis=1) >= 0).all()
    assert (np.diff(lower, axis=0)[:, counts > 0] < 0).all()
    inside = upper[:-1, :-1] < 1 - 1e-15
    assert (np.diff(upper, axis=0)[:, :-1][inside] > 0).all() and (np.diff(upper, axis=0) >= 0).all()
    half = alphas <= 0.5
    assert (lower[half] <= counts / n).all() and (upper[half] >= counts / n).all()


@pytest.mark.parametrize("side", ["both", "lower", "upper"])
def test_an_array_of_counts_is_its_counts_one_by_one_in_any_shape(side, frozen, rng):
    for n, alpha in ((5, 0.1), (1000, 1e-30), (10**9, 1e-3)):
        counts = frozen(rng.integers(0, n + 1, size=(2, 3, 2)))
        low, high = clopper_pearson(counts, n, alpha, side=side)
        assert low.shape == high.shape == counts.shape
        for place in np.ndindex(counts.shape):
            assert clopper_pearson(counts[place], n, alpha, side=side) == (low[place], high[place])
    single = clopper_pearson(3, 5, 0.1, side=side)
    assert np.ndim(single.lower) == np.ndim(single.upper) == 0
    assert clopper_pearson([3.0], np.int64(5), np.float64(0.1), side=side).lower[0] == single.lower


@pytest.mark.parametrize("alpha", [0.5, 1e-3, 1e-100, 1e-300])
def test_without_failures_the_lower_end_is_the_root_of_the_risk(alpha):
    for n in (1, 2, 10, 10**4):
        with mp.workdps(40):
            exact = mp.mpf(alpha) ** (mp.mpf(1) / n)
            low = clopper_pearson(n, n, alpha, side="lower").lower
            assert abs(low / exact - 1) <= 1e-13 * (n + 10) / n + 2 * U * (4 - math.log(alpha))
            assert abs(clopper_pearson(0, n, alpha, side="upper").upper - (1 - exact)) <= 4e-12 / n


@pytest.mark.parametrize(("k", "n", "risk"), [
    (1, 1, 1e-300), (1, 1000, 1e-50), (668, 1001, 1e-50), (2, 10**5, 0.05), (1, 10**9, 0.05), (2, 10**9, 1e-300),
])
def test_ends_are_right_to_eleven_digits(k, n, risk):
    assert all(error <= 1e-11 for error, _ in errors(k, n, risk))


def test_a_risk_whose_half_underflows_is_refused():
    for interval in (lambda: clopper_pearson(1, 10, 5e-324), lambda: hoeffding(0.5, 10**6, 5e-324)):
        with pytest.raises(ValueError, match="alpha must be at least 1e-307"):
            interval()


# Hoeffding, empirical Bernstein and Bonferroni


CASES = list(itertools.product([0.0, 0.3, 1.0], [2, 10, 10**6, 10**12], [0.9, 0.05, 1e-9, 1e-300], [1e-100, 1.0, 7.3]))


@pytest.mark.parametrize("side", ["both", "lower", "upper"])
def test_hoeffding_and_bernstein_are_their_formulas_cut_to_the_range(side):
    cut = 0
    for share, n, alpha, r in CASES:
        mean, V = share * r, share * (1 - share) * r * r
        with mp.workdps(50):
            risk = mp.mpf(alpha) / (2 if side == "both" else 1)
            first = mp.mpf(r) * mp.sqrt(mp.log(1 / risk) / (2 * n))
            log = mp.log(2 / risk)
            second = mp.sqrt(2 * mp.mpf(V) * log / n) + 7 * mp.mpf(r) * log / (3 * (n - 1))
            intervals = (hoeffding(mean, n, alpha, side=side, mass=r),
                         empirical_bernstein(mean, V, n, alpha, side=side, mass=r))
            for (low, high), half in zip(intervals, (first, second), strict=True):
                exact_low = mp.mpf(0) if side == "upper" else max(mean - half, mp.mpf(0))
                exact_high = mp.mpf(r) if side == "lower" else min(mean + half, mp.mpf(r))
                # A logarithm, at most six operations on half and one more on the end.
                room = U * (10 * half + r)
                assert abs(low - exact_low) <= room and abs(high - exact_high) <= room
                assert 0 <= low <= high <= r
                cut += (side != "upper" and mean > 0 and low == 0) + (side != "lower" and mean < r and high == r)
    assert cut > 10


def test_means_and_variances_broadcast_and_arrays_are_their_entries_one_by_one(frozen):
    means, variances = frozen([[0.1], [0.5], [0.75]]), frozen([0.0, 0.01, 0.2])
    low, high = empirical_bernstein(means, variances, 100, 0.05)
    assert low.shape == high.shape == (3, 3)
    for i, j in np.ndindex(3, 3):
        assert (low[i, j], high[i, j]) == empirical_bernstein(means[i, 0], variances[j], 100, 0.05)
    low, high = hoeffding(means, 100, 0.05, side="lower")
    assert low.shape == (3, 1) and (high == 1).all()
    assert [hoeffding(m, 100, 0.05, side="lower").lower for m in means[:, 0]] == low[:, 0].tolist()


def test_the_largest_variance_of_numbers_in_the_range_is_taken_and_no_larger():
    values = np.array([0.0] * 5 + [3.0] * 5)
    assert empirical_bernstein(1.5, values.var(ddof=1), 10, 0.5, mass=3.0).upper <= 3.0
    with pytest.raises(ValueError, match=r"variance must lie in \[0, 2.5\]"):
        empirical_bernstein(1.5, values.var(ddof=1) * 1.001, 10, 0.5, mass=3.0)


@pytest.mark.parametrize("call", [
    lambda: hoeffding(5e307, 1, 1e-300, mass=1e308),
    lambda: empirical_bernstein(5e307, 1e308, 2, 1e-300, mass=1e308),
])
def test_an_interval_wider_than_the_range_of_floats_is_cut_without_a_warning(call):
    assert call() == (0.0, 1e308)


def test_bonferroni_divides_the_risk_and_its_statements_hold_together():
    for alpha, m in itertools.product([0.9, 0.05, 1e-300], [1, 3, 1000]):
        assert abs(Fraction(bonferroni(alpha, m)) - Fraction(alpha) / m) <= Fraction(alpha) / m * Fraction(U)
    # Three intervals of one multinomial sample; at the undivided risk they fail together more often.
    weights, n, alpha = [1, 1, 1], 25, 0.3
    for risk, enough in ((bonferroni(alpha, 3), True), (alpha, False)):
        low, high = clopper_pearson(np.arange(n + 1), n, risk)
        inside = [a <= Fraction(1, 3) <= b for a, b in zip(low.tolist(), high.tolist(), strict=True)]
        kept = exact_coverage(lambda k, inside=inside: all(inside[i] for i in k), weights, n)
        assert (kept.low >= 1 - alpha) is enough
