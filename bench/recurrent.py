"""Steps of training of recurrent classifiers: the built-in layer, a cell of one's own, PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.special import expit

import chainrule as cr
from chainrule import losses, nn, optim, random

from . import peers
from .harness import Contest

STEPS, ROWS, INPUTS, HIDDEN, CLASSES, RATE = 50, 32, 16, 64, 10, 1e-3
KINDS = {"LSTM": (1, 2), "GRU": (1,)}  # and PyTorch's threads: its GRU is slower with two
rng = np.random.default_rng(0)
X = rng.normal(size=(ROWS, STEPS, INPUTS)).astype(np.float32)
Y = rng.integers(0, CLASSES, ROWS)


def model_of(kind: str) -> tuple[Any, Any]:
    """A recurrent layer, and a dense one for its last output."""
    layer = getattr(nn, kind)(INPUTS, HIDDEN, key=random.key(0))
    return layer, nn.Dense(HIDDEN, CLASSES, key=random.key(1))


def by_layer(model: Any, x: Any) -> Any:
    layer, head = model
    outputs, _ = layer(x)
    return head(outputs[:, -1])


def by_own_cell(model: Any, x: Any) -> Any:
    """The cells as anybody would write them down: both products in each turn."""
    layer, head = model
    ((w,),) = layer.cells

    def lstm(state: Any, x: Any) -> Any:
        h, c = state
        i, f, g, o = np.split(x @ w.input_weight + h @ w.hidden_weight + w.bias, 4, axis=-1)
        c = expit(f) * c + expit(i) * np.tanh(g)
        h = expit(o) * np.tanh(c)
        return (h, c), h

    def gru(h: Any, x: Any) -> Any:
        r, z, n = np.split(x @ w.input_weight + w.bias, 3, axis=-1)
        u, v, m = np.split(h @ w.hidden_weight, 3, axis=-1)
        n = np.tanh(n + expit(r + u) * (m + w.hidden_bias))
        h = n + expit(z + v) * (h - n)
        return h, h

    zeros = np.zeros((ROWS, HIDDEN), np.float32)
    cell, start = (lstm, (zeros, zeros)) if isinstance(layer, nn.LSTM) else (gru, zeros)
    _, outputs = cr.scan(cell, start, np.swapaxes(x, 0, 1))
    return head(outputs[-1])


def gradient(forward: Callable[..., Any]) -> Any:
    """Loss and slopes of a model."""
    return cr.value_and_grad(lambda m, x, y: losses.softmax_cross_entropy(forward(m, x), y))


def trainer(kind: str, forward: Callable[..., Any]) -> Callable[[], float]:
    """What makes a step with Adam, and returns the loss before it."""
    model, optimizer = model_of(kind), optim.adam(RATE)
    slopes = gradient(forward)

    @cr.jit
    def step(model: Any, state: Any, x: Any, y: Any) -> Any:
        value, g = slopes(model, x, y)
        updates, state = optimizer.update(g, state, model)
        return optim.apply_updates(model, updates), state, value

    now = [model, optimizer.init(model)]

    def run() -> float:
        *now[:], value = step(*now, X, Y)
        return float(value)

    return run


def by_torch(torch: Any, kind: str) -> Callable[[], float]:
    """The same with PyTorch's layer and its Adam in one kernel."""
    mine = model_of(kind)
    layer = getattr(torch.nn, kind)(INPUTS, HIDDEN, batch_first=True)
    head = torch.nn.Linear(HIDDEN, CLASSES)
    ((cell,),) = mine[0].cells
    with torch.no_grad():
        layer.weight_ih_l0.copy_(torch.tensor(cell.input_weight.T))
        layer.weight_hh_l0.copy_(torch.tensor(cell.hidden_weight.T))
        layer.bias_ih_l0.copy_(torch.tensor(cell.bias))
        layer.bias_hh_l0.zero_()
        head.weight.copy_(torch.tensor(mine[1].weight.T))
        head.bias.zero_()
    optimizer = torch.optim.Adam(
        [*layer.parameters(), *head.parameters()], lr=RATE, eps=1e-8, fused=True
    )
    x, y = torch.from_numpy(X), torch.from_numpy(Y)
    loss = torch.nn.CrossEntropyLoss()

    def slopes() -> Any:
        optimizer.zero_grad()
        outputs, _ = layer(x)
        value = loss(head(outputs[:, -1]), y)
        value.backward()
        return value.detach()

    def run() -> float:
        value = slopes()
        optimizer.step()
        return float(value)

    slopes()
    _, (of_layer, of_head) = cr.jit(gradient(by_layer))(mine, X, Y)
    ((slope,),) = of_layer.cells
    for ours, theirs in ((slope.input_weight, layer.weight_ih_l0),
                         (slope.hidden_weight, layer.weight_hh_l0),
                         (of_head.weight, head.weight)):  # fmt: skip
        np.testing.assert_allclose(ours, theirs.grad.numpy().T, rtol=1e-3, atol=1e-6)
    return run


def same(a: float, b: float) -> None:
    """The loss before the first step."""
    np.testing.assert_allclose(a, b, rtol=1e-5)


def contests() -> Iterator[Contest]:
    for kind, counts in KINDS.items():
        task = f"{kind} step, T={STEPS}, batch {ROWS}, {INPUTS} to {HIDDEN}, Adam"
        own = trainer(kind, by_own_cell)
        yield Contest(task, "a cell of one's own in scan", trainer(kind, by_layer), own, same,
                      rounds=15, number=10)  # fmt: skip
        for threads in counts:
            torch = peers.torch(threads)
            if torch is not None:
                name = f"PyTorch eager, {threads} thread{'s' * (threads > 1)}"
                yield Contest(task, name, trainer(kind, by_layer), by_torch(torch, kind), same,
                              rounds=15, number=5, warm=0.01)  # fmt: skip
