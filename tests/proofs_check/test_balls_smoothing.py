"""The judge of simplexes, smoothing and certificates, judged: balls against mpmath; drawn networks."""

import math

import numpy as np
import pytest
import smoothing_reference as exact
from flint import arb, ctx
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from mpmath import mp

from proofs_check.balls import certificates, network, simplex, weierstrass
from proofs_check.strategies import dyadics, layered_networks, network_from, vectors
from proofs_check.strategies._layered import KINDS, PIECEWISE, SMOOTH, contains
from refimpl import network as reference

SHARES = [1e-300, 1e-30, 0.001, 0.3, 0.5 - 2.0**-54, 0.5, 0.5 + 2.0**-53, 0.7, 0.999, 1 - 2.0**-53]
PRODUCTS = [1e-6, 0.01, 0.3, 1.0, 4.0, 100.0, 1e6]


@pytest.fixture(autouse=True)
def precision():
    with ctx.workprec(160), mp.workdps(exact.DIGITS):
        yield


def assert_tight(ball, expected, scale=0, bits=80):
    """The ball holds the number, known to fifty digits, and is hardly larger than that, relative to it or a scale."""
    expected = mp.mpf(expected)
    assert ball.overlaps(arb(mp.nstr(expected, 60)) + arb(0, 1e-50) * arb(mp.nstr(abs(expected), 20)))
    assert float(ball.rad()) <= 2.0**-bits * float(max(abs(expected), scale))


def all_tight(balls, expected, **options):
    for ball, number in zip(np.ravel(balls), np.ravel(np.array(expected, dtype=object)), strict=True):
        assert_tight(ball, number, **options)


# Simplexes


@pytest.mark.parametrize(("z", "temperature", "mass"), [
    ([0.5, 0.25, -3.0], 1.0, 1.0), ([2.0, 2.0, 1.875, -1.0], 0.3, 2.5), ([1e16, 1e16 + 2, 0.0], 4.0, 1e-5),
    ([7.0], 2.0, 3.0), ([[0.1, 0.2], [3.0, -40.0]], 0.7, 1.0),
])
def test_softmax_and_sparsemax_hold_the_numbers_of_their_definitions(z, temperature, mass):
    soft, sparse = [], []
    for row in np.atleast_2d(z):
        scores = [mp.mpf(v) / mp.mpf(temperature) for v in row]
        powers = [mp.exp(v - max(scores)) for v in scores]
        soft.append([mp.mpf(mass) * v / sum(powers) for v in powers])
        # The sum of what is above a threshold falls in it: bisection.
        low, high = min(scores) - mass, max(scores)
        for _ in range(250):
            middle = (low + high) / 2
            low, high = (middle, high) if sum(max(v - middle, 0) for v in scores) > mass else (low, middle)
        sparse.append([max(v - low, mp.mpf(0)) for v in scores])
    largest = max(1.0, float(np.abs(z).max()) / temperature)
    all_tight(simplex.softmax(z, temperature=temperature, mass=mass), soft)
    all_tight(simplex.sparsemax(z, temperature=temperature, mass=mass), sparse, scale=largest)


def test_hardmax_shares_among_ties():
    p = simplex.hardmax([[1.0, 3.0, 3.0], [0.0, 0.0, 0.0]], mass=2.0)
    all_tight(p, [[0, 1, 1], [mp.mpf(2) / 3] * 3])


# Smoothing


@pytest.mark.parametrize("p", [p for p in SHARES if p != 0.5])
def test_the_quantile_is_held_tightly_in_tails_and_near_one_half(p):
    assert_tight(weierstrass.quantile(arb(p)), exact.quantile(p), bits=60)


def test_the_quantile_at_one_half_is_zero():
    assert weierstrass.quantile(arb(0.5)).contains(0)
    assert float(weierstrass.quantile(arb(0.5)).rad()) < 1e-40


@pytest.mark.parametrize("p", [0.001, 0.5, 0.7])
def test_a_quantile_of_a_ball_holds_those_of_its_ends(p):
    # Bisection stops within a factor of two of where the sign is lost, on both sides.
    radius = 2.0**-40
    ball = weierstrass.quantile(arb(p, radius))
    ends = [exact.quantile(mp.mpf(p) + sign * mp.mpf(radius)) for sign in (-1, 1)]
    assert ball.lower() <= arb(mp.nstr(ends[0], 40)) and arb(mp.nstr(ends[1], 40)) <= ball.upper()
    assert float(2 * ball.rad()) <= 4 * float(ends[1] - ends[0])


@pytest.mark.parametrize("p", SHARES)
@pytest.mark.parametrize("product", PRODUCTS)
def test_the_start_of_the_ramp_is_held_tightly_in_tails_and_near_one_half(p, product):
    start = weierstrass.ramp_start(p, product / 4, 4.0)
    # What is lost is relative to the rise and to the noise.
    assert_tight(start, 4 * exact.start(p, 1 / mp.mpf(product)), scale=4 / product + 4, bits=60)


@pytest.mark.parametrize("p", [0.001, 0.5, 0.7])
def test_the_start_for_a_ball_holds_those_of_its_ends(p):
    radius = 2.0**-40
    ball = weierstrass.ramp_start(arb(p, radius), 1.0, 1.0)
    ends = [exact.start(mp.mpf(p) + sign * mp.mpf(radius), 1) for sign in (1, -1)]
    assert ball.lower() <= arb(mp.nstr(ends[0], 40)) and arb(mp.nstr(ends[1], 40)) <= ball.upper()
    assert float(2 * ball.rad()) <= 4 * float(ends[1] - ends[0])


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_constant_of_the_quantile_is_held_tightly(product):
    constants = weierstrass.quantile_lipschitz(np.array(SHARES[2:]), product * 2, 0.5)
    all_tight(constants, [exact.quantile_lipschitz(p, product * 2, 0.5) for p in SHARES[2:]], bits=40)


@pytest.mark.parametrize("p", SHARES[:2])
def test_the_constant_of_the_quantile_is_held_tightly_in_the_tails(p):
    assert_tight(weierstrass.quantile_lipschitz(p, 2.0, 0.5), exact.quantile_lipschitz(p, 2, 0.5), bits=80)


def test_an_infinite_constant_is_a_step():
    assert_tight(weierstrass.ramp_start(0.3, math.inf, 2.0), -2 * exact.quantile(0.3))
    assert weierstrass.quantile_lipschitz(0.3, math.inf, 4.0) == 0.25
    assert_tight(weierstrass.lipschitz_smoothed(math.inf, 0.3, mass=2.0), 2 / mp.sqrt(2 * mp.pi) / mp.mpf(0.3))
    assert_tight(weierstrass.lipschitz_smoothed_simplex(math.inf, 0.3, mass=2.0), 2 / mp.sqrt(mp.pi) / mp.mpf(0.3))


@pytest.mark.parametrize(("L", "sigma", "mass"), [(1.0, 0.5, 1.0), (0.3, 7.0, 2.5), (1e5, 3.0, 0.1), (1e-5, 0.1, 1.0)])
def test_the_bounds_are_held_tightly(L, sigma, mass):
    m_l, m_s, m_r = mp.mpf(L), mp.mpf(sigma), mp.mpf(mass)
    assert_tight(weierstrass.lipschitz_bounded(sigma, mass=mass), m_r / m_s / mp.sqrt(2 * mp.pi))
    assert_tight(weierstrass.lipschitz_bounded(sigma, mass=mass, into="simplex"), m_r / m_s / mp.sqrt(mp.pi))
    assert_tight(weierstrass.lipschitz_smoothed(L, sigma, mass=mass), m_l * mp.erf(m_r / (mp.sqrt(8) * m_l * m_s)))
    assert_tight(weierstrass.lipschitz_smoothed_simplex(L, sigma, mass=mass), m_l * mp.erf(m_r / (2 * m_l * m_s)))
    assert_tight(weierstrass.optimal_sigma(L, mass=mass), m_r / m_l / mp.sqrt(2 * mp.pi))
    assert_tight(weierstrass.optimal_sigma(L, mass=mass, into="simplex"), m_r / m_l / mp.sqrt(mp.pi))
    assert weierstrass.lipschitz_smoothed(0.0, sigma) == 0 and weierstrass.lipschitz_smoothed(L, 0.0) == L


@pytest.mark.parametrize("shift", [-35.0, -3.0, 0.0, 0.25, 6.0])
def test_the_probit_and_its_transform_are_held_tightly(shift):
    x, w, sigma, scale = [0.1, -0.3], [2.0, 0.7], 0.75, 0.5876
    norm = mp.sqrt(sum(mp.mpf(v) ** 2 for v in w))
    root = mp.sqrt(1 + (mp.mpf(scale) * sigma * norm) ** 2)
    inner = sum(mp.mpf(a) * mp.mpf(b) for a, b in zip(w, x, strict=True)) + mp.mpf(shift)
    at = mp.mpf(scale) * inner / root
    assert_tight(weierstrass.smoothed_probit(x, w, shift, sigma, scale=scale), exact.tail(-at))
    slopes = [mp.mpf(v) * mp.mpf(scale) / root * exact.density(at) for v in w]
    all_tight(weierstrass.smoothed_probit_gradient(x, w, shift, sigma, scale=scale), slopes)
    all_tight(weierstrass.probit([shift, 0.3], scale), [exact.tail(-mp.mpf(v) * mp.mpf(scale)) for v in (shift, 0.3)])


def test_the_ramp_is_clipped():
    values = weierstrass.extremal_ramp([[-1.0, 0.25], [0.5, 8.0]], 2.0, start=0.125, mass=0.5)
    assert values.shape == (2, 2) and [float(v) for v in values.ravel()] == [0.0, 0.25, 0.5, 0.5]


# Certificates


def test_radii_of_margins_are_held_tightly():
    scores, labels = np.array([[3.0, 0.1, 2.5], [0.2, 0.1, 0.7], [1.0, 1.0, 0.0]]), [0, 2, 0]
    L, pairs = [0.3, 0.0, 1.7], np.array([[0.0, 0.3, 1.1], [0.4, 0.0, 2.0], [1.2, 2.1, 0.0]])
    half, third, tenth = mp.mpf(0.5), mp.mpf(0.7) - mp.mpf(0.2), mp.mpf(0.7) - mp.mpf(0.1)
    first, m = mp.mpf(3) - mp.mpf(0.1), mp.mpf
    all_tight(certificates.margin(scores, labels), [half, third, 0])
    all_tight(certificates.radius_global(scores, labels, 0.3), [v / mp.sqrt(2) / m(0.3) for v in (half, third, m(0))])
    all_tight(certificates.radius_coordinate(scores, labels, 0.3), [v / (2 * m(0.3)) for v in (half, third, m(0))])
    sums = min(first / m(0.3), half / (m(0.3) + m(1.7))), min(third / (m(0.3) + m(1.7)), tenth / m(1.7))
    all_tight(certificates.radius_coordinate(scores, labels, L), [*sums, 0])
    differences = min(first / m(0.3), half / m(1.1)), min(third / m(1.2), tenth / m(2.1))
    all_tight(certificates.radius_pairwise(scores, labels, pairs), [*differences, 0])
    assert not certificates.radius_global([2.0, 1.0], 0, 0.0).is_finite()
    assert certificates.radius_global([2.0, 1.0], 1, 0.0) == 0


PAIRS = [(0.6, 0.1), (0.9, 0.8999), (1e-20, 1e-200), (1 - 2.0**-50, 0.5), (0.5 + 2.0**-50, 0.5)]


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_radii_of_probabilities_are_held_tightly(p, q):
    assert_tight(certificates.radius_multi(p, q, 0.3), exact.radius_multi(p, q, 0.3), bits=50)
    assert certificates.radius_multi(q, p, 0.3) == certificates.radius_multi(p, p, 0.3) == 0
    expected = mp.mpf(0.3) * exact.quantile(p) if p > 0.5 else 0
    assert_tight(certificates.radius_mono(p, 0.3), expected, bits=50)
    for L in (0.1, 2.0, 50.0):
        starts = [exact.start(share, 2 / mp.mpf(L)) for share in (p, q)]
        radius = certificates.radius_multi_lipschitz(p, q, 0.5, L)
        assert_tight(radius, (starts[1] - starts[0]) / 4, bits=40)
    assert certificates.radius_multi_lipschitz(q, p, 0.5, 2.0) == 0


def test_shares_are_counted():
    assert certificates.certified_accuracy([0.0, 0.5, 1.0, 2.0], 0.5) == 0.5
    assert [float(v) for v in certificates.certified_accuracy([0.0, 0.5, 1.0, 2.0], [0.0, 2.0])] == [0.75, 0.0]


# Networks of layers

SEARCH = settings(
    max_examples=2000, database=None, derandomize=True, deadline=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
SAMPLE = settings(max_examples=80, database=None, derandomize=True, deadline=None)


def with_point(**options):
    drawn = layered_networks(**options)
    return drawn.flatmap(lambda net: st.tuples(st.just(net), vectors(net["inputs"], dyadics(-2, 2))))


def evaluated(net, x):
    return [network_from(module, net["inputs"], net["parts"])(x) for module in (reference, network)]


@SAMPLE
@given(with_point(activations=("relu", "abs", "identity")))
def test_a_drawn_network_of_short_binary_fractions_is_evaluated_without_rounding(drawn):
    floats, balls = evaluated(*drawn)
    assert floats.shape == balls.shape
    assert all(ball.is_exact() and arb(float(value)) == ball for value, ball in zip(floats, balls, strict=True))


@SAMPLE
@given(with_point(activations=(*PIECEWISE, *SMOOTH)))
def test_every_drawn_network_can_be_built_and_evaluated_in_floats_and_in_balls(drawn):
    floats, balls = evaluated(*drawn)
    assert np.isfinite(floats).all() and floats.shape == balls.shape
    # Entries stay below 4^(2 * 4) and every layer rounds a few times: far less than 2^-30 of that.
    assert all(abs(arb(float(v)) - b) < 2.0**-14 * (abs(b) + 1) for v, b in zip(floats, balls, strict=True))


@SAMPLE
@given(with_point(inputs=1, max_parts=3), with_point(inputs=3, max_parts=1))
def test_the_number_of_inputs_and_of_layers_is_what_was_asked_for(single, triple):
    assert single[0]["inputs"] == 1 and 2 <= len(single[0]["parts"]) <= 4
    assert triple[0]["inputs"] == 3 and len(triple[0]["parts"]) == 1
    assert evaluated(*single)[0].ndim == evaluated(*triple)[0].ndim == 1


FEATURES = {kind: lambda net, kind=kind: contains(net["parts"], kind) for kind in KINDS} | {
    f"activation {name}": lambda net, name=name: any(part.get("name") == name for part in net["parts"])
    for name in (*PIECEWISE, *SMOOTH)
} | {
    "max pooling": lambda net: any(part.get("pool") == "max" for part in net["parts"]),
    "average pooling": lambda net: any(part.get("pool") == "average" for part in net["parts"]),
    "zero padding": lambda net: any(part.get("padding") == "zero" for part in net["parts"]),
    "circular padding": lambda net: any(part.get("padding") == "circular" for part in net["parts"]),
    "a strided convolution": lambda net: any("padding" in part and part["stride"] == 2 for part in net["parts"]),
    "overlapping windows": lambda net: any("pool" in part and part["stride"] < part["k"] for part in net["parts"]),
    "two channels of two pixels": lambda net: any(p.get("pixels") == 2 and len(p["mean"]) == 2 for p in net["parts"]),
    "an identity shortcut": lambda net: any("block" in part and part["shortcut"] is None for part in net["parts"]),
    "a dense shortcut": lambda net: any("block" in part and part["shortcut"] for part in net["parts"]),
    "a layer in a block": lambda net: any("block" in p and contains(p["block"], "batch_norm") for p in net["parts"]),
    "four layers": lambda net: len(net["parts"]) == 4,
}
# Both kinds of pooling are layers of one kind.
FEATURES = {name: test for name, test in FEATURES.items() if name not in ("max_pool", "average_pool")}


@pytest.mark.parametrize("feature", FEATURES)
def test_all_kinds_of_layers_occur(feature):
    find(layered_networks(activations=(*PIECEWISE, *SMOOTH)), FEATURES[feature], settings=SEARCH)
