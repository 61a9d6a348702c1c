"""Intervals of regressors: as many targets inside as asked for, wide where errors are large."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes

import chainrule
from chainrule import TabularRegressor
from chainrule.errors import DataError, ModelFileError
from chainrule.estimators.tabular.intervals import Conformal, ErrorSize, _quantiles

pytestmark = pytest.mark.usefixtures("_unoptimised")

SMALL = {"hidden_layer_sizes": (8,), "max_iter": 3, "n_members": 2, "progress": False,
         "random_state": 0, "numeric_embedding": None}  # fmt: skip
PLAIN = {**SMALL, "gaussian_process_rows": 0}


def noisy(rows, seed=0):
    """The noise of y is three times as large where the second column is above 0."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (rows, 2)).astype(np.float32)
    return x, np.where(x[:, 1] > 0, 3.0, 1.0) * rng.normal(size=rows)


def test_scores_of_other_folds_cover_new_rows():
    """Of 4,000 new rows 90 % are inside, and intervals are as wide as the noise of their rows."""
    x, noise = noisy(1_000)
    learned = Conformal.learn(x, x[:, 0].astype(float), np.abs(noise), np.ones(1_000))
    new, errors = noisy(4_000, seed=1)
    for coverage in (0.5, 0.9, 0.99):
        half = learned.widths(new, new[:, 0].astype(float), coverage)
        assert coverage == pytest.approx(np.mean(np.abs(errors) <= half), abs=0.025)
    wide = half[new[:, 1] > 0.5].mean() / half[new[:, 1] < -0.5].mean()
    assert 2.4 < wide < 4.5
    constant = np.quantile(np.abs(noise), 0.9)
    half = learned.widths(new, new[:, 0].astype(float), 0.9)
    assert half.mean() < 0.95 * constant


def test_the_rank_is_that_of_a_finite_sample():
    """Of 19 equal rows the interval of 90 % reaches to the 18th error, ceil(20 * 0.9)."""
    size = ErrorSize((), np.zeros((2, 0)), np.zeros(3), 0.0, (0.0, 0.0))
    learned = Conformal(size, np.arange(1.0, 20.0), 19.0)
    x, predictions = np.zeros((1, 1)), np.zeros(1)
    assert [18.0] == learned.widths(x, predictions, 0.9).tolist()
    assert [19.0] == learned.widths(x, predictions, 0.95).tolist()
    assert [10.0] == learned.widths(x, predictions, 0.5).tolist()
    with pytest.raises(DataError, match=r"0\.96 needs 24 rows .* had 19: ask for less, .* 0\.95"):
        learned.widths(x, predictions, 0.96)


def test_weighted_rows_count_as_often():
    """Weights of 2 are two rows; and how many they are worth is told from them."""
    scores, weights = np.array([3.0, 1.0, 2.0]), np.array([1.0, 2.0, 1.0])
    assert [1.0, 2.0, 3.0] == _quantiles(scores, np.ones(3)).tolist()
    assert [1.0, 2.0, 3.0] == _quantiles(scores, weights).tolist()
    assert [1.0, 1.0, 3.0] == _quantiles(scores, np.array([1.0, 9.0, 1.0])).tolist()
    many = np.random.default_rng(0).uniform(size=50_000)
    kept = _quantiles(many, np.ones(50_000))
    assert (2_000, many.max()) == (len(kept), kept[-1])
    assert 0.9 == pytest.approx(np.mean(many <= kept[1_799]), abs=1e-4)
    x = np.zeros((60, 1))
    learned = Conformal.learn(x, x[:, 0], np.ones(60), np.repeat([1.0, 3.0], 30))
    assert 60 * 4 / 5 == learned.rows


def test_intervals_of_a_model():
    """They hold the prediction, end within the training's range, and come back from a file."""
    x, noise = noisy(120)
    y = 10 * x[:, 0] + noise
    model = TabularRegressor(**SMALL).fit(x, y)  # with a process
    lower, upper = model.predict_interval(x)
    predicted = model.predict(x)
    assert (lower <= predicted).all()
    assert (predicted <= upper).all()
    assert (lower.min() >= y.min(), upper.max() <= y.max()) == (True, True)
    assert 0.84 < np.mean((lower <= y) & (y <= upper)) < 0.97
    narrow = model.predict_interval(x, coverage=0.5)
    assert (narrow[1] - narrow[0]).mean() < 0.7 * (upper - lower).mean()
    one = model.predict_interval(x[7:8])
    np.testing.assert_allclose([one[0][0], one[1][0]], [lower[7], upper[7]], rtol=1e-5)


def test_intervals_and_effects_of_a_logarithm_are_in_units():
    """Of positive targets no end is below the least; wide above, narrow below; effects add up."""
    x, noise = noisy(120)
    y = np.exp(x[:, 0] + 0.5 * noise)
    model = TabularRegressor(**PLAIN, target_transform="log").fit(x, y)
    lower, upper = model.predict_interval(x, coverage=0.8)
    predicted = model.predict(x)
    assert (y.min() - 1e-9 <= lower.min(), upper.max() <= y.max() + 1e-9) == (True, True)
    inner = (lower > y.min() + 1e-6) & (upper < y.max() - 1e-6)
    assert inner.sum() > 20
    np.testing.assert_allclose(
        (upper / predicted)[inner], (predicted / lower)[inner], rtol=1e-6
    )  # symmetric about the prediction as logarithms
    explained = model.explain_rows(x[:5])
    total = explained.base + explained.effects.to_numpy().sum(axis=1)
    np.testing.assert_allclose(total, predicted[:5], rtol=1e-5)


def test_a_file_holds_what_intervals_are_made_from(tmp_path):
    """The same bits come back; a file that contradicts itself is refused."""
    x, noise = noisy(120)
    model = TabularRegressor(**PLAIN).fit(x, x[:, 0] + noise)
    model.save(tmp_path / "m.safetensors")
    loaded = chainrule.load(tmp_path / "m.safetensors")
    for one, other in zip(model.predict_interval(x), loaded.predict_interval(x), strict=True):
        np.testing.assert_array_equal(one, other)
    saved = model.conformal_.to_json()
    assert model.conformal_.widths(x, x[:, 0], 0.9).tolist() == Conformal.from_json(
        saved, 2).widths(x, x[:, 0], 0.9).tolist()  # fmt: skip
    for change in ({"scores": [2.0, 1.0]}, {"scores": []}, {"columns": [0, 2]}, {"rows": 0.0},
                   {"bounds": [1.0, 0.0]}, {"bounds": [0.0, 1e9]}, {"coefficients": [1.0] * 4},
                   {"scores": [-1.0]}, {"ranges": [[1.0, 0.0], [0.0, 1.0]]},
                   {"ranges": [[0.0, 1.0]]}, {"intercept": float("inf")}):  # fmt: skip
        with pytest.raises(ModelFileError):
            Conformal.from_json({**saved, **change}, 2)


@pytest.mark.parametrize("coverage", [0.4, 1.0, "0.9", None, True, float("nan")])
def test_coverages_are_shares(coverage):
    """Between 0.5 and 0.999; what is no number is refused in the same words."""
    with pytest.raises(DataError, match="between 0.5 and 0.999"):
        TabularRegressor().predict_interval([[0.0]], coverage=coverage)


def test_too_few_rows_are_refused_in_words():
    """Below 50 rows no row is unseen; of few unseen rows no 99 % can be said."""
    x, noise = noisy(40)
    with pytest.raises(DataError, match="train it on 50 rows or more"):
        TabularRegressor(**PLAIN).fit(x, noise).predict_interval(x)
    x, noise = noisy(120)
    frame = pd.DataFrame(x, columns=["a", "b"], index=np.arange(120)[::-1])
    model = TabularRegressor(**PLAIN).fit(frame, noise)
    with pytest.raises(DataError, match="needs 199 rows that a network has not seen"):
        model.predict_interval(frame, coverage=0.995)
    lower, _ = model.predict_interval(frame)  # each row has its own, in its place
    again, _ = model.predict_interval(frame[::-1])
    np.testing.assert_allclose(lower, again[::-1], rtol=1e-5)


def test_wide_tables_name_the_features_that_tell():
    """Of 300 features at most 100 are looked at, and the telling one is among them."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 300))
    errors = np.exp(x[:, 250]) * np.abs(rng.normal(size=400))
    size = ErrorSize.learn(x, np.zeros(400), errors)
    assert 100 == len(size.columns)
    assert 250 in size.columns
    assert np.corrcoef(np.log(size(x, np.zeros(400))), x[:, 250])[0, 1] > 0.8
    beyond = np.where(np.arange(300) == 250, x.max(axis=0) + 50.0, x[:1])
    least = np.where(np.arange(300) == 250, x.max(axis=0), x[:1])
    assert size(beyond, np.zeros(1)) == size(least, np.zeros(1))  # nothing is known out there


@pytest.mark.slow
def test_ninety_percent_of_real_rows_are_inside():
    """Over 10 splits of the diabetes set, the mean share is within two percent of 90."""
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    shares = []
    for seed in range(10):
        rows = np.random.default_rng(seed).permutation(len(x))
        train, test = rows[:310], rows[310:]
        model = TabularRegressor(
            hidden_layer_sizes=(16,), max_iter=15, random_state=seed, progress=False
        )
        model.fit(x.iloc[train], y.iloc[train])
        lower, upper = model.predict_interval(x.iloc[test])
        truth = y.iloc[test].to_numpy()
        shares.append(np.mean((lower <= truth) & (truth <= upper)))
    assert 0.9 == pytest.approx(np.mean(shares), abs=0.02)
