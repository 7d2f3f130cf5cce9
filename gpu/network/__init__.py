"""Networks, as in `refimpl.network`; Jacobians by adjoint maps where no explicit matrix is asked for."""

from gpu.network._attack import pgd_attack
from gpu.network._compositions import LipschitzResidual, Residual, Sequential
from gpu.network._feed_forward import FeedForward
from gpu.network._jacobians import input_jacobian, product_upper_bound, truncate_or_pad, weight_jacobian
from gpu.network._layers import Activation, Convolution, Dense, Layer, Pooling
from gpu.network._local import local_lipschitz
from gpu.network._normalizers import FrozenBatchNorm, GroupNorm, LayerNorm, Normalizer, RMSNorm
from gpu.network._pooling import pooling_lipschitz

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
    "input_jacobian",
    "local_lipschitz",
    "pgd_attack",
    "pooling_lipschitz",
    "product_upper_bound",
    "truncate_or_pad",
    "weight_jacobian",
]
