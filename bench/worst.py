"""`python -m bench --worst`: what is slower than its peer, and the instruction that takes the time.

Each of these contests runs our side once more in a process of its own, where code is compiled with
a clock around each instruction (`CHAINRULE_DEBUG=2`).
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from itertools import groupby
from multiprocessing import get_context
from operator import attrgetter
from typing import IO, Any

from .harness import Contest
from .results import Row, Timing, timing

CALLS = 8  # after which the clocks of a program are read: the fastest of so many
_HEAD = re.compile(r"chainrule: (?:1 call|the fastest of (\d+) calls), ([\d.]+) us")
_LINE = re.compile(r" +([\d.]+) % +[\d.]+ us +\d+ x +(.*)")


def show_worst(rows: Sequence[Row], names: Sequence[str] | None) -> None:
    """Print what is below 1, the worst first, of some benchmarks or of all."""
    losing = [t for t in map(timing, rows) if t is not None and t.ratio < 1.0]
    losing = [t for t in losing if names is None or t.benchmark in names]
    slowest: dict[Any, str] = {}
    for benchmark, some in groupby(sorted(losing, key=attrgetter("benchmark")),
                                   attrgetter("benchmark")):  # fmt: skip
        wanted = {(t.task, t.peer) for t in some}
        os.environ["CHAINRULE_DEBUG"] = "2"
        with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
            found = fresh.submit(_profiles, benchmark, wanted).result()
        slowest |= {(benchmark, *key): text for key, text in found.items()}
    for t in sorted(losing, key=attrgetter("ratio")):
        print(f"{t.ratio:5.2f}  {t.benchmark}: {t.task}, {t.peer}, {_threads(t)}")
        print(f"       {slowest.get((t.benchmark, t.task, t.peer), 'no native code to measure')}")


def _threads(t: Timing) -> str:
    return f"{t.threads} thread{'s' * (t.threads > 1)}"


def _profiles(benchmark: str, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return the slowest instruction of each contest that is asked for."""
    found = {}
    for contest in import_module(f"bench.{benchmark}").contests():
        if isinstance(contest, Contest) and (contest.task, contest.peer) in wanted:
            with tempfile.TemporaryFile() as file:
                with _errors_to(file):
                    for _ in range(CALLS):
                        contest.ours()
                file.seek(0)
                text = slowest_instruction(file.read().decode(errors="replace"))
            if text:
                found[contest.task, contest.peer] = text
    return found


@contextmanager
def _errors_to(file: IO[bytes]) -> Iterator[None]:
    """Write to a file what goes to the standard error."""
    sys.stderr.flush()
    before = os.dup(2)
    os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(before, 2)
        os.close(before)


def slowest_instruction(text: str) -> str:
    """Return the first instruction of the program that took most of the time, and its share."""
    programs: dict[frozenset[str], tuple[float, str]] = {}
    for block in re.split(r"(?=^chainrule: )", text, flags=re.MULTILINE):
        head, *lines = block.splitlines() or [""]
        match = _HEAD.match(head)
        found = [m for m in map(_LINE.fullmatch, lines) if m]
        if match and found:
            total = int(match[1] or 1) * float(match[2])
            programs[frozenset(m[2] for m in found)] = total, f"{found[0][1]} %: {found[0][2]}"
    return max(programs.values(), default=(0.0, ""))[1]
