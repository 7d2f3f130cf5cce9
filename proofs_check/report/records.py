"""Long work in a file, one JSON object a line: what is done, then each result as soon as it is there."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TextIO, TypeVar

import click

from proofs_check.run import Result

Header = dict[str, Any]


class UnusableError(ValueError):
    """The file is not the record of this run."""


class Lines:
    """An open file of objects, a line each, below a header; `found` holds those that were in it already."""

    def __init__(self, out: TextIO, path: Path, found: list[dict[str, Any]]) -> None:
        self._out, self._path, self.found = out, path, found

    @classmethod
    def begin(cls, path: Path, header: Header) -> Self:
        """A new file."""
        try:
            out = path.open("x", encoding="utf-8", newline="\n")
        except FileExistsError:
            raise UnusableError(f"{path} exists already: resume it, or name another file") from None
        except OSError as refused:
            raise UnusableError(f"{path} cannot be written: {refused.strerror}") from refused
        lines = cls(out, path, [])
        # The day is told, and no part of what a run is: it may be resumed on another.
        lines.write({**header, "date": datetime.now(UTC).date().isoformat()})
        return lines

    @classmethod
    def resume(cls, path: Path, header: Header) -> Self:
        """The file of an earlier run of the same kind; a line that was cut off is removed."""
        try:
            content = path.read_bytes()
        except OSError as refused:
            raise UnusableError(f"{path} cannot be read: {refused.strerror}") from refused
        whole = content[: content.rfind(b"\n") + 1]
        lines = whole.split(b"\n")[:-1]
        _agree(path, _object(path, lines, 0), header)
        found = [_object(path, lines, number) for number in range(1, len(lines))]
        for number, values in enumerate(found, 1):
            cls.check(path, values, number)
        try:
            with path.open("rb+") as file:
                file.truncate(len(whole))
            out = path.open("a", encoding="utf-8", newline="\n")
        except OSError as refused:
            raise UnusableError(f"{path} cannot be written: {refused.strerror}") from refused
        return cls(out, path, found)

    @classmethod
    def check(cls, path: Path, values: dict[str, Any], number: int) -> None:
        """Refuse an object that does not belong into such a file, before anything is written to it."""

    def write(self, values: dict[str, Any]) -> None:
        """Append one object and flush it."""
        self._out.write(json.dumps(values, allow_nan=False) + "\n")
        self._out.flush()

    def close(self) -> None:
        """Close the file."""
        self._out.close()


L = TypeVar("L", bound=Lines)


class Record(Lines):
    """The file of a run of claims."""

    @classmethod
    def check(cls, path: Path, values: dict[str, Any], number: int) -> None:
        """Only results."""
        _result(path, values, number)

    @property
    def finished(self) -> dict[str, Result]:
        """By id the results that were in it, but for errors: those are tried again."""
        results = [_result(self._path, values, number) for number, values in enumerate(self.found, 1)]
        return {id: result for id, result in {r.id: r for r in results}.items() if result.outcome != "errored"}

    def add(self, result: Result) -> None:
        """Write one result."""
        values = result.as_dict()
        if result.slack is not None and not math.isfinite(result.slack):
            values["slack"] = str(result.slack)
        self.write(values)


class Certificates(Lines):
    """The file of a certified data set."""

    @classmethod
    def check(cls, path: Path, values: dict[str, Any], number: int) -> None:
        """Only rows of certified inputs."""
        if not {"index", "label", "radius", "lower", "upper", "risk"} <= set(values):
            raise UnusableError(f"{path}, line {number + 1} is not a certified input")


def _object(path: Path, lines: list[bytes], number: int) -> dict[str, Any]:
    if number >= len(lines):
        raise UnusableError(f"{path} has no complete first line")
    try:
        found = json.loads(lines[number])
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UnusableError(f"{path}, line {number + 1} is not a JSON object")
    return found


def _agree(path: Path, found: Header, header: Header) -> None:
    for name, value in header.items():
        if name not in found:
            raise UnusableError(f"{path} is not the record of a run: its first line has no {name!r}")
        if found[name] != value:
            raise UnusableError(f"{path} is of another run: {name} is {found[name]!r} there, {value!r} here")


def _result(path: Path, values: dict[str, Any], number: int) -> Result:
    known = {field.name for field in fields(Result)}
    if not {"id", "verdict", "outcome"} <= set(values) <= known:
        raise UnusableError(f"{path}, line {number + 1} is not a result")
    slack = values.get("slack")
    return Result(**{**values, "slack": float(slack) if isinstance(slack, str) else slack})


def read(path: Path) -> tuple[Header, dict[str, Result]]:
    """The header of a run's file and its results by id; of a claim that was tried again the last."""
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except OSError as refused:
        raise UnusableError(f"{path} cannot be read: {refused.strerror}") from refused
    header = _object(path, lines, 0)
    for name in ("lipref", "impl", "profile", "seed"):
        if name not in header:
            raise UnusableError(f"{path} is not the record of a run: its first line has no {name!r}")
    results = [_result(path, _object(path, lines, number), number) for number in range(1, len(lines))]
    return header, {result.id: result for result in results}


def open_lines(kind: type[L], json_file: Path | None, resume_file: Path | None, header: Header) -> L | None:
    """The file of --json or --resume, None without either."""
    if json_file is not None and resume_file is not None and json_file.absolute() != resume_file.absolute():
        raise click.ClickException("--json and --resume name two files, but results go to that of --resume")
    try:
        if resume_file is not None:
            return kind.resume(resume_file, header)
        return None if json_file is None else kind.begin(json_file, header)
    except UnusableError as wrong:
        raise click.ClickException(str(wrong)) from wrong
