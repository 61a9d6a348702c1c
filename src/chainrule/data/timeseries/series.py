"""Time series of all forms that people have them in, as one array with lengths."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError

SHORTEST = 3  # points of the longest series
FORMS = (
    "give an array (n, length) or (n, channels, length), or a list of arrays (channels, length) "
    "or (length,)"
)


@dataclass(frozen=True)
class Series:
    """Time series of one or many channels.

    Attributes
    ----------
    values : float array of shape (series, channels, points)
        NaN where a point is missing, and after the end of shorter series.
    lengths : int array of shape (series,)
        Points of each, up to the last that is there.
    extents : int array of shape (series,)
        Points of each as it came, with those after the last that is there.
    """

    values: NDArray[Any]
    lengths: NDArray[np.int64]
    extents: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def channels(self) -> int:
        """The number of channels."""
        return int(self.values.shape[1])

    @property
    def has_gaps(self) -> bool:
        """Whether a point within a series is missing."""
        inside = np.arange(self.values.shape[2]) < self.lengths[:, None]
        return bool((np.isnan(self.values) & inside[:, None]).any())

    def __getitem__(self, rows: Any) -> Series:
        """Some of the series, by their numbers."""
        return Series(self.values[rows], self.lengths[rows], self.extents[rows])


def as_series(X: Any) -> Series:
    """Time series of any form as `Series`.

    Parameters
    ----------
    X : array, list or DataFrame
        An array of shape (n, length) or (n, channels, length), in which NaN and masked points are
        missing, and those after the last that is there belong to no series; a list of arrays of
        shape (length,) or (channels, length), or of DataFrames with a column for each channel; a
        DataFrame with a row for each series and a column for each point; one whose cells are
        series, with a column for each channel; or one with two levels of rows, series and points,
        and a column for each channel.

    Returns
    -------
    Series

    Raises
    ------
    DataError
        If X has another form, holds what is no number or infinite, nothing at all, a series
        without a single point, or none of `SHORTEST` points; with where.

    Examples
    --------
    >>> series = as_series([[1.0, 2.0, 3.0], [4.0, 5.0, np.nan, 7.0]])
    >>> series.values.shape, series.lengths.tolist(), series.has_gaps
    ((2, 1, 4), [3, 4], True)
    """
    if isinstance(X, Series):
        return X
    if hasattr(X, "iloc"):
        X = _of_frame(X)
    elif hasattr(X, "to_numpy") and not isinstance(X, np.ndarray):  # of polars
        X = X.to_numpy()
    if isinstance(X, np.ndarray) and X.dtype.kind == "O" and X.ndim == 1:
        X = list(X)
    if isinstance(X, np.ndarray):
        values = _numbers(X, "X")
        return _checked(values, np.full(len(values) if values.ndim else 0, np.shape(X)[-1:] or 0))
    if isinstance(X, Sequence) and not isinstance(X, (str, bytes)):
        matrices = [_matrix(one, k) for k, one in enumerate(X)]
        return _checked(_joined(matrices), np.array([matrix.shape[1] for matrix in matrices]))
    raise DataError(f"X is a {type(X).__name__}: {FORMS}")


def _numbers(values: Any, name: str) -> Any:
    """An array as floats of their own size, missing ones as NaN."""
    masked = np.ma.getmaskarray(values) if np.ma.isMA(values) else None
    plain = np.asarray(np.ma.getdata(values))
    if plain.dtype.kind not in "biufO":
        raise DataError(f"{name} holds {plain.dtype}, such as {plain.ravel()[:1]}: give numbers")
    try:
        is_float = plain.dtype in (np.float32, np.float64)
        floats = plain if is_float else plain.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"{name} holds what is no number: {FORMS}") from None
    return floats if masked is None else np.where(masked, np.nan, floats)


def _matrix(one: Any, k: int) -> Any:
    """One series of a list, of shape (channels, points)."""
    if hasattr(one, "iloc") and getattr(one, "ndim", 1) == 2:
        one = one.to_numpy().T
    try:
        array = one if np.ma.isMA(one) else np.asarray(one)
    except ValueError:
        raise DataError(f"X[{k}] holds rows of several lengths: {FORMS}") from None
    numbers = _numbers(array, f"X[{k}]")
    if numbers.ndim not in (1, 2):
        raise DataError(f"X[{k}] has shape {numbers.shape}: {FORMS}")
    return np.atleast_2d(numbers)


def _joined(matrices: list[Any]) -> Any:
    """Series of unequal lengths as one array, NaN after their ends."""
    if not matrices:
        raise DataError("X is empty: there is no series")
    channels = matrices[0].shape[0]
    for k, matrix in enumerate(matrices):
        if matrix.shape[0] != channels:
            raise DataError(f"X[{k}] has {matrix.shape[0]} channels, and X[0] {channels}: {FORMS}")
    longest = max(matrix.shape[1] for matrix in matrices)
    dtype = np.result_type(*{matrix.dtype for matrix in matrices})
    values = np.full((len(matrices), channels, longest), np.nan, dtype)
    for k, matrix in enumerate(matrices):
        values[k, :, : matrix.shape[1]] = matrix
    return values


def _checked(values: Any, extents: Any) -> Series:
    """Shape, infinite numbers and lengths."""
    if values.ndim == 1:
        raise DataError(f"X has shape {values.shape}, one series or one number each: {FORMS}")
    if values.ndim == 2:
        values = values[:, None, :]
    if values.ndim != 3:
        raise DataError(f"X has shape {values.shape}: {FORMS}")
    if not len(values):
        raise DataError("X is empty: there is no series")
    infinite = np.isinf(values)
    if infinite.any():
        k, channel, point = np.argwhere(infinite)[0]
        raise DataError(
            f"X[{k}], channel {channel}, point {point} is infinite: give NaN where it is unknown"
        )
    present = (~np.isnan(values)).any(axis=1)
    if not values.size or not present.any(axis=1).all():
        k = int(np.argmin(present.any(axis=1))) if values.size else 0
        raise DataError(f"X[{k}] has no point that is there: leave that series out")
    lengths = values.shape[2] - np.argmax(present[:, ::-1], axis=1)
    if lengths.max() < SHORTEST:
        raise DataError(
            f"the longest series has {lengths.max()} points: give {SHORTEST} or more, or use "
            "TabularClassifier or TabularRegressor"
        )
    lengths, extents = lengths.astype(np.int64), extents.astype(np.int64)
    return Series(values[:, :, : int(lengths.max())], lengths, extents)


def warn_of_axes(series: Series) -> None:
    """Warn where channels look like points: libraries for networks have them last."""
    _, channels, points = series.values.shape
    if channels > 16 and channels > 2 * points:
        warnings.warn(
            f"X has {channels} channels of {points} points: if they are {points} channels, give "
            "X.transpose(0, 2, 1)",
            UserWarning,
            stacklevel=3,
        )


def _of_frame(frame: Any) -> Any:
    """Of the three forms of a DataFrame, or a Series of arrays."""
    if frame.ndim == 1:
        return list(frame)
    if getattr(frame.index, "nlevels", 1) > 1:
        if frame.index.nlevels != 2:
            raise DataError(
                f"X has {frame.index.nlevels} levels of rows: give two, series and points"
            )
        groups = frame.groupby(level=0, sort=False)
        return [group.droplevel(0).sort_index() for _, group in groups]
    if not frame.shape[1]:
        raise DataError("X has no columns: there is no series")
    first = frame.iloc[0, 0] if len(frame) else 0.0
    if np.ndim(first) == 0:
        return frame.to_numpy()
    return [_nested(frame, k) for k in range(len(frame))]


def _nested(frame: Any, k: int) -> Any:
    """One row of a DataFrame whose cells are series."""
    channels = [np.asarray(cell) for cell in frame.iloc[k]]
    if any(channel.ndim != 1 for channel in channels):
        raise DataError(f"X: row {k} has a cell that is no series: give an array in each")
    longest = max(channel.size for channel in channels)
    matrix = np.full((len(channels), longest), np.nan)
    for row, channel in zip(matrix, channels, strict=True):
        row[: channel.size] = _numbers(channel, f"X: row {k}")
    return matrix
