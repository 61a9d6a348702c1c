"""Where the records of a delimited text lie, and how many cells each has: one pass over its bytes.

pandas fills a short row with missing cells and says nothing. Here each record is counted first, so
that a row which does not fit is an error with its line, and so that titles above the header and
sums below the data can be told from rows.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError

CHUNK = 2**18  # bytes: masks of one fit into the cache
LINE_FEED, SPACE, ZERO, NINE = 10, 32, 48, 57
CODE = re.compile(r"\s*0\d")


@dataclass(frozen=True)
class Dialect:
    """How the cells of a line are told apart.

    Attributes
    ----------
    delimiter : str
        Between two cells; empty for a table of one column.
    quote : str
        Around cells that hold delimiters: ``"``, ``'`` or empty.
    escape : str
        Before quotes inside of quotes, ``\\`` or empty: there they are doubled.
    """

    delimiter: str
    quote: str = '"'
    escape: str = ""

    def reader(self, lines: Any) -> Iterator[list[str]]:
        """Return the cells of each record of an iterator of lines."""
        delimiter = self.delimiter or "\x1f"
        if not self.quote:
            return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
        if self.escape:
            return csv.reader(lines, delimiter=delimiter, quotechar=self.quote,
                              doublequote=False, escapechar=self.escape)  # fmt: skip
        return csv.reader(lines, delimiter=delimiter, quotechar=self.quote, skipinitialspace=True)


@dataclass(frozen=True)
class Layout:
    """The records of a text.

    Attributes
    ----------
    starts : array of int64, shape (records + 1,)
        Where each begins, in bytes, and where the last ends.
    fields : array of int64, shape (records,)
        How many cells each has; 0 for a blank line.
    lines : array of int64, shape (records,)
        In which line of the file each begins, from 1.
    padded : bool
        Whether a space stands at an end of some cell.
    coded : tuple of int
        Columns in which a number begins with a zero, as codes do: 00123.
    """

    starts: NDArray[np.int64]
    fields: NDArray[np.int64]
    lines: NDArray[np.int64]
    padded: bool = False
    coded: tuple[int, ...] = ()


def layout_of(name: str, content: bytes, dialect: Dialect) -> Layout:
    """Return where the records of a text lie, whose lines end with a line feed.

    Raises
    ------
    DataError
        If a quote is opened and never closed, with its line.

    Examples
    --------
    >>> layout = layout_of("a.csv", b'a,b\\n1,"x\\ny"\\n\\n007,4,5', Dialect(","))
    >>> layout.fields.tolist(), layout.lines.tolist(), layout.coded
    ([2, 2, 0, 3], [1, 2, 4, 5], (0,))
    """
    scan = _Scan(content, dialect)
    scan.read()
    return scan.layout() if scan.is_regular() else _read_layout(name, content, dialect)


def holds(text: bytes, part: bytes) -> bool:
    """Whether a text holds some bytes: where it lacks one of them, that is seen much faster.

    Examples
    --------
    >>> holds(b"a,b", b",b"), holds(b"a,b", b"a;")
    (True, False)
    """
    return all(code in text for code in part) and part in text


class _Scan:
    """Ends of records, and what else is seen in one pass over the bytes."""

    def __init__(self, content: bytes, dialect: Dialect) -> None:
        self._content, self._codes = content, np.frombuffer(content, np.uint8)
        self._space = -1  # where the next space stands
        self._delimiter = ord(dialect.delimiter) if dialect.delimiter else LINE_FEED
        has_quotes = bool(dialect.quote) and dialect.quote.encode() in content
        self._quote = ord(dialect.quote) if has_quotes else 0
        self._escaped = bool(dialect.escape) and has_quotes
        self._parity = 0  # of the quotes so far: 1 inside of a quoted cell
        self._cells = 0  # of the record that a chunk begins with, before it
        self._width = 0  # cells of the last record
        self._ends: list[NDArray[np.int64]] = []
        self._fields: list[NDArray[np.int64]] = []
        self._is_regular = not self._escaped
        self._is_broken = False  # a line ends inside of quotes
        self._coded: set[int] = set()
        self._padded = False

    def read(self) -> None:
        """Look at all bytes, a chunk at a time."""
        for start in range(0, len(self._codes), CHUNK):
            self._read_chunk(start, self._codes[start : start + CHUNK + 2])  # two to look ahead

    def _read_chunk(self, start: int, chunk: NDArray[np.uint8]) -> None:
        size = min(CHUNK, len(self._codes) - start)
        feeds = chunk == LINE_FEED
        edge = (chunk == self._delimiter) | feeds
        border = edge
        if self._quote:
            quoted = chunk == self._quote
            count = np.cumsum(quoted, dtype=np.uint8) + np.uint8(self._parity)  # modulo 256
            inside = (count & 1).view(bool)
            self._look_at_quotes(start, edge, quoted, inside)
            self._is_broken |= bool((feeds & inside).any())
            self._parity = int(inside[size - 1])
            border, edge = edge | quoted, edge & ~inside
        ends = np.flatnonzero(edge[:size])
        last = self._last_cells(chunk, ends, int(np.count_nonzero(feeds[:size])))
        if self._has_space(start, len(chunk)):
            border = self._with_padding(start, chunk, border)
        if start == 0 and chunk[0] == ZERO and NINE >= chunk[1:2].max(initial=0) >= ZERO:
            self._coded.add(0)
        zero = border[:-2] & (chunk[1:-1] == ZERO)
        if zero.any():
            zero &= chunk[2:] - np.uint8(ZERO) < 10
            positions = np.flatnonzero(zero[:size]) + 1
            if positions.size:
                self._note_codes(positions, ends, last)
        self._ends.append(ends[last] + start)
        fields = last.copy()
        fields[1:] -= last[:-1]
        fields[:1] += self._cells + 1
        self._fields.append(fields)
        self._width = int(fields[-1]) if len(fields) else self._width
        self._cells = len(ends) - 1 - int(last[-1]) if len(last) else self._cells + len(ends)

    def _last_cells(
        self, chunk: NDArray[np.uint8], ends: NDArray[np.int64], feeds: int
    ) -> NDArray[np.int64]:
        """Return which ends of cells are ends of records: mostly each so-and-so-many-th."""
        if self._width > self._cells:
            last = np.arange(self._width - 1 - self._cells, len(ends), self._width)
            if len(last) == feeds and (chunk[ends[last]] == LINE_FEED).all():
                return last
        return np.flatnonzero(chunk[ends] == LINE_FEED)

    def _has_space(self, start: int, size: int) -> bool:
        """Whether a space stands in a chunk."""
        if self._space < start:
            self._space = self._content.find(b" ", start)
            self._space = len(self._codes) + CHUNK if self._space < 0 else self._space
        return self._space < start + size

    def _with_padding(
        self, start: int, chunk: NDArray[np.uint8], border: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Look for spaces at the ends of cells; once there are such, all are borders as well."""
        space = chunk == SPACE
        if not self._padded:
            touching = (border[:-1] & space[1:]) | (space[:-1] & border[1:])
            at_end = start + len(chunk) == len(self._codes) and space[-1]
            self._padded = bool(touching.any() or at_end or (start == 0 and space[0]))
        return border | space if self._padded else border

    def _note_codes(
        self, positions: NDArray[np.int64], ends: NDArray[np.int64], last: NDArray[np.int64]
    ) -> None:
        """Note the columns of the cells at some positions of a chunk."""
        cells = np.searchsorted(ends, positions)
        first = np.concatenate([[-self._cells], last + 1])
        self._coded.update(np.unique(cells - first[np.searchsorted(last, cells)]).tolist())

    def _look_at_quotes(
        self, start: int, edge: NDArray[np.bool_], quoted: NDArray[np.bool_],
        inside: NDArray[np.bool_],
    ) -> None:  # fmt: skip
        """Note whether quotes open where a cell begins, and close where one ends."""
        size = min(CHUNK, len(edge))
        lead = min(2, start)
        before = self._codes[start - lead : start + size - 1]  # from two bytes before the chunk
        ends = (before == self._delimiter) | (before == LINE_FEED)
        opens = ends | (before == self._quote)
        opens[1:] |= (before[1:] == SPACE) & ends[:-1]
        opens = opens[1:] if lead == 2 else np.append(True, opens) if lead == 0 else opens
        closes = edge | quoted | (self._codes[start : start + len(edge)] == SPACE)
        closes = np.append(closes[1:], True)[:size]  # what follows each byte
        # Where neither a quote that opens may stand nor one that closes
        strange = quoted[:size] & ~((inside[:size] & opens) | (~inside[:size] & closes))
        self._is_regular &= not bool(strange.any())

    def is_regular(self) -> bool:
        """Whether all quotes enclose cells, and each is closed."""
        return self._is_regular and self._parity == 0

    def layout(self) -> Layout:
        """Return the layout of a text with regular quotes."""
        ends, fields = np.concatenate(self._ends), np.concatenate(self._fields)
        size = len(self._codes)
        starts = np.concatenate([[0], ends + 1])
        if size > starts[-1]:  # the last line does not end with a line feed
            starts, fields = np.append(starts, size), np.append(fields, self._cells + 1)
        blank = (fields == 1) & (np.diff(starts) == 1)
        blank[-1:] &= self._codes[-1] == LINE_FEED
        lines = np.arange(1, len(starts))
        if self._is_broken:
            feeds = np.flatnonzero(self._codes == LINE_FEED)
            lines = np.searchsorted(feeds, starts[:-1]) + 1
        coded = tuple(sorted(self._coded))
        return Layout(starts, np.where(blank, 0, fields), lines, self._padded, coded)


def _read_layout(name: str, content: bytes, dialect: Dialect) -> Layout:
    """Return the layout as the csv module reads it, for quotes amid cells; slower."""
    consumed, count = 0, 0

    def lines() -> Iterator[str]:
        nonlocal consumed, count
        for line in content.split(b"\n"):
            consumed, count = consumed + len(line) + 1, count + 1
            yield line.decode() + "\n"

    starts, fields, numbers = [0], [], [1]
    coded: set[int] = set()
    reader = dialect.reader(lines())
    while True:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            raise DataError(f"{name}, line {numbers[-1]}: {_quote_fault(error)}") from error
        coded.update(k for k, cell in enumerate(row) if CODE.match(cell))
        fields.append(len(row))
        starts.append(min(consumed, len(content)))
        numbers.append(count + 1)
    if starts[-1] == starts[-2]:  # nothing comes after the last line feed
        starts, fields, numbers = starts[:-1], fields[:-1], numbers[:-1]
    _check_closed(name, content, dialect, starts, numbers)
    return Layout(
        np.array(starts), np.array(fields), np.array(numbers[:-1]), True, tuple(sorted(coded))
    )


def _check_closed(
    name: str, content: bytes, dialect: Dialect, starts: list[int], numbers: list[int]
) -> None:
    """Refuse a last record whose quote is never closed: it may hold all the rows after it."""
    tail = content[starts[-2] : starts[-1]].decode()
    closed = list(dialect.reader([*tail.split("\n"), f"{dialect.quote}\n"]))
    if len(closed) == 1 and tail.strip():
        line = tail.split("\n")[0]
        raise DataError(
            f"{name}, line {numbers[-2]}: a quote is opened and never closed: {line!r:.80}; close "
            "it, or double it if it is part of the text"
        )


def _quote_fault(error: csv.Error) -> str:
    if "field larger" in str(error):
        return "a cell of more than 131,072 letters, or a quote that is never closed; mend it"
    return f"it cannot be cut into cells ({error}); mend it"
