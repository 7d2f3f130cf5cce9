"""Interpolation: linear, axis by axis; the matrix of an axis is asked of ONNX's own evaluator."""

from __future__ import annotations

import numpy as np

from proofs_check.audit.rounding import times
from proofs_check.audit.rules import Call, only_first_moves, rule
from proofs_check.audit.value import ANYTHING, Array, Effect, Refused


@rule("Resize", (10, 11, 13, 18, 19), apart=only_first_moves)
def resize(call: Call) -> Effect:
    """The product of the norms along the axes."""
    if call.attribute("coordinate_transformation_mode", "") == "tf_crop_and_resize":
        raise Refused("Resize by a region")
    if call.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Refused("Resize that keeps the ratio of the sides")
    scales = call.value(1 if call.node.version == 10 else 2) if call.has(1 if call.node.version == 10 else 2) else None
    given = None if scales is None or scales.count == 0 else np.asarray(scales.constant, dtype=np.float64).reshape(-1)
    return _axis_by_axis(call, given)


@rule("Upsample", (7, 9), apart=only_first_moves)
def upsample(call: Call) -> Effect:
    """An older name."""
    given = call.weight(1, "a scale") if call.node.version == 9 else np.asarray(call.attribute("scales"))
    return _axis_by_axis(call, given.astype(np.float64).reshape(-1))


def _axis_by_axis(call: Call, scales: Array | None) -> Effect:
    if scales is None and call.node.version >= 18 and call.attribute("axes"):
        raise Refused("Resize to sizes of some axes")
    axes = call.attribute("axes") or range(len(call.shape(0)))
    rank = len(call.shape(0))
    by_axis = {} if scales is None else {int(a) % rank: float(s) for a, s in zip(axes, scales, strict=True)}
    bound, low, exact = 1.0, 1.0, True
    for axis, (n, m) in enumerate(zip(call.shape(0), call.out(), strict=True)):
        if n == m and by_axis.get(axis, 1.0) == 1.0:
            continue
        W = _matrix(call, n, m, by_axis.get(axis))
        bracket = call.norms.dense(W)
        bound, low = times(bound, bracket[1] * (1 + 2.0**-40)), low * bracket[0] * (1 - 2.0**-40)
        exact &= bool((W >= 0).all() and np.allclose(W.sum(axis=1), 1))
    return Effect({0: bound}, *(_hull(call) if exact else ANYTHING), at_least=low, note="interpolation")


def _hull(call: Call) -> tuple[Array, Array]:
    """Means stay between the least and the largest entry."""
    low, high = call.interval(0)
    slack = 2.0**-40 * max(1e-300, float(np.abs(low).max()) + float(np.abs(high).max()))
    return np.asarray(low.min() - slack), np.asarray(high.max() + slack)


def _matrix(call: Call, n: int, m: int, scale: float | None) -> Array:
    """What an axis is mapped by, column by column."""
    from onnx import helper

    from proofs_check.audit.folding import evaluate
    from proofs_check.audit.graph import Node

    kept = ("coordinate_transformation_mode", "cubic_coeff_a", "exclude_outside", "extrapolation_value", "mode",
            "nearest_mode", "antialias")
    attributes = {name: call.attribute(name) for name in kept if call.attribute(name) is not None}
    if call.node.op == "Upsample" or call.node.version == 10:  # today's words for what these did
        attributes = {"mode": call.attribute("mode", "nearest"), "coordinate_transformation_mode": "asymmetric",
                      "nearest_mode": "floor"}
    eye = np.eye(n)
    if scale is None:
        inputs, last = ["x", "", "", "s"], np.array([n, m], dtype=np.int64)
    else:
        inputs, last = ["x", "", "s"], np.array([1.0, scale], dtype=np.float32)
    proto = helper.make_node("Resize", inputs, ["y"], **attributes)
    node = Node("Resize", "", 19, "axis", tuple(inputs), ("y",), {}, proto)
    [rows] = evaluate(node, [eye, *(None for _ in inputs[1:-1]), last], {"": 19}, 10)
    if rows.shape != (n, m):
        raise Refused(f"an axis of {n} that is resized to {rows.shape[-1]}, not {m}")
    return np.asarray(rows, dtype=np.float64).T
