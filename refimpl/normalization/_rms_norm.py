"""Root-mean-square normalization: no mean is taken off."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_number, as_real_vector

Array = npt.NDArray[Any]


def _normalized(x: npt.ArrayLike, epsilon: float) -> tuple[Array, float]:
    """The output x / s of the layer, and s = sqrt(mean square + epsilon)."""
    values, floor = as_real_vector(x), as_number(epsilon, "epsilon", minimum=0)
    # A power of two is divided out, so that no square leaves the floats.
    exponent = int(np.frexp(max(float(np.abs(values).max()), float(np.sqrt(floor))))[1])
    scaled = np.ldexp(values, -exponent)
    size = float(np.sqrt((scaled**2).mean() + np.ldexp(np.sqrt(floor), -exponent) ** 2))
    if size == 0:
        raise ValueError(f"epsilon must be above 0 where x is 0, got {epsilon}")
    return np.asarray(scaled / size), float(np.ldexp(size, exponent))


def rms_norm(x: npt.ArrayLike, *, epsilon: float) -> Array:
    r"""Root-mean-square normalization, exact up to rounding.

    .. math:: \mathrm{RMS}(x) = \frac{x}{\sqrt{\lVert x \rVert^2 / n + \epsilon}}

    Parameters
    ----------
    x : (n,) array_like
        Finite real features of one sample.
    epsilon : float
        At least 0, above 0 for `x` = 0.

    Returns
    -------
    y : (n,) ndarray

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    than.rms-norm

    Examples
    --------
    >>> rms_norm([3, 3], epsilon=7).tolist()
    [0.75, 0.75]
    """
    return _normalized(x, epsilon)[0]


def rms_norm_jacobian(x: npt.ArrayLike, *, epsilon: float) -> Array:
    r"""Exact Jacobian of `rms_norm` (up to rounding).

    .. math:: J = \frac{1}{\sqrt{\lVert x \rVert^2 / n + \epsilon}}
        \Bigl(I - \frac{x x^T}{\lVert x \rVert^2 + n \epsilon}\Bigr)

    Parameters
    ----------
    x : (n,) array_like
        Finite real features of one sample.
    epsilon : float
        At least 0, above 0 for `x` = 0.

    Returns
    -------
    jacobian : (n, n) ndarray

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    than.rms-norm

    Examples
    --------
    >>> rms_norm_jacobian([0, 0], epsilon=0.25).tolist()
    [[2.0, 0.0], [0.0, 2.0]]
    """
    z, size = _normalized(x, epsilon)
    return np.asarray((np.eye(z.size) - np.outer(z, z) / z.size) / size)


def rms_norm_lipschitz(*, epsilon: float) -> float:
    r"""Exact l2 Lipschitz constant of `rms_norm` over all inputs: :math:`\epsilon^{-1/2}`, reached at 0.

    Parameters
    ----------
    epsilon : float
        Above 0.

    Returns
    -------
    constant : float

    Raises
    ------
    ValueError
        If `epsilon` is not above 0.

    References
    ----------
    than.rms-norm

    Examples
    --------
    >>> rms_norm_lipschitz(epsilon=0.25)
    2.0
    """
    return float(1 / np.sqrt(as_number(epsilon, "epsilon", above=0)))
