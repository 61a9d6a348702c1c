"""Rows in the order of time: what is near in time is alike, and a random split tests the past."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from ..honest import boosted_features, boosted_model
from ..typed_columns import Floats, TypedColumn
from .advice import Advice, option
from .column_names import suggests_birth, suggests_clock, suggests_part_of_year, suggests_year
from .evidence import Evidence

MIN_ROWS = 40
WINDOW = 6_000  # rows one after the other that are looked at for their order
ALIKE = 0.1  # correlation of a row's target with the next one's
RESIDUALS = 0.32  # the same of what a model does not explain
SURE = 3.5  # standard deviations from no correlation at all
SEVERAL = 8  # of the next rows
KNOWN = 0.8  # of the cells of a column that says when
SORTED = 0.98  # of the steps from one row to the next
SORTED_BY_TARGET = 0.9
MAX_CLASSES = 20
FEWEST_TIMES = 8
YEARS = (1500, 2200)
IN_SERIES = 0.9  # of the steps: the rows of one series after those of another
LEAST_SERIES = 6  # rows


@dataclass(frozen=True)
class TimeOrder:
    """That rows are in the order of time.

    Attributes
    ----------
    column : str
        The one that says when; empty where only the order of the rows does.
    correlation : float
        Of a row's target, or what a model leaves of it, with that of the next row.
    of_residuals : bool
        Which of the two.
    """

    column: str
    correlation: float
    of_residuals: bool


def time_order(evidence: Evidence, leave_out: Collection[str], group: str = "") -> TimeOrder | None:
    """Whether rows that are near in time have targets that are alike, beyond chance.

    `group` is the column by which rows belong together: each may be a series of its own.
    """
    if len(evidence.y) < MIN_ROWS:
        return None
    y = _as_numbers(evidence)
    has_months = any(suggests_part_of_year(column.name) for column in evidence.columns)
    matches = []
    for column in evidence.columns:
        if column.name in leave_out:
            continue
        year = is_year(column) and not tells_time(column)
        if year or tells_time(column):
            order = np.argsort(column.values, kind="stable")[: len(column.known)]
            ordered = y[order]
            if year and not has_months:  # as of cars: that newer ones cost more is no order
                ordered = _without_trend(ordered, column.values[order])
            correlation = _order(ordered, ALIKE)
            if not correlation and group:
                correlation = _order_within(evidence, column, group)
            if correlation:
                matches.append(TimeOrder(column.name, correlation, False))
    if matches:
        return max(matches, key=lambda match: match.correlation)
    return _order_of_rows(evidence, leave_out)


def tells_time(column: TypedColumn) -> bool:
    """Whether a column holds dates, or numbers of a clock by which the rows are sorted."""
    if len(column.known) < KNOWN * len(column.values):
        return False
    if column.kind == "date":
        return column.distinct >= FEWEST_TIMES and not suggests_birth(column.name)
    if column.kind != "number" or column.distinct < FEWEST_TIMES:
        return False
    named = is_year(column) or suggests_clock(column.name)
    return named and _increases(column.values, IN_SERIES)


def is_year(column: TypedColumn) -> bool:
    """Whether a column holds the year of each row."""
    if not column.is_whole or not len(column.known) or not suggests_year(column.name):
        return False
    return bool(YEARS[0] <= column.known.min() and column.known.max() <= YEARS[1])


def _without_trend(y: Floats, values: Floats) -> Floats:
    """What is left of each column of `y` beside a rise or a fall with the values."""
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    rest = y.copy()
    for k in range(y.shape[1]):
        means = np.bincount(codes, y[:, k]) / counts
        fits = [
            optimize.isotonic_regression(means, weights=counts, increasing=up).x
            for up in (True, False)
        ]
        best = min(fits, key=lambda fit: float(np.sum(counts * (means - fit) ** 2)))
        rest[:, k] -= best[codes]
    return rest


def _order_within(evidence: Evidence, column: TypedColumn, group: str) -> float:
    """The correlation of rows that follow each other in the series of their group."""
    names = next((c.values for c in evidence.columns if c.name == group), None)
    if names is None:
        return 0.0
    known = np.flatnonzero(~np.isnan(names) & ~np.isnan(column.values))
    order = known[np.lexsort((column.values[known], names[known]))]
    y = _as_numbers(evidence)[order]
    codes = np.unique(names[order], return_inverse=True)[1]
    counts = np.bincount(codes)
    if len(order) < MIN_ROWS or np.median(counts) < LEAST_SERIES:
        return 0.0
    for k in range(y.shape[1]):  # what a series is like as a whole is no matter of time
        y[:, k] -= (np.bincount(codes, y[:, k]) / counts)[codes]
    return _order(y, ALIKE)


def time_advice(match: TimeOrder, split: str) -> list[Advice]:
    """What is said of it, if rows were not split by time."""
    if split != "random":
        return []
    alike = f"{match.correlation:.2f}"
    if match.of_residuals:
        message = (
            "Rows that follow each other are alike beyond what the columns explain (correlation "
            f"{alike} of the errors): if they are in the order of time, a random split is too kind."
        )
    else:
        message = (
            f"Rows that follow each other by {match.column!r} have targets that are alike "
            f"(correlation {alike}): a random split tests on times between those of the training, "
            "and the use will be on later ones."
        )
    return [
        Advice(
            "time_order",
            (match.column,) if match.column else (),
            message,
            time_option(match.column),
        )
    ]


def time_option(column: str) -> str:
    """The option that splits by time.

    Examples
    --------
    >>> time_option("date"), time_option("")
    ('--split time --by date', '--split time')
    """
    return f"--split time {option('by', column)}" if column else "--split time"


def lag_correlation(values: Floats, lags: int = 1) -> tuple[float, float]:
    """The mean correlation of each row with the next ones, and how far it is from none.

    Of a random order the mean is -1 / (n - 1), and the variance about 1 / n for each lag (A. Wald,
    J. Wolfowitz: "An exact test for randomness in the non-parametric case", 1943).

    Parameters
    ----------
    values : array of float64, shape (rows, columns)
        Of several columns, such as one for each class, the covariances are added up.
    lags : int
        How many of the next rows. Default 1.

    Returns
    -------
    (float, float)
        The second in standard deviations.
    """
    count = len(values)
    centered = values - values.mean(axis=0)
    spread = float(np.sum(centered**2))
    if not spread > 0 or count <= lags + 1:
        return 0.0, 0.0
    sums = [np.sum(centered[lag:] * centered[:-lag]) for lag in range(1, lags + 1)]
    correlation = float(np.mean(sums)) / spread
    return correlation, (correlation + 1.0 / (count - 1)) * (count * lags) ** 0.5


def _order(values: Floats, least: float) -> float:
    """The correlation of rows in this order, 0 if it is less than `least` or may be chance.

    A trend that noise hides from one row to the next shows over several.
    """
    for lags in (1, SEVERAL):
        correlation, sure = lag_correlation(values, lags)
        if correlation >= least and sure >= SURE:
            return correlation
    return 0.0


def _as_numbers(evidence: Evidence) -> Floats:
    """Ranks of numbers, or a column for each class."""
    if not evidence.is_classification:
        return np.asarray(stats.rankdata(evidence.y)[:, None], np.float64)
    classes, counts = np.unique(evidence.y, return_counts=True)
    common = classes[np.argsort(-counts, kind="stable")[:MAX_CLASSES]]
    return np.asarray(evidence.y[:, None] == common, np.float64)


def _order_of_rows(evidence: Evidence, leave_out: Collection[str]) -> TimeOrder | None:
    """Whether what a simple model leaves unexplained is alike in rows that follow each other."""
    near = window(evidence)
    if not _order(_as_numbers(near), ALIKE) or _is_sorted_by_target(near):
        return None
    columns = [c for c in near.columns if c.name not in leave_out]
    if not columns:
        return None
    correlation = _order(_residuals(near, columns), RESIDUALS)
    return TimeOrder("", correlation, True) if correlation else None


def window(evidence: Evidence) -> Evidence:
    """Training rows one after the other, from the middle of the table."""
    if evidence.is_whole and len(evidence.rows) <= WINDOW:
        return evidence
    start = max(0, (len(evidence.train_rows) - WINDOW) // 2)
    return evidence.of_rows(evidence.train_rows[start : start + WINDOW])


def _is_sorted_by_target(evidence: Evidence) -> bool:
    """Whether the table was sorted by what is to be predicted: that is no order of time."""
    if evidence.is_classification:
        runs = 1 + int(np.sum(evidence.codes[1:] != evidence.codes[:-1]))
        return runs <= 2 * (int(evidence.codes.max()) + 1)
    steps = np.diff(evidence.y)
    steps = steps[steps != 0]
    return len(steps) == 0 or max(np.mean(steps > 0), np.mean(steps < 0)) >= SORTED_BY_TARGET


def _increases(values: Floats, share: float = SORTED) -> bool:
    steps = np.diff(values[~np.isnan(values)])
    return len(steps) > 0 and bool(max(np.mean(steps >= 0), np.mean(steps <= 0)) >= share)


def _residuals(evidence: Evidence, columns: list[TypedColumn]) -> Floats:
    """What boosted trees that were fitted on one half of the rows leave of the other."""
    x, categories = boosted_features(columns)
    rng = np.random.default_rng(evidence.seed)
    half = rng.permutation(len(x)) < len(x) // 2
    if evidence.is_classification:  # the commonest class against the others: one tree a round
        y = (evidence.codes == np.argmax(np.bincount(evidence.codes))).astype(np.float64)
    else:
        y = stats.rankdata(evidence.y) / len(evidence.y)
    residuals = np.empty((len(y), 1))
    for rows in (half, ~half):
        model = boosted_model("regression", categories, evidence.seed, x[rows], y[rows])
        residuals[~rows, 0] = y[~rows] - model.predict(x[~rows])
    return residuals
