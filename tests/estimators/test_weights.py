"""Weights of rows and classes: the same checks in all estimators, and any size that is a number."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DataError
from chainrule.estimators.inputs.weights import in_range, plain_weights

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("_unoptimised"),
]
N = 60
X = np.random.default_rng(0).normal(size=(N, 3))
Y = np.arange(N) % 2
QUICK = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0, "progress": False}
KINDS = [cr.TabularClassifier, cr.TabularRegressor, cr.MLPClassifier, cr.MLPRegressor]


def model(kind, **more):
    own = {"n_members": 1} if kind.__name__.startswith("T") else {"alpha": 0.0}
    return kind(**QUICK, **own, **more)


def given(row, value):
    weights = np.ones(N)
    weights[row] = value
    return weights


BAD = [
    (given(3, -1.0), r"sample_weight\[3\] is -1.0: give finite numbers of 0 or more"),
    (given(0, np.nan), r"sample_weight\[0\] is nan"),
    (given(5, np.inf), r"sample_weight\[5\] is inf"),
    (-np.ones(N), r"sample_weight\[0\] is -1.0"),
    (np.zeros(N), "at least one non-zero"),
    (np.ma.masked_array(np.ones(N), np.arange(N) == 7), r"sample_weight\[7\] is masked"),
    (["a"] * N, "one number of 0 or more for each row"),
    ([1j] * N, "one number of 0 or more for each row"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("weights", "told"), BAD, ids=range(len(BAD)))
def test_weights_that_are_refused(kind, weights, told):
    """In training, in a score, and a perceptron's also in `partial_fit`."""
    with pytest.raises(DataError, match=told):
        model(kind).fit(X, Y, sample_weight=weights)
    with pytest.raises(DataError, match=told):
        model(kind).fit(X, Y).score(X, Y, sample_weight=weights)
    if hasattr(kind, "partial_fit"):
        more = {"classes": [0, 1]} if hasattr(kind, "predict_proba") else {}
        with pytest.raises(DataError, match=told):
            model(kind).partial_fit(X, Y, sample_weight=weights, **more)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("power", [1020, 200, -1060])
def test_weights_of_any_size(kind, power):
    """Where their sum leaves the range of a dtype, they are those that are scaled by 2**k."""
    weights = np.exp2(np.arange(N) % 3)
    expected = model(kind).fit(X, Y, sample_weight=weights / 8)
    found = model(kind).fit(X, Y, sample_weight=np.ldexp(weights, power))
    np.testing.assert_allclose(expected.predict(X), found.predict(X), rtol=1e-5)


def test_weights_in_range_are_kept():
    weights = np.array([0.5, 3.0])
    assert in_range(weights, np.float64) is weights
    assert [0.5, 1.0 / 2**9] == in_range(np.array([2.0**1023, 2.0**1015]), np.float64).tolist()
    assert plain_weights(None) is None


@pytest.mark.parametrize("kind", [cr.TabularClassifier, cr.MLPClassifier])
@pytest.mark.parametrize(
    ("weight", "told"),
    [
        ({0: -1, 1: 1}, "class_weight of 0 is -1: give a finite number of 0 or more"),
        ({0: np.nan, 1: 1}, "class_weight of 0 is nan"),
        ({0: 1, 1: "b"}, "class_weight of 1 is 'b'"),
        ({0: 0, 1: 0}, "no input to train on counts"),
    ],
)
def test_weights_of_classes_that_are_refused(kind, weight, told):
    with pytest.raises(DataError, match=told):
        model(kind, class_weight=weight).fit(X, Y)


@pytest.mark.parametrize("kind", [cr.TabularClassifier, cr.MLPClassifier])
def test_weights_of_classes_of_any_size(kind):
    """Times weights of rows that are as large."""
    plain = model(kind, class_weight={0: 0.25, 1: 0.5}).fit(X, Y, np.full(N, 0.5))
    large = model(kind, class_weight={0: 2.0**1022, 1: 2.0**1023}).fit(X, Y, np.full(N, 1e307))
    np.testing.assert_allclose(plain.predict_proba(X), large.predict_proba(X), rtol=1e-4)


def test_weights_of_members():
    """A row and a member are named."""
    weights = np.ones((N, 2))
    weights[4, 1] = -1.0
    with pytest.raises(DataError, match=r"sample_weight\[4, 1\] is -1.0"):
        cr.MLPRegressor(**QUICK, n_members=2).fit(X, Y, sample_weight=weights)


@pytest.mark.parametrize("kind", KINDS)
def test_one_weight_for_all_rows(kind):
    """As in scikit-learn a single number is the weight of each row."""
    expected = model(kind).fit(X, Y, sample_weight=np.full(N, 0.5)).predict(X)
    np.testing.assert_array_equal(expected, model(kind).fit(X, Y, sample_weight=0.5).predict(X))
