"""`AnomalyDetector` on tables: scikit-learn's checks, rows that are independent, odd rows."""

import copy
import pickle
import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks
from unoptimised import unoptimised

from chainrule import AnomalyDetector
from chainrule.errors import DataError
from chainrule.estimators.anomaly.settings import METHODS
from chainrule.estimators.anomaly.thresholds.calibration import FewRowsWarning

pytestmark = [
    pytest.mark.filterwarnings(
        "ignore::chainrule.estimators.anomaly.thresholds.calibration.FewRowsWarning"
    ),
    pytest.mark.usefixtures("_unoptimised"),
]

RNG = np.random.default_rng(0)
MIX = RNG.normal(size=(2, 4))
X = RNG.normal(size=(500, 2)) @ MIX + 0.1 * RNG.normal(size=(500, 4))
NEW = RNG.normal(size=(300, 2)) @ MIX + 0.1 * RNG.normal(size=(300, 4))
FAR = np.array([[3.0, -3.0, 3.0, -3.0], [0.0, 9.0, 0.0, 0.0], [-5.0, 0.0, 5.0, 0.0]])
SLOW = ("masked", "variational", "denoising")  # to compile
QUICK_METHODS = [pytest.param(m, marks=[pytest.mark.slow] * (m in SLOW)) for m in METHODS]
QUICK = {"max_iter": 3, "n_members": 2, "progress": False, "random_state": 0}


def detector(**settings):
    return AnomalyDetector(**{**QUICK, **settings})


@cache
def fitted(method="auto"):
    """One of each method, trained once in a process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewRowsWarning)
        return detector(method=method).fit(X)


def table(rows=300):
    rng = np.random.default_rng(2)
    return pd.DataFrame({
        "size": rng.normal(5.0, 1.0, rows),
        "colour": rng.choice(["red", "green"], rows),
        "weight": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows)),
        "when": pd.date_range("2024-01-01", periods=rows, freq="h"),
        "open": rng.random(rows) < 0.5,
    })  # fmt: skip


@parametrize_with_checks([AnomalyDetector(method="neighbors", progress=False)])
@pytest.mark.filterwarnings("ignore")
def test_checks(estimator, check):
    """scikit-learn's checks of outlier detectors hold, without exceptions.

    Among them: of the training rows few are anomalies, and as many as `contamination` says.
    """
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([AnomalyDetector(max_iter=2, n_members=1, progress=False)])
@pytest.mark.filterwarnings("ignore")
def test_checks_with_networks(estimator, check):
    """The same with networks, which take a second to compile."""
    with unoptimised():
        check(estimator)


# Rows are independent of each other


@pytest.mark.parametrize("method", QUICK_METHODS)
def test_a_score_depends_on_no_other_row(method):
    """In another order, in parts and alone, up to float32's rounding of a network's error."""
    made = fitted(method)
    both = np.concatenate([NEW, FAR])
    scores = made.score_samples(both)
    assert (303,) == scores.shape and np.float64 == scores.dtype
    order = np.random.default_rng(1).permutation(len(both))
    close = {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(made.score_samples(both[order]), scores[order], **close)
    for part in (slice(0, 2), slice(10, 17), slice(100, 303), slice(299, 303)):
        np.testing.assert_allclose(made.score_samples(both[part]), scores[part], **close)
    alone = [made.score_samples(row[None])[0] for row in both[-20:]]
    np.testing.assert_allclose(alone, scores[-20:], **close)
    beside = np.concatenate([both[:5], np.full((40, 4), 1e9)])
    np.testing.assert_allclose(made.score_samples(beside)[:5], scores[:5], **close)


@pytest.mark.parametrize("method", QUICK_METHODS)
def test_the_same_seed_gives_the_same_bits(method):
    scores = fitted(method).score_samples(NEW)
    np.testing.assert_array_equal(scores, detector(method=method).fit(X).score_samples(NEW))
    other = detector(method=method, random_state=1).fit(X)
    assert np.abs(scores - other.score_samples(NEW)).max() > 1e-3


def test_threads_change_no_bit():
    scores = fitted("autoencoder").score_samples(NEW)
    alone = fitted("autoencoder").score_samples(NEW[:1])
    made = detector(method="autoencoder", n_threads=1).fit(X)
    for count in (1, 2):
        made.set_params(n_threads=count)
        np.testing.assert_array_equal(scores, made.score_samples(NEW))
        np.testing.assert_array_equal(alone, made.score_samples(NEW[:1]))


@pytest.mark.parametrize("method", QUICK_METHODS)
def test_far_rows_are_anomalies(method):
    """Each method sees rows off the plane that all training rows are near to."""
    made = fitted(method)
    assert [-1, -1, -1] == made.predict(FAR).tolist()
    assert made.predict(NEW).mean() > 0.9
    assert made.score_samples(FAR).max() < made.score_samples(NEW).min()


# Answers belong together


def test_answers_of_one_model():
    """Decisions are scores minus the offset; predictions their signs; p-values their ranks."""
    made = fitted()
    both = np.concatenate([NEW, FAR])
    scores = made.score_samples(both)
    np.testing.assert_array_equal(scores - made.offset_, made.decision_function(both))
    np.testing.assert_array_equal(np.where(scores < made.offset_, -1, 1), made.predict(both))
    held = made.calibration_scores_
    assert 100 == len(held) and (np.diff(held) >= 0).all()  # a fifth
    expected = [(1 + np.sum(held <= score)) / 101 for score in scores]
    np.testing.assert_allclose(made.p_values(both), expected, rtol=1e-12)
    assert made.offset_ == made.threshold(0.01)
    for rate in (0.5, 0.1, 0.02):
        at = made.threshold(rate)
        np.testing.assert_array_equal(
            np.where(scores < at, -1, 1), made.predict(both, false_alarm_rate=rate)
        )
        assert round(rate * 101) - np.sum(held < at) in (0, 1)
    chosen = made.predict(both, fdr=0.5) == -1
    assert chosen[-3:].all() and chosen.sum() < 30


def test_rates_of_the_settings():
    """`false_alarm_rate` and `contamination` set the offset."""
    made = detector(method="neighbors", false_alarm_rate=0.1).fit(X)
    assert made.offset_ == fitted("neighbors").threshold(0.1)
    for share in (0.02, 0.2, 0.5):
        made = detector(method="neighbors", contamination=share).fit(X)
        assert np.mean(made.predict(X) == -1) == pytest.approx(share, abs=0.003)
    auto = detector(method="neighbors", contamination="auto", false_alarm_rate=0.2).fit(X)
    assert auto.offset_ == auto.threshold(0.2)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"contamination": 0.9}, "'contamination'.*Got 0.9"),
        ({"contamination": 0.1, "false_alarm_rate": 0.1}, "both set the threshold"),
        ({"false_alarm_rate": 1.5}, "'false_alarm_rate'"),
        ({"method": "magic"}, "'method'.*'magic'"),
        ({"n_members": 0}, "'n_members'"),
        ({"n_neighbors": 0}, "'n_neighbors'"),
        ({"calibration_fraction": 1.0}, "'calibration_fraction'"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes must be > 0"),
        ({"learning_rate_init": 0.0}, "'learning_rate_init'"),
        ({"categorical_features": ["z"]}, "there is no 'z'"),
        ({"time": "day"}, "give its window"),
    ],
)
def test_settings_out_of_range(settings, words):
    with pytest.raises(ValueError, match=words):
        detector(**settings).fit(X)


@pytest.mark.parametrize(
    "given", [{"false_alarm_rate": 0.0}, {"fdr": 1.0}, {"fdr": 0.1, "false_alarm_rate": 0.1}]
)
def test_rates_out_of_range(given):
    for method in (fitted().predict, fitted().alarms):
        with pytest.raises(ValueError, match="false_alarm_rate|fdr"):
            method(X[:3], **given)
    with pytest.raises(ValueError, match="between 0 and 1"):
        fitted().threshold(0.0)


@pytest.mark.parametrize("method", ["alarms", "attributions", "decision_function", "explain",
                                    "p_values", "predict", "score_samples"])  # fmt: skip
def test_before_fit(method):
    with pytest.raises(NotFittedError):
        getattr(detector(), method)(X)
    with pytest.raises(NotFittedError):
        detector().threshold(0.1)


# Rows of the training


def test_rows_of_the_training_have_the_scores_of_new_rows():
    """Their distance is that to the other rows, by brute force; rarity is that of such distances.

    So of the rows that were learned from no more are alarms than of new ones.
    """
    made = fitted("neighbors").fitted_
    index, survival = made.ensemble.neighbors, made.ensemble.survivals["neighbors"]
    points = index.points.astype(float)
    assert 400 == len(points)
    distances = np.linalg.norm(points[:, None] - points, axis=2)
    np.fill_diagonal(distances, np.inf)
    expected = np.sort(distances, axis=1)[:, :5].mean(axis=1)
    np.testing.assert_allclose(index.errors(index.points), expected, rtol=1e-6)
    scores = -fitted("neighbors").score_samples(X)
    features, _ = made.columns.encode(X)
    learned = (features[:, None] == index.points).all(axis=2)
    place, row = np.nonzero(learned)[1], np.flatnonzero(learned.any(axis=1))
    assert 400 == len(row)
    np.testing.assert_allclose(scores[row], survival(expected)[place], rtol=1e-6)
    held_out = np.setdiff1d(np.arange(500), row)
    assert np.mean(scores[row]) == pytest.approx(np.mean(scores[held_out]), abs=0.3)
    copies = detector(method="neighbors").fit(np.repeat(X[:15], 40, axis=0)).fitted_.ensemble
    assert (copies.neighbors.errors(copies.neighbors.points) == 0).all()


@pytest.mark.parametrize(
    ("fraction", "rows", "expected"),
    [(None, 2, 1), (None, 3, 1), (None, 10, 3), (None, 100, 33), (None, 297, 99), (None, 300, 99),
     (None, 495, 99), (None, 500, 100), (None, 1000, 200), (None, 50_000, 10_000),
     (0.5, 10, 5), (0.01, 10, 1), (0.99, 3, 2), (0.2, 300, 60), (0.4, 2, 1)],
)  # fmt: skip
def test_the_number_of_rows_that_calibrate(fraction, rows, expected):
    """A fifth; of few rows so many that 99 are held out, if they are at most a third."""
    assert expected == detector(calibration_fraction=fraction).n_calibration(rows)


def test_rows_remain_to_learn_from():
    """A share that leaves fewer than five is refused with what it leaves."""
    with pytest.raises(DataError, match="0.6 of 10 normal rows leaves 4 to learn from: leave at"):
        detector(calibration_fraction=0.6).fit(X[:10])
    assert 5 == len(detector(method="neighbors", calibration_fraction=0.5).fit(X[:10])
                    .calibration_scores_)  # fmt: skip


def test_so_many_rows_calibrate():
    """The scores are those of the held-out rows, and the others are learned."""
    for rows, held_out in ((100, 33), (300, 99)):
        made = fitted_to(rows)
        assert held_out == len(made.calibration_scores_)
        assert rows - held_out == len(made.fitted_.ensemble.neighbors.points)
    first, second = made.calibration_scores_[:2]  # 99 are enough for a rate of 0.01
    assert first < made.offset_ == pytest.approx(first + 1e-3 * (second - first))
    assert (made.predict(X[:300]) == -1).any()


def fitted_to(rows):
    return detector(method="neighbors").fit(X[:rows])


# Known anomalies


def test_near_known_anomalies_is_stranger():
    """Rows near them get a lower score than without, in comparison to other rows."""
    known = np.concatenate([X, np.tile([[1.5, 1.5, 1.5, 1.5]], (5, 1))])
    mask = np.arange(len(known)) >= len(X)
    near = np.array([[1.5, 1.5, 1.5, 1.4]])
    without = detector(method="neighbors").fit(X)
    made = detector(method="neighbors").fit(known, anomalies=mask)
    assert ["neighbors", "known"] == made.fitted_.ensemble.names
    usual = np.median(made.score_samples(NEW)) - made.score_samples(near)[0]
    assert usual > np.median(without.score_samples(NEW)) - without.score_samples(near)[0] + 1.0
    assert "nearness to 5 known anomalies" in made.summary_
    # they are not learned as normal: nearest neighbours are others
    assert len(made.fitted_.ensemble.neighbors.points) == len(
        without.fitted_.ensemble.neighbors.points
    )


@pytest.mark.parametrize(
    ("mask", "words"),
    [(np.zeros(3, bool), r"shape \(3,\): give one truth value for each of the 500 rows"),
     (np.zeros((500, 1), bool), r"shape \(500, 1\)"), (True, r"shape \(\)"),
     (np.full(500, 2), "other values than True and False"), (["a"] * 500, "other values"),
     (np.full(500, np.nan), "other values"), (np.ones(500, bool), "n_samples=0 normal rows")],
)  # fmt: skip
def test_masks_that_are_none(mask, words):
    with pytest.raises(DataError, match=words):
        detector().fit(X, anomalies=mask)


def test_masks_of_other_types():
    """Zeros and ones, lists and Series are masks; without any True they change nothing."""
    mask = np.arange(500) % 100 == 0
    first = detector(method="neighbors").fit(X, anomalies=mask).score_samples(NEW)
    for other in (mask.astype(int), mask.tolist(), pd.Series(mask, index=range(1, 501))):
        made = detector(method="neighbors").fit(X, anomalies=other)
        np.testing.assert_array_equal(first, made.score_samples(NEW))
    none = detector(method="neighbors").fit(X, anomalies=np.zeros(500))
    np.testing.assert_array_equal(fitted("neighbors").score_samples(NEW), none.score_samples(NEW))


def test_y_is_ignored():
    """As in scikit-learn: whatever it holds."""
    for y in (np.arange(500), ["a"] * 500, None):
        made = detector(method="neighbors").fit(X, y)
        np.testing.assert_array_equal(
            fitted("neighbors").score_samples(NEW), made.score_samples(NEW)
        )


# Odd rows


@pytest.mark.parametrize(
    ("method", "value"),
    [*(pytest.param(m, 1.0, marks=[pytest.mark.slow] * (m in SLOW)) for m in METHODS),
     ("auto", 0.0), ("neighbors", -1e-9)],
)  # fmt: skip
def test_constant_data_is_normal(method, value):
    """Isolation forests call all of it outliers, by 2e-16. A change by 100 % is an anomaly."""
    rows = np.full((60, 3), value)
    made = detector(method=method).fit(rows)
    assert (made.predict(rows) == 1).all()
    assert [1, 1] == made.predict(rows[:2] * 1.001).tolist()
    changed = rows[:1] + np.array([0.0, value or 1.0, 0.0])
    assert [-1] == made.predict(changed).tolist()


def test_equal_rows_and_one_that_differs():
    """Of a table whose rows are all equal, another category is an anomaly."""
    frame = pd.DataFrame({"a": [2.5] * 120, "b": ["x"] * 120})
    made = detector().fit(frame)
    assert (made.predict(frame) == 1).all()
    other = pd.DataFrame({"a": [2.5, 2.5, 5.0], "b": ["x", "y", "x"]})
    assert [1, -1, -1] == made.predict(other).tolist()


@pytest.mark.parametrize("rows", [2, 3, 5, 9])
@pytest.mark.parametrize("contamination", [None, "auto", 0.2])
@pytest.mark.parametrize("method", ["neighbors", pytest.param("auto", marks=pytest.mark.slow)])
def test_hardly_any_rows(rows, contamination, method):
    """Two are enough to learn from; what they tell is little, and a warning says so."""
    made = detector(method=method, contamination=contamination)
    if contamination is None:
        with pytest.warns(FewRowsWarning, match="held-out normal rows"):
            made.fit(X[:rows])
    else:
        made.fit(X[:rows])
    assert np.isfinite(made.score_samples(NEW)).all()
    assert (0 < made.p_values(NEW)).all()


def test_one_row():
    with pytest.raises(DataError, match="n_samples=1"):
        detector().fit(X[:1])


@pytest.mark.parametrize(
    ("rows", "error", "words"),
    [
        (np.full((50, 4), np.nan), DataError, "all cells of the 33 rows"),
        (np.where(np.arange(4) == 2, np.inf, X), ValueError, "infinity"),
        (X[:0], ValueError, "0 sample"),
        (X[:, :0], ValueError, "0 feature"),
        (X[0], ValueError, "1D array"),
        (X[None], ValueError, "dim 3"),
        (scipy.sparse.csr_matrix(X), TypeError, "sparse data"),
        (X + 1j, ValueError, "[Cc]omplex"),
        (pd.DataFrame({"a": [[1], [2]] * 20}), DataError, "'a', row 1: .* is a list"),
        (pd.DataFrame({"a": [1.0, np.inf] * 20}), DataError, "'a', row 2: 'inf'"),
    ],
)
def test_rows_that_cannot_be_learned(rows, error, words):
    with pytest.raises(error, match=words):
        detector().fit(rows)


def test_rows_that_cannot_be_scored():
    made = fitted("neighbors")
    for rows, error, words in [
        (X[:, :3], ValueError, "3 features, but AnomalyDetector is expecting 4"),
        (X[0], ValueError, "1D array"), (X[:0], ValueError, "0 sample"),
        (np.full((1, 4), np.inf), ValueError, "infinity"),
        (np.full((2, 4), -np.inf), ValueError, "infinity"),
        (scipy.sparse.csr_matrix(X), TypeError, "sparse"),
        ([["a", 1, 2, 3]], DataError, "'x0', row 1: 'a'"),
    ]:  # fmt: skip
        with pytest.raises(error, match=words):
            made.score_samples(rows)


def test_empty_cells_are_strange_where_none_were():
    """The more of them, the stranger, and all of them an alarm."""
    made = fitted()
    rows = np.tile(np.median(X, axis=0), (5, 1))
    for count in range(5):
        rows[count, :count] = np.nan
    scores = made.score_samples(rows)
    assert (np.diff(scores) < -1.0).all()
    assert -1 == made.predict(rows)[-1]


def test_arrays_of_other_types():
    """Objects, lists, float32, Fortran order, read-only, whole numbers: the same numbers."""
    made = fitted("neighbors")
    scores = made.score_samples(NEW)
    frozen = NEW.copy()
    frozen.flags.writeable = False
    for rows in (NEW.astype(object), NEW.tolist(), np.asfortranarray(NEW), frozen):
        np.testing.assert_array_equal(scores, made.score_samples(rows))
    single = NEW.astype(np.float32)
    np.testing.assert_array_equal(
        made.score_samples(single.astype(float)), made.score_samples(single)
    )
    whole = np.round(NEW).astype(np.int8)
    np.testing.assert_array_equal(
        made.score_samples(whole.astype(float)), made.score_samples(whole)
    )
    again = detector(method="neighbors").fit(X.astype(np.float32))
    np.testing.assert_allclose(again.score_samples(single), scores, rtol=1e-3, atol=1e-4)


def test_numbers_of_any_size():
    """Columns of sizes from 1e-300 to 1e300 count alike, and no far value is infinitely far."""
    factors = np.array([1e-300, 1e300, 1.0, 1e18])
    plain, scaled = fitted("neighbors"), detector(method="neighbors").fit(X * factors)
    np.testing.assert_allclose(
        scaled.score_samples(NEW * factors), plain.score_samples(NEW), rtol=1e-4, atol=1e-5
    )
    for value, answer in ((1.7e308, -1), (-1.7e308, -1), (5e-324, 1)):
        huge = np.array([[value, 0.0, 0.0, 0.0]])
        for made in (plain, fitted(), scaled):
            assert np.isfinite(made.score_samples(huge)).all()
        assert [answer] == fitted().predict(huge).tolist()


# Tables


def test_tables():
    """Columns in any order; other ones are refused by name; polars and pandas give the same."""
    frame = table()
    made = detector().fit(frame)
    assert ["size", "colour", "weight", "when", "open"] == made.feature_names_in_.tolist()
    scores = made.score_samples(frame)
    np.testing.assert_array_equal(scores, made.score_samples(frame[frame.columns[::-1]]))
    for other in (frame.drop(columns="size"), frame.assign(more=1.0)):
        with pytest.raises(ValueError, match="feature names should match"):
            made.score_samples(other)
    odd = frame.iloc[:4].copy()
    odd.loc[1, "colour"] = "blue"
    odd.loc[2, "size"] = np.nan
    strange = made.score_samples(odd) - scores[:4]
    assert (strange[1:3] < -4).all()
    np.testing.assert_allclose(strange[[0, 3]], 0.0, atol=1e-4)
    text = frame.astype({"size": object}).iloc[:3].copy()
    text.loc[2, "size"] = "wide"
    with pytest.raises(DataError, match="column 'size', row 3: 'wide'"):
        made.score_samples(text)


def test_frames_of_polars():
    polars = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    frame = table().drop(columns="when")
    made = detector(method="neighbors").fit(frame)
    np.testing.assert_array_equal(
        made.score_samples(frame), made.score_samples(polars.from_pandas(frame))
    )


@pytest.mark.parametrize("seed", range(4))
def test_a_column_that_is_nearly_empty(seed):
    """Its only value may be among the rows that are held out: no seed is an error."""
    frame = table(60).assign(rare=[3.0] + [None] * 59)
    made = detector(method="neighbors", random_state=seed).fit(frame)
    assert np.isfinite(made.score_samples(frame)).all()


# As an object


def test_copies():
    """Pickles, deep copies and clones: the same answers, before and after scoring."""
    made = detector(method="autoencoder").fit(X)
    scores = fitted("autoencoder").score_samples(NEW)
    alone = fitted("autoencoder").score_samples(NEW[:1])
    fresh = clone(made).fit(X)
    for _ in range(2):  # after the first time, compiled code is there
        for other in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made), fresh):
            np.testing.assert_array_equal(scores, other.score_samples(NEW))
            np.testing.assert_array_equal(alone, other.score_samples(NEW[:1]))
        np.testing.assert_array_equal(scores, made.score_samples(NEW))
        made.alarms(FAR)
    assert detector(n_neighbors=3).get_params()["n_neighbors"] == 3
    changed = clone(made).set_params(method="neighbors").fit(X)
    np.testing.assert_array_equal(
        fitted("neighbors").score_samples(NEW), changed.score_samples(NEW)
    )
    with pytest.raises(ValueError, match="Invalid parameter 'magic'"):
        made.set_params(magic=1)


def test_callbacks():
    """Each is called after each epoch of each network; `history_` holds the same losses."""
    reports = []
    made = detector(callbacks=[reports.append]).fit(X)
    assert 2 * 3 == len(reports)
    assert {"autoencoder", "denoising"} == made.history_.keys()
    losses = [row["loss"] for rows in made.history_.values() for row in rows]
    assert losses == [report.loss for report in reports]
    assert losses[2] < losses[0] and losses[5] < losses[3]


def test_the_number_of_epochs():
    """Of each network; nearest neighbours take one."""
    assert (3, 1) == (fitted().n_iter_, fitted("neighbors").n_iter_)


def test_settings_are_heeded():
    """Sizes, members, neighbours, epochs and the share that is held out."""
    made = detector(
        hidden_layer_sizes=(6, 3), n_members=3, n_neighbors=2, max_iter=2, batch_size=32,
        calibration_fraction=0.4,
    ).fit(X)  # fmt: skip
    networks = made.fitted_.ensemble.networks
    assert [(3, 4, 6), (3, 6, 3), (3, 3, 6), (3, 6, 4)] == [
        layer.weight.shape for layer in networks["autoencoder"].layers
    ]
    assert [(3, 4, 6), (3, 6, 3), (3, 3, 4)] == [
        layer.weight.shape for layer in networks["denoising"].layers
    ]
    assert 200 == len(made.calibration_scores_) and 300 == len(
        made.fitted_.ensemble.neighbors.points
    )
    assert "the 2 nearest of 300 rows" in made.summary_
    assert "3 x autoencoder 4-6-3-6-4" in made.summary_
    assert [2, 2] == [len(rows) for rows in made.history_.values()]
    slower = detector(method="denoising", learning_rate_init=1e-6).fit(X)
    usual = fitted("denoising").history_["denoising"][-1]["loss"]
    assert slower.history_["denoising"][-1]["loss"] > usual


def test_a_second_fit_forgets_the_first():
    made = detector(method="neighbors").fit(table())
    made.fit(X)
    assert 4 == made.n_features_in_ and not hasattr(made, "feature_names_in_")
    np.testing.assert_array_equal(fitted("neighbors").score_samples(NEW), made.score_samples(NEW))
