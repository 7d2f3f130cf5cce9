"""Thesis 6.2.1 and C.3: the variance of functions of Gaussian noise."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Step, Verdict, claim, instead
from proofs_check.strategies import vectors


def _variance_of(c: Any, sigma: Any) -> tuple[Any, Any]:
    """Of c1 Z + c2 Z^2 + c3 Z^3: its variance, and sigma^2 times the mean square of its derivative."""
    a, b, d = c
    s2, s4, s6 = sigma**2, sigma**4, sigma**6
    variance = a * a * s2 + 2 * b * b * s4 + 15 * d * d * s6 + 6 * a * d * s4
    return variance, s2 * (a * a + 4 * b * b * s2 + 27 * d * d * s4 + 6 * a * d * s2)


def _poincare(factor: Any) -> Any:
    """By Hermite polynomials He_n: E He_n^2 = n!, He_n' = n He_(n-1)."""
    import sympy

    n = sympy.symbols("n", integer=True, positive=True)
    yield Step("a single degree: n n! against n!", n**2 * sympy.gamma(n) - factor * n * sympy.gamma(n + 1))
    a, b, d, s = sympy.symbols("a b d sigma", positive=True)
    variance, bound = _variance_of((a, b, d), s)
    yield Step("cubics: the difference is a sum of squares", sympy.expand(bound - variance - (2 * b**2 * s**4 + 12 * d**2 * s**6)))


@claim(
    "thesis.thm-6.2.1",
    at="Theorem 6.2.1, Gaussian Poincare inequality",
    tex=r"\mathbb{V}[h(Z)] \le \sigma^2\, \mathbb{E} \lVert \nabla h(Z) \rVert^2",
    given={"c": vectors(3), "sigma": st.sampled_from([0.5, 1.0, 2.0])},
    verdict=Verdict.SURVIVED,
    note="Cubic polynomials of one variable, from moments; symbolically for every degree by Hermite polynomials. 'The variance is given by' is an inequality; equality for linear h. "
    "A quadrature of the implementation checks the moments.",
    strata={"curved": lambda c, sigma: bool(c[0] and (c[1] or c[2]))},
    mutants={"one-percent-tighter": instead(lambda impl, c, sigma: _checked_variance(impl, c, sigma, 0.99))},
    witnesses=[{"c": np.array([1.0, 0.0, 0.0]), "sigma": 2.0}, {"c": np.array([1.0, 2.0**-10, 0.0]), "sigma": 1.0}],
    derivation=_poincare,
    promise=True,
)
def poincare(impl: Any, c: Any, sigma: float) -> Comparison:
    """The variance of a function of Gaussian noise is at most the variance of the noise times the mean square gradient."""
    return _checked_variance(impl, c, sigma, 1.0)


def _checked_variance(impl: Any, c: Any, sigma: float, factor: float) -> Comparison:
    def h(z: Any) -> Any:
        return c[0] * z[0] + c[1] * z[0] ** 2 + c[2] * z[0] ** 3

    mean, _ = impl.weierstrass.smooth(h, [0.0], sigma, nodes=16)
    square, _ = impl.weierstrass.smooth(lambda z: (h(z) - mean) ** 2, [0.0], sigma, nodes=16)
    variance, bound = _variance_of(c, sigma)
    size = 1 + bound
    return Comparison([abs(square - variance), variance], "<=", [1e-9 * size, factor * bound + 2.0**-45 * size * (factor == 1)])


@claim(
    "thesis.cor-6.2.2",
    at="Corollary 6.2.2",
    tex=r"\mathbb{V}[h(Z)] \le \sigma^2 L(h)^2",
    given={"slope": st.sampled_from([0.5, 1.0, 4.0]), "start": st.integers(-8, 8).map(lambda i: i / 4), "sigma": st.sampled_from([0.5, 1.0])},
    verdict=Verdict.SURVIVED,
    note="Ramps, whose moments are closed forms. Equality for linear functions: ramps so wide that the noise does not see their ends.",
    strata={"bent": lambda slope, start, sigma: -1 / slope < start < 0 and slope * sigma >= 0.25},
    mutants={"one-percent-tighter": instead(lambda impl, slope, start, sigma: _ramp_variance(impl, slope * 2**-6, -0.5 / (slope * 2**-6), sigma, 0.99))},
    witnesses=[{"slope": 1.0, "start": -0.5, "sigma": 0.5}],
    promise=True,
)
def lipschitz_variance(impl: Any, slope: float, start: float, sigma: float) -> Comparison:
    """The variance of a Lipschitz function of Gaussian noise is at most that of the noise times the squared constant."""
    return _ramp_variance(impl, slope, start, sigma, 1.0)


def _ramp_variance(impl: Any, slope: float, start: float, sigma: float, factor: float) -> Comparison:
    from scipy.integrate import quad

    def mean(f: Any) -> float:
        density = lambda z: f(z) * np.exp(-(z / sigma) ** 2 / 2) / (sigma * np.sqrt(2 * np.pi))  # noqa: E731
        ends = sorted({-10 * sigma, min(max(start, -9 * sigma), 9 * sigma), min(max(start + 1 / slope, -9 * sigma), 9 * sigma), 10 * sigma})
        return float(sum(quad(density, a, b, epsabs=1e-14)[0] for a, b in itertools.pairwise(ends)))

    def ramp(z: float) -> float:
        return float(impl.weierstrass.extremal_ramp(z, slope, start=start))

    centre = mean(ramp)
    return Comparison(mean(lambda z: (ramp(z) - centre) ** 2), "<=", factor * (sigma * slope) ** 2 + 1e-12)


def _thresholds(factor: Any) -> Any:
    import sympy

    x, e = sympy.symbols("x epsilon", positive=True)
    half = sympy.Rational(1, 2)
    yield Step("V(X)", sympy.integrate((x - half) ** 2 / (2 * e), (x, half - e, half + e)) - factor * e**2 / 3)
    yield Step("V(Y)", half - half**2 - sympy.Rational(1, 4))


@claim(
    "thesis.ex-C.3.1",
    at="Example C.3.1",
    tex=r"\mathbb{V}(X_\epsilon) = \frac{\epsilon^2}{3}, \qquad \mathbb{V}(\mathbb{1}_{X_\epsilon > 1/2}) = \tfrac14",
    given={"epsilon": st.integers(1, 32).map(lambda i: i / 64), "points": st.sampled_from([8, 64])},
    verdict=Verdict.SURVIVED,
    note="Symbolically; the drawn instances are midpoints of equal cells, whose variance is smaller by the square of the cell over 12.",
    strata={"small": lambda epsilon, points: epsilon < 0.25},
    mutants={"one-percent": instead(lambda impl, epsilon, points: _cells(impl, epsilon, points, 1.01))},
    derivation=_thresholds,
    promise=True,
)
def threshold_inflates(impl: Any, epsilon: float, points: int) -> Comparison:
    """A hard threshold turns a small variance into one quarter."""
    return _cells(impl, epsilon, points, 1.0)


def _cells(impl: Any, epsilon: float, points: int, factor: float) -> Comparison:
    x = 0.5 + epsilon * (2 * np.arange(points) + 1 - points) / points
    y = impl.simplex.hardmax(np.stack([x, 1 - x], axis=1))[:, 0]
    cell = 2 * epsilon / points
    return Comparison([abs(x.var() + cell**2 / 12 - factor * epsilon**2 / 3), abs(y.var() - 0.25)], "<=", [2.0**-50, 2.0**-50])
