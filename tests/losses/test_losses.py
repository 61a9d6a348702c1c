"""Losses against formulas in float64 and long double, their gradients, weights and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import losses
from chainrule.errors import DtypeError, ShapeError
from chainrule.transforms import check_grads, grad, jit

RNG = np.random.default_rng(0)
Long = np.longdouble
PREDICTION = RNG.normal(size=(6, 2))
TARGET = RNG.normal(size=(6, 2))
LOGITS = RNG.normal(size=(6, 4)) * 3.0
CLASSES = np.array([0, 3, 1, 1, 2, 0])


def _huber(e: Any, delta: float) -> Any:
    size = np.abs(e)
    return np.where(size <= delta, e * e / 2, delta * (size - delta / 2))


ELEMENTWISE: dict[str, tuple[Any, Any, Any]] = {
    "squared_error": (losses.squared_error, lambda e: e**2, lambda e: 2 * e),
    "absolute_error": (losses.absolute_error, np.abs, np.sign),
    "huber": (losses.huber, lambda e: _huber(e, 1.0), lambda e: np.clip(e, -1, 1)),
    "huber of 0.3": (
        lambda p, t, **options: losses.huber(p, t, delta=0.3, **options),
        lambda e: _huber(e, 0.3),
        lambda e: np.clip(e, -0.3, 0.3),
    ),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_regression_losses_and_gradients(name: str) -> None:
    """Value, mean, sum and the gradient by the prediction, written out."""
    loss, value, slope = ELEMENTWISE[name]
    error = PREDICTION - TARGET
    close = np.testing.assert_allclose
    close(loss(PREDICTION, TARGET, reduction="none"), value(error), rtol=1e-14)
    close(loss(PREDICTION, TARGET), value(error).mean(), rtol=1e-14)
    close(loss(PREDICTION, TARGET, reduction="sum"), value(error).sum(), rtol=1e-14)
    close(grad(loss)(PREDICTION, TARGET), slope(error) / error.size, rtol=1e-14)
    close(grad(loss, argnums=1)(PREDICTION, TARGET), -slope(error) / error.size, rtol=1e-14)
    close(jit(loss)(PREDICTION, TARGET), value(error).mean(), rtol=1e-14)


def test_huber_at_its_seams() -> None:
    """Slope e at 0 and delta on both sides of +-delta; curvature 1 inside; no overflow far out."""
    for e, slope in ((0.0, 0.0), (1.0, 1.0), (-1.0, -1.0), (1e200, 1.0), (-1e200, -1.0)):
        assert float(grad(losses.huber)(e, 0.0)) == slope
    assert float(grad(grad(losses.huber))(0.0, 0.0)) == 1.0
    assert float(losses.huber(1e200, 0.0)) == 1e200


def test_absolute_error_at_its_kink() -> None:
    """The derivative where both are equal is 0."""
    assert float(grad(losses.absolute_error)(2.0, 2.0)) == 0.0


def test_binary_cross_entropy() -> None:
    """-y log p - (1 - y) log(1 - p) in long double; gradient p - y."""
    z = np.array([-40.0, -3.0, 0.0, 0.5, 20.0, 40.0])
    for y in (np.zeros(6), np.ones(6), np.array([0.1, 0.9, 0.5, 1.0, 1.0, 0.0])):
        p = 1 / (1 + np.exp(-z.astype(Long)))
        # -log(p) = log(1 + e**-z): a p near 1 would leave log(p) few digits, even here
        expected = y * np.log1p(np.exp(-z.astype(Long))) + (1 - y) * np.log1p(
            np.exp(z.astype(Long))
        )
        got = losses.sigmoid_binary_cross_entropy(z, y, reduction="none")
        np.testing.assert_allclose(got, expected.astype(float), rtol=1e-14)
        slopes = grad(losses.sigmoid_binary_cross_entropy)(z, y)
        np.testing.assert_allclose(slopes, ((p - y) / 6).astype(float), rtol=1e-13, atol=1e-17)
    check_grads(
        lambda z: losses.sigmoid_binary_cross_entropy(z, np.array([1, 0])), (z[1:3],), order=2
    )


def test_binary_cross_entropy_takes_integers_and_truth_values() -> None:
    """The labels' dtype makes no difference, and curvature at logit 0 is 1/4."""
    z, y = np.array([0.3, -2.0]), np.array([1.0, 0.0])
    expected = float(losses.sigmoid_binary_cross_entropy(z, y))
    for kind in (int, bool, np.uint8, np.float32):
        assert float(losses.sigmoid_binary_cross_entropy(z, y.astype(kind))) == expected
    assert float(grad(grad(losses.sigmoid_binary_cross_entropy))(0.0, 1.0)) == 0.25


def test_softmax_cross_entropy() -> None:
    """-log softmax at the class, in long double; classes, one-hot rows, and gradient p - y."""
    powers = np.exp(LOGITS.astype(Long))
    p = powers / powers.sum(-1, keepdims=True)
    rows = np.eye(4)[CLASSES]
    expected = -np.log((p * rows).sum(-1)).astype(float)
    loss = losses.softmax_cross_entropy
    for labels in (CLASSES, CLASSES.astype(np.uint8), rows, rows.astype(int), rows.astype(bool)):
        np.testing.assert_allclose(loss(LOGITS, labels, reduction="none"), expected, rtol=1e-13)
        np.testing.assert_allclose(
            grad(loss)(LOGITS, labels), ((p - rows) / 6).astype(float), rtol=1e-12, atol=1e-16
        )
    soft = p.astype(float)[::-1]
    np.testing.assert_allclose(
        loss(LOGITS, soft), float(-(soft * np.log(p)).sum(-1).mean()), rtol=1e-13
    )
    np.testing.assert_allclose(
        jit(lambda z, y: loss(z, y))(LOGITS, CLASSES), expected.mean(), rtol=1e-13
    )
    check_grads(lambda z: loss(z, CLASSES), (LOGITS,), order=2)


def test_softmax_cross_entropy_of_sequences_and_of_one_sample() -> None:
    """Labels of shape (...,) for logits of shape (..., classes)."""
    flat = losses.softmax_cross_entropy(LOGITS, CLASSES, reduction="none")
    cube = losses.softmax_cross_entropy(
        LOGITS.reshape(2, 3, 4), CLASSES.reshape(2, 3), reduction="none"
    )
    np.testing.assert_allclose(cube, flat.reshape(2, 3), rtol=1e-15)
    one = losses.softmax_cross_entropy(LOGITS[0], 0)
    np.testing.assert_allclose(one, flat[0], rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extremes(dtype: Any) -> None:
    """Logits and predictions of +-1000: exact values, finite gradients, no warning."""
    z = np.array([1000.0, -1000.0, 0.0], dtype)
    cases = [
        (losses.sigmoid_binary_cross_entropy, z, np.array([0, 1, 1]), [1000.0, 1000.0, np.log(2)]),
        (losses.sigmoid_binary_cross_entropy, z, np.array([1, 0, 0]), [0.0, 0.0, np.log(2)]),
        (losses.softmax_cross_entropy, np.stack([z, z, z]), np.arange(3), [0.0, 2000.0, 1000.0]),
        (losses.squared_error, z, np.zeros(3), [1e6, 1e6, 0.0]),
        (losses.absolute_error, z, np.zeros(3), [1e3, 1e3, 0.0]),
        (losses.huber, z, np.zeros(3), [999.5, 999.5, 0.0]),
    ]
    with np.errstate(all="raise", under="ignore"):
        for loss, prediction, target, expected in cases:
            got = loss(prediction, target, reduction="none")
            assert got.dtype == dtype
            np.testing.assert_allclose(got, expected, rtol=1e-6)
            slopes = grad(loss)(prediction, target)
            assert slopes.dtype == dtype and np.isfinite(slopes).all()


def test_a_wrong_confident_answer_still_has_a_gradient() -> None:
    """Where sigmoid or softmax saturates, squared error's slope vanishes; cross-entropy's is 1."""
    assert float(grad(losses.sigmoid_binary_cross_entropy)(-1000.0, 1.0)) == -1.0
    slopes = grad(losses.softmax_cross_entropy)(np.array([1000.0, -1000.0]), 1)
    assert slopes.tolist() == [1.0, -1.0]


def test_the_prediction_decides_the_dtype() -> None:
    """float64 targets and weights beside a float32 model leave it one."""
    p = PREDICTION.astype(np.float32)
    for loss in (losses.squared_error, losses.absolute_error, losses.huber):
        assert loss(p, TARGET, sample_weight=np.ones(6)).dtype == np.float32
    assert losses.sigmoid_binary_cross_entropy(p, TARGET > 0).dtype == np.float32
    z = LOGITS.astype(np.float32)
    assert losses.softmax_cross_entropy(z, CLASSES, sample_weight=np.ones(6)).dtype == np.float32
    assert losses.softmax_cross_entropy(z, np.eye(4)[CLASSES]).dtype == np.float32


def test_weights() -> None:
    """Weight 2 is a sample twice, weight 0 is none; for rows, for entries, in sum and none."""
    w = np.array([2, 0, 1, 1, 0, 1])
    twice = np.repeat(np.arange(6), w)
    for loss, x, y in (
        (losses.squared_error, PREDICTION, TARGET),
        (losses.absolute_error, PREDICTION, TARGET),
        (losses.huber, PREDICTION, TARGET),
        (losses.sigmoid_binary_cross_entropy, PREDICTION, TARGET > 0),
        (losses.softmax_cross_entropy, LOGITS, CLASSES),
    ):
        close = np.testing.assert_allclose
        close(loss(x, y, sample_weight=w), loss(x[twice], y[twice]), rtol=1e-14)
        total = loss(x[twice], y[twice], reduction="sum")
        close(loss(x, y, sample_weight=w, reduction="sum"), total, rtol=1e-14)
        each = loss(x, y, sample_weight=w, reduction="none")
        close(each.T, loss(x, y, reduction="none").T * w, rtol=1e-15)
        repeated = np.zeros(x.shape)
        np.add.at(repeated, twice, grad(loss)(x[twice], y[twice]))
        close(grad(lambda x: loss(x, y, sample_weight=w))(x), repeated, rtol=1e-12, atol=1e-16)  # noqa: B023
    by_entry = RNG.uniform(size=(6, 2))
    expected = np.average((PREDICTION - TARGET) ** 2, weights=by_entry)
    got = losses.squared_error(PREDICTION, TARGET, sample_weight=by_entry)
    np.testing.assert_allclose(got, expected, rtol=1e-14)


def test_lists_and_numbers_are_taken() -> None:
    """What NumPy takes."""
    assert float(losses.squared_error([1.0, 3.0], [1.0, 1.0])) == 2.0
    assert float(losses.absolute_error(1.0, 3.0)) == 2.0


def test_shape_errors_say_what_to_do() -> None:
    """A column beside a row, other lengths, weights of another length, no samples."""
    told = (
        r"test_losses\.py:\d+: squared_error: predictions of shape \(6, 1\), but targets of shape "
        r"\(6,\): take predictions\[\.\.\., 0\]"
    )
    with pytest.raises(ShapeError, match=told):
        losses.squared_error(np.zeros((6, 1)), np.zeros(6))
    with pytest.raises(
        ShapeError, match=r"huber: predictions of shape \(3,\), but targets of shape \(4,\)"
    ):
        jit(losses.huber)(np.zeros(3), np.zeros(4))
    with pytest.raises(ShapeError, match=r"logits of shape \(3, 1\), but labels of shape \(3,\)"):
        losses.sigmoid_binary_cross_entropy(np.zeros((3, 1)), np.zeros(3))
    with pytest.raises(
        ShapeError, match=r"sample_weight of shape \(5,\) for losses of shape \(6, 2\)"
    ):
        losses.squared_error(PREDICTION, TARGET, sample_weight=np.ones(5))
    with pytest.raises(ShapeError, match=r"the mean of no losses: their shape is \(0,\)"):
        losses.squared_error(np.zeros(0), np.zeros(0))
    assert losses.squared_error(np.zeros(0), np.zeros(0), reduction="sum") == 0.0


def test_label_errors_say_what_to_do() -> None:
    """Labels of a wrong shape or dtype or out of range."""
    loss = losses.softmax_cross_entropy
    with pytest.raises(ShapeError, match=r"labels have shape \(6,\) \(class numbers\) or \(6, 4\)"):
        loss(LOGITS, np.zeros((6, 3)))
    with pytest.raises(ShapeError, match=r"logits of shape \(\) have no classes"):
        loss(1.0, 1)
    with pytest.raises(DtypeError, match=r"class numbers of dtype float64: give labels\.astype"):
        loss(LOGITS, CLASSES * 1.0)
    for wrong in (-1, 4):
        with pytest.raises(ValueError, match=f"{wrong}.*the logits have 4 classes, 0 to 3"):
            loss(LOGITS, np.where(CLASSES == 2, wrong, CLASSES))


def test_option_errors() -> None:
    """An unknown reduction; a delta that is not positive."""
    with pytest.raises(ValueError, match="reduction='avg': give 'mean', 'sum' or 'none'"):
        losses.squared_error(1.0, 2.0, reduction="avg")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="delta=0 is not positive"):
        losses.huber(1.0, 2.0, delta=0)
