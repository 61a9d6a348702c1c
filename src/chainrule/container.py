"""Model files as bytes: a description in JSON and arrays, in one safetensors file.

Files come from anywhere, so nothing in one is believed: no value is evaluated, no size is used
before it is compared with how long the file is, and a digest tells damage. Equal contents make
equal bytes: names are sorted, and nothing depends on the time or the machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from math import isfinite, prod
from pathlib import Path
from typing import Any, Never, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .errors import ModelFileError
from .files import write_atomically

Description: TypeAlias = dict[str, Any]
Arrays: TypeAlias = dict[str, NDArray[Any]]

FORMAT = "chainrule-model-1"
FAMILY = "chainrule-model-"
KEYS = {"chainrule", "digest"}
DTYPES = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "F16": "<f2", "U32": "<u4",
    "I32": "<i4", "F32": "<f4", "U64": "<u8", "I64": "<i8", "F64": "<f8",
}  # fmt: skip
CODES = {np.dtype(code): name for name, code in DTYPES.items()}

LARGEST = 2**32  # bytes of a file
LONGEST = 2**24  # bytes of a header
MOST_VALUES = 2**20  # of JSON: each may take a hundred bytes of memory
DEEPEST = 24
MOST_AXES = 4
DIGITS = 20  # of a whole number: 64 bits
NESTING = np.zeros(256, np.int32)
NESTING[list(b"[{")] = 1
NESTING[list(b"]}")] = -1

AGAIN = "copy the file again, or train the model anew"
FOREIGN = "it is no model file of chainrule: give what `save` or `chainrule train` wrote"


def damaged(problem: str) -> ModelFileError:
    """The error for a file that says what it cannot."""
    return ModelFileError(f"it is damaged, {problem}: {AGAIN}")


# Bytes


def dumps(description: Mapping[str, Any], arrays: Mapping[str, Any]) -> bytes:
    """A description and arrays as the bytes of a safetensors file.

    Raises
    ------
    ModelFileError
        If the description has no place in a header.
    """
    table: dict[str, Any] = {}
    parts: list[bytes] = []
    end = 0
    ordered = sorted(arrays.items(), key=lambda item: (-np.asarray(item[1]).itemsize, item[0]))
    for name, array in ordered:
        value = np.asarray(array)
        value = value.astype(value.dtype.newbyteorder("<"), copy=False)
        if value.dtype not in CODES:
            raise ModelFileError(f"{name} is {value.dtype}, which a model file does not hold")
        parts.append(value.tobytes())
        start, end = end, end + value.nbytes
        table[name] = {
            "dtype": CODES[value.dtype], "shape": list(value.shape), "data_offsets": [start, end],
        }  # fmt: skip
    body = b"".join(parts)
    text = _json_text({"format": FORMAT, **description})
    metadata = {"chainrule": text, "digest": _digest(text, table, body)}
    header = _json_text({"__metadata__": metadata, **table}, sort=False).encode()
    header += b" " * (-len(header) % 8)
    _check_length(text.encode())
    _check_length(header)
    return len(header).to_bytes(8, "little") + header + body


def _check_length(text: bytes) -> None:
    try:
        _scan(text)
    except ModelFileError:
        raise ModelFileError(
            f"the description takes {len(text):,} bytes, more than a model file holds: leave "
            "something out of the card, or shorten loss_curve_"
        ) from None


def loads(data: bytes) -> tuple[Description, Arrays]:
    """The description and the arrays in the bytes of a file, which are what `dumps` was given.

    Raises
    ------
    ModelFileError
        If that is not so, with why and what to do; the file's name is left to the caller.
    """
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or data[8:9] != b"{" or length > LONGEST:
        raise ModelFileError(FOREIGN)
    if length > len(data) - 8:
        raise damaged(f"it ends after {len(data)} bytes, within its header")
    header = _parsed(data[8 : 8 + length])
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or "chainrule" not in metadata:
        raise ModelFileError(FOREIGN)
    if metadata.keys() != KEYS or not all(isinstance(text, str) for text in metadata.values()):
        raise damaged("its metadata are not a description and a digest")
    description = _parsed(metadata["chainrule"].encode())
    _check_format(description)
    body = memoryview(data)[8 + length :]
    extents = _extents(header, len(body))
    if _digest(metadata["chainrule"], header, body) != metadata["digest"]:
        raise damaged("its digest is not that of its contents")
    arrays = {
        name: np.frombuffer(body[start:end], dtype).reshape(shape).copy()
        for name, (dtype, shape, start, end) in extents.items()
    }
    del description["format"]
    return description, arrays


def _check_format(description: Description) -> None:
    file_format = description.get("format")
    if file_format == FORMAT:
        return
    if isinstance(file_format, str) and file_format.startswith(FAMILY):
        by = description.get("chainrule")
        raise ModelFileError(
            f"it has the format {file_format!r:.40} (of chainrule {by!r:.20}), and this version "
            f"reads {FORMAT!r}: update chainrule"
        )
    raise ModelFileError(f"its format is {file_format!r:.40}, not {FORMAT!r}: {AGAIN}")


def _digest(text: str, table: Mapping[str, Any], body: bytes | memoryview) -> str:
    """SHA-256 of all that counts in a file."""
    digest = hashlib.sha256(_json_text([text, table]).encode())
    digest.update(body)
    return digest.hexdigest()


def _extents(table: Mapping[str, Any], size: int) -> dict[str, tuple[Any, ...]]:
    """Dtype, shape, start and end of each array; together they are the body, without gaps."""
    extents: dict[str, tuple[Any, ...]] = {}
    for name, entry in table.items():
        if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
            raise damaged(f"the entry of {name!r:.60} is none of an array")
        code, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
        if not isinstance(code, str) or code not in DTYPES:
            raise damaged(f"{name!r:.60} is of dtype {code!r:.20}")
        whole = isinstance(shape, list) and isinstance(offsets, list) and all(
            type(number) is int and 0 <= number <= LARGEST for number in (*shape, *offsets)
        )  # fmt: skip
        if not whole or len(shape) > MOST_AXES or len(offsets) != 2 or 0 in shape:
            raise damaged(f"{name!r:.60} has shape {shape!r:.60} at {offsets!r:.60}")
        dtype, (start, end) = np.dtype(DTYPES[code]), offsets
        if prod(shape) * dtype.itemsize != end - start:
            raise damaged(f"{name!r:.60} has shape {shape!r:.60} in {end - start} bytes")
        extents[name] = dtype, tuple(shape), start, end
    reached = 0
    for _, _, start, end in sorted(extents.values(), key=lambda extent: extent[2]):
        if start != reached:
            raise damaged("its arrays leave gaps or overlap")
        reached = end
    if reached != size:
        raise damaged(f"its arrays take {reached} bytes, and it has {size}")
    return extents


# JSON


def _json_text(value: Any, sort: bool = True) -> str:
    text = json.dumps(
        value, allow_nan=False, ensure_ascii=False, separators=(",", ":"), sort_keys=sort
    )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ModelFileError("a text holds half a character, which no file can hold") from None
    return text


def _parsed(text: bytes) -> Description:
    """A JSON object, with no key twice, no infinite number, nothing too deep."""
    _scan(text)
    try:
        value = json.loads(
            text.decode(), object_pairs_hook=_unique, parse_constant=_no_number,
            parse_int=_whole, parse_float=_finite,
        )  # fmt: skip
    except (ValueError, RecursionError):  # also UnicodeDecodeError
        raise damaged("its header is not JSON as `save` writes it") from None
    if not isinstance(value, dict):
        raise ModelFileError(FOREIGN)
    return value


def _scan(text: bytes) -> None:
    """Refuse what would take much memory or stack to parse, before it is parsed."""
    outside_escapes = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    codes = np.frombuffer(outside_escapes, np.uint8)
    outside = codes[~np.logical_xor.accumulate(codes == ord('"'))] if codes.size else codes
    depth = np.cumsum(NESTING[outside], dtype=np.int32)
    values = np.isin(outside, list(b",[{")).sum()
    if len(text) > LONGEST or values > MOST_VALUES or depth.max(initial=0) > DEEPEST:
        raise damaged("its header is too long or too deep")
    if re.search(rb"\\u[dD][89a-fA-F]", outside_escapes):  # half of a character
        raise damaged("its header is not JSON as `save` writes it")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise ValueError("a key comes twice")
    return unique


def _no_number(text: str) -> Never:
    raise ValueError(f"{text} is no number of JSON")


def _whole(text: str) -> int:
    if len(text) > DIGITS:
        raise ValueError("a whole number of more than 64 bits")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError("an infinite number")
    return value


# Files


def checked_path(path: Any, call: str) -> Path:
    """A path of a file; a TypeError that names the call for what is none."""
    if not isinstance(path, (str, os.PathLike)) or isinstance(os.fspath(path), bytes):
        raise TypeError(f"{call}({path!r:.40}): give the path of a file, as text or a pathlib.Path")
    return Path(path)


def write(path: str | Path, data: bytes) -> None:
    """Write a file whole, or leave what was there as it was and raise a `ModelFileError`."""
    try:
        write_atomically(path, data)
    except (OSError, ValueError) as error:  # ValueError: a path with a zero in it
        why = getattr(error, "strerror", None) or error
        raise ModelFileError(f"cannot write {path}: {why}; choose another place") from error


def read(path: str | Path) -> bytes:
    """All bytes of a file; a `ModelFileError` for what is no file, or can be none of a model."""
    path = Path(path)
    flags = [getattr(os, name, 0) for name in ("O_NONBLOCK", "O_BINARY", "O_NOCTTY")]
    try:
        handle = os.open(path, os.O_RDONLY | sum(flags))  # not waiting for a pipe's other end
        try:
            state = os.fstat(handle)
            if not stat.S_ISREG(state.st_mode) or state.st_size > LARGEST:
                raise ModelFileError(f"{path}: {FOREIGN}")
            with open(handle, "rb", closefd=False) as file:
                return file.read(state.st_size)
        finally:
            os.close(handle)
    except FileNotFoundError:
        raise ModelFileError(
            f"there is no model file {str(path)!r}: train one with `chainrule train DATA`, or with "
            "`fit` and `save`"
        ) from None
    except (OSError, MemoryError) as error:
        why = getattr(error, "strerror", None) or error or "there is not enough memory"
        raise ModelFileError(f"cannot read {path}: {why}") from error
    except ValueError as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"cannot read {str(path)!r}: {error}") from error
