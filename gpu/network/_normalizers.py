"""Normalization as a layer of a network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpu._arguments import as_real_vector, in_range
from gpu._namespace import Array, Namespace, from_host, matmul, namespace_of, quiet, to_host, working
from gpu.convolution._geometry import zeros
from gpu.layers._orthogonal import eye
from refimpl._arguments import as_count, as_number, as_sequence
from refimpl.network import Normalizer

__all__ = ["FrozenBatchNorm", "GroupNorm", "LayerNorm", "Normalizer", "RMSNorm"]


def _normalized(xp: Namespace, values: Array, epsilon: Any, *, centred: bool) -> tuple[Array, float]:
    """The output of layer or RMS normalization, and the deviation that was divided by."""
    floor = as_number(epsilon, "epsilon", minimum=0)
    # A power of two is divided out, so that no square leaves the floats; x_1 is taken off first, so that a constant
    # vector has variance 0 exactly.
    exponent = math.frexp(max(float(xp.max(xp.abs(values))), math.sqrt(floor)))[1]
    half = exponent // 2
    y = values * 2.0**-half * 2.0 ** -(exponent - half)
    if centred:
        y = y - y[0]
        y = y - xp.mean(y)
    y = working(xp, y)
    deviation = math.sqrt(float(xp.mean(y * y)) + math.ldexp(math.sqrt(floor), -exponent) ** 2)
    if deviation == 0:
        zero = "the variance is 0" if centred else "x is 0"
        raise ValueError(f"epsilon must be above 0 where {zero}, got {epsilon}")
    return y / deviation, math.ldexp(deviation, exponent)


def _jacobian(xp: Namespace, values: Array, epsilon: Any, *, centred: bool) -> Array:
    z, deviation = _normalized(xp, values, epsilon, centred=centred)
    n = z.shape[0]
    identity = eye(xp, n, z)
    radial = identity - z[:, None] * z / n
    return (matmul(radial, identity - 1 / n) if centred else radial) / deviation


def _constant(n: int, epsilon: Any) -> float:
    epsilon = as_number(epsilon, "epsilon", above=0)
    return 0.0 if as_count(n, "n", minimum=1) == 1 else 1 / math.sqrt(epsilon)


@dataclass(frozen=True)
class FrozenBatchNorm:
    """`refimpl.network.FrozenBatchNorm`; its statistics are kept on the host."""

    mean: Any
    variance: Any
    epsilon: float
    scale: Any = None
    shift: Any = None
    pixels: int = 1

    def __post_init__(self) -> None:
        variance = as_real_vector(self.variance, "variance")
        size = variance.shape[0]
        for name, default in (("mean", None), ("scale", 1.0), ("shift", 0.0)):
            value = getattr(self, name)
            if value is None and default is not None:
                value = np.full(size, default)
            vector = as_real_vector(value, name, size=size)
            object.__setattr__(self, name, tuple(to_host(vector).tolist()))
        object.__setattr__(self, "variance", tuple(to_host(variance).tolist()))
        as_count(self.pixels, "pixels", minimum=1)
        self._deviations()  # refuses what has no root

    def _deviations(self) -> Any:
        v = np.asarray(self.variance)
        if (v < 0).any():
            raise ValueError(f"variance must be at least 0, got {v.min()}")
        with quiet():
            total = v + as_number(self.epsilon, "epsilon", minimum=0)
        if not np.isfinite(total).all():
            raise ValueError(f"variance must be of numbers whose sum with epsilon is a float, got {v.max()}")
        if (total == 0).any():
            raise ValueError(f"epsilon must be above 0 where a variance is 0, got {self.epsilon}")
        return np.sqrt(total)

    @property
    def _size(self) -> int:
        return len(self.variance) * self.pixels

    def _spread(self, xp: Namespace, values: Any, like: Array) -> Array:
        return from_host(xp, np.repeat(np.asarray(values), self.pixels), like)

    def __call__(self, x: Any) -> Array:
        """Normalize one sample."""
        xp = namespace_of(x)
        point = as_real_vector(x, size=self._size)
        mean, deviations = (self._spread(xp, v, point) for v in (self.mean, self._deviations()))
        scale, shift = (self._spread(xp, v, point) for v in (self.scale, self.shift))
        with quiet():
            normalized = (point - mean) / deviations
            if not bool(xp.all(xp.isfinite(normalized))):
                largest = float(xp.max(xp.abs(point)))
                raise ValueError(f"x must be of numbers whose normalized values are floats, got entries to {largest}")
            return in_range(working(xp, scale * normalized + shift), "y", xp)

    def _slopes(self) -> Any:
        with quiet():
            slopes = np.asarray(self.scale) * (1 / self._deviations())
        if not np.isfinite(slopes).all():
            raise OverflowError("the Jacobian leaves the range of floats: scale the arguments down")
        return slopes

    def pullback(self, xp: Namespace, x: Array, G: Array) -> Array:
        """Rows times the Jacobian."""
        return G * working(xp, self._spread(xp, self._slopes(), G))

    def jacobian(self, x: Any) -> Array:
        """Jacobian, the same at every sample."""
        xp = namespace_of(x)
        point = working(xp, as_real_vector(x, size=self._size))
        return eye(xp, self._size, point) * working(xp, self._spread(xp, self._slopes(), point))

    def lipschitz(self, n: int) -> float:
        """Exact l2 Lipschitz constant; n has to be the number of variances times `pixels`."""
        if n != self._size:
            times = " times pixels" * (self.pixels > 1)
            raise ValueError(f"n must be {self._size}, the number of variances{times}, got {n}")
        with quiet():
            return float(np.abs(np.asarray(self.scale) * (1 / self._deviations())).max())


@dataclass(frozen=True)
class LayerNorm:
    """`refimpl.network.LayerNorm`."""

    epsilon: float

    def __call__(self, x: Any) -> Array:
        """Normalize one sample."""
        return _normalized(namespace_of(x), as_real_vector(x), self.epsilon, centred=True)[0]

    def jacobian(self, x: Any) -> Array:
        """Jacobian at one sample."""
        return _jacobian(namespace_of(x), as_real_vector(x), self.epsilon, centred=True)

    def lipschitz(self, n: int) -> float:
        """Exact l2 Lipschitz constant on n features."""
        return _constant(n, self.epsilon)


@dataclass(frozen=True)
class GroupNorm:
    """`refimpl.network.GroupNorm`."""

    groups: int | Sequence[Sequence[int]]
    epsilon: float

    def __call__(self, x: Any) -> Array:
        """Normalize one sample."""
        xp, values = namespace_of(x), as_real_vector(x)
        blocks = _partition(self.groups, values.shape[0])
        index = from_host(xp, np.concatenate(blocks), values)
        parts = [
            _normalized(xp, xp.take(values, from_host(xp, np.asarray(b), values)), self.epsilon, centred=True)[0]
            for b in blocks
        ]
        return xp.take(xp.concat(parts), xp.argsort(index))

    def jacobian(self, x: Any) -> Array:
        """Jacobian at one sample."""
        xp, values = namespace_of(x), as_real_vector(x)
        blocks = _partition(self.groups, values.shape[0])
        jacobian = zeros(xp, (values.shape[0],) * 2, working(xp, values))
        start = 0
        for block in blocks:
            chosen = xp.take(values, from_host(xp, np.asarray(block), values))
            stop = start + len(block)
            jacobian[start:stop, start:stop] = _jacobian(xp, chosen, self.epsilon, centred=True)
            start = stop
        order = xp.argsort(from_host(xp, np.concatenate(blocks), values))
        return xp.take(xp.take(jacobian, order, axis=0), order, axis=1)

    def lipschitz(self, n: int) -> float:
        """Exact l2 Lipschitz constant; the groups have to partition the n features."""
        return max(_constant(len(block), self.epsilon) for block in _partition(self.groups, n))


def _partition(groups: Any, n: int) -> list[list[int]]:
    """The groups as lists of indices, checked to be a partition."""
    if isinstance(groups, (int, np.integer)):
        count = as_count(groups, "groups", minimum=1)
        if n % count:
            raise ValueError(f"groups must be a divisor of the {n} features, got {count}")
        return [list(block) for block in np.arange(n).reshape(count, -1).tolist()]
    blocks = [
        [as_count(i, "groups") for i in as_sequence(block, "groups")] for block in as_sequence(groups, "groups")
    ]
    if not blocks or not all(blocks) or sorted(i for block in blocks for i in block) != list(range(n)):
        raise ValueError(f"groups must be a partition of range({n}) into non-empty groups, got {groups}")
    return blocks


@dataclass(frozen=True)
class RMSNorm:
    """`refimpl.network.RMSNorm`."""

    epsilon: float

    def __call__(self, x: Any) -> Array:
        """Normalize one sample."""
        return _normalized(namespace_of(x), as_real_vector(x), self.epsilon, centred=False)[0]

    def jacobian(self, x: Any) -> Array:
        """Jacobian at one sample."""
        return _jacobian(namespace_of(x), as_real_vector(x), self.epsilon, centred=False)

    def lipschitz(self, n: int) -> float:
        """Exact l2 Lipschitz constant on n features."""
        as_count(n, "n", minimum=1)
        return 1 / math.sqrt(as_number(self.epsilon, "epsilon", above=0))
