"""pandas on the rows of a text: typed columns, with the cells that typing would change as texts."""

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
from ..columns.doubts import doubtful_floats
from .layout import holds
from .records import Body, Records
from .writing import coded_floats, codes_of, is_power_code, without_enclosure, without_marks

pd = LazyModule("pandas")

EXACT = 2.0**53  # whole numbers beyond are not all floats
WHOLE = re.compile(r"[+-]?\d+(\.0*)?")
INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
HARD_SPACE = "\N{NO-BREAK SPACE}".encode()
TRUTHS = {"True": True, "TRUE": True, "true": True,
          "False": False, "FALSE": False, "false": False}  # fmt: skip


def parsed(
    source: Records, body: Body, columns: Sequence[str], as_text: Collection[str]
) -> tuple[Any, tuple[str, ...]]:
    """Return the rows as pandas types them, with texts where a number is a code; and notes."""
    layout = source.layout
    texts = {columns[k] for k in layout.coded if k < len(columns)} | set(as_text)
    texts |= codes_of(columns)
    parser = _Parser(source, body, list(columns))
    frame = parser.frame(list(columns), set())  # texts by themselves: faster than being told to
    rows = body.end - body.first - len(body.dropped)
    if len(frame) != rows:
        raise DataError(
            f"{source.name}: {rows} rows are counted and {len(frame)} are read, as where a quote "
            "stands amid a cell; quote such cells and double the quotes in them"
        )
    codes = {name for name in columns if name in texts and not _holds_texts(frame[name])}
    if codes:
        written = parser.frame([name for name in columns if name in codes], codes)
        for name in codes:
            frame[name] = written[name]
    kinds = dict(zip(columns, frame.dtypes, strict=True))
    again = {
        name for name in columns
        if name not in texts and kinds[name].kind in "fO" and _is_unsure(frame[name])
    }  # fmt: skip
    powers = coded_floats(frame, source.text)
    if powers:
        written = parser.frame([name for name in columns if name in powers], powers)
        for name in powers:
            frame[name] = written[name] if is_power_code(written[name]) else frame[name]
    if again:
        written = parser.frame([name for name in columns if name in again], again)
        for name in again:
            frame[name] = _exact(frame[name], written[name])
    thousands = doubtful_floats(frame)
    if thousands:  # 1.234 beside 0,5
        written = parser.frame([name for name in columns if name in thousands], thousands)
        for name in thousands:
            pointed = written[name].str.contains(".", regex=False).any()
            frame[name] = written[name] if pointed else frame[name]
    frame, notes = without_marks(frame, parser.frame, source.dialect.delimiter)
    if holds(source.text, b'="'):
        frame = without_enclosure(frame)
    is_padded = layout.padded or holds(source.text, HARD_SPACE)
    return (_stripped(frame) if is_padded else frame), notes


@dataclass(frozen=True)
class _Parser:
    """pandas on the rows of a text."""

    source: Records
    body: Body
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


def _holds_texts(column: Any) -> bool:
    """Whether all cells that are not missing have stayed as they are written."""
    if isinstance(column.dtype, pd.StringDtype):
        return True
    inferred = pd.api.types.infer_dtype(column, skipna=True) if column.dtype == object else ""
    return bool(inferred == "string")


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
