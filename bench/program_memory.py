"""How much memory programs take: steps of training, and a loop with its gradient.

`python -m bench.program_memory PROGRAM LIBRARY` is one of them in a process of its own, as peaks
never fall. Nothing heavy is imported at the top: a process that is started inherits its parent's
peak.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from . import peers
from .estimator_memory import MIB, ROOT, peak, resident
from .results import Kind

Step = Callable[[], Any]
BATCH, CALLS = 256, 3
KIND = Kind(
    "Memory of programs",
    (
        "What a process holds at most while it makes three steps, beyond what it held before the",
        "first: arguments, results, what lies between, and for JAX what compiling takes. Code of",
        "ours is on disk. Each in a process of its own, one thread, float32.",
        "`python -m bench program_memory` measures it.",
    ),
    ("program", "ours", "JAX", "PyTorch eager"),
)


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def mlp_parameters() -> list[Any]:
    sizes = (784, 1024, 1024, 10)
    return [x for a, b in pairwise(sizes) for x in (draw(a, b) / np.float32(a**0.5), draw(b) * 0)]


def descend(xp: Any, p: Any, slopes: Any) -> Any:
    return [a - np.float32(0.01) * b for a, b in zip(p, slopes, strict=True)]


def mlp_loss(xp: Any, p: Any, x: Any, y: Any) -> Any:
    for k in (0, 2):
        x = xp.maximum(x @ p[k] + p[k + 1], np.float32(0))
    return xp.mean((x @ p[4] + p[5] - y) ** 2)


def heat_loss(xp: Any, scan: Any) -> Callable[..., Any]:
    """How far a square plate is from temperatures, 200 explicit steps after the first ones."""

    def turn(u: Any, _: Any) -> Any:
        inner = u[1:-1, 1:-1]
        around = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
        return xp.pad(inner + np.float32(0.2) * (around - np.float32(4) * inner), 1), None

    return lambda u, target: xp.mean((scan(turn, u, None, length=200)[0] - target) ** 2)


def conductive_loss(xp: Any, scan: Any) -> Callable[..., Any]:
    """The same with conductivities, by which it is differentiated: all states are needed."""

    def loss(k: Any, u: Any, target: Any) -> Any:
        def turn(u: Any, _: Any) -> Any:
            inner = u[1:-1, 1:-1]
            around = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
            return xp.pad(inner + k * (around - np.float32(4) * inner), 1), None

        return xp.mean((scan(turn, u, None, length=200)[0] - target) ** 2)

    return loss


def lstm_loss(xp: Any, scan: Any) -> Callable[..., Any]:
    """A recurrent layer of 256 over 100 steps of 64 numbers, 64 rows, and a dense one."""

    def logistic(x: Any) -> Any:
        return np.float32(0.5) * xp.tanh(np.float32(0.5) * x) + np.float32(0.5)

    def loss(p: Any, xs: Any, y: Any) -> Any:
        def turn(state: Any, x: Any) -> Any:
            h, c = state
            i, f, g, o = xp.split(x @ p[0] + h @ p[1] + p[2], 4, axis=1)
            c = logistic(f) * c + logistic(i) * xp.tanh(g)
            h = logistic(o) * xp.tanh(c)
            return (h, c), None

        zeros = xp.zeros((64, 256), np.float32)
        (h, _), _ = scan(turn, (zeros, zeros), xs)
        return xp.mean((h @ p[3] - y) ** 2)

    return loss


def same_source(program: str, library: str) -> Step:
    """Programs whose source serves ours and JAX."""
    if library == "chainrule":
        import chainrule as cr

        xp, scan, jit, grad, there = np, cr.scan, cr.jit, cr.grad, lambda x: x
    else:
        jax = peers.jax()
        xp, scan, jit, grad = jax.numpy, jax.lax.scan, jax.jit, jax.grad
        there = lambda x: jax.tree.map(jax.numpy.asarray, x)  # noqa: E731
    if program in ("heat", "heat by conductivities"):
        u, target = there((draw(256, 256), draw(256, 256)))
        if program == "heat":
            slope = jit(grad(heat_loss(xp, scan)))
            return lambda: np.asarray(slope(u, target))
        slope = jit(grad(conductive_loss(xp, scan)))
        k = there(np.full((254, 254), 0.2, np.float32))
        return lambda: np.asarray(slope(k, u, target))
    if program == "MLP step":
        loss, p = (lambda p, x, y: mlp_loss(xp, p, x, y)), mlp_parameters()
        data = draw(BATCH, 784), draw(BATCH, 10)
    else:
        loss = lstm_loss(xp, scan)
        p = [draw(64, 1024) / 8, draw(256, 1024) / 16, draw(1024) * 0, draw(256, 10) / 16]
        data = draw(100, 64, 64), draw(64, 10)
    step = jit(lambda p, x, y: descend(xp, p, grad(loss)(p, x, y)))
    now = [there(p), *there(data)]

    def run() -> Any:
        now[0] = step(*now)
        return np.asarray(now[0][0])

    return run


KERNELS = ((3, 32), (32, 32), (32, 64), (64, 64))


def conv_step(library: str) -> Step:
    """Four convolutions of 3 x 3 with relu on 32 x 32 x 3, pooled after two, and a dense layer."""
    x, y = draw(BATCH, 32, 32, 3), np.arange(BATCH) % 10
    if library == "torch":
        return torch_conv_step(x, y)
    import chainrule as cr
    from chainrule import losses, nn, random

    layers: list[Any] = []
    for k, (a, b) in enumerate(KERNELS):
        layers += [nn.Conv2d(a, b, 3, padding="same", key=random.key(k)), nn.relu]
        layers += [nn.MaxPool2d(2)] * (k % 2)
    layers += [nn.Flatten(), nn.Dense(8 * 8 * 64, 10, key=random.key(9))]
    model = nn.Sequential(*layers)

    @cr.jit
    def step(model: Any, x: Any, y: Any) -> Any:
        g = cr.grad(lambda m: losses.softmax_cross_entropy(m(x), y))(model)
        return cr.tree.map(lambda a, b: a - np.float32(0.01) * b, model, g)

    now = [model]

    def run() -> Any:
        now[0] = step(now[0], x, y)
        return cr.tree.leaves(now[0])[0]

    return run


def torch_conv_step(x: np.ndarray, y: np.ndarray) -> Step:
    torch = peers.torch()
    layers: list[Any] = []
    for k, (a, b) in enumerate(KERNELS):
        layers += [torch.nn.Conv2d(a, b, 3, padding=1), torch.nn.ReLU()]
        layers += [torch.nn.MaxPool2d(2)] * (k % 2)
    model = torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(8 * 8 * 64, 10))
    model = model.to(memory_format=torch.channels_last)
    images = torch.from_numpy(x.transpose(0, 3, 1, 2))
    return torch_step(model, torch.nn.CrossEntropyLoss(), images, torch.from_numpy(y))


def torch_perceptron() -> Step:
    torch = peers.torch()
    sizes = (784, 1024, 1024, 10)
    layers = [x for a, b in pairwise(sizes) for x in (torch.nn.Linear(a, b), torch.nn.ReLU())]
    x, y = torch.from_numpy(draw(BATCH, 784)), torch.from_numpy(draw(BATCH, 10))
    return torch_step(torch.nn.Sequential(*layers[:-1]), torch.nn.MSELoss(), x, y)


def torch_lstm() -> Step:
    torch = peers.torch()
    layer, head = torch.nn.LSTM(64, 256), torch.nn.Linear(256, 10)

    class Model(torch.nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.head = layer, head

        def forward(self, x: Any) -> Any:
            return self.head(self.layer(x)[0][-1])

    x, y = torch.from_numpy(draw(100, 64, 64)), torch.from_numpy(draw(64, 10))
    return torch_step(Model(), torch.nn.MSELoss(), x, y)


def torch_step(model: Any, loss: Any, x: Any, y: Any) -> Step:
    torch = peers.torch()
    descent = torch.optim.SGD(model.parameters(), lr=0.01)

    def run() -> Any:
        descent.zero_grad()
        loss(model(x), y).backward()
        descent.step()

    return run


def step_of(program: str, library: str) -> Step:
    """What makes one step, or computes one gradient."""
    if program == "conv step":
        return conv_step(library)
    if library != "torch":
        return same_source(program, library)
    return {"MLP step": torch_perceptron, "LSTM step": torch_lstm}[program]()


def main(program: str, library: str) -> None:
    """Make some steps; print the bytes held before and at most."""
    peers.prepare()
    os.environ["OMP_NUM_THREADS"] = os.environ["CHAINRULE_NUM_THREADS"] = "1"
    if library == "torch":
        peers.torch()
    elif library == "jax":
        peers.jax().numpy.zeros(3).block_until_ready()
    else:
        import chainrule as cr

        cr.jit(np.sin)(np.zeros(3))
    before = resident()
    run = step_of(program, library)
    for _ in range(CALLS):
        run()
    print(peak() - before)


def measured(program: str, library: str, cache: str) -> str:
    """What `main` prints, from a new process with a folder for compiled code."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.program_memory", program, library], check=True, cwd=ROOT,
        stdout=subprocess.PIPE, text=True, env={**os.environ, "CHAINRULE_CACHE_DIR": cache},
    )  # fmt: skip
    return f"{int(done.stdout) / MIB:.0f} MiB"


RIVALS = {
    "conv step": ("torch",),
    "heat": ("jax",),
    "heat by conductivities": ("jax",),
    "MLP step": ("jax", "torch"),
    "LSTM step": ("jax", "torch"),
}


def rows() -> Iterator[tuple[str, ...]]:
    with TemporaryDirectory() as cache:
        for program, rivals in RIVALS.items():
            measured(program, "chainrule", cache)  # which compiles it
            cells = [measured(program, "chainrule", cache)]
            for library in ("jax", "torch"):
                there = library in rivals and peers.installed(library)
                cells.append(measured(program, library, cache) if there else "")
            yield (program, *cells)


if __name__ == "__main__":
    main(*sys.argv[1:])
