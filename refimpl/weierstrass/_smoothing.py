"""The Weierstrass transform: by quadrature, along a direction, by Monte Carlo, and its gradient by Stein's lemma."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import roots_hermitenorm

from refimpl._arguments import as_count, as_generator, as_number, as_real_array, as_real_vector, check_callable

Array = npt.NDArray[Any]
Function = Callable[[Array], Any]

MOST_DIMENSIONS = 4
# By the number of dimensions, so that a call takes a few thousand values of the function.
NODES = {1: 128, 2: 48, 3: 18, 4: 10}


class Smoothed(NamedTuple):
    """An expectation, and an estimate of its error: of quadrature, or the standard error of a mean."""

    value: Any
    error: Any


def smooth(
    f: Function, x: npt.ArrayLike, sigma: float, *, direction: npt.ArrayLike | None = None, nodes: int | None = None
) -> Smoothed:
    r"""Weierstrass transform of a function by Gauss-Hermite quadrature, with an estimate of the error.

    .. math:: \tilde f(x) = \mathbb{E}_{\delta \sim N(0, \sigma^2 I)}[f(x + \delta)]

    Parameters
    ----------
    f : callable
        Takes one vector (d,) and returns a number or a vector.
    x : (d,) array_like
        Where; at most four dimensions unless a `direction` is given.
    sigma : float
        Standard deviation of the noise, at least 0.
    direction : (d,) array_like, optional
        Not zero. The noise is then on the line along it only, in any dimension: the transform of a function that
        depends on the coordinate along `direction` alone.
    nodes : int, optional
        Nodes an axis, at least 4; by default 128, 48, 18, 10 in one to four dimensions.

    Returns
    -------
    result : Smoothed
        `value`, and as `error` the largest difference to the rules of one node less, of half as many, and of one more
        than that. Polynomials of degree below ``nodes`` are exact up to rounding. Where f has a jump or a kink the
        error falls slowly, and the estimate may be too small.

    Raises
    ------
    ValueError
        If an argument is out of its range, or f returns something that is not real and finite.

    References
    ----------
    thesis.def-2.1.3, thesis.lemma-2.1.6

    Examples
    --------
    >>> value, error = smooth(lambda x: x[0] ** 2, [3.0], 0.5)
    >>> round(float(value), 12), bool(error < 1e-12)
    (9.25, True)
    """
    check_callable(f, "f")
    point, s = as_real_vector(x), as_number(sigma, "sigma", minimum=0)
    return _smoothed(lambda at, noise: _value(f, at), point, s, direction, nodes)


def _smoothed(g: Callable[[Array, Array], Array], x: Array, sigma: float, direction: Any, nodes: Any) -> Smoothed:
    """The mean of a function of the moved point and of the noise."""
    axes = np.eye(x.size) if direction is None else _unit(direction, x.size)[None]
    if len(axes) > MOST_DIMENSIONS:
        raise ValueError(f"x must have at most {MOST_DIMENSIONS} dimensions without a direction, got {x.size}")
    count = NODES[len(axes)] if nodes is None else as_count(nodes, "nodes", minimum=4)
    if sigma > 0 and any((x + sigma * axis == x).all() for axis in axes):
        raise ValueError(f"sigma must be large enough to move x in the last digit, got {sigma}")
    fine = _quadrature(g, x, sigma, axes, count)
    # Even and odd rules err differently where f has a jump.
    others = [_quadrature(g, x, sigma, axes, n) for n in (count - 1, count // 2, count // 2 + 1)]
    return Smoothed(fine, np.max([np.abs(fine - other) for other in others], axis=0)[()])


def _unit(direction: npt.ArrayLike, size: int) -> Array:
    v = as_real_vector(direction, "direction", size=size)
    if not v.any():
        raise ValueError("direction must not be zero, got a zero vector")
    v = v / np.abs(v).max()
    return np.asarray(v / np.linalg.norm(v))


def _quadrature(
    g: Callable[[Array, Array], Array], x: Array, sigma: float, axes: Array, count: int
) -> Any:
    nodes, weights = roots_hermitenorm(count)
    weights = weights / weights.sum()
    total: Any = None
    for places in itertools.product(range(count), repeat=len(axes)):
        noise = sigma * nodes[list(places)] @ axes
        term = math.prod(weights[i] for i in places) * g(x + noise, noise)
        _check_same_shape(term, term if total is None else total)
        total = term if total is None else total + term
    return total


def _check_same_shape(value: Any, before: Any) -> None:
    if np.shape(value) != np.shape(before):
        raise ValueError(f"f(x) must be of one shape, got {np.shape(before)} and then {np.shape(value)}")


def _value(f: Function, point: Array) -> Array:
    # Copies: f may write into what it gets, or return the same array again.
    return as_real_array(f(point.copy()), "f(x)", "a number or an array").copy()


def smooth_monte_carlo(
    f: Function, x: npt.ArrayLike, sigma: float, samples: int, *, rng: np.random.Generator | int
) -> Smoothed:
    r"""Estimate of the Weierstrass transform by the mean over random noise, with its standard error.

    .. math:: \frac1n \sum_i f(x + \delta_i), \qquad \delta_i \sim N(0, \sigma^2 I)

    Parameters
    ----------
    f : callable
        Takes one vector (d,) and returns a number or a vector.
    x : (d,) array_like
        Where, in any dimension.
    sigma : float
        Standard deviation of the noise, at least 0.
    samples : int
        n, at least 2.
    rng : numpy.random.Generator or int
        Source of the noise.

    Returns
    -------
    result : Smoothed
        The mean, and the sample standard deviation over the root of n.

    Raises
    ------
    ValueError
        If an argument is out of its range, or f returns something that is not real and finite.

    References
    ----------
    thesis.def-2.1.3-monte-carlo

    Examples
    --------
    >>> value, error = smooth_monte_carlo(lambda x: x[0] ** 2, [3.0], 0.5, 1000, rng=0)
    >>> bool(abs(value - 9.25) < 4 * error)
    True
    """
    check_callable(f, "f")
    point, s = as_real_vector(x), as_number(sigma, "sigma", minimum=0)
    n, generator = as_count(samples, "samples", minimum=2), as_generator(rng)
    listed = [_value(f, point + s * generator.standard_normal(point.size)) for _ in range(n)]
    for value in listed:
        _check_same_shape(value, listed[0])
    values = np.array(listed)
    return Smoothed(values.mean(axis=0), values.std(axis=0, ddof=1) / math.sqrt(n))


def stein_gradient(
    f: Function, x: npt.ArrayLike, sigma: float, *, direction: npt.ArrayLike | None = None, nodes: int | None = None
) -> Smoothed:
    r"""Gradient of the Weierstrass transform by Stein's lemma and quadrature, with an estimate of the error.

    .. math:: \nabla \tilde f(x) = \frac{1}{\sigma^2} \mathbb{E}_{\delta \sim N(0, \sigma^2 I)}[\delta f(x + \delta)]

    The derivative of f is not needed.

    Parameters
    ----------
    f : callable
        Takes one vector (d,) and returns a number or a vector.
    x : (d,) array_like
        Where; at most four dimensions unless a `direction` is given.
    sigma : float
        Standard deviation of the noise, above 0.
    direction : (d,) array_like, optional
        As in `smooth`.
    nodes : int, optional
        As in `smooth`.

    Returns
    -------
    result : Smoothed
        The gradient (d,), or the transposed Jacobian (d, c) of a map into c dimensions, and an error as in
        `smooth`.

    Raises
    ------
    ValueError
        If an argument is out of its range, or f returns something that is not real and finite.

    References
    ----------
    thesis.lemma-2.1.4, thesis.lemma-B.3.1

    Examples
    --------
    >>> gradient, error = stein_gradient(lambda x: x[0] ** 2, [3.0], 0.5)
    >>> gradient.round(10).tolist()
    [6.0]
    """
    check_callable(f, "f")
    point, s = as_real_vector(x), as_number(sigma, "sigma", above=0)
    start = _value(f, point)  # f less a constant has the same gradient, and less to cancel

    def weighted(at: Array, noise: Array) -> Array:
        value = _value(f, at)
        _check_same_shape(value, start)
        return np.asarray(np.multiply.outer(noise / s / s, value - start))

    return _smoothed(weighted, point, s, direction, nodes)
