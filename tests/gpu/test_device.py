"""The claims' own calls with every array in another namespace than NumPy's, as on a device; and without a device."""

import sys
import types

import numpy as np
import pytest
from click.testing import CliRunner
from parity import namespace

import gpu
from gpu._bridge import topics
from proofs_check import claims
from proofs_check.cli import main
from proofs_check.evidence._decide import decide
from proofs_check.implementation import Implementation, NotOffered

CLAIMS = claims.load()


@pytest.fixture(scope="module")
def elsewhere():
    """gpu with arrays of array_api_strict, called with NumPy's: what is not in the standard fails."""
    module = types.ModuleType("gpu_elsewhere")
    vars(module).update(topics(namespace("array_api_strict").asarray))
    sys.modules[module.__name__] = module
    yield Implementation(module.__name__)
    del sys.modules[module.__name__]


def _stored(claim):
    return [case for case in (claim.counterexample, claim.control, *claim.witnesses) if case is not None]


@pytest.mark.parametrize("id", [id for id, claim in CLAIMS.items() if _stored(claim)])
def test_stored_instances_are_decided_the_same_way_elsewhere(elsewhere, id):
    claim, own = CLAIMS[id], Implementation("refimpl")
    for case in _stored(claim):
        try:
            found = decide(claim, elsewhere, case)
        except NotOffered as missing:
            name = str(missing).rpartition(" ")[2]
            assert name in gpu.NOT_MIRRORED or name.partition(".")[0] not in gpu.TOPICS
            return
        assert found.holds == decide(claim, own, case).holds
        assert found.accurate is not False, found.detail


def test_arrays_come_back_to_the_host(elsewhere):
    gradient = elsewhere.spectral.gram_iteration_gradient(np.eye(2), 1)
    assert type(gradient) is np.ndarray
    network = elsewhere.network.FeedForward([np.eye(2), np.ones((1, 2))])
    assert type(network(np.ones(2))) is np.ndarray
    assert [type(h) for h in network.layers(np.ones(2))] == [np.ndarray] * 3
    assert elsewhere.network.product_upper_bound(network) == pytest.approx(2**0.5)
    value, _ = elsewhere.weierstrass.smooth(lambda x: np.linalg.norm(x) ** 2, np.ones(2), 0.5, nodes=8)
    assert value == pytest.approx(2.5)


def test_asking_the_checker_for_the_device_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.delitem(sys.modules, "gpu.device", raising=False)
    done = CliRunner().invoke(main, ["run", "thesis.alg-4", "--impl", "gpu.device"])
    assert done.exit_code != 0
    assert done.output.strip() == (
        "proofs-check: cannot import the implementation 'gpu.device': ModuleNotFoundError: "
        "the device needs CuPy, which is not installed: python -m pip install 'lipref[gpu]'"
    )
