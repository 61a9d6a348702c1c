"""Positions of maxima, reductions of columns, softmax, and contractions in the cheapest order.

Most of them wait for memory: with its second core a machine is little faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from chainrule import grad, jit, nn

from . import peers
from .harness import Contest

EINSUMS = (
    ("ij,jk,k->i", (800, 800), (800, 800), (800,)),
    ("ij,jk,kl->il", (1000, 10), (10, 1000), (1000, 10)),
    ("bik,bkj,bj->bi", (32, 100, 100), (32, 100, 100), (32, 100)),
    ("abc,ad,be,cf->def", (30, 30, 30), (30, 20), (30, 20), (30, 20)),
    ("bi,bj->bij", (64, 128), (64, 128)),
    ("i,ij,j->", (800,), (800, 800), (800,)),
)
LARGE = ((2000, 2000), (10_000, 1000))


def near(a: Any, b: Any) -> None:
    b = np.asarray(b)
    np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3 * float(np.abs(b).max()))


def contest(task: str, peer: str, ours: Any, theirs: Any, seconds: float = 0.01) -> Contest:
    """Enough calls a round that it takes about so many seconds."""
    ours(), theirs()
    start = peers.CLOCK()
    theirs()
    number = max(1, round(seconds / max(peers.CLOCK() - start, 1e-6)))
    return Contest(task, peer, ours, theirs, near, rounds=9, number=number, clock=peers.CLOCK)


def against_jax(jax: Any, task: str, ours: Any, theirs: Any, *arrays: Any) -> Contest:
    function, given = jax.jit(theirs), [jax.numpy.asarray(x) for x in arrays]
    mine = jit(ours)
    return contest(
        task, "JAX", lambda: mine(*arrays), lambda: jax.block_until_ready(function(*given))
    )


def positions(rng: np.random.Generator) -> Iterator[Contest]:
    """NumPy's own vector code, which is called for each row, and transposes for columns."""
    for shape, axis in (((20_000, 10), 1), ((2000, 100), 1), ((200, 1000), 1), ((1000, 1000), 0)):
        for dtype in (np.float32, np.float64):
            x = rng.normal(size=shape).astype(dtype)
            f = jit(partial(np.argmax, axis=axis))
            task = f"argmax of {shape[0]:,} x {shape[1]:,} over axis {axis}, {x.dtype}"
            yield contest(task, "NumPy", partial(f, x), partial(np.argmax, x, axis=axis))


def columns(rng: np.random.Generator, jax: Any) -> Iterator[Contest]:
    """Sums and maxima over the first axis of arrays that no cache holds."""
    for shape in LARGE:
        for dtype in (np.float32, np.float64):
            x = rng.normal(size=shape).astype(dtype)
            for name in ("sum", "max"):
                task = f"{name} over axis 0 of {shape[0]:,} x {shape[1]:,}, {x.dtype}"
                reduce = getattr(np, name)
                f = jit(partial(reduce, axis=0))
                yield contest(task, "NumPy", partial(f, x), partial(reduce, x, axis=0))
                if jax is not None:
                    theirs = partial(getattr(jax.numpy, name), axis=0)
                    yield against_jax(jax, task, partial(reduce, axis=0), theirs, x)


def softmaxes(rng: np.random.Generator, torch: Any) -> Iterator[Contest]:
    for shape in ((1000, 100), (1000, 1000)):
        x = rng.normal(size=shape).astype(np.float32)
        there = torch.from_numpy(x)
        for name in ("softmax", "log_softmax"):
            ours, theirs = jit(getattr(nn, name)), getattr(torch, name)
            task = f"{name} of {shape[0]:,} x {shape[1]:,}, float32"
            yield contest(task, "PyTorch", partial(ours, x), partial(theirs, there, -1))
            yield contest(
                f"{task}, gradient", "PyTorch", *_gradients(torch, getattr(nn, name), theirs, x)
            )


def _gradients(
    torch: Any, ours: Callable[[Any], Any], theirs: Any, x: Any
) -> tuple[Callable[[], Any], Callable[[], Any]]:
    weights = np.random.default_rng(1).normal(size=x.shape).astype(x.dtype)
    f = jit(grad(lambda x: np.sum(ours(x) * weights)))
    tracked, slope = torch.from_numpy(x).requires_grad_(), torch.from_numpy(weights)
    return partial(f, x), lambda: torch.autograd.grad(theirs(tracked, -1), tracked, slope)[0]


def contractions(rng: np.random.Generator, jax: Any) -> Iterator[Contest]:
    """NumPy with `optimize=True`, and JAX, which both choose an order."""
    for text, *shapes in EINSUMS:
        arrays = [
            (rng.normal(size=shape) / shape[-1] ** 0.5).astype(np.float32) for shape in shapes
        ]
        f = jit(partial(np.einsum, text))
        yield contest(
            f"einsum {text}", "NumPy", partial(f, *arrays),
            partial(np.einsum, text, *arrays, optimize=True),
        )  # fmt: skip
        if jax is None:
            continue
        yield against_jax(
            jax, f"einsum {text}", partial(np.einsum, text), partial(jax.numpy.einsum, text),
            *arrays,
        )  # fmt: skip
        yield against_jax(
            jax, f"einsum {text}, gradient by the first",
            grad(lambda *xs, text=text: np.sum(np.einsum(text, *xs) ** 2)),
            jax.grad(lambda *xs, text=text: (jax.numpy.einsum(text, *xs) ** 2).sum()), *arrays,
        )  # fmt: skip


def contests() -> Iterator[Contest]:
    rng = np.random.default_rng(0)
    jax, torch = peers.jax(), peers.torch()
    yield from positions(rng)
    yield from columns(rng, jax)
    if torch is not None:
        yield from softmaxes(rng, torch)
    yield from contractions(rng, jax)
