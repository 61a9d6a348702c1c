"""Forecast demand and a price: one can be forecast, of the other we say that it cannot.

Two shops sell by the week, and more when there is a promotion. Their next two weeks are forecast
with intervals; sample paths say how much stock is enough; a backtest shows what that was worth so
far. Of a share price that follows a random walk the backtest says so in words.
"""

import numpy as np
import pandas as pd

import chainrule as cr

HORIZON = 14

rng = np.random.default_rng(7)
days = pd.date_range("2025-01-01", periods=540, freq="D")
week = np.array([20.0, 22.0, 23.0, 25.0, 34.0, 48.0, 12.0])  # Monday to Sunday
shops = []
for name, size in (("north", 1.0), ("south", 2.5)):
    promotion = rng.random(len(days)) < 0.15
    trend = 1.0 + 0.4 * np.arange(len(days)) / len(days)
    units = size * trend * week[days.day_of_week] * np.where(promotion, 1.4, 1.0)
    units = np.round(units + rng.normal(0.0, 2.0 * size, len(days)))
    shops.append(pd.DataFrame({"shop": name, "date": days, "promotion": promotion, "units": units}))
sales = pd.concat(shops, ignore_index=True)

# Promotions are planned: they are known ahead, so future rows have them, and no units yet.
sales.loc[sales["date"] > days[-1 - HORIZON], "units"] = np.nan
forecaster = cr.Forecaster(horizon=HORIZON, random_state=0, progress=False)
forecaster.fit(sales, id="shop", time="date", target="units", known=["promotion"])
forecast = forecaster.predict(levels=[80])
print(forecast.head(3).to_string(index=False, float_format="%.0f"))

paths = forecaster.sample_paths(500)
enough = paths.groupby("shop").sum(numeric_only=True).quantile(0.95, axis=1)
print("enough for two weeks in 95 of 100 cases:", enough.round(-1).to_dict())

backtest = forecaster.backtest(n_windows=8, refit=4)
mase = backtest.scores()["MASE"]
print(f"MASE {mase['forecaster']:.2f}, of the seasonal naive forecast {mase['seasonal naive']:.2f}")
print(f"inside the 80 % intervals: {100 * backtest.coverage_[80]:.0f} %")

walk = 100.0 * np.exp(np.cumsum(rng.normal(0.0004, 0.01, 800)))
share = pd.Series(walk, pd.bdate_range("2023-01-02", periods=800), name="close")
verdict = cr.Forecaster(horizon=1, random_state=0, progress=False).backtest(
    share, n_windows=150, refit=False
)
print(verdict.skill.sentence())
