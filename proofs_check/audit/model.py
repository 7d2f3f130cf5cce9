"""The audit of a graph: from its inputs, or between named tensors, everywhere or on a box."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from proofs_check.audit import rules
from proofs_check.audit.folding import RANDOM
from proofs_check.audit.graph import Graph, Input
from proofs_check.audit.merged import merged
from proofs_check.audit.norms import Norms, Placeholders
from proofs_check.audit.propagate import OF_SHAPES, Interpreter, Row, folded, needed
from proofs_check.audit.rounding import length
from proofs_check.audit.samples import mixing
from proofs_check.audit.spelled import fused
from proofs_check.audit.value import Array, Refused, Value

# float, float16, double, bfloat16, as ONNX numbers them.
REAL = (1, 10, 11, 16)


@dataclass(frozen=True)
class Options:
    """What is asked of a graph.

    `dims` sets symbolic axes by name, `shapes` all axes of an input. `boxes` holds the domain of an input: the ends of
    an interval for every entry. `start` and `ends` name tensors in the place of the inputs and outputs.
    """

    dims: Mapping[str, int] = field(default_factory=dict)
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    boxes: Mapping[str, tuple[Array, Array]] = field(default_factory=dict)
    start: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()


@dataclass
class GraphAudit:
    """The rows, the bound with respect to each input and to all together, and what was refused, by node.

    `slope` is the largest one found between two inputs.
    """

    rows: list[Row] = field(default_factory=list)
    by_input: dict[str, float] = field(default_factory=dict)
    bound: float | None = None
    refused: dict[str, str] = field(default_factory=dict)
    per_sample: bool = False
    slope: float | None = None


def audit(graph: Graph, options: Options | None = None, done: Callable[[str], None] = lambda name: None) -> GraphAudit:
    """Bound the graph; where a node has no finite constant, say so before any norm is computed."""
    options = options or Options()
    graph = folded(graph)
    given, counting = starts(graph, options)
    graph = merged(fused(graph, moving(graph, given)))
    ends = options.ends or tuple(graph.outputs)
    _check_ends(graph, ends, given)
    if without := without_rule(graph, given, ends):
        return GraphAudit(refused=without)
    if counting and (where := mixing(graph, given, counting, ends)):
        raise ValueError(
            f"the first axis of {counting[0]} has no size, and the samples on it mix or are counted at {where}: "
            f"--shape {counting[0]}=SIZE,SIZE,... or --dim NAME=SIZE")
    dry = Interpreter(Placeholders())
    found = _result(dry, dry.run(graph, given, until=ends), ends)
    if found.bound is None and not counting:  # with the sizes that are known now more may be one function
        graph = fused(learned(graph, dry.trace.values), moving(graph, given))
        dry = Interpreter(Placeholders())
        found = _result(dry, dry.run(graph, given, until=ends), ends)
    if found.bound is None:
        return GraphAudit(refused=found.refused)
    real = Interpreter(Norms(), done)
    result = _result(real, real.run(graph, given, until=ends), ends)
    result.per_sample = bool(counting)
    return result


def learned(graph: Graph, values: Mapping[str, Value]) -> Graph:
    """The graph with the constants that the sizes of the inputs make known."""
    known = {name: value.constant for name, value in values.items() if value.constant is not None}
    nodes = [node for node in graph.nodes if not all(name in known for name in node.outputs if name)]
    return replace(graph, nodes=nodes, constants={**graph.constants, **known})


def _result(interpreter: Interpreter, values: Mapping[str, Value], ends: tuple[str, ...]) -> GraphAudit:
    trace = interpreter.trace
    outputs = [values[name] for name in ends]
    names = dict.fromkeys(name for value in outputs for name in value.lipschitz)
    by_input = {name: length(value.lipschitz.get(name, 0.0) for value in outputs) for name in names}
    bound = length(by_input.values())
    refused = dict(trace.refused)
    if math.isinf(bound) and not refused:
        refused = {name: values[name].why or "no finite constant is known" for name in ends if not values[name].bounded}
    finite = math.isfinite(bound)
    return GraphAudit(trace.rows, by_input if finite else {}, bound if finite else None, {} if finite else refused)


def starts(graph: Graph, options: Options) -> tuple[dict[str, Value], list[str]]:
    """What is known of the inputs, and which of them have a first axis without a size, taken for one sample.

    Raises
    ------
    ValueError
        If a size is missing, or an option names what is not there.
    """
    names = options.start or tuple(graph.inputs)
    # A tensor inside has the precision of the inputs.
    inner = next((tensor.type for tensor in graph.inputs.values() if tensor.type in REAL), 1)
    known = {name for node in graph.nodes for name in node.outputs} | set(graph.inputs) | set(graph.constants)
    for what, given in (("--from", options.start), ("--shape", options.shapes), ("a box", options.boxes)):
        if unknown := sorted(set(given) - known):
            raise ValueError(f"{what} names {unknown[0]!r}, which is no tensor of the graph")
    found: dict[str, Value] = {}
    counting: list[str] = []
    for name in names:
        tensor = graph.inputs.get(name, Input(name, inner, None))
        shape = _sizes(tensor, options, counting)
        low, high = options.boxes.get(name, (np.asarray(-np.inf), np.asarray(np.inf)))
        found[name] = Value(shape, tensor.type, None, {name: 1.0}, low, high)
    for name, tensor in graph.inputs.items():
        if name not in found and options.start:
            found[name] = Value(_sizes(tensor, options, counting), tensor.type, None, {name: 1.0})
    return found, counting


def _sizes(tensor: Input, options: Options, counting: list[str]) -> tuple[int, ...]:
    if tensor.name in options.shapes:
        return options.shapes[tensor.name]
    if tensor.shape is None:
        raise ValueError(f"the size of {tensor.name} is not known: --shape {tensor.name}=SIZE,SIZE,...")
    sizes = [options.dims.get(size, size) if isinstance(size, str) else size for size in tensor.shape]
    if sizes and not isinstance(sizes[0], int):
        sizes[0] = 1
        counting.append(tensor.name)
    for place, size in enumerate(sizes):
        if not isinstance(size, int):
            how = f"--dim {size}=SIZE or " if size else ""
            raise ValueError(
                f"axis {place} of the input {tensor.name} has no size"
                f"{f' but the name {size}' if size else ''}: {how}--shape {tensor.name}=SIZE,SIZE,...")
        if size <= 0:
            raise ValueError(f"axis {place} of the input {tensor.name} must be positive, got {size}")
    return tuple(sizes)  # type: ignore[arg-type]


def _check_ends(graph: Graph, ends: tuple[str, ...], given: Mapping[str, Any]) -> None:
    known = {name for node in graph.nodes for name in node.outputs} | set(given) | set(graph.constants)
    if unknown := [name for name in ends if name not in known]:
        raise ValueError(f"--to names {unknown[0]!r}, which is no tensor of the graph")


def moving(graph: Graph, given: Mapping[str, Value]) -> set[str]:
    """The tensors that depend on what is given, not only on its size."""
    found = set(given)
    for node in graph.nodes:
        if not (node.op in OF_SHAPES and not node.domain) and any(name in found for name in node.inputs):
            found.update(name for name in node.outputs if name)
    return found


def without_rule(graph: Graph, given: Mapping[str, Value], ends: tuple[str, ...]) -> dict[str, str]:
    """The nodes on the way whose operator has no rule, before anything is computed."""
    rules.load()
    moves, found, wanted = moving(graph, given), {}, needed(graph, ends, given)
    for node in graph.nodes:
        own = [name for name in node.outputs if name in wanted and name not in given]
        if not any(name in moves or node.op in RANDOM for name in own):
            continue
        try:
            if node.op != "If" or node.domain:  # its branches are looked at when one is taken
                rules.find(node)
        except Refused as why:
            found[node.name] = str(why)
    return found
