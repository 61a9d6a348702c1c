"""The delimiter and the quotes of a text: those with which most lines have equally many cells."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .layout import Dialect
from .spacing import Spacing, spacing_of

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
RARE = ("~", "^", "\x01", "\x1f")  # where none of those divides the lines
DOUBLE_COLON = re.compile("::")
SAMPLE = 2**18  # bytes that are looked at
SEP_LINE = re.compile(r'"?sep=(.)"?;?\s*', re.IGNORECASE)
COMMENTS = ("#", "//", "%")
DECIMAL_COMMA = re.compile(
    r"\s*[^\w\s]?\s*[+-]?(?:\d{1,3}(?:[.' \u00a0\u202f]\d{3})+|\d+),\d+\D{0,4}"
)
NO_DECIMAL = re.compile(r"(?<!\d),|,(?!\d)")
PLAIN_SHARE = 0.9  # of the lines: less, and a text without a header's delimiter is one column
FEWEST = 3
QUOTED = re.compile(r"'.*'", re.DOTALL)


@dataclass(frozen=True)
class Sniffed:
    """What the lines of a text look like.

    Attributes
    ----------
    dialect : Dialect
    skipped : int
        Lines before the table: 1 where the first says ``sep=;``.
    spacing : Spacing or None
        How lines are cut that have no delimiter but spaces.
    notes : tuple of str
    """

    dialect: Dialect
    skipped: int = 0
    spacing: Spacing | None = None
    notes: tuple[str, ...] = ()


def sniff(content: bytes, delimiter: str | None = None) -> Sniffed:
    """Return the dialect of a text.

    Parameters
    ----------
    content : bytes
        UTF-8, with line feeds at the ends of lines.
    delimiter : str, optional
        What the file's name promises; used unless another one divides the lines better.

    Examples
    --------
    >>> sniff(b"a;b\\n1,5;2,5\\n2,5;3,5\\n").dialect.delimiter
    ';'
    >>> sniff(b"sep=|\\na|b\\n1|2\\n").skipped
    1
    """
    lines = _sample(content)
    declared = SEP_LINE.fullmatch(lines[0]) if lines else None
    if declared is not None:
        mark = declared.group(1)
        note = f"line 1 says that {_named(mark)} divide the cells, and is no row"
        return Sniffed(Dialect(mark, _quote(lines[1:], mark)), 1, None, (note,))
    plain = [line for line in lines if line.strip() and not line.startswith(COMMENTS)]
    scores = {mark: _score(plain, mark) for mark in DELIMITERS}
    favourite = delimiter or ","
    best = max(scores, key=lambda mark: (round(scores[mark], 3), mark == favourite))
    decimal = best == "," and not any(NO_DECIMAL.search(line) for line in plain[1:])
    if decimal and plain[0].count(",") == plain[-1].count(",") and NO_DECIMAL.search(plain[0]):
        decimal = False  # names with as many commas: 2026-01-31 00:00:00,10 is a time and a number
    if decimal and _are_fractions(plain):
        return Sniffed(Dialect(""), 0, None, ("commas are decimal marks",))
    if scores[best] > 0.0 and not (decimal and spacing_of(plain)):
        quote = _quote(lines, best)
        notes = (f"{_named(best)} divide the cells",) * (best != favourite)
        escape = "\\" if quote and _is_escaped(content, quote, best) else ""
        notes += (f"cells are quoted with {quote}",) if quote == "'" else ()
        notes += (f"{escape} stands before quotes inside of cells",) if escape else ()
        return Sniffed(Dialect(best, quote, escape), 0, None, notes)
    rare = next((mark for mark in RARE if _divides(plain, mark)), None)
    if rare is not None:
        note = f"{rare!r} divides the cells"
        return Sniffed(Dialect(rare, _quote(lines, rare)), 0, None, (note,))
    if _divides(plain, "::"):
        return Sniffed(Dialect("\t"), 0, Spacing(DOUBLE_COLON, (), "'::' divides the cells"),
                       ("'::' divides the cells",))  # fmt: skip
    spacing = spacing_of(plain)
    if spacing is not None:
        return Sniffed(Dialect("\t"), 0, spacing, (spacing.note,))
    return Sniffed(Dialect("", _quote(lines, "")))


def _divides(lines: Sequence[str], mark: str) -> bool:
    """Whether a mark stands equally often in all lines."""
    return len(lines) > 1 and len({line.count(mark) for line in lines}) == 1 and mark in lines[0]


def _are_fractions(lines: Sequence[str]) -> bool:
    """Whether each line below the first, a name, is one number with a decimal comma.

    As 1,5 below 0,7; but numbers behind 1, 2, 3, ... are those of rows with numbers for names.
    """
    whole = [line.split(",")[0].strip().strip('"') for line in lines[1:]]
    counting = [str(k + 1) for k in range(len(whole))]
    return (
        len(lines) > FEWEST
        and "," not in lines[0]
        and all(DECIMAL_COMMA.fullmatch(line) for line in lines[1:])
        and whole != counting
    )


def _sample(content: bytes) -> list[str]:
    """Return the whole lines at the start of a text."""
    start = content[:SAMPLE]
    if len(content) > SAMPLE and b"\n" in start:
        start = start[: start.rindex(b"\n")]
    return start.decode("utf-8", "ignore").split("\n")


def _score(lines: Sequence[str], mark: str) -> float:
    """Return how well a delimiter divides lines: 0 for not at all, 1 for all alike."""
    if not any(mark in line for line in lines):
        return 0.0
    rows = _rows(lines, Dialect(mark))
    divided = [k for k, row in enumerate(rows) if len(row) > 1]
    if not divided:
        return 0.0
    inner = rows[divided[0] : divided[-1] + 1]  # without titles and remarks
    counts = Counter(len(row) for row in inner)
    width, most = max(counts.items(), key=lambda item: (item[1], item[0]))
    share = most / len(inner)
    if divided[0] > 0 and (width == 1 or share < PLAIN_SHARE or len(inner) < len(rows) / 2):
        return 0.0  # texts with commas in them
    if width == 1:
        if len(divided) < len(rows) / 2:
            return 0.0
        width, share = len(rows[0]), 0.3  # ragged
    cells = [cell for row in rows[:200] if len(row) == width for cell in row]
    others = [other for other in DELIMITERS if other != mark]
    clean = sum(
        DECIMAL_COMMA.fullmatch(cell) is not None or not any(other in cell for other in others)
        for cell in cells
    )
    return share * (0.5 + 0.5 * clean / max(len(cells), 1))


def _rows(lines: Sequence[str], dialect: Dialect) -> list[list[str]]:
    """Return the cells of lines; those of a cell without end are one."""
    rows = []
    try:
        for row in dialect.reader(f"{line}\n" for line in lines):
            rows.append(row)
    except csv.Error:
        pass  # the layout names the line
    return rows


def _quote(lines: Sequence[str], mark: str) -> str:
    """Return the quotation mark of a text: ' only where it encloses whole cells, and " does not."""
    if not any("'" in line for line in lines):
        return '"'
    rows = _rows(lines, Dialect(mark, ""))
    cells = [cell.strip() for row in rows for cell in row]
    if any(cell.startswith('"') for cell in cells) or not any(
        cell.startswith("'") for cell in cells
    ):
        return '"'
    if _alike(_rows(lines, Dialect(mark, "'"))) > _alike(rows):
        return "'"
    columns = zip(*(row for row in rows[1:] if len(row) == len(rows[0])), strict=True)
    known = ([cell.strip() for cell in column if cell.strip()] for column in columns)
    quoted = (all(QUOTED.fullmatch(cell) for cell in column) for column in known if column)
    return "'" if any(quoted) else '"'


def _alike(rows: Sequence[Sequence[str]]) -> float:
    """Return the share of rows that have the most frequent number of cells."""
    widths = Counter(len(row) for row in rows if row)
    return max(widths.values()) / sum(widths.values())


def _is_escaped(content: bytes, quote: str, mark: str) -> bool:
    """Return whether quotes in cells follow a backslash, as MySQL writes them."""
    inner = f"\\{quote}".encode()
    if inner not in content[:SAMPLE]:
        return False
    ends = [f"\\{quote}{end}".encode() for end in (mark, "\n")]
    ending = sum(content[:SAMPLE].count(end) for end in ends)  # a path such as "C:\"
    return content[:SAMPLE].count(inner) > ending


def _named(mark: str) -> str:
    """Return a delimiter in words."""
    return DELIMITERS.get(mark, "spaces" if mark == " " else repr(mark))
