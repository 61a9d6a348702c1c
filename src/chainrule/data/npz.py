"""NPZ files from anywhere: nothing in one is unpickled, and no size is believed."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .unpacking import check_unpacked

COMPRESSION = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # those that NumPy writes
FAULTS = (
    OSError, ValueError, EOFError, LookupError, TypeError, AttributeError, SyntaxError, MemoryError,
    RuntimeError, OverflowError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def read_npz(path: str | Path, wanted: Collection[str]) -> dict[str, NDArray[Any]]:
    """Those of the wanted arrays that an NPZ file holds; of each other one an empty array.

    Parameters
    ----------
    path : str or Path
    wanted : collection of str
        Names of arrays: others are not unpacked.

    Raises
    ------
    DataError
        If there is no such file, or it is damaged, holds Python objects, or unpacks to too much.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/two.npz"
    >>> np.savez(path, x=[1, 2], notes=["a"])
    >>> {name: array.tolist() for name, array in read_npz(path, {"x"}).items()}
    {'x': [1, 2], 'notes': []}
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
        read = [entry for entry in entries if entry.filename.removesuffix(".npy") in wanted]
        packed = sum(entry.compress_size for entry in read)
        check_unpacked(path, packed, sum(entry.file_size for entry in read))
        if any(entry.compress_type not in COMPRESSION for entry in entries):
            raise ValueError("it is packed as NumPy does not pack")
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] if name in wanted else np.empty(0) for name in arrays.files}
    except FileNotFoundError:
        raise DataError(f"there is no folder or file {str(path)!r}") from None
    except zipfile.BadZipFile:
        raise DataError(
            f"cannot read {path}: it is no NPZ file, or a damaged one; give a folder, or what "
            "numpy.savez wrote"
        ) from None
    except DataError:
        raise
    except FAULTS as error:
        why = str(error) or type(error).__name__
        raise DataError(
            f"cannot read {path}: {why:.160}; give a folder, or what numpy.savez wrote"
        ) from None
