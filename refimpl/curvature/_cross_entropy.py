"""Cross entropy of logits with its derivatives, and what stands for its mean under noise in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from refimpl._arguments import as_count, as_number, as_probabilities, as_real_vector, in_range
from refimpl.simplex import softmax

Array = npt.NDArray[Any]
Label = int | npt.ArrayLike

# Probabilities given as floats sum to 1 up to this.
SUM_TO_ONE = 1e-9
# Sums of exponentials of less than this stay in the range of floats, whatever the number of classes.
FARTHEST_POWER = 600.0


def as_target(label: Label, classes: int) -> Array:
    """The label as a probability vector: one-hot where a class is given."""
    if np.ndim(label) == 0:
        index = as_count(label, "label")
        if index >= classes:
            raise ValueError(f"label must be below {classes}, the number of logits, got {index}")
        target = np.zeros(classes)
        target[index] = 1
        return target
    as_real_vector(label, "label", size=classes)
    target = as_probabilities(label, "label")
    if abs(target.sum() - 1) > SUM_TO_ONE:
        raise ValueError(f"label must be a class or probabilities that sum to 1, got a sum of {target.sum()}")
    return target


def noise_of_logits(h: npt.ArrayLike, sigma: float) -> float:
    """Standard deviation of the noise on each logit: sigma times the norm of the activations."""
    activations, s = as_real_vector(h, "h"), as_number(sigma, "sigma", minimum=0)
    top = np.abs(activations).max()
    if top == 0 or s == 0:
        return 0.0
    with np.errstate(over="ignore"):
        return float(in_range(np.asarray(s * (top * np.linalg.norm(activations / top))), "sigma times the norm of h"))


def cross_entropy(logits: npt.ArrayLike, label: Label) -> float:
    r"""Cross entropy of the softmax of logits, exact up to rounding.

    .. math:: \ell(a, y) = \ln \sum_j e^{a_j} - \sum_k y_k a_k

    Every term that is added is positive, so that a loss as small as 1e-300 is right to the last digits.

    Parameters
    ----------
    logits : (c,) array_like
        a.
    label : int or (c,) array_like
        The class, or probabilities y (as label smoothing has them).

    Returns
    -------
    loss : float
        At least 0, in natural units.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    OverflowError
        If a difference of logits leaves the range of floats.

    References
    ----------
    thesis.thm-7.2.3, thesis.app-D.2.4-gradient, lipref.small-losses

    Examples
    --------
    >>> cross_entropy([1000.0, 0.0], 0), cross_entropy([1000.0, 0.0], 1)
    (0.0, 1000.0)
    """
    a = as_real_vector(logits, "logits")
    y = as_target(label, a.size)
    top = int(a.argmax())
    with np.errstate(over="ignore"):
        below = in_range(a[top] - a, "a difference of logits")
        return float(in_range(y @ below + np.log1p(np.exp(-np.delete(below, top)).sum()), "the loss"))


def cross_entropy_gradient(logits: npt.ArrayLike, label: Label) -> Array:
    r"""Gradient of the cross entropy in the logits, exact up to rounding.

    .. math:: \nabla_a \ell = \operatorname{softmax}(a) - y

    Parameters
    ----------
    logits : (c,) array_like
        a.
    label : int or (c,) array_like
        As in `cross_entropy`.

    Returns
    -------
    gradient : (c,) ndarray
        Sums to 0.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.app-D.2.4-gradient

    Examples
    --------
    >>> cross_entropy_gradient([0.0, 0.0], 0).tolist()
    [-0.5, 0.5]
    """
    a = as_real_vector(logits, "logits")
    y = as_target(label, a.size)
    return less_target(softmax(a), y)


def cross_entropy_hessian(logits: npt.ArrayLike) -> Array:
    r"""Hessian of the cross entropy in the logits, exact up to rounding.

    .. math:: \nabla_a^2 \ell = \operatorname{diag}(p) - p p^\top, \qquad p = \operatorname{softmax}(a)

    The same for every label. Its spectral norm is at most 1/2, which two equal logits above all others attain.

    Parameters
    ----------
    logits : (c,) array_like
        a.

    Returns
    -------
    hessian : (c, c) ndarray
        Positive semidefinite, rows sum to 0.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.app-D.2.4-hessian, thesis.app-D.2.4-hessian.half, thesis.app-D.2.4-trace.squares

    Examples
    --------
    >>> cross_entropy_hessian([0.0, 0.0]).tolist()
    [[0.25, -0.25], [-0.25, 0.25]]
    """
    p = softmax(as_real_vector(logits, "logits"))
    hessian = -np.outer(p, p)
    np.fill_diagonal(hessian, p * _sum_of_others(p))
    return hessian


def less_target(p: Array, y: Array) -> Array:
    """The difference p - y, with 1 - p as the sum of the others, which is right where p is nearly 1."""
    return np.where(y == 1, -_sum_of_others(p), p - y)


def _sum_of_others(p: Array) -> Array:
    """For each entry the sum of the others: of those before it and of those after it."""
    before, after = np.cumsum(p[:-1]), np.cumsum(p[:0:-1])[::-1]
    return np.asarray(np.concatenate([[0.0], before]) + np.concatenate([after, [0.0]]))


def activation_decay(logits: npt.ArrayLike, label: Label, h: npt.ArrayLike, sigma: float) -> float:
    r"""Upper bound on the smoothed cross entropy: the loss and a penalty on the activations.

    .. math:: \ell(a, y) + \frac{\sigma^2}{2} \lVert h \rVert^2 \ge \mathbb{E}_\Delta[\ell(a + \Delta h, y)]

    Never tight: with c classes the penalty may be smaller by the factor 1 - 1/c (`smoothed_cross_entropy_bound`).

    Parameters
    ----------
    logits : (c,) array_like
        a, the output of the last layer on h.
    label : int or (c,) array_like
        As in `cross_entropy`.
    h : (d,) array_like
        Activations before the last layer.
    sigma : float
        Standard deviation of the noise on each weight of the last layer, at least 0.

    Returns
    -------
    bound : float
        In natural units.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    OverflowError
        If the result leaves the range of floats.

    References
    ----------
    thesis.thm-7.2.3, thesis.thm-7.2.3.classes, thesis.tab-D.1.1-gradient

    Examples
    --------
    >>> round(activation_decay([0.0, 0.0], 0, [3.0, 4.0], 0.2), 12)
    1.19314718056
    """
    loss, s = cross_entropy(logits, label), noise_of_logits(h, sigma)
    with np.errstate(over="ignore"):
        return float(in_range(np.asarray(loss + np.square(s) / 2), "the bound"))


def taylor_smoothed_cross_entropy(logits: npt.ArrayLike, label: Label, h: npt.ArrayLike, sigma: float) -> float:
    r"""Estimate of the smoothed cross entropy, to second order in sigma.

    .. math::

        \ell(a, y) + \frac{\sigma^2}{2} \lVert h \rVert^2 \sum_i p_i (1 - p_i), \qquad
        \bigl| \cdot - \mathbb{E}_\Delta[\ell(a + \Delta h, y)] \bigr| \le \frac{\sigma^4 \lVert h \rVert^4}{16}

    Neither an upper nor a lower bound.

    Parameters
    ----------
    logits : (c,) array_like
        a, the output of the last layer on h.
    label : int or (c,) array_like
        As in `cross_entropy`.
    h : (d,) array_like
        Activations before the last layer.
    sigma : float
        Standard deviation of the noise on each weight of the last layer, at least 0.

    Returns
    -------
    estimate : float
        In natural units.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    OverflowError
        If the result leaves the range of floats.

    References
    ----------
    thesis.thm-D.2.1, thesis.thm-D.2.1-not-a-bound

    Examples
    --------
    >>> round(taylor_smoothed_cross_entropy([0.0, 0.0], 0, [3.0, 4.0], 0.2), 12)
    0.94314718056
    """
    loss, s = cross_entropy(logits, label), noise_of_logits(h, sigma)
    p = softmax(as_real_vector(logits, "logits"))
    with np.errstate(over="ignore"):
        return float(in_range(np.asarray(loss + np.square(s) / 2 * (p @ _sum_of_others(p))), "the estimate"))


def smoothed_cross_entropy_bound(logits: npt.ArrayLike, label: Label, h: npt.ArrayLike, sigma: float) -> float:
    r"""Upper bound on the smoothed cross entropy, right to second order in sigma.

    .. math::

        \ell(a, y) + \min_{v \in \{p, u\}} \ln \sum_j p_j e^{\sigma^2 \lVert h \rVert^2 \lVert e_j - v \rVert^2 / 2},
        \qquad p = \operatorname{softmax}(a),\ u = (\tfrac1c, \dots, \tfrac1c)

    Jensen's inequality after a change of the noise that the loss cannot see: the same number, the mean of the noise
    with the weights v, is taken off all logits. With v = u the bound is :math:`\ell + \frac{\sigma^2}{2} \lVert h
    \rVert^2 (1 - \frac1c)`, with v = p it agrees with `taylor_smoothed_cross_entropy` up to the fourth power of sigma.

    Parameters
    ----------
    logits : (c,) array_like
        a, the output of the last layer on h.
    label : int or (c,) array_like
        As in `cross_entropy`.
    h : (d,) array_like
        Activations before the last layer.
    sigma : float
        Standard deviation of the noise on each weight of the last layer, at least 0.

    Returns
    -------
    bound : float
        In natural units, at most `activation_decay`.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    OverflowError
        If the result leaves the range of floats.

    References
    ----------
    thesis.thm-D.2.1-not-a-bound.upper, thesis.thm-7.2.3.classes, lipref.small-losses

    Examples
    --------
    >>> round(smoothed_cross_entropy_bound([0.0, 0.0], 0, [3.0, 4.0], 0.2), 12)
    0.94314718056
    """
    loss, s = cross_entropy(logits, label), noise_of_logits(h, sigma)
    a = as_real_vector(logits, "logits")
    p, below = softmax(a), a - a.max()
    with np.errstate(over="ignore"):
        half = in_range(np.asarray(np.square(s) / 2), "the bound")
        # |e_j - p|^2, each as a sum of squares.
        exponents = half * (np.square(_sum_of_others(p)) + _sum_of_others(np.square(p)))
        # log(1 + sum of p_j (e^x_j - 1)), each term without p_j, which may be too small for a float, and without
        # taking nearly equal numbers from each other.
        moved = below + exponents
        if moved.max() < FARTHEST_POWER:
            gained = np.exp(moved) * -np.expm1(-exponents)
            centred = float(np.log1p(gained.sum() / np.exp(below).sum()))
        else:
            centred = float(logsumexp(moved) - logsumexp(below))
        uniform = float(half * (1 - 1 / p.size))
        return float(in_range(np.asarray(loss + min(centred, uniform)), "the bound"))
