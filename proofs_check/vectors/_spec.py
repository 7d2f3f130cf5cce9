"""What is said of a function and of a vector before anything is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from proofs_check.vectors._numbers import encode

# Kinds of arguments: how they are written, and how the schema checks them.
ARRAY, NUMBER, INTEGER, SIZE, CHOICE, COUNTS, FIELDS = (
    "array", "number", "integer", "size", "choice", "counts", "nested",
)
# Relative errors. Of closed forms; of algorithms that lose some digits; of quantiles of distributions.
CLOSE, GOOD, FAIR = 2.0**-40, 2.0**-36, 2.0**-30

PROMISES = ("exact", "upper", "lower", "estimate")


@dataclass(frozen=True)
class Case:
    """Inputs with the traps they hold; `refused` where no answer is right."""

    comment: str
    flags: tuple[str, ...]
    inputs: dict[str, Any]
    refused: bool = False


@dataclass(frozen=True)
class Function:
    """A function of the vectors.

    `value` computes in balls what the definition gives, and `truth` what a bound has to bound where that is another
    number. `relative` is the error that counts as rounding, of every entry or of the `largest` one.
    """

    name: str
    says: str
    promises: str | dict[str, str]
    arguments: dict[str, str]
    cases: Callable[[], list[Case]]
    value: Callable[..., Any]
    truth: Callable[..., Any] | None = None
    relative: float = CLOSE
    of: str = "entry"
    optional: tuple[str, ...] = field(default=())


def bad(comment: str, **inputs: Any) -> Case:
    """A call that has to be refused."""
    return Case(comment, ("BadInput",), inputs, refused=True)


def distinct(cases: list[Case]) -> list[Case]:
    """The same inputs once only."""
    kept: dict[str, Case] = {}
    for case in cases:
        kept.setdefault(repr(encode(list(case.inputs.items()))), case)
    return list(kept.values())
