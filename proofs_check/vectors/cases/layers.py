"""Layers of Lipschitz constant 1: rescalings and orthogonal parametrisations."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from proofs_check.balls import layers
from proofs_check.vectors._numbers import Draws
from proofs_check.vectors._spec import (
    ARRAY,
    CHOICE,
    COMPLEX,
    INTEGER,
    NUMBER,
    PAIRS,
    SIZE,
    Case,
    Function,
    bad,
    distinct,
)
from proofs_check.vectors.cases._kernels import bad_kernels, one, plain
from proofs_check.vectors.cases._matrices import bad_matrices, complex_matrices, matrices

NAN = float("nan")
NAMES = ("relu", "leaky_relu", "tanh", "sigmoid", "gelu", "softplus", "silu", "abs", "identity")


def _matrices(*, zero: bool = False, square: bool = False, far: bool = True, extreme: bool = False, **more: Any) -> list[Case]:
    found = [item for item in matrices(zero=zero, square=square, extreme=extreme, drawn=24) if far or "FarApart" not in item[1]]
    turned = [item for item in complex_matrices() if not square or item[2].shape[0] == item[2].shape[1]]
    return [*[Case(c, f, {"W": W, **more}) for c, f, W in turned + found], *bad_matrices(**more)]


def _normalized() -> list[Case]:
    return [*_matrices(extreme=True), bad("nothing but zeros: 0/0", W=np.zeros((2, 2)))]


def _rescaled(steps: bool = False, weights: bool = False) -> list[Case]:
    cases = []
    for i, (c, f, W) in enumerate(matrices(extreme=False, drawn=24) + complex_matrices()):
        n, how = W.shape[1], {"n_iter": (1, 2, 3)[i % 3]} if steps else {}
        if weights and i % 2:
            how = {**how, "q": np.array([(1.0, 2.0, 0.5)[(i + k) % 3] for k in range(n)])}
        cases.append(Case(c + (f"; {how['n_iter']} steps" if steps else ""), f, {"W": W, **how}))
    how = {"n_iter": 1} if steps else {}
    return [*cases, *bad_matrices(**how)]


def _square() -> list[Case]:
    return [*_matrices(zero=True, square=True, far=False), bad("not square", W=np.ones((2, 3)))]


def _exponential() -> list[Case]:
    cases = []
    turned = [m for m in complex_matrices() if m[2].shape[0] == m[2].shape[1]]
    for i, (c, f, W) in enumerate(m for m in turned + matrices(square=True, extreme=False, drawn=24) if "FarApart" not in m[1]):
        how = {} if i % 3 else {"terms": 6 + i % 5}
        cases.append(Case(c + (f"; {how['terms']} terms" if how else ""), f, {"W": W / 4, **how}))
    return [*cases, *bad_matrices(), bad("not square", W=np.ones((2, 3)))]


def _bjorck() -> list[Case]:
    cases = []
    for i, (c, f, W) in enumerate(m for m in complex_matrices() + matrices(zero=False, extreme=False, drawn=24) if "FarApart" not in m[1]):
        scaled = W / 2.0 ** np.ceil(np.log2(np.linalg.norm(W)))
        cases.append(Case(f"{c}, scaled; {i % 4 + 1} steps", f, {"W": scaled, "n_iter": i % 4 + 1}))
    cases.append(Case("no step: the matrix itself", ("Boundary",), {"W": np.array([[0.5, 0.25], [0.0, 0.5]]), "n_iter": 0}))
    return [*distinct(cases), *bad_matrices(n_iter=1), bad("a negative number of steps", W=np.eye(2), n_iter=-1)]


def _rectangular() -> list[Case]:
    draws, cases = Draws("cayley_rectangular", 0), []
    for i in range(40):
        m, n = (1, 2, 3)[i % 3], (1, 2, 4, 3)[i % 4]
        W, V = draws.array(m, m), draws.array(n, m)
        trap = ("LowRank", "ClosedForm") if i == 0 else ("NotSquare",) if i < 12 else ("Drawn",)
        cases.append(Case(f"{m} x {m} and {n} x {m}", trap, {"W": W * (i != 0), "V": V * (i != 0)}))
    return [*cases, bad("not square", W=np.ones((2, 3)), V=np.ones((2, 3))), bad("widths differ", W=np.eye(2), V=np.ones((2, 3)))]


def _kernel_cases(n: bool) -> list[Case]:
    cases = []
    for s in plain(drawn=40, extreme=False):
        c_out, c_in, k_h, k_w = s.K.shape
        if c_out == c_in and "FarApart" not in s.flags and k_h <= s.size[0] and k_w <= s.size[1] and s.size[0] * s.size[1] <= 20:
            cases.append(Case(s.comment, s.flags, {"K": s.K, "n": s.n}))
    draws = Draws("orthogonal convolution", 0)
    for i in range(30):
        c, k, size = 1 + i % 2, 1 + i % 3, 2 + (i + 1) % 3
        if k <= size:
            cases.append(Case(f"drawn, {c} channels, {k} x {k} taps, image {size}", ("Drawn",), {"K": draws.array(c, c, k, k, high=8, of=8), "n": size}))
    return [*distinct(cases), *bad_kernels(n=3), bad("more outputs than inputs", K=np.ones((2, 1, 1, 1)), n=2)]


def _condition(K: Any) -> float:
    values = np.linalg.svd(K.reshape(len(K), -1), compute_uv=False)
    return float(values[0] / values[-1])


def _reshaped() -> list[Case]:
    cases, draws = [], Draws("reshaped", 0)
    for i in range(44):
        c_out, c_in, k = (1, 2)[i % 2], (1, 2, 3)[i % 3], (1, 2, 3)[i // 2 % 3]
        if c_out <= c_in * k * k:
            cases.append(Case(f"{c_out} x {c_in} channels, {k} x {k} taps", ("ChannelOrder",) if i < 12 else ("Drawn",), {"K": draws.array(c_out, c_in, k, k)}))
    cases = [dataclasses.replace(case, condition=_condition(case.inputs["K"])) for case in cases]
    small = Case("small taps: an epsilon counts", ("EpsilonBreaksBound",), {"K": one([1, 2], [3, -1]) * 2.0**-40})
    return [small, *distinct(cases), *bad_kernels()]


def _blocks() -> list[Case]:
    """Rotations with exact entries, directions of rank one."""
    cases, draws = [], Draws("block_orthogonal_convolution", 0)
    turns = [np.eye(2), np.array([[0.0, -1.0], [1.0, 0.0]]), np.array([[1.0, 0.0], [0.0, -1.0]]), -np.eye(2), np.eye(3)[[1, 2, 0]], np.eye(1), np.array([[0.0, 1.0], [1.0, 0.0]])]
    for i in range(42):
        H = turns[i % 7]
        steps = (1, 2, 1, 0)[i % 4]
        directions = [[draws.array(len(H), 1) + 1 / 16, draws.array(len(H), 1) + 1 / 16] for _ in range(steps)]
        trap = ("ClosedForm",) if steps == 0 or len(H) == 1 else ("ChannelOrder",) if i < 24 else ("Drawn",)
        cases.append(Case(f"{len(H)} channels, {steps + 1} x {steps + 1} taps", trap, {"H": H, "directions": directions}))
    return [*distinct(cases), bad("not orthogonal", H=np.ones((2, 2)), directions=[]), bad("a direction of another length", H=np.eye(2), directions=[[np.ones((3, 1)), np.ones((2, 1))]]),
            bad("NaN", H=np.eye(2) * NAN, directions=[])]


def _values(extra: str | None = None) -> list[Case]:
    cases, draws = [], Draws(f"layer {extra}", 0)
    found = [m for m in matrices(zero=False, extreme=False, drawn=24) if "FarApart" not in m[1]]
    for i, (c, f, W) in enumerate(found):
        name = ("relu", "tanh", "leaky_relu", "sigmoid")[i % 4]
        how: dict[str, Any] = {"b": draws.array(W.shape[1], high=4, of=2)} if i % 2 else {}
        if extra == "n_iter" and i % 3 == 0:
            how = {**how, "n_iter": 2}
        cases.append(Case(f"{c}; {name}", f, {"x": draws.array(W.shape[0], high=8, of=4), "W": W, **how, "name": name}))
    return [*cases, *bad_matrices(x=np.ones(2), name="relu"), bad("x of another length", x=np.ones(3), W=np.eye(2), name="relu"),
            bad("no such activation", x=np.ones(2), W=np.eye(2), name="step")]


def _sandwich() -> list[Case]:
    cases, draws = [], Draws("sandwich", 0)
    for i in range(40):
        m, n = (1, 2, 3)[i % 3], (1, 2, 4, 3)[i % 4]
        cases.append(Case(f"{m} outputs, {n} inputs", ("NotSquare",) if i < 12 else ("Drawn",), {
            "x": draws.array(n) + 1 / 32, "W": draws.array(m, m), "V": draws.array(n, m), "q": draws.array(m, high=4, of=4), **({"b": draws.array(m)} if i % 2 else {}),
            "name": ("relu", "tanh")[i % 2]}))
    return [*cases, bad("x of another length", x=np.ones(3), W=np.eye(2), V=np.eye(2), q=np.zeros(2), name="relu")]


def _activation(of_derivative: bool) -> list[Case]:
    points = (0.0, 1.0, -1.0, 0.5, -3.0, 20.0, -20.0)
    cases = [Case(f"{name} at {x:g}", ("Boundary",) if x == 0 else ("Cancellation", "TinyP") if x < -9 else ("ClosedForm",), {"x": np.array([x]), "name": name})
             for name in NAMES for x in points if not (of_derivative and x == 0 and name in ("relu", "leaky_relu", "abs"))]
    cases += [Case(f"{name} far out", ("OverflowingExponential",), {"x": np.array([v]), "name": name}) for name in ("sigmoid", "softplus", "silu", "tanh") for v in (500.0, -500.0)]
    cases += [Case(f"slope {s:g}", ("Boundary",), {"x": np.array([-2.0, 2.0]), "name": "leaky_relu", "slope": s}) for s in (0.0, 0.5, 2.0)]
    return [*cases, bad("NaN", x=np.array([NAN]), name="relu"), bad("no such activation", x=np.array([1.0]), name="step")]


def _constants() -> list[Case]:
    cases = [Case(name, ("ClosedForm",), {"name": name}) for name in NAMES]
    cases += [Case(f"slope {s:g}", ("Boundary",) if abs(s) <= 1 else ("ClosedForm",), {"name": "leaky_relu", "slope": s})
              for s in [k / 4 for k in range(-14, 15)] + [1e-3, 100.0]]
    return [*cases, bad("no such activation", name="step")]


W, WX, KN = {"W": COMPLEX}, {"x": ARRAY, "W": ARRAY, "b": ARRAY, "name": CHOICE}, {"K": ARRAY, "n": SIZE}


def _made(name: str, says: str, arguments: dict[str, str], cases: Any, optional: tuple[str, ...] = (), promises: Any = "exact", value: Any = None) -> Function:
    return Function(f"layers.{name}", says, promises, arguments, cases, value or getattr(layers, name), optional=optional)


def _two_blocks(W: Any, V: Any) -> Any:
    upper, lower = layers.cayley_rectangular(W, V)
    return {"upper": upper, "lower": lower}


FUNCTIONS = [
    _made("spectral_normalization", "W over its spectral norm", W, _normalized),
    _made("aol_rescaling", "(sum_j |W^T W|_ij)^(-1/2), 0 for a column of zeros", W, _rescaled),
    _made("sll_rescaling", "(sum_j |W^T W|_ij q_j / q_i)^(-1/2)", {**W, "q": ARRAY}, lambda: _rescaled(weights=True), optional=("q",)),
    _made("spectral_rescaling", "(sum_j |W_t|_ij q_j / q_i)^(-2^-t), W_t after t = n_iter Gram steps", {**W, "n_iter": INTEGER, "q": ARRAY}, lambda: _rescaled(True, True), optional=("q",)),
    _made("cayley", "(I - A)^-1 (I + A), A = W - W^T", W, _square),
    _made("skew_exponential", "exp(W - W^T), or so many terms of its series", {**W, "terms": INTEGER}, _exponential, optional=("terms",)),
    _made("bjorck", "n_iter times W <- 3/2 W - 1/2 W W^T W", {**W, "n_iter": INTEGER}, _bjorck),
    _made("cayley_rectangular", "(I + Z)^-1 (I - Z) and -2 V (I + Z)^-1, Z = W - W^T + V^T V", {**W, "V": ARRAY}, _rectangular, promises={"upper": "exact", "lower": "exact"}, value=_two_blocks),
    _made("reshaped_kernel_orthogonalization", "the polar factor of the (c_out, c_in k k) matrix over the root of its taps", {"K": ARRAY}, _reshaped),
    _made("cayley_convolution", "the kernel whose frequency blocks are the Cayley transforms of K's", KN, lambda: _kernel_cases(True)),
    _made("skew_orthogonal_convolution", "the same by exponentials", KN, lambda: _kernel_cases(True)),
    _made("block_orthogonal_convolution", "H * [P_1, I - P_1] * [Q_1; I - Q_1] * ..., P and Q the projections onto the columns of the directions, alternately two taps wide and two high",
          {"H": ARRAY, "directions": PAIRS}, _blocks),
    _made("convex_potential_layer", "x - 2 / |W|^2 W f(W^T x + b)", WX, _values, optional=("b",)),
    _made("sll_layer", "x - 2 W R^2 f(W^T x + b), R the (spectral) rescaling", {**WX, "n_iter": INTEGER}, lambda: _values("n_iter"), optional=("b", "n_iter")),
    _made("sandwich_layer", "root 2 A e^q f(root 2 e^-q B^T x + b), A and B of cayley_rectangular, B the lower one", {"x": ARRAY, **W, "V": ARRAY, "q": ARRAY, "b": ARRAY, "name": CHOICE}, _sandwich, optional=("b",)),
    _made("residual_linear_block", "I + Q over its norm", {"Q": COMPLEX}, lambda: [Case(c.comment, c.flags, {"Q": c.inputs["W"]}, c.refused) for c in _square() if c.refused or np.any(c.inputs["W"] + np.eye(len(c.inputs["W"])))]),
    _made("activation", "the value of an activation, entry by entry", {"x": ARRAY, "name": CHOICE, "slope": NUMBER}, lambda: _activation(False), optional=("slope",)),
    _made("activation_derivative", "its derivative", {"x": ARRAY, "name": CHOICE, "slope": NUMBER}, lambda: _activation(True), optional=("slope",)),
    _made("activation_lipschitz", "the largest absolute slope", {"name": CHOICE, "slope": NUMBER}, _constants, optional=("slope",)),
]
