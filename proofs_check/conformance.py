"""What the claims say of each function of an implementation: pass, fail, not offered, not tested."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from proofs_check.implementation import TOPICS, Implementation
from proofs_check.run import Result

PASS, FAIL, NOT_OFFERED, NOT_TESTED = "pass", "fail", "not offered", "not tested"
REFERENCE = "refimpl"


@dataclass(frozen=True)
class Cell:
    """One function of one implementation: its state, how many claims passed, and the first that did not."""

    function: str
    state: str
    passed: int = 0
    failing: str | None = None
    instance: str | None = None

    @property
    def text(self) -> str:
        """What a table shows."""
        if self.state == PASS:
            return f"pass ({self.passed})"
        return f"fail: {self.failing}" if self.state == FAIL else self.state


def public_functions() -> list[str]:
    """All names that an implementation may offer, ``topic.name``; types of results are not among them."""
    names = []
    for topic in TOPICS:
        module = importlib.import_module(f"{REFERENCE}.{topic}")
        names += [f"{topic}.{name}" for name in module.__all__ if _computes(getattr(module, name))]
    return names


def _computes(value: object) -> bool:
    return not (inspect.isclass(value) and (issubclass(value, tuple) or getattr(value, "_is_protocol", False)))


def matrix(implementation: str, results: Sequence[Result], blamed: dict[str, set[str]] | None = None) -> list[Cell]:
    """One cell a public function.

    A claim counts for the functions of the implementation that it used, and a claim that was not reproduced for
    those among them that `blame` named, if it named any.
    """
    code = Implementation(implementation)
    return [_cell(name, code, results, blamed or {}) for name in public_functions()]


def _cell(name: str, code: Implementation, results: Sequence[Result], blamed: dict[str, set[str]]) -> Cell:
    if not code.offers(*name.split(".")):
        return Cell(name, NOT_OFFERED)
    about = [result for result in results if name in result.own and result.outcome != "not offered"]
    failing = [result for result in about if not result.good and name in (blamed.get(result.id) or {name})]
    if failing:
        # The claim on the fewest functions says most about each of them.
        first = min(failing, key=lambda result: (len(result.own), len(result.used), result.id))
        return Cell(name, FAIL, sum(result.good for result in about), first.id, first.violation)
    passed = sum(result.good for result in about)
    return Cell(name, PASS if passed else NOT_TESTED, passed)


def alone(implementation: str, function: str) -> str:
    """The name of the implementation that takes only this function from the given one, all others from refimpl."""
    first, *rest = implementation.split("+")
    return "+".join([f"{first.partition(':')[0]}:{function}", *(rest or [REFERENCE])])


def suspects(results: Iterable[Result]) -> list[tuple[str, str]]:
    """Claim and function: what has to run alone to see which function a failing claim speaks against."""
    failing = [result for result in results if not result.good and result.outcome != "not offered"]
    return [(result.id, name) for result in failing if len(result.own) > 1 for name in result.own]


def blame(implementation: str, results: Sequence[Result], profile: str, seed: int) -> dict[str, set[str]]:
    """The functions that break a failing claim on their own, by claim."""
    from proofs_check import parallel

    found: dict[str, set[str]] = {}
    for id, name in suspects(results):
        [result] = parallel.run_all([id], alone(implementation, name), profile, seed)
        if not result.good and result.outcome != "not offered":
            found.setdefault(id, set()).add(name)
    return found
