"""Claims and vectors as pytest items; imported by the plugin when an implementation is to be tested."""

from __future__ import annotations

import fnmatch
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proofs_check import parallel
from proofs_check.claim import Claim
from proofs_check.claims import load
from proofs_check.conformance import broken
from proofs_check.implementation import Implementation, look_here, packages_of
from proofs_check.literals import written
from proofs_check.run import Result


class Broken(Exception):
    """What a test item reports: lines for a reader, no traceback of lipref's own code."""


class Collecting:
    """Adds the items to those that pytest has collected."""

    def __init__(self, config: pytest.Config) -> None:
        self.name: str = config.getoption("lipref_impl")
        self.globs: list[str] = config.getoption("lipref_claims")
        # As `proofs-check` does: `pytest` itself, unlike `python -m pytest`, does not look here.
        look_here()
        for package in packages_of(self.name):
            try:
                importlib.import_module(package)
            except Exception as failed:
                raise pytest.UsageError(
                    f"--lipref-impl: cannot import {package!r}: {type(failed).__name__}: {failed}"
                ) from failed

    def chosen(self, id: str) -> bool:
        """Whether an id is asked for."""
        return not self.globs or any(fnmatch.fnmatchcase(id, glob) for glob in self.globs)

    # Before the selections by -k, -m and --lf, which hold for these items too.
    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Claims first, then vectors."""
        parent = Collector.from_parent(session, name="lipref", nodeid="lipref")
        parent.collecting = self
        items.extend(parent.collect())


class Collector(pytest.Collector):
    """The parent of all items; ``-k lipref`` selects them."""

    collecting: Collecting

    def collect(self) -> Iterator[pytest.Item]:
        """One item a claim and, where vectors are installed, one a vector."""
        for id, claim in load().items():
            if self.collecting.chosen(id):
                yield ClaimItem.from_parent(self, name=id, claim=claim)
        if importlib.util.find_spec("proofs_check.vectors") is None:
            return
        from proofs_check import vectors

        code = Implementation(self.collecting.name)
        try:
            peer = vectors.Adapter(self.collecting.name)
        except ValueError as bad:
            raise pytest.UsageError(f"--lipref-impl: {bad}") from bad
        for file in vectors.load_all():
            # As with claims, what only the second package offers is no test of the first.
            offered = code.offers(*file["function"].split("."))
            for vector in file["vectors"]:
                if self.collecting.chosen(vector["id"]):
                    yield VectorItem.from_parent(
                        self, name=vector["id"], file=file, vector=vector, peer=peer if offered else None
                    )


class _Item(pytest.Item):
    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The message alone where a claim or vector is broken."""
        return str(excinfo.value) if isinstance(excinfo.value, Broken) else super().repr_failure(excinfo, style)


class ClaimItem(_Item):
    """One claim against the implementation; skipped where that does not offer what the claim uses."""

    def __init__(self, *, claim: Claim, **rest: Any) -> None:
        super().__init__(**rest)
        self.claim = claim

    def runtest(self) -> None:
        """Run it as `proofs-check run` does."""
        option, name = self.config.getoption, self.config.getoption("lipref_impl")
        [result] = parallel.run_all([self.claim.id], name, option("lipref_profile"), option("lipref_seed"))
        self.user_properties += [
            ("outcome", result.outcome), ("verdict", result.verdict), ("instances", result.instances),
            ("functions", " ".join(result.used)),
        ]
        if result.outcome == "not offered":
            pytest.skip(result.detail)
        if not result.good:
            raise Broken(_told(self.claim, result, name))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the claim is written; pytest would take dots in a third part that ends the id for modules."""
        code = self.claim.compare.__code__
        return Path(code.co_filename), code.co_firstlineno, f"claim {self.name}"


def _told(claim: Claim, result: Result, name: str) -> str:
    lines = [f"{claim.id} ({claim.source.locator}): {result.outcome}", claim.statement]
    lines += [*result.detail.rstrip().splitlines(), *broken(result)]
    return "\n".join([*lines, f"functions: {', '.join(result.used)}", f"proofs-check show {claim.id} --impl {name}"])


class VectorItem(_Item):
    """One test vector put to the implementation."""

    def __init__(self, *, file: Any, vector: Any, peer: Any, **rest: Any) -> None:
        super().__init__(**rest)
        self.file, self.vector, self.peer = file, vector, peer

    def runtest(self) -> None:
        """Ask for the answer and compare it with the enclosure."""
        from proofs_check.vectors._run import put

        if self.peer is None:
            pytest.skip(f"{self.config.getoption('lipref_impl')} does not offer {self.file['function']}")
        judgement = put(self.file, self.vector, self.peer)
        if judgement.outcome == "refused":
            pytest.skip(judgement.verdict)
        self.user_properties += [("outcome", judgement.outcome), ("verdict", judgement.verdict)]
        if not judgement.passed:
            raise Broken(self._told(judgement.verdict))

    def _told(self, verdict: str) -> str:
        from proofs_check.vectors._peers import arguments

        lines = [f"{verdict} ({self.vector['comment']})"]
        lines += [f"{flag}: {self.file['notes'][flag]}" for flag in self.vector["flags"]]
        lines += [f"inputs: {written(arguments(self.file, self.vector))}"]
        name = self.config.getoption("lipref_impl")
        return "\n".join([*lines, f"proofs-check vectors check --impl {name} {self.file['function']}"])

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """No line of a file; see `ClaimItem`."""
        return Path("lipref"), None, f"vector {self.name}"
