"""What the data of the experiments have to show, whatever their size."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_experiments import ROUNDING, data, tiny, values

from proofs_check import digits
from proofs_check.reproduce import explosion, gradient_memory, gram_and_power, smoothed_attack, zero_padding
from refimpl import convolution, spectral


def test_estimates_are_those_of_power_iteration():
    rng = np.random.default_rng(5)
    W, start = rng.standard_normal((7, 4)), rng.standard_normal(4)
    expected = [spectral.power_iteration(W, n, start=start) for n in range(1, 9)]
    np.testing.assert_allclose(gram_and_power.power_estimates(W, start, 8), expected, rtol=1e-14)


def test_gram_is_above_and_power_below():
    rows = data("fig-3.3")
    assert values(rows, "least_relative_error", method=gram_and_power.GRAM).min() > -ROUNDING
    assert values(rows, "largest_relative_error", method=gram_and_power.POWER).max() < ROUNDING
    assert values(rows, "share_converged", method=gram_and_power.GRAM)[-1] == 1


@pytest.mark.parametrize("name", ["fig-3.4", "tab-A.0.1"])
def test_signs_of_error_ratios(name):
    assert (values(data(name), "error_ratio_mean", method=gram_and_power.GRAM) > -ROUNDING).all()
    assert (values(data(name), "error_ratio_mean", method=gram_and_power.POWER) < ROUNDING).all()


def test_errors_grow_with_the_side():
    rows = data("tab-A.0.2")
    assert (values(rows, "power_error_mean") < 1e-10).all() and (values(rows, "gram_error_mean") > -1e-10).all()
    assert (values(rows, "time_ratio_power_to_gram") > 0).all()


def test_starts_matter_to_power_iteration_only():
    rows = data("fig-3.5")
    assert len(set(values(rows, "absolute_error", method=gram_and_power.POWER, iteration=5))) == 3
    assert len(values(rows, "absolute_error", method=gram_and_power.GRAM, iteration=5)) == 1


@pytest.mark.parametrize("rho", [0.6, 0.8])
def test_frobenius_converges_fastest(rho):
    rows = data("fig-3.6")
    errors = {method: values(rows, "relative_error", rho=rho, method=method) for method in
              dict.fromkeys(row["method"] for row in rows)}
    best = errors.pop("Gram, Frobenius")
    assert all((best[3:6] < other[3:6]).all() for other in errors.values())
    # The 1-norm's error is halved by a step; power iteration's rate is the fourth power of the ratio.
    assert values(rows, "reduction", rho=rho, method="Gram, 1-norm", iteration=11) == pytest.approx(0.5, abs=1e-3)
    rate = values(rows, "reduction", rho=rho, method=gram_and_power.POWER, iteration=11)
    assert rate == pytest.approx(rho**4, rel=1e-3)


def test_corrected_factor_is_above_the_printed_one_on_small_images():
    rows = data("fig-3.2")
    small = [row for row in rows if row["alpha"] >= 0.5]
    assert len(small) > 50 and all(row["factor_corrected"] > row["factor_printed"] for row in small)
    assert any(row["factor_corrected"] < row["factor_printed"] for row in rows)


@pytest.mark.parametrize("name", ["fig-3.7", "fig-3.8", "fig-3.9"])
def test_convolution_methods(name):
    rows = data(name)
    assert (values(rows, "reference_short_of_exact_mean") >= -1e-10).all()
    for method in ("four matrices", "exact, zero padding"):
        assert (values(rows, "share_at_least_exact", method=method) == 1).all()
    by_svd, by_gram = (values(rows, "relative_difference_mean", method=f"circular: {how}")
                       for how in ("FFT and SVD", "Gram iteration"))
    assert (by_gram - by_svd > -ROUNDING).all() and (by_gram - by_svd < 0.02).all()


def test_exact_norm_is_left_out_of_large_images():
    experiment = tiny("fig-3.9")
    rows = experiment.rows(replace(experiment.sizes, exact_up_to=40), 0)
    assert {row["n"] for row in rows if row["method"] == "exact, zero padding"} == {4}
    assert {row["difference_to_exact_mean"] for row in rows if row["n"] == 8} == {""}


def test_zero_padded_bounds():
    rows = data("fig-3.11")
    assert (values(rows, "relative_error_max", method="power iteration") < ROUNDING).all()
    for method in ("Gram on the kernel (norm2_toep)", "circular times corrected factor", "four matrices"):
        assert (values(rows, "relative_error_min", method=method) > -ROUNDING).all()


@pytest.mark.parametrize(("n", "steps"), [(32, 3), (33, 4), (65, 5), (500, 6), (3, 0)])
def test_steps_that_the_theorem_admits(n, steps):
    assert zero_padding.admitted_steps(3, n, 6) == steps


def test_no_step_is_admitted():
    with pytest.raises(ValueError, match="above 2"):
        zero_padding.admitted_steps(3, 2, 6)


@pytest.mark.parametrize("shape", [(3, 2, 3, 3), (2, 4, 2, 2), (1, 1, 3, 3)])
def test_tape_finds_the_explicit_gradient(shape):
    K = np.random.default_rng(1).standard_normal(shape)
    for n in (5, 8):
        expected = convolution.circular_norm_bound_gradient(K, n, 4)
        np.testing.assert_allclose(gradient_memory.tape_gradient(K, n, 4), expected, rtol=1e-10, atol=1e-12)


def test_explicit_gradient_takes_less_memory():
    assert (values(data("tab-3.2"), "measured_tape_over_explicit") > 1.5).all()


def test_product_bounds_are_above_local_constants():
    rows = data("tab-4.2")
    assert (values(rows, "pub_over_local") >= 1).all()
    # A residual network with batch norm against one of Lipschitz layers.
    loose, tight = (values(rows, "pub_over_local", model=model) for model in ("ResNet", "Lipschitz (SR)"))
    assert loose.min() > 10 * tight.max()


def test_certified_accuracy_falls_with_the_level():
    for kind in ("AOL", "SR"):
        shares = values(data("tab-5.1"), "mean_certified_accuracy", rescaling=kind)
        assert (np.diff(shares) <= 0).all() and shares[0] > 0.8 and shares[0] > shares[-1]


def test_networks_of_norm_one_grow_with_batch_statistics_and_not_with_frozen_ones():
    rows = data("explosion-depth")
    np.testing.assert_allclose(values(rows, "jacobian_in_batch"), values(rows, "formula"), rtol=1e-9)
    np.testing.assert_allclose(values(rows, "jacobian_in_first_weight"), 2 * values(rows, "formula"), rtol=1e-9)
    assert values(rows, "frozen_statistics").max() < 1 + 1e-9 and values(rows, "norm_of_weights").max() < 1 + ROUNDING


def test_new_directions_grow_more_than_those_inside_under_batch_normalization():
    rows = data("explosion-random")
    new, inside = (values(rows, "mean_log10_amplification", normalization="batch", depth=8, perturbation=kind)
                   for kind in (explosion.NEW, explosion.INSIDE))
    assert new[0] > inside[0]


def test_perturbations_have_their_energy_and_directions():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((7, 2)) @ rng.standard_normal((2, 5))
    centred = X - X.mean(axis=0)
    inside, new = (explosion._perturbation(X, 2, kind, rng) for kind in (explosion.INSIDE, explosion.NEW))
    assert np.linalg.norm(inside) == pytest.approx(1) and np.linalg.norm(new) == pytest.approx(1)
    assert np.abs(centred.T @ new).max() < ROUNDING and np.abs(new @ centred.T).max() < ROUNDING
    assert np.linalg.matrix_rank(centred + inside, tol=1e-9) == 2 and np.linalg.matrix_rank(centred + new, tol=1e-9) > 2
    assert np.abs(inside.sum(axis=0)).max() < ROUNDING and np.abs(new.sum(axis=0)).max() < ROUNDING


def test_nothing_changes_without_a_perturbation():
    still = [row for row in data("explosion-digits") if row["length"] == 0]
    assert {(row["mean_labels_changed"], row["mean_output_moved"]) for row in still} == {(0.0, 0.0)}


def test_new_directions_move_a_trained_network_more_where_the_batch_has_rank_one_and_its_own_statistics():
    def moved(**how):
        return values(data("explosion-digits"), "mean_output_moved", length=0.01, **how)[0]

    one = {kind: moved(rank=1, statistics="batch", perturbation=kind) for kind in (explosion.NEW, explosion.INSIDE)}
    assert one[explosion.NEW] > 3 * one[explosion.INSIDE]
    frozen = {kind: moved(rank=1, statistics="frozen", perturbation=kind) for kind in (explosion.NEW, explosion.INSIDE)}
    assert frozen[explosion.NEW] < 3 * frozen[explosion.INSIDE]


def test_no_radius_is_above_the_largest_possible_one():
    rows = data("tab-6.1")
    assert (values(rows, "mean_one_class_radius") <= values(rows, "largest_one_class_radius")).all()
    assert (values(rows, "mean_multi_class_radius") > values(rows, "mean_one_class_radius")).any()


@pytest.mark.parametrize("name", ["fig-6.4", "fig-C.5.1"])
def test_certified_accuracy_falls_with_the_distance(name):
    rows = data(name)
    for sigma in (0.25, 1.0):
        for procedure in {row["procedure"] for row in rows}:
            shares = values(rows, "certified_accuracy", sigma=sigma, procedure=procedure)
            assert (np.diff(shares) <= 0).all() and shares[-1] == 0
    assert max(row["certified_accuracy"] for row in rows) == 1


def test_attacks_change_labels_outside_of_certified_radii_only():
    rows = data("smoothed-attack")
    inside = [row for row in rows if row["share_of_radius"] <= 1]
    assert all(row["certified"] and row["changed"] == 0 for row in inside)
    assert sum(row["changed"] for row in rows if row["share_of_radius"] == 3) >= 2


def test_the_attacked_layer_has_the_derivative_that_it_says():
    network = digits.load("mlp-noise-0.50")
    rng = np.random.default_rng(0)
    layer, x = smoothed_attack.LogMeanSoftmax(network, rng.standard_normal((5, 64))), digits.data()[1][0][0]
    direction = rng.standard_normal(64) * 2.0**-20
    # Of central differences the error is of second order in the step, but for kinks.
    rise = (layer(x + direction) - layer(x - direction)) / 2
    np.testing.assert_allclose(layer.jacobian(x) @ direction, rise, rtol=1e-4, atol=1e-9)


def test_normalized_networks_have_the_larger_bounds():
    rows, plain = data("than-bound"), "without normalization"
    with_layers = values(rows, "product_bound", network="layer normalization")
    assert with_layers.min() > 1e20 * values(rows, "product_bound", network=plain).max()
    for row in rows:
        assert row["thm_20_product"] > row["thm_20_slopes_seen"] > row["remainder_printed"] > row["remainder_chernoff"]
        assert row["with_samples"] <= row["cells"] == 10 * row["clusters"]
        assert (row["lla_best_mu_constants_1_0"] == "") == (row["network"] == plain)


def test_variances_grow_where_nothing_is_normalized():
    rows = data("than-fig-2")
    begun, ended = (values(rows, "variance_10", network="without normalization", epoch=e) for e in (0, 100))
    assert (ended > 1e3 * begun).all()
    for network in ("batch normalization", "layer normalization"):
        assert (values(rows, "product_of_deviations", network=network) < 1).all()
        assert (values(rows, "product_of_constants", network=network) > 1).all()


def test_every_network_learns_the_training_images():
    rows = data("than-fig-1")
    assert (values(rows, "train_accuracy", epoch=100) > 0.99).all()
    norms = np.array([[row[f"norm_{k}"] for k in range(1, 11)] for row in rows])
    np.testing.assert_allclose(norms.prod(axis=1), [row["product"] for row in rows], rtol=1e-5)


def test_curvature_is_below_the_bound_of_a_gradient_bounded_everywhere_only():
    rows = data("fig-7.1")
    found, bound = values(rows, "largest_eigenvalue"), values(rows, "bound")
    assert (found <= bound).all() and found[-1] > values(rows, "bound_gradient_at_the_end")[-1]
    assert found[-1] > found[0]  # noise does not flatten a trained network


def test_activation_decay_is_above_the_smoothed_loss():
    for row in data("tab-D.1.1"):
        assert row["loss"] < row["smoothed_loss"] <= row["sharper_bound"] < row["activation_decay"]
        assert abs(row["monte_carlo_loss"] / row["smoothed_loss"] - 1) < 1 and row["gap"] < 0
    assert (values(data("tab-D.1.1"), "cosine") <= 1 + ROUNDING).all()


def test_no_bound_is_below_the_norm_and_structured_kernels_reach_some():
    rows = data("tightness")
    assert min(row["tightest"] for row in rows) > 1 - ROUNDING
    assert {row["bound"] for row in rows if row["k"] == 3 and row["tightest"] < 1 + ROUNDING} >= {
        "circular, at n", "Gram kernel, inf", "four matrices"}
