"""Theorem 20: local Lipschitz continuity and the expected loss. Exact probabilities on finite spaces."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st

from proofs_check.claim import Case, Comparison, Step, Verdict, claim, instead, scale_right, tighten
from proofs_check.claims._counts import ROOM
from proofs_check.claims.than._spaces import DELTAS, decomposition, experiments, failing, spaces, spread_out

_ROOT = r"\sqrt{\tfrac{|T| \ln(2N/\delta)}{m}}"


def _far_apart(cells: Any, **_: Any) -> bool:
    return len(cells) >= 4 and len(set(cells)) == len(cells)


def _together(cells: Any, **_: Any) -> bool:
    return len(cells) >= 4 and 3 <= len(set(cells)) < len(cells)


def _line(*positions: float) -> Any:
    return np.array(positions)[:, None]


def _decomposition_steps(factor: Any) -> Iterator[Step]:
    """Two cells of two points; f, P and the frequencies Q are symbols."""
    f, P, Q = (sympy.symbols(f"{name}0:4", positive=True) for name in "fpq")
    cells = ((0, 1), (2, 3))
    drift, inside = sympy.Integer(0), sympy.Integer(0)
    for cell in cells:
        p, q = sum(P[j] for j in cell), sum(Q[j] for j in cell)
        mean = sum(P[j] * f[j] for j in cell) / p
        drift += (p - q) * mean
        inside += sum(Q[s] * P[j] / p * (f[j] - f[s]) for s in cell for j in cell)
    whole = sum((a - b) * v for a, b, v in zip(P, Q, f, strict=True))
    yield Step("the gap is what the frequencies do and what happens inside of the cells", sympy.simplify(whole - factor * (drift + inside)))
    C, a, d = sympy.symbols("C a d", nonnegative=True)
    yield Step("(P_i - Q_i) a_i is at most C times the positive part: C d - a d = (C - a) d", C * d - a * d - (C - a) * d)


@claim(
    "than.thm-20.decomposition",
    at="Proof of theorem 20, with what equation 66 stands on",
    tex=r"F(P,h) - F(D,h) \le \sum_{i \in T} \tfrac{m_i}{m} \lambda_i L_i + C \sum_i \bigl(P(X_i) - \tfrac{m_i}{m}\bigr)_+",
    given=spaces(),
    verdict=Verdict.PROVED,
    note="For every sample and every loss in [0, C], so for a trained model too: F(P) - F(D) = sum (P_i - m_i/m) a_i + sum m_i/m (a_i - mean of f over D_i), a_i the mean loss in the cell. "
    "The first sum is at most C times the distance of probabilities and frequencies, the second is lambda_i L_i at most. What chance adds is only the former, so that theorem 20 is a "
    "statement about multinomial frequencies, and its model may depend on the sample.",
    strata={"a cell of several points": lambda cells, **_: len(set(cells)) < len(cells),
            "cells that differ in probability": lambda cells, **_: len(set(cells)) >= 2},
    mutants={"one-percent-tighter": tighten(0.01),
             "three quarters of the distance": instead(lambda impl, **case: decomposition(impl, **case, far=0.75, drift=0.75))},
    witnesses=[
        {"points": _line(0.0, 2.0), "cells": [0, 0], "p": [1, 1], "losses": np.array([0.0, 3.0]), "counts": [1, 0]},
        {"points": _line(0.0, 1.0), "cells": [0, 1], "p": [1, 3], "losses": np.array([0.0, 2.0]), "counts": [2, 0]},
        {"points": _line(0.0, 1.0, 9.0), "cells": [0, 0, 1], "p": [1000, 1000, 1], "losses": np.array([0.0, 1.0, 1.0]), "counts": [3, 0, 0]},
    ],
    adversarial=["losses", "points"],
    where=lambda losses, **_: bool(np.min(losses) >= 0),
    derivation=_decomposition_steps,
)
def expected_loss_decomposed(impl: Any, **case: Any) -> Comparison:
    """The generalization gap is at most the sum of distances times local constants, and C times the distance of the cells' frequencies."""
    return decomposition(impl, **case)


def _printed(impl: Any, form: str = "printed", scale: float = 1.0) -> Any:
    """The remainder for C = 1, as a function of the experiment."""
    return lambda m, N, delta: lambda filled: scale * impl.generalization.local_lipschitz_bound(
        0.0, spread_out(m, filled, N), 0.0, 0.0, delta, 1.0, form=form)


def _covered(impl: Any, remainder: Any, cells: Any, p: Any, m: int, delta: float, models: Any) -> Comparison:
    risk = failing(impl, cells, p, m, delta, models, remainder(m, max(cells) + 1, delta))
    return Comparison(risk, "<=", delta + ROOM)


def _hoeffding(m: int, N: int, delta: float) -> Any:
    return lambda filled: math.sqrt(math.log(1 / delta) / (2 * m))


def _chernoff_steps(factor: Any) -> Iterator[Step]:
    """Each cell's frequency exceeds its probability by at most sqrt(2 factor m_i/m log(N/delta) / m)."""
    p, q, t = sympy.symbols("p q t", positive=True)
    divergence = q * sympy.log(q / p) + (1 - q) * sympy.log((1 - q) / (1 - p))
    rate = sympy.log(1 - p + p * sympy.exp(t)) - t * q
    best = sympy.log(q * (1 - p) / (p * (1 - q)))
    yield Step("Chernoff: the exponent is stationary there", sympy.simplify(rate.diff(t).subs(t, best)))
    odds = {p: 1 / (1 + sympy.Symbol("x", positive=True)), q: 1 / (1 + sympy.Symbol("y", positive=True))}
    least = sympy.expand_log(sympy.simplify((rate.subs(t, best) + divergence).subs(odds)))
    yield Step("and gives the divergence", least)
    short = divergence - (q - p) ** 2 / (2 * factor * q)
    yield Step("the divergence less (q - p)^2 / 2q falls as p rises to q", short.diff(p) + (q - p) * (q - p + p**2) / (q * p * (1 - p)))
    yield Step("and is 0 at p = q", short.subs(p, q))
    a = sympy.symbols("a0:3", real=True)
    squares = sum((x - y) ** 2 for x, y in itertools.combinations(a, 2))
    yield Step("Cauchy and Schwarz over the cells with samples", 3 * sum(x**2 for x in a) - sum(a) ** 2 - squares)
    yield Step("the printed constant is larger", (sympy.sqrt(2) + 1) ** 2 > 2)


_CASES: Any = {
    "given": experiments(),
    "strata": {"every point a cell": _far_apart, "several points in a cell": _together},
    "promise": True,
}
_FIRST = [
    {"cells": [0, 1, 2, 3], "p": [1, 1, 1, 1], "m": 5, "delta": 0.125, "models": np.array([[0.0, 1.0, 2.0, 3.0]])},
    {"cells": [0, 1, 2, 3, 3], "p": [2, 2, 2, 1, 1], "m": 5, "delta": 0.125, "models": np.array([[0.0, 1.0, 2.0, 3.0, 0.0]])},
]


@claim(
    "than.thm-20",
    at="Theorem 20, equation 13",
    tex=r"\mathbb{P}\Bigl(F(P,h) \le F(D,h) + \sum_{i \in T} \tfrac{m_i}{m} \lambda_i L_i + g(D,\delta)\Bigr) \ge 1 - \delta,\quad "
    rf"g = C(\sqrt2 + 1){_ROOT} + \tfrac{{2C|T|\ln(2N/\delta)}}{{m}}",
    verdict=Verdict.PROVED,
    reading="Losses in [0, C], cells that are fixed before the sample; the model may be trained on it, as the text around means it.",
    note="The source cites the probability part (equation 66); here is a proof. By than.thm-20.decomposition "
    "the distance of probabilities and frequencies, sum (m_i/m - P_i)_+, has to be at most g/C. Only cells with samples enter it. Chernoff's inequality, exp(-m KL) with KL >= (q - p)^2 / 2q, bounds each term by "
    "sqrt(2 (m_i/m) ln(N/delta)/m) but for a risk of delta/N; Cauchy and Schwarz: sqrt(2 |T| ln(N/delta)/m), less than half of the printed g. Empty cells with probability need no bound of "
    "their own. (For delta > 2N, which 'any delta > 0' admits, the printed root is of a negative number.) Exactly: all samples of finite spaces, for each the worst model. The printed bound is so loose that a sixteenth of it has to be taken for a failure.",
    mutants={"a sixteenth of the remainder": instead(lambda impl, **case: _covered(impl, _printed(impl, scale=1 / 16), **case)),
             "Hoeffding's remainder, for a trained model": instead(lambda impl, **case: _covered(impl, _hoeffding, **case))},
    witnesses=_FIRST,
    derivation=_chernoff_steps,
    **_CASES,
)
def local_lipschitz(impl: Any, **case: Any) -> Comparison:
    """With probability 1 - delta the expected loss of a trained model is at most the training loss, the sum of distances times local constants, and g."""
    return _covered(impl, _printed(impl), **case)


@claim(
    "than.thm-20.chernoff",
    at="Theorem 20, a sharper remainder",
    tex=r"g = C \sqrt{2 |T| \ln(N/\delta) / m}",
    verdict=Verdict.PROVED,
    note="The proof of than.thm-20. Equivalently the printed remainder has the risk N (delta/2N)^((3 + 2 sqrt 2)/2) at most: for two cells and delta = 0.05, 6e-6.",
    mutants={"a sixth of the remainder": instead(lambda impl, **case: _covered(impl, _printed(impl, "chernoff", 1 / 6), **case)),
             "Hoeffding's remainder, for a trained model": instead(lambda impl, **case: _covered(impl, _hoeffding, **case))},
    witnesses=_FIRST,
    derivation=_chernoff_steps,
    **_CASES,
)
def chernoff_remainder(impl: Any, **case: Any) -> Comparison:
    """Theorem 20 holds with C sqrt(2 |T| ln(N/delta) / m) for g."""
    return _covered(impl, _printed(impl, "chernoff"), **case)


def _difference_steps(factor: Any) -> Iterator[Step]:
    """The mean distance is at most sqrt(factor N/m) / 2."""
    a, b = sympy.symbols("a b", positive=True)
    p = [a, b, 1 - a - b]
    squares = sum((x - y) ** 2 for x, y in itertools.combinations(p, 2))
    yield Step("N times the sum of the variances is N - 1 less squares", sympy.expand(3 * sum(x * (1 - x) for x in p) - factor * (3 - 1 - squares)))
    n = sympy.Symbol("n", positive=True)
    yield Step("N - 1 < N", (n - 1) < n)


@claim(
    "than.thm-20.differences",
    at="Theorem 20, a remainder without |T|",
    tex=r"g = \tfrac C2 \sqrt{N/m} + C \sqrt{\ln(1/\delta) / (2m)}",
    verdict=Verdict.PROVED,
    note="E |m_i/m - P_i| <= sqrt(P_i (1 - P_i)/m), by Cauchy and Schwarz the mean distance is at most sqrt((N - 1)/m)/2; one sample moves it by 1/m at most, so that McDiarmid's inequality gives "
    "the second term. Smaller than the printed g unless the cells with samples are few: N > 23 |T| ln(2N/delta) or so.",
    mutants={"half of both terms": instead(lambda impl, **case: _covered(impl, _printed(impl, "differences", 0.5), **case)),
             "without the cells": instead(lambda impl, **case: _covered(impl, _hoeffding, **case))},
    witnesses=_FIRST,
    derivation=_difference_steps,
    **_CASES,
)
def difference_remainder(impl: Any, **case: Any) -> Comparison:
    """Theorem 20 holds with half the root of N/m and Hoeffding's remainder for g."""
    return _covered(impl, _printed(impl, "differences"), **case)


# For any sign of the loss, and the printed bound term by term.

@claim(
    "than.thm-20.any-sign",
    at="Theorem 20, 'C = sup f', for a loss that may be negative",
    tex=r"F(P,h) - F(D,h) \le \sum_{i \in T} \tfrac{m_i}{m} \lambda_i L_i + (\sup f - \inf f) \sum_i \bigl(P(X_i) - \tfrac{m_i}{m}\bigr)_+",
    given=st.tuples(spaces(), st.sampled_from([0.0, 2.0, 4.0, 8.0])).map(lambda drawn: {**drawn[0], "losses": drawn[0]["losses"] - drawn[1]}),
    verdict=Verdict.SURVIVED,
    reading="Beyond the source: its losses are at least 0, which C = sup f supposes.",
    note="The gap does not change with a constant that is added to the loss, so that the theorem holds for any sign with the spread of the loss for C; for losses that start above 0 that is also the smaller bound.",
    strata={"negative losses": lambda losses, cells, **_: bool(np.max(losses) <= 0) and len(set(cells)) >= 2,
            "of both signs": lambda losses, cells, **_: bool(np.max(losses) > 0 > np.min(losses)) and len(set(cells)) >= 2},
    mutants={"one-percent-tighter": tighten(0.01), "largest-loss-alone": instead(lambda impl, **case: decomposition(impl, **case))},
    witnesses=[{"points": _line(0.0, 1.0), "cells": [0, 1], "p": [1, 3], "losses": np.array(losses), "counts": [2, 0]} for losses in ([-2.0, 0.0], [-1.0, 1.0])],
    adversarial=["losses", "points"],
)
def losses_of_any_sign(impl: Any, **case: Any) -> Comparison:
    """For a loss of any sign the generalization gap is bounded with the spread of the loss in the place of C."""
    return decomposition(impl, **case, spread=True)


@st.composite
def cell_terms(draw: st.DrawFn) -> Case:
    """Counts, distances and constants for each of some cells, a risk and the size of the loss."""
    N = draw(st.integers(1, 5))
    row = st.lists(st.sampled_from([0.0, 0.25, 1.0, 3.0]), min_size=N, max_size=N).map(np.array)
    return {"counts": draw(st.lists(st.sampled_from([0, 0, 1, 7, 60]), min_size=N, max_size=N).filter(any)), "distances": draw(row), "lipschitz": draw(row),
            "delta": draw(DELTAS), "C": draw(st.sampled_from([1.0, 0.5, 3.0])), "loss": draw(st.sampled_from([0.0, 0.25]))}


def unequal_cells(counts: Any, distances: Any, lipschitz: Any, **_: Any) -> bool:
    """An empty cell that is larger and steeper than the others, and different counts."""
    products = distances * lipschitz
    empty = [value for value, m_i in zip(products, counts, strict=True) if not m_i]
    filled = [value for value, m_i in zip(products, counts, strict=True) if m_i]
    return len(set(counts)) >= 3 and len(filled) >= 2 and max(empty, default=0) > max(filled) > 0


def _remainder(form: str, C: Any, delta: Any, m: int, T: int, N: int, twice: int, half: float) -> Any:
    """The three remainders, written out; `twice` and `half` are their 2 and 1/2."""
    one = delta * 0 + 1
    risk, root = np.log(one * twice * N) - np.log(delta * 1), np.sqrt(one * 2)
    if form == "differences":
        return C * half * np.sqrt(one * N / m) + C * np.sqrt(-np.log(delta * 1) / (twice * m))
    if form == "chernoff":
        return C * np.sqrt(twice * T * (risk - np.log(one * twice)) / m)
    return C * (root + 1) * np.sqrt(T * risk / m) + 4 * half * C * T * risk / m


def _equation_13(impl: Any, counts: Any, distances: Any, lipschitz: Any, delta: Any, C: Any, loss: Any, form: str, *,
                 cells: Any = None, twice: int = 2, half: float = 0.5, weigh: bool = True) -> Comparison:
    m, N, T = sum(counts), len(counts), sum(map(bool, counts))
    found = impl.generalization.local_lipschitz_bound(loss, counts, distances, lipschitz, delta, C, form=form)
    inside = sum((m_i * far * L / m if weigh else bool(m_i) * far * L) for m_i, far, L in zip(counts, distances, lipschitz, strict=True))
    if cells is not None:
        N, T = cells(N, T)
    return Comparison(found, "==", loss + inside + _remainder(form, C, delta, m, T, N, twice, half))


_FORMS = ("printed", "chernoff", "differences")


@claim(
    "than.thm-20.eq-13",
    at="Equation 13 and the g before it, as printed, and with the remainders of than.thm-20.chernoff and .differences",
    tex=r"F(D,h) + \sum_{i \in T} \tfrac{m_i}{m} \lambda_i L_i + C(\sqrt2 + 1)\sqrt{\tfrac{|T| \ln(2N/\delta)}{m}} + \tfrac{2C|T|\ln(2N/\delta)}{m}",
    given=st.tuples(cell_terms(), st.sampled_from(_FORMS)).map(lambda drawn: {**drawn[0], "form": drawn[1]}),
    verdict=Verdict.SURVIVED,
    strata={form: lambda form, wanted=form, **case: form == wanted and unequal_cells(**case) for form in _FORMS},
    mutants={"one-percent": scale_right(1.01), "T and N exchanged": instead(lambda impl, **case: _equation_13(impl, **case, cells=lambda N, T: (T, N))),
             "1 for 2 (1 for 1/2)": instead(lambda impl, **case: _equation_13(impl, **case, twice=1, half=1.0)),
             "cells unweighted": instead(lambda impl, **case: _equation_13(impl, **case, weigh=False))},
    witnesses=[{"counts": [7, 1, 0], "distances": np.array([1.0, 0.25, 3.0]), "lipschitz": np.array([0.25, 1.0, 3.0]), "delta": 0.25, "C": 3.0, "loss": 0.25, "form": form}
               for form in _FORMS],
)
def equation_13(impl: Any, **case: Any) -> Comparison:
    """The bound of the reference function is the printed sum: only cells with samples count, each by its share of them."""
    return _equation_13(impl, **case)


def _own_cells(impl: Any, samples: Any, delta: Any) -> Comparison:
    m = len(samples)
    cells = impl.generalization.partition_by_nearest(samples, samples)
    bound = impl.generalization.local_lipschitz_bound(0.0, np.bincount(cells, minlength=m), 0.0, 0.0, delta, 1.0)
    log = np.log(delta * 0 + 2 * m) - np.log(delta * 1)
    return Comparison(bound, "==", (np.sqrt(log * 0 + 2) + 1) * np.sqrt(log) + 2 * log)


@claim(
    "than.thm-20.nearest",
    at="after theorem 20, 'only ... some small areas around the individual samples'",
    tex=r"X_i = \{x : \text{sample } i \text{ is nearest}\} \Rightarrow g = C (\sqrt2 + 1) \sqrt{\ln\tfrac{2m}{\delta}} + 2C \ln\tfrac{2m}{\delta} > 3C",
    given={"samples": st.lists(st.integers(-20, 20).map(float), min_size=1, max_size=8, unique=True).map(lambda v: np.array(v)[:, None]), "delta": DELTAS},
    verdict=Verdict.SURVIVED,
    note="One sample in each cell makes the bound larger than the largest loss whatever m is. Such cells are also chosen after the sample, which the theorem is not for.",
    strata={"three samples": lambda samples, delta: len(samples) >= 3},
    mutants={"one-percent": scale_right(1.01), "falling with the samples": instead(lambda impl, samples, delta: Comparison(
        _own_cells(impl, samples, delta).lhs, "==", _own_cells(impl, samples, delta).rhs / len(samples)))},
)
def a_cell_for_every_sample(impl: Any, samples: Any, delta: Any) -> Comparison:
    """With the nearest samples for cells the remainder does not fall with the number of samples."""
    return _own_cells(impl, samples, delta)


# How much the bound can say.

_KAPPA = 16 / (math.sqrt(11 + 2 * math.sqrt(2)) - math.sqrt(2) - 1) ** 2
_COUNTS = {"counts": st.lists(st.sampled_from([0, 1, 7, 60, 500, 4000]), min_size=1, max_size=5).filter(any), "delta": DELTAS}


def _logs(counts: Any, delta: Any) -> Any:
    """|T| ln(2N/delta) / m."""
    filled = sum(1 for c in counts if c)
    return (np.log(delta * 0 + 2 * len(counts)) - np.log(delta * 1)) * filled / sum(counts)


def _against_hoeffding(impl: Any, counts: Any, delta: Any, power: int = 1) -> Comparison:
    zero = delta * 0
    root = np.sqrt(-np.log(delta * 1) / (zero + 2 * sum(counts)))
    return Comparison((np.sqrt(zero + 2) + 2) ** power * root, "<=", impl.generalization.sampling_remainder(counts, delta, 1.0))


def _hoeffding_steps(factor: Any) -> Iterator[Step]:
    T, N, m, d = sympy.symbols("T N m d", positive=True)
    first = (sympy.sqrt(2) + 1) ** 2 * T * (sympy.log(2 * N) - sympy.log(d)) / m
    claimed = (sympy.sqrt(2) + 2) ** 2 * -sympy.log(d) / (2 * m)
    rest = (sympy.sqrt(2) + 1) ** 2 / m * ((T - 1) * (sympy.log(2 * N) - sympy.log(d)) + sympy.log(2 * N))
    yield Step("the squares differ by what is at least 0 for T, N >= 1 and d < 1", sympy.expand(first - claimed / factor - rest))


@claim(
    "than.thm-20.hoeffding",
    at="Theorem 20, for a model that is fixed before the sample",
    tex=r"g(D, \delta) \ge (2 + \sqrt2)\; C \sqrt{\ln(1/\delta) / (2m)}",
    given=_COUNTS,
    verdict=Verdict.PROVED,
    note="Right of the constant stands Hoeffding's remainder, which for a model chosen without the sample ('consider a model h and a dataset D') is the whole bound, with no partition and no Lipschitz constant. For such a "
    "model theorem 20 is at least 3.4 times as far above F(D). It says something about trained models only.",
    strata={"two cells": lambda counts, delta: len(counts) >= 2, "one cell": lambda counts, delta: len(counts) == 1},
    mutants={"one-percent-tighter": tighten(0.01), "constant squared": instead(lambda impl, counts, delta: _against_hoeffding(impl, counts, delta, 2))},
    witnesses=[{"counts": [2**50], "delta": 1e-300}, {"counts": [2**50, 0], "delta": 1e-300}],
    derivation=_hoeffding_steps,
)
def never_better_than_hoeffding(impl: Any, counts: Any, delta: Any) -> Comparison:
    """The remainder alone is at least 2 + sqrt 2 times that of Hoeffding's inequality, whatever the partition."""
    return _against_hoeffding(impl, counts, delta)


def _vacuous_steps(factor: Any) -> Iterator[Step]:
    u, r = sympy.symbols("u r", positive=True)
    root = (sympy.sqrt(11 + 2 * sympy.sqrt(2)) - sympy.sqrt(2) - 1) / 4
    remainder = (sympy.sqrt(2) + 1) * u + 2 * u**2
    yield Step("the remainder is 1 at the positive root", sympy.simplify(remainder.subs(u, root) - factor))
    yield Step("r times further it is r and more", sympy.expand(remainder.subs(u, r * u) - r * remainder - 2 * u**2 * r * (r - 1)))


@claim(
    "than.thm-20.samples-a-cell",
    at="Theorem 20, 'this bound provides a guide to train a good model in practice'",
    tex=r"m \le \kappa |T| \ln\tfrac{2N}{\delta} \Rightarrow g \ge C \sqrt{\kappa |T| \ln(2N/\delta) / m} \ge C,\quad \kappa = \tfrac{16}{(\sqrt{11 + 2\sqrt2} - \sqrt2 - 1)^2} = 9.403",
    given=_COUNTS,
    where=lambda counts, delta: _KAPPA * _logs(counts, delta) >= 1,
    verdict=Verdict.PROVED,
    note="Below 9.4 ln(2N/delta) samples for each cell that has any (56 for ten cells and delta = 0.05) the bound is above the largest loss. With the remainder of than.thm-20.chernoff it takes 2 ln(N/delta) (11).",
    strata={"two cells with samples": lambda counts, delta: sum(map(bool, counts)) >= 2, "one": lambda counts, delta: sum(map(bool, counts)) == 1},
    mutants={"one-percent-more": tighten(0.01)},
    witnesses=[{"counts": [100], "delta": 2 * math.exp(-100.1 / _KAPPA)}, {"counts": [50, 50, 0], "delta": 6 * math.exp(-50.1 / _KAPPA)}],
    derivation=_vacuous_steps,
)
def vacuous_below(impl: Any, counts: Any, delta: Any) -> Comparison:
    """With fewer than 9.4 ln(2N/delta) samples for each cell that has any the bound exceeds the largest loss."""
    unit = delta * 0 + 2
    root = (np.sqrt(11 + 2 * np.sqrt(unit)) - np.sqrt(unit) - 1) / 4
    return Comparison(np.sqrt(_logs(counts, delta)) / root, "<=", impl.generalization.sampling_remainder(counts, delta, 1.0))
