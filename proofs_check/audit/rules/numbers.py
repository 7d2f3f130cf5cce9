"""Types, sorting, running sums and products."""

from __future__ import annotations

import numpy as np

from proofs_check.audit.rules import Call, entrywise, rule
from proofs_check.audit.rules.products import ON_A_BOX
from proofs_check.audit.value import ANYTHING, Effect, Refused

# float, float16, double, bfloat16, as ONNX numbers them.
REAL = (1, 10, 11, 16)


def _to(call: Call, wanted: int) -> Effect:
    if call.value(0).type in REAL and wanted not in REAL:
        raise Refused(f"{call.node.op} to integers or truth values jumps")
    # That fewer bits are kept is rounding, which the bound does not count.
    return Effect({0: 1.0}, *call.interval(0), shown=False)


@rule("Cast", (1, 6, 9, 13, 19, 21, 23, 24, 25), apart=entrywise)
def cast(call: Call) -> Effect:
    """From real to real numbers the identity."""
    return _to(call, int(call.attribute("to")))


@rule("CastLike", (15, 19, 21, 23, 24, 25), apart=entrywise)
def cast_like(call: Call) -> Effect:
    """The type of another tensor."""
    return _to(call, call.value(1).type)


@rule("TopK", (1, 10, 11, 24))
def top_k(call: Call) -> list[Effect | str]:
    """1: sorting brings no two vectors farther apart (the rearrangement inequality), and the rest is dropped."""
    low, high = call.interval(0)
    return [Effect({0: 1.0}, np.asarray(low.min()), np.asarray(high.max()), shown=False), "places jump"]


@rule("CumSum", (11, 14))
def running_sum(call: Call) -> Effect:
    """The norm of a triangle of ones."""
    [axis] = call.integers(1, "an axis")
    n, shifted = call.shape(0)[axis], int(call.attribute("exclusive", 0))
    low, high = call.norms.dense(np.tril(np.ones((n, n)), -shifted))
    return Effect({0: high}, *ANYTHING, at_least=low, note=f"running sums of {n}")


@rule("ReduceProd", (1, 11, 13, 18))
def product(call: Call) -> Effect:
    """The length of the vector of the products of all other entries."""
    size = np.broadcast_to(call.size(0), call.shape(0))
    if not np.isfinite(size).all():
        raise Refused(f"a product {ON_A_BOX}")
    axes = call.attribute("axes") or (call.integers(1, "axes") if call.has(1) else None)
    if axes is None:
        axes = [] if call.attribute("noop_with_empty_axes", 0) else list(range(size.ndim))
    axes = sorted(int(axis) % size.ndim for axis in axes)
    kept = [axis for axis in range(size.ndim) if axis not in axes]
    groups = np.transpose(size, (*kept, *axes)).reshape(*(size.shape[axis] for axis in kept), -1)
    ones = np.ones((*groups.shape[:-1], 1))
    before = np.cumprod(np.concatenate([ones, groups[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([ones, groups[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    far = float(groups.prod(axis=-1).max(initial=0.0)) * (1 + groups.shape[-1] * 2.0**-50)
    most = float(np.sqrt(((before * after) ** 2).sum(axis=-1)).max()) * (1 + groups.shape[-1] * 2.0**-48)
    return Effect({0: most}, np.asarray(-far), np.asarray(far), note="a product of its entries")
