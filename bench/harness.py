"""How two ways of doing the same thing are timed against each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any


@dataclass(frozen=True)
class Contest:
    """Two functions without arguments that compute the same.

    Attributes
    ----------
    task, peer : str
        What is computed, and by whom else.
    ours, theirs : callable
    same : callable
        ``same(result of ours, result of theirs)`` raises if they differ.
    rounds : int
        How often each runs, in turns.
    number : int
        Calls a round; more for what takes microseconds.
    warm : float
        Seconds of calls before each turn that are not timed. Threads go on spinning for a while
        when their work is done: where both sides use some, this keeps those of one out of the
        other's time.
    clock : callable
        Seconds: those on the wall, or, where everything runs in one thread, `process_time`, which
        other processes do not change.
    """

    task: str
    peer: str
    ours: Callable[[], Any]
    theirs: Callable[[], Any]
    same: Callable[[Any, Any], None]
    rounds: int = 15
    number: int = 1
    warm: float = 0.0
    clock: Callable[[], float] = perf_counter


@dataclass(frozen=True)
class Outcome:
    """Seconds a call, and how often ours fits into theirs."""

    task: str
    peer: str
    ours: float
    theirs: float
    ratio: float
    low: float
    high: float


def run(contest: Contest) -> Outcome:
    """Check that both give the same, then time them in turns."""
    contest.same(contest.ours(), contest.theirs())  # which warms both up as well
    ours, theirs = [], []
    for turn in range(contest.rounds):
        pair = [(contest.ours, ours), (contest.theirs, theirs)]
        for function, times in pair if turn % 2 else pair[::-1]:
            _warm_up(function, contest.warm)
            times.append(_seconds(function, contest.number, contest.clock))
    ratios = sorted(b / a for a, b in zip(ours, theirs, strict=True))
    quarter = len(ratios) // 4
    return Outcome(
        contest.task, contest.peer, median(ours), median(theirs), median(ratios),
        ratios[quarter], ratios[-1 - quarter],
    )  # fmt: skip


def _warm_up(function: Callable[[], Any], seconds: float) -> None:
    start = perf_counter()
    while perf_counter() - start < seconds:
        function()


def _seconds(function: Callable[[], Any], number: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(number):
        function()
    return (clock() - start) / number
