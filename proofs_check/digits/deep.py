"""Networks of ten layers on digits, without and with normalization, and what was recorded while they were trained.

Written by `proofs_check.digits.train_deep`; three kinds, three seeds each.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt

from proofs_check.digits import FOLDER, data
from proofs_check.real_layers import read_arrays
from refimpl.network import FeedForward, FrozenBatchNorm, LayerNorm

Array = npt.NDArray[Any]

KINDS = ("none", "batch", "layer")
SEEDS = (0, 1, 2)
DEPTH, WIDTH = 10, 32
EPSILON = 1e-5
FILE = FOLDER / "deep.safetensors"


def scaled(images: Array) -> Array:
    """Images with lengths of at most 1 on the training set, as the source has them."""
    return np.asarray(images / _longest())


@functools.cache
def _longest() -> float:
    (images, _), _ = data()
    return float(np.linalg.norm(images, axis=1).max())


@functools.cache
def _file() -> dict[str, Array]:
    return {key: np.asarray(value, dtype=float) for key, value in read_arrays(FILE).items()}


def series(kind: str, seed: int) -> dict[str, Array]:
    """What was recorded before training and after every epoch.

    `norms`, `variance_mean` and `variance_least` have a column for every layer (variances of each feature over the
    training images; for layer normalization of each image over the features), `accuracy` one for training and one for
    test images.
    """
    names = ("norms", "variance_mean", "variance_least", "accuracy", "loss", "sharpness")
    return {name: _file()[f"{kind}.{seed}.{name}"] for name in names}


def load(kind: str, seed: int) -> FeedForward:
    """The trained network, from 64 scaled pixels to ten scores, with frozen statistics."""
    arrays = _file()
    weights = [arrays[f"{kind}.{seed}.weight.{i}"] for i in range(DEPTH)]
    norms: list[Any] | None = None
    if kind == "batch":
        norms = [
            FrozenBatchNorm(arrays[f"{kind}.{seed}.mean.{i}"], arrays[f"{kind}.{seed}.variance.{i}"], EPSILON)
            for i in range(DEPTH)
        ]
    elif kind == "layer":
        norms = [LayerNorm(EPSILON) for _ in range(DEPTH)]
    return FeedForward(weights, ["relu"] * (DEPTH - 1) + ["identity"], norms)
