"""Figures 1 and 2 of the normalization paper, and its bounds on the expected loss, for ten-layer networks on digits."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from proofs_check import digits
from proofs_check.digits import deep
from proofs_check.reproduce._series import Experiment, Row
from proofs_check.reproduce._style import column, distinct, finish, line, look, where
from refimpl.generalization import (
    Cells,
    cell_statistics,
    local_lipschitz_bound,
    optimal_transport_bound,
    partition_by_nearest,
    sampling_remainder,
    spherical_sharpness_bound,
)
from refimpl.network import product_upper_bound

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = npt.NDArray[Any]

NAMES = {"none": "without normalization", "batch": "batch normalization", "layer": "layer normalization"}
LAYERS = range(1, deep.DEPTH + 1)


@dataclass(frozen=True)
class SeriesSizes:
    """The networks, and every how many epochs there is a row."""

    kinds: tuple[str, ...] = deep.KINDS
    seeds: tuple[int, ...] = deep.SEEDS
    step: int = 1


def _each(sizes: SeriesSizes, row: Any) -> list[Row]:
    rows: list[Row] = []
    for kind in sizes.kinds:
        for seed in sizes.seeds:
            series = deep.series(kind, seed)
            for epoch in range(0, len(series["norms"]), sizes.step):
                at = {key: value[epoch] for key, value in series.items() if len(value) > 1}
                rows.append({"network": NAMES[kind], "seed": seed, "epoch": epoch, **row(kind, at)})
    return rows


def weight_norms(sizes: SeriesSizes, rng: np.random.Generator) -> list[Row]:
    """The norm of every weight, their product, and the accuracies, after every epoch."""
    def row(kind: str, at: dict[str, Array]) -> Row:
        norms = {f"norm_{k}": float(v) for k, v in zip(LAYERS, at["norms"], strict=True)}
        train, test = map(float, at["accuracy"])
        return {**norms, "product": float(np.prod(at["norms"])), "train_accuracy": train, "test_accuracy": test}

    return _each(sizes, row)


def input_variances(sizes: SeriesSizes, rng: np.random.Generator) -> list[Row]:
    """The mean variance before every normalizer (or activation), and what the normalizers multiply the constant by."""
    def row(kind: str, at: dict[str, Array]) -> Row:
        variances = {f"variance_{k}": float(v) for k, v in zip(LAYERS, at["variance_mean"], strict=True)}
        # The constant of a layer: the largest 1/sigma over the features, or 1/sqrt(epsilon).
        least = {"none": 1.0, "batch": at["variance_least"] + deep.EPSILON, "layer": np.full(deep.DEPTH, deep.EPSILON)}
        return {**variances, "product_of_deviations": float(np.prod(np.sqrt(at["variance_mean"]))),
                "product_of_constants": float(np.prod(1 / np.sqrt(least[kind])))}

    return _each(sizes, row)


def _layers(axes: Axes, rows: list[Row], name: str, label: str) -> None:
    """One line a layer, of the first seed."""
    mine = where(rows, seed=rows[0]["seed"])
    for k in LAYERS:
        axes.plot(column(mine, "epoch"), column(mine, f"{name}_{k}"), label=f"layer {k}", **line(k - 1))
    axes.set_title(mine[0]["network"], fontsize=9)
    finish(axes, "epoch", label)


def _networks(axes: Axes, rows: list[Row], name: str, label: str, **change: Any) -> None:
    """One line a seed, one colour a kind of network."""
    for number, network in enumerate(distinct(rows, "network")):
        for seed in distinct(rows, "seed"):
            mine = where(rows, network=network, seed=seed)
            style = {**line(number), **change}
            axes.plot(column(mine, "epoch"), column(mine, name), label=None if seed else label.format(network), **style)


def draw_norms(figure: Figure, rows: list[Row]) -> None:
    """Norms of the layers of each network, the products, the accuracies."""
    figure.set_size_inches(12, 7)
    names = distinct(rows, "network")
    panels = figure.subplot_mosaic([[0, 1, 2], ["product", "accuracy", "accuracy"]])
    for place, network in zip(range(3), names, strict=False):
        _layers(panels[place], where(rows, network=network), "norm", "norm of the weight")
    figure.legend(*panels[0].get_legend_handles_labels(), fontsize=7, loc="outside right upper")
    _networks(panels["product"], rows, "product", "{}")
    panels["product"].set_yscale("log")
    finish(panels["product"], "epoch", "product of all norms")
    panels["product"].legend(fontsize=7)
    _networks(panels["accuracy"], rows, "train_accuracy", "{}, training")
    _networks(panels["accuracy"], rows, "test_accuracy", "{}, test", linewidth=0.8, alpha=0.6)
    panels["accuracy"].legend(fontsize=7, ncols=2)
    finish(panels["accuracy"], "epoch", "accuracy")


def draw_variances(figure: Figure, rows: list[Row]) -> None:
    """Variances before the layers of each network, and the product of the deviations."""
    figure.set_size_inches(12, 7)
    names = distinct(rows, "network")
    panels = figure.subplot_mosaic([[0, 1, 2], ["deviations", "deviations", "constants"]])
    for place, network in zip(range(3), names, strict=False):
        _layers(panels[place], where(rows, network=network), "variance", "mean variance of the inputs")
        panels[place].set_yscale("log")
    figure.legend(*panels[0].get_legend_handles_labels(), fontsize=7, loc="outside right upper")
    for name, whose in (("deviations", "the"), ("constants", "the normalizers'")):
        _networks(panels[name], rows, f"product_of_{name}", "{}")
        panels[name].set_yscale("log")
        panels[name].axhline(1, color="#777777", linewidth=0.8)
        finish(panels[name], "epoch", f"product of {whose} {name}")
    panels["deviations"].legend(fontsize=7)


@dataclass(frozen=True)
class BoundSizes:
    """The networks, the images, the numbers of clusters, the level of the ramp and the risk."""

    kinds: tuple[str, ...] = deep.KINDS
    seeds: tuple[int, ...] = deep.SEEDS
    clusters: tuple[int, ...] = (1, 2, 5, 20)
    train_images: int = 1347
    test_images: int = 450
    level: float = 1.0
    delta: float = 0.05


def _partition(clusters: int, images: list[Array], labels: list[Array], seed: int) -> tuple[Array, int]:
    """Cells of all images: the nearest of some centres, made of half of the test images, and the label."""
    from sklearn.cluster import KMeans

    kept = images[1][: len(images[1]) // 2]
    centres = KMeans(clusters, n_init=3, random_state=seed).fit(kept).cluster_centers_
    nearest = partition_by_nearest(np.concatenate(images), centres)
    return nearest * 10 + np.concatenate(labels), 10 * clusters


def bounds(sizes: BoundSizes, rng: np.random.Generator) -> list[Row]:
    """For each network and partition: what the bounds add to the training loss, and the gap that they bound."""
    parts = list(zip(digits.data(), (sizes.train_images, sizes.test_images), strict=True))
    images = [deep.scaled(part[0])[:count] for part, count in parts]
    labels = [part[1][:count] for part, count in parts]
    seed = int(rng.integers(2**31))
    cells = {k: _partition(k, images, labels, seed) for k in sizes.clusters}
    m, rows = len(images[0]), []
    train, everything = np.arange(m + len(images[1])) < m, np.concatenate(images)
    for kind in sizes.kinds:
        for number in sizes.seeds:
            network = deep.load(kind, number)
            losses = _ramp(network, everything, np.concatenate(labels), sizes.level)
            known = {"network": NAMES[kind], "seed": number, "training_loss": float(losses[train].mean()),
                     "gap": float(losses[~train].mean() - losses[train].mean())}
            L = math.sqrt(2) / sizes.level * product_upper_bound(network)
            for clusters in sizes.clusters:
                places, N = cells[clusters]
                found = cell_statistics(everything, losses, places, np.ones(len(losses)), train.astype(float), N)
                sharpness = None if kind == "none" else float(deep.series(kind, number)["sharpness"][0])
                rows.append({**known, "clusters": clusters, **_added(found, L, m, sharpness, sizes.delta)})
    return rows


def _ramp(network: Any, images: Array, labels: Array, level: float) -> Array:
    """1 at margins up to 0, 0 from the level on, linear between: sqrt(2)/level-Lipschitz in the scores."""
    scores = np.array([network(x) for x in images])
    own = np.eye(scores.shape[1], dtype=bool)[labels]
    margins = scores[own] - np.where(own, -np.inf, scores).max(axis=1)
    return np.asarray(np.clip(1 - margins / level, 0, 1))


def _added(found: Cells, L: float, m: int, sharpness: float | None, delta: float) -> Row:
    """What each bound adds to the training loss."""
    of_cells = functools.partial(local_lipschitz_bound, 0.0, found.counts, found.distances)
    transport = functools.partial(optimal_transport_bound, 0.0, found.counts, found.distances)
    row: Row = {
        "cells": len(found.counts), "with_samples": int(np.count_nonzero(found.counts)),
        "mean_distance": float(found.counts @ found.distances / m), "product_bound": L,
        "thm_20_product": of_cells(L, delta, 1.0),
        "thm_20_slopes_seen": of_cells(found.lipschitz, delta, 1.0),
        "remainder_printed": sampling_remainder(found.counts, delta, 1.0),
        "remainder_chernoff": sampling_remainder(found.counts, delta, 1.0, form="chernoff"),
        "remainder_differences": sampling_remainder(found.counts, delta, 1.0, form="differences"),
        "hkk_product_without_const": transport(L, delta, constant=0.0),
        "hkk_slopes_seen_without_const": transport(found.lipschitz, delta, constant=0.0),
        "hoeffding_for_a_fixed_model": math.sqrt(-math.log(delta) / (2 * m)), "lla_best_mu_constants_1_0": "",
    }
    if sharpness is not None:
        mu = (math.log(m) / math.sqrt(m) / sharpness) ** (1 / 3)
        row["lla_best_mu_constants_1_0"] = spherical_sharpness_bound(
            0.0, sharpness, mu, m, log_constant=1.0, constant=0.0)
    return row


_ADDED = (
    ("thm_20_slopes_seen", "theorem 20, slopes seen (too small)"),
    ("hkk_slopes_seen_without_const", "HKK, slopes seen, no const."),
    ("lla_best_mu_constants_1_0", "LLA, best noise, constants 1 and 0"),
    ("remainder_printed", "g alone, as printed"),
    ("remainder_differences", "g alone, bounded differences"),
    ("gap", "gap on test images"),
)


def draw_bounds(figure: Figure, rows: list[Row]) -> None:
    """What the bounds add to the training loss over the number of clusters, means over the seeds."""
    figure.set_size_inches(14, 4.8)
    names = distinct(rows, "network")
    panels = figure.subplots(1, len(names) + 1, squeeze=False)[0]
    for number, network in enumerate(names):
        _means(panels[0], where(rows, network=network), "thm_20_product", network, number)
    panels[0].set_title("theorem 20, product of norms", fontsize=9)
    panels[0].legend(fontsize=7)
    for axes, network in zip(panels[1:], names, strict=True):
        for number, (key, label) in enumerate(_ADDED):
            _means(axes, where(rows, network=network), key, label, number)
        axes.set_title(network, fontsize=9)
        axes.set_ylim(0.02, 30)
    figure.legend(*panels[-1].get_legend_handles_labels(), fontsize=7, loc="outside right upper")
    for axes in panels:
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.axhline(1, color="#777777", linewidth=0.8)
        finish(axes, "clusters, times ten labels", "added to the training loss" if axes is panels[0] else "")


def _means(axes: Axes, rows: list[Row], key: str, label: str, number: int) -> None:
    if rows[0][key] == "":
        return
    places = distinct(rows, "clusters")
    means = [float(np.mean(column(where(rows, clusters=k), key))) for k in places]
    axes.plot(places, means, label=label, **look(number))


_TRAINED = (
    "ten layers of width 32 without scale or shift, 100 epochs of Adam as in the source's appendix E; recorded by "
    "proofs_check.digits.train_deep"
)

EXPERIMENTS = (
    Experiment(
        "than-bound", "bounds on the expected loss of ten-layer networks", BoundSizes(), None, bounds, draw_bounds,
        "ramp loss, in [0, 1]; what each bound adds to the training loss. Distances and slopes are those seen at the "
        "images of a cell, so that 'slopes seen' is below what the bound asks for",
    ),
    Experiment(
        "than-fig-1", "norms of weights while training", SeriesSizes(), None, weight_norms, draw_norms, _TRAINED,
    ),
    Experiment(
        "than-fig-2", "variances before the normalizers while training", SeriesSizes(), None, input_variances,
        draw_variances, _TRAINED,
    ),
)
