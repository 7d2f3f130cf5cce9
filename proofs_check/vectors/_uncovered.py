"""Which public functions of refimpl have no vectors, and why. A test compares the list with the set."""

from __future__ import annotations

TOPICS = (
    "spectral", "convolution", "layers", "normalization", "network", "weierstrass", "simplex", "confidence",
    "certificates", "curvature", "generalization", "explosion",
)

_RESULT = "the type of a result"
_PART = "a part of a network: what networks of it give has vectors, or is named by a claim"
_FUNCTION = "takes a function, which no file holds"
_RANDOM = "takes a function and draws: its result is another one for every generator of random numbers"
_VECTOR = "a vector is unique up to a phase only, and not at all where the largest value is multiple"

UNCOVERED: dict[str, str] = {
    "spectral.SpectralNormEnclosure": _RESULT,
    "spectral.dominant_eigenpair": _VECTOR,
    "spectral.dominant_singular_vector": _VECTOR,
    "convolution.BlockDiagonalization": _RESULT,
    "convolution.ConvSpectralNorm": _RESULT,
    "convolution.block_diagonalization": "five factors as large as the matrix: its middle one is in frequency_blocks",
    "convolution.dft_matrix": "a matrix without a choice: frequency_blocks of one tap are its entries",
    "normalization.BatchStatistics": _RESULT,
    "network.Activation": _PART,
    "network.Convolution": _PART,
    "network.Dense": _PART,
    "network.FeedForward": "what vectors write as weights, biases and names of activations",
    "network.FrozenBatchNorm": _PART,
    "network.GroupNorm": _PART,
    "network.Layer": _PART,
    "network.LayerNorm": _PART,
    "network.LipschitzResidual": _PART,
    "network.Normalizer": _PART,
    "network.Pooling": _PART,
    "network.RMSNorm": _PART,
    "network.Residual": _PART,
    "network.Sequential": _PART,
    "network.extremal_network": "its result is a network",
    "network.local_lipschitz": "a search: rounding decides where it ends, and a lower bound it is anywhere",
    "network.pgd_attack": "a search: rounding decides at a projection where it ends",
    "weierstrass.Smoothed": _RESULT,
    "weierstrass.smooth": _FUNCTION,
    "weierstrass.smooth_monte_carlo": _RANDOM,
    "weierstrass.stein_gradient": _FUNCTION,
    "confidence.Coverage": _RESULT,
    "confidence.Interval": _RESULT,
    "confidence.Partition": _RESULT,
    "confidence.simulated_coverage": _RANDOM,
    "certificates.Certificate": _RESULT,
    "certificates.ScoredCertificate": _RESULT,
    "certificates.certify": f"{_RANDOM}; what it does with counts and scores are certify_mono and the others",
    "certificates.noisy_counts": _RANDOM,
    "certificates.noisy_scores": _RANDOM,
    "generalization.Cells": _RESULT,
    "explosion.ExplodingNetwork": _RESULT,
    "explosion.exploding_network": "a construction, one of many: what it gives is judged by amplification",
    "explosion.exploding_weights": "a construction, one of many: what it gives is judged by amplification",
    "explosion.frozen_network": "its result is a network",
}
