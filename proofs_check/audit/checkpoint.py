"""An audit of a checkpoint: what each layer can do to a perturbation, and the product upper bound of their chain."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from refimpl.convolution import (
    circular_norm_bound,
    conv_power_iteration,
    conv_spectral_norm,
    smaller_input_norm_bound,
    zero_padded_norm_bound,
)
from refimpl.spectral import gram_iteration, power_iteration, spectral_norm, spectral_norm_enclosure

# The source's t; the number of Gram steps is one less.
STEPS = (3, 4, 5, 6)
POWER_STEPS = 10
Padding = Literal["zero", "circular"]


@dataclass(frozen=True)
class Settings:
    """What a checkpoint does not say: the size of the images, the padding, the epsilon of batch norms."""

    input_size: int | None = None
    padding: Padding = "zero"
    epsilon: float = 1e-5
    certified: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Layer:
    """One row: the constant lies between `low` and `high`, None where there is no bound, and then `note` says why."""

    name: str
    kind: str
    shape: tuple[int, ...]
    low: float | None
    high: float | None
    gram: Mapping[int, float] = field(default_factory=dict)
    power: float | None = None
    note: str = ""


@dataclass
class Audit:
    """The rows, the bound of the whole, the layers without one (then the whole has none), what it stands for."""

    layers: list[Layer] = field(default_factory=list)
    bound: float | None = None
    missing: list[str] = field(default_factory=list)
    scope: str = ""


def of_chain(layers: list[Layer]) -> Audit:
    """The audit of layers one after another."""
    missing = [layer.name for layer in layers if layer.high is None]
    scope = (
        "the plain chain with 1-Lipschitz activations; strides lower it, residual sums and overlapping max-pools raise "
        "it: the file does not tell of them"
    )
    return Audit(layers, product(layers), missing, scope)


def layers_of(arrays: Mapping[str, Any], settings: Settings) -> list[tuple[str, Callable[[], Layer]]]:
    """The layers of a file by name, each to be audited when it is called."""
    groups: dict[str, dict[str, Any]] = {}
    for name, array in arrays.items():
        stem, _, last = name.rpartition(".")
        groups.setdefault(stem if stem else name, {})[last if stem else "weight"] = array
    return [(stem, lambda stem=stem, parts=parts: _audit(stem, parts, settings)) for stem, parts in groups.items()]


def product(layers: list[Layer]) -> float | None:
    """The product of the upper ends; None where a layer has none."""
    highs = [layer.high for layer in layers if layer.high is not None]
    return upward(math.prod(highs), len(highs)) if len(highs) == len(layers) else None


def upward(bound: float, operations: int) -> float:
    """Not below the exact result of so many roundings."""
    return bound * (1 + 4 * operations * 2.0**-53)


def _audit(name: str, parts: Mapping[str, Any], settings: Settings) -> Layer:
    unknown = sorted(set(parts) - {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"})
    weight = parts.get("weight")
    shape = tuple(np.shape(weight)) if weight is not None else ()
    if unknown:
        return _unbounded(name, shape, f"no rule for {', '.join(unknown)}")
    numbers = [array for part, array in parts.items() if part != "num_batches_tracked"]
    if any(array is None or np.asarray(array).dtype.kind != "f" or np.size(array) == 0 for array in numbers):
        return _unbounded(name, shape, "not an array of real floats")
    if not all(np.isfinite(array).all() for array in numbers):
        return _unbounded(name, shape, "NaN or infinite entries")
    if "running_var" in parts:
        return _batch_norm(name, parts, settings)
    if weight is None or (np.ndim(weight) == 1 and name.endswith("bias")):
        return Layer(name, "bias", tuple(np.shape(next(iter(parts.values())))), 1.0, 1.0, note="a translation")
    W = np.asarray(weight, dtype=np.float64)
    if W.ndim == 2:
        return _dense(name, W, settings)
    if W.ndim in (3, 4):
        return _convolution(name, W[:, :, None, :] if W.ndim == 3 else W, shape, settings)
    return _unbounded(name, shape, f"no rule for a weight of {W.ndim} dimensions without running statistics")


def _unbounded(name: str, shape: tuple[int, ...], note: str) -> Layer:
    return Layer(name, "unknown", shape, None, None, note=note)


def _batch_norm(name: str, parts: Mapping[str, Any], settings: Settings) -> Layer:
    variance = np.asarray(parts["running_var"], dtype=np.float64)
    scale = np.asarray(parts.get("weight", np.ones(variance.shape)), dtype=np.float64)
    if scale.shape != variance.shape or variance.ndim != 1 or (variance + settings.epsilon <= 0).any():
        return _unbounded(name, variance.shape, "running_var does not fit the weight, or is negative")
    constant, high = batch_norm_constant(scale, variance, settings.epsilon)
    return Layer(name, "batch norm", variance.shape, constant, high, note=f"epsilon {settings.epsilon:g}, at inference")


def batch_norm_constant(scale: np.ndarray, variance: np.ndarray, epsilon: float) -> tuple[float, float]:
    """The constant at inference, and what it is at most in spite of rounding."""
    constant = float((np.abs(scale) / np.sqrt(variance + epsilon)).max())
    # A root, a sum and a quotient, each correctly rounded.
    return constant, constant * (1 + 2.0**-50)


def _dense(name: str, W: np.ndarray, settings: Settings) -> Layer:
    return Layer(name, "dense", W.shape, *norms_of(W, settings))


def norms_of(W: np.ndarray, settings: Settings) -> tuple[float, float, dict[int, float], float]:
    """What a matrix is at least and at most, its Gram bounds, and what power iteration says."""
    low, high = spectral_norm_enclosure(W) if settings.certified else (spectral_norm(W),) * 2
    gram = {t: gram_iteration(W, t - 1, certified=settings.certified) for t in STEPS}
    return low, high, gram, power_iteration(W, POWER_STEPS, rng=settings.seed)


def _convolution(name: str, K: np.ndarray, shape: tuple[int, ...], settings: Settings) -> Layer:
    kind = "conv 1d" if len(shape) == 3 else "conv 2d"
    k_h, k_w = K.shape[2:]
    if settings.input_size is None:
        return _every_size(name, kind, K, shape, settings)
    n = (1 if len(shape) == 3 else settings.input_size, settings.input_size)
    # A zero-padded layer is a part of a circular one on an image larger by half a kernel.
    size = n if settings.padding == "circular" else (n[0] + k_h // 2, n[1] + k_w // 2)
    gram = {t: circular_norm_bound(K, size, t - 1, certified=settings.certified) for t in STEPS}
    exact = conv_spectral_norm(K, n, padding=settings.padding)
    high = min(gram.values()) if settings.certified else exact.norm + exact.error
    power = conv_power_iteration(K, n, POWER_STEPS, padding=settings.padding, rng=settings.seed)
    note = f"without stride, {exact.method}"
    return Layer(name, kind, shape, max(0.0, exact.norm - exact.error), high, gram, power, note)


def _every_size(name: str, kind: str, K: np.ndarray, shape: tuple[int, ...], settings: Settings) -> Layer:
    """Between the largest norm at some size and a bound for all sizes and both paddings."""
    def samples(t: int) -> tuple[int, int]:
        return tuple(1 if k == 1 else 2**t * 2 * (k - 1) for k in K.shape[2:])  # type: ignore[return-value]

    gram = {t: smaller_input_norm_bound(K, samples(t), t - 1, certified=settings.certified) for t in STEPS}
    high = min(*gram.values(), zero_padded_norm_bound(K, 2, certified=settings.certified))
    low = conv_spectral_norm(K, samples(max(STEPS))).norm
    n = tuple(1 if k == 1 else 16 for k in K.shape[2:])
    power = conv_power_iteration(K, (n[0], n[1]), POWER_STEPS, padding=settings.padding, rng=settings.seed)
    return Layer(name, kind, shape, low, high, gram, power, "without stride, every size")


def rows(layers: list[Layer]) -> Iterator[tuple[str, ...]]:
    """The layers as cells of a table."""
    for layer in layers:
        yield (
            layer.name, layer.kind, "x".join(map(str, layer.shape)) or "-", _number(layer.low), _number(layer.high),
            *(_number(layer.gram.get(t)) for t in STEPS), _number(layer.power), layer.note,
        )


HEADS = (
    "layer", "kind", "shape", "norm at least", "at most", *(f"Gram t={t}" for t in STEPS), "power iteration", "note",
)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"
