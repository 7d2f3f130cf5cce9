"""What refimpl promises of certification procedures, losses and spectra: each is its steps, written out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Verdict, claim, instead
from proofs_check.claims.lipref._agreement import agreement, near, scaled, slip
from proofs_check.claims.lipref.geometry import _array

UNITS = 2.0**16
SEEDS = st.integers(0, 2**20)


def _two_samples() -> Any:
    def made(parts: Any) -> Any:
        rng = np.random.default_rng(parts["seed"])
        first = rng.integers(0, 6, parts["classes"])
        first[parts["seed"] % parts["classes"]] += 12
        second = rng.integers(0, 30, parts["classes"])
        second[parts["seed"] % parts["classes"]] += 400
        return {"selection": first.tolist(), "estimation": second.tolist(), "sigma": parts["sigma"], "alpha": parts["alpha"]}

    return st.fixed_dictionaries({"seed": SEEDS, "classes": st.integers(2, 6), "sigma": st.sampled_from([0.5, 2.0]), "alpha": st.sampled_from([0.05, 1e-3])}).map(made)


def _written_out(impl: Any, selection: Any, estimation: Any, sigma: float, alpha: float, shares: Any, factor: float = 1.0) -> Comparison:
    """The procedures from counts, by their steps."""
    of, ends, n = impl.certificates, impl.confidence.clopper_pearson, sum(estimation)
    top, buckets = impl.confidence.partition_classes(selection)
    risk = alpha / shares(len(buckets), len(selection))
    largest = max(sum(estimation[i] for i in bucket) for bucket in buckets)
    low, high = float(ends(estimation[top], n, risk, side="lower").lower), float(ends(largest, n, risk, side="upper").upper)
    alone = float(ends(estimation[top], n, alpha, side="lower").lower)
    c = len(selection)
    two = ends(estimation, n, alpha * (shares(1, 1) / 2) / c)
    upper = max(float(v) for i, v in enumerate(two.upper) if i != int(np.argmax(estimation)))
    lower = float(two.lower[int(np.argmax(estimation))])
    multi = of.certify_multi(estimation, sigma, alpha)
    both = [of.certify_partitioned(selection, estimation, sigma, alpha), of.certify_mono(selection, estimation, sigma, alpha)]
    both.append(multi)
    wanted = [low, high, of.radius_multi(low, high, sigma), alone, 1 - alone, of.radius_mono(alone, sigma), lower, upper, of.radius_multi(lower, upper, sigma)]
    # Certificates are lowered by 2^-44 of the radius.
    return near([v for found in both for v in (found.lower, found.upper, found.radius)], [v * factor for v in wanted], 2.0**13)


@claim(
    "lipref.procedure-steps",
    at="refimpl.certificates.certify_partitioned, certify_mono and certify_multi",
    tex=r"\underline p = \mathrm{CP}^-(n_{I_1}, \alpha / m), \qquad \overline p = \max_B \mathrm{CP}^+(n_B, \alpha / m), \qquad m = |\{B\}| + 1",
    given=_two_samples(),
    verdict=Verdict.SURVIVED,
    note="Classes and buckets of the one sample, counts of the other, the risk shared by the buckets and the class.",
    strata={"fewer buckets than classes": lambda selection, **_: len(selection) > 3, "two or three classes": lambda selection, **_: len(selection) <= 3},
    mutants={"one-share-less": instead(lambda impl, **case: _written_out(impl, shares=lambda m, c: m, **case)), "one-percent": instead(lambda impl, **case: _written_out(impl, shares=lambda m, c: m + 1, factor=1.01, **case)),
             "selection-for-estimation": instead(lambda impl, selection, estimation, sigma, alpha: _written_out(impl, selection, [a + 7 * b + i for i, (a, b) in enumerate(zip(estimation, selection, strict=True))], sigma, alpha, lambda m, c: m + 2))},
    promise=True,
)
def procedure_steps(impl: Any, **case: Any) -> Comparison:
    """Certification from counts is its steps: selection, ends at a share of the risk, radius."""
    return _written_out(impl, shares=lambda m, c: m + 1, **case)


def _losses(impl: Any, case: Any) -> list[Any]:
    a, y, h, s, of = case["logits"], case["label"], case["h"], case["sigma"], impl.curvature
    found = [of.cross_entropy(a, y), of.cross_entropy_gradient(a, y), of.cross_entropy_hessian(a)]
    found += [of.activation_decay(a, y, h, s), of.taylor_smoothed_cross_entropy(a, y, h, s), of.smoothed_cross_entropy_bound(a, y, h, s)]
    return [*found, of.smoothed_hessian_bound(case["curvature"], case["gradient"], s)]


@claim(
    "lipref.loss-values",
    at="refimpl.curvature, losses, their derivatives and bounds",
    tex=r"-\ln p_y, \quad p - y, \quad \mathrm{diag}(p) - p p^T, \quad \ell + \frac{\sigma^2 \lVert h \rVert^2}{2} (1 - \lVert p \rVert^2)",
    given=st.fixed_dictionaries({"seed": SEEDS, "classes": st.integers(2, 4), "sigma": st.sampled_from([0.5, 2.0, 0.25])}).map(lambda case: {
        "logits": _array(case["seed"], case["classes"]) / 2, "label": case["seed"] % case["classes"], "h": _array(case["seed"] + 1, 3) / 4 + 1 / 8, "sigma": case["sigma"],
        "curvature": (0.5, 2.0, 0.25)[case["seed"] % 3], "gradient": (1.5, 0.5)[case["seed"] % 2]}).filter(lambda case: np.ptp(case["logits"]) > 0.4),
    verdict=Verdict.SURVIVED,
    strata={"two classes": lambda logits, **_: len(logits) == 2, "more classes": lambda logits, **_: len(logits) > 2},
    mutants={"a-millionth": scaled(_losses, UNITS), "deviation-for-variance": slip(_losses, UNITS, lambda case: {"sigma": math.sqrt(case["sigma"])}),
             "next-class": slip(_losses, UNITS, lambda case: {"label": int(np.argmax(np.abs(case["logits"] - case["logits"][case["label"]])))}),
             "curvature-for-gradient": slip(_losses, UNITS, lambda case: {"curvature": case["gradient"], "gradient": case["curvature"]})},
    promise=True,
)
def loss_values(impl: Any, **case: Any) -> Any:
    """Losses, their derivatives and bounds under noise are those of their formulas."""
    return agreement(_losses, UNITS)(impl, **case)


def _spectra(impl: Any, case: Any) -> list[Any]:
    W, t, of = case["W"], case["n_iter"], impl.spectral
    found = [of.spectral_norm(W), of.schatten_norm(W, 3.0), of.schatten_norm(W, 1.5), of.spectral_radius(W), of.gelfand_sequence(W, 4)]
    found += [of.gram_iteration(W, t), of.gram_iteration_naive(W, t, "1"), of.gram_bound_sequence(W, t)]
    return [*found, of.power_iteration(W, t, start=case["start"])]


@claim(
    "lipref.spectrum-values",
    at="refimpl.spectral",
    tex=r"\sigma_1, \quad \Bigl(\sum_i \sigma_i^p\Bigr)^{1/p}, \quad \rho(W), \quad \lVert W^k \rVert^{1/k}, \quad \lVert W^{(t)} \rVert_F^{2^{1-t}}",
    given=st.fixed_dictionaries({"seed": SEEDS, "turned": st.booleans(), "size": st.integers(2, 3), "n_iter": st.integers(1, 4)}).map(lambda case: {
        "W": _array(case["seed"], case["size"], case["size"], parts=case["turned"]) / 2, "n_iter": case["n_iter"], "start": _array(case["seed"] + 1, case["size"]) + 0.25}).filter(lambda case: np.linalg.cond(case["W"]) < 20 and not np.allclose(case["W"], case["W"].conj().T)),
    verdict=Verdict.SURVIVED,
    note="Square matrices that are not Hermitian, up to four steps; from both sides, so that a looser bound is another formula.",
    strata={"complex": lambda W, **_: bool(np.any(np.imag(W))) and _generic(W), "real": lambda W, **_: not np.any(np.imag(W)) and _generic(W)},
    mutants={"a-millionth": scaled(_spectra, 2.0**28, 2.0**-12), "symmetric-part": slip(_spectra, 2.0**28, lambda case: {"W": (case["W"] + case["W"].conj().T) / 2}),
             "one-step-more": slip(_spectra, 2.0**28, lambda case: {"n_iter": case["n_iter"] % 4 + 1})},
    promise=True,
)
def spectrum_values(impl: Any, **case: Any) -> Any:
    """Norms, radii and bounds by steps are those of their formulas, on matrices that are not Hermitian."""
    return agreement(_spectra, 2.0**28)(impl, **case)


def _generic(W: Any) -> bool:
    """The two largest singular values differ."""
    values = np.linalg.svd(W, compute_uv=False)
    return bool(values[0] > 1.05 * values[1])


class _Seen:
    """A linear classifier of three classes that keeps its scores."""

    def __init__(self) -> None:
        self.scores: list[Any] = []

    def __call__(self, batch: Any) -> Any:
        self.scores.append(np.stack([batch[:, 0], batch[:, 1], 0.2 - batch.sum(axis=1)], axis=1))
        return self.scores[-1]


def _scored(impl: Any, seed: int, temperature: float, sigma: float, name: str, samples: Any) -> Comparison:
    f, of, alpha = _Seen(), impl.certificates, 0.05
    found = of.certify(f, [1.5, 0.0], sigma, alpha, rng=seed, procedure="lvm_rs", selection=20, estimation=200, maps=[name], temperatures=[temperature])
    scores = np.concatenate(f.scores)
    first, second = (np.asarray(getattr(impl.simplex, name)(part, temperature=temperature)) for part in (scores[:20], samples(scores)))
    top = int(first.mean(axis=0).argmax())
    means, variances = second.mean(axis=0), second.var(axis=0, ddof=1)
    lower = float(impl.confidence.empirical_bernstein(means[top], variances[top], len(second), alpha / 3, side="lower").lower)
    others = [k for k in range(3) if k != top]
    upper = max(float(impl.confidence.empirical_bernstein(means[k], variances[k], len(second), alpha / 3, side="upper").upper) for k in others)
    again = of.lvm_rs(scores[:20], scores[20:], sigma, alpha, maps=[name], temperatures=[temperature])
    return near([v for one in (found, again) for v in (one.lower, one.upper, one.radius)], [lower, upper, of.radius_multi(lower, upper, sigma)] * 2, 2.0**13)


@claim(
    "lipref.score-steps",
    at="refimpl.certificates.certify with scores, and lvm_rs",
    tex=r"\bar p_{I_1} - \sqrt{2 V \ln(2 c / \alpha) / n} - \frac{7 \ln(2 c / \alpha)}{3 (n - 1)}, \qquad p = \mathrm{map}(z / t)",
    given={"seed": SEEDS, "temperature": st.sampled_from([0.25, 2.0]), "sigma": st.sampled_from([0.25, 0.5]), "name": st.sampled_from(["softmax", "sparsemax"])},
    verdict=Verdict.SURVIVED,
    note="The classifier keeps its scores. One map at one temperature, which is not 1.",
    strata={"hot": lambda temperature, **_: temperature > 1, "cold": lambda temperature, **_: temperature < 1},
    mutants={"selection-too": instead(lambda impl, **case: _scored(impl, samples=lambda scores: scores, **case)), "one-sample-less": instead(lambda impl, **case: _scored(impl, samples=lambda scores: scores[20:-1], **case))},
    promise=True,
)
def score_steps(impl: Any, **case: Any) -> Comparison:
    """Certification from scores is its steps: a map at its temperature, means and variances of the estimation sample, ends, radius."""
    return _scored(impl, samples=lambda scores: scores[20:], **case)
