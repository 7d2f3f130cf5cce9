"""Certified accuracy of smoothed classifiers on digits, all procedures on the same samples, and attacks on them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from proofs_check import digits
from proofs_check.reproduce._series import Experiment, Row
from proofs_check.reproduce._style import column, distinct, finish, line, look, where
from refimpl.certificates import (
    certified_accuracy,
    certify_mono,
    certify_multi,
    certify_partitioned,
    lvm_rs,
    noisy_counts,
    noisy_scores,
    radius_mono,
    radius_multi,
)
from refimpl.confidence import bonferroni, empirical_bernstein, hoeffding, partition_classes
from refimpl.simplex import hardmax, softmax, sparsemax

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[Any]

PROCEDURES = {
    "mono": "one class (Clopper-Pearson)", "multi": "all classes (Bonferroni)",
    "partitioned": "class partitioning (CPM)", "lvm_rs": "scores (LVM-RS)",
}
TEMPERATURES = (0.125, 0.25, 0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Sizes:
    """Images, samples of each, risk, the noise of training and of smoothing."""

    test_images: int = 100
    selection: int = 100
    estimation: int = 10_000
    alpha: float = 0.001
    sigmas: tuple[float, ...] = (0.25, 0.5, 1.0)


def _classifier(sigma: float) -> Any:
    return digits.batched(digits.load(f"mlp-noise-{sigma:.2f}"))


def _images(count: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Which of the test images, they themselves, their labels."""
    _, (images, labels) = digits.data()
    chosen = rng.permutation(len(images))[:count]
    return chosen, images[chosen], labels[chosen]


@functools.cache
def _radii(sizes: Sizes, seed: int) -> tuple[dict[tuple[float, str], Array], Array, dict[float, Array]]:
    """Of every procedure its radii, 0 for a wrong label, and the number of bounds of each partition."""
    rng = np.random.default_rng(seed)
    chosen, images, labels = _images(sizes.test_images, rng)
    radii: dict[tuple[float, str], Array] = {}
    bounds: dict[float, Array] = {}
    for sigma in sizes.sigmas:
        f, found = _classifier(sigma), []
        for index, x in zip(chosen, images, strict=True):
            streams = np.random.default_rng([seed, index, round(100 * sigma)]).spawn(2)
            pair = zip(streams, (sizes.selection, sizes.estimation), strict=True)
            first, second = (noisy_scores(f, x, sigma, n, rng=stream, batch=n) for stream, n in pair)
            found.append(_certificates(first, second, sigma, sizes.alpha))
        for name in PROCEDURES:
            mine = [certificates[name] for certificates, _ in found]
            radii[sigma, name] = np.array([
                c.radius if c.label == y else 0.0 for c, y in zip(mine, labels, strict=True)
            ])
        bounds[sigma] = np.array([number for _, number in found])
    return radii, labels, bounds


def _certificates(first: Array, second: Array, sigma: float, alpha: float) -> tuple[dict[str, Any], int]:
    """By all procedures, and how many bounds the partition needs."""
    k, n = (np.bincount(scores.argmax(axis=1), minlength=scores.shape[1]) for scores in (first, second))
    certificates = {
        "mono": certify_mono(k, n, sigma, alpha), "multi": certify_multi(n, sigma, alpha),
        "partitioned": certify_partitioned(k, n, sigma, alpha),
        "lvm_rs": lvm_rs(first, second, sigma, alpha, temperatures=TEMPERATURES),
    }
    return certificates, len(partition_classes(k).buckets) + 1


def _curves(names: Sequence[str]) -> Any:
    def compute(sizes: Sizes, rng: np.random.Generator) -> list[Row]:
        """For each noise and procedure: the share of images that are certified with the right label, by distance."""
        radii, _, bounds = _radii(sizes, int(rng.integers(2**32)))
        rows: list[Row] = []
        for sigma in sizes.sigmas:
            levels = np.linspace(0, 1.02 * max(radii[sigma, name].max() for name in names), 52)
            for name in names:
                accuracy = certified_accuracy(radii[sigma, name], levels)
                rows += [{
                    "sigma": sigma, "procedure": name, "epsilon": float(level), "certified_accuracy": float(share),
                    "mean_bounds_of_partition": float(bounds[sigma].mean()),
                } for level, share in zip(levels, np.atleast_1d(accuracy), strict=True)]
        return rows

    return compute


def draw_curves(figure: Figure, rows: list[Row]) -> None:
    """Certified accuracy by distance, a panel for each noise."""
    sigmas = distinct(rows, "sigma")
    figure.set_size_inches(4 * len(sigmas) + 0.5, 4.2)
    panels = np.atleast_1d(figure.subplots(1, len(sigmas), sharey=True))
    for axes, sigma in zip(panels, sigmas, strict=True):
        for number, name in enumerate(distinct(rows, "procedure")):
            mine = where(rows, sigma=sigma, procedure=name)
            axes.step(column(mine, "epsilon"), column(mine, "certified_accuracy"), where="post",
                      label=PROCEDURES[name], **line(number))
        axes.set_title(rf"$\sigma$ = {sigma:g}", fontsize=10)
        finish(axes, r"distance $\epsilon$ (l2)", "certified accuracy" if axes is panels[0] else "")
    panels[0].legend(fontsize=8)


@dataclass(frozen=True)
class FlatteningSizes:
    """One network under growing noise."""

    test_images: int = 40
    trained_with: float = 0.25
    selection: int = 100
    estimation: int = 10_000
    alpha: float = 0.001
    sigmas: tuple[float, ...] = (0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8, 1.0)


def flattening(sizes: FlatteningSizes, rng: np.random.Generator) -> list[Row]:
    """Mean radii from one class and from all classes, and how far the classes are from uniform."""
    chosen, images, _ = _images(sizes.test_images, rng)
    seed, f = int(rng.integers(2**32)), _classifier(sizes.trained_with)
    rows: list[Row] = []
    for sigma in sizes.sigmas:
        selections, estimations = [], []
        for index, x in zip(chosen, images, strict=True):
            first, second = np.random.default_rng([seed, index, round(100 * sigma)]).spawn(2)
            selections.append(noisy_counts(f, x, sigma, sizes.selection, rng=first, batch=sizes.selection))
            estimations.append(noisy_counts(f, x, sigma, sizes.estimation, rng=second, batch=sizes.estimation))
        mono = certify_mono(selections, estimations, sigma, sizes.alpha).radius
        multi = certify_multi(estimations, sigma, sizes.alpha).radius
        shares = np.array(estimations) / sizes.estimation
        to_uniform = np.abs(shares - 1 / shares.shape[1]).sum(axis=1) / 2
        rows.append({
            "sigma": sigma, "mean_distance_to_uniform": float(to_uniform.mean()),
            "mean_multi_class_radius": float(multi.mean()), "mean_one_class_radius": float(mono.mean()),
            "difference": float(multi.mean() - mono.mean()),
            "largest_one_class_radius": float(radius_mono(sizes.alpha ** (1 / sizes.estimation), sigma)),
        })
    return rows


def draw_flattening(figure: Figure, rows: list[Row]) -> None:
    """Mean radii over the noise."""
    figure.set_size_inches(6.4, 4.6)
    axes = figure.subplots()
    for number, (key, label) in enumerate((
        ("mean_multi_class_radius", "from all classes"), ("mean_one_class_radius", "from one class"),
        ("largest_one_class_radius", "largest possible from one class"),
    )):
        axes.plot(column(rows, "sigma"), column(rows, key), label=label, **look(number))
    axes.legend(fontsize=8)
    finish(axes, r"noise, standard deviation $\sigma$", "mean certified radius")


@dataclass(frozen=True)
class RiskSizes:
    """Images at one noise, for intervals of scores."""

    test_images: int = 100
    sigma: float = 1.0
    samples: int = 10_000
    alpha: float = 0.001
    temperature: float = 1.0


def _radius_of(values: Array, interval: Any, sigma: float, alpha: float) -> float:
    """From the means of the classes, at the risk alpha over the number of classes each."""
    n, means, risk = len(values), np.clip(values.mean(axis=0), 0, 1), bonferroni(alpha, values.shape[1])
    spread = (values.var(axis=0, ddof=1),) if interval is empirical_bernstein else ()
    top = int(means.argmax())
    lower = interval(means, *spread, n, risk, side="lower").lower[top]
    upper = np.delete(interval(means, *spread, n, risk, side="upper").upper, top).max()
    return float(radius_multi(lower, upper, sigma, certified=True))


def two_inequalities(sizes: RiskSizes, rng: np.random.Generator) -> list[Row]:
    """For each image, in the order of the first: the radii by empirical Bernstein and by Hoeffding."""
    chosen, images, _ = _images(sizes.test_images, rng)
    seed, f = int(rng.integers(2**32)), _classifier(sizes.sigma)
    pairs = []
    for index, x in zip(chosen, images, strict=True):
        own = np.random.default_rng([seed, index])
        scores = noisy_scores(f, x, sizes.sigma, sizes.samples, rng=own, batch=sizes.samples)
        values = softmax(scores, temperature=sizes.temperature)
        pairs.append([_radius_of(values, by, sizes.sigma, sizes.alpha) for by in (empirical_bernstein, hoeffding)])
    ranked = enumerate(sorted(pairs, reverse=True), 1)
    return [{"rank": rank, "bernstein_radius": b, "hoeffding_radius": h} for rank, (b, h) in ranked]


def draw_inequalities(figure: Figure, rows: list[Row]) -> None:
    """Both radii over the rank."""
    figure.set_size_inches(6.4, 4.4)
    axes = figure.subplots()
    for number, (key, label) in enumerate((
        ("bernstein_radius", "empirical Bernstein"), ("hoeffding_radius", "Hoeffding"),
    )):
        axes.plot(column(rows, "rank"), column(rows, key), label=label, **line(number))
    axes.legend(fontsize=8)
    finish(axes, "image, by its first radius", "certified radius")


@dataclass(frozen=True)
class MapSizes:
    """One image, and the temperatures."""

    image: int = 7
    sigma: float = 1.0
    samples: int = 10_000
    alpha: float = 0.001
    temperatures: int = 25


def maps_and_temperatures(sizes: MapSizes, rng: np.random.Generator) -> list[Row]:
    """The radius of one image by empirical Bernstein, for each map onto the simplex and temperature."""
    _, (images, _) = digits.data()
    scores = noisy_scores(
        _classifier(sizes.sigma), images[sizes.image], sizes.sigma, sizes.samples, rng=rng, batch=sizes.samples)

    def radius(values: Array) -> float:
        return _radius_of(values, empirical_bernstein, sizes.sigma, sizes.alpha)

    counts = np.bincount(scores.argmax(axis=1), minlength=scores.shape[1])
    by_counts = certify_multi(counts, sizes.sigma, sizes.alpha).radius
    rows: list[Row] = []
    for t in np.geomspace(1 / 64, 64, sizes.temperatures):
        rows.append({
            "temperature": float(t),
            "softmax_radius": radius(softmax(scores, temperature=t)),
            "sparsemax_radius": radius(sparsemax(scores, temperature=t)),
            "hardmax_radius": radius(hardmax(scores)), "hardmax_clopper_pearson_radius": by_counts,
        })
    return rows


def draw_maps(figure: Figure, rows: list[Row]) -> None:
    """Radii over the temperature."""
    figure.set_size_inches(6.4, 4.6)
    axes = figure.subplots()
    for number, (key, label) in enumerate((
        ("softmax_radius", "softmax"), ("sparsemax_radius", "sparsemax"), ("hardmax_radius", "hardmax"),
        ("hardmax_clopper_pearson_radius", "hardmax by Clopper-Pearson"),
    )):
        axes.plot(column(rows, "temperature"), column(rows, key), label=label, **look(number))
    axes.set_xscale("log")
    axes.legend(fontsize=8)
    finish(axes, "temperature", "certified radius")


_SHRUNK = "the source has CIFAR-10 and ImageNet and far larger networks; here a network of three dense layers on digits"
EXPERIMENTS = (
    Experiment("fig-6.4", "certified accuracy by three procedures, on the same samples", Sizes(), None,
               _curves(("mono", "multi", "partitioned")), draw_curves, _SHRUNK),
    Experiment("tab-6.1", "radii from one and from all classes as the noise grows", FlatteningSizes(), None,
               flattening, draw_flattening, _SHRUNK),
    Experiment("fig-C.4.1", "radii by empirical Bernstein and by Hoeffding", RiskSizes(), None,
               two_inequalities, draw_inequalities, _SHRUNK),
    Experiment("fig-C.4.2", "radii by the map onto the simplex and its temperature", MapSizes(), None,
               maps_and_temperatures, draw_maps, _SHRUNK),
    Experiment("fig-C.5.1", "certified accuracy, scores against one class, on the same samples", Sizes(), None,
               _curves(("mono", "lvm_rs")), draw_curves, _SHRUNK),
)
