"""Quantile and likelihood losses, and smoothed labels, against SciPy, scikit-learn and loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import mean_pinball_loss, mean_tweedie_deviance

from chainrule import losses
from chainrule.errors import ShapeError
from chainrule.transforms import check_grads, grad, jit

RNG = np.random.default_rng(1)
PREDICTION = RNG.normal(size=(6, 2))
TARGET = RNG.normal(size=(6, 2))
COUNTS = np.array([[0, 3], [1, 0], [7, 2], [0, 0], [2, 1], [40, 5]])
AMOUNTS = np.where(COUNTS > 0, COUNTS * RNG.uniform(0.5, 2.0, size=(6, 2)), 0.0)
MEAN_AND_SPREAD = RNG.normal(size=(6, 2, 2))
LOGITS = RNG.normal(size=(6, 4)) * 3.0
CLASSES = np.array([0, 3, 1, 1, 2, 0])
close = np.testing.assert_allclose


@pytest.mark.parametrize("q", [0.05, 0.5, 0.9])
def test_pinball_of_one_quantile(q: float) -> None:
    """scikit-learn's mean, a loop's entries, and slopes -q above and 1 - q below."""
    each = np.zeros((6, 2))
    for k in np.ndindex(6, 2):
        e = TARGET[k] - PREDICTION[k]
        each[k] = q * e if e > 0 else (q - 1) * e
    close(losses.pinball(PREDICTION, TARGET, q, reduction="none"), each, rtol=1e-14)
    wanted = mean_pinball_loss(TARGET.ravel(), PREDICTION.ravel(), alpha=q)
    close(losses.pinball(PREDICTION, TARGET, q), wanted, rtol=1e-14)
    close(jit(lambda p, t: losses.pinball(p, t, q))(PREDICTION, TARGET), wanted, rtol=1e-14)
    slopes = np.where(TARGET > PREDICTION, -q, 1 - q) / 12
    close(grad(losses.pinball)(PREDICTION, TARGET, q), slopes, rtol=1e-14)
    close(float(grad(losses.pinball)(2.0, 2.0, q)), 0.5 - q, rtol=1e-14, atol=1e-16)


def test_pinball_of_several_quantiles() -> None:
    """The last axis of the prediction holds one number a quantile."""
    quantiles = (0.1, 0.5, 0.9)
    prediction = RNG.normal(size=(6, 2, 3))
    expected = [
        losses.pinball(prediction[..., k], TARGET, q, reduction="none")
        for k, q in enumerate(quantiles)
    ]
    for given in (quantiles, list(quantiles), np.array(quantiles)):
        got = losses.pinball(prediction, TARGET, given, reduction="none")
        close(got, np.stack(expected, -1), rtol=1e-15)
    weights = RNG.uniform(size=6)
    got = losses.pinball(prediction, TARGET, quantiles, sample_weight=weights)
    close(got, np.average(np.mean(expected, axis=(0, 2)), weights=weights), rtol=1e-13)
    check_grads(lambda p: losses.pinball(p, TARGET, quantiles), (prediction,), order=1)


def test_pinball_is_least_at_the_quantile() -> None:
    """Descending on it ends where a share q of the targets lies below."""
    y = RNG.exponential(size=1001)
    quantiles = np.array([0.1, 0.75])
    slope = jit(grad(lambda p: losses.pinball(np.broadcast_to(p, (1001, 2)), y, (0.1, 0.75)) * 2.0))
    p = np.zeros(2)
    for step in range(2000):
        p = p - slope(p) * 2.0 / (1 + step / 50)
    close((y[:, None] < p).mean(0), quantiles, atol=0.005)


@pytest.mark.parametrize("power", [1.0, 1.1, 1.5, 1.9])
def test_deviances(power: float) -> None:
    """scikit-learn's deviance of the mean; derivatives by central differences; weights."""
    z = PREDICTION
    target = COUNTS if power == 1 else AMOUNTS

    def loss(z: Any, y: Any, **options: Any) -> Any:
        if power == 1:
            return losses.poisson_deviance(z, y, **options)
        return losses.tweedie_deviance(z, y, power, **options)

    weights = RNG.uniform(size=(6, 2))
    wanted = mean_tweedie_deviance(target.ravel(), np.exp(z).ravel(), power=power)
    close(loss(z, target), wanted, rtol=1e-12)
    close(jit(loss)(z, target), wanted, rtol=1e-12)
    weighted = mean_tweedie_deviance(
        target.ravel(), np.exp(z).ravel(), power=power, sample_weight=weights.ravel()
    )
    close(loss(z, target, sample_weight=weights), weighted, rtol=1e-12)
    # m**(2 - p) - y m**(1 - p): the derivative of half a deviance by log m
    slopes = 2 * (np.exp(z) - target) * np.exp((1 - power) * z) / 12
    close(grad(loss)(z, target), slopes, rtol=1e-12)
    check_grads(lambda z: loss(z, target), (z,))
    met = np.log(np.where(target > 0, target, 1.0))
    close(loss(met, target, reduction="none")[target > 0], 0.0, atol=1e-12)


@pytest.mark.parametrize("power", [1.1, 1.5, 1.9])
def test_small_amounts_are_amounts(power: float) -> None:
    """Of targets below 1 as well the mean counts: scikit-learn's deviance, entry by entry."""
    target, mean = np.array([1e-3, 0.2, 0.5, 1.0]), np.array([0.3, 0.2, 4.0, 0.9])
    got = losses.tweedie(np.log(mean), target, power, reduction="none")
    for k in range(4):
        close(got[k], mean_tweedie_deviance(target[[k]], mean[[k]], power=power), atol=1e-14)


def test_deviances_far_out() -> None:
    """No nan where a target is 0 and the log mean very small; the loss is then 0."""
    z, zero = np.array([-3000.0, -1000.0]), np.zeros(2)
    for loss in (losses.poisson_deviance, losses.tweedie_deviance):
        close(loss(z, zero, reduction="none"), [0.0, 0.0], atol=1e-200)
        close(grad(loss)(z, zero), [0.0, 0.0], atol=1e-200)


def test_gaussian_nll() -> None:
    """SciPy's log density; derivatives; a row's weight; no overflow before its time."""
    mean, log_variance = MEAN_AND_SPREAD[..., 0], MEAN_AND_SPREAD[..., 1]
    expected = -stats.norm.logpdf(TARGET, mean, np.exp(log_variance / 2))
    got = losses.gaussian_nll(MEAN_AND_SPREAD, TARGET, reduction="none")
    close(got, expected, rtol=1e-12)
    close(jit(losses.gaussian_nll)(MEAN_AND_SPREAD, TARGET), expected.mean(), rtol=1e-12)
    weights = RNG.uniform(size=6)
    got = losses.gaussian_nll(MEAN_AND_SPREAD, TARGET, sample_weight=weights)
    close(got, np.average(expected.mean(1), weights=weights), rtol=1e-12)
    check_grads(lambda p: losses.gaussian_nll(p, TARGET), (MEAN_AND_SPREAD,))
    wide = losses.gaussian_nll(np.array([0.0, 800.0]), 1e170)
    close(float(wide), (np.log(2 * np.pi) + 800.0) / 2, rtol=1e-9)


@pytest.mark.parametrize("s", [0.0, 0.1, 0.6])
def test_label_smoothing(s: float) -> None:
    """The loss of labels that were smoothed by hand; classes and rows alike."""
    rows = np.eye(4)[CLASSES]
    smooth = np.zeros((6, 4))
    for i, j in np.ndindex(6, 4):
        smooth[i, j] = s / 4 + (1 - s) * (j == CLASSES[i])
    loss = losses.softmax_cross_entropy
    expected = loss(LOGITS, smooth, reduction="none")
    for labels in (CLASSES, rows, rows.astype(int), rows.astype(bool)):
        close(
            loss(LOGITS, labels, label_smoothing=s, reduction="none"),
            expected,
            rtol=1e-12,
        )
        compiled = jit(lambda z, y: loss(z, y, label_smoothing=s))
        close(compiled(LOGITS, labels), expected.mean(), rtol=1e-12)
    check_grads(lambda z: loss(z, CLASSES, label_smoothing=s), (LOGITS,))
    binary = losses.sigmoid_binary_cross_entropy
    labels = COUNTS > 0
    expected = binary(PREDICTION, np.where(labels, 1 - s / 2, s / 2), reduction="none")
    got = binary(PREDICTION, labels, label_smoothing=s, reduction="none")
    close(got, expected, rtol=1e-12)
    check_grads(lambda z: binary(z, labels, label_smoothing=s), (PREDICTION,))


def test_smoothed_labels_are_learned() -> None:
    """The slope vanishes at the logits of 1 - s + s/k and s/k, not at infinity."""
    s = 0.2
    p = np.array([s / 4, s / 4, 1 - s + s / 4, s / 4])
    slopes = grad(lambda z: losses.softmax_cross_entropy(z, 2, label_smoothing=s))(np.log(p))
    close(slopes, np.zeros(4), atol=1e-15)


def test_the_prediction_decides_the_dtype() -> None:
    """float64 targets, weights and options beside a float32 model leave it one."""
    p = PREDICTION.astype(np.float32)
    cases: list[tuple[Any, Any, dict[str, Any]]] = [
        (losses.pinball, TARGET, {"quantiles": 0.3}),
        (losses.pinball, TARGET[:, 0], {"quantiles": (0.3, np.float64(0.6))}),
        (losses.poisson_deviance, COUNTS, {}),
        (losses.tweedie_deviance, AMOUNTS, {"power": 1.2}),
        (losses.gaussian_nll, TARGET[:, 0], {}),
        (losses.sigmoid_binary_cross_entropy, COUNTS > 0, {"label_smoothing": 0.1}),
        (losses.softmax_cross_entropy, np.array([0, 1] * 3), {"label_smoothing": 0.1}),
        (losses.softmax_cross_entropy, np.eye(2)[[0, 1] * 3], {"label_smoothing": 0.1}),
    ]
    for loss, target, options in cases:
        assert loss(p, target, sample_weight=np.ones(6), **options).dtype == np.float32
        traced = jit(lambda p, t, loss=loss, options=options: loss(p, t, **options))
        assert traced(p, target).dtype == np.float32


def test_errors_say_what_to_do() -> None:
    """Shapes, quantiles, powers, negative targets and shares out of range."""
    with pytest.raises(
        ShapeError, match=r"test_likelihoods\.py:\d+: pinball: targets have shape \(6,\), so"
    ):
        losses.pinball(np.zeros((6, 2)), np.zeros(6), (0.1, 0.5, 0.9))
    with pytest.raises(ShapeError, match=r"pinball: predictions of shape \(6, 1\).*\[\.\.\., 0\]"):
        losses.pinball(np.zeros((6, 1)), np.zeros(6), 0.5)
    for wrong in (0, 1.0, (0.5, 1.5), np.nan, np.full((1, 2), 0.5)):
        with pytest.raises(ValueError, match=r"quantiles=.*: give a number between 0 and 1"):
            losses.pinball(np.zeros(6), np.zeros(6), wrong)
    with pytest.raises(
        ShapeError, match=r"predictions have shape \(6, 2\) \(mean and log variance"
    ):
        losses.gaussian_nll(np.zeros(6), np.zeros(6))
    for loss in (losses.poisson_deviance, losses.tweedie_deviance):
        with pytest.raises(ValueError, match=r"a target is -2\.0: targets are 0 or more"):
            loss(np.zeros(2), np.array([1, -2]))
        with pytest.raises(
            ShapeError, match=r"of shape \(3, 1\), but targets of shape \(3,\): take log_"
        ):
            loss(np.zeros((3, 1)), np.zeros(3))
    for power in (1, 2.0, np.nan):
        with pytest.raises(ValueError, match=r"tweedie_deviance: power=.* is not between 1 and 2"):
            losses.tweedie_deviance(np.zeros(2), np.zeros(2), power)
    for loss, labels in (
        (losses.sigmoid_binary_cross_entropy, np.zeros((6, 4))),
        (losses.softmax_cross_entropy, CLASSES),
    ):
        for wrong in (-0.1, 1.0):
            with pytest.raises(ValueError, match=r"label_smoothing=.*: give 0 or more, less"):
                loss(LOGITS, labels, label_smoothing=wrong)
