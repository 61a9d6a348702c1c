"""Forecasts as a long table, in the user's form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....lazy import LazyModule
from .panel import Panel

pd = LazyModule("pandas")

Frame: TypeAlias = Any
Floats: TypeAlias = NDArray[np.float64]


def long_frame(panel: Panel, columns: Mapping[str, Floats]) -> Frame:
    """Return the answer for the next steps of all series.

    Parameters
    ----------
    panel : Panel
    columns : mapping of str to array (series, horizon)
        Such as "forecast", "lo-80" and "hi-80".

    Returns
    -------
    pandas.DataFrame
        The column of ids (for one series without an id there is none; of wide tables and of arrays
        it is "unique_id"), the column of times ("ds" where the user's has no name), and the
        columns in their order: row after row of the first series, then of the second, ...

    Examples
    --------
    >>> from chainrule.estimators.forecast.reading.panel import read_panel
    >>> panel = read_panel(np.array([[1.0, 10.0], [2.0, 20.0]]))
    >>> long_frame(panel, {"forecast": np.array([[3.0], [30.0]])})
       unique_id  ds  forecast
    0          0   2       3.0
    1          1   2      30.0
    """
    horizon = next(iter(columns.values())).shape[1]
    steps = np.arange(horizon)
    ends = np.array([one.end for one in panel.series], np.int64)
    result: dict[str, Any] = {}
    if panel.id_name is not None:
        result[panel.id_name] = _ids(panel, horizon)
    result[panel.time_name] = panel.calendar.stamps((ends[:, None] + steps).ravel())
    for name, values in columns.items():
        result[name] = np.asarray(values, np.float64).reshape(len(ends) * horizon)
    return pd.DataFrame(result)


def _ids(panel: Panel, horizon: int) -> Any:
    """The column of ids, of the user's dtype."""
    names = pd.Index(list(panel.names))
    if panel.id_dtype == "category":
        return pd.Categorical.from_codes(np.repeat(np.arange(len(names)), horizon), names)
    if panel.id_dtype != str(names.dtype):
        try:
            names = names.astype(panel.id_dtype)
        except (TypeError, ValueError):
            names = names.astype(object)
    return names.repeat(horizon)
