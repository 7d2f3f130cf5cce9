"""What is said of the vectors holds of each: conditions that are not evident, sides of bounds, errors of estimates."""

from fractions import Fraction

import numpy as np
import pytest

from proofs_check.vectors import cases
from proofs_check.vectors._files import load
from proofs_check.vectors._judge import _flat
from proofs_check.vectors._numbers import decode
from proofs_check.vectors._rounding import ROUNDING
from refimpl import convolution

FUNCTIONS = cases.load()


def answered(name):
    return [case for case in FUNCTIONS[name].cases() if not case.refused]


def skew(W):
    return W - W.conj().T


def frequencies(case):
    K, n = case.inputs["K"], case.inputs["n"]
    blocks = convolution.frequency_blocks(K, n)
    return [skew(block) for row in blocks for block in row]


def solved(case):
    """The matrix of the linear system."""
    W, V = case.inputs["W"], case.inputs["V"]
    return np.eye(len(W)) + skew(W) + V.T @ V


@pytest.mark.parametrize("name", ["cayley", "cayley_convolution", "cayley_rectangular", "sandwich_layer"])
def test_linear_systems(name):
    allowed = ROUNDING[f"layers.{name}"].condition
    for case in answered(f"layers.{name}"):
        if "V" in case.inputs:
            systems = [solved(case)]
        elif "K" in case.inputs:
            systems = [np.eye(len(A)) - A for A in frequencies(case)]
        else:
            systems = [np.eye(len(case.inputs["W"])) - skew(case.inputs["W"])]
        assert max(np.linalg.cond(system) for system in systems) <= allowed * case.condition, case.comment


def test_exponentials_of_skew_matrices():
    for case in answered("layers.skew_exponential"):  # by a series
        assert np.exp(np.linalg.norm(skew(case.inputs["W"]), 2)) <= ROUNDING["layers.skew_exponential"].condition
    for case in answered("layers.skew_orthogonal_convolution"):  # by squarings
        largest = max(np.linalg.norm(A, 2) for A in frequencies(case))
        assert largest <= ROUNDING["layers.skew_orthogonal_convolution"].condition * (1 + 1e-9), case.comment


def largest_square(case):
    x = np.abs(case.inputs["x"]).max()
    return max(x, x * x) if case.inputs["name"] == "gelu" else x


@pytest.mark.parametrize("name", ["activation", "activation_derivative"])
def test_arguments_of_activations(name):
    assert max(map(largest_square, answered(f"layers.{name}"))) <= ROUNDING[f"layers.{name}"].condition


def test_matrices_are_as_small_as_said():
    for name in ("spectral.spectral_norm", "layers.spectral_normalization", "spectral.schatten_norm"):
        sides = [max(case.inputs["W"].shape) ** 2 for case in answered(name)]
        assert max(sides) <= ROUNDING[name].operations
    sides = []
    for case in answered("convolution.conv_spectral_norm"):
        n = case.inputs["n"]
        pixels = n * n if isinstance(n, int) else n[0] * n[1]
        groups = case.inputs.get("groups", 1)
        sides.append(min(case.inputs["K"].shape[0] // groups, case.inputs["K"].shape[1]) * pixels)
    assert max(sides) ** 2 <= ROUNDING["convolution.conv_spectral_norm"].operations


def test_powers_by_logarithms():
    for name, key in (("spectral.gram_iteration", "W"), ("convolution.circular_norm_bound", "K")):
        for case in answered(name):
            entries = np.abs(case.inputs[key])
            logarithm = np.abs(np.log(entries[entries > 0])).max(initial=0) if "Subnormal" not in case.flags else 0
            assert logarithm <= ROUNDING[name].condition * 2, case.comment  # of squares, at the first step


@pytest.mark.parametrize("name", [
    "cross_entropy", "smoothed_cross_entropy", "smoothed_cross_entropy_bound", "smoothed_cross_entropy_gradient"])
def test_logits_and_variances(name):
    for case in answered(f"curvature.{name}"):
        gap = np.ptp(case.inputs["logits"])
        h = case.inputs.get("h", np.zeros(1))
        assert case.condition >= 1 + gap + case.inputs.get("sigma", 0.0) ** 2 * (h @ h) * (1 - 1e-15)


def argument(name, inputs):
    """Of the normal distribution function."""
    scale = inputs.get("scale", 1.0)
    if name == "probit":
        return scale * np.abs(inputs["z"]).max()
    slope = scale * inputs["sigma"] * np.hypot.reduce(inputs["weight"])
    return abs(scale * (inputs["weight"] @ inputs["x"] + inputs["bias"])) / np.hypot(1, slope)


@pytest.mark.parametrize("name", ["probit", "smoothed_probit", "smoothed_probit_gradient"])
def test_quantiles_of_the_normal_distribution(name):
    """Exponentials of half the square; beyond 38.7 deviations there is nothing left."""
    for case in answered(f"weierstrass.{name}"):
        assert min(argument(name, case.inputs), 38.7) ** 2 / 2 <= max(case.condition, 1) * (1 + 1e-9), case.comment


def test_trials():
    for case in answered("confidence.clopper_pearson"):
        inside = 0 < case.inputs["counts"] < case.inputs["n"]
        assert case.condition == (case.inputs["n"] if inside or "Drawn" in case.flags else 1)


def pairs(file):
    """Of every vector with a truth: value, truth, and how far they may be from the numbers they stand for."""
    for vector in file["vectors"]:
        expected = vector["expected"] or {}
        if "truth" in expected:
            flat = [_flat(expected[key]) for key in ("value", "truth", "radius", "truth_radius")]
            for value, truth, *radii in zip(*flat, strict=True):
                yield vector, value, truth, sum(radii)


@pytest.mark.parametrize("name", [name for name, function in FUNCTIONS.items() if function.truth is not None])
def test_what_a_formula_gives_is_on_the_right_side_of_the_truth(name):
    file = load(name)
    for vector, value, truth, radius in pairs(file):
        if file["promises"] == "upper":
            assert value >= truth - radius, vector["id"]
        elif file["promises"] == "lower":
            assert value <= truth + radius, vector["id"]


def test_the_expansion_errs_by_the_fourth_power_of_the_noise():
    for vector, value, truth, radius in pairs(load("curvature.taylor_smoothed_cross_entropy")):
        h, sigma = (decode(vector["inputs"][key]) for key in ("h", "sigma"))
        assert abs(value - truth) <= Fraction((sigma * sigma * (h @ h)) ** 2) / 16 + radius, vector["id"]
