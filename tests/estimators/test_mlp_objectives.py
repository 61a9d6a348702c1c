"""Losses, ensembles, and what is watched in training, beyond scikit-learn's."""

import numpy as np
import pytest
from sklearn._loss import HalfTweedieLoss

from chainrule import MLPClassifier, MLPRegressor
from chainrule.errors import DataError, ShapeError
from chainrule.estimators.mlp.objectives import regression_loss

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("_unoptimised"),
]

CLOSE = {"rtol": 1e-9, "atol": 1e-12}
N = 60
DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(N, 4))
Y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2]
BOTH = np.stack([Y, X[:, 3]], axis=1)
LABELS = np.array(["a", "b", "c"])[np.digitize(Y, [-0.5, 0.5])]
SETTINGS = {"hidden_layer_sizes": (6,), "batch_size": 16, "max_iter": 4, "random_state": 3}


def regressor(**settings):
    return MLPRegressor(**{**SETTINGS, **settings})


def classifier(**settings):
    return MLPClassifier(**{**SETTINGS, **settings})


def assert_same(one, other):
    for a, b in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        np.testing.assert_allclose(a, b, **CLOSE)


def row_loss(z, y):
    return 0.5 * np.sum((z - y) ** 2, axis=-1)


def entry_loss(z, y):
    return 0.5 * (z - y) ** 2


def cross_entropy(z, y):
    return np.log(np.sum(np.exp(z), axis=-1)) - np.sum(y * z, axis=-1)


@pytest.mark.parametrize("loss", [row_loss, entry_loss])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_own_loss(loss, solver):
    """A function of a row or of entries trains as the built-in that it copies, weights too."""
    w = np.random.default_rng(1).uniform(0.5, 2.0, N)
    own = regressor(loss=loss, solver=solver).fit(X, BOTH, w)
    assert_same(own, regressor(solver=solver).fit(X, BOTH, w))
    assert own.out_activation_ == "identity"


def test_own_loss_of_classes():
    """It meets the outputs before the output unit, which answers as before."""
    own, plain = classifier(loss=cross_entropy).fit(X, LABELS), classifier().fit(X, LABELS)
    assert_same(own, plain)
    np.testing.assert_allclose(own.predict_proba(X), plain.predict_proba(X), **CLOSE)


def test_own_loss_of_wrong_shape():
    """A mean over rows is refused: weights of rows could not come in."""
    with pytest.raises(ShapeError, match=r"loss=mean.*shape \(\); give one number a row"):

        def mean(z, y):
            return np.mean((z - y) ** 2)

        regressor(loss=mean).fit(X, Y)


def test_absolute_error():
    """It is half the absolute error, and its minimum the median."""
    assert_same(
        regressor(loss="absolute_error").fit(X, BOTH),
        regressor(loss=lambda z, y: 0.5 * np.abs(y - z)).fit(X, BOTH),
    )
    flat = regressor(loss="absolute_error", hidden_layer_sizes=(), max_iter=300, alpha=0.0,
                     learning_rate_init=0.02, learning_rate="linear", tol=0.0)  # fmt: skip
    y = np.random.default_rng(2).exponential(size=N)
    flat.fit(np.zeros((N, 1)), y)
    assert flat.predict([[0.0]])[0] == pytest.approx(np.median(y), abs=0.05)


@pytest.mark.parametrize("q", [0.1, 0.8])
def test_quantile(q):
    """About a share q of rows that were held out lies below."""
    draw = np.random.default_rng(4)
    x = draw.uniform(-1, 1, (4000, 1))
    y = x[:, 0] + draw.normal(size=4000) * (1.5 + x[:, 0])
    model = regressor(
        loss="quantile",
        quantile=q,
        batch_size=100,
        max_iter=40,
        learning_rate="cosine",
        learning_rate_init=0.02,
    ).fit(x[:2000], y[:2000])
    below = y[2000:] <= model.predict(x[2000:])
    assert below.mean() == pytest.approx(q, abs=0.04)
    left, right = (below[part].mean() for part in (x[2000:, 0] < 0, x[2000:, 0] >= 0))
    assert (left, right) == pytest.approx((q, q), abs=0.06)


@pytest.mark.parametrize("power", [1.2, 1.8])
def test_tweedie(power):
    """It differs from scikit-learn's half deviance by what does not depend on the prediction."""
    y = np.array([0.0, 0.3, 2.0, 7.0])
    objective, peer = regression_loss("tweedie").objective(0.5, power), HalfTweedieLoss(power=power)
    rest = [
        objective.row_losses(np.full((4, 1), z), y[:, None])
        - peer.loss(y_true=y, raw_prediction=np.full(4, z))
        for z in (-1.0, 0.4, 2.0)
    ]
    np.testing.assert_allclose(rest[1:], [rest[0]] * 2, rtol=1e-12, atol=1e-12)
    counts = np.random.default_rng(5).poisson(np.exp(X[:, 0])).astype(float)
    model = regressor(loss="tweedie", power=power, solver="lbfgs", max_iter=9).fit(X, counts)
    assert np.all(model.predict(X) > 0) and model.out_activation_ == "exp"


@pytest.mark.parametrize("loss", ["poisson", "tweedie"])
def test_amounts_below_zero(loss):
    with pytest.raises(ValueError, match=f"loss='{loss}' needs targets of 0 or more: y holds -2"):
        regressor(loss=loss).fit(X, np.where(np.arange(N) == 7, -2.0, 1.0))


def noisy(n, seed):
    draw = np.random.default_rng(seed)
    x = draw.uniform(-1, 1, (n, 1))
    mean, std = 2.0 * x[:, 0], np.exp(x[:, 0] - 1.0)
    return x, mean + std * draw.normal(size=n), mean, std


def test_gaussian_nll():
    """A spread that depends on x is found; the loss is the negative log likelihood."""
    x, y, mean, std = noisy(3000, 0)
    model = regressor(loss="gaussian_nll", solver="lbfgs", activation="tanh", max_iter=100).fit(
        x, y
    )
    made, spread = model.predict(x, return_std=True)
    assert np.abs(made - mean).max() < 0.15
    assert np.abs(np.log(spread / std)).max() < 0.25
    nll = 0.5 * np.log(2 * np.pi * spread**2) + (y - made) ** 2 / (2 * spread**2)
    penalty = 0.5e-4 * sum(np.sum(c * c) for c in model.coefs_) / 3000
    assert model.loss_ == pytest.approx(nll.mean() + penalty, rel=1e-12)
    one, its = model.predict(x[:1], return_std=True)
    np.testing.assert_allclose([one[0], its[0]], [made[0], spread[0]], **CLOSE)
    np.testing.assert_allclose(model.predict(x), made, **CLOSE)


def test_gaussian_of_two_targets_and_members():
    """Means come first; an ensemble answers with the moments of the mixture of its members."""
    model = regressor(loss="gaussian_nll", n_members=3).fit(X, BOTH)
    means, variances = [], []
    for k in range(3):
        h = np.maximum(X @ model.coefs_[0][k] + model.intercepts_[0][k], 0.0)
        z = h @ model.coefs_[1][k] + model.intercepts_[1][k]
        means.append(z[:, :2])
        variances.append(np.exp(z[:, 2:]))
    mean, std = model.predict(X, return_std=True)
    assert mean.shape == std.shape == (N, 2)
    np.testing.assert_allclose(mean, np.mean(means, axis=0), **CLOSE)
    second = np.mean(np.array(variances) + np.square(means), axis=0)
    np.testing.assert_allclose(std**2, second - mean**2, **CLOSE)
    with pytest.raises(ValueError, match="return_std=True needs loss='gaussian_nll'"):
        regressor().fit(X, Y).predict(X, return_std=True)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"clip_norm": 0.2},
        {"normalization": "batch", "residual": True, "hidden_layer_sizes": (4, 4)},
        {"solver": "lion", "ema": 0.5, "learning_rate": "cosine"},
    ],
)
def test_members(settings):
    """Each member is the network that is trained alone from its first weights, in its order."""
    ensemble = classifier(n_members=3, shuffle=False, warm_start=True, **settings)
    ensemble.set_params(max_iter=1, learning_rate_init=1e-300).fit(X, LABELS)
    first = [[c.copy() for c in ensemble.coefs_], [b.copy() for b in ensemble.intercepts_]]
    trained = {"max_iter": 4, "learning_rate_init": 0.02}
    alone = []
    for k in range(3):
        one = classifier(shuffle=False, warm_start=True, **settings)
        one.set_params(max_iter=1, learning_rate_init=1e-300).fit(X, LABELS)
        one.coefs_, one.intercepts_ = ([a[k].copy() for a in part] for part in first)
        if "normalization" in settings:
            one.statistics_ = [[s[k].copy() for s in layer] for layer in ensemble.statistics_]
        alone.append(one.set_params(**trained).fit(X, LABELS))
    ensemble.set_params(**trained).fit(X, LABELS)
    for k, one in enumerate(alone):
        for name in ("coefs_", "intercepts_"):
            for a, b in zip(getattr(ensemble, name), getattr(one, name), strict=True):
                np.testing.assert_allclose(a[k], b, **CLOSE)
    mean = np.mean([one.predict_proba(X) for one in alone], axis=0)
    np.testing.assert_allclose(ensemble.predict_proba(X), mean, **CLOSE)
    np.testing.assert_allclose(ensemble.predict_proba(X[:1]), mean[:1], **CLOSE)
    assert not np.allclose(alone[0].coefs_[0], alone[1].coefs_[0])
    assert ensemble.loss_curve_[-1] == pytest.approx(np.mean([o.loss_curve_[-1] for o in alone]))


FRESH = np.random.default_rng(7).normal(size=(30, 4))
THEIRS = np.array(["a", "b", "c"])[np.digitize(np.sin(FRESH[:, 0]), [-0.5, 0.5])]


def test_validation_data():
    """validation_scores_ are those of these rows after each epoch; no row of X is held out."""
    w = np.random.default_rng(1).uniform(0.5, 2.0, 30)
    scores, losses, t = [], [], []

    def watch(report):
        p = report.model.predict_proba(FRESH)
        scores.append(report.model.score(FRESH, THEIRS, sample_weight=w))
        right = p[np.arange(30), np.searchsorted(report.model.classes_, THEIRS)]
        losses.append((report.validation_loss, np.average(-np.log(right), weights=w)))
        t.append((report.score, report.model.t_))

    model = classifier(callbacks=[watch]).fit(X, LABELS, validation_data=(FRESH, THEIRS, w))
    np.testing.assert_allclose(model.validation_scores_, scores, **CLOSE)
    assert t == [(s, N * k) for k, s in enumerate(model.validation_scores_, start=1)]
    np.testing.assert_allclose(*zip(*losses, strict=True), **CLOSE)
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert_same(model, classifier().fit(X, LABELS))


def test_validation_loss_of_members():
    """It is the mean of theirs, as the training loss is; the score is that of their answer."""
    told = []
    model = regressor(n_members=3, callbacks=[told.append])
    model.fit(X, BOTH, validation_data=(X[:20], BOTH[:20]))
    losses = []
    for k in range(3):
        h = np.maximum(X[:20] @ model.coefs_[0][k] + model.intercepts_[0][k], 0.0)
        z = h @ model.coefs_[1][k] + model.intercepts_[1][k]
        losses.append(0.5 * np.mean((z - BOTH[:20]) ** 2))
    assert told[-1].validation_loss == pytest.approx(np.mean(losses), rel=1e-12)
    assert told[-1].score == pytest.approx(model.score(X[:20], BOTH[:20]), rel=1e-12)


@pytest.mark.parametrize("monitor", ["loss", "validation_loss", "validation_score", "auto"])
def test_monitor(monitor):
    """With early_stopping, the weights are those of the best epoch by what is watched."""
    seen = []

    def watch(r):
        values = {"loss": -r.loss, "validation_loss": -r.validation_loss}
        seen.append((values.get(monitor, r.score), [c.copy() for c in r.model.coefs_], r.improved))

    model = classifier(monitor=monitor, early_stopping=True, callbacks=[watch], n_iter_no_change=3,
                       max_iter=60, learning_rate_init=0.1)  # fmt: skip
    model.fit(X, LABELS, validation_data=(FRESH, THEIRS))
    values = [value for value, _, _ in seen]
    best = int(np.argmax(values))
    np.testing.assert_array_equal(model.coefs_[0], seen[best][1][0])
    assert [better for _, _, better in seen] == [
        value > max(values[:k], default=-np.inf) for k, value in enumerate(values)
    ]
    if monitor != "loss":
        assert len(seen) < 60 and best < len(seen) - 1
        waits = np.nonzero(np.diff(np.maximum.accumulate(values)) >= 1e-4)[0]
        assert len(seen) >= waits[-1] + 2 + 4


def test_monitor_without_rows():
    """What cannot be watched is said before the training."""
    with pytest.raises(ValueError, match="monitor='validation_loss' needs validation_data, or"):
        classifier(monitor="validation_loss").fit(X, LABELS)


def test_validation_rows_that_come_later():
    """A warm start may add rows to watch."""
    model = classifier(warm_start=True).fit(X, LABELS)
    model.fit(X, LABELS, validation_data=(FRESH, THEIRS))
    assert len(model.validation_scores_) == 4 and len(model.loss_curve_) == 8


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (FRESH, r"give \(X, y\), or \(X, y, sample_weight\)"),
        ((FRESH, THEIRS[:5]), r"for 30 rows of X, y needs shape \(30, 3\), not \(5, 3\)"),
        ((FRESH, np.where(THEIRS == "c", "d", THEIRS)), r"labels \['d'\], which are not among"),
        ((FRESH[:, :2], THEIRS), "2 features, but MLPClassifier is expecting 4"),
        ((FRESH, THEIRS, np.ones(7)), "sample_weight.shape == "),
    ],
)
def test_wrong_validation_data(data, message):
    """What is wrong with rows to watch is said."""
    with pytest.raises((DataError, ValueError), match=message):
        classifier().fit(X, LABELS, validation_data=data)


def test_rows_without_weight():
    """A batch of rows of weight 0 teaches nothing, and spoils nothing."""
    w = np.ones(N)
    w[:16] = 0.0
    model = regressor(shuffle=False, alpha=0.0, solver="sgd", momentum=0.0).fit(X, Y, w)
    assert_same(model, regressor(shuffle=False, alpha=0.0, solver="sgd", momentum=0.0).fit(
        X[16:], Y[16:]))  # fmt: skip
