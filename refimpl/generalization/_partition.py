"""Partitions of the input space, and what the bounds need of their cells."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from refimpl._arguments import as_count, as_real_matrix, as_real_vector, check_whole, in_range

Array = npt.NDArray[Any]


class Cells(NamedTuple):
    """What the bounds need of a partition: samples, mean distance and Lipschitz constant of every cell."""

    counts: Array
    distances: Array
    lipschitz: Array


def each_cell(value: Any, name: str, size: int) -> Array:
    """One number of at least 0 for every cell; a single one stands for all."""
    array = as_real_vector([value] * size if np.ndim(value) == 0 else value, name, size=size)
    if (array < 0).any():
        raise ValueError(f"{name} must be of numbers of at least 0, got {array.min()}")
    return array


def partition_by_nearest(points: npt.ArrayLike, centres: npt.ArrayLike) -> Array:
    r"""Cells of the Voronoi partition: the index of the nearest centre of every point, exact up to rounding.

    .. math:: i(x) = \arg\min_i \lVert x - c_i \rVert_2

    For the bounds of this module the centres have to be chosen without a look at the sample.

    Parameters
    ----------
    points : (k, n) array_like
        Points, one a row.
    centres : (N, n) array_like
        Centres, one a row.

    Returns
    -------
    cells : (k,) ndarray of int
        In [0, N); among equally near centres the first.

    Raises
    ------
    ValueError
        If there are no real matrices, or their rows differ in length.

    References
    ----------
    than.thm-20.nearest

    Examples
    --------
    >>> partition_by_nearest([[0.0], [4.0], [5.0]], [[1.0], [7.0]]).tolist()
    [0, 0, 1]
    """
    x, c = as_real_matrix(points, "points"), as_real_matrix(centres, "centres")
    if x.shape[1] != c.shape[1]:
        raise ValueError(f"centres must have {x.shape[1]} columns, as the points have, got shape {c.shape}")
    # By a power of two: another quotient is rounded, and then centres that are equally near are not.
    exponent = int(np.frexp(max(np.abs(x).max(), np.abs(c).max()))[1])
    return np.asarray(cdist(np.ldexp(x, -exponent), np.ldexp(c, -exponent)).argmin(axis=1))


def cell_statistics(
    points: npt.ArrayLike, losses: npt.ArrayLike, cells: npt.ArrayLike, probabilities: npt.ArrayLike,
    counts: npt.ArrayLike, n_cells: int,
) -> Cells:
    r"""Samples, mean distances and Lipschitz constants of the cells of a finite space, exact up to rounding.

    .. math::

        \lambda_i = \frac{1}{m_i} \sum_{s \in D_i} \mathbb{E}[\lVert x - s \rVert_2 : x \in X_i], \qquad
        L_i = \max_{x \ne z \in X_i} \frac{|f(x) - f(z)|}{\lVert x - z \rVert_2}

    Of points drawn from a larger space L_i is a lower bound and :math:`\lambda_i` an estimate.

    Parameters
    ----------
    points : (k, n) array_like
        The points of the space, all different.
    losses : (k,) array_like
        f at every point.
    cells : (k,) array_like of int
        The cell of every point, in [0, n_cells).
    probabilities : (k,) array_like
        Weights of the points, at least 0; divided by their sum within a cell.
    counts : (k,) array_like of int
        How often the sample has every point.
    n_cells : int
        N, at least 1; a cell may be empty.

    Returns
    -------
    statistics : Cells
        `counts`, `distances` (0 in a cell without samples, where it enters no bound) and `lipschitz`, each (N,).

    Raises
    ------
    ValueError
        If shapes do not fit, two points of a cell are equal, or a cell with samples has no probability.

    References
    ----------
    than.thm-20, than.thm-20.decomposition

    Examples
    --------
    One cell of three points on a line, sampled once at its left end:

    >>> cell_statistics([[0.0], [1.0], [3.0]], [0, 1, 2], [0, 0, 0], [1, 1, 2], [1, 0, 0], 1)
    Cells(counts=array([1.]), distances=array([1.75]), lipschitz=array([1.]))
    """
    x = as_real_matrix(points, "points")
    k, size = len(x), as_count(n_cells, "n_cells", minimum=1)
    f, places = as_real_vector(losses, "losses", size=k), as_real_vector(cells, "cells", size=k)
    p, drawn = each_cell(probabilities, "probabilities", k), as_real_vector(counts, "counts", size=k)
    check_whole(places, "cells")
    check_whole(drawn, "counts")
    if places.max() >= size:
        raise ValueError(f"cells must lie below n_cells = {size}, got {places.max():g}")
    found = Cells(np.zeros(size), np.zeros(size), np.zeros(size))
    for i in range(size):
        inside = np.flatnonzero(places == i)
        if inside.size:
            found.counts[i] = drawn[inside].sum()
            found.distances[i], found.lipschitz[i] = _one_cell(x[inside], f[inside], p[inside], drawn[inside], i)
    return Cells(*(in_range(part, "a statistic") for part in found))


def _one_cell(x: Array, f: Array, p: Array, drawn: Array, i: int) -> tuple[float, float]:
    size = np.abs(x).max() or 1.0
    with np.errstate(over="ignore"):
        distance = in_range(cdist(x / size, x / size) * size, "a distance")
    first, second = np.triu_indices(len(x), 1)
    apart = distance[first, second]
    if (apart == 0).any():
        raise ValueError(f"points must be at distances that floats resolve, got two at distance 0 in cell {i}")
    with np.errstate(over="ignore"):
        slopes = np.abs(f[first] - f[second]) / apart
    mean = 0.0
    if drawn.any():
        if not p.any():
            raise ValueError(f"probabilities must be positive somewhere in a cell with samples, got none in cell {i}")
        mean = float(drawn / drawn.sum() @ distance @ (p / p.sum()))
    return mean, float(slopes.max(initial=0.0))
