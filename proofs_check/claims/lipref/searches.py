"""What refimpl promises of searches, samples and constructions: where they go, what they report of themselves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Verdict, claim, instead
from proofs_check.claims._sides import length
from proofs_check.claims.lipref._agreement import agreement, near, scaled, slip
from proofs_check.claims.lipref.geometry import _array

UNITS = 2.0**16
SEEDS = st.integers(0, 2**20)


def _ascended(impl: Any, bend: float, radius: float, steps: int, factor: float = 1.0, step: float | None = None) -> Comparison:
    """A softplus is convex: its quotient from the centre is largest at the end of the ball."""
    net = impl.network.FeedForward([[[1.0]], [[1.0]]], ["softplus", "identity"], None, [[-bend], [0.0]])
    found = impl.network.local_lipschitz(net, [0.0], radius, steps, step=step, start=[radius / 8])
    # ln(1 + e^(x - bend)) at both ends.
    ends = [math.log1p(math.exp(x - bend)) for x in (0.0, radius)]
    return near([found], [(ends[1] - ends[0]) / radius * factor], UNITS)


@claim(
    "lipref.ascent-range",
    at="refimpl.network.local_lipschitz",
    tex=r"\max_{0 < x \le r} \frac{\mathrm{softplus}(x - b) - \mathrm{softplus}(-b)}{x} \text{ is found from } x = r / 8",
    given={"bend": st.sampled_from([0.5, 1.0, 2.0]), "radius": st.sampled_from([1.0, 2.0, 4.0]), "step": st.sampled_from([None, 0.75])},
    verdict=Verdict.SURVIVED,
    note="By default the steps are a quarter of the radius, so four steps reach the end of the ball from anywhere in it.",
    strata={"radius 1": lambda radius, **_: radius == 1, "larger": lambda radius, **_: radius > 1},
    mutants={"no-steps": instead(lambda impl, bend, radius, step: _ascended(impl, bend, radius, 0)), "two-steps": instead(lambda impl, bend, radius, step: _ascended(impl, bend, radius, 2)),
             "one-percent": instead(lambda impl, bend, radius, step: _ascended(impl, bend, radius, 8, 1.01, step))},
    promise=True,
)
def ascent_range(impl: Any, bend: float, radius: float, step: float | None) -> Comparison:
    """The local ascent moves as far as the ball reaches, not only by a step."""
    return _ascended(impl, bend, radius, 8, 1.0, step)


def _attacked(impl: Any, case: Any) -> list[Any]:
    W, of = case["W"], impl.network
    net = of.FeedForward([W], "identity")
    return [of.pgd_attack(net, case["x"], case["label"], case["radius"], steps, step=step, start=case["start"]) for steps, step in ((1, 0.25), (3, 1.0), (2, 100.0))]


@claim(
    "lipref.attack-values",
    at="refimpl.network.pgd_attack",
    tex=r"\eta \leftarrow \Pi_{\lVert \cdot \rVert \le \epsilon} \Bigl(\eta + \alpha \frac{\nabla \ell}{\lVert \nabla \ell \rVert}\Bigr)",
    given=st.fixed_dictionaries({"seed": SEEDS, "radius": st.sampled_from([0.5, 2.0]), "label": st.integers(0, 2)}).map(lambda case: {
        "W": _array(case["seed"], 3, 2) / 4 + np.eye(3, 2) / 8, "x": _array(case["seed"] + 1, 2) / 4, "start": _array(case["seed"] + 2, 2) + 0.25, "label": case["label"], "radius": case["radius"]}),
    verdict=Verdict.SURVIVED,
    note="Linear networks, a start that is given, steps below the radius and far above it.",
    strata={"small": lambda W, radius, **_: radius < 1 and np.ptp(W, axis=0).min() > 0.25, "large": lambda W, radius, **_: radius > 1 and np.ptp(W, axis=0).min() > 0.25},
    mutants={"a-millionth": scaled(_attacked, UNITS), "downwards": slip(_attacked, UNITS, lambda case: {"W": -case["W"]}), "twice-the-radius": slip(_attacked, UNITS, lambda case: {"radius": 2 * case["radius"]})},
    promise=True,
)
def attack_values(impl: Any, **case: Any) -> Any:
    """The attack goes up along the gradient of the loss, by its step, and stays in the ball."""
    return agreement(_attacked, UNITS)(impl, **case)


def _constructed(impl: Any, case: Any) -> list[Any]:
    of, (m, n) = impl.network, case["shape"]
    chain = of.extremal_network(case["widths"], case["factors"])
    return [of.identity_like(m, n), of.truncate_or_pad(case["v"], [m, n]), *(of.input_jacobian(part, [0.25] * part.inputs) for part in chain.parts), impl.convolution.channel_permutation(m, n), impl.convolution.dft_matrix(n),
            *(factor for anchor in (None, (0, 1)) for factor in impl.convolution.block_diagonalization(case["K"], (m, n), anchor=anchor))]


@claim(
    "lipref.construction-values",
    at="refimpl.network.identity_like, truncate_or_pad, extremal_network; refimpl.convolution.channel_permutation, dft_matrix, block_diagonalization",
    tex=r"(I_{m \times n})_{ij} = [i = j], \qquad W_l = a_l I_{n_l \times n_{l-1}}, \qquad F_{jk} = e^{-2 \pi i j k / n}",
    given=st.fixed_dictionaries({"seed": SEEDS, "shape": st.sampled_from([(2, 3), (3, 2), (1, 4), (4, 2)]), "widths": st.sampled_from([(2, 3, 2), (1, 2, 3), (3, 1, 2)])}).map(lambda case: {
        "shape": case["shape"], "widths": list(case["widths"]), "factors": [0.5, 3.0], "v": _array(case["seed"], 3) + 0.25, "K": _array(case["seed"] + 1, 1, 2, 2, 2)}).filter(lambda case: bool((case["K"] != 0).all())),
    verdict=Verdict.SURVIVED,
    strata={"wide": lambda shape, **_: shape[1] > shape[0], "high": lambda shape, **_: shape[1] < shape[0]},
    mutants={"a-millionth": scaled(_constructed, UNITS), "factors-reversed": slip(_constructed, UNITS, lambda case: {"factors": case["factors"][::-1]}), "rows-for-columns": slip(_constructed, UNITS, lambda case: {"shape": case["shape"][::-1]})},
    promise=True,
)
def construction_values(impl: Any, **case: Any) -> Any:
    """Matrices without a choice are those of their definitions, with rows, columns, signs and order."""
    return agreement(_constructed, UNITS)(impl, **case)


class _Kept:
    """A function that keeps what it answers."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def __call__(self, x: Any) -> float:
        self.values.append(float(np.exp(x[0]) + x[1] ** 2))
        return self.values[-1]


def _standard_error(impl: Any, case: Any, of_values: Any) -> Comparison:
    f = _Kept()
    found = impl.weierstrass.smooth_monte_carlo(f, case["x"], case["sigma"], case["samples"], rng=case["seed"])
    return near([found.value, found.error], [sum(f.values) / len(f.values), of_values(np.array(f.values))], UNITS)


def _by_divisor(ddof: int, power: float) -> Any:
    return lambda values: math.sqrt(((values - values.mean()) ** 2).sum() / (len(values) - ddof)) / len(values) ** power


MONTE_CARLO = {"seed": SEEDS, "sigma": st.sampled_from([0.5, 2.0, 0.25]), "samples": st.integers(3, 60), "x": st.just(np.array([0.25, -0.5]))}


@claim(
    "lipref.monte-carlo-error",
    at="refimpl.weierstrass.smooth_monte_carlo",
    tex=r"\bar f \pm \sqrt{\frac{1}{n (n - 1)} \sum_i (f_i - \bar f)^2}",
    given=MONTE_CARLO,
    verdict=Verdict.SURVIVED,
    note="The function keeps its values: the error is their standard error, with the divisor n - 1.",
    strata={"few samples": lambda samples, **_: samples < 15, "more": lambda samples, **_: samples >= 15},
    mutants={"divisor-n": instead(lambda impl, **case: _standard_error(impl, case, _by_divisor(0, 0.5))), "without-the-root-of-n": instead(lambda impl, **case: _standard_error(impl, case, _by_divisor(1, 0.0))),
             "over-n": instead(lambda impl, **case: _standard_error(impl, case, _by_divisor(1, 1.0)))},
    promise=True,
)
def monte_carlo_error(impl: Any, **case: Any) -> Comparison:
    """The error of a Monte Carlo mean is the standard error of the values that were drawn."""
    return _standard_error(impl, case, _by_divisor(1, 0.5))


def _noise(impl: Any, seed: int, sigma: float, samples: int, power: int) -> Comparison:
    """Six deviations of the mean square of the noise of so many draws."""
    seen: list[float] = []

    def scores(batch: Any) -> Any:
        seen.extend((np.asarray(batch)[:, 0] - 1.0).tolist())
        return np.stack([batch[:, 0], -batch[:, 0]], axis=1)

    of = impl.certificates
    table = of.noisy_scores(scores, [1.0], sigma, samples, rng=seed, batch=300)
    first = len(seen)
    counts = of.noisy_counts(scores, [1.0], sigma, samples, rng=seed, batch=300)
    spread = 6 * math.sqrt(2 / samples)
    shares = [sum(v * v for v in part) / samples / sigma ** (2 * power) for part in (seen[:first], seen[first:])]
    distinct = len(set(seen[:first]))
    return Comparison([*(abs(share - 1) for share in shares), abs(distinct - samples), abs(int(np.sum(counts)) - samples), abs(len(table) - samples)], "<=", [spread, spread, 0, 0, 0])


@claim(
    "lipref.noise-deviation",
    at="refimpl.certificates.noisy_scores and noisy_counts",
    tex=r"\frac1n \sum_i (x_i - x)^2 \approx \sigma^2, \qquad \sum_k n_k = n",
    given={"seed": SEEDS, "sigma": st.sampled_from([0.25, 0.5, 2.0]), "samples": st.sampled_from([1000, 1111])},
    verdict=Verdict.SURVIVED,
    note="Within six standard deviations, for each sample; all draws differ, and none is left out.",
    strata={"below 1": lambda sigma, **_: sigma < 1, "above 1": lambda sigma, **_: sigma > 1},
    mutants={"variance": instead(lambda impl, seed, sigma, samples: _noise(impl, seed, sigma, samples, 2)), "no-deviation": instead(lambda impl, seed, sigma, samples: _noise(impl, seed, sigma, samples, 0))},
    promise=True,
)
def noise_deviation(impl: Any, seed: int, sigma: float, samples: int) -> Comparison:
    """The noise has the deviation sigma, every batch its own, and as many samples are counted as are asked for."""
    return _noise(impl, seed, sigma, samples, 1)


def _rules(impl: Any, bend: float, nodes: int, others: Any, factor: float = 1.0) -> Comparison:
    def f(x: Any) -> float:
        return abs(float(x[0]) - bend)

    def value(count: int) -> float:
        return float(impl.weierstrass.smooth(f, [0.0], 1.0, nodes=count).value)

    found = impl.weierstrass.smooth(f, [0.0], 1.0, nodes=nodes)
    return near([found.error], [factor * max(abs(value(nodes) - value(count)) for count in others(nodes))], 64)


@claim(
    "lipref.quadrature-error",
    at="refimpl.weierstrass.smooth",
    tex=r"\max_{m \in \{n - 1, \lfloor n/2 \rfloor, \lfloor n/2 \rfloor + 1\}} |Q_n f - Q_m f|",
    given={"bend": st.floats(-1, 1).map(lambda v: round(v, 2)), "nodes": st.integers(10, 40)},
    verdict=Verdict.SURVIVED,
    note="A function with a kink, for which rules of few nodes more or less may agree by chance.",
    strata={"even": lambda bend, nodes: nodes % 2 == 0 and bend != 0, "odd": lambda bend, nodes: nodes % 2 == 1 and bend != 0},
    mutants={"all-rules": instead(lambda impl, bend, nodes: _rules(impl, bend, nodes, lambda n: range(4, n))), "one-percent": instead(lambda impl, bend, nodes: _rules(impl, bend, nodes, lambda n: (n - 1, n // 2, n // 2 + 1), 1.01))},
    promise=True,
)
def quadrature_error(impl: Any, bend: float, nodes: int) -> Comparison:
    """The error of a quadrature is its largest difference to three other rules."""
    return _rules(impl, bend, nodes, lambda n: (n - 1, n // 2, n // 2 + 1))


def _dominant(impl: Any, case: Any) -> list[Any]:
    W, t, of = case["W"], case["n_iter"], impl.spectral
    value, vector = of.dominant_eigenpair(W, t, column=0)
    return [of.dominant_singular_vector(W, t, column=0), vector, value]


@claim(
    "lipref.dominant-values",
    at="refimpl.spectral.dominant_singular_vector and dominant_eigenpair",
    tex=r"v = \frac{W^{(t)} e_1}{\lVert W^{(t)} e_1 \rVert}, \qquad \lambda = u^* W u, \; u \propto W^{2^t} e_1",
    given=st.fixed_dictionaries({"seed": SEEDS, "turned": st.booleans(), "size": st.integers(2, 3), "n_iter": st.integers(1, 3)}).map(lambda case: {
        "W": _array(case["seed"], case["size"], case["size"], parts=case["turned"]) / 4, "n_iter": case["n_iter"]}).filter(lambda case: np.linalg.cond(case["W"]) < 8 and not np.allclose(case["W"], case["W"].conj().T)),
    verdict=Verdict.SURVIVED,
    note="The first column of the iterate as it is: with its phase, and eigenvalues with their signs.",
    strata={"complex": lambda W, **_: bool(np.any(np.imag(W))), "real": lambda W, **_: not np.any(np.imag(W))},
    mutants={"a-millionth": scaled(_dominant, UNITS), "adjoint": slip(_dominant, UNITS, lambda case: {"W": case["W"].conj().T}), "negative": slip(_dominant, UNITS, lambda case: {"W": -case["W"]})},
    promise=True,
)
def dominant_values(impl: Any, **case: Any) -> Any:
    """Dominant vectors are the columns of the iterates, right ones and not left ones, and values have their sign."""
    return agreement(_dominant, UNITS)(impl, **case)


def _grown(impl: Any, depth: int, rate: float, normalizer: str, factor: float) -> Comparison:
    made = impl.explosion.exploding_network(depth, rate, normalizer=normalizer)
    found = impl.explosion.amplification(made.weights, made.batch, made.perturbation, epsilon=0.0, normalizer=normalizer)
    weights = impl.explosion.exploding_weights(depth, rate)
    return near([made.growth, len(weights.weights), float(length(made.perturbation))], [found * factor, depth, 1.0], UNITS)


@claim(
    "lipref.exploding-growth",
    at="refimpl.explosion.exploding_network and exploding_weights",
    tex=r"\mathrm{growth} = \frac{\lVert J \delta \rVert}{\lVert \delta \rVert}, \qquad \lVert \delta \rVert = 1",
    given={"depth": st.integers(1, 4), "rate": st.sampled_from([2.0, 3.0, 4.0]), "normalizer": st.sampled_from(["batch", "layer", "group", "rms"])},
    verdict=Verdict.SURVIVED,
    strata={"of samples": lambda normalizer, **_: normalizer == "batch", "of features": lambda normalizer, **_: normalizer != "batch"},
    mutants={"one-percent": instead(lambda impl, **case: _grown(impl, factor=1.01, **case)), "root-of-two": instead(lambda impl, **case: _grown(impl, factor=math.sqrt(2), **case))},
    promise=True,
)
def exploding_growth(impl: Any, depth: int, rate: float, normalizer: str) -> Comparison:
    """The growth that a construction declares is the amplification of its perturbation; it has as many weights as layers."""
    return _grown(impl, depth, rate, normalizer, 1.0)


class _Counted:
    """An event of two classes that keeps what it is asked."""

    def __init__(self, least: int) -> None:
        self.least, self.seen = least, []  # type: ignore[var-annotated]

    def __call__(self, counts: Any) -> bool:
        self.seen.append(counts[0] >= self.least)
        return bool(self.seen[-1])


def _simulated(impl: Any, n: int, runs: int, alpha: float, seed: int, used: Any) -> Comparison:
    event = _Counted(n // 2)
    found = impl.confidence.simulated_coverage(event, [1, 2], n, runs, alpha, rng=seed)
    wanted = impl.confidence.clopper_pearson(sum(event.seen), len(event.seen), used(alpha))
    return near([found.lower, found.upper, len(event.seen)], [wanted.lower, wanted.upper, runs], UNITS)


@claim(
    "lipref.simulated-runs",
    at="refimpl.confidence.simulated_coverage",
    tex=r"\mathrm{CP}(|\{\text{runs in which it holds}\}|, \text{runs}, \alpha)",
    given={"n": st.integers(3, 9), "runs": st.integers(20, 60), "alpha": st.sampled_from([0.05, 0.01]), "seed": SEEDS},
    verdict=Verdict.SURVIVED,
    note="The event keeps what it is asked.",
    strata={"few trials": lambda n, **_: n < 6, "more": lambda n, **_: n >= 6},
    mutants={"half-the-risk": instead(lambda impl, **case: _simulated(impl, used=lambda alpha: alpha / 2, **case)), "twice-the-risk": instead(lambda impl, **case: _simulated(impl, used=lambda alpha: alpha * 2, **case))},
    promise=True,
)
def simulated_runs(impl: Any, **case: Any) -> Comparison:
    """A simulated coverage asks the event once a run, and is the interval of those in which it holds."""
    return _simulated(impl, used=lambda alpha: alpha, **case)


def _along(impl: Any, at: float, slope: float, sigma: float, factor: float) -> Comparison:
    """The exponential of a linear function, smoothed along its own direction."""
    x, w = np.array([at, -0.5]), np.array([0.6, 0.8]) * slope
    f, of = (lambda point: math.exp(float(w @ point))), impl.weierstrass
    value = math.exp(float(w @ x) + (sigma * slope) ** 2 / 2) * factor
    found = [of.smooth(f, x, sigma, direction=w).value, *of.stein_gradient(f, x, sigma, direction=w).value]
    return near([float(v) for v in found], [value, *(value * w)], 2.0**20)


@claim(
    "lipref.smoothing-along",
    at="refimpl.weierstrass.smooth and stein_gradient, with a direction",
    tex=r"\mathbb{E}\, e^{w^T (x + \sigma g)} = e^{w^T x + \sigma^2 \lVert w \rVert^2 / 2}",
    given={"at": st.sampled_from([0.25, 1.0, -0.75]), "slope": st.sampled_from([0.5, 1.0]), "sigma": st.sampled_from([0.5, 0.25])},
    verdict=Verdict.SURVIVED,
    strata={"steep": lambda slope, **_: slope == 1, "flat": lambda slope, **_: slope < 1},
    mutants={"a-millionth": instead(lambda impl, **case: _along(impl, factor=1 + 1e-6, **case)), "variance": instead(lambda impl, at, slope, sigma: _along(impl, at, slope, sigma, math.exp((slope * sigma) ** 2 / 2)))},
    promise=True,
)
def smoothing_along(impl: Any, at: float, slope: float, sigma: float) -> Comparison:
    """Along the only direction in which a function changes, smoothing and its gradient are those of one dimension."""
    return _along(impl, at, slope, sigma, 1.0)
