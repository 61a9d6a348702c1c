"""The gradient of sum(tanh(x) exp(-x**2) + sin(x)): one pass over memory, if it is fused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import chainrule as cr

from . import peers
from .harness import Contest


def value(xp: Any, x: Any) -> Any:
    return xp.sum(xp.tanh(x) * xp.exp(-(x**2)) + xp.sin(x))


ours = cr.jit(cr.grad(lambda x: value(np, x)))


def by_hand(x: Any) -> Any:
    """The derivative, written out."""
    t, e = np.tanh(x), np.exp(-(x * x))
    return ((1 - t * t) - 2 * x * t) * e + np.cos(x)


def same(a: Any, b: Any) -> None:
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def _with(function: Callable[[Any], Any], x: Any) -> Callable[[], Any]:
    return lambda: function(x)


def contests() -> Iterator[Contest]:
    jax = peers.jax()
    theirs = None if jax is None else jax.jit(jax.grad(lambda x: value(jax.numpy, x)))
    for n, number in ((1000, 2000), (1_000_000, 5)):
        x = np.random.default_rng(0).normal(size=n).astype(np.float32)
        task = f"gradient at {n:,} float32"
        yield Contest(task, "NumPy by hand", _with(ours, x), _with(by_hand, x), same, 9, number)
        if theirs is not None:
            there = jax.numpy.asarray(x)
            ready = _with(lambda x, f=theirs: f(x).block_until_ready(), there)
            yield Contest(task, "JAX jit", _with(ours, x), ready, same, 9, number)
