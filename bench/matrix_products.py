"""120 matrix products as training meets them, beside OpenBLAS: table in MATRIX_PRODUCTS.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import exp, log
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

import chainrule as cr

from .fma_peak import peak
from .harness import Contest, Outcome, run
from .report import duration, setting
from .results import table

TABLE = Path(__file__).parent / "MATRIX_PRODUCTS.md"
HEADERS = ("M x K x N", "layout", "chainrule", "OpenBLAS", "ratio", "middle half", "GFLOP/s",
           "of peak")  # fmt: skip

# M, K, N: the result has M rows and N columns, each a sum of K terms
SHAPES = (
    # overhead is all there is
    (1, 1, 1), (2, 2, 2), (3, 3, 3), (4, 4, 4), (8, 8, 8), (4, 2, 8),
    # one row through a network; matrices times vectors
    (1, 64, 100), (1, 784, 256), (1, 2048, 2048), (100, 64, 1), (1024, 1024, 1), (2048, 2048, 1),
    # batches forward, and backward to the inputs
    (32, 64, 64), (64, 30, 64), (64, 64, 10), (200, 64, 100), (200, 100, 10), (128, 784, 256),
    (128, 256, 128), (128, 128, 10), (256, 1024, 2048),
    # gradients of weights: a sum over the batch
    (64, 200, 100), (784, 128, 256), (1024, 256, 2048),
    # tall, and thin
    (2048, 8, 8), (1797, 64, 10), (8, 2048, 8), (512, 1, 512),
    # cubes, whose edges fill vectors and tiles, or don't
    (16, 16, 16), (32, 32, 32), (64, 64, 64), (128, 128, 128), (256, 256, 256), (512, 512, 512),
    (1024, 1024, 1024), (2048, 2048, 2048), (37, 37, 37), (100, 100, 100), (333, 333, 333),
    (1000, 1000, 1000),
)  # fmt: skip
# Which operand is stored transposed
LAYOUTS: dict[str, Callable[[Any, Any], Any]] = {
    "NN": lambda a, b: a @ b,
    "TN": lambda a, b: a.T @ b,
    "NT": lambda a, b: a @ b.T,
}
ROUND = 2e-3  # seconds that the calls of a turn should take


def same(terms: int, a: Any, b: Any) -> None:
    """To a millionth a term: sums are as large as the root of their number, and so roundings."""
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-6 * (terms + 8))


def product(shape: tuple[int, int, int], layout: str, warm: float) -> Outcome:
    """One product, by both, with the threads that are set."""
    m, k, n = shape
    rng = np.random.default_rng(0)
    a = rng.standard_normal((k, m) if layout == "TN" else (m, k), np.float32)
    b = rng.standard_normal((n, k) if layout == "NT" else (k, n), np.float32)
    seen = (a.T if layout == "TN" else a, b.T if layout == "NT" else b)  # views, made beforehand
    ours, theirs = partial(cr.jit(LAYOUTS[layout]), a, b), partial(np.matmul, *seen)
    slowest = max(_fastest(ours), _fastest(theirs))
    number = max(1, min(2000, round(ROUND / slowest)))
    name = f"{m} x {k} x {n} {layout}"
    return run(Contest(name, "OpenBLAS", ours, theirs, partial(same, k), 7, number, warm))


def _fastest(function: Callable[[], Any]) -> float:
    """Seconds of the best of three calls."""
    times = []
    for _ in range(3):
        start = perf_counter()
        function()
        times.append(perf_counter() - start)
    return min(times)


def measured(threads: int) -> list[tuple[tuple[int, int, int], str, Outcome]]:
    """All products with so many threads."""
    warm = 0.0 if threads == 1 else 0.01
    cr.set_num_threads(threads)
    try:
        with threadpool_limits(threads, user_api="blas"):
            return [(s, layout, product(s, layout, warm)) for s in SHAPES for layout in LAYOUTS]
    finally:
        cr.set_num_threads(0)


def mean(outcomes: list[Outcome], task: str) -> Outcome:
    """Geometric means, and between which ratios the middle half of the products is."""

    def of(numbers: list[float]) -> float:
        return exp(sum(map(log, numbers)) / len(numbers))

    ratios = [o.ratio for o in outcomes]
    low, _, high = quantiles(ratios, n=4)
    return Outcome(
        task, "OpenBLAS", of([o.ours for o in outcomes]), of([o.theirs for o in outcomes]),
        of(ratios), low, high,
    )  # fmt: skip


def _openblas() -> str:
    """Which one NumPy uses, and for which CPU it chose its kernels."""
    (found,) = (one for one in threadpool_info() if "numpy" in one["filepath"])
    return f"OpenBLAS {found['version']} with its kernels for {found['architecture']}"


def contests() -> Iterator[Outcome]:
    lines = ["# Matrix products", "",
             "Written by `python -m bench`: float32, ours as `cr.jit(lambda a, b: a @ b)`, the",
             "peer `np.matmul`. TN: a is stored transposed; NT: b is. Ratios as in RESULTS.md.",
             "", setting(), "", f"{_openblas()}."]  # fmt: skip
    for threads in (1, 2):
        most = peak(threads)
        found = measured(threads)
        rows = []
        for (m, k, n), layout, o in found:
            rate = 2 * m * k * n / o.ours
            rows.append((f"{m} x {k} x {n}", layout, duration(o.ours), duration(o.theirs),
                         f"{o.ratio:.2f}", f"{o.low:.2f} to {o.high:.2f}", f"{rate / 1e9:.3g}",
                         f"{100 * rate / most:.0f} %"))  # fmt: skip
        name = "1 thread" if threads == 1 else f"{threads} threads"
        lines += ["", f"## {name}", "", f"The peak of multiply-adds is {most / 1e9:.0f} GFLOP/s.",
                  "", *table(HEADERS, rows)]  # fmt: skip
        outcomes = [o for _, _, o in found]
        yield mean(outcomes, f"{len(found)} products, {name}, geometric mean")
        worst = min(outcomes, key=lambda o: o.ratio)
        yield Outcome(f"the worst of them: {worst.task}, {name}", worst.peer, worst.ours,
                      worst.theirs, worst.ratio, worst.low, worst.high)  # fmt: skip
    TABLE.write_text("\n".join([*lines, ""]), encoding="utf-8")
