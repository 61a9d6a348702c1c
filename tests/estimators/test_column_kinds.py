"""Tables as offices make them, in the estimators: what columns hold, saved and exported."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import chainrule as cr
from chainrule import TabularClassifier, TabularRegressor
from chainrule.errors import DataError, ModelFileError

pytestmark = pytest.mark.usefixtures("_unoptimised")

ROWS = 80
QUICK = {"hidden_layer_sizes": (8,), "max_iter": 3, "n_members": 1, "random_state": 0,
         "progress": False}  # fmt: skip


def office_table(seed=0):
    """A table as somebody keeps it, its clean twin, and numbers that both tell."""
    rng = np.random.default_rng(seed)
    price = np.round(rng.uniform(10, 9_000, ROWS), 2)
    share = np.round(rng.uniform(0, 100, ROWS), 1)
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, ROWS), "D")
    gone = rng.random(ROWS) < 0.15
    alley = rng.choice(["None", "gravel", "paved"], ROWS)
    messy = pd.DataFrame({
        "price": np.where(gone, "n/a", [f"${value:,.2f}" for value in price]),
        "share": [f"{value} %" for value in share], "day": days.strftime("%d/%m/%Y"),
        "alley": alley, "empty": [None] * ROWS,
    })  # fmt: skip
    clean = pd.DataFrame({
        "price": np.where(gone, np.nan, price), "share": share, "day": days, "alley": alley,
    })  # fmt: skip
    return messy, clean, price / 1000 + share / 50


def test_a_messy_table_teaches_the_same_as_its_clean_twin():
    """Bit for bit: the features are the same, and so is the model."""
    messy, clean, y = office_table()
    first = TabularRegressor(**QUICK).fit(messy, y)
    second = TabularRegressor(**QUICK).fit(clean, y)
    np.testing.assert_array_equal(second.predict(clean), first.predict(messy))
    np.testing.assert_array_equal(second.predict(clean), first.predict(clean.assign(empty=None)))
    kinds = ["number", "number", "date", "text", "ignore"]
    assert kinds == [reading.kind for reading in first.features_.readings]


def test_kinds_are_parameters_and_saved(tmp_path):
    """`clone` keeps them, and a loaded model reads the cells of files as before."""
    messy, _, y = office_table()
    kinds = {"share": "text", "day": "ignore"}
    model = TabularRegressor(**QUICK, column_kinds=kinds)
    assert kinds == clone(model).get_params()["column_kinds"]
    model.fit(messy, y).save(tmp_path / "m")
    loaded = cr.load(tmp_path / "m")
    assert kinds == loaded.column_kinds
    assert model.features_ == loaded.features_
    np.testing.assert_array_equal(model.predict(messy), loaded.predict(messy))
    loaded_kinds = {reading.name: reading.kind for reading in loaded.features_.readings}
    assert {"price": "number", **kinds, "alley": "text", "empty": "ignore"} == loaded_kinds


@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        ({"zip": "text"}, "no column 'zip' to read as text: the columns are 'price', 'share'"),
        ({"price": "money"}, "'money' is no kind of column 'price': give one of number, date"),
        (["price"], "give a dict such as {'zip': 'text'}, or None"),
        ({"alley": "number"}, "'alley', row 1: '(gravel|paved)' is not a finite number"),
    ],
)  # fmt: skip
def test_kinds_that_cannot_be(kinds, told):
    messy, _, y = office_table(1)
    assert "None" != messy["alley"][0]
    with pytest.raises(DataError, match=told):
        TabularRegressor(**QUICK, column_kinds=kinds).fit(messy, y)


def test_new_rows_are_read_as_those_of_the_training():
    """A single date that could be of two orders, another unit, and a word among numbers."""
    messy, _, y = office_table()
    model = TabularRegressor(**QUICK).fit(messy, y)
    row = messy[:1].assign(day="03/04/2021")
    iso = messy[:1].assign(day="2021-04-03")
    np.testing.assert_array_equal(model.predict(iso), model.predict(row))
    for column, cell in {"price": "€5", "share": "many", "day": "13/13/2021"}.items():
        with pytest.raises(DataError, match=f"column '{column}', row 1: '{cell}'"):
            model.predict(row.assign(**{column: cell}))
    missing = model.predict(row.assign(price="k.A."))
    np.testing.assert_array_equal(model.predict(row.assign(price=np.nan)), missing)


def test_older_files_have_no_readings(tmp_path):
    """They still load, and answer for plain columns as they did."""
    _, clean, y = office_table()
    frame = clean[["share", "alley"]]
    model = TabularRegressor(**QUICK).fit(frame, y)
    model.save(tmp_path / "m")
    state = model.features_.to_json()["columns"]
    model.features_ = type(model.features_).from_json(state)
    assert () == model.features_.readings
    np.testing.assert_array_equal(cr.load(tmp_path / "m").predict(frame), model.predict(frame))


def test_readings_of_other_columns_are_refused(tmp_path):
    """As in a file that somebody changed."""
    _, clean, y = office_table()
    model = TabularRegressor(**QUICK).fit(clean[["price", "share"]], y)
    readings = model.features_.readings
    for wrong in (readings[::-1], readings[:1]):
        changed = TabularRegressor(**QUICK).fit(clean[["price", "share"]], y)
        object.__setattr__(changed.features_, "readings", wrong)
        with pytest.raises(ModelFileError):
            changed.save(tmp_path / "m")
            cr.load(tmp_path / "m")


def test_onnx_takes_the_columns_after_reading():
    """Numbers, of which sentinels are missing, hours, and texts; the inputs say so."""
    onnxruntime = pytest.importorskip("onnxruntime")
    rng = np.random.default_rng(3)
    hours, minutes = rng.integers(0, 24, ROWS), rng.integers(0, 60, ROWS)
    age = np.where(rng.random(ROWS) < 0.2, -999, rng.integers(18, 80, ROWS))
    price = np.round(rng.uniform(10, 9_000, ROWS), 2)
    colour = rng.choice(["red", "blue"], ROWS)
    frame = pd.DataFrame({
        "price": [f"{value:,.2f} EUR" for value in price], "age": age, "colour": colour,
        "at": [f"{hour}:{minute:02}" for hour, minute in zip(hours, minutes, strict=True)],
    })  # fmt: skip
    y = np.where(price + 100 * hours > 5_500, "dear", "cheap")
    model = TabularClassifier(**QUICK).fit(frame, y)
    assert (-999.0,) == model.features_.readings[1].sentinels
    onnx = model.to_onnx()
    said = {one.name: one.doc_string for one in onnx.graph.input}
    assert "the hours since midnight as a number, NaN for an empty cell" == said["at"]
    session = onnxruntime.InferenceSession(onnx.SerializeToString())
    inputs = {
        "price": price, "age": age.astype(float), "at": hours + minutes / 60,
        "colour": colour.astype(object),
    }  # fmt: skip
    answers = session.run(None, {name: values[:, None] for name, values in inputs.items()})
    np.testing.assert_allclose(model.predict_proba(frame), answers[1], atol=1e-6)
    np.testing.assert_array_equal(model.predict(frame), answers[0])
