"""`predict` for tables: columns to keep, intervals, reasons, thresholds, remarks, JSON."""

import json
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import chainrule
from chainrule import TabularClassifier, TabularRegressor
from chainrule.cli import models, predicted_rows, predictions
from chainrule.cli.predict import columns_to_copy
from chainrule.errors import DataError
from chainrule.estimators.tabular.row_predictions import Asked, predict_rows, unreadable_rows
from chainrule.estimators.tabular.training_summary import TrainingSummary

pytestmark = pytest.mark.usefixtures("_unoptimised")

SETTINGS = {"hidden_layer_sizes": (8,), "max_iter": 3, "n_members": 2, "random_state": 0,
            "progress": False, "numeric_embedding": None}  # fmt: skip
NEW = "id,area,town,date\n007,50,Rome,x\n008,900,Paris,y\n009,,,z\n010,80.5,Oslo,=1+1\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files of a regressor and of a classifier, saved with what the training looked like."""
    place = tmp_path_factory.mktemp("models")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"area": rng.uniform(30, 120, 150), "town": rng.choice(["Rome", "Oslo"], 150)}
    )
    price = 10 * frame["area"].to_numpy() + 300 * (frame["town"] == "Oslo").to_numpy()
    regressor = TabularRegressor(**SETTINGS, gaussian_process_rows=0).fit(frame, price)
    names = np.where(frame["area"] > 75, "large", "small")
    classifier = TabularClassifier(**SETTINGS).fit(frame, names)
    card = {"target": "size", "threshold": {"positive": "small", "value": 0.7}}
    for name, model, saved in (
        ("price", regressor, {"target": "price"}), ("size", classifier, card)
    ):  # fmt: skip
        model.summary_ = TrainingSummary.learn(frame)
        model.save(place / f"{name}.safetensors", card=saved)
    return place


@pytest.fixture
def predict(run, folder):
    """``predict(model, *words)`` in an empty folder with new.csv."""
    Path("new.csv").write_text(NEW)
    return lambda model, *words: run("predict", folder / f"{model}.safetensors", *words)


def rows_of(text):
    return [json.loads(line) for line in text.splitlines()]


def test_the_whole_of_what_can_be_asked(predict, folder):
    """Rows stay in order beside the columns as they stood; numbers are those of the model."""
    code, out, err = predict("price", "new.csv", "--keep", "id,date", "--interval", "0.8",
                             "--explain", "--raw-csv")  # fmt: skip
    lines = out.splitlines()
    assert (0, 5) == (code, len(lines))
    assert "id,date,price,lower,upper,explanation,note" == lines[0]
    assert ["007,x", "008,y", "009,z", "010,=1+1"] == [
        ",".join(x.split(",")[:2]) for x in lines[1:]
    ]
    model = chainrule.load(folder / "price.safetensors")
    frame = pd.DataFrame({"area": [50, 900, None, 80.5], "town": ["Rome", "Paris", None, "Oslo"]})
    table = pd.read_csv("new.csv").assign(line=lines[1:])
    lower, upper = model.predict_interval(frame, 0.8)
    for k, line in enumerate(table["line"]):
        cells = [float(cell) for cell in line.split(",")[2:5]]
        np.testing.assert_allclose(cells, [model.predict(frame)[k], lower[k], upper[k]])
        assert str(model.explain_rows(frame).strongest(3)[k]) in line.replace('"', "")
    assert lines[2].endswith(
        "town 'Paris' is new to the model; area 900 is far outside 30.2465 to 119.749"
    )
    assert lines[3].endswith(",all cells are empty")
    assert lines[1].endswith(",")
    assert ("1 row holds a value that the training did not have; 1 row holds a number far outside "
            "the training's range; 1 row is all empty: see the column 'note'") in err  # fmt: skip


def test_json_lines_by_the_ending_and_by_the_option(predict):
    """Numbers are numbers, what is missing is null, and effects have their columns."""
    assert (
        0 == predict("size", "new.csv", "--proba", "--explain", "--keep", "id", "-o", "p.jsonl")[0]
    )
    rows = rows_of(Path("p.jsonl").read_text())
    assert ["007", "008", "009", "010"] == [row["id"] for row in rows]
    for row in rows:
        assert 1.0 == pytest.approx(row["p(large)"] + row["p(small)"])
        assert ("large" if row["p(large)"] > 0.5 else "small") == row["size"]
        assert {"column", "effect"} == set(row["explanation"][0])
    assert [None, "all cells are empty"] == [rows[0]["note"], rows[2]["note"]]
    code, out, _ = predict("size", "new.csv", "--format", "json", "--keep", "area")
    assert 0 == code
    whole = json.loads(out)
    assert [50, 900, None, 80.5] == [row["area"] for row in whole]
    assert [row["size"] for row in rows] == [row["size"] for row in whole]
    code, _, err = predict("size", "new.csv", "--format", "xml")
    assert (2, True) == (code, "--format xml: give csv, json or jsonl" in err)


def test_values_that_json_lacks():
    """Infinite numbers and missing dates are null; a date is its text; truth values stay."""
    frame = pd.DataFrame({
        "f": [1.5, np.nan, np.inf], "d": pd.to_datetime(["2026-01-31", None, None]),
        "b": [True, False, None], "i": np.arange(3),
    })  # fmt: skip
    assert [
        {"f": 1.5, "d": "2026-01-31 00:00:00", "b": True, "i": 0},
        {"f": None, "d": None, "b": False, "i": 1}, {"f": None, "d": None, "b": None, "i": 2},
    ] == predictions.records(frame)  # fmt: skip


def test_thresholds(predict, folder):
    """A row counts as the class from that probability on; the training's is used when asked for."""
    rows = rows_of(predict("size", "new.csv", "--proba", "--format", "jsonl")[1])
    p = np.array([row["p(small)"] for row in rows])
    limit = float(np.sort(p)[2])  # two rows reach it
    for words, at in ((f"small={limit!r}", limit), (repr(limit), limit), ("chosen", 0.7)):
        out = predict("size", "new.csv", "--threshold", words, "--format", "jsonl")[1]
        expected = np.where(p >= at, "small", "large").tolist()
        assert expected == [row["size"] for row in rows_of(out)]
    for words, reason in (
        ("big=0.5", "the classes are 'large' and 'small'"), ("1.5", "between 0 and 1"),
        ("x", "give a probability"), ("nan", "between 0 and 1"),
    ):  # fmt: skip
        code, out, err = predict("size", "new.csv", "--threshold", words)
        assert (2, "", True) == (code, out, reason in err)
    plain = SimpleNamespace(card_={})
    with pytest.raises(DataError, match="chose none"):
        predicted_rows.chosen_threshold(plain, "chosen")
    assert (0.5, None) == predicted_rows.chosen_threshold(plain, "0.5")
    model = models.load(folder / "size.safetensors")
    with pytest.raises(DataError, match="3 classes"):
        Asked(threshold=0.5).check(SimpleNamespace(classes_=np.arange(3)))
    answers = predict_rows(
        model, pd.DataFrame({"area": [50.0], "town": ["Rome"]}), Asked(effects=2, threshold=0.999)
    )
    assert ["large"] == answers.values.tolist()  # and its log-odds are explained
    assert -1.0 == np.sign(answers.effects[0][0][1])


def test_rows_that_cannot_be_read(predict):
    """The line is named; or the row is left empty with the reason, and all others are predicted."""
    Path("bad.csv").write_text("area,town\n50,Rome\nabc,Rome\n60,Oslo\n-,Oslo\n?x,Rome\n")
    code, out, err = predict("price", "bad.csv")
    assert (2, "") == (code, out)
    assert "column 'area', row 2: 'abc'" in err
    words = ("--skip-bad", "--keep", "area", "--interval", "0.5", "--format", "jsonl")
    code, out, err = predict("price", "bad.csv", *words)
    rows = rows_of(out)
    assert (0, 5) == (code, len(rows))
    assert [1, 4] == [k for k, row in enumerate(rows) if row["price"] is None]
    assert ["abc", "?x"] == [rows[k]["area"] for k in (1, 4)]
    assert (None, None) == (rows[1]["lower"], rows[4]["upper"])
    assert "row 5: '?x'" in rows[4]["note"]
    assert "2 rows cannot be read and were left empty" in err
    clean = rows_of(predict("price", "new.csv", "--format", "jsonl")[1])
    assert clean[0]["price"] == pytest.approx(rows[0]["price"], rel=1e-6)


def test_faults_of_a_whole_table_are_no_rows_faults():
    """Where no row can be read, the first error is raised; where many cannot, it ends."""

    def fails(frame):
        raise DataError("no column 'area'")

    with pytest.raises(DataError, match="no column 'area'"):
        unreadable_rows(SimpleNamespace(predict=fails), pd.DataFrame({"x": range(9)}))

    def odd(frame):
        if (frame["x"] % 3 == 1).any():
            raise DataError("odd")

    assert {1: "odd", 4: "odd", 7: "odd"} == unreadable_rows(
        SimpleNamespace(predict=odd), pd.DataFrame({"x": range(9)})
    )


def test_drift_is_said_and_may_fail(predict):
    """A column that has moved is named with numbers; as many rows as before raise nothing."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {"area": rng.uniform(30, 120, 150), "town": rng.choice(["Rome", "Oslo"], 150)}
    )
    frame.to_csv("same.csv", index=False)
    frame.assign(area=frame["area"] + 60).to_csv("moved.csv", index=False)
    code, out, err = predict("price", "same.csv", "--fail-on-drift")
    assert (0, "", "price") == (code, err, out.split()[0])
    code, out, err = predict("price", "moved.csv", "--fail-on-drift", "-o", "p.csv")
    assert (2, True) == (code, Path("p.csv").exists())
    assert "'area' differs from the training" in err
    assert 0 == predict("price", "moved.csv", "-o", "p.csv")[0]


CLASHES = {
    "a column of ours": ("price", ["--keep", "lower", "--interval", "0.9"], "named 'lower'"),
    "absent": ("price", ["--keep", "zip"], "--keep zip: t.csv has no such column"),
    "no name": ("price", ["--keep", "area,,town"], "a name is empty"),
    "intervals of classes": ("size", ["--interval", "0.9"], "predicts classes"),
    "a share": ("price", ["--interval", "1.5"], "between 0.5 and 0.999"),
    "probabilities of numbers": ("price", ["--proba"], "leave out --proba"),
    "no database": ("price", ["--query", "select 1"], "is no database"),
    "no encoding": ("price", ["--encoding", "latin-17"], "is no encoding that is known"),
}


def test_the_target_beside_its_predictions(predict):
    Path("t.csv").write_text("area,town,price\n50,Rome,1\n")
    true, guess = "price", "predicted price"
    (row,) = rows_of(predict("price", "t.csv", "--keep", "price", "--format", "jsonl")[1])
    (alone,) = rows_of(predict("price", "t.csv", "--format", "jsonl")[1])
    assert (1, alone[true]) == (row[true], row[guess])


@pytest.mark.parametrize("clash", CLASHES)
def test_mistakes_take_one_line(predict, clash):
    Path("t.csv").write_text("area,town,price,lower\n50,Rome,1,2\n")
    model, words, reason = CLASHES[clash]
    code, out, err = predict(model, "t.csv", *words)
    assert (2, "", 1) == (code, out, err.count("\n"))
    assert reason in err


def test_names_to_keep():
    """Once each, in the order of the command line."""
    assert ("id", "date", "x") == columns_to_copy(["id, date", "x,id"])
    assert () == columns_to_copy(None)


def test_several_sources(predict):
    """Files come one after the other, and a database by a query."""
    Path("more.csv").write_text("id,area,town,date\n011,70,Rome,x\n")
    one = rows_of(predict("price", "new.csv", "--format", "jsonl")[1])
    both = rows_of(predict("price", "new.csv", "more.csv", "--format", "jsonl", "--keep", "id")[1])
    assert ["007", "008", "009", "010", "011"] == [row["id"] for row in both]
    assert [row["price"] for row in one] == pytest.approx([row["price"] for row in both[:4]])
    with sqlite3.connect("t.db") as base:
        base.execute("create table t (area real, town text)")
        base.execute("insert into t values (70, 'Rome')")
    base.close()
    (row,) = rows_of(predict("price", "t.db", "--query", "select * from t", "--format", "jsonl")[1])
    assert both[4]["price"] == pytest.approx(row["price"], rel=1e-6)


def test_options_of_tables_are_refused_for_other_models(run, monkeypatch, folder):
    """An option is never ignored."""
    texts = SimpleNamespace(attribute=None, classes_=["a"], card_={}, module_=None)
    monkeypatch.setattr(models, "load", lambda path: texts)
    for words in (["--interval", "0.9"], ["--keep", "a"], ["--skip-bad"], ["--threshold", "0.5"]):
        code, _, err = run("predict", "m", "some words", *words)
        assert (2, True) == (code, f"{words[0]} is for models of tables" in err)


def test_rows_that_are_left_out_are_named_and_the_others_have_their_lines(predict):
    """So that no prediction is taken for that of another row; blank lines change nothing."""
    rows = ["Rome,50,1", "Oslo,60,2", "Subtotal,110,3", "Rome,70,3", "Oslo,80,5", "Rome,90,7"]
    Path("sums.csv").write_text("\n".join(["Offers", "", "town,area,n", *rows, ""]))
    code, out, err = predict("price", "sums.csv", "--keep", "area", "--format", "jsonl")
    assert (0, [4, 5, 7, 8, 9]) == (code, [row["file_line"] for row in rows_of(out)])
    assert [50, 60, 70, 80, 90] == [row["area"] for row in rows_of(out)]
    assert "row 3: 'Subtotal,110,3'" in err
    Path("blank.csv").write_text("town,area\nRome,50\n\nOslo,60\nRome,70\n")
    assert "price" == predict("price", "blank.csv")[1].split()[0]
    Path("last.csv").write_text("town,area,n\nRome,50,1\nOslo,60,2\nRome,70,3\n,180,6\n")
    code, out, err = predict("price", "last.csv", "--format", "jsonl")
    assert (0, 3, {"price"}) == (code, len(rows_of(out)), set(rows_of(out)[0]))
    assert "the last row: ',180,6', whose numbers are sums" in err
