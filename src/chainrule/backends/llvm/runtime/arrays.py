"""The addresses of arrays, read where CPython and NumPy keep them: one call for a whole list.

``a.ctypes.data`` takes a microsecond an array; this takes a few nanoseconds. It leans on the layout
of three structs, so it is tried once, on arrays whose addresses are known, before it is trusted.
"""

from __future__ import annotations

import ctypes
import sys
import sysconfig
from collections.abc import Sequence
from typing import Any

import numpy as np

from ....graph.types import Type
from ..ir import Unit

# PyObject: count, type. PyListObject: size, items. PyArrayObject: data, nd, dimensions, strides,
# base, descr, flags (numpy/ndarraytypes.h); all the same in CPython 3.11-3.14 and NumPy 1.x-2.x
_TYPE, _ITEMS, _DATA, _RANK, _SIZES, _DESCR, _FLAGS = 8, 24, 16, 24, 32, 56, 64
_FINE = 0x0101  # NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED


def write_collect(unit: Unit) -> None:
    """``i64 collect(list, expected, slots)``: how many items are as expected, from the first on.

    `expected` holds, in words: the type ndarray, the count, then for each item its descr, its rank
    and its sizes. The addresses of their data go to `slots`.
    """
    arguments = [("ptr", "list"), ("ptr", "expected"), ("ptr", "slots")]
    f = unit.function("collect", arguments, "i64")

    def word(pointer: str, offset: int, kind: str = "i64") -> str:
        return f.name(f"load {kind}, ptr {f.offset(pointer, offset, 1)}, align 8")

    kind, count = word("%expected", 0), word("%expected", 8)
    items = word("%list", _ITEMS, "ptr")
    f.emit("%cursor = alloca ptr, align 8")
    f.emit(f"store ptr {f.offset('%expected', 16, 1)}, ptr %cursor, align 8")
    wrong = f.fresh("wrong")
    f.emit("%found = alloca i64, align 8")

    def demand(condition: str) -> None:
        fine = f.fresh("fine")
        f.branch(condition, fine, wrong)
        f.label(fine)

    with f.loop(0, count) as loop:
        f.emit(f"store i64 {loop.index}, ptr %found, align 8")
        want = f.name("load ptr, ptr %cursor, align 8")
        item = f.name(f"load ptr, ptr {f.offset(items, loop.index, 8)}, align 8")
        demand(f.name(f"icmp eq i64 {word(item, _TYPE)}, {kind}"))
        demand(f.name(f"icmp eq i64 {word(item, _DESCR)}, {word(want, 0)}"))
        flags = f.name(f"load i32, ptr {f.offset(item, _FLAGS, 1)}, align 4")
        demand(f.name(f"icmp eq i32 {f.name(f'and i32 {flags}, {_FINE}')}, {_FINE}"))
        rank32 = f.name(f"load i32, ptr {f.offset(item, _RANK, 1)}, align 4")
        rank = f.name(f"sext i32 {rank32} to i64")
        demand(f.name(f"icmp eq i64 {rank}, {word(want, 8)}"))
        sizes, wanted = word(item, _SIZES, "ptr"), f.offset(want, 16, 1)
        with f.loop(0, rank) as axes:
            size = f.name(f"load i64, ptr {f.offset(sizes, axes.index, 8)}, align 8")
            asked = f.name(f"load i64, ptr {f.offset(wanted, axes.index, 8)}, align 8")
            demand(f.name(f"icmp eq i64 {size}, {asked}"))
        f.emit(f"store ptr {f.offset(wanted, rank, 8)}, ptr %cursor, align 8")
        place = f.offset("%slots", loop.index, 8)
        f.emit(f"store i64 {word(item, _DATA)}, ptr {place}, align 8")
    f.emit(f"ret i64 {count}")
    f.label(wrong)
    f.emit(f"ret i64 {f.name('load i64, ptr %found, align 8')}")


class Collector:
    """Writes the addresses of a list's arrays to slots, if all are of the types expected."""

    def __init__(self, types: Sequence[Type], address: int) -> None:
        words = [id(np.ndarray), len(types)]
        for t in types:
            words += [id(t.dtype), len(t.shape), *t.shape]
        self._kept = [t.dtype for t in types]  # so that their ids stay theirs
        self._words = np.array(words, np.int64)
        self._expected = ctypes.c_void_p(self._words.ctypes.data)
        self._count = len(types)
        kinds: list[Any] = [ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p]
        self._collect = ctypes.PYFUNCTYPE(ctypes.c_int64, *kinds)(address)

    def __call__(self, arrays: list[Any], slots: ctypes.c_void_p) -> bool:
        """Whether all were as expected; the slots from an address on are filled then."""
        return bool(self._collect(arrays, self._expected, slots) == self._count)


def works(address: int) -> bool:
    """Whether the structs lie as this file believes: by trial."""
    if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return False
    a, b = np.zeros((2, 3), np.float32), np.ones(5)
    types = [Type(x.shape, x.dtype) for x in (a, b)]
    slots = np.zeros(2, np.int64)
    collector = Collector(types, address)
    place = ctypes.c_void_p(slots.ctypes.data)
    fine = collector([a, b], place)
    odd = collector([a, b[::-1]], place) or collector([a, a], place)
    return fine and not odd and slots[0] == a.ctypes.data
