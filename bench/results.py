"""RESULTS.md as tables: read, changed in the rows that were measured anew, written, compared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"
Row = tuple[str, ...]
FALL = 0.9  # of the ratio before: what is below it, and beyond the noise of both, has fallen


@dataclass(frozen=True)
class Kind:
    """One of the tables in RESULTS.md.

    Attributes
    ----------
    title : str
        Empty for the first, which the file begins with.
    note : tuple of str
        Lines that say what it shows.
    headers : tuple of str
    """

    title: str
    note: tuple[str, ...]
    headers: tuple[str, ...]


TIMES = Kind(
    "",
    (
        "Written by `python -m bench`. Each line: both ways were checked to compute the same, then",
        "run in turns in one process, both with so many threads (one: kept on one core). The ratio",
        "is the peer's time over chainrule's, median of all turns: above 1 chainrule is faster,",
        "below 1 slower. Others: how many cores other work and the host took meanwhile.",
        "`python -m bench --worst` lists what is below 1, and the instruction that takes the time.",
    ),
    ("benchmark", "task", "peer", "threads", "chainrule", "peer's time", "ratio", "middle half",
     "others", "date"),
)  # fmt: skip


@dataclass(frozen=True)
class Timing:
    """What a row of the first table says.

    Attributes
    ----------
    benchmark, task, peer : str
    threads : int
        Of both sides.
    ratio, low, high : float
        The median, and the middle half.
    """

    benchmark: str
    task: str
    peer: str
    threads: int
    ratio: float
    low: float
    high: float

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What was measured."""
        return self.benchmark, self.task, self.peer, self.threads


def timing(row: Row) -> Timing | None:
    """Return what a row says; None if it has no ratio."""
    cells = dict(zip(TIMES.headers, row, strict=True))
    band = re.fullmatch(r"([\d.]+) to ([\d.]+)", cells["middle half"])
    if band is None or not re.fullmatch(r"[\d.]+", cells["ratio"]):
        return None
    return Timing(cells["benchmark"], cells["task"], cells["peer"], int(cells["threads"]),
                  float(cells["ratio"]), float(band[1]), float(band[2]))  # fmt: skip


def fallen(before: Iterable[Row], after: Iterable[Row]) -> list[tuple[Timing, Timing]]:
    """Return what got slower than its peer: by a tenth, and beyond the middle halves of both."""
    known = {t.key: t for t in map(timing, before) if t is not None}
    pairs = [(known[t.key], t) for t in map(timing, after) if t is not None and t.key in known]
    return [(old, new) for old, new in pairs
            if new.ratio < FALL * old.ratio and new.high < old.low]  # fmt: skip


@dataclass(frozen=True)
class Results:
    """All of RESULTS.md.

    Attributes
    ----------
    times : tuple of Row
        Of the first table.
    sections : tuple of (str, str)
        Title and text of the others.
    """

    times: tuple[Row, ...]
    sections: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, path: Path = RESULTS) -> Results:
        """Read the file; what is not there is empty."""
        if not path.exists():
            return cls((), ())
        first, *others = re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        rows = [tuple(line[2:-2].split(" | ")) for line in first.splitlines() if line[:2] == "| "]
        pairs = [text.partition("\n")[::2] for text in others]
        return cls(tuple(row for row in rows if row != TIMES.headers),
                   tuple((title, text.strip()) for title, text in pairs))  # fmt: skip

    def with_times(
        self, names: Sequence[str], rows: Sequence[Row], order: Sequence[str]
    ) -> Results:
        """Return the results with the rows of some benchmarks exchanged for new ones."""
        staying = [row for row in self.times if row[0] not in names]
        together = sorted([*staying, *rows], key=lambda row: order.index(row[0]))
        return replace(self, times=tuple(together))

    def with_section(self, kind: Kind, rows: Sequence[Row]) -> Results:
        """Return the results with another table in place of the one of this title."""
        text = "\n".join([*kind.note, "", *table(kind.headers, rows)])
        titles = dict(self.sections)
        titles[kind.title] = text
        return replace(self, sections=tuple(titles.items()))

    def write(self, setting: str, path: Path = RESULTS) -> None:
        """Write the file anew; `setting` says which machine and versions."""
        lines = ["# Results", "", *TIMES.note, "", setting, "",
                 *table(TIMES.headers, self.times)]  # fmt: skip
        for title, text in self.sections:
            lines += ["", f"## {title}", "", text]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table in Markdown."""
    return [f"| {' | '.join(headers)} |", "|" + "---|" * len(headers),
            *[f"| {' | '.join(cells)} |" for cells in rows]]  # fmt: skip
