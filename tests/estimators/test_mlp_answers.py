"""Answers for any number of rows: in blocks, with a last one that is filled up."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn

from chainrule import MLPClassifier, MLPRegressor
from chainrule.estimators.mlp.answering import Answers, Blocks

pytestmark = pytest.mark.usefixtures("_unoptimised")

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(90, 3))
LABELS = np.array(["c", "a", "b"])[np.argmax(X, axis=1)]
CLOSE = {"rtol": 1e-12, "atol": 1e-14}


@pytest.fixture(scope="module")
def classifier():
    return MLPClassifier((5,), solver="lbfgs", max_iter=40, tol=1e9, random_state=0).fit(X, LABELS)


@pytest.fixture(scope="module")
def regressor():
    model = MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", tol=1e9, random_state=0)
    return model.fit(X, X[:, 0] ** 2)


def by_hand(model, x):
    """A relu network with one hidden layer and softmax, in NumPy."""
    z = np.maximum(x @ model.coefs_[0] + model.intercepts_[0], 0.0)
    z = z @ model.coefs_[1] + model.intercepts_[1]
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def test_rows_of_any_number(classifier):
    """However many rows there are, each gets its own answer, wherever it stands."""
    x = DRAW.normal(size=(83, 3))
    network = classifier.fitted_network
    expected = by_hand(classifier, x)
    for most in (32, 1):
        blocks = Blocks(most, 10**6)
        answers = Answers(network.perceptron, network.weights, (), "outputs", blocks)
        for count in (1, 2, 15, 16, 17, 31, 32, 33, 48, 49, 83):
            got, finite = answers(x[:count], x.dtype)
            assert finite and got.shape == (count, 3)
            np.testing.assert_allclose(got, expected[:count], **CLOSE)


def test_few_programs():
    """Blocks cover all rows, of three sizes in all; what is filled up costs less than calls."""
    for most, work in ((256, 200_000), (1024, 100)):
        blocks = Blocks(most, work)
        for rows in range(1, 3000, 7):
            sizes, left = [], rows
            while left > 0:
                sizes.append(blocks.next(left))
                left -= sizes[-1]
            assert set(sizes) <= ({1, 16, 128, 256} if most == 256 else {1, 16, 1024})
            spent = len(sizes) * 2**16 + sum(sizes) * work
            assert spent <= 1.5 * rows * work + 2**16 * (rows / most + 2) + 16 * work + 1024 * 100
    assert Blocks.of(100, 10, 10) == Blocks(1024, 100)
    assert Blocks.of(20_000, 50, 10).most == 256  # 2**23 // 20,000 = 419
    assert Blocks.of(10**6, 1000, 10).most == 256
    assert Blocks.of(10**6, 10**6, 10).most == 8  # 2**23 numbers
    assert Blocks.of(10, 10, 10**9).most == 1


def test_answers_that_agree(classifier):
    """`predict` is the class of the largest of `predict_proba`, as scikit-learn's is."""
    x = DRAW.normal(size=(700, 3))
    expected = by_hand(classifier, x)
    np.testing.assert_allclose(classifier.predict_proba(x), expected, **CLOSE)
    np.testing.assert_array_equal(
        classifier.predict(x), np.array(["a", "b", "c"])[np.argmax(expected, axis=1)]
    )
    two = MLPClassifier((5,), solver="lbfgs", tol=1e9, random_state=0).fit(X, LABELS == "a")
    proba = two.predict_proba(x)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, **CLOSE)
    np.testing.assert_array_equal(two.predict(x), proba[:, 1] > 0.5)


def test_rows_as_they_lie(regressor):
    """Strided, reversed, read-only, sparse rows and those of another dtype are answered alike."""
    x = DRAW.normal(size=(40, 3)).round(1)
    expected = regressor.predict(x)
    read_only = x.copy()
    read_only.flags.writeable = False
    wide = np.repeat(x, 2, axis=1)
    for same in (np.asfortranarray(x), read_only, wide[:, ::2], x[::-1].copy()[::-1],
                 sp.csr_array(x), sp.csc_array(x), x.tolist(), x.astype(">f8")):  # fmt: skip
        np.testing.assert_array_equal(regressor.predict(same), expected)
    narrow = regressor.predict(x.astype(np.float32))
    assert narrow.dtype == np.float64
    np.testing.assert_allclose(narrow, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rows", [1, 16, 20])
def test_rows_that_are_not_finite(regressor, rows):
    """NaN and infinity are refused in any row, unless scikit-learn is told not to look."""
    x = np.zeros((rows, 3))
    x[-1, 1] = np.finfo(float).max  # whose sums overflow
    regressor.predict(x)
    for bad, name in ((np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")):
        x[-1, 1] = bad
        with pytest.raises(ValueError, match=f"contains {name}"):
            regressor.predict(x)
    with sklearn.config_context(assume_finite=True):
        assert regressor.predict(x).shape == (rows,)


def test_weights_of_now(regressor):
    """Weights that are exchanged or changed in place answer, and settings that are set."""
    model = copy.deepcopy(regressor)
    before = model.predict(X)
    model.intercepts_[-1] = model.intercepts_[-1] + 1.0
    np.testing.assert_allclose(model.predict(X), before + 1.0, **CLOSE)
    model.intercepts_[-1][...] += 1.0
    np.testing.assert_allclose(model.predict(X), before + 2.0, **CLOSE)
    np.testing.assert_array_equal(regressor.predict(X), before)
    model.activation = "identity"
    linear = (X @ model.coefs_[0] + model.intercepts_[0]) @ model.coefs_[1] + model.intercepts_[1]
    np.testing.assert_allclose(model.predict(X), linear[:, 0], **CLOSE)


def test_files_hold_no_programs(regressor):
    """A model that has answered is pickled as before, and answers with the same bits."""
    fresh = copy.deepcopy(regressor)
    answers = regressor.predict(X)
    assert len(pickle.dumps(regressor)) == len(pickle.dumps(fresh))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(regressor)).predict(X), answers)
