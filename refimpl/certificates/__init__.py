"""Certified radii: from margins and Lipschitz constants, and of smoothed classifiers from class probabilities."""

from refimpl.certificates._margins import certified_accuracy, margin, radius_coordinate, radius_global, radius_pairwise
from refimpl.certificates._smoothed import radius_mono, radius_multi, radius_multi_lipschitz

__all__ = [
    "certified_accuracy",
    "margin",
    "radius_coordinate",
    "radius_global",
    "radius_mono",
    "radius_multi",
    "radius_multi_lipschitz",
    "radius_pairwise",
]
