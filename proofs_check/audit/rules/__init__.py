"""The rules: how much a node can move its outputs. One file a family of operators.

A rule is right for named versions of one operator of one domain, names the inputs that may move, and the claim that
tests it. What has no rule is refused by name.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from proofs_check.audit.folding import Type, evaluate
from proofs_check.audit.graph import Node
from proofs_check.audit.norms import Norms
from proofs_check.audit.value import ANYTHING, Array, Effect, Refused, Value

__all__ = [
    "Call", "Rule", "entrywise", "entrywise_of", "every", "find", "leading", "load", "only_first_moves", "refused",
    "rule",
]


class Call:
    """A node with what is known of its inputs, as a rule sees it."""

    def __init__(
        self, node: Node, args: Sequence[Value | None], types: Sequence[Type | None], norms: Norms, opsets: Any,
        ir_version: int,
    ) -> None:
        self.node, self.args, self.types, self.norms = node, list(args), list(types), norms
        self._opsets, self._ir = opsets, ir_version

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute, strings decoded."""
        value = self.node.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else value

    def has(self, i: int) -> bool:
        """Whether the input is given."""
        return i < len(self.args) and self.args[i] is not None

    def value(self, i: int) -> Value:
        """What is known of a given input."""
        value = self.args[i] if i < len(self.args) else None
        if value is None:
            raise Refused(f"input {i} is left out")
        return value

    def moves(self, i: int) -> bool:
        """Whether the input is given and depends on an input of the graph."""
        return self.has(i) and self.value(i).moves

    def shape(self, i: int) -> tuple[int, ...]:
        """The shape of an input."""
        return self.value(i).shape

    def out(self, i: int = 0) -> tuple[int, ...]:
        """The shape of an output."""
        kind = self.types[i]
        if kind is None:
            raise Refused("the size of its output is not known")
        return kind[1]

    def interval(self, i: int) -> tuple[Array, Array]:
        """The ends of an input's interval, broadcasting to its shape."""
        return self.value(i).interval

    def size(self, i: int) -> Array:
        """The largest absolute value of each entry."""
        low, high = self.interval(i)
        return np.maximum(np.abs(low), np.abs(high))

    def weight(self, i: int, what: str = "a weight") -> Array:
        """A constant of finite real numbers, as float64."""
        array = self.value(i).constant
        if array is None:
            raise Refused(f"{what} that is no constant")
        wide = np.asarray(array, dtype=np.float64)
        if not np.isfinite(wide).all():
            raise Refused(f"{what} that is not finite")
        return wide

    def scaled(self, low: Array, high: Array, axis: int) -> tuple[Array, Array]:
        """The interval of a layer, behind the constant factors that are merged into it."""
        slopes, shifts = self.attribute("slopes"), self.attribute("shifts")
        if slopes is None or (np.isinf(low).any() and np.isinf(high).any()):
            return low, high
        shape = [1] * len(self.out())
        shape[axis] = -1
        slopes, shifts = slopes.reshape(shape), shifts.reshape(shape)
        with np.errstate(invalid="ignore"):
            ends = [np.where(slopes == 0, 0.0, slopes * end) + shifts for end in (low, high)]
        error = 2.0**-48 * (np.maximum(np.abs(ends[0]), np.abs(ends[1])) + 2 * np.abs(shifts)) + 1e-300
        return np.minimum(*ends) - error, np.maximum(*ends) + error

    def integers(self, i: int, what: str = "a size") -> list[int]:
        """A constant of integers, as a list."""
        array = self.value(i).constant
        if array is None:
            raise Refused(f"{what} that is no constant")
        return [int(x) for x in np.asarray(array).reshape(-1)]

    def repeats(self, i: int, j: int = 0) -> float:
        """How often an entry of an input is repeated where it broadcasts to an output."""
        count = self.value(i).count
        total = int(np.prod(self.out(j), dtype=object))
        return total // count if count else 0.0

    def evaluate(self, arrays: Sequence[Array | None]) -> Array:
        """The first output for these inputs."""
        return self.evaluate_all(arrays)[0]

    def evaluate_all(self, arrays: Sequence[Array | None]) -> list[Array]:
        """The outputs for these inputs, by ONNX's reference evaluator."""
        return evaluate(self.node, arrays, self._opsets, self._ir)

    def moved(self, *places: int) -> list[tuple[Array, Array]]:
        """The intervals of the outputs of a node that only moves, copies or drops entries of the inputs at `places`."""
        if all(np.isinf(end).all() for i in places for end in self.interval(i)):
            return [ANYTHING] * len(self.types)
        ends = []
        for which in (0, 1):
            arrays = [None if a is None else np.broadcast_to(self.interval(i)[which], a.shape).astype(np.float64)
                      if i in places else a.constant for i, a in enumerate(self.args)]
            ends.append(self.evaluate_all(arrays))
        return list(zip(*ends, strict=True))


Bound = Callable[[Call], "Effect | list[Effect | str]"]
Apart = Callable[[Call], bool]


def entrywise(call: Call) -> bool:
    """Every output is made of the inputs at its own place of the first axis."""
    return all(entrywise_of(value.shape, call.out(), moves=value.moves) for value in call.args if value is not None)


def entrywise_of(shape: tuple[int, ...], out: tuple[int, ...], *, moves: bool) -> bool:
    """Whether an input of this shape broadcasts so that samples meet their own, and constants all of them alike."""
    if moves:
        return bool(out) and len(shape) == len(out) and shape[0] == out[0]
    return len(shape) < len(out) or shape[:1] in ((), (1,))


def leading(call: Call) -> bool:
    """The first axis keeps its size, and what is behind it stays behind it."""
    return bool(call.out()) and bool(call.shape(0)) and call.out()[0] == call.shape(0)[0]


def only_first_moves(call: Call) -> bool:
    """The rows of the first input are mapped one by one, by the same constants."""
    return leading(call) and not any(value is not None and value.moves for value in call.args[1:])


@dataclass(frozen=True)
class Rule:
    """How to bound an operator in the versions that it is right for."""

    op: str
    domain: str
    versions: tuple[int, ...]
    may_move: Sequence[int]
    claim: str
    bound: Bound
    apart: Apart


_RULES: dict[tuple[str, str, int], Rule] = {}
_REFUSED: dict[tuple[str, str], str] = {}


def rule(
    op: str, versions: Sequence[int], *, moves: Sequence[int] = (0,), domain: str = "", claim: str = "",
    apart: Apart = lambda call: False,
) -> Callable[[Bound], Bound]:
    """Register the rule of an operator for these versions; `apart` tells whether it maps sample by sample.

    The function takes a `Call` and returns the `Effect` on the first output, or a list with an effect or the reason of
    a refusal for each output.
    """

    def register(bound: Bound) -> Bound:
        made = Rule(op, domain, tuple(versions), moves, claim or f"audit.{op.lower()}", bound, apart)
        for version in versions:
            if (domain, op, version) in _RULES:
                raise ValueError(f"{op}-{version} has two rules")
            _RULES[domain, op, version] = made
        return bound

    return register


def refused(why: str, *ops: str, domain: str = "") -> None:
    """Register operators that have no finite constant, in every version, and why."""
    _REFUSED.update({(domain, op): why for op in ops})


def load() -> None:
    """Import every family."""
    for found in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{found.name}")


def find(node: Node) -> Rule:
    """The rule of a node, or a refusal that names the operator."""
    found = _RULES.get((node.domain, node.op, node.version))
    if found is not None:
        return found
    why = _REFUSED.get((node.domain, node.op))
    raise Refused(f"{node.operator}: {why}" if why else f"no rule for {node.operator}")


def every() -> Iterator[Rule]:
    """All rules, each once."""
    yield from dict.fromkeys(_RULES.values())
