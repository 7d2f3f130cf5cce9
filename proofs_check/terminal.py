"""Tables and a progress bar on a terminal; plain lines and silence anywhere else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

import click
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text


@contextlib.contextmanager
def progress_bar(total: int) -> Iterator[Callable[[str], None]]:
    """Call what this gives with the name of each thing as it is done."""
    console = Console(stderr=True, markup=False, highlight=False)
    if not console.is_terminal:
        yield lambda name: None
        return
    name = TextColumn("{task.description}", markup=False)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), name)
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=total)
        yield lambda name: bar.update(task, advance=1, description=name)


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
