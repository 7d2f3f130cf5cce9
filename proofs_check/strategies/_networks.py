"""Networks as plain data: lists of weight matrices, widths, normalizers by name."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proofs_check.strategies._matrices import dyadics, vectors


def widths(depths: SearchStrategy[int], max_width: int = 3) -> SearchStrategy[list[int]]:
    """Widths n_0 to n_K of a network of the drawn depth K.

    Bottlenecks of width 1 between wide layers.

    Parameters
    ----------
    depths : strategy of int
        Of the depth K.
    max_width : int
        Largest width.

    Returns
    -------
    strategy
        Of lists of K + 1 integers.

    Examples
    --------
    >>> from hypothesis import find
    >>> from hypothesis import strategies as st
    >>> find(widths(st.just(2)), lambda n: n[1] < n[0])
    [2, 1, 1]
    """
    return depths.flatmap(lambda K: st.lists(st.integers(1, max_width), min_size=K + 1, max_size=K + 1))


@st.composite
def _weights(draw: st.DrawFn, sizes: list[int]) -> list[Any]:
    entries = dyadics(-2, 2)
    return [
        np.array(draw(st.lists(entries, min_size=m * n, max_size=m * n))).reshape(m, n)
        for n, m in itertools.pairwise(sizes)
    ]


def networks(max_depth: int = 3, max_width: int = 3) -> SearchStrategy[dict[str, Any]]:
    """Feed-forward networks as plain data, with two different inputs.

    Deep and thin ones, bottlenecks, zero layers, inputs below a kink.

    Parameters
    ----------
    max_depth : int
        Largest number of layers.
    max_width : int
        Largest width.

    Returns
    -------
    strategy
        Of dictionaries: ``weights``, a list of matrices, and inputs ``x`` and ``z``.

    Examples
    --------
    >>> from hypothesis import find
    >>> case = find(networks(), lambda case: len(case["weights"]) == 2)
    >>> [W.tolist() for W in case["weights"]], case["z"].tolist()
    ([[[0.0]], [[0.0]]], [1.0])
    """
    return _networks(max_depth, max_width)


@st.composite
def _networks(draw: st.DrawFn, max_depth: int, max_width: int) -> dict[str, Any]:
    sizes = draw(widths(st.integers(1, max_depth), max_width))
    weights = draw(_weights(sizes))
    x = draw(vectors(sizes[0]))
    step = draw(vectors(sizes[0]).filter(np.any))
    return {"weights": weights, "x": x, "z": x + step}


def normalizers(
    width: int, kinds: tuple[str, ...] = ("batch", "layer", "rms", "group")
) -> SearchStrategy[dict[str, Any]]:
    """A normalizer as data: kind, epsilon and the statistics or groups.

    Variances below, at and above 1, which shrink and stretch; group normalization with groups of two and more.

    Parameters
    ----------
    width : int
        Number of features.
    kinds : tuple of str
        Of "batch", "layer", "rms" and "group".

    Returns
    -------
    strategy
        Of dictionaries.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(normalizers(2), lambda data: data["kind"] == "group")
    {'kind': 'group', 'epsilon': 1.0, 'groups': [[0, 1]]}
    """
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
    """Partitions of range(n) into groups of at least two indices.

    Every such partition into runs of neighbours, unequal groups among them.

    Parameters
    ----------
    n : int
        Number of indices, at least 2.

    Returns
    -------
    strategy
        Of lists of lists.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(groupings(5), lambda groups: len(groups) == 2)
    [[0, 1], [2, 3, 4]]
    """

    def cut(sizes: list[int]) -> list[list[int]]:
        edges = np.cumsum([0, *sizes])
        return [list(range(a, b)) for a, b in itertools.pairwise(edges)]

    def compositions(rest: int) -> list[list[int]]:
        whole = [[rest]] if rest >= 2 else []
        return whole + [[k, *tail] for k in range(2, rest - 1) for tail in compositions(rest - k)]

    return st.sampled_from([cut(sizes) for sizes in compositions(n)])
