"""The list of all statements of the sources, and which of them have no claim."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from importlib.resources import files


def _sources() -> dict[str, dict[str, object]]:
    return tomllib.loads((files("proofs_check.claims") / "statements.toml").read_text("utf-8"))


def rows() -> dict[str, str]:
    """By id every statement, with the claim that holds it: its own id, or that of another."""
    found: dict[str, str] = {}
    for source, parts in _sources().items():
        listed, elsewhere = parts["rows"], parts.get("elsewhere", {})
        assert isinstance(listed, list) and isinstance(elsewhere, dict)
        for row, holder in [(row, f"{source}.{row}") for row in listed] + list(elsewhere.items()):
            if f"{source}.{row}" in found:
                raise ValueError(f"statements.toml lists {source}.{row} twice")
            found[f"{source}.{row}"] = holder
    return found


def missing(ids: Iterable[str]) -> list[str]:
    """The statements that no claim holds."""
    known = set(ids)
    return [row for row, holder in rows().items()
            if not any(id == holder or id.startswith(f"{holder}.") for id in known)]
