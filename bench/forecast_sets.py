"""Series to forecast from shared data, and the protocol: rolling origins over the last 30 %.

A forecast from origin `q` may read the rows before `q` and is compared with the `horizon` rows
from `q` on. MASE divides the mean absolute error of all origins and steps by the mean absolute
change over one season within the first 70 % (Hyndman and Koehler, 2006), whatever the origin.
Hours that the bicycles' file lacks are filled before the backtest, for all methods alike: gaps of
at most 2 by a line between their neighbours, longer ones by the value a day earlier.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .tabular_sets import DATA

Floats: TypeAlias = NDArray[np.float64]
DEMAND, STOCK = DATA / "demand", DATA / "stock"
TRAINED = 0.7  # of the rows
SHORT_GAP = 2  # hours


@dataclass(frozen=True)
class RollingSet:
    """One series with its rolling origins.

    Attributes
    ----------
    name : str
    series : pandas.Series
        Regular and without gaps, by its stamps (prices: by trading day).
    seasons : tuple of int
        Rows; the first is the season of the seasonal naive forecast and of MASE.
    horizon, step : int
        Rows ahead, and between origins.
    goal : float
        The MASE that issue 20 asks for; NaN for none.
    """

    name: str
    series: Any
    seasons: tuple[int, ...]
    horizon: int
    step: int
    goal: float = np.nan

    @cached_property
    def values(self) -> Floats:
        return np.asarray(self.series, np.float64)

    @property
    def first(self) -> int:
        """The first origin: rows before it may be fitted."""
        return int(TRAINED * len(self.values))

    @cached_property
    def origins(self) -> NDArray[np.int64]:
        return np.arange(self.first, len(self.values) - self.horizon + 1, self.step)

    @cached_property
    def actual(self) -> Floats:
        """The values to forecast, (origins, horizon)."""
        return self.values[self.origins[:, None] + np.arange(self.horizon)]

    @property
    def scale(self) -> float:
        """The mean absolute change over a season in the rows before the first origin."""
        return seasonal_scale(self.values[: self.first], self.seasons[0])

    def mase(self, forecasts: Floats) -> float:
        """Mean absolute scaled error of forecasts of shape (origins, horizon)."""
        return float(np.abs(self._error(forecasts)).mean() / self.scale)

    def rmse(self, forecasts: Floats) -> float:
        return float(np.sqrt(np.square(self._error(forecasts)).mean()))

    def _error(self, forecasts: Floats) -> Floats:
        if forecasts.shape != self.actual.shape or not np.isfinite(forecasts).all():
            raise ValueError(f"{self.name}: forecasts {forecasts.shape} for {self.actual.shape}")
        return forecasts - self.actual


@dataclass(frozen=True)
class HourlySeries:
    """The 414 hourly series of the M4 competition with its own test of 48 hours."""

    train: tuple[Floats, ...]
    test: Floats
    season: int = 24

    @property
    def horizon(self) -> int:
        return self.test.shape[1]

    def smape(self, forecasts: Floats) -> float:
        """The competition's, 0 to 200 (Makridakis, Spiliotis and Assimakopoulos, 2020)."""
        size = np.abs(self.test) + np.abs(forecasts)
        return float(200.0 * np.mean(np.abs(self.test - forecasts) / size))

    def mase(self, forecasts: Floats) -> float:
        """The competition's: scaled by each series' whole training, then the mean of series."""
        scales = np.array([seasonal_scale(one, self.season) for one in self.train])
        return float(np.mean(np.abs(self.test - forecasts).mean(axis=1) / scales))


def seasonal_scale(values: Floats, season: int) -> float:
    """The mean absolute change over one season."""
    return float(np.abs(values[season:] - values[:-season]).mean())


def fill_hours(series: Any, season: int = 24) -> Any:
    """Fill short gaps by a line, longer ones by the value one season earlier."""
    values, line = series.to_numpy(np.float64, copy=True), series.interpolate().to_numpy()
    missing = np.isnan(values)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]]).astype(int)))
    for begin, end in edges.reshape(-1, 2):
        for row in range(begin, end):
            short = end - begin <= SHORT_GAP or row < season
            values[row] = line[row] if short else values[row - season]
    return pd.Series(values, series.index, name=series.name)


def bike_hour() -> Any:
    frame = pd.read_csv(DEMAND / "bike_hour.csv.gz")
    stamps = pd.to_datetime(frame["dteday"]) + pd.to_timedelta(frame["hr"], unit="h")
    series = pd.Series(frame["cnt"].to_numpy(np.float64), pd.DatetimeIndex(stamps), name="cnt")
    return fill_hours(series.asfreq("h"))


def bike_day() -> Any:
    frame = pd.read_csv(DEMAND / "bike_day.csv.gz", index_col="dteday", parse_dates=True)
    return frame["cnt"].astype(np.float64).asfreq("D")


def cta() -> Any:
    """Rides a day; 62 rows of the file are there twice and the rest is out of order."""
    frame = pd.read_csv(DEMAND / "cta_ridership.csv.gz").drop_duplicates()
    stamps = pd.to_datetime(frame["service_date"], format="%m/%d/%Y")
    series = frame.set_index(stamps)["total_rides"].sort_index()
    return series.astype(np.float64).asfreq("D")


def airline() -> Any:
    path = DEMAND / "airline_passengers.csv.gz"
    series = pd.read_csv(path, index_col="Month", parse_dates=True)["Passengers"]
    return series.astype(np.float64).asfreq("MS")


def demand_sets() -> list[RollingSet]:
    """The five of issue 20."""
    rides = cta()
    return [
        RollingSet("bike by hour", bike_hour(), (24, 168), 24, 24, 0.83),
        RollingSet("bike by day", bike_day(), (7,), 14, 7, 1.08),
        RollingSet("CTA before 2020", rides[:"2019"], (7,), 14, 14, 0.97),
        RollingSet("CTA with 2020", rides, (7,), 14, 14, 0.93),
        RollingSet("airline", airline(), (12,), 12, 6, 0.60),
    ]


def stock_sets() -> list[RollingSet]:
    """Closing prices, one step ahead from every row of the last 30 %."""

    def prices(frame: Any, time: str, close: str) -> Any:
        return frame.set_index(pd.to_datetime(frame[time]))[close].astype(np.float64).sort_index()

    def one(name: str, series: Any) -> RollingSet:
        return RollingSet(name, series, (1,), 1, 1)

    index = pd.read_csv(STOCK / "sp500_daily_ohlcv.csv.gz")
    apple = pd.read_csv(STOCK / "apple_daily_ohlcv.csv.gz")
    months = pd.read_csv(STOCK / "stocks_monthly.csv.gz")
    return [
        one("S&P 500 by day", prices(index, "date", "close")),
        one("Apple by day", prices(apple, "Date", "AAPL.Close")),
        *[one(f"{symbol} by month", prices(rows, "date", "price"))
          for symbol, rows in months.groupby("symbol")],
    ]  # fmt: skip


def m4_hourly() -> HourlySeries:
    with np.load(DEMAND / "m4_hourly.npz") as data:
        values = data["train_values"].astype(np.float64)
        train = tuple(
            values[start : start + length]
            for start, length in zip(data["train_start"], data["train_length"], strict=True)
        )
        return HourlySeries(train, data["test"].astype(np.float64))


Method: TypeAlias = Callable[[RollingSet], Floats]
