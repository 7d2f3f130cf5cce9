"""The exported set: canonical text, read, written, and looked over."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

DATA = Path(__file__).with_name("data")


def text(file: dict[str, Any]) -> str:
    """One line a fact: what a person reads and what git compares."""
    short = {key: value for key, value in file.items() if key not in ("notes", "vectors")}
    head = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in short.items()]
    notes = ",\n".join(f"  {json.dumps(flag)}: {json.dumps(note)}" for flag, note in file["notes"].items())
    vectors = ",\n".join(_vector(vector) for vector in file["vectors"])
    return "{\n" + ",\n".join([*head, f' "notes": {{\n{notes}\n }}', f' "vectors": [\n{vectors}\n ]']) + "\n}\n"


def _vector(vector: dict[str, Any]) -> str:
    return "  {\n" + ",\n".join(f"   {json.dumps(key)}: {_compact(value)}" for key, value in vector.items()) + "\n  }"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


def schema_text(schema: dict[str, Any]) -> str:
    """Of a schema: a line for every property of a file and every definition."""
    parts = {key: value for key, value in schema.items() if key not in ("properties", "$defs")}
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in parts.items()]
    for key in ("properties", "$defs"):
        inner = ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in schema[key].items())
        lines.append(f" {json.dumps(key)}: {{\n{inner}\n }}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def write(folder: Path, file: dict[str, Any]) -> list[Path]:
    """A function's vectors and their schema."""
    from proofs_check.vectors._schema import schema

    faults = lint(file)
    if faults:
        raise ValueError("; ".join(faults))
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{file['function']}.json", folder / f"{file['function']}.schema.json"]
    for path, written in zip(paths, (text(file), schema_text(schema(file))), strict=True):
        path.write_text(written, encoding="utf-8", newline="\n")
    return paths


def functions(folder: Path = DATA) -> list[str]:
    """Names of the functions that a folder has vectors of."""
    return sorted(p.name.removesuffix(".json") for p in folder.glob("*.json") if not p.name.endswith(".schema.json"))


def load(name: str, folder: Path = DATA) -> dict[str, Any]:
    """A function's file."""
    loaded: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def load_all(globs: Iterable[str] = (), folder: Path = DATA) -> Iterator[dict[str, Any]]:
    """Files of the functions that match one of the patterns, all without a pattern."""
    patterns = list(globs)
    for name in functions(folder):
        if not patterns or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            yield load(name, folder)


def lint(file: dict[str, Any]) -> list[str]:
    """What a schema does not say: ids in order, counts, flags explained and used."""
    name, vectors = file["function"], file["vectors"]
    faults = []
    if file["count"] != len(vectors):
        faults.append(f"{name} declares {file['count']} vectors and has {len(vectors)}")
    ids = [f"{name}-{number:03}" for number in range(1, len(vectors) + 1)]
    if [vector["id"] for vector in vectors] != ids:
        faults.append(f"{name}: ids are not numbered from 001 in order")
    used = {flag for vector in vectors for flag in vector["flags"]}
    if used != set(file["notes"]):
        faults.append(f"{name}: flags and notes differ: {', '.join(sorted(used ^ set(file['notes'])))}")
    inputs = [json.dumps(vector["inputs"], sort_keys=True) for vector in vectors]
    twice = {text for text in inputs if inputs.count(text) > 1}
    faults += [f"{vector['id']}: the same inputs again" for vector, text in zip(vectors, inputs, strict=True)
               if text in twice]
    return faults
