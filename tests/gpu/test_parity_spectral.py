"""gpu.spectral against refimpl.spectral."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parity import NAMESPACES, ROUNDOFF, namespace, parity, refused

import gpu
from gpu._namespace import matmul, product_error
from gpu.spectral import gram_bound_sequence, gram_iteration, spectral_norm_enclosure
from proofs_check.balls import lift
from proofs_check.implementation import balls
from proofs_check.strategies import extreme_matrices, matrices, square_matrices, vectors

MATRICES = matrices(complex_entries=True)
STEPS = st.integers(0, 5)


def _side(W):
    return sum(np.shape(W))


def _gram(W, n_iter, **_):
    # As gram_iteration says, for both sides of the comparison: 2 (p + 6) r u each, doubled for complex entries.
    return 8 * (max(W.shape) + 6) * min(W.shape)


def _nonzero(strategy):
    return strategy.filter(np.any)


@parity(given_={"W": MATRICES}, roundings=lambda W: 8 * _side(W))
def test_spectral_norm(impl, W):
    return impl.spectral.spectral_norm(W)


@parity(given_={"W": MATRICES, "p": st.sampled_from([1.0, 1.5, 2.0, 4.0, 64.0, float("inf")])},
        roundings=lambda W, p: 16 * _side(W) ** 2)
def test_schatten_norm(impl, W, p):
    return impl.spectral.schatten_norm(W, p)


# Normal matrices: the eigenvalues of others move by roots of the rounding.
@parity(given_={"W": square_matrices().map(lambda W: W + W.T)}, roundings=lambda W: 16 * len(W) ** 2)
def test_spectral_radius(impl, W):
    return impl.spectral.spectral_radius(W)


# Without signs, so that no power cancels to a rounding error.
@parity(given_={"W": square_matrices().map(np.abs), "n_iter": st.integers(1, 6),
                "norm": st.sampled_from(["fro", "1", "2", "inf", "nuc"])},
        roundings=lambda W, n_iter, norm: 400)
def test_gelfand_sequence(impl, W, n_iter, norm):
    return impl.spectral.gelfand_sequence(W, n_iter, norm)


@parity(given_={"W": MATRICES, "n_iter": STEPS, "norm": st.sampled_from(["fro", "nuc", "1", "2", "inf"])},
        roundings=_gram)
def test_gram_iteration(impl, W, n_iter, norm):
    return impl.spectral.gram_iteration(W, n_iter, norm)


@parity(given_={"W": MATRICES, "n_iter": st.integers(0, 3)}, roundings=_gram)
def test_gram_iteration_naive(impl, W, n_iter):
    return impl.spectral.gram_iteration_naive(W, n_iter)


@parity(given_={"W": MATRICES, "n_iter": STEPS}, roundings=_gram)
def test_gram_bound_sequence(impl, W, n_iter):
    return impl.spectral.gram_bound_sequence(W, n_iter)


@parity(given_={"W": _nonzero(MATRICES), "n_iter": STEPS}, roundings=lambda W, n_iter: 2**n_iter * 8 * _gram(W, n_iter))
def test_gram_iteration_gradient(impl, W, n_iter):
    return impl.spectral.gram_iteration_gradient(W, n_iter)


@parity(given_={"W": matrices(), "n_iter": st.integers(1, 4), "seed": st.integers(0, 3)},
        precisions=("float64",), roundings=lambda W, n_iter, seed: 4 * n_iter * _side(W) ** 2)
def test_power_iteration_from_a_seed(impl, W, n_iter, seed):
    return impl.spectral.power_iteration(W, n_iter, rng=seed)


@parity(given_=_nonzero(matrices()).flatmap(lambda W: st.fixed_dictionaries(
            {"W": st.just(W), "n_iter": st.integers(1, 4), "start": vectors(W.shape[1]).filter(np.any)})),
        roundings=lambda W, n_iter, start: 2**12)
def test_power_iteration_from_a_start(impl, W, n_iter, start):
    return impl.spectral.power_iteration(W, n_iter, start=start)


# Column 0, as rounding chooses among equally long ones.
@parity(given_={"W": MATRICES.filter(lambda W: W[:, 0].any()), "n_iter": st.integers(1, 4), "column": st.just(0)},
        precisions=("float64",), roundings=lambda W, n_iter, column: 2**n_iter * _gram(W, n_iter))
def test_dominant_singular_vector(impl, W, n_iter, column):
    return impl.spectral.dominant_singular_vector(W, n_iter, column=column)


DIAGONAL = st.lists(st.sampled_from([1.0, 2.0, -3.0, 0.5, 2j]), min_size=1, max_size=3, unique_by=abs).map(np.diag)


@parity(given_={"W": DIAGONAL}, roundings=64)
def test_dominant_eigenpair(impl, W):
    return impl.spectral.dominant_eigenpair(W, 8)


BAD = [
    np.ones(2), np.array([[1.0, np.nan]]), np.array([[np.inf, 1.0]]), np.zeros((0, 3)), np.array([[True]]),
    np.array([[2**53 + 1]]), np.array([[2**62, 2**63 - 1]]), np.array([[complex(0, np.nan)]]), np.ones((1, 1, 1)),
]


@parity(given_={"W": st.sampled_from(BAD), "name": st.sampled_from(
            ["spectral_norm", "spectral_radius", "spectral_norm_enclosure"])},
        errors=True, precisions=("float64",))
def test_bad_matrices(impl, W, name):
    return getattr(impl.spectral, name)(W)


test_bad_arguments = refused([
    lambda i, W: i.spectral.gram_iteration(W, -1),
    lambda i, W: i.spectral.gram_iteration(W, 1.0),
    lambda i, W: i.spectral.gram_iteration(W, 1, "frob"),
    lambda i, W: i.spectral.gram_iteration(W, 1, certified=1),
    lambda i, W: i.spectral.gram_iteration(W, 1, "nuc", certified=True),
    lambda i, W: i.spectral.schatten_norm(W, 0),
    lambda i, W: i.spectral.spectral_radius(W[:1, :]),
    lambda i, W: i.spectral.gelfand_sequence(W, 0),
    lambda i, W: i.spectral.power_iteration(W, 1),
    lambda i, W: i.spectral.power_iteration(W, 1, start=0 * W[0, :]),
    lambda i, W: i.spectral.power_iteration(W, 1, start=W),
    lambda i, W: i.spectral.gram_iteration_gradient(0 * W, 1),
    lambda i, W: i.spectral.dominant_singular_vector(W, 1, column=2),
    lambda i, W: i.spectral.dominant_singular_vector(0 * W, 1),
    lambda i, W: i.spectral.dominant_eigenpair(0 * W, 1),
    lambda i, W: i.spectral.gram_iteration_naive(1e200 * W, 3),
    lambda i, W: i.spectral.gram_iteration_naive(1e-200 * W, 3),
    lambda i, W: i.spectral.gram_bound_sequence(W, 2, "x"),
], W=np.eye(2))


# -- enclosures: not the same floats, but the same promises ---------------------------------------


@pytest.mark.parametrize("precision", ["float64", "float32", "tf32"])
@pytest.mark.parametrize("name", NAMESPACES)
@given(W=extreme_matrices())
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_enclosures_hold_in_every_precision(name, precision, W):
    xp = namespace(name)
    exact = balls().spectral.spectral_norm(lift({"W": W})["W"])
    with gpu.precision(precision):
        found = spectral_norm_enclosure(xp.asarray(W))
        bound = gram_iteration(xp.asarray(W), 3, certified=True)
    assert type(found.low) is type(found.high) is float
    assert not exact < found.low and not exact > found.high
    assert not exact > bound
    # And they are of some use: the width is that of the arithmetic.
    units = 64 * (min(W.shape) ** 2 + max(W.shape)) * 4 * ROUNDOFF[precision]
    if 1e-290 < found.high < 1e300:
        assert found.high - found.low <= units * found.high
        assert bound <= gram_iteration(W, 3) * (1 + 8 * units)


@pytest.mark.parametrize("name", NAMESPACES)
def test_the_bound_on_products_holds_in_tf32(name, rng):
    # Factors with 11 bits: the error is what `product_error` says, and more than float32 would leave.
    xp = namespace(name)
    A, B = rng.standard_normal((2, 20, 20))
    A, B = A.astype(np.float32), B.astype(np.float32)
    with gpu.precision("tf32"):
        found = np.asarray(matmul(xp.asarray(A), xp.asarray(B)))
        allowed = product_error(20, complex_entries=False) * (abs(A.astype(float)) @ abs(B.astype(float)))
    off = abs(found - A.astype(float) @ B.astype(float))
    assert (off <= allowed).all() and off.max() > 2.0**-14


def test_float32_is_used_on_request_only():
    W = np.float32([[1, 2], [3, 4]])
    assert gram_bound_sequence(W, 2).dtype == np.float64
    with gpu.precision("float32"):
        assert gram_bound_sequence(W.astype(float), 2).dtype == np.float32
    assert gram_bound_sequence(W, 2).dtype == np.float64
    with pytest.raises(ValueError, match="name must be one of 'float64', 'float32', 'tf32', got 'half'"), \
            gpu.precision("half"):
        pass


def test_certified_sums_too_long_for_the_arithmetic_are_refused():
    W = np.ones((100_000, 1))
    with gpu.precision("float32"):
        assert gram_iteration(W, 1, certified=True) >= 100_000**0.5
        with pytest.raises(ValueError, match="the arithmetic must be finer for certified sums of 200000 terms"):
            gram_iteration(np.ones((100_000, 1)) * 1j, 1, certified=True)
