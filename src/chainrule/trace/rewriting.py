"""`plain[traced]` where the numbers of the index are not known: the function's code is rewritten.

NumPy's own indexing asks the index for its numbers and gives plain ones, and no protocol tells us
of it. So at the first such index the function that it stands in gets other code, in which each
``a[b]`` that is read stands as ``(reader @ a)[b]``: the same where nothing is traced, else an index
into an array of the trace. The trace then starts again. The new code is compiled from the source,
after a check that the source gives the old code; where there is none, the index is refused.
"""

from __future__ import annotations
import __future__

import ast
import gc
import linecache
from collections.abc import Iterator
from functools import lru_cache, partial
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from .nested import array_of, is_traced
from .patches import exchange_code
from .tracer import HOOKS, Tracer


class _Indexed:
    """An object that is about to be indexed: as an array of the trace if the index is traced."""

    __slots__ = ("plain",)

    def __init__(self, plain: Any) -> None:
        self.plain = plain

    def __getitem__(self, index: Any) -> Any:
        if is_traced(index):
            return array_of(self.plain)[index]
        return self.plain[index]


class _Reader:
    """Takes the mark's seat in rewritten code: ``reader @ a`` for what is to be indexed."""

    def __matmul__(self, container: Any) -> Any:
        kind = type(container)
        if kind is np.ndarray or ((kind is list or kind is tuple) and _is_numeric(container)):
            return _Indexed(container)
        return container


_READER = _Reader()


def _is_numeric(sequence: Any) -> bool:
    """Return whether a list or tuple can be read as an array: of numbers, arrays, or such lists."""
    return len(sequence) > 0 and all(
        isinstance(x, (float, int, np.ndarray, np.generic, Tracer))
        or (type(x) in (list, tuple) and _is_numeric(x))
        for x in sequence
    )


def marked(node: ast.expr, mark: str) -> ast.expr:
    """Return ``mark @ node``, in which an object takes the mark's seat later."""
    return ast.copy_location(ast.BinOp(ast.Constant(mark), ast.MatMult(), node), node)


class _Subscripts(ast.NodeTransformer):
    """Marks what is indexed, wherever an index is read."""

    mark = "chainrule: here an array is indexed"
    seated = _READER

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load):
            node.value = marked(node.value, self.mark)
        return node


def rewrite_indices(code: CodeType) -> bool:
    """Give the functions that run this code another one, which sees indices; False if it cannot."""
    functions = [f for f in gc.get_objects() if type(f) is FunctionType]
    users = [f for f in functions if any(part is code for part in _parts(f.__code__))]
    if users and code.co_name.startswith("<") and code.co_name != "<lambda>":  # a comprehension
        parts = (part for f in users for part in _parts(f.__code__))
        code = next(part for part in parts if any(x is code for x in part.co_consts))
        users = [f for f in functions if any(part is code for part in _parts(f.__code__))]
    new = recompiled(code, _Subscripts)
    if new is None:
        return False
    for function in users:
        exchange_code(function, _with_part(function.__code__, code, new))
    return bool(users)


def _parts(code: CodeType) -> Iterator[CodeType]:
    """Yield a function's code and that of all functions in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)


def _with_part(code: CodeType, old: CodeType, new: CodeType) -> CodeType:
    if code is old:
        return new
    constants = [_with_part(x, old, new) if isinstance(x, CodeType) else x for x in code.co_consts]
    if all(x is y for x, y in zip(constants, code.co_consts, strict=True)):
        return code
    return code.replace(co_consts=tuple(constants))


def recompiled(code: CodeType, transformer: Any) -> CodeType | None:
    """Return the code of the same source as a transformer changes it; None if that has no source.

    The whole file is compiled, because what a function becomes depends on the names around it.
    """
    text = "".join(linecache.getlines(code.co_filename))
    flags = code.co_flags & __future__.annotations.compiler_flag
    try:
        parts, changed = _compiled(text, code.co_filename, flags, transformer)
    except (SyntaxError, ValueError):  # no source, or not the one that was read
        return None
    positions = [
        k for k, part in enumerate(parts) if part == code and part.co_qualname == code.co_qualname
    ]
    return _seated(changed[positions[0]], transformer) if len(positions) == 1 else None


@lru_cache(maxsize=16)
def _compiled(
    text: str, filename: str, flags: int, transformer: Any
) -> tuple[list[CodeType], list[CodeType]]:
    """Return the code of all functions of a file, as it is and as a transformer changes it."""
    compiled = partial(compile, filename=filename, mode="exec", flags=flags, dont_inherit=True)
    tree = ast.parse(text)
    parts = list(_parts(compiled(tree)))
    return parts, list(_parts(compiled(ast.fix_missing_locations(transformer().visit(tree)))))


def _seated(code: CodeType, transformer: Any) -> CodeType:
    """Return the code with the transformer's object in the place of its mark."""
    constants: list[Any] = []
    for x in code.co_consts:
        if isinstance(x, CodeType):
            constants.append(_seated(x, transformer))
        else:
            is_mark = isinstance(x, str) and x == transformer.mark
            constants.append(transformer.seated if is_mark else x)
    return code.replace(co_consts=tuple(constants))


HOOKS["rewrite_indices"] = rewrite_indices
