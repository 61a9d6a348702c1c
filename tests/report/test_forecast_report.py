"""The page of a forecast: every number is the caller's, each section is there if its data is."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hostile_names import names, steers
from page_reader import Page

from chainrule import escape
from chainrule.errors import DataError
from chainrule.markup import tag
from chainrule.report import (
    CommitteeMember,
    ForecastReport,
    ForecastSeries,
    IntervalCoverage,
    render_forecast,
    verdict_of,
)
from chainrule.report.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH
from chainrule.report.forecast_charts import StampScale, series_figure

HEADINGS = ["Verdict", "Forecast", "Backtest", "Errors by step", "Intervals", "Committee",
            "Decomposition", "Learning curves", "Model card", "Repeat it"]  # fmt: skip
SCORES = {
    "forecaster": {"MASE": 0.75, "sMAPE": 8.5, "CRPS": 0.25},
    "naive": {"MASE": 2.0, "sMAPE": 19.0, "CRPS": np.nan},
    "seasonal naive": {"MASE": 1.0, "sMAPE": 9.0, "CRPS": np.nan},
}


def series(name: str = "north", rows: int = 20, **changes: Any) -> ForecastSeries:
    """A series from 0 to 19 whose forecast is 20 to 22, give or take 1 (80 %) and 2 (95 %)."""
    ahead = np.arange(rows, rows + 3.0)
    fields: dict[str, Any] = {
        "name": name, "observed": np.arange(float(rows)), "forecast": ahead,
        "times": [f"day {k}" for k in range(rows + 3)],
        "intervals": {95: (ahead - 2, ahead + 2), 80: (ahead - 1, ahead + 1)},
        "backtest": np.where(np.arange(rows) >= rows - 6, np.arange(rows) + 0.5, np.nan),
        "score": 0.625, "naive_score": 1.125,
    }  # fmt: skip
    return ForecastSeries(**{**fields, **changes})


def full(**changes: Any) -> ForecastReport:
    """A report with all of its sections."""
    fields: dict[str, Any] = {
        "data": "sales.csv", "target": "units", "date": "2026-11-30", "horizon": 3,
        "summary": "2 series of 20 steps", "verdict": verdict_of(SCORES, 10), "scores": SCORES,
        "scores_note": "10 windows of 3 steps.",
        "errors_by_step": {"forecaster": [0.5, 0.75, 1.0], "naive": [1.5, 2.0, 2.5]},
        "coverage": [IntervalCoverage(80.0, 0.775, 60, False, [0.8, 0.775, 0.75]),
                     IntervalCoverage(95.0, 0.9, 60, True, [1.0, 0.9, 0.8])],
        "series": [series(), series("south")], "series_note": "Of 40 series the first 2.",
        "series_scores": [("north", 0.625, 1.125), ("south", 0.875, np.nan)],
        "members": [CommitteeMember("ridge", "A ridge on 14 lags."),
                    CommitteeMember("naive", "The last value.", False)],
        "histories": {"nbeats": [{"epoch": k, "loss": 1.0 / k} for k in range(1, 6)]},
        "parts": [("parts", "Decomposition", tag("p", "trend & season"))],
        "settings": {"kind": "auto"}, "dataset": {"values": 40}, "versions": {"chainrule": "1"},
        "seed": 7, "limitations": "Old.\n\nSmall.", "command": "chainrule forecast sales.csv",
    }  # fmt: skip
    return ForecastReport(**{**fields, **changes})


def page(report: ForecastReport) -> Page:
    return Page(render_forecast(report))


def test_sections_are_there_if_their_data_is():
    """All of them in order; of a forecast alone, one; of nothing, none."""
    assert HEADINGS == page(full()).headings
    bare = ForecastReport("sales.csv", "units", "2026-11-30", 3)
    assert [] == page(bare).headings
    assert ["Forecast"] == page(replace(bare, series=[series()])).headings
    assert render_forecast(full()) == render_forecast(full())


def test_numbers_are_the_callers():
    """Scores, coverage, errors by step, members, the seed, with all digits for programs."""
    read = page(full())
    assert ["0.7500", "8.500", "0.2500"] == read.row("forecaster", "model")
    assert ["2.000", "19.00", "–"] == read.row("naive", "model")  # noqa: RUF001
    assert ["77.5 %", "60", ""] == read.row("80 %")
    assert ["90.0 %", "60", "too few forecasts to tell"] == read.row("95 %")
    assert [["1", "0.5000", "1.500"], ["3", "1.000", "2.500"]] == [
        [k, *read.row(k, "step")] for k in ("1", "3")
    ]
    assert ["0.8750", "–"] == read.row("south")  # noqa: RUF001
    order = [row[0] for row in read.rows if row[:1] in (["north"], ["south"])]
    assert ["south", "north"] == order  # the largest error first
    assert ["yes", "A ridge on 14 lags."] == read.row("ridge", "member")
    assert ["no", "The last value."] == read.row("naive", "member")
    assert "The forecast is that of the one member in use." in read.text
    assert "Counts too." in page(full(members_note="Counts too.")).text
    assert "Committee" in page(full(members=(), members_note="Counts.")).headings
    assert ["7"] == read.row("seed") and "trend & season" in read.text
    assert {0.5, 0.75, 1.0, 2.5, 0.625} <= set(read.values)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "The forecast beats the seasonal naive forecast by 25.0 %: MASE 0.750 against 1.000 "
         "in 10 windows."),
        ({"seasonal naive": {"MASE": 0.75}}, "The forecast does not beat the seasonal naive "
         "forecast: MASE 0.750 against 0.750 in 10 windows."),
        ({"naive": {"MASE": 0.5}}, "The forecast does not beat naive (0.500): its MASE is 0.750 in "
         "10 windows. It beats the seasonal naive forecast (1.000) by 25.0 %."),
        ({"naive": {"MASE": 0.5}, "seasonal naive": {"MASE": 0.7}}, "The forecast does not beat "
         "the seasonal naive forecast: MASE 0.750 against 0.700 in 10 windows. Nor does it beat "
         "naive (0.500)."),
        ({"seasonal naive": {"MASE": np.nan}}, "The forecast beats the naive forecast by 62.5 %: "
         "MASE 0.750 against 2.000 in 10 windows."),
        ({"forecaster": {"MASE": np.nan, "sMAPE": 8.0}}, "The forecast beats the seasonal naive "
         "forecast by 11.1 %: sMAPE 8.000 against 9.000 in 10 windows."),
    ],
)  # fmt: skip
def test_the_verdict_says_who_is_beaten(changes, expected):
    """By how much, and who is not: also where MASE has no denominator."""
    assert expected == verdict_of({**SCORES, **changes}, 10)


def test_the_verdict_of_prices_and_of_nothing():
    assert "No better than yesterday's price." == verdict_of(
        SCORES, 10, "No better than yesterday's price."
    )
    unknown = {name: {"MASE": np.nan} for name in SCORES}
    assert verdict_of(unknown, 1).startswith("No window could be scored")
    assert "in 1 window." in verdict_of(SCORES, 1)


def places(path: str) -> np.ndarray:
    """The points of a path, x and y."""
    return np.array([float(x) for x in re.findall(r"-?[\d.]+", path)]).reshape(-1, 2)


def test_the_chart_of_a_series():
    """Points lie where the numbers say: history, forecast, and the corners of the wide band."""
    read = Page(series_figure(series(), "units"))
    paths = {
        (attributes["class"] or "", attributes["d"] or "") for name, attributes in read.elements
        if name == "path" and (attributes.get("class") or "").startswith(("line", "band"))
    }  # fmt: skip
    [history] = [places(d) for kind, d in paths if kind == "line c0" and len(d) > 20]
    [ahead] = [places(d) for kind, d in paths if kind == "line c1" and len(d) > 20]
    [past] = [places(d) for kind, d in paths if kind == "line c2" and len(d) > 20]
    bands = sorted((places(d) for kind, d in paths if kind == "band c1"), key=np.ptp)
    assert [20, 4, 6, 2] == [len(history), len(ahead), len(past), len(bands)]
    across = LEFT + (WIDTH - LEFT - RIGHT) * np.arange(23) / 22
    np.testing.assert_allclose(history[:, 0], across[:20], atol=0.051)
    np.testing.assert_allclose(ahead[:, 0], across[19:], atol=0.051)  # from the last value on
    slope = (history[0, 1] - history[-1, 1]) / 19
    np.testing.assert_allclose(history[0, 1] - ahead[:, 1], slope * np.arange(19, 23), atol=0.2)
    np.testing.assert_allclose(history[14:, 1] - past[:, 1], slope * 0.5, atol=0.2)
    for band, width in zip(bands, (1, 2), strict=True):
        at_end = band[np.isclose(band[:, 0], across[-1], atol=0.051), 1]
        np.testing.assert_allclose(np.ptp(at_end), slope * 2 * width, atol=0.2)
    everything = np.concatenate([history, ahead, past, *bands])
    assert TOP <= everything[:, 1].min() and everything[:, 1].max() <= HEIGHT - BOTTOM
    assert "bands: 80 % and 95 %; MASE 0.625; seasonal naive 1.125" in read.text
    [spoken] = read.attributes("svg", "aria-label")
    assert "forecast 20.00 for day 20 to 22.00 for day 22, between 20.00 and 24.00" in spoken


def test_missing_values_and_single_steps():
    """A gap is one in the line; one step is drawn as a line from the last value."""
    gap = np.arange(20.0)
    gap[5:9] = np.nan
    read = Page(series_figure(series(observed=gap), "units"))
    [history] = [
        attributes["d"] for name, attributes in read.elements
        if attributes.get("class") == "line c0" and len(attributes["d"] or "") > 20
    ]  # fmt: skip
    assert history is not None and 2 == history.count("M")
    one = ForecastSeries("a", [1.0, 2.0], [3.0], ["a", "b", "c"], {80: ([2.0], [4.0])})
    report = full(horizon=1, series=[one], errors_by_step={"forecaster": [0.5]}, coverage=[
        IntervalCoverage(80.0, 0.8, 10, False, [0.8])])  # fmt: skip
    read = page(report)
    assert ["0.5000"] == read.row("1", "step") and ["80.0 %", "10", ""] == read.row("80 %")
    never = ForecastSeries("a", [np.nan], [3.0], ["a", "b"])
    assert "a: 1 rows; forecast 3.000 for b." in series_figure(never, "units")


def test_many_series_wait_for_a_click():
    """Eight are open, more in a box, and beyond forty they are counted."""
    some = [series(f"s{k}", 4, backtest=None) for k in range(45)]
    text = render_forecast(full(series=some))
    assert 40 == text.count('aria-label="s')
    assert "32 more series" in text and "And 5 more series, which are not drawn." in text
    assert (
        "details"
        not in render_forecast(ForecastReport("d", "y", "today", 3, series=some[:8])).partition(
            "</style>"
        )[2]
    )


def test_times_are_ticks():
    """A few of them, each at its row, none at the ends of a long axis."""
    scale = StampScale(0.0, 99.0, stamps=tuple(f"t{k}" for k in range(100)))
    assert [(12.0, "t12"), (37.0, "t37"), (62.0, "t62"), (87.0, "t87")] == scale.ticks()
    assert [(0.0, "a"), (1.0, "b")] == StampScale(0.0, 1.0, stamps=("a", "b")).ticks()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: series(times=["a"]), "1 times of 20 rows and 3 forecasts"),
        (lambda: series(intervals={80: ([1.0], [2.0])}), "intervals of \\[1\\]"),
        (lambda: series(backtest=[1.0]), "1 past forecasts"),
        (lambda: series(forecast=[], times=["a"] * 20, intervals={}), "0 forecasts"),
        (lambda: series(observed=[[1.0]]), "shape \\(1, 1\\): give one dimension"),
        (lambda: full(horizon=2), "horizon=2, and there are numbers of \\[3\\]"),
    ],
)
def test_parts_that_do_not_fit(make, message):
    """What is of another length is named."""
    with pytest.raises(DataError, match=message):
        make()


@pytest.mark.parametrize("seed", range(4))
def test_hostile_names(seed):
    """In every place of the page they are text, and nothing steers."""
    some = names(seed, 24)
    report = full(
        data=some[0], target=some[1], summary=some[2], verdict=some[3], command=some[4],
        scores={name: {some[5]: 1.0} for name in some[6:8]},
        errors_by_step={name: [1.0, 2.0, 3.0] for name in some[8:10]}, error_name=some[10],
        series=[series(name, times=[some[11]] * 23) for name in some[12:14]],
        series_scores=[(name, 1.0, 2.0) for name in some[14:16]],
        members=[CommitteeMember(name, name) for name in some[16:18]], scores_note=some[18],
        histories={some[19]: [{"loss": 1.0}]}, settings={some[20]: some[21]},
        limitations=some[22], series_note=some[23],
    )  # fmt: skip
    text = render_forecast(report)
    assert [] == steers(text.replace("\t", ""))
    read = Page(text)
    assert not {"script", "img", "iframe", "object", "form"} & {name for name, _ in read.elements}
    for name in (some[2], some[3], some[18]):
        shown = "".join(c if c in "\t\n" else escape.terminal(c) for c in name)
        assert shown in read.text
