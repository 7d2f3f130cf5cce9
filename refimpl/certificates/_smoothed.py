"""Certified radii of smoothed classifiers from their class probabilities."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from refimpl._arguments import as_choice, as_number, as_probabilities
from refimpl.weierstrass._normal import quantile_difference
from refimpl.weierstrass._quantile import log_ramp_value, ramp_start

Array = npt.NDArray[Any]

# Quantiles and roots are right to a few units of roundoff; this is many.
ROUNDING = 1 - 2.0**-44


def _lowered(radii: Array, certified: bool) -> Any:
    if as_choice(certified, "certified", (False, True)):
        radii = np.where(np.isinf(radii), radii, np.nextafter(radii * ROUNDING, 0))
    return float(radii) if radii.ndim == 0 else radii


def radius_mono(p_lower: npt.ArrayLike, sigma: float, *, certified: bool = False) -> Any:
    r"""Lower bound on the certified radius from the probability of the top class alone (up to rounding).

    .. math:: R_{\mathrm{mono}} = \sigma\, \max(\Phi^{-1}(p), 0)

    Parameters
    ----------
    p_lower : float or array_like
        The probability of the top class under noise, or a lower bound on it, in [0, 1].
    sigma : float
        Standard deviation of the noise, above 0.
    certified : bool
        If true the result is lowered by more than the rounding of this formula.

    Returns
    -------
    radius : float or ndarray
        In the units of `sigma`; 0 where p is at most 1/2, infinity where it is 1.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.eq-2.13, lipref.radius-mono-tail

    Examples
    --------
    >>> round(radius_mono(0.9, 0.5), 12), radius_mono([0.4, 1.0], 0.5).tolist()
    (0.640775782772, [0.0, inf])
    """
    p = as_probabilities(p_lower, "p_lower")
    return radius_multi(p, 1 - np.maximum(p, 0.5), sigma, certified=certified)


def radius_multi(
    p_lower: npt.ArrayLike, p_upper: npt.ArrayLike, sigma: float, *, certified: bool = False
) -> Any:
    r"""Lower bound on the certified radius from the probabilities of the two leading classes (up to rounding).

    .. math:: R_{\mathrm{multi}} = \frac{\sigma}{2} \max\bigl(\Phi^{-1}(p_1) - \Phi^{-1}(p_2), 0\bigr)

    Sharp: two half-spaces that face each other change places exactly there.

    Parameters
    ----------
    p_lower : float or array_like
        The probability of the label, or a lower bound on it, in [0, 1].
    p_upper : float or array_like
        The largest probability of another class, or an upper bound on it, in [0, 1].
    sigma : float
        Standard deviation of the noise, above 0.
    certified : bool
        As in `radius_mono`.

    Returns
    -------
    radius : float or ndarray
        Of the broadcast shape, in the units of `sigma`; 0 where `p_lower` is not above `p_upper`, infinity where it is
        1 or `p_upper` 0.

    Raises
    ------
    ValueError
        If an argument is out of its range, or shapes do not fit.

    References
    ----------
    thesis.thm-2.2.5, thesis.eq-5.4

    Examples
    --------
    >>> round(radius_multi(0.6, 0.1, 0.5), 12), radius_multi(0.3, 0.3, 0.5)
    (0.38372466717, 0.0)
    """
    p, q, s = _pair(p_lower, p_upper, sigma)
    radii = [s * (quantile_difference(a, b) / 2) if a > b else 0.0 for a, b in zip(p.flat, q.flat, strict=True)]
    return _lowered(np.array(radii).reshape(p.shape), certified)


def _pair(p_lower: Any, p_upper: Any, sigma: Any) -> tuple[Array, Array, float]:
    p, q = as_probabilities(p_lower, "p_lower"), as_probabilities(p_upper, "p_upper")
    try:
        p, q = np.broadcast_arrays(p, q)
    except ValueError:
        raise ValueError(f"p_upper must fit p_lower of shape {p.shape}, got shape {q.shape}") from None
    return p, q, as_number(sigma, "sigma", above=0)


def radius_multi_lipschitz(
    p_lower: npt.ArrayLike, p_upper: npt.ArrayLike, sigma: float, lipschitz: float | tuple[float, float], *,
    certified: bool = False,
) -> Any:
    r"""Largest radius certified by the class probabilities and the Lipschitz constant of the scores (up to rounding).

    .. math:: R = \tfrac12 \bigl(s_0(p_2) - s_0(p_1)\bigr)

    with :math:`s_0(p)` the start of the ramp of slope L whose smoothed value is p, as in `quantile_lipschitz`. Along
    a perturbation the smoothed score of the label falls no faster than that of the ramp that moves away, and the other
    one rises no faster than that of the ramp that comes: this integrates the local Lipschitz constant along the path.

    Parameters
    ----------
    p_lower, p_upper : float or array_like
        As in `radius_multi`: means under noise of scores with values in [0, 1].
    sigma : float
        Standard deviation of the noise, above 0.
    lipschitz : float or pair of float
        L of the scores before smoothing, above 0; a pair where that of the label and of the other class differ.
        Infinity gives `radius_multi`.
    certified : bool
        As in `radius_mono`.

    Returns
    -------
    radius : float or ndarray
        As of `radius_multi`, and never smaller.

    Raises
    ------
    ValueError
        If an argument is out of its range, or shapes do not fit.

    References
    ----------
    thesis.eq-5.7.path, thesis.eq-5.7.sharp

    Examples
    --------
    >>> round(radius_multi_lipschitz(0.6, 0.1, 0.5, 1.0), 12)
    0.445546162573
    >>> round(radius_multi_lipschitz(0.6, 0.1, 0.5, float("inf")), 12)
    0.38372466717
    """
    p, q, s = _pair(p_lower, p_upper, sigma)
    constants = lipschitz if isinstance(lipschitz, tuple) else (lipschitz, lipschitz)
    if len(constants) != 2:
        raise ValueError(f"lipschitz must be a number or a pair, got {lipschitz!r}")
    first, second = (as_number(L, "lipschitz", above=0, infinite=True) for L in constants)
    found = [_crossing(a, b, s, first, second) for a, b in zip(p.ravel().tolist(), q.ravel().tolist(), strict=True)]
    radii, places = (np.array(part).reshape(p.shape) for part in zip(*found, strict=True))
    # A difference of two places: what is lost is relative to them. Never smaller than the plain radius all the same.
    lost = (1 - ROUNDING) * places if as_choice(certified, "certified", (False, True)) else 0.0
    plain = np.asarray(radius_multi(p, q, s, certified=certified))
    return _lowered(np.maximum(radii - lost, plain), certified)


def _crossing(p: float, q: float, sigma: float, first: float, second: float) -> tuple[float, float]:
    """How far both ramps move until their smoothed values are equal, and how far away they are."""
    if p <= q:
        return 0.0, 0.0
    if p == 1 or q == 0:
        return math.inf, 0.0
    start, other = ramp_start(p, first, sigma), ramp_start(q, second, sigma)
    if math.isinf(start) or math.isinf(other):  # slopes below all floats: both are lines, or the plain radius has to do
        return (p - q) / (first + second) if math.isinf(start) and math.isinf(other) else 0.0, 0.0
    places = abs(start) + abs(other) + sigma
    if first == second:
        return (other - start) / 2, places

    def gap(radius: float) -> float:
        return log_ramp_value(start + radius, first, sigma) - log_ramp_value(other - radius, second, sigma)

    if gap(0.0) <= 0:  # closer than rounding
        return 0.0, places
    far = sigma
    while gap(far) > 0:
        far *= 2
    return float(brentq(gap, 0.0, far, xtol=1e-300, rtol=1e-14)), places
