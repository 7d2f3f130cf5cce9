"""Bounds on convolutions: powers, taps, axes, and minima."""

import math

import numpy as np

from planted._kernels import both, turned
from planted._registry import bug
from refimpl import convolution, spectral


@bug("convolution.zero_padded_norm_bound", claim="lipref.zero-padded-value")
def taps_of_the_kernel_before_the_iteration(K, n_iter, norm="inf", *, n=None, certified=False):
    bound = convolution.zero_padded_norm_bound(K, n_iter, norm, n=n)
    if norm == "inf":
        return bound
    sizes = (n, n) if np.ndim(n) == 0 else n
    pairs = [(k, 2**n_iter * (k - 1) + 1) for k in np.shape(K)[2:]]
    if n is not None:
        pairs = [(min(k, s), min(grown, s)) for (k, grown), s in zip(pairs, sizes, strict=True)]
    return bound * math.prod(k / grown for k, grown in pairs) ** (2.0**-n_iter / 2)


@bug("convolution.zero_padded_norm_bound", claim="lipref.zero-padded-value")
def taps_of_2t_for_those_of_2_to_the_t(K, n_iter, norm="inf", *, n=None, certified=False):
    bound = convolution.zero_padded_norm_bound(K, n_iter, norm, n=n)
    if norm == "inf" or n is not None:
        return bound
    ratio = [(2 * n_iter * (k - 1) + 1) / (2**n_iter * (k - 1) + 1) for k in np.shape(K)[2:]]
    return bound * math.prod(ratio) ** (2.0**-n_iter / 2)


@bug("convolution.zero_padded_norm_bound", claim="lipref.zero-padded-value")
def largest_sum_over_lags_only(K, n_iter, norm="inf", *, n=None, certified=False):
    if norm == "fro":
        return convolution.zero_padded_norm_bound(K, n_iter, norm, n=n)
    scale = float(np.abs(K).max()) or 1.0
    G = convolution.gram_kernel(np.asarray(K) / scale, n_iter)
    return scale * float(np.abs(G).sum(axis=(2, 3)).max()) ** 2.0**-n_iter


@bug("convolution.size_transfer_factor", claim="lipref.transfer-factor")
def root_of_2t_for_2_to_the_t(k, n0, n_iter):
    return convolution.size_transfer_factor(k, n0, n_iter) ** (2.0**n_iter / max(2 * n_iter, 1))


@bug("convolution.size_transfer_factor", claim="lipref.transfer-factor")
def transfer_of_half_the_kernel(k, n0, n_iter):
    # k // 2 for the span of k - 1.
    return convolution.size_transfer_factor(tuple(v // 2 + 1 for v in both(k)), n0, n_iter)


@bug("convolution.size_transfer_factor", claim="lipref.transfer-factor")
def transfer_of_the_turned_kernel(k, n0, n_iter):
    try:
        return convolution.size_transfer_factor(turned(k), n0, n_iter)
    except ValueError:
        return convolution.size_transfer_factor(k, n0, n_iter)


@bug("convolution.size_transfer_factor", claim="thesis.fig-3.2")
def only_the_first_of_the_two_factors(k, n0, n_iter):
    factor = 1.0
    for size, m in zip(both(k), both(n0), strict=True):
        convolution.size_transfer_factor((size, 1), (m, 1), n_iter)  # refuses what is out of range
        factor *= (1 - 2 ** (n_iter) * (size - 1) / m) ** (-(2.0**-n_iter) / 2)
    return factor


@bug("convolution.smaller_input_norm_bound", claim="lipref.compared-values")
def bound_on_the_small_image_itself(K, n0, n_iter, *, certified=False):
    convolution.smaller_input_norm_bound(K, n0, n_iter)  # refuses what is out of range
    return convolution.circular_norm_bound(K, n0, n_iter, certified=certified)


@bug("convolution.smaller_input_norm_bound", claim="lipref.compared-values")
def factor_of_the_rows_only(K, n0, n_iter, *, certified=False):
    k = np.shape(K)[2:]
    factor = convolution.size_transfer_factor((k[0], 1), n0, n_iter)
    return convolution.circular_norm_bound(K, n0, n_iter, certified=certified) * factor


@bug("convolution.polyphase_kernel", claim="lipref.strided-value")
def phases_in_the_order_of_columns(K, stride):
    a, b = both(stride)
    return np.swapaxes(convolution.polyphase_kernel(np.swapaxes(K, 2, 3), (b, a)), 2, 3)


@bug("convolution.polyphase_kernel", claim="lipref.strided-value")
def phases_before_channels(K, stride):
    P = convolution.polyphase_kernel(K, stride)
    shape = (len(P), np.shape(K)[1], -1, *P.shape[2:])
    return np.swapaxes(P.reshape(shape), 1, 2).reshape(P.shape)


@bug("convolution.polyphase_kernel", claim="lipref.strided-value")
def polyphase_of_the_turned_stride(K, stride):
    return convolution.polyphase_kernel(K, turned(stride))


@bug("convolution.polyphase_kernel", claim="lipref.strided-value")
def taps_side_by_side_for_every_second(K, stride):
    # Tap (p, q) goes to phase p div k' instead of p mod s.
    a, b = both(stride)
    P = convolution.polyphase_kernel(K, stride)
    c_out, c_in, (h, w) = len(P), np.shape(K)[1], P.shape[2:]
    full = np.zeros((c_out, c_in, h * a, w * b), P.dtype)
    full[:, :, : np.shape(K)[2], : np.shape(K)[3]] = K
    return full.reshape(c_out, c_in, a, h, b, w).transpose(0, 1, 2, 4, 3, 5).reshape(P.shape)


@bug("convolution.strided_norm_bound", tight=True, claim="lipref.strided-value")
def image_not_divided_by_the_stride(K, n, stride, n_iter, *, padding="circular", certified=False):
    if padding == "zero" or any(m % s for m, s in zip(both(n), both(stride), strict=True)):
        return convolution.strided_norm_bound(K, n, stride, n_iter, padding=padding, certified=certified)
    return convolution.circular_norm_bound(convolution.polyphase_kernel(K, stride), n, n_iter)


@bug("convolution.strided_norm_bound", claim="lipref.strided-value")
def bound_of_the_turned_stride(K, n, stride, n_iter, **how):
    return convolution.strided_norm_bound(K, n, turned(stride), n_iter, **how)


@bug("convolution.strided_norm_bound", claim="lipref.strided-value")
def polyphase_where_the_stride_does_not_divide(K, n, stride, n_iter, *, padding="circular", certified=False):
    if padding == "zero":
        return convolution.strided_norm_bound(K, n, stride, n_iter, padding=padding, certified=certified)
    reduced = tuple(m // s for m, s in zip(both(n), both(stride), strict=True))
    return convolution.circular_norm_bound(convolution.polyphase_kernel(K, stride), reduced, n_iter)


def _four(K):
    K = np.asarray(K)
    o, i, h, w = K.shape
    return [K.transpose(0, 2, 1, 3).reshape(o * h, i * w), K.transpose(0, 3, 1, 2).reshape(o * w, i * h),
            K.reshape(o, -1), K.transpose(0, 2, 3, 1).reshape(-1, i)]


@bug("convolution.four_matrix_bound", claim="lipref.compared-values")
def four_matrices_without_the_root_of_taps(K):
    return min(map(spectral.spectral_norm, _four(K)))


@bug("convolution.four_matrix_bound", claim="lipref.compared-values")
def root_of_the_taps_of_one_axis(K):
    return math.sqrt(np.shape(K)[2]) * min(map(spectral.spectral_norm, _four(K)))


@bug("convolution.four_matrix_bound", tight=True, claim="lipref.compared-values")
def largest_of_four_for_the_least(K):
    return math.sqrt(np.prod(np.shape(K)[2:])) * max(map(spectral.spectral_norm, _four(K)))


@bug("convolution.four_matrix_bound", tight=True, claim="lipref.compared-values")
def reshaped_without_moving_the_axes(K):
    o, i, h, w = np.shape(K)
    R, S, M, N = (np.reshape(K, shape) for shape in ((o * h, i * w), (o * w, i * h), (o, -1), (-1, i)))
    return math.sqrt(h * w) * min(map(spectral.spectral_norm, (R, S, M, N)))


@bug("convolution.sampled_density_bound", claim="lipref.compared-values")
def sum_over_the_side_with_more_channels(K, samples):
    K = np.asarray(K)
    E = np.abs(convolution.frequency_blocks(K, tuple(1 if k == 1 else samples for k in K.shape[2:])))
    axis = 3 if K.shape[0] > K.shape[1] else 2
    return math.sqrt((E**2).sum(axis=axis).max(axis=(0, 1)).sum())


@bug("convolution.sampled_density_bound", claim="lipref.compared-values")
def largest_of_the_sums_for_the_sum_of_the_largest(K, samples):
    K = np.asarray(K)
    E = np.abs(convolution.frequency_blocks(K, tuple(1 if k == 1 else samples for k in K.shape[2:])))
    return math.sqrt((E**2).sum(axis=(2, 3)).max())


@bug("convolution.conv_power_iteration", tight=True, claim="lipref.strided-value")
def convolution_again_for_its_adjoint(K, n, n_iter, *, padding="zero", stride=1, start=None, rng=None):
    K = np.asarray(K)
    if K.shape[0] != K.shape[1] or stride not in (1, (1, 1)) or start is None:
        return convolution.conv_power_iteration(K, n, n_iter, padding=padding, stride=stride, start=start, rng=rng)
    X = np.asarray(start) / np.linalg.norm(start)
    for _ in range(n_iter):
        X = convolution.conv2d(convolution.conv2d(X, K, padding=padding), K, padding=padding)
        X = X / (np.linalg.norm(X) or 1.0)
    return float(np.linalg.norm(convolution.conv2d(X, K, padding=padding)))


@bug("convolution.conv_power_iteration", tight=True, claim="lipref.strided-value")
def conv_power_iteration_one_step_short(K, n, n_iter, **how):
    return convolution.conv_power_iteration(K, n, max(n_iter - 1, 0), **how)


@bug("convolution.dft_matrix", only="claims", why="a matrix without a choice has no vectors", claim="thesis.def-3.4.1")
def dft_with_a_root_in_front(n):
    return convolution.dft_matrix(n) / math.sqrt(n)


@bug("convolution.dft_matrix", only="claims", why="a matrix without a choice has no vectors", claim="thesis.def-3.4.1")
def dft_of_the_other_sign(n):
    return np.conj(convolution.dft_matrix(n))


@bug("convolution.channel_permutation", claim="thesis.thm-3.4.3.order")
def permutation_the_other_way(channels, positions):
    return convolution.channel_permutation(channels, positions).T


@bug("convolution.block_diagonalization", only="claims", why="its factors are as large as the matrix",
     claim="lipref.construction-values")
def transforms_of_the_axes_exchanged(K, n, **how):
    found = convolution.block_diagonalization(K, n, **how)
    F = np.kron(*(convolution.dft_matrix(m) for m in both(n)[::-1]))
    return found._replace(dft_out=np.kron(np.eye(len(K)), F),
                          inverse_dft_in=np.kron(np.eye(np.shape(K)[1]), F.conj() / len(F)))


@bug("convolution.block_diagonalization", only="claims", why="its factors are as large as the matrix",
     claim="lipref.construction-values")
def blocks_without_the_phase_of_the_anchor(K, n, *, anchor=None):
    return convolution.block_diagonalization(K, n, anchor=(0, 0))
