"""When a traced number may become a plain one: only where no derivative would be lost."""

from __future__ import annotations

import dis
import sys
from types import FrameType
from typing import Any
from weakref import WeakSet

from ..errors import AbstractValueError, GradientError, at_user_line, is_internal, refusals
from ..graph.node import CONSTANT, INPUT, ITEM, Node, differentiable

_detached: WeakSet[Node] = WeakSet()  # nodes found to hang on no argument: that stays so


def carries_derivative(node: Node) -> bool:
    """Return whether a derivative flows into the node from a running transformation's argument."""
    seen: set[Node] = set()
    stack = [node]
    while stack:
        top = stack.pop()
        if top in seen or top in _detached or not differentiable(top):
            continue
        primitive = top.primitive
        if primitive is INPUT:
            return True
        seen.add(top)
        flat = primitive.vjp is None and primitive.jvp is None and primitive is not ITEM
        if primitive is not CONSTANT and not flat:
            stack.extend(top.inputs)
    _detached.update(seen)
    return False


def concrete_value(node: Node, request: str) -> Any:
    """Return the node's value, or raise an error that names the `request` if only its type is
    known.
    """
    value = node.value
    if value is None:
        raise AbstractValueError(
            at_user_line(
                f"{request} needs the numbers of an array of shape {node.shape}, but under jit "
                "(and in scan) only shapes and dtypes are known. Use np.where for a choice, "
                "chainrule.scan or fori_loop for a loop, static_argnums for an argument that "
                "shapes depend on, or call without jit"
            )
        )
    return value


def detached_value(node: Node, request: str) -> Any:
    """Return the node's value for use outside the trace; refuse if its derivative would be lost."""
    value = concrete_value(node, request)
    if carries_derivative(node):
        error = GradientError(
            at_user_line(f"{request} asked{_requesting_library()} {_DERIVATIVE_LOST}")
        )
        if not refusals.depth:  # in a thread that is not tracing: its error may die with it
            refusals.of_threads[:] = [error]
        raise error
    return value


def formatted(frame: FrameType) -> bool:
    """Return whether the code in `frame` is at a ``text % values``, which asks for floats to show
    them.

    No other binary operator makes a float of its right side: numbers and arrays leave the
    operation to the tracer.
    """
    if dis.opname[frame.f_code.co_code[frame.f_lasti]] == "BINARY_OP":
        return frame.f_code.co_code[frame.f_lasti + 1] in _REMAINDERS
    return False


_REMAINDERS = {k for k, (_, symbol) in enumerate(dis._nb_ops) if symbol in ("%", "%=")}  # type: ignore[attr-defined]

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
    "for the plain number that a traced one stands for, and its derivative would be lost. Use the "
    "number itself instead of float(a) or a.item(); A @ x or np.dot(A, x) instead of A.dot(x) of a "
    "plain array; out = np.zeros(n) or np.copy(plain) before out[i] = a; np.sin(a) instead of a "
    "function that came through a list, a default value, an attribute or a closure, such as "
    "[math.sin][0](a). If the number needs no derivative, say so: "
    "float(chainrule.stop_gradient(a))"
)
