"""numpy.linalg: norms of singular values and the spectral radius."""

from typing import Any

import numpy as np


def spectral_norm(W: Any) -> float:
    """``numpy.linalg.norm(W, 2)``."""
    return float(np.linalg.norm(np.asarray(W), 2))


def schatten_norm(W: Any, p: float) -> float:
    """The p-norm of ``numpy.linalg.svdvals``."""
    return float(np.linalg.norm(np.linalg.svdvals(np.asarray(W)), p))


def spectral_radius(W: Any) -> float:
    """The largest modulus of ``numpy.linalg.eigvals``."""
    return float(np.abs(np.linalg.eigvals(np.asarray(W))).max())
