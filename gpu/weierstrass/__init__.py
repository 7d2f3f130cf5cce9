"""Gaussian smoothing, as in `refimpl.weierstrass`."""

from gpu.weierstrass._ramps import extremal_ramp, probit
from gpu.weierstrass._smoothing import Smoothed, smooth, smooth_monte_carlo, stein_gradient

__all__ = ["Smoothed", "extremal_ramp", "probit", "smooth", "smooth_monte_carlo", "stein_gradient"]
