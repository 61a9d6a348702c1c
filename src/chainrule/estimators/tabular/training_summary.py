"""What the training rows looked like, in some kilobytes: other tables are compared with it.

A model is saved with it, so that `predict` can say where new rows are unlike those of the training.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ...container import damaged
from ...data.columns import KINDS, Reading
from ..serialization.schema import each, fields, finite, flag, one_of, text, whole
from .typed_columns import Floats, TypedColumn, each_typed_column

PARTS = ((300, 10), (2_000, 4))  # up to so many columns, parts of a column's numbers
FEWEST_PARTS = 2
MAX_LEVELS = 200  # of a column of text, by how often they occur; of more, not all are known
MAX_ROWS = 20_000  # from which shares are taken; ends and levels are of all rows
DIGITS = 6  # significant ones
FAR = 0.5  # of the width of the training's range, beyond its ends
SHIFT = 0.25  # of the stability index: "major" to those who use it (Siddiqi, see `ColumnDrift`)
FEWEST_EXPECTED = 1.0  # rows of a part, for the chi-squared test to hold
FEWEST_ODD = 3  # rows that hold what was not expected, to say that a column changed
SURE = 1e-3  # probability that chance makes one column of a table look shifted


@dataclass(frozen=True)
class ColumnSummary:
    """What one column of the training looked like.

    Attributes
    ----------
    name, kind : str
    missing : float
        Share of its cells.
    ends : tuple of float
        The smallest and the largest number; dates are days since 1970. Empty for texts.
    edges : tuple of float
        Numbers that divide the others into about equal parts: ten, of hundreds of columns
        fewer. Empty for texts.
    levels : tuple of str
        The texts, the commonest first.
    shares : tuple of float
        Of the known cells: up to each edge and above the last one; or with each level.
    complete : bool
        Whether `levels` are all that there were.
    """

    name: str
    kind: str
    missing: float
    ends: tuple[float, ...]
    edges: tuple[float, ...]
    levels: tuple[str, ...]
    shares: tuple[float, ...]
    complete: bool


@dataclass(frozen=True)
class ColumnDrift:
    """A column whose values are spread otherwise than in the training.

    Attributes
    ----------
    name : str
    index : float
        The population stability index, the sum of ``(p - q) * log(p / q)`` over tenths or levels
        (N. Siddiqi: "Credit risk scorecards", 2006): 0 if nothing changed, above 0.25 a lot.
    message : str
        A plain sentence.
    """

    name: str
    index: float
    message: str


@dataclass(frozen=True)
class Comparison:
    """How other rows differ from those of the training.

    Attributes
    ----------
    drift : tuple of ColumnDrift
        The most changed column first; only changes beyond chance.
    unseen : dict of str to array of bool
        By column: which rows hold a text that the training did not; columns without one are left
        out.
    far : dict of str to array of bool
        By column: which rows hold a number more than half the width of the training's range beyond
        its ends.
    empty : array of bool, shape (rows,)
        Which rows hold nothing in any column.
    """

    drift: tuple[ColumnDrift, ...]
    unseen: dict[str, NDArray[np.bool_]]
    far: dict[str, NDArray[np.bool_]]
    empty: NDArray[np.bool_]


@dataclass(frozen=True)
class TrainingSummary:
    """What the training rows looked like; see `learn`.

    Examples
    --------
    >>> import pandas as pd
    >>> seen = pd.DataFrame({"size": range(100), "colour": ["red", "blue"] * 50})
    >>> summary = TrainingSummary.learn(seen)
    >>> new = pd.DataFrame({"size": [5, 300], "colour": ["green", "red"]})
    >>> compared = summary.compare(new)
    >>> compared.unseen["colour"].tolist(), compared.far["size"].tolist()
    ([True, False], [False, True])
    """

    rows: int
    columns: tuple[ColumnSummary, ...]

    @classmethod
    def learn(
        cls,
        frame: Any,
        kinds: Mapping[str, str] | None = None,
        categories: Collection[str] = (),
        readings: Sequence[Reading] = (),
        rows: Any = None,
    ) -> TrainingSummary:
        """Summarise a table.

        Parameters
        ----------
        frame : pandas.DataFrame
            The inputs of the training rows.
        kinds : mapping of str to str, optional
            Kinds of columns instead of those that their cells look like.
        categories : collection of str
            Columns of numbers that are categories.
        readings : sequence of Reading
            Those of columns that were read before.
        rows : array of int, optional
            Positions of the training rows, if the frame has others as well.
        """
        parts = next((n for most, n in PARTS if frame.shape[1] <= most), FEWEST_PARTS)
        columns = each_typed_column(frame, kinds, categories, readings, rows)
        return cls(
            len(frame) if rows is None else len(rows),
            tuple(_summary(column, parts) for column in columns if len(column.known)),
        )

    def compare(self, frame: Any) -> Comparison:
        """Compare other rows, whose columns are read as in the training.

        Raises
        ------
        DataError
            If a cell is not of its column's kind.
        """
        names = [column.name for column in self.columns if column.name in frame.columns]
        kinds = {column.name: column.kind for column in self.columns}
        known = {column.name: column for column in self.columns}
        others = frame if list(frame.columns) == names else frame[names]
        drift, unseen, far = [], {}, {}
        empty = np.ones(len(frame), bool)
        for other in each_typed_column(others, kinds):  # those with a value
            column = known[other.name]
            empty &= np.isnan(other.values)
            if column.kind == "text":
                strange = _unseen(column, other)
                if strange.any():
                    unseen[column.name] = strange
            else:
                away = _far(column, other.values)
                if away.any():
                    far[column.name] = away
            drift.append(_drift(column, other, self.rows, len(self.columns)))
        changed = sorted((d for d in drift if d is not None), key=lambda d: -d.index)
        return Comparison(tuple(changed), unseen, far, empty)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "rows": self.rows,
            "columns": [
                {
                    "name": column.name, "kind": column.kind, "missing": column.missing,
                    "ends": list(column.ends), "edges": list(column.edges),
                    "levels": list(column.levels), "shares": list(column.shares),
                    "complete": column.complete,
                }
                for column in self.columns
            ],
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: Any) -> TrainingSummary:
        """The summary of `to_json`; a `ModelFileError` for anything else."""
        checked = SUMMARY(value, "the summary of the training")
        columns = tuple(
            ColumnSummary(
                one["name"], one["kind"], one["missing"], tuple(one["ends"]), tuple(one["edges"]),
                tuple(one["levels"]), tuple(one["shares"]), one["complete"],
            )
            for one in checked["columns"]
        )  # fmt: skip
        for column in columns:
            parts = len(column.levels) if column.kind == "text" else len(column.edges) + 1
            ends = 0 if column.kind == "text" else 2
            ordered = list(column.edges) == sorted(set(column.edges))
            if len(column.shares) != parts or len(column.ends) != ends or not ordered:
                raise damaged(f"the summary of column {column.name!r:.60} contradicts itself")
        return cls(checked["rows"], columns)


COLUMN = fields({
    "name": text, "kind": one_of(*KINDS), "missing": finite, "ends": each(finite, most=2),
    "edges": each(finite), "levels": each(text), "shares": each(finite), "complete": flag,
})  # fmt: skip
SUMMARY = fields({"rows": whole(0), "columns": each(COLUMN)})


def _summary(column: TypedColumn, parts: int) -> ColumnSummary:
    missing = 1.0 - len(column.known) / len(column.values)
    if column.is_text:
        counts = np.bincount(column.known.astype(int), minlength=len(column.levels))
        order = np.argsort(-counts, kind="stable")[:MAX_LEVELS]
        shares = counts[order] / counts.sum()
        return ColumnSummary(
            column.name, column.kind, _short(missing), (), (),
            tuple(column.levels[k] for k in order), _shorts(shares), len(counts) <= MAX_LEVELS,
        )  # fmt: skip
    known = column.known
    ends = (float(known.min()), float(known.max()))
    some = known[:: -(-len(known) // MAX_ROWS)]
    between = np.linspace(0.0, 1.0, parts + 1)[1:-1]
    edges = np.unique(_shorts(np.quantile(some, between, method="inverted_cdf")))
    return ColumnSummary(
        column.name, column.kind, _short(missing), ends, tuple(edges.tolist()), (),
        _shorts(_shares(some, edges)), True,
    )  # fmt: skip


def _shares(values: Floats, edges: Any) -> Any:
    """The share of the values up to each edge, and above the last one."""
    counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)
    return counts / max(1, len(values))


def _unseen(column: ColumnSummary, other: TypedColumn) -> NDArray[np.bool_]:
    """Which cells hold a text that the training did not; none where not all of them are known."""
    if not column.complete:
        return np.zeros(len(other.values), bool)
    known = {*column.levels}
    strange = np.array([level not in known for level in other.levels] + [False], bool)
    missing = np.isnan(other.values)
    codes = np.where(missing, len(other.levels), other.values).astype(int)
    return np.asarray(strange[codes], np.bool_)


def _far(column: ColumnSummary, values: Floats) -> NDArray[np.bool_]:
    low, high = column.ends
    margin = FAR * (high - low)  # 0 where all numbers were alike: any other one is far
    with np.errstate(invalid="ignore"):
        return np.asarray((values < low - margin) | (values > high + margin))


def _drift(
    column: ColumnSummary, other: TypedColumn, rows: int, n_columns: int
) -> ColumnDrift | None:
    """The change of a column, if it is large and beyond chance."""
    present = other.known
    expected = [*np.asarray(column.shares) * (1.0 - column.missing), column.missing]
    if column.kind == "text":
        numbers = {level: k for k, level in enumerate(column.levels)}
        of_level = np.array([numbers.get(level, -1) for level in other.levels] or [-1])
        codes = of_level[present.astype(int)]
        counts = np.bincount(codes[codes >= 0], minlength=len(column.levels)).astype(float)
        counts = np.append(counts, np.sum(codes < 0))
        rest = max(0.0, 1.0 - float(np.sum(column.shares))) * (1.0 - column.missing)
        expected.insert(-1, rest)
    else:
        counts = _shares(present, np.asarray(column.edges)) * len(present)
    observed = np.append(counts, len(other.values) - len(present))
    index, p_value = _stability(np.asarray(expected) * rows, observed)
    if not (index > SHIFT and p_value < SURE / n_columns):
        return None
    return ColumnDrift(column.name, index, _sentence(column, other, index))


def _stability(before: Any, after: Any) -> tuple[float, float]:
    """The stability index of two rows of counts, and how often chance makes them so unlike."""
    some = (before + after) > 0
    before, after = before[some], after[some]
    if len(before) < 2 or after.sum() == 0:
        return 0.0, 1.0
    p = (before + 0.5) / (before + 0.5).sum()  # no share is 0: its logarithm is finite
    q = (after + 0.5) / (after + 0.5).sum()
    return float(np.sum((q - p) * np.log(q / p))), _probability(before, after)


def _probability(before: Any, after: Any) -> float:
    """How often chance makes counts so unlike.

    What is rarely expected, such as an empty cell where the training had none, is taken together:
    of so few, the chi-squared distribution says nothing.
    """
    rows = float(after.sum())
    rare = before / before.sum() * rows < FEWEST_EXPECTED
    parts = []
    if after[rare].sum() >= FEWEST_ODD:  # one or two are told with their rows
        share = (before[rare].sum() + 1.0) / (before.sum() + 2.0)
        parts.append(float(stats.binom.sf(after[rare].sum() - 1.0, rows, share)))
    usual = np.array([before[~rare], after[~rare]])
    if usual.shape[1] > 1 and usual[1].sum() > 0:
        parts.append(float(stats.chi2_contingency(usual).pvalue))
    return min(1.0, len(parts) * min(parts)) if parts else 1.0


def _sentence(column: ColumnSummary, other: TypedColumn, index: float) -> str:
    """What changed most about a column."""
    missing = 1.0 - len(other.known) / len(other.values)
    start = f"{column.name!r} differs from the training (stability index {index:.2f}): "
    if abs(missing - column.missing) > 0.2:
        return start + f"{missing:.0%} of the cells are empty instead of {column.missing:.0%}."
    if column.kind == "text":
        counts = np.bincount(other.known.astype(int), minlength=len(other.levels))
        before = dict(zip(column.levels, column.shares, strict=True))
        now = dict(zip(other.levels, counts / max(1, counts.sum()), strict=True))
        most = max({*before, *now}, key=lambda name: abs(now.get(name, 0) - before.get(name, 0)))
        shares = [f"{part.get(most, 0.0):.0%}" for part in (now, before)]
        return start + f"{most!r:.40} makes up {shares[0]} instead of {shares[1]}."
    middle = float(np.median(other.known)) if len(other.known) else float("nan")
    half = int(np.searchsorted(np.cumsum(column.shares), 0.5))
    usual = column.edges[min(half, len(column.edges) - 1)]
    if column.kind == "date":
        days = [np.datetime_as_string(np.datetime64(0, "D") + int(d)) for d in (middle, usual)]
        return start + f"its median is {days[0]} instead of {days[1]}."
    return start + f"its median is {middle:.4g} instead of about {usual:.4g}."


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _shorts(values: Any) -> tuple[float, ...]:
    return tuple(_short(float(value)) for value in values)
