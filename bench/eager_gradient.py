"""Gradients without jit: what tracing and walking back cost, beside HIPS/autograd."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import autograd
import autograd.numpy
import numpy as np

import chainrule as cr

from .harness import Contest

W = np.random.default_rng(0).normal(size=(30, 30)) / 8


def chain(xp: Any) -> Callable[[Any], Any]:
    """100 operations on a number."""

    def f(x: Any) -> Any:
        for _ in range(25):
            x = xp.tanh(x * 1.1 + 0.1) - 0.05
        return x

    return f


def summed(xp: Any) -> Callable[[Any], Any]:
    return lambda x: xp.sum(chain(xp)(x))


def layers(xp: Any) -> Callable[[Any], Any]:
    """20 dense layers of 30 for 10 rows, derivative by the shared weights."""

    def f(w: Any) -> Any:
        h = xp.ones((10, 30))
        for _ in range(20):
            h = xp.tanh(xp.dot(h, w) + 0.1)
        return xp.sum(h**2)

    return f


def same(a: Any, b: Any) -> None:
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def contests() -> Iterator[Contest]:
    for task, make, x in (
        ("100 operations on a number", chain, 0.3),
        ("100 operations on 10 numbers", summed, np.linspace(0, 1, 10)),
        ("100 operations on 1,000 numbers", summed, np.linspace(0, 1, 1000)),
        ("100 operations on 100,000 numbers", summed, np.linspace(0, 1, 100_000)),
        ("20 layers of 30, 10 rows", layers, W),
    ):
        ours, theirs = cr.grad(make(np)), autograd.grad(make(autograd.numpy))
        yield Contest(
            task, "autograd", lambda f=ours, x=x: f(x), lambda f=theirs, x=x: f(x), same,
            number=1 if np.size(x) > 10_000 else 20,
        )  # fmt: skip
