"""Epochs of larger networks on random data: rows in an order that is given, Adam, float32."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

import chainrule as cr

from . import peers
from .harness import Contest

B1, B2, EPS, RATE = 0.9, 0.999, 1e-8, np.float32(1e-3)
TASKS = {
    "20,000 x 30, 64-64-10, batch 64": (20_000, (30, 64, 64, 10), 64, 9),
    "60,000 x 784, 256-128-10, batch 128": (60_000, (784, 256, 128, 10), 128, 7),
    "1024-2048-2048-1024, batch 256, 4 steps": (1024, (1024, 2048, 2048, 1024), 256, 7),
}


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


def contests() -> Iterator[Contest]:
    jax = peers.jax()
    if jax is None:
        return
    for task, (rows, sizes, batch, rounds) in TASKS.items():
        rng = np.random.default_rng(0)
        x = rng.normal(size=(rows, sizes[0])).astype(np.float32)
        y = rng.normal(size=(rows, sizes[-1])).astype(np.float32)
        p = []
        for a, b in pairwise(sizes):
            p += [(rng.normal(size=(a, b)) * (2 / a) ** 0.5).astype(np.float32)]
            p += [np.zeros(b, np.float32)]
        order = rng.permutation(rows)[: rows // batch * batch]
        ours = cr.jit(epoch(np, cr.scan, cr.grad, batch))
        theirs = jax.jit(epoch(jax.numpy, jax.lax.scan, jax.grad, batch))
        same(ours(p, x, y, order[: 4 * batch]), theirs(p, x, y, order[: 4 * batch]))
        there = [jax.numpy.asarray(a) for a in (x, y, order)]

        def run(ours: Any = ours, p: Any = p, x: Any = x, y: Any = y, o: Any = order) -> Any:
            return ours(p, x, y, o)

        def peer(theirs: Any = theirs, p: Any = p, there: Any = there) -> Any:
            return [a.block_until_ready() for a in theirs(p, *there)]

        yield Contest(task, "JAX scan", run, peer, alike, rounds)
