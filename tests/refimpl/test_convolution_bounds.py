"""Bounds of convolutions: above the exact norm wherever they promise it, certified ones whatever the rounding."""

import itertools
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from refimpl import convolution, spectral
from refimpl.convolution import _size_transfer

U = 2.0**-53
ROUNDINGS = 1e3 * U  # more than the documented miss of Gram iteration at these sizes
TINY = 5e-324


def _mixed_sizes(rng, shape):
    return rng.standard_normal(shape) * rng.choice([1e-300, 1e-8, 1.0, 1e8, 1e300], shape)


def _nearly_cancelling(rng, shape):
    return rng.choice([-1.0, 1.0], shape) + 1e-15 * rng.standard_normal(shape)


FAMILIES = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "complex": lambda rng, shape: rng.standard_normal(shape) + 1j * rng.standard_normal(shape),
    "mixed sizes": _mixed_sizes,
    "smallest floats": lambda rng, shape: rng.integers(-50, 50, shape) * TINY,
    "nearly cancelling": _nearly_cancelling,
    "ones": lambda rng, shape: np.full(shape, rng.choice([1.0, 0.1, 1e-200, 1e300])),
    "sparse": lambda rng, shape: rng.standard_normal(shape) * (rng.random(shape) < 0.3),
    "integers": lambda rng, shape: rng.integers(-9, 10, shape),
}
SHAPES = [(1, 1, 1, 3), (2, 1, 3, 3), (1, 2, 2, 3), (2, 3, 3, 1), (3, 2, 2, 2), (2, 2, 1, 1)]
families = pytest.mark.parametrize("family", FAMILIES)


def _size(shape, *more):
    """An image as large as the kernel or larger: no taps are added on it, the matrix is that of the floats."""
    return tuple(k + extra for k, extra in zip(shape[2:], more or (0, 0), strict=True))


def _norm(K, n, padding, stride=1):
    """The lower end of an enclosure of the norm of the explicit matrix."""
    return spectral.spectral_norm_enclosure(convolution.strided_matrix(K, n, stride, padding=padding)).low


def _is_certified(certified, plain, low):
    """Not below the norm, with no tolerance, and next to the bound in floats."""
    assert certified >= low
    assert certified <= max(plain * (1 + 1e-9), plain + 1e3 * TINY)


@families
def test_circular_bound_is_above_the_norm_at_its_size(family, frozen, rng):
    for shape, n_iter in itertools.product(SHAPES, (0, 1, 4)):
        K, n = frozen(FAMILIES[family](rng, shape)), _size(shape, *rng.integers(0, 3, 2))
        plain = convolution.circular_norm_bound(K, n, n_iter)
        low = _norm(K, n, "circular")
        assert plain >= low * (1 - ROUNDINGS)
        _is_certified(convolution.circular_norm_bound(K, n, n_iter, certified=True), plain, low)
        assert plain <= low * min(shape[:2]) ** 2.0 ** -(n_iter + 1) * (1 + ROUNDINGS) + 64 * TINY


def test_circular_bound_adds_taps_that_wrap(frozen, rng):
    for shape, n in [((1, 2, 3, 3), (2, 2)), ((2, 2, 1, 5), (1, 2)), ((1, 1, 4, 3), (1, 5)), ((2, 1, 3, 3), (1, 1))]:
        K = frozen(rng.integers(-9, 10, shape))  # integers, whose sums are exact
        low = _norm(K, n, "circular")
        for n_iter in (0, 2):
            assert convolution.circular_norm_bound(K, n, n_iter) >= low * (1 - ROUNDINGS)
            assert convolution.circular_norm_bound(K, n, n_iter, certified=True) >= low


@families
def test_smaller_input_bound_is_above_the_norm_at_every_size_and_padding(family, frozen, rng):
    for shape, n_iter in itertools.product(SHAPES, (0, 1)):
        K = frozen(FAMILIES[family](rng, shape))
        least = [2**n_iter * (k - 1) + 1 for k in shape[2:]]
        n0 = tuple(int(m) for m in least + rng.integers(0, 3, 2))
        plain = convolution.smaller_input_norm_bound(K, n0, n_iter)
        certified = convolution.smaller_input_norm_bound(K, n0, n_iter, certified=True)
        factor = _size_transfer._factor_above(shape[2:], n0, n_iter)
        assert Fraction(certified) >= Fraction(convolution.circular_norm_bound(K, n0, n_iter, certified=True)) * factor
        for padding, extra in itertools.product(("circular", "zero", "full", "valid"), (0, 1, 3)):
            low = _norm(K, _size(shape, extra, 2), padding)
            assert plain >= low * (1 - ROUNDINGS)
            _is_certified(certified, plain, low)


@families
def test_zero_padded_bound_is_above_the_norm_at_every_size_padding_and_stride(family, frozen, rng):
    for shape, (norm, n_iter) in itertools.product(SHAPES, [("inf", 1), ("inf", 3), ("fro", 0), ("fro", 2)]):
        K = frozen(FAMILIES[family](rng, shape))
        plain = convolution.zero_padded_norm_bound(K, n_iter, norm)
        certified = convolution.zero_padded_norm_bound(K, n_iter, norm, certified=True)
        for padding, extra in itertools.product(("circular", "zero", "full", "valid"), (0, 2)):
            n = _size(shape, extra, 1)
            stride = tuple(min(int(s), size) for s, size in zip(rng.integers(1, 3, 2), n, strict=True))
            low = _norm(K, n, padding, stride)
            assert plain >= low * (1 - ROUNDINGS)
            _is_certified(certified, plain, low)


@families
def test_zero_padded_frobenius_bound_knows_the_size_of_the_image(family, frozen, rng):
    for shape, n_iter, n in itertools.product(SHAPES, (0, 1, 3), [(1, 1), (1, 3), (4, 2), (5, 5)]):
        K, how = frozen(FAMILIES[family](rng, shape)), {"norm": "fro", "n": n}
        low = _norm(K, n, "zero")
        plain = convolution.zero_padded_norm_bound(K, n_iter, **how)
        assert plain >= low * (1 - ROUNDINGS)
        assert plain <= convolution.zero_padded_norm_bound(K, n_iter, "fro")
        _is_certified(convolution.zero_padded_norm_bound(K, n_iter, certified=True, **how), plain, low)


@families
@pytest.mark.parametrize("padding", ["circular", "zero"])
def test_strided_bound_is_above_the_norm_whether_the_stride_divides_the_size_or_not(family, padding, frozen, rng):
    for shape, stride, extra in itertools.product(SHAPES, [1, 2, (1, 2), (3, 1)], [(2, 1), (1, 3)]):
        K, n, n_iter = frozen(FAMILIES[family](rng, shape)), _size(shape, *extra), 1
        if any(s > size for s, size in zip((stride,) * 2 if isinstance(stride, int) else stride, n, strict=True)):
            continue
        low = _norm(K, n, padding, stride)
        plain = convolution.strided_norm_bound(K, n, stride, n_iter, padding=padding)
        assert plain >= low * (1 - ROUNDINGS)
        certified = convolution.strided_norm_bound(K, n, stride, n_iter, padding=padding, certified=True)
        _is_certified(certified, plain, low)


def test_certified_bounds_are_above_norms_known_as_rational_numbers(frozen, rng):
    # Channels of rank one and taps without sign: the norm is 5 * 2 * their sum in every direction of rounding, and
    # no read-out leaves a gap to hide in, since all of it lies at frequency 0 on one pair of vectors.
    for k, _ in itertools.product([(1, 2), (1, 3), (3, 3), (2, 5)], range(30)):
        taps = np.round(rng.random(k) * 2.0**48) / 2.0**48
        K = frozen(np.multiply.outer(np.outer([3, 4], np.ones(4)), taps))
        exact = 10 * sum(map(Fraction, taps.ravel().tolist()))
        found = [convolution.circular_norm_bound(K, k, t, certified=True) for t in (0, 2)]
        found += [convolution.zero_padded_norm_bound(K, t, certified=True) for t in (1, 2, 3)]
        found.append(convolution.smaller_input_norm_bound(K, k, 0, certified=True))
        assert all(Fraction(bound) >= exact for bound in found)
        assert all(bound <= exact * (1 + 1e-12) for bound in found[:-1])


def test_certified_bounds_of_a_column_are_above_its_length(frozen, rng):
    # 300 output channels of one tap: the Gram matrix is one number, a long sum of rounded squares.
    for _ in range(30):
        column = rng.standard_normal(300)
        exact = sum(Fraction(x) ** 2 for x in column.tolist())
        K = frozen(column[:, None, None, None])
        for t, norm in [(0, "fro"), (1, "inf"), (2, "fro")]:
            assert Fraction(convolution.zero_padded_norm_bound(K, t, norm, certified=True)) ** 2 >= exact
            assert Fraction(convolution.circular_norm_bound(K, 1, t, certified=True)) ** 2 >= exact


def test_certified_circular_bound_is_above_the_largest_modulus_of_one_channel(frozen, rng):
    for k, n in [((1, 3), (1, 7)), ((2, 2), (3, 5)), ((3, 3), (3, 4)), ((1, 5), (1, 3))]:
        K = rng.standard_normal((12, *k))
        with mpmath.workdps(40):
            roots = [[mpmath.expjpi(mpmath.mpf(-2 * j) / size) for j in range(size)] for size in n]
            for taps in K:
                exact = max(
                    abs(mpmath.fsum(
                        mpmath.mpf(taps[p, q]) * roots[0][u * p % n[0]] * roots[1][v * q % n[1]]
                        for p, q in np.ndindex(*k)
                    ))
                    for u, v in np.ndindex(*n)
                )
                certified = convolution.circular_norm_bound(frozen(taps[None, None]), n, 0, certified=True)
                assert exact <= certified <= exact * (1 + mpmath.mpf("1e-12"))


def test_strided_bound_converges_to_the_norm_where_the_stride_divides_the_size(frozen, rng):
    for shape, n, stride in [((2, 3, 3, 3), (6, 4), 2), ((3, 1, 2, 5), (6, 9), 3), ((2, 2, 3, 3), (4, 6), (1, 2))]:
        K = frozen(rng.standard_normal(shape))
        bound = convolution.strided_norm_bound(K, n, stride, 40)
        low = _norm(K, n, "circular", stride)
        assert low * (1 - ROUNDINGS) <= bound <= low * (1 + ROUNDINGS)
        # Where it does not divide, the bound is that of the convolution without stride.
        odd = tuple(size + 1 for size in n)
        assert convolution.strided_norm_bound(K, odd, stride, 3) == convolution.circular_norm_bound(K, odd, 3)


@families
def test_four_matrix_bound_is_above_the_norm_at_every_size_padding_and_stride(family, frozen, rng):
    for shape, padding in itertools.product(SHAPES, ("circular", "zero", "full", "valid")):
        K = frozen(FAMILIES[family](rng, shape))
        bound = convolution.four_matrix_bound(K)
        for stride, n in [(1, _size(shape)), (1, _size(shape, 3, 2)), ((1, 2), _size(shape, 1, 3))]:
            assert bound >= _norm(K, n, padding, stride) * (1 - ROUNDINGS)


def test_four_matrix_bound_takes_the_smallest_of_its_four_matrices(frozen):
    # Each of these is an isometry in one of the four shapes only, where its norm is 1; the factor is 2.
    o, i, h, w = np.indices((2, 2, 2, 2))
    four = np.eye(4).reshape(4, 1, 2, 2)
    for K in ((o == w) & (h == i), (o == h) & (w == i), four, four.swapaxes(0, 1)):
        assert convolution.four_matrix_bound(frozen(K, float)) == pytest.approx(2, rel=32 * U)


def test_sampled_density_bound_is_its_formula_and_with_the_transfer_factor_a_bound(frozen, rng):
    for shape, samples in itertools.product(SHAPES, (1, 4, 7)):
        K = frozen(rng.standard_normal(shape))
        angles = [2 * np.pi * np.arange(samples) / samples if k > 1 else np.zeros(1) for k in shape[2:]]
        squares = np.abs(convolution.spectral_density(K, angles[0][:, None], angles[1])) ** 2
        squares = squares if shape[0] <= shape[1] else squares.swapaxes(2, 3)
        expected = math.sqrt(sum(squares[:, :, j].sum(axis=2).max() for j in range(squares.shape[2])))
        estimate = convolution.sampled_density_bound(K, samples)
        assert abs(estimate - expected) <= ROUNDINGS * np.abs(K).sum()
        if samples > max(shape[2:]) - 1:
            bound = estimate * convolution.size_transfer_factor(shape[2:], samples, 0)
            for padding, n in itertools.product(("circular", "zero"), [_size(shape), _size(shape, 2, 3)]):
                assert bound >= _norm(K, n, padding) * (1 - ROUNDINGS)


@families
def test_bounds_do_not_rise_with_the_number_of_steps(family, frozen, rng):
    for shape in SHAPES:
        K, n = frozen(FAMILIES[family](rng, shape)), _size(shape, 2, 1)
        circular = [convolution.circular_norm_bound(K, n, t) for t in range(7)]
        zero = [convolution.zero_padded_norm_bound(K, t) for t in range(1, 6)]
        for bounds in (circular, zero):
            assert (np.diff(bounds) <= ROUNDINGS * bounds[0] + 4 * TINY).all()


def test_zero_padded_bounds_come_as_near_to_the_density_as_they_promise(frozen, rng):
    for shape, n_iter in itertools.product(SHAPES, (1, 2, 5)):
        K = frozen(rng.standard_normal(shape))
        samples = 64
        grid = np.linalg.norm(convolution.frequency_blocks(K, samples), 2, axis=(2, 3)).max()
        density = grid * convolution.size_transfer_factor(shape[2:], samples, 0)
        taps = math.prod(2**n_iter * (k - 1) + 1 for k in shape[2:])
        excess = (shape[1] * taps) ** 2.0 ** -(n_iter + 1)
        for norm in ("inf", "fro"):
            bound = convolution.zero_padded_norm_bound(K, n_iter, norm)
            assert grid * (1 - ROUNDINGS) <= bound <= density * excess


@pytest.mark.parametrize("certified", [False, True])
def test_a_zero_kernel_has_the_bound_zero(certified, frozen):
    K = frozen(np.zeros((2, 3, 3, 3)))
    assert convolution.circular_norm_bound(K, 4, 2, certified=certified) == 0
    assert convolution.smaller_input_norm_bound(K, 9, 2, certified=certified) == 0
    for padding in ("circular", "zero"):
        assert convolution.strided_norm_bound(K, 4, 2, 2, padding=padding, certified=certified) == 0
    for norm in ("inf", "fro"):
        assert convolution.zero_padded_norm_bound(K, 2, norm, certified=certified) == 0
    assert convolution.four_matrix_bound(K) == convolution.sampled_density_bound(K, 3) == 0
    assert convolution.conv_power_iteration(K, 4, 3, rng=0) == 0


@families
def test_pointwise_kernels_have_the_bounds_of_their_matrix(family, frozen, rng):
    for shape, n_iter in itertools.product([(1, 1), (2, 3), (3, 2), (4, 4)], (0, 1, 3)):
        W = FAMILIES[family](rng, shape)
        K, expected = frozen(W[:, :, None, None]), spectral.gram_iteration(W, n_iter)
        low = spectral.spectral_norm_enclosure(W).low
        found = [
            convolution.circular_norm_bound(K, (2, 3), n_iter),
            convolution.smaller_input_norm_bound(K, 1, n_iter),
            convolution.zero_padded_norm_bound(K, n_iter, "fro"),
            convolution.strided_norm_bound(K, 2, 2, n_iter),
        ]
        if n_iter > 0:
            columns = spectral.gram_iteration(W, n_iter, "1")
            assert abs(convolution.zero_padded_norm_bound(K, n_iter) - columns) <= ROUNDINGS * columns + 4 * TINY
        assert np.abs(np.array(found) - expected).max() <= ROUNDINGS * expected + 4 * TINY
        _is_certified(convolution.zero_padded_norm_bound(K, n_iter, "fro", certified=True), expected, low)
        _is_certified(convolution.circular_norm_bound(K, 1, n_iter, certified=True), expected, low)


def test_three_ones_have_their_known_norms_and_bounds(frozen):
    K = frozen([[[[1, 1, 1]]]])
    for n in (1, 2, 3, 4, 7):
        exact = 1 + 2 * math.cos(math.pi / (n + 1))
        got = convolution.conv_spectral_norm(K, (1, n), padding="zero")
        assert abs(got.norm - exact) <= got.error + 4 * U
        assert convolution.conv_spectral_norm(K, (1, n)).norm == pytest.approx(3, rel=8 * U)
        for n_iter in (0, 1, 5):
            assert convolution.circular_norm_bound(K, (1, n), n_iter) == pytest.approx(3, rel=32 * U)
    for n_iter in (1, 2, 5):  # taps without sign: their sum, in every power
        assert convolution.zero_padded_norm_bound(K, n_iter) == pytest.approx(3, rel=64 * U)
    # 3 taps of square sum 3; then 5 taps 1 2 3 2 1 of square sum 19.
    assert convolution.zero_padded_norm_bound(K, 0, "fro") == pytest.approx(3, rel=32 * U)
    assert convolution.zero_padded_norm_bound(K, 1, "fro") == pytest.approx((5 * 19) ** 0.25, rel=32 * U)
    assert convolution.zero_padded_norm_bound(K, 1, "fro", n=(1, 2)) == pytest.approx(38**0.25, rel=32 * U)
    assert convolution.four_matrix_bound(K) == pytest.approx(3, rel=32 * U)
    assert convolution.sampled_density_bound(K, 5) == pytest.approx(3, rel=32 * U)
    # Every other window shares one pixel with each neighbour: the rows have the products 3 and, twice, 1.
    assert convolution.strided_norm_bound(K, (1, 8), (1, 2), 30) == pytest.approx(math.sqrt(5), rel=64 * U)
    assert convolution.strided_norm_bound(K, (1, 9), (1, 2), 30) == pytest.approx(3, rel=64 * U)


def test_size_transfer_factor_has_its_closed_form_from_the_smallest_image_on():
    for k, n_iter in itertools.product((2, 3, 5), (0, 1, 3, 6)):
        span = 2**n_iter * (k - 1)
        for n0 in (span + 1, span + 2, 2 * span - 1, 2 * span, 2 * span + 1, 4 * span, 1000 * span):
            if n0 <= span:
                continue
            with mpmath.workdps(120):
                alpha = mpmath.mpf(span) / n0
                root = min(1 / mpmath.sqrt(1 - alpha), 1 / mpmath.cos(mpmath.pi * alpha / 2))
                exact = root ** mpmath.mpf(2) ** -n_iter
                above = _size_transfer._factor_above((k, 1), (n0, 1), n_iter)
                # Every one of its roots is taken to 80 binary digits, and rounded up.
                excess = mpmath.mpf(above.numerator) / above.denominator - exact
                assert 0 <= excess <= exact * (n_iter + 2) * mpmath.mpf(2) ** -79
            # 1 - alpha loses as many digits as alpha is near 1.
            tolerance = (8 + 2 / (1 - span / n0)) * U
            assert convolution.size_transfer_factor((k, 1), n0, n_iter) == pytest.approx(float(exact), rel=tolerance)
            both = convolution.size_transfer_factor(k, n0, n_iter)
            assert both == pytest.approx(float(exact) ** 2, rel=2 * tolerance)
    assert convolution.size_transfer_factor(1, 1, 9) == 1
    # 17 samples, 8 (3 - 1) frequencies: the root of 17 an axis, to the power 1/8.
    assert convolution.size_transfer_factor(3, 17, 3) == pytest.approx(17 ** (1 / 8), rel=64 * U)


@pytest.mark.parametrize("n_iter", [0, 1, 2, 4, 9])
def test_gradient_lies_between_the_difference_quotients_of_the_convex_bound(n_iter, frozen, rng):
    h = 2.0**-20
    for shape, n in [((2, 2, 3, 3), (5, 4)), ((3, 1, 1, 4), (1, 6)), ((1, 3, 3, 2), (2, 4)), ((2, 2, 1, 5), (1, 3))]:
        K = rng.standard_normal(shape)
        bound = convolution.circular_norm_bound(K, n, n_iter)
        gradient = convolution.circular_norm_bound_gradient(frozen(K), n, n_iter)
        # The bound is a norm, so the kernel itself is a direction in which it is linear.
        assert (gradient * K).sum() == pytest.approx(bound, rel=2.0**n_iter * ROUNDINGS)
        slack = ROUNDINGS * bound / h
        for place in np.ndindex(*shape):
            ahead, behind = K.copy(), K.copy()
            ahead[place] += h
            behind[place] -= h
            step = ahead[place] - K[place], K[place] - behind[place]
            above = (convolution.circular_norm_bound(ahead, n, n_iter) - bound) / step[0]
            below = (bound - convolution.circular_norm_bound(behind, n, n_iter)) / step[1]
            assert below - slack <= gradient[place] <= above + slack
            assert above - below <= 2.0**n_iter * 64 * h + 2 * slack, "the quotients are too wide to judge"


def test_gradient_where_two_frequencies_share_the_maximum_is_a_subgradient(frozen, rng):
    # |1 + t e^-iw| is largest at the angle 0 for t > 0 and at pi for t < 0; t = 0 is the kink.
    K = frozen([[[[1.0, 0.0]]]])
    gradient = convolution.circular_norm_bound_gradient(K, (1, 4), 3)
    for L in rng.standard_normal((50, 1, 1, 1, 2)):
        assert (gradient * L).sum() <= convolution.circular_norm_bound(L, (1, 4), 3) * (1 + ROUNDINGS)
    assert (gradient * K).sum() == pytest.approx(1, rel=64 * U)


@pytest.mark.parametrize("padding", ["circular", "zero", "full", "valid"])
@pytest.mark.parametrize("stride", [1, 2, (1, 3)])
def test_power_iteration_rises_to_the_norm_and_never_above(padding, stride, frozen, rng):
    for shape, n in [((2, 3, 3, 3), (4, 5)), ((1, 2, 2, 3), (3, 4)), ((2, 2, 1, 5), (2, 7)), ((3, 1, 3, 1), (3, 3))]:
        for K in (rng.standard_normal(shape), rng.standard_normal(shape) + 1j * rng.standard_normal(shape)):
            W = convolution.strided_matrix(K, n, stride, padding=padding)
            _, (norm, *_), (right, *_) = np.linalg.svd(W)
            start, given = frozen(rng.standard_normal((shape[1], *n))), {"padding": padding, "stride": stride}
            bounds = [convolution.conv_power_iteration(frozen(K), n, t, start=start, **given) for t in range(9)]
            assert bounds[0] == pytest.approx(np.linalg.norm(W @ start.ravel()) / np.linalg.norm(start), rel=ROUNDINGS)
            assert (np.diff(bounds) >= -ROUNDINGS * norm).all()
            assert max(bounds) <= norm * (1 + ROUNDINGS)
            # A mean of powers is not below those of lower degree: the start's part along v_1, to the power 1/(2t).
            part = abs(right @ start.ravel()) / np.linalg.norm(start)
            for t, bound in enumerate(bounds[1:], start=1):
                assert bound >= norm * part ** (0.5 / t) * (1 - ROUNDINGS)


def test_power_iteration_stays_where_its_start_is_a_singular_vector_and_is_drawn_from_its_seed(frozen, rng):
    # The constant image is a singular vector for circular padding, of the value |sum of taps| = 2, below the norm 4.
    K, ones = frozen([[[[1, -3, 0]]]]), frozen(np.ones((1, 1, 6)))
    found = convolution.conv_power_iteration(K, (1, 6), 9, padding="circular", start=ones)
    assert found == pytest.approx(2, rel=64 * U)
    assert convolution.conv_spectral_norm(K, (1, 6)).norm == pytest.approx(4, rel=64 * U)
    for t in (0, 3):
        drawn = np.random.default_rng(7).standard_normal((1, 1, 6))
        expected = convolution.conv_power_iteration(K, (1, 6), t, start=frozen(drawn))
        assert convolution.conv_power_iteration(K, (1, 6), t, rng=7) == expected
        assert convolution.conv_power_iteration(K, (1, 6), t, rng=np.random.default_rng(7)) == expected
    for exponent in (1000, -1000):  # the start has no unit
        far = frozen(np.ldexp(drawn, exponent))
        assert convolution.conv_power_iteration(K, (1, 6), 3, start=far) == expected
    # An image that the convolution maps to zero.
    assert convolution.conv_power_iteration([[[[1, -1]]]], (1, 4), 3, padding="valid", start=np.ones((1, 1, 4))) == 0
