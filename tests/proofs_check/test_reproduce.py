"""The experiments of the thesis, at sizes that take no time."""

import csv
import functools
import os
import sys
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from proofs_check import reproduce
from proofs_check.cli import main
from proofs_check.reproduce import _series, gradient_memory, gram_and_power, zero_padding
from refimpl import convolution, spectral

ROUNDING = 1e-12
CONVOLUTIONS = {"channels": (2,), "image_sizes": (6,), "kernels_drawn": 2}
TINY = {
    "fig-3.2": {"n": 100},
    "fig-3.3": {"rows": 30, "columns": 20, "matrices": 4, "power_iterations": 300},
    "fig-3.4": {"rows": 30, "columns": 20, "matrices": 2},
    "fig-3.5": {"rows": 30, "columns": 20, "runs": 3, "power_iterations": 100},
    "fig-3.6": {},
    "fig-3.7": {**CONVOLUTIONS, "kernel_sizes": (1, 3)},
    "fig-3.8": {**CONVOLUTIONS, "channels": (1, 3)},
    "fig-3.9": {**CONVOLUTIONS, "image_sizes": (4, 8)},
    "fig-3.11": {"channels": (1, 2), "n": 8, "gram_iterations": 3, "kernels_drawn": 2},
    "fig-4.10": {"side": 8, "most": 4},
    "fig-4.11": {"points": 21},
    "fig-4.12": {"points": 21},
    "fig-5.1": {"scores": 10},
    "fig-5.2": {"masses": (1.0, 4.0), "images": 6, "samples": 6},
    "fig-7.1": {"images": 3, "sigmas": (0.0, 0.05, 1.0)},
    "tab-3.2": {"channels": (4, 8), "n": 16},
    "tab-4.2": {"noises": ("0.00", "0.25"), "test_images": 40, "searched": 2, "steps": 3},
    "tab-5.1": {"architectures": ("small",), "seeds": (0, 1), "test_images": 40},
    "tab-A.0.1": {"rows": 30, "columns": 20, "matrices": 2},
    "tab-A.0.2": {"sides": (5, 20), "matrices": 2},
    "tab-D.1.1": {"images": 3, "sigmas": (0.05, 0.5), "samples": 20},
    "tightness": {"k": (1, 3), "t": (1, 2), "channels": 2, "n": 4, "kernels_drawn": 2},
}
every = pytest.mark.parametrize("name", TINY)


def tiny(name):
    experiment = reproduce.EXPERIMENTS[name]
    sizes = replace(experiment.sizes, **TINY[name])
    return replace(experiment, sizes=sizes)


@functools.cache
def data(name, seed=0):
    return tiny(name).rows(tiny(name).sizes, seed)


def values(rows, column, **wanted):
    return np.array([row[column] for row in rows if all(row[key] == value for key, value in wanted.items())])


def without_measurements(rows):
    return [{key: value for key, value in row.items() if not key.startswith(_series.MEASURED)} for row in rows]


def test_all_are_tried():
    assert list(TINY) == list(reproduce.EXPERIMENTS)


@every
def test_the_seed_decides_all_but_measurements(name):
    again = tiny(name).rows(tiny(name).sizes, 0)
    assert without_measurements(again) == without_measurements(data(name))


@pytest.mark.parametrize("name", ["fig-3.3", "fig-3.7", "fig-3.11", "tab-A.0.2"])
def test_another_seed_is_another_draw(name):
    assert without_measurements(data(name, 1)) != without_measurements(data(name))


@every
def test_both_files_can_be_read(name, tmp_path):
    table, picture = reproduce.reproduce(tiny(name), tmp_path)
    assert sorted(tmp_path.iterdir()) == [table, picture] == [tmp_path / f"{name}.csv", tmp_path / f"{name}.png"]
    assert picture.read_bytes().startswith(b"\x89PNG")
    lines = table.read_text().splitlines()
    comments = [line for line in lines if line.startswith("#")]
    assert comments[0].startswith(f"# {name}: ") and comments[-1] == "# seed: 0"
    assert any("the source's sizes" in line or "sizes of its own" in line for line in comments)
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    expected = [{key: str(value) for key, value in row.items()} for row in without_measurements(data(name))]
    assert without_measurements(rows) == expected


@every
def test_reduced_sizes_say_so(name):
    experiment = reproduce.EXPERIMENTS[name]
    if experiment.source_sizes is None:
        assert experiment.reduced(experiment.sizes) == "sizes of its own, not the source's"
        return
    assert experiment.reduced(experiment.source_sizes) == "the source's sizes, where its text names them"
    differ = experiment.sizes != experiment.source_sizes
    assert experiment.reduced(experiment.sizes).startswith("reduced") is differ


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


@pytest.mark.parametrize(("names", "count"), [
    (["all"], len(TINY)), (["fig-3.?"], 8), (["tab-*", "fig-3.2", "tab-3.2"], 7), (["fig-3.11"], 1),
])
def test_choose(names, count):
    assert len(reproduce.choose(names)) == count


def call(*arguments):
    return CliRunner().invoke(main, ["reproduce", *map(str, arguments)])


def refused(result):
    assert result.exit_code == 2, result.output
    assert result.stderr.count("\n") == 1 and "Traceback" not in result.stderr and not result.stdout
    return result.stderr


def test_command(tmp_path):
    out = tmp_path / "new" / "folder"
    result = call("fig-3.2", "fig-3.6", "--out", out, "--seed", 3)
    assert result.exit_code == 0, result.output
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == ["fig-3.2", "fig-3.6"]
    assert sorted(file.name for file in out.iterdir()) == ["fig-3.2.csv", "fig-3.2.png", "fig-3.6.csv", "fig-3.6.png"]
    assert "# seed: 3\n" in (out / "fig-3.6.csv").read_text()


def test_full_takes_the_sizes_of_the_source(tmp_path, monkeypatch):
    experiment = tiny("fig-3.3")
    full = replace(experiment, source_sizes=replace(experiment.sizes, matrices=2))
    monkeypatch.setitem(reproduce.EXPERIMENTS, "fig-3.3", full)
    assert call("fig-3.3", "--full", "--out", tmp_path).exit_code == 0
    assert "matrices = 2," in (tmp_path / "fig-3.3.csv").read_text()


def test_unknown_names(tmp_path):
    message = refused(call("fig-3.22", "--out", tmp_path))
    assert "'fig-3.22'; the nearest is fig-3.2;" in message and "tab-A.0.2" in message
    assert "known are fig-3.2, " in refused(call("zzz*"))
    assert "name an experiment; known are" in refused(call())


def test_folders_that_cannot_be_written(tmp_path):
    file = tmp_path / "file"
    file.write_text("kept")
    assert "is a file, not a folder" in refused(call("fig-3.2", "--out", file))
    assert "cannot write to the folder" in refused(call("fig-3.2", "--out", file / "below"))
    assert file.read_text() == "kept"
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    if not os.access(closed, os.W_OK):
        assert "cannot write to the folder" in refused(call("fig-3.2", "--out", closed))


def test_nothing_is_left_half_written(tmp_path):
    (tmp_path / "fig-3.2.csv").mkdir()
    assert "cannot write fig-3.2" in refused(call("fig-3.2", "--out", tmp_path))
    assert [file.name for file in tmp_path.iterdir()] == ["fig-3.2.csv"]


def test_negative_seed(tmp_path):
    assert "--seed" in refused(call("fig-3.2", "--seed", -1, "--out", tmp_path))


def test_without_the_plotting_library(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert "pip install 'lipref[plots]'" in refused(call("fig-3.2", "--out", tmp_path / "new"))
    assert not (tmp_path / "new").exists()
