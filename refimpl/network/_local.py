"""Local Lipschitz constants of networks: a lower bound by gradient ascent, the exact value of small ReLU networks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog, nnls

from refimpl._arguments import as_count, as_generator, as_number, as_real_vector
from refimpl.network._feed_forward import FeedForward, Residual
from refimpl.network._jacobians import input_jacobian
from refimpl.spectral import spectral_norm

Array = npt.NDArray[Any]

# Slopes on both sides of the kink.
PIECEWISE = {"relu": (0.0, 1.0), "leaky_relu": (0.01, 1.0), "identity": (1.0, 1.0)}
MOST_NEURONS = 24
# A region is taken for empty where no ball of this radius (relative to the data) fits into it.
THIN = 1e-9


def local_lipschitz(
    network: FeedForward | Residual, x: npt.ArrayLike, radius: float, n_iter: int, *, step: float | None = None,
    start: npt.ArrayLike | None = None, rng: np.random.Generator | int | None = None,
) -> float:
    r"""Lower bound on the Lipschitz constant near a point, by projected gradient ascent (up to rounding).

    .. math:: \max_i \frac{\lVert f(x_i) - f(x) \rVert_2}{\lVert x_i - x \rVert_2} \le L(f, B(x, r))

    over the iterates of ascent on that quotient, each projected on the ball.

    Parameters
    ----------
    network : FeedForward or Residual
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
    >>> local_lipschitz(FeedForward([[[1.0], [-2.0]], [[1.0, 1.0]]]), [0.5], 2.0, 20, start=[-1.0])
    1.25
    """
    centre = as_real_vector(x)
    r, n_iter = as_number(radius, "radius", above=0), as_count(n_iter, "n_iter")
    length = r / 4 if step is None else as_number(step, "step", above=0)
    if (start is None) == (rng is None):
        raise ValueError(f"start must be given if rng is not, and only then, got {'none' if rng is None else 'both'}")
    point = _on_sphere(centre, r, rng) if start is None else as_real_vector(start, "start", size=centre.size)
    distance = float(np.linalg.norm(point - centre))
    if not 0 < distance <= r * (1 + 1e-12):
        raise ValueError(f"start must lie in the ball of radius {r:g} around x and not be x, got distance {distance:g}")
    value, best = network(centre), 0.0
    for _ in range(n_iter + 1):
        d, delta = network(point) - value, point - centre
        rise, run = float(np.linalg.norm(d)), float(np.linalg.norm(delta))
        best = max(best, rise / run)
        slope = input_jacobian(network, point).T @ d / (rise * run) - rise * delta / run**3 if rise > 0 else np.zeros(0)
        if not slope.any():
            break
        moved = delta + length * slope / np.linalg.norm(slope)
        size = float(np.linalg.norm(moved))
        if size < r / 100:  # the quotient loses digits near the centre
            break
        point = centre + moved * min(1.0, r / size)
    return best


def _on_sphere(centre: Array, r: float, rng: Any) -> Array:
    direction = as_generator(rng).standard_normal(centre.size)
    return np.asarray(centre + r * direction / np.linalg.norm(direction))


def local_lipschitz_exact(network: FeedForward, x: npt.ArrayLike, radius: float = math.inf) -> float:
    r"""Exact Lipschitz constant of a small piecewise linear network on a ball (up to rounding).

    .. math:: L(f, B(x, r)) = \max_{\text{patterns}} \lVert J \rVert_2

    over the activation patterns whose region meets the open ball in more than its boundary, found by enumerating the
    signs of the neurons layer by layer, with a linear program for each.

    Parameters
    ----------
    network : FeedForward
        With "relu", "leaky_relu" or "identity" only, without normalizers, and at most 24 neurons that have a kink.
    x : (n_0,) array_like
        Centre of the ball.
    radius : float
        r, above 0; infinity for the whole space.

    Returns
    -------
    constant : float
        Regions thinner than 1e-9 of the data are left out: they may belong to patterns that occur nowhere.

    Raises
    ------
    ValueError
        If the network is not piecewise linear or too large, or an argument is out of its range.

    References
    ----------
    thesis.eq-2.3, thesis.eq-2.4

    Examples
    --------
    The kink at 0 lies outside of the smaller ball:

    >>> network = FeedForward([[[1.0], [-2.0]], [[1.0, 1.0]]])
    >>> local_lipschitz_exact(network, [0.5], 0.25), local_lipschitz_exact(network, [0.5])
    (1.0, 2.0)
    """
    if not isinstance(network, FeedForward):
        raise ValueError(f"network must be a FeedForward, got {network!r}")
    if any(name not in PIECEWISE for name in network.activation) or any(network.normalizers):
        raise ValueError(f"network must be piecewise linear, without normalizers, got {network.activation}")
    neurons = sum(len(b) for b, name in zip(network.biases, network.activation, strict=True) if name != "identity")
    if neurons > MOST_NEURONS:
        raise ValueError(f"network must have at most {MOST_NEURONS} neurons with a kink, got {neurons}")
    centre = as_real_vector(x, size=network.weights[0].shape[1])
    r = as_number(radius, "radius", above=0, infinite=True)
    start = (np.eye(centre.size), np.zeros(centre.size))
    empty = (np.zeros((0, centre.size)), np.zeros(0))
    return max((spectral_norm(J) for J in _pieces(network, 0, start, empty, centre, r)), default=0.0)


def _pieces(
    network: FeedForward, layer: int, affine: tuple[Array, Array], region: tuple[Array, Array], x: Array, r: float
) -> Iterator[Array]:
    """The Jacobians of all pieces; `affine` maps the input to the layer's input on ``G z <= h``."""
    if layer == len(network.weights):
        yield affine[0]
        return
    A = network.weights[layer] @ affine[0]
    c = network.weights[layer] @ affine[1] + network.biases[layer]
    slopes = PIECEWISE[network.activation[layer]]
    for signs, cut in _patterns(A, c, slopes, region, x, r):
        D = np.array([slopes[sign] for sign in signs])
        yield from _pieces(network, layer + 1, (D[:, None] * A, D * c), cut, x, r)


def _patterns(
    A: Array, c: Array, slopes: tuple[float, float], region: tuple[Array, Array], x: Array, r: float
) -> Iterator[tuple[list[int], tuple[Array, Array]]]:
    """Signs of the neurons of one layer that occur in the region, with what they add to it."""
    patterns: list[tuple[list[int], tuple[Array, Array]]] = [([], region)]
    for a, offset in zip(A, c, strict=True):
        size = float(np.linalg.norm(a))
        if slopes[0] == slopes[1] or size == 0:
            patterns = [([*signs, int(offset > 0)], cut) for signs, cut in patterns]
            continue
        grown = []
        for signs, (G, h) in patterns:
            for sign in (0, 1):
                side = 1 - 2 * sign  # off: a z + c <= 0
                cut = (np.vstack([G, side * a / size]), np.append(h, -side * offset / size))
                if _meets(cut, x, r):
                    grown.append(([*signs, sign], cut))
        patterns = grown
    yield from patterns


def _meets(region: tuple[Array, Array], x: Array, r: float) -> bool:
    """Whether the polyhedron has an interior that meets the open ball; its rows have length 1."""
    G, h = region
    gap = G @ x - h
    scale = THIN * (1 + float(np.abs(h).max()) + float(np.abs(x).max()))
    box = [(None, None) if math.isinf(r) else (v - r, v + r) for v in x]
    inside = linprog(
        np.append(np.zeros(x.size), -1.0), A_ub=np.hstack([G, np.ones((len(G), 1))]), b_ub=h, bounds=[*box, (None, 1.0)]
    )
    if inside.status != 0 or -inside.fun <= scale:
        return False
    if math.isinf(r) or (gap <= 0).all():
        return True
    # The nearest point: least distance programming (Lawson and Hanson).
    _, residual = nnls(np.vstack([-G.T, gap]), np.append(np.zeros(x.size), 1.0))
    # The residual of that problem is 1 / sqrt(1 + distance^2).
    distance = math.sqrt(max(0.0, 1 / residual**2 - 1)) if residual > 0 else math.inf
    return distance < r - scale
