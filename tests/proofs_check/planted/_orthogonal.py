"""Layers of constant 1 and activations: sides, conjugates, roots, factors."""

import math

import numpy as np
from scipy.special import expit

from planted._registry import bug, quiet
from refimpl import convolution, layers, spectral


@bug("layers.bjorck", claim="lipref.orthogonal-values")
def bjorck_in_the_wrong_order(W, n_iter):
    # W W W* for W W* W, where shapes let it.
    A = np.asarray(W) * 1.0
    for _ in range(n_iter):
        A = 1.5 * A - 0.5 * (A @ A @ A.conj().T if len(A) == A.shape[1] else A @ A.conj().T @ A)
    return A


@bug("layers.bjorck", claim="lipref.orthogonal-values")
def bjorck_without_the_conjugate(W, n_iter):
    A = np.asarray(W) * 1.0
    for _ in range(n_iter):
        A = 1.5 * A - 0.5 * A @ A.T @ A
    return A


@bug("layers.bjorck", claim="thesis.sec-2.1.3-bjorck.values")
def bjorck_one_step_short(W, n_iter):
    return layers.bjorck(W, max(n_iter - 1, 0))


@bug("layers.cayley", claim="lipref.cayley-equation")
def cayley_of_half_the_difference(W):
    return layers.cayley(np.asarray(W) / 2)


@bug("layers.cayley", claim="lipref.orthogonal-values")
def cayley_with_the_transpose_for_the_adjoint(W):
    A = np.asarray(W) - np.transpose(W)
    return np.linalg.solve(np.eye(len(A)) - A, np.eye(len(A)) + A)


@bug("layers.cayley_rectangular", claim="lipref.orthogonal-values")
def lower_block_with_the_other_sign(W, V):
    upper, lower = layers.cayley_rectangular(W, V)
    return upper, -lower


@bug("layers.cayley_rectangular", claim="thesis.sec-2.1.3-cayley-rectangular")
def lower_block_without_its_factor(W, V):
    upper, lower = layers.cayley_rectangular(W, V)
    return upper, lower / 2


@bug("layers.cayley_rectangular", claim="thesis.sec-2.1.3-cayley-rectangular")
def sum_with_the_transpose_for_the_difference(W, V):
    W, V = np.asarray(W), np.asarray(V)
    Z = W + W.conj().T + V.conj().T @ V
    identity = np.eye(len(Z))
    inverse = np.linalg.pinv(identity + Z)
    return (identity - Z) @ inverse, -2 * V @ inverse


@bug("layers.skew_exponential", claim="thesis.sec-2.1.3-SOC")
def series_without_factorials(W, terms=None):
    A = np.asarray(W) - np.conj(W).T
    total = term = np.eye(len(A))
    for _ in range(1, 12 if terms is None else terms):
        term = term @ A
        total = total + term
    return total


@bug("layers.skew_exponential", claim="thesis.sec-2.1.3-SOC")
def exponential_entry_by_entry(W, terms=None):
    return np.exp(np.asarray(W) - np.conj(W).T)


@bug("layers.skew_exponential", claim="thesis.sec-2.1.3-SOC-truncated.error")
def exponential_of_half_the_difference(W, terms=None):
    return layers.skew_exponential(np.asarray(W) / 2, terms)


@bug("layers.reshaped_kernel_orthogonalization", claim="lipref.orthogonal-convolution-values")
def taps_for_their_root(K):
    return layers.reshaped_kernel_orthogonalization(K) / math.sqrt(math.prod(np.shape(K)[2:]))


@bug("layers.reshaped_kernel_orthogonalization", claim="lipref.orthogonal-convolution-values")
def orthogonal_without_the_taps(K):
    return layers.reshaped_kernel_orthogonalization(K) * math.sqrt(math.prod(np.shape(K)[2:]))


@bug("layers.reshaped_kernel_orthogonalization", claim="lipref.orthogonal-convolution-values")
def taps_of_one_axis(K):
    return layers.reshaped_kernel_orthogonalization(K) * math.sqrt(np.shape(K)[3])


@bug("layers.reshaped_kernel_orthogonalization", claim="lipref.orthogonal-convolution-values")
def reshaped_with_the_input_channels_in_front(K):
    K = np.asarray(K)
    turned = np.swapaxes(K, 0, 1)
    u, _, vh = np.linalg.svd(turned.reshape(len(turned), -1), full_matrices=False)
    return np.swapaxes((u @ vh).reshape(turned.shape), 0, 1) / math.sqrt(math.prod(K.shape[2:]))


@bug("layers.cayley_convolution", claim="lipref.orthogonal-convolution-values")
def blocks_transformed_forward_again(K, n):
    full = layers.cayley_convolution(K, n)
    return np.roll(full[:, :, ::-1, ::-1], (1, 1), (2, 3))


@bug("layers.cayley_convolution", claim="lipref.orthogonal-convolution-values")
def cayley_of_each_tap(K, n):
    h, w = (n, n) if np.ndim(n) == 0 else n
    K = np.asarray(K)
    full = np.zeros((*K.shape[:2], h, w))
    for p, q in np.ndindex(*K.shape[2:]):
        full[:, :, p % h, q % w] += layers.cayley(K[:, :, p, q])
    return full


@bug("layers.cayley_convolution", claim="lipref.orthogonal-convolution-values")
def skew_in_channels_but_not_in_taps(K, n):
    # K - K^T without the flip of the taps is not skew.
    D = convolution.frequency_blocks(np.asarray(K) - np.swapaxes(K, 0, 1), n)
    A = D.transpose(0, 1, 2, 3)
    identity = np.eye(len(K))
    blocks = np.linalg.solve(identity - A, identity + A)
    return np.fft.ifft2(blocks.transpose(2, 3, 0, 1)).real


@bug("layers.skew_orthogonal_convolution", claim="lipref.orthogonal-convolution-values")
def exponential_of_a_kernel_skew_in_channels_only(K, n, terms=None):
    half = (np.asarray(K) - np.swapaxes(K, 0, 1)) / 2
    D = convolution.frequency_blocks(half, n)
    blocks = np.array([[_exponential(2 * B) for B in row] for row in D])
    return np.fft.ifft2(blocks.transpose(2, 3, 0, 1)).real


def _exponential(A):
    total = term = np.eye(len(A))
    for k in range(1, 40):
        term = term @ A / k
        total = total + term
    return total


@bug("layers.skew_orthogonal_convolution", claim="lipref.orthogonal-convolution-values")
def taps_shifted_by_one(K, n, terms=None):
    return np.roll(layers.skew_orthogonal_convolution(K, n, terms), 1, axis=3)


@bug("layers.block_orthogonal_convolution", claim="lipref.orthogonal-convolution-values")
def high_before_wide(H, directions):
    return layers.block_orthogonal_convolution(H, [(high, wide) for wide, high in directions])


@bug("layers.block_orthogonal_convolution", claim="lipref.orthogonal-convolution-values")
def complement_in_front(H, directions):
    kernel = layers.block_orthogonal_convolution(H, directions)
    return kernel[:, :, ::-1, ::-1]


@bug("layers.block_orthogonal_convolution", claim="lipref.orthogonal-convolution-values")
def rotation_at_the_other_end(H, directions):
    kernel = layers.block_orthogonal_convolution(np.eye(len(H)), directions)
    return np.einsum("jixy,ik->jkxy", kernel, H)


@bug("layers.block_orthogonal_convolution", claim="thesis.sec-2.1.3-BCOP")
def projection_without_orthogonalizing(H, directions):
    # U U* is no projection unless the columns of U have length 1.
    kernel = np.asarray(H)[:, :, None, None] * 1.0
    identity = np.eye(len(H))
    for wide, high in directions:
        P, Q = wide @ np.conj(wide).T, high @ np.conj(high).T
        kernel = np.concatenate([np.einsum("jixy,ik->jkxy", kernel, A) for A in (P, identity - P)], axis=3) if (
            kernel.shape[3] == 1) else layers.block_orthogonal_convolution(H, directions)
        if kernel.shape[2] == 1:
            kernel = np.concatenate([np.einsum("jixy,ik->jkxy", kernel, A) for A in (Q, identity - Q)], axis=2)
    return kernel


@bug("layers.convex_potential_layer", claim="lipref.residual-values")
def potential_without_the_square(x, W, b=None, *, name="relu"):
    step = np.asarray(x) - layers.convex_potential_layer(x, W, b, name=name)
    return x - step * spectral.spectral_norm(W)


@bug("layers.convex_potential_layer", claim="lipref.residual-values")
def potential_with_half_the_step(x, W, b=None, *, name="relu"):
    return (np.asarray(x) + layers.convex_potential_layer(x, W, b, name=name)) / 2


@bug("layers.convex_potential_layer", claim="lipref.residual-values")
def potential_upwards(x, W, b=None, *, name="relu"):
    return 2 * np.asarray(x) - layers.convex_potential_layer(x, W, b, name=name)


@bug("layers.sll_layer", claim="lipref.residual-values")
def rescaling_once_for_its_square(x, W, b=None, *, q=None, n_iter=1, name="relu"):
    R = layers.spectral_rescaling(W, n_iter, q)
    hidden = layers.activation(W.T @ x + (0 if b is None else b), name)
    return x - 2 * W @ (R * hidden)


@bug("layers.sll_layer", claim="lipref.residual-values")
def bias_forgotten(x, W, b=None, *, q=None, n_iter=1, name="relu"):
    return layers.sll_layer(x, W, q=q, n_iter=n_iter, name=name)


@bug("layers.sandwich_layer", claim="lipref.residual-values")
def scales_on_the_wrong_sides(x, W, V, q, b=None, *, name="relu"):
    return layers.sandwich_layer(x, W, V, -np.asarray(q), b, name=name)


@bug("layers.sandwich_layer", claim="lipref.residual-values")
def one_root_of_two(x, W, V, q, b=None, *, name="relu"):
    return layers.sandwich_layer(x, W, V, q, b, name=name) / math.sqrt(2)


@bug("layers.residual_linear_block", claim="thesis.sec-2.1.3-RLB")
def block_over_one_plus_the_norm(Q):
    return (np.eye(len(Q)) + Q) / (1 + spectral.spectral_norm(Q))


@bug("layers.residual_linear_block", claim="thesis.sec-2.1.3-RLB")
def block_by_the_frobenius_norm(Q):
    A = np.eye(len(Q)) + Q
    return A / np.linalg.norm(A)


@bug("layers.activation", claim="thesis.sec-2.1-activations")
def gelu_by_its_approximation(x, name, *, slope=0.01):
    if name != "gelu":
        return layers.activation(x, name, slope=slope)
    x = np.asarray(x) * 1.0
    return x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


@bug("layers.activation", claim="lipref.activation-values")
@quiet
def softplus_by_its_formula(x, name, *, slope=0.01):
    return np.log(1 + np.exp(x)) if name == "softplus" else layers.activation(x, name, slope=slope)


@bug("layers.activation", claim="lipref.activation-values")
def leaky_by_the_maximum(x, name, *, slope=0.01):
    # max(x, a x) is another function where a > 1.
    if name != "leaky_relu":
        return layers.activation(x, name, slope=slope)
    return np.maximum(x, slope * np.asarray(x))


@bug("layers.activation_derivative", claim="lipref.activation-derivatives")
def tanh_without_the_square(x, name, *, slope=0.01):
    return 1 - np.tanh(x) if name == "tanh" else layers.activation_derivative(x, name, slope=slope)


@bug("layers.activation_derivative", claim="lipref.activation-derivatives")
def silu_without_its_second_term(x, name, *, slope=0.01):
    return expit(x) if name == "silu" else layers.activation_derivative(x, name, slope=slope)


@bug("layers.activation_lipschitz", claim="thesis.sec-2.1-activations.digits")
def slope_without_its_modulus(name, *, slope=0.01):
    return max(1.0, slope) if name == "leaky_relu" else layers.activation_lipschitz(name)


@bug("layers.activation_lipschitz", claim="thesis.sec-2.1-activations.digits")
def silu_in_three_digits(name, *, slope=0.01):
    return 1.1 if name == "silu" else layers.activation_lipschitz(name, slope=slope)


@bug("layers.activation_lipschitz", claim="thesis.sec-2.1-activations.digits")
def sigmoid_of_slope_one(name, *, slope=0.01):
    return 1.0 if name == "sigmoid" else layers.activation_lipschitz(name, slope=slope)


@bug("layers.aol_rescaling", claim="lipref.rescaling-values")
def aol_of_the_rows(W):
    W = np.asarray(W)
    return layers.aol_rescaling(W.conj().T) if W.ndim == 2 and W.shape[0] == W.shape[1] else layers.aol_rescaling(W)


@bug("layers.aol_rescaling", claim="thesis.eq-2.5")
def aol_without_the_root(W):
    return layers.aol_rescaling(W) ** 2


@bug("layers.aol_rescaling", claim="lipref.rescaling-values")
def aol_without_the_conjugate(W):
    if np.ndim(W) == 4:
        return layers.aol_rescaling(W)
    sums = np.abs(np.transpose(W) @ W).sum(axis=1)
    return np.divide(1, np.sqrt(sums), out=np.zeros(len(sums)), where=sums > 0)


@bug("layers.sll_rescaling", claim="lipref.rescaling-values")
def weights_forgotten(W, q=None):
    return layers.sll_rescaling(W)


@bug("layers.sll_rescaling", claim="lipref.rescaling-values")
def weights_under_the_second_root(W, q=None):
    return layers.sll_rescaling(W, None if q is None else np.sqrt(q))


@bug("layers.spectral_rescaling", claim="lipref.rescaling-values")
def rescaling_by_the_root_of_2t(W, n_iter, q=None):
    scale = float(np.abs(W).max()) or 1.0
    return layers.spectral_rescaling(np.asarray(W) / scale, n_iter, q) ** (2.0**n_iter / (2 * n_iter)) / scale


@bug("layers.spectral_rescaling", claim="lipref.rescaling-values")
def rescaling_by_the_diagonal(W, n_iter, q=None):
    R = layers.spectral_rescaling(W, n_iter, q)
    if np.ndim(W) == 4:
        return R
    G = np.asarray(W) / (np.abs(W).max() or 1.0)
    for _ in range(n_iter):
        G = G.conj().T @ G
    diagonal = np.abs(np.diag(G)) ** (2.0**-n_iter) * np.abs(W).max()
    return np.divide(1, diagonal, out=np.zeros(len(R)), where=diagonal > 0)


@bug("layers.spectral_normalization", claim="lipref.certified-normalization")
def normalized_by_the_frobenius_norm(W, *, certified=False):
    scale = np.abs(W).max()
    return W / scale / np.linalg.norm(W / scale)


@bug("layers.spectral_normalization", claim="lipref.rescaling-values")
def normalized_by_one_step_of_power_iteration(W, *, certified=False):
    A = W / np.abs(W).max()
    v = A.conj().T @ (A @ np.ones(A.shape[1]))
    return A / (np.linalg.norm(A @ v) / (np.linalg.norm(v) or 1.0) or 1.0)


@bug("layers.spectral_normalization", claim="lipref.certified-normalization")
def only_what_is_above_one_is_divided(W, *, certified=False):
    return np.asarray(W) / max(1.0, spectral.spectral_norm(W))
