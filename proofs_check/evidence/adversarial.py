"""Adversarial evidence: an optimiser of scipy moves the entries of an instance to lessen the slack."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import minimize

from proofs_check.claim import Case, Claim, Compare
from proofs_check.evidence._decide import Decision, decide
from proofs_check.implementation import Implementation

Admits = Callable[[Case], bool]


def attack(
    claim: Claim, impl: Implementation, start: Case, *, evaluations: int,
    compare: Compare | None = None, admits: Admits | None = None,
    improved: Callable[[int, float, Case], None] | None = None,
) -> tuple[Case, int]:
    """The instance of least slack that Nelder and Mead's simplex reaches from the start, and its cost.

    The arguments named in ``claim.adversarial`` move, all others stay. Infeasible points, and
    points where the implementation raises ValueError, count as infinitely slack.
    """
    chosen = compare or claim.compare
    allowed = admits or claim.admits
    names = [name for name in claim.adversarial if name in start]
    best = [math.inf, start]
    spent = [0]

    def objective(flat: Any) -> float:
        case = {**start, **_unpack(flat, [start[name] for name in names], names)}
        spent[0] += 1
        try:
            slack = chosen(impl, **case).slack() if allowed(case) else math.inf
        except ValueError:
            return math.inf
        if math.isnan(slack):  # the implementation is broken here: nothing is worse
            slack = -math.inf
        if slack < best[0]:
            best[:] = [slack, case]
            if improved is not None:
                improved(spent[0], slack, case)
        return slack if math.isfinite(slack) else math.copysign(1e300, slack)

    point = _pack([start[name] for name in names])
    if point.size == 0:
        return start, 0
    with np.errstate(all="ignore"):
        minimize(objective, point, method="Nelder-Mead", options={"maxfev": evaluations, "adaptive": True})
    return best[1], spent[0]


def worst(
    claim: Claim, impl: Implementation, starts: list[Case], *, evaluations: int
) -> tuple[list[tuple[Case, Decision]], int]:
    """Attack from every start; decide where each attack ended."""
    ends, spent = [], 0
    for start in starts:
        case, cost = attack(claim, impl, start, evaluations=evaluations)
        ends.append((case, decide(claim, impl, case)))
        spent += cost
    return ends, spent


def _pack(values: list[Any]) -> Any:
    parts = [part for value in values for part in _parts(value)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _parts(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [part for item in value for part in _parts(item)]
    array = np.asarray(value)
    if np.iscomplexobj(array):
        return [array.real.ravel(), array.imag.ravel()]
    return [array.astype(float).ravel()]


def _unpack(flat: Any, like: list[Any], names: list[str]) -> Case:
    place = [0]

    def take(shape: tuple[int, ...]) -> Any:
        size = int(np.prod(shape))
        part = np.array(flat[place[0] : place[0] + size]).reshape(shape)
        place[0] += size
        return part

    def rebuild(value: Any) -> Any:
        if isinstance(value, list):
            return [rebuild(item) for item in value]
        if np.iscomplexobj(value):
            return take(np.shape(value)) + 1j * take(np.shape(value))
        return take(np.shape(value)) if np.ndim(value) else float(take(()))

    return {name: rebuild(value) for name, value in zip(names, like, strict=True)}
