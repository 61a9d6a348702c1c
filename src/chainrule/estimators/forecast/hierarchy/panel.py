"""A panel with the sums of its series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ....errors import DataError, UnsupportedError
from ..reading.panel import OneSeries, Panel
from .reconciliation import METHODS
from .summing import Hierarchy


def check_method(method: str) -> None:
    """Refuse unknown methods of reconciliation."""
    if method not in METHODS:
        raise ValueError(f"reconcile={method!r:.40}: give one of {', '.join(map(repr, METHODS))}")


def hierarchical(panel: Panel, children: Mapping[Any, Sequence[Any]]) -> tuple[Panel, Hierarchy]:
    """Return the panel with a series for each sum and part, in the order of the hierarchy.

    Raises
    ------
    DataError
        If series end at different times, or a sum of the table is not that of its parts.
    """
    roles = panel.roles
    if roles.known or roles.past or roles.static:
        raise UnsupportedError(
            "hierarchy= with covariates: what they are for a sum is not known; leave them out, or "
            "forecast without a hierarchy"
        )
    hierarchy = Hierarchy.of(children)
    start = min(one.start for one in panel.series)
    ends = {one.end for one in panel.series}
    if len(ends) > 1:
        raise DataError(
            "hierarchy: series end at different times, "
            f"{panel.calendar.text(min(ends) - 1)} the first and "
            f"{panel.calendar.text(max(ends) - 1)} the last: give all up to the same time"
        )
    end = ends.pop()
    values = np.full((len(panel.series), end - start), np.nan)
    observed = {}
    for row, one in enumerate(panel.series):
        values[row, one.start - start :] = one.values
        observed[one.name] = one.observed
    summed = hierarchy.aligned(panel.names, values)
    series = []
    for name, row in zip(hierarchy.ids, summed, strict=True):
        first = int(np.argmax(~np.isnan(row)))
        some = row[first:]
        none = np.empty((len(some), 0))
        seen = observed.get(name, np.ones(len(some), np.bool_))[-len(some) :]
        if len(seen) < len(some):
            seen = np.concatenate([np.ones(len(some) - len(seen), np.bool_), seen])
        series.append(OneSeries(name, start + first, some, seen, none, none, np.empty(0)))
    layout = "long" if panel.layout == "one" else panel.layout
    return replace(panel, series=tuple(series), layout=layout), hierarchy
