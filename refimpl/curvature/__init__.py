"""Curvature of the loss: cross entropy, its mean under noise on the last layer, Hessians of small networks."""

from refimpl.curvature._cross_entropy import (
    activation_decay,
    cross_entropy,
    cross_entropy_gradient,
    cross_entropy_hessian,
    smoothed_cross_entropy_bound,
    taylor_smoothed_cross_entropy,
)
from refimpl.curvature._networks import hessian_norm_bound, loss_hessian, smoothed_hessian_bound
from refimpl.curvature._smoothed import (
    smoothed_cross_entropy,
    smoothed_cross_entropy_gradient,
    smoothed_cross_entropy_hessian,
)

__all__ = [
    "activation_decay",
    "cross_entropy",
    "cross_entropy_gradient",
    "cross_entropy_hessian",
    "hessian_norm_bound",
    "loss_hessian",
    "smoothed_cross_entropy",
    "smoothed_cross_entropy_bound",
    "smoothed_cross_entropy_gradient",
    "smoothed_cross_entropy_hessian",
    "smoothed_hessian_bound",
    "taylor_smoothed_cross_entropy",
]
