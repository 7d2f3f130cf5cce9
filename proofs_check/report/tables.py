"""Claims and results as rows, and the failures after them in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import click
from rich.console import Console

from proofs_check.catalogue import Row
from proofs_check.claim import Claim, Verdict
from proofs_check.run import Result
from proofs_check.terminal import list_rows

OUTCOMES = ("reproduced", "not reproduced", "not offered", "errored", "vacuous")
LETTERS = {
    "random": "R", "adversarial": "A", "rigorous": "B", "symbolic": "S", "exhaustive": "E", "real layers": "L"
}
HEADS = (
    "claim", "in the source", "verdict", "evidence", "instances", "slack", "mutants", "outcome", "seconds"
)


def list_claims(claims: Iterable[Claim]) -> None:
    """One row a claim."""
    rows = [(c.id, c.source.locator, c.finding, c.statement) for c in claims]
    list_rows(("claim", "in the source", "verdict", "statement"), rows)


def list_statements(rows: Iterable[Row]) -> None:
    """One row a statement of the sources."""
    cells = [(row.id, row.place, row.says, row.held_by) for row in rows]
    list_rows(("statement", "in the source", "says", "has it"), cells)


def list_results(results: Iterable[Result], claims: dict[str, Claim]) -> None:
    """One row a result, in the order of the claims' ids."""
    short = Console().is_terminal
    rows = [_row(result, claims[result.id], short) for result in sorted(results, key=lambda result: result.id)]
    list_rows(HEADS, rows, right=("instances", "slack", "mutants", "seconds"), fold=False)
    if short:
        click.echo("evidence: " + ", ".join(f"{letter} {kind}" for kind, letter in LETTERS.items()))


def _row(result: Result, claim: Claim, short: bool) -> tuple[str, ...]:
    rejected, total = _mutants(result, claim)
    kinds = "".join(LETTERS[kind] for kind in result.evidence) if short else ", ".join(result.evidence)
    return (
        result.id, claim.source.locator.split(", ")[0] if short else claim.source.locator, result.verdict, kinds or "-",
        str(result.instances), "-" if result.slack is None else f"{result.slack:.1e}",
        f"{rejected}/{total}" if total else "-",
        result.outcome + ("" if result.good or result.outcome != "reproduced" else ", mutants survive"),
        f"{result.seconds:.1f}",
    )


def _mutants(result: Result, claim: Claim) -> tuple[int, int]:
    """How many mutants were rejected, of all that the claim has: those never tried count as not rejected."""
    total = set(result.mutants) if claim.verdict is Verdict.REFUTED else {*claim.mutants, *result.mutants}
    return len(result.mutants) - len(result.surviving_mutants), len(total)


def list_failures(results: Iterable[Result]) -> None:
    """What went wrong, with the instance that shows it and the command that tells more."""
    for result in sorted(results, key=lambda result: result.id):
        if result.good:
            continue
        click.echo(f"\n{result.id}: {result.outcome}")
        for line in result.detail.rstrip().splitlines():
            click.echo(f"  {line}")
        for name in result.surviving_mutants:
            alive = [repr(stratum) for stratum, kill in result.mutants[name].items() if kill is None]
            click.echo(f"  the mutant {name!r} is not rejected in {', '.join(alive) or 'any stratum'}")
        if result.violation is not None:
            click.echo(f"  instance: {result.violation}")
        click.echo(f"  proofs-check show {result.id}")


def summarise(results: Sequence[Result], claims: dict[str, Claim]) -> None:
    """The last line."""
    counted = Counter(result.outcome for result in results)
    pairs = [_mutants(result, claims[result.id]) for result in results]
    rejected, total = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    click.echo(
        "\n" + ", ".join(f"{counted[outcome]} {outcome}" for outcome in OUTCOMES)
        + f"; mutants rejected {rejected} of {total}"
    )
