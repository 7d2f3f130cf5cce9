"""The rows of an audit, what its bound means in a sentence, and all of it as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from proofs_check.audit.model import GraphAudit, Options
from proofs_check.audit.propagate import Row
from proofs_check.terminal import list_rows

HEADS = ("node", "operator", "at least", "at most", "note")
SCHEMA = 1


def show(audit: GraphAudit, options: Options) -> None:
    """Print the rows, and the sentence."""
    rows = [(row.name, row.operator, number(row.low), number(row.high, up=True), row.note) for row in audit.rows]
    if rows:
        list_rows(HEADS, rows, right=HEADS[2:4])
    click.echo(("\n" if rows else "") + sentence(audit, options))


def sentence(audit: GraphAudit, options: Options) -> str:
    """What the number means, or why there is none."""
    if audit.bound is None:
        lines = [f"  {name}: {why}" for name, why in audit.refused.items()]
        return "\n".join([f"no bound: {_count(len(lines), 'node')} without a finite constant", *lines])
    inputs = list(audit.by_input)
    which = f"the input {inputs[0]}" if len(inputs) == 1 else f"the inputs {', '.join(inputs)} together"
    where = _domain(options, inputs)
    each = "" if len(inputs) < 2 else "".join(
        f"\n  {name} alone: {number(bound, up=True)}" for name, bound in audit.by_input.items())
    alone = " Samples on the first axis do not mix: it holds for any number of them." if audit.per_sample else ""
    slope = "" if audit.slope is None else f" The largest slope that a short search found is {audit.slope:.3g}."
    return (f"bound {number(audit.bound, up=True)}: a change of {which} moves the output by at most so many times "
            f"its own length (2-norm), {where}.{alone}{slope}{each}")


def _domain(options: Options, inputs: Sequence[str]) -> str:
    boxed = [name for name in inputs if name in options.boxes]
    if not boxed:
        return "everywhere"
    return "on the box" if len(boxed) == len(inputs) else f"on the box of {', '.join(boxed)}"


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'s' if n > 1 else ''}"


def number(value: float | None, *, up: bool = False) -> str:
    """Six digits; of a bound the last one rounded up, but for the last bits of an exact value."""
    if value is None:
        return "-"
    text = f"{value:.6g}"
    if up and float(text) < value * (1 - 1e-12):
        step = 10.0 ** (math.floor(math.log10(value)) - 5)
        text = f"{value + step:.6g}"
    return text


LAYER_HEADS = ("layer", "kind", "shape", "at least", "at most", "note")


def show_layers(rows: Sequence[Row]) -> None:
    """The layers of a file without a graph."""
    cells = [(row.name, row.operator, "x".join(map(str, row.shape)) or "-", number(row.low), number(row.high, up=True),
              row.note) for row in rows]
    list_rows(LAYER_HEADS, cells, right=LAYER_HEADS[3:5])
    click.echo("\nno bound of the whole: the file does not say how its layers meet. An .onnx file does.")


def layers(file: str, rows: Sequence[Row], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The same as JSON."""
    return {"schema": SCHEMA, "file": file, "asked": dict(asked), "bound": None, "rows": [_row(row) for row in rows]}


def content(file: str, audit: GraphAudit, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the JSON holds: no number in it is infinite or NaN."""
    return {
        "schema": SCHEMA, "file": file, "asked": dict(asked), "bound": audit.bound, "by_input": audit.by_input,
        "slope": audit.slope, "per_sample": audit.per_sample, "refused": audit.refused,
        "rows": [_row(row) for row in audit.rows],
    }


def _row(row: Row) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(row).items()}


def write(path: Path, what: Mapping[str, Any]) -> None:
    """Into a new file."""
    text = json.dumps(what, indent=1, allow_nan=False)
    try:
        with path.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise click.ClickException(f"{path} exists already: name another file") from None
    except OSError as refused:
        raise click.ClickException(f"{path} cannot be written: {refused.strerror}") from refused
