"""Where tables come from: files, lists, folders and patterns of them, standard input, addresses."""

from __future__ import annotations

import glob
import os
import stat
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...config import config
from ...errors import DataError
from .archives import ending_of
from .builtin import BUILT_IN
from .databases import is_database_address
from .downloads import download, is_address, without_password
from .formats import ENDINGS, LOOSE_ENDINGS, PACKED, RawTable

STANDARD_INPUT = ("-", "/dev/stdin")
MOST_LISTED = 4
MOST_FILES = 100_000
CHUNK_BYTES = 2**20


@dataclass(frozen=True)
class Origin:
    """Where one table is.

    Attributes
    ----------
    source : str
        A path, an address, or ``-``.
    member : str or None
        Which file of an archive.
    keys : dict of str to str
        What the folders above a file say: ``{"year": "2020"}`` of ``year=2020``.
    """

    source: str
    member: str | None = None
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The source as errors and notes call it."""
        return "standard input" if self.source in STANDARD_INPUT else without_password(self.source)

    @property
    def is_database(self) -> bool:
        """Whether it is the address of a database."""
        return is_database_address(self.source)

    def read(self) -> RawTable:
        """Return the bytes.

        Raises
        ------
        DataError
            If they cannot be read, or there are none.
        """
        if is_address(self.source):
            ending = ending_of(self.source.split("?")[0].split("#")[0])
            return _some(RawTable(self.name, ending, download(self.source)))
        try:
            if self.source in STANDARD_INPUT:
                return _some(RawTable(self.name, "", _standard_input()))
            path = Path(self.source)
            if stat.S_ISREG(path.stat().st_mode):
                content = path.read_bytes()
            else:  # a pipe or device, which tells no size
                with path.open("rb") as file:
                    content = _bounded(self.name, file)
            return _some(RawTable(self.name, ending_of(path.name), content))
        except OSError as error:
            reason = error.strerror or str(error)
            raise DataError(f"cannot read {self.name}: {reason}; check the file") from error


def origins(source: str | Path | Sequence[str | Path]) -> tuple[str, list[Origin], tuple[str, ...]]:
    """Return the name of a source, the tables that it consists of, and what was left out.

    Raises
    ------
    DataError
        If there is no such file, or a folder holds no table.

    Examples
    --------
    >>> origins("-")[:2]
    ('-', [Origin(source='-', member=None, keys={})])
    """
    if isinstance(source, (str, os.PathLike)):
        several, notes = _origins(str(source))
        return _called(str(source)), several, notes
    sources = [str(each) for each in source]
    if not sources:
        raise DataError("no source is named; give a file")
    parts = [_origins(each) for each in sources]
    name = _called(sources[0])
    name = name if len(sources) == 1 else f"{name} and {len(sources) - 1} more"
    several = [origin for each, _ in parts for origin in each]
    if sum(origin.source in STANDARD_INPUT for origin in several) > 1:
        raise DataError("standard input can be read once; give it once")
    return name, several, tuple(note for _, more in parts for note in more)


def _origins(source: str) -> tuple[list[Origin], tuple[str, ...]]:
    """Return the tables that one path, pattern or address stands for."""
    if source in STANDARD_INPUT or is_address(source) or is_database_address(source):
        return [Origin(source)], ()
    path = Path(source)
    try:
        if path.is_dir():
            return _in_folder(path)
        if path.exists():
            return [Origin(source)], ()
        if glob.has_magic(source):
            return _matching(source)
        archive = next((each for each in path.parents if each.suffix.lower() == ".zip"), None)
        if archive is not None and archive.is_file():
            return [Origin(str(archive), path.relative_to(archive).as_posix())], ()
    except (OSError, ValueError) as error:  # a name that is too long, or with a zero in it
        raise DataError(f"cannot read {source!r:.80}: {error}") from error
    if source in BUILT_IN:
        raise DataError(f"{source!r} is a built-in set, which is read alone: leave out the others")
    raise DataError(
        f"no file {source!r}; give a CSV, TSV, Parquet, Excel or JSON file, "
        f"or one of the built-in sets: {', '.join(BUILT_IN)}"
    )


def _matching(pattern: str) -> tuple[list[Origin], tuple[str, ...]]:
    """Return the tables whose paths match a pattern."""
    paths = [Path(each) for each in sorted(glob.glob(pattern, recursive=True))]
    files = [each for each in paths if each.is_file()]
    if not files:
        raise DataError(f"no file matches {pattern!r}; check the pattern")
    return [Origin(str(each)) for each in files], (f"{len(files)} files match {pattern!r}",)


def _in_folder(folder: Path) -> tuple[list[Origin], tuple[str, ...]]:
    """Return the tables in a folder and those under it."""
    visible = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if any(part.startswith((".", "_")) for part in parts) or path.is_dir():
            continue
        visible.append(path)
        if len(visible) > MOST_FILES:
            raise DataError(f"{folder} holds more than {MOST_FILES:,} files; give some of them")
    for path in visible:
        if not path.is_file():
            kind = "a pipe or device" if path.exists() else "a link that leads nowhere"
            raise DataError(f"{path} is {kind}, and no file: mend it, or remove it")
    tables = [path for path in visible if _ending(path) in ENDINGS]
    # README.txt beside tables is none
    strong = [path for path in tables if _ending(path) not in LOOSE_ENDINGS]
    tables = strong or tables
    if not tables:
        raise DataError(
            f"{folder} is a folder without tables; give one of CSV, Parquet, Excel or JSON files"
        )
    left = [path.name for path in visible if path not in set(tables)]
    notes = [f"{len(tables)} files in {folder} are read"]
    if left:
        notes.append(f"{len(left)} other files in {folder} are left out: {_listed(left)}")
    several = [Origin(str(path), None, _keys(path.relative_to(folder))) for path in tables]
    return several, tuple(notes)


def _ending(path: Path) -> str:
    """Return the ending of a file's name without that of its packing."""
    ending = ending_of(path.name)
    return ending_of(path.stem) if ending in PACKED and ending_of(path.stem) else ending


def _keys(path: Path) -> dict[str, str]:
    """Return what names of folders say, as Hive and Spark write them."""
    pairs = [part.split("=", 1) for part in path.parent.parts if "=" in part]
    return {key: value for key, value in pairs if key}


def _standard_input() -> bytes:
    if sys.stdin is None or sys.stdin.closed:
        raise DataError("standard input is closed: pipe a table into the command")
    if sys.stdin.isatty():
        raise DataError("standard input is a terminal: pipe a table into the command")
    return _bounded("standard input", getattr(sys.stdin, "buffer", sys.stdin))


def _bounded(name: str, file: Any) -> bytes:
    """Return what a pipe holds until it is closed."""
    chunks, total, limit = [], 0, config.unpack * 2**20
    while chunk := file.read(CHUNK_BYTES):
        total += len(chunk)
        if total > limit:
            raise DataError(
                f"{name} holds more than {config.unpack} MiB: give part of it, or set "
                "CHAINRULE_UNPACK (in MiB) higher if you have the memory"
            )
        chunks.append(chunk)
    return b"".join(chunks)


def _some(raw: RawTable) -> RawTable:
    if not raw.content:
        raise DataError(f"{raw.name} is empty; give a file with a header line and rows")
    return raw


def _called(source: str) -> str:
    """Return how a table from a source is called."""
    if source in STANDARD_INPUT:
        return "-"
    if is_address(source) or is_database_address(source):
        return without_password(source)
    return Path(source).name or str(Path(source).resolve().name)


def _listed(names: Iterable[str]) -> str:
    several = list(names)
    listed = ", ".join(several[:MOST_LISTED])
    more = len(several) - MOST_LISTED
    return f"{listed} and {more} more" if more > 0 else listed
