"""The one door between claims and code: an implementation, by name, that records what is used."""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import Any

import click

TOPICS = (
    "spectral", "convolution", "layers", "normalization", "network", "weierstrass", "simplex",
    "certificates", "confidence", "curvature", "generalization", "explosion",
)


class NotOffered(LookupError):
    """The implementation has no function of this name."""


class Unsupported(NotOffered):
    """The implementation has the function, but not for these arguments: such instances are left out."""


class _Topic:
    def __init__(self, owner: Implementation, name: str) -> None:
        self._owner, self._name = owner, name

    def __getattr__(self, function: str) -> Any:
        return self._owner.function(self._name, function)


class _Part:
    """One package of an implementation, and which of its names count; all of them without a list."""

    def __init__(self, text: str) -> None:
        self.package, _, names = text.partition(":")
        self._chosen = {name.strip() for name in names.split(",") if name.strip()}
        self.module = importlib.import_module(self.package)
        self._topics: dict[str, ModuleType | None] = {}

    def offers(self, topic: str, name: str) -> Any:
        """The public object of that name, or None."""
        if self._chosen and f"{topic}.{name}" not in self._chosen:
            return None
        for module in (self._topic(topic), self.module):
            if module is not None and hasattr(module, name):
                return getattr(module, name)
        return None

    def _topic(self, topic: str) -> ModuleType | None:
        # A search for a module that is not there takes longer than many a claim's arithmetic.
        if topic not in self._topics:
            self._topics[topic] = self._found(topic)
        return self._topics[topic]

    def _found(self, topic: str) -> ModuleType | None:
        path = f"{self.package}.{topic}"
        try:
            return importlib.import_module(path)
        except ModuleNotFoundError as missing:
            if missing.name != path:
                raise
            found = getattr(self.module, topic, None)
            return found if isinstance(found, ModuleType) else None


class Implementation:
    """Importable packages that offer public names of refimpl, topic by topic.

    ``Implementation("refimpl").spectral.spectral_norm`` is `refimpl.spectral.spectral_norm`; a
    package without topics may also offer the functions flat. What is asked for is recorded in `used`.

    ``"mine+refimpl"`` takes from refimpl what `mine` does not offer, so that claims on one function of
    `mine` need not wait for the others; ``"mine:spectral.spectral_norm+refimpl"`` takes only that function from
    `mine`. What comes from the first package is recorded in `own`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.used: set[str] = set()
        self.own: set[str] = set()
        self._parts = [_Part(text) for text in name.split("+")]
        self._package = self._parts[0].module

    def __getattr__(self, topic: str) -> _Topic:
        if topic not in TOPICS:
            raise AttributeError(f"an implementation has the topics {', '.join(TOPICS)}, not {topic!r}")
        return _Topic(self, topic)

    @property
    def exact(self) -> Implementation:
        """The same names in ball arithmetic: the judge of every close call."""
        return balls()

    @property
    def package(self) -> ModuleType:
        """The first package."""
        return self._package

    @property
    def layered(self) -> bool:
        """Whether a second package supplies what the first does not offer."""
        return len(self._parts) > 1

    def function(self, topic: str, name: str) -> Any:
        """The public object of that name, or `NotOffered`."""
        self.used.add(f"{topic}.{name}")
        for place, part in enumerate(self._parts):
            found = part.offers(topic, name)
            if found is not None:
                if place == 0:
                    self.own.add(f"{topic}.{name}")
                return found
        raise NotOffered(f"{self.name} does not offer {topic}.{name}")

    def offers(self, topic: str, name: str) -> bool:
        """Whether the first package has that name; asking is not recorded."""
        return self._parts[0].offers(topic, name) is not None


def packages_of(name: str) -> list[str]:
    """The importable names in the name of an implementation."""
    return [part.partition(":")[0] for part in name.split("+")]


def look_here() -> None:
    """Modules in the current directory count, as after those that are installed."""
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())


def check_importable(name: str) -> None:
    """Import the packages, also from the current directory."""
    look_here()
    try:
        for package in packages_of(name):
            importlib.import_module(package)
    except Exception as failed:
        raise click.ClickException(
            f"cannot import the implementation {name!r}: {type(failed).__name__}: {failed}"
        ) from failed


_BALLS: list[Implementation] = []


def balls() -> Implementation:
    """The implementation in ball arithmetic, `proofs_check.balls`."""
    if not _BALLS:
        _BALLS.append(Implementation("proofs_check.balls"))
    return _BALLS[0]
