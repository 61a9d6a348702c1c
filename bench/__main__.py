"""`python -m bench`: run all benchmarks and write RESULTS.md; `python -m bench NAME`: show one."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

from .peers import usable_cpus
from .report import measure, setting
from .results import RESULTS, Results, Row, fallen
from .worst import show_worst

TIMED = ("seed_loop", "tiny_network", "digits_epoch", "larger_epochs", "fused_gradient",
         "eager_gradient", "transforms", "strides", "reductions",
         "matrix_products", "linalg", "solvers",
         "wild", "branches", "call_overhead", "stateful_steps", "environments", "rl_speed",
         "compile_time", "first_step", "import_time", "convolution", "recurrent", "loops",
         "transformer", "attention", "near_limit", "text", "sparse_adam", "low_precision", "layers",
         "answers", "estimator_speed", "anomaly_speed",
         "forecast_speed", "tables", "tabular", "tabular_speed")  # fmt: skip
# Other tables: what is learned, what memory is taken
OTHERS = ("rl_learning", "estimator_memory", "program_memory", "attention_memory",
          "estimator_parity", "anomaly", "anomaly_series", "forecast", "forecast_coverage",
          "intervals", "scale", "widths", "tabular_ranks", "timeseries", "images", "audio",
          "text_accuracy")  # fmt: skip
NAMES = (*TIMED, *OTHERS)
# Timed on all cores only: both sides start processes
ON_ALL = ("environments", "anomaly_speed", "forecast_speed", "tables")


@contextmanager
def cores(count: int) -> Iterator[None]:
    """Let processes that are started meanwhile have so many cores, where the system can."""
    usable = usable_cpus()
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    os.sched_setaffinity(0, sorted(usable)[-count:])
    try:
        yield
    finally:
        os.sched_setaffinity(0, usable)


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    names = options.names or list(NAMES)
    before = Results.read()
    if options.worst:
        show_worst(before.times, names if options.names else None)
        return
    times: list[Row] = []
    after = before
    for name in names:
        for threads in (options.threads,) if options.threads else counts(name):
            # A process for each: what one leaves of the heap makes another's NumPy 5 times as slow
            with cores(threads), ProcessPoolExecutor(1, get_context("spawn")) as fresh:
                kind, rows = fresh.submit(measure, name).result()
            if name in TIMED:
                times += rows
            else:
                after = after.with_section(kind, rows)
    after = after.with_times(names, times, NAMES)
    for old, new in fallen(before.times, times):
        print(f"fell: {new.benchmark}: {new.task}, {new.peer}, {new.threads} threads: "
              f"{old.ratio:.2f} to {new.ratio:.2f}")  # fmt: skip
    if options.write or not options.names:
        after.write(setting())
        print(f"wrote {RESULTS}")


def counts(name: str) -> tuple[int, ...]:
    """How many threads both sides have: one, then as many as there are."""
    most = len(usable_cpus())
    return (1, most) if name in TIMED and name not in ON_ALL and most > 1 else (most,)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks. Default: all")
    parser.add_argument("--threads", type=int, choices=range(1, len(usable_cpus()) + 1),
                        help="of both sides. Default: with one, then with all")  # fmt: skip
    parser.add_argument("--write", action="store_true",
                        help="write the rows of these benchmarks into RESULTS.md")  # fmt: skip
    parser.add_argument("--worst", action="store_true",
                        help="list the rows below 1, and what takes the time")  # fmt: skip
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in NAMES:
            sys.exit(f"no benchmark {name!r}: there are {', '.join(NAMES)}")
    return options


if __name__ == "__main__":
    main()
