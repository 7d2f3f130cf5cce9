"""The judge of bounds on the expected loss, judged: balls against mpmath, and against the floats of refimpl."""

import numpy as np
import pytest
from flint import arb, ctx
from mpmath import mp

from proofs_check.balls import generalization as balls
from refimpl import generalization as floats

COUNTS, FAR, STEEP = [3, 0, 4, 1], np.array([0.5, 9.0, 0.25, 2.0]), np.array([2.0, 9.0, 0.5, 0.125])
FORMS = ("printed", "chernoff", "differences")


@pytest.fixture(autouse=True)
def precision():
    with ctx.workprec(160), mp.workdps(60):
        yield


def holds(ball, expected):
    number = mp.mpf(expected)
    assert ball.overlaps(arb(mp.nstr(number, 50)) + arb(0, 1e-45)) and float(ball.rad()) < 1e-40 * float(abs(number))


def test_the_remainders_hold_the_numbers_of_their_formulas():
    log, m = mp.log(4 / mp.mpf(0.125)), mp.mpf(8)
    u = 3 * (log + mp.log(2)) / m
    differences = mp.sqrt(1 / mp.mpf(8)) + mp.sqrt(mp.log(8) / 16)
    expected = (2 * ((mp.sqrt(2) + 1) * mp.sqrt(u) + 2 * u), 2 * mp.sqrt(6 * log / m), 2 * differences)
    for form, number in zip(FORMS, expected, strict=True):
        holds(balls.sampling_remainder(COUNTS, 0.125, 2.0, form=form), number)


def test_the_compared_bounds_hold_the_numbers_of_their_formulas():
    transport = mp.mpf(3 * 0.5 * 2 + 4 * 0.25 * 1 + 1 * 2.0 * 1) / 8
    holds(balls.optimal_transport_bound(0.5, COUNTS, FAR, STEEP, 0.125, constant=1.0),
          1.5 + transport + mp.sqrt(mp.log(32) / 8) + mp.sqrt(mp.mpf(4) / 8))
    holds(balls.spherical_sharpness_bound(0.5, 3.0, 0.25, 10, log_constant=2.0, constant=1.0),
          1.5 + mp.mpf(3) / 32 + 8 * mp.log(10) / mp.sqrt(10))


@pytest.mark.parametrize("form", FORMS)
def test_floats_lie_near_the_balls(form):
    arguments = (0.25, COUNTS, FAR, STEEP, 0.1, 3.0)
    ball = balls.local_lipschitz_bound(*arguments, form=form)
    assert floats.local_lipschitz_bound(*arguments, form=form) == pytest.approx(float(ball), rel=1e-14)


def test_statistics_and_partitions_are_those_of_the_floats():
    rng = np.random.default_rng(4)
    points, losses, p = rng.normal(size=(9, 2)), rng.random(9), rng.random(9)
    cells, counts = np.array([0, 0, 0, 2, 2, 2, 2, 3, 3]), np.array([1, 0, 2, 0, 0, 0, 0, 3, 0])
    for ball, number in zip(balls.cell_statistics(points, losses, cells, p, counts, 4),
                            floats.cell_statistics(points, losses, cells, p, counts, 4), strict=True):
        np.testing.assert_allclose([float(b) for b in ball], number, rtol=1e-14)
    centres = rng.normal(size=(4, 2))
    nearest = floats.partition_by_nearest(points, centres)
    np.testing.assert_array_equal(balls.partition_by_nearest(points, centres), nearest)


def test_orders_are_exact():
    for arguments in (([2.0, 3.0, 5.0], 0.5, 1), ([2.0, 3.0, 5.0, 7.0], 0.25, 2)):
        for options in ({}, {"power": 2}, {"power": 2, "deviation": 4.0}):
            ball = balls.iteration_complexity(*arguments, **options)
            assert ball == floats.iteration_complexity(*arguments, **options)
