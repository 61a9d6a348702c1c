"""All series one behind the other, and how windows are cut from them and normalised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....errors import DataError

Floats32: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int64]

SMALL_TABLE = 2**20  # values; tables below are filled up, so that few programs serve all
FLOOR = 0.01  # of a series' mean absolute deviation: no window's scale falls below it


@dataclass(frozen=True)
class WindowScaling:
    """How a window is normalised: minus its centre, over its scale.

    Attributes
    ----------
    centre : str
        ``"last"``: its last value; ``"mean"``; ``"none"``: 0.
    scale : str
        ``"deviation"``: its standard deviation; ``"difference"``: the mean absolute difference of
        neighbours; ``"level"``: the mean absolute value; ``"none"``: 1.
    loss : str
        ``"normalised"``: errors count as the network sees them, so each window alike;
        ``"values"``: times the window's scale, in the units of the table.
    """

    centre: Literal["last", "mean", "none"] = "last"
    scale: Literal["deviation", "difference", "level", "none"] = "deviation"
    loss: Literal["normalised", "values"] = "normalised"

    def measure(self, windows: Any, floor: Any) -> tuple[Any, Any]:
        """The centre and the scale of windows, each of shape (rows, 1).

        Parameters
        ----------
        windows : array of shape (rows, length)
        floor : array of shape (rows, 1), or float
            The least scale: greater than 0.

        Examples
        --------
        >>> scaling = WindowScaling("mean", "deviation")
        >>> centre, scale = scaling.measure(np.array([[1.0, 3.0], [5.0, 5.0]]), 0.1)
        >>> centre.tolist(), scale.tolist()
        ([[2.0], [5.0]], [[1.0], [0.1]])
        """
        mean = np.mean(windows, axis=1, keepdims=True)
        if self.centre == "last":
            centre = windows[:, -1:]
        else:
            centre = mean if self.centre == "mean" else np.zeros_like(mean)
        if self.scale == "none":
            return centre, np.ones_like(mean)
        if self.scale == "deviation":
            scale = np.sqrt(np.mean((windows - mean) ** 2, axis=1, keepdims=True))
        elif self.scale == "level":
            scale = np.mean(np.abs(windows), axis=1, keepdims=True)
        else:
            steps = np.abs(windows[:, 1:] - windows[:, :-1])
            scale = np.mean(steps, axis=1, keepdims=True)
        return centre, np.maximum(scale, floor)


@dataclass(frozen=True)
class WindowTable:
    """Series one behind the other, from which windows are cut by the number of their first row.

    Attributes
    ----------
    values : array of float32, shape (rows,)
        Transformed, finite. Rows after the last series are 0 and belong to none.
    offsets : array of int64, shape (series + 1,)
        Where each series begins, and the last one ends.
    floors : array of float32, shape (series,)
        The least scale of each one's windows.
    known : array of float32, shape (rows, columns), or None
        What is known ahead: read at the steps that are forecast.
    past : array of float32, shape (rows, columns), or None
        What is known up to now: read at the window's steps.
    static : array of float32, shape (series, columns), or None
    """

    values: Floats32
    offsets: Ints
    floors: Floats32
    known: Floats32 | None = None
    past: Floats32 | None = None
    static: Floats32 | None = None

    @classmethod
    def of(
        cls,
        series: Sequence[NDArray[Any]],
        *,
        known: Sequence[NDArray[Any]] | None = None,
        past: Sequence[NDArray[Any]] | None = None,
        static: NDArray[Any] | None = None,
    ) -> WindowTable:
        """Put series, and the columns beside them, one behind the other.

        Parameters
        ----------
        series : sequence of arrays, each of shape (steps,)
            Transformed and finite.
        known, past : sequence of arrays, each of shape (steps, columns), optional
        static : array of shape (series, columns), optional

        Raises
        ------
        DataError
            If a value is not finite.

        Examples
        --------
        >>> table = WindowTable.of([np.array([1.0, 3.0, 2.0]), np.array([7.0, 8.0])])
        >>> table.values.tolist(), table.offsets.tolist()
        ([1.0, 3.0, 2.0, 7.0, 8.0, 0.0, 0.0, 0.0], [0, 3, 5])
        >>> table.starts(length=1, horizon=1).tolist()
        [0, 1, 3]
        """
        offsets = np.concatenate([[0], np.cumsum([len(one) for one in series])]).astype(np.int64)
        rows = _rounded_up(int(offsets[-1]))
        return cls(
            _joined("value", series, rows), offsets, series_floors(series),
            None if known is None else _joined("known value", known, rows),
            None if past is None else _joined("past value", past, rows),
            None if static is None else np.asarray(static, np.float32),
        )  # fmt: skip

    def starts(self, length: int, horizon: int) -> Ints:
        """The first rows of all windows with a full horizon within their series."""
        parts = [
            np.arange(begin, end - length - horizon + 1, dtype=np.int64)
            for begin, end in zip(self.offsets[:-1], self.offsets[1:], strict=True)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    def series_of(self, starts: NDArray[Any]) -> NDArray[np.int32]:
        """The number of the series that each row belongs to."""
        return (np.searchsorted(self.offsets, starts, side="right") - 1).astype(np.int32)

    def ahead_size(self, length: int, horizon: int) -> int:
        """How many other inputs a network has beside its window."""
        known, past, static = (
            0 if a is None else a.shape[1] for a in (self.known, self.past, self.static)
        )
        return horizon * known + length * past + static

    @property
    def arrays(self) -> tuple[Any, ...]:
        """What a compiled function reads windows from; see `cut`."""
        return self.values, self.floors, self.known, self.past, self.static


def cut(
    arrays: tuple[Any, ...], starts: Any, series: Any, length: int, horizon: int
) -> tuple[Any, Any, Any]:
    """Gather windows (rows, length + horizon), other inputs, and floors by index; compiles.

    The other inputs are `known` at the steps ahead, step by step, then `past` at the window's, then
    `static`.
    """
    values, floors, known, past, static = arrays
    first = starts[:, None]
    window = np.take(values, first + np.arange(length + horizon, dtype=starts.dtype), axis=0)
    rows = starts.shape[0]
    parts = []
    if known is not None:
        steps = first + np.arange(length, length + horizon, dtype=starts.dtype)
        parts.append(np.take(known, steps, axis=0).reshape(rows, horizon * known.shape[1]))
    if past is not None:
        steps = first + np.arange(length, dtype=starts.dtype)
        parts.append(np.take(past, steps, axis=0).reshape(rows, length * past.shape[1]))
    if static is not None:
        parts.append(np.take(static, series, axis=0))
    ahead = np.concatenate(parts, axis=1) if parts else None
    return window, ahead, np.take(floors, series, axis=0)[:, None]


def _rounded_up(rows: int) -> int:
    """Round up to a multiple of an eighth of the next power of two: at most a quarter more."""
    if rows >= SMALL_TABLE:
        return rows
    unit = max(8, (1 << (rows - 1).bit_length()) // 8)
    return -(-rows // unit) * unit


def _joined(name: str, parts: Sequence[NDArray[Any]], rows: int) -> Floats32:
    """The parts one behind the other as float32, without a second copy."""
    joined = np.zeros((rows, *np.shape(parts[0])[1:]), np.float32)
    row = 0
    for number, part in enumerate(parts):
        joined[row : row + len(part)] = part
        if not np.isfinite(joined[row : row + len(part)]).all():
            at = int(np.argwhere(~np.isfinite(joined[row : row + len(part)]))[0, 0])
            raise DataError(
                f"series {number} has a {name} at row {at} that is not finite in float32: fill it "
                "in, or scale the series down"
            )
        row += len(part)
    return joined


def series_floors(series: Sequence[NDArray[Any]]) -> Floats32:
    """The least scale of each series' windows: a part of its spread; if constant, of its level."""
    return np.array([_series_floor(one) for one in series], np.float32)


def _series_floor(series: NDArray[Any]) -> float:
    if not len(series):
        return 1.0
    spread = float(np.mean(np.abs(series - np.median(series))))
    level = float(np.mean(np.abs(series)))
    return max(FLOOR * spread, 1e-5 * level, 1e-6)
