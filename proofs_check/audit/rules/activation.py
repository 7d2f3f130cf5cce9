"""Functions of one number, entry by entry, and the softmax family."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import special

from proofs_check.audit.rounding import above, root, widened
from proofs_check.audit.rules import Call, entrywise, refused, rule
from proofs_check.audit.rules.products import ON_A_BOX, finite, spread
from proofs_check.audit.value import ANYTHING, Array, Effect, Refused
from refimpl.layers import activation_lipschitz

# Functions of NumPy and SciPy are taken to be right to this many units in the last place.
ULPS = 8
Map = Callable[[Array], Array]
# The largest slopes that have no closed form, rounded up; `tests/proofs_check/audit/test_slopes.py` encloses them.
MISH = 1.0884988
TANH_GELU = 1.1290043
HARD_SWISH = 1.5
SILU = 1.0998394


def _image(call: Call, f: Map, ulps: int = ULPS) -> tuple[Array, Array]:
    """The interval of a function that does not fall."""
    with np.errstate(all="ignore"):
        low, high = (f(end) for end in call.interval(0))
    return widened(np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high), ulps)


def _rising(
    op: str, versions: tuple[int, ...], f: Map, slope: float, floor: float = -np.inf, ceil: float = np.inf
) -> None:
    """A function that does not fall, the slope that it nowhere exceeds, and between what it stays."""

    @rule(op, versions, apart=entrywise)
    def bound(call: Call) -> Effect:
        low, high = _image(call, f)
        return Effect({0: slope}, np.maximum(low, floor), np.minimum(high, ceil), shown=slope != 1.0)


_rising("Relu", (1, 6, 13, 14), lambda x: np.maximum(x, 0), 1.0, 0.0)
_rising("Tanh", (1, 6, 13), np.tanh, 1.0, -1.0, 1.0)
_rising("Sigmoid", (1, 6, 13), special.expit, 0.25, 0.0, 1.0)
_rising("Softplus", (1, 22), lambda x: np.logaddexp(0, x), 1.0, 0.0)
_rising("Softsign", (1, 22), lambda x: x / (1 + np.abs(x)), 1.0, -1.0, 1.0)
_rising("Atan", (7, 22), np.arctan, 1.0, -1.6, 1.6)
_rising("Asinh", (9, 22), np.arcsinh, 1.0)
_rising("Erf", (9, 13), special.erf, math.nextafter(2 / math.sqrt(math.pi), 2), -1.0, 1.0)


@rule("Neg", (1, 6, 13), apart=entrywise)
def neg(call: Call) -> Effect:
    """The other sign."""
    low, high = call.interval(0)
    return Effect({0: 1.0}, -high, -low, shown=False)


@rule("Abs", (1, 6, 13), apart=entrywise)
def absolute(call: Call) -> Effect:
    """1."""
    low, high = call.interval(0)
    least = np.where((low <= 0) & (high >= 0), 0.0, np.minimum(np.abs(low), np.abs(high)))
    return Effect({0: 1.0}, least, call.size(0), shown=False)


for _op in ("Sin", "Cos"):
    @rule(_op, (7, 22), claim="audit.sin", apart=entrywise)
    def _wave(call: Call) -> Effect:
        return Effect({0: 1.0}, np.asarray(-1.0), np.asarray(1.0), shown=False)


@rule("Clip", (1, 6, 11, 12, 13), moves=(0, 1, 2), apart=entrywise)
def clip(call: Call) -> Effect:
    """An entry changes by at most the largest change of itself and of its limits."""
    factors = {i: root(call.repeats(i)) for i in (0, 1, 2) if call.moves(i)}
    low, high = call.interval(0)
    for i, name, at in ((1, "min", -np.inf), (2, "max", np.inf)):
        ends = call.interval(i) if call.has(i) else (np.asarray(float(call.attribute(name, at))),) * 2
        pick = np.maximum if i == 1 else np.minimum
        low, high = pick(low, ends[0]), pick(high, ends[1])
    return Effect(factors, low, high, apart=True, shown=len(factors) > 1, note="limits that move")


@rule("Max", (6, 8, 12, 13), moves=range(10**4), apart=entrywise)
def largest(call: Call) -> Effect:
    """An entry changes by at most the largest change of the entries that it is taken from."""
    return _extreme(call, np.maximum)


@rule("Min", (6, 8, 12, 13), moves=range(10**4), apart=entrywise)
def smallest(call: Call) -> Effect:
    """As for the maximum."""
    return _extreme(call, np.minimum)


def _extreme(call: Call, pick: np.ufunc) -> Effect:
    places = [i for i in range(len(call.args)) if call.has(i)]
    factors = {i: root(call.repeats(i)) for i in places if call.moves(i)}
    ends = [call.interval(i) for i in places]
    low, high = ends[0]
    for other in ends[1:]:
        low, high = pick(low, other[0]), pick(high, other[1])
    return Effect(factors, low, high, apart=True, shown=len(factors) > 1 or max(factors.values()) > 1)


# -- two slopes, or one that bends -------------------------------------------------------------------


@rule("LeakyRelu", (1, 6, 16), apart=entrywise)
def leaky_relu(call: Call) -> Effect:
    """max(1, |alpha|)."""
    alpha = abs(float(call.attribute("alpha", 0.01)))
    return Effect({0: max(1.0, alpha)}, shown=alpha > 1)


@rule("PRelu", (6, 7, 9, 16), moves=(0, 1), apart=entrywise)
def prelu(call: Call) -> Effect:
    """1 or the slope; for a slope that moves the size of the negative part."""
    slopes = call.size(1)
    factors = {}
    if call.moves(0):
        factors[0] = max(1.0, float(slopes.max()))
    if call.moves(1):
        factors[1] = spread(call, 1, np.maximum(0.0, -call.interval(0)[0]))
    return Effect(finite(factors, "a slope that moves"), shown=max(factors.values()) > 1)


@rule("Elu", (1, 6, 22), apart=entrywise)
def elu(call: Call) -> Effect:
    """max(1, |alpha|): the slope at 0 from the left is alpha."""
    alpha = abs(float(call.attribute("alpha", 1.0)))
    return Effect({0: max(1.0, alpha)}, np.asarray(-alpha) if alpha <= 1 else ANYTHING[0], shown=alpha > 1)


@rule("Celu", (12,), apart=entrywise)
def celu(call: Call) -> Effect:
    """exp(x / alpha) <= 1 on the left for a positive alpha."""
    if not float(call.attribute("alpha", 1.0)) > 0:
        raise Refused("a Celu whose alpha is not positive")
    return Effect({0: 1.0}, shown=False)


@rule("Selu", (1, 6, 22), apart=entrywise)
def selu(call: Call) -> Effect:
    """The scale times max(1, alpha): 1.758."""
    alpha, gamma = float(call.attribute("alpha", 1.6732632)), float(call.attribute("gamma", 1.0507009))
    return Effect({0: math.nextafter(abs(gamma) * max(1.0, abs(alpha)), math.inf)})


@rule("HardSigmoid", (1, 6, 22), apart=entrywise)
def hard_sigmoid(call: Call) -> Effect:
    """|alpha|."""
    return Effect({0: abs(float(call.attribute("alpha", 0.2)))}, np.asarray(0.0), np.asarray(1.0))


@rule("HardSwish", (14, 22), apart=entrywise)
def hard_swish(call: Call) -> Effect:
    """3/2, the slope at 3 from the left."""
    return Effect({0: HARD_SWISH}, np.maximum(-0.375, np.minimum(call.interval(0)[0], 0.0)))


@rule("Mish", (18, 22), apart=entrywise)
def mish(call: Call) -> Effect:
    """1.0885, near x = 1.5."""
    return Effect({0: MISH}, np.asarray(-0.31))


@rule("Swish", (24,), apart=entrywise)
def swish(call: Call) -> Effect:
    """1.0998: the slope depends on alpha x only, so that alpha does not matter."""
    return Effect({0: SILU})


@rule("Gelu", (20,), apart=entrywise)
def gelu(call: Call) -> Effect:
    """1.1289 exactly, 1.1290 in the form with tanh."""
    kind = call.attribute("approximate", "none")
    if kind not in ("none", "tanh"):
        raise Refused(f"approximate {kind!r}")
    slope = math.nextafter(activation_lipschitz("gelu"), 2) if kind == "none" else TANH_GELU
    return Effect({0: slope}, np.asarray(-0.171), np.maximum(0.0, call.interval(0)[1]))


@rule("ThresholdedRelu", (10, 22), apart=entrywise)
def thresholded_relu(call: Call) -> Effect:
    """Nothing up to alpha, then the entry: it jumps by alpha."""
    if float(call.attribute("alpha", 1.0)) != 0:
        raise Refused("ThresholdedRelu jumps at its threshold")
    return Effect({0: 1.0}, shown=False)


@rule("Shrink", (9,), apart=entrywise)
def shrink(call: Call) -> Effect:
    """Towards 0 by the bias outside of lambd: it jumps unless they are equal."""
    if float(call.attribute("lambd", 0.5)) != float(call.attribute("bias", 0.0)):
        raise Refused("Shrink jumps at lambd")
    return Effect({0: 1.0}, shown=False)


@rule("Gated", (1,), domain="lipref", apart=entrywise)
def gated(call: Call) -> Effect:
    """A product of a tensor with a function of itself, as `gates` bounds its slope."""
    slope, near = float(call.attribute("slope")), float(call.attribute("at_zero"))
    far = above(slope * call.size(0)) + abs(near) * 2.0**-40 + float(call.attribute("beside", 0.0)) + 1e-300
    return Effect({0: slope}, near - far, near + far, note="a function of one number, spelled out")


# -- functions that are steep somewhere ----------------------------------------------------------------


def _steep(call: Call, f: Map, slopes: Map, what: str) -> Effect:
    """A rising function whose slope is largest at an end of the interval."""
    with np.errstate(all="ignore"):
        ends = [slopes(end) for end in call.interval(0)]
    most = np.maximum(*(np.where(np.isnan(end), np.inf, end) for end in ends)) * (1 + 2.0**-48)
    return Effect(finite({0: spread(call, 0, most)}, what), *_image(call, f))


@rule("Exp", (1, 6, 13), apart=entrywise)
def exp(call: Call) -> Effect:
    """The exponential itself."""
    return _steep(call, np.exp, np.exp, "an exponential")


@rule("Sinh", (9, 22), apart=entrywise)
def sinh(call: Call) -> Effect:
    """The hyperbolic cosine."""
    return _steep(call, np.sinh, np.cosh, "a hyperbolic sine")


@rule("Sqrt", (1, 6, 13), apart=entrywise)
def square_root(call: Call) -> Effect:
    """1 / (2 sqrt(x))."""
    _positive(call, "a square root")
    return _steep(call, np.sqrt, lambda x: 0.5 / np.sqrt(x), "a square root")


@rule("Log", (1, 6, 13), apart=entrywise)
def log(call: Call) -> Effect:
    """1 / x."""
    _positive(call, "a logarithm")
    return _steep(call, np.log, lambda x: 1 / x, "a logarithm")


@rule("Reciprocal", (1, 6, 13), apart=entrywise)
def reciprocal(call: Call) -> Effect:
    """1 / x^2."""
    low, high = call.interval(0)
    if np.any((low <= 0) & (high >= 0)):
        raise Refused(f"a division by what can be 0 {ON_A_BOX}")
    slopes = np.maximum(1 / low**2, 1 / high**2) * (1 + 2.0**-48)
    return Effect({0: spread(call, 0, slopes)}, *widened(1 / high, 1 / low, 2))


def _positive(call: Call, what: str) -> None:
    if np.any(call.interval(0)[0] <= 0):
        raise Refused(f"{what} of what can be 0 {ON_A_BOX}")


# -- softmax -------------------------------------------------------------------------------------------


def _along(call: Call) -> bool:
    return _axis(call) > 0


def _axis(call: Call) -> int:
    return int(call.attribute("axis", 1 if call.node.version < 13 else -1)) % max(1, len(call.shape(0)))


@rule("Softmax", (1, 11, 13), apart=_along)
def softmax(call: Call) -> Effect:
    """1/2, whatever the axis (thesis.sec-5.2.3-softmax)."""
    return Effect({0: 0.5}, np.asarray(0.0), np.asarray(1.0))


@rule("LogSoftmax", (1, 11, 13), apart=_along)
def log_softmax(call: Call) -> Effect:
    """The projection along 1 onto the rest: sqrt(n) times the length of the probabilities, at most sqrt(n)."""
    shape, old = call.shape(0), call.node.version < 13
    axis = _axis(call)
    n = math.prod(shape[axis:]) if old else shape[axis]
    return Effect({0: root(float(n)) if n > 1 else 0.0}, high=np.asarray(0.0))


refused("it jumps", "Sign", "Floor", "Ceil", "Round", "ArgMax", "ArgMin", "Hardmax", "Greater", "Less", "Equal",
        "GreaterOrEqual", "LessOrEqual", "Not", "And", "Or", "Xor", "IsNaN", "IsInf", "OneHot", "QuantizeLinear",
        "DynamicQuantizeLinear", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseNot", "BitwiseXor", "Mod")
refused("it jumps", "TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor", domain="ai.onnx.ml")
refused("its slope is not bounded", "Tan", "Acosh", "Atanh", "Acos", "Asin")
