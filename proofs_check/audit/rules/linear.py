"""Matrices, sums, and products with constants."""

from __future__ import annotations

import numpy as np

from proofs_check.audit.rounding import (
    above,
    interval_negative,
    interval_product,
    interval_sum,
    root,
    times,
)
from proofs_check.audit.rules import Call, entrywise, entrywise_of, rule
from proofs_check.audit.rules.products import ON_A_BOX
from proofs_check.audit.value import ANYTHING, Array, Effect, Refused


def product_interval(x: tuple[Array, Array], W: Array) -> tuple[Array, Array]:
    """The interval of x @ W for a constant matrix, outward: middle and radius, with the rounding of both products."""
    if np.isinf(x[0]).any() or np.isinf(x[1]).any():
        return ANYTHING
    middle = x[0] / 2 + x[1] / 2
    radius = above(np.maximum(x[1] - middle, middle - x[0]))
    A = np.abs(W)
    # A sum of n products is off by at most about n units of roundoff of the sum of absolute values.
    error = (len(W) + 4) * 2.0**-52 * ((np.abs(middle) + radius) @ A) + 1e-300
    return middle @ W - radius @ A - error, middle @ W + radius @ A + error


def whole(end: Array, shape: tuple[int, ...]) -> Array:
    """An end of an interval at every entry."""
    return np.broadcast_to(end, shape)


def _rows(call: Call) -> bool:
    """Rows of the first factor are mapped one by one; what is added is the same for all, or moves with them."""
    if call.moves(1) or call.attribute("transA", 0) or len(call.shape(0)) < 2 or len(call.shape(1)) > 2:
        return False
    added = call.value(2) if call.has(2) else None
    return added is None or entrywise_of(added.shape, call.out(), moves=added.moves)


@rule("Gemm", (7, 9, 11, 13), moves=(0, 1, 2), apart=_rows)
def gemm(call: Call) -> Effect:
    """The factors of A B, and of C: the norm of the constant factor for the other, the repetitions of C."""
    alpha, beta = float(call.attribute("alpha", 1.0)), float(call.attribute("beta", 1.0))
    if call.moves(0) and call.moves(1):
        raise Refused("a product of two that move")
    factors, interval, low, note = {}, ANYTHING, None, ""
    for moving, still, flag in ((0, 1, "transB"), (1, 0, "transA")):
        if call.moves(moving):
            W = call.weight(still)
            bracket = _bracket(call, W, 0 if call.attribute("transB", 0) else 1)
            factors[moving] = times(abs(alpha), bracket[1])
            low, note = abs(alpha) * bracket[0] * (1 - 2.0**-50), f"matrix {W.shape[0]}x{W.shape[1]}"
            if moving == 0 and not call.attribute("transA", 0):
                ends = tuple(whole(end, call.shape(0)) for end in call.interval(0))
                interval = product_interval(ends, alpha * (W.T if call.attribute(flag, 0) else W))
    if call.has(2):
        if call.moves(2):
            factors[2] = times(abs(beta), root(call.repeats(2)))
            low = None if len(factors) > 1 else low
        interval = interval_sum(interval, interval_product((np.asarray(beta),) * 2, call.interval(2)))
    return Effect(factors, *call.scaled(*interval, -1), at_least=low, note=note)


@rule("MatMul", (1, 9, 13), moves=(0, 1), apart=_rows)
def matmul(call: Call) -> Effect:
    """A constant matrix on either side: the largest norm of its stack; of two that move, where they are bounded."""
    if call.moves(0) and call.moves(1):
        return _both_move(call)
    moving = 0 if call.moves(0) else 1
    W = call.weight(1 - moving)
    if W.ndim < 2:
        W = W.reshape(-1, 1) if moving == 0 else W.reshape(1, -1)
    stack = W.reshape(-1, *W.shape[-2:])
    brackets = [_bracket(call, each, 1) for each in stack]
    high = max(bracket[1] for bracket in brackets)
    copies = root(_copies(call, moving))
    interval = ANYTHING
    if moving == 0 and W.ndim == 2:
        interval = product_interval(tuple(whole(end, call.shape(0)) for end in call.interval(0)), call.weight(1))
    at_least = max(bracket[0] for bracket in brackets) if copies == 1 else None
    return Effect({moving: times(high, copies)}, *call.scaled(*interval, -1), at_least=at_least,
                  note=f"matrix {W.shape[-2]}x{W.shape[-1]}" + (f", {len(stack)} of them" if len(stack) > 1 else ""))


def _bracket(call: Call, W: Array, axis: int) -> tuple[float, float]:
    """The norm of a matrix, behind it the constant factors that are merged into the layer."""
    slopes = call.attribute("slopes")
    if slopes is None:
        return call.norms.dense(W)
    low, high = call.norms.dense(W * (slopes[:, None] if axis == 0 else slopes))
    return low * (1 - 2.0**-46), high * (1 + 2.0**-46)


def _both_move(call: Call) -> Effect:
    """Each side times the largest length of the other's matrices."""
    lengths, sizes = {}, [np.broadcast_to(call.size(i), call.shape(i)) for i in (0, 1)]
    for i in (0, 1):
        if not np.isfinite(sizes[i]).all():
            raise Refused(f"a product of two that move {ON_A_BOX}")
        matrix = sizes[i] if sizes[i].ndim > 1 else sizes[i][:, None]
        lengths[i] = float(np.sqrt((matrix**2).sum(axis=(-2, -1)).max())) * (1 + matrix.size * 2.0**-52)
    factors = {i: times(lengths[1 - i], root(_copies(call, i))) for i in (0, 1)}
    bound = np.abs(call.evaluate(sizes)) * (1 + sizes[0].shape[-1] * 2.0**-50)
    low = 0.0 if all((call.interval(i)[0] >= 0).all() for i in (0, 1)) else -bound
    return Effect(factors, np.asarray(low), bound, note="a product of two that move")


def _copies(call: Call, moving: int) -> float:
    """How many products each matrix of the moving side takes part in."""
    def stack_of(shape: tuple[int, ...]) -> int:
        return int(np.prod(shape[:-2], dtype=object))

    mine, other = call.shape(moving), call.shape(1 - moving)
    if len(mine) == 1:
        return stack_of(other) if len(other) > 1 else 1
    shape = np.broadcast_shapes(mine[:-2], other[:-2] if len(other) > 1 else ())
    return int(np.prod(shape, dtype=object)) // stack_of(mine)


def _sum(call: Call, sign: int) -> Effect:
    other = call.interval(1) if sign > 0 else interval_negative(call.interval(1))
    factors = {i: root(call.repeats(i)) for i in (0, 1) if call.moves(i)}
    both = len(factors) == 2
    return Effect(factors, *interval_sum(call.interval(0), other), shown=both or max(factors.values()) > 1,
                  note="a sum: the constants of its terms are added" if both else "repeated entries")


@rule("Add", (7, 13, 14), moves=(0, 1), apart=entrywise)
def add(call: Call) -> Effect:
    """A sum."""
    return _sum(call, 1)


@rule("Sub", (7, 13, 14), moves=(0, 1), apart=entrywise)
def sub(call: Call) -> Effect:
    """A difference."""
    return _sum(call, -1)
