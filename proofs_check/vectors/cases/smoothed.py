"""Radii from bounds on probabilities and from scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb, ctx

from proofs_check.balls import certificates, weierstrass
from proofs_check.vectors._numbers import Draws
from proofs_check.vectors._spec import ARRAY, INTEGER, NUMBER, ONE_OR_TWO, YES, Case, Function, bad, certified, distinct

NAN, INF = float("nan"), float("inf")
PROBABILITIES = (
    0.5, 0.5 + 2.0**-52, 0.5 + 2.0**-30, 0.75, 0.9, 0.99, 0.999, 1 - 2.0**-10, 1 - 2.0**-20, 1 - 2.0**-30, 1 - 2.0**-40, 1 - 2.0**-45,
    1 - 2.0**-50, 1 - 2.0**-52, 1 - 2.0**-53, 0.25, 0.0, 0.6, 0.8,
)


def _quantile(p: float) -> arb:
    """Of small probabilities as they are, of large ones by 1 - p, which is exact here."""
    return weierstrass.quantile(arb(p)) if p < 0.5 else -weierstrass.quantile(1 - arb(p))


def _flags(p: float) -> tuple[str, ...]:
    if p <= 0.5:
        return ("Boundary",)
    return ("TinyP", "Cancellation") if p > 0.9999 else ("ClosedForm",) if p < 0.6 else ("TwoSided",)


def _mono() -> list[Case]:
    cases = [Case(f"p = {p:.17g}, noise {s:g}", _flags(p), {"p_lower": p, "sigma": s}) for p in PROBABILITIES for s in (1.0, 0.25)]
    cases += [Case(f"p = {p:g}, noise {s:g}", _flags(p), {"p_lower": p, "sigma": s}) for p in (0.75, 0.99) for s in (2.0, 3.0)]
    return [*cases, *certified(cases), bad("p = 1.5", p_lower=1.5, sigma=1.0), bad("noise 0", p_lower=0.9, sigma=0.0),
            bad("negative noise", p_lower=0.9, sigma=-1.0), bad("NaN", p_lower=NAN, sigma=1.0)]


def _mono_value(p_lower: float, sigma: float, certified: bool = False) -> arb:
    return arb(0) if p_lower <= 0.5 else arb(sigma) * _quantile(p_lower)


def _multi() -> list[Case]:
    pairs = [(p, 1 - p) for p in PROBABILITIES if 0.5 < p < 1]
    pairs += [(0.6, 0.5), (0.4, 0.3), (0.5, 0.5), (0.3, 0.4), (0.25, 2.0**-60), (0.5, 1e-300), (1e-10, 1e-20), (2.0**-40, 2.0**-41),
              (0.9, 0.9 - 2.0**-50), (1 - 2.0**-50, 1 - 2.0**-49), (0.0, 0.0), (0.4, 0.6)]
    cases = []
    for i, (p, q) in enumerate(pairs):
        tiny = min(q, 1 - p) < 1e-4
        flags = ("Boundary",) if p <= q else ("TinyP",) if tiny else ("Cancellation",) if p - q < 1e-6 else ("TwoSided",)
        for s in (1.0, 0.5) if i % 2 == 0 else (0.25,):
            cases.append(Case(f"p = {p:.17g}, q = {q:.17g}, noise {s:g}", flags, {"p_lower": p, "p_upper": q, "sigma": s},
                              condition=_apart(p, q)))
    return [*cases, *certified(cases), bad("p = 1.5", p_lower=1.5, p_upper=0.1, sigma=1.0), bad("q = -1", p_lower=0.9, p_upper=-1.0, sigma=1.0),
            bad("noise 0", p_lower=0.9, p_upper=0.1, sigma=0.0), bad("NaN", p_lower=0.9, p_upper=NAN, sigma=1.0)]


def _multi_value(p_lower: float, p_upper: float, sigma: float, certified: bool = False) -> arb:
    return arb(0) if p_lower <= p_upper else arb(sigma) / 2 * (_quantile(p_lower) - _quantile(p_upper))


def _apart(p: float, q: float) -> float:
    """How much larger the quantiles are than their difference."""
    if not 0 < q < p < 1:
        return 1.0
    with ctx.workprec(128):
        low, high = _quantile(q), _quantile(p)
        return float(((abs(low) + abs(high)) / (high - low)).mid()) + 1


def _with_slope() -> list[Case]:
    pairs = [(0.9, 0.1), (0.6, 0.4), (0.75, 0.125), (0.99, 0.01), (0.5, 0.25), (0.999, 2.0**-20), (0.4, 0.6), (0.5, 0.5), (0.625, 0.5)]
    cases = [Case(f"p = {p:g}, q = {q:g}, slope {L:g}, noise {s:g}", _flags(p) if p > q else ("Boundary",),
                  {"p_lower": p, "p_upper": q, "sigma": s, "lipschitz": L})
             for p, q in pairs for L, s in ((1.0, 0.5), (4.0, 0.25), (0.5, 1.0), (INF, 0.5))]
    unequal = ((1.0, 4.0), (4.0, 1.0), (0.5, 2.0), (INF, 1.0), (0.25, INF), (2.0**-6, 1.0))
    cases += [Case(f"p = {p:g}, q = {q:g}, slopes {L:g} and {M:g}, noise {s:g}", ("ChannelOrder",), {"p_lower": p, "p_upper": q, "sigma": s, "lipschitz": (L, M)})
              for p, q, s in ((0.75, 0.125, 0.5), (0.9, 0.1, 1.0), (0.5, 0.25, 2.0)) for L, M in unequal]
    near = [Case(f"p is {d:g} above q, slope {L:g}: rounding is a share of the radius", ("Cancellation", "Certified"),
                 {"p_lower": 0.5 + d, "p_upper": 0.5, "sigma": 0.5, "lipschitz": L, "certified": True}, strict=True) for d in (2.0**-40, 2.0**-36) for L in (INF, 2.0**20)]
    return [*cases, *certified(cases), *near, bad("p = 1.5", p_lower=1.5, p_upper=0.1, sigma=1.0, lipschitz=1.0),
            bad("noise 0", p_lower=0.9, p_upper=0.1, sigma=0.0, lipschitz=1.0),
            bad("negative slope", p_lower=0.9, p_upper=0.1, sigma=1.0, lipschitz=-1.0),
            bad("a negative slope of the second class", p_lower=0.9, p_upper=0.1, sigma=1.0, lipschitz=(1.0, -1.0)),
            bad("NaN", p_lower=NAN, p_upper=0.1, sigma=1.0, lipschitz=1.0)]


SCORES: list[tuple[str, tuple[str, ...], list[float], int]] = [
    ("two classes", ("ClosedForm",), [3.0, 1.0], 0), ("the second class", ("ChannelOrder",), [1.0, 3.0], 1),
    ("not the leading class: no radius", ("Boundary",), [3.0, 1.0], 1), ("a tie: no radius", ("Ties",), [2.0, 2.0, 1.0], 0),
    ("three classes, the runner-up last", ("ClosedForm",), [5.0, 1.0, 4.0], 0), ("negative scores", ("ClosedForm",), [-1.0, -3.0], 0),
    ("one ulp apart", ("Cancellation",), [1.0 + 2.0**-52, 1.0], 0), ("far from zero, near each other", ("Cancellation",), [2.0**40 + 1, 2.0**40], 0),
    ("far apart", ("FarApart",), [2.0**100, 2.0**-100, 0.0], 0), ("zeros of both signs", ("SignedZero", "Ties"), [0.0, -0.0], 0),
    ("subnormal margin", ("Subnormal",), [2.0**-1070, 0.0], 0), ("many classes tie behind", ("Ties",), [2.0, 1.0, 1.0, 1.0], 0),
]


def _scored(name: str | None, constants: Any) -> list[Case]:
    cases, draws = [], Draws(f"scores {name}", 0)
    listed = SCORES + [("drawn", ("Drawn",), draws.array(3 + i % 3).tolist(), i % 3) for i in range(8)]
    for i, (c, f, scores, y) in enumerate(listed):
        for j in range(3 if name is None and i < 12 else 2):
            how = {} if name is None else {name: constants(len(scores), i + j)}
            moved = np.array(scores) * (1, 4, 0.5)[j] if name is None else np.array(scores)
            cases.append(Case(c if name is None and j == 0 else f"{c}, variant {j + 1}", f, {"scores": moved, "labels": y, **how}))
    how = {} if name is None else {name: constants(2, 0)}
    cases = distinct(cases)
    return [*cases, *(certified(cases) if name is not None else []), bad("no such class", scores=np.array([1.0, 2.0]), labels=2, **how),
            bad("NaN", scores=np.array([NAN, 2.0]), labels=0, **how), bad("one class", scores=np.array([1.0]), labels=0, **how)]


def _global() -> list[Case]:
    return [*_scored("lipschitz", lambda c, i: (1.0, 2.0, 0.5, 3.0, 2.0**20)[i % 5]),
            bad("a negative constant", scores=np.array([2.0, 1.0]), labels=0, lipschitz=-1.0),
            Case("a constant of 0: no bound on the radius", ("Zero", "Boundary"),
                 {"scores": np.array([2.0, 1.0]), "labels": 0, "lipschitz": 0.0})]


def _coordinate() -> list[Case]:
    return [*_scored("lipschitz", lambda c, i: np.array([(1.0, 2.0, 0.5, 4.0)[(i + k) % 4] for k in range(c)])),
            bad("a negative constant", scores=np.array([2.0, 1.0]), labels=0, lipschitz=np.array([1.0, -1.0]))]


def _pairwise() -> list[Case]:
    def table(c: int, i: int) -> Any:
        L = np.array([[float(1 + (i + a + 2 * b) % 5) for b in range(c)] for a in range(c)])
        return L * (1 - np.eye(c))

    return _scored("lipschitz", table)


def _accuracy() -> list[Case]:
    draws, cases = Draws("certified_accuracy", 0), []
    for level in (0.0, 0.25, 0.5, 1.0, 2.0):
        for c, R in (("a level met exactly does not count", [0.0, 0.25, 0.5, 1.0]), ("all the same", [0.5, 0.5]), ("one", [1.0]),
                     ("infinite radii count", [INF, 0.0]), ("thirds", [0.25, 1.0, 2.0])):
            cases.append(Case(f"{c}, level {level:g}", ("Ties", "Boundary"), {"radii": np.array(R), "epsilon": level}))
    for _ in range(12):
        cases.append(Case("drawn", ("Drawn",), {"radii": abs(draws.array(5 + draws.integer(0, 4))), "epsilon": draws.integer(0, 8) / 4}))
    return [*cases, bad("a negative level", radii=np.array([1.0]), epsilon=-1.0), bad("NaN", radii=np.array([NAN]), epsilon=0.5),
            bad("a negative radius", radii=np.array([-1.0]), epsilon=0.5)]


PS = {"p_lower": NUMBER, "sigma": NUMBER}
CERTIFIED = ("certified",)
SL = {"scores": ARRAY, "labels": INTEGER}
FUNCTIONS = [
    Function("certificates.radius_mono", "sigma probit^-1(p), 0 where p <= 1/2", "lower", {**PS, "certified": YES}, _mono, _mono_value,
             optional=CERTIFIED),
    Function("certificates.radius_multi", "sigma / 2 (probit^-1(p) - probit^-1(q)), 0 where p <= q", "lower",
             {"p_lower": NUMBER, "p_upper": NUMBER, "sigma": NUMBER, "certified": YES}, _multi, _multi_value, optional=CERTIFIED),
    Function("certificates.radius_multi_lipschitz", "the largest radius that the bounds p and q and the slope of the scores before "
             "smoothing certify; of two slopes the first is that of the class of p, the second that of the class of q", "lower", {"p_lower": NUMBER, "p_upper": NUMBER, "sigma": NUMBER, "lipschitz": ONE_OR_TWO, "certified": YES}, _with_slope,
             certificates.radius_multi_lipschitz, optional=CERTIFIED),
    Function("certificates.margin", "the label's score less the largest other one, at least 0", "exact", SL,
             lambda: _scored(None, None), certificates.margin),
    Function("certificates.radius_global", "margin over root 2 times the Lipschitz constant of the network", "lower",
             {**SL, "lipschitz": NUMBER, "certified": YES}, _global, certificates.radius_global, optional=CERTIFIED),
    Function("certificates.radius_coordinate", "the least of (score difference) / (sum of the two scores' constants)", "lower",
             {**SL, "lipschitz": ARRAY, "certified": YES}, _coordinate, certificates.radius_coordinate, optional=CERTIFIED),
    Function("certificates.radius_pairwise", "the least of (score difference) / (constant of that difference)", "lower",
             {**SL, "lipschitz": ARRAY, "certified": YES}, _pairwise, certificates.radius_pairwise, optional=CERTIFIED),
    Function("certificates.certified_accuracy", "the share of the radii above a level", "exact",
             {"radii": ARRAY, "epsilon": NUMBER}, _accuracy, certificates.certified_accuracy),
]
