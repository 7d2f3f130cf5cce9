"""Maps of scores onto a simplex."""

from __future__ import annotations

import numpy as np

from proofs_check.balls import simplex
from proofs_check.vectors._numbers import Draws
from proofs_check.vectors._spec import ARRAY, NUMBER, Case, Function, bad

NAN, INF = float("nan"), float("inf")
SCORES = [
    ("two equal scores", ("Ties", "ClosedForm"), [0.0, 0.0]),
    ("one score", ("ClosedForm",), [3.0]),
    ("three equal scores, negative", ("Ties", "ClosedForm"), [-2.0, -2.0, -2.0]),
    ("two tie for the lead", ("Ties",), [1.0, 1.0, 0.0]),
    ("zeros of both signs tie", ("Ties", "SignedZero"), [0.0, -0.0, -1.0]),
    ("a logarithm apart", ("ClosedForm",), [0.0, 0.6931471805599453]),
    ("large: exponentials overflow", ("OverflowingExponential",), [1000.0, 999.0, 0.0]),
    ("larger still, and a tie", ("OverflowingExponential", "Ties"), [2.0**60, 2.0**60, 2.0**60 - 1024]),
    ("all far below zero: exponentials underflow", ("Underflow",), [-1000.0, -1001.0]),
    ("a share of e^-700", ("TinyP", "Underflow"), [0.0, -700.0]),
    ("a share of e^-40: lost when 1 is subtracted", ("TinyP", "Cancellation"), [40.0, 0.0]),
    ("one ulp apart", ("Cancellation",), [1.0, 1.0 + 2.0**-52]),
    ("exactly 1 apart: sparsemax just reaches the corner", ("Ties", "ClosedForm"), [1.0, 0.0]),
    ("nearly 1 apart", ("Cancellation",), [1.0, 2.0**-30]),
    ("the third just outside the support", ("Ties",), [0.5, 0.5, 0.0]),
    ("the third just inside the support", ("Cancellation",), [0.5, 0.5, 2.0**-40]),
    ("not sorted", ("ClosedForm",), [0.25, 1.0, 0.5, -3.0]),
    ("many classes", ("Ties",), [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25]),
    ("far apart", ("FarApart",), [2.0**9, 1.0, -(2.0**9)]),
]


def _spread(z: list[float]) -> float:
    """Of the scores whose exponentials are floats."""
    return 1 + max(max(z) - v for v in z if max(z) - v < 750)


def _cases(scaled: bool) -> list[Case]:
    name, cases = ("temperature", "mass"), []
    options = [{}, {"mass": 2.0}, {"mass": 0.25}]
    if scaled:
        options = [{}, {"temperature": 0.5}, {"temperature": 4.0, "mass": 2.0}]
    for options_ in options[:1]:
        cases += [Case(c, f, {"z": np.array(z), **options_}, condition=_spread(z)) for c, f, z in SCORES]
    for i, (c, f, z) in enumerate(SCORES):
        how = options[1 + i % 2]
        if abs(z[0]) < 1e299:
            closed = tuple(flag for flag in f if flag != "ClosedForm") or ("Boundary",)
            cases.append(Case(f"{c}; " + ", ".join(f"{n} {how[n]:g}" for n in name if n in how), closed,
                              {"z": np.array(z), **how}, condition=_spread(z) / how.get("temperature", 1.0)))
    draws = Draws("simplex", 0)
    for i in range(6):
        cases.append(Case("drawn", ("Drawn",), {"z": draws.array(2 + i % 3, high=16, of=8), **options[i % 3]}))
    cases.append(Case("two rows, each by itself", ("ChannelOrder",), {"z": np.array([[0.0, 1.0], [2.0, 0.0]])}))
    cases += [bad("NaN", z=np.array([0.0, NAN])), bad("infinity", z=np.array([INF, 0.0])),
              bad("a mass of 0", z=np.array([0.0, 1.0]), mass=0.0)]
    if scaled:
        cases += [bad("a temperature of 0", z=np.array([0.0, 1.0]), temperature=0.0),
                  bad("a negative temperature", z=np.array([0.0, 1.0]), temperature=-1.0)]
    return cases


BOTH = {"z": ARRAY, "temperature": NUMBER, "mass": NUMBER}
FUNCTIONS = [
    Function("simplex.softmax", "mass times exp(z_i / temperature) over their sum, along the last axis", "exact", BOTH,
             lambda: _cases(True), simplex.softmax, optional=("temperature", "mass")),
    Function("simplex.sparsemax", "the point of the simplex of the mass nearest to z / temperature", "exact", BOTH,
             lambda: _cases(True), simplex.sparsemax, optional=("temperature", "mass")),
    Function("simplex.hardmax", "the mass to the largest score, in equal parts where some tie", "exact",
             {"z": ARRAY, "mass": NUMBER}, lambda: _cases(False), simplex.hardmax, optional=("mass",)),
]
