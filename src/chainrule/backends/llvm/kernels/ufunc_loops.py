"""Inner loops of ufuncs, as functions that native code calls: those of SciPy's special functions.

Where a `PyUFuncObject` keeps their addresses is part of NumPy's C interface, so it is the same in
all of NumPy 2; what looks otherwise is not used. Code refers to a loop by a symbol that names it,
such as ``scipy.special.gammaln.d-d``, so that it is valid in the next process, too.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np

from ....graph.node import Node
from ....primitives.declare import Ufunc

_HEAD = 2 * ctypes.sizeof(ctypes.c_void_p)  # of a PyObject
_HOMES = ("scipy.special.",)  # of the ufuncs whose loops code may call
DATA = ".data"  # at the end of the name of what a loop is handed beside its arguments
Dtypes = tuple[np.dtype[Any], ...]


@dataclass(frozen=True)
class Loop:
    """One loop of a ufunc: the dtypes that it takes and gives, and its symbol."""

    symbol: str
    inputs: Dtypes
    outputs: Dtypes
    result: int


def address_of(ufunc: Any, k: int) -> tuple[int, int]:
    """Return the addresses of the k-th loop of a ufunc and of its data.

    Raises
    ------
    ValueError
        If the memory of the ufunc is not laid out as expected.
    """
    start = id(ufunc) + _HEAD
    arities = tuple((ctypes.c_int * 3).from_address(start))
    functions, data, count = start + 16, start + 24, start + 32
    expected = (ufunc.nin, ufunc.nout, ufunc.nargs)
    if arities != expected or ctypes.c_int.from_address(count).value != ufunc.ntypes:
        raise ValueError("another layout of ufuncs")
    table = _word(data)
    return _word(_word(functions) + 8 * k), _word(table + 8 * k) if table else 0


def _word(address: int) -> int:
    return ctypes.c_void_p.from_address(address).value or 0


def loop_of(node: Node) -> Loop | None:
    """Return the loop that computes a node of a ufunc of SciPy's; None if there is none."""
    source = node.primitive.spec.get("ufunc")
    dtypes = tuple(x.dtype for x in node.inputs)
    if source is None or any(dtype is None for dtype in dtypes):
        return None
    loop = loop_for(source, dtypes)
    return loop if loop is not None and loop.outputs[loop.result] == node.dtype else None


@lru_cache(maxsize=1024)
def loop_for(source: Ufunc, dtypes: Dtypes) -> Loop | None:
    """Return the loop in which a ufunc computes for inputs of these dtypes."""
    dtypes = (*[np.dtype(np.int64)] * source.whole, *dtypes[source.whole :])
    try:
        ufunc = getattr(import_module(source.module), source.name)
        if not isinstance(ufunc, np.ufunc):
            return None
        inside = ufunc.resolve_dtypes((*dtypes, *[None] * ufunc.nout))
    except (ImportError, AttributeError, TypeError):
        return None
    for types in ufunc.types:
        inputs, outputs = (tuple(map(np.dtype, part)) for part in types.split("->"))
        if (*inputs, *outputs) == inside and all(dtype.kind in "if" for dtype in inside):
            symbol = f"{source.module}.{source.name}.{types.replace('->', '-')}"
            return Loop(symbol, inputs, outputs, source.result) if _address(symbol) else None
    return None


def addresses(names: Iterable[str]) -> dict[str, int]:
    """Return the addresses of loops, and of their data, by symbol.

    Raises
    ------
    KeyError
        If there is none of such a name, or any more.
    """
    result: dict[str, int] = {}
    for name in names:
        loop, data = _address(name.removesuffix(DATA)) or (0, 0)
        result[name] = data if name.endswith(DATA) else loop
        if not loop:
            raise KeyError(name)
    return result


def is_symbol(name: str) -> bool:
    """Return whether a name in code is that of a loop or of its data."""
    return name.startswith(_HOMES)


@lru_cache(maxsize=1024)
def _address(symbol: str) -> tuple[int, int] | None:
    module, name, types = symbol.rsplit(".", 2)
    try:
        ufunc = getattr(import_module(module), name)
        return address_of(ufunc, ufunc.types.index(types.replace("-", "->")))
    except (ImportError, AttributeError, ValueError):
        return None
