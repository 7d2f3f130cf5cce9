"""Weights of real networks: matrices and kernels read from a file, or a small network trained here and kept."""

from __future__ import annotations

import os
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

HIDDEN = (64,) * 9
CLASSES = 10
EPOCHS = 60
CACHE_VERSION = 1
FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}


class Layers(dict[str, np.ndarray]):
    """Matrices and kernels by name; `skipped` names the arrays of the file that are neither."""

    def __init__(self, weights: Mapping[str, np.ndarray], skipped: Iterable[str] = ()) -> None:
        super().__init__(weights)
        self.skipped = list(skipped)


def load_weights(path: str | os.PathLike[str]) -> Layers:
    """The matrices and convolution kernels of an .npz or .safetensors file, exactly, as float64.

    Real floating arrays of two dimensions are matrices (n_out, n_in), of four kernels (c_out, c_in, k_h, k_w), of
    three kernels of one-dimensional convolutions (c_out, c_in, k), which get the height 1.

    Raises
    ------
    ValueError
        If the file cannot be read, holds no such array, or one of them is not finite.
    """
    file = Path(path)
    weights, skipped = {}, []
    for name, array in read_arrays(file).items():
        if array is None or not _usable(array):
            skipped.append(name)
        elif not np.isfinite(array).all():
            raise ValueError(f"{file}: {name} has NaN or infinite entries, weights must be finite")
        else:
            weights[name] = (array[:, :, None, :] if array.ndim == 3 else array).astype(np.float64)
    if not weights:
        needs = "at least one matrix or kernel: a real floating array of 2 to 4 dimensions, not empty"
        raise ValueError(f"{file}: needs {needs}")
    return Layers(weights, skipped)


def read_arrays(path: str | os.PathLike[str]) -> dict[str, np.ndarray | None]:
    """All arrays of an .npz or .safetensors file by name; None for what is no array of numbers.

    Raises
    ------
    ValueError
        If the file cannot be read.
    """
    file = Path(path)
    readers = {".npz": _read_npz, ".safetensors": _read_safetensors}
    if file.suffix not in readers:
        raise ValueError(f"{file}: must be an .npz or a .safetensors file")
    try:
        return readers[file.suffix](file)
    except Exception as unreadable:
        reason = " ".join(str(unreadable).split()) or type(unreadable).__name__
        raise ValueError(f"{file}: not a readable {file.suffix} file: {reason}") from unreadable


def _usable(array: np.ndarray) -> bool:
    """A matrix or kernel that float64 holds exactly."""
    return array.dtype.kind == "f" and array.dtype.itemsize <= 8 and 2 <= array.ndim <= 4 and array.size > 0


def _read_npz(file: Path) -> dict[str, np.ndarray | None]:
    """All arrays by name; None for one that would have to be unpickled."""
    if not zipfile.is_zipfile(file):
        file.open("rb").close()
        raise ValueError("it is no zip archive")
    arrays: dict[str, np.ndarray | None] = {}
    with np.load(file, allow_pickle=False) as stored:
        for name in stored.files:
            try:
                arrays[name] = np.asarray(stored[name])
            except ValueError as refused:
                if "allow_pickle" not in str(refused):
                    raise
                arrays[name] = None
            except (zlib.error, zipfile.BadZipFile) as broken:
                raise ValueError(f"{name}: {broken}") from broken
    return arrays


def _read_safetensors(file: Path) -> dict[str, np.ndarray | None]:
    """All tensors by name, bfloat16 widened; None for a type that is no floating type of numpy."""
    import safetensors

    tensors: Any = safetensors.deserialize(file.read_bytes())  # type: ignore[no-untyped-call]
    return {name: _tensor(view) for name, view in sorted(tensors, key=lambda item: item[0])}


def _tensor(view: Mapping[str, Any]) -> np.ndarray | None:
    dtype, shape = view["dtype"], view["shape"]
    if dtype == "BF16":
        halves = np.frombuffer(view["data"], dtype="<u2").astype(np.uint32)
        return (halves << 16).view(np.float32).reshape(shape)
    return np.frombuffer(view["data"], dtype=FLOATS[dtype]).reshape(shape) if dtype in FLOATS else None


def digits_network() -> dict[str, np.ndarray]:
    """The ten weight matrices, each (n_out, n_in), of a ReLU network trained on scikit-learn's digits.

    Linear and ReLU in turn, as in Than's appendix E: Adam at learning rate 0.001, batches of 128, weight
    decay 1e-4 (scikit-learn's `alpha`), every input of norm at most 1. Trained in seconds, then
    kept in the user's cache directory where that can be written.
    """
    kept = cache_file()
    try:
        layers = dict(load_weights(kept))
        if {name: W.shape for name, W in layers.items()} == _shapes():
            return layers
    except ValueError:
        pass
    layers = _train()
    _keep(kept, layers)
    return layers


def cache_file() -> Path:
    """Where the trained network is kept."""
    import sklearn
    from platformdirs import user_cache_dir

    name = f"digits-network-{CACHE_VERSION}-scikit-learn-{sklearn.__version__}.safetensors"
    return Path(user_cache_dir("lipref")) / name


def _shapes() -> dict[str, tuple[int, int]]:
    widths = (64, *HIDDEN, CLASSES)
    return {f"layer{i:02d}": (widths[i], widths[i - 1]) for i in range(1, len(widths))}


def _train() -> dict[str, np.ndarray]:
    from sklearn.datasets import load_digits
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    X, y = load_digits(return_X_y=True)
    X = X / np.linalg.norm(X, axis=1).max()
    network = MLPClassifier(
        hidden_layer_sizes=HIDDEN, activation="relu", solver="adam", learning_rate_init=1e-3, batch_size=128,
        alpha=1e-4, max_iter=EPOCHS, random_state=0,
    )
    with warnings.catch_warnings():
        # The number of epochs is chosen; that the loss could still fall is no fault.
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(X, y)
    return {name: np.ascontiguousarray(W.T, dtype=np.float64)
            for name, W in zip(_shapes(), network.coefs_, strict=True)}


def _keep(file: Path, layers: Mapping[str, np.ndarray]) -> None:
    """Write whole or not at all; a directory that cannot be written is no error."""
    from safetensors.numpy import save

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=file.name)
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(save(dict(layers)))
        os.replace(temporary, file)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
