"""Rows that members of an ensemble are asked about, and importances that are measured late."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from chainrule import MLPClassifier, TabularRegressor
from chainrule.data import Features
from chainrule.estimators.mlp import member_rows
from chainrule.estimators.mlp.evaluating import evaluate
from chainrule.estimators.mlp.member_rows import MemberRows
from chainrule.estimators.mlp.training import Rows

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(60, 3)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)


@pytest.fixture(scope="module")
def model():
    """Three members, with a column that is embedded."""
    settings = {"n_members": 3, "max_iter": 2, "numeric_embedding": "piecewise"}
    return MLPClassifier((5,), numeric_features=[1], random_state=0, **settings).fit(X, Y)


def weights():
    """Each member is asked about another number of rows, and nobody about the first."""
    asked = DRAW.random((60, 3)) < [0.1, 0.3, 0.5]
    asked[0] = False
    return (asked * DRAW.uniform(0.5, 2.0, asked.shape)).astype(np.float32)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("block", [256, 8, 1])
def test_each_row_is_answered_by_its_members(model, block, monkeypatch):
    """The weighted mean of their probabilities, whatever the size of the blocks."""
    monkeypatch.setattr(member_rows, "BLOCK", block)
    network, w = model.fitted_network, weights()
    p = 1.0 / (1.0 + np.exp(-np.asarray(network.raw_outputs(X))))  # of all members
    total = np.sum(w, axis=1)
    expected = np.sum(w.T[..., None] * p, axis=0) / np.where(total > 0, total, 1.0)[:, None]
    rows = MemberRows.of(w)
    assert rows.counts == tuple(np.sum(w > 0, axis=0).tolist())
    np.testing.assert_allclose(rows.predict(network, X), expected, rtol=1e-5, atol=1e-6)
    assert 0.0 == rows.predict(network, X)[0, 0]


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_validation_weighs_rows_by_member(model):
    """The loss is the weighted mean over members and rows; the score gets the sums of weights."""
    network, w = model.fitted_network, weights()
    z = np.asarray(network.raw_outputs(X), np.float64)[..., 0]
    losses = np.logaddexp(z, 0.0) - Y * z
    told = []

    def score(y, outputs, row_weights):
        told.extend([y, outputs, row_weights])
        return 0.25

    loss, value = evaluate(network, Rows(X, Y[:, None] == 1, w), score)
    assert np.sum(w.T * losses) / np.sum(w) == pytest.approx(loss, rel=1e-5)
    assert 0.25 == value
    np.testing.assert_allclose(np.sum(w, axis=1), told[2])
    assert (60, 1) == told[1].shape
    broken = network.replace(weights={**network.weights, "intercepts": [
        network.weights["intercepts"][0] * np.nan, network.weights["intercepts"][1]]})  # fmt: skip
    assert np.isnan(evaluate(broken, Rows(X, Y[:, None] == 1, w), score)[1])


def test_importances_are_measured_once_and_go_into_copies():
    """They do not depend on when they are asked for, and rows leave the model with them."""
    frame, y = pd.DataFrame(X, columns=list("abc")), X[:, 0].astype(float)
    settings = {"hidden_layer_sizes": (8,), "max_iter": 3, "gaussian_process_rows": 0,
                "random_state": 0, "progress": False}  # fmt: skip
    model = TabularRegressor(**settings)
    with pytest.raises(NotFittedError):
        _ = model.feature_importances_
    model.fit(frame, y)
    again = pickle.loads(pickle.dumps(TabularRegressor(**settings).fit(frame, y)))
    assert "_importance_rows" in vars(model) and "_importance_rows" not in vars(again)
    assert again.__dict__["importances_"] == model.importances_
    assert "_importance_rows" not in vars(model)
    assert "a" == max(model.importances_, key=lambda name: model.importances_[name][0])
    np.testing.assert_array_equal(
        [mean for mean, _ in model.importances_.values()], model.feature_importances_
    )
    before = dict(model.importances_)
    assert before.keys() == model.fit(frame[["c", "b"]], y).importances_.keys() | {"a"}


def test_numbers_become_features_without_a_table():
    """The same bits as through a table; None for what has to be looked at cell by cell."""
    x = DRAW.normal(size=(40, 4)) * [0.1, 1e6, 1.0, 1.0]
    x[::5, 1], x[:, 2] = np.nan, 7.0
    names = [f"x{k}" for k in range(4)]
    plan = Features.learn(pd.DataFrame(x, columns=names))
    for rows in (x, x[:1], x.astype(np.float32), np.nan_to_num(9 * x).astype(int), x * 1e3):
        features = plan.of_numbers(rows)
        assert features.dtype == np.float32
        np.testing.assert_array_equal(plan(pd.DataFrame(rows, columns=names)), features)
    infinite = np.where(np.arange(4) == 2, np.inf, x)
    assert plan.of_numbers(infinite) is None and plan.of_numbers(x[:, :3]) is None
    assert plan.of_numbers(np.full((2, 4), 1e308)) is None and plan.of_numbers(x > 0) is None
    coded = Features.learn(pd.DataFrame(np.arange(40.0)[:, None] % 3, columns=["x0"]), ["x0"])
    assert coded.of_numbers(x[:, :1]) is None
