"""The bounds that theorem 20 is compared with: HKK by optimal transport, LLA by spherical sharpness, as they are quoted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Step, Verdict, claim, instead, scale_right, tighten
from proofs_check.claims._counts import ROOM
from proofs_check.claims._sides import largest
from proofs_check.claims.than._spaces import DELTAS, experiments, failing, spread_out
from proofs_check.claims.than.generalization import cell_terms, unequal_cells

# HKK: F(D) + sum m_i/m lambda_i max(1, L_i) + max lambda_i L_i sqrt(ln(4/delta)/m) + sqrt(N/m) + const.

_CELLS = st.lists(st.sampled_from([0, 0, 1, 7, 60, 4000]), min_size=1, max_size=6).filter(any)


def _terms(impl: Any, counts: Any, delta: Any) -> tuple[Any, Any]:
    """The remainder for losses up to 1, and sqrt(N/m): both bounds where all distances are 0."""
    ours = impl.generalization.local_lipschitz_bound(0.0, counts, 0.0, 0.0, delta, 1.0)
    return ours, impl.generalization.optimal_transport_bound(0.0, counts, 0.0, 0.0, delta, constant=0.0)


def _filled_steps(factor: Any) -> Iterator[Step]:
    T, N, m, d = sympy.symbols("T N m d", positive=True)
    log = sympy.log(2 * N / d)
    ratio = ((sympy.sqrt(2) + 1) ** 2 * T * log / m) / (N / m)
    yield Step("the first term of g over sqrt(N/m), squared", sympy.simplify(ratio - factor * (3 + 2 * sympy.sqrt(2)) * T / N * log))


def _ratio(impl: Any, counts: Any, delta: Any, cells: Any = None) -> Comparison:
    ours, theirs = _terms(impl, counts, delta)
    filled = sum(map(bool, counts)) if cells is None else cells
    log = np.log(delta * 0 + 2 * len(counts)) - np.log(delta * 1)
    return Comparison(theirs * (np.sqrt(delta * 0 + 2) + 1) * np.sqrt(log * filled / len(counts)), "<=", ours)


@claim(
    "than.sec-5.2-HKK",
    at="after corollary 21: sqrt(N/m) 'causes their bound to suffer from the curse of dimensionality ... meanwhile our bound does not'",
    tex=r"g(D, \delta) \ge (\sqrt2 + 1) \sqrt{\tfrac{|T|}{N} \ln\tfrac{2N}{\delta}}\; \sqrt{N/m}",
    given={"counts": _CELLS, "delta": DELTAS},
    verdict=Verdict.PROVED,
    reading="The remainders of both bounds for losses in [0, 1], where all distances are 0 and HKK's 'const.' is left out: with one that does not fall with m neither bound can be called the smaller. No inequality is printed.",
    note="So g is smaller only where fewer than N / (5.8 ln(2N/delta)) cells have samples: for N = 100, delta = 0.05 only with at most two cells. With bounded differences the root of N/m has the factor 1/2 for every trained "
    "model (than.thm-20.differences). N enters g by its logarithm and by |T|, which is m where most samples are alone in their cells: then g > 3 (than.thm-20.nearest); no more than m/9.4 cells may have samples "
    "(than.thm-20.samples-a-cell), so that small cells in many dimensions take as many samples.",
    strata={"all cells have samples": lambda counts, delta: all(counts) and len(counts) >= 2, "an empty cell": lambda counts, delta: not all(counts)},
    mutants={"one-percent-tighter": tighten(0.01), "all cells counted": instead(lambda impl, counts, delta: _ratio(impl, counts, delta, len(counts) + 1))},
    witnesses=[{"counts": [2**40, 2**40], "delta": 0.5}, {"counts": [2**40, 0], "delta": 0.5}],
    derivation=_filled_steps,
)
def smaller_for_few_cells_only(impl: Any, counts: Any, delta: Any) -> Comparison:
    """The remainder g is at least so many times the root of N/m."""
    return _ratio(impl, counts, delta)


def _transported(impl: Any, cells: Any, p: Any, m: int, delta: float, models: Any, *, root: float = 1.0, rest: float = 1.0) -> Comparison:
    """Losses scaled into [0, 1]; the distances' terms are those of theorem 20, which HKK's are not below."""
    N, constant = max(cells) + 1, float(np.sqrt(np.log(1 / delta) / (2 * m)))

    def remainder(filled: int) -> float:
        bound = impl.generalization.optimal_transport_bound(0.0, spread_out(m, filled, N), 0.0, 0.0, delta, constant=rest * constant)
        return float(bound - (1 - root) * np.sqrt(N / m))

    return Comparison(failing(impl, cells, p, m, delta, models / 4, remainder), "<=", delta + ROOM)


@claim(
    "than.sec-5.2-HKK-constant",
    at="(HKK), 'const.'",
    tex=r"f \in [0, 1] \Rightarrow c = \sqrt{\ln(1/\delta) / (2m)} \text{ suffices, for trained models}",
    given=experiments(),
    verdict=Verdict.SURVIVED,
    reading="What 'const.' may depend on is not printed: here a constant that suffices for losses in [0, 1].",
    note="For losses up to s it is s times as much, and so is the root, so that no number will do for all losses. By than.thm-20.differences, which has half of sqrt(N/m) and L_i for max(1, L_i). So one needs no global Lipschitz constant for a bound of HKK's form either. (gamma(L) is printed without the L after which it is named.)",
    strata={"four cells": lambda cells, **_: max(cells) >= 3},
    mutants={"an eighth of the root, half the constant": instead(lambda impl, **case: _transported(impl, **case, root=0.125, rest=0.5)),
             "neither": instead(lambda impl, **case: _transported(impl, **case, root=0.0, rest=0.5))},
    witnesses=[{"cells": [0, 1, 2, 3], "p": [1, 1, 1, 1], "m": 5, "delta": 0.125, "models": np.array([[0.0, 1.0, 2.0, 3.0]])}],
    promise=True,
)
def transport_for_bounded_losses(impl: Any, **case: Any) -> Comparison:
    """For losses in [0, 1] HKK holds with Hoeffding's remainder for its constant."""
    return _transported(impl, **case)


def _hkk(impl: Any, counts: Any, distances: Any, lipschitz: Any, delta: Any, C: Any, loss: Any, everywhere: bool = False, floor: int = 1, total: bool = False) -> Comparison:
    m, products = sum(counts), np.asarray(distances * lipschitz)
    found = impl.generalization.optimal_transport_bound(loss, counts, distances, lipschitz, delta, constant=C)
    one, at = products[0] * 0 + 1, [k for k, m_i in enumerate(counts) if m_i or everywhere]
    first = sum(one * counts[k] / m * distances[k] * largest([one * floor, lipschitz[k]]) for k in range(len(counts)))
    most = sum(products[at]) if total else largest(products[at])
    root = np.sqrt((np.log(delta * 0 + 4) - np.log(delta * 1)) / m)
    return Comparison(found, "==", loss + first + most * root + np.sqrt(one * len(counts) / m) + C)


@claim(
    "than.sec-5.2-HKK-terms",
    at="(HKK) and the gamma after it, as printed",
    tex=r"F(D,h) + \sum_{i \in T} \tfrac{m_i}{m} \lambda_i \max\{1, L_i\} + \max_{i \in T} \lambda_i L_i \sqrt{\tfrac{\ln(4/\delta)}{m}} + \sqrt{N/m} + c",
    given=cell_terms(),
    verdict=Verdict.SURVIVED,
    reading="The maximum is over the cells with samples, since lambda_i is defined for them only.",
    strata={"an empty cell, the largest": unequal_cells},
    mutants={"one-percent": scale_right(1.01), "largest over all cells": instead(lambda impl, **case: _hkk(impl, **case, everywhere=True)),
             "sum for the largest": instead(lambda impl, **case: _hkk(impl, **case, total=True)), "0 for 1": instead(lambda impl, **case: _hkk(impl, **case, floor=0))},
    witnesses=[{"counts": [7, 1, 0], "distances": np.array([1.0, 0.25, 3.0]), "lipschitz": np.array([0.25, 1.0, 3.0]), "delta": 0.25, "C": 3.0, "loss": 0.25}],
)
def transport_terms(impl: Any, **case: Any) -> Comparison:
    """The bound of the reference function is HKK as it is quoted, with the constant as an argument."""
    return _hkk(impl, **case)


# LLA: F(D) + tau mu^2 / 2 + O(ln m) / (mu sqrt m) + const.

def _third(impl: Any, mu: Any, m: Any) -> Any:
    return impl.generalization.spherical_sharpness_bound(0.0, 0.0, mu, m, log_constant=1.0, constant=0.0)


def _printed(mu: Any, m: Any) -> Any:
    """The logarithm of m over mu sqrt(m), written out."""
    one = mu * 0 + 1
    return np.log(one * m) / (mu * np.sqrt(one * m))


def _quoted(impl: Any, tau: Any, mu: Any, m: int, k: int, c: Any, loss: Any, square: int = 2, root: float = 0.5) -> Comparison:
    one = mu * 0 + 1
    found = impl.generalization.spherical_sharpness_bound(loss, tau, mu / 2.0**k, m, log_constant=c, constant=0.5)
    third = 2.0**k * c * np.log(one * m) / mu / (one * m) ** (one * root)
    return Comparison(found, "==", loss + tau * (mu / 2.0**k) ** square / 2 + third + 0.5)


@claim(
    "than.sec-5.2-LLA",
    at="after (LLA): 'setting mu -> 0 ... causes the third term of (LLA) to diverge'",
    tex=r"\text{(LLA) at } \mu/2^k = F(D,h) + \frac{\tau\mu^2}{2 \cdot 4^k} + 2^k \frac{c \ln m}{\mu \sqrt m} + \text{const.}",
    given={"tau": st.sampled_from([0.0, 1.0, 8.0]), "mu": st.sampled_from([2.0, 1.0, 0.5, 0.0625]), "m": st.integers(2, 10**6), "k": st.integers(0, 20),
           "c": st.sampled_from([1.0, 0.25, 3.0]), "loss": st.sampled_from([0.0, 0.25])},
    verdict=Verdict.SURVIVED,
    note="So it does, and the second term vanishes. LLA bounds the loss averaged over noise on the weights, as the source says; the function leaves both constants to its caller. The right side is written out term by term.",
    strata={"k at least 2": lambda tau, k, **_: k >= 2 and tau > 0, "k = 0": lambda tau, mu, k, **_: k == 0 and tau > 0 and mu != 1},
    mutants={"one-percent": scale_right(1.01), "mu for its square": instead(lambda impl, **case: _quoted(impl, **case, square=1)),
             "m for its root": instead(lambda impl, **case: _quoted(impl, **case, root=1.0))},
    witnesses=[{"tau": 8.0, "mu": 0.5, "m": 100, "k": k, "c": 3.0, "loss": 0.25} for k in (0, 2)],
)
def diverges_for_small_noise(impl: Any, **case: Any) -> Comparison:
    """Noise that is 2^k times smaller makes the third term 2^k times larger and the second 4^k times smaller."""
    return _quoted(impl, **case)


def _more_samples(impl: Any, mu: Any, m: int, log: Any) -> Comparison:
    one = mu * 0 + 1
    return Comparison(_third(impl, mu / 2, 4 * m) * np.log(one * m), "==", _printed(mu, m) * log(one))


@claim(
    "than.sec-5.2-LLA-samples",
    at="after (LLA): 'a smaller mu necessitates a quadratic increase in sample size'",
    tex=r"\frac{\ln 4m}{(\mu/2) \sqrt{4m}} = \frac{\ln 4m}{\ln m}\, \frac{\ln m}{\mu \sqrt m}",
    given={"mu": st.sampled_from([2.0, 1.0, 0.5]), "m": st.integers(2, 10**6)},
    verdict=Verdict.SURVIVED,
    note="It does: four times the samples never quite make up for half the noise, because of the logarithm. But who may choose mu need not make it small: than.sec-5.2-LLA-optimum.",
    strata={"m at least 10": lambda mu, m: m >= 10},
    mutants={"one-percent": scale_right(1.01), "without the logarithm": instead(lambda impl, mu, m: _more_samples(impl, mu, m, lambda one: np.log(one * m)))},
)
def four_times_the_samples(impl: Any, mu: Any, m: int) -> Comparison:
    """Half the noise and four times the samples raise the third term by the quotient of the logarithms."""
    return _more_samples(impl, mu, m, lambda one: np.log(one * 4 * m))


@claim(
    "than.sec-5.2-LLA-samples.sixteen",
    at="after (LLA), how many samples suffice",
    tex=r"m \ge 16 \Rightarrow \frac{\ln 16m}{(\mu/2) \sqrt{16m}} \le \frac{\ln m}{\mu \sqrt m}",
    given={"mu": st.sampled_from([2.0, 1.0, 0.5]), "m": st.integers(16, 10**6)},
    verdict=Verdict.SURVIVED,
    note="Sixteen times the samples suffice from m = 16 on, where both sides are equal; (ln 16 + ln m)/2 <= ln m.",
    strata={"m up to 20": lambda mu, m: m <= 20},
    mutants={"one-percent-tighter": tighten(0.01), "fifteen": instead(lambda impl, mu, m: Comparison(_third(impl, mu / 2, 15 * m), "<=", _printed(mu, m)))},
    witnesses=[{"mu": 1.0, "m": 16}],
)
def sixteen_times_the_samples(impl: Any, mu: Any, m: int) -> Comparison:
    """Half the noise and sixteen times the samples do not raise the third term."""
    return Comparison(_third(impl, mu / 2, 16 * m), "<=", _printed(mu, m))


def _means_steps(factor: Any) -> Iterator[Step]:
    """With mu = s mu*, mu*^3 = c ln m / (tau sqrt m) = w/tau, the two terms over tau^(1/3) w^(2/3)."""
    s = sympy.Symbol("s", positive=True)
    yield Step("their excess is a square times a positive number", sympy.factor(s**2 / 2 + 1 / s - factor * sympy.Rational(3, 2) - (s - 1) ** 2 * (s + 2) / (2 * s)))


def _optimum(impl: Any, tau: Any, mu: Any, m: int, share: float = 1.5) -> Comparison:
    one = mu * 0 + 1
    w = np.log(one * m) / np.sqrt(one * m)
    least = (tau * w * w) ** (one / 3) * share
    return Comparison(least, "<=", impl.generalization.spherical_sharpness_bound(0.0, tau, mu, m, log_constant=1.0, constant=0.0))


_MU = st.sampled_from([0.0625, 0.25, 0.5, 1.0, 2.0, 4.0])


@claim(
    "than.sec-5.2-LLA-optimum",
    at="after (LLA): the best mu",
    tex=r"\min_\mu \Bigl(\frac{\tau\mu^2}2 + \frac{c \ln m}{\mu \sqrt m}\Bigr) = \frac32\, \tau^{1/3} \Bigl(\frac{c \ln m}{\sqrt m}\Bigr)^{2/3} \text{ at } \mu^3 = \frac{c \ln m}{\tau \sqrt m}",
    given={"tau": st.sampled_from([0.25, 1.0, 8.0, 100.0]), "mu": _MU, "m": st.integers(2, 10**6)},
    verdict=Verdict.PROVED,
    note="So LLA falls like m^(-1/3), up to logarithms, in every dimension. The remainder of theorem 20 falls like m^(-1/2), but the sum of lambda_i L_i does not fall with m for a given partition; smaller cells are more "
    "of them, N ~ lambda^(-n), and the best choice falls like m^(-1/(n + 2)): not better than LLA for n = 1, slower in more dimensions.",
    strata={"m at least 10": lambda tau, mu, m: m >= 10},
    mutants={"one-percent": instead(lambda impl, tau, mu, m: _optimum(impl, tau, mu, m, 1.515)), "twice": instead(lambda impl, tau, mu, m: _optimum(impl, tau, mu, m, 2.0))},
    witnesses=[{"tau": 1.0, "mu": (np.log(100.0) / 10) ** (1 / 3), "m": 100}],
    adversarial=["mu"],
    where=lambda tau, mu, m: mu > 0,
    derivation=_means_steps,
)
def best_noise(impl: Any, tau: Any, mu: Any, m: int) -> Comparison:
    """No choice of the noise brings the second and third term of LLA below this."""
    return _optimum(impl, tau, mu, m)


@claim(
    "than.sec-5.2-HKK-monotone",
    at="(HKK) and theorem 20, as functions of lambda_i and L_i",
    tex=r"\lambda_i \le \lambda'_i,\ L_i \le L'_i \Rightarrow \text{bound}(\lambda, L) \le \text{bound}(\lambda', L')",
    given=st.integers(1, 4).flatmap(lambda N: st.fixed_dictionaries({
        "counts": st.lists(st.integers(0, 9), min_size=N, max_size=N).filter(any), "delta": DELTAS,
        **{key: st.lists(st.integers(0, 5).map(float), min_size=N, max_size=N).map(np.array) for key in ("far", "L", "farther", "steeper")}})),
    verdict=Verdict.SURVIVED,
    note="Both rise with the distances and the constants of the cells that have samples. Below L_i = 1 HKK is flat in its first term, so that flatter losses do not tell; ours is linear.",
    strata={"two cells with samples": lambda counts, farther, steeper, far, L, **_: sum(map(bool, counts)) >= 2 and bool(np.any(farther * (far + L)))},
    mutants={"the other way": instead(lambda impl, **case: Comparison(_both(impl, **case).rhs, "<=", _both(impl, **case).lhs))},
    witnesses=[{"counts": [1, 2], "delta": 0.5, "far": np.array([1.0, 1.0]), "L": np.array([2.0, 0.0]), "farther": np.array([0.0, 1.0]), "steeper": np.array([0.0, 0.0])}],
)
def monotone(impl: Any, **case: Any) -> Comparison:
    """Neither bound falls when a distance or a local constant rises."""
    return _both(impl, **case)


def _both(impl: Any, counts: Any, delta: Any, far: Any, L: Any, farther: Any, steeper: Any) -> Comparison:
    def values(distances: Any, constants: Any) -> list[Any]:
        return [impl.generalization.local_lipschitz_bound(0.0, counts, distances, constants, delta, 1.0),
                impl.generalization.optimal_transport_bound(0.0, counts, distances, constants, delta, constant=0.0)]

    after = values(far + farther, L + steeper)
    return Comparison(values(far, L), "<=", after, largest(after))
