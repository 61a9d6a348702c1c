"""What a backtest has found: forecasts from many origins beside what came, and their scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import fill
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....escape import terminal
from ....lazy import LazyModule
from ....markup import tag
from .scoring import (
    METRICS,
    counts,
    coverage_columns,
    interval_quantiles,
    score_columns,
    scored_cells,
)
from .skill import Skill

pd = LazyModule("pandas")

Floats: TypeAlias = NDArray[np.float64]

GROUP_NAMES = {"horizon": "step", "series": "id", "window": "cutoff"}
FORMATS = {"MASE": ".3f", "RMSSE": ".3f", "sMAPE": ".2f", "CRPS": ".3f", "bias": "+.3f",
           "rank": ".2f"}  # fmt: skip
WIDTH = 100  # of the report's notes
DEFINITIONS = (
    "sMAPE as in M4, 0 to 200 %; MASE, CRPS, bias (forecast - actual) over mean seasonal changes.",
    "Errors are averaged over the windows and steps of each series, then over series.",
)


@dataclass(frozen=True, eq=False)
class BacktestResult:
    """Forecasts from rolling origins, what came, and baselines: scores, coverage and skill.

    All arrays of forecasts are (windows, series, horizon). NaN is missing: it is left out.

    Attributes
    ----------
    actual, forecast : array (windows, series, horizon)
    scales, squared_scales : array (windows, series)
        `naive_scale` and `squared_scale` of the values before each origin. Where the scale is 0 the
        series was constant: its MASE, CRPS and bias are left out, and the report says so.
    origins : array (windows,) or (windows, series)
        The last known times ("cutoff").
    times : array (windows, horizon) or (windows, series, horizon)
        The times of the forecasts.
    ids : sequence (series,)
    season : int
    lower, upper : mapping of level in percent to array (windows, series, horizon)
    baselines : mapping of name to array (windows, series, horizon)
    quantiles : array (windows, series, horizon, levels), optional
        Of the forecaster, at `quantile_levels` (0 to 1). By default the ends of its intervals and
        the forecast, as the median.
    baseline_quantiles : mapping of name to array (windows, series, horizon, levels)
        At the same levels; the CRPS of a baseline without them is NaN.
    skill : Skill, optional
        Of forecasts of prices.
    name : str, default "forecaster"
        Of the forecaster's row in tables.
    id_name, time_name, target_name : str
        Of columns of `to_frame`.
    stamps : callable, optional
        From a flat array of times, as in `origins` and `times`, to a column of the user's times.

    Examples
    --------
    >>> actual = np.array([[[1.0, 2.0]], [[3.0, 5.0]]])
    >>> ones = np.ones((2, 1))
    >>> result = BacktestResult(
    ...     actual=actual, forecast=actual + 0.5, scales=ones, squared_scales=ones,
    ...     origins=np.array([9, 10]), times=np.array([[10, 11], [11, 12]]), ids=["a"],
    ...     baselines={"naive": actual - [1.0, 2.0]},
    ...     lower={80: actual - 0.1}, upper={80: actual + 1.0})
    >>> print(result)
    Backtest: 2 windows, 1 series, 2 steps ahead
    <BLANKLINE>
    model        MASE  RMSSE   sMAPE   CRPS    bias  rank
    forecaster  0.500  0.500   21.78  0.240  +0.500  1.00
    naive       1.500  1.581  122.50      -  -1.500  2.00
    <BLANKLINE>
    interval  covered  values
    80 %      100.0 %       4  too few forecasts to tell
    <BLANKLINE>
    sMAPE as in M4, 0 to 200 %; MASE, CRPS, bias (forecast - actual) over mean seasonal changes.
    Errors are averaged over the windows and steps of each series, then over series.
    >>> float(result.scores().loc["naive", "MASE"]), result.coverage_
    (1.5, {80: 1.0})
    """

    actual: Floats
    forecast: Floats
    scales: Floats
    squared_scales: Floats
    origins: Any
    times: Any
    ids: Sequence[Any]
    season: int = 1
    lower: Mapping[float, Floats] = field(default_factory=dict)
    upper: Mapping[float, Floats] = field(default_factory=dict)
    baselines: Mapping[str, Floats] = field(default_factory=dict)
    quantiles: Floats | None = None
    quantile_levels: Sequence[float] = ()
    baseline_quantiles: Mapping[str, Floats] = field(default_factory=dict)
    skill: Skill | None = None
    name: str = "forecaster"
    id_name: str = "id"
    time_name: str = "time"
    target_name: str = "y"
    stamps: Callable[[NDArray[Any]], Any] | None = None

    def __post_init__(self) -> None:
        shape = np.shape(self.actual)
        if len(shape) != 3 or shape[1] != len(self.ids):
            raise ValueError(f"actual {shape} is (windows, {len(self.ids)} series, horizon)")
        if self.name in self.baselines:
            raise ValueError(f"a baseline has the forecaster's name {self.name!r}")
        if set(self.lower) != set(self.upper):
            raise ValueError(f"lower {list(self.lower)} and upper {list(self.upper)} levels differ")
        count = len(self.quantile_levels) if self.quantiles is not None else 2 * len(self.lower) + 1
        expected = {"forecast": (self.forecast, shape), "scales": (self.scales, shape[:2]),
                    "squared_scales": (self.squared_scales, shape[:2])}  # fmt: skip
        expected |= {f"baseline {name!r}": (y, shape) for name, y in self.baselines.items()}
        expected |= {f"lower[{level:g}]": (y, shape) for level, y in self.lower.items()}
        expected |= {f"upper[{level:g}]": (y, shape) for level, y in self.upper.items()}
        if self.quantiles is not None:
            expected["quantiles"] = (self.quantiles, (*shape, count))
        for name, array in self.baseline_quantiles.items():
            expected[f"baseline_quantiles[{name!r}]"] = (array, (*shape, count))
        for name, (array, wanted) in expected.items():
            if np.shape(array) != wanted:
                raise ValueError(f"{name} has the shape {np.shape(array)}, not {wanted}")

    @property
    def horizon(self) -> int:
        """Steps of a forecast."""
        return int(self.actual.shape[2])

    @property
    def levels(self) -> list[float]:
        """The levels of the intervals, in percent, in rising order."""
        return sorted(self.lower)

    @property
    def models(self) -> dict[str, Floats]:
        """Forecasts by name: the forecaster's, then the baselines'."""
        return {self.name: self.forecast, **self.baselines}

    @property
    def coverage_(self) -> dict[float, float]:
        """By level in percent, the share of values in the intervals, 0 to 1."""
        table = self.coverage()
        return dict(zip(self.levels, table["covered"].tolist(), strict=True))

    def scores(self, by: str | None = None) -> Any:
        """Return the scores of the forecaster and the baselines.

        All models are scored on the values that all of them have forecast (`n`). Errors are
        averaged over windows and steps per series, then over series, as in M4.

        Parameters
        ----------
        by : {None, "horizon", "series", "window"}
            A row for each model, or for each step ahead, series, or window, and model.

        Returns
        -------
        DataFrame
            MASE, RMSSE, sMAPE (0 to 200 %), CRPS and bias (both over MASE's denominators); ``rank``
            by MASE, averaged over series (by absolute errors where there is no MASE); ``n``. The
            index is the model, or the group and the model.
        """
        columns = score_columns(
            self.actual, self.models, self._all_quantiles(), self.scales, self.squared_scales, by
        )
        count = counts(scored_cells(self.actual, self.models), by)
        data = {name: columns[name].ravel() for name in (*METRICS, "rank")}
        data["n"] = np.repeat(count, len(self.models))
        index = pd.Index(list(self.models), name="model")
        if by is not None:
            groups = pd.Index(self._groups(by), name=GROUP_NAMES[by])
            index = pd.MultiIndex.from_arrays(
                [groups.repeat(len(self.models)), list(self.models) * len(groups)],
                names=[groups.name, "model"],
            )
        return pd.DataFrame(data, index=index)

    def coverage(self, by: str | None = None) -> Any:
        """Return how many actual values are in the forecaster's intervals, pooled.

        Parameters
        ----------
        by : {None, "horizon", "series", "window"}

        Returns
        -------
        DataFrame
            ``level`` in percent, the group if `by` is given, ``nominal`` and ``covered`` shares (0
            to 1), ``n`` values, and ``too_few``: whether there are fewer forecasts (windows times
            series) than ``100 / (100 - level)``, so that not one miss is to be expected.
        """
        frames = []
        for level in self.levels:
            columns = coverage_columns(self.actual, self.lower[level], self.upper[level], level, by)
            frame = pd.DataFrame(columns)
            if by is not None:
                frame.insert(1, GROUP_NAMES[by], self._groups(by))
            frames.append(frame)
        names = ["level", "nominal", "covered", "n", "too_few"]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=names)

    def to_frame(self) -> Any:
        """Return the forecasts as a long DataFrame: a row for each series, window and step.

        Returns
        -------
        DataFrame
            The id, ``cutoff`` (the last known time), the time, the actual value, ``forecast``,
            ``lo-80``, ``hi-80``, ... and a column for each baseline. Rows with neither an actual
            value nor a forecast are left out.
        """
        shape = self.actual.shape
        cutoffs, times = np.asarray(self.origins), np.asarray(self.times)
        cutoffs = cutoffs[:, None] if cutoffs.ndim == 1 else cutoffs
        times = times[:, None] if times.ndim == 2 else times
        columns: list[tuple[str, Any]] = [
            (self.target_name, self.actual), ("forecast", self.forecast),
        ]  # fmt: skip
        for level in self.levels:
            columns.append((f"lo-{level:g}", self.lower[level]))
            columns.append((f"hi-{level:g}", self.upper[level]))
        columns += self.baselines.items()
        names = [self.id_name, "cutoff", self.time_name, *(name for name, _ in columns)]
        if len(set(names)) < len(names):
            raise ValueError(f"two columns have the same name: {names}; rename one in the data")
        rows = (~np.isnan(self.actual) | ~np.isnan(self.forecast)).transpose(1, 0, 2)

        def flat(values: NDArray[Any]) -> NDArray[Any]:
            return np.broadcast_to(values, shape).transpose(1, 0, 2)[rows]

        data = {self.id_name: pd.Index(self.ids)[flat(np.arange(shape[1])[:, None])]}
        data["cutoff"] = self._stamps(flat(cutoffs[:, :, None]))
        data[self.time_name] = self._stamps(flat(times))
        return pd.DataFrame(data | {name: flat(values) for name, values in columns})

    def __str__(self) -> str:
        parts = [self._heading(), _aligned(self._score_rows())]
        if self.levels:
            parts.append(_aligned(self._coverage_rows()))
        notes = [fill(note, WIDTH) for note in self._notes()]
        return "\n\n".join([*parts, "\n".join(notes)])

    def _repr_html_(self) -> str:
        tables = [self._score_rows(), *([self._coverage_rows()] if self.levels else [])]
        content = [tag("table", _html_rows(rows)) for rows in tables]
        notes = [tag("p", note) for note in self._notes()]
        return str(tag("div", tag("p", self._heading()), content, notes))

    def _heading(self) -> str:
        windows, series, horizon = self.actual.shape
        counted = [(windows, "window"), (series, "series"), (horizon, "step")]
        window, of, step = (f"{n} {word}{_plural(n, word)}" for n, word in counted)
        season = f", season of {self.season}" if self.season > 1 else ""
        return f"Backtest: {window}, {of}, {step} ahead{season}"

    def _score_rows(self) -> list[list[str]]:
        table = self.scores()
        used = [name for name in FORMATS if table[name].notna().any()]
        rows = [["model", *used]]
        for model, row in table.iterrows():
            cells = [_number(row[name], FORMATS[name]) for name in used]
            rows.append([terminal(str(model)), *cells])
        return rows

    def _coverage_rows(self) -> list[list[str]]:
        rows = [["interval", "covered", "values", ""]]
        for row in self.coverage().itertuples():
            covered = _number(100 * row.covered, ".1f") + " %"
            note = "too few forecasts to tell" if row.too_few else ""
            rows.append([f"{row.level:g} %", covered, str(row.n), note])
        return rows

    def _notes(self) -> list[str]:
        notes = list(DEFINITIONS)
        table = self.scores()
        metric = next((name for name in ("MASE", "sMAPE") if table[name].notna().any()), None)
        if metric is not None:
            ours = table[metric].iloc[0]
            for name in self.baselines:
                if table.loc[name, metric] <= ours:
                    theirs = _number(table.loc[name, metric], ".3f")
                    notes.append(f"{terminal(name)} is not beaten: {metric} {theirs} against "
                                 f"{_number(ours, '.3f')}.")  # fmt: skip
        constant = int((np.asarray(self.scales) == 0).any(axis=0).sum())
        if constant:
            notes.append(f"{constant} series {'was' if constant == 1 else 'were'} constant before "
                         "an origin: MASE, CRPS and bias leave those windows out.")  # fmt: skip
        known = ~np.isnan(self.actual)
        left_out = int((known & ~scored_cells(self.actual, self.models)).sum())
        if left_out:
            notes.append(f"{left_out} of {int(known.sum())} values are left out: a model has no "
                         "forecast of them.")  # fmt: skip
        return notes if self.skill is None else [*notes, self.skill.sentence()]

    def _all_quantiles(self) -> dict[str, tuple[Floats, Any]]:
        levels: Any = self.quantile_levels
        result: dict[str, tuple[Floats, Any]] = {}
        if self.quantiles is not None:
            result[self.name] = self.quantiles, levels
        elif self.lower:
            ours = interval_quantiles(self.forecast, self.lower, self.upper)
            result[self.name], levels = ours, ours[1]
        others = self.baseline_quantiles
        return result | {name: (others[name], levels) for name in self.baselines if name in others}

    def _groups(self, by: str) -> Any:
        if by == "horizon":
            return np.arange(1, self.horizon + 1)
        if by == "series":
            return list(self.ids)
        origins = np.asarray(self.origins)
        return self._stamps(origins) if origins.ndim == 1 else np.arange(len(origins))

    def _stamps(self, times: NDArray[Any]) -> Any:
        if self.stamps is not None:
            return self.stamps(times)
        return times.tolist() if times.dtype == object else times


def _plural(count: int, word: str) -> str:
    return "" if count == 1 or word == "series" else "s"


def _number(value: float, form: str) -> str:
    return "-" if np.isnan(value) else format(value, form)


def _aligned(rows: list[list[str]]) -> str:
    """Cells in columns, the first to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    return "\n".join(lines)


def _html_rows(rows: list[list[str]]) -> list[Any]:
    head, *body = rows
    return [tag("tr", [tag("th", cell) for cell in head]),
            *(tag("tr", [tag("td", cell) for cell in row]) for row in body)]  # fmt: skip
