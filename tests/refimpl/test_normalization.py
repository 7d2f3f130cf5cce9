"""Normalization layers: closed forms, Jacobians against exact differentiation, Lipschitz constants."""

import math

import numpy as np
import pytest
from flint import ctx

from proofs_check import balls
from refimpl import normalization as no

U = 2.0**-53
EPSILONS = [1e-5, 0.25, 3.0]


def _middles(values):
    array = np.asarray(values, dtype=object)
    return np.array([float(v.mid()) for v in array.ravel()]).reshape(array.shape)


def _assert_jacobian(got, exact, x, epsilon):
    """Within the rounding of the centred entries: relative to the largest x over the deviation."""
    deviation = math.sqrt(np.var(x) + epsilon)
    roundings = 16 * np.size(x) * (1 + np.abs(x).max() / deviation) * (1 + np.size(x))
    expected = _middles(exact)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=0, atol=roundings * U / deviation)


@pytest.fixture(autouse=True)
def _digits():
    with ctx.workprec(200):
        yield


def test_batch_norm_takes_one_sample_or_several(frozen):
    arguments = {"mean": frozen([1, 1]), "variance": frozen([3, 8]), "epsilon": 1}
    assert no.batch_norm(frozen([5, 1]), **arguments).tolist() == [2, 0]
    assert no.batch_norm(frozen([[5, 1], [1, 7]]), **arguments).tolist() == [[2, 0], [0, 2]]


def test_batch_norm_jacobian_is_diagonal_and_its_norm_is_the_lipschitz_constant(frozen):
    variance = frozen([3, 15, 0])
    jacobian = no.batch_norm_jacobian(variance, epsilon=1)
    assert jacobian.tolist() == [[0.5, 0, 0], [0, 0.25, 0], [0, 0, 1]]
    assert no.batch_norm_lipschitz(variance, epsilon=1) == 1


def test_batch_norm_needs_no_epsilon_where_no_variance_is_zero(frozen):
    assert no.batch_norm_lipschitz(frozen([4]), epsilon=0) == 0.5


def test_batch_norm_refuses_numbers_that_leave_the_floats(frozen):
    with pytest.raises(ValueError, match="x must be of numbers whose normalized values are floats"):
        no.batch_norm(frozen([1.7e308]), [-1.7e308], [1], epsilon=1)
    with pytest.raises(ValueError, match="variance must be of numbers whose sum with epsilon is a float"):
        no.batch_norm_lipschitz(frozen([1.7e308]), epsilon=1.7e308)


def test_batch_statistics_divide_by_the_number_of_samples(frozen):
    mean, variance = no.batch_norm_statistics(frozen([[1, 2], [3, 2], [5, 8], [7, 8]]))
    assert (mean.tolist(), variance.tolist()) == ([4, 5], [5, 9])


def test_training_batch_norm_has_mean_zero_and_variance_one(frozen, rng):
    y = no.batch_norm_training(frozen(rng.standard_normal((7, 3))), epsilon=0)
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=16 * U)
    np.testing.assert_allclose(y.var(axis=0), 1, rtol=64 * U)


def test_training_batch_norm_of_one_sample_is_zero(frozen):
    batch = frozen([[3, -4]])
    assert not no.batch_norm_training(batch, epsilon=1).any()
    assert not no.batch_norm_training_jacobian(batch, epsilon=1).any()
    assert no.batch_norm_training_lipschitz(1, epsilon=1) == 0


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_training_batch_norm_is_layer_norm_across_the_samples(epsilon, frozen, rng):
    batch = frozen(rng.standard_normal((4, 3)))
    y = no.batch_norm_training(batch, epsilon=epsilon)
    jacobian = no.batch_norm_training_jacobian(batch, epsilon=epsilon)
    for k in range(3):
        np.testing.assert_allclose(y[:, k], no.layer_norm(batch[:, k], epsilon=epsilon), atol=64 * U)
        exact = balls.normalization.layer_norm_jacobian(batch[:, k], epsilon=epsilon)
        _assert_jacobian(jacobian[:, k, :, k], exact, batch[:, k], epsilon)
        jacobian[:, k, :, k] = 0
    assert not jacobian.any()


@pytest.mark.parametrize("epsilon", EPSILONS)
@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_layer_norm_and_its_jacobian_agree_with_balls(n, epsilon, frozen, rng):
    for x in (rng.standard_normal(n), np.ones(n), 1e3 + rng.standard_normal(n), rng.integers(-9, 9, n)):
        x = frozen(x)
        exact = balls.normalization.layer_norm_jacobian(x, epsilon=epsilon)
        jacobian = no.layer_norm_jacobian(x, epsilon=epsilon)
        _assert_jacobian(jacobian, exact, x, epsilon)
        deviation = math.sqrt(np.var(x) + epsilon)
        exact = balls.normalization.layer_norm(x, epsilon=epsilon) / deviation
        _assert_jacobian(no.layer_norm(x, epsilon=epsilon) / deviation, exact, x, epsilon)
        norm = no.layer_norm_jacobian_norm(x, epsilon=epsilon)
        assert norm == pytest.approx(np.linalg.norm(jacobian, 2), rel=1e-9, abs=1e-9)
        assert norm <= no.layer_norm_lipschitz(n, epsilon=epsilon) * (1 + 16 * U)


def test_layer_norm_of_a_plus_minus_one_pattern_is_that_pattern(frozen):
    assert no.layer_norm(frozen([7, 3, 7, 3]), epsilon=0).tolist() == [1, -1, 1, -1]


@pytest.mark.parametrize("n", [2, 3, 100])
def test_layer_norm_reaches_its_lipschitz_constant_at_constant_vectors(n, frozen):
    x = frozen(np.full(n, 5.0))
    assert no.layer_norm_jacobian_norm(x, epsilon=0.25) == 2 == no.layer_norm_lipschitz(n, epsilon=0.25)


def test_layer_norm_of_two_features_has_only_the_radial_direction(frozen):
    # variance 4, epsilon 12: epsilon / (variance + epsilon)^(3/2)
    assert no.layer_norm_jacobian_norm(frozen([-2, 2]), epsilon=12) == pytest.approx(12 / 64, rel=16 * 2.0**-53)
    assert no.layer_norm_jacobian_norm(frozen([-2, 2]), epsilon=0) == 0


def test_one_feature_is_mapped_to_zero(frozen):
    assert no.layer_norm(frozen([5]), epsilon=1).tolist() == [0]
    assert no.layer_norm_jacobian(frozen([5]), epsilon=1).tolist() == [[0]]
    assert no.layer_norm_lipschitz(1, epsilon=1) == 0


def test_group_norm_takes_a_number_or_a_partition(frozen):
    x = frozen([1, 3, 10, 30])
    assert no.group_norm(x, 2, epsilon=0).tolist() == no.group_norm(x, [[0, 1], [2, 3]], epsilon=0).tolist()
    assert no.group_norm(x, [[3, 0], [1, 2]], epsilon=0).tolist() == [-1, -1, 1, 1]


def test_group_norm_with_one_group_is_layer_norm(frozen, rng):
    x = frozen(rng.standard_normal(6))
    np.testing.assert_array_equal(no.group_norm(x, 1, epsilon=1), no.layer_norm(x, epsilon=1))
    expected = no.layer_norm_jacobian(x, epsilon=1)
    np.testing.assert_array_equal(no.group_norm_jacobian(x, 1, epsilon=1), expected)


@pytest.mark.parametrize("groups", [1, 2, 6, [[0, 5], [1, 2, 3], [4]]])
def test_group_norm_jacobian_agrees_with_balls(groups, frozen, rng):
    x = frozen(rng.standard_normal(6))
    exact = balls.normalization.group_norm_jacobian(x, groups, epsilon=0.25)
    _assert_jacobian(no.group_norm_jacobian(x, groups, epsilon=0.25), exact, x, 0.25)


def test_group_norm_lipschitz_constant_is_the_largest_and_not_the_sum(frozen):
    groups = [[0, 1], [2, 3], [4]]
    constant = no.group_norm_lipschitz(groups, epsilon=0.25)
    jacobian = no.group_norm_jacobian(frozen(np.ones(5)), groups, epsilon=0.25)
    assert constant == 2 == pytest.approx(np.linalg.norm(jacobian, 2), rel=8 * U)
    assert no.group_norm_lipschitz([[0], [1]], epsilon=0.25) == 0


def test_instance_norm_is_group_norm_with_a_group_for_each_channel(frozen, rng):
    x = frozen(rng.standard_normal((3, 4)))
    y = no.instance_norm(x, epsilon=0.5)
    np.testing.assert_array_equal(y.ravel(), no.group_norm(x.ravel(), 3, epsilon=0.5))
    jacobian = no.instance_norm_jacobian(x, epsilon=0.5)
    _assert_jacobian(jacobian, balls.normalization.group_norm_jacobian(x.ravel(), 3, epsilon=0.5), x, 0.5)
    assert no.instance_norm_lipschitz(4, epsilon=0.25) == 2
    assert no.instance_norm_lipschitz(1, epsilon=0.25) == 0


@pytest.mark.parametrize("epsilon", EPSILONS)
@pytest.mark.parametrize("n", [1, 2, 7])
def test_rms_norm_and_its_jacobian_agree_with_balls(n, epsilon, frozen, rng):
    for x in (rng.standard_normal(n), np.zeros(n), np.full(n, 2.0)):
        x = frozen(x)
        size = math.sqrt((x**2).mean() + epsilon)
        expected = _middles(balls.normalization.rms_norm(x, epsilon=epsilon))
        np.testing.assert_allclose(no.rms_norm(x, epsilon=epsilon), expected, rtol=16 * n * U)
        jacobian = no.rms_norm_jacobian(x, epsilon=epsilon)
        exact = _middles(balls.normalization.rms_norm_jacobian(x, epsilon=epsilon))
        np.testing.assert_allclose(jacobian, exact, rtol=0, atol=32 * n * U / size)
        assert np.linalg.norm(jacobian, 2) <= no.rms_norm_lipschitz(epsilon=epsilon) * (1 + 64 * U)


def test_rms_norm_reaches_its_lipschitz_constant_at_zero(frozen):
    jacobian = no.rms_norm_jacobian(frozen(np.zeros(3)), epsilon=0.25)
    assert jacobian.tolist() == (2 * np.eye(3)).tolist()
    assert no.rms_norm_lipschitz(epsilon=0.25) == 2


@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.float16])
def test_results_are_float64_whatever_exact_type_comes_in(dtype, frozen):
    x = frozen([1, 3, 8], dtype)
    for function in (no.layer_norm, no.layer_norm_jacobian, no.rms_norm, no.rms_norm_jacobian):
        got = function(x, epsilon=1)
        assert got.dtype == np.float64
        np.testing.assert_array_equal(got, function([1.0, 3.0, 8.0], epsilon=1))


@pytest.mark.parametrize("exponent", [-500, -20, 20, 400])
def test_scaling_by_a_power_of_two_is_exact_where_squares_are_floats(exponent, frozen, rng):
    x, factor = rng.standard_normal(5), 2.0**exponent
    epsilon = factor * factor
    for function in (no.layer_norm, no.rms_norm):
        expected = function(frozen(x), epsilon=1)
        np.testing.assert_array_equal(function(frozen(x * factor), epsilon=epsilon), expected)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_entries_whose_squares_are_no_floats_are_normalized_too(size, frozen):
    x = frozen([size, -size, size, -size])
    for function in (no.layer_norm, no.rms_norm):
        np.testing.assert_allclose(function(x, epsilon=0), [1, -1, 1, -1], rtol=16 * U)
    y = no.batch_norm_training(x[:, None], epsilon=0)
    np.testing.assert_allclose(y[:, 0], [1, -1, 1, -1], rtol=16 * U)
    assert no.layer_norm_jacobian_norm(x, epsilon=0) == pytest.approx(1 / size, rel=16 * U, abs=0)


@pytest.mark.parametrize("value", [0.1, 0.7, 1e15 / 3])
def test_a_constant_vector_has_variance_zero_whatever_its_mean_rounds_to(value, frozen):
    x = frozen(np.full(3, value))
    with pytest.raises(ValueError, match="epsilon must be above 0 where the variance is 0"):
        no.layer_norm(x, epsilon=0)
    with pytest.raises(ValueError, match="epsilon must be above 0 where the variance is 0"):
        no.batch_norm_training(x[:, None], epsilon=0)
