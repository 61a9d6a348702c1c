"""Tables whose cells are divided by runs of spaces, or stand in columns of fixed width."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import DataError

RUN = re.compile(r"\s*\"(?:[^\"]|\"\")*\"\s*|[ \t]+")
WIDE_RUN = re.compile(r"(?: {2,}|\t)\s*")
DRAWN = re.compile(r"\s*[-=]+(\s+[-=]+)+")
LEAST_SHARE = 0.9  # of the lines that have the most frequent number of cells
LEAST_LINES = 3
SAMPLE_LINES = 2000


@dataclass(frozen=True)
class Spacing:
    """How lines are cut into cells.

    Attributes
    ----------
    run : re.Pattern or None
        What divides two cells.
    borders : tuple of int
        Else where the columns begin, in letters.
    note : str
    """

    run: re.Pattern[str] | None
    borders: tuple[int, ...]
    note: str

    def tabbed(self, name: str, content: bytes) -> bytes:
        """Return a text with tabs between its cells, and a line for each of its lines."""
        text = content.decode()
        if "\t" in text and self.run is None:
            raise DataError(f"{name}: tabs and spaces are mixed between its columns; use one")
        lines = [self._tabbed(line) for line in text.split("\n")]
        return "\n".join(lines).encode()

    def cells(self, line: str) -> list[str]:
        """Return the cells of a line."""
        return self._tabbed(line).split("\t")

    def _tabbed(self, line: str) -> str:
        if self.run is RUN:
            return RUN.sub(_one_tab, line.strip()) if '"' in line else "\t".join(line.split())
        if self.run is not None:
            return self.run.sub("\t", line.strip())
        if not line.strip():
            return ""
        if any(line[start - 1 : start].strip() for start in self.borders[1:]):
            return line.strip()  # a remark, or a cell that is too wide
        ends = (*self.borders[1:], None)
        return "\t".join(
            line[start:end].strip() for start, end in zip(self.borders, ends, strict=True)
        )


def _one_tab(match: re.Match[str]) -> str:
    """A quoted cell stays as it is, with the spaces beside it as one tab each."""
    text = match.group()
    if '"' not in text:
        return "\t"
    inner = text.strip(" \t")
    before = "\t" if text[0] in " \t" and match.start() else ""
    after = "\t" if text[-1] in " \t" and match.end() < len(match.string) else ""
    return before + inner + after


def spacing_of(lines: Sequence[str]) -> Spacing | None:
    """Return how lines without delimiters are cut, or None if they are a column of texts.

    Examples
    --------
    >>> spacing_of(["a   b", "1   2", "3  40"]).cells("5 6")
    ['5', '6']
    >>> spacing_of(["some text", "and more of such text", "here"]) is None
    True
    """
    lines = lines[:SAMPLE_LINES]
    if len(lines) < LEAST_LINES:
        return None
    runs = Spacing(RUN, (), "runs of spaces divide the cells")
    drawn = next((line for line in lines[:5] if DRAWN.fullmatch(line.rstrip())), None)
    if drawn is not None:
        borders = tuple(match.start() for match in re.finditer(r"\S+", drawn))
        return Spacing(None, (0, *borders[1:]), "a drawn line shows where the columns begin")
    divided = _are_alike(lines, runs)
    fixed = _fixed_width(lines)
    # A header one name short is R's, unless the columns stand below each other
    if divided and (fixed is None or len(runs.cells(lines[0])) == len(runs.cells(lines[-1]))):
        return runs
    if fixed is not None:
        return fixed
    wide = Spacing(WIDE_RUN, (), "two or more spaces divide the cells")
    return wide if _are_alike(lines, wide) else None


def _are_alike(lines: Sequence[str], spacing: Spacing) -> bool:
    """Whether nearly all lines have equally many cells; two words a line may be names."""
    counts = Counter(len(spacing.cells(line)) for line in lines)
    width, most = counts.most_common(1)[0]
    if width < 2 or most < LEAST_SHARE * len(lines):
        return False
    cells = [cell for line in lines[-200:] for cell in spacing.cells(line)]
    numbers = sum(any(letter.isdigit() for letter in cell) for cell in cells)
    return numbers >= 0.2 * len(cells)


def _fixed_width(lines: Sequence[str]) -> Spacing | None:
    """Columns between which all lines are blank, each with a name above it."""
    length = max(len(line) for line in lines)
    if len(lines) < 5 or any("\t" in line for line in lines) or length > 10_000:
        return None
    blank = [True] * length
    for line in lines:
        for k, letter in enumerate(line):
            blank[k] = blank[k] and letter == " "
    borders = [k for k in range(length) if not blank[k] and (k == 0 or blank[k - 1])]
    borders = _of_names(lines, borders)
    if len(borders) < 2:
        return None
    spacing = Spacing(None, (0, *borders[1:]), f"{len(borders)} columns of fixed width")
    if not all(spacing.cells(lines[0])[1:]):
        return None
    filled = sum(bool(cell) for line in lines for cell in spacing.cells(line))
    return spacing if filled >= 0.5 * len(lines) * len(borders) else None


def _of_names(lines: Sequence[str], borders: Sequence[int]) -> list[int]:
    """Return the borders without those between words of one column: no name stands there."""
    head, taken = lines[0], list(borders)
    for k in reversed(range(1, len(borders))):
        start, end = borders[k], borders[k + 1] if k + 1 < len(borders) else len(head)
        if head[start:end].strip():
            continue
        is_right = end < len(head) and head[end] == " "  # names and cells end below each other
        taken.remove(end if end in taken and (is_right or not head[:start].strip()) else start)
    return taken
