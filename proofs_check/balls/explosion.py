"""Linear networks with normalization in balls: forward from the definitions, every derivative by differentiation."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from flint import arb

from proofs_check.balls import network, normalization
from proofs_check.balls._dual import derivative
from proofs_check.balls._lift import ball_array, euclidean_norm
from proofs_check.balls._network_layers import FrozenBatchNorm
from proofs_check.balls.spectral import spectral_norm


def linear_network(weights: Any, batch: Any, *, epsilon: Any, normalizer: str = "batch") -> np.ndarray:
    """Layer by layer, the product and then the normalization."""
    X = ball_array(batch)
    for W in weights:
        X = _normalized(X @ ball_array(W).T, normalizer, epsilon)
    return X


def _normalized(Z: np.ndarray, kind: str, epsilon: Any) -> np.ndarray:
    if kind == "batch":
        return normalization.batch_norm_training(Z, epsilon=epsilon)
    of = {
        "layer": lambda z: normalization.layer_norm(z, epsilon=epsilon),
        "group": lambda z: normalization.group_norm(z, 2, epsilon=epsilon),
        "rms": lambda z: normalization.rms_norm(z, epsilon=epsilon),
    }[kind]
    return np.array([of(sample) for sample in Z], dtype=object)


def linear_network_jacobian(weights: Any, batch: Any, *, epsilon: Any, normalizer: str = "batch") -> np.ndarray:
    """The derivative of `linear_network`, with the axes of the batch last."""
    X = ball_array(batch)
    flat = derivative(
        lambda z: linear_network(weights, z.reshape(X.shape), epsilon=epsilon, normalizer=normalizer).ravel(),
        X.ravel(),
    )
    return flat.reshape(len(X), -1, *X.shape)


def linear_network_weight_jacobian(
    weights: Any, batch: Any, layer: int, *, epsilon: Any, normalizer: str = "batch"
) -> np.ndarray:
    """The derivative with respect to one weight, with the axes of the weight last."""
    W = ball_array(weights[layer])

    def output(z: np.ndarray) -> np.ndarray:
        changed = [*weights[:layer], z.reshape(W.shape), *weights[layer + 1:]]
        return linear_network(changed, batch, epsilon=epsilon, normalizer=normalizer).ravel()

    return derivative(output, W.ravel()).reshape(len(batch), -1, *W.shape)


def amplification(
    weights: Any, batch: Any, perturbation: Any, *, epsilon: Any, normalizer: str = "batch"
) -> arb:
    """The length of the derivative along a perturbation, over its own."""
    X, delta = ball_array(batch), ball_array(perturbation)
    along = derivative(
        lambda s: linear_network(weights, X + delta * s[0], epsilon=epsilon, normalizer=normalizer).ravel(),
        np.zeros(1),
    )
    return euclidean_norm(along) / euclidean_norm(delta)


def jacobian_bound(weights: Any, batch: Any, *, epsilon: Any, normalizer: str = "batch") -> arb:
    """The product of the norms of the weights and of the largest reciprocal deviations."""
    X, bound = ball_array(batch), arb(1)
    for W in weights:
        Z = X @ ball_array(W).T
        parts = Z.T if normalizer == "batch" else Z.reshape(len(Z) * (2 if normalizer == "group" else 1), -1)
        largest = arb(0)
        for part in parts:
            mean = 0 if normalizer == "rms" else part.sum() / arb(len(part))
            mean_square = ((part - mean) * (part - mean)).sum() / arb(len(part))
            largest = largest.max(1 / (mean_square + arb(epsilon)).sqrt())
        bound = bound * spectral_norm(W) * largest
        X = _normalized(Z, normalizer, epsilon)
    return bound


class ExplodingNetwork(NamedTuple):
    """Weights, batch, perturbation and growth."""

    weights: tuple[np.ndarray, ...]
    batch: np.ndarray
    perturbation: np.ndarray
    growth: arb


def _shrink(v: np.ndarray, rate: arb, epsilon: float) -> np.ndarray:
    """The identity with the direction v shrunk; times a power of two over the rate where epsilon is 0."""
    projection = np.outer(v, v) / (v @ v)
    scale = arb(1) if epsilon else rate * arb(2) ** -math.ceil(math.log2(float(rate)))
    return ball_array(np.eye(len(v))) * scale - ball_array(projection) * (scale * (1 - 1 / rate))


_T, _D = np.array([1.0, 1.0, -1.0, -1.0]), np.array([1.0, -1.0, 1.0, -1.0])
_PAIR, _APART = np.ones(2), np.array([1.0, -1.0])


def exploding_network(
    depth: int, rate: Any, *, epsilon: float = 0.0, normalizer: str = "batch"
) -> ExplodingNetwork:
    """The direction of the data is shrunk, the others are kept."""
    r = arb(rate)
    deviation = (1 - arb(epsilon) * r * r).sqrt()
    v, other = (_PAIR, _APART) if normalizer in ("batch", "rms") else (_T, _D)
    W = _shrink(v, r, epsilon)
    if normalizer == "group":
        W = np.block([[W, 0 * W], [0 * W, W]])
        v, other = np.tile(v, 2), np.tile(other, 2)
    samples, new = (_T, _D) if normalizer == "batch" else (np.ones(1), np.ones(1))
    delta = ball_array(np.outer(new, other))
    worst = delta / euclidean_norm(delta)
    return ExplodingNetwork((W,) * depth, ball_array(np.outer(samples, v)) * deviation, worst, r**depth)


def exploding_weights(depth: int, rate: Any, *, epsilon: float = 0.0) -> ExplodingNetwork:
    """The same with a third feature in the missing direction."""
    r = arb(rate)
    block = _shrink(_PAIR, r, epsilon)
    scale = (block[0, 0] + block[0, 1]) * r
    W = np.array([[*block[0], arb(0)], [*block[1], arb(0)], [arb(0), arb(0), scale]], dtype=object)
    size, alive = (1 - arb(epsilon) * r * r).sqrt(), (1 - arb(epsilon) / scale**2).sqrt()
    batch = np.stack([ball_array(_T) * size, ball_array(_T) * size, ball_array(_D) * alive], axis=1)
    delta = ball_array(np.array([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [0.0, 0.0, 0.0]])) / arb(2).sqrt()
    return ExplodingNetwork((W,) * depth, batch, delta, 2 * alive * r**depth / scale)


def frozen_network(weights: Any, batch: Any, *, epsilon: Any) -> network.FeedForward:
    """Batch normalization with the mean and variance of each layer's features at the batch."""
    X, normalizers = ball_array(batch), []
    for W in weights:
        Z = X @ ball_array(W).T
        normalizers.append(FrozenBatchNorm(*normalization.batch_norm_statistics(Z), epsilon))
        X = _normalized(Z, "batch", epsilon)
    return network.FeedForward(weights, "identity", normalizers)
