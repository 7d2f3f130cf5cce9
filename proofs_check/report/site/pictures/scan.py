"""Both sides of a claim as one thing in its instance moves, within what the claim is about."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from proofs_check.claim import Case, Claim, Comparison
from proofs_check.evidence import random
from proofs_check.implementation import Implementation

# What a reader would turn first, in words. Labels, seeds and places of entries are no quantities.
QUANTITIES = {
    "n_iter": "steps of the iteration (n_iter)", "depth": "layers", "sigma": "noise σ", "epsilon": "ε",
    "slope": "Lipschitz constant (slope)", "share": "share of the best noise", "z": "z",
    "low": "lower noise (low)", "high": "higher noise (high)", "curvature": "curvature", "theta": "θ",
    "width": "width of the cell", "m": "samples m", "n": "samples n", "rate": "rate", "p": "probability p",
    "radius": "radius", "temperature": "temperature", "m0": "m0", "n0": "samples n0", "t": "t", "x": "x", "y": "y",
    "s": "s", "a": "a", "b": "b", "c": "c", "q": "q", "w": "w", "step": "step", "scale": "scale", "mass": "mass r",
    "size": "size",
    "k": "k", "terms": "terms", "gamma": "γ", "divisor": "divisor under the root", "constant": "constant",
    "target": "target γ", "samples": "samples", "tau": "τ",
    "alpha": "α", "delta": "δ",
}
PAIRS = (("x", "z"), ("x", "y"), ("z", "w"), ("u", "v"))
# Arrays without an order or a structure that an entry could break.
ENTRIES = ("variance", "logits", "x", "deviations", "h", "w", "W", "K")
DRAWN, MOST, POINTS, PROBES = 10, 12, 25, 5
# Claims about kernels of a structure that an entry would break.
STRUCTURED = ("thesis.A.0.7",)
# Outcomes of a sample that are enumerated for one point of a curve, at most.
OUTCOMES = 500
FAILS = -1e-6


@dataclass(frozen=True)
class Scan:
    """What moves, its values, the two sides there, and where the instance itself stands."""

    label: str
    values: list[float]
    lhs: list[float]
    rhs: list[float]
    relation: str
    at: float
    kind: str = "number"
    entry: str = ""

    @property
    def failing(self) -> list[int]:
        """The points where the relation fails by more than rounding."""
        gap = {"<=": lambda a, b: b - a, ">=": lambda a, b: a - b, "==": lambda a, b: -abs(a - b)}[self.relation]
        pairs = zip(self.lhs, self.rhs, strict=True)
        return [i for i, (a, b) in enumerate(pairs) if gap(a, b) < FAILS * max(abs(a), abs(b), 1e-300)]


@dataclass(frozen=True)
class _Move:
    """One way to change an instance: an axis, numbers on it, and the instance at each."""

    label: str
    at: float
    values: Sequence[Any]
    to: Callable[[Any], Case]
    kind: str = "number"


def scans(claim: Claim, impl: Implementation, case: Case) -> list[Scan]:
    """The first number that moves a side, and the first of the other ways; without either an entry of an array."""
    entry = _entry_to_watch(claim.compare(impl, **case))
    found = []
    for moves in (_numbers(claim, case), itertools.chain(_shares(case), _sizes(case), _segments(case))):
        found += list(itertools.islice(_moving(claim, impl, moves, entry), 1))
    if found or claim.id in STRUCTURED:
        return found
    return list(itertools.islice(_moving(claim, impl, _entries(case), entry), 1))


def _entry_to_watch(found: Comparison) -> tuple[int, int]:
    """Of several entries the one where the relation is nearest to failing, and how many there are."""
    slacks = [Comparison(a, "==" if found.relation == "==" else "<=", b).slack() for a, b in found.middles()]
    return int(np.argmin(np.nan_to_num(slacks))), len(slacks)


def _moving(claim: Claim, impl: Implementation, moves: Iterator[_Move], entry: tuple[int, int]) -> Iterator[Scan]:
    for move in moves:
        found = _sides(claim, impl, move, entry)
        if found is not None:
            yield found


# -- what can move -------------------------------------------------------------------------------------


def _numbers(claim: Claim, case: Case) -> Iterator[_Move]:
    names = [name for name in QUANTITIES if _is_number(case.get(name))]
    if not names:
        return
    drawn = random.draw(claim, examples=DRAWN, seed_=0, where=lambda **_: True)
    for name in names:
        values = _values(case[name], [other[name] for other in drawn if _is_number(other.get(name))])
        yield _Move(QUANTITIES[name], float(case[name]), values, lambda value, name=name: {**case, name: value})


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _values(at: Any, drawn: Sequence[Any]) -> list[Any]:
    """Whole numbers near the instance's, or evenly spread floats, all within the range that was drawn."""
    low, high = min([at, *drawn]), max([at, *drawn])
    if isinstance(at, (int, np.integer)) and at > 2 * MOST:
        steps = (round(at * 2.0 ** (i / 2)) for i in range(-MOST, MOST + 1))
        return sorted({value for value in steps if low <= value <= high})
    if isinstance(at, (int, np.integer)):
        first = max(math.ceil(low), int(at) - MOST // 2)
        return list(range(first, min(math.floor(high), first + MOST) + 1))
    near = abs(at) or (high - low) / 8
    low, high = max(low, at - 3 * near), min(high, at + 3 * near)
    return sorted({*np.linspace(low, high, POINTS).tolist(), float(at)})


def _shares(case: Case) -> Iterator[_Move]:
    """The probability of the first class, the others in the proportions that they have."""
    p, n = case.get("p"), case.get("n", case.get("m"))
    if not isinstance(p, (tuple, list)) or len(p) < 2 or not isinstance(n, int):
        return
    if math.comb(n + len(p) - 1, n) > OUTCOMES:
        return
    at, rest = p[0] / sum(p), sum(p[1:])
    steps = 80 if math.comb(n + len(p) - 1, n) < OUTCOMES / 5 else 32
    points = {*(i / steps for i in range(1, steps)), at}
    yield _Move("probability of the first class", at, sorted(points),
                lambda share: {**case, "p": (share, *((1 - share) * v / rest for v in p[1:]))}, "coverage")


def _sizes(case: Case) -> Iterator[_Move]:
    """The image's side; kernels of one row keep one row."""
    n, K = case.get("n"), case.get("K")
    if not isinstance(n, tuple) or len(n) != 2 or np.ndim(K) != 4:
        return
    flat = n[0] == 1 and np.shape(K)[2] == 1
    if flat or n[0] == n[1]:
        label = "pixels" if flat else "pixels along a side"
        yield _Move(label, float(n[1]), range(1, max(n[1] + 4, 9)),
                    lambda size: {**case, "n": (1 if flat else size, size)}, "size")


def _segments(case: Case) -> Iterator[_Move]:
    """The second of two points, along the line through both."""
    for one, other in PAIRS:
        here, there = case.get(one), case.get(other)
        both = isinstance(here, np.ndarray) and isinstance(there, np.ndarray)
        if not both or here.ndim != 1 or here.shape != there.shape:
            continue

        def to(t: float, here: Any = here, there: Any = there, other: str = other) -> Case:
            return {**case, other: here + t * (there - here)}

        values = [i / 12 for i in range(1, 25)]
        yield _Move(f"how far {other} is from {one}, 1 in this instance", 1.0, values, to, "segment")


def _entries(case: Case) -> Iterator[_Move]:
    """The first entry of an array that is not 0, or the first of all."""
    for name in ENTRIES:
        array = case.get(name)
        if not isinstance(array, np.ndarray) or array.size == 0 or array.dtype.kind != "f":
            continue
        place = tuple(int(i) for i in np.unravel_index(np.argmax(array != 0), array.shape))
        at = float(array[place])
        reach = max(abs(at), 1.0)
        low, high = at - 1.5 * reach, at + 1.5 * reach
        if name == "variance":
            low = 0.0

        def to(value: float, name: str = name, array: Any = array, place: Any = place) -> Case:
            moved = array.copy()
            moved[place] = value
            return {**case, name: moved}

        where = ", ".join(str(i) for i in place)
        yield _Move(f"entry {name}[{where}]", at, sorted({*np.linspace(low, high, POINTS).tolist(), at}), to, "entry")


# -- the sides there -----------------------------------------------------------------------------------


def _sides(claim: Claim, impl: Implementation, move: _Move, entry: tuple[int, int]) -> Scan | None:
    few = [move.values[i * (len(move.values) - 1) // (PROBES - 1)] for i in range(PROBES)]
    probed = _rows(claim, impl, move, few, entry)
    if probed is None or (len(probed[0]) == PROBES and _all_still(probed[0])):
        return None
    found = _rows(claim, impl, move, move.values, entry)
    if found is None or len(found[0]) < 3 or _all_still(found[0]):
        return None
    rows, relation = found
    if not rows[0][0] <= move.at <= rows[-1][0]:
        return None
    moving, lhs, rhs = (list(column) for column in zip(*rows, strict=True))
    which = f"entry {entry[0] + 1} of {entry[1]}" if entry[1] > 1 else ""
    return Scan(move.label, moving, lhs, rhs, relation, move.at, move.kind, which)


def _rows(
    claim: Claim, impl: Implementation, move: _Move, values: Sequence[Any], entry: tuple[int, int]
) -> tuple[list[tuple[float, float, float]], str] | None:
    """Value, left and right side at each value that the claim admits; None where they do not fit the instance."""
    (place, count), rows, relation = entry, [], "=="
    for value in values:
        moved = move.to(value)
        try:
            if not claim.admits(moved):
                continue
            with np.errstate(all="ignore"):
                found = claim.compare(impl, **moved)
        except (ValueError, ArithmeticError, IndexError):
            # The rest of the instance does not allow this value.
            continue
        middles = found.middles()
        if len(middles) != count:
            return None
        relation = found.relation
        left, right = (complex(middle) for middle in middles[place])
        if relation == ">=":
            left, right = right, left
        if left.imag or right.imag or not math.isfinite(left.real) or not math.isfinite(right.real):
            continue
        if claim.counterexample is None and found.slack() < FAILS:
            # What moved is bound to something else by the domain, so it must not be moved alone.
            return None
        rows.append((float(value), left.real, right.real))
    return rows, relation


def _all_still(rows: Sequence[tuple[float, float, float]]) -> bool:
    return all(_still([row[side] for row in rows]) for side in (1, 2))


def _still(values: Sequence[float]) -> bool:
    return max(values) - min(values) <= 1e-9 * max(map(abs, values))
