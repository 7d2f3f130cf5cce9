"""Matrices: conjugates, powers, sides."""

import numpy as np

from planted._registry import bug, quiet
from refimpl import spectral


@bug("spectral.spectral_norm", claim="thesis.sec-3.1-limit.normal")
def norm_of_the_real_part(W):
    return spectral.spectral_norm(np.real(W))


@bug("spectral.spectral_norm", claim="lipref.spectrum-values")
def transpose_for_the_adjoint(W):
    return float(np.sqrt(np.abs(np.linalg.eigvals(np.transpose(W) @ W)).max()))


@bug("spectral.spectral_norm", claim="thesis.app-B.1-residual")
@quiet
def squares_in_single_precision(W):
    return float(np.linalg.svd(np.asarray(W).astype(np.complex64 if np.iscomplexobj(W) else np.float32),
                               compute_uv=False)[0]) if np.isfinite(np.float32(np.abs(W).max())) else np.inf


@bug("spectral.schatten_norm", claim="thesis.sec-3.2-schatten")
def sum_of_powers_without_the_root(W, p):
    found = spectral.schatten_norm(W, p)
    return found if np.isinf(p) else found**p


@bug("spectral.schatten_norm", claim="lipref.spectrum-values")
def norm_of_the_entries_for_that_of_the_values(W, p):
    return float(np.linalg.norm(np.ravel(W), p))


@bug("spectral.spectral_radius", claim="thesis.sec-2.1-radius.normal")
def radius_of_the_largest_real_part(W):
    return float(np.linalg.eigvals(W).real.max())


@bug("spectral.spectral_radius", claim="thesis.def-3.2.2")
def radius_of_the_symmetric_part(W):
    return float(np.abs(np.linalg.eigvalsh((W + np.conj(W).T) / 2)).max())


@bug("spectral.spectral_radius", claim="thesis.sec-2.1-radius.normal")
def radius_of_the_modulus_of_real_parts(W):
    return float(np.abs(np.linalg.eigvals(W).real).max())


@bug("spectral.gelfand_sequence", claim="thesis.def-3.2.2")
def roots_counted_from_zero(W, n_iter, norm="fro"):
    found = spectral.gelfand_sequence(W, n_iter, norm)
    return found ** (np.arange(1, n_iter + 1) / np.arange(2, n_iter + 2))


@bug("spectral.gelfand_sequence", claim="lipref.spectrum-values")
def powers_entry_by_entry(W, n_iter, norm="fro"):
    A = np.asarray(W)
    return np.array([spectral.gelfand_sequence(A**t, 1, norm)[0] ** (1 / t) for t in range(1, n_iter + 1)])


@bug("spectral.gelfand_sequence", claim="thesis.def-3.2.2")
def powers_by_squaring(W, n_iter, norm="fro"):
    A = found = np.asarray(W)
    bounds = []
    for t in range(1, n_iter + 1):
        bounds.append(spectral.gelfand_sequence(found, 1, norm)[0] ** (1 / t))
        found = found @ found if t > 1 else found @ A
    return np.array(bounds)


@bug("spectral.gram_iteration", claim="lipref.spectrum-values")
def gram_without_the_conjugate(W, n_iter, norm="fro", *, certified=False):
    if n_iter == 0 or not np.any(W):
        return spectral.gram_iteration(W, n_iter, norm)
    scale = np.abs(W).max()
    A = np.asarray(W) / scale
    return float(scale * np.sqrt(spectral.gram_iteration(A.T @ A, n_iter - 1, norm)))


@bug("spectral.gram_iteration", claim="lipref.certified-gram")
def root_of_2t_in_the_matrix(W, n_iter, norm="fro", *, certified=False):
    if not np.any(W):
        return 0.0
    scale = float(np.abs(W).max())
    found = spectral.gram_iteration(np.asarray(W) / scale, n_iter, norm)
    return scale * found ** (2.0**n_iter / max(2 * n_iter, 1))


@bug("spectral.gram_iteration", tight=True, claim="lipref.spectrum-values")
def gram_iteration_one_step_short(W, n_iter, norm="fro", *, certified=False):
    return spectral.gram_iteration(W, max(n_iter - 1, 0), norm, certified=certified)


@bug("spectral.gram_bound_sequence", tight=True, claim="thesis.sec-3.2-decreasing")
def sequence_one_step_behind(W, n_iter, norm="fro"):
    found = spectral.gram_bound_sequence(W, n_iter, norm)
    return np.concatenate([found[:1], found[:-1]])


@bug("spectral.gram_iteration_gradient", claim="thesis.prop-3.2.5")
def gradient_transposed_where_it_can_be(W, n_iter):
    G = spectral.gram_iteration_gradient(W, n_iter)
    return G.T if G.shape[0] == G.shape[1] else G


@bug("spectral.gram_iteration_gradient", claim="lipref.gram-gradient")
def gradient_without_the_conjugate(W, n_iter):
    return np.conj(spectral.gram_iteration_gradient(W, n_iter))


@bug("spectral.gram_iteration_gradient", claim="thesis.prop-3.2.5")
def gradient_of_length_one(W, n_iter):
    G = spectral.gram_iteration_gradient(W, n_iter)
    return G / np.linalg.norm(G)


@bug("spectral.gram_iteration_gradient", claim="lipref.gram-gradient")
def gradient_of_one_step_less(W, n_iter):
    return spectral.gram_iteration_gradient(W, max(n_iter - 1, 0))


@bug("spectral.gram_iteration_naive", claim="lipref.spectrum-values")
def naive_iteration_without_the_conjugate(W, n_iter, norm="fro"):
    if n_iter == 0:
        return spectral.gram_iteration_naive(W, 0, norm)
    return float(np.sqrt(spectral.gram_iteration_naive(np.transpose(W) @ W, n_iter - 1, norm)))


@bug("spectral.gram_iteration_naive", tight=True, claim="thesis.A.0.3-closed-form")
def naive_root_of_2t(W, n_iter, norm="fro"):
    return spectral.gram_iteration_naive(W, n_iter, norm) ** (2.0**n_iter / max(2 * n_iter, 1))


@bug("spectral.power_iteration", claim="thesis.alg-2-monotone")
def square_of_the_value(W, n_iter, **how):
    return spectral.power_iteration(W, n_iter, **how) ** 2


@bug("spectral.power_iteration", tight=True, claim="lipref.spectrum-values")
def power_iteration_one_step_short(W, n_iter, *, start=None, rng=None):
    if n_iter > 1:
        return spectral.power_iteration(W, n_iter - 1, start=start, rng=rng)
    return float(np.linalg.norm(W @ start) / np.linalg.norm(start)) if start is not None else (
        spectral.power_iteration(W, 1, rng=rng))


@bug("spectral.dominant_singular_vector", only="claims", why="a vector is unique up to a phase only",
     claim="thesis.eq-3.2.longest-column")
def left_vector_for_the_right_one(W, n_iter, **how):
    W = np.asarray(W)
    return spectral.dominant_singular_vector(W.conj().T if W.shape[0] == W.shape[1] else W, n_iter, **how)


@bug("spectral.dominant_singular_vector", only="claims", why="a vector is unique up to a phase only",
     claim="lipref.dominant-values")
def row_of_the_iterate_for_its_column(W, n_iter, **how):
    return np.conj(spectral.dominant_singular_vector(W, n_iter, **how))


@bug("spectral.dominant_eigenpair", only="claims", why="a vector is unique up to a phase only",
     claim="lipref.dominant-values")
def eigenvalue_without_its_sign(W, n_iter, **how):
    value, vector = spectral.dominant_eigenpair(W, n_iter, **how)
    return abs(value), vector


@bug("spectral.dominant_eigenpair", only="claims", why="a vector is unique up to a phase only", claim="thesis.eq-3.4")
def left_eigenvector(W, n_iter, *, column=None):
    A = np.asarray(W)
    value, vector = spectral.dominant_eigenpair(A.T, n_iter)
    return value, vector


@bug("spectral.spectral_norm_enclosure", claim="lipref.enclosure")
def enclosure_in_single_precision(W):
    low, high = spectral.spectral_norm_enclosure(W)
    with np.errstate(over="ignore"):
        return spectral.SpectralNormEnclosure(float(np.float32(low)), float(np.float32(high)))


@bug("spectral.spectral_norm_enclosure", tight=True, claim="lipref.enclosure-width")
def enclosure_by_the_frobenius_norm(W):
    low, _ = spectral.spectral_norm_enclosure(W)
    scale = np.abs(W).max() or 1.0
    return spectral.SpectralNormEnclosure(low, float(scale * np.linalg.norm(W / scale)) * (1 + 1e-12))
