"""Layers, normalizers and networks."""

import math

import numpy as np

from planted._registry import bug, quiet
from refimpl import layers, normalization, spectral
from refimpl.network import product_upper_bound


@bug("layers.aol_rescaling", claim="lipref.rescaling-values")
def aol_without_absolute_values(W):
    A = np.asarray(W) * 1.0
    sums = np.abs((A.conj().T @ A).sum(axis=1))
    return np.divide(1, np.sqrt(sums), out=np.zeros(len(sums)), where=sums > 0)


@bug("layers.aol_rescaling", claim="lipref.rescaling-values")
@quiet
def column_of_zeros_divided(W):
    return abs(np.conj(W).T @ W).sum(axis=1) ** -0.5


@bug("layers.sll_rescaling", claim="lipref.rescaling-values")
def weights_upside_down(W, q=None):
    return layers.sll_rescaling(W, None if q is None else 1 / q)


@bug("layers.spectral_rescaling", claim="thesis.sec-4.5-AOL.corollary")
def spectral_rescaling_one_step_short(W, n_iter, q=None):
    return layers.spectral_rescaling(W, max(n_iter - 1, 0), q)


@bug("layers.spectral_normalization", claim="thesis.sec-2.1.3-SN")
def epsilon_beside_the_norm(W):
    return W / (spectral.spectral_norm(W) + 1e-12)


@bug("layers.cayley", claim="lipref.cayley-equation")
def cayley_of_the_symmetric_part(W):
    A = np.asarray(W) + np.conj(W).T
    return np.linalg.lstsq(np.eye(len(A)) - A, np.eye(len(A)) + A, rcond=None)[0]


@bug("layers.cayley", claim="lipref.cayley-equation")
def cayley_transposed(W):
    return layers.cayley(W).conj().T


@bug("layers.skew_exponential", claim="thesis.sec-2.1.3-SOC")
def one_term_too_few(W, terms=None):
    return layers.skew_exponential(W, 8 if terms is None else terms - 1)


@bug("layers.activation_lipschitz", claim="thesis.sec-2.1-activations.digits")
def gelu_of_slope_one(name, **rest):
    return 1.0 if name == "gelu" else layers.activation_lipschitz(name, **rest)


@bug("normalization.layer_norm", claim="than.normalized-outputs")
def variance_with_n_minus_one(x, epsilon):
    return (x - x.mean()) / np.sqrt(x.var(ddof=1) + epsilon)


@bug("normalization.layer_norm", claim="than.normalized-outputs")
@quiet
def epsilon_outside_of_the_root(x, epsilon):
    return (x - x.mean()) / (np.sqrt(x.var()) + epsilon)


@bug("normalization.rms_norm", claim="than.normalized-outputs")
def mean_taken_off(x, epsilon):
    return (x - x.mean()) / np.sqrt(x.var() + epsilon)


@bug("normalization.batch_norm_jacobian", claim="than.lemma-1")
def batch_norm_with_epsilon_outside_the_root(variance, *, epsilon):
    return np.diag(1 / (np.sqrt(variance) + math.sqrt(epsilon)))


@bug("normalization.batch_norm_lipschitz", claim="than.lemma-1.largest")
def batch_norm_by_the_l2_norm(variance, *, epsilon):
    return float(np.linalg.norm(1 / np.sqrt(np.asarray(variance) + epsilon)))


@bug("normalization.layer_norm_jacobian", claim="than.lemma-23")
def layer_norm_with_the_unbiased_variance(x, *, epsilon):
    n, y = len(x), np.asarray(x) - np.mean(x)
    s = math.sqrt(y @ y / max(n - 1, 1) + epsilon)
    return (np.eye(n) - 1 / n - np.outer(y, y) / (n * s * s)) / s


@bug("normalization.group_norm_lipschitz", claim="than.lemma-3.largest")
def constants_of_groups_multiplied(groups, *, epsilon):
    return math.prod(normalization.layer_norm_lipschitz(len(block), epsilon=epsilon) for block in groups)


@bug("normalization.rms_norm_jacobian", claim="than.rms-norm")
def rms_norm_without_the_root(x, *, epsilon):
    return normalization.rms_norm_jacobian(x, epsilon=epsilon) / math.sqrt(np.mean(np.square(x)) + epsilon)


@bug("network.pooling_lipschitz", claim="thesis.app-B.1-average")
def pooling_that_forgets_overlaps(kind, n, k, stride=None):
    return 1.0


@bug("network.product_upper_bound", claim="lipref.feed-forward-values")
def product_bound_without_the_first_layer(network):
    weights = getattr(network, "weights", None)
    norms = [np.linalg.norm(W, 2) for W in weights or []]
    return product_upper_bound(network) / (norms[0] if norms and norms[0] else 1.0)
