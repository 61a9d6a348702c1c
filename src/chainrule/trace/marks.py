"""Which expressions of a function are marked, and when its code is compiled anew.

Before it runs in a trace for the first time: a function that calls a method of plain arrays by name
(`table.dot(x)`) or a type of numbers (`float(x)`). After it was refused a plain number: every
function, with all that it indexes, calls or computes marked; then the trace starts again. So
effects of the function on what is outside happen twice in that trace, and in no later one.
"""

from __future__ import annotations

import ast
import dis
import inspect
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any, ClassVar
from weakref import ref

from ..errors import refusals
from .patches import (
    Namespace,
    dispatching_code,
    exchange_code,
    is_searched,
    patches,
    with_code,
)
from .rewriting import code_seeing_all, exchange_reached, marked, note_sources, recompiled, rewrite
from .seats import READING_METHODS, Caller, LeftOperand, Reader
from .tracer import HOOKS

_TYPES = frozenset({"complex", "complex64", "complex128", "float", "float32", "float64"})
_NAMES = _TYPES | {"map"}  # which calls them
_CALLED = "chainrule: here something is called"
_INDEXED = "chainrule: here something is indexed"
_LEFT = "chainrule: here an operator follows"


class _NamedCalls(ast.NodeTransformer):
    """Marks calls of the methods and types above."""

    seats: ClassVar[dict[str, Any]] = {_CALLED: Caller()}

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        function = node.func
        name = getattr(function, "attr", None) or getattr(function, "id", None)
        if name in _NAMES or (name in READING_METHODS and isinstance(function, ast.Attribute)):
            node.func = marked(function, _CALLED)
        return node


class _AllUses(ast.NodeTransformer):
    """Marks all that is called, indexed for reading, or to the left of an operator."""

    seats: ClassVar[dict[str, Any]] = {
        _CALLED: Caller(), _INDEXED: Reader(), _LEFT: LeftOperand()
    }  # fmt: skip

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        node.func = marked(node.func, _CALLED)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load):
            node.value = marked(node.value, _INDEXED)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        node.left = marked(node.left, _LEFT)
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, (ast.USub, ast.Invert)):
            node.operand = marked(node.operand, _LEFT)
        return node

    def visit_MatchMapping(self, node: ast.MatchMapping) -> ast.AST:
        node.patterns = [self.visit(pattern) for pattern in node.patterns]  # not the keys
        return node

    def visit_MatchValue(self, node: ast.MatchValue) -> ast.AST:
        return node  # ``case 1 + 2j:`` is a constant, and nothing but that can be there

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if len(node.ops) == 1 and not isinstance(node.ops[0], _OF_OBJECTS):
            node.left = marked(node.left, _LEFT)
        return node


_OF_OBJECTS = (ast.In, ast.NotIn, ast.Is, ast.IsNot)


def rewrite_all(code: CodeType) -> bool:
    """Give the functions that run this code another one, which sees all; False if it cannot."""
    return rewrite(code, _AllUses)


# Before the first run

_LOADS_CALLED = {
    dis.opmap[name]: low_bit
    for name, low_bit in (("LOAD_METHOD", None), ("LOAD_ATTR", 1), ("LOAD_GLOBAL", 1))
    if name in dis.opmap
}  # in whose argument the lowest bit says that what is loaded is called
if "LOAD_METHOD" in dis.opmap:  # before Python 3.12
    del _LOADS_CALLED[dis.opmap["LOAD_ATTR"]]


@lru_cache(maxsize=4096)
def _calls_named(code: CodeType) -> bool:
    """Return whether a function, or one within it, calls such a method or type."""
    names = code.co_names
    wanted = [k for k, name in enumerate(names) if name in READING_METHODS or name in _NAMES]
    if wanted and _loads_one_to_call(code.co_code, wanted):
        return True
    return any(_calls_named(x) for x in code.co_consts if isinstance(x, CodeType))


def _loads_one_to_call(instructions: bytes, wanted: list[int]) -> bool:
    for k in range(0, len(instructions), 2):
        operation, argument = instructions[k], instructions[k + 1]
        if operation in _LOADS_CALLED:
            low_bit = _LOADS_CALLED[operation]
            position = argument if low_bit is None else argument >> 1
            is_call = low_bit is None or argument & 1
            extended = k > 0 and instructions[k - 2] == dis.EXTENDED_ARG  # then it may be any
            if is_call and (extended or position in wanted):
                return True
    return False


@lru_cache(maxsize=1024)
def _with_named_calls(code: CodeType, filename: str) -> CodeType | None:
    """Return the code with these calls marked; that of two files may be equal."""
    new = recompiled(code, _NamedCalls)
    if new is not None:
        note_sources(new, code)
    return new


def seeing_calls(function: Any) -> Any:
    """Return a function that does the same and sees such calls, if it has any.

    It sees all if another function with this code was refused.
    """
    if type(function) is not FunctionType:
        return function
    exchange_reached(function)
    code = function.__code__
    new = code_seeing_all(code) or (
        _with_named_calls(code, code.co_filename) if _calls_named(code) else None
    )
    return function if new is None else with_code(function, new)


def _seeing_hook(function: FunctionType) -> Callable[[tuple[Any, ...], dict[str, Any]], Any]:
    code, reference = function.__code__, ref(function)

    def hook(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        function = reference()
        assert function is not None  # it runs
        if not refusals.depth:
            return with_code(function, code)(*args, **kwargs)
        exchange_code(function, _with_named_calls(code, code.co_filename) or code)
        return function(*args, **kwargs)

    return hook


def _functions(namespace: Namespace) -> Iterator[FunctionType]:
    """Yield the functions that a module defines, and those of its classes."""
    name = namespace.get("__name__")
    for x in list(namespace.values()):
        if isinstance(x, type) and x.__module__ == name:
            for member in list(vars(x).values()):
                member = getattr(member, "fget", getattr(member, "__func__", member))
                if type(member) is FunctionType and member.__globals__ is namespace:
                    yield member
        elif type(x) is FunctionType and x.__globals__ is namespace:
            yield x


# Of generators and coroutines, whose code programs ask for
_SUSPENDED = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


_Exchange = tuple[FunctionType, CodeType, CodeType]  # with its own code and the other one
_of_modules: dict[str, tuple[Namespace, int, list[_Exchange]]] = {}


def exchange_calls(function: Any) -> None:
    """Have the functions of the module of a function that is traced see such calls.

    Those of other modules see them after they were refused: to exchange the code of all that is
    loaded for each trace would cost more than a gradient.
    """
    namespace: Namespace = getattr(function, "__globals__", {})
    name = str(namespace.get("__name__"))
    if getattr(sys.modules.get(name), "__dict__", None) is not namespace or not is_searched(name):
        return
    known = _of_modules.get(name)
    if known is None or known[0] is not namespace or known[1] != len(namespace):
        entries = [_exchange_of(x) for x in _functions(namespace) if _calls_named(x.__code__)]
        known = _of_modules[name] = namespace, len(namespace), entries
    for user, old, new in known[2]:
        if user.__code__ is old and id(user) not in patches.rewritten:
            exchange_code(user, new, once=True)


def _exchange_of(function: FunctionType) -> _Exchange:
    code = function.__code__
    if code.co_flags & _SUSPENDED:
        return function, code, _with_named_calls(code, code.co_filename) or code
    return function, code, dispatching_code(function, _seeing_hook(function), signature=True)


HOOKS["exchange_calls"] = exchange_calls
HOOKS["seeing_calls"] = seeing_calls
HOOKS["rewrite_all"] = rewrite_all
