"""entmax.sparsemax, in double precision."""

from typing import Any

import entmax
import numpy as np
import torch


def sparsemax(z: Any, *, temperature: float = 1.0, mass: float = 1.0) -> Any:
    """``mass * entmax.sparsemax(z / (temperature * mass))``: the point of mass 1, scaled."""
    scores = torch.tensor(np.array(z) * 1.0) / (temperature * mass)
    return (mass * entmax.sparsemax(scores, dim=-1)).numpy()
