"""Layers of networks and what is made of them: exact differences, explicit matrices, other functions, all kinks."""

import itertools

import numpy as np
import pytest

from refimpl import layers
from refimpl import network as net
from refimpl.convolution import conv_spectral_norm
from refimpl.spectral import spectral_norm

U = 2.0**-53
MONOTONE = ["relu", "leaky_relu", "tanh", "sigmoid", "softplus", "identity"]
SHAPES = [  # n, k, stride
    ((4, 5), (2, 2), None), ((5, 5), (3, 3), (2, 2)), ((4, 3), (2, 3), (1, 1)), ((1, 7), (1, 3), (1, 2)),
    ((3, 4), (1, 1), (2, 3)), ((4, 4), (4, 4), None),
]
CONVOLUTIONS = {
    "plain": ((2, 3, 3, 3), (4, 5), {}),
    "circular": ((2, 2, 3, 2), (5, 4), {"padding": "circular"}),
    "strided": ((3, 2, 3, 3), (5, 6), {"stride": 2}),
    "strided unevenly": ((2, 1, 2, 3), (5, 6), {"stride": (1, 3), "padding": "circular"}),
    "grouped": ((4, 1, 3, 3), (4, 4), {"groups": 2}),
    "dilated": ((2, 2, 2, 3), (6, 6), {"dilation": (2, 1)}),
    "valid": ((2, 2, 2, 3), (4, 5), {"padding": "valid", "stride": 2}),
    "full": ((2, 2, 3, 2), (3, 3), {"padding": "full"}),
    "anchored": ((1, 2, 3, 3), (4, 4), {"anchor": (0, 2), "padding": "circular"}),
    "larger than the image": ((2, 1, 4, 5), (2, 3), {"padding": "circular"}),
    "grouped, strided and dilated": ((2, 2, 2, 2), (5, 5), {"groups": 2, "stride": 2, "dilation": 2}),
}
convolutions = pytest.mark.parametrize("name", CONVOLUTIONS)


def _convolution(name, rng, bias=True):
    shape, n, how = CONVOLUTIONS[name]
    return net.Convolution(rng.standard_normal(shape), n, rng.standard_normal(shape[0]) if bias else None, **how)


def test_a_feed_forward_network_is_the_chain_of_its_parts(rng):
    weights = [rng.standard_normal(shape) for shape in ((4, 3), (4, 4), (2, 4))]
    biases = [rng.standard_normal(len(W)) for W in weights]
    normalizers = [net.FrozenBatchNorm([1, 2], [3, 4], 1, [5, -6], [7, 8], 2), net.LayerNorm(0.5), None]
    names = ["gelu", "leaky_relu", "abs"]
    whole = net.FeedForward(weights, names, normalizers, biases)
    parts = []
    for W, b, normalizer, name in zip(weights, biases, normalizers, names, strict=True):
        parts += [net.Dense(W, b), *([] if normalizer is None else [normalizer]), net.Activation(name)]
    chain, x = net.Sequential(parts, 3), rng.standard_normal(3)
    assert whole(x).tolist() == chain(x).tolist()
    # The same products in another order: three sums of four terms in each, carried on by at most the bound.
    bound = net.product_upper_bound(chain)
    assert net.product_upper_bound(whole) == pytest.approx(bound, rel=32 * U)
    np.testing.assert_allclose(whole.jacobian(x), chain.jacobian(x), rtol=0, atol=256 * U * bound)
    for layer, place in ((1, 1), (2, 4), (3, 7)):
        assert isinstance(parts[place - 1], net.Dense)
        expected = net.weight_jacobian(chain, x, place)
        atol = 256 * U * bound * max(1, np.abs(chain.values(x)[place - 1]).max())
        for path in (layer, [layer], (layer, 1), np.array([layer, 1])):
            np.testing.assert_allclose(net.weight_jacobian(whole, x, path), expected, rtol=0, atol=atol)


def test_a_chain_of_chains_is_one_chain(rng):
    parts = [net.Dense(rng.standard_normal((3, 3))), net.Activation("tanh"), net.Dense(rng.standard_normal((2, 3)))]
    x, flat = rng.standard_normal(3), net.Sequential(parts, 3)
    nested = net.Sequential([net.Sequential(parts[:2], 3), net.Sequential([net.Sequential(parts[2:], 3)], 3)], 3)
    assert nested(x).tolist() == flat(x).tolist()
    assert net.product_upper_bound(nested) == net.product_upper_bound(flat)
    np.testing.assert_allclose(nested.jacobian(x), flat.jacobian(x), rtol=0, atol=64 * U * flat.lipschitz(3))
    np.testing.assert_array_equal(net.weight_jacobian(nested, x, [2, 1, 1]), net.weight_jacobian(flat, x, 3))
    np.testing.assert_allclose(
        net.weight_jacobian(nested, x, [1, 1]), net.weight_jacobian(flat, x, 1), rtol=0,
        atol=64 * U * flat.lipschitz(3) * np.abs(x).max(),
    )


def test_a_nested_chain_has_no_partial_product_that_leaves_the_floats():
    tiny, huge = (net.Sequential([net.Dense([[2.0**e]]), net.Dense([[2.0**e]])], 1) for e in (-700, 700))
    for chain in ([tiny, huge], [huge, tiny], [net.Sequential([tiny], 1), net.Sequential([huge], 1)]):
        assert net.product_upper_bound(net.Sequential(chain, 1)) == 1


def test_a_residual_sum_adds_its_branches_and_their_derivatives_and_constants():
    block = net.FeedForward([[[1, 2], [0, 1], [3, 0]]], "abs")
    shortcut = net.FeedForward([2 * np.eye(3, 2)], "identity")
    network, x = net.Residual(block, shortcut), [1, -1]
    assert network(x).tolist() == [3, -1, 3]
    assert network.jacobian(x).tolist() == [[1, -2], [0, 1], [3, 0]]
    assert network.outputs(2) == 3
    assert net.product_upper_bound(network) == pytest.approx(spectral_norm(block.weights[0]) + 2, rel=8 * U)
    assert net.weight_jacobian(network, x, [2, 1])[:, :, 0].tolist() == np.eye(3).tolist()
    assert net.weight_jacobian(network, x, [1, 1])[:, :, 0].tolist() == np.diag([-1, -1, 1]).tolist()
    twice = net.Residual(net.Sequential([net.Residual(net.FeedForward([[[2]]]))], 1))
    assert (twice([3]).tolist(), twice.jacobian([3]).tolist(), twice.lipschitz(1)) == ([12], [[4]], 4)


@pytest.mark.parametrize("name", MONOTONE)
@pytest.mark.parametrize("n_iter", [1, 2, 4])
def test_a_lipschitz_residual_of_a_dense_layer_is_the_layer_of_its_source(name, n_iter, frozen, rng):
    W, b, q = rng.standard_normal((3, 5)), rng.standard_normal(5), rng.uniform(0.2, 3, 5)
    layer = net.LipschitzResidual(net.Dense(frozen(W)), frozen(b), q=frozen(q), n_iter=n_iter, name=name)
    for x in rng.standard_normal((5, 3)):
        expected = layers.sll_layer(x, W, b, q=q, n_iter=n_iter, name=name)
        hidden = np.abs(W).T @ np.abs(x) + np.abs(b) + 1
        size = np.abs(x) + 2 * np.abs(W) @ (layer.rescaling**2 * hidden)
        assert (np.abs(layer(x) - expected) <= 32 * U * size).all()


def test_the_slope_of_a_lipschitz_residual_is_that_of_its_activation():
    layer = net.LipschitzResidual(net.Dense([[2.0]]), name="leaky_relu", slope=0.25)
    assert [layer([x]).tolist() for x in (4, -4)] == [[-4], [-2]]
    assert [layer.jacobian([x]).tolist() for x in (4, -4)] == [[[-1]], [[0.5]]]


@pytest.mark.parametrize("n_iter", [1, 3])
@convolutions
def test_a_lipschitz_residual_of_a_convolution_never_stretches(name, n_iter, rng):
    weight = _convolution(name, rng, bias=False)
    hidden = weight.inputs // int(np.prod(weight.n))
    reached = 0.0
    for activation in ("relu", "tanh", "identity"):
        q, b = rng.uniform(0.3, 3, hidden), rng.standard_normal(hidden)
        layer = net.LipschitzResidual(weight, b, q=q, n_iter=n_iter, name=activation)
        assert layer.lipschitz(layer.inputs) == 1
        R = np.repeat(layers.spectral_rescaling(_ungrouped(weight), n_iter, q), np.prod(weight.n))
        matrix = weight.matrix
        for x in rng.standard_normal((3, layer.inputs)):
            jacobian = layer.jacobian(x)
            slopes = layers.activation_derivative(matrix.T @ x + np.repeat(b, np.prod(weight.n)), activation)
            expected = np.eye(layer.inputs) - 2 * (matrix * R**2 * slopes) @ matrix.T
            # Sums over the hidden pixels of a matrix W R of norm 1.
            np.testing.assert_allclose(jacobian, expected, rtol=0, atol=16 * len(R) * U)
            reached = max(reached, spectral_norm(jacobian))
    assert 0.9 <= reached <= 1 + 16 * layer.inputs * U


def _ungrouped(layer):
    """Its kernel without groups: the taps that a unit image of each channel shows."""
    groups, (c_out, per_group, *k) = layer.how["groups"], layer.kernel.shape
    full = np.zeros((c_out, per_group * groups, *k))
    for j in range(c_out):
        first = j // (c_out // groups) * per_group
        full[j, first : first + per_group] = layer.kernel[j]
    return np.kron(full, np.eye(1)) if layer.how["dilation"] == 1 else _dilated(full, layer.how["dilation"])


def _dilated(K, dilation):
    rows, columns = (dilation, dilation) if isinstance(dilation, int) else dilation
    unit = np.zeros((1, 1, rows, columns))
    unit[0, 0, 0, 0] = 1
    return np.kron(K, unit)


# Error of a central difference: h^2 / 6 times the third derivative, at most 2 max|rho'''| ||W||^2, where max|rho'''| is
# below 2, and rounding of the values over h.
@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus"])
def test_the_derivative_of_a_lipschitz_residual_is_the_limit_of_differences(name, rng):
    h = 2.0**-17
    for weight in (net.Dense(rng.standard_normal((3, 6))), _convolution("grouped, strided and dilated", rng, False)):
        hidden = weight.inputs if isinstance(weight, net.Dense) else weight.kernel.shape[1] * 2
        layer = net.LipschitzResidual(weight, rng.standard_normal(hidden), n_iter=2, name=name)
        x = rng.standard_normal(layer.inputs)
        steps = h * np.eye(layer.inputs)
        differences = np.array([(layer(x + s) - layer(x - s)) / (2 * h) for s in steps]).T
        size = np.abs(x).max() + 2 * spectral_norm(layer.weight) * (np.abs(layer.bias).max() + 3)
        tolerance = h**2 / 6 * 4 * spectral_norm(layer.weight) ** 2 + 8 * layer.bias.size * U * size / h
        assert tolerance < 1e-6
        np.testing.assert_allclose(layer.jacobian(x), differences, rtol=0, atol=tolerance)


def _integers(rng, *shape):
    return rng.integers(-2, 3, shape).astype(float)


def _dyadic_networks(rng):
    """Networks of small integers on inputs of 12 entries: every value and derivative below is a float."""
    def conv(c_out, c_in, n, **how):
        return net.Convolution(_integers(rng, c_out, c_in, 2, 3), n, _integers(rng, c_out), **how)

    relu, leaky = net.Activation("relu"), net.Activation("leaky_relu", slope=0.25)
    batch = net.FrozenBatchNorm(_integers(rng, 2), [0.25, 16], 0, _integers(rng, 2), _integers(rng, 2), 6)
    block = net.Sequential([conv(2, 2, (3, 2)), batch, relu, conv(2, 1, (3, 2), groups=2)], 12)
    smaller = net.Sequential([conv(1, 2, (3, 2), stride=(1, 2)), leaky], 12)
    shortcut = net.Sequential([net.Convolution(_integers(rng, 1, 2, 1, 1), (3, 2), stride=(1, 2))], 12)
    yield net.Sequential([net.Residual(block), leaky, net.Residual(smaller, shortcut), net.Activation("abs")], 12)
    yield net.Sequential([
        conv(2, 1, (3, 4), padding="circular", dilation=(1, 2)), net.Pooling("max", 2, (3, 4), (2, 2), (1, 1)), relu,
        net.Pooling("average", 2, (2, 3), (2, 1), (1, 2)), net.Dense(_integers(rng, 3, 4), _integers(rng, 3)),
    ], 12)
    yield net.Residual(block)
    # One column of length 4: its rescaling is 1/4.
    column = np.repeat([[2.0], [-2], [0]], [2, 2, 8], axis=0)
    yield net.Sequential([net.LipschitzResidual(net.Dense(column), [3])], 12)


def _weighted(part, path=()):
    if isinstance(part, net.Dense | net.Convolution):
        yield path, part
    branches = (part.block, part.shortcut) if isinstance(part, net.Residual) else getattr(part, "parts", ())
    for i, branch in enumerate(branches, 1):
        yield from _weighted(branch, (*path, i))


def _moved(layer, step, call):
    """The call with the weights of a layer changed."""
    name = "weight" if isinstance(layer, net.Dense) else "kernel"
    kept = getattr(layer, name)
    setattr(layer, name, kept + step)
    try:
        return call()
    finally:
        setattr(layer, name, kept)


def test_derivatives_of_piecewise_linear_networks_are_exact_differences_away_from_kinks(rng):
    checked = np.zeros(2, int)
    for _ in range(25):
        for network in _dyadic_networks(rng):
            x = rng.integers(-2000, 2001, 12) / 512
            step = rng.integers(-1, 2, 12) * 2.0**-20
            forward, backward = network(x + step) - network(x), network(x) - network(x - step)
            if (forward == backward).all():
                checked[0] += 1
                assert (net.input_jacobian(network, x) @ step).tolist() == forward.tolist()
            for path, layer in _weighted(network):
                shape = (layer.weight if isinstance(layer, net.Dense) else layer.kernel).shape
                step = rng.integers(-1, 2, shape) * 2.0**-20
                ends = [_moved(layer, sign * step, lambda f=network, x=x: f(x)) for sign in (-1, 1)]
                if (ends[1] - network(x) == network(x) - ends[0]).all():
                    checked[1] += 1
                    expected = np.tensordot(net.weight_jacobian(network, x, path), step, len(shape))
                    assert expected.tolist() == (ends[1] - network(x)).tolist()
    assert (checked > [80, 150]).all()


@pytest.mark.parametrize(("n", "k", "stride"), SHAPES, ids=str)
@pytest.mark.parametrize("kind", ["max", "average"])
def test_pooling_is_what_its_definition_says(kind, n, k, stride, frozen, rng):
    layer, (s, t) = net.Pooling(kind, 2, n, k, stride), stride or k
    for x in (rng.standard_normal((2, *n)), _integers(rng, 2, *n), np.zeros((2, *n))):  # with ties and without
        values, rows = [], []
        starts = itertools.product(range(2), range(0, n[0] - k[0] + 1, s), range(0, n[1] - k[1] + 1, t))
        for c, u, v in starts:
            window, row = x[c, u : u + k[0], v : v + k[1]], np.zeros((2, *n))
            if kind == "max":
                values.append(window.max())
                i, j = divmod(int(window.ravel().argmax()), k[1])
                row[c, u + i, v + j] = 1
            else:
                values.append(window.mean())
                row[c, u : u + k[0], v : v + k[1]] = 1 / window.size
            rows.append(row.ravel())
        assert layer.outputs(x.size) == len(values)
        size = 2 * U * np.prod(k) * np.abs(x).max() if kind == "average" else 0
        np.testing.assert_allclose(layer(frozen(x.ravel())), values, rtol=0, atol=size)
        np.testing.assert_array_equal(layer.jacobian(frozen(x.ravel())), rows)


@pytest.mark.parametrize(("n", "k", "stride"), SHAPES, ids=str)
def test_the_constant_of_pooling_is_the_largest_norm_of_its_derivative(n, k, stride, rng):
    average, largest = (net.Pooling(kind, 2, n, k, stride) for kind in ("average", "max"))
    size = average.inputs
    exact = spectral_norm(average.jacobian(np.zeros(size)))
    assert average.lipschitz(size) == pytest.approx(exact, rel=16 * size * U)
    spikes = [spectral_norm(largest.jacobian(row)) for row in np.eye(size)]
    assert largest.lipschitz(size) == pytest.approx(max(spikes), rel=16 * size * U)
    others = [spectral_norm(largest.jacobian(row)) for row in rng.standard_normal((20, size))]
    assert max(others) <= largest.lipschitz(size) * (1 + 16 * size * U)


@convolutions
def test_the_constant_of_a_convolution_is_the_norm_of_its_matrix(name, rng):
    layer = _convolution(name, rng)
    matrix = layer.jacobian(np.ones(layer.inputs))
    zero, columns = layer(np.zeros(layer.inputs)), [layer(row) for row in np.eye(layer.inputs)]
    np.testing.assert_allclose(matrix.T, np.array(columns) - zero, rtol=0, atol=4 * U * (np.abs(zero).max() + 9))
    exact, error = spectral_norm(matrix), conv_spectral_norm(layer.kernel, layer.n, **layer.how).error
    rounding = 16 * layer.inputs * U * exact
    assert exact - rounding <= layer.lipschitz(layer.inputs) <= exact + 2 * error + rounding
    assert layer.outputs(layer.inputs) == len(matrix)
    assert error < 1e-11 * exact


def test_the_constants_of_dense_layers_and_batch_normalization_are_norms_of_their_derivatives(rng):
    dense = net.Dense(rng.standard_normal((3, 5)), rng.standard_normal(3))
    assert dense.lipschitz(5) == spectral_norm(dense.jacobian(np.ones(5)))
    scale, mean, shift = rng.standard_normal((3, 4))
    variance = rng.uniform(0, 2, 4)
    batch = net.FrozenBatchNorm(mean, variance, 0.25, scale, shift, 3)
    jacobian, x = batch.jacobian(np.zeros(12)), rng.standard_normal(12)
    assert batch.lipschitz(12) == pytest.approx(spectral_norm(jacobian), rel=16 * U)
    slopes = np.repeat(scale / np.sqrt(variance + 0.25), 3)
    np.testing.assert_allclose(jacobian, np.diag(slopes), rtol=8 * U, atol=0)
    expected = slopes * (x - np.repeat(mean, 3)) + np.repeat(shift, 3)
    size = np.abs(slopes) * (np.abs(x) + np.repeat(np.abs(mean), 3)) + np.repeat(np.abs(shift), 3)
    assert (np.abs(batch(x) - expected) <= 16 * U * size).all()


@pytest.mark.parametrize("name", [*MONOTONE, "gelu", "silu", "abs"])
def test_an_activation_layer_is_its_function_with_a_diagonal_derivative(name, frozen, rng):
    x, layer = frozen(rng.standard_normal(5)), net.Activation(name, slope=0.3)
    assert layer(x).tolist() == layers.activation(x, name, slope=0.3).tolist()
    assert layer.jacobian(x).tolist() == np.diag(layers.activation_derivative(x, name, slope=0.3)).tolist()
    assert layer.lipschitz(5) == layers.activation_lipschitz(name, slope=0.3)
    assert layer.outputs(5) == 5


@pytest.mark.parametrize("layer", [
    net.Dense(np.eye(4)), net.Convolution(np.ones((1, 1, 2, 2)), 2, [1]), net.Activation("abs"),
    net.Pooling("max", 1, 2, 2), net.Residual(net.FeedForward([np.eye(4)])), net.FeedForward([np.eye(4)]),
    net.Sequential([net.Activation("relu")], 4), net.LipschitzResidual(net.Dense(np.eye(4))),
], ids=lambda layer: type(layer).__name__)
def test_layers_meet_the_protocol_read_lists_and_leave_inputs_alone(layer, frozen):
    assert isinstance(layer, net.Layer)
    x = frozen([1, -2, 3, 0], np.int64)
    value, jacobian = layer(x), layer.jacobian(x)
    kept = value.tolist(), jacobian.tolist()
    assert value.dtype == jacobian.dtype == np.float64
    assert jacobian.shape == (layer.outputs(4), 4) == (value.size, 4)
    assert layer([1, -2, 3, 0]).tolist() == layer(frozen([1, -2, 3, 0], np.float32)).tolist() == kept[0]
    jacobian[:], value[:] = 7, 7
    assert (layer(x).tolist(), layer.jacobian(x).tolist()) == kept


def _behaviour(made):
    x = np.array([1.0, -2, 3, 0])
    return [(layer(x).tolist(), layer.jacobian(x).tolist(), layer.lipschitz(4)) for layer in made]


def test_layers_stay_the_same_when_the_given_arrays_change():
    W, b, K, one = np.eye(4), np.ones(4), np.ones((1, 1, 2, 2)), np.ones(1)
    made = [
        net.Dense(W, b), net.Convolution(K, 2, one), net.FrozenBatchNorm(b, b, 1, b, b),
        net.LipschitzResidual(net.Dense(W), b, q=b), net.Residual(net.FeedForward([W], biases=[b])),
    ]
    parts = [made[0]]
    made.append(net.Sequential(parts, 4))
    before = _behaviour(made)
    for array in (W, b, K, one):
        array[:] = 9
    parts.append(net.Dense(np.zeros((4, 4))))
    assert _behaviour(made) == before


def test_layers_stay_the_same_when_given_pairs_change():
    pair, n, k, anchor = [2, 1], [2, 2], np.array([1, 2]), np.array([1, 1])
    K = np.ones((1, 1, 2, 2))
    made = [net.Convolution(K, n, stride=pair, dilation=pair, anchor=anchor), net.Pooling("max", 1, n, k, pair)]
    before = _behaviour(made)
    pair[:], n[:], k[:], anchor[:] = [1, 2], [4, 1], [0, 0], [0, 0]
    assert _behaviour(made) == before
