"""How often intervals of backtests hold what came: 400 origins and more, and fewer."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from time import process_time
from typing import Any

import numpy as np

from .forecast_ours import LEVELS, backtest
from .forecast_sets import DEMAND, RollingSet, demand_sets, stock_sets
from .results import Kind

KIND = Kind(
    "Intervals of forecasts",
    (
        "Rolling origins over the last 30 % of each series, as close as 400 of them need. Covered",
        "is the share of values inside the interval, over all origins and steps; the step ahead",
        "with the least and the largest share stands beside it. Both in percent.",
    ),
    ("set", "origins", "level", "covered", "least step", "largest step", "CPU"),
)
MANY = 400


def rows() -> Iterator[tuple[str, ...]]:
    if not DEMAND.exists():
        print(f"there is no {DEMAND}: nothing to forecast", file=sys.stderr)
        return
    totals: dict[float, list[Any]] = {level: [] for level in LEVELS}
    for one, settings in sets():
        start = process_time()
        step = max(1, (len(one.values) - one.first - one.horizon) // (MANY + 10))
        result = backtest(one, step, **settings)
        spent = process_time() - start
        for level in LEVELS:
            inside = (result.actual >= result.lower[level]) & (result.actual <= result.upper[level])
            known = np.isfinite(result.actual)
            share = np.where(known, inside, 0).sum(axis=(0, 1)) / known.sum(axis=(0, 1))
            origins = len(result.actual)
            if origins >= MANY:
                totals[level].append(inside[known])
            yield (
                one.name, f"{origins}", f"{level}", f"{100 * inside[known].mean():.1f}",
                f"{100 * share.min():.1f}", f"{100 * share.max():.1f}", f"{spent:.0f} s",
            )  # fmt: skip
    for level, parts in totals.items():
        pooled = float(np.mean([part.mean() for part in parts]))
        name = f"{len(parts)} of {MANY} origins and more"
        yield name, "", f"{level}", f"{100 * pooled:.1f}", "", "", ""


def sets() -> Iterator[tuple[RollingSet, dict[str, Any]]]:
    for one in demand_sets():
        yield one, {}
    for one in stock_sets():
        yield one, {"kind": "price"}
