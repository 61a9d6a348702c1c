"""Parquet, Feather and Arrow files as tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import DataError
from ...lazy import LazyModule
from ..unpacking import check_unpacked, read_parquet

pd = LazyModule("pandas")
arrow = LazyModule("pyarrow", extra="parquet")
ipc = LazyModule("pyarrow.ipc", extra="parquet")

STREAM = b"\xff\xff\xff\xff"
MAGIC = b"ARROW1\0\0"
DICTIONARY, RECORDS = 2, 3  # kinds of messages


def read_columnar(name: str, content: bytes, kind: str) -> tuple[Any, tuple[str, ...]]:
    """Return the frame of a Parquet file's bytes, or of an Arrow (Feather) file's, and notes.

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
        return _with_index(read(name, content))
    except DataError:
        raise
    except ModuleNotFoundError:
        raise DataError(f"reading {name} needs pyarrow: pip install 'chainrule[parquet]'") from None
    except Exception as error:  # pyarrow has no common base class for damaged files
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"{name} is not a readable {called} file: {reason}") from error


def _with_index(frame: Any) -> tuple[Any, tuple[str, ...]]:
    """Return a frame with the columns of its index, as far as they have names."""
    names = [name for name in frame.index.names if name is not None]
    if not names:
        is_count = isinstance(frame.index, pd.RangeIndex)
        note = "the nameless index is left out"
        return frame.reset_index(drop=True), () if is_count else (note,)
    if len(names) < frame.index.nlevels or set(names) & set(frame.columns):
        return frame.reset_index(drop=True), ("the index is left out",)
    listed = ", ".join(repr(str(name)) for name in names)
    return frame.reset_index(), (f"the index is read as columns: {listed}",)


def _arrow(name: str, content: bytes) -> Any:
    """Return the frame of an Arrow file or stream; its sizes are added up before it is unpacked."""
    is_stream = content.startswith(STREAM)
    with arrow.BufferReader(content) as source:
        source.seek(0 if is_stream else len(MAGIC))
        total = 0
        for message in ipc.MessageReader.open_stream(source):
            total += _unpacked_size(message)
            check_unpacked(name, len(content), total)
    opened = ipc.open_stream if is_stream else ipc.open_file
    with opened(arrow.BufferReader(content)) as reader:
        return reader.read_all().to_pandas()


def _unpacked_size(message: Any) -> int:
    """Return how many bytes the columns of a message take, packed or not.

    Each packed buffer begins with its size (Apache Arrow, "Columnar Format", 2016). Where it is
    is written in the message's head, a table of FlatBuffers.
    """
    head, body = memoryview(message.metadata), memoryview(message.body or b"")
    table = _pointer(head, 0)
    kind, batch = _field(head, table, 1), _field(head, table, 2)
    if not batch or not kind or head[kind] not in (DICTIONARY, RECORDS):
        return 0
    batch = _pointer(head, batch)
    if head[kind] == DICTIONARY:
        batch = _pointer(head, _field(head, batch, 1))
    buffers = _pointer(head, _field(head, batch, 2))
    if not _field(head, batch, 3):
        return len(body)
    total = 0
    for k in range(_number(head, buffers, 4)):
        entry = buffers + 4 + 16 * k
        offset, length = _number(head, entry, 8), _number(head, entry + 8, 8)
        size = _number(body, offset, 8) if length else 0
        total += size if size < 2**63 else length  # -1: this one is not packed
    return total


def _number(data: memoryview, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _pointer(data: memoryview, at: int) -> int:
    """Return where an offset leads."""
    return at + _number(data, at, 4)


def _field(data: memoryview, table: int, index: int) -> int:
    """Return where a field of a table is, or 0 if the table has none."""
    layout = table - int.from_bytes(data[table : table + 4], "little", signed=True)
    if 4 + 2 * index >= _number(data, layout, 2):
        return 0
    offset = _number(data, layout + 4 + 2 * index, 2)
    return table + offset if offset else 0
