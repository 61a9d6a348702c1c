"""Parquet, Feather and Arrow files as tables."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from ...errors import DataError
from ...lazy import LazyModule
from ..unpacking import check_unpacked, read_parquet

arrow = LazyModule("pyarrow", extra="parquet")
ipc = LazyModule("pyarrow.ipc", extra="parquet")

STREAM = b"\xff\xff\xff\xff"


def read_columnar(name: str, content: bytes, kind: str) -> Any:
    """Return the frame of a Parquet file's bytes, or of an Arrow (Feather) file's.

    Raises
    ------
    DataError
        If it is damaged, unpacks to too much, or pyarrow is absent.
    """
    readers: dict[str, tuple[str, Callable[[str, bytes], Any]]] = {
        "parquet": ("Parquet", read_parquet), "arrow": ("Arrow", _arrow),
    }  # fmt: skip
    called, read = readers[kind]
    try:
        return read(name, content).reset_index(drop=True)
    except DataError:
        raise
    except ModuleNotFoundError:
        raise DataError(f"reading {name} needs pyarrow: pip install 'chainrule[parquet]'") from None
    except Exception as error:  # pyarrow has no common base class for damaged files
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"{name} is not a readable {called} file: {reason}") from error


def _arrow(name: str, content: bytes) -> Any:
    """Return the frame of an Arrow file or stream, batch by batch."""
    source = io.BytesIO(content)
    parts, total = [], 0
    if content.startswith(STREAM):
        with ipc.open_stream(source) as reader:
            schema = reader.schema
            for part in reader:
                total += part.nbytes
                check_unpacked(name, len(content), total)
                parts.append(part)
    else:
        with ipc.open_file(source) as reader:
            schema = reader.schema
            for k in range(reader.num_record_batches):
                part = reader.get_batch(k)
                total += part.nbytes
                check_unpacked(name, len(content), total)
                parts.append(part)
    return arrow.Table.from_batches(parts, schema=schema).to_pandas()
