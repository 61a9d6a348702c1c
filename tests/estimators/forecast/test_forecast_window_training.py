"""Windows cut from many series, their scales, and training on them in the compiled graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import random, tree
from chainrule.errors import DataError, TrainingError
from chainrule.estimators.forecast.networks import (
    NBeats,
    NLinear,
    WindowScaling,
    WindowTable,
    predict_windows,
    train_windows,
)
from chainrule.estimators.forecast.networks.window_table import cut
from chainrule.estimators.forecast.networks.window_training import (
    Batches,
    RoundOptions,
    make_round,
    normalised_batch,
    split_steps,
    window_loss,
)

pytestmark = pytest.mark.usefixtures("_unoptimised")

LENGTH, HORIZON = 8, 3
SIZES = {"length": LENGTH, "horizon": HORIZON}


def series(count: int = 3, steps: int = 40, seed: int = 0) -> list[Any]:
    """Random walks of slightly different lengths."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=steps + 3 * k).cumsum() for k in range(count)]


def network(seed: int = 0, quantiles: int = 0, ahead: int = 0) -> Any:
    """A linear one."""
    return NLinear(LENGTH, HORIZON, key=random.key(seed), quantiles=quantiles, ahead=ahead)


def trained(table: WindowTable, **options: Any) -> Any:
    """A short training on all windows of a table."""
    chosen: dict[str, Any] = {
        "steps": 30, "batch_size": 16, "learning_rate": 0.01, **SIZES, **options
    }  # fmt: skip
    start = chosen.pop("network", network())
    starts = chosen.pop("starts", table.starts(LENGTH, HORIZON))
    return train_windows(start, table, starts, **chosen)


def assert_equal_trees(a: Any, b: Any) -> None:
    """Bit for bit."""
    for left, right in zip(tree.leaves(a), tree.leaves(b), strict=True):
        np.testing.assert_array_equal(left, right)


# Windows


def windows_of(table: WindowTable, starts: Any, length: int, horizon: int) -> Any:
    """Windows, their other inputs and floors, as training reads them."""
    return cut(table.arrays, starts, table.series_of(starts), length, horizon)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=6),
    st.integers(1, 9), st.integers(0, 5),
)  # fmt: skip
def test_windows_lie_within_their_series(lengths: list[int], length: int, horizon: int) -> None:
    """All that fit, none that crosses from one series into the next."""
    rows = [np.arange(n) + 100.0 * k for k, n in enumerate(lengths)]
    table = WindowTable.of(rows)
    expected = [
        row[k : k + length + horizon]
        for row in rows
        for k in range(len(row) - length - horizon + 1)
    ]
    starts = table.starts(length, horizon)
    assert len(starts) == len(expected)
    if expected:
        windows, ahead, floor = windows_of(table, starts, length, horizon)
        np.testing.assert_array_equal(windows, np.array(expected, np.float32))
        assert ahead is None and floor.shape == (len(expected), 1)
        np.testing.assert_array_equal(table.series_of(starts), np.array(expected)[:, 0] // 100)


def test_other_inputs_are_known_then_past_then_static() -> None:
    """Known columns of the steps ahead only, past ones of the window only, static of the series."""
    rows = series(2)
    known = [np.stack([np.arange(len(r)), -np.arange(len(r))], 1) + 1000.0 * k
             for k, r in enumerate(rows)]  # fmt: skip
    past = [np.arange(len(r))[:, None] + 0.5 + 1000 * k for k, r in enumerate(rows)]
    static = np.array([[7.0, 8.0], [9.0, 10.0]])
    table = WindowTable.of(rows, known=known, past=past, static=static)
    assert table.ahead_size(4, 2) == 2 * 2 + 4 * 1 + 2
    _, ahead, _ = windows_of(table, np.array([40 + 5]), 4, 2)  # the second series from its row 5
    expected = [1009, 991, 1010, 990, 1005.5, 1006.5, 1007.5, 1008.5, 9, 10]
    np.testing.assert_array_equal(ahead, [expected])


def test_tables_are_filled_up_so_that_few_programs_serve_them() -> None:
    """At most a quarter more rows, in few sizes; what is filled belongs to no series."""
    sizes = set()
    for steps in range(1000, 2000, 7):
        table = WindowTable.of([np.ones(steps)])
        assert steps <= len(table.values) <= 1.25 * steps
        assert not np.any(table.values[steps:])
        sizes.add(len(table.values))
    assert len(sizes) <= 9
    options = RoundOptions(LENGTH, HORIZON, WindowScaling("mean"), (), None)
    make_round.cache_clear()
    for steps in (900, 905, 910):
        trained(WindowTable.of(series(1, steps)), scaling=WindowScaling("mean"), steps=2)
    assert len(make_round(options).cache) == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e39])
def test_values_that_are_not_finite_are_refused(bad: float) -> None:
    """It says which series and row."""
    rows = series(3)
    rows[1][4] = bad
    with pytest.raises(DataError, match="series 1 has a value at row 4"), np.errstate(all="ignore"):
        WindowTable.of(rows)


# Scales


def test_centres_and_scales() -> None:
    """Each by its formula, and never below the floor."""
    x = np.random.default_rng(0).normal(3.0, size=(6, 9))
    x[2] = 4.0
    floor = np.full((6, 1), 0.01)
    scales = {
        "deviation": x.std(axis=1), "level": np.abs(x).mean(axis=1),
        "difference": np.abs(np.diff(x, axis=1)).mean(axis=1), "none": np.ones(6),
    }  # fmt: skip
    centres = {"last": x[:, -1], "mean": x.mean(axis=1), "none": np.zeros(6)}
    for scale, expected in scales.items():
        for centre, middle in centres.items():
            ours = WindowScaling(centre, scale).measure(x, floor)  # type: ignore[arg-type]
            np.testing.assert_allclose(ours[0][:, 0], middle, atol=1e-12)
            np.testing.assert_allclose(ours[1][:, 0], np.maximum(expected, 0.01))


def test_a_batch_is_normalised_by_its_windows_alone() -> None:
    """Steps ahead change neither the window, nor its centre, nor its scale."""
    options = RoundOptions(LENGTH, HORIZON, WindowScaling("mean", "deviation"), (), None)
    rows = series(1)
    other = [rows[0] + np.where(np.arange(40) >= LENGTH, 50.0, 0.0)]
    a, b = (WindowTable.of(r) for r in (rows, other))
    floors = np.zeros(1, np.float32)
    first, second = (
        normalised_batch(
            options, (t.values, floors, None, None, None), np.array([0]), np.array([0])
        )
        for t in (a, b)
    )
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[3], second[3])
    window, scale = rows[0][:LENGTH], rows[0][:LENGTH].std()
    np.testing.assert_allclose(first[0][0], (window - window.mean()) / scale, atol=1e-5)
    np.testing.assert_allclose(second[1] - first[1], 50.0 / scale, rtol=1e-5)


def test_constant_series_train_to_their_constant() -> None:
    """No scale is 0, so nothing is divided by it."""
    table = WindowTable.of([np.full(40, 5.0), np.zeros(40)])
    assert np.all(table.floors > 0)
    result = trained(table)
    assert result.history[-1]["loss"] < 0.3
    assert np.isfinite(predict_windows(result.model, np.zeros((1, LENGTH)), None)).all()


# Training


def test_training_is_adam_on_the_gathered_windows() -> None:
    """As NumPy does it in float64: the same batches, the L1 loss, and Adam by the book."""
    table = WindowTable.of(series())
    starts = table.starts(LENGTH, HORIZON)
    rates = [0.02, 0.01, 0.03, 0.005]
    scaling = WindowScaling("mean", "difference")
    result = trained(
        table, steps=4, batch_size=10, seed=5, scaling=scaling, learning_rate=lambda k: rates[k]
    )
    start = network()
    p = [start.weights.weight.astype(float), start.weights.bias.astype(float)]
    m, v = [0.0, 0.0], [0.0, 0.0]
    numbers, _, _ = next(Batches(table, starts, None, 10, 4, 5).draw(1))
    losses = []
    for t, (rows, rate) in enumerate(zip(numbers, rates, strict=True), start=1):
        both = table.values[rows[:, None] + np.arange(LENGTH + HORIZON)].astype(float)
        x = both[:, :LENGTH]
        centre, scale = scaling.measure(x, table.floors[table.series_of(rows)][:, None])
        x, y = (x - centre) / scale, (both[:, LENGTH:] - centre) / scale
        x = x - x[:, -1:]
        error = x @ p[0] + p[1] + ((both[:, :LENGTH] - centre) / scale)[:, -1:] - y
        losses.append(np.abs(error).mean())
        slope = np.sign(error) / error.size
        for k, gradient in enumerate([x.T @ slope, slope.sum(axis=0)]):
            m[k] = 0.9 * m[k] + 0.1 * gradient
            v[k] = 0.999 * v[k] + 0.001 * gradient**2
            step = rate * (m[k] / (1 - 0.9**t)) / (np.sqrt(v[k] / (1 - 0.999**t)) + 1e-8)
            p[k] = p[k] - step
    np.testing.assert_allclose(result.model.weights.weight, p[0], atol=2e-4)
    np.testing.assert_allclose(result.model.weights.bias, p[1], atol=2e-4)
    np.testing.assert_allclose(result.history[0]["loss"], np.mean(losses), rtol=1e-3)


def test_equal_seeds_give_equal_weights() -> None:
    """Bit for bit; another seed reads other batches."""
    table = WindowTable.of(series())
    assert_equal_trees(trained(table, seed=3).model, trained(table, seed=3).model)
    other = trained(table, seed=4).model.weights.weight
    assert np.any(other != trained(table, seed=3).model.weights.weight)


def test_the_callers_network_is_not_changed() -> None:
    """Training returns a new one."""
    start = network()
    before = start.weights.weight.copy()
    trained(WindowTable.of(series()), network=start)
    np.testing.assert_array_equal(before, start.weights.weight)


@pytest.mark.parametrize("quantiles", [(), (0.1, 0.5, 0.9)])
def test_losses_of_windows_with_weights(quantiles: tuple[float, ...]) -> None:
    """The weighted mean over windows of each one's mean loss."""
    rng = np.random.default_rng(0)
    target, weights = rng.normal(size=(6, 4)), rng.random(6)
    forecasts = rng.normal(size=(6, 4, 3)[: 3 if quantiles else 2])
    if quantiles:
        error = target[..., None] - forecasts
        levels = np.array(quantiles)
        losses = np.where(error > 0, levels * error, (levels - 1) * error).mean(axis=(1, 2))
    else:
        losses = np.abs(target - forecasts).mean(axis=1)
    expected = (weights * losses).sum() / weights.sum()
    np.testing.assert_allclose(window_loss(forecasts, target, weights, quantiles), expected)
    np.testing.assert_allclose(window_loss(forecasts, target, None, quantiles), losses.mean())


def test_a_window_of_weight_zero_is_not_learned_from() -> None:
    """Whatever its values are."""
    rows = series(2)
    spoilt = [rows[0], rows[1] * 100 + 7]
    weights = None
    results = []
    for some in (rows, spoilt):
        table = WindowTable.of(some)
        starts = table.starts(LENGTH, HORIZON)
        weights = (table.series_of(starts) == 0).astype(float)
        results.append(trained(table, weights=weights, batch_size=1000))
    for a, b in zip(*(tree.leaves(r.model) for r in results), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_errors_may_count_in_the_units_of_the_table() -> None:
    """Then each window's error counts by its scale: as weights that are the scales."""
    table = WindowTable.of(series())
    starts = table.starts(LENGTH, HORIZON)
    windows, _, floor = windows_of(table, starts, LENGTH, 0)
    scale = WindowScaling().measure(windows, floor)[1][:, 0]
    by_scale = trained(table, weights=scale)
    in_units = trained(table, scaling=WindowScaling(loss="values"))
    for a, b in zip(tree.leaves(by_scale.model), tree.leaves(in_units.model), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_quantiles_are_learned() -> None:
    """Of noise around 0, the normal distribution's: -1.28, 0 and 1.28 deviations."""
    noise = [np.random.default_rng(0).normal(size=3000)]
    result = trained(
        WindowTable.of(noise), network=network(quantiles=3), quantiles=(0.1, 0.5, 0.9), steps=600,
        batch_size=256, learning_rate=0.03, scaling=WindowScaling("none", "none"),
    )  # fmt: skip
    rows = np.random.default_rng(1).normal(size=(500, LENGTH))
    forecasts = predict_windows(result.model, rows, None)
    np.testing.assert_allclose(forecasts.mean(axis=(0, 1)), [-1.28, 0.0, 1.28], atol=0.15)


def test_known_columns_are_learned_from() -> None:
    """A target that jumps with what is known ahead is forecast from that."""
    rng = np.random.default_rng(0)
    known = [rng.integers(0, 2, (300, 1)).astype(float)]
    table = WindowTable.of([3.0 * known[0][:, 0]], known=known)
    start = NBeats(LENGTH, HORIZON, key=random.key(0), ahead=table.ahead_size(**SIZES), width=16)
    result = trained(
        table, network=start, steps=400, batch_size=64, scaling=WindowScaling("mean", "none")
    )
    assert result.history[-1]["loss"] < 0.2 < 0.6 < result.history[0]["loss"]


def test_the_average_of_the_weights_is_returned() -> None:
    """With decay 0 it is the last weights; with a larger one it lags behind them."""
    table = WindowTable.of(series())
    last, zero, slow = (trained(table, ema=ema).model for ema in (None, 0.0, 0.9))
    assert_equal_trees(last, zero)
    start = network().weights.weight
    way = np.abs(last.weights.weight - start).sum()
    assert 0.2 * way < np.abs(slow.weights.weight - start).sum() < 0.98 * way


def test_every_window_is_read_before_any_is_read_again() -> None:
    """An epoch is a permutation; of more windows than are needed, none is read twice."""
    table = WindowTable.of(series(4))
    starts = table.starts(LENGTH, HORIZON)
    count = len(starts)
    drawn = [b[0] for b in Batches(table, starts, None, 4, 5, 0).draw(-(-2 * count // 20))]
    flat = np.concatenate([one.ravel() for one in drawn])
    assert sorted(flat[:count]) == sorted(flat[count : 2 * count]) == starts.tolist()
    few = np.concatenate([b[0].ravel() for b in Batches(table, starts, None, 4, 5, 1).draw(2)])
    assert len(set(few.tolist())) == 40 and flat.dtype == np.int32
    weights = np.arange(count) * 2.0
    for rows, numbers, some in Batches(table, starts, weights, 4, 5, 0).draw(3):
        np.testing.assert_array_equal(some, 2.0 * np.searchsorted(starts, rows))
        np.testing.assert_array_equal(numbers, table.series_of(rows))


@pytest.mark.parametrize("steps", [1, 2, 26, 50, 51, 97, 256, 1000, 4999])
def test_rounds_are_equal_and_few_steps_are_added(steps: int) -> None:
    """Exactly so many where a number divides them; else less than one a round more."""
    rounds, per_round = split_steps(steps)
    assert per_round <= 50 and steps <= rounds * per_round < steps + rounds
    if any(steps % k == 0 for k in range(26, 51)):
        assert rounds * per_round == steps


# Ends


def test_callbacks_see_every_round_and_may_stop() -> None:
    """Each report has the weights so far; the result has the last of them."""
    reports: list[Any] = []

    def stop(report: Any) -> bool:
        reports.append(report)
        return bool(report.epoch == 2)

    result = trained(WindowTable.of(series()), steps=150, callbacks=[stop])
    assert result.stop_reason == "callback" and [r.epoch for r in reports] == [1, 2]
    assert [r.epochs for r in reports] == [3, 3] and len(result.history) == 2
    assert_equal_trees(result.model, reports[-1].model)


def test_ctrl_c_keeps_the_weights_so_far(capsys: pytest.CaptureFixture[str]) -> None:
    """As in `train.fit`."""
    seen: list[Any] = []

    def interrupt(report: Any) -> None:
        seen.append(report.model)
        if report.epoch == 2:
            raise KeyboardInterrupt

    result = trained(WindowTable.of(series()), steps=150, callbacks=[interrupt])
    assert result.stop_reason == "interrupted"
    assert_equal_trees(result.model, seen[-1])
    assert "interrupted in round 3 of 3" in capsys.readouterr().err


def test_a_training_that_diverges_says_so() -> None:
    """With the weights of the round before."""
    with pytest.raises(TrainingError, match="round 1: the loss became") as caught:
        trained(WindowTable.of(series()), learning_rate=lambda _: 1e38)
    assert caught.value.result.stop_reason == "diverged"  # type: ignore[attr-defined]
    assert_equal_trees(caught.value.result.model, network())  # type: ignore[attr-defined]


def test_settings_out_of_range() -> None:
    """They name what came."""
    table = WindowTable.of(series())
    with pytest.raises(DataError, match="no window of 8 steps with 3 more"):
        trained(table, starts=np.zeros(0, int))
    with pytest.raises(ValueError, match="steps=0"):
        trained(table, steps=0)
    with pytest.raises(ValueError, match="batch_size=0"):
        trained(table, batch_size=0)
    with pytest.raises(DataError, match="no window to forecast"):
        predict_windows(network(), np.zeros((0, LENGTH)), None)


@pytest.mark.parametrize("rows", [1, 255, 256, 257, 600])
def test_forecasts_do_not_depend_on_how_many_windows_there_are(rows: int) -> None:
    """One program serves all counts, and each row is the same, bit for bit."""
    rng = np.random.default_rng(0)
    windows, ahead = rng.normal(size=(600, LENGTH)), rng.normal(size=(600, 2))
    model = tree.map(lambda a: rng.normal(size=a.shape).astype(np.float32), network(ahead=2))
    forecasts = predict_windows(model, windows[:rows], ahead[:rows])
    assert forecasts.shape == (rows, HORIZON) and forecasts.dtype == np.float32
    np.testing.assert_array_equal(forecasts, predict_windows(model, windows, ahead)[:rows])
    expected = model(windows[:rows], ahead[:rows])
    np.testing.assert_allclose(forecasts, expected, rtol=1e-3, atol=1e-4)
