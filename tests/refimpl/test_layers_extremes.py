"""Lipschitz layers near the ends of the range of floats, and with parameters far apart."""

import numpy as np
import pytest

from refimpl.layers import (
    aol_rescaling,
    bjorck,
    block_orthogonal_convolution,
    cayley,
    cayley_rectangular,
    convex_potential_layer,
    reshaped_kernel_orthogonalization,
    residual_linear_block,
    skew_exponential,
    sll_layer,
    sll_rescaling,
    spectral_rescaling,
)
from refimpl.spectral import spectral_norm_enclosure

G = np.random.default_rng(1).standard_normal((3, 3))


@pytest.mark.parametrize("scale", [1e200, 1e160, 1e-160, 1e-200])
@pytest.mark.parametrize("layer", [sll_layer, convex_potential_layer])
def test_a_residual_layer_does_not_depend_on_the_scale_of_its_matrix(layer, scale):
    assert layer([3.0], [[scale]]) == pytest.approx([-3.0], rel=1e-14)


@pytest.mark.parametrize("W", [np.diag([1, 2.7e-162]), np.diag([1, 1.3e-155])])
def test_a_column_whose_digits_underflow_is_refused(W):
    with pytest.raises(OverflowError, match="column 1"):
        aol_rescaling(W)


@pytest.mark.parametrize("steps", range(1, 10))
def test_a_rescaling_that_is_given_keeps_its_bound(steps):
    W = np.diag([2, 0.97])
    assert spectral_norm_enclosure(W * spectral_rescaling(W, steps)).low <= 1 + 1e-14


def test_weights_too_far_apart_are_refused():
    with pytest.raises(OverflowError, match="q leaves the range"):
        sll_rescaling([[1, 1]], [1e-200, 1e200])


def test_a_residual_block_of_huge_entries_is_normalized():
    assert residual_linear_block(np.full((2, 2), 1e308)) == pytest.approx(np.full((2, 2), 0.5), rel=1e-14)


@pytest.mark.parametrize("transform", [cayley, lambda W: cayley_rectangular(W, 0 * W), skew_exponential])
def test_a_transform_without_a_digit_left_is_refused(transform):
    with pytest.raises(OverflowError, match="leaves no digit"):
        transform(1e17 * G)


@pytest.mark.parametrize("scale", [1.0, 1e3, 1e8])
@pytest.mark.parametrize("transform", [cayley, skew_exponential])
def test_a_transform_is_orthogonal_to_rounding_times_the_norm(transform, scale):
    Q = transform(scale * G)
    assert np.abs(Q.T @ Q - np.eye(3)).max() < 3e-15 * (1 + scale)


def test_results_are_no_views_of_the_arguments():
    W = np.eye(2)
    assert not np.shares_memory(bjorck(W, 0), W)
    assert not np.shares_memory(block_orthogonal_convolution(W, []), W)


def test_a_kernel_without_polar_factor_is_refused():
    with pytest.raises(ValueError, match="full rank"):
        reshaped_kernel_orthogonalization(np.zeros((1, 1, 2, 2)))
