"""What is said of a function and of a vector before anything is computed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from proofs_check.vectors._numbers import encode

# Kinds of arguments: how they are written, and how the schema checks them.
ARRAY, NUMBER, INTEGER, SIZE, CHOICE, COUNTS, FIELDS = (
    "array", "number", "integer", "size", "choice", "counts", "nested",
)
COMPLEX, ROWS, PAIRS, CHOICES, NETWORK, OUTCOMES, YES, ONE_OR_TWO = (
    "complex array", "arrays", "pairs of arrays", "choices", "network", "outcomes", "boolean", "number or pair",
)
UNIT = 2.0**-53
# For another order of operations, other algorithms of the same stability, and library functions that err by some ulp.
ROOM = 8


@dataclass(frozen=True)
class Rounding:
    """What counts as rounding, and why.

    Either a relative error: of so many `operations` in a row on a problem of this `condition`, with room, as a power of
    two. Or `ulp` units in the last place: the number of roundings of a formula without cancellation. Errors are those
    `of` every entry, or of the largest one.
    """

    why: str
    operations: float = 0
    condition: float = 1.0
    ulp: int | None = None
    of: str = "entry"

    def relative(self, condition: float) -> float:
        """Of a vector that is so much worse conditioned."""
        if self.operations == 0:
            return 0.0
        exact = ROOM * self.operations * self.condition * UNIT * max(1.0, condition)
        return float(2.0 ** math.ceil(math.log2(exact)))


PROMISES = ("exact", "upper", "lower", "estimate")


@dataclass(frozen=True)
class Case:
    """Inputs with the traps they hold; whether no answer is right; by how much they enlarge a rounding error.

    A `strict` bound has to hold as it is computed, without any room for rounding.
    """

    comment: str
    flags: tuple[str, ...]
    inputs: dict[str, Any]
    refused: bool = False
    condition: float = 1.0
    strict: bool = False


@dataclass(frozen=True)
class Function:
    """A function of the vectors.

    `value` computes in balls what the definition gives, and `truth` what a bound or an estimate is about where that is
    another number. `sharp` says that nothing is computed but sums and products of the inputs, so that results are
    exact numbers. What counts as rounding stands in `_rounding`.
    """

    name: str
    says: str
    promises: str | dict[str, str]
    arguments: dict[str, str]
    cases: Callable[[], list[Case]]
    value: Callable[..., Any]
    truth: Callable[..., Any] | None = None
    sharp: bool = False
    optional: tuple[str, ...] = field(default=())


def bad(comment: str, **inputs: Any) -> Case:
    """A call that has to be refused."""
    return Case(comment, ("BadInput",), inputs, refused=True)


def certified(cases: list[Case], every: int = 5) -> list[Case]:
    """Some of the cases again, asked for a bound that rounding does not break."""
    chosen = [case for case in cases if not case.refused and "Drawn" not in case.flags][::every]
    return [replace(case, comment=f"{case.comment}; certified", flags=("Certified", *case.flags),
                    inputs={**case.inputs, "certified": True}, strict=True) for case in chosen]


def distinct(cases: list[Case]) -> list[Case]:
    """The same inputs once only."""
    kept: dict[str, Case] = {}
    for case in cases:
        kept.setdefault(repr(encode(list(case.inputs.items()))), case)
    return list(kept.values())
