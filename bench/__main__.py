"""`python -m bench`: run all benchmarks and write RESULTS.md; `python -m bench NAME`: one."""

from __future__ import annotations

import sys
from importlib import import_module

from .harness import run
from .report import RESULTS, row, write

NAMES = ("seed_loop", "tiny_network", "digits_epoch", "larger_epochs", "fused_gradient",
         "eager_gradient", "import_time")  # fmt: skip


def main(names: list[str]) -> None:
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        sys.exit(f"no benchmark {unknown[0]!r}: there are {', '.join(NAMES)}")
    rows = []
    for name in names or NAMES:
        for contest in import_module(f"bench.{name}").contests():
            rows.append(row(name, run(contest)))
            print("  ".join(rows[-1]), flush=True)
    if not names:
        write(rows)
        print(f"wrote {RESULTS}")


main(sys.argv[1:])
