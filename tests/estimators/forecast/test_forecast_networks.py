"""The forecasting networks: their formulas, their first weights, and what reaches what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import nn, random, tree
from chainrule.estimators.forecast.networks import (
    DLinear,
    GRUForecaster,
    NBeats,
    NHiTS,
    NLinear,
    TiDE,
)
from chainrule.estimators.forecast.networks.dense import (
    interpolation_matrix,
    moving_average_matrix,
)
from chainrule.estimators.forecast.networks.nbeats import basis_matrix
from chainrule.estimators.forecast.networks.nhits import max_pool
from chainrule.transforms import grad, jit

LENGTH, HORIZON, ROWS = 29, 12, 5
SMALL: dict[Any, dict[str, Any]] = {
    NLinear: {},
    DLinear: {"kernel": 7},
    NBeats: {"width": 8, "blocks": ("generic", "trend", "season")},
    NHiTS: {"width": 8, "pools": (8, 3, 1), "strides": (6, 3, 1)},
    TiDE: {"width": 8, "projected": 2, "decoded": 3},
    GRUForecaster: {"hidden": 6, "patch": 4},
}


def small(kind: Any, **options: Any) -> Any:
    """A small network of a kind."""
    return kind(LENGTH, HORIZON, key=random.key(3), **{**SMALL[kind], **options})


def drawn(network: Any, seed: int = 0) -> Any:
    """The network with all weights drawn anew, so that no branch is 0."""
    rng = np.random.default_rng(seed)
    return tree.map(lambda a: rng.normal(0, 0.3, np.shape(a)).astype(np.float32), network)


def batch(seed: int = 1, inputs: int = 0) -> tuple[Any, Any]:
    """Windows and other inputs."""
    rng = np.random.default_rng(seed)
    window = rng.normal(size=(ROWS, LENGTH)).astype(np.float32)
    return window, rng.normal(size=(ROWS, inputs)).astype(np.float32) if inputs else None


def hidden(layers: Any, x: Any) -> Any:
    """Dense layers with relu, written out."""
    for layer in layers:
        x = np.maximum(x @ layer.weight.astype(float) + layer.bias, 0)
    return x


def affine(layer: Any, x: Any) -> Any:
    """A dense layer, written out in float64."""
    return x @ layer.weight.astype(float) + layer.bias


@pytest.mark.parametrize("kind", SMALL, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("inputs", [0, 31])
@pytest.mark.parametrize("quantiles", [0, 3])
def test_shapes_rows_and_gradients(kind: Any, inputs: int, quantiles: int) -> None:
    """Forecasts have a row a window, which depends on that window alone; every weight matters."""
    known = {"known": 2} if kind is TiDE and inputs else {}
    network = drawn(small(kind, ahead=inputs, quantiles=quantiles, **known))
    window, ahead = batch(inputs=inputs)
    forecasts = jit(lambda *a: network(*a))(window, ahead)
    assert forecasts.shape == (ROWS, HORIZON, 3)[: 3 if quantiles else 2]
    assert forecasts.dtype == np.float32
    alone = network(window[2:3], None if ahead is None else ahead[2:3])
    np.testing.assert_allclose(forecasts[2:3], alone, rtol=1e-3, atol=1e-4)

    gradient = grad(lambda n: np.sum(n(window, ahead) ** 2))(network)
    for name, leaf in zip(tree.names(gradient), tree.leaves(gradient), strict=True):
        assert np.any(leaf), f"{name} reaches no forecast"
    if inputs:
        moved = network(window, ahead + np.float32(1))
        assert np.all(np.any(np.abs(moved - forecasts).reshape(ROWS, -1) > 1e-4, axis=1))


@pytest.mark.parametrize("kind", [NBeats, NHiTS, TiDE, GRUForecaster, NLinear, DLinear])
def test_branches_begin_at_zero(kind: Any) -> None:
    """The first forecast is linear in the window, and other weights are within 1/sqrt(fan-in)."""
    network = small(kind, ahead=4)
    window, ahead = batch(inputs=4)
    other, _ = batch(seed=7)
    zero = network(0 * window, ahead)
    halves = network(window, ahead) + network(other, ahead) - zero
    if kind in (NLinear, DLinear):  # the linear branch of others reads other inputs, too
        np.testing.assert_array_equal(network(window, 0 * ahead), network(window, ahead))
    np.testing.assert_allclose(network(window + other, ahead), halves, atol=2e-5)
    layers = [m for m in _modules(network) if isinstance(m, nn.Dense)]
    for layer in layers:
        bound = layer.weight.shape[0] ** -0.5
        largest = np.abs(layer.weight).max()
        assert largest == 0 or 0.5 * bound < largest <= bound * (1 + 1e-6)
        assert np.abs(layer.bias).max() <= bound * (1 + 1e-6)
        assert np.any(layer.weight) == np.any(layer.bias)


def _modules(module: Any) -> list[Any]:
    """A module and all in it."""
    if isinstance(module, (tuple, list)):
        return [one for part in module for one in _modules(part)]
    if not isinstance(module, nn.Module):
        return []
    return [module, *[one for part in vars(module).values() for one in _modules(part)]]


def test_nlinear_follows_a_shift() -> None:
    """A window that is higher by c has forecasts that are higher by c."""
    network = drawn(small(NLinear))
    window, _ = batch()
    np.testing.assert_allclose(network(window + 5) - network(window), 5.0, atol=1e-4)
    by_hand = affine(network.weights, window - window[:, -1:].astype(float)) + window[:, -1:]
    np.testing.assert_allclose(network(window), by_hand, rtol=1e-4, atol=1e-5)


def test_dlinear_is_trend_plus_season() -> None:
    """As its authors define it: a padded moving average, and two linear layers."""
    network = drawn(small(DLinear))
    window, _ = batch()
    padded = np.pad(window.astype(float), ((0, 0), (3, 3)), mode="edge")
    trend = np.stack([np.convolve(row, np.ones(7) / 7, "valid") for row in padded])
    by_hand = affine(network.trend, trend) + affine(network.season, window - trend)
    np.testing.assert_allclose(network(window), by_hand, rtol=1e-4, atol=1e-5)
    parts = network.parts(window)
    np.testing.assert_allclose(parts["trend"], affine(network.trend, trend), atol=1e-4)
    np.testing.assert_allclose(parts["trend"] + parts["season"], by_hand, atol=1e-4)


def test_nbeats_is_a_doubly_residual_stack() -> None:
    """Each block reads the window minus what those before explain; forecasts add up."""
    network = drawn(small(NBeats, ahead=4, blocks=("generic",) * 3))
    window, ahead = batch(inputs=4)
    rest = window.astype(float)
    parts = {"skip": affine(network.linear, np.hstack([rest, ahead]))}
    for number, block in enumerate(network.blocks, start=1):
        out = affine(block.last, hidden(block.layers, np.hstack([rest, ahead])))
        parts[f"block{number}"] = out[:, -HORIZON:]
        if number < 3:
            rest = rest - out[:, :LENGTH]
    ours = network.parts(window, ahead)
    assert list(ours) == ["skip", "block1", "block2", "block3"]
    for name, part in parts.items():
        np.testing.assert_allclose(ours[name], part, rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(network(window, ahead), sum(ours.values()), atol=1e-3)


def test_interpretable_blocks_forecast_polynomials_and_waves() -> None:
    """A trend's fourth differences are 0; a season with all harmonics repeats after a horizon."""
    network = drawn(small(NBeats, blocks=("trend", "season"), skip=False, quantiles=2))
    parts = network.parts(batch()[0])
    assert list(parts) == ["trend1", "season2"]
    trend = parts["trend1"].astype(float)
    assert np.abs(np.diff(trend, n=4, axis=1)).max() < 1e-4 * np.abs(trend).max()
    assert np.abs(np.diff(trend, n=1, axis=1)).max() > 1e-2
    window_basis, ahead_basis = basis_matrix("season", 24, 8)
    np.testing.assert_allclose(window_basis[:, :8], ahead_basis, atol=1e-5)
    np.testing.assert_allclose(np.sum(ahead_basis[0] * ahead_basis[4]), 0.0, atol=1e-5)


def test_nhits_pools_and_interpolates() -> None:
    """Written out with NumPy's interpolation and a loop over the pools."""
    network = drawn(small(NHiTS, skip=False))
    window, _ = batch()
    rest, total = window.astype(float), window[:, -1:].astype(float)
    for block, pool, knots in zip(network.blocks, (8, 3, 1), (2, 4, 12), strict=True):
        pooled = np.stack([rest[:, k : k + pool].max(axis=1) for k in range(0, LENGTH, pool)], 1)
        out = affine(block.last, hidden(block.layers, pooled))
        at = (np.arange(HORIZON) + 0.5) * knots / HORIZON - 0.5
        total = total + [np.interp(at, np.arange(knots), row[-knots:]) for row in out]
        rest = rest - out[:, :LENGTH] if block.explains else None
    assert rest is None
    np.testing.assert_allclose(network(window), total, rtol=2e-3, atol=2e-3)


def test_tide_is_encoder_decoder_and_skip() -> None:
    """Known columns are reduced step by step; the decoder reads those of its step again."""
    network = drawn(small(TiDE, ahead=HORIZON * 2 + 3, known=2))
    window, ahead = batch(inputs=HORIZON * 2 + 3)

    def block(b: Any, x: Any) -> Any:
        return affine(b.shortcut, x) + affine(b.last, hidden([b.hidden], x))

    projected = block(network.project, ahead[:, : 2 * HORIZON].reshape(ROWS, HORIZON, 2))
    x = np.hstack([window, projected.reshape(ROWS, -1), ahead[:, 2 * HORIZON :]])
    for one in network.coder:
        x = block(one, x)
    steps = np.concatenate([x.reshape(ROWS, HORIZON, 3), projected], axis=2)
    by_hand = block(network.step, steps)[..., 0] + affine(network.skip, window)
    np.testing.assert_allclose(network(window, ahead), by_hand, rtol=2e-3, atol=2e-3)
    with pytest.raises(ValueError, match="known=9 columns at 12 steps"):
        small(TiDE, ahead=5, known=9)


def test_gru_reads_the_latest_patches() -> None:
    """The state reads whole patches that end with the window; the oldest rest is the skip's."""
    network = drawn(small(GRUForecaster, skip=False))
    window, _ = batch()
    older, newer = window.copy(), window.copy()
    older[:, 0] += 9
    newer[:, 1] += 9
    np.testing.assert_array_equal(network(older), network(window))
    assert np.all(np.any(network(newer) != network(window), axis=1))
    _, state = network.units(window[:, 1:].reshape(ROWS, 7, 4))
    np.testing.assert_allclose(network(window), affine(network.last, state[0]), atol=1e-4)


@pytest.mark.parametrize(("length", "kernel"), [(10, 3), (10, 4), (5, 5), (30, 25), (6, 1)])
def test_moving_average_matrix(length: int, kernel: int) -> None:
    """NumPy's convolution of the edge-padded series, one value more after it for even kernels."""
    x = np.random.default_rng(2).normal(size=length)
    before = (kernel - 1) // 2
    padded = np.pad(x, (before, kernel - 1 - before), mode="edge")
    expected = np.convolve(padded, np.ones(kernel) / kernel, "valid")
    np.testing.assert_allclose(x @ moving_average_matrix(length, kernel), expected, atol=1e-6)


@pytest.mark.parametrize(("knots", "horizon"), [(1, 7), (2, 4), (3, 10), (6, 6), (4, 48)])
def test_interpolation_matrix(knots: int, horizon: int) -> None:
    """NumPy's interpolation between knots, constant beyond the first and the last."""
    y = np.random.default_rng(2).normal(size=knots)
    at = (np.arange(horizon) + 0.5) * knots / horizon - 0.5
    expected = np.interp(at, np.arange(knots), y)
    np.testing.assert_allclose(y @ interpolation_matrix(knots, horizon), expected, atol=1e-6)


def test_max_pool_of_a_rest() -> None:
    """Windows that the size does not divide end with the maximum of fewer; also of negatives."""
    x = -np.arange(1.0, 8.0)[None]
    assert max_pool(x, 3).tolist() == [[-1.0, -4.0, -7.0]]
    assert max_pool(x, 1) is x
    assert max_pool(x, 7).tolist() == [[-1.0]]


def test_nhits_wants_a_stride_for_each_pool() -> None:
    """Else it says which came."""
    with pytest.raises(ValueError, match=r"pools=\(2, 1\) and strides=\(1,\)"):
        NHiTS(8, 4, key=random.key(0), pools=(2, 1), strides=(1,))
