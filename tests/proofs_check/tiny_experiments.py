"""The experiments of `proofs-check reproduce` at sizes that take no time."""

import functools
from dataclasses import replace

import numpy as np

from proofs_check import reproduce
from proofs_check.reproduce import _series

ROUNDING = 1e-12
CONVOLUTIONS = {"channels": (2,), "image_sizes": (6,), "kernels_drawn": 2}
TINY = {
    "explosion-depth": {"depths": (1, 2, 50)},
    "explosion-digits": {"seeds": (0, 1), "ranks": (1, 20), "batches": 2, "samples": 32, "lengths": (0.0, 0.01)},
    "explosion-random": {"width": 6, "samples": 6, "draws": 3, "depths": (1, 8)},
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
    "fig-6.4": {"test_images": 3, "estimation": 500, "sigmas": (0.25, 1.0)},
    "fig-7.1": {"images": 3, "sigmas": (0.0, 0.05, 1.0)},
    "fig-C.4.1": {"test_images": 3, "samples": 500},
    "fig-C.4.2": {"samples": 500, "temperatures": 3},
    "fig-C.5.1": {"test_images": 3, "estimation": 500, "sigmas": (0.25, 1.0)},
    "smoothed-attack": {
        "test_images": 2, "sigmas": (0.25, 1.0), "estimation": 500, "noise_samples": 8, "judged_by": 500,
    },
    "tab-3.2": {"channels": (4, 8), "n": 16},
    "tab-4.2": {"noises": ("0.00", "0.25"), "test_images": 40, "searched": 2, "steps": 3},
    "tab-5.1": {"architectures": ("small",), "seeds": (0, 1), "test_images": 40},
    "tab-6.1": {"test_images": 3, "estimation": 500, "sigmas": (0.25, 1.0)},
    "tab-A.0.1": {"rows": 30, "columns": 20, "matrices": 2},
    "tab-A.0.2": {"sides": (5, 20), "matrices": 2},
    "tab-D.1.1": {"images": 3, "sigmas": (0.05, 0.5), "samples": 20},
    "than-bound": {"kinds": ("none", "layer"), "seeds": (0, 1), "clusters": (1, 3), "train_images": 60,
                   "test_images": 40},
    "than-fig-1": {"step": 20},
    "than-fig-2": {"step": 20},
    "tightness": {"k": (1, 3), "t": (1, 2), "channels": 2, "n": 4, "kernels_drawn": 2},
}


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
