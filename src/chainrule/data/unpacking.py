"""How much a packed file may unpack to: few bytes can claim to be any number of them.

Files are unpacked chunk by chunk and counted, or the size in their header is checked before.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..config import config
from ..errors import DataError
from ..lazy import LazyModule

arrow = LazyModule("pyarrow", extra="parquet")
parquet = LazyModule("pyarrow.parquet", extra="parquet")

SMALL = 2**28  # bytes that any file may unpack to: tables of zeros shrink a thousandfold
CHUNK_BYTES = 2**20
BATCH_ROWS = 1024, 65_536  # of a Parquet file at a time, at least and at most
CELL_BYTES = 8  # of memory, at least
OPENERS: dict[str, Callable[[io.BytesIO], Any]] = {
    "gzip": lambda file: gzip.GzipFile(fileobj=file), "bzip2": bz2.BZ2File, "xz": lzma.LZMAFile,
}  # fmt: skip


def check_unpacked(path: str | Path, packed: int, unpacked: int) -> None:
    """Refuse to unpack a file to too many bytes, or to too many for one so small.

    Parameters
    ----------
    path : str or Path
    packed, unpacked : int
        Bytes.

    Raises
    ------
    DataError
        That names the setting to change if the file is to be trusted.

    Examples
    --------
    >>> check_unpacked("zeros.csv.gz", 10**6, 10**8)
    >>> check_unpacked("zeros.csv.gz", 10**6, 10**9)
    Traceback (most recent call last):
    chainrule.errors.DataError: zeros.csv.gz unpacks to over 200 times its size (1,000,000 bytes), \
as files do that are made to fill the memory: unpack it yourself, or set CHAINRULE_UNPACK_RATIO \
higher if you trust it
    """
    if unpacked > config.unpack * 2**20:
        raise DataError(
            f"{path} unpacks to more than {config.unpack} MiB: give part of it, or set "
            "CHAINRULE_UNPACK (in MiB) higher if you have the memory and trust it"
        )
    if unpacked > SMALL and unpacked > config.unpack_ratio * packed:
        raise DataError(
            f"{path} unpacks to over {config.unpack_ratio} times its size ({packed:,} bytes), as "
            "files do that are made to fill the memory: unpack it yourself, or set "
            "CHAINRULE_UNPACK_RATIO higher if you trust it"
        )


def unpack(name: str | Path, content: bytes, kind: str) -> bytes:
    """Return what a packed file unpacks to, counted while it is unpacked.

    Parameters
    ----------
    name : str or Path
        The file, for errors.
    content : bytes
    kind : str
        ``gzip``, ``bzip2`` or ``xz``.

    Raises
    ------
    DataError
        If it is damaged, or unpacks to too much.

    Examples
    --------
    >>> unpack("t.csv.gz", gzip.compress(b"a,b"), "gzip")
    b'a,b'
    """
    with OPENERS[kind](io.BytesIO(content)) as file:
        return read_counted(name, file, len(content), f"{kind} file")


def read_counted(name: str | Path, file: Any, packed: int, kind: str) -> bytes:
    """Return the content of an open file that unpacks as it is read."""
    chunks: list[bytes] = []
    total = 0
    while True:
        try:
            chunk = file.read(CHUNK_BYTES)
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile,
                NotImplementedError, RuntimeError) as error:  # fmt: skip
            raise DataError(f"{name} is not a whole {kind} ({error}); make it anew") from error
        if not chunk:
            return b"".join(chunks)
        total += len(chunk)
        check_unpacked(name, packed, total)
        chunks.append(chunk)


def read_parquet(path: str | Path, content: bytes) -> Any:
    """Return the frame of a Parquet file's bytes.

    Repeated values take next to nothing in such a file, so the rows and columns that it tells of
    are counted before, and their bytes while they are read.

    Raises
    ------
    DataError
        If it unpacks to too much.
    ModuleNotFoundError
        If pyarrow is not installed; with the command that installs it.
    """
    with parquet.ParquetFile(io.BytesIO(content)) as file:
        metadata = file.metadata
        chunks = [
            metadata.row_group(k).column(j).total_uncompressed_size
            for k in range(metadata.num_row_groups) for j in range(metadata.num_columns)
        ]  # fmt: skip
        cells = metadata.num_rows * metadata.num_columns
        check_unpacked(path, len(content), max(sum(chunks), cells * CELL_BYTES))
        if all(_is_plain(kind) for kind in file.schema_arrow.types):
            return file.read().to_pandas()
        # A text that is there once may be meant by each row of its chunk.
        rows = min(max(SMALL // max(chunks, default=1), BATCH_ROWS[0]), BATCH_ROWS[1])
        parts, total = [], 0
        for part in file.iter_batches(rows):
            total += part.nbytes
            check_unpacked(path, len(content), total)
            parts.append(part)
        return arrow.Table.from_batches(parts, schema=file.schema_arrow).to_pandas()


def _is_plain(kind: Any) -> bool:
    """Return whether each cell of a column takes the same few bytes."""
    try:
        return int(kind.bit_width) <= 8 * CELL_BYTES
    except ValueError:  # texts, lists
        return False
