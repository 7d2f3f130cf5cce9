"""`proofs-check vectors`: write the test vectors, and put them to implementations."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click


@click.group()
def vectors() -> None:
    """Test vectors with enclosed results for other implementations."""


@vectors.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@click.argument("globs", nargs=-1, metavar="[GLOB]...")
def export(folder: Path, globs: tuple[str, ...]) -> None:
    """Compute the vectors and write them to DIR: for every function a JSON file and its JSON Schema."""
    from proofs_check.terminal import progress_bar
    from proofs_check.vectors import _files, _make, cases

    functions = cases.load()
    chosen = _chosen(functions, globs)
    total = size = 0
    with progress_bar(len(chosen)) as done:
        for name in chosen:
            file = _make.make(functions[name])
            try:
                size += sum(path.stat().st_size for path in _files.write(folder, file))
            except OSError as refused:
                raise click.ClickException(f"{folder} cannot be written: {refused.strerror}") from refused
            total += file["count"]
            done(name)
    click.echo(f"{len(chosen)} functions, {total} vectors, {size / 1e6:.1f} MB in {folder}")


@vectors.command()
@click.option("--impl", "packages", multiple=True, metavar="PACKAGE", help="Importable name of an implementation.")
@click.option("--command", "commands", multiple=True, metavar="PROGRAM",
              help="A program that speaks JSON lines, with its arguments.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), default=10.0, show_default=True,
              help="Seconds that a program has for an answer.")
@click.option("--relative", type=click.FloatRange(min=0, max=1), default=0.0, metavar="ERROR",
              help="Take relative errors up to this for rounding, such as 1e-5 in single precision.")
@click.option("--tight", is_flag=True, help="Bounds that are looser than the definition's fail as well.")
@click.option("--all", "everything", is_flag=True, help="Say of every vector what became of it.")
@click.argument("globs", nargs=-1, metavar="[GLOB]...")
def check(
    packages: tuple[str, ...], commands: tuple[str, ...], timeout: float, relative: float, tight: bool,
    everything: bool, globs: tuple[str, ...],
) -> None:
    """Put the vectors to implementations; exit code 0 if nothing fails and something is offered."""
    from proofs_check import conformance
    from proofs_check.vectors import _files, _run

    names = _chosen(_files.functions(), globs)
    if not packages and not commands:
        raise click.UsageError("name an implementation: --impl PACKAGE or --command PROGRAM")
    peers = [*(_adapter(name) for name in packages), *(_program(line, timeout) for line in commands)]
    rows = []
    try:
        for name in names:
            file = _files.load(name)
            for peer in peers:
                row = _run.Row(name, peer.name)
                for vector, judgement in _run.judged(file, peer, row, relative=relative, tight=tight):
                    if everything:
                        click.echo(f"{vector['id']}  {judgement.verdict}")
                rows.append(row)
    finally:
        for peer in peers:
            peer.close()
    conformance.show([
        conformance.Cell(row.function, row.peer, row.offered, vectors=conformance.of_vectors(row)) for row in rows
    ])
    good = all(row.state in ("pass", "not offered") for row in rows) and any(row.state == "pass" for row in rows)
    click.get_current_context().exit(0 if good else 1)


def _chosen(names: Iterable[str], globs: tuple[str, ...]) -> list[str]:
    import fnmatch

    known = list(names)
    for glob in globs:
        if not fnmatch.filter(known, glob):
            raise click.ClickException(f"no function with vectors matches {glob!r}")
    return [name for name in known if not globs or any(fnmatch.fnmatchcase(name, glob) for glob in globs)]


def _adapter(name: str) -> Any:
    from proofs_check.implementation import look_here
    from proofs_check.vectors import Adapter

    look_here()
    try:
        return Adapter(name)
    except Exception as failed:
        raise click.ClickException(
            f"cannot import the implementation {name!r}: {type(failed).__name__}: {failed}") from failed


def _program(line: str, timeout: float) -> Any:
    import shutil

    from proofs_check.vectors import Program

    words = shlex.split(line)
    if not words or shutil.which(words[0]) is None:
        raise click.ClickException(f"no program to run: {line!r}")
    return Program(words, timeout)
