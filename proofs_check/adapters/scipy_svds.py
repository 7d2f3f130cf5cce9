"""scipy.sparse.linalg.svds: the largest singular value, by ARPACK, the default solver."""

import warnings
from typing import Any

import numpy as np
from scipy.sparse.linalg import svds

from proofs_check.implementation import Unsupported


def spectral_norm(W: Any) -> float:
    """``svds(W, k=1)``; it needs k below both sides."""
    A = np.asarray(W) * 1.0
    if min(A.shape) < 2:
        raise Unsupported("scipy.sparse.linalg.svds takes k below both sides only: no rows, no columns")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)    # it says that it takes a dense solver for small matrices
        start = np.random.default_rng(0).standard_normal(min(A.shape))
        return float(svds(A, k=1, return_singular_vectors=False, v0=start)[0])
