"""Thesis 5.2.3: maps onto simplexes of any mass."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Verdict, claim, instead, scale_right, tighten
from proofs_check.claims._sides import length
from proofs_check.strategies import dyadics, vectors

ENTRIES = dyadics(-2, 2)
MASSES = st.sampled_from([0.25, 0.5, 1.0, 3.0])
TEMPERATURES = st.sampled_from([0.25, 1.0, 4.0])


def _scores(names: tuple[str, ...] = ("z",), **rest: Any) -> Any:
    return st.integers(2, 4).flatmap(lambda c: st.fixed_dictionaries({name: vectors(c, ENTRIES) for name in names} | {"mass": MASSES} | rest))


def _spread(z: Any, **_: Any) -> bool:
    return len(z) >= 3 and len(set(np.asarray(z).tolist())) >= 2


def _optimality(impl: Any, z: Any, mass: float, temperature: float, factor: float) -> Comparison:
    """No vertex lies on the side of z: (z/T - p) . (r e_k - p) <= 0; and p lies in the simplex."""
    p = impl.simplex.sparsemax(z, mass=mass, temperature=temperature) * factor
    away = z / temperature - p
    inner = [mass * away[k] - away.dot(p) for k in range(len(z))]
    total = p.sum()
    return Comparison([*inner, *(-v for v in p), total, mass + 0 * total], "<=", [0 * v for v in inner] + [0 * v for v in p] + [mass + 0 * total, total], scale=64.0)


@claim(
    "thesis.alg-7",
    at="Algorithm 7",
    tex=r"(\mathbf{z} - \mathbf{p})^\top (\mathbf{q} - \mathbf{p}) \le 0 \ \text{for all}\ \mathbf{q} \in \Delta_r, \qquad \mathbf{p} \in \Delta_r",
    given=_scores(temperature=TEMPERATURES),
    verdict=Verdict.SURVIVED,
    note="The conditions that make p the nearest point; it is enough to check the vertices. Ties at the threshold do not matter: both choices of kappa give the same p.",
    strata={"several classes": _spread},
    mutants={"one-percent-smaller": instead(lambda impl, z, mass, temperature: _optimality(impl, z, mass, temperature, 0.99))},
    witnesses=[{"z": np.array([0.5, 0.25, -1.0]), "mass": 1.0, "temperature": 1.0}, {"z": np.array([1.0, 1.0, 0.0]), "mass": 1.0, "temperature": 1.0}],
)
def projection(impl: Any, z: Any, mass: float, temperature: float) -> Comparison:
    """Sparsemax is the projection onto the simplex."""
    return _optimality(impl, z, mass, temperature, 1.0)


@claim(
    "thesis.alg-7-lipschitz",
    at="Section 5.2.3, 'The generalized sparsemax is a 1-Lipschitz mapping'",
    tex=r"\lVert \mathrm{sparsemax}(\mathbf{z}) - \mathrm{sparsemax}(\mathbf{w}) \rVert_2 \le \lVert \mathbf{z} - \mathbf{w} \rVert_2 / T",
    given=_scores(("z", "w"), temperature=TEMPERATURES),
    verdict=Verdict.SURVIVED,
    where=lambda z, w, **_: bool(np.any(z != w)),
    note="1 is sharp: scores that move within the support with their sum unchanged.",
    strata={"several classes": _spread},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"z": np.array([0.5, 0.25, -1.0]), "w": np.array([0.25, 0.5, -1.0]), "mass": 1.0, "temperature": 1.0}],
    adversarial=["z", "w"],
)
def sparsemax_is_lipschitz(impl: Any, z: Any, w: Any, mass: float, temperature: float) -> Comparison:
    """Sparsemax is Lipschitz continuous with one over the temperature."""
    first, second = (impl.simplex.sparsemax(v, mass=mass, temperature=temperature) for v in (z, w))
    return Comparison(length(first - second), "<=", length(z - w) / temperature, scale=32.0)


@claim(
    "thesis.alg-7-margin",
    at="Section 5.2.3, 'for a simplex of mass r, the margins are bounded by r'",
    tex=r"M(\mathrm{sparsemax}(\mathbf{z}), y) \le r",
    given=_scores(label=st.integers(0, 1)),
    verdict=Verdict.SURVIVED,
    strata={"several classes": _spread},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"z": np.array([2.0, -2.0, 0.0]), "mass": 1.0, "label": 0}],
)
def margin_is_bounded(impl: Any, z: Any, mass: float, label: int) -> Comparison:
    """Margins on the simplex are at most its mass."""
    return Comparison(impl.certificates.margin(impl.simplex.sparsemax(z, mass=mass), label), "<=", mass, scale=8.0)


@claim(
    "thesis.sec-5.2.3-sparser",
    at="Section 5.2.3, smaller masses are sparser",
    tex=r"r \le r' \implies \mathrm{sparsemax}_r(\mathbf{z}) \le \mathrm{sparsemax}_{r'}(\mathbf{z}) \text{ entry by entry}",
    given=_scores(more=st.sampled_from([0.125, 0.5, 2.0])),
    verdict=Verdict.SURVIVED,
    note="The threshold falls as the mass grows. So what is zero for a mass is zero for every smaller one.",
    strata={"several classes": lambda z, **_: _spread(z)},
    mutants={"the-other-way": instead(lambda impl, z, mass, more: Comparison(
                 impl.simplex.sparsemax(z, mass=mass + more), "<=", impl.simplex.sparsemax(z, mass=mass), scale=8.0)),
             "by-an-equal-share": instead(lambda impl, z, mass, more: Comparison(
                 impl.simplex.sparsemax(z, mass=mass) + more / len(z), "<=", impl.simplex.sparsemax(z, mass=mass + more), scale=8.0))},
)
def sparser_for_less_mass(impl: Any, z: Any, mass: float, more: float) -> Comparison:
    """No entry of sparsemax falls as the mass grows."""
    return Comparison(impl.simplex.sparsemax(z, mass=mass), "<=", impl.simplex.sparsemax(z, mass=mass + more), scale=8.0)


@claim(
    "thesis.sec-5.2.3-margins",
    at="Section 5.2.3, sparsemax has 'larger margins' than softmax",
    tex=r"M(\mathrm{softmax}(\mathbf{z}), y) \le M(\mathrm{sparsemax}(\mathbf{z}), y)",
    given=_scores(label=st.integers(0, 1)),
    verdict=Verdict.SURVIVED,
    where=lambda z, mass, label: mass == 1,
    note="At the same temperature and mass 1: with d the difference of the two leading scores the one is min(1, d), the other at most 1 - exp(-d). Equality without a margin only. For "
    "other masses it fails: mass 3, scores (4, 0) have softmax margins of 2.9 against 3, but (1, 0) 1.4 against 1.",
    strata={"several classes": lambda z, **_: _spread(z) and np.argmax(z) == 0},
    mutants={"half": scale_right(0.45)},
    witnesses=[{"z": np.array([0.5, 0.25, -40.0]), "mass": 1.0, "label": 0}, {"z": np.array([0.5, 0.484375, -40.0]), "mass": 1.0, "label": 0}],
)
def sparsemax_has_larger_margins(impl: Any, z: Any, mass: float, label: int) -> Comparison:
    """The margin of sparsemax is at least that of softmax."""
    margin = impl.certificates.margin
    return Comparison(margin(impl.simplex.softmax(z, mass=mass), label), "<=", margin(impl.simplex.sparsemax(z, mass=mass), label), scale=8.0)


def _softmax_pair(impl: Any, z: Any, w: Any, mass: float, temperature: float, factor: float) -> Comparison:
    first, second = (impl.simplex.softmax(v, mass=mass, temperature=temperature) for v in (z, w))
    return Comparison(length(first - second), "<=", factor * mass * length(z - w) / temperature, scale=8.0)


@claim(
    "thesis.sec-5.2.3-softmax",
    at="Sections 2.1 and 5.2.3, softmax is 1-Lipschitz",
    tex=r"\lVert \mathrm{softmax}(\mathbf{z}) - \mathrm{softmax}(\mathbf{w}) \rVert_2 \le \lVert \mathbf{z} - \mathbf{w} \rVert_2",
    given=_scores(("z", "w"), temperature=TEMPERATURES),
    verdict=Verdict.SURVIVED,
    where=lambda z, w, mass, temperature: bool(np.any(z != w)) and mass == temperature == 1,
    note="True, and twice too large: thesis.sec-5.2.3-softmax.half.",
    strata={"several classes": _spread},
    mutants={"half of the sharp constant": instead(lambda impl, **case: _softmax_pair(impl, factor=0.25, **case))},
    witnesses=[{"z": np.array([0.125, 0.0, -40.0]), "w": np.array([0.0, 0.125, -40.0]), "mass": 1.0, "temperature": 1.0}],
)
def softmax_is_lipschitz(impl: Any, **case: Any) -> Comparison:
    """Softmax is 1-Lipschitz."""
    return _softmax_pair(impl, factor=1.0, **case)


@claim(
    "thesis.sec-5.2.3-softmax.half",
    at="Sections 2.1 and 5.2.3, the sharp constant of softmax",
    tex=r"\lVert \mathrm{softmax}(\mathbf{z}) - \mathrm{softmax}(\mathbf{w}) \rVert_2 \le \frac{r}{2T} \lVert \mathbf{z} - \mathbf{w} \rVert_2",
    given=_scores(("z", "w"), temperature=TEMPERATURES),
    verdict=Verdict.SURVIVED,
    where=lambda z, w, **_: bool(np.any(z != w)),
    note="The Jacobian diag(p) - p p^T has row sums of moduli 2 p_i (1 - p_i), at most 1/2. Attained in the limit of two equal scores above all others. So a softmax of mass 2 or of "
    "temperature 1/2 is 1-Lipschitz still.",
    strata={"several classes": _spread},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"z": np.array([0.0625, 0.0, -40.0]), "w": np.array([0.0, 0.0625, -40.0]), "mass": 1.0, "temperature": 1.0}],
    adversarial=["z", "w"],
)
def softmax_has_constant_half(impl: Any, **case: Any) -> Comparison:
    """Softmax is Lipschitz continuous with half the mass over the temperature."""
    return _softmax_pair(impl, factor=0.5, **case)


def _gap_of(z: Any) -> float:
    ordered = sorted((float(v) for v in z), reverse=True)
    return ordered[0] - ordered[1]


def _limits(impl: Any, z: Any, mass: float, share: float, factor: float) -> Comparison:
    """At a temperature of a share of gap over mass."""
    ordered = sorted(z, key=float, reverse=True)
    gap = ordered[0] - ordered[1]
    T = gap * share / mass
    hard = impl.simplex.hardmax(z, mass=mass)
    sparse, soft = impl.simplex.sparsemax(z, mass=mass, temperature=T), impl.simplex.softmax(z, mass=mass, temperature=T)
    rest = mass * (len(z) - 1) * np.exp(-gap / T) * factor
    zero = 0 * rest
    return Comparison([*abs(sparse - hard), *abs(soft - hard)], "<=", [zero] * len(z) + [rest] * len(z), scale=mass)


@claim(
    "thesis.sec-5.2.3-limits",
    at="Section 5.2.3, temperature to 0",
    tex=r"T \le \frac{z_1 - z_2}{r} \implies \mathrm{sparsemax} = \mathrm{hardmax}, \qquad \lVert \mathrm{softmax} - \mathrm{hardmax} \rVert_\infty \le r (c - 1) e^{-(z_1 - z_2)/T}",
    given=_scores(share=st.sampled_from([0.25, 0.5, 1.0])),
    verdict=Verdict.SURVIVED,
    where=lambda z, mass, share: _gap_of(z) > 0,
    note="Sparsemax gets there at a positive temperature, softmax in the limit.",
    strata={"several classes": _spread},
    mutants={"half the rest": instead(lambda impl, z, mass, share: _limits(impl, z, mass, share, 0.5))},
    witnesses=[{"z": np.array([1.0, 0.5, 0.5]), "mass": 1.0, "share": 0.25}],
    rounding=lambda z, mass, share: 1e5,
)
def low_temperature(impl: Any, z: Any, mass: float, share: float) -> Comparison:
    """Towards temperature 0 both maps become hardmax, sparsemax at a positive temperature."""
    return _limits(impl, z, mass, share, 1.0)


def _flat(impl: Any, z: Any, mass: float, temperature: float, factor: float) -> Comparison:
    mean = mass / len(z)
    soft = impl.simplex.softmax(z, mass=mass, temperature=temperature * 16)
    sparse = impl.simplex.sparsemax(z, mass=mass, temperature=temperature * 16)
    distance = length(z - z.sum() / len(z)) / (temperature * 16)
    return Comparison([length(soft - mean), length(sparse - mean)], "<=", [factor * distance * mass / 2, factor * distance], scale=mass)


@claim(
    "thesis.sec-5.2.3-limits.high",
    at="Section 5.2.3, temperature to infinity",
    tex=r"\lVert \mathrm{softmax} - \tfrac{r}{c} \rVert_2 \le \frac{r}{2T} \lVert \mathbf{z} - \bar z \rVert_2, \qquad \lVert \mathrm{sparsemax} - \tfrac{r}{c} \rVert_2 \le \frac1T \lVert \mathbf{z} - \bar z \rVert_2",
    given=_scores(temperature=TEMPERATURES),
    verdict=Verdict.SURVIVED,
    where=lambda z, **_: _gap_of(z) > 0,
    note="From the Lipschitz constants; equality for sparsemax where all classes have a share.",
    strata={"several classes": _spread},
    mutants={"one-percent-tighter": instead(lambda impl, z, mass, temperature: _flat(impl, z, mass, temperature, 0.99))},
    witnesses=[{"z": np.array([1.0, 0.5, 0.0]), "mass": 1.0, "temperature": 4.0}],
)
def high_temperature(impl: Any, z: Any, mass: float, temperature: float) -> Comparison:
    """Towards infinite temperature both maps become uniform."""
    return _flat(impl, z, mass, temperature, 1.0)
