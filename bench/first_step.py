"""From starting Python to the end of the first epoch, as whoever tries something out waits."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from chainrule import nn, random

from . import peers
from .first_epoch import ROWS, SIZES
from .harness import Contest

ROUNDS = 7
ROOT = Path(__file__).parents[1]
SOMETHING_ELSE = "import numpy as np, chainrule as cr; cr.jit(lambda x: x * x + 1)(np.ones(3))"
# What JAX does not keep by itself: programs that were compiled fast, or are small
KEEP_ALL = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}  # fmt: skip


def python(*arguments: str, **settings: str) -> int:
    """Run a new interpreter until it exits."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, **settings}).returncode


def epoch(library: str, *files: str, **settings: str) -> int:
    return python("-m", "bench.first_epoch", library, *files, **settings)


def check(library: str, folder: Path) -> None:
    """From the same weights, in the same order, it arrives where ours does."""
    given, mine, theirs = (str(folder / f"{name}.npz") for name in ("given", "mine", "theirs"))
    model = nn.MLP(SIZES[0], SIZES[1:-1], SIZES[-1], key=random.key(0))
    start = [array for layer in model.layers for array in (layer.weight, layer.bias)]
    np.savez(given, *start, random.permutation(random.key(3), ROWS))
    epoch("chainrule", given, mine)
    epoch(library, given, theirs)
    for a, b in zip(np.load(mine).values(), np.load(theirs).values(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-2, atol=2e-4)


def both_ended(a: int, b: int) -> None:
    assert a == b == 0


def contests() -> Iterator[Contest]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        library, warm, jax = (folder / each for each in ("library", "warm", "jax"))
        python("-c", SOMETHING_ELSE, CHAINRULE_CACHE_DIR=str(library))

        def cached() -> int:
            return epoch("chainrule", CHAINRULE_CACHE_DIR=str(warm))

        def new(copies: Iterator[Path]) -> int:
            return epoch("chainrule", CHAINRULE_CACHE_DIR=str(next(copies)))

        def jax_cached() -> int:
            return epoch("jax", JAX_COMPILATION_CACHE_DIR=str(jax), **KEEP_ALL)

        known, unknown = "import and first epoch, cached", "import and first epoch, a new program"
        if peers.installed("jax"):
            check("jax", folder)
            yield Contest(known, "JAX, cached", cached, jax_cached, both_ended, ROUNDS)
            copies = _copies(library, folder / "beside jax")
            yield Contest(unknown, "JAX", lambda: new(copies), lambda: epoch("jax"), both_ended,
                          ROUNDS)  # fmt: skip
        if peers.installed("torch"):
            check("torch", folder)
            copies = _copies(library, folder / "beside torch")
            for task, ours in ((known, cached), (unknown, lambda: new(copies))):
                yield Contest(task, "PyTorch eager", ours, lambda: epoch("torch"), both_ended,
                              ROUNDS)  # fmt: skip


def _copies(source: Path, target: Path) -> Iterator[Path]:
    """Folders that hold what `source` does, made now: each is for one run."""
    made = [target / str(k) for k in range(ROUNDS + 1)]
    for place in made:
        shutil.copytree(source, place)
    return iter(made)
