"""Smoothing and maps onto the simplex: deviations, roots, axes."""

import math

import numpy as np

from planted._registry import bug
from refimpl import simplex, weierstrass

A_FUNCTION = "it takes a function, which no file of vectors holds"


@bug("weierstrass.lipschitz_bounded", claim="thesis.app-B.3-tail.mass")
def mass_forgotten(sigma, *, mass=1.0, into="interval"):
    return weierstrass.lipschitz_bounded(sigma, into=into)


@bug("weierstrass.lipschitz_bounded", claim="thesis.app-B.3-tail")
def variance_for_the_deviation_below(sigma, *, mass=1.0, into="interval"):
    return weierstrass.lipschitz_bounded(sigma**2, mass=mass, into=into)


@bug("weierstrass.lipschitz_smoothed", tight=True, claim="lipref.smoothing-values")
def interval_as_the_simplex(lipschitz, sigma, *, mass=1.0):
    return weierstrass.lipschitz_smoothed_simplex(lipschitz, sigma, mass=mass)


@bug("weierstrass.lipschitz_smoothed", tight=True, claim="lipref.smoothing-values")
def smaller_of_both_constants(lipschitz, sigma, *, mass=1.0):
    return min(lipschitz, weierstrass.lipschitz_bounded(sigma, mass=mass)) if sigma else lipschitz


@bug("weierstrass.lipschitz_smoothed_simplex", claim="lipref.smoothing-values")
def simplex_as_the_interval(lipschitz, sigma, *, mass=1.0):
    return weierstrass.lipschitz_smoothed(lipschitz, sigma, mass=mass)


@bug("weierstrass.lipschitz_smoothed_simplex", claim="lipref.smoothing-values")
def simplex_without_its_mass(lipschitz, sigma, *, mass=1.0):
    return weierstrass.lipschitz_smoothed_simplex(lipschitz, sigma)


@bug("weierstrass.optimal_sigma", claim="thesis.sec-5.2.2-sigma")
def deviation_of_the_interval_for_both(lipschitz, *, mass=1.0, into="interval"):
    return weierstrass.optimal_sigma(lipschitz, mass=mass)


@bug("weierstrass.optimal_sigma", claim="lipref.smoothing-values")
def deviation_over_the_mass(lipschitz, *, mass=1.0, into="interval"):
    return weierstrass.optimal_sigma(lipschitz, into=into) / mass


@bug("weierstrass.optimal_sigma", claim="thesis.prop-4.6.3")
def deviation_that_grows_with_the_constant(lipschitz, *, mass=1.0, into="interval"):
    return weierstrass.optimal_sigma(1 / lipschitz, mass=mass, into=into)


@bug("weierstrass.probit", claim="thesis.ex-4.6.4-lambda")
def divided_by_the_scale(z, scale=1.0):
    return weierstrass.probit(np.asarray(z) / scale)


@bug("weierstrass.smoothed_probit", claim="lipref.smoothing-values")
def deviation_without_its_square(x, weight, bias, sigma, *, scale=1.0):
    return weierstrass.smoothed_probit(x, weight, bias, math.sqrt(sigma), scale=scale)


@bug("weierstrass.smoothed_probit", claim="lipref.smoothing-values")
def deviation_without_the_weight(x, weight, bias, sigma, *, scale=1.0):
    length = float(np.linalg.norm(weight)) or 1.0
    return weierstrass.smoothed_probit(x, weight, bias, sigma / length, scale=scale)


@bug("weierstrass.smoothed_probit", claim="lipref.smoothing-values")
def scale_outside_only(x, weight, bias, sigma, *, scale=1.0):
    return weierstrass.smoothed_probit(x, weight, bias, sigma / scale, scale=scale)


@bug("weierstrass.smoothed_probit_gradient", claim="thesis.ex-4.6.4-gradient")
def gradient_without_the_root(x, weight, bias, sigma, *, scale=1.0):
    root = math.sqrt(1 + (scale * sigma) ** 2 * np.sum(np.square(weight)))
    return weierstrass.smoothed_probit_gradient(x, weight, bias, sigma, scale=scale) * root


@bug("weierstrass.smoothed_probit_gradient", claim="thesis.ex-4.6.4-gradient")
def gradient_without_the_scale(x, weight, bias, sigma, *, scale=1.0):
    return weierstrass.smoothed_probit_gradient(x, weight, bias, sigma, scale=scale) / scale


@bug("weierstrass.extremal_ramp", claim="lipref.smoothing-values")
def ramp_to_the_left(s, lipschitz, *, start=0.0, mass=1.0):
    return weierstrass.extremal_ramp(s, lipschitz, start=-start, mass=mass)


@bug("weierstrass.extremal_ramp", claim="thesis.lemma-B.3.2")
def ramp_up_to_one(s, lipschitz, *, start=0.0, mass=1.0):
    return weierstrass.extremal_ramp(s, lipschitz, start=start)


@bug("weierstrass.extremal_ramp", claim="thesis.lemma-B.3.2")
def start_divided_by_the_slope(s, lipschitz, *, start=0.0, mass=1.0):
    return weierstrass.extremal_ramp(s, lipschitz, start=start / lipschitz, mass=mass)


@bug("weierstrass.quantile_lipschitz", claim="lipref.quantile-lipschitz")
def slope_and_deviation_exchanged(p, lipschitz, sigma):
    return weierstrass.quantile_lipschitz(p, sigma, lipschitz if 0 < lipschitz < np.inf else sigma)


@bug("weierstrass.quantile_lipschitz", tight=True, claim="lipref.quantile-lipschitz")
def constant_of_a_steep_classifier(p, lipschitz, sigma):
    return weierstrass.quantile_lipschitz(p, np.inf, sigma)


@bug("weierstrass.smooth", only="claims", why=A_FUNCTION, claim="lipref.quadrature-error")
def error_from_one_other_rule(f, x, sigma, *, direction=None, nodes=None):
    found = weierstrass.smooth(f, x, sigma, direction=direction, nodes=nodes)
    count = nodes or ({1: 128, 2: 48, 3: 18, 4: 10}[1 if direction is not None else np.size(x)])
    other = weierstrass.smooth(f, x, sigma, direction=direction, nodes=max(count - 1, 4))
    return found._replace(error=np.abs(found.value - other.value))


@bug("weierstrass.smooth", only="claims", why=A_FUNCTION, claim="lipref.smoothing-along")
def nodes_of_the_other_hermite_polynomials(f, x, sigma, **how):
    return weierstrass.smooth(f, x, sigma * math.sqrt(2), **how)


@bug("weierstrass.smooth", only="claims", why=A_FUNCTION, claim="lipref.smoothing-along")
def smoothed_by_the_variance(f, x, sigma, **how):
    return weierstrass.smooth(f, x, sigma**2, **how)


@bug("weierstrass.smooth_monte_carlo", only="claims", why=A_FUNCTION, claim="lipref.monte-carlo-error")
def standard_error_with_divisor_n(f, x, sigma, samples, *, rng):
    found = weierstrass.smooth_monte_carlo(f, x, sigma, samples, rng=rng)
    return found._replace(error=found.error * math.sqrt((samples - 1) / samples))


@bug("weierstrass.smooth_monte_carlo", only="claims", why=A_FUNCTION, claim="lipref.monte-carlo-error")
def deviation_not_divided_by_the_root_of_n(f, x, sigma, samples, *, rng):
    found = weierstrass.smooth_monte_carlo(f, x, sigma, samples, rng=rng)
    return found._replace(error=found.error * math.sqrt(samples))


@bug("weierstrass.smooth_monte_carlo", only="claims", why=A_FUNCTION, claim="thesis.def-2.1.3-monte-carlo")
def noise_of_the_variance(f, x, sigma, samples, *, rng):
    return weierstrass.smooth_monte_carlo(f, x, sigma**2, samples, rng=rng)


@bug("weierstrass.stein_gradient", only="claims", why=A_FUNCTION, claim="thesis.lemma-2.1.4")
def stein_over_the_deviation_thrice(f, x, sigma, **how):
    found = weierstrass.stein_gradient(f, x, sigma, **how)
    return found._replace(value=np.asarray(found.value) / sigma)


@bug("simplex.softmax", claim="thesis.alg-9")
def softmax_over_the_batch(z, *, temperature=1.0, mass=1.0):
    if np.ndim(z) == 1:
        return simplex.softmax(z, temperature=temperature, mass=mass)
    return simplex.softmax(np.transpose(z), temperature=temperature, mass=mass).T


@bug("simplex.softmax", claim="thesis.sec-5.2.3-softmax.half")
def softmax_without_its_mass(z, *, temperature=1.0, mass=1.0):
    return simplex.softmax(z, temperature=temperature)


@bug("simplex.softmax", claim="lipref.simplex-values")
def softmax_in_powers_of_two(z, *, temperature=1.0, mass=1.0):
    return simplex.softmax(np.asarray(z) * math.log(2), temperature=temperature, mass=mass)


@bug("simplex.sparsemax", claim="thesis.alg-7")
def sparsemax_of_unsorted_scores(z, *, temperature=1.0, mass=1.0):
    # The support is taken from the sums in the order that is given.
    rows = np.atleast_2d(np.asarray(z) / temperature) / mass
    sums, counts = np.cumsum(rows, axis=1), np.arange(1, rows.shape[1] + 1)
    support = np.maximum((1 + counts * rows > sums).sum(axis=1), 1)
    rho = (np.take_along_axis(sums, support[:, None] - 1, axis=1) - 1) / support[:, None]
    return (mass * np.maximum(rows - rho, 0)).reshape(np.shape(z))


@bug("simplex.sparsemax", claim="thesis.alg-7")
def sparsemax_with_one_entry_too_many(z, *, temperature=1.0, mass=1.0):
    rows = np.atleast_2d(np.asarray(z) / temperature) / mass
    ordered = -np.sort(-rows, axis=1)
    sums, counts = np.cumsum(ordered, axis=1), np.arange(1, rows.shape[1] + 1)
    support = np.minimum((1 + counts * ordered > sums).sum(axis=1) + 1, rows.shape[1])
    rho = (np.take_along_axis(sums, support[:, None] - 1, axis=1) - 1) / support[:, None]
    return (mass * np.maximum(rows - rho, 0)).reshape(np.shape(z))


@bug("simplex.sparsemax", claim="thesis.alg-7")
def sparsemax_times_its_mass(z, *, temperature=1.0, mass=1.0):
    # The simplex of mass r is not r times the point of mass 1.
    return mass * simplex.sparsemax(z, temperature=temperature)


@bug("simplex.hardmax", claim="thesis.sec-5.2.3-limits")
def smallest_for_the_largest(z, *, mass=1.0):
    return simplex.hardmax(-np.asarray(z), mass=mass)
