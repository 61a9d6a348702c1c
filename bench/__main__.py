"""`python -m bench`: run all benchmarks and write RESULTS.md; `python -m bench NAME`: one."""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from .report import RESULTS, measure, write

NAMES = ("seed_loop", "tiny_network", "digits_epoch", "larger_epochs", "fused_gradient",
         "eager_gradient", "transforms", "matrix_products", "linalg", "solvers", "wild", "branches",
         "call_overhead", "stateful_steps", "environments", "rl_speed", "rl_learning",
         "compile_time", "first_step", "import_time", "convolution", "recurrent", "loops",
         "transformer", "text", "layers", "estimator_speed", "estimator_memory", "estimator_parity",
         "anomaly", "anomaly_series", "anomaly_speed", "forecast", "forecast_coverage",
         "forecast_speed", "intervals", "tables", "scale",
         "tabular_ranks", "timeseries", "images", "audio", "text_accuracy", "tabular")  # fmt: skip


def main(names: list[str]) -> None:
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        sys.exit(f"no benchmark {unknown[0]!r}: there are {', '.join(NAMES)}")
    measured = []
    for name in names or NAMES:
        # A process for each: what one leaves of the heap makes another's NumPy 5 times as slow
        with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
            measured.append(fresh.submit(measure, name).result())
    if not names:
        write(measured)
        print(f"wrote {RESULTS}")


if __name__ == "__main__":
    main(sys.argv[1:])
