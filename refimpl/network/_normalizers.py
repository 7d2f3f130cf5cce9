"""Normalization as a layer of a network: what it does, its Jacobian, its Lipschitz constant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from refimpl import normalization
from refimpl._arguments import as_count, as_real_vector
from refimpl.normalization._group_norm import partition

Array = npt.NDArray[Any]


@runtime_checkable
class Normalizer(Protocol):
    """A map of feature vectors with a Jacobian and a Lipschitz constant on n features."""

    def __call__(self, x: Array) -> Array:
        """Normalize one sample."""

    def jacobian(self, x: Array) -> Array:
        """Jacobian at one sample."""

    def lipschitz(self, n: int) -> float:
        """Exact l2 Lipschitz constant on n features."""


@dataclass(frozen=True)
class FrozenBatchNorm:
    """Batch normalization with given statistics, as at inference: `refimpl.normalization.batch_norm`."""

    mean: npt.ArrayLike
    variance: npt.ArrayLike
    epsilon: float

    def __post_init__(self) -> None:
        # Tuples, so that the layer stays the same when the given arrays change.
        variance = as_real_vector(self.variance, "variance")
        object.__setattr__(self, "variance", tuple(variance.tolist()))
        mean = as_real_vector(self.mean, "mean", size=variance.size)
        object.__setattr__(self, "mean", tuple(mean.tolist()))

    def __call__(self, x: Array) -> Array:
        """Normalize one sample."""
        return normalization.batch_norm(x, self.mean, self.variance, epsilon=self.epsilon)

    def jacobian(self, x: Array) -> Array:
        """Jacobian, the same at every sample."""
        return normalization.batch_norm_jacobian(self.variance, epsilon=self.epsilon)

    def lipschitz(self, n: int) -> float:
        """Exact l2 Lipschitz constant; n has to be the number of variances."""
        size = np.size(self.variance)
        if n != size:
            raise ValueError(f"n must be {size}, the number of variances, got {n}")
        return normalization.batch_norm_lipschitz(self.variance, epsilon=self.epsilon)


@dataclass(frozen=True)
class LayerNorm:
    """Layer normalization: `refimpl.normalization.layer_norm`."""

    epsilon: float

    def __call__(self, x: Array) -> Array:
        """Normalize one sample."""
        return normalization.layer_norm(x, epsilon=self.epsilon)

    def jacobian(self, x: Array) -> Array:
        """Jacobian at one sample."""
        return normalization.layer_norm_jacobian(x, epsilon=self.epsilon)

    def lipschitz(self, n: int) -> float:
        """Exact l2 Lipschitz constant on n features."""
        return normalization.layer_norm_lipschitz(n, epsilon=self.epsilon)


@dataclass(frozen=True)
class GroupNorm:
    """Group normalization: `refimpl.normalization.group_norm`."""

    groups: int | Sequence[Sequence[int]]
    epsilon: float

    def __call__(self, x: Array) -> Array:
        """Normalize one sample."""
        return normalization.group_norm(x, self.groups, epsilon=self.epsilon)

    def jacobian(self, x: Array) -> Array:
        """Jacobian at one sample."""
        return normalization.group_norm_jacobian(x, self.groups, epsilon=self.epsilon)

    def lipschitz(self, n: int) -> float:
        """Exact l2 Lipschitz constant; the groups have to partition the n features."""
        return normalization.group_norm_lipschitz(partition(self.groups, n), epsilon=self.epsilon)


@dataclass(frozen=True)
class RMSNorm:
    """Root-mean-square normalization: `refimpl.normalization.rms_norm`."""

    epsilon: float

    def __call__(self, x: Array) -> Array:
        """Normalize one sample."""
        return normalization.rms_norm(x, epsilon=self.epsilon)

    def jacobian(self, x: Array) -> Array:
        """Jacobian at one sample."""
        return normalization.rms_norm_jacobian(x, epsilon=self.epsilon)

    def lipschitz(self, n: int) -> float:
        """Exact l2 Lipschitz constant on n features."""
        as_count(n, "n", minimum=1)
        return normalization.rms_norm_lipschitz(epsilon=self.epsilon)
