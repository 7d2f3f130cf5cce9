"""What refimpl.weierstrass, certificates and confidence promise in floating point."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from flint import arb
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Verdict, claim, instead
from proofs_check.strategies import vectors

WIDE = st.one_of(st.floats(-60, 60), st.floats(-1e8, 1e8), st.sampled_from([0.0, 1e-300, -37.5, 1e300]))
NOISES = st.one_of(st.floats(1e-8, 1e8), st.sampled_from([0.0, 1e-8, 1.0, 1e8]))
PROBABILITIES = st.one_of(
    st.floats(0.001, 0.999), st.integers(1, 997).map(lambda k: 2.0**-k), st.integers(2, 53).map(lambda k: 1 - 2.0**-k))
SLOPES = st.one_of(st.floats(0.01, 100), st.sampled_from([1e-6, 1e6]))


def _models() -> Any:
    return st.integers(1, 3).flatmap(lambda d: st.fixed_dictionaries({
        "x": vectors(d, WIDE), "weight": vectors(d, st.floats(-4, 4)), "bias": WIDE, "sigma": NOISES, "scale": st.sampled_from([1.0, 0.5876])}))


def _share(found: Any, exact: Any, units: float) -> list[Any]:
    """The error, and what is allowed: units of roundoff, or of the least positive float."""
    return [abs(exact - found), units * 2.0**-53 * abs(exact) + units * 2.0**-1074]


def _probit(impl: Any, units: float, **case: Any) -> Comparison:
    exact = impl.exact.weierstrass
    errors = [_share(impl.weierstrass.smoothed_probit(**case), exact.smoothed_probit(**case), units)]
    gradients = zip(impl.weierstrass.smoothed_probit_gradient(**case), exact.smoothed_probit_gradient(**case), strict=True)
    errors += [_share(found, true, units) for found, true in gradients]
    return Comparison([error for error, _ in errors], "<=", [allowed for _, allowed in errors])


@claim(
    "lipref.smoothed-probit",
    at="refimpl.weierstrass.smoothed_probit and its gradient",
    tex=r"|\mathrm{fl}(\tilde f) - \tilde f| \le 8 u \tilde f",
    given=_models(),
    verdict=Verdict.SURVIVED,
    where=lambda x, weight, bias, **_: abs(float(weight @ np.clip(x, -1e9, 1e9)) + bias) < 1e30,
    note="Relative, in the far tail too: arguments to 1e300, noise from 1e-8 to 1e8, no noise.",
    strata={"tail": lambda x, weight, bias, sigma, scale: sigma <= 1e-3 and -37 < scale * (float(weight @ x) + bias) < -5 and bool(np.any(weight)),
            "middle": lambda x, weight, bias, sigma, scale: sigma <= 1 and abs(float(weight @ x) + bias) < 1 and bool(np.any(weight))},
    mutants={"a hundredth": instead(lambda impl, **case: _probit(impl, 0.01, **case))},
    witnesses=[{"x": np.array([-20.3]), "weight": np.array([1.7]), "bias": 0.1, "sigma": 1e-4, "scale": 1.0},
               {"x": np.array([0.3]), "weight": np.array([0.7]), "bias": 0.1, "sigma": 0.3, "scale": 0.5876}],
    promise=True,
)
def smoothed_probit(impl: Any, **case: Any) -> Comparison:
    """The closed form and its gradient are right to a few units of roundoff, relative to their size."""
    return _probit(impl, 8.0, **case)


def _quantile(impl: Any, p: float, slope: float, sigma: float, units: float) -> Comparison:
    found, exact = (module.weierstrass.quantile_lipschitz(p, slope, sigma) for module in (impl, impl.exact))
    error, allowed = _share(found, exact, units)
    return Comparison(error, "<=", allowed)


@claim(
    "lipref.quantile-lipschitz",
    at="refimpl.weierstrass.quantile_lipschitz",
    tex=r"|\mathrm{fl}(\ell) - \ell| \le 64 u\, \ell",
    given={"p": PROBABILITIES, "slope": SLOPES, "sigma": st.sampled_from([0.25, 1.0, 3.0])},
    verdict=Verdict.SURVIVED,
    where=lambda p, slope, sigma: p > 1e-28,
    note="For p from 1e-28 to 1 - 1e-16 against balls of 106 and 320 bits; the test suite goes to 1e-300 with more digits.",
    strata={"tail": lambda p, slope, sigma: p < 1e-6 and 0.01 < slope * sigma < 100, "middle": lambda p, slope, sigma: 0.1 < p < 0.9 and 0.01 < slope * sigma < 100},
    mutants={"a thousandth": instead(lambda impl, p, slope, sigma: _quantile(impl, p, slope, sigma, 0.064))},
    witnesses=[{"p": 0.3, "slope": 1.3, "sigma": 1.0}, {"p": 2.0**-40, "slope": 1.3, "sigma": 1.0}],
    promise=True,
)
def quantile_lipschitz(impl: Any, p: float, slope: float, sigma: float) -> Comparison:
    """The local constant of the quantile is right to some units of roundoff."""
    return _quantile(impl, p, slope, sigma, 64.0)


def _radii(impl: Any, p: float, q: float, slope: float, sigma: float, factor: float) -> Comparison:
    pairs = []
    for module in (impl.certificates, impl.exact.certificates):
        pairs.append([
            module.radius_mono(p, sigma, certified=True), module.radius_multi(p, q, sigma, certified=True),
            module.radius_multi_lipschitz(p, q, sigma, slope, certified=True),
            module.radius_global(np.array([p, q]), 0, slope, certified=True), module.radius_coordinate(np.array([p, q]), 0, slope, certified=True),
        ])
    found, exact = pairs
    zero = exact[1] * 0
    return Comparison([zero + factor * r for r in found], "<=", exact)


@claim(
    "lipref.certified-radii",
    at="refimpl.certificates, the radii with certified=True",
    tex=r"\mathrm{fl}(R) \le R",
    given={"p": PROBABILITIES, "q": PROBABILITIES, "slope": SLOPES, "sigma": st.sampled_from([0.25, 1.0, 3.0])},
    verdict=Verdict.SURVIVED,
    where=lambda p, q, **_: p > q > 1e-28,
    note="Mono, multi, multi with a Lipschitz constant, global, coordinate.",
    strata={"close": lambda p, q, **_: p - q < 0.01 * min(q, 1 - p) and p > 0.5, "apart": lambda p, q, **_: p > q + 0.1 and p > 0.5},
    mutants={"a billionth more": instead(lambda impl, p, q, slope, sigma: _radii(impl, p, q, slope, sigma, 1 + 1e-9))},
    witnesses=[{"p": 0.7, "q": 0.7 - 1e-9, "slope": 1.0, "sigma": 1.0}, {"p": 0.7, "q": 0.2, "slope": 1.0, "sigma": 1.0}],
    promise=True,
)
def certified_radii(impl: Any, p: float, q: float, slope: float, sigma: float) -> Comparison:
    """A radius that is asked for as certified is not above the exact one, in spite of rounding."""
    return _radii(impl, p, q, slope, sigma, 1.0)


def _tail(p: Any, k: int, n: int) -> Any:
    """P(X >= k) for X binomial, in balls."""
    q = 1 - p
    return sum((p**j * q ** (n - j) * math.comb(n, j) for j in range(k, n + 1)), 0 * p)


def _ends(impl: Any, k: int, n: int, alpha: float, used: float, width: float) -> Comparison:
    """Around each end, by this relative width, the tail passes the risk."""
    low = arb(float(impl.confidence.clopper_pearson(k, n, used, side="lower").lower))
    high = arb(float(impl.confidence.clopper_pearson(n - k, n, used, side="upper").upper))
    risk, away = arb(alpha), 1 - high
    # The upper end of n - k successes is one less the lower end of k; next to 1 its own roundoff counts.
    room = width * away + 2.0**-52
    below = [_tail(low * (1 - width), k, n), risk, _tail((away - room).max(arb(0)), k, n), risk]
    above = [risk, _tail(low * (1 + width), k, n), risk, _tail(away + room, k, n)]
    return Comparison(below, "<=", above)


@claim(
    "lipref.clopper-pearson",
    at="refimpl.confidence.clopper_pearson",
    tex=r"\mathbb{P}_{(1 - \epsilon) \underline p}(X \ge k) \le \alpha \le \mathbb{P}_{(1 + \epsilon) \underline p}(X \ge k), \qquad \epsilon = 10^{-11}",
    given=st.integers(1, 40).flatmap(lambda n: st.fixed_dictionaries({
        "k": st.integers(1, n), "n": st.just(n), "alpha": st.sampled_from([0.5, 0.05, 1e-3, 1e-10, 1e-100, 1e-300])})),
    verdict=Verdict.SURVIVED,
    note="The binomial tails summed in balls. Every risk to 1e-300; the library's quantile is not to be had at some of these, and is replaced there.",
    strata={"tiny risk": lambda k, n, alpha: alpha < 1e-50, "usual risk": lambda k, n, alpha: alpha > 1e-5 and 1 < k < n},
    mutants={"one percent more risk": instead(lambda impl, k, n, alpha: _ends(impl, k, n, alpha, 1.01 * alpha, 1e-11))},
    witnesses=[{"k": 9, "n": 10, "alpha": 0.05}, {"k": 9, "n": 10, "alpha": 1e-300}],
    promise=True,
)
def clopper_pearson(impl: Any, k: int, n: int, alpha: float) -> Comparison:
    """The ends of the Clopper-Pearson interval solve their equations."""
    return _ends(impl, k, n, alpha, alpha, 1e-11)
