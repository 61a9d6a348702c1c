"""The scores of a backtest by loops over its cells, and what its report says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from chainrule.estimators.forecast.evaluation.backtest_result import BacktestResult
from chainrule.estimators.forecast.evaluation.skill import Skill

WINDOWS, SERIES, HORIZON = 4, 3, 5


def backtest(**changes: Any) -> BacktestResult:
    """Three series of different sizes; the second has no data in the first window."""
    rng = np.random.default_rng(0)
    size = np.array([1.0, 10.0, 100.0])[:, None]
    actual = size * (3 + rng.normal(size=(WINDOWS, SERIES, HORIZON)))
    actual[0, 1] = np.nan
    actual[2, 0, 3] = np.nan
    noise = rng.normal(size=(3, WINDOWS, SERIES, HORIZON)) * size
    forecast = actual + 0.5 * noise[0]
    forecast[2, 0, 3] = 1.0
    values: dict[str, Any] = {
        "actual": actual, "forecast": forecast,
        "baselines": {"naive": actual + noise[1] + size, "seasonal naive": actual + noise[2]},
        "scales": size[:, 0] * rng.uniform(1, 2, size=(WINDOWS, SERIES)),
        "squared_scales": size[:, 0] ** 2 * rng.uniform(1, 2, size=(WINDOWS, SERIES)),
        "origins": pd.date_range("2024-01-10", periods=WINDOWS).to_numpy(),
        "times": np.array([pd.date_range("2024-01-11", periods=HORIZON) + pd.Timedelta(days=k)
                           for k in range(WINDOWS)], "datetime64[ns]"),
        "ids": ["a", "b", "c"], "season": 7,
        "lower": {80: forecast - 0.5 * size, 95: forecast - size},
        "upper": {80: forecast + 0.5 * size, 95: forecast + size},
    }  # fmt: skip
    return BacktestResult(**(values | changes))


def cells(result: BacktestResult, s: int) -> list[tuple[int, int]]:
    """The windows and steps of a series that are scored."""
    everything = [result.actual, *result.models.values()]
    return [
        (w, h) for w in range(WINDOWS) for h in range(HORIZON)
        if not any(np.isnan(array[w, s, h]) for array in everything)
    ]  # fmt: skip


def by_loop(result: BacktestResult, forecast: Any, chosen: Any) -> dict[str, float]:
    """Scores over the cells for which `chosen(window, step)`, averaged per series, then over
    series.
    """
    rows = []
    for s in range(SERIES):
        terms: dict[str, list[float]] = {"MASE": [], "RMSSE": [], "sMAPE": [], "bias": []}
        for w, h in cells(result, s):
            if not chosen(w, h):
                continue
            y, f = result.actual[w, s, h], forecast[w, s, h]
            terms["MASE"].append(abs(y - f) / result.scales[w, s])
            terms["RMSSE"].append((y - f) ** 2 / result.squared_scales[w, s])
            terms["sMAPE"].append(200 * abs(y - f) / (abs(y) + abs(f)))
            terms["bias"].append((f - y) / result.scales[w, s])
        if terms["MASE"]:
            row = {name: float(np.mean(values)) for name, values in terms.items()}
            rows.append(row | {"RMSSE": row["RMSSE"] ** 0.5})
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def test_scores_are_means_per_series_then_over_series() -> None:
    """For each model, over all windows and steps, for each step and for each window."""
    result = backtest()
    table = result.scores()
    assert ["forecaster", "naive", "seasonal naive"] == list(table.index)
    assert ["MASE", "RMSSE", "sMAPE", "CRPS", "bias", "rank", "n"] == list(table.columns)
    steps, windows = result.scores(by="horizon"), result.scores(by="window")
    for name, forecast in result.models.items():
        expected = by_loop(result, forecast, lambda w, h: True)
        assert expected == pytest.approx(table.loc[name, list(expected)].to_dict())
        for h in range(HORIZON):
            expected = by_loop(result, forecast, lambda w, j, h=h: j == h)
            row = steps.loc[(h + 1, name), list(expected)].to_dict()
            assert expected == pytest.approx(row)
        for w in range(WINDOWS):
            expected = by_loop(result, forecast, lambda k, h, w=w: k == w)
            row = windows.loc[(result.origins[w], name), list(expected)].to_dict()
            assert expected == pytest.approx(row)
    assert [WINDOWS * SERIES * HORIZON - HORIZON - 1] * 3 == table["n"].tolist()
    assert table["n"].iloc[0] == steps.xs("naive", level="model")["n"].sum()


def test_scores_by_series_average_to_those_of_all() -> None:
    """The table is the mean of the series' rows, its rank the mean of theirs: 1 is the best."""
    result = backtest()
    table, each = result.scores(), result.scores(by="series")
    assert [("a", "forecaster"), ("a", "naive")] == list(each.index[:2])
    for name in result.models:
        rows = each.xs(name, level="model")
        for metric in ("MASE", "RMSSE", "sMAPE", "CRPS", "bias", "rank"):
            assert rows[metric].mean() == pytest.approx(table.loc[name, metric], nan_ok=True)
    order = each["MASE"].unstack("model").rank(axis=1)
    assert (order == each["rank"].unstack("model")).all().all()
    assert 1.0 == table.loc["forecaster", "rank"]


def test_models_are_scored_on_the_same_values() -> None:
    """What one model leaves out counts for none, a model without any forecast aside."""
    naive = backtest().baselines["naive"].copy()
    naive[3] = np.nan
    result = backtest(baselines={"naive": naive, "linear on lags": np.full(naive.shape, np.nan)})
    table = result.scores()
    expected = by_loop(backtest(), result.forecast, lambda w, h: w < 3)
    assert expected == pytest.approx(table.loc["forecaster", list(expected)].to_dict())
    assert table.loc["linear on lags", ["MASE", "rank"]].isna().all()
    assert "15 of 54 values are left out: a model has no forecast of them." in str(result)


def test_crps_is_of_the_quantiles_or_else_of_the_intervals() -> None:
    """Twice the mean pinball loss over MASE's denominators; baselines with quantiles have one."""
    result = backtest()
    levels = [0.025, 0.1, 0.5, 0.9, 0.975]
    ends = [result.lower[95], result.lower[80], result.forecast, result.upper[80], result.upper[95]]
    quantiles = np.stack(ends, axis=-1)
    losses = []
    for level, q in zip(levels, ends, strict=True):
        y = result.actual
        losses.append(np.where(y > q, level * (y - q), (1 - level) * (q - y)))
    scaled = 2 * np.mean(losses, axis=0) / result.scales[:, :, None]
    expected = np.mean([np.nanmean(np.where(np.isnan(result.actual), np.nan, scaled)[:, s])
                        for s in range(SERIES)])  # fmt: skip
    assert expected == pytest.approx(result.scores().loc["forecaster", "CRPS"])
    assert result.scores()["CRPS"].isna().tolist() == [False, True, True]
    other = backtest(quantiles=quantiles, quantile_levels=levels, lower={}, upper={},
                     baseline_quantiles={"naive": quantiles})  # fmt: skip
    assert [expected, expected] == pytest.approx(other.scores()["CRPS"].tolist()[:2])
    point = np.repeat(result.baselines["naive"][..., None], 5, axis=-1)
    table = backtest(baseline_quantiles={"naive": point}).scores()
    assert table.loc["naive", "MASE"] == pytest.approx(table.loc["naive", "CRPS"])


def test_coverage_is_pooled_and_says_where_it_is_too_few() -> None:
    """Shares of the cells inside; 11 forecasts tell of 80 % and 90 %, not of 95 %."""
    result = backtest()
    table = result.coverage()
    for row in table.itertuples():
        inside = total = 0
        for y, lo, hi in zip(result.actual.ravel(), result.lower[row.level].ravel(),
                             result.upper[row.level].ravel(), strict=True):  # fmt: skip
            total += not np.isnan(y)
            inside += lo <= y <= hi
        assert (inside / total, total) == (pytest.approx(row.covered), row.n)
    assert [80, 95] == table["level"].tolist() and [0.8, 0.95] == table["nominal"].tolist()
    assert [False, True] == table["too_few"].tolist()
    assert dict(zip([80, 95], table["covered"], strict=True)) == result.coverage_
    steps = result.coverage(by="horizon")
    assert 2 * HORIZON == len(steps) and ["level", "step"] == list(steps.columns[:2])
    pooled = (steps["covered"] * steps["n"]).groupby(steps["level"]).sum() / 54
    assert pooled.tolist() == pytest.approx(table["covered"].tolist())
    series = result.coverage(by="series")
    assert ["a", "b", "c"] * 2 == series["id"].tolist()
    assert [19, 15, 20] * 2 == series["n"].tolist()
    assert [5, 20, 15][2] + 39 == result.coverage(by="window")["n"].iloc[:4].sum()
    ninety = {90: result.lower[95]}, {90: result.upper[95]}
    assert [False] == backtest(lower=ninety[0], upper=ninety[1]).coverage()["too_few"].tolist()
    assert {} == backtest(lower={}, upper={}).coverage_


def test_the_frame_has_a_row_for_each_forecast() -> None:
    """By id, cutoff and time; the series without data in a window has no rows there."""
    result = backtest(id_name="store", target_name="units")
    empty = result.forecast.copy()
    empty[0, 1] = np.nan
    frame = replace(result, forecast=empty).to_frame()
    assert ["store", "cutoff", "time", "units", "forecast", "lo-80", "hi-80", "lo-95", "hi-95",
            "naive", "seasonal naive"] == list(frame.columns)  # fmt: skip
    assert WINDOWS * SERIES * HORIZON - HORIZON == len(frame)
    assert frame.equals(frame.sort_values(["store", "cutoff", "time"]))
    row = frame[(frame["store"] == "c") & (frame["cutoff"] == "2024-01-12")].iloc[3]
    assert pd.Timestamp("2024-01-16") == row["time"]
    assert result.actual[2, 2, 3] == row["units"] and result.upper[95][2, 2, 3] == row["hi-95"]
    missing = frame[frame["units"].isna()]
    assert [("a", 1.0)] == list(zip(missing["store"], missing["forecast"], strict=True))


def test_stamps_come_in_the_users_form() -> None:
    """Whole numbers go through `stamps`; series may have origins and times of their own."""
    origins = np.arange(WINDOWS * SERIES).reshape(WINDOWS, SERIES)
    times = origins[:, :, None] + np.arange(1, HORIZON + 1)

    def stamps(days: Any) -> Any:
        start = pd.Timestamp("2026-03-28", tz="Europe/Berlin")
        return [start + pd.DateOffset(days=int(day)) for day in days]

    frame = backtest(origins=origins, times=times, stamps=stamps).to_frame()
    assert "Europe/Berlin" == str(frame["time"].dt.tz)
    assert (frame["time"].dt.hour == 0).all()
    first = frame[frame["id"] == "c"].iloc[0]
    assert ["2026-03-30", "2026-03-31"] == [str(first[k])[:10] for k in ("cutoff", "time")]
    by_window = backtest(origins=origins, times=times, stamps=stamps).scores(by="window")
    assert list(range(WINDOWS)) == by_window.index.unique(0).tolist()


def test_the_report_says_what_is_and_is_not_beaten() -> None:
    """A better baseline is named with its score, also in HTML; skill is told by its sentence."""
    result = backtest()
    text = str(result)
    assert text.startswith("Backtest: 4 windows, 3 series, 5 steps ahead, season of 7\n")
    assert "is not beaten" not in text and "0 to 200 %" in text
    assert "95 %" in text and "too few forecasts to tell" in text
    assert max(map(len, text.splitlines())) <= 100
    skill = Skill("random walk with drift", 40, 1.0, 0.4, 0.5, 0.5, False)
    worse = backtest(forecast=result.baselines["naive"], skill=skill,
                     baselines={"seasonal naive": result.actual})  # fmt: skip
    report = str(worse)
    assert "seasonal naive is not beaten: MASE 0.000 against " in report
    assert "no better than yesterday's price" in report
    assert max(map(len, report.splitlines())) <= 100
    page = worse._repr_html_()
    assert "seasonal naive is not beaten" in page and page.count("<tr>") == 3 + 3
    scores = worse.scores()
    assert f"{scores.loc['forecaster', 'MASE']:.3f}" in page


def test_a_constant_series_is_left_out_of_mase() -> None:
    """Its scale is 0: MASE is of the others, sMAPE of all, and the report says so."""
    scales = backtest().scales.copy()
    scales[:, 2] = 0.0
    result = backtest(scales=scales)
    each = backtest().scores(by="series").xs("naive", level="model")
    table = result.scores()
    assert each["MASE"].iloc[:2].mean() == pytest.approx(table.loc["naive", "MASE"])
    assert each["sMAPE"].mean() == pytest.approx(table.loc["naive", "sMAPE"])
    assert table["rank"].notna().all()
    assert "1 series was constant before an origin" in str(result)
    alone = backtest(scales=np.zeros((WINDOWS, SERIES)))
    assert alone.scores()["MASE"].isna().all() and "sMAPE" in str(alone)
    assert alone.scores()["rank"].tolist() == backtest().scores()["rank"].tolist()


def test_arrays_that_do_not_fit_are_refused() -> None:
    """Each is named with its shape; so are levels, names and groupings."""
    with pytest.raises(ValueError, match=r"baseline 'x' has the shape \(4, 3\), not \(4, 3, 5\)"):
        backtest(baselines={"x": np.zeros((4, 3))})
    with pytest.raises(ValueError, match=r"scales has the shape \(3,\), not \(4, 3\)"):
        backtest(scales=np.ones(3))
    with pytest.raises(ValueError, match="levels differ"):
        backtest(upper={})
    with pytest.raises(ValueError, match="the forecaster's name 'naive'"):
        backtest(name="naive")
    with pytest.raises(ValueError, match="by='step' is one of"):
        backtest().scores(by="step")
    with pytest.raises(ValueError, match="the same name"):
        backtest(target_name="forecast").to_frame()
