"""The notebook's training: 10,000 iterations over four rows of three columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import chainrule as cr

from . import peers
from .harness import Contest

ITERATIONS = 10_000
INPUTS = np.array([[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]], float)
OUTPUTS = np.array([[0.0, 1.0, 1.0, 0.0]]).T
START = 2 * np.random.default_rng(1).random((3, 1)) - 1


def step(weights: Any) -> Any:
    """One iteration, as the notebook writes it: backpropagation by hand."""
    output = 1 / (1 + np.exp(-(INPUTS @ weights)))
    error = OUTPUTS - output
    return weights + INPUTS.T @ (error * (output * (1 - output)))


def by_hand() -> Any:
    weights = START
    for _ in range(ITERATIONS):
        weights = step(weights)
    return weights


def loss(weights: Any) -> Any:
    return np.sum((OUTPUTS - 1 / (1 + np.exp(-(INPUTS @ weights)))) ** 2) / 2


@cr.jit
def hand_looped(weights: Any) -> Any:
    return cr.fori_loop(0, ITERATIONS, lambda _, w: step(w), weights)


@cr.jit
def differentiated(weights: Any) -> Any:
    return cr.fori_loop(0, ITERATIONS, lambda _, w: w - cr.grad(loss)(w), weights)


def by_jax() -> Any:
    """The loop as a `fori_loop`, compiled."""
    jax = peers.jax()
    if jax is None:
        return None
    jnp = jax.numpy
    inputs, outputs = jnp.asarray(INPUTS), jnp.asarray(OUTPUTS)

    def turn(_: Any, weights: Any) -> Any:
        output = 1 / (1 + jnp.exp(-(inputs @ weights)))
        return weights + inputs.T @ ((outputs - output) * (output * (1 - output)))

    return jax.jit(lambda w: jax.lax.fori_loop(0, ITERATIONS, turn, w))


def same(a: Any, b: Any) -> None:
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


def contests() -> Iterator[Contest]:
    yield Contest("10,000 iterations, gradient by hand", "NumPy", lambda: hand_looped(START),
                  by_hand, same, rounds=7)  # fmt: skip
    yield Contest("10,000 iterations, gradient by grad", "NumPy by hand",
                  lambda: differentiated(START), by_hand, same, rounds=7)  # fmt: skip
    theirs = by_jax()
    if theirs is not None:
        yield Contest("10,000 iterations, gradient by hand", "JAX fori_loop",
                      lambda: hand_looped(START), lambda: np.asarray(theirs(START)), same,
                      number=10)  # fmt: skip
