"""Certified radii: from margins and Lipschitz constants, of smoothed classifiers; procedures with their risk."""

from refimpl.certificates._margins import certified_accuracy, margin, radius_coordinate, radius_global, radius_pairwise
from refimpl.certificates._noise import certify, noisy_counts, noisy_scores
from refimpl.certificates._procedures import (
    Certificate,
    ScoredCertificate,
    certify_mono,
    certify_multi,
    certify_partitioned,
    lvm_rs,
)
from refimpl.certificates._smoothed import radius_mono, radius_multi, radius_multi_lipschitz

__all__ = [
    "Certificate",
    "ScoredCertificate",
    "certified_accuracy",
    "certify",
    "certify_mono",
    "certify_multi",
    "certify_partitioned",
    "lvm_rs",
    "margin",
    "noisy_counts",
    "noisy_scores",
    "radius_coordinate",
    "radius_global",
    "radius_mono",
    "radius_multi",
    "radius_multi_lipschitz",
    "radius_pairwise",
]
