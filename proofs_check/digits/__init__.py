"""Networks trained on scikit-learn's digits, as the test data that examples and experiments run on.

``resnet-noise-SIGMA`` is a residual network with batch normalization, ``sr-noise-SIGMA`` one of residual layers of
Lipschitz constant 1 (spectral rescaling) and a free scale, each trained with Gaussian noise of that standard deviation;
``mlp-noise-SIGMA`` is a plain network of three dense layers, for smoothing.
``aol-SIZE-SEED`` and ``sr-SIZE-SEED`` are 1-Lipschitz networks. All were written by `proofs_check.digits.train`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from proofs_check.real_layers import read_arrays
from refimpl.layers import spectral_rescaling
from refimpl.network import (
    Activation,
    Convolution,
    Dense,
    FrozenBatchNorm,
    LipschitzResidual,
    Pooling,
    Residual,
    Sequential,
)

Array = npt.NDArray[Any]

FOLDER = Path(__file__).parent
NOISES = ("0.00", "0.12", "0.25", "0.50")
SMOOTHING_NOISES = ("0.25", "0.50", "1.00")
SIZES = ("small", "medium")
SEEDS = (0, 1, 2)
# Gram steps of the rescaling.
RESCALING_STEPS = {"aol": 1, "sr": 3}
NAMES = (
    *(f"{kind}-noise-{sigma}" for kind in ("resnet", "sr") for sigma in NOISES),
    *(f"mlp-noise-{sigma}" for sigma in SMOOTHING_NOISES),
    *(f"{kind}-{size}-{seed}" for size in SIZES for kind in RESCALING_STEPS for seed in SEEDS),
)
SIDE = 8
BATCH_NORM_EPSILON = 1e-5


def data() -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Images (samples, 64) with entries in [0, 1] and labels, for training and for testing."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    parts = train_test_split(images / 16, labels, test_size=0.25, random_state=0, stratify=labels)
    return (parts[0], parts[2]), (parts[1], parts[3])


def load(name: str) -> Sequential:
    """One of the trained networks, made of reference layers.

    Parameters
    ----------
    name : str
        One of `NAMES`.

    Returns
    -------
    network : Sequential
        From 64 pixels to ten scores.

    Raises
    ------
    ValueError
        If there is no network of that name.
    """
    if name not in NAMES:
        raise ValueError(f"name must be one of {', '.join(NAMES)}, got {name!r}")
    arrays = {key: np.asarray(a, dtype=float) for key, a in read_arrays(FOLDER / f"{name}.safetensors").items()}
    kind = name.split("-")[0]
    if kind == "mlp":
        return _mlp(arrays)
    return _resnet(arrays) if kind == "resnet" else _lipschitz(arrays, RESCALING_STEPS[kind])


def batched(network: Sequential) -> Callable[[Array], Array]:
    """Scores of many inputs at a time, (m, 64) to (m, 10): a matrix product a layer for plain networks."""
    if not all(isinstance(part, (Dense, Activation)) for part in network.parts):
        return lambda batch: np.array([network(x) for x in batch])

    def scores(batch: Array) -> Array:
        for part in network.parts:
            dense = isinstance(part, Dense)
            batch = batch @ part.weight.T + part.bias if dense else part(batch.ravel()).reshape(batch.shape)
        return batch

    return scores


def _mlp(arrays: dict[str, Array]) -> Sequential:
    first, second, last = (Dense(arrays[f"{i}.weight"], arrays[f"{i}.bias"]) for i in (1, 3, 5))
    return Sequential([first, Activation("relu"), second, Activation("relu"), last], SIDE * SIDE)


def _resnet(arrays: dict[str, Array]) -> Sequential:
    def conv(name: str, side: int, stride: int = 1) -> Convolution:
        return Convolution(arrays[f"{name}.weight"], side, stride=stride)

    def norm(name: str, side: int) -> FrozenBatchNorm:
        mean, variance, scale, shift = (
            arrays[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return FrozenBatchNorm(mean, variance, BATCH_NORM_EPSILON, scale=scale, shift=shift, pixels=side * side)

    def block(name: str, side: int, stride: int) -> Residual:
        out = side // stride
        first, second = conv(f"{name}.conv1", side, stride), conv(f"{name}.conv2", out)
        branch = [first, norm(f"{name}.bn1", out), Activation("relu"), second, norm(f"{name}.bn2", out)]
        shortcut = None
        if stride != 1:
            projection = [conv(f"{name}.projection", side, stride), norm(f"{name}.projection_bn", out)]
            shortcut = Sequential(projection, first.inputs)
        return Residual(Sequential(branch, first.inputs), shortcut)

    relu = Activation("relu")
    channels = len(arrays["block2.conv2.weight"])
    return Sequential([
        conv("stem", SIDE), norm("stem_bn", SIDE), relu,
        block("block1", SIDE, 1), relu, block("block2", SIDE, 2), relu,
        Pooling("average", channels, SIDE // 2, SIDE // 2), Dense(arrays["head.weight"], arrays["head.bias"]),
    ], SIDE * SIDE)


def _lipschitz(arrays: dict[str, Array], steps: int) -> Sequential:
    channels = len(arrays["layers.0.weight"])
    parts: list[Any] = [Dense(np.eye(channels * SIDE * SIDE, SIDE * SIDE))]  # further channels are zero
    depth = sum(key.startswith("layers.") and key.endswith(".weight") for key in arrays)
    for i in range(depth):
        K, b, log_q = (arrays[f"layers.{i}.{part}"] for part in ("weight", "bias", "log_q"))
        parts.append(LipschitzResidual(Convolution(K, SIDE), b, q=np.exp(log_q), n_iter=steps))
    W, scale = arrays["head.weight"], float(arrays["scale"][0])
    rescaled = W * spectral_rescaling(W, steps, np.exp(arrays["head_log_q"]))
    parts.append(Dense(scale * rescaled, scale * arrays["head.bias"]))
    return Sequential(parts, SIDE * SIDE)
