"""Tracing again from the start, with other code, where a trace met what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import TypeVar

from ..errors import Refusal, is_internal, refusals
from .tracer import HOOKS
from .tracing import tracing

Result = TypeVar("Result")


def restarted(trace: Callable[[], Result]) -> Result:
    """Trace a function, again from the start where other code of its own may not be refused."""
    latest = refusals.latest
    try:
        return trace()
    except Refusal as error:
        if error.code is None:
            raise
        tried = error
    all_buffers, codes = tracing.all_buffers, set[CodeType]()
    tracing.restarts += 1
    try:
        while True:
            asking = _asking(tried) - codes
            new = sum([HOOKS["rewrite_all"](code) for code in asking])
            if not asking or not (new or (tried.at_write and not tracing.all_buffers)):
                raise tried
            tracing.all_buffers |= tried.at_write
            codes |= asking
            refusals.latest = latest
            try:
                return trace()
            except Refusal as error:
                tried = error
    finally:
        tracing.all_buffers = all_buffers
        tracing.restarts -= 1


def _asking(tried: Refusal) -> set[CodeType]:
    """Return the code that asked for a plain number; for a write also what called it, where the
    array may be from.
    """
    if tried.code is None:
        return set()
    codes = {tried.code}
    for error in (tried, tried.__cause__) if tried.at_write else ():  # NumPy's, in which it died
        step = getattr(error, "__traceback__", None)
        while step is not None:
            codes.add(step.tb_frame.f_code)
            step = step.tb_next
    return {code for code in codes if not is_internal(code)}
