"""Classes put together for fewer intervals: the class partitioning method."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_real_vector, check_whole


class Partition(NamedTuple):
    """The class that is certified, and the buckets of the other classes, each a tuple of classes."""

    top: int
    buckets: tuple[tuple[int, ...], ...]


def partition_classes(counts: npt.ArrayLike) -> Partition:
    r"""Partition of the classes by the counts of a selection sample: the class partitioning method (CPM).

    The leading class is certified. The runner-up is a bucket of its own, and so are further classes, the most frequent
    first, until the rest together counts no more than the runner-up; the rest is one bucket.

    Parameters
    ----------
    counts : (c,) array_like of int
        How often each class was predicted in the selection sample, at least two classes. Among equal counts the class
        with the smaller index comes first.

    Returns
    -------
    partition : Partition
        `top` and `buckets`: the runner-up, further single classes, and last the bucket of the rest, if there is any.

    Raises
    ------
    ValueError
        If there are not two classes, or `counts` are not integers of at least 0.

    References
    ----------
    thesis.alg-8, thesis.alg-8-buckets

    Examples
    --------
    >>> partition_classes([1, 60, 20, 15, 4, 3])
    Partition(top=1, buckets=((2,), (3,), (0, 4, 5)))
    >>> partition_classes([1, 60, 25, 10, 4])
    Partition(top=1, buckets=((2,), (0, 3, 4)))
    """
    values = as_real_vector(counts, "counts")
    if values.size < 2:
        raise ValueError(f"counts must be of at least two classes, got {values.size}")
    check_whole(values, "counts")
    order = np.argsort(-values, kind="stable")
    # What the rest counts without the first so many of it: taken out until it is no more than the runner-up.
    left = np.append(np.cumsum(values[order[2:]][::-1])[::-1], 0)
    taken = int((left > values[order[1]]).sum())
    top, *others = order.tolist()
    singles, rest = others[: taken + 1], sorted(others[taken + 1 :])
    return Partition(top, tuple((i,) for i in singles) + ((tuple(rest),) if rest else ()))
