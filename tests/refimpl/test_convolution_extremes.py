"""Convolutions near the ends of the range of floats, and where wrapped taps cancel."""

import numpy as np
import pytest

from refimpl.convolution import (
    circulant_matrix,
    circular_norm_bound,
    circular_norm_bound_gradient,
    conv2d,
    conv2d_transpose,
    conv_power_iteration,
    conv_spectral_norm,
    frequency_blocks,
    gram_kernel,
    sampled_density_bound,
    size_transfer_factor,
    spectral_density,
    strided_norm_bound,
)

# On two pixels the outer taps cancel and 1e-200 is left.
CANCELLING = [[[[1.0, 0.0, -1.0, 1e-200]]]]
HUGE = np.full((1, 1, 1, 2), 1.5e308)


@pytest.mark.parametrize("certified", [False, True])
def test_what_cancelling_taps_leave_is_bounded(certified):
    assert circular_norm_bound(CANCELLING, (1, 2), 3, certified=certified) >= 1e-200
    assert strided_norm_bound(CANCELLING, (1, 4), (1, 2), 2, certified=certified) >= 1e-200


def test_a_bound_on_cancelling_taps_is_not_lost_to_underflow():
    assert circular_norm_bound(CANCELLING, (1, 2), 3) == pytest.approx(1e-200, rel=1e-15)
    assert sampled_density_bound(CANCELLING, 2) == pytest.approx(1e-200, rel=1e-15)
    assert np.abs(circular_norm_bound_gradient(CANCELLING, (1, 2), 1)).tolist() == [[[[1.0, 1.0, 1.0, 1.0]]]]
    assert conv_power_iteration(CANCELLING, (1, 2), 1, padding="circular", rng=0) == pytest.approx(1e-200, rel=1e-15)


def test_channels_far_apart_do_not_stop_power_iteration():
    K = np.diag([1.0, 1e-200])[:, :, None, None]
    assert conv_power_iteration(K, 1, 1, start=[[[0]], [[1]]]) == pytest.approx(1e-200, rel=1e-15)


@pytest.mark.parametrize("pixel", [1.7e308 + 1.7e308j, 5e-324 + 5e-324j])
def test_a_start_of_any_size_is_taken(pixel):
    assert conv_power_iteration([[[[3.0]]]], 1, 2, start=[[[pixel]]]) == pytest.approx(3.0, rel=1e-15)


@pytest.mark.parametrize("method", ["dense", "lanczos", "blocks"])
def test_the_error_counts_the_rounding_of_wrapped_taps(method):
    # 1 + 1e-17 - 1 is 0 in floats, so the exact norm 1e-17 has to lie within the error.
    K = np.einsum("ji,q->jiq", np.eye(4), [1.0, 1e-17, -1.0])[:, :, None]
    found = conv_spectral_norm(K, 1, method=method)
    assert abs(found.norm - 1e-17) <= found.error < 1e-13


@pytest.mark.parametrize("call", [
    lambda: conv2d([[[1.0, 1.0]]], HUGE),
    lambda: conv2d_transpose([[[1.0, 1.0]]], HUGE, (1, 2)),
    lambda: circulant_matrix(HUGE, (1, 1)),
    lambda: frequency_blocks(HUGE, (1, 2)),
    lambda: spectral_density(HUGE, 0, 0),
    lambda: gram_kernel(HUGE),
])
def test_what_leaves_the_range_of_floats_is_an_error(call):
    with pytest.raises(OverflowError, match="leaves the range of floats"):
        call()


def test_norms_beyond_the_range_of_floats_are_infinite():
    assert conv_spectral_norm(HUGE, (1, 2)).norm == np.inf
    assert circular_norm_bound(HUGE, (1, 2), 2) == np.inf
    assert circular_norm_bound(HUGE, (1, 2), 2, certified=True) == np.inf


def test_the_factor_is_finite_as_close_to_its_pole_as_integers_come():
    factor = size_transfer_factor((1, 2), (1, 2**54 + 1), 54)
    assert 1 < factor < 1 + 1e-14
    assert size_transfer_factor((1, 2), (1, 2**54 + 1), 0) == 1.0
    assert size_transfer_factor(1, 1, 10**9) == 1.0
