"""Functions that need no interception, because NumPy's own protocols announce all that they call.

Such a function, and each that it calls, names nothing but NumPy's functions, numbers, arrays, and
other such functions; it makes no lists, writes nothing, and imports nothing. To exchange names and
code for it, and to put them back, would cost more than its gradient.
"""

from __future__ import annotations

import builtins
import dis
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from types import CodeType, FunctionType
from typing import Any, NamedTuple

import numpy as np

from .patches import patches
from .seats import READING_METHODS
from .tracer import FUNCTIONS, HOOKS, METHODS, UFUNCS, Tracer
from .tracing import tracing

_LEAVES = (Tracer, np.ndarray, float, int, bool, complex, str, np.generic, np.dtype, type(None))
_BUILTINS = {"abs": abs, "enumerate": enumerate, "len": len, "range": range, "zip": zip}
_ATTRIBUTES = frozenset(
    {"T", "dtype", "fft", "imag", "linalg", "mT", "ndim", "newaxis", "pi", "real", "shape", "size"}
)
# All else may call or write what is not seen here. Of names of several versions of Python
_ALLOWED = """
    BINARY_OP BINARY_SLICE BINARY_SUBSCR BUILD_SLICE CALL CALL_KW COMPARE_OP COPY
    COPY_FREE_VARS END_FOR FOR_ITER GET_ITER JUMP_BACKWARD JUMP_FORWARD KW_NAMES
    LOAD_ATTR LOAD_CONST LOAD_DEREF LOAD_FAST LOAD_FAST_BORROW LOAD_FAST_BORROW_LOAD_FAST_BORROW
    LOAD_FAST_LOAD_FAST LOAD_GLOBAL LOAD_METHOD LOAD_SMALL_INT NOP NOT_TAKEN POP_ITER
    POP_JUMP_BACKWARD_IF_FALSE POP_JUMP_BACKWARD_IF_TRUE POP_JUMP_FORWARD_IF_FALSE
    POP_JUMP_FORWARD_IF_TRUE POP_JUMP_IF_FALSE POP_JUMP_IF_TRUE POP_TOP PRECALL PUSH_NULL RESUME
    RETURN_CONST RETURN_VALUE STORE_FAST STORE_FAST_LOAD_FAST STORE_FAST_STORE_FAST SWAP TO_BOOL
    UNARY_INVERT UNARY_NEGATIVE UNARY_NOT UNARY_POSITIVE UNPACK_SEQUENCE
"""
_OPERATIONS = frozenset(_ALLOWED.split())


_NOTHING = frozenset({"CACHE", "EXTENDED_ARG"})


class _NotSimpleError(Exception):
    """The function has something that has to be seen."""


class _Links(NamedTuple):
    """What the answer depends on: names in modules, and cells of closures, and their objects.

    Of the function itself only the code is known: others with this code have cells of their own.
    """

    names: list[tuple[dict[str, Any], str, Any]]
    cells: list[tuple[Any, Any]]
    contents: tuple[Any, ...]
    defaults: Any


_answers: dict[CodeType, _Links | None] = {}
_MANY = 4096


def is_simple(function: Any, args: Sequence[Any], kwargs: Any) -> bool:
    """Return whether a function can be traced without interception."""
    if type(function) is not FunctionType or kwargs:
        return False
    for x in args:
        if not issubclass(type(x), _LEAVES) and not _of_leaves(x):
            return False
    code = function.__code__
    if tracing.restarts:  # it, or a function that it calls, was refused
        _answers[code] = None
        _answers.update(
            (old, None) for _, old, new in list(patches.rewritten.values()) if new is code
        )
    try:
        known = _answers[code]
    except KeyError:
        known = _answers[code] = _links(function)
    if known is None:
        return False
    for namespace, name, x in known.names:
        if namespace.get(name) is not x:  # it stands for something else now
            _answers[code] = None
            return False
    if known.cells or known.contents or known.defaults is not function.__defaults__:
        return _has_same_values(function, known)
    return True


def _has_same_values(function: FunctionType, known: _Links) -> bool:
    cells = list(known.cells)
    for cell, x in zip(function.__closure__ or (), known.contents, strict=True):
        if not issubclass(type(x), _LEAVES) or not issubclass(type(cell.cell_contents), _LEAVES):
            cells.append((cell, x))
    same = known.defaults is function.__defaults__
    same = same and all(cell.cell_contents is x for cell, x in cells)
    if not same:
        _answers[function.__code__] = None
    return same


def _links(function: FunctionType) -> _Links | None:
    """Return what a simple function depends on; None if it is not simple."""
    if len(_answers) >= _MANY:
        _answers.clear()
    try:
        contents = tuple(map(_unless_leaf, function.__closure__ or ()))
        links = _Links([], [], contents, function.__defaults__)
        _visit(function, links, set())
    except (_NotSimpleError, ValueError):  # a cell that is not bound yet
        return None
    links.cells[: len(contents)] = []
    return links


def _unless_leaf(cell: Any) -> Any:
    """Return what a cell holds; of data only that it is some, so that it can be freed."""
    x = cell.cell_contents
    return None if issubclass(type(x), _LEAVES) else x


def _of_leaves(x: Any) -> bool:
    if type(x) is dict:
        return all(issubclass(type(y), _LEAVES) for y in x.values())
    return type(x) in (list, tuple) and all(issubclass(type(y), _LEAVES) for y in x)


def _visit(function: FunctionType, links: _Links, seen: set[CodeType]) -> None:
    """Collect what a function depends on.

    Raises
    ------
    _NotSimpleError
        If it has something that has to be seen.
    ValueError
        If a cell of a closure is not bound yet.
    """
    code = function.__code__
    if code in seen:
        return
    seen.add(code)
    if function.__kwdefaults__:
        raise _NotSimpleError
    values = list(function.__defaults__ or ())
    values += [x for x in code.co_consts if isinstance(x, (tuple, frozenset))]
    for cell in function.__closure__ or ():
        values.append(cell.cell_contents)
        links.cells.append((cell, cell.cell_contents))
    for name in _names(code, _modules_of_cells(function)):
        namespace = function.__globals__ if name in function.__globals__ else vars(builtins)
        x = namespace.get(name)
        links.names.append((namespace, name, x))
        if _BUILTINS.get(name) is not x or x is None:
            values.append(x)
    for x in values:
        if type(x) is FunctionType:
            _visit(x, links, seen)
        elif not (x is np or type(x) is np.ufunc or isinstance(x, _LEAVES) or _is_constant(x)):
            raise _NotSimpleError


def _is_constant(x: Any) -> bool:
    return isinstance(x, tuple) and all(isinstance(y, _LEAVES) or _is_constant(y) for y in x)


def _modules_of_cells(function: FunctionType) -> set[str]:
    """Return the names of a closure that stand for NumPy."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return {name for name, cell in cells if cell.cell_contents is np}


def _names(code: CodeType, numpys: Collection[str]) -> Iterator[str]:
    """Yield the names of modules that a function reads, after a look at all that it does.

    `numpys` are those of its closure that stand for NumPy.
    """
    module: Any = None  # of NumPy, if it was read last
    instructions = [x for x in dis.get_instructions(code) if x.opname not in _NOTHING]
    for instruction, following in pairwise([*instructions, instructions[-1]]):
        name = instruction.opname
        if name == "BUILD_TUPLE" and _indexes(following):
            continue  # of several axes: nothing else sees the tuple
        if name not in _OPERATIONS or (name == "BINARY_OP" and "=" in instruction.argrepr):
            raise _NotSimpleError
        if name == "LOAD_GLOBAL":
            yield instruction.argval
            module = np if instruction.argval in ("np", "numpy") else None
        elif name == "LOAD_DEREF":
            module = np if instruction.argval in numpys else None
        elif name in ("LOAD_ATTR", "LOAD_METHOD"):
            attribute = instruction.argval
            if not (_is_arrays(attribute) if module is None else _is_numpys(module, attribute)):
                raise _NotSimpleError
            module = {"linalg": np.linalg, "fft": np.fft}.get(attribute) if module is np else None
        else:
            module = None


def _indexes(instruction: dis.Instruction) -> bool:
    """Return whether an instruction indexes; from 3.14 on that is a binary operator."""
    name = instruction.opname
    return name == "BINARY_SUBSCR" or (name == "BINARY_OP" and "[" in instruction.argrepr)


def _is_numpys(module: Any, name: str) -> bool:
    """Return whether NumPy hands all calls of its function to a tracer among the arguments."""
    function = getattr(module, name, None)
    if name in _ATTRIBUTES:
        return True
    if type(function) is np.ufunc:
        return name in UFUNCS
    is_handed_over = type(function) is type(np.sum)
    return is_handed_over and function in FUNCTIONS and name not in _MAY_ASK


def _is_arrays(name: str) -> bool:
    """Return whether an attribute of an array, plain or traced, is one that tracers have."""
    return name in _ATTRIBUTES or (name in METHODS and name not in READING_METHODS)


# Of plain arguments they give a new array, or they take functions
_MAY_ASK = {"apply_along_axis", "apply_over_axes", "copy", "copyto", "empty_like", "full_like",
            "ones_like", "place", "put", "put_along_axis", "putmask", "fill_diagonal",
            "piecewise", "zeros_like", "linspace", "logspace", "geomspace"}  # fmt: skip

HOOKS["is_simple"] = is_simple
