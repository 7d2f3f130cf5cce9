"""Group normalization: layer normalization in every group of features; instance normalization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_count, as_real_matrix, as_real_vector, as_sequence
from refimpl.normalization._layer_norm import layer_norm, layer_norm_jacobian, layer_norm_lipschitz

Array = npt.NDArray[Any]
Groups = int | Sequence[Sequence[int]]


def partition(groups: Groups, n: int | None = None) -> list[list[int]]:
    """The groups as lists of indices, checked to be a partition of range(n)."""
    if isinstance(groups, (int, np.integer)) and n is not None:
        count = as_count(groups, "groups", minimum=1)
        if n % count:
            raise ValueError(f"groups must be a divisor of the {n} features, got {count}")
        return [list(block) for block in np.arange(n).reshape(count, -1).tolist()]
    if isinstance(groups, (int, np.integer)):
        raise ValueError(f"groups must be sequences of indices where the size is not given, got {groups}")
    blocks = [[as_count(index, "groups") for index in as_sequence(block, "groups")]
              for block in as_sequence(groups, "groups")]
    indices = sorted(index for block in blocks for index in block)
    if not blocks or not all(blocks) or indices != list(range(len(indices) if n is None else n)):
        size = "range(n)" if n is None else f"range({n})"
        raise ValueError(f"groups must be a partition of {size} into non-empty groups, got {groups}")
    return blocks


def group_norm(x: npt.ArrayLike, groups: Groups, *, epsilon: float) -> Array:
    """Group normalization, exact up to rounding: `layer_norm` applied to every group.

    Parameters
    ----------
    x : (n,) array_like
        Finite real features of one sample.
    groups : int or sequence of sequences of int
        A number of contiguous groups of equal size, or the groups as index sequences that partition
        range(n).
    epsilon : float
        At least 0, above 0 where a group is constant.

    Returns
    -------
    y : (n,) ndarray

    Raises
    ------
    ValueError
        If `groups` is not a partition, or another argument is out of its range.

    References
    ----------
    than.lemma-3

    Examples
    --------
    >>> group_norm([1, 3, 10, 30], 2, epsilon=0).tolist()
    [-1.0, 1.0, -1.0, 1.0]
    """
    values = as_real_vector(x)
    y = np.empty_like(values)
    for block in partition(groups, values.size):
        y[block] = layer_norm(values[block], epsilon=epsilon)
    return y


def group_norm_jacobian(x: npt.ArrayLike, groups: Groups, *, epsilon: float) -> Array:
    """Exact Jacobian of `group_norm` (up to rounding): the groups' Jacobians, block by block.

    Parameters
    ----------
    x : (n,) array_like
        Finite real features of one sample.
    groups : int or sequence of sequences of int
        As in `group_norm`.
    epsilon : float
        At least 0, above 0 where a group is constant.

    Returns
    -------
    jacobian : (n, n) ndarray

    Raises
    ------
    ValueError
        If `groups` is not a partition, or another argument is out of its range.

    References
    ----------
    than.lemma-3, than.lemma-3.largest

    Examples
    --------
    >>> group_norm_jacobian([0, 0, 5], [[0, 1], [2]], epsilon=1).tolist()
    [[0.5, -0.5, 0.0], [-0.5, 0.5, 0.0], [0.0, 0.0, 0.0]]
    """
    values = as_real_vector(x)
    jacobian = np.zeros((values.size, values.size))
    for block in partition(groups, values.size):
        jacobian[np.ix_(block, block)] = layer_norm_jacobian(values[block], epsilon=epsilon)
    return jacobian


def group_norm_lipschitz(groups: Sequence[Sequence[int]], *, epsilon: float) -> float:
    """Exact l2 Lipschitz constant of `group_norm` over all inputs: the largest of its groups.

    The source bounds it by the sum over the groups, which is larger by a factor of up to their number.

    Parameters
    ----------
    groups : sequence of sequences of int
        The groups as index sequences that partition range(n).
    epsilon : float
        Above 0.

    Returns
    -------
    constant : float

    Raises
    ------
    ValueError
        If `groups` is not a partition, or `epsilon` is not above 0.

    References
    ----------
    than.lemma-3, than.lemma-3.largest

    Examples
    --------
    >>> group_norm_lipschitz([[0, 1], [2, 3]], epsilon=0.25)
    2.0
    """
    return max(layer_norm_lipschitz(len(block), epsilon=epsilon) for block in partition(groups))


def instance_norm(x: npt.ArrayLike, *, epsilon: float) -> Array:
    """Instance normalization, exact up to rounding: every channel by its own mean and variance.

    Parameters
    ----------
    x : (channels, positions) array_like
        Finite real values of one sample.
    epsilon : float
        At least 0, above 0 where a channel is constant.

    Returns
    -------
    y : (channels, positions) ndarray

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    than.instance-norm

    Examples
    --------
    >>> instance_norm([[1, 3], [10, 30]], epsilon=0).tolist()
    [[-1.0, 1.0], [-1.0, 1.0]]
    """
    values = as_real_matrix(x, "x")
    return np.array([layer_norm(channel, epsilon=epsilon) for channel in values])


def instance_norm_jacobian(x: npt.ArrayLike, *, epsilon: float) -> Array:
    """Exact Jacobian of `instance_norm` on the row-major flattened values (up to rounding).

    Parameters
    ----------
    x : (channels, positions) array_like
        Finite real values of one sample.
    epsilon : float
        At least 0, above 0 where a channel is constant.

    Returns
    -------
    jacobian : (channels * positions, channels * positions) ndarray

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    than.instance-norm

    Examples
    --------
    >>> instance_norm_jacobian([[0, 0]], epsilon=1).tolist()
    [[0.5, -0.5], [-0.5, 0.5]]
    """
    values = as_real_matrix(x, "x")
    return group_norm_jacobian(values.ravel(), values.shape[0], epsilon=epsilon)


def instance_norm_lipschitz(positions: int, *, epsilon: float) -> float:
    """Exact l2 Lipschitz constant of `instance_norm` over all inputs, for any number of channels.

    Parameters
    ----------
    positions : int
        Number of positions in a channel, at least 1.
    epsilon : float
        Above 0.

    Returns
    -------
    constant : float

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    than.instance-norm

    Examples
    --------
    >>> instance_norm_lipschitz(49, epsilon=0.25)
    2.0
    """
    return layer_norm_lipschitz(as_count(positions, "positions", minimum=1), epsilon=epsilon)
