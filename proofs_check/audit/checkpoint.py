"""Arrays without a graph: a row for every layer, and no bound of the whole: the file does not say how they meet."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from threadpoolctl import threadpool_limits

from proofs_check.audit.norms import Norms
from proofs_check.audit.propagate import Row
from proofs_check.audit.rounding import up
from proofs_check.audit.value import Array

# The number of Gram steps behind a bound for every size, and of samples an axis there.
STEPS = 5


@dataclass(frozen=True)
class Settings:
    """What a checkpoint does not say: the size of the images, the padding, the epsilon of batch norms."""

    input_size: int | None = None
    padding: Literal["zero", "circular"] = "zero"
    epsilon: float = 1e-5


class _NoRule(Exception):
    """A layer that cannot be bounded; the message says why."""


def read(path: Path) -> dict[str, Array | None]:
    """All arrays of a file, or of the files that an index names."""
    from proofs_check.real_layers import read_arrays

    if not path.name.endswith(".index.json"):
        return read_arrays(path)
    try:
        files = sorted(set(json.loads(path.read_text("utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as wrong:
        raise ValueError(f"{path}: not a readable index of shards: {' '.join(str(wrong).split())}") from wrong
    arrays: dict[str, Array | None] = {}
    for file in files:
        if Path(file).name != file:
            raise ValueError(f"{path}: names {file!r}, which is not beside it")
        arrays |= read_arrays(path.parent / file)
    return arrays


def layers_of(arrays: Mapping[str, Array | None], settings: Settings) -> list[tuple[str, Callable[[], Row]]]:
    """The layers by name, each to be bounded when it is called."""
    groups: dict[str, dict[str, Array | None]] = {}
    for name, array in arrays.items():
        stem, part = _split(name)
        groups.setdefault(stem, {})[part] = array
    norms = Norms()
    return [(stem, lambda stem=stem, parts=parts: _row(stem, parts, settings, norms)) for stem, parts in groups.items()]


def _split(name: str) -> tuple[str, str]:
    """The layer and the part of it; what a parametrization keeps belongs to the layer that it is of."""
    name = name.replace("/", ".")
    stem, dot, rest = name.partition(".parametrizations.")
    if dot:
        return stem, f"parametrizations.{rest}"
    stem, _, last = name.rpartition(".")
    return (stem, last) if stem else (name, "weight")


def _row(name: str, parts: Mapping[str, Array | None], settings: Settings, norms: Norms) -> Row:
    try:
        wide = {part: _real(part, array) for part, array in parts.items() if part != "num_batches_tracked"}
        if "running_var" in wide:
            return _batch_norm(name, wide, settings)
        weight, note = _weight(name, wide)
        if weight is None:
            return Row(name, "bias", next(iter(wide.values())).shape, 1.0, 1.0, "a translation")
        if weight.ndim == 2:
            return Row(name, "dense", weight.shape, *norms.dense(weight), note)
        if weight.ndim in (3, 4, 5):
            return _convolution(name, weight, settings, norms, note)
        raise _NoRule(f"no rule for a weight of {weight.ndim} dimensions without running statistics")
    except _NoRule as why:
        shape = tuple(np.shape(next((a for a in parts.values() if a is not None), ())))
        return Row(name, "unknown", shape, None, None, str(why))


def _real(part: str, array: Array | None) -> Array:
    if array is None or array.dtype.kind != "f" or array.size == 0:
        raise _NoRule(f"{part} is not an array of real floats")
    wide = np.asarray(array, dtype=np.float64)
    if not np.isfinite(wide).all():
        raise _NoRule(f"{part} has NaN or infinite entries")
    return wide


# -- which weight a layer has ------------------------------------------------------------------------


def _weight(name: str, parts: dict[str, Array]) -> tuple[Array | None, str]:
    """The weight in the layout (out, in, ...), and where it comes from."""
    rest = set(parts) - {"bias"}
    if rest == {"weight"}:
        W = parts["weight"]
        return (None, "") if W.ndim == 1 and name.rpartition(".")[2] == "bias" else (W, "")
    if rest == {"kernel"}:  # Flax and Keras: channels last
        K = parts["kernel"]
        return np.moveaxis(K, (-1, -2), (0, 1)), "channels last" if K.ndim > 2 else "(in, out)"
    if not rest:
        return None, ""
    if rest == {"weight_g", "weight_v"}:
        return _weight_norm(parts["weight_g"], parts["weight_v"])
    if rest == {"parametrizations.weight.original0", "parametrizations.weight.original1"}:
        return _weight_norm(parts["parametrizations.weight.original0"], parts["parametrizations.weight.original1"])
    if rest == {"weight_orig", "weight_u", "weight_v"}:
        return _spectral_norm(*(parts[part] for part in ("weight_orig", "weight_u", "weight_v")))
    if rest == {"parametrizations.weight.original", *(f"parametrizations.weight.0._{end}" for end in "uv")}:
        original = parts["parametrizations.weight.original"]
        return _spectral_norm(original, *(parts[f"parametrizations.weight.0._{end}"] for end in "uv"))
    raise _NoRule(f"no rule for {', '.join(sorted(rest))}")


def _weight_norm(g: Array, v: Array) -> tuple[Array, str]:
    """The directions v times the lengths g, the length taken over all axes but those of g."""
    axes = tuple(i for i, size in enumerate(g.shape) if size == 1) if g.ndim == v.ndim else ()
    lengths = np.sqrt((v**2).sum(axis=axes, keepdims=True))
    if g.ndim != v.ndim or (lengths == 0).any():
        raise _NoRule("weight norm: the lengths do not fit, or one of them is 0")
    return g * v / lengths, "weight norm"


def _spectral_norm(weight: Array, u: Array, v: Array) -> tuple[Array, str]:
    """The weight over u' W v, as in evaluation mode."""
    matrix = weight.reshape(len(weight), -1)
    if matrix.shape != (u.size, v.size) or (sigma := float(u.reshape(-1) @ matrix @ v.reshape(-1))) == 0:
        raise _NoRule("spectral norm: the vectors do not fit, or the estimate is 0")
    return weight / sigma, "spectral norm, by the stored vectors"


# -- their norms -------------------------------------------------------------------------------------


def _batch_norm(name: str, parts: dict[str, Array], settings: Settings) -> Row:
    unknown = set(parts) - {"weight", "bias", "scale", "running_mean", "running_var"}
    variance = parts["running_var"]
    scale = parts.get("weight", np.ones(variance.shape))
    if unknown or scale.shape != variance.shape or variance.ndim != 1:
        raise _NoRule("running_var does not fit the weight")
    if (variance < 0).any() or (variance + settings.epsilon <= 0).any():
        raise _NoRule("running_var is negative, or 0 with an epsilon of 0")
    slope = float((np.abs(scale) / np.sqrt(variance + settings.epsilon)).max())
    return Row(name, "batch norm", variance.shape, slope * (1 - 2.0**-50), slope * (1 + 2.0**-50),
               f"epsilon {settings.epsilon:g}, at inference")


def _convolution(name: str, K: Array, settings: Settings, norms: Norms, note: str) -> Row:
    kind, rank = f"conv {K.ndim - 2}d", K.ndim - 2
    every = "" if settings.input_size else ", every size"
    low, high = _of_kernel(K, settings, norms)
    notes = [f"without stride{every}", *([note] if note else [])]
    if K.shape[1] == 1 and K.shape[0] > 1:  # one channel in, or as many groups as channels: the file does not tell
        low = max(_of_kernel(K[i : i + 1], settings, norms)[0] for i in range(len(K))) if rank < 3 else 0.0
        notes.append("at least if depthwise, at most if not")
    return Row(name, kind, K.shape, low, high, ", ".join(notes))


def _of_kernel(K: Array, settings: Settings, norms: Norms) -> tuple[float, float]:
    rank, n = K.ndim - 2, settings.input_size
    if n is None:
        return _every_size(K)
    if settings.padding == "zero":
        pads = tuple((k // 2, k - 1 - k // 2) for k in K.shape[2:])
        return norms.convolution(K, (n,) * rank, (1,) * rank, (1,) * rank, pads, 1)
    if rank == 3:
        raise _NoRule("circular padding of three axes")
    from gpu.convolution import circular_norm_bound, conv_spectral_norm

    flat = K[:, :, None] if rank == 1 else K
    size = (1, n) if rank == 1 else (n, n)
    exact = conv_spectral_norm(flat, size)
    return max(0.0, exact.norm - exact.error), circular_norm_bound(flat, size, STEPS, certified=True)


def _every_size(K: Array) -> tuple[float, float]:
    """Between the norm on a large image and a bound for all sizes and both paddings."""
    with threadpool_limits(1, "blas"):
        return _supremum(K)


def _supremum(K: Array) -> tuple[float, float]:
    from gpu.convolution import conv_spectral_norm, smaller_input_norm_bound

    if K.ndim == 5:
        taps = [_supremum(K[:, :, tap])[1] for tap in range(K.shape[2])]
        return 0.0, up(math.fsum(taps) * (1 + 2.0**-50))
    flat = K[:, :, None] if K.ndim == 3 else K
    # The factor from the samples to all frequencies is below 1.01 at this many.
    samples = tuple(1 if k == 1 else 2 ** (STEPS - 1) * 4 * (k - 1) for k in flat.shape[2:])
    exact = conv_spectral_norm(flat, (samples[0], samples[1]))
    high = smaller_input_norm_bound(flat, (samples[0], samples[1]), STEPS - 1, certified=True)
    return max(0.0, exact.norm - exact.error), high
