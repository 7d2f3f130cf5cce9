"""Cross entropy and its mean under noise: closed forms, mpmath, identities between value, gradient and Hessian."""

import itertools
import math

import numpy as np
import pytest
from mpmath import mp

from refimpl import curvature

UNIT = 2.0**-53
RNG = np.random.default_rng(7)
WIDTHS = [1e-3, 0.3, 0.99, 1.01, 2.0, 7.0, 40.0]


def normal(f):
    """The mean of a function of a standard normal variable, to thirty digits."""
    with mp.workdps(30):
        return mp.quad(lambda g: f(g) * mp.npdf(g), mp.linspace(-14, 14, 57))


def test_cross_entropy_in_closed_form():
    assert curvature.cross_entropy([0.0, 0.0, 0.0, 0.0], 2) == pytest.approx(math.log(4), rel=4 * UNIT)
    assert curvature.cross_entropy([5.0], 0) == 0
    smooth = curvature.cross_entropy([1.0, 0.0], [0.9, 0.1])
    assert smooth == pytest.approx(math.log1p(math.exp(-1)) + 0.1, rel=8 * UNIT)


@pytest.mark.parametrize("gap", [1e-8, 1.0, 40.0, 700.0])
def test_small_losses_keep_their_digits(gap):
    expected = float(mp.log1p(mp.exp(-mp.mpf(gap))))
    assert curvature.cross_entropy([gap, 0.0], 0) == pytest.approx(expected, rel=8 * UNIT)
    assert curvature.cross_entropy_gradient([gap, 0.0], 0)[0] == pytest.approx(-1 / (1 + math.exp(gap)), rel=1e-13)


def test_huge_logits():
    assert curvature.cross_entropy([1e300, -1e300], 1) == 2e300
    assert curvature.cross_entropy_gradient([1e300, -1e300], 1).tolist() == [1.0, -1.0]
    assert not curvature.cross_entropy_hessian([1e300, -1e300]).any()
    with pytest.raises(OverflowError, match="a difference of logits leaves the range of floats"):
        curvature.cross_entropy([1.7e308, -1.7e308], 0)


@pytest.mark.parametrize("c", [2, 5, 40])
def test_derivatives_are_those_of_the_loss(c):
    a, v = RNG.standard_normal(c), RNG.standard_normal(c)
    t, w = np.polynomial.legendre.leggauss(40)
    slopes = [v @ curvature.cross_entropy_gradient(a + (u + 1) / 2 * v, 1) for u in t]
    rise = curvature.cross_entropy(a + v, 1) - curvature.cross_entropy(a, 1)
    assert w @ slopes / 2 == pytest.approx(rise, abs=1e-13)
    turned = [curvature.cross_entropy_hessian(a + (u + 1) / 2 * v) @ v for u in t]
    change = curvature.cross_entropy_gradient(a + v, 1) - curvature.cross_entropy_gradient(a, 1)
    np.testing.assert_allclose(w @ turned / 2, change, atol=1e-13)


@pytest.mark.parametrize(("gap", "s"), list(itertools.product([-12.0, -3.0, 0.0, 0.5, 6.0], WIDTHS)))
def test_two_classes_by_their_definition(gap, s):
    d = mp.sqrt(2) * mp.mpf(s)
    loss = normal(lambda g: mp.log1p(mp.exp(gap + d * g)))
    share = normal(lambda g: 1 / (1 + mp.exp(gap + d * g)))
    product = normal(lambda g: mp.exp(gap + d * g) / (1 + mp.exp(gap + d * g)) ** 2)
    h = [0.6 * s, 0.8 * s]
    assert abs(curvature.smoothed_cross_entropy([0.0, gap], 0, h, 1.0) - loss) < 16 * UNIT * (1 + s + abs(gap))
    gradient = curvature.smoothed_cross_entropy_gradient([0.0, gap], 0, h, 1.0)
    np.testing.assert_allclose(gradient, [float(share) - 1, 1 - float(share)], atol=64 * UNIT)
    hessian = curvature.smoothed_cross_entropy_hessian([0.0, gap], h, 1.0)
    np.testing.assert_allclose(hessian, float(product) * np.array([[1, -1], [-1, 1]]), atol=64 * UNIT)


@pytest.mark.parametrize(("gap", "s"), [
    (20.0, 0.3), (40.0, 0.99), (40.0, 1.01), (120.0, 5.0), (700.0, 2.0), (700.0, 20.0)])
def test_small_smoothed_losses_keep_their_digits(gap, s):
    """Relative to the loss: exponentials of gap and s^2 are as good as their arguments."""
    allowed = 32 * UNIT * (1 + gap + s * s)
    d, points = mp.sqrt(2) * mp.mpf(s), mp.linspace(-15, 45, 41)
    with mp.workdps(20):
        big, tilt = mp.exp(gap), lambda g: mp.exp(-gap + d * g)
        loss = mp.quad(lambda g: big * mp.log1p(tilt(g)) * mp.npdf(g), points) / big
        share = mp.quad(lambda g: big * tilt(g) / (1 + tilt(g)) * mp.npdf(g), points) / big
        product = mp.quad(lambda g: big * tilt(g) / (1 + tilt(g)) ** 2 * mp.npdf(g), points) / big
        p, variance = 1 / (1 + mp.exp(gap)), mp.mpf(s) ** 2 / 2
        centred = mp.log1p(p * mp.expm1(variance * 2 * (1 - p) ** 2) + (1 - p) * mp.expm1(variance * 2 * p**2))
        bound = mp.log1p(mp.exp(-gap)) + min(centred, variance / 2)
    case = ([gap, 0.0], 0, [s], 1.0)
    assert curvature.smoothed_cross_entropy(*case) == pytest.approx(float(loss), rel=allowed)
    assert curvature.smoothed_cross_entropy_bound(*case) == pytest.approx(float(bound), rel=allowed)
    gradient = curvature.smoothed_cross_entropy_gradient(*case)
    np.testing.assert_allclose(gradient, [-float(share), float(share)], rtol=allowed)
    hessian = curvature.smoothed_cross_entropy_hessian([gap, 0.0], [s], 1.0)
    np.testing.assert_allclose(hessian, float(product) * np.array([[1, -1], [-1, 1]]), rtol=allowed)


@pytest.mark.parametrize("s", [0.1, 0.9, 1.1, 4.0])
def test_far_classes_add_up_as_powers(s):
    """Logarithms and shares to first order in the powers: the next order is smaller by exp(-200 + 5 s^2)."""
    gaps, allowed = np.array([200.0, 203.0, 210.0]), 32 * UNIT * (1 + 200 + s * s)
    a = np.array([gaps[0] - gaps[1], 0, gaps[0], gaps[0] - gaps[2]])
    powers = np.exp(s * s - np.array([203.0, 200.0, 0.0, 210.0]))
    powers[2] = 0
    assert curvature.smoothed_cross_entropy(a, 2, [s], 1.0) == pytest.approx(powers.sum(), rel=allowed)
    powers[2] = -powers.sum()
    np.testing.assert_allclose(curvature.smoothed_cross_entropy_gradient(a, 2, [s], 1.0), powers, rtol=allowed)
    hessian = curvature.smoothed_cross_entropy_hessian(a, [s], 1.0)
    np.testing.assert_allclose(hessian[2], powers * -1, rtol=allowed)
    assert hessian[0, 1] == pytest.approx(-math.exp(3 * s * s - 403), rel=4 * allowed)


def test_three_classes_by_a_product_rule():
    a, s = np.array([0.5, -1.0, 0.25]), 0.7
    g, w = np.polynomial.hermite_e.hermegauss(60)
    w = w / w.sum()
    points = [(x, y, z) for x, y, z in itertools.product(range(60), repeat=3)]
    chosen = [p for p in points if w[list(p)].prod() > 1e-25]
    moved = a + s * g[np.array(chosen)]
    losses = np.log(np.exp(moved).sum(axis=1)) - moved[:, 1]
    mean = np.prod(w[np.array(chosen)], axis=1) @ losses
    assert curvature.smoothed_cross_entropy(a, 1, [s], 1.0) == pytest.approx(mean, abs=1e-12)


@pytest.mark.parametrize(("c", "s"), list(itertools.product([2, 12], WIDTHS)))
def test_noise_obeys_the_heat_equation(c, s):
    """The loss grows with the variance at half of the trace of its Hessian: two integrals against each other."""
    a = 2 * RNG.standard_normal(c)
    t, w = np.polynomial.legendre.leggauss(12)
    more = 1.05 * s
    variances = s * s + (more * more - s * s) * (t + 1) / 2
    traces = [np.trace(curvature.smoothed_cross_entropy_hessian(a, [math.sqrt(v)], 1.0)) / 2 for v in variances]
    rise = curvature.smoothed_cross_entropy(a, 1, [more], 1.0) - curvature.smoothed_cross_entropy(a, 1, [s], 1.0)
    assert (more * more - s * s) / 2 * (w @ traces) == pytest.approx(rise, abs=1e-13 * (1 + s))


@pytest.mark.parametrize("s", WIDTHS)
def test_smoothed_gradient_is_that_of_the_smoothed_loss(s):
    a, v = RNG.standard_normal(6), RNG.standard_normal(6)
    t, w = np.polynomial.legendre.leggauss(20)
    slopes = [v @ curvature.smoothed_cross_entropy_gradient(a + (u + 1) / 2 * v, 2, [s], 1.0) for u in t]
    rise = curvature.smoothed_cross_entropy(a + v, 2, [s], 1.0) - curvature.smoothed_cross_entropy(a, 2, [s], 1.0)
    assert w @ slopes / 2 == pytest.approx(rise, abs=1e-13 * (1 + s))


def test_noise_on_weights_is_noise_on_logits():
    W, h = RNG.standard_normal((10, 4)), RNG.standard_normal(4)
    noise = 0.5 * np.random.default_rng(0).standard_normal((20_000, 10, 4))
    losses = [curvature.cross_entropy((W + delta) @ h, 3) for delta in noise]
    error = np.std(losses) / math.sqrt(len(losses))
    assert abs(curvature.smoothed_cross_entropy(W @ h, 3, h, 0.5) - np.mean(losses)) < 4 * error


@pytest.mark.parametrize("name", ["cross_entropy", "smoothed_cross_entropy", "smoothed_cross_entropy_bound",
                                  "activation_decay", "taylor_smoothed_cross_entropy"])
def test_shifts_permutations_and_soft_labels(name, frozen):
    a, h = frozen(RNG.standard_normal(5)), frozen([1.0, 2.0])
    noise = () if name == "cross_entropy" else (h, 0.4)
    loss = lambda logits, label: getattr(curvature, name)(logits, label, *noise)  # noqa: E731
    assert loss(a + 64.0, 1) == pytest.approx(loss(a, 1), rel=1e-12)
    order = np.array([3, 1, 0, 4, 2])
    assert loss(a[order], 4) == pytest.approx(loss(a, 2), rel=1e-13)
    y = np.array([0.5, 0.0, 0.25, 0.25, 0.0])
    assert loss(a, y) == pytest.approx(y @ [loss(a, k) for k in range(5)], rel=1e-13)


def test_without_noise_all_are_the_loss():
    a = [1.0, 2.0, -1.0]
    loss = curvature.cross_entropy(a, 0)
    for h, sigma in (([3.0], 0.0), ([0.0, 0.0], 2.0)):
        for name in ("smoothed_cross_entropy", "smoothed_cross_entropy_bound", "activation_decay",
                     "taylor_smoothed_cross_entropy"):
            assert getattr(curvature, name)(a, 0, h, sigma) == loss
        np.testing.assert_array_equal(
            curvature.smoothed_cross_entropy_gradient(a, 0, h, sigma), curvature.cross_entropy_gradient(a, 0))
        np.testing.assert_array_equal(
            curvature.smoothed_cross_entropy_hessian(a, h, sigma), curvature.cross_entropy_hessian(a))


@pytest.mark.parametrize("s", [0.01, 0.5, 3.0, 30.0])
def test_one_class_has_no_loss(s):
    assert curvature.smoothed_cross_entropy([4.0], 0, [s], 1.0) == 0
    assert curvature.smoothed_cross_entropy_bound([4.0], 0, [s], 1.0) == 0
    assert curvature.smoothed_cross_entropy_gradient([4.0], 0, [s], 1.0).tolist() == [0.0]
    assert curvature.smoothed_cross_entropy_hessian([4.0], [s], 1.0).tolist() == [[0.0]]


def test_wide_noise_is_the_largest_normal_variable():
    assert curvature.smoothed_cross_entropy([0.0, 0.0], 0, [1e200], 1e50) == pytest.approx(1e250 / math.sqrt(math.pi))
    three = curvature.smoothed_cross_entropy([0.0, 0.0, 0.0], 0, [1e9], 1.0)
    assert three == pytest.approx(1.5e9 / math.sqrt(math.pi), rel=1e-9)
    for name, label in (("", (0,)), ("_gradient", (0,)), ("_hessian", ())):
        with pytest.raises(OverflowError, match="the range of the noise leaves the range of floats"):
            getattr(curvature, f"smoothed_cross_entropy{name}")([0.0, 1.0], *label, [1e308], 1.0)


@pytest.mark.parametrize(("c", "s"), list(itertools.product([2, 7, 100], [0.01, 0.7, 1.5, 5.0])))
def test_bounds_are_in_order(c, s):
    for spread in (0.0, 1.0, 6.0):
        a = spread * RNG.standard_normal(c)
        case = (a, 1, [s], 1.0)
        loss, smoothed = curvature.cross_entropy(a, 1), curvature.smoothed_cross_entropy(*case)
        bound, decay = curvature.smoothed_cross_entropy_bound(*case), curvature.activation_decay(*case)
        assert loss - 1e-13 <= smoothed <= bound + 1e-13 * (1 + loss) and bound < decay
        assert decay - bound >= s * s / (2 * c) * (1 - 1e-9) - 1e-13 * (1 + loss)
        assert abs(smoothed - curvature.taylor_smoothed_cross_entropy(*case)) <= s**4 / 16 + 1e-13 * (1 + loss)


def test_the_sharper_bound_where_a_probability_underflows():
    assert curvature.smoothed_cross_entropy_bound([0.0, -800.0], 0, [30.0], 1.0) == pytest.approx(100, rel=1e-13)


@pytest.mark.parametrize("s", [5e-324, 1e-20, 1e-3, 1.0, 1.0000001, 50.0, 1e100, 1e150])
@pytest.mark.parametrize("spread", [1e-300, 1e-8, 30.0, 800.0, 1e150, 1e300])
def test_sizes_of_every_order(s, spread):
    a = spread * np.random.default_rng(1).standard_normal(4)
    loss, smoothed = curvature.cross_entropy(a, 0), curvature.smoothed_cross_entropy(a, 0, [s], 1.0)
    gradient = curvature.smoothed_cross_entropy_gradient(a, 0, [s], 1.0)
    hessian = curvature.smoothed_cross_entropy_hessian(a, [s], 1.0)
    assert abs(gradient.sum()) < 1e-13 and np.abs(gradient).max() <= 1 + 1e-14
    assert np.linalg.eigvalsh(hessian).min() > -1e-15 and np.linalg.norm(hessian, 2) <= 0.5 + 1e-15
    bound, decay = (getattr(curvature, f)(a, 0, [s], 1.0) for f in ("smoothed_cross_entropy_bound", "activation_decay"))
    assert loss * (1 - 1e-14) <= smoothed <= bound * (1 + 1e-13) <= decay * (1 + 2e-13)


def test_for_many_classes_the_expansion_may_be_farther_than_activation_decay():
    case = (np.eye(1000)[0] * 8, 0, [4.0], 1.0)
    smoothed = curvature.smoothed_cross_entropy(*case)
    assert curvature.activation_decay(*case) - smoothed < smoothed - curvature.taylor_smoothed_cross_entropy(*case)


def test_hessian_of_equal_logits_has_norm_one_half():
    assert np.linalg.norm(curvature.cross_entropy_hessian([3.0, 3.0]), 2) == pytest.approx(0.5, rel=4 * UNIT)
    for s in WIDTHS:
        hessian = curvature.smoothed_cross_entropy_hessian(RNG.standard_normal(5), [s], 1.0)
        assert np.linalg.eigvalsh(hessian).min() > -1e-15 and np.linalg.norm(hessian, 2) <= 0.5


@pytest.mark.parametrize(("H", "epsilon", "sigma"), [
    *itertools.product([0.01, 1.0, 50.0], [0.2, 3.0], [0.1, 1.0, 20.0])])
def test_huber_attains_the_bound_on_smoothed_hessians(H, epsilon, sigma):
    with mp.workdps(30):
        share = mp.erf(mp.mpf(epsilon) / (mp.sqrt(2) * mp.mpf(H) * mp.mpf(sigma)))
    assert curvature.smoothed_hessian_bound(H, epsilon, sigma) == pytest.approx(float(H * share), rel=1e-14)


def test_limits_of_the_bound_on_smoothed_hessians():
    bound = curvature.smoothed_hessian_bound
    assert bound(2.0, 0.0, 1.0) == 0 and bound(0.0, 1.0, 1.0) == 0 and bound(2.0, 1.0, 0.0) == 2
    assert bound(math.inf, 1.0, 2.0) == pytest.approx(1 / math.sqrt(2 * math.pi))
    assert bound(1e300, 1e308, 1.0) == 1e300 and bound(3.0, 1.7e308, 1e-300) == 3
    assert bound(1e-300, 1e-300, 1.0) == pytest.approx(1e-300 * math.erf(math.sqrt(0.5)))
