"""Lipschitz layers and pooling against closed forms, their definitions written out, and the norms they promise."""

import itertools
import math

import mpmath
import numpy as np
import pytest
import scipy.linalg

from refimpl import convolution, layers
from refimpl.network import pooling_lipschitz
from refimpl.spectral import spectral_norm_enclosure

U = 2.0**-53
CONTRACTIONS = ["relu", "leaky_relu", "tanh", "sigmoid", "softplus", "identity"]  # with a derivative in [0, 1]
W, V, S = [[1, 2], [3, 5]], [[2, 0], [1, 1], [0, 4]], [[2, 0], [0, 1]]
K, X = np.arange(8).reshape(2, 2, 1, 2), [3, -2]


def _norm(A):
    return float(np.linalg.norm(A, 2))


def _off_orthogonal(Q):
    return np.abs(Q.conj().T @ Q - np.eye(Q.shape[1])).max()


def _random(rng, shape, *, is_complex):
    A = rng.standard_normal(shape)
    return A + 1j * rng.standard_normal(shape) if is_complex else A


def _close(actual, expected, size):
    return abs(actual - expected) <= 32 * size * U * expected


both_fields = pytest.mark.parametrize("is_complex", [False, True], ids=["real", "complex"])


@pytest.mark.parametrize("call", [
    lambda f: layers.activation(f(X), "silu"), lambda f: layers.aol_rescaling(f(W)), lambda f: layers.bjorck(f(W), 1),
    lambda f: layers.block_orthogonal_convolution(f([[0, 1], [1, 0]]), [(f([[1], [2]]), f([[3], [1]]))]),
    lambda f: layers.cayley(f(W)), lambda f: layers.cayley_convolution(f(K), 3),
    lambda f: layers.cayley_rectangular(f(W), f(V))[1], lambda f: layers.convex_potential_layer(f(X), f(W), f(X)),
    lambda f: layers.reshaped_kernel_orthogonalization(f(K)), lambda f: layers.residual_linear_block(f(W)),
    lambda f: layers.sandwich_layer(f(X), f(W), f(S), f(X), f(X)), lambda f: layers.skew_exponential(f(W)),
    lambda f: layers.skew_exponential(f(W), 4), lambda f: layers.skew_orthogonal_convolution(f(K), 3),
    lambda f: layers.sll_layer(f(X), f(W), f(X), q=f([1, 2]), n_iter=2),
    lambda f: layers.sll_rescaling(f(K), f([1, 2])), lambda f: layers.spectral_rescaling(f(W), 3, f([1, 2])),
    lambda f: layers.spectral_normalization(f(W)), lambda f: layers.spectral_normalization(f(W), certified=True),
])
def test_inputs_stay_as_they_are_and_integers_and_float32_count_as_float64(call, frozen):
    expected = call(lambda value: frozen(value, np.float64))
    assert expected.dtype == np.float64
    for dtype in (np.int64, np.int8, np.float32):
        np.testing.assert_array_equal(call(lambda value, dtype=dtype: frozen(value, dtype)), expected, strict=True)
    np.testing.assert_array_equal(call(lambda value: np.asarray(value).tolist()), expected, strict=True)


@both_fields
@pytest.mark.parametrize("n_iter", [1, 2, 3])
def test_orthogonal_columns_are_divided_by_their_lengths(n_iter, is_complex, rng):
    Q = np.linalg.qr(_random(rng, (6, 3), is_complex=is_complex))[0] * np.array([1.5, 1, 0.5])
    # Products of columns are off zero by some U; each step squares the ratio, at most 3, of what they are added to.
    R = layers.spectral_rescaling(Q, n_iter)
    assert R.dtype == np.float64
    np.testing.assert_allclose(R, [2 / 3, 1, 2], rtol=64 * U * 3 ** 2**n_iter)


@pytest.mark.parametrize("n_iter", [1, 2, 4, 7])
def test_diagonal_matrices_become_signs(n_iter):
    diagonal = np.array([3.0, -2.5, 2.0])
    np.testing.assert_allclose(layers.spectral_rescaling(np.diag(diagonal), n_iter), 1 / abs(diagonal), rtol=32 * U)
    np.testing.assert_array_equal(layers.spectral_rescaling(np.diag([2.0, 1.0]), n_iter), [0.5, 1])


@pytest.mark.parametrize("n_iter", [1, 2, 3, 6, 60])
def test_rank_one_has_its_closed_form(n_iter, rng):
    u, v, q = rng.standard_normal(5), rng.standard_normal(4), rng.uniform(0.5, 2, 4)
    half = 2 ** (n_iter - 1)
    # The iterate of t steps is |u|^(2 half) |v|^(2 half - 2) v v^T.
    root = np.linalg.norm(u) * np.linalg.norm(v) ** (1 - 1 / half)
    for weights, given in ((np.ones(4), None), (q, q)):
        sums = np.abs(v) * (np.abs(v) @ weights) / weights
        expected = sums ** (-0.5 / half) / root
        np.testing.assert_allclose(layers.spectral_rescaling(np.outer(u, v), n_iter, given), expected, rtol=64 * U)


def test_the_names_of_one_step_agree(rng):
    A, q = rng.standard_normal((4, 3)), rng.uniform(1, 2, 3)
    gram = np.abs(A.T @ A)
    np.testing.assert_allclose(layers.aol_rescaling(A), gram.sum(axis=1) ** -0.5, rtol=32 * U)
    np.testing.assert_allclose(layers.sll_rescaling(A, q), ((gram * q).sum(axis=1) / q) ** -0.5, rtol=32 * U)
    np.testing.assert_array_equal(layers.spectral_rescaling(A, 1, q), layers.sll_rescaling(A, q))


@pytest.mark.parametrize("k", [-900, -520, -1, 0, 3, 520, 900])
@pytest.mark.parametrize("shape", [(3, 2), (2, 2, 1, 3)], ids=["matrix", "kernel"])
def test_a_power_of_two_moves_out_exactly(k, shape, rng):
    A, q = rng.standard_normal(shape), [1.0, 3.0]
    for n_iter in (1, 3):
        expected = np.ldexp(layers.spectral_rescaling(A, n_iter, q), -k)
        np.testing.assert_array_equal(layers.spectral_rescaling(np.ldexp(A, k), n_iter, q), expected)
    if A.ndim == 2:
        for certified in (False, True):
            pair = [layers.spectral_normalization(B, certified=certified) for B in (A, np.ldexp(A, k))]
            np.testing.assert_array_equal(*pair)


def test_zero_columns_get_zero_and_leave_the_others_alone(rng):
    A = rng.standard_normal((4, 3))
    wide = np.insert(A, 1, 0, axis=1)
    for n_iter in (1, 4):
        expected = np.insert(layers.spectral_rescaling(A, n_iter), 1, 0)
        np.testing.assert_allclose(layers.spectral_rescaling(wide, n_iter), expected, rtol=32 * U)
    assert layers.aol_rescaling(np.zeros((2, 3))).tolist() == [0, 0, 0]
    assert layers.aol_rescaling(np.zeros((2, 3, 2, 2))).tolist() == [0, 0, 0]


@both_fields
def test_a_kernel_of_one_tap_is_its_matrix(is_complex, rng):
    A = _random(rng, (3, 4), is_complex=is_complex)
    for n_iter in (1, 2, 4):
        kernel = layers.spectral_rescaling(A[:, :, None, None], n_iter, [1, 2, 3, 4])
        np.testing.assert_allclose(kernel, layers.spectral_rescaling(A, n_iter, [1, 2, 3, 4]), rtol=64 * U)


def test_a_kernel_of_one_channel_sums_its_correlations():
    # The autocorrelation of (3, -1) is -3, 10, -3; its own one 9, -60, 118, -60, 9.
    kernel = [[[[3, -1]]]]
    np.testing.assert_allclose(layers.aol_rescaling(kernel), [16**-0.5], rtol=8 * U)
    np.testing.assert_allclose(layers.spectral_rescaling(kernel, 2), [256**-0.25], rtol=8 * U)
    # (1, 1, -1) gives -1, 0, 3, 0, -1, and this 1, 0, -6, 0, 11, 0, -6, 0, 1.
    np.testing.assert_allclose(layers.aol_rescaling([[[[1, 1, -1]]]]), [5**-0.5], rtol=8 * U)
    np.testing.assert_allclose(layers.spectral_rescaling([[[[1, 1, -1]]]], 2), [25**-0.25], rtol=8 * U)


@both_fields
@pytest.mark.parametrize("n_iter", [1, 2, 4])
def test_rescaled_matrices_and_convolutions_are_contractions(n_iter, is_complex, rng):
    q = [0.5, 3.0]
    for shape in ((1, 2), (2, 2), (7, 2)):
        A = _random(rng, shape, is_complex=is_complex)
        assert _norm(A * layers.spectral_rescaling(A, n_iter, q)) <= 1 + 64 * U
    for k, n in itertools.product([(1, 1), (3, 3), (2, 3)], [1, (2, 3), 4, (5, 6)]):
        kernel = _random(rng, (3, 2, *k), is_complex=is_complex)
        kernel = kernel * layers.spectral_rescaling(kernel, n_iter, q)[:, None, None]
        size = 3 * math.prod((n, n) if isinstance(n, int) else n)
        assert _norm(convolution.circulant_matrix(kernel, n)) <= 1 + 64 * size * U
        for padding in ("zero", "full"):
            assert _norm(convolution.toeplitz_matrix(kernel, n, padding=padding)) <= 1 + 64 * size * U


def test_spectral_normalization_has_norm_one(rng):
    assert layers.spectral_normalization([[3, 0], [0, 4]]).tolist() == [[0.75, 0], [0, 1]]
    assert layers.spectral_normalization([[-(2.0**-1074)]]).tolist() == [[-1]]
    assert layers.spectral_normalization([[2.0**1023, 2.0**1023]] * 2).tolist() == [[0.5, 0.5]] * 2
    for is_complex, shape in itertools.product((False, True), [(1, 1), (1, 5), (6, 3), (4, 4)]):
        A = _random(rng, shape, is_complex=is_complex)
        normalized = layers.spectral_normalization(A)
        assert abs(_norm(normalized) - 1) <= 32 * U * max(shape)
        np.testing.assert_allclose(normalized * _norm(A), A, rtol=32 * U * max(shape))


@both_fields
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 2), (4, 4), (12, 9)], ids=str)
def test_certified_normalization_is_a_contraction_beyond_doubt(shape, is_complex, rng):
    for scale in (1.0, 1 / 3, 1e-200, 1e200):
        A = layers.spectral_normalization(scale * _random(rng, shape, is_complex=is_complex), certified=True)
        assert spectral_norm_enclosure(A).low <= 1
        assert 1 - 1e-10 <= _norm(A) <= 1 + 32 * U * max(shape)
    for exact in ([[3.0]], [[0, 5], [5, 0]], np.eye(3) / 3):  # the norm is the largest entry
        largest = np.abs(layers.spectral_normalization(exact, certified=True)).max()
        assert 1 - 1e-10 <= largest <= 1


@both_fields
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_cayley_transforms_are_orthogonal_and_inverted_by_the_sign(n, scale, is_complex, rng):
    A = scale * _random(rng, (n, n), is_complex=is_complex)
    # The inverse of I - A has norm at most 1, so that a backward error of n^2 U |I - A| is one of the result.
    tolerance = 16 * n * n * U * (1 + _norm(A - A.conj().T))
    Q, back = layers.cayley(A), layers.cayley(-A)
    assert _off_orthogonal(Q) <= 2 * tolerance
    np.testing.assert_allclose(back, Q.conj().T, rtol=0, atol=2 * tolerance)
    assert np.iscomplexobj(Q) == is_complex


@pytest.mark.parametrize("a", [0, 0.25, -1, 3, 1e8, 1e-8])
def test_two_by_two_transforms_are_rotations(a):
    c, s = (1 - a * a) / (1 + a * a), 2 * a / (1 + a * a)
    np.testing.assert_allclose(layers.cayley([[7, a], [0, 7]]), [[c, s], [-s, c]], rtol=0, atol=16 * U)
    rotation = [[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]]
    tolerance = 64 * U * (1 + abs(a))
    np.testing.assert_allclose(layers.skew_exponential([[7, a], [0, 7]]), rotation, rtol=0, atol=tolerance)


def test_symmetric_matrices_give_the_identity(rng):
    A = rng.standard_normal((4, 4))
    for function in (layers.cayley, layers.skew_exponential):
        np.testing.assert_array_equal(function(A + A.T), np.eye(4))


@both_fields
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize(("m", "n"), [(1, 1), (2, 3), (4, 3), (1, 5)])
def test_rectangular_cayley_blocks_have_orthonormal_columns_together(m, n, scale, is_complex, rng):
    A, B = scale * _random(rng, (n, n), is_complex=is_complex), _random(rng, (m, n), is_complex=is_complex)
    upper, lower = layers.cayley_rectangular(A, B)
    assert (upper.shape, lower.shape) == ((n, n), (m, n))
    Z = A - A.conj().T + B.conj().T @ B
    tolerance = 64 * n * n * U * (1 + _norm(B)) * (1 + _norm(Z))
    assert _off_orthogonal(np.vstack([upper, lower])) <= tolerance
    np.testing.assert_allclose(upper @ (np.eye(n) + Z), np.eye(n) - Z, rtol=0, atol=tolerance * (1 + _norm(Z)))
    np.testing.assert_allclose(lower @ (np.eye(n) + Z), -2 * B, rtol=0, atol=tolerance * (1 + _norm(Z)))


@both_fields
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e3])
def test_skew_exponentials_are_orthogonal_and_inverted_by_the_sign(scale, is_complex, rng):
    for n in (1, 2, 5):
        A = scale * _random(rng, (n, n), is_complex=is_complex)
        # Each squaring doubles the error of the last; about as many as the logarithm of the norm.
        tolerance = 32 * n * n * U * (1 + _norm(A - A.conj().T))
        Q = layers.skew_exponential(A)
        assert _off_orthogonal(Q) <= tolerance
        np.testing.assert_allclose(layers.skew_exponential(-A), Q.conj().T, rtol=0, atol=tolerance)


@both_fields
def test_truncated_series_is_the_sum_of_its_terms(is_complex, rng):
    B = _random(rng, (4, 4), is_complex=is_complex)
    A = B - B.conj().T
    total, exact = np.zeros((4, 4)), layers.skew_exponential(B)
    for k in range(12):
        total = total + np.linalg.matrix_power(A, k) / math.factorial(k)
        tolerance = 256 * U * math.exp(_norm(A))
        truncated = layers.skew_exponential(B, k + 1)
        np.testing.assert_allclose(truncated, total, rtol=0, atol=tolerance)
        assert _norm(truncated - exact) <= _norm(A) ** (k + 1) / math.factorial(k + 1) + tolerance
    assert layers.skew_exponential([[0, 1], [0, 0]], 1).tolist() == [[1, 0], [0, 1]]
    assert layers.skew_exponential([[0, 2], [0, 0]], 2).tolist() == [[1, 2], [-2, 1]]  # of norm sqrt 5, not 1


@both_fields
@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (2, 4)], ids=str)
def test_bjorck_moves_singular_values_only(shape, is_complex, rng):
    u, _, vh = np.linalg.svd(_random(rng, shape, is_complex=is_complex), full_matrices=False)
    values = np.linspace(0.2, 1.7, min(shape))
    A, expected = (u * values) @ vh, values
    for t in range(30):
        np.testing.assert_allclose(layers.bjorck(A, t), (u * expected) @ vh, rtol=0, atol=2e3 * U)
        if t:
            assert _norm(layers.bjorck(A, t)) <= 1 + 32 * U
        expected = expected * (3 - expected**2) / 2
    polar = scipy.linalg.polar(A)[0]  # the factor is 1 / 0.2 times as sensitive as the matrix
    np.testing.assert_allclose(layers.bjorck(A, 30), polar, rtol=0, atol=1e3 * U)


def test_bjorck_keeps_its_fixed_points():
    for fixed in (np.eye(3)[[2, 0, 1]], -np.eye(2), np.zeros((2, 3)), 1j * np.eye(2), np.eye(4)[:, :2]):
        for t in (0, 1, 5):
            np.testing.assert_array_equal(layers.bjorck(fixed, t), fixed)
    assert layers.bjorck([[2.0]], 1).tolist() == [[-1]]  # 2 (3 - 4) / 2
    np.testing.assert_allclose(layers.bjorck([[5**0.5]], 2), [[5**0.5]], rtol=128 * U)  # changes sign, derivative -6


@both_fields
@pytest.mark.parametrize(("c", "k", "n"), [(1, (1, 3), (1, 5)), (2, (3, 3), 4), (3, (2, 1), (3, 2)), (2, (3, 3), 2)])
def test_convolutions_by_frequency_are_the_transforms_of_their_matrices(c, k, n, is_complex, frozen, rng):
    kernel = frozen(_random(rng, (c, c, *k), is_complex=is_complex))
    big = convolution.circulant_matrix(kernel, n, anchor=0)
    tolerance = 64 * len(big) ** 2 * U * (1 + 2 * _norm(big))
    for made, terms, expected in (
        (layers.cayley_convolution(kernel, n), None, layers.cayley(big)),
        (layers.skew_orthogonal_convolution(kernel, n), None, layers.skew_exponential(big)),
        (layers.skew_orthogonal_convolution(kernel, n, 3), 3, layers.skew_exponential(big, 3)),
    ):
        actual = convolution.circulant_matrix(made, n, anchor=0)
        assert made.shape == (c, c, *((n, n) if isinstance(n, int) else n))
        assert np.iscomplexobj(made) == is_complex
        np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * (1 + 2 * _norm(big)) ** 2)
        if terms is None:
            assert _off_orthogonal(actual) <= tolerance


@both_fields
@pytest.mark.parametrize(("c", "rank", "count"), [(1, 1, 2), (2, 1, 1), (3, 2, 2), (3, 1, 0), (4, 2, 3)])
def test_block_orthogonal_convolutions_are_orthogonal_from_their_own_size_on(c, rank, count, is_complex, rng):
    H = layers.cayley(_random(rng, (c, c), is_complex=is_complex))
    pairs = [tuple(_random(rng, (2, c, rank), is_complex=is_complex)) for _ in range(count)]
    kernel, k = layers.block_orthogonal_convolution(H, pairs), count + 1
    assert kernel.shape == (c, c, k, k)
    assert np.iscomplexobj(kernel) == is_complex
    np.testing.assert_allclose(kernel.sum(axis=(2, 3)), H, rtol=0, atol=64 * c * k * k * U)  # P + (I - P) = I
    for n in (k, (k, k + 2), k + 1):
        for anchor in (0, None):
            matrix = convolution.circulant_matrix(kernel, n, anchor=anchor)
            assert _off_orthogonal(matrix) <= 64 * c * k * k * U


@both_fields
def test_reshaped_kernels_are_contractions_with_orthogonal_rows(is_complex, rng):
    for (c_out, c_in, *k), n in itertools.product([(2, 3, 3, 3), (4, 1, 1, 2), (3, 2, 2, 3)], [1, 3, (4, 5)]):
        kernel = layers.reshaped_kernel_orthogonalization(_random(rng, (c_out, c_in, *k), is_complex=is_complex))
        rows = kernel.reshape(c_out, -1) * math.prod(k) ** 0.5
        assert _off_orthogonal(rows if c_out > rows.shape[1] else rows.conj().T) <= 64 * U
        for stride, padding in itertools.product((1, (1, 1 if n == 1 else 2)), ("circular", "full", "zero")):
            assert _norm(convolution.strided_matrix(kernel, n, stride, padding=padding)) <= 1 + 1e3 * U
    kernel = layers.reshaped_kernel_orthogonalization([[[[3, 4]]]])
    np.testing.assert_allclose(kernel, [[[[0.6, 0.8]]]] / np.sqrt(2), rtol=8 * U)


@pytest.mark.parametrize("name", CONTRACTIONS)
def test_layers_of_monotone_activations_never_stretch(name, rng):
    A, B, square, b, q = (rng.standard_normal(s) for s in ((4, 6), (4, 3), (3, 3), 6, 3))
    maps = [lambda x, t=t: layers.sll_layer(x, A, b, q=np.exp(b), n_iter=t, name=name) for t in (1, 3)]
    maps.append(lambda x: layers.convex_potential_layer(x, A, b, name=name))
    maps.append(lambda x: layers.sandwich_layer(x, square, B, q, b[:3], name=name))
    for distance, f in itertools.product((1e-3, 1.0, 30.0), maps):
        for x, step in rng.standard_normal((20, 2, 4)):
            y = x + distance * step
            assert np.linalg.norm(f(x) - f(y)) <= np.linalg.norm(x - y) + 1e4 * U * (1 + distance)


def test_layers_have_the_values_of_their_formulas():
    for name, slope in (("relu", 1), ("abs", 3)):  # with the modulus the slope is 3 below zero, not at most 1
        for f in (lambda x, name=name: layers.sll_layer([x], [[1]], name=name).item(),
                  lambda x, name=name: layers.convex_potential_layer([x], [[2]], name=name).item()):
            assert (f(3), f(-3), f(-2)) == (-3, -3 * slope, -2 * slope)
    assert layers.convex_potential_layer([3, 4], [[2], [0]], [-2]).tolist() == [-1, 4]  # 3 - 2/4 * 2 * 4
    assert layers.sll_layer([1, 1], [[2, 0], [0, 4]], [1, -5]).tolist() == [-2, 1]  # 1 - 2 * 2 / 4 * 3
    assert layers.sll_layer([1, 1], np.zeros((2, 3))).tolist() == [1, 1]
    # Z = 4, A = -3/5, B = -4/5: -2.4 * 3 or 2.4 * 3, times sqrt 2, over exp q, plus b, and back.
    for x, q, b, expected in ((3, 0, 0, 0), (-3, 0, 0, -2.88), (-3, math.log(2), math.sqrt(2), -5.28)):
        np.testing.assert_allclose(layers.sandwich_layer([x], [[0]], [[2]], [q], [b]), [expected], rtol=32 * U)
    assert layers.residual_linear_block([[1, 0], [0, 3]]).tolist() == [[0.5, 0], [0, 1]]
    assert layers.residual_linear_block([[0, 1j], [-1j, 0]]).tolist() == [[0.5, 0.5j], [-0.5j, 0.5]]


POINTS = [*np.linspace(-40, 40, 161), 1e-300, -1e-300, 1e-9, -1e-9]
EXACT = {
    "relu": lambda x: max(x, 0), "leaky_relu": lambda x: max(x, 0) + mpmath.mpf(0.3) * min(x, 0), "tanh": mpmath.tanh,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)), "gelu": lambda x: x * mpmath.ncdf(x), "abs": abs,
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)), "identity": lambda x: x,
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
}


@pytest.mark.parametrize("name", EXACT)
def test_activations_have_their_values_and_slopes(name, frozen):
    with mpmath.workdps(30):
        expected = np.array([float(EXACT[name](mpmath.mpf(float(x)))) for x in POINTS])
    condition = 4 + np.square(POINTS)  # of the normal distribution in its tail; less for the others
    error = np.abs(layers.activation(frozen(POINTS), name, slope=0.3) - expected)
    underflow = 40 * 2.0**-1022  # the distribution function may end where normal numbers do
    assert (error <= 4 * U * condition * np.abs(expected) + (underflow if name == "gelu" else 2.0**-1074)).all()
    with mpmath.workdps(30):  # the steepest point of the smooth ones: sqrt 2, the root of (x/2) tanh(x/2) = 1, or 0
        start = {"gelu": 1.4, "silu": 2.4, "tanh": 0.0, "sigmoid": 0.0}.get(name)
        place = 1 if start is None else mpmath.findroot(lambda x: mpmath.diff(EXACT[name], x, 2), start)
        steepest = 1.0 if start is None else float(mpmath.diff(EXACT[name], place))
    assert layers.activation_lipschitz(name, slope=0.3) == steepest
    slopes = np.abs(np.diff(layers.activation(np.linspace(-8, 8, 4097), name))) * 256
    assert steepest - 1e-3 <= slopes.max() <= steepest + 1e4 * U  # rounding of values up to 8, times 256


def test_leaky_slopes_may_be_of_any_size():
    assert [layers.activation_lipschitz("leaky_relu", slope=a) for a in (0, 1, -1, 3, -2.5)] == [1, 1, 1, 3, 2.5]
    assert layers.activation([-2, 0, 5], "leaky_relu", slope=-3).tolist() == [6, 0, 5]


@pytest.mark.parametrize(("n", "k", "stride"), [
    (8, 2, None), (7, 3, 2), (5, 3, 1), (6, 6, 1), (5, 1, 3), (9, 2, 4), ((1, 9), (1, 4), (1, 2)),
    ((6, 5), (3, 2), (1, 2)),
], ids=str)
def test_pooling_constants_are_those_of_the_windows_written_out(n, k, stride, rng):
    (h, w), (a, b) = ((v, v) if isinstance(v, int) else v for v in (n, k))
    s, t = (a, b) if stride is None else (stride, stride) if isinstance(stride, int) else stride
    windows = np.zeros((len(range(0, h - a + 1, s)), len(range(0, w - b + 1, t)), h, w), bool)
    for i, j in np.ndindex(windows.shape[:2]):
        windows[i, j, i * s : i * s + a, j * t : j * t + b] = True
    windows = windows.reshape(-1, h * w)
    assert _close(pooling_lipschitz("average", n, k, stride), _norm(windows / (a * b)), len(windows))
    constant = pooling_lipschitz("max", n, k, stride)
    spike = np.eye(h * w)[windows.sum(axis=0).argmax()]
    assert np.linalg.norm(np.max(windows * spike, axis=1)) == constant  # its own norm is 1, and zero is mapped to zero
    for x, y in rng.uniform(1, 2, (50, 2, h * w)):
        moved = np.max(windows * x, axis=1) - np.max(windows * y, axis=1)
        assert np.linalg.norm(moved) <= constant * np.linalg.norm(x - y) * (1 + 256 * U)


def test_pooling_of_two_axes_multiplies():
    for kind, h, w in itertools.product(("max", "average"), [(7, 3, 2), (5, 4, 1)], [(6, 2, 2), (9, 3, 1)]):
        n, k, stride = zip(h, w, strict=True)
        product = math.prod(pooling_lipschitz(kind, *((1, v) for v in axis)) for axis in (h, w))
        assert _close(pooling_lipschitz(kind, n, k, stride), product, 16)
