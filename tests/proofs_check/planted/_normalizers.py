"""Normalizers: axes, divisors, roots, what is differentiated."""

import math

import numpy as np

from planted._registry import bug
from refimpl import normalization


@bug("normalization.layer_norm_jacobian", claim="than.lemma-23")
def jacobian_without_that_of_the_mean(x, *, epsilon):
    z = normalization.layer_norm(x, epsilon=epsilon)
    return (np.eye(z.size) - np.outer(z, z) / z.size) / math.sqrt(np.var(x) + epsilon)


@bug("normalization.layer_norm_jacobian", claim="than.lemma-23")
def jacobian_with_frozen_statistics(x, *, epsilon):
    return np.eye(np.size(x)) / math.sqrt(np.var(x) + epsilon)


@bug("normalization.layer_norm_jacobian", claim="than.lemma-23")
def jacobian_without_the_divisor(x, *, epsilon):
    z = normalization.layer_norm(x, epsilon=epsilon)
    n = z.size
    return (np.eye(n) - 1 / n - np.outer(z, z)) / math.sqrt(np.var(x) + epsilon)


@bug("normalization.layer_norm_jacobian_norm", claim="than.instance-norm")
def norm_of_two_entries_as_of_more(x, *, epsilon):
    return 0.0 if np.size(x) == 1 else 1 / math.sqrt(np.var(x) + epsilon)


@bug("normalization.layer_norm_jacobian_norm", claim="lipref.normalizer-values")
def norm_by_the_sample_variance(x, *, epsilon):
    n = np.size(x)
    return normalization.layer_norm_jacobian_norm(np.asarray(x) * math.sqrt(n / max(n - 1, 1)), epsilon=epsilon)


@bug("normalization.layer_norm_lipschitz", claim="than.cor-22.increase")
def constant_without_the_root_of_epsilon(n, *, epsilon):
    return normalization.layer_norm_lipschitz(n, epsilon=epsilon) / math.sqrt(epsilon)


@bug("normalization.layer_norm_lipschitz", claim="lipref.normalizer-values")
def one_entry_as_more(n, *, epsilon):
    return normalization.layer_norm_lipschitz(n + 1, epsilon=epsilon)


@bug("normalization.layer_norm_lipschitz", claim="than.cor-22.increase")
def constant_by_the_sample_variance(n, *, epsilon):
    return normalization.layer_norm_lipschitz(n, epsilon=epsilon) * math.sqrt((n - 1) / n)


@bug("normalization.rms_norm", claim="than.normalized-outputs")
def sum_of_squares_for_their_mean(x, *, epsilon):
    return np.asarray(x) / np.sqrt(np.sum(np.square(x)) + epsilon)


@bug("normalization.rms_norm", claim="than.normalized-outputs")
def epsilon_squared_under_the_root(x, *, epsilon):
    return np.asarray(x) / np.sqrt(np.mean(np.square(x)) + epsilon**2)


@bug("normalization.rms_norm_jacobian", claim="than.rms-norm")
def rms_jacobian_without_the_divisor(x, *, epsilon):
    z = normalization.rms_norm(x, epsilon=epsilon)
    return (np.eye(z.size) - np.outer(z, z)) / math.sqrt(np.mean(np.square(x)) + epsilon)


@bug("normalization.rms_norm_jacobian", claim="than.rms-norm")
def rms_jacobian_of_a_layer_norm(x, *, epsilon):
    return normalization.layer_norm_jacobian(x, epsilon=epsilon)


@bug("normalization.rms_norm_lipschitz", claim="than.rms-norm")
def rms_constant_without_the_root(*, epsilon):
    return 1 / epsilon


@bug("normalization.group_norm", claim="than.normalized-outputs")
def groups_of_every_second_entry(x, groups, *, epsilon):
    if not np.isscalar(groups):
        return normalization.group_norm(x, groups, epsilon=epsilon)
    blocks = np.arange(np.size(x)).reshape(-1, groups).T.tolist()
    return normalization.group_norm(x, blocks, epsilon=epsilon)


@bug("normalization.group_norm", claim="than.normalized-outputs")
def group_size_for_the_number_of_groups(x, groups, *, epsilon):
    if not np.isscalar(groups) or np.size(x) % groups:
        return normalization.group_norm(x, groups, epsilon=epsilon)
    return normalization.group_norm(x, np.size(x) // groups, epsilon=epsilon)


@bug("normalization.group_norm_jacobian", claim="lipref.normalizer-values")
def jacobian_of_interleaved_groups(x, groups, *, epsilon):
    if not np.isscalar(groups):
        return normalization.group_norm_jacobian(x, groups, epsilon=epsilon)
    blocks = np.arange(np.size(x)).reshape(-1, groups).T.tolist()
    return normalization.group_norm_jacobian(x, blocks, epsilon=epsilon)


@bug("normalization.group_norm_jacobian", claim="lipref.normalizer-values")
def jacobian_of_groups_in_their_own_order(x, groups, *, epsilon):
    # Blocks on the diagonal, wherever their entries stand.
    blocks = groups if not np.isscalar(groups) else np.arange(np.size(x)).reshape(groups, -1).tolist()
    jacobian, start = np.zeros((np.size(x), np.size(x))), 0
    for block in blocks:
        end = start + len(block)
        jacobian[start:end, start:end] = normalization.layer_norm_jacobian(np.asarray(x)[list(block)], epsilon=epsilon)
        start = end
    return jacobian


@bug("normalization.group_norm_lipschitz", claim="lipref.normalizer-values")
def constant_of_the_first_group(groups, *, epsilon):
    return normalization.layer_norm_lipschitz(len(groups[0]), epsilon=epsilon)


@bug("normalization.group_norm_lipschitz", claim="than.lemma-3.largest")
def constants_of_groups_summed(groups, *, epsilon):
    return sum(normalization.layer_norm_lipschitz(len(block), epsilon=epsilon) for block in groups)


@bug("normalization.instance_norm", claim="than.normalized-outputs")
def instance_norm_over_the_channels(x, *, epsilon):
    return normalization.instance_norm(np.transpose(x), epsilon=epsilon).T


@bug("normalization.instance_norm", claim="than.normalized-outputs")
def instance_norm_over_the_whole_image(x, *, epsilon):
    return normalization.layer_norm(np.ravel(x), epsilon=epsilon).reshape(np.shape(x))


@bug("normalization.instance_norm_jacobian", claim="than.instance-norm")
def groups_of_as_many_as_positions(x, *, epsilon):
    return normalization.group_norm_jacobian(np.ravel(x), np.shape(x)[1], epsilon=epsilon)


@bug("normalization.instance_norm_jacobian", claim="lipref.normalizer-values")
def jacobian_in_the_order_of_columns(x, *, epsilon):
    order = np.arange(np.size(x)).reshape(np.shape(x)).T.ravel()
    return normalization.instance_norm_jacobian(x, epsilon=epsilon)[np.ix_(order, order)]


@bug("normalization.instance_norm_lipschitz", claim="than.instance-norm")
def one_position_as_more(positions, *, epsilon):
    return normalization.instance_norm_lipschitz(positions + 1, epsilon=epsilon)


@bug("normalization.batch_norm", claim="than.normalized-outputs")
def mean_added(x, mean, variance, *, epsilon):
    return normalization.batch_norm(x, -np.asarray(mean), variance, epsilon=epsilon)


@bug("normalization.batch_norm", claim="than.normalized-outputs")
def epsilon_beside_the_deviation(x, mean, variance, *, epsilon):
    return (np.asarray(x) - mean) / (np.sqrt(variance) + epsilon)


@bug("normalization.batch_norm", claim="than.normalized-outputs")
def variance_for_the_deviation(x, mean, variance, *, epsilon):
    return (np.asarray(x) - mean) / (np.asarray(variance) + epsilon)


@bug("normalization.batch_norm_jacobian", claim="than.lemma-1")
def jacobian_over_the_variance(variance, *, epsilon):
    return np.diag(1 / (np.asarray(variance) + epsilon))


@bug("normalization.batch_norm_lipschitz", claim="lipref.normalizer-values")
def constant_of_the_largest_variance(variance, *, epsilon):
    return float(1 / np.sqrt(np.max(variance) + epsilon))


@bug("normalization.batch_norm_lipschitz", claim="than.lemma-1.largest")
def constant_of_the_mean_variance(variance, *, epsilon):
    return float(1 / np.sqrt(np.mean(variance) + epsilon))


@bug("normalization.batch_norm_statistics", claim="lipref.normalizer-values")
def variance_over_one_sample_less(batch):
    mean, variance = normalization.batch_norm_statistics(batch)
    m = len(batch)
    return normalization.BatchStatistics(mean, variance * (m / (m - 1) if m > 1 else 1))


@bug("normalization.batch_norm_statistics", claim="lipref.normalizer-values")
def mean_of_squares_for_the_variance(batch):
    return normalization.BatchStatistics(np.mean(batch, axis=0), np.mean(np.square(batch), axis=0))


@bug("normalization.batch_norm_statistics", claim="lipref.normalizer-values")
def one_variance_for_all_features(batch):
    mean, variance = normalization.batch_norm_statistics(batch)
    return normalization.BatchStatistics(mean, np.full(variance.shape, np.var(batch)))


@bug("normalization.batch_norm_training", claim="than.normalized-outputs")
def normalized_sample_by_sample(batch, *, epsilon):
    return np.stack([normalization.layer_norm(sample, epsilon=epsilon) for sample in np.asarray(batch)])


@bug("normalization.batch_norm_training", claim="lipref.normalizer-values")
def training_with_the_sample_variance(batch, *, epsilon):
    batch = np.asarray(batch)
    ddof = min(1, len(batch) - 1)
    return (batch - batch.mean(axis=0)) / np.sqrt(batch.var(axis=0, ddof=ddof) + epsilon)


@bug("normalization.batch_norm_training_jacobian", claim="thesis.sec-2.1-BN-gradient")
def statistics_taken_for_constants(batch, *, epsilon):
    batch = np.asarray(batch)
    m, n = batch.shape
    deviation = np.sqrt(batch.var(axis=0) + epsilon)
    return np.einsum("ij,kl,k->ikjl", np.eye(m), np.eye(n), 1 / deviation)


@bug("normalization.batch_norm_training_jacobian", claim="than.batch-statistics")
def features_mixed_up_with_samples(batch, *, epsilon):
    batch = np.asarray(batch)
    m, n = batch.shape
    jacobian = normalization.batch_norm_training_jacobian(batch, epsilon=epsilon)
    return jacobian.transpose(1, 0, 3, 2).reshape(m, n, m, n)


@bug("normalization.batch_norm_training_jacobian", claim="thesis.sec-2.1-BN-gradient")
def training_jacobian_without_the_mean(batch, *, epsilon):
    jacobian = normalization.batch_norm_training_jacobian(batch, epsilon=epsilon)
    batch = np.asarray(batch)
    deviation = np.sqrt(batch.var(axis=0) + epsilon)
    for k in range(batch.shape[1]):
        jacobian[:, k, :, k] += 1 / len(batch) / deviation[k]
    return jacobian


@bug("normalization.batch_norm_training_lipschitz", claim="than.batch-statistics")
def one_sample_as_more(samples, *, epsilon):
    return normalization.batch_norm_training_lipschitz(samples + 1, epsilon=epsilon)


@bug("normalization.batch_norm_training_lipschitz", claim="than.batch-statistics")
def root_of_the_samples(samples, *, epsilon):
    return normalization.batch_norm_training_lipschitz(samples, epsilon=epsilon) * math.sqrt(samples)
