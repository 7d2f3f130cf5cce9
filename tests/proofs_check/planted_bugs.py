"""Mistakes that implementations make: functions of refimpl's with one thing wrong, by the names they are offered as."""

import math

import numpy as np
from scipy.special import ndtri
from scipy.stats import beta, norm

from refimpl import certificates, confidence, convolution, simplex, spectral, weierstrass

BUGS = {}


def plant(function, promises=None, tight=False):
    def register(broken):
        BUGS[broken.__name__.replace("_", " ")] = (function, broken, promises, tight)
        return broken

    return register


def quiet(function):
    def silent(*args, **kwargs):
        with np.errstate(all="ignore"):
            return function(*args, **kwargs)

    silent.__name__ = function.__name__
    return silent


# -- spectral ---------------------------------------------------------------------------------------


@plant("spectral.spectral_norm")
def missing_square_root(W):
    return float(np.linalg.eigvalsh(W.T @ W)[-1])


@plant("spectral.spectral_norm")
def eigenvalue_for_singular_value(W):
    return float(max(abs(np.linalg.eigvals(W))))


@plant("spectral.spectral_norm", promises={"spectral.spectral_norm": "upper"})
def power_iteration_as_upper_bound(W):
    v = np.ones(W.shape[1])
    for _ in range(50):
        v = W.T @ (W @ v)
        v = v / max(np.linalg.norm(v), 1e-300)
    return float(np.linalg.norm(W @ v))


@plant("spectral.gram_iteration")
@quiet
def gram_without_rescaling(W, n_iter):
    for _ in range(n_iter):
        W = W.T @ W
    return float(np.linalg.norm(W) ** 2.0**-n_iter)


@plant("spectral.gram_iteration")
def gram_root_of_the_wrong_step(W, n_iter):
    return spectral.gram_iteration(W, n_iter) ** 0.5


@plant("spectral.schatten_norm")
def schatten_index_halved(W, p):
    return spectral.schatten_norm(W, max(p / 2, 0.5))


@plant("spectral.spectral_norm_enclosure")
def enclosure_that_forgets_rounding(W):
    norm = spectral.spectral_norm(W)
    return norm, norm


@plant("spectral.gram_iteration")
@quiet
def epsilon_in_the_denominator(W, n_iter):
    log = 0.0
    for _ in range(n_iter):
        size = np.linalg.norm(W)
        W = W / (size + 1e-12)
        W, log = W.T @ W, 2 * (log + np.log(size))
    return float(np.linalg.norm(W) ** 2.0**-n_iter * np.exp(log * 2.0**-n_iter))


# -- convolutions -----------------------------------------------------------------------------------


@plant("convolution.conv2d")
def swapped_channels(X, K, **how):
    return convolution.conv2d(X, K.transpose(1, 0, 2, 3), **how)


@plant("convolution.conv2d")
def wrong_padding(X, K, *, padding, **how):
    return convolution.conv2d(X, K, padding={"zero": "circular"}.get(padding, padding), **how)


@plant("convolution.conv2d")
def convolution_for_correlation(X, K, **how):
    return convolution.conv2d(X, K[:, :, ::-1, ::-1], **how)


@plant("convolution.conv2d")
def accumulated_in_single_precision(X, K, stride=1, **how):
    matrix = convolution.strided_matrix(K, X.shape[1:], stride, **how)
    sums = np.cumsum((matrix * X.ravel()).astype(np.float32), axis=1, dtype=np.float32)
    return sums[:, -1].reshape(convolution.conv2d(X, K, stride=stride, **how).shape)


@plant("convolution.conv2d")
def middle_of_an_even_kernel_on_the_other_side(X, K, *, padding, **how):
    anchor = tuple(k // 2 for k in K.shape[2:]) if padding in ("zero", "circular") and "dilation" not in how else None
    return convolution.conv2d(X, K, padding=padding, anchor=anchor, **how)


@plant("convolution.conv2d_transpose")
def transposed_without_dilation(Y, K, n, dilation=1, **how):
    return convolution.conv2d_transpose(Y, K, n, **how)


@plant("convolution.conv_spectral_norm")
def groups_multiplied(K, n, groups=1, **how):
    parts = np.split(K, groups)
    return math.prod(convolution.conv_spectral_norm(part, n, **how).norm for part in parts)


@plant("convolution.conv_spectral_norm")
def stride_ignored(K, n, stride=1, **how):
    return convolution.conv_spectral_norm(K, n, **how).norm


@plant("convolution.conv_spectral_norm", promises={"convolution.conv_spectral_norm": {"norm": "upper"}})
def circular_norm_for_zero_padding(K, n, padding, **how):
    return convolution.conv_spectral_norm(K, n, padding="circular", **how).norm


@plant("convolution.circular_norm_bound")
def bound_at_the_size_of_the_kernel(K, n, n_iter):
    return convolution.circular_norm_bound(K, K.shape[2:], n_iter)


@plant("convolution.circular_norm_bound")
@quiet
def vanishing_frequency_normalized(K, n, n_iter):
    blocks = convolution.frequency_blocks(K, n)
    logs = np.log(np.linalg.norm(blocks, axis=(2, 3)))
    G = blocks / np.linalg.norm(blocks, axis=(2, 3), keepdims=True)
    for t in range(1, n_iter + 1):
        G = np.swapaxes(G.conj(), 2, 3) @ G
        size = np.linalg.norm(G, axis=(2, 3), keepdims=True)
        logs, G = logs + np.log(size[..., 0, 0]) * 2.0**-t, G / size
    return float(np.exp(logs).max())


@plant("convolution.zero_padded_norm_bound")
def root_of_the_taps_missing(K, n_iter, norm="inf", n=None):
    bound = convolution.zero_padded_norm_bound(K, n_iter, norm, n=n)
    taps = math.prod(2**n_iter * (k - 1) + 1 for k in K.shape[2:])
    return bound / taps ** (2.0**-n_iter / 2) if norm == "fro" else bound


@plant("convolution.circulant_matrix")
def taps_that_meet_overwrite_each_other(K, n):
    h, w = (n, n) if isinstance(n, int) else n
    M = np.zeros((len(K), h, w, K.shape[1], h, w))
    for j, u, v, i, p, q in np.ndindex(len(K), h, w, *K.shape[1:]):
        M[j, u, v, i, (u + p - (K.shape[2] - 1) // 2) % h, (v + q - (K.shape[3] - 1) // 2) % w] = K[j, i, p, q]
    return M.reshape(len(K) * h * w, -1)


# -- simplex and smoothing --------------------------------------------------------------------------


@plant("simplex.softmax")
@quiet
def exponentials_that_overflow(z, temperature=1.0, mass=1.0):
    powers = np.exp(z / temperature)
    return mass * powers / powers.sum(axis=-1, keepdims=True)


@plant("simplex.softmax")
def temperature_multiplied(z, temperature=1.0, mass=1.0):
    return simplex.softmax(z, temperature=1 / temperature, mass=mass)


@plant("simplex.hardmax")
def first_of_a_tie(z, mass=1.0):
    return mass * np.eye(z.shape[-1])[z.argmax(axis=-1)]


@plant("weierstrass.lipschitz_bounded")
def root_two_of_the_simplex_missing(sigma, mass=1.0, into="interval"):
    return weierstrass.lipschitz_bounded(sigma, mass=mass)


@plant("weierstrass.probit")
def tail_by_subtraction(z, scale=1.0):
    return 1 - norm.sf(z * scale)


# -- confidence and certificates --------------------------------------------------------------------


@plant("confidence.clopper_pearson")
def off_by_one_in_n(counts, n, alpha, side="both"):
    return confidence.clopper_pearson(min(counts, n), n + 1, alpha, side=side)


@plant("confidence.clopper_pearson")
def one_sided_alpha(counts, n, alpha, side="both"):
    low, high = beta.ppf(alpha, counts, n - counts + 1), beta.isf(alpha, counts + 1, n - counts)
    return (0.0 if counts == 0 or side == "upper" else low), (1.0 if counts == n or side == "lower" else high)


@plant("confidence.clopper_pearson")
@quiet
def no_success_gives_nan(counts, n, alpha, side="both"):
    risk = alpha / 2 if side == "both" else alpha
    return beta.ppf(risk, counts, n - counts + 1), beta.isf(risk, counts + 1, n - counts)


@plant("confidence.hoeffding")
def range_forgotten(mean, n, alpha, side="both", mass=1.0):
    half = math.sqrt(math.log((2 if side == "both" else 1) / alpha) / (2 * n))
    return (0.0 if side == "upper" else max(mean - half, 0.0)), (mass if side == "lower" else min(mean + half, mass))


@plant("confidence.empirical_bernstein")
def n_for_n_minus_one(mean, variance, n, alpha, side="both", mass=1.0):
    return confidence.empirical_bernstein(mean, variance, n + 1, alpha, side=side, mass=mass)


@plant("certificates.radius_mono", tight=True)
def clipped_probabilities(p_lower, sigma):
    return max(0.0, sigma * float(ndtri(np.clip(p_lower, 1e-6, 1 - 1e-6))))


@plant("weierstrass.probit")
def probabilities_clipped_afterwards(z, scale=1.0):
    return np.clip(norm.cdf(z * scale), 1e-7, 1 - 1e-7)


@plant("certificates.radius_multi")
@quiet
def cancellation_in_the_tail(p_lower, p_upper, sigma):
    return max(0.0, sigma / 2 * float(norm.isf(1 - np.float32(p_lower)) - norm.isf(1 - np.float32(p_upper))))


@plant("certificates.radius_global")
def root_two_missing(scores, labels, lipschitz):
    return certificates.margin(scores, labels) / lipschitz if lipschitz else math.inf


@plant("certificates.certify_mono")
def best_of_the_estimation_sample(selection, estimation, sigma, alpha):
    return certificates.certify_mono(estimation, estimation, sigma, alpha)


@plant("certificates.certify_multi")
def risk_not_shared(counts, sigma, alpha):
    return certificates.certify_multi(counts, sigma, min(alpha * len(counts), 0.999))


@plant("certificates.certify_partitioned")
def buckets_from_the_estimation_sample(selection, estimation, sigma, alpha):
    return certificates.certify_partitioned(estimation, estimation, sigma, alpha)


@plant("certificates.certify_mono")
def two_sided_where_one_is_needed(selection, estimation, sigma, alpha):
    found = certificates.certify_mono(selection, estimation, sigma, alpha)
    return found._replace(label=max(found.label, 0))  # and never abstains
