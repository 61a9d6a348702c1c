"""The records of a text: those that are rows, and those above, amid and below that are not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import DataError
from .dialect import Sniffed
from .footers import find_footer
from .header import COMMENTS, LOOKS_NUMERIC, Header
from .layout import Dialect, Layout

HEAD_ROWS, TAIL_ROWS = 300, 60
MOST_ODD = 10_000  # records that do not fit: more, and the first one is the error
MOST_LISTED = 5
FEW_EMPTY = 10  # rows at the end that are listed
RULE = re.compile(rb"[|+:\s]*[-=]{2,}[-=|+:,;\s]*")
FEW = 0.2
EXCEL_ERROR = re.compile(
    rb"#(N/A|DIV/0!|VALUE!|REF!|NAME\?|NUM!|NULL!|NA\b|NV\b|nan\b)", re.IGNORECASE
)


@dataclass(frozen=True)
class Records:
    """A text with the layout of its records."""

    name: str
    text: bytes
    sniffed: Sniffed
    layout: Layout

    @property
    def dialect(self) -> Dialect:
        """How cells are told apart."""
        return self.sniffed.dialect

    @property
    def width(self) -> int:
        """How many cells most records have."""
        filled = self.layout.fields[self.layout.fields > 0]
        counts = np.bincount(filled)
        return int(len(counts) - 1 - np.argmax(counts[::-1]))

    def record(self, k: int) -> bytes:
        """The bytes of a record."""
        return self.text[self.layout.starts[k] : self.layout.starts[k + 1]]

    def cells(self, k: int) -> list[str]:
        """The cells of a record."""
        lines = self.record(k).decode().rstrip("\n").split("\n")
        return next(iter(self.dialect.reader(f"{line}\n" for line in lines)), [])

    def line(self, k: int) -> int:
        """The line of the file in which a record begins."""
        return int(self.layout.lines[k]) + self.sniffed.skipped

    def rows(self, start: int, end: int) -> tuple[list[list[str]], list[str]]:
        """The cells of some records, and where they stand."""
        numbers = range(max(start, 0), min(end, len(self.layout.fields)))
        return [self.cells(k) for k in numbers], [f"line {self.line(k)}" for k in numbers]

    def misfit(self, k: int, width: int) -> DataError:
        """The error of a row that does not fit."""
        cells, line = int(self.layout.fields[k]), self.line(k)
        text = self.record(k).decode().strip("\n")
        mark = "spaces" if self.sniffed.spacing else repr(self.dialect.delimiter)
        number = f"{cells} cell{'s' * (cells != 1)}"
        return DataError(
            f"{self.name}, line {line}: it has {number} and the other rows {width}, divided by "
            f"{mark}: {text!r:.90}; mend or remove that line"
        )


@dataclass(frozen=True)
class Body:
    """The records that are rows: from one up to another, without some in between."""

    first: int
    end: int
    dropped: tuple[int, ...]


def body_of(source: Records, top: Header, width: int) -> tuple[Body, tuple[str, ...]]:
    """Return the records that are rows of the data."""
    fields = source.layout.fields
    first, end = top.first, len(fields)
    empty, lone = _bare_rows(source, first, end, width)
    end, empty, more = _without_end(end, empty)
    tail, labels = source.rows(max(first, end - TAIL_ROWS), end)
    sample = _sample(source, first, end, width)
    footer = find_footer(tail, labels, sample, width)
    end -= footer.rows
    notes = footer.notes + more
    empty = [k for k in empty if k < end]
    lone = _group_labels(source, [k for k in lone if k < end], sample, end - first)
    blank: list[int] = (np.flatnonzero(fields[first:end] == 0) + first).tolist()
    odd = np.flatnonzero((fields[first:end] != width) & (fields[first:end] > 0)) + first
    if len(odd) > MOST_ODD:
        raise source.misfit(int(odd[0]), width)
    remarks: list[int] = []
    rules = [first] if first < end and _is_rule(source.record(first)) else []
    for k in map(int, odd):
        text = source.record(k).decode().strip()
        if not text:
            blank.append(k)
        elif text.startswith(COMMENTS):
            remarks.append(k)
        elif _is_rule(source.record(k)):
            rules.append(k)
        else:
            raise source.misfit(k, width)
    remarks = sorted({*remarks, *_full_remarks(source, first, end, sample)})
    repeated = _repeated_headers(source, top, first, end)
    left_out = {
        "blank line": sorted(blank), "empty row": empty, "comment": remarks,
        "repeated header": repeated, "ruled line": sorted(set(rules)),
        f"row with a label alone, such as {_label(source, lone)},": lone,
    }  # fmt: skip
    notes += tuple(_note(source, kind, ks) for kind, ks in left_out.items() if ks)
    dropped = {*blank, *empty, *remarks, *repeated, *rules, *lone}
    return Body(first, end, tuple(sorted(dropped))), notes


def _bare_rows(source: Records, first: int, end: int, width: int) -> tuple[list[int], list[int]]:
    """Return the rows without a cell, and those with the first cell alone."""
    if width < 2 or end <= first:
        return [], []
    codes, starts = np.frombuffer(source.text, np.uint8), source.layout.starts
    mark = ord(source.dialect.delimiter or "\x1f")
    last = starts[first + 1 : end + 1] - 1
    last = last - (codes[last] == ord("\n"))
    rows = np.arange(first, end)
    for step in range(width - 1):
        has = codes[np.maximum(last - step, 0)] == mark
        rows, last = rows[has], last[has]
        if not rows.size:
            return [], []
    fit = source.layout.fields[rows] == width
    rows, last = rows[fit], last[fit]
    alone = last - starts[rows] >= width - 1
    return rows[~alone].tolist(), rows[alone].tolist() if width > 2 else []


def _without_end(end: int, empty: list[int]) -> tuple[int, list[int], tuple[str, ...]]:
    """Leave out many empty rows at the end, as spreadsheets write them that were once longer."""
    count = 0
    while count < len(empty) and empty[-1 - count] == end - 1 - count:
        count += 1
    if count <= FEW_EMPTY:
        return end, empty, ()
    return end - count, empty[:-count], (f"{count:,} empty rows at the end left out",)


def _group_labels(
    source: Records, lone: list[int], sample: Sequence[Sequence[str]], rows: int
) -> list[int]:
    """Return which rows with the first cell alone are names of groups or pages, and no data.

    They are few, what they say is in no other row, and their column is no list of names: it
    has numbers, or the same texts again and again.
    """
    if not lone or len(lone) > FEW * rows:
        return []
    known = [row[0].strip() for row in sample if any(cell.strip() for cell in row[1:])]
    numeric = sum(LOOKS_NUMERIC.match(cell) is not None for cell in known)
    if not known or (numeric < (1 - FEW) * len(known) and len(set(known)) == len(known)):
        return []
    labels = [source.cells(k)[0].strip() for k in lone]
    if any(LOOKS_NUMERIC.match(label) or label in known for label in labels):
        return []
    return lone


def _label(source: Records, lone: list[int]) -> str:
    return repr(source.cells(lone[0])[0].strip()[:40]) if lone else ""


def _is_rule(record: bytes) -> bool:
    """Whether a line is drawn, as databases and Markdown do between names and rows."""
    return RULE.fullmatch(record.strip()) is not None


def _sample(source: Records, first: int, end: int, width: int) -> list[list[str]]:
    """Return rows of the data, without the last ones, which may not be."""
    rows, _ = source.rows(first, first + HEAD_ROWS)
    if end - first > HEAD_ROWS:
        rows += source.rows(end - 2 * TAIL_ROWS, end - TAIL_ROWS)[0]
        return [row for row in rows if len(row) == width]
    rows = [row for row in rows if len(row) == width]
    return rows[: max(len(rows) - 3, len(rows) // 2)]


def _note(source: Records, kind: str, records: Sequence[int]) -> str:
    """Return the note of records that are left out."""
    several = len(records) > 1
    lines = ", ".join(str(source.line(k)) for k in records[:MOST_LISTED])
    lines += ", ..." * (len(records) > MOST_LISTED)
    noun, comma, more = kind.partition(" with ")
    article = "an" if kind[0] == "e" else "a"
    count = f"{len(records)} {noun}s{comma}{more}" if several else f"{article} {kind}"
    return f"{count} amid the rows left out (line{'s' * several} {lines})"


def _full_remarks(
    source: Records, first: int, end: int, sample: Sequence[Sequence[str]]
) -> list[int]:
    """Return records amid the rows that begin with a mark of comments and fit by chance."""
    numeric = [LOOKS_NUMERIC.match(row[0].strip()) is not None for row in sample]
    if not numeric or sum(numeric) < (1 - FEW) * len(numeric):
        return []
    starts = source.layout.starts[first:end]
    codes = np.frombuffer(source.text, np.uint8)
    marked = starts[np.isin(codes[np.minimum(starts, len(codes) - 1)], [ord("#"), ord("%")])]
    records = [int(k) for k in np.searchsorted(source.layout.starts, marked)]
    return [k for k in records if not EXCEL_ERROR.match(source.record(k))]


def _repeated_headers(source: Records, top: Header, first: int, end: int) -> list[int]:
    """Return records that are the header again, as in files that were put together."""
    if not top.named or first == 0:
        return []
    line = np.frombuffer(source.record(first - 1).rstrip(b"\n"), np.uint8)
    starts, codes = source.layout.starts, np.frombuffer(source.text, np.uint8)
    lengths = np.diff(starts[first : end + 1])
    candidates = np.flatnonzero((lengths == len(line) + 1) | (lengths == len(line))) + first
    for k, code in enumerate(line):
        candidates = candidates[codes[np.minimum(starts[candidates] + k, len(codes) - 1)] == code]
        if not candidates.size:
            break
    return candidates.tolist()
