"""Hypothesis strategies for the domains of claims; public, for property-based tests elsewhere."""

from proofs_check.strategies._kernels import (
    complementary_kernels,
    convolutions,
    image_sizes,
    images,
    kernels,
    orthogonal_kernels,
    separable_kernels,
    unit_arrays,
)
from proofs_check.strategies._layered import layered_networks, network_from
from proofs_check.strategies._matrices import (
    dyadics,
    extreme_matrices,
    matrices,
    rank_one_matrices,
    signs,
    spectra,
    square_matrices,
    tied_matrices,
    vectors,
    with_spectrum,
)
from proofs_check.strategies._networks import groupings, networks, normalizers, widths

__all__ = [
    "complementary_kernels",
    "convolutions",
    "dyadics",
    "extreme_matrices",
    "groupings",
    "image_sizes",
    "images",
    "kernels",
    "layered_networks",
    "matrices",
    "network_from",
    "networks",
    "normalizers",
    "orthogonal_kernels",
    "rank_one_matrices",
    "separable_kernels",
    "signs",
    "spectra",
    "square_matrices",
    "tied_matrices",
    "unit_arrays",
    "vectors",
    "widths",
    "with_spectrum",
]
