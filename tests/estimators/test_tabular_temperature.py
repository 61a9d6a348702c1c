"""Probabilities are as sure as rows that were not trained on allow; a file keeps them so."""

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule import TabularClassifier
from chainrule.estimators.tabular.temperature import temperature_of, with_temperature

pytestmark = pytest.mark.usefixtures("_unoptimised")


def noisy(count, seed):
    """Rows whose label is the side of a line, wrong in a third of the cases."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 12))
    right = rng.random(count) < 2 / 3
    return pd.DataFrame(x).rename(columns="c{}".format), np.where(
        (x[:, 0] > 0) == right, "yes", "no"
    )


@pytest.fixture(scope="module")
def fitted():
    """A classifier that has learned the noise by heart."""
    settings = {"hidden_layer_sizes": (32,), "max_iter": 30, "n_iter_no_change": 40, "dropout": 0.0}
    model = TabularClassifier(
        n_members=2, random_state=0, progress=False, numeric_embedding=None, **settings
    )
    return model.fit(*noisy(1000, 0))


def log_loss(p, y, classes):
    """Of the probabilities of classes."""
    return -np.mean(np.log(p[np.arange(len(y)), np.searchsorted(classes, y)]))


def test_better_on_new_rows(fitted):
    """What was too sure of itself is less so, and the log loss of new rows is smaller."""
    x, y = noisy(1000, 1)
    assert fitted.temperature_ > 1.1
    network = fitted.network_.fitted_network
    p = fitted.predict_proba(x)
    fitted.network_.fitted_network = with_temperature(network, 1 / fitted.temperature_)
    before = fitted.predict_proba(x)
    fitted.network_.fitted_network = network
    assert log_loss(p, y, fitted.classes_) < log_loss(before, y, fitted.classes_) - 0.0005
    assert np.mean(np.abs(p - 0.5)) < np.mean(np.abs(before - 0.5))


def test_logits_are_divided(fitted):
    """A network with a temperature gives its logits divided by it, each member's."""
    network = fitted.network_.fitted_network
    x = fitted.features_(noisy(5, 2)[0])
    raw = network.perceptron.raw_outputs(network.weights, network.batch_stats, x)
    half = with_temperature(network, 2.0)
    halved = half.perceptron.raw_outputs(half.weights, half.batch_stats, x)
    np.testing.assert_allclose(2 * halved, raw, rtol=1e-5, atol=1e-6)


def test_saved(fitted, tmp_path):
    """A file holds the temperature, and answers alike."""
    fitted.save(tmp_path / "m.safetensors")
    again = cr.load(tmp_path / "m.safetensors")
    assert again.temperature_ == fitted.temperature_
    x = noisy(5, 3)[0]
    np.testing.assert_array_equal(again.predict_proba(x), fitted.predict_proba(x))


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("truth", [0.6, 1.0, 1.5])
def test_found_again(classes, truth):
    """Of labels drawn by known probabilities it is that by which these were changed."""
    rng = np.random.default_rng(classes)
    z = 2 * rng.normal(size=(5000, classes))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    codes = np.array([rng.choice(classes, p=row) for row in p])
    sharper = np.exp(z * truth) / np.exp(z * truth).sum(axis=1, keepdims=True)
    assert temperature_of(sharper, codes, np.ones(5000)) == pytest.approx(truth, rel=0.08)
    if classes == 2:
        second = temperature_of(sharper[:, 1:], codes, np.full(5000, 3.0))
        assert second == pytest.approx(temperature_of(sharper, codes, np.ones(5000)), rel=1e-4)


def test_few_rows_change_little():
    """Of four rows that are all right no certainty follows."""
    p = np.tile([0.3, 0.7], (4, 1))
    assert 0.85 < temperature_of(p, np.ones(4, int), np.ones(4)) < 1.0
