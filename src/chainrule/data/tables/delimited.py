"""A delimited text as a table: pandas parses the rows, once it is known where they begin and end."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DataError
from ...lazy import LazyModule
from ..decoding import to_utf8
from .dialect import Sniffed, sniff
from .footers import find_footer, without_sums
from .header import COMMENTS, LOOKS_NUMERIC, Header, find_header
from .layout import Dialect, Layout, layout_of
from .naming import ROW_NAMES, distinct_names, without_idle_columns

pd = LazyModule("pandas")

HEAD_ROWS, TAIL_ROWS = 300, 60
MOST_ODD = 10_000  # records that do not fit: more, and the first one is the error
EXACT = 2.0**53  # whole numbers beyond are not all floats
WHOLE = re.compile(r"[+-]?\d+(\.0*)?")
INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
FEW = 0.2
TRUTHS = {"True": True, "TRUE": True, "true": True,
          "False": False, "FALSE": False, "false": False}  # fmt: skip


def read_delimited(
    name: str,
    content: bytes,
    header: bool | None = None,
    delimiter: str | None = None,
    as_text: Collection[str] = (),
) -> tuple[Any, tuple[str, ...]]:
    """Return the table in the bytes of a text file, and what was decided in reading it.

    Parameters
    ----------
    name : str
        The file, for errors.
    content : bytes
    header : bool, optional
        Whether a line names the columns; decided if left out.
    delimiter : str, optional
        What the file's name promises.
    as_text : collection of str
        Columns whose cells stay texts.

    Raises
    ------
    DataError
        If a row does not fit, with its line; or there are no rows.

    Examples
    --------
    >>> frame, notes = read_delimited("a.csv", b"code;x\\n007;1.5\\n008;2\\n")
    >>> frame.to_dict("list"), notes
    ({'code': ['007', '008'], 'x': [1.5, 2.0]}, ('semicolons divide the cells',))
    """
    text, notes = to_utf8(name, content)
    if not text or text.isspace():
        raise DataError(f"{name} is empty; give a file with a header line and rows")
    sniffed = sniff(text, delimiter)
    notes += sniffed.notes
    start = 0
    for _ in range(sniffed.skipped):
        start = text.index(b"\n", start) + 1
    text = text[start:] if start else text
    if sniffed.spacing is not None:
        text = sniffed.spacing.tabbed(name, text)
    layout = layout_of(name, text, sniffed.dialect)
    source = _Source(name, text, sniffed, layout)
    width = source.width
    head, labels = source.rows(0, HEAD_ROWS)
    top = find_header(name, head, labels, width, header)
    body, more = _body(source, top, width)
    notes += (*top.notes, *more)
    names = list(top.names)
    if top.short:
        trailing = all(not row[-1].strip() for row in source.rows(body.first, min(body.end, body.first + HEAD_ROWS))[0])
        names = [*names, ""] if trailing else ["", *names]
    columns, renamed = distinct_names(names)
    if top.short and names[0] == "":
        columns[0] = ROW_NAMES if ROW_NAMES not in columns else columns[0]
        renamed = (f"the header is one name short, so the first column names the rows: {columns[0]}",)
    notes += renamed if top.named else ()
    frame = _parsed(source, body, columns, as_text)
    _check_trailing(source, top, frame, names)
    frame, idle = without_idle_columns(frame, names)
    frame, sums = without_sums(frame)
    if frame.shape[0] == 0:
        raise DataError(f"{name} has a header but no rows; add rows of data")
    return frame.reset_index(drop=True), (*notes, *idle, *sums)


@dataclass(frozen=True)
class _Source:
    """A text with the layout of its records."""

    name: str
    text: bytes
    sniffed: Sniffed
    layout: Layout

    @property
    def dialect(self) -> Dialect:
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
class _Body:
    """The records that are rows: from one up to another, without some in between."""

    first: int
    end: int
    dropped: tuple[int, ...]


def _body(source: _Source, top: Header, width: int) -> tuple[_Body, tuple[str, ...]]:
    """Return the records that are rows of the data."""
    fields = source.layout.fields
    first, end = top.first, len(fields)
    tail, labels = source.rows(max(first, end - TAIL_ROWS), end)
    sample, _ = source.rows(first, first + HEAD_ROWS)
    if end - first > HEAD_ROWS:
        middle, _ = source.rows(end - 2 * TAIL_ROWS, end - TAIL_ROWS)
        sample += middle
    sample = [row for row in sample if len(row) == width]
    # The last rows themselves tell nothing about what may stand below the data
    sample = sample[: max(len(sample) - 3, len(sample) // 2)] if end - first <= HEAD_ROWS else sample
    footer = find_footer(tail, labels, sample, width)
    end -= footer.rows
    notes = footer.notes
    odd = np.flatnonzero(fields[first:end] != width) + first
    if len(odd) > MOST_ODD:
        raise source.misfit(int(odd[0]), width)
    dropped: list[int] = []
    blank, remarks = [], []
    for k in map(int, odd):
        text = source.record(k).decode().strip()
        if not text:
            blank.append(k)
        elif text.startswith(COMMENTS):
            remarks.append(k)
        else:
            raise source.misfit(k, width)
    remarks = sorted({*remarks, *_full_remarks(source, first, end, sample)})
    repeated = _repeated_headers(source, top, first, end)
    for which, ks in (("blank lines", blank), ("comments", remarks), ("repeated headers", repeated)):
        if ks:
            lines = ", ".join(str(source.line(k)) for k in ks[:5]) + ", ..." * (len(ks) > 5)
            count = f"{len(ks)} {which}" if len(ks) > 1 else f"one of {which}"
            count = count.replace("one of blank lines", "a blank line").replace(
                "one of comments", "a comment").replace("one of repeated headers", "a repeated header")
            notes += (f"{count} amid the rows left out (line{'s' * (len(ks) > 1)} {lines})",)
        dropped += ks
    return _Body(first, end, tuple(sorted(set(dropped)))), notes


def _full_remarks(
    source: _Source, first: int, end: int, sample: Sequence[Sequence[str]]
) -> list[int]:
    """Return records amid the rows that begin with a mark of comments and fit by chance."""
    numeric = [LOOKS_NUMERIC.match(row[0].strip()) is not None for row in sample]
    if not numeric or sum(numeric) < (1 - FEW) * len(numeric):
        return []
    starts = source.layout.starts[first:end]
    codes = np.frombuffer(source.text, np.uint8)
    marked = starts[np.isin(codes[np.minimum(starts, len(codes) - 1)], [ord("#"), ord("%")])]
    return [int(k) for k in np.searchsorted(source.layout.starts, marked)]


def _repeated_headers(source: _Source, top: Header, first: int, end: int) -> list[int]:
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


def _check_trailing(source: _Source, top: Header, frame: Any, names: Sequence[str]) -> None:
    """Refuse rows with one cell more than names, unless that one is empty in all of them."""
    if not top.short or names[0] == "":
        return
    extra = frame.iloc[:, -1].notna().to_numpy()
    if extra.any():
        raise DataError(
            f"{source.name}: {len(names) - 1} columns are named and row {int(np.argmax(extra)) + 1} "
            f"has {len(names)} cells; name each column, or remove the last cell"
        )


def _parsed(
    source: _Source, body: _Body, columns: Sequence[str], as_text: Collection[str]
) -> Any:
    """Return the rows as pandas types them, with texts where a number is a code."""
    layout = source.layout
    texts = {columns[k] for k in layout.coded if k < len(columns)} | set(as_text)
    parser = _Parser(source, body, list(columns))
    frame = parser.frame(list(columns), texts)
    rows = body.end - body.first - len(body.dropped)
    if len(frame) != rows:
        raise DataError(
            f"{source.name}: {rows} rows are counted and {len(frame)} are read, as where a quote "
            "stands amid a cell; quote such cells and double the quotes in them"
        )
    again = {name for name in columns if name not in texts and _is_unsure(frame[name])}
    if again:
        written = parser.frame([name for name in columns if name in again], again)
        for name in again:
            frame[name] = _exact(frame[name], written[name])
    return _stripped(frame) if layout.padded else frame


@dataclass(frozen=True)
class _Parser:
    """pandas on the rows of a text."""

    source: _Source
    body: _Body
    columns: list[str]

    def frame(self, wanted: list[str], texts: Collection[str]) -> Any:
        """Return some of the columns; those of texts as they are written."""
        dialect = self.source.dialect
        quote = dialect.quote if dialect.quote.encode() in self.source.text else ""
        options: dict[str, Any] = {
            "sep": dialect.delimiter or "\x1f", "header": None, "names": self.columns,
            "index_col": False, "keep_default_na": False, "na_values": [""],
            "dtype": {name: str for name in wanted if name in texts},
            "skipinitialspace": self.source.layout.padded, "skip_blank_lines": False,
            "encoding": "utf-8",
        }  # fmt: skip
        if len(wanted) < len(self.columns):
            options["usecols"] = wanted
        if dialect.escape and quote:
            options |= {"quotechar": quote, "escapechar": dialect.escape, "doublequote": False}
        else:
            options |= {"quotechar": quote} if quote else {"quoting": 3}
        with warnings.catch_warnings():
            # Columns of several types are read again, as texts
            warnings.simplefilter("ignore", pd.errors.DtypeWarning)
            try:
                return pd.read_csv(self._rows(), **options)
            except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
                reason = str(error).strip().splitlines()[0]
                raise DataError(f"{self.source.name} cannot be cut into rows: {reason}") from error

    def _rows(self) -> io.BytesIO:
        """Return the bytes of the rows, at the first; not copied where they are all in a piece."""
        starts, first, end = self.source.layout.starts, self.body.first, self.body.end
        if not self.body.dropped:
            buffer = io.BytesIO(self.source.text)
            if starts[end] < len(self.source.text):
                buffer.truncate(int(starts[end]))
            buffer.seek(int(starts[first]))
            return buffer
        pieces, begin = [], first
        for k in (*self.body.dropped, end):
            pieces.append(self.source.text[starts[begin] : starts[k]])
            begin = k + 1
        return io.BytesIO(b"".join(pieces))


def _is_unsure(column: Any) -> bool:
    """Whether a column may have been changed in being read: numbers beyond floats, or a mixture."""
    if column.dtype.kind == "f":
        largest = np.nanmax(np.abs(column.to_numpy()), initial=0.0)
        return bool(largest >= EXACT)
    if column.dtype == object:
        return str(pd.api.types.infer_dtype(column, skipna=True)).startswith("mixed")
    return False


def _exact(column: Any, written: Any) -> Any:
    """Return a column with whole numbers and texts as they are written."""
    known = written.dropna().str.strip()
    if column.dtype == object:
        return written
    large = known[column[known.index].abs() >= EXACT]
    infinite = large[np.isinf(column[large.index])]
    if not infinite.str.fullmatch(INFINITE).all():
        return written  # 1e400 is beyond all floats
    whole = large.str.fullmatch(WHOLE)
    if not whole.any() or not known.str.fullmatch(WHOLE).all():
        return column
    try:
        return written.str.strip().str.removesuffix(".0").astype("Int64")
    except (ValueError, TypeError, OverflowError):
        return written


def _stripped(frame: Any) -> Any:
    """Return texts without spaces around them; of a cell of spaces nothing is left."""
    for name in frame.columns:
        column = frame[name]
        if column.dtype.kind in "OTU" or pd.api.types.is_string_dtype(column.dtype):
            if str(pd.api.types.infer_dtype(column, skipna=True)) != "string":
                continue  # truth values, some of them missing
            plain = column.str.strip()
            plain = plain.mask(plain == "")
            frame[name] = _truths(plain) if plain.isin([*TRUTHS, np.nan]).all() else plain
    return frame


def _truths(column: Any) -> Any:
    """Return the texts of truth values as pandas reads them without spaces."""
    values = column.map(TRUTHS)
    return values.astype(bool) if values.notna().all() else values.astype(object)
