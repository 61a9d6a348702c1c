"""What `evaluate` says of a model on other rows: better or worse than at its training."""

from types import SimpleNamespace

import numpy as np
import pytest

from chainrule.cli.console import TOGETHER, PlainConsole
from chainrule.cli.evaluation_reporting import compared
from chainrule.cli.scores import Predictions
from chainrule.cli.table_results import advice_line
from chainrule.report import AdviceItem


def of_share(right, rows=400):
    """Predictions for two classes of which such a share is right."""
    truth = np.arange(rows) % 2
    predicted = np.where(np.arange(rows) < right * rows, truth, 1 - truth)
    p = np.where(predicted == 1, 0.9, 0.1)
    return Predictions(
        "classification", ("no", "yes"), truth, predicted, np.column_stack([1 - p, p])
    )


def model(score, rows=400, metric="accuracy"):
    return SimpleNamespace(card_={"metric": metric, "score": score, "test_rows": rows})


@pytest.mark.parametrize(
    ("before", "standing", "words"),
    [
        (0.95, "behind", "worse than on the test rows of its training: accuracy 0.800"),
        (0.81, "level", "as well, within noise, as on the test rows"),
        (0.60, "ahead", "better than on the test rows"),
    ],
)
def test_a_model_is_held_against_its_own_score(before, standing, words):
    said = compared(model(before), of_share(0.8))
    assert standing == said["standing"] and words in said["verdict"][0]
    assert f"{before:.3f}" in said["verdict"][0]
    value, low, high = said["intervals"]["this model"]["accuracy"]
    assert 0.8 == value and 0.75 < low < 0.78 < 0.82 < high < 0.85
    assert {"accuracy": 0.5} == said["baselines"]["the commonest class"]


def test_few_test_rows_of_the_training_widen_what_is_noise():
    """0.95 of 400 rows is beyond noise, 0.95 of 15 is not."""
    assert "level" == compared(model(0.95, rows=15), of_share(0.8))["standing"]


def test_a_model_that_knows_nothing_is_called_so():
    said = compared(model(0.9), of_share(0.5))
    assert "nothing" == said["standing"]
    assert "not better than the commonest class beyond noise" in said["verdict"][0]


def test_numbers_are_held_against_their_mean():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=300)
    close = Predictions("regression", (), truth, truth + 0.5 * rng.normal(size=300))
    said = compared(model(0.99, metric="R2"), close)
    assert ("behind", 0.0) == (said["standing"], said["intervals"]["the mean"]["R2"][0])
    expected = 1 - np.sum((close.predicted - truth) ** 2) / np.sum((truth - truth.mean()) ** 2)
    assert expected == pytest.approx(said["intervals"]["this model"]["R2"][0])
    assert "better than the mean: R2" in compared(SimpleNamespace(), close)["verdict"][0]


def test_few_rows_have_no_verdict():
    said = compared(model(0.9), of_share(1.0, rows=9))
    assert said["standing"] == "unknown"
    assert said["verdict"][0].startswith("Too few rows to judge by: 9 rows.")


def test_an_option_stays_with_its_value(capsys):
    """On a narrow terminal too; where it is copied from, there are plain blanks."""
    advice = AdviceItem("time_order", (), "Rows follow each other.", "--split time --by day")
    line = advice_line(advice)
    assert f"--by{TOGETHER}day" in line
    PlainConsole(width=52, force_terminal=True, color_system=None).tell(line, "look out: ")
    lines = capsys.readouterr().out.splitlines()
    assert ["look out: Rows follow each other. --split time", "          --by day"] == lines
