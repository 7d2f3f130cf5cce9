"""Functions of one coordinate whose Weierstrass transform is known in closed form: steps and broken lines."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from flint import arb
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from proofs_check.balls import weierstrass
from proofs_check.claims._sides import length
from proofs_check.strategies import dyadics

PLACES = dyadics(-2, 2)
SHARES = st.integers(0, 8).map(lambda i: i / 8)
SIGMAS = st.sampled_from([0.25, 0.5, 1.0, 2.0])
# At most eight deviations between any two places: a float tells their probabilities from 0 and 1.
WIDE_SIGMAS = st.sampled_from([0.5, 1.0, 2.0])


def cdf(t: Any) -> Any:
    """The standard normal distribution function, of a float or a ball."""
    return weierstrass.distribution(t) if isinstance(t, arb) else float(ndtr(t))


def pdf(t: Any) -> Any:
    """The standard normal density, of a float or a ball."""
    return weierstrass.density(t) if isinstance(t, arb) else float(np.exp(-t * t / 2) / np.sqrt(2 * np.pi))


def quantile(p: Any) -> Any:
    """The standard normal quantile, of a float or a ball."""
    return weierstrass.quantile(p) if isinstance(p, arb) else float(ndtri(p))


@st.composite
def steps(draw: st.DrawFn, values: Any = SHARES) -> dict[str, Any]:
    """Places of jumps, and one value more: the function is constant between them."""
    places = sorted(set(draw(st.lists(PLACES, min_size=1, max_size=3))))
    heights = draw(st.lists(values, min_size=len(places) + 1, max_size=len(places) + 1))
    return {"places": np.array(places), "heights": np.array(heights)}


def smoothed_step(f: Any, x: Any, sigma: Any) -> tuple[Any, Any]:
    """Value and derivative of the transform of a step function."""
    value, slope = f["heights"][0] + 0 * x, 0 * x
    for place, (before, after) in zip(f["places"], itertools.pairwise(f["heights"]), strict=True):
        t = (x - place) / sigma
        value, slope = value + (after - before) * cdf(t), slope + (after - before) * pdf(t) / sigma
    return value, slope


@st.composite
def lines(draw: st.DrawFn, values: Any = SHARES) -> dict[str, Any]:
    """Places of kinks and the values there: linear between them, constant beyond."""
    places = sorted(draw(st.lists(PLACES, min_size=2, max_size=4, unique=True)))
    heights = draw(st.lists(values, min_size=len(places), max_size=len(places)))
    return {"places": np.array(places), "heights": np.array(heights)}


def ramp(slope: float, start: float = 0.0, top: float = 1.0) -> dict[str, Any]:
    """A single rise from 0."""
    return {"places": np.array([start, start + top / slope]), "heights": np.array([0.0, top])}


# A rise from 0 to 1 around 0; the kink in its middle is none.
SPLIT = {"places": np.array([-0.5, 0.0, 0.5]), "heights": np.array([0.0, 0.5, 1.0])}


def moving(f: Any, **_: Any) -> bool:
    """Whether a broken line is not constant."""
    return len(set(f["heights"])) >= 2


def several(f: Any, **_: Any) -> bool:
    """Whether it has three kinks and more besides."""
    return len(f["places"]) >= 3 and moving(f)


def better_of_one(impl: Any, slope: Any, sigma: Any, simplex: bool = False) -> Any:
    """The smaller one of the Lipschitz constant and the bound that knows the noise alone."""
    bounded = impl.weierstrass.lipschitz_bounded(sigma, into="simplex" if simplex else "interval")
    return bounded.min(bounded * 0 + slope) if hasattr(bounded, "min") else min(bounded, slope)


def gap_of_bounds(impl: Any, slope: Any, sigma: Any, simplex: bool = False) -> Any:
    """That one less the bound that knows both."""
    w = impl.weierstrass
    both = (w.lipschitz_smoothed_simplex if simplex else w.lipschitz_smoothed)(slope, sigma)
    return better_of_one(impl, slope, sigma, simplex) - both


def pieces(f: Any) -> list[tuple[Any, Any, Any]]:
    """Of broken lines: the ends and the slope of each rise."""
    places, heights = f["places"], f["heights"]
    return [
        (a, b, (after - before) / (b - a))
        for (a, b), (before, after) in zip(itertools.pairwise(places), itertools.pairwise(heights), strict=True)
    ]


def smoothed_line(f: Any, x: Any, sigma: Any) -> tuple[Any, Any]:
    """Value and derivative of the transform of a broken line of numbers or of vectors."""
    def primitive(t: Any) -> Any:
        return t * cdf(t) + pdf(t)

    value, slope = f["heights"][0] + 0 * x, 0 * f["heights"][0] * x
    for a, b, rise in pieces(f):
        t, u = (x - a) / sigma, (x - b) / sigma
        value = value + rise * (sigma * (primitive(t) - primitive(u)))
        slope = slope + rise * (cdf(t) - cdf(u))
    return value, slope


def steepest(f: Any) -> Any:
    """The Lipschitz constant of a broken line."""
    slopes = [length(np.atleast_1d(rise)) for _, _, rise in pieces(f)]
    top = slopes[0]
    for slope in slopes[1:]:
        top = top.max(slope) if isinstance(top, arb) else max(top, slope)
    return top
