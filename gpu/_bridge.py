"""The topics of gpu for callers who know NumPy only: arrays go over to a namespace, results come back."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

import array_api_compat
import numpy as np

from gpu._mirror import TOPICS
from gpu._namespace import to_host


class _There:
    """A layer or a network of gpu, called with arrays of the host."""

    def __init__(self, bridge: _Bridge, value: Any) -> None:
        self._bridge, self._value = bridge, value

    def __repr__(self) -> str:
        return repr(self._value)

    def __call__(self, *arguments: Any) -> Any:
        return self._bridge.back(self._value(*self._bridge.over(arguments)))

    def __getattr__(self, name: str) -> Any:
        return self._bridge.back(getattr(self._value, name))


class _Bridge:
    def __init__(self, move: Callable[[Any], Any]) -> None:
        self._move = move

    def over(self, value: Any) -> Any:
        """NumPy's arrays inside of lists and dictionaries too; functions are called with arrays of the host."""
        if isinstance(value, _There):
            return value._value
        if isinstance(value, (np.ndarray, np.generic)):
            return self._move(np.asarray(value)) if isinstance(value, np.ndarray) else value.item()
        if isinstance(value, (list, tuple)):
            return type(value)(self.over(v) for v in value)
        if isinstance(value, dict):
            return {key: self.over(v) for key, v in value.items()}
        if inspect.isfunction(value):
            return lambda *arguments: self.over(value(*(self.back(a) for a in arguments)))
        return value

    def back(self, value: Any) -> Any:
        """The same for results; what has methods is wrapped."""
        if array_api_compat.is_array_api_obj(value):
            return to_host(value)
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return type(value)(*(self.back(v) for v in value))
        if isinstance(value, (list, tuple)):
            return type(value)(self.back(v) for v in value)
        if inspect.ismethod(value):
            return self.offered(value)
        return _There(self, value) if type(value).__module__.startswith("gpu.network") else value

    def offered(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function or class of gpu, called from the host."""

        def called(*arguments: Any, **named: Any) -> Any:
            return self.back(function(*self.over(arguments), **self.over(named)))

        return called


def topics(move: Callable[[Any], Any]) -> dict[str, ModuleType]:
    """The topics of gpu as modules whose functions move NumPy's arrays and bring the results back."""
    bridge, made = _Bridge(move), {}
    for topic in TOPICS:
        made[topic] = ModuleType(f"gpu.device.{topic}")
        source = importlib.import_module(f"gpu.{topic}")
        for name in source.__all__:
            setattr(made[topic], name, bridge.offered(getattr(source, name)))
    return made
