"""Convolutions: axes, conjugates, groups, and sizes by one."""

import math

import numpy as np

from planted._registry import bug
from refimpl import convolution, spectral


def turned(pair):
    """The two axes exchanged."""
    return tuple(pair)[::-1] if np.ndim(pair) else pair


def both(n):
    return (n, n) if np.ndim(n) == 0 else tuple(int(v) for v in n)


@bug("convolution.conv2d", claim="lipref.conv-dilations")
def dilation_axes_exchanged(X, K, *, dilation=1, **how):
    return convolution.conv2d(X, K, dilation=turned(dilation), **how)


@bug("convolution.conv2d", claim="lipref.conv-complex")
def stride_axes_exchanged(X, K, *, stride=1, **how):
    return convolution.conv2d(X, K, stride=turned(stride), **how)


@bug("convolution.conv2d", claim="lipref.conv-anchors")
def anchor_axes_exchanged(X, K, *, anchor=None, **how):
    return convolution.conv2d(X, K, anchor=turned(anchor), **how)


@bug("convolution.conv2d", claim="lipref.conv-groups")
def groups_interleaved(X, K, *, groups=1, **how):
    # Output j sees the channels of group j % groups instead of those of its block.
    Y = convolution.conv2d(X, K[np.arange(len(K)).reshape(-1, groups).T.ravel()], groups=groups, **how)
    back = np.empty_like(Y)
    back[np.arange(len(K)).reshape(-1, groups).T.ravel()] = Y
    return back


@bug("convolution.conv2d", claim="lipref.conv-complex")
def conjugate_of_the_kernel_forward(X, K, **how):
    return convolution.conv2d(X, np.conj(K), **how)


@bug("convolution.conv2d", claim="lipref.conv-strides")
def channels_of_the_kernel_transposed(X, K, *, groups=1, **how):
    square = groups == 1 and K.shape[0] == K.shape[1]
    return convolution.conv2d(X, np.swapaxes(K, 0, 1) if square else K, groups=groups, **how)


@bug("convolution.conv2d_transpose", claim="lipref.conv-complex")
def transposed_without_the_conjugate(Y, K, n, **how):
    return convolution.conv2d_transpose(Y, np.conj(K), n, **how)


@bug("convolution.conv2d_transpose", claim="lipref.conv-dilations")
def transposed_with_its_dilation_turned(Y, K, n, *, dilation=1, **how):
    return convolution.conv2d_transpose(Y, K, n, dilation=turned(dilation), **how)


@bug("convolution.conv2d_transpose", claim="lipref.conv-complex")
def transposed_with_the_flipped_kernel(Y, K, n, **how):
    return convolution.conv2d_transpose(Y, np.asarray(K)[:, :, ::-1, ::-1], n, **how)


@bug("convolution.conv2d_transpose", claim="lipref.conv-strides")
def transposed_with_its_stride_turned(Y, K, n, *, stride=1, **how):
    return convolution.conv2d_transpose(Y, K, n, stride=turned(stride), **how)


@bug("convolution.conv_spectral_norm", claim="lipref.conv-dilations")
def norm_with_dilation_axes_exchanged(K, n, *, dilation=1, **how):
    return convolution.conv_spectral_norm(K, n, dilation=turned(dilation), **how)


@bug("convolution.conv_spectral_norm", claim="lipref.conv-complex")
def norm_with_stride_axes_exchanged(K, n, *, stride=1, **how):
    return convolution.conv_spectral_norm(K, n, stride=turned(stride), **how)


@bug("convolution.conv_spectral_norm", claim="lipref.conv-complex")
def norm_on_the_turned_image(K, n, **how):
    return convolution.conv_spectral_norm(K, turned(n), **how)


@bug("convolution.conv_spectral_norm", claim="lipref.grouped-norm")
def norm_of_the_first_group(K, n, *, groups=1, **how):
    return convolution.conv_spectral_norm(np.asarray(K)[: len(K) // groups], n, **how)


@bug("convolution.conv_spectral_norm", claim="lipref.conv-dilations")
def norm_of_a_dilated_kernel_as_of_the_kernel(K, n, *, dilation=1, **how):
    return convolution.conv_spectral_norm(K, n, **how)


@bug("convolution.circulant_matrix", claim="lipref.conv-complex")
def circulant_transposed(K, n, **how):
    K = np.asarray(K)
    if K.shape[0] != K.shape[1]:
        return convolution.circulant_matrix(K, n, **how)
    return convolution.circulant_matrix(K, n, **how).T


@bug("convolution.circulant_matrix", claim="lipref.conv-complex")
def circulant_of_columns(K, n, **how):
    # Pixels in the order of columns.
    return convolution.circulant_matrix(np.swapaxes(K, 2, 3), turned(n), **how)


@bug("convolution.toeplitz_matrix", claim="thesis.A.0.1.centred")
def toeplitz_with_the_other_middle(K, n, *, padding="zero", **how):
    if padding == "zero" and not how:
        return convolution.toeplitz_matrix(K, n, anchor=tuple(k // 2 for k in np.shape(K)[2:]))
    return convolution.toeplitz_matrix(K, n, padding=padding, **how)


@bug("convolution.toeplitz_matrix", claim="lipref.conv-complex")
def toeplitz_of_the_flipped_kernel(K, n, **how):
    return convolution.toeplitz_matrix(np.asarray(K)[:, :, ::-1, ::-1], n, **how)


@bug("convolution.strided_matrix", claim="lipref.conv-complex")
def strided_matrix_with_axes_exchanged(K, n, stride, **how):
    return convolution.strided_matrix(K, n, turned(stride), **how)


@bug("convolution.strided_matrix", claim="thesis.sec-3.8-downsampling.rows")
def strided_columns_for_strided_rows(K, n, stride, *, padding="circular", **how):
    # Rows are left out from the first output on in both axes, but by the stride of the first axis.
    s = stride if np.ndim(stride) == 0 else stride[0]
    try:
        return convolution.strided_matrix(K, n, s, padding=padding, **how)
    except ValueError:
        return convolution.strided_matrix(K, n, stride, padding=padding, **how)


@bug("convolution.frequency_blocks", claim="lipref.conv-frequencies")
def blocks_of_the_inverse_transform(K, n, *, half=False):
    return convolution.frequency_blocks(K, n, half=half) if half else np.conj(
        convolution.frequency_blocks(np.conj(K), n))


@bug("convolution.frequency_blocks", claim="lipref.conv-frequencies")
def blocks_with_channels_exchanged(K, n, **how):
    return np.swapaxes(convolution.frequency_blocks(K, n, **how), 2, 3)


@bug("convolution.frequency_blocks", claim="thesis.alg-5")
def blocks_of_the_cut_kernel(K, n, **how):
    # As fft2(K, s=n) does it: taps beyond the image are dropped, not wrapped.
    h, w = both(n)
    return convolution.frequency_blocks(np.asarray(K)[:, :, :h, :w], n, **how)


@bug("convolution.spectral_density", claim="thesis.eq-A.2.unbounded")
def angles_exchanged(K, w1, w2):
    return convolution.spectral_density(K, w2, w1)


@bug("convolution.spectral_density", claim="lipref.conv-frequencies")
def angles_with_the_other_sign(K, w1, w2):
    return convolution.spectral_density(K, -np.asarray(w1), -np.asarray(w2))


@bug("convolution.gram_kernel", claim="lipref.gram-kernel")
def conjugate_on_the_other_factor(K, n_iter=1):
    return np.conj(convolution.gram_kernel(K, n_iter)) if n_iter else convolution.gram_kernel(K, 0)


@bug("convolution.gram_kernel", claim="lipref.gram-kernel")
def lags_the_other_way_round(K, n_iter=1):
    G = convolution.gram_kernel(K, n_iter)
    return G[:, :, ::-1, ::-1] if n_iter else G


@bug("convolution.gram_kernel", claim="lipref.gram-kernel")
def first_kernel_once_more_for_its_square(K, n_iter=1):
    # (E* E)^t for (E* E)^(2^(t-1)).
    if n_iter < 2:
        return convolution.gram_kernel(K, n_iter)
    first = power = convolution.gram_kernel(K, 1)
    for _ in range(2 ** (n_iter - 1) - 2 if n_iter < 3 else n_iter - 1):
        power = _composed(first, power)
    whole = convolution.gram_kernel(K, n_iter)
    result = np.zeros_like(whole)
    h, w = ((a - b) // 2 for a, b in zip(whole.shape[2:], power.shape[2:], strict=True))
    result[:, :, h : h + power.shape[2], w : w + power.shape[3]] = power
    return result


def _composed(A, B):
    (a, b), (c, d) = A.shape[2:], B.shape[2:]
    result = np.zeros((len(A), B.shape[1], a + c - 1, b + d - 1), np.result_type(A, B))
    for p, q in np.ndindex(a, b):
        result[:, :, p : p + c, q : q + d] += np.einsum("ij,jkpq->ikpq", A[:, :, p, q], B)
    return result


@bug("convolution.circular_norm_bound", claim="lipref.circular-value")
def bound_on_the_turned_image(K, n, n_iter, **how):
    return convolution.circular_norm_bound(K, turned(n), n_iter, **how)


@bug("convolution.circular_norm_bound", tight=True, claim="lipref.circular-value")
def frequency_chosen_before_the_iteration(K, n, n_iter, *, certified=False):
    blocks = convolution.frequency_blocks(K, n).reshape(-1, *np.shape(K)[:2])
    largest = max(blocks, key=np.linalg.norm)
    return spectral.gram_iteration(largest, n_iter, certified=certified)


@bug("convolution.circular_norm_bound", tight=True, claim="lipref.circular-value")
def mean_of_the_frequencies(K, n, n_iter, *, certified=False):
    blocks = convolution.frequency_blocks(K, n).reshape(-1, *np.shape(K)[:2])
    return math.sqrt(np.mean([spectral.gram_iteration(B, n_iter) ** 2 for B in blocks]))


@bug("convolution.circular_norm_bound", tight=True, claim="lipref.circular-value")
def norm_of_all_frequencies(K, n, n_iter, *, certified=False):
    # The Frobenius norm of the whole block diagonal for that of the largest block.
    blocks = convolution.frequency_blocks(K, n).reshape(-1, *np.shape(K)[:2])
    p = 2.0 ** (n_iter + 1)
    bounds = np.array([spectral.gram_iteration(B, n_iter) for B in blocks])
    top = bounds.max() or 1.0
    return float(top * ((bounds / top) ** p).sum() ** (1 / p))


@bug("convolution.circular_norm_bound", claim="lipref.circular-value")
def half_of_the_frequencies_of_a_complex_kernel(K, n, n_iter, *, certified=False):
    if not np.iscomplexobj(K):
        return convolution.circular_norm_bound(K, n, n_iter, certified=certified)
    blocks = convolution.frequency_blocks(K, n)[:, : both(n)[1] // 2 + 1].reshape(-1, *np.shape(K)[:2])
    return max(spectral.gram_iteration(B, n_iter) for B in blocks)


@bug("convolution.circular_norm_bound_gradient", claim="lipref.circular-gradient-value")
def gradient_with_the_conjugate_phase(K, n, n_iter):
    # exp(-i ...) for exp(i ...), as by the forward transform.
    h, w = both(n)
    G = convolution.circular_norm_bound_gradient(K, n, n_iter)
    k_h, k_w = np.shape(K)[2:]
    p, q = np.arange(h), np.arange(w)
    blocks = convolution.frequency_blocks(K, n)
    bounds = [[spectral.gram_iteration(B, n_iter) for B in row] for row in blocks[:, : w // 2 + 1]]
    u, v = np.unravel_index(int(np.argmax(bounds)), np.shape(bounds))
    inner = spectral.gram_iteration_gradient(blocks[u, v], n_iter)
    phase = np.exp(-2j * np.pi * (u * p[:, None] / h + v * q / w))
    phase = phase[np.ix_(np.arange(k_h) % h, np.arange(k_w) % w)]
    return (inner[:, :, None, None] * phase).real if G.shape else G


@bug("convolution.circular_norm_bound_gradient", claim="lipref.circular-gradient-value")
def gradient_on_the_turned_image(K, n, n_iter):
    return convolution.circular_norm_bound_gradient(K, turned(n), n_iter)
