"""Calls that a signal interrupts at any moment: run as a program, since it may hit any line.

(In the tests' own process that might be a line of a test's lock, which is written in Python.)
``python interrupted.py callbacks|bound BACKEND`` prints "right" if nothing was wrong.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.errors import StateLostError


class Alarm(Exception):
    """What the handler raises."""


def handler(*_: object) -> None:
    raise Alarm


def attempts(call: Callable[[], None], count: int, after: Callable[[], None]) -> int:
    """Make calls, each interrupted a little later than the last; return how many were."""
    interrupted = 0
    for k in range(count):
        try:
            signal.setitimer(signal.ITIMER_REAL, 2e-6 + 1e-6 * k)
            call()
            signal.setitimer(signal.ITIMER_REAL, 0.0)
        except (Alarm, KeyboardInterrupt, StateLostError):
            interrupted += 1
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
        after()
    return interrupted


def callbacks() -> int:
    """Each call gives the right number, or is interrupted, also if ctypes swallows the signal."""
    sys.unraisablehook = lambda _: None

    @cr.jit
    def f(x: Any) -> Any:
        def body(s: Any, _: Any) -> Any:
            return s + cr.io_callback(lambda v: v * 0.0 + 1.0, np.float64(0), s), None

        return cr.scan(body, x, length=40)[0]

    def call() -> None:
        assert f(0.0) == 40.0

    call()
    interrupted = attempts(call, 400, lambda: None)
    call()
    return interrupted


def bound() -> int:
    """The state is whole, or said to be lost; never is a step busy that has ended."""

    @cr.jit
    def count(state: Any) -> Any:
        def body(s: Any, _: Any) -> Any:
            return s + 1.0, None

        return {"x": cr.scan(body, state["x"], length=20)[0], "n": state["n"] + 20}, None

    zeros = {"x": np.zeros(400), "n": 0}
    step = count.bind(zeros)

    def call() -> None:
        step()
        step.state = step.state

    def check() -> None:
        try:
            state = step.state
        except StateLostError:
            step.state = zeros
        else:
            assert set(state["x"]) == {float(state["n"])}

    call()
    interrupted = attempts(call, 400, check)
    step.state = zeros
    call()
    check()
    return interrupted


if __name__ == "__main__":
    cr.config.backend = sys.argv[2]
    signal.signal(signal.SIGALRM, handler)
    assert {"callbacks": callbacks, "bound": bound}[sys.argv[1]]() > 0
    print("right")
