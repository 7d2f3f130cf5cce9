"""What is compared with: public libraries, and public algorithms written in PyTorch from their papers."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse.linalg
import torch

Tensor = torch.Tensor


def singular_values(W: Tensor) -> float:
    """PyTorch's norm: all singular values."""
    return float(torch.linalg.matrix_norm(W, 2))


def power(W: Tensor) -> float:
    """PyTorch's spectral normalization, ten power steps a call until the norm no longer rises by 1e-10."""
    layer = torch.nn.Linear(W.shape[1], W.shape[0], bias=False, dtype=W.dtype, device=W.device)
    layer.weight = torch.nn.Parameter(W.clone(), requires_grad=False)
    torch.manual_seed(0)
    torch.nn.utils.parametrizations.spectral_norm(layer, n_power_iterations=10)
    place, before = torch.argmax(W.abs()), 0.0
    with torch.no_grad():
        while True:
            sigma = float(W.flatten()[place] / layer.weight.flatten()[place])
            if abs(sigma - before) <= 1e-10 * sigma:
                return sigma
            before = sigma


def lanczos(W: Any) -> float:
    """SciPy's largest singular value by ARPACK, to the roundoff."""
    return float(scipy.sparse.linalg.svds(W, k=1, return_singular_vectors=False, rng=np.random.default_rng(0))[0])


def blocks(K: Tensor, n: int) -> Tensor:
    """Frequency blocks of a kernel with circular padding, (n^2, c_out, c_in)."""
    return torch.fft.fft2(K, s=(n, n)).permute(2, 3, 0, 1).reshape(n * n, K.shape[0], K.shape[1])


def fourier(K: Tensor, n: int) -> float:
    """The exact norm (Sedghi, Gupta and Long 2019): singular values of all blocks."""
    return float(torch.linalg.svdvals(blocks(K, n)).max())


def gram_circular(K: Tensor, n: int, n_iter: int) -> float:
    """Gram iteration on all blocks (Delattre, Barthelemy, Araujo and Allauzen 2023)."""
    D = blocks(K, n)
    if D.shape[1] < D.shape[2]:
        D = D.mH
    logs = torch.zeros(len(D), dtype=K.dtype, device=K.device)
    for _ in range(n_iter):
        size = torch.linalg.matrix_norm(D)
        logs = 2 * (logs + size.log())
        D = D / size[:, None, None]
        D = D.mH @ D
    norms = torch.linalg.matrix_norm(D).log()
    return float(((norms + logs) / 2**n_iter).exp().max())


def gram_zero_padded(K: Tensor, n_iter: int) -> float:
    """Gram iteration on the kernel itself: a bound for zero padding."""
    log = torch.zeros((), dtype=K.dtype, device=K.device)
    for _ in range(n_iter):
        size = torch.linalg.vector_norm(K)
        log = 2 * (log + size.log())
        K = K / size
        flipped = K.transpose(0, 1)
        K = torch.nn.functional.conv2d(flipped, flipped, padding=(K.shape[2] - 1, K.shape[3] - 1))
    total = K.abs().sum((1, 2, 3)).max().log()
    return float(((total + log) / 2**n_iter).exp())


def lanczos_zero_padded(K: Tensor, n: int) -> float:
    """SciPy's ARPACK on PyTorch's convolution and its adjoint, to the roundoff."""
    pad, (c_out, c_in) = K.shape[-1] // 2, K.shape[:2]

    def apply(x: np.ndarray) -> np.ndarray:
        image = torch.from_numpy(x).to(K.device).reshape(1, c_in, n, n)
        return torch.nn.functional.conv2d(image, K, padding=pad).cpu().numpy().ravel()

    def adjoint(y: np.ndarray) -> np.ndarray:
        image = torch.from_numpy(y).to(K.device).reshape(1, c_out, n, n)
        return torch.nn.functional.conv_transpose2d(image, K, padding=pad).cpu().numpy().ravel()

    shape = (c_out * n * n, c_in * n * n)
    layer = scipy.sparse.linalg.LinearOperator(shape, matvec=apply, rmatvec=adjoint, dtype=np.float64)
    return lanczos(layer)


def sparsemax(z: Tensor) -> Tensor:
    """By sorting (Martins and Astudillo 2016)."""
    ordered = torch.sort(z, dim=1, descending=True).values
    sums = ordered.cumsum(1) - 1
    ranks = torch.arange(1, z.shape[1] + 1, dtype=z.dtype, device=z.device)
    size = (ranks * ordered > sums).sum(1, keepdim=True)
    threshold = sums.gather(1, size - 1) / size
    return (z - threshold).clamp(min=0)


def clopper_pearson(counts: np.ndarray, n: int, alpha: float) -> Any:
    """Statsmodels' exact interval."""
    from statsmodels.stats.proportion import proportion_confint

    return proportion_confint(counts, n, alpha=alpha, method="beta")


def bernstein_grid(scores: Tensor, temperatures: list[float], alpha: float) -> float:
    """The largest margin of empirical Bernstein bounds over maps and temperatures, map by map."""
    n, c = scores.shape
    log = float(np.log(2 * c / alpha))
    best = -np.inf

    def softmax(z: Tensor) -> Tensor:
        return torch.softmax(z, 1)

    def hardmax(z: Tensor) -> Tensor:
        return torch.nn.functional.one_hot(z.argmax(1), c).to(z)

    for temperature in temperatures:
        for tau in (softmax, sparsemax, hardmax):
            values = tau(scores / temperature)
            means = values.mean(0)
            shift = (2 * values.var(0) * log / n).sqrt() + 7 * log / (3 * (n - 1))
            top = int(means.argmax())
            upper = means + shift
            upper[top] = -np.inf
            best = max(best, float(means[top] - shift[top] - upper.max()))
    return best
