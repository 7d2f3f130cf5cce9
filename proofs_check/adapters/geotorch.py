"""geotorch: the maps of `geotorch.SO`, from skew matrices to orthogonal ones."""

from typing import Any

import geotorch
import numpy as np
import torch

from proofs_check.implementation import Unsupported


def cayley(W: Any) -> Any:
    """The trivialization "cayley", (I - A/2)^-1 (I + A/2), at A = 2 (W - W*)."""
    return _mapped(2, W, "cayley")


def skew_exponential(W: Any, terms: int | None = None) -> Any:
    """The trivialization "expm"."""
    if terms is not None:
        raise Unsupported("geotorch has the exponential, not its truncated series")
    return _mapped(1, W, "expm")


def _mapped(factor: float, W: Any, chosen: str) -> Any:
    A = np.array(W) * 1.0
    if np.iscomplexobj(A):
        raise Unsupported("geotorch's skew matrices are real")
    manifold = geotorch.SO(torch.Size(A.shape), triv=chosen).double()
    manifold.base.copy_(torch.eye(len(A)))    # a random rotation to start from, otherwise
    return manifold(torch.tensor(factor * (A - A.T))).numpy()
