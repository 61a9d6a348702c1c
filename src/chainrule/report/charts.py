"""Charts as SVG: lines, points and bars between two axes. Colours are those of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..markup import Markup, markup, tag
from .elements import label, shortened
from .scale import Scale

WIDTH, HEIGHT = 440.0, 290.0
LEFT, RIGHT, TOP, BOTTOM = 72.0, 12.0, 22.0, 44.0
COLOURS = 10  # classes c0 ... c9 of the style sheet: colour and dashes
MOST_POINTS = 1000
TICK_CHARACTER = 7.5  # the width of one, in the larger type of small charts
FINEST = 0.4  # of the width of a hair: points of a line that are closer are one


@dataclass(frozen=True)
class Axes:
    """Two scales; the methods draw numbers that lie on them."""

    x: Scale
    y: Scale

    def across(self, values: Any) -> NDArray[np.float64]:
        """Places from left to right."""
        return LEFT + (WIDTH - LEFT - RIGHT) * self.x.share(values)

    def up(self, values: Any) -> NDArray[np.float64]:
        """Places from bottom to top, counted from the top as SVG does."""
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * self.y.share(values)

    def line(
        self, x: Any, y: Any, colour: int = 0, dots: bool = False, thin: bool = False
    ) -> Markup:
        """A line with a gap where a number is missing; a lone point is a dot."""
        runs = _runs(self.across(x), self.up(y))
        path = "".join("M" + "L".join(map(_coordinates, _thinned(run))) for run in runs)
        marked = [point for run in runs if dots or len(run) == 1 for point in run]
        kind, stroke = f"c{colour % COLOURS}", "thin line" if thin else "line"
        return markup(tag("path", class_=f"{stroke} {kind}", d=path) if path else "", [
            tag("circle", class_=f"dot {kind}", cx=short(px), cy=short(py), r=3)
            for px, py in marked
        ])  # fmt: skip

    def band(self, x: Any, low: Any, high: Any, colour: int = 0) -> Markup:
        """What lies between two lines that have the same gaps."""
        x = np.asarray(x, np.float64)
        both = np.isfinite(low) & np.isfinite(high)
        low, high = np.where(both, low, np.nan), np.where(both, high, np.nan)
        xs = self.across(x)
        upper, lower = _runs(xs, self.up(high)), _runs(xs, self.up(low))
        path = "".join(
            "M" + "L".join(map(_coordinates, [*_thinned(above), *reversed(_thinned(below))])) + "Z"
            for above, below in zip(upper, lower, strict=True)
        )
        return tag("path", class_=f"band c{colour % COLOURS}", d=path) if path else markup()

    def points(self, x: Any, y: Any) -> Markup:
        """A cloud; at most `MOST_POINTS`, evenly taken."""
        rows = evenly(len(x), MOST_POINTS)
        coordinates = zip(
            self.across(np.asarray(x)[rows]), self.up(np.asarray(y)[rows]), strict=True
        )
        dots = [tag("circle", cx=short(px), cy=short(py), r=2.5) for px, py in coordinates]
        return tag("g", dots, class_="cloud c0")

    def bars(self, edges: Any, heights: Any) -> Markup:
        """Bars of a histogram between edges, as high as `heights`."""
        sides, tops, floor = self.across(edges), self.up(heights), float(self.up(0.0))
        return tag("g", [
            tag("rect", x=short(a + 0.5), y=short(top), width=short(max(b - a - 1.0, 0.5)),
                height=short(floor - top))
            for a, b, top in zip(sides, sides[1:], tops, strict=False) if floor > top
        ], class_="bars c0")  # fmt: skip

    def rule(self, x: Sequence[float], y: Sequence[float]) -> Markup:
        """A thin line to compare with."""
        (x1, x2), (y1, y2) = self.across(x), self.up(y)
        return tag("line", class_="rule", x1=short(x1), y1=short(y1), x2=short(x2), y2=short(y2))

    def mark(self, x: float, text: str) -> Markup:
        """A vertical line with a text above it."""
        position, floor = float(self.across(x)), HEIGHT - BOTTOM
        late = position > (LEFT + WIDTH) / 2
        return markup(
            tag("line", class_="mark", x1=short(position), x2=short(position), y1=TOP, y2=floor),
            tag("text", text, class_="note", x=short(position + (-5 if late else 5)), y=TOP - 7,
                text_anchor="end" if late else "start"),
        )  # fmt: skip


def drawing(axes: Axes, labels: tuple[str, str], description: str, *marks: Markup) -> Markup:
    """The SVG: grid, axes, their labels, and what was drawn; `description` is its text."""
    grid: list[Markup] = []
    for at, text in _apart(axes.x.ticks()):
        px = short(float(axes.across(at)))
        grid += [
            tag("line", class_="grid", x1=px, x2=px, y1=TOP, y2=HEIGHT - BOTTOM),
            tag("text", text, x=px, y=HEIGHT - BOTTOM + 16, text_anchor="middle"),
        ]
    for at, text in axes.y.ticks():
        py = float(axes.up(at))
        grid += [
            tag("line", class_="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=short(py), y2=short(py)),
            tag("text", text, x=LEFT - 6, y=short(py + 4), text_anchor="end"),
        ]
    middle = short((TOP + HEIGHT - BOTTOM) / 2)
    across, up = (shortened(text, 48) for text in labels)
    return tag(
        "svg",
        tag("title", description),
        grid,
        tag("path", class_="axis", d=f"M{LEFT:g} {TOP:g}V{HEIGHT - BOTTOM:g}H{WIDTH - RIGHT:g}"),
        tag("text", across, class_="name", x=short((LEFT + WIDTH - RIGHT) / 2), y=HEIGHT - 8,
            text_anchor="middle"),
        tag("text", up, class_="name", transform=f"translate(12 {middle}) rotate(-90)",
            text_anchor="middle"),
        marks,
        class_="chart", viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}", role="img", aria_label=description,
    )  # fmt: skip


def _apart(ticks: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """Ticks whose texts have room beside each other, each second or third one if need be."""
    widest = TICK_CHARACTER * (1 + max((len(text) for _, text in ticks), default=0))
    step = int(np.ceil(len(ticks) * widest / (WIDTH - LEFT - RIGHT)))
    return ticks[:: max(1, step)]


def figure(title: str, chart: Markup, note: str = "", names: Sequence[str] = ()) -> Markup:
    """A chart with its title, a sentence, and a legend if it has several lines."""
    keys = [
        tag("li", tag("svg", tag("path", class_=f"line c{k % COLOURS}", d="M0 6H26"),
                      class_="key", viewBox="0 0 26 12", aria_hidden="true"), label(name, 40))
        for k, name in enumerate(names)
    ]  # fmt: skip
    return tag(
        "figure",
        tag("figcaption", tag("strong", title), markup(" ", tag("span", note)) if note else ""),
        chart,
        tag("ul", keys, class_="legend") if keys else "",
    )


def whisker_bar(scale: Scale, mean: float, error: float) -> Markup:
    """A bar from 0 with an error bar, as wide as the cell that it stands in."""
    zero, end, low, high = 100 * scale.share([0.0, mean, mean - error, mean + error])
    left, right = sorted((zero, end))
    whisker = f"M{short(low)} 5H{short(high)}M{short(low)} 2.5V7.5M{short(high)} 2.5V7.5"
    return tag(
        "svg",
        tag("rect", class_="fill", x=short(left), y=1, width=short(right - left), height=8),
        tag("path", class_="axis", d=f"M{short(zero)} 0V10"),
        tag("path", class_="whisker", d=whisker) if error > 0 else "",
        class_="bar", viewBox="0 0 100 10", preserveAspectRatio="none", aria_hidden="true",
    )  # fmt: skip


def interval_bar(
    scale: Scale, middle: float, low: float, high: float, colour: int = 0, rule: float | None = None
) -> Markup:
    """A tick with its interval, as wide as the cell that it stands in; a line to compare with."""
    at, left, right = (short(100 * float(x)) for x in scale.share([middle, low, high]))
    line = ""
    if rule is not None:
        where = short(100 * float(scale.share([rule])[0]))
        line = tag("line", class_="rule", x1=where, x2=where, y1=0, y2=16)
    return tag(
        "svg", tag("line", class_="grid", x1=0, x2=100, y1=8, y2=8), line,
        tag("line", class_=f"reach c{colour}", x1=left, x2=right, y1=8, y2=8)
        if low <= high else "",
        tag("line", class_=f"tick c{colour}", x1=at, x2=at, y1=2, y2=14)
        if np.isfinite(middle) else "",
        class_="bar", viewBox="0 0 100 16", preserveAspectRatio="none", aria_hidden="true",
    )  # fmt: skip


def evenly(count: int, most: int) -> NDArray[np.int64]:
    """Evenly spaced numbers below `count`, at most so many, the first and the last among them."""
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).round().astype(np.int64)


def short(x: float) -> str:
    """A coordinate: a tenth of a unit is finer than any eye."""
    text = f"{x:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


Points = list[tuple[float, float]]


def _coordinates(point: tuple[float, float]) -> str:
    return f"{short(point[0])} {short(point[1])}"


def _runs(xs: NDArray[np.float64], ys: NDArray[np.float64]) -> list[Points]:
    """Runs of points with finite coordinates."""
    runs: list[Points] = [[]]
    for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
        if np.isfinite(x) and np.isfinite(y):
            runs[-1].append((x, y))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _thinned(points: Points) -> Points:
    """Without those that nobody can tell from the one before; the last stays."""
    thinned = points[:1]
    for point in points[1:]:
        if max(abs(point[0] - thinned[-1][0]), abs(point[1] - thinned[-1][1])) >= FINEST:
            thinned.append(point)
    return thinned if thinned[-1] == points[-1] else [*thinned, points[-1]]
