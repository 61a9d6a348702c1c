"""`read_cells` and `read_table`: a table from wherever and however somebody keeps it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import DataError
from ...lazy import LazyModule
from ..columns import typed_frame
from .archives import unpacked
from .builtin import BUILT_IN, built_in
from .columnar import read_columnar
from .databases import read_database, read_database_address
from .delimited import LINE, read_delimited
from .formats import DELIMITERS, format_of
from .joining import Part, joined
from .json_records import read_json, read_json_lines
from .mixtures import of_one_type
from .sources import Origin, origins
from .spreadsheets import read_workbook
from .table import Table

pd = LazyModule("pandas")

ZONED = re.compile(r"\d:\d\d.*(?:\dZ|[+-]\d\d:?\d\d|\s[A-Z]{3,4})$")
MOST_NOTED = 3  # files whose notes are quoted


@dataclass(frozen=True)
class Options:
    """What is asked of a file: a line of names, a query, a sheet, an encoding, what stays text."""

    header: bool | None = None
    query: str | None = None
    sheet: str | None = None
    encoding: str | None = None
    as_text: frozenset[str] = frozenset()


def read_cells(
    source: str | Path | Sequence[str | Path],
    header: bool | None = None,
    *,
    query: str | None = None,
    sheet: str | None = None,
    encoding: str | None = None,
    as_text: Collection[str] = (),
) -> Table:
    """Read a table with its cells as they stand.

    In text files a column of plain numbers is one of numbers, unless some have leading zeros as
    codes do; a column of True and False one of truth values. All other columns hold texts: "NA",
    "?", "1,200", "12 kg" and dates stay as they are written, and only empty cells are missing.
    Columns of Parquet files, workbooks and databases have the types that they have there.

    Parameters
    ----------
    source, header, query, sheet, encoding
        As of `read_table`.
    as_text : collection of str, optional
        Columns of text files that stay texts, though they look like plain numbers: 2.000 is 2000
        where the comma is the decimal mark.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        As of `read_table`.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "t.csv")
    >>> _ = path.write_text("zip;price;weight\\n00123;3.5;12 kg\\n04711;4;?\\n")
    >>> table = read_cells(path)
    >>> table.frame.to_dict("list")
    {'zip': ['00123', '04711'], 'price': [3.5, 4.0], 'weight': ['12 kg', '?']}
    >>> table.notes
    ('semicolons divide the cells',)
    """
    if isinstance(source, (str, Path)) and str(source) in BUILT_IN and not Path(source).exists():
        _refuse_options(str(source), query, sheet, header, encoding)
        return built_in(str(source))
    name, several, notes = origins(source)
    options = Options(header, query, sheet, encoding, frozenset(as_text))
    parts = []
    for origin in several:
        frame, more = _read(origin, options)
        lines = frame.index.to_numpy() if frame.index.name == LINE else None
        frame = frame.reset_index(drop=True)
        parts.append((_part(origin, frame, options), more))
    if len(parts) == 1 and not parts[0][0].keys:
        return Table(name, parts[0][0].frame, None, None, notes + parts[0][1], lines=lines)
    frame, changes = joined([part for part, _ in parts])
    said = [(part.name, note) for part, more in parts for note in more]
    notes += (*_of_files(said), *changes)
    return Table(name, frame, None, None, notes)


def read_table(
    source: str | Path | Sequence[str | Path],
    header: bool | None = None,
    *,
    query: str | None = None,
    sheet: str | None = None,
    encoding: str | None = None,
    kinds: Mapping[str, str] | None = None,
) -> Table:
    """Read a table: its columns as numbers, dates and texts, however they are written.

    A file that exists wins over a built-in set of the same name.

    Parameters
    ----------
    source : str, Path or sequence of them
        ``digits``, ``iris``, ``wine``, ``breast_cancer``, ``diabetes``; a CSV, TSV, Excel
        (``.xlsx``, ``.ods``), JSON, JSON lines, Parquet, Feather, SQLite or DuckDB file, also
        packed (``.gz``, ``.bz2``, ``.xz``, ``.zip``); a folder or a pattern of files; ``-`` for
        standard input; or an address (``https://...``, ``postgresql://...``). The rows of several
        come one after the other.
    header : bool, optional
        Whether the first line of a text file or sheet names the columns. By default a first line
        that looks like the rows below it counts as data.
    query : str, optional
        Of a database: SQL, or the name of a table.
    sheet : str, optional
        Of a workbook: the name of a sheet, or its number from 1.
    encoding : str, optional
        Of a text or JSON file, as Python names it: ``"cp1250"``. By default the bytes tell.
    kinds : mapping of str to str, optional
        What columns hold, where that is not to be decided: `chainrule.data.columns.KINDS`.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        The file is missing, empty, unreadable, or has no rows; a row does not fit: with its line.

    Examples
    --------
    >>> table = read_table("iris")
    >>> table.frame.shape, table.target, table.task
    ((150, 5), 'species', 'classification')

    The built-in sets are those of scikit-learn (Pedregosa et al., 2011, JMLR 12).
    """
    cells = read_cells(source, header, query=query, sheet=sheet, encoding=encoding)
    return typed_table(cells, kinds)


def typed_table(table: Table, kinds: Mapping[str, str] | None = None, refuse: bool = True) -> Table:
    """Return a table of `read_cells` as `read_table` has it.

    Without `refuse`, a column that cannot be read is one of text, with a note; see
    `chainrule.data.columns.learn_readings`.
    """
    if table.target is not None and not kinds:
        return table
    typed, readings = typed_frame(table.frame, kinds, refuse)
    frame = _without_zones(typed, table.frame)
    notes = tuple(
        note if note.startswith("column ") else f"column {one.name!r}: {note}"  # faults name it
        for one in readings for note in one.notes
    )  # fmt: skip
    return replace(table, frame=frame, notes=table.notes + notes, readings=readings)


def _without_zones(frame: Any, cells: Any) -> Any:
    """Return a table whose dates have a zone, UTC, only if one is written in a cell of them."""
    plain = {}
    for name in frame.columns:
        column, written = frame[name], cells[name]
        if not isinstance(column.dtype, pd.DatetimeTZDtype) or isinstance(
            written.dtype, pd.DatetimeTZDtype
        ):
            continue
        texts = written[written.notna()].astype(str)
        if not texts.str.contains(ZONED).any():
            plain[name] = column.dt.tz_localize(None)
    return frame.assign(**plain) if plain else frame


def _part(origin: Origin, frame: Any, options: Options) -> Part:
    def reread(columns: frozenset[str]) -> Any:
        return _read(origin, replace(options, as_text=options.as_text | columns))[0].reset_index(
            drop=True
        )

    return Part(origin.name, frame, reread, origin.keys)


def _read(origin: Origin, options: Options) -> tuple[Any, tuple[str, ...]]:
    """Return the table at one place, and what was decided in reading it."""
    name, header, query = origin.name, options.header, options.query
    encoding = options.encoding
    if origin.is_database:
        _refuse_options(name, None, options.sheet, header, encoding)
        return _of_one_type(*read_database_address(origin.source, query))
    raw, notes = unpacked(origin.read(), origin.member)
    kind, more = format_of(raw)
    notes += more
    if kind in ("sqlite", "duckdb"):
        _refuse_options(raw.name, None, options.sheet, header, encoding)
        if raw.name != origin.source:
            raise DataError(f"{raw.name} is a database: unpack it, and give its file")
        frame, more = _of_one_type(*read_database(origin.source, kind, query))
    elif kind in ("excel", "opendocument"):
        _refuse_options(raw.name, query, encoding=encoding)
        frame, more = read_workbook(raw, kind, header, options.sheet)
    elif kind == "text":
        _refuse_options(raw.name, query, options.sheet)
        frame, more = read_delimited(
            raw.name, raw.content, header, DELIMITERS.get(raw.ending), options.as_text,
            encoding,
        )  # fmt: skip
    else:
        _refuse_options(raw.name, query, options.sheet, header)
        if kind == "json":
            frame, more = _of_one_type(*read_json(raw.name, raw.content, encoding))
        elif kind == "json lines":
            frame, more = _of_one_type(*read_json_lines(raw.name, raw.content, encoding))
        else:
            _refuse_options(raw.name, encoding=encoding)
            frame, more = _of_one_type(*read_columnar(raw.name, raw.content, kind))
    return _checked(raw.name, frame), notes + more


def _of_one_type(frame: Any, notes: tuple[str, ...]) -> tuple[Any, tuple[str, ...]]:
    frame, more = of_one_type(frame)
    return frame, notes + more


def _refuse_options(
    name: str,
    query: str | None = None,
    sheet: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
) -> None:
    """Refuse options that do not concern a file of its format."""
    if query is not None:
        raise DataError(f"{name} is no database, and has no use for a query: leave it out")
    if sheet is not None:
        raise DataError(f"{name} is no workbook, and has no sheet {sheet!r}: leave it out")
    if header is not None:
        raise DataError(f"{name} names its columns itself: leave header= out")
    if encoding is not None:
        raise DataError(f"{name} is no text file, and says itself how it is encoded: leave the "
                        "encoding out")  # fmt: skip


def _checked(name: str, frame: Any) -> Any:
    """The frame with text names, after refusing one that holds nothing to learn from."""
    names = [str(column).strip() for column in frame.columns]
    if len(set(names)) < len(names):
        twice = next(each for each in names if names.count(each) > 1)
        raise DataError(f"{name}: two columns are named {twice!r}; rename one of them")
    frame.columns = names
    if frame.shape[0] == 0:
        raise DataError(f"{name} has a header but no rows; add rows of data")
    return frame


def _of_files(said: list[tuple[str, str]]) -> list[str]:
    """Return the notes of several files: one for each text, with the files that it is of."""
    files: dict[str, list[str]] = {}
    for name, note in said:
        files.setdefault(note, []).append(name)
    notes = []
    for note, names in files.items():
        more = f" and {len(names) - MOST_NOTED} more" if len(names) > MOST_NOTED else ""
        notes.append(f"{', '.join(names[:MOST_NOTED])}{more}: {note}")
    return notes
