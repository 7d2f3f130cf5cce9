"""Lipschitz constants of smoothed functions: of bounded ones, of Lipschitz ones, of maps into a simplex."""

from __future__ import annotations

import math
from typing import Literal

from scipy.special import erf

from refimpl._arguments import as_choice, as_number


def lipschitz_bounded(sigma: float, *, mass: float = 1.0, into: Literal["interval", "simplex"] = "interval") -> float:
    r"""Upper bound on the Lipschitz constant of a smoothed bounded function, the smallest there is (up to rounding).

    .. math::

        L(\tilde f) \le \frac{r}{\sqrt{2 \pi}\, \sigma}, \qquad
        \text{into the simplex:}\quad \frac{r}{\sqrt\pi\, \sigma}

    for every measurable f with values in an interval of length r, or in the simplex of mass r. Lipschitz continuity is
    not needed; the indicator of a half-space attains it.

    Parameters
    ----------
    sigma : float
        Standard deviation of the noise, above 0.
    mass : float
        r: the length of the interval, or the mass of the simplex; above 0.
    into : {"interval", "simplex"}
        Where the values lie.

    Returns
    -------
    bound : float
        In units of `mass` over `sigma`.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.lemma-2.1.5, thesis.eq-4.3.measurable, thesis.cor-5.2.2

    Examples
    --------
    >>> round(lipschitz_bounded(0.5), 12)
    0.797884560803
    """
    s, r = as_number(sigma, "sigma", above=0), as_number(mass, "mass", above=0)
    as_choice(into, "into", ("interval", "simplex"))
    return r / math.sqrt(2 * math.pi if into == "interval" else math.pi) / s


def lipschitz_smoothed(lipschitz: float, sigma: float, *, mass: float = 1.0) -> float:
    r"""Upper bound on the Lipschitz constant of a smoothed Lipschitz function, the smallest there is (up to rounding).

    .. math:: L(\tilde f) \le L \operatorname{erf}\Bigl(\frac{r}{2^{3/2} L \sigma}\Bigr)

    for f with values in an interval of length r. `extremal_ramp` attains it.

    Parameters
    ----------
    lipschitz : float
        L, the Lipschitz constant of f, at least 0; infinity gives `lipschitz_bounded`.
    sigma : float
        Standard deviation of the noise, at least 0.
    mass : float
        r, the length of the interval, above 0.

    Returns
    -------
    bound : float
        In the units of `lipschitz`.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.thm-4.6.1, thesis.lemma-2.1.6, thesis.thm-4.6.1-equality

    Examples
    --------
    >>> round(lipschitz_smoothed(1.0, 0.5), 12), round(lipschitz_smoothed(float("inf"), 0.5), 12)
    (0.682689492137, 0.797884560803)
    """
    return _smoothed(lipschitz, sigma, mass, 2**1.5)


def lipschitz_smoothed_simplex(lipschitz: float, sigma: float, *, mass: float = 1.0) -> float:
    r"""Upper bound on the Lipschitz constant of a smoothed Lipschitz map into a simplex, the smallest (up to rounding).

    .. math:: L(\tilde F) \le L \operatorname{erf}\Bigl(\frac{r}{2 L \sigma}\Bigr)

    A ramp between two vertices attains it.

    Parameters
    ----------
    lipschitz : float
        L, the Lipschitz constant of F, at least 0, infinity included.
    sigma : float
        Standard deviation of the noise, at least 0.
    mass : float
        r, the mass of the simplex, above 0.

    Returns
    -------
    bound : float
        In the units of `lipschitz`.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.cor-5.2.1, thesis.cor-5.2.2, thesis.cor-5.2.2-equality

    Examples
    --------
    >>> round(lipschitz_smoothed_simplex(1.0, 0.5), 12)
    0.84270079295
    """
    return _smoothed(lipschitz, sigma, mass, 2.0)


def _smoothed(lipschitz: float, sigma: float, mass: float, factor: float) -> float:
    L = as_number(lipschitz, "lipschitz", minimum=0, infinite=True)
    s, r = as_number(sigma, "sigma", minimum=0), as_number(mass, "mass", above=0)
    if L == 0 or s == 0:
        return L
    # 2 x / sqrt(pi) is erf(x) to rounding.
    x = _quotient(r, factor, L, s) if math.isfinite(L) else 0.0
    if x < 1e-9:
        return r * (2 / math.sqrt(math.pi) / factor) / s
    return L * float(erf(x))


def _quotient(r: float, *divisors: float) -> float:
    """The quotient by all of them; partial ones may leave the range of floats, so their exponents are added apart."""
    mantissa, exponent = math.frexp(r)
    for divisor in divisors:
        part, power = math.frexp(divisor)
        mantissa, exponent = mantissa / part, exponent - power
    return math.ldexp(mantissa, exponent) if exponent < 1000 else math.inf


def optimal_sigma(
    lipschitz: float, *, mass: float = 1.0, into: Literal["interval", "simplex"] = "interval"
) -> float:
    r"""Noise at which knowing both the Lipschitz constant and the noise gains most (exact up to rounding).

    .. math:: \sigma^* = \frac{r}{\sqrt{2 \pi}\, L}, \qquad \text{into the simplex:}\quad \frac{r}{\sqrt\pi\, L}

    where the bound is :math:`\operatorname{erf}(\sqrt\pi / 2) L \approx 0.79 L` and the bounds that know only one of
    both are equal to L.

    Parameters
    ----------
    lipschitz : float
        L, above 0.
    mass : float
        r, above 0.
    into : {"interval", "simplex"}
        Where the values lie.

    Returns
    -------
    sigma : float
        In units of `mass` over `lipschitz`.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.prop-4.6.3, thesis.sec-5.2.2-sigma.simplex

    Examples
    --------
    >>> round(optimal_sigma(1.0), 12), round(optimal_sigma(1.0, into="simplex"), 12)
    (0.398942280401, 0.564189583548)
    """
    return lipschitz_bounded(as_number(lipschitz, "lipschitz", above=0), mass=mass, into=into)
