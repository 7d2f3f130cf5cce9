"""Normalization layers: forward map, Jacobian and exact Lipschitz constant of each."""

from refimpl.normalization._batch_norm import (
    BatchStatistics,
    batch_norm,
    batch_norm_jacobian,
    batch_norm_lipschitz,
    batch_norm_statistics,
    batch_norm_training,
    batch_norm_training_jacobian,
    batch_norm_training_lipschitz,
)
from refimpl.normalization._group_norm import (
    group_norm,
    group_norm_jacobian,
    group_norm_lipschitz,
    instance_norm,
    instance_norm_jacobian,
    instance_norm_lipschitz,
)
from refimpl.normalization._layer_norm import (
    layer_norm,
    layer_norm_jacobian,
    layer_norm_jacobian_norm,
    layer_norm_lipschitz,
)
from refimpl.normalization._rms_norm import rms_norm, rms_norm_jacobian, rms_norm_lipschitz

__all__ = [
    "BatchStatistics",
    "batch_norm",
    "batch_norm_jacobian",
    "batch_norm_lipschitz",
    "batch_norm_statistics",
    "batch_norm_training",
    "batch_norm_training_jacobian",
    "batch_norm_training_lipschitz",
    "group_norm",
    "group_norm_jacobian",
    "group_norm_lipschitz",
    "instance_norm",
    "instance_norm_jacobian",
    "instance_norm_lipschitz",
    "layer_norm",
    "layer_norm_jacobian",
    "layer_norm_jacobian_norm",
    "layer_norm_lipschitz",
    "rms_norm",
    "rms_norm_jacobian",
    "rms_norm_lipschitz",
]
