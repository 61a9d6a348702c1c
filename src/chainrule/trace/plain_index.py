"""What to write in place of `plain[traced]`, an index into an array that chainrule does not see.

NumPy asks the index for its numbers, and gives a plain array whatever the answer is. Where the
numbers are known (without `jit`) that is right, since integers carry no derivative. Under `jit` any
answer would become a constant of the graph: the function is rewritten (see `marks.py`), or,
where that cannot be, the index is refused, with the text that does what was meant.
"""

from __future__ import annotations

import ast
import dis
import linecache
from types import FrameType
from typing import Any

from ..errors import AbstractValueError, at_user_line, is_internal
from ..syntax import parse
from .plain_numbers import note_asking_code

PLAIN_ARRAY = (
    "np.asarray(), or a function of NumPy that looks at a plain array only (np.take(plain, x): "
    "there write np.asarray(plain, like=x)),"
)
_WRITES = {"STORE_SUBSCR", "STORE_SLICE"}
_READS = {"BINARY_SUBSCR", "BINARY_SLICE", "BINARY_OP"}  # the last one since Python 3.14


def refuse_plain_index(index: Any, frame: FrameType | None) -> None:
    """Raise if the code in `frame` is the user's, and at an index into what is not traced.

    Raises
    ------
    AbstractValueError
        With the text to write instead.
    """
    if frame is None or is_internal(frame.f_code):
        return
    operation = dis.opname[frame.f_code.co_code[frame.f_lasti]]
    subscript = _subscript(frame) if operation in _READS | _WRITES else None
    if subscript is None:
        return
    asked = f"{ast.unparse(subscript)} asks for the numbers of a traced {index.node.type}"
    message = at_user_line(
        f"{asked}, which are not known under jit, nor in the body of a loop or branch: what "
        f"is not traced NumPy reads by itself. {_instead(subscript, index, frame)}"
    )
    error = AbstractValueError(message)
    note_asking_code(error)
    if isinstance(subscript.slice, ast.Slice) and not error.at_write:
        error.code = None
    raise error


def _instead(subscript: ast.Subscript, index: Any, frame: FrameType) -> str:
    """Say what to write: an array of the trace takes any index but slices of unknown size."""
    plain = ast.unparse(subscript.value)
    like = _traced_name(subscript.slice, index, frame)
    inside = parse(f"np.asarray({plain}, like={like})", mode="eval").body
    if isinstance(subscript.slice, ast.Slice):
        entries = ast.unparse(ast.Subscript(inside, ast.Name("start + np.arange(n)")))
        return f"The size of a slice must be known: for n entries write {entries}"
    read = ast.unparse(ast.Subscript(inside, subscript.slice))
    if isinstance(subscript.ctx, ast.Store):
        traced = f"{plain} = np.array({plain}, like={like})"
        return f"Before it write {traced}, once, and hand the array on (a loop as its state)"
    if index.dtype.kind == "b":
        mask = ast.unparse(subscript.slice)
        return f"Write np.where({mask}, {plain}, other), or {read} for a sum or a masked write"
    return f"Write {read}"


def _subscript(frame: FrameType) -> ast.Subscript | None:
    """Return the expression that `frame` computes, if it is an index and its source is there."""
    positions = list(frame.f_code.co_positions())[frame.f_lasti // 2]
    first, last, start, stop = positions
    if first is None or last is None or start is None or stop is None:
        return None
    lines = linecache.getlines(frame.f_code.co_filename, frame.f_globals)[first - 1 : last]
    if len(lines) != last - first + 1:
        return None
    encoded = [line.encode() for line in lines]  # columns count bytes
    encoded[-1] = encoded[-1][:stop]
    encoded[0] = encoded[0][start:]
    try:
        expression = parse(f"({b''.join(encoded).decode()})", mode="eval").body
    except (SyntaxError, UnicodeDecodeError):  # the file was changed since
        return None
    if not isinstance(expression, ast.Subscript):
        return None
    if dis.opname[frame.f_code.co_code[frame.f_lasti]] in _WRITES:
        expression.ctx = ast.Store()
    return expression


def _traced_name(expression: ast.expr, index: Any, frame: FrameType) -> str:
    """Return a name in an index that is traced, else the text of an entry that may be."""
    names = [node.id for node in ast.walk(expression) if isinstance(node, ast.Name)]
    for name in names:
        value = frame.f_locals.get(name, frame.f_globals.get(name))
        if type(type(value)) is type(type(index)):  # the type of tracers' types
            return name
    entries = expression.elts if isinstance(expression, ast.Tuple) else [expression]
    unknown = [x for x in entries if not isinstance(x, (ast.Constant, ast.Slice))]
    return ast.unparse(unknown[0]) if unknown else "traced"
