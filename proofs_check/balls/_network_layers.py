"""The layers of networks in balls: each its definition and the rule for its Lipschitz constant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from proofs_check.balls import convolution, layers, normalization
from proofs_check.balls._dual import Dual
from proofs_check.balls._lift import ball_array
from proofs_check.balls.spectral import spectral_norm


class FrozenBatchNorm:
    """Batch normalization with given statistics, a scale and a shift for each channel."""

    def __init__(
        self, mean: Any, variance: Any, epsilon: Any, scale: Any = None, shift: Any = None, pixels: int = 1
    ) -> None:
        channels = len(ball_array(variance))
        self.epsilon = epsilon
        self.mean, self.variance = (np.repeat(ball_array(v), pixels) for v in (mean, variance))
        self.scale = np.repeat(ball_array(np.ones(channels) if scale is None else scale), pixels)
        self.shift = np.repeat(ball_array(np.zeros(channels) if shift is None else shift), pixels)

    def __call__(self, x: Any) -> np.ndarray:
        y: np.ndarray = self.scale * normalization.batch_norm(x, self.mean, self.variance, epsilon=self.epsilon)
        return y + self.shift

    def lipschitz(self, n: int) -> arb:
        slopes = self.scale / np.sqrt(self.variance + arb(self.epsilon))
        return _largest([abs(slope) for slope in slopes])


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


def _largest(values: Sequence[arb]) -> arb:
    largest = values[0]
    for value in values[1:]:
        largest = largest.max(value)
    return largest


class Dense:
    """W x + b."""

    def __init__(self, weight: Any, bias: Any = None) -> None:
        self.weight = ball_array(weight)
        self.bias = ball_array(np.zeros(len(self.weight)) if bias is None else bias)

    def __call__(self, x: Any) -> np.ndarray:
        y: np.ndarray = self.weight.dot(ball_array(x)) + self.bias
        return y

    def lipschitz(self, n: int) -> arb:
        return spectral_norm(self.weight)


class Convolution:
    """The sum over taps, and a bias for each channel."""

    def __init__(self, kernel: Any, n: Any, bias: Any = None, *, padding: str = "zero", **how: Any) -> None:
        self.weight, self.n = ball_array(kernel), convolution._pair(n)
        self.how = {"padding": padding, **how}
        self.bias = ball_array(np.zeros(len(self.weight)) if bias is None else bias)

    def __call__(self, x: Any) -> np.ndarray:
        y = convolution.conv2d(ball_array(x).reshape(-1, *self.n), self.weight, **self.how)
        y = y + self.bias[:, None, None]
        return y.ravel()

    def matrix(self) -> np.ndarray:
        """Of the linear part."""
        return convolution._Layer(self.weight, self.n, **self.how).matrix()

    def lipschitz(self, n: int) -> arb:
        return convolution.conv_spectral_norm(self.weight, self.n, **self.how).norm


class Activation:
    """Entry by entry."""

    def __init__(self, name: str, *, slope: float = 0.01) -> None:
        self.name, self.slope = name, slope

    def __call__(self, x: Any) -> np.ndarray:
        values = ball_array(x)
        out = np.empty(values.shape, dtype=object)
        out[:] = [self._one(v) for v in values]
        return out

    def _one(self, v: Any) -> Any:
        if not isinstance(v, Dual):
            return layers.activation([v], self.name, slope=self.slope)[0]
        [derivative] = layers.activation_derivative([v.value], self.name, slope=self.slope)
        return Dual(layers.activation([v.value], self.name, slope=self.slope)[0], derivative * v.slope)

    def lipschitz(self, n: int) -> arb:
        return layers.activation_lipschitz(self.name, slope=self.slope)


class Pooling:
    """The maximum or the mean of each window."""

    def __init__(self, kind: str, channels: int, n: Any, k: Any, stride: Any = None) -> None:
        (h, w), (k_h, k_w) = convolution._pair(n), convolution._pair(k)
        s_h, s_w = (k_h, k_w) if stride is None else convolution._pair(stride)
        starts = [(u, v) for u in range(0, h - k_h + 1, s_h) for v in range(0, w - k_w + 1, s_w)]
        self.kind, self.channels, self.pixels = kind, channels, h * w
        self.windows = [
            [x * w + y for x in range(u, u + k_h) for y in range(v, v + k_w)] for u, v in starts
        ]

    def __call__(self, x: Any) -> np.ndarray:
        out = [
            self._one([channel[i] for i in window])
            for channel in ball_array(x).reshape(self.channels, -1) for window in self.windows
        ]
        pooled = np.empty(len(out), dtype=object)
        pooled[:] = out
        return pooled

    def _one(self, window: list[Any]) -> Any:
        if self.kind == "average":
            return sum(window[1:], window[0]) / arb(len(window))
        top = window[0]
        for v in window[1:]:
            top = _larger(top, v)
        return top

    def lipschitz(self, n: int) -> arb:
        held = [[int(pixel in window) for pixel in range(self.pixels)] for window in self.windows]
        if self.kind == "max":
            return arb(max(sum(pixel) for pixel in zip(*held, strict=True))).sqrt()
        return spectral_norm([[arb(entry) for entry in row] for row in held]) / len(self.windows[0])


def _larger(a: Any, b: Any) -> Any:
    """The larger one, the first of two equal ones; with derivatives where there are any."""
    if not isinstance(a, Dual) and not isinstance(b, Dual):
        return a.max(b)
    a, b = (v if isinstance(v, Dual) else Dual(v, arb(0)) for v in (a, b))
    if b.value > a.value:
        return b
    if b.value <= a.value:
        return a
    return Dual(a.value.max(b.value), a.slope.union(b.slope))


class Sequential:
    """One after another."""

    def __init__(self, parts: Sequence[Any], inputs: int) -> None:
        self.parts, self.inputs = list(parts), inputs

    def values(self, x: Any) -> list[np.ndarray]:
        """The input and the outputs of all parts."""
        values = [ball_array(x)]
        for part in self.parts:
            values.append(part(values[-1]))
        return values

    def __call__(self, x: Any) -> np.ndarray:
        return self.values(x)[-1]

    def lipschitz(self, n: int) -> arb:
        bound = arb(1)
        for part, value in zip(self.parts, self.values(np.zeros(n)), strict=False):
            bound *= part.lipschitz(len(value))
        return bound


class FeedForward(Sequential):
    """h_i = g_i(NO_i(W_i h_{i-1} + b_i))."""

    def __init__(
        self, weights: Sequence[Any], activation: Any = "relu", normalizers: Any = None, biases: Any = None
    ) -> None:
        count = len(weights)
        names = [activation] * count if isinstance(activation, str) else list(activation)
        self.normalizers = [None] * count if normalizers is None else list(normalizers)
        parts = []
        for i, W in enumerate(weights):
            dense = Dense(W, None if biases is None else biases[i])
            middle = [] if self.normalizers[i] is None else [self.normalizers[i]]
            parts.append(Sequential([dense, *middle, Activation(names[i])], dense.weight.shape[1]))
        super().__init__(parts, parts[0].inputs)

    def layers(self, x: Any) -> list[np.ndarray]:
        """h_0 to h_K."""
        return self.values(x)


class Residual:
    """A network of x plus x, or plus another network of it."""

    def __init__(self, block: Sequential, shortcut: Sequential | None = None) -> None:
        self.block, self.shortcut, self.inputs = block, shortcut, block.inputs

    def __call__(self, x: Any) -> np.ndarray:
        values = ball_array(x)
        return self.block(values) + (values if self.shortcut is None else self.shortcut(values))

    def lipschitz(self, n: int) -> arb:
        return self.block.lipschitz(n) + (arb(1) if self.shortcut is None else self.shortcut.lipschitz(n))


class LipschitzResidual:
    """X - 2 W R^2 rho(W^T x + b)."""

    def __init__(
        self, weight: Dense | Convolution, bias: Any = None, *, q: Any = None, n_iter: int = 1, name: str = "relu",
        slope: float = 0.01,
    ) -> None:
        R = layers.spectral_rescaling(weight.weight, n_iter, q)
        self.weight = weight.weight if isinstance(weight, Dense) else weight.matrix()
        pixels = self.weight.shape[1] // len(R)
        self.square = np.repeat(R * R, pixels)
        self.bias = np.repeat(ball_array(np.zeros(len(R)) if bias is None else bias), pixels)
        self.activation = Activation(name, slope=slope)

    def __call__(self, x: Any) -> np.ndarray:
        values = ball_array(x)
        hidden = self.activation(self.weight.T.dot(values) + self.bias)
        y: np.ndarray = values - self.weight.dot(self.square * hidden) * 2
        return y

    def lipschitz(self, n: int) -> arb:
        return arb(1)
