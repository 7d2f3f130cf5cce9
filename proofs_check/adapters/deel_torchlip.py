"""deel-torchlip: the functions behind its 1-Lipschitz layers, with their default settings."""

from typing import Any

import numpy as np
import torch
from deel.torchlip import normalizers

from proofs_check.implementation import Unsupported


def spectral_normalization(W: Any, *, certified: bool = False) -> Any:
    """``normalizers.spectral_normalization(W)``: "its greatest eigen value to approximately 1"."""
    A = _real(W)
    if certified:
        raise Unsupported("deel-torchlip has no bounds")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        start = torch.randn(1, A.shape[1], dtype=torch.float64)
        return normalizers.spectral_normalization(A, start)[0].numpy()


def bjorck(W: Any, n_iter: int) -> Any:
    """``normalizers.bjorck_normalization`` with beta 1/2, that never stops early."""
    return normalizers.bjorck_normalization(_real(W), eps=0.0, beta=0.5, maxiter=n_iter).numpy()


def _real(W: Any) -> torch.Tensor:
    A = np.array(W)
    if np.iscomplexobj(A):
        raise Unsupported("deel-torchlip has real weights")
    return torch.tensor(A * 1.0)
