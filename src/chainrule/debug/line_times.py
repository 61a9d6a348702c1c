"""The lines of a function by their time: as data, as text and as HTML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .. import escape
from ..markup import tag

STYLE = "border-collapse:collapse;font-family:monospace;font-size:90%"
CELL = "border:1px solid #ccc;padding:2px 8px;text-align:left;white-space:pre"
HEADERS = ("share", "time", "derivative", "runs", "line")
_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))
_STAGES = 4  # that are named; the others are one


@dataclass(frozen=True)
class LineTime:
    """What one line takes in a call.

    Attributes
    ----------
    filename, line : str, int
        The user's line; empty and 0 for what has none.
    source : str
        Its text; what it is, where it has no line.
    seconds : float
        In the fastest of all calls.
    derivative_seconds : float
        That part of it that computes derivatives of the line.
    runs : int
        How often it ran in a call: in a loop once an iteration.
    """

    filename: str
    line: int
    source: str
    seconds: float
    derivative_seconds: float = 0.0
    runs: int = 1

    @property
    def where(self) -> str:
        """``file.py:12``, or nothing."""
        return f"{self.filename.replace(chr(92), '/').rsplit('/', 1)[-1]}:{self.line}" * bool(
            self.line
        )


@dataclass(frozen=True)
class LineTimes:
    """What the lines of a function take; see `time`. Prints as a table.

    Attributes
    ----------
    name : str
        The function's.
    lines : tuple of LineTime
        The slowest first.
    seconds : float
        The time of a call, the fastest of all.
    calls : int
        How many calls were timed.
    threads : int
        Of compiled code; 0 if it is the same for any number.
    stages : dict of str to float
        The seconds of tracing, and of each stage of compiling.
    result
        What the function returned.
    """

    name: str
    lines: tuple[LineTime, ...]
    seconds: float
    calls: int
    threads: int
    stages: Mapping[str, float]
    result: object = field(repr=False, compare=False)

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for line in self.lines:
            part = line.derivative_seconds / line.seconds if line.seconds else 0.0
            yield (
                f"{100 * line.seconds / self.seconds:.1f} %", duration(line.seconds),
                f"{100 * part:.0f} %" if part else "", str(line.runs),
                escape.terminal(f"{line.where}  {line.source}".strip()),
            )  # fmt: skip

    def _title(self) -> str:
        calls = "1 call" if self.calls == 1 else f"the fastest of {self.calls} calls"
        threads = f", {self.threads} threads" * (self.threads > 1)
        return f"{escape.terminal(self.name)}: {duration(self.seconds)}, {calls}{threads}"

    def _compiled(self) -> str:
        ordered = sorted(self.stages.items(), key=lambda item: -item[1])
        words = [f"{name} {duration(spent)}" for name, spent in ordered[:_STAGES]]
        if rest := sum(spent for _, spent in ordered[_STAGES:]):
            words.append(f"other stages {duration(rest)}")
        return f"traced and compiled in {duration(sum(self.stages.values()))}: {', '.join(words)}"

    def __str__(self) -> str:
        rows = [HEADERS, *self._rows()]
        widths = [max(len(row[k]) for row in rows) for k in range(len(HEADERS))]
        table = [
            "  ".join(
                [row[k].rjust(widths[k]) for k in range(len(HEADERS) - 1)] + [row[-1]]
            ).rstrip()
            for row in rows
        ]
        return "\n".join([self._title(), *table, self._compiled()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = tag("tr", [tag("th", header, style=CELL) for header in HEADERS])
        body = [tag("tr", [tag("td", cell, style=CELL) for cell in row]) for row in self._rows()]
        table = tag("table", tag("thead", head), tag("tbody", body), style=STYLE)
        return tag("div", tag("div", self._title()), table, tag("div", self._compiled()))


def duration(seconds: float) -> str:
    """Write seconds with three digits, in the unit that fits."""
    scale, unit = next(((s, u) for s, u in _UNITS if seconds >= s), _UNITS[-1])
    number = seconds / scale
    return f"{number:.{0 if number >= 100 else 1 if number >= 10 else 2}f} {unit}"
