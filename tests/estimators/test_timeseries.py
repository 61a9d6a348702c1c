"""`TimeSeriesClassifier` and `TimeSeriesRegressor`: features, ridge, answers, files, refusals."""

import importlib.util
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge as PeerRidge

import chainrule as cr
from chainrule.data.timeseries import as_series, read_series_dataset
from chainrule.errors import DataError, ModelFileError, UnsupportedError
from chainrule.estimators.serialization.perceptron import ArrayReader
from chainrule.estimators.timeseries.calibration import fit_softmax, probabilities
from chainrule.estimators.timeseries.kernels import PATTERN, fit_kernels, kernel_features
from chainrule.estimators.timeseries.neighbors import (
    MOST_SERIES,
    fit_neighbors,
    standardized,
    warped_distances,
)
from chainrule.estimators.timeseries.ridge import Block, fit_ridge
from chainrule.estimators.timeseries.scaling import STATISTICS, Scale, statistics
from chainrule.estimators.timeseries.transform import Transform

pytestmark = pytest.mark.usefixtures("_unoptimised")

NAN = np.nan
FEW = {"n_features": 600, "random_state": 0}


def waves(count, points=40, noise=0.3, seed=0):
    """Sines of two frequencies and any phase: (series, 0 or 1)."""
    rng = np.random.default_rng(seed)
    y = np.arange(count) % 2
    time = np.arange(points) + rng.uniform(0, 20, (count, 1))
    return np.sin(time * np.where(y, 0.9, 0.7)[:, None]) + rng.normal(0, noise, (count, points)), y


def bumps(count, seed=0):
    """Noise of 60 to 100 points with a ramp up or a ramp down of 12 somewhere in it."""
    rng = np.random.default_rng(seed)
    y = np.arange(count) % 2
    series = []
    for k in y:
        one = rng.normal(0, 0.3, rng.integers(60, 101))
        start = rng.integers(0, len(one) - 12)
        ramp = np.linspace(0, 3, 12)
        one[start : start + 12] += ramp if k else ramp[::-1]
        series.append(one)
    return series, np.where(y, "up", "down")


def jumps(count, seed=0):
    """Two jumps at any time, each up or down: (series, one of four classes)."""
    rng = np.random.default_rng(seed)
    y = np.arange(count) % 4
    x = rng.normal(0, 0.2, (count, 64))
    for k in range(count):
        first = rng.integers(0, 20)
        for start, up in ((first, y[k] // 2), (first + rng.integers(12, 28), y[k] % 2)):
            x[k, start : start + 10] += np.repeat([-3.0, 3.0] if up else [3.0, -3.0], 5)
    return x, y


# Features


def naive_share(row, pattern, dilation, bias, length, inner):
    """The share of points at which a convolution is above a bias, point by point, in float64."""
    passed = []
    for point in range(length):
        inside = 4 * dilation <= point < length - 4 * dilation
        if inner and not inside and length > 8 * dilation:
            continue
        total = 0.0
        for tap, weight in enumerate(pattern):
            at = point + (tap - 4) * dilation
            total += weight * (row[at] if 0 <= at < length else 0.0)
        passed.append(total > bias)
    return np.mean(passed)


def test_features_are_shares_of_points_above_a_bias():
    """Against loops over points, of kernels with and without padding, of one channel and two."""
    x = np.random.default_rng(0).normal(size=(5, 2, 30))
    scaled = Scale.of(as_series(x)).apply(as_series(x), 30)
    kernels = fit_kernels(scaled, 84 * 12, np.random.default_rng(1))
    features = kernel_features(scaled, kernels).reshape(5, *kernels.biases.shape)
    assert kernels.dilations.tolist() == [1, 2, 3]
    for k, dilation in enumerate((1, 2, 3)):
        for kernel in (0, 1, 40, 83):
            rows = scaled.values[:, kernels.channels[k][kernels.subsets[k, kernel]]].sum(axis=1)
            for bias in range(kernels.biases.shape[2]):
                expected = [
                    naive_share(row, PATTERN[kernel], dilation, kernels.biases[k, kernel, bias],
                                30, kernel % 2 == 1)
                    for row in rows
                ]  # fmt: skip
                np.testing.assert_allclose(features[:, k, kernel, bias], expected, atol=1e-6)
    assert 0.2 < features.mean() < 0.8  # biases are quantiles


def test_kernels_are_all_ways_to_choose_three_of_nine():
    """Each sums to 0, so that no level of a series passes."""
    assert len({tuple(row) for row in PATTERN}) == 84
    assert (PATTERN.sum(axis=1) == 0).all()
    assert ((PATTERN == 2).sum(axis=1) == 3).all()


def test_what_follows_the_end_of_a_series_is_not_seen():
    """A series has the same features alone, beside a longer one, and filled up with NaN."""
    rng = np.random.default_rng(0)
    series = as_series([rng.normal(size=30), rng.normal(size=50)])
    transform = Transform.of(series, 1000, np.random.default_rng(0))
    both = transform.features(series)
    for k, length in enumerate((30, 50)):
        row = series.values[k : k + 1, :, :length]
        for more in (0, 7, 200):
            padded = np.pad(row, ((0, 0), (0, 0), (0, more)), constant_values=NAN)
            alone = transform.features(as_series(padded))
            np.testing.assert_allclose(alone, both[k : k + 1], atol=1e-6)


def test_gaps_are_bridged_and_not_counted():
    """A gap in a straight line is filled as it was; its points do not count, nor do ends."""
    line = np.arange(12.0)
    gap = line.copy()
    gap[[0, 5, 6]] = NAN
    series = as_series(np.stack([line, gap]))
    scaled = Scale(np.zeros(1), np.ones(1)).apply(series, 14)
    assert scaled.values[0, 0].tolist() == [*range(12), 0, 0]
    assert scaled.values[1, 0].tolist() == [1, *range(1, 12), 0, 0]
    assert scaled.counts.sum(axis=1).tolist() == [12, 9]
    changes = scaled.changes()
    assert changes.values[0, 0].tolist() == [1] * 11 + [0] * 3
    assert np.flatnonzero(changes.counts[1]).tolist() == [1, 2, 3, 7, 8, 9, 10]


def test_statistics_are_those_of_the_points_that_are_there():
    """Against NumPy's, of the counted points alone."""
    values = np.random.default_rng(0).normal(size=(3, 2, 20)).astype(np.float32)
    counts = np.arange(20) < np.array([[20], [13], [5]])
    read = statistics(values, counts.astype(np.float32)).reshape(3, 2, len(STATISTICS))
    for k, n in enumerate((20, 13, 5)):
        part, time = values[k, :, :n].astype(float), np.arange(n) - (n - 1) / 2
        trend = (part * time).mean(axis=1) / time.std()
        change = np.abs(np.diff(part, axis=1)).mean(axis=1)
        columns = [part.mean(1), part.std(1), part.min(1), part.max(1), trend, change]
        np.testing.assert_allclose(read[k], np.stack(columns, axis=1), atol=1e-5)


# Ridge and probabilities


@pytest.mark.parametrize("shape", [(15, 40), (40, 9)])
@pytest.mark.parametrize("weighted", [False, True])
def test_left_out_rows_are_predicted_without_themselves(shape, weighted):
    """Against scikit-learn's ridge, fitted again without each row; of few rows, and of many."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape).astype(np.float32)
    y = x[:, :3] @ rng.normal(size=(3, 2)) + rng.normal(size=(shape[0], 2))
    weights = rng.uniform(0.2, 2.0, shape[0]) if weighted else np.ones(shape[0])
    fitted = fit_ridge(x.copy(), y, weights if weighted else None, [Block(shape[1])], rng)
    spread = np.sqrt(np.average((x - np.average(x, axis=0, weights=weights)) ** 2, axis=0,
                                weights=weights))  # fmt: skip
    strength = fitted.strength * shape[1] * weights.mean()
    whole = PeerRidge(strength).fit(x / spread, y, weights)
    np.testing.assert_allclose(fitted.ridge(x), whole.predict(x / spread), atol=2e-5)
    for k in range(0, shape[0], 4):
        rows = np.arange(shape[0]) != k
        peer = PeerRidge(strength).fit(x[rows] / spread, y[rows], weights[rows])
        np.testing.assert_allclose(
            fitted.left_out[k], peer.predict(x[k : k + 1] / spread)[0], rtol=2e-3, atol=2e-4
        )


@pytest.mark.parametrize("count", [60, 300])
def test_blocks_count_as_much_as_they_help(count):
    """A target of one block alone gives that the largest share, also of more rows than features."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 246)).astype(np.float32)
    blocks = [Block(200), Block(40, (0.1, 1.0)), Block(6, (0.01, 0.1, 1.0))]
    for columns, shares in (
        (slice(0, 200), (1.0, 0.1, 0.01)), (slice(200, 240), (1.0, 1.0, 0.01)),
        (slice(240, 246), (1.0, 0.1, 1.0)),
    ):  # fmt: skip
        y = x[:, columns].sum(axis=1, keepdims=True)
        fitted = fit_ridge(x.copy(), y, None, blocks, rng)
        assert fitted.shares == shares
        assert np.corrcoef(fitted.left_out[:, 0], y[:, 0])[0, 1] > 0.3
        np.testing.assert_allclose(fitted.ridge(x).mean(), y.mean(), atol=1e-4)


def test_constant_features_change_nothing():
    """They have no part in the answer, also where a new row differs in them."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 5)).astype(np.float32)
    with_constant = np.concatenate([x, np.full((20, 1), 0.3, np.float32)], axis=1)
    ridge = fit_ridge(with_constant.copy(), x[:, :1].astype(float), None, [Block(6)], rng).ridge
    assert ridge.coefficients[5, 0] == 0.0


def test_the_factors_make_probabilities_of_outputs():
    """Outputs drawn from a softmax have the factors and shifts that they were drawn with."""
    rng = np.random.default_rng(0)
    outputs = rng.normal(size=(3, 20_000, 3))
    true = np.array([0.3, 0.0, -0.3])
    shares = probabilities(2.5 * outputs[0] + 0.8 * outputs[1] + true, 1.0)
    codes = (shares.cumsum(axis=1) < rng.uniform(size=(20_000, 1))).sum(axis=1)
    factors, shifts = fit_softmax(outputs, codes, np.ones(20_000))
    np.testing.assert_allclose(factors, [2.5, 0.8, 0.0], atol=0.08)
    np.testing.assert_allclose(shifts, true, atol=0.08)
    assert not fit_softmax(outputs, codes, None)[1].any()


# Neighbours


def test_distances_are_those_of_the_best_path():
    """Of two channels that are warped alike, against the table filled cell by cell."""
    x = np.random.default_rng(0).normal(size=(7, 2, 9)).astype(np.float32)
    read = warped_distances(x[:3], x[3:])
    for row in range(3):
        for other in range(4):
            table = np.full((10, 10), np.inf)
            table[0, 0] = 0.0
            for i, j in np.ndindex(9, 9):
                cost = np.sum((x[row, :, i] - x[3 + other, :, j]) ** 2)
                table[i + 1, j + 1] = cost + min(table[i, j], table[i, j + 1], table[i + 1, j])
            assert read[row, other] == pytest.approx(np.sqrt(table[9, 9]), rel=1e-5)


def test_neighbours_of_a_training_series_are_others():
    """Also of a class of one series; those of weight 0 are none, many series have none."""
    x, y = waves(12)
    y[0] = 2
    series, weights = as_series(x), np.where(np.arange(12) == 1, 0.0, 1.0)
    fitted, left_out = fit_neighbors(series, y, weights, 3)
    assert len(fitted.series) == 11
    assert left_out[0, 2] == pytest.approx(-fitted.farthest / fitted.unit)
    for k in range(12):
        others = np.delete(np.arange(12), [1, k] if k != 1 else [1])
        shapes = standardized(series, 40)[others]
        without = replace(fitted, series=shapes, codes=y[others])
        np.testing.assert_allclose(without(series[[k]])[0], left_out[k], rtol=1e-5)
    many = as_series(np.resize(x, (MOST_SERIES + 1, 40)))
    assert fit_neighbors(many, np.resize(y, len(many)), None, 3) is None
    assert fit_neighbors(as_series(np.ones((4, 9))), y[:4], None, 3) is None


# Answers


def test_frequencies_levels_and_sizes_are_told_apart():
    """Each alone, with 30 series a class; of frequencies the probabilities are sure."""
    x, y = waves(120)
    model = cr.TimeSeriesClassifier(**FEW).fit(x[:60], y[:60])
    assert model.score(x[60:], y[60:]) >= 0.98
    assert model.left_out_score_ >= 0.98
    proba = model.predict_proba(x[60:])
    assert proba[np.arange(60), y[60:]].mean() > 0.85
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    assert ((model.decision_function(x[60:]) > 0) == (proba[:, 1] > 0.5)).all()
    noise = np.random.default_rng(1).normal(size=(120, 40))
    for changed in (noise + 1.0 * y[:, None], noise * np.where(y, 1.6, 1.0)[:, None]):
        model = cr.TimeSeriesClassifier(**FEW).fit(changed[:60], y[:60])
        assert model.score(changed[60:], y[60:]) >= 0.93


def test_shapes_are_recognised_wherever_they_are():
    """In series of unequal lengths, as text classes; also where points are missing."""
    x, y = bumps(160)
    model = cr.TimeSeriesClassifier(n_features=1000, random_state=0).fit(x[:80], y[:80])
    assert model.score(x[80:], y[80:]) >= 0.95
    rng = np.random.default_rng(0)
    holes = [np.where(rng.uniform(size=len(one)) < 0.1, NAN, one) for one in x]
    assert model.score(holes[80:], y[80:]) >= 0.9
    with_holes = cr.TimeSeriesClassifier(n_features=1000, random_state=0).fit(holes[:80], y[:80])
    assert with_holes.score(holes[80:], y[80:]) >= 0.93


def test_one_channel_of_many_decides():
    """The others are noise; series come with channels first."""
    x, y = waves(100)
    many = np.random.default_rng(2).normal(size=(100, 5, 40))
    many[:, 3] = x
    model = cr.TimeSeriesClassifier(n_features=2000, random_state=0).fit(many[:60], y[:60])
    assert (model.n_features_in_, model.length_, model.equal_length_) == (5, 40, True)
    assert model.score(many[60:], y[60:]) >= 0.95


def test_probabilities_are_as_sure_as_they_should_be():
    """With a fifth of the labels wrong, sureness and accuracy agree on fresh series."""
    x, y = waves(500, noise=0.8)
    wrong = np.random.default_rng(3).uniform(size=500) < 0.2
    y = np.where(wrong, 1 - y, y)
    model = cr.TimeSeriesClassifier(**FEW).fit(x[:250], y[:250])
    sureness = model.predict_proba(x[250:]).max(axis=1).mean()
    assert sureness == pytest.approx(model.score(x[250:], y[250:]), abs=0.05)
    assert model.left_out_score_ == pytest.approx(model.score(x[250:], y[250:]), abs=0.05)


def test_numbers_are_predicted():
    """A frequency to 2 %, a level beyond all of the training, whatever the target's unit."""
    rng = np.random.default_rng(0)
    y = rng.uniform(0.4, 0.8, 160)
    x = np.sin((np.arange(50) + rng.uniform(0, 9, (160, 1))) * y[:, None])
    model = cr.TimeSeriesRegressor(**FEW).fit(x[:100], y[:100])
    assert model.score(x[100:], y[100:]) > 0.97
    assert model.left_out_score_ == pytest.approx(model.score(x[100:], y[100:]), abs=0.02)
    large = cr.TimeSeriesRegressor(**FEW).fit(x[:100], y[:100] * 1e200)
    np.testing.assert_allclose(large.predict(x) / 1e200, model.predict(x), rtol=1e-6)
    level = rng.normal(size=(60, 20)) * 0.1 + np.linspace(0, 1, 60)[:, None]
    model = cr.TimeSeriesRegressor(**FEW).fit(level[:50], np.linspace(0, 10, 60)[:50])
    assert model.predict(level[59:])[0] == pytest.approx(10.0, abs=0.8)


def test_the_unit_of_a_series_does_not_matter():
    """Kelvins or microkelvins: the same answers."""
    x, y = waves(40)
    first = cr.TimeSeriesClassifier(**FEW).fit(x, y).predict_proba(x)
    second = cr.TimeSeriesClassifier(**FEW).fit(x * 1e6 + 3e8, y).predict_proba(x * 1e6 + 3e8)
    np.testing.assert_allclose(second, first, atol=0.02)


def test_the_same_seed_is_the_same_model():
    """Bit for bit, also on one thread; another seed is another model."""
    x, y = waves(40)
    first = cr.TimeSeriesClassifier(**FEW).fit(x, y).predict_proba(x)
    again = cr.TimeSeriesClassifier(**FEW, n_threads=1).fit(x, y).predict_proba(x)
    other = cr.TimeSeriesClassifier(n_features=600, random_state=1).fit(x, y).predict_proba(x)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_few_series_of_warped_shapes_are_told_by_their_neighbours():
    """Two jumps, each up or down, three series a class."""
    x, y = jumps(132)
    model = cr.TimeSeriesClassifier(**FEW).fit(x[:12], y[:12])
    assert model.neighbors_ is not None
    assert model.score(x[12:], y[12:]) >= 0.98
    assert replaced_score(model, x[12:], y[12:]) <= 0.8
    proba = model.predict_proba(x[12:])
    assert proba[np.arange(120), y[12:]].mean() > 0.7


def replaced_score(model, x, y):
    """The accuracy of the ridge alone."""
    near, model.neighbors_ = model.neighbors_, None
    score, model.neighbors_ = model.score(x, y), near
    return score


@pytest.mark.parametrize(("n_rare", "noise"), [(3, 0.8), (6, 1.0)])
def test_rare_classes_count_more_if_balanced(n_rare, noise):
    """Balanced accuracy rises much, as it does by the same weights of the rows."""
    x, y = waves(200, noise=noise)
    rows = np.r_[np.flatnonzero(y == 0)[:40], np.flatnonzero(y == 1)[:n_rare]]
    rest = np.setdiff1d(np.arange(200), rows)
    plain = cr.TimeSeriesClassifier(**FEW).fit(x[rows], y[rows])
    balanced = cr.TimeSeriesClassifier(**FEW, class_weight="balanced").fit(x[rows], y[rows])
    weights = np.where(y[rows] == 1, len(rows) / 2 / n_rare, len(rows) / 80)
    weighted = cr.TimeSeriesClassifier(**FEW).fit(x[rows], y[rows], weights)
    recalls = [[np.mean(model.predict(x[rest])[y[rest] == k] == k) for k in (0, 1)]
               for model in (plain, balanced)]  # fmt: skip
    assert np.mean(recalls[1]) > np.mean(recalls[0]) + 0.1
    assert min(recalls[1]) > 0.75
    np.testing.assert_allclose(weighted.predict_proba(x[rest]), balanced.predict_proba(x[rest]))


def test_a_channel_may_be_missing_in_some_series():
    """Then it counts as the mean of the training."""
    x, y = waves(40)
    two = np.stack([x, np.random.default_rng(0).normal(size=x.shape)], axis=1)
    model = cr.TimeSeriesClassifier(**FEW).fit(two, y)
    two[:, 1] = NAN
    assert model.score(two, y) > 0.9


# Files


@pytest.mark.parametrize("form", ["equal", "unequal", "numbers", "neighbors"])
def test_a_saved_model_answers_with_the_same_bits(tmp_path, form):
    """And the same bytes are saved again."""
    x, y = {"unequal": bumps, "neighbors": jumps}.get(form, waves)(20)
    kind = cr.TimeSeriesRegressor if form == "numbers" else cr.TimeSeriesClassifier
    model = kind(**FEW).fit(x, y)
    model.save(tmp_path / "a", card={"why": "test"})
    again = cr.load(tmp_path / "a")
    again.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert again.card_ == {"why": "test"}
    assert again.get_params() == model.get_params()
    assert again.left_out_score_ == model.left_out_score_
    assert again.equal_length_ == (form != "unequal")
    assert (again.neighbors_ is None) == (model.neighbors_ is None)
    assert again.neighbors_ is not None or form != "neighbors"
    assert np.array_equal(again.predict(x), model.predict(x))
    if form != "numbers":
        assert np.array_equal(again.predict_proba(x), model.predict_proba(x))


@cache
def state_of_jumps():
    """What a file holds of a classifier with neighbours."""
    return cr.TimeSeriesClassifier(**FEW).fit(*jumps(20)).fitted_state()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d, a: d["dilations"][1].__setitem__(0, 99), "longer than the series"),
        (lambda d, a: d.update(dilations=[[1]]), "dilations"),
        (lambda d, a: d.update(factor=-1.0), "factor is not a positive number"),
        (lambda d, a: d.update(points=0), "points is not a whole number"),
        (lambda d, a: d.update(more=1), "does not know"),
        (lambda d, a: d["classes"].update(dtype="float32"), "its classes"),
        (lambda d, a: a["deviations"].fill(0), "a deviation is not positive"),
        (lambda d, a: a["values.channels"].fill(3), "a channel that is not there"),
        (lambda d, a: a["coefficients"].fill(np.inf), "not finite"),
        (lambda d, a: a.update({"values.biases": np.zeros((2, 84), np.float32)}), "other axes"),
        (lambda d, a: a.update({"values.biases": a["values.biases"][:, :, :0]}), "coefficients is"),
        (lambda d, a: a.pop("changes.subsets"), "no array"),
        (lambda d, a: d["neighbors"].update(unit=0.0), "unit is not a positive number"),
        (lambda d, a: a["neighbors.codes"].fill(4), "a class that is not there"),
        (lambda d, a: a.update({"neighbors.series": np.zeros((20, 64), np.float32)}), "other axes"),
        (lambda d, a: a.update({"neighbors.series": np.zeros((20, 2, 64), np.float32)}), "series"),
    ],
)  # fmt: skip
def test_changed_files_are_refused(change, words):
    """Each value and each shape is checked."""
    description, arrays = deepcopy(state_of_jumps())
    arrays = {name: np.array(array) for name, array in arrays.items()}
    change(description, arrays)
    other = cr.TimeSeriesClassifier(**FEW)
    other.n_features_in_ = 1
    with pytest.raises(ModelFileError) as caught:
        other.restore_fitted(description, ArrayReader(arrays))
    assert words in str(caught.value)


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_onnx_answers_alike(kind):
    """With onnxruntime, of two channels; unequal lengths are refused."""
    pytest.importorskip("onnx", reason="onnx is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    x, y = waves(30, points=24)
    x = np.stack([x, x[:, ::-1]], axis=1)
    of_classes = kind == "classes"
    estimator = cr.TimeSeriesClassifier if of_classes else cr.TimeSeriesRegressor
    model = estimator(**FEW).fit(x, np.where(y, "b", "a") if of_classes else y)
    assert (model.neighbors_ is not None) == of_classes
    session = runtime.InferenceSession(model.to_onnx().SerializeToString())
    answers = session.run(None, {"X": x[:7]})
    if of_classes:
        assert answers[0].tolist() == model.predict(x[:7]).tolist()
        np.testing.assert_allclose(answers[1], model.predict_proba(x[:7]), atol=1e-5)
    else:
        np.testing.assert_allclose(answers[0], model.predict(x[:7]), atol=1e-5)
    with pytest.raises(UnsupportedError, match="leave it out"):
        model.to_onnx("float32")
    with pytest.raises(UnsupportedError, match="unequal lengths"):
        cr.TimeSeriesClassifier(**FEW).fit(*bumps(10)).to_onnx()


# Refusals


def test_what_cannot_be_learned_is_refused():
    """One class, too few labels, missing ones, numbers that do not differ."""
    x, y = waves(20)
    for labels, words in (
        (np.zeros(20), "one class only"), (y[:5], "20 inputs and y 5 labels"),
        ([None, *y[1:]], "missing"), (np.linspace(0, 1, 20), "give classes"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=words):
            cr.TimeSeriesClassifier(**FEW).fit(x, labels)
    for numbers, words in (
        (np.ones(20), "y is 1 in all series"), (y[:5], "20 series and y shape"),
        (np.where(y, NAN, 1.0), "missing"), (np.where(y, "a", "b"), "give a number"),
        (np.where(y, np.inf, 1.0), "not finite"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=words):
            cr.TimeSeriesRegressor(**FEW).fit(x, numbers)
    with pytest.raises(ValueError, match="n_features"):
        cr.TimeSeriesClassifier(n_features=10).fit(x, y)


def test_series_of_another_kind_are_refused():
    """Other channels, axes in another order, other lengths where all were equal."""
    x, y = waves(20)
    two = np.stack([x, x], axis=1)
    model = cr.TimeSeriesClassifier(**FEW).fit(two, y)
    with pytest.raises(DataError, match="1 channels, and the training had 2"):
        model.predict(x)
    three = cr.TimeSeriesClassifier(**FEW).fit(np.stack([x, x, x], axis=1), y)
    with pytest.raises(DataError, match=r"X\.transpose\(0, 2, 1\)"):
        three.predict(np.stack([x, x, x], axis=2))
    with pytest.raises(DataError, match=r"X\[0\] has 39 points, and all of the training had 40"):
        model.predict(two[:, :, 1:])
    two[3, :, 30:] = NAN  # a shorter one, and meant so
    assert len(model.predict(two)) == 20
    with pytest.warns(UserWarning, match="40 channels of 9 points"):
        cr.TimeSeriesClassifier(**FEW).fit(np.zeros((20, 40, 9)) + two[:, 0, :, None], y)


def test_forms_of_the_same_series_get_the_same_answers():
    """A list, a DataFrame and a masked array."""
    x, y = waves(20)
    model = cr.TimeSeriesClassifier(**FEW).fit(x, y)
    expected = model.predict_proba(x)
    for form in (list(x), pd.DataFrame(x), np.ma.array(x), x[:, None], x.tolist()):
        assert np.array_equal(model.predict_proba(form), expected)


# Sets of the archive, where a package that ships them is installed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "least"),
    [("GunPoint", 0.98), ("ItalyPowerDemand", 0.96), ("JapaneseVowels", 0.98),
     ("BasicMotions", 0.97), ("ArrowHead", 0.83)],
)  # fmt: skip
def test_sets_of_the_archive(name, least):
    """At least what ROCKET reaches, less a percent."""
    spec = importlib.util.find_spec("aeon") or importlib.util.find_spec("sktime")
    if spec is None:
        pytest.skip("neither aeon nor sktime is installed")
    folder = Path(spec.origin).parent / "datasets" / "data" / name
    train, test = read_series_dataset(folder)
    model = cr.TimeSeriesClassifier(random_state=0).fit(train.inputs, train.labels)
    assert model.score(test.inputs, test.labels) >= least
