"""Nodes that move, copy or drop entries: where each output comes from is asked of ONNX's own evaluator."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from proofs_check.audit.rounding import root, up
from proofs_check.audit.rules import Call, leading, only_first_moves, refused, rule
from proofs_check.audit.value import ANYTHING, Array, Effect, Refused, Value

# An output that is no entry of an input that moves.
CONSTANT = 0


def moving(call: Call) -> Effect:
    """Every entry goes to one place or to none: 1."""
    [(low, high)] = call.moved(0)[:1]
    return Effect({0: 1.0}, low, high, shown=False)


def _same_first(call: Call) -> bool:
    if call.node.op == "Transpose":
        order = call.attribute("perm") or list(range(len(call.shape(0))))[::-1]
        return int(order[0]) == 0
    return leading(call)


for _op, _versions in {
    "Identity": (1, 13, 14, 16, 19, 21, 23, 24, 25), "Flatten": (1, 9, 11, 13, 21, 23, 24, 25),
    "Reshape": (5, 13, 14, 19, 21, 23, 24, 25), "Transpose": (1, 13, 21, 23, 24, 25),
    "Squeeze": (1, 11, 13, 21, 23, 24, 25), "Unsqueeze": (1, 11, 13, 21, 23, 24, 25),
}.items():
    rule(_op, _versions, claim="audit.movement", apart=_same_first)(moving)


def copying(call: Call, places: Sequence[int]) -> list[Effect | str]:
    """The root of how often an entry is copied, by numbering the entries of the inputs and moving the numbers."""
    numbers, start = [], 1
    for i, arg in enumerate(call.args):
        if i in places and arg is not None:
            numbers.append(np.arange(start, start + arg.count, dtype=np.float64).reshape(arg.shape))
            start += arg.count
        else:
            numbers.append(None if arg is None else arg.constant)
    effects: list[Effect | str] = []
    for output, moved in zip(call.evaluate_all(numbers), call.moved(*places), strict=True):
        sources = output.reshape(-1).astype(np.int64)
        counts, factors, start = np.bincount(sources[sources > 0], minlength=start), {}, 1
        for i in places:
            count = call.value(i).count
            if call.moves(i):
                factors[i] = root(float(counts[start : start + count].max(initial=0)))
            start += count
        effects.append(Effect(factors, *moved, apart=True, shown=max(factors.values()) > 1, note="copied entries"))
    return effects


def _beside(call: Call) -> bool:
    axis = int(call.attribute("axis", 1)) % len(call.out())
    return axis > 0 and all(value is None or value.moves or _alike(value) for value in call.args)


def _alike(value: Value) -> bool:
    """A constant that is the same for every sample."""
    array = value.constant
    return array is not None and bool((array == array[:1]).all())


@rule("Concat", (1, 4, 11, 13), moves=range(10**4), claim="audit.concat", apart=_beside)
def concat(call: Call) -> Effect:
    """The parts stay apart: the root of the sum of squares."""
    places = [i for i in range(len(call.args)) if call.has(i)]
    [(low, high)] = call.moved(*places)
    return Effect(dict.fromkeys(places, 1.0), low, high, apart=True, shown=False)


def _in_place(call: Call) -> bool:
    """Every output comes from the same sample, or from no input."""
    if not leading(call) or any(call.moves(i) for i in range(1, len(call.args))):
        return False
    numbers = np.arange(1, call.value(0).count + 1, dtype=np.float64).reshape(call.shape(0))
    each = call.value(0).count // call.shape(0)[0]
    rest = [None if arg is None else arg.constant for arg in call.args[1:]]
    if call.node.op == "Pad" and len(rest) > 1 and rest[1] is not None:
        rest[1] = np.zeros_like(rest[1], dtype=np.float64)  # what is filled in has no number
    for output in call.evaluate_all([numbers, *rest]):
        for sample, taken in enumerate(output):
            if ((taken[taken > 0] - 1) // each != sample).any():
                return False
    return True


def _first(call: Call) -> list[Effect | str]:
    return copying(call, (0,))


for _op, _versions in {
    "Expand": (8, 13), "Tile": (6, 13), "Slice": (1, 10, 11, 13), "Split": (2, 11, 13, 18), "Gather": (1, 11, 13),
    "GatherElements": (11, 13), "GatherND": (11, 12, 13), "DepthToSpace": (1, 11, 13), "SpaceToDepth": (1, 13),
    "ReverseSequence": (10,), "Trilu": (14,), "CenterCropPad": (18,),
}.items():
    rule(_op, _versions, claim="audit.copying", apart=_in_place)(_first)


@rule("Pad", (2, 11, 13, 18, 19, 21, 23, 24, 25), apart=_in_place)
def pad(call: Call) -> list[Effect | str]:
    """Constants add nothing; mirrored, repeated and wrapped entries are copies."""
    if call.attribute("mode", "constant") == "constant":
        return [Effect({0: 1.0}, *_with_constant(call), shown=False)]
    return copying(call, (0,))


def _with_constant(call: Call) -> tuple[Array, Array]:
    if all(np.isinf(end).all() for end in call.interval(0)):
        return ANYTHING
    return call.moved(0)[0]


@rule("Where", (9, 16), moves=(1, 2))
def where(call: Call) -> Effect:
    """A choice that is constant: the entries that are taken."""
    places = [i for i in (1, 2) if call.moves(i)]
    choice = np.broadcast_to(np.asarray(call.value(0).constant, dtype=bool), call.out())
    factors, ends = {}, []
    for i in places:
        taken = choice if i == 1 else ~choice
        factors[i] = root(float(_sums(taken, call.shape(i)).max()))
    for which in (0, 1):
        yes, no = (np.broadcast_to(call.interval(i)[which], call.out()) for i in (1, 2))
        ends.append(np.where(choice, yes, no))
    return Effect(factors, ends[0], ends[1], apart=True, shown=max(factors.values()) > 1, note="repeated entries")


def _sums(array: Array, shape: tuple[int, ...]) -> Array:
    """The sums over what one entry of this shape is broadcast to."""
    lead = array.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(lead + i for i, n in enumerate(shape) if n == 1 and array.shape[lead + i] != 1)
    total: Array = array.sum(axis=axes, keepdims=True, dtype=np.float64)
    return total.reshape(shape)


@rule("ScatterElements", (11, 13, 16, 18), moves=(0, 2))
def scatter_elements(call: Call) -> Effect:
    """Some entries are put in the place of others; with repeated places the last or a sum counts."""
    return _scatter(call)


@rule("ScatterND", (11, 13, 16, 18), moves=(0, 2))
def scatter_nd(call: Call) -> Effect:
    """Some entries are put in the place of others."""
    return _scatter(call)


def _scatter(call: Call) -> Effect:
    if call.attribute("reduction", "none") != "none":
        raise Refused("entries that are added or multiplied into others")
    return next(e for e in copying(call, (0, 2)) if isinstance(e, Effect))


@rule("Dropout", (1, 6, 7, 10, 12, 13, 22), apart=only_first_moves)
def dropout(call: Call) -> list[Effect | str]:
    """The identity; while training 1 / (1 - ratio), whatever is dropped."""
    if call.node.version < 7 and not call.attribute("is_test", 0):
        training, ratio = True, float(call.attribute("ratio", 0.5))
    else:
        mode = call.value(2).constant if call.has(2) else None
        training = mode is not None and bool(np.asarray(mode).reshape(-1)[0])
        ratio = float(call.weight(1).reshape(-1)[0]) if call.has(1) else 0.5
    if not training:
        return [Effect({0: 1.0}, *call.interval(0), shown=False), "a mask"]
    if not 0 <= ratio < 1:
        raise Refused(f"a ratio of {ratio:g}")
    return [Effect({0: up(1 / (1 - ratio))}, note=f"while training, ratio {ratio:g}"), "a mask"]


refused("a body that is run again and again", "Loop", "Scan")
refused("which entries are taken jumps", "NonZero", "Unique", "Compress", "TopK", "NonMaxSuppression")
