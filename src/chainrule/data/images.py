"""Image files: listed by the folders of their classes, and read as arrays of one size."""

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
from .folders import files_by_class
from .npz import read_array_pairs
from .unpacking import check_unpacked

pil_image = LazyModule("PIL.Image", extra="images")
pil_operations = LazyModule("PIL.ImageOps", extra="images")

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
GREY_MODES = ("1", "L", "F")
DEEP_MODE = "I"  # modes of grey with more than 8 bits begin so
FORMATS_OF_16_BITS = ("PNG", "PPM")  # where Pillow says "I"


def class_files(
    folder: str | Path, extensions: Sequence[str] = EXTENSIONS
) -> tuple[list[Path], Any]:
    """Return the files in the folders of a folder, and the names of their folders.

    Parameters
    ----------
    folder : str or Path
        With a folder for each class, whose files are its samples, also those in folders of its own;
        names that begin with a point are left out.
    extensions : sequence of str
        Of the files that count, small letters. Default: those of images.

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
    ...     paths, labels = class_files(folder)
    >>> [path.name for path in paths], labels.tolist()
    (['1.png', '2.png', '1.png'], ['cat', 'cat', 'dog'])
    """
    top = Path(folder)
    if not top.is_dir():
        raise DataError(f"{str(folder)!r} is no folder: give one with a folder for each class")
    files = files_by_class(top, extensions)
    if len(files) < 2:
        present = f"only {min(files)!r}" if files else "none"
        raise DataError(
            f"{top} needs a folder with files ({', '.join(extensions)}) for each of two or more "
            f"classes, and has {present}"
        )
    labels = np.array([name for name, paths in files.items() for _ in paths])
    return [path for paths in files.values() for path in paths], labels


def read_image_arrays(
    path: str | Path, x: str | None = None, y: str | None = None
) -> tuple[Any, ...]:
    """Return the images and labels of an NPZ file, and those for the test if it has such.

    Parameters
    ----------
    path : str or Path
    x, y : str, optional
        Names of the arrays; see `data.npz.read_array_pairs`.

    Raises
    ------
    DataError
        If there is no such file, or it lacks them; nothing in it is unpickled.
    """
    pairs = read_array_pairs(path, x, y)
    return tuple(array for array in pairs if array is not None)


def common_image_size(paths: Sequence[str | Path]) -> tuple[int, int, int]:
    """Return the height and width of most images (of the first that is one of most), and channels.

    1 channel if all are grey, else 3.

    Raises
    ------
    DataError
        If a file is no image; names it.
    """
    sizes: Counter[tuple[int, int]] = Counter()
    channels = 1
    for path in paths:
        with _opened(path) as image:
            sideways = image.getexif().get(0x0112, 1) >= 5  # orientation of the camera
            sizes[image.size if sideways else image.size[::-1]] += 1
            grey = image.mode in GREY_MODES or image.mode.startswith(DEEP_MODE)
            channels = channels if grey else 3
    (height, width), _ = sizes.most_common(1)[0]
    return height, width, channels


def read_images(paths: Sequence[str | Path], size: tuple[int, int], channels: int) -> Any:
    """Read images as one array of uint8, resized with antialiasing where they need it.

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
        If a file is missing, truncated, or no image; names it.
    """
    pixels = np.empty((len(paths), *size, channels), np.uint8)
    for k, path in enumerate(paths):
        with _opened(path) as image:
            pixels[k] = _pixels(image, size, channels)
    return pixels


def _pixels(image: Any, size: tuple[int, int], channels: int) -> Any:
    """Decode an image, of that size and so many channels."""
    kind = image.format
    image = pil_operations.exif_transpose(image)
    if image.mode.startswith(DEEP_MODE) or image.mode == "F":
        unit = _as_unit_range(np.asarray(image, np.float64), image.mode, kind)
        image = pil_image.fromarray((unit * 255).astype(np.uint8))
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        white = pil_image.new("RGBA", image.size, "white")
        image = pil_image.alpha_composite(white, image)
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != size[::-1]:
        image = image.resize(size[::-1], pil_image.Resampling.BILINEAR)
    return np.asarray(image).reshape(*size, channels)


def _as_unit_range(values: Any, mode: str, kind: str | None) -> Any:
    """Scale grey of more than 8 bits to 0 (black) to 1 (white), by the format and not the numbers.

    Formats that do not define white raise a ValueError.
    """
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    if mode == "F":
        if not 0.0 <= low <= high <= 1.0:  # nor NaN
            raise ValueError(
                f"its floats go from {low:g} to {high:g}, and those from 0 (black) to 1 (white) "
                "are read: scale them"
            )
        return values
    if mode == "I" and kind not in FORMATS_OF_16_BITS:
        raise ValueError(
            f"its 32-bit numbers go from {low:g} to {high:g}, and nobody knows which is white: "
            "save 8 or 16 bits"
        )
    return np.clip(values / 65535.0, 0, 1)


@contextmanager
def _opened(path: str | Path) -> Iterator[Any]:
    """Open an image without decoding it; faults of the file become a `DataError` naming it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pil_image.DecompressionBombWarning)  # ours is below
            with pil_image.open(path) as image:
                check_unpacked(path, Path(path).stat().st_size, _unpacked_size(image))
                yield image
    except DataError:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, pil_image.DecompressionBombError) as error:
        raise _unreadable(path, error) from error


def _unpacked_size(image: Any) -> int:
    """Return the bytes of all pixels; those of more than 8 bits are scaled as float64."""
    deep = image.mode.startswith(DEEP_MODE) or image.mode == "F"
    width, height = image.size
    return int(width * height * (8 if deep else len(image.getbands())))


def _unreadable(path: str | Path, error: Exception) -> DataError:
    """Return the error of an image that cannot be read."""
    if isinstance(error, FileNotFoundError):
        return DataError(f"there is no picture {str(path)!r}")
    why = getattr(error, "strerror", None) or error
    return DataError(f"cannot read the picture {path}: {why!s:.160}; mend it, or leave it out")
