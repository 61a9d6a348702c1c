"""What goes beyond scikit-learn in training: against loops and formulas written by hand."""

from itertools import count, pairwise

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from chainrule import MLPClassifier, MLPRegressor
from chainrule.estimators.mlp import perceptron

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("_unoptimised"),
]

CLOSE = {"rtol": 1e-9, "atol": 1e-12}
N, WIDTH, HIDDEN, BATCH, EPOCHS = 50, 4, 6, 16, 3
DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(N, WIDTH))
Y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2]
LABELS = np.digitize(Y, [-0.5, 0.5])
MULTI = np.stack([Y > 0, X[:, 3] > 0, X[:, 1] > 0.3], axis=1).astype(int)


def regressor(**settings):
    return MLPRegressor(**{
        "hidden_layer_sizes": (HIDDEN,), "activation": "tanh", "batch_size": BATCH, "alpha": 0.1,
        "max_iter": EPOCHS, "shuffle": False, "random_state": 3, "learning_rate_init": 0.02,
        **settings,
    })  # fmt: skip


def classifier(**settings):
    shared = regressor().get_params().keys() & MLPClassifier().get_params().keys() - {"loss"}
    given = {name: value for name, value in regressor().get_params().items() if name in shared}
    return MLPClassifier(**{**given, **settings})


def first_weights(units=(WIDTH, HIDDEN, 1), seed=3, members=1):
    """Glorot's, in scikit-learn's order: [matrices, biases], each with an axis of members."""
    draw, coefs, biases = np.random.RandomState(seed), [], []
    for n, m in pairwise(units):
        bound = np.sqrt(6.0 / (n + m))
        made = [(draw.uniform(-bound, bound, (n, m)), draw.uniform(-bound, bound, m))
                for _ in range(members)]  # fmt: skip
        coefs.append(np.stack([c for c, _ in made]))
        biases.append(np.stack([b for _, b in made]))
    return coefs, biases


def gradients(p, x, y, alpha=0.1):
    """Of half the mean squared error and the penalty, by hand; p = [c1, c2, b1, b2]."""
    c1, c2, b1, b2 = p
    h = np.tanh(x @ c1 + b1)
    error = (h @ c2 + b2 - y[:, None]) / len(x)
    back = error @ c2.T * (1.0 - h * h)
    return [x.T @ back + alpha * c1 / len(x), h.T @ error + alpha * c2 / len(x),
            back.sum(axis=0), error.sum(axis=0)]  # fmt: skip


def loop(rule, epochs=EPOCHS, change=lambda grads: grads, watch=None):
    """Weights after all steps of a rule ``(p, g, m, v, t) -> (p, m, v)`` for each array."""
    coefs, biases = first_weights()
    p = [a[0] for a in coefs + biases]
    m, v, t = [np.zeros_like(a) for a in p], [np.zeros_like(a) for a in p], 0
    for _ in range(epochs):
        for start in range(0, N, BATCH):
            t += 1
            part = slice(start, start + BATCH)
            grads = change(gradients(p, X[part], Y[part]))
            made = [rule(a, g, b, c, t) for a, g, b, c in zip(p, grads, m, v, strict=True)]
            p, m, v = ([one[k] for one in made] for k in range(3))
            if watch is not None:
                watch(p)
    return p


def adam(rate, decay=0.0, factor=lambda t: 1.0):
    def rule(p, g, m, v, t):
        size = rate * factor(t - 1)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        p = p * (1.0 - size * decay) if p.ndim == 2 else p
        hat = size * np.sqrt(1.0 - 0.999**t) / (1.0 - 0.9**t)
        return p - hat * m / (np.sqrt(v) + 1e-8), m, v

    return rule


def rmsprop(p, g, m, v, t):
    v = 0.999 * v + 0.001 * g * g
    return p - 0.02 * g / (np.sqrt(v) + 1e-8), m, v


def lion(p, g, m, v, t):
    p = p * (1.0 - 0.02 * 0.3) if p.ndim == 2 else p
    return p - 0.02 * np.sign(0.9 * m + 0.1 * g), 0.999 * m + 0.001 * g, v


def plain(rate, factor=lambda t: 1.0):
    return lambda p, g, m, v, t: (p - rate * factor(t - 1) * g, m, v)


def assert_weights(model, p):
    for made, expected in zip(model.coefs_ + model.intercepts_, p, strict=True):
        np.testing.assert_allclose(made, expected, **CLOSE)


@pytest.mark.parametrize(
    ("solver", "rule"),
    [("adamw", adam(0.02, 0.3)), ("rmsprop", rmsprop), ("lion", lion), ("adam", adam(0.02))],
)
def test_solvers(solver, rule):
    """Each solver's weights are those of its rule; biases do not decay."""
    assert_weights(regressor(solver=solver, weight_decay=0.3).fit(X, Y), loop(rule))


STEPS = EPOCHS * 4


def cosine(t, warmup):
    return (
        min((t + 1) / max(warmup, 1), 1.0)
        * 0.5
        * (1.0 + np.cos(np.pi * np.clip((t - warmup) / (STEPS - warmup), 0, 1)))
    )


def linear(t, warmup):
    return min((t + 1) / max(warmup, 1), 1.0) * (
        1.0 - np.clip((t - warmup) / (STEPS - warmup), 0, 1)
    )


@pytest.mark.parametrize("schedule", [cosine, linear])
@pytest.mark.parametrize(("warmup", "steps"), [(0, 0), (5, 5), (0.25, 0.25 * STEPS)])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_schedules(schedule, warmup, steps, solver):
    """The rate at each step is the formula's, with any solver."""
    model = regressor(solver=solver, momentum=0.0, learning_rate=schedule.__name__, warmup=warmup)
    rule = (plain if solver == "sgd" else adam)(0.02, factor=lambda t: schedule(t, steps))
    assert_weights(model.fit(X, Y), loop(rule))


def test_schedule_of_partial_fit():
    """Steps are counted over calls of partial_fit."""
    model = regressor(solver="sgd", momentum=0.0, learning_rate="linear")
    for _ in range(EPOCHS):
        model.partial_fit(X, Y)
    assert_weights(model, loop(plain(0.02, factor=lambda t: linear(t, 0))))


def test_clip_norm():
    """Gradients longer than the bound have its length, all arrays together; others stay."""

    def clipped(grads):
        norm = np.sqrt(sum(np.sum(g * g) for g in grads))
        norms.append(norm)
        return [g * min(1.0, 1.5 / norm) for g in grads]

    norms = []
    expected = loop(plain(0.02), change=clipped)
    assert min(norms) < 1.5 < max(norms)
    assert_weights(regressor(solver="sgd", momentum=0.0, clip_norm=1.5).fit(X, Y), expected)


def test_ema():
    """What answers are running means of the weights that are trained, over calls too."""
    mean = [a[0] for part in first_weights() for a in part]

    steps = count()

    def watch(p):
        t = next(steps)
        kept = min(0.3, (1 + t) / (10 + t))
        mean[:] = [kept * a + (1 - kept) * b for a, b in zip(mean, p, strict=True)]

    loop(adam(0.02), watch=watch)
    assert next(steps) > 3  # from there on, 0.3
    assert_weights(regressor(ema=0.3).fit(X, Y), mean)
    model = regressor(ema=0.3)
    for _ in range(EPOCHS):
        model.partial_fit(X, Y)
    assert_weights(model, mean)


@pytest.mark.parametrize("weight", ["balanced", {0: 3.0, 1: 0.5, 2: 1.5}])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_class_weight(weight, solver):
    """It is the sample_weight of each class, and multiplies one that is given."""
    own = np.random.default_rng(1).uniform(0.5, 2.0, N)
    expected = compute_sample_weight(weight, LABELS)
    plain = classifier(solver=solver)
    for given, whole in ((None, expected), (own, own * expected)):
        model = classifier(solver=solver, class_weight=weight).fit(X, LABELS, given)
        assert_weights(model, plain.fit(X, LABELS, whole).coefs_ + plain.intercepts_)
    assert np.any(model.coefs_[0] != classifier(solver=solver).fit(X, LABELS).coefs_[0])


def test_class_weight_of_parts():
    """partial_fit takes a dict, and says why it does not take "balanced"."""
    model = classifier(class_weight={0: 3.0, 1: 0.5, 2: 1.5}).partial_fit(
        X, LABELS, classes=[0, 1, 2]
    )
    w = compute_sample_weight({0: 3.0, 1: 0.5, 2: 1.5}, LABELS)
    plain = classifier().partial_fit(X, LABELS, w, classes=[0, 1, 2])
    assert_weights(model, plain.coefs_ + plain.intercepts_)
    with pytest.raises(ValueError, match=r"'balanced' is not supported for partial_fit: give"):
        classifier(class_weight="balanced").partial_fit(X, LABELS, classes=[0, 1, 2])


@pytest.mark.parametrize("kind", ["multiclass", "binary", "multilabel"])
def test_label_smoothing(kind):
    """The first loss is the formula's: cross entropy with the smoothed labels."""
    y = {"multiclass": LABELS, "binary": LABELS > 0, "multilabel": MULTI}[kind]
    model = classifier(batch_size=N, max_iter=1, label_smoothing=0.2).fit(X, y)
    wide = 1 if kind == "binary" else 3
    coefs, biases = ([a[0] for a in part] for part in first_weights((WIDTH, HIDDEN, wide)))
    z = np.tanh(X @ coefs[0] + biases[0]) @ coefs[1] + biases[1]
    if kind == "multiclass":
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        smooth = 0.8 * np.eye(3)[LABELS] + 0.2 / 3
        losses = -np.sum(smooth * np.log(p), axis=1)
    else:
        p, smooth = 1 / (1 + np.exp(-z)), 0.8 * np.reshape(y, (N, -1)) + 0.1
        losses = -np.sum(smooth * np.log(p) + (1 - smooth) * np.log(1 - p), axis=1)
    penalty = 0.05 * sum(np.sum(c * c) for c in coefs) / N
    np.testing.assert_allclose(model.loss_curve_, [losses.mean() + penalty], **CLOSE)


def test_dropout_mean():
    """The mean over many draws is what answers without dropout; a unit is left out as often."""
    from chainrule import random

    net = perceptron.Perceptron(("tanh",), "squared_error", dropout=0.3)
    coefs, biases = ([a[0] for a in part] for part in first_weights((WIDTH, 1000, 1000)))
    biases[1][:], coefs[1][:] = 0.0, np.eye(1000)
    weights = {"coefs": coefs, "intercepts": biases}
    hidden = net.raw_outputs(weights, [], X)
    drawn = net.apply(weights, [], X, training=True, key=random.key(5))[0]
    left_out = drawn == 0.0
    rate = 77 / 256  # a byte decides
    assert left_out.mean() == pytest.approx(rate, abs=5 * np.sqrt(0.3 * 0.7 / left_out.size))
    np.testing.assert_allclose(drawn[~left_out], hidden[~left_out] / (1 - rate), **CLOSE)
    for axis in (0, 1):  # neither rows nor units are left out together
        shares, count = left_out.mean(axis=axis), left_out.shape[axis]
        assert np.var(shares) == pytest.approx(rate * (1 - rate) / count, rel=0.5)


def test_dropout_draws():
    """Draws depend on the random state, and differ from epoch to epoch, and from fit to fit."""
    still = {"batch_size": N, "learning_rate_init": 1e-12, "alpha": 0.0}
    model = regressor(dropout=0.4, **still).fit(X, Y)
    assert len(set(np.round(model.loss_curve_, 6))) == EPOCHS
    assert model.loss_curve_ == regressor(dropout=0.4, **still).fit(X, Y).loss_curve_
    other = regressor(dropout=0.4, random_state=4, **still).fit(X, Y)
    assert not set(np.round(model.loss_curve_, 6)) & set(np.round(other.loss_curve_, 6))
    assert len(set(np.round(regressor(**still).fit(X, Y).loss_curve_, 6))) == 1
    again = regressor(dropout=0.4, warm_start=True, max_iter=1, **still)
    for _ in range(3):
        again.fit(X, Y)
    assert len(set(np.round(again.loss_curve_, 6))) == 3
    parts = regressor(dropout=0.4, **still)
    for _ in range(3):
        parts.partial_fit(X, Y)
    assert len(set(np.round(parts.loss_curve_, 6))) == 3


@pytest.mark.parametrize("weighted", [False, True])
def test_mixup(monkeypatch, weighted):
    """A step on rows that are mixed with those from the other end, targets and weights alike."""
    monkeypatch.setattr(perceptron, "uniform", lambda key, shape, dtype: np.full(shape, 0.3, dtype))

    def tanh(z):  # a function of this test alone, so that nothing compiled before is used
        return np.tanh(z)

    w = np.random.default_rng(1).uniform(0.5, 2.0, N) if weighted else np.ones(N)
    one = {"batch_size": N, "max_iter": 1, "solver": "sgd", "momentum": 0.0}
    model = regressor(mixup=True, activation=tanh, **one).fit(X, Y, w if weighted else None)
    x, y, v = (0.3 * a + 0.7 * a[::-1] for a in (X, Y, w))
    plain = regressor(**one).fit(x, y, v if weighted else None)
    assert_weights(model, plain.coefs_ + plain.intercepts_)


def test_mixup_draws():
    """Other shares each epoch."""
    still = {"batch_size": N, "learning_rate_init": 1e-12, "alpha": 0.0}
    assert len(set(np.round(regressor(mixup=True, **still).fit(X, Y).loss_curve_, 6))) == EPOCHS


def normal(z, axis):
    mean, variance = z.mean(axis=axis, keepdims=True), z.var(axis=axis, keepdims=True)
    return (z - mean) / np.sqrt(variance + 1e-5), mean, variance


@pytest.mark.parametrize("kind", ["batch", "layer"])
def test_normalization(kind):
    """The first loss and the answers are the formula's; statistics are running ones."""
    coefs, biases = ([a[0] for a in part] for part in first_weights())
    z, mean, variance = normal(X @ coefs[0] + biases[0], 0 if kind == "batch" else 1)
    made = np.tanh(z) @ coefs[1] + biases[1]
    loss = 0.5 * np.mean((made[:, 0] - Y) ** 2) + 0.05 * sum(np.sum(c * c) for c in coefs) / N
    model = regressor(normalization=kind, batch_size=N, max_iter=1).fit(X, Y)
    np.testing.assert_allclose(model.loss_curve_, [loss], **CLOSE)
    if kind == "batch":
        np.testing.assert_allclose(model.statistics_[0][0], 0.1 * mean[0], **CLOSE)
        np.testing.assert_allclose(model.statistics_[0][1], 0.9 + 0.1 * variance[0], **CLOSE)
    model.set_params(max_iter=EPOCHS, batch_size=BATCH).fit(X, Y)
    z = X @ model.coefs_[0] + model.intercepts_[0]
    if kind == "batch":
        running = model.statistics_[0]
        z = (z - running[0]) / np.sqrt(running[1] + 1e-5)
    else:
        z = normal(z, 1)[0]
    assert np.all(model.scales_[0] != 1.0) and np.all(model.shifts_[0] != 0.0)
    h = np.tanh(z * model.scales_[0] + model.shifts_[0])
    made = (h @ model.coefs_[1] + model.intercepts_[1])[:, 0]
    np.testing.assert_allclose(model.predict(X), made, **CLOSE)
    np.testing.assert_allclose(model.predict(X[:1]), made[:1], **CLOSE)


def test_layers_of_lbfgs():
    """Layer normalisation, residuals and an ensemble train with lbfgs: the loss falls."""
    model = regressor(solver="lbfgs", normalization="layer", residual=True, n_members=2,
                      hidden_layer_sizes=(4, 4), max_iter=100, alpha=1e-6)  # fmt: skip
    model.fit(X, Y)
    assert model.scales_[0].shape == (2, 4)
    assert model.score(X, Y) > 0.9


def test_residual_and_activations():
    """Layers as wide as what they read add it; each layer has its own activation."""

    def cube(z):
        return z**3 / 10

    sizes = (WIDTH, WIDTH, 7)
    model = regressor(hidden_layer_sizes=sizes, residual=True, activation=["softplus", cube, "elu"])
    model.fit(X, Y)
    (c1, c2, c3, c4), (b1, b2, b3, b4) = model.coefs_, model.intercepts_
    h = X + np.log1p(np.exp(X @ c1 + b1))
    h = h + cube(h @ c2 + b2)
    z = h @ c3 + b3
    h = np.where(z > 0, z, np.expm1(z))
    np.testing.assert_allclose(model.predict(X), (h @ c4 + b4)[:, 0], **CLOSE)


def test_wrong_activations():
    """Their number, and their names, are compared."""
    with pytest.raises(ValueError, match=r"activation=\['relu', 'tanh'\] names 2 functions for 1"):
        regressor(activation=["relu", "tanh"]).fit(X, Y)
    with pytest.raises(ValueError, match="'rely' is none of identity, logistic"):
        regressor(activation=["rely"]).fit(X, Y)
