"""Exponential growth in the input: explicit networks, their exact rate, and what bounds it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Case, Comparison, Step, Verdict, claim, instead, tighten
from proofs_check.strategies import dyadics

RATES = (2.0, 3.0, 4.0)
ENTRIES = dyadics(-2, 2)


def norm_of(impl: Any, jacobian: Any, inputs: int) -> Any:
    """The spectral norm of a Jacobian in so many inputs."""
    return impl.spectral.spectral_norm(np.asarray(jacobian).reshape(-1, inputs))


def _grown(impl: Any, depth: int, rate: float, kind: str, factor: float = 1.0, epsilon: float = 0.0) -> Comparison:
    """Over the rate to the power of the depth: the norm of the Jacobian, how much the perturbation grows, what the network says.

    And the norm of a weight, which is at most 1.
    """
    network = impl.explosion.exploding_network(depth, rate, epsilon=epsilon, normalizer=kind)
    J = impl.explosion.linear_network_jacobian(network.weights, network.batch, epsilon=epsilon, normalizer=kind)
    growth = norm_of(impl, J, np.asarray(network.batch).size) / rate**depth
    weight = impl.spectral.spectral_norm(network.weights[0])
    worst = impl.explosion.amplification(network.weights, network.batch, network.perturbation, epsilon=epsilon, normalizer=kind) / rate**depth
    one, said = growth * 0 + 1, network.growth / rate**depth
    return Comparison([factor * growth, factor * one, weight, worst, one, said, one], "<=", [one, growth, one, one, worst, one, said])


def _all_depths(most: int) -> Any:
    def cases() -> Iterator[Case]:
        for depth in range(1, most + 1):
            yield {"depth": depth, "rate": RATES[depth % len(RATES)]}

    return cases


DEPTHS = {"depth": st.integers(1, 12), "rate": st.sampled_from(RATES)}


def _induction(factor: Any) -> Iterator[Step]:
    """For every rate and depth; the batch is (t, t) with t of mean 0 and variance 1."""
    import sympy

    r, L = sympy.symbols("r L", positive=True)
    W = sympy.eye(2) - (1 - 1 / r) * sympy.ones(2, 2) / 2
    t, d, one = sympy.Matrix([1, 1, -1, -1]), sympy.Matrix([1, -1, 1, -1]), sympy.ones(4, 1)
    yield Step("the weight shrinks (1, 1) by r", sum((W * sympy.ones(2, 1) - sympy.ones(2, 1) / r), sympy.Integer(0)))
    yield Step("and keeps (1, -1), so that its norm is 1 for r > 1", (W * sympy.Matrix([1, -1]) - sympy.Matrix([1, -1])).norm())
    yield Step("t / r has the variance 1 / r^2: the layer gives t back", (t.dot(t) / 4 / r**2) - 1 / r**2)
    Q = sympy.eye(4) - one * one.T / 4 - t * t.T / 4
    yield Step("the normalization's Jacobian there is r Q: (I - 11'/4)/s - z z'/(4 s^3) at z = t/r, s = 1/r",
               ((sympy.eye(4) - one * one.T / 4) * r - (t / r) * (t / r).T / 4 * r**3 - r * Q).norm())
    yield Step("Q is a projection", (Q * Q - Q).norm())
    yield Step("that keeps the new direction", (Q * d - d).norm())
    power = (sympy.ones(2, 2) + r**L * sympy.Matrix([[1, -1], [-1, 1]])) / 2
    M = r * W
    yield Step("the first power of M = r W", (power.subs(L, 1) - M).applyfunc(sympy.simplify).norm())
    yield Step("M^(L+1) = M M^L", (M * power - power.subs(L, L + 1)).applyfunc(lambda e: sympy.simplify(sympy.expand_power_exp(sympy.expand(e)))).norm())
    yield Step("M^L has the eigenvalue r^L at (1, -1)", sympy.simplify((power * sympy.Matrix([1, -1]))[0] - factor * r**L))
    yield Step("and 1 at (1, 1), so that |M^L x Q| = r^L", sympy.simplify((power * sympy.ones(2, 1))[0] - 1))


@claim(
    "explosion.input",
    at="Abstract: 'both Lipschitz constants can grow exponentially with depth ... even under ||W_l||_2 <= 1, and already for linear activations'",
    tex=r"W = \tfrac{1}{2r} \begin{pmatrix} r + 1 & 1 - r \\ 1 - r & r + 1 \end{pmatrix},\ X = (t, t): \qquad \lVert W \rVert_2 = 1, \quad \lVert J_X \rVert_2 = r^L",
    given=DEPTHS,
    verdict=Verdict.PROVED,
    note="The source's abstract gives no construction; this one is ours. Batch statistics, epsilon = 0, four samples, two equal features t = (1, 1, -1, -1): W shrinks what the data have, "
    "(1, 1), by r and keeps (1, -1); normalization undoes the first and so enlarges the second, at every layer. Worst perturbation (d, -d), d = (1, -1, 1, -1). With r = 3: "
    "W = [[2, -1], [-1, 2]] / 3 and 3^L. Proved for every rate and depth by induction; in balls at depth 1 to 50, with the rates 2, 3 and 4 in turn.",
    strata={"deep": lambda depth, rate: depth >= 8},
    mutants={"one percent faster": instead(lambda impl, depth, rate: _grown(impl, depth, rate, "batch", 1.01)),
             "one layer more": instead(lambda impl, depth, rate: _grown(impl, depth, rate, "batch", rate))},
    witnesses=[{"depth": 10, "rate": 3.0}],
    exhaustive=_all_depths(50),
    derivation=_induction,
)
def input_growth(impl: Any, depth: int, rate: float) -> Comparison:
    """A batch norm network of weights of norm 1 whose Jacobian in the batch is the rate to the power of the depth."""
    return _grown(impl, depth, rate, "batch")


def _kind(id: str, kind: str, where: str, note: str) -> Any:
    @claim(
        id,
        at=f"Abstract, 'deep networks with normalization layers', for {where}",
        tex=r"W = I - \bigl(1 - \tfrac1r\bigr) \frac{v v^\top}{\lVert v \rVert^2}: \qquad \lVert W \rVert_2 = 1, \quad \lVert J_x \rVert_2 = r^L",
        given=DEPTHS,
        verdict=Verdict.SURVIVED,
        note=note,
        strata={"deep": lambda depth, rate: depth >= 8},
        mutants={"one percent faster": instead(lambda impl, depth, rate: _grown(impl, depth, rate, kind, 1.01)),
                 "one layer more": instead(lambda impl, depth, rate: _grown(impl, depth, rate, kind, rate))},
        witnesses=[{"depth": 10, "rate": 3.0}],
        )
    def grows(impl: Any, depth: int, rate: float) -> Comparison:
        """One sample of its own direction: the other directions grow with the same rate."""
        return _grown(impl, depth, rate, kind)

    return grows


layer = _kind("explosion.layer", "layer", "layer normalization", "No batch is needed: v = x = (1, 1, -1, -1), worst perturbation (1, -1, 1, -1).")
group = _kind("explosion.group", "group", "group normalization", "Two groups of four; groups of two cannot, since with epsilon = 0 their output is (1, -1) or (-1, 1).")
rms = _kind("explosion.rms", "rms", "root-mean-square normalization", "Two features suffice: v = x = (1, 1), worst perturbation (1, -1).")


def _with_epsilon(impl: Any, depth: int, rate: float, tau: float, kind: str, factor: float) -> Comparison:
    return _grown(impl, depth, rate, kind, factor, (1 - tau**2) / rate**2)


@claim(
    "explosion.epsilon",
    at="Abstract, for epsilon > 0",
    tex=r"\epsilon r^2 < 1: \qquad X = \sqrt{1 - \epsilon r^2}\,(t, t) \implies \lVert J_X \rVert_2 = r^L",
    given={"depth": st.integers(1, 8), "rate": st.sampled_from([2.0, 4.0]), "tau": st.sampled_from([0.25, 0.5, 0.75]), "kind": st.sampled_from(["batch", "layer", "group", "rms"])},
    verdict=Verdict.SURVIVED,
    note="Every rate below epsilon^(-1/2) is reached, at a batch of positive variance that every layer gives back; no rate above it is (explosion.largest).",
    strata={"batch": lambda kind, **_: kind == "batch", "one sample": lambda kind, **_: kind != "batch"},
    mutants={"one percent faster": instead(lambda impl, **case: _with_epsilon(impl, factor=1.01, **case)),
             "one layer more": instead(lambda impl, **case: _with_epsilon(impl, factor=case["rate"], **case))},
    witnesses=[{"depth": 3, "rate": 4.0, "tau": 0.5, "kind": kind} for kind in ("batch", "rms")],
)
def growth_with_epsilon(impl: Any, **case: Any) -> Comparison:
    """With a positive epsilon the same networks have the same rate, if that is below the root of 1/epsilon."""
    return _with_epsilon(impl, factor=1.0, **case)


def networks_of(kinds: tuple[str, ...], samples: int = 4) -> Any:
    """Chains of small weights, a batch, a kind and an epsilon."""
    def of(shape: tuple[str, int, list[int]]) -> Any:
        kind, m, widths = shape
        if kind == "group":
            widths = [2 * n for n in widths]
        weights = st.tuples(*(
            st.lists(ENTRIES, min_size=a * b, max_size=a * b).map(lambda e, a=a, b=b: np.array(e).reshape(b, a)) for a, b in itertools.pairwise(widths)))
        batch = st.lists(ENTRIES, min_size=m * widths[0], max_size=m * widths[0]).map(lambda e: np.array(e).reshape(m, widths[0]))
        return st.fixed_dictionaries({"weights": weights.map(list), "batch": batch, "kind": st.just(kind), "epsilon": st.sampled_from([0.0625, 0.25, 1.0])})

    return st.tuples(st.sampled_from(kinds), st.integers(2, samples), st.lists(st.integers(1, 3), min_size=2, max_size=3)).flatmap(of)


def _norm(impl: Any, weights: Any, batch: Any, kind: str, epsilon: float) -> Any:
    J = impl.explosion.linear_network_jacobian(weights, batch, epsilon=epsilon, normalizer=kind)
    return norm_of(impl, J, np.asarray(batch).size)


def _moving(weights: Any, **_: Any) -> bool:
    return all(np.any(W) for W in weights)


@claim(
    "explosion.largest",
    at="Abstract, the largest growth for given norms and epsilon",
    tex=r"\lVert J_X \rVert_2 \le \prod_l \lVert W_l \rVert_2\, \epsilon^{-1/2}",
    given=networks_of(("batch", "layer", "group", "rms")),
    where=_moving,
    verdict=Verdict.SURVIVED,
    note="Sharp, for every depth: at a batch of equal samples (equal features for layer and group, zero for rms) a layer divides by sqrt(epsilon) and stays there, so that the identity as "
    "weight gives epsilon^(-L/2): 316^L for the usual 1e-5. So the constant over all batches is the product of the layers' constants, nothing less.",
    strata={"batch": lambda kind, **_: kind == "batch", "one sample": lambda kind, **_: kind != "batch"},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"weights": [np.eye(2)] * 3, "batch": np.ones((3, 2)), "kind": "batch", "epsilon": 0.25},
               {"weights": [np.eye(3)] * 2, "batch": np.ones((2, 3)), "kind": "layer", "epsilon": 0.25}],
    adversarial=["batch"],
)
def largest_growth(impl: Any, weights: Any, batch: Any, kind: str, epsilon: float) -> Comparison:
    """No batch has a Jacobian larger than the product of the norms of the weights over the roots of epsilon."""
    bound = 1 / np.sqrt(np.asarray(epsilon)) ** len(weights)
    for W in weights:
        bound = impl.spectral.spectral_norm(W) * bound
    return Comparison(_norm(impl, weights, batch, kind, epsilon), "<=", bound)


@claim(
    "explosion.local",
    at="Abstract, and than's corollary 10 with the batch's own statistics",
    tex=r"\lVert J_X \rVert_2 \le \prod_l \lVert W_l \rVert_2 \max_k (\sigma_{l,k}^2(X) + \epsilon)^{-1/2}",
    given=networks_of(("batch", "layer", "group", "rms")),
    where=_moving,
    verdict=Verdict.SURVIVED,
    note="What corollary 10 says for frozen statistics holds for batch statistics at the batch itself: the normalization's Jacobian is a projection times the frozen one. So there is "
    "growth only where some feature has a standard deviation below 1 at a layer, and the families of explosion.input reach the bound.",
    strata={"batch": lambda kind, **_: kind == "batch", "one sample": lambda kind, **_: kind != "batch"},
    mutants={"one-percent-tighter": tighten(0.01)},
    witnesses=[{"weights": [np.array([[3.0, -1.0], [-1.0, 3.0]]) / 4] * 2, "batch": np.array([[1.0, 1.0], [1.0, 1.0], [-1.0, -1.0], [-1.0, -1.0]]) / 2, "kind": "batch", "epsilon": 0.0625},
               {"weights": [np.array([[3.0, -1.0], [-1.0, 3.0]]) / 4] * 2, "batch": np.array([[1.0, 1.0]]) / 2, "kind": "rms", "epsilon": 0.0625}],
    adversarial=["batch"],
)
def local_bound(impl: Any, weights: Any, batch: Any, kind: str, epsilon: float) -> Comparison:
    """The Jacobian at a batch is at most the product of the norms and of the largest reciprocal deviations there."""
    return Comparison(
        _norm(impl, weights, batch, kind, epsilon), "<=", impl.explosion.jacobian_bound(weights, batch, epsilon=epsilon, normalizer=kind))
