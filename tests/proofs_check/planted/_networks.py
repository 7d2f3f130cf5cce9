"""Networks, their local constants and the curvature of the loss."""

import math

import numpy as np

from planted._registry import bug
from refimpl import curvature as losses
from refimpl import network as nets
from refimpl.layers import activation_derivative
from refimpl.spectral import spectral_norm

A_NETWORK = "takes a network or makes one, and no file holds what it gives"
A_SEARCH = "a search has no vectors: rounding decides where it ends"


def _pair(value):
    return (value, value) if np.ndim(value) == 0 else tuple(value)


@bug("network.pooling_lipschitz", claim="thesis.app-B.1-average.norm")
def window_axes_exchanged(kind, n, k, stride=None):
    try:
        return nets.pooling_lipschitz(kind, n, _pair(k)[::-1], stride if stride is not None else k)
    except ValueError:
        return nets.pooling_lipschitz(kind, n, k, stride)


@bug("network.pooling_lipschitz", claim="thesis.app-B.1-average.norm")
def pooling_with_its_stride_turned(kind, n, k, stride=None):
    return nets.pooling_lipschitz(kind, n, k, None if stride is None else _pair(stride)[::-1])


@bug("network.pooling_lipschitz", claim="lipref.pooling-values")
def number_of_windows_without_the_root(kind, n, k, stride=None):
    found = nets.pooling_lipschitz(kind, n, k, stride)
    return found**2 if kind == "max" else found


@bug("network.pooling_lipschitz", claim="lipref.pooling-values")
def windows_that_share_a_pixel_rounded_up(kind, n, k, stride=None):
    # ceil(k / s) windows in each axis, whether the image has as many or not.
    if kind == "average":
        return nets.pooling_lipschitz(kind, n, k, stride)
    pairs = zip(_pair(k), _pair(k if stride is None else stride), strict=True)
    return math.sqrt(math.prod(math.ceil(a / s) for a, s in pairs))


@bug("network.pooling_lipschitz", claim="lipref.pooling-values")
def mean_without_the_root_of_its_pixels(kind, n, k, stride=None):
    found = nets.pooling_lipschitz(kind, n, k, stride)
    return found if kind == "max" else found / math.sqrt(math.prod(_pair(k)))


@bug("network.product_upper_bound", tight=True, claim="lipref.feed-forward-values")
def product_of_frobenius_norms(network):
    if not isinstance(network, nets.FeedForward) or any(part is not None for part in network.normalizers):
        return nets.product_upper_bound(network)
    factor = nets.product_upper_bound(network)
    for W in network.weights:
        factor *= np.linalg.norm(W) / spectral_norm(W) if W.any() else 0.0
    return float(factor)


@bug("network.product_upper_bound", claim="lipref.feed-forward-values")
def sum_of_the_norms(network):
    if not isinstance(network, nets.FeedForward) or any(part is not None for part in network.normalizers):
        return nets.product_upper_bound(network)
    return float(sum(spectral_norm(W) for W in network.weights))


@bug("network.product_upper_bound", claim="lipref.feed-forward-values")
def every_activation_of_constant_one(network):
    if not isinstance(network, nets.FeedForward) or any(part is not None for part in network.normalizers):
        return nets.product_upper_bound(network)
    return math.prod(spectral_norm(W) for W in network.weights)


def _feed_forward(network):
    return isinstance(network, nets.FeedForward) and not any(part is not None for part in network.normalizers)


@bug("network.input_jacobian", claim="lipref.feed-forward-values")
def slopes_at_the_outputs(network, x):
    # f'(f(y)) for f'(y).
    J = nets.input_jacobian(network, x)
    if not _feed_forward(network):
        return J
    J = np.eye(len(np.ravel(x)))
    for W, name, y in zip(network.weights, network.activation, network.layers(x)[1:], strict=True):
        J = activation_derivative(y, name)[:, None] * (W @ J)
    return J


@bug("network.input_jacobian", claim="lipref.feed-forward-values")
def jacobian_of_the_net_without_biases(network, x):
    if not _feed_forward(network):
        return nets.input_jacobian(network, x)
    return nets.input_jacobian(nets.FeedForward(network.weights, network.activation), x)


@bug("network.input_jacobian", claim="lipref.feed-forward-values")
def jacobian_transposed_where_it_can_be(network, x):
    J = nets.input_jacobian(network, x)
    return J.T if J.shape[0] == J.shape[1] else J


@bug("network.weight_jacobian", claim="lipref.feed-forward-values")
def by_the_weights_of_the_layer_before(network, x, layer):
    J = nets.weight_jacobian(network, x, layer)
    if np.ndim(layer) or layer == 1:
        return J
    other = nets.weight_jacobian(network, x, layer - 1)
    return other if other.shape == J.shape else J


@bug("network.weight_jacobian", claim="lipref.feed-forward-values")
def weights_in_the_order_of_columns(network, x, layer):
    J = nets.weight_jacobian(network, x, layer)
    return np.swapaxes(J, 1, 2).reshape(J.shape) if J.ndim == 3 else J


@bug("network.local_lipschitz", only="claims", why=A_SEARCH, claim="lipref.ascent-range")
def ascent_within_a_step_of_the_start(network, x, radius, n_iter, *, step=None, start=None, rng=None):
    length = radius / 4 if step is None else step
    return nets.local_lipschitz(network, x, min(radius, length), n_iter, step=length, start=None,
                                   rng=0 if rng is None else rng)


@bug("network.local_lipschitz", only="claims", why=A_SEARCH, claim="lipref.ascent-range")
def ascent_that_never_moves(network, x, radius, n_iter, **how):
    return nets.local_lipschitz(network, x, radius, 0, **how)


@bug("network.local_lipschitz", only="claims", why=A_SEARCH, claim="lipref.ascent-range")
def descent_for_ascent(network, x, radius, n_iter, *, step=None, start=None, rng=None):
    # Half of the difference quotient, as of points at both ends of the ball.
    return nets.local_lipschitz(network, x, radius, n_iter, step=step, start=start, rng=rng) / 2


@bug("network.local_lipschitz_exact", claim="lipref.local-constant-values")
def slope_at_the_point_only(network, x, radius=math.inf):
    return spectral_norm(nets.input_jacobian(network, x))


@bug("network.local_lipschitz_exact", claim="lipref.local-constant-values")
def radius_forgotten(network, x, radius=math.inf):
    return nets.local_lipschitz_exact(network, x)


@bug("network.local_lipschitz_exact", claim="lipref.local-constant-values")
def twice_the_radius(network, x, radius=math.inf):
    return nets.local_lipschitz_exact(network, x, 2 * radius)


@bug("network.pgd_attack", only="claims", why=A_SEARCH, claim="lipref.attack-values")
def attack_that_descends(network, x, label, radius, n_iter, *, step, start=None, rng=None):
    moved = nets.pgd_attack(network, x, label, radius, n_iter, step=step, start=start, rng=rng)
    return 2 * np.asarray(x, dtype=float) - moved


@bug("network.pgd_attack", only="claims", why=A_SEARCH, claim="lipref.attack-values")
def attack_without_projection(network, x, label, radius, n_iter, *, step, start=None, rng=None):
    moved = nets.pgd_attack(network, x, label, radius, n_iter, step=step, start=start, rng=rng)
    return x + (moved - x) * (1 + n_iter * step / radius)


@bug("network.identity_like", claim="lipref.construction-values")
def ones_of_the_transposed_shape(n_out, n_in):
    return nets.identity_like(n_in, n_out)


@bug("network.identity_like", claim="lipref.construction-values")
def ones_from_the_other_end(n_out, n_in):
    return nets.identity_like(n_out, n_in)[::-1, ::-1]


@bug("network.truncate_or_pad", claim="lipref.construction-values")
def only_the_last_length(v, sizes):
    return nets.truncate_or_pad(v, list(sizes)[-1:])


@bug("network.truncate_or_pad", claim="than.thm-13-eq-8")
def padded_in_front(v, sizes):
    values = np.asarray(v) * 1.0
    for size in sizes:
        values = np.concatenate([np.zeros(max(size - values.size, 0)), values])[-size:]
    return values


@bug("network.extremal_network", only="claims", why=A_NETWORK, claim="lipref.construction-values")
def factors_in_the_other_order(widths, factors):
    return nets.extremal_network(widths, list(factors)[::-1])


@bug("network.extremal_network", only="claims", why=A_NETWORK, claim="than.thm-13-eq-9")
def root_of_the_factors(widths, factors):
    return nets.extremal_network(widths, np.sqrt(factors).tolist())


@bug("curvature.cross_entropy", claim="lipref.loss-values")
def loss_in_bits(logits, label):
    return losses.cross_entropy(logits, label) / math.log(2)


@bug("curvature.cross_entropy", claim="lipref.loss-values")
def loss_without_the_logarithm_of_the_sum(logits, label):
    a = np.asarray(logits) * 1.0
    return float(a.max() - (a[label] if np.ndim(label) == 0 else a @ label))


@bug("curvature.cross_entropy_gradient", claim="thesis.app-D.2.4-gradient")
def target_less_softmax(logits, label):
    return -losses.cross_entropy_gradient(logits, label)


@bug("curvature.cross_entropy_hessian", claim="thesis.app-D.2.4-hessian")
def hessian_without_the_outer_product(logits):
    return np.diag(np.diag(losses.cross_entropy_hessian(logits)))


@bug("curvature.cross_entropy_hessian", claim="thesis.app-D.2.4-hessian")
def hessian_with_the_softmax_on_the_diagonal(logits):
    H = losses.cross_entropy_hessian(logits)
    return H + 2 * np.diag(np.exp(logits - np.max(logits)) / np.exp(logits - np.max(logits)).sum() - np.diag(H))


@bug("curvature.activation_decay", tight=True, claim="thesis.tab-D.1.1-sign.negative")
def deviation_for_the_variance(logits, label, h, sigma):
    return losses.activation_decay(logits, label, h, math.sqrt(sigma))


@bug("curvature.activation_decay", tight=True, claim="lipref.loss-values")
def norm_of_the_activations_without_its_square(logits, label, h, sigma):
    h = np.asarray(h)
    length = np.linalg.norm(h)
    return losses.activation_decay(logits, label, h / math.sqrt(length) if length else h, sigma)


@bug("curvature.taylor_smoothed_cross_entropy", claim="thesis.thm-D.2.1")
def trace_without_the_half(logits, label, h, sigma):
    return losses.taylor_smoothed_cross_entropy(logits, label, h, math.sqrt(2) * sigma)


@bug("curvature.taylor_smoothed_cross_entropy", claim="lipref.loss-values")
def largest_for_the_sum_of_squares(logits, label, h, sigma):
    p = np.exp(logits - np.max(logits))
    p = p / p.sum()
    loss, trace = losses.cross_entropy(logits, label), 1 - p.max()
    return loss + np.sum(np.square(h)) * sigma**2 / 2 * trace


@bug("curvature.smoothed_cross_entropy_bound", tight=True, claim="lipref.loss-values")
def larger_of_the_two_bounds(logits, label, h, sigma):
    s2, c = sigma**2 * np.sum(np.square(h)), np.size(logits)
    return max(losses.smoothed_cross_entropy_bound(logits, label, h, sigma),
               losses.cross_entropy(logits, label) + s2 / 2 * (1 - 1 / c))


@bug("curvature.smoothed_cross_entropy_bound", tight=True, claim="lipref.loss-values")
def bound_of_the_maximal_trace(logits, label, h, sigma):
    return losses.activation_decay(logits, label, h, sigma)


@bug("curvature.smoothed_cross_entropy", claim="thesis.tab-D.1.1-sign.negative")
def variance_for_the_deviation_of_logits(logits, label, h, sigma):
    return losses.smoothed_cross_entropy(logits, label, h, sigma**2)


@bug("curvature.smoothed_cross_entropy_gradient", claim="thesis.tab-D.1.1-gradient.two-classes")
def gradient_without_the_noise(logits, label, h, sigma):
    return losses.cross_entropy_gradient(logits, label)


@bug("curvature.smoothed_cross_entropy_gradient", claim="thesis.tab-D.1.1-gradient.two-classes")
def gradient_of_the_squared_deviation(logits, label, h, sigma):
    return losses.smoothed_cross_entropy_gradient(logits, label, h, sigma**2)


@bug("curvature.smoothed_cross_entropy_hessian", claim="lipref.smoothed-cross-entropy")
def hessian_at_the_mean(logits, h, sigma):
    return losses.cross_entropy_hessian(logits)


@bug("curvature.loss_hessian", claim="lipref.curvature-values")
def gauss_newton_for_the_hessian(network, x, label, *, loss="cross_entropy", weights="all"):
    count = len(network.weights)
    chosen = {"all": range(count), "inner": range(count - 1), "last": range(count - 1, count)}[weights]
    y = network(x)
    J = np.concatenate([nets.weight_jacobian(network, x, j + 1).reshape(len(y), -1) for j in chosen], axis=1)
    return J.T @ (losses.cross_entropy_hessian(y) if loss == "cross_entropy" else np.eye(len(y))) @ J


@bug("curvature.loss_hessian", claim="lipref.curvature-values")
def squared_loss_with_a_half(network, x, label, *, loss="cross_entropy", weights="all"):
    found = losses.loss_hessian(network, x, label, loss=loss, weights=weights)
    return found / 2 if loss == "squared" else found


@bug("curvature.loss_hessian", claim="lipref.curvature-values")
def blocks_of_the_hessian_only(network, x, label, *, loss="cross_entropy", weights="all"):
    found = losses.loss_hessian(network, x, label, loss=loss, weights=weights)
    if weights != "all":
        return found
    mask, start = np.zeros(found.shape, bool), 0
    for W in network.weights:
        mask[start : start + W.size, start : start + W.size] = True
        start += W.size
    return np.where(mask, found, 0.0)


@bug("curvature.hessian_norm_bound", claim="lipref.curvature-values")
def bound_without_the_squares(network, x, *, loss="cross_entropy", weights="all"):
    last = spectral_norm(losses.cross_entropy_hessian(network(x))) if loss == "cross_entropy" else 1.0
    return last * math.sqrt(losses.hessian_norm_bound(network, x, loss=loss, weights=weights) / (last or 1.0))


@bug("curvature.hessian_norm_bound", claim="lipref.curvature-values")
def largest_layer_for_the_sum(network, x, *, loss="cross_entropy", weights="all"):
    if weights != "all" or len(network.weights) == 1:
        return losses.hessian_norm_bound(network, x, loss=loss, weights=weights)
    parts = [losses.hessian_norm_bound(network, x, loss=loss, weights=part) for part in ("inner", "last")]
    return max(parts)


@bug("curvature.smoothed_hessian_bound", claim="lipref.loss-values")
def curvature_for_the_gradient(curvature, gradient, sigma):
    return losses.smoothed_hessian_bound(gradient, curvature, sigma)


@bug("curvature.smoothed_hessian_bound", claim="thesis.cor-7.2.2")
def gradient_of_one_side(curvature, gradient, sigma):
    # A range of epsilon for one from -epsilon to epsilon.
    return losses.smoothed_hessian_bound(curvature, gradient / 2, sigma)
