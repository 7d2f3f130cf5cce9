"""Derivatives of networks by the chain rule, and the product upper bound."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_count
from refimpl.network._feed_forward import ACTIVATIONS, FeedForward, Residual
from refimpl.spectral import spectral_norm

Array = npt.NDArray[Any]


def product_upper_bound(network: FeedForward | Residual) -> float:
    r"""Upper bound on the l2 Lipschitz constant: the product over the layers.

    .. math:: \prod_k \lVert W_k \rVert_2 \, \mathrm{Lip}(\mathrm{NO}_k)

    The activations on offer are 1-Lipschitz. A residual network adds 1 for the identity.

    Parameters
    ----------
    network : FeedForward or Residual

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
    than.lemma-5, than.thm-9, than.lemma-5.residual

    Examples
    --------
    >>> product_upper_bound(FeedForward([[[3, 0], [0, 1]], [[0, 2]]]))
    6.0
    """
    _check_network(network)
    if isinstance(network, Residual):
        return 1 + product_upper_bound(network.block)
    factors = [spectral_norm(W) for W in network.weights]
    for W, normalizer in zip(network.weights, network.normalizers, strict=True):
        factors.append(1.0 if normalizer is None else normalizer.lipschitz(W.shape[0]))
    return _product(factors)


def _product(factors: list[float]) -> float:
    """The product; infinity where it is too large for a float."""
    # Exponents are added apart: a partial product that underflows would make the bound 0.
    mantissa, exponent = 1.0, 0
    for factor in factors:
        part, power = math.frexp(factor)
        mantissa, carry = math.frexp(mantissa * part)
        exponent += power + carry
    with np.errstate(over="ignore"):
        return float(np.ldexp(mantissa, exponent))


def _check_network(network: Any) -> None:
    if not isinstance(network, (FeedForward, Residual)):
        raise ValueError(f"network must be a FeedForward or Residual, got {network!r}")


def _layer_jacobian(network: FeedForward, i: int, y: Array) -> Array:
    """The derivative of h_i with respect to its linear part y."""
    _, slope = ACTIVATIONS[network.activation[i]]
    normalizer = network.normalizers[i]
    if normalizer is None:
        return np.diag(slope(y))
    return np.asarray(np.diag(slope(normalizer(y))) @ normalizer.jacobian(y))


def input_jacobian(network: FeedForward | Residual, x: npt.ArrayLike) -> Array:
    r"""Exact Jacobian (up to rounding) of the output with respect to the input.

    At a kink of ReLU, where there is none, the slope is taken as 0.

    Parameters
    ----------
    network : FeedForward or Residual
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
    than.lemma-5, than.thm-6

    Examples
    --------
    >>> input_jacobian(FeedForward([[[1, -1], [0, 2]], [[1, 1]]]), [3, 1]).tolist()
    [[1.0, 1.0]]
    """
    _check_network(network)
    if isinstance(network, Residual):
        inner = input_jacobian(network.block, x)
        return np.eye(len(inner)) + inner
    jacobian = np.eye(network.weights[0].shape[1])
    for i, y in enumerate(network.pre_activations(x)):
        jacobian = _layer_jacobian(network, i, y) @ network.weights[i] @ jacobian
    return jacobian


def weight_jacobian(network: FeedForward, x: npt.ArrayLike, layer: int) -> Array:
    r"""Exact Jacobian (up to rounding) of the output with respect to the weights of one layer.

    .. math:: \frac{\partial h_K}{\partial W_i} = \frac{\partial h_K}{\partial y_i} \otimes h_{i-1}

    Parameters
    ----------
    network : FeedForward
    x : (n_0,) array_like
        Finite real input.
    layer : int
        The layer i, counted from 1 as in the sources.

    Returns
    -------
    jacobian : (n_K, n_i, n_{i-1}) ndarray

    Raises
    ------
    ValueError
        If `network` is no FeedForward, `x` does not fit it, or there is no such layer.

    References
    ----------
    than.thm-12-eq-6, than.thm-15

    Examples
    --------
    >>> weight_jacobian(FeedForward([[[1, 1]], [[5]]]), [3, 2], 1).tolist()
    [[[15.0, 10.0]]]
    """
    if not isinstance(network, FeedForward):
        raise ValueError(f"network must be a FeedForward, got {network!r}")
    i = as_count(layer, "layer", minimum=1) - 1
    if i >= len(network.weights):
        raise ValueError(f"layer must be at most {len(network.weights)}, the number of layers, got {layer}")
    linear, outputs = network.pre_activations(x), network.layers(x)
    tail = _layer_jacobian(network, i, linear[i])
    for k in range(i + 1, len(network.weights)):
        tail = _layer_jacobian(network, k, linear[k]) @ network.weights[k] @ tail
    return np.asarray(np.multiply.outer(tail, outputs[i]))
