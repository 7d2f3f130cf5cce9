"""Weights from files and of the network that is trained here."""

import re

import numpy as np
import pytest
from safetensors.numpy import save_file

from proofs_check import real_layers

W = np.array([[1.5, -0.1], [0.25, 3.0], [0.0, 1e-30]])


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / name))
    monkeypatch.setattr(real_layers, "EPOCHS", 1)
    return tmp_path


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, ">f8"])
def test_npz_is_read_exactly_as_float64(tmp_path, dtype):
    file = tmp_path / "w.npz"
    np.savez(file, first=W.astype(dtype), second=np.asfortranarray(W.T))
    layers = real_layers.load_weights(file)
    assert list(layers) == ["first", "second"]
    assert layers["first"].dtype == np.float64
    np.testing.assert_array_equal(layers["first"], W.astype(dtype).astype(float))
    np.testing.assert_array_equal(layers["second"], W.T)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_safetensors_is_read_exactly_as_float64(tmp_path, dtype):
    file = tmp_path / "w.safetensors"
    save_file({"a": W.astype(dtype), "bias": W[0].copy()}, file)
    layers = real_layers.load_weights(file)
    np.testing.assert_array_equal(layers["a"], W.astype(dtype).astype(float))
    assert layers.skipped == ["bias"]


def test_bfloat16_is_widened_exactly(tmp_path):
    file = tmp_path / "w.safetensors"
    header = b'{"a":{"dtype":"BF16","shape":[1,2],"data_offsets":[0,4]}}'
    file.write_bytes(len(header).to_bytes(8, "little") + header + bytes.fromhex("803f00c0"))
    np.testing.assert_array_equal(real_layers.load_weights(file)["a"], [[1.0, -2.0]])


def test_other_arrays_are_named_as_skipped(tmp_path):
    file = tmp_path / "w.npz"
    np.savez(
        file, W=W, bias=W[0], counts=np.eye(2, dtype=int), phases=W * 1j, volume=np.ones((1, 1, 3, 3, 3)),
        empty=np.ones((0, 3)), objects=np.array([[None]]),
    )
    layers = real_layers.load_weights(file)
    assert list(layers) == ["W"]
    assert layers.skipped == ["bias", "counts", "phases", "volume", "empty", "objects"]


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_kernels_are_taken_and_one_dimensional_ones_get_a_height(tmp_path, suffix):
    file = tmp_path / f"w.{suffix}"
    square, line = np.arange(24.0).reshape(2, 3, 2, 2), np.arange(6.0).reshape(1, 2, 3)
    save = save_file if suffix == "safetensors" else lambda arrays, path: np.savez(path, **arrays)
    save({"square": square, "line": line, "bias": np.ones(2)}, file)
    layers = real_layers.load_weights(file)
    np.testing.assert_array_equal(layers["square"], square)
    np.testing.assert_array_equal(layers["line"], line[:, :, None, :])
    assert layers.skipped == ["bias"]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_entry_that_is_not_finite_is_an_error(tmp_path, bad):
    file = tmp_path / "w.npz"
    np.savez(file, good=W, wrong=np.array([[1.0, bad]]))
    with pytest.raises(ValueError, match=r"w\.npz: wrong has NaN or infinite"):
        real_layers.load_weights(file)


def test_a_file_without_a_matrix_is_an_error(tmp_path):
    file = tmp_path / "w.npz"
    np.savez(file, bias=W[0])
    with pytest.raises(ValueError, match=r"w\.npz: needs at least one matrix or kernel"):
        real_layers.load_weights(file)


@pytest.mark.parametrize("name", ["w.npz", "w.safetensors"])
@pytest.mark.parametrize("content", [None, b"", b"\x93NUMPY", b"PK\x03\x04 not a zip"])
def test_a_file_that_cannot_be_read_is_an_error(tmp_path, name, content):
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ValueError, match=f"{re.escape(name)}: not a readable"):
        real_layers.load_weights(file)


def test_a_damaged_archive_is_an_error(tmp_path):
    file = tmp_path / "w.npz"
    np.savez_compressed(file, W=np.random.default_rng(0).standard_normal((30, 30)))
    content = bytearray(file.read_bytes())
    content[2000:2100] = bytes(100)
    file.write_bytes(content)
    with pytest.raises(ValueError, match="not a readable"):
        real_layers.load_weights(file)


def test_another_ending_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"must be an \.npz or a \.safetensors file"):
        real_layers.load_weights(tmp_path / "w.pt")


def test_the_network_is_ten_matrices_and_the_same_again(cache):
    first = real_layers.digits_network()
    shapes = [W.shape for W in first.values()]
    assert shapes == [(64, 64)] * 9 + [(10, 64)]
    assert all(np.linalg.norm(W, 2) > 0.5 for W in first.values())
    assert [file.name for file in (cache / "lipref").iterdir()] == [real_layers.cache_file().name]
    kept = real_layers.digits_network()
    assert list(kept) == list(first)
    assert all(np.array_equal(kept[name], first[name]) for name in first)


def test_the_cache_is_used(cache, monkeypatch):
    real_layers.digits_network()
    monkeypatch.setattr(real_layers, "_train", lambda: pytest.fail("trained again"))
    real_layers.digits_network()


@pytest.mark.parametrize("content", [b"", b"no tensors", None])
def test_a_corrupt_cache_is_trained_again(cache, content):
    file = real_layers.cache_file()
    file.parent.mkdir()
    if content is None:
        save_file({"layer01": np.eye(3)}, file)
    else:
        file.write_bytes(content)
    trained = real_layers.digits_network()
    assert len(trained) == 10
    assert len(real_layers.load_weights(file)) == 10


def test_a_cache_that_cannot_be_written_is_no_error(cache):
    (cache / "lipref").write_text("a file, where a directory should be")
    assert len(real_layers.digits_network()) == 10
