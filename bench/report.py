"""The outcomes, measured and as a table: for the terminal and for RESULTS.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import date
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .harness import Outcome, run

RESULTS = Path(__file__).parent / "RESULTS.md"
PACKAGES = ("numpy", "scikit-learn", "autograd", "jax", "torch")
HEADERS = ("benchmark", "task", "peer", "chainrule", "peer's time", "ratio", "middle half")


def measure(name: str) -> list[tuple[str, ...]]:
    """Run one benchmark, showing each line as it comes."""
    rows = []
    for entry in import_module(f"bench.{name}").contests():
        rows.append(row(name, entry if isinstance(entry, Outcome) else run(entry)))
        print("  ".join(rows[-1]), flush=True)
    return rows


def row(name: str, o: Outcome) -> tuple[str, ...]:
    """The cells of one outcome."""
    return (name, o.task, o.peer, duration(o.ours), duration(o.theirs), f"{o.ratio:.2f}",
            f"{o.low:.2f} to {o.high:.2f}")  # fmt: skip


def write(rows: Sequence[tuple[str, ...]]) -> None:
    """Write RESULTS.md anew."""
    lines = [
        "# Results",
        "",
        "Written by `python -m bench`. Each line: both ways were checked to compute the same, then",
        "run in turns in one process. The ratio is the peer's time over chainrule's, median of all",
        "turns: above 1 chainrule is faster, below 1 slower.",
        "",
        setting(),
        "",
        *table(HEADERS, rows),
        "",
    ]
    RESULTS.write_text("\n".join(lines), encoding="utf-8")


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table in Markdown."""
    return [f"| {' | '.join(headers)} |", "|" + "---|" * len(headers),
            *[f"| {' | '.join(cells)} |" for cells in rows]]  # fmt: skip


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
