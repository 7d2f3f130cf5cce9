"""The abstract interpreter: what is known of the inputs is carried node by node to the outputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from proofs_check.audit import rules
from proofs_check.audit.folding import LARGEST, RANDOM, Type, evaluate, output_types
from proofs_check.audit.graph import Graph, Node, of_proto
from proofs_check.audit.norms import Norms
from proofs_check.audit.rounding import length, plus, times
from proofs_check.audit.value import Array, Effect, Refused, Value

# Their outputs depend on the size of an input only, which is known.
OF_SHAPES = {"Shape", "Size"}


@dataclass(frozen=True)
class Row:
    """One node: its constant lies between `low` and `high`; None where there is no bound, and then `note` says why."""

    name: str
    operator: str
    shape: tuple[int, ...]
    low: float | None
    high: float | None
    note: str = ""


@dataclass
class Trace:
    """The rows, what is known of every tensor, and why nodes were refused."""

    rows: list[Row] = field(default_factory=list)
    values: dict[str, Value] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    mixed: str = ""


class Interpreter:
    """Walks a graph; branches and bodies of nodes too, with what surrounds them in sight."""

    def __init__(self, norms: Norms, done: Callable[[str], None] = lambda name: None) -> None:
        rules.load()
        self.norms, self.done, self.trace = norms, done, Trace()

    def run(
        self, graph: Graph, given: Mapping[str, Value], *, until: Sequence[str] = (), prefix: str = "",
        outer: Mapping[str, Value] | None = None,
    ) -> Mapping[str, Value]:
        """Carry what is given through the nodes; what is known of every tensor then.

        `until` names tensors behind which nothing is wanted; `outer` is what surrounds a branch or body.
        """
        values = {**(outer or {}), **{name: constant(array) for name, array in graph.constants.items()}, **given}
        wanted = needed(graph, until or graph.outputs, given)
        for node in graph.nodes:
            if not any(name in wanted for name in node.outputs):
                continue
            self._node(node, graph, values, given, prefix)
            self.done(prefix + node.name)
        self.trace.values.update({prefix + name: value for name, value in values.items()})
        return values

    def _node(
        self, node: Node, graph: Graph, values: dict[str, Value], given: Mapping[str, Value], prefix: str
    ) -> None:
        args = [values.get(name) if name else None for name in node.inputs]
        try:
            if absent := [n for n in node.inputs if n and n not in values]:
                raise Refused(f"{absent[0]} is not known")
            if node.op == "If" and not node.domain:
                found = self._branch(node, graph, args[0], values, prefix)
            else:
                found = self._outputs(node, graph, args)
        except Refused as why:
            self._refuse(prefix + node.name, node, str(why))
            found = [self._unknown(kind, args) for kind in self._types(node, graph, args)]
        for name, value in zip(node.outputs, found, strict=False):
            if name and name not in given:
                values[name] = value

    def _types_or_refusal(self, node: Node, graph: Graph, args: Sequence[Value | None]) -> list[Type | None]:
        if node.domain == "lipref":  # a function of its first input, entry by entry or axis by axis
            return [None if args[0] is None else (args[0].type, args[0].shape)]
        return output_types(node, args, graph.opsets, graph.ir_version)

    def _types(self, node: Node, graph: Graph, args: Sequence[Value | None]) -> list[Type | None]:
        try:
            return self._types_or_refusal(node, graph, args)
        except Exception:
            return [None] * len(node.outputs)

    def _outputs(self, node: Node, graph: Graph, args: Sequence[Value | None]) -> list[Value]:
        if node.version and not node.domain and node.op in RANDOM:
            raise Refused(f"{node.operator} is random")
        still = all(arg is None or arg.constant is not None for arg in args)
        if node.version and still and node.domain != "lipref" and not _subgraphs(node):
            return self._folded(node, graph, args)
        if not node.domain and node.op in OF_SHAPES and node.version:
            arrays = [None if a is None else np.broadcast_to(np.zeros((), np.float32), a.shape) for a in args]
            return [constant(array) for array in evaluate(node, arrays, graph.opsets, graph.ir_version)]
        rule = rules.find(node)
        if any(arg is not None and arg.type == 0 for arg in args):
            raise Refused("the size of an input is not known")
        for i, arg in enumerate(args):
            if arg is not None and arg.constant is None and i not in rule.may_move:
                raise Refused(f"{node.operator} with an input {node.inputs[i]} (number {i}) that moves")
        types = self._types_or_refusal(node, graph, args)
        sizes = [kind[1] for kind in types if kind is not None] + [arg.shape for arg in args if arg is not None]
        if any(0 in shape for shape in sizes):
            raise Refused("an axis of size 0")
        call = rules.Call(node, args, types, self.norms, graph.opsets, graph.ir_version)
        found = rule.bound(call)
        effects = found if isinstance(found, list) else [found]
        effects += ["this output has no rule"] * (len(node.outputs) - len(effects))
        result = []
        for i, (name, effect) in enumerate(zip(node.outputs, effects, strict=False)):
            if not name:
                result.append(self._unknown(types[i], args))
            elif isinstance(effect, str):
                result.append(self._unknown(types[i], args, why=f"{node.operator}, output {name}: {effect}"))
            else:
                result.append(self._carried(call, effect, i, args, apart=rule.apart(call)))
        self._row(node, effects[0], types[0])
        return result

    def _branch(
        self, node: Node, graph: Graph, condition: Value | None, values: Mapping[str, Value], prefix: str
    ) -> list[Value]:
        """The branch that a constant condition takes."""
        if condition is None or condition.constant is None:
            raise Refused(f"{node.operator}: which branch is taken jumps")
        taken = "then_branch" if bool(np.asarray(condition.constant).reshape(-1)[0]) else "else_branch"
        inner = folded(of_proto(node.attributes[taken], graph.opsets, graph.ir_version))
        found = self.run(inner, {}, prefix=f"{prefix}{node.name}/", outer=values)
        if absent := [name for name in inner.outputs if name not in found]:
            raise Refused(f"{absent[0]} is not known")
        return [found[name] for name in inner.outputs]

    def _folded(self, node: Node, graph: Graph, args: Sequence[Value | None]) -> list[Value]:
        if node.op != "Constant":
            kinds = output_types(node, args, graph.opsets, graph.ir_version)
            if any(kind is not None and math.prod(kind[1]) > LARGEST for kind in kinds):
                raise Refused(f"a constant of more than {LARGEST} entries")
        arrays = [None if arg is None else arg.constant for arg in args]
        return [constant(array) for array in evaluate(node, arrays, graph.opsets, graph.ir_version)]

    def _carried(
        self, call: rules.Call, effect: Effect, i: int, args: Sequence[Value | None], *, apart: bool
    ) -> Value:
        kind = call.types[i]
        if kind is None:
            raise Refused("the size of its output is not known")
        moving = [(place, arg) for place, arg in enumerate(args) if arg is not None and arg.moves]
        if missing := [call.node.inputs[place] for place, _ in moving if place not in effect.factors]:
            raise Refused(f"{call.node.operator} with an input {missing[0]} that moves")
        if any(not factor >= 0 for factor in effect.factors.values()):
            raise Refused("a constant that is not a number")
        join = length if effect.apart else plus
        names = dict.fromkeys(name for _, arg in moving for name in arg.lipschitz)
        bounds = {name: join([times(effect.factors[place], arg.lipschitz.get(name, 0.0)) for place, arg in moving])
                  for name in names}
        before = all(arg.samples for _, arg in moving)
        samples = apart and before
        if before and not samples and not self.trace.mixed:
            self.trace.mixed = f"{call.node.name} ({call.node.operator})"
        why = next((arg.why for _, arg in moving if arg.why), "")
        return Value(kind[1], kind[0], None, bounds, *_narrow(effect.low, effect.high), samples=samples, why=why)

    def _unknown(self, kind: Type | None, args: Sequence[Value | None], why: str = "") -> Value:
        names = dict.fromkeys(name for arg in args if arg is not None for name in arg.lipschitz)
        element, shape = kind if kind is not None else (0, ())
        return Value(shape, element, None, dict.fromkeys(names, math.inf) or {"?": math.inf}, why=why)

    def _row(self, node: Node, effect: Effect | str, kind: Type | None) -> None:
        if isinstance(effect, Effect) and effect.shown:
            high = max(effect.factors.values(), default=0.0)
            shape = kind[1] if kind else ()
            self.trace.rows.append(Row(node.name, node.operator, shape, effect.at_least, high, effect.note))

    def _refuse(self, name: str, node: Node, why: str) -> None:
        self.trace.refused[name] = why
        self.trace.rows.append(Row(name, node.operator, (), None, None, why))


def folded(graph: Graph) -> Graph:
    """The graph without the nodes that compute a constant from constants."""
    constants, nodes = dict(graph.constants), []
    for node in graph.nodes:
        still = bool(node.inputs) and all(not name or name in constants for name in node.inputs)
        if not still or not node.version or node.op in RANDOM or _subgraphs(node):
            nodes.append(node)
            continue
        args = [constant(constants[name]) if name else None for name in node.inputs]
        try:
            kinds = output_types(node, args, graph.opsets, graph.ir_version)
            if any(kind is not None and math.prod(kind[1]) > LARGEST for kind in kinds):
                raise Refused("too large")
            arrays = [None if arg is None else arg.constant for arg in args]
            made = evaluate(node, arrays, graph.opsets, graph.ir_version)
        except Refused:  # is said where it is needed
            nodes.append(node)
            continue
        constants.update(zip((name for name in node.outputs if name), made, strict=True))
    return replace(graph, nodes=nodes, constants=constants)


def constant(array: Array) -> Value:
    """A tensor that does not move."""
    from onnx import helper

    return Value(tuple(array.shape), int(helper.np_dtype_to_tensor_dtype(array.dtype)), array)


def needed(graph: Graph, ends: Sequence[str], given: Mapping[str, Value]) -> set[str]:
    """The tensors from which the ends are computed, no farther back than what is given."""
    makers = {name: node for node in graph.nodes for name in node.outputs if name}
    wanted, open_ = set(), list(ends)
    while open_:
        name = open_.pop()
        if name in wanted:
            continue
        wanted.add(name)
        if name in given or name not in makers:
            continue
        open_ += [n for n in (*makers[name].inputs, *_outer(makers[name])) if n]
    return wanted


def _outer(node: Node) -> list[str]:
    """What the branches and bodies of a node read, at any depth; their own names do no harm."""
    return [name for graph in _subgraphs(node) for name in _read_by(graph)]


def _read_by(graph: Any) -> list[str]:
    found = [v.name for v in graph.output]
    for node in graph.node:
        found += node.input
        for attribute in node.attribute:
            if attribute.HasField("g"):
                found += _read_by(attribute.g)
    return found


def _subgraphs(node: Node) -> list[Any]:
    return [value for value in node.attributes.values() if hasattr(value, "node") and hasattr(value, "initializer")]


def _narrow(low: Array, high: Array) -> tuple[Array, Array]:
    """One number where all entries have the same end: an image of one colour takes no memory."""
    return tuple(  # type: ignore[return-value]
        end.reshape(-1)[0] if end.size > 1 and (end == end.reshape(-1)[0]).all() else end
        for end in (np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)))
