"""The Gaussian process beside a regressor's network: its formulas, its share, files and ONNX."""

import numpy as np
import pandas as pd
import pytest
from exported import runtime

import chainrule as cr
from chainrule import TabularRegressor
from chainrule.container import dumps, loads
from chainrule.errors import ModelFileError
from chainrule.estimators.mlp.kernel import covariance, kernel_mean
from chainrule.estimators.tabular import process
from chainrule.estimators.tabular.process import best_weight, fit_process

pytestmark = pytest.mark.usefixtures("_unoptimised")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3))
Y = np.sin(X[:, 0]) + 0.1 * RNG.normal(size=24)
SCALES, NUMBERS = np.array([0.7, 0.2, 0.4]), np.array([0.3, 0.9, 0.2, 0.05, 0.6])


def solved(x, y, spread=None, left_out=(0,)):
    spread = np.ones(len(x)) if spread is None else np.asarray(spread)
    alone = np.arange(len(left_out))
    return process._solved(x, y, spread, SCALES, NUMBERS, np.array(left_out), alone)


def test_covariances():
    """At a distance of 2: 0.3 exp(-1.2), and Matérn's (1 + a + a^2 / 3) exp(-a), a = 2 sqrt(5)."""
    a = 2 * np.sqrt(5.0)
    expected = 0.3 * np.exp(-1.2) + 0.9 * (1 + a + a**2 / 3) * np.exp(-a)
    made = covariance(np.array([0.3, 0.9, 0.6]), np.array([[2.0, 0.0]]), np.zeros((1, 2)))
    np.testing.assert_allclose(made, [[expected]], rtol=1e-12)


def test_the_mean_solves_the_equations():
    """With all that is known: K (K + noise)^-1 y, by NumPy."""
    rough, smooth, linear, noise, ratio = NUMBERS
    k = covariance(np.array([rough, smooth, ratio]), X * SCALES, X * SCALES)
    k = k + linear / 3 * X @ X.T
    expected = k @ np.linalg.solve(k + noise * np.eye(24), Y)
    np.testing.assert_allclose(kernel_mean(solved(X, Y).kernel, X)[:, 0], expected, rtol=1e-9)


def test_left_out_rows_are_as_if_they_had_not_been_there():
    """In one solution for all of them, each row's is that of a process fitted without it."""
    known = solved(X, Y, left_out=(3, 11))
    moved = X[[3, 11]] + 0.1
    for rows in (X[[3, 11]], moved):
        expected = [
            kernel_mean(solved(np.delete(X, k, 0), np.delete(Y, k)).kernel, row[None])[0, 0]
            for k, row in zip((3, 11), rows, strict=True)
        ]
        np.testing.assert_allclose(known.unseen(rows), expected, rtol=2e-4, atol=2e-5)
    np.testing.assert_array_equal(known.without_each_of([1]).unseen(moved[1:]),
                                  known.unseen(moved)[1:])  # fmt: skip


def test_half_the_noise_is_the_row_twice():
    twice = solved(np.concatenate([X, X[:1]]), np.concatenate([Y, Y[:1]]))
    halved = solved(X, Y, [0.5, *np.ones(23)])
    new = RNG.normal(size=(5, 3))
    np.testing.assert_allclose(
        kernel_mean(halved.kernel, new), kernel_mean(twice.kernel, new), rtol=1e-7, atol=1e-9
    )


def test_single_precision_is_near_double(monkeypatch):
    double = kernel_mean(solved(X, Y).kernel, X)
    monkeypatch.setattr(process, "SINGLE_ROWS", 10)
    single = kernel_mean(solved(X, Y).kernel, X)
    assert np.abs(single - double).max() > 1e-9
    np.testing.assert_allclose(single, double, atol=1e-4)


def test_the_gradient_of_the_likelihood():
    """By central differences, for each scale and each number; two features share a scale."""
    columns, spread = np.array([0, 1, 1]), RNG.uniform(0.5, 2.0, 24)
    p = np.array([-0.4, -1.1, *np.log(NUMBERS)])

    def value(p):
        return process._loss(p, X, Y, spread, columns, 2, -0.5)

    _, gradient = value(p)
    steps = 1e-5 * np.eye(len(p))
    numeric = [(value(p + step)[0] - value(p - step)[0]) / 2e-5 for step in steps]
    np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-8)


def test_columns_that_say_nothing_get_small_scales():
    rng = np.random.RandomState(0)
    x = rng.uniform(-1, 1, (120, 3))
    y = np.sin(4 * x[:, 0])
    fitted = fit_process(x, y, np.ones(120), [[0], [1], [2]], np.arange(120), rng)
    scales = fitted.kernel["scales"]
    assert scales[0] > 10 * max(scales[1:])
    errors = fitted.unseen(x[fitted.left_out]) - y[fitted.left_out]
    assert np.sqrt(np.mean(errors**2)) < 0.02


def test_a_covariance_that_rounding_spoils_is_no_process():
    broken = NUMBERS * [1, 1, 1, 0, 1] - [0, 0, 0, 0.1, 0]  # negative noise
    twice = np.concatenate([X, X])
    assert process._solved(
        twice, np.concatenate([Y, Y]), np.ones(48), SCALES, broken, np.array([0]), np.array([0])
    ) is None  # fmt: skip


def test_weights():
    """The share with the least error of the sum, and never beyond one of both."""
    y, ours = np.array([1.0, 2.0]), np.array([0.0, 2.0])
    assert 0.0 == best_weight(y, np.ones(2), ours, y)
    assert 1.0 == best_weight(y, np.ones(2), y, ours)
    assert 0.75 == best_weight(y, np.ones(2), y + 0.5, y - 1.5)
    assert 0.0 == best_weight(y, np.ones(2), y, y)


@pytest.fixture(scope="module")
def smooth():
    rng = np.random.default_rng(1)
    x = pd.DataFrame(rng.uniform(-1, 1, (260, 2)), columns=["a", "b"])
    return x, 50 + 10 * np.sin(3 * x["a"]) * x["b"]


SMALL = {"hidden_layer_sizes": (8,), "max_iter": 3, "n_members": 2, "random_state": 0}


@pytest.fixture(scope="module")
def fitted(smooth):
    x, y = smooth
    return TabularRegressor(**SMALL, progress=False).fit(x[:200], y[:200])


def test_it_answers_with_the_network(smooth, fitted):
    """On a smooth function it is far ahead; the prediction is the weighted mean of both."""
    x, y = smooth
    alone = TabularRegressor(**SMALL, gaussian_process_rows=0, progress=False)
    assert alone.fit(x[:200], y[:200]).score(x[200:], y[200:]) < 0.6
    assert "kernel" not in alone.network_.fitted_network.weights
    assert fitted.score(x[200:], y[200:]) > 0.98
    network = fitted.network_.fitted_network
    kernel, rows = network.weights["kernel"], fitted.features_(x[200:])
    share = float(kernel["weight"])
    assert 0.9 < share <= 1.0
    mean = share * kernel_mean(kernel, rows) + (1 - share) * network.without_process().predict(rows)
    expected = mean[:, 0] * fitted.spread_ + fitted.center_
    np.testing.assert_allclose(fitted.predict(x[200:]), np.clip(expected, *fitted.range_),
                               rtol=1e-5)  # fmt: skip
    again = TabularRegressor(**SMALL, progress=False).fit(x[:200], y[:200])
    np.testing.assert_array_equal(again.predict(x), fitted.predict(x))


def test_other_losses_have_none(smooth):
    x, y = smooth
    for changes in ({"loss": "absolute_error"}, {"validation_fraction": 0.0}):
        model = TabularRegressor(**SMALL, **changes, progress=False).fit(x[:60], y[:60])
        assert "kernel" not in model.network_.fitted_network.weights


def test_what_else_a_model_says_is_of_both(smooth, fitted):
    """Importances and intervals are measured on rows that the process has left out."""
    x, y = smooth
    assert (fitted.feature_importances_ > 0.3).all()
    lower, upper = fitted.predict_interval(x[200:])
    assert np.mean((lower <= y[200:]) & (y[200:] <= upper)) > 0.75
    rows = x[200:205]
    told = fitted.attributions(rows, steps=64).to_numpy().sum(axis=1)
    network = fitted.network_.fitted_network
    outputs = network.predict(fitted.features_(rows))[:, 0]
    base = network.predict(fitted.background_.mean(axis=0, keepdims=True))[0, 0]
    np.testing.assert_allclose(told, outputs - base, atol=0.02)


def test_files_and_onnx(smooth, fitted, tmp_path):
    x, _ = smooth
    path = tmp_path / "a.model"
    fitted.save(path)
    loaded = cr.load(path)
    np.testing.assert_array_equal(loaded.predict(x), fitted.predict(x))
    session = runtime.InferenceSession(fitted.to_onnx().SerializeToString())
    made = session.run(None, {name: x[name].to_numpy()[:, None] for name in ("a", "b")})[0]
    np.testing.assert_allclose(made.reshape(-1), fitted.predict(x), rtol=1e-5)
    description, arrays = loads(path.read_bytes())
    for name, value in (("weight", np.float64(2.0)), ("shares", np.full(3, -1.0)),
                        ("coefs", np.zeros(7))):  # fmt: skip
        wrong = arrays | {f"network.kernel.{name}": np.asarray(value)}
        path.write_bytes(dumps(description, wrong))
        with pytest.raises(ModelFileError, match="kernel|share"):
            cr.load(path)


def test_patience_and_interruption(smooth):
    """Training ends where validation no longer improves, and `stopped_` says why it ended."""
    x, y = smooth
    noise = np.random.default_rng(2).normal(size=200)
    model = TabularRegressor(**{**SMALL, "max_iter": 60}, n_iter_no_change=3, progress=False)
    network = model.fit(x[:200], noise).network_
    best = int(np.argmax(network.validation_scores_)) + 1
    assert ("patience", True) == (network.stopped_, network.n_iter_ < 60)
    assert network.n_iter_ - best >= 3

    def stop(report):
        if report.epoch == 2:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted"):
        model = TabularRegressor(**SMALL, callbacks=[stop], progress=False).fit(x[:200], y[:200])
    assert ("interrupted", 2) == (model.network_.stopped_, model.n_iter_)
