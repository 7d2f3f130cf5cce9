"""gpu.weierstrass against refimpl.weierstrass."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import strategies as st
from parity import NAMESPACES, namespace, parity, refused

import gpu
from gpu.weierstrass import probit, smooth, smooth_monte_carlo
from proofs_check.strategies import dyadics, matrices, vectors

POINTS = vectors(st.integers(1, 5), dyadics(-12, 12)) | matrices(3) | st.just(np.array(-2.5))
SIGMAS = st.sampled_from([0.0, 0.5, 2.0])


@parity(given_={"z": POINTS, "scale": st.sampled_from([1.0, 0.5876, -2.0, 0.0])}, roundings=64)
def test_probit(impl, z, scale):
    return impl.weierstrass.probit(z, scale)


@parity(given_={"s": POINTS, "lipschitz": st.sampled_from([0.5, 3.0]), "start": st.sampled_from([0.0, -1.0]),
                "mass": st.sampled_from([1.0, 2.5])}, roundings=4)
def test_extremal_ramp(impl, s, **how):
    return impl.weierstrass.extremal_ramp(s, **how)


# Functions that every library has: of one vector to a number, a vector, a list of numbers.
FUNCTIONS = [lambda x: x[0] * x[0] * x[-1] + 3.0, lambda x: x / (1.0 + x * x), lambda x: abs(x)]
SMALL = vectors(st.integers(1, 2), dyadics(-2, 2))


def _plain(result):
    return type(result)(*(float(v) if np.ndim(v) == 0 else v for v in result))


@parity(given_={"f": st.sampled_from(FUNCTIONS), "x": SMALL, "sigma": SIGMAS, "nodes": st.sampled_from([4, 9])},
        roundings=2**12, scale=64.0, examples=20)
def test_smooth(impl, f, x, sigma, nodes):
    return _plain(impl.weierstrass.smooth(f, x, sigma, nodes=nodes))


@parity(given_={"f": st.sampled_from(FUNCTIONS), "x": vectors(6), "sigma": SIGMAS,
                "direction": vectors(6).filter(np.any)}, roundings=2**12, scale=2.0**12, examples=20)
def test_smooth_along_a_direction(impl, f, x, sigma, direction):
    return _plain(impl.weierstrass.smooth(f, x, sigma, direction=direction, nodes=12))


@parity(given_={"f": st.sampled_from(FUNCTIONS), "x": SMALL, "sigma": st.sampled_from([0.5, 2.0])},
        roundings=2**12, scale=64.0, examples=20)
def test_stein_gradient(impl, f, x, sigma):
    return _plain(impl.weierstrass.stein_gradient(f, x, sigma, nodes=8))


@parity(given_={"f": st.sampled_from(FUNCTIONS), "x": vectors(5), "sigma": SIGMAS, "rng": st.integers(0, 3)},
        roundings=2**10, scale=2.0**10, examples=20)
def test_smooth_monte_carlo(impl, f, x, sigma, rng):
    return _plain(impl.weierstrass.smooth_monte_carlo(f, x, sigma, 7, rng=rng))


@pytest.mark.parametrize("name", NAMESPACES)
def test_values_are_kept_a_few_at_a_time(name):
    xp, values = namespace(name), 20_000
    ones = xp.ones(values)

    def f(x):
        return x[0] * ones + 1000.0

    x = xp.asarray([2.0])
    limit = 40 * 8 * values  # five values; all 300 take sixty times that
    expected = smooth_monte_carlo(f, x, 0.5, 300, rng=0)
    tracemalloc.start()
    try:
        found = smooth_monte_carlo(f, x, 0.5, 300, rng=0, memory_limit=limit)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= limit, peak / limit
    for a, b in zip(found, expected, strict=True):
        assert np.abs(np.asarray(a) - np.asarray(b)).max() <= 1e-12 * np.asarray(b).max()
    with pytest.raises(MemoryError, match=r"memory_limit must be at least 64 bytes, for one value .*, got 63"):
        smooth_monte_carlo(lambda x: x[0], x, 0.5, 3, rng=0, memory_limit=63)


@pytest.mark.parametrize("scale", [0.1, 0.3, 1 / 3])
def test_the_tail_of_the_probit_has_its_digits(scale):
    from refimpl import weierstrass

    z = -np.arange(1.0, 36.0) / scale
    assert probit(z, scale) == pytest.approx(weierstrass.probit(z, scale), rel=2e-13, abs=0)


@pytest.mark.parametrize("name", NAMESPACES)
def test_functions_get_and_may_return_arrays_of_the_namespace(name):
    xp = namespace(name)
    seen = set()

    def f(x):
        seen.add((type(x), str(x.dtype).rpartition(".")[2]))
        x += 1.0  # its own copy
        return xp.sum(x)

    x = xp.asarray(np.ones(2))
    with gpu.precision("float32"):
        smooth(f, x, 0.5, nodes=4)
        smooth_monte_carlo(f, x, 0.5, 3, rng=0)
    assert seen == {(type(x), "float32")}
    assert np.asarray(x).tolist() == [1.0, 1.0]


def _changing():
    shapes = iter(range(1, 999))
    return lambda x: [1.0] * next(shapes)


test_bad_arguments = refused([
    lambda i, x: i.weierstrass.probit(x * 1j),
    lambda i, x: i.weierstrass.probit(x, np.inf),
    lambda i, x: i.weierstrass.extremal_ramp(x, 0.0),
    lambda i, x: i.weierstrass.extremal_ramp(x, 1.0, start=np.nan),
    lambda i, x: i.weierstrass.extremal_ramp(x, 1.0, mass=-1),
    lambda i, x: i.weierstrass.smooth(3, x, 1.0),
    lambda i, x: i.weierstrass.smooth(abs, x, -1.0),
    lambda i, x: i.weierstrass.smooth(abs, x[None, :], 1.0),
    lambda i, x: i.weierstrass.smooth(abs, x, 1.0),
    lambda i, x: i.weierstrass.smooth(abs, x[:2], 1e-300),
    lambda i, x: i.weierstrass.smooth(abs, x[:2], 1.0, nodes=3),
    lambda i, x: i.weierstrass.smooth(abs, x, 1.0, direction=0 * x),
    lambda i, x: i.weierstrass.smooth(abs, x, 1.0, direction=x[:2]),
    lambda i, x: i.weierstrass.smooth(lambda x: "a", x[:2], 1.0),
    lambda i, x: i.weierstrass.smooth(lambda x: np.nan, x[:2], 1.0),
    lambda i, x: i.weierstrass.smooth(_changing(), x[:2], 1.0),
    lambda i, x: i.weierstrass.stein_gradient(abs, x[:2], 0.0),
    lambda i, x: i.weierstrass.stein_gradient(_changing(), x[:2], 1.0),
    lambda i, x: i.weierstrass.smooth_monte_carlo(abs, x, 1.0, 1, rng=0),
    lambda i, x: i.weierstrass.smooth_monte_carlo(abs, x, 1.0, 2, rng="a"),
    lambda i, x: i.weierstrass.smooth_monte_carlo(_changing(), x, 1.0, 2, rng=0),
], x=np.arange(1.0, 7.0))
