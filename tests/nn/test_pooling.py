"""Pools against loops over windows, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from windows import TOLERANCE, check_slopes, pooled

from chainrule import nn
from chainrule.errors import ShapeError
from chainrule.transforms import grad, jit

pytestmark = pytest.mark.usefixtures("_unoptimised")

RNG = np.random.default_rng(0)


@st.composite
def windows(draw: Any) -> tuple[Any, Any, Any, Any]:
    """An image, and the size, stride and padding of windows that fit."""
    size = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    stride = draw(st.one_of(st.just(size), st.tuples(st.integers(1, 3), st.integers(1, 3))))
    padding = tuple(draw(st.integers(0, n // 2)) for n in size)
    places = tuple(draw(st.integers(n, n + 5)) for n in size)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    return rng.normal(size=(2, *places, 3)), size, stride, padding


def padded_mean(window: Any) -> Any:
    """The added places count as zeros."""
    return np.nansum(window, axis=0) / len(window)


@given(windows())
def test_pools_of_images(drawn: Any) -> None:
    """The largest, the mean with and without the zeros around; compiled alike."""
    x, size, stride, padding = drawn
    for layer, of_window in (
        (nn.MaxPool2d(size, stride, padding), lambda w: np.nanmax(w, axis=0)),
        (nn.AvgPool2d(size, stride, padding), padded_mean),
        (
            nn.AvgPool2d(size, stride, padding, count_include_pad=False),
            lambda w: np.nanmean(w, axis=0),
        ),
    ):
        expected = pooled(x, size, stride, padding, of_window)
        np.testing.assert_allclose(layer(x), expected, **TOLERANCE)
        np.testing.assert_allclose(jit(layer)(x), expected, **TOLERANCE)


@given(windows())
def test_gradients_of_means(drawn: Any) -> None:
    """They are linear."""
    x, size, stride, padding = drawn
    for include in (True, False):
        layer = nn.AvgPool2d(size, stride, padding, count_include_pad=include)
        mean = padded_mean if include else (lambda w: np.nanmean(w, axis=0))
        check_slopes(layer, lambda x: pooled(x, size, stride, padding, mean), x)  # noqa: B023


@given(windows())
def test_gradients_of_maxima(drawn: Any) -> None:
    """Each result's derivative goes to where the largest entry of its window is."""
    x, size, stride, padding = drawn
    layer = nn.MaxPool2d(size, stride, padding)
    along = RNG.normal(size=layer(x).shape)
    expected = np.zeros_like(x)
    for n, i, j, c in np.ndindex(*along.shape):
        top, left = i * stride[0] - padding[0], j * stride[1] - padding[1]
        rows = slice(max(top, 0), top + size[0])
        cells = slice(max(left, 0), left + size[1])
        window = x[n, rows, cells, c]
        k, m = np.unravel_index(np.argmax(window), window.shape)
        expected[n, rows.start + k, cells.start + m, c] += along[n, i, j, c]
    slope = jit(grad(lambda x: np.sum(layer(x) * along)))(x)
    np.testing.assert_allclose(slope, expected, **TOLERANCE)


def test_equal_entries_share_the_derivative() -> None:
    """As in `np.max`; and all of it arrives."""
    x = np.array([0.0, 0.0, 3.0, 3.0, 1.0, 2.0, 3.0, 0.0]).reshape(1, 2, 4, 1)
    slope = grad(lambda x: np.sum(nn.MaxPool2d(2)(x)))(x)
    assert slope.ravel().tolist() == [0.0, 0.0, 1 / 3, 1 / 3, 0.0, 1.0, 1 / 3, 0.0]
    slope = grad(lambda x: np.sum(nn.MaxPool2d(2, stride=1)(x)))(np.zeros((1, 5, 5, 1)))
    np.testing.assert_allclose(np.sum(slope), 16.0)


@pytest.mark.parametrize("size, stride, padding", [(2, None, 0), (3, 2, 1), (3, 1, 0), (4, 3, 2)])
def test_pools_of_sequences(size: int, stride: Any, padding: int) -> None:
    """An image of height 1."""
    x = RNG.normal(size=(2, 9, 3))
    args = (1, size), (1, size if stride is None else stride), (0, padding)
    for layer, of_window in (
        (nn.MaxPool1d(size, stride, padding), lambda w: np.nanmax(w, axis=0)),
        (nn.AvgPool1d(size, stride, padding), padded_mean),
        (
            nn.AvgPool1d(size, stride, padding, count_include_pad=False),
            lambda w: np.nanmean(w, axis=0),
        ),
    ):
        expected = pooled(x[:, None], *args, of_window)[:, 0]
        np.testing.assert_allclose(layer(x), expected, **TOLERANCE)


def test_global_pools() -> None:
    """Over all places of a sequence, an image or a volume."""
    for shape in ((3, 5, 2), (3, 4, 5, 2), (3, 2, 4, 5, 2)):
        x = RNG.normal(size=shape)
        flat = x.reshape(3, -1, 2)
        np.testing.assert_allclose(nn.GlobalAvgPool()(x), flat.sum(1) / flat.shape[1], rtol=1e-12)
        np.testing.assert_array_equal(nn.GlobalMaxPool()(x), np.sort(flat, axis=1)[:, -1])
    x = RNG.normal(size=(2, 3, 3, 2))
    slope = grad(lambda x: np.sum(nn.GlobalAvgPool()(x)))(x)
    np.testing.assert_allclose(slope, np.full(x.shape, 1 / 9), rtol=1e-12)


@pytest.mark.parametrize("places, size", [((6, 8), (3, 4)), ((7, 5), (3, 2)), ((3, 4), (5, 4))])
def test_adaptive_means(places: Any, size: Any) -> None:
    """Windows from floor(i s / n) to ceil((i + 1) s / n), also more of them than places."""
    x = RNG.normal(size=(2, *places, 3))
    expected = np.zeros((2, *size, 3))
    for i, j in np.ndindex(*size):
        top, left = i * places[0] // size[0], j * places[1] // size[1]
        end = int(np.ceil((i + 1) * places[0] / size[0]))
        right = int(np.ceil((j + 1) * places[1] / size[1]))
        expected[:, i, j] = x[:, top:end, left:right].mean(axis=(1, 2))
    layer = nn.AdaptiveAvgPool2d(size)
    np.testing.assert_allclose(layer(x), expected, **TOLERANCE)
    np.testing.assert_allclose(jit(layer)(x), expected, **TOLERANCE)
    row = nn.AdaptiveAvgPool1d(size[1])(x[:, 0])
    np.testing.assert_allclose(row, nn.AdaptiveAvgPool2d((1, size[1]))(x[:, :1])[:, 0], rtol=1e-12)


def test_types_and_no_rows() -> None:
    """float32 stays; no rows give no rows."""
    x = RNG.normal(size=(4, 6, 6, 2)).astype(np.float32)
    for layer in (nn.MaxPool2d(2), nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(2), nn.AvgPool2d(3, 2, 1),
                  nn.AvgPool2d(3, 2, 1, count_include_pad=False), nn.GlobalAvgPool(),
                  nn.GlobalMaxPool(), nn.AdaptiveAvgPool2d(4)):  # fmt: skip
        assert layer(x).dtype == np.float32
        assert layer(x[:0]).shape == (0, *layer(x).shape[1:])


def test_errors_name_the_mend() -> None:
    """Shapes, windows and paddings that do not fit."""
    with pytest.raises(ShapeError, match=r"MaxPool2d takes .* \(rows, height, width, "):
        nn.MaxPool2d(2)(np.ones((4, 4, 1)))
    with pytest.raises(ShapeError, match=r"AvgPool1d: a window of 1 x 5 positions is larger than"):
        nn.AvgPool1d(5)(np.ones((2, 4, 1)))
    with pytest.raises(
        ValueError, match=r"padding=2 is more than half of the window, kernel_size=3"
    ):
        nn.MaxPool2d(3, padding=2)
    with pytest.raises(ValueError, match=r"output_size=0: give 1 or more"):
        nn.AdaptiveAvgPool1d(0)
    with pytest.raises(ShapeError, match=r"GlobalMaxPool takes .* \(rows, ..., features\), not"):
        nn.GlobalMaxPool()(np.ones((2, 3)))
