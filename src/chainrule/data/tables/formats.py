"""The format of a file: by its first bytes where they tell, else by the ending of its name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...errors import DataError

TEXT_ENDINGS = (".csv", ".tsv", ".tab", ".txt", ".psv", ".dat", ".data", ".asc", ".prn")
LOOSE_ENDINGS = ("", ".txt", ".dat", ".data", ".asc", ".prn")  # that say nothing of the format
ENDINGS = {
    **dict.fromkeys(TEXT_ENDINGS, "text"),
    ".parquet": "parquet", ".pq": "parquet",
    ".feather": "arrow", ".arrow": "arrow", ".ipc": "arrow",
    ".xlsx": "excel", ".xlsm": "excel", ".ods": "opendocument",
    ".json": "json", ".jsonl": "json lines", ".ndjson": "json lines",
    ".db": "sqlite", ".sqlite": "sqlite", ".sqlite3": "sqlite",
    ".duckdb": "duckdb", ".ddb": "duckdb",
}  # fmt: skip
SUFFIXES = tuple(ENDINGS)
PACKED = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zip": "zip"}
DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".psv": "|"}
MARKS = (
    (b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\0", "xz"), (b"PK\3\4", "zip"),
    (b"PAR1", "parquet"), (b"ARROW1", "arrow"), (b"FEA1", "old feather"),
    (b"\xff\xff\xff\xff", "arrow"), (b"SQLite format 3\0", "sqlite"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old office"), (b"%PDF-", "PDF"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"), (b"\x89PNG", "PNG picture"), (b"\x93NUMPY", "NumPy array"),
    (b"PK\5\6", "empty archive"), (b"Rar!", "RAR archive"), (b"7z\xbc\xaf\x27\x1c", "7z archive"),
    (b"\x89HDF", "HDF5"), (b"Obj\1", "Avro"), (b"ORC", "ORC"),
)  # fmt: skip
REFUSED = {
    "old feather": "a Feather file of version 1: write it anew, with version 2",
    "old office": "a workbook of the old .xls format, or one with a password: save it as .xlsx "
    "without a password, or as CSV",
    "empty archive": "a ZIP archive with nothing in it: give one that holds a table",
    "Zstandard": "packed with Zstandard: unpack it first, with unzstd",
    "NumPy array": "a NumPy array: give a table, or an .npz with named arrays",
}
JSON_START = re.compile(rb'\{\s*"|\[\s*[{\[]')
WEB_PAGE = (b"<!doctype html", b"<html", b"<?xml", b"<table")


@dataclass(frozen=True)
class RawTable:
    """The bytes of one file, and how it is called.

    Attributes
    ----------
    name : str
        For errors.
    ending : str
        ``.csv`` of ``t.csv.gz``; empty where the name has none.
    content : bytes
    """

    name: str
    ending: str
    content: bytes


def packing_of(raw: RawTable) -> str | None:
    """Return how a file is packed, or None if it is not, with the format's own way left out."""
    if raw.content.startswith(b"PK\3\4"):
        return None if _zipped_format(raw) else "zip"
    kind = _mark(raw.content)
    if kind in PACKED.values():
        return kind
    if raw.ending in PACKED:
        raise DataError(f"{raw.name} is not a whole {PACKED[raw.ending]} file; make it anew")
    return None


def format_of(raw: RawTable) -> tuple[str, tuple[str, ...]]:
    """Return the format of an unpacked file, one of the values of `ENDINGS`, and what to note.

    Raises
    ------
    DataError
        If it is none that is read; with what it is, as far as its bytes tell.

    Examples
    --------
    >>> format_of(RawTable("a.txt", ".txt", b'[{"x": 1}]'))[0]
    'json'
    >>> format_of(RawTable("a.csv", ".csv", b"PAR1..."))
    ('parquet', ('the file is called .csv and holds parquet',))
    """
    kind = _zipped_format(raw) or _mark(raw.content)
    expected = ENDINGS.get(raw.ending)
    if kind in REFUSED:
        raise DataError(f"{raw.name} is {REFUSED[kind]}")
    if kind is not None:
        if kind not in ENDINGS.values():
            raise DataError(f"{raw.name} is a {kind} file, not a table; give a CSV, Parquet or "
                            "Excel file")  # fmt: skip
        if expected in (kind, None) or raw.ending in LOOSE_ENDINGS:
            return kind, ()
        return kind, (f"the file is called {raw.ending} and holds {kind}",)
    start = raw.content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(WEB_PAGE):
        raise DataError(
            f"{raw.name} holds a web page, not a table: {_first_line(start)}; save the data "
            "themselves, as CSV or Excel"
        )
    if raw.content[257:262] == b"ustar":
        raise DataError(f"{raw.name} is a tar archive: unpack it, and give a file or the folder")
    if raw.ending in LOOSE_ENDINGS:
        return _text_format(raw.content), ()
    if expected in ("text", "json") and JSON_START.match(start):
        kind = _text_format(raw.content)
        if kind not in (expected, "text"):
            return kind, (f"the file is called {raw.ending} and holds {kind}",)
    if raw.ending == ".xls":
        return "text", ("the file is called .xls and holds text",)
    if expected is None:
        raise DataError(
            f"{raw.name}: cannot tell the format from the name; "
            f"end it in .csv, .tsv or .parquet (also with .gz)"
        )
    return expected, ()


def _mark(content: bytes) -> str | None:
    """Return the format that the first bytes tell."""
    if content[8:12] == b"DUCK":
        return "duckdb"
    return next((kind for mark, kind in MARKS if content.startswith(mark)), None)


def _zipped_format(raw: RawTable) -> str | None:
    """Return the format of a file that is a ZIP archive by itself."""
    if not raw.content.startswith(b"PK\3\4"):
        return None
    start = raw.content[:4096]
    if b"application/vnd.oasis.opendocument.spreadsheet" in start:
        return "opendocument"
    if raw.ending in (".xlsx", ".xlsm") or b"xl/workbook.xml" in raw.content:
        return "excel"
    if raw.ending == ".ods":
        return "opendocument"
    return None


def _text_format(content: bytes) -> str:
    """Return the format of a text whose name says nothing: JSON begins with a bracket."""
    start = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"{"):
        line, _, rest = start.partition(b"\n")
        several = line.rstrip().endswith(b"}") and rest.lstrip().startswith(b"{")
        return "json lines" if several else "json"
    return "json" if start.startswith((b"[{", b"[[", b"[\n", b"[ ")) else "text"


def _first_line(start: bytes) -> str:
    return repr(start.decode("utf-8", "replace").split("\n")[0][:60])
