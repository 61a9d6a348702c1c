"""Forecasting networks beside PyTorch: an epoch of 262,144 windows of 862 series x 10,000 steps.

336 steps are read and 96 forecast, in batches of 1,024, by one thread each. The peer is the loop
that PyTorch's users write: windows are a strided view, gathered batch by batch, normalised, and
the networks are as published. Both start from the same weights and read the same batches.
neuralforecast, where it is installed, draws its own: 1,024 windows of 32 series a step, all of
whose windows it cuts; its time is that of a step, times as many.

`python -m bench.forecast_speed LIBRARY` is one epoch in a process of its own, whose memory is
measured. Nothing heavy is imported at the top: see `estimator_memory`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

from . import peers
from .estimator_memory import MIB, ROOT, peak, resident
from .harness import Contest, Outcome

SERIES, STEPS = 862, 10_000
LENGTH, HORIZON, BATCH, WINDOWS = 336, 96, 1024, 262_144
RATE, FLOOR = 1e-3, 1e-3
POOLS, STRIDES, WIDTH = (8, 4, 1), (24, 12, 1), 512
Train = Callable[[int], Any]


def data() -> tuple[Any, Any]:
    """The series one behind the other, float32, filled in place; and where windows begin."""
    rng = np.random.default_rng(0)
    values, time = np.empty(SERIES * STEPS, np.float32), np.arange(STEPS)
    for series in values.reshape(SERIES, STEPS):
        rng.standard_normal(out=series, dtype=np.float32)
        series *= np.float32(0.3)
        series += (
            np.sin(2 * np.pi * time / 24 + series[0]) + rng.random() * np.cos(np.pi * time / 84)
        ).astype(np.float32)
    starts = rng.integers(0, SERIES, WINDOWS) * STEPS
    return values, starts + rng.integers(0, STEPS - LENGTH - HORIZON + 1, WINDOWS)


def network_of(name: str) -> Any:
    """Ours, with its first weights; all drawn, so that every part matters from the first step."""
    from chainrule import random, tree
    from chainrule.estimators.forecast import networks

    key = random.key(0)
    if name == "DLinear":
        return networks.DLinear(LENGTH, HORIZON, key=key)
    network = networks.NHiTS(
        LENGTH, HORIZON, key=key, pools=POOLS, strides=STRIDES, width=WIDTH, skip=False
    )
    rng = np.random.default_rng(1)
    return tree.map(
        lambda a: a if a.any() else rng.normal(0, 0.01, a.shape).astype(np.float32), network
    )


def table_of(values: Any) -> Any:
    """The series as our training reads them: the array itself, not a copy."""
    from chainrule.estimators.forecast.networks import WindowTable

    offsets = np.arange(SERIES + 1) * STEPS
    return WindowTable(values, offsets, np.full(SERIES, FLOOR, np.float32))


def ours(name: str, values: Any, starts: Any) -> Train:
    """What trains for a number of steps from the first weights, and returns the new ones."""
    from chainrule.estimators.forecast.networks import WindowScaling, train_windows

    first, table = network_of(name), table_of(values)

    def train(steps: int) -> Any:
        return train_windows(
            first, table, starts, length=LENGTH, horizon=HORIZON, batch_size=BATCH, steps=steps,
            scaling=WindowScaling("last", "deviation"), learning_rate=lambda step: RATE,
        ).model  # fmt: skip

    return train


def theirs(torch: Any, name: str, values: Any, starts: Any) -> Train:
    """The same by PyTorch."""
    from chainrule.estimators.forecast.networks.window_training import Batches, split_steps

    windows = torch.from_numpy(values).unfold(0, LENGTH + HORIZON, 1)
    table, first = table_of(values), network_of(name)

    def train(steps: int) -> Any:
        model, weights = (dlinear if name == "DLinear" else nhits)(torch, first)
        optimizer = torch.optim.Adam(weights, lr=RATE, eps=1e-8, fused=True)
        rounds, per_round = split_steps(steps)
        batches = Batches(table, starts, None, BATCH, per_round, 0)
        for numbers, _, _ in batches.draw(rounds):
            for rows in torch.from_numpy(numbers):
                both = windows[rows]
                window, target = both[:, :LENGTH], both[:, LENGTH:]
                centre = window[:, -1:]
                scale = window.std(dim=1, keepdim=True, correction=0).clamp(min=FLOOR)
                optimizer.zero_grad()
                forecast = model((window - centre) / scale)
                torch.nn.functional.l1_loss(forecast, (target - centre) / scale).backward()
                optimizer.step()
        return [w.detach().numpy() for w in weights]

    return train


def linear(torch: Any, layer: Any, weights: list[Any], unread: int = 0) -> Any:
    """A dense layer of ours as PyTorch's; its weights join the list, in our order of leaves.

    Before its outputs it may have others that nothing reads.
    """
    inputs, outputs = layer.weight.shape
    there = torch.nn.Linear(inputs, unread + outputs)
    with torch.no_grad():
        there.weight[unread:].copy_(torch.tensor(layer.weight).T)
        there.bias[unread:].copy_(torch.tensor(layer.bias))
    weights += [there.weight, there.bias]
    return there


def dlinear(torch: Any, first: Any) -> tuple[Callable[[Any], Any], list[Any]]:
    """DLinear as its authors wrote it: a moving average, and two linear layers."""
    weights: list[Any] = []
    season, trend = linear(torch, first.season, weights), linear(torch, first.trend, weights)
    average = torch.nn.AvgPool1d(first.kernel, stride=1)
    pad = (first.kernel - 1) // 2

    def model(x: Any) -> Any:
        padded = torch.cat([x[:, :1].repeat(1, pad), x, x[:, -1:].repeat(1, pad)], dim=1)
        smooth = average(padded[:, None])[:, 0]
        return season(x - smooth) + trend(smooth)

    return model, weights


def nhits(torch: Any, first: Any) -> tuple[Callable[[Any], Any], list[Any]]:
    """N-HiTS as its authors wrote it: pooled inputs, dense layers, interpolated knots."""
    weights: list[Any] = []
    blocks = []
    for block in first.blocks:
        layers: list[Any] = []
        for layer in block.layers:
            layers += [linear(torch, layer, weights), torch.nn.ReLU()]
        # The last block of the published network explains the window, which nothing reads
        last = linear(torch, block.last, weights, unread=0 if block.explains else LENGTH)
        pool = torch.nn.MaxPool1d(block.pool, stride=block.pool, ceil_mode=True)
        blocks.append((pool, torch.nn.Sequential(*layers, last)))

    def model(x: Any) -> Any:
        forecast = x[:, -1:]
        for pool, layers in blocks:
            coefficients = layers(pool(x[:, None])[:, 0])
            x = x - coefficients[:, :LENGTH]
            forecast = (
                forecast
                + torch.nn.functional.interpolate(
                    coefficients[:, None, LENGTH:], size=HORIZON, mode="linear"
                )[:, 0]
            )
        return forecast

    return model, weights


def read(weight: Any, like: Any) -> Any:
    """A weight of PyTorch's in our layout, without outputs that nothing reads."""
    return weight.T[..., weight.T.shape[-1] - like.shape[-1] :]


def same(a: Any, b: Any) -> None:
    """Weights after a few steps; Adam amplifies what is next to 0."""
    from chainrule import tree

    for mine, other in zip(tree.leaves(a), b, strict=True):
        distance = np.abs(mine - read(other, mine))
        assert np.median(distance) < 1e-5, float(np.median(distance))
        assert np.quantile(distance, 0.99) < 1e-3, float(np.quantile(distance, 0.99))


def alike(a: Any, b: Any) -> None:
    """Weights after an epoch: as large as each other's."""
    from chainrule import tree

    for mine, other in zip(tree.leaves(a), b, strict=True):
        assert abs(np.std(mine) / np.std(read(other, mine)) - 1) < 0.05


def contests() -> Iterator[Any]:
    """An epoch of both networks, and the memory that it takes."""
    torch = peers.torch(1)
    if torch is None:
        return
    import chainrule as cr

    cr.set_num_threads(1)
    values, starts = data()
    for name in ("DLinear", "N-HiTS"):
        mine, other = ours(name, values, starts), theirs(torch, name, values, starts)
        same(mine(4), other(4))
        steps = WINDOWS // BATCH
        yield Contest(
            f"{name}, an epoch of {WINDOWS:,} windows {LENGTH} -> {HORIZON}, batches of {BATCH:,}",
            "PyTorch, windows gathered by batch", lambda mine=mine, n=steps: mine(n),
            lambda other=other, n=steps: other(n), alike, rounds=3,
        )  # fmt: skip
        yield from neuralforecast(name, mine, values)
    yield from memory()


def neuralforecast(name: str, mine: Train, values: Any) -> Iterator[Outcome]:
    """The same networks and sizes by neuralforecast; fitting and reading frames are left out."""
    if not peers.installed("neuralforecast"):
        return
    import pandas as pd
    from neuralforecast import NeuralForecast, losses, models

    frame = pd.DataFrame({
        "unique_id": np.repeat(np.arange(SERIES), STEPS), "ds": np.tile(np.arange(STEPS), SERIES),
        "y": values,
    })  # fmt: skip
    sizes = {"h": HORIZON, "input_size": LENGTH, "windows_batch_size": BATCH, "batch_size": 32}
    quiet = dict.fromkeys(("logger", "enable_progress_bar", "enable_model_summary",
                           "enable_checkpointing"), False)  # fmt: skip
    pools = {"n_pool_kernel_size": list(POOLS), "n_freq_downsample": list(STRIDES)}

    def seconds(train: Callable[[int], Any], steps: int) -> float:
        start = perf_counter()
        train(steps)
        return perf_counter() - start

    def other(steps: int) -> Any:
        build = models.DLinear if name == "DLinear" else partial(models.NHITS, **pools)
        model = build(max_steps=steps, scaler_type="standard", loss=losses.pytorch.MAE(),
                      accelerator="cpu", **sizes, **quiet)  # fmt: skip
        return NeuralForecast([model], freq=1).fit(frame)

    few, steps = 5, WINDOWS // BATCH
    own = [seconds(mine, steps) for _ in range(3)]
    times = [(seconds(other, 2 * few) - seconds(other, few)) / few * steps for _ in range(3)]
    ratios = sorted(b / a for a, b in zip(own, times, strict=True))
    yield Outcome(f"{name}, an epoch of so many windows", "neuralforecast", median(own),
                  median(times), ratios[1], ratios[0], ratios[2])  # fmt: skip


def memory() -> Iterator[tuple[str, ...]]:
    """How much a process grows, its data included, with compiled code on disk.

    What libraries and compiler take once, whatever they train, is there before: see `main`.
    """
    with TemporaryDirectory() as cache:
        for name in ("DLinear", "N-HiTS"):
            measured("chainrule", name, cache)  # compiles
            growth, size = measured("chainrule", name, cache)
            other, _ = measured("torch", name, cache)
            yield ("forecast_speed", f"{name}, memory of that epoch and its {size / MIB:.0f} MiB",
                   "PyTorch", f"{growth / MIB:.0f} MiB", f"{other / MIB:.0f} MiB",
                   f"{other / growth:.2f}", f"{growth / size:.2f} times the data")  # fmt: skip


def measured(library: str, name: str, cache: str) -> tuple[int, int]:
    """Bytes by which a new process grows, and bytes of its data."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.forecast_speed", library, name], check=True, cwd=ROOT,
        stdout=subprocess.PIPE, text=True, env={**os.environ, "CHAINRULE_CACHE_DIR": cache},
    )  # fmt: skip
    growth, size = map(int, done.stdout.split())
    return growth, size


def main(library: str, name: str) -> None:
    """Train for an epoch; print by how many bytes the process grew, and the bytes of its data.

    One step of DLinear on one series comes first.
    """
    torch = peers.torch(1)
    import chainrule as cr

    cr.set_num_threads(1)
    train = ours if library == "chainrule" else partial(theirs, torch)
    small = np.sin(np.arange(SERIES * 2)).astype(np.float32)
    train("DLinear", small, np.zeros(BATCH, np.int64))(1)
    before = resident()
    values, starts = data()
    train(name, values, starts)(WINDOWS // BATCH)
    print(peak() - before, values.nbytes)


if __name__ == "__main__":
    main(*sys.argv[1:])
