"""Networks made of layers: one after another, residual sums, and the residual layer of Lipschitz constant 1."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_choice, as_count, as_number, as_real_vector, as_sequence, in_range
from refimpl.convolution._geometry import as_layer
from refimpl.layers import activation, activation_derivative, spectral_rescaling
from refimpl.layers._activations import Activation as Name
from refimpl.network._layers import Convolution, Dense, Layer, check_inputs
from refimpl.network._normalizers import Normalizer

Array = npt.NDArray[Any]

# Those whose slopes lie in [0, 1]; leaky ReLU only with such a slope.
MONOTONE: tuple[Name, ...] = ("relu", "leaky_relu", "tanh", "sigmoid", "softplus", "identity")


def outputs_of(layer: Layer | Normalizer, n: int) -> int:
    """Number of outputs for n inputs; a normalizer keeps it."""
    return layer.outputs(n) if isinstance(layer, Layer) else n


def pullback(part: Layer | Normalizer, x: Array, G: Array) -> Array:
    """G times the Jacobian of a part at x, for a vector or matrix G: the chain rule from the end (reverse mode)."""
    if isinstance(part, Sequential):
        for inner, value in zip(reversed(part.parts), reversed(part.values(x)[:-1]), strict=True):
            G = pullback(inner, value, G)
        return G
    if isinstance(part, Residual):
        with np.errstate(over="ignore"):
            total = pullback(part.block, x, G) + (G if part.shortcut is None else pullback(part.shortcut, x, G))
        return in_range(total, "the Jacobian")
    with np.errstate(over="ignore", invalid="ignore"):
        return in_range(np.asarray(G @ part.jacobian(x)), "the Jacobian")


class Sequential:
    r"""Layers one after another.

    .. math:: f = f_K \circ \dots \circ f_1

    Parameters
    ----------
    parts : sequence of Layer or Normalizer
        At least one: `Dense`, `Convolution`, `Activation`, `Pooling`, a normalizer, `Residual`, `LipschitzResidual`,
        `FeedForward`, another `Sequential`, or what has their methods.
    inputs : int
        Number of entries of the input.

    Raises
    ------
    ValueError
        If there is no layer, something is not a layer, or sizes do not fit.

    References
    ----------
    thesis.app-B.1, lipref.network-jacobians

    Examples
    --------
    >>> from refimpl.network import Activation, Dense, product_upper_bound
    >>> network = Sequential([Dense([[2, 0], [0, -3]]), Activation("relu"), Dense([[1, 1]])], 2)
    >>> network([1, 1]).tolist(), round(product_upper_bound(network), 12)
    ([2.0], 4.242640687119)
    """

    def __init__(self, parts: Sequence[Layer | Normalizer], inputs: int) -> None:
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

    def values(self, x: npt.ArrayLike) -> list[Array]:
        """The input and the outputs of all parts, in order."""
        values = [as_real_vector(x, size=self.inputs).copy()]
        for part in self.parts:
            values.append(part(values[-1]))
        return values

    def __call__(self, x: npt.ArrayLike) -> Array:
        """Value at one vector."""
        return self.values(x)[-1]

    def jacobian(self, x: npt.ArrayLike) -> Array:
        """Product of the Jacobians of the parts."""
        return pullback(self, as_real_vector(x, size=self.inputs), np.eye(self._last))

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
    """The product; infinity where it is too large for a float."""
    if 0 in factors:
        return 0.0
    # Exponents are added apart: a partial product that underflows would make the bound 0.
    mantissa, exponent = 1.0, 0
    for factor in factors:
        part, power = math.frexp(factor)
        mantissa, carry = math.frexp(mantissa * part)
        exponent += power + carry
    with np.errstate(over="ignore", under="ignore"):
        # No factor is 0, so the bound may not be.
        return float(np.ldexp(mantissa, exponent)) or 5e-324


class Residual:
    r"""Residual network, or residual block of one.

    .. math:: f(x) + x \qquad\text{or}\qquad f(x) + s(x)

    Parameters
    ----------
    block : Sequential (or FeedForward)
        The branch f.
    shortcut : Sequential (or FeedForward), optional
        The branch s; without it x itself is added.

    Raises
    ------
    ValueError
        If the branches have other numbers of inputs or outputs than each other, or the block without a shortcut
        has another number of outputs than of inputs.

    References
    ----------
    than.lemma-5.residual, thesis.app-B.1-residual, thesis.app-B.1-residual.shortcut

    Examples
    --------
    >>> from refimpl.network import FeedForward
    >>> Residual(FeedForward([[[2]]]))([3]).tolist()
    [9.0]
    """

    def __init__(self, block: Sequential, shortcut: Sequential | None = None) -> None:
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

    def __call__(self, x: npt.ArrayLike) -> Array:
        """Value at one vector."""
        point = as_real_vector(x, size=self.inputs)
        with np.errstate(over="ignore"):
            return in_range(self.block(point) + (point if self.shortcut is None else self.shortcut(point)), "y")

    def jacobian(self, x: npt.ArrayLike) -> Array:
        """Sum of the Jacobians of the branches."""
        point = as_real_vector(x, size=self.inputs)
        return pullback(self, point, np.eye(self.outputs(self.inputs)))

    def lipschitz(self, n: int) -> float:
        """Sum of the constants of the branches, 1 for the identity."""
        check_inputs(n, self.inputs)
        return self.block.lipschitz(n) + (1.0 if self.shortcut is None else self.shortcut.lipschitz(n))

    def outputs(self, n: int) -> int:
        """Outputs of the block."""
        return self.block.outputs(n)


class LipschitzResidual:
    r"""Residual layer of Lipschitz constant 1: SLL, with spectral rescaling for more than one Gram step.

    .. math:: x - 2 W R^2 \rho(W^\top x + b)

    with R from `refimpl.layers.spectral_rescaling`; `refimpl.layers.sll_layer` for convolutions too.

    Parameters
    ----------
    weight : Dense or Convolution
        W, from the hidden features to those of x, without bias.
    bias : (m,) array_like, optional
        b, one for each hidden feature (or hidden channel of a convolution), 0 by default.
    q : (m,) array_like, optional
        Positive weights of the rescaling, as many, all 1 by default.
    n_iter : int
        Gram steps of the rescaling, at least 1.
    name : str
        An activation with slopes in [0, 1].
    slope : float
        Of "leaky_relu" only, in [0, 1].

    Raises
    ------
    ValueError
        If shapes do not fit, or the slopes of the activation are not in [0, 1].

    References
    ----------
    thesis.cor-4.5.2-residual.convolution, lipref.network-jacobians

    Examples
    --------
    >>> from refimpl.network import Convolution
    >>> layer = LipschitzResidual(Convolution([[[[2]]]], (1, 3)))
    >>> layer([3, 0, -1]).tolist()
    [-3.0, 0.0, -1.0]
    """

    def __init__(
        self, weight: Dense | Convolution, bias: npt.ArrayLike | None = None, *, q: npt.ArrayLike | None = None,
        n_iter: int = 1, name: Name = "relu", slope: float = 0.01,
    ) -> None:
        if not isinstance(weight, (Dense, Convolution)) or weight.bias.any():
            raise ValueError(f"weight must be a Dense or Convolution without bias, got {weight!r}")
        self.name: Name = as_choice(name, "name", MONOTONE)
        self.slope = as_number(slope, "slope", minimum=0)
        if self.slope > 1:
            raise ValueError(f"slope must be at most 1, where the layer is 1-Lipschitz, got {slope}")
        if isinstance(weight, Dense):
            R, pixels, self.weight = spectral_rescaling(weight.weight, n_iter, q), 1, weight.weight
        else:
            K = as_layer(weight.kernel, weight.n, **weight.how).K
            R, pixels, self.weight = spectral_rescaling(K, n_iter, q), weight.n[0] * weight.n[1], weight.matrix
        b = np.zeros(R.size) if bias is None else as_real_vector(bias, "bias", size=R.size)
        self.bias, self.rescaling = np.repeat(b, pixels), np.repeat(R, pixels)
        self._rescaled = self.weight * self.rescaling
        self.inputs = len(self.weight)

    def __repr__(self) -> str:
        return f"LipschitzResidual({self.inputs} -> {self.bias.size} -> {self.inputs})"

    def _hidden(self, x: npt.ArrayLike) -> tuple[Array, Array]:
        point = as_real_vector(x, size=self.inputs)
        with np.errstate(over="ignore", invalid="ignore"):
            return point, in_range(self.weight.T @ point + self.bias, "W^T x + b")

    def __call__(self, x: npt.ArrayLike) -> Array:
        """Value at one vector."""
        point, hidden = self._hidden(x)
        # R twice, as its square may leave the range of floats.
        with np.errstate(over="ignore", invalid="ignore"):
            step = self._rescaled @ (self.rescaling * activation(hidden, self.name, slope=self.slope))
            return in_range(point - 2 * step, "y")

    def jacobian(self, x: npt.ArrayLike) -> Array:
        r"""Identity minus :math:`2 W R^2 \operatorname{diag}(\rho') W^\top`."""
        _, hidden = self._hidden(x)
        W, slopes = self._rescaled, activation_derivative(hidden, self.name, slope=self.slope)
        return np.asarray(np.eye(self.inputs) - 2 * (W * slopes) @ W.T)

    def lipschitz(self, n: int) -> float:
        """1, by construction."""
        check_inputs(n, self.inputs)
        return 1.0

    def outputs(self, n: int) -> int:
        """As many as inputs."""
        check_inputs(n, self.inputs)
        return n
