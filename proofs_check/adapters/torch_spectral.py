"""torch.nn.utils.parametrizations.spectral_norm, as it stands after registration: fifteen power iterations.

Its documentation promises an approximation, by one power iteration at each access of the weight. It is that; it is
neither a bound nor the exact normalization that refimpl computes.
"""

from typing import Any

import numpy as np
import torch
from torch.nn.utils.parametrizations import spectral_norm as parametrize

from proofs_check.implementation import Unsupported


def spectral_normalization(W: Any, *, certified: bool = False) -> Any:
    """The weight of a `torch.nn.Linear` with the parametrization, in evaluation mode."""
    A = np.array(W)
    if certified or np.iscomplexobj(A):
        raise Unsupported("torch's spectral_norm has real weights here and no bounds")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer = torch.nn.Linear(A.shape[1], A.shape[0], bias=False, dtype=torch.float64)
        layer.weight.data = torch.tensor(A * 1.0)
        return parametrize(layer).eval().weight.detach().numpy()
