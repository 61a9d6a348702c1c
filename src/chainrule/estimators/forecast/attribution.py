"""How much each lag and each covariate adds to a forecast: integrated gradients.

M. Sundararajan, A. Taly, Q. Yan: "Axiomatic attribution for deep networks", arXiv:1703.01365
(2017), equation 3: the mean gradient along the line from a baseline to the inputs, times that line.
The function is the committee's forecast of raw values, with transforms, members and the median.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError, UnsupportedError
from ...lazy import LazyModule
from ...transforms import grad, jit
from .fitted import Fitted
from .saving.step_function import StepFunction

pd = LazyModule("pandas")

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Arrays: TypeAlias = dict[str, Any]
Frame: TypeAlias = Any

BASELINES = ("level", "last")
VARIED = ("window", "known", "window_known", "past")
ROWS = 256  # series at a time
MOST_STEPS = 512  # of a path
LEVEL_STEPS = 30  # at least, whose mean is the level
ERROR = 0.005  # of the difference of the forecasts, up to which attributions add up


@dataclass(frozen=True)
class Attributions:
    """What the inputs of some series add to their forecasts.

    Attributes
    ----------
    rows : array (n,) of int
        The series.
    names : list of str
        Of the inputs.
    values, parts : array (n, inputs)
        The inputs, and what they add to the forecast.
    base : array (n,)
        The forecasts of the baseline.
    """

    rows: Ints
    names: list[str]
    values: Floats
    parts: Floats
    base: Floats

    def frame(self, fitted: Fitted) -> Frame:
        """A row for each series and input, the largest first, after the baseline."""
        order = np.argsort(-np.abs(self.parts), axis=1, kind="stable")
        many = len(self.rows)
        names = np.concatenate([np.full((many, 1), "baseline"), np.array(self.names)[order]], 1)
        values = np.take_along_axis(self.values, order, axis=1)
        parts = np.take_along_axis(self.parts, order, axis=1)
        result: dict[str, Any] = {}
        panel = fitted.panel
        if panel.id_name is not None:
            ids = pd.Index(list(panel.names))[self.rows]
            result[panel.id_name] = ids.repeat(names.shape[1])
        result["input"] = names.ravel().astype(object)
        result["value"] = np.concatenate([np.full((many, 1), np.nan), values], 1).ravel()
        result["attribution"] = np.concatenate([self.base[:, None], parts], axis=1).ravel()
        table = pd.DataFrame(result)
        table.attrs["seasons"] = fitted.seasons
        return table


def attribute(
    fitted: Fitted, known: Floats, rows: Ints, step: int | None, steps: int, baseline: str
) -> Attributions:
    """Attribute the forecasts of series to their inputs; see `ExplanationMethods.attributions`."""
    _check(fitted, rows)
    function = StepFunction.of(fitted)
    inputs = {name: array[rows] for name, array in function.inputs(known).items()}
    bases = _baselines(function, inputs, rows, baseline)
    weights = np.full(fitted.horizon, 1.0 / fitted.horizon)
    if step is not None:
        weights = np.eye(fitted.horizon)[step - 1]
    path = _Path.of(function, weights)
    chunks = [np.arange(k, min(k + ROWS, len(rows))) for k in range(0, len(rows), ROWS)]
    answers = [_integrated(path, inputs, bases, some, steps) for some in chunks]
    parts = {
        name: np.concatenate([answer[0][name] for answer in answers]) for name in answers[0][0]
    }
    base = np.concatenate([answer[1] for answer in answers])
    columns = [
        (name, inputs[kind][index], parts[kind][index])
        for kind in VARIED if kind in parts
        for name, index in _columns(kind, inputs[kind].shape, fitted)
        if np.any(parts[kind][index] != 0.0)
    ]  # fmt: skip
    names = [name for name, _, _ in columns]
    if not names:
        return Attributions(rows, [], np.zeros((len(rows), 0)), np.zeros((len(rows), 0)), base)
    values, shares = (np.stack([column[k] for column in columns], axis=1) for k in (1, 2))
    return Attributions(rows, names, values, shares, base)


def _check(fitted: Fitted, rows: Ints) -> None:
    if fitted.hierarchy is not None:
        raise UnsupportedError(
            "reconciled forecasts depend on all series of a hierarchy at once: fit without "
            "hierarchy= to attribute the forecast of each series to its lags"
        )
    if fitted.counts is not None:
        counted = np.intersect1d(rows, fitted.counts.rows)
        if len(counted):
            raise UnsupportedError(
                f"series {fitted.panel.names[int(counted[0])]!r} is intermittent demand, whose "
                "model reads no lags: name others in series=, or fit with kind='level'"
            )


def chosen_series(fitted: Fitted, series: Any) -> Ints:
    """The numbers of series that a user names: one, several, or None for all."""
    names = fitted.panel.names
    if series is None:
        return np.arange(len(names), dtype=np.int64)
    several = isinstance(series, (list, tuple, np.ndarray, pd.Index, pd.Series))
    numbers = {name: k for k, name in enumerate(names)}
    rows = []
    for name in series if several else [series]:
        if name not in numbers:
            raise DataError(
                f"series={name!r:.60} is none of the {len(names)} series of the training, such as "
                f"{', '.join(f'{one!r:.40}' for one in names[:3])}"
            )
        rows.append(numbers[name])
    if not rows:
        raise DataError("series=[] names none: leave it out for all")
    return np.array(rows, np.int64)


@dataclass(frozen=True)
class _Path:
    """The forecast, weighted over its steps, and its slopes in the inputs that are varied."""

    value: Callable[[Arrays, Arrays], Any]
    slopes: Callable[[Arrays, Arrays], Any]

    @classmethod
    def of(cls, function: StepFunction, weights: Floats) -> _Path:
        def value(varied: Arrays, fixed: Arrays) -> Any:
            return function({**varied, **fixed}) @ weights

        return cls(jit(value), jit(grad(lambda varied, fixed: np.sum(value(varied, fixed)))))


def _integrated(
    path: _Path, inputs: Arrays, bases: Arrays, rows: Ints, steps: int
) -> tuple[Arrays, Floats]:
    """The parts of some series, and the forecasts of the baseline.

    The integral is a sum over the middles of `steps` equal pieces of the line; of more, where the
    parts do not add up.
    """
    size = min(ROWS, 1 << (len(rows) - 1).bit_length())  # few shapes, for few programs
    padded = rows[np.minimum(np.arange(size), len(rows) - 1)]
    here = {name: array[padded] for name, array in inputs.items()}
    base = {name: array[padded] for name, array in bases.items()}
    fixed = {name: array for name, array in here.items() if name not in base}
    changes = {name: here[name] - base[name] for name in base}
    first = np.asarray(path.value(base, fixed))
    total = np.asarray(path.value({name: here[name] for name in base}, fixed)) - first
    while True:
        sums = {name: np.zeros(array.shape) for name, array in base.items()}
        for k in range(steps):
            point = {n: base[n] + (k + 0.5) / steps * change for n, change in changes.items()}
            for name, slope in path.slopes(point, fixed).items():
                sums[name] += slope
        # An input that does not change adds nothing, whatever its slope, which may be infinite
        parts = {
            name: np.where(change == 0.0, 0.0, sums[name] / steps * change)
            for name, change in changes.items()
        }
        added, sizes = _summed(parts), _summed({n: np.abs(part) for n, part in parts.items()})
        allowed = np.maximum(ERROR * np.abs(total), 1e-4 * sizes)
        if 2 * steps > MOST_STEPS or np.all(np.abs(added - total) <= allowed):
            return {name: part[: len(rows)] for name, part in parts.items()}, first[: len(rows)]
        steps *= 2


def _summed(parts: Arrays) -> Floats:
    sums = [part.reshape(len(part), -1).sum(axis=1) for part in parts.values()]
    return np.asarray(sum(sums[1:], sums[0]))


def _baselines(function: StepFunction, inputs: Arrays, rows: Ints, baseline: str) -> Arrays:
    """The inputs of the baseline: a flat window, and covariates at their means."""
    histories, window = function.histories, inputs["window"]
    if baseline == "level":
        length = max(function.length, LEVEL_STEPS)
        level = histories.windows(histories.ends, length)[rows].mean(axis=1)
    else:
        level = window[:, -1]
    result: Arrays = {"window": np.tile(level[:, None], (1, window.shape[1]))}
    for name, columns in (
        ("known", histories.known), ("window_known", histories.known), ("past", histories.past),
    ):  # fmt: skip
        if name in inputs:
            means = [columns[k][: int(histories.lengths[k])].mean(axis=0) for k in rows]
            result[name] = np.broadcast_to(np.stack(means)[:, None, :], inputs[name].shape)
    return result


def _columns(kind: str, shape: tuple[int, ...], fitted: Fitted) -> list[tuple[str, Any]]:
    """The names of an input's numbers, and where they are; the latest first."""
    every, steps = slice(None), shape[1]
    if kind == "window":
        return [(f"lag {lag}", (every, steps - lag)) for lag in range(1, steps + 1)]
    role = "past" if kind == "past" else "known"
    names = fitted.panel.past_names if role == "past" else fitted.panel.known_names
    if kind == "known":
        return [
            (f"known {name} +{k + 1}", (every, k, column))
            for k in range(steps) for column, name in enumerate(names)
        ]  # fmt: skip
    return [
        (f"{role} {name} lag {lag}", (every, steps - lag, column))
        for lag in range(1, steps + 1) for column, name in enumerate(names)
    ]  # fmt: skip
