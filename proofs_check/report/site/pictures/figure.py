"""What a picture is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A picture, what it is called, what it shows, and the names of its colours."""

    title: str
    svg: str
    says: str
    legend: Sequence[tuple[str, str]] = ()
