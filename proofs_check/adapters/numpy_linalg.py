"""numpy.linalg: norms of singular values and the spectral radius."""

from typing import Any

import numpy as np

from proofs_check.implementation import Unsupported


def spectral_norm(W: Any) -> float:
    """``numpy.linalg.norm(W, 2)``, of a matrix only: the axes say so."""
    return float(np.linalg.norm(np.asarray(W), 2, axis=(0, 1)))


def schatten_norm(W: Any, p: float) -> float:
    """The p-norm of the singular values of ``numpy.linalg.svd``."""
    if not p >= 1:
        raise Unsupported("numpy's norm takes other p too, where it is none")
    return float(np.linalg.norm(np.linalg.svd(np.asarray(W), compute_uv=False), p))


def spectral_radius(W: Any) -> float:
    """The largest modulus of ``numpy.linalg.eigvals``."""
    return float(np.abs(np.linalg.eigvals(np.asarray(W))).max())
