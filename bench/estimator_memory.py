"""How much memory `fit` takes where the data is large: 1,000,000 rows of 100 numbers, float32.

`python -m bench.estimator_memory LIBRARY ROWS` is one training in a process of its own, as peaks
never fall. Nothing heavy is imported at the top: a process that is started inherits its parent's
peak.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from .results import Kind

ROOT = Path(__file__).parents[1]
ROWS, COLUMNS, CHUNK = 1_000_000, 100, 10_000
FEW = 2_000  # rows that take no memory to speak of
SETTINGS = {"hidden_layer_sizes": (32,), "max_iter": 1, "random_state": 0}
LIBRARIES = {"chainrule": "chainrule", "scikit-learn": "sklearn.neural_network"}
MIB = 2**20
KIND = Kind(
    "Memory of `fit`",
    (
        "`MLPRegressor` with 32 hidden units on 1,000,000 x 100 float32, one epoch, each in a",
        "process of its own. Before: what the process held with the library imported. Peak: the",
        "most that it ever held. Ratios count the data itself. To compile, or to load compiled",
        "code, takes the same for any data (LLVM's library alone 60 MiB); the last ratio leaves it",
        "out: it is what the peak grows by from 2,000 rows on. `python -m bench estimator_memory`",
        "measures it.",
    ),
    (
        "library",
        "data",
        "before",
        "peak",
        "peak / data",
        "(peak - before) / data",
        "(peak - peak of few rows) / data",
    ),
)


def peak() -> int:
    """Bytes that this process held at most so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024  # Linux counts KiB


def resident() -> int:
    """Bytes that it holds now; where that is not told, its peak."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return peak()
    return int(pages) * resource.getpagesize()


def data(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and targets, filled in place: no copy of them is ever made here."""
    rng = np.random.default_rng(0)
    x, y = np.empty((rows, COLUMNS), np.float32), np.empty(rows, np.float32)
    slopes = rng.standard_normal(COLUMNS, np.float32) / np.float32(COLUMNS**0.5)
    for start in range(0, rows, CHUNK):
        part = x[start : start + CHUNK]
        rng.standard_normal(out=part, dtype=np.float32)
        np.tanh(part @ slopes, out=y[start : start + CHUNK])
    return x, y


def main(library: str, rows: str) -> None:
    """Train once; print the bytes of the data, held before it, and held at most; and the loss."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    warnings.simplefilter("ignore", ConvergenceWarning)  # one epoch is what was asked for
    model = import_module(LIBRARIES[library]).MLPRegressor(**SETTINGS)
    before = resident()
    x, y = data(int(rows))
    model.fit(x, y)
    print(x.nbytes + y.nbytes, before, peak(), model.loss_)


def measured(library: str, rows: int, cache: str) -> tuple[int, int, int, float]:
    """What `main` prints, from a new process with a folder for compiled code."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.estimator_memory", library, str(rows)], check=True,
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "CHAINRULE_CACHE_DIR": cache},
    )  # fmt: skip
    *counts, loss = done.stdout.split()
    size, before, most = map(int, counts)
    return size, before, most, float(loss)


def rows() -> Iterator[tuple[str, ...]]:
    losses = []
    with TemporaryDirectory() as first, TemporaryDirectory() as second:
        for case, library in (("chainrule, a new program", "chainrule"),
                              ("chainrule, compiled code on disk", "chainrule"),
                              ("scikit-learn", "scikit-learn")):  # fmt: skip
            few = measured(library, FEW, first)[2]
            size, before, most, loss = measured(library, ROWS, second)
            losses.append(loss)
            yield (case, *(f"{count / MIB:.0f} MiB" for count in (size, before, most)),
                   f"{most / size:.2f}", f"{(most - before) / size:.2f}",
                   f"{(most - few) / size:.2f}")  # fmt: skip
    np.testing.assert_allclose(losses, losses[-1], rtol=1e-3)  # they did learn the same


if __name__ == "__main__":
    main(*sys.argv[1:])
