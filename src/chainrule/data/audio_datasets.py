"""Recordings with their classes: a folder for each class, or arrays in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .audio import EXTENSIONS
from .folders import files_by_class, folders_in
from .npz import read_array_pairs, read_npz

ARRAYS = ("audio", "start", "length", "label", "sample_rate")


class AudioDataset(NamedTuple):
    """Recordings as `as_recordings` takes them, their classes, and which are for the test."""

    recordings: list[Any]
    labels: list[Any]
    is_test: NDArray[np.bool_] | None


def read_audio_dataset(
    source: str | Path, x: str | None = None, y: str | None = None
) -> AudioDataset:
    """A folder of folders (see `audio_files`), or an .npz file (see `read_audio_arrays`).

    Parameters
    ----------
    source : str or Path
    x, y : str, optional
        Names of arrays of an .npz file with clips of one length; see `read_clips`.

    Returns
    -------
    AudioDataset

    Raises
    ------
    DataError
        If it is neither, or holds nothing to learn from.

    Examples
    --------
    See `read_audio_arrays`.
    """
    path = Path(source)
    if path.is_file() and path.suffix.lower() == ".npz":
        return read_audio_arrays(path) if x is None and y is None else read_clips(path, x, y)
    if not path.exists():
        raise DataError(f"there is no {path}: give a folder of folders of recordings, or an .npz")
    if not path.is_dir():
        raise DataError(
            f"{path} is one file: give a folder with a folder of recordings for each class"
        )
    return AudioDataset(*audio_files(path), None)


def audio_files(folder: str | Path) -> tuple[list[Path], list[str]]:
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
    if not folders_in(root):
        raise DataError(
            f"{root} holds no folders: make one for each class, such as {root}/yes and {root}/no, "
            "and put its recordings in"
        )
    files = files_by_class(root, EXTENSIONS)
    if not files:
        raise DataError(
            f"the folders of {root} hold no recordings: {', '.join(EXTENSIONS)} are read"
        )
    labels = [name for name, paths in files.items() for _ in paths]
    return [path for paths in files.values() for path in paths], labels


def read_audio_arrays(path: str | Path) -> AudioDataset:
    """Recordings one after another in an .npz file of NumPy.

    Recording i is ``audio[start[i] : start[i] + length[i]]``, its class ``label[i]``, all at
    ``sample_rate`` samples a second. ``is_test``, if there, tells which are kept for the test.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    AudioDataset
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
    >>> dataset = read_audio_arrays(path)
    >>> [samples.size for samples, _ in dataset.recordings], dataset.labels, dataset.is_test
    ([2, 3], ['a', 'b'], None)
    """
    arrays = read_npz(path, {*ARRAYS, "is_test"})
    absent = [name for name in ARRAYS if name not in arrays]
    if absent:
        raise DataError(f"{path} has no array {absent[0]!r}: it needs {', '.join(ARRAYS)}")
    audio, rate = arrays["audio"], arrays["sample_rate"]
    start, length, labels = (arrays[name] for name in ("start", "length", "label"))
    if audio.ndim != 1 or rate.shape != () or rate.dtype.kind not in "iu":
        raise DataError(f"{path}: audio is one row of samples, and sample_rate a whole number")
    if not start.ndim == 1 or not start.shape == length.shape == labels.shape:
        raise DataError(f"{path}: start, length and label have one entry for each recording")
    if start.dtype.kind not in "iu" or length.dtype.kind not in "iu":
        raise DataError(f"{path}: start and length are whole numbers")
    first, count = start.astype(np.int64), length.astype(np.int64)
    if (first < 0).any() or (count < 0).any() or (first + count > len(audio)).any():
        raise DataError(f"{path} tells of samples that its audio does not hold")
    is_test = arrays.get("is_test")
    if is_test is not None and (is_test.shape != start.shape or is_test.dtype != np.bool_):
        raise DataError(f"{path}: is_test is true or false for each recording")
    pairs = zip(first.tolist(), count.tolist(), strict=True)
    recordings = [(audio[a : a + n], int(rate)) for a, n in pairs]
    return AudioDataset(recordings, labels.tolist(), is_test)


def read_clips(path: str | Path, x: str | None, y: str | None) -> AudioDataset:
    """Recordings of one length as the rows of an array of an .npz file of NumPy.

    Parameters
    ----------
    path : str or Path
        It holds their ``sample_rate`` as well.
    x, y : str
        Names of the arrays of recordings, (clips, samples), and of their classes; see
        `data.npz.read_array_pairs` for those of the test.

    Raises
    ------
    DataError
        If the file cannot be read, or lacks one of them.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> path = tempfile.mkdtemp() + "/two.npz"
    >>> np.savez(path, waves=np.zeros((2, 9)), kind=["a", "b"], sample_rate=8000)
    >>> dataset = read_clips(path, "waves", "kind")
    >>> [(samples.size, rate) for samples, rate in dataset.recordings], dataset.labels
    ([(9, 8000), (9, 8000)], ['a', 'b'])
    """
    pairs = read_array_pairs(path, x, y)
    rate = read_npz(path, {"sample_rate"}).get("sample_rate")
    if rate is None or rate.shape != () or rate.dtype.kind not in "iu":
        raise DataError(
            f"{path} needs an array 'sample_rate', one whole number: add sample_rate=16000, or "
            "what it is, to numpy.savez"
        )
    parts = [(pairs.x, pairs.y)]
    if pairs.x_test is not None and pairs.y_test is not None:
        parts.append((pairs.x_test, pairs.y_test))
    for sounds, _ in parts:
        if sounds.ndim != 2:
            raise DataError(f"{path}: array {x!r} has shape {sounds.shape}: give (clips, samples)")
    recordings = [(row, int(rate)) for sounds, _ in parts for row in sounds]
    labels = [label for _, answers in parts for label in answers.ravel().tolist()]
    is_test = np.arange(len(recordings)) >= len(pairs.x) if len(parts) > 1 else None
    return AudioDataset(recordings, labels, is_test)
