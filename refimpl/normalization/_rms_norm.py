"""Root-mean-square normalization: no mean is taken off."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_number, as_real_vector

Array = npt.NDArray[Any]


def _root_mean_square(x: Array, epsilon: float) -> float:
    total = float((x**2).mean()) + as_number(epsilon, "epsilon", minimum=0)
    if total == 0:
        raise ValueError(f"epsilon must be above 0 where x is 0, got {epsilon}")
    return float(np.sqrt(total))


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
    values = as_real_vector(x)
    return values / _root_mean_square(values, epsilon)


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
    values = as_real_vector(x)
    size = _root_mean_square(values, epsilon)
    return np.asarray((np.eye(values.size) - np.outer(values, values) / (values.size * size**2)) / size)


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
