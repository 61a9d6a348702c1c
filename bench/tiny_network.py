"""A network of 2-8-1 on batches of 4 rows: steps so small that overhead is all there is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import chainrule as cr

from . import peers, torch_training
from .harness import Contest

STEPS, RATE = 10_000, np.float32(0.1)
rng = np.random.default_rng(0)
X = rng.normal(size=(4, 2)).astype(np.float32)
Y = (X[:, :1] * X[:, 1:] > 0).astype(np.float32)
START = [rng.normal(size=s).astype(np.float32) for s in ((2, 8), (8,), (8, 1), (1,))]


def loss(xp: Any, p: Any) -> Any:
    """Mean squared error of two layers with tanh."""
    return xp.mean((xp.tanh(X @ p[0] + p[1]) @ p[2] + p[3] - Y) ** 2)


@cr.jit
def ours(p: Any) -> Any:
    """All steps of gradient descent."""

    def step(p: Any, _: Any) -> Any:
        value, g = cr.value_and_grad(lambda p: loss(np, p))(p)
        return [a - RATE * b for a, b in zip(p, g, strict=True)], value

    return cr.scan(step, p, None, length=STEPS)[0]


def by_jax() -> Any:
    """The same as a scan of JAX."""
    jax = peers.jax()
    if jax is None:
        return None

    def step(p: Any, _: Any) -> Any:
        value, g = jax.value_and_grad(lambda p: loss(jax.numpy, p))(p)
        return [a - RATE * b for a, b in zip(p, g, strict=True)], value

    return jax.jit(lambda p: jax.lax.scan(step, p, None, length=STEPS)[0])


def by_torch() -> Any:
    """A loop of Python with PyTorch's optimiser; another form of it is no faster."""
    torch = peers.torch()
    if torch is None:
        return None
    x, y = torch.from_numpy(X), torch.from_numpy(Y)
    loss = torch.nn.MSELoss()

    def train() -> list[Any]:
        model = torch_training.network(torch, START)
        model[1] = torch.nn.Tanh()
        optimizer = torch.optim.SGD(model.parameters(), lr=float(RATE), foreach=False)
        for _ in range(STEPS):
            torch_training.step(model, optimizer, loss, x, y)
        return torch_training.weights_of(model)

    return train


def same(a: Any, b: Any) -> None:
    for mine, theirs in zip(a, b, strict=True):
        np.testing.assert_allclose(mine, np.asarray(theirs), rtol=0, atol=2e-3)


def contests() -> Iterator[Contest]:
    task = f"{STEPS} steps of 2-8-1, batch 4, float32"
    theirs = by_jax()
    if theirs is not None:
        yield Contest(task, "JAX scan", lambda: ours(START), lambda: jax_ready(theirs(START)), same)
    train = by_torch()
    if train is not None:
        yield Contest(task, "PyTorch eager", lambda: ours(START), train, same, rounds=7)


def jax_ready(results: Any) -> Any:
    """Wait until all are there."""
    return [x.block_until_ready() for x in results]
