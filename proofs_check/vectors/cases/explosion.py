"""Linear networks with normalization: what a small change of the batch or of a weight becomes."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.balls import explosion
from proofs_check.balls._lift import ball_array
from proofs_check.balls.spectral import spectral_norm
from proofs_check.vectors._numbers import Draws
from proofs_check.vectors._spec import ARRAY, CHOICE, INTEGER, NUMBER, ROWS, Case, Function, bad
from proofs_check.vectors.cases._matrices import rows

NAN = float("nan")
KINDS = ("batch", "layer", "rms", "group")
PLUS = rows([1, 1], [1, 1], [-1, -1], [-1, -1])
Settings = list[tuple[str, tuple[str, ...], list[Any], Any, float, str]]


def _settings() -> Settings:
    draws = Draws("explosion", 0)
    shrink = rows([0.75, -0.25], [-0.25, 0.75])
    found: Settings = [
        ("shrunk along the data, epsilon 0", ("ClosedForm", "Boundary"), [shrink], PLUS, 0.0, "batch"),
        ("twice: the data come back, other directions grow", ("ClosedForm",), [shrink] * 2, PLUS, 0.0, "batch"),
        ("four times", ("ClosedForm",), [shrink] * 4, PLUS, 0.0, "batch"),
        ("scales of weights do not matter at epsilon 0", ("ClosedForm", "FarApart"), [2.0**20 * np.eye(2), 2.0**-20 * np.eye(2)], rows([1, 2], [3, -1], [0, 1]), 0.0, "batch"),
        ("a large epsilon: a contraction", ("Epsilon",), [shrink], PLUS, 1.0, "batch"),
        ("one sample: nothing is left of it", ("Zero", "Epsilon"), [shrink], rows([1, 2]), 0.25, "batch"),
        ("two samples: signs", ("Boundary",), [np.eye(2)], rows([1, 2], [3, -1]), 2.0**-20, "batch"),
        ("a constant feature: only epsilon is left", ("Epsilon",), [np.eye(2)], rows([1, 2], [1, -1], [1, 0]), 2.0**-6, "batch"),
    ]
    for i in range(38):
        kind = KINDS[i % 4]
        size = 4 if kind == "group" else 2 + i // 4 % 2
        depth = 1 + i % 3
        W = [draws.array(size, size, high=8, of=4) + np.eye(size) / 16 for _ in range(depth)]
        trap = ("ChannelOrder",) if i < 20 else ("Drawn",)
        found.append((f"{kind}, {depth} layers of {size}", trap, W, draws.array(2 + (i % 2 and size < 4), size) + 1 / 32, (0.25, 2.0**-6)[i % 2], kind))
    return found


def _refused(**more: Any) -> list[Case]:
    good: dict[str, Any] = {"weights": [np.eye(2)], "batch": np.array([[1.0, 2.0], [3.0, 5.0]]), **more, "epsilon": 0.25}
    return [bad("NaN", **{**good, "batch": np.eye(2) * NAN}), bad("widths do not fit", **{**good, "weights": [np.eye(3)]}), bad("negative epsilon", **{**good, "epsilon": -1.0}),
            bad("no such normalizer", **good, normalizer="instance"), bad("no layers", **{**good, "weights": []})]


def _cases(extra: Any = None) -> list[Case]:
    """For every setting its arguments, and those that are its own."""
    cases = []
    for i, (c, f, W, batch, epsilon, kind) in enumerate(_settings()):
        more = {} if extra is None else extra(i, W, batch)
        cases.append(Case(c, f, {"weights": W, "batch": batch, **more, "epsilon": epsilon, "normalizer": kind},
                          condition=2.0**22 if c.startswith("two samples") else 1.0))  # epsilon over the variance is left
    first = cases[6].inputs
    rest = {k: v for k, v in first.items() if k not in ("weights", "batch", "epsilon", "normalizer")}
    return [*cases, *_refused(**rest)]


def _perturbation(i: int, W: Any, batch: Any) -> dict[str, Any]:
    return {"perturbation": Draws(f"perturbation {i}", 0).array(*batch.shape) + 1 / 16}


def _layer(i: int, W: Any, batch: Any) -> dict[str, Any]:
    return {"layer": i % len(W)}


def _jacobian_norm(weights: Any, batch: Any, epsilon: float, normalizer: str) -> Any:
    J = explosion.linear_network_jacobian(weights, batch, epsilon=epsilon, normalizer=normalizer)
    return spectral_norm(ball_array(J.reshape(J.shape[0] * J.shape[1], -1)))


WB = {"weights": ROWS, "batch": ARRAY}
EN = {"epsilon": NUMBER, "normalizer": CHOICE}
OPTIONAL = ("normalizer",)
FUNCTIONS = [
    Function("explosion.linear_network", "layer after layer the product with a weight and a normalization (batch: of features over the samples; layer, rms, group of two: of samples)", "exact",
             {**WB, **EN}, _cases, explosion.linear_network, optional=OPTIONAL),
    Function("explosion.linear_network_jacobian", "its derivative by the batch: (samples, outputs, samples, inputs)", "exact", {**WB, **EN}, _cases, explosion.linear_network_jacobian, optional=OPTIONAL),
    Function("explosion.linear_network_weight_jacobian", "its derivative by one weight, counted from 0: (samples, outputs, rows, columns)", "exact", {**WB, "layer": INTEGER, **EN},
             lambda: _cases(_layer), explosion.linear_network_weight_jacobian, optional=OPTIONAL),
    Function("explosion.amplification", "the length of the derivative along a perturbation of the batch, over the perturbation's", "exact", {**WB, "perturbation": ARRAY, **EN},
             lambda: _cases(_perturbation), explosion.amplification, optional=OPTIONAL),
    Function("explosion.jacobian_bound", "the product over the layers of the weight's spectral norm and of the largest reciprocal deviation (with epsilon) at that layer: not below the Jacobian's norm", "upper",
             {**WB, **EN}, _cases, explosion.jacobian_bound, truth=_jacobian_norm, optional=OPTIONAL),
]
