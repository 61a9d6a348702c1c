"""Headers of WAV files: what is in them and where, also of those that were written to a pipe.

IBM, Microsoft: "Multimedia programming interface and data specifications 1.0" (1991), chapter 3;
for the longer formats "Multiple channel audio data and WAVE files" (2001).
"""

from __future__ import annotations

import struct
from typing import BinaryIO, NamedTuple

PCM, EXTENSIBLE = 1, 0xFFFE
MAX_CHUNKS = 1000  # before the samples
# Who writes to a pipe does not know the length: ffmpeg says 2**32 - 1, sox and espeak 2**31 - 4096,
# others 0. No file that is read here is as long.
UNKNOWN = 0x7FFF_0000


class Wav(NamedTuple):
    """Samples of a WAV file: their layout, where they begin, and how many bytes they are.

    `known` says whether the header told how many, or they go on to the end of the file.
    """

    kind: int
    channels: int
    width: int
    rate: int
    start: int
    length: int
    known: bool


def read_header(file: BinaryIO, size: int) -> Wav:
    """Find the samples of a WAV file, which is `size` bytes long.

    Raises
    ------
    ValueError
        If a part is missing or out of place; with what.

    Examples
    --------
    >>> import io, struct
    >>> form = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)
    >>> piped = b"RIFF" + b"\\xff" * 4 + b"WAVEfmt \\x10\\0\\0\\0" + form + b"data" + b"\\xff" * 4
    >>> read_header(io.BytesIO(piped + bytes(10)), 54)
    Wav(kind=1, channels=1, width=2, rate=8000, start=44, length=10, known=False)
    """
    riff, riff_length, kind = struct.unpack("<4sI4s", _read(file, 12))
    if (riff, kind) != (b"RIFF", b"WAVE"):
        raise ValueError("it does not begin with RIFF and WAVE")
    wave_format: tuple[int, int, int, int] | None = None
    for _ in range(MAX_CHUNKS):
        name, length = struct.unpack("<4sI", _read(file, 8))
        start = file.tell()
        if name == b"data":
            if wave_format is None:
                raise ValueError("its samples come before their format")
            left = max(0, size - start)
            streamed = length >= UNKNOWN and left < length
            if not length and left:  # nothing, or not known: the whole file's length tells
                streamed = riff_length == 0 or riff_length >= UNKNOWN or riff_length + 8 <= start
            return Wav(*wave_format, start, left if streamed else length, not streamed)
        if name == b"fmt ":
            wave_format = _format(_read(file, min(length, 40)))
        file.seek(start + length + length % 2)
    raise ValueError("it holds no samples")


def _format(data: bytes) -> tuple[int, int, int, int]:
    """Return the kind, the channels, the bytes a sample and the samples a second."""
    if len(data) < 16:
        raise ValueError("its format is cut off")
    kind, channels, rate, _, frame, bits = struct.unpack("<HHIIHH", data[:16])
    if kind == EXTENSIBLE and len(data) >= 26:
        kind = int.from_bytes(data[24:26], "little")
    width = (bits + 7) // 8
    if not channels:
        raise ValueError("bad # of channels")
    if not width:
        raise ValueError("bad sample width")
    if kind == PCM and frame != channels * width:
        raise ValueError(f"{channels} channels of {width} bytes are not {frame} bytes")
    return kind, channels, width, rate


def _read(file: BinaryIO, count: int) -> bytes:
    """Read so many bytes, or raise a ValueError."""
    data = file.read(count)
    if len(data) < count:
        raise ValueError("it ends early")
    return data
