"""Strategies of kernels reach what claims on convolutions need."""

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings

from proofs_check.strategies import (
    complementary_kernels,
    convolutions,
    images,
    kernels,
    orthogonal_kernels,
    separable_kernels,
    unit_arrays,
)
from refimpl.convolution import circulant_matrix, gram_kernel

SEARCH = settings(
    max_examples=4000, database=None, deadline=None, derandomize=True, phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
QUICK = settings(max_examples=60, database=None, deadline=None, derandomize=True)


@pytest.mark.parametrize("predicate", [
    lambda K: K.shape == (2, 2, 3, 3) and np.count_nonzero(K) > 20,
    lambda K: K.shape[:2] == (1, 2),
    lambda K: K.shape[:2] == (2, 1),
    lambda K: K.shape[2:] == (1, 1),
    lambda K: K.shape[2:] == (2, 3) and np.all(np.abs(K) == 1),
    lambda K: K.size > 8 and np.count_nonzero(K) == 1,
    lambda K: K.size > 8 and np.all(K > 0),
    lambda K: not K.any(),
    lambda K: K.size > 4 and np.any(K % 1 != 0),
])
def test_kernels_reach_every_kind(predicate):
    assert predicate(find(kernels(), predicate, settings=SEARCH))


def test_kernels_are_complex_only_where_that_is_asked_for():
    find(kernels(complex_entries=True), lambda K: np.iscomplexobj(K) and np.any(K.imag), settings=SEARCH)

    @QUICK
    @given(kernels())
    def real(K):
        assert K.dtype == np.float64

    real()


@QUICK
@given(separable_kernels())
def test_separable_kernels_have_rank_one(K):
    assert np.linalg.matrix_rank(K.reshape(len(K), -1)) <= 1
    assert np.linalg.matrix_rank(K.transpose(2, 0, 1, 3).reshape(K.shape[2], -1)) <= 1


@QUICK
@given(complementary_kernels())
def test_complementary_kernels_cancel_at_every_lag_but_zero(K):
    G = gram_kernel(K)[0, 0, 0]
    assert G[G.size // 2] == (K**2).sum() and np.count_nonzero(G) == 1


@QUICK
@given(orthogonal_kernels())
def test_orthogonal_kernels_are_multiples_of_orthogonal_maps_at_their_own_size(K):
    W = circulant_matrix(K, K.shape[2:])
    np.testing.assert_array_equal(W.T @ W, (K**2).sum() * np.eye(len(W)))


@QUICK
@given(convolutions(kernels()))
def test_images_of_flat_kernels_are_flat(case):
    assert case["K"].shape[2] > 1 or case["n"][0] == 1
    assert all(1 <= size <= 4 for size in case["n"])


def test_images_have_the_shape_that_is_asked_for():
    assert find(images(2, (1, 3)), lambda X: X[1, 0, 2] == 0.125, settings=SEARCH).shape == (2, 1, 3)


def test_unit_arrays_are_a_basis():
    units = unit_arrays(2, 1, 3)
    assert len(units) == 6 and all(u.shape == (2, 1, 3) and u.sum() == 1 for u in units)
    np.testing.assert_array_equal(sum(units), np.ones((2, 1, 3)))
