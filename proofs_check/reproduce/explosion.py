"""Growth with depth under normalization, and perturbations that bring new singular directions."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.stats import ortho_group

from proofs_check import digits
from proofs_check.digits import deep
from proofs_check.reproduce._series import Experiment, Row
from proofs_check.reproduce._style import column, distinct, finish, look, where
from refimpl.explosion import (
    amplification,
    exploding_network,
    exploding_weights,
    frozen_network,
    linear_network_jacobian,
    linear_network_weight_jacobian,
)
from refimpl.explosion._networks import KINDS
from refimpl.layers import activation
from refimpl.network import FeedForward, product_upper_bound
from refimpl.normalization import batch_norm_training
from refimpl.simplex import softmax

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[Any]
NEW, INSIDE = "new directions", "inside"


@dataclass(frozen=True)
class DepthSizes:
    """The rate and the depths."""

    rate: float = 2.0
    depths: tuple[int, ...] = (1, 2, 5, 10, 20, 30, 40, 50)


def growth(sizes: DepthSizes, rng: np.random.Generator) -> list[Row]:
    """Of the explicit networks: the norms of both Jacobians, and what frozen statistics of another batch make of it."""
    rows: list[Row] = []
    typical = np.array([[2.0, 0.0], [0.0, 2.0], [0.0, -2.0], [-2.0, 0.0]])
    for depth in sizes.depths:
        network, heavy = exploding_network(depth, sizes.rate), exploding_weights(depth, sizes.rate)
        J = linear_network_jacobian(network.weights, network.batch, epsilon=0.0)
        G = linear_network_weight_jacobian(heavy.weights, heavy.batch, 0, epsilon=0.0)
        rows.append({
            "depth": depth, "norm_of_weights": float(np.linalg.norm(network.weights[0], 2)),
            "jacobian_in_batch": float(np.linalg.norm(J.reshape(8, 8), 2)),
            "jacobian_in_first_weight": float(np.linalg.norm(G.reshape(12, 9), 2)),
            "frozen_statistics": product_upper_bound(frozen_network(network.weights, typical, epsilon=0.0)),
            "formula": network.growth,
        })
    return rows


def draw_growth(figure: Figure, rows: list[Row]) -> None:
    """All over the depth."""
    figure.set_size_inches(6.4, 4.6)
    axes = figure.subplots()
    for number, (key, label) in enumerate((
        ("jacobian_in_batch", "Jacobian in the batch, batch statistics"),
        ("jacobian_in_first_weight", "Jacobian in the first weight, batch statistics"),
        ("frozen_statistics", "Lipschitz constant, statistics of another batch frozen"),
        ("norm_of_weights", "norm of every weight"),
    )):
        axes.plot(column(rows, "depth"), column(rows, key), label=label, **look(number))
    axes.set_yscale("log")
    axes.legend(fontsize=8)
    finish(axes, "depth", "norm")


@dataclass(frozen=True)
class RandomSizes:
    """Random orthogonal weights and a batch of low rank."""

    width: int = 16
    samples: int = 16
    rank: int = 2
    epsilon: float = 1e-5
    draws: int = 10
    depths: tuple[int, ...] = (1, 2, 4, 8, 16, 24)


def _subspaces(batch: Array, rank: int) -> tuple[Array, Array]:
    """Projections onto the leading left and right singular directions of the centred batch."""
    U, _, V = np.linalg.svd(batch - batch.mean(axis=0))
    return U[:, :rank] @ U[:, :rank].T, V[:rank].T @ V[:rank]


def _perturbation(batch: Array, rank: int, kind: str, rng: np.random.Generator) -> Array:
    """Of norm 1: inside of the leading singular directions of samples and features, or outside of both."""
    left, right = _subspaces(batch, rank)
    m, n = batch.shape
    noise = rng.standard_normal((m, n))
    if kind == INSIDE:
        delta = left @ noise @ right
    else:
        delta = (np.eye(m) - left - np.ones((m, m)) / m) @ noise @ (np.eye(n) - right)
    return np.asarray(delta / np.linalg.norm(delta))


def random_networks(sizes: RandomSizes, rng: np.random.Generator) -> list[Row]:
    """Mean and spread of the logarithm of the amplification by depth, normalization and perturbation."""
    rows: list[Row] = []
    found: dict[tuple[str, int, str], list[float]] = {}
    for _ in range(sizes.draws):
        chain = ortho_group.rvs(sizes.width, size=max(sizes.depths), random_state=rng)
        factors = rng.standard_normal((sizes.samples, sizes.rank)), rng.standard_normal((sizes.rank, sizes.width))
        batch = factors[0] @ factors[1]
        deltas = {kind: _perturbation(batch, sizes.rank, kind, rng) for kind in (NEW, INSIDE)}
        for normalizer in KINDS:
            for depth in sizes.depths:
                for kind, delta in deltas.items():
                    value = amplification(
                        list(chain[:depth]), batch, delta, epsilon=sizes.epsilon, normalizer=normalizer)
                    found.setdefault((normalizer, depth, kind), []).append(value)
    for (normalizer, depth, kind), values in found.items():
        logs = np.log10(values)
        rows.append({
            "normalization": normalizer, "depth": depth, "perturbation": kind,
            "mean_log10_amplification": float(logs.mean()), "std_log10_amplification": float(logs.std(ddof=1)),
        })
    return rows


def draw_random(figure: Figure, rows: list[Row]) -> None:
    """A panel for each normalization."""
    figure.set_size_inches(12, 4)
    panels = figure.subplots(1, len(KINDS), sharey=True)
    for axes, normalizer in zip(panels, KINDS, strict=True):
        for number, kind in enumerate((NEW, INSIDE)):
            mine = where(rows, normalization=normalizer, perturbation=kind)
            axes.errorbar(
                column(mine, "depth"), column(mine, "mean_log10_amplification"),
                yerr=column(mine, "std_log10_amplification"), label=kind, capsize=3, **look(number))
        axes.set_title(normalizer, fontsize=10)
        finish(axes, "depth", "log10 of the amplification" if axes is panels[0] else "")
    panels[0].legend(fontsize=8)


@dataclass(frozen=True)
class TrainedSizes:
    """Networks, ranks to which batches of test images are cut, lengths of perturbations (images have at most 1)."""

    seeds: tuple[int, ...] = deep.SEEDS
    ranks: tuple[int, ...] = (1, 5, 20)
    batches: int = 6
    samples: int = 64
    lengths: tuple[float, ...] = (0.0, 0.01, 0.03, 0.1, 0.3)


def scores_of(network: FeedForward, batch: Array, frozen: bool) -> Array:
    """Scores of a batch, with frozen statistics or with those of the batch itself."""
    for W, norm in zip(network.weights, network.normalizers, strict=True):
        Z = batch @ W.T
        Z = np.stack([norm(z) for z in Z]) if frozen else batch_norm_training(Z, epsilon=norm.epsilon)
        batch = activation(Z.ravel(), "relu").reshape(Z.shape)
    return batch


def _cut(rank: int, sizes: TrainedSizes, rng: np.random.Generator) -> tuple[Array, Array]:
    """Test images, of which the leading singular directions around their mean are kept, and their labels."""
    _, (images, labels) = digits.data()
    chosen = rng.choice(len(images), sizes.samples, replace=False)
    X = deep.scaled(images[chosen])
    mean, (_, right) = X.mean(axis=0), _subspaces(X, rank)
    return mean + (X - mean) @ right, labels[chosen]


def trained(sizes: TrainedSizes, rng: np.random.Generator) -> list[Row]:
    """What becomes of the output for each rank, statistics, perturbation and length: mean and spread over the seeds."""
    found: dict[tuple[int, str, str, float], list[list[float]]] = {}
    networks = [deep.load("batch", seed) for seed in sizes.seeds]
    for rank in sizes.ranks:
        cases = []
        for _ in range(sizes.batches):
            X, y = _cut(rank, sizes, rng)
            cases.append((X, y, {kind: _perturbation(X, rank, kind, rng) for kind in (NEW, INSIDE)}))
        for network in networks:
            values: dict[tuple[int, str, str, float], list[list[float]]] = {}
            for X, y, deltas in cases:
                for statistics in ("batch", "frozen"):
                    still = scores_of(network, X, statistics == "frozen")
                    for (kind, delta), length in itertools.product(deltas.items(), sizes.lengths):
                        moved = scores_of(network, X + length * np.sqrt(len(X)) * delta, statistics == "frozen")
                        values.setdefault((rank, statistics, kind, length), []).append(_quality(moved, still, y))
            for key, each in values.items():
                found.setdefault(key, []).append(np.mean(each, axis=0).tolist())
    rows: list[Row] = []
    for (rank, statistics, kind, length), each in found.items():
        row: Row = {"rank": rank, "statistics": statistics, "perturbation": kind, "length": length}
        for name, of_seeds in zip(QUALITIES, np.array(each).T, strict=True):
            row |= {f"mean_{name}": float(of_seeds.mean()), f"std_{name}": float(of_seeds.std(ddof=1))}
        rows.append(row)
    return rows


QUALITIES = ("accuracy", "confidence", "margin", "labels_changed", "output_moved")


def _quality(scores: Array, still: Array, labels: Array) -> list[float]:
    """Accuracy, mean probability of the label, mean margin; share of labels and length by which the output changes."""
    places = np.arange(len(labels))
    own, others = scores[places, labels], scores.copy()
    others[places, labels] = -np.inf
    found = scores.argmax(axis=1)
    return [
        float((found == labels).mean()), float(softmax(scores)[places, labels].mean()),
        float((own - others.max(axis=1)).mean()), float((found != still.argmax(axis=1)).mean()),
        float(np.linalg.norm(scores - still) / np.sqrt(len(labels))),
    ]


def draw_trained(figure: Figure, rows: list[Row]) -> None:
    """A column for each rank, a row for each quality, with the spread over the seeds."""
    ranks = distinct(rows, "rank")
    figure.set_size_inches(3.4 * len(ranks) + 0.6, 11)
    shown = ("output_moved", "labels_changed", "accuracy", "confidence", "margin")
    panels = figure.subplots(len(shown), len(ranks), sharex=True, sharey="row", squeeze=False)
    for (name, rank), axes in zip(itertools.product(shown, ranks), panels.ravel(), strict=True):
        kinds = itertools.product(("batch", "frozen"), (NEW, INSIDE))
        for number, (statistics, kind) in enumerate(kinds):
            mine = [row for row in where(rows, rank=rank, statistics=statistics, perturbation=kind) if row["length"]]
            axes.errorbar(
                column(mine, "length"), column(mine, f"mean_{name}"), yerr=column(mine, f"std_{name}"),
                label=f"{kind}, {statistics} statistics", capsize=3, **look(number))
        axes.set_xscale("log")
        if name == "output_moved":
            axes.set_yscale("log")
            axes.set_title(f"batch of rank {rank}", fontsize=10)
        last = "length of the perturbation, a sample" if name == shown[-1] else ""
        finish(axes, last, name.replace("_", " ") if rank == ranks[0] else "")
    panels[0, -1].legend(fontsize=7)


EXPERIMENTS = (
    Experiment("explosion-depth", "growth by depth of networks whose weights have norm 1", DepthSizes(), None, growth,
               draw_growth, "explicit networks of explosion.input, explosion.parameter and explosion.both"),
    Experiment("explosion-random", "amplification by depth, random orthogonal weights", RandomSizes(), None,
               random_networks, draw_random, "perturbations of equal energy of a batch of low rank"),
    Experiment("explosion-digits", "perturbations of equal energy of a network trained on digits", TrainedSizes(), None,
               trained, draw_trained, "the source has MNIST, Fashion-MNIST and CIFAR-10; here ten dense layers of "
               "width 32 with batch normalization, test images cut to their leading singular directions"),
)
