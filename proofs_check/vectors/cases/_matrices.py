"""Matrices that other functions' vectors share: what goes wrong first, then what is drawn."""

from __future__ import annotations

import numpy as np

from proofs_check.vectors._numbers import Draws
from proofs_check.vectors._spec import Case, bad

NAN, INF = float("nan"), float("inf")


def rows(*values: list[float]) -> np.ndarray:
    """A matrix of floats."""
    return np.array(values, dtype=float)


HADAMARD = np.kron(np.kron(rows([1, 1], [1, -1]), rows([1, 1], [1, -1])), rows([1, 1], [1, -1]))
MATRICES: list[tuple[str, tuple[str, ...], np.ndarray]] = [
    ("1 x 1, negative: a norm is no entry", ("ClosedForm",), rows([-3])),
    ("the identity: every singular value is the largest", ("ClosedForm", "RepeatedSingularValue"), np.eye(2)),
    ("the identity of three", ("ClosedForm", "RepeatedSingularValue"), np.eye(3)),
    ("diagonal, 3 and 4", ("ClosedForm",), rows([3, 0], [0, 4])),
    ("nilpotent: eigenvalues 0, norm 5", ("ClosedForm", "Nilpotent"), rows([0, 5], [0, 0])),
    ("triangular, golden ratio", ("ClosedForm", "Nilpotent"), rows([1, 1], [0, 1])),
    ("rotation times 2", ("ClosedForm", "RepeatedSingularValue"), rows([0, -2], [2, 0])),
    ("Hadamard of eight: norm root of 8", ("ClosedForm", "RepeatedSingularValue"), HADAMARD),
    ("all ones, rank 1", ("ClosedForm", "LowRank"), np.ones((3, 3))),
    ("one row", ("ClosedForm", "NotSquare", "LowRank"), rows([3, 4])),
    ("one column", ("ClosedForm", "NotSquare", "LowRank"), rows([3], [4])),
    ("three rows, one of zeros", ("NotSquare", "LowRank"), rows([1, 2], [0, 0], [2, 4])),
    ("two rows, four columns, rows of equal norm at right angles", ("NotSquare", "RepeatedSingularValue"),
     rows([1, 1, 1, 1], [1, -1, 1, -1])),
    ("four rows, two columns", ("NotSquare",), rows([1, 2], [3, 4], [5, 6], [7, 8])),
    ("two equal blocks: the leading value twice", ("RepeatedSingularValue",),
     rows([1, 2, 0, 0], [3, 4, 0, 0], [0, 0, 1, 2], [0, 0, 3, 4])),
    ("gap of 2^-20 between the two largest", ("PowerIterationStalls",), rows([1, 0], [0, 1 - 2.0**-20])),
    ("gap of 2^-52", ("PowerIterationStalls", "Cancellation"), rows([1, 0], [0, 1 - 2.0**-52])),
    ("leading vector at a right angle to the vector of ones", ("PowerIterationStalls",), rows([2, -2], [1, 1])),
    ("leading vector at a right angle to the first axis", ("PowerIterationStalls",), rows([1, 0], [0, 3])),
    ("rows that nearly agree: the second value is lost when squared", ("Cancellation",),
     rows([1, 1], [1, 1 + 2.0**-30])),
    ("a Laeuchli matrix", ("Cancellation", "NotSquare"), rows([1, 1], [2.0**-27, 0], [0, 2.0**-27])),
    ("Hilbert's of three, in floats", ("Cancellation",), rows([1, 1 / 2, 1 / 3], [1 / 2, 1 / 3, 1 / 4], [1 / 3, .25, .2])),
    ("far apart: 2^40 and 2^-40", ("FarApart",), rows([2.0**40, 1], [1, 2.0**-40])),
    ("graded rows", ("FarApart",), rows([1, 2.0**-10], [2.0**-20, 2.0**-30])),
    ("one large entry, small others", ("FarApart",), rows([2.0**26, 1, 1], [1, 1, 1], [1, 1, 1])),
    ("squares overflow", ("Overflow",), rows([2.0**600, 2.0**599], [0, 2.0**600])),
    ("near the largest float", ("Overflow",), rows([2.0**1022, 0], [0, 2.0**1021])),
    ("squares underflow to zero", ("Underflow",), rows([2.0**-600, 2.0**-601], [2.0**-600, -(2.0**-600)])),
    ("small: an epsilon of 1e-12 would be as large as the norm", ("EpsilonBreaksBound", "Underflow"),
     rows([2.0**-40, 2.0**-41], [0, 2.0**-40])),
    ("an epsilon of 1e-6 would be as large as the norm", ("EpsilonBreaksBound",), rows([2.0**-20, 0], [2.0**-21, 2.0**-20])),
    ("negative zeros beside a 1", ("SignedZero", "LowRank"), rows([-0.0, 1], [0, -0.0])),
    ("symmetric, indefinite: largest eigenvalue below the norm", ("Nilpotent",), rows([1, 2], [2, -4])),
    ("skew", ("RepeatedSingularValue",), rows([0, 3, 0], [-3, 0, 0], [0, 0, 1])),
    ("permutation of four", ("ClosedForm", "RepeatedSingularValue"), np.eye(4)[[1, 2, 3, 0]]),
]
ZERO = ("nothing but zeros: norm 0", ("ClosedForm", "Zero"), np.zeros((2, 3)))
SUBNORMAL = ("subnormal entries", ("Subnormal", "Underflow"), rows([2.0**-1060, 0], [0, 2.0**-1062]))
COMPLEX_MATRICES: list[tuple[str, tuple[str, ...], np.ndarray]] = [
    ("one complex number: its modulus", ("Complex", "ClosedForm"), np.array([[3 + 4j]])),
    ("i times a rotation", ("Complex", "ClosedForm", "RepeatedSingularValue"), np.array([[0, -2j], [2j, 0]])),
    ("unitary times root 2", ("Complex", "ClosedForm", "RepeatedSingularValue"), np.array([[1, 1j], [1j, 1]])),
    ("W^T W = 0: a transpose for an adjoint gives 0", ("Complex", "ClosedForm", "LowRank", "Nilpotent"), np.array([[1, 1j], [1j, -1]])),
    ("a row whose squares sum to 0", ("Complex", "ClosedForm", "NotSquare", "LowRank"), np.array([[1, 1j]])),
    ("Hermitian, eigenvalues 1 and 3", ("Complex", "ClosedForm"), np.array([[2, 1j], [-1j, 2]])),
    ("imaginary and real parts far apart", ("Complex", "FarApart"), np.array([[1 + 2.0**-40 * 1j, 2], [2.0**-40, 1j]])),
    ("three columns", ("Complex", "NotSquare"), np.array([[1 + 1j, 2, -1j], [0.5, 1 - 1j, 2j]])),
]
SHAPES = ((2, 2), (2, 3), (3, 2), (3, 3), (4, 3), (2, 5), (4, 4), (5, 5))


def matrices(*, zero: bool = True, square: bool = False, drawn: int = 8, extreme: bool = True, tall: bool = False
             ) -> list[tuple[str, tuple[str, ...], np.ndarray]]:
    """The list, with or without what a function has no answer for."""
    listed = MATRICES + ([ZERO] if zero else []) + ([SUBNORMAL] if extreme and zero else [])
    draws = Draws("matrices", 0)
    shapes = [(max(s), min(s)) for s in SHAPES] if tall else [(min(s), min(s)) for s in SHAPES] if square else list(SHAPES)
    listed += [(f"drawn, {m} x {n}", ("Drawn",), draws.array(m, n)) for m, n in (shapes * 4)[:drawn]]
    wrong = {"Overflow", "Underflow", "Subnormal"}
    if square:
        listed = [(c, f, W) if W.shape[0] == W.shape[1] else (f"{c}, filled up by zeros", tuple({*f, "LowRank"} - {"NotSquare"}), _cut(W))
                  for c, f, W in listed]
    listed = [item for item in listed if (extreme or not wrong & set(item[1])) and (zero or item[2].any())]
    return _once(listed)


def complex_matrices() -> list[tuple[str, tuple[str, ...], np.ndarray]]:
    """For functions that take them; others refuse."""
    draws = Draws("complex matrices", 0)
    drawn = [("drawn, complex, 2 x 2", ("Complex", "Drawn"), draws.array(2, 2) + 1j * draws.array(2, 2)),
             ("drawn, complex, 3 x 2", ("Complex", "Drawn"), draws.array(3, 2) + 1j * draws.array(3, 2))]
    return COMPLEX_MATRICES + drawn


def _cut(W: np.ndarray) -> np.ndarray:
    side = max(W.shape)
    full = np.zeros((side, side))
    full[: W.shape[0], : W.shape[1]] = W
    return full


def _once(listed: list[tuple[str, tuple[str, ...], np.ndarray]]) -> list[tuple[str, tuple[str, ...], np.ndarray]]:
    seen: set[tuple[tuple[int, ...], bytes]] = set()
    kept = []
    for comment, flags, W in listed:
        key = (W.shape, W.tobytes())
        if key not in seen:
            seen.add(key)
            kept.append((comment, flags, W))
    return kept


def bad_matrices(**others: object) -> list[Case]:
    """Not a finite matrix."""
    return [
        bad("NaN among the entries", W=rows([1, NAN], [0, 1]), **others),
        bad("an infinite entry", W=rows([1, 0], [INF, 1]), **others),
        bad("a vector for a matrix", W=np.array([1.0, 2.0]), **others),
    ]
