"""NPZ files from anywhere: nothing in one is unpickled, and no size is believed."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .unpacking import check_unpacked

ARRAYS = (("x_train", "y_train", "x_test", "y_test"), ("x", "y"))  # if none are named
TRAIN = re.compile("train|Train|TRAIN")
TEST = {"train": "test", "Train": "Test", "TRAIN": "TEST"}
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


class ArrayPairs(NamedTuple):
    """Inputs and answers of an NPZ file, and those for the test if the file has such."""

    x: NDArray[Any]
    y: NDArray[Any]
    x_test: NDArray[Any] | None = None
    y_test: NDArray[Any] | None = None


def read_array_pairs(path: str | Path, x: str | None = None, y: str | None = None) -> ArrayPairs:
    """Inputs and answers of an NPZ file, under any names.

    Parameters
    ----------
    path : str or Path
    x, y : str, optional
        Names of the arrays: give both. If each has a ``train`` in it, and arrays with ``test``
        there instead are in the file as well, those are for the test. Default: ``x_train``,
        ``y_train``, ``x_test`` and ``y_test``, or else ``x`` and ``y``; ``X`` is as good as ``x``.

    Returns
    -------
    ArrayPairs
        With ``x_test`` and ``y_test`` None if the file does not say what to test on.

    Raises
    ------
    DataError
        If the file cannot be read (see `read_npz`), lacks an array, or has not one answer for each
        input; with the names that it has.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/waves.npz"
    >>> np.savez(path, train_waves=np.zeros((2, 9)), train_kind=["a", "b"],
    ...          test_waves=np.ones((1, 9)), test_kind=["a"])
    >>> pairs = read_array_pairs(path, "train_waves", "train_kind")
    >>> pairs.x.shape, pairs.y.tolist(), pairs.x_test.shape, pairs.y_test.tolist()
    ((2, 9), ['a', 'b'], (1, 9), ['a'])
    """
    names = _pair_names(path, x, y)
    arrays = read_npz(path, set(names))
    pairs = ArrayPairs(*(arrays[name] for name in names))
    for inputs, answers, k in ((pairs.x, pairs.y, 0), (pairs.x_test, pairs.y_test, 2)):
        if inputs is None or answers is None:
            continue
        if not inputs.ndim or not answers.ndim or len(inputs) != len(answers):
            raise DataError(
                f"{path}: array {names[k]!r} has shape {inputs.shape} and {names[k + 1]!r} "
                f"{answers.shape}: give one answer for each input"
            )
    return pairs


def _pair_names(path: str | Path, x: str | None, y: str | None) -> tuple[str, ...]:
    """Names of the arrays for the training, and of those for the test if they are there."""
    if (x is None) != (y is None):
        raise DataError("give both --x and --y, the names of the inputs' and the answers' array")
    present = list(read_npz(path, ()))
    listed = f"{path} has the arrays {', '.join(sorted(present)[:8]) or 'of no name'}"
    if x is None or y is None:
        spelled = {name.lower(): name for name in present}
        for names in ARRAYS:
            if spelled.keys() >= set(names):
                return tuple(spelled[name] for name in names)
        wanted = " or ".join(", ".join(names) for names in ARRAYS)
        raise DataError(f"{listed}: it needs {wanted}, or name two with --x and --y")
    for option, name in (("--x", x), ("--y", y)):
        if name not in present:
            raise DataError(f"{option} {name}: {listed}")
    test = tuple(TRAIN.sub(lambda part: TEST[part[0]], name) for name in (x, y))
    is_split = not {x, y} & set(test) and set(test) <= set(present)
    return (x, y, *test) if is_split else (x, y)
