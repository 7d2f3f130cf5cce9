"""Local Lipschitz constants of layered networks: all kinks of one input, samples of derivatives, bounds from above."""

import itertools
import math

import numpy as np
import pytest

from refimpl import network as net
from refimpl.spectral import spectral_norm

U = 2.0**-53


def _split(pieces, changes):
    """Cut pieces (from, to, stack of affine maps) where one of some affine functions of their tops changes its sign."""
    for start, end, stack in pieces:
        slopes, offsets = changes(*stack[-1])
        roots = [-b / a for a, b in zip(slopes, offsets, strict=True) if a != 0]
        cuts = [start, *sorted(r for r in roots if start < r < end), end]
        yield from ((a, b, stack) for a, b in itertools.pairwise(cuts) if a < b)


def _replaced(pieces, change):
    """New tops: `change` takes slopes, offsets and the values in the middle."""
    return [
        (a, b, [*stack[:-1], change(*stack[-1], stack[-1][0] * (a + b) / 2 + stack[-1][1])]) for a, b, stack in pieces
    ]


def _scan(part, pieces):
    """The pieces of a function of one number after another part, cut at every kink of it."""
    if isinstance(part, net.Sequential):
        for inner in part.parts:
            pieces = _scan(inner, pieces)
        return pieces
    if isinstance(part, net.Residual):
        pieces = [(a, b, [*stack, stack[-1]]) for a, b, stack in pieces]  # the input is kept for the second branch
        pieces = [(a, b, [*s[:-2], s[-1], s[-2]]) for a, b, s in _scan(part.block, pieces)]
        pieces = pieces if part.shortcut is None else _scan(part.shortcut, pieces)
        return [(a, b, [*s[:-2], (s[-2][0] + s[-1][0], s[-2][1] + s[-1][1])]) for a, b, s in pieces]
    if isinstance(part, net.Activation):
        low = {"relu": 0, "leaky_relu": part.slope, "abs": -1, "identity": 1}[part.name]
        pieces = _split(pieces, lambda slope, offset: (slope, offset))

        def bend(slope, offset, middle):
            factor = np.where(middle > 0, 1, low)
            return factor * slope, factor * offset

        return _replaced(pieces, bend)
    if isinstance(part, net.Pooling) and part.kind == "max":
        members = [np.flatnonzero(row) for row in np.kron(np.eye(part.channels), part.windows)]
        pairs = np.array([(i, j) for window in members for i in window for j in window if i < j]).reshape(-1, 2)

        def gaps(slope, offset):
            return tuple(v[pairs[:, 0]] - v[pairs[:, 1]] for v in (slope, offset))

        def best(slope, offset, middle):
            chosen = [window[np.argmax(middle[window])] for window in members]
            return slope[chosen], offset[chosen]

        return _replaced(_split(pieces, gaps), best)
    if isinstance(part, net.LipschitzResidual):
        W, R = part.weight, part.rescaling
        parts = [net.Dense(W.T, part.bias), net.Activation(part.name, slope=part.slope), net.Dense(-2 * W * R**2)]
        return _scan(net.Residual(net.Sequential(parts, part.inputs)), pieces)
    origin = np.zeros(len(pieces[0][2][-1][0]))
    W, c = part.jacobian(origin), part(origin)
    return _replaced(pieces, lambda slope, offset, _: (W @ slope, W @ offset + c))


def _steepest(network, low, high):
    """Largest slope between two numbers."""
    pieces = _scan(network, [(low, high, [(np.ones(1), np.zeros(1))])])
    return max(float(np.linalg.norm(stack[-1][0])) for _, _, stack in pieces)


def _networks(inputs, rng):
    """Small networks of all piecewise linear layers."""
    def dense(m, n):
        return net.Dense(rng.standard_normal((m, n)), rng.standard_normal(m))

    relu, leaky, modulus = net.Activation("relu"), net.Activation("leaky_relu", slope=-0.3), net.Activation("abs")
    K = rng.standard_normal((2, 1, 2, 2))
    image = net.Convolution(K, (2, 3), rng.standard_normal(2), padding="circular")
    small = net.Convolution(K[:1], (2, 3))
    grouped = net.Convolution(rng.standard_normal((2, 1, 1, 2)), (1, 3), rng.standard_normal(2), groups=2)
    block = net.Sequential([dense(3, inputs), relu, dense(3, 3)], inputs)
    shortcut = net.Sequential([dense(3, inputs), modulus], inputs)
    identity = net.Sequential([dense(4, 4), leaky, dense(4, 4)], 4)
    weight = net.Dense(rng.standard_normal((4, 3)))
    return {
        "max-pooling": net.Sequential([dense(6, inputs), image, net.Pooling("max", 2, (2, 3), (2, 2), (1, 1))], inputs),
        "average-pooling": net.Sequential(
            [dense(6, inputs), leaky, small, relu, net.Pooling("average", 1, (2, 3), (1, 2), (1, 1))], inputs),
        "groups": net.Sequential([dense(6, inputs), relu, grouped, modulus, dense(2, 6)], inputs),
        "shortcut": net.Residual(block, shortcut),
        "residual": net.Sequential([dense(4, inputs), net.Residual(identity), relu, dense(2, 4)], inputs),
        "lipschitz": net.Sequential(
            [dense(4, inputs), net.LipschitzResidual(weight, rng.standard_normal(3)), modulus, dense(1, 4)], inputs),
        "normalized": net.FeedForward(
            [rng.standard_normal((4, inputs)), rng.standard_normal((2, 4))], ["relu", "abs"],
            [net.FrozenBatchNorm([1, 2], [1, 2], 1, [2, -1], [1, 0], 2), None],
        ),
    }


NAMES = ["max-pooling", "average-pooling", "groups", "shortcut", "residual", "lipschitz", "normalized"]
networks = pytest.mark.parametrize("name", NAMES)


@networks
def test_the_exact_constant_of_one_input_is_the_steepest_slope_of_all_pieces(name, rng):
    several = 0
    for _ in range(3):
        network, x = _networks(1, rng)[name], rng.standard_normal(1)
        for radius in (0.2, 2.0, math.inf):
            got = net.local_lipschitz_exact(network, x, radius)
            reach = 1e6 if math.isinf(radius) else radius  # no kink lies so far out
            expected = _steepest(network, float(x[0] - reach), float(x[0] + reach))
            # Products of at most six matrices, with sums of at most six terms.
            assert abs(got - expected) <= 64 * U * net.product_upper_bound(network)
            several += got > spectral_norm(network.jacobian(x)) * (1 + 1e-9)
    if name != "normalized":
        assert several >= 2


@networks
def test_no_sampled_derivative_exceeds_the_exact_constant_and_some_come_close(name, rng):
    close = 0
    for radius in (0.1, 0.3, 1.0):
        network, x = _networks(2, rng)[name], rng.standard_normal(2)
        exact, bound = net.local_lipschitz_exact(network, x, radius), net.product_upper_bound(network)
        room = 64 * U * bound
        angle, distance = rng.uniform(0, 2 * np.pi, 400), radius * np.sqrt(rng.uniform(0, 1, 400))
        points = x + distance[:, None] * np.array([np.cos(angle), np.sin(angle)]).T
        largest = max(spectral_norm(network.jacobian(point)) for point in points)
        assert largest <= exact + room
        close += largest >= exact - room
        ascent = net.local_lipschitz(network, x, radius, 15, rng=rng)
        assert 0 <= ascent <= exact * (1 + 1e-12) + room
        everywhere = net.local_lipschitz_exact(network, x)
        assert exact <= everywhere + room
        assert everywhere <= bound + room
    assert close >= 2  # a small piece may be missed once


def test_the_attack_on_a_layered_network_raises_the_loss(rng):
    conv = net.Convolution(rng.standard_normal((2, 1, 2, 2)), 3, rng.standard_normal(2))
    parts = [conv, net.Activation("silu"), net.Pooling("max", 2, 3, 2, 1), net.Dense(rng.standard_normal((3, 8)))]
    network, x = net.Sequential(parts, 9), rng.standard_normal(9)
    before = network(x)

    def loss(scores):
        return float(np.logaddexp.reduce(scores) - scores[0])

    found = net.pgd_attack(network, x, 0, 0.5, 20, step=0.1, start=np.ones(9))
    assert np.linalg.norm(found - x) <= 0.5 * (1 + 16 * U)
    assert loss(network(found)) > loss(before)
    # First order: no better than the loss's own Lipschitz constant on the scores, the root of 2.
    bound = math.sqrt(2) * net.product_upper_bound(network) * 0.5
    assert loss(network(found)) - loss(before) <= bound
    doubled = net.Residual(net.Sequential([net.Dense(np.eye(3))], 3))
    assert net.pgd_attack(doubled, [1, 0, 0], 0, 0.5, 5, step=0.5, rng=0)[0] < 1


def test_a_window_of_max_pooling_counts_as_all_but_one_of_its_pixels():
    def network(n):
        dense = net.Dense(np.eye(n, 1, -7), 9 * np.eye(n)[7])
        return net.Sequential([dense, net.Pooling("max", 1, (1, n), (1, n))], 1)

    assert net.local_lipschitz_exact(network(25), [1], 0.5) == 1
    with pytest.raises(ValueError, match="at most 24 neurons with a kink, got 25"):
        net.local_lipschitz_exact(network(26), [1], 0.5)


def test_a_kink_counts_from_the_radius_on_at_which_the_ball_meets_it_not_the_box_around_the_ball():
    kinks = net.Convolution([[[[0.75, 1.0]]]], (1, 2), [-4], padding="valid")  # at distance 4 / 1.25 = 3.2
    network = net.Sequential([kinks, net.Activation("relu")], 2)
    for radius, expected in ((2.4, 0), (3.1, 0), (3.3, 1.25), (9, 1.25)):
        assert net.local_lipschitz_exact(network, [0, 0], radius) == expected
    block = net.Sequential([*network.parts, net.Dense([[1], [0]])], 2)
    assert net.local_lipschitz_exact(net.Residual(block), [0, 0], 3.1) == 1
