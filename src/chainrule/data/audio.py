"""Audio files and arrays as samples, at any sampling rate.

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

EXTENSIONS = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf")
SAMPLE_RATES = (1_000, 768_000)  # samples a second, from and to
MAX_VALUES = 2**26  # samples times channels of a file: 23 minutes of one channel at 48 kHz
MAX_CHANNELS = 64


class Recording(NamedTuple):
    """A recording: its samples, their rate (None: that of the model), and its name in errors."""

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
    path = Path(path)
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise DataError(f"{path} is a folder: give a recording, or train on the folder")
        with path.open("rb") as file:
            start = file.read(12)
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"cannot read {path}: {getattr(error, 'strerror', error)}") from None
    if not size:
        raise DataError(f"{path} is empty: it holds no recording")
    wav = _read_pcm_wav(path, size) if start[:4] == b"RIFF" and start[8:] == b"WAVE" else None
    samples, rate = _decode(path) if wav is None else wav
    if not len(samples):
        raise DataError(f"{path} holds no sample: record it again, or leave it out")
    if not SAMPLE_RATES[0] <= rate <= SAMPLE_RATES[1]:
        raise DataError(
            f"{path} has {rate} samples a second: {SAMPLE_RATES[0]} to {SAMPLE_RATES[1]} are read"
        )
    if not np.isfinite(samples).all():
        raise DataError(f"{path} holds samples that are no finite numbers: it is damaged")
    return samples, rate


def resample(samples: Any, rate: int, new_rate: int) -> Samples:
    """Return the same sound at another sampling rate, by a polyphase filter.

    Parameters
    ----------
    samples : float array of shape (samples,)
    rate, new_rate : int
        Samples a second, before and after.

    Returns
    -------
    float32 array of shape (ceil(samples * new_rate / rate),)

    Examples
    --------
    >>> import numpy as np
    >>> tone = np.sin(2 * np.pi * 100 * np.arange(1600) / 16000)
    >>> slower = resample(tone, 16000, 8000)
    >>> bool(np.abs(slower - tone[::2])[50:-50].max() < 0.002)
    True
    """
    original: Samples = np.asarray(samples, np.float32)
    if rate == new_rate:
        return original
    common = gcd(rate, new_rate)
    return np.asarray(
        _signal.resample_poly(original, new_rate // common, rate // common), dtype=np.float32
    )


def as_recordings(X: Any) -> list[Recording]:
    """Return recordings as a list: paths, arrays of samples, or pairs of samples and rate.

    Whole numbers of up to 32 bits go from the least to the greatest of their type; floats from -1
    to 1.

    Raises
    ------
    DataError
        If one cannot be read or is no recording, or holds whole numbers of 64 bits, of which
        nobody knows the loudest; its index in the list is named, or its file.
    """
    if isinstance(X, (str, Path)):
        raise DataError(f"{str(X)!r:.80} is one recording: give a list of them")
    if not isinstance(X, (Sequence, np.ndarray)) and not hasattr(X, "tolist"):
        raise DataError(f"{type(X).__name__}: give a list of recordings, paths or arrays")
    if isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype.kind in "biufc" and len(X):
        raise DataError(
            f"X has shape {X.shape}, as one recording has: give a list of recordings, such as [X]"
        )
    if not len(X):
        raise DataError("X is empty: there is no recording")
    return [_as_recording(source, f"recording {k}") for k, source in enumerate(X)]


def _as_recording(source: Any, name: str) -> Recording:
    """Return a recording from a path, an array of samples, or a pair of samples and rate."""
    if isinstance(source, Recording):
        return source
    if isinstance(source, (str, Path)):
        return Recording(*read_audio(source), str(source))
    rate = None
    if isinstance(source, tuple):
        if len(source) != 2 or not isinstance(source[1], (int, np.integer)):
            raise DataError(f"{name} is a tuple: give (samples, samples a second)")
        source, rate = source[0], int(source[1])
        if not SAMPLE_RATES[0] <= rate <= SAMPLE_RATES[1]:
            raise DataError(
                f"{name} has {rate} samples a second: give {SAMPLE_RATES[0]} to {SAMPLE_RATES[1]}"
            )
    if np.ma.is_masked(source):
        raise DataError(f"{name} has masked samples: fill them, such as by x.filled(0)")
    try:
        samples = np.asarray(source)
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
    return Recording(samples, rate, name)


def _check_width(samples: Any, name: str) -> None:
    """Refuse integers of 64 bits: the width gives the scale, and no recording has 64 bits."""
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


def _read_pcm_wav(path: Path, size: int) -> tuple[Samples, int] | None:
    """Read a WAV file of whole numbers; return None if it holds others."""
    try:
        with path.open("rb") as file:
            header = read_header(file, size)
            if header.kind != PCM:
                return None
            frame = header.channels * header.width
            count = header.length // frame
            if header.known and header.start + count * frame > size:
                raise DataError(
                    f"{path} is damaged: its header tells of {count} samples, and the file ends "
                    f"after {max(0, size - header.start) // frame}: copy or record it again"
                )
            _check_size(path, count, header.channels)
            file.seek(header.start)
            data = file.read(count * frame)
    except (ValueError, OSError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} is a damaged WAV file ({error})") from None
    values = _decode_pcm(data[: len(data) // frame * frame], header.width)
    if values is None:
        raise DataError(f"{path} has samples of {8 * header.width} bits: 8, 16, 24 and 32 are read")
    return values.reshape(-1, header.channels).mean(axis=1, dtype=np.float32), header.rate


def _decode_pcm(data: bytes, width: int) -> Samples | None:
    """Return samples of `width` bytes each, scaled to -1 to 1; None for other widths."""
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
    """Scale integers of so many bits to -1 to 1."""
    half = 2.0 ** (bits - 1)
    exact = (values.astype(np.float64) - (half if unsigned else 0.0)) / half
    return np.asarray(exact, np.float32)


def _decode(path: Path) -> tuple[Samples, int]:
    """Read a file of a format that libsndfile knows."""
    known = path.suffix.lower() in EXTENSIONS
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
        fault = "is damaged or no recording" if known else "is no recording"
        raise DataError(f"{path} {fault}: {getattr(error, 'error_string', error)}") from None


def _check_size(path: Path, count: int, channels: int) -> None:
    """Refuse a file that claims more samples than are read."""
    if channels < 1 or channels > MAX_CHANNELS or count * channels > MAX_VALUES:
        raise DataError(
            f"{path} tells of {count} samples of {channels} channels: commands are short; cut it, "
            f"{MAX_VALUES} numbers are read at most"
        )
