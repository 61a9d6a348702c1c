"""What a report is made of: the overview, wrong rows, groups, dependence, calibration."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from chainrule.cli.report_dependence import dependences
from chainrule.cli.report_overview import bin_edges, overview, printed
from chainrule.cli.report_rows import group_scores, wilson, worst_rows
from chainrule.cli.reporting import json_path
from chainrule.cli.scores import Predictions
from chainrule.cli.table_reporting import calibrated, scaled, temperature
from chainrule.data.columns import learn_readings

ROWS = 400
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({
    "size": np.where(RNG.random(ROWS) < 0.1, np.nan, RNG.normal(10.0, 3.0, ROWS)),
    "colour": RNG.choice(["red", "green", "blue"], ROWS, p=[0.6, 0.3, 0.1]),
    "when": pd.date_range("2026-01-01", periods=ROWS, tz="UTC"),
    "code": [f"c{k}" for k in range(ROWS)],
    "kind": RNG.choice(["a", "b"], ROWS, p=[0.9, 0.1]),
})  # fmt: skip
READINGS = learn_readings(FRAME)
STRENGTHS = {"size": 0.3, "colour": 0.2, "when": 0.1, "code": 0.01, "kind": -0.1}


class Model:
    """Predicts twice the size, and one more for red rows."""

    features_ = SimpleNamespace(readings=[r for r in READINGS if r.name != "kind"])

    def predict(self, frame):
        size = frame["size"].fillna(10.0).to_numpy(float)
        return 2.0 * size + (frame["colour"] == "red").to_numpy(float)


def by_name(data):
    return {column.name: column for column in data.columns}


def test_the_overview_has_each_column_and_the_shares_of_the_classes():
    data = overview(FRAME, "kind", "classification", READINGS, STRENGTHS, ("code",))
    assert ["size", "colour", "when", "code"] == [column.name for column in data.columns]
    assert ("a", "b") == data.classes
    columns = by_name(data)
    assert FRAME["size"].isna().mean() == columns["size"].missing
    assert ("red", "green", "blue") == columns["colour"].levels
    for shares, name in zip(columns["colour"].shares, "ab", strict=True):
        of_class = FRAME.colour[FRAME.kind == name]
        expected = [(of_class == level).mean() for level in ("red", "green", "blue")]
        np.testing.assert_allclose(expected, shares, rtol=1e-12)
    np.testing.assert_allclose(1.0, np.sum(columns["size"].shares, axis=1), rtol=1e-12)
    assert ("2026-01-01", "2027-02-04") == columns["when"].ends
    assert "400 different ones" in columns["code"].why and not columns["code"].shares
    assert "Left out: it only names the row." == columns["code"].notes[0]
    assert ["a", "b"] == list(data.target.levels)
    assert [(FRAME.kind == name).mean() for name in "ab"] == list(data.target.shares[0])


def test_the_overview_of_a_regression_has_one_distribution():
    data = overview(FRAME, "size", "regression", READINGS, STRENGTHS)
    assert ((), 1) == (data.classes, len(by_name(data)["colour"].shares))
    assert 24 == len(data.target.shares[0])


def test_bins_of_whole_numbers_and_of_wild_ones():
    """One a number where they are few; far ones fall into the outermost."""
    assert [-0.5, 0.5, 1.5, 2.5, 3.5] == bin_edges(np.array([0.0, 3.0, 1.0])).tolist()
    edges = bin_edges(np.r_[np.linspace(0.0, 1.0, 1000), 1e9])
    assert (25, True) == (len(edges), edges[-1] < 1.01)
    assert [4.0, 5.0] == bin_edges(np.array([4.5, 4.5])).tolist()


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [(20454.0, "date", "2026-01-01"), (20454.25, "date", "2026-01-01 06:00:00"),
     (1234567.0, "number", "1,234,567"), (0.5, "number", "0.5"), (12.3456789, "number", "12.3457")],
)  # fmt: skip
def test_values_are_printed_as_people_read_them(value, kind, text):
    assert text == printed(value, kind)


def of_classes(truth, p):
    return Predictions("classification", ("no", "yes"), truth, np.argmax(p, axis=1), p)


def test_wrong_rows_of_classes_come_by_the_probability_of_the_truth():
    """Those that are right are not among them; rows count from 1."""
    p = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7]])
    rows = FRAME.iloc[[5, 6, 7, 8]]
    wrong, columns = worst_rows(rows, of_classes(np.array([1, 1, 0, 0]), p), STRENGTHS, ["code"])
    assert ["code", "size", "colour", "when", "kind"] == columns
    assert [(6, 0.1), (8, 0.2), (9, 0.3)] == [(row.row, row.error) for row in wrong]
    assert ("yes", "no", "c5") == (wrong[0].truth, wrong[0].predicted, wrong[0].cells[0])
    assert "2026-01-06" == wrong[0].cells[3]


def test_wrong_rows_of_numbers_come_by_their_distance():
    truth = np.arange(30.0)
    errors = np.r_[np.zeros(5), np.linspace(-1.0, 3.0, 25)]
    wrong, _ = worst_rows(FRAME[:30], Predictions("regression", (), truth, truth + errors), {})
    assert (20, 30, -3.0) == (len(wrong), wrong[0].row, wrong[0].error)
    assert sorted(wrong, key=lambda row: -abs(row.error)) == wrong


def test_scores_of_groups_come_with_the_worst_first():
    """Of each level the accuracy and Wilson's interval; of numbers the mean absolute error."""
    red = (FRAME.colour == "red").to_numpy()
    right = np.where(red, RNG.random(ROWS) < 0.6, True)
    p = np.where(right[:, None], [[0.9, 0.1]], [[0.1, 0.9]])
    scores, metric = group_scores(Model(), FRAME, of_classes(np.zeros(ROWS, int), p), STRENGTHS)
    assert (["red", "blue", "green"], "accuracy") == (
        [scores[0].level, *sorted(score.level for score in scores[1:])], metric
    )  # fmt: skip
    assert {"colour"} == {score.column for score in scores}
    assert (right[red].mean(), red.sum()) == (scores[0].score, scores[0].rows)
    assert wilson(right[red].mean(), red.sum()) == (scores[0].low, scores[0].high)
    truth = np.zeros(ROWS)
    off = np.where(red, 1.0, 3.0) + RNG.normal(0.0, 0.1, ROWS)
    scores, metric = group_scores(
        Model(), FRAME, Predictions("regression", (), truth, off), {"colour": 1.0}, ["kind"]
    )
    assert ("MAE", {"kind", "colour"}) == (metric, {score.column for score in scores})
    last = scores[-1]
    assert ("red", pytest.approx(1.0, abs=0.02)) == (last.level, last.score)
    errors = np.abs(off[red])
    expected = 2 * 1.96 * errors.std() / np.sqrt(red.sum())
    assert expected == pytest.approx(last.high - last.low, rel=0.15)


def test_dependence_is_the_mean_with_one_column_changed():
    """Twice the size, a straight line; one more for red; flat columns are left out."""
    curves = {c.name: c for c in dependences(Model(), FRAME.drop(columns="kind"), STRENGTHS, "y")}
    assert {"size", "colour"} == set(curves)
    size, colour = curves["size"], curves["colour"]
    slopes = np.diff(size.curves["mean predicted y"]) / np.diff(size.at)
    np.testing.assert_allclose(2.0, slopes, rtol=1e-9)
    np.testing.assert_allclose(size.low, size.high, rtol=1e-9)  # no other column matters to it
    assert ["red", "green and 1 more"] == colour.at
    red, others = colour.curves["mean predicted y"]
    assert 1.0 == pytest.approx(red - others, rel=1e-9)


def test_a_temperature_calibrates_what_is_too_sure():
    """Of probabilities sharpened by 2, half of the logits bring the loss down, on unseen rows."""
    honest = RNG.uniform(0.05, 0.95, 4000)
    truth = (RNG.random(4000) < honest).astype(int)
    sharp = scaled(np.column_stack([1 - honest, honest]), 0.5)
    assert 2.0 == pytest.approx(temperature(sharp, truth), rel=0.15)
    told = calibrated(of_classes(truth, sharp), SimpleNamespace())
    assert 2.0 == pytest.approx(told["temperature"], rel=0.15)
    np.testing.assert_allclose(honest, told["calibrated"][:, 1], atol=0.05)
    assert "other half" in told["calibration_note"]
    model = SimpleNamespace(unseen_answers_=(truth[:1000], sharp[:1000, 1]))
    told = calibrated(of_classes(truth[1000:], sharp[1000:]), model)
    assert "chosen by 1,000 validation rows" in told["calibration_note"]
    np.testing.assert_allclose(honest[1000:], told["calibrated"][:, 1], atol=0.08)
    assert {} == calibrated(Predictions("regression", (), truth, honest), model)


def test_where_the_json_goes(tmp_path):
    """The page's name; another where a file that is no report has it; none beside a pipe."""
    page = tmp_path / "houses.html"
    assert tmp_path / "houses.json" == json_path(page)
    assert tmp_path / "b.json" == json_path(tmp_path / "b")
    (tmp_path / "houses.json").write_text('{\n  "format": "chainrule report"')
    assert tmp_path / "houses.json" == json_path(page)
    (tmp_path / "houses.json").write_text("{}")
    assert tmp_path / "houses.report.json" == json_path(page)
    assert json_path(tmp_path) is None
