"""Convolutions, as in `refimpl.convolution`."""

from gpu.convolution._apply import conv2d, conv2d_transpose
from gpu.convolution._circular import circular_norm_bound, circular_norm_bound_gradient
from gpu.convolution._compared import conv_power_iteration, four_matrix_bound, sampled_density_bound
from gpu.convolution._exact import ConvSpectralNorm, conv_spectral_norm
from gpu.convolution._fourier import frequency_blocks, spectral_density
from gpu.convolution._matrices import circulant_matrix, strided_matrix, toeplitz_matrix
from gpu.convolution._size_transfer import size_transfer_factor, smaller_input_norm_bound
from gpu.convolution._strided import polyphase_kernel, strided_norm_bound
from gpu.convolution._zero_padded import gram_kernel, zero_padded_norm_bound

__all__ = [
    "ConvSpectralNorm",
    "circulant_matrix",
    "circular_norm_bound",
    "circular_norm_bound_gradient",
    "conv2d",
    "conv2d_transpose",
    "conv_power_iteration",
    "conv_spectral_norm",
    "four_matrix_bound",
    "frequency_blocks",
    "gram_kernel",
    "polyphase_kernel",
    "sampled_density_bound",
    "size_transfer_factor",
    "smaller_input_norm_bound",
    "spectral_density",
    "strided_matrix",
    "strided_norm_bound",
    "toeplitz_matrix",
    "zero_padded_norm_bound",
]
