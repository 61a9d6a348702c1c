"""The outcomes, measured and as a table: for the terminal and for RESULTS.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .harness import Outcome, run

RESULTS = Path(__file__).parent / "RESULTS.md"
PACKAGES = ("numpy", "scikit-learn", "autograd", "jax", "torch")


@dataclass(frozen=True)
class Kind:
    """One of the tables in RESULTS.md.

    Attributes
    ----------
    title : str
        Empty for the first, which the file begins with.
    note : tuple of str
        Lines that say what it shows.
    headers : tuple of str
    """

    title: str
    note: tuple[str, ...]
    headers: tuple[str, ...]


Rows = list[tuple[str, ...]]
TIMES = Kind(
    "",
    (
        "Written by `python -m bench`. Each line: both ways were checked to compute the same, then",
        "run in turns in one process. The ratio is the peer's time over chainrule's, median of all",
        "turns: above 1 chainrule is faster, below 1 slower.",
    ),
    ("benchmark", "task", "peer", "chainrule", "peer's time", "ratio", "middle half"),
)


def measure(name: str) -> tuple[Kind, Rows]:
    """Run one benchmark, showing each line as it comes.

    A module has `contests`; or `rows`, and the `KIND` of table that they make.
    """
    module = import_module(f"bench.{name}")
    kind, rows = getattr(module, "KIND", TIMES), []
    if kind is not TIMES:
        print("  ".join(kind.headers), flush=True)
    for entry in module.contests() if kind is TIMES else module.rows():
        if isinstance(entry, tuple):
            rows.append(entry)
        else:
            rows.append(row(name, entry if isinstance(entry, Outcome) else run(entry)))
        print("  ".join(rows[-1]), flush=True)
    return kind, rows


def row(name: str, o: Outcome) -> tuple[str, ...]:
    """The cells of one outcome."""
    return (name, o.task, o.peer, duration(o.ours), duration(o.theirs), f"{o.ratio:.2f}",
            f"{o.low:.2f} to {o.high:.2f}")  # fmt: skip


def write(measured: Sequence[tuple[Kind, Rows]]) -> None:
    """Write RESULTS.md anew: a table of each kind, in the order in which they came."""
    lines = ["# Results", ""]
    for kind in dict.fromkeys(kind for kind, _ in measured):
        rows = [cells for other, some in measured if other == kind for cells in some]
        if kind.title:
            lines += [f"## {kind.title}", ""]
        lines += [*kind.note, ""]
        if kind == TIMES:
            lines += [setting(), ""]
        lines += [*table(kind.headers, rows), ""]
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
