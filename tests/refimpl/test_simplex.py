"""Maps onto a simplex: against exact arithmetic, a solver and SciPy; ties, limits, the ends of the range of floats."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.special
from mpmath import mp
from scipy.optimize import minimize

from refimpl.simplex import hardmax, softmax, sparsemax

U = 2.0**-53
MAPS = [softmax, hardmax, sparsemax]


def nearest(z, temperature, mass):
    """The sparsemax in rational numbers: the threshold that its optimality conditions leave."""
    scores = [Fraction(v) / Fraction(temperature) for v in np.asarray(z, dtype=float).tolist()]
    for k in range(1, len(scores) + 1):
        rho = (sum(sorted(scores, reverse=True)[:k]) - Fraction(mass)) / k
        p = [max(v - rho, Fraction(0)) for v in scores]
        if sum(p) == Fraction(mass):
            return p
    raise AssertionError("no threshold")


def assert_nearest(p, z, temperature=1.0, mass=1.0):
    """Entries above 0 are within the mass of the largest score: all steps round by at most c units of the mass."""
    exact = nearest(z, temperature, mass)
    bound = 4 * (len(exact) + 2) * Fraction(U) * Fraction(mass) + Fraction(5e-324)
    assert max(abs(Fraction(float(a)) - b) for a, b in zip(p, exact, strict=True)) <= bound
    assert all(a >= 0 for a in p)


# Sparsemax


def test_sparsemax_is_the_solution_of_its_quadratic_program(rng):
    for c in (2, 3, 5, 8):
        z, temperature, mass = 2 * rng.normal(size=c), float(rng.uniform(0.3, 3)), float(rng.uniform(0.2, 4))
        target = z / temperature
        solved = minimize(
            lambda p, target=target: 0.5 * ((p - target) ** 2).sum(), np.full(c, mass / c),
            jac=lambda p, target=target: p - target, bounds=[(0, None)] * c, method="SLSQP",
            constraints={"type": "eq", "fun": lambda p, mass=mass: p.sum() - mass, "jac": lambda p: np.ones(len(p))},
            options={"ftol": 1e-15, "maxiter": 500},
        )
        p = sparsemax(z, temperature=temperature, mass=mass)
        # The program is strongly convex: an objective within 1e-12 of the least is within 2e-6.
        assert np.abs(p - solved.x).max() <= 2e-6
        assert 0.5 * ((p - target) ** 2).sum() <= solved.fun + 1e-9


def test_sparsemax_meets_its_optimality_conditions_in_batches(rng):
    for c in (1, 2, 7, 40):
        z = rng.normal(size=(25, c)) * rng.choice([0.01, 1.0, 100.0], size=(25, 1))
        p = sparsemax(z, temperature=0.5, mass=3.0)
        slack = 8 * (c + 2) * U * 3.0
        assert p.shape == z.shape and (p >= 0).all() and np.abs(p.sum(axis=1) - 3.0).max() <= slack
        for row, share in zip(z / 0.5, p, strict=True):
            thresholds = (row - share)[share > 0]
            assert np.ptp(thresholds) <= slack + 4 * U * np.abs(row).max()
            assert (row[share == 0] <= thresholds.min() + slack + 4 * U * np.abs(row).max()).all()


@pytest.mark.parametrize("temperature", [1e-300, 0.3, 1.0, 7.0, 1e300])
@pytest.mark.parametrize("mass", [1e-300, 0.25, 1.0, 1e10])
def test_sparsemax_agrees_with_rational_arithmetic(temperature, mass, rng):
    for _ in range(10):
        z = rng.normal(size=6) * temperature * min(mass, 1.0)
        assert_nearest(sparsemax(z, temperature=temperature, mass=mass), z, temperature, mass)
        ties = rng.integers(-1, 2, size=6) * 0.25
        assert_nearest(sparsemax(ties, temperature=temperature, mass=mass), ties, temperature, mass)


@pytest.mark.parametrize(("z", "mass"), [
    ([1e308, -1e308, 1e308], 1.0), ([1.7e308, -1.7e308], 1e-300), ([1e308, np.nextafter(1e308, 0), -1e308], 1.0),
    ([1e16, 1e16 + 2, 1e16 - 2], 3.0), ([5e-324, 0.0, -5e-324], 1.0), ([1e-308, -1e-308], 1e-308), ([0.0] * 5, 1e308),
    ([3.0, 3.0, 3.0, 2.0], 1.0), ([3.0, 2.0], 1.0), ([-7.5], 2.0), ([1e300, 1e300, 0.0], 1e-300),
])
def test_sparsemax_of_ties_and_huge_spreads_agrees_with_rational_arithmetic(z, mass):
    assert_nearest(sparsemax(z, mass=mass), z, 1.0, mass)


@pytest.mark.parametrize(("z", "mass"), [
    ([1e308, -1e308], 1e308), ([0.0, -1e308, -1.7e308], 1e308), ([0.0, -1e308, -1.7e308], 8e307),
    ([0.0, 0.0, -1.7e308], 1.7e308), ([0.0, -6e307, -7e307, -7e307], 8e307),
])
def test_sparsemax_of_a_huge_mass_agrees_with_rational_arithmetic(z, mass):
    assert_nearest(sparsemax(z, mass=mass), z, 1.0, mass)


def test_sparsemax_keeps_a_point_of_the_simplex_and_moves_no_farther_than_its_scores(rng):
    point = np.array([0.5, 0.25, 0.25, 0.0])
    assert sparsemax(point).tolist() == point.tolist()
    for _ in range(50):
        a, b = rng.normal(size=(2, 6))
        moved = np.linalg.norm(sparsemax(a, temperature=0.5) - sparsemax(b, temperature=0.5))
        assert moved <= 2 * np.linalg.norm(a - b) * (1 + 1e-14)


# Softmax


@pytest.mark.parametrize("temperature", [0.1, 1.0, 30.0])
def test_softmax_is_right_relative_to_each_entry(temperature, rng):
    z = rng.normal(size=(8, 6)) * 20
    p = softmax(z, temperature=temperature, mass=2.5)
    with mp.workdps(40):
        for row, shares in zip(z, p, strict=True):
            powers = [mp.exp(mp.mpf(v) / mp.mpf(temperature)) for v in row]
            for v, share, power in zip(row, shares, powers, strict=True):
                expected = mp.mpf("2.5") * power / sum(powers)
                # The exponent is rounded twice, in units of itself; the rest takes a few units, and c for the sum.
                allowed = 2 * abs(v - row.max()) / temperature + 12
                assert expected < 1e-307 or abs(mp.mpf(share) - expected) <= allowed * U * expected


def test_softmax_agrees_with_scipy(rng):
    z = rng.normal(size=(20, 10)) * 5
    # Both round exponents up to 50.
    assert softmax(z) == pytest.approx(scipy.special.softmax(z, axis=1), rel=128 * U, abs=0)
    assert softmax(z[0]) == pytest.approx(scipy.special.softmax(z[0]), rel=128 * U, abs=0)
    assert softmax(z, temperature=0.25) == pytest.approx(scipy.special.softmax(4 * z, axis=1), rel=512 * U, abs=0)


@pytest.mark.parametrize(("z", "options", "expected"), [
    ([1e308, -1e308], {}, [1.0, 0.0]),
    ([-1e308, 1e308, 1e308], {"mass": 3.0}, [0.0, 1.5, 1.5]),
    ([1e308, -1e308], {"temperature": 1e-308}, [1.0, 0.0]),
    ([1e308, -1e308], {"temperature": 1.7e308}, [1 / (1 + np.exp(-2 / 1.7)), 1 / (1 + np.exp(2 / 1.7))]),
    ([3.0, 3.0], {"temperature": 5e-324, "mass": 1e308}, [5e307, 5e307]),
    ([1e-300, -1e-300], {"temperature": 1e300}, [0.5, 0.5]),
    ([-5.0], {"mass": 7.0}, [7.0]),
])
def test_softmax_at_the_ends_of_the_range_of_floats(z, options, expected):
    assert softmax(z, **options) == pytest.approx(expected, rel=16 * U, abs=0)


# All maps


def test_hardmax_shares_the_mass_among_the_largest():
    assert hardmax([[1, 3, 2], [4, 0, 4], [-1, -1, -1]], mass=3.0).tolist() == [[0, 3, 0], [1.5, 0, 1.5], [1, 1, 1]]
    assert hardmax([1e308, -1e308, 1e308]).tolist() == [0.5, 0.0, 0.5]
    assert hardmax([1.0, 1.0 + 2 * U]).tolist() == [0.0, 1.0]
    assert hardmax([1e-320]).tolist() == [1.0]


@pytest.mark.parametrize("z", [[0.0, 5e-324], [1.5e-323, 2e-323], [2.0**-1022, 2.0**-1022 * (1 + 2 * U)]])
def test_hardmax_tells_the_least_floats_apart(z):
    assert hardmax(z).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("z", [[1.0, 3.0, 2.9, -4.0], [2.0, 2.0, 1.5, 2.0], [0.25]])
def test_towards_temperature_0_the_maps_become_hardmax(z):
    for temperature in (1e-3, 1e-300, 5e-324):
        p = softmax(z, temperature=temperature, mass=2.0)
        # The gap between the two largest scores is at least 0.1.
        assert p == pytest.approx(hardmax(z, mass=2.0), rel=4 * U, abs=2 * np.exp(-0.1 / temperature))
        p = sparsemax(z, temperature=temperature, mass=2.0)
        assert p == pytest.approx(hardmax(z, mass=2.0), rel=4 * U, abs=0)


@pytest.mark.parametrize("convert", [softmax, sparsemax])
def test_towards_temperature_infinity_the_maps_become_uniform(convert):
    assert convert([1.0, -3.0, 2.0, 0.0], temperature=1e300, mass=2.0).tolist() == [0.5] * 4


@pytest.mark.parametrize("convert", MAPS)
def test_a_batch_is_its_samples_one_by_one(convert, rng):
    z = np.vstack([rng.normal(size=(6, 5)), np.zeros((1, 5)), [[1e308, -1e308, 0, 1, 1e308]]])
    batch = convert(z, mass=2.0)
    assert batch.shape == z.shape
    assert batch.tolist() == [convert(row, mass=2.0).tolist() for row in z]


@pytest.mark.parametrize("convert", MAPS)
def test_shifts_permutations_and_powers_of_two_pass_through(convert, rng):
    z = np.array([0.5, -1.25, 0.75, 0.75, -3.0])
    p, order = convert(z), rng.permutation(5)
    assert convert(z + 1024.0).tolist() == p.tolist()
    assert convert(z[order]) == pytest.approx(p[order], rel=8 * U, abs=0)
    if convert is not hardmax:
        assert convert(4 * z, temperature=4.0).tolist() == p.tolist()
    if convert is not sparsemax:
        assert convert(z, mass=8.0).tolist() == (8 * p).tolist()
    assert convert(z, mass=0.125).sum() == pytest.approx(0.125, rel=16 * U, abs=0)


@pytest.mark.parametrize("convert", MAPS)
def test_no_map_writes_into_its_input_or_returns_it(convert, frozen):
    for z in (frozen([1.0, 0.0, 0.0]), frozen([[1.0, 0.0], [0.0, 1.0]])):
        p = convert(z)
        assert p.dtype == np.float64 and not np.shares_memory(p, z)


@pytest.mark.parametrize("convert", MAPS)
def test_integers_and_single_precision_are_taken_as_they_are(convert):
    assert convert([1, 0, 3]).tolist() == convert([1.0, 0.0, 3.0]).tolist()
    single = np.array([0.1, 0.2], dtype=np.float32)
    assert convert(single).tolist() == convert(single.astype(float)).tolist()
