"""Layer normalization: one sample, all features together."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_count, as_number, as_real_vector

Array = npt.NDArray[Any]


def _normalized(x: npt.ArrayLike, epsilon: float) -> tuple[Array, float]:
    """The output y / s of the layer, and s = sqrt(variance + epsilon)."""
    values, floor = as_real_vector(x), as_number(epsilon, "epsilon", minimum=0)
    # A power of two is divided out, so that no square leaves the floats; x_1 is taken off first, so
    # that a constant vector has variance 0 exactly.
    exponent = int(np.frexp(max(float(np.abs(values).max()), float(np.sqrt(floor))))[1])
    scaled = np.ldexp(values, -exponent)
    y = scaled - scaled[0]
    y = y - y.mean()
    deviation = float(np.sqrt((y**2).mean() + np.ldexp(np.sqrt(floor), -exponent) ** 2))
    if deviation == 0:
        raise ValueError(f"epsilon must be above 0 where the variance is 0, got {epsilon}")
    return np.asarray(y / deviation), float(np.ldexp(deviation, exponent))


def layer_norm(x: npt.ArrayLike, *, epsilon: float) -> Array:
    r"""Layer normalization, exact up to rounding.

    .. math:: \mathrm{LN}(x) = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}},
        \quad \mu = \frac1n \sum_i x_i, \quad \sigma^2 = \frac1n \sum_i (x_i - \mu)^2

    Parameters
    ----------
    x : (n,) array_like
        Finite real features of one sample.
    epsilon : float
        At least 0, above 0 for a constant `x`. In the units of the variance.

    Returns
    -------
    y : (n,) ndarray

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    than.lemma-2

    Examples
    --------
    >>> layer_norm([1, 3], epsilon=0).tolist()
    [-1.0, 1.0]
    """
    return _normalized(x, epsilon)[0]


def layer_norm_jacobian(x: npt.ArrayLike, *, epsilon: float) -> Array:
    r"""Exact Jacobian of `layer_norm` (up to rounding).

    .. math:: J = \frac{1}{\sqrt{\sigma^2 + \epsilon}}
        \Bigl(I - \frac{y y^T}{\lVert y \rVert^2 + n \epsilon}\Bigr)
        \Bigl(I - \frac{1}{n} \mathbf 1 \mathbf 1^T\Bigr)

    with y the centred x.

    Parameters
    ----------
    x : (n,) array_like
        Finite real features of one sample.
    epsilon : float
        At least 0, above 0 for a constant `x`.

    Returns
    -------
    jacobian : (n, n) ndarray

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    than.lemma-23

    Examples
    --------
    >>> layer_norm_jacobian([0, 0], epsilon=1).tolist()
    [[0.5, -0.5], [-0.5, 0.5]]
    """
    z, deviation = _normalized(x, epsilon)
    n = z.size
    # ||y||^2 + n epsilon = n deviation^2, so the radial term is z z^T / n with z = y / deviation
    radial = np.eye(n) - np.outer(z, z) / n
    return np.asarray(radial @ (np.eye(n) - 1 / n) / deviation)


def layer_norm_jacobian_norm(x: npt.ArrayLike, *, epsilon: float) -> float:
    r"""Exact spectral norm of the Jacobian of `layer_norm` at one input: its local Lipschitz constant.

    :math:`(\sigma^2 + \epsilon)^{-1/2}` from three features on; :math:`\epsilon\,(\sigma^2 + \epsilon)^{-3/2}`
    for two, where the only direction besides the mean is the radial one; 0 for one.

    Parameters
    ----------
    x : (n,) array_like
        Finite real features of one sample.
    epsilon : float
        At least 0, above 0 for a constant `x`.

    Returns
    -------
    norm : float

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    than.lemma-2.local

    Examples
    --------
    >>> layer_norm_jacobian_norm([0, 1, -1, 0], epsilon=3.5)
    0.5
    """
    z, deviation = _normalized(x, epsilon)
    if z.size == 1:
        return 0.0
    return float(epsilon) / deviation / deviation / deviation if z.size == 2 else 1 / deviation


def layer_norm_lipschitz(n: int, *, epsilon: float) -> float:
    r"""Exact l2 Lipschitz constant of `layer_norm` over all inputs.

    :math:`\epsilon^{-1/2}` for n >= 2, whatever n is: it is reached at constant inputs, where the
    variance is 0. For one feature the map is zero.

    Parameters
    ----------
    n : int
        Number of features, at least 1.
    epsilon : float
        Above 0.

    Returns
    -------
    constant : float

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    than.lemma-2, than.lemma-2.global

    Examples
    --------
    >>> layer_norm_lipschitz(512, epsilon=0.25)
    2.0
    """
    epsilon = as_number(epsilon, "epsilon", above=0)
    return 0.0 if as_count(n, "n", minimum=1) == 1 else float(1 / np.sqrt(epsilon))
