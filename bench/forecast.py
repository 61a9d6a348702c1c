"""Forecasts beside statsforecast's, ridges on lags and random walks: how far they are off.

The sets and the protocol are those of `forecast_sets`; the peers' settings are in
`forecast_peers`. All methods run here, one after another in one process, and losing rows are
printed too.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import process_time
from typing import Any

import numpy as np

from .forecast_ours import m4, rolling, rolling_price
from .forecast_peers import demand_peers, m4_peers, stock_peers
from .forecast_sets import (
    DEMAND,
    Floats,
    HourlySeries,
    Method,
    demand_sets,
    m4_hourly,
    stock_sets,
)
from .results import Kind

KIND = Kind(
    "Forecasts",
    (
        "Rolling origins over the last 30 % of five series of demand (mean absolute scaled error),",
        "the 414 hourly series of M4 with the competition's test (sMAPE, 0 to 200, and MASE), and",
        "closing prices one step ahead (root mean squared error). The ratio is to the seasonal",
        "naive forecast, for prices to the random walk with drift. CPU is for all fits and",
        "forecasts of the line. Lower is better everywhere.",
    ),
    ("set", "measure", "method", "error", "ratio", "goal", "rank", "CPU"),
)
OURS: dict[str, Method] = {"chainrule": rolling}
OURS_M4: dict[str, Callable[[HourlySeries], Floats]] = {"chainrule": m4}
OURS_STOCK: dict[str, Method] = {"chainrule": rolling_price}
M4_GOALS = {"sMAPE": 8.8, "MASE": 0.90}


@dataclass(frozen=True)
class Scored:
    """The error of a method on a set, and its CPU seconds."""

    method: str
    error: float
    seconds: float


def timed(method: Callable[[Any], Floats], data: Any) -> tuple[Floats, float]:
    """The forecasts, and the CPU time of this process with all its threads."""
    start = process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peers warn of divisions in their searches
        forecasts = method(data)
    return forecasts, process_time() - start


def lines(
    name: str, measure: str, scored: list[Scored], reference: float, goal: float = np.nan
) -> Iterator[tuple[str, ...]]:
    """A line a method, in the order that they ran."""
    for one, rank in zip(scored, ranks([one.error for one in scored]), strict=True):
        ours = one.method in {**OURS, **OURS_M4, **OURS_STOCK}
        yield (
            name, measure, one.method, f"{one.error:.4g}", f"{one.error / reference:.3f}",
            verdict(one.error, goal) if ours and np.isfinite(goal) else "",
            f"{rank:g}", f"{one.seconds:.1f} s",
        )  # fmt: skip


def verdict(error: float, goal: float) -> str:
    return f"{goal:g}, {'met' if error <= goal else 'missed'}"


def ranks(errors: list[float]) -> list[float]:
    """1 for the lowest; equal errors share the mean of their ranks."""
    table = np.asarray(errors)
    below = (table[:, None] > table).sum(axis=1)
    equal = (table[:, None] == table).sum(axis=1)
    return [float(rank) for rank in below + (equal + 1) / 2]


def demand_rows() -> Iterator[tuple[str, ...]]:
    """The five sets, and the mean ranks over them."""
    totals: dict[str, list[float]] = {}
    sets = demand_sets()
    for one in sets:
        scored = []
        for name, method in (OURS | demand_peers(one)).items():
            forecasts, seconds = timed(method, one)
            scored.append(Scored(name, one.mase(forecasts), seconds))
        naive = next(row.error for row in scored if row.method in NAIVE)
        yield from lines(one.name, "MASE", scored, naive, one.goal)
        for row, rank in zip(scored, ranks([row.error for row in scored]), strict=True):
            totals.setdefault(PAIR.get(row.method, row.method), []).append(rank)
    for name, each in sorted(totals.items(), key=lambda item: float(np.mean(item[1]))):
        yield f"all {len(sets)}", "mean rank", name, "", "", "", f"{np.mean(each):.1f}", ""


NAIVE = ("SeasonalNaive (statsforecast)", "seasonal naive")
PAIR = dict.fromkeys(
    ("MSTL (statsforecast)", "AutoETS (statsforecast)"), "AutoETS or MSTL (statsforecast)"
)


def m4_rows() -> Iterator[tuple[str, ...]]:
    data = m4_hourly()
    results = {
        name: timed(method, data) for name, method in (OURS_M4 | m4_peers()).items()
    }  # fmt: skip
    for measure, error in (("sMAPE", data.smape), ("MASE", data.mase)):
        scored = [Scored(name, error(said), spent) for name, (said, spent) in results.items()]
        naive = next(row.error for row in scored if row.method in NAIVE)
        yield from lines("M4 by hour", measure, scored, naive, M4_GOALS[measure])


def stock_rows() -> Iterator[tuple[str, ...]]:
    for one in stock_sets():
        scored = []
        for name, method in (OURS_STOCK | stock_peers()).items():
            forecasts, seconds = timed(method, one)
            scored.append(Scored(name, one.rmse(forecasts), seconds))
        drift = next(row.error for row in scored if row.method == "random walk with drift")
        yield from lines(one.name, "RMSE", scored, drift)


PARTS: Mapping[str, Callable[[], Iterator[tuple[str, ...]]]] = {
    "demand": demand_rows, "m4": m4_rows, "stock": stock_rows,
}  # fmt: skip


def rows() -> Iterator[tuple[str, ...]]:
    if not DEMAND.exists():
        print(f"there is no {DEMAND}: nothing to forecast", file=sys.stderr)
        return
    for part in PARTS.values():
        yield from part()
