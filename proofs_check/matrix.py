"""The command `proofs-check matrix`: functions by implementations, for all ready adapters or those named."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from proofs_check.conformance import Cell, Part
    from proofs_check.run import Result


@click.command()
@click.argument("implementations", nargs=-1, metavar="[IMPL]...")
@click.option("--profile", type=click.Choice(["quick", "default", "thorough"]), default="quick", show_default=True,
              help="How long to search.")
@click.option("--jobs", type=click.IntRange(min=1), help="Worker processes.  [default: the number of CPUs]")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="The same seed, the same results.")
@click.option("--all", "everything", is_flag=True, help="Also the functions that an implementation does not offer.")
def matrix(implementations: tuple[str, ...], profile: str, jobs: int | None, seed: int, everything: bool) -> None:
    """What the claims and the test vectors say of each function of my.adapter ..., or of every ready adapter.

    What an implementation does not offer is taken from refimpl, so that every claim on one of its functions runs.
    """
    from proofs_check import adapters, conformance, parallel
    from proofs_check.claims import load
    from proofs_check.implementation import check_importable
    from proofs_check.terminal import progress_bar

    named = list(dict.fromkeys(implementations)) or [f"{conformance.READY}{name}" for name in adapters.READY]
    here = []
    for name in named:
        missing = "" if implementations else adapters.missing(name.removeprefix(conformance.READY))
        if missing:
            click.echo(f"{name}: {missing}")
        else:
            check_importable(name)
            conformance.check_offers(name)
            here.append(name if "+" in name else f"{name}+{conformance.REFERENCE}")
    ids, jobs = sorted(load()), jobs or parallel.processors()
    found: dict[str, list[Result]] = {name: [] for name in here}
    with progress_bar(len(ids) * len(here)) as done:
        for name, result in parallel.run_on(dict.fromkeys(ids, here) if here else {}, profile, seed, jobs=jobs):
            found[name].append(result)
            done(result.id)
    cells = sorted(_cells(found, profile, seed, jobs), key=_place)
    if cells:
        conformance.show(cells, everything=everything)
    click.get_current_context().exit(1 if any(cell.state in conformance.WRONG for cell in cells) else 0)


def show_one(name: str, results: Sequence[Result], profile: str, seed: int, *, jobs: int, all_claims: bool) -> bool:
    """The matrix of a run that is over, of some claims only with the functions that these use; whether none fails."""
    from proofs_check import conformance

    used = None if all_claims else {function for result in results for function in result.used}
    cells = list(_cells({name: results}, profile, seed, jobs, used))
    click.echo()
    conformance.show(cells)
    return all(cell.state not in conformance.WRONG for cell in cells)


def _place(cell: Cell) -> tuple[int, str]:
    from proofs_check import conformance

    return conformance.public_functions().index(cell.function), cell.implementation


def _cells(
    found: Mapping[str, Sequence[Result]], profile: str, seed: int, jobs: int, functions: Collection[str] | None = None
) -> Iterator[Cell]:
    """A cell for each implementation and function."""
    from proofs_check import conformance
    from proofs_check.implementation import Implementation

    blamed = conformance.blame(found, profile, seed, jobs)
    for name, results in found.items():
        code, vectors = Implementation(name), _vectors(name)
        for function in conformance.public_functions():
            if functions is not None and function not in functions:
                continue
            if not code.offers(*function.split(".")):
                yield conformance.Cell(function, name, offered=False)
                continue
            claims = conformance.of_claims(function, name, results, blamed[name])
            yield conformance.Cell(function, name, True, claims, vectors(function))


def _vectors(name: str) -> Callable[[str], Part]:
    """What the vectors say of a function that this implementation offers."""
    from proofs_check import conformance
    from proofs_check.vectors import Adapter, _files, _run

    peer, known = Adapter(name), set(_files.functions())

    def part(function: str) -> Part:
        if function not in known:
            return conformance.Part(conformance.NOT_TESTED)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)    # NumPy's, of what a package does with such numbers
            return conformance.of_vectors(_run.check_function(_files.load(function), peer))

    return part
