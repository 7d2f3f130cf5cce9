"""Test vectors for other implementations: exact inputs, enclosed results, and who passes them.

`cases` says what is asked, `_make` computes the answers in balls, `_files` writes and reads them, `_judge` compares an
answer with the enclosure, `_peers` asks an implementation, in Python or behind a pipe. Nothing is imported before it is
asked for: the command line needs only `command`.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "DATA": "_files", "load": "_files", "load_all": "_files", "Judgement": "_judge", "judge": "_judge",
    "Adapter": "_peers", "Program": "_peers", "check": "_run",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
