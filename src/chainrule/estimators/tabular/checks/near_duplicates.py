"""Rows that nearly repeat another one: but for rounding, capitals and spaces, or but for one cell.

Each cell gets a number of 64 bits, and a row the sum of them: without the cell of one column it is
known by a subtraction. Rows count only if they are equal in two columns of nearly unique numbers,
which chance does not repeat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..typed_columns import Floats, TypedColumn
from .row_hashes import mixed_bits

MAX_ROWS = 50_000
MAX_COLUMNS = 200
MAX_CELLS = 4_000_000
NEARLY_UNIQUE = 0.3  # of the rows: so many different numbers
BEYOND_CHANCE = 30.0  # times: columns depend on each other
KNOWN = 0.8  # of the cells of such a column
GRID = 300.0  # of the standard deviation: numbers are compared at this resolution, or finer


@dataclass(frozen=True)
class NearDuplicates:
    """Rows that nearly repeat an earlier one; those that repeat one as a whole are not among them.

    Attributes
    ----------
    repeated : array of bool, shape (rows,)
        Which rows do, with the same target.
    other_target : array of bool, shape (rows,)
        Which rows are equal to another one in all columns but the target.
    groups : array of int, shape (rows,)
        Rows that nearly repeat each other have the same number.
    column : str
        The one that differs in most of them; empty where the cells only look different.
    """

    repeated: NDArray[np.bool_]
    other_target: NDArray[np.bool_]
    groups: NDArray[np.int64]
    column: str


def near_duplicates(columns: Sequence[TypedColumn], target: str) -> NearDuplicates | None:
    """Look for rows that nearly repeat another one; None where nothing can be said.

    Parameters
    ----------
    columns : sequence of TypedColumn
        Those that make rows alike, the target among them.
    target : str
    """
    rows = len(columns[0].values) if columns else 0
    unique = {c.name for c in columns if is_nearly_unique(c)}
    many = len(columns) > MAX_COLUMNS or rows * len(columns) > MAX_CELLS
    if not 0 < rows <= MAX_ROWS or many or len(unique) < 2:
        return None
    bits = {column.name: _bits(column, k) for k, column in enumerate(columns)}
    with np.errstate(over="ignore"):
        whole = np.sum([*bits.values()], axis=0, dtype=np.uint64)
        exact = np.sum([_exact(c, k) for k, c in enumerate(columns)], axis=0, dtype=np.uint64)
    first = np.zeros(rows, bool)
    first[np.unique(exact, return_index=True)[1]] = True
    alike = {name: _chance(one) for name, one in bits.items()}
    of_column = {"": _repeats(whole, first)}
    for name, one in bits.items():
        if len(unique - {name}) >= 2:
            again = _repeats(whole - one, first)
            chance = float(np.prod([p for other, p in alike.items() if other != name]))
            if np.sum(again[0]) > BEYOND_CHANCE * chance * rows**2 / 2:
                of_column[name] = again
    other = of_column.pop(target, (np.zeros(rows, bool), np.arange(rows)))[0]
    repeated, groups = np.zeros(rows, bool), np.arange(rows)
    for rows_again, firsts in of_column.values():
        groups[rows_again] = np.minimum(groups[rows_again], firsts[rows_again])
        repeated |= rows_again
    most = max(of_column, key=lambda name: int(np.sum(of_column[name][0] & ~of_column[""][0])))
    column = most if np.sum(of_column[""][0]) < 0.5 * np.sum(repeated) else ""
    return NearDuplicates(repeated, other & ~repeated, groups, column)


def _chance(bits: Any) -> float:
    """How often two rows have the same cell."""
    counts = np.unique(bits, return_counts=True)[1]
    return float(np.sum(counts.astype(np.float64) ** 2)) / len(bits) ** 2


def _repeats(hashes: Any, first: Any) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which rows repeat an earlier one of those that count, and the position of that one."""
    positions = np.flatnonzero(first)
    _, start, codes = np.unique(hashes[positions], return_index=True, return_inverse=True)
    firsts = np.arange(len(hashes))
    firsts[positions] = positions[start[codes]]
    return firsts < np.arange(len(hashes)), firsts


def is_nearly_unique(column: TypedColumn) -> bool:
    """Whether a column holds numbers of which chance repeats few."""
    number = column.kind == "number" and len(column.known) >= KNOWN * len(column.values)
    return number and not _is_counting(column) and (
        column.distinct >= NEARLY_UNIQUE * len(column.values)
    )  # fmt: skip


def _is_counting(column: TypedColumn) -> bool:
    """Whether its numbers come one after the other, as those of a clock or of the rows do."""
    steps = np.diff(column.known)
    return bool(np.all(steps >= 0) or np.all(steps <= 0))


def _exact(column: TypedColumn, k: int) -> NDArray[np.uint64]:
    values = np.where(np.isnan(column.values), np.nan, column.values) + 0.0
    return mixed_bits(values.view(np.uint64), k)


def _bits(column: TypedColumn, k: int) -> NDArray[np.uint64]:
    """A number for each cell, the same for those that mean nearly the same."""
    values = column.values
    if column.is_text:
        plain = [" ".join(text.casefold().split()) for text in column.levels]
        codes = np.unique(np.array(plain or [""]), return_inverse=True)[1].astype(np.float64)
        known = ~np.isnan(values)
        values = np.full(len(values), np.nan)
        values[known] = codes[column.values[known].astype(int)]
    elif column.kind == "number" and not column.is_whole:
        values = _rounded(values)
    values = np.where(np.isnan(values), np.nan, values) + 0.0
    return mixed_bits(values.view(np.uint64), k)


def _rounded(values: Floats) -> Floats:
    """Numbers with as few decimals as tell them apart, as somebody who shortens them would."""
    with np.errstate(over="ignore", invalid="ignore"):
        spread = float(np.nanstd(values))
    if not (spread > 0 and np.isfinite(spread)):
        return values
    decimals = int(np.ceil(np.log10(GRID / spread)))
    return np.round(values, decimals) if abs(decimals) < 300 else values
