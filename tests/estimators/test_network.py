"""`NetworkClassifier`: what classifiers of raw inputs share, shown with the smallest of them."""

import copy
import pickle
import sys
import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score

from chainrule import load, nn, random
from chainrule.errors import DataError, ModelFileError
from chainrule.estimators import loading
from chainrule.estimators.raw.network import NetworkClassifier

pytestmark = pytest.mark.usefixtures("_unoptimised")

NAME = "chainrule.estimators.rows_of_a_test"  # model files know classes of this package alone
X = np.random.default_rng(0).normal(size=(192, 5))
Y = np.array(["a", "b", "c"])[np.digitize(X[:, 0], [-0.5, 0.5])]


class RowClassifier(NetworkClassifier):
    """Rows of numbers, less their mean."""

    __module__ = NAME

    def __init__(
        self, width=8, *, epochs=20, batch_size=16, learning_rate=0.02, weight_decay=0.01,
        label_smoothing=0.0, class_weight=None, ema=None, validation_fraction=0.0, patience=None,
        random_state=None, n_threads=None, progress=True, callbacks=None, checkpoint=None,
        checkpoint_interval=10.0,
    ):  # fmt: skip
        self._set(locals())

    def _learn(self, X, y):
        self.mean_ = np.mean(X, axis=0).astype(np.float32)

    def _rows(self, X):
        return np.asarray(X, np.float32) - self.mean_

    def make_module(self, key):
        first, last = random.split(key)
        return nn.Sequential(
            nn.Dense(len(self.mean_), self.width, key=first), nn.BatchNorm(self.width), np.tanh,
            nn.Dropout(0.1), nn.Dense(self.width, len(self.classes_), key=last),
        )  # fmt: skip

    def preprocessing_state(self):
        return {"columns": len(self.mean_)}, {"mean": self.mean_}

    def restore_preprocessing(self, told, arrays):
        self.mean_ = arrays.numbers("mean", (told["columns"],), np.float32)


@pytest.fixture(autouse=True)
def _known(monkeypatch):
    """The class is where its name says, and `load` knows it."""
    monkeypatch.setitem(sys.modules, NAME, sys.modules[__name__])
    monkeypatch.setitem(loading.CLASSES, "RowClassifier", RowClassifier)


def fitted(x=X, y=Y, data=None, **settings):
    return RowClassifier(**{"random_state": 0, **settings}).fit(x, y, **(data or {}))


@cache
def learned(**settings):
    """The same model for all tests that only ask it."""
    return fitted(**settings)


def same(first, second):
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))


def test_it_learns_and_answers():
    model = learned()
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert model.score(X, Y) > 0.9
    made = model.predict_proba(X)
    assert (made.dtype, made.shape) == (np.float32, (192, 3))
    np.testing.assert_allclose(made.sum(axis=1), 1.0, rtol=1e-6)
    np.testing.assert_array_equal(model.predict(X), model.classes_[made.argmax(axis=1)])
    assert model.n_iter_ == model.best_epoch_ == len(model.loss_curve_) == 20
    assert model.loss_curve_[-1] < 0.5 * model.loss_curve_[0]


def test_the_same_seed_gives_the_same_bits_on_any_number_of_threads():
    first = learned()
    same(first, fitted(n_threads=1))
    same(first, fitted(n_threads=2, progress=False))
    assert (first.predict_proba(X) != fitted(random_state=1).predict_proba(X)).any()


def test_scikit_learn_takes_it():
    model = clone(RowClassifier(4, epochs=5, ema=0.9))
    assert model.get_params()["ema"] == 0.9
    assert cross_val_score(model.set_params(random_state=0), X, Y, cv=2).min() > 0.5
    same(pickle.loads(pickle.dumps(learned())), learned())


@pytest.mark.parametrize("held", ["fraction", "data"])
def test_the_best_epoch_is_kept(held):
    """Its accuracy and loss are those of the history's best row."""
    if held == "fraction":
        model = fitted(validation_fraction=0.25)
    else:
        model = fitted(X[:150], Y[:150], {"validation_data": (X[150:], Y[150:])})
        assert model.score(X[150:], Y[150:]) == model.history_[model.best_epoch_ - 1]["score"]
    ranks = [(row["score"], -row["validation_loss"]) for row in model.history_]
    assert ranks.index(max(ranks)) == model.best_epoch_ - 1


def test_it_stops_where_nothing_gets_better():
    stopped = fitted(validation_fraction=0.25, patience=2, epochs=200, learning_rate=0.2)
    assert (stopped.stopped_, stopped.n_iter_) == ("patience", stopped.best_epoch_ + 2)


def test_weights_of_rows_and_classes():
    """Rows without weight do not matter; a class that counts more is named more often."""
    wrong = np.where(np.arange(192) < 100, "c", Y)
    weights = np.where(np.arange(192) < 100, 0.0, 1.0)
    assert fitted(y=wrong, data={"sample_weight": weights}).score(X, Y) > 0.85
    assert fitted(y=wrong).score(X, Y) < 0.8
    balanced = fitted(epochs=2, class_weight="balanced")
    named = fitted(epochs=2, class_weight={"a": 20.0}).predict(X) == "a"
    assert named.sum() > (balanced.predict(X) == "a").sum()
    counts = dict(zip(*np.unique(Y, return_counts=True), strict=True))
    same(balanced, fitted(epochs=2, class_weight={k: 64 / n for k, n in counts.items()}))


def test_some_weight_is_left_after_the_split():
    """The one row that counts is set aside: there is nothing to learn from."""
    settings = {"validation_fraction": 0.9}
    refused = 0
    for k in range(8):
        try:
            fitted(X[:60], Y[:60], {"sample_weight": np.eye(60)[k]}, epochs=1, **settings)
        except DataError as error:
            assert "no input to train on counts" in str(error)
            refused += 1
    assert refused > 0


def test_answers_need_a_fit():
    for ask in ("predict", "predict_proba"):
        with pytest.raises(NotFittedError):
            getattr(RowClassifier(), ask)(X)


def test_smoothed_labels_give_softer_answers():
    sharp, soft = learned(), fitted(label_smoothing=0.3)
    assert soft.predict_proba(X).max(axis=1).mean() < sharp.predict_proba(X).max(axis=1).mean()
    assert soft.score(X, Y) > 0.85


@pytest.mark.parametrize(
    ("x", "y", "settings", "words"),
    [
        (X, ["a"] * 192, {}, "one class only, 'a'"),
        (X, Y[:191], {}, "X has 192 inputs and y 191"),
        (X, np.c_[Y, Y], {}, "one class for each input"),
        (X, None, {}, "give y"),
        (X[:0], Y[:0], {}, "X is empty"),
        (X, np.where(np.arange(192) == 7, np.nan, 1.0), {}, r"y\[7\] is missing"),
        (X, [None if k == 3 else "ab"[k % 2] for k in range(192)], {}, r"y\[3\] is missing"),
        (X, X[:, 0], {}, "give classes"),
        (np.where(np.arange(192)[:, None] == 5, np.nan, X), Y, {}, r"x\[.*\] is nan"),
        (X, Y, {"class_weight": {"z": 2.0}}, "no class of y"),
        (X, Y, {"class_weight": {"a": -2.0}}, "class_weight of 'a' is -2.0"),
        (X, Y, {"class_weight": {"a": np.nan}}, "class_weight of 'a' is nan"),
        (X, Y, {"class_weight": {"a": "2"}}, "class_weight of 'a' is '2'"),
        (X, Y, {"class_weight": dict.fromkeys("abc", 0.0)}, "no input to train on counts"),
        (X, pd.Series([*Y[:-1], None], dtype="string"), {}, r"y\[191\] is missing"),
        (X[:5], ["a", "b", "a", "b", "c"], {"validation_fraction": 0.4}, "missing on one side"),
        (X, Y, {"epochs": 0}, "'epochs' parameter"),
        (X, Y, {"batch_size": 0}, "'batch_size' parameter"),
        (X, Y, {"ema": 1.0}, "'ema' parameter"),
        (X, Y, {"patience": 3}, "needs validation rows"),
    ],
)
def test_what_cannot_be_learned_from(x, y, settings, words):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with pytest.raises(ValueError, match=words):
            fitted(x, y, **settings)


def test_validation_data_of_another_class():
    with pytest.raises(DataError, match="validation_data: y has the class 'z'"):
        fitted(data={"validation_data": (X[:2], ["a", "z"])})
    with pytest.raises(DataError, match="not both"):
        fitted(data={"validation_data": (X, Y)}, validation_fraction=0.1)
    with pytest.raises(DataError, match="sample_weight has shape"):
        fitted(data={"sample_weight": np.ones(3)})


# Checkpoints


class Crash(Exception):
    """What a callback raises in place of a power cut."""


def crash(report):
    if report.epoch == 4:
        raise Crash


def test_a_fit_that_was_cut_off_goes_on(tmp_path):
    settings = {"epochs": 8, "validation_fraction": 0.25, "ema": 0.9, "class_weight": "balanced"}
    expected = fitted(**settings)
    path = tmp_path / "state"
    kept = {**settings, "checkpoint": path, "checkpoint_interval": 0.0}
    with pytest.raises(Crash):
        fitted(**kept, callbacks=[crash])
    assert path.exists()
    met = []
    model = fitted(**kept, callbacks=[lambda report: met.append(report.epoch)])
    assert met == [4, 5, 6, 7, 8]
    assert model.history_ == expected.history_
    same(model, expected)
    assert not path.exists()


# Files


def test_saved_and_loaded(tmp_path):
    """The same bits, the same bytes, the same history."""
    model = fitted(validation_fraction=0.25, class_weight={"a": 2.0})
    model.save(tmp_path / "first", card={"data": "rows"})
    again = load(tmp_path / "first")
    again.save(tmp_path / "second")
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    same(again, model)
    assert again.get_params() == model.get_params()
    assert (again.history_, again.best_epoch_, again.card_) == (
        model.history_, model.best_epoch_, {"data": "rows"},
    )  # fmt: skip
    again.set_params(class_weight=None, validation_fraction=0.0).fit(X, Y)
    same(again, learned())


def test_settings_that_do_not_belong_to_the_weights(tmp_path):
    model = copy.copy(learned()).set_params(width=9)
    with pytest.raises(ModelFileError, match="cannot be saved"):
        model.save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_onnx_gives_the_same_numbers():
    runtime = pytest.importorskip("onnxruntime")
    model = learned()
    session = runtime.InferenceSession(model.to_onnx().SerializeToString())
    for rows in (1, 7, 192):
        label, made = session.run(None, {"X": model._rows(X[:rows])})
        np.testing.assert_allclose(made, model.predict_proba(X[:rows]), atol=1e-5)
        np.testing.assert_array_equal(label, model.predict(X[:rows]))
    with pytest.raises(NotImplementedError, match="leave it out"):
        model.to_onnx("float64")
