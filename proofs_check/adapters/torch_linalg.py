"""torch.linalg in double precision, and torch.softmax."""

from typing import Any

import numpy as np
import torch

from proofs_check.implementation import Unsupported


def _tensor(value: Any) -> torch.Tensor:
    return torch.tensor(np.array(value) * 1.0)


def spectral_norm(W: Any) -> float:
    """``torch.linalg.matrix_norm(W, 2)``."""
    return float(torch.linalg.matrix_norm(_tensor(W), 2))


def schatten_norm(W: Any, p: float) -> float:
    """``torch.linalg.vector_norm`` of ``torch.linalg.svdvals``."""
    if not p >= 1:
        raise Unsupported("torch's vector_norm takes other p too, where it is none")
    return float(torch.linalg.vector_norm(torch.linalg.svdvals(_tensor(W)), p))


def spectral_radius(W: Any) -> float:
    """The largest modulus of ``torch.linalg.eigvals``."""
    return float(torch.linalg.eigvals(_tensor(W)).abs().max())


def softmax(z: Any, *, temperature: float = 1.0, mass: float = 1.0) -> Any:
    """``mass * torch.softmax(z / temperature)``."""
    if not (temperature > 0 and mass > 0):
        raise Unsupported("torch has neither: temperature and mass must be positive")
    return (mass * torch.softmax(_tensor(z) / temperature, dim=-1)).numpy()
