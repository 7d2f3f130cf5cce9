"""Functions by implementations: what claims and test vectors say of each, and the table of it."""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from proofs_check.implementation import TOPICS, Implementation

if TYPE_CHECKING:
    from proofs_check.run import Result

PASS, FAIL, UNKNOWN, ESTIMATE, REFUSED = "pass", "FAIL", "unknown", "estimate", "refused"
# Every answer is right, but bad input gets one too.
LAX = "lax"
WRONG = (FAIL, LAX)
NOT_TESTED, NOT_OFFERED = "not tested", "not offered"
REFERENCE = "refimpl"
READY = "proofs_check.adapters."


@dataclass(frozen=True)
class Part:
    """What the claims, or the vectors, say of a function: in a word, in numbers, and the first that fails."""

    state: str
    counts: str = "-"
    first: str | None = None
    told: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cell:
    """One function of one implementation."""

    function: str
    implementation: str
    offered: bool = True
    claims: Part = Part(NOT_TESTED)
    vectors: Part = Part(NOT_TESTED)

    @property
    def state(self) -> str:
        """What fails decides, then what is no bound; without any answer nothing has passed."""
        if not self.offered:
            return NOT_OFFERED
        states = (self.claims.state, self.vectors.state)
        return next(state for state in (FAIL, UNKNOWN, ESTIMATE, LAX, PASS, REFUSED, NOT_TESTED) if state in states)

    @property
    def first(self) -> str:
        """The first vector and the first claim that fail."""
        return ", ".join(part.first for part in (self.vectors, self.claims) if part.first is not None)


def public_functions() -> list[str]:
    """All names that an implementation may offer, ``topic.name``; types of results are not among them."""
    names = []
    for topic in TOPICS:
        module = importlib.import_module(f"{REFERENCE}.{topic}")
        names += [f"{topic}.{name}" for name in module.__all__ if _computes(getattr(module, name))]
    return names


def _computes(value: object) -> bool:
    return not (inspect.isclass(value) and (issubclass(value, tuple) or getattr(value, "_is_protocol", False)))


def check_offers(name: str) -> None:
    """An implementation without a single public name has most likely a slip of the pen in it."""
    first = Implementation(name)
    public = public_functions()
    if any(first.offers(*function.split(".")) for function in public):
        return
    names = {function.rpartition(".")[2]: function for function in public}
    near = [
        f"{own} is near {names[found[0]]}" for own in vars(first.package)
        if not own.startswith("_") and (found := difflib.get_close_matches(own, names, n=1, cutoff=0.8))
    ]
    hint = "; ".join(near) or "`python -c \"help('refimpl')\"` has the topics"
    raise click.ClickException(f"{name.partition('+')[0]} offers none of refimpl's public names; {hint}")


# -- what the claims say ---------------------------------------------------------------------------


def of_claims(
    function: str, implementation: str, results: Sequence[Result], blamed: Mapping[str, set[str]] | None = None
) -> Part:
    """Of the claims that used this function of the implementation.

    A claim that was not reproduced counts for those functions that `blamed` names, if it names any.
    """
    about = [result for result in results if function in result.own and result.outcome != NOT_OFFERED]
    failing = [r for r in about if not r.good and function in ((blamed or {}).get(r.id) or {function})]
    passed = sum(result.good for result in about)
    if failing:
        # The claim on the fewest functions says most about each of them.
        first = min(failing, key=lambda result: (len(result.own), len(result.used), result.id))
        return Part(FAIL, f"{passed} of {passed + len(failing)}", first.id, _told(first, implementation))
    return Part(PASS, f"{passed} of {passed}") if passed else Part(NOT_TESTED)


def broken(result: Result) -> list[str]:
    """A line for each mutant that survives, and the instance that speaks against the claim."""
    lines = [f"the mutant {name!r} survives" for name in result.surviving_mutants]
    return lines + ([f"instance: {result.violation}"] if result.violation is not None else [])


def _told(result: Result, implementation: str) -> tuple[str, ...]:
    lines = [line.strip() for line in result.detail.rstrip().splitlines()[-1:]]
    return (*lines, *broken(result), f"proofs-check run {result.id} --impl {implementation}")


def alone(implementation: str, function: str) -> str:
    """The name of the implementation that takes only this function from the given one, all others from refimpl."""
    first, *rest = implementation.split("+")
    return "+".join([f"{first.partition(':')[0]}:{function}", *(rest or [REFERENCE])])


def blame(
    found: Mapping[str, Sequence[Result]], profile: str, seed: int, jobs: int = 1
) -> dict[str, dict[str, set[str]]]:
    """By implementation and failing claim the functions that break it on their own."""
    from proofs_check import parallel

    tasks: dict[str, list[str]] = {}
    whose = {}
    for implementation, results in found.items():
        for result in results:
            if result.good or result.outcome == NOT_OFFERED or len(result.own) < 2:
                continue
            for function in result.own:
                one = alone(implementation, function)
                tasks.setdefault(result.id, []).append(one)
                whose[one] = implementation, function
    blamed: dict[str, dict[str, set[str]]] = {implementation: {} for implementation in found}
    for one, result in parallel.run_on(tasks, profile, seed, jobs=jobs):
        if not result.good and result.outcome != NOT_OFFERED:
            implementation, function = whose[one]
            blamed[implementation].setdefault(result.id, set()).add(function)
    return blamed


# -- what the vectors say --------------------------------------------------------------------------


def of_vectors(row: Any) -> Part:
    """Of a `proofs_check.vectors._run.Row`."""
    if not row.offered:
        return Part(NOT_TESTED)
    outcomes = ("pass", "fail", "refused", "unknown", "estimate")
    counts = f"{row.outcomes['pass']} of {sum(row.outcomes[key] for key in outcomes)}"
    counts += f", {row.outcomes['refused']} refused" if row.outcomes["refused"] else ""
    taken = row.outcomes["bad input"]
    counts += f", {taken} bad input{'s' if taken > 1 else ''} taken" if taken else ""
    counts += f", loose x {row.ratio:.3g}" if row.loose else ""
    # Where every call was refused, the first refusal says why.
    shown = row.refusal if row.state == REFUSED else row.first
    if shown is None:
        return Part(row.state, counts)
    vector, judgement = shown
    told = (f"({', '.join(vector['flags'])}) {vector['comment']}", judgement.verdict)
    return Part(row.state, counts, vector["id"], told)


# -- the table -------------------------------------------------------------------------------------


def show(cells: Sequence[Cell], *, everything: bool = True) -> None:
    """A row for each function and implementation, then every failure.

    Without `everything` the rows of what is not offered give way to their number.
    """
    from proofs_check.terminal import list_rows

    shown = [cell for cell in cells if everything or cell.offered]
    rows = [
        (cell.function, cell.implementation.removeprefix(READY).removesuffix(f"+{REFERENCE}"), cell.state,
         cell.claims.counts, cell.vectors.counts, cell.first or "-") for cell in shown
    ]
    heads = ("function", "implementation", "verdict", "claims", "vectors", "first failure")
    # One implementation needs no name, nor does a column say anything where nothing stands in it.
    kept = [0, *([1] if len({row[1] for row in rows}) > 1 else []), 2]
    kept += [place for place in range(3, len(heads)) if any(row[place] != "-" for row in rows)]
    list_rows([heads[place] for place in kept], [tuple(row[place] for place in kept) for row in rows])
    for cell in shown:
        for part in (cell.vectors, cell.claims):
            if part.first is not None:
                click.echo(f"\n{cell.implementation}: {part.first}")
                for line in part.told:
                    click.echo(f"  {line}")
    click.echo(f"\n{_summary(cells)}")


def _summary(cells: Sequence[Cell]) -> str:
    states = Counter(cell.state for cell in cells)
    functions, others = (len({getattr(cell, name) for cell in cells}) for name in ("function", "implementation"))
    counts = [f"{states[PASS]} {PASS}", f"{states[FAIL]} {FAIL}"]
    counts += [f"{states[state]} {state}" for state in (LAX, UNKNOWN, ESTIMATE, REFUSED, NOT_TESTED) if states[state]]
    offered = sum(cell.offered for cell in cells)
    by = f" by {others} implementations" if others > 1 else ""
    return f"{functions} function{'s' if functions > 1 else ''}{by}, {offered} offered: {', '.join(counts)}"
