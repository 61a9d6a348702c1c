"""Jacobians, Hessians and gradients of each example, float64 and float32, one thread for everybody.

Under `jit` on both sides: the Hessian of Rosenbrock's function of 1,000 numbers, gradients of the
loss of each of 512 digits in a network of 64-64-10 (as they are, and clipped and summed, as
differentially private training takes them [1]_), and the Jacobian of a network of three layers of
100. Times are those of the CPU, which other processes do not change.

.. [1] M. Abadi et al.: "Deep learning with differential privacy", CCS (2016)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import chainrule as cr

from . import peers
from .harness import Contest, run

ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
BATCH, CLIP = 512, 1.0
Function = Callable[..., Any]


def rosenbrock(xp: Any, x: Any) -> Any:
    return xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def loss_of_one(xp: Any, weights: Any, x: Any, y: Any) -> Any:
    """Cross-entropy of one digit; `y` has a 1 at its class."""
    first, second = weights
    hidden = xp.maximum(x @ first[0] + first[1], 0.0)
    scores = hidden @ second[0] + second[1]
    largest = xp.max(scores)
    return largest + xp.log(xp.sum(xp.exp(scores - largest))) - xp.sum(scores * y)


def network(xp: Any, weights: Any, x: Any) -> Any:
    for w, b in weights[:-1]:
        x = xp.tanh(x @ w + b)
    w, b = weights[-1]
    return x @ w + b


def clipped(library: Any, xp: Any, weights: Any, x: Any, y: Any) -> Any:
    """The sum of the gradients of all examples, each cut to a length of `CLIP`."""

    def one(x: Any, y: Any) -> Any:
        gradient = library.grad(lambda w: loss_of_one(xp, w, x, y))(weights)
        squares = sum(xp.sum(g * g) for layer in gradient for g in layer)
        scale = xp.minimum(1.0, CLIP / xp.sqrt(squares))
        return [[g * scale for g in layer] for layer in gradient]

    each = library.vmap(one)(x, y)
    return [[xp.sum(g, axis=0) for g in layer] for layer in each]


def layers(rng: Any, sizes: list[int], dtype: Any) -> Any:
    return [
        [(rng.normal(size=(m, n)) / m**0.5).astype(dtype), rng.normal(size=n).astype(dtype)]
        for m, n in zip(sizes[:-1], sizes[1:], strict=True)
    ]


def tasks(rng: Any) -> Iterator[tuple[str, Function, list[Any], int]]:
    """Names, ``function(library, xp, *arguments)``, arguments and calls a round."""
    yield ("Hessian of Rosenbrock's function of 1,000",
           lambda lib, xp, x: lib.hessian(lambda x: rosenbrock(xp, x))(x),
           [rng.normal(size=1000)], 5)  # fmt: skip
    weights = layers(rng, [64, 64, 10], np.float32)
    x = rng.uniform(size=(BATCH, 64)).astype(np.float32)
    y = np.eye(10, dtype=np.float32)[rng.integers(10, size=BATCH)]
    yield (f"gradients of each of {BATCH} digits",
           lambda lib, xp, w, x, y: lib.vmap(
               lib.grad(lambda w, x, y: loss_of_one(xp, w, x, y)), in_axes=(None, 0, 0))(w, x, y),
           [weights, x, y], 10)  # fmt: skip
    yield (f"the same, clipped and summed",
           lambda lib, xp, w, x, y: clipped(lib, xp, w, x, y), [weights, x, y], 10)  # fmt: skip
    for dtype in (np.float32, np.float64):
        weights = layers(rng, [100, 100, 100, 100], dtype)
        library = {"jacobian": "jacrev"}
        yield (f"Jacobian of a network of 3 layers of 100, {np.dtype(dtype)}",
               lambda lib, xp, w, x: (lib.jacobian if lib is cr else lib.jacrev)(
                   lambda x: network(xp, w, x))(x),
               [weights, rng.normal(size=100).astype(dtype)], 50)  # fmt: skip


def same(a: Any, b: Any) -> None:
    for x, y in zip(cr.tree.leaves(a), cr.tree.leaves(list_of(b)), strict=True):
        scale = float(np.abs(y).max())
        tolerance = 1e-9 if x.dtype == np.float64 else 3e-5
        np.testing.assert_allclose(x, np.asarray(y), rtol=tolerance, atol=tolerance * scale)


def list_of(x: Any) -> Any:
    return [list_of(y) for y in x] if isinstance(x, (list, tuple)) else np.asarray(x)


def contests() -> Iterator[Contest]:
    os.environ["XLA_FLAGS"] = ONE_THREAD
    jax = peers.jax()
    if jax is None:
        return
    cr.set_num_threads(1)
    for name, function, arguments, number in tasks(np.random.default_rng(0)):
        ours = cr.jit(lambda *xs, f=function: f(cr, np, *xs))
        theirs = jax.jit(lambda *xs, f=function: f(jax, jax.numpy, *xs))
        there = jax.device_put(arguments)
        yield Contest(
            name, "JAX jit",
            lambda f=ours, xs=arguments: f(*xs),
            lambda f=theirs, xs=there: jax.block_until_ready(f(*xs)),
            same, 9, number,
        )  # fmt: skip


if __name__ == "__main__":
    for contest in contests():
        outcome = run(contest)
        print(
            f"{outcome.task}: {outcome.ours * 1e3:.3f} ms, JAX {outcome.theirs * 1e3:.3f} ms, "
            f"{outcome.ratio:.2f} ({outcome.low:.2f} to {outcome.high:.2f})"
        )
