"""Enclosures and certified bounds against exact arithmetic: the spectral norm in balls."""

import math

import numpy as np
import pytest
from flint import arb, ctx

from proofs_check import balls
from refimpl import spectral

TINY, LARGEST = 5e-324, np.finfo(float).max


def _mixed_sizes(rng, shape):
    return rng.standard_normal(shape) * rng.choice([1e-300, 1e-8, 1.0, 1e8, 1e300], shape)


def _denormal(rng, shape):
    return rng.integers(-50, 50, shape) * TINY


def _rank_one(rng, shape):
    return np.outer(rng.standard_normal(shape[0]), rng.standard_normal(shape[1]))


def _ties(rng, shape):
    return np.eye(*shape)[rng.permutation(shape[0])] * rng.choice([-3.0, 3.0])


def _near_ties(rng, shape):
    return np.eye(*shape) + 1e-15 * rng.standard_normal(shape)


def _sparse(rng, shape):
    return rng.standard_normal(shape) * (rng.random(shape) < 0.3)


def _graded(rng, shape):
    return rng.standard_normal(shape) * 10.0 ** -np.arange(0, 20 * shape[1], 20)


def _complex(rng, shape):
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def _complex_mixed_sizes(rng, shape):
    return _mixed_sizes(rng, shape) + 1j * _mixed_sizes(rng, shape)


FAMILIES = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "mixed sizes": _mixed_sizes,
    "denormal": _denormal,
    "rank one": _rank_one,
    "ties": _ties,
    "near ties": _near_ties,
    "sparse": _sparse,
    "graded": _graded,
    "complex": _complex,
    "complex, mixed sizes": _complex_mixed_sizes,
    "float32": lambda rng, shape: rng.standard_normal(shape).astype(np.float32),
    "ones": lambda rng, shape: np.full(shape, rng.choice([1.0, 0.1, 1e-200])),
}
SHAPES = [(1, 1), (1, 4), (4, 1), (2, 2), (3, 3), (2, 5), (5, 2), (6, 6)]

FIXED = {
    "zero": np.zeros((2, 3)),
    "zero, complex": np.zeros((2, 3), complex),
    "one smallest float": np.array([[TINY]]),
    "smallest floats": np.full((3, 2), TINY),
    "smallest and largest": np.array([[TINY, LARGEST / 4], [LARGEST / 4, TINY]]),
    "largest": np.array([[LARGEST]]),
    "above the largest float": np.full((2, 2), LARGEST),
    "complex, one entry": np.array([[3e200 + 4e200j]]),
    "just above one": np.array([[1.0, 2.0**-53], [0, 1.0]]),
}


def _encloses(low, high, W):
    """Whether the exact norm, known to 60 digits, is certainly not outside the two ends."""
    with ctx.workprec(400):
        exact = balls.spectral.spectral_norm(W)
        assert exact.rad() <= exact.upper() * arb("1e-60"), "the exact side is too wide to judge"
        return not exact < arb(low) and not (math.isfinite(high) and exact > arb(high))


def test_the_judge_tells_the_norm_from_its_neighbours():
    W = np.array([[1.0, 1.0], [0.0, 1.0]])
    above = 1.618033988749895  # the float next to the golden ratio
    below = math.nextafter(above, 0)
    assert _encloses(below, above, W)
    assert not _encloses(above, 2.0, W)
    assert not _encloses(0.0, below, W)


@pytest.mark.parametrize("family", FAMILIES)
def test_enclosure_holds_the_exact_norm_and_is_narrow(family, frozen, rng):
    for shape in SHAPES:
        for _ in range(4):
            W = frozen(FAMILIES[family](rng, shape))
            low, high = spectral.spectral_norm_enclosure(W)
            assert 0 <= low <= high
            assert _encloses(low, high, W), W.tolist()
            # The a-posteriori bounds are of the order of n^2 roundings of the squared norm.
            assert high - low <= max(1e-12 * high, 64 * TINY), W.tolist()


@pytest.mark.parametrize("family", FAMILIES)
def test_certified_gram_bound_is_above_the_exact_norm_and_near_the_plain_bound(family, frozen, rng):
    for shape in SHAPES:
        for n_iter in (0, 1, 3, 12):
            W = frozen(FAMILIES[family](rng, shape))
            bound = spectral.gram_iteration(W, n_iter, certified=True)
            plain = spectral.gram_iteration(W, n_iter)
            assert _encloses(0.0, bound, W), W.tolist()
            assert bound <= max(plain * (1 + 1e-12), plain + 64 * TINY), W.tolist()


@pytest.mark.parametrize("name", FIXED)
def test_extreme_matrices_are_enclosed_too(name, frozen):
    W = frozen(FIXED[name])
    low, high = spectral.spectral_norm_enclosure(W)
    assert _encloses(low, high, W)
    for n_iter in (0, 1, 5, 40):
        assert _encloses(0.0, spectral.gram_iteration(W, n_iter, certified=True), W)


def test_certified_bound_is_not_below_its_own_exact_value(frozen, rng):
    for _ in range(20):
        W = frozen(rng.standard_normal((3, 3)))
        assert not balls.spectral.gram_iteration(W, 3) > arb(spectral.gram_iteration(W, 3, certified=True))


def test_enclosure_of_one_real_entry_and_of_zero_is_exact(frozen):
    assert spectral.spectral_norm_enclosure(frozen([[-0.1]])) == (0.1, 0.1)
    assert spectral.spectral_norm_enclosure(frozen(np.zeros((3, 2)))) == (0.0, 0.0)


def test_enclosure_holds_where_the_singular_value_decomposition_fails(frozen, rng, monkeypatch):
    def fails(*_, **__):
        raise np.linalg.LinAlgError

    monkeypatch.setattr(np.linalg, "svd", fails)
    for shape in SHAPES:
        W = frozen(rng.standard_normal(shape))
        assert _encloses(*spectral.spectral_norm_enclosure(W), W)


def test_enclosure_has_named_ends(frozen):
    ends = spectral.spectral_norm_enclosure(frozen([[3, 0], [0, 4]]))
    assert ends == spectral.SpectralNormEnclosure(low=ends.low, high=ends.high)


def test_upper_end_is_infinite_where_the_norm_is_above_the_largest_float(frozen):
    low, high = spectral.spectral_norm_enclosure(frozen(np.full((2, 2), LARGEST)))
    assert (low, high) == (LARGEST, math.inf)


@pytest.mark.parametrize("entries", [1, 20, 60])
def test_larger_matrices_with_one_entry_in_a_row_and_column_are_enclosed(entries, frozen, rng):
    W = np.zeros((60, 80))
    W[rng.permutation(60)[:entries], rng.permutation(80)[:entries]] = rng.standard_normal(entries)
    low, high = spectral.spectral_norm_enclosure(frozen(W))
    exact = np.abs(W).max()
    assert low <= exact <= high <= low * (1 + 1e-9)
