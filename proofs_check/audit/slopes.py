"""The other end of the bracket: the largest slope between two inputs that a short search finds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from proofs_check.audit.value import Array, Value

Run = Callable[[Mapping[str, Array]], list[Array]]
# The search ends after so many evaluations, or seconds.
EVALUATIONS, SECONDS = 60, 20.0
TYPES = {1: np.float32, 10: np.float16, 11: np.float64}


def largest_slope(path: Path, given: Mapping[str, Value], seed: int = 0) -> float | None:
    """A lower bound on the constant from `given` to the outputs; None where the model cannot be run here.

    Steps are long, so that the model's own rounding stays far below them; what it may add is taken off.
    """
    if any(value.type not in TYPES for value in given.values()):
        return None
    try:
        run = _runner(path)
        return _search(run, given, np.random.default_rng(seed))
    except Exception:  # whatever a runtime does not take: then there is no slope
        return None


def _runner(path: Path) -> Run:
    try:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except ImportError:
        from onnx.reference import ReferenceEvaluator

        session = ReferenceEvaluator(str(path))
    return lambda feeds: [np.asarray(output) for output in session.run(None, dict(feeds))]


def _search(run: Run, given: Mapping[str, Value], rng: np.random.Generator) -> float | None:
    """Random steps from random places; the best direction is varied."""
    began, best, kept = time.monotonic(), None, None
    for number in range(EVALUATIONS // 2):
        if time.monotonic() - began > SECONDS:
            break
        start = {name: _drawn(value, rng) for name, value in given.items()}
        if kept is None or number % 3 == 0:
            end = {name: _drawn(value, rng) for name, value in given.items()}
            share = 10.0 ** -rng.uniform(0, 2)
            step = {name: share * (end[name] - start[name]) for name in given}
        else:
            step = {name: d * (1 + 0.5 * rng.standard_normal(d.shape)) for name, d in kept.items()}
        found, moved = _slope(run, given, start, step)
        if found is not None and (best is None or found > best):
            best, kept = found, moved
    return best


def _drawn(value: Value, rng: np.random.Generator) -> Array:
    low, high = (np.broadcast_to(end, value.shape) for end in value.interval)
    if np.isfinite(low).all() and np.isfinite(high).all():
        return rng.uniform(low, high)
    return rng.standard_normal(value.shape)


def _slope(
    run: Run, given: Mapping[str, Value], start: Mapping[str, Array], step: Mapping[str, Array]
) -> tuple[float | None, dict[str, Array]]:
    """The slope between two places that the model's type can hold, less what its rounding may add."""
    ends: list[dict[str, Any]] = []
    for share in (0.0, 1.0):
        place = {}
        for name, value in given.items():
            low, high = (np.broadcast_to(end, value.shape) for end in value.interval)
            place[name] = np.clip(start[name] + share * step[name], low, high).astype(TYPES[value.type])
        ends.append(place)
    moved = {name: ends[1][name].astype(np.float64) - ends[0][name] for name in given}
    distance = np.sqrt(sum(float((d**2).sum()) for d in moved.values()))
    outputs = [[y.astype(np.float64) for y in run(place) if y.dtype.kind == "f"] for place in ends]
    gap = np.sqrt(sum(float(((b - a) ** 2).sum()) for a, b in zip(*outputs, strict=True)))
    size = np.sqrt(sum(float((y**2).sum()) for y in outputs[0]))
    roundoff = max(float(np.finfo(TYPES[value.type]).eps) for value in given.values())
    certain = gap - 100 * roundoff * size
    if not np.isfinite(certain) or distance == 0 or certain <= 0:
        return None, moved
    return float(certain / distance), moved
