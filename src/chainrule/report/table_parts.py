"""What a report tells of a table and of a model of it: plain values, made by the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ColumnOverview:
    """One column of a table: what it was taken for, and how its values are spread.

    Attributes
    ----------
    name, kind, why : str
        The kind, and what speaks for it.
    missing : float
        Share of the cells.
    examples, notes : sequence of str
        Some cells as they were written; what was guessed, cut or dropped.
    ends : (str, str), optional
        Of numbers and dates, the smallest and the largest as they are to be printed.
    levels : sequence of str
        Of texts, the commonest ones, to which `shares` belong.
    shares : sequence of sequence of float
        By class (or once for all rows), the share of the rows in each bin or of each level.

    Examples
    --------
    >>> column = ColumnOverview("size", "number", missing=0.25, shares=((0.5, 0.25, 0.25),))
    >>> column.missing, len(column.shares[0])
    (0.25, 3)
    """

    name: str
    kind: str
    why: str = ""
    missing: float = 0.0
    examples: Sequence[str] = ()
    notes: Sequence[str] = ()
    ends: tuple[str, str] | None = None
    levels: Sequence[str] = ()
    shares: Sequence[Sequence[float]] = ()


@dataclass(frozen=True)
class Overview:
    """The columns of a table, and the target.

    Attributes
    ----------
    columns : sequence of ColumnOverview
    target : ColumnOverview or None
    classes : sequence of str
        Of which each column's `shares` are; empty if they are of all rows.
    more : int
        Columns that are not listed.

    Examples
    --------
    >>> data = Overview([ColumnOverview("size", "number")], classes=("no", "yes"))
    >>> data.columns[0].kind, data.more
    ('number', 0)
    """

    columns: Sequence[ColumnOverview] = ()
    target: ColumnOverview | None = None
    classes: Sequence[str] = ()
    more: int = 0


@dataclass(frozen=True)
class AdviceItem:
    """Something to look out for in a table, and the option that deals with it.

    Examples
    --------
    >>> AdviceItem("leak", ("status",), "'status' tells the target.", "--drop status").option
    '--drop status'
    """

    kind: str
    columns: Sequence[str]
    message: str
    option: str = ""


@dataclass(frozen=True)
class Dependence:
    """How the answer changes with one column, on average over rows (J. Friedman, 2001).

    Attributes
    ----------
    name : str
    at : sequence of float or of str
        Values of the column: numbers, or levels.
    curves : dict of sequence of float
        By output (a class's probability, the target), the mean answer at each value.
    low, high : sequence of float
        Of the first curve: between these lies the answer for 80 of 100 rows, where their own mean
        is put at the mean of all (A. Goldstein et al., 2015).
    dates : bool
        Whether `at` counts days since 1970.

    Examples
    --------
    >>> curve = Dependence("size", (1.0, 2.0), {"price": (10.0, 30.0)}, (9.0, 25.0), (11.0, 35.0))
    >>> curve.curves["price"][1] - curve.curves["price"][0]
    20.0
    """

    name: str
    at: Sequence[Any]
    curves: dict[str, Sequence[float]]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    dates: bool = False


@dataclass(frozen=True)
class WrongRow:
    """A test row that was predicted badly.

    Attributes
    ----------
    row : int
        Its number in the table, from 1.
    truth, predicted : str or float
        Classes, or numbers.
    error : float
        The probability of the true class, or true minus predicted.
    cells : sequence of str
        Of the columns that are shown.

    Examples
    --------
    >>> WrongRow(17, "yes", "no", 0.03, ("12.5", "red")).error
    0.03
    """

    row: int
    truth: str | float
    predicted: str | float
    error: float
    cells: Sequence[str]


@dataclass(frozen=True)
class GroupScore:
    """The score of the test rows that share a level of a column.

    Attributes
    ----------
    column, level : str
    rows : int
    score, low, high : float
        With a 95 % interval.

    Examples
    --------
    >>> group = GroupScore("colour", "red", 40, 0.8, 0.66, 0.89)
    >>> group.low < group.score < group.high
    True
    """

    column: str
    level: str
    rows: int
    score: float
    low: float
    high: float
