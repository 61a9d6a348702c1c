"""The outcomes, measured and as rows of a table."""

from __future__ import annotations

import os
import platform
from datetime import date
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .harness import Outcome, run
from .load import OtherWork
from .peers import THREADS
from .results import TIMES, Kind, Row

PACKAGES = ("numpy", "scikit-learn", "autograd", "jax", "torch")


def measure(name: str) -> tuple[Kind, list[Row]]:
    """Run one benchmark, showing each line as it comes.

    A module has `contests`; or `rows`, and the `KIND` of table that they make.
    """
    with OtherWork() as others:
        module = import_module(f"bench.{name}")
        kind: Kind = getattr(module, "KIND", TIMES)
        if kind is not TIMES:
            print("  ".join(kind.headers), flush=True)
        rows: list[Row] = []
        for entry in module.contests() if kind is TIMES else module.rows():
            if not isinstance(entry, tuple):
                entry = row(name, entry if isinstance(entry, Outcome) else run(entry))
            rows.append(entry)
            print("  ".join(entry), flush=True)
    cores = "?" if others.cores is None else f"{others.cores:.2f}"
    print(f"{name}: others took {cores} cores meanwhile", flush=True)
    if kind is TIMES:
        today = date.today().isoformat()
        rows = [(*cells[:3], str(THREADS), *cells[3:], cores, today) for cells in rows]
    return kind, rows


def row(name: str, o: Outcome) -> Row:
    """The cells of one outcome."""
    return (name, o.task, o.peer, duration(o.ours), duration(o.theirs), f"{o.ratio:.2f}",
            f"{o.low:.2f} to {o.high:.2f}")  # fmt: skip


def setting() -> str:
    """The day, the machine and the versions that numbers were measured with."""
    parts = [date.today().isoformat(), _processor(), f"{os.cpu_count()} CPUs",
             f"Python {platform.python_version()}",
             *[f"{name} {version(name)}" for name in PACKAGES if _installed(name)]]  # fmt: skip
    return ", ".join(parts) + "."


def duration(seconds: float) -> str:
    """A time of three digits, with its unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
