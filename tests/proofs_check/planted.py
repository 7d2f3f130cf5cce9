"""Errors that people make: each is one function of refimpl with a bug. Claims alone have to find them."""

import math

import numpy as np
from scipy.stats import beta, norm

from refimpl import (
    certificates,
    confidence,
    convolution,
    layers,
    network,
    normalization,
    simplex,
    spectral,
    weierstrass,
)

BUGS = {}


def bug(function):
    """Plant a bug in this function, ``topic.name``: what it computes instead is the decorated function."""
    def plant(wrong):
        BUGS[wrong.__name__] = (function, wrong)
        return wrong

    return plant


# -- confidence and certificates -------------------------------------------------------------------


@bug("confidence.clopper_pearson")
def clopper_pearson_of_one_trial_more(counts, n, alpha, *, side="both"):
    return confidence.clopper_pearson(counts, n + 1, alpha, side=side)


@bug("confidence.clopper_pearson")
def clopper_pearson_with_the_whole_alpha_at_each_end(counts, n, alpha, *, side="both"):
    risk = min(2 * alpha, 1 - 1e-9) if side == "both" else alpha
    return confidence.clopper_pearson(counts, n, risk, side=side)


@bug("confidence.clopper_pearson")
def clopper_pearson_with_the_level_as_a_float(counts, n, alpha, *, side="both"):
    # 1 - (1 - alpha) loses the digits of a small alpha, and all of them below 1e-16.
    risk = (1 - (1 - alpha)) / (2 if side == "both" else 1)
    k = np.asarray(counts)
    low = np.where(k == 0, 0.0, beta.ppf(risk, np.maximum(k, 1), n - np.maximum(k, 1) + 1))
    high = np.where(k == n, 1.0, beta.isf(risk, np.minimum(k, n - 1) + 1, n - np.minimum(k, n - 1)))
    return confidence.Interval(0 * low if side == "upper" else low, 0 * high + 1 if side == "lower" else high)


@bug("confidence.hoeffding")
def hoeffding_without_the_square_root(mean, n, alpha, *, side="both", mass=1.0):
    room = mass * math.log((2 if side == "both" else 1) / alpha) / (2 * n)
    return confidence.Interval(np.clip(mean - room, 0, mass), np.clip(mean + room, 0, mass))


@bug("confidence.hoeffding")
def hoeffding_for_one_end_at_both(mean, n, alpha, *, side="both", mass=1.0):
    return confidence.hoeffding(mean, n, min(2 * alpha, 1 - 1e-9) if side == "both" else alpha, side=side, mass=mass)


@bug("confidence.empirical_bernstein")
def empirical_bernstein_over_n(mean, variance, n, alpha, *, side="both", mass=1.0):
    room = mass * 7 * math.log((4 if side == "both" else 2) / alpha) / 3 * (1 / (n - 1) - 1 / n)
    low, high = confidence.empirical_bernstein(mean, variance, n, alpha, side=side, mass=mass)
    return confidence.Interval(np.where(low > 0, low + room, low), np.where(high < mass, high - room, high))


@bug("confidence.empirical_bernstein")
def empirical_bernstein_without_its_second_term(mean, variance, n, alpha, *, side="both", mass=1.0):
    room = np.sqrt(2 * np.asarray(variance) * math.log((4 if side == "both" else 2) / alpha) / n)
    return confidence.Interval(np.clip(mean - room, 0, mass), np.clip(mean + room, 0, mass))


@bug("confidence.bonferroni")
def bonferroni_without_the_union_bound(alpha, m):
    return alpha


@bug("confidence.partition_classes")
def partition_without_the_last_class(counts):
    top, buckets = confidence.partition_classes(counts)
    return confidence.Partition(top, (*buckets[:-1], buckets[-1][:-1]) if len(buckets[-1]) > 1 else buckets)


@bug("certificates.certify_multi")
def certify_multi_without_the_union_bound(counts, sigma, alpha):
    return certificates.certify_multi(counts, sigma, min(alpha * np.shape(counts)[-1], 0.999))


@bug("certificates.certify_mono")
def certify_mono_from_the_selection_again(selection, estimation, sigma, alpha):
    return certificates.certify_mono(estimation, estimation, sigma, alpha)


@bug("certificates.radius_mono")
def radius_mono_of_clipped_probabilities(p_lower, sigma, *, certified=False):
    return certificates.radius_mono(np.clip(p_lower, 1e-3, 1 - 1e-3), sigma, certified=certified)


@bug("certificates.radius_multi")
def radius_multi_with_cancellation_in_the_tail(p_lower, p_upper, sigma, *, certified=False):
    above = norm.isf(np.clip(1 - np.asarray(p_lower), 0, 1)) - norm.isf(np.clip(1 - np.asarray(p_upper), 0, 1))
    return np.where(np.asarray(p_lower) > p_upper, sigma / 2 * above, 0.0)[()]


@bug("certificates.radius_multi")
def radius_multi_without_the_half(p_lower, p_upper, sigma, *, certified=False):
    return 2 * certificates.radius_multi(p_lower, p_upper, sigma, certified=certified)


@bug("certificates.radius_global")
def radius_global_without_the_root_of_two(scores, labels, lipschitz, *, certified=False):
    return np.sqrt(2) * certificates.radius_global(scores, labels, lipschitz, certified=certified)


@bug("certificates.margin")
def margin_that_may_be_negative(scores, labels):
    rows, chosen = np.atleast_2d(np.asarray(scores, dtype=float)), np.atleast_1d(labels)
    others = rows.copy()
    others[np.arange(len(rows)), chosen] = -np.inf
    found = rows[np.arange(len(rows)), chosen] - others.max(axis=1)
    return found if np.ndim(scores) == 2 else float(found[0])


# -- spectral norms --------------------------------------------------------------------------------


@bug("spectral.gram_iteration")
def gram_iteration_with_a_root_too_few(W, n_iter, norm="fro", *, certified=False):
    return spectral.gram_iteration(W, n_iter, norm, certified=certified) ** (2.0 if n_iter else 1.0)


@bug("spectral.gram_iteration")
def gram_iteration_in_single_precision(W, n_iter, norm="fro", *, certified=False):
    return spectral.gram_iteration(np.asarray(W).astype(np.complex64), n_iter, norm) if np.iscomplexobj(W) else float(
        np.float32(spectral.gram_iteration(np.asarray(W, dtype=np.float32), n_iter, norm)))


@bug("spectral.spectral_norm_enclosure")
def enclosure_by_power_iteration(W):
    low = spectral.power_iteration(W, 20, rng=0)
    return spectral.SpectralNormEnclosure(low, low * (1 + 1e-12))


@bug("spectral.power_iteration")
def power_iteration_of_the_matrix_itself(W, n_iter, *, start=None, rng=None):
    A = np.asarray(W) * 1.0
    v = np.ones(A.shape[1]) if start is None else np.asarray(start) * 1.0
    for _ in range(n_iter):
        u = A @ v
        v = u if A.shape[0] == A.shape[1] else A.conj().T @ u
        v = v / (np.linalg.norm(v) or 1)
    return float(np.linalg.norm(A @ v) / (np.linalg.norm(v) or 1))


# -- convolutions ----------------------------------------------------------------------------------


@bug("convolution.conv2d")
def conv2d_with_zeros_for_circular_padding(X, K, *, padding="circular", **rest):
    return convolution.conv2d(X, K, padding="zero" if padding == "circular" else padding, **rest)


@bug("convolution.conv2d")
def conv2d_that_flips_the_kernel(X, K, **rest):
    return convolution.conv2d(X, np.asarray(K)[:, :, ::-1, ::-1], **rest)


@bug("convolution.gram_kernel")
def gram_kernel_with_swapped_channels(K, n_iter=1):
    return convolution.gram_kernel(np.swapaxes(K, 0, 1), n_iter)


@bug("convolution.zero_padded_norm_bound")
def zero_padded_bound_of_the_circular_one(K, n_iter, norm="inf", *, n=None, certified=False):
    return convolution.circular_norm_bound(K, np.shape(K)[2:], n_iter, certified=certified)


@bug("convolution.circular_norm_bound")
def circular_bound_from_half_the_frequencies(K, n, n_iter, *, certified=False):
    h, w = (n, n) if np.ndim(n) == 0 else n
    blocks = convolution.frequency_blocks(K, n).reshape(h, w, *np.shape(K)[:2])[: h // 2 + 1, : max(1, w // 2)]
    return max(spectral.gram_iteration(B, n_iter) for row in blocks for B in row)


@bug("convolution.size_transfer_factor")
def size_transfer_of_one_axis(k, n0, n_iter):
    return math.sqrt(convolution.size_transfer_factor(k, n0, n_iter))


@bug("convolution.strided_matrix")
def strided_matrix_that_keeps_the_last_pixel(K, n, stride, **rest):
    # Every second row starts at stride - 1 instead of 0.
    (h, w), (a, b) = ((v, v) if np.ndim(v) == 0 else v for v in (n, stride))
    full = convolution.strided_matrix(K, n, 1, **{**rest, "sparse": False})
    return full.reshape(len(K), h, w, -1)[:, a - 1 :: a, b - 1 :: b].reshape(-1, full.shape[1])


@bug("convolution.conv_spectral_norm")
def norms_of_groups_multiplied(K, n, *, groups=1, **rest):
    parts = np.split(np.asarray(K), groups)
    norms = [convolution.conv_spectral_norm(part, n, **rest).norm for part in parts]
    return convolution.conv_spectral_norm(K, n, groups=groups, **rest)._replace(norm=math.prod(norms))


# -- layers, normalizers, networks -----------------------------------------------------------------


@bug("layers.aol_rescaling")
def aol_without_absolute_values(W):
    A = np.asarray(W) * 1.0
    sums = np.abs((A.conj().T @ A).sum(axis=1))
    return np.divide(1, np.sqrt(sums), out=np.zeros(len(sums)), where=sums > 0)


@bug("layers.spectral_rescaling")
def spectral_rescaling_one_step_short(W, n_iter, q=None):
    return layers.spectral_rescaling(W, max(n_iter - 1, 0), q)


@bug("layers.cayley")
def cayley_of_the_symmetric_part(W):
    A = np.asarray(W) + np.conj(W).T
    return np.linalg.lstsq(np.eye(len(A)) - A, np.eye(len(A)) + A, rcond=None)[0]


@bug("layers.cayley")
def cayley_transposed(W):
    return layers.cayley(W).conj().T


@bug("layers.activation_lipschitz")
def gelu_of_slope_one(name, **rest):
    return 1.0 if name == "gelu" else layers.activation_lipschitz(name, **rest)


@bug("normalization.batch_norm_jacobian")
def batch_norm_with_epsilon_outside_the_root(variance, *, epsilon):
    return np.diag(1 / (np.sqrt(variance) + math.sqrt(epsilon)))


@bug("normalization.batch_norm_lipschitz")
def batch_norm_by_the_l2_norm(variance, *, epsilon):
    return float(np.linalg.norm(1 / np.sqrt(np.asarray(variance) + epsilon)))


@bug("normalization.layer_norm_jacobian")
def layer_norm_with_the_unbiased_variance(x, *, epsilon):
    n, y = len(x), np.asarray(x) - np.mean(x)
    s = math.sqrt(y @ y / max(n - 1, 1) + epsilon)
    return (np.eye(n) - 1 / n - np.outer(y, y) / (n * s * s)) / s


@bug("normalization.group_norm_lipschitz")
def constants_of_groups_multiplied(groups, *, epsilon):
    return math.prod(normalization.layer_norm_lipschitz(len(block), epsilon=epsilon) for block in groups)


@bug("normalization.rms_norm_jacobian")
def rms_norm_without_the_root(x, *, epsilon):
    return normalization.rms_norm_jacobian(x, epsilon=epsilon) / math.sqrt(np.mean(np.square(x)) + epsilon)


@bug("network.pooling_lipschitz")
def pooling_that_forgets_overlaps(kind, n, k, stride=None):
    return 1.0


@bug("network.product_upper_bound")
def product_bound_without_the_first_layer(net):
    weights = getattr(net, "weights", None)
    norms = [np.linalg.norm(W, 2) for W in weights or []]
    return network.product_upper_bound(net) / (norms[0] if norms and norms[0] else 1.0)


# -- smoothing and simplex -------------------------------------------------------------------------


@bug("weierstrass.lipschitz_bounded")
def bounded_without_the_root_of_two_pi(sigma, *, mass=1.0, into="interval"):
    return weierstrass.lipschitz_bounded(sigma, mass=mass, into=into) / math.sqrt(2 * math.pi)


@bug("weierstrass.stein_gradient")
def stein_over_sigma_once(f, x, sigma, **rest):
    found = weierstrass.stein_gradient(f, x, sigma, **rest)
    return found._replace(value=sigma * np.asarray(found.value))


@bug("weierstrass.quantile_lipschitz")
def quantile_of_clipped_probabilities(p, lipschitz, sigma):
    return weierstrass.quantile_lipschitz(np.clip(p, 1e-4, 1 - 1e-4)[()], lipschitz, sigma)


@bug("simplex.softmax")
def softmax_times_the_temperature(z, *, temperature=1.0, mass=1.0):
    return simplex.softmax(z, temperature=1 / temperature, mass=mass)


@bug("simplex.sparsemax")
def sparsemax_that_clips_once(z, *, temperature=1.0, mass=1.0):
    scores = np.asarray(z) / temperature
    return np.maximum(scores - (scores.sum(axis=-1, keepdims=True) - mass) / scores.shape[-1], 0)


@bug("weierstrass.probit")
def probit_of_the_logistic_function(z, scale=1.0):
    return 1 / (1 + np.exp(-np.asarray(z) * scale * 1.702))
