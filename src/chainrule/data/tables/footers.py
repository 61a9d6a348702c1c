"""Below the data: sources, remarks, counts of rows and rows of sums; cut, and said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .header import COMMENTS, LOOKS_NUMERIC, RULED, excerpt

TOTAL_WORDS = (
    "total totals sum sums summe gesamt ergebnis insgesamt somme totale suma totaal summa soma "
    "razem ogółem łącznie toplam celkem összesen yhteensä итого всего 合計 総計 小計 合计 总计 小计"
)
SUM_WORDS = (
    f"{TOTAL_WORDS} average avg mean median count min max overall durchschnitt mittelwert moyenne "
    "media promedio gemiddelde medel média"
)
SUMS = re.compile(
    r"(grand |sub-?|sous-|col(umn)? |row |all |gesamt|zwischen)?"
    rf"({'|'.join(SUM_WORDS.split())})( g[eé]n[eé]ral| geral| generale)?\s*(\([^)]*\))?:?",
    re.IGNORECASE,
)
REMARK = re.compile(
    r"\W*(sources?|notes?|quellen?|anmerkung|hinweis|fuente|remarks?|footnote|generated|created|"
    r"exported|retrieved|downloaded|copyright|last updated|data from|stand|"
    r"end of (file|report|data)|eof|"
    r"\d+ (rows?|records?|lines?|zeilen)|rows?:|records?:|\(?\d+ rows? (affected|selected))\b.*"
    r"|[-=_*.]{3,}.*|\*+ ?\D.*|©.*",
    re.IGNORECASE | re.DOTALL,
)
MOST = 50  # rows at the end that are looked at
ALMOST = 0.9  # of the rows


@dataclass(frozen=True)
class Footer:
    """How many rows at the end are none of the data, and what is said about it."""

    rows: int = 0
    notes: tuple[str, ...] = ()


def find_footer(
    tail: Sequence[Sequence[str]],
    labels: Sequence[str],
    body: Sequence[Sequence[str]],
    width: int,
) -> Footer:
    """Return the rows at the end that are no data.

    Parameters
    ----------
    tail : sequence of sequences of str
        The cells of the last rows; blank ones are empty lists.
    labels : sequence of str
        Where each stands.
    body : sequence of sequences of str
        Rows of the data, to compare with.
    width : int

    Examples
    --------
    >>> body = [["a", "1"], ["b", "2"]] * 3
    >>> find_footer([["b", "2"], ["Total", "9"], [], ["Source: us"]], "3456", body, 2).rows
    2
    >>> body = [["1", "1"], ["2", "2"]] * 3
    >>> find_footer([["2", "2"], ["Total", "9"], [], ["Source: us"]], "3456", body, 2).rows
    3
    """
    columns = _Columns(list(zip(*body, strict=False)))
    count = _block(tail, width)
    last = range(len(tail) - 1, len(tail) - 1 - count, -1)
    cut = [f"{labels[k]}: {excerpt(tail[k])}" for k in last]
    for k in reversed(range(max(0, len(tail) - MOST), len(tail) - count)):
        cells = [cell.strip() for cell in tail[k]]
        after_blank = k > 0 and not any(cell.strip() for cell in tail[k - 1])
        if not any(cells) and not (width == 1 and cells):  # "" is a cell, and missing
            count += 1
            if len(cells) > 1:
                cut.append(f"{labels[k]}: an empty row")
        elif any(cells) and _is_footer(cells, columns, width, after_blank):
            count += 1
            cut.append(f"{labels[k]}: {excerpt(cells)}")
        else:
            break
    notes = (f"left out below the data: {'; '.join(reversed(cut))}",) if cut else ()
    return Footer(count, notes)


def _block(tail: Sequence[Sequence[str]], width: int) -> int:
    """Return how many rows are remarks below a blank line: none of them fits the table."""
    blank = [k for k, row in enumerate(tail[:-1]) if not row]
    block = tail[blank[-1] + 1 :] if blank else []
    fits = any(len(row) == width and sum(map(bool, row)) > 1 for row in block)
    if not block or width == 1 or fits or LOOKS_NUMERIC.match(block[0][0].strip()):
        return 0
    return len(block)


@dataclass(frozen=True)
class _Columns:
    """Columns of the data; few of many are looked at."""

    columns: Sequence[Sequence[str]]

    def cells(self, k: int) -> list[str]:
        """The cells of a column; none of one that is not there."""
        return [cell.strip() for cell in self.columns[k]] if k < len(self.columns) else []

    def is_numeric(self, k: int) -> bool:
        """Whether nearly all cells that are not empty begin as numbers do."""
        known = list(filter(None, self.cells(k)))
        numbers = sum(LOOKS_NUMERIC.match(cell) is not None for cell in known)
        return bool(known) and numbers >= ALMOST * len(known)

    def is_filled(self, k: int) -> bool:
        """Whether nearly all cells are not empty."""
        cells = self.cells(k)
        return bool(cells) and sum(map(bool, cells)) >= ALMOST * len(cells)


def _is_footer(
    cells: Sequence[str],
    columns: _Columns,
    width: int,
    after_blank: bool,
) -> bool:
    """Whether a row is a remark or a row of sums, and can be no row of the data."""
    first = next(cell for cell in cells if cell)
    if all(RULED.fullmatch(cell) for cell in cells) and width > 1:
        return True
    if len(cells) == width:
        if sum(map(bool, cells)) == 1 < width and REMARK.fullmatch(first):
            return True
        at = cells.index(first)
        if not SUMS.fullmatch(first) or first in columns.cells(at):
            return False
        gaps = any(not cell and columns.is_filled(k) for k, cell in enumerate(cells))
        return columns.is_numeric(at) or gaps
    if len(cells) > width:
        return bool(REMARK.fullmatch(first))
    if REMARK.fullmatch(first) or SUMS.fullmatch(first) or first.startswith(COMMENTS):
        return True
    if LOOKS_NUMERIC.match(first):
        return False
    return after_blank or (len(cells) == 1 and width > 1 and columns.is_numeric(0))
