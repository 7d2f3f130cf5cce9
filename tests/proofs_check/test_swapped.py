"""Two arguments of one kind, or two axes of one, exchanged: vectors or claims find out, or a theorem says why not."""

import functools
import sys
import types

import pytest
from planted._swaps import swaps
from test_planted import CLAIMS, claims_by_function

from proofs_check.run import PROFILES, run_claim
from proofs_check.vectors._files import functions, load
from proofs_check.vectors._peers import Adapter
from proofs_check.vectors._run import Row, judged

WITH_VECTORS = set(functions())
SWAPS = list(swaps())
TRANSPOSED = "the singular values of a transposed matrix are the same, and so are its eigenvalues"
BY_FREQUENCY = "the blocks of every frequency are transposed, which leaves their singular values"
# What a theorem makes the same. An exception that vectors do find, or that names no exchange, fails.
SYMMETRIC = {
    ("spectral.spectral_norm", "rows and columns of W"): TRANSPOSED,
    ("spectral.spectral_norm_enclosure", "rows and columns of W"): TRANSPOSED,
    ("spectral.schatten_norm", "rows and columns of W"): TRANSPOSED,
    ("spectral.spectral_radius", "rows and columns of W"): TRANSPOSED,
    ("spectral.gram_bound_sequence", "rows and columns of W"): TRANSPOSED + "; the bounds are Schatten norms",
    ("convolution.circular_norm_bound", "channels of K"): BY_FREQUENCY,
    ("convolution.smaller_input_norm_bound", "channels of K"): BY_FREQUENCY,
    ("convolution.four_matrix_bound", "channels of K"): "each of the four becomes the transpose of one of them",
    ("convolution.four_matrix_bound", "taps' axes of K"): "two of the four change places, the columns or rows of two",
    ("convolution.sampled_density_bound", "taps' axes of K"): "as many angles in both axes: the same densities",
    ("generalization.local_lipschitz_bound", "distances and lipschitz"): "only their products count",
    ("generalization.optimal_transport_bound", "empirical_loss and constant"): "both are added",
    ("generalization.spherical_sharpness_bound", "empirical_loss and constant"): "both are added",
}


@functools.cache
def passed(function):
    """The vectors that the right function passes, as tight as the definition."""
    row = Row(function, "refimpl")
    return {vector["id"] for vector, judgement in judged(load(function), Adapter("refimpl"), row, tight=True)
            if judgement.passed and vector["expected"] is not None}


def found_by_vectors(function, name):
    """The vector that the exchange does not pass: a wrong answer, or a refusal where one is due."""
    if function not in WITH_VECTORS:
        return None
    row = Row(function, name)
    for vector, judgement in judged(load(function), Adapter(f"{name}+refimpl"), row, tight=True):
        if vector["id"] in passed(function) and not judgement.passed:
            return vector["id"]
    return None


def found_by_claims(function, name):
    """The claim that the exchange refutes, or that stops with an error: lipref's own ones first."""
    for id in sorted(claims_by_function().get(function, []), key=lambda id: not id.startswith("lipref.")):
        if run_claim(CLAIMS[id], f"{name}+refimpl", PROFILES["quick"], seed=0).outcome in ("not reproduced", "errored"):
            return id
    return None


@pytest.fixture
def planted(monkeypatch):
    """Offer a function in a module."""
    def offer(function, swapped):
        module = types.ModuleType("swapped_arguments")
        setattr(module, function.partition(".")[2], swapped)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return module.__name__

    return offer


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("function", "title", "swapped"), SWAPS, ids=[f"{name}: {title}" for name, title, _ in SWAPS])
def test_an_exchange_is_found_out(function, title, swapped, planted, request):
    name = planted(function, swapped)
    found = found_by_vectors(function, name)
    if (function, title) in SYMMETRIC:
        assert found is None, f"no longer an exception: {found}"
        return
    found = found or found_by_claims(function, name)
    assert found is not None, f"{function}: {title} exchanged, and nothing changes"
    request.node.user_properties += [("found by", found)]


def test_exceptions_are_exchanges():
    assert sorted(set(SYMMETRIC) - {(function, title) for function, title, _ in SWAPS}) == []


def test_there_is_something_to_exchange():
    assert len(SWAPS) > 350
    assert {"K", "W", "n", "stride"} <= {title.rpartition(" ")[2] for _, title, _ in SWAPS}
