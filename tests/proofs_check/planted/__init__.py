"""Errors that people make: each is one function of refimpl with a bug. Vectors alone and claims alone find them."""

from planted import (
    _bounds,
    _certificates,
    _convolution,
    _kernel_bounds,
    _kernels,
    _layers,
    _matrices,
    _networks,
    _noise,
    _normalizers,
    _orthogonal,
    _radii,
    _smoothing,
    _spectral,
)
from planted._registry import BUGS, Bug

__all__ = ["BUGS", "Bug", "found_by"]

MODULES = (
    _bounds, _certificates, _convolution, _kernel_bounds, _kernels, _layers, _matrices, _networks, _noise,
    _normalizers, _orthogonal, _radii, _smoothing, _spectral,
)


def found_by(kind):
    """Names of the bugs that this kind of evidence, vectors or claims, has to find."""
    return [name for name, bug in BUGS.items() if bug.only in ("", kind)]
