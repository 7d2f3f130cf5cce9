"""Composed with the normal quantile: the extremal ramp, its place, and the local Lipschitz constant."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import log_ndtr, ndtr

from refimpl._arguments import as_number, as_probabilities, as_real_array
from refimpl.weierstrass._normal import density, integrate, loss, mills, quantile, tail_integral

Array = npt.NDArray[Any]

# Exponents below this are integrated, those above are differences that do not cancel.
SHORT = 1.0


def extremal_ramp(s: npt.ArrayLike, lipschitz: float, *, start: float = 0.0, mass: float = 1.0) -> Array:
    r"""The ramp that attains the bounds on smoothed Lipschitz functions, of one coordinate (exact up to rounding).

    .. math:: h(s) = \min(r, \max(0, L (s - s_0)))

    Parameters
    ----------
    s : array_like
        Real numbers: the coordinate.
    lipschitz : float
        L, above 0.
    start : float
        s_0, where it begins to rise. The source's symmetric ramp has :math:`s_0 = -r / (2 L)`.
    mass : float
        r, the height, above 0.

    Returns
    -------
    h : ndarray
        Of the shape of `s`, in [0, r].

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.lemma-B.3.2, thesis.thm-4.6.1-equality, thesis.lemma-B.5.2

    Examples
    --------
    >>> extremal_ramp([-1.0, 0.25, 3.0], 2.0).tolist()
    [0.0, 0.5, 1.0]
    """
    values = as_real_array(s, "s")
    L, r = as_number(lipschitz, "lipschitz", above=0), as_number(mass, "mass", above=0)
    with np.errstate(over="ignore"):
        return np.asarray(np.clip(L * (values - as_number(start, "start")), 0, r))


def ramp_start(p: float, lipschitz: float, sigma: float) -> float:
    """Where the ramp of height 1 begins whose smoothed value at 0 is p, for 0 < p < 1."""
    width = _width(lipschitz, sigma)
    return -p / lipschitz if math.isinf(width) else sigma * _start(p, width)


def log_ramp_value(start: float, lipschitz: float, sigma: float) -> float:
    """Logarithm of the smoothed value at 0 of a ramp of height 1, its inverse."""
    width, a = _width(lipschitz, sigma), start / sigma
    if width == 0:
        return float(log_ndtr(-a))
    if math.isinf(width):  # the noise does not see the ends of the rise
        return math.log(min(max(-start * lipschitz, 5e-324), 1.0))
    if a >= -width / 2:
        return math.log(_value(a, width) or 5e-324)
    return math.log1p(-_value(-a - width, width))


def _width(lipschitz: float, sigma: float) -> float:
    return 1 / lipschitz / sigma


def _start(p: float, width: float) -> float:
    """For unit noise and a ramp that rises over the given width."""
    if p > 0.5:
        return -_start(1 - p, width) - width  # the ramp mirrored: 1 - p is exact
    if width == 0:
        return -quantile(p)
    low, high = -width / 2, 1.0
    while _value(high, width) > p:
        low, high = high, 2 * high
    if _value(low, width) <= p:
        return low
    # At a = 0 two formulas meet, which may differ by rounding: the root is then 0 and has no relative tolerance.
    least = max(2.0**-80 * min(width, 1.0), 1e-300)
    return float(brentq(lambda a: _value(a, width) / p - 1, low, high, xtol=least, rtol=4 * 2.0**-52, maxiter=300))


def _value(a: float, width: float) -> float:
    """The smoothed ramp at 0: the mean of the upper tail over the rise."""
    # The width first: a tail times a short rise may underflow.
    return _scaled(a, width)[0] / width * density(a) if a >= 0 else _around_zero(a, width) / width


def _scaled(a: float, width: float) -> tuple[float, float]:
    """For a >= 0: the integral of the upper tail over the rise, and the mass of it, over the density at a."""
    exponent = width * (a + width / 2)
    if exponent < SHORT:
        return (
            integrate(lambda u: mills(a + u) * math.exp(-u * (a + u / 2)), 0.0, width),
            integrate(lambda u: math.exp(-u * (a + u / 2)), 0.0, width),
        )
    decay, b = math.exp(-exponent), a + width
    return loss(a) - decay * loss(b), mills(a) - decay * mills(b)


def _around_zero(a: float, width: float) -> float:
    """For a < 0 <= a + width: the integral of the upper tail over the rise."""
    left = -a * float(ndtr(-a)) + math.expm1(-a * a / 2) / math.sqrt(2 * math.pi)
    return left + tail_integral(a + width)


def _unit(p: float, width: float) -> float:
    """The constant for unit noise."""
    p = min(p, 1 - p)
    if p == 0 or width == 0:
        return 1.0
    if math.isinf(width):
        return 0.0
    a = _start(p, width)
    slope_of_quantile = mills(-quantile(p))  # times 1 / p
    if a >= 0:
        integral, mass = _scaled(a, width)
        return mass / integral * slope_of_quantile
    mass = float(ndtr(a + width) - ndtr(a)) if width > SHORT else integrate(density, a, a + width)
    return mass / width * slope_of_quantile / p


def quantile_lipschitz(p: npt.ArrayLike, lipschitz: float, sigma: float) -> Any:
    r"""Local Lipschitz constant of the normal quantile of a smoothed Lipschitz function (up to rounding).

    .. math::

        \frac{L \bigl(\Phi_\sigma(s_0 + 1/L) - \Phi_\sigma(s_0)\bigr)}{\phi(\Phi^{-1}(p))}, \qquad
        p = 1 - L \int_{s_0}^{s_0 + 1/L} \Phi_\sigma(s)\, ds

    at a point where the smoothed function is p; f has values in [0, 1]. It is the largest slope that any such function
    has there, attained by `extremal_ramp`, and at most :math:`1 / \sigma`.

    Parameters
    ----------
    p : float or array_like
        Values of the smoothed function, in [0, 1]. At 0 and 1 the limit 1 / sigma is returned.
    lipschitz : float
        L, the Lipschitz constant of f, at least 0; infinity gives 1 / sigma.
    sigma : float
        Standard deviation of the noise, above 0.

    Returns
    -------
    constant : float or ndarray
        Of the shape of `p`, in units of 1 / `sigma`.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.thm-4.6.5, thesis.lemma-B.5.2, thesis.thm-4.6.5-limit

    Examples
    --------
    >>> round(quantile_lipschitz(0.5, 1.0, 0.5), 12), quantile_lipschitz(0.5, float("inf"), 0.5)
    (1.711248783784, 2.0)
    """
    values = as_probabilities(p, "p")
    L = as_number(lipschitz, "lipschitz", minimum=0, infinite=True)
    s = as_number(sigma, "sigma", above=0)
    width = math.inf if L == 0 else 1 / L / s
    if math.isinf(width) and L > 0:  # the noise does not see the ends of the rise: L over the density
        found = [1 / s if v in (0, 1) else L * mills(-quantile(min(v, 1 - v))) / min(v, 1 - v)
                 for v in values.ravel().tolist()]
    else:
        found = [_unit(v, width) / s for v in values.ravel().tolist()]
    constants = np.array(found).reshape(values.shape)
    return float(constants) if values.ndim == 0 else constants
