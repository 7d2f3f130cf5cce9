"""The networks that are kept as test data: what was trained is what the reference layers compute."""

import numpy as np
import pytest

from proofs_check import digits
from proofs_check.audit.graph import load
from proofs_check.audit.model import audit
from refimpl.certificates import radius_global
from refimpl.network import input_jacobian, local_lipschitz, pgd_attack, product_upper_bound

IMAGES, LABELS = (part[:60] for part in digits.data()[1])
every = pytest.mark.parametrize("name", digits.NAMES)
LIPSCHITZ = [name for name in digits.NAMES if name.startswith(("sr", "aol"))]


@every
def test_a_kept_network_recognizes_digits_and_is_small(name):
    assert (digits.FOLDER / f"{name}.safetensors").stat().st_size < 300_000
    network = digits.load(name)
    found = [int(network(x).argmax()) for x in IMAGES]
    assert np.mean(np.array(found) == LABELS) > 0.8


def test_training_and_test_images_are_different_ones():
    (train, _), (test, labels) = digits.data()
    assert len(train) + len(test) == 1797
    assert set(labels) == set(range(10)) and test.min() >= 0 and test.max() == 1
    assert not {x.tobytes() for x in train} & {x.tobytes() for x in test}


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match=r"name must be one of resnet-noise-0\.00, .*, got 'vgg'"):
        digits.load("vgg")


@pytest.mark.parametrize(
    "name", ["resnet-noise-0.25", "mlp-noise-0.50", "sr-noise-0.25", "aol-medium-1", "sr-small-2"])
def test_reference_layers_compute_what_was_trained(name):
    torch = pytest.importorskip("torch")
    from proofs_check.digits import train
    from proofs_check.real_layers import read_arrays

    trained = train.build(name)
    arrays = read_arrays(digits.FOLDER / f"{name}.safetensors")
    trained.load_state_dict({key: torch.tensor(a) for key, a in arrays.items()}, strict=False)
    trained = trained.double().eval()
    network = digits.load(name)
    batch = torch.tensor(IMAGES[:5]).reshape(-1, 1, 8, 8)
    with torch.no_grad():
        expected = trained(batch).numpy()
    # About a hundred roundings of numbers below 100; the root of the rescaling adds a small share of 1e-12.
    assert np.abs(np.array([network(x) for x in IMAGES[:5]]) - expected).max() < 1e-10
    jacobian = torch.autograd.functional.jacobian(lambda x: trained(x[None])[0], batch[0]).reshape(10, 64).numpy()
    assert np.abs(input_jacobian(network, IMAGES[0]) - jacobian).max() < 1e-10


@pytest.mark.parametrize("name", LIPSCHITZ[::3])
def test_lipschitz_networks_are_as_flat_as_their_layers_say(name):
    network = digits.load(name)
    head = network.parts[-1]
    assert product_upper_bound(network) == pytest.approx(np.linalg.norm(head.weight, 2), rel=1e-12)
    for x in IMAGES[:3]:
        assert np.linalg.norm(input_jacobian(network, x), 2) <= product_upper_bound(network) * (1 + 1e-9)
        assert local_lipschitz(network, x, 0.15, 5, rng=0) <= product_upper_bound(network) * (1 + 1e-9)


@pytest.mark.parametrize("name", ["mlp-noise-1.00", "resnet-noise-0.25"])
def test_scores_of_a_batch_are_those_of_its_rows(name):
    network = digits.load(name)
    found = digits.batched(network)(IMAGES[:4])
    np.testing.assert_allclose(found, [network(x) for x in IMAGES[:4]], rtol=0, atol=1e-12)


def test_networks_of_constant_one_have_a_bound_of_at_most_one():
    bounds = [product_upper_bound(digits.load(name)) for name in LIPSCHITZ if "noise" not in name]
    assert max(bounds) <= 1 + 1e-6 and min(bounds) > 0.5


def test_an_attack_succeeds_outside_of_the_certified_radius_only():
    network = digits.load("sr-small-0")
    L, broken = product_upper_bound(network), 0
    for x, y in zip(IMAGES[:8], LABELS[:8], strict=True):
        radius = radius_global(network(x), int(y), L)
        if radius == 0:
            continue
        near = pgd_attack(network, x, int(y), radius * (1 - 1e-9), 10, step=radius / 3, rng=0)
        far = pgd_attack(network, x, int(y), 4 * radius, 10, step=radius, rng=0)
        assert network(near).argmax() == y
        broken += network(far).argmax() != y
    assert broken > 0


def test_the_graph_is_bounded_as_the_network_of_reference_layers():
    pytest.importorskip("onnx")
    network = digits.load("resnet-noise-0.00")
    found = audit(load(digits.FOLDER / "resnet.onnx"))
    # Batch norms are merged into the layers before them, so that it is below the product.
    assert found.bound < product_upper_bound(network)
    assert all(np.linalg.norm(input_jacobian(network, x), 2) < found.bound for x in IMAGES[:3])


def test_training_again_gives_the_same_file(tmp_path, monkeypatch, capsys):
    pytest.importorskip("torch")
    from proofs_check.digits import train

    monkeypatch.setattr(train, "EPOCHS", 2)
    contents = []
    for _ in range(2):
        train.main(["sr-small-0"], tmp_path)
        contents.append((tmp_path / "sr-small-0.safetensors").read_bytes())
    assert contents[0] == contents[1]
    assert capsys.readouterr().out.count("sr-small-0: accuracy 0.") == 2
    monkeypatch.setattr(digits, "FOLDER", tmp_path)
    assert digits.load("sr-small-0").inputs == 64
