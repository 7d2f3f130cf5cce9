"""From a callable to a certificate: which noise it sees, when, and how often what is simulated comes about."""

import numpy as np
import pytest

from refimpl.certificates import (
    certify,
    certify_mono,
    certify_multi,
    certify_partitioned,
    lvm_rs,
    noisy_counts,
    noisy_scores,
)
from refimpl.confidence import Interval, clopper_pearson, exact_coverage, simulated_coverage

PROCEDURES = {"mono": certify_mono, "partitioned": certify_partitioned, "multi": certify_multi, "lvm_rs": lvm_rs}


def three(batch):
    """Three classes, of different slopes."""
    return np.stack([batch[:, 0], 0.5 - batch[:, 1], batch.sum(axis=1) / 3], axis=1)


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_the_certificate_is_that_of_the_two_streams(procedure):
    x, sigma, alpha = np.array([0.6, 0.1]), 0.3, 0.01
    n_0 = None if procedure == "multi" else 30
    found = certify(three, x, sigma, alpha, rng=11, procedure=procedure, selection=n_0, estimation=400, batch=64)
    first, second = np.random.default_rng(11).spawn(2)
    draw = noisy_scores if procedure == "lvm_rs" else noisy_counts
    samples = [draw(three, x, sigma, n, rng=stream) for n, stream in ((30, first), (400, second))]
    expected = PROCEDURES[procedure](*(samples[1:] if procedure == "multi" else samples), sigma, alpha)
    assert found == expected
    assert found.label == (-1 if procedure == "lvm_rs" else 0)  # the variance of the scores is large here


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_size_of_batches_and_progress_change_nothing(procedure):
    def run(batch, **how):
        return certify(three, [0.6, 0.1], 0.3, 0.01, rng=5, procedure=procedure, estimation=95, batch=batch, **how)

    done = []
    assert run(1) == run(40, progress=done.append) == run(1000)
    n_0 = 0 if procedure == "multi" else 100
    parts = ([40, 80, 100] if n_0 else []) + [n_0 + k for k in (40, 80, 95)]
    assert done == parts


def test_a_generator_moves_on_and_a_seed_does_not():
    generator = np.random.default_rng(3)
    one, two = (certify(three, [0.3, 0.3], 0.5, 0.5, rng=generator, estimation=50) for _ in range(2))
    assert one != two
    assert certify(three, [0.3, 0.3], 0.5, 0.5, rng=3, estimation=50) == one


def test_the_estimation_sample_does_not_depend_on_the_selection():
    """So that all procedures see the same one."""
    def seen(**how):
        points = []

        def f(batch):
            points.append(batch.copy())
            return three(batch)

        certify(f, [0.6, 0.1], 0.3, 0.01, rng=2, estimation=20, **how)
        return np.concatenate(points)[-20:]

    alone = seen()
    for how in ({"procedure": "mono"}, {"procedure": "mono", "selection": 7}, {"procedure": "lvm_rs"}):
        assert np.array_equal(seen(**how), alone)


def test_equal_scores_count_for_the_first_class():
    assert noisy_counts(lambda batch: np.zeros((len(batch), 4)), [0.0], 1.0, 9, rng=0).tolist() == [9, 0, 0, 0]


def test_counts_need_no_memory_for_scores():
    buffer = np.empty((10, 3))

    def f(batch):
        buffer[: len(batch)] = three(batch)
        return buffer[: len(batch)]

    assert noisy_counts(f, [0.6, 0.1], 0.5, 95, rng=0, batch=10).tolist() == noisy_counts(
        three, [0.6, 0.1], 0.5, 95, rng=0).tolist()


def test_what_always_or_never_holds_is_simulated_so():
    low, high = simulated_coverage(lambda counts: True, [1, 2, 3], 5, 100, 0.01, rng=0)
    assert high == 1 and low == clopper_pearson(100, 100, 0.01).lower
    never = simulated_coverage(lambda counts: False, [1, 2, 3], 5, 100, 0.01, rng=0)
    assert never == Interval(0.0, clopper_pearson(0, 100, 0.01).upper)


def test_simulated_counts_are_integers_with_their_sum():
    kept = []
    simulated_coverage(lambda counts: kept.append(counts) or True, [1, 0, 2.5], 7, 50, 0.1, rng=0)
    assert len(kept) == 50
    assert all(type(k) is int for counts in kept for k in counts)
    assert {sum(counts) for counts in kept} == {7} and {counts[1] for counts in kept} == {0}
    again = []
    simulated_coverage(lambda counts: again.append(counts) or True, [1, 0, 2.5], 7, 50, 0.1, rng=0)
    assert again == kept


def test_simulated_coverage_misses_with_its_risk_only():
    exact = exact_coverage(lambda counts: counts[0] >= 3, [1, 1], 5)
    assert exact.low == exact.high == 0.5
    missed = 0
    for seed in range(300):
        low, high = simulated_coverage(lambda counts: counts[0] >= 3, [1, 1], 5, 60, 0.2, rng=seed)
        missed += not low <= 0.5 <= high
    # Binomial of at most 0.2: above 110 of 300 with a probability below 1e-9; and a risk this large shows.
    assert 5 <= missed <= 110
