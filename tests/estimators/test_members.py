"""Ensembles whose members see different rows, and tables that are learned from that way."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.utils.estimator_checks import parametrize_with_checks
from unoptimised import unoptimised

from chainrule import MLPClassifier, MLPRegressor, TabularClassifier, TabularRegressor
from chainrule.data import Features
from chainrule.estimators.mlp.embedding import bin_edges

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("_unoptimised"),
]

SMALL = {"hidden_layer_sizes": (16,), "max_iter": 20, "n_members": 2}
DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(60, 3))
Y = X[:, 0] - X[:, 1] * X[:, 2]
SEEN = DRAW.uniform(size=(60, 2)) < 0.7


@parametrize_with_checks([TabularClassifier(**SMALL), TabularRegressor(**SMALL)])
@pytest.mark.filterwarnings("ignore")
def test_checks(estimator, check):
    """scikit-learn's checks of estimators hold, without exceptions."""
    trained = check.func.__name__ in OF_TRAINED
    check(estimator if trained else clone(estimator).set_params(max_iter=2))


# What these hold holds of trained models alone; all others compare answers with each other, or
# errors with what was given, whatever the number of epochs.
OF_TRAINED = {"check_classifiers_train", "check_classifiers_classes", "check_regressors_train",
              "check_class_weight_classifiers"}  # fmt: skip


@pytest.mark.slow
@parametrize_with_checks([TabularClassifier(), TabularRegressor()])
@pytest.mark.filterwarnings("ignore")
def test_checks_of_the_defaults(estimator, check):
    """The same with all defaults; but for what asks how good a model is, two epochs will do."""
    if check.func.__name__ in OF_TRAINED:
        check(clone(estimator).set_params(n_members=2))
        return
    with unoptimised():
        check(clone(estimator).set_params(max_iter=2))


def network(kind=MLPRegressor, **settings):
    return kind(
        hidden_layer_sizes=(5,), n_members=2, batch_size=16, max_iter=4, random_state=0, **settings
    )


@pytest.mark.parametrize("member", [0, 1])
def test_a_member_learns_nothing_from_rows_without_weight(member):
    """Other targets in rows that one member does not see change the other member only."""
    other = np.where(SEEN[:, member], Y, 100.0)
    first = network().fit(X, Y, sample_weight=SEEN * 1.0)
    second = network().fit(X, other, sample_weight=SEEN * 1.0)
    for a, b in zip(first.coefs_, second.coefs_, strict=True):
        np.testing.assert_array_equal(a[member], b[member])
        assert np.abs(a[1 - member] - b[1 - member]).max() > 1e-3


def test_weights_of_members_that_agree():
    """The same weights for all members are weights of rows; scaled, they are the same still."""
    w = DRAW.uniform(0.5, 2.0, 60)
    plain = network(alpha=0.0).fit(X, Y, sample_weight=w)
    both = network(alpha=0.0).fit(X, Y, sample_weight=np.stack([w, 3.0 * w], axis=1))
    for a, b in zip(plain.coefs_, both.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(plain.loss_curve_, both.loss_curve_, rtol=1e-12)


def test_rows_to_watch_are_answered_by_those_who_do_not_see_them():
    """The score is that of each row's mean over the members that have weight there."""
    held = ~SEEN * 1.0
    held[held.sum(axis=1) == 0] = [0.0, 2.0]
    model = network(early_stopping=True, n_iter_no_change=9)
    model.fit(X, Y, sample_weight=SEEN * 1.0, validation_data=(X, Y, held))
    best = int(np.argmax(model.validation_scores_))
    each = [
        np.maximum(X @ model.coefs_[0][m] + model.intercepts_[0][m], 0.0) @ model.coefs_[1][m]
        + model.intercepts_[1][m]
        for m in range(2)
    ]
    mixed = np.average(np.stack(each)[..., 0].T, axis=1, weights=held)
    expected = r2_score(Y, mixed, sample_weight=held.sum(axis=1))
    assert expected == pytest.approx(model.validation_scores_[best], rel=1e-9)


def test_class_weights_multiply_those_of_members():
    labels = (Y > 0).astype(int)
    weight = np.where(labels == 1, 5.0, 1.0)[:, None] * SEEN
    given = network(MLPClassifier, class_weight={0: 1.0, 1: 5.0}).fit(X, labels, SEEN * 1.0)
    whole = network(MLPClassifier).fit(X, labels, weight)
    np.testing.assert_array_equal(given.coefs_[0], whole.coefs_[0])


@pytest.mark.parametrize("shape", [(60, 3), (59, 2), (60, 1)])
def test_weights_of_a_wrong_shape(shape):
    with pytest.raises(ValueError, match=r"sample_weight|Sample weights"):
        network().fit(X, Y, sample_weight=np.ones(shape))


def test_edges_of_bins():
    """Quantiles where values differ; between the rarer ones where one is frequent."""
    np.testing.assert_allclose(bin_edges(np.arange(9.0), 4), [0, 2, 4, 6, 8])
    spiked = np.concatenate([np.zeros(95), [1.0, 2.0, 3.0, 4.0, 5.0]])
    np.testing.assert_array_equal(bin_edges(spiked, 5), [0, 1, 2, 3, 4, 5])
    few = bin_edges(np.float32([1e9, 1e9, 2e9]), 4)
    np.testing.assert_array_equal(few[:3], [1e9, 1.5e9, 2e9])
    assert (np.diff(few.astype(np.float32)) > 0).all()


def test_what_does_not_move_has_itself_as_its_mean():
    """Edges of bins are the same bits after many steps with running means of the weights."""
    model = MLPRegressor(
        hidden_layer_sizes=(4,), solver="adamw", numeric_embedding="piecewise", ema=0.998,
        max_iter=50, batch_size=2, random_state=0,
    ).fit(X.astype(np.float32), Y)  # fmt: skip
    expected = np.float32([bin_edges(column, 2)[:-1] for column in X.astype(np.float32).T])
    np.testing.assert_array_equal(expected, model.embedding_["edges"])


def test_members_and_steps_by_rows():
    """4 networks for some hundred rows; below 50 all rows in one step, without chance."""
    frame = pd.DataFrame(X, columns=list("abc"))
    few = TabularRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0)
    few.fit(frame[:40], Y[:40])
    assert (40, 0.0, False, None) == (
        few.network_.batch_size, few.network_.dropout, few.network_.early_stopping,
        few.network_.numeric_embedding,
    )  # fmt: skip
    model = TabularRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0).fit(frame, Y)
    assert (4, 0.1, True) == (
        model.network_.n_members, model.network_.dropout, model.network_.early_stopping,
    )  # fmt: skip


def test_rare_values_of_text():
    """In a table of 1,000 rows a value of fewer than 5 shares the row of zeros."""
    city = ["a"] * 600 + ["b"] * 393 + ["c"] * 4 + ["d"] * 3
    (column,) = Features.learn(pd.DataFrame({"city": city})).columns
    assert ("a", "b") == column.levels
    (column,) = Features.learn(pd.DataFrame({"city": [f"n{k}" for k in range(300)]})).columns
    assert len(column.levels) == 64


def test_weights_of_rows_in_features():
    frame = pd.DataFrame({"x": [0.0, 1.0, 5.0]})
    weighted = Features.learn(frame, sample_weight=np.array([2.0, 1.0, 3.0]))
    repeated = Features.learn(frame.iloc[[0, 0, 1, 2, 2, 2]])
    assert weighted == replace(repeated, columns=(replace(repeated.columns[0], fill=1.0),))
