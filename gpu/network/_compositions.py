"""Networks made of layers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from gpu._arguments import as_real_vector, in_range
from gpu._namespace import Array, Namespace, matmul, namespace_of, quiet, to_host, working
from gpu.convolution._geometry import as_layer, zeros
from gpu.layers import activation, activation_derivative, spectral_rescaling
from gpu.layers._orthogonal import eye
from gpu.network._layers import Convolution, Dense, Layer, check_inputs, point_of
from gpu.network._normalizers import Normalizer
from refimpl._arguments import as_choice, as_count, as_number, as_sequence

# Those whose slopes lie in [0, 1]; leaky ReLU only with such a slope.
MONOTONE = ("relu", "leaky_relu", "tanh", "sigmoid", "softplus", "identity")


def outputs_of(layer: Any, n: int) -> int:
    """Number of outputs for n inputs; a normalizer keeps it."""
    return layer.outputs(n) if isinstance(layer, Layer) else n


def pullback(part: Any, x: Array, G: Array) -> Array:
    """Rows G times the Jacobian of a part at x; by adjoint maps, so that no Jacobian of a layer is written out."""
    xp = namespace_of(x)
    if isinstance(part, Sequential):
        for inner, value in zip(reversed(part.parts), reversed(part.values(x)[:-1]), strict=True):
            G = pullback(inner, value, G)
        return G
    with quiet():
        if isinstance(part, Residual):
            total = pullback(part.block, x, G) + (G if part.shortcut is None else pullback(part.shortcut, x, G))
        elif hasattr(part, "pullback"):
            total = part.pullback(xp, x, G)
        else:
            total = matmul(G, part.jacobian(x))
    return in_range(total, "the Jacobian", xp)


class Sequential:
    """`refimpl.network.Sequential`."""

    def __init__(self, parts: Any, inputs: int) -> None:
        self.parts = tuple(as_sequence(parts, "parts"))
        self.inputs = as_count(inputs, "inputs", minimum=1)
        if not self.parts:
            raise ValueError("parts must be at least one layer, got none")
        sizes = [self.inputs]
        for i, part in enumerate(self.parts):
            # A class has the methods too, but only its instances have numbers to work with.
            if isinstance(part, type) or not isinstance(part, (Layer, Normalizer)):
                raise ValueError(f"parts[{i}] must be a layer or a normalizer, got {part!r}")
            try:
                if not isinstance(part, Layer):
                    part.lipschitz(sizes[-1])  # a normalizer tells by this what it does not fit
                sizes.append(outputs_of(part, sizes[-1]))
            except ValueError as unfit:
                raise ValueError(f"parts[{i}] must fit the {sizes[-1]} entries before it, got: {unfit}") from None
        self._last = sizes[-1]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.parts)} layers, {self.inputs} -> {self._last})"

    def values(self, x: Any) -> list[Array]:
        """The input and the outputs of all parts, in order."""
        xp, point = point_of(x, self.inputs)
        values = [xp.asarray(point, copy=True)]
        for part in self.parts:
            values.append(part(values[-1]))
        return values

    def __call__(self, x: Any) -> Array:
        """Value at one vector."""
        return self.values(x)[-1]

    def jacobian(self, x: Any) -> Array:
        """Product of the Jacobians of the parts."""
        xp, point = point_of(x, self.inputs)
        return pullback(self, point, eye(xp, self._last, point))

    def lipschitz(self, n: int) -> float:
        """Product of the constants of the parts; infinity where it is too large for a float."""
        check_inputs(n, self.inputs)
        return product(list(self._factors()))

    def _factors(self) -> Iterator[float]:
        size = self.inputs
        for part in self.parts:
            # The factors of a nested chain join those of this one: its own product might underflow.
            if isinstance(part, Sequential):
                yield from part._factors()
            else:
                yield part.lipschitz(size)
            size = outputs_of(part, size)

    def outputs(self, n: int) -> int:
        """Outputs of the last part."""
        check_inputs(n, self.inputs)
        return self._last


def product(factors: list[float]) -> float:
    """The product; infinity where it is too large for a float, and not 0 where no factor is."""
    if 0 in factors:
        return 0.0
    # Exponents are added apart: a partial product that underflows would make the bound 0.
    mantissa, exponent = 1.0, 0
    for factor in factors:
        part, power = math.frexp(factor)
        mantissa, carry = math.frexp(mantissa * part)
        exponent += power + carry
    try:
        return math.ldexp(mantissa, exponent) or 5e-324
    except OverflowError:
        return math.inf


class Residual:
    """`refimpl.network.Residual`."""

    def __init__(self, block: Any, shortcut: Any = None) -> None:
        if not isinstance(block, Sequential):
            raise ValueError(f"block must be a FeedForward or Sequential, got {block!r}")
        if shortcut is not None and not isinstance(shortcut, Sequential):
            raise ValueError(f"shortcut must be a FeedForward, a Sequential or None, got {shortcut!r}")
        self.block, self.shortcut, self.inputs = block, shortcut, block.inputs
        here = block.inputs, block.outputs(block.inputs)
        if shortcut is None and here[0] != here[1]:
            raise ValueError(f"block must be a network with as many outputs as inputs, got {here[1]} and {here[0]}")
        if shortcut is not None and (shortcut.inputs, shortcut.outputs(shortcut.inputs)) != here:
            raise ValueError(
                f"shortcut must be a network of {here[0]} inputs and {here[1]} outputs, as the block is, "
                f"got {shortcut.inputs} and {shortcut.outputs(shortcut.inputs)}"
            )

    def __repr__(self) -> str:
        return f"Residual({self.block!r}, {self.shortcut!r})"

    def __call__(self, x: Any) -> Array:
        """Value at one vector."""
        xp, point = point_of(x, self.inputs)
        with quiet():
            return in_range(self.block(point) + (point if self.shortcut is None else self.shortcut(point)), "y", xp)

    def jacobian(self, x: Any) -> Array:
        """Sum of the Jacobians of the branches."""
        xp, point = point_of(x, self.inputs)
        return pullback(self, point, eye(xp, self.outputs(self.inputs), point))

    def lipschitz(self, n: int) -> float:
        """Sum of the constants of the branches, 1 for the identity."""
        check_inputs(n, self.inputs)
        return self.block.lipschitz(n) + (1.0 if self.shortcut is None else self.shortcut.lipschitz(n))

    def outputs(self, n: int) -> int:
        """Outputs of the block."""
        return self.block.outputs(n)


class LipschitzResidual:
    """`refimpl.network.LipschitzResidual`, without the matrix of a convolution."""

    def __init__(
        self, weight: Any, bias: Any = None, *, q: Any = None, n_iter: int = 1, name: Any = "relu", slope: float = 0.01
    ) -> None:
        if not isinstance(weight, (Dense, Convolution)) or to_host(weight.bias).any():
            raise ValueError(f"weight must be a Dense or Convolution without bias, got {weight!r}")
        self.name = as_choice(name, "name", MONOTONE)
        self.slope = as_number(slope, "slope", minimum=0)
        if self.slope > 1:
            raise ValueError(f"slope must be at most 1, where the layer is 1-Lipschitz, got {slope}")
        self.linear = weight
        if isinstance(weight, Dense):
            xp, pixels, shape = namespace_of(weight.weight), 1, weight.weight.shape
            R = spectral_rescaling(weight.weight, n_iter, q)
            self.inputs = shape[0]
        else:
            xp, pixels = namespace_of(weight.kernel), weight.n[0] * weight.n[1]
            K = as_layer(weight.kernel, weight.n, **weight.how, xp=xp).K
            R = spectral_rescaling(K, n_iter, q)
            self.inputs = math.prod(weight.shape_out)
        size = R.shape[0]
        b = zeros(xp, (size,), R) if bias is None else as_real_vector(bias, "bias", size=size, xp=xp)
        self.bias, self.rescaling = xp.repeat(b, pixels), xp.repeat(R, pixels)

    def __repr__(self) -> str:
        return f"LipschitzResidual({self.inputs} -> {self.bias.shape[0]} -> {self.inputs})"

    def _hidden(self, x: Any) -> tuple[Namespace, Array, Array]:
        xp, point = point_of(x, self.inputs, self.bias)
        with quiet():
            inner = self.linear.backward(xp, point[None, :])[0, :] + working(xp, self.bias)
            return xp, point, in_range(inner, "W^T x + b", xp)

    def __call__(self, x: Any) -> Array:
        """Value at one vector."""
        xp, point, hidden = self._hidden(x)
        R = working(xp, self.rescaling)
        # R twice, as its square may leave the range of floats.
        with quiet():
            step = self.linear.forward(xp, R * (R * activation(hidden, self.name, slope=self.slope)))
            return in_range(point - 2 * step, "y", xp)

    def pullback(self, xp: Namespace, x: Array, G: Array) -> Array:
        """Rows times the Jacobian."""
        _, _, hidden = self._hidden(x)
        R = working(xp, self.rescaling)
        slopes = activation_derivative(hidden, self.name, slope=self.slope)
        inner = self.linear.backward(xp, G) * R * (R * slopes)
        back = [self.linear.forward(xp, inner[i, :]) for i in range(G.shape[0])]
        return G - 2 * xp.stack(back)

    def jacobian(self, x: Any) -> Array:
        """Identity minus the step's Jacobian."""
        xp, point = point_of(x, self.inputs, self.bias)
        return self.pullback(xp, point, eye(xp, self.inputs, point))

    def lipschitz(self, n: int) -> float:
        """1, by construction."""
        check_inputs(n, self.inputs)
        return 1.0

    def outputs(self, n: int) -> int:
        """As many as inputs."""
        check_inputs(n, self.inputs)
        return n
