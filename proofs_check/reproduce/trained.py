"""Tables 4.2 and 5.1 on small networks trained on digits: local constants, product bounds, certified accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from proofs_check import digits
from proofs_check.reproduce._series import Experiment, Row
from proofs_check.reproduce._style import column, distinct, finish, look, where
from refimpl.certificates import certified_accuracy, radius_global
from refimpl.network import input_jacobian, local_lipschitz, product_upper_bound

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class LocalSizes:
    """The networks by the noise of their training, the images, and how far and long is searched around some."""

    noises: tuple[str, ...] = digits.NOISES
    test_images: int = 450
    searched: int = 10
    radius: float = 0.15
    steps: int = 10


def _test_images(count: int) -> tuple[Array, Array]:
    _, (images, labels) = digits.data()
    return images[:count], labels[:count]


def local_and_product(sizes: LocalSizes, rng: np.random.Generator) -> list[Row]:
    """For each network: accuracy, the largest local constant found, the largest Jacobian norm at an image, the PUB."""
    images, labels = _test_images(sizes.test_images)
    chosen = rng.choice(len(images), sizes.searched, replace=False)
    rows: list[Row] = []
    for kind, model in (("resnet", "ResNet"), ("sr", "Lipschitz (SR)")):
        for sigma in sizes.noises:
            network = digits.load(f"{kind}-noise-{sigma}")
            scores = np.array([network(x) for x in images])
            local = [
                local_lipschitz(network, images[i], sizes.radius, sizes.steps, rng=seed)
                for i, seed in zip(chosen, rng.integers(2**32, size=len(chosen)), strict=True)
            ]
            at_images = [float(np.linalg.norm(input_jacobian(network, images[i]), 2)) for i in chosen]
            pub = product_upper_bound(network)
            rows.append({
                "model": model, "sigma": float(sigma), "accuracy": float(np.mean(scores.argmax(axis=1) == labels)),
                "mean_local_lipschitz": float(np.mean(local)), "largest_local_lipschitz": float(np.max(local)),
                "largest_jacobian_norm": float(np.max(at_images)), "pub": pub,
                "pub_over_local": pub / float(np.max(local)),
            })
    return rows


def draw_local(figure: Figure, rows: list[Row]) -> None:
    """Local constants and product bounds of each model over the noise."""
    figure.set_size_inches(9, 4.4)
    models = distinct(rows, "model")
    panels = figure.subplots(1, len(models), sharey=True)
    for axes, model in zip(panels, models, strict=True):
        mine = where(rows, model=model)
        series = (
            ("pub", "product upper bound"), ("largest_local_lipschitz", "largest local constant found"),
            ("mean_local_lipschitz", "mean local constant found"),
        )
        for number, (key, label) in enumerate(series):
            axes.plot(column(mine, "sigma"), column(mine, key), label=label, **look(number))
        axes.set_yscale("log")
        axes.set_title(model, fontsize=10)
        finish(axes, "noise in training, standard deviation", "Lipschitz constant")
    panels[0].legend(fontsize=8)


@dataclass(frozen=True)
class CertifiedSizes:
    """The networks, the images, and the perturbation levels of the source."""

    architectures: tuple[str, ...] = digits.SIZES
    seeds: tuple[int, ...] = digits.SEEDS
    test_images: int = 450
    levels: tuple[float, ...] = (0.0, 0.141, 0.283, 0.423, 1.0)


def certified(sizes: CertifiedSizes, rng: np.random.Generator) -> list[Row]:
    """For each rescaling and size: mean and standard deviation over the seeds of the certified accuracy."""
    images, labels = _test_images(sizes.test_images)
    rows: list[Row] = []
    for size in sizes.architectures:
        for kind in digits.RESCALING_STEPS:
            networks = [digits.load(f"{kind}-{size}-{seed}") for seed in sizes.seeds]
            shares = np.array([_certified_accuracy(network, images, labels, sizes.levels) for network in networks])
            for level, share in zip(sizes.levels, shares.T, strict=True):
                rows.append({
                    "rescaling": kind.upper(), "size": size, "epsilon": level,
                    "mean_certified_accuracy": float(share.mean()),
                    "std_certified_accuracy": float(share.std(ddof=1)),
                })
    return rows


def _certified_accuracy(network: Any, images: Array, labels: Array, levels: tuple[float, ...]) -> Array:
    scores = np.array([network(x) for x in images])
    return np.asarray(certified_accuracy(radius_global(scores, labels, product_upper_bound(network)), levels))


def draw_certified(figure: Figure, rows: list[Row]) -> None:
    """Certified accuracy over the perturbation level, with the spread over the seeds."""
    figure.set_size_inches(9, 4.4)
    names = distinct(rows, "size")
    panels = figure.subplots(1, len(names), sharey=True)
    for axes, size in zip(np.atleast_1d(panels), names, strict=True):
        for number, kind in enumerate(distinct(rows, "rescaling")):
            mine = where(rows, size=size, rescaling=kind)
            axes.errorbar(
                column(mine, "epsilon"), column(mine, "mean_certified_accuracy"),
                yerr=column(mine, "std_certified_accuracy"), label=kind, capsize=3, **look(number),
            )
        axes.set_title(f"{size}", fontsize=10)
        finish(axes, r"perturbation level $\epsilon$ (l2)", "certified accuracy")
    np.atleast_1d(panels)[0].legend(fontsize=8)


EXPERIMENTS = (
    Experiment(
        "tab-4.2", "local Lipschitz constants and product upper bounds", LocalSizes(), None, local_and_product,
        draw_local, "the source has a ResNet-110 and a LiResNet on CIFAR-10; here small networks on 8 x 8 digits. "
        "A local constant found is a lower bound",
    ),
    Experiment(
        "tab-5.1", "certified accuracy of 1-Lipschitz networks, AOL against SR", CertifiedSizes(), None, certified,
        draw_certified, "the source has 20 to 30 convolutional layers on CIFAR-10; here four (small) or eight (medium) "
        "on 8 x 8 digits, three seeds",
    ),
)
