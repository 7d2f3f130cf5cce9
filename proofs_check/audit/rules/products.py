"""Products, quotients and powers: with a constant everywhere, of two that move on a box."""

from __future__ import annotations

import numpy as np

from proofs_check.audit.rounding import (
    above,
    interval_product,
    interval_reciprocal,
    root,
    up,
)
from proofs_check.audit.rules import Call, entrywise, rule
from proofs_check.audit.value import Array, Effect, Refused

ON_A_BOX = "has no finite constant everywhere; on a box it can have one: --within LOW HIGH, --at FILE --radius R"


def spread(call: Call, i: int, slopes: Array) -> float:
    """The factor of an input whose change is multiplied, entry of the output by entry, by at most these slopes."""
    shape, out = call.shape(i), call.out()
    if slopes.size == 1:
        slope = float(slopes.reshape(-1)[0])
        return 0.0 if slope == 0 else up(slope * root(call.repeats(i)))
    squares = np.broadcast_to(slopes, out)
    scale = float(squares.max(initial=0.0))
    if scale == 0 or not np.isfinite(scale):
        return scale
    lead = len(out) - len(shape)
    axes = tuple(range(lead)) + tuple(lead + k for k, n in enumerate(shape) if n == 1 and out[lead + k] != 1)
    if not axes:
        return scale
    total = ((squares / scale) ** 2).sum(axis=axes)
    return scale * float(np.sqrt(total.max())) * (1 + (8 + call.repeats(i)) * 2.0**-52)


def finite(factors: dict[int, float], what: str) -> dict[int, float]:
    """The factors, where they are finite."""
    if not all(np.isfinite(factor) for factor in factors.values()):
        raise Refused(f"{what} {ON_A_BOX}")
    return factors


@rule("Mul", (7, 13, 14), moves=(0, 1), apart=entrywise)
def mul(call: Call) -> Effect:
    """Each side times the size of the other."""
    factors = {i: spread(call, i, call.size(1 - i)) for i in (0, 1) if call.moves(i)}
    what = "a product of two that move" if len(factors) == 2 else "a product with a constant that is not finite"
    interval = interval_product(call.interval(0), call.interval(1))
    if call.node.inputs[0] == call.node.inputs[1]:  # a square
        interval = np.maximum(interval[0], 0.0), interval[1]
    return Effect(finite(factors, what), *interval, note="a product")


@rule("Div", (7, 13, 14), moves=(0, 1), apart=entrywise)
def div(call: Call) -> Effect:
    """1/b for the numerator, a/b^2 for the denominator, which must stay away from 0."""
    low, high = call.interval(1)
    if np.any((low <= 0) & (high >= 0)):
        raise Refused("a division by what can be 0" if call.moves(1) else "a division by 0")
    inverse = interval_reciprocal((low, high))
    most = np.maximum(np.abs(inverse[0]), np.abs(inverse[1]))
    factors = {}
    if call.moves(0):
        factors[0] = spread(call, 0, most)
    if call.moves(1):
        with np.errstate(invalid="ignore", over="ignore"):
            slopes = above(above(above(call.size(0) * most) * most))
        factors[1] = spread(call, 1, np.where(np.isnan(slopes), np.inf, slopes))
    interval = interval_product(call.interval(0), inverse)
    return Effect(finite(factors, "a quotient"), *interval, note="a quotient")


@rule("Pow", (7, 12, 13, 15), apart=entrywise)
def power(call: Call) -> Effect:
    """|p| |x|^(p - 1), for a constant exponent."""
    p = call.weight(1, "an exponent")
    low, high = (np.broadcast_to(end, call.out()) for end in call.interval(0))
    whole = p == np.round(p)
    if np.any(~whole & (low < 0)) or np.any((p < 1) & (p != 0) & (low <= 0) & (high >= 0)):
        raise Refused(f"a power of what can be {'0' if np.all(whole) else 'negative'}: it {ON_A_BOX}")
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        ends = [np.abs(end) ** (p - 1) * np.abs(p) * (1 + 2.0**-48) for end in (low, high)]
        slopes = np.where(p == 0, 0.0, np.maximum(*ends))
        values = [end**p for end in (low, high)]
    even = whole & (p % 2 == 0)
    most, least = np.maximum(*values), np.minimum(*values)
    least = np.where(even & (low <= 0) & (high >= 0), np.where(p == 0, 1.0, 0.0), least)
    pad = 2.0**-48
    factor = finite({0: spread(call, 0, np.where(np.isnan(slopes), np.inf, slopes))}, "a power")
    least = np.where(even, np.maximum(least * (1 - pad), 0.0), least - np.abs(least) * pad)
    return Effect(factor, least, most + np.abs(most) * pad, note="a power")
