"""Bounds on the expected loss by local Lipschitz constants over a partition, and the bounds they are compared with."""

from refimpl.generalization._bounds import (
    local_lipschitz_bound,
    optimal_transport_bound,
    sampling_remainder,
    spherical_sharpness_bound,
)
from refimpl.generalization._iterations import iteration_complexity
from refimpl.generalization._partition import Cells, cell_statistics, partition_by_nearest

__all__ = [
    "Cells",
    "cell_statistics",
    "iteration_complexity",
    "local_lipschitz_bound",
    "optimal_transport_bound",
    "partition_by_nearest",
    "sampling_remainder",
    "spherical_sharpness_bound",
]
