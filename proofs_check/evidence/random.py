"""Random evidence: hypothesis draws instances, steers towards small slack and shrinks a violation."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings, target
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException

from proofs_check.claim import Case, Claim
from proofs_check.evidence._decide import Decision, decide
from proofs_check.implementation import Implementation


class _Violation(AssertionError):
    pass


@dataclass
class Search:
    """The instances that met the hypotheses, with their slacks, and the shrunken violation if any."""

    cases: list[tuple[float, Case]] = field(default_factory=list)
    violation: Case | None = None
    decision: Decision | None = None

    def tightest(self, count: int) -> list[Case]:
        """The cases of smallest slack."""
        return [case for _, case in sorted(self.cases, key=lambda item: abs(item[0]))[:count]]


def strategy_of(claim: Claim) -> st.SearchStrategy[Case]:
    """The claim's domain as one strategy of keyword arguments that meet the hypotheses."""
    drawn = claim.given if isinstance(claim.given, st.SearchStrategy) else st.fixed_dictionaries(claim.given)
    return drawn.filter(claim.admits)


def search(claim: Claim, impl: Implementation, *, examples: int, seed_: int) -> Search:
    """Draw instances until the budget is spent or one violates the claim; then shrink that one."""
    found = Search()

    def probe(case: Case) -> None:
        decision = decide(claim, impl, case)
        if not decision.holds or decision.accurate is False:
            found.violation, found.decision = case, decision
            raise _Violation
        if found.violation is None:
            found.cases.append((decision.slack, case))
            if steered and decision.slack < 1:
                target(-abs(decision.slack))

    # Where an optimiser moves the entries of instances, hypothesis need not steer towards a small slack too.
    steered = not claim.adversarial
    run_hypothesis(strategy_of(claim), probe, examples=examples, seed_=seed_)
    return found


def draw(claim: Claim, *, examples: int, seed_: int, where: Callable[..., bool]) -> list[Case]:
    """Instances of the domain that also meet a further condition."""
    cases: list[Case] = []
    run_hypothesis(
        strategy_of(claim).filter(lambda case: where(**case)), cases.append, examples=examples, seed_=seed_
    )
    return cases


def run_hypothesis(
    domain: st.SearchStrategy[Any], probe: Callable[[Any], None], *, examples: int, seed_: int
) -> None:
    """Run a probe over a domain with a fixed seed, shrinking what raises `_Violation`."""

    @seed(seed_)
    @settings(
        max_examples=examples, database=None, deadline=None, verbosity=Verbosity.quiet,
        phases=[Phase.generate, Phase.target, Phase.shrink],
        suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
    )
    @given(domain)
    def run(case: Any) -> None:
        probe(case)

    try:
        run()
    except _Violation:
        pass
    except HypothesisException as unusable:
        if "Unsatisfiable" not in type(unusable).__name__:
            raise


@contextlib.contextmanager
def same_draws_everywhere() -> Iterator[None]:
    """Keep hypothesis from drawing constants that it finds in the source of whatever is imported.

    Which modules those are differs between this process and a worker, and grows during a run, so the
    same seed would draw other instances. There is no public switch; without this one nothing is done.
    """
    try:
        from hypothesis.internal.conjecture import providers
    except ImportError:
        yield
        return
    collect = getattr(providers, "_get_local_constants", None)
    cache = getattr(providers, "CONSTANTS_CACHE", None)
    if collect is None or cache is None:
        yield
        return
    nothing = type(collect())()
    cache.cache.clear()
    providers._get_local_constants = lambda: nothing
    try:
        yield
    finally:
        providers._get_local_constants = collect
        cache.cache.clear()
