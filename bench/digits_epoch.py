"""One epoch of 64-100-10 on the digits: 1,797 rows, batches of 200, Adam, shuffle and tail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from chainrule import jit, losses, nn, optim, random
from chainrule.train.epoch import make_epoch

from . import jax_training, peers, torch_training
from .harness import Contest
from .jax_training import B1, B2, BATCH, EPS, RATE

WARM = 0.05
x, labels = load_digits(return_X_y=True)
x = (x / 16).astype(np.float32)
KEY = random.key(3)
START = nn.MLP(64, (100,), 10, key=random.key(0))
OPTIMIZER = optim.adam(RATE)
EPOCH = make_epoch(losses.softmax_cross_entropy, OPTIMIZER, BATCH)


def first_epoch(model: Any, key: Any, x: Any, labels: Any) -> Any:
    """An epoch that makes the optimiser's state, as JAX's below."""
    return EPOCH(model, OPTIMIZER.init(model), key, x, labels)[0]


FIRST_EPOCH = jit(first_epoch)


def weights_of(model: Any) -> list[Any]:
    return [array for layer in model.layers for array in (layer.weight, layer.bias)]


def ours() -> list[Any]:
    return weights_of(FIRST_EPOCH(START, KEY, x, labels))


def by_hand() -> list[Any]:
    """The same epoch in NumPy, forward, backward and Adam written out."""
    p = [array.copy() for array in weights_of(START)]
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
    """Shuffle and epoch: one compiled function."""
    jax = peers.jax()
    if jax is None:
        return None
    epoch, start = jax_training.make_epoch(jax, x, labels), weights_of(START)
    there = jax.jit(epoch)(start, random.permutation(KEY, len(x)))
    equal_weights(ours(), [np.asarray(a) for a in there])
    shuffled = jax.jit(lambda p, key: epoch(p, jax.random.permutation(key, len(x))))
    key = jax.random.key(3)
    return lambda: [a.block_until_ready() for a in shuffled(start, key)]


def by_torch() -> Any:
    """Shuffled once by indexing; one epoch after the other, so that Adam's state stays."""
    torch = peers.torch()
    if torch is None:
        return None
    data, classes = torch.from_numpy(x), torch.from_numpy(labels)
    model, epoch = torch_training.classifier(torch, weights_of(START), data, classes, BATCH, RATE)
    epoch(torch.from_numpy(random.permutation(KEY, len(x))))
    equal_weights(ours(), torch_training.weights_of(model))

    def shuffled() -> list[Any]:
        epoch(torch.randperm(len(x)))
        return list(model.parameters())

    return shuffled


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
    epoch = jit(EPOCH)
    for turn in range(30):
        model, state, _ = epoch(model, state, random.fold_in(KEY, turn), x, labels)
        peer.partial_fit(x, labels, classes=np.arange(10))
    mine = np.mean(np.argmax(model(x), axis=1) == labels)
    theirs = peer.score(x, labels)
    assert abs(mine - theirs) < 0.05, (mine, theirs)


def contests() -> Iterator[Contest]:
    task = "1 epoch, Adam, float32"
    yield Contest(task, "NumPy by hand", ours, by_hand, equal_weights, warm=WARM)
    yield Contest(task, "scikit-learn", ours, scikit_learn, equal_learning, warm=WARM)
    for peer, build in (("JAX scan", by_jax), ("PyTorch eager", by_torch)):
        theirs = build()
        if theirs is not None:
            yield Contest(task, peer, ours, theirs, learned, warm=WARM)
