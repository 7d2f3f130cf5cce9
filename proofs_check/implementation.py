"""The one door between claims and code: an implementation, by name, that records what is used."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

TOPICS = (
    "spectral", "convolution", "layers", "normalization", "network", "weierstrass", "simplex",
    "certificates", "confidence", "curvature", "generalization", "explosion",
)


class NotOffered(LookupError):
    """The implementation has no function of this name."""


class _Topic:
    def __init__(self, owner: Implementation, name: str) -> None:
        self._owner, self._name = owner, name

    def __getattr__(self, function: str) -> Any:
        return self._owner.function(self._name, function)


class Implementation:
    """An importable package that offers public names of refimpl, topic by topic.

    ``Implementation("refimpl").spectral.spectral_norm`` is `refimpl.spectral.spectral_norm`; a
    package without topics may also offer the functions flat. What is asked for is recorded in `used`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.used: set[str] = set()
        self._package = importlib.import_module(name)

    def __getattr__(self, topic: str) -> _Topic:
        if topic not in TOPICS:
            raise AttributeError(f"an implementation has the topics {', '.join(TOPICS)}, not {topic!r}")
        return _Topic(self, topic)

    @property
    def exact(self) -> Implementation:
        """The same names in ball arithmetic: the judge of every close call."""
        return balls()

    def function(self, topic: str, name: str) -> Any:
        """The public object of that name, or `NotOffered`."""
        self.used.add(f"{topic}.{name}")
        for module in (self._topic(topic), self._package):
            if module is not None and hasattr(module, name):
                return getattr(module, name)
        raise NotOffered(f"{self.name} does not offer {topic}.{name}")

    def _topic(self, topic: str) -> ModuleType | None:
        path = f"{self.name}.{topic}"
        try:
            return importlib.import_module(path)
        except ModuleNotFoundError as missing:
            if missing.name != path:
                raise
            found = getattr(self._package, topic, None)
            return found if isinstance(found, ModuleType) else None


_BALLS: list[Implementation] = []


def balls() -> Implementation:
    """The implementation in ball arithmetic, `proofs_check.balls`."""
    if not _BALLS:
        _BALLS.append(Implementation("proofs_check.balls"))
    return _BALLS[0]
