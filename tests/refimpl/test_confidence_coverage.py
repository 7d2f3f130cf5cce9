"""Exact coverage against enumeration, intervals against their promise, partitions of classes by brute force."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from refimpl.confidence import (
    clopper_pearson,
    empirical_bernstein,
    exact_coverage,
    hoeffding,
    partition_classes,
)

# Exact coverage


def by_sequences(event, p, n):
    """The probability, summed over all sequences of single trials in fractions."""
    weights = [Fraction(w) for w in p]
    total = Fraction(0)
    for draws in itertools.product(range(len(p)), repeat=n):
        if event(tuple(draws.count(i) for i in range(len(p)))):
            total += math.prod((weights[i] for i in draws), start=Fraction(1))
    return total / sum(weights) ** n


@pytest.mark.parametrize(("p", "n"), [
    ([1], 3), ([1, 1], 1), ([1, 1], 10), ([0.1, 0.9], 8), ([Fraction(1, 3), Fraction(1, 7)], 9), ([0, 1, 2], 6),
    ([0.1, 0.2, 0.3], 6), ([5e-324, 1.0], 3), ([1e300, 1, Fraction(1, 9)], 5), ([3, 1, 4, 1], 5),
    ([0.7, 0, 0.1, 0.2], 5),
])
def test_coverage_encloses_the_sum_over_all_sequences_within_one_float(p, n, rng):
    for share in (0.1, 0.5, 0.9):
        seen = {}

        def event(counts, seen=seen, share=share):
            assert type(counts) is tuple and len(counts) == len(p) and sum(counts) == n
            return seen.setdefault(counts, rng.random() < share)

        low, high = exact_coverage(event, p, n)
        assert len(seen) == math.comb(n + len(p) - 1, len(p) - 1)
        exact = by_sequences(event, p, n)
        assert Fraction(low) <= exact <= Fraction(high)
        assert (low == high) if Fraction(float(exact)) == exact else (math.nextafter(low, 2) == high)


@pytest.mark.parametrize("p", [Fraction(1, 3), Fraction(1, 2), 0.1, 1e-200])
def test_coverage_of_one_count_is_the_binomial_probability(p):
    n, share = 12, Fraction(p)
    each = [exact_coverage(lambda k, i=i: k[0] == i, [share, 1 - share], n) for i in range(n + 1)]
    for i, (low, high) in enumerate(each):
        exact = math.comb(n, i) * share**i * (1 - share) ** (n - i)
        assert Fraction(low) <= exact <= Fraction(high) <= Fraction(math.nextafter(low, 2))
    assert sum(Fraction(c.low) for c in each) <= 1 <= sum(Fraction(c.high) for c in each)


def test_the_coverage_of_everything_is_one_and_of_nothing_zero():
    for p, n in (([0.1, 0.2], 7), ([1e-300, 3, Fraction(1, 7)], 5), ([1, 2, 3, 4], 6), ([2**60 + 1, 1], 2)):
        assert exact_coverage(lambda k: True, p, n) == (1.0, 1.0)
        assert exact_coverage(lambda k: False, p, n) == (0.0, 0.0)
        least = exact_coverage(lambda k, n=n: k[0] == n, p, n)
        rest = exact_coverage(lambda k, n=n: k[0] < n, p, n)
        assert Fraction(least.low) + Fraction(rest.low) <= 1 <= Fraction(least.high) + Fraction(rest.high)


def test_floats_are_weights_to_the_last_bit():
    # 0.1 + 0.2 and 0.3 are other numbers: in exact arithmetic the first is a little larger.
    first = exact_coverage(lambda k: k[2] == 0, [0.1, 0.2, 0.3], 1)
    assert first == (0.5, math.nextafter(0.5, 1))
    assert exact_coverage(lambda k: k[2] == 0, [Fraction(1, 10), Fraction(1, 5), Fraction(3, 10)], 1) == (0.5, 0.5)
    assert exact_coverage(lambda k: k[0] == 1, [0.3, 0.3], 1) == (0.5, 0.5)


def test_a_hundred_classes_and_one_trial_have_a_coverage_and_more_are_refused():
    assert exact_coverage(lambda k: k[0] == 1, [1] * 100, 1).high == pytest.approx(1 / 100)
    with pytest.raises(ValueError, match="at most 100 classes"):
        exact_coverage(lambda k: k[0] == 1, [1] * 1500, 1)


# What the intervals promise


def ends(kind, n, alpha, side):
    """Both ends for every number of successes in n trials."""
    k = np.arange(n + 1)
    if kind == "clopper_pearson":
        low, high = clopper_pearson(k, n, alpha, side=side)
    elif kind == "hoeffding":
        low, high = hoeffding(k / n, n, alpha, side=side)
    else:
        low, high = empirical_bernstein(k / n, k * (n - k) / (n * (n - 1)), n, alpha, side=side)
    return low.tolist(), high.tolist()


def least_coverage(low, high, n):
    """Over a grid, and just outside of every end, where the coverage is least."""
    grid = {Fraction(i, 24) for i in range(25)}
    grid |= {Fraction(v * (1 - 1e-9)) for v in low} | {Fraction(v + 1e-9 * (1 - v)) for v in high}
    inside = [[a <= p <= b for a, b in zip(low, high, strict=True)] for p in grid]
    return min(
        exact_coverage(lambda k, covered=covered: covered[k[0]], [p, 1 - p], n).low
        for p, covered in zip(grid, inside, strict=True)
    )


@pytest.mark.parametrize("side", ["both", "lower", "upper"])
@pytest.mark.parametrize("n", [2, 5, 12, 60])
@pytest.mark.parametrize("alpha", [0.3, 0.05])
def test_every_interval_covers_with_its_probability_and_clopper_pearson_just_so(n, alpha, side):
    for kind in ("clopper_pearson", "hoeffding", "empirical_bernstein"):
        least = least_coverage(*ends(kind, n, alpha, side), n)
        assert least >= 1 - alpha
        if kind == "clopper_pearson" and side != "both":
            assert least <= 1 - alpha + 1e-6


@pytest.mark.parametrize("n", [5, 60])
def test_broken_intervals_do_not_cover(n):
    low, high = ends("clopper_pearson", n, 0.1, "lower")
    broken = {
        "more risk": ends("clopper_pearson", n, 0.11, "lower"),
        "one success too many": ([*low[1:], 1.0], high),
        "one trial too few": ([*ends("clopper_pearson", n - 1, 0.1, "lower")[0], 1.0], high),
        "of the plain frequency": ([k / n for k in range(n + 1)], high),
    }
    for name, interval in broken.items():
        assert least_coverage(*interval, n) < 0.9 - 1e-3, name
    assert least_coverage(low, high, n) >= 0.9


@pytest.mark.parametrize(("draw", "mean"), [
    (lambda rng, size: rng.random(size), 0.5),
    (lambda rng, size: rng.beta(2, 5, size), 2 / 7),
    (lambda rng, size: rng.beta(0.05, 0.2, size), 0.2),
    (lambda rng, size: 1 - rng.beta(0.5, 20, size), 20 / 20.5),
], ids=["uniform", "hump", "two ends", "near one"])
@pytest.mark.parametrize("n", [10, 200])
def test_continuous_scores_are_covered_and_not_where_a_root_is_forgotten(draw, mean, n, rng):
    runs, alpha = 10_000, 0.2
    samples = np.clip(draw(rng, (runs, n)), 0, 1)
    means, variances = samples.mean(axis=1), samples.var(axis=1, ddof=1)
    # No correct procedure is above this with a probability of more than 1e-9.
    most = stats.binom.isf(1e-9, runs, alpha)
    for low, high in (empirical_bernstein(means, variances, n, alpha), hoeffding(means, n, alpha)):
        assert ((low > mean) | (high < mean)).sum() <= most
    assert (empirical_bernstein(means, variances, n, alpha, side="lower").lower > mean).sum() <= most
    assert (empirical_bernstein(means, variances, n, alpha, side="upper").upper < mean).sum() <= most
    assert (np.abs(means - mean) > np.sqrt(2 * variances * math.log(4 / alpha)) / n).sum() > most


# Partitions of classes


def all_counts():
    for c in (2, 3, 4):
        yield from (k for k in itertools.product(range(7), repeat=c) if sum(k) <= 6)


def test_partitions_of_all_small_counts_are_what_the_method_says():
    for counts in all_counts():
        top, buckets = partition_classes(counts)
        order = sorted(range(len(counts)), key=lambda i: (-counts[i], i))
        assert top == order[0] and buckets[0] == (order[1],)
        assert sorted(i for bucket in buckets for i in bucket) == sorted(order[1:])
        singles = [i for bucket in buckets[:-1] for i in bucket]
        assert singles == order[1:1 + len(singles)] and all(len(bucket) == 1 for bucket in buckets[:-1])
        assert list(buckets[-1]) == sorted(buckets[-1])
        if len(buckets) > 1:
            assert sum(counts[i] for i in buckets[-1]) <= counts[order[1]]


def test_no_partition_of_that_form_has_fewer_buckets():
    fewer_bounds = 0
    for counts in all_counts():
        buckets = partition_classes(counts).buckets
        order = sorted(range(len(counts)), key=lambda i: (-counts[i], i))
        second = counts[order[1]]
        possible = [
            singles + (len(rest) > 0) for singles in range(1, len(order))
            for rest in [order[1 + singles:]] if sum(counts[i] for i in rest) <= second
        ]
        assert len(buckets) == min(possible)
        fewer_bounds += len(buckets) < len(counts) - 1
    assert fewer_bounds > 10


def test_among_equal_counts_the_class_with_the_smaller_index_comes_first():
    assert partition_classes([0, 0]) == (0, ((1,),))
    assert partition_classes([2, 2, 2, 2]) == (0, ((1,), (2,), (3,)))
    assert partition_classes([1, 3, 0, 3, 1, 1]) == (1, ((3,), (0, 2, 4, 5)))
    assert partition_classes(np.array([5.0, 1.0, 1.0, 1.0])) == (0, ((1,), (2,), (3,)))


def test_a_partition_is_of_plain_integers_and_leaves_the_counts_alone(frozen):
    partition = partition_classes(frozen([1, 60, 20, 15, 4, 3]))
    assert partition == (1, ((2,), (3,), (0, 4, 5)))
    assert all(type(i) is int for bucket in ((partition.top,), *partition.buckets) for i in bucket)
