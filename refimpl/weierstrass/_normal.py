"""The normal distribution in its tails, where differences and quotients of it are needed without cancellation."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import erfcx, ndtr, ndtri

ROOT_HALF_PI = math.sqrt(math.pi / 2)
INVERSE_ROOT_2_PI = 1 / math.sqrt(2 * math.pi)
# A difference that is smaller than its terms by more than this is integrated instead.
CANCELS = 32.0
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
# Beyond this the continued fraction has converged after this many terms.
FRACTION_FROM, FRACTION_TERMS = 2.0, 160


def mills(t: float) -> float:
    """Upper tail over density, (1 - Phi(t)) / phi(t)."""
    return ROOT_HALF_PI * float(erfcx(t / math.sqrt(2)))


def loss(t: float) -> float:
    """The integral of the upper tail from t on, over the density at t: E[(Z - t)+] / phi(t), for t >= 0."""
    if t < FRACTION_FROM:
        return 1 - t * mills(t)
    # mills(t) = 1 / (t + k) with k = 1 / (t + 2 / (t + 3 / ...)): nothing cancels.
    k = 0.0
    for n in range(FRACTION_TERMS, 0, -1):
        k = n / (t + k)
    return k / (t + k)


def density(t: float) -> float:
    """The standard normal density."""
    return INVERSE_ROOT_2_PI * math.exp(-t * t / 2)


def tail_integral(x: float) -> float:
    """The integral of the upper tail from 0 to x >= 0; both terms are positive."""
    return x * float(ndtr(-x)) - INVERSE_ROOT_2_PI * math.expm1(-x * x / 2)


def integrate(f: Callable[[float], float], low: float, high: float) -> float:
    """Gauss-Legendre quadrature of a smooth function on a short interval."""
    half = (high - low) / 2
    points = low + half * (NODES + 1)
    return half * math.fsum(w * f(float(t)) for w, t in zip(WEIGHTS, points, strict=True))


def quantile_difference(p: float, q: float) -> float:
    """Phi^-1(p) - Phi^-1(q) for 0 <= q <= p <= 1, to full precision where p and q are close too."""
    if p == q:
        return 0.0
    if q == 0 or p == 1:
        return math.inf
    if q > 0.5:
        p, q = 1 - q, 1 - p  # exact, and the same difference
    z, y = quantile(p), quantile(q)
    if abs(z) + abs(y) <= CANCELS * (z - y):
        return z - y
    # In the logarithm u of the tail the quantile has the slope of the Mills ratio, which hardly varies.
    whole = math.log1p((p - q) / q)
    pieces = math.ceil(whole)
    width = whole / pieces
    return math.fsum(
        integrate(lambda u: mills(-quantile(q * math.exp(u))), i * width, (i + 1) * width) for i in range(pieces)
    )


def quantile(p: float) -> float:
    """Phi^-1(p); above 1/2 from 1 - p, which is exact there."""
    return float(ndtri(p)) if p <= 0.5 else -float(ndtri(1 - p))
