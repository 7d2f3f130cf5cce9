"""Spectral norms of dense matrices, as in `refimpl.spectral`."""

from gpu.spectral._enclosure import SpectralNormEnclosure, spectral_norm_enclosure
from gpu.spectral._gram import gram_bound_sequence, gram_iteration, gram_iteration_gradient, gram_iteration_naive
from gpu.spectral._norms import gelfand_sequence, schatten_norm, spectral_norm, spectral_radius
from gpu.spectral._power import dominant_eigenpair, dominant_singular_vector, power_iteration

__all__ = [
    "SpectralNormEnclosure",
    "dominant_eigenpair",
    "dominant_singular_vector",
    "gelfand_sequence",
    "gram_bound_sequence",
    "gram_iteration",
    "gram_iteration_gradient",
    "gram_iteration_naive",
    "power_iteration",
    "schatten_norm",
    "spectral_norm",
    "spectral_norm_enclosure",
    "spectral_radius",
]
