"""Thesis 2.2 and 2.2.1: certificates by the margin, judged on affine classifiers, whose certified radius is known."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Verdict, claim, instead, tighten
from proofs_check.claims._sides import largest, length
from proofs_check.strategies import dyadics, vectors

ENTRIES = dyadics(-2, 2)


def _matrix(c: int, d: int) -> Any:
    return st.lists(ENTRIES, min_size=c * d, max_size=c * d).map(lambda e: np.array(e).reshape(c, d))


def _affine(**rest: Any) -> Any:
    """Scores W x + b of two or three classes; the label is that of the largest score."""
    shapes = st.tuples(st.integers(2, 3), st.integers(1, 3))
    return shapes.flatmap(lambda s: st.fixed_dictionaries({
        "W": _matrix(*s), "b": vectors(s[0], ENTRIES), "x": vectors(s[1], ENTRIES), "u": vectors(s[1], ENTRIES).filter(np.any), **rest}))


def _label(W: Any, b: Any, x: Any) -> int:
    return int(np.argmax([float(v) for v in W.dot(x) + b]))


def _moving(W: Any, b: Any, x: Any, **_: Any) -> bool:
    """The label is unique and every difference of rows is there."""
    scores = W @ x + b
    y = int(np.argmax(scores))
    return bool((np.delete(scores, y) < scores[y]).all()) and all(np.any(W[k] != W[y]) for k in range(len(W)) if k != y)


def _lost(W: Any, x: Any, u: Any, b: Any, radius: Any) -> Comparison:
    """At the end of the radius in direction u no other score is above that of the label."""
    y = _label(W, b, x)
    moved = x + u * (radius / length(u))
    scores = W.dot(moved) + b
    others = [scores[k] for k in range(len(scores)) if k != y]
    return Comparison(largest(others), "<=", scores[y], scale=64.0)


def _norm(impl: Any, W: Any) -> Any:
    return impl.spectral.spectral_norm(W)


AWAY = {"W": np.array([[1.0], [-1.0]]), "b": np.zeros(2), "x": np.array([0.5]), "u": np.array([-1.0])}

# The third class stays far below.
THREE = {"W": np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]), "b": np.array([0.0, 0.0, -2.0]), "x": np.array([0.5, 0.0]), "u": np.array([-1.0, 0.0])}


@claim(
    "thesis.prop-2.2.4",
    at="Proposition 2.2.4 and equation 2.10",
    tex=r"\lVert \eta \rVert_2 \le \frac{M(f(\mathbf{x}), y)}{\sqrt2 L(f)} \implies f_y(\mathbf{x} + \eta) \ge \max_{k \ne y} f_k(\mathbf{x} + \eta)",
    given=_affine(),
    verdict=Verdict.SURVIVED,
    where=lambda W, b, x, u: bool(np.any(W)) and _moving(W, b, x),
    note="sqrt(2) is sharp: the scores (x, -x) have L = sqrt(2) and tie exactly at the radius. At the radius itself a tie is possible, so the label is certain within only.",
    strata={"three classes": lambda W, **_: len(W) == 3 and np.linalg.matrix_rank(W) >= 2},
    mutants={"one-percent-farther": instead(lambda impl, W, b, x, u: _by_global(impl, W, b, x, u, 1.01))},
    witnesses=[AWAY, THREE],
)
def global_radius(impl: Any, W: Any, b: Any, x: Any, u: Any) -> Comparison:
    """No perturbation within the margin over root two times the Lipschitz constant changes the label."""
    return _by_global(impl, W, b, x, u, 1.0)


def _by_global(impl: Any, W: Any, b: Any, x: Any, u: Any, factor: float) -> Comparison:
    radius = impl.certificates.radius_global(W.dot(x) + b, _label(W, b, x), _norm(impl, W))
    return _lost(W, x, u, b, radius * factor)


@claim(
    "thesis.eq-2.10",
    at="Equation 2.10, the margin as a function of the scores",
    tex=r"|M(\mathbf{u}, y) - M(\mathbf{v}, y)| \le \sqrt2\, \lVert \mathbf{u} - \mathbf{v} \rVert_2",
    given=st.integers(2, 3).flatmap(lambda c: st.fixed_dictionaries({"u": vectors(c, ENTRIES), "v": vectors(c, ENTRIES), "label": st.integers(0, c - 1)})),
    verdict=Verdict.SURVIVED,
    note="Where the factor sqrt(2) comes from: it is the largest difference of two scores over a perturbation of the scores.",
    strata={"three classes": lambda u, v, label: len(u) == 3 and bool(np.any(u != v))},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"u": np.array([1.0, 0.0, -1.0]), "v": np.array([0.5, 0.5, -1.0]), "label": 0}],
    adversarial=["u", "v"],
)
def margin_is_lipschitz(impl: Any, u: Any, v: Any, label: int) -> Comparison:
    """The margin is Lipschitz continuous in the scores with constant root two."""
    difference = abs(impl.certificates.margin(u, label) - impl.certificates.margin(v, label))
    distance = length(u - v)
    return Comparison(difference, "<=", np.sqrt(distance * 0 + 2) * distance)


@claim(
    "thesis.eq-2.8",
    at="Equation 2.8",
    tex=r"R(f, \mathbf{x}, y) \ge \min_{y' \ne y} \frac{\max(f_y(\mathbf{x}) - f_{y'}(\mathbf{x}), 0)}{L(f_y - f_{y'})}",
    given=_affine(),
    verdict=Verdict.SURVIVED,
    where=lambda W, b, x, u: _moving(W, b, x),
    note="An equality for affine classifiers, which the amended claim checks from the other side.",
    strata={"three classes": lambda W, **_: len(W) == 3 and np.linalg.matrix_rank(W) >= 2},
    mutants={"one-percent-farther": instead(lambda impl, W, b, x, u: _by_pairs(impl, W, b, x, u, 1.01))},
    witnesses=[AWAY, {"W": np.array([[2.0, 0.0], [0.0, 2.0], [-1.0, 0.0]]), "b": np.zeros(3), "x": np.array([1.0, 0.0]), "u": np.array([-1.0, 1.0])}],
)
def pairwise_radius(impl: Any, W: Any, b: Any, x: Any, u: Any) -> Comparison:
    """No perturbation within the least quotient of a gap and the constant of the difference changes the label."""
    return _by_pairs(impl, W, b, x, u, 1.0)


def _pairs(W: Any) -> Any:
    constants = np.empty((len(W), len(W)), dtype=np.asarray(W).dtype)
    for i, j in np.ndindex(*constants.shape):
        constants[i, j] = length(W[i] - W[j])
    return constants


def _by_pairs(impl: Any, W: Any, b: Any, x: Any, u: Any, factor: float) -> Comparison:
    radius = impl.certificates.radius_pairwise(W.dot(x) + b, _label(W, b, x), _pairs(W))
    return _lost(W, x, u, b, radius * factor)


@claim(
    "thesis.eq-2.8-exact",
    at="Equation 2.8, for affine classifiers",
    tex=r"R(f, \mathbf{x}, y) = \min_{y' \ne y} \frac{f_y(\mathbf{x}) - f_{y'}(\mathbf{x})}{\lVert \mathbf{w}_y - \mathbf{w}_{y'} \rVert_2}",
    given=_affine(),
    verdict=Verdict.SURVIVED,
    where=lambda W, b, x, u: _moving(W, b, x),
    note="The step of that length towards the nearest boundary reaches a tie, exactly.",
    strata={"three classes": lambda W, **_: len(W) == 3 and np.linalg.matrix_rank(W) >= 2},
    mutants={"one-percent-less": instead(lambda impl, W, b, x, u: _tie(impl, W, b, x, 0.99))},
    witnesses=[AWAY],
)
def affine_radius(impl: Any, W: Any, b: Any, x: Any, u: Any) -> Comparison:
    """For affine scores the pairwise bound is the certified radius."""
    return _tie(impl, W, b, x, 1.0)


def _tie(impl: Any, W: Any, b: Any, x: Any, factor: float) -> Comparison:
    y = _label(W, b, x)
    radius = impl.certificates.radius_pairwise(W.dot(x) + b, y, _pairs(W)) * factor
    # The best gain of any other class over the label, along its own steepest direction.
    gains = [(W[k] - W[y]).dot(x) + b[k] - b[y] + radius * length(W[k] - W[y]) for k in range(len(W)) if k != y]
    return Comparison(largest(gains), "==", radius * 0, scale=64.0)


@claim(
    "thesis.eq-2.9",
    at="Equation 2.9, 'when all logits share the same Lipschitz constant'",
    tex=r"\lVert \eta \rVert_2 \le \frac{M(f(\mathbf{x}), y)}{2 L} \implies f_y(\mathbf{x} + \eta) \ge \max_{k \ne y} f_k(\mathbf{x} + \eta), \qquad L = \max_k L(f_k)",
    given=_affine(),
    verdict=Verdict.SURVIVED,
    where=lambda W, b, x, u: bool(np.any(W)) and _moving(W, b, x),
    note="Under the stated condition. Sharp for (x, -x).",
    strata={"three classes": lambda W, **_: len(W) == 3 and np.linalg.matrix_rank(W) >= 2},
    mutants={"one-percent-farther": instead(lambda impl, W, b, x, u: _by_coordinates(impl, W, b, x, u, 1.01, "largest"))},
    witnesses=[AWAY, THREE],
)
def coordinate_radius(impl: Any, W: Any, b: Any, x: Any, u: Any) -> Comparison:
    """With one constant for all scores, half the margin over it certifies."""
    return _by_coordinates(impl, W, b, x, u, 1.0, "largest")


@claim(
    "thesis.eq-2.9.different",
    at="Equation 2.9, for scores of different constants",
    tex=r"R(f, \mathbf{x}, y) \ge \min_{k \ne y} \frac{\max(f_y(\mathbf{x}) - f_k(\mathbf{x}), 0)}{L(f_y) + L(f_k)}",
    given=_affine(),
    verdict=Verdict.SURVIVED,
    where=lambda W, b, x, u: _moving(W, b, x),
    note="The line before equation 2.9. Sharp for gradients that point away from each other. Equation 2.9 itself is for scores of one constant, as its sentence says: "
    "for the scores (x + 4, -5x) half the margin over L(f_y) would be 2, and the label changes after 2/3.",
    strata={"three classes": lambda W, **_: len(W) == 3 and np.linalg.matrix_rank(W) >= 2},
    mutants={"one-percent-farther": instead(lambda impl, W, b, x, u: _by_coordinates(impl, W, b, x, u, 1.01, "each"))},
    witnesses=[AWAY, THREE, {"W": np.array([[1.0], [-5.0]]), "b": np.array([4.0, 0.0]), "x": np.zeros(1), "u": np.array([-1.0])}],
)
def different_constants(impl: Any, W: Any, b: Any, x: Any, u: Any) -> Comparison:
    """With the constants of both scores the least quotient certifies."""
    return _by_coordinates(impl, W, b, x, u, 1.0, "each")


def _by_coordinates(impl: Any, W: Any, b: Any, x: Any, u: Any, factor: float, which: str) -> Comparison:
    norms = [length(row) for row in W]
    constants = np.array(norms) if which == "each" else largest(norms)
    radius = impl.certificates.radius_coordinate(W.dot(x) + b, _label(W, b, x), constants)
    return _lost(W, x, u, b, radius * factor)


@claim(
    "thesis.def-2.2.3",
    at="Definition 2.2.3, certified accuracy",
    tex=r"\frac1n \#\{i : R_i > \epsilon\} \le \frac1n \#\{i : \arg\max f(\mathbf{x}_i + \eta) = y_i \ \forall \lVert \eta \rVert \le \epsilon\}",
    given=st.integers(1, 3).flatmap(lambda d: st.fixed_dictionaries({
        "W": _matrix(3, d).filter(np.any), "X": st.lists(vectors(d, ENTRIES), min_size=3, max_size=3).map(np.array),
        "labels": st.lists(st.integers(0, 2), min_size=3, max_size=3), "epsilon": st.sampled_from([0.0, 0.125, 0.5])})),
    verdict=Verdict.SURVIVED,
    note="Counted from global radii, against the exact radii of an affine classifier; labels are right or wrong.",
    strata={"some certified": lambda W, X, labels, epsilon: _counts(W, X, labels, epsilon) and np.linalg.matrix_rank(W) >= 2},
    mutants={"at-the-radius-too": instead(lambda impl, W, X, labels, epsilon: _share(impl, W, X, labels, epsilon, 2.5))},
    witnesses=[{"W": np.array([[1.0], [-1.0], [-1.0]]), "X": np.array([[1.0], [2.0], [-1.0]]), "labels": [0, 0, 1], "epsilon": 0.5},
               {"W": np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]), "X": np.array([[0.5, 0.0], [1.0, 0.0], [-1.0, 0.0]]), "labels": [0, 0, 1], "epsilon": 0.5}],
)
def certified_share(impl: Any, W: Any, X: Any, labels: Any, epsilon: float) -> Comparison:
    """The certified accuracy is at most the robust accuracy."""
    return _share(impl, W, X, labels, epsilon, 1.0)


def _counts(W: Any, X: Any, labels: Any, epsilon: float) -> bool:
    radii = [min((s[y] - s[k]) / np.linalg.norm(W[y] - W[k]) for k in range(3) if k != y and np.any(W[y] != W[k]))
             for s, y in zip(X @ W.T, labels, strict=True) if any(np.any(W[y] != W[k]) for k in range(3))]
    return any(0 < r <= 2 * epsilon for r in radii)


def _share(impl: Any, W: Any, X: Any, labels: Any, epsilon: float, factor: float) -> Comparison:
    scores = X.dot(W.T)
    norm = _norm(impl, W)
    radii = impl.certificates.radius_global(scores, labels, norm / factor)
    exact = impl.certificates.radius_pairwise(scores, labels, _pairs(W))
    return Comparison(impl.certificates.certified_accuracy(radii, epsilon), "<=", impl.certificates.certified_accuracy(exact, epsilon))
