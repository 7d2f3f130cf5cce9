"""Local Lipschitz constants of networks: a lower bound by gradient ascent, the exact value of small ReLU networks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_count, as_generator, as_number, as_real_vector, check_one_start
from refimpl.network._compositions import pullback
from refimpl.network._jacobians import Network, check_network
from refimpl.network._piecewise import jacobians_of_pieces, kinks, steps_of
from refimpl.spectral import spectral_norm

Array = npt.NDArray[Any]

MOST_NEURONS = 24


def local_lipschitz(
    network: Network, x: npt.ArrayLike, radius: float, n_iter: int, *, step: float | None = None,
    start: npt.ArrayLike | None = None, rng: np.random.Generator | int | None = None,
) -> float:
    r"""Lower bound on the Lipschitz constant near a point, by projected gradient ascent (up to rounding).

    .. math:: \max_i \frac{\lVert f(x_i) - f(x) \rVert_2}{\lVert x_i - x \rVert_2} \le L(f, B(x, r))

    over the iterates of ascent on that quotient, each projected on the ball.

    Parameters
    ----------
    network : FeedForward, Sequential or Residual
    x : (n_0,) array_like
        Centre of the ball.
    radius : float
        r, above 0.
    n_iter : int
        Number of steps, at least 0.
    step : float, optional
        Length of a step, by default ``radius / 4``.
    start : (n_0,) array_like, optional
        Point of the ball to start from, not `x`.
    rng : numpy.random.Generator or int, optional
        Draws a start on the sphere; needed where `start` is not given.

    Returns
    -------
    bound : float
        The largest quotient seen; more steps or starts may find a larger one.

    Raises
    ------
    ValueError
        If an argument is out of its range, or not exactly one of `start` and `rng` is given.

    References
    ----------
    thesis.eq-2.3

    Examples
    --------
    >>> from refimpl.network import FeedForward
    >>> local_lipschitz(FeedForward([[[1.0], [-2.0]], [[1.0, 1.0]]]), [0.5], 2.0, 20, start=[-1.0])
    1.25
    """
    check_network(network)
    centre = as_real_vector(x, size=network.inputs)
    r, n_iter = as_number(radius, "radius", above=0), as_count(n_iter, "n_iter")
    length = r / 4 if step is None else as_number(step, "step", above=0)
    check_one_start(start, rng)
    point = _on_sphere(centre, r, rng) if start is None else as_real_vector(start, "start", size=centre.size)
    distance = math.hypot(*(point - centre))
    if not 0 < distance <= r * (1 + 1e-12):
        raise ValueError(f"start must lie in the ball of radius {r:g} around x and not be x, got distance {distance:g}")
    value, best = network(centre), 0.0
    for _ in range(n_iter + 1):
        d, delta = network(point) - value, point - centre
        rise, run = math.hypot(*d), math.hypot(*delta)
        best = max(best, rise / run)
        # The gradient of rise / run, times run.
        slope = pullback(network, point, d / rise) - rise / run * (delta / run) if rise > 0 else np.zeros(0)
        if not slope.any():
            break
        moved = delta + length * (slope / math.hypot(*slope))
        size = math.hypot(*moved)
        if size < r / 100:  # the quotient loses digits near the centre
            break
        point = centre + moved * min(1.0, r / size)
    return best


def _on_sphere(centre: Array, r: float, rng: Any) -> Array:
    direction = as_generator(rng).standard_normal(centre.size)
    return np.asarray(centre + r * direction / np.linalg.norm(direction))


def local_lipschitz_exact(network: Network, x: npt.ArrayLike, radius: float = math.inf) -> float:
    r"""Exact Lipschitz constant of a small piecewise linear network on a ball (up to rounding).

    .. math:: L(f, B(x, r)) = \max_{\text{patterns}} \lVert J \rVert_2

    over the activation patterns whose region meets the open ball in more than its boundary, found by enumerating the
    signs of the neurons step by step, with a linear program for each.

    Parameters
    ----------
    network : FeedForward, Sequential or Residual
        Of dense, convolution, pooling, `FrozenBatchNorm`, residual and `LipschitzResidual` layers, with "relu",
        "leaky_relu", "abs" or "identity" only, and at most 24 neurons that have a kink; a window of max-pooling over k
        pixels counts as k - 1 of them.
    x : (n_0,) array_like
        Centre of the ball.
    radius : float
        r, above 0; infinity for the whole space.

    Returns
    -------
    constant : float
        Regions thinner than 1e-9 of the radius, or of the distance of the farthest kink where that is infinite, are
        left out: they may belong to patterns that occur nowhere.

    Raises
    ------
    ValueError
        If the network is not piecewise linear or too large, or an argument is out of its range.
    OverflowError
        If a number leaves the range of floats.
    ArithmeticError
        If all regions are that thin.

    References
    ----------
    thesis.eq-2.3, thesis.eq-2.4

    Examples
    --------
    The kink at 0 lies outside of the smaller ball:

    >>> from refimpl.network import FeedForward
    >>> network = FeedForward([[[1.0], [-2.0]], [[1.0, 1.0]]])
    >>> local_lipschitz_exact(network, [0.5], 0.25), local_lipschitz_exact(network, [0.5])
    (1.0, 2.0)
    """
    check_network(network)
    steps = steps_of(network, network.inputs)
    neurons = kinks(steps)
    if neurons > MOST_NEURONS:
        raise ValueError(f"network must have at most {MOST_NEURONS} neurons with a kink, got {neurons}")
    centre = as_real_vector(x, size=network.inputs)
    r = as_number(radius, "radius", above=0, infinite=True)
    norms = [spectral_norm(J) for J in jacobians_of_pieces(steps, centre, r)]
    if not norms:
        raise ArithmeticError("no piece of the network is thick enough to be told from rounding: take another radius")
    return max(norms)
