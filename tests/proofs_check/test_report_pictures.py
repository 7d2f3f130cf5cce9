"""The pictures show what they say: against closed forms, and against the claims themselves."""

from __future__ import annotations

import numpy as np
import pytest

from proofs_check.claims import load
from proofs_check.implementation import Implementation
from proofs_check.report.site import svg
from proofs_check.report.site.pictures import figures, functions, growth, matrices
from proofs_check.report.site.pictures.scan import scans
from refimpl.convolution import conv_spectral_norm

IMPL = Implementation("refimpl")


def scanned(id):
    claim = load()[id]
    return claim, {scan.kind: scan for scan in scans(claim, IMPL, claim.counterexample)}


def test_a_claim_fails_on_the_points_that_are_marked_and_on_no_other():
    claim, found = scanned("thesis.eq-4.3")
    by_noise = found["number"]
    fails = [claim.compare(IMPL, **{**claim.counterexample, "sigma": sigma}).slack() < 0 for sigma in by_noise.values]
    assert [i for i, failing in enumerate(fails) if failing] == by_noise.failing
    # The square belongs under the root: right up to 1, wrong above.
    assert all((sigma > 1) == failing for sigma, failing in zip(by_noise.values, fails, strict=True) if sigma != 1)


def test_a_coverage_curve_goes_through_the_counterexample():
    _, found = scanned("thesis.app-C.1")
    curve = found["coverage"]
    place = curve.values.index(curve.at)
    assert curve.at == pytest.approx(1 / 3) and curve.lhs[place] == pytest.approx(1 / 3)
    assert set(curve.rhs) == {curve.rhs[0]} and place in curve.failing


def test_sizes_of_images_are_whole_and_segments_end_at_the_instance():
    _, found = scanned("thesis.thm-3.6.1-fro")
    assert found["size"].values == sorted(map(int, found["size"].values)) and found["size"].at == 2
    claim, found = scanned("than.cor-11.data-variance")
    segment = found["segment"]
    assert segment.lhs[segment.values.index(1.0)] == pytest.approx(claim.compare(IMPL, **claim.counterexample).lhs)


def test_what_moves_stays_in_the_domain_of_a_claim_that_holds():
    for id in ("thesis.thm-4.6.1", "thesis.thm-3.2.4-1", "than.cor-11", "thesis.def-6.1.1"):
        claim = load()[id]
        for scan in scans(claim, IMPL, claim.witnesses[0]):
            assert not scan.failing, (id, scan.label)


@pytest.mark.parametrize("heights", [[0.0, 0.5, 1.0], [0.25, 1.0, 0.0, 0.5]])
def test_a_function_under_the_gaussian_is_its_mean_under_noise(heights):
    places, heights, sigma = np.array([-0.5, 0.25, 1.0]), np.array(heights), 0.75
    steps = len(heights) == len(places) + 1
    grid = np.array([-1.0, 0.1, 0.9])

    z = np.linspace(-8, 8, 40001)
    weights = np.exp(-z * z / 2) / np.exp(-z * z / 2).sum()

    def f(x):
        return heights[np.searchsorted(places, x)] if steps else np.interp(x, places, heights)

    for x, y in functions._smoothed(places, heights, sigma, grid, steps=steps):
        assert y == pytest.approx(weights @ f(x + sigma * z), abs=2e-4)


def test_the_marked_frequencies_of_a_kernel_have_the_norm_of_its_layer(rng):
    K = rng.standard_normal((2, 3, 1, 3))
    own = 2 * np.pi * np.arange(5) / 5
    assert matrices._norms(K, np.zeros(1), own).max() == pytest.approx(conv_spectral_norm(K, (1, 5)).norm)


def test_the_picture_of_frozen_statistics_is_about_them():
    claim = load()["explosion.frozen"]
    case = {"depth": 6, "rate": 2.0, "a": 3.0, "b": 0.5}
    figure = growth.explosion(claim, IMPL, case)
    assert "Frozen" in figure.title and "tends to 1/b = 2" in figure.says
    batch = growth.explosion(load()["explosion.input"], IMPL, {"depth": 6, "rate": 2.0})
    assert "frozen" not in (batch.says + batch.title).lower()


@pytest.mark.parametrize("low, high", [(0.0, 1.0), (1e-9, 3e-9), (-2.0, 15.0)])
def test_numbers_on_an_axis_are_round_and_inside(low, high):
    for log in (False, True) if low > 0 else (False,):
        ticks = svg.Axis(low, high, 0, 100, log).ticks()
        assert 2 <= len(ticks) <= 8 and all(low - 1e-12 <= tick <= high * (1 + 1e-12) for tick in ticks)
        assert all(len(svg.short(tick)) <= 8 for tick in ticks)


def test_pictures_are_the_same_every_time():
    claim = load()["thesis.app-C.1"]
    found = claim.compare(IMPL, **claim.counterexample)
    one, two = (figures(claim, IMPL, claim.counterexample, found) for _ in range(2))
    assert one == two
