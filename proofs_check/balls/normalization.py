"""Normalization in balls: the forward maps from their definitions, derivatives by forward differentiation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from flint import arb

from proofs_check.balls._dual import derivative
from proofs_check.balls._lift import ball_array
from proofs_check.balls.spectral import spectral_norm


def _centred(x: np.ndarray, epsilon: Any) -> np.ndarray:
    size = arb(len(x))
    y = x - x.sum() / size
    variance = (y * y).sum() / size
    centred: np.ndarray = y / (variance + epsilon).sqrt()
    return centred


def batch_norm(x: Any, mean: Any, variance: Any, *, epsilon: Any) -> np.ndarray:
    """(x - mean) / sqrt(variance + epsilon) with given statistics."""
    return (ball_array(x) - ball_array(mean)) / np.sqrt(ball_array(variance) + arb(epsilon))


def batch_norm_jacobian(variance: Any, *, epsilon: Any) -> np.ndarray:
    """The derivative with respect to x, which does not depend on it."""
    zero = np.zeros(len(ball_array(variance)))
    return derivative(lambda x: batch_norm(x, zero, variance, epsilon=epsilon), zero)


def batch_norm_lipschitz(variance: Any, *, epsilon: Any) -> arb:
    """The largest reciprocal standard deviation."""
    return _largest(1 / np.sqrt(ball_array(variance) + arb(epsilon)))


def _largest(values: Any) -> arb:
    largest = arb(0)
    for v in values:
        largest = largest.max(v)
    return largest


def layer_norm(x: Any, *, epsilon: Any) -> np.ndarray:
    """X less its mean, over the root of its variance plus epsilon."""
    return _centred(ball_array(x), arb(epsilon))


def layer_norm_jacobian(x: Any, *, epsilon: Any) -> np.ndarray:
    """The derivative of `layer_norm`."""
    return derivative(lambda z: _centred(z, arb(epsilon)), x)


def layer_norm_lipschitz(n: int, *, epsilon: Any) -> arb:
    """1/sqrt(epsilon), the norm of the derivative at a constant vector; zero in one dimension."""
    return arb(0) if n == 1 else 1 / arb(epsilon).sqrt()


def _partition(groups: Any, n: int) -> list[list[int]]:
    if isinstance(groups, int):
        return [list(block) for block in np.arange(n).reshape(groups, -1)]
    return [list(block) for block in groups]


def group_norm(x: Any, groups: int | Sequence[Sequence[int]], *, epsilon: Any) -> np.ndarray:
    """`layer_norm` in every group."""
    values = ball_array(x)
    out = np.empty(values.shape, dtype=object)
    for block in _partition(groups, len(values)):
        out[block] = _centred(values[block], arb(epsilon))
    return out


def group_norm_jacobian(x: Any, groups: int | Sequence[Sequence[int]], *, epsilon: Any) -> np.ndarray:
    """The derivative of `group_norm`."""
    return derivative(lambda z: group_norm(z, groups, epsilon=epsilon), x)


def group_norm_lipschitz(groups: Sequence[Sequence[int]], *, epsilon: Any) -> arb:
    """The largest of the groups' constants."""
    return _largest(layer_norm_lipschitz(len(block), epsilon=epsilon) for block in groups)


def rms_norm(x: Any, *, epsilon: Any) -> np.ndarray:
    """X over the root of its mean square plus epsilon."""
    values = ball_array(x)
    normalized: np.ndarray = values / ((values * values).sum() / arb(len(values)) + arb(epsilon)).sqrt()
    return normalized


def rms_norm_jacobian(x: Any, *, epsilon: Any) -> np.ndarray:
    """The derivative of `rms_norm`."""
    return derivative(lambda z: rms_norm(z, epsilon=epsilon), x)


def rms_norm_lipschitz(*, epsilon: Any) -> arb:
    """1/sqrt(epsilon), the norm of the derivative at zero."""
    return 1 / arb(epsilon).sqrt()


def layer_norm_jacobian_norm(x: Any, *, epsilon: Any) -> arb:
    """The spectral norm of the derivative of `layer_norm`."""
    return spectral_norm(layer_norm_jacobian(x, epsilon=epsilon))


def batch_norm_training(batch: Any, *, epsilon: Any) -> np.ndarray:
    """Every feature centred and scaled over the samples."""
    values = ball_array(batch)
    return np.array([_centred(feature, arb(epsilon)) for feature in values.T], dtype=object).T


def batch_norm_training_jacobian(batch: Any, *, epsilon: Any) -> np.ndarray:
    """The derivative of `batch_norm_training`, with the axes of the batch twice."""
    values = ball_array(batch)
    shape = values.shape
    flat = derivative(
        lambda z: batch_norm_training(z.reshape(shape), epsilon=epsilon).ravel(), values.ravel()
    )
    return flat.reshape(*shape, *shape)


def batch_norm_training_lipschitz(samples: int, *, epsilon: Any) -> arb:
    """That of layer normalization over the samples."""
    return layer_norm_lipschitz(samples, epsilon=epsilon)


def instance_norm(x: Any, *, epsilon: Any) -> np.ndarray:
    """Every channel centred and scaled over its positions."""
    return np.array([_centred(channel, arb(epsilon)) for channel in ball_array(x)], dtype=object)


def instance_norm_jacobian(x: Any, *, epsilon: Any) -> np.ndarray:
    """The derivative of `instance_norm` on the flattened values."""
    values = ball_array(x)
    return derivative(lambda z: instance_norm(z.reshape(values.shape), epsilon=epsilon).ravel(), values.ravel())


def instance_norm_lipschitz(positions: int, *, epsilon: Any) -> arb:
    """That of layer normalization over the positions."""
    return layer_norm_lipschitz(positions, epsilon=epsilon)


class BatchStatistics(NamedTuple):
    """Mean and variance of every feature."""

    mean: np.ndarray
    variance: np.ndarray


def batch_norm_statistics(batch: Any) -> BatchStatistics:
    """Mean and mean square deviation over the samples."""
    values = ball_array(batch)
    mean = values.sum(axis=0) / arb(len(values))
    deviation = values - mean
    return BatchStatistics(mean, (deviation * deviation).sum(axis=0) / arb(len(values)))
