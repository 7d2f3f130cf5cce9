"""torch.nn.utils.parametrizations.orthogonal: the Cayley transform and the exponential of a skew matrix."""

from typing import Any

import numpy as np
import torch
from torch.nn.utils.parametrizations import orthogonal

from proofs_check.implementation import Unsupported


def cayley(W: Any) -> Any:
    """The map "cayley", which is (I - A/2)^-1 (I + A/2) of the skew matrix A of a lower triangle: A = 2 (W - W*)."""
    return _weight(2, W, "cayley")


def skew_exponential(W: Any, terms: int | None = None) -> Any:
    """The map "matrix_exp"."""
    if terms is not None:
        raise Unsupported("torch has the exponential, not its truncated series")
    return _weight(1, W, "matrix_exp")


def _weight(factor: float, W: Any, chosen: str) -> Any:
    A = np.array(W) * 1.0
    layer = torch.nn.Linear(*A.shape, bias=False, dtype=torch.tensor(A).dtype)
    # The base of a trivialization is random; without one the map is applied to the lower triangle itself.
    layer = orthogonal(layer, orthogonal_map=chosen, use_trivialization=False)
    skew = factor * (A - A.conj().T)
    # The map adds minus the adjoint, which doubles the (imaginary) diagonal.
    layer.parametrizations.weight.original.data = torch.tensor(np.tril(skew) - np.diag(np.diag(skew)) / 2)
    return layer.weight.detach().numpy()
