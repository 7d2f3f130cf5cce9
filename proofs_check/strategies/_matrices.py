"""Vectors and matrices whose entries are short dyadic numbers, so that they shrink to napkin size."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Array = np.ndarray[Any, np.dtype[Any]]


def dyadics(low: float = -4.0, high: float = 4.0) -> SearchStrategy[float]:
    """Small integers first, then multiples of 1/8 between the ends."""
    whole = st.integers(int(np.ceil(low)), int(np.floor(high))).map(float)
    eighths = st.integers(int(np.ceil(8 * low)), int(np.floor(8 * high))).map(lambda k: k / 8)
    return whole | eighths


def vectors(size: int | SearchStrategy[int], entries: SearchStrategy[float] | None = None) -> SearchStrategy[Array]:
    """Real vectors of the given (or drawn) size."""
    chosen = dyadics() if entries is None else entries
    sizes = st.just(size) if isinstance(size, int) else size
    return sizes.flatmap(lambda n: st.lists(chosen, min_size=n, max_size=n)).map(np.array)


def _filled(rows: int, columns: int, entries: SearchStrategy[Any]) -> SearchStrategy[Array]:
    count = rows * columns
    return st.lists(entries, min_size=count, max_size=count).map(
        lambda values: np.array(values).reshape(rows, columns)
    )


def _shapes(max_side: int) -> SearchStrategy[tuple[int, int]]:
    sides = st.integers(1, max_side)
    return st.tuples(sides, sides)


def rank_one_matrices(max_side: int = 4) -> SearchStrategy[Array]:
    """Outer products of two vectors."""
    return _shapes(max_side).flatmap(
        lambda shape: st.builds(np.outer, vectors(shape[0]), vectors(shape[1]))
    )


def tied_matrices(max_side: int = 4) -> SearchStrategy[Array]:
    """Signed permutations times a diagonal: singular values are read off and often equal."""

    def build(data: tuple[list[int], list[float]]) -> Array:
        order, diagonal = data
        return np.eye(len(order))[order] * np.array(diagonal)

    return st.integers(1, max_side).flatmap(
        lambda n: st.tuples(
            st.permutations(list(range(n))),
            st.lists(st.sampled_from([1.0, 2.0, -2.0, 0.5]), min_size=n, max_size=n),
        ).map(build)
    )


def _complex_matrices(max_side: int) -> SearchStrategy[Array]:
    entries = st.builds(complex, st.integers(-2, 2), st.integers(-2, 2))
    return _shapes(max_side).flatmap(lambda shape: _filled(*shape, entries))


def matrices(max_side: int = 4, *, complex_entries: bool = False) -> SearchStrategy[Array]:
    """Matrices of every kind that claims have to face: generic, rank one, tied, wide, tall."""
    kinds = [
        _shapes(max_side).flatmap(lambda shape: _filled(*shape, dyadics())),
        rank_one_matrices(max_side),
        tied_matrices(max_side),
    ]
    return st.one_of(*kinds, _complex_matrices(min(max_side, 3))) if complex_entries else st.one_of(*kinds)


def square_matrices(max_side: int = 3, *, complex_entries: bool = False) -> SearchStrategy[Array]:
    """Square matrices, normal or not."""
    entries: SearchStrategy[Any] = dyadics()
    if complex_entries:
        entries = entries | st.builds(complex, st.integers(-2, 2), st.integers(-2, 2))
    return st.integers(1, max_side).flatmap(lambda n: _filled(n, n, entries)) | tied_matrices(max_side)


def extreme_matrices(max_side: int = 3) -> SearchStrategy[Array]:
    """Floats of every size, mixed in one matrix or not: zeros, 1e-300, 1e300, float32, complex."""
    scale = st.integers(-1000, 1000).map(lambda k: 2.0**k)
    scaled = st.builds(lambda W, s: W * s, matrices(max_side, complex_entries=True), scale)
    wild = st.floats(-1e300, 1e300, allow_nan=False, allow_infinity=False)
    mixed = _shapes(max_side).flatmap(lambda shape: _filled(*shape, wild))
    single = st.floats(width=32, allow_nan=False, allow_infinity=False)
    float32 = _shapes(max_side).flatmap(lambda shape: _filled(*shape, single)).map(np.float32)
    return st.one_of(matrices(max_side, complex_entries=True), scaled, mixed, float32)


def spectra(size: int = 4) -> SearchStrategy[list[float]]:
    """Singular values in falling order, the first positive: ties and zeros included."""
    values = st.lists(st.sampled_from([1.0, 2.0, 0.5, 0.0, 4.0, 3.0, 1.5]), min_size=size, max_size=size)
    return values.map(lambda drawn: sorted(drawn, reverse=True)).filter(lambda s: s[0] > 0)


def signs(size: int = 4) -> SearchStrategy[list[int]]:
    """Vectors of 1 and -1."""
    return st.lists(st.sampled_from([1, -1]), min_size=size, max_size=size)


def with_spectrum(s: Any, left: list[int], right: list[int]) -> Array:
    """A 4 x 4 matrix with the given singular values, exactly: reflections of a diagonal.

    For v with entries 1 and -1, ``I - v v^T / 2`` is orthogonal and dyadic; floats or balls in `s`.
    """
    def reflection(v: list[int]) -> Array:
        return np.eye(4) - np.outer(v, v) / 2

    product: Array = reflection(left) @ np.diag(np.asarray(s)) @ reflection(right)
    return product
