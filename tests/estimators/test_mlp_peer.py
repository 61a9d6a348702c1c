"""What scikit-learn's MLPClassifier and MLPRegressor do, ours do: checks, weights, tests."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
import sklearn.neural_network as peers
from sklearn.base import clone
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import chainrule

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:lbfgs failed to converge"),
    pytest.mark.usefixtures("_unoptimised"),
]

CLOSE = {"rtol": 1e-7, "atol": 1e-9}
LOOSE = {"rtol": 2e-3, "atol": 2e-4}  # float32, over some dozens of steps


def rows(kind, n=90, width=5, seed=0):
    """Rows and targets of a kind."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(n, width))
    signal = x[:, 0] - 0.5 * x[:, 1] * x[:, 2]
    y = {
        "binary": np.where(signal > 0, "yes", "no"),
        "text": np.array(["ant", "bee", "cat"])[np.digitize(signal, [-0.5, 0.5])],
        "multilabel": np.stack([signal > 0, x[:, 3] > 0.5, x[:, 4] > 0], axis=1).astype(int),
        "number": signal + 0.1 * draw.normal(size=n),
        "numbers": np.stack([signal, x[:, 3] ** 2], axis=1),
        "counts": draw.poisson(np.exp(0.5 * signal)).astype(float),
    }[kind]
    return x, y


def skip_if_the_peer_needs_numbers():
    """scikit-learn 1.8 and older asks `np.isnan` of the classes when it stops early."""
    if tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9):
        pytest.skip("scikit-learn below 1.9 cannot stop early with classes that are text")


def pair(kind, **settings):
    """Ours and scikit-learn's."""
    name = "MLPClassifier" if kind in ("binary", "text", "multilabel") else "MLPRegressor"
    settings = {"hidden_layer_sizes": (7, 4), "max_iter": 6, "random_state": 3, **settings}
    if settings.get("early_stopping") and kind in ("binary", "text"):
        skip_if_the_peer_needs_numbers()
    return getattr(chainrule, name)(**settings), getattr(peers, name)(**settings)


def assert_same(ours, theirs, x, close=CLOSE):
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            np.testing.assert_allclose(a, b, **close)
            assert a.dtype == b.dtype
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name)
    for name in ("loss_", "loss_curve_", "best_loss_", "validation_scores_",
                 "best_validation_score_"):  # fmt: skip
        expected = getattr(theirs, name, None)
        if expected is None:
            assert getattr(ours, name, None) is None
        else:
            np.testing.assert_allclose(getattr(ours, name), expected, **close)
    expected, made = theirs.predict(x), ours.predict(x)
    assert made.dtype == expected.dtype and made.shape == expected.shape
    if hasattr(theirs, "predict_proba"):
        np.testing.assert_array_equal(made, expected)
        np.testing.assert_array_equal(ours.classes_, theirs.classes_)
        for answer in ("predict_proba", "predict_log_proba"):
            np.testing.assert_allclose(
                getattr(ours, answer)(x), getattr(theirs, answer)(x), **close
            )
    else:
        np.testing.assert_allclose(made, expected, **close)


@parametrize_with_checks(
    [chainrule.MLPClassifier(max_iter=100), chainrule.MLPRegressor(max_iter=100)]
)
@pytest.mark.filterwarnings("ignore")
def test_checks(estimator, check):
    """scikit-learn's checks hold, without exceptions; what is not about learning takes 5 epochs."""
    trained = ("_train", "_classes", "class_weight")
    if not any(word in check.func.__name__ for word in trained):
        estimator = clone(estimator).set_params(max_iter=5)
    check(estimator)


SGD = {"solver": "sgd", "learning_rate_init": 0.05}
TABLE = {
    "adam": ("binary", {}),
    "adam, numbers of it": ("text", {"beta_1": 0.7, "beta_2": 0.95, "epsilon": 1e-3}),
    "lbfgs": ("binary", {"solver": "lbfgs"}),
    "lbfgs, max_fun": ("number", {"solver": "lbfgs", "max_iter": 100, "max_fun": 9}),
    "lbfgs, many classes": ("text", {"solver": "lbfgs", "alpha": 0.1}),
    "sgd": ("number", SGD),
    "sgd, plain momentum": ("text", {**SGD, "nesterovs_momentum": False}),
    "sgd, no momentum": ("text", {**SGD, "momentum": 0.0}),
    "invscaling": ("binary", {**SGD, "learning_rate": "invscaling", "power_t": 0.3}),
    "adaptive": ("number", {**SGD, "learning_rate": "adaptive", "tol": 0.05, "max_iter": 40,
                            "n_iter_no_change": 2}),
    "stops": ("number", {"tol": 0.01, "n_iter_no_change": 2, "max_iter": 60}),
    "identity": ("number", {"activation": "identity"}),
    "logistic": ("text", {"activation": "logistic"}),
    "tanh": ("numbers", {"activation": "tanh"}),
    "early, binary": ("binary", {"early_stopping": True, "max_iter": 15, "n_iter_no_change": 3}),
    "early, text": ("text", {"early_stopping": True, "validation_fraction": 0.3}),
    "early, number": ("number", {"early_stopping": True}),
    "early, multilabel": ("multilabel", {"early_stopping": True}),
    "early, counts": ("counts", {"early_stopping": True, "loss": "poisson"}),
    "no shuffle": ("text", {"shuffle": False, "batch_size": 32}),
    "batches that do not divide": ("binary", {"batch_size": 32}),
    "batches of one row": ("numbers", {"batch_size": 1, "max_iter": 2}),
    "one row left": ("text", {"batch_size": 89}),
    "alpha": ("number", {"alpha": 3.0}),
    "multilabel": ("multilabel", {}),
    "numbers": ("numbers", {}),
    "poisson": ("counts", {"loss": "poisson"}),
    "poisson, lbfgs": ("counts", {"loss": "poisson", "solver": "lbfgs"}),
    "no hidden layer": ("text", {"hidden_layer_sizes": ()}),
    "one size": ("text", {"hidden_layer_sizes": 6}),
    "ties of scores": ("text", {"early_stopping": True, "learning_rate_init": 1e-30, "tol": 0.0,
                                "n_iter_no_change": 2, "max_iter": 6}),
    "ties of losses": ("number", {"shuffle": False, "learning_rate_init": 1e-30, "tol": 0.0,
                                  "n_iter_no_change": 2, "max_iter": 6}),
    "never patient": ("text", {"n_iter_no_change": np.inf}),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "weighted"), [*((name, False) for name in TABLE), *((n, True) for n in [*TABLE][::2])]
)
def test_same_weights(name, weighted):
    """The same random state leads to the same weights, losses, scores and answers.

    With weights of rows as well for every other one.
    """
    kind, settings = TABLE[name]
    x, y = rows(kind)
    ours, theirs = pair(kind, **settings)
    w = np.random.default_rng(1).uniform(0.2, 2.0, len(x)) if weighted else None
    assert_same(ours.fit(x, y, w), theirs.fit(x, y, w), x)


@pytest.mark.parametrize(
    ("kind", "solver"),
    [("text", "adam"), ("number", "sgd"), ("binary", "lbfgs"), ("number", "lbfgs")],
)
def test_float32(kind, solver):
    """float32 rows: the same dtypes as scikit-learn's, and the same values as far as they go."""
    x, y = rows(kind)
    ours, theirs = pair(kind, solver=solver)
    narrow = x.astype(np.float32)
    assert_same(ours.fit(narrow, y), theirs.fit(narrow, y), narrow, LOOSE)
    assert_same(ours, theirs, x, LOOSE)


@pytest.mark.parametrize("make", [sp.csr_matrix, sp.csc_matrix, sp.csr_array, sp.csc_array])
@pytest.mark.parametrize("settings", [{}, {"solver": "lbfgs"}, {"early_stopping": True}])
def test_sparse(make, settings):
    """Sparse rows train and answer as scikit-learn's do."""
    x, y = rows("text")
    x[np.abs(x) < 0.7] = 0.0
    ours, theirs = pair("text", batch_size=32, **settings)
    assert_same(ours.fit(make(x), y), theirs.fit(make(x), y), make(x))
    np.testing.assert_allclose(ours.predict_proba(x), ours.predict_proba(make(x)), **CLOSE)


@pytest.mark.parametrize(
    ("kind", "solver"),
    [("binary", "adam"), ("text", "sgd"), ("multilabel", "adam"), ("number", "sgd"),
     ("numbers", "adam")],
)  # fmt: skip
def test_partial_fit(kind, solver):
    """A sequence of partial_fit, of unequal parts and with weights, is scikit-learn's."""
    x, y = rows(kind)
    classes = np.arange(3) if kind == "multilabel" else np.unique(y)
    extra = {} if kind.startswith("number") else {"classes": classes}
    ours, theirs = pair(kind, solver=solver, batch_size=16)
    w = np.random.default_rng(1).uniform(0.5, 1.5, len(x))
    for part in (slice(0, 40), slice(40, 90), slice(10, 50)):
        for model in (ours, theirs):
            model.partial_fit(x[part], y[part], sample_weight=w[part], **extra)
        extra = {}
    assert_same(ours, theirs, x)


@pytest.mark.parametrize("first", [np.float32, np.float64])
def test_partial_fit_of_another_dtype(first):
    """The weights keep the dtype of the first rows."""
    x, y = rows("number")
    ours, theirs = pair("number")
    second = np.float64 if first is np.float32 else np.float32
    for dtype in (first, second):
        for model in (ours, theirs):
            model.partial_fit(x.astype(dtype), y)
    assert_same(ours, theirs, x, LOOSE)


@pytest.mark.parametrize("settings", [{}, SGD, {"solver": "lbfgs"}])
def test_warm_start(settings):
    """A second fit goes on from the first, and so does its count of rows."""
    x, y = rows("text")
    ours, theirs = pair("text", warm_start=True, **settings)
    for _ in range(3):
        ours.fit(x, y)
        theirs.fit(x, y)
        assert_same(ours, theirs, x)


def test_shared_random_state():
    """A RandomState that is handed in is drawn from in the same order."""
    x, y = rows("text")
    ours, theirs = pair("text", early_stopping=True, random_state=None)
    ours.random_state, theirs.random_state = (np.random.RandomState(8) for _ in range(2))
    for _ in range(2):
        assert_same(ours.fit(x, y), theirs.fit(x, y), x)
    assert ours.random_state.randint(10**9) == theirs.random_state.randint(10**9)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_data_frames(library):
    """Columns' names are kept and compared; labels may be a column of strings."""
    frames = pytest.importorskip(library)
    x, y = rows("text")
    names = [f"c{k}" for k in range(x.shape[1])]
    table = frames.DataFrame(dict(zip(names, x.T, strict=True)))
    ours, theirs = pair("text")
    assert_same(ours.fit(table, y), theirs.fit(table, y), table)
    assert ours.feature_names_in_.tolist() == names
    assert ours.predict(table[:1]).tolist() == theirs.predict(table[:1]).tolist()
    with pytest.raises(ValueError, match="feature names"):
        ours.predict(table.rename(columns={"c0": "other"}) if library == "pandas"
                     else table.rename({"c0": "other"}))  # fmt: skip
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        ours.predict(x[:1])
    if library == "pandas":
        ours.fit(table, pd.Series(y, dtype="category"))
        assert_same(ours, theirs, table)


def test_routed_weights():
    """Metadata routing hands the weights to each fit of a search over a pipeline."""
    x, y = rows("binary")
    w = np.random.default_rng(1).uniform(0.1, 3.0, len(x))
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        found = []
        for model in pair("binary"):
            model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
            pipe = make_pipeline(scaler, model)
            search = GridSearchCV(pipe, {f"{pipe.steps[1][0]}__alpha": [1e-4, 1.0]}, cv=3)
            found.append(search.fit(x, y, sample_weight=w))
    ours, theirs = found
    np.testing.assert_allclose(
        ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"], **CLOSE
    )
    assert_same(
        ours.best_estimator_[-1], theirs.best_estimator_[-1], StandardScaler().fit_transform(x)
    )


def test_clone():
    """A clone has all settings and no weights."""
    x, y = rows("text")
    ours = pair("text")[0].set_params(dropout=0.3, activation=("tanh", "gelu"))
    copy = clone(ours.fit(x, y))
    assert copy.get_params() == ours.get_params() and not hasattr(copy, "coefs_")
    again = copy.fit(x, y)
    for a, b in zip(again.coefs_, ours.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("how", ["pickle", "joblib"])
@pytest.mark.parametrize("kind", ["text", "number"])
def test_stored(how, kind, tmp_path):
    """A model that was stored answers alike, and goes on as scikit-learn's does."""
    x, y = rows(kind)
    ours, theirs = (model.fit(x, y) for model in pair(kind))
    ours.predict(x[:1])  # compiles what a file cannot hold
    if how == "pickle":
        again = pickle.loads(pickle.dumps(ours))
    else:
        joblib.dump(ours, tmp_path / "model")
        again = joblib.load(tmp_path / "model")
    np.testing.assert_array_equal(ours.predict(x), again.predict(x))
    assert_same(again.partial_fit(x, y), theirs.partial_fit(x, y), x)


@pytest.mark.slow
def test_search_in_processes():
    """GridSearchCV with two processes finds what one does, and what scikit-learn's does."""
    x, y = rows("text")
    ours, theirs = pair("text")
    grid = {"alpha": [1e-4, 1.0], "activation": ["relu", "tanh"]}
    found = [
        GridSearchCV(model, grid, cv=2, n_jobs=jobs).fit(x, y).cv_results_["mean_test_score"]
        for model, jobs in ((ours, 2), (ours, None), (theirs, None))
    ]
    np.testing.assert_allclose(found[0], found[2], **CLOSE)
    np.testing.assert_array_equal(found[0], found[1])


def test_voting():
    """Members of a VotingClassifier, beside a pipeline."""
    x, y = rows("text")
    made = [
        VotingClassifier(
            [("a", model), ("b", make_pipeline(StandardScaler(), clone(model)))], voting="soft"
        ).fit(x, y).predict_proba(x)
        for model in pair("text")
    ]  # fmt: skip
    np.testing.assert_allclose(*made, **CLOSE)


def test_one_class():
    """Labels of a single class, of one row and of many."""
    x = rows("text")[0]
    ours, theirs = (
        model.fit(x, np.full(len(x), "a"))
        for model in pair("text", max_iter=1, learning_rate_init=1e-9, random_state=2)
    )
    assert ours.predict_proba(x)[:, 1].max() > 0.5  # still: the labels are coded as 0
    assert_same(ours, theirs, x)
    assert [ours.predict(x[k : k + 1])[0] for k in range(len(x))] == ["a"] * len(x)


CONFTEST = """
import pytest

@pytest.fixture
def global_random_seed():
    return 42
"""


@pytest.mark.slow
def test_its_own_tests(tmp_path):
    """scikit-learn's own file of tests, with our classes in place of its, passes but for three.

    One wants a training whose loss is nan to end without an error; `test_fit` and `test_gradient`
    set and call private members (`_no_improvement_count`, `_loss_grad_lbfgs`) of a model.
    """
    source = Path(peers.__file__).parent / "tests" / "test_mlp.py"
    if not sklearn.__version__.startswith("1.9.") or not source.exists():
        pytest.skip(
            f"scikit-learn {sklearn.__version__} has no tests that were met, or none at all"
        )
    text = source.read_text(encoding="utf-8")
    line = "from sklearn.neural_network import MLPClassifier, MLPRegressor"
    assert text.count(line) == 1
    (tmp_path / "test_mlp.py").write_text(
        text.replace(line, "from chainrule import MLPClassifier, MLPRegressor")
    )
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider",
         "-k", "not diverging_loss and not test_fit and not test_gradient", "."],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "CHAINRULE_"))},
    )  # fmt: skip
    assert done.stdout.strip().splitlines()[-1].startswith("56 passed"), done.stdout[-3000:]
