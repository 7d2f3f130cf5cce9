"""Lipschitz layers, as in `refimpl.layers`."""

from gpu.layers._activations import activation, activation_derivative, activation_lipschitz
from gpu.layers._convolutions import (
    block_orthogonal_convolution,
    cayley_convolution,
    reshaped_kernel_orthogonalization,
    skew_orthogonal_convolution,
)
from gpu.layers._orthogonal import bjorck, cayley, cayley_rectangular, skew_exponential
from gpu.layers._rescaling import aol_rescaling, sll_rescaling, spectral_normalization, spectral_rescaling
from gpu.layers._residual import convex_potential_layer, residual_linear_block, sandwich_layer, sll_layer

__all__ = [
    "activation",
    "activation_derivative",
    "activation_lipschitz",
    "aol_rescaling",
    "bjorck",
    "block_orthogonal_convolution",
    "cayley",
    "cayley_convolution",
    "cayley_rectangular",
    "convex_potential_layer",
    "reshaped_kernel_orthogonalization",
    "residual_linear_block",
    "sandwich_layer",
    "skew_exponential",
    "skew_orthogonal_convolution",
    "sll_layer",
    "sll_rescaling",
    "spectral_normalization",
    "spectral_rescaling",
]
