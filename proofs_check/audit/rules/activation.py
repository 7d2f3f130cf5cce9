"""Functions of one number, entry by entry, and the softmax family."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from proofs_check.audit.rounding import widened
from proofs_check.audit.rules import Call, refused, rule
from proofs_check.audit.value import Array, Effect

# Where a slope is a rounded number, this many units in the last place are added.
ULPS = 8
Map = Callable[[Array], Array]


def monotone(call: Call, f: Map, ulps: int = ULPS) -> tuple[Array, Array]:
    """The interval of a function that does not fall."""
    low, high = call.interval(0)
    with np.errstate(over="ignore"):
        return widened(f(low), f(high), ulps)


def _simple(op: str, versions: tuple[int, ...], f: Map, slope: float, ulps: int = ULPS) -> None:
    """A function that does not fall, and a slope that it nowhere exceeds."""

    @rule(op, versions, claim=f"audit.{op.lower()}")
    def bound(call: Call) -> Effect:
        return Effect({0: slope}, *monotone(call, f, ulps), shown=slope != 1.0)


_simple("Relu", (1, 6, 13, 14), lambda x: np.maximum(x, 0), 1.0, 0)
_simple("Tanh", (1, 6, 13), np.tanh, 1.0)
_simple("Sigmoid", (1, 6, 13), lambda x: 1 / (1 + np.exp(-x)), 0.25)
_simple("Softplus", (1, 22), lambda x: np.logaddexp(0, x), 1.0)


@rule("LeakyRelu", (1, 6, 16))
def leaky_relu(call: Call) -> Effect:
    """max(1, |alpha|)."""
    alpha = abs(float(call.attribute("alpha", 0.01)))
    return Effect({0: max(1.0, alpha)}, shown=alpha > 1)


@rule("Softmax", (1, 11, 13))
def softmax(call: Call) -> Effect:
    """1/2, whatever the axis (thesis.sec-5.2.3-softmax)."""
    return Effect({0: 0.5}, np.asarray(0.0), np.asarray(1.0))


refused("it jumps", "Sign", "Floor", "Ceil", "Round", "ArgMax", "ArgMin", "Hardmax", "Greater", "Less", "Equal",
        "GreaterOrEqual", "LessOrEqual", "Not", "And", "Or", "Xor", "IsNaN", "IsInf", "OneHot", "QuantizeLinear",
        "DynamicQuantizeLinear", "BitShift", "TreeEnsemble")
refused("it jumps", "TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor", domain="ai.onnx.ml")
