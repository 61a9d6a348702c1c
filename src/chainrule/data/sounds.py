"""Recordings: files and folders of them to samples, at any sampling rate.

Files come from anywhere: what a header claims is compared with how long the file is before
memory is taken, and whatever is wrong names the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..lazy import LazyModule
from .wav import PCM, read_header

_soundfile = LazyModule("soundfile", extra="audio")
_signal = LazyModule("scipy.signal")

Samples = NDArray[np.float32]

ENDINGS = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf")
RATES = (1_000, 768_000)  # samples a second
MOST_VALUES = 2**26  # samples times channels of a file: 23 minutes of one channel at 48 kHz
MOST_CHANNELS = 64


class Sound(NamedTuple):
    """One recording: its samples, their rate (None: that of the model), and how errors call it."""

    samples: Samples
    rate: int | None
    name: str


def read_audio(path: str | Path) -> tuple[Samples, int]:
    """Read a recording as one channel.

    WAV files of whole numbers (8, 16, 24 or 32 bits) are read by Python alone; other ones, and
    FLAC, Ogg and what else libsndfile knows, need the package soundfile (the extra "audio").

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    samples : float32 array of shape (samples,)
        From -1 to 1, the mean of the channels.
    rate : int
        Samples a second.

    Raises
    ------
    DataError
        If the file is absent, holds no sample, is damaged, or is no recording; it is named.
    ModuleNotFoundError
        If soundfile is needed and not installed.

    Examples
    --------
    >>> import tempfile, wave
    >>> import numpy as np
    >>> path = tempfile.mkdtemp() + "/half.wav"
    >>> with wave.open(path, "wb") as file:
    ...     file.setnchannels(1), file.setsampwidth(2), file.setframerate(8000)
    ...     file.writeframes(np.array([0, 16384], "<i2").tobytes())
    (None, None, None)
    >>> samples, rate = read_audio(path)
    >>> samples.tolist(), rate
    ([0.0, 0.5], 8000)
    """
    place = Path(path)
    try:
        size = place.stat().st_size
        if place.is_dir():
            raise DataError(f"{place} is a folder: give a recording, or train on the folder")
        with place.open("rb") as file:
            start = file.read(12)
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"cannot read {place}: {getattr(error, 'strerror', error)}") from None
    if not size:
        raise DataError(f"{place} is empty: it holds no recording")
    found = _wav(place, size) if start[:4] == b"RIFF" and start[8:] == b"WAVE" else None
    samples, rate = _decoded(place) if found is None else found
    if not len(samples):
        raise DataError(f"{place} holds no sample: record it again, or leave it out")
    if not RATES[0] <= rate <= RATES[1]:
        raise DataError(f"{place} has {rate} samples a second: {RATES[0]} to {RATES[1]} are read")
    if not np.isfinite(samples).all():
        raise DataError(f"{place} holds samples that are no finite numbers: it is damaged")
    return samples, rate


def resampled(samples: Any, rate: int, wanted: int) -> Samples:
    """The same sound at another sampling rate, by a polyphase filter.

    Parameters
    ----------
    samples : float array of shape (samples,)
    rate, wanted : int
        Samples a second, before and after.

    Returns
    -------
    float32 array of shape (ceil(samples * wanted / rate),)

    Examples
    --------
    >>> import numpy as np
    >>> tone = np.sin(2 * np.pi * 100 * np.arange(1600) / 16000)
    >>> slower = resampled(tone, 16000, 8000)
    >>> bool(np.abs(slower - tone[::2])[50:-50].max() < 0.002)
    True
    """
    given: Samples = np.asarray(samples, np.float32)
    if rate == wanted:
        return given
    common = gcd(rate, wanted)
    return np.asarray(
        _signal.resample_poly(given, wanted // common, rate // common), dtype=np.float32
    )


def as_sounds(given: Any) -> list[Sound]:
    """Recordings as a list: paths, arrays of samples, or pairs of samples and rate.

    Whole numbers of up to 32 bits go from the least to the greatest of their type; floats from -1
    to 1.

    Raises
    ------
    DataError
        If one cannot be read or is no recording, or holds whole numbers of 64 bits, of which
        nobody knows the loudest; its place in the list is named, or its file.
    """
    if isinstance(given, (str, Path)):
        raise DataError(f"{str(given)!r:.80} is one recording: give a list of them")
    if not isinstance(given, (Sequence, np.ndarray)) and not hasattr(given, "tolist"):
        raise DataError(f"{type(given).__name__}: give a list of recordings, paths or arrays")
    if (
        isinstance(given, np.ndarray)
        and given.ndim == 1
        and given.dtype.kind in "biufc"
        and len(given)
    ):
        raise DataError(
            f"X has shape {given.shape}, as one recording has: give a list of recordings, such as "
            "[X]"
        )
    if not len(given):
        raise DataError("X is empty: there is no recording")
    return [_sound(each, f"recording {k}") for k, each in enumerate(given)]


def _sound(given: Any, name: str) -> Sound:
    if isinstance(given, Sound):
        return given
    if isinstance(given, (str, Path)):
        return Sound(*read_audio(given), str(given))
    rate = None
    if isinstance(given, tuple):
        if len(given) != 2 or not isinstance(given[1], (int, np.integer)):
            raise DataError(f"{name} is a tuple: give (samples, samples a second)")
        given, rate = given[0], int(given[1])
        if not RATES[0] <= rate <= RATES[1]:
            raise DataError(f"{name} has {rate} samples a second: give {RATES[0]} to {RATES[1]}")
    if np.ma.is_masked(given):
        raise DataError(f"{name} has masked samples: fill them, such as by x.filled(0)")
    try:
        samples = np.asarray(given)
    except ValueError:
        raise DataError(
            f"{name} holds parts of several lengths: give samples of one channel, or a tuple "
            "(samples, samples a second)"
        ) from None
    if samples.ndim != 1 or samples.dtype.kind not in "iuf":
        raise DataError(
            f"{name} is an array of {samples.dtype} of shape {samples.shape}: give the samples of "
            "one channel, of shape (samples,)"
        )
    if not len(samples):
        raise DataError(f"{name} holds no sample: leave it out")
    if samples.dtype.kind in "iu":
        _check_width(samples, name)
        samples = _scaled(samples, 8 * samples.dtype.itemsize, samples.dtype.kind == "u")
    with np.errstate(over="ignore"):
        samples = samples.astype(np.float32)
    if not np.isfinite(samples).all():
        raise DataError(f"{name} holds samples that are no finite numbers in float32")
    return Sound(samples, rate, name)


def _check_width(samples: Any, name: str) -> None:
    """Whole numbers tell loudness by their width, and no recording has 64 bits a sample."""
    if samples.dtype.itemsize <= 4:
        return
    largest = int(np.max(np.abs(samples.astype(np.float64))))
    narrow = next((bits for bits in (8, 16, 32) if largest <= 2 ** (bits - 1)), None)
    choice = f"astype(np.int{narrow})" if narrow else "float32 from -1 to 1"
    raise DataError(
        f"{name} is an array of {samples.dtype} (as lists of whole numbers are), up to {largest}: "
        f"give the samples as recorded, in int16 or int32 (uint8 for 8 bits), or floats from -1 to "
        f"1; here perhaps {choice}"
    )


def _wav(path: Path, size: int) -> tuple[Samples, int] | None:
    """A WAV file of whole numbers; None if it holds others."""
    try:
        with path.open("rb") as file:
            found = read_header(file, size)
            if found.kind != PCM:
                return None
            frame = found.channels * found.width
            count = found.length // frame
            if found.known and found.start + count * frame > size:
                raise DataError(
                    f"{path} is damaged: its header tells of {count} samples, and the file ends "
                    f"after {max(0, size - found.start) // frame}: copy or record it again"
                )
            _check_size(path, count, found.channels)
            file.seek(found.start)
            data = file.read(count * frame)
    except (ValueError, OSError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} is a damaged WAV file ({error})") from None
    values = _whole_numbers(data[: len(data) // frame * frame], found.width)
    if values is None:
        raise DataError(f"{path} has samples of {8 * found.width} bits: 8, 16, 24 and 32 are read")
    return values.reshape(-1, found.channels).mean(axis=1, dtype=np.float32), found.rate


def _whole_numbers(data: bytes, width: int) -> Samples | None:
    """Samples of so many bytes, from -1 to 1."""
    if width == 1:
        return _scaled(np.frombuffer(data, np.uint8), 8, True)
    if width == 3:  # as the upper bytes of 32 bits
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        return _scaled(wide.reshape(-1).view("<i4"), 32, False)
    if width in (2, 4):
        return _scaled(np.frombuffer(data, f"<i{width}"), 8 * width, False)
    return None


def _scaled(values: Any, bits: int, unsigned: bool) -> Samples:
    half = 2.0 ** (bits - 1)
    exact = (values.astype(np.float64) - (half if unsigned else 0.0)) / half
    return np.asarray(exact, np.float32)


def _decoded(path: Path) -> tuple[Samples, int]:
    """A file that libsndfile knows."""
    known = path.suffix.lower() in ENDINGS
    try:
        library = _soundfile.load()
    except ModuleNotFoundError:
        if known:
            raise
        raise DataError(f"{path} is no recording: WAV files are read") from None
    try:
        with library.SoundFile(str(path)) as file:
            _check_size(path, file.frames, file.channels)
            samples = file.read(dtype="float32", always_2d=True)
            return samples.mean(axis=1, dtype=np.float32), int(file.samplerate)
    except (library.SoundFileError, RuntimeError, TypeError, OverflowError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        what = "is damaged or no recording" if known else "is no recording"
        raise DataError(f"{path} {what}: {getattr(error, 'error_string', error)}") from None


def _check_size(path: Path, count: int, channels: int) -> None:
    if channels < 1 or channels > MOST_CHANNELS or count * channels > MOST_VALUES:
        raise DataError(
            f"{path} tells of {count} samples of {channels} channels: commands are short; cut it, "
            f"{MOST_VALUES} numbers are read at most"
        )
