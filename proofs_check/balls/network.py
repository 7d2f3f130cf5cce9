"""Networks in balls: bounds, derivatives by forward differentiation, exact constants of networks of one input."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from flint import arb, ctx

from proofs_check.balls._dual import derivative
from proofs_check.balls._lift import ball_array, euclidean_norm
from proofs_check.balls._network_layers import (
    Activation,
    Convolution,
    Dense,
    FeedForward,
    FrozenBatchNorm,
    GroupNorm,
    LayerNorm,
    LipschitzResidual,
    Pooling,
    Residual,
    RMSNorm,
    Sequential,
)

__all__ = [
    "Activation", "Convolution", "Dense", "FeedForward", "FrozenBatchNorm", "GroupNorm", "LayerNorm",
    "LipschitzResidual", "Pooling", "RMSNorm", "Residual", "Sequential", "extremal_network", "identity_like",
    "input_jacobian", "local_lipschitz_exact", "pgd_attack", "pooling_lipschitz", "product_upper_bound",
    "truncate_or_pad", "weight_jacobian",
]

Network = Sequential | Residual


def product_upper_bound(network: Network) -> arb:
    """By the rules of the layers."""
    return network.lipschitz(network.inputs)


def input_jacobian(network: Network, x: Any) -> np.ndarray:
    """The derivative of the output with respect to the input."""
    return derivative(network, x)


def weight_jacobian(network: Network, x: Any, layer: int | Sequence[int]) -> np.ndarray:
    """The derivative of the output with respect to the weights of a layer, counted from 1."""
    path = [layer] if isinstance(layer, int) else list(layer)
    changed, target = _copied(network, path)
    shape = target.weight.shape

    def output(flat: np.ndarray) -> np.ndarray:
        target.weight = flat.reshape(shape)
        return changed(x)

    flat = derivative(output, target.weight.ravel())
    return flat.reshape(flat.shape[0], *shape)


def _copied(part: Any, path: Sequence[int]) -> tuple[Any, Any]:
    """A copy whose layer at the end of the path may be changed, and that layer."""
    part = copy.copy(part)
    if isinstance(part, Residual):
        name = ("block", "shortcut")[path[0] - 1]
        inner, target = _copied(getattr(part, name), path[1:])
        setattr(part, name, inner)
        return part, target
    if isinstance(part, Sequential):
        i, rest = path[0] - 1, path[1:] or ([1] if isinstance(part, FeedForward) else [])
        part.parts = list(part.parts)
        part.parts[i], target = _copied(part.parts[i], rest)
        return part, target
    return part, part


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
    return Pooling(kind, 1, n, k, stride).lipschitz(0)


class _Piece(NamedTuple):
    """The map ``slopes * z + values`` of the one input z between two ends, None where there is none."""

    low: Fraction | None
    high: Fraction | None
    slopes: list[Fraction]
    values: list[Fraction]


def local_lipschitz_exact(network: Network, x: Any, radius: Any = None) -> arb:
    """Of networks of one input: the slopes between the kinks, in rational numbers."""
    [centre] = [_rational(v) for v in ball_array(x)]
    r = None if radius is None or float(radius) == float("inf") else _rational(arb(radius))
    ends = (None, None) if r is None else (centre - r, centre + r)
    squares = [
        sum((s * s for s in piece.slopes), Fraction(0))
        for piece in _through(network, _Piece(*ends, [Fraction(1)], [Fraction(0)]))
    ]
    largest = max(squares)
    return (arb(largest.numerator) / largest.denominator).sqrt()


def _through(part: Any, piece: _Piece) -> list[_Piece]:
    """The pieces of a layer's output."""
    if isinstance(part, Sequential):
        pieces = [piece]
        for inner in part.parts:
            pieces = [next_ for p in pieces for next_ in _through(inner, p)]
        return pieces
    if isinstance(part, Residual):
        return [
            _Piece(q.low, q.high, _added(p.slopes, q.slopes), _added(p.values, q.values))
            for p in _through(part.block, piece)
            for q in _shortcuts(part.shortcut, _Piece(p.low, p.high, piece.slopes, piece.values))
        ]
    if isinstance(part, Activation):
        low = Fraction({"relu": 0.0, "leaky_relu": part.slope, "abs": -1.0, "identity": 1.0}[part.name])
        return _activated(piece, low)
    if isinstance(part, Pooling) and part.kind == "max":
        return _pooled(part, piece)
    return [_linear(part, piece)]


def _shortcuts(shortcut: Any, piece: _Piece) -> list[_Piece]:
    return [piece] if shortcut is None else _through(shortcut, piece)


def _added(a: list[Fraction], b: list[Fraction]) -> list[Fraction]:
    return [u + v for u, v in zip(a, b, strict=True)]


def _linear(part: Any, piece: _Piece) -> _Piece:
    """Of an affine layer: its values at two points of the line determine it."""
    at_values = _exactly(part, piece.values)
    at_sum = _exactly(part, _added(piece.values, piece.slopes))
    return _Piece(piece.low, piece.high, [u - v for u, v in zip(at_sum, at_values, strict=True)], at_values)


def _exactly(part: Any, point: list[Fraction]) -> list[Fraction]:
    with ctx.workprec(4000):  # sums and products of short binary fractions are exact
        balls = np.empty(len(point), dtype=object)
        balls[:] = [arb(v.numerator) / v.denominator for v in point]
        return [_rational(v) for v in part(balls)]


def _activated(piece: _Piece, low: Fraction) -> list[_Piece]:
    entries = list(zip(piece.slopes, piece.values, strict=True))
    cuts = []
    for left, right, middle in _between_zeros(piece, entries if low != 1 else []):
        factors = [1 if s * middle + v > 0 else low for s, v in entries]
        new = [(f * s, f * v) for f, (s, v) in zip(factors, entries, strict=True)]
        cuts.append(_Piece(left, right, [s for s, _ in new], [v for _, v in new]))
    return cuts


def _pooled(part: Pooling, piece: _Piece) -> list[_Piece]:
    """Cut wherever two entries of a window are equal."""
    entries = list(zip(piece.slopes, piece.values, strict=True))
    groups = [[c * part.pixels + i for i in window] for c in range(part.channels) for window in part.windows]
    pairs = [pair for group in groups for pair in itertools.combinations([entries[i] for i in group], 2)]
    cuts = []
    for left, right, middle in _between_zeros(piece, [(a[0] - b[0], a[1] - b[1]) for a, b in pairs]):
        tops = [max((entries[i] for i in group), key=lambda e: e[0] * middle + e[1]) for group in groups]
        cuts.append(_Piece(left, right, [s for s, _ in tops], [v for _, v in tops]))
    return cuts


def _between_zeros(piece: _Piece, entries: list[tuple[Fraction, Fraction]]) -> Iterator[tuple[Any, Any, Fraction]]:
    """The intervals between the zeros of some functions ``s z + v``, each with a point inside."""
    zeros = sorted({-v / s for s, v in entries if s != 0})
    inner = [z for z in zeros if (piece.low is None or z > piece.low) and (piece.high is None or z < piece.high)]
    for left, right in itertools.pairwise([piece.low, *inner, piece.high]):
        yield left, right, _inside(left, right)


def _inside(left: Fraction | None, right: Fraction | None) -> Fraction:
    if left is None:
        return Fraction(0) if right is None else right - 1
    return left + 1 if right is None else (left + right) / 2


def _rational(value: Any) -> Fraction:
    ball = arb(value)
    if not ball.is_exact():
        raise ValueError(f"{ball} is not a binary fraction")
    mantissa, exponent = ball.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def pgd_attack(
    network: Network, x: Any, label: int, radius: Any, n_iter: int, *, step: Any, start: Any = None,
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
