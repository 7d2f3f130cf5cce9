"""Claims and results as rows, and the failures after them in full."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from proofs_check.audit import HEADS as HEADS_OF_LAYERS
from proofs_check.audit import Audit, Settings
from proofs_check.audit import rows as layer_rows
from proofs_check.catalogue import Row
from proofs_check.claim import Claim, Verdict
from proofs_check.run import Result

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


def list_layers(audit: Audit) -> None:
    """One row a layer, then the bound of the whole."""
    list_rows(HEADS_OF_LAYERS, list(layer_rows(audit.layers)), right=HEADS_OF_LAYERS[3:-1])
    if audit.bound is None:
        click.echo(f"\nproduct upper bound: not available, no bound for {', '.join(audit.missing)}")
    else:
        click.echo(f"\nproduct upper bound: {audit.bound:.6g}, for {audit.scope}")


def write_layers(path: Path, audit: Audit, settings: Settings) -> None:
    """The rows and the bound as one JSON object."""
    layers = [asdict(layer) for layer in audit.layers]
    content = {"settings": asdict(settings), "layers": layers, "product": audit.bound}
    try:
        with path.open("x", encoding="utf-8") as out:
            json.dump(content, out, indent=1)
    except FileExistsError:
        raise click.ClickException(f"{path} exists already: name another file") from None
    except OSError as refused:
        raise click.ClickException(f"{path} cannot be written: {refused.strerror}") from refused


def list_rows(
    heads: Sequence[str], rows: Sequence[tuple[str, ...]], right: Sequence[str] = (), *, fold: bool = True
) -> None:
    """Fitted to the width of a terminal; anywhere else every row is one line.

    Long cells fold, or (without `fold`) only the second column gives way and ends in an ellipsis.
    """
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        _print_plain(heads, rows)
        return
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    # Three blanks between columns; what is left over is the second one's.
    widths[1] = max(8, min(widths[1], console.width - sum(widths) + widths[1] - 3 * len(heads)))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, head in enumerate(heads):
        table.add_column(
            head, justify="right" if head in right else "left", overflow="fold" if fold else "ellipsis",
            no_wrap=place == 0 or not fold, width=None if fold else widths[place],
        )
    for row in rows:
        table.add_row(*(Text(cell, style=_STYLE.get(cell, "")) for cell in row))
    console.print(table)


_STYLE = {
    "reproduced": "green", "not reproduced": "bold red", "errored": "bold red", "vacuous": "red",
    "reproduced, mutants survive": "red", "not offered": "yellow", "pass": "green", "FAIL": "bold red",
    "lax": "yellow",
}


def _print_plain(heads: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


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
