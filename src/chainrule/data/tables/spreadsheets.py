"""Sheets of .xlsx, .xlsm and .ods workbooks as tables; formulas count with their stored results."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

from ...errors import DataError
from ...lazy import LazyModule
from ..unpacking import check_unpacked
from .footers import find_footer
from .formats import RawTable
from .header import Header, find_header
from .mixtures import cell_text
from .naming import distinct_names, without_idle_columns
from .sheet_cells import SheetCells, as_displayed, column_number, sheet_cells
from .sheet_mixtures import of_one_custom
from .sums import without_sums

pd = LazyModule("pandas")

ENGINES = {"excel": "openpyxl", "opendocument": "odf"}
PACKAGES = {"openpyxl": "openpyxl", "odf": "odfpy"}
HEAD_ROWS, TAIL_ROWS = 300, 60
MOST_LISTED = 8
LEAST_ROWS = 2
# Of a cell with a formula and no result, as programs write it that do not compute
WITHOUT_RESULT = re.compile(
    rb"<c\b[^>]*>\s*<f\b[^>]*?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>"
)
SHEET = re.compile(rb'<sheet\b[^>]*\br:id="([^"]+)"')
SHEET_TAG = re.compile(rb"<sheet\b[^>]*>")
RELATION = re.compile(rb"<Relationship\b[^>]*>")
ATTRIBUTE = re.compile(rb'(\w+)="([^"]*)"')
ROW = re.compile(rb'<row\b[^>]*?\br="(\d{1,8})"')
COLUMN = re.compile(rb'<c\b[^>]*?\br="([A-Z]{1,4})\d')
REPEATED_ROW = re.compile(
    rb'<table:table-row\b[^>]*number-rows-repeated="(\d{5,})"[^>]*>(.*?)</table:table-row>',
    re.DOTALL,
)
REPEATED_CELL = re.compile(
    rb'<table:table-cell\b(?=[^>]*office:value-type)[^>]*number-columns-repeated="(\d{5,})"'
)
VALUE = b"office:value-type"
CELL_BYTES = 100  # of memory, in Python
STYLES = "xl/styles.xml"


def read_workbook(
    raw: RawTable, kind: str, header: bool | None = None, sheet: str | None = None
) -> tuple[Any, tuple[str, ...]]:
    """Return a sheet of a workbook as a table, and what was decided in reading it.

    Parameters
    ----------
    raw : RawTable
    kind : str
        ``excel`` or ``opendocument``.
    header : bool, optional
        Whether a row names the columns; decided if left out.
    sheet : str, optional
        The sheet's name, or its number from 1. By default the first that holds a table.

    Raises
    ------
    DataError
        If it is damaged or unpacks to too much; has no such sheet; or a formula has no result.
    """
    _check_size(raw)
    engine = ENGINES[kind]
    try:
        with warnings.catch_warnings(), pd.ExcelFile(io.BytesIO(raw.content), engine) as book:
            warnings.simplefilter("ignore")  # of styles and rules for input, which do not matter
            names = [str(name) for name in book.sheet_names]
            visible = _visible(raw, kind, names)
            chosen = [*visible, *visible] if sheet is None else [_named_sheet(raw, names, sheet)]
            for attempt, name in enumerate(chosen):
                content = _sheet_content(raw, kind, names.index(name))
                _check_extent(raw, content)
                cells = pd.read_excel(book, sheet_name=name, header=None, dtype=object,
                                      keep_default_na=False, na_values=[""])  # fmt: skip
                cells = _trimmed(cells)
                is_wide = cells.shape[1] > 1 or attempt >= len(visible) or len(visible) == 1
                if (len(cells) >= LEAST_ROWS and is_wide) or (sheet is not None and len(cells)):
                    break
            else:
                raise DataError(f"{raw.name} has no sheet with a header and rows: it has "
                                f"{_listed(names)}")  # fmt: skip
    except DataError:
        raise
    except ImportError as error:
        package = PACKAGES[engine]
        raise DataError(
            f"reading {raw.name} needs {package}: pip install 'chainrule[excel]'"
        ) from error
    except Exception as error:  # neither reader has a common base class for damaged files
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"{raw.name} is not a readable workbook: {reason:.120}") from error
    notes: tuple[str, ...] = ()
    if sheet is None and len(names) > 1:
        others = _listed([other for other in names if other != name])
        notes = (f"sheet {name!r} is read; the workbook has {others}, too (--sheet)",)
    marked = SheetCells()
    if kind == "excel":
        _check_formulas(raw, name, content)
        marked = sheet_cells(content, _styles(raw))
    frame, more = _table(f"{raw.name}, sheet {name!r}", cells, header, marked)
    return frame, notes + more


def _check_size(raw: RawTable) -> None:
    """Refuse a workbook that unpacks to too much, before it is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw.content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise DataError(f"{raw.name} is not a whole workbook ({error}); save it again") from error
    check_unpacked(raw.name, len(raw.content), sum(entry.file_size for entry in entries))


def _visible(raw: RawTable, kind: str, names: Sequence[str]) -> list[str]:
    """Return the sheets that are not hidden, or all if no other is there."""
    if kind != "excel":
        return list(names)
    with zipfile.ZipFile(io.BytesIO(raw.content)) as archive:
        tags = SHEET_TAG.findall(archive.read("xl/workbook.xml"))
    visible = [name for name, tag in zip(names, tags, strict=False) if b'state="' not in tag
             or b'state="visible"' in tag]  # fmt: skip
    return visible if len(tags) == len(names) and visible else list(names)


def _styles(raw: RawTable) -> bytes:
    with zipfile.ZipFile(io.BytesIO(raw.content)) as archive:
        return archive.read(STYLES) if STYLES in archive.namelist() else b""


def _named_sheet(raw: RawTable, names: Sequence[str], sheet: str) -> str:
    if sheet in names:
        return sheet
    if sheet.isdigit() and 1 <= int(sheet) <= len(names):
        return names[int(sheet) - 1]
    raise DataError(f"{raw.name} has no sheet {sheet!r}: it has {_listed(names)}")


def _sheet_content(raw: RawTable, kind: str, index: int) -> bytes:
    """Return the XML of a sheet."""
    with zipfile.ZipFile(io.BytesIO(raw.content)) as archive:
        if kind == "opendocument":
            return archive.read("content.xml")
        sheets = SHEET.findall(archive.read("xl/workbook.xml"))
        targets = {}
        for relation in RELATION.findall(archive.read("xl/_rels/workbook.xml.rels")):
            attributes = dict(ATTRIBUTE.findall(relation))
            targets[attributes.get(b"Id")] = attributes.get(b"Target", b"").decode()
        path = targets.get(sheets[index], "") if index < len(sheets) else ""
        path = path.removeprefix("/") if path.startswith("/") else f"xl/{path}"
        return archive.read(path) if path in archive.namelist() else b""


def _check_extent(raw: RawTable, content: bytes) -> None:
    """Refuse a sheet with few cells far apart, or repeated many times: all between take memory."""
    columns = {column_number(name) for name in set(COLUMN.findall(content))}
    rows = max(map(int, ROW.findall(content)), default=0)
    cells = rows * max(columns, default=0)
    for count, row in REPEATED_ROW.findall(content):
        if VALUE in row:
            cells = max(cells, int(count))
    cells = max([cells, *map(int, REPEATED_CELL.findall(content))])
    check_unpacked(raw.name, len(raw.content), cells * CELL_BYTES)


def _check_formulas(raw: RawTable, sheet: str, content: bytes) -> None:
    """Refuse formulas without results, which would be empty cells."""
    if b"<f" in content and (empty := len(WITHOUT_RESULT.findall(content))):
        raise DataError(
            f"{raw.name}, sheet {sheet!r}: {empty} formulas have no stored result: open the file "
            "in a spreadsheet program and save it, or save it as CSV"
        )


def _trimmed(cells: Any) -> Any:
    """Return the cells without empty rows and columns around them."""
    blank = [name for name in cells.columns if cells[name].dtype == object]
    for name in blank:
        column = cells[name]
        spaces = column.map(lambda cell: isinstance(cell, str) and not cell.strip())
        cells[name] = column.mask(spaces.astype(bool))
    filled = cells.notna()
    columns = filled.any(axis=0).to_numpy().nonzero()[0]
    if not columns.size:
        return cells.iloc[:0]
    last = filled.any(axis=1).to_numpy().nonzero()[0]
    return cells.iloc[: last[-1] + 1, columns[0] : columns[-1] + 1]


def _table(
    name: str, cells: Any, header: bool | None, marked: SheetCells
) -> tuple[Any, tuple[str, ...]]:
    """Return the table among the cells of a sheet."""
    width = cells.shape[1]
    head = _as_rows(cells.iloc[:HEAD_ROWS])
    labels = [f"row {k + 1}" for k in cells.index]
    top = find_header(name, head, labels, width, header)
    rest = cells.iloc[top.first :]
    tail = _as_rows(rest.iloc[-TAIL_ROWS:])
    sample = _as_rows(rest.iloc[: max(len(rest) - 3, len(rest) // 2)].head(HEAD_ROWS))
    footer = find_footer(tail, labels[-len(tail) :] if tail else [], sample, width)
    body = rest.iloc[: len(rest) - footer.rows]
    if not len(body):
        raise DataError(f"{name} has a header but no rows; add rows of data")
    _check_alone(name, top, body)
    body, changes = as_displayed(name, body, marked)
    names, renamed = _names(top)
    notes = (*top.notes, *footer.notes, *renamed, *changes)
    empty = body.isna().all(axis=1)
    if empty.any():
        rows = [labels[cells.index.get_loc(k)] for k in body.index[empty]][:MOST_LISTED]
        notes += (f"{int(empty.sum())} empty rows amid the data are left out ({', '.join(rows)})",)
        body = body[~empty]
    columns = {}
    for k, column in enumerate(names):
        columns[column], more = _typed(body.iloc[:, k], column, name)
        notes += more
    frame = pd.DataFrame(columns).reset_index(drop=True)
    frame, idle = without_idle_columns(frame, list(top.names))
    frame, sums = without_sums(frame)
    return frame.reset_index(drop=True), notes + idle + sums


def _check_alone(name: str, top: Header, body: Any) -> None:
    """Refuse a second table to the right of an empty column, with names and other rows."""
    filled = body.notna()
    gaps = [k for k in range(1, body.shape[1] - 1)
            if not top.names[k] and not filled.iloc[:, k].any()]  # fmt: skip
    if not top.named or not gaps:
        return
    gap = gaps[-1]
    left, right = filled.iloc[:, :gap].any(axis=1), filled.iloc[:, gap + 1 :].any(axis=1)
    ends = [int(part.to_numpy().nonzero()[0][-1]) if part.any() else -1 for part in (left, right)]
    are_named = any(top.names[:gap]) and all(top.names[gap + 1 :]) and body.shape[1] - gap > 2
    if are_named and 0 <= ends[0] != ends[1]:
        raise DataError(
            f"{name}: another table, with the columns {_listed(top.names[gap + 1 :])}, stands to "
            "the right of an empty column: put each table on a sheet of its own"
        )


def _names(top: Header) -> tuple[list[str], tuple[str, ...]]:
    names, renamed = distinct_names(top.names)
    return names, renamed if top.named else ()


def _as_rows(cells: Any) -> list[list[str]]:
    """Return cells as the texts that a CSV file would hold."""
    return [
        ["" if _is_missing(cell) else cell_text(cell) for cell in row]
        for row in cells.itertuples(index=False)
    ]


def _is_missing(cell: Any) -> bool:
    return cell is None or cell is pd.NaT or cell != cell


def _typed(column: Any, name: str, sheet: str) -> tuple[Any, tuple[str, ...]]:
    """Return a column of one type of cells; of several types the texts of all."""
    column, changes = of_one_custom(column, name, sheet)
    known = column.dropna()
    kinds = {_kind(cell) for cell in known}
    missing = bool(column.isna().any())
    if kinds <= {"whole"} and not missing and len(known):
        return column.astype("int64"), changes
    if kinds <= {"whole", "number"}:
        return column.astype("float64"), changes
    if kinds == {"truth"}:
        return (column if missing else column.astype(bool)), changes
    if kinds == {"date"}:
        return pd.to_datetime(column), changes
    texts = column.map(cell_text, na_action="ignore")
    texts = texts.map(lambda text: text.strip(), na_action="ignore")
    if len(kinds) > 1:
        kind = ", ".join(sorted(f"{each}s".replace("wholes", "numbers") for each in kinds))
        return texts, (f"column {name!r} holds {kind}: it is read as their texts", *changes)
    return texts, changes


def _kind(cell: Any) -> str:
    if isinstance(cell, bool):
        return "truth"
    if isinstance(cell, int):
        return "whole" if abs(cell) < 2**63 else "text"
    if isinstance(cell, float):
        return "number"
    if isinstance(cell, (datetime, pd.Timestamp)):
        return "date"
    return "time" if isinstance(cell, (time, timedelta)) else "text"


def _listed(names: Sequence[str]) -> str:
    listed = ", ".join(map(repr, names[:MOST_LISTED]))
    return f"{listed} and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else listed
