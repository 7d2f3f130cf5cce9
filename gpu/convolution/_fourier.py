"""The Fourier side of a convolution: densities and frequency blocks."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpu._arguments import as_kernel, as_real_array, in_range
from gpu._namespace import Array, from_host, is_complex, matmul, namespace_of, quiet, working
from gpu.convolution._blocks import Spectrum
from refimpl._arguments import as_choice, as_pair


def spectral_density(K: Any, w1: Any, w2: Any) -> Array:
    """`refimpl.convolution.spectral_density`, one product of matrices for all angles."""
    xp = namespace_of(K, *(w for w in (w1, w2) if getattr(w, "ndim", 0) > 0))
    kernel = as_kernel(K, xp=xp)
    first, second = as_real_array(w1, "w1", "angles", xp=xp), as_real_array(w2, "w2", "angles", xp=xp)
    try:
        shape = np.broadcast_shapes(tuple(first.shape), tuple(second.shape))
    except ValueError:
        raise ValueError(
            f"w2 must broadcast against w1 of shape {tuple(first.shape)}, got shape {tuple(second.shape)}"
        ) from None
    first, second = (xp.reshape(xp.broadcast_to(w, shape), (-1,)) for w in (first, second))
    c_out, c_in, k_h, k_w = kernel.shape
    p, q = (from_host(xp, i.ravel().astype(float), kernel) for i in np.indices((k_h, k_w)))
    phases = working(xp, xp.exp(-1j * (first[:, None] * p + second[:, None] * q)))
    taps = xp.reshape(xp.permute_dims(working(xp, kernel), (2, 3, 0, 1)), (k_h * k_w, c_out * c_in))
    with quiet():
        E = matmul(phases, xp.astype(taps, phases.dtype))
    return in_range(xp.reshape(E, (*shape, c_out, c_in)), "E", xp)


def frequency_blocks(K: Any, n: Any, *, half: bool = False) -> Array:
    """`refimpl.convolution.frequency_blocks`; all of them at once, as that is what is asked for."""
    xp = namespace_of(K)
    kernel = as_kernel(K)
    size = as_pair(n, "n")
    half = as_choice(half, "half", (False, True))
    if half and is_complex(xp, kernel):
        raise ValueError("half must be False where K is complex, got True")
    spectrum = Spectrum(xp, working(xp, kernel), size, half=half)
    with quiet():
        D = spectrum.blocks(spectrum.all)
    return in_range(xp.reshape(D, (size[0], spectrum.width, *kernel.shape[:2])), "D", xp)


