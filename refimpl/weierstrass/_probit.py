"""The probit, and its Weierstrass transform in closed form."""

from __future__ import annotations

import math
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from refimpl._arguments import as_number, as_real_array, as_real_vector
from refimpl.weierstrass._normal import density, mills

Array = npt.NDArray[Any]

# Enough for the exponential of squares of ten digits.
DIGITS = 80
# Below this the tail underflows, by a wide margin.
FAR = 60


def probit(z: npt.ArrayLike, scale: float = 1.0) -> Array:
    r"""Probit, a sigmoid: the standard normal distribution function (exact up to rounding).

    .. math:: s(z) = \Phi(\lambda z)

    With :math:`\lambda = 0.5876` it is nearest to the logistic sigmoid in the largest difference.

    Parameters
    ----------
    z : array_like
        Real numbers.
    scale : float
        :math:`\lambda`.

    Returns
    -------
    s : ndarray
        Of the shape of `z`, in [0, 1].

    Raises
    ------
    ValueError
        If an argument is not real and finite.

    References
    ----------
    thesis.ex-4.6.4-lambda, thesis.ex-4.6.4

    Examples
    --------
    >>> probit([0.0, 1.0], 2.0).round(12).tolist()
    [0.5, 0.977249868052]
    """
    values, factor = as_real_array(z, "z"), as_number(scale, "scale")
    with localcontext(Context(prec=DIGITS)):
        result = [_distribution(Decimal(float(v)) * Decimal(factor)) for v in values.ravel()]
    return np.array(result).reshape(values.shape)


def _distribution(t: Decimal) -> float:
    """Phi to full precision: in the tail an error of t would be multiplied by t squared."""
    if t >= -1:
        return float(ndtr(float(t)))
    if t < -FAR:
        return 0.0
    # erfcx varies slowly; the exponential takes all digits of t.
    return float(Decimal(mills(-float(t))) * _density(t))


def _density(t: Decimal) -> Decimal:
    return Decimal(0) if abs(t) > FAR else (-t * t / 2).exp() * Decimal(density(0.0))


def smoothed_probit(
    x: npt.ArrayLike, weight: npt.ArrayLike, bias: float, sigma: float, *, scale: float = 1.0
) -> float:
    r"""Weierstrass transform of a probit model in closed form, exact up to rounding for all finite arguments.

    .. math::

        \tilde f(x) = \mathbb{E}_{\delta \sim N(0, \sigma^2 I)}\bigl[\Phi(\lambda (w^\top (x + \delta) + b))\bigr]
        = \Phi\Biggl(\frac{\lambda (w^\top x + b)}{\sqrt{1 + \lambda^2 \sigma^2 \lVert w \rVert^2}}\Biggr)

    Parameters
    ----------
    x : (d,) array_like
        Where.
    weight : (d,) array_like
        w.
    bias : float
        b.
    sigma : float
        Standard deviation of the noise, at least 0.
    scale : float
        :math:`\lambda`.

    Returns
    -------
    value : float
        In [0, 1]; 0 where it is below the least positive float.

    Raises
    ------
    ValueError
        If an argument is out of its range or shapes do not fit.

    References
    ----------
    thesis.ex-4.6.4, lipref.smoothed-probit

    Examples
    --------
    >>> round(smoothed_probit([3.0], [1.0], 0.0, 0.75), 12)
    0.991802464075
    """
    with localcontext(Context(prec=DIGITS)):
        argument, _ = _argument(x, weight, bias, sigma, scale)
        return _distribution(argument)


def _argument(x: Any, weight: Any, bias: Any, sigma: Any, scale: Any) -> tuple[Decimal, Decimal]:
    """The argument of the closed form, and by what the scale is divided in it."""
    point = as_real_vector(x)
    w = as_real_vector(weight, "weight", size=point.size)
    b, factor = Fraction(as_number(bias, "bias")), Decimal(as_number(scale, "scale"))
    s = Decimal(as_number(sigma, "sigma", minimum=0))
    # Exactly: terms of any size may cancel.
    inner = sum((Fraction(u) * Fraction(v) for u, v in zip(w.tolist(), point.tolist(), strict=True)), b)
    square = sum((Fraction(u) ** 2 for u in w.tolist()), Fraction(0))
    root = (1 + factor**2 * s**2 * _decimal(square)).sqrt()
    return factor * _decimal(inner) / root, root


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def smoothed_probit_gradient(
    x: npt.ArrayLike, weight: npt.ArrayLike, bias: float, sigma: float, *, scale: float = 1.0
) -> Array:
    r"""Gradient of `smoothed_probit`, exact up to rounding for all finite arguments.

    .. math::

        \nabla \tilde f(x) = \frac{\lambda w}{\sqrt{1 + \lambda^2 \sigma^2 \lVert w \rVert^2}}\,
        \phi\Biggl(\frac{\lambda (w^\top x + b)}{\sqrt{1 + \lambda^2 \sigma^2 \lVert w \rVert^2}}\Biggr)

    Parameters
    ----------
    x : (d,) array_like
        Where.
    weight : (d,) array_like
        w.
    bias : float
        b.
    sigma : float
        Standard deviation of the noise, at least 0.
    scale : float
        :math:`\lambda`.

    Returns
    -------
    gradient : (d,) ndarray
        Entries below the least positive float are 0.

    Raises
    ------
    ValueError
        If an argument is out of its range or shapes do not fit.
    OverflowError
        If an entry leaves the range of floats.

    References
    ----------
    thesis.ex-4.6.4-gradient, lipref.smoothed-probit

    Examples
    --------
    >>> smoothed_probit_gradient([0.0], [1.0], 0.0, 0.75).round(12).tolist()
    [0.319153824321]
    """
    with localcontext(Context(prec=DIGITS)):
        argument, root = _argument(x, weight, bias, sigma, scale)
        common = Decimal(as_number(scale, "scale")) / root * _density(argument)
        gradient = [float(common * Decimal(float(u))) for u in as_real_vector(weight, "weight")]
    if not all(map(math.isfinite, gradient)):
        raise OverflowError("the gradient leaves the range of floats: scale the weights down")
    return np.array(gradient)
