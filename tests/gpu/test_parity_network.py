"""gpu.network against refimpl.network."""

import numpy as np
import pytest
from hypothesis import strategies as st
from parity import NAMESPACES, namespace, parity, refused

import gpu
from gpu import network
from proofs_check.strategies import (
    dyadics,
    image_sizes,
    images,
    kernels,
    layered_networks,
    matrices,
    network_from,
    networks,
    normalizers,
    vectors,
)

SMOOTH = ("tanh", "sigmoid", "gelu", "softplus", "silu")


def _with_input(case):
    return vectors(case["inputs"], dyadics(-2, 2)).map(lambda x: case | {"x": x})


LAYERED = (layered_networks() | layered_networks(activations=SMOOTH)).flatmap(_with_input)


@parity(given_=LAYERED, roundings=2**12, scale=64.0)
def test_networks_and_their_jacobians(impl, inputs, parts, x):
    built = network_from(impl.network, inputs, parts)
    return built(x), impl.network.input_jacobian(built, x), built.values(x)


@parity(given_=LAYERED, roundings=2**12, scale=64.0, precisions=("float64",))
def test_product_upper_bound(impl, inputs, parts, x):
    # Estimates of the error of a convolution's norm are part of the bound: rounding, in both.
    return impl.network.product_upper_bound(network_from(impl.network, inputs, parts))


def _paths(case):
    found = [[i + 1] for i, part in enumerate(case["parts"]) if part["kind"] in ("dense", "convolution")]
    found += [[i + 1, 1, 1] for i, part in enumerate(case["parts"])
              if part["kind"] == "residual" and part["block"][0]["kind"] == "dense"]
    return st.sampled_from(found or [[99]]).map(lambda path: case | {"path": path})


@parity(given_=LAYERED.flatmap(_paths).filter(lambda case: case["path"] != [99]), roundings=2**12, scale=64.0)
def test_weight_jacobian(impl, inputs, parts, x, path):
    return impl.network.weight_jacobian(network_from(impl.network, inputs, parts), x, path)


def _normalizer(module, data):
    kind, epsilon = data["kind"], data["epsilon"]
    if kind == "batch":
        return module.FrozenBatchNorm(data["mean"], data["variance"], epsilon)
    if kind == "group":
        return module.GroupNorm(data["groups"], epsilon)
    return {"layer": module.LayerNorm, "rms": module.RMSNorm}[kind](epsilon)


FEED_FORWARD = networks().flatmap(lambda case: st.fixed_dictionaries({
    "weights": st.just(case["weights"]), "x": st.just(case["x"]),
    "norms": st.tuples(*[st.none() | normalizers(len(W)) for W in case["weights"]]),
    "biases": st.tuples(*[vectors(len(W)) for W in case["weights"]]).map(list),
    "activation": st.sampled_from(["relu", "identity", "tanh"]),
}))


@parity(given_=FEED_FORWARD, roundings=2**14, scale=256.0)
def test_feed_forward(impl, weights, x, norms, biases, activation):
    normalized = [None if data is None else _normalizer(impl.network, data) for data in norms]
    built = impl.network.FeedForward(weights, activation, normalized, biases)
    return built(x), built.pre_activations(x), built.layers(x), impl.network.input_jacobian(built, x), repr(built)


@parity(given_=networks().map(lambda case: {"weights": case["weights"], "x": case["x"]}), roundings=2**12, scale=256.0)
def test_residual(impl, weights, x):
    inner = impl.network.FeedForward(weights)
    shortcut = impl.network.FeedForward([np.ones((len(weights[-1]), len(x)))] if impl.name == "refimpl" else [
        weights[-1][:, :1] * 0.0 + 0.0 * x + 1.0])
    built = impl.network.Residual(inner, shortcut)
    return built(x), built.jacobian(x), built.lipschitz(len(x) if impl.name == "refimpl" else x.shape[0])


CONVOLUTIONS = kernels(2, ((1, 1), (1, 2), (2, 2))).flatmap(lambda K: st.fixed_dictionaries({
    "K": st.just(K), "n": image_sizes(K, 2, 4), "padding": st.sampled_from(["zero", "circular", "full"]),
    "dilation": st.sampled_from([1, 2]), "stride": st.sampled_from([1, 2]),
})).flatmap(lambda case: images(case["K"].shape[1], case["n"]).map(lambda X: case | {"x": X.ravel()})).filter(
    lambda case: case["stride"] <= min(case["n"]))


@parity(given_=CONVOLUTIONS, roundings=64, scale=64.0)
def test_convolution(impl, K, n, x, **how):
    layer = impl.network.Convolution(K, n, **how)
    return (layer(x), layer.jacobian(x), layer.weight_jacobian(x), layer.matrix, layer.shape_in, layer.shape_out,
            layer.outputs(layer.inputs), repr(layer))


@parity(given_={"K": st.just(np.arange(1.0, 25.0).reshape(4, 2, 1, 3)), "x": vectors(4 * 5)}, roundings=64, scale=64.0)
def test_convolution_in_groups(impl, K, x):
    layer = impl.network.Convolution(K, (1, 5), groups=2)
    return layer(x), layer.jacobian(x), layer.weight_jacobian(x)


@parity(given_={"kind": st.sampled_from(["max", "average"]), "channels": st.integers(1, 2),
                "k": st.sampled_from([1, 2, (2, 3)]), "stride": st.sampled_from([None, 1, 2]), "x": vectors(24)},
        roundings=16, scale=4.0)
def test_pooling(impl, kind, channels, k, stride, x):
    layer = impl.network.Pooling(kind, channels, (4, 3), k, stride)
    x = x[: 12 * channels]
    return layer(x), layer.jacobian(x), layer.lipschitz(layer.inputs), layer.outputs(layer.inputs), repr(layer)


@parity(given_={"kind": st.sampled_from(["max", "average"]), "n": st.integers(3, 9), "k": st.integers(1, 3),
                "stride": st.sampled_from([None, 1, 2])}, roundings=16)
def test_pooling_lipschitz(impl, kind, n, k, stride):
    return impl.network.pooling_lipschitz(kind, n, k, stride)


def _residual(W):
    return st.fixed_dictionaries({
        "W": st.just(W), "x": vectors(W.shape[0]), "b": vectors(W.shape[1]), "n_iter": st.integers(1, 2),
        "name": st.sampled_from(["relu", "tanh", "leaky_relu"])})


@parity(given_=matrices().flatmap(_residual), roundings=2**14, scale=64.0)
def test_dense_lipschitz_residual(impl, W, x, b, n_iter, name):
    layer = impl.network.LipschitzResidual(impl.network.Dense(W), b, n_iter=n_iter, name=name)
    return layer(x), layer.jacobian(x), layer.lipschitz(layer.inputs), layer.rescaling, repr(layer)


@parity(given_=kernels(2, ((1, 1), (1, 2), (2, 2))).flatmap(lambda K: st.fixed_dictionaries({
            "K": st.just(K), "x": images(len(K), (3, 3)).map(np.ravel), "b": vectors(K.shape[1])})),
        roundings=2**14, scale=64.0)
def test_convolutional_lipschitz_residual(impl, K, x, b):
    layer = impl.network.LipschitzResidual(impl.network.Convolution(K, 3), b)
    return layer(x), layer.jacobian(x), layer.rescaling


@parity(given_={"v": vectors(st.integers(1, 4)), "sizes": st.lists(st.integers(1, 5), max_size=3)})
def test_truncate_or_pad(impl, v, sizes):
    return impl.network.truncate_or_pad(v, sizes)


# Smooth networks, on whose paths no kink turns a rounding into another piece.
SEARCHED = layered_networks(activations=SMOOTH).filter(
    lambda case: not any("pool" in part for part in case["parts"])).flatmap(_with_input)


@parity(given_=SEARCHED, roundings=2**30, precisions=("float64",), examples=20)
def test_local_lipschitz(impl, inputs, parts, x):
    return impl.network.local_lipschitz(network_from(impl.network, inputs, parts), x, 0.5, 3, rng=1)


@parity(given_=SEARCHED, roundings=2**30, scale=8.0, precisions=("float64",), examples=20)
def test_pgd_attack(impl, inputs, parts, x):
    return impl.network.pgd_attack(network_from(impl.network, inputs, parts), x, 0, 0.5, 3, step=0.25, rng=1)


def _net(i):
    return i.network.FeedForward([[[1.0, 2.0], [3.0, 4.0]]])


test_bad_arguments = refused([
    lambda i, x: i.network.Dense(x),
    lambda i, x: i.network.Dense(x[None, :], x),
    lambda i, x: i.network.Dense(x[None, :])(x[:1]),
    lambda i, x: i.network.Dense(x[None, :] * 1e300)(x * 1e300),
    lambda i, x: i.network.Convolution(x[None, None, None, :] * 1j, 2),
    lambda i, x: i.network.Convolution(x[None, None, None, :], (1, 2))(x[:1]),
    lambda i, x: i.network.FeedForward([x[None, :], x[None, :]]),
    lambda i, x: i.network.FeedForward([x[None, :]], biases=[x]),
    lambda i, x: i.network.FeedForward([x[None, :]], normalizers=[i.network.GroupNorm(2, 1.0)]),
    lambda i, x: i.network.Residual(i.network.FeedForward([x[None, :]])),
    lambda i, x: i.network.LipschitzResidual(i.network.Dense(x[None, :]), x[:1]),
    lambda i, x: i.network.LipschitzResidual(i.network.Dense(x[None, :], x[:1])),
    lambda i, x: i.network.LayerNorm(0.0)(x[:1]),
    lambda i, x: i.network.RMSNorm(0.0)(0 * x),
    lambda i, x: i.network.FrozenBatchNorm(x, -x, 1.0),
    lambda i, x: i.network.FrozenBatchNorm(x, x, 1.0)(x[:1]),
    lambda i, x: i.network.FrozenBatchNorm(0 * x, 0 * x, 5e-324, scale=1e300 * x).jacobian(x),
    lambda i, x: i.network.Pooling("max", 1, 2, 1)(x),
    lambda i, x: i.network.input_jacobian("net", x),
    lambda i, x: i.network.weight_jacobian(_net(i), [1.0, 2.0], 2),
    lambda i, x: i.network.local_lipschitz(_net(i), [1.0, 2.0], 1.0, 1, start=[1.0, 2.0]),
    lambda i, x: i.network.local_lipschitz(_net(i), [1.0, 2.0], 1.0, 1),
    lambda i, x: i.network.pgd_attack(_net(i), [1.0, 2.0], 2, 1.0, 1, step=1.0, rng=0),
    lambda i, x: i.network.pgd_attack(_net(i), [1.0, 2.0], 0, 1.0, 1, step=1.0, start=[0.0, 0.0]),
], x=np.array([1.0, 2.0]))


@pytest.mark.parametrize("name", NAMESPACES)
def test_no_jacobian_of_a_convolution_is_written_out(name, monkeypatch, rng):
    xp = namespace(name)
    layer = network.Convolution(xp.asarray(rng.standard_normal((2, 2, 3, 3))), 6)
    deep = network.Sequential(
        [layer, network.Activation("tanh"), network.LipschitzResidual(layer), network.Pooling("average", 2, 6, 2)], 72)
    x = xp.asarray(rng.standard_normal(72))
    expected = deep.jacobian(x)
    monkeypatch.setattr(network.Convolution, "matrix", property(lambda self: pytest.fail("the matrix is made")))
    assert bool(xp.all(deep.jacobian(x) == expected))
    network.local_lipschitz(deep, x, 1.0, 2, rng=0)


def test_a_network_in_float32_stays_there(rng):
    built = network.FeedForward([rng.standard_normal((3, 4)), rng.standard_normal((2, 3))], "tanh",
                                [network.LayerNorm(1.0), network.FrozenBatchNorm([0.0] * 2, [1.0] * 2, 1.0)])
    x = rng.standard_normal(4)
    with gpu.precision("float32"):
        assert {value.dtype for value in built.values(x)} == {np.dtype("float32")}
        assert built.jacobian(x).dtype == np.dtype("float32")
    assert built(x).dtype == np.dtype("float64")
