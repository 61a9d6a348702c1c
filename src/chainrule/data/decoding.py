"""Bytes of text files as text: UTF-8 with any ends of lines, or an error that says what it is."""

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path

from ..errors import DataError

BYTE_ORDER_MARKS = (  # at the start of a file; those of 32 bits begin like those of 16
    (codecs.BOM_UTF32_LE, "UTF-32"), (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"), (codecs.BOM_UTF16_BE, "UTF-16"),
)  # fmt: skip
SNIFFED_BYTES = 4096


def decode_text(path: Path, content: bytes) -> str:
    """Return the text of a UTF-8 file; lines that ended with a return alone end with a line feed.

    Raises
    ------
    DataError
        If it is in another encoding, or holds zeros as no text does.

    Examples
    --------
    >>> decode_text(Path("a.csv"), b"a,b\\r1,2\\r")
    'a,b\\n1,2\\n'
    >>> decode_text(Path("a.csv"), "a,b".encode("utf-16"))
    Traceback (most recent call last):
    chainrule.errors.DataError: a.csv is UTF-16 text, and UTF-8 is read; save it as UTF-8, e.g. \
iconv -f UTF-16 -t UTF-8
    """
    marked = (name for mark, name in BYTE_ORDER_MARKS if content.startswith(mark))
    wide = next(marked, None) or _utf16_without_mark(content)
    if wide is not None:
        raise DataError(
            f"{path} is {wide} text, and UTF-8 is read; save it as UTF-8, e.g. iconv -f {wide} "
            "-t UTF-8"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 text (byte {error.start}); "
            f"save it as UTF-8, e.g. iconv -f WINDOWS-1252 -t UTF-8"
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(
            f"{path} holds binary data, not text (a zero byte in line {line}); is its name right, "
            "and the file whole?"
        )
    return text.replace("\r", "\n") if "\r" in text and "\n" not in text else text


def first_row(path: Path, text: str, separator: str) -> list[str]:
    """Return the cells of the first line of a table.

    Raises
    ------
    DataError
        If it cannot be cut into cells.
    """
    try:
        return next(csv.reader(io.StringIO(text.lstrip()), delimiter=separator))
    except csv.Error as error:
        raise DataError(f"{path}: its first line cannot be read ({error}); mend it") from error


def _utf16_without_mark(content: bytes) -> str | None:
    """Return the encoding of text in two bytes a letter: every other byte is mostly zero."""
    start = content[:SNIFFED_BYTES]
    for offset, name in ((1, "UTF-16LE"), (0, "UTF-16BE")):
        zeros, others = start[offset::2], start[1 - offset :: 2]
        if len(zeros) > 1 and zeros.count(0) > 0.6 * len(zeros) and not others.count(0):
            return name
    return None
