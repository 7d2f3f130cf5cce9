"""gpu.layers against refimpl.layers."""

import numpy as np
import pytest
from hypothesis import strategies as st
from parity import NAMESPACES, namespace, parity, refused

import gpu
from gpu import layers
from gpu._namespace import matmul
from gpu.layers._orthogonal import cayley_of, exponential_of
from proofs_check.balls import lift
from proofs_check.implementation import balls
from proofs_check.strategies import dyadics, image_sizes, kernels, matrices, square_matrices, vectors

NAMES = st.sampled_from(["relu", "leaky_relu", "tanh", "sigmoid", "gelu", "softplus", "silu", "abs", "identity"])
POINTS = vectors(st.integers(1, 4), dyadics(-6, 6)) | matrices(3) | st.just(np.array(2.5))
SQUARE = square_matrices(complex_entries=True)
KERNELS = kernels(2, ((1, 1), (1, 2), (2, 2)), complex_entries=True)


def _orthogonal(W, **_):
    # As cayley and skew_exponential say, a multiple of n (1 + norm of A); cond(I - A) is at most 1 + norm of A.
    return 64 * len(W) * (1 + np.abs(W).sum()) ** 2


@parity(given_={"x": POINTS, "name": NAMES, "slope": st.sampled_from([0.01, -2.0])}, roundings=64)
def test_activation(impl, x, name, slope):
    return impl.layers.activation(x, name, slope=slope)


@parity(given_={"x": POINTS, "name": NAMES, "slope": st.sampled_from([0.01, -2.0])}, roundings=256)
def test_activation_derivative(impl, x, name, slope):
    return impl.layers.activation_derivative(x, name, slope=slope)


@parity(given_={"name": NAMES, "slope": st.sampled_from([0.01, -2.0])})
def test_activation_lipschitz(impl, name, slope):
    return impl.layers.activation_lipschitz(name, slope=slope)


@parity(given_={"W": matrices(complex_entries=True).filter(np.any)}, roundings=lambda W: 16 * sum(W.shape))
def test_spectral_normalization(impl, W):
    return impl.layers.spectral_normalization(W)


MATRIX_OR_KERNEL = matrices(complex_entries=True) | KERNELS


@parity(given_={"W": MATRIX_OR_KERNEL}, roundings=lambda W: 64 * W.size)
def test_aol_rescaling(impl, W):
    return impl.layers.aol_rescaling(W)


def _weighted(W):
    q = vectors(W.shape[1], st.sampled_from([1.0, 2.0, 0.5, 3.0]))
    return st.fixed_dictionaries({"W": st.just(W), "q": q, "n_iter": st.integers(1, 4)})


@parity(given_=MATRIX_OR_KERNEL.flatmap(_weighted), roundings=lambda W, n_iter, q: 256 * W.size * n_iter)
def test_spectral_rescaling(impl, W, n_iter, q):
    return impl.layers.sll_rescaling(W, q), impl.layers.spectral_rescaling(W, n_iter, q)


@parity(given_={"W": SQUARE}, roundings=_orthogonal)
def test_cayley(impl, W):
    return impl.layers.cayley(W)


def _beside(W):
    V = vectors(len(W)).map(lambda v: np.outer([1.0, -0.5], v))
    return st.fixed_dictionaries({"W": st.just(W), "V": V})


@parity(given_=SQUARE.flatmap(_beside),
        roundings=lambda W, V: 64 * len(W) * (1 + np.abs(W).sum() + (V**2).sum()) ** 2)
def test_cayley_rectangular(impl, W, V):
    return impl.layers.cayley_rectangular(W, V)


@parity(given_={"W": SQUARE}, roundings=_orthogonal)
def test_skew_exponential(impl, W):
    return impl.layers.skew_exponential(W)


@parity(given_={"W": SQUARE.map(lambda W: W / 8), "terms": st.integers(1, 6)}, roundings=256)
def test_skew_exponential_truncated(impl, W, terms):
    return impl.layers.skew_exponential(W, terms)


@parity(given_={"W": matrices(complex_entries=True).map(lambda W: W / 8), "n_iter": st.integers(0, 3)},
        roundings=lambda W, n_iter: 2.0**14)
def test_bjorck(impl, W, n_iter):
    return impl.layers.bjorck(W, n_iter)


def _full_rank(K):
    sigma = np.linalg.svd(K.reshape(len(K), -1), compute_uv=False)
    return sigma[-1] > 0.1 * sigma[0]


@parity(given_={"K": KERNELS.filter(_full_rank)}, roundings=lambda K: 640 * K.size)
def test_reshaped_kernel_orthogonalization(impl, K):
    return impl.layers.reshaped_kernel_orthogonalization(K)


def _sized(K):
    return st.fixed_dictionaries({"K": st.just(K), "n": image_sizes(K)})


def _orthogonal_blocks(K, n):
    return _orthogonal(K) * np.prod(n)


SQUARE_KERNELS = KERNELS.filter(lambda K: K.shape[0] == K.shape[1])


@parity(given_=SQUARE_KERNELS.flatmap(_sized), roundings=_orthogonal_blocks)
def test_cayley_convolution(impl, K, n):
    return impl.layers.cayley_convolution(K, n)


@parity(given_=SQUARE_KERNELS.flatmap(_sized), roundings=_orthogonal_blocks)
def test_skew_orthogonal_convolution(impl, K, n):
    return impl.layers.skew_orthogonal_convolution(K, n)


@parity(given_={"K": SQUARE_KERNELS.map(lambda K: K / 8), "terms": st.integers(1, 4)}, roundings=2**10)
def test_skew_orthogonal_convolution_truncated(impl, K, terms):
    return impl.layers.skew_orthogonal_convolution(K, (2, 3), terms)


COLUMNS = st.lists(st.tuples(*[vectors(3, st.integers(-2, 2).map(float)).map(lambda v: v[:, None])] * 2), max_size=2)


@parity(given_={"H": st.sampled_from([np.eye(3), np.eye(3)[[1, 2, 0]] * 1j]), "directions": COLUMNS}, roundings=128)
def test_block_orthogonal_convolution(impl, H, directions):
    return impl.layers.block_orthogonal_convolution(H, directions)


def _layer(W):
    return st.fixed_dictionaries({
        "W": st.just(W), "x": vectors(W.shape[0]), "b": st.none() | vectors(W.shape[1]), "name": NAMES,
    })


def _terms(W, x, b, **_):
    """The size of what is subtracted: rescaled, W has norm 1 at most."""
    rescaled = np.abs(W[W != 0]).min(initial=1.0)
    return 1 + np.abs(x).sum() + (0 if b is None else np.abs(b).sum()) / rescaled


@parity(given_=matrices().filter(np.any).flatmap(_layer), roundings=256, scale=_terms)
def test_convex_potential_layer(impl, x, W, b, name):
    return impl.layers.convex_potential_layer(x, W, b, name=name)


@parity(given_=matrices().flatmap(_layer), roundings=1024, scale=_terms)
def test_sll_layer(impl, x, W, b, name):
    return impl.layers.sll_layer(x, W, b, n_iter=2, name=name)


@parity(given_=square_matrices(2).flatmap(lambda W: st.fixed_dictionaries({
            "W": st.just(W), "V": vectors(len(W)).map(lambda v: np.outer([1.0, 0.5, -1.0], v)), "x": vectors(3),
            "q": vectors(len(W)), "b": vectors(len(W)), "name": NAMES})), roundings=2**12,
        scale=lambda x, W, V, q, b, name: np.exp(np.abs(q).max()) ** 2 * (np.abs(x).sum() + np.abs(b).sum()))
def test_sandwich_layer(impl, x, W, V, q, b, name):
    return impl.layers.sandwich_layer(x, W, V, q, b, name=name)


@parity(given_={"Q": SQUARE.filter(lambda Q: np.any(Q + np.eye(len(Q))))}, roundings=lambda Q: 64 * len(Q))
def test_residual_linear_block(impl, Q):
    return impl.layers.residual_linear_block(Q)


test_bad_arguments = refused([
    lambda i, W: i.layers.activation(W, "swish"),
    lambda i, W: i.layers.activation(W * 1j, "relu"),
    lambda i, W: i.layers.activation(-1e200 * W, "leaky_relu", slope=1e200),
    lambda i, W: i.layers.activation_derivative(W, "relu", slope=np.inf),
    lambda i, W: i.layers.activation_lipschitz("x"),
    lambda i, W: i.layers.spectral_normalization(0 * W),
    lambda i, W: i.layers.spectral_normalization(W, certified=1),
    lambda i, W: i.layers.aol_rescaling(W[0, :]),
    lambda i, W: i.layers.sll_rescaling(W, W[0, :1]),
    lambda i, W: i.layers.sll_rescaling(W, -W[0, :]),
    lambda i, W: i.layers.spectral_rescaling(W, 0),
    lambda i, W: i.layers.spectral_rescaling(W, 0.5),
    lambda i, W: i.layers.spectral_rescaling(W * 1e-310, 1),
    lambda i, W: i.layers.cayley(W[:1, :]),
    lambda i, W: i.layers.cayley(W * 1e300 * 1e8),
    lambda i, W: i.layers.cayley_rectangular(W, W[:, :1]),
    lambda i, W: i.layers.cayley_rectangular(W, W * 1e200),
    lambda i, W: i.layers.skew_exponential(W * 1e20),
    lambda i, W: i.layers.skew_exponential(W, 0),
    lambda i, W: i.layers.skew_exponential(W * 1e200, 9),
    lambda i, W: i.layers.bjorck(W, -1),
    lambda i, W: i.layers.bjorck(1e9 * W, 9),
    lambda i, W: i.layers.reshaped_kernel_orthogonalization(W),
    lambda i, W: i.layers.cayley_convolution(W[:, :, None, None][:1, ...], 3),
    lambda i, W: i.layers.cayley_convolution(W[:, :, None, None], 0),
    lambda i, W: i.layers.block_orthogonal_convolution(W, []),
    lambda i, W: i.layers.block_orthogonal_convolution(W[:1, :1] / W[0, 0], [(W[:1, :1],)]),
    lambda i, W: i.layers.block_orthogonal_convolution(W[:1, :1] / W[0, 0], [(W[:1, :1], W)]),
    lambda i, W: i.layers.block_orthogonal_convolution(W[:1, :1] / W[0, 0], 3),
    lambda i, W: i.layers.convex_potential_layer(W[0, :], 0 * W),
    lambda i, W: i.layers.convex_potential_layer(W[0, :1], W),
    lambda i, W: i.layers.sll_layer(W[0, :], W, W[0, :1]),
    lambda i, W: i.layers.sll_layer(W[0, :], W, name="x"),
    lambda i, W: i.layers.sandwich_layer(W[0, :], W, W, W[0, :1]),
    lambda i, W: i.layers.sandwich_layer(W[0, :], W, W, W[0, :] * 1e3),
    lambda i, W: i.layers.residual_linear_block(W[:1, :]),
], W=np.array([[1.0, 2.0], [3.0, 4.0]]))

# A skew part with the eigenvalue 0 beside large ones.
test_nothing_orthogonal_is_left = refused([
    lambda i, W: i.layers.cayley(W),
    lambda i, W: i.layers.skew_exponential(W),
    lambda i, W: i.layers.cayley_convolution(W[:, :, None, None], 2),
    lambda i, W: i.layers.skew_orthogonal_convolution(W[:, :, None, None], 2),
    lambda i, W: i.layers.cayley_rectangular(W, W[:1, :] * 1e-30),
], W=np.array([[0.0, 1e20, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))


def test_columns_lost_to_underflow_are_told():
    W = np.diag([1e-100, 1.0])
    for precision, n_iter in (("float64", 9), ("float32", 1)):
        with gpu.precision(precision), pytest.raises(OverflowError, match="W loses column 0 to underflow after"):
            layers.spectral_rescaling(W, n_iter)


@pytest.mark.parametrize("name", NAMESPACES)
@pytest.mark.parametrize("precision", ["float64", "float32", "tf32"])
def test_a_certified_normalization_is_a_contraction_in_every_precision(name, precision, rng):
    xp = namespace(name)
    for W in (rng.standard_normal((4, 6)), rng.standard_normal((5, 3)) * (1 + 2j) * 1e-200):
        with gpu.precision(precision):
            found = np.asarray(layers.spectral_normalization(xp.asarray(W), certified=True))
        exact = balls().spectral.spectral_norm(lift({"W": found.astype(W.dtype)})["W"])
        assert not exact > 1
        assert exact > {"float64": 1 - 1e-12, "float32": 0.999, "tf32": 0.8}[precision]


@pytest.mark.parametrize("name", NAMESPACES)
def test_batches_are_matrix_by_matrix(name, rng):
    xp = namespace(name)
    W = rng.standard_normal((5, 3, 3))
    pairs = (cayley_of, layers.cayley), (lambda xp, W: exponential_of(xp, W, None), layers.skew_exponential)
    for batched, single in pairs:
        found = batched(xp, xp.asarray(W))
        for i in range(5):
            assert np.allclose(np.asarray(found[i, ...]), np.asarray(single(xp.asarray(W[i]))), rtol=0, atol=1e-14)
        off = matmul(found, xp.matrix_transpose(found)) - xp.eye(3)
        assert float(xp.max(xp.abs(off))) < 1e-13
