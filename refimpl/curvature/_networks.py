"""Hessians of the loss of small networks in their weights, and bounds on their norms."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from refimpl._arguments import as_choice, as_number, as_real_vector, in_range
from refimpl.curvature._cross_entropy import Label, cross_entropy_gradient, cross_entropy_hessian
from refimpl.layers import activation_derivative, activation_lipschitz
from refimpl.network import FeedForward
from refimpl.spectral import spectral_norm
from refimpl.weierstrass import lipschitz_smoothed

Array = npt.NDArray[Any]
Loss = Literal["cross_entropy", "squared"]
Weights = Literal["all", "inner", "last"]

LOSSES, WEIGHTS = ("cross_entropy", "squared"), ("all", "inner", "last")


def _logistic_slope(x: Array) -> Array:
    return np.asarray(expit(x) * expit(-x))


# Those that are not here are piecewise linear.
SECOND_DERIVATIVES: dict[str, Callable[[Array], Array]] = {
    "tanh": lambda x: -8 * np.tanh(x) * _logistic_slope(2 * x),
    "sigmoid": lambda x: -_logistic_slope(x) * np.tanh(x / 2),
    "gelu": lambda x: (2 - x * x) * np.exp(-x * x / 2) / math.sqrt(2 * math.pi),
    "softplus": _logistic_slope,
    "silu": lambda x: _logistic_slope(x) * (2 - x * np.tanh(x / 2)),
}


def second_derivative(x: Array, name: str) -> Array:
    """Second derivative of an activation, entry by entry; 0 for piecewise linear ones, at their kinks too."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return SECOND_DERIVATIVES[name](np.clip(x, -1e3, 1e3)) if name in SECOND_DERIVATIVES else np.zeros(x.shape)


def _check_network(network: Any) -> None:
    if not isinstance(network, FeedForward):
        raise ValueError(f"network must be a FeedForward, got {network!r}")
    if any(normalizer is not None for normalizer in network.normalizers):
        raise ValueError("network must have no normalizers, got some")
    if network.activation[-1] != "identity":
        raise ValueError(f"network must end in the activation 'identity', got {network.activation[-1]!r}")


def _curvature_of_loss(logits: Array, loss: str) -> Array:
    return cross_entropy_hessian(logits) if loss == "cross_entropy" else np.eye(logits.size)


def _gradient_of_loss(logits: Array, label: Label, loss: str) -> Array:
    if loss == "cross_entropy":
        return cross_entropy_gradient(logits, label)
    return np.asarray(logits - as_real_vector(label, "label", size=logits.size))


def _chosen(network: FeedForward, weights: str) -> range:
    """The layers whose weights are meant, from 0."""
    count = len(network.weights)
    if weights == "inner" and count == 1:
        raise ValueError("weights must be 'all' or 'last' for a network of one layer, got 'inner'")
    return {"all": range(count), "inner": range(count - 1), "last": range(count - 1, count)}[weights]


def loss_hessian(
    network: FeedForward, x: npt.ArrayLike, label: Label, *, loss: Loss = "cross_entropy", weights: Weights = "all"
) -> Array:
    r"""Exact Hessian (up to rounding) of the loss at one input in the weights of a small network.

    .. math:: \nabla_\theta^2 \ell = J^\top (\nabla_a^2 \ell) J + \sum_k \frac{\partial \ell}{\partial a_k}
        \nabla_\theta^2 a_k, \qquad J = \frac{\partial a}{\partial \theta}

    Column by column, as the derivative of the backward pass along one weight. For piecewise linear activations the
    second derivative is taken as 0; at a kink the network has no Hessian, and the slope from the left counts.

    Parameters
    ----------
    network : FeedForward
        Without normalizers, its last activation "identity": it returns logits a.
    x : (n_0,) array_like
        Finite real input.
    label : int or (c,) array_like
        For "cross_entropy" as in `cross_entropy`, for "squared" the target t.
    loss : {"cross_entropy", "squared"}
        The squared loss is :math:`\frac12 \lVert a - t \rVert^2`.
    weights : {"all", "inner", "last"}
        Theta: the weights of all layers, of all but the last, or of the last, in the order of the layers, each row by
        row. Biases are no part of it.

    Returns
    -------
    hessian : (parameters, parameters) ndarray
        Symmetric.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    OverflowError
        If an entry leaves the range of floats.

    References
    ----------
    lipref.loss-hessian, thesis.thm-7.2.1, thesis.thm-7.2.1.all-weights

    Examples
    --------
    >>> network = FeedForward([[[1]], [[1]]], ["relu", "identity"])
    >>> loss_hessian(network, [1], [1], loss="squared").tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    _check_network(network)
    as_choice(loss, "loss", LOSSES)
    as_choice(weights, "weights", WEIGHTS)
    chosen = _chosen(network, weights)
    with np.errstate(over="ignore", invalid="ignore"):
        at = _Point.of(network, x, label, loss)
        columns = [_column(at, j, place, chosen) for j in chosen for place in np.ndindex(*at.weights[j].shape)]
        hessian = in_range(np.array(columns), "the Hessian")
        return (hessian + hessian.T) / 2


class _Point(NamedTuple):
    """What the passes along all weights share: h_0, h_1, ..., the derivatives of the activations and of the loss."""

    weights: list[Array]
    h: list[Array]
    slopes: list[Array]
    bends: list[Array]
    gradient: Array
    curvature: Array

    @classmethod
    def of(cls, network: FeedForward, x: npt.ArrayLike, label: Label, loss: str) -> _Point:
        """At one input."""
        h, pairs = network.layers(x), list(zip(network.pre_activations(x), network.activation, strict=True))
        return cls(
            network.weights, h, [activation_derivative(y, name) for y, name in pairs],
            [second_derivative(y, name) for y, name in pairs], _gradient_of_loss(h[-1], label, loss),
            _curvature_of_loss(h[-1], loss),
        )


def _column(at: _Point, layer: int, place: tuple[int, ...], chosen: range) -> Array:
    """Derivative of the gradient in the chosen weights along one weight: forward, then backward."""
    W, last = at.weights, len(at.weights) - 1
    moved = [np.zeros(h.shape) for h in at.h]  # derivatives of h_0, h_1, ..., and of what enters the activations
    moved_y = [np.zeros(slope.shape) for slope in at.slopes]
    for i in range(layer, last + 1):
        moved_y[i] = W[i] @ moved[i]
        if i == layer:
            moved_y[i][place[0]] = at.h[i][place[1]]
        moved[i + 1] = at.slopes[i] * moved_y[i]
    g, moved_g = at.gradient, at.curvature @ moved[-1]
    rows: list[Array] = []
    for i in range(last, -1, -1):
        delta, moved_delta = at.slopes[i] * g, at.slopes[i] * moved_g + at.bends[i] * moved_y[i] * g
        if i in chosen:
            rows.insert(0, (np.outer(moved_delta, at.h[i]) + np.outer(delta, moved[i])).ravel())
        g, moved_g = W[i].T @ delta, W[i].T @ moved_delta
        if i == layer:
            moved_g[place[1]] += delta[place[0]]
    return np.concatenate(rows)


def hessian_norm_bound(
    network: FeedForward, x: npt.ArrayLike, *, loss: Loss = "cross_entropy", weights: Weights = "all"
) -> float:
    r"""Upper bound on the spectral norm of the loss Hessian where the gradient of the loss in the logits is zero.

    .. math::

        \lVert \nabla_\theta^2 \ell \rVert \le \lVert \nabla_a^2 \ell \rVert \sum_{j=1}^{L} \Bigl( s_j \lVert h_{j-1}
        \rVert \prod_{l=j+1}^{L} K_l \lVert W_l \rVert \Bigr)^2

    with :math:`s_j` the largest slope of the activation of layer j at x, and :math:`K_l` the Lipschitz constant of that
    of layer l (1 for j = L and l = L). For the weights of all layers but the last the sum ends at L - 1, products too,
    and the curvature is the one in :math:`h_{L-1}`, that is :math:`\lVert W_L^\top \nabla_a^2 \ell W_L \rVert`. For
    the last layer alone it is no bound but the norm, wherever the gradient is zero or not.

    Parameters
    ----------
    network : FeedForward
        As in `loss_hessian`.
    x : (n_0,) array_like
        Finite real input.
    loss : {"cross_entropy", "squared"}
        As in `loss_hessian`; the bound does not depend on the label.
    weights : {"all", "inner", "last"}
        As in `loss_hessian`.

    Returns
    -------
    bound : float
        Infinity where it is too large for a float.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.thm-7.2.1.all-weights, thesis.thm-7.2.1.inner-weights, thesis.sec-7.2.3-curvature.last-layer

    Examples
    --------
    >>> network = FeedForward([[[1]], [[1]]], ["relu", "identity"])
    >>> hessian_norm_bound(network, [1], loss="squared")
    2.0
    """
    _check_network(network)
    as_choice(loss, "loss", LOSSES)
    as_choice(weights, "weights", WEIGHTS)
    chosen = _chosen(network, weights)
    h, y, last = network.layers(x), network.pre_activations(x), len(network.weights) - 1
    curvature = _curvature_of_loss(h[-1], loss)
    with np.errstate(over="ignore", invalid="ignore"):
        factors = [
            activation_lipschitz(name) * spectral_norm(W)
            for name, W in zip(network.activation, network.weights, strict=True)
        ]
        if weights == "inner":
            curvature, factors[last] = network.weights[last].T @ curvature @ network.weights[last], 1.0
        total = 0.0
        for j in chosen:
            slopes = np.abs(activation_derivative(y[j], network.activation[j]))
            term = float(slopes.max()) * spectral_norm(h[j][None]) * math.prod(factors[j + 1 :])
            total += float(np.square(term))
        return float(spectral_norm(in_range(curvature, "the curvature")) * total)


def smoothed_hessian_bound(curvature: float, gradient: float, sigma: float) -> float:
    r"""Upper bound on the Hessian norm of a Gaussian smoothed function, the smallest there is (up to rounding).

    .. math:: \lVert \nabla^2 (f * N(0, \sigma^2 I)) \rVert \le H \operatorname{erf}\Bigl(\frac{\epsilon}{\sqrt2 H
        \sigma}\Bigr)

    for f with an H-Lipschitz gradient whose norm is at most epsilon *everywhere*: knowing it at one point, such as a
    minimum, is not enough. Huber's function attains it, whatever the dimension.

    Parameters
    ----------
    curvature : float
        H, at least 0; infinity where the gradient is known to be bounded only.
    gradient : float
        Epsilon, at least 0.
    sigma : float
        Standard deviation of the noise, at least 0.

    Returns
    -------
    bound : float
        At most `curvature`.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.cor-7.2.2, thesis.cor-7.2.2.everywhere, thesis.cor-7.2.2.cross-entropy

    Examples
    --------
    >>> round(smoothed_hessian_bound(1.0, 1.0, 1.0), 12)
    0.682689492137
    """
    H = as_number(curvature, "curvature", minimum=0, infinite=True)
    epsilon = as_number(gradient, "gradient", minimum=0)
    s = as_number(sigma, "sigma", minimum=0)
    if epsilon == 0:
        return 0.0  # the function is constant
    # The values of u^T gradient lie in an interval of length 2 epsilon; the factor goes where nothing overflows.
    if H > 1 or epsilon > 1:
        return 2 * lipschitz_smoothed(H / 2, s, mass=epsilon)
    return lipschitz_smoothed(H, s, mass=2 * epsilon)
