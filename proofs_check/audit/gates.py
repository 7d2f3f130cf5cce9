"""Products of a tensor with a function of itself, entry by entry: SiLU, GELU, HardSwish, Mish as exporters spell them.

Such a product of two that move has no finite constant by itself, but as a function of one number it has one. Here a
tensor is followed as P(x) + Q(x) G(u(x)) with polynomials P, Q and u and one gate G, a bounded function.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy import special

from proofs_check.audit.graph import Graph, Node
from proofs_check.audit.rounding import above, below
from proofs_check.audit.value import Array

Polynomial = tuple[Fraction, ...]
Interval = tuple[Array, Array]
X: Polynomial = (Fraction(0), Fraction(1))
DEGREE = 3
COMPARISONS = ("Greater", "Less", "GreaterOrEqual", "LessOrEqual")
# Cells are halved until the bound is this close to the largest slope seen.
CLOSE = 1e-7
ROUNDS = 200
SHARE = 2.0**-44  # of the error of NumPy's and SciPy's functions


@dataclass(frozen=True)
class Gate:
    """A bounded function: its values and slopes on intervals, the rate at which its slope decays (0: it ends)."""

    value: Callable[[Array], Array]
    slope: Callable[[Interval], Interval]
    size: float
    ends: float = math.inf


def _sigmoid_slope(u: Interval) -> Interval:
    return _hill(u, lambda t: special.expit(t) * special.expit(-t))


def _tanh_slope(u: Interval) -> Interval:
    return _hill(u, lambda t: 1 / np.cosh(np.clip(t, -350, 350)) ** 2)


def _erf_slope(u: Interval) -> Interval:
    return _hill(u, lambda t: np.exp(-(t**2)) * (2 / math.sqrt(math.pi)))


def _hill(u: Interval, f: Callable[[Array], Array]) -> Interval:
    """An even function that falls away from 0."""
    far = np.maximum(np.abs(u[0]), np.abs(u[1]))
    near = np.where((u[0] <= 0) & (u[1] >= 0), 0.0, np.minimum(np.abs(u[0]), np.abs(u[1])))
    return f(far) * (1 - SHARE), f(near) * (1 + SHARE)


def _mish(t: Array) -> Array:
    return np.tanh(np.logaddexp(0, t))


def _mish_slope(u: Interval) -> Interval:
    """sech^2(softplus) times the sigmoid, both monotone."""
    soft = tuple(np.logaddexp(0, end) for end in u)
    sech = tuple(1 / np.cosh(np.clip(end, 0, 350)) ** 2 for end in (soft[1], soft[0]))
    rise = tuple(special.expit(end) for end in u)
    return sech[0] * rise[0] * (1 - SHARE), sech[1] * rise[1] * (1 + SHARE)


GATES = {
    "Sigmoid": Gate(special.expit, _sigmoid_slope, 1.0),
    "Tanh": Gate(np.tanh, _tanh_slope, 1.0),
    "Erf": Gate(special.erf, _erf_slope, 1.0),
    "Mish": Gate(_mish, _mish_slope, 1.0),
}


def clip_gate(low: float, high: float) -> Gate:
    """min(max(u, low), high)."""
    def slope(u: Interval) -> Interval:
        inside = (u[1] > low) & (u[0] < high)
        within = (u[0] > low) & (u[1] < high)
        return np.where(within, 1.0, 0.0), np.where(inside, 1.0, 0.0)

    return Gate(lambda t: np.clip(t, low, high), slope, max(abs(low), abs(high)), max(abs(low), abs(high)))


@dataclass(frozen=True)
class Form:
    """P(x) + Q(x) G(u(x)) for the tensor `root`."""

    root: str
    plain: Polynomial
    factor: Polynomial = ()
    gate: Gate | None = None
    inner: Polynomial = ()
    soft: bool = False  # softplus of the root: the inner part of Mish


def find(graph: Graph, moving: set[str]) -> dict[str, Node]:
    """By output, a node of the domain lipref for a product that is a function of one tensor, with its largest slope."""
    forms: dict[str, Form] = {}
    found: dict[str, Node] = {}
    choices: dict[str, tuple[Form, Fraction]] = {}
    for node in graph.nodes:
        if node.domain or not node.version or len(node.outputs) != 1:
            continue
        if node.op in COMPARISONS:
            choices |= _choice(node, forms, graph.constants, moving)
        if node.op == "Where" and node.inputs[0] in choices:
            found |= _broken_line(node, forms, graph.constants, moving, *choices[node.inputs[0]])
        made = _step(node, forms, graph.constants, moving)
        if made is None:
            continue
        forms[node.outputs[0]] = made
        if made.gate is not None and len(_trim(made.factor)) > 1:
            slope = largest_slope(made)
            if slope is not None:
                found[node.outputs[0]] = Node(
                    "Gated", "lipref", 1, node.name, (made.root,), node.outputs,
                    {"slope": slope, "at_zero": _at_zero(made)}, node.proto)
    return found


def _choice(
    node: Node, forms: Mapping[str, Form], constants: Mapping[str, Array], moving: set[str]
) -> dict[str, tuple[Form, Fraction]]:
    """A comparison of a multiple of a tensor with a number: the tensor, and where it changes."""
    for name, other in (node.inputs, node.inputs[::-1]):
        a, number = _form(name, forms, moving), _number(other, constants)
        if a is not None and number is not None and a.gate is None and not a.soft and len(_trim(a.plain)) == 2:
            return {node.outputs[0]: (Form(a.root, X), (number - a.plain[0]) / a.plain[1])}
    return {}


def _broken_line(
    node: Node, forms: Mapping[str, Form], constants: Mapping[str, Array], moving: set[str], of: Form, at: Fraction
) -> dict[str, Node]:
    """Two straight lines that meet where one is left for the other: the larger slope. If they do not meet, a jump."""
    sides = []
    for name in node.inputs[1:]:
        number = _number(name, constants)
        side = Form(of.root, (number,)) if number is not None else _form(name, forms, moving)
        if side is None or side.root != of.root or side.gate is not None or side.soft or len(_trim(side.plain)) > 2:
            return {}
        sides.append([*side.plain, Fraction(0), Fraction(0)][:2])
    values = [side[0] + side[1] * at for side in sides]
    if values[0] != values[1]:
        return {}
    slope = max(abs(float(side[1])) for side in sides) * (1 + 2.0**-50)
    far = max(abs(float(side[0])) for side in sides)
    attributes = {"slope": slope, "at_zero": 0.0, "beside": far}
    return {node.outputs[0]: Node("Gated", "lipref", 1, node.name, (of.root,), node.outputs, attributes, node.proto)}


def _form(name: str, forms: Mapping[str, Form], moving: set[str]) -> Form | None:
    if name in forms:
        return forms[name]
    return Form(name, X) if name in moving else None


def _number(name: str, constants: Mapping[str, Array]) -> Fraction | None:
    array = constants.get(name)
    if array is None or array.size != 1 or array.ndim > 1 or array.dtype.kind not in "fiu":
        return None
    value = float(array.reshape(-1)[0])
    return Fraction(value) if math.isfinite(value) else None


def _step(node: Node, forms: Mapping[str, Form], constants: Mapping[str, Array], moving: set[str]) -> Form | None:
    def form(name: str) -> Form | None:
        return _form(name, forms, moving)

    def number(name: str) -> Fraction | None:
        return _number(name, constants)

    names = node.inputs
    if node.op in ("Sigmoid", "Tanh", "Erf", "Softplus", "HardSigmoid", "Clip"):
        return _gated(node, form(names[0]), number)
    if node.op == "Neg":
        a = form(names[0])
        return None if a is None else _times(a, Form(a.root, (Fraction(-1),)))
    if node.op == "Pow":
        a, p = form(names[0]), number(names[1])
        if a is None or a.gate is not None or a.soft or p not in (2, 3):
            return None
        square = _times(a, a)
        return square if p == 2 or square is None else _times(square, a)
    if node.op in ("Add", "Sub", "Mul", "Div") and len(names) == 2:
        left, right = (_operand(name, form, number) for name in names)
        if left is None or right is None:
            return None
        root = left.root or right.root
        if not root or any(side.root not in ("", root) or side.soft for side in (left, right)):
            return None
        if node.op == "Div":
            d = _trim(right.plain)
            if right.gate is not None or len(d) != 1:
                return None
            return _times(left, Form(root, (1 / d[0],)))
        if node.op == "Mul":
            return _times(left, right)
        return _plus(left, right if node.op == "Add" else _times(right, Form(root, (Fraction(-1),))))
    return None


def _operand(name: str, form: Callable[[str], Form | None], number: Callable[[str], Fraction | None]) -> Form | None:
    constant = number(name)
    return Form("", (constant,)) if constant is not None else form(name)


def _gated(node: Node, a: Form | None, number: Callable[[str], Fraction | None]) -> Form | None:
    if a is None or a.gate is not None:
        return None
    one = (Fraction(1),)
    if node.op == "Softplus":
        return Form(a.root, X, soft=True) if a.plain == X and not a.soft else None
    if a.soft:
        return Form(a.root, (), one, GATES["Mish"], X) if node.op == "Tanh" else None
    if node.op == "HardSigmoid":
        alpha, beta = (Fraction(float(node.attributes.get(k, v))) for k, v in (("alpha", 0.2), ("beta", 0.5)))
        inner = _sum(_product((alpha,), a.plain) or (), (beta,))
        return Form(a.root, (), one, clip_gate(0.0, 1.0), inner)
    if node.op == "Clip":
        ends = [number(n) if n else None for n in node.inputs[1:]]
        if node.version < 11:
            ends = [Fraction(float(node.attributes[k])) if k in node.attributes else None for k in ("min", "max")]
        if len(ends) != 2 or None in ends:
            return None
        return Form(a.root, (), one, clip_gate(float(ends[0] or 0), float(ends[1] or 0)), a.plain)
    return Form(a.root, (), one, GATES[node.op], a.plain)


def _times(a: Form | None, b: Form | None) -> Form | None:
    if a is None or b is None or (a.gate is not None and b.gate is not None):
        return None
    gated, other = (a, b) if a.gate is not None else (b, a)
    plain, factor = _product(gated.plain, other.plain), _product(gated.factor, other.plain)
    if plain is None or factor is None:
        return None
    return Form(a.root or b.root, plain, factor, gated.gate, gated.inner)


def _plus(a: Form | None, b: Form | None) -> Form | None:
    if a is None or b is None or (a.gate is not None and b.gate is not None):
        return None
    gated, other = (a, b) if a.gate is not None else (b, a)
    return Form(a.root or b.root, _sum(gated.plain, other.plain), gated.factor, gated.gate, gated.inner)


def _sum(a: Polynomial, b: Polynomial) -> Polynomial:
    n = max(len(a), len(b))
    return tuple((a[i] if i < len(a) else Fraction(0)) + (b[i] if i < len(b) else Fraction(0)) for i in range(n))


def _product(a: Polynomial, b: Polynomial) -> Polynomial | None:
    a, b = _trim(a), _trim(b)
    if not a or not b:
        return ()
    if len(a) + len(b) - 2 > DEGREE:
        return None
    made = [Fraction(0)] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            made[i + j] += x * y
    return tuple(made)


def _trim(a: Polynomial) -> Polynomial:
    while a and a[-1] == 0:
        a = a[:-1]
    return a


def _at_zero(form: Form) -> float:
    """The value where the tensor is 0, nearly."""
    plain, factor, inner = ([float(p[0]) if p else 0.0] for p in (form.plain, form.factor, form.inner))
    assert form.gate is not None
    return plain[0] + factor[0] * float(form.gate.value(np.asarray(inner[0])))


# -- the largest slope ---------------------------------------------------------------------------------


def largest_slope(form: Form) -> float | None:
    """An upper bound on the slope of a x + b + (c x + d) G(u(x)) everywhere; None where this does not find one."""
    plain, factor, inner = _trim(form.plain), _trim(form.factor), _trim(form.inner)
    if form.gate is None or max(len(plain), len(factor)) > 2:
        return None
    if len(inner) not in (2, 4) or inner[2:3] not in ((), (0,)):
        return None
    if len(inner) == 4 and inner[1] * inner[3] < 0:
        return None
    steep = abs(float(inner[1]))
    if not 1e-6 <= steep <= 1e6 or any(abs(float(p)) > 1e6 for p in (*plain, *factor, *inner)):
        return None
    # Beyond `far` the inner function is at least half of its slope times x, and the gate's slope has decayed or ended.
    far = 2 * (abs(float(inner[0])) + 60) / steep if form.gate.ends == math.inf else (
        2 * (abs(float(inner[0])) + form.gate.ends + 1) / steep)
    a = abs(float(plain[1])) if len(plain) > 1 else 0.0
    c, d = (abs(float(factor[i])) if i < len(factor) else 0.0 for i in (1, 0))
    tail = _tail(a, c, d, inner, form.gate, far, signed=(plain[1] if len(plain) > 1 else Fraction(0), factor[1]))
    cells = np.linspace(-far, far, 1025)
    low, high = cells[:-1], cells[1:]
    settled = tail
    for _ in range(ROUNDS):
        ends = _slope((low, high), plain, factor, inner, form.gate)
        most = np.maximum(np.abs(ends[0]), np.abs(ends[1]))
        middle = (low + high) / 2
        at = _slope((middle, middle), plain, factor, inner, form.gate)
        seen = max(settled, float(np.maximum(np.abs(at[0]), np.abs(at[1])).max(initial=0.0)))
        open_ = most > seen * (1 + CLOSE)
        settled = max(seen, float(most[~open_].max(initial=0.0)))
        if not open_.any():
            return settled * (1 + 2.0**-40)
        low, high, middle = low[open_], high[open_], middle[open_]
        if len(low) > 10**6 or (high - low).max() < 1e-12 * far:
            return max(settled, float(most.max())) * (1 + 2.0**-40)
        low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
    return None


def _tail(
    a: float, c: float, d: float, inner: Polynomial, gate: Gate, far: float, *, signed: tuple[Fraction, Fraction]
) -> float:
    """Beyond `far`: |a + c G| at the ends of the gate's range, and (c x + d) u' G' where it is below 1e-12."""
    ends = [gate.value(np.asarray(float(s) * 1e300)) for s in (-1, 1)]
    size = max(abs(float(signed[0]) + float(signed[1]) * float(end)) for end in ends)
    # At |u| >= 60 each slope is below 4 exp(-60) times a polynomial in x of degree at most 3.
    bend = sum(k * abs(float(p)) * far ** (k - 1) for k, p in enumerate(inner) if k)
    rest = 0.0 if gate.ends < math.inf else (c * far + d) * bend * 4 * math.exp(-60) * 8
    gap = 0.0 if gate.ends < math.inf else (a + c) * 4 * math.exp(-60)
    return (size + rest + gap) * (1 + 2.0**-40)


def _slope(x: Interval, plain: Polynomial, factor: Polynomial, inner: Polynomial, gate: Gate) -> Interval:
    """The slope a + c G(u) + (c x + d) u' G'(u) on cells, outward."""
    u = _values(inner, x)
    bend = _values(tuple(k * p for k, p in enumerate(inner))[1:], x)
    g = below(gate.value(u[0]) - SHARE), above(gate.value(u[1]) + SHARE)
    total = _scaled(g, float(factor[1]))
    a = float(plain[1]) if len(plain) > 1 else 0.0
    total = total[0] + a, total[1] + a
    rest = _multiplied(_multiplied(_values(factor, x), bend), gate.slope(u))
    error = SHARE * (1 + np.abs(total[0]) + np.abs(total[1]) + np.abs(rest[0]) + np.abs(rest[1]))
    return total[0] + rest[0] - error, total[1] + rest[1] + error


def _values(p: Polynomial, x: Interval) -> Interval:
    """By Horner's rule."""
    low = high = np.zeros_like(x[0])
    for coefficient in reversed(p):
        low, high = _multiplied((low, high), x)
        low, high = below(low + float(coefficient)), above(high + float(coefficient))
    return low, high


def _multiplied(a: Interval, b: Interval) -> Interval:
    corners = [x * y for x in a for y in b]
    return below(np.minimum.reduce(corners)), above(np.maximum.reduce(corners))


def _scaled(a: Interval, c: float) -> Interval:
    ends = a[0] * c, a[1] * c
    return below(np.minimum(*ends)), above(np.maximum(*ends))
