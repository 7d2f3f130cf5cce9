"""Time every case and print the ratios: ``python -m benchmarks [--all] [--out FILE.csv] [PATTERN ...]``."""

from __future__ import annotations

import csv
import fnmatch
import platform
from pathlib import Path
from statistics import median

import click
import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from benchmarks._places import HOST, Place, at_home, device
from benchmarks._timing import compare, limits
from benchmarks.cases import all_cases

HEADS = ("where", "case", "size", "ours", "peer", "ratio min", "median", "max", "over limit", "difference", "note")
MEDIAN, DIFFERENCE = HEADS.index("median"), HEADS.index("difference")


@click.command()
@click.argument("patterns", nargs=-1)
@click.option("--all", "large", is_flag=True, help="The large sizes too, of minutes each.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the rows to this file.")
def main(patterns: tuple[str, ...], large: bool, out: Path | None) -> None:
    """Ratios of lipref's time to that of its peers, below 1 where lipref is faster.

    In seconds of one core, of which other programs take nothing; and where CuPy and PyTorch find a CUDA device, in
    seconds on that.
    """
    torch.set_num_threads(1)
    rows = []
    with threadpool_limits(1):
        for place in filter(None, (HOST, device())):
            rows += measured(place, patterns, large)
    table = Table(*HEADS)
    for row in rows:
        table.add_row(*row)
    Console(width=200).print(table)
    if out is not None:
        with out.open("w", newline="") as file:
            csv.writer(file).writerows([HEADS, *rows])
    behind = [row for row in rows if float(row[MEDIAN]) > 1]
    wrong = [row for row in rows if row[DIFFERENCE].endswith("!")]
    click.echo(f"{len(rows)} rows, {len(behind)} behind a peer, {len(wrong)} of another value")
    raise SystemExit(1 if behind or wrong else 0)


def measured(place: Place, patterns: tuple[str, ...], large: bool) -> list[tuple[str, ...]]:
    """The rows of a place, each told as soon as it is there."""
    most, rows = limits(place), []
    versions = f"{platform.machine()}, numpy {np.__version__}, torch {torch.__version__}"
    rates = f"{most.products / 1e9:.1f} Gflop/s in products, {most.memory / 1e9:.1f} GB/s of memory"
    click.echo(f"{place.name}: {versions}; {rates}")
    for case in all_cases(place):
        name = f"{case.group}, {case.size}, {case.peer_name}"
        if (case.large and not large) or (patterns and not any(fnmatch.fnmatch(name, f"*{p}*") for p in patterns)):
            continue
        found = compare(case.ours, case.peer, place, once=case.large, peer_share=case.peer_share)
        difference = _difference(found.ours, found.theirs)
        least = max(case.flops / most.products, case.bytes / most.memory)
        over = f"{found.seconds / least:.1f}" if least else ""
        rows.append((place.name, case.group, case.size, case.ours_name, case.peer_name, *(
            f"{value:.3g}" for value in (min(found.ratios), median(found.ratios), max(found.ratios))
        ), over, f"{difference:.1e}" + ("" if difference <= case.tolerance else " !"), case.note))
        click.echo("  ".join(rows[-1]), err=True)
    return rows


def _difference(ours: object, theirs: object) -> float:
    """The largest difference, relative to the largest value."""
    pairs = zip(ours, theirs, strict=True) if isinstance(ours, tuple) else [(ours, theirs)]
    worst = 0.0
    for a, b in pairs:
        x, y = at_home(a), at_home(b)
        good = np.isfinite(y)
        worst = max(worst, float(np.abs(x - y)[good].max() / np.abs(y[good]).max()))
    return worst


if __name__ == "__main__":
    main()
