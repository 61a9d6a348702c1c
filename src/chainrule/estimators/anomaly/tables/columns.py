"""How the columns of a table become the features of a detector, learned from its training rows.

It differs from `data.Features`, which serves predictions, in three things. Heavy tails are drawn in
by a logarithm. What was never seen in training (another category, an empty cell, another value of a
constant column) is no feature but a *surprise*, which is added to the squared errors of the
features. And of a date only the day of the week and the hour count: each new row is later than all
rows of the training.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....data.cells import check_cells
from ....data.column_values import as_numbers, as_texts, as_times, date_part, is_date, is_numeric
from ....data.moments import mean_and_deviation
from ....errors import DataError
from ..members.ensemble import Rows

Frame: TypeAlias = Any  # a pandas DataFrame
Floats: TypeAlias = NDArray[np.float64]

MAX_LEVELS = 64  # categories of a column with a feature each; all others share one
MAX_KNOWN = 10_000  # categories that are remembered as seen
DATE_PARTS = ("day_of_week", "hour")
HEAVY_TAIL = 10.0  # kurtosis (3 for a normal distribution) above which a logarithm is taken
MAX_DEVIATIONS = 10.0  # standard deviations: one wild cell cannot drown all others
SAME = 0.01  # a constant column may change by so much of its size, and counts as the same
UNSEEN, MISSING = -1.0, -2.0  # codes of a category beside 0, 1, ...
TINY, LARGEST = float(np.finfo(np.float64).tiny), float(np.finfo(np.float64).max)


@dataclass(frozen=True)
class DetectorColumn:
    """How one column is read.

    A column of numbers becomes ``clip((t(v) - mean) / scale)``, where t is the identity, or with a
    `unit` the signed logarithm ``sign(u) log1p(abs(u))`` of ``u = (v - origin) / unit``.

    Attributes
    ----------
    name : str
    kind : str
        ``"number"``, ``"category"``, ``"constant"`` (of numbers), or a part of a date, which is a
        category as well.
    levels : tuple of str
        The categories with a feature each, the commonest first.
    others : tuple of str
        The other categories of the training, which share a feature.
    origin, unit : float
        Of the logarithm; a `unit` of 0 means that there is none.
    mean, scale : float
        Of the transformed numbers.
    fill : float
        The median, which stands for an empty cell; the value of a constant column.
    missing : bool
        Whether empty cells occurred in training: they have a feature.
    surprise : float
        What an unseen category adds to the squared errors; 0 where new ones are usual.
    surprise_missing : float
        The same of an empty cell, where none occurred.
    """

    name: str
    kind: str
    levels: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    origin: float = 0.0
    unit: float = 0.0
    mean: float = 0.0
    scale: float = 1.0
    fill: float = 0.0
    missing: bool = False
    surprise: float = 0.0
    surprise_missing: float = 0.0

    @property
    def is_category(self) -> bool:
        """Whether its raw values are codes."""
        return self.kind not in ("number", "constant")

    @property
    def width(self) -> int:
        """The number of features."""
        known = len(self.levels) + bool(self.others) if self.is_category else 1
        return known + self.missing

    def raw(self, column: Any) -> Floats:
        """The values as numbers: codes of categories, NaN for an empty cell of numbers."""
        if not self.is_category:
            return as_numbers(column)
        codes = {text: float(k) for k, text in enumerate(self.levels)}
        codes |= dict.fromkeys(self.others, float(len(self.levels)))
        texts = self.texts(column)
        return np.array(
            [MISSING if text is None else codes.get(text, UNSEEN) for text in texts], np.float64
        )

    def texts(self, column: Any) -> NDArray[Any]:
        """The categories as texts, None for an empty cell."""
        if self.kind == "category":
            return as_texts(column)
        values = date_part(as_times(column), self.kind)
        return np.array([None if np.isnan(v) else str(int(v)) for v in values], object)

    def transformed(self, values: Any) -> Any:
        """Numbers with their heavy tail drawn in."""
        if not self.unit:
            return values
        u = np.clip((values - self.origin) / self.unit, -LARGEST, LARGEST)
        return np.sign(u) * np.log1p(np.abs(u))

    def restored(self, feature: Any) -> Any:
        """The numbers that have this feature: the inverse, up to clipping."""
        t = np.asarray(feature, np.float64) * self.scale + self.mean
        if not self.unit:
            return t
        return np.sign(t) * np.expm1(np.minimum(np.abs(t), 700.0)) * self.unit + self.origin


@dataclass(frozen=True)
class DetectorColumns:
    """The plan for all columns of a table.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"size": [1.0, 3.0] * 50, "colour": ["red"] * 70 + ["blue"] * 30})
    >>> plan = DetectorColumns.learn(frame)
    >>> new = pd.DataFrame({"size": [1.0, None], "colour": ["blue", "green"]})
    >>> plan.raw(new).tolist()
    [[1.0, 1.0], [nan, -1.0]]
    >>> features, surprises = plan.encode(plan.raw(new))
    >>> features.tolist()
    [[-1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    >>> surprises.astype(int).tolist()  # an empty cell, another colour
    [[0, 0], [7, 7]]
    """

    columns: tuple[DetectorColumn, ...]

    @classmethod
    def learn(cls, frame: Frame, categorical_features: Collection[str] = ()) -> DetectorColumns:
        """The plan for a table of training rows: columns of numbers, then categories.

        Raises
        ------
        DataError
            If the table has no value at all, or a column mixes text into numbers, or holds what is
            no single value.
        """
        if frame.isna().all(axis=None):
            raise DataError(
                f"all cells of the {len(frame)} rows to learn from are empty: fill them, or leave "
                "these rows out"
            )
        as_text = frozenset(categorical_features)
        columns: list[DetectorColumn] = []
        for name in frame.columns:
            columns += _learn(frame[name], str(name) in as_text)
        ordered = sorted(columns, key=lambda column: column.is_category)
        return cls(tuple(_among(len(ordered), column) for column in ordered))

    @property
    def width(self) -> int:
        """The number of features."""
        return sum(column.width for column in self.columns)

    def raw(self, frame: Frame) -> Floats:
        """The table as float64 of shape (rows, columns of the plan).

        Raises
        ------
        DataError
            If a cell is not of its column's kind.
        """
        for name in dict.fromkeys(column.name for column in self.columns):
            check_cells(frame[name])
        parts = [column.raw(frame[column.name]) for column in self.columns]
        return np.stack(parts, axis=1) if parts else np.zeros((len(frame), 0))

    def encode(self, raw: Any) -> tuple[Any, Any]:
        """Features of shape (rows, width) and surprises of shape (rows, columns), both float32.

        The features of numbers come first, then whether their cells are empty, then those of each
        category. Plain NumPy code, which can be traced. The surprises are squared errors.
        """
        numbers = [column for column in self.columns if not column.is_category]
        with np.errstate(over="ignore"):  # what is infinite is clipped
            scaled, absent, surprises = _encode_numbers(raw[:, : len(numbers)], numbers)
        features, flags = [scaled], [surprises]
        gaps = [k for k, column in enumerate(numbers) if column.missing]
        if gaps:
            features.append(np.where(absent[:, np.array(gaps)], 1.0, 0.0))
        for k in range(len(numbers), len(self.columns)):
            column, codes = self.columns[k], raw[:, k : k + 1]
            known = np.arange(column.width - column.missing, dtype=np.float64)
            features.append(np.where(codes == known, 1.0, 0.0))
            empty = np.where(codes == MISSING, 1.0, 0.0)
            if column.missing:
                features.append(empty)
            unseen = np.where(codes == UNSEEN, column.surprise, 0.0)
            flags.append(unseen + empty * column.surprise_missing)
        return _joined(features), _joined(flags)

    def rows(self, raw: Any) -> tuple[Rows, Any]:
        """The rows as the members read them, and the surprises of each column."""
        features, surprises = self.encode(raw)
        return Rows(features, np.sum(surprises, axis=1)), surprises

    @property
    def labels(self) -> list[str]:
        """The name of each column of the plan; of a date with its part, such as "when (hour)"."""
        return [
            f"{c.name} ({c.kind.replace('_', ' ')})" if c.kind in DATE_PARTS else c.name
            for c in self.columns
        ]

    def places(self) -> list[list[int]]:
        """The features of each column of the plan."""
        numbers = sum(not column.is_category for column in self.columns)
        places = [[k] for k in range(numbers)]
        start = numbers
        for column, its in zip(self.columns, places, strict=False):
            if column.missing:
                its.append(start)
                start += 1
        for column in self.columns[numbers:]:
            places.append(list(range(start, start + column.width)))
            start += column.width
        return places

    def owners(self) -> list[int]:
        """The column of the plan that each feature belongs to."""
        owners = [0] * self.width
        for k, places in enumerate(self.places()):
            for feature in places:
                owners[feature] = k
        return owners

    def to_json(self) -> list[dict[str, Any]]:
        """Plain JSON values."""
        return [{**asdict(column), "levels": list(column.levels), "others": list(column.others)}
                for column in self.columns]  # fmt: skip


def _encode_numbers(values: Any, columns: Sequence[DetectorColumn]) -> tuple[Any, Any, Any]:
    """Standardised numbers, where cells are empty, and surprises, of shape (rows, columns)."""

    def row(name: str) -> Floats:
        return np.array([getattr(column, name) for column in columns], np.float64)

    constant = np.array([column.kind == "constant" for column in columns], bool)
    absent = np.isnan(values)
    filled = np.where(absent, row("fill"), values)
    transformed, unit = filled, row("unit")
    if unit.any():
        u = (filled - row("origin")) / np.where(unit > 0, unit, 1.0)
        u = np.clip(u, -LARGEST, LARGEST)
        transformed = np.where(unit > 0, np.sign(u) * np.log1p(np.abs(u)), filled)
    scaled = (transformed - row("mean")) / row("scale")
    scaled = np.clip(scaled, -MAX_DEVIATIONS, MAX_DEVIATIONS)
    surprises = np.where(absent, row("surprise_missing"), 0.0)
    if constant.any():
        fill = row("fill")
        size = np.maximum(SAME * np.where(fill == 0.0, 1.0, np.abs(fill)), TINY)
        change = np.clip(np.abs(filled - fill) / size - 1.0, 0.0, 1e3)
        limited = np.minimum(change * change, row("surprise"))
        surprises = surprises + np.where(constant, limited, 0.0)
        scaled = np.where(constant, 0.0, scaled)
    return scaled, absent, surprises


def _joined(parts: list[Any]) -> Any:
    joined = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    return joined.astype(np.float32)


def _learn(column: Any, as_category: bool) -> list[DetectorColumn]:
    """The plans for one column of a table."""
    name = str(column.name)
    check_cells(column)
    if column.isna().all():  # a value would be as strange as an unseen category
        never = _rarity(0, len(column))
        return [DetectorColumn(name, "category", missing=True, surprise=never)]
    if not as_category and is_date(column):
        return [_category(DetectorColumn(name, part), column) for part in DATE_PARTS]
    if as_category or not is_numeric(column):
        return [_category(DetectorColumn(name, "category"), column)]
    with np.errstate(over="ignore"):
        return [_number(name, as_numbers(column))]


def _among(count: int, column: DetectorColumn) -> DetectorColumn:
    """The column as one of so many that may surprise: each probability times their number.

    C. E. Bonferroni: "Teoria statistica delle classi e calcolo delle probabilità" (1936).
    """
    less = 2.0 * float(np.log(count))
    return replace(
        column, surprise=max(column.surprise - less, 0.0),
        surprise_missing=max(column.surprise_missing - less, 0.0),
    )  # fmt: skip


def _rarity(count: int, of: int) -> float:
    """What an event of this count adds to squared errors: ``-2 log`` of its probability."""
    return float(-2.0 * np.log((count + 1) / (of + 2)))


def _median(values: Floats) -> float:
    """The median, also where the sum of its two neighbours is out of range."""
    low, high = (float(np.quantile(values, 0.5, method=way)) for way in ("lower", "higher"))
    return low if low == high else 0.5 * low + 0.5 * high


def _category(plan: DetectorColumn, column: Any) -> DetectorColumn:
    """Learn the categories of a column.

    How likely a new one is, tells the share of the rows whose category occurs once (I. J. Good:
    "The population frequencies of species and the estimation of population parameters",
    Biometrika 40, 1953).
    """
    texts = plan.texts(column)
    known = np.array([text for text in texts if text is not None], object)
    levels, counts = np.unique(known, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    once, rows = int(np.sum(counts == 1)), len(texts)
    common = order[:MAX_LEVELS]
    common = common[counts[common] >= min(2, counts.max())]
    others = [k for k in order.tolist() if k not in set(common.tolist())]
    missing = len(known) < rows
    usual = once > 0.05 * rows or len(levels) > MAX_KNOWN  # such as names: new ones tell nothing
    return DetectorColumn(
        plan.name, plan.kind, tuple(levels[common].tolist()),
        tuple(levels[others[:MAX_KNOWN]].tolist()) if not usual else (), missing=missing,
        surprise=0.0 if usual else _rarity(once, rows),
        surprise_missing=0.0 if missing else _rarity(0, rows),
    )  # fmt: skip


def _number(name: str, values: Floats) -> DetectorColumn:
    """Learn the scale of a column of numbers."""
    known = values[~np.isnan(values)]
    missing = len(known) < len(values)
    fill = _median(known)
    empty = 0.0 if missing else _rarity(0, len(values))
    plan = DetectorColumn(name, "number", fill=fill, missing=missing, surprise_missing=empty)
    mean, scale = mean_and_deviation(known)
    if scale <= 1e-12 * abs(mean):
        return DetectorColumn(
            name, "constant", fill=fill, missing=missing, surprise=_rarity(0, len(values)),
            surprise_missing=empty,
        )  # fmt: skip
    if np.mean(((known - mean) / scale) ** 4) > HEAVY_TAIL:
        origin = 0.0 if known.min() >= 0 else fill
        sizes = np.minimum(np.abs(known - origin), LARGEST)
        unit = float(np.quantile(sizes[sizes > 0], 0.95))
        plan = DetectorColumn(
            name, "number", fill=fill, missing=missing, surprise_missing=empty,
            origin=origin, unit=unit,
        )  # fmt: skip
        mean, scale = mean_and_deviation(plan.transformed(known))
    return DetectorColumn(**{**vars(plan), "mean": mean, "scale": scale})
