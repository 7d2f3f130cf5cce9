r"""Linear networks with normalization whose Jacobians grow exponentially with depth although all weights have norm 1.

A layer maps a batch X of samples (rows) to :math:`N(X W^\top)`. The normalizer N divides by the size of what it finds.
So a weight that shrinks the direction that the data occupy, and keeps all others, has them enlarged, at every layer
again: the data come out as they went in, and a perturbation of another direction grows.
"""

from refimpl.explosion._families import ExplodingNetwork, exploding_network, exploding_weights
from refimpl.explosion._frozen import frozen_network
from refimpl.explosion._networks import (
    amplification,
    jacobian_bound,
    linear_network,
    linear_network_jacobian,
    linear_network_weight_jacobian,
)

__all__ = [
    "ExplodingNetwork",
    "amplification",
    "exploding_network",
    "exploding_weights",
    "frozen_network",
    "jacobian_bound",
    "linear_network",
    "linear_network_jacobian",
    "linear_network_weight_jacobian",
]
