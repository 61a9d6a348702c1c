"""Code for CPUs with narrower vectors, on this one: 16, 8 and 4 float32 a vector.

The peers always use all that the CPU has. Code for 8 is what a CPU with AVX2 gets, that for 4 what
one with SSE4 does: without fused multiply-adds, with 16 registers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from .report import measure
from .results import TIMES, Kind

LANES = (16, 8, 4)
BENCHMARKS = ("fused_gradient", "digits_epoch", "convolution", "transformer", "layers")
KIND = Kind(
    "Other vector widths",
    ("Ratios as above with one thread, of code for CPUs with 16, 8 and 4 float32 a vector, run on",
     "this one; the peers use all that it has. `python -m bench widths` measures it."),
    ("benchmark", "task", "peer", *(f"{lanes} lanes" for lanes in LANES)),
)  # fmt: skip


def rows() -> Iterator[tuple[str, ...]]:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:])  # as the processes below inherit
    for name in BENCHMARKS:
        ratios: dict[tuple[str, str], list[str]] = {}
        for lanes in LANES:
            os.environ["CHAINRULE_VECTOR"] = str(lanes)
            with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
                for cells in fresh.submit(measure, name).result()[1]:
                    row = dict(zip(TIMES.headers, cells, strict=True))
                    ratios.setdefault((row["task"], row["peer"]), []).append(row["ratio"])
        yield from ((name, *key, *some) for key, some in ratios.items())
