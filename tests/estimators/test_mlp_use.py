"""How the estimators are used: answers, threads, sparse rows, interrupts, what they print."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.neural_network as peers

from chainrule import MLPClassifier, MLPRegressor
from chainrule.config import configured
from chainrule.estimators.inputs import rows
from chainrule.estimators.mlp import base

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("_unoptimised"),
]

CLOSE = {"rtol": 1e-9, "atol": 1e-12}
N = 60
DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(N, 4))
Y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2]
TARGETS = {
    "binary": np.where(Y > 0, "yes", "no"),
    "multiclass": np.array(["a", "b", "c"])[np.digitize(Y, [-0.5, 0.5])],
    "multilabel": np.stack([Y > 0, X[:, 3] > 0, X[:, 1] > 0.3], axis=1).astype(int),
    "number": Y,
    "numbers": np.stack([Y, X[:, 3]], axis=1),
    "counts": np.random.default_rng(1).poisson(np.exp(X[:, 0])).astype(float),
}
SETTINGS = {"hidden_layer_sizes": (6,), "batch_size": 16, "max_iter": 4, "random_state": 3}


def model_of(kind, **settings):
    kinds = ("binary", "multiclass", "multilabel")
    more = {"loss": "poisson"} if kind == "counts" else {}
    return (MLPClassifier if kind in kinds else MLPRegressor)(**{**SETTINGS, **more, **settings})


def fitted(kind, **settings):
    return model_of(kind, **settings).fit(X, TARGETS[kind])


def assert_bits(one, other):
    for a, b in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        np.testing.assert_array_equal(a, b)
    assert one.loss_curve_ == other.loss_curve_


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("members", [1, 2])
def test_one_row(kind, members):
    """One row gets what it gets among many, again and again; so does a compiled function."""
    model = fitted(kind, n_members=members)
    bare = model.compile_predict()
    whole, proba = model.predict(X), None
    if hasattr(model, "predict_proba"):
        proba = model.predict_proba(X)
        np.testing.assert_allclose(model.predict_log_proba(X[:1]), np.log(proba[:1]), **CLOSE)
    for k in range(10):
        row = X[k : k + 1]
        one = model.predict(row)
        assert one.dtype == whole.dtype and one.shape == whole[:1].shape
        if proba is None:
            np.testing.assert_allclose(one, whole[k : k + 1], **CLOSE)
            np.testing.assert_allclose(bare(X[k]), np.reshape(whole[k], -1), **CLOSE)
        else:
            np.testing.assert_array_equal(one, whole[k : k + 1])
            np.testing.assert_allclose(model.predict_proba(row), proba[k : k + 1], **CLOSE)
            known = proba[k, 1:] if kind == "binary" else proba[k]
            np.testing.assert_allclose(bare(X[k]), known, **CLOSE)


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("embedding", [None, "periodic", "piecewise"])
def test_one_row_of_categories(members, embedding):
    """A compiled function finds the vector of each code; one that was never met is as the last.

    It checks nothing, where `predict_proba` refuses such a code.
    """
    x = np.concatenate([X[:, :2], np.arange(N)[:, None] % 4, np.arange(N)[:, None] % 3], axis=1)
    model = model_of("multiclass", n_members=members, categorical_features=[2, 3],
                     numeric_embedding=embedding, activation="tanh")  # fmt: skip
    model.fit(x, TARGETS["multiclass"])
    bare = model.compile_predict()
    rows = np.concatenate([x[:12], [[0.5, -0.5, 3.0, 2.0]]])
    for row, expected in zip(rows, model.predict_proba(rows), strict=True):
        np.testing.assert_allclose(bare(row), expected, **CLOSE)
    assert len({tuple(bare(row)) for row in rows}) == 13
    np.testing.assert_array_equal(bare(rows[12]), bare(np.array([0.5, -0.5, 9.0, 2.0])))


@pytest.mark.parametrize("kind", ["multiclass", "number"])
def test_one_row_that_is_wrong(kind):
    """Fast or not: NaN, infinity, a wrong width and no fit are refused as scikit-learn does."""
    model = fitted(kind)
    model.predict(X[:1])
    for bad, message in (
        (np.full((1, 4), np.nan), "contains NaN"),
        (np.full((1, 4), np.inf), "contains infinity"),
        (X[:1, :3], "X has 3 features, but .* is expecting 4"),
        (X[0], "Expected 2D array, got 1D array"),
        (np.array([["a"] * 4]), "could not convert|dtype='numeric'"),
    ):
        with pytest.raises(ValueError, match=message):
            model.predict(bad)
    with pytest.raises(ValueError, match="is not fitted yet"):
        model_of(kind).predict(X[:1])
    big = np.array([[1e308, 1e308, 0.0, 0.0]])  # finite, though its sum is not
    assert model.predict(big).shape == (1,)


def test_one_row_of_other_dtypes():
    """Numbers of another dtype are converted as scikit-learn converts them."""
    model = fitted("number")
    whole = np.round(X[:1])
    for row in (whole.astype(int), whole.astype(np.float32), whole.tolist(), sp.csr_array(whole)):
        np.testing.assert_allclose(model.predict(row), model.predict(whole), rtol=1e-6)
    narrow = model_of("number").fit(X.astype(np.float32), Y)
    assert narrow.predict(X[:1].astype(np.float32)).dtype == np.float32
    assert narrow.predict(X[:1]).dtype == narrow.predict(X).dtype == np.float64


def test_answers_of_now():
    """After another fit, other settings or partial_fit, no old program or weights answer."""
    model = fitted("number")
    for change in (
        lambda: model.partial_fit(X, Y),
        lambda: model.set_params(hidden_layer_sizes=(3, 3), activation="tanh").fit(X, Y),
        lambda: model.set_params(activation="logistic"),
        lambda: model.set_params(hidden_layer_sizes=(9,)),
    ):
        before = model.predict(X[:1])
        bare = model.compile_predict()
        change()
        np.testing.assert_allclose(model.predict(X[:1]), model.predict(X)[:1], **CLOSE)
        np.testing.assert_allclose(bare(X[0]), before, **CLOSE)
    assert not np.allclose(bare(X[0]), model_of("number").fit(X, Y).predict(X[:1]))


def test_another_solver_after_fit():
    """partial_fit with a solver that was set since starts it anew."""
    model = fitted("number").set_params(solver="sgd", learning_rate_init=0.01)
    start = copy.deepcopy(model)
    model.partial_fit(X, Y)
    peer = peers.MLPRegressor(**{**SETTINGS, "solver": "sgd", "learning_rate_init": 0.01})
    peer.partial_fit(X, Y)
    peer.coefs_, peer.intercepts_ = start.coefs_, start.intercepts_
    del peer._optimizer
    peer.partial_fit(X, Y)
    for a, b in zip(model.coefs_, peer.coefs_, strict=True):
        np.testing.assert_allclose(a, b, **CLOSE)


def test_threads():
    """One, two and three threads give the same bits."""
    draw = np.random.default_rng(2)
    x, y = draw.normal(size=(1500, 60)), draw.normal(size=1500)
    settings = {"hidden_layer_sizes": (70, 50), "batch_size": 500, "max_iter": 2, "dropout": 0.2}
    models = [model_of("number", n_threads=k, **settings).fit(x, y) for k in (1, 2, 3)]
    for model in models[1:]:
        assert_bits(models[0], model)
        np.testing.assert_array_equal(models[0].predict(x), model.predict(x))


@pytest.mark.parametrize("settings", [{}, {"dropout": 0.3, "early_stopping": True},
                                      {"solver": "lbfgs"}])  # fmt: skip
@pytest.mark.parametrize("make", [sp.csr_array, sp.csc_array])
def test_sparse_rows(monkeypatch, settings, make):
    """Only some rows are dense at a time; the weights are those of the dense rows."""
    x = np.where(np.abs(X) < 0.7, 0.0, X)
    y, w = TARGETS["multiclass"], np.random.default_rng(1).uniform(0.5, 2.0, N)
    dense = model_of("multiclass", **settings).fit(x, y, w)
    met = []
    for kind in (sp.csr_array, sp.csc_array):
        whole = kind.toarray
        monkeypatch.setattr(
            kind, "toarray", lambda self, *a, _whole=whole: met.append(self.shape) or _whole(self)
        )
    monkeypatch.setattr(rows, "DENSE", 4 * 20)
    sparse = model_of("multiclass", **settings).fit(make(x), y, w)
    for a, b in zip(dense.coefs_ + dense.intercepts_, sparse.coefs_ + sparse.intercepts_,
                    strict=True):  # fmt: skip
        np.testing.assert_allclose(a, b, **CLOSE)
    np.testing.assert_allclose(sparse.predict_proba(make(x)), dense.predict_proba(x), **CLOSE)
    sizes = [size for size, width in met if width == 4]  # LabelBinarizer's are as wide as classes
    assert sizes and max(sizes) <= 20


@pytest.mark.parametrize("early", [False, True])
def test_interrupt(early):
    """Ctrl-C ends the training with a warning, and keeps the weights of then, or the best."""
    kept = []

    def watch(report):
        kept.append([c.copy() for c in report.model.coefs_])
        if report.epoch == 3:
            raise KeyboardInterrupt

    model = model_of("multiclass", callbacks=[watch], max_iter=50, early_stopping=early)
    with pytest.warns(UserWarning, match="interrupted by user"):
        model.fit(X, TARGETS["multiclass"])
    best = int(np.argmax(model.validation_scores_)) if early else 2
    for a, b in zip(model.coefs_, kept[best], strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.n_iter_ == len(model.loss_curve_) == 3


def test_callbacks():
    """Each is told a report an epoch; True, and nothing else, ends the training."""
    told, also = [], []

    def watch(report):
        told.append(report)
        return report.epoch == 3

    model = model_of("number", max_iter=20, callbacks=[watch, also.append]).fit(X, Y)
    assert [(r.epoch, r.epochs, r.loss) for r in told] == [
        (k, 20, loss) for k, loss in enumerate(model.loss_curve_, start=1)
    ]
    assert also == told and model.n_iter_ == 3
    assert told[0].model is model and told[0].validation_loss is told[0].score is None
    assert all(r.improved and r.samples_per_second > 0 for r in told)
    assert model_of("number", callbacks=[lambda report: "yes"]).fit(X, Y).n_iter_ == 4


STORED = []


def store(report):
    STORED.append(pickle.dumps(report.model))


def test_stored_while_it_trains():
    """A callback may store the model, without the rows to watch; it answers as it did then."""
    STORED.clear()
    model = model_of("number", callbacks=[store]).fit(X, Y, validation_data=(X, Y))
    made = [pickle.loads(data) for data in STORED]
    assert [one.score(X, Y) for one in made] == pytest.approx(model.validation_scores_, rel=1e-12)
    assert all(base.TRANSIENT & one.__dict__.keys() == set() for one in made)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("multiclass", {"early_stopping": True, "max_iter": 30, "n_iter_no_change": 2}),
        ("number", {"solver": "sgd", "tol": 0.05, "n_iter_no_change": 1, "max_iter": 90,
                    "learning_rate": "adaptive", "learning_rate_init": 0.01}),
    ],
)  # fmt: skip
def test_verbose(kind, settings, capsys):
    """It prints what scikit-learn prints."""
    # Numbers as classes: with text, scikit-learn below 1.9 cannot stop early
    y = np.unique(TARGETS[kind], return_inverse=True)[1] if kind == "multiclass" else TARGETS[kind]
    peer = {"multiclass": peers.MLPClassifier, "number": peers.MLPRegressor}[kind]
    peer(**{**SETTINGS, **settings}, verbose=True).fit(X, y)
    expected = capsys.readouterr().out
    model_of(kind, verbose=True, **settings).fit(X, y)
    assert capsys.readouterr().out == expected
    assert "Stopping." in expected
    model_of(kind, **settings).fit(X, y)
    assert capsys.readouterr() == ("", "")


WRONG = [
    ({"dropout": 1.0}, r"'dropout' parameter of MLPRegressor must be a float in the range \[0"),
    ({"solver": "adamax"}, "'solver' parameter of MLPRegressor must be a str among"),
    ({"ema": 1.0}, r"'ema' parameter .* must be a float in the range \(0"),
    ({"n_members": 0}, "'n_members' parameter .* must be an int in the range"),
    ({"normalization": "group"}, "'normalization' parameter .* must be a str among"),
    ({"clip_norm": 0.0}, r"'clip_norm' parameter .* must be a float in the range \(0"),
    ({"quantile": 1.5}, r"'quantile' parameter .* must be a float in the range \(0"),
    ({"callbacks": print}, "'callbacks' parameter .* must be an instance of"),
    ({"hidden_layer_sizes": (4, 0)}, "hidden_layer_sizes must be > 0"),
]


@pytest.mark.parametrize(("settings", "message"), WRONG)
def test_wrong_settings(settings, message):
    """What is wrong with a setting is said, and what would be right."""
    with pytest.raises(ValueError, match=message):
        model_of("number", **settings).fit(X, Y)


def test_wrong_rows():
    """Rows, targets and weights that cannot be trained on."""
    model = model_of("number")
    for x, y, w, message in (
        (X, Y[:5], None, "inconsistent numbers of samples"),
        (np.where(X > 2, np.nan, X), Y, None, "contains NaN"),
        (X[:0], Y[:0], None, "0 sample"),
        (X, Y, np.ones(3), "sample_weight.shape == "),
        (X, np.full(N, np.inf), None, "contains infinity"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(x, y, w)
    with pytest.raises(ValueError, match="non-finite parameter weights"):
        model_of("number", solver="sgd", learning_rate_init=1e10).fit(X * 1e100, Y)
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'"):
        model_of("binary", solver="lbfgs").partial_fit  # noqa: B018


def test_numpy_backend():
    """The reference backend trains to the same weights."""
    with configured(backend="numpy"):
        slow = fitted("multiclass", max_iter=2, hidden_layer_sizes=(5,))
    fast = fitted("multiclass", max_iter=2, hidden_layer_sizes=(5,))
    for a, b in zip(slow.coefs_, fast.coefs_, strict=True):
        np.testing.assert_allclose(a, b, **CLOSE)
