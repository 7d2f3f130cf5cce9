"""Networks and activations near the ends of the range of floats, and derivatives of activations to the last digits."""

import math

import mpmath
import numpy as np
import pytest

from refimpl import layers
from refimpl import network as net

U = 2.0**-53
SMALLEST = 2.0**-1074
NORMAL = 2.0**-1022
ACTIVATIONS = ["relu", "leaky_relu", "tanh", "sigmoid", "gelu", "softplus", "silu", "abs", "identity"]
POINTS = [
    *np.linspace(-40, 40, 161), *np.logspace(-300, 300, 25), *-np.logspace(-300, 300, 25),
    700.25, -700.25, 745.2, -745.2,
]


def _derivative(name, x):
    """In 60 digits; from 1000 on nothing changes any more, where mpmath gives up."""
    v, one = mpmath.mpf(min(max(float(x), -1000), 1000)), mpmath.mpf(1)
    s = one / (1 + mpmath.exp(-v))
    return {
        "relu": lambda: one * (v > 0), "leaky_relu": lambda: one if v > 0 else mpmath.mpf(0.3),
        "tanh": lambda: mpmath.sech(v) ** 2, "sigmoid": lambda: s / (1 + mpmath.exp(v)),
        "gelu": lambda: mpmath.ncdf(v) + v * mpmath.npdf(v), "softplus": lambda: s,
        "silu": lambda: s * (1 + v / (1 + mpmath.exp(v))), "abs": lambda: one if v > 0 else -one,
        "identity": lambda: one,
    }[name]()


# What cancels in gelu and silu is measured by its parts; an exponent x^2 / 2 is rounded by u x^2 / 2 absolutely.
# Below the normal floats digits are lost.
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivatives_of_activations_have_all_their_digits(name, frozen):
    got = layers.activation_derivative(frozen(POINTS), name, slope=0.3)
    with mpmath.workdps(60):
        for x, value in zip(POINTS, got.tolist(), strict=True):
            exact, size, rounding = _derivative(name, x), 0.0, 16 * U
            if name in ("gelu", "silu") and abs(x) < 1e3:
                density = mpmath.npdf(x) if name == "gelu" else mpmath.exp(-abs(x))
                size, rounding = float(abs(x) * density), (16 + x * x) * U
            assert abs(value - exact) <= rounding * (abs(exact) + size) + NORMAL, x


@pytest.mark.parametrize("x", [1.7e308, -1.7e308, SMALLEST, -SMALLEST, 0.0])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_and_their_derivatives_take_every_float(name, x):
    low = {"leaky_relu": 0.5, "abs": -1, "identity": 1}.get(name, 0)
    middle = {"tanh": 1, "sigmoid": 0.25, "gelu": 0.5, "softplus": 0.5, "silu": 0.5}
    high = 0 if name in ("tanh", "sigmoid") else 1
    expected = middle[name] if abs(x) < 1 and name in middle else high if x > 0 else low
    assert layers.activation_derivative(x, name, slope=0.5) == expected
    value = layers.activation(x, name, slope=0.5)
    assert np.isfinite(value)


@pytest.mark.parametrize("scale", [1e300, 1e160, 1e-160, 1e-300])
def test_constants_and_derivatives_of_layers_grow_with_their_weights(scale, rng):
    W, K, x = rng.standard_normal((3, 4)), rng.standard_normal((2, 1, 2, 2)), rng.standard_normal(4)
    around = {"padding": "circular", "stride": 2}
    for small, large in (
        (net.Dense(W), net.Dense(scale * W)),
        (net.Convolution(K, 2), net.Convolution(scale * K, 2)),
        (net.Convolution(K, 2, **around), net.Convolution(scale * K, 2, **around)),
        (net.FrozenBatchNorm(x, x**2, 1, x), net.FrozenBatchNorm(x, x**2, 1, scale * x)),
    ):
        assert large.lipschitz(4) == pytest.approx(scale * small.lipschitz(4), rel=64 * U, abs=0)
        np.testing.assert_allclose(large.jacobian(x), scale * small.jacobian(x), rtol=16 * U, atol=0)
        size = 64 * U * scale * np.abs(small.jacobian(x)) @ (2 * np.abs(x))
        assert (np.abs(large(x) - scale * small(x)) <= size).all()


def test_an_image_of_huge_entries_is_pooled_and_one_of_tiny_entries_keeps_its_digits():
    for scale in (1.5e308, SMALLEST):
        image = scale * np.array([1.0, -1, 0, 1])
        assert net.Pooling("max", 1, 2, 2)(image).tolist() == [scale]
    assert net.Pooling("average", 1, 2, 2)(1.5e308 * np.ones(4)).tolist() == [1.5e308]


@pytest.mark.parametrize("scale", [1e200, 1e160, 1e-160, 1e-200])
def test_a_lipschitz_residual_does_not_depend_on_the_scale_of_its_weight(scale):
    layer = net.LipschitzResidual(net.Dense([[scale]]))
    assert layer([3.0]) == pytest.approx([-3.0], rel=16 * U)
    assert layer.jacobian([3.0]) == pytest.approx(np.array([[-1.0]]), rel=16 * U)


def test_networks_of_zeros_are_constant():
    zero = net.Convolution(np.zeros((2, 1, 2, 2)), 2, [3, -4])
    network = net.Sequential([zero, net.Activation("relu"), net.Pooling("max", 2, 2, 2)], 4)
    assert network(np.ones(4)).tolist() == [3, 0]
    assert not network.jacobian(np.ones(4)).any()
    assert net.product_upper_bound(network) == net.local_lipschitz_exact(network, np.ones(4)) == 0
    layer = net.LipschitzResidual(net.Dense(np.zeros((2, 3))))
    assert layer([1, 2]).tolist() == [1, 2]
    assert layer.jacobian([1, 2]).tolist() == np.eye(2).tolist()
    flat = net.FrozenBatchNorm([0, 0], [1, 1], 0, [0, 0], [5, 6])
    assert (flat([1, 2]).tolist(), flat.lipschitz(2)) == ([5, 6], 0)
    huge = net.Dense([[1e300]])
    assert net.product_upper_bound(net.Sequential([huge, huge, net.FrozenBatchNorm([0], [1], 0, [0])], 1)) == 0


def test_bounds_that_are_no_floats_are_infinite():
    huge = net.Sequential([net.Dense([[1e300]])], 1)
    assert net.product_upper_bound(net.Sequential([huge, huge], 1)) == math.inf
    assert net.product_upper_bound(net.Residual(net.Sequential([huge, huge], 1))) == math.inf
    branch = net.FeedForward([[[1.7e308]]])
    assert net.product_upper_bound(net.Residual(branch, branch)) == math.inf
    assert net.FrozenBatchNorm([0], [0], 1e-300, [1e200]).lipschitz(1) == math.inf


@pytest.mark.parametrize("scale", [1e300, 1e200, 1e-10, 1e-200, 1e-300])
def test_the_exact_local_constant_grows_with_the_weights(scale):
    def network(factor):
        return net.FeedForward([[[factor], [-2 * factor]]], biases=[[factor, factor]])

    assert net.local_lipschitz_exact(network(1), [0]) == pytest.approx(math.sqrt(5), rel=8 * U)
    assert net.local_lipschitz_exact(network(scale), [0]) == pytest.approx(scale * math.sqrt(5), rel=8 * U, abs=0)


def test_the_exact_local_constant_counts_neurons_whose_kinks_are_far_away():
    far = net.FeedForward([[[1e-10], [1.0]]], biases=[[1, 0]])  # kinks at -1e10 and 0
    assert net.local_lipschitz_exact(far, [0.5], 0.25) == pytest.approx(1, rel=8 * U)
    assert net.local_lipschitz_exact(far, [0.5]) == pytest.approx(1, rel=8 * U)
    # 3 * 0.1 - 0.3 is a rounding, no slope: its neuron is constant, and the other one has slope 0.1.
    weights = [[[0.1], [0.3]], [[3, -1], [1, 0]]]
    rounded = net.FeedForward(weights, ["identity", "relu"], biases=[[0, 0], [1, 0]])
    assert net.local_lipschitz_exact(rounded, [0]) == pytest.approx(0.1, rel=8 * U)


@pytest.mark.parametrize(("x", "radius"), [
    (1e10, math.inf), (-1e10, math.inf), (1e10, 2e10), (0.0, 1e-6), (0.0, 1e-10), (1e-11, 1e-10), (-1e-11, 1e-10),
    (1e12, 1.0), (0.0, 1e-200), (1e-300, 1e-299),
])
def test_the_exact_local_constant_of_a_kink_holds_at_every_scale_of_the_ball(x, radius):
    assert net.local_lipschitz_exact(net.FeedForward([[[1.0]]]), [x], radius) == 1


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_the_ascent_holds_at_every_scale_of_the_weights(scale):
    network = net.FeedForward([[[scale], [-2 * scale]], [[1.0, 1.0]]])
    assert net.local_lipschitz(network, [0.5], 2.0, 20, start=[-1.0]) == pytest.approx(1.25 * scale, rel=16 * U)
