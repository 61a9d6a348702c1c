"""One epoch of 64-100-10 on the digits: 1,797 rows, batches of 200, Adam, shuffle and tail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from chainrule import jit, losses, nn, optim, random
from chainrule.train.epoch import make_epoch

from . import peers
from .harness import Contest

BATCH, RATE, B1, B2, EPS = 200, 1e-3, 0.9, 0.999, 1e-8
x, labels = load_digits(return_X_y=True)
x = (x / 16).astype(np.float32)
KEY = random.key(3)
START = nn.MLP(64, (100,), 10, key=random.key(0))
OPTIMIZER = optim.adam(RATE)
EPOCH = jit(make_epoch(losses.softmax_cross_entropy, OPTIMIZER, BATCH))


def ours() -> list[Any]:
    model, _, _ = EPOCH(START, OPTIMIZER.init(START), KEY, x, labels)
    return [array for layer in model.layers for array in (layer.weight, layer.bias)]


def by_hand() -> list[Any]:
    """The same epoch in NumPy, forward, backward and Adam written out."""
    p = [array.copy() for layer in START.layers for array in (layer.weight, layer.bias)]
    m, v = [np.zeros_like(a) for a in p], [np.zeros_like(a) for a in p]
    order = random.permutation(KEY, len(x))
    for step, start in enumerate(range(0, len(x), BATCH), 1):
        rows = order[start : start + BATCH]
        for k, g in enumerate(_gradient(p, x[rows], labels[rows])):
            m[k] = B1 * m[k] + (1 - B1) * g
            v[k] = B2 * v[k] + (1 - B2) * g * g
            rate = np.float32(RATE / (1 - B1**step))
            p[k] = p[k] - rate * m[k] / (np.sqrt(v[k] / np.float32(1 - B2**step)) + EPS)
    return p


def _gradient(p: list[Any], rows: Any, classes: Any) -> tuple[Any, ...]:
    before = rows @ p[0] + p[1]
    hidden = np.maximum(before, 0)
    logits = hidden @ p[2] + p[3]
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    delta = e / e.sum(axis=1, keepdims=True)
    delta[np.arange(len(rows)), classes] -= 1
    delta /= len(rows)
    back = (delta @ p[2].T) * (before > 0)
    return rows.T @ back, back.sum(axis=0), hidden.T @ delta, delta.sum(axis=0)


def equal_weights(a: list[Any], b: list[Any]) -> None:
    for mine, theirs in zip(a, b, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-2, atol=2e-4)


def by_jax() -> Any:
    """Shuffle, whole batches as a scan, the tail: one compiled function."""
    jax = peers.jax()
    if jax is None:
        return None
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

    @jax.jit
    def epoch(p: Any, order: Any) -> Any:
        zeros = [jnp.zeros_like(a) for a in p]
        state = (p, zeros, zeros, jnp.float32(0))
        state, _ = jax.lax.scan(step, state, order[:size].reshape(-1, BATCH))
        return step(state, order[size:])[0][0]

    @jax.jit
    def shuffled(p: Any, key: Any) -> Any:
        return epoch(p, jax.random.permutation(key, len(x)))

    start = [a for layer in START.layers for a in (layer.weight, layer.bias)]
    equal_weights(ours(), [np.asarray(a) for a in epoch(start, random.permutation(KEY, len(x)))])
    key = jax.random.key(3)
    return lambda: [a.block_until_ready() for a in shuffled(start, key)]


def learned(a: Any, b: Any) -> None:
    """Equality was checked with the same order; here each draws its own."""
    assert len(a) == len(b) == 4


def scikit_learn() -> Any:
    peer = MLPClassifier((100,), batch_size=BATCH, learning_rate_init=RATE, alpha=0.0,
                         random_state=0)  # fmt: skip
    return peer.partial_fit(x, labels, classes=np.arange(10)).coefs_


def equal_learning(_: list[Any], __: Any) -> None:
    """Other first weights and order: what can be compared is what is learned, here in 30 epochs."""
    model, state = START, OPTIMIZER.init(START)
    peer = MLPClassifier((100,), batch_size=BATCH, learning_rate_init=RATE, alpha=0.0,
                         random_state=0)  # fmt: skip
    for turn in range(30):
        model, state, _ = EPOCH(model, state, random.fold_in(KEY, turn), x, labels)
        peer.partial_fit(x, labels, classes=np.arange(10))
    mine = np.mean(np.argmax(model(x), axis=1) == labels)
    theirs = peer.score(x, labels)
    assert abs(mine - theirs) < 0.05, (mine, theirs)


def contests() -> Iterator[Contest]:
    yield Contest("1 epoch, Adam, float32", "NumPy by hand", ours, by_hand, equal_weights)
    yield Contest("1 epoch, Adam, float32", "scikit-learn", ours, scikit_learn, equal_learning)
    theirs = by_jax()
    if theirs is not None:
        yield Contest("1 epoch, Adam, float32", "JAX scan", ours, theirs, learned)
