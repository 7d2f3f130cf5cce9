"""entmax.sparsemax, in double precision."""

from typing import Any

import entmax
import numpy as np
import torch

from proofs_check.implementation import Unsupported


def sparsemax(z: Any, *, temperature: float = 1.0, mass: float = 1.0) -> Any:
    """``mass * entmax.sparsemax(z / (temperature * mass))``: the point of mass 1, scaled."""
    if not (temperature > 0 and mass > 0):
        raise Unsupported("entmax has neither: temperature and mass must be positive")
    scores = torch.tensor(np.array(z) * 1.0) / (temperature * mass)
    return (mass * entmax.sparsemax(scores, dim=-1)).numpy()
