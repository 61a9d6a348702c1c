"""How long compiling takes, stage by stage: unrolled loops, deep networks, the first `jit`.

``python -m bench.compiling`` prints a table: loops of Python with CHAINRULE_REROLL=0 (as they are
traced) and without (found again), each under ``jit(grad(f))`` in a process of its own, whose
library of kernels is on disk and whose program is not. Times are the process's CPU time in
milliseconds; the first call of a process counts from after ``import numpy, chainrule`` to the
result, and has to import the compiler. JAX, where it is installed, traces and compiles the same
function, if that ends within ``JAX_LIMIT`` seconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
JAX_LIMIT = 60
SIZES = {"lstm": (100, 300, 1000), "garch": (100, 300, 1000), "rk4": (100, 300, 1000),
         "sines": (100, 300, 1000), "mlp": (80,), "transformer": (12,)}  # fmt: skip
LONG = (10_000,)  # iterations, if loops are found again
LOOPS = ("lstm", "garch", "rk4", "sines")
rng = np.random.default_rng(0)


def lstm(n: int, xp: Any) -> tuple[Callable[..., Any], Any]:
    """A cell of 8 numbers for 4 rows, n times."""
    hidden = 8
    weights = (rng.normal(size=(4, 4 * hidden)) * 0.3,
               rng.normal(size=(hidden, 4 * hidden)) * 0.3, np.zeros(4 * hidden))  # fmt: skip
    x = rng.normal(size=(n, 4, 4))

    def loss(weights: Any) -> Any:
        w, u, b = weights
        h = c = xp.zeros((4, hidden))
        for t in range(n):
            i, f, o, g = xp.split(x[t] @ w + h @ u + b, 4, axis=-1)
            c = c / (1 + xp.exp(-f)) + xp.tanh(g) / (1 + xp.exp(-i))
            h = xp.tanh(c) / (1 + xp.exp(-o))
        return xp.sum(h**2)

    return loss, weights


def garch(n: int, xp: Any) -> tuple[Callable[..., Any], Any]:
    """The likelihood of n returns."""
    returns = rng.normal(size=n)

    def loss(p: Any) -> Any:
        variance, total = 1.0, 0.0
        for t in range(n):
            total = total + xp.log(variance) + returns[t] ** 2 / variance
            variance = p[0] + p[1] * returns[t] ** 2 + p[2] * variance
        return 0.5 * total

    return loss, np.array([0.1, 0.1, 0.8])


def rk4(n: int, xp: Any) -> tuple[Callable[..., Any], Any]:
    """Absorption and elimination of a drug, by n steps of the classical Runge-Kutta method."""

    def loss(p: Any) -> Any:
        def rate(y: Any) -> Any:
            return xp.array([-p[0] * y[0], p[0] * y[0] - p[1] * y[1]])

        y, h = xp.array([10.0, 0.0]), 0.1
        for _ in range(n):
            a = rate(y)
            b = rate(y + h / 2 * a)
            c = rate(y + h / 2 * b)
            y = y + h / 6 * (a + 2 * b + 2 * c + rate(y + h * c))
        return xp.sum(y / p[2])

    return loss, np.array([1.0, 0.2, 5.0])


def sines(n: int, xp: Any) -> tuple[Callable[..., Any], Any]:
    """Sines of sines of 100 numbers."""

    def loss(x: Any) -> Any:
        for _ in range(n):
            x = xp.sin(x)
        return xp.sum(x)

    return loss, rng.normal(size=100)


def mlp(n: int, xp: Any) -> tuple[Callable[..., Any], Any]:
    """n layers of 16 numbers, for 32 rows."""
    layers = [(rng.normal(size=(16, 16)) * 0.3, np.zeros(16)) for _ in range(n)]
    rows = rng.normal(size=(32, 16))

    def loss(layers: Any) -> Any:
        x = rows
        for w, b in layers:
            x = xp.tanh(x @ w + b)
        return xp.sum(x**2)

    return loss, layers


def transformer(n: int, xp: Any) -> tuple[Callable[..., Any], Any]:
    """n layers of an encoder of width 32, for 2 sequences of 10."""
    from chainrule import nn, random

    blocks = [nn.TransformerEncoderLayer(32, 4, key=random.key(k)) for k in range(n)]
    x = rng.normal(size=(2, 10, 32)).astype(np.float32)

    def loss(blocks: Any) -> Any:
        y = x
        for block in blocks:
            y = block(y)
        return xp.sum(y**2)

    return loss, blocks


PROGRAMS = {f.__name__: f for f in (lstm, garch, rk4, sines, mlp, transformer)}


def measure(name: str, n: int) -> None:
    """Print a line of the table."""
    import chainrule as cr
    from chainrule import configured
    from chainrule.backends.compiling import compile_graph
    from chainrule.graph import stages

    loss, argument = PROGRAMS[name](n, np)
    cr.jit(lambda x: x + 1)(np.ones(3))  # the library is loaded
    stages.perf_counter = process_time
    with configured(cache=0), stages.collect_stages() as seconds:
        start = process_time()
        graph = cr.jit(cr.grad(loss)).graph(argument)
        traced = process_time()
        compile_graph(graph)
        end = process_time()
    differentiate = seconds.pop("differentiate", 0.0)
    backend = ("digest", "fuse", "plan", "schedule", "emit", "assemble", "link", "store")
    compiling = sum(seconds.pop(stage, 0.0) for stage in backend)
    simplify = sum(seconds.values())
    parts = (traced - start - differentiate, differentiate, simplify, compiling, end - start)
    print(f"{name:12} {n:6} {len(graph.nodes):7}", *[f"{1e3 * part:9.0f}" for part in parts])


def measure_jax(name: str, n: int) -> None:
    """Print how long JAX takes to trace and to compile."""
    import jax

    jax.config.update("jax_enable_x64", True)
    loss, argument = PROGRAMS[name](n, jax.numpy)
    start = process_time()
    lowered = jax.jit(jax.grad(loss)).lower(argument)
    traced = process_time()
    lowered.compile()
    end = process_time()
    print(f"{'':12} {'JAX':>6} {'':7} {1e3 * (traced - start):9.0f} {'':9} {'':9} "
          f"{1e3 * (end - traced):9.0f} {1e3 * (end - start):9.0f}")  # fmt: skip


FIRST = """
import numpy as np, chainrule as cr
from time import process_time
start = process_time()
cr.jit(lambda x, y: np.sum(np.tanh(x @ y) * {k}.5))(np.ones((3, 4)), np.ones((4, 2)))
print(1e3 * (process_time() - start))
"""


def first_call(settings: dict[str, str], rounds: int = 7) -> None:
    """Print the milliseconds of the first call in a process: a new program, and a known one."""
    for title, offset in (("new program", 1), ("known program", 0)):
        times = []
        for k in range(rounds):
            code = FIRST.format(k=offset * k)
            times.append(float(_run(["-c", code], settings)))
        print(f"first jit of a process, {title}: {min(times):.0f} ms")


def _run(arguments: list[str], settings: dict[str, str], limit: float | None = None) -> str:
    environment = {**os.environ, **settings}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what users import is compiled already
    return subprocess.run(
        [sys.executable, *arguments], check=True, cwd=ROOT, env=environment, timeout=limit,
        stdout=subprocess.PIPE, text=True,
    ).stdout  # fmt: skip


def main() -> None:
    """Measure all programs, each in a new process."""
    with TemporaryDirectory() as folder:
        settings = {"CHAINRULE_CACHE_DIR": folder, "PYTHONWARNINGS": "ignore"}
        _run(["-c", FIRST.format(k=100)], settings)
        first_call(settings)
        columns = ("trace", "differ.", "simplify", "compile", "in all")
        print(f"{'program':12} {'n':>6} {'nodes':>7}", *[f"{column:>9}" for column in columns])
        for reroll in ("0", "1"):
            print("loops as they are traced:" if reroll == "0" else "loops found again:")
            for name in SIZES if reroll == "0" else LOOPS:
                for n in SIZES[name] + (LONG if reroll == "1" else ()):
                    one = ["-m", "bench.compiling", name, str(n)]
                    print(_run(one, {**settings, "CHAINRULE_REROLL": reroll}), end="", flush=True)
                    if reroll == "0" and name != "transformer" and n <= 100:
                        print(_jax(one, settings), end="", flush=True)


def _jax(arguments: list[str], settings: dict[str, str]) -> str:
    try:
        return _run([*arguments, "jax"], {**settings, "JAX_PLATFORMS": "cpu"}, JAX_LIMIT)
    except subprocess.TimeoutExpired:
        return f"{'':12} {'JAX':>6} more than {JAX_LIMIT} s\n"
    except subprocess.CalledProcessError:
        return f"{'':12} {'JAX':>6} is not installed, or fails\n"


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    elif sys.argv[3:] == ["jax"]:
        measure_jax(sys.argv[1], int(sys.argv[2]))
    else:
        measure(sys.argv[1], int(sys.argv[2]))
