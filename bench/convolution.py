"""A training step of a network of LeNet's size: 8 kernels of 5 x 5, 16 of 5 x 5, batch 64, Adam."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule import jit, losses, nn, optim, scan
from chainrule.nn.convolution import conv
from chainrule.optim import apply_updates
from chainrule.transforms import value_and_grad

from . import peers
from .harness import Contest

STEPS, BATCH, RATE = 40, 64, 1e-3
draw = np.random.default_rng(0)
X = draw.normal(size=(STEPS, BATCH, 28, 28, 1)).astype(np.float32)
Y = draw.integers(0, 10, (STEPS, BATCH))
SHAPES = ((5, 5, 1, 8), (8,), (5, 5, 8, 16), (16,), (256, 10), (10,))
START = [(draw.normal(size=s) / np.sqrt(np.prod(s[:-1]))).astype(np.float32) if s[1:] else
         np.zeros(s, np.float32) for s in SHAPES]  # fmt: skip
OPTIMIZER = optim.adam(RATE)


def pooled(x: Any) -> Any:
    n, h, w, c = x.shape
    return np.max(x.reshape(n, h // 2, 2, w // 2, 2, c), axis=(2, 4))


def network(p: Any, x: Any) -> Any:
    x = pooled(nn.relu(conv(x, p[0]) + p[1]))
    x = pooled(nn.relu(conv(x, p[2]) + p[3]))
    return x.reshape(x.shape[0], -1) @ p[4] + p[5]


@jit
def steps(p: Any, state: Any, xs: Any, ys: Any) -> Any:
    """All steps; the last loss."""

    def turn(carry: Any, batch: Any) -> Any:
        p, state = carry
        loss, slopes = value_and_grad(
            lambda p: losses.softmax_cross_entropy(network(p, batch[0]), batch[1])
        )(p)
        updates, state = OPTIMIZER.update(slopes, state, p)
        return (apply_updates(p, updates), state), loss

    (p, state), values = scan(turn, (p, state), (xs, ys))
    return p, values


def ours() -> Any:
    return steps(START, OPTIMIZER.init(START), X, Y)[1]


def by_torch() -> Any:
    """PyTorch eager with images in channels-last memory format, which is its faster way here."""
    torch = peers.torch()
    if torch is None:
        return None
    xs = torch.from_numpy(X.transpose(0, 1, 4, 2, 3).copy())
    xs = [x.to(memory_format=torch.channels_last) for x in xs]
    ys = torch.from_numpy(Y)

    def run() -> Any:
        model = torch.nn.Sequential(
            torch.nn.Conv2d(1, 8, 5), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
            torch.nn.Conv2d(8, 16, 5), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
            torch.nn.Flatten(), torch.nn.Linear(256, 10),
        ).to(memory_format=torch.channels_last)  # fmt: skip
        with torch.no_grad():
            for k, layer in enumerate((model[0], model[3])):
                layer.weight.copy_(torch.from_numpy(START[2 * k].transpose(3, 2, 0, 1).copy()))
                layer.bias.zero_()
            dense = START[4].reshape(4, 4, 16, 10).transpose(3, 2, 0, 1).reshape(10, 256)
            model[7].weight.copy_(torch.from_numpy(dense.copy()))
            model[7].bias.zero_()
        adam = torch.optim.Adam(model.parameters(), lr=RATE, eps=1e-8, fused=True)
        loss = torch.nn.CrossEntropyLoss()
        values = []
        for x, y in zip(xs, ys, strict=True):
            adam.zero_grad()
            value = loss(model(x), y)
            value.backward()
            adam.step()
            values.append(value.item())
        return values

    return run


def equal_losses(a: Any, b: Any) -> None:
    """While rounding has not yet sent Adam other ways."""
    np.testing.assert_allclose(a[:5], b[:5], rtol=2e-4)
    np.testing.assert_allclose(a, b, rtol=5e-2)


def contests() -> Iterator[Contest]:
    theirs = by_torch()
    if theirs is not None:
        task = f"{STEPS} steps, batch {BATCH}, Adam, float32"
        yield Contest(task, "PyTorch eager", ours, theirs, equal_losses, warm=0.05)
