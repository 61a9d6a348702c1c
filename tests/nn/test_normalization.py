"""Normalisation against loops over rows and columns in float64, its derivatives and its state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import nn, optim
from chainrule.errors import DtypeError, ShapeError
from chainrule.transforms import check_grads, grad, jit, scan, value_and_grad

RNG = np.random.default_rng(0)
X = RNG.normal(2.0, 3.0, size=(6, 4))
SCALE, SHIFT = RNG.normal(size=4), RNG.normal(size=4)


def drawn(layer: Any) -> Any:
    """The layer with parameters that are not 1 and 0."""
    return layer.replace(scale=SCALE, shift=SHIFT)


def by_hand(rows: Any, mean: Any, variance: Any, eps: float) -> Any:
    """Entry by entry."""
    out = np.empty_like(rows)
    for i, j in np.ndindex(rows.shape):
        out[i, j] = (rows[i, j] - mean[j]) / (variance[j] + eps) ** 0.5 * SCALE[j] + SHIFT[j]
    return out


@pytest.mark.parametrize("eps", [1e-5, 0.3])
def test_layer_norm_normalises_each_row(eps: float) -> None:
    """A loop over rows; any leading axes; compiled alike."""
    layer = drawn(nn.LayerNorm(4, eps, dtype=np.float64))
    expected = np.stack(
        [
            (row - sum(row) / 4) / (sum((row - sum(row) / 4) ** 2) / 4 + eps) ** 0.5 * SCALE + SHIFT
            for row in X
        ]
    )
    for shape in ((6, 4), (2, 3, 4)):
        x, wanted = X.reshape(shape), expected.reshape(shape)
        np.testing.assert_allclose(layer(x), wanted, rtol=1e-13)
        np.testing.assert_allclose(jit(lambda m, x: m(x))(layer, x), wanted, rtol=1e-13)
    np.testing.assert_allclose(layer(X[0]), expected[0], rtol=1e-13)


def test_layer_norm_of_equal_entries_is_the_shift() -> None:
    """No division by 0, and a finite slope."""
    layer = drawn(nn.LayerNorm(4, dtype=np.float64))
    x = np.full((2, 4), 7.0)
    np.testing.assert_array_equal(layer(x), np.stack([SHIFT, SHIFT]))
    assert np.isfinite(grad(lambda x: np.sum(layer(x) ** 2))(x)).all()


def test_rms_norm_divides_by_the_root_of_the_mean_square() -> None:
    """A loop over rows; rows of zeros stay; the derivative against central differences."""
    layer = nn.RMSNorm(4, 0.3, dtype=np.float64).replace(scale=SCALE)
    expected = [row / (sum(row * row) / 4 + 0.3) ** 0.5 * SCALE for row in X]
    np.testing.assert_allclose(layer(X), expected, rtol=1e-13)
    np.testing.assert_allclose(jit(lambda m, x: m(x))(layer, X), expected, rtol=1e-13)
    assert layer(np.zeros((1, 4))).tolist() == [[0.0] * 4]
    check_grads(lambda x, a: layer.replace(scale=a)(x), (X, SCALE))


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("shape", [(6, 4), (2, 3, 4), (1, 2, 3, 4)])
def test_group_norm_normalises_groups_of_each_row(groups: int, shape: tuple[int, ...]) -> None:
    """A loop over rows and groups, statistics over all places; central differences."""
    layer = drawn(nn.GroupNorm(groups, 4, 0.3, dtype=np.float64))
    x = X.reshape(shape)
    expected = np.empty_like(x)
    each = 4 // groups
    for n, k in np.ndindex(shape[0], groups):
        own = slice(k * each, (k + 1) * each)
        part = x[n, ..., own]
        mean = part.sum() / part.size
        spread = (((part - mean) ** 2).sum() / part.size + 0.3) ** 0.5
        expected[n, ..., own] = (part - mean) / spread * SCALE[own] + SHIFT[own]
    np.testing.assert_allclose(layer(x), expected, rtol=1e-12)
    np.testing.assert_allclose(jit(lambda m, x: m(x))(layer, x), expected, rtol=1e-12)
    check_grads(lambda x, a, b: layer.replace(scale=a, shift=b)(x), (x, SCALE, SHIFT), order=1)


@pytest.mark.parametrize("kind", [nn.LayerNorm, nn.BatchNorm])
def test_derivatives(kind: Any) -> None:
    """By the input and by the parameters, to second order, against central differences."""
    layer = drawn(kind(4, eps=1e-2, dtype=np.float64))
    check_grads(lambda x, a, b: layer.replace(scale=a, shift=b)(x), (X, SCALE, SHIFT))


def test_derivatives_through_the_statistics_of_the_batch() -> None:
    """Mean and variance are functions of x."""
    layer = drawn(nn.BatchNorm(4, eps=1e-2, dtype=np.float64))
    check_grads(lambda x, a, b: layer.replace(scale=a, shift=b).train(x)[0], (X, SCALE, SHIFT))


@pytest.mark.parametrize("eps", [1e-5, 0.3])
def test_batch_norm_in_training_and_after(eps: float) -> None:
    """Batch statistics with n, running ones with n - 1, and the running ones when called."""
    layer = drawn(nn.BatchNorm(4, momentum=0.75, eps=eps, dtype=np.float64))
    mean = sum(X) / 6
    squares = sum((X - mean) ** 2)
    for x in (X, X.reshape(3, 2, 4)):
        for train in (layer.train, jit(lambda x: layer.train(x))):
            y, moved = train(x)
            np.testing.assert_allclose(
                y.reshape(6, 4), by_hand(X, mean, squares / 6, eps), rtol=1e-12
            )
            np.testing.assert_allclose(moved.mean, 0.25 * mean, rtol=1e-13)
            np.testing.assert_allclose(moved.var, 0.75 + 0.25 * squares / 5, rtol=1e-13)
            np.testing.assert_array_equal(moved.scale, SCALE)
            after = by_hand(X, moved.mean, moved.var, eps).reshape(x.shape)
            np.testing.assert_allclose(moved(x), after, rtol=1e-12)
    assert layer.mean.tolist() == [0.0] * 4  # the layer itself stays


def test_running_statistics_in_a_scan() -> None:
    """The carry keeps its type, also where float64 batches meet a float32 layer."""
    batches = RNG.normal(size=(5, 6, 4))
    norm, outputs = scan(lambda norm, x: norm.train(x)[::-1], nn.BatchNorm(4), batches)
    mean, var = np.zeros(4), np.ones(4)
    for x in batches:
        mean = 0.9 * mean + 0.1 * x.mean(0)
        var = 0.9 * var + 0.1 * x.var(0, ddof=1)
    assert norm.mean.dtype == norm.var.dtype == np.float32
    np.testing.assert_allclose(norm.mean, mean, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(norm.var, var, rtol=1e-6)
    assert outputs.shape == (5, 6, 4)


def test_no_derivative_of_running_statistics() -> None:
    """Not by them when called, and not through those that train returns."""
    layer = drawn(nn.BatchNorm(4, dtype=np.float64))
    slopes = grad(lambda m: np.sum(m(X) ** 2))(layer)
    assert slopes.mean.tolist() == slopes.var.tolist() == [0.0] * 4
    assert np.all(slopes.scale != 0) and np.all(slopes.shift != 0)
    through = grad(lambda x: np.sum(layer.train(x)[1].mean + layer.train(x)[1].var))(X)
    assert not through.any()


def test_training_a_model_with_batch_norm() -> None:
    """Scanned steps with the statistics beside the loss: parameters and statistics arrive."""
    true = np.array([1.0, -2.0, 0.5, 3.0])
    optimizer = optim.adamw(0.1, weight_decay=0.01)  # would shrink the statistics, too

    def loss(norm: Any) -> Any:
        y, moved = norm.train(X)
        return np.mean((y - (X - X.mean(0)) * true) ** 2), moved

    def step(carry: Any, _: Any) -> Any:
        norm, state = carry
        (value, moved), slopes = value_and_grad(loss, has_aux=True)(norm)
        updates, state = optimizer.update(slopes, state, norm)
        norm = optim.apply_updates(norm, updates).replace(mean=moved.mean, var=moved.var)
        return (norm, state), value

    start = nn.BatchNorm(4, dtype=np.float64)
    (norm, _), values = scan(step, (start, optimizer.init(start)), None, length=600)
    np.testing.assert_allclose(norm.scale, true * X.std(0), rtol=0.05)
    np.testing.assert_allclose(norm.mean, X.mean(0), rtol=1e-12)
    np.testing.assert_allclose(norm.var, X.var(0, ddof=1), rtol=1e-12)
    assert values[-1] < values[0] / 100


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_stay(dtype: Any) -> None:
    """float32 in, float32 out, for parameters as for data."""
    x = X.astype(dtype)
    assert nn.LayerNorm(4, dtype=dtype)(x).dtype == dtype
    layer = nn.BatchNorm(4, dtype=dtype)
    y, moved = layer.train(x)
    assert y.dtype == moved.mean.dtype == moved.var.dtype == layer(x).dtype == dtype
    assert jit(lambda m, x: m.train(x)[0])(layer, x).dtype == dtype


def test_errors_name_the_mend() -> None:
    """Widths, sizes, batches of one row, options out of range."""
    for layer in (nn.LayerNorm(4), nn.BatchNorm(4), nn.BatchNorm(4).train):
        with pytest.raises(ShapeError, match=r"takes arrays of shape \(\.\.\., 4\), and was given"):
            layer(np.ones((2, 5)))
    with pytest.raises(ShapeError, match=r"train of shape \(1, 4\): the variance .* needs 2 rows"):
        nn.BatchNorm(4).train(np.ones((1, 4)))
    with pytest.raises(
        ValueError, match=r"test_normalization\.py:\d+: num_features=0: give 1 or more"
    ):
        nn.LayerNorm(0)
    with pytest.raises(ValueError, match=r"momentum=1\.0: give a number of 0 or more and below 1"):
        nn.BatchNorm(4, momentum=1.0)
    with pytest.raises(ValueError, match=r"eps=0: give a positive number"):
        nn.BatchNorm(4, eps=0)
    with pytest.raises(DtypeError, match="dtype=int32: parameters are floats"):
        nn.LayerNorm(4, dtype=np.int32)
    with pytest.raises(ValueError, match="num_groups=3 does not divide num_features=4"):
        nn.GroupNorm(3, 4)
    with pytest.raises(ShapeError, match=r"GroupNorm takes arrays of shape \(rows, \.\.\., 4\)"):
        nn.GroupNorm(2, 4)(np.ones(4))
    with pytest.raises(ShapeError, match=r"RMSNorm takes arrays of shape \(\.\.\., 4\)"):
        nn.RMSNorm(4)(np.ones((4, 3)))
