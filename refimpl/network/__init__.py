"""Feed-forward and residual networks: forward maps, Jacobians, global and local Lipschitz bounds, attacks."""

from refimpl.network._attack import pgd_attack
from refimpl.network._compositions import LipschitzResidual, Residual, Sequential
from refimpl.network._constructions import extremal_network, identity_like, truncate_or_pad
from refimpl.network._feed_forward import FeedForward
from refimpl.network._jacobians import input_jacobian, product_upper_bound, weight_jacobian
from refimpl.network._layers import Activation, Convolution, Dense, Layer, Pooling
from refimpl.network._local import local_lipschitz, local_lipschitz_exact
from refimpl.network._normalizers import FrozenBatchNorm, GroupNorm, LayerNorm, Normalizer, RMSNorm
from refimpl.network._pooling import pooling_lipschitz

__all__ = [
    "Activation",
    "Convolution",
    "Dense",
    "FeedForward",
    "FrozenBatchNorm",
    "GroupNorm",
    "Layer",
    "LayerNorm",
    "LipschitzResidual",
    "Normalizer",
    "Pooling",
    "RMSNorm",
    "Residual",
    "Sequential",
    "extremal_network",
    "identity_like",
    "input_jacobian",
    "local_lipschitz",
    "local_lipschitz_exact",
    "pgd_attack",
    "pooling_lipschitz",
    "product_upper_bound",
    "truncate_or_pad",
    "weight_jacobian",
]
