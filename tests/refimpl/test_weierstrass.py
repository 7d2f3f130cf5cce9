"""Gaussian smoothing: closed forms against 80 digits, bounds that are attained, the constant of the quantile."""

import itertools
import math

import numpy as np
import pytest
import smoothing_reference as exact
from mpmath import mp
from scipy.integrate import quad
from scipy.special import ndtr

from refimpl.weierstrass import (
    extremal_ramp,
    lipschitz_bounded,
    lipschitz_smoothed,
    lipschitz_smoothed_simplex,
    optimal_sigma,
    probit,
    quantile_lipschitz,
    smoothed_probit,
    smoothed_probit_gradient,
)
from refimpl.weierstrass._quantile import log_ramp_value, ramp_start

U = 2.0**-53
LEAST = 2.0**-1022


def units(value, expected):
    """The relative error in units of roundoff."""
    return float(abs(mp.mpf(float(value)) - expected) / abs(expected) / U)


def mean(f, *breaks):
    """E[f(Z)] by adaptive quadrature between the breaks; what is beyond 12 is below 1e-30 times f there."""
    ends = sorted({-12.0, 0.0, 12.0, *(min(max(b, -12.0), 12.0) for b in breaks)})
    parts = [
        quad(lambda u: f(u) * math.exp(-u * u / 2), *pair, epsabs=0, epsrel=2e-13)[0]
        for pair in itertools.pairwise(ends)
    ]
    return math.fsum(parts) / math.sqrt(2 * math.pi)


# Closed forms


@pytest.mark.parametrize("sigma", [0.0, 1e-8, 1e-3, 1.0, 30.0, 1e8])
@pytest.mark.parametrize("size", [1e-8, 1.0, 1e8])
def test_smoothed_probit_and_gradient_are_right_to_eight_units_in_the_tails(sigma, size, rng):
    checked = 0
    for target in np.linspace(-39, 39, 40):
        d = int(rng.integers(1, 4))
        weight, x, scale = rng.normal(size=d), size * rng.normal(size=d), float(rng.choice([1.0, 0.5876, -2.0]))
        bias = float(target * math.hypot(1, scale * sigma * np.linalg.norm(weight)) / scale - weight @ x)
        with mp.workdps(exact.DIGITS):
            w, lam = [mp.mpf(v) for v in weight], mp.mpf(scale)
            root = mp.sqrt(1 + (lam * sigma) ** 2 * sum(v * v for v in w))
            argument = lam * (sum(v * mp.mpf(u) for v, u in zip(w, x, strict=True)) + mp.mpf(bias)) / root
            value, slopes = exact.tail(-argument), [lam * v / root * exact.density(argument) for v in w]
            if value >= LEAST:
                assert units(smoothed_probit(x, weight, bias, sigma, scale=scale), value) <= 8
                checked += 1
            for got, slope in zip(smoothed_probit_gradient(x, weight, bias, sigma, scale=scale), slopes, strict=True):
                assert abs(slope) < LEAST or units(got, slope) <= 8
    assert checked >= 35


def test_the_probit_is_right_to_eight_units_down_to_the_least_normal_float(rng):
    with mp.workdps(exact.DIGITS):
        for z, scale in zip(rng.uniform(-37.5, 9, 300), rng.choice([1.0, 0.5876, 3.0], 300), strict=True):
            z = float(z / scale)
            expected = exact.tail(-mp.mpf(z) * mp.mpf(float(scale)))
            assert expected < LEAST or units(probit(z, float(scale)), expected) <= 8


def test_the_probit_at_the_ends_of_the_range_of_floats_is_0_or_1():
    assert probit([-1e308, -1e308, 1e308, 0.0], 1e308).tolist() == [0.0, 0.0, 1.0, 0.5]
    assert probit([[1.0, -1.0]], 0.0).tolist() == [[0.5, 0.5]]
    assert smoothed_probit([-1e308], [1e308], 0.0, 0.0) == 0.0
    assert smoothed_probit([-1e308], [1e308], 1e308, 1e308) == pytest.approx(float(ndtr(-1)), rel=8 * U, abs=0)


@pytest.mark.parametrize(
    ("x", "bias", "expected"),
    [([1e300], -1e300, 0.5), ([1e100], -1e100, 0.5), ([1e300, 1.0], -1e300, float(ndtr(1)))],
)
def test_terms_that_cancel_leave_the_exact_argument(x, bias, expected):
    assert smoothed_probit(x, np.ones(len(x)), bias, 0.0) == pytest.approx(expected, rel=8 * U, abs=0)


def test_the_bounds_are_right_to_eight_units(rng):
    with mp.workdps(40):
        for exponents in rng.uniform(-8, 8, (300, 3)):
            L, s, r = map(float, 10**exponents)
            ratio = mp.mpf(r) / mp.mpf(s)
            spread = ratio / (2 * mp.mpf(L))
            assert units(lipschitz_bounded(s, mass=r), ratio / mp.sqrt(2 * mp.pi)) <= 8
            assert units(lipschitz_bounded(s, mass=r, into="simplex"), ratio / mp.sqrt(mp.pi)) <= 8
            assert units(lipschitz_smoothed(L, s, mass=r), L * mp.erf(spread / mp.sqrt(2))) <= 8
            assert units(lipschitz_smoothed_simplex(L, s, mass=r), L * mp.erf(spread)) <= 8
            assert units(lipschitz_smoothed(math.inf, s, mass=r), ratio / mp.sqrt(2 * mp.pi)) <= 8
            assert units(optimal_sigma(s, mass=r), ratio / mp.sqrt(2 * mp.pi)) <= 8


def test_without_slope_or_noise_the_bound_is_the_lipschitz_constant():
    assert lipschitz_smoothed(0.0, 0.5) == lipschitz_smoothed_simplex(0.0, 0.0) == 0.0
    assert lipschitz_smoothed(3.0, 0.0) == lipschitz_smoothed(3.0, 5e-324) == 3.0
    assert lipschitz_smoothed(math.inf, 0.0) == math.inf


@pytest.mark.parametrize("into", ["interval", "simplex"])
def test_the_optimal_noise_gains_most(into):
    bound = {"interval": lipschitz_smoothed, "simplex": lipschitz_smoothed_simplex}[into]
    gain = lambda s: bound(2.0, s, mass=3.0) / min(2.0, lipschitz_bounded(s, mass=3.0, into=into))  # noqa: E731
    best = optimal_sigma(2.0, mass=3.0, into=into)
    assert lipschitz_bounded(best, mass=3.0, into=into) == pytest.approx(2.0, rel=8 * U, abs=0)
    assert gain(best) == pytest.approx(math.erf(math.sqrt(math.pi) / 2), rel=16 * U, abs=0)
    assert all(gain(best * factor) > gain(best) for factor in (0.5, 0.99, 1.01, 2.0))


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        (lambda: lipschitz_bounded(0.5, mass=1e308), 2 * (1e308 / math.sqrt(2 * math.pi))),
        (lambda: lipschitz_smoothed(math.inf, 1.0, mass=1.2e308), 1.2e308 / math.sqrt(2 * math.pi)),
        (lambda: lipschitz_smoothed(1e300, 1e-308, mass=1e-9), 1e300 * math.erf(0.1 / math.sqrt(8))),
    ],
)
def test_a_bound_that_floats_hold_is_found_where_a_step_to_it_is_not_held(bound, expected):
    assert bound() == pytest.approx(expected, rel=16 * U, abs=0)


# The bounds are attained


@pytest.mark.parametrize("mass", [0.25, 1.0, 7.0])
@pytest.mark.parametrize(("lipschitz", "sigma"), [(1.0, 0.5), (4.0, 2.0), (0.125, 1.0), (100.0, 3.0)])
def test_the_symmetric_ramp_attains_the_bound(lipschitz, sigma, mass):
    half = mass / (2 * lipschitz)
    ramp = lambda s: float(extremal_ramp(s, lipschitz, start=-half, mass=mass))  # noqa: E731
    slope = mean(lambda u: u * ramp(sigma * u) / sigma, -half / sigma, half / sigma)
    assert slope == pytest.approx(lipschitz_smoothed(lipschitz, sigma, mass=mass), rel=1e-12, abs=0)


@pytest.mark.parametrize("mass", [0.25, 1.0, 7.0])
@pytest.mark.parametrize(("lipschitz", "sigma"), [(1.0, 0.5), (4.0, 2.0), (0.125, 1.0), (100.0, 3.0)])
def test_a_ramp_between_two_vertices_attains_the_bound_into_the_simplex(lipschitz, sigma, mass):
    # Both coordinates change: the map is steeper than each by root 2.
    each = lipschitz / math.sqrt(2)
    half = mass / (2 * each)
    one = lambda s: float(extremal_ramp(s, each, start=-half, mass=mass))  # noqa: E731
    slopes = [
        mean(lambda u, f=f: u * f(sigma * u) / sigma, -half / sigma, half / sigma)
        for f in (one, lambda s: mass - one(s))
    ]
    assert slopes[0] == pytest.approx(-slopes[1], rel=1e-12, abs=0)
    bound = lipschitz_smoothed_simplex(lipschitz, sigma, mass=mass)
    assert math.hypot(*slopes) == pytest.approx(bound, rel=1e-12, abs=0)


def test_a_step_attains_the_bound_for_bounded_functions():
    slope = mean(lambda u: 3.0 * u * (u > 0) / 0.5, 0.0)
    assert slope == pytest.approx(lipschitz_bounded(0.5, mass=3.0), rel=1e-12, abs=0)
    assert math.sqrt(2) * slope == pytest.approx(lipschitz_bounded(0.5, mass=3.0, into="simplex"), rel=1e-12, abs=0)


@pytest.mark.parametrize("p", [1e-3, 0.1, 0.5, 0.75, 0.999])
@pytest.mark.parametrize(("lipschitz", "sigma"), [(1.0, 0.5), (0.25, 2.0), (3.0, 1.0)])
def test_the_ramp_attains_the_constant_of_the_quantile(p, lipschitz, sigma):
    start = ramp_start(p, lipschitz, sigma)
    ends = start / sigma, (start + 1 / lipschitz) / sigma
    ramp = lambda s: float(extremal_ramp(s, lipschitz, start=start))  # noqa: E731
    assert mean(lambda u: ramp(sigma * u), *ends) == pytest.approx(p, rel=1e-11, abs=0)
    slope = mean(lambda u: u * ramp(sigma * u) / sigma, *ends)
    with mp.workdps(exact.DIGITS):
        density = float(exact.density(exact.quantile(p)))
    assert slope / density == pytest.approx(quantile_lipschitz(p, lipschitz, sigma), rel=1e-10, abs=0)


def test_the_ramp_is_clipped_and_may_start_anywhere():
    assert extremal_ramp([[-1.0, 0.5], [0.75, 9.0]], 2.0, start=0.5, mass=3.0).tolist() == [[0.0, 0.0], [0.5, 3.0]]
    assert extremal_ramp(1.7e308, 2.0, start=-1.7e308, mass=5.0) == 5.0


# The constant of the quantile

SHARES = [
    1e-300, 1e-100, 1e-20, 1e-3, 0.1, 0.4, 0.4999999, 0.5 - 2.0**-54, 0.5, 0.5 + 1e-9, 0.9, 1 - 1e-9, 1 - 2.0**-53,
]
PRODUCTS = [1e-6, 1e-4, 1e-2, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0, 1e4, 1e6]


@pytest.mark.parametrize("product", PRODUCTS)
def test_quantile_lipschitz_is_right_in_the_tails(product):
    # 1 - t mills(t) loses a factor of 6.4 below t = 2, a quotient of tails changes by t times the error of t: 64 units.
    with mp.workdps(exact.DIGITS):
        for p in SHARES:
            assert units(quantile_lipschitz(p, product, 1.0), exact.quantile_lipschitz(p, product, 1)) <= 64


def test_quantile_lipschitz_is_right_at_random_places(rng):
    with mp.workdps(exact.DIGITS):
        for p, exponent in zip(10 ** rng.uniform(-12, -0.01, 150), rng.uniform(-3, 3, 150), strict=True):
            L, s = float(10**exponent), float(10 ** rng.uniform(-3, 3))
            assert units(quantile_lipschitz(float(p), L, s), exact.quantile_lipschitz(float(p), L, s)) <= 64


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_start_of_the_ramp_is_right_and_undone_by_its_value(product):
    with mp.workdps(exact.DIGITS):
        for p in SHARES:
            start = ramp_start(p, product, 1.0)
            expected = exact.start(p, 1 / mp.mpf(product))
            # Above one half it is mirrored about -1 / (2 L): what is lost there is relative to 1 / L and to the noise.
            scale = abs(expected) + 1 / mp.mpf(product) + 1
            assert abs(mp.mpf(start) - expected) <= 8 * U * scale
            # d log(value) / d start is at most the hazard, below |start| + 1.
            slack = 16 * U * (abs(math.log(p)) + (abs(start) + 1) * (abs(start) + 1 if start > 0 else 1))
            value = log_ramp_value(start, product, 1.0)
            assert abs(value - float(mp.log(exact.smoothed_ramp(mp.mpf(start), 1 / mp.mpf(product))))) <= slack


def test_quantile_lipschitz_has_its_symmetries_and_limits():
    shares = np.array([0.0, 0.03125, 0.25, 0.5, 0.75, 0.96875, 1.0])
    constants = quantile_lipschitz(shares, 0.5, 2.0)
    assert constants.tolist() == constants[::-1].tolist() and constants[0] == 0.5
    assert (quantile_lipschitz(shares, 0.125, 8.0) == constants / 4).all()
    assert quantile_lipschitz(shares, math.inf, 0.25).tolist() == [4.0] * 7
    assert quantile_lipschitz(shares, 0.0, 0.25).tolist() == [4.0, *[0.0] * 5, 4.0]
    assert quantile_lipschitz(shares.reshape(7, 1), 0.5, 2.0).shape == (7, 1)
    for L, s in [(1e-3, 1.0), (1.0, 0.5), (50.0, 3.0)]:
        middle = L * math.erf(1 / (2**1.5 * L * s)) * math.sqrt(2 * math.pi)
        assert quantile_lipschitz(0.5, L, s) == pytest.approx(middle, rel=64 * U, abs=0)


@pytest.mark.parametrize("p", [1e-200, 1e-6, 0.3, 0.5, 0.99])
def test_quantile_lipschitz_rises_with_the_constant_up_to_one_over_sigma(p):
    constants = [quantile_lipschitz(p, L, 0.5) for L in np.logspace(-4, 4, 60)]
    assert all(b >= a * (1 - 128 * U) for a, b in itertools.pairwise(constants))
    assert constants[0] < 0.01 or p < 0.1
    assert max(constants) <= 2 * (1 + 64 * U)
    assert constants[-1] == pytest.approx(2.0, rel=1e-4, abs=0)


@pytest.mark.parametrize(("p", "lipschitz", "sigma"), [(0.5, 1e-150, 1e-200), (0.5, 1e-310, 1.0), (0.3, 1e-300, 1e-20)])
def test_a_very_wide_ramp_keeps_its_slope(p, lipschitz, sigma):
    with mp.workdps(30):
        expected = mp.mpf(lipschitz) / exact.density(exact.quantile(p))
    assert quantile_lipschitz(p, lipschitz, sigma) == pytest.approx(float(expected), rel=1e-12, abs=0)


def test_a_very_narrow_ramp_is_a_step_in_the_tails_too():
    assert quantile_lipschitz(1e-300, 1e30, 1.0) == pytest.approx(1.0, rel=1e-12, abs=0)


@pytest.mark.parametrize("width", [0.5, 1.0, 4 / 3, 2.0, 3.0])
def test_a_ramp_that_begins_at_zero_is_found(width):
    # Two formulas meet there, and the root has no relative tolerance.
    value = (width * ndtr(-width) + (1 - np.exp(-width * width / 2)) / np.sqrt(2 * np.pi)) / width
    near = quantile_lipschitz(value * (1 + 1e-9), 1 / width, 1.0)
    for p in (*(value * (1 + np.arange(-6, 7) * 2.0**-53)), 0.26741037401994716):
        if abs(p / value - 1) < 1e-12:
            assert quantile_lipschitz(p, 1 / width, 1.0) == pytest.approx(near)
