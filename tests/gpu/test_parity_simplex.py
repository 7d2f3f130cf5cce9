"""gpu.simplex against refimpl.simplex."""

import numpy as np
import pytest
from hypothesis import strategies as st
from parity import NAMESPACES, namespace, parity, refused

from gpu import simplex
from proofs_check.strategies import matrices, vectors
from refimpl.simplex import sparsemax

SCORES = vectors(st.integers(1, 6)) | matrices(5)
POSITIVE = st.sampled_from([1.0, 0.5, 3.0])
HUGE = st.sampled_from([np.array([1e308, -1e308]), np.array([[1e300, 1e300, 0.0]]), np.array([-1e308, -1e-308])])


def _roundings(z, **_):
    # The scores are rounded once when they are divided; the exponential multiplies that by their distance.
    return 16 * (z.shape[-1] + 100)


@parity(given_={"z": SCORES | HUGE, "temperature": POSITIVE, "mass": POSITIVE}, roundings=_roundings)
def test_softmax(impl, z, **how):
    return impl.simplex.softmax(z, **how)


@parity(given_={"z": SCORES | HUGE, "mass": POSITIVE}, roundings=2)
def test_hardmax(impl, z, mass):
    return impl.simplex.hardmax(z, mass=mass)


@parity(given_={"z": SCORES | HUGE, "temperature": POSITIVE, "mass": POSITIVE}, roundings=_roundings)
def test_sparsemax(impl, z, **how):
    return impl.simplex.sparsemax(z, **how)


test_bad_arguments = refused([
    lambda i, z: i.simplex.softmax(z[:0]),
    lambda i, z: i.simplex.softmax(z[None, None, :]),
    lambda i, z: i.simplex.softmax(z[0]),
    lambda i, z: i.simplex.softmax(z * np.inf),
    lambda i, z: i.simplex.softmax(z * 1j),
    lambda i, z: i.simplex.softmax(z, temperature=0),
    lambda i, z: i.simplex.softmax(z, mass=-1),
    lambda i, z: i.simplex.hardmax(z[None, None, :]),
    lambda i, z: i.simplex.hardmax(z, mass=np.nan),
    lambda i, z: i.simplex.sparsemax(z, temperature=-1.0),
    lambda i, z: i.simplex.sparsemax(z, mass=0.0),
], z=np.array([1.0, 2.0]))


@pytest.mark.parametrize("name", NAMESPACES)
@pytest.mark.parametrize("samples", [5, 6, 7])
def test_many_rows_are_mapped_by_parts(name, samples, rng, monkeypatch):
    monkeypatch.setattr(simplex, "CACHED", 30)
    z = rng.standard_normal((samples, 10))
    found = simplex.sparsemax(namespace(name).asarray(z))
    assert np.abs(np.asarray(found) - sparsemax(z)).max() <= 2.0**-50


@pytest.mark.parametrize("classes", [3, 64, 65, 500])
@pytest.mark.parametrize("rounds", [1, simplex.ROUNDS])
def test_sets_that_shrink_slowly_are_sorted_instead(classes, rounds, rng, monkeypatch):
    monkeypatch.setattr(simplex, "ROUNDS", rounds)
    z = rng.standard_normal((300, classes))
    z[0] = -1 + 2.0 ** -np.arange(classes)  # every round takes away few
    z[1] = 0.0
    assert np.abs(simplex.sparsemax(z) - sparsemax(z)).max() <= 2.0**-50
