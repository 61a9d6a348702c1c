"""`anomaly` and `forecast`: `--as`, `--encoding`, and faults in columns that are not used."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import chainrule
from chainrule.cli import anomaly_model, anomaly_train, forecast_columns, used_columns
from chainrule.cli.forecast_options import Wanted
from chainrule.errors import DataError

TYPO = "column 'size', row 7: '4.x5'"
KIND = {"column_kinds": {"code": "text", "absent": "ignore"}}


def lines(size="4.x5", code="7"):
    """Forty days of sales; one cell of a column beside may be a typing error."""
    rows = [f"2024-01-{k % 28 + 1:02}" if k < 28 else f"2024-02-{k - 27:02}" for k in range(40)]
    cells = [
        f"{day},{10 + k % 7 + 0.25 * (k % 3)},{size if k == 6 else 4.5 + k / 8},{k % 3}{code},é"
        for k, day in enumerate(rows)
    ]
    return "\n".join(["date,units,size,code,town", *cells, ""])


@pytest.fixture
def sales(tmp_path, monkeypatch):
    """A folder with a table that has a typing error in one column."""
    monkeypatch.chdir(tmp_path)
    Path("sales.csv").write_text(lines())
    return "sales.csv"


def wanted(time="date", target="units", known=(), as_kind=(), encoding=None):
    return Wanted(
        time, target, None, 3, known, (), (), None, None, "auto", "ridge", None, "none", "auto",
        "error", 0, as_kind, encoding,
    )  # fmt: skip


def test_a_fault_matters_where_the_column_is_used(sales):
    """Else it is a note; without names of the columns it might be the one that is meant."""
    asked = wanted()
    table = asked.read(sales)
    assert "units" == asked.columns_of(table).target
    (note,) = (note for note in table.notes if TYPO in note)
    for wrong in (wanted(known=("size",)), wanted(target="size"), wanted(time=None),
                  wanted(target=None)):  # fmt: skip
        with pytest.raises(DataError) as error:
            wrong.columns_of(wrong.read(sales))
        assert note.endswith(str(error.value))


def test_kinds_overrule_what_columns_look_like(sales):
    """As the command writes them again; a column that is left out may be as it is."""
    asked = wanted(as_kind=("size=text", "code=text"), known=("size",), encoding="utf-8")
    table = asked.read(sales)
    assert ["4.x5", "07"] == [table.frame["size"][6], table.frame["code"][6]]
    assert ("size",) == asked.columns_of(table).known
    words = asked.as_words()
    assert (("size=text", "code=text"), "utf-8") == (words["as"], words["encoding"])
    assert "size" not in wanted(None, as_kind=("size=ignore",)).read(sales).frame
    assert ["Ã©"] == wanted(encoding="cp1252").read(sales).frame["town"].unique().tolist()


def test_further_rows_are_read_as_the_training_was_told(sales):
    """Kinds are those of the card, of the columns that are there."""
    columns = forecast_columns.Columns("date", "units")
    frame = forecast_columns.read_rows(sales, columns, KIND)
    assert ["07", "17", "27"] == frame["code"].unique().tolist()
    with pytest.raises(DataError, match=r"row 7: '4\.x5'"):
        forecast_columns.read_rows(sales, forecast_columns.Columns("date", "size"), {})
    detector = SimpleNamespace(feature_names_in_=["units", "code"], card_=KIND)
    _, frame = anomaly_model.inputs(detector, sales, "utf-8")
    assert ["units", "code"] == list(frame.columns)
    assert "07" == frame["code"].iloc[0]
    detector.feature_names_in_ = ["size"]
    with pytest.raises(DataError, match=r"row 7: '4\.x5'"):
        anomaly_model.inputs(detector, sales)


def test_what_a_detector_does_not_learn_may_have_faults(sales):
    """A column that is dropped; all others are looked at."""
    settings = {"categorical_features": None, "time": None, "series": None, "window": None}
    words = {"drop": ("size",), "label": None}
    table = used_columns.read_for_use(sales)
    run = anomaly_train.prepared(sales, table, settings, words, 0.2)
    assert ["date", "units", "code", "town"] == list(run.frame.columns)
    with pytest.raises(DataError, match=r"row 7: '4\.x5'"):
        anomaly_train.prepared(sales, table, settings, {**words, "drop": ()}, 0.2)


@pytest.mark.usefixtures("_unoptimised")
def test_kinds_and_encodings_of_whole_commands(run, tmp_path):
    """They are in the card and in the command that repeats the training."""
    Path("sales.csv").write_bytes(lines().encode("cp1252"))
    words = ("--as", "code=text,size=ignore", "--encoding", "cp1252")
    code, out, _ = run("forecast", "sales.csv", "--time", "date", "--target", "units", "--horizon",
                       "2", "--members", "ridge", "--windows", "0", *words)  # fmt: skip
    assert (0, True) == (code, "is read as cp1252, as asked: " in out)
    card = chainrule.load("sales.safetensors").card_
    assert {"code": "text", "size": "ignore"} == card["column_kinds"]
    assert "--as code=text,size=ignore --encoding cp1252" in card["command"]
    Path("more.csv").write_bytes(lines().encode("cp1252"))
    code, forecast, _ = run("forecast", "predict", "sales.safetensors", "more.csv",
                            "--encoding", "cp1252")  # fmt: skip
    assert (0, 3) == (code, forecast.count("\n"))
    assert all(np.isfinite(float(line.split(",")[1])) for line in forecast.splitlines()[1:])
    code, _, err = run("forecast", "predict", "sales.safetensors", "--encoding", "cp1252")
    assert (2, True) == (code, "--encoding cp1252 is for files" in err)
    code, *_ = run("anomaly", "train", "sales.csv", "--drop", "date", *words, "--members", "1",
                   "--epochs", "1", "--method", "neighbors", "-o", "odd.safetensors")  # fmt: skip
    card = chainrule.load("odd.safetensors").card_
    assert (0, {"code": "text", "size": "ignore"}) == (code, card["column_kinds"])
    assert "--as code=text --as size=ignore --encoding cp1252" in card["command"]
    code, out, _ = run("anomaly", "score", "odd.safetensors", "sales.csv", "--top", "0")
    assert (0, "no alarms in 40 rows\n") == (code, out)
