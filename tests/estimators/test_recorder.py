"""Gradients by layer while an estimator trains: against formulas in float64, written out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from chainrule import MLPClassifier, MLPRegressor, TabularClassifier, tree
from chainrule.data import read_table
from chainrule.estimators.mlp.health import Recorder, _measuring, flat_units

pytestmark = pytest.mark.usefixtures("_unoptimised")


def rows(count=300):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 5)).astype(np.float32)
    return x, (x[:, 0] * x[:, 1] + x[:, 2] > 0).astype(int)


def test_norms_and_ratios_are_those_of_the_formulas():
    """Softmax regression: the gradient is x.T @ (p - y) / n; an update is what SGD subtracts."""
    x, _ = rows()
    y = np.argmax(x[:, :3], axis=1)
    kept = []
    recorder = Recorder()
    model = MLPClassifier(
        (), alpha=0.0, solver="sgd", max_iter=6, tol=0.0, n_iter_no_change=99, random_state=0,
        batch_size=300, callbacks=[lambda r: kept.append(r.model.fitted_network.weights), recorder],
        progress=False,
    )  # fmt: skip
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(x, y)
    some = np.unique(np.linspace(0, 299, 256).astype(int))
    x64, y64 = x[some].astype(float), np.eye(3)[y[some]]
    for epoch, weights in enumerate(kept):
        w, b = (weights[name][0].astype(float) for name in ("coefs", "intercepts"))
        z = np.exp(x64 @ w + b)
        wrong = (z / z.sum(axis=1, keepdims=True) - y64) / len(x64)
        gradient = np.concatenate([(x64.T @ wrong).ravel(), wrong.sum(axis=0)])
        found = recorder.gradient_norms["layers.0"][epoch]
        np.testing.assert_allclose(np.linalg.norm(gradient), found, rtol=1e-5)
        if epoch:
            flat = [np.append(k["coefs"][0], k["intercepts"][0]).astype(float)
                    for k in kept[epoch - 1 : epoch + 1]]  # fmt: skip
            ratio = np.linalg.norm(flat[1] - flat[0]) / np.linalg.norm(flat[0])
            np.testing.assert_allclose(ratio, recorder.update_ratios["layers.0"][epoch], rtol=1e-5)
    assert np.isnan(recorder.update_ratios["layers.0"][0])
    assert [r["loss"] for r in recorder.history] == model.loss_curve_


def test_an_ensemble_counts_as_the_mean_of_its_members():
    """Each member alone, with its own weights, has norms whose mean is recorded."""
    x, y = rows(200)
    recorder = Recorder()
    model = MLPClassifier((8,), max_iter=1, n_members=3, random_state=0, callbacks=[recorder])
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(x, y)
    alone = []
    for k in range(3):
        own = tree.map(lambda array, k=k: array[k], model.fitted_network.weights)
        targets = y[:, None].astype(np.float32)
        alone.append(_measuring(model.fitted_network.perceptron)(own, own, [], x, targets)[0])
    found = [norms[0] for norms in recorder.gradient_norms.values()]
    np.testing.assert_allclose(np.mean(alone, axis=0), found, rtol=1e-5)
    dead, saturated = recorder.units(model)
    assert (["layers.0"], {}) == (list(dead), saturated)


def test_dead_and_saturated_units():
    """A ReLU unit with a low bias is dead; a tanh unit with a high one is flat on all rows."""
    x, y = rows()
    for activation, dead, saturated in (("relu", 0.25, {}), ("tanh", 0.25, {"layers.0": 0.25})):
        model = MLPClassifier((4,), activation, max_iter=1, random_state=0, progress=False)
        with pytest.warns(UserWarning, match="Maximum iterations"):
            model.fit(x, y)
        weights = model.fitted_network.weights
        bias = np.array([-99.0 if activation == "relu" else 99.0, 0.0, 0.0, 0.0], np.float32)
        weights["intercepts"][0] = bias
        weights["coefs"][0] = weights["coefs"][0] * np.float32(0.1)
        found = flat_units(model.fitted_network, x)
        assert ({"layers.0": dead}, saturated) == found


def test_long_trainings_are_measured_at_some_epochs():
    """Five of 100, the first and the last too; numbers between lie on a line."""
    x, y = rows(100)
    every, some = Recorder(epochs=100), Recorder(epochs=5)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        MLPRegressor(
            "squared_error", (4,), max_iter=100, tol=0.0, n_iter_no_change=999, random_state=0,
            callbacks=[every, some], progress=False,
        ).fit(x, y)  # fmt: skip
    full, part = every.gradient_norms["layers.1"], some.gradient_norms["layers.1"]
    assert len(full) == len(part) == 100
    assert (5, 1, 100) == (len(some._measured), some._measured[0], some._measured[-1])
    for epoch in some._measured:
        assert full[epoch - 1] == part[epoch - 1]
    middle = some._measured[1]
    assert min(part[0], part[middle - 1]) <= part[5] <= max(part[0], part[middle - 1])


def test_tables_normalisation_and_sparse_rows():
    """An embedding is the first layer; scales and shifts belong to their layer."""
    recorder = Recorder()
    frame = read_table("wine").frame
    model = TabularClassifier((6, 6), max_iter=3, random_state=0, callbacks=[recorder])
    model.fit(frame.drop(columns="cultivar"), frame["cultivar"])
    names = ["embedding", "layers.0", "layers.1", "layers.2"]
    assert names == list(recorder.gradient_norms) == list(model.network_.fitted_network.layers())
    assert all(np.all(np.array(norms) > 0) for norms in recorder.gradient_norms.values())
    assert recorder.best_epoch >= 1
    assert {"epoch", "loss", "validation_loss", "score"} == recorder.history[0].keys()
    x, y = rows(80)
    for kind in ("batch", "layer"):
        recorder = Recorder()
        with pytest.warns(UserWarning, match="Maximum iterations"):
            MLPClassifier((4,), normalization=kind, max_iter=2, random_state=0,
                          callbacks=[recorder]).fit(csr_matrix(x), y)  # fmt: skip
        assert all(np.isfinite(v).all() for v in recorder.gradient_norms.values())


def test_it_changes_nothing_and_begins_anew():
    """The same weights with and without it; a second training forgets the first."""
    x, y = rows()
    recorder = Recorder()
    made = []
    for callbacks in (None, [recorder], [recorder]):
        with pytest.warns(UserWarning, match="Maximum iterations"):
            made.append(MLPClassifier((8,), max_iter=3, random_state=0, dropout=0.1,
                                      callbacks=callbacks).fit(x, y).coefs_)  # fmt: skip
    for first, second, third in zip(*made, strict=True):
        np.testing.assert_array_equal(first, second)
        np.testing.assert_array_equal(first, third)
    assert len(recorder.history) == len(recorder.gradient_norms["layers.0"]) == 3


def test_without_gradients_only_the_history():
    x, y = rows(60)
    recorder = Recorder(gradients=False)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model = MLPClassifier((4,), max_iter=2, random_state=0, callbacks=[recorder]).fit(x, y)
    assert (len(recorder.history), recorder.gradient_norms, recorder.update_ratios) == (2, {}, {})
    assert recorder.units(model) == ({}, {})


def test_a_pass_of_partial_fit_is_measured():
    """As the one epoch of a fit is; nothing of the rows stays behind."""
    x, y = rows()
    norms = []
    for learn in ("fit", "partial_fit"):
        recorder = Recorder()
        model = MLPClassifier((8,), max_iter=1, random_state=0, callbacks=[recorder])
        if learn == "fit":
            with pytest.warns(UserWarning, match="Maximum iterations"):
                model.fit(x, y)
        else:
            model.partial_fit(x, y, classes=[0, 1])
        norms.append(recorder.gradient_norms)
        assert "_training_rows" not in model.__dict__
    assert norms[0] == norms[1] and min(norms[0]["layers.0"]) > 0


def test_rows_that_are_held_out_are_not_measured():
    """Of 100 rows, early stopping holds out 10."""
    x, y = np.random.default_rng(0).normal(size=(100, 3)), np.arange(100) % 2
    recorder = Recorder()
    model = MLPClassifier(
        (4,), early_stopping=True, max_iter=2, random_state=0, callbacks=[recorder]
    )
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(x, y)
    assert (90, 3) == recorder._sample[0].shape
