"""One epoch of a network on the digits: 1,797 rows of 64, 100 hidden, 10 classes, batches of 32."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from chainrule import jit, losses, nn, optim, random
from chainrule.train.epoch import make_epoch

from .harness import Contest

BATCH, RATE, B1, B2, EPS = 32, 1e-3, 0.9, 0.999, 1e-8
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


def scikit_learn() -> Any:
    peer = MLPClassifier((100,), batch_size=BATCH, learning_rate_init=RATE, alpha=0.0,
                         random_state=0)  # fmt: skip
    return peer.partial_fit(x, labels, classes=np.arange(10)).coefs_


def equal_learning(a: list[Any], b: Any) -> None:
    """Other first weights and order: what can be compared is what was learned by one epoch."""
    hidden = np.maximum(x @ a[0] + a[1], 0)
    mine = np.mean(np.argmax(hidden @ a[2] + a[3], axis=1) == labels)
    peer = MLPClassifier((100,), batch_size=BATCH, learning_rate_init=RATE, alpha=0.0,
                         random_state=0)  # fmt: skip
    theirs = peer.partial_fit(x, labels, classes=np.arange(10)).score(x, labels)
    assert abs(mine - theirs) < 0.1, (mine, theirs)


def contests() -> Iterator[Contest]:
    yield Contest("1 epoch, Adam, float32", "NumPy by hand", ours, by_hand, equal_weights)
    yield Contest("1 epoch, Adam, float32", "scikit-learn", ours, scikit_learn, equal_learning)
