"""A first axis without a size: whether it counts samples that do not mix, so that one sample stands for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from proofs_check.audit.graph import Graph
from proofs_check.audit.norms import Placeholders
from proofs_check.audit.propagate import Interpreter
from proofs_check.audit.value import Array, Value

# Two numbers of samples: a size in the file that happens to be one of them is not the other.
NUMBERS = (2, 3)


def mixing(graph: Graph, given: Mapping[str, Value], axes: Sequence[str], ends: Sequence[str]) -> str | None:
    """Where samples mix, or None if they do not.

    `given` holds the inputs for one sample; `axes` names those whose first axis counts samples.
    """
    seen = []
    for number in NUMBERS:
        walk = Interpreter(Placeholders())
        values = walk.run(graph, {name: _of_samples(value, number) if name in axes else value
                                  for name, value in given.items()}, until=ends)
        if walk.trace.refused:
            return next(iter(walk.trace.refused))
        if any(values[name].moves and not values[name].samples for name in ends):
            return walk.trace.mixed or ends[0]
        seen.append({name: value.constant for name, value in walk.trace.values.items() if value.constant is not None})
    return next((name for name, array in seen[0].items() if not _same(array, seen[1].get(name))), None)


def _of_samples(value: Value, number: int) -> Value:
    low, high = (np.broadcast_to(end, value.shape)[:1] if end.ndim else end for end in (value.low, value.high))
    return replace(value, shape=(number, *value.shape[1:]), low=low, high=high, samples=True)


def _same(a: Array, b: Array | None) -> bool:
    """A number that depends on how many samples there are may be a size, which is an integer, and nothing else."""
    if a.dtype.kind not in "fc" or b is None:
        return True
    if a.shape == b.shape:
        return bool(np.array_equal(a, b, equal_nan=True))
    return a.shape[1:] == b.shape[1:] and bool((a == a[:1]).all()) and bool(np.array_equal(a[0], b[0]))
