"""Tracebacks of errors in functions that are transformed: the user's frames, and no others.

A function that is traced runs deep inside of chainrule, so that most frames of a traceback would be
ours. At the border, where the error leaves the outermost transformation, they are taken out. The
others stay as they are, so that debuggers go through them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Any, TypeVar, cast

from .config import current
from .errors import PACKAGE, ChainruleError, is_internal, refusals

F = TypeVar("F", bound=Callable[..., Any])

NOTE = "(frames of chainrule are left out of this traceback: CHAINRULE_TRACEBACK=full shows them)"


def filter_traceback(error: BaseException) -> None:
    """Take our frames out of the traceback of an error that is about to leave chainrule.

    To be called in an ``except`` clause, followed by a bare ``raise``. Nothing is done inside of a
    function that is traced: the error is on its way to an outer transformation.
    """
    if refusals.depth or current().traceback == "full":
        return
    hidden = _filter_chain(error, set()) and not isinstance(error, ChainruleError)
    if hidden and NOTE not in getattr(error, "__notes__", ()):
        error.add_note(NOTE)


def filters_traceback(function: F) -> F:
    """Wrap a function that users call: errors leave it without frames of ours."""

    @wraps(function)
    def bordered(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            filter_traceback(error)
            raise

    return cast(F, bordered)


def _filter_chain(error: BaseException, seen: set[int]) -> bool:
    """Filter an error and those that led to it; return whether it arose deeper inside of ours."""
    seen.add(id(error))
    frames = _frames(error.__traceback__)
    remaining = _users(frames)
    if len(remaining) < len(frames):
        error.__traceback__ = _linked(remaining)
    for other in (error.__cause__, error.__context__):
        if other is not None and id(other) not in seen:
            _filter_chain(other, seen)
    context = error.__context__
    if context is not None and error.__cause__ is None:
        # of NumPy inside of ours, or of an attempt before
        is_ours = context.__traceback__ is None or isinstance(context, ChainruleError)
        error.__suppress_context__ = error.__suppress_context__ or is_ours
    innermost = frames[-2:]  # a wrong argument of a function of ours has one frame, its border
    return len(innermost) == 2 and not any(step in remaining for step in innermost)


def _frames(traceback: TracebackType | None) -> list[TracebackType]:
    frames = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    return frames


def _users(frames: list[TracebackType]) -> list[TracebackType]:
    """Return the frames but ours, and those of libraries and of Python that border on ours."""
    result: list[TracebackType] = []
    run: list[TracebackType] = []  # of frames that are not the user's
    ours = False
    for step in frames:
        code = step.tb_frame.f_code
        if is_internal(code):
            run.append(step)
            ours = ours or code.co_filename.startswith(PACKAGE)
            continue
        result += [] if ours else run
        result.append(step)
        run, ours = [], False
    return result if ours else result + run


def _linked(frames: list[TracebackType]) -> TracebackType | None:
    """Return a traceback of these frames."""
    result: TracebackType | None = None
    for step in reversed(frames):
        result = TracebackType(result, step.tb_frame, step.tb_lasti, step.tb_lineno)
    return result
