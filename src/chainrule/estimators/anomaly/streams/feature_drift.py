"""Which columns of a stream drift: moving averages of features against the reference rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from ....container import damaged
from ...serialization import schema
from ..thresholds.tail import Floats

WINDOW = 300  # rows
REMAINING = 1 - 1 / WINDOW  # of the weight of a row, after the next one
BLOCK = 32  # rows that are learned at once
LIMIT = 6.0  # deviations of an average, at which a column has drifted
FARTHEST = 4.0  # deviations that one value may be off: no single row makes a drift


@dataclass(frozen=True)
class ColumnDrift:
    """A column that drifted.

    Parameters
    ----------
    column : int
        Its index.
    shift : float
        How far its mean has gone, in deviations of the reference rows.
    spread : float
        Its deviation about the reference mean, of which that of the reference rows is 1.
    strength : float
        How many standard errors the stronger of the two is off.
    """

    column: int
    shift: float
    spread: float
    strength: float


class FeatureDrift:
    """Exponentially weighted means and spreads of columns, compared with reference rows.

    Values count as deviations from the reference mean, at most 4 either way; a row's weight falls
    by a factor of e in 300 rows. NaN changes nothing.

    Parameters
    ----------
    features : array of shape (rows, columns)
        The reference: two rows or more.

    References
    ----------
    Roberts, *Control chart tests based on geometric moving averages*, 1959.

    Examples
    --------
    >>> import numpy as np
    >>> draw = np.random.default_rng(0)
    >>> drift = FeatureDrift(draw.normal(size=(500, 3)))
    >>> for row in draw.normal(size=(1_000, 3)) + [0.0, 0.0, 1.0]:
    ...     drift.update(row)
    >>> [(one.column, round(one.shift, 2)) for one in drift.drifted()]
    [(2, 0.98)]
    """

    def __init__(self, features: npt.ArrayLike) -> None:
        rows = np.asarray(features, float)
        if rows.ndim != 2 or len(rows) < 2 or rows.shape[1] < 1:
            raise ValueError(f"features have shape {rows.shape}: give 2 or more rows, with columns")
        values = np.where(np.isfinite(rows), rows, np.nan)
        present = np.maximum(np.sum(~np.isnan(values), axis=0), 1)
        self._center: Floats = np.nansum(values, axis=0) / present
        deviation = np.sqrt(np.nansum((values - self._center) ** 2, axis=0) / present)
        smallest = 1e-9 * np.abs(self._center) + 1e-30  # of a constant column
        self._inverse: Floats = 1 / np.maximum(deviation, smallest)
        scaled = np.clip((values - self._center) * self._inverse, -FARTHEST, FARTHEST)
        self._mean: Floats = np.nansum(scaled, axis=0) / present
        self._square: Floats = np.nansum(scaled**2, axis=0) / present
        fourth = np.nansum(scaled**4, axis=0) / present
        # An average of a window over w rows has the variance of w of them, the reference of n.
        weight = 1 / (2 * WINDOW - 1) + 1 / present
        of_mean = self._square - self._mean**2
        of_square = fourth - self._square**2
        is_constant = deviation <= smallest
        self._mean_error: Floats = np.sqrt(weight * np.where(is_constant, 1.0, of_mean))
        self._square_error: Floats = np.sqrt(weight * np.maximum(of_square, 0.1))
        self._moving: Floats = np.stack([self._mean, self._square])
        self._pending: Floats = np.empty((BLOCK, rows.shape[1]))
        self._n_pending = 0

    def update(self, row: Floats) -> None:
        """Learn the features of a row: an array of shape (columns,)."""
        if row.shape != self._center.shape:
            raise ValueError(
                f"a row has features of shape {row.shape}: the reference has {len(self._center)} "
                f"columns"
            )
        self._pending[self._n_pending] = row
        self._n_pending += 1
        if self._n_pending == BLOCK:
            self._moving = self._averages()
            self._n_pending = 0

    def _averages(self) -> Floats:
        """Moving averages of the values and of their squares, of all rows so far."""
        count = self._n_pending
        if not count:
            return self._moving
        values = (self._pending[:count] - self._center) * self._inverse
        values = np.clip(values, -FARTHEST, FARTHEST)
        both = np.stack([values, values**2], axis=1)
        both = np.where(np.isnan(both), self._moving, both)
        weights = REMAINING ** np.arange(count - 1, -1, -1) / WINDOW
        averages: Floats = REMAINING**count * self._moving + np.tensordot(weights, both, 1)
        return averages

    def drifted(self, limit: float = LIMIT) -> list[ColumnDrift]:
        """Return the columns that drifted, the strongest first.

        Parameters
        ----------
        limit : float
            How many standard errors a mean or a spread must be off. Of 200 columns
            that did not drift, from normal to binary with 2 % ones, the most after 10,000 rows was
            5.2. Default 6.

        Returns
        -------
        list of ColumnDrift
            A shift of half a deviation is among them after about 250 rows.
        """
        mean, square = self._averages()
        of_mean = np.abs(mean - self._mean) / self._mean_error
        of_square = np.abs(square - self._square) / self._square_error
        strength = np.maximum(of_mean, of_square)
        shift = mean - self._mean
        columns = np.argsort(-strength, kind="stable")
        return [
            ColumnDrift(
                column=column,
                shift=float(shift[column]),
                spread=sqrt(max(float(square[column]), 0.0)),
                strength=float(strength[column]),
            )
            for column in columns[strength[columns] > limit].tolist()
        ]

    def to_state(self) -> tuple[dict[str, Any], dict[str, Floats]]:
        """Return all that later reports depend on, as values of JSON and arrays."""
        arrays = {name: getattr(self, f"_{name}").copy() for name in _ARRAYS}
        arrays["pending"] = self._pending[: self._n_pending].copy()
        return {"columns": len(self._center), "pending": self._n_pending}, arrays

    @classmethod
    def from_state(
        cls, description: Any, arrays: Mapping[str, Any], where: str = "features"
    ) -> FeatureDrift:
        """Make what `to_state` returned, which goes on as the first one would have.

        Raises
        ------
        ModelFileError
            For values that it cannot have; `where` is its name there.
        """
        state = _FIELDS(description, where)
        columns, count = state["columns"], state["pending"]
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(_ARRAYS, (columns,))
        shapes |= {"moving": (2, columns), "pending": (count, columns)}
        for name, shape in shapes.items():
            array = arrays.get(name)
            if not (isinstance(array, np.ndarray) and array.dtype == float):
                raise damaged(f"{where} has no array {name!r}")
            if array.shape != shape or not (name == "pending" or np.isfinite(array).all()):
                raise damaged(f"{where} has an array {name!r} that does not fit")
            if name in _POSITIVE and not (array > 0).all():
                raise damaged(f"{where} has an array {name!r} with numbers that are not positive")
        drift = cls.__new__(cls)
        for name in _ARRAYS:
            setattr(drift, f"_{name}", arrays[name].copy())
        drift._pending = np.empty((BLOCK, columns))
        drift._pending[:count] = arrays["pending"]
        drift._n_pending = count
        return drift


_POSITIVE = ("inverse", "mean_error", "square_error")
_ARRAYS = ("center", "mean", "square", "moving", *_POSITIVE)
_FIELDS = schema.fields({"columns": schema.whole(1), "pending": schema.whole(0, BLOCK - 1)})
