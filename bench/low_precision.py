"""Answers of networks of bytes (`nn.quantize`) and of bfloat16, beside those in float32.

One thread, batches of 256 rows, and few rows of a network whose weights do not fit the caches.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import process_time
from typing import Any

import numpy as np

from chainrule import jit, nn, random
from chainrule.config import configured

from . import peers
from .harness import Contest

ROWS, WIDE = 256, 2048


def perceptron(key: Any) -> Any:
    return nn.MLP(784, (512, 512), 10, key=key)


def convolutions(key: Any) -> Any:
    keys = random.split(key, 4)
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding="same", key=keys[0]), nn.relu, nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding="same", key=keys[1]), nn.relu, nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 3, padding="same", key=keys[2]), nn.relu, nn.Flatten(),
        nn.Dense(7 * 7 * 128, 10, key=keys[3]),
    )  # fmt: skip


def wide(key: Any) -> Any:
    return nn.MLP(WIDE, (WIDE, WIDE), WIDE, key=key)


def in_torch(torch: Any, model: Any, x: Any) -> Any:
    """The same perceptron in PyTorch, float32."""
    layers: list[Any] = []
    for layer in model.layers:
        linear = torch.nn.Linear(*layer.weight.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(layer.weight.T))
            linear.bias.copy_(torch.from_numpy(layer.bias))
        layers += [linear, torch.nn.ReLU()]
    network, rows = torch.nn.Sequential(*layers[:-1]), torch.from_numpy(x)

    def run() -> Any:
        with torch.inference_mode():
            return network(rows).numpy()

    return run


def answers(model: Any, x: Any) -> Any:
    apply = jit(lambda model, x: model(x))

    def run() -> Any:
        with configured(num_threads=1):
            return apply(model, x)

    return run


def near(a: Any, b: Any) -> None:
    """Within what rounding to bytes changes."""
    assert np.abs(a - b).max() < 0.03 * np.abs(b).max()


def contests() -> Iterator[Contest]:
    torch = peers.torch(threads=1)
    draw = np.random.default_rng(0)
    tasks: tuple[tuple[str, Any, tuple[int, ...], int], ...] = (
        (f"784-512-512-10, {ROWS} rows", perceptron, (ROWS, 784), 5),
        (f"3 convolutions of 28 x 28, {ROWS} rows", convolutions, (ROWS, 28, 28, 1), 1),
        (f"four times {WIDE}, {ROWS} rows", wide, (ROWS, WIDE), 1),
        (f"four times {WIDE}, 1 row", wide, (1, WIDE), 10),
    )
    for name, make, shape, number in tasks:
        model, x = make(random.key(0)), draw.random(shape, dtype=np.float32)
        small = answers(nn.quantize(model, x), x)
        both: list[tuple[str, Any]] = [("ours in float32", answers(model, x))]
        if torch is not None and isinstance(model, nn.MLP):
            both.append(("PyTorch in float32", in_torch(torch, model, x)))
        for peer, theirs in both:
            yield Contest(f"int8: {name}; 1 thread", peer, small, theirs, near, number=number,
                          clock=process_time)  # fmt: skip
    model = wide(random.key(0))
    for rows in (1, 16, ROWS):
        x = draw.random((rows, WIDE), dtype=np.float32)
        yield Contest(
            f"bfloat16 weights: four times {WIDE}, {rows} rows; 1 thread", "ours in float32",
            answers(nn.to_bfloat16(model), x), answers(model, x), near,
            number=1 if rows == ROWS else 5, clock=process_time,
        )  # fmt: skip
