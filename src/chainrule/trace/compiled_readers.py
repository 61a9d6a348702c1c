"""Errors of compiled code that met a traced array, as refusals that say what to do."""

from __future__ import annotations

import re
from types import CodeType

from ..errors import UnsupportedError, at_user_line, is_internal

_NEEDS_MEMORY = re.compile(r"bytes-like object is required, not '(View|Reshaped|\w+Tracer)'")
_COMPILED = (
    "compiled code asked for the memory of a traced array, which has none: use its version in "
    "Python if it has one, or chainrule.pure_callback where no derivative is needed"
)
_NO_ARRAY = "object __array__ method not producing an array"
_STANDS_FOR_TRACED = (
    "NumPy asks an object for the array that it stands for by its __array__, which is a traced "
    "one: hand over that array itself"
)


def refusal_behind(error: Exception) -> UnsupportedError | None:
    """Return what to raise for an error that says that a traced array is no array; else None."""
    if isinstance(error, TypeError) and _NEEDS_MEMORY.search(str(error)):
        return UnsupportedError(at_user_line(_COMPILED))
    if isinstance(error, ValueError) and str(error) == _NO_ARRAY:
        refusal = UnsupportedError(at_user_line(_STANDS_FOR_TRACED))
        refusal.code = _raising_code(error)
        return refusal
    return None


def _raising_code(error: Exception) -> CodeType | None:
    """Return the user's code that called what raised an error."""
    traceback = error.__traceback__
    code = None
    while traceback is not None:
        code, traceback = traceback.tb_frame.f_code, traceback.tb_next
    return None if code is None or is_internal(code) else code
