"""Tables as they come: columns in any order, of any names, masked cells."""

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.data import Table
from chainrule.errors import DataError
from chainrule.estimators import TrainOptions, fit_table

pytestmark = pytest.mark.usefixtures("_unoptimised")

QUIET = TrainOptions(progress=False)

ROWS = 60
rng = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {"a": rng.normal(size=ROWS), "b": rng.normal(size=ROWS) > 0, "c": rng.choice(["u", "v"], ROWS)}
)
Y = np.arange(ROWS) % 2
QUICK = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0, "progress": False,
         "n_members": 1}  # fmt: skip
NAMES = [
    pd.MultiIndex.from_tuples([("p", "x"), ("p", "y"), ("q", "")]),
    pd.Index([0, 1, 2]),
    pd.Index([0, "b", 2], dtype=object),
    pd.date_range("2020-01-01", periods=3),
]


def fitted(frame=FRAME):
    return cr.TabularClassifier(**QUICK).fit(frame, Y)


@pytest.mark.parametrize("order", [["c", "a", "b"], ["b", "c", "a"], ["c", "b", "a"]])
def test_columns_in_another_order(order):
    """Names count, as for the command; each column goes where its name says."""
    model = fitted()
    np.testing.assert_array_equal(model.predict_proba(FRAME), model.predict_proba(FRAME[order]))


@pytest.mark.parametrize("change", [lambda f: f.assign(d=1), lambda f: f[["a", "b"]]])
def test_other_columns_are_refused(change):
    """As scikit-learn does."""
    with pytest.raises(ValueError, match="feature names should match"):
        fitted().predict(change(FRAME))


@pytest.mark.parametrize("names", NAMES, ids=lambda names: type(names).__name__)
def test_names_of_any_kind(names, tmp_path):
    """What fits predicts, in any order, and can be saved; importances are of the columns."""
    frame = FRAME.set_axis(names, axis=1)
    model = fitted(frame)
    made = model.predict_proba(frame)
    np.testing.assert_array_equal(fitted().predict_proba(FRAME), made)
    np.testing.assert_array_equal(made, model.predict_proba(frame.iloc[:, [2, 0, 1]]))
    model.save(tmp_path / "a.safetensors")
    np.testing.assert_array_equal(made, cr.load(tmp_path / "a.safetensors").predict_proba(frame))
    np.testing.assert_array_equal(fitted().feature_importances_, model.feature_importances_)


def test_names_of_levels():
    """Joined, without empty ones."""
    model = fitted(FRAME.set_axis(NAMES[0], axis=1))
    assert ["p_x", "p_y", "q"] == model.feature_names_in_.tolist()


@pytest.mark.parametrize("names", [["a", "a", "b"], [1, "1", "b"]])
def test_names_that_come_twice(names):
    """One of them would be read twice, and the other never."""
    with pytest.raises(DataError, match="2 columns are named"):
        fitted(FRAME.set_axis(names, axis=1))


@pytest.mark.parametrize("dtype", [float, int])
def test_masked_cells_are_empty(dtype):
    """As NaN, whatever stands under the mask."""
    draws = np.random.default_rng(1)
    values = (draws.normal(size=(ROWS, 3)) * 10).astype(dtype)
    mask = draws.random((ROWS, 3)) < 0.2
    given = np.ma.masked_array(values, mask=mask)
    empty = np.where(mask, np.nan, values)
    model, other = fitted(given), fitted(empty)
    np.testing.assert_array_equal(other.predict_proba(empty), model.predict_proba(given))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["zzz"], "which are 'a', 'b', 'c'; there is no 'zzz'"), ([0], "there is no '0'"),
        ("bc", "give a list of names .* there is no 'bc'"), ("c", "='c': give a list of names"),
        (3, "give a list of names"),
    ],
)  # fmt: skip
def test_categories_that_are_no_columns(given, told):
    """A name that is misspelt is not passed over."""
    with pytest.raises(DataError, match=told):
        cr.TabularClassifier(categorical_features=given, **QUICK).fit(FRAME, Y)


@pytest.mark.parametrize("given", [["b"], ("b",), {"b"}, np.array(["b"]), pd.Index(["b"]), None])
def test_categories_in_any_collection(given):
    model = cr.TabularClassifier(categorical_features=given, **QUICK).fit(FRAME, Y)
    levels = {column.name: column.levels for column in model.features_.columns}
    assert levels["b"] == (() if given is None else ("False", "True"))


def test_a_list_of_numbers_and_text():
    """A NaN in it is an empty cell, not the text "nan"; numbers stay numbers."""
    rows = [[1.5, "u"], [float("nan"), "v"], [2.5, None]] * 20
    model = cr.TabularClassifier(**QUICK).fit(rows, np.arange(60) % 2)
    number, text = model.features_.columns
    assert (True, (), ("u", "v")) == (number.missing, number.levels, text.levels)
    frame = pd.DataFrame(rows, columns=["x0", "x1"])
    np.testing.assert_array_equal(model.features_(frame), model._inputs(rows))


def test_bytes_are_refused():
    """As in a DataFrame: their text is not their value."""
    for given in (
        np.array([[b"a"], [b"b"]] * 30),
        [[b"a"], [b"b"]] * 30,
        pd.DataFrame({"a": [b"a", b"b"] * 30}),
    ):
        with pytest.raises(DataError, match="decode"):
            cr.TabularClassifier(**QUICK).fit(given, Y)


@pytest.mark.parametrize("index", [list(range(900, 900 + ROWS)), [f"r{k}" for k in range(ROWS)]])
def test_rows_are_counted_as_they_are_given(index):
    """Whatever their names, and with rows without weight before them."""
    frame = FRAME.set_axis(index, axis=0)
    frame.iloc[41, 0] = np.inf
    weights = (np.arange(ROWS) >= 20) * 1.0
    with pytest.raises(DataError, match="column 'a', row 42: 'inf'"):
        fitted(frame)
    with pytest.raises(DataError, match="column 'a', row 42: 'inf'"):
        cr.TabularClassifier(**QUICK).fit(frame, Y, sample_weight=weights)
    with pytest.raises(DataError, match="column 'a', row 42: 'inf'"):
        fitted().predict(frame)


@pytest.mark.parametrize("row", [0, 17, 40, 59])
def test_rows_are_counted_as_in_the_file(row):
    """A command sets rows apart for a test, and leaves out those without a target."""
    frame = FRAME.assign(y=np.arange(ROWS) * 1.5)
    frame.loc[3, "y"] = np.nan
    for wrong in (np.inf, ["a"]):
        given = frame.astype({"a": object})
        given.at[row, "a"] = wrong
        with pytest.raises(DataError, match=rf"column 'a', row {row + 1}: "):
            fit_table(Table("t", given), "y", options=TrainOptions(max_iter=1, progress=False))


def test_errors_about_the_target():
    """They do not advise what is for other columns."""
    frame = FRAME.assign(y=[*np.arange(ROWS - 1), np.inf])
    with pytest.raises(DataError, match=r"'y', row 60: 'inf' .* or use --task classification"):
        fit_table(Table("t", frame), "y", "regression", QUIET)
    frame = FRAME.assign(y=np.arange(ROWS) + 2**60)
    for task in ("regression", None):
        with pytest.raises(DataError, match="column 'y' holds whole numbers .* subtract an off"):
            fit_table(Table("t", frame), "y", task, QUIET)
