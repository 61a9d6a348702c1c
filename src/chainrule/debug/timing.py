"""`time`: what each line of a compiled function takes."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from time import perf_counter
from typing import Any, ParamSpec

import numpy as np

from .. import tree
from ..backends import InstructionTime
from ..config import config, configured
from ..control.effects import effects
from ..errors import (
    AbstractValueError,
    CheckError,
    UnsupportedError,
    at_user_line,
    refusals,
    user_frame,
)
from ..graph.node import DerivativeLocation, Location, Node, line_of
from ..graph.stages import collect_stages, timed_instructions
from ..tracebacks import filters_traceback
from ..transforms import jit
from ..transforms.compiling.compiled import TracedFunction
from ..transforms.compiling.jit import JitFunction
from ..transforms.compiling.paths import Paths
from .line_times import LineTime, LineTimes

P = ParamSpec("P")
_LEAST_CALLS, _MOST_CALLS = 5, 10_000
_QUIET = 2.0  # seconds after which there is a word of progress
_TOLERANCE = 1e-6
_SMALL = 0.01  # of a call: what has no line is then one of many


def time(f: Callable[P, Any], seconds: float = 0.5) -> Callable[P, LineTimes]:
    """Make a function that tells what each line of `f` takes in compiled code.

    Parameters
    ----------
    f : callable
        Any function that `jit` takes: a compiled one, a plain one, a gradient, a step of a
        training. It is compiled anew with a counter around each instruction, and called many times.
    seconds : float
        How long the calls are repeated, with and without counters, at least 5 times each; one call
        is enough where that takes longer. Default 0.5.

    Returns
    -------
    callable
        Takes the arguments of `f`, and returns `LineTimes`, which prints as a table: the lines,
        the slowest first, with their shares of a call. Where one loop of native code computes
        several lines, its time is shared out by the estimated work of each. The derivative of a
        line counts as the line's, and what part that is stands beside it. What belongs to no line
        is listed by what it is.

    Raises
    ------
    UnsupportedError
        If `f` calls Python with effects (`io_callback`), which repeated calls would repeat, or no
        native code is made.
    CheckError
        If the counters change the result, which would be a fault of chainrule.

    Examples
    --------
    >>> import numpy as np
    >>> def loss(w, x):
    ...     return np.sum(np.tanh(x @ w) ** 2)
    >>> times = time(loss, seconds=0.01)(np.ones(3), np.ones((50, 3)))
    >>> sorted(line.line for line in times.lines if line.line)
    [2]
    """
    if not callable(f):
        raise TypeError(at_user_line(f"time of {type(f).__name__} {f!r:.40}: give a function"))
    if not 0.0 < seconds < float("inf"):
        raise ValueError(at_user_line(f"seconds={seconds}: give a number above 0"))

    @filters_traceback
    def timed(*args: P.args, **kwargs: P.kwargs) -> LineTimes:
        frame = user_frame()
        caller = None if frame is None else (frame.f_code, frame.f_lasti)
        if config.backend != "llvm":
            raise UnsupportedError(at_user_line("time measures native code: set backend='llvm'"))
        with configured(nans=0) if config.nans else nullcontext():
            measured, usual = _fresh(f), _fresh(f)
            _refuse_effects(usual, args, kwargs)
            result = usual(*args, **kwargs)  # and what compiling needs is loaded
            start = perf_counter()
            with timed_instructions(), collect_stages() as stages:
                traced = _compiled(measured, args, kwargs)
            spent = perf_counter() - start
            _check_equal(result, measured(*args, **kwargs))
            clock = _Clock(seconds)
            fastest, calls = clock.repeat(lambda: usual(*args, **kwargs))
            clock.repeat(lambda: measured(*args, **kwargs))
        program = traced.ensure_compiled()
        times = program.instruction_times()
        if not times and traced.graph.nodes:
            raise UnsupportedError(
                at_user_line("time measures native code, and there is none here")
            )
        measured_seconds = sum(time.seconds for time in times)  # counters take a little, too
        lines = _lines(times, caller, min(1.0, fastest / max(measured_seconds, 1e-12)))
        stages = {"trace": max(0.0, spent - sum(stages.values())), **stages}
        name = getattr(f, "__name__", type(f).__name__)
        return LineTimes(
            name, _with_rest(lines, fastest), fastest, calls, program.threads, stages, result
        )

    return timed


def _fresh(f: Callable[..., Any]) -> JitFunction[..., Any]:
    """Return a compiled function of its own, with no traces yet."""
    if not isinstance(f, JitFunction):
        return jit(f)
    again = JitFunction(f.function, f.static_argnums, (), strict=f.strict)
    again.static_argnames = f.static_argnames
    return again


def _compiled(f: JitFunction[..., Any], args: Any, kwargs: Any) -> TracedFunction:
    """Return the trace of these arguments, compiled; of branches that the call's numbers take."""
    f(*args, **kwargs)
    traces = list(f.cache.values())
    if not traces:
        raise UnsupportedError(at_user_line("time is for calls outside of other traced functions"))
    if isinstance(traces[0], Paths):
        f(*args, **kwargs)  # now it is compiled
        path = traces[0].latest
        assert path is not None
        traced = path.traced
    else:
        traced = traces[0]
    traced.ensure_compiled()
    return traced


def _refuse_effects(f: JitFunction[..., Any], args: Any, kwargs: Any) -> None:
    """Raise if repeated calls would repeat effects; of branches on values nothing is known."""
    latest = refusals.latest
    try:
        graph = f.graph(*args, **kwargs)
    except AbstractValueError:
        refusals.latest = latest
        return
    if effects(graph):
        raise UnsupportedError(
            at_user_line("time calls a function many times, and this one calls io_callback")
        )


def _check_equal(usual: Any, measured: Any) -> None:
    pairs = zip(tree.leaves(usual), tree.leaves(measured), strict=True)
    for x, y in pairs:
        if not np.allclose(x, y, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True):
            raise CheckError(at_user_line("counters around instructions change the result"))


class _Clock:
    """Repeats calls, and says so where that takes a while."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._start, self._word = seconds, perf_counter(), perf_counter()

    def repeat(self, call: Callable[[], Any]) -> tuple[float, int]:
        """Return the seconds of the fastest call, and how many there were."""
        start, fastest, count = perf_counter(), float("inf"), 0
        while count < _MOST_CALLS:
            before = perf_counter()
            call()
            now = perf_counter()
            fastest, count = min(fastest, now - before), count + 1
            if now - start > self._seconds and (count >= _LEAST_CALLS or now - start > _QUIET):
                break
            if now - self._word > _QUIET:
                self._word = now
                text = f"chainrule.debug.time: {count} calls, {now - self._start:.0f} s"
                print(text, file=sys.stderr)
        return fastest, count


def _lines(
    times: Sequence[InstructionTime], caller: Location | None, scale: float
) -> list[LineTime]:
    """Share out the time of instructions among lines."""
    totals: dict[tuple[str, int, str], list[float]] = {}
    for instruction, seconds, runs in times:
        nodes = instruction.nodes
        shares = [(_line(node, caller), _is_derivative(node), share) for node, share in nodes]
        if not shares:
            shares = [(("", 0, _without_shapes(instruction.summary)), False, 1.0)]
        for key, derivative, share in shares:
            total = totals.setdefault(key, [0.0, 0.0, 0.0])
            total[0] += scale * share * seconds
            total[1] += scale * share * seconds * derivative
            total[2] = max(total[2], float(runs))
    return [
        LineTime(filename, line, source, total[0], total[1], int(total[2]))
        for (filename, line, source), total in totals.items()
        if line or total[0] > 0.0
    ]


def _line(node: Node, caller: Location | None) -> tuple[str, int, str]:
    """Return the file, line and text of a node, or what it is."""
    location = node.source_location
    if location is None or tuple(location) == caller:
        return "", 0, f"({node.primitive.name})"
    code, instruction = location
    line = line_of(code, instruction)
    return code.co_filename, line, linecache.getline(code.co_filename, line).strip()


def _is_derivative(node: Node) -> bool:
    return isinstance(node.source_location, DerivativeLocation)


def _without_shapes(summary: str) -> str:
    return f"({summary.split(' [')[0]})"


def _with_rest(lines: Sequence[LineTime], seconds: float) -> tuple[LineTime, ...]:
    """Return the lines, the slowest first, with what is left of a call: Python, and its results."""
    rest = seconds - sum(line.seconds for line in lines)
    small = [x for x in lines if not x.line and x.seconds < _SMALL * seconds]
    if len(small) > 1:
        others = LineTime("", 0, "(other operations)", sum(x.seconds for x in small))
        lines = [*[x for x in lines if x not in small], others]
    if rest > 0.0:
        lines = [*lines, LineTime("", 0, "(the call itself)", rest)]
    return tuple(sorted(lines, key=lambda line: -line.seconds))
