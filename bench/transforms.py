"""Jacobians, Hessians and gradients of each example against JAX, one thread for both.

Under `jit` on both sides: the Hessian of Rosenbrock's function of 1,000 numbers, a product with
that of 100,000, gradients of the loss of each of 512 digits in a network of 64-64-10 (as they are,
and clipped and summed, as differentially private training takes them [1]_), and the Jacobian of a
network of three layers of 100. Times are those of the CPU, which other processes do not change.

.. [1] M. Abadi et al.: "Deep learning with differential privacy", CCS (2016)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from time import process_time
from typing import Any, NamedTuple

import numpy as np

import chainrule as cr

from . import peers
from .harness import Contest, Outcome, run

ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
BATCH, CLIP = 512, 1.0
Function = Callable[..., Any]


class Task(NamedTuple):
    """A function of a library and its array namespace, and its arguments."""

    name: str
    function: Function
    arguments: list[Any]
    number: int


def rosenbrock(xp: Any, x: Any) -> Any:
    return xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def loss_of_one(xp: Any, weights: Any, x: Any, y: Any) -> Any:
    """Cross-entropy of one digit; `y` has a 1 at its class."""
    (first, first_bias), (second, second_bias) = weights
    hidden = xp.maximum(x @ first + first_bias, 0.0)
    scores = hidden @ second + second_bias
    largest = xp.max(scores)
    return largest + xp.log(xp.sum(xp.exp(scores - largest))) - xp.sum(scores * y)


def network(xp: Any, weights: Any, x: Any) -> Any:
    for w, b in weights[:-1]:
        x = xp.tanh(x @ w + b)
    w, b = weights[-1]
    return x @ w + b


def hessian(library: Any, xp: Any, x: Any) -> Any:
    return library.hessian(lambda x: rosenbrock(xp, x))(x)


def hessian_product(library: Any, xp: Any, x: Any, v: Any) -> Any:
    gradient = library.grad(lambda x: rosenbrock(xp, x))
    return library.jvp(gradient, (x,), (v,))[1]


def gradients(library: Any, xp: Any, weights: Any, x: Any, y: Any) -> Any:
    of_one = library.grad(lambda w, x, y: loss_of_one(xp, w, x, y))
    return library.vmap(of_one, in_axes=(None, 0, 0))(weights, x, y)


def clipped(library: Any, xp: Any, weights: Any, x: Any, y: Any) -> Any:
    """The sum of the gradients of all examples, each cut to a length of `CLIP`."""

    def of_one(x: Any, y: Any) -> Any:
        gradient = library.grad(lambda w: loss_of_one(xp, w, x, y))(weights)
        squares = sum(xp.sum(g * g) for layer in gradient for g in layer)
        scale = xp.minimum(1.0, CLIP / xp.sqrt(squares))
        return [[g * scale for g in layer] for layer in gradient]

    return [[xp.sum(g, axis=0) for g in layer] for layer in library.vmap(of_one)(x, y)]


def jacobian(library: Any, xp: Any, weights: Any, x: Any) -> Any:
    by_shape = library.jacobian if library is cr else library.jacrev
    return by_shape(lambda x: network(xp, weights, x))(x)


def layers(rng: np.random.Generator, sizes: list[int], dtype: Any) -> Any:
    return [
        [(rng.normal(size=(m, n)) / m**0.5).astype(dtype), rng.normal(size=n).astype(dtype)]
        for m, n in pairwise(sizes)
    ]


def tasks() -> Iterator[Task]:
    rng = np.random.default_rng(0)
    yield Task("Hessian of Rosenbrock's function of 1,000", hessian, [rng.normal(size=1000)], 5)
    x, v = rng.normal(size=(2, 100_000))
    yield Task("product with its Hessian for 100,000", hessian_product, [x, v], 10)
    weights = layers(rng, [64, 64, 10], np.float32)
    x = rng.uniform(size=(BATCH, 64)).astype(np.float32)
    y = np.eye(10, dtype=np.float32)[rng.integers(10, size=BATCH)]
    yield Task(f"gradients of each of {BATCH} digits, 64-64-10", gradients, [weights, x, y], 10)
    yield Task("the same, each clipped, and summed", clipped, [weights, x, y], 10)
    for dtype in (np.float32, np.float64):
        arguments = [layers(rng, [100] * 4, dtype), rng.normal(size=100).astype(dtype)]
        name = f"Jacobian of a network of 3 layers of 100, {np.dtype(dtype)}"
        yield Task(name, jacobian, arguments, 50)


def same(a: Any, b: Any) -> None:
    for x, y in zip(cr.tree.leaves(a), cr.tree.leaves(b), strict=True):
        tolerance = (1e-9 if x.dtype == np.float64 else 3e-5) * (1.0 + float(np.abs(y).max()))
        np.testing.assert_allclose(x, np.asarray(y), rtol=0, atol=tolerance)


def contests() -> Iterator[Outcome]:
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {ONE_THREAD}".strip()
    jax = peers.jax()
    if jax is None:
        return
    cr.set_num_threads(1)
    try:
        for task in tasks():
            yield _outcome(jax, task)
    finally:
        cr.set_num_threads(0)


def _outcome(jax: Any, task: Task) -> Outcome:
    ours = cr.jit(lambda *xs: task.function(cr, np, *xs))
    theirs = jax.jit(lambda *xs: task.function(jax, jax.numpy, *xs))
    there = jax.tree.map(jax.numpy.asarray, task.arguments)
    return run(
        Contest(
            task.name,
            "JAX jit",
            lambda: ours(*task.arguments),
            lambda: jax.block_until_ready(theirs(*there)),
            same,
            15,
            task.number,
            clock=process_time,
        )
    )
