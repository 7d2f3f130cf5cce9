"""The names of refimpl in ball arithmetic (python-flint): every result encloses the exact value.

An implementation like any other, written from the definitions and not from refimpl's formulas:
singular values are roots of a characteristic polynomial in integers, derivatives from
forward differentiation. Arrays are object arrays of `arb` or `acb`; floats that come in are taken as exact.
"""

from proofs_check.balls import (
    certificates,
    convolution,
    curvature,
    explosion,
    generalization,
    layers,
    network,
    normalization,
    simplex,
    spectral,
    weierstrass,
)
from proofs_check.balls._lift import lift

__all__ = [
    "certificates", "convolution", "curvature", "explosion", "generalization", "layers", "lift", "network",
    "normalization", "simplex", "spectral", "weierstrass",
]
