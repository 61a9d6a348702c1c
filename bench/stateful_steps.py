"""A step with a state: a row is written into a buffer, a batch of rows read, parameters updated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import chainrule as cr

from . import peers
from .harness import Contest

ROW = np.linspace(0.0, 1.0, 8, dtype=np.float32)
BATCH = 64
RATE = np.float32(1e-3)


def first_state(n_rows: int) -> dict[str, Any]:
    draw = np.random.default_rng(0)
    return {
        "rows": np.zeros((n_rows, 8), np.float32),
        "count": np.int64(0),
        "w1": (draw.standard_normal((8, 64)) / 8).astype(np.float32),
        "w2": (draw.standard_normal((64, 1)) / 8).astype(np.float32),
    }


def positions(n_rows: int, count: Any) -> Any:
    return (np.arange(BATCH) * 7919 + count) % n_rows


def step(state: dict[str, Any], row: Any) -> tuple[dict[str, Any], Any]:
    """Predict the sum of a row from the row, as a stand-in for any learning from a replay."""
    rows, count, n_rows = state["rows"], state["count"], state["rows"].shape[0]
    rows[count % n_rows] = row
    batch = np.take(rows, positions(n_rows, count), axis=0)

    def loss(w1: Any, w2: Any) -> Any:
        error = np.tanh(batch @ w1) @ w2 - np.sum(batch, axis=1, keepdims=True)
        return np.mean(error * error)

    value, (g1, g2) = cr.value_and_grad(loss, argnums=(0, 1))(state["w1"], state["w2"])
    new = {"rows": rows, "count": count + 1, "w1": state["w1"] - RATE * g1,
           "w2": state["w2"] - RATE * g2}  # fmt: skip
    return new, value


def by_hand(n_rows: int) -> Callable[[], Any]:
    """NumPy, in place, with derivatives written out."""
    state = first_state(n_rows)

    def one() -> Any:
        rows, count, w1, w2 = (state[k] for k in ("rows", "count", "w1", "w2"))
        rows[count % n_rows] = ROW
        batch = rows[positions(n_rows, count)]
        hidden = np.tanh(batch @ w1)
        error = hidden @ w2 - batch.sum(axis=1, keepdims=True)
        g = error * np.float32(2 / BATCH)
        back = (g @ w2.T) * (1 - hidden * hidden)
        state["w2"] = w2 - RATE * (hidden.T @ g)
        state["w1"] = w1 - RATE * (batch.T @ back)
        state["count"] = count + 1
        return np.mean(error * error)

    return one


def in_jax(jax: Any, n_rows: int) -> Callable[[], Any]:
    """With the state donated: XLA may write into its arrays."""
    jnp = jax.numpy

    def jax_step(state: Any, row: Any) -> Any:
        rows, count = state["rows"].at[state["count"] % n_rows].set(row), state["count"]
        batch = rows[(jnp.arange(BATCH) * 7919 + count) % n_rows]

        def loss(w: Any) -> Any:
            error = jnp.tanh(batch @ w[0]) @ w[1] - jnp.sum(batch, axis=1, keepdims=True)
            return jnp.mean(error * error)

        value, (g1, g2) = jax.value_and_grad(loss)((state["w1"], state["w2"]))
        new = {"rows": rows, "count": count + 1, "w1": state["w1"] - RATE * g1,
               "w2": state["w2"] - RATE * g2}  # fmt: skip
        return new, value

    compiled = jax.jit(jax_step, donate_argnums=0)
    state, row = jax.tree.map(jnp.asarray, first_state(n_rows)), jnp.asarray(ROW)

    def one() -> Any:
        nonlocal state
        state, value = compiled(state, row)
        return value.block_until_ready()

    return one


def same(a: Any, b: Any) -> None:
    np.testing.assert_allclose(a, np.asarray(b), rtol=1e-4, atol=1e-6)


def contests() -> Iterator[Contest]:
    jax = peers.jax()
    for n_rows in (1_000, 100_000, 1_000_000):
        task = f"a row written, 64 read, a step of SGD; {n_rows:,} rows"
        bound = cr.jit(step).bind(first_state(n_rows))
        ours = lambda bound=bound: bound(ROW)  # noqa: E731
        yield Contest(task, "NumPy by hand", ours, by_hand(n_rows), same, number=200)
        if jax is not None:
            other = cr.jit(step).bind(first_state(n_rows))
            yield Contest(task, "JAX, donated", lambda bound=other: bound(ROW),
                          in_jax(jax, n_rows), same, number=200)  # fmt: skip
