"""`evaluate`: the numbers of scikit-learn's metrics; mistakes in one line."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

import chainrule
from chainrule.data import read_table
from chainrule.estimators import TrainOptions

pytestmark = pytest.mark.usefixtures("_unoptimised")

QUICK = ("--epochs", "3", "--hidden-layer-sizes", "8", "-q")


def told(run, *words):
    code, out, err = run("evaluate", *words, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


@pytest.mark.parametrize("name", ["iris", "breast_cancer"])
def test_of_classes(run, trained, name):
    """Accuracy, balanced accuracy, log loss, and of two classes the area under the ROC curve."""
    table = read_table(name)
    truth = table.frame[table.target].astype(str)
    model = chainrule.estimators.load(trained / f"{name}.safetensors")
    inputs = table.frame.drop(columns=table.target)
    predicted, chances = model.predict(inputs), model.predict_proba(inputs).astype(float)
    wanted = {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "balanced accuracy": metrics.balanced_accuracy_score(truth, predicted),
        "log loss": metrics.log_loss(truth, chances / chances.sum(axis=1, keepdims=True)),
    }
    if name == "breast_cancer":
        wanted["ROC AUC"] = metrics.roc_auc_score(truth == model.classes_[1], chances[:, 1])
    found = told(run, trained / f"{name}.safetensors", name)
    assert (len(truth), 0, "classification") == (
        found["rows"],
        found["unknown_rows"],
        found["task"],
    )
    assert wanted == pytest.approx(found["scores"], rel=1e-12)


def test_of_numbers(run, trained):
    """R2, RMSE and MAE; rows without a target are left out."""
    frame = read_table("diabetes").frame
    truth = frame["progression"].to_numpy(float)
    model = chainrule.estimators.load(trained / "diabetes.safetensors")
    made = model.predict(frame.drop(columns="progression"))
    found = told(run, trained / "diabetes.safetensors", "diabetes")
    wanted = {
        "R2": metrics.r2_score(truth, made),
        "RMSE": np.sqrt(np.mean((truth - made) ** 2)),
        "MAE": np.mean(np.abs(truth - made)),
    }
    assert wanted == pytest.approx(found["scores"], rel=1e-12)
    frame["progression"] = frame["progression"].astype(object)
    frame.loc[10:, "progression"] = None
    frame.to_csv("few.csv", index=False)
    found = told(run, trained / "diabetes.safetensors", "few.csv")
    assert 10 == found["rows"]
    assert np.mean(np.abs(truth - made)[:10]) == pytest.approx(found["scores"]["MAE"])


def test_the_test_score_of_train(run):
    """On the rows set aside it is the score that `train` printed."""
    _, out, _ = run("train", "wine", *QUICK)
    options = TrainOptions(hidden_layer_sizes=(8,), max_iter=3, progress=False)
    tested = chainrule.estimators.fit_table(read_table("wine"), options=options)
    tested.frame.iloc[tested.test_rows].to_csv("test.csv", index=False)
    found = told(run, "wine.safetensors", "test.csv")
    assert float(out) == pytest.approx(found["scores"]["accuracy"], abs=1e-4)


def test_classes_that_the_model_never_met(run, trained):
    """They count as errors, and are told of."""
    frame = read_table("iris").frame
    frame.loc[:29, "species"] = "rosa"
    frame.to_csv("more.csv", index=False)
    found = told(run, trained / "iris.safetensors", "more.csv")
    assert 30 == found["unknown_rows"]
    assert found["scores"]["accuracy"] <= 0.8
    code, out, _ = run("evaluate", trained / "iris.safetensors", "more.csv")
    assert code == 0
    assert "30 rows are of classes that the model has never met" in out
    assert "balanced accuracy" in out


def test_few_rows_have_fewer_scores(run, trained):
    """R2 of one row, and the area of one class, are not defined, and left out."""
    read_table("diabetes").frame.head(1).to_csv("one.csv", index=False)
    assert {"RMSE", "MAE"} == set(told(run, trained / "diabetes.safetensors", "one.csv")["scores"])
    read_table("breast_cancer").frame.head(5).to_csv("five.csv", index=False)
    found = told(run, trained / "breast_cancer.safetensors", "five.csv")
    assert "ROC AUC" not in found["scores"]


def test_another_name_of_the_target(run, trained):
    """`--target` says where the truth is."""
    read_table("iris").frame.rename(columns={"species": "kind"}).to_csv("k.csv", index=False)
    found = told(run, trained / "iris.safetensors", "k.csv", "-t", "kind")
    assert ("kind", 150) == (found["target"], found["rows"])


MISTAKES = {
    "no model": (["no.safetensors", "iris"], "no.safetensors"),
    "text as a model": (["text.txt", "iris"], "text.txt"),
    "no table": (["{iris}", "no.csv"], "no file 'no.csv'"),
    "no target": (["{iris}", "t.csv"], "no column 'species'"),
    "wrong target": (["{iris}", "iris", "-t", "colour"], "no column 'colour'"),
    "lacks a column": (["{iris}", "half.csv"], "'petal width (cm)' is missing"),
    "empty target": (["{iris}", "empty.csv"], "'species' of empty.csv is empty"),
    "text for numbers": (["{iris}", "word.csv"], "'sepal length (cm)'"),
    "text as truth": (["{diabetes}", "truth.csv"], "'progression'"),
    "no page": (["{iris}", "iris", "--report", "no/e.html"], "--report"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_take_one_line(run, trained, mistake):
    """And the exit code is 2."""
    frame = read_table("iris").frame
    Path("text.txt").write_text("not a model\n")
    pd.DataFrame({"x": [1.0]}).to_csv("t.csv", index=False)
    frame.drop(columns="petal width (cm)").to_csv("half.csv", index=False)
    frame.assign(species=None).to_csv("empty.csv", index=False)
    wrong = frame.astype({"sepal length (cm)": object})
    wrong.loc[3, "sepal length (cm)"] = "long"
    wrong.to_csv("word.csv", index=False)
    read_table("diabetes").frame.assign(progression="much").to_csv("truth.csv", index=False)
    words, expected = MISTAKES[mistake]
    named = {"iris": trained / "iris.safetensors", "diabetes": trained / "diabetes.safetensors"}
    code, out, err = run("evaluate", *(word.format(**named) for word in words))
    assert (2, "", 1) == (code, out, err.count("\n")), err
    assert expected in err


def test_few_rows_are_too_few_to_judge_by(run, trained, tmp_path):
    """A sentence says so, and names the lines of the file that are no rows."""
    rows = read_table("diabetes").frame.head(4).astype(str)
    rows.to_csv(tmp_path / "four.csv", index=False)
    with (tmp_path / "four.csv").open("a") as file:
        file.write("," * (rows.shape[1] - 1) + "\n")
    code, out, err = run("evaluate", trained / "diabetes.safetensors", tmp_path / "four.csv")
    assert 0 == code and "Too few rows to judge by: 4 rows. R2 is " in out
    assert "chainrule: left out below the data: line 6: an empty row" in err
