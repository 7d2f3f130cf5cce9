"""Sums of products over named axes."""

from __future__ import annotations

import math

import numpy as np

from proofs_check.audit.rounding import root, times
from proofs_check.audit.rules import Call, rule
from proofs_check.audit.rules.products import ON_A_BOX
from proofs_check.audit.value import ANYTHING, Effect, Refused


@rule("Einsum", (12,), moves=(0, 1))
def einsum(call: Call) -> Effect:
    """With a constant the largest norm of its matrices; of two that move the length of the other."""
    text = str(call.attribute("equation")).replace(" ", "")
    terms, arrow, out = text.partition("->")
    names = terms.split(",")
    if not arrow or "." in text or len(names) > 2 or any(len(set(t)) != len(t) for t in (*names, out)):
        raise Refused(f"the equation {text}")
    sizes = {axis: n for i, term in enumerate(names) for axis, n in zip(term, call.shape(i), strict=True)}
    if len(names) == 1:
        return Effect({0: root(float(math.prod(sizes[axis] for axis in names[0] if axis not in out)))}, note=text)
    factors = {}
    for i in (0, 1):
        if call.moves(i):
            mine, other = set(names[i]), set(names[1 - i])
            # What is summed over in the moving factor alone.
            summed = root(float(math.prod(sizes[axis] for axis in mine - other - set(out))))
            factors[i] = times(summed, _moved_by(call, 1 - i, names[1 - i], mine, set(out), sizes))
    return Effect(factors, *ANYTHING, note=text)


def _moved_by(call: Call, i: int, axes: str, moving: set[str], out: set[str], sizes: dict[str, int]) -> float:
    """The factor of the side that moves, from the other one."""
    if call.moves(i):
        size = np.broadcast_to(call.size(i), call.shape(i))
        if not np.isfinite(size).all():
            raise Refused(f"a product of two that move {ON_A_BOX}")
        alone = root(float(math.prod(sizes[axis] for axis in set(axes) - moving - out)))
        return times(alone, float(np.sqrt((size**2).sum())) * (1 + size.size * 2.0**-52))
    W = call.weight(i)
    for axis in [a for a in axes if a not in moving and a not in out]:
        W, axes = W.sum(axis=axes.index(axis)), axes.replace(axis, "")
    shared = [a for a in axes if a in moving and a in out]
    rows = [a for a in axes if a not in moving]
    columns = [a for a in axes if a in moving and a not in out]
    stack = np.transpose(W, [axes.index(a) for a in (*shared, *rows, *columns)]).reshape(
        -1, math.prod(sizes[a] for a in rows), math.prod(sizes[a] for a in columns))
    return max(call.norms.dense(each)[1] for each in stack) * (1 + 2.0**-40)
