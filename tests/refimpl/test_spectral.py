"""Spectral norms, bounds and vectors: values known in closed form, scaling, gradients."""

import math

import numpy as np
import pytest

from proofs_check import balls
from refimpl import spectral

U = 2.0**-53
GOLDEN = (1 + math.sqrt(5)) / 2
HADAMARD = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])

# matrix, spectral norm, nuclear norm, Frobenius norm
CLOSED_FORMS = {
    "one entry": ([[-3]], 3, 3, 3),
    "diagonal": ([[3, 0], [0, -4]], 4, 7, 5),
    "zero": ([[0, 0, 0], [0, 0, 0]], 0, 0, 0),
    "nilpotent": ([[0, 8], [0, 0]], 8, 8, 8),
    "shear": ([[1, 1], [0, 1]], GOLDEN, math.sqrt(5), math.sqrt(3)),
    "Hadamard, all values tie": (HADAMARD, 2, 8, 4),
    "rank one, tall": (np.outer([1, 2, 2], [3, 4]), 15, 15, 15),
    "rank one, wide": (np.outer([3, 4], [1, 2, 2]), 15, 15, 15),
    "row": ([[2, 3, 6]], 7, 7, 7),
    "column": ([[2], [3], [6]], 7, 7, 7),
    "Hermitian": ([[0, 2j], [-2j, 0]], 2, 4, math.sqrt(8)),
    "complex column": ([[3j], [4]], 5, 5, 5),
    "float32": (np.float32([[1.5, 0], [0, 2]]), 2, 3.5, 2.5),
    "integers of 8 bits": (np.int8([[100, 0], [0, 100]]), 100, 200, 100 * math.sqrt(2)),
    "smallest floats": ([[3 * 5e-324, 0], [0, 4 * 5e-324]], 4 * 5e-324, 7 * 5e-324, 5 * 5e-324),
    "huge": ([[3e300, 0], [0, 4e300]], 4e300, 7e300, 5e300),
}
closed_forms = pytest.mark.parametrize("name", CLOSED_FORMS)


def _close(got, expected, roundings=64):
    """Within a few units of roundoff, or one smallest float where those vanish."""
    assert abs(got - expected) <= max(roundings * U * abs(expected), 5e-324), (got, expected)


def _random(rng, shape, *, is_complex=False):
    W = rng.standard_normal(shape)
    return W + 1j * rng.standard_normal(shape) if is_complex else W


@closed_forms
def test_spectral_norm_has_its_closed_form(name, frozen):
    W, norm, _, _ = CLOSED_FORMS[name]
    _close(spectral.spectral_norm(frozen(W)), norm)


@closed_forms
def test_schatten_norms_are_the_nuclear_the_frobenius_and_the_spectral_norm(name, frozen):
    W, norm, nuclear, frobenius = CLOSED_FORMS[name]
    for p, expected in ((1, nuclear), (2, frobenius), (math.inf, norm)):
        _close(spectral.schatten_norm(frozen(W), p), expected)


@closed_forms
def test_gram_iteration_starts_at_the_frobenius_norm_and_ends_at_the_spectral_norm(name, frozen):
    W, norm, _, frobenius = CLOSED_FORMS[name]
    bounds = spectral.gram_bound_sequence(frozen(W), 60)
    assert len(bounds) == 61
    _close(bounds[0], frobenius)
    _close(bounds[-1], norm)
    assert (np.diff(bounds) <= 8 * U * bounds[0]).all()


@pytest.mark.parametrize("n_iter", [100, 1030, 1080, 3000])
def test_gram_iteration_stays_at_the_norm_however_many_steps(n_iter, frozen):
    W = frozen([[1, 0], [0, 2]])
    _close(spectral.gram_iteration(W, n_iter), 2)
    _close(spectral.gram_bound_sequence(W, n_iter)[-1], 2)
    np.testing.assert_allclose(spectral.gram_iteration_gradient(W, n_iter), [[0, 0], [0, 1]], rtol=64 * U)
    assert 2 <= spectral.gram_iteration(W, n_iter, certified=True) <= 2 * (1 + 1e-12)


@pytest.mark.parametrize("norm", ["fro", "nuc", "1", "2", "inf"])
@pytest.mark.parametrize("n_iter", [0, 1, 4])
def test_gram_iteration_equals_its_naive_form_where_that_does_not_overflow(norm, n_iter, frozen, rng):
    for shape in ((3, 3), (2, 5), (5, 2)):
        W = frozen(_random(rng, shape, is_complex=True))
        _close(spectral.gram_iteration(W, n_iter, norm), spectral.gram_iteration_naive(W, n_iter, norm), 1e3)


def test_gram_iteration_takes_any_function_as_norm(frozen):
    W = frozen([[3, 0], [0, 4]])
    assert spectral.gram_iteration(W, 0, lambda A: np.abs(A).max()) == pytest.approx(4, rel=8 * U)


@pytest.mark.parametrize("n_iter", [0, 1, 2, 3])
def test_gram_iteration_is_a_schatten_norm_of_order_two_to_the_t(n_iter, frozen, rng):
    W = frozen(_random(rng, (4, 6)))
    _close(spectral.gram_iteration(W, n_iter), spectral.schatten_norm(W, 2 ** (n_iter + 1)), 200)


@pytest.mark.parametrize("W", [[[1e200]], [[1e-200]]])
def test_naive_gram_iteration_says_where_it_leaves_the_floats(W, frozen):
    with pytest.raises(OverflowError, match="W leaves the range of floats at step 1: use gram_iteration"):
        spectral.gram_iteration_naive(frozen(W), 3)


SCALED = {
    "spectral_norm": spectral.spectral_norm,
    "schatten_norm": lambda W: spectral.schatten_norm(W, 3),
    "spectral_radius": spectral.spectral_radius,
    "gelfand_sequence": lambda W: spectral.gelfand_sequence(W, 5),
    "power_iteration": lambda W: spectral.power_iteration(W, 3, start=[1, 1, 1]),
    "gram_iteration": lambda W: spectral.gram_iteration(W, 4),
    "gram_iteration_certified": lambda W: spectral.gram_iteration(W, 4, certified=True),
    "gram_bound_sequence": lambda W: spectral.gram_bound_sequence(W, 4),
    "dominant_eigenpair": lambda W: spectral.dominant_eigenpair(W, 4)[0],
    "spectral_norm_enclosure": lambda W: np.array(spectral.spectral_norm_enclosure(W)),
}


@pytest.mark.parametrize("exponent", [-900, -1, 1, 900])
@pytest.mark.parametrize("name", SCALED)
def test_scaling_by_a_power_of_two_is_exact(name, exponent, frozen, rng):
    W = _random(rng, (3, 3))
    expected = SCALED[name](frozen(W)) * 2.0**exponent
    np.testing.assert_array_equal(SCALED[name](frozen(W * 2.0**exponent)), expected)


@pytest.mark.parametrize("exponent", [-900, 900])
def test_directions_do_not_change_with_a_power_of_two(exponent, frozen, rng):
    W = _random(rng, (3, 3))
    large = frozen(W * 2.0**exponent)
    for function in (spectral.gram_iteration_gradient, spectral.dominant_singular_vector):
        np.testing.assert_array_equal(function(large, 3), function(frozen(W), 3))
    (_, u), (_, expected) = (spectral.dominant_eigenpair(A, 3) for A in (large, frozen(W)))
    np.testing.assert_array_equal(u, expected)


@pytest.mark.parametrize(
    ("W", "radius"),
    [
        ([[5]], 5), ([[0, 1], [1, 0]], 1), ([[0, -2], [2, 0]], 2), ([[1, 1], [1, 0]], GOLDEN),
        ([[0, 8], [0, 0]], 0), ([[3j, 1], [0, 4]], 4), ([[0, 0], [0, 0]], 0),
    ],
)
def test_spectral_radius_has_its_closed_form(W, radius, frozen):
    _close(spectral.spectral_radius(frozen(W)), radius)
    bounds = spectral.gelfand_sequence(frozen(W), 64)
    assert (bounds >= radius * (1 - 200 * U)).all()
    assert bounds[-1] <= radius * 2 ** (2 / 64) * (1 + 200 * U)


def test_gelfand_sequence_neither_overflows_nor_underflows(frozen):
    for size in (1e300, 1e-300):
        np.testing.assert_allclose(spectral.gelfand_sequence(frozen([[size]]), 500), size, rtol=1e-12)


def test_gelfand_sequence_is_zero_from_the_index_of_nilpotency(frozen):
    jordan = frozen(np.eye(4, k=1))
    assert (spectral.gelfand_sequence(jordan, 6, "2") > 0).tolist() == [True] * 3 + [False] * 3


def test_power_iteration_never_exceeds_the_norm_and_never_decreases(frozen, rng):
    for shape in ((3, 3), (2, 6), (6, 2)):
        for is_complex in (False, True):
            W = frozen(_random(rng, shape, is_complex=is_complex))
            values = [spectral.power_iteration(W, k, rng=1) for k in (1, 2, 5, 20)]
            assert max(values) <= spectral.spectral_norm(W) * (1 + 64 * U)
            assert (np.diff(values) >= -64 * U * values[-1]).all()


def test_power_iteration_is_zero_from_a_start_in_the_kernel(frozen):
    assert spectral.power_iteration(frozen([[1, 1]]), 5, start=frozen([1, -1])) == 0


def test_power_iteration_is_zero_only_from_a_start_in_the_kernel(frozen):
    W = frozen([[1, 0], [0, 1e-170]])
    _close(spectral.power_iteration(W, 2, start=frozen([0, 1])), 1e-170)


def test_power_iteration_is_zero_where_its_products_underflow(frozen):
    W = frozen([[0.5, 0]] + [[0, 5e-324]] * 4)
    assert spectral.power_iteration(W, 2, start=frozen([0, 1])) == 0


def test_power_iteration_stays_at_a_singular_vector_that_is_not_the_leading_one(frozen):
    _close(spectral.power_iteration(frozen([[3, 0], [0, 4]]), 50, start=frozen([1, 0])), 3)


def test_power_iteration_does_not_depend_on_the_size_of_the_start(frozen):
    W = frozen([[3, 1], [0, 4]])
    sizes = (2.0**-1070, 1.0, 2.0**1000)
    values = {spectral.power_iteration(W, 3, start=frozen([size, size])) for size in sizes}
    assert len(values) == 1


def test_a_seed_and_its_generator_give_the_same_power_iteration(frozen):
    W = frozen([[3, 1j], [0, 4]])
    generator = np.random.default_rng(7)
    assert spectral.power_iteration(W, 2, rng=7) == spectral.power_iteration(W, 2, rng=generator)


def test_dominant_singular_vector_finds_the_leading_one_unless_a_column_is_asked_for(frozen):
    W = frozen([[3, 0], [0, 4j]])
    assert np.abs(spectral.dominant_singular_vector(W, 8)).tolist() == [0, 1]
    assert np.abs(spectral.dominant_singular_vector(W, 8, column=0)).tolist() == [1, 0]
    # The column of the Gram matrix is 1e-162, and its square is no float.
    assert spectral.dominant_singular_vector(frozen([[1e-81, 0], [0, 1]]), 1, column=0).tolist() == [1, 0]


@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3)])
def test_dominant_singular_vector_converges_at_the_rate_of_its_docstring(shape, frozen, rng):
    W = frozen(_random(rng, shape))
    _, sigma, Vh = np.linalg.svd(W)
    for n_iter in (1, 2, 3, 4):
        u = spectral.dominant_singular_vector(W, n_iter)
        away = np.linalg.norm(u - Vh[0] * (Vh[0] @ u))
        assert abs(np.linalg.norm(u) - 1) <= 8 * U
        assert away <= math.sqrt(shape[1]) * (sigma[1] / sigma[0]) ** 2**n_iter + 1e-12


def test_dominant_eigenpair_of_a_matrix_with_known_eigenvectors(frozen):
    value, u = spectral.dominant_eigenpair(frozen([[2, 1], [1, 2]]), 8)
    _close(value, 3)
    np.testing.assert_allclose(np.abs(u), math.sqrt(0.5), rtol=8 * U)
    value, u = spectral.dominant_eigenpair(frozen([[-2j, 0], [0, 1]]), 8)
    assert value == -2j
    assert np.abs(u).tolist() == [1, 0]
    assert type(spectral.dominant_eigenpair(frozen([[2]]), 0)[0]) is float


@pytest.mark.parametrize("n_iter", [0, 1, 2, 4])
@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 4), (4, 2)])
def test_gradient_agrees_with_forward_differentiation_in_balls(shape, n_iter, frozen, rng):
    W = frozen(_random(rng, shape))
    exact = balls.spectral.gram_iteration_gradient(W, n_iter)
    expected = np.array([float(v.mid()) for v in exact.ravel()]).reshape(shape)
    got = spectral.gram_iteration_gradient(W, n_iter)
    # Each of 2 n_iter + 2 products of unit matrices adds max(shape)^(3/2) roundings at most, and a
    # relative error of a power of 2^n counts 2^n times.
    roundings = 16 * (n_iter + 1) * 2**n_iter * max(shape) ** 1.5
    np.testing.assert_allclose(got, expected, rtol=0, atol=roundings * U)


def test_gradient_in_complex_matrices_is_the_slope_of_the_bound(frozen, rng):
    W = _random(rng, (3, 2), is_complex=True)
    step = _random(rng, (3, 2), is_complex=True)
    gradient = spectral.gram_iteration_gradient(frozen(W), 2)
    h = U ** (1 / 3)
    slope = (spectral.gram_iteration(W + h * step, 2) - spectral.gram_iteration(W - h * step, 2)) / (2 * h)
    # A central difference is off by the third derivative times h^2 and by the rounding over h.
    tolerance = 100 * h**2 * np.linalg.norm(step) ** 3 * (1 + np.linalg.norm(W))
    assert abs((gradient.conj() * step).real.sum() - slope) <= tolerance


def test_gradient_at_a_tie_is_the_mean_of_the_leading_pairs(frozen):
    gradient = spectral.gram_iteration_gradient(frozen(HADAMARD), 50)
    np.testing.assert_allclose(gradient, HADAMARD / 8, rtol=64 * U)


def test_integers_and_lists_give_what_floats_give(frozen):
    lists, floats = [[3, 1], [0, 4]], frozen([[3, 1], [0, 4]], float)
    for name, function in SCALED.items():
        if name != "power_iteration":
            np.testing.assert_array_equal(function(lists), function(floats))
