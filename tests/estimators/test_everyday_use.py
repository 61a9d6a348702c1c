"""Small things that people meet: what they try first has an answer, or says where there is one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.errors import DataError, ModelFileError

pytestmark = pytest.mark.usefixtures("_unoptimised")

X = np.linspace(-1.0, 1.0, 60).reshape(20, 3)
Y = np.arange(20) % 2
TINY = {"hidden_layer_sizes": (4,), "max_iter": 2, "n_members": 1, "random_state": 0}


@pytest.mark.parametrize("estimator", [cr.MLPClassifier, cr.MLPRegressor])
def test_missing_values_name_the_estimators_that_take_them(estimator):
    """With where the first one is; by its column's name in a DataFrame, also in `predict`."""
    x = X.copy()
    x[4, 2] = np.nan
    model = estimator(hidden_layer_sizes=(4,), max_iter=1, solver="lbfgs", random_state=0)
    way = "fill it, leave the row out, or use TabularClassifier or TabularRegressor"
    for rows, place in ((x, "row 5, column 3"), (x.tolist(), "row 5, column 3"),
                        (pd.DataFrame(x, columns=list("abc")), "row 5, column 'c'")):  # fmt: skip
        with pytest.raises(DataError, match=f"contains NaN, first in {place}: {way}"):
            model.fit(rows, Y)
    with pytest.warns(UserWarning, match="lbfgs failed to converge"):
        model.fit(X, Y)
    with pytest.raises(DataError, match=f"NaN, first in row 5, column 3: {way}"):
        model.predict(x)


def test_a_class_loads_files_of_its_own(tmp_path):
    """`load` of a class refuses those of others, and says what reads them."""
    path = tmp_path / "m.safetensors"
    model = cr.TabularClassifier(**TINY, progress=False).fit(X, Y)
    model.save(path)
    same = cr.TabularClassifier.load(path)
    assert isinstance(same, cr.TabularClassifier)
    np.testing.assert_array_equal(model.predict_proba(X), same.predict_proba(X))
    with pytest.raises(ModelFileError, match="which is no MLPClassifier: use "):
        cr.MLPClassifier.load(path)
    with pytest.raises(ModelFileError, match="there is no model file .*absent"):
        cr.AnomalyDetector.load(tmp_path / "absent.safetensors")


def test_verbose_prints_a_line_an_epoch(capsys):
    """As scikit-learn's `verbose`; the default prints nothing."""
    cr.TabularClassifier(**TINY, verbose=True).fit(X, Y)
    assert 2 == capsys.readouterr().out.count("Iteration ")
    cr.TabularRegressor(**TINY).fit(X, X[:, 0])
    assert "" == capsys.readouterr().out


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_query_of_polars_is_collected():
    """A LazyFrame is as good as its DataFrame, for training and for predictions."""
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": X[:, 0], "kind": ["x", "y"] * 10})
    model = cr.TabularClassifier(**TINY).fit(frame.lazy(), polars.Series(Y))
    assert ["a", "kind"] == list(model.feature_names_in_)
    np.testing.assert_array_equal(model.predict(frame), model.predict(frame.lazy()))
    numbers = frame.select("a")
    network = cr.MLPRegressor(hidden_layer_sizes=(2,), max_iter=1, random_state=0)
    network.fit(numbers.lazy(), X[:, 1])
    np.testing.assert_array_equal(network.predict(numbers), network.predict(numbers.lazy()))


def test_dir_lists_the_public_names():
    """What a user completes by tab is what there is to use."""
    own = {name for name in dir(cr) if not name.startswith("__")}
    assert {name for name in cr.__all__ if not name.startswith("__")} == own
