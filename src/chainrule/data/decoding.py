"""Bytes of text files as UTF-8 with line feeds: other encodings are recognised, and said."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from ..errors import DataError
from ..lazy import LazyModule

charset_normalizer = LazyModule("charset_normalizer")

BYTE_ORDER_MARKS = (  # at the start of a file; those of 32 bits begin like those of 16
    (codecs.BOM_UTF32_LE, "UTF-32"), (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"), (codecs.BOM_UTF16_BE, "UTF-16"),
)  # fmt: skip
SNIFFED_BYTES = 4096
SAMPLE_BYTES = 2**16  # of words with letters beyond ASCII
CHUNK = 2**22
FEW = 0.05
FEW_WHOLE = 0.3  # of the lines that are no UTF-8: fewer may be some by chance
WORD = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")
MARKED_LINE = b"\n" + codecs.BOM_UTF8
PAGE = re.compile(rb"^\f|\f$", re.MULTILINE)
LINE_END = re.compile(r"\r\n|\r|\n")
HIGH_RUN = re.compile(rb"[\x80-\xff]+")
NO_ENCODINGS = ("idna", "punycode", "unicode-escape", "raw-unicode-escape")  # of whole files
# What charset-normalizer chooses from, once the words' letters say of which kind the text is
WESTERN = ("cp1252", "cp1250", "cp1254")
LATIN = (*WESTERN, "iso8859_2", "cp1257", "mac_roman", "cp850")  # the later ones where those fail
OTHER_LETTERS = ("cp1251", "koi8_r", "cp866", "cp1253", "cp1255", "cp1256")
TWO_BYTES = ("cp932", "euc_jp", "gb2312", "big5", "euc_kr")
WIDER = ("gb18030", "cp949")  # with rare letters beside those of the former
# Marks that stand in the middle of words: apostrophes, dots and dashes
APOSTROPHES = "\u2019\u2018\u00b4`\u02bc\u00b7\u2013\u2014-"


def to_utf8(
    path: str | Path, content: bytes, encoding: str | None = None
) -> tuple[bytes, tuple[str, ...]]:
    """Return a text file's content as UTF-8 with line feeds, and how it was encoded if otherwise.

    UTF-16 and UTF-32 are told by their marks or zeros; what is no UTF-8 either is one of the
    encodings of old Windows and Mac systems or of East Asia, of which the likeliest is taken:
    ``charset-normalizer`` compares the frequencies of letters.

    Parameters
    ----------
    path : str or Path
        The file, for errors.
    content : bytes
    encoding : str, optional
        As Python names it. Decided if left out.

    Raises
    ------
    DataError
        If it holds zeros as no text does, or is UTF-8 but for some damaged letters; if the encoding
        is unknown, or some bytes are none of it, with their line.

    Examples
    --------
    >>> to_utf8("a.csv", b"a,b\\r1,2\\r")
    (b'a,b\\n1,2\\n', ())
    >>> to_utf8("a.csv", "name\\nMüller".encode("cp1252"))[1]
    ("the file is no UTF-8 and is read as cp1252: 'Müller'",)
    """
    if encoding:
        content, notes = _as_named(path, content, encoding)
    else:
        content, notes = _as_recognised(path, content)
    if b"\0" in content:
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        raise DataError(
            f"{path} holds binary data, not text (a zero byte in line {line}); is its name right, "
            "and the file whole?"
        )
    content = content.removesuffix(b"\x1a")  # where files of DOS end
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if MARKED_LINE[1] in content and MARKED_LINE in content:  # files that were put together
        content = content.replace(MARKED_LINE, b"\n")
    if b"\f" in content:  # pages
        content = PAGE.sub(b"", content)
    return content, notes


def decode_text(
    path: str | Path, content: bytes, encoding: str | None = None
) -> tuple[str, tuple[str, ...]]:
    """Return `to_utf8` as text."""
    utf8, notes = to_utf8(path, content, encoding)
    return utf8.decode(), notes


def _as_recognised(path: str | Path, content: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return a content as UTF-8, in the encoding that its bytes tell, with a note."""
    notes: tuple[str, ...] = ()
    wide = _mark(content) or _utf16_without_mark(content)
    if wide is not None:
        content, notes = _decoded(path, content, wide).encode(), (f"the file is {wide} text",)
    while content.startswith(codecs.BOM_UTF8):
        content = content.removeprefix(codecs.BOM_UTF8)
    if not _is_utf8(content):
        _check_not_damaged(path, content)
        encoding, example = _likeliest(path, content)
        content = _decoded(path, content, encoding).encode()
        notes = (f"the file is no UTF-8 and is read as {encoding}: {example!r}",)
    return content, notes


def _as_named(path: str | Path, content: bytes, encoding: str) -> tuple[bytes, tuple[str, ...]]:
    """Return a content as UTF-8, from the encoding that the user names, with a note."""
    try:
        name = codecs.lookup(encoding).name
        if name in NO_ENCODINGS:
            raise LookupError
        "a".encode(encoding)  # which codecs that are none of text refuse
    except (LookupError, ValueError):
        raise DataError(
            f"{encoding!r:.40} is no encoding that is known: give one such as utf-8, cp1252, "
            "cp1250, mac_roman, shift_jis or utf-16"
        ) from None
    mark = "UTF-8" if content.startswith(codecs.BOM_UTF8) else _mark(content)
    if mark is not None and not name.replace("-", "").startswith(mark.lower().replace("-", "")):
        raise DataError(
            f"{path} begins with the mark of {mark}, and is not {encoding}: leave --encoding out"
        )
    try:
        text = content.decode(encoding).lstrip("\ufeff")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(encoding, "replace")
        line = len(LINE_END.findall(before)) + 1
        start = content[: error.start + 20].decode(encoding, "backslashreplace")
        excerpt = LINE_END.split(start)[line - 1]
        raise DataError(
            f"{path}, line {line}: bytes there are not {encoding} ({excerpt!r:.80}); mend that "
            "line, leave --encoding out, or give another one"
        ) from None
    example = max((word for word in text[:SAMPLE_BYTES].split() if not word.isascii()),
                  key=len, default="")  # fmt: skip
    if not example:
        return text.encode(), ()
    return text.encode(), (f"the file is read as {encoding}, as asked: {example[:40]!r}",)


def _mark(content: bytes) -> str | None:
    """Return the encoding in two or four bytes a letter that the first bytes mark."""
    return next((name for mark, name in BYTE_ORDER_MARKS if content.startswith(mark)), None)


def _decoded(path: str | Path, content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is {encoding} text that breaks off or is damaged at byte {error.start}; copy "
            "the file again, save it as UTF-8, or name its encoding (--encoding)"
        ) from error


def _is_utf8(content: bytes) -> bool:
    """Return whether bytes are UTF-8, without a copy of all of them."""
    if content.isascii():
        return True
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(content)
    try:
        for start in range(0, len(content), CHUNK):
            decoder.decode(view[start : start + CHUNK], start + CHUNK >= len(content))
    except UnicodeDecodeError:
        return False
    return True


def _check_not_damaged(path: str | Path, content: bytes) -> None:
    """Refuse UTF-8 with some letters that are not: no other encoding looks like it."""
    lines = content.split(b"\n")
    whole, broken, first, odd, runs = 0, 0, 0, 0, 0
    for number, line in enumerate(lines, 1):
        if line.isascii():
            continue
        try:
            line.decode()
            whole += 1
        except UnicodeDecodeError:
            broken += 1
            first = first or number
            high = HIGH_RUN.findall(line)
            odd, runs = odd + sum(len(run) % 2 for run in high), runs + len(high)
    # Letters of East Asia have two bytes each, and some are UTF-8 by chance
    if whole > broken or (whole > 1 and whole > FEW_WHOLE * broken and odd > FEW_WHOLE * runs):
        excerpt = lines[first - 1].decode("utf-8", "backslashreplace")
        raise DataError(
            f"{path}, line {first}: it is not UTF-8 as the other lines are ({excerpt!r:.80}); mend "
            "that line, save the whole file as UTF-8, or name its encoding, such as "
            "--encoding cp1252"
        )


def _likeliest(path: str | Path, content: bytes) -> tuple[str, str]:
    """Return the encoding of a text in one or two bytes a letter, and a word that shows it."""
    words = _limited(match.group() for match in WORD.finditer(content))
    high = [run for word in words for run in HIGH_RUN.findall(word)]
    letters = sum(map(len, high))
    paired = sum(len(run) for run in high if len(run) > 1) / letters
    foreign = letters / sum(map(len, words))
    if paired > 0.25 and foreign > 0.4:
        lines = _limited(line for line in content.split(b"\n") if not line.isascii())
        sample = b"\n".join(lines)
        encodings = [name for name in TWO_BYTES if _fits(content, name)]
        encodings += [
            name for name in OTHER_LETTERS
            if _fits(content, name) and _mixed(sample.decode(name)) < FEW * letters
            and _loose_marks([word.decode(name) for word in words]) < FEW * len(words)
        ]  # fmt: skip
        chosen = (
            _by_letters(encodings, sample)
            or _by_letters([name for name in OTHER_LETTERS if name in encodings], b" ".join(words))
            or _by_letters([name for name in WIDER if _fits(content, name)], sample)
        )
    else:
        encodings = [name for name in LATIN if _fits(content, name)]
        faults = {name: _faults(f" {b' '.join(words).decode(name)}") for name in encodings}
        best = [name for name in encodings if faults[name] == min(faults.values())]
        usual = [name for name in best if name in WESTERN]
        chosen = _by_letters(usual or best, b" ".join(words)) or next(iter(usual or best), None)
    chosen = chosen or "latin_1"
    example = max(words[:50], key=len).decode(chosen, "replace")
    return chosen, example[:40]


def _limited(parts: Iterable[bytes]) -> list[bytes]:
    """Return the first of many parts."""
    taken: list[bytes] = []
    size = 0
    for part in parts:
        taken.append(part)
        size += len(part)
        if size > SAMPLE_BYTES:
            break
    return taken


def _fits(content: bytes, encoding: str) -> bool:
    """Return whether a text could be in an encoding."""
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _by_letters(encodings: Sequence[str], sample: bytes) -> str | None:
    """Return the encoding whose letters are the most usual; the first one unless it is worse."""
    if len(encodings) < 2:
        return encodings[0] if encodings else None
    matches = charset_normalizer.from_bytes(sample, cp_isolation=list(encodings))
    best = matches.best()
    if best is None:
        return None
    measures = {
        name: (match.chaos, -match.coherence)
        for match in reversed(list(matches)) for name in match.could_be_from_charset
    }  # fmt: skip
    first = encodings[0]
    if measures.get(first, (1.0, 0.0)) <= (best.chaos, -best.coherence):
        return first
    return str(best.encoding)


def _faults(text: str) -> int:
    """Return how many letters beyond ASCII do not stand where letters of words do."""
    faults = 0
    for before, letter, after in zip(text, text[1:], f"{text[2:]} ", strict=False):
        if letter.isascii():
            continue
        kind = unicodedata.category(letter)
        if kind in ("Lu", "Ll", "Lo"):
            joined = before.isalpha() and (before.islower() or after.islower())
            faults += kind == "Lu" and joined
        else:
            inside = before.isalpha() and after.isalpha() and letter not in APOSTROPHES
            faults += inside or kind[0] == "C"
    return faults


def _loose_marks(words: Sequence[str]) -> int:
    """Return how many words begin with a mark that stands above or below a letter before it."""
    return sum(unicodedata.category(word[0])[0] == "M" for word in words)


def _mixed(text: str) -> int:
    """Return how often letters of two alphabets stand side by side, as they do in no word."""
    return sum(
        a.isascii() != b.isascii() and a.isalpha() and b.isalpha() for a, b in pairwise(text)
    )


def _utf16_without_mark(content: bytes) -> str | None:
    """Return the encoding of text in two bytes a letter: every other byte is mostly zero."""
    start = content[:SNIFFED_BYTES]
    for offset, name in ((1, "UTF-16LE"), (0, "UTF-16BE")):
        zeros, others = start[offset::2], start[1 - offset :: 2]
        if len(zeros) > 1 and zeros.count(0) > 0.6 * len(zeros) and not others.count(0):
            return name
    return None
