"""A forecast drawn in the terminal: history, forecast and bands of characters."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from .. import escape
from ..report.elements import number
from ..report.scale import spanning

Floats: TypeAlias = NDArray[np.float64]

HEIGHT = 12  # lines
WIDEST = 110
NARROWEST = 16  # columns of the drawing itself
LABELS = 4  # lines between two numbers beside the axis
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # bits of braille, row by row
BRAILLE = 0x2800
SHADES, PLAIN_SHADES = "▓▒░", "#=-"  # of the narrowest interval first, the last for one alone
HISTORY_STYLE, FORECAST_STYLE, BAND_STYLE, AXIS_STYLE = "default", "bold cyan", "cyan", "dim"


def drawing_of(one: Any, width: int, unicode: bool = True) -> Text:
    """A series with its forecast, as lines of text.

    Parameters
    ----------
    one : ForecastSeries
        Its rows and its forecast.
    width : int
        Columns of the terminal.
    unicode : bool
        Whether the terminal has braille; else letters are drawn.
    """
    ends = [end for pair in one.intervals.values() for end in pair]
    values = [one.observed, one.forecast, *ends]
    scale = spanning(*values)
    labels = _labels(scale.low, scale.high)
    margin = max(map(len, labels.values())) + 1
    columns = max(NARROWEST, min(width, WIDEST) - margin - 1)
    rows, count = len(one.observed), len(one.observed) + len(one.forecast)
    origin = min(columns - 2, max(0, int((rows - 0.5) / max(count - 1, 1) * (columns - 1))))
    shade = _shaded(one.intervals, rows, count, columns, scale.low, scale.high)
    cells, is_ahead = _dotted(one, columns, scale.low, scale.high)
    shades = _shades(len(one.intervals), unicode)
    text = Text()
    for row in range(HEIGHT):
        text.append(labels.get(row, "").rjust(margin - 1) + " ", AXIS_STYLE)
        text.append("│" if unicode else "|", AXIS_STYLE)
        signs = [
            _sign(int(cells[row, k]), int(shade[row, k]), bool(is_ahead[k]),
                  k == origin and rows > 0, shades, unicode)
            for k in range(columns)
        ]  # fmt: skip
        for style, run in groupby(signs, key=itemgetter(1)):
            text.append("".join(sign for sign, _ in run), style)
        text.append("\n")
    text.append(_axis(one, margin, columns, origin, unicode), AXIS_STYLE)
    return text


def _sign(
    dots: int, level: int, is_ahead: bool, is_origin: bool, shades: str, unicode: bool
) -> tuple[str, str]:
    """The sign of one cell and its style: a line, else a band, else the dotted line."""
    if dots:
        sign = chr(BRAILLE + dots) if unicode else "o" if is_ahead else "*"
        return sign, FORECAST_STYLE if is_ahead else HISTORY_STYLE
    if level:
        return shades[level - 1], BAND_STYLE
    if is_origin:
        return "┊" if unicode else ":", AXIS_STYLE
    return " ", HISTORY_STYLE


def legend(one: Any, unicode: bool = True) -> str:
    """What the signs of a drawing are."""
    levels = sorted(one.intervals)
    shades = _shades(len(levels), unicode)
    line = f"history, and right of the dotted line the forecast from {one.times[len(one.observed)]}"
    bands = [f"{shade} {level:g} %" for shade, level in zip(shades, levels, strict=True)]
    return f"{line}; intervals: {'  '.join(bands)}" if bands else line


def _shades(count: int, unicode: bool) -> str:
    """A sign for each interval, the narrowest first; many share the darkest."""
    signs = SHADES if unicode else PLAIN_SHADES
    return signs[0] * (count - len(signs)) + signs[max(len(signs) - count, 0) :]


def _labels(low: float, high: float) -> dict[int, str]:
    """Numbers beside some lines, the middle of each line."""
    return {
        row: number(float(high - (row + 0.5) / HEIGHT * (high - low)))
        for row in range(0, HEIGHT, LABELS - 1)
    }


def _at(values: Floats, columns: Floats, count: int) -> Floats:
    """Values at columns (0 to 1 across all steps) by straight lines."""
    return np.asarray(np.interp(columns * max(count - 1, 1), np.arange(len(values)), values))


def _shaded(
    intervals: Mapping[float, tuple[Any, Any]], rows: int, count: int, columns: int,
    low: float, high: float,
) -> NDArray[np.int64]:  # fmt: skip
    """For each cell, the number of the narrowest interval that it is in, from 1; 0 for none."""
    result = np.zeros((HEIGHT, columns), np.int64)
    across = np.linspace(0.0, 1.0, columns)
    ahead = across * max(count - 1, 1) >= rows - 1e-9
    if count - rows == 1:
        ahead[-1] = True
    middles = high - (np.arange(HEIGHT) + 0.5) / HEIGHT * (high - low)
    for k, level in reversed(list(enumerate(sorted(intervals)))):
        lower, upper = (
            _at(np.concatenate([np.full(rows, end[0]), end]), across, count)
            for end in intervals[level]
        )
        half = (high - low) / HEIGHT / 2
        inside = (middles[:, None] >= lower - half) & (middles[:, None] <= upper + half) & ahead
        result[inside] = k + 1
    return result


def _dotted(
    one: Any, columns: int, low: float, high: float
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The dots of each cell, of two by four, and which columns are of the forecast."""
    values = np.concatenate([one.observed, one.forecast])
    rows, count, fine = len(one.observed), len(values), 2 * columns
    cells = np.zeros((HEIGHT, columns), np.int64)
    at = np.arange(count) / max(count - 1, 1) * (fine - 1)
    known = np.flatnonzero(np.isfinite(values))
    heights = (high - values) / (high - low) * (4 * HEIGHT - 1)
    for before, after in zip(known, [*known[1:], known[-1]], strict=True):
        if after - before > 1:  # nothing is drawn over a gap
            after = before
        first, last = round(at[before]), round(at[after])
        steps = np.arange(first, last + 1)
        share = (steps - first) / max(last - first, 1)
        path = np.round(heights[before] + share * (heights[after] - heights[before])).astype(int)
        if first == last:
            path, steps = np.array([path[0], round(heights[after])]), np.array([first, first])
        _line(cells, steps, np.clip(path, 0, 4 * HEIGHT - 1))
    is_ahead = np.linspace(0.0, 1.0, columns) * max(count - 1, 1) >= rows - 0.5
    is_ahead[-1] = True
    return cells, is_ahead


def _line(cells: NDArray[np.int64], steps: Any, heights: Any) -> None:
    """Set the dots of a line, without holes where it is steep."""
    previous = heights[0]
    for step, height in zip(steps, heights, strict=True):
        start = previous + np.sign(height - previous) if height != previous else height
        low, high = sorted((int(start), int(height)))
        for dot in range(low, high + 1):
            cells[dot // 4, step // 2] |= DOTS[dot % 4][step % 2]
        previous = height


def _axis(one: Any, margin: int, columns: int, origin: int, unicode: bool) -> str:
    """The line below, and the first time, that of the last row, and the last."""
    line = ("└" + "─" * columns) if unicode else ("+" + "-" * columns)
    rows = len(one.observed)
    first, last = escape.terminal(one.times[0]), escape.terminal(one.times[-1])
    middle = escape.terminal(one.times[rows - 1]) if rows else ""
    texts = [" "] * (margin + 1 + columns)
    _write(texts, margin + 1, first)
    _write(texts, margin + 1 + columns - len(last), last)
    start = margin + 1 + origin - len(middle) // 2
    end = min(start + len(middle) + 1, margin + 1 + columns)
    if start > margin + 1 + len(first) and end < margin + 1 + columns - len(last):
        _write(texts, start, middle)
    return " " * margin + line + "\n" + "".join(texts).rstrip()


def _write(cells: list[str], start: int, text: str) -> None:
    for k, letter in enumerate(text):
        if 0 <= start + k < len(cells):
            cells[start + k] = letter
