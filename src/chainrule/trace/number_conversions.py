"""`float(x)`, `np.float64(x)`, `x.item()`: Python's and NumPy's numbers of traced ones.

What they give computes as a Python number does and carries its derivative on. Where no derivative
is lost and the numbers are known, they are plain numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import index
from types import FrameType
from typing import Any

import numpy as np

from ..errors import GradientError, at_user_line, is_internal
from ..graph.node import Node
from .complex_readiness import takes_complex
from .nested import array_of, is_traced, tracers_in
from .plain_numbers import carries_derivative, concrete_value
from .recording import Kind
from .tracer import HOOKS, METHODS, ScalarTracer, Tracer, traced
from .tracing import tracing
from .ufunc_rules import as_dtype

_OF_PYTHON = {"f": np.float64, "c": np.complex128, "i": np.int64, "u": np.int64, "b": np.bool_}


def _is_plain(x: Tracer) -> bool:
    return x.node.value is not None and not carries_derivative(x.node)


def _python_number(node: Node) -> ScalarTracer:
    return ScalarTracer(as_dtype(node, np.dtype(_OF_PYTHON[node.dtype.kind])), True)


def _example(x: Tracer) -> Any:
    """Return a plain zero of the same kind, which is converted as x is: or not, with an error."""
    zeros = np.zeros(x.shape, x.dtype)
    if not isinstance(x, ScalarTracer):
        return zeros
    return zeros.item() if x.weak else zeros[()]


# Methods


def _item(x: Tracer, *args: Any) -> Any:
    if _is_plain(x):
        return x.node.value.item(*args)
    if not args:
        _example(x).item()  # of several entries there is none
        return _python_number(METHODS["reshape"](x, ()).node if x.shape else x.node)
    if len(args) == 1 and not isinstance(args[0], tuple):
        return _python_number(METHODS["reshape"](x, -1)[index(args[0])].node)
    position = args if len(args) > 1 else args[0]
    if len(position) != len(x.shape):
        raise ValueError(at_user_line("incorrect number of indices for array"))
    entry = x[position]  # type: ignore[index]
    return _python_number(entry.node)


def _tolist(x: Tracer) -> Any:
    if _is_plain(x):
        return x.node.value.tolist()
    return [_tolist(row) for row in x] if x.shape else _item(x)  # type: ignore[attr-defined]


def _is_integer(x: Tracer) -> bool:
    if not isinstance(x, ScalarTracer):
        raise AttributeError("a traced array has no attribute 'is_integer'")
    return bool((np.floor(x) == x) & np.isfinite(x))


METHODS["is_integer"] = _is_integer
METHODS["item"] = _item
METHODS["tolist"] = _tolist
takes_complex(".item", ".tolist")


# Types that are called


def _float(x: Any = 0.0, /) -> Any:
    if isinstance(x, str):
        return _parsed(x)
    if not isinstance(x, Tracer) or _is_plain(x):
        return float(x)
    float(_example(x))
    entry = METHODS["reshape"](x, ()) if x.shape else x
    return traced(as_dtype(entry.node, np.dtype(float)), True)


def _plain_text(x: Tracer) -> str:
    """Return a whole number as plain code would write it, since it may be a part of a key; of
    others what shows that they are traced.
    """
    node, recorded = x.node, tracing.recording
    if not node.shape and node.dtype.kind in "iub":
        known = node.value is not None or tracing.may_record
        if known or (recorded is not None and recorded.value(node) is not None):
            kind: Kind = "truth" if node.dtype.kind == "b" else "integer"
            return str(concrete_value(node, "text", kind))
    return repr(x)


HOOKS["plain_text"] = _plain_text


def _note_text(x: Tracer, text: str, frame: FrameType) -> None:
    """Note that a number became text; with all its digits only where it is seen if read back."""
    if not carries_derivative(x.node):
        return
    tracing.formatted.append(x)
    code = frame.f_code
    if _has_all_digits(text) and not is_internal(code) and not HOOKS["is_recompiled"](code):
        error = GradientError(
            at_user_line(
                f"a traced number becomes the text {text!r} in code that has no source file: if "
                "it is read back, its derivative is lost; use the number itself, or fewer digits"
            )
        )
        error.code = code
        raise error


HOOKS["note_text"] = _note_text


def _has_all_digits(text: str) -> bool:
    return sum(map(str.isdigit, text)) >= _ALL_DIGITS


def _parsed(text: str) -> Any:
    """Read a number: where a traced one was written with all its digits, that one.

    What was rounded has no derivative, as `round(x, 2)` has none.
    """
    if "Tracer(" in text:  # what str(x) and f"{x}" give
        raise GradientError(
            at_user_line(
                "a traced number became text and is read back, and its derivative would be lost: "
                'use the number itself, or all its digits: f"{x:.17g}"'
            )
        )
    number = float(text)
    for x in tracing.formatted:
        value = x.node.value
        is_same = np.any(abs(number - value) <= 1e-12 * abs(value))
        if not is_same or not carries_derivative(x.node):
            continue
        if x.shape or not _has_all_digits(text):
            raise GradientError(
                at_user_line(
                    f"float({text!r}): a traced number became this text, or one with the same "
                    "value did, and its derivative would be lost: use the number itself"
                )
            )
        return _float(x) + (number - float(value))
    return number


_ALL_DIGITS = 15


def _complex(*args: Any, **kwargs: Any) -> Any:
    if all(map(_is_plain, tracers_in((args, kwargs)))):
        return complex(*args, **kwargs)
    return _complex_of(*args, **kwargs)


def _complex_of(real: Any = 0.0, imag: Any = 0.0) -> Any:
    for x in (real, imag):  # raises what Python would
        complex(_example(x) if isinstance(x, Tracer) else x)
    whole = real + 1j * imag if is_traced(imag) or imag else real + 0j
    return _python_number(whole.node)


def _numpy_type(kind: type) -> Callable[..., Any]:
    def convert(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and isinstance(args[0], str) and kind in (np.float32, np.float64):
            args = (_parsed(args[0]),)
        if len(args) != 1 or kwargs or all(map(_is_plain, tracers_in(args[0]))):
            return kind(*args, **kwargs)
        array = array_of(args[0], kind)
        return array if array.shape else ScalarTracer(array.node)

    return convert


CONVERSIONS: dict[Any, Callable[..., Any]] = {
    float: _float,
    complex: _complex,
    **{kind: _numpy_type(kind) for kind in (np.float32, np.float64, np.complex64, np.complex128)},
}
