"""How long each stage of compiling takes: what ``CHAINRULE_DEBUG=1`` prints of a compilation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import local
from time import perf_counter

from ..config import current

_SHORTEST = 5e-5  # seconds that are worth a word


class _Clock(local):
    """The seconds of this thread, by stage, and those of the stages inside the present one."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.inside = 0.0
        self.always = 0
        self.instructions = 0


_clock = _Clock()


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Count what runs inside as a stage, without the stages that run inside of it."""
    if not (_clock.always or current().debug):
        yield
        return
    outer, _clock.inside = _clock.inside, 0.0
    start = perf_counter()
    try:
        yield
    finally:
        spent = perf_counter() - start
        _clock.seconds[name] = _clock.seconds.get(name, 0.0) + spent - _clock.inside
        _clock.inside = outer + spent


@contextmanager
def collect_stages() -> Iterator[dict[str, float]]:
    """Count stages while it lasts, whatever the flags are; the seconds are there at its end.

    Examples
    --------
    >>> with collect_stages() as seconds, stage("fuse"):
    ...     pass
    >>> list(seconds)
    ['fuse']
    """
    outer = _clock.seconds, _clock.inside
    seconds: dict[str, float] = {}
    _clock.seconds, _clock.inside = seconds, 0.0
    _clock.always += 1
    try:
        yield seconds
    finally:
        _clock.always -= 1
        _clock.seconds, _clock.inside = outer


@contextmanager
def timed_instructions() -> Iterator[None]:
    """Compile such that the time of each instruction is measured, while it lasts."""
    _clock.instructions += 1
    try:
        yield
    finally:
        _clock.instructions -= 1


def times_instructions() -> bool:
    """Return whether programs are to measure the time of each instruction."""
    return bool(_clock.instructions) or current().debug >= 2


def take_stages() -> str:
    """Return the stages since the last call as text, in milliseconds, and forget them."""
    seconds, _clock.seconds = _clock.seconds, {}
    return ", ".join(
        f"{name} {1e3 * spent:.1f}" for name, spent in seconds.items() if spent >= _SHORTEST
    )
