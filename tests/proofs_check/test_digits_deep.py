"""The networks of ten layers that are kept: what was recorded is what their weights give."""

import numpy as np
import pytest

from proofs_check import digits
from proofs_check.digits import deep
from refimpl.network import input_jacobian, product_upper_bound

(TRAIN, LABELS), (TEST, TEST_LABELS) = digits.data()
every = pytest.mark.parametrize(("kind", "seed"), [(kind, seed) for kind in deep.KINDS for seed in deep.SEEDS])


@every
def test_the_last_row_is_that_of_the_weights(kind, seed):
    network, series = deep.load(kind, seed), deep.series(kind, seed)
    assert len(series["norms"]) == 101
    norms = [np.linalg.norm(W, 2) for W in network.weights]
    np.testing.assert_allclose(series["norms"][-1], norms, rtol=1e-5)
    found = [int(network(x).argmax()) for x in deep.scaled(TEST)[:100]]
    assert np.mean(np.array(found) == TEST_LABELS[:100]) > 0.85


def test_variances_are_those_of_the_training_images():
    network, series = deep.load("batch", 0), deep.series("batch", 0)
    first = deep.scaled(TRAIN) @ np.asarray(network.weights[0]).T
    assert series["variance_mean"][-1, 0] == pytest.approx(first.var(axis=0).mean(), rel=1e-4)
    assert series["variance_least"][-1, 0] == pytest.approx(first.var(axis=0).min(), rel=1e-4)


def test_images_have_lengths_up_to_1():
    assert np.linalg.norm(deep.scaled(TRAIN), axis=1).max() == pytest.approx(1, abs=1e-12)


@every
def test_no_jacobian_is_above_the_product(kind, seed):
    network = deep.load(kind, seed)
    for x in deep.scaled(TEST)[:2]:
        assert np.linalg.norm(input_jacobian(network, x), 2) <= product_upper_bound(network)


def test_training_computes_what_the_reference_layers_do(monkeypatch):
    torch = pytest.importorskip("torch")
    from proofs_check.digits import train_deep

    monkeypatch.setattr(train_deep, "EPOCHS", 1)
    for kind in deep.KINDS:
        arrays = train_deep.train(kind, 0)
        again = train_deep.train(kind, 0)
        assert all(np.array_equal(arrays[key], again[key]) for key in arrays)
        kept = {f"{kind}.0.{key}": value.astype(float) for key, value in arrays.items()}
        monkeypatch.setattr(deep, "_file", lambda kept=kept: kept)
        trained = train_deep.Deep(kind)
        trained.load_state_dict({f"weights.{i}": torch.tensor(arrays[f"weight.{i}"]) for i in range(deep.DEPTH)})
        train, test = (torch.tensor(deep.scaled(part)).double() for part in (TRAIN, TEST))
        with torch.no_grad():
            expected = train_deep.frozen(trained.double(), train, test[:5]).numpy()
        network = deep.load(kind, 0)
        # Frozen statistics were stored in single precision; ten layers amplify them.
        np.testing.assert_allclose([network(x) for x in deep.scaled(TEST)[:5]], expected, atol=1e-3)
