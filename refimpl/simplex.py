"""Maps onto a simplex: softmax, hardmax and sparsemax, with any mass and temperature."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_number, as_real_array

Array = npt.NDArray[Any]

__all__ = ["hardmax", "softmax", "sparsemax"]


def _scaled(z: Any, temperature: float, mass: float) -> tuple[Array, float, bool]:
    """Scores over the temperature, samples as rows, shifted so that the largest is 0; mass; whether there was one."""
    scores = as_real_array(z, "z", "a vector or a batch of vectors")
    if scores.ndim not in (1, 2):
        raise ValueError(f"z must be (c,) or (samples, c), got shape {scores.shape}")
    t, r = as_number(temperature, "temperature", above=0), as_number(mass, "mass", above=0)
    rows = np.atleast_2d(scores)
    with np.errstate(over="ignore"):
        # Halves cannot leave the range of floats when they are subtracted.
        shifted = 2 * ((rows / 2 - rows.max(axis=1, keepdims=True) / 2) / t)
    return shifted, r, scores.ndim == 1


def _shaped(p: Array, single: bool) -> Array:
    return np.asarray(p[0] if single else p)


def softmax(z: npt.ArrayLike, *, temperature: float = 1.0, mass: float = 1.0) -> Array:
    r"""Softmax onto the simplex of a given mass, exact up to rounding.

    .. math:: p_i = r\, \frac{e^{z_i / T}}{\sum_j e^{z_j / T}}

    Lipschitz continuous with the constant :math:`r / (2T)`.

    Parameters
    ----------
    z : (c,) or (samples, c) array_like
        Scores.
    temperature : float
        T, above 0. Towards 0 the map becomes `hardmax`.
    mass : float
        r, above 0: what the entries sum to.

    Returns
    -------
    p : ndarray
        Of the shape of `z`, positive up to underflow.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.sec-5.2.3-softmax, thesis.sec-5.2.3-softmax.half

    Examples
    --------
    >>> softmax([0.0, np.log(3.0)]).round(12).tolist()
    [0.25, 0.75]
    """
    scores, r, single = _scaled(z, temperature, mass)
    powers = np.exp(scores)
    return _shaped(r * (powers / powers.sum(axis=1, keepdims=True)), single)


def hardmax(z: npt.ArrayLike, *, mass: float = 1.0) -> Array:
    r"""Hardmax onto the simplex of a given mass: all of it to the largest score (exact).

    .. math:: p_i = \frac{r}{m}\, [z_i = \max_j z_j]

    with m the number of largest scores, so that ties share the mass.

    Parameters
    ----------
    z : (c,) or (samples, c) array_like
        Scores.
    mass : float
        r, above 0.

    Returns
    -------
    p : ndarray
        Of the shape of `z`.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.sec-5.2.3-limits

    Examples
    --------
    >>> hardmax([1.0, 3.0, 2.0]).tolist(), hardmax([1.0, 1.0], mass=3).tolist()
    ([0.0, 1.0, 0.0], [1.5, 1.5])
    """
    _, r, single = _scaled(z, 1.0, mass)
    rows = np.atleast_2d(as_real_array(z, "z"))
    top = rows == rows.max(axis=1, keepdims=True)
    return _shaped(top * (r / top.sum(axis=1, keepdims=True)), single)


def sparsemax(z: npt.ArrayLike, *, temperature: float = 1.0, mass: float = 1.0) -> Array:
    r"""Sparsemax: the point of the simplex of a given mass that is nearest to the scores, exact up to rounding.

    .. math::

        p = \arg\min_{p \ge 0,\ \sum_i p_i = r} \lVert p - z / T \rVert_2, \qquad p_i = \max(z_i / T - \rho, 0)

    Lipschitz continuous with the constant :math:`1 / T`.

    Parameters
    ----------
    z : (c,) or (samples, c) array_like
        Scores.
    temperature : float
        T, above 0. Towards 0 the map becomes `hardmax`.
    mass : float
        r, above 0.

    Returns
    -------
    p : ndarray
        Of the shape of `z`.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.alg-7, thesis.alg-7-lipschitz, thesis.alg-7-margin

    Examples
    --------
    >>> sparsemax([0.5, 0.25, -3.0]).tolist()
    [0.625, 0.375, 0.0]
    >>> sparsemax([0.5, 0.25, -3.0], mass=0.125).tolist()
    [0.125, 0.0, 0.0]
    """
    scores, r, single = _scaled(z, temperature, mass)
    with np.errstate(over="ignore"):
        scores = scores / r  # in units of the mass
    # Scores more than 1 below the largest, which is 0, get nothing.
    ordered = np.maximum(-np.sort(-scores, axis=1), -2)
    counts = np.arange(1, ordered.shape[1] + 1)
    sums = np.cumsum(ordered, axis=1)
    support = (1 + counts * ordered > sums).sum(axis=1)
    rho = (np.take_along_axis(sums, support[:, None] - 1, axis=1) - 1) / support[:, None]
    return _shaped(r * np.maximum(scores - rho, 0), single)
