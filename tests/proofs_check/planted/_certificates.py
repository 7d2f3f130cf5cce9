"""Confidence intervals and certificates."""

import math

import numpy as np
from scipy.special import ndtri
from scipy.stats import beta, norm

from planted._registry import bug, quiet
from refimpl import certificates, confidence


@bug("confidence.clopper_pearson", claim="lipref.clopper-pearson")
def clopper_pearson_of_one_trial_more(counts, n, alpha, *, side="both"):
    return confidence.clopper_pearson(counts, n + 1, alpha, side=side)


@bug("confidence.clopper_pearson", claim="lipref.simulated-runs")
def clopper_pearson_with_the_whole_alpha_at_each_end(counts, n, alpha, *, side="both"):
    risk = min(2 * alpha, 1 - 1e-9) if side == "both" else alpha
    return confidence.clopper_pearson(counts, n, risk, side=side)


@bug("confidence.clopper_pearson", claim="lipref.clopper-pearson")
def clopper_pearson_with_the_level_as_a_float(counts, n, alpha, *, side="both"):
    # 1 - (1 - alpha) loses the digits of a small alpha, and all of them below 1e-16.
    risk = (1 - (1 - alpha)) / (2 if side == "both" else 1)
    k = np.asarray(counts)
    low = np.where(k == 0, 0.0, beta.ppf(risk, np.maximum(k, 1), n - np.maximum(k, 1) + 1))
    high = np.where(k == n, 1.0, beta.isf(risk, np.minimum(k, n - 1) + 1, n - np.minimum(k, n - 1)))
    return confidence.Interval(0 * low if side == "upper" else low, 0 * high + 1 if side == "lower" else high)


@bug("confidence.clopper_pearson", claim="thesis.thm-6.1.2")
@quiet
def no_success_gives_nan(counts, n, alpha, side="both"):
    risk = alpha / 2 if side == "both" else alpha
    return beta.ppf(risk, counts, n - counts + 1), beta.isf(risk, counts + 1, n - counts)


@bug("confidence.hoeffding", claim="lipref.hoeffding-ends")
def hoeffding_without_the_square_root(mean, n, alpha, *, side="both", mass=1.0):
    room = mass * math.log((2 if side == "both" else 1) / alpha) / (2 * n)
    return confidence.Interval(np.clip(mean - room, 0, mass), np.clip(mean + room, 0, mass))


@bug("confidence.hoeffding", claim="lipref.hoeffding-ends")
def hoeffding_for_one_end_at_both(mean, n, alpha, *, side="both", mass=1.0):
    return confidence.hoeffding(mean, n, min(2 * alpha, 1 - 1e-9) if side == "both" else alpha, side=side, mass=mass)


@bug("confidence.empirical_bernstein", claim="lipref.empirical-bernstein-ends")
def empirical_bernstein_over_n(mean, variance, n, alpha, *, side="both", mass=1.0):
    room = mass * 7 * math.log((4 if side == "both" else 2) / alpha) / 3 * (1 / (n - 1) - 1 / n)
    low, high = confidence.empirical_bernstein(mean, variance, n, alpha, side=side, mass=mass)
    return confidence.Interval(np.where(low > 0, low + room, low), np.where(high < mass, high - room, high))


@bug("confidence.empirical_bernstein", claim="lipref.empirical-bernstein-ends")
def empirical_bernstein_without_its_second_term(mean, variance, n, alpha, *, side="both", mass=1.0):
    room = np.sqrt(2 * np.asarray(variance) * math.log((4 if side == "both" else 2) / alpha) / n)
    return confidence.Interval(np.clip(mean - room, 0, mass), np.clip(mean + room, 0, mass))


@bug("certificates.lvm_rs", claim="thesis.alg-9")
def map_chosen_on_the_estimation_sample(selection, estimation, sigma, alpha, **how):
    return certificates.lvm_rs(estimation, estimation, sigma, alpha, **how)


@bug("certificates.lvm_rs", claim="thesis.alg-9")
def scores_without_the_union_bound(selection, estimation, sigma, alpha, **how):
    return certificates.lvm_rs(selection, estimation, sigma, min(alpha * np.shape(selection)[1], 0.999), **how)


@bug("confidence.bonferroni", claim="lipref.bonferroni-share")
def bonferroni_without_the_union_bound(alpha, m):
    return alpha


@bug("confidence.partition_classes", claim="thesis.alg-8-buckets")
def partition_without_the_last_class(counts):
    top, buckets = confidence.partition_classes(counts)
    return confidence.Partition(top, (*buckets[:-1], buckets[-1][:-1]) if len(buckets[-1]) > 1 else buckets)


@bug("certificates.certify_multi", claim="lipref.certify-multi-ends")
def certify_multi_without_the_union_bound(counts, sigma, alpha):
    return certificates.certify_multi(counts, sigma, min(alpha * np.shape(counts)[-1], 0.999))


@bug("certificates.certify_mono", claim="lipref.certify-samples")
def certify_mono_from_the_selection_again(selection, estimation, sigma, alpha):
    return certificates.certify_mono(estimation, estimation, sigma, alpha)


@bug("certificates.certify_mono", claim="lipref.certify-samples")
def two_sided_where_one_is_needed(selection, estimation, sigma, alpha):
    found = certificates.certify_mono(selection, estimation, sigma, alpha)
    return found._replace(label=max(found.label, 0))  # and never abstains


@bug("certificates.certify_partitioned", claim="lipref.procedure-steps")
def buckets_from_the_estimation_sample(selection, estimation, sigma, alpha):
    return certificates.certify_partitioned(estimation, estimation, sigma, alpha)


@bug("certificates.radius_mono", tight=True, claim="lipref.radius-mono-tail")
def clipped_probabilities(p_lower, sigma):
    return max(0.0, sigma * float(ndtri(np.clip(p_lower, 1e-6, 1 - 1e-6))))


@bug("certificates.radius_multi", claim="lipref.certified-radii")
def radius_multi_with_cancellation_in_the_tail(p_lower, p_upper, sigma, *, certified=False):
    above = norm.isf(np.clip(1 - np.asarray(p_lower), 0, 1)) - norm.isf(np.clip(1 - np.asarray(p_upper), 0, 1))
    return np.where(np.asarray(p_lower) > p_upper, sigma / 2 * above, 0.0)[()]


@bug("certificates.radius_multi", claim="lipref.score-steps")
def radius_multi_without_the_half(p_lower, p_upper, sigma, *, certified=False):
    return 2 * certificates.radius_multi(p_lower, p_upper, sigma, certified=certified)


@bug("certificates.radius_coordinate", claim="lipref.certified-radii")
def certified_radius_as_it_is_rounded(scores, labels, lipschitz, *, certified=False):
    return certificates.radius_coordinate(scores, labels, lipschitz)


@bug("certificates.radius_global", claim="lipref.radius-values")
def radius_global_without_the_root_of_two(scores, labels, lipschitz, *, certified=False):
    return np.sqrt(2) * certificates.radius_global(scores, labels, lipschitz, certified=certified)


@bug("certificates.margin", claim="thesis.eq-2.10")
def margin_that_may_be_negative(scores, labels):
    rows, chosen = np.atleast_2d(np.asarray(scores, dtype=float)), np.atleast_1d(labels)
    others = rows.copy()
    others[np.arange(len(rows)), chosen] = -np.inf
    found = rows[np.arange(len(rows)), chosen] - others.max(axis=1)
    return found if np.ndim(scores) == 2 else float(found[0])
