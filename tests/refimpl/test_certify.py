"""Procedures that certify: recomputed from their formulas, and their risk summed exactly over all counts."""

import itertools
import math
import time
from fractions import Fraction

import numpy as np
import pytest
from mpmath import mp
from scipy import stats
from scipy.optimize import brentq
from scipy.special import softmax

from refimpl.certificates import certify_mono, certify_multi, certify_partitioned, lvm_rs
from refimpl.confidence import partition_classes

# The formulas, from SciPy's distributions alone


def lower_end(k, n, alpha):
    return stats.beta.ppf(alpha, k, n - k + 1) if k else 0.0


def upper_end(k, n, alpha):
    return stats.beta.isf(alpha, k + 1, n - k) if k < n else 1.0


def mono_by_hand(first, second, sigma, alpha):
    label = max(range(len(first)), key=lambda i: (first[i], -i))
    low = lower_end(second[label], sum(second), alpha)
    return label, sigma * max(stats.norm.ppf(low), 0.0), low, 1 - low


def multi_by_hand(counts, sigma, alpha):
    label, n, each = max(range(len(counts)), key=lambda i: (counts[i], -i)), sum(counts), alpha / len(counts) / 2
    low = lower_end(counts[label], n, each)
    high = max(upper_end(k, n, each) for i, k in enumerate(counts) if i != label)
    return label, sigma / 2 * max(stats.norm.ppf(low) - stats.norm.ppf(high), 0.0), low, high


def partitioned_by_hand(first, second, sigma, alpha):
    order = sorted(range(len(first)), key=lambda i: (-first[i], i))
    singles = 1
    while sum(first[i] for i in order[1 + singles:]) > first[order[1]]:
        singles += 1
    buckets = [second[i] for i in order[1:1 + singles]]
    if order[1 + singles:]:
        buckets.append(sum(second[i] for i in order[1 + singles:]))
    each, n = alpha / (len(buckets) + 1), sum(second)
    low, high = lower_end(second[order[0]], n, each), max(upper_end(k, n, each) for k in buckets)
    return order[0], sigma / 2 * max(stats.norm.ppf(low) - stats.norm.ppf(high), 0.0), low, high


def agrees(certificate, by_hand, n, sigma, alpha):
    """Ends to what the library's quantile is taken to, the radius to what that makes of it."""
    label, radius, low, high = by_hand
    room = 2e-13 * (n + 10)
    assert certificate.lower == pytest.approx(low, rel=room) and certificate.upper == pytest.approx(high, rel=room)
    steepest = max((1 / stats.norm.pdf(stats.norm.ppf(v)) for v in (low, high) if 0 < v < 1), default=0.0)
    assert certificate.radius == pytest.approx(radius, rel=1e-12, abs=sigma * room * steepest)
    assert certificate.label == (label if radius > 0 else -1)
    assert certificate.risk == alpha and certificate.radius >= 0
    assert (certificate.radius == 0) == (certificate.label == -1)


def samples(rng, classes, n, inputs):
    """Counts of two independent samples for each input, some of one clear class and some of none."""
    p = rng.dirichlet(np.full(classes, 0.3), size=inputs)
    return rng.multinomial(max(n // 3, 1), p), rng.multinomial(n, p)


@pytest.mark.parametrize(("classes", "n"), [(2, 1), (2, 40), (3, 12), (4, 200), (10, 1000), (30, 5000)])
def test_certificates_are_their_formulas_and_a_batch_is_its_inputs_one_by_one(classes, n, rng, frozen):
    first, second = map(frozen, samples(rng, classes, n, 40))
    certified = 0
    for sigma, alpha in ((0.25, 0.001), (1.0, 0.2)):
        cases = [
            (certify_mono, mono_by_hand, (first, second)), (certify_partitioned, partitioned_by_hand, (first, second)),
            (certify_multi, multi_by_hand, (second,)),
        ]
        for procedure, by_hand, counts in cases:
            batch = procedure(*counts, sigma, alpha)
            assert batch.label.shape == batch.radius.shape == batch.lower.shape == batch.upper.shape == (40,)
            for i, rows in enumerate(zip(*counts, strict=True)):
                single = procedure(*rows, sigma, alpha)
                assert single == (*(part[i] for part in batch[:4]), alpha)
                assert [type(part) for part in single[:4]] == [int, float, float, float]
                agrees(single, by_hand(*(row.tolist() for row in rows), sigma, alpha), n, sigma, alpha)
                certified += single.label >= 0
    assert certified > 10 or n == 1


def test_without_enough_evidence_the_procedures_abstain():
    for counts in ([50, 50], [51, 49], [40, 30, 30], [0, 0, 1]):
        for certificate in (
            certify_mono([3, 1, 1][:len(counts)], counts, 1.0, 0.001), certify_multi(counts, 1.0, 0.001),
            certify_partitioned([3, 1, 1][:len(counts)], counts, 1.0, 0.001),
        ):
            assert (certificate.label, certificate.radius) == (-1, 0.0)
    # The class that the selection names is certified or none is, however clear the estimation is for another one.
    for procedure in (certify_mono, certify_partitioned):
        assert procedure([3, 1], [0, 10**6], 1.0, 0.001)[:2] == (-1, 0.0)


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_ties_go_to_the_first_class_and_are_never_certified_by_one_sample(classes):
    tie = [500, 500] + [0] * (classes - 2)
    clear = [1000] + [0] * (classes - 1)
    assert certify_mono(tie, clear, 1.0, 0.01).label == certify_partitioned(tie, clear, 1.0, 0.01).label == 0
    assert certify_mono(tie, clear[::-1], 1.0, 0.01).label == -1
    for counts in (tie, tie[::-1]):
        assert certify_multi(counts, 1.0, 0.999).label == -1


def test_unanimous_counts_have_the_closed_form_of_the_root_of_the_risk():
    n, alpha, sigma = 5000, 0.01, 0.5
    first, second = [0, 7, 0, 0], [0, n, 0, 0]
    # Without other counts than the leading ones the rest is one bucket beside the runner-up: three bounds.
    for certificate, risk in (
        (certify_mono(first, second, sigma, alpha), alpha), (certify_multi(second, sigma, alpha), alpha / 8),
        (certify_partitioned(first, second, sigma, alpha), alpha / 3),
    ):
        p = math.exp(math.log(risk) / n)
        assert certificate.label == 1 and certificate.lower == pytest.approx(p, rel=1e-12)
        assert certificate.upper == pytest.approx(-math.expm1(math.log(risk) / n), rel=1e-9)
        assert certificate.radius == pytest.approx(sigma * stats.norm.isf(-math.expm1(math.log(risk) / n)), rel=1e-9)


def test_a_partition_is_all_classes_with_the_buckets_merged_at_twice_the_risk(rng):
    # Two-sided intervals of m classes spend alpha / 2m on each end, the partition's one-sided ones alpha / m.
    compared = fewer = 0
    for classes in (2, 3, 8, 40):
        for first, second in zip(*samples(rng, classes, 2000, 30), strict=True):
            top, buckets = partition_classes(first)
            merged = [second[top]] + [second[list(bucket)].sum() for bucket in buckets]
            if merged[0] < max(merged[1:]):
                continue
            one, other = certify_partitioned(first, second, 0.5, 0.01), certify_multi(merged, 0.5, 0.02)
            assert one[1:4] == other[1:4] and one.label == (top if other.label == 0 else -1)
            compared, fewer = compared + 1, fewer + (len(merged) < classes)
    assert compared > 40 and fewer > 20


# The risk, summed over all counts


def outcomes(p, n):
    """All counts of n trials and their probabilities as fractions."""
    total = sum(p)
    for k in itertools.product(range(n + 1), repeat=len(p)):
        if sum(k) == n:
            ways = math.factorial(n) // math.prod(map(math.factorial, k))
            yield k, ways * math.prod((Fraction(w, total) ** i for w, i in zip(p, k, strict=True)), start=Fraction(1))


def wrong(certificate, p, kind):
    """Whether more is certified than the probabilities allow, for sigma = 1."""
    if certificate.label == -1:
        return False
    shares = np.array(p) / sum(p)
    own = stats.norm.ppf(shares[certificate.label])
    other = -own if kind is certify_mono else stats.norm.ppf(np.delete(shares, certificate.label).max())
    return certificate.radius > (own - other) / 2


def risk_of(kind, p, n, alpha, *, selected=3, same=False):
    if kind is certify_multi or same:
        calls = (((k,) if kind is certify_multi else (k, k), chance) for k, chance in outcomes(p, n))
    else:
        calls = (((a, b), s * t) for a, s in outcomes(p, selected) for b, t in outcomes(p, n))
    return sum((chance for counts, chance in calls if wrong(kind(*counts, 1.0, alpha), p, kind)), start=Fraction(0))


@pytest.mark.parametrize("kind", [certify_mono, certify_multi, certify_partitioned])
@pytest.mark.parametrize(("p", "n"), [((1, 1), 9), ((2, 1), 12), ((1, 1, 1), 5), ((5, 3, 2), 6), ((8, 1, 1), 7)])
def test_more_than_the_truth_is_certified_no_more_often_than_the_risk(kind, p, n):
    assert all(risk_of(kind, p, n, alpha) <= alpha for alpha in (0.07, 0.4))


def test_the_risk_of_the_procedures_is_spent_and_a_larger_one_exceeds_it():
    coin, spent = (1, 1), Fraction(9, 256)  # seven of eight or more on a given side
    just = float(spent) + 1e-9
    assert risk_of(certify_mono, coin, 8, just) == spent
    assert risk_of(certify_partitioned, coin, 8, 2 * just) == spent
    assert risk_of(certify_multi, coin, 8, 4 * just) == 2 * spent
    # The next count down has its place as soon as the risk allows it, and not before.
    assert risk_of(certify_mono, coin, 8, float(spent) - 1e-9) == Fraction(1, 256)


def test_one_sample_for_selection_and_estimation_exceeds_the_risk_for_a_fair_coin():
    for n in (4, 8, 11):
        alpha = stats.binom.sf(n - 2, n, 0.5) + 1e-9
        assert risk_of(certify_mono, (1, 1), n, alpha) <= alpha
        both = risk_of(certify_mono, (1, 1), n, alpha, same=True)
        assert both == Fraction(2 * (n + 1), 2**n) > alpha


def test_a_thousand_inputs_of_a_thousand_classes_are_certified_in_seconds(rng):
    p = rng.dirichlet(np.full(1000, 0.01), size=1000)
    first, second = rng.multinomial(10_000, p), rng.multinomial(10_000, p)
    start = time.perf_counter()
    done = [certify_mono(first, second, 0.5, 0.001), certify_multi(second, 0.5, 0.001),
            certify_partitioned(first, second, 0.5, 0.001)]
    assert time.perf_counter() - start < 20
    assert all(c.label.shape == (1000,) for c in done)
    assert (done[2].label >= 0).sum() > 300 and (done[1].label >= 0).sum() > 300


@pytest.mark.parametrize(("n", "alpha"), [(10, 1 - 2.0**-53), (2**53, 0.9), (10**9, 0.05)])
def test_a_radius_is_never_above_that_of_the_exact_lower_end(n, alpha):
    with mp.workdps(50):
        missing = -mp.expm1(mp.log(mp.mpf(alpha)) / n)
        radius = mp.mpf(certify_mono([0, 1], [0, n], 1.0, alpha).radius)
        assert mp.erfc(radius / mp.sqrt(2)) / 2 >= missing


# Scores


def sparse_by_hand(z):
    rho = brentq(lambda t: np.maximum(z - t, 0).sum() - 1, z.max() - 1.1, z.max(), xtol=1e-15)
    return np.maximum(z - rho, 0)


BY_HAND = {
    "softmax": lambda z, t: softmax(z / t, axis=1),
    "hardmax": lambda z, t: np.eye(z.shape[1])[z.argmax(axis=1)],
    "sparsemax": lambda z, t: np.array([sparse_by_hand(row / t) for row in z]),
}


def scored_by_hand(values, label, sigma, alpha):
    n, c = values.shape
    log = math.log(2 * c / alpha)
    means, half = values.mean(axis=0), np.sqrt(2 * values.var(axis=0, ddof=1) * log / n) + 7 * log / (3 * (n - 1))
    low, high = max(means[label] - half[label], 0.0), min(np.delete(means + half, label).max(), 1.0)
    return sigma / 2 * max(stats.norm.ppf(low) - stats.norm.ppf(high), 0.0) if low > high else 0.0, low, high


@pytest.mark.parametrize(("classes", "n", "gap"), [
    (2, 300, 0.3), (2, 2, 3.0), (3, 400, 1.0), (5, 1000, 2.0), (4, 200, 0.0),
])
def test_scores_are_certified_by_the_map_of_the_selection_with_the_bounds_of_the_estimation(
    classes, n, gap, rng, frozen
):
    maps, temperatures, sigma, alpha = ("sparsemax", "softmax", "hardmax"), (0.3, 1.0, 4.0), 0.5, 0.01
    for _ in range(5):
        centre = rng.normal(size=classes) / 2 + gap * np.eye(classes)[rng.integers(classes)]
        first, second = (frozen(centre + rng.normal(size=(m, classes)) / 2) for m in (max(n // 2, 2), n))
        found = lvm_rs(first, second, sigma, alpha, maps=maps, temperatures=temperatures)
        best = {}
        for name, t in [(m, t) for m in maps[:2] for t in temperatures] + [("hardmax", temperatures[0])]:
            values = BY_HAND[name](first, t)
            top = int(values.mean(axis=0).argmax())
            radius, low, high = scored_by_hand(values, top, sigma, alpha)
            best[name, t] = (radius or low - high, top)
        assert best[found.map, found.temperature][0] >= max(r for r, _ in best.values()) - 1e-9
        label = best[found.map, found.temperature][1]
        radius, low, high = scored_by_hand(BY_HAND[found.map](second, found.temperature), label, sigma, alpha)
        assert (found.lower, found.upper) == pytest.approx((low, high), abs=1e-12)
        assert found.radius == pytest.approx(radius, abs=1e-9) and found.risk == alpha
        assert found.label == (label if radius > 0 else -1)
        assert [type(part) for part in found] == [int, float, float, float, float, str, float]


def test_the_choice_depends_on_the_selection_only_and_the_bounds_on_the_estimation_only(rng):
    first, other, second, third = (np.array([1.5, 0, 0]) + rng.normal(size=(n, 3)) for n in (300, 500, 800, 800))
    options = {"maps": ("softmax", "sparsemax", "hardmax"), "temperatures": (0.1, 1.0, 3.0)}
    chosen = {lvm_rs(first, s, 0.5, 0.1, **options)[-2:] for s in (second, third, 1e3 * second, -second, second[:2])}
    assert len(chosen) == 1
    for name in options["maps"]:
        one, two = (lvm_rs(s, second, 0.5, 0.1, maps=[name]) for s in (first, other))
        assert one == two and one.label == 0 and one != lvm_rs(first, third, 0.5, 0.1, maps=[name])
    # A clear estimation of another class does not change the label: the procedure abstains.
    turned = lvm_rs(first, second[:, ::-1] * 10, 0.5, 0.1)
    assert (turned.label, turned.radius) == (-1, 0.0) and turned.lower < turned.upper
    assert lvm_rs(first, np.roll(first, 1, axis=0), 0.5, 0.1)[:5] == pytest.approx(lvm_rs(first, first, 0.5, 0.1)[:5])
