"""Confidence intervals, certificates, radii: sides, divisors, rows, constants."""

import math

import numpy as np
from scipy.stats import norm

from planted._registry import bug
from refimpl import certificates, confidence
from refimpl.certificates._smoothed import _crossing

A_CLASSIFIER = "takes a classifier and draws, which no file of vectors holds"


@bug("confidence.clopper_pearson", claim="lipref.clopper-pearson")
def sides_exchanged(counts, n, alpha, *, side="both"):
    return confidence.clopper_pearson(counts, n, alpha, side={"lower": "upper", "upper": "lower"}.get(side, side))


@bug("confidence.clopper_pearson", claim="lipref.clopper-pearson")
def half_of_alpha_at_one_side(counts, n, alpha, *, side="both"):
    return confidence.clopper_pearson(counts, n, alpha if side == "both" else alpha / 2, side=side)


@bug("confidence.clopper_pearson", claim="lipref.clopper-pearson")
def normal_for_the_binomial(counts, n, alpha, *, side="both"):
    p = np.asarray(counts) / n
    room = norm.isf(alpha / 2 if side == "both" else alpha) * np.sqrt(p * (1 - p) / n)
    low, high = np.clip(p - room, 0, 1), np.clip(p + room, 0, 1)
    return confidence.Interval(0 * low if side == "upper" else low, 0 * high + 1 if side == "lower" else high)


@bug("confidence.clopper_pearson", claim="lipref.clopper-pearson")
def successes_for_failures(counts, n, alpha, *, side="both"):
    return confidence.clopper_pearson(n - np.asarray(counts), n, alpha, side=side)


@bug("confidence.hoeffding", claim="lipref.hoeffding-ends")
def hoeffding_over_n_for_two_n(mean, n, alpha, *, side="both", mass=1.0):
    low, high = confidence.hoeffding(mean, max(n // 2, 1), alpha, side=side, mass=mass)
    return confidence.Interval(low, high)


@bug("confidence.hoeffding", claim="lipref.hoeffding-ends")
def hoeffding_without_the_range(mean, n, alpha, *, side="both", mass=1.0):
    half = math.sqrt(math.log((2 if side == "both" else 1) / alpha) / (2 * n))
    low, high = np.clip(mean - half, 0, mass), np.clip(mean + half, 0, mass)
    return confidence.Interval(0 * low if side == "upper" else low, 0 * high + mass if side == "lower" else high)


@bug("confidence.hoeffding", claim="lipref.hoeffding-ends")
def hoeffding_in_bits(mean, n, alpha, *, side="both", mass=1.0):
    half = mass * math.sqrt(math.log2((2 if side == "both" else 1) / alpha) / (2 * n))
    low, high = np.clip(mean - half, 0, mass), np.clip(mean + half, 0, mass)
    return confidence.Interval(0 * low if side == "upper" else low, 0 * high + mass if side == "lower" else high)


@bug("confidence.empirical_bernstein", claim="lipref.empirical-bernstein-ends")
def biased_variance_in_bernstein(mean, variance, n, alpha, *, side="both", mass=1.0):
    return confidence.empirical_bernstein(mean, np.asarray(variance) * (n - 1) / n, n, alpha, side=side, mass=mass)


@bug("confidence.empirical_bernstein", claim="lipref.empirical-bernstein-ends")
def bernstein_for_one_end_at_both(mean, variance, n, alpha, *, side="both", mass=1.0):
    risk = min(2 * alpha, 1 - 1e-9) if side == "both" else alpha
    return confidence.empirical_bernstein(mean, variance, n, risk, side=side, mass=mass)


@bug("confidence.empirical_bernstein", claim="lipref.empirical-bernstein-ends")
def deviation_for_the_variance_in_bernstein(mean, variance, n, alpha, *, side="both", mass=1.0):
    squared = np.minimum(np.square(variance), n * mass * mass / (4 * (n - 1)))
    return confidence.empirical_bernstein(mean, squared, n, alpha, side=side, mass=mass)


@bug("confidence.bonferroni", claim="lipref.bonferroni-share")
def sidak_for_bonferroni(alpha, m):
    return -math.expm1(math.log1p(-alpha) / m)


@bug("confidence.bonferroni", claim="lipref.bonferroni-share")
def one_statement_too_few(alpha, m):
    return alpha / max(m - 1, 1)


@bug("confidence.partition_classes", claim="thesis.alg-8-buckets")
def classes_in_the_order_that_is_given(counts):
    top = int(np.argmax(counts))
    order = [top, *(i for i in range(len(counts)) if i != top)]
    sorted_ = confidence.partition_classes(np.sort(counts)[::-1])
    return confidence.Partition(top, tuple(tuple(order[i] for i in bucket) for bucket in sorted_.buckets))


@bug("confidence.partition_classes", claim="thesis.alg-8-buckets")
def rest_that_may_not_equal_the_runner_up(counts):
    # Single classes until the rest is below the runner-up, not until it is not above.
    values = np.asarray(counts, dtype=float)
    top, buckets = confidence.partition_classes(counts)
    singles, rest = [b for b in buckets if len(b) == 1], [b for b in buckets if len(b) > 1]
    while rest and values[list(rest[0])].sum() >= np.sort(values)[-2] and len(rest[0]) > 1:
        largest = max(rest[0], key=lambda i: (values[i], -i))
        singles.append((largest,))
        rest = [tuple(i for i in rest[0] if i != largest)]
    return confidence.Partition(top, (*singles, *rest))


@bug("confidence.partition_classes", claim="thesis.alg-8-buckets")
def rest_in_one_bucket(counts):
    top, buckets = confidence.partition_classes(counts)
    others = sorted(i for bucket in buckets[1:] for i in bucket)
    return confidence.Partition(top, (buckets[0], *((tuple(others),) if others else ())))


@bug("confidence.exact_coverage", claim="lipref.simulated-coverage")
def outcomes_without_their_number_of_ways(covers, p, n):
    weights = [float(w) / float(sum(p)) for w in p]
    total = sum(math.prod(w**k for w, k in zip(weights, counts, strict=True))
                for counts in _outcomes(n, len(weights)) if covers(counts))
    return confidence.Coverage(total, total)


def _outcomes(n, classes):
    if classes == 1:
        return [(n,)]
    return [(k, *rest) for k in range(n + 1) for rest in _outcomes(n - k, classes - 1)]


@bug("confidence.exact_coverage", claim="lipref.simulated-coverage")
def coverage_of_the_event_that_fails(covers, p, n):
    return confidence.exact_coverage(lambda counts: not covers(counts), p, n)


@bug("confidence.exact_coverage", claim="lipref.simulated-coverage")
def one_trial_too_few(covers, p, n):
    if n == 1:
        return confidence.exact_coverage(covers, p, n)
    return confidence.exact_coverage(lambda counts: covers((counts[0] + 1, *counts[1:])), p, n - 1)


@bug("confidence.simulated_coverage", only="claims", why=A_CLASSIFIER, claim="lipref.simulated-runs")
def trials_for_runs(covers, p, n, runs, alpha, *, rng):
    return confidence.simulated_coverage(covers, p, n, n, alpha, rng=rng)


@bug("certificates.certify_mono", tight=True, claim="lipref.certify-samples")
def both_ends_where_one_is_needed(selection, estimation, sigma, alpha):
    return certificates.certify_mono(selection, estimation, sigma, alpha / 2)


@bug("certificates.certify_mono", claim="lipref.procedure-steps")
def class_of_the_estimation_sample(selection, estimation, sigma, alpha):
    return certificates.certify_mono(np.asarray(selection) * 0 + (np.arange(np.shape(selection)[-1]) == 0), estimation,
                                     sigma, alpha)


@bug("certificates.certify_multi", claim="lipref.certify-multi-ends")
def one_end_of_each_interval(counts, sigma, alpha):
    return certificates.certify_multi(counts, sigma, min(2 * alpha, 0.999))


@bug("certificates.certify_multi", claim="lipref.procedure-steps")
def radius_of_the_upper_end_as_one_less_the_lower(counts, sigma, alpha):
    found = certificates.certify_multi(counts, sigma, alpha)
    radius = certificates.radius_mono(found.lower, sigma)
    return found._replace(radius=radius, label=np.where(np.asarray(radius) > 0, found.label, -1)[()])


@bug("certificates.certify_partitioned", tight=True, claim="lipref.procedure-steps")
def risk_shared_by_all_classes(selection, estimation, sigma, alpha):
    # Among c classes instead of among the buckets and the class.
    c = np.shape(selection)[-1]
    counts = [len(confidence.partition_classes(row).buckets) + 1 for row in np.atleast_2d(selection)]
    return certificates.certify_partitioned(selection, estimation, sigma, alpha * counts[0] / c)


@bug("certificates.certify_partitioned", claim="lipref.procedure-steps")
def risk_shared_by_the_buckets_without_the_class(selection, estimation, sigma, alpha):
    counts = [len(confidence.partition_classes(row).buckets) for row in np.atleast_2d(selection)]
    risk = min(alpha * (counts[0] + 1) / counts[0], 0.999)
    return certificates.certify_partitioned(selection, estimation, sigma, risk)


@bug("certificates.lvm_rs", claim="lipref.score-steps")
def temperature_inverted(selection, estimation, sigma, alpha, *, maps=("sparsemax", "softmax", "hardmax"),
                         temperatures=(1.0,)):
    return certificates.lvm_rs(selection, estimation, sigma, alpha, maps=maps,
                               temperatures=[1 / t for t in temperatures])


@bug("certificates.lvm_rs", claim="thesis.alg-9")
def samples_of_both_kinds_together(selection, estimation, sigma, alpha, **how):
    return certificates.lvm_rs(selection, np.concatenate([selection, estimation]), sigma, alpha, **how)


@bug("certificates.radius_mono", claim="lipref.radius-mono-tail")
def radius_by_the_variance(p_lower, sigma, *, certified=False):
    return certificates.radius_mono(p_lower, sigma**2, certified=certified)


@bug("certificates.radius_mono", claim="lipref.radius-mono-tail")
def half_of_the_quantile(p_lower, sigma, *, certified=False):
    return certificates.radius_mono(p_lower, sigma / 2, certified=certified) if sigma != 1 else (
        2 * certificates.radius_mono(p_lower, 1.0))


@bug("certificates.radius_multi", claim="lipref.score-steps")
def upper_end_as_one_less_the_lower(p_lower, p_upper, sigma, *, certified=False):
    return certificates.radius_mono(p_lower, sigma, certified=certified)


@bug("certificates.radius_multi", tight=True, claim="lipref.score-steps")
def radius_from_the_difference(p_lower, p_upper, sigma, *, certified=False):
    half = 0.5 + (np.asarray(p_lower) - p_upper) / 2
    return certificates.radius_mono(half, sigma, certified=certified)


@bug("certificates.radius_multi_lipschitz", claim="lipref.radius-values")
def constants_of_the_classes_exchanged(p_lower, p_upper, sigma, lipschitz, *, certified=False):
    turned = lipschitz[::-1] if isinstance(lipschitz, tuple) else lipschitz
    return certificates.radius_multi_lipschitz(p_lower, p_upper, sigma, turned, certified=certified)


@bug("certificates.radius_multi_lipschitz", tight=True, claim="lipref.radius-values")
def larger_constant_for_both(p_lower, p_upper, sigma, lipschitz, *, certified=False):
    return certificates.radius_multi_lipschitz(p_lower, p_upper, sigma, float(np.max(lipschitz)), certified=certified)


@bug("certificates.radius_multi_lipschitz", tight=True, claim="lipref.radius-values")
def radius_of_the_plain_bound(p_lower, p_upper, sigma, lipschitz, *, certified=False):
    return certificates.radius_multi(p_lower, p_upper, sigma, certified=certified)


@bug("certificates.radius_multi_lipschitz", tight=True, claim="lipref.radius-values")
def without_the_comparison_with_the_plain_one(p_lower, p_upper, sigma, lipschitz, *, certified=False):
    certificates.radius_multi_lipschitz(p_lower, p_upper, sigma, lipschitz)  # refuses what is out of range
    first, second = lipschitz if isinstance(lipschitz, tuple) else (lipschitz, lipschitz)
    pairs = np.broadcast(np.asarray(p_lower), np.asarray(p_upper))
    found = [_crossing(float(p), float(q), sigma, first, second) for p, q in pairs]
    radii, places = (np.array(part).reshape(pairs.shape) for part in zip(*found, strict=True))
    lowered = np.maximum(radii - 2.0**-44 * places, 0) * (1 - 2.0**-44) if certified else radii
    return lowered[()]


@bug("certificates.radius_pairwise", claim="lipref.radius-values")
def row_for_column(scores, labels, lipschitz, *, certified=False):
    return certificates.radius_pairwise(scores, labels, np.transpose(lipschitz), certified=certified)


@bug("certificates.radius_pairwise", tight=True, claim="lipref.radius-values")
def largest_constant_of_all_pairs(scores, labels, lipschitz, *, certified=False):
    L = np.asarray(lipschitz)
    off = L[~np.eye(len(L), dtype=bool)].max()
    return certificates.radius_pairwise(scores, labels, np.full(L.shape, off), certified=certified)


@bug("certificates.radius_coordinate", claim="lipref.radius-values")
def own_constant_only(scores, labels, lipschitz, *, certified=False):
    L = np.broadcast_to(np.asarray(lipschitz) * 1.0, np.shape(scores)[-1:])
    if np.ndim(labels):
        return certificates.radius_coordinate(scores, labels, lipschitz, certified=certified)
    pairs = np.broadcast_to(L[:, None], (len(L), len(L)))
    return certificates.radius_pairwise(scores, labels, pairs, certified=certified)


@bug("certificates.radius_coordinate", tight=True, claim="lipref.radius-values")
def twice_the_largest_constant(scores, labels, lipschitz, *, certified=False):
    return certificates.radius_coordinate(scores, labels, float(np.max(lipschitz)), certified=certified)


@bug("certificates.radius_coordinate", claim="lipref.radius-values")
def root_of_the_squares_for_the_sum(scores, labels, lipschitz, *, certified=False):
    if np.ndim(labels):
        return certificates.radius_coordinate(scores, labels, lipschitz, certified=certified)
    L = np.broadcast_to(np.asarray(lipschitz) * 1.0, np.shape(scores)[-1:])
    return certificates.radius_pairwise(scores, labels, np.hypot(L[:, None], L), certified=certified)


@bug("certificates.radius_global", tight=True, claim="lipref.radius-values")
def twice_the_constant(scores, labels, lipschitz, *, certified=False):
    return certificates.radius_coordinate(scores, labels, lipschitz, certified=certified)


@bug("certificates.radius_global", claim="thesis.def-2.2.3")
def largest_score_for_that_of_the_label(scores, labels, lipschitz, *, certified=False):
    return certificates.radius_global(scores, np.argmax(scores, axis=-1), lipschitz, certified=certified)


@bug("certificates.margin", claim="thesis.eq-2.10")
def margin_of_the_two_largest(scores, labels):
    ordered = np.sort(scores, axis=-1)
    return (ordered[..., -1] - ordered[..., -2])[()]


@bug("certificates.margin", claim="lipref.radius-values")
def margin_to_the_mean_of_the_others(scores, labels):
    if np.ndim(labels):
        return certificates.margin(scores, labels)
    own = scores[labels]
    return float(max(0.0, own - (np.sum(scores) - own) / (len(scores) - 1)))


@bug("certificates.certified_accuracy", claim="lipref.radius-values")
def level_that_is_met_counts(radii, epsilon):
    share = (np.asarray(epsilon)[..., None] <= np.asarray(radii)).mean(axis=-1)
    return float(share) if np.ndim(epsilon) == 0 else share


@bug("certificates.certified_accuracy", claim="lipref.radius-values")
def share_that_is_not_certified(radii, epsilon):
    return 1 - certificates.certified_accuracy(radii, epsilon)


@bug("certificates.noisy_counts", only="claims", why=A_CLASSIFIER, claim="lipref.certify-counts")
def counts_under_noise_of_the_variance(f, x, sigma, samples, **how):
    return certificates.noisy_counts(f, x, sigma**2, samples, **how)


@bug("certificates.noisy_counts", only="claims", why=A_CLASSIFIER, claim="lipref.certify-counts")
def last_batch_left_out(f, x, sigma, samples, *, rng, batch=1000, **how):
    whole = samples // batch * batch
    return certificates.noisy_counts(f, x, sigma, whole or samples, rng=rng, batch=batch, **how)


@bug("certificates.noisy_scores", only="claims", why=A_CLASSIFIER, claim="lipref.noise-deviation")
def scores_under_noise_of_the_variance(f, x, sigma, samples, **how):
    return certificates.noisy_scores(f, x, sigma**2, samples, **how)


@bug("certificates.noisy_scores", only="claims", why=A_CLASSIFIER, claim="lipref.noise-deviation")
def generator_anew_for_each_batch(f, x, sigma, samples, *, rng, batch=1000, **how):
    parts = [certificates.noisy_scores(f, x, sigma, min(batch, samples - i), rng=rng, **how)
             for i in range(0, samples, batch)]
    return np.concatenate(parts)


@bug("certificates.certify", only="claims", why=A_CLASSIFIER, claim="lipref.certify-samples")
def selection_from_the_estimation_sample(f, x, sigma, alpha, *, rng, procedure="multi", selection=None, **how):
    n = how.get("estimation", 10_000)
    if procedure == "multi":
        return certificates.certify(f, x, sigma, alpha, rng=rng, procedure=procedure, **how)
    return certificates.certify(f, x, sigma, alpha, rng=rng, procedure=procedure, selection=n, **how)
