"""Confidence intervals of probabilities and means."""

from __future__ import annotations

from typing import Any

from flint import arb

from proofs_check.vectors import _binomial
from proofs_check.vectors._numbers import Draws
from proofs_check.vectors._spec import CHOICE, COUNTS, INTEGER, NUMBER, Case, Function, bad

NAN = float("nan")


def _clopper_pearson() -> list[Case]:
    known: list[tuple[str, tuple[str, ...], int, int, float, str]] = [
        ("no success", ("NoSuccess", "ClosedForm"), 0, 10, 0.05, "both"),
        ("no success, upper end at all of the risk", ("NoSuccess", "ClosedForm", "TwoSided"), 0, 10, 0.05, "upper"),
        ("no success at a risk of 1e-7", ("NoSuccess", "ClosedForm"), 0, 100, 1e-7, "both"),
        ("no success in 100000 at a risk of 1e-7", ("NoSuccess", "LargeN", "ClosedForm"), 0, 100_000, 1e-7, "upper"),
        ("nothing but successes", ("NoSuccess", "ClosedForm"), 10, 10, 0.05, "both"),
        ("nothing but successes, lower end: alpha^(1/n)", ("NoSuccess", "ClosedForm", "TwoSided"), 100, 100, 0.001, "lower"),
        ("nothing but successes in 100000", ("NoSuccess", "LargeN", "TinyP", "ClosedForm"), 100_000, 100_000, 0.001, "lower"),
        ("nothing but successes in 10^9: p within 1e-8 of 1", ("NoSuccess", "LargeN", "TinyP", "ClosedForm"), 10**9, 10**9, 0.001, "lower"),
        ("in 10^15: p within 1e-14 of 1", ("NoSuccess", "LargeN", "TinyP", "ClosedForm"), 10**15, 10**15, 0.001, "lower"),
        ("in 8 10^15: p within 1e-15 of 1", ("NoSuccess", "LargeN", "TinyP", "ClosedForm"), 8 * 10**15, 8 * 10**15, 0.001, "lower"),
        ("one trial, no success", ("NoSuccess", "ClosedForm", "Boundary"), 0, 1, 0.1, "both"),
        ("one trial, a success", ("NoSuccess", "ClosedForm", "Boundary"), 1, 1, 0.1, "both"),
        ("nine of ten, both ends", ("TwoSided",), 9, 10, 0.05, "both"),
        ("nine of ten, lower end", ("TwoSided",), 9, 10, 0.05, "lower"),
        ("nine of ten, upper end", ("TwoSided",), 9, 10, 0.05, "upper"),
        ("one of ten", ("TwoSided",), 1, 10, 0.05, "both"),
        ("half", ("TwoSided",), 5, 10, 0.05, "both"),
        ("one failure in 1000", ("TinyP",), 999, 1000, 0.001, "lower"),
        ("one success in 1000 at a risk of 1e-7", ("TinyP",), 1, 1000, 1e-7, "both"),
        ("one success, tiny risk: end near 1e-23", ("TinyP",), 1, 1000, 1e-20, "lower"),
        ("two of 1000, risk 1e-30", ("TinyP",), 2, 1000, 1e-30, "both"),
        ("99 of 100 as of a smoothed classifier", ("TwoSided",), 99, 100, 0.001, "lower"),
        ("990 of 1000", ("TwoSided",), 990, 1000, 0.001, "lower"),
        ("9990 of 10000", ("LargeN", "TwoSided"), 9990, 10_000, 0.001, "lower"),
        ("99990 of 100000", ("LargeN", "TwoSided"), 99_990, 100_000, 0.001, "lower"),
        ("99990 of 100000, risk over ten classes", ("LargeN", "Unpaid"), 99_990, 100_000, 0.0001, "lower"),
        ("half of 1000", ("LargeN",), 500, 1000, 0.001, "both"),
        ("a risk near 1", ("Boundary",), 5, 10, 0.999, "both"),
        ("a risk of 1/2, one end", ("Boundary",), 3, 7, 0.5, "lower"),
    ]
    cases = [Case(c, f, {"counts": k, "n": n, "alpha": a, "side": s}, condition=n if 0 < k < n else 1)
             for c, f, k, n, a, s in known]
    draws = Draws("clopper_pearson", 0)
    for i in range(12):
        n = draws.integer(2, 400)
        cases.append(Case("drawn", ("Drawn",), {"counts": draws.integer(0, n), "n": n, "alpha": 2.0 ** -draws.integer(2, 20),
                                                "side": ("both", "lower", "upper")[i % 3]}, condition=n))
    how = {"n": 10, "alpha": 0.05}
    return [*cases, bad("more successes than trials", counts=11, **how), bad("negative", counts=-1, **how),
            bad("no trials", counts=0, n=0, alpha=0.05), bad("a risk of 0", counts=1, n=10, alpha=0.0),
            bad("a risk of 1", counts=1, n=10, alpha=1.0), bad("a percentage for a risk", counts=1, n=10, alpha=5.0),
            bad("a risk of NaN", counts=1, n=10, alpha=NAN), bad("no integer", counts=0.5, **how)]


MEANS = [
    ("half", ("TwoSided",), 0.5, 200), ("at 0", ("NoSuccess", "Boundary"), 0.0, 100), ("at 1", ("NoSuccess", "Boundary"), 1.0, 100),
    ("next to 1", ("TinyP",), 1 - 2.0**-40, 100_000), ("next to 0", ("TinyP",), 2.0**-40, 100_000),
    ("two samples: nothing known", ("Boundary",), 0.5, 2), ("very many samples", ("LargeN",), 0.25, 10**12),
    ("a thousand", ("TwoSided",), 0.75, 1000), ("ten thousand", ("TwoSided",), 0.9375, 10_000), ("thirty", ("TwoSided",), 0.125, 30),
]


def _means(extra: Any) -> list[Case]:
    cases = []
    for i, (c, f, m, n) in enumerate(MEANS):
        for j, side in enumerate(("both", "lower", "upper")):
            alpha = (0.001, 0.05, 1e-7, 0.5)[(i + j) % 4]
            cases.append(Case(f"{c}, {side}", f, {"mean": m, **extra(m, i + j), "n": n, "alpha": alpha, "side": side}))
    for i in range(6):
        cases.append(Case(f"a range of {i + 2}", ("Boundary",),
                          {"mean": 1.0, **extra(0.5, i), "n": 100 * (i + 1), "alpha": 0.01, "mass": i + 2.0}))
    cases.append(Case("a risk of 1e-300", ("TinyP",), {"mean": 0.5, **extra(0.5, 2), "n": 10**6, "alpha": 1e-300}))
    how = {**extra(0.5, 1), "n": 100}
    return [*cases, bad("a mean above the range", mean=1.5, alpha=0.05, **how), bad("a risk of 0", mean=0.5, alpha=0.0, **how),
            bad("a risk of 1", mean=0.5, alpha=1.0, **how), bad("NaN", mean=NAN, alpha=0.05, **how),
            bad("no samples", mean=0.5, **{**how, "n": 0}, alpha=0.05)]


def _variance(mean: float, i: int) -> dict[str, float]:
    return {"variance": (0.0, 2.0**-6, 0.125, 2.0**-20)[i % 4]}


def _bernstein() -> list[Case]:
    return [*_means(_variance), bad("one sample has no variance", mean=0.5, variance=0.0, n=1, alpha=0.05),
            bad("more variance than there can be", mean=0.5, variance=2.0, n=100, alpha=0.05),
            bad("negative variance", mean=0.5, variance=-0.1, n=100, alpha=0.05)]


def _bonferroni() -> list[Case]:
    cases = [Case(f"{a:g} over {m}", ("ClosedForm", "Unpaid"), {"alpha": a, "m": m})
             for a in (0.001, 0.05, 0.5, 1e-7, 1e-300, 0.999) for m in (1, 2, 3, 10, 100, 1000)]
    return [*cases, bad("no statement", alpha=0.05, m=0), bad("a risk of 0", alpha=0.0, m=2), bad("a risk of 1", alpha=1.0, m=2),
            bad("a negative number", alpha=0.05, m=-1), bad("NaN", alpha=NAN, m=2)]


def _partition_cases() -> list[Case]:
    known = [
        ("two classes", ("Boundary",), [3, 1]), ("two classes tie: the first leads", ("Ties",), [2, 2]),
        ("all tie", ("Ties",), [1, 1, 1, 1]), ("nothing but the first", ("NoSuccess",), [9, 0, 0]),
        ("nothing but the last", ("NoSuccess",), [0, 0, 9]), ("the rest is exactly the runner-up", ("Ties",), [1, 60, 25, 20, 4]),
        ("the rest is one more", ("Boundary",), [2, 60, 25, 20, 4]), ("the example of the thesis's kind", ("ClosedForm",), [1, 60, 20, 15, 4, 3]),
        ("runner-up ties with others", ("Ties",), [10, 4, 4, 4]), ("many small", ("ClosedForm",), [50, 5, 3, 3, 3, 3, 3, 3]),
        ("nothing counted", ("Zero", "Ties"), [0, 0, 0]), ("the runner-up comes first", ("ChannelOrder",), [20, 70, 10]),
    ]
    cases = [Case(c, f, {"counts": k}) for c, f, k in known]
    draws = Draws("partition_classes", 0)
    while len(cases) < 42:
        counts = [draws.integer(0, 20) for _ in range(draws.integer(3, 8))]
        if counts not in [case.inputs["counts"] for case in cases]:
            cases.append(Case("drawn", ("Drawn",), {"counts": counts}))
    return [*cases, bad("one class", counts=[5]), bad("a negative count", counts=[5, -1]), bad("no integers", counts=[0.5, 1.5])]


def _partition(counts: list[int]) -> Any:
    """The class, and for each class the number of its bucket: -1 for the class itself."""
    top, parts = _binomial.buckets(counts)
    return {"top": top, "buckets": [[arb(i) for i in part] for part in parts]}


SIDE: Any = {"n": INTEGER, "alpha": NUMBER, "side": CHOICE}
ENDS = {"lower": "exact", "upper": "exact"}
FUNCTIONS = [
    Function("confidence.clopper_pearson", "the interval where both binomial tails exceed alpha / 2 (alpha for one side; the other "
             "end is then 0 or 1)", ENDS, {"counts": COUNTS, **SIDE}, _clopper_pearson, _binomial.clopper_pearson,
             optional=("side",)),
    Function("confidence.hoeffding", "mean +- r sqrt(ln(1 / alpha') / (2 n)), cut to [0, r], alpha' = alpha / 2 for both ends, r = "
             "mass", ENDS, {"mean": NUMBER, **SIDE, "mass": NUMBER}, lambda: _means(lambda m, i: {}), _binomial.hoeffding, optional=("side", "mass")),
    Function("confidence.empirical_bernstein", "mean +- (sqrt(2 V ln(2 / alpha') / n) + 7 r ln(2 / alpha') / (3 (n - 1))), cut to "
             "[0, r], V the variance with divisor n - 1", ENDS, {"mean": NUMBER, "variance": NUMBER, **SIDE, "mass": NUMBER},
             _bernstein, _binomial.empirical_bernstein, optional=("side", "mass")),
    Function("confidence.bonferroni", "the risk of each of m statements: alpha / m", "exact", {"alpha": NUMBER, "m": INTEGER},
             _bonferroni, lambda alpha, m: arb(alpha) / m),
    Function("confidence.partition_classes", "the leading class and buckets of the others: the runner-up, further single classes "
             "until the rest counts no more than the runner-up, the rest", {"top": "exact", "buckets": "exact"},
             {"counts": COUNTS}, _partition_cases, _partition, sharp=True),
]
