"""Normalizations: their values, derivatives and Lipschitz constants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from proofs_check.balls import normalization
from proofs_check.vectors._numbers import Draws
from proofs_check.vectors._spec import ARRAY, FIELDS, INTEGER, NUMBER, Case, Function, bad, distinct

NAN = float("nan")
VECTORS: list[tuple[str, tuple[str, ...], list[float]]] = [
    ("a constant vector: only epsilon is left", ("Epsilon", "ClosedForm"), [1.0, 1.0, 1.0, 1.0]),
    ("zeros", ("Zero", "Epsilon", "ClosedForm"), [0.0, 0.0, 0.0, 0.0]),
    ("plus and minus", ("ClosedForm",), [1.0, -1.0, 1.0, -1.0]),
    ("variance as large as epsilon", ("Epsilon",), [2.0**-8, -(2.0**-8), 2.0**-9, 0.0]),
    ("variance below epsilon", ("Epsilon",), [2.0**-20, 0.0, -(2.0**-20), 2.0**-22]),
    ("large mean, small spread", ("Cancellation",), [2.0**20 + 1, 2.0**20, 2.0**20 - 1, 2.0**20]),
    ("one outlier", ("FarApart",), [2.0**20, 0.0, 1.0, -1.0]),
    ("two pairs", ("Ties",), [3.0, 3.0, 1.0, 1.0]),
    ("unsymmetric: divisor n - 1 for n is found out", ("ClosedForm",), [0.0, 0.0, 0.0, 4.0]),
    ("mean not zero: the root mean square is not the deviation", ("ChannelOrder",), [1.0, 2.0, 3.0, 5.0]),
]
EPSILONS = (2.0**-16, 1e-5, 1.0, 0.25)


# Of other numbers of entries, where two are a case of its own.
OTHERS: list[tuple[str, tuple[str, ...], list[float]]] = [
    ("two entries", ("Boundary",), [1.0, 4.0]), ("two entries, nearly equal", ("Boundary",), [1.0, 1.25]), ("one entry", ("Boundary", "Zero", "ClosedForm"), [3.0]),
    ("three entries", ("ChannelOrder",), [1.0, 2.0, 6.0]), ("six entries", ("ChannelOrder",), [1.0, 2.0, 4.0, 8.0, -3.0, 0.5]),
]


def _condition(value: Any, epsilon: float, size: int) -> float:
    """How much larger the mean is than the deviation; in pairs what is left of a slope is epsilon over the variance."""
    groups = value.ravel().reshape(-1, size)
    condition = float(np.min(1 + np.abs(groups).max(axis=1) / np.sqrt(groups.var(axis=1) + epsilon)))
    return condition * float(np.min(1 + groups.var(axis=1) / epsilon)) if size == 2 else condition


def _of_vectors(shape: tuple[int, ...] | None = None, name: str = "x", size: int = 4, **more: Any) -> list[Case]:
    cases, draws = [], Draws("normalization", 0)
    for c, f, x in VECTORS + [("drawn", ("Drawn",), draws.array(4).tolist()) for _ in range(2)]:
        for j, e in enumerate(EPSILONS):
            if "Drawn" in f or j < 3 or "Cancellation" not in f:
                value = np.array(x) if shape is None else np.array(x).reshape(shape)
                cases.append(Case(f"{c}, epsilon {e:g}", f, {name: value, **more, "epsilon": e},
                                  condition=_condition(value, e, size)))
    for c, f, x in OTHERS if shape is None and size == 4 else []:
        cases += [Case(f"{c}, epsilon {e:g}", f, {name: np.array(x), **more, "epsilon": e}, condition=_condition(np.array(x), e, len(x))) for e in (0.25, 1.0)]
    right = np.ones(4).reshape(shape or (4,))
    return [*cases, bad("NaN", **{name: right * NAN}, **more, epsilon=0.1), bad("negative epsilon", **{name: right}, **more, epsilon=-1.0)]


SIX = np.array([1.0, 2.0, 4.0, 8.0, -3.0, 0.5])


SQUARE = Case("as many samples as features", ("ChannelOrder",), {"batch": np.array([[1.0, 4.0], [2.0, 8.0]]), "epsilon": 0.25})


def _channels() -> list[Case]:
    """Rows and columns of different numbers."""
    cases = _of_vectors((2, 2), size=2)
    return cases + [Case(f"{m} channels, {6 // m} positions, epsilon {e:g}", ("ChannelOrder",), {"x": SIX.reshape(m, -1), "epsilon": e}) for m in (1, 2, 3, 6) for e in (0.25, 1.0)]


def _features() -> list[Case]:
    """Batches of more than one feature."""
    cases = _of_vectors((4, 1), "batch")
    return cases + [Case(f"{m} samples, {6 // m} features, epsilon {e:g}", ("ChannelOrder",), {"batch": SIX.reshape(m, -1), "epsilon": e}) for m in (1, 2, 3, 6) for e in (0.25, 1.0)] + [SQUARE]


def _grouped() -> list[Case]:
    return [*_of_vectors(size=2, groups=2), Case("four groups of one: nothing is left", ("Zero", "Boundary"), {"x": np.arange(4.0), "groups": 4, "epsilon": 0.5}),
            Case("one group", ("Boundary",), {"x": np.arange(4.0), "groups": 1, "epsilon": 0.5}),
            Case("two groups of three", ("Groups", "ChannelOrder"), {"x": SIX, "groups": 2, "epsilon": 0.5}),
            Case("three groups of two", ("Groups", "ChannelOrder"), {"x": SIX, "groups": 3, "epsilon": 0.5}),
            *[Case(f"groups that are named: {g}", ("Groups", "ChannelOrder"), {"x": SIX, "groups": g, "epsilon": 0.5})
              for g in ([[0, 2, 4], [1, 3, 5]], [[5, 0], [1, 2, 3, 4]], [[3], [0, 4, 5], [2, 1]])],
            bad("three groups of four", x=np.arange(4.0), groups=3, epsilon=0.5)]


def _frozen(jacobian: bool) -> list[Case]:
    cases = []
    for c, f, x in VECTORS:
        for e in EPSILONS:
            statistics = {} if jacobian else {"x": np.array(x[::-1]), "mean": np.array([0.0, 1.0, -1.0, 2.0])}
            cases.append(Case(f"variances from: {c}; epsilon {e:g}", f, {**statistics, "variance": np.abs(np.array(x)), "epsilon": e}))
    extra = {} if jacobian else {"x": np.ones(2), "mean": np.zeros(2)}
    return [*distinct(cases), Case("no epsilon", ("Boundary", "ClosedForm"), {**extra, "variance": np.array([4.0, 0.25]), "epsilon": 0.0}),
            bad("a negative variance", **extra, variance=np.array([-1.0, 1.0]), epsilon=0.5),
            bad("NaN", **extra, variance=np.array([NAN, 1.0]), epsilon=0.5),
            bad("negative epsilon", **extra, variance=np.ones(2), epsilon=-0.5)]


def _sizes(name: str) -> list[Case]:
    cases = [Case(f"{n} entries, epsilon {e:g}", ("Boundary", "ClosedForm") if n == 1 else ("Epsilon", "ClosedForm"), {name: n, "epsilon": e})
             for n in (1, 2, 3, 4, 7, 64, 1000) for e in (2.0**-16, 1e-5, 1.0, 0.25, 1e-12, 1e-300)]
    return [*cases, bad("nothing", **{name: 0}, epsilon=0.5), bad("negative epsilon", **{name: 3}, epsilon=-1.0), bad("NaN", **{name: 3}, epsilon=NAN)]


def _batches() -> list[Case]:
    cases, draws = [], Draws("batches", 0)
    for c, f, x in VECTORS:
        for j, e in enumerate(EPSILONS):
            batch = np.stack([np.array(x), np.roll(np.array(x), j + 1) / 4], axis=1)[: 3 + j % 2]
            cases.append(Case(f"{c}, {len(batch)} samples, two features, epsilon {e:g}", f, {"batch": batch, "epsilon": e}, condition=2.0**20 if "Cancellation" in f else 1.0))
    cases += [Case("drawn", ("Drawn",), {"batch": draws.array(3, 2), "epsilon": 0.5}) for _ in range(4)] + [SQUARE]
    return [*distinct(cases), bad("NaN", batch=np.array([[NAN], [1.0]]), epsilon=0.5), bad("negative epsilon", batch=np.eye(2), epsilon=-1.0)]


def _groups() -> list[Case]:
    listed: list[tuple[str, tuple[str, ...], list[list[int]]]] = [
        ("one group", ("ClosedForm",), [[0, 1, 2, 3]]), ("two groups: the constant of one, no product and no sum", ("Groups", "ClosedForm"), [[0, 1], [2, 3]]),
        ("groups of one entry: constant", ("Groups", "Zero", "ClosedForm"), [[0], [1], [2]]), ("a group of one beside one of two", ("Groups", "Boundary", "ClosedForm"), [[0], [1, 2]]),
        ("not in order", ("Groups", "ChannelOrder", "ClosedForm"), [[3, 0], [1, 2]]), ("three groups", ("Groups", "ClosedForm"), [[0, 3], [1, 4], [2, 5]]),
    ]
    cases = [Case(f"{c}, epsilon {e:g}", (*f, "Epsilon"), {"groups": g, "epsilon": e}) for c, f, g in listed for e in (2.0**-16, 1e-5, 1.0, 0.25, 1e-12, 1e-300)]
    return [*cases, bad("a place twice", groups=[[0, 1], [1, 2]], epsilon=0.5), bad("a place is missing", groups=[[0], [2]], epsilon=0.5),
            bad("an empty group", groups=[[0], []], epsilon=0.5), bad("negative epsilon", groups=[[0, 1]], epsilon=-1.0), bad("epsilon 0", groups=[[0, 1]], epsilon=0.0)]


def _rms_constants() -> list[Case]:
    values = [2.0**-k for k in range(0, 60, 2)] + [1e-5, 1e-6, 1e-8, 1e-12, 1e-300, 3.0, 0.1, 100.0]
    return [*[Case(f"epsilon {e:g}", ("Epsilon", "ClosedForm"), {"epsilon": e}) for e in values], bad("negative epsilon", epsilon=-1.0), bad("NaN", epsilon=NAN)]


def _statistics() -> list[Case]:
    cases, draws = [], Draws("statistics", 0)
    for c, f, x in VECTORS:
        for j in (0, 1, 2, 3):
            other = np.roll(np.array(x), j) * (j + 1)
            cases.append(Case(f"{c}, second feature {j + 1} times", f, {"batch": np.stack([np.array(x), other], axis=1)},
                              condition=_condition(np.array(x), 2.0**-40, 4) if "Cancellation" in f else 1.0))
    cases += [Case("drawn", ("Drawn",), {"batch": draws.array(5, 2)}) for _ in range(3)]
    cases.append(Case(SQUARE.comment, SQUARE.flags, {"batch": SQUARE.inputs["batch"]}))
    return [*distinct(cases), bad("NaN", batch=np.array([[NAN], [1.0]])), bad("a vector", batch=np.array([1.0, 2.0]))]


def _batch_statistics(batch: Any) -> Any:
    found = normalization.batch_norm_statistics(batch)
    return {"mean": found.mean, "variance": found.variance}


X, XE = {"x": ARRAY}, {"x": ARRAY, "epsilon": NUMBER}


def _made(name: str, says: str, arguments: dict[str, str], cases: Callable[[], list[Case]], promises: Any = "exact", value: Any = None) -> Function:
    return Function(f"normalization.{name}", says, promises, arguments, cases, value or getattr(normalization, name))


FUNCTIONS = [
    _made("layer_norm", "(x - mean) / sqrt(variance + epsilon), divisor n", XE, _of_vectors),
    _made("layer_norm_jacobian", "its derivative", XE, _of_vectors),
    _made("layer_norm_jacobian_norm", "the spectral norm of that", XE, _of_vectors),
    _made("layer_norm_lipschitz", "the largest such norm over all x of n entries: 1 / sqrt(epsilon), 0 for one entry", {"n": INTEGER, "epsilon": NUMBER}, lambda: _sizes("n")),
    _made("rms_norm", "x / sqrt(mean square + epsilon)", XE, _of_vectors),
    _made("rms_norm_jacobian", "its derivative", XE, _of_vectors),
    _made("rms_norm_lipschitz", "1 / sqrt(epsilon)", {"epsilon": NUMBER}, _rms_constants),
    _made("group_norm", "layer_norm in every one of equal groups", {**X, "groups": FIELDS, "epsilon": NUMBER}, _grouped),
    _made("group_norm_jacobian", "its derivative", {**X, "groups": FIELDS, "epsilon": NUMBER}, _grouped),
    _made("instance_norm", "layer_norm of every row (channel)", XE, _channels),
    _made("instance_norm_jacobian", "its derivative on row-major vectors", XE, _channels),
    _made("instance_norm_lipschitz", "over all images with that many positions", {"positions": INTEGER, "epsilon": NUMBER}, lambda: _sizes("positions")),
    _made("batch_norm", "(x - mean) / sqrt(variance + epsilon) with given statistics", {**X, "mean": ARRAY, "variance": ARRAY, "epsilon": NUMBER}, lambda: _frozen(False)),
    _made("batch_norm_jacobian", "its derivative by x", {"variance": ARRAY, "epsilon": NUMBER}, lambda: _frozen(True)),
    _made("batch_norm_lipschitz", "its spectral norm", {"variance": ARRAY, "epsilon": NUMBER}, lambda: _frozen(True)),
    _made("batch_norm_statistics", "mean and variance of every column, divisor n", {"batch": ARRAY}, _statistics, {"mean": "exact", "variance": "exact"}, _batch_statistics),
    _made("batch_norm_training", "layer_norm of every column (feature) of the batch", {"batch": ARRAY, "epsilon": NUMBER}, _features),
    _made("batch_norm_training_jacobian", "its derivative by the whole batch, both as row-major vectors", {"batch": ARRAY, "epsilon": NUMBER}, _batches),
    _made("group_norm_lipschitz", "over all inputs, of given groups of places: the largest of the groups' constants", {"groups": FIELDS, "epsilon": NUMBER}, _groups),
    _made("batch_norm_training_lipschitz", "over all batches of so many samples", {"samples": INTEGER, "epsilon": NUMBER}, lambda: _sizes("samples")),
]
