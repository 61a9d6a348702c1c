"""What the sections say: every number is scikit-learn's or the caller's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from page_reader import Page
from report_examples import classes, numbers
from sklearn import metrics

from chainrule.report import Report, render
from chainrule.report.gradients import flags

BARE = Report("regression", "d", "", {})


def page(report: Report) -> Page:
    return Page(render(report))


def test_scores_stand_beside_the_baselines():
    read = page(classes(3))
    assert ["accuracy"] == read.row("model")
    assert ["0.9375"] == read.row("this model") and ["0.5000"] == read.row("commonest class")
    assert ["0.2100"] == read.row("log loss")  # which the other does not have
    assert "classification of species" in read.text and "2026-11-25" in read.text


def test_learning_curves_mark_the_best_epoch():
    read = page(classes(3))
    assert "The weights of epoch 11 of 12 are kept." in read.text
    assert ["0.09091", "0.2191", "0.9545"] == read.row("11 (best)")
    assert [1 / 11, 1.2 / 11 + 0.11, 1 - 0.5 / 11] == read.values[read.values.index(1 / 11) :][:3]
    loss, score = read.attributes("svg", "aria-label")[:2]
    assert (
        "Loss in 12 epochs: training loss from 1.000 to 0.08333, validation loss from 1.210 to "
        "0.2200, the best epoch is 11." == loss
    )
    assert score.startswith("Accuracy in 12 epochs: accuracy from 0.5000 to 0.9583")
    none = page(replace(BARE, history=[{"epoch": 1, "loss": 2.0}], best_epoch=0))
    assert "No epoch improved on the weights" in none.text


def test_a_diverged_training_can_be_shown():
    history = [{"epoch": k, "loss": x} for k, x in enumerate([1.0, np.inf, np.nan], 1)]
    assert ["nan"] == page(replace(BARE, history=history)).row("3")


@pytest.mark.parametrize("count", [2, 3, 20])
def test_the_confusion_matrix(count):
    report = classes(count, 300)
    read = page(report)
    matrix = metrics.confusion_matrix(report.truth, report.predicted, labels=range(count))
    for k, row in enumerate(matrix):
        expected = [f"{n}{100 * n / max(row.sum(), 1):.1f} %" for n in row]
        assert expected == read.row(f"class {k}", after="true \\ predicted")


def test_of_many_classes_the_worst_confusions_are_shown():
    report = classes(30, 600)
    read = page(report)
    matrix = metrics.confusion_matrix(report.truth, report.predicted)
    wrong = np.sort((matrix - np.diag(np.diag(matrix))).ravel())[::-1][:20]
    start = next(k for k, row in enumerate(read.rows) if row[0] == "true class")
    rows = read.rows[start + 1 : start + 21]
    assert wrong.tolist() == [int(row[2]) for row in rows]
    for true, predicted, count, share in rows:
        i, j = int(true.split()[1]), int(predicted.split()[1])
        assert (matrix[i, j], f"{100 * matrix[i, j] / matrix[i].sum():.1f} %") == (
            int(count),
            share,
        )
    assert "true \\ predicted" not in read.text and "ROC curve" not in read.text
    assert "The 20 of 30 classes with the lowest F1" in read.text


def test_without_a_wrong_row_there_is_no_confusion():
    truth = np.arange(30)
    report = classes(30, truth=truth, probabilities=None, predicted=truth)
    assert "No row of the test was given a wrong class." in page(report).text


@pytest.mark.parametrize("count", [2, 3])
def test_precision_recall_and_f1(count):
    report = classes(count)
    expected = metrics.precision_recall_fscore_support(report.truth, report.predicted)
    read = page(report)
    for k, row in enumerate(np.transpose(expected)):
        cells = read.row(f"class {k}", after="class")
        assert [f"{x:.3f}" for x in row[:3]] == cells[:3] and str(int(row[3])) == cells[3]
        assert set(row[:3].tolist()) <= set(read.values)


@pytest.mark.parametrize("count", [2, 3, 10])
def test_areas_under_the_curves(count):
    report = classes(count)
    read = page(report)
    start = next(k for k, row in enumerate(read.rows) if "area under ROC" in row)
    rows = read.rows[start + 1 : start + 1 + (count if count > 2 else 1)]
    assert [f"class {k}" for k in (range(count) if count > 2 else [1])] == [row[0] for row in rows]
    for k, row in zip(range(count) if count > 2 else [1], rows, strict=True):
        truth, p = report.truth == k, report.probabilities[:, k]
        expected = [metrics.roc_auc_score(truth, p), metrics.average_precision_score(truth, p)]
        assert [f"{x:.3f}" for x in expected] == row[1:3]
        assert set(expected) <= set(read.values)


def test_a_class_that_no_test_row_has_gets_no_curve():
    report = classes(3)
    truth = np.where(report.truth == 2, 0, report.truth)
    read = page(replace(report, truth=truth))
    start = next(k for k, row in enumerate(read.rows) if "area under ROC" in row)
    assert ["class 0", "class 1"] == [row[0] for row in read.rows[start + 1 : start + 3]]
    assert ["0", "0", "0"] == [cell[0] for cell in read.row("class 2")]
    alone = replace(report, truth=np.zeros(200, int), predicted=np.zeros(200, int))
    assert "ROC curve" not in page(alone).text


def test_calibration_and_brier_score_of_two_classes():
    report = classes(2, 400)
    read = page(report)
    p, came = report.probabilities[:, 1], report.truth == 1
    assert metrics.brier_score_loss(came, p) in read.values
    for low in np.arange(10) / 10:
        inside = (p > low) & (p <= low + 0.1)
        cells = read.row(f"{low:.1f} – {low + 0.1:.1f}")  # noqa: RUF001
        assert [str(inside.sum()), f"{p[inside].mean():.4g}", f"{came[inside].mean():.4g}"] == [
            cells[0], *[f"{float(cell):.4g}" for cell in cells[1:]]
        ]  # fmt: skip


def test_calibration_and_brier_score_of_more_classes():
    report = classes(4, 400)
    read = page(report)
    one_hot = np.eye(4)[report.truth]
    expected = np.mean(np.sum((report.probabilities - one_hot) ** 2, axis=1))
    assert expected == pytest.approx(min(read.values, key=lambda x: abs(x - expected)), rel=1e-12)
    assert f"Brier score: {expected:.4f} (summed over the classes" in read.text


def test_probabilities_of_0_and_1_are_calibrated_if_right():
    report = classes(3, truth=[0, 1, 2], probabilities=np.eye(3))
    assert ["3", "1.000", "1.000"] == page(report).row("0.9 – 1.0")  # noqa: RUF001


def test_errors_of_a_regression():
    report = numbers()
    read = page(report)
    truth, predicted = report.truth, report.predicted
    assert metrics.r2_score(truth, predicted) in read.values
    assert metrics.mean_absolute_error(truth, predicted) in read.values
    assert metrics.root_mean_squared_error(truth, predicted) == pytest.approx(
        float(read.row("root mean squared error")[0]), rel=1e-3
    )
    for share in (50, 75, 90, 95, 99, 100):
        expected = np.quantile(np.abs(truth - predicted), share / 100)
        assert float(expected) in read.values
        assert [f"{expected:.4g}"] == [
            f"{float(cell):.4g}" for cell in read.row(f"{share} % of the rows")
        ]


@pytest.mark.parametrize(
    ("truth", "predicted"),
    [([1.0], [1.0]), ([3.0, 3.0], [3.0, 3.0]), ([1e9, 1e9 + 1e-6], [1e9, 1e9]),
     ([-1e100, 1e100], [0.0, 0.0]), ([1e-99, 2e-99], [1e-99, 1e-99]), ([[1.0], [2.0]], [1.0, 2])],
)  # fmt: skip
def test_strange_numbers_have_a_place(truth, predicted):
    """One row, equal rows, the ends of the range: no warning, and each point is on the paper."""
    read = page(replace(BARE, truth=truth, predicted=predicted))
    for name, most in (("cx", 440), ("cy", 290)):
        assert all(0 <= float(x) <= most for x in read.attributes("circle", name))


def test_importances_are_in_order():
    read = page(classes(2))
    start = next(k for k, row in enumerate(read.rows) if row[0] == "feature")
    assert ["petal", "sepal", "noise"] == [row[0] for row in read.rows[start + 1 : start + 4]]
    assert ["", "0.30", "± 0.02"] == read.row("petal")
    assert ["", "0", "± 0.02"] == read.row("noise")  # -0.01 is within its error
    many = {f"f{k}": (float(k), 0.0) for k in range(100)}
    text = page(replace(BARE, importances=many)).text
    assert "And 70 more features, of 69.00 or less." in text and "f69" not in text


def test_the_model_card():
    read = page(classes(2))
    assert "Layers: 67 parameters" in read.text
    assert ["layers.0", "4 to 8", "40"] in read.rows
    assert (["adamw"], ["8"], ["yes"]) == tuple(map(read.row, ("optimizer", "hidden", "shuffled")))
    assert (["12,345"], ["0"], ["7"]) == tuple(map(read.row, ("rows", "missing cells", "seed")))
    assert "Limitations" in read.text and "Not for mushrooms." in read.text
    assert "chainrule train flowers.csv --seed 7" in read.text


# Gradient health


def test_a_healthy_training_has_no_flags():
    assert [] == flags(classes(2))
    assert "No warning" in page(classes(2)).text
    assert ["0.5000", "0.3000", "0.01000"] == page(classes(2)).row("layers.0.weight")
    assert ["12.5 %", "6.2 %"] == page(classes(2)).row("layers.0")


@pytest.mark.parametrize(
    ("title", "given"),
    [
        ("Vanishing gradient", {"gradient_norms": {"a": [1e-6, 0.9e-6], "b": [0.01, 0.01]}}),
        ("Exploding gradient", {"gradient_norms": {"a": [1.0, 1.0], "b": [0.01, 1.1]}}),
        ("Exploding gradient", {"gradient_norms": {"a": [1001.0], "b": [900.0]}}),
        ("Gradient not finite", {"gradient_norms": {"a": [1.0, np.nan]}}),
        ("Large updates", {"update_ratios": {"a": [0.6, 0.7, 0.01]}}),
        ("Weights hardly move", {"update_ratios": {"a": [1e-7, 1e-8]}}),
        ("Dead units", {"dead": {"a": 0.31}}),
        ("Saturated units", {"saturated": {"a": 0.31}}),
    ],
)
def test_what_looks_wrong_is_told(title, given):
    (flag,) = flags(replace(BARE, **given))
    assert title == flag.title
    assert flag.text in page(replace(BARE, **given)).text
    assert "No warning" not in page(replace(BARE, **given)).text


def test_what_is_advised_on_dead_units_can_be_done():
    """`chainrule train` has options for rate and sizes, and no choice of activations."""
    (flag,) = flags(replace(BARE, dead={"a": 0.31}))
    assert flag.text.endswith("Lower the learning rate, or give these layers fewer units.")


@pytest.mark.parametrize(
    "given",
    [
        {"gradient_norms": {"a": [1.1e-6], "b": [0.01]}},
        {"gradient_norms": {"a": [0.0], "b": [0.0]}},
        {"gradient_norms": {"a": []}},
        {"gradient_norms": {"a": [0.01, 0.99]}},
        {"update_ratios": {"a": [np.nan, np.inf, 0.4, 0.01]}},
        {"dead": {"a": 0.3}},
        {"saturated": {"a": 0.3}},
    ],
)
def test_what_is_just_within_bounds_is_not(given):
    assert [] == flags(replace(BARE, **given))
    assert "No warning" in page(replace(BARE, **given)).text
