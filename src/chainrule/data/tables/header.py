"""Above the data: titles, comments, one line of names or two, or none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from ...errors import DataError
from ..columns.missing_markers import is_marker

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?")
YEAR = re.compile(r"(19|20)\d\d")
LOOKS_NUMERIC = re.compile(r"[^\w\s]{0,3}\s*\d")  # also $1,200 and (12.5) and 31.12.2020
COMMENTS = ("#", "//", "%")
NUMERIC_SHARE = 0.7
BODY_ROWS = 200
MOST_QUOTED = 3  # lines of a note
LONGEST = 60  # letters of a line
MOST_LINES = 3  # of names
RULED = re.compile(r":?[-=]+:?")  # a cell of a drawn line
BRACKETED = re.compile(r"[\[(].*[\])]")


@dataclass(frozen=True)
class Header:
    """The names of the columns, and where the rows begin.

    Attributes
    ----------
    names : tuple of str
        One for each column; empty where there is none.
    first : int
        The row of the head with which the data begin.
    named : bool
        Whether the file names the columns.
    short : bool
        Whether there is one name less than columns: the rows have names, as R writes them.
    notes : tuple of str
    """

    names: tuple[str, ...]
    first: int
    named: bool
    short: bool = False
    notes: tuple[str, ...] = ()


def find_header(
    name: str,
    head: Sequence[Sequence[str]],
    labels: Sequence[str],
    width: int,
    header: bool | None = None,
) -> Header:
    """Return the header of a table.

    Parameters
    ----------
    name : str
        The file, for errors.
    head : sequence of sequences of str
        The cells of the first rows; blank ones are empty lists.
    labels : sequence of str
        Where each stands: ``line 3``.
    width : int
        How many cells the rows of the table have.
    header : bool, optional
        Whether there is one; decided if left out.

    Examples
    --------
    >>> head = [["Sales 2020"], ["id", "price"], ["", "(EUR)"], ["1", "3.5"], ["2", "4.5"]]
    >>> found = find_header("a.csv", head, [f"line {k}" for k in range(1, 6)], 2)
    >>> found.names, found.first
    (('id', 'price (EUR)'), 3)
    """
    start = _first_full_row(head, width)
    titles = list(range(start))
    if start == len(head):
        return Header(("",) * width, start, False, False, _titles_note(head, labels, titles))
    first = [" ".join(cell.split()) for cell in head[start]]
    short = len(first) == width - 1
    again = list(head[start])  # as in files that were put together
    fitting = [row for row in head[start + 1 :] if len(row) == width]
    body = [row for row in fitting if row != again][:BODY_ROWS]
    comment = _commented_names(head, titles, width)
    is_data = not header
    if header is None:
        is_data = _is_data(first, body, short) or _recurs(first, fitting)
    if is_data and comment is not None and header is None:
        titles.remove(comment)
        notes = (*_titles_note(head, labels, titles), f"{labels[comment]} names the columns")
        return Header(tuple(_without_mark(head[comment])), start, True, False, notes)
    notes = _titles_note(head, labels, titles)
    if is_data:
        _check_titles(name, head, labels, titles, width)
        if header is None:
            notes += (f"{labels[start]} holds data, so the columns are named column_1, ...",)
        return Header(("",) * width, start, False, False, notes)
    if short or header is not None:
        return Header(tuple(first), start + 1, True, short, notes)
    names, lines, more = _of_several_lines(first, body, labels[start])
    return Header(names, start + lines, True, False, notes + more)


def _of_several_lines(
    first: Sequence[str], body: Sequence[Sequence[str]], label: str
) -> tuple[tuple[str, ...], int, tuple[str, ...]]:
    """Return the names in up to three lines, how many these are, and what was done with them."""
    names, rows = tuple(first), list(body)
    notes: tuple[str, ...] = ()
    if len(rows) > 1 and _is_imported(rows[1]):
        return names, 3, (f"{label} has the names; the questions and codes in the two lines below "
                          "it are left out",)  # fmt: skip
    for _ in range(MOST_LINES - 1):
        if not rows or _is_ruled(rows[0]) or not _is_second_header(names, rows):
            break
        names = _joined(names, [cell.strip() for cell in rows[0]])
        rows = rows[1:]
    lines = 1 + len(body) - len(rows)
    if names != tuple(first):
        example = next((name for name in names if " " in name), names[0])
        below = "the one below it are" if lines == 2 else f"the {lines - 1} below it are"
        notes = (f"{label} and {below} joined to names such as {example!r}",)
    if rows and not names[0] and _is_label(rows[0]):
        names = (rows[0][0].strip(), *names[1:])
        lines += 1
        notes += (f"the first column is called {names[0]!r}, as the line below the names says",)
    return names, lines, notes


def _is_ruled(row: Sequence[str]) -> bool:
    """Whether a line is drawn below the names."""
    cells = [cell.strip() for cell in row]
    drawn = [cell for cell in cells if cell]
    return (
        len(cells) > 1
        and max(map(len, drawn), default=0) > 1
        and all(RULED.fullmatch(cell) for cell in drawn)
    )


def _is_imported(row: Sequence[str]) -> bool:
    """Whether a row has the codes that Qualtrics writes below names and questions."""
    return all(cell.lstrip().startswith('{"ImportId"') for cell in row)


def _is_label(row: Sequence[str]) -> bool:
    """Whether a row has a text in its first cell alone, as pandas names an index."""
    cells = [cell.strip() for cell in row]
    return len(cells) > 2 and bool(cells[0]) and not any(cells[1:]) and (
        LOOKS_NUMERIC.match(cells[0]) is None
    )  # fmt: skip


def _first_full_row(head: Sequence[Sequence[str]], width: int) -> int:
    """Return the first row that has a cell for each column, or a name for all but one."""
    filled = [sum(map(bool, map(str.strip, row))) for row in head if len(row) == width]
    usual = median(filled[-BODY_ROWS:]) if filled else 0
    for k, row in enumerate(head):
        cells = [cell.strip() for cell in row]
        if _is_comment(cells) and not (
            len(cells) == width
            and k + 1 < len(head)
            and _is_header_with_mark(cells, head[k + 1], width)
        ):
            continue  # fmt: skip
        is_alone = usual > 1 and any(cells[:1]) and not any(cells[1:])
        is_title = not any(cells) or _is_ruled(cells) or is_alone
        if len(cells) == width and not is_title:
            return k
        if len(cells) == width - 1 >= 1 and all(cells) and _are_rows(head[k + 1 :], width):
            return k
    return len(head)


def _are_rows(rows: Sequence[Sequence[str]], width: int) -> bool:
    """Whether the first of some rows is one of the data: it has numbers where the others do."""
    if not rows or len(rows[0]) != width:
        return False
    columns = list(zip(*(row for row in rows[1:] if len(row) == width), strict=False))
    numeric = [k for k, column in enumerate(columns[:BODY_ROWS]) if _is_numeric(column)]
    if not numeric:
        return width > 2
    return all(_is_nothing(rows[0][k]) or LOOKS_NUMERIC.match(rows[0][k].strip()) for k in numeric)


def _is_comment(cells: Sequence[str]) -> bool:
    return bool(cells) and cells[0].startswith(COMMENTS)


def _is_header_with_mark(cells: Sequence[str], following: Sequence[str], width: int) -> bool:
    """Whether a row such as ``#id,x,y`` names columns: texts above numbers, no space after #."""
    if len(following) != width or _is_comment(following) or width < 2 or cells[0][1:2] == " ":
        return False
    if any(NUMBER.fullmatch(cell) for cell in cells):
        return False
    return any(LOOKS_NUMERIC.match(cell.strip()) for cell in following)


def _commented_names(
    head: Sequence[Sequence[str]], titles: Sequence[int], width: int
) -> int | None:
    """Return the last comment above the rows, if it has a text for each column."""
    for k in reversed(titles):
        cells = _without_mark(head[k])
        if _is_comment([cell.strip() for cell in head[k]]) and len(cells) == width > 1:
            texts = all(cell and not NUMBER.fullmatch(cell) for cell in cells)
            return k if texts else None
    return None


def _without_mark(row: Sequence[str]) -> list[str]:
    cells = [cell.strip() for cell in row]
    return [re.sub(r"^(#+|//+|%+)\s*", "", cells[0]), *cells[1:]] if cells else []


def _is_data(first: Sequence[str], body: Sequence[Sequence[str]], short: bool) -> bool:
    """Return whether a first row is one of the data and not of names."""
    numbers = [cell for cell in first if NUMBER.fullmatch(cell)]
    if len(numbers) == len(first):
        return not _is_count(numbers)
    columns = list(zip(*body, strict=False)) if body else []
    if short:
        columns = columns[1:]
    votes, texts, again = 0, 0, 0
    for cell, column in zip(first, columns, strict=False):
        is_number = NUMBER.fullmatch(cell) is not None
        is_date = DATE.fullmatch(cell) is not None and _are_dates(column)
        if (is_number or is_date) and _is_numeric(column):
            votes += 1
        elif cell and not is_number:
            texts += 1
            again += cell in set(map(str.strip, column))
    if votes and (len(numbers) != votes or not _is_series(numbers)):
        return True
    if votes and again >= max(1, texts / 2):
        return True
    return texts > 1 and again > texts / 2 and len(body) >= 5


def _recurs(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether a first row of texts comes again, and a part of it beside other cells, as data do."""
    again = [
        row for row in rows if len(row) == len(first)
        and all(cell.strip() == name for cell, name in zip(row, first, strict=True))
    ]  # fmt: skip
    if len(again) < 2 or any(NUMBER.fullmatch(cell) for cell in first):
        return False
    return any(
        cell and any(row[k].strip() == cell for row in rows if row not in again)
        for k, cell in enumerate(first)
    )


def _is_count(numbers: Sequence[str]) -> bool:
    """Return whether numbers count columns: 0, 1, 2, ..., as pandas writes for an array."""
    if not all(number.isdigit() for number in numbers):
        return False  # 5.1 is nobody's column name
    start = int(numbers[0]) if numbers else 0
    counting = list(numbers) == [str(start + step) for step in range(len(numbers))]
    return counting and start <= 1 and len(numbers) != 1


def _is_series(numbers: Sequence[str]) -> bool:
    """Return whether numbers in a header are years, or a series of even steps."""
    if all(YEAR.fullmatch(number) for number in numbers):
        return True
    values = [float(number) for number in numbers]
    steps = {round(b - a, 9) for a, b in pairwise(values)}
    return steps == {1.0} or (len(steps) == 1 and len(values) > 2 and min(steps) > 0.0)


def _is_numeric(column: Sequence[str]) -> bool:
    """Return whether most cells of a column begin with a digit."""
    counts = Counter(column)
    digits = [cell for cell in counts if LOOKS_NUMERIC.match(cell.strip()) is not None]
    if not digits:
        return False
    known = sum(count for cell, count in counts.items() if not _is_nothing(cell))
    matched = sum(counts[cell] for cell in digits if not _is_nothing(cell))
    return known > 0 and matched >= NUMERIC_SHARE * known


def _are_dates(column: Sequence[str]) -> bool:
    """Return whether the cells of a column are dates, as one above them is."""
    known = [cell.strip() for cell in column if not _is_nothing(cell)]
    return sum(DATE.fullmatch(cell) is not None for cell in known) >= NUMERIC_SHARE * len(known)


def _is_nothing(cell: str) -> bool:
    return not cell.strip() or is_marker(cell)


def _is_second_header(first: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Return whether the second row holds units, or the names below merged cells."""
    if len(body) < 3:
        return False
    second = [cell.strip() for cell in body[0]]
    columns = list(zip(*body[1:], strict=False))
    below = enumerate(columns)
    if any(LOOKS_NUMERIC.match(second[k]) and _is_numeric(column) for k, column in below):
        return False
    numeric = [k for k, column in enumerate(columns) if _is_numeric(column)]
    if not numeric:
        return False
    named = [k for k in numeric if not _is_nothing(second[k])]
    recurring = any(
        second[k] in {cell.strip() for cell in column}
        for k, column in enumerate(columns)
        if second[k]
    )
    grouped = any(not cell for cell in first) and all(second[k] for k in numeric)
    enough = len(named) >= max(1, len(numeric) / 2) and (len(named) > 1 or len(numeric) == 1)
    alone = not any(cell for k, cell in enumerate(second) if k not in numeric)
    units = alone or all(BRACKETED.fullmatch(second[k]) for k in named)
    return not recurring and bool(named) and (grouped or enough or units)


def _joined(first: Sequence[str], second: Sequence[str]) -> tuple[str, ...]:
    """Return the names of two rows; a merged cell stands above all columns to its right."""
    names, above = [], ""
    merged = any(not cell for cell in first)
    for top, bottom in zip(first, second, strict=True):
        above = top or (above if merged and bottom else "")
        names.append(f"{above} {bottom}".strip())
    return tuple(names)


def _titles_note(
    head: Sequence[Sequence[str]], labels: Sequence[str], titles: Sequence[int]
) -> tuple[str, ...]:
    """Return a note of the lines that are left out above the header."""
    titles = [k for k in titles if any(cell.strip() for cell in head[k])]
    if not titles:
        return ()
    quoted = "; ".join(f"{labels[k]}: {excerpt(head[k])}" for k in titles[:MOST_QUOTED])
    more = f"; and {len(titles) - MOST_QUOTED} more" if len(titles) > MOST_QUOTED else ""
    return (f"left out above the table: {quoted}{more}",)


def excerpt(row: Sequence[str]) -> str:
    """Return a row for a note, cut where it is long."""
    text = ",".join(cell.strip() for cell in row).rstrip(",")
    return repr(text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}...")


def _check_titles(
    name: str,
    head: Sequence[Sequence[str]],
    labels: Sequence[str],
    titles: Sequence[int],
    width: int,
) -> None:
    """Refuse names that do not fit the rows: a line of several texts right above data."""
    if not titles:
        return
    cells = [cell.strip() for cell in head[titles[-1]]]
    if len(cells) > 1 and all(cells) and not _is_comment(cells):
        raise DataError(
            f"{name}, {labels[titles[-1]]} names {len(cells)} columns and the rows have {width} "
            f"cells: {excerpt(cells)}; name each column, or remove that line"
        )
