"""Feed-forward networks in balls: the definition, and derivatives by forward differentiation."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from proofs_check.balls import normalization
from proofs_check.balls._dual import Dual, derivative
from proofs_check.balls._lift import ball_array, euclidean_norm
from proofs_check.balls.spectral import spectral_norm


@dataclass(frozen=True)
class FrozenBatchNorm:
    """Batch normalization with given statistics."""

    mean: Any
    variance: Any
    epsilon: Any

    def __call__(self, x: Any) -> np.ndarray:
        return normalization.batch_norm(x, self.mean, self.variance, epsilon=self.epsilon)

    def lipschitz(self, n: int) -> arb:
        return normalization.batch_norm_lipschitz(self.variance, epsilon=self.epsilon)


@dataclass(frozen=True)
class LayerNorm:
    """Layer normalization."""

    epsilon: Any

    def __call__(self, x: Any) -> np.ndarray:
        return normalization.layer_norm(x, epsilon=self.epsilon)

    def lipschitz(self, n: int) -> arb:
        return normalization.layer_norm_lipschitz(n, epsilon=self.epsilon)


@dataclass(frozen=True)
class GroupNorm:
    """Group normalization."""

    groups: Any
    epsilon: Any

    def __call__(self, x: Any) -> np.ndarray:
        return normalization.group_norm(x, self.groups, epsilon=self.epsilon)

    def lipschitz(self, n: int) -> arb:
        return normalization.group_norm_lipschitz(self.groups, epsilon=self.epsilon)


@dataclass(frozen=True)
class RMSNorm:
    """Root-mean-square normalization."""

    epsilon: Any

    def __call__(self, x: Any) -> np.ndarray:
        return normalization.rms_norm(x, epsilon=self.epsilon)

    def lipschitz(self, n: int) -> arb:
        return normalization.rms_norm_lipschitz(epsilon=self.epsilon)


def _relu(value: Any) -> Any:
    at = value.value if isinstance(value, Dual) else value
    if at > 0:
        return value
    if at <= 0:
        return arb(0)
    if isinstance(value, Dual):
        return Dual(arb(0).union(at), arb(0).union(value.slope))
    return arb(0).union(at)


def _tanh(value: Any) -> Any:
    square = (value * 2).exp()
    return (square - 1) / (square + 1)


_ACTIVATIONS = {"relu": _relu, "identity": lambda value: value, "tanh": _tanh}


class FeedForward:
    """h_i = g_i(NO_i(W_i h_{i-1} + b_i))."""

    def __init__(
        self, weights: Sequence[Any], activation: Any = "relu", normalizers: Any = None, biases: Any = None
    ) -> None:
        self.weights = [ball_array(W) for W in weights]
        count = len(self.weights)
        self.activation = [activation] * count if isinstance(activation, str) else list(activation)
        self.normalizers = [None] * count if normalizers is None else list(normalizers)
        self.biases = [None] * count if biases is None else [ball_array(b) for b in biases]

    def layers(self, x: Any) -> list[np.ndarray]:
        """h_0 to h_K."""
        values = [ball_array(x)]
        for W, name, normalizer, bias in zip(
            self.weights, self.activation, self.normalizers, self.biases, strict=True
        ):
            y = W.dot(values[-1])
            y = y if bias is None else y + bias
            y = y if normalizer is None else normalizer(y)
            values.append(np.array([_ACTIVATIONS[name](v) for v in y], dtype=object))
        return values

    def __call__(self, x: Any) -> np.ndarray:
        return self.layers(x)[-1]


class Residual:
    """x plus a feed-forward network of it."""

    def __init__(self, block: FeedForward) -> None:
        self.block = block

    def __call__(self, x: Any) -> np.ndarray:
        return ball_array(x) + self.block(x)


def product_upper_bound(network: FeedForward | Residual) -> arb:
    """The product of the spectral norms and the normalizers' constants."""
    if isinstance(network, Residual):
        return 1 + product_upper_bound(network.block)
    bound = arb(1)
    for W, normalizer in zip(network.weights, network.normalizers, strict=True):
        bound *= spectral_norm(W)
        if normalizer is not None:
            bound *= normalizer.lipschitz(W.shape[0])
    return bound


def input_jacobian(network: FeedForward | Residual, x: Any) -> np.ndarray:
    """The derivative of the output with respect to the input."""
    return derivative(network, x)


def weight_jacobian(network: FeedForward, x: Any, layer: int) -> np.ndarray:
    """The derivative of the output with respect to the weights of a layer, counted from 1."""
    before = network.layers(x)[layer - 1]
    shape = network.weights[layer - 1].shape
    rest = slice(layer - 1, None)

    def output(flat: np.ndarray) -> np.ndarray:
        weights = list(network.weights)[rest]
        tail = FeedForward(weights, network.activation[rest], network.normalizers[rest])
        tail.biases = network.biases[rest]
        tail.weights[0] = flat.reshape(shape)
        return tail(before)

    flat = derivative(output, network.weights[layer - 1].ravel())
    return flat.reshape(flat.shape[0], *shape)


def truncate_or_pad(v: Any, sizes: Sequence[int]) -> np.ndarray:
    """The vector cut or padded with zeros to each size in turn."""
    values = list(ball_array(v))
    for size in sizes:
        values = (values + [arb(0)] * size)[:size]
    return np.array(values, dtype=object)


def identity_like(n_out: int, n_in: int) -> np.ndarray:
    """The rectangular identity matrix."""
    return ball_array(np.eye(n_out, n_in))


def extremal_network(widths: Sequence[int], factors: Sequence[Any]) -> FeedForward:
    """The network of theorem 6: every weight matrix a multiple of a rectangular identity."""
    pairs = zip(widths[1:], widths[:-1], factors, strict=True)
    return FeedForward([identity_like(m, n) * a for m, n, a in pairs])


def pooling_lipschitz(kind: str, n: Any, k: Any, stride: Any = None) -> arb:
    """Windows that hold a pixel, or the norm of the matrix of means."""
    (h, w), (k_h, k_w) = _pair(n), _pair(k)
    s_h, s_w = (k_h, k_w) if stride is None else _pair(stride)
    starts = [(u, v) for u in range(0, h - k_h + 1, s_h) for v in range(0, w - k_w + 1, s_w)]
    held = [[int(u <= x < u + k_h and v <= y < v + k_w) for x in range(h) for y in range(w)] for u, v in starts]
    if kind == "max":
        return arb(max(sum(pixel) for pixel in zip(*held, strict=True))).sqrt()
    return spectral_norm([[arb(entry) for entry in row] for row in held]) / (k_h * k_w)


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


def local_lipschitz_exact(network: FeedForward, x: Any, radius: Any = None) -> arb:
    """Of networks of one input: the slopes between the kinks, in rational numbers."""
    [centre] = [_rational(v) for v in ball_array(x)]
    r = None if radius is None or float(radius) == float("inf") else _rational(arb(radius))
    pieces = [(None if r is None else centre - r, None if r is None else centre + r, [Fraction(1)], [Fraction(0)])]
    for W, b, name in zip(network.weights, network.biases, network.activation, strict=True):
        rows = [[_rational(v) for v in row] for row in W]
        offsets = [Fraction(0)] * len(rows) if b is None else [_rational(v) for v in b]
        pieces = [part for piece in pieces for part in _next_pieces(piece, rows, offsets, name)]
    squares = [sum((s * s for s in slopes), Fraction(0)) for _, _, slopes, _ in pieces]
    largest = max(squares)
    return (arb(largest.numerator) / largest.denominator).sqrt()


_Piece = tuple[Any, Any, list[Fraction], list[Fraction]]


def _next_pieces(piece: _Piece, rows: list[list[Fraction]], offsets: list[Fraction], name: str) -> list[_Piece]:
    """An interval with the affine map to a layer's input, cut at the kinks of the layer."""
    low, high, slopes, values = piece
    a = [_inner(row, slopes) for row in rows]
    c = [_inner(row, values) + offset for row, offset in zip(rows, offsets, strict=True)]
    if name == "identity":
        return [(low, high, a, c)]
    kinks = sorted({-v / s for s, v in zip(a, c, strict=True) if s != 0})
    inner = [z for z in kinks if (low is None or z > low) and (high is None or z < high)]
    cuts = []
    for left, right in itertools.pairwise([low, *inner, high]):
        middle = _between(left, right)
        on = [s * middle + v > 0 for s, v in zip(a, c, strict=True)]
        cuts.append((left, right, [s if o else Fraction(0) for s, o in zip(a, on, strict=True)],
                     [v if o else Fraction(0) for v, o in zip(c, on, strict=True)]))
    return cuts


def _inner(row: list[Fraction], column: list[Fraction]) -> Fraction:
    return sum((w * v for w, v in zip(row, column, strict=True)), Fraction(0))


def _between(left: Fraction | None, right: Fraction | None) -> Fraction:
    if left is None:
        return Fraction(0) if right is None else right - 1
    return left + 1 if right is None else (left + right) / 2


def _rational(value: Any) -> Fraction:
    mantissa, exponent = arb(value).mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def pgd_attack(
    network: FeedForward | Residual, x: Any, label: int, radius: Any, n_iter: int, *, step: Any, start: Any = None,
    rng: Any = None,
) -> np.ndarray:
    """The steps of the attack."""
    point, epsilon, alpha = ball_array(x), arb(radius), arb(step)
    eta = ball_array(start)
    eta = eta * (epsilon / euclidean_norm(eta))
    for _ in range(n_iter):
        powers = [v.exp() for v in network(point + eta)]
        error = np.array([p / sum(powers, arb(0)) for p in powers], dtype=object)
        error[label] = error[label] - 1
        g = input_jacobian(network, point + eta).T.dot(error)
        if all(v == 0 for v in g):
            break
        eta = eta + g * (alpha / euclidean_norm(g))
        eta = eta * (epsilon / epsilon.max(euclidean_norm(eta)))
    return point + eta
