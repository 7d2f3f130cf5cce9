"""The blocks of a convolution: every method finds refimpl's value, in bounded memory, and certificates hold."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parity import NAMESPACES, namespace

import gpu
from gpu import convolution
from gpu.convolution import _cells
from gpu.convolution._blocks import Spectrum
from gpu.spectral._certified import definite, eigenvalues_below
from proofs_check.balls import lift
from proofs_check.implementation import balls
from proofs_check.strategies import convolutions, kernels
from refimpl.convolution import (
    circular_norm_bound,
    circular_norm_bound_gradient,
    conv_spectral_norm,
    zero_padded_norm_bound,
)

KERNELS = kernels(complex_entries=True)

# -- algorithms: refimpl's value by every method ---------------------------------------------------


def _kernel(rng, shape, kind):
    K = rng.standard_normal(shape)
    return K + 1j * rng.standard_normal(shape) if kind == "complex" else K


@pytest.mark.parametrize("name", NAMESPACES)
@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize(("shape", "n"), [((3, 5, 3, 3), (12, 14)), ((8, 4, 3, 2), (9, 15)), ((6, 6, 1, 12), (1, 70)),
                                          ((4, 4, 5, 5), (3, 30))])
def test_every_method_finds_the_same_bound(name, kind, shape, n, rng):
    xp, K = namespace(name), _kernel(rng, shape, kind)
    limit = 8 * 16 * 30 * math.prod(shape[:2])
    for n_iter in (0, 1, 2, 3, 8):
        expected = circular_norm_bound(K, n, n_iter)
        for method in ("auto", "every", "pruned", "cholesky"):
            for memory_limit in (None, limit):
                found = convolution.circular_norm_bound(
                    xp.asarray(K), n, n_iter, method=method, memory_limit=memory_limit)
                assert abs(found - expected) <= 2.0**-53 * expected * 2000
    exact, found = conv_spectral_norm(K, n), convolution.conv_spectral_norm(xp.asarray(K), n, memory_limit=limit)
    assert abs(found.norm - exact.norm) <= exact.error and found.error <= 2 * exact.error


def test_where_all_blocks_are_equal_every_method_is_right():
    # An orthogonal convolution: nothing lies below, so that no certificate holds.
    K = np.zeros((6, 6, 2, 2))
    K[:, :, 1, 0] = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0]
    assert convolution.conv_spectral_norm(K, 16).norm == pytest.approx(1, rel=1e-14)
    for method in ("every", "pruned", "cholesky"):
        assert convolution.circular_norm_bound(K, 16, 5, method=method) == pytest.approx(6 ** (1 / 64), rel=1e-14)


def test_sums_over_lags_that_cancel_are_not_used(rng):
    # On an image of width 1 the taps cancel but for a billionth: squares would lose all digits.
    first = rng.standard_normal((5, 5, 1))
    K = np.concatenate([first, -first, 1e-9 * rng.standard_normal((5, 5, 1))], axis=2)[:, :, None, :]
    expected = circular_norm_bound(K, (80, 1), 4)
    for method in ("auto", "cholesky", "pruned"):
        assert convolution.circular_norm_bound(K, (80, 1), 4, method=method) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", NAMESPACES)
@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize(
    ("shape", "n_iter"), [((3, 2, 3, 3), 4), ((2, 3, 7, 10), 2), ((2, 2, 1, 40), 2), ((1, 4, 2, 5), 5)])
def test_bounds_for_zero_padding_by_transforms(name, kind, shape, n_iter, rng):
    K = _kernel(rng, shape, kind)
    K[..., -1, -1] *= 1e-8  # taps that are lost in the rounding of the others would change no bound either
    for norm in ("inf", "fro"):
        expected = zero_padded_norm_bound(K, n_iter, norm)
        found = convolution.zero_padded_norm_bound(namespace(name).asarray(K), n_iter, norm)
        assert abs(found - expected) <= 64 * 2.0**-53 * expected


# -- cells: most frequencies are not looked at ------------------------------------------------------


@pytest.mark.parametrize("n_iter", [0, 3])
def test_the_gradient_is_that_of_the_largest_block(n_iter, rng):
    K = rng.standard_normal((3, 4, 3, 3))
    expected = circular_norm_bound_gradient(K, (40, 51), n_iter)
    found = convolution.circular_norm_bound_gradient(K, (40, 51), n_iter)
    assert np.abs(found - expected).max() <= 1e-12 * np.abs(expected).max()


def _two_peaks(rng, taps, n):
    """Two cosines, which fall as fast as any: the lower one is highest at a frequency, the other midway between."""
    K = np.zeros((4, 4, taps, taps), dtype=complex)
    places = rng.integers(n, size=2), rng.integers(n, size=2) + 0.5
    for channel, (height, place) in enumerate(zip((rng.uniform(0.985, 0.997), 1), places, strict=True)):
        down, right = (np.exp(2j * np.pi * (taps - 1) * w / n) for w in place)
        K[channel, channel, :: taps - 1, :: taps - 1] = height * np.array([[1, right], [down, down * right]])
    return K


def _all_three(K, n):
    found = convolution.conv_spectral_norm(K, n)
    certified = convolution.circular_norm_bound(K, n, 0, certified=True, method="cholesky")
    return found.norm, certified, convolution.circular_norm_bound(K, n, 5)


@pytest.mark.parametrize(("shape", "n"), [
    ((5, 4, 3, 3), (60, 61)), ((4, 6, 3, 2), (64, 40)), ((6, 6, 1, 3), (3, 200)), ((4, 4, 5, 1), (301, 2)),
    ((1, 1, 3, 3), (70, 70)),
])
@pytest.mark.parametrize("kind", ["real", "complex"])
def test_cells_change_no_value(shape, n, kind, rng):
    for scale in (1.0, 1e-3):  # the other spectrum is flat: one large tap
        K = scale * _kernel(rng, shape, kind)
        K[..., 0, 0] += 1
        exact, gram = conv_spectral_norm(K, n), circular_norm_bound(K, n, 5)
        norm, certified, bound = _all_three(K, n)
        assert abs(norm - exact.norm) <= exact.error
        assert exact.norm * (1 - 1e-14) <= certified <= exact.norm * (1 + 1e-9)
        assert abs(bound - gram) <= 2.0**-53 * gram * 2000


def test_on_large_images_few_blocks_are_made(rng, monkeypatch):
    counts = []
    for name in ("blocks", "grams"):
        right = getattr(Spectrum, name)
        monkeypatch.setattr(
            Spectrum, name, lambda self, index, right=right: counts.append(len(index)) or right(self, index))
    K = rng.standard_normal((8, 8, 3, 3))
    for call in (lambda: convolution.conv_spectral_norm(K, 128), lambda: convolution.circular_norm_bound(K, 128, 6),
                 lambda: convolution.circular_norm_bound(K, 128, 6, certified=True)):
        counts.clear()
        call()
        assert sum(counts) < 128 * 65 / 4


def _misses(rng):
    """How often the largest norm is missed, of 60 convolutions with peaks anywhere between the frequencies."""
    missed = 0
    for taps, n in ((3, 33), (3, 64), (5, 65)):
        for _ in range(20):
            K = _two_peaks(rng, taps, n)
            exact = conv_spectral_norm(K, n).norm
            missed += any(found < exact * (1 - 1e-12) for found in _all_three(K, n))
    return missed


def test_no_peak_is_missed(rng):
    assert _misses(rng) == 0


@pytest.mark.parametrize("wrong", [lambda floor: 1 - (1 - floor) / 8, lambda floor: 0.985])
def test_with_a_higher_floor_peaks_are_missed(wrong, rng, monkeypatch):
    right = _cells._floor
    monkeypatch.setattr(_cells, "_floor", lambda rise, cosine: wrong(right(rise, cosine)))
    assert _misses(rng) > 0


# -- memory ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [
    lambda K, limit: convolution.circular_norm_bound(K, 96, 4, memory_limit=limit, method="every"),
    lambda K, limit: convolution.circular_norm_bound(K, 96, 4, memory_limit=limit, method="pruned"),
    lambda K, limit: convolution.circular_norm_bound(K, 96, 8, memory_limit=limit, method="cholesky"),
    lambda K, limit: convolution.circular_norm_bound(K, 96, 4, memory_limit=limit, certified=True),
    lambda K, limit: convolution.conv_spectral_norm(K, 96, memory_limit=limit),
    lambda K, limit: convolution.circular_norm_bound_gradient(K, 96, 4, memory_limit=limit),
    lambda K, limit: convolution.sampled_density_bound(K, 96, memory_limit=limit),
])
def test_blocks_never_take_more_than_the_limit(call, rng):
    K = rng.standard_normal((12, 12, 3, 3))
    limit = 2**21  # all blocks together take five times that, and what is made of them forty times
    call(K[:2, :2], None)
    tracemalloc.start()
    try:
        call(K, limit)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= limit, peak / limit


def test_a_limit_below_one_block_says_what_it_needs():
    with pytest.raises(MemoryError, match=r"memory_limit must be at least 512 bytes, for one block .*, got 511"):
        convolution.circular_norm_bound(np.ones((2, 2, 1, 1)), 4, 2, memory_limit=511)
    assert convolution.circular_norm_bound(np.ones((2, 2, 1, 1)), 4, 2, memory_limit=512) == pytest.approx(2)


def test_running_out_of_memory_names_a_limit_that_fits(monkeypatch):
    from gpu.convolution import _circular, _search

    def full(*_):
        raise MemoryError("the device is full")

    monkeypatch.setattr(_search, "gram_bounds", full)
    with pytest.raises(MemoryError, match="memory_limit must be smaller: 12 blocks of 512 bytes did not fit, 3072"):
        _circular.circular_norm_bound(np.ones((2, 2, 1, 1)), 4, 2)


@pytest.mark.parametrize("precision", ["float64", "float32", "tf32"])
@pytest.mark.parametrize("name", NAMESPACES)
@given(case=convolutions(KERNELS, high=4), exponent=st.sampled_from([0, 0, -1060, 990]))
@settings(max_examples=30, deadline=None, derandomize=True, database=None)
def test_certificates_are_not_below_the_exact_norm(name, precision, case, exponent):
    xp, K, n = namespace(name), case["K"] * 2.0**exponent, case["n"]
    exact = balls().convolution.conv_spectral_norm(lift({"K": K})["K"], n).norm
    with gpu.precision(precision):
        for method in ("every", "cholesky"):
            bound = convolution.circular_norm_bound(xp.asarray(K), n, 4, certified=True, method=method)
            assert not exact > bound


def test_a_certificate_is_next_to_the_norm(rng):
    for K in (rng.standard_normal((6, 8, 3, 3)), rng.standard_normal((8, 5, 3, 3)) * (1 + 1j),
              rng.standard_normal((4, 4, 9, 9))):
        exact = conv_spectral_norm(K, 12).norm
        bound = convolution.circular_norm_bound(K, 12, 0, certified=True, method="cholesky")
        assert exact <= bound <= exact * (1 + 1e-10)
        assert convolution.circular_norm_bound(K, 12, 0, certified=True, method="every") > 1.1 * exact


def test_what_is_wrong_in_a_factor_is_added_to_the_bound(monkeypatch):
    # On a device any L is taken for the factor: with a wrong one the bound is large, not wrong.
    xp = namespace("array_api_strict")
    G = xp.asarray(np.diag([1.0, 4.0])[None])
    assert not definite(xp, -G).any() and eigenvalues_below(xp, G, 1.0, 0.0) == math.inf
    for factor in (np.zeros((1, 2, 2)), np.eye(2)[None]):
        monkeypatch.setattr(xp.linalg, "cholesky", lambda B, L=factor: xp.asarray(L))
        assert float(eigenvalues_below(xp, G, 1.0, 0.0)[0]) >= 4


@pytest.mark.parametrize("precision", ["float64", "float32", "tf32"])
def test_certified_bounds_hold_in_every_precision(precision, rng):
    K = rng.standard_normal((3, 4, 3, 3)) * 2.0**-1000
    exact = conv_spectral_norm(K * 2.0**1000, 8).norm
    with gpu.precision(precision):
        circular = convolution.circular_norm_bound(K, 8, 12, certified=True) * 2.0**1000
        padded = convolution.zero_padded_norm_bound(K, 2, certified=True) * 2.0**1000
    wide = {"float64": 1e-9, "float32": 1e-3, "tf32": 0.2}[precision]
    assert exact <= circular <= circular_norm_bound(K * 2.0**1000, 8, 12) * (1 + wide)
    bound = zero_padded_norm_bound(K * 2.0**1000, 2)
    assert bound * (1 - 1e-15) <= padded <= bound * (1 + wide)
