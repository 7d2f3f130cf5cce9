"""Bounds on the expected loss by cells, and orders of iterations."""

from __future__ import annotations

from typing import Any

import numpy as np

from proofs_check.balls import generalization
from proofs_check.vectors._numbers import Draws
from proofs_check.vectors._spec import ARRAY, CHOICE, COUNTS, INTEGER, NUMBER, Case, Function, bad, distinct

NAN = float("nan")
COUNTED: list[tuple[str, tuple[str, ...], list[int]]] = [
    ("one cell", ("Boundary",), [100]), ("all in one of four cells", ("NoSuccess",), [100, 0, 0, 0]), ("an empty cell counts in N and not in T", ("NoSuccess",), [60, 40, 0]),
    ("equal cells", ("Ties",), [50, 50]), ("one sample a cell", ("Boundary",), [1, 1, 1, 1]), ("one sample", ("Boundary",), [1]), ("many samples", ("LargeN",), [10**9, 10**8]),
    ("far apart", ("FarApart",), [10**12, 1]), ("unequal cells", ("ChannelOrder",), [600, 300, 100]),
]
RISKS = (0.05, 0.001, 1e-7, 0.5, 1e-300)
FORMS = ("printed", "chernoff", "differences")


def _remainder() -> list[Case]:
    cases = []
    for i, (c, f, k) in enumerate(COUNTED):
        for j, form in enumerate(FORMS):
            cases.append(Case(f"{c}, {form}, risk {RISKS[(i + j) % 5]:g}", f, {"counts": k, "delta": RISKS[(i + j) % 5], "largest_loss": (1.0, 2.5)[i % 2], "form": form}))
    cases += [Case(f"a largest loss of {C:g}", ("Zero",) if C == 0 else ("ClosedForm",), {"counts": [9, 7], "delta": 0.25, "largest_loss": C, "form": form})
              for C in (0.0, 2.0**-40, 2.0**40) for form in FORMS]
    good: dict[str, Any] = {"counts": [5, 5], "delta": 0.05, "largest_loss": 1.0}
    return [*cases, bad("no samples", **{**good, "counts": [0, 0]}), bad("a risk of 0", **{**good, "delta": 0.0}), bad("a risk of 1", **{**good, "delta": 1.0}),
            bad("a negative loss", **{**good, "largest_loss": -1.0}), bad("no such form", **good, form="hoeffding"), bad("a negative count", **{**good, "counts": [5, -5]})]


def _cellwise(i: int, cells: int) -> dict[str, Any]:
    distances = np.array([(0.5, 1.0, 0.25, 2.0)[(i + k) % 4] for k in range(cells)])
    lipschitz = np.array([(1.0, 0.125, 4.0, 0.5)[(i // 2 + k) % 4] for k in range(cells)])
    return {"distances": distances, "lipschitz": lipschitz}


def _local(transport: bool) -> list[Case]:
    cases = []
    for i, (c, f, k) in enumerate(COUNTED * 4):
        rest: dict[str, Any] = {"constant": (0.0, 0.5)[i % 2]} if transport else {"largest_loss": 1.0 + i % 3, "form": FORMS[(i + i // 9) % 3]}
        cases.append(Case(f"{c}, risk {RISKS[i % 5]:g}, variant {i // 9 + 1}", f, {"empirical_loss": i / 8, "counts": k, **_cellwise(i, len(k)), "delta": RISKS[i % 5], **rest}))
    rest = {"constant": 0.0} if transport else {"largest_loss": 1.0}
    cases += [Case(f"slopes below 1: {'each counts as 1' if transport else 'each counts as it is'}, {m} samples", ("Boundary",),
                   {"empirical_loss": 0.25, "counts": [m, m], "distances": np.array([1.0, 2.0]), "lipschitz": np.array([0.5, 0.25]), "delta": 0.05, **rest}) for m in (1, 10, 100, 10**6)]
    good: dict[str, Any] = {"empirical_loss": 0.5, "counts": [5, 5], "distances": np.ones(2), "lipschitz": np.ones(2), "delta": 0.05, **rest}
    return [*distinct(cases), bad("no samples", **{**good, "counts": [0, 0]}), bad("a risk of 0", **{**good, "delta": 0.0}), bad("a negative distance", **{**good, "distances": -np.ones(2)}),
            bad("lengths differ", **{**good, "lipschitz": np.ones(3)}), bad("NaN", **{**good, "empirical_loss": NAN})]


def _sharpness() -> list[Case]:
    cases = []
    for i, m in enumerate((1, 2, 10, 100, 10**4, 10**6, 10**9, 10**12)):
        for j, mu in enumerate((1.0, 0.125, 2.0**-20, 16.0, 3.0)):
            flags = ("Boundary",) if m == 1 else ("LargeN",) if m > 10**6 else ("ClosedForm",)
            cases.append(Case(f"{m} samples, noise {mu:g}", flags, {"empirical_loss": i / 4, "sharpness": (2.0, 0.0, 50.0)[j % 3], "mu": mu, "m": m, "log_constant": 1.0 + j, "constant": (0.0, 0.25)[j % 2]}))
    good: dict[str, Any] = {"empirical_loss": 0.5, "sharpness": 1.0, "mu": 0.5, "m": 100, "log_constant": 1.0, "constant": 0.0}
    return [*cases, bad("noise 0", **{**good, "mu": 0.0}), bad("no samples", **{**good, "m": 0}), bad("NaN", **{**good, "sharpness": NAN}), bad("a negative constant", **{**good, "log_constant": -1.0})]


def _iterations() -> list[Case]:
    cases, draws = [], Draws("iteration_complexity", 0)
    for i in range(44):
        K = 2 + i % 4
        scales = abs(draws.array(K, high=16, of=8)) + 1 / 8
        deviation = {"deviation": (0.5, 0.125, 2.0)[i % 3]} if i % 2 else {}
        layer = 1 + i // 2 % (K - 1)
        trap = ("ChannelOrder",) if i < 20 else ("Drawn",)
        cases.append(Case(f"{K} layers, from layer {layer}, power {1 + i % 2}{', normalized' if deviation else ''}", trap,
                          {"scales": scales, "alpha": (0.125, 0.001, 2.0**-30)[i % 3], "layer": layer, "power": 1 + i // 3 % 2, **deviation}))
    good: dict[str, Any] = {"scales": np.ones(3), "alpha": 0.5, "layer": 1}
    return [*cases, bad("alpha 0", **{**good, "alpha": 0.0}), bad("the last layer has none after it", **{**good, "layer": 3}), bad("a scale of 0", **{**good, "scales": np.zeros(3)}),
            bad("the power 3", **good, power=3), bad("a deviation of 0", **good, deviation=0.0)]


def _nearest() -> list[Case]:
    cases, draws = [], Draws("partition_by_nearest", 0)
    square = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    cases += [Case("in the middle: the first centre", ("Ties",), {"points": np.array([[0.5, 0.5], [0.5, 0.0], [0.0, 0.5]]), "centres": square}),
              Case("the centres themselves", ("ClosedForm",), {"points": square, "centres": square}),
              Case("two equal centres: the first", ("Ties",), {"points": square, "centres": np.array([[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]])}),
              Case("one centre", ("Boundary",), {"points": square, "centres": np.array([[9.0, 9.0]])}),
              Case("largest difference for the root of the sum of squares is found out", ("ChannelOrder",), {"points": np.array([[0.0, 0.0]]), "centres": np.array([[3.0, 3.0], [4.0, 0.0]])}),
              Case("the sum of moduli for it, too", ("ChannelOrder",), {"points": np.array([[0.0, 0.0]]), "centres": np.array([[5.0, 0.0], [3.0, 3.0]])}),
              Case("as many points and centres as dimensions", ("ChannelOrder",), {"points": np.array([[0.0, 2.0], [8.0, 1.0]]), "centres": np.array([[0.0, 9.0], [1.0, 1.0]])}),
              Case("on a lattice of fifths of the largest: equally near, the first", ("Ties",), {"points": np.array([[3.0, 4.0], [1.0, 2.0]]), "centres": np.array([[3.0, 5.0], [2.0, 4.0], [1.0, 0.0]])}),
              Case("far from zero, near each other", ("Cancellation",), {"points": np.array([[2.0**30 + 1], [2.0**30 + 3]]), "centres": np.array([[2.0**30], [2.0**30 + 4]])}),
              Case("squares overflow", ("Overflow",), {"points": np.array([[2.0**600], [-(2.0**600)]]), "centres": np.array([[2.0**599], [-(2.0**601)]])})]
    for i in range(36):
        cases.append(Case("drawn", ("Drawn",), {"points": draws.array(5, 1 + i % 3), "centres": draws.array(2 + i % 3, 1 + i % 3)}))
    return [*cases, bad("lengths differ", points=np.ones((2, 2)), centres=np.ones((2, 3))), bad("NaN", points=np.array([[NAN]]), centres=np.ones((1, 1))), bad("no matrix", points=np.ones(2), centres=np.ones((1, 2)))]


def _statistics() -> list[Case]:
    cases, draws = [], Draws("cell_statistics", 0)
    line = np.array([[0.0], [3.0], [4.0], [10.0]])
    known: list[tuple[str, tuple[str, ...], list[int], list[float], list[int], int]] = [
        ("one cell", ("ClosedForm",), [0, 0, 0, 0], [1.0, 1.0, 1.0, 1.0], [1, 1, 1, 1], 1), ("two cells", ("ClosedForm",), [0, 0, 1, 1], [1.0, 1.0, 1.0, 1.0], [1, 1, 1, 1], 2),
        ("a cell without samples", ("NoSuccess", "Zero"), [0, 0, 1, 1], [1.0, 1.0, 1.0, 1.0], [2, 3, 0, 0], 2), ("an empty cell between", ("Zero",), [0, 0, 2, 2], [1.0, 1.0, 1.0, 1.0], [1, 1, 1, 1], 3),
        ("unequal probabilities: distances are weighted", ("ChannelOrder",), [0, 0, 0, 0], [8.0, 4.0, 2.0, 2.0], [1, 0, 0, 3], 1),
        ("a point of probability 0 counts for the slope", ("Zero", "Boundary"), [0, 0, 0, 0], [1.0, 0.0, 1.0, 0.0], [1, 0, 1, 0], 1), ("cells of one point: no distance", ("Boundary", "Zero"), [0, 1, 2, 3], [1.0, 1.0, 1.0, 1.0], [1, 2, 3, 4], 4),
    ]
    for c, f, cells, p, k, n in known:
        for j, losses in enumerate(([0.0, 1.0, 3.0, 2.0], [1.0, 1.0, 1.0, 1.0], [-4.0, 4.0, 0.5, 0.0])):
            cases.append(Case(f"{c}, losses {j + 1}", f, {"points": line, "losses": np.array(losses), "cells": cells, "probabilities": np.array(p), "counts": k, "n_cells": n}))
    for i in range(20):
        cases.append(Case("drawn", ("Drawn",), {"points": np.arange(8.0).reshape(4, 2) + draws.array(4, 2, high=3, of=8), "losses": draws.array(4), "cells": [draws.integer(0, 1) for _ in range(4)],
                                                "probabilities": abs(draws.array(4)) + 1 / 8, "counts": [draws.integer(1, 5) for _ in range(4)], "n_cells": 2 + i % 2}))
    good = dict(cases[0].inputs)
    return [*cases, bad("no such cell", **{**good, "cells": [0, 0, 0, 1]}), bad("a negative probability", **{**good, "probabilities": -np.ones(4)}), bad("two equal points", **{**good, "points": np.zeros((4, 1))}),
            bad("lengths differ", **{**good, "losses": np.ones(3)})]


def _cells(**inputs: Any) -> Any:
    found = generalization.cell_statistics(**inputs)
    return {"counts": found.counts, "distances": found.distances, "lipschitz": found.lipschitz}


CELLS = {"empirical_loss": NUMBER, "counts": COUNTS, "distances": ARRAY, "lipschitz": ARRAY, "delta": NUMBER}
FUNCTIONS = [
    Function("generalization.sampling_remainder", "of N cells, T of them with samples, m samples, largest loss C, with L = ln(2 N / delta): C (sqrt(2) + 1) sqrt(T L / m) + 2 C T L / m; chernoff: "
             "C sqrt(2 T ln(N / delta) / m); differences: C sqrt(N / m) / 2 + C sqrt(ln(1 / delta) / (2 m))", "upper",
             {"counts": COUNTS, "delta": NUMBER, "largest_loss": NUMBER, "form": CHOICE}, _remainder, generalization.sampling_remainder, optional=("form",)),
    Function("generalization.local_lipschitz_bound", "the empirical loss, the mean over the samples of the distance times the slope of their cells, and the remainder", "upper",
             {**CELLS, "largest_loss": NUMBER, "form": CHOICE}, lambda: _local(False), generalization.local_lipschitz_bound, optional=("form",)),
    Function("generalization.optimal_transport_bound", "the empirical loss, the mean of distance times max(slope, 1), the largest distance times slope of a cell with samples times sqrt(ln(4 / delta) / m), "
             "sqrt(N / m), and a constant", "upper", {**CELLS, "constant": NUMBER}, lambda: _local(True), generalization.optimal_transport_bound),
    Function("generalization.spherical_sharpness_bound", "loss + sharpness mu^2 / 2 + log_constant ln(m) / (mu sqrt(m)) + constant", "upper",
             {"empirical_loss": NUMBER, "sharpness": NUMBER, "mu": NUMBER, "m": INTEGER, "log_constant": NUMBER, "constant": NUMBER}, _sharpness, generalization.spherical_sharpness_bound),
    Function("generalization.iteration_complexity", "an order without its constant: s_(i+1) ... s_K / alpha^p, of a normalized network over deviation^(K - i + 1)", "estimate",
             {"scales": ARRAY, "alpha": NUMBER, "layer": INTEGER, "power": INTEGER, "deviation": NUMBER}, _iterations, generalization.iteration_complexity, optional=("power", "deviation")),
    Function("generalization.partition_by_nearest", "for every point the number of the nearest centre, the first of equally near ones", "exact",
             {"points": ARRAY, "centres": ARRAY}, _nearest, lambda points, centres: generalization.partition_by_nearest(points, centres).tolist(), sharp=True),
    Function("generalization.cell_statistics", "for every cell its samples, the mean distance of a sample from a point of the cell (0 without samples), the largest slope between two of its points",
             {"counts": "exact", "distances": "exact", "lipschitz": "exact"},
             {"points": ARRAY, "losses": ARRAY, "cells": COUNTS, "probabilities": ARRAY, "counts": COUNTS, "n_cells": INTEGER}, _statistics, _cells),
]
