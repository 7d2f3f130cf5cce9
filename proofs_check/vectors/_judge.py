"""A result against a rigorous enclosure: sound, UNSOUND, loose, exact to some digits, refused, unknown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from proofs_check.vectors._numbers import exact

# Digits that a float can show.
MOST_DIGITS = 17
# From this ratio on a bound is called loose.
LOOSE = Fraction(1001, 1000)
# A float that agrees with the truth to more digits than this is taken for equal.
EQUAL = Fraction(1, 10**50)


@dataclass(frozen=True)
class Judgement:
    """A verdict in words; whether the vector is passed, failed, or neither; how loose a bound is."""

    verdict: str
    outcome: str
    ratio: float = 1.0

    @property
    def passed(self) -> bool:
        """Whether the vector is passed."""
        return self.outcome == "pass"


def passed(verdict: str, ratio: float = 1.0) -> Judgement:
    """A pass."""
    return Judgement(verdict, "pass", ratio)


def failed(verdict: str) -> Judgement:
    """A failure."""
    return Judgement(verdict, "fail")


def judge_refusal(vector: Mapping[str, Any], error: str) -> Judgement:
    """A clear error: right where no answer is, else no answer."""
    verdict = f"refused: {error}" if error else "refused"
    return passed(verdict) if vector["relation"] == {"kind": "raises"} else Judgement(verdict, "refused")


def judge(vector: Mapping[str, Any], result: Any, *, promise: Any = None, relative: float = 0.0) -> Judgement:
    """A result against a vector; a promise other than the vector's, or a larger relative error, may be given."""
    relation = vector["relation"]
    if relation == {"kind": "raises"}:
        return failed(f"accepted: {_short(result)} where no answer is right")
    expected = vector["expected"]
    try:
        if isinstance(expected["value"], dict):
            names = _ordered(expected["value"])
            return _worst([_named(name, _field(vector, name, result, promise, relative)) for name in names])
        return _one(relation, expected, result, promise, relative)
    except (TypeError, ValueError) as wrong:
        return failed(f"no result to compare: {wrong}")


def _ordered(value: Mapping[str, Any]) -> list[str]:
    return list(value)


def _field(vector: Mapping[str, Any], name: str, result: Any, promise: Any, relative: float) -> Judgement:
    expected = {key: tree[name] for key, tree in vector["expected"].items()}
    value = _part(result, name, _ordered(vector["expected"]["value"]))
    if value is None:
        return failed("missing")
    of_field = promise.get(name) if isinstance(promise, Mapping) else promise
    return _one(vector["relation"][name], expected, value, of_field, relative)


def _part(result: Any, name: str, names: list[str]) -> Any:
    """Of an object, of what has attributes, of a tuple in order."""
    if isinstance(result, Mapping):
        return result.get(name)
    value = getattr(result, name, None)
    if value is None and isinstance(result, (tuple, list)):
        place = names.index(name)
        return result[place] if place < len(result) else None
    return result if value is None and len(names) == 1 else value  # a number for a result of one field


def _named(name: str, judgement: Judgement) -> Judgement:
    return Judgement(f"{name} {judgement.verdict}", judgement.outcome, judgement.ratio)


def _worst(judgements: list[Judgement]) -> Judgement:
    for outcome in ("fail", "unknown"):
        for judgement in judgements:
            if judgement.outcome == outcome:
                return judgement
    verdict = "; ".join(judgement.verdict for judgement in judgements)
    ratio = max(judgement.ratio for judgement in judgements)
    estimated = any(judgement.outcome == "estimate" for judgement in judgements)
    return Judgement(verdict, "estimate" if estimated else "pass", ratio)


def _one(relation: Mapping[str, Any], expected: Mapping[str, Any], result: Any, promise: Any, relative: float
         ) -> Judgement:
    values = _flat(expected["value"])
    radii = _flat(expected["radius"])
    truths = _flat(expected.get("truth", expected["value"]))
    truth_radii = _flat(expected.get("truth_radius", expected["radius"]))
    shape, results = _entries(result, _complex(expected["value"]))
    if shape != _shape(expected["value"]):
        return failed(f"shape {shape} for {_shape(expected['value'])}")
    if any(isinstance(r, float) and math.isnan(r) for r in results):
        return failed("NaN")
    own = relation["kind"]
    kind = {"exact": "equal", None: own}.get(promise, promise)
    slack = Slack.of(relation, relative)
    if kind == "estimate" and own != "estimate":
        return _estimate(own, results, truths)
    if kind in ("equal", "estimate"):
        if kind == "equal" and own == "estimate":  # what is promised is no longer the formula
            values, radii = truths, truth_radii
        of = relation.get("of", "entry")
        judgement = _agreement(slack, of, list(zip(results, values, radii, strict=True)))
        return judgement if kind == "equal" else Judgement(f"estimate, {judgement.verdict}", judgement.outcome)
    each = [
        _bound(kind, r, v, t, rad, slack)
        for r, v, t, rad in zip(results, values, truths, truth_radii, strict=True)
    ]
    bad = [judgement for judgement in each if not judgement.passed]
    return bad[0] if bad else max(each, key=lambda judgement: judgement.ratio)


@dataclass(frozen=True)
class Slack:
    """What counts as rounding of a number: a relative error, or units in the last place."""

    relative: Fraction
    ulp: int

    @classmethod
    def of(cls, relation: Mapping[str, Any], relative: float) -> Slack:
        """Of a relation, or of a larger relative error that is asked for."""
        found = max(Fraction(float.fromhex(relation.get("relative", "0x0p+0"))), Fraction(relative))
        return cls(found, relation.get("ulp", 0))

    @property
    def none(self) -> bool:
        """Whether there is none."""
        return not (self.relative or self.ulp)

    def at(self, value: Fraction) -> Fraction:
        """An absolute error. Subnormal results are rounded to multiples of the least float, whatever their size."""
        found = max(self.relative * abs(value), self.ulp * unit_in_the_last_place(value))
        return found if self.none else max(found, LEAST)


# Twice the least positive float.
LEAST = Fraction(2) ** -1073


def unit_in_the_last_place(value: Fraction) -> Fraction:
    """The distance of floats at this size."""
    if value == 0:
        return LEAST / 2
    exponent = abs(value.numerator).bit_length() - value.denominator.bit_length()
    if Fraction(2) ** exponent > abs(value):
        exponent -= 1
    return Fraction(2) ** max(exponent - 52, -1074)


def _estimate(own: str, results: list[Any], truths: list[Any]) -> Judgement:
    """An estimate where another thing is asked for: on which side it is, and how near; neither sound nor unsound."""
    digits, sides = MOST_DIGITS, set()
    for r, t in zip(results, truths, strict=True):
        finite = not (isinstance(r, float) or isinstance(t, float))
        digits = min(digits, _digits(abs(r - t), abs(t)) if finite else MOST_DIGITS if r == t else 0)
        sides.add("" if r == t else "above" if r > t else "below")
    side = " and ".join(sorted(sides - {""}))
    asked = {"equal": "the exact value", "upper": "an upper bound", "lower": "a lower bound"}[own]
    where = f", {side} the truth" if side else ""
    return Judgement(f"estimate where {asked} is asked for: exact to {digits} digits{where}", "estimate")


def _agreement(slack: Slack, of: str, entries: list[Any]) -> Judgement:
    finite = [abs(v) for _, v, _ in entries if not isinstance(v, float)]
    largest = max(finite, default=Fraction(0))
    digits, right = MOST_DIGITS, True
    for r, v, radius in entries:
        if isinstance(r, float) or isinstance(v, float):
            right &= r == v
            digits = digits if r == v else 0
            continue
        size = largest if of == "largest" else abs(v)
        error = max(Fraction(0), abs(r - v) - radius)
        right &= error <= slack.at(size)
        digits = min(digits, _digits(error, size))
    verdict = f"exact to {digits} digits"
    return passed(verdict) if right else failed(f"wrong, {verdict}: {_shown(entries)}")


def _shown(entries: list[Any]) -> str:
    def far(entry: Any) -> float:
        r, v, _ = entry
        return math.inf if isinstance(r, float) or isinstance(v, float) else float(min(abs(r - v), Fraction(10) ** 300))

    r, v, _ = max(entries, key=far)
    return f"{_float(r):.17g} for {_float(v):.17g}"


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)


def _digits(error: Fraction, size: Fraction) -> int:
    if error == 0:
        return MOST_DIGITS
    if size == 0 or error >= size:
        return 0
    ratio = size / error
    return min(MOST_DIGITS, len(str(ratio.numerator // ratio.denominator)) - 1)


def _bound(kind: str, r: Any, v: Any, t: Any, radius: Fraction, slack: Slack) -> Judgement:
    """One number that is promised not to be below (above) the truth t; v is what the usual formula gives."""
    sign = 1 if kind == "upper" else -1
    if isinstance(r, float):  # infinite
        if r == t:
            return passed("sound")
        ratio = math.inf
        return passed("loose x inf", ratio) if (r > 0) == (sign > 0) else failed(f"UNSOUND: {r}")
    if isinstance(t, float):
        if (t > 0) == (sign > 0):
            return failed(f"UNSOUND: {_float(r):.17g} for {t}")
        return passed("sound")
    # With both signs turned for lower bounds: r must not be below t.
    r, t, v = sign * r, sign * t, v if isinstance(v, float) else sign * v
    if r < t - radius - slack.at(t):
        return failed(f"UNSOUND: {_float(sign * r):.17g} for {_float(sign * t):.17g}")
    if slack.none and r < t + radius and not (r == t and radius <= abs(t) * EQUAL):
        return Judgement("unknown: within the enclosure", "unknown")
    if isinstance(v, float) or r <= v + slack.at(v) + radius:
        return passed("sound")
    return _loose(r, v)


def _loose(r: Fraction, v: Fraction) -> Judgement:
    """By how much a bound is further away than the formula's; both with the sign of an upper bound."""
    if v == 0 or r == 0:
        ratio: Any = math.inf
    else:
        ratio = r / v if r > 0 else v / r
    if ratio <= LOOSE:
        return passed("sound", _float(ratio))
    return passed(f"loose x {_float(ratio):.4g}", _float(ratio))


def _complex(tree: Any) -> bool:
    return isinstance(tree, dict) or (isinstance(tree, list) and any(_complex(branch) for branch in tree))


def _flat(tree: Any) -> list[Any]:
    """Numbers in order, of complex ones both parts."""
    if isinstance(tree, dict):
        return [exact(tree["re"]), exact(tree["im"])]
    if isinstance(tree, list):
        return [leaf for branch in tree for leaf in _flat(branch)]
    return [exact(tree)]


def _shape(tree: Any) -> tuple[Any, ...]:
    return _joined([_shape(branch) for branch in tree]) if isinstance(tree, list) else ()


def _joined(shapes: list[Any]) -> tuple[Any, ...]:
    """Of rows of one shape as NumPy has it; of others all their shapes."""
    if len(set(shapes)) <= 1:
        return (len(shapes), *(shapes[0] if shapes else ()))
    return ("rows", *shapes)


def _entries(result: Any, parts: bool = False) -> tuple[tuple[Any, ...], list[Any]]:
    """Shape and exact entries of anything like an array, both parts of each where complex numbers are due."""
    if hasattr(result, "detach"):
        result = result.detach().cpu().numpy()
    if isinstance(result, (int, float, Fraction, str)) and not isinstance(result, bool):
        return (), [exact(result), Fraction(0)] if parts else [exact(result)]
    if isinstance(result, dict) and set(result) == {"re", "im"} and parts:
        return (), [exact(result["re"]), exact(result["im"])]
    if isinstance(result, (list, tuple)):
        found = [_entries(part, parts) for part in result]
        return _joined([shape for shape, _ in found]), [leaf for _, leaves in found for leaf in leaves]
    array = np.asarray(result)
    if array.dtype.kind not in ("iufOc" if parts else "iufO"):
        raise ValueError(f"numbers of dtype {array.dtype}")
    if parts:
        return array.shape, [exact(v) for z in array.ravel() for v in (float(z.real), float(z.imag))]
    return array.shape, [exact(v) for v in array.ravel().tolist()]


def _short(result: Any) -> str:
    text = " ".join(repr(result).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
