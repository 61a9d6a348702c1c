"""The fast call of a program: arrays are checked, results made and `main` called natively.

``a.ctypes.data`` and ``np.empty`` take a microsecond for each array; here it is a few nanoseconds.
A fast call is a built-in function of Python, whose code is in the library and whose `self` is the
program's `CallSpec`. It relies on the layout of three structs and on two functions of NumPy's C
API, so it is tried once, on arrays whose addresses are known, before it is trusted.
"""

from __future__ import annotations

import ctypes
import sys
import sysconfig
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ....config import checks_word, threads_word
from ....graph.types import Type
from ...base import NO_NUMBERS
from ..ir.builder import FunctionBuilder, Module
from ..layout.frame import BUSY, FIRST_ARGUMENT
from .readable_numbers import NUMBER

# PyArrayObject: data, nd, dimensions, strides, base, descr, flags (numpy/ndarraytypes.h); the same
# in CPython 3.11-3.14 and NumPy 1.x-2.x
_TYPE, _DATA, _RANK, _SIZES, _DESCR, _FLAGS = 8, 16, 24, 32, 56, 64
_FINE = 0x0101  # NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED
_NEW, _RETURN = 94, 76  # PyArray_NewFromDescr, PyArray_Return in NumPy's table of functions


# Words of a call spec. Then, for each input and each output: its descr, its type, its rank, its
# sizes
(_NDARRAY, _INPUTS, _OUTPUTS, _FRAME, _MAIN, _LONG, _SINGLE, _RUN, _FAILED, _MAKE,
 _SCALAR, _NONE, _SET, _THREADS, _HEAD) = range(15)  # fmt: skip

DECLARED = {
    "PyList_New": "ptr (i64)",
    "PyList_SetItem": "i32 (ptr, i64, ptr)",
    "PyList_GetItem": "ptr (ptr, i64)",
    "PyLong_FromLong": "ptr (i64)",
    "PyObject_CallOneArg": "ptr (ptr, ptr)",
    "PyEval_SaveThread": "ptr ()",
    "PyEval_RestoreThread": "void (ptr)",
    "Py_IncRef": "void (ptr)",
    "Py_DecRef": "void (ptr)",
    "PyErr_Occurred": "ptr ()",
}


def write_fast_call(module: Module) -> None:
    """Write ``ptr fast_call(self, arguments, count)``, as METH_FASTCALL has it."""
    for name, kind in DECLARED.items():
        returns, arguments = kind.split(" ", 1)
        module.declare(name, f"declare {returns} @{name}{arguments}")
    f = module.function(
        "fast_call", [("ptr", "self"), ("ptr", "arguments"), ("i64", "count")], "ptr"
    )
    _Writer(f).write()


class _Writer:
    """Writes `fast_call` from its first line to its last."""

    def __init__(self, f: FunctionBuilder) -> None:
        self.f = f
        self.spec = self.word("%self", _DATA, "ptr")
        self.frame = self.of_spec(_FRAME, "ptr")
        f.emit("%cursor = alloca ptr, align 8")
        f.emit("%data = alloca i64, align 8")

    def word(self, pointer: str, offset: int, kind: str = "i64") -> str:
        """Load a word that many bytes after an address."""
        f = self.f
        return f.name(f"load {kind}, ptr {f.offset(pointer, offset, 1)}, align 8")

    def of_spec(self, number: int, kind: str = "i64") -> str:
        """Load a word of the call spec."""
        return self.word(self.spec, 8 * number, kind)

    def put(self, value: str | int, number: str | int) -> None:
        """Write a word of the frame."""
        f = self.f
        f.emit(f"store i64 {value}, ptr {f.offset(self.frame, number, 8)}, align 8")

    def demand(self, condition: str, otherwise: str) -> None:
        """Jump elsewhere unless an i1 holds."""
        fine = self.f.fresh("fine")
        self.f.branch(condition, fine, otherwise)
        self.f.label(fine)

    def write(self) -> None:
        """Write all of it. The function returns None if the arguments are not as expected.

        Making results may run the garbage collector, and so any Python code, which may call this
        very program. So results are result before the frame is marked as busy: from there on only
        `main` runs, or a function that finds the frame busy.
        """
        f = self.f
        inputs = self.of_spec(_INPUTS)
        self.demand(f.name(f"icmp eq i64 %count, {inputs}"), "other")
        chosen = self.word(self.of_spec(_SET, "ptr"), 0)
        self.demand(f.name(f"icmp eq i64 {chosen}, {self.of_spec(_THREADS)}"), "other")
        self.free("other")
        self.arguments(inputs, "other")
        results = self.results()
        self.free("late")
        self.arguments(inputs, "late", fill=True)  # again: they may have been changed meanwhile
        self.addresses(results, inputs)
        self.put(1, BUSY)
        self.run(results)
        f.label("late")
        f.emit(f"call void @Py_DecRef(ptr {results})")
        f.jump("other")
        f.label("other")
        none = self.of_spec(_NONE, "ptr")
        f.emit(f"call void @Py_IncRef(ptr {none})")
        f.emit(f"ret ptr {none}")

    def free(self, otherwise: str) -> None:
        """Jump elsewhere if another call uses the frame."""
        busy = self.word(self.frame, 8 * BUSY)
        self.demand(self.f.name(f"icmp eq i64 {busy}, 0"), otherwise)

    def arguments(self, count: str, otherwise: str, fill: bool = False) -> None:
        """Check each, which is an array or a number; `fill` writes its address to the frame."""
        f = self.f
        kind = self.of_spec(_NDARRAY)
        f.emit(f"store ptr {f.offset(self.spec, _HEAD, 8)}, ptr %cursor, align 8")
        with f.loop(0, count) as loop:
            want = f.name("load ptr, ptr %cursor, align 8")
            address = f.offset("%arguments", loop.index, 8)
            item = f.name(f"load ptr, ptr {address}, align 8")
            wanted, rank = self.word(want, 8), self.word(want, 16)
            self.demand(f.name(f"icmp eq i64 {self.word(item, _TYPE)}, {wanted}"), otherwise)
            number = f.name(f"ptrtoint ptr {f.offset(item, NUMBER, 1)} to i64")
            f.emit(f"store i64 {number}, ptr %data, align 8")
            with f.when(f.name(f"icmp eq i64 {wanted}, {kind}")):
                self.array(item, want, rank, otherwise)
            f.emit(f"store ptr {f.offset(f.offset(want, 24, 1), rank, 8)}, ptr %cursor, align 8")
            if fill:
                data = f.name("load i64, ptr %data, align 8")
                self.put(data, f.plus(loop.index, FIRST_ARGUMENT))

    def array(self, item: str, want: str, rank: str, otherwise: str) -> None:
        """Check dtype, layout and shape of an array, and note its address."""
        f = self.f
        self.demand(
            f.name(f"icmp eq i64 {self.word(item, _DESCR)}, {self.word(want, 0)}"), otherwise
        )
        flags = f.name(f"load i32, ptr {f.offset(item, _FLAGS, 1)}, align 4")
        fine = f.name(f"and i32 {flags}, {_FINE}")
        self.demand(f.name(f"icmp eq i32 {fine}, {_FINE}"), otherwise)
        rank32 = f.name(f"load i32, ptr {f.offset(item, _RANK, 1)}, align 4")
        self.demand(f.name(f"icmp eq i64 {f.name(f'sext i32 {rank32} to i64')}, {rank}"), otherwise)
        sizes, sought = self.word(item, _SIZES, "ptr"), f.offset(want, 24, 1)
        with f.loop(0, rank) as axes:
            size = f.name(f"load i64, ptr {f.offset(sizes, axes.index, 8)}, align 8")
            asked = f.name(f"load i64, ptr {f.offset(sought, axes.index, 8)}, align 8")
            self.demand(f.name(f"icmp eq i64 {size}, {asked}"), otherwise)
        f.emit(f"store i64 {self.word(item, _DATA)}, ptr %data, align 8")

    def results(self) -> str:
        """Make a list of new arrays."""
        f = self.f
        count, kind, make = self.of_spec(_OUTPUTS), self.of_spec(_NDARRAY, "ptr"), _MAKE
        results = f.name(f"call ptr @PyList_New(i64 {count})")
        self.demand(f.name(f"icmp ne ptr {results}, null"), "nothing")
        with f.loop(0, count) as loop:
            want = f.name("load ptr, ptr %cursor, align 8")
            descr, rank = self.word(want, 0, "ptr"), self.word(want, 16)
            f.emit(f"call void @Py_IncRef(ptr {descr})")  # which the new array takes
            sizes = f.offset(want, 24, 1)
            rank32 = f.name(f"trunc i64 {rank} to i32")
            result = f.name(
                f"call ptr {self.of_spec(make, 'ptr')}(ptr {kind}, ptr {descr}, i32 {rank32}, "
                f"ptr {sizes}, ptr null, ptr null, i32 0, ptr null)"
            )
            self.demand(f.name(f"icmp ne ptr {result}, null"), "released")
            f.name(f"call i32 @PyList_SetItem(ptr {results}, i64 {loop.index}, ptr {result})")
            f.emit(f"store ptr {f.offset(sizes, rank, 8)}, ptr %cursor, align 8")
        ready = f.fresh("ready")
        f.jump(ready)
        f.label("released")  # no memory: the exception is set
        f.emit(f"call void @Py_DecRef(ptr {results})")
        f.jump("nothing")
        f.label("nothing")
        f.emit("ret ptr null")
        f.label(ready)
        return results

    def addresses(self, results: str, inputs: str) -> None:
        """Write the results' addresses to the frame after those of the arguments."""
        f = self.f
        with f.loop(0, self.of_spec(_OUTPUTS)) as loop:
            item = f.name(f"call ptr @PyList_GetItem(ptr {results}, i64 {loop.index})")
            address = f.plus(f.plus(loop.index, inputs), FIRST_ARGUMENT)
            self.put(self.word(item, _DATA), address)

    def run(self, results: str) -> None:
        """Call `main`, or a Python function in its stead; then return the results."""
        f = self.f
        function = self.of_spec(_RUN, "ptr")
        native, python = f.fresh("native"), f.fresh("python")
        f.branch(f.name(f"icmp eq ptr {function}, null"), native, python)
        f.label(python)
        result = f.name(f"call ptr @PyObject_CallOneArg(ptr {function}, ptr {results})")
        self.put(0, BUSY)
        f.emit(f"call void @Py_DecRef(ptr {results})")
        f.emit(f"ret ptr {result}")
        f.label(native)
        status = self.status()
        failed, fine = f.fresh("failed"), f.fresh("fine")
        f.branch(f.name(f"icmp eq i32 {status}, 0"), fine, failed)
        f.label(failed)  # the function raises
        f.emit(f"call void @Py_DecRef(ptr {results})")
        number = f.name(f"call ptr @PyLong_FromLong(i64 {f.name(f'sext i32 {status} to i64')})")
        function = self.of_spec(_FAILED, "ptr")
        raised = f.name(f"call ptr @PyObject_CallOneArg(ptr {function}, ptr {number})")
        self.put(0, BUSY)
        f.emit(f"call void @Py_DecRef(ptr {number})")
        f.emit(f"ret ptr {raised}")
        f.label(fine)
        self.put(0, BUSY)
        error = f.name("call ptr @PyErr_Occurred()")  # of SciPy's, if special.errstate says so
        self.demand(f.name(f"icmp eq ptr {error}, null"), "released")
        self.numbers(results)
        self.end(results)

    def status(self) -> str:
        """Call `main`, without the GIL if it takes long, and return its status."""
        f, main = self.f, self.of_spec(_MAIN, "ptr")
        long, short, after = f.fresh("long"), f.fresh("short"), f.fresh("after")
        f.branch(f.name(f"icmp ne i64 {self.of_spec(_LONG)}, 0"), long, short)
        f.label(long)
        state = f.name("call ptr @PyEval_SaveThread()")
        one = f.name(f"call i32 {main}(ptr {self.frame})")
        f.emit(f"call void @PyEval_RestoreThread(ptr {state})")
        f.jump(after)
        f.label(short)
        other = f.name(f"call i32 {main}(ptr {self.frame})")
        f.jump(after)
        f.label(after)
        return f.name(f"phi i32 [{one}, %{long}], [{other}, %{short}]")

    def numbers(self, results: str) -> None:
        """Replace arrays of rank 0 by NumPy's scalars."""
        f = self.f
        to_scalar = self.of_spec(_SCALAR, "ptr")
        with f.loop(0, self.of_spec(_OUTPUTS)) as loop:
            item = f.name(f"call ptr @PyList_GetItem(ptr {results}, i64 {loop.index})")
            rank = f.name(f"load i32, ptr {f.offset(item, _RANK, 1)}, align 4")
            with f.when(f.name(f"icmp eq i32 {rank}, 0")):
                f.emit(f"call void @Py_IncRef(ptr {item})")  # which the call gives up
                number = f.name(f"call ptr {to_scalar}(ptr {item})")
                f.name(f"call i32 @PyList_SetItem(ptr {results}, i64 {loop.index}, ptr {number})")

    def end(self, results: str) -> None:
        """Return all results, or the only one."""
        f = self.f
        one, all_ = f.fresh("one"), f.fresh("all")
        f.branch(f.name(f"icmp ne i64 {self.of_spec(_SINGLE)}, 0"), one, all_)
        f.label(all_)
        f.emit(f"ret ptr {results}")
        f.label(one)
        item = f.name(f"call ptr @PyList_GetItem(ptr {results}, i64 0)")
        f.emit(f"call void @Py_IncRef(ptr {item})")
        f.emit(f"call void @Py_DecRef(ptr {results})")
        f.emit(f"ret ptr {item}")


class CallSpec(np.ndarray):
    """The words that a fast call reads, and the objects that they point at."""

    keepalive: tuple[Any, ...]


class _Method(ctypes.Structure):
    """PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


_FASTCALL = 0x0080
_methods: dict[int, _Method] = {}


def make_fast_call(
    address: int, inputs: Sequence[Type], outputs: Sequence[Type], frame: Any, *,
    main: int = 0, long: bool = True, single: bool = False, threads: int | None = None,
    run: Callable[[list[Any]], Any] | None = None, failed: Callable[[int], Any] | None = None,
    keepalive: object = None, checked: bool = True, numbers: Mapping[int, type] = NO_NUMBERS,
) -> Callable[..., Any]:  # fmt: skip
    """Return a function of arrays that runs a program; of anything else it returns None.

    Parameters
    ----------
    address : int
        Address of the library's `fast_call`.
    inputs, outputs : sequence of Type
    frame : array of int64
        Its words; no other call uses it while the word `BUSY` is not 0.
    main : int
        The program's address.
    long : bool
        Whether other Python threads may run meanwhile.
    single : bool
        Return the only result rather than a list.
    threads : int, optional
        The flag of this name for which the program was result, if that makes a difference.
    run : callable, optional
        Called with the results' arrays in main's stead.
    failed : callable, optional
        Called with a status that is not 0: it raises.
    keepalive : object
        What must live as long as the function.
    checked : bool
        Whether it never runs while results are to be looked at (`config.nans`).
    numbers : mapping of int to type
        Inputs that are numbers of these types (`readable_numbers`), and no arrays.
    """
    new, scalar = _numpy_api()
    words = [id(np.ndarray), len(inputs), len(outputs), frame.ctypes.data, main, long, single,
             0 if run is None else id(run), 0 if failed is None else id(failed), new,
             scalar, id(None), 0, threads or 0]  # fmt: skip
    for k, t in enumerate((*inputs, *outputs)):
        kind = numbers.get(k, np.ndarray) if k < len(inputs) else np.ndarray
        words += [id(t.dtype), id(kind), len(t.shape), *t.shape]
    spec = np.array(words, np.int64).view(CallSpec)
    word = checks_word if threads is None else threads_word
    spec[_SET] = ctypes.addressof(word) if checked else spec.ctypes.data + 8 * _THREADS
    spec.keepalive = (frame, run, failed, keepalive, [t.dtype for t in (*inputs, *outputs)])
    if address not in _methods:
        _methods[address] = _Method(b"compiled", address, _FASTCALL, b"A compiled function.")
    new_function = ctypes.pythonapi.PyCFunction_NewEx
    new_function.restype = ctypes.py_object
    new_function.argtypes = [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    return new_function(ctypes.addressof(_methods[address]), spec, None)  # type: ignore[no-any-return]


def call_spec_of(fast_call: Callable[..., Any]) -> weakref.ref[CallSpec]:
    """Return the call spec of a fast call, for as long as that lives."""
    return weakref.ref(fast_call.__self__)  # type: ignore[attr-defined]


def set_main(spec: CallSpec | None, address: int) -> None:
    """Have a fast call run another `main` from now on."""
    if spec is not None:
        spec[_MAIN] = address


def _numpy_api() -> tuple[int, int]:
    """Return the addresses of PyArray_NewFromDescr and PyArray_Return."""
    # An attribute, since NumPy is loaded: an import would wait for `forks.importing`, and those
    # who make fast calls hold locks that come after it.
    capsule = np._core._multiarray_umath._ARRAY_API  # type: ignore[attr-defined]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype = ctypes.c_void_p
    pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    table = ctypes.cast(pointer(capsule, None), ctypes.POINTER(ctypes.c_void_p))
    return table[_NEW] or 0, table[_RETURN] or 0


def works(address: int) -> bool:
    """Whether Python and NumPy are built as this file assumes, which is tried out."""
    if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return False
    a, b, c = np.zeros((2, 3), np.float32), np.ones(5), 2.5
    types = [Type(x.shape, x.dtype) for x in (a, b, np.asarray(c))]
    frame = np.zeros(FIRST_ARGUMENT + 6, np.int64)

    def run(results: list[Any]) -> bool:
        result = [Type(x.shape, x.dtype) for x in results]
        return result == types and list(frame[FIRST_ARGUMENT:]) == [
            a.ctypes.data, b.ctypes.data, id(c) + NUMBER, *[x.ctypes.data for x in results]
        ]  # fmt: skip

    call = make_fast_call(address, types, types, frame, run=run, checked=False, numbers={2: float})
    odd = ((a, b[::-1]), (a, a), (a,), (a, 1.0), (a, b.astype(np.int64)))
    others = (np.float64(2.5), np.asarray(2.5), 2)
    fine = call(a, b, c) is True and all(call(a, b, x) is None for x in others)
    return fine and all(call(*x, c) is None for x in odd)
