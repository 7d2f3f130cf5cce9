"""Smoothing by quadrature and by Monte Carlo: against exact moments and closed forms; the errors they report."""

import math

import numpy as np
import pytest
from scipy.special import ndtr

from refimpl.weierstrass import (
    extremal_ramp,
    probit,
    quantile_lipschitz,
    smooth,
    smooth_monte_carlo,
    smoothed_probit,
    smoothed_probit_gradient,
    stein_gradient,
)

U = 2.0**-53
# The default number of values of the function: their sum is wrong by at most that many units, relative to moduli.
VALUES = {1: 128, 2: 48**2, 3: 18**3, 4: 10**4}


def moment(k, x, sigma):
    """E[(x + sigma Z)^k]."""
    even = range(0, k + 1, 2)
    return sum(math.comb(k, j) * x ** (k - j) * sigma**j * math.prod(range(j - 1, 0, -2)) for j in even)


def modulus(k, x, sigma):
    """E[(|x| + sigma |Z|)^k]."""
    moments = (2 ** (j / 2) * math.gamma((j + 1) / 2) / math.sqrt(math.pi) for j in range(k + 1))
    return sum(math.comb(k, j) * abs(x) ** (k - j) * sigma**j * m for j, m in enumerate(moments))


def monomial(powers):
    return lambda x: float(np.prod(x ** np.array(powers)))


# Exact


POWERS = [(0,), (1,), (6,), (12,), (3, 4), (0, 1), (2, 0, 5), (1, 1, 1), (4, 1, 2, 3), (0, 2, 0, 1)]


@pytest.mark.parametrize("powers", POWERS)
@pytest.mark.parametrize("sigma", [0.0, 0.5, 2.0])
def test_smoothing_is_exact_for_monomials(powers, sigma):
    x = [(-1.0) ** i * (0.75 + i) for i in range(len(powers))]
    expected = math.prod(moment(k, t, sigma) for k, t in zip(powers, x, strict=True))
    bound = 2 * VALUES[len(powers)] * U * math.prod(modulus(k, t, sigma) for k, t in zip(powers, x, strict=True))
    value, error = smooth(monomial(powers), x, sigma)
    assert abs(value - expected) <= bound and error <= 2 * bound


@pytest.mark.parametrize("powers", POWERS)
@pytest.mark.parametrize("sigma", [0.5, 2.0])
def test_the_gradient_is_exact_for_monomials(powers, sigma):
    x = [(-1.0) ** i * (0.75 + i) for i in range(len(powers))]
    moments = [moment(k, t, sigma) for k, t in zip(powers, x, strict=True)]
    expected = [
        math.prod([*moments[:i], *moments[i + 1 :]]) * (k and k * moment(k - 1, x[i], sigma))
        for i, k in enumerate(powers)
    ]
    moduli = math.prod(modulus(k + 1, t, sigma) for k, t in zip(powers, x, strict=True))
    bound = 4 * VALUES[len(powers)] * U * max(moduli, 1) / sigma**2
    gradient, error = stein_gradient(monomial(powers), x, sigma)
    assert gradient.shape == (len(powers),)
    assert np.abs(gradient - expected).max() <= bound and error.max() <= 2 * bound


def test_the_degree_below_twice_the_nodes_is_exact_and_the_next_is_not():
    for n in (4, 5, 8):
        value = smooth(monomial((2 * n - 1,)), [0.5], 1.0, nodes=n).value
        assert abs(value - moment(2 * n - 1, 0.5, 1.0)) <= 512 * U * modulus(2 * n - 1, 0.5, 1.0)
        # The remainder of the rule is n! for the power 2 n of unit noise.
        beyond = moment(2 * n, 0.5, 1.0) - smooth(monomial((2 * n,)), [0.5], 1.0, nodes=n).value
        assert beyond == pytest.approx(math.factorial(n), rel=1e-9, abs=0)


def test_a_map_into_several_dimensions_has_the_transposed_jacobian():
    matrix = np.array([[1.0, 2.0], [0.0, -1.0], [4.0, 0.5]])
    value, _ = smooth(lambda x: matrix @ x, [1.0, -2.0], 0.5)
    gradient, error = stein_gradient(lambda x: matrix @ x, [1.0, -2.0], 0.5)
    # Moduli of the entries: at most 6 in values, 6 * |z| * 4 in the gradient.
    assert np.abs(value - matrix @ [1.0, -2.0]).max() <= VALUES[2] * U * 16
    assert gradient.shape == error.shape == (2, 3)
    assert np.abs(gradient - matrix.T).max() <= VALUES[2] * U * 64


def test_the_gradient_of_a_constant_is_exactly_zero():
    gradient, error = stein_gradient(lambda x: 1e100 / 3, [0.5, -2.0], 0.25)
    assert gradient.tolist() == error.tolist() == [0.0, 0.0]


def test_along_a_direction_in_fifty_dimensions_it_is_exact_for_polynomials(rng):
    v, x, sigma = rng.normal(size=50), rng.normal(size=50), 0.5
    unit = v / np.linalg.norm(v)
    t = unit @ x
    bound = (128 + 200) * U * modulus(4, t, sigma) / sigma**2 * 10
    cube = lambda y: (unit @ y) ** 3  # noqa: E731
    for direction in (v, 1e300 * v, -1e-300 * v):
        assert smooth(cube, x, sigma, direction=direction).value == pytest.approx(moment(3, t, sigma), abs=bound)
        gradient, _ = stein_gradient(cube, x, sigma, direction=direction)
        assert np.abs(gradient - 3 * moment(2, t, sigma) * unit).max() <= bound


def test_along_an_axis_it_is_the_smoothing_of_that_coordinate_alone():
    f = lambda x: x[0] ** 2 * x[1] ** 2  # noqa: E731
    value, _ = smooth(f, [1.0, 3.0], 2.0, direction=[0.0, -7.0])
    assert value == pytest.approx(1.0 * (9 + 4), rel=256 * U, abs=0)


@pytest.mark.parametrize("sigma", [0.25, 1.0])
def test_quadrature_agrees_with_the_closed_form_of_the_probit(sigma):
    x, weight = np.array([0.5, -1.0]), np.array([1.0, 0.5])
    f = lambda y: float(probit(weight @ y + 0.25))  # noqa: E731
    value, error = smooth(f, x, sigma)
    assert abs(value - smoothed_probit(x, weight, 0.25, sigma)) <= error + VALUES[2] * U
    gradient, errors = stein_gradient(f, x, sigma)
    assert (np.abs(gradient - smoothed_probit_gradient(x, weight, 0.25, sigma)) <= errors + 8 * VALUES[2] * U).all()
    assert error < 1e-9 and errors.max() < 1e-7


# The error that is shown


def kink(t):
    """E|t + Z|."""
    return t * math.erf(t / math.sqrt(2)) + 2 * math.exp(-t * t / 2) / math.sqrt(2 * math.pi)


@pytest.mark.parametrize("t", [0.0, 0.2, 1.25, 1.7, 2.5])
def test_the_error_of_a_kink_and_of_a_jump_is_shown(t):
    value, error = smooth(lambda x: abs(x[0]), [t], 1.0)
    assert abs(value - kink(t)) <= error <= 0.02
    value, error = smooth(lambda x: float(x[0] > 0), [t], 1.0)
    assert abs(value - float(ndtr(t))) <= error + 2 * U
    assert error <= 0.08


@pytest.mark.parametrize("t", [0.1, 0.3, 0.5])
def test_the_error_estimate_is_never_below_the_true_error(t):
    """Rules of 128 and of 64 nodes see a jump in the same place at t = 0.1; odd ones do not."""
    value, error = smooth(lambda x: float(x[0] > 0), [t], 1.0)
    assert abs(value - float(ndtr(t))) <= error + 4 * U
    value, error = smooth(lambda x: abs(x[0]), [t], 1.0)
    assert abs(value - kink(t)) <= error


@pytest.mark.parametrize(("x", "sigma"), [(1e17, 1.0), (1e10, 1e-8), (1.0, 1e-17)])
def test_noise_that_is_lost_in_rounding_is_refused(x, sigma):
    with pytest.raises(ValueError, match="sigma must be large enough to move x"):
        stein_gradient(lambda y: y[0], [x], sigma)


# Monte Carlo


def test_the_same_seed_gives_the_same_estimate_and_another_one_another():
    f = lambda x: np.array([x.sum(), x[0] ** 2])  # noqa: E731
    first, second, third = (smooth_monte_carlo(f, [1.0, 2.0], 0.5, 20, rng=seed) for seed in (7, 7, 8))
    assert first.value.tolist() == second.value.tolist() and first.error.tolist() == second.error.tolist()
    assert (first.value != third.value).all() and first.value.shape == (2,)
    generator = np.random.default_rng(7)
    once, again = (smooth_monte_carlo(f, [1.0, 2.0], 0.5, 20, rng=generator) for _ in range(2))
    assert once.value.tolist() == first.value.tolist() and (again.value != once.value).all()


def test_the_standard_error_is_that_of_the_mean_of_the_values_seen():
    seen = []
    value, error = smooth_monte_carlo(lambda x: seen.append(x[0]) or x[0], [2.0], 3.0, 10, rng=1)
    mean = math.fsum(seen) / 10
    assert value == pytest.approx(mean, rel=32 * U, abs=0)
    assert error == pytest.approx(math.sqrt(math.fsum((s - mean) ** 2 for s in seen) / 9 / 10), rel=64 * U, abs=0)


def test_the_mean_is_as_far_off_as_its_standard_error_says():
    """Squares of t statistics of 49 degrees of freedom have mean 49 / 47 and variance about 2.3."""
    ratios = []
    for seed in range(200):
        value, error = smooth_monte_carlo(lambda x: x[0] + 2 * x[1], [1.0, -1.0], 0.5, 50, rng=seed)
        ratios.append(((value + 1.0) / error) ** 2)
    assert abs(np.mean(ratios) - 49 / 47) <= 4 * math.sqrt(2.3 / 200)


def test_without_noise_every_sample_is_the_point_itself():
    value, error = smooth_monte_carlo(lambda x: 4.0 * x[0], np.full(50, 0.25), 0.0, 3, rng=0)
    assert value == 1.0 and error == 0.0


def test_a_function_that_returns_its_own_buffer_is_read_each_time():
    buffer = np.zeros(1)

    def f(x):
        buffer[0] = x[0]
        return buffer

    value, _ = smooth_monte_carlo(f, [1.0], 1.0, 10, rng=0)
    assert value == smooth_monte_carlo(lambda x: x, [1.0], 1.0, 10, rng=0).value


# Inputs


def test_no_function_writes_into_its_input(frozen):
    x, weight, direction = (frozen(v) for v in ([1.0, 2.0], [0.5, -1.0], [3.0, 4.0]))
    f = lambda y: y[0]  # noqa: E731
    smooth(f, x, 1.0, nodes=4)
    smooth(f, x, 1.0, nodes=4, direction=direction)
    stein_gradient(f, x, 1.0, nodes=4, direction=direction)
    smooth_monte_carlo(f, x, 1.0, 3, rng=0)
    smoothed_probit(x, weight, 0.0, 1.0)
    smoothed_probit_gradient(x, weight, 0.0, 1.0)
    probit(x)
    extremal_ramp(x, 1.0)
    quantile_lipschitz(frozen([0.25, 0.5]), 1.0, 1.0)


@pytest.mark.parametrize("call", [
    lambda f, x: smooth(f, x, 1.0),
    lambda f, x: smooth_monte_carlo(f, x, 1.0, 50, rng=0),
    pytest.param(lambda f, x: stein_gradient(f, x, 1.0)),
])
def test_a_function_that_changes_its_argument_changes_nothing_else(call):
    def careless(x):
        x *= 2
        return x[0]

    point = np.array([1.0])
    careful = call(lambda x: 2 * x[0], np.array([1.0])).value
    assert call(careless, point).value == pytest.approx(careful, rel=256 * U, abs=0)
    assert point[0] == 1.0
