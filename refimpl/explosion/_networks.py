"""Linear layers with normalization: their values and Jacobians, and a bound at a batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from refimpl._arguments import as_choice, as_count, as_number, as_real_matrix, in_range
from refimpl.network._feed_forward import as_chain
from refimpl.normalization import (
    group_norm,
    group_norm_jacobian,
    layer_norm,
    layer_norm_jacobian,
    rms_norm,
    rms_norm_jacobian,
)
from refimpl.spectral import spectral_norm

Array = npt.NDArray[Any]
Kind = Literal["batch", "layer", "group", "rms"]
KINDS: tuple[Kind, ...] = ("batch", "layer", "group", "rms")
# Of group normalization.
GROUPS = 2


def linear_network(
    weights: Sequence[npt.ArrayLike], batch: npt.ArrayLike, *, epsilon: float, normalizer: Kind = "batch"
) -> Array:
    r"""Linear layers, each followed by a normalization without parameters, exact up to rounding.

    .. math:: X_l = N(X_{l-1} W_l^\top)

    Parameters
    ----------
    weights : sequence of (n_l, n_{l-1}) array_like
        Finite real matrices that fit each other, at least one.
    batch : (samples, n_0) array_like
        :math:`X_0`.
    epsilon : float
        At least 0, above 0 where something constant is normalized.
    normalizer : {"batch", "layer", "group", "rms"}
        "batch" is over the samples, with the statistics of the batch; the others are of each sample by itself, "group"
        with two groups.

    Returns
    -------
    X : (samples, n_L) ndarray

    Raises
    ------
    ValueError
        If shapes do not fit or an argument is out of its range.

    References
    ----------
    explosion.input, explosion.scale-blind

    Examples
    --------
    A batch that a layer gives back as it is:

    >>> W, batch = [[0.75, -0.25], [-0.25, 0.75]], [[1, 1], [1, 1], [-1, -1], [-1, -1]]
    >>> linear_network([W] * 50, batch, epsilon=0).tolist()
    [[1.0, 1.0], [1.0, 1.0], [-1.0, -1.0], [-1.0, -1.0]]
    """
    _, states = states_of(weights, batch, epsilon, normalizer)
    return states[-1][1]


def states_of(
    weights: Any, batch: Any, epsilon: Any, normalizer: Any
) -> tuple[list[Array], list[tuple[Array, Array]]]:
    """The weights, checked; before and after the normalization of each layer, the batch itself first, as both."""
    chain, X, kind = as_chain(weights), as_real_matrix(batch, "batch"), as_choice(normalizer, "normalizer", KINDS)
    if chain[0].shape[1] != X.shape[1]:
        raise ValueError(f"batch must be of {chain[0].shape[1]} columns, as weights[0] is, got shape {X.shape}")
    floor = as_number(epsilon, "epsilon", minimum=0)
    states = [(X, X)]
    for W in chain:
        with np.errstate(over="ignore", invalid="ignore"):
            Z = in_range(states[-1][1] @ W.T, "the product with a weight")
        states.append((Z, _normalize(Z, kind, floor)))
    return chain, states


def _normalize(Z: Array, kind: Kind, epsilon: float) -> Array:
    if kind == "batch":
        return np.stack([layer_norm(feature, epsilon=epsilon) for feature in Z.T], axis=1)
    if kind == "group":
        return np.stack([group_norm(sample, GROUPS, epsilon=epsilon) for sample in Z])
    norm = layer_norm if kind == "layer" else rms_norm
    return np.stack([norm(sample, epsilon=epsilon) for sample in Z])


def _push(Z: Array, kind: Kind, epsilon: float, dZ: Array) -> Array:
    """The Jacobian of the normalization at Z times (samples, features, directions)."""
    out = np.empty_like(dZ)
    if kind == "batch":
        for k, feature in enumerate(Z.T):
            out[:, k] = layer_norm_jacobian(feature, epsilon=epsilon) @ dZ[:, k]
        return out
    for i, sample in enumerate(Z):
        if kind == "group":
            J = group_norm_jacobian(sample, GROUPS, epsilon=epsilon)
        else:
            J = (layer_norm_jacobian if kind == "layer" else rms_norm_jacobian)(sample, epsilon=epsilon)
        out[i] = J @ dZ[i]
    return out


def _pushed(chain: Sequence[Array], states: Sequence[Any], kind: Kind, epsilon: float, dX: Array) -> Array:
    """The directions (samples, features, directions) after these layers."""
    for W, (Z, _) in zip(chain, states, strict=True):
        with np.errstate(over="ignore", invalid="ignore"):
            dX = in_range(_push(Z, kind, epsilon, np.einsum("kj,mjd->mkd", W, dX)), "the Jacobian")
    return dX


def linear_network_jacobian(
    weights: Sequence[npt.ArrayLike], batch: npt.ArrayLike, *, epsilon: float, normalizer: Kind = "batch"
) -> Array:
    """Exact Jacobian of `linear_network` with respect to the batch (up to rounding).

    Parameters
    ----------
    weights : sequence of (n_l, n_{l-1}) array_like
        As in `linear_network`.
    batch : (samples, n_0) array_like
        Where.
    epsilon : float
        At least 0.
    normalizer : {"batch", "layer", "group", "rms"}
        Kind of normalization.

    Returns
    -------
    jacobian : (samples, n_L, samples, n_0) ndarray
        Entry ``[i, k, j, l]``: output i, k by input j, l.

    Raises
    ------
    ValueError
        If shapes do not fit or an argument is out of its range.

    References
    ----------
    explosion.input, explosion.local

    Examples
    --------
    >>> from refimpl.explosion import exploding_network
    >>> network = exploding_network(10, 3)
    >>> J = linear_network_jacobian(network.weights, network.batch, epsilon=0)
    >>> round(spectral_norm(J.reshape(8, 8))), 3**10
    (59049, 59049)
    """
    chain, states = states_of(weights, batch, epsilon, normalizer)
    m, n = states[0][0].shape
    directions = np.eye(m * n).reshape(m, n, m * n)
    J = _pushed(chain, states[1:], normalizer, epsilon, directions)
    return J.reshape(m, -1, m, n)


def linear_network_weight_jacobian(
    weights: Sequence[npt.ArrayLike], batch: npt.ArrayLike, layer: int, *, epsilon: float, normalizer: Kind = "batch"
) -> Array:
    """Exact Jacobian of `linear_network` with respect to one weight matrix (up to rounding).

    Parameters
    ----------
    weights : sequence of (n_l, n_{l-1}) array_like
        As in `linear_network`.
    batch : (samples, n_0) array_like
        Input.
    layer : int
        Which weight, from 0.
    epsilon : float
        At least 0.
    normalizer : {"batch", "layer", "group", "rms"}
        Kind of normalization.

    Returns
    -------
    jacobian : (samples, n_L, n_l, n_{l-1}) ndarray
        Entry ``[i, k, p, q]``: output i, k by entry p, q of the weight.

    Raises
    ------
    ValueError
        If shapes do not fit or an argument is out of its range.

    References
    ----------
    explosion.parameter

    Examples
    --------
    >>> from refimpl.explosion import exploding_weights
    >>> network = exploding_weights(10, 3)
    >>> J = linear_network_weight_jacobian(network.weights, network.batch, 0, epsilon=0)
    >>> round(spectral_norm(J.reshape(12, 9)) / 3**10, 6)
    2.666667
    """
    chain, states = states_of(weights, batch, epsilon, normalizer)
    index = as_count(layer, "layer")
    if index >= len(chain):
        raise ValueError(f"layer must be below the number of weights {len(chain)}, got {index}")
    before, (Z, _) = states[index][1], states[index + 1]
    rows, columns = chain[index].shape
    # Entry p, q of the weight moves feature p of Z by feature q of the layer's input.
    moved = np.einsum("mq,kp->mkpq", before, np.eye(rows)).reshape(len(before), rows, rows * columns)
    J = _pushed(chain[index + 1:], states[index + 2:], normalizer, epsilon, _push(Z, normalizer, epsilon, moved))
    return in_range(J, "the Jacobian").reshape(len(before), -1, rows, columns)


def amplification(
    weights: Sequence[npt.ArrayLike], batch: npt.ArrayLike, perturbation: npt.ArrayLike, *, epsilon: float,
    normalizer: Kind = "batch",
) -> float:
    r"""How much a perturbation of the batch grows to first order, exact up to rounding.

    .. math:: \frac{\lVert J \Delta \rVert_F}{\lVert \Delta \rVert_F}

    Parameters
    ----------
    weights : sequence of (n_l, n_{l-1}) array_like
        As in `linear_network`.
    batch : (samples, n_0) array_like
        Where.
    perturbation : (samples, n_0) array_like
        :math:`\Delta`, not 0.
    epsilon : float
        At least 0.
    normalizer : {"batch", "layer", "group", "rms"}
        Kind of normalization.

    Returns
    -------
    factor : float

    Raises
    ------
    ValueError
        If shapes do not fit or an argument is out of its range.

    References
    ----------
    explosion.rank, explosion.one-sample

    Examples
    --------
    A new direction grows, one that the batch has already is normalized away:

    >>> from refimpl.explosion import exploding_network
    >>> network = exploding_network(10, 3)
    >>> round(amplification(network.weights, network.batch, network.perturbation, epsilon=0), 6)
    59049.0
    >>> amplification(network.weights, network.batch, network.batch, epsilon=0)
    0.0
    """
    chain, states = states_of(weights, batch, epsilon, normalizer)
    delta = as_real_matrix(perturbation, "perturbation")
    if delta.shape != states[0][0].shape:
        raise ValueError(f"perturbation must have the shape of batch {states[0][0].shape}, got {delta.shape}")
    size = float(np.abs(delta).max())
    if size == 0:
        raise ValueError("perturbation must not be 0, got all zeros")
    delta = delta / size
    moved = _pushed(chain, states[1:], normalizer, epsilon, delta[:, :, None])
    return float(np.linalg.norm(moved) / np.linalg.norm(delta))


def jacobian_bound(
    weights: Sequence[npt.ArrayLike], batch: npt.ArrayLike, *, epsilon: float, normalizer: Kind = "batch"
) -> float:
    r"""Upper bound on the norm of `linear_network_jacobian` at a batch: the product over the layers.

    .. math:: \prod_l \lVert W_l \rVert_2 \max_k \frac{1}{\sqrt{\sigma_{l,k}^2 + \epsilon}}

    over the features k ("batch"), samples ("layer", "rms", mean squares for the latter) or groups of samples. That is
    the bound for frozen statistics, with those of this batch.

    Parameters
    ----------
    weights : sequence of (n_l, n_{l-1}) array_like
        As in `linear_network`.
    batch : (samples, n_0) array_like
        Where.
    epsilon : float
        At least 0.
    normalizer : {"batch", "layer", "group", "rms"}
        Kind of normalization.

    Returns
    -------
    bound : float

    Raises
    ------
    ValueError
        If shapes do not fit or an argument is out of its range.

    References
    ----------
    explosion.local, explosion.both

    Examples
    --------
    >>> from refimpl.explosion import exploding_network
    >>> network = exploding_network(10, 2)
    >>> round(jacobian_bound(network.weights, network.batch, epsilon=0), 6)
    1024.0
    """
    chain, states = states_of(weights, batch, epsilon, normalizer)
    factors = []
    for W, (Z, _) in zip(chain, states[1:], strict=True):
        if normalizer == "rms":
            least = (Z**2).mean(axis=1).min()
        else:
            parts = Z.T if normalizer == "batch" else Z.reshape(len(Z) * (GROUPS if normalizer == "group" else 1), -1)
            least = parts.var(axis=1).min()
        factors.append(spectral_norm(W) / math.sqrt(least + epsilon))
    return math.prod(factors)
