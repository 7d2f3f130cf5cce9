"""The judge of the curvature of the loss, judged: against closed forms, mpmath and rules of another kind."""

import itertools

import numpy as np
import pytest
from flint import arb, ctx
from mpmath import mp

from proofs_check.balls import curvature, network
from proofs_check.balls._gaussian import mean

SCALES = [0.01, 1.0, 20.0]


@pytest.fixture(autouse=True)
def precision():
    with ctx.workprec(106), mp.workdps(50):
        yield


def assert_tight(ball, expected, radius=1e-25):
    expected = mp.mpf(expected)
    assert ball.overlaps(arb(mp.nstr(expected, 45)) + arb(0, 1e-40) * (1 + abs(arb(mp.nstr(expected, 10)))))
    assert float(ball.rad()) <= radius * (1 + abs(float(expected)))


def normal(f):
    return mp.quad(lambda g: f(g) * mp.npdf(g), mp.linspace(-17, 17, 69))


@pytest.mark.parametrize("strip", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("t", [0.0, 0.5, 2.0])
def test_means_of_one_variable_in_closed_form(strip, t):
    # E[cos(t g)] = exp(-t^2 / 2), and |cos| <= cosh(t strip) in the strip.
    size = float(mp.cosh(t * strip))
    [value] = mean(lambda g: [(g * arb(t)).cos()], 1, strip, size, 0.0)
    assert_tight(value, mp.exp(-mp.mpf(t) ** 2 / 2), radius=1e-28 * size)


def test_means_of_two_variables_in_closed_form():
    [value] = mean(lambda g, k: [(g + k / 2).cos()], 2, 2.0, float(mp.cosh(3.0)), 0.0)
    assert_tight(value, mp.exp(-mp.mpf(5) / 8), radius=1e-13)


def test_the_error_is_no_larger_than_it_says_and_no_smaller():
    """A rule that is too coarse for its strip says so: the ball is wide and holds the mean."""
    with ctx.workprec(20):
        [value] = mean(lambda g: [(g * 3).cos()], 1, 1.0, float(mp.cosh(3.0)), 0.0)
    assert value.contains(arb(-4.5).exp()) and float(value.rad()) > 1e-8


@pytest.mark.parametrize(("gap", "s"), list(itertools.product([-7.0, 0.0, 2.5], SCALES)))
def test_two_classes(gap, s):
    d = mp.sqrt(2) * mp.mpf(s)
    loss = normal(lambda g: mp.log1p(mp.exp(gap + d * g)))
    product = normal(lambda g: mp.exp(gap + d * g) / (1 + mp.exp(gap + d * g)) ** 2)
    share = normal(lambda g: 1 / (1 + mp.exp(gap + d * g)))
    assert_tight(curvature.smoothed_cross_entropy([0.0, gap], 0, [s], 1.0), loss)
    assert_tight(curvature.smoothed_cross_entropy([0.0, gap], [0.25, 0.75], [s], 1.0), loss - mp.mpf(0.75) * gap)
    assert_tight(curvature.smoothed_cross_entropy_gradient([0.0, gap], 0, [s], 1.0)[0], share - 1)
    assert_tight(curvature.smoothed_cross_entropy_hessian([0.0, gap], [s], 1.0)[1, 1], product)


@pytest.mark.parametrize("s", [0.1, 0.5, 1.0])
def test_three_classes(s):
    a, (g, w) = np.array([0.5, -1.0, 0.25]), np.polynomial.hermite_e.hermegauss(80)
    w = w / w.sum()
    points = np.array([p for p in itertools.product(range(80), repeat=3) if w[list(p)].prod() > 1e-22])
    moved, weights = a + s * g[points], w[points].prod(axis=1)
    shares = np.exp(moved) / np.exp(moved).sum(axis=1, keepdims=True)
    loss = curvature.smoothed_cross_entropy(a, 1, [s], 1.0)
    assert float(loss) == pytest.approx(weights @ -np.log(shares[:, 1]), abs=1e-12) and float(loss.rad()) < 1e-14
    gradient = curvature.smoothed_cross_entropy_gradient(a, 1, [s], 1.0)
    np.testing.assert_allclose([float(v) for v in gradient], weights @ shares - np.eye(3)[1], atol=1e-12)
    second = np.einsum("n,ni,nj->ij", weights, shares, shares)
    hessian = curvature.smoothed_cross_entropy_hessian(a, [s], 1.0)
    np.testing.assert_allclose(
        [[float(v) for v in row] for row in hessian], np.diag(weights @ shares) - second, atol=1e-12)


def test_more_classes_are_not_decided():
    with pytest.raises(NotImplementedError, match="two or three classes"):
        curvature.smoothed_cross_entropy(np.zeros(4), 0, [1.0], 1.0)


def test_derivatives_of_the_cross_entropy():
    a, y = [mp.mpf(v) for v in (0.5, -2.0, 1.0)], [0.25, 0.75, 0.0]
    total = sum(mp.exp(v) for v in a)
    p = [mp.exp(v) / total for v in a]
    logits = [float(v) for v in a]
    assert_tight(curvature.cross_entropy(logits, y), mp.log(total) - 0.25 * a[0] - 0.75 * a[1])
    for found, expected in zip(curvature.cross_entropy_gradient(logits, y), p, strict=True):
        assert_tight(found + arb(y[p.index(expected)]), expected)
    hessian = curvature.cross_entropy_hessian(logits)
    for i, j in itertools.product(range(3), repeat=2):
        assert_tight(hessian[i, j], (p[i] if i == j else 0) - p[i] * p[j])


def test_hessian_of_a_chain():
    chain = network.FeedForward([[[2.0]], [[3.0]]], ["tanh", "identity"])
    # l = (w2 tanh(w1) - t)^2 / 2 at (2, 3), t = 1.
    h, slope = mp.tanh(2), 1 - mp.tanh(2) ** 2
    r, bend = 3 * h - 1, -2 * mp.tanh(2) * slope
    expected = [[(3 * slope) ** 2 + 3 * r * bend, slope * (3 * h + r)], [slope * (3 * h + r), h * h]]
    hessian = curvature.loss_hessian(chain, [1.0], [1.0], loss="squared")
    for i, j in itertools.product(range(2), repeat=2):
        assert_tight(hessian[i, j], expected[i][j])
    bound = curvature.hessian_norm_bound(chain, [1.0], loss="squared")
    assert_tight(bound, (3 * slope) ** 2 + h * h)
    assert_tight(curvature.hessian_norm_bound(chain, [1.0], loss="squared", weights="inner"), (3 * slope) ** 2)


def test_bounds_in_closed_form():
    assert_tight(curvature.smoothed_hessian_bound(2.0, 0.5, 0.25), 2 * mp.erf(1 / mp.sqrt(2)))
    assert_tight(curvature.smoothed_hessian_bound(arb("inf"), 0.5, 0.25), 4 / mp.sqrt(2 * mp.pi))
    assert curvature.smoothed_hessian_bound(2.0, 0.0, 0.25) == 0
    assert curvature.smoothed_hessian_bound(2.0, 1.0, 0.0) == 2
    for name, factor in (("activation_decay", mp.mpf(0.5)), ("taylor_smoothed_cross_entropy", mp.mpf(0.25)),
                         ("smoothed_cross_entropy_bound", mp.mpf(0.25))):
        assert_tight(getattr(curvature, name)([0.0, 0.0], 1, [3.0, 4.0], 0.5), mp.log(2) + factor * mp.mpf(6.25))
