"""Norms of matrices, and bounds on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb

from proofs_check.balls import spectral
from proofs_check.vectors._numbers import Draws
from proofs_check.vectors._spec import ARRAY, CHOICE, COMPLEX, INTEGER, NUMBER, YES, Case, Function, bad, certified
from proofs_check.vectors.cases._matrices import bad_matrices, complex_matrices, matrices, rows

INDICES = (1.0, 2.0, 4.0, 3.0, float("inf"), 1.5, 8.0)


def _plain() -> list[Case]:
    return [Case(c, f, {"W": W}) for c, f, W in matrices() + complex_matrices()] + bad_matrices()


def _schatten() -> list[Case]:
    cases = [Case(f"{c}; p = {INDICES[i % 7]:g}", f, {"W": W, "p": INDICES[i % 7]})
             for i, (c, f, W) in enumerate(matrices(drawn=10) + complex_matrices())]
    return [*cases, *bad_matrices(p=2.0), bad("an index of 0", W=np.eye(2), p=0.0),
            bad("a negative index", W=np.eye(2), p=-2.0)]


def _radius() -> list[Case]:
    kept = [item for item in matrices(square=True, drawn=12) if not {"Overflow", "Subnormal", "Underflow"} & set(item[1])]
    # Of nilpotent ones no algorithm in floating point finds the radius 0.
    turned = [item for item in complex_matrices() if item[2].shape[0] == item[2].shape[1] and "Nilpotent" not in item[1]]
    extra = [("eigenvalues on a circle, 2 i and -2 i", ("ClosedForm",), rows([1, -5], [1, -1])),
             ("a Jordan block of 1/2: defective", ("ClosedForm", "Nilpotent"), rows([0.5, 1], [0, 0.5])),
             ("eigenvalues 3 and -3: a tie of moduli", ("ClosedForm", "Ties"), rows([0, 9], [1, 0])),
             ("the companion matrix of x^3 - 2", ("ClosedForm",), rows([0, 0, 2], [1, 0, 0], [0, 1, 0]))]
    return [*[Case(c, f, {"W": W}) for c, f, W in extra + kept + turned], *bad_matrices(), bad("not square", W=np.ones((2, 3)))]


def _gram() -> list[Case]:
    steps = (1, 2, 0, 3, 5, 8, 4, 12)
    cases = [Case(f"{c}; {steps[i % 8]} steps", f, {"W": W, "n_iter": steps[i % 8]})
             for i, (c, f, W) in enumerate(matrices() + complex_matrices())]
    long = Case("40 steps: without rescaling every float is exceeded", ("Overflow",), {"W": rows([3, 1], [1, 2]), "n_iter": 40})
    small = Case("40 steps on small entries: without rescaling all is zero", ("Underflow",),
                 {"W": rows([0.25, 0.125], [0, 0.25]), "n_iter": 40})
    return [long, small, *cases, *certified(cases), *bad_matrices(n_iter=2), bad("a negative number of steps", W=np.eye(2), n_iter=-1)]


def _sequence() -> list[Case]:
    cases = [Case(f"{c}; up to {i % 4 + 1} steps", f, {"W": W, "n_iter": i % 4 + 1})
             for i, (c, f, W) in enumerate(matrices() + complex_matrices())]
    return [*cases, *bad_matrices(n_iter=2), bad("a negative number of steps", W=np.eye(2), n_iter=-1)]


def _norms(W: Any, n_iter: int) -> Any:
    return [spectral.spectral_norm(W)] * (n_iter + 1)


def _gradient() -> list[Case]:
    kept = [item for item in matrices(zero=False, drawn=16) + complex_matrices() if item[2].size <= 16 and not {"Overflow", "Underflow"} & set(item[1])]
    cases = [Case(f"{c}; {i % 4} steps", f, {"W": W, "n_iter": i % 4}) for i, (c, f, W) in enumerate(kept)]
    return [*cases, *bad_matrices(n_iter=2)]


def _power() -> list[Case]:
    draws, cases = Draws("power_iteration", 0), []
    for i, (c, f, W) in enumerate(matrices(drawn=10) + complex_matrices()):
        start = np.ones(W.shape[1]) if i % 2 else draws.array(W.shape[1], high=8, of=4) + 1 / 8
        cases.append(Case(f"{c}; {i % 5 + 1} steps", f, {"W": W, "n_iter": i % 5 + 1, "start": start}))
    stuck = Case("the start is the vector of the smaller value: it never leaves", ("PowerIterationStalls",),
                 {"W": rows([4, 0], [0, 1]), "n_iter": 20, "start": np.array([0.0, 1.0])})
    near = Case("one step from far away", ("PowerIterationStalls",),
                {"W": rows([100, 0], [0, 1]), "n_iter": 1, "start": np.array([2.0**-10, 1.0])})
    return [stuck, near, *cases, *bad_matrices(n_iter=2, start=np.array([1.0, 1.0])),
            bad("no steps", W=np.eye(2), n_iter=0, start=np.array([1.0, 1.0])),
            bad("a start of zeros", W=np.eye(2), n_iter=2, start=np.zeros(2)),
            bad("a start of the wrong length", W=np.eye(2), n_iter=2, start=np.ones(3))]


def _power_value(W: Any, n_iter: int, start: Any) -> Any:
    return spectral.power_iteration(W, n_iter, start=start)


def _enclosure(W: Any) -> Any:
    norm = spectral.spectral_norm(W)
    return {"low": norm, "high": norm}


def _gelfand() -> list[Case]:
    kept = [item for item in matrices(square=True, drawn=12, extreme=False) if "FarApart" not in item[1]]
    kept += [item for item in complex_matrices() if item[2].shape[0] == item[2].shape[1]]
    cases = [Case(f"{c}; up to the power {i % 4 + 2}", f, {"W": W, "n_iter": i % 4 + 2}) for i, (c, f, W) in enumerate(kept)]
    return [*cases, *bad_matrices(n_iter=2), bad("not square", W=np.ones((2, 3)), n_iter=2)]


def _gelfand_truth(W: Any, n_iter: int) -> Any:
    return [spectral.spectral_radius(W)] * n_iter


def _naive() -> list[Case]:
    kept = matrices(extreme=False, drawn=16) + complex_matrices()
    names = ("fro", "inf", "1", "2")
    cases = [Case(f"{c}; {i % 3} steps, read out by {names[i % 4]}", f, {"W": W, "n_iter": i % 3, "norm": names[i % 4]})
             for i, (c, f, W) in enumerate(kept)]
    cases += [Case(f"three steps, read out by {name}: the eighth root", ("ClosedForm",), {"W": rows([2, 1], [0, 1]), "n_iter": 3, "norm": name}) for name in names]
    return [*cases, *bad_matrices(n_iter=2), bad("no such norm", W=np.eye(2), n_iter=1, norm="max")]


def _only_norm(W: Any, **others: Any) -> arb:
    return spectral.spectral_norm(W)


M, MN = {"W": COMPLEX}, {"W": COMPLEX, "n_iter": INTEGER}
FUNCTIONS = [
    Function("spectral.spectral_norm", "the largest singular value of W", "exact", M, _plain, spectral.spectral_norm),
    Function("spectral.spectral_norm_enclosure", "two floats low and high with the spectral norm of W between them; "
             "rounding counts", {"low": "lower", "high": "upper"}, M, _plain, _enclosure),
    Function("spectral.schatten_norm", "the p-norm of the singular values of W", "exact", {"W": COMPLEX, "p": NUMBER},
             _schatten, spectral.schatten_norm),
    Function("spectral.spectral_radius", "the largest modulus of an eigenvalue of W", "exact", M, _radius,
             spectral.spectral_radius),  # a defective eigenvalue moves by the root of a roundoff
    Function("spectral.gram_iteration", "a bound on the spectral norm of W: with W_0 = W, W_(t+1) = W_t^T W_t, the "
             "Frobenius norm of W_t to the power 2^-t after t = n_iter steps", "upper", {**MN, "certified": YES}, _gram,
             spectral.gram_iteration, optional=("certified",), truth=_only_norm),
    Function("spectral.gram_iteration_naive", "the same without rescaling, read out by the Frobenius norm or the "
             "operator norm 1, 2 or inf", "upper", {**MN, "norm": CHOICE}, _naive, spectral.gram_iteration_naive,
             truth=_only_norm, optional=("norm",)),
    Function("spectral.gram_bound_sequence", "the bounds of gram_iteration after 0, ..., n_iter steps", "upper", MN,
             _sequence, spectral.gram_bound_sequence, truth=_norms),
    Function("spectral.gram_iteration_gradient", "the derivative of gram_iteration by the entries of W", "exact", MN,
             _gradient, spectral.gram_iteration_gradient),
    Function("spectral.power_iteration", "after n_iter times v = W u / |W u|, u = W^T v / |W^T v| from u = start: "
             "v^T W u, never above the norm", "lower", {**MN, "start": ARRAY}, _power, _power_value, truth=_only_norm),
    Function("spectral.gelfand_sequence", "the t-th root of the Frobenius norm of W^t for t = 1, ..., n_iter: bounds on "
             "the spectral radius", "upper", MN, _gelfand, spectral.gelfand_sequence, truth=_gelfand_truth),
]
