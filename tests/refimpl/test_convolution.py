"""Convolutions, their matrices, blocks and norms against their definitions, written out with loops."""

import functools
import itertools
import math

import mpmath
import numpy as np
import pytest

from refimpl import convolution
from refimpl.convolution import _rounding

U = 2.0**-53
SIZES = [((1, 1), (1, 1)), ((3, 3), (4, 4)), ((2, 3), (5, 3)), ((1, 4), (1, 6)), ((3, 2), (2, 1)), ((4, 1), (3, 2))]
HOW = [
    {}, {"stride": 2}, {"stride": (1, 2)}, {"dilation": (2, 1)}, {"groups": 2}, {"anchor": 0}, {"anchor": (0, -1)},
    {"stride": (2, 1), "dilation": 2, "groups": 2}, {"stride": 2, "dilation": (1, 3), "anchor": (-1, 0)},
]
PADDINGS = ("circular", "zero", "full", "valid")
paddings = pytest.mark.parametrize("padding", PADDINGS)
ways = pytest.mark.parametrize("how", HOW, ids=str)


def _pair(value):
    return (value, value) if isinstance(value, int) else value


def _cases(rng, padding, how, *, is_complex=False):
    """Kernels and images of small integers, on which all sums are exact, with arguments that fit."""
    groups = how.get("groups", 1)
    for k, n in SIZES:
        stride = tuple(min(s, size) for s, size in zip(_pair(how.get("stride", 1)), n, strict=True))
        dilation = _pair(how.get("dilation", 1))
        spread = tuple(d * (a - 1) + 1 for d, a in zip(dilation, k, strict=True))
        given = {"padding": padding, "stride": stride, "dilation": dilation, "groups": groups}
        if "anchor" in how:
            if padding in ("full", "valid"):
                continue
            given["anchor"] = tuple(a % s for a, s in zip(_pair(how["anchor"]), spread, strict=True))
        if padding == "valid" and (spread[0] > n[0] or spread[1] > n[1]):
            continue
        X, K = rng.integers(-9, 10, (2, *n)), rng.integers(-9, 10, (4, 2 // groups, *k))
        yield (X + 1j * X[::-1], K - 2j * K[::-1], given) if is_complex else (X, K, given)


def _pixel(X, i, row, column, padding):
    """The image continued beyond its border."""
    h, w = X.shape[1:]
    if padding == "circular":
        return X[i, row % h, column % w]
    return X[i, row, column] if 0 <= row < h and 0 <= column < w else 0


def _brute_force(X, K, *, padding, stride, dilation, groups, anchor=None):
    """The sum of the definition, one product after the other."""
    c_out, per_group, k_h, k_w = K.shape
    h, w = X.shape[1:]
    s_h, s_w = dilation[0] * (k_h - 1) + 1, dilation[1] * (k_w - 1) + 1
    outputs = {"full": (h + s_h - 1, w + s_w - 1), "valid": (h - s_h + 1, w - s_w + 1)}.get(padding, (h, w))
    a, b = {"full": (s_h - 1, s_w - 1), "valid": (0, 0)}.get(padding, anchor or ((s_h - 1) // 2, (s_w - 1) // 2))
    places = range(0, outputs[0], stride[0]), range(0, outputs[1], stride[1])
    Y = np.zeros((c_out, len(places[0]), len(places[1])), np.result_type(X, K, float))
    for j, (u, row), (v, column) in itertools.product(range(c_out), enumerate(places[0]), enumerate(places[1])):
        first = j // (c_out // groups) * per_group
        for i, p, q in itertools.product(range(per_group), range(k_h), range(k_w)):
            pixel = _pixel(X, first + i, row + dilation[0] * p - a, column + dilation[1] * q - b, padding)
            Y[j, u, v] += K[j, i, p, q] * pixel
    return Y


@ways
@paddings
def test_convolution_is_the_sum_of_its_definition(padding, how, frozen, rng):
    for is_complex in (False, True):
        for X, K, given in _cases(rng, padding, how, is_complex=is_complex):
            np.testing.assert_array_equal(
                convolution.conv2d(frozen(X), frozen(K), **given), _brute_force(X, K, **given), strict=True
            )


@ways
@paddings
def test_transposed_convolution_is_the_adjoint(padding, how, frozen, rng):
    for is_complex in (False, True):
        for X, K, given in _cases(rng, padding, how, is_complex=is_complex):
            Y = _brute_force(X, K, **given)
            Y = rng.integers(-9, 10, Y.shape) * (1 + 2j if is_complex else 1)
            back = convolution.conv2d_transpose(frozen(Y), frozen(K), X.shape[1:], **given)
            assert back.shape == X.shape
            assert np.vdot(X, back) == np.vdot(_brute_force(X, K, **given), Y)  # <X, K* Y> = <K X, Y>


@ways
@paddings
def test_explicit_matrices_do_what_the_convolution_does(padding, how, frozen, rng):
    for X, K, given in _cases(rng, padding, how, is_complex=True):
        n, rest = X.shape[1:], {name: value for name, value in given.items() if name not in ("stride", "padding")}
        makers = [functools.partial(convolution.strided_matrix, frozen(K), n, given["stride"], padding=padding)]
        if given["stride"] == (1, 1) and padding == "circular":
            makers.append(functools.partial(convolution.circulant_matrix, frozen(K), n))
        elif given["stride"] == (1, 1):
            makers.append(functools.partial(convolution.toeplitz_matrix, frozen(K), n, padding=padding))
        for maker in makers:
            W, sparse = maker(**rest), maker(**rest, sparse=True)
            Y = _brute_force(X, K, **given)
            assert W.shape == sparse.shape == (Y.size, X.size)
            np.testing.assert_array_equal(W @ X.ravel(), Y.ravel())
            np.testing.assert_array_equal(sparse.toarray(), W)
            assert sparse.format == "csr"
            back = convolution.conv2d_transpose(Y, K, n, **given)
            np.testing.assert_array_equal(W.conj().T @ Y.ravel(), back.ravel())


def test_strided_matrix_is_every_other_row_of_the_matrix_without_stride(frozen, rng):
    K = frozen(rng.integers(-9, 10, (2, 1, 3, 3)))
    rows = np.arange(2 * 5 * 4).reshape(2, 5, 4)[:, ::2, ::3].ravel()
    W = convolution.strided_matrix(K, (5, 4), (2, 3), padding="zero")
    np.testing.assert_array_equal(W, convolution.toeplitz_matrix(K, (5, 4))[rows])


def test_circulant_matrix_has_the_layout_of_the_literature_where_the_anchor_is_the_first_tap(frozen):
    taps = [1, 2, 4, 8]
    rows = [[1, 2, 4, 8, 0], [0, 1, 2, 4, 8], [8, 0, 1, 2, 4], [4, 8, 0, 1, 2], [2, 4, 8, 0, 1]]
    assert convolution.circulant_matrix(frozen([[[taps]]]), (1, 5), anchor=0).tolist() == rows
    # Four taps on three pixels: the last falls on the first.
    assert convolution.circulant_matrix(frozen([[[taps]]]), (1, 3), anchor=0)[0].tolist() == [9, 2, 4]


def test_dft_matrix_is_exact_to_a_few_roundings_whatever_the_size():
    for n in (1, 2, 3, 7, 64, 100):
        F = convolution.dft_matrix(n)
        with mpmath.workdps(60):
            roots = [complex(mpmath.expjpi(mpmath.mpf(-2 * j) / n)) for j in range(n)]
        expected = np.array(roots)[np.outer(np.arange(n), np.arange(n)) % n]
        # The argument of the exponential, up to 2 pi, is off by three roundings, half a turn more by that of pi.
        assert np.abs(F - expected).max() <= 8 * np.pi * U


def test_channel_permutation_moves_each_unit_vector_where_its_formula_says():
    for c, n in [(1, 1), (1, 4), (4, 1), (2, 3), (3, 5)]:
        P = convolution.channel_permutation(c, n)
        for i, f in itertools.product(range(c), range(n)):
            assert P[:, i * n + f].tolist() == np.eye(c * n)[f * c + i].tolist()


def _tolerance(K, terms):
    """A bound on the error of sums over all taps with factors of modulus 1 that are off by a few roundings."""
    return (terms + 40) * U * np.abs(K).sum()


@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize(("k", "n"), SIZES)
def test_spectral_density_and_frequency_blocks_are_sums_over_the_taps(k, n, is_complex, frozen, rng):
    K = rng.standard_normal((2, 3, *k)) + (1j * rng.standard_normal((2, 3, *k)) if is_complex else 0)
    D = convolution.frequency_blocks(frozen(K), n)
    assert D.shape == (*n, 2, 3)
    angles = [2 * np.pi * np.arange(size) / size for size in n]
    E = convolution.spectral_density(frozen(K), frozen(angles[0][:, None]), frozen(angles[1]))
    for u, v in np.ndindex(*n):
        expected = np.zeros((2, 3), complex)
        for p, q in np.ndindex(*k):
            expected += np.exp(-2j * np.pi * ((u * p % n[0]) / n[0] + (v * q % n[1]) / n[1])) * K[:, :, p, q]
        assert np.abs(D[u, v] - expected).max() <= _tolerance(K, K[0, 0].size)
        assert np.abs(E[u, v] - expected).max() <= _tolerance(K, 8 * sum(k) + K[0, 0].size)
    if not is_complex:
        half = convolution.frequency_blocks(frozen(K), n, half=True)
        assert half.shape == (n[0], n[1] // 2 + 1, 2, 3)
        assert np.abs(half - D[:, : n[1] // 2 + 1]).max() <= _tolerance(K, K[0, 0].size)


@pytest.mark.parametrize(("k", "n"), SIZES)
def test_blocks_hold_the_singular_values_of_the_circulant_matrix(k, n, frozen, rng):
    K = frozen(rng.standard_normal((2, 3, *k)))
    values = np.linalg.svd(convolution.frequency_blocks(K, n), compute_uv=False)
    expected = np.linalg.svd(convolution.circulant_matrix(K, n), compute_uv=False)
    np.testing.assert_allclose(np.sort(values.ravel())[::-1], expected, rtol=0, atol=_tolerance(K, 5 * expected.size))


@pytest.mark.parametrize(("k", "n"), SIZES)
def test_the_five_factors_multiply_to_the_circulant_matrix(k, n, frozen, rng):
    K = frozen(rng.standard_normal((3, 2, *k)))
    for anchor in (None, 0, (k[0] - 1, k[1] // 2)):
        factors = convolution.block_diagonalization(K, n, anchor=anchor)
        product = functools.reduce(np.matmul, factors)
        W = convolution.circulant_matrix(K, n, anchor=anchor)
        assert np.abs(product - W).max() <= _tolerance(K, 4 * n[0] * n[1]) * n[0] * n[1]
        blocks = factors.D.reshape(n[0] * n[1], 3, n[0] * n[1], 2)
        assert not blocks[~np.eye(n[0] * n[1], dtype=bool)[:, None, :, None].repeat(3, 1).repeat(2, 3)].any()
        assert (factors.permutation_out == convolution.channel_permutation(3, n[0] * n[1]).T).all()


@pytest.mark.parametrize("padding", ["circular", "zero", "full", "valid"])
@pytest.mark.parametrize("stride", [1, 2, (1, 3)])
def test_methods_agree_within_the_sum_of_their_errors(padding, stride, frozen, rng):
    for shape, n in [((2, 3, 3, 3), (4, 6)), ((3, 2, 2, 3), (6, 6)), ((4, 4, 1, 5), (2, 9)), ((2, 2, 3, 3), (3, 7))]:
        if padding == "valid" and any(a > b for a, b in zip(shape[2:], n, strict=True)):
            continue
        for K in (rng.standard_normal(shape), rng.standard_normal(shape) + 1j * rng.standard_normal(shape)):
            by_blocks = padding == "circular" and all(a % s == 0 for a, s in zip(n, _pair(stride), strict=True))
            methods = ["auto", "dense", "lanczos"] + ["blocks"] * by_blocks
            given = {"padding": padding, "stride": stride}
            found = {m: convolution.conv_spectral_norm(frozen(K), n, method=m, **given) for m in methods}
            assert [found[m].method for m in methods[1:]] == methods[1:]
            assert found["auto"].method == ("blocks" if by_blocks else "dense")
            W = convolution.strided_matrix(K, n, stride, padding=padding)
            expected = np.linalg.svd(W, compute_uv=False)[0]
            # 1e-11: an error estimate that is too generous tells nothing.
            for first, second in itertools.combinations(found.values(), 2):
                assert abs(first.norm - second.norm) <= first.error + second.error <= 1e-11 * expected
            for norm, error, _ in found.values():
                assert abs(norm - expected) <= error + sum(W.shape) * U * expected


def test_norm_takes_dilation_groups_and_anchor_in_every_method(frozen, rng):
    K = frozen(rng.standard_normal((4, 2, 2, 3)))
    given = {"dilation": (2, 1), "groups": 2, "anchor": (0, 2)}
    for padding, make in [("circular", convolution.circulant_matrix), ("zero", convolution.toeplitz_matrix)]:
        expected = np.linalg.svd(make(K, (4, 5), **given), compute_uv=False)[0]
        for method in ("dense", "lanczos") + ("blocks",) * (padding == "circular"):
            got = convolution.conv_spectral_norm(K, (4, 5), padding=padding, method=method, **given)
            assert abs(got.norm - expected) <= got.error + 160 * U * expected


@pytest.mark.parametrize("method", ["blocks", "dense", "lanczos"])
def test_norm_of_a_zero_kernel_is_zero(method, frozen):
    assert convolution.conv_spectral_norm(frozen(np.zeros((1, 1, 3, 3))), 4, method=method) == (0, 0, method)


@pytest.mark.parametrize("method", ["dense", "lanczos"])
def test_error_of_the_norm_is_not_below_what_rounding_left(method, frozen):
    K = frozen(np.ones((1, 1, 1, 3)))
    for n in range(5, 60):
        norm, error, _ = convolution.conv_spectral_norm(K, (1, n), padding="zero", method=method)
        with mpmath.workdps(40):
            assert abs(norm - (1 + 2 * mpmath.cospi(mpmath.mpf(1) / (n + 1)))) <= error


def test_norm_of_a_matrix_too_large_to_write_out_comes_from_lanczos(frozen):
    # All-ones taps: cosines diagonalise the Toeplitz matrix of three ones, one axis after the other.
    result = convolution.conv_spectral_norm(frozen(np.ones((1, 1, 3, 3))), (50, 41), padding="zero")
    exact = math.prod(1 + 2 * math.cos(math.pi / (n + 1)) for n in (50, 41))
    assert result.method == "lanczos"
    assert abs(result.norm - exact) <= result.error + 8 * U * exact <= 1e-10


def _homogeneous(K):
    """Every function of the kernel that is homogeneous of degree 1, at a kernel and at a multiple of it."""
    return {
        "circular": convolution.circular_norm_bound(K, 5, 3),
        "circular, certified": convolution.circular_norm_bound(K, 3, 2, certified=True),
        "smaller input": convolution.smaller_input_norm_bound(K, 9, 2),
        "smaller input, certified": convolution.smaller_input_norm_bound(K, (5, 5), 1, certified=True),
        "strided": convolution.strided_norm_bound(K, 4, 2, 3),
        "strided, zero": convolution.strided_norm_bound(K, 4, 2, 3, padding="zero", certified=True),
        "zero": convolution.zero_padded_norm_bound(K, 3),
        "zero, Frobenius": convolution.zero_padded_norm_bound(K, 3, "fro", n=4),
        "zero, certified": convolution.zero_padded_norm_bound(K, 2, certified=True),
        "four matrices": convolution.four_matrix_bound(K),
        "sampled": convolution.sampled_density_bound(K, 4),
        "power iteration": convolution.conv_power_iteration(K, 4, 5, rng=1),
        "blocks": convolution.conv_spectral_norm(K, 4).norm,
        "dense": convolution.conv_spectral_norm(K, 4, padding="zero").norm,
        "lanczos": convolution.conv_spectral_norm(K, 4, method="lanczos").norm,
        "convolution": convolution.conv2d(np.eye(4)[None].repeat(2, 0), K).max(),
        "adjoint": convolution.conv2d_transpose(np.eye(4)[None].repeat(2, 0), K, 4).max(),
        "matrix": convolution.toeplitz_matrix(K, 3).max(),
        "polyphase": convolution.polyphase_kernel(K, 2).max(),
        "density": np.abs(convolution.spectral_density(K, 1, 2)).max(),
    }


@pytest.mark.parametrize("exponent", [900, -900, 1015])
def test_powers_of_two_scale_every_result_exactly(exponent, frozen, rng):
    K = np.round(rng.uniform(-1, 1, (2, 2, 3, 3)), 3)
    plain, scaled = _homogeneous(frozen(K)), _homogeneous(frozen(np.ldexp(K, exponent)))
    for name, value in plain.items():
        # A certified bound adds a margin against underflow, which need not scale.
        roundings = 2 if "certified" in name or "zero" in name else 0
        assert abs(math.ldexp(scaled[name], -exponent) - value) <= roundings * U * value, name


def test_gradient_and_gram_kernel_do_not_depend_on_the_unit(frozen, rng):
    K = rng.standard_normal((2, 2, 3, 3))
    plain = convolution.circular_norm_bound_gradient(frozen(K), 4, 3)
    for exponent in (900, -900):
        scaled = convolution.circular_norm_bound_gradient(frozen(np.ldexp(K, exponent)), 4, 3)
        np.testing.assert_array_equal(scaled, plain)
    for exponent in (400, -400):
        got = convolution.gram_kernel(frozen(np.ldexp(K, exponent)))
        np.testing.assert_array_equal(got, np.ldexp(convolution.gram_kernel(K), 2 * exponent))
    with pytest.raises(OverflowError, match="K leaves the range of floats at step 1"):
        convolution.gram_kernel(frozen(np.ldexp(K, 900)))
    with pytest.raises(OverflowError, match="K leaves the range of floats at step 2"):
        convolution.gram_kernel(frozen(np.ldexp(K, 400)), 2)


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint8, np.float16, np.float32])
def test_integers_and_short_floats_are_taken_at_their_value(dtype, frozen, rng):
    K, X = rng.integers(0, 100, (2, 2, 3, 3)), rng.integers(0, 100, (2, 4, 4))
    given, wide = frozen(K, dtype), frozen(K, float)
    for function in (_homogeneous, lambda A: convolution.gram_kernel(A).max()):
        assert function(given) == function(wide)
    Y = convolution.conv2d(frozen(X, dtype), given)
    np.testing.assert_array_equal(Y, convolution.conv2d(X.astype(float), wide), strict=True)
    assert convolution.conv2d_transpose(frozen(X, dtype), given, 4).dtype == np.float64
    assert convolution.conv2d(frozen(X, np.complex64), given).dtype == np.complex128


def _gram_by_loops(K):
    """Sum over j and m of conj(K_ja(m)) K_jb(m + l), for every lag l at which the two overlap."""
    c_out, c_in, k_h, k_w = K.shape
    G = np.zeros((c_in, c_in, 2 * k_h - 1, 2 * k_w - 1), np.result_type(K, float))
    for j, a, b in itertools.product(range(c_out), range(c_in), range(c_in)):
        for p, q, r, s in itertools.product(range(k_h), range(k_w), range(k_h), range(k_w)):
            G[a, b, r - p + k_h - 1, s - q + k_w - 1] += np.conj(K[j, a, p, q]) * K[j, b, r, s]
    return G


def test_gram_kernel_is_the_sum_of_its_definition(frozen, rng):
    for shape in [(1, 1, 1, 1), (2, 3, 3, 3), (3, 2, 1, 4), (1, 2, 2, 3)]:
        K = rng.integers(-5, 6, shape) * (1 + 1j) + rng.integers(-5, 6, shape)
        for kernel in (K, K.real):
            once = _gram_by_loops(kernel)
            np.testing.assert_array_equal(convolution.gram_kernel(frozen(kernel)), once)
            np.testing.assert_array_equal(convolution.gram_kernel(frozen(kernel), 2), _gram_by_loops(once))
            np.testing.assert_array_equal(convolution.gram_kernel(frozen(kernel), 0), kernel)


def test_polyphase_kernel_on_phases_does_what_the_strided_convolution_does(frozen, rng):
    cases = [((2, 3, 3, 3), (4, 6), (2, 3)), ((1, 2, 2, 5), (6, 4), (3, 2)), ((2, 1, 1, 3), (1, 8), (1, 4))]
    for shape, n, (s, t) in cases:
        K, X = rng.integers(-9, 10, shape), rng.integers(-9, 10, (shape[1], *n))
        phases = np.stack([X[i, r::s, c::t] for i in range(shape[1]) for r in range(s) for c in range(t)])
        got = convolution.conv2d(phases, convolution.polyphase_kernel(frozen(K), (s, t)), anchor=0)
        np.testing.assert_array_equal(got, convolution.conv2d(X, K, stride=(s, t), anchor=0))


def test_pi_and_the_unit_roots_are_rounded_as_they_promise():
    with mpmath.workdps(100):
        assert mpmath.floor(mpmath.pi * mpmath.mpf(2) ** _rounding.BITS) == _rounding.PI
    with mpmath.workdps(60):
        for n in range(1, 101):
            roots = _rounding._unit_roots(n)
            assert roots.shape == (n,)
            for j, root in enumerate(roots):
                exact = mpmath.expjpi(mpmath.mpf(-2 * j) / n)
                assert abs(root.real - exact.real) <= U
                assert abs(root.imag - exact.imag) <= U


def test_cosine_is_bounded_from_below_and_closely():
    with mpmath.workdps(100):
        for n, j in itertools.product(range(1, 101), range(0, 101, 7)):
            part = _rounding.Fraction(min(j, n), n)
            below = _rounding.cosine_below(part)
            exact = mpmath.cospi(mpmath.mpf(2 * part.numerator) / part.denominator)
            gap = exact - mpmath.mpf(below.numerator) / below.denominator
            assert 0 <= gap <= mpmath.mpf(2) ** (21 - _rounding.BITS)
