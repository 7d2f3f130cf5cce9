"""Derivatives of networks by the chain rule, and the product upper bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_count, as_real_vector, as_sequence, in_range
from refimpl.network._compositions import Residual, Sequential
from refimpl.network._feed_forward import FeedForward
from refimpl.network._layers import Convolution, Dense

Array = npt.NDArray[Any]
Network = Sequential | Residual


def product_upper_bound(network: Network) -> float:
    r"""Upper bound on the l2 Lipschitz constant of a network (PUB), by the rules of its layers.

    .. math:: \mathrm{PUB}(f_K \circ \dots \circ f_1) = \prod_k \mathrm{PUB}(f_k), \qquad
        \mathrm{PUB}(f + s) = \mathrm{PUB}(f) + \mathrm{PUB}(s)

    A linear layer has its spectral norm, batch normalization :math:`\max_k |\gamma_k| / \sqrt{\sigma_k^2 + \epsilon}`,
    max-pooling the root of the number of windows that share a pixel, an activation its own constant, the identity of
    a residual sum 1.

    Parameters
    ----------
    network : FeedForward, Sequential or Residual

    Returns
    -------
    bound : float
        Up to rounding not below the Lipschitz constant; infinity where it is too large for a float.

    Raises
    ------
    ValueError
        If `network` is no network, or a normalizer does not fit its layer.

    References
    ----------
    than.lemma-5, than.thm-9, than.lemma-5.residual, thesis.app-B.1

    Examples
    --------
    >>> product_upper_bound(FeedForward([[[3, 0], [0, 1]], [[0, 2]]]))
    6.0
    """
    check_network(network)
    return network.lipschitz(network.inputs)


def check_network(network: Any) -> None:
    """Refuse what is no network."""
    if not isinstance(network, (Sequential, Residual)):
        raise ValueError(f"network must be a FeedForward, Sequential or Residual, got {network!r}")


def input_jacobian(network: Network, x: npt.ArrayLike) -> Array:
    r"""Exact Jacobian (up to rounding) of the output with respect to the input.

    At a kink of ReLU, where there is none, the slope is taken as 0; where a window of a max-pooling has several maxima
    the first one counts.

    Parameters
    ----------
    network : FeedForward, Sequential or Residual
    x : (n_0,) array_like
        Finite real input.

    Returns
    -------
    jacobian : (n_K, n_0) ndarray

    Raises
    ------
    ValueError
        If `x` does not fit the network.

    References
    ----------
    than.lemma-5, than.thm-6, lipref.network-jacobians

    Examples
    --------
    >>> input_jacobian(FeedForward([[[1, -1], [0, 2]], [[1, 1]]]), [3, 1]).tolist()
    [[1.0, 1.0]]
    """
    check_network(network)
    return network.jacobian(x)


def weight_jacobian(network: Network, x: npt.ArrayLike, layer: int | Sequence[int]) -> Array:
    r"""Exact Jacobian (up to rounding) of the output with respect to the weights of one layer.

    .. math:: \frac{\partial h_K}{\partial W_i} = \frac{\partial h_K}{\partial y_i} \otimes h_{i-1}

    for a dense layer, and the same with the patches of :math:`h_{i-1}` for a convolution.

    Parameters
    ----------
    network : FeedForward, Sequential or Residual
    x : (n_0,) array_like
        Finite real input.
    layer : int or sequence of int
        The layer i, counted from 1 as in the sources. A sequence leads to a layer inside of others: the parts of a
        Sequential are counted from 1, in a Residual 1 is the block and 2 the shortcut.

    Returns
    -------
    jacobian : (n_K, n_i, n_{i-1}) or (n_K, c_out, c_in / groups, k_h, k_w) ndarray

    Raises
    ------
    ValueError
        If `network` is no network, `x` does not fit it, or there is no such layer, or none with weights.

    References
    ----------
    than.thm-12-eq-6, than.thm-15, lipref.network-jacobians

    Examples
    --------
    >>> weight_jacobian(FeedForward([[[1, 1]], [[5]]]), [3, 2], 1).tolist()
    [[[15.0, 10.0]]]
    """
    check_network(network)
    path = as_sequence(layer, "layer") if np.iterable(layer) and not isinstance(layer, str) else [layer]
    point = as_real_vector(x, size=network.inputs)
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
    values = part.values(x)
    jacobian = _weight_jacobian(branches[i], values[i], rest, whole)
    for later, value in zip(branches[i + 1 :], values[i + 1 : -1], strict=True):
        with np.errstate(over="ignore", invalid="ignore"):
            jacobian = in_range(np.tensordot(later.jacobian(value), jacobian, 1), "the Jacobian")
    return jacobian
