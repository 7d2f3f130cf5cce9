"""Projected gradient attacks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from refimpl._arguments import as_count, as_generator, as_number, as_real_vector, check_one_start
from refimpl.network._compositions import pullback
from refimpl.network._jacobians import Network, check_network

Array = npt.NDArray[Any]


def pgd_attack(
    network: Network, x: npt.ArrayLike, label: int, radius: float, n_iter: int, *, step: float,
    start: npt.ArrayLike | None = None, rng: np.random.Generator | int | None = None,
) -> Array:
    r"""Point near an input that raises the cross-entropy of its label, by projected gradient ascent.

    .. math::

        \eta \leftarrow \Pi_{\lVert \eta \rVert_2 \le \epsilon}\Bigl(\eta + \alpha \frac{g}{\lVert g \rVert_2}\Bigr),
        \qquad g = \nabla_x \mathcal{L}(f(x + \eta), y)

    Parameters
    ----------
    network : FeedForward, Sequential or Residual
        Its outputs are the scores.
    x : (n_0,) array_like
        Input.
    label : int
        y, the index of the score to lower, from 0.
    radius : float
        The budget epsilon, above 0.
    n_iter : int
        Number of steps, at least 0.
    step : float
        alpha, above 0.
    start : (n_0,) array_like, optional
        First perturbation; it is scaled to the length epsilon, and may not be 0.
    rng : numpy.random.Generator or int, optional
        Draws a start; needed where `start` is not given.

    Returns
    -------
    x_adv : (n_0,) ndarray
        Within `radius` of `x`, up to rounding. Where the gradient vanishes it stays.

    Raises
    ------
    ValueError
        If an argument is out of its range, or not exactly one of `start` and `rng` is given.

    References
    ----------
    thesis.alg-1, thesis.alg-1-certified

    Examples
    --------
    >>> from refimpl.network import FeedForward
    >>> pgd_attack(FeedForward([[[1.0], [-1.0]]], "identity"), [1.0], 0, 2.0, 3, step=1.0, start=[1.0]).tolist()
    [0.0]
    >>> pgd_attack(FeedForward([[[1.0], [-1.0]]], "identity"), [1.0], 0, 2.0, 4, step=1.0, start=[1.0]).tolist()
    [-1.0]
    """
    check_network(network)
    point = as_real_vector(x, size=network.inputs)
    epsilon, alpha = as_number(radius, "radius", above=0), as_number(step, "step", above=0)
    n_iter, y = as_count(n_iter, "n_iter"), as_count(label, "label")
    check_one_start(start, rng)
    direction = as_generator(rng).standard_normal(point.size) if start is None else as_real_vector(
        start, "start", size=point.size)
    if not direction.any():
        raise ValueError("start must not be zero, got a zero vector")
    scores = network(point)
    if y >= scores.size:
        raise ValueError(f"label must be below the number of scores {scores.size}, got {y}")
    eta = epsilon * direction / np.linalg.norm(direction)
    for _ in range(n_iter):
        error = softmax(network(point + eta))
        error[y] -= 1
        g = pullback(network, point + eta, error)
        if not g.any():
            break
        eta = eta + alpha * g / np.linalg.norm(g)
        eta = eta * (epsilon / max(epsilon, float(np.linalg.norm(eta))))
    return np.asarray(point + eta)
