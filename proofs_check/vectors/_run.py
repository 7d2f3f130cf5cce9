"""Every vector of every function put to every peer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from proofs_check.implementation import NotOffered
from proofs_check.vectors._judge import LOOSE, Judgement, failed, judge, judge_refusal
from proofs_check.vectors._peers import Crashed, NoAnswer, Peer, Refused

# Outcomes whose first vector is told, the worst first.
TOLD = ("fail", "unknown", "estimate")


@dataclass
class Row:
    """What became of a function's vectors."""

    function: str
    peer: str
    outcomes: Counter[str] = field(default_factory=Counter)
    first: tuple[Mapping[str, Any], Judgement] | None = None
    refusal: tuple[Mapping[str, Any], Judgement] | None = None
    ratio: float = 1.0
    offered: bool = True

    @property
    def state(self) -> str:
        """In a word: `pass`, `FAIL`, `lax`, `refused`, `estimate`, `unknown` or `not offered`."""
        if not self.offered:
            return "not offered"
        if self.outcomes["fail"]:
            return "FAIL" if self.outcomes["fail"] > self.outcomes["bad input"] else "lax"
        if self.outcomes["unknown"]:
            return "unknown"
        if self.outcomes["estimate"]:
            return "estimate"
        return "pass" if self.outcomes["answered"] else "refused"

    @property
    def loose(self) -> bool:
        """Whether a bound was called loose."""
        return self.ratio > float(LOOSE)

    def add(self, vector: Mapping[str, Any], judgement: Judgement) -> None:
        """One more vector."""
        self.outcomes[judgement.outcome] += 1
        if judgement.outcome == "pass" and vector["expected"] is not None:
            self.outcomes["answered"] += 1
        if judgement.outcome == "fail" and vector["expected"] is None:
            self.outcomes["bad input"] += 1
        if judgement.outcome == "refused" and self.refusal is None:
            self.refusal = vector, judgement
        self.ratio = max(self.ratio, judgement.ratio)
        if judgement.outcome in TOLD and (
            self.first is None or TOLD.index(judgement.outcome) < TOLD.index(self.first[1].outcome)
        ):
            self.first = vector, judgement


def check(
    files: Iterable[Mapping[str, Any]], peers: Iterable[Peer], *, relative: float = 0.0, tight: bool = False
) -> Iterator[Row]:
    """One row for every function and peer."""
    everyone = list(peers)
    for file in files:
        for peer in everyone:
            yield check_function(file, peer, relative=relative, tight=tight)


def check_function(file: Mapping[str, Any], peer: Peer, *, relative: float = 0.0, tight: bool = False) -> Row:
    """One row; loose bounds fail if they have to be tight."""
    row = Row(file["function"], peer.name)
    for _ in judged(file, peer, row, relative=relative, tight=tight):
        pass
    return row


def judged(
    file: Mapping[str, Any], peer: Peer, row: Row, *, relative: float = 0.0, tight: bool = False
) -> Iterator[tuple[Mapping[str, Any], Judgement]]:
    """Every vector with its judgement, which is added to the row."""
    for vector in file["vectors"]:
        try:
            judgement = put(file, vector, peer, relative)
        except NotOffered:
            row.offered = False
            return
        if tight and judgement.passed and judgement.ratio > float(LOOSE):
            judgement = failed(judgement.verdict)
        row.add(vector, judgement)
        yield vector, judgement


def put(file: Mapping[str, Any], vector: Mapping[str, Any], peer: Peer, relative: float = 0.0) -> Judgement:
    """One vector to one peer."""
    try:
        result = peer.answer(file, vector)
    except Refused as refusal:
        return judge_refusal(vector, str(refusal))
    except Crashed as crash:
        return failed(f"crashed: {crash}")
    except NoAnswer as late:
        return Judgement(f"unknown: {late}", "unknown")
    return judge(vector, result, promise=peer.promise(file["function"]), relative=relative)
