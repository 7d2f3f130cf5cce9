"""Networks: forward maps and Jacobians against exact differentiation, product bounds, extremal networks."""

import math

import numpy as np
import pytest
from flint import ctx

from proofs_check import balls
from refimpl import network as net
from refimpl.spectral import spectral_norm

U = 2.0**-53
MEAN, VARIANCE = np.array([0.5, 0.0, -1.0]), np.array([3.0, 0.0, 1.0])

NORMALIZERS = {
    "none": lambda module: None,
    "batch": lambda module: module.FrozenBatchNorm(MEAN, VARIANCE, 1.0),
    "layer": lambda module: module.LayerNorm(0.5),
    "rms": lambda module: module.RMSNorm(0.5),
}


@pytest.fixture(autouse=True)
def _digits():
    with ctx.workprec(200):
        yield


def _middles(values):
    array = np.asarray(values, dtype=object)
    return np.array([float(v.mid()) for v in array.ravel()]).reshape(array.shape)


def _both(rng, activation, normalizer):
    """The same random network of widths 2, 3, 3, 2 in floats and in balls."""
    weights = [rng.standard_normal(shape) for shape in ((3, 2), (3, 3), (2, 3))]
    biases = [rng.standard_normal(n) for n in (3, 3, 2)]
    made = []
    for module in (net, balls.network):
        normalizers = [NORMALIZERS[normalizer](module), NORMALIZERS[normalizer](module), None]
        made.append(module.FeedForward(weights, activation, normalizers, biases))
    return made


# Three layers of at most three products, norms and slopes of a few units: an error of a unit of
# roundoff grows by the product bound and by 1/epsilon in every normalizer.
def _tolerance(network):
    return 64 * U * max(1.0, net.product_upper_bound(network)) * 10


@pytest.mark.parametrize("normalizer", NORMALIZERS)
@pytest.mark.parametrize(
    "activation", ["relu", "tanh", "identity", ["gelu", "sigmoid", "abs"], ["leaky_relu", "silu", "softplus"]]
)
def test_outputs_and_jacobians_agree_with_balls(activation, normalizer, frozen, rng):
    for _ in range(4):
        network, exact = _both(rng, activation, normalizer)
        x = frozen(rng.standard_normal(2))
        tolerance = _tolerance(network)
        for got, expected in zip(network.layers(x), exact.layers(x), strict=True):
            np.testing.assert_allclose(got, _middles(expected), rtol=0, atol=tolerance)
        jacobian = net.input_jacobian(network, x)
        expected = _middles(balls.network.input_jacobian(exact, x))
        np.testing.assert_allclose(jacobian, expected, rtol=0, atol=tolerance)
        assert spectral_norm(jacobian) <= net.product_upper_bound(network) * (1 + 64 * U)
        for layer in (1, 2, 3):
            got = net.weight_jacobian(network, x, layer)
            expected = _middles(balls.network.weight_jacobian(exact, x, layer))
            largest = max(1, np.abs(network.layers(x)[layer - 1]).max())
            np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * largest)


def test_group_norm_layer_equals_layer_norm_of_one_group(frozen):
    x = frozen([1.0, 2.0, 4.0])
    group, layer = net.GroupNorm([[0, 1, 2]], 0.5), net.LayerNorm(0.5)
    assert group(x).tolist() == layer(x).tolist()
    assert group.jacobian(x).tolist() == layer.jacobian(x).tolist()
    assert group.lipschitz(3) == layer.lipschitz(3)


@pytest.mark.parametrize("name", NORMALIZERS)
def test_normalizers_meet_the_protocol(name, frozen):
    normalizer = NORMALIZERS[name](net)
    if normalizer is None:
        return
    x = frozen([1.0, 2.0, 4.0])
    assert normalizer(x).shape == (3,)
    assert spectral_norm(normalizer.jacobian(x)) <= normalizer.lipschitz(3) * (1 + 16 * U)


def test_leaky_relu_has_slope_one_hundredth_below_zero(frozen):
    network = net.FeedForward([frozen([[1, 0], [0, 1]])], "leaky_relu")
    assert network(frozen([-100, 3])).tolist() == [-1, 3]
    assert net.input_jacobian(network, frozen([-100, 3])).tolist() == [[0.01, 0], [0, 1]]


def test_the_slope_of_tanh_is_accurate_far_from_zero(frozen):
    network = net.FeedForward([frozen([[1.0]])], "tanh")
    slope = 4 * math.exp(-40)  # of cosh(20)^-2, to a relative 2 exp(-40)
    assert net.input_jacobian(network, frozen([20.0]))[0, 0] == pytest.approx(slope, rel=16 * U, abs=0)


def test_the_slope_of_relu_at_its_kink_is_zero(frozen):
    network = net.FeedForward([frozen([[1.0]])])
    assert net.input_jacobian(network, frozen([0])).tolist() == [[0]]


def test_layers_and_pre_activations_are_all_intermediate_vectors(frozen):
    weights, biases = [frozen([[1, -1], [0, 2]]), frozen([[1, 1]])], [frozen([-5, 0]), frozen([1])]
    network = net.FeedForward(weights, biases=biases)
    assert [v.tolist() for v in network.pre_activations(frozen([3, 1]))] == [[-3, 2], [3]]
    assert [v.tolist() for v in network.layers(frozen([3, 1]))] == [[3, 1], [0, 2], [3]]


def test_a_residual_network_adds_the_input(frozen):
    block = net.FeedForward([frozen([[0, 3], [1, 0]])], "identity")
    residual, x = net.Residual(block), frozen([1, 2])
    assert residual(x).tolist() == [7, 3]
    assert net.input_jacobian(residual, x).tolist() == [[1, 3], [1, 1]]
    assert net.product_upper_bound(residual) == 4


@pytest.mark.parametrize(
    ("activation", "constant"), [("tanh", 1), ("sigmoid", 2.0**-8), (["sigmoid", "relu", "abs", "sigmoid"], 2.0**-4)]
)
def test_product_upper_bound_multiplies_norms_normalizers_and_activations(activation, constant):
    diagonal = [[3, 0], [0, 1]]
    batch, group = net.FrozenBatchNorm([0, 0], [3, 15], 1), net.GroupNorm([[0, 1]], 0.25)
    normalizers = [batch, group, net.LayerNorm(4), net.RMSNorm(16)]
    network = net.FeedForward([diagonal] * 4, activation, normalizers)
    expected = 3**4 * 0.5 * 2 * 0.5 * 0.25 * constant
    assert net.product_upper_bound(network) == pytest.approx(expected, rel=32 * U)


@pytest.mark.parametrize(
    ("exponents", "expected"),
    [([-700, -700, 900, 900], 2.0**400), ([900, 900, -700, -700], 2.0**400), ([600, 600], math.inf)],
)
def test_product_upper_bound_has_no_partial_product_that_leaves_the_floats(exponents, expected):
    assert net.product_upper_bound(net.FeedForward([[[2.0**e]] for e in exponents])) == expected


def test_product_upper_bound_of_a_zero_layer_is_zero():
    assert net.product_upper_bound(net.FeedForward([[[1e200]], [[1e200]], [[0.0]]])) == 0


@pytest.mark.parametrize("widths", [[1, 1], [2, 3, 2], [3, 1, 2], [4, 4, 4, 4]])
def test_extremal_networks_reach_the_product_bound(widths, frozen):
    factors = [2.0, 0.5, 3.0][: len(widths) - 1]
    network = net.extremal_network(widths, factors)
    x = frozen(np.ones(widths[0]))
    bound = net.product_upper_bound(network)
    assert bound == pytest.approx(np.prod(factors), rel=16 * U)
    assert spectral_norm(net.input_jacobian(network, x)) == pytest.approx(bound, rel=16 * U)
    assert network(x).tolist() == (np.prod(factors) * net.truncate_or_pad(x, widths)).tolist()


def test_truncate_or_pad_forgets_what_a_narrow_layer_cuts(frozen):
    v = frozen([1, 2, 3])
    assert net.truncate_or_pad(v, []).tolist() == [1, 2, 3]
    assert net.truncate_or_pad(v, [2]).tolist() == [1, 2]
    assert net.truncate_or_pad(v, [5]).tolist() == [1, 2, 3, 0, 0]
    assert net.truncate_or_pad(v, [1, 3]).tolist() == [1, 0, 0]


def test_truncate_or_pad_returns_a_copy():
    v = np.array([1.0, 2.0])
    net.truncate_or_pad(v, [])[:] = 7
    assert v.tolist() == [1, 2]


def test_layers_returns_a_copy_of_the_input():
    v = np.array([1.0, 2.0])
    net.FeedForward([np.eye(2)]).layers(v)[0][:] = 7
    assert v.tolist() == [1, 2]


def test_a_network_keeps_its_weights_when_the_given_arrays_change():
    W = np.eye(2)
    network = net.FeedForward([W])
    W[:] = 0
    assert network([1, 2]).tolist() == [1, 2]


def test_frozen_batch_norm_keeps_its_statistics_when_the_given_arrays_change():
    mean, variance = np.zeros(2), np.ones(2)
    normalizer = net.FrozenBatchNorm(mean, variance, 3)
    mean[:], variance[:] = 7, 100
    assert normalizer(np.array([2.0, 4.0])).tolist() == [1, 2]
    assert normalizer == net.FrozenBatchNorm([0, 0], [1, 1], 3)


def test_frozen_batch_norm_needs_as_many_means_as_variances():
    with pytest.raises(ValueError, match="mean must be a vector of 2 entries, got 3 entries"):
        net.FrozenBatchNorm([0, 0, 0], [1, 1], 1)


def test_a_normalizer_class_is_no_normalizer():
    with pytest.raises(ValueError, match=r"normalizers\[0\] must be a Normalizer or None"):
        net.FeedForward([np.eye(2)], normalizers=[net.LayerNorm])


@pytest.mark.parametrize("network", [None, net.Dense([[1.0]]), net.Residual])
def test_weight_jacobian_needs_a_network(network):
    with pytest.raises(ValueError, match="network must be a FeedForward, Sequential or Residual, got"):
        net.weight_jacobian(network, [1.0], 1)


def test_weight_jacobian_of_a_residual_network_needs_a_path_into_its_block():
    network = net.Residual(net.FeedForward([[[2.0]], [[5.0]]]))
    with pytest.raises(ValueError, match=r"layer must lead to a Dense or Convolution, got \[1\] which leads to"):
        net.weight_jacobian(network, [3.0], 1)
    assert net.weight_jacobian(network, [3.0], [1, 1]).tolist() == [[[15.0]]]
    assert net.weight_jacobian(network, [3.0], (1, 2, 1)).tolist() == [[[6.0]]]


# Integers below 2^10 through three layers, steps of 2^-24: every product and sum is a float.
def test_jacobians_of_relu_networks_give_exact_differences_away_from_kinks(rng):
    checked = 0
    for _ in range(100):
        weights = [rng.integers(-3, 4, shape).astype(float) for shape in ((3, 2), (3, 3), (2, 3))]
        network, x = net.FeedForward(weights), rng.integers(-9, 10, 2).astype(float)
        if min(np.abs(y).min() for y in network.pre_activations(x)) < 1:
            continue
        checked += 1
        step = rng.integers(-1, 2, 2) * 2.0**-24
        assert (network(x + step) - network(x)).tolist() == (net.input_jacobian(network, x) @ step).tolist()
        for layer in (1, 2, 3):
            step = rng.integers(-1, 2, weights[layer - 1].shape) * 2.0**-24
            moved = net.FeedForward([*weights[: layer - 1], weights[layer - 1] + step, *weights[layer:]])
            expected = np.tensordot(net.weight_jacobian(network, x, layer), step, 2)
            assert (moved(x) - network(x)).tolist() == expected.tolist()
    assert checked >= 10


def test_identity_like_is_rectangular():
    assert net.identity_like(2, 3).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert net.identity_like(3, 2).tolist() == [[1, 0], [0, 1], [0, 0]]
