"""Activations and their Lipschitz constants."""

from __future__ import annotations

import math
from typing import Any

from gpu._arguments import as_real_array, in_range
from gpu._namespace import Array, Namespace, namespace_of, quiet, special, working
from refimpl._arguments import as_choice, as_number

ACTIVATIONS = ("relu", "leaky_relu", "tanh", "sigmoid", "gelu", "softplus", "silu", "abs", "identity")
# The largest slopes of x Phi(x), at the root of 2, and of x / (1 + exp(-x)), where (x / 2) tanh(x / 2) = 1.
SLOPES = {"sigmoid": 0.25, "gelu": 1.1289041451851548, "silu": 1.0998393201288669}


def activation(x: Any, name: Any, *, slope: float = 0.01) -> Array:
    """`refimpl.layers.activation`."""
    xp = namespace_of(x)
    values = working(xp, as_real_array(x, "x"))
    as_choice(name, "name", ACTIVATIONS)
    a = as_number(slope, "slope")
    with quiet():
        # NumPy before 2 makes float64 of numbers without dimensions.
        return in_range(xp.astype(xp.asarray(_value(xp, values, name, a)), values.dtype), "y", xp)


def _value(xp: Namespace, x: Array, name: str, a: float) -> Array:
    zero = xp.zeros_like(x)
    if name == "relu":
        return xp.maximum(x, zero)
    if name == "leaky_relu":
        return xp.maximum(x, zero) + a * xp.minimum(x, zero)
    if name == "tanh":
        return xp.tanh(x)
    if name == "sigmoid":
        return special("expit", x)
    if name == "gelu":
        return x * special("ndtr", x)
    if name == "softplus":
        return xp.logaddexp(zero, x)
    if name == "silu":
        return x * special("expit", x)
    return xp.abs(x) if name == "abs" else x


def activation_derivative(x: Any, name: Any, *, slope: float = 0.01) -> Array:
    """`refimpl.layers.activation_derivative`."""
    xp = namespace_of(x)
    values = working(xp, as_real_array(x, "x"))
    as_choice(name, "name", ACTIVATIONS)
    a = as_number(slope, "slope")
    with quiet():
        return xp.astype(xp.asarray(_slope(xp, values, name, a)), values.dtype)


def _slope(xp: Namespace, x: Array, name: str, a: float) -> Array:
    one = xp.ones_like(x)
    if name in ("relu", "leaky_relu", "abs"):
        low = {"relu": 0.0, "leaky_relu": a, "abs": -1.0}[name]
        return xp.where(x > 0, one, low * one)
    if name == "tanh":
        decay = xp.exp(-2 * xp.abs(x))
        return 4 * decay / (1 + decay) ** 2
    if name == "gelu":
        return special("ndtr", x) + x * xp.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    if name == "identity":
        return one
    s = special("expit", x)
    if name == "softplus":
        return s
    other = special("expit", -x)
    return s * other if name == "sigmoid" else s * (1 + x * other)


def activation_lipschitz(name: Any, *, slope: float = 0.01) -> float:
    """`refimpl.layers.activation_lipschitz`; a number, on the host."""
    as_choice(name, "name", ACTIVATIONS)
    a = as_number(slope, "slope")
    return max(1.0, abs(a)) if name == "leaky_relu" else SLOPES.get(name, 1.0)
