"""Training on windows that are gathered in the compiled graph, and forecasts for windows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .... import losses, optim, train, tree
from ....errors import DataError, TrainingError
from ....train.progress import Meter
from ....train.rows import check_count
from ....transforms import jit, scan, value_and_grad
from .window_table import Floats32, WindowScaling, WindowTable, cut

Callback: TypeAlias = Callable[[train.EpochReport], "bool | None"]

ROUND_STEPS = 50  # steps of one compiled call, after which callbacks and Ctrl-C are heard
PREDICT_ROWS = 256  # windows of one compiled call


@dataclass(frozen=True)
class RoundOptions:
    """What is fixed in the program of a round; windows, weights and learning rates are not."""

    length: int
    horizon: int
    scaling: WindowScaling
    quantiles: tuple[float, ...]
    ema: float | None


def train_windows(
    network: Any,
    table: WindowTable,
    starts: NDArray[Any],
    *,
    length: int,
    horizon: int,
    scaling: WindowScaling | None = None,
    quantiles: Sequence[float] = (),
    weights: NDArray[Any] | None = None,
    batch_size: int = 256,
    steps: int = 1000,
    learning_rate: float | Callable[[int], Any] = 1e-3,
    ema: float | None = None,
    seed: int = 0,
    callbacks: Sequence[Callback] = (),
    progress: bool = False,
) -> train.FitResult[Any]:
    """Train a network on windows of many series, for a number of steps of Adam.

    Windows are gathered from the table and normalised batch by batch within the compiled graph, so
    they are never in memory all at once. The loss is the mean absolute error in normalised units,
    or the pinball loss of `quantiles`.

    Parameters
    ----------
    network : Module
        ``network(window, ahead)``.
    table : WindowTable
    starts : array of int, shape (windows,)
        The first rows of the windows; each has `length` rows and then `horizon` to forecast.
    length, horizon : int
    scaling : WindowScaling, optional
        Default: minus the last value, over the standard deviation.
    quantiles : sequence of float
        The levels of the network's quantiles, in its order. Default (): it has none.
    weights : array of shape (windows,), optional
        How much each window counts.
    batch_size : int
        Windows of a step; all of them if they are fewer. Default 256.
    steps : int
        Rounded up to equal rounds of at most 50. Default 1000. Windows are drawn without
        replacement until all have been drawn, and then again.
    learning_rate : float or schedule
        Of the first step, from where it falls to 0 along half a cosine; or a schedule. Default
        0.001.
    ema : float, optional
        The decay of an exponential moving average of the weights, which is then the result.
    seed : int
        Of the order of the windows. Default 0.
    callbacks : sequence of callable
        Each is called with a `train.EpochReport` after each round; if one returns True, training
        stops.
    progress : bool
        Whether to show a progress bar in a terminal after 2 s. Default False.

    Returns
    -------
    FitResult
        The network, the history with the mean loss of each round, and why training stopped; also
        after Ctrl-C.

    Raises
    ------
    DataError
        If there is no window.
    TrainingError
        If the loss or a weight is no longer finite; its ``result`` has the weights of the last
        round that were.

    Examples
    --------
    >>> from chainrule import random
    >>> from chainrule.estimators.forecast.networks import NLinear
    >>> table = WindowTable.of([np.sin(np.arange(200) * 0.5)])
    >>> result = train_windows(
    ...     NLinear(16, 4, key=random.key(0)), table, table.starts(16, 4), length=16, horizon=4,
    ...     steps=300, batch_size=64, learning_rate=0.02,
    ... )
    >>> bool(result.history[-1]["loss"] < 0.02), result.stop_reason
    (True, 'epochs')
    """
    if not len(starts):
        raise DataError(
            f"there is no window of {length} steps with {horizon} more after it: give longer "
            "series, or take a shorter window"
        )
    check_count("steps", steps)
    check_count("batch_size", batch_size)
    options = RoundOptions(
        length, horizon, scaling or WindowScaling(), tuple(map(float, quantiles)), ema
    )
    rounds, per_round = split_steps(steps)
    batches = Batches(table, starts, weights, min(batch_size, len(starts)), per_round, seed)
    rates = _learning_rates(learning_rate, rounds * per_round).reshape(rounds, per_round)
    return _run_rounds(network, table, batches.draw(rounds), rates, options, callbacks, progress)


def split_steps(steps: int) -> tuple[int, int]:
    """How many rounds, and of how many steps each: as many as asked for, or a few more.

    Examples
    --------
    >>> split_steps(1000), split_steps(256), split_steps(997)
    ((20, 50), (8, 32), (20, 50))
    """
    for per_round in range(min(steps, ROUND_STEPS), ROUND_STEPS // 2, -1):
        if steps % per_round == 0:
            return steps // per_round, per_round
    rounds = -(-steps // ROUND_STEPS)
    return rounds, -(-steps // rounds)


def _run_rounds(
    network: Any, table: WindowTable, batches: Iterator[Any], rates: Floats32,
    options: RoundOptions, callbacks: Sequence[Callback], progress: bool,
) -> train.FitResult[Any]:  # fmt: skip
    """Train round by round; between them report, and see whether training should stop."""
    run, total = make_round(options), len(rates)
    model = tree.map(np.array, network)
    state = tree.map(np.array, first_state(options, model))
    history: list[dict[str, float]] = []
    best, stop_reason = model, "epochs"
    try:
        with Meter(total, progress) as meter:
            for number, (batch, rate) in enumerate(zip(batches, rates, strict=True), start=1):
                start = perf_counter()
                model, state, loss = run(model, state, table.arrays, batch, rate)
                rows = batch[0].size / max(perf_counter() - start, 1e-9)
                _check_finite(number, float(loss), model, train.FitResult(
                    best, history, number - 1, "diverged"))  # fmt: skip
                best = model if options.ema is None else state[1].params
                report = train.EpochReport(number, total, float(loss), None, None, True, rows, best)
                history.append(report.numbers)
                if True in [callback(report) for callback in (meter.show, *callbacks)]:
                    stop_reason = "callback"
                    break
    except KeyboardInterrupt:
        stop_reason = "interrupted"
        print(
            f"chainrule: interrupted in round {len(history) + 1} of {total}; the weights so far "
            "are kept",
            file=sys.stderr,
        )
    return train.FitResult(best, history, len(history), stop_reason)  # type: ignore[arg-type]


def _check_finite(number: int, loss: float, model: Any, result: train.FitResult[Any]) -> None:
    sums = [float(np.sum(leaf)) for leaf in tree.leaves(model)]
    if isfinite(loss) and all(map(isfinite, sums)):
        return
    raise TrainingError(
        f"round {number}: the loss became {loss}, or a weight is no longer finite. Lower the "
        "learning rate, or see whether the series hold huge values. The weights of the round "
        "before are in this error's .result.model",
        result,
    )


def first_state(options: RoundOptions, network: Any) -> Any:
    """The optimizer's state, and with `ema` the pair of it and the average's."""
    state = optim.adam().init(network)
    if options.ema is None:
        return state
    return state, optim.exponential_moving_average(options.ema).init(network)


@lru_cache(maxsize=64)
def make_round(options: RoundOptions) -> Any:
    """Compile ``(network, state, arrays, (starts, series, weights), rates)``: many steps.

    It returns the network, the state and the mean loss. The table's arrays are arguments: one
    program serves all tables of a size.
    """
    averager = None if options.ema is None else optim.exponential_moving_average(options.ema)

    def step(carry: Any, inputs: Any, arrays: Any) -> tuple[Any, Any]:
        network, state = carry
        starts, series, weights, rate = inputs
        window, target, ahead, scale = normalised_batch(options, arrays, starts, series)
        if options.scaling.loss == "values":
            weights = scale[:, 0] if weights is None else weights * scale[:, 0]

        def objective(network: Any) -> Any:
            return window_loss(network(window, ahead), target, weights, options.quantiles)

        loss, gradient = value_and_grad(objective)(network)
        average: Any = None
        if averager is not None:
            state, average = state
        updates, state = optim.adam(rate).update(gradient, state, network)
        network = optim.apply_updates(network, updates)
        if averager is not None:
            state = (state, averager.update(network, average))
        return (network, state), loss

    def run(network: Any, state: Any, arrays: Any, batches: Any, rates: Any) -> Any:
        (network, state), values = scan(
            lambda carry, inputs: step(carry, inputs, arrays), (network, state), (*batches, rates)
        )
        return network, state, np.mean(values)

    return jit(run, tiered=True)


def normalised_batch(
    options: RoundOptions, arrays: Any, starts: Any, series: Any
) -> tuple[Any, Any, Any, Any]:
    """Windows, targets, other inputs, and the windows' scales."""
    rows, ahead, floor = cut(arrays, starts, series, options.length, options.horizon)
    window = rows[:, : options.length]
    centre, scale = options.scaling.measure(window, floor)
    window = (window - centre) / scale
    return window, (rows[:, options.length :] - centre) / scale, ahead, scale


def window_loss(forecasts: Any, target: Any, weights: Any, quantiles: tuple[float, ...]) -> Any:
    """The mean absolute error, or the mean pinball loss; windows may have weights."""
    if weights is not None:
        weights = np.expand_dims(weights, tuple(range(1, len(forecasts.shape))))
        weights = np.broadcast_to(weights, forecasts.shape)
    if quantiles:
        return losses.pinball(forecasts, target, quantiles, sample_weight=weights)
    return losses.absolute_error(forecasts, target, sample_weight=weights)


class Batches:
    """Which windows each step reads, drawn round by round."""

    def __init__(
        self, table: WindowTable, starts: NDArray[Any], weights: NDArray[Any] | None,
        batch_size: int, per_round: int, seed: int,
    ) -> None:  # fmt: skip
        self.table, self.starts, self.weights = table, np.asarray(starts), weights
        self.shape = (per_round, batch_size)
        self.rng = np.random.default_rng(seed)

    def draw(self, rounds: int) -> Iterator[tuple[Any, Any, Any]]:
        """Yield starts, series and weights of a round, each of shape (steps, batch)."""
        size = self.shape[0] * self.shape[1]
        dtype = np.int32 if len(self.table.values) < 2**31 else np.int64
        count = len(self.starts)
        if count > rounds * size:  # none is read twice
            left = self.rng.choice(count, rounds * size, replace=False)
        else:
            left = self.rng.permutation(count)
        for _ in range(rounds):
            while len(left) < size:
                left = np.concatenate([left, self.rng.permutation(count)])
            chosen, left = left[:size], left[size:]
            starts = self.starts[chosen]
            weights = None
            if self.weights is not None:
                weights = np.asarray(self.weights[chosen], np.float32).reshape(self.shape)
            series = self.table.series_of(starts).reshape(self.shape)
            yield starts.astype(dtype).reshape(self.shape), series, weights


def _learning_rates(learning_rate: float | Callable[[int], Any], steps: int) -> Floats32:
    schedule = learning_rate
    if not callable(schedule):
        schedule = optim.cosine_decay(schedule, steps)
    return np.array([schedule(step) for step in range(steps)], np.float32)


def predict_windows(network: Any, windows: NDArray[Any], ahead: NDArray[Any] | None) -> Floats32:
    """Forecasts for normalised windows.

    Parameters
    ----------
    network : Module
    windows : array of shape (rows, length)
    ahead : array of shape (rows, inputs), or None

    Returns
    -------
    array of float32, shape (rows, horizon) or (rows, horizon, quantiles)
        A row's forecast does not depend, bit for bit, on how many others there are.

    Raises
    ------
    DataError
        If there is no window.
    """
    rows = len(windows)
    if not rows:
        raise DataError("there is no window to forecast from: give one row or more")
    windows = np.asarray(windows, np.float32)
    ahead = None if ahead is None else np.asarray(ahead, np.float32)
    parts = []
    for row in range(0, rows, PREDICT_ROWS):
        index = np.minimum(np.arange(row, row + PREDICT_ROWS), rows - 1)  # the last one repeats
        parts.append(_apply(network, windows[index], None if ahead is None else ahead[index]))
    return np.concatenate(parts)[:rows]


@jit
def _apply(network: Any, windows: Any, ahead: Any) -> Any:
    return network(windows, ahead)
