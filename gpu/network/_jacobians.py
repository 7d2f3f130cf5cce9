"""Derivatives of networks by the chain rule, and the product upper bound."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpu._arguments import as_real_vector, in_range
from gpu._namespace import Array, namespace_of, quiet, working
from gpu.convolution._geometry import zeros
from gpu.network._compositions import Residual, Sequential
from gpu.network._feed_forward import FeedForward
from gpu.network._layers import Convolution, Dense, point_of
from refimpl._arguments import as_count, as_sequence


def product_upper_bound(network: Any) -> float:
    """`refimpl.network.product_upper_bound`."""
    check_network(network)
    return network.lipschitz(network.inputs)


def check_network(network: Any) -> None:
    """Refuse what is no network."""
    if not isinstance(network, (Sequential, Residual)):
        raise ValueError(f"network must be a FeedForward, Sequential or Residual, got {network!r}")


def input_jacobian(network: Any, x: Any) -> Array:
    """`refimpl.network.input_jacobian`."""
    check_network(network)
    return network.jacobian(x)


def weight_jacobian(network: Any, x: Any, layer: Any) -> Array:
    """`refimpl.network.weight_jacobian`."""
    check_network(network)
    path = as_sequence(layer, "layer") if np.iterable(layer) and not isinstance(layer, str) else [layer]
    _, point = point_of(x, network.inputs)
    return _weight_jacobian(network, point, [as_count(i, "layer", minimum=1) for i in path], path)


def _weight_jacobian(part: Any, x: Array, path: list[int], whole: list[int]) -> Array:
    if isinstance(part, (Dense, Convolution)) and not path:
        return part.weight_jacobian(x)
    branches = (part.block, part.shortcut) if isinstance(part, Residual) else getattr(part, "parts", ())
    if not path or not branches:
        raise ValueError(f"layer must lead to a Dense or Convolution, got {whole} which leads to {part!r}")
    i, rest = path[0] - 1, path[1:]
    if i >= len(branches) or branches[i] is None:
        count = sum(branch is not None for branch in branches)
        raise ValueError(f"layer must be at most {count}, the number of layers, got {path[0]}")
    if isinstance(part, Residual):
        return _weight_jacobian(branches[i], x, rest, whole)
    if isinstance(part, FeedForward) and not rest:
        rest = [1]  # its layers are the linear part and what follows
    xp = namespace_of(x)
    values = part.values(x)
    jacobian = _weight_jacobian(branches[i], values[i], rest, whole)
    for later, value in zip(branches[i + 1 :], values[i + 1 : -1], strict=True):
        with quiet():
            jacobian = in_range(xp.tensordot(later.jacobian(value), jacobian, axes=1), "the Jacobian", xp)
    return jacobian


def truncate_or_pad(v: Any, sizes: Any) -> Array:
    """`refimpl.network.truncate_or_pad`."""
    xp = namespace_of(v)
    values = xp.asarray(working(xp, as_real_vector(v, "v")), copy=True)
    for size in as_sequence(sizes, "sizes"):
        padded = zeros(xp, (as_count(size, "sizes", minimum=1),), values)
        kept = min(size, values.shape[0])
        padded[:kept] = values[:kept]
        values = padded
    return values
