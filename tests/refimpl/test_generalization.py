"""Bounds on the expected loss: closed forms, mpmath, invariances; partitions and what is seen in their cells."""

import math

import numpy as np
import pytest
from mpmath import mp

from refimpl.generalization import (
    cell_statistics,
    iteration_complexity,
    local_lipschitz_bound,
    optimal_transport_bound,
    partition_by_nearest,
    sampling_remainder,
    spherical_sharpness_bound,
)

CLOSE = 1e-13
COUNTS = [600, 300, 0, 100]


def exactly(form, counts, delta, C):
    with mp.workdps(40):
        T, N, m = sum(1 for c in counts if c), len(counts), mp.mpf(sum(counts))
        log = mp.log(N) - mp.log(mp.mpf(delta))
        if form == "chernoff":
            return C * mp.sqrt(2 * T * log / m)
        if form == "differences":
            return C * (mp.sqrt(N / m) / 2 + mp.sqrt(-mp.log(mp.mpf(delta)) / (2 * m)))
        u = T * (log + mp.log(2)) / m
        return C * ((mp.sqrt(2) + 1) * mp.sqrt(u) + 2 * u)


@pytest.mark.parametrize("form", ["printed", "chernoff", "differences"])
@pytest.mark.parametrize("delta", [0.5, 0.05, 1e-12, 1e-300])
@pytest.mark.parametrize("counts", [COUNTS, [1], [5, 0, 0], [2**52, 1], [1] * 200])
def test_remainder_is_that_of_high_precision(form, delta, counts):
    expected = exactly(form, counts, delta, 3.0)
    assert sampling_remainder(counts, delta, 3.0, form=form) == pytest.approx(float(expected), rel=CLOSE)


def test_a_smaller_risk_and_more_cells_cost_more_and_samples_cost_less():
    for form in ("printed", "chernoff", "differences"):
        base = sampling_remainder(COUNTS, 0.1, 1.0, form=form)
        assert sampling_remainder(COUNTS, 0.01, 1.0, form=form) > base
        assert sampling_remainder([*COUNTS, 0, 0], 0.1, 1.0, form=form) > base
        assert sampling_remainder([10 * c for c in COUNTS], 0.1, 1.0, form=form) < base
        assert sampling_remainder(COUNTS, 0.1, 7.0, form=form) == pytest.approx(7 * base, rel=CLOSE)
        assert sampling_remainder(COUNTS, 0.1, 0.0, form=form) == 0


def test_the_order_of_cells_is_no_matter():
    back = local_lipschitz_bound(0.1, COUNTS[::-1], [4, 3, 2, 1], [1, 2, 3, 4], 0.1, 1.0)
    assert local_lipschitz_bound(0.1, COUNTS, [1, 2, 3, 4], [4, 3, 2, 1], 0.1, 1.0) == pytest.approx(back, rel=CLOSE)


def test_cells_without_samples_enter_by_their_number_only():
    near, far = ([0.1, 0.2, v, 0.3] for v in (0.0, 1e9))
    assert local_lipschitz_bound(0, COUNTS, near, far, 0.1, 1) == local_lipschitz_bound(0, COUNTS, far, near, 0.1, 1)
    optimal = [optimal_transport_bound(0, COUNTS, near, L, 0.1, constant=0) for L in (near, far)]
    assert optimal[0] == optimal[1]


def test_transport_by_hand():
    # Two cells, three samples of four in the first: (3 * 2 * 1 + 1 * 1 * 3)/4, the largest product 3, N/m = 1/2.
    found = optimal_transport_bound(0.5, [3, 1], [2.0, 1.0], [0.5, 3.0], 0.25, constant=0.125)
    expected = 0.5 + 9 / 4 + 3 * math.sqrt(math.log(16) / 4) + math.sqrt(0.5) + 0.125
    assert found == pytest.approx(expected, rel=CLOSE)


def test_one_number_stands_for_all_cells():
    one = local_lipschitz_bound(0, COUNTS, 0.5, 2, 0.1, 1)
    assert one == local_lipschitz_bound(0, COUNTS, [0.5] * 4, [2] * 4, 0.1, 1)


def test_sharpness_by_hand():
    found = spherical_sharpness_bound(0.25, 3.0, 0.5, 100, log_constant=2.0, constant=0.125)
    assert found == pytest.approx(0.25 + 0.375 + 2 * math.log(100) / 5 + 0.125, rel=CLOSE)
    assert spherical_sharpness_bound(0.25, 3.0, 0.5, 1, log_constant=2.0, constant=0.0) == 0.625


def test_iterations_by_hand():
    assert iteration_complexity([2, 3, 5, 7], 0.5, 1) == 210
    assert iteration_complexity([2, 3, 5, 7], 0.5, 3, power=2) == 28
    assert iteration_complexity([2, 3, 5, 7], 0.5, 2, power=2, deviation=2.0) == 35 / 8 * 4
    assert iteration_complexity([1.0, 1e200, 1e200], 1.0, 1, deviation=1e150) == pytest.approx(1e-50, rel=CLOSE)
    assert iteration_complexity([2, 3], 1.0, 1, deviation=1.0) == iteration_complexity([2, 3], 1.0, 1)


def test_nearest_centres_and_ties():
    points = np.array([[0.0, 0.0], [3.0, 0.0], [2.0, 0.0], [1e-300, 0.0]])
    assert partition_by_nearest(points, [[0.0, 0.0], [4.0, 0.0]]).tolist() == [0, 1, 0, 0]
    assert partition_by_nearest(points * 2.5e307, [[0.0, 0.0], [1e308, 0.0]]).tolist() == [0, 1, 0, 0]
    assert partition_by_nearest([[0.0]], [[0.0], [0.0]]).tolist() == [0]


@pytest.mark.parametrize("scale", [1.0, 1e-150, 1e150])
def test_statistics_are_sums_over_pairs(scale):
    rng = np.random.default_rng(3)
    points, losses, p = rng.normal(size=(12, 3)), rng.random(12), rng.random(12)
    cells, counts = np.arange(12) % 3, rng.integers(0, 4, 12)
    found = cell_statistics(scale * points, losses, cells, p, counts, 4)
    for i in range(3):
        inside = np.flatnonzero(cells == i)
        far = np.array([[np.linalg.norm(points[s] - points[x]) for x in inside] for s in inside])
        mean = sum(counts[s] * p[x] * far[a, b] for a, s in enumerate(inside) for b, x in enumerate(inside))
        assert found.counts[i] == counts[inside].sum()
        assert found.distances[i] == pytest.approx(scale * mean / counts[inside].sum() / p[inside].sum(), rel=1e-12)
        rises = np.abs(losses[inside][:, None] - losses[inside])
        slopes = rises[~np.eye(len(inside), dtype=bool)] / far[~np.eye(len(inside), dtype=bool)]
        assert found.lipschitz[i] == pytest.approx(slopes.max() / scale, rel=1e-12)
    assert [part[3] for part in found] == [0, 0, 0]


def test_a_function_that_is_linear_on_a_line_has_its_slope():
    points = np.linspace(-1, 1, 9)[:, None]
    found = cell_statistics(points, 3 * points[:, 0] + 4, [0] * 9, [1] * 9, [1] * 9, 1)
    assert found.lipschitz[0] == pytest.approx(3, rel=1e-14)


def test_arguments_are_left_as_they_are(frozen):
    counts, far, L = (frozen([3.0, 1.0]) for _ in range(3))
    local_lipschitz_bound(0, counts, far, L, 0.5, 1)
    optimal_transport_bound(0, counts, far, L, 0.5, constant=0)
    iteration_complexity(counts, 0.5, 1)
    points = frozen([[1.0], [2.0]])
    cell_statistics(points, counts, frozen([0.0, 0.0]), far, L, 1)
    partition_by_nearest(points, points)


def rising(gap, L):
    """The integral of min(1, L t) from 0 to the gap."""
    return np.where(gap < 1 / L, L * gap**2 / 2, gap - 0.5 / L)


@pytest.mark.parametrize("form", ["printed", "chernoff", "differences"])
@pytest.mark.parametrize(("m", "N", "L"), [(50, 2, 20.0), (500, 5, 100.0), (2000, 10, 1e6), (200, 40, 1.0)])
def test_bounds_hold_by_simulation_for_losses_learned_by_heart(form, m, N, L):
    """Uniform numbers in N intervals, the loss min(1, L times the distance to the nearest sample), all exact."""
    rng, delta, missed = np.random.default_rng(0), 0.1, 0
    for _ in range(200):
        x = np.sort(rng.random(m))
        expected = rising(np.array([x[0], 1 - x[-1]]), L).sum() + 2 * rising(np.diff(x) / 2, L).sum()
        places = np.minimum((x * N).astype(int), N - 1)
        counts = np.bincount(places, minlength=N)
        ends = x * N - places
        far = np.bincount(places, (ends**2 + (1 - ends) ** 2) / (2 * N), minlength=N) / np.maximum(counts, 1)
        missed += expected > local_lipschitz_bound(0, counts, far, L, delta, 1, form=form)
    assert missed <= 200 * delta
