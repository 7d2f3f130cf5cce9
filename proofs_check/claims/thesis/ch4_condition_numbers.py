"""Thesis 4.5, figure 4.10: condition numbers of rescaled matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Verdict, claim


def _minor(A: Any, i: int, j: int) -> Any:
    rest = np.delete(np.delete(A, i, 0), j, 1)
    return rest[0, 0] if len(rest) == 1 else rest[0, 0] * rest[1, 1] - rest[0, 1] * rest[1, 0]


def _condition(impl: Any, A: Any) -> Any:
    """sigma_1 / sigma_n of a 2 x 2 or 3 x 3 matrix, from its adjugate."""
    n = len(A)
    cofactors = np.array([[(-1) ** (i + j) * _minor(A, i, j) for j in range(n)] for i in range(n)])
    determinant = (A[0] * cofactors[0]).sum()
    return impl.spectral.spectral_norm(A) * impl.spectral.spectral_norm(cofactors) / abs(determinant)


def _invertible(W: Any, **_: Any) -> bool:
    """Integers of nonzero determinant."""
    return bool(np.shape(W) in ((2, 2), (3, 3)) and abs(np.linalg.det(W)) > 0.5)


_INTEGERS = st.sampled_from((2, 3)).flatmap(lambda n: st.lists(st.integers(-3, 3).map(float), min_size=n * n, max_size=n * n).map(
    lambda entries: np.array(entries).reshape(n, n)))


@claim(
    "thesis.fig-4.10-AOL",
    at="Section 4.5 and figure 4.10, 'sigma_1/sigma_i is systematically lower for SR compared to AOL'",
    tex=r"\kappa(\mathbf{W} \mathbf{R}^{(t)}) \le \kappa(\mathbf{W} \mathbf{R}_{\mathrm{AOL}}),\quad t \ge 2",
    given={"W": _INTEGERS, "n_iter": st.integers(2, 4)},
    where=_invertible,
    verdict=Verdict.REFUTED,
    note="An observation on one layer, and no rule: for [[3, 0], [1, 1]] the condition is 2.58 after three steps, 1.56 for AOL. Both are contractions; that is "
    "what is known of either.",
    counterexample={"W": np.array([[3.0, 0.0], [1.0, 1.0]]), "n_iter": 3},
    control={"W": np.diag([3.0, 1.0]), "n_iter": 3},
    amended_by="thesis.thm-4.5.1",
)
def better_conditioned_than_aol(impl: Any, W: Any, n_iter: int) -> Comparison:
    """Spectral rescaling leaves a better condition than AOL."""
    return Comparison(_condition(impl, W * impl.layers.spectral_rescaling(W, n_iter)), "<=", _condition(impl, W * impl.layers.aol_rescaling(W)))


@claim(
    "thesis.fig-4.10-SN",
    at="Section 4.5 and figure 4.10, 'sigma_1/sigma_i is systematically lower for SR compared to ... SN'; 'improves the condition number'",
    tex=r"\kappa(\mathbf{W} \mathbf{R}^{(t)}) \le \kappa(\mathbf{W}),\quad t \ge 1",
    given={"W": _INTEGERS, "n_iter": st.integers(1, 3)},
    where=_invertible,
    verdict=Verdict.REFUTED,
    note="Often, not always: for [[-1, 0, 2], [3, -2, -3], [-2, 0, 1]] AOL raises the condition by 5 %. None of 2 x 2 matrices of entries up to 3 does.",
    counterexample={"W": np.array([[-1.0, 0.0, 2.0], [3.0, -2.0, -3.0], [-2.0, 0.0, 1.0]]), "n_iter": 1},
    control={"W": np.array([[3.0, 0.0], [1.0, 1.0]]), "n_iter": 1},
    amended_by="thesis.thm-4.5.1",
)
def better_conditioned_than_sn(impl: Any, W: Any, n_iter: int) -> Comparison:
    """Rescaling never worsens the condition of a matrix."""
    return Comparison(_condition(impl, W * impl.layers.spectral_rescaling(W, n_iter)), "<=", _condition(impl, W))
