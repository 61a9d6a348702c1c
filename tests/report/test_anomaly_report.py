"""The page of a detector: every number is the caller's, each section is there if its data is."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from page_reader import Page

from chainrule.errors import DataError
from chainrule.estimators.anomaly.alarms import Alarm, Alarms, Reason
from chainrule.report import AnomalyReport, SeriesChart, Shift, render_anomaly, write_page
from chainrule.report.anomaly_charts import bins, causes, spans_of_interest, strangeness_scale

BARE = AnomalyReport("logs", "auto", "2026-11-30", [-1.0, -2.0, -3.0], {}, -2.5)
ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\x1b[31m\u202e"


def alarm(row: int, score: float, *columns: str) -> Alarm:
    reasons = tuple(
        Reason(name, 0.75 if k == 0 else 0.25, 900.0, 101.5, 8.0, 424.0)
        for k, name in enumerate(columns)
    )
    return Alarm(row, row + 1, score, 0.005, reasons)


ALARMS = Alarms(
    (alarm(50, -90.0, "requests", "load"), alarm(7, -20.0, "host"),
     alarm(8, -15.0, "requests")), 200,
)  # fmt: skip
CATEGORY = Reason("host", 1.0, "=cmd()", None)


def full(**changes: Any) -> AnomalyReport:
    """A report of 1,000 held-out rows with the scores -0.1 to -100, every section filled."""
    given: dict[str, Any] = {
        "data": "today.csv", "method": "auto", "date": "2026-11-30",
        "calibration": -np.linspace(0.1, 100.0, 1000),
        "scores": {"rows": -np.array([*np.linspace(1.0, 50.0, 97), 96.0, 200.0, 9000.0])},
        "threshold": -95.0, "rule": "false-alarm rate 0.05", "alarms": ALARMS,
        "groups": ALARMS.groups(),
        "metrics": {"detector": {"AUROC": 0.875, "average precision": 0.5},
                    "nearest neighbours": {"AUROC": 0.75}},
        "shifts": [Shift("load", 40.0, 80.0, 1.5, 9.0), Shift("host", "web: 50 %", "web: 51 %",
                                                              0.02, 0.4)],
        "drift_scores": (-np.linspace(0.1, 9.0, 50), -np.linspace(0.1, 12.0, 60)),
        "series": [SeriesChart("value", np.sin(np.arange(40.0)), np.zeros(40),
                               np.arange(40) == 7, ("2026-01-01", "2026-01-02"))],
        "histories": {"autoencoder": [{"epoch": k, "loss": 1.0 / k} for k in range(1, 6)]},
        "summary": "mean distance to the 5 nearest of 800 rows", "settings": {"window": 48},
        "dataset": {"rows": 100}, "versions": {"chainrule": "0.2.0"},
        "limitations": "Old.\n\nSmall.",
        "command": "chainrule anomaly score m.safetensors today.csv",
    }  # fmt: skip
    return AnomalyReport(**{**given, **changes})


def page(report: AnomalyReport) -> Page:
    return Page(render_anomaly(report))


def test_the_overview_counts_alarms():
    """Three of the hundred scores are below -95; each series of scores has its line."""
    read = page(full())
    assert "3 of 100 rows are below the threshold -95.00 (false-alarm rate 0.05)." in read.text
    assert ["100", "3", "3.0 %"] == read.row("rows", "scores")
    assert ["detector", "0.8750", "0.5000"] in read.rows
    assert ["nearest neighbours", "0.7500", "–"] in read.rows  # noqa: RUF001
    counted = page(full(counts={"rows": 8}))
    assert "8 of 100 rows are below their thresholds, which follow the series" in counted.text
    assert ["100", "8", "8.0 %"] == counted.row("rows", "scores")


def test_thresholds_of_usual_rates():
    """At a rate a, the score at position a (n + 1) from the top, and the rows beyond it."""
    read = page(full())
    held_out = np.sort(np.linspace(0.1, 100.0, 1000))
    for rate, beyond in (("0.1", 3), ("0.05", 3), ("0.01", 2)):
        position = float(rate) * 1001
        expected = np.interp(1001 - position, np.arange(1, 1001), held_out)
        threshold, count = read.row(rate, "false-alarm rate")
        assert -expected == pytest.approx(float(threshold), rel=1e-3)
        assert str(beyond) == count
    few = [row[0] for row in page(full(calibration=[-1.0, -2.0] * 50)).rows]
    assert "0.01" in few and "0.005" not in few  # which 100 rows cannot tell


def test_the_curves_are_told_in_words():
    labels = page(full()).attributes("svg", "aria-label")
    curve = next(label for label in labels if label.startswith("Share of rows beyond"))
    assert "at the chosen one, 95.00, false-alarm rate 0.05" in curve
    assert "held-out normal rows: false alarms: 0.05000" in curve
    assert "rows: alarms: 0.03000" in curve
    spread = next(label for label in labels if label.startswith("Distribution of the scores"))
    assert "held-out normal rows: 1,000 rows, half of them below 50.05" in spread
    assert "The threshold is 95.00." in spread


def test_every_row_is_in_a_bin():
    """Also those at the ends of the scale; a bin's share is drawn where it lies."""
    for scores in ([-1.0, -1.0], [-1e-3, -1e5], [0.0, -5.0], [3.0, -4.0]):
        scale = strangeness_scale(scores)
        edges = bins(scale)
        assert 41 == len(edges) and (np.diff(edges) > 0).all()
        counts, _ = np.histogram(-np.array(scores), edges)
        assert 2 == counts.sum()
    assert strangeness_scale([-1.0, -1e4]).log and not strangeness_scale([-1.0, -2.0]).log


def test_alarms_and_their_reasons():
    """Row, score and p-value once, a line a reason; empty cells and categories have no range."""
    read = page(full(alarms=[*ALARMS, Alarm(3, "x", -14.0, 0.01, (CATEGORY,)),
                             Alarm(4, "y", -13.0, 0.02, ())]))  # fmt: skip
    usual = "8.000\N{NO-BREAK SPACE}to 424.0"
    first = read.row("51", "row")
    assert ["-90.00", "0.005000", "requests", "75 %", "900.0", "101.5", usual] == first
    second = read.rows[read.rows.index(["51", *first]) + 1]
    assert ["", "", "", "load", "25 %", "900.0", "101.5", usual] == second
    assert ["host", "100 %", "=cmd()", "nothing", ""] == read.row("x")[2:]
    assert "–" == read.row("y")[2]  # noqa: RUF001
    many = page(full(alarms=[alarm(k, -9.0, "a") for k in range(25)]))
    assert "And 5 more alarms." in many.text


def test_groups_and_causes():
    """The largest group first; columns by how often they are the first reason, then any."""
    read = page(full())
    assert ["2", "51", "-90.00"] == read.row("requests", "main cause")
    assert ["1", "8", "-20.00"] == read.row("host", "main cause")
    table = causes(list(ALARMS))
    assert table is not None
    counted = [(row[0], *row[2:]) for row in Page(table).rows[1:]]
    assert [("requests", "2", "2"), ("host", "1", "1"), ("load", "0", "1")] == counted
    assert causes([]) is None


def test_drift_names_the_columns_that_moved():
    read = page(full())
    assert "1 of 2 columns differ by more than 6 standard errors: load." in read.text
    assert ["load", "40.00", "80.00", "1.500", "9.000"] in read.rows
    assert ["host", "web: 50 %", "web: 51 %", "0.02000", "0.4000"] in read.rows
    still = page(full(shifts=[Shift("load", 1.0, 1.0, 0.0, 0.5)]))
    assert "No column differs by more than 6 standard errors." in still.text


def test_series_show_alarms_as_dots():
    """In the whole series; of a long one also where they are, on a scale of their own."""
    text = render_anomaly(full())
    assert 1 == text.count('class="dot c3"')
    flags = np.zeros(600, bool)
    flags[[100, 101, 400]] = True
    chart = SeriesChart("v", np.arange(600.0), np.arange(600.0), flags)
    assert [(0, 600), (40, 162), (340, 461)] == spans_of_interest(flags)
    text = render_anomaly(full(series=[chart]))
    assert 2 * 3 == text.count('class="dot c3"')
    assert "v, rows 41 to 162: 122 rows, of which 2 are alarms." in text
    gaps = SeriesChart("v", [1.0, np.nan, 3.0], [np.nan, 2.0, np.nan], [False, True, False])
    assert "nan" not in "".join(Page(render_anomaly(full(series=[gaps]))).attributes("path", "d"))


def test_sections_are_there_if_their_data_is():
    always = ["Overview", "Scores", "Threshold"]
    assert always == page(BARE).headings
    for heading, given in (
        ("Alarms and their reasons", {"alarms": [alarm(1, -3.0)]}),
        ("Drift", {"shifts": [Shift("a", 1.0, 2.0, 1.0, 1.0)]}),
        ("Drift", {"drift_scores": ([-1.0], [-2.0])}),
        ("Time series", {"series": [SeriesChart("v", [1.0], [1.0], [False])]}),
        ("Learning curves", {"histories": {"a": [{"epoch": 1, "loss": 1.0}]}}),
        ("Model card", {"summary": "one"}),
        ("Model card", {"limitations": "Many."}),
        ("Repeat it", {"command": "make"}),
    ):
        assert [*always, heading] == page(replace(BARE, **given)).headings, given
    assert 10 == len(page(full()).headings)


def test_the_page_is_closed_and_escaped(tmp_path):
    """No address, no script, hostile names as text, one identifier each; the same bytes again."""
    report = full(
        data=ATTACK, method=ATTACK, scores={ATTACK: [-1.0, -99.0]}, rule=ATTACK, summary=ATTACK,
        alarms=[Alarm(0, ATTACK, -99.0, 0.1, (Reason(ATTACK, 1.0, ATTACK, ATTACK),))],
        groups=[[Alarm(0, ATTACK, -99.0, 0.1, (Reason(ATTACK, 1.0, ATTACK, ATTACK),))]],
        metrics={ATTACK: {ATTACK: 1.0}}, shifts=[Shift(ATTACK, ATTACK, ATTACK, 1.0, 9.0)],
        drift_names=(ATTACK, ATTACK + "2"), command=ATTACK, limitations=ATTACK,
        series=[SeriesChart(ATTACK, [1.0, 2.0], [1.0, 2.0], [False, True], (ATTACK, ATTACK))],
        histories={ATTACK: [{"epoch": 1, "loss": 1.0}]}, settings={ATTACK: ATTACK},
    )  # fmt: skip
    text = render_anomaly(report)
    read = Page(text)
    assert "script" not in [tag for tag, _ in read.elements]
    assert [] == read.attributes("img", "src")
    assert not any(key.startswith("on") for _, given in read.elements for key in given)
    ids = [given["id"] for _, given in read.elements if "id" in given]
    assert len(ids) == len(set(ids))
    assert re.findall(r"https?:|url\(|@import|<script|\x1b|\u202e", text) == []
    assert text == render_anomaly(report)
    write_page(tmp_path / "page.html", text)
    assert text == (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"threshold": np.nan}, "threshold=nan: give a number"),
        ({"calibration": []}, r"calibration has shape \(0,\): give a finite score for each row"),
        ({"scores": {"rows": [np.inf]}}, "rows has shape"),
        ({"drift_scores": ([-1.0], [])}, "drift_scores has shape"),
    ],
)
def test_numbers_that_cannot_be_drawn_are_refused(given, message):
    with pytest.raises(DataError, match=message):
        replace(BARE, **given)
    with pytest.raises(DataError, match="2 observed values, 1 expected ones, 2 rows: one each"):
        SeriesChart("v", [1.0, 2.0], [1.0], [True, False])
