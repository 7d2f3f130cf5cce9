"""Certificates of smoothed classifiers: counts in, radius out."""

from __future__ import annotations

from typing import Any

from proofs_check.vectors import _binomial
from proofs_check.vectors._numbers import Draws
from proofs_check.vectors._spec import COUNTS, NUMBER, Case, Function, bad, distinct

TWO = [
    ("995 of 1000", ("TwoSided",), [1, 9], [5, 995]),
    ("chosen from one sample, another class leads in the other: abstain", ("SelectionBias",), [9, 1], [5, 995]),
    ("a tie in the selection: the first", ("Ties",), [5, 5], [990, 10]),
    ("nothing but the class", ("NoSuccess", "TinyP", "ClosedForm"), [10, 0], [1000, 0]),
    ("nothing but the class in 100000", ("NoSuccess", "TinyP", "LargeN", "ClosedForm"), [100, 0, 0], [100_000, 0, 0]),
    ("nothing of the class", ("NoSuccess", "SelectionBias"), [10, 0], [0, 1000]),
    ("half: abstain", ("Boundary",), [10, 0], [500, 500]),
    ("just above one half, not enough: abstain", ("Boundary",), [10, 0], [520, 480]),
    ("barely enough", ("Boundary",), [10, 0], [600, 400]),
    ("three classes", ("Unpaid",), [60, 30, 10], [700, 200, 100]),
    ("four classes, the leader below one half", ("Unpaid",), [45, 20, 15, 20], [450, 200, 150, 200]),
    ("ten classes", ("Unpaid", "ClassPartition"), [90, 2, 1, 1, 1, 1, 1, 1, 1, 1], [910, 20, 10, 10, 10, 10, 10, 10, 5, 5]),
    ("the runner-up alone and a rest that is its equal", ("ClassPartition", "Ties"), [1, 60, 25, 20, 4], [10, 600, 250, 200, 40]),
    ("one more class of its own", ("ClassPartition",), [2, 60, 25, 20, 4], [10, 600, 250, 200, 40]),
    ("one sample given twice: no error, but no certificate in truth", ("SelectionBias",), [30, 70], [30, 70]),
    ("the leaders of both samples differ among three", ("SelectionBias",), [40, 35, 25], [300, 500, 200]),
    ("the bucket of the rest outweighs the runner-up", ("ClassPartition",), [50, 20, 10, 10], [600, 100, 150, 150]),
]
SIGMAS, RISKS = (0.5, 0.25, 1.0, 0.12), (0.001, 0.05, 1e-7, 0.0001)


def _two() -> list[Case]:
    cases = []
    for i, (c, f, a, b) in enumerate(TWO):
        for j in (0, 1):
            s, r = SIGMAS[(i + j) % 4], RISKS[(i // 2 + 2 * j) % 4]
            cases.append(Case(f"{c}; noise {s:g}, risk {r:g}", f, {"selection": a, "estimation": b, "sigma": s, "alpha": r},
                              condition=sum(b)))
    draws = Draws("certify", 0)
    for _ in range(6):
        c = draws.integer(2, 5)
        b = [draws.integer(0, 50) for _ in range(c)]
        b[draws.integer(0, c - 1)] += 400
        a = [k // 7 + 1 for k in b]
        cases.append(Case("drawn", ("Drawn",), {"selection": a, "estimation": b, "sigma": draws.integer(1, 8) / 4,
                                                "alpha": 2.0 ** -draws.integer(4, 16)}, condition=sum(b)))
    good: dict[str, Any] = {"selection": [1, 9], "estimation": [5, 95], "sigma": 0.5, "alpha": 0.001}
    return [*cases, bad("no samples", **{**good, "estimation": [0, 0]}), bad("classes differ", **{**good, "selection": [1, 9, 2]}),
            bad("noise 0", **{**good, "sigma": 0.0}), bad("a risk of 1", **{**good, "alpha": 1.0}),
            bad("a risk of 0", **{**good, "alpha": 0.0}), bad("a negative count", **{**good, "estimation": [-5, 95]})]


def _one() -> list[Case]:
    cases = []
    for i, (c, f, _, b) in enumerate(TWO):
        if "SelectionBias" in f and i != 1:
            continue
        for j in (0, 1, 2):
            s, r = SIGMAS[(i + j) % 4], RISKS[(i + j) % 4]
            flags = tuple(set(f) - {"SelectionBias", "ClassPartition"}) or ("Unpaid",)
            comment = c if i != 1 else "the second class leads"
            cases.append(Case(f"{comment}; noise {s:g}, risk {r:g}", flags, {"counts": b, "sigma": s, "alpha": r},
                              condition=sum(b)))
    more = [Case(f"{n} trials of nothing else, risk {a:g}", ("NoSuccess", "TinyP", "ClosedForm"),
                 {"counts": [n, 0], "sigma": 1.0, "alpha": a}, condition=n) for n in (10, 100, 10_000) for a in (0.001, 1e-7)]
    good: dict[str, Any] = {"counts": [5, 95], "sigma": 0.5, "alpha": 0.001}
    return [*distinct(cases), *more, bad("no samples", **{**good, "counts": [0, 0]}), bad("one class", **{**good, "counts": [9]}),
            bad("noise 0", **{**good, "sigma": 0.0}), bad("a risk of 1", **{**good, "alpha": 1.0}),
            bad("a negative count", **{**good, "counts": [-5, 95]})]


PROMISES = {"label": "exact", "radius": "lower", "lower": "lower", "upper": "upper"}
TWO_SAMPLES = {"selection": COUNTS, "estimation": COUNTS, "sigma": NUMBER, "alpha": NUMBER}
FUNCTIONS = [
    Function("certificates.certify_mono", "the class with the most counts of the selection sample; lower is its Clopper-Pearson "
             "lower end from the estimation sample at the risk alpha, upper = 1 - lower, radius = sigma probit^-1(lower); "
             "label -1 and radius 0 where lower <= 1/2", PROMISES, TWO_SAMPLES, _two, _binomial.certify_mono),
    Function("certificates.certify_multi", "lower and upper from two-sided Clopper-Pearson intervals of all c classes at the risk "
             "alpha / c each, radius = sigma / 2 (probit^-1(lower) - probit^-1(upper)); label -1 and radius 0 where lower <= "
             "upper", PROMISES, {"counts": COUNTS, "sigma": NUMBER, "alpha": NUMBER}, _one, _binomial.certify_multi),
    Function("certificates.certify_partitioned", "the class and the buckets of partition_classes from the selection sample, "
             "one-sided ends from the estimation sample at the risk alpha over the number of bounds", PROMISES, TWO_SAMPLES, _two,
             _binomial.certify_partitioned),
]
