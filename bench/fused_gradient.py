"""The gradient of sum(tanh(x) exp(-x**2) + sin(x)): one pass over memory, if it is fused."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import chainrule as cr

from . import peers
from .harness import Contest

WARM = 0.01


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


def in_torch(torch: Any, x: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    """PyTorch's two ways to a gradient."""
    there = torch.from_numpy(x)
    tracked = there.clone().requires_grad_()
    yield "PyTorch eager", lambda: torch.autograd.grad(value(torch, tracked), tracked)[0]
    compiled = torch.compile(torch.func.grad(lambda x: value(torch, x)), dynamic=False)
    try:
        compiled(there)
    except Exception as error:  # no compiler of C++, or one that it cannot use
        reason = str(error).strip().split("\n")[0]
        print(f"torch.compile fails, its contest is left out: {reason}", file=sys.stderr)
    else:
        yield "torch.compile", lambda: compiled(there)


def contests() -> Iterator[Contest]:
    jax = peers.jax()
    theirs = None if jax is None else jax.jit(jax.grad(lambda x: value(jax.numpy, x)))
    for n, number in ((1000, 2000), (1_000_000, 5)):
        x = np.random.default_rng(0).normal(size=n).astype(np.float32)
        task = f"gradient at {n:,} float32"
        yield Contest(
            task, "NumPy by hand", _with(ours, x), _with(by_hand, x), same, 9, number, WARM
        )
        if theirs is not None:
            there = jax.numpy.asarray(x)
            ready = _with(lambda x, f=theirs: f(x).block_until_ready(), there)
            yield Contest(task, "JAX jit", _with(ours, x), ready, same, 9, number, WARM)
        torch = peers.torch()
        if torch is not None:
            for peer, function in in_torch(torch, x):
                yield Contest(task, peer, _with(ours, x), function, same, 9, number, WARM)
