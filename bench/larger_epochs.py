"""Epochs of larger networks on random data: rows in an order that is given, Adam, float32."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.neural_network import MLPRegressor

import chainrule as cr

from . import fma_peak, peers, torch_training
from .harness import Contest

B1, B2, EPS, RATE = 0.9, 0.999, 1e-8, np.float32(1e-3)


@dataclass(frozen=True)
class Task:
    """A network and its data."""

    name: str
    rows: int
    sizes: tuple[int, ...]
    batch: int
    torch_threads: int  # which of 1 and 2 is the faster

    @cached_property
    def data(self) -> tuple[list[Any], Any, Any, Any]:
        """Weights, inputs, outputs, and the order of the rows."""
        rng = np.random.default_rng(0)
        x = rng.normal(size=(self.rows, self.sizes[0])).astype(np.float32)
        y = rng.normal(size=(self.rows, self.sizes[-1])).astype(np.float32)
        p = []
        for a, b in pairwise(self.sizes):
            p += [(rng.normal(size=(a, b)) * (2 / a) ** 0.5).astype(np.float32)]
            p += [np.zeros(b, np.float32)]
        return p, x, y, rng.permutation(self.rows)[: self.rows // self.batch * self.batch]

    @property
    def operations(self) -> int:
        """Of the products alone: forward and, but for the first layer's inputs, twice backward."""
        layers = [2 * self.batch * a * b for a, b in pairwise(self.sizes)]
        return self.rows // self.batch * (3 * sum(layers) - layers[0])


TASKS = (
    Task("20,000 x 30, 64-64-10, batch 64", 20_000, (30, 64, 64, 10), 64, 1),
    Task("60,000 x 784, 256-128-10, batch 128", 60_000, (784, 256, 128, 10), 128, 2),
    Task("1024-2048-2048-1024, batch 256, 4 steps", 1024, (1024, 2048, 2048, 1024), 256, 2),
)


def loss(xp: Any, p: Any, x: Any, y: Any) -> Any:
    """Mean squared error of a network with relu."""
    for k in range(0, len(p) - 2, 2):
        x = xp.maximum(x @ p[k] + p[k + 1], np.float32(0))
    return xp.mean((x @ p[-2] + p[-1] - y) ** 2)


def epoch(xp: Any, scan: Any, gradient: Any, batch: int) -> Callable[..., Any]:
    """All whole batches, forward, backward and Adam: the same source for both."""

    def step(state: Any, rows: Any, x: Any, y: Any) -> Any:
        p, m, v, t = state
        t = t + np.float32(1)
        g = gradient(lambda p: loss(xp, p, xp.take(x, rows, axis=0), xp.take(y, rows, axis=0)))(p)
        m = [np.float32(B1) * a + np.float32(1 - B1) * b for a, b in zip(m, g, strict=True)]
        v = [np.float32(B2) * a + np.float32(1 - B2) * b * b for a, b in zip(v, g, strict=True)]
        rate = RATE / (np.float32(1) - np.float32(B1) ** t)
        scale = np.float32(1) / (np.float32(1) - np.float32(B2) ** t)
        p = [
            a - rate * b / (xp.sqrt(c * scale) + np.float32(EPS))
            for a, b, c in zip(p, m, v, strict=True)
        ]
        return (p, m, v, t)

    def run(p: Any, x: Any, y: Any, order: Any) -> Any:
        zeros = [a * np.float32(0) for a in p]
        batches = order.reshape(-1, batch)
        state = (p, zeros, zeros, np.float32(0))
        state, _ = scan(lambda s, rows: (step(s, rows, x, y), s[3]), state, batches)
        return state[0]

    return run


def same(a: Any, b: Any) -> None:
    """Weights after few steps; Adam amplifies single flips of a relu."""
    for mine, theirs in zip(a, b, strict=True):
        distance = np.abs(mine - np.asarray(theirs))
        assert np.median(distance) < 1e-5, float(np.median(distance))
        assert np.quantile(distance, 0.99) < 5e-3, float(np.quantile(distance, 0.99))


def alike(a: Any, b: Any) -> None:
    """Weights after an epoch, in which such flips have spread: as large as each other's."""
    for mine, theirs in zip(a, b, strict=True):
        assert abs(np.std(mine) / np.std(np.asarray(theirs)) - 1) < 0.05


def by_jax(task: Task, ours: Callable[..., Any]) -> Any:
    """The same source, compiled by JAX."""
    jax = peers.jax()
    if jax is None:
        return None
    p, *given = task.data
    theirs = jax.jit(epoch(jax.numpy, jax.lax.scan, jax.grad, task.batch))
    few = [*given[:2], given[2][: 4 * task.batch]]
    same(ours(p, *few), theirs(p, *few))
    there = [jax.numpy.asarray(a) for a in given]
    return lambda: [a.block_until_ready() for a in theirs(p, *there)]


def by_torch(task: Task, ours: Callable[..., Any]) -> Any:
    """Batches gathered one by one, which is faster than all at once where they are large."""
    torch = peers.torch(task.torch_threads)
    if torch is None:
        return None
    p, *given = task.data
    x, y, order = map(torch.from_numpy, given)
    loss = torch.nn.MSELoss()

    def trainer() -> Callable[[Any], list[Any]]:
        model = torch_training.network(torch, p)
        optimizer = torch_training.adam(torch, model, float(RATE))

        def train(order: Any) -> list[Any]:
            for rows in order.split(task.batch):
                torch_training.step(model, optimizer, loss, x[rows], y[rows])
            return list(model.parameters())

        return lambda order: [a.detach().numpy().T for a in train(order)]

    few = 4 * task.batch
    same(ours(p, *given[:2], given[2][:few]), trainer()(order[:few]))
    train = trainer()  # whose later epochs go on from the first
    return lambda: train(order)


def by_scikit_learn(task: Task) -> tuple[Callable[[], Any], Callable[[Any, Any], None]]:
    """An epoch of scikit-learn from the same weights, and whether it learned what ours did."""
    p, x, y, _ = task.data
    peer = MLPRegressor(hidden_layer_sizes=task.sizes[1:-1], batch_size=task.batch, alpha=0.0,
                        learning_rate_init=float(RATE), random_state=0)  # fmt: skip
    peer.partial_fit(x[: task.batch], y[: task.batch])  # makes its weights
    for mine, theirs in zip(p, _in_turns(peer), strict=True):
        theirs[...] = mine

    def train() -> list[Any]:
        return _in_turns(peer.partial_fit(x, y))

    def learned(a: list[Any], b: list[Any]) -> None:
        mine, theirs, before = (float(loss(np, weights, x, y)) for weights in (a, b, p))
        assert mine < before - 0.1 and theirs < before - 0.1, (mine, theirs, before)
        assert abs(mine / theirs - 1) < 0.02, (mine, theirs)

    return train, learned


def _in_turns(peer: Any) -> list[Any]:
    return [a for pair in zip(peer.coefs_, peer.intercepts_, strict=True) for a in pair]


def contests() -> Iterator[Contest]:
    for task in TASKS:
        function = cr.jit(epoch(np, cr.scan, cr.grad, task.batch))

        def ours(function: Any = function, task: Task = task) -> Any:
            return function(*task.data)

        rounds = 9 if task.rows == 20_000 else 7
        for peer, build in (("JAX scan", by_jax), ("PyTorch eager", by_torch)):
            theirs = build(task, function)
            if theirs is not None:
                yield Contest(task.name, peer, ours, theirs, alike, rounds)
        yield Contest(task.name, "scikit-learn", ours, *by_scikit_learn(task), rounds)
        # As long as the products would take if they were all that there is, and at the peak
        yield Contest(task.name, "FMA peak, 2 threads", ours,
                      lambda task=task: fma_peak.run(task.operations, 2),
                      lambda _, __: None, rounds)  # fmt: skip
