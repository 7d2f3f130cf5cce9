"""Normalization as a layer of a network: what it does, its Jacobian, its Lipschitz constant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from refimpl import normalization
from refimpl._arguments import as_count, as_real_vector, in_range
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
    r"""Batch normalization with given statistics, as at inference: `refimpl.normalization.batch_norm`.

    .. math:: y_{kp} = \gamma_k \frac{x_{kp} - \mu_k}{\sqrt{\sigma_k^2 + \epsilon}} + \beta_k

    for channel k and pixel p; `scale` and `shift` are 1 and 0 by default, `pixels` is how many features share a
    statistic.
    """

    mean: npt.ArrayLike
    variance: npt.ArrayLike
    epsilon: float
    scale: npt.ArrayLike | None = None
    shift: npt.ArrayLike | None = None
    pixels: int = 1

    def __post_init__(self) -> None:
        # Tuples, so that the layer stays the same when the given arrays change.
        variance = as_real_vector(self.variance, "variance")
        for name, default in (("mean", None), ("scale", 1.0), ("shift", 0.0)):
            value = getattr(self, name)
            if value is None and default is not None:
                value = np.full(variance.size, default)
            object.__setattr__(self, name, tuple(as_real_vector(value, name, size=variance.size).tolist()))
        object.__setattr__(self, "variance", tuple(variance.tolist()))
        as_count(self.pixels, "pixels", minimum=1)
        normalization.batch_norm_lipschitz(self.variance, epsilon=self.epsilon)  # refuses what has no root

    @property
    def _size(self) -> int:
        return np.size(self.variance) * self.pixels

    def _spread(self, values: Any) -> Array:
        return np.repeat(values, self.pixels)

    def __call__(self, x: Array) -> Array:
        """Normalize one sample."""
        mean, variance = self._spread(self.mean), self._spread(self.variance)
        point = as_real_vector(x, size=self._size)
        normalized = normalization.batch_norm(point, mean, variance, epsilon=self.epsilon)
        with np.errstate(over="ignore"):
            return in_range(self._spread(self.scale) * normalized + self._spread(self.shift), "y")

    def jacobian(self, x: Array) -> Array:
        """Jacobian, the same at every sample."""
        as_real_vector(x, size=self._size)
        jacobian = normalization.batch_norm_jacobian(self._spread(self.variance), epsilon=self.epsilon)
        with np.errstate(over="ignore"):
            return in_range(self._spread(self.scale)[:, None] * jacobian, "the Jacobian")

    def lipschitz(self, n: int) -> float:
        """Exact l2 Lipschitz constant; n has to be the number of variances times `pixels`."""
        if n != self._size:
            times = " times pixels" * (self.pixels > 1)
            raise ValueError(f"n must be {self._size}, the number of variances{times}, got {n}")
        jacobian = normalization.batch_norm_jacobian(self.variance, epsilon=self.epsilon)
        with np.errstate(over="ignore"):
            return float(np.abs(np.diag(jacobian) * self.scale).max())


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
