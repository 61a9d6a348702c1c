"""Gradients without jit: what tracing and walking back cost, beside HIPS/autograd and PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import process_time
from typing import Any

import autograd
import autograd.numpy
import numpy as np

import chainrule as cr

from . import peers
from .harness import Contest

Function = Callable[[Any], Any]
W = np.random.default_rng(0).normal(size=(30, 30)) / 8


def chain(xp: Any) -> Function:
    """100 operations on a number."""

    def f(x: Any) -> Any:
        for _ in range(25):
            x = xp.tanh(x * 1.1 + 0.1) - 0.05
        return x

    return f


def summed(xp: Any) -> Function:
    """100 operations on each number."""

    def f(x: Any) -> Any:
        for _ in range(25):
            x = xp.tanh(x * 1.1 + 0.1) - 0.05
        return xp.sum(x)

    return f


def layers(xp: Any) -> Function:
    """20 dense layers of 30 for 10 rows, derivative by the shared weights."""

    def f(w: Any) -> Any:
        h = xp.ones((10, 30))
        for _ in range(20):
            h = xp.tanh(h @ w + 0.1)
        return xp.sum(h**2)

    return f


def mixed(xp: Any) -> Function:
    """Exponentials, logarithms, roots and quotients."""

    def f(x: Any) -> Any:
        y = xp.exp(-x * x) + xp.tanh(x) * x
        z = xp.log(1.0 + y * y) / (2.0 + xp.exp(x))
        w = xp.sqrt(z * z + 1.0) - xp.tanh(y)
        return xp.sum(w * w) + xp.sum(x * y)

    return f


def standardised(xp: Any) -> Function:
    """Rows of 10, reduced."""

    def f(x: Any) -> Any:
        x = xp.reshape(x, (-1, 10))
        centred = x - xp.sum(x, 1)[:, None] / 10.0
        y = centred / xp.sqrt(xp.sum(centred * centred, 1)[:, None] / 10.0 + 1e-5)
        return xp.sum(xp.sum(y * y * y, 1) * xp.sum(y * y, 1))

    return f


def sliced(xp: Any) -> Function:
    """Differences of neighbours, and steps."""

    def f(x: Any) -> Any:
        a, b, c = x[1:] - x[:-1], x[::2], x[2:] * x[:-2]
        return xp.sum(a * a) + xp.sum(b * b) + xp.sum(c)

    return f


def spread(xp: Any) -> Function:
    """A row and a column beside a matrix of 10 rows."""

    def f(x: Any) -> Any:
        x = xp.reshape(x, (10, -1))
        z = xp.tanh(x * x[0] + x[:, :1])
        return xp.sum(z * x[0])

    return f


def same(a: Any, b: Any) -> None:
    tolerance = 1e-9 if np.asarray(a).dtype == np.float64 else 1e-3
    np.testing.assert_allclose(a, np.asarray(b), rtol=tolerance, atol=tolerance)


def tasks() -> Iterator[tuple[str, Callable[[Any], Function], Any]]:
    yield "100 operations on a number", chain, 0.3
    yield "20 layers of 30, 10 rows", layers, W
    for size in (10, 1000, 10_000, 100_000, 1_000_000):
        yield f"100 operations on {size:,} numbers", summed, np.linspace(0, 1, size)
        if size > 1000:
            x = np.linspace(0, 1, size).astype(np.float32)
            yield f"100 operations on {size:,} float32", summed, x
    for size in (1000, 100_000):
        x = np.random.default_rng(1).uniform(-0.9, 0.9, size)
        for name, make in (("functions", mixed), ("reductions", standardised), ("slices", sliced),
                           ("broadcasts", spread)):  # fmt: skip
            yield f"{name} of {size:,} numbers", make, x


def contests() -> Iterator[Contest]:
    torch = peers.torch(1)
    for task, make, x in tasks():
        ours = cr.grad(make(np))
        number = max(1, min(20, 20_000 // np.size(x)))
        rounds = 5 if np.size(x) > 500_000 else 11
        for peer, gradient in (("autograd", autograd.grad(make(autograd.numpy))),
                               ("PyTorch eager", by_torch(torch, make))):  # fmt: skip
            if gradient is not None:
                yield Contest(
                    task, peer, lambda f=ours, x=x: f(x), lambda f=gradient, x=x: f(x), same,
                    rounds=rounds, number=number, clock=process_time,
                )  # fmt: skip


def by_torch(torch: Any, make: Callable[[Any], Function]) -> Function | None:
    """The gradient of the same source by PyTorch, of an array that it shares."""
    if torch is None:
        return None

    class Namespace:
        def __getattr__(self, name: str) -> Any:
            return getattr(torch, name)

        def ones(self, shape: tuple[int, ...]) -> Any:
            return torch.ones(shape, dtype=torch.float64)

    f = make(Namespace())

    def gradient(x: Any) -> Any:
        there = torch.as_tensor(x, dtype=None if np.ndim(x) else torch.float64)
        there = there.detach().requires_grad_(True)
        f(there).backward()
        return there.grad.numpy()

    return gradient
