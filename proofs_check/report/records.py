"""A run in a file, one JSON object a line: what was run, then a result as soon as it is there."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from pathlib import Path
from typing import Any, TextIO

from proofs_check.run import Result

Header = dict[str, Any]


class UnusableError(ValueError):
    """The file is not the record of this run."""


class Record:
    """The open file of a run; `finished` holds the results that were in it already."""

    def __init__(self, out: TextIO, finished: dict[str, Result]) -> None:
        self._out = out
        self.finished = finished

    @classmethod
    def begin(cls, path: Path, header: Header) -> Record:
        """A new file."""
        try:
            out = path.open("x", encoding="utf-8", newline="\n")
        except FileExistsError:
            raise UnusableError(f"{path} exists already: resume it, or name another file") from None
        except OSError as refused:
            raise UnusableError(f"{path} cannot be written: {refused.strerror}") from refused
        record = cls(out, {})
        record._line(header)
        return record

    @classmethod
    def resume(cls, path: Path, header: Header) -> Record:
        """The file of an earlier run of the same kind; a line that was cut off is removed."""
        try:
            content = path.read_bytes()
        except OSError as refused:
            raise UnusableError(f"{path} cannot be read: {refused.strerror}") from refused
        whole = content[: content.rfind(b"\n") + 1]
        lines = whole.split(b"\n")[:-1]
        _agree(path, _object(path, lines, 0), header)
        finished = {}
        for number in range(1, len(lines)):
            result = _result(path, _object(path, lines, number), number)
            finished[result.id] = result
        try:
            with path.open("rb+") as file:
                file.truncate(len(whole))
            out = path.open("a", encoding="utf-8", newline="\n")
        except OSError as refused:
            raise UnusableError(f"{path} cannot be written: {refused.strerror}") from refused
        return cls(out, {id: result for id, result in finished.items() if result.outcome != "errored"})

    def add(self, result: Result) -> None:
        """Write one result and flush it."""
        values = result.as_dict()
        if result.slack is not None and not math.isfinite(result.slack):
            values["slack"] = str(result.slack)
        self._line(values)

    def close(self) -> None:
        """Close the file."""
        self._out.close()

    def _line(self, values: dict[str, Any]) -> None:
        self._out.write(json.dumps(values, allow_nan=False) + "\n")
        self._out.flush()


def _object(path: Path, lines: list[bytes], number: int) -> dict[str, Any]:
    if number >= len(lines):
        raise UnusableError(f"{path} has no complete first line, so there is nothing to resume")
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
    if isinstance(values.get("slack"), str):
        values["slack"] = float(values["slack"])
    return Result(**values)
