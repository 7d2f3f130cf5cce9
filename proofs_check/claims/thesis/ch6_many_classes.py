"""Thesis 6.1: the class partitioning method beyond enumeration, its number of bounds, and the radii of table 6.1."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Kind, Verdict, claim, instead, tighten
from proofs_check.claims._counts import shares_of

RUNS, DOUBT = 600, 1e-9


def _miss(impl: Any, p: Any, n: int, alpha: float, seed: int, corrected: bool) -> Comparison:
    """All bounds of one partition, from simulated estimation samples."""
    plan = impl.confidence.partition_classes([10 * weight for weight in p])
    risk = alpha / (len(plan.buckets) + 1) if corrected else alpha
    shares, count = shares_of(p), np.arange(n + 1)
    low = impl.confidence.clopper_pearson(count, n, risk, side="lower").lower
    high = impl.confidence.clopper_pearson(count, n, risk, side="upper").upper

    def covers(k: Any) -> bool:
        above = all(sum(shares[i] for i in bucket) <= high[sum(k[i] for i in bucket)] for bucket in plan.buckets)
        return bool(low[k[plan.top]] <= shares[plan.top] and above)

    simulated = impl.confidence.simulated_coverage(covers, p, n, RUNS, DOUBT, rng=seed)
    return Comparison(1 - simulated.upper, "<=", alpha)


@claim(
    "thesis.alg-8-many",
    at="Algorithm 8, lines 22 to 27, with ten classes and more",
    tex=r"\mathbb{P}\bigl(\underline p_{I_1} \le p_{I_1} \wedge \forall B : p_B \le \overline p_B\bigr) \ge 1 - \alpha",
    given=st.fixed_dictionaries({
        "p": st.lists(st.integers(1, 9), min_size=10, max_size=15).map(tuple), "n": st.sampled_from([100, 1000]), "alpha": st.just(0.3), "seed": st.integers(0, 2**20)}),
    verdict=Verdict.SURVIVED,
    note="Beyond what can be enumerated: 600 simulated samples, and the Clopper-Pearson interval of what they show (risk 1e-9) does not exclude the promised coverage. "
    "The mutant without the division by the number of bounds is excluded.",
    strata={"even": lambda p, n, alpha, seed: n == 1000},
    mutants={"no union bound": instead(lambda impl, **case: _miss(impl, corrected=False, **case))},
    witnesses=[{"p": (1,) * 10, "n": 1000, "alpha": 0.3, "seed": 0}],
    promise=True,
)
def many_classes(impl: Any, **case: Any) -> Comparison:
    """The bounds of all buckets hold together with at least one minus the risk."""
    return _miss(impl, corrected=True, **case)


@claim(
    "thesis.sec-6.1.4-least",
    at="Algorithm 8, line 22, and section 6.1.4: 'an effective number of classes c* between 2 and 3'",
    tex=r"3 \le c^* \le c",
    given={"counts": st.lists(st.integers(0, 20), min_size=3, max_size=10)},
    verdict=Verdict.SURVIVED,
    note="C_attack holds I_2 and the rest at the start, so that with three classes or more the 2 of the text does not occur. Never more bounds than Bonferroni's correction over all classes has.",
    strata={"all alike": lambda counts: len(set(counts)) == 1},
    mutants={"four at least": instead(lambda impl, counts: _number(impl, counts, 4))},
    witnesses=[{"counts": [5, 2, 1]}, {"counts": [1, 1, 1]}],
    promise=True,
)
def number_of_bounds(impl: Any, counts: Any) -> Comparison:
    """The partition needs at least three bounds and at most as many as there are classes."""
    return _number(impl, counts, 3)


def _number(impl: Any, counts: Any, least: int) -> Comparison:
    found = len(impl.confidence.partition_classes(counts).buckets) + 1
    return Comparison([least, found], "<=", [found, len(counts)])


def _largest(impl: Any, sigma: float, n: int, alpha: float, radius: float) -> Comparison:
    """Against what is certified when all samples are of one class."""
    return Comparison(radius, "<=", impl.certificates.certify_mono([1, 0], [n, 0], sigma, alpha).radius)


@claim(
    "thesis.tab-6.1",
    at="Table 6.1, n = 10^4 and alpha = 0.001",
    tex=r"R_{\mathrm{mono}} \le \sigma \Phi^{-1}(\alpha^{1/n})",
    given=st.fixed_dictionaries({
        "sigma": st.sampled_from([0.25, 0.3, 0.35, 0.4, 0.5]), "n": st.sampled_from([100, 10_000]), "alpha": st.just(0.001), "radius": st.floats(0.1, 6)}),
    verdict=Verdict.REFUTED,
    kind=Kind.FALSE,
    reading="Certified radii in the 2-norm of the input from n samples at risk alpha, as the caption says; no other unit is named. Every valid lower bound on a probability is at most alpha^(1/n).",
    note="Clopper-Pearson's lower bound is at most alpha^(1/n), reached where all n samples are of one class: at sigma = 0.25 no radius above 0.799 can be certified, and the table has 5.89. "
    "The rows up to sigma = 0.4 (4.48, 3.21, 1.97 against 0.96, 1.12, 1.28) cannot be certified radii of the stated n and alpha; that of 0.5 (0.59) can.",
    counterexample={"sigma": 0.25, "n": 10_000, "alpha": 0.001, "radius": 5.89},
    control={"sigma": 0.5, "n": 10_000, "alpha": 0.001, "radius": 0.59},
    amended_by="thesis.tab-6.1-largest",
    promise=True,
)
def printed_radii(impl: Any, **case: Any) -> Comparison:
    """The printed radii can be certified from so many samples."""
    return _largest(impl, **case)


@claim(
    "thesis.tab-6.1-largest",
    at="Table 6.1, what is possible",
    tex=r"R_{\mathrm{mono}} \le \sigma \Phi^{-1}(\alpha^{1/n})",
    given=st.fixed_dictionaries({
        "sigma": st.sampled_from([0.25, 0.5, 1.0]), "n": st.integers(5, 2000), "misses": st.integers(0, 2), "alpha": st.sampled_from([0.3, 0.001])}),
    where=lambda sigma, n, misses, alpha: misses <= n,
    verdict=Verdict.SURVIVED,
    note="Equality where no sample is of another class. With 10^4 samples and a risk of 0.001 it is 3.198 sigma.",
    strata={"small risk": lambda sigma, n, misses, alpha: alpha == 0.001 and n > 100},
    mutants={"one-percent-smaller": tighten(0.01)},
    witnesses=[{"sigma": 0.25, "n": 1000, "misses": 0, "alpha": 0.001}],
    promise=True,
)
def largest_radius(impl: Any, sigma: float, n: int, misses: int, alpha: float) -> Comparison:
    """No count certifies more than the one without a sample of another class."""
    found = impl.certificates.certify_mono([1, 0], [n - misses, misses], sigma, alpha).radius
    bound = impl.certificates.radius_mono(alpha ** (1 / n), sigma)
    # The power and the quantile are rounded.
    return Comparison(found, "<=", bound * (1 + 2.0**-40))
