"""The outcomes as a table: for the terminal and for RESULTS.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .harness import Outcome

RESULTS = Path(__file__).parent / "RESULTS.md"
PACKAGES = ("numpy", "scikit-learn", "autograd", "jax")
HEADERS = ("benchmark", "task", "peer", "chainrule", "peer's time", "ratio", "middle half")


def row(name: str, o: Outcome) -> tuple[str, ...]:
    """The cells of one outcome."""
    return (name, o.task, o.peer, _time(o.ours), _time(o.theirs), f"{o.ratio:.2f}",
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
        f"{date.today().isoformat()}, {_processor()}, {os.cpu_count()} CPUs, Python "
        f"{platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in PACKAGES if _installed(name))
        + ".",
        "",
        "| " + " | ".join(HEADERS) + " |",
        "|" + "---|" * len(HEADERS),
        *["| " + " | ".join(cells) + " |" for cells in rows],
        "",
    ]
    RESULTS.write_text("\n".join(lines), encoding="utf-8")


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
