"""The command `proofs-check matrix`: functions by implementations, for all ready adapters or those named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from proofs_check.conformance import Cell
    from proofs_check.run import Result


@click.command()
@click.argument("implementations", nargs=-1, metavar="[IMPL]...")
@click.option("--profile", type=click.Choice(["quick", "default", "thorough"]), default="quick", show_default=True,
              help="How long to search.")
@click.option("--jobs", type=click.IntRange(min=1), help="Worker processes.  [default: the number of CPUs]")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="The same seed, the same results.")
@click.option("--all", "everything", is_flag=True, help="Also the functions that no implementation offers.")
def matrix(implementations: tuple[str, ...], profile: str, jobs: int | None, seed: int, everything: bool) -> None:
    """Which functions of which implementation pass: my.adapter ..., or every adapter that comes with lipref.

    What an implementation does not offer is taken from refimpl, so that every claim on one of its functions runs.
    """
    from proofs_check import adapters
    from proofs_check.implementation import check_importable

    named = implementations or tuple(f"proofs_check.adapters.{name}" for name in adapters.READY)
    columns = {}
    for name in named:
        if not implementations and (missing := adapters.missing(name.rpartition(".")[2])):
            click.echo(f"{name}: {missing}")
            continue
        check_importable(name)
        columns[name] = _column(name if "+" in name else f"{name}+refimpl", profile, jobs, seed)
    if columns:
        _show(columns, everything)
    click.get_current_context().exit(1 if any(c.state == "fail" for column in columns.values() for c in column) else 0)


def _column(name: str, profile: str, jobs: int | None, seed: int) -> list[Cell]:
    from proofs_check import conformance, parallel
    from proofs_check.claims import load
    from proofs_check.report.progress import progress_bar

    ids = sorted(load())
    results: list[Result] = []
    with progress_bar(len(ids)) as done:
        for result in parallel.run_all(ids, name, profile, seed, jobs=jobs or parallel.processors()):
            results.append(result)
            done(result.id)
    results.sort(key=lambda result: result.id)
    return conformance.matrix(name, results, conformance.blame(name, results, profile, seed))


def _show(columns: dict[str, list[Cell]], everything: bool) -> None:
    from proofs_check.report.tables import list_rows

    rows: list[tuple[str, ...]] = []
    notes = []
    for cells in zip(*columns.values(), strict=True):
        if everything or any(cell.state != "not offered" for cell in cells):
            rows.append((cells[0].function, *(cell.text for cell in cells)))
        notes += [
            (name, cell) for name, cell in zip(columns, cells, strict=True) if cell.state == "fail"
        ]
    list_rows(("function", *(_short(name) for name in columns)), rows)
    for name, cell in notes:
        click.echo(f"\n{name}, {cell.function}: {cell.failing}")
        if cell.instance is not None:
            click.echo(f"  instance: {cell.instance}")
        click.echo(f"  proofs-check run {cell.failing} --impl {name}+refimpl")


def _short(name: str) -> str:
    return name.removeprefix("proofs_check.adapters.")


def show_one(name: str, results: Sequence[Result], profile: str, seed: int) -> None:
    """The matrix of a run that is over."""
    from proofs_check import conformance

    click.echo()
    _show({name: conformance.matrix(name, results, conformance.blame(name, results, profile, seed))}, True)
