"""A fitted network is one immutable value, which the attributes of scikit-learn's names read."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest
from sklearn import neural_network as peers

from chainrule import MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor
from chainrule.estimators.mlp.settings import PerceptronSettings
from chainrule.estimators.tabular.defaults import DEFAULTS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(40, 3))
Y = X[:, 0] * X[:, 1]


def regressor(**settings):
    settings = {"max_iter": 3, "random_state": 0, "progress": False, **settings}
    return MLPRegressor(hidden_layer_sizes=(4,), **settings)


def test_training_returns_another_network():
    """The one before stays as it was, weight for weight."""
    model = regressor(warm_start=True).fit(X, Y)
    before = model.fitted_network
    copies = [c.copy() for c in before.weights["coefs"]]
    expected = before.predict(X)
    model.fit(X, Y)
    assert model.fitted_network is not before
    for copy, now in zip(copies, before.weights["coefs"], strict=True):
        np.testing.assert_array_equal(copy, now)
    np.testing.assert_array_equal(expected, before.predict(X))
    with pytest.raises(FrozenInstanceError):
        before.weights = {}


def test_the_attributes_are_its_parts():
    """They read it and replace it; what a network does not have, the model does not."""
    model = regressor(normalization="batch").fit(X, Y)
    network = model.fitted_network
    assert model.coefs_ is network.weights["coefs"]
    assert model.statistics_ is network.batch_stats
    model.intercepts_ = [b + 1.0 for b in model.intercepts_]
    np.testing.assert_array_equal(model.intercepts_[1], network.weights["intercepts"][1] + 1.0)
    np.testing.assert_allclose(model.predict(X[:1]), model.predict(X)[:1], rtol=1e-12)
    plain = regressor().fit(X, Y)
    assert not any(hasattr(plain, name) for name in ("scales_", "statistics_", "embedding_"))
    assert not any(hasattr(regressor(), name) for name in ("coefs_", "fitted_network"))


def test_layers():
    """By name, the matrix first; of an ensemble with its members in front."""
    model = regressor(n_members=2, normalization="layer", numeric_embedding="piecewise").fit(X, Y)
    layers = model.fitted_network.layers()
    assert ["embedding", "layers.0", "layers.1"] == list(layers)
    assert [(2, 12, 4), (2, 4), (2, 4), (2, 4)] == [a.shape for a in layers["layers.0"]]


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_defaults_are_those_of_scikit_learn(name):
    """Where it has the parameter."""
    ours = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}[name]().get_params()
    theirs = getattr(peers, name)().get_params()
    assert theirs == {key: value for key, value in ours.items() if key in theirs}


def test_each_default_is_written_once():
    """Both estimators of a kind inherit the fields of one dataclass."""
    for field in fields(PerceptronSettings):
        assert field.default == MLPClassifier().get_params()[field.name]
        assert field.default == MLPRegressor().get_params()[field.name]
    for kind in (TabularClassifier, TabularRegressor):
        assert all(getattr(DEFAULTS, key, None) == v for key, v in kind().get_params().items())
