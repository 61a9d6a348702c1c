"""RESULTS.md: read and written again, what fell, and which instruction takes the time."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
from bench.results import RESULTS, TIMES, Kind, Results, fallen  # noqa: E402
from bench.worst import slowest_instruction  # noqa: E402

sys.path.remove(str(ROOT))


def row(task: str, ratio: str, band: str, threads: str = "1") -> tuple[str, ...]:
    return ("sums", task, "JAX jit", threads, "1 µs", "2 µs", ratio, band, "0.00", "2026-12-01")


def test_the_file_is_read_as_it_is_written(tmp_path: Path) -> None:
    """All rows and sections of RESULTS.md come back; other benchmarks' rows stay."""
    results, path = Results.read(), tmp_path / "again.md"
    results.write("a machine", path)
    assert Results.read(path) == results
    assert RESULTS.read_text().count("\n| ") >= len(results.times) > 100
    order = [*dict.fromkeys(r[0] for r in results.times), "sums"]
    changed = results.with_times(["linalg", "sums"], [row("a", "2.00", "1.90 to 2.10")], order)
    kind = Kind("Speed of snails", ("In a garden.",), ("snail", "mm / s"))
    changed.with_section(kind, [("Otto", "1")]).write("a machine", path)
    again = Results.read(path)
    assert again.times[-1][0] == "sums" and not any(r[0] == "linalg" for r in again.times)
    assert again.times[:-1] == tuple(r for r in results.times if r[0] != "linalg")
    assert again.sections[-1] == (
        "Speed of snails", "In a garden.\n\n| snail | mm / s |\n|---|---|\n| Otto | 1 |"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ratio", "band", "fell"),
    [("1.70", "1.60 to 1.75", True), ("1.70", "1.60 to 1.95", False),  # within the noise
     ("1.85", "1.84 to 1.86", False), ("2.40", "2.30 to 2.50", False)],
)  # fmt: skip
def test_what_fell_by_a_tenth_beyond_the_noise(ratio: str, band: str, fell: bool) -> None:
    """The same task, peer and number of threads are compared, and nothing else."""
    before = [row("a", "2.00", "1.90 to 2.10"), row("b", "9.00", "8.00 to 9.50", "2")]
    after = [row("a", ratio, band), row("b", "1.00", "1.00 to 1.00", "1")]
    found = [(old.ratio, new.ratio) for old, new in fallen(before, after)]
    assert found == ([(2.0, float(ratio))] if fell else [])
    assert len(before[0]) == len(TIMES.headers)


def test_the_slowest_instruction_is_of_the_program_that_takes_most() -> None:
    """A program counts by its time a call and its calls, the latest report of it."""
    text = """\
chainrule: 1 call, 900.0 us
   90.0 %      810.0 us        1 x  matmul [5, 5]
chainrule: 1 call, 500.0 us
   70.0 %      350.0 us        1 x  reduce [10] sum
   30.0 %      150.0 us        1 x  sort [10]
chainrule: the fastest of 8 calls, 400.0 us
   60.0 %      240.0 us        1 x  sort [10]
   40.0 %      160.0 us        1 x  reduce [10] sum
something else
"""
    assert slowest_instruction(text) == "60.0 %: sort [10]"
    assert slowest_instruction("nothing") == ""
