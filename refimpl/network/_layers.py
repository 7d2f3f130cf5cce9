"""Layers of a network as maps of flat vectors: dense, convolution, activation, pooling."""

from __future__ import annotations

from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from refimpl._arguments import (
    as_choice,
    as_count,
    as_kernel,
    as_number,
    as_pair,
    as_real_matrix,
    as_real_vector,
    in_range,
)
from refimpl.convolution import conv2d, conv_spectral_norm, strided_matrix
from refimpl.convolution._geometry import Padding, Pair
from refimpl.layers import activation, activation_derivative, activation_lipschitz
from refimpl.layers._activations import ACTIVATIONS
from refimpl.layers._activations import Activation as Name
from refimpl.network._pooling import pooling_lipschitz, windows_of
from refimpl.spectral import spectral_norm

Array = npt.NDArray[Any]


@runtime_checkable
class Layer(Protocol):
    """A map of vectors. An image (channels, height, width) is the vector of its entries in that order."""

    def __call__(self, x: Array) -> Array:
        """Value at one vector."""

    def jacobian(self, x: Array) -> Array:
        """Jacobian matrix at one vector."""

    def lipschitz(self, n: int) -> float:
        """Bound on the l2 Lipschitz constant on n inputs."""

    def outputs(self, n: int) -> int:
        """Number of outputs for n inputs."""


def check_inputs(n: int, expected: int) -> None:
    """Refuse a number of inputs that does not fit a layer."""
    if n != expected:
        raise ValueError(f"n must be {expected}, the number of inputs of the layer, got {n}")


class Dense:
    r"""Dense layer :math:`W x + b`.

    Parameters
    ----------
    weight : (m, n) array_like
        W.
    bias : (m,) array_like, optional
        b, 0 by default.

    Raises
    ------
    ValueError
        If shapes do not fit, or an array is not real and finite.

    References
    ----------
    thesis.app-B.1, lipref.network-jacobians

    Examples
    --------
    >>> layer = Dense([[3, 0], [0, 4]], [1, 0])
    >>> layer([1, 1]).tolist(), layer.lipschitz(2)
    ([4.0, 4.0], 4.0)
    """

    def __init__(self, weight: npt.ArrayLike, bias: npt.ArrayLike | None = None) -> None:
        self.weight = as_real_matrix(weight, "weight").copy()
        rows, self.inputs = self.weight.shape
        self.bias = np.zeros(rows) if bias is None else as_real_vector(bias, "bias", size=rows).copy()

    def __repr__(self) -> str:
        return f"Dense({self.inputs} -> {len(self.weight)}{', bias' * bool(self.bias.any())})"

    def __call__(self, x: npt.ArrayLike) -> Array:
        """Value at one vector."""
        point = as_real_vector(x, size=self.inputs)
        with np.errstate(over="ignore", invalid="ignore"):
            return in_range(self.weight @ point + self.bias, "y")

    def jacobian(self, x: npt.ArrayLike) -> Array:
        """The weight matrix."""
        as_real_vector(x, size=self.inputs)
        return self.weight.copy()

    def weight_jacobian(self, x: npt.ArrayLike) -> Array:
        """Jacobian with respect to the weight, (m, m, n)."""
        return np.multiply.outer(np.eye(len(self.weight)), as_real_vector(x, size=self.inputs))

    def lipschitz(self, n: int) -> float:
        """Spectral norm of the weight matrix."""
        check_inputs(n, self.inputs)
        return spectral_norm(self.weight)

    def outputs(self, n: int) -> int:
        """Number of rows."""
        check_inputs(n, self.inputs)
        return len(self.weight)


class Convolution:
    r"""Convolution layer :math:`K \star X + b`, as `refimpl.convolution.conv2d` defines it.

    Parameters
    ----------
    K : (c_out, c_in / groups, k_h, k_w) array_like
        Kernel.
    n : int or pair of int
        Height and width of the image.
    bias : (c_out,) array_like, optional
        b, one number a channel, 0 by default.
    padding, stride, dilation, groups, anchor : as in `conv2d`
        The same arguments; `padding` is "zero" by default, as networks have it.

    Raises
    ------
    ValueError
        If shapes do not fit, or an argument is out of its range.

    References
    ----------
    thesis.app-B.1, lipref.network-jacobians

    Examples
    --------
    >>> layer = Convolution([[[[1, 2]]]], (1, 3))
    >>> layer([1, 0, 0]).tolist(), layer([0, 0, 1]).tolist()
    ([1.0, 0.0, 0.0], [0.0, 2.0, 1.0])
    """

    def __init__(
        self, K: npt.ArrayLike, n: int | Pair, bias: npt.ArrayLike | None = None, *, padding: Padding = "zero",
        stride: int | Pair = 1, dilation: int | Pair = 1, groups: int = 1, anchor: int | Pair | None = None,
    ) -> None:
        self.kernel = as_kernel(K).copy()
        if np.iscomplexobj(self.kernel):
            raise ValueError(f"K must be real, got dtype {self.kernel.dtype}")
        self.n, groups = as_pair(n, "n"), as_count(groups, "groups", minimum=1)
        self.how: dict[str, Any] = {
            "padding": padding, "stride": as_pair(stride, "stride"), "dilation": as_pair(dilation, "dilation"),
            "groups": groups, "anchor": tuple(anchor) if np.iterable(anchor) else anchor,
        }
        self.shape_in = (self.kernel.shape[1] * groups, *self.n)
        self.inputs = int(np.prod(self.shape_in))
        self.shape_out = conv2d(np.zeros(self.shape_in), self.kernel, **self.how).shape
        channels = len(self.kernel)
        self.bias = np.zeros(channels) if bias is None else as_real_vector(bias, "bias", size=channels).copy()
        self._matrix: Array | None = None

    def __repr__(self) -> str:
        return f"Convolution({self.shape_in} -> {self.shape_out}{', bias' * bool(self.bias.any())})"

    @property
    def matrix(self) -> Array:
        """The explicit matrix of the layer."""
        if self._matrix is None:
            self._matrix = strided_matrix(self.kernel, self.n, **self.how)
        return self._matrix.copy()

    def __call__(self, x: npt.ArrayLike) -> Array:
        """Value at one image, flat."""
        image = as_real_vector(x, size=self.inputs).reshape(self.shape_in)
        with np.errstate(over="ignore"):
            return in_range(conv2d(image, self.kernel, **self.how) + self.bias[:, None, None], "y").ravel()

    def jacobian(self, x: npt.ArrayLike) -> Array:
        """The explicit matrix."""
        as_real_vector(x, size=self.inputs)
        return self.matrix

    def weight_jacobian(self, x: npt.ArrayLike) -> Array:
        """Jacobian with respect to the kernel, (outputs, c_out, c_in / groups, k_h, k_w)."""
        image = as_real_vector(x, size=self.inputs).reshape(self.shape_in)
        jacobian = np.zeros((int(np.prod(self.shape_out)), *self.kernel.shape))
        for tap in np.ndindex(*self.kernel.shape):
            unit = np.zeros(self.kernel.shape)
            unit[tap] = 1
            jacobian[:, *tap] = conv2d(image, unit, **self.how).ravel()
        return jacobian

    def lipschitz(self, n: int) -> float:
        """Spectral norm of the convolution, with the estimate of its error on top."""
        check_inputs(n, self.inputs)
        found = conv_spectral_norm(self.kernel, self.n, **self.how)
        return found.norm + found.error

    def outputs(self, n: int) -> int:
        """Channels times pixels of the result."""
        check_inputs(n, self.inputs)
        return int(np.prod(self.shape_out))


class Activation:
    r"""Activation layer, entry by entry: `refimpl.layers.activation`.

    Parameters
    ----------
    name : str
        As in `activation`.
    slope : float
        Of "leaky_relu" only.

    Raises
    ------
    ValueError
        If `name` is unknown or `slope` not finite.

    References
    ----------
    thesis.app-B.1, thesis.sec-2.1-activations.constants

    Examples
    --------
    >>> Activation("relu")([-1, 2]).tolist(), Activation("sigmoid").lipschitz(2)
    ([0.0, 2.0], 0.25)
    """

    def __init__(self, name: Name, *, slope: float = 0.01) -> None:
        self.name: Name = as_choice(name, "name", ACTIVATIONS)
        self.slope = as_number(slope, "slope")

    def __repr__(self) -> str:
        return f"Activation({self.name!r})"

    def __call__(self, x: npt.ArrayLike) -> Array:
        """Value at one vector."""
        return activation(as_real_vector(x), self.name, slope=self.slope)

    def jacobian(self, x: npt.ArrayLike) -> Array:
        """Diagonal matrix of the derivatives; at a kink that from the left."""
        return np.diag(activation_derivative(as_real_vector(x), self.name, slope=self.slope))

    def lipschitz(self, n: int) -> float:
        """Exact constant, for every n."""
        return activation_lipschitz(self.name, slope=self.slope)

    def outputs(self, n: int) -> int:
        """As many as inputs."""
        return n


class Pooling:
    r"""Pooling layer without padding: the maximum or the mean of each window of each channel.

    Parameters
    ----------
    kind : {"max", "average"}
        The function of a window.
    channels : int
        Number of channels.
    n, k, stride : as in `pooling_lipschitz`
        Size of the image, of the windows, and the step between them (by default `k`).

    Raises
    ------
    ValueError
        If an argument is out of its range.

    References
    ----------
    thesis.app-B.1, thesis.app-B.1-pooling.overlap

    Examples
    --------
    >>> Pooling("max", 1, (1, 4), (1, 2))([3, 1, 0, 2]).tolist()
    [3.0, 2.0]
    """

    def __init__(
        self, kind: Literal["max", "average"], channels: int, n: int | Pair, k: int | Pair,
        stride: int | Pair | None = None,
    ) -> None:
        self.kind = as_choice(kind, "kind", ("max", "average"))
        self.channels = as_count(channels, "channels", minimum=1)
        self.windows = windows_of(n, k, stride)
        self._constant = pooling_lipschitz(kind, n, k, stride)
        self.inputs = self.channels * self.windows.shape[1]

    def __repr__(self) -> str:
        return f"Pooling({self.kind!r}, {self.inputs} -> {self.channels * len(self.windows)})"

    def __call__(self, x: npt.ArrayLike) -> Array:
        """Value at one image, flat."""
        return np.asarray(self.jacobian(x) @ as_real_vector(x))

    def jacobian(self, x: npt.ArrayLike) -> Array:
        """Matrix that takes the means, or picks the first maximum of each window."""
        image = as_real_vector(x, size=self.inputs).reshape(self.channels, -1)
        blocks = [self._means() if self.kind == "average" else self._picks(channel) for channel in image]
        rows, columns = self.windows.shape
        jacobian = np.zeros((self.channels, rows, self.channels, columns))
        for c, block in enumerate(blocks):
            jacobian[c, :, c] = block
        return jacobian.reshape(self.channels * rows, self.inputs)

    def _means(self) -> Array:
        return np.asarray(self.windows / self.windows.sum(axis=1, keepdims=True))

    def _picks(self, channel: Array) -> Array:
        first = np.where(self.windows > 0, channel, -np.inf).argmax(axis=1)
        return np.asarray(np.eye(channel.size)[first])

    def lipschitz(self, n: int) -> float:
        """Exact constant."""
        check_inputs(n, self.inputs)
        return self._constant

    def outputs(self, n: int) -> int:
        """Channels times windows."""
        check_inputs(n, self.inputs)
        return self.channels * len(self.windows)
