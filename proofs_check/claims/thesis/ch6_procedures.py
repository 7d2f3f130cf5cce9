"""Thesis 6.1 and 6.2: the certification procedures, with the risk of a wrong certificate summed exactly over all counts."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy.special import ndtri

from proofs_check.claim import Comparison, Verdict, claim, instead
from proofs_check.claims._counts import ALPHAS, ROOM, missed, shares_of


def _true(certificate: Any, p: Any) -> bool:
    """The procedure abstains, or its radius (for sigma = 1) is at most that of the probabilities."""
    if certificate.label < 0:
        return True
    shares = shares_of(p)
    best = max(share for i, share in enumerate(shares) if i != certificate.label)
    own = shares[certificate.label]
    return bool(own > best and certificate.radius <= 0.5 * (ndtri(own) - ndtri(best)))


def _cases(n0: int, n: int, classes: int = 3) -> Any:
    return st.integers(2, classes).flatmap(lambda c: st.fixed_dictionaries({
        "p": st.lists(st.integers(1, 6), min_size=c, max_size=c).map(tuple), "n0": st.integers(1, n0), "n": st.integers(1, n), "alpha": ALPHAS}))


def _two_samples(impl: Any, procedure: Any, p: Any, n0: int, n: int, alpha: float, factor: float) -> Comparison:
    """Over every selection sample and every estimation sample."""
    wrong, risk = 0.0, min(factor * alpha, 0.999)
    for first in itertools.product(range(n0 + 1), repeat=len(p)):
        if sum(first) != n0:
            continue
        chosen = impl.confidence.exact_coverage(lambda k, first=first: k == first, p, n0).high
        kept = impl.confidence.exact_coverage(lambda k, first=first: _true(procedure(first, k, 1.0, risk), p), p, n)
        wrong += chosen * (1 - kept.low)
    return Comparison(wrong, "<=", alpha + ROOM)


def _one_sample(procedure: Any, impl: Any, p: Any, n: int, alpha: float) -> Comparison:
    return missed(impl, lambda k: _true(procedure(k, 1.0, alpha), p), p, n, alpha)


COIN = {"p": (1, 1), "n0": 1, "n": 7, "alpha": 0.125}


@claim(
    "thesis.sec-6.1.2-mono",
    at="Section 6.1.2, confidence validation for R_mono",
    tex=r"\mathbb{P}\bigl(R_{\mathrm{mono}}(p_{i_1}) \ge R_{\mathrm{mono}}(\underline p_{i_1})\bigr) \ge 1 - \alpha",
    given=_cases(2, 7),
    verdict=Verdict.SURVIVED,
    note="With two independent samples, 'which is obtained from independent samples'. The mutant that estimates from the selection sample too is rejected: a fair coin shows one side more "
    "often, and has two of them.",
    strata={"two classes": lambda p, **_: len(p) == 2},
    mutants={"twice the risk": instead(lambda impl, **case: _two_samples(impl, impl.certificates.certify_mono, factor=2.0, **case)),
             "one sample for both": instead(lambda impl, p, n0, n, alpha: _one_sample(lambda k, s, a: impl.certificates.certify_mono(k, k, s, a), impl, p, n, alpha))},
    witnesses=[COIN, {"p": (1, 1), "n0": 1, "n": 4, "alpha": 0.125}, {"p": (1, 1), "n0": 2, "n": 5, "alpha": 0.05}],
    promise=True,
)
def mono_risk(impl: Any, **case: Any) -> Comparison:
    """The radius from one class is too large with at most the risk."""
    return _two_samples(impl, impl.certificates.certify_mono, factor=1.0, **case)


@claim(
    "thesis.sec-6.1.2-multi",
    at="Section 6.1.2, confidence validation for R_mult, alpha' = alpha / c",
    tex=r"\mathbb{P}\bigl(R_{\mathrm{mult}}(\mathbf{p}) \ge R_{\mathrm{mult}}(\underline p_{I_1}, \overline p_{I_2})\bigr) \ge 1 - \alpha",
    given=_cases(1, 9, classes=4),
    verdict=Verdict.SURVIVED,
    note="One sample for all; the label is chosen from it, which the intervals of all classes allow. With room to spare: for two classes each end has alpha/4.",
    strata={"two classes": lambda p, **_: len(p) == 2},
    mutants={"five times the risk": instead(lambda impl, p, n0, n, alpha: _one_sample(
        lambda k, s, a: impl.certificates.certify_multi(k, s, min(5 * a, 0.99)), impl, p, n, alpha))},
    witnesses=[{"p": (1, 1), "n0": 1, "n": 5, "alpha": 0.05}, {"p": (1, 1), "n0": 1, "n": 8, "alpha": 0.05}],
    promise=True,
)
def multi_risk(impl: Any, p: Any, n0: int, n: int, alpha: float) -> Comparison:
    """The radius from all classes is too large with at most the risk."""
    return _one_sample(impl.certificates.certify_multi, impl, p, n, alpha)


@claim(
    "thesis.alg-8-certificate",
    at="Algorithm 8 as a procedure",
    tex=r"\mathbb{P}(R \ \text{is too large}) \le \alpha",
    given=_cases(2, 6),
    verdict=Verdict.SURVIVED,
    note="The risk of the procedure itself, over both samples.",
    strata={"two classes": lambda p, **_: len(p) == 2},
    mutants={"four times the risk": instead(lambda impl, **case: _two_samples(impl, impl.certificates.certify_partitioned, factor=4.0, **case))},
    witnesses=[COIN, {"p": (1, 1), "n0": 1, "n": 6, "alpha": 0.05}],
    promise=True,
)
def partitioned_risk(impl: Any, **case: Any) -> Comparison:
    """The class partitioning method certifies a radius that is too large with at most the risk."""
    return _two_samples(impl, impl.certificates.certify_partitioned, factor=1.0, **case)


def _of_estimation(impl: Any, first: Any, second: Any, alpha: float, factor: float) -> Comparison:
    """What the procedure returns, and the bounds of the estimation sample with the label of the selection sample."""
    found = impl.certificates.lvm_rs(first, second, 1.0, alpha, maps=["softmax"], temperatures=[1.0])
    chosen = int(impl.simplex.softmax(first).mean(axis=0).argmax())
    values = impl.simplex.softmax(second)
    n, means, variances = len(values), values.mean(axis=0), values.var(axis=0, ddof=1)
    shift = np.sqrt(2 * variances * np.log(2 * len(means) / alpha) / n) + 7 * np.log(2 * len(means) / alpha) / (3 * (n - 1))
    lower = max(0.0, means[chosen] - factor * shift[chosen])
    upper = max(min(1.0, m + factor * s) for k, (m, s) in enumerate(zip(means, shift, strict=True)) if k != chosen)
    label = chosen if lower > upper else -1
    return Comparison([abs(found.lower - lower), abs(found.upper - upper), abs(found.label - label)], "<=", [1e-12, 1e-12, 0.0])


@claim(
    "thesis.alg-9",
    at="Algorithm 9, amended: signs, sample size, variance, union bound",
    tex=r"\underline{\mathbf{p}}^*_{I_1} = \hat{\mathbf{p}}_{I_1} - \mathrm{shift}(V, \tfrac{\alpha}{c}, n), \qquad \overline{\mathbf{p}}^*_k = \hat{\mathbf{p}}_k + \mathrm{shift}(V, \tfrac{\alpha}{c}, n)",
    given=st.fixed_dictionaries({"seed": st.integers(0, 2**16), "n": st.sampled_from([200, 2000]), "spread": st.sampled_from([0.25, 2.0]), "alpha": ALPHAS}),
    verdict=Verdict.SURVIVED,
    note="Bounds come from the estimation sample, the label from the selection sample; c bounds at alpha/c each. The printed procedure spends alpha on each of them.",
    strata={"many samples": lambda seed, n, spread, alpha: n == 2000},
    mutants={"one-percent": instead(lambda impl, seed, n, spread, alpha: _drawn(impl, seed, n, spread, alpha, 1.01)),
             "samples exchanged": instead(lambda impl, seed, n, spread, alpha: _drawn(impl, seed, n, spread, alpha, 1.0, exchanged=True))},
    promise=True,
)
def bounds_of_the_estimation_sample(impl: Any, seed: int, n: int, spread: float, alpha: float) -> Comparison:
    """The procedure bounds the means of the estimation sample at the divided risk."""
    return _drawn(impl, seed, n, spread, alpha, 1.0)


def _drawn(impl: Any, seed: int, n: int, spread: float, alpha: float, factor: float, exchanged: bool = False) -> Comparison:
    def f(batch: Any) -> Any:
        return np.stack([batch[:, 0] + 1, -batch[:, 0], 0 * batch[:, 0]], axis=1)

    rng = np.random.default_rng(seed)
    first, second = (impl.certificates.noisy_scores(f, [0.0], spread, size, rng=rng) for size in (50, n))
    if not exchanged:
        return _of_estimation(impl, first, second, alpha, factor)
    found = impl.certificates.lvm_rs(second, first, 1.0, alpha, maps=["softmax"], temperatures=[1.0])
    other = impl.certificates.lvm_rs(first, second, 1.0, alpha, maps=["softmax"], temperatures=[1.0])
    return Comparison(abs(found.lower - other.lower), "<=", 1e-12)
