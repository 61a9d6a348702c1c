"""What a report says of a table: verdict, comparison, data, groups, rows, dependence, JSON."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hostile_names import names, steers
from page_reader import Page
from report_examples import classes, judged, numbers
from sklearn import metrics

from chainrule.errors import DataError
from chainrule.report import Dependence, Overview, Report, as_json, render, write_json
from chainrule.report.elements import rounded, with_error
from chainrule.report.scale import Scale

DOCS = Path(__file__).parents[2] / "docs" / "report.md"
BARE = Report("regression", "d", "", {})


def page(report: Report) -> Page:
    return Page(render(report))


def test_the_verdict_is_on_top():
    """Headline, judgement, next steps; then the scores, then what to look out for."""
    read = page(classes(3, **judged()))
    assert ["Verdict", "Scores", "What to look out for", "The data"] == read.headings[:4]
    assert 0 < read.text.index("level within noise") < read.text.index("The fit of petal is sound")
    assert read.text.index("Drop petal.") < read.text.index("Accuracy on the test rows")
    assert "Leak. petal gives it away. Option: --drop petal" in read.text
    tones = {standing: next(
        given["class"] for _, given in page(
            replace(BARE, verdict=("So.",), standing=standing)).elements
        if (given.get("class") or "").startswith("verdict")
    ) for standing in ("ahead", "level", "behind", "nothing")}  # fmt: skip
    assert {
        "ahead": "verdict good", "level": "verdict even", "behind": "verdict bad",
        "nothing": "verdict bad",
    } == tones  # fmt: skip


def test_models_are_compared_with_intervals():
    """As many digits as the intervals bear, all of them for programs; bold beyond noise."""
    read = page(classes(3, **judged()))
    assert ["", "0.938", "0.900 to 0.960", ""] == read.row("network")
    assert ["", "0.900", "0.860 to 0.930", "-0.037"] == read.row("petal")
    assert ["", "0.500", "0.430 to 0.570", "-0.438"] == read.row("guess")
    assert {0.9375, 0.9, 0.5} <= set(read.values)
    bold = render(classes(3, **judged())).count('title="beyond noise"')
    assert (1, True) == (bold, "petal was fitted on less." in read.text)
    assert ["0.2100"] == read.row("log loss")  # which only the network has


def test_scores_that_are_not_defined_are_dashes():
    """Of a test without the rarer class: no bar, no number, no difference."""
    fields, nan = judged(), float("nan")
    for part in ("intervals", "differences"):
        fields[part] = {
            model: dict.fromkeys(by, (nan, nan, nan)) for model, by in fields[part].items()
        }
    text = render(classes(3, **fields))
    assert "nan" not in text.split("</style>")[-1]
    assert ["", "–", "–", ""] == page(classes(3, **fields)).row("guess")  # noqa: RUF001


def test_each_column_has_a_card():
    """What it was taken for and why, missing share, examples, notes, and a drawing."""
    read = page(classes(3, **judged()))
    for text in ("because of petal", "missing: 25.0 %", "such as petal, 2", "note of petal",
                 "0.57.5", "And 3 more columns.", "75.0 %"):  # fmt: skip
        assert text in read.text
    charts = read.attributes("svg", "aria-label")
    assert ["Distribution of petal by class", "Distribution of colour by class"] == [
        text for text in charts if text.startswith("Distribution")
    ]
    paths = [given["d"] for _, given in read.elements if given.get("class") == "area c0"]
    assert ["M0 48H0V32.7H120V2H240V48Z"] == paths


def test_columns_beyond_the_cards_are_in_a_table():
    column = judged()["overview"].columns[0]
    many = [replace(column, name=f"c{k}", why="") for k in range(40)]
    read = page(replace(BARE, overview=Overview(many, more=2)))
    assert "19 further columns" in read.text and "And 2 more columns." in read.text
    assert ["number", "25.0 %", "petal, 2", "note of petal"] == read.row("c23")


def test_curves_and_bars_of_the_columns():
    read = page(classes(3, **judged()))
    spoken = next(t for t in read.attributes("svg", "aria-label") if t.startswith("Partial"))
    assert "Partial dependence on petal: from 0.2000 at 1.000 to 0.2500 at 4.000." == spoken
    assert ["", "0.500", "0.125"] == read.row("blue", after="colour")
    assert "1970-01-01" in " ".join(read.attributes("svg", "aria-label"))
    flat = replace(BARE, dependence=[Dependence("a", (1.0, 2.0), {"y": (3.0, 3.0)})])
    assert "Partial dependence on a" in " ".join(page(flat).attributes("svg", "aria-label"))


def test_axes_of_dates_have_dates():
    ticks = Scale(0.0, 800.0, dates=True).ticks()
    assert [(0.0, "1970-01-01"), (200.0, "1970-07-20")] == ticks[:2]


def test_groups_beyond_noise_are_bold():
    """The one whose interval does not reach the score of all rows, 0.9375."""
    read = page(classes(3, **judged()))
    assert ["", "0.80", "0.66 to 0.89", "40"] == read.row("petal", after="group")
    assert ["", "0.96", "0.95 to 0.99", "50"] == read.row("blue", after="group")
    text = render(classes(3, **judged()))
    assert "<b>0.80</b>" in text and "<b>0.96</b>" in text
    whole = render(classes(3, scores={"accuracy": 0.85}, **judged()))
    assert "<b>0.80</b>" not in whole and "<b>0.96</b>" in whole


def test_the_worst_rows_have_their_cells():
    read = page(classes(3, **judged()))
    assert ["petal", "other", "6.2 %", "petal", "7"] == read.row("1,234")
    of_numbers = page(numbers(**judged()))
    assert ["petal", "other", "0.06250", "petal", "7"] == of_numbers.row("1,234")


def test_thresholds_of_two_classes():
    """At each threshold scikit-learn's precision, recall and F1; the chosen one is marked."""
    report = classes(2, 300, threshold={
        "positive": "class 0", "value": 0.375, "goal": "cost", "cost": (1.0, 4.0),
        "validation_rows": 250,
    })  # fmt: skip
    read = page(report)
    p, truth = report.probabilities[:, 0], report.truth == 0
    for value in (0.1, 0.5, 0.9):
        chosen = p >= value
        expected = [
            metrics.precision_score(truth, chosen), metrics.recall_score(truth, chosen),
            metrics.f1_score(truth, chosen),
        ]  # fmt: skip
        cost = np.mean(1.0 * (chosen & ~truth) + 4.0 * (~chosen & truth))
        row = read.row(f"{value:.1f}", after="threshold")
        assert [f"{x:.3f}" for x in expected] == row[:3]
        assert cost == pytest.approx(float(row[3]), rel=1e-3)
    assert "The threshold 0.375 was chosen by 250 validation rows for the best cost." in read.text
    assert "The threshold chosen is 0.375." in " ".join(read.attributes("svg", "aria-label"))
    assert "Thresholds" not in page(classes(3)).text


def test_calibration_before_and_after():
    report = classes(3, 400)
    sharp = report.probabilities**3
    sharp /= sharp.sum(axis=1, keepdims=True)
    after = replace(report, calibrated=sharp, temperature=1 / 3, calibration_note="By hand.")
    read = page(after)
    losses = [metrics.log_loss(report.truth, p) for p in (report.probabilities, sharp)]
    cells = read.row("log loss", after="score")
    assert losses == [pytest.approx(float(cell), rel=1e-3) for cell in cells]
    worse = "on these rows the scaled probabilities are no better"
    assert f"Temperature 0.33: {worse}. By hand." in read.text and losses[1] > losses[0]
    flat = replace(after, probabilities=sharp, calibrated=report.probabilities, temperature=3.0)
    assert "Temperature 3.00: the network is too sure of itself. By hand." in page(flat).text
    assert "after temperature scaling" in read.text
    with pytest.raises(DataError, match=r"calibrated has shape \(400, 2\)"):
        replace(report, calibrated=sharp[:, :2])


@pytest.mark.parametrize(("count", "lines"), [(2, 1), (4, 4), (10, 4)])
def test_many_classes_are_not_as_many_curves(count, lines):
    """The three with the smallest areas and the mean; all of few."""
    read = page(classes(count, 300))
    chart = render(classes(count, 300)).split("<strong>ROC curve")[1].split("</figure>")[0]
    assert lines == chart.count('class="line c') - (chart.count("key") if lines > 1 else 0)
    assert ("mean of 10 classes" in read.text) == (count == 10)


def test_the_matrix_of_many_classes_is_dense():
    """Small cells, and upright names where they are long: 20 of them fit a phone."""

    def kind(report):
        return [g["class"] for tag, g in Page(render(report)).elements
                if tag == "table" and "heat" in (g.get("class") or "")]  # fmt: skip

    assert ["heat"] == kind(classes(3))
    assert ["heat dense long"] == kind(classes(20))
    assert ["heat dense"] == kind(classes(10, classes=[str(k) for k in range(10)]))


@pytest.mark.parametrize(
    ("x", "error", "texts"),
    [(0.3, 0.02, ("0.30", "0.02")), (-1.692e-4, 3e-4, ("0", "0.0003")),
     (1234.5, 150.0, ("1,234", "150")), (0.5, 0.0, ("0.5000", "0")),
     (float("nan"), 1.0, ("nan", "1.000"))],
)  # fmt: skip
def test_numbers_have_the_digits_that_their_errors_leave(x, error, texts):
    assert texts == with_error(x, error)


def test_rounded_numbers_have_no_negative_zero():
    assert ["0.00", "-0.40", "0.438", "1,234"] == [
        rounded(-0.0001, 0.2), rounded(-0.4, 0.2), rounded(0.43761, 0.02), rounded(1234.5, 300.0)
    ]  # fmt: skip


# JSON


def test_the_json_has_the_numbers_of_the_page(tmp_path):
    report = classes(3, **judged())
    write_json(tmp_path / "r.json", report)
    told = json.loads((tmp_path / "r.json").read_text())
    assert ("chainrule report", 1) == (told["format"], told["version"])
    assert report.scores == told["scores"]
    assert {"value": -0.0375, "low": -0.08, "high": 0.01} == told["differences"]["petal"][
        "accuracy"
    ]
    matrix = metrics.confusion_matrix(report.truth, report.predicted)
    assert matrix.tolist() == told["classification"]["confusion_matrix"]
    assert metrics.roc_auc_score(report.truth == 0, report.probabilities[:, 0]) == pytest.approx(
        told["classification"]["areas"]["class 0"]["roc"], rel=1e-12
    )
    assert sum(told["classification"]["calibration"]["before"]["rows"]) == len(report.truth)
    assert "after" not in told["classification"]["calibration"]
    assert 0.25 == told["overview"]["columns"][0]["missing"]
    assert [1.0, 2.0, 4.0] == told["dependence"][0]["at"]
    assert ["petal", "7"] == told["wrong_rows"][0]["cells"]
    assert report.history[0]["loss"] == told["history"][0]["loss"]
    assert "probabilities" not in told


def test_the_keys_of_the_json_are_documented():
    """docs/report.md lists all of them, and no others."""
    text = DOCS.read_text(encoding="utf-8")
    documented = {
        key
        for line in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
        for key in re.findall(r"`(\w+)`", line)
    }
    of_classes = json.loads(as_json(classes(2, **judged())))
    assert documented == set(of_classes) | set(json.loads(as_json(numbers())))
    of_row = set(of_classes["wrong_rows"][0])
    assert {"row", "truth", "predicted", "error", "cells"} == of_row


def test_the_json_of_a_regression_and_of_thresholds():
    report = numbers()
    told = json.loads(as_json(report))["regression"]
    assert metrics.r2_score(report.truth, report.predicted) == told["R2"]
    errors = np.abs(report.truth - report.predicted)
    assert np.quantile(errors, 0.9) == told["absolute_error_quantiles"]["0.9"]
    two = json.loads(as_json(classes(2)))["classification"]["thresholds"]
    assert (201, "class 1", None) == (len(two["f1"]), two["positive"], two["cost"])
    infinite = json.loads(as_json(replace(BARE, history=[{"epoch": 1, "loss": np.inf}])))
    assert infinite["history"][0]["loss"] is None


# Names from anywhere


@pytest.mark.parametrize("name", names(77, 12, empty=False))
def test_hostile_names_are_text(name):
    """In each place that a table's name, cell or sentence comes to; the JSON is JSON."""
    report = classes(3, **judged(name))
    text = render(report)
    assert [] == steers(text.replace("\t", ""))
    read, tame = Page(text), Page(render(classes(3, **judged())))
    inert = {"span"}  # around what is shortened, or stays in a line
    assert [tag for tag, _ in tame.elements if tag not in inert] == [
        tag for tag, _ in read.elements if tag not in inert
    ]
    told = json.loads(as_json(report))
    assert name == told["wrong_columns"][0] and name in told["intervals"]
    assert as_json(report).isascii()
