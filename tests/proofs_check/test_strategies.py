"""What the public strategies can draw: every kind of instance that a claim has to face."""

import itertools

import numpy as np
import pytest
from flint import ctx
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from proofs_check.balls.spectral import singular_values
from proofs_check.strategies import (
    dyadics,
    extreme_matrices,
    groupings,
    matrices,
    networks,
    normalizers,
    rank_one_matrices,
    signs,
    spectra,
    square_matrices,
    tied_matrices,
    vectors,
    widths,
    with_spectrum,
)

SEARCH = settings(
    max_examples=3000, database=None, derandomize=True, deadline=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
SAMPLE = settings(max_examples=60, database=None, derandomize=True, deadline=None)


def rank(W):
    return np.linalg.matrix_rank(W)


def tied(W):
    """Whether the two leading singular values of a matrix of short dyadic numbers are equal."""
    if min(W.shape) < 2:
        return False
    s = np.linalg.svd(W, compute_uv=False)
    return bool(s[0] > 0 and s[0] - s[1] < 1e-12 * s[0])


def largest(W):
    """The largest modulus; float32 is widened so that it can be compared with 1e200."""
    return np.max(np.abs(np.asarray(W, dtype=complex)))


def normal(W):
    return np.array_equal(W @ W.conj().T, W.conj().T @ W)


@pytest.mark.parametrize("predicate", [
    lambda W: min(W.shape) >= 3 and rank(W) == 2,
    lambda W: min(W.shape) >= 2 and rank(W) == 1,
    lambda W: min(W.shape) >= 3 and rank(W) == 3,
    tied,
    lambda W: tied(W) and np.linalg.norm(W, -2) < 0.9 * np.linalg.norm(W, 2),
    lambda W: not W.any() and W.size > 1,
    lambda W: W.shape[0] < W.shape[1],
    lambda W: W.shape[0] > W.shape[1],
    lambda W: W.shape == (1, 1),
    lambda W: W.shape == (4, 4),
    lambda W: np.max(W) < 0 and W.size > 1,
    lambda W: np.any(np.round(W) != W),
], ids=[
    "rank-deficient", "rank-one", "generic", "tied", "tied-but-not-all", "zero", "wide", "tall", "1x1", "4x4",
    "negative", "fractions",
])
def test_matrices_reach_every_kind(predicate):
    find(matrices(), predicate, settings=SEARCH)


def test_matrices_are_complex_only_where_that_is_asked_for():
    complex_and_wide = lambda W: np.any(W.imag != 0) and W.shape == (2, 3)  # noqa: E731
    found = find(matrices(complex_entries=True), complex_and_wide, settings=SEARCH)
    assert np.iscomplexobj(found)

    @SAMPLE
    @given(matrices())
    def test(W):
        assert W.dtype == np.float64

    test()


@pytest.mark.parametrize("predicate", [
    lambda W: largest(W) > 1e200,
    lambda W: 0 < largest(W) < 1e-200,
    lambda W: largest(W) > 1e100 and any(0 < largest(v) < 1e-100 for v in W.ravel()),
    lambda W: np.iscomplexobj(W) and largest(W) > 1e200,
    lambda W: W.dtype == np.float32 and W.any(),
    lambda W: not W.any(),
    lambda W: largest(W) > 1e200 and tied(W / largest(W)),
], ids=["huge", "tiny", "mixed", "huge-complex", "float32", "zero", "huge-and-tied"])
def test_extreme_matrices_reach_every_size(predicate):
    find(extreme_matrices(2), predicate, settings=SEARCH)


@pytest.mark.parametrize("predicate", [
    lambda W: len(W) >= 2 and not normal(W),
    lambda W: len(W) >= 2 and normal(W) and not np.array_equal(W, W.conj().T),
    lambda W: len(W) >= 2 and np.any(W) and not np.any(np.linalg.matrix_power(W, len(W))),
    lambda W: len(W) == 3 and rank(W) == 3,
], ids=["not-normal", "normal-not-symmetric", "nilpotent", "invertible"])
def test_square_matrices_reach_every_kind(predicate):
    assert len({*find(square_matrices(), predicate, settings=SEARCH).shape}) == 1


def test_square_matrices_may_be_complex():
    domain = square_matrices(complex_entries=True)
    find(domain, lambda W: np.any(W.imag != 0) and not normal(W), settings=SEARCH)


@SAMPLE
@given(rank_one_matrices(), tied_matrices(), square_matrices())
def test_special_matrices_are_what_their_names_say(flat, signed_permutation, square):
    assert rank(flat) <= 1
    gram = signed_permutation.T @ signed_permutation
    assert np.array_equal(gram, np.diag(np.diag(gram))) and rank(signed_permutation) == len(gram)
    assert square.shape[0] == square.shape[1]


@SAMPLE
@given(dyadics(-1.5, 2), vectors(3), vectors(st.integers(2, 4), st.just(7.0)))
def test_numbers_are_short_and_within_their_ends(number, vector, sevens):
    assert -1.5 <= number <= 2 and (8 * number).is_integer()
    assert vector.shape == (3,) and vector.dtype == float and np.all(np.abs(vector) <= 4)
    assert sevens.ndim == 1 and 2 <= len(sevens) <= 4 and np.all(sevens == 7)


@pytest.mark.parametrize("end", [-1.5, -1.0, 0.0, 0.125, 2.0])
def test_numbers_reach_their_ends(end):
    find(dyadics(-1.5, 2), lambda x: x == end, settings=SEARCH)


@SAMPLE
@given(spectra(), signs(), signs())
def test_a_matrix_with_a_spectrum_has_exactly_these_singular_values(s, left, right):
    assert s == sorted(s, reverse=True) and s[0] > 0
    W = with_spectrum(s, left, right)
    assert np.array_equal(8 * W, np.round(8 * W))  # no rounding has happened
    with ctx.workprec(128):
        values = singular_values(W)
    assert all(value.overlaps(value * 0 + given) for value, given in zip(values, s, strict=True))
    assert all(abs(value - given) < 2.0**-50 for value, given in zip(values, s, strict=True))


@pytest.mark.parametrize("predicate", [
    lambda s: s[0] == s[1], lambda s: s[0] > s[1], lambda s: s[-1] == 0, lambda s: s[1] == 0,
    lambda s: len(set(s)) == 1, lambda s: len(set(s)) == 4,
], ids=["tied", "simple", "singular", "rank-one", "all-equal", "all-different"])
def test_spectra_reach_every_kind(predicate):
    find(spectra(), predicate, settings=SEARCH)


def test_signs_reach_every_pattern():
    for pattern in ([1, 1], [1, -1], [-1, 1], [-1, -1]):
        find(signs(2), lambda drawn, pattern=pattern: drawn == pattern, settings=SEARCH)


@pytest.mark.parametrize("predicate", [
    lambda net: len(net["weights"]) == 3 and all(len(W) == 1 for W in net["weights"]),
    lambda net: len(net["weights"]) >= 2 and net["weights"][0].shape == (1, 3),
    lambda net: len(net["weights"]) == 3 and net["weights"][2].shape == (3, 3),
    lambda net: len(net["weights"]) == 1,
    lambda net: any(not W.any() for W in net["weights"]),
    lambda net: len(net["weights"]) >= 2 and np.any(net["weights"][0] @ net["x"] < 0),
], ids=["deep-and-thin", "bottleneck", "wide", "one-layer", "zero-layer", "below-the-kink"])
def test_networks_reach_every_kind(predicate):
    find(networks(), predicate, settings=SEARCH)


@SAMPLE
@given(networks(), widths(st.just(2), max_width=5))
def test_networks_fit_together(net, sizes):
    shapes = [W.shape for W in net["weights"]]
    assert all(after[1] == before[0] for before, after in itertools.pairwise(shapes))
    assert net["x"].shape == net["z"].shape == (shapes[0][1],)
    assert np.any(net["x"] != net["z"])
    assert len(sizes) == 3 and all(1 <= n <= 5 for n in sizes)


@pytest.mark.parametrize("kind", ["batch", "layer", "rms", "group"])
def test_normalizers_reach_every_kind(kind):
    found = find(normalizers(2), lambda data: data["kind"] == kind, settings=SEARCH)
    assert found["epsilon"] > 0
    extra = {"batch": {"mean", "variance"}, "group": {"groups"}}.get(kind, set())
    assert set(found) == {"kind", "epsilon"} | extra
    if kind == "group":
        several = find(normalizers(4, ("group",)), lambda data: len(data["groups"]) == 2, settings=SEARCH)
        assert several["groups"] == [[0, 1], [2, 3]]
    if kind == "batch":
        assert found["mean"].shape == found["variance"].shape == (2,)
        assert np.all(found["variance"] > 0)
    assert find(normalizers(2, (kind,)), lambda data: True, settings=SEARCH)["kind"] == kind


@pytest.mark.parametrize(("n", "count"), [(2, 1), (3, 1), (4, 2), (5, 3), (6, 5)])
def test_groupings_reach_every_partition_into_groups_of_two_or_more(n, count):
    # The compositions of n into parts of at least 2 are counted by the Fibonacci numbers.
    seen = set()

    @settings(SAMPLE, max_examples=200)
    @given(groupings(n))
    def test(groups):
        assert list(itertools.chain(*groups)) == list(range(n))
        assert all(len(group) >= 2 for group in groups)
        seen.add(tuple(map(len, groups)))

    test()
    assert len(seen) == count
