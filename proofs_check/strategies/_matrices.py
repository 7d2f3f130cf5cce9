"""Vectors and matrices whose entries are short dyadic numbers, so that they shrink to napkin size."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Array = np.ndarray[Any, np.dtype[Any]]


def dyadics(low: float = -4.0, high: float = 4.0) -> SearchStrategy[float]:
    """Short numbers: small integers first, then multiples of 1/8 between the ends.

    Floats add and multiply them without rounding, and they shrink to 0 and to whole numbers. Both ends are hit.

    Parameters
    ----------
    low, high : float
        The ends.

    Returns
    -------
    strategy
        Of floats.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(dyadics(), lambda x: x * x > 2)
    2.0
    """
    whole = st.integers(int(np.ceil(low)), int(np.floor(high))).map(float)
    eighths = st.integers(int(np.ceil(8 * low)), int(np.floor(8 * high))).map(lambda k: k / 8)
    return whole | eighths


def vectors(size: int | SearchStrategy[int], entries: SearchStrategy[float] | None = None) -> SearchStrategy[Array]:
    """Vectors of short numbers.

    Parameters
    ----------
    size : int or strategy of int
        Number of entries.
    entries : strategy, optional
        Of the entries; `dyadics` without it.

    Returns
    -------
    strategy
        Of float arrays (size,).

    Examples
    --------
    >>> from hypothesis import find
    >>> find(vectors(3), lambda v: v.sum() >= 2).tolist()
    [0.0, 0.0, 2.0]
    """
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
    """Outer products of two vectors, the zero matrix among them.

    They hit what is an equality for rank one: every Schatten norm, the first step of power iteration, every Gram bound.

    Parameters
    ----------
    max_side : int
        Largest number of rows and of columns.

    Returns
    -------
    strategy
        Of float arrays (m, n).

    Examples
    --------
    >>> from hypothesis import find
    >>> find(rank_one_matrices(), lambda W: (W != 0).sum() > 3).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    return _shapes(max_side).flatmap(
        lambda shape: st.tuples(vectors(shape[0]), vectors(shape[1])).map(lambda pair: np.outer(*pair))
    )


def tied_matrices(max_side: int = 4) -> SearchStrategy[Array]:
    """Signed permutations times a diagonal: singular values are read off and often equal.

    They hit ties: no gap for power iteration, no unique singular vector, no gradient of the norm. They are regular.

    Parameters
    ----------
    max_side : int
        Largest number of rows and of columns.

    Returns
    -------
    strategy
        Of square float arrays.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(tied_matrices(), lambda W: W[0, 0] == 0).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    return st.integers(1, max_side).flatmap(
        lambda n: st.tuples(
            st.permutations(list(range(n))),
            st.lists(st.sampled_from([1.0, 2.0, -2.0, 0.5]), min_size=n, max_size=n),
        ).map(lambda data: np.eye(len(data[0]))[data[0]] * np.array(data[1]))
    )


def gaussian_integers() -> SearchStrategy[complex]:
    """Small ones, entries of complex arrays."""
    return st.builds(complex, st.integers(-2, 2), st.integers(-2, 2))


def _complex_matrices(max_side: int) -> SearchStrategy[Array]:
    entries = gaussian_integers()
    return _shapes(max_side).flatmap(lambda shape: _filled(*shape, entries))


def matrices(max_side: int = 4, *, complex_entries: bool = False) -> SearchStrategy[Array]:
    """Matrices of every kind that a statement about norms has to face.

    Generic ones, wide, tall and square, with fractions and with negative entries only; rank one and rank deficient;
    zero; with equal leading singular values; 1 x 1. Moderate entries: for extreme ones see `extreme_matrices`.

    Parameters
    ----------
    max_side : int
        Largest number of rows and of columns.
    complex_entries : bool
        Whether matrices of Gaussian integers are drawn too.

    Returns
    -------
    strategy
        Of arrays (m, n).

    Examples
    --------
    >>> from hypothesis import find
    >>> import numpy as np
    >>> find(matrices(), lambda W: np.linalg.norm(W) > 1.2 * np.linalg.norm(W, 2)).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    kinds = [
        _shapes(max_side).flatmap(lambda shape: _filled(*shape, dyadics())),
        rank_one_matrices(max_side),
        tied_matrices(max_side),
    ]
    return st.one_of(*kinds, _complex_matrices(min(max_side, 3))) if complex_entries else st.one_of(*kinds)


def square_matrices(max_side: int = 3, *, complex_entries: bool = False) -> SearchStrategy[Array]:
    """Square matrices, normal or not.

    Nilpotent ones, for which the spectral radius is 0 and the norm is not, and rotations.

    Parameters
    ----------
    max_side : int
        Largest number of rows and of columns.
    complex_entries : bool
        Whether matrices of Gaussian integers are drawn too.

    Returns
    -------
    strategy
        Of arrays (n, n).

    Examples
    --------
    >>> from hypothesis import find
    >>> find(square_matrices(), lambda W: W.any() and not (W @ W).any()).shape
    (2, 2)
    """
    entries: SearchStrategy[Any] = dyadics()
    if complex_entries:
        entries = entries | gaussian_integers()
    return st.integers(1, max_side).flatmap(lambda n: _filled(n, n, entries)) | tied_matrices(max_side)


def extreme_matrices(max_side: int = 3) -> SearchStrategy[Array]:
    """Floats of every size, mixed in one matrix or not.

    Zeros, entries whose squares underflow (1e-300) or overflow (1e300), both in one matrix, float32, complex. NumPy
    compares float32 with a Python float in float32, where 1e200 is infinite.

    Parameters
    ----------
    max_side : int
        Largest number of rows and of columns.

    Returns
    -------
    strategy
        Of finite float64, float32 or complex arrays.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(extreme_matrices(), lambda W: abs(complex(W[0, 0])) > 1e200).shape
    (1, 1)
    """
    scale = st.integers(-1000, 1000).map(lambda k: 2.0**k)
    scaled = st.builds(lambda W, s: W * s, matrices(max_side, complex_entries=True), scale)
    wild = st.floats(-1e300, 1e300, allow_nan=False, allow_infinity=False)
    mixed = _shapes(max_side).flatmap(lambda shape: _filled(*shape, wild))
    single = st.floats(width=32, allow_nan=False, allow_infinity=False)
    float32 = _shapes(max_side).flatmap(lambda shape: _filled(*shape, single)).map(lambda W: W.astype(np.float32))
    return st.one_of(matrices(max_side, complex_entries=True), scaled, mixed, float32)


def spectra(size: int = 4) -> SearchStrategy[list[float]]:
    """Singular values in falling order, the first positive.

    Ties, simple leading values, zeros, all equal, rank one.

    Parameters
    ----------
    size : int
        How many.

    Returns
    -------
    strategy
        Of lists of floats.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(spectra(), lambda s: s[0] > s[1])
    [2.0, 1.0, 1.0, 1.0]
    """
    values = st.lists(st.sampled_from([1.0, 2.0, 0.5, 0.0, 4.0, 3.0, 1.5]), min_size=size, max_size=size)
    return values.map(lambda drawn: sorted(drawn, reverse=True)).filter(lambda s: s[0] > 0)


def signs(size: int = 4) -> SearchStrategy[list[int]]:
    """Vectors of 1 and -1.

    Parameters
    ----------
    size : int
        Number of entries.

    Returns
    -------
    strategy
        Of lists of integers.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(signs(2), lambda s: s[1] < 0)
    [1, -1]
    """
    return st.lists(st.sampled_from([1, -1]), min_size=size, max_size=size)


def with_spectrum(s: Any, left: list[int], right: list[int]) -> Array:
    """A 4 x 4 matrix with the given singular values, exactly: reflections of a diagonal.

    For v with entries 1 and -1, ``I - v v^T / 2`` is orthogonal and dyadic; floats or balls in `s`.

    Parameters
    ----------
    s : array_like of four numbers
        The singular values, as from `spectra`.
    left, right : lists of four signs
        The reflections, as from `signs`.

    Returns
    -------
    W : ndarray
        A matrix, not a strategy.

    Examples
    --------
    >>> W = with_spectrum([2, 1, 1, 0], [1, 1, 1, 1], [1, -1, 1, 1])
    >>> bool((W @ W.T).trace() == 6)
    True
    """
    def reflection(v: list[int]) -> Array:
        return np.eye(4) - np.outer(v, v) / 2

    product: Array = reflection(left) @ np.diag(np.asarray(s)) @ reflection(right)
    return product
