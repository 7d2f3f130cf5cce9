"""Networks whose Lipschitz constants are known in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_count, as_number, as_real_vector, as_sequence
from refimpl.network._feed_forward import FeedForward

Array = npt.NDArray[Any]


def truncate_or_pad(v: npt.ArrayLike, sizes: Sequence[int]) -> Array:
    r"""Exact :math:`v^{(m_1, \dots, m_K)}`: the vector cut, or padded with zeros, to each size in turn.

    Parameters
    ----------
    v : (n,) array_like
        Finite real vector.
    sizes : sequence of int
        The sizes, each at least 1.

    Returns
    -------
    w : ndarray
        Of the last size.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    than.thm-13-eq-8

    Examples
    --------
    >>> truncate_or_pad([1, 2, 3], [2, 4]).tolist()
    [1.0, 2.0, 0.0, 0.0]
    """
    values = as_real_vector(v, "v").copy()
    for size in as_sequence(sizes, "sizes"):
        padded = np.zeros(as_count(size, "sizes", minimum=1))
        kept = min(size, values.size)
        padded[:kept] = values[:kept]
        values = padded
    return values


def identity_like(n_out: int, n_in: int) -> Array:
    """Exact rectangular identity: ones where row and column agree, zeros elsewhere.

    Parameters
    ----------
    n_out, n_in : int
        Numbers of rows and columns, each at least 1.

    Returns
    -------
    identity : (n_out, n_in) ndarray

    Raises
    ------
    ValueError
        If a size is below 1.

    References
    ----------
    than.thm-6

    Examples
    --------
    >>> identity_like(1, 2).tolist()
    [[1.0, 0.0]]
    """
    return np.eye(as_count(n_out, "n_out", minimum=1), as_count(n_in, "n_in", minimum=1))


def extremal_network(widths: Sequence[int], factors: Sequence[float]) -> FeedForward:
    r"""ReLU network whose l2 Lipschitz constant is exactly the product of the factors.

    The weights are :math:`W_i = a_i I` with rectangular identities.

    Parameters
    ----------
    widths : sequence of int
        n_0, ..., n_K, each at least 1.
    factors : sequence of float
        a_1, ..., a_K, each at least 0.

    Returns
    -------
    network : FeedForward

    Raises
    ------
    ValueError
        If there are not as many factors as layers, or one is out of its range.

    References
    ----------
    than.thm-6

    Examples
    --------
    >>> extremal_network([2, 1, 2], [3, 5])([1, 1]).tolist()
    [15.0, 0.0]
    """
    sizes = [as_count(n, f"widths[{i}]", minimum=1) for i, n in enumerate(as_sequence(widths, "widths"))]
    numbers = [as_number(a, f"factors[{i}]", minimum=0) for i, a in enumerate(as_sequence(factors, "factors"))]
    if len(sizes) < 2:
        raise ValueError(f"widths must be at least two numbers, got {len(sizes)}")
    if len(numbers) != len(sizes) - 1:
        raise ValueError(f"factors must be one for each of the {len(sizes) - 1} layers, got {len(numbers)}")
    pairs = zip(sizes[1:], sizes[:-1], numbers, strict=True)
    return FeedForward([a * identity_like(n_out, n_in) for n_out, n_in, a in pairs])
