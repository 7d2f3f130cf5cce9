"""What refimpl.certificates and confidence promise about the samples they draw."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from proofs_check.claim import Comparison, Verdict, claim, instead

SEEDS = st.integers(0, 2**20)


class _Recorded:
    """A linear classifier of three classes that keeps the inputs it sees."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def __call__(self, batch: Any) -> Any:
        self.seen.append(batch.copy())
        return np.stack([batch[:, 0], batch[:, 1], 0.2 - batch.sum(axis=1)], axis=1)

    def counts(self, first: int) -> tuple[Any, Any]:
        """Of the first inputs, and of the others."""
        labels = self(np.concatenate(self.seen)).argmax(axis=1)
        return np.bincount(labels[:first], minlength=3), np.bincount(labels[first:], minlength=3)


def _drawn(impl: Any, procedure: str, selection: int, estimation: int, batch: int, seed: int, used: str) -> Comparison:
    """How many different points were seen, and what is certified, against the procedure on these points."""
    f, certificates = _Recorded(), impl.certificates
    found = certificates.certify(f, [0.1, 0.0], 0.5, 0.125, procedure=procedure, selection=selection, estimation=estimation, batch=batch, rng=seed)
    distinct = len(np.unique(np.concatenate(f.seen), axis=0))
    first, second = f.counts(selection)
    if used == "selection for both":
        second = first
    elif used == "estimation for both":
        first = second
    of = certificates.certify_mono if procedure == "mono" else certificates.certify_partitioned
    wanted = of(first, second, 0.5, 0.125)
    return Comparison([distinct, found.label, found.radius, found.lower], "==", [selection + estimation, wanted.label, wanted.radius, wanted.lower])


@claim(
    "lipref.certify-samples",
    at="refimpl.certificates.certify",
    tex=r"\{\delta_i\}_{\mathrm{selection}} \cap \{\delta_i\}_{\mathrm{estimation}} = \emptyset",
    given=st.fixed_dictionaries({
        "procedure": st.sampled_from(["mono", "partitioned"]), "selection": st.integers(1, 9), "estimation": st.integers(10, 60), "batch": st.sampled_from([7, 1000]), "seed": SEEDS}),
    verdict=Verdict.SURVIVED,
    note="The classifier records what it is asked: as many different points as both samples together, the first of them for the selection alone, the others for the bounds alone.",
    strata={"mono": lambda procedure, **_: procedure == "mono", "partitioned": lambda procedure, **_: procedure == "partitioned"},
    mutants={"selection for both": instead(lambda impl, **case: _drawn(impl, used="selection for both", **case)),
             "estimation for both": instead(lambda impl, **case: _drawn(impl, used="estimation for both", **case))},
    witnesses=[{"procedure": procedure, "selection": 1, "estimation": 40, "batch": 7, "seed": seed} for procedure in ("mono", "partitioned") for seed in range(6)],
    promise=True,
)
def samples_apart(impl: Any, **case: Any) -> Comparison:
    """No sample serves both to choose the classes and to bound their probabilities."""
    return _drawn(impl, used="each its own", **case)


def _ranked(impl: Any, samples: int, batch: int, seed: int, place: int) -> Comparison:
    counts = impl.certificates.noisy_counts(_Recorded(), [0.1, 0.0], 0.5, samples, rng=seed, batch=batch)
    scores = impl.certificates.noisy_scores(_Recorded(), [0.1, 0.0], 0.5, samples, rng=seed)
    return Comparison(counts, "==", np.bincount(np.argsort(scores, axis=1)[:, place], minlength=3))


@claim(
    "lipref.certify-counts",
    at="refimpl.certificates.noisy_counts",
    tex=r"k_j = \#\{i : \arg\max f(x + \delta_i) = j\}",
    given=st.fixed_dictionaries({"samples": st.integers(1, 60), "batch": st.sampled_from([1, 7, 1000]), "seed": SEEDS}),
    verdict=Verdict.SURVIVED,
    note="From the same noise as the scores, for every size of batch.",
    strata={"several batches": lambda samples, batch, seed: samples > batch > 1},
    mutants={"the second best": instead(lambda impl, **case: _ranked(impl, place=-2, **case))},
    witnesses=[{"samples": 20, "batch": 7, "seed": 0}],
    promise=True,
)
def counts_of_scores(impl: Any, **case: Any) -> Comparison:
    """The counts are those of the largest scores."""
    return _ranked(impl, place=-1, **case)


def _simulated(impl: Any, p: Any, n: int, least: int, seed: int, shift: int) -> Comparison:
    low, high = impl.confidence.simulated_coverage(lambda k: k[0] >= least, p, n, 3000, 1e-9, rng=seed)
    exact = impl.confidence.exact_coverage(lambda k: k[0] >= least + shift, p, n)
    return Comparison([low, exact.low], "<=", [exact.high, high])


@claim(
    "lipref.simulated-coverage",
    at="refimpl.confidence.simulated_coverage",
    tex=r"\underline p \le \mathbb{P}(k_1 \ge l) \le \overline p",
    given=st.integers(2, 4).flatmap(lambda c: st.fixed_dictionaries({
        "p": st.lists(st.integers(1, 6), min_size=c, max_size=c).map(tuple), "n": st.integers(2, 8), "least": st.integers(1, 2), "seed": SEEDS})),
    verdict=Verdict.SURVIVED,
    note="3000 draws; each instance may fail with the risk 1e-9.",
    strata={"even": lambda p, **_: max(p) <= 3 * min(p)},
    mutants={"one more success": instead(lambda impl, **case: _simulated(impl, shift=1, **case))},
    witnesses=[{"p": (1, 1), "n": 4, "least": 2, "seed": 0}],
    promise=True,
)
def simulated_is_exact(impl: Any, **case: Any) -> Comparison:
    """The simulated interval holds the exact probability."""
    return _simulated(impl, shift=0, **case)
