"""Gaussian smoothing: Lipschitz constants and closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.balls import weierstrass
from proofs_check.vectors._numbers import Draws
from proofs_check.vectors._spec import ARRAY, CHOICE, NUMBER, Case, Function, bad

NAN, INF = float("nan"), float("inf")
SIGMAS = (0.25, 0.5, 1.0, 0.12, 2.0, 0.001, 100.0, 2.0**-100, 2.0**100, 1e-300, 1e300, 0.75)


def _bounded() -> list[Case]:
    cases = []
    for i, s in enumerate(SIGMAS):
        flags = ("Underflow",) if s == 1e300 else ("Overflow",) if s == 1e-300 else ("ClosedForm",)
        cases += [Case(f"noise {s:g}", flags, {"sigma": s}),
                  Case(f"noise {s:g}, into a simplex: root 2 more", flags, {"sigma": s, "into": "simplex"}),
                  Case(f"noise {s:g}, height {i + 1}", flags, {"sigma": s, "mass": i + 1.0, "into": "interval"})]
    return [*cases, bad("noise 0", sigma=0.0), bad("negative noise", sigma=-1.0), bad("NaN", sigma=NAN),
            bad("infinite noise", sigma=INF), bad("no such range", sigma=1.0, into="cube")]


def _smoothed() -> list[Case]:
    cases = []
    for L in (1.0, 0.5, 10.0, 2.0**-60, 2.0**60, 1e-300):
        for s in (0.25, 1.0, 2.0**-40, 8.0, 1e10, 2.0**-70):
            small = L * s < 2.0**-5
            flags = ("Cancellation",) if L * s > 1e6 else ("Boundary",) if small else ("ClosedForm",)
            cases.append(Case(f"slope {L:g}, noise {s:g}", flags, {"lipschitz": L, "sigma": s}))
    cases += [Case("height 4", ("ClosedForm",), {"lipschitz": 2.0, "sigma": 0.5, "mass": 4.0}),
              Case("slope 0: constant", ("Zero", "ClosedForm"), {"lipschitz": 0.0, "sigma": 0.5}),
              Case("no slope known: the bound of bounded functions", ("Boundary", "ClosedForm"),
                   {"lipschitz": INF, "sigma": 0.5}),
              Case("no noise: the slope itself", ("Boundary", "ClosedForm"), {"lipschitz": 3.0, "sigma": 0.0})]
    return [*cases, bad("negative noise", lipschitz=1.0, sigma=-1.0), bad("negative slope", lipschitz=-1.0, sigma=1.0),
            bad("NaN", lipschitz=NAN, sigma=1.0)]


def _optimal() -> list[Case]:
    cases = []
    for i, L in enumerate((1.0, 0.5, 3.0, 1e-10, 1e10, 0.1, 7.0, 2.0**-200, 2.0**200, 1e-3, 1e3, 13.0)):
        for into in ("interval", "simplex"):
            cases.append(Case(f"slope {L:g}, {into}", ("ClosedForm",), {"lipschitz": L, "into": into}))
        cases.append(Case(f"slope {L:g}, height {i + 2}", ("ClosedForm",), {"lipschitz": L, "mass": i + 2.0}))
    return [*cases, bad("slope 0", lipschitz=0.0), bad("negative slope", lipschitz=-1.0), bad("NaN", lipschitz=NAN),
            bad("no such range", lipschitz=1.0, into="cube"), bad("height 0", lipschitz=1.0, mass=0.0)]


def _probit() -> list[Case]:
    points = (0.0, -0.0, 1.0, -1.0, 0.5, -5.0, 5.0, -8.0, 8.0, -12.0, -20.0, -30.0, -37.0, 37.0, 1e-10, -1e-10, 1e-300, 3.0,
              -3.0, 2.0, -2.0, 6.0, -6.0, 1000.0, 0.125, -0.125, 4.0, -4.0, 7.0, -7.0, -10.0, -15.0, -25.0, 9.0)
    cases = [Case(f"at {z:g}", ("TinyP", "Cancellation") if z < -4 else ("TinyP",) if z > 4 else ("ClosedForm",),
                  {"z": np.array([z])}, condition=min(z * z, 750.0)) for z in points]
    cases += [Case(f"scale {a:g}", ("TinyP",), {"z": np.array([-1.0, 0.0, 1.0]), "scale": a}, condition=a * a)
              for a in (0.5, 2.0, 10.0, 1e-5, 20.0, 3.0)]
    return [*cases, bad("NaN", z=np.array([NAN])), bad("infinity", z=np.array([INF]))]


def _closed() -> list[Case]:
    draws, cases = Draws("smoothed_probit", 0), []
    far = [(-30.0, "a probability of 1e-198"), (-9.0, "a probability next to 0"), (9.0, "a probability next to 1"),
           (-37.5, "near the least normal float"), (0.0, "one half")]
    for x, comment in far:
        for s in (0.0, 0.25, 1.0, 4.0):
            cases.append(Case(f"{comment}, noise {s:g}", ("TinyP",) if x else ("ClosedForm",),
                              {"x": np.array([x, 0.0]), "weight": np.array([1.0, 0.0]), "bias": 0.0, "sigma": s},
                              condition=x * x / (1 + s * s)))
    cases += [Case("weights and bias cancel", ("Cancellation",), {"x": np.array([1.0, 2.0**-30]), "weight": np.array([1.0, 1.0]),
                                                                  "bias": -1.0, "sigma": 0.5}),
              Case("weights of zero: nothing to smooth", ("Zero", "ClosedForm"),
                   {"x": np.array([1.0, 1.0]), "weight": np.zeros(2), "bias": 0.5, "sigma": 0.5}),
              Case("squares of the weights overflow", ("Overflow",),
                   {"x": np.array([2.0**-600, 0.0]), "weight": np.array([2.0**600, 0.0]), "bias": 0.0, "sigma": 2.0**-600})]
    for i in range(17):
        cases.append(Case(f"drawn, scale {1 + i % 3}", ("Drawn",), {
            "x": draws.array(2), "weight": draws.array(2), "bias": float(draws.integer(-8, 8)) / 4,
            "sigma": draws.integer(1, 8) / 4, "scale": float(1 + i % 3)}, condition=100.0))
    return [*cases, bad("negative noise", x=np.ones(2), weight=np.ones(2), bias=0.0, sigma=-1.0),
            bad("lengths differ", x=np.ones(2), weight=np.ones(3), bias=0.0, sigma=1.0),
            bad("NaN", x=np.array([NAN, 0.0]), weight=np.ones(2), bias=0.0, sigma=1.0)]


def _ramp() -> list[Case]:
    cases = [Case(f"slope {L:g} from {a:g} to height {r:g}", ("Boundary",),
                  {"s": np.array([a - 1, a, a + r / L / 4, a + r / L / 2, a + r / L, a + r / L + 1]), "lipschitz": L, "start": a,
                   "mass": r})
             for L in (1.0, 0.5, 4.0, 2.0**20) for a in (0.0, -1.0, 0.5) for r in (1.0, 2.0, 0.25)]
    cases += [Case("far outside", ("FarApart",), {"s": np.array([-1e300, 1e300]), "lipschitz": 1.0}),
              Case("negative zero", ("SignedZero",), {"s": np.array([-0.0]), "lipschitz": 1.0})]
    return [*cases, bad("NaN", s=np.array([NAN]), lipschitz=1.0), bad("negative slope", s=np.array([0.0]), lipschitz=-1.0)]


def _quantile() -> list[Case]:
    probabilities = (0.5, 0.25, 0.75, 0.1, 0.9, 0.99, 0.01, 1e-6, 1 - 2.0**-20, 1 - 2.0**-40, 2.0**-40, 1e-15)
    cases = []
    for i, p in enumerate(probabilities):
        for L, s in ((1.0, 0.5), (4.0, 0.25), (0.5, 1.0)):
            if i % 2 == 0 or L != 4.0:
                tiny = min(p, 1 - p) < 1e-3
                cases.append(Case(f"p = {p:.17g}, slope {L:g}, noise {s:g}", ("TinyP", "Cancellation") if tiny else ("Boundary",),
                                  {"p": p, "lipschitz": L, "sigma": s}))
    cases += [Case(f"p = {p}, no slope known: 1 / sigma", ("ClosedForm",), {"p": p, "lipschitz": INF, "sigma": 0.5})
              for p in (0.5, 0.25, 0.9, 1e-10)]
    cases += [Case(f"p = {p}, much noise", ("Cancellation",), {"p": p, "lipschitz": 2.0, "sigma": 8.0}) for p in (0.5, 0.3, 0.7)]
    return [*cases, bad("p below 0", p=-0.5, lipschitz=1.0, sigma=0.5), bad("p above 1", p=1.5, lipschitz=1.0, sigma=0.5),
            bad("NaN", p=NAN, lipschitz=1.0, sigma=0.5), bad("negative noise", p=0.5, lipschitz=1.0, sigma=-0.5)]


W: Any = {"x": ARRAY, "weight": ARRAY, "bias": NUMBER, "sigma": NUMBER, "scale": NUMBER}
LS = {"lipschitz": NUMBER, "sigma": NUMBER, "mass": NUMBER}
FUNCTIONS = [
    Function("weierstrass.lipschitz_bounded", "the least Lipschitz constant of all functions into [0, mass] (or the simplex of the "
             "mass) smoothed with noise sigma: mass / (sigma sqrt(2 pi)), times root 2", "upper",
             {"sigma": NUMBER, "mass": NUMBER, "into": CHOICE}, _bounded, weierstrass.lipschitz_bounded, optional=("mass", "into")),
    Function("weierstrass.lipschitz_smoothed", "the least such constant that knows the slope L before smoothing: "
             "L erf(mass / (2^(3/2) L sigma))", "upper", LS, _smoothed, weierstrass.lipschitz_smoothed, optional=("mass",)),
    Function("weierstrass.lipschitz_smoothed_simplex", "the same into a simplex: L erf(mass / (2 L sigma))", "upper", LS, _smoothed,
             lambda lipschitz, sigma, mass=1.0: weierstrass.lipschitz_bounded(sigma, mass=mass, into="simplex")
             if lipschitz == INF else weierstrass.lipschitz_smoothed_simplex(lipschitz, sigma, mass=mass), optional=("mass",)),
    Function("weierstrass.optimal_sigma", "the noise at which lipschitz_bounded is the given constant", "exact",
             {"lipschitz": NUMBER, "mass": NUMBER, "into": CHOICE}, _optimal, weierstrass.optimal_sigma, optional=("mass", "into")),
    Function("weierstrass.probit", "the standard normal distribution function of scale * z", "exact",
             {"z": ARRAY, "scale": NUMBER}, _probit, weierstrass.probit, optional=("scale",)),
    Function("weierstrass.smoothed_probit", "E[probit(scale (w (x + sigma g) + b))] = probit of scale (w x + b) / "
             "sqrt(1 + scale^2 sigma^2 |w|^2)", "exact", W, _closed, weierstrass.smoothed_probit, optional=("scale",)),
    Function("weierstrass.smoothed_probit_gradient", "its derivative by x", "exact", W, _closed,
             weierstrass.smoothed_probit_gradient, optional=("scale",)),
    Function("weierstrass.extremal_ramp", "0 before start, then rising with the slope up to mass", "exact",
             {"s": ARRAY, "lipschitz": NUMBER, "start": NUMBER, "mass": NUMBER}, _ramp, weierstrass.extremal_ramp,
             optional=("start", "mass")),
    Function("weierstrass.quantile_lipschitz", "the slope of the normal quantile of a smoothed function with values in [0, 1], of "
             "slope L before smoothing, where its value is p", "upper", {"p": NUMBER, "lipschitz": NUMBER, "sigma": NUMBER},
             _quantile, weierstrass.quantile_lipschitz),
]
