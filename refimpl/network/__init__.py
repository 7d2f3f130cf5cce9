"""Feed-forward and residual networks: forward maps, Jacobians, product upper bound."""

from refimpl.network._constructions import extremal_network, identity_like, truncate_or_pad
from refimpl.network._feed_forward import FeedForward, Residual
from refimpl.network._jacobians import input_jacobian, product_upper_bound, weight_jacobian
from refimpl.network._normalizers import FrozenBatchNorm, GroupNorm, LayerNorm, Normalizer, RMSNorm

__all__ = [
    "FeedForward",
    "FrozenBatchNorm",
    "GroupNorm",
    "LayerNorm",
    "Normalizer",
    "RMSNorm",
    "Residual",
    "extremal_network",
    "identity_like",
    "input_jacobian",
    "product_upper_bound",
    "truncate_or_pad",
    "weight_jacobian",
]
