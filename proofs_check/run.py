"""A claim, an implementation and a budget in; what was found out."""

from __future__ import annotations

import bisect
import contextlib
import time
import traceback
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from proofs_check.claim import Case, Claim, Verdict
from proofs_check.evidence import adversarial, exhaustive, random, rigorous, symbolic
from proofs_check.evidence._decide import INSTANCE, Decision, decide
from proofs_check.implementation import Implementation, NotOffered, Unsupported
from proofs_check.literals import written


@dataclass(frozen=True)
class Profile:
    """How long to search."""

    examples: int
    evaluations: int
    confirmed: int


PROFILES: Mapping[str, Profile] = {
    "quick": Profile(examples=25, evaluations=60, confirmed=6),
    "default": Profile(examples=200, evaluations=300, confirmed=20),
    "thorough": Profile(examples=2000, evaluations=3000, confirmed=200),
    "nightly": Profile(examples=20000, evaluations=30000, confirmed=1000),
}


# Sizes of slacks are counted between these.
SLACK_EDGES = (1e-12, 1e-9, 1e-6, 1e-4, 1e-3, 1e-2, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)

# Of a stratum with fewer instances than this, more are drawn.
FEW = 20

# Draws that show which functions a claim uses.
PROBES = 5


@dataclass
class Result:
    """One row of a report; plain data, so that it can be written and read back."""

    id: str
    verdict: str
    outcome: str = "reproduced"
    evidence: dict[str, str] = field(default_factory=dict)
    instances: int = 0
    slack: float | None = None
    slacks: list[int] = field(default_factory=list)
    tightest: str | None = None
    mutants: dict[str, dict[str, str | None]] = field(default_factory=dict)
    violation: str | None = None
    detail: str = ""
    used: list[str] = field(default_factory=list)
    own: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def surviving_mutants(self) -> list[str]:
        """Mutants that some stratum did not reject."""
        return [name for name, kills in self.mutants.items() if None in kills.values() or not kills]

    @property
    def good(self) -> bool:
        """The verdict was reproduced and every mutant rejected."""
        return self.outcome == "reproduced" and not self.surviving_mutants

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)


def run_claim(
    claim: Claim, implementation: str, profile: Profile, seed: int, layers: Mapping[str, Any] | None = None
) -> Result:
    """Gather all evidence for and against one claim."""
    started = time.perf_counter()
    impl = Implementation(implementation)
    result = _evidence(claim, impl, profile, seed, layers or {})
    result.used, result.own = sorted(impl.used), sorted(impl.own)
    result.seconds = time.perf_counter() - started
    return result


def _evidence(claim: Claim, impl: Implementation, profile: Profile, seed: int, layers: Mapping[str, Any]) -> Result:
    result = Result(claim.id, claim.verdict.value)
    try:
        run = _Run(claim, impl, profile, _seed_of(claim, seed), layers, result)
        run.check_offered()
        run.refuted() if claim.verdict is Verdict.REFUTED else run.holding()
    except Unsupported as missing:
        smaller = _within(claim, impl)
        if smaller is None or claim.where is smaller.where:
            result.outcome, result.detail = "not offered", str(missing)
        else:
            result = _evidence(smaller, impl, profile, seed, layers)
    except NotOffered as missing:
        result.outcome, result.detail = "not offered", str(missing)
    except Exception as error:
        result.outcome, result.detail = "errored", traceback.format_exc(limit=-4)
        result.violation = getattr(error, INSTANCE, None)
    return result


def _within(claim: Claim, impl: Implementation) -> Claim | None:
    """The claim on the part of its domain that an implementation supports; None where a stored case is outside."""
    if getattr(claim.where, "within", False):
        return claim

    def supported(**case: Any) -> bool:
        if not claim.admits(case):
            return False
        try:
            claim.compare(impl, **case)
        except Unsupported:
            return False
        except Exception:
            return True    # is reported where it counts
        return True

    supported.within = True    # type: ignore[attr-defined]
    if not all(supported(**case) for case in (claim.counterexample, claim.control) if case is not None):
        return None
    every = claim.exhaustive
    return replace(
        claim, where=supported, witnesses=[case for case in claim.witnesses if supported(**case)],
        exhaustive=None if every is None else lambda: (case for case in every() if supported(**case)),
    )


def _seed_of(claim: Claim, seed: int) -> int:
    """A seed of its own for every claim, the same in every process."""
    return zlib.crc32(f"{seed}:{claim.id}".encode())


def _counted(slacks: Iterable[float]) -> list[int]:
    """How many lie up to each edge of `SLACK_EDGES` and above the one before, and how many above all."""
    counts = [0] * (len(SLACK_EDGES) + 1)
    for slack in slacks:
        counts[bisect.bisect_left(SLACK_EDGES, abs(slack))] += 1
    return counts


def functions_used(claim: Claim, seed: int) -> set[str]:
    """The functions of refimpl that the first instances of a claim use, the same as `check_offered` looks at."""
    impl = Implementation("refimpl")
    for _ in _probe(claim, impl, _seed_of(claim, seed)):
        pass
    return impl.used


def _probe(claim: Claim, impl: Implementation, seed: int) -> Iterator[None]:
    for case in random.draw(claim, examples=PROBES, seed_=seed, where=lambda **case: True):
        with contextlib.suppress(Exception):    # what goes wrong here goes wrong again below, and is reported
            claim.compare(impl, **case)
        yield


class _Run:
    def __init__(
        self, claim: Claim, impl: Implementation, profile: Profile, seed: int, layers: Mapping[str, Any],
        result: Result,
    ) -> None:
        self.claim, self.impl, self.profile, self.seed = claim, impl, profile, seed
        self.layers, self.result = layers, result
        self.searched: list[tuple[float, Case]] = []

    def check_offered(self) -> None:
        """Of a layered implementation only the first package is tested: claims that use none of it say nothing."""
        if not self.impl.layered:
            return
        for _ in _probe(self.claim, self.impl, self.seed):
            if self.impl.own:
                return
        raise NotOffered(f"{self.impl.name}: the first package offers none of {', '.join(sorted(self.impl.used))}")

    # -- claims that hold ------------------------------------------------------------------------

    def holding(self) -> None:
        """A proved, surviving or open claim: no evidence may contradict it, every mutant must die."""
        claim, result = self.claim, self.result
        witnessed = self._witnesses_hold()
        found = random.search(claim, self.impl, examples=self.profile.examples, seed_=self.seed)
        self.searched += found.cases
        if found.violation is not None and found.decision is not None:
            return self._violated("random", found.violation, found.decision)
        if not witnessed:
            return
        result.evidence["random"] = f"{len(found.cases)} instances"
        if not found.cases:
            result.outcome, result.detail = "vacuous", "no instance met the hypotheses"
            return
        for gather in (self._exhaustive, self._adversarial, self._rigorous, self._real_layers, self._symbolic):
            if result.outcome == "reproduced":
                gather()
        result.instances += len(self.searched)
        slack, tightest = min(self.searched, key=lambda item: abs(item[0]))
        result.slack, result.tightest = slack, written(tightest)
        result.slacks = _counted(slack for slack, _ in self.searched)
        if result.outcome == "reproduced":
            self._mutants()

    def _witnesses_hold(self) -> bool:
        for case in self.claim.witnesses:
            if not self.claim.admits(case):
                raise ValueError(f"claim {self.claim.id}: a witness does not meet the hypotheses: {written(case)}")
            decision = decide(self.claim, self.impl, case)
            if not decision.holds or decision.accurate is False:
                self._violated("rigorous", case, decision)
                return False
            self.searched.append((decision.slack, case))
        return True

    def _violated(self, kind: str, case: Case, decision: Decision) -> None:
        result = self.result
        result.outcome = "not reproduced"
        result.evidence[kind] = "violated"
        result.violation = written(case)
        result.slack = decision.slack
        # What lipref promises is about the implementation, what the sources say is not.
        promised = self.claim.promise and self.claim.source.name == "lipref"
        wrong = decision.accurate is False or promised
        blame = "the implementation is wrong" if wrong else "the statement fails"
        result.detail = f"{blame} ({kind} evidence), slack {decision.slack:.3g}. {decision.detail}".strip()

    def _exhaustive(self) -> None:
        if self.claim.exhaustive is None:
            return
        count, least, violation = exhaustive.enumerate_all(self.claim, self.impl)
        self.result.instances += count
        self.result.evidence["exhaustive"] = f"{count} instances, least slack {least:.3g}"
        if violation is not None:
            self._violated("exhaustive", *violation)

    def _adversarial(self) -> None:
        if not self.claim.adversarial:
            return
        starts = [case for _, case in sorted(self.searched, key=lambda item: abs(item[0]))]
        spread = starts[:: max(1, len(starts) // 3)][:3]
        ends, spent = adversarial.worst(
            self.claim, self.impl, spread, evaluations=self.profile.evaluations
        )
        self.result.instances += spent
        self.result.evidence["adversarial"] = f"{spent} evaluations from {len(spread)} starts"
        for case, decision in ends:
            if not decision.holds or decision.accurate is False:
                return self._violated("adversarial", case, decision)
            self.searched.append((decision.slack, case))

    def _rigorous(self) -> None:
        ordered = [case for _, case in sorted(self.searched, key=lambda item: abs(item[0]))]
        half = self.profile.confirmed // 2
        spread = ordered[half :: max(1, len(ordered) // (half + 1))]
        chosen = (ordered[:half] + spread)[: self.profile.confirmed]
        meets = 0
        for case, decision in rigorous.confirm(self.claim, self.impl, chosen):
            meets += decision.meets
            if not decision.holds or decision.accurate is False:
                return self._violated("rigorous", case, decision)
        self.result.evidence["rigorous"] = f"{len(chosen)} instances in balls, {meets} of them equalities"

    def _real_layers(self) -> None:
        makers = {2: self.claim.weights, 4: self.claim.kernels}
        used = 0
        for W in self.layers.values():
            make = makers[np.ndim(W)]
            case = None if make is None else make(W)
            if case is None or not self.claim.admits(case):
                continue
            decision = decide(self.claim, self.impl, case)
            used += 1
            if not decision.holds or decision.accurate is False:
                return self._violated("real layers", case, decision)
        if used:
            self.result.instances += used
            self.result.evidence["real layers"] = f"{used} layers"

    def _symbolic(self) -> None:
        if self.claim.derivation is None:
            return
        steps, failed = symbolic.derive(self.claim)
        self.result.evidence["symbolic"] = f"{steps} steps"
        if failed is not None:
            self.result.outcome = "not reproduced"
            self.result.detail = f"this step of the derivation is not true: {failed}"
            return
        _, rejected = symbolic.derive(self.claim, symbolic.FALSE_FACTOR)
        self.result.mutants["derivation x 99/100"] = {"symbolic": rejected}

    # -- mutants ---------------------------------------------------------------------------------

    def _mutants(self) -> None:
        claim = self.claim
        ordered = [case for _, case in sorted(self.searched, key=lambda item: abs(item[0]))]
        for stratum, belongs in claim.strata.items():
            inside = [case for case in ordered if belongs(**case)]
            survivors = self._first_kills(stratum, self._offered_mutants(inside), inside)
            if len(inside) < FEW and (survivors or not inside):
                more = random.draw(claim, examples=FEW, seed_=self.seed, where=belongs)
                inside += more
                survivors = self._first_kills(stratum, survivors, more)
            if not inside:
                self.result.outcome = "vacuous"
                self.result.detail = f"no instance in the stratum {stratum!r}"
                return
            for name in survivors:
                compare = claim.mutants[name].of(claim.compare)
                self.result.mutants[name][stratum] = self._attacked(compare, inside[0], belongs)

    def _offered_mutants(self, cases: list[Case]) -> list[str]:
        """A mutant may ask more of the implementation than the claim does: then it is not tried."""
        names = []
        for name, mutant in self.claim.mutants.items():
            with contextlib.suppress(Unsupported):
                if cases:
                    mutant.of(self.claim.compare)(self.impl, **cases[0])
                names.append(name)
        return names

    def _first_kills(self, stratum: str, names: list[str], cases: list[Case]) -> list[str]:
        """The mutants that none of these cases rejects; of the others the case, confirmed in balls, is kept."""
        survivors = []
        for name in names:
            compare = self.claim.mutants[name].of(self.claim.compare)
            kill = next((case for case in cases if self._rejects(compare, case)), None)
            self.result.mutants.setdefault(name, {})[stratum] = None if kill is None else written(kill)
            if kill is None:
                survivors.append(name)
        return survivors

    def _attacked(self, compare: Any, start: Case, belongs: Any) -> str | None:
        """A mutant that no drawn instance rejects: from one of them an optimiser looks for an instance that does."""
        if not self.claim.adversarial:
            return None
        case, _ = adversarial.attack(
            self.claim, self.impl, start, evaluations=5 * self.profile.evaluations, compare=compare,
            admits=lambda case: self.claim.admits(case) and bool(belongs(**case)),
        )
        return written(case) if self._rejects(compare, case) else None

    def _rejects(self, compare: Any, case: Case) -> bool:
        return not decide(self.claim, self.impl, case, compare=compare, rigorous=True).holds

    # -- refuted claims --------------------------------------------------------------------------

    def refuted(self) -> None:
        """The stored counterexample must fail in balls, the control must hold, a search must fail too."""
        claim, result = self.claim, self.result
        assert claim.counterexample is not None and claim.control is not None
        [(_, stored), (_, control)] = rigorous.confirm(
            claim, self.impl, [claim.counterexample, claim.control]
        )
        result.evidence["rigorous"] = "counterexample confirmed in balls" if not stored.holds else "not confirmed"
        result.slack, result.tightest = stored.slack, written(claim.counterexample)
        result.instances = 2
        problems = []
        if stored.holds:
            problems.append("the stored counterexample does not violate the statement")
        if not claim.admits(claim.counterexample):
            problems.append("the stored counterexample does not meet the hypotheses")
        if not control.holds:
            problems.append("the control violates the statement too: the check refutes everything")
        problems += [d.detail for d in (stored, control) if d.accurate is False]
        problems += self._search_for_violation()
        if problems:
            result.outcome, result.detail = "not reproduced", "; ".join(problems)

    def _search_for_violation(self) -> list[str]:
        # The search stops at the first violation, so a long one costs only where it is needed.
        found = random.search(self.claim, self.impl, examples=20 * self.profile.examples, seed_=self.seed)
        self.result.instances += len(found.cases)
        self.result.slacks = _counted(slack for slack, _ in found.cases)
        if found.violation is None or found.decision is None or found.decision.holds:
            return ["no violation found by random search"]
        self.result.violation = written(found.violation)
        self.result.evidence["random"] = f"violated, after {len(found.cases)} instances that hold; shrunk"
        if self.claim.exhaustive is not None:
            count, _, violation = exhaustive.enumerate_all(self.claim, self.impl)
            self.result.instances += count
            self.result.evidence["exhaustive"] = f"first violation is instance {count}"
            if violation is None:
                return ["no violation in the exhaustive enumeration"]
        if self.claim.derivation is not None:
            steps, failed = symbolic.derive(self.claim)
            self.result.evidence["symbolic"] = f"{steps} steps"
            if failed is not None:
                return [f"this step of the derivation is not true: {failed}"]
        return []
