"""Layers of a network as maps of flat vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gpu._arguments import as_kernel, as_real_matrix, as_real_vector, in_range
from gpu._namespace import Array, Namespace, from_host, is_complex, matmul, namespace_of, quiet, real_dtype, working
from gpu.convolution import conv_spectral_norm, strided_matrix
from gpu.convolution._apply import apply, apply_adjoint
from gpu.convolution._geometry import Layer as Geometry
from gpu.convolution._geometry import as_layer, zeros
from gpu.layers import activation, activation_derivative, activation_lipschitz
from gpu.layers._activations import ACTIVATIONS
from gpu.layers._orthogonal import eye
from gpu.layers._residual import times
from gpu.network._pooling import geometry, members, pooling_lipschitz
from gpu.spectral import spectral_norm
from refimpl._arguments import as_choice, as_count, as_number, as_pair
from refimpl.network import Layer

__all__ = ["Activation", "Convolution", "Dense", "Layer", "Pooling", "check_inputs", "point_of"]


def check_inputs(n: int, expected: int) -> None:
    """Refuse a number of inputs that does not fit a layer."""
    if n != expected:
        raise ValueError(f"n must be {expected}, the number of inputs of the layer, got {n}")


def point_of(x: Any, size: int | None = None, beside: Any = None) -> tuple[Namespace, Array]:
    """A vector in the arithmetic that is asked for, and its namespace, which is that of the layer's numbers."""
    xp = namespace_of(x, beside)
    return xp, working(xp, as_real_vector(x, size=size, xp=xp))


class Dense:
    """`refimpl.network.Dense`."""

    def __init__(self, weight: Any, bias: Any = None) -> None:
        xp = namespace_of(weight, bias)
        self.weight = xp.asarray(as_real_matrix(weight, "weight", xp=xp), copy=True)
        rows, self.inputs = self.weight.shape
        self.bias = zeros(xp, (rows,), self.weight) if bias is None else xp.asarray(
            as_real_vector(bias, "bias", size=rows, xp=xp), copy=True)

    def __repr__(self) -> str:
        return f"Dense({self.inputs} -> {self.weight.shape[0]}{_and_bias(self.bias)})"

    def __call__(self, x: Any) -> Array:
        """Value at one vector."""
        xp, point = point_of(x, self.inputs, self.weight)
        with quiet():
            return in_range(self.forward(xp, point) + working(xp, self.bias), "y", xp)

    def forward(self, xp: Namespace, x: Array) -> Array:
        """The linear part."""
        return times(working(xp, self.weight), x)

    def backward(self, xp: Namespace, G: Array) -> Array:
        """Rows times the matrix."""
        return matmul(G, working(xp, self.weight))

    def pullback(self, xp: Namespace, x: Array, G: Array) -> Array:
        """Rows times the Jacobian."""
        return self.backward(xp, G)

    def jacobian(self, x: Any) -> Array:
        """The weight matrix."""
        xp, _ = point_of(x, self.inputs, self.weight)
        return xp.asarray(working(xp, self.weight), copy=True)

    def weight_jacobian(self, x: Any) -> Array:
        """Jacobian with respect to the weight, (m, m, n)."""
        xp, point = point_of(x, self.inputs, self.weight)
        return eye(xp, self.weight.shape[0], point)[:, :, None] * point

    def lipschitz(self, n: int) -> float:
        """Spectral norm of the weight matrix."""
        check_inputs(n, self.inputs)
        return spectral_norm(self.weight)

    def outputs(self, n: int) -> int:
        """Number of rows."""
        check_inputs(n, self.inputs)
        return int(self.weight.shape[0])


def _and_bias(bias: Array) -> str:
    xp = namespace_of(bias)
    return ", bias" * bool(xp.any(bias != 0))


class Convolution:
    """`refimpl.network.Convolution`; its matrix is made only where it is asked for."""

    def __init__(
        self, K: Any, n: Any, bias: Any = None, *, padding: Any = "zero", stride: Any = 1, dilation: Any = 1,
        groups: int = 1, anchor: Any = None,
    ) -> None:
        xp = namespace_of(K, bias)
        self.kernel = xp.asarray(as_kernel(K, xp=xp), copy=True)
        if is_complex(xp, self.kernel):
            raise ValueError(f"K must be real, got dtype {str(self.kernel.dtype).rpartition('.')[2]}")
        self.n, groups = as_pair(n, "n"), as_count(groups, "groups", minimum=1)
        self.how: dict[str, Any] = {
            "padding": padding, "stride": as_pair(stride, "stride"), "dilation": as_pair(dilation, "dilation"),
            "groups": groups, "anchor": tuple(anchor) if np.iterable(anchor) else anchor,
        }
        self.shape_in = (self.kernel.shape[1] * groups, *self.n)
        self.inputs = math.prod(self.shape_in)
        self.geometry: Geometry = as_layer(self.kernel, self.n, **self.how, xp=xp)
        self.shape_out = (self.kernel.shape[0], len(self.geometry.rows), len(self.geometry.columns))
        channels = self.kernel.shape[0]
        self.bias = zeros(xp, (channels,), self.kernel) if bias is None else xp.asarray(
            as_real_vector(bias, "bias", size=channels, xp=xp), copy=True)

    def __repr__(self) -> str:
        return f"Convolution({self.shape_in} -> {self.shape_out}{_and_bias(self.bias)})"

    @property
    def matrix(self) -> Array:
        """The explicit matrix of the layer."""
        return strided_matrix(self.kernel, self.n, **self.how)

    def __call__(self, x: Any) -> Array:
        """Value at one image, flat."""
        xp, point = point_of(x, self.inputs, self.kernel)
        with quiet():
            image = xp.reshape(in_range(self.forward(xp, point), "Y", xp), self.shape_out)
            return xp.reshape(in_range(image + working(xp, self.bias)[:, None, None], "y", xp), (-1,))

    def forward(self, xp: Namespace, x: Array) -> Array:
        """The linear part."""
        layer = self.geometry._replace(K=working(xp, self.geometry.K))
        return xp.reshape(apply(xp, layer, xp.reshape(x, self.shape_in)), (-1,))

    def backward(self, xp: Namespace, G: Array) -> Array:
        """Rows times the matrix: each by the adjoint, without the matrix."""
        layer = self.geometry._replace(K=working(xp, self.geometry.K))
        rows = [apply_adjoint(xp, layer, xp.reshape(G[i, :], self.shape_out)) for i in range(G.shape[0])]
        return xp.stack([xp.reshape(row, (-1,)) for row in rows])

    def pullback(self, xp: Namespace, x: Array, G: Array) -> Array:
        """Rows times the Jacobian."""
        return self.backward(xp, G)

    def jacobian(self, x: Any) -> Array:
        """The explicit matrix."""
        point_of(x, self.inputs, self.kernel)
        return self.matrix

    def weight_jacobian(self, x: Any) -> Array:
        """Jacobian with respect to the kernel, (outputs, c_out, c_in / groups, k_h, k_w)."""
        xp, point = point_of(x, self.inputs, self.kernel)
        c_out, per_group, k_h, k_w = self.kernel.shape
        (h, w), (d_h, d_w) = self.n, self.how["dilation"]
        framed = zeros(xp, (self.shape_in[0], h + 1, w + 1), point)
        framed[:, :-1, :-1] = xp.reshape(point, self.shape_in)
        positions = self.shape_out[1] * self.shape_out[2]
        jacobian = zeros(xp, (c_out, positions, c_out, per_group, k_h, k_w), point)
        out = c_out // self.how["groups"]
        for p in range(k_h):
            rows = self.geometry.rows[:, p * d_h] % (h + 1)  # OUTSIDE is the row of zeros
            strip = xp.take(framed, from_host(xp, rows, point), axis=1)
            for q in range(k_w):
                columns = self.geometry.columns[:, q * d_w] % (w + 1)
                seen = xp.reshape(xp.take(strip, from_host(xp, columns, point), axis=2), (-1, positions))
                for j in range(c_out):
                    group = j // out * per_group
                    jacobian[j, :, j, :, p, q] = xp.matrix_transpose(seen[group : group + per_group, :])
        return xp.reshape(jacobian, (c_out * positions, *self.kernel.shape))

    def lipschitz(self, n: int) -> float:
        """Spectral norm of the convolution, with the estimate of its error on top."""
        check_inputs(n, self.inputs)
        found = conv_spectral_norm(self.kernel, self.n, **self.how)
        return found.norm + found.error

    def outputs(self, n: int) -> int:
        """Channels times pixels of the result."""
        check_inputs(n, self.inputs)
        return math.prod(self.shape_out)


class Activation:
    """`refimpl.network.Activation`."""

    def __init__(self, name: Any, *, slope: float = 0.01) -> None:
        self.name = as_choice(name, "name", ACTIVATIONS)
        self.slope = as_number(slope, "slope")

    def __repr__(self) -> str:
        return f"Activation({self.name!r})"

    def __call__(self, x: Any) -> Array:
        """Value at one vector."""
        _, point = point_of(x)
        return activation(point, self.name, slope=self.slope)

    def _slopes(self, point: Array) -> Array:
        return activation_derivative(point, self.name, slope=self.slope)

    def pullback(self, xp: Namespace, x: Array, G: Array) -> Array:
        """Rows times the Jacobian."""
        return G * self._slopes(x)

    def jacobian(self, x: Any) -> Array:
        """Diagonal matrix of the derivatives; at a kink that from the left."""
        xp, point = point_of(x)
        return eye(xp, point.shape[0], point) * self._slopes(point)

    def lipschitz(self, n: int) -> float:
        """Exact constant, for every n."""
        return activation_lipschitz(self.name, slope=self.slope)

    def outputs(self, n: int) -> int:
        """As many as inputs."""
        return n


class Pooling:
    """`refimpl.network.Pooling`."""

    def __init__(self, kind: Any, channels: int, n: Any, k: Any, stride: Any = None) -> None:
        self.kind = as_choice(kind, "kind", ("max", "average"))
        self.channels = as_count(channels, "channels", minimum=1)
        size, window, step = geometry(n, k, stride)
        self._constant = pooling_lipschitz(kind, n, k, stride)
        self._pixels = size[0] * size[1]
        # By channel and window the entries of the flat image.
        inside = members(size, window, step)
        self.members = (np.arange(self.channels)[:, None, None] * self._pixels + inside).reshape(-1, inside.shape[1])
        self.inputs = self.channels * self._pixels

    def __repr__(self) -> str:
        return f"Pooling({self.kind!r}, {self.inputs} -> {len(self.members)})"

    def _seen(self, x: Any) -> tuple[Namespace, Array]:
        xp, point = point_of(x, self.inputs)
        flat = xp.take(point, from_host(xp, self.members.ravel(), point), axis=0)
        return xp, xp.reshape(flat, self.members.shape)

    def __call__(self, x: Any) -> Array:
        """Value at one image, flat."""
        xp, seen = self._seen(x)
        return xp.max(seen, axis=1) if self.kind == "max" else xp.mean(seen, axis=1)

    def jacobian(self, x: Any) -> Array:
        """Matrix that takes the means, or picks the first maximum of each window."""
        xp, seen = self._seen(x)
        places = from_host(xp, self.members, seen)
        entries = from_host(xp, np.arange(self.inputs), seen)
        if self.kind == "max":
            first = xp.argmax(seen, axis=1)[:, None]
            window = from_host(xp, np.arange(self.members.shape[1]), seen)
            chosen = xp.sum(xp.where(window == first, places, xp.zeros_like(places)), axis=1)
            return xp.astype(entries == chosen[:, None], real_dtype(xp))
        met = zeros(xp, (len(self.members), self.inputs), seen)
        for i in range(self.members.shape[1]):
            met = met + xp.astype(entries == places[:, i : i + 1], met.dtype)
        return met / self.members.shape[1]

    def lipschitz(self, n: int) -> float:
        """Exact constant."""
        check_inputs(n, self.inputs)
        return self._constant

    def outputs(self, n: int) -> int:
        """Channels times windows."""
        check_inputs(n, self.inputs)
        return len(self.members)
