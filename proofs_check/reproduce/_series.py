"""What an experiment is, and how its table and its picture are written: whole or not at all."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = dict[str, Any]
# Columns that begin so may differ from run to run: times, and memory by a little.
MEASURED = ("time_ratio", "measured_")


class RefusedError(Exception):
    """What was asked for cannot be done; the message says why, in one line."""


@dataclass(frozen=True)
class Experiment:
    """One experiment: what it shows, its sizes, the source's (None where it has none), how to compute and draw it."""

    name: str
    title: str
    sizes: Any
    source_sizes: Any
    compute: Callable[[Any, np.random.Generator], list[Row]]
    draw: Callable[[Figure, list[Row]], None]
    note: str = ""

    def rows(self, sizes: Any, seed: int) -> list[Row]:
        """The data, on one thread, so that rounding does not depend on the number of processors."""
        with threadpool_limits(1):
            return self.compute(sizes, np.random.default_rng(seed))

    def comments(self, sizes: Any, seed: int) -> list[str]:
        """What a reader of the table has to know, a line each."""
        lines = [f"{self.name}: {self.title}", f"sizes: {described(asdict(sizes))}", self.reduced(sizes)]
        return [*lines, *([self.note] if self.note else []), f"seed: {seed}"]

    def reduced(self, sizes: Any) -> str:
        """Where the sizes differ from the source's."""
        if self.source_sizes is None:
            return "sizes of its own, not the source's"
        here, there = asdict(sizes), asdict(self.source_sizes)
        differing = {key: value for key, value in there.items() if here[key] != value}
        source = "the source's sizes, where its text names them"
        return f"reduced; {source}: {described(differing)}" if differing else source


def described(sizes: Row) -> str:
    """Names and values of sizes in words."""
    def value(given: Any) -> str:
        return "(" + ", ".join(map(str, given)) + ")" if isinstance(given, tuple) else str(given)

    return ", ".join(f"{key.replace('_', ' ')} = {value(given)}" for key, given in sizes.items())


def timed(function: Callable[[], Any], repeats: int = 1) -> tuple[Any, float]:
    """The value of a call and the seconds that the fastest of some calls takes."""
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        value = function()
        seconds.append(time.perf_counter() - begun)
    return value, min(seconds)


def check_plots() -> None:
    """Refuse where the drawing library is missing."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as missing:
        raise RefusedError("the pictures need matplotlib: pip install 'lipref[plots]'") from missing


def folder(path: Path) -> Path:
    """A folder to write to, made if it is missing; refused before anything is computed for it."""
    try:
        if path.exists() and not path.is_dir():
            raise RefusedError(f"{path} is a file, not a folder")
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".writable.{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as refused:
        raise RefusedError(f"cannot write to the folder {path}: {refused.strerror}") from refused
    return path


def reproduce(experiment: Experiment, out: Path, seed: int = 0, *, full: bool = False) -> tuple[Path, Path]:
    """Run one experiment and write NAME.csv and NAME.png."""
    sizes = experiment.source_sizes if full and experiment.source_sizes is not None else experiment.sizes
    rows = experiment.rows(sizes, seed)
    table, picture = out / f"{experiment.name}.csv", out / f"{experiment.name}.png"
    contents = {
        table: table_of(rows, experiment.comments(sizes, seed)).encode(),
        picture: picture_of(experiment, rows, sizes, seed),
    }
    try:
        with contextlib.ExitStack() as parts:
            written = {file: parts.enter_context(_part(file, content)) for file, content in contents.items()}
            for file, part in written.items():
                os.replace(part, file)
    except OSError as refused:
        raise RefusedError(f"cannot write {experiment.name} to {out}: {refused.strerror}") from refused
    return table, picture


@contextlib.contextmanager
def _part(file: Path, content: bytes) -> Iterator[Path]:
    """A file beside the given one with its future content; gone afterwards unless it was moved."""
    part = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        part.write_bytes(content)
        yield part
    finally:
        part.unlink(missing_ok=True)


def table_of(rows: list[Row], comments: list[str]) -> str:
    """The text of a table: comments behind a number sign, the names of the columns, the rows."""
    text = io.StringIO()
    text.writelines(f"# {line}\n" for line in comments)
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def picture_of(experiment: Experiment, rows: list[Row], sizes: Any, seed: int) -> bytes:
    """The picture as PNG, with its sizes written below it."""
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained", dpi=150)
    experiment.draw(figure, rows)
    figure.suptitle(f"{experiment.name}: {experiment.title}", fontsize=11, wrap=True)
    caption = "; ".join(experiment.comments(sizes, seed)[1:])
    width = round(float(figure.get_figwidth()) * 17)
    figure.supxlabel(textwrap.fill(caption, width), fontsize=7, x=0.01, ha="left")
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()
