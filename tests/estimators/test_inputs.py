"""Rows and settings that no estimator can use: refused in words, not by a traceback."""

import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.errors import DataError

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("_unoptimised"),
]
N = 40
X = np.random.default_rng(0).normal(size=(N, 3))
Y = np.arange(N) % 2
CODED = np.column_stack([np.arange(N) % 3, X])
QUICK = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0, "progress": False}
PERCEPTRONS = [cr.MLPClassifier, cr.MLPRegressor]
TABLES = [cr.TabularClassifier, cr.TabularRegressor]
DAYS = pd.date_range("2020-01-01", periods=N)
MASKED = np.ma.masked_array(X, mask=X == X[2, 1])

NO_ROWS = {
    "masked": (MASKED, r"X\[2, 1\] is masked: fill it"),
    "dates": (pd.DataFrame({"d": DAYS}), "column 'd' of X holds dates"),
    "dates beside numbers": (pd.DataFrame({"d": DAYS, "e": X[:, 0]}), "'d' of X holds dates"),
    "dates with a zone": (pd.DataFrame({"d": DAYS.tz_localize("UTC")}), "'d' of X holds dates"),
    "array of dates": (np.array(DAYS)[:, None], "X holds dates"),
    "spans": (pd.DataFrame({"d": DAYS - DAYS[0]}), "'d' of X holds spans of time"),
    "large": ([[10**400, k, 1] for k in range(N)], "whole number that float64 cannot hold"),
    "no columns": (pd.DataFrame(index=range(N)), "X has no columns"),
    "ragged": ([[1.0], [1.0, 2.0]] * (N // 2), "rows of several lengths"),
}


@pytest.mark.parametrize("kind", PERCEPTRONS)
@pytest.mark.parametrize("name", NO_ROWS)
def test_rows_that_are_no_numbers(kind, name):
    """In training, as rows to watch, and in answers."""
    rows, told = NO_ROWS[name]
    with pytest.raises(DataError, match=told):
        kind(**QUICK).fit(rows, Y)
    with pytest.raises(DataError, match=told):
        kind(**QUICK).fit(X, Y, validation_data=(rows, Y))
    with pytest.raises(DataError, match=told):
        kind(**QUICK).fit(X, Y).predict(rows)


@pytest.mark.parametrize("kind", PERCEPTRONS)
def test_a_single_masked_row(kind):
    """It does not take the short way of one row."""
    model = kind(**QUICK).fit(X, Y)
    with pytest.raises(DataError, match=r"X\[0, 2\] is masked"):
        model.predict(np.ma.masked_array(X[:1], mask=[[False, False, True]]))
    whole = np.ma.masked_array(X)
    np.testing.assert_array_equal(model.predict(X), model.predict(whole))


@pytest.mark.parametrize("kind", PERCEPTRONS)
def test_lists_of_objects(kind):
    """Their numbers are numbers, in training and in answers; what is missing is refused."""
    model = kind(**QUICK).fit(X, Y)
    plain = [[2**70, 1.5, 2.0], [1.0, 0.5, 0.25]]
    objects = [[2**70, Decimal("1.5"), Fraction(2)], [1, Decimal("0.5"), 0.25]]
    np.testing.assert_array_equal(model.predict(plain), model.predict(objects))
    with pytest.raises(ValueError, match="contains NaN"):
        model.predict([[None, 1, 2], [1, 2, 3]])
    with pytest.raises(ValueError, match="contains NaN"):
        kind(**QUICK).fit([[None, 1, 2], [1, 2, 3]], [0, 1])


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("name", ["ragged", "large", "no columns"])
def test_tables_that_are_none(kind, name):
    with pytest.raises(DataError, match={"large": "is not a finite number in float64"}.get(name)):
        kind(**QUICK).fit(NO_ROWS[name][0], Y)


@pytest.mark.parametrize("kind", PERCEPTRONS)
@pytest.mark.parametrize(("code", "shown"), [(1.5, "1.5"), (-1, "-1"), (3, "3"), (7, "7")])
@pytest.mark.parametrize("rows", [1, 2])
def test_codes_that_were_not_learned(kind, code, shown, rows):
    """A fraction is not rounded, and an unknown code does not count as another."""
    model = kind(categorical_features=[0], **QUICK).fit(CODED, Y)
    wrong = CODED[:rows].copy()
    wrong[-1, 0] = code
    told = rf"column 0, row {rows} holds {shown}: give one of the codes .* 0 to 2"
    answers = [model.predict, lambda x: model.partial_fit(x, Y[:rows])]
    answers.append(lambda x: model.fit(CODED, Y, validation_data=(x, Y[:rows])))
    if hasattr(model, "predict_proba"):
        answers.append(model.predict_proba)
    for answer in answers:
        with pytest.raises(DataError, match=told):
            answer(wrong)
    assert model.predict(CODED[:rows]).shape == (rows,)


@pytest.mark.parametrize("kind", PERCEPTRONS + TABLES)
@pytest.mark.parametrize(
    "sizes", ["12", True, 0, -3, (0,), (1.5,), ("a",), ((3,),), 2.0, (True,)], ids=repr
)
def test_sizes_that_are_none(kind, sizes):
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        kind(**{**QUICK, "hidden_layer_sizes": sizes}).fit(X, Y)


@pytest.mark.parametrize("kind", PERCEPTRONS + TABLES)
def test_sizes_by_the_kind_of_a_table(kind):
    """None is a rule of the estimators for tables alone."""
    model = kind(**{**QUICK, "hidden_layer_sizes": None, "max_iter": 1})
    if kind in PERCEPTRONS:
        with pytest.raises(ValueError, match="hidden_layer_sizes"):
            model.fit(X, Y)
        return
    expected = (64, 64) if hasattr(kind, "predict_proba") else (128, 128, 128)
    assert expected == model.fit(X, Y).network_.hidden_layer_sizes


@pytest.mark.parametrize("kind", PERCEPTRONS + TABLES)
@pytest.mark.parametrize("sizes", [5, np.int64(5), [5], np.array([5])], ids=repr)
def test_one_size_is_one_layer(kind, sizes, tmp_path):
    """As in scikit-learn, for tables as well; a model file keeps it."""
    model = kind(**{**QUICK, "hidden_layer_sizes": sizes}).fit(X, Y)
    expected = kind(**{**QUICK, "hidden_layer_sizes": (5,)}).fit(X, Y).predict(X)
    np.testing.assert_array_equal(expected, model.predict(X))
    model.save(tmp_path / "a.safetensors")
    np.testing.assert_array_equal(expected, cr.load(tmp_path / "a.safetensors").predict(X))


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", 0), ("batch_size", "a"), ("batch_size", 1.5), ("n_members", 0),
        ("n_members", "a"), ("max_iter", 0), ("validation_fraction", 1.0),
        ("validation_fraction", -0.5), ("validation_fraction", "a"),
        ("validation_fraction", float("nan")), ("validation_fraction", True), ("dropout", -1),
        ("dropout", "a"), ("dropout", 1.0), ("numeric_embedding", "none"), ("ema", 2),
    ],
)  # fmt: skip
def test_settings_of_tables_are_checked(kind, name, value):
    """Each by itself, before anything is learned, also where a small table does not read it."""
    with pytest.raises(ValueError, match=f"The '{name}' parameter of {kind.__name__} must be"):
        kind(**{**QUICK, name: value}).fit(X, Y)


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_of_dates_and_numbers_is_answered_as_it_was_learned(kind):
    """Dates are no numbers, and numbers no dates: neither is taken for nanoseconds."""
    frame = pd.DataFrame({"d": DAYS, "e": X[:, 0]})
    model = kind(**QUICK).fit(frame, Y)
    swapped = pd.DataFrame({"d": X[:, 0], "e": DAYS})
    with pytest.raises(DataError, match="column 'd', row 1: .* is no date"):
        model.predict(swapped)
    with pytest.raises(DataError, match="column 'e', row 1: .* is not a finite number"):
        model.predict(swapped.assign(d=DAYS))
    texts = frame.assign(d=[datetime.date.isoformat(day) for day in DAYS])
    np.testing.assert_array_equal(model.predict(frame), model.predict(texts))
