"""Spectral norms and convolutions."""

import numpy as np

from planted._registry import bug, quiet
from refimpl import spectral


@bug("spectral.spectral_norm", claim="thesis.app-B.1-residual")
def missing_square_root(W):
    return float(np.linalg.eigvalsh(W.T @ W)[-1])


@bug("spectral.spectral_norm", claim="thesis.app-B.1-residual")
def eigenvalue_for_singular_value(W):
    return float(max(abs(np.linalg.eigvals(W))))


@bug("spectral.spectral_norm", promises="upper", claim="lipref.spectrum-values")
def power_iteration_as_upper_bound(W):
    v = np.ones(W.shape[1])
    for _ in range(50):
        v = W.T @ (W @ v)
        v = v / max(np.linalg.norm(v), 1e-300)
    return float(np.linalg.norm(W @ v))


@bug("spectral.schatten_norm", claim="thesis.sec-3.2-schatten")
def schatten_index_halved(W, p):
    return spectral.schatten_norm(W, max(p / 2, 0.5))


@bug("spectral.gram_iteration", claim="lipref.spectrum-values")
def gram_iteration_with_a_root_too_few(W, n_iter, norm="fro", *, certified=False):
    return spectral.gram_iteration(W, n_iter, norm, certified=certified) ** (2.0 if n_iter else 1.0)


@bug("spectral.gram_iteration", claim="lipref.certified-gram")
def gram_iteration_in_single_precision(W, n_iter, norm="fro", *, certified=False):
    return spectral.gram_iteration(np.asarray(W).astype(np.complex64), n_iter, norm) if np.iscomplexobj(W) else float(
        np.float32(spectral.gram_iteration(np.asarray(W, dtype=np.float32), n_iter, norm)))


@bug("spectral.gram_iteration", claim="lipref.gram-rounding")
@quiet
def gram_without_rescaling(W, n_iter):
    for _ in range(n_iter):
        W = W.T @ W
    return float(np.linalg.norm(W) ** 2.0**-n_iter)


@bug("spectral.gram_iteration", claim="lipref.spectrum-values")
@quiet
def epsilon_in_the_denominator(W, n_iter):
    log = 0.0
    for _ in range(n_iter):
        size = np.linalg.norm(W)
        W = W / (size + 1e-12)
        W, log = W.T @ W, 2 * (log + np.log(size))
    return float(np.linalg.norm(W) ** 2.0**-n_iter * np.exp(log * 2.0**-n_iter))


@bug("spectral.gram_iteration", claim="lipref.certified-gram")
def certified_gram_iteration_as_it_is_rounded(W, n_iter, norm="fro", *, certified=False):
    return spectral.gram_iteration(W, n_iter, norm)


@bug("spectral.spectral_norm_enclosure", claim="lipref.enclosure")
def enclosure_by_power_iteration(W):
    low = spectral.power_iteration(W, 20, rng=0)
    return spectral.SpectralNormEnclosure(low, low * (1 + 1e-12))


@bug("spectral.spectral_norm_enclosure", claim="lipref.enclosure")
def enclosure_that_forgets_rounding(W):
    norm = spectral.spectral_norm(W)
    return norm, norm


@bug("spectral.power_iteration", tight=True, claim="lipref.spectrum-values")
def power_iteration_of_the_matrix_itself(W, n_iter, *, start=None, rng=None):
    A = np.asarray(W) * 1.0
    v = np.ones(A.shape[1]) if start is None else np.asarray(start) * 1.0
    for _ in range(n_iter):
        u = A @ v
        v = u if A.shape[0] == A.shape[1] else A.conj().T @ u
        v = v / (np.linalg.norm(v) or 1)
    return float(np.linalg.norm(A @ v) / (np.linalg.norm(v) or 1))
