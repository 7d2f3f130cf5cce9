"""Smoothing, maps onto the simplex, the loss."""

import math

import numpy as np
from scipy.stats import norm

from planted._registry import bug, quiet
from refimpl import curvature, simplex, weierstrass


@bug("weierstrass.lipschitz_bounded", claim="thesis.app-B.3-tail")
def bounded_without_the_root_of_two_pi(sigma, *, mass=1.0, into="interval"):
    return weierstrass.lipschitz_bounded(sigma, mass=mass, into=into) / math.sqrt(2 * math.pi)


@bug("weierstrass.lipschitz_bounded", claim="thesis.cor-5.2.2")
def root_two_of_the_simplex_missing(sigma, mass=1.0, into="interval"):
    return weierstrass.lipschitz_bounded(sigma, mass=mass)


@bug("weierstrass.stein_gradient", only="claims", why="it takes a function, which no file of vectors holds",
     claim="lipref.smoothing-along")
def stein_over_sigma_once(f, x, sigma, **rest):
    found = weierstrass.stein_gradient(f, x, sigma, **rest)
    return found._replace(value=sigma * np.asarray(found.value))


@bug("weierstrass.quantile_lipschitz", claim="lipref.quantile-lipschitz")
def quantile_of_clipped_probabilities(p, lipschitz, sigma):
    return weierstrass.quantile_lipschitz(np.clip(p, 1e-4, 1 - 1e-4)[()], lipschitz, sigma)


@bug("weierstrass.probit", claim="thesis.ex-4.6.4-lambda")
def probit_of_the_logistic_function(z, scale=1.0):
    return 1 / (1 + np.exp(-np.asarray(z) * scale * 1.702))


@bug("weierstrass.probit", claim="lipref.smoothing-values")
def probabilities_clipped_afterwards(z, scale=1.0):
    return np.clip(norm.cdf(z * scale), 1e-7, 1 - 1e-7)


@bug("weierstrass.probit", claim="lipref.smoothing-values")
def tail_by_subtraction(z, scale=1.0):
    return 1 - norm.sf(z * scale)


@bug("simplex.softmax", claim="lipref.simplex-values")
def softmax_times_the_temperature(z, *, temperature=1.0, mass=1.0):
    return simplex.softmax(z, temperature=1 / temperature, mass=mass)


@bug("simplex.softmax", claim="lipref.simplex-values")
@quiet
def exponentials_that_overflow(z, temperature=1.0, mass=1.0):
    powers = np.exp(z / temperature)
    return mass * powers / powers.sum(axis=-1, keepdims=True)


@bug("simplex.sparsemax", claim="thesis.alg-7")
def sparsemax_that_clips_once(z, *, temperature=1.0, mass=1.0):
    scores = np.asarray(z) / temperature
    return np.maximum(scores - (scores.sum(axis=-1, keepdims=True) - mass) / scores.shape[-1], 0)


@bug("simplex.hardmax", claim="lipref.simplex-values")
def first_of_a_tie(z, mass=1.0):
    return mass * np.eye(z.shape[-1])[z.argmax(axis=-1)]


@bug("curvature.cross_entropy", claim="lipref.small-losses")
@quiet
def logarithm_of_the_softmax(logits, label):
    powers = np.exp(logits - logits.max())
    return float(-np.log(powers[label] / powers.sum()))


@bug("curvature.smoothed_cross_entropy", claim="thesis.tab-D.1.1-sign.negative")
def expansion_for_the_mean_loss(logits, label, h, sigma):
    return curvature.taylor_smoothed_cross_entropy(logits, label, h, sigma)


@bug("curvature.smoothed_cross_entropy_bound", claim="lipref.small-losses")
def expansion_for_an_upper_bound(logits, label, h, sigma):
    return curvature.taylor_smoothed_cross_entropy(logits, label, h, sigma)


@bug("curvature.activation_decay", claim="lipref.loss-values")
def half_of_the_variance_forgotten(logits, label, h, sigma):
    return curvature.taylor_smoothed_cross_entropy(logits, label, h, sigma / 2)
