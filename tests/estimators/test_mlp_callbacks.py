"""scikit-learn's callbacks, those that `set_callbacks` takes: tasks of a fit and of its epochs."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule import MLPClassifier, MLPRegressor

protocol = pytest.importorskip("sklearn.callback", reason="scikit-learn before 1.9")

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("_unoptimised"),
]

X = np.random.default_rng(0).normal(size=(60, 4))
Y = np.array(["a", "b", "c"])[np.digitize(X[:, 0] + X[:, 1] * X[:, 2], [-0.5, 0.5])]
SETTINGS = {"hidden_layer_sizes": (6,), "batch_size": 16, "max_iter": 5, "random_state": 3}


class Watch:
    """Notes what it is told; stops after some epochs."""

    def __init__(self, last=None):
        self.last, self.told, self.fitted = last, [], []

    def setup(self, estimator, context):
        self.told.append(("setup", context.task_name, context.max_subtasks))

    def teardown(self, estimator, context):
        self.told.append(("teardown", context.task_name, context.max_subtasks))

    def on_fit_task_begin(self, estimator, context):
        self.told.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        self.told.append(("end", context.task_name, context.task_id))
        self.fitted.append((fitted_estimator, fitted_estimator.predict_proba(X), metadata))
        assert y is Y
        return context.task_name == "epoch" and context.task_id == self.last


def test_tasks():
    """The fit is a task, and each epoch one below it; the weights are those without callbacks."""
    watch, w = Watch(), np.linspace(0.5, 2.0, 60)
    model = MLPClassifier(**SETTINGS).set_callbacks(watch).fit(X, Y, w)
    epochs = [(when, "epoch", k) for k in range(5) for when in ("begin", "end")]
    begins, ends = [("setup", "fit", 5), ("begin", "fit", 0)], [("end", "fit", 0)]
    assert watch.told == [*begins, *epochs, *ends, ("teardown", "fit", 5)]
    plain = MLPClassifier(**SETTINGS).fit(X, Y, w)
    np.testing.assert_array_equal(model.coefs_[0], plain.coefs_[0])
    assert all(metadata["sample_weight"] is w for _, _, metadata in watch.fitted)
    for k, (_, made, _) in enumerate(watch.fitted[:5], start=1):
        short = MLPClassifier(**{**SETTINGS, "max_iter": k}).fit(X, Y, w)
        np.testing.assert_array_equal(made, short.predict_proba(X))
    for one, made, _ in watch.fitted:
        np.testing.assert_array_equal(one.predict_proba(X), made)  # later epochs change nothing


def test_stop():
    """One that returns True ends the training, without a warning that it did not converge."""
    watch = Watch(last=1)
    model = MLPClassifier(**SETTINGS).set_callbacks(watch, Watch()).fit(X, Y)
    assert model.n_iter_ == 2
    assert watch.told[-3:] == [("end", "epoch", 1), ("end", "fit", 0), ("teardown", "fit", 5)]


def test_early_stopping():
    """What an epoch would leave if it were the last are the best weights so far."""
    watch = Watch()
    model = MLPClassifier(**{**SETTINGS, "max_iter": 12, "early_stopping": True})
    model.set_callbacks(watch).fit(X, Y)
    best = [int(np.argmax(model.validation_scores_[: k + 1])) for k in range(12)]
    assert best != list(range(12))
    for k, one in enumerate(best):
        np.testing.assert_array_equal(watch.fitted[k][1], watch.fitted[one][1])
    np.testing.assert_array_equal(watch.fitted[11][1], model.predict_proba(X))


def test_normalized_and_lbfgs():
    """Statistics belong to the weights; lbfgs is one task without epochs."""
    watch = Watch()
    model = MLPClassifier(normalization="batch", **SETTINGS).set_callbacks(watch).fit(X, Y)
    assert len({made.tobytes() for _, made, _ in watch.fitted[:5]}) == 5
    np.testing.assert_array_equal(watch.fitted[4][1], model.predict_proba(X))
    watch = Watch()
    MLPClassifier(**{**SETTINGS, "solver": "lbfgs", "max_iter": 200}).set_callbacks(watch).fit(X, Y)
    assert [told[:2] for told in watch.told] == [
        (when, "fit") for when in ("setup", "begin", "end", "teardown")
    ]


def test_torn_down_after_an_error():
    """Whatever goes wrong, callbacks are torn down, and the model trains again."""
    watch = Watch()
    model = MLPClassifier(**SETTINGS).set_callbacks(watch)
    with pytest.raises(ValueError, match="contains NaN"):
        model.fit(np.full_like(X, np.nan), Y)
    assert watch.told[-1] == ("teardown", "fit", 5)
    model.fit(X, Y)
    assert watch.told[-2:] == [("end", "fit", 0), ("teardown", "fit", 5)]
    assert clone(model).set_callbacks().fit(X, Y).n_iter_ == 5
    pickle.loads(pickle.dumps(model)).partial_fit(X, Y)
    assert len(watch.told) == 2 + 1 + 2 * 5 + 1 + 3


def test_progress_bar(capsys):
    """scikit-learn's own bar, over a pipeline."""
    pytest.importorskip("rich")
    pipe = make_pipeline(StandardScaler(), MLPRegressor(**SETTINGS))
    pipe.set_callbacks(protocol.ProgressBar()).fit(X, X[:, 0])
    shown = capsys.readouterr().out
    assert "MLPRegressor - fit" in shown and "100%" in shown


def test_scoring_monitor():
    """scikit-learn's own monitor has the score of the training rows after each epoch."""
    monitor, scores = protocol.ScoringMonitor(scoring="accuracy"), []

    def watch(report):
        scores.append(accuracy_score(Y, report.model.predict(X)))

    MLPClassifier(**SETTINGS, callbacks=[watch]).set_callbacks(monitor).fit(X, Y)
    rows = monitor.get_logs().data
    assert [row["accuracy"] for row in rows if row["task_name"] == "epoch"] == scores


def test_search():
    """Callbacks of a search reach the fits of its candidates."""
    pytest.importorskip("rich")
    search = GridSearchCV(MLPClassifier(**SETTINGS), {"alpha": [1e-4, 1.0]}, cv=2)
    search.set_callbacks(protocol.ProgressBar(max_propagation_depth=2)).fit(X, Y)
    plain = GridSearchCV(MLPClassifier(**SETTINGS), {"alpha": [1e-4, 1.0]}, cv=2).fit(X, Y)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"]
    )
