"""Tables as they come: columns in any order, of any names, masked cells."""

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.errors import DataError

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
