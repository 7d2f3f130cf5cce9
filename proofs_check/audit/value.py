"""What is known of a tensor: its Lipschitz constants with respect to the inputs, an interval, a constant value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
ANYTHING = (np.asarray(-np.inf), np.asarray(np.inf))


class Refused(ValueError):
    """A node has no finite constant, or no rule: the message says why."""


@dataclass(frozen=True)
class Value:
    """A tensor as a function of the inputs, on the domain of the audit.

    `lipschitz` holds for each input on which the tensor depends a bound on the tensor's change over the input's, in the
    2-norm of all entries, the other inputs held still; infinite where none is known. `low` and `high` broadcast to
    the shape. `samples` says that the first axis counts samples, each of which depends on the same sample of the
    inputs and on no other. `why` says why a constant is infinite.
    """

    shape: tuple[int, ...]
    type: int
    constant: Array | None = None
    lipschitz: Mapping[str, float] = field(default_factory=dict)
    low: Array = field(default_factory=lambda: ANYTHING[0])
    high: Array = field(default_factory=lambda: ANYTHING[1])
    samples: bool = False
    why: str = ""

    @property
    def moves(self) -> bool:
        """Whether it depends on an input."""
        return bool(self.lipschitz)

    @property
    def bounded(self) -> bool:
        """Whether every input has a finite constant."""
        return all(math.isfinite(bound) for bound in self.lipschitz.values())

    @property
    def interval(self) -> tuple[Array, Array]:
        """The ends, of constants the value twice."""
        if self.constant is not None and self.constant.dtype.kind in "fiub":
            value = np.asarray(self.constant, dtype=np.float64)
            return value, value
        return self.low, self.high

    @property
    def count(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Effect:
    """What a node does to its inputs, for one of its outputs.

    Parameters
    ----------
    factors : mapping of int to float
        For each place of an input that may move: the output's change is at most the factor times the input's.
    low, high : ndarray
        The interval of the output.
    apart : bool
        If true the changes due to different inputs fall on different entries, or do not add up: the root of
        the sum of squares bounds them together.
    at_least : float, optional
        A lower bound on the exact constant of the node, where it has one moving input.
    note : str
        How the constant was found, in few words.
    shown : bool
        Whether the node gets a row; those that only move entries do not.
    """

    factors: Mapping[int, float]
    low: Array = field(default_factory=lambda: ANYTHING[0])
    high: Array = field(default_factory=lambda: ANYTHING[1])
    apart: bool = False
    at_least: float | None = None
    note: str = ""
    shown: bool = True
