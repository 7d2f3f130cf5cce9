"""Norms of convolutions for expected values: by exact characteristic polynomials, also of large matrices."""

from __future__ import annotations

from typing import Any

from flint import arb

from proofs_check.balls import convolution, spectral

# Bits from the largest tap's first to the smallest tap's last; above, the polynomial's coefficients are too long.
SPREAD = 100


def conv_norm(K: Any, n: Any, **how: Any) -> arb:
    """The norm of the layer's matrix."""
    layer = convolution._Layer(K, n, **how)
    if not K.any() or spectral._spread(layer.K) > SPREAD:
        return convolution.conv_spectral_norm(K, n, **how).norm
    return spectral.singular_values(layer.matrix())[0]
