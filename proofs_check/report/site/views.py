"""What the pages show of a claim and its result, gathered once."""

from __future__ import annotations

import contextlib
import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proofs_check.claim import Claim, Comparison, Kind, Verdict
from proofs_check.implementation import Implementation, NotOffered, Unsupported
from proofs_check.literals import written
from proofs_check.report import details
from proofs_check.report.site.formulas import FormulaError, mathml
from proofs_check.report.site.pictures import figures
from proofs_check.report.site.pictures.figure import Figure
from proofs_check.report.site.pictures.sides import names, slack_histogram
from proofs_check.run import Result

# A claim counts as tight where the sides meet to this relative slack.
TIGHT = 1e-6
LONGEST_DOMAIN = 160


def word(kind: Kind) -> str:
    """What the pages call a kind of finding: refuted is only what is false."""
    return Verdict.REFUTED.value if kind is Kind.FALSE else kind.value


@dataclass
class Instance:
    """One case: its arguments to read, both sides, the slack, and the code that makes them again."""

    kind: str
    arguments: dict[str, str]
    lhs: str
    relation: str
    rhs: str
    slack: float
    code: str
    names: tuple[str, str] | None = None


@dataclass
class View:
    """A claim as its page shows it."""

    claim: Claim
    result: Result | None
    formula: str
    source_code: str
    where: str
    amends: list[str] = field(default_factory=list)
    domain: dict[str, str] = field(default_factory=dict)
    instance: Instance | None = None
    control: Instance | None = None
    pictures: list[Figure] = field(default_factory=list)
    slack_picture: Figure | None = None
    is_inequality: bool = False

    @property
    def id(self) -> str:
        """The claim's id."""
        return self.claim.id

    @property
    def known(self) -> str:
        """The verdict in a word, and of a refuted statement what is wrong with it."""
        return self.claim.verdict.value if self.claim.kind is None else word(self.claim.kind)

    @property
    def sides(self) -> tuple[str, str]:
        """What stands on the left and on the right."""
        return names(self.claim) or ("left", "right")

    @property
    def tight(self) -> bool:
        """An inequality that holds, whose sides were seen to meet."""
        slack = None if self.result is None else self.result.slack
        return (self.is_inequality and self.claim.verdict is not Verdict.REFUTED and slack is not None
                and abs(slack) <= TIGHT)

    @property
    def kinds(self) -> str:
        """The marks that the front page filters by."""
        marks = [self.known]
        marks += ["amended"] if self.amends else []
        marks += ["tight"] if self.tight else []
        return " ".join(marks)

    @property
    def met(self) -> float | None:
        """The share of instances where the sides meet."""
        counts = [] if self.result is None else self.result.slacks
        return counts[0] / sum(counts) if sum(counts) else None


def view(claim: Claim, result: Result | None, impl: Implementation, amends: list[str]) -> View:
    """All that a page needs."""
    try:
        formula = mathml(claim.tex)
    except FormulaError as wrong:
        raise FormulaError(f"{claim.id}: {wrong}") from wrong
    made = View(claim, result, formula, inspect.getsource(inspect.unwrap(claim.compare)), _where(claim),
                amends, _domain(claim))
    try:
        kind, case = details.instance(claim, impl)
        if case is None:
            return made
        found = claim.compare(impl, **case)
        made.instance = _instance(claim, kind, case, found, impl)
        if claim.control is not None:
            there = claim.compare(impl, **claim.control)
            made.control = _instance(claim, "control", claim.control, there, impl)
        made.is_inequality = found.relation != "=="
    except NotOffered:
        return made
    with contextlib.suppress(NotOffered, Unsupported):
        made.pictures = figures(claim, impl, case, found)
    if result is not None:
        made.slack_picture = slack_histogram(result.slacks, refuted=claim.counterexample is not None)
    return made


def _instance(claim: Claim, kind: str, case: dict[str, Any], found: Comparison, impl: Implementation) -> Instance:
    if kind.startswith("witness") and abs(found.slack()) > TIGHT:
        kind = "witness"
    return Instance(
        kind, {name: written(value) for name, value in case.items()}, _side(found.lhs), found.relation,
        _side(found.rhs), found.slack(), details.reproduce(claim, case, impl.name), names(claim))


def _where(claim: Claim) -> str:
    """The file below the package's folder, and the line: the same on every machine."""
    code = inspect.unwrap(claim.compare)
    return f"{code.__module__.replace('.', '/')}.py, line {inspect.getsourcelines(code)[1]}"


def _side(side: Any) -> str:
    middles = [complex(a) for a, _ in Comparison(side, "==", side).middles()]
    numbers = [f"{v.real:.10g}" if v.imag == 0 else written(v) for v in middles]
    return numbers[0] if len(numbers) == 1 else f"[{', '.join(numbers[:16])}{', …' if len(numbers) > 16 else ''}]"


def _domain(claim: Claim) -> dict[str, str]:
    """How each argument is drawn, where that is short enough to read."""
    if not isinstance(claim.given, Mapping):
        return {}
    described = {name: " ".join(repr(strategy).split()) for name, strategy in claim.given.items()}
    return {name: text if len(text) <= LONGEST_DOMAIN else "see the code" for name, text in described.items()}


def number(value: float | None) -> str:
    """A slack to read."""
    if value is None:
        return "–"
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞"
    return "0" if value == 0 else f"{value:.2g}".replace("-", "−")
