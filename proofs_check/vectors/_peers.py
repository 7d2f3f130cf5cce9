"""Who is asked: a Python package through the one door, or a program that speaks JSON lines."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from proofs_check.implementation import Implementation, NotOffered, Unsupported
from proofs_check.vectors._numbers import decode, is_number
from proofs_check.vectors._spec import CHOICE, CHOICES, NETWORK, ONE_OR_TWO, OUTCOMES, PAIRS, PROMISES, ROWS

# Errors that a user can act on; others come from deep inside.
CLEAR = (ValueError, TypeError, NotImplementedError, RuntimeError, OverflowError)


class Refused(Exception):
    """The peer gave no answer, and said so."""


class Crashed(Exception):
    """The peer failed without saying what it needs."""


class NoAnswer(Exception):
    """Nothing came in time."""


def arguments(file: Mapping[str, Any], vector: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as Python has them: floats, arrays, integers, words."""
    kinds = {name: about["kind"] for name, about in file["arguments"].items()}
    return {name: _argument(kinds[name], value) for name, value in vector["inputs"].items()}


def _argument(kind: str, value: Any) -> Any:
    if kind in (CHOICE, CHOICES):
        return value
    if kind == NETWORK and isinstance(value, dict):
        return {name: part if name == "activation" else [decode(v) for v in part] for name, part in value.items()}
    if kind == ONE_OR_TWO and isinstance(value, list):
        return tuple(map(decode, value))
    if kind == OUTCOMES and isinstance(value, list):
        event = {tuple(counts) for counts in value}
        return lambda counts: tuple(counts) in event
    if kind == PAIRS and isinstance(value, list):
        return [tuple(decode(part) for part in pair) for pair in value]
    return [decode(part) for part in value] if kind == ROWS and isinstance(value, list) else decode(value)


class Peer(Protocol):
    """Answers a vector, or raises `NotOffered`, `Refused`, `Crashed` or `NoAnswer`."""

    name: str

    def promise(self, function: str) -> Any:
        """What it promises of a function, None where that is what the vectors say."""

    def answer(self, file: Mapping[str, Any], vector: Mapping[str, Any]) -> Any:
        """Its result."""

    def close(self) -> None:
        """No more questions."""


class Adapter:
    """A package with functions of lipref's names; PROMISES in it says where it promises something else."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._implementation = Implementation(name)
        self._promises = getattr(self._implementation._package, "PROMISES", {})
        for function, promise in self._promises.items():
            for word in promise.values() if isinstance(promise, dict) else [promise]:
                if word not in PROMISES:
                    raise ValueError(f"PROMISES[{function!r}] must be one of {', '.join(PROMISES)}, got {word!r}")

    def promise(self, function: str) -> Any:
        """Of its PROMISES."""
        return self._promises.get(function)

    def answer(self, file: Mapping[str, Any], vector: Mapping[str, Any]) -> Any:
        """Call it with every argument by its name."""
        topic, _, name = file["function"].partition(".")
        call = self._implementation.function(topic, name)
        try:
            return call(**self._built(file, arguments(file, vector)))
        except (*CLEAR, Unsupported) as refusal:
            raise Refused(f"{type(refusal).__name__}: {refusal}") from refusal
        except NotOffered:
            raise
        except Exception as crash:
            raise Crashed(f"{type(crash).__name__}: {crash}") from crash

    def _built(self, file: Mapping[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
        """Networks by the package's own class where it offers `network.FeedForward`, else as they are written."""
        for name, about in file["arguments"].items():
            if about["kind"] == NETWORK and isinstance(inputs.get(name), dict):
                with contextlib.suppress(NotOffered):
                    build = self._implementation.function("network", "FeedForward")
                    inputs = {**inputs, name: build(**inputs[name])}
        return inputs

    def close(self) -> None:
        """Nothing is open."""


class Program:
    """A process that reads a request a line and writes an answer a line; started again after a timeout."""

    def __init__(self, command: Sequence[str], timeout: float = 10.0) -> None:
        self.name, self._command, self._timeout = command[0], list(command), timeout
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()

    def promise(self, function: str) -> Any:
        """What the vectors say."""
        return None

    def answer(self, file: Mapping[str, Any], vector: Mapping[str, Any]) -> Any:
        """Send the request, wait for one line."""
        function = file["function"]
        request = {"id": vector["id"], "function": function, "inputs": vector["inputs"]}
        line = self._exchange(json.dumps(request))
        try:
            answer = json.loads(line)
        except ValueError:
            self.close()
            raise Crashed(f"not a line of JSON: {line.strip()[:60]!r}") from None
        if not isinstance(answer, dict) or answer.get("id") != vector["id"]:
            self.close()
            raise Crashed(f"an answer to {vector['id']} was due, got {line.strip()[:60]!r}")
        if answer.get("not_offered"):
            raise NotOffered(f"{self.name} does not offer {function}")
        if "refused" in answer:
            raise Refused(str(answer["refused"]))
        if "result" not in answer:
            raise Crashed(f"neither result, refused nor not_offered: {line.strip()[:60]!r}")
        return _numbers(answer["result"])

    def _exchange(self, request: str) -> str:
        process = self._running()
        try:
            process.stdin.write(request + "\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
        except OSError as broken:
            self.close()
            raise Crashed(f"the program ended: {broken.strerror}") from broken
        try:
            line = self._lines.get(timeout=self._timeout)
        except queue.Empty:
            self.close()
            raise NoAnswer(f"no answer within {self._timeout:g} s") from None
        if line is None:
            code = process.wait()
            self.close()
            raise Crashed(f"the program ended with exit code {code}")
        return line

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", bufsize=1,
            )
            self._lines = queue.Queue()
            threading.Thread(target=_read, args=(self._process, self._lines), daemon=True).start()
        return self._process

    def close(self) -> None:
        """End the process."""
        if self._process is None:
            return
        process, self._process = self._process, None
        with contextlib.suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]
        try:
            process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _read(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    with process.stdout as stream:  # type: ignore[union-attr]
        for line in stream:
            lines.put(line)
    lines.put(None)


def _numbers(result: Any) -> Any:
    """Hexadecimal strings as floats; JSON's own numbers as they are."""
    if isinstance(result, dict):
        return {key: _numbers(value) for key, value in result.items()}
    if isinstance(result, list):
        return [_numbers(value) for value in result]
    return float.fromhex(result) if is_number(result) else result
