"""An epoch of the digits' network in JAX, for all benchmarks of it here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

BATCH, RATE, B1, B2, EPS = 200, 1e-3, 0.9, 0.999, 1e-8


def make_epoch(jax: Any, x: Any, labels: Any) -> Callable[[Any, Any], Any]:
    """``epoch(weights, order)``, to be compiled: whole batches as a scan, then the tail; Adam."""
    jnp, size = jax.numpy, len(x) // BATCH * BATCH
    data, classes = jnp.asarray(x), jnp.asarray(labels)

    def loss(p: Any, rows: Any) -> Any:
        logits = jnp.maximum(data[rows] @ p[0] + p[1], 0) @ p[2] + p[3]
        return -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(len(rows)), classes[rows]])

    def step(state: Any, rows: Any) -> Any:
        p, m, v, t = state
        t = t + 1
        g = jax.grad(loss)(p, rows)
        m = [B1 * a + (1 - B1) * b for a, b in zip(m, g, strict=True)]
        v = [B2 * a + (1 - B2) * b * b for a, b in zip(v, g, strict=True)]
        rate, scale = RATE / (1 - B1**t), 1 / (1 - B2**t)
        p = [
            (a - rate * b / (jnp.sqrt(c * scale) + EPS)).astype(np.float32)
            for a, b, c in zip(p, m, v, strict=True)
        ]
        return (p, m, v, t), None

    def epoch(p: Any, order: Any) -> Any:
        zeros = [jnp.zeros_like(a) for a in p]
        state = (p, zeros, zeros, jnp.float32(0))
        state, _ = jax.lax.scan(step, state, order[:size].reshape(-1, BATCH))
        return step(state, order[size:])[0][0]

    return epoch
