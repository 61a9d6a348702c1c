"""Training rows of which some are anomalies: which lose their weight, and what that is worth."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from chainrule import AnomalyDetector
from chainrule.estimators.anomaly.members.ensemble import Rows
from chainrule.estimators.anomaly.tables.contamination import (
    clean_weights,
    suspicion,
    without_suspects,
)

pytestmark = [
    pytest.mark.filterwarnings(
        "ignore::chainrule.estimators.anomaly.thresholds.calibration.FewRowsWarning"
    ),
    pytest.mark.usefixtures("_unoptimised"),
]


def drawn(seed=0, normal=600, strange=30):
    """Normal rows near a plane, and a tight cluster of anomalies, which near neighbours hide."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(2, 5))
    x = rng.normal(size=(normal, 2)) @ mix + 0.2 * rng.normal(size=(normal, 5))
    far = 4.0 * np.linalg.svd(mix)[2][-1] + 0.2 * rng.normal(size=(strange, 5))
    return x, far


def rows(*parts):
    return Rows(np.concatenate(parts).astype(np.float32), np.zeros(sum(map(len, parts))))


def chosen(contamination):
    return SimpleNamespace(contamination=contamination)


@pytest.mark.parametrize("contamination", ["auto", 0.05, 0.3])
def test_suspicious_rows_lose_their_weight(contamination):
    """All planted rows, and no more than a fifth of the rows or 1.5 times the contamination."""
    x, far = drawn()
    weights = clean_weights(chosen(contamination), rows(x, far), np.random.RandomState(0))
    assert {0.0, 1.0} == {*weights.tolist()} and np.float32 == weights.dtype
    assert (weights[600:] == 0).mean() > 0.95
    share = 0.45 if contamination == 0.3 else 0.2
    assert share == pytest.approx(np.mean(weights == 0), abs=2 / 630)


def test_all_rows_have_weight_without_contamination():
    """None stands for ones; and of fewer than ten rows none can be told from the others."""
    x, far = drawn()
    assert clean_weights(chosen(None), rows(x, far), np.random.RandomState(0)) is None
    assert clean_weights(chosen("auto"), rows(x[:9]), np.random.RandomState(0)) is None
    scores = np.array([1.0, 50.0])
    assert without_suspects(chosen(0.5), scores).all()
    assert without_suspects(chosen(None), np.append(np.ones(50), 1e9)).all()


def test_suspicion_ranks_clusters():
    """Rows of a cluster of thirty are stranger than 85 % of the others."""
    x, far = drawn()
    scores = suspicion(rows(x, far), np.ones(630, bool), np.random.RandomState(0))
    assert np.median(scores[600:]) > np.quantile(scores[:600], 0.85)


def test_held_out_rows_that_are_far():
    """Those beyond an exponential tail of the bulk; with a number, so large a share at most.

    The tail is that of the roots of scores.
    """
    rng = np.random.default_rng(0)
    scores = np.append(rng.exponential(size=980), rng.uniform(60.0, 80.0, 20))
    usual = without_suspects(chosen("auto"), scores)
    assert not usual[980:].any() and usual[:980].mean() > 0.99
    low, high = np.quantile(np.sqrt(scores), [0.7, 0.9])
    limit = (high + (high - low) * np.log(0.1 / 1e-3) / np.log(0.3 / 0.1)) ** 2
    np.testing.assert_array_equal(scores <= limit, usual)
    assert scores[980:].min() > 1.5 * limit
    np.testing.assert_array_equal(
        [True, False], without_suspects(chosen("auto"), [*scores, 0.99 * limit, 1.01 * limit])[-2:]
    )
    few = without_suspects(chosen(0.01), scores)
    assert 10 == np.sum(~few) and scores[few].max() < scores[~few].min()
    np.testing.assert_array_equal(usual, without_suspects(chosen(0.3), scores))


@pytest.mark.parametrize("scores", [np.ones(40), np.append(np.ones(39), 2.0), np.zeros(10)])
def test_equal_scores_are_usual(scores):
    """However many are equal: something remains to calibrate on."""
    for contamination in ("auto", 0.1, 0.5):
        usual = without_suspects(chosen(contamination), scores)
        assert usual[scores == scores.min()].all()


@pytest.mark.parametrize("method", ["neighbors", pytest.param("denoising", marks=pytest.mark.slow)])
def test_contaminated_training(method):
    """Anomalies are told apart better if the detector knows that some are in its training.

    Half of a cluster is among the training rows, without a label. Means over two seeds.
    """
    gains = []
    for seed in range(2):
        x, far = drawn(seed, normal=900, strange=60)
        train = np.concatenate([x[:600], far[:30]])
        test = np.concatenate([x[600:], far[30:]])
        labels = np.arange(330) >= 300
        scores = {}
        for contamination in (None, "auto", 0.05):
            made = AnomalyDetector(
                method=method, contamination=contamination, random_state=seed, max_iter=15,
                n_members=1, progress=False,
            ).fit(train)  # fmt: skip
            scores[contamination] = roc_auc_score(labels, -made.score_samples(test))
        gains.append([scores["auto"] - scores[None], scores[0.05] - scores[None]])
        assert scores["auto"] > 0.97 and scores[0.05] > 0.97, scores
    assert (np.mean(gains, axis=0) > 0.02).all(), gains


def test_a_number_sets_the_offset():
    """So large a share of the rows of `fit` is below it, mostly those that were planted."""
    x, far = drawn()
    train = np.concatenate([x, far])
    made = AnomalyDetector(method="neighbors", contamination=0.05, random_state=0).fit(train)
    alarms = made.predict(train) == -1
    assert 0.05 == pytest.approx(alarms.mean(), abs=1 / 630)
    assert alarms[600:].mean() > 0.8
    assert made.offset_ == np.percentile(made.score_samples(train), 5.0)


def test_the_rate_of_false_alarms_after_cleaning():
    """With "auto" the threshold comes from held-out rows without the suspects.

    Where all rows are learned as normal, the planted ones among them hide others of their kind.
    """
    x, far = drawn(normal=3000, strange=120)
    far *= 3.0
    train = np.concatenate([x[:2000], far[:100]])
    alarms = {}
    for contamination in (None, "auto"):
        made = AnomalyDetector(
            method="neighbors", contamination=contamination, false_alarm_rate=0.02, random_state=0
        ).fit(train)
        alarms[contamination] = (made.predict(x[2000:]) == -1, made.predict(far[100:]) == -1)
    assert 0.01 < alarms["auto"][0].mean() < 0.05
    assert alarms["auto"][1].all() and not alarms[None][1].all()
