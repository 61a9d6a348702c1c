"""Members of a detector that judge windows of time series: neighbours and networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....errors import DataError
from ....lazy import LazyModule
from ..members.ensemble import learn_ensemble
from ..settings import DetectorSettings
from ..tables.columns import DetectorColumns
from ..tables.contamination import clean_weights
from ..tables.fitted import FittedDetector, History
from ..tables.program import Program
from ..tables.reasons import Expectations
from ..thresholds.calibration import Calibration
from .running_quantile import RunningQuantile

pd = LazyModule("pandas")

Floats = NDArray[np.float64]
MOST_FEATURES = 4096  # rows to see drift by


@dataclass(frozen=True)
class LearnedWindows:
    """Members, and what they say of the windows of the training.

    Attributes
    ----------
    fitted : FittedDetector
    usual : RunningQuantile
        Of the scores of held-out windows.
    relative : list of arrays (n,)
        The scores of the windows of each series by their usual size, NaN where not ready. Members
        know the windows that they learned from, so those are compared with each other.
    history : dict of str to list of dict
    """

    fitted: FittedDetector
    usual: RunningQuantile
    relative: list[Floats]
    history: History


def window_names(channels: Sequence[str], window: int) -> list[str]:
    """Return the names of the values of a window, the oldest first.

    Examples
    --------
    >>> window_names(("load",), 3)
    ['load[-2]', 'load[-1]', 'load[-0]']
    """
    return [f"{name}[-{window - 1 - at}]" for at in range(window) for name in channels]


def learn_windows(
    settings: DetectorSettings,
    methods: Sequence[str],
    channels: Sequence[str],
    windows: Floats,
    ready: NDArray[np.bool_],
    learned: list[Any],
    held_out: list[Any],
    memory: tuple[float, float],
    rng: Any,
) -> LearnedWindows:
    """Train members on the windows of some rows, and measure those of later ones.

    Parameters
    ----------
    settings : DetectorSettings
    methods : sequence of str
    channels : sequence of str
    windows, ready
        Of all rows, as `SeriesForecaster.windows` returns them.
    learned, held_out : list of arrays
        The places of the rows of each series.
    memory : (float, float)
        Share and half-life of the running quantile.
    rng : numpy.random.RandomState

    Raises
    ------
    DataError
        If there are no two windows to learn from.
    """
    first = np.concatenate(learned)
    first = first[ready[first]]
    if len(first) < 2:
        raise DataError(
            f"the training has {len(first)} windows of {settings.window} rows without gaps: give "
            "more rows, or a smaller window"
        )
    last = np.concatenate(held_out)
    last = last[ready[last]]
    names = window_names(channels, windows.shape[1] // len(channels))
    columns = DetectorColumns.learn(pd.DataFrame(windows[first], columns=names), ())
    rows, _ = columns.rows(windows[first])
    weights = clean_weights(settings, rows, rng)
    its = learn_ensemble(methods, settings, rows, columns.owners(), rng, weights)
    scores = np.full(len(windows), np.nan)
    scores[first] = its.unseen
    unseen, later = its.unseen, rows
    program = Program(columns, its.ensemble.networks)
    if len(last):
        unseen = scores[last] = its.ensemble.scores(*program(windows[last]))
        later, _ = columns.rows(windows[last])
    fitted = FittedDetector(
        columns, its.ensemble, Expectations.learn(columns, its.ensemble, rows, later),
        Calibration(unseen), later.features[:MOST_FEATURES], program,
    )  # fmt: skip
    share, half_life = memory
    usual = RunningQuantile.learn(unseen, share, half_life)
    scores[first] /= RunningQuantile.learn(its.unseen, share, half_life).value
    scores[last] /= usual.value
    relative = [scores[np.concatenate(pair)] for pair in zip(learned, held_out, strict=True)]
    return LearnedWindows(fitted, usual, relative, its.history)
