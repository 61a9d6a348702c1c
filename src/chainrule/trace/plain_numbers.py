"""When a traced number may become a plain one: only where no derivative would be lost."""

from __future__ import annotations

import dis
import sys
from math import prod
from os.path import dirname
from types import FrameType
from typing import Any
from weakref import WeakSet

from ..errors import AbstractValueError, GradientError, Refusal, at_user_line, is_internal, refusals
from ..graph.node import CONSTANT, INPUT, ITEM, Node, differentiable
from .masked import refuse_masked
from .recording import Kind, recording
from .tracing import differentiated, tracing

_detached: WeakSet[Node] = WeakSet()  # nodes found to hang on no argument: that stays so


def carries_derivative(node: Node) -> bool:
    """Return whether a derivative flows into the node from a running transformation's argument."""
    seen: set[Node] = set()
    stack = [node]
    recorded = tracing.recording
    while stack:
        top = stack.pop()
        if top in seen or top in _detached or not differentiable(top):
            continue
        primitive = top.primitive
        if top in differentiated:
            return True
        if primitive is INPUT:
            if recorded is not None and recorded.knows(top):
                continue
            return True
        seen.add(top)
        flat = primitive.vjp is None and primitive.jvp is None and primitive is not ITEM
        if primitive is not CONSTANT and not flat:
            stack.extend(top.inputs)
    _detached.update(seen)
    return False


def concrete_value(node: Node, request: str, kind: Kind = "exact") -> Any:
    """Return the node's value, or raise an error that names the `request` if only its type is
    known.

    Where a call is recorded, the value is that of this call, and its `kind` of question is guarded.
    """
    value = node.value
    if tracing.masked_since is not None:
        refuse_masked((node,))
    if value is None and tracing.recording is not None:
        value = tracing.recording.answer(node, kind)
    elif node.serial < tracing.first_serial and node.primitive is not CONSTANT:
        tracing.outside_asked = True
    if value is None and kind == "truth" and tracing.sides is not None and prod(node.shape) == 1:
        value = tracing.sides.answer(node)
    if value is None:
        error = AbstractValueError(
            at_user_line(
                f"{request} needs the numbers of an array of shape {node.shape}, but under jit "
                "(and in scan) only shapes and dtypes are known. Use np.where for a choice, "
                "chainrule.scan or fori_loop for a loop, static_argnums for an argument that "
                "shapes depend on, or call without jit"
            )
        )
        note_asking_code(error)
        raise error
    return value


def detached_value(node: Node, request: str) -> Any:
    """Return the node's value for use outside the trace; refuse if its derivative would be lost.

    While a call is recorded, the first attempt is refused: other code might compute with the
    traced number itself (`capture.restarted`).
    """
    recorded = tracing.recording
    if node.value is None and recorded is not None and not recorded.generous:
        with recording(None):
            value = concrete_value(node, request)
    else:
        value = concrete_value(node, request)
    if carries_derivative(node):
        error = GradientError(
            at_user_line(f"{request} asked{_requesting_library()} {_DERIVATIVE_LOST}")
        )
        note_asking_code(error)
        if not refusals.depth:  # in a thread that is not tracing: its error may die with it
            refusals.of_threads[:] = [error]
        raise error
    return value


def note_asking_code(error: Refusal) -> None:
    """Note the user's code that handed a tracer to what takes plain numbers, if it did."""
    frame = sys._getframe(1)
    while _hands_on(frame) and frame.f_back is not None:
        frame = frame.f_back
    position = frame.f_lasti
    while (operation := dis.opname[frame.f_code.co_code[position]]) == "CACHE":
        position -= 2  # of a call of Python's: before what follows it
    error.at_write = operation.startswith("STORE_S")
    if (error.at_write or operation.startswith(_HAND_OVER)) and not is_internal(frame.f_code):
        error.code = frame.f_code


def _hands_on(frame: FrameType) -> bool:
    """Return whether the code in `frame` is ours, or that of masked arrays, whose operators have
    rules in code that is intercepted.
    """
    if frame.f_code.co_filename.startswith(_TRACE):
        return True
    return str(frame.f_globals.get("__name__")).startswith("numpy.ma.")


_TRACE = dirname(__file__)
_HAND_OVER = ("CALL", "PRECALL", "BINARY", "COMPARE")


def formatted(frame: FrameType) -> bool:
    """Return whether the code in `frame` is at a ``text % values``, which asks for floats to show
    them.

    No other binary operator makes a float of its right side: numbers and arrays leave the
    operation to the tracer.
    """
    if dis.opname[frame.f_code.co_code[frame.f_lasti]] == "BINARY_OP":
        return frame.f_code.co_code[frame.f_lasti + 1] in _REMAINDERS
    return False


OPERATORS = [symbol for _, symbol in dis._nb_ops]  # type: ignore[attr-defined]
_REMAINDERS = {k for k, symbol in enumerate(OPERATORS) if symbol in ("%", "%=")}

_LIBRARIES = {
    "/pandas/": "pandas (write x.to_numpy() for the pandas object)",
    "/numpy/ma/": "a masked array (write x.filled(...) and np.where)",
    "/scipy/sparse/": "a sparse matrix (write x.toarray())",
    "/scipy/": "scipy, which computes with plain numbers",
}


def _requesting_library() -> str:
    """Name a library that takes arrays apart, if one stands between chainrule and the user."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_internal(frame.f_code):
        for folder, advice in _LIBRARIES.items():
            if folder in frame.f_code.co_filename:
                return f", for {advice},"
        frame = frame.f_back
    return ""


_DERIVATIVE_LOST = (
    "for the plain number that a traced one stands for, and its derivative would be lost. What is "
    "to be written into is to be made in the traced function: out = np.zeros(n) or np.copy(plain) "
    "before out[i] = a. In code without a source file (exec, an interactive line, a compiled "
    "module) use the number itself instead of float(a), A @ x instead of A.dot(x) of a plain "
    "array, np.sin(a) instead of a function that came through a list, a default value, an "
    "attribute or a closure, such as [math.sin][0](a). If the number needs no derivative, say so: "
    "float(chainrule.stop_gradient(a))"
)
