"""Functions whose code is compiled anew from their source, with marks where objects take seats.

What no protocol tells us of (``plain[traced]``, ``float(traced)``) is seen in such code: see
`seats.py` for the objects, `marks.py` for what is marked and when. It is compiled from the source,
after a check that the source gives the old code; where there is none, there is no other code.
"""

from __future__ import annotations
import __future__

import ast
import gc
import linecache
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache, partial
from types import CodeType, FunctionType
from typing import Any
from weakref import ReferenceType, ref

from ..syntax import parse
from .patches import code_in_traces, exchange_code
from .tracer import HOOKS


def marked(node: ast.expr, mark: str) -> ast.expr:
    """Return ``mark @ node``, in which an object takes the mark's seat later."""
    return ast.copy_location(ast.BinOp(ast.Constant(mark), ast.MatMult(), node), node)


def rewrite(code: CodeType, transformer: Any) -> bool:
    """Give the functions that run this code another one; False if it cannot, or has it already."""
    asked = code
    if code in _without_source or _seeing_all.get(_code_before.get(code, code)) is code:
        return False
    versions = _versions(code)
    users = _users(code.co_filename, versions)
    if users and code.co_name.startswith("<") and code.co_name != "<lambda>":  # a comprehension
        parts = (part for f in users for part in _parts(code_in_traces(f)))
        outer = (part for part in parts if any(id(x) in versions for x in part.co_consts))
        code = next(outer, code)
        versions = _versions(code)
        users = _users(code.co_filename, versions)
    source = _code_before.get(code, code)
    new = _seeing_all.get(source) or recompiled(source, transformer)  # by another thread: again
    if new is None:
        _without_source[asked] = True
        return False
    _seeing_all[source] = new
    for k, function in enumerate(users):
        new_whole = _with_part(code_in_traces(function), versions, new)
        exchange_code(function, new_whole, once=k >= _MANY_USERS)
    return True


_MANY_USERS = 64  # closures of one code: each trace would have to exchange all


def exchange_reached(function: FunctionType) -> None:
    """Exchange the code of functions in a function's cells and default values, if others with
    their code were refused: to look for them among all that Python holds takes far longer.
    """
    if not _seeing_all.entries:
        return
    seen: set[int] = set()
    stack = [function]
    while stack:
        top = stack.pop()
        for x in (*_contents(top), *(top.__defaults__ or ())):
            if type(x) is FunctionType and id(x) not in seen:
                seen.add(id(x))
                stack.append(x)
                new = _seeing_all.get(x.__code__)
                if new is not None:
                    exchange_code(x, new, once=True)


def _contents(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # not bound yet
            yield cell.cell_contents


def code_seeing_all(code: CodeType) -> CodeType | None:
    """Return what a piece of code became when a function with it was refused."""
    new: CodeType | None = _seeing_all.get(code)
    return new


class _Codes:
    """What is known of pieces of code: of each, since those of two files may be equal."""

    def __init__(self) -> None:
        self.entries: dict[int, tuple[ReferenceType[CodeType], Any]] = {}

    def __contains__(self, code: CodeType) -> bool:
        return id(code) in self.entries

    def get(self, code: CodeType, default: Any = None) -> Any:
        entry = self.entries.get(id(code))
        return default if entry is None else entry[1]

    def __setitem__(self, code: CodeType, value: Any) -> None:
        key, entries = id(code), self.entries
        entries[key] = ref(code, lambda _: entries.pop(key, None)), value


_code_before = _Codes()  # of what is compiled anew in part, or with other marks
_seeing_all = _Codes()  # what became of a source
_recompiled = _Codes()
_without_source = _Codes()


def _versions(code: CodeType) -> set[int]:
    """Return the numbers of a piece of code and of all that it became."""
    source = _code_before.get(code, code)
    others = [key for key, (_, of) in list(_code_before.entries.items()) if of is source]
    return {id(code), id(source), *others}


def _users(filename: str, versions: set[int]) -> list[FunctionType]:
    """Return the functions that run one of several pieces of code, or have it within."""
    functions = [x for x in gc.get_objects() if type(x) is FunctionType]
    return [
        f
        for f in functions
        if f.__code__.co_filename == filename
        and any(id(part) in versions for part in _parts(code_in_traces(f)))
    ]


def note_sources(new: CodeType, old: CodeType) -> None:
    """Note what a function's code, and that of the functions in it, was before."""
    for part, before in zip(_parts(new), _parts(old), strict=True):
        if part is not before:
            _code_before[part] = _code_before.get(before, before)


def _parts(code: CodeType) -> Iterator[CodeType]:
    """Yield a function's code and that of all functions in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)


def _with_part(code: CodeType, versions: set[int], new: CodeType) -> CodeType:
    if id(code) in versions:
        return new
    constants = [
        _with_part(x, versions, new) if isinstance(x, CodeType) else x for x in code.co_consts
    ]
    if all(x is y for x, y in zip(constants, code.co_consts, strict=True)):
        return code
    outer = code.replace(co_consts=tuple(constants))
    _code_before[outer] = _code_before.get(code, code)
    return outer


def recompiled(code: CodeType, transformer: Any) -> CodeType | None:
    """Return the code of the same source as a transformer changes it; None if that has no source.

    The whole file is compiled, because what a function becomes depends on the names around it.
    """
    text = "".join(linecache.getlines(code.co_filename))
    flags = code.co_flags & __future__.annotations.compiler_flag
    by_pytest = any("@pytest_ar" in part.co_names for part in _parts(code))
    try:
        parts, changed = _compiled(text, code.co_filename, flags, transformer, by_pytest)
    except (SyntaxError, ValueError, RecursionError):  # no source, another one, or too deep
        return None
    position = next((k for k, part in enumerate(parts) if _is_same(part, code)), None)
    if position is None:
        return None
    new = _seated(changed[position], transformer)
    for part in _parts(new):
        _recompiled[part] = True
    return new


HOOKS["is_recompiled"] = _recompiled.__contains__


def _is_same(a: CodeType, b: CodeType) -> bool:
    """Return whether two pieces of code do the same, in the same line.

    Columns may differ, as those of expressions in f-strings do.
    """
    if any(getattr(a, name) != getattr(b, name) for name in _OF_CODE):
        return False
    return len(a.co_consts) == len(b.co_consts) and all(
        (_is_same(x, y) if isinstance(x, CodeType) else x == y) and type(x) is type(y)
        for x, y in zip(a.co_consts, b.co_consts, strict=True)
    )


_OF_CODE = ("co_firstlineno", "co_qualname", "co_code", "co_names", "co_varnames", "co_freevars",
             "co_cellvars", "co_flags", "co_argcount", "co_kwonlyargcount", "co_posonlyargcount",
             "co_exceptiontable")  # fmt: skip


@lru_cache(maxsize=16)
def _compiled(
    text: str, filename: str, flags: int, transformer: Any, by_pytest: bool
) -> tuple[list[CodeType], list[CodeType]]:
    """Return the code of all functions of a file, as it is and as a transformer changes it.

    That of tests was compiled by pytest, with other assertions.
    """
    compiled = partial(compile, filename=filename, mode="exec", flags=flags, dont_inherit=True)
    tree = parse(text)
    if by_pytest:
        sys.modules["_pytest.assertion.rewrite"].rewrite_asserts(tree, text.encode())
    parts = list(_parts(compiled(tree)))
    tree = parse(text)
    return parts, list(_parts(compiled(ast.fix_missing_locations(transformer().visit(tree)))))


def _seated(code: CodeType, transformer: Any) -> CodeType:
    """Return the code with the transformer's objects in the places of its marks."""
    constants: list[Any] = []
    for x in code.co_consts:
        if isinstance(x, CodeType):
            constants.append(_seated(x, transformer))
        else:
            constants.append(transformer.seats.get(x, x) if isinstance(x, str) else x)
    return code.replace(co_consts=tuple(constants))
