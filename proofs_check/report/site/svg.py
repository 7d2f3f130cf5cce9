"""Small diagrams as SVG that takes its colours from the page, so that they are light or dark with it."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 380, 230
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 20, 40
Points = Sequence[tuple[float, float]]


def short(value: float) -> str:
    """A number as a label: four digits at most."""
    return "0" if value == 0 else f"{value:.4g}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


def element(name: str, text: str = "", **attributes: object) -> str:
    """One element of SVG; a trailing underscore of an attribute's name falls, others become hyphens."""
    inside = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(_written(value))}"' for key, value in attributes.items())
    return f"<{name}{inside}>{html.escape(text)}</{name}>"


def _written(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def drawing(body: Sequence[str], says: str, width: int = WIDTH, height: int = HEIGHT) -> str:
    """The whole picture, with the sentence that stands for it where it cannot be seen."""
    return (f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{html.escape(says)}">'
            + "".join(body) + "</svg>")


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers between two."""
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 12 - math.floor(math.log10(step)))
            for number in range(first, math.floor(high / step + 1e-9) + 1)]


@dataclass
class Axis:
    """Numbers to places on paper; logarithmic if asked."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __post_init__(self) -> None:
        if self.low == self.high:
            spread = abs(self.low) / 2 or 1.0
            self.low, self.high = (self.low / 2, self.high * 2) if self.log else (self.low - spread, self.high + spread)

    def __call__(self, value: float) -> float:
        """The place of a number."""
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Where to put numbers."""
        if not self.log:
            return ticks(self.low, self.high)
        low, high = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        if high - low < 2:
            return [digit * 10.0**power for power in range(low - 1, high + 1) for digit in (1, 2, 5)
                    if self.low <= digit * 10.0**power <= self.high]
        return [10.0**power for power in range(low, high + 1, math.ceil((high - low) / 5))]


@dataclass
class Plot:
    """Axes, and what was drawn on them."""

    x: Axis
    y: Axis
    x_label: str = ""
    y_label: str = ""
    body: list[str] = field(default_factory=list)
    names: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def around(
        cls, series: Sequence[Points], x_label: str = "", y_label: str = "", *, log_y: bool = False,
        zero: bool = False, height: int = HEIGHT,
    ) -> Plot:
        """Axes that hold all points."""
        xs = [x for points in series for x, _ in points]
        ys = [y for points in series for _, y in points]
        low, high = min(ys), max(ys)
        if zero:
            low, high = min(low, 0.0), max(high, 0.0)
        if not log_y and high > low:
            margin = (high - low) * 0.06
            low, high = (low if zero and low == 0 else low - margin), (high if zero and high == 0 else high + margin)
        return cls(Axis(min(xs), max(xs), LEFT, WIDTH - RIGHT), Axis(low, high, height - BOTTOM, TOP, log_y),
                   x_label, y_label)

    def line(self, points: Points, series: str, name: str = "", *, dots: bool = False) -> None:
        """A broken line in the colour of a series, named in the legend."""
        places = [(self.x(x), self.y(y)) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        self.body.append(element("polyline", points=path, class_=f"line {series}"))
        if dots:
            for x, y in places:
                self.dot_at(x, y, series)
        if name:
            self.names.append((series, name))

    def dot_at(self, x: float, y: float, series: str) -> None:
        """A mark at a place on paper."""
        if series == "b":
            self.body.append(element("rect", x=x - 3, y=y - 3, width=6, height=6, class_="dot b"))
        else:
            self.body.append(element("circle", cx=x, cy=y, r=3.4, class_=f"dot {series}"))

    def bar(self, x: float, y: float, width: float, series: str) -> None:
        """A bar from 0, its width in units of x."""
        left, right = self.x(x - width / 2), self.x(x + width / 2)
        base = self.y(max(self.y.low, min(0.0, self.y.high)) if not self.y.log else self.y.low)
        top = self.y(y)
        self.body.append(element("rect", x=left, y=min(top, base), width=max(right - left, 1.0),
                                 height=max(abs(base - top), 0.8), class_=f"bar {series}"))

    def upright(self, x: float, name: str) -> None:
        """A dashed line at x, with its name above."""
        place = self.x(x)
        self.body.append(element("line", x1=place, x2=place, y1=TOP, y2=self.y.start, class_="guide"))
        anchor = "end" if place > WIDTH * 0.8 else "start" if place < WIDTH * 0.3 else "middle"
        self.body.append(element("text", name, x=place, y=TOP - 6, text_anchor=anchor, class_="note"))

    def level(self, y: float, name: str) -> None:
        """A dashed line at y, with its name at the right."""
        place = self.y(y)
        self.body.append(element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=place, y2=place, class_="guide"))
        self.body.append(element("text", name, x=WIDTH - RIGHT - 2, y=place - 4, text_anchor="end", class_="note"))

    def shade(self, marked: Sequence[float], values: Sequence[float]) -> None:
        """Darker ground around some of the values, up to half way to their neighbours."""
        for place, value in enumerate(values):
            if value in marked:
                before, after = values[max(place - 1, 0)], values[min(place + 1, len(values) - 1)]
                left = max(self.x((value + before) / 2) if before < value else self.x(value) - 3, LEFT)
                right = min(self.x((value + after) / 2) if after > value else self.x(value) + 3, WIDTH - RIGHT)
                self.body.insert(0, element("rect", x=left, y=TOP, width=right - left, height=self.y.start - TOP,
                                            class_="shade"))

    def svg(self, says: str, marks: Sequence[float] | None = None) -> str:
        """The finished picture."""
        bottom = self.y.start
        frame = [element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=bottom, y2=bottom, class_="axis"),
                 element("line", x1=LEFT, x2=LEFT, y1=TOP, y2=bottom, class_="axis")]
        marked = self.y.ticks()
        labels = [short(value) for value in marked]
        if len(set(labels)) < len(labels):
            labels = [f"{value:.8g}" for value in marked]
        for value, label in zip(marked, labels, strict=True):
            place = self.y(value)
            frame.append(element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=place, y2=place, class_="grid"))
            small = {"style": "font-size: 9px"} if len(label) > 7 else {}
            frame.append(element("text", label, x=LEFT - 5, y=place + 4, text_anchor="end", **small))
        for value in self.x.ticks() if marks is None else marks:
            frame.append(element("text", short(value), x=self.x(value), y=bottom + 14, text_anchor="middle"))
        if self.x_label:
            frame.append(element("text", self.x_label, x=(LEFT + WIDTH - RIGHT) / 2, y=bottom + 30,
                                 text_anchor="middle", class_="label"))
        if self.y_label and max(map(len, labels), default=0) < 9:
            frame.append(element("text", self.y_label, x=12, y=(TOP + bottom) / 2, text_anchor="middle",
                                 transform=f"rotate(-90 12 {(TOP + bottom) / 2:.0f})", class_="label"))
        return drawing(frame + self.body, says, height=round(bottom + BOTTOM))
