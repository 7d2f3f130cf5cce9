"""What refimpl.spectral promises in floating point: enclosures, certified bounds, rounding of the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Mutant, Verdict, claim, instead
from proofs_check.strategies import extreme_matrices, matrices


def _not_tiny(W: Any, **_: Any) -> bool:
    return min(np.shape(W)) >= 2 and np.linalg.matrix_rank(np.asarray(W) / np.abs(W).max() if np.any(W) else W) >= 2


def _shrunk(by: float) -> Mutant:
    """The enclosure moved: its upper end lowered, its lower end raised, by this share."""
    def moved(impl: Any, W: Any) -> Comparison:
        low, high = impl.spectral.spectral_norm_enclosure(W)
        truth = impl.exact.spectral.spectral_norm(W)
        return Comparison([low * (1 + by), truth], "<=", [truth, high * (1 - by)])

    return instead(moved)


@claim(
    "lipref.enclosure",
    at="refimpl.spectral.spectral_norm_enclosure",
    tex=r"\mathrm{low} \le \lVert W \rVert_2 \le \mathrm{high}",
    given={"W": extreme_matrices()},
    verdict=Verdict.SURVIVED,
    note="The exact norm of the floats, from ball arithmetic. Entries from 5e-324 to 1e300, mixed; float32, complex.",
    strata={"rank at least 2": _not_tiny,
            "tiny": lambda W: 0 < float(np.abs(W).max()) < 1e-200, "huge": lambda W: float(np.abs(W).max()) > 1e200},
    mutants={"one-percent": _shrunk(0.01), "a-millionth-of-a-millionth": _shrunk(1e-12)},
    witnesses=[{"W": np.diag([2.0, 2.0, 1.0])}, {"W": np.ones((2, 3)) * 2.0**-1000},
               {"W": np.array([[1e300, 1e-300], [3e299, 5e299]])}],
    adversarial=["W"],
    promise=True,
    weights=lambda W: {"W": W},
)
def enclosure(impl: Any, W: Any) -> Comparison:
    """The enclosure contains the exact spectral norm of the given floats."""
    low, high = impl.spectral.spectral_norm_enclosure(W)
    truth = impl.exact.spectral.spectral_norm(W)
    return Comparison([low, truth], "<=", [truth, high])


def _width(impl: Any, W: Any, share: float) -> Comparison:
    low, high = impl.spectral.spectral_norm_enclosure(W)
    smaller, larger = sorted(np.shape(W))
    units = 32 * (smaller**2 + larger) * (4 if np.iscomplexobj(W) else 1)
    truth = impl.exact.spectral.spectral_norm(W)
    return Comparison(truth * 0 + high - low, "<=", share * units * 2.0**-53 * truth)


@claim(
    "lipref.enclosure-width",
    at="refimpl.spectral.spectral_norm_enclosure, its width",
    tex=r"\mathrm{high} - \mathrm{low} \le 32\,(n^2 + m)\, u\, \lVert W \rVert_2",
    given={"W": matrices(4, complex_entries=True)},
    verdict=Verdict.SURVIVED,
    note="n the smaller side, m the larger; four times that for complex W. An enclosure that is right but useless would pass "
    "lipref.enclosure.",
    strata={"rank at least 2": _not_tiny},
    mutants={"a-hundredth": instead(lambda impl, W: _width(impl, W, 0.01))},
    adversarial=["W"],
    promise=True,
    weights=lambda W: {"W": W},
)
def enclosure_width(impl: Any, W: Any) -> Comparison:
    """The enclosure is narrow: of the width of rounding."""
    return _width(impl, W, 1.0)


def _certified(impl: Any, W: Any, n_iter: int, factor: float) -> Comparison:
    bound = factor * impl.spectral.gram_iteration(W, n_iter, certified=True)
    exact = impl.exact.spectral
    return Comparison([exact.spectral_norm(W), exact.gram_iteration(W, n_iter)], "<=", [bound, bound])


@claim(
    "lipref.certified-gram",
    at="refimpl.spectral.gram_iteration, certified=True",
    tex=r"\lVert W \rVert_2 \le s_t \le \mathrm{gram\_iteration}(W, t - 1, \mathrm{certified})",
    given={"W": extreme_matrices(), "n_iter": st.integers(0, 8)},
    verdict=Verdict.SURVIVED,
    strata={"rank at least 2": lambda W, n_iter: _not_tiny(W) and n_iter >= 2},
    mutants={"one-percent": instead(lambda impl, W, n_iter: _certified(impl, W, n_iter, 0.99)),
             "a-millionth-of-a-millionth": instead(lambda impl, W, n_iter: _certified(impl, W, n_iter, 1 - 1e-12))},
    witnesses=[{"W": np.array([[3.0, 1.0], [1.0, 2.0]]), "n_iter": 6}],
    promise=True,
    weights=lambda W: {"W": W, "n_iter": 6},
)
def certified_gram(impl: Any, W: Any, n_iter: int) -> Comparison:
    """The certified bound is not below the exact Gram bound, which is not below the exact norm."""
    return _certified(impl, W, n_iter, 1.0)


def _missed(impl: Any, W: Any, n_iter: int, share: float) -> Comparison:
    bound = impl.spectral.gram_iteration(W, n_iter)
    exact = impl.exact.spectral.gram_iteration(W, n_iter)
    units = 2.0 * (max(W.shape) + 6) * min(W.shape) * (2 if np.iscomplexobj(W) else 1)
    return Comparison(abs(bound - exact), "<=", share * units * 2.0**-53 * exact)


@claim(
    "lipref.gram-rounding",
    at="refimpl.spectral.gram_iteration, certified=False",
    tex=r"|\mathrm{fl}(s_t) - s_t| \le 2 (p + 6)\, r\, u\, s_t",
    given={"W": matrices(4, complex_entries=True), "n_iter": st.integers(0, 8)},
    verdict=Verdict.SURVIVED,
    note="p is the larger side, r the smaller, u = 2^-53; twice that for complex W.",
    strata={"rank at least 2": lambda W, n_iter: _not_tiny(W) and n_iter >= 2},
    mutants={"a-five-hundredth": instead(lambda impl, W, n_iter: _missed(impl, W, n_iter, 0.002))},
    promise=True,
    weights=lambda W: {"W": W, "n_iter": 6},
)
def gram_rounding(impl: Any, W: Any, n_iter: int) -> Comparison:
    """Without certification rounding moves the Gram bound by no more than the documentation says."""
    return _missed(impl, W, n_iter, 1.0)


@claim(
    "lipref.certified-normalization",
    at="refimpl.layers.spectral_normalization, certified",
    tex=r"\lVert W' \rVert_2 \le 1",
    given={"W": extreme_matrices().filter(np.any)},
    verdict=Verdict.SURVIVED,
    note="The exact norm of the float matrix that is returned; without certification rounding may leave it just above 1.",
    strata={"rank at least 2": _not_tiny},
    mutants={"a-millionth": instead(lambda impl, W: _normalized(impl, W, 1 + 1e-6))},
    promise=True,
    weights=lambda W: {"W": W},
)
def certified_normalization(impl: Any, W: Any) -> Comparison:
    """The certified normalization of a matrix is a contraction, in spite of rounding, and hardly shorter than it has to be."""
    return _normalized(impl, W, 1.0)


def _normalized(impl: Any, W: Any, factor: float) -> Comparison:
    norm = impl.exact.spectral.spectral_norm(impl.layers.spectral_normalization(W, certified=True)) * factor
    return Comparison([norm, norm * 0 + 1 - 1e-12], "<=", [1.0, norm])
