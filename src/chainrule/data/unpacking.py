"""How much a packed file may unpack to: few bytes can claim to be any number of them.

What is packed is unpacked piece by piece and counted, or what it says of its size is read before.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..config import config
from ..errors import DataError
from ..lazy import LazyModule

arrow = LazyModule("pyarrow", extra="parquet")
parquet = LazyModule("pyarrow.parquet", extra="parquet")

SMALL = 2**28  # bytes that any file may unpack to: tables of zeros are packed a thousandfold
PIECE = 2**20
ROWS = 1024, 65_536  # of a Parquet file at a time, at least and at most
CELL = 8  # bytes of memory, at least


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


def gunzipped(path: Path) -> bytes:
    """The content of a gzip file.

    Raises
    ------
    DataError
        If it is damaged, or unpacks to too much.
    """
    return b"".join(_pieces(path))


def _pieces(path: Path) -> Iterator[bytes]:
    packed, total = path.stat().st_size, 0
    with path.open("rb") as raw, gzip.GzipFile(fileobj=raw) as file:
        while True:
            try:
                piece = file.read(PIECE)
            except (gzip.BadGzipFile, EOFError, ValueError, zlib.error) as error:
                raise DataError(
                    f"{path} is not a whole gzip file ({error}); make it anew"
                ) from error
            if not piece:
                return
            total += len(piece)
            check_unpacked(path, packed, total)
            yield piece


def read_parquet(path: Path, content: bytes) -> Any:
    """The frame of a Parquet file's bytes.

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
        told = file.metadata
        chunks = [
            told.row_group(k).column(j).total_uncompressed_size
            for k in range(told.num_row_groups) for j in range(told.num_columns)
        ]  # fmt: skip
        cells = told.num_rows * told.num_columns
        check_unpacked(path, len(content), max(sum(chunks), cells * CELL))
        if all(_is_plain(kind) for kind in file.schema_arrow.types):
            return file.read().to_pandas()
        # A text that is there once may be meant by each row of its chunk.
        rows = min(max(SMALL // max(chunks, default=1), ROWS[0]), ROWS[1])
        parts, total = [], 0
        for part in file.iter_batches(rows):
            total += part.nbytes
            check_unpacked(path, len(content), total)
            parts.append(part)
        return arrow.Table.from_batches(parts, schema=file.schema_arrow).to_pandas()


def _is_plain(kind: Any) -> bool:
    """Whether each cell of a column takes the same few bytes."""
    try:
        return int(kind.bit_width) <= 8 * CELL
    except ValueError:  # texts, lists
        return False
