"""Pictures in files: found in folders of classes, and read as arrays of one size."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from ..lazy import LazyModule
from .archives import read_npz
from .folders import files_in, folders_in
from .unpacking import check_unpacked

images = LazyModule("PIL.Image", extra="images")
operations = LazyModule("PIL.ImageOps", extra="images")

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
ARRAYS = (("x_train", "y_train", "x_test", "y_test"), ("x", "y"))  # of an NPZ file
GREY = ("1", "L", "F")  # modes of grey
DEEP = "I"  # those with more than 8 bits begin so
SIXTEEN = ("PNG", "PPM")  # formats whose numbers have 16 bits, where Pillow says "I"


def class_folders(folder: str | Path, endings: Sequence[str] = ENDINGS) -> tuple[list[Path], Any]:
    """The files in the folders of a folder, and the names of their folders.

    Parameters
    ----------
    folder : str or Path
        With a folder for each class, whose files are its samples, also those in folders of its own;
        names that begin with a point are left out.
    endings : sequence of str
        Of the files that count, small letters. Default: those of pictures.

    Returns
    -------
    paths : list of Path
        Sorted by class and name.
    labels : array of str, shape (files,)

    Raises
    ------
    DataError
        If there is no such folder, or fewer than two classes in it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("cat/1.png", "cat/2.png", "dog/1.png", "dog/notes.txt"):
    ...         path = Path(folder, name)
    ...         path.parent.mkdir(exist_ok=True)
    ...         path.touch()
    ...     paths, labels = class_folders(folder)
    >>> [path.name for path in paths], labels.tolist()
    (['1.png', '2.png', '1.png'], ['cat', 'cat', 'dog'])
    """
    top = Path(folder)
    if not top.is_dir():
        raise DataError(f"{str(folder)!r} is no folder: give one with a folder for each class")
    found = {one.name: files_in(one, endings) for one in folders_in(top)}
    found = {name: files for name, files in found.items() if files}
    if len(found) < 2:
        what = f"only {min(found)!r}" if found else "none"
        raise DataError(
            f"{top} needs a folder with files ({', '.join(endings)}) for each of two or more "
            f"classes, and has {what}"
        )
    labels = np.array([name for name, files in found.items() for _ in files])
    return [path for files in found.values() for path in files], labels


def read_arrays(path: str | Path) -> tuple[Any, ...]:
    """The arrays of an NPZ file: x_train, y_train, x_test and y_test, or else x and y.

    Raises
    ------
    DataError
        If there is no such file, or it lacks them; nothing in it is unpickled.
    """
    held = read_npz(path, {name for names in ARRAYS for name in names})
    for names in ARRAYS:
        if held.keys() >= set(names):
            return tuple(held[name] for name in names)
    shown = ", ".join(sorted(held)[:8])
    wanted = " or ".join(", ".join(names) for names in ARRAYS)
    raise DataError(f"{path} has the arrays {shown or 'of no name'}: it needs {wanted}")


def common_size(paths: Sequence[str | Path]) -> tuple[int, int, int]:
    """Height and width of most pictures (of the first that is one of most), and channels.

    1 channel if all are grey, else 3.

    Raises
    ------
    DataError
        If a file is no picture; names it.
    """
    sizes: Counter[tuple[int, int]] = Counter()
    channels = 1
    for path in paths:
        with _opened(path) as picture:
            turned = picture.getexif().get(0x0112, 1) >= 5  # the camera lay on its side
            sizes[picture.size if turned else picture.size[::-1]] += 1
            grey = picture.mode in GREY or picture.mode.startswith(DEEP)
            channels = channels if grey else 3
    (height, width), _ = sizes.most_common(1)[0]
    return height, width, channels


def read_pictures(paths: Sequence[str | Path], size: tuple[int, int], channels: int) -> Any:
    """Pictures as one array of uint8, resized with antialiasing where they need it.

    Parameters
    ----------
    paths : sequence of str or Path
    size : (int, int)
        Height and width.
    channels : int
        1 for grey, 3 for red, green and blue; what is transparent becomes white. Grey of floats
        goes from 0, black, to 1, white, that of 16 bits to 65535.

    Returns
    -------
    uint8 array of shape (files, height, width, channels)

    Raises
    ------
    DataError
        If a file is missing, truncated, or no picture; names it.
    """
    made = np.empty((len(paths), *size, channels), np.uint8)
    for k, path in enumerate(paths):
        with _opened(path) as picture:
            made[k] = _pixels(picture, size, channels)
    return made


def _pixels(picture: Any, size: tuple[int, int], channels: int) -> Any:
    kind = picture.format
    picture = operations.exif_transpose(picture)
    if picture.mode.startswith(DEEP) or picture.mode == "F":
        shares = _shares(np.asarray(picture, np.float64), picture.mode, kind)
        picture = images.fromarray((shares * 255).astype(np.uint8))
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = images.new("RGBA", picture.size, "white")
        picture = images.alpha_composite(white, picture)
    picture = picture.convert("L" if channels == 1 else "RGB")
    if picture.size != size[::-1]:
        picture = picture.resize(size[::-1], images.Resampling.BILINEAR)
    return np.asarray(picture).reshape(*size, channels)


def _shares(values: Any, mode: str, kind: str | None) -> Any:
    """Grey of more than 8 bits as parts of white, by what the file's kind says and not its numbers.

    A ValueError says of which nobody knows what is white.
    """
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    if mode == "F":
        if not 0.0 <= low <= high <= 1.0:  # nor NaN
            raise ValueError(
                f"its floats go from {low:g} to {high:g}, and those from 0 (black) to 1 (white) "
                "are read: scale them"
            )
        return values
    if mode == "I" and kind not in SIXTEEN:
        raise ValueError(
            f"its 32-bit numbers go from {low:g} to {high:g}, and nobody knows which is white: "
            "save 8 or 16 bits"
        )
    return np.clip(values / 65535.0, 0, 1)


@contextmanager
def _opened(path: str | Path) -> Iterator[Any]:
    """A picture, not decoded yet; what is wrong with its file becomes a `DataError` naming it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", images.DecompressionBombWarning)  # ours is below
            with images.open(path) as picture:
                check_unpacked(path, Path(path).stat().st_size, _unpacked_size(picture))
                yield picture
    except DataError:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, images.DecompressionBombError) as error:
        raise _unreadable(path, error) from error


def _unpacked_size(picture: Any) -> int:
    """Bytes of all pixels; those of more than 8 bits are scaled as float64."""
    deep = picture.mode.startswith(DEEP) or picture.mode == "F"
    width, height = picture.size
    return int(width * height * (8 if deep else len(picture.getbands())))


def _unreadable(path: str | Path, error: Exception) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError(f"there is no picture {str(path)!r}")
    why = getattr(error, "strerror", None) or error
    return DataError(f"cannot read the picture {path}: {why!s:.160}; mend it, or leave it out")
