"""Gaussian smoothing: quadrature and Monte Carlo, the closed-form probit, Lipschitz constants of smoothed functions."""

from refimpl.weierstrass._bounds import (
    lipschitz_bounded,
    lipschitz_smoothed,
    lipschitz_smoothed_simplex,
    optimal_sigma,
)
from refimpl.weierstrass._probit import probit, smoothed_probit, smoothed_probit_gradient
from refimpl.weierstrass._quantile import extremal_ramp, quantile_lipschitz
from refimpl.weierstrass._smoothing import Smoothed, smooth, smooth_monte_carlo, stein_gradient

__all__ = [
    "Smoothed",
    "extremal_ramp",
    "lipschitz_bounded",
    "lipschitz_smoothed",
    "lipschitz_smoothed_simplex",
    "optimal_sigma",
    "probit",
    "quantile_lipschitz",
    "smooth",
    "smooth_monte_carlo",
    "smoothed_probit",
    "smoothed_probit_gradient",
    "stein_gradient",
]
