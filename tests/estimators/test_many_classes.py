"""Many classes: their codes are kept, not a column of 0 and 1 for each."""

import tracemalloc

import numpy as np
import pytest
from sklearn.preprocessing import LabelBinarizer

import chainrule as cr
from chainrule.estimators.inputs import encoding

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:The number of unique classes"),
    pytest.mark.usefixtures("_unoptimised"),
]
QUICK = {"hidden_layer_sizes": (8,), "max_iter": 3, "random_state": 0, "progress": False}


def rows(count, classes, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(count) % classes
    return rng.normal(size=(count, 4)) + y[:, None] % 7, y


@pytest.mark.parametrize(
    "more",
    [{}, {"n_members": 2}, {"label_smoothing": 0.1}, {"mixup": True}, {"class_weight": "balanced"},
     {"early_stopping": True}, {"solver": "lbfgs"}, {"activation": "tanh", "solver": "sgd"}],
    ids=str,
)  # fmt: skip
def test_codes_train_as_columns_do(monkeypatch, more):
    """The same weights, bit for bit, and the same answers, whichever is kept."""
    x, y = rows(200, 5)
    found = []
    for most in (64, 2):
        monkeypatch.setattr(encoding, "MOST_COLUMNS", most)
        model = cr.MLPClassifier(**{**QUICK, **more})
        given = {} if more.get("early_stopping") or more.get("solver") else {
            "validation_data": rows(50, 5, seed=1)
        }  # fmt: skip
        model.fit(x, np.array(list("abcde"))[y], **{
            name: (data[0], np.array(list("abcde"))[data[1]]) for name, data in given.items()
        })  # fmt: skip
        assert model._has_codes() == (most == 2)
        found.append((model, model.predict(x), model.predict_proba(x)))
    (one, names, made), (other, same, equal) = found
    for a, b in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    assert names.tolist() == same.tolist()
    np.testing.assert_allclose(made, equal, rtol=1e-10)
    assert getattr(one, "validation_scores_", None) == getattr(other, "validation_scores_", None)


def test_no_matrix_of_columns(monkeypatch):
    """3,000 classes of 6,000 rows: 144 MB as whole numbers, 18 MB as truth values, never made."""

    def refuse(self, y):
        raise AssertionError(f"a column for each of {len(self.classes_)} classes")

    monkeypatch.setattr(LabelBinarizer, "transform", refuse)
    x, y = rows(6000, 3000)
    model = cr.TabularClassifier(n_members=1, **{**QUICK, "max_iter": 1})
    tracemalloc.start()
    try:
        model.fit(x, y)
        made = model.predict(x)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert made.dtype == y.dtype and made.shape == y.shape
    assert peak < 130e6


def test_many_classes_are_learned_and_saved(tmp_path):
    """100 classes that one column tells apart; the file gives the same answers."""
    rng = np.random.default_rng(0)
    y = rng.permutation(np.arange(2000) % 100)
    x = np.column_stack([np.cos(y), np.sin(y), np.cos(3 * y), np.sin(3 * y), np.cos(7 * y),
                         np.sin(7 * y), np.cos(20 * y), np.sin(20 * y)])  # fmt: skip
    x += rng.normal(size=x.shape) * 0.02
    model = cr.TabularClassifier((64,), n_members=1, max_iter=40, random_state=0, progress=False)
    model.fit(x[:1500], y[:1500])
    assert model.score(x[1500:], y[1500:]) > 0.9
    model.save(tmp_path / "a.safetensors")
    again = cr.load(tmp_path / "a.safetensors")
    np.testing.assert_array_equal(model.predict_proba(x[:9]), again.predict_proba(x[:9]))
    np.testing.assert_array_equal(model.predict(x), again.predict(x))
    np.testing.assert_array_equal(
        again.classes_[again.predict_proba(x).argmax(1)], model.predict(x)
    )
