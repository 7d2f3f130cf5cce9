"""The same weights with the statistics of one batch frozen, as at inference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy.typing as npt

from refimpl.explosion._networks import states_of
from refimpl.network import FeedForward, FrozenBatchNorm
from refimpl.normalization import batch_norm_statistics


def frozen_network(weights: Sequence[npt.ArrayLike], batch: npt.ArrayLike, *, epsilon: float) -> FeedForward:
    """The same layers with batch normalization at inference: with the statistics that a batch has in each layer.

    Parameters
    ----------
    weights : sequence of (n_l, n_{l-1}) array_like
        As in `linear_network`.
    batch : (samples, n_0) array_like
        Where the statistics come from.
    epsilon : float
        At least 0.

    Returns
    -------
    network : FeedForward
        Of one sample; its samples are mapped to the rows of `linear_network`.

    Raises
    ------
    ValueError
        If shapes do not fit or an argument is out of its range.

    References
    ----------
    explosion.both, explosion.frozen

    Examples
    --------
    >>> from refimpl.explosion import exploding_network
    >>> from refimpl.spectral import spectral_norm
    >>> network = exploding_network(10, 2)
    >>> typical = [[2, 0], [0, 2], [0, -2], [-2, 0]]  # two uncorrelated features
    >>> frozen = frozen_network(network.weights, typical, epsilon=0)
    >>> J = frozen.jacobian([1.0, 0.0])
    >>> round(spectral_norm(J), 6), network.growth
    (1.0, 1024.0)
    """
    chain, states = states_of(weights, batch, epsilon, "batch")
    normalizers = []
    for Z, _ in states[1:]:
        mean, variance = batch_norm_statistics(Z)
        normalizers.append(FrozenBatchNorm(mean, variance, epsilon))
    return FeedForward(chain, "identity", normalizers)
