"""Convolutions, their matrices, norms and bounds."""

import math

import numpy as np

from planted._registry import bug, quiet
from refimpl import convolution, spectral


@bug("convolution.conv2d", claim="lipref.conv-complex")
def conv2d_with_zeros_for_circular_padding(X, K, *, padding="circular", **rest):
    return convolution.conv2d(X, K, padding="zero" if padding == "circular" else padding, **rest)


@bug("convolution.conv2d", claim="lipref.conv-anchors")
def anchor_forgotten(X, K, *, anchor=None, **rest):
    return convolution.conv2d(X, K, **rest)


@bug("convolution.conv2d", claim="lipref.conv-complex")
def conv2d_that_flips_the_kernel(X, K, **rest):
    return convolution.conv2d(X, np.asarray(K)[:, :, ::-1, ::-1], **rest)


@bug("convolution.conv2d", claim="lipref.conv-complex")
def accumulated_in_single_precision(X, K, stride=1, **how):
    matrix = convolution.strided_matrix(K, X.shape[1:], stride, **how)
    sums = np.cumsum((matrix * X.ravel()).astype(np.float32), axis=1, dtype=np.float32)
    return sums[:, -1].reshape(convolution.conv2d(X, K, stride=stride, **how).shape)


@bug("convolution.conv2d", claim="lipref.conv-complex")
def middle_of_an_even_kernel_on_the_other_side(X, K, *, padding, **how):
    anchor = tuple(k // 2 for k in K.shape[2:]) if padding in ("zero", "circular") and "dilation" not in how else None
    return convolution.conv2d(X, K, padding=padding, anchor=anchor, **how)


@bug("convolution.conv2d_transpose", claim="lipref.conv-dilations")
def transposed_without_dilation(Y, K, n, dilation=1, **how):
    return convolution.conv2d_transpose(Y, K, n, **how)


@bug("convolution.gram_kernel", claim="thesis.eq-A.2.unbounded")
def gram_kernel_with_swapped_channels(K, n_iter=1):
    return convolution.gram_kernel(np.swapaxes(K, 0, 1), n_iter)


@bug("convolution.conv_spectral_norm", claim="lipref.grouped-norm")
def norms_of_groups_multiplied(K, n, *, groups=1, **rest):
    parts = np.split(np.asarray(K), groups)
    norms = [convolution.conv_spectral_norm(part, n, **rest).norm for part in parts]
    return convolution.conv_spectral_norm(K, n, groups=groups, **rest)._replace(norm=math.prod(norms))


@bug("convolution.conv_spectral_norm", claim="lipref.conv-strides")
def stride_ignored(K, n, stride=1, **how):
    return convolution.conv_spectral_norm(K, n, **how)


@bug("convolution.conv_spectral_norm", promises={"norm": "upper"}, claim="lipref.grouped-norm")
def circular_norm_for_zero_padding(K, n, **how):
    return convolution.conv_spectral_norm(K, n, **{**how, "padding": "circular"})


@bug("convolution.circular_norm_bound", claim="lipref.circular-value")
def bound_at_the_size_of_the_kernel(K, n, n_iter):
    return convolution.circular_norm_bound(K, K.shape[2:], n_iter)


@bug("convolution.circular_norm_bound", claim="thesis.prop-3.5.1-convex")
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


@bug("convolution.circular_norm_bound", claim="lipref.circular-value")
def circular_bound_from_half_the_frequencies(K, n, n_iter, *, certified=False):
    h, w = (n, n) if np.ndim(n) == 0 else n
    blocks = convolution.frequency_blocks(K, n).reshape(h, w, *np.shape(K)[:2])[: h // 2 + 1, : max(1, w // 2)]
    return max(spectral.gram_iteration(B, n_iter) for row in blocks for B in row)


@bug("convolution.zero_padded_norm_bound", claim="lipref.zero-padded-value")
def zero_padded_bound_of_the_circular_one(K, n_iter, norm="inf", *, n=None, certified=False):
    return convolution.circular_norm_bound(K, np.shape(K)[2:], n_iter, certified=certified)


@bug("convolution.zero_padded_norm_bound", claim="thesis.thm-3.6.1-fro.taps")
def root_of_the_taps_missing(K, n_iter, norm="inf", n=None):
    bound = convolution.zero_padded_norm_bound(K, n_iter, norm, n=n)
    taps = math.prod(2**n_iter * (k - 1) + 1 for k in K.shape[2:])
    return bound / taps ** (2.0**-n_iter / 2) if norm == "fro" else bound


@bug("convolution.size_transfer_factor", claim="thesis.fig-3.2")
def size_transfer_of_one_axis(k, n0, n_iter):
    return math.sqrt(convolution.size_transfer_factor(k, n0, n_iter))


@bug("convolution.circulant_matrix", claim="thesis.thm-3.4.3.transposed")
def taps_that_meet_overwrite_each_other(K, n):
    h, w = (n, n) if isinstance(n, int) else n
    M = np.zeros((len(K), h, w, K.shape[1], h, w))
    for j, u, v, i, p, q in np.ndindex(len(K), h, w, *K.shape[1:]):
        M[j, u, v, i, (u + p - (K.shape[2] - 1) // 2) % h, (v + q - (K.shape[3] - 1) // 2) % w] = K[j, i, p, q]
    return M.reshape(len(K) * h * w, -1)


@bug("convolution.strided_matrix", claim="thesis.sec-3.8-downsampling.rows")
def strided_matrix_that_keeps_the_last_pixel(K, n, stride, **rest):
    # Every second row starts at stride - 1 instead of 0.
    (h, w), (a, b) = ((v, v) if np.ndim(v) == 0 else v for v in (n, stride))
    full = convolution.strided_matrix(K, n, 1, **{**rest, "sparse": False})
    return full.reshape(len(K), h, w, -1)[:, a - 1 :: a, b - 1 :: b].reshape(-1, full.shape[1])
