"""Scores under noise, and a half-space: what is certified of it lies within its true radius but for the risk."""

import numpy as np
import pytest
from scipy import stats

from refimpl.certificates import certify_mono, certify_multi, certify_partitioned, lvm_rs, noisy_scores


@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize("sigma", [0.0, 0.25])
def test_the_noise_is_the_same_for_every_batch_size_and_that_of_the_generator(d, sigma, frozen):
    x, n = frozen(np.linspace(-1, 2, d)), 10
    expected = x + sigma * np.random.default_rng(5).standard_normal((n, d))
    for batch in (1, 3, 5, 9, 10, 11, 1000):
        for rng in (5, np.random.default_rng(5)):
            assert np.array_equal(noisy_scores(lambda b: b, x, sigma, n, rng=rng, batch=batch), expected)
    generator = np.random.default_rng(5)
    two = [noisy_scores(lambda b: b, x, sigma, 5, rng=generator) for _ in range(2)]
    assert np.array_equal(np.concatenate(two), expected)
    assert (two[0] == two[1]).all() == (sigma == 0)


def test_progress_and_the_classifier_see_the_samples_batch_by_batch():
    done, sizes = [], []

    def f(batch):
        sizes.append(batch.shape)
        return batch @ np.ones((2, 3))

    scores = noisy_scores(f, [1, 2], 0.5, 23, rng=0, batch=5, progress=done.append)
    assert done == [5, 10, 15, 20, 23] and sizes == [(5, 2)] * 4 + [(3, 2)]
    assert scores.shape == (23, 3) and scores.dtype == np.float64
    assert noisy_scores(lambda b: b.tolist(), [1, 2], 0.5, 4, rng=0, batch=3).shape == (4, 2)
    assert noisy_scores(lambda b: b[:, :1].astype(int), [7], 0.0, 4, rng=0).tolist() == [[7.0]] * 4


def test_the_input_stays_as_it_is_though_the_classifier_writes_into_its_batch():
    x = np.array([1.0, -2.0])

    def f(batch):
        batch += 100
        return batch * 1.0

    for sigma in (0.0, 1.0):
        noisy_scores(f, x, sigma, 7, rng=0, batch=2)
        assert x.tolist() == [1.0, -2.0]


def test_a_classifier_may_answer_in_one_buffer():
    buffer = np.empty((3, 2))

    def f(batch):
        buffer[:] = batch
        return buffer

    expected = noisy_scores(lambda b: b, [1.0, 2.0], 0.5, 9, rng=0)
    assert np.array_equal(noisy_scores(f, [1.0, 2.0], 0.5, 9, rng=0, batch=3), expected)


# A half-space: class 0 where w x + b > 0, of probability Phi(distance / sigma), and no label beyond the distance


W, B, SIGMA = np.array([3.0, -4.0]), 0.5, 0.5


def half_space(batch):
    margin = batch @ W + B
    return np.stack([margin, -margin], axis=1)


def point(distance):
    """A point as far from the boundary."""
    return (distance - B / 5) * W / 5


def counts(scores, runs):
    """Votes, one row a run."""
    first = (scores[:, 0] > scores[:, 1]).reshape(runs, -1).sum(axis=1)
    return np.stack([first, scores.shape[0] // runs - first], axis=1)


PROCEDURES = {
    "mono": certify_mono,
    "partitioned": certify_partitioned,
    "multi": lambda first, second, sigma, alpha: certify_multi(second, sigma, alpha),
}


@pytest.mark.parametrize("distance", [0.02, 0.4, 0.9])
def test_no_more_than_the_distance_of_a_half_space_is_certified_but_for_the_risk(distance):
    runs, n, alpha = 2000, 100, 0.1
    rng = np.random.default_rng(7)
    first = counts(noisy_scores(half_space, point(distance), SIGMA, runs * 20, rng=rng, batch=10**5), runs)
    second = counts(noisy_scores(half_space, point(distance), SIGMA, runs * n, rng=rng, batch=10**5), runs)
    share = stats.norm.cdf(distance / SIGMA)
    assert abs(second[:, 0].sum() - share * runs * n) <= 6 * np.sqrt(share * (1 - share) * runs * n)
    # No correct procedure is above this with a probability of more than 1e-9.
    most = stats.binom.isf(1e-9, runs, alpha)
    for procedure in PROCEDURES.values():
        certificate = procedure(first, second, SIGMA, alpha)
        over = (certificate.radius > distance) | (certificate.label == 1)
        assert over.sum() <= most
        assert (certificate.label == 0).mean() > 0.9 or distance < 0.1
    plain = SIGMA * stats.norm.ppf(second[:, 0] / n)
    assert (plain > distance).sum() > most


def test_scores_of_a_half_space_are_certified_within_its_distance_but_for_the_risk():
    runs, n, alpha, distance = 300, 250, 0.1, 0.5
    rng = np.random.default_rng(8)
    scores = noisy_scores(half_space, point(distance), SIGMA, 2 * runs * n, rng=rng, batch=10**5).reshape(runs, 2, n, 2)
    found = [lvm_rs(a, b, SIGMA, alpha, temperatures=(0.2, 1.0)) for a, b in scores]
    assert sum(c.radius > distance or c.label == 1 for c in found) <= stats.binom.isf(1e-9, runs, alpha)
    assert np.mean([c.label == 0 for c in found]) > 0.99


def test_radii_come_near_the_distance_of_a_half_space_with_many_samples():
    n, alpha, distance = 400_000, 0.001, 0.5
    scores = noisy_scores(half_space, point(distance), SIGMA, n + 1000, rng=9, batch=10**5)
    first, second = counts(scores[:1000], 1)[0], counts(scores[1000:], 1)[0]
    share = stats.norm.cdf(distance / SIGMA)
    # A sample as low as once in 1e9 times, and the widest of the intervals; the density turns them into a radius.
    spread = np.sqrt(share * (1 - share) / n)
    width = (stats.norm.isf(1e-9) + stats.norm.isf(alpha / 4)) * spread * 1.01
    for procedure in PROCEDURES.values():
        certificate = procedure(first, second, SIGMA, alpha)
        assert certificate.label == 0
        assert distance - SIGMA * width / stats.norm.pdf(1.1) <= certificate.radius <= distance
    scored = lvm_rs(scores[:1000], scores[1000:], SIGMA, alpha, maps=["hardmax"])
    log = np.log(4 / alpha)
    width = stats.norm.isf(1e-9) * spread + (np.sqrt(2 * log) * spread + 7 * log / (3 * n)) * 1.01
    assert scored.label == 0 and distance - SIGMA * width / stats.norm.pdf(1.1) <= scored.radius <= distance
