"""Hypothesis strategies for the domains of claims; public, for property-based tests elsewhere."""

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
    "dyadics",
    "extreme_matrices",
    "groupings",
    "matrices",
    "networks",
    "normalizers",
    "rank_one_matrices",
    "signs",
    "spectra",
    "square_matrices",
    "tied_matrices",
    "vectors",
    "widths",
    "with_spectrum",
]
