"""gpu.convolution against refimpl.convolution."""

import numpy as np
from hypothesis import strategies as st
from parity import parity, refused

from proofs_check.strategies import convolutions, image_sizes, images, kernels

KERNELS = kernels(complex_entries=True)
PADDINGS = st.sampled_from(["circular", "zero", "full", "valid"])


def _norm_roundings(K, n=(1, 1), n_iter=0, **_):
    """In units of u times the result, where taps do not cancel: see the filters."""
    taps, channels = K.shape[2] * K.shape[3], max(K.shape[:2])
    return 64 * (taps + channels + 8) ** 2 * (1 + n_iter)


def _does_not_cancel(case):
    """The largest block is not much smaller than the taps that it is summed from."""
    K, n = case["K"], case.get("n", (4, 4))
    D = np.fft.fft2(_wrapped(K, n))
    return not K.any() or np.abs(D).max() > 0.1 * np.abs(K).max()


def _wrapped(K, n):
    wrapped = np.zeros((*K.shape[:2], *n), complex)
    for p, q in np.ndindex(*K.shape[2:]):
        wrapped[:, :, p % n[0], q % n[1]] += K[:, :, p, q]
    return wrapped


@st.composite
def maps(draw, adjoint=False):
    """Everything that conv2d takes; not all of it fits together."""
    groups = draw(st.sampled_from([1, 1, 2]))
    K = draw(KERNELS)
    K = np.concatenate([K] * groups)
    n = draw(image_sizes(K, 2, 5))
    case = {
        "K": K, "n": n, "padding": draw(PADDINGS), "stride": draw(st.sampled_from([1, 2, (1, 2)])),
        "dilation": draw(st.sampled_from([1, 1, 2])), "groups": groups,
    }
    spread = [(k - 1) * case["dilation"] + 1 for k in K.shape[2:]]
    steps = np.broadcast_to(case["stride"], 2)
    sizes = {"valid": [a - k + 1 for a, k in zip(n, spread, strict=True)],
             "full": [a + k - 1 for a, k in zip(n, spread, strict=True)]}.get(case["padding"], n)
    if min(sizes) < 1 or any(s > a for s, a in zip(steps, n, strict=True)):
        case |= {"padding": "circular", "stride": 1}
        sizes, steps = n, (1, 1)
    shape = (len(K), *(-(-a // s) for a, s in zip(sizes, steps, strict=True)))
    if adjoint:
        return case | {"Y": draw(images(shape[0], shape[1:]))}
    return {key: value for key, value in case.items() if key != "n"} | {"X": draw(images(K.shape[1] * groups, n))}


# Entries are short dyadic numbers: sums of so few products are exact, in float32 too.
@parity(given_=maps())
def test_conv2d(impl, X, K, **how):
    return impl.convolution.conv2d(X, K, **how)


@parity(given_=maps(adjoint=True))
def test_conv2d_transpose(impl, Y, K, n, **how):
    return impl.convolution.conv2d_transpose(Y, K, n, **how)


@parity(given_=convolutions(KERNELS, low=2, anchor=st.sampled_from([None, 0]), dilation=st.sampled_from([1, 2])))
def test_circulant_matrix(impl, K, n, **how):
    return impl.convolution.circulant_matrix(K, n, **how)


@parity(given_=convolutions(kernels(), low=3, padding=st.sampled_from(["zero", "full", "valid"])))
def test_toeplitz_matrix(impl, K, n, padding):
    return impl.convolution.toeplitz_matrix(K, n, padding=padding)


@parity(given_=convolutions(KERNELS, low=2, stride=st.sampled_from([1, (1, 2)]),
                            padding=st.sampled_from(["circular", "zero", "full"])))
def test_strided_matrix(impl, K, n, stride, padding):
    return impl.convolution.strided_matrix(K, n, stride, padding=padding)


@parity(given_=convolutions(KERNELS, low=2, stride=st.sampled_from([1, (1, 2)]),
                            padding=st.sampled_from(["circular", "zero", "full"])),
        namespaces=("numpy",), precisions=("float64",))
def test_sparse_matrices(impl, K, n, stride, padding):
    W = impl.convolution.strided_matrix(K, n, stride, padding=padding, sparse=True)
    return type(W).__name__, W.toarray()


@parity(given_={"K": KERNELS, "w1": st.sampled_from([0.0, 1.0, np.array([0.5, 2.0])]),
                "w2": st.sampled_from([1.0, np.array([[3.0], [0.25]])])},
        roundings=lambda K, w1, w2: 64 * K.size)
def test_spectral_density(impl, K, w1, w2):
    return impl.convolution.spectral_density(K, w1, w2)


@parity(given_=convolutions(KERNELS, high=6).filter(_does_not_cancel), roundings=lambda K, n: 64 * K.size)
def test_frequency_blocks(impl, K, n):
    return impl.convolution.frequency_blocks(K, n)


@parity(given_=convolutions(kernels(), high=6).filter(_does_not_cancel), roundings=lambda K, n: 64 * K.size)
def test_half_of_the_frequency_blocks(impl, K, n):
    return impl.convolution.frequency_blocks(K, n, half=True)


@parity(given_=convolutions(KERNELS, high=6, n_iter=st.integers(0, 5)).filter(_does_not_cancel),
        roundings=_norm_roundings)
def test_circular_norm_bound(impl, K, n, n_iter):
    return impl.convolution.circular_norm_bound(K, n, n_iter)


def _has_one_largest(case):
    """One frequency, but for its conjugate, has the largest bound: else rounding chooses the subgradient."""
    K, (h, w), n_iter = case["K"], case["n"], case["n_iter"]
    D = np.fft.fft2(_wrapped(K, (h, w))).transpose(2, 3, 0, 1).reshape(h * w, *K.shape[:2])
    sigma = np.linalg.svd(D, compute_uv=False)
    bounds = (sigma ** (2.0 * 2**n_iter)).sum(axis=1)
    u, v = np.divmod(bounds.argmax(), w)
    same = {(u, v), (-u % h, -v % w)}
    others = [b for i, b in enumerate(bounds) if divmod(i, w) not in same]
    return bounds.max() > 0 and (not others or max(others) < 0.99 * bounds.max())


@parity(given_=convolutions(kernels(), high=6, n_iter=st.integers(0, 3)).filter(_does_not_cancel).filter(
            _has_one_largest), roundings=lambda K, n, n_iter: 2**n_iter * _norm_roundings(K))
def test_circular_norm_bound_gradient(impl, K, n, n_iter):
    return impl.convolution.circular_norm_bound_gradient(K, n, n_iter)


# The method is what "auto" takes in both; the error is another estimate.
@parity(given_=convolutions(KERNELS, low=2, high=5, padding=st.sampled_from(["circular", "zero", "full"]),
                            stride=st.sampled_from([1, 2])).filter(
            lambda case: case["stride"] <= min(case["n"])).filter(_does_not_cancel), roundings=_norm_roundings)
def test_conv_spectral_norm(impl, K, n, **how):
    found = impl.convolution.conv_spectral_norm(K, n, **how)
    assert 0 <= found.error <= 1e-12 * (1 + np.prod(n)) * (1 if impl.name == "refimpl" else 2.0**30) * 64
    return found._replace(error=0.0)


@parity(given_={"K": kernels(sizes=((1, 3), (2, 2), (3, 3))), "n": st.sampled_from([(5, 5), (4, 7)]),
                "padding": st.sampled_from(["zero", "circular"])},
        precisions=("float64",), examples=20, roundings=lambda K, n, padding: 2**14)
def test_conv_spectral_norm_by_lanczos(impl, K, n, padding):
    return impl.convolution.conv_spectral_norm(K, n, padding=padding, method="lanczos").norm


@parity(given_={"K": KERNELS, "n_iter": st.integers(0, 2)}, roundings=_norm_roundings)
def test_gram_kernel(impl, K, n_iter):
    return impl.convolution.gram_kernel(K, n_iter)


@parity(given_={"K": KERNELS, "n_iter": st.integers(1, 4), "norm": st.sampled_from(["inf", "fro"]),
                "n": st.sampled_from([None, 3, (2, 5)])}, roundings=_norm_roundings)
def test_zero_padded_norm_bound(impl, K, n_iter, norm, n):
    return impl.convolution.zero_padded_norm_bound(K, n_iter, norm, n=n)


@parity(given_={"K": KERNELS, "stride": st.sampled_from([1, 2, (3, 2)])})
def test_polyphase_kernel(impl, K, stride):
    return impl.convolution.polyphase_kernel(K, stride)


@parity(given_={"K": kernels(), "n": st.sampled_from([(4, 4), (6, 3)]), "stride": st.sampled_from([1, 2, 3]),
                "n_iter": st.integers(1, 3), "padding": st.sampled_from(["circular", "zero"])},
        precisions=("float64",), roundings=2**20)
def test_strided_norm_bound(impl, K, n, stride, n_iter, padding):
    return impl.convolution.strided_norm_bound(K, n, stride, n_iter, padding=padding)


@parity(given_={"k": st.integers(1, 3), "n0": st.integers(17, 64), "n_iter": st.integers(0, 3)}, roundings=8)
def test_size_transfer_factor(impl, k, n0, n_iter):
    return impl.convolution.size_transfer_factor(k, n0, n_iter)


@parity(given_={"K": kernels(), "n_iter": st.integers(0, 2)}, roundings=_norm_roundings)
def test_smaller_input_norm_bound(impl, K, n_iter):
    return impl.convolution.smaller_input_norm_bound(K, 12, n_iter)


@parity(given_=convolutions(kernels(), low=3, n_iter=st.integers(0, 4), padding=st.sampled_from(["zero", "circular"])),
        precisions=("float64",), roundings=2**16)
def test_conv_power_iteration(impl, K, n, n_iter, padding):
    return impl.convolution.conv_power_iteration(K, n, n_iter, padding=padding, rng=3)


@parity(given_={"K": KERNELS}, roundings=lambda K: 64 * K.size)
def test_four_matrix_bound(impl, K):
    return impl.convolution.four_matrix_bound(K)


@parity(given_={"K": KERNELS, "samples": st.integers(3, 7)}, roundings=_norm_roundings)
def test_sampled_density_bound(impl, K, samples):
    return impl.convolution.sampled_density_bound(K, samples)


test_bad_arguments = refused([
    lambda i, K: i.convolution.conv2d(K, K),
    lambda i, K: i.convolution.conv2d(K[0, ...], K[:, :1, ...]),
    lambda i, K: i.convolution.conv2d(K[0, ...], K, padding="same"),
    lambda i, K: i.convolution.conv2d(K[0, ...], K, stride=9),
    lambda i, K: i.convolution.conv2d(K[0, ...], K, anchor=7),
    lambda i, K: i.convolution.conv2d(K[0, ...], K, groups=3),
    lambda i, K: i.convolution.conv2d(K[0, ...], K, padding="full", anchor=0),
    lambda i, K: i.convolution.conv2d(K[0, :, :1, :1], K, padding="valid"),
    lambda i, K: i.convolution.conv2d(1e200 * K[0, ...], 1e200 * K),
    lambda i, K: i.convolution.conv2d_transpose(K[0, ...], K, 5),
    lambda i, K: i.convolution.circular_norm_bound(K, 0, 1),
    lambda i, K: i.convolution.circular_norm_bound(K, 3, -1),
    lambda i, K: i.convolution.circular_norm_bound(K, 3, 1, certified=0),
    lambda i, K: i.convolution.circular_norm_bound_gradient(K * 1j, 3, 1),
    lambda i, K: i.convolution.circular_norm_bound_gradient(0 * K, 3, 1),
    lambda i, K: i.convolution.conv_spectral_norm(K, 3, method="svd"),
    lambda i, K: i.convolution.conv_spectral_norm(K, 0),
    lambda i, K: i.convolution.conv_spectral_norm(K, 3, padding="zero", method="blocks"),
    lambda i, K: i.convolution.conv_spectral_norm(K[:1, :1, ...], (1, 3), method="lanczos"),
    lambda i, K: i.convolution.frequency_blocks(K * 1j, 3, half=True),
    lambda i, K: i.convolution.frequency_blocks(K[0, ...], 3),
    lambda i, K: i.convolution.frequency_blocks(1e308 * K, 1),
    lambda i, K: i.convolution.gram_kernel(1e200 * K),
    lambda i, K: i.convolution.gram_kernel(K, -1),
    lambda i, K: i.convolution.zero_padded_norm_bound(K, 0),
    lambda i, K: i.convolution.polyphase_kernel(K, 0),
    lambda i, K: i.convolution.strided_norm_bound(K, 3, 4, 1),
    lambda i, K: i.convolution.strided_norm_bound(K, 4, 2, 1, padding="full"),
    lambda i, K: i.convolution.size_transfer_factor(3, 4, 1),
    lambda i, K: i.convolution.smaller_input_norm_bound(K, 2, 1),
    lambda i, K: i.convolution.conv_power_iteration(K, 3, 1),
    lambda i, K: i.convolution.conv_power_iteration(K, 3, 1, start=K[0, :1, ...]),
    lambda i, K: i.convolution.conv_power_iteration(K, 3, 1, start=0 * K[0, ...]),
    lambda i, K: i.convolution.sampled_density_bound(K, 0),
    lambda i, K: i.convolution.four_matrix_bound(K[0, ...]),
    lambda i, K: i.convolution.spectral_density(K, K[0, 0, 0, :2], K[0, 0, 0, :3]),
    lambda i, K: i.convolution.spectral_density(K, np.nan, 0.0),
    lambda i, K: i.convolution.circulant_matrix(K, 3, sparse=1),
    lambda i, K: i.convolution.toeplitz_matrix(K, 3, padding="circular"),
], K=np.arange(1.0, 37.0).reshape(2, 2, 3, 3))
