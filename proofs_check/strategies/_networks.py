"""Networks as plain data: lists of weight matrices, widths, normalizers by name."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check.strategies._matrices import dyadics, vectors


def widths(depths: SearchStrategy[int], max_width: int = 3) -> SearchStrategy[list[int]]:
    """Widths n_0 to n_K of a network of the drawn depth K."""
    return depths.flatmap(lambda K: st.lists(st.integers(1, max_width), min_size=K + 1, max_size=K + 1))


@st.composite
def _weights(draw: st.DrawFn, sizes: list[int]) -> list[Any]:
    entries = dyadics(-2, 2)
    return [
        np.array(draw(st.lists(entries, min_size=m * n, max_size=m * n))).reshape(m, n)
        for n, m in itertools.pairwise(sizes)
    ]


@st.composite
def networks(draw: st.DrawFn, max_depth: int = 3, max_width: int = 3) -> dict[str, Any]:
    """``weights`` of a feed-forward network and two different inputs ``x``, ``z`` for it."""
    sizes = draw(widths(st.integers(1, max_depth), max_width))
    weights = draw(_weights(sizes))
    x = draw(vectors(sizes[0]))
    step = draw(vectors(sizes[0]).filter(np.any))
    return {"weights": weights, "x": x, "z": x + step}


def normalizers(
    width: int, kinds: tuple[str, ...] = ("batch", "layer", "rms", "group")
) -> SearchStrategy[dict[str, Any]]:
    """A normalizer as data: kind, epsilon and the statistics or groups."""
    positive = st.sampled_from([1.0, 3.0, 0.25, 15.0])

    def of(kind: str) -> SearchStrategy[dict[str, Any]]:
        fields: dict[str, SearchStrategy[Any]] = {"kind": st.just(kind), "epsilon": st.sampled_from([1.0, 0.25])}
        if kind == "batch":
            fields["mean"] = vectors(width)
            fields["variance"] = vectors(width, positive)
        if kind == "group":
            fields["groups"] = groupings(width) if width >= 2 else st.just([[0]])
        return st.fixed_dictionaries(fields)

    return st.sampled_from(kinds).flatmap(of)


def groupings(n: int) -> SearchStrategy[list[list[int]]]:
    """Partitions of range(n) into groups of at least two indices."""

    def cut(sizes: list[int]) -> list[list[int]]:
        edges = np.cumsum([0, *sizes])
        return [list(range(a, b)) for a, b in itertools.pairwise(edges)]

    def compositions(rest: int) -> list[list[int]]:
        whole = [[rest]] if rest >= 2 else []
        return whole + [[k, *tail] for k in range(2, rest - 1) for tail in compositions(rest - k)]

    return st.sampled_from([cut(sizes) for sizes in compositions(n)])
