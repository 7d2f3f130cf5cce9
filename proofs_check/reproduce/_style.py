"""Colours, markers and helpers that the pictures share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proofs_check.reproduce._series import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, which most colour-blind readers can tell apart; markers and dashes differ too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))


def look(number: int) -> dict[str, Any]:
    """Colour, marker and dashes of the series with this number."""
    # Beyond seven series the colours come again, with other markers.
    shape = (number + 3 * (number // 7)) % 7
    return {
        "color": COLOURS[number % 7], "marker": MARKERS[shape], "linestyle": DASHES[shape],
        "markersize": 4.5, "linewidth": 1.4,
    }


def line(number: int) -> dict[str, Any]:
    """The same without a marker, for dense series."""
    return {**look(number), "marker": ""}


def where(rows: list[Row], **values: Any) -> list[Row]:
    """The rows with these values."""
    return [row for row in rows if all(row[key] == value for key, value in values.items())]


def column(rows: list[Row], name: str) -> list[Any]:
    """One column of the rows."""
    return [row[name] for row in rows]


def distinct(rows: list[Row], name: str) -> list[Any]:
    """The values in a column, each once, in order."""
    return list(dict.fromkeys(column(rows, name)))


def finish(axes: Axes, x: str, y: str) -> None:
    """Labels and a faint grid."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(True, which="major", linewidth=0.4, alpha=0.5)
