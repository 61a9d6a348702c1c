"""sktime's frames, panels and hierarchies as long tables, and where their series end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError
from ...lazy import LazyModule

pd = LazyModule("pandas")

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Frame: TypeAlias = Any
Index: TypeAlias = Any
Horizon: TypeAlias = Any

RESERVED = ("id", "time", "y")


def instances(frame: Frame) -> Iterator[tuple[Any, Index, Frame]]:
    """The name, the times and the rows of each instance; None names the only one."""
    if frame.index.nlevels == 1:
        yield None, frame.index, frame
        return
    levels = list(range(frame.index.nlevels - 1))
    keys = levels[0] if len(levels) == 1 else levels
    for name, rows in frame.groupby(level=keys, sort=False):
        yield name, rows.index.get_level_values(-1), rows


@dataclass(frozen=True)
class SeriesEnds:
    """Where the series of a frame end.

    Attributes
    ----------
    variables : tuple
        The columns of y; each instance has a series of each.
    codes : tuple
        The names of instances; series number ``i * len(variables) + j`` is variable j of instance
        i.
    last : tuple
        The last time of each instance.
    observed : tuple
        The time of the last value of each series.
    freq : str or None
        Of the times, if they know it.
    step : str or None
        The frequency, or what pandas infers of dates that do not know it, as in a panel.
    names : tuple
        Of the levels of the index.
    """

    variables: tuple[Any, ...]
    codes: tuple[Any, ...]
    last: tuple[Any, ...]
    observed: tuple[Any, ...]
    freq: str | None
    step: str | None
    names: tuple[Any, ...]

    @classmethod
    def of(cls, y: Frame) -> SeriesEnds:
        """Those of targets."""
        codes, last, observed = [], [], []
        longest = y.index[:0]
        for name, times, rows in instances(y):
            longest = max(longest, times, key=len)
            codes.append(name)
            last.append(times[-1])
            observed += [times[k] for k in _last_values(rows)]
        index = y.index
        freq = index.freqstr if isinstance(index, pd.DatetimeIndex) and index.freq else None
        step = freq
        if freq is None and isinstance(longest, pd.DatetimeIndex) and len(longest) > 2:
            step = pd.infer_freq(longest)
        return cls(
            tuple(y.columns), tuple(codes), tuple(last), tuple(observed), freq, step,
            tuple(y.index.names),
        )  # fmt: skip

    def plus(self, y: Frame) -> SeriesEnds:
        """Those after later rows."""
        later, many = SeriesEnds.of(y), len(self.variables)
        codes, last, observed = list(self.codes), list(self.last), list(self.observed)
        for k, (name, _, rows) in enumerate(instances(y)):
            ends = later.observed[k * many : (k + 1) * many]
            if name not in codes:
                codes.append(name)
                last.append(later.last[k])
                observed += ends
                continue
            at = codes.index(name)
            last[at] = max(last[at], later.last[k])
            for column, (end, present) in enumerate(zip(ends, rows.notna().any(), strict=True)):
                if present:
                    observed[at * many + column] = max(observed[at * many + column], end)
        return replace(self, codes=tuple(codes), last=tuple(last), observed=tuple(observed))

    def steps(self, fh: Horizon, cutoff: Index) -> Ints:
        """The steps of fh, counted from the last value of each series (series, steps)."""
        steps: dict[Any, Ints] = {}
        rows = []
        for k, some in enumerate(self._times(fh, cutoff)):
            for end in self.observed[k * len(self.variables) : (k + 1) * len(self.variables)]:
                key = self.last[k], end
                if key not in steps:
                    horizon = self._horizon(fh, some, is_relative=False)
                    relative = horizon.to_relative(self._like(cutoff, end))
                    steps[key] = relative.to_pandas().to_numpy().astype(np.int64)
                rows.append(steps[key])
        return np.stack(rows)

    def index(self, fh: Horizon, cutoff: Index) -> Index:
        """The index of an answer."""
        times = self._times(fh, cutoff)
        if self.codes == (None,):
            return times[0]
        rows = [
            (*(name if isinstance(name, tuple) else (name,)), time)
            for name, some in zip(self.codes, times, strict=True)
            for time in some
        ]
        return pd.MultiIndex.from_tuples(rows, names=self.names)

    def _times(self, fh: Horizon, cutoff: Index) -> list[Index]:
        """The times that fh asks for, of each instance.

        Steps are counted from its last row, or from an earlier cutoff that sktime goes back to.
        """
        if not fh.is_relative:
            return [fh.to_pandas()] * len(self.last)
        horizon = self._horizon(fh, fh.to_pandas(), is_relative=True)
        times = {
            last: horizon.to_absolute_index(self._like(cutoff, min(last, cutoff[-1])))
            for last in set(self.last)
        }
        return [times[last] for last in self.last]

    def _horizon(self, fh: Horizon, values: Index, *, is_relative: bool) -> Horizon:
        """A horizon of sktime that knows its frequency."""
        return type(fh)(values, is_relative=is_relative, freq=fh.freq or self.step)

    def _like(self, cutoff: Index, last: Any) -> Index:
        """An index of one time, with the frequency of sktime's cutoff."""
        if isinstance(cutoff, pd.PeriodIndex):
            return pd.PeriodIndex([last], freq=cutoff.freq)
        if isinstance(cutoff, pd.DatetimeIndex):
            return pd.DatetimeIndex([last], freq=cutoff.freq or self.step)
        return pd.Index([last])

    def as_columns(self, values: Floats) -> Floats:
        """Values (series, steps) as rows (instances * steps, variables)."""
        steps = values.shape[1]
        every = values.reshape(len(self.codes), len(self.variables), steps)
        return every.transpose(0, 2, 1).reshape(-1, len(self.variables))


def long_rows(
    y: Frame, X: Frame | None, codes: Sequence[Any] | None = None
) -> tuple[Frame, list[str]]:
    """A table with a row for each series and time, and the names of the covariates."""
    many, parts = len(y.columns), []
    beside: dict[Any, Frame] = {}
    if X is not None:
        X = _named(X)
        beside = {name: rows.set_axis(times) for name, times, rows in instances(X)}
    order = list(codes) if codes is not None else [name for name, _, _ in instances(y)]
    for name, times, rows in instances(y):
        if X is not None and name not in beside:
            raise DataError(f"X has no rows of the instance {name!r} of y")
        for k in range(many):
            part = pd.DataFrame({"id": order.index(name) * many + k, "y": rows.iloc[:, k].array},
                                times)  # fmt: skip
            if X is not None:
                part = part.join(beside[name], how="outer")
                part["id"] = order.index(name) * many + k
            parts.append(part.rename_axis("time").reset_index())
    columns = [] if X is None else list(X.columns)
    return pd.concat(parts, ignore_index=True), columns


def future_frame(X: Frame, codes: Sequence[Any], many: int = 1) -> Frame:
    """Covariates of the steps ahead as a table with a row for each series and time."""
    X = _named(X)
    parts = []
    for name, times, rows in instances(X):
        if name not in codes:
            continue
        for k in range(many):
            part = rows.set_axis(times).rename_axis("time").reset_index()
            parts.append(part.assign(id=list(codes).index(name) * many + k))
    return pd.concat(parts, ignore_index=True)


def _named(X: Frame) -> Frame:
    """Covariates under names that are texts, and none of our own columns'."""
    names = [str(name) for name in X.columns]
    names = [f"{name} of X" if name in RESERVED else name for name in names]
    if len(set(names)) < len(names):
        raise DataError("X has two columns of the same name: rename one")
    return X.set_axis(names, axis=1)


def _last_values(rows: Frame) -> Ints:
    """The number of the row of each column's last value; 0 where it has none."""
    present = rows.notna().to_numpy()
    last = len(rows) - 1 - np.argmax(present[::-1], axis=0)
    return np.where(present.any(axis=0), last, 0).astype(np.int64)
