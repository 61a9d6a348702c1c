"""Steps of which products, stencils or draws take nearly all time: the machine is the limit.

The same source runs in both libraries, but for random draws and PyTorch's layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from time import process_time
from typing import Any

import numpy as np

import chainrule as cr
from chainrule import losses, nn, optim, random

from . import peers
from .harness import Contest

RATE = np.float32(1e-3)
rng = np.random.default_rng(0)


def weights(*sizes: int) -> list[Any]:
    """Weights and biases of dense layers."""
    p = []
    for a, b in pairwise(sizes):
        p += [(rng.normal(size=(a, b)) * (2 / a) ** 0.5).astype(np.float32)]
        p += [np.zeros(b, np.float32)]
    return p


def close(a: Any, b: Any) -> None:
    """Arrays, or lists of them, to a few roundings of float32."""
    for mine, theirs in zip(cr.tree.leaves(a), cr.tree.leaves(b), strict=True):
        np.testing.assert_allclose(mine, np.asarray(theirs), rtol=2e-3, atol=2e-4)


def adam(xp: Any, p: Any, g: Any, state: Any) -> tuple[Any, Any]:
    """Adam (Kingma and Ba, 2015) on lists of arrays."""
    m, v, t = state
    t = t + np.float32(1)
    m = [np.float32(0.9) * a + np.float32(0.1) * b for a, b in zip(m, g, strict=True)]
    v = [np.float32(0.999) * a + np.float32(0.001) * b * b for a, b in zip(v, g, strict=True)]
    rate = RATE / (np.float32(1) - np.float32(0.9) ** t)
    scale = np.float32(1) / (np.float32(1) - np.float32(0.999) ** t)
    moved = [
        a - rate * b / (xp.sqrt(c * scale) + np.float32(1e-8))
        for a, b, c in zip(p, m, v, strict=True)
    ]
    return moved, (m, v, t)


def heat(xp: Any, scan: Any, steps: int) -> Callable[..., Any]:
    """An explicit step a turn on a square whose edge is cold, from a temperature at first."""

    def step(u: Any, _: Any) -> Any:
        inner = u[1:-1, 1:-1]
        around = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
        return xp.pad(inner + np.float32(0.2) * (around - np.float32(4) * inner), 1), None

    def run(u: Any) -> Any:
        return scan(step, u, None, steps)[0]

    return run


def heat_contests(jax: Any, size: int, steps: int) -> Iterator[Contest]:
    """The last temperatures, and how the misfit with others depends on the first."""
    u, target = rng.normal(size=(2, size, size)).astype(np.float32)
    ours = heat(np, lambda f, u, xs, n: cr.scan(f, u, xs, length=n), steps)
    theirs = heat(jax.numpy, jax.lax.scan, steps)
    there, goal = map(jax.numpy.asarray, (u, target))
    task = f"heat equation, {size} x {size}, {steps} steps"
    forward, jax_forward = cr.jit(ours), jax.jit(theirs)
    yield Contest(task, "JAX", lambda: forward(u), lambda: jax_forward(there).block_until_ready(),
                  close, clock=process_time)  # fmt: skip
    slope = cr.jit(cr.grad(lambda u: np.mean((ours(u) - target) ** 2)))
    jax_slope = jax.jit(jax.grad(lambda u: jax.numpy.mean((theirs(u) - goal) ** 2)))
    yield Contest(
        f"{task}, gradient", "JAX", lambda: slope(u),
        lambda: jax_slope(there).block_until_ready(), close, clock=process_time,
    )  # fmt: skip


def dense_loss(xp: Any, p: Any, x: Any, y: Any) -> Any:
    """Mean squared error of a network with relu."""
    for k in range(0, len(p) - 2, 2):
        x = xp.maximum(x @ p[k] + p[k + 1], np.float32(0))
    return xp.mean((x @ p[-2] + p[-1] - y) ** 2)


def dense_contest(jax: Any, sizes: tuple[int, ...], batch: int) -> Contest:
    """A step with Adam of a network whose products are nearly all of it."""
    p = weights(*sizes)
    x = rng.normal(size=(batch, sizes[0])).astype(np.float32)
    y = rng.normal(size=(batch, sizes[-1])).astype(np.float32)

    def step_of(xp: Any, gradient: Any) -> Callable[..., Any]:
        def step(p: Any, state: Any, x: Any, y: Any) -> Any:
            return adam(xp, p, gradient(lambda p: dense_loss(xp, p, x, y))(p), state)

        return step

    ours = run_from(cr.jit(step_of(np, cr.grad)), None, p, x, y)
    theirs = run_from(jax.jit(step_of(jax.numpy, jax.grad)), jax, p, x, y)
    task = f"{'-'.join(map(str, sizes))}, batch {batch}, a step with Adam"
    return Contest(task, "JAX", ours, theirs, close, clock=process_time)


def run_from(step: Any, jax: Any, p: Any, *data: Any) -> Callable[[], Any]:
    """What makes a step after the other and returns the weights."""
    zeros = [np.zeros_like(a) for a in p]
    now = [p, (zeros, [a.copy() for a in zeros], np.float32(0))]
    if jax is not None:
        now, data = jax.tree.map(jax.numpy.asarray, (now, data))

    def run() -> Any:
        now[:] = step(*now, *data)
        return now[0] if jax is None else jax.block_until_ready(now[0])

    return run


def vae_loss(xp: Any, p: Any, x: Any, noise: Any) -> Any:
    """The bound of Kingma and Welling (2014) for pixels between 0 and 1."""
    h = xp.maximum(x @ p[0] + p[1], np.float32(0))
    z = h @ p[2] + p[3]
    mean, log_variance = z[:, :20], z[:, 20:]
    code = mean + noise * xp.exp(np.float32(0.5) * log_variance)
    h = xp.maximum(code @ p[4] + p[5], np.float32(0))
    logits = h @ p[6] + p[7]
    misfit = xp.maximum(logits, np.float32(0)) - logits * x + xp.log1p(xp.exp(-xp.abs(logits)))
    divergence = xp.exp(log_variance) + mean * mean - np.float32(1) - log_variance
    return (xp.sum(misfit) + np.float32(0.5) * xp.sum(divergence)) / np.float32(x.shape[0])


def vae_contest(jax: Any) -> Contest:
    """A step with Adam, its noise drawn by each library's own counter-based generator."""
    p = [*weights(784, 400, 40), *weights(20, 400, 784)]
    x = rng.random((128, 784), np.float32)
    noise = rng.normal(size=(128, 20)).astype(np.float32)
    there = [jax.numpy.asarray(a) for a in p]

    def step_of(xp: Any, value_and_grad: Any, split: Any, normal: Any) -> Callable[..., Any]:
        def step(p: Any, state: Any, key: Any, x: Any) -> Any:
            keys = split(key)
            noise = normal(keys[0])
            value, g = value_and_grad(lambda p: vae_loss(xp, p, x, noise))(p)
            return *adam(xp, p, g, state), keys[1], value

        return step

    def draw(key: Any) -> Any:
        return random.normal(key, (128, 20), dtype=np.float32)

    def jax_draw(key: Any) -> Any:
        return jax.random.normal(key, (128, 20), np.float32)

    ours = cr.jit(step_of(np, cr.value_and_grad, random.split, draw))
    theirs = jax.jit(step_of(jax.numpy, jax.value_and_grad, jax.random.split, jax_draw))
    close(cr.jit(cr.grad(lambda p: vae_loss(np, p, x, noise)))(p),
          jax.jit(jax.grad(lambda p: vae_loss(jax.numpy, p, x, noise)))(there))  # fmt: skip
    starts = (p, random.key(0)), (there, jax.random.key(0))
    mine, others = (
        trained(f, q, key, x) for f, (q, key) in zip((ours, theirs), starts, strict=True)
    )

    def same(a: float, b: float) -> None:
        assert abs(a / b - 1) < 0.05, (a, b)  # of other noise

    return Contest("VAE 784-400-20-400-784, batch 128, noise and Adam", "JAX", mine, others, same,
                   clock=process_time)  # fmt: skip


def trained(step: Any, p: Any, key: Any, x: Any) -> Callable[[], float]:
    """What makes a step after the other and returns the loss before each."""
    now = [p, ([a * 0 for a in p], [a * 0 for a in p], np.float32(0)), key]

    def run() -> float:
        *now[:], value = step(*now, x)
        return float(value)

    return run


VOCABULARY, STEPS, ROWS, EMBEDDED, HIDDEN = 100, 64, 32, 64, 256


def language_contest(torch: Any, layers: int, hidden: int) -> Contest:
    """A step with Adam of a language model of characters: embedding, LSTM, softmax."""
    keys = random.split(random.key(0), 3)
    table = (rng.normal(size=(VOCABULARY, EMBEDDED))).astype(np.float32)
    model = (table, nn.LSTM(EMBEDDED, hidden, key=keys[1], num_layers=layers),
             nn.Dense(hidden, VOCABULARY, key=keys[2]))  # fmt: skip
    text = rng.integers(0, VOCABULARY, (ROWS, STEPS + 1))
    x, y = text[:, :-1], text[:, 1:]

    def loss(model: Any, x: Any, y: Any) -> Any:
        table, layer, head = model
        outputs, _ = layer(table[x])
        logits = head(outputs)
        return losses.softmax_cross_entropy(logits.reshape(-1, VOCABULARY), y.reshape(-1))

    optimizer = optim.adam(1e-3)

    @cr.jit
    def step(model: Any, state: Any, x: Any, y: Any) -> Any:
        value, g = cr.value_and_grad(loss)(model, x, y)
        updates, state = optimizer.update(g, state, model)
        return optim.apply_updates(model, updates), state, value

    now = [model, optimizer.init(model)]

    def ours() -> float:
        *now[:], value = step(*now, x, y)
        return float(value)

    def same(a: float, b: float) -> None:
        np.testing.assert_allclose(a, b, rtol=1e-4)

    task = f"LSTM language model, {layers} x {hidden}, T={STEPS}, batch {ROWS}, a step with Adam"
    return Contest(task, "PyTorch", ours, language_by_torch(torch, model, x, y), same,
                   clock=process_time)  # fmt: skip


def language_by_torch(torch: Any, model: Any, x: Any, y: Any) -> Callable[[], float]:
    """The same model in PyTorch, from the same weights."""
    table, layer, head = model
    hidden = layer.cells[0][0].hidden_size
    embedding = torch.nn.Embedding(VOCABULARY, EMBEDDED)
    lstm = torch.nn.LSTM(EMBEDDED, hidden, num_layers=len(layer.cells), batch_first=True)
    dense = torch.nn.Linear(hidden, VOCABULARY)
    with torch.no_grad():
        embedding.weight.copy_(torch.tensor(table))
        for k, (cell,) in enumerate(layer.cells):
            getattr(lstm, f"weight_ih_l{k}").copy_(torch.tensor(cell.input_weight.T))
            getattr(lstm, f"weight_hh_l{k}").copy_(torch.tensor(cell.hidden_weight.T))
            getattr(lstm, f"bias_ih_l{k}").copy_(torch.tensor(cell.bias))
            getattr(lstm, f"bias_hh_l{k}").zero_()
        dense.weight.copy_(torch.tensor(head.weight.T))
        dense.bias.copy_(torch.tensor(head.bias))
    parameters = [*embedding.parameters(), *lstm.parameters(), *dense.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-3, eps=1e-8, fused=True)
    entropy = torch.nn.CrossEntropyLoss()
    inputs, outputs = torch.from_numpy(x), torch.from_numpy(y).reshape(-1)

    def run() -> float:
        optimizer.zero_grad()
        states, _ = lstm(embedding(inputs))
        value = entropy(dense(states).reshape(-1, VOCABULARY), outputs)
        value.backward()
        optimizer.step()
        return float(value.detach())

    return run


def contests() -> Iterator[Contest]:
    jax, torch = peers.jax(), peers.torch(1)
    if jax is not None:
        yield from heat_contests(jax, 128, 300)
        yield from heat_contests(jax, 256, 200)
        yield vae_contest(jax)
        for batch in (64, 512):
            yield dense_contest(jax, (512, 512, 512), batch)
    if torch is not None:
        yield language_contest(torch, 1, 128)
        yield language_contest(torch, 2, HIDDEN)
