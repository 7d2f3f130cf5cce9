"""Curvature of the loss in balls: definitions, power series along directions, means over the noise."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb, arb_series

from proofs_check.balls._gaussian import mean
from proofs_check.balls._lift import ball_array, euclidean_norm
from proofs_check.balls.layers import activation_derivative, activation_lipschitz
from proofs_check.balls.spectral import spectral_norm

# How far the sum of exponentials is turned in the complex plane, at most: less than a right angle.
ANGLE = 1.2


def _target(label: Any, classes: int) -> np.ndarray:
    return ball_array(np.eye(classes)[label] if np.ndim(label) == 0 else label)


def cross_entropy(logits: Any, label: Any) -> arb:
    """Minus the logarithms of the probabilities, of 1 + the other classes' powers."""
    a = ball_array(logits)
    total = arb(0)
    for k, y_k in enumerate(_target(label, len(a))):
        total += y_k * sum(((v - a[k]).exp() for v in np.delete(a, k)), arb(0)).log1p()
    return total


def _along(logits: np.ndarray, direction: Any, label: Any) -> Any:
    """The power series of the cross entropy on a line."""
    series = [arb_series([a, v], prec=3) for a, v in zip(logits, direction, strict=True)]
    return _loss_of_series(series, label)


def _loss_of_series(series: list[Any], label: Any) -> Any:
    total = sum((v.exp() for v in series[1:]), series[0].exp()).log()
    for v, y in zip(series, _target(label, len(series)), strict=True):
        total = total - v * y
    return total


def cross_entropy_gradient(logits: Any, label: Any) -> np.ndarray:
    """First coefficients along the axes."""
    a = ball_array(logits)
    return np.array([_along(a, axis, label)[1] for axis in np.eye(len(a), dtype=int).tolist()], dtype=object)


def cross_entropy_hessian(logits: Any) -> np.ndarray:
    """Second coefficients along the axes and their sums."""
    a = ball_array(logits)
    return _hessian(lambda direction: _along(a, direction, 0)[2] * 2, len(a))


def _hessian(second: Any, n: int) -> np.ndarray:
    """From the quadratic form v -> v^T H v, by polarization."""
    axes = np.eye(n, dtype=int)
    H = np.empty((n, n), dtype=object)
    for i in range(n):
        H[i, i] = second(axes[i].tolist())
    for i in range(n):
        for j in range(i):
            H[i, j] = H[j, i] = (second((axes[i] + axes[j]).tolist()) - H[i, i] - H[j, j]) / 2
    return H


def _noise(h: Any, sigma: Any) -> arb:
    return arb(sigma) * euclidean_norm(ball_array(h))


def activation_decay(logits: Any, label: Any, h: Any, sigma: Any) -> arb:
    """The loss and half of the variance of a logit."""
    return cross_entropy(logits, label) + sum((v * v for v in ball_array(h)), arb(0)) * arb(sigma) ** 2 / 2


def taylor_smoothed_cross_entropy(logits: Any, label: Any, h: Any, sigma: Any) -> arb:
    """The loss and half of the variance times the trace of its Hessian."""
    H = cross_entropy_hessian(logits)
    trace = sum((H[i, i] for i in range(len(H))), arb(0))
    return cross_entropy(logits, label) + trace * _noise(h, sigma) ** 2 / 2


def smoothed_cross_entropy_bound(logits: Any, label: Any, h: Any, sigma: Any) -> arb:
    """The logarithm of the mean of the exponentials of the noise, less a weighted mean of it."""
    a, s = ball_array(logits), _noise(h, sigma)
    n = len(a)
    p = [(v - a[0]).exp() for v in a]
    p = [v / sum(p, arb(0)) for v in p]
    bounds = []
    for centre in (p, [arb(1) / n] * n):
        distances = [sum(((int(i == j) - centre[i]) ** 2 for i in range(n)), arb(0)) for j in range(n)]
        bounds.append(sum((p[j] * (s * s * distances[j] / 2).exp() for j in range(n)), arb(0)).log())
    return cross_entropy(logits, label) + bounds[0].min(bounds[1])


def _mean_over_noise(logits: Any, h: Any, sigma: Any, of_powers: Any, size: float, growth: float) -> np.ndarray:
    """Of a function of the powers exp(a_j - a_1) under noise; the differences of two or three normal variables."""
    a, s = ball_array(logits), _noise(h, sigma)
    if len(a) not in (2, 3):
        raise NotImplementedError("smoothed losses in balls are for two or three classes")
    if s == 0:
        return np.asarray(of_powers([(v - a[0]).exp() for v in a]), dtype=object)
    # D_2 = d_2 + s 2^(1/2) g_1, D_3 = d_3 + s (g_1 / 2^(1/2) + (3/2)^(1/2) g_2): variances 2 s^2, covariance s^2.
    first, slant, second = s * arb(2).sqrt(), s / arb(2).sqrt(), s * (arb(3) / 2).sqrt()
    d = a - a[0]

    def at(g: arb, *rest: arb) -> Any:
        powers = [arb(1), (d[1] + first * g).exp()]
        if rest:
            powers.append((d[2] + slant * g + second * rest[0]).exp())
        return of_powers(powers)

    widest = float(first.upper())
    return mean(at, len(a) - 1, ANGLE / widest, size, growth * 2 * widest)


def smoothed_cross_entropy(logits: Any, label: Any, h: Any, sigma: Any) -> arb:
    """The mean of the loss over the noise."""
    a = ball_array(logits)
    if len(a) == 1:
        return arb(0)
    y = _target(label, len(a))
    # The first logit is the reference: E[loss] = E[log of the sum of powers] - sum_k y_k (a_k - a_1).
    apart = max(max(float((v - a[0]).upper()), 0.0) for v in a)
    # In the strip the modulus of the sum shrinks by cos(1.2) at most, its argument is below 1.2: 1.02 + 1.2.
    size = apart + 2.4 + len(a)
    [value] = _mean_over_noise(a, h, sigma, lambda powers: [sum(powers[1:], powers[0]).log()], size, 1.0)
    return value - sum((y_k * (a_k - a[0]) for y_k, a_k in zip(y, a, strict=True)), arb(0))


def smoothed_cross_entropy_gradient(logits: Any, label: Any, h: Any, sigma: Any) -> np.ndarray:
    """The mean of the probabilities, less the label."""
    a = ball_array(logits)
    y = _target(label, len(a))
    if len(a) == 1:
        return np.array([1 - y[0]], dtype=object)

    def shares(powers: list[arb]) -> list[arb]:
        total = sum(powers[1:], powers[0])
        return [v / total for v in powers]

    # Each share is at most 1 / cos(1.2) in the strip.
    moved: np.ndarray = _mean_over_noise(a, h, sigma, shares, 2.8, 0.0) - y
    return moved


def smoothed_cross_entropy_hessian(logits: Any, h: Any, sigma: Any) -> np.ndarray:
    """The mean of diag(p) - p p^T."""
    a = ball_array(logits)
    n = len(a)
    if n == 1:
        return ball_array(np.zeros((1, 1)))

    def entries(powers: list[arb]) -> list[arb]:
        total = sum(powers[1:], powers[0])
        p = [v / total for v in powers]
        return [(p[i] * (1 - p[i]) if i == j else -p[i] * p[j]) for i in range(n) for j in range(n)]

    return _mean_over_noise(a, h, sigma, entries, 2.8 * 3.8, 0.0).reshape(n, n)


def _series_of_activation(v: Any, name: str) -> Any:
    """Of a power series that starts with a number; older versions of python-flint divide no series that is 0."""
    start = v[0]
    if name in ("relu", "leaky_relu", "abs"):
        [slope] = activation_derivative([start], name)
        return v * slope  # linear on either side of 0
    if name == "identity":
        return v
    one = arb_series([1], prec=3)
    if name == "tanh":
        return one - 2 / ((2 * v).exp() + one)
    if name == "gelu":
        return v * (one + (v * (1 / arb(2).sqrt())).erf()) * arb(0.5)
    if name == "softplus":
        return (one + v.exp()).log()
    return (v if name == "silu" else one) * (one + (-v).exp()).inv()


def loss_hessian(network: Any, x: Any, label: Any, *, loss: str = "cross_entropy", weights: str = "all") -> np.ndarray:
    """Second coefficients of the loss on lines through the weights."""
    matrices = [part.parts[0].weight for part in network.parts]
    biases = [part.parts[0].bias for part in network.parts]
    names = [part.parts[-1].name for part in network.parts]
    last = len(matrices) - 1
    chosen = [i for i in range(last + 1) if weights == "all" or (i == last) == (weights == "last")]
    sizes = [matrices[i].size for i in chosen]

    def second(direction: Any) -> arb:
        moves = dict(zip(chosen, np.split(np.array(direction), np.cumsum(sizes)[:-1]), strict=True))
        values = [arb_series([v], prec=3) for v in ball_array(x)]
        for i, (W, b) in enumerate(zip(matrices, biases, strict=True)):
            move = moves[i].reshape(W.shape) if i in moves else np.zeros(W.shape, dtype=int)
            values = [
                _series_of_activation(
                    sum((arb_series([w, int(t)], prec=3) * v for w, t, v in zip(row, step, values, strict=True)),
                        arb_series([shift], prec=3)), names[i])
                for row, step, shift in zip(W, move, b, strict=True)
            ]
        if loss == "squared":
            errors = [v - t for v, t in zip(values, ball_array(label), strict=True)]
            return sum((error * error for error in errors[1:]), errors[0] * errors[0])[2]
        return _loss_of_series(values, label)[2] * 2

    return _hessian(second, sum(sizes))


def hessian_norm_bound(network: Any, x: Any, *, loss: str = "cross_entropy", weights: str = "all") -> arb:
    """The sum over the layers, term by term."""
    h, parts = network.layers(x), network.parts
    last = len(parts) - 1
    matrices, names = [part.parts[0].weight for part in parts], [part.parts[-1].name for part in parts]
    curvature = cross_entropy_hessian(h[-1]) if loss == "cross_entropy" else ball_array(np.eye(len(h[-1])))
    top = last
    if weights == "inner":
        curvature, top = matrices[last].T.dot(curvature).dot(matrices[last]), last - 1
    total = arb(0)
    for j in range(last if weights == "last" else 0, top + 1):
        slopes = [abs(v) for v in activation_derivative(matrices[j].dot(h[j]) + parts[j].parts[0].bias, names[j])]
        term = euclidean_norm(h[j])
        for slope in slopes[1:]:
            slopes[0] = slopes[0].max(slope)
        term *= slopes[0]
        for later in range(j + 1, top + 1):
            term *= activation_lipschitz(names[later]) * spectral_norm(matrices[later])
        total += term * term
    return spectral_norm(curvature) * total


def smoothed_hessian_bound(curvature: Any, gradient: Any, sigma: Any) -> arb:
    """The curvature times the chance that the noise stays where Huber's function is curved."""
    H, epsilon, s = arb(curvature), arb(gradient), arb(sigma)
    if epsilon == 0 or H == 0:
        return arb(0)
    if s == 0:
        return H
    if not H.is_finite():
        return 2 * epsilon / ((2 * arb.pi()).sqrt() * s)
    return H * (1 - (epsilon / H / s / arb(2).sqrt()).erfc())
