"""Certificates from scores, and the coverage of what sees counts."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from proofs_check.balls import simplex
from proofs_check.vectors import _binomial
from proofs_check.vectors._numbers import Draws
from proofs_check.vectors._spec import ARRAY, CHOICES, COUNTS, INTEGER, NUMBER, OUTCOMES, Case, Function, bad

NAN = float("nan")
MAPS: tuple[tuple[str, ...], ...] = (("softmax",), ("sparsemax",), ("hardmax",), ("sparsemax", "softmax", "hardmax"), ("softmax", "hardmax"))


def _sample(draws: Draws, n: int, classes: int, lead: int, gap: float) -> Any:
    scores = draws.array(n, classes, high=8, of=8)
    scores[:, lead] += gap
    return scores


def _lvm() -> list[Case]:
    draws, cases = Draws("lvm_rs", 0), []
    for i in range(30):
        classes, lead = 2 + i % 3, i % 2
        maps, temperatures = MAPS[i % 5], ([1.0], [0.5], [0.25, 1.0], [2.0])[i % 4]
        gap = (3.0, 1.5, 4.0)[i % 3]
        flags = ("Unpaid",) if classes > 2 else ("TwoSided",)
        cases.append(Case(f"{classes} classes, {' '.join(maps)}, temperatures {temperatures}", flags if i < 18 else ("Drawn",), {
            "selection": _sample(draws, 6, classes, lead, gap), "estimation": _sample(draws, 40 + 10 * (i % 3), classes, lead, gap), "sigma": (0.5, 1.0, 0.25)[i % 3],
            "alpha": (0.05, 0.25, 0.001)[i % 3], "maps": list(maps), "temperatures": np.array(temperatures)}))
    fair: dict[str, Any] = {"sigma": 0.5, "alpha": 0.05, "maps": ["softmax"], "temperatures": np.array([1.0])}
    for name in ("softmax", "sparsemax", "hardmax"):
        how = {**fair, "maps": [name]}
        cases += [
            Case(f"the classes lead differently in the two samples, {name}: abstain", ("SelectionBias",), {"selection": _sample(draws, 6, 2, 0, 4.0), "estimation": _sample(draws, 40, 2, 1, 4.0), **how}),
            Case(f"no variance, {name}: only the second term of the inequality is left", ("Zero", "TinyP"), {"selection": np.array([[9.0, 0.0]] * 3), "estimation": np.array([[9.0, 0.0]] * 50), **how}),
            Case(f"too few samples, {name}: abstain", ("Boundary",), {"selection": _sample(draws, 4, 3, 0, 3.0), "estimation": _sample(draws, 5, 3, 0, 3.0), **how}),
        ]
    good: dict[str, Any] = {"selection": np.eye(2), "estimation": np.eye(2), **fair}
    return [*cases, bad("one sample has no variance", **{**good, "estimation": np.array([[1.0, 0.0]])}), bad("numbers of classes differ", **{**good, "selection": np.eye(3)}),
            bad("noise 0", **{**good, "sigma": 0.0}), bad("a risk of 1", **{**good, "alpha": 1.0}), bad("no such map", **{**good, "maps": ["entmax"]}), bad("a temperature of 0", **{**good, "temperatures": np.array([0.0])}),
            bad("NaN", **{**good, "estimation": np.eye(2) * NAN}), bad("no map", **{**good, "maps": []})]


def _ends(scores: Any, name: str, temperature: float, label: int | None, share: Fraction) -> tuple[int, arb, arb]:
    """The leading class (or the given one), its lower end and the largest upper end of the others."""
    maps: Any = {"softmax": simplex.softmax, "sparsemax": simplex.sparsemax}
    rows = [simplex.hardmax(row) if name == "hardmax" else maps[name](row, temperature=temperature) for row in scores]
    n, classes = len(rows), len(rows[0])
    means = [sum((row[k] for row in rows), arb(0)) / n for k in range(classes)]
    variances = [sum(((row[k] - means[k]) ** 2 for row in rows), arb(0)) / (n - 1) for k in range(classes)]
    top = max(range(classes), key=lambda k: float(means[k])) if label is None else label
    log = (2 * arb(share.denominator) / arb(share.numerator)).log()
    halves = [(2 * v * log / n).sqrt() if v > 0 else arb(0) for v in variances]
    room = 7 * log / (3 * (n - 1))
    lower = (means[top] - halves[top] - room).max(arb(0))
    upper = arb(0)
    for k in range(classes):
        if k != top:
            upper = upper.max((means[k] + halves[k] + room).min(arb(1)))
    return top, lower, upper


def _lvm_value(selection: Any, estimation: Any, sigma: float, alpha: float, maps: list[str], temperatures: Any) -> Any:
    share = Fraction(alpha) / selection.shape[1]
    choices = [(m, float(t)) for m in maps for t in (temperatures if m != "hardmax" else temperatures[:1])]
    best: Any = None
    for choice in choices:
        top, low, high = _ends(selection, *choice, None, share)
        found = _binomial._certificate(top, low, high, sigma)["radius"] if 0 < high < low < 1 else arb(0)
        value = float(found) or float(low - high)  # without a radius the smaller lack of one
        if best is None or value > best[0]:
            best = (value, choice, top)
    _, choice, top = best
    _, low, high = _ends(estimation, *choice, top, share)
    return _binomial._certificate(top, low, high, sigma)


def _coverage() -> list[Case]:
    cases, draws = [], Draws("exact_coverage", 0)
    for n in (1, 2, 3, 5, 8, 12):
        for weights in ([1, 1], [1, 3], [1, 0]):
            event = [[k, n - k] for k in range(n + 1) if 2 * k >= n]
            cases.append(Case(f"half of {n} or more, weights {weights}", ("ClosedForm", "Boundary") if 0 in weights else ("ClosedForm",), {"covers": event, "p": weights, "n": n}))
    for n in (2, 4, 6):
        event = [[a, b, n - a - b] for a, b in itertools.product(range(n + 1), repeat=2) if a + b <= n and a == max(a, b, n - a - b)]
        for weights in ([1, 1, 1], [3, 2, 1], [1, 1, 2]):
            cases.append(Case(f"the first of three leads or ties in {n}, weights {weights}", ("Ties",), {"covers": event, "p": weights, "n": n}))
    cases += [Case("nothing is covered", ("Zero",), {"covers": [], "p": [1, 1], "n": 3}), Case("everything is covered", ("ClosedForm",), {"covers": [[0, 1], [1, 0]], "p": [2, 5], "n": 1}),
              Case("weights as floats are exact numbers", ("Cancellation",), {"covers": [[1, 0]], "p": np.array([0.1, 0.2]), "n": 1}), Case("a probability of 2^-60", ("TinyP",), {"covers": [[1, 0]], "p": np.array([2.0**-60, 1.0]), "n": 1}),
              Case("next to 1", ("TinyP", "Cancellation"), {"covers": [[0, 1]], "p": np.array([2.0**-60, 1.0]), "n": 1})]
    for _ in range(10):
        n = draws.integer(3, 9)
        cases.append(Case("drawn", ("Drawn",), {"covers": [[k, n - k] for k in range(n + 1) if draws.integer(0, 1)], "p": [draws.integer(1, 9), draws.integer(1, 9)], "n": n}))
    return [*cases, bad("no trials", covers=[], p=[1, 1], n=0), bad("weights of 0", covers=[], p=[0, 0], n=2), bad("a negative weight", covers=[], p=[1, -1], n=2), bad("NaN", covers=[], p=np.array([NAN, 1.0]), n=2)]


def _coverage_value(covers: list[list[int]], p: Any, n: int) -> Any:
    weights = [Fraction(w) for w in (p.tolist() if isinstance(p, np.ndarray) else p)]
    total = Fraction(0)
    for counts in covers:
        ways = math.factorial(n) // math.prod(math.factorial(k) for k in counts)
        total += ways * math.prod((w**k for w, k in zip(weights, counts, strict=True)), start=Fraction(1))
    share = total / sum(weights) ** n
    ball = arb(share.numerator) / share.denominator
    return {"low": ball, "high": ball}


FUNCTIONS = [
    Function("certificates.lvm_rs", "each map at each temperature (hardmax at the first) on the selection sample: the class of the largest mean, empirical Bernstein ends (one-sided, risk alpha / c, divisor n - 1), the "
             "choice with the largest radius (without one: with the largest lower - upper); then ends and radius of that choice and class from the estimation sample; label -1 and radius 0 where lower <= upper",
             {"label": "exact", "radius": "lower", "lower": "lower", "upper": "upper"}, {"selection": ARRAY, "estimation": ARRAY, "sigma": NUMBER, "alpha": NUMBER, "maps": CHOICES, "temperatures": ARRAY}, _lvm, _lvm_value),
    Function("confidence.exact_coverage", "bounds on the probability of an event of multinomial counts: covers lists its outcomes (to a Python adapter it is a function of the counts), p are weights of the classes",
             {"low": "lower", "high": "upper"}, {"covers": OUTCOMES, "p": COUNTS, "n": INTEGER}, _coverage, _coverage_value),
]
