"""Recordings with their classes: folders of folders of files, and arrays in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .archives import read_npz
from .folders import files_in, folders_in
from .sounds import ENDINGS

ARRAYS = ("audio", "start", "length", "label", "sample_rate")


class SoundSet(NamedTuple):
    """Recordings as `as_sounds` takes them, their classes, and which are for the test, if known."""

    recordings: list[Any]
    labels: list[Any]
    is_test: NDArray[np.bool_] | None


def read_sounds(source: str | Path) -> SoundSet:
    """A folder of folders (see `sound_folder`), or an .npz file (see `sound_arrays`).

    Parameters
    ----------
    source : str or Path

    Returns
    -------
    SoundSet

    Raises
    ------
    DataError
        If it is neither, or holds nothing to learn from.

    Examples
    --------
    See `sound_arrays`.
    """
    place = Path(source)
    if place.is_file() and place.suffix.lower() == ".npz":
        return sound_arrays(place)
    if not place.exists():
        raise DataError(f"there is no {place}: give a folder of folders of recordings, or an .npz")
    if not place.is_dir():
        raise DataError(
            f"{place} is one file: give a folder with a folder of recordings for each class"
        )
    return SoundSet(*sound_folder(place), None)


def sound_folder(folder: str | Path) -> tuple[list[Path], list[str]]:
    """The recordings in a folder of folders, each named after the class of what is in it.

    Parameters
    ----------
    folder : str or Path
        Holds a folder a class; recordings may lie deeper in it. Hidden files and files of other
        kinds are passed over.

    Returns
    -------
    paths : list of Path
        Sorted.
    labels : list of str
        The class of each.

    Raises
    ------
    DataError
        If there is no such folder, or it holds no recordings in folders.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DataError(f"there is no folder {root}")
    classes = folders_in(root)
    if not classes:
        raise DataError(
            f"{root} holds no folders: make one for each class, such as {root}/yes and {root}/no, "
            "and put its recordings in"
        )
    paths: list[Path] = []
    labels: list[str] = []
    for each in classes:
        found = files_in(each, ENDINGS)
        paths += found
        labels += [each.name] * len(found)
    if not paths:
        raise DataError(f"the folders of {root} hold no recordings: {', '.join(ENDINGS)} are read")
    return paths, labels


def sound_arrays(path: str | Path) -> SoundSet:
    """Recordings one after another in an .npz file of NumPy.

    Recording i is ``audio[start[i] : start[i] + length[i]]``, its class ``label[i]``, all at
    ``sample_rate`` samples a second. ``is_test``, if there, tells which are kept for the test.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    SoundSet
        Recordings are pairs of samples and rate.

    Raises
    ------
    DataError
        If the file cannot be read, lacks an array, or tells of samples that are not there.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> path = tempfile.mkdtemp() + "/two.npz"
    >>> np.savez(path, audio=np.zeros(5), start=[0, 2], length=[2, 3], label=["a", "b"],
    ...          sample_rate=8000)
    >>> found = sound_arrays(path)
    >>> [samples.size for samples, rate in found.recordings], found.labels, found.is_test
    ([2, 3], ['a', 'b'], None)
    """
    held = read_npz(path, {*ARRAYS, "is_test"})
    absent = [name for name in ARRAYS if name not in held]
    if absent:
        raise DataError(f"{path} has no array {absent[0]!r}: it needs {', '.join(ARRAYS)}")
    audio, rate = held["audio"], held["sample_rate"]
    start, length, labels = (held[name] for name in ("start", "length", "label"))
    if audio.ndim != 1 or rate.shape != () or rate.dtype.kind not in "iu":
        raise DataError(f"{path}: audio is one row of samples, and sample_rate a whole number")
    if not start.ndim == 1 or not start.shape == length.shape == labels.shape:
        raise DataError(f"{path}: start, length and label have one entry for each recording")
    if start.dtype.kind not in "iu" or length.dtype.kind not in "iu":
        raise DataError(f"{path}: start and length are whole numbers")
    first, count = start.astype(np.int64), length.astype(np.int64)
    if (first < 0).any() or (count < 0).any() or (first + count > len(audio)).any():
        raise DataError(f"{path} tells of samples that its audio does not hold")
    is_test = held.get("is_test")
    if is_test is not None and (is_test.shape != start.shape or is_test.dtype != np.bool_):
        raise DataError(f"{path}: is_test is true or false for each recording")
    pairs = zip(first.tolist(), count.tolist(), strict=True)
    recordings = [(audio[a : a + n], int(rate)) for a, n in pairs]
    return SoundSet(recordings, labels.tolist(), is_test)
