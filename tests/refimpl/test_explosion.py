"""Linear networks with normalization: derivatives against differences and mpmath, and the exact families."""

# ruff: noqa: E501

import itertools

import mpmath
import numpy as np
import pytest

from refimpl import explosion, normalization
from refimpl.explosion import (
    amplification,
    exploding_network,
    exploding_weights,
    frozen_network,
    jacobian_bound,
    linear_network,
    linear_network_jacobian,
    linear_network_weight_jacobian,
)
from refimpl.explosion._networks import KINDS

U = 2.0**-53


def drawn(rng, kind, widths=(3, 4, 2), samples=3):
    widths = [2 * n if kind == "group" else n for n in widths]
    return [rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)], rng.standard_normal(
        (samples, widths[0]))


@pytest.mark.parametrize("kind", KINDS)
def test_one_layer_is_the_normalization_of_the_product(kind, rng):
    (W,), X = drawn(rng, kind, (3, 4))
    Z = X @ W.T
    expected = {
        "batch": lambda: normalization.batch_norm_training(Z, epsilon=0.5),
        "layer": lambda: np.array([normalization.layer_norm(z, epsilon=0.5) for z in Z]),
        "group": lambda: np.array([normalization.group_norm(z, 2, epsilon=0.5) for z in Z]),
        "rms": lambda: np.array([normalization.rms_norm(z, epsilon=0.5) for z in Z]),
    }[kind]()
    assert np.array_equal(linear_network([W], X, epsilon=0.5, normalizer=kind), expected)


def high(weights, X, epsilon, kind):
    """The network in multiple precision, from the definitions."""
    rows = [[mpmath.mpf(v) for v in row] for row in X]

    def centred(values, mean=True):
        n = len(values)
        m = mpmath.fsum(values) / n if mean else 0
        s = mpmath.sqrt(mpmath.fsum((v - m) ** 2 for v in values) / n + epsilon)
        return [(v - m) / s for v in values]

    for W in weights:
        Z = [[mpmath.fsum(mpmath.mpf(w) * v for w, v in zip(line, row, strict=True)) for line in W.tolist()] for row in rows]
        if kind == "batch":
            rows = [list(row) for row in zip(*(centred(c) for c in zip(*Z, strict=True)), strict=True)]
        elif kind == "group":
            rows = [centred(z[: len(z) // 2]) + centred(z[len(z) // 2:]) for z in Z]
        else:
            rows = [centred(z, kind == "layer") for z in Z]
    return rows


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("epsilon", [0.01, 1.0])
def test_values_and_derivatives_agree_with_multiple_precision(kind, epsilon, rng):
    weights, X = drawn(rng, kind)
    with mpmath.workdps(60):
        value = np.array(high(weights, X, epsilon, kind)).astype(float)
        delta = rng.standard_normal(X.shape)
        step = mpmath.mpf(10) ** -25
        moved = [[mpmath.mpf(v) + step * mpmath.mpf(d) for v, d in zip(*pair, strict=True)] for pair in zip(X, delta, strict=True)]
        up = np.array(high(weights, moved, epsilon, kind))
        slope = ((up - np.array(high(weights, X, epsilon, kind))) / step).astype(float)
        E = rng.standard_normal(weights[0].shape)
        changed = np.array([[mpmath.mpf(w) + step * mpmath.mpf(e) for w, e in zip(*pair, strict=True)] for pair in zip(weights[0], E, strict=True)])
        up = np.array(high([changed, *weights[1:]], X, epsilon, kind))
        in_weight = ((up - np.array(high(weights, X, epsilon, kind))) / step).astype(float)
    # Two layers, each of condition at most |W| / sqrt(epsilon): a few hundred roundings, enlarged by it.
    room = 512 * U * jacobian_bound(weights, X, epsilon=epsilon, normalizer=kind) * 10
    np.testing.assert_allclose(linear_network(weights, X, epsilon=epsilon, normalizer=kind), value, rtol=0, atol=room)
    J = linear_network_jacobian(weights, X, epsilon=epsilon, normalizer=kind)
    np.testing.assert_allclose(np.einsum("ikjl,jl->ik", J, delta), slope, rtol=0, atol=100 * room / epsilon)
    G = linear_network_weight_jacobian(weights, X, 0, epsilon=epsilon, normalizer=kind)
    np.testing.assert_allclose(np.einsum("ikpq,pq->ik", G, E), in_weight, rtol=0, atol=100 * room / epsilon)
    factor = amplification(weights, X, delta, epsilon=epsilon, normalizer=kind)
    assert factor == pytest.approx(np.linalg.norm(slope) / np.linalg.norm(delta), rel=1e-9)


def test_the_jacobian_in_the_last_weight_is_that_of_its_normalization(rng):
    weights, X = drawn(rng, "layer")
    G = linear_network_weight_jacobian(weights, X, 1, epsilon=0.25, normalizer="layer")
    before = linear_network(weights[:1], X, epsilon=0.25, normalizer="layer")
    for i, h in enumerate(before):
        J = normalization.layer_norm_jacobian(weights[1] @ h, epsilon=0.25)
        np.testing.assert_allclose(G[i], np.einsum("kp,q->kpq", J, h), rtol=0, atol=64 * U * np.abs(G).max())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", [2, 3, 5, 1.75])
def test_layers_give_the_batch_back(kind, rate):
    network = exploding_network(6, rate, normalizer=kind)
    out = linear_network(network.weights, network.batch, epsilon=0, normalizer=kind)
    if rate == int(rate):
        assert np.array_equal(out, network.batch)
    np.testing.assert_allclose(out, network.batch, rtol=0, atol=1e-12)
    assert np.linalg.norm(network.weights[0], 2) <= 1 + 4 * U
    assert np.linalg.norm(network.perturbation) == pytest.approx(1, rel=4 * U)


@pytest.mark.parametrize("kind", KINDS)
def test_fifty_layers_are_without_rounding_in_floats(kind):
    network = exploding_network(50, 3, normalizer=kind)
    out = linear_network(network.weights, network.batch, epsilon=0, normalizer=kind)
    assert np.array_equal(out, network.batch)
    found = amplification(network.weights, network.batch, network.perturbation, epsilon=0, normalizer=kind)
    assert found == pytest.approx(3.0**50, rel=1e-12) and network.growth == 3.0**50


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("epsilon", [0.0, 0.01])
def test_the_perturbation_is_the_worst(kind, epsilon):
    network = exploding_network(3, 4, epsilon=epsilon, normalizer=kind)
    size = network.batch.size
    J = linear_network_jacobian(network.weights, network.batch, epsilon=epsilon, normalizer=kind).reshape(-1, size)
    assert np.linalg.norm(J, 2) == pytest.approx(64, rel=1e-9)
    assert np.linalg.norm(J @ network.perturbation.ravel()) == pytest.approx(64, rel=1e-9)
    assert jacobian_bound(network.weights, network.batch, epsilon=epsilon, normalizer=kind) == pytest.approx(64, rel=1e-9)


@pytest.mark.parametrize("epsilon", [0.0, 0.01])
@pytest.mark.parametrize("depth", [1, 4])
def test_the_perturbation_of_the_weight_is_the_worst(epsilon, depth):
    network = exploding_weights(depth, 3, epsilon=epsilon)
    G = linear_network_weight_jacobian(network.weights, network.batch, 0, epsilon=epsilon).reshape(12, 9)
    assert np.linalg.norm(G, 2) == pytest.approx(network.growth, rel=1e-9)
    assert np.linalg.norm(G @ network.perturbation.ravel()) == pytest.approx(network.growth, rel=1e-9)
    out = linear_network(network.weights, network.batch, epsilon=epsilon)
    np.testing.assert_allclose(out, network.batch, rtol=0, atol=1e-12)


def test_a_finite_perturbation_grows_until_it_fills_the_output():
    """Not only to first order: 2^-20 of the new direction turns the output over within twenty layers."""
    network = exploding_network(40, 2)
    moved = network.batch + 2.0**-20 * network.perturbation
    out = linear_network(network.weights, moved, epsilon=0)
    assert np.linalg.norm(out - network.batch) > 1
    assert np.linalg.norm(linear_network(network.weights[:5], moved, epsilon=0) - network.batch) < 2.0**-14


def test_frozen_statistics_give_the_rows_of_the_network(rng):
    weights, X = drawn(rng, "batch", (3, 4, 2), samples=5)
    frozen = frozen_network(weights, X, epsilon=0.25)
    expected = linear_network(weights, X, epsilon=0.25)
    np.testing.assert_allclose([frozen(x) for x in X], expected, rtol=0, atol=1e-13)


def test_bounds_hold_for_random_batches(rng):
    for kind in KINDS:
        for _ in range(20):
            weights, X = drawn(rng, kind)
            J = linear_network_jacobian(weights, X, epsilon=0.1, normalizer=kind).reshape(-1, X.size)
            assert np.linalg.norm(J, 2) <= jacobian_bound(weights, X, epsilon=0.1, normalizer=kind) * (1 + 1e-12)


def test_arguments_stay_as_they_are_and_results_are_new(frozen):
    network = exploding_network(3, 2)
    weights, X = [frozen(W) for W in network.weights], frozen(network.batch)
    linear_network_jacobian(weights, X, epsilon=0)
    linear_network_weight_jacobian(weights, X, 1, epsilon=0)
    frozen_network(weights, X + np.arange(8).reshape(4, 2), epsilon=1)
    network.weights[0][0, 0] = 7
    assert network.weights[1][0, 0] == 0.75 and exploding_network(1, 2).weights[0][0, 0] == 0.75


TABLE = [
    ("linear_network([], X, epsilon=0)", "weights must be at least one matrix, got none"),
    ("linear_network([np.eye(3)], X, epsilon=0)", "batch must be of 3 columns, as weights[0] is, got shape (4, 2)"),
    ("linear_network([np.eye(2), np.eye(3)], X, epsilon=0)", "weights[1] must be of 2 columns, as weights[0] has rows, got shape (3, 3)"),
    ("linear_network(I, X, epsilon=-1)", "epsilon must be a finite number of at least 0, got -1.0"),
    ("linear_network(I, 0 * X, epsilon=0)", "epsilon must be above 0 where the variance is 0, got 0.0"),
    ("linear_network(I, X, epsilon=0, normalizer='instance')", "normalizer must be one of 'batch', 'layer', 'group', 'rms', got 'instance'"),
    ("linear_network([np.eye(2)[:1]], X, epsilon=0, normalizer='group')", "groups must be a divisor of the 1 features, got 2"),
    ("linear_network(I, [1.0, 2.0], epsilon=0)", "batch must be a matrix (two dimensions), got shape (2,)"),
    ("linear_network(I, X * float('nan'), epsilon=0)", "batch must be a matrix of finite numbers, got nan at index (0, 0)"),
    ("linear_network_jacobian([np.eye(3)], X, epsilon=0)", "batch must be of 3 columns, as weights[0] is, got shape (4, 2)"),
    ("linear_network_weight_jacobian(I, X, 1, epsilon=0)", "layer must be below the number of weights 1, got 1"),
    ("linear_network_weight_jacobian(I, X, -1, epsilon=0)", "layer must be an integer of at least 0, got -1"),
    ("amplification(I, X, np.ones((2, 4)), epsilon=0)", "perturbation must have the shape of batch (4, 2), got (2, 4)"),
    ("amplification(I, X, 0 * X, epsilon=0)", "perturbation must not be 0, got all zeros"),
    ("jacobian_bound([np.eye(3)], X, epsilon=0)", "batch must be of 3 columns, as weights[0] is, got shape (4, 2)"),
    ("exploding_network(0, 2)", "depth must be an integer of at least 1, got 0"),
    ("exploding_network(2, 1)", "rate must be a finite number above 1, got 1.0"),
    ("exploding_network(2, 4, epsilon=1/16)", "rate must be below 1 / sqrt(epsilon) = 4, got 4"),
    ("exploding_network(2, 2, normalizer='none')", "normalizer must be one of 'batch', 'layer', 'group', 'rms', got 'none'"),
    ("exploding_weights(2, 4, epsilon=1)", "rate must be below 1 / sqrt(epsilon) = 1, got 4"),
    ("frozen_network([np.eye(3)], X, epsilon=0)", "batch must be of 3 columns, as weights[0] is, got shape (4, 2)"),
]  # fmt: skip
NAMES = {name: getattr(explosion, name) for name in explosion.__all__}
NAMES |= {"np": np, "X": exploding_network(1, 2).batch, "I": [np.eye(2)]}


@pytest.mark.parametrize(("call", "message"), TABLE, ids=[call for call, _ in TABLE])
def test_bad_input_is_named_in_the_message(call, message):
    with pytest.raises(ValueError) as raised:
        eval(call, dict(NAMES))
    assert str(raised.value) == message


def test_a_growth_beyond_the_floats_is_an_error():
    with pytest.raises(OverflowError, match=r"the growth 2\*\*1100 leaves the range of floats: lower rate or depth"):
        exploding_network(1100, 2)
