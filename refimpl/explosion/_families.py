"""Networks whose weights have norm 1 and whose Jacobians grow exponentially with depth, with the exact rate."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_choice, as_count, as_number
from refimpl.explosion._networks import GROUPS, KINDS, Kind

Array = npt.NDArray[Any]
# The direction of the data, of unit mean square, and another one; all are orthogonal to the constant vector but (1, 1).
DATA, OTHER = np.array([1.0, 1.0, -1.0, -1.0]), np.array([1.0, -1.0, 1.0, -1.0])
BOTH, DIFFERENCE = np.array([1.0, 1.0]), np.array([1.0, -1.0])


class ExplodingNetwork(NamedTuple):
    """Weights of spectral norm at most 1, a batch, the worst perturbation (of norm 1), and how much it grows."""

    weights: tuple[Array, ...]
    batch: Array
    perturbation: Array
    growth: float


def exploding_network(
    depth: int, rate: float, *, epsilon: float = 0.0, normalizer: Kind = "batch"
) -> ExplodingNetwork:
    r"""Network, batch and perturbation whose growth in the input is the rate to the power of the depth.

    .. math:: W_l = I - \Bigl(1 - \frac1r\Bigr) \frac{v v^\top}{\lVert v \rVert^2}, \qquad X = t v^\top

    with v = (1, 1) and t = (1, 1, -1, -1) for "batch" (four samples of two features), v = (1, 1, -1, -1) for "layer",
    twice that for "group", (1, 1) for "rms", and one sample. The batch is scaled by
    :math:`\sqrt{1 - \epsilon r^2}`, so that every layer gives it back. For epsilon = 0 the weights are scaled down
    so that an integer rate makes them binary fractions: floats then compute all of it without rounding, which else is
    itself a perturbation that grows.

    Parameters
    ----------
    depth : int
        Number of layers, at least 1.
    rate : float
        r, above 1; its square times epsilon below 1.
    epsilon : float
        At least 0.
    normalizer : {"batch", "layer", "group", "rms"}
        Kind of normalization.

    Returns
    -------
    network : ExplodingNetwork
        `growth` is the spectral norm of the Jacobian at the batch, and that of the perturbation.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    OverflowError
        If the growth is no float.

    References
    ----------
    explosion.input, explosion.layer, explosion.group, explosion.rms, explosion.epsilon

    Examples
    --------
    >>> from refimpl.spectral import spectral_norm
    >>> network = exploding_network(50, 3)
    >>> (4 * network.weights[0]).tolist(), round(spectral_norm(network.weights[0]), 6)
    ([[2.0, -1.0], [-1.0, 2.0]], 0.75)
    >>> network.growth == 3.0**50
    True
    """
    layers, r, floor, size = _family(depth, rate, epsilon)
    kind = as_choice(normalizer, "normalizer", KINDS)
    v = {"batch": BOTH, "rms": BOTH, "layer": DATA, "group": np.tile(DATA, GROUPS)}[kind]
    blocks = GROUPS if kind == "group" else 1
    P = np.kron(np.eye(blocks), np.outer(v, v)[: v.size // blocks, : v.size // blocks] / (v.size // blocks))
    W = _shrunk(P, r, floor)
    other = {"batch": DIFFERENCE, "rms": DIFFERENCE, "layer": OTHER, "group": np.tile(OTHER, GROUPS)}[kind]
    samples, new = (DATA, OTHER) if kind == "batch" else (np.ones(1), np.ones(1))
    delta = np.outer(new, other)
    return ExplodingNetwork(
        tuple(W.copy() for _ in range(layers)), size * np.outer(samples, v), delta / np.linalg.norm(delta),
        _power(r, layers),
    )


def _family(depth: Any, rate: Any, epsilon: Any) -> tuple[int, float, float, float]:
    """Arguments of the families, and the deviation that every layer gives back."""
    layers, r = as_count(depth, "depth", minimum=1), as_number(rate, "rate", above=1)
    floor = as_number(epsilon, "epsilon", minimum=0)
    left = 1 - floor * r**2
    if left <= 0:
        raise ValueError(f"rate must be below 1 / sqrt(epsilon) = {1 / math.sqrt(floor):g}, got {r:g}")
    return layers, r, floor, math.sqrt(left)


def _shrunk(P: Array, r: float, epsilon: float) -> Array:
    """I - (1 - 1/r) P, times a power of two over r where epsilon is 0."""
    scale = 1 / r if epsilon else 2.0 ** -math.ceil(math.log2(r))
    return np.asarray(scale * (r * np.eye(len(P)) - (r - 1) * P))


def _power(r: float, depth: int) -> float:
    try:
        return r**depth
    except OverflowError:
        raise OverflowError(f"the growth {r:g}**{depth} leaves the range of floats: lower rate or depth") from None


def exploding_weights(depth: int, rate: float, *, epsilon: float = 0.0) -> ExplodingNetwork:
    r"""Network, batch and perturbation of the first weight whose growth is exponential in the depth.

    The batch of `exploding_network` ("batch") has no direction that a weight could add to its features; here a third
    feature keeps one alive:

    .. math::
        X = (t, t, \delta), \qquad W_l = \begin{pmatrix} W & 0 \\ 0 & s \end{pmatrix}, \qquad
        \Delta W_1 = \frac{1}{\sqrt2} (e_1 - e_2) e_3^\top

    Parameters
    ----------
    depth : int
        Number of layers, at least 1.
    rate : float
        r, above 1; its square times epsilon below 1.
    epsilon : float
        At least 0.

    Returns
    -------
    network : ExplodingNetwork
        `perturbation` is one of the first weight, `growth` how much it grows: the spectral norm of the Jacobian with
        respect to that weight where ``rate**depth`` is at least 2.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    OverflowError
        If the growth is no float.

    References
    ----------
    explosion.parameter

    Examples
    --------
    >>> from refimpl.explosion import linear_network
    >>> network = exploding_weights(3, 2)
    >>> network.weights[0].tolist()
    [[0.75, -0.25, 0.0], [-0.25, 0.75, 0.0], [0.0, 0.0, 1.0]]
    >>> network.growth, linear_network(network.weights, network.batch, epsilon=0).tolist() == network.batch.tolist()
    (16.0, True)
    """
    layers, r, floor, size = _family(depth, rate, epsilon)
    W = np.zeros((3, 3))
    W[:2, :2] = _shrunk(np.full((2, 2), 0.5), r, floor)
    scale = float(r * (W[0, 0] + W[0, 1]))  # spectral norm of the block
    alive = math.sqrt(1 - floor / scale**2)
    W[2, 2] = scale
    delta = np.zeros((3, 3))
    delta[:2, 2] = DIFFERENCE / math.sqrt(2)
    batch = np.stack([size * DATA, size * DATA, alive * OTHER], axis=1)
    growth = math.sqrt(len(DATA)) * alive * (_power(r, layers) / scale)
    return ExplodingNetwork(tuple(W.copy() for _ in range(layers)), batch, delta, growth)
