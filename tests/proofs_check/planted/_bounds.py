"""Bounds on the expected loss, explosion."""

import math

import numpy as np

from planted._registry import bug
from refimpl import explosion, generalization
from refimpl.normalization import layer_norm
from refimpl.spectral import spectral_norm


@bug("generalization.partition_by_nearest", claim="than.thm-20.nearest")
def largest_product_for_the_nearest(points, centres):
    return (np.asarray(points) @ np.transpose(centres)).argmax(axis=1)


@bug("generalization.partition_by_nearest", claim="lipref.nearest-values")
def nearest_in_the_sum_of_moduli(points, centres):
    differences = np.asarray(points)[:, None] - np.asarray(centres)[None]
    return np.abs(differences).sum(axis=2).argmin(axis=1)


@bug("generalization.partition_by_nearest", claim="lipref.nearest-values")
def last_of_equally_near(points, centres):
    centres = np.asarray(centres)
    return len(centres) - 1 - generalization.partition_by_nearest(points, centres[::-1])


@bug("generalization.cell_statistics", claim="lipref.nearest-values")
def distances_of_all_pairs_alike(points, losses, cells, probabilities, counts, n_cells):
    even = np.ones(len(points))
    found = generalization.cell_statistics(points, losses, cells, even, even, n_cells)
    right = generalization.cell_statistics(points, losses, cells, probabilities, counts, n_cells)
    return right._replace(distances=np.where(right.counts > 0, found.distances, 0.0))


@bug("generalization.cell_statistics", claim="lipref.nearest-values")
def diameters_for_mean_distances(points, losses, cells, probabilities, counts, n_cells):
    found = generalization.cell_statistics(points, losses, cells, probabilities, counts, n_cells)
    x, places = np.asarray(points), np.asarray(cells)
    far = [max((np.linalg.norm(a - b) for a in x[places == i] for b in x[places == i]), default=0.0)
           for i in range(n_cells)]
    return found._replace(distances=np.where(found.counts > 0, far, 0.0))


@bug("generalization.cell_statistics", claim="lipref.nearest-values")
def samples_for_probabilities(points, losses, cells, probabilities, counts, n_cells):
    right = generalization.cell_statistics(points, losses, cells, probabilities, counts, n_cells)
    found = generalization.cell_statistics(points, losses, cells, np.where(counts, counts, 0.0), counts, n_cells)
    return right._replace(distances=found.distances)


@bug("generalization.cell_statistics", claim="lipref.nearest-values")
def slopes_between_all_points(points, losses, cells, probabilities, counts, n_cells):
    found = generalization.cell_statistics(points, losses, cells, probabilities, counts, n_cells)
    one = generalization.cell_statistics(points, losses, [0] * len(points), probabilities, counts, 1)
    return found._replace(lipschitz=np.full(n_cells, one.lipschitz[0]))


@bug("generalization.sampling_remainder", tight=True, claim="than.thm-20.hoeffding")
def empty_cells_counted(counts, delta, largest_loss, *, form="printed"):
    # All cells for those with samples in them.
    found = generalization.sampling_remainder(counts, delta, largest_loss, form=form)
    if form == "differences":
        return found
    m, K = np.sum(counts), len(counts)
    log = math.log(2 * K / delta) if form == "printed" else math.log(K / delta)
    u = math.sqrt(K / m * log)
    return largest_loss * (math.sqrt(2) * u if form == "chernoff" else (math.sqrt(2) + 1) * u + 2 * u * u)


@bug("generalization.sampling_remainder", tight=True, claim="than.thm-20.hoeffding")
def risk_twice(counts, delta, largest_loss, *, form="printed"):
    return generalization.sampling_remainder(counts, delta / 2, largest_loss, form=form)


@bug("generalization.sampling_remainder", claim="than.thm-20.hoeffding")
def remainder_without_the_square_term(counts, delta, largest_loss, *, form="printed"):
    found = generalization.sampling_remainder(counts, delta, largest_loss, form=form)
    if form != "printed":
        return found
    u = math.sqrt(np.count_nonzero(counts) / np.sum(counts) * math.log(2 * len(counts) / delta))
    return largest_loss * (math.sqrt(2) + 1) * u


@bug("generalization.local_lipschitz_bound", claim="lipref.cell-values")
def cells_of_equal_weight(empirical_loss, counts, distances, lipschitz, delta, largest_loss, *, form="printed"):
    g = generalization.sampling_remainder(counts, delta, largest_loss, form=form)
    return empirical_loss + np.mean(np.asarray(distances) * lipschitz * (np.asarray(counts) > 0)) + g


@bug("generalization.local_lipschitz_bound", tight=True, claim="than.sec-5.2-HKK-monotone")
def largest_constant_for_each(empirical_loss, counts, distances, lipschitz, delta, largest_loss, *, form="printed"):
    lipschitz = np.full(np.shape(counts), np.max(lipschitz))
    return generalization.local_lipschitz_bound(empirical_loss, counts, distances, lipschitz, delta, largest_loss,
                                                form=form)


@bug("generalization.local_lipschitz_bound", claim="lipref.cell-values")
def product_of_the_means(empirical_loss, counts, distances, lipschitz, delta, largest_loss, *, form="printed"):
    share = np.asarray(counts) / np.sum(counts)
    g = generalization.sampling_remainder(counts, delta, largest_loss, form=form)
    return empirical_loss + np.sum(share * distances) * np.sum(share * lipschitz) + g


@bug("generalization.optimal_transport_bound", tight=True, claim="than.sec-5.2-HKK-monotone")
def largest_term_over_all_cells(empirical_loss, counts, distances, lipschitz, delta, *, constant):
    found = generalization.optimal_transport_bound(empirical_loss, counts, distances, lipschitz, delta,
                                                   constant=constant)
    terms = np.broadcast_to(np.asarray(distances) * lipschitz, np.shape(counts))
    more = terms.max() - terms[np.asarray(counts) > 0].max()
    return found + more * math.sqrt(math.log(4 / delta) / np.sum(counts))


@bug("generalization.optimal_transport_bound", claim="than.sec-5.2-HKK-monotone")
def constants_below_one_as_they_are(empirical_loss, counts, distances, lipschitz, delta, *, constant):
    found = generalization.optimal_transport_bound(empirical_loss, counts, distances, lipschitz, delta,
                                                   constant=constant)
    share = np.asarray(counts) / np.sum(counts)
    return found - np.sum(share * distances * np.maximum(0, 1 - np.asarray(lipschitz)))


@bug("generalization.optimal_transport_bound", claim="than.sec-5.2-HKK-monotone")
def transport_without_its_deviation(empirical_loss, counts, distances, lipschitz, delta, *, constant):
    found = generalization.optimal_transport_bound(empirical_loss, counts, distances, lipschitz, delta,
                                                   constant=constant)
    inside = np.asarray(counts) > 0
    terms = np.broadcast_to(np.asarray(distances) * lipschitz, np.shape(counts))[inside]
    return found - terms.max() * math.sqrt(math.log(4 / delta) / np.sum(counts))


@bug("generalization.spherical_sharpness_bound", claim="than.sec-5.2-LLA-optimum")
def deviation_of_the_noise_for_its_variance(empirical_loss, sharpness, mu, m, *, log_constant, constant):
    found = generalization.spherical_sharpness_bound(empirical_loss, sharpness, mu, m, log_constant=log_constant,
                                                     constant=constant)
    return found + sharpness * (mu - mu * mu) / 2


@bug("generalization.spherical_sharpness_bound", claim="than.sec-5.2-LLA")
def samples_without_their_root(empirical_loss, sharpness, mu, m, *, log_constant, constant):
    found = generalization.spherical_sharpness_bound(empirical_loss, sharpness, mu, m, log_constant=log_constant,
                                                     constant=constant)
    return found + log_constant * math.log(m) / mu * (1 / m - 1 / math.sqrt(m))


@bug("generalization.spherical_sharpness_bound", tight=True, claim="than.sec-5.2-LLA")
def logarithm_to_the_base_two(empirical_loss, sharpness, mu, m, *, log_constant, constant):
    return generalization.spherical_sharpness_bound(
        empirical_loss, sharpness, mu, m, log_constant=log_constant / math.log(2), constant=constant)


@bug("generalization.iteration_complexity", claim="lipref.cell-values")
def scales_from_one_layer_earlier(scales, alpha, layer, *, power=1, deviation=None):
    return generalization.iteration_complexity(scales, alpha, layer, power=power, deviation=deviation) * (
        scales[layer - 1])


@bug("generalization.iteration_complexity", claim="lipref.cell-values")
def level_without_its_power(scales, alpha, layer, *, power=1, deviation=None):
    return generalization.iteration_complexity(scales, alpha, layer, power=1, deviation=deviation)


@bug("generalization.iteration_complexity", claim="than.cor-19")
def deviation_once_a_layer_too_few(scales, alpha, layer, *, power=1, deviation=None):
    found = generalization.iteration_complexity(scales, alpha, layer, power=power, deviation=deviation)
    return found if deviation is None else found * deviation


@bug("explosion.linear_network", claim="lipref.linear-network-values")
def weights_transposed_where_they_can_be(weights, batch, *, epsilon, normalizer="batch"):
    turned = [np.transpose(W) if np.shape(W)[0] == np.shape(W)[1] else W for W in weights]
    return explosion.linear_network(turned, batch, epsilon=epsilon, normalizer=normalizer)


@bug("explosion.linear_network", claim="lipref.linear-network-values")
def samples_for_features(weights, batch, *, epsilon, normalizer="batch"):
    other = {"batch": "layer", "layer": "batch"}.get(normalizer, normalizer)
    return explosion.linear_network(weights, batch, epsilon=epsilon, normalizer=other)


@bug("explosion.linear_network", claim="lipref.linear-network-values")
def normalized_before_the_weight(weights, batch, *, epsilon, normalizer="batch"):
    if normalizer != "batch":
        return explosion.linear_network(weights, batch, epsilon=epsilon, normalizer=normalizer)
    X = np.asarray(batch) * 1.0
    for W in weights:
        X = np.stack([layer_norm(feature, epsilon=epsilon) for feature in X.T], axis=1) @ np.transpose(W)
    return X


@bug("explosion.linear_network_jacobian", claim="explosion.epsilon")
def jacobian_of_the_first_layer_left_out(weights, batch, *, epsilon, normalizer="batch"):
    J = explosion.linear_network_jacobian(weights, batch, epsilon=epsilon, normalizer=normalizer)
    if len(weights) == 1:
        return J
    first = explosion.linear_network(weights[:1], batch, epsilon=epsilon, normalizer=normalizer)
    rest = explosion.linear_network_jacobian(weights[1:], first, epsilon=epsilon, normalizer=normalizer)
    return rest if rest.shape == J.shape else J


@bug("explosion.linear_network_jacobian", claim="explosion.epsilon")
def samples_taken_apart(weights, batch, *, epsilon, normalizer="batch"):
    J = explosion.linear_network_jacobian(weights, batch, epsilon=epsilon, normalizer=normalizer)
    m = len(J)
    return J * np.eye(m)[:, None, :, None]


@bug("explosion.linear_network_weight_jacobian", claim="lipref.linear-network-values")
def weight_jacobian_of_the_next_layer(weights, batch, layer, *, epsilon, normalizer="batch"):
    J = explosion.linear_network_weight_jacobian(weights, batch, layer, epsilon=epsilon, normalizer=normalizer)
    if layer == 0:
        return J
    other = explosion.linear_network_weight_jacobian(weights, batch, layer - 1, epsilon=epsilon, normalizer=normalizer)
    return other if other.shape == J.shape else J


@bug("explosion.linear_network_weight_jacobian", claim="lipref.linear-network-values")
def weight_jacobian_in_the_order_of_columns(weights, batch, layer, *, epsilon, normalizer="batch"):
    J = explosion.linear_network_weight_jacobian(weights, batch, layer, epsilon=epsilon, normalizer=normalizer)
    return np.swapaxes(J, 2, 3).reshape(J.shape)


@bug("explosion.amplification", claim="explosion.one-sample")
def length_of_the_image_only(weights, batch, perturbation, *, epsilon, normalizer="batch"):
    return explosion.amplification(weights, batch, perturbation, epsilon=epsilon, normalizer=normalizer) * (
        np.linalg.norm(perturbation))


@bug("explosion.amplification", claim="explosion.one-sample")
def square_of_the_amplification(weights, batch, perturbation, *, epsilon, normalizer="batch"):
    return explosion.amplification(weights, batch, perturbation, epsilon=epsilon, normalizer=normalizer) ** 2


def _products(weights, batch, epsilon, normalizer, of_variances):
    factors, X = [], np.asarray(batch) * 1.0
    for i, W in enumerate(weights):
        Z = X @ np.transpose(W)
        if normalizer == "rms":
            parts = np.sqrt(np.square(Z).mean(axis=1))
            variances = parts**2
        else:
            rows = Z.T if normalizer == "batch" else Z.reshape(len(Z) * (2 if normalizer == "group" else 1), -1)
            variances = rows.var(axis=1)
        factors.append(spectral_norm(W) / math.sqrt(of_variances(variances) + epsilon))
        X = explosion.linear_network(weights[: i + 1], batch, epsilon=epsilon, normalizer=normalizer)
    return math.prod(factors)


@bug("explosion.jacobian_bound", claim="lipref.linear-network-values")
def bound_of_the_largest_variances(weights, batch, *, epsilon, normalizer="batch"):
    return _products(weights, batch, epsilon, normalizer, np.max)


@bug("explosion.jacobian_bound", claim="lipref.linear-network-values")
def bound_of_the_mean_variances(weights, batch, *, epsilon, normalizer="batch"):
    return _products(weights, batch, epsilon, normalizer, np.mean)


@bug("explosion.jacobian_bound", claim="lipref.linear-network-values")
def bound_by_the_sample_variance(weights, batch, *, epsilon, normalizer="batch"):
    m = len(batch)
    return _products(weights, batch, epsilon, normalizer, lambda v: v.min() * m / (m - 1 if m > 1 else 1))


@bug("explosion.exploding_weights", only="claims", why="one construction of many", claim="lipref.exploding-growth")
def weights_of_one_layer_more(depth, rate, *, epsilon=0.0):
    found = explosion.exploding_weights(depth, rate, epsilon=epsilon)
    return found._replace(weights=(*found.weights, found.weights[0]))


@bug("explosion.exploding_network", only="claims", why="one construction of many", claim="lipref.exploding-growth")
def growth_without_the_root_of_two(depth, rate, **how):
    found = explosion.exploding_network(depth, rate, **how)
    return found._replace(growth=found.growth * math.sqrt(2))


@bug("explosion.frozen_network", only="claims", why="its result is a network", claim="explosion.frozen")
def frozen_at_the_batch_itself(weights, batch, *, epsilon):
    return explosion.frozen_network(weights, np.asarray(batch) * 2, epsilon=epsilon)
