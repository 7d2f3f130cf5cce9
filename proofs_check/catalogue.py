"""The table of all statements of the sources: which claim or experiment has each, or why none does."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import files
from typing import Any

from proofs_check.claim import SOURCES

# The first word of a reason. What follows the colon says it of this statement.
REASONS = {
    "definition": "nothing is asserted: a definition, a notation, an objective, a setting",
    "step": "a step of a proof, whose statement has a claim",
    "repeats": "the same as another row",
    "cited": "another document's result, its proof is there",
    "observation": "what one run showed, which no theorem decides",
    "vague": "nothing that could be false: no quantity is named",
    "illustration": "a picture that measures nothing",
    "not run": "a measurement that needs data, weights or time that are not here",
}


@dataclass(frozen=True)
class Row:
    """One statement of a source."""

    id: str
    at: str
    says: str
    claims: tuple[str, ...] = ()
    experiments: tuple[str, ...] = ()
    why: str = ""
    open: str = ""

    @property
    def place(self) -> str:
        """The section in words."""
        if not re.fullmatch(r"[A-E1-9][.\d]*", self.at):
            return self.at
        return f"{'section' if self.at[0].isdigit() else 'appendix'} {self.at}"

    @property
    def held_by(self) -> str:
        """Claims, experiments and the reason, and what is missing."""
        parts = [*self.claims, *(f"reproduce {name}" for name in self.experiments), self.why]
        return "; ".join(part for part in parts if part) + self.lacks

    @property
    def lacks(self) -> str:
        """What is missing; empty where nothing is."""
        if self.claims or self.experiments or self.why:
            return f" MISSING: {self.open}" if self.open else ""
        return f"MISSING: {self.open}".removesuffix(": ")


_LISTS = ("claims", "experiments")
_WORDS = ("id", "at", "says", "why", "open")


def rows(text: str | None = None) -> dict[str, Row]:
    """By id every row of statements.toml, in its order; a row that is not well formed is an error."""
    if text is None:
        text = (files("proofs_check.claims") / "statements.toml").read_text("utf-8")
    found: dict[str, Row] = {}
    for source, tables in tomllib.loads(text).items():
        if source not in SOURCES:
            raise ValueError(f"statements.toml: {source!r} is no source; known are {', '.join(SOURCES)}")
        for table in tables:
            row = _row(source, table)
            if row.id in found:
                raise ValueError(f"statements.toml lists {row.id} twice")
            found[row.id] = row
    return found


def _row(source: str, table: Mapping[str, Any]) -> Row:
    name = f"statements.toml: {source}.{table.get('id', '(a row without id)')}"
    for key, value in table.items():
        if key not in (*_WORDS, *_LISTS):
            raise ValueError(f"{name} has the unknown key {key!r}; known are {', '.join((*_WORDS, *_LISTS))}")
        wanted = list if key in _LISTS else str
        if not isinstance(value, wanted) or not value or not all(isinstance(part, str) and part for part in value):
            raise ValueError(f"{name}: {key} must be a {wanted.__name__} that is not empty, got {value!r}")
    for key in ("id", "at", "says"):
        if key not in table:
            raise ValueError(f"{name} needs {key}")
    if "why" in table:
        word, _, rest = table["why"].partition(":")
        if word not in REASONS or not rest.strip():
            words = ", ".join(REASONS)
            raise ValueError(f"{name}: why must be one of {words}, a colon and words, got {table['why']!r}")
    lists = {key: tuple(table.get(key, ())) for key in _LISTS}
    return Row(**{**table, **lists, "id": f"{source}.{table['id']}"})


def stands_for(pattern: str, id: str) -> bool:
    """Whether a row that names `pattern` names this claim: by its id, by what comes before a dot, by asterisks."""
    return id == pattern or id.startswith(f"{pattern}.") or fnmatchcase(id, pattern)


def check(listed: Iterable[Row], ids: Collection[str], experiments: Collection[str]) -> None:
    """A row that names a claim or an experiment that there is not is an error; all of them are named at once."""
    wrong = []
    for row in listed:
        wrong += [f"{row.id} names the claim {_nearest(pattern, ids)}" for pattern in row.claims
                  if not any(stands_for(pattern, id) for id in ids)]
        wrong += [f"{row.id} names the experiment {_nearest(name, experiments)}" for name in row.experiments
                  if name not in experiments]
    if wrong:
        raise ValueError("statements.toml: " + "; ".join(wrong))


def _nearest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"{name}, which does not exist" + (f" (the nearest is {near[0]})" if near else "")


def chosen(globs: Iterable[str], ids: Collection[str], experiments: Collection[str]) -> list[Row]:
    """The rows whose id matches one of the patterns, all without a pattern; what they name has to exist."""
    found = rows()
    check(found.values(), ids, experiments)
    patterns = list(globs)
    for glob in patterns:
        if not any(fnmatchcase(id, glob) for id in found):
            near = difflib.get_close_matches(glob, found, n=4, cutoff=0.5)
            hint = f"; the nearest are {', '.join(near)}" if near else ""
            raise ValueError(f"no statement matches {glob!r}{hint}")
    return [row for id, row in found.items() if not patterns or any(fnmatchcase(id, glob) for glob in patterns)]


def missing(listed: Iterable[Row]) -> list[Row]:
    """The statements that have neither claim nor experiment nor reason, or not all that they need."""
    return [row for row in listed if row.lacks]


def unlisted(listed: Iterable[Row], ids: Iterable[str]) -> list[str]:
    """The claims of the sources that no row names."""
    patterns = [pattern for row in listed for pattern in row.claims]
    return [id for id in ids if not id.startswith("lipref.") and not any(stands_for(p, id) for p in patterns)]
