"""Errors that depend on numbers, in code that would catch them: ``try: math.log(x)``.

A trace gives nan or inf where Python raises an error, and compiled code raises late what NumPy
raises at once (`LinAlgError`). Where nobody catches it, that is as good. Where the code of a call
that is recorded would catch it, and go on in another way, the error is a branch as any other.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Sequence
from types import CodeType, FrameType
from typing import Any

import numpy as np

from ..errors import is_internal
from ..graph.node import Node, constant
from ..primitives.elementwise import equal
from .nested import tracers_in
from .plain_numbers import concrete_value
from .tracer import HOOKS, ScalarTracer, Tracer
from .tracing import tracing

_TWO_ERRORS = {"gamma", "lgamma", "ldexp", "pow"}  # for one result
_handlers: dict[CodeType, list[tuple[int, int]]] = {}


def is_caught(known: bool = False) -> bool:
    """Return whether the code of a call that is recorded, or of any if the numbers are `known`,
    would catch an error here.
    """
    if not known and tracing.recording is None and not tracing.may_record:
        return False
    frame: FrameType | None = sys._getframe(1)
    handled = caught = False
    while frame is not None and frame.f_code.co_name != "_captured":
        code = frame.f_code
        if code.co_name == "call_user_function":  # what calls that is not traced
            caught = handled
        elif not handled and not is_internal(code):
            handled = _has_handler(code, frame.f_lasti)
        frame = frame.f_back
    return caught


def _has_handler(code: CodeType, position: int) -> bool:
    if not code.co_exceptiontable:
        return False
    ranges = _handlers.get(code)
    if ranges is None:
        table = dis._parse_exception_table(code)  # type: ignore[attr-defined]
        ranges = _handlers[code] = [(entry.start, entry.end) for entry in table]
    return any(start <= position < end for start, end in ranges)


def _number_of_call(node: Node) -> Any:
    """Return a node's number in the call that is recorded; None if it is not known."""
    if tracing.recording is None:  # it is to be
        concrete_value(node, "an error that may be raised and caught")
    value = tracing.recording.value(node)
    return None if value is None else np.asarray(value).item()


def raise_outside_domain(function: Any, args: Sequence[Any], result: ScalarTracer) -> None:
    """Raise what a function of `math` raises for these numbers, if that would be caught."""
    if not is_caught():
        return
    numbers = [_number_of_call(x.node) if isinstance(x, Tracer) else x for x in args]
    if None in numbers:
        return
    finite, is_nan = np.bool_(True), np.bool_(False)
    for x in args:
        finite, is_nan = np.isfinite(x) & finite, np.isnan(x) | is_nan
    failed = ~np.isfinite(result) & (finite | (np.isnan(result) & ~is_nan))
    if failed:
        if function.__name__ in _TWO_ERRORS:
            for x in tracers_in(args):
                tracing.recording.answer(x.node, "exact")
        function(*numbers)


def raise_division_by_zero(divisor: Node) -> None:
    """Raise what Python raises for numbers of its own, if that would be caught."""
    if divisor.value is not None:
        is_zero: Any = not divisor.value and is_caught(known=True)
    elif is_caught() and _number_of_call(divisor) is not None:
        is_zero = ScalarTracer(equal(divisor, divisor.dtype.type(0)))
    else:
        return
    if is_zero:
        raise ZeroDivisionError("float division by zero")


def call_where_caught(rule: Any, args: Any, kwargs: Any) -> Any:
    """Call a rule of linear algebra, and compute at once what it gives if an error in that would be
    caught: that is the way of these very numbers.
    """
    result = rule(*args, **kwargs)
    recorded = tracing.recording
    if recorded is None:
        concrete_value(
            next(iter(tracers_in(result))).node, "an error that may be raised and caught"
        )
        return result
    try:
        for x in tracers_in(result):
            recorded.value(x.node)
    except np.linalg.LinAlgError:
        for x in tracers_in((args, kwargs)):
            concrete_value(x.node, "an error that is raised and caught")
        raise
    recorded.note_attempt(constant(np.array(True)))
    return result


def index_where_caught(index: Any) -> Any:
    """Return an index, as a plain number if the error would be caught if it is out of range."""
    if index.shape or index.dtype.kind not in "iu" or index.node.value is not None:
        return index
    return int(concrete_value(index.node, "an index", "integer")) if is_caught() else index


HOOKS["index_where_caught"] = index_where_caught
HOOKS["division_by_zero"] = raise_division_by_zero
HOOKS["is_caught"] = is_caught
HOOKS["call_where_caught"] = call_where_caught
