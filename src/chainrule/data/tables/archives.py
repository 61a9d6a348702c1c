"""Packed files: gzip, bzip2, xz, and the tables in a ZIP archive."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import PurePath, PurePosixPath

from ...errors import DataError
from ..unpacking import check_unpacked, read_counted, unpack
from .formats import ENDINGS, PACKED, RawTable, packing_of

MOST_LAYERS = 3
MOST_LISTED = 8
ENCRYPTED = 1  # a bit of an entry's flags


def ending_of(name: str) -> str:
    """Return the last ending of a file's name, in small letters."""
    return PurePath(name).suffix.lower()


def unpacked(raw: RawTable, member: str | None = None) -> tuple[RawTable, tuple[str, ...]]:
    """Return a file without its packings, and what was chosen from an archive.

    Parameters
    ----------
    raw : RawTable
    member : str, optional
        Which file of an archive.

    Raises
    ------
    DataError
        If it is damaged, unpacks to too much, or holds several tables and none is named.

    Examples
    --------
    >>> import gzip
    >>> unpacked(RawTable("t.csv.gz", ".gz", gzip.compress(b"a")))[0]
    RawTable(name='t.csv.gz', ending='.csv', content=b'a')
    """
    notes: tuple[str, ...] = ()
    for _ in range(MOST_LAYERS):
        kind = packing_of(raw)
        if kind is None:
            break
        if kind == "zip":
            raw, more = _of_archive(raw, member)
            notes, member = notes + more, None
            continue
        ending = raw.ending
        if ending in PACKED:
            is_last = raw.name.lower().endswith(ending)  # and no query of an address follows
            ending = ending_of(raw.name[: -len(ending)]) if is_last else ""
        raw = replace(raw, ending=ending, content=unpack(raw.name, raw.content, kind))
    if member is not None:
        raise DataError(f"{raw.name} is no ZIP archive, and {member!r} cannot be taken from it")
    return raw, notes


def _of_archive(raw: RawTable, member: str | None) -> tuple[RawTable, tuple[str, ...]]:
    """Return the table of a ZIP archive: the one that is named, or the only one."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw.content))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise DataError(f"{raw.name} is not a whole ZIP file ({error}); make it anew") from error
    with archive:
        entries = [entry for entry in archive.infolist() if _is_visible(entry)]
        names = [entry.filename for entry in entries]
        tables = [entry for entry in entries if _is_table(entry.filename)]
        if member is not None:
            tables = [entry for entry in entries if entry.filename == member]
            if not tables:
                raise DataError(f"{raw.name} holds no {member!r}: it holds {_listed(names)}")
        if not tables and len(entries) == 1:
            tables = entries
        if not tables:
            fault = f"holds no table but {_listed(names)}" if names else "holds no file"
            raise DataError(f"{raw.name} {fault}; put a CSV, Parquet or Excel file into it")
        if len(tables) > 1:
            listed = _listed([entry.filename for entry in tables])
            raise DataError(
                f"{raw.name} holds {len(tables)} tables, {listed}: name one of them, as in "
                f"{raw.name}/{tables[0].filename}"
            )
        entry = tables[0]
        name = f"{raw.name}/{entry.filename}"
        if entry.flag_bits & ENCRYPTED:
            raise DataError(f"{name} is encrypted: unpack it with its password, and give the file")
        check_unpacked(name, entry.compress_size, entry.file_size)
        try:
            with archive.open(entry) as file:
                content = read_counted(name, file, entry.compress_size, "ZIP file")
        except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"{name} cannot be unpacked ({error}); make it anew") from error
    others = f", and {len(names) - 1} other files are left out" if len(names) > 1 else ""
    note = f"the table is {entry.filename!r} of the archive{others}"
    return RawTable(name, ending_of(entry.filename), content), (note,)


def _is_visible(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is a file, and none that systems add."""
    parts = PurePosixPath(entry.filename).parts
    return not entry.is_dir() and not any(part.startswith((".", "__MACOSX")) for part in parts)


def _is_table(name: str) -> bool:
    ending = ending_of(name)
    if ending in PACKED:
        ending = ending_of(name[: -len(ending)])
    return ending in ENDINGS


def _listed(names: list[str]) -> str:
    listed = ", ".join(names[:MOST_LISTED])
    return f"{listed} and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else listed
