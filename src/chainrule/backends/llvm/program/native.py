"""A compiled graph as a function of arrays: it fills a frame, calls `main`, reads the status."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any
from weakref import WeakSet, WeakValueDictionary

import numpy as np

from ....config import config
from ....forks import changing
from ....graph.graph import Graph
from ....graph.node import REFERENCE
from ....graph.types import Type
from ...base import NO_NUMBERS, Donated, FastCall, InstructionTime
from ...threads import usable_cpus
from ..debug.timing_report import TimingReport
from ..layout.frame import (
    AUTOTUNED_POOL,
    FAILED,
    FIRST_ARGUMENT,
    INTERRUPTED,
    POOL,
    STATUS,
)
from ..runtime import (
    call_spec_of,
    fast_call_address,
    imports_of,
    make_fast_call,
    pool,
    raise_from_frame,
    readable_numbers,
    set_main,
    within,
    worker,
)
from ..target.assembler import LoadedCode
from .executable import Executable, NumpyCall
from .frame import Frame

_Callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)
_Main = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)


class NativeProgram:
    """The function of arrays. Several threads may call it at once, each with its own frame."""

    def __init__(self, graph: Graph, donated: Donated, executable: Executable, code: bytes) -> None:
        self.set_interface(graph, donated)
        self.executable = executable
        self.constants = [
            (word, np.ascontiguousarray(node.value)) for node, word in executable.constants
        ]
        self._timing = TimingReport(executable.timed)
        self._code: list[LoadedCode] = []
        self._call_specs: list[Any] = []
        self._idle_frames: list[Frame] = []
        self._frames: WeakSet[Frame] = WeakSet()
        self._frame_at: WeakValueDictionary[int, Frame] = WeakValueDictionary()
        self._load(code)
        self._callback = _Callback(self._call_numpy) if executable.numpy_calls else None
        self._first_frame = self._new_frame()

    def set_interface(self, graph: Graph, donated: Donated) -> None:
        """Take and return arrays as a graph does, be it one whose numbers are pairs to the code."""
        self.inputs = graph.input_types
        self.outputs = tuple(t for k, t in enumerate(graph.output_types) if k not in donated)

    def _load(self, code: bytes) -> None:
        executable = self.executable
        iterations = [f"iteration{k}" for k in range(len(executable.iteration_words))]
        imports = imports_of(executable.symbols)
        loaded = LoadedCode(code, imports, ["main", *iterations])
        with changing:
            self._code.append(loaded)  # older code may still run, so it must not be unloaded
            self._address, *self._iterations = loaded.addresses
            self._main = _Main(self._address)
            for frame in self._frames:
                self._set_iterations(frame)
            for spec in self._call_specs:
                set_main(spec(), self._address)

    def promote(self, code: bytes) -> None:
        """Use optimised code of the same module from now on; calls that run take it up, too."""
        self._load(code)

    def _set_iterations(self, frame: Frame) -> None:
        for word, address in zip(self.executable.iteration_words, self._iterations, strict=True):
            frame.words[word] = address

    @property
    def arena_bytes(self) -> int:
        """Bytes that a call needs beside its arguments and results."""
        return self.executable.arena_bytes

    @property
    def threads(self) -> int:
        """For how many threads it was made; 0 if it is the same for any number."""
        return self.executable.threads

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        """Return the outputs as new arrays; the arguments may have any strides."""
        inputs = [_as_input(x, t) for x, t in zip(arguments, self.inputs, strict=True)]
        results = [np.empty(t.shape, t.dtype) for t in self.outputs]
        frame = self._take_frame()
        addresses = [x.ctypes.data for x in (*inputs, *results)]
        frame.words[FIRST_ARGUMENT : FIRST_ARGUMENT + len(addresses)] = addresses
        try:
            return self._run(frame, results)
        finally:
            self._idle_frames.append(frame)

    def fast_call(self, single: bool = False, numbers: Mapping[int, type] = NO_NUMBERS) -> FastCall:
        """Return a function that checks arrays and calls `main` without Python in between."""
        address = fast_call_address()
        if address is None:
            return _never
        readable = readable_numbers()
        if any(readable.get(kind) != self.inputs[k].dtype for k, kind in numbers.items()):
            return _never
        e = self.executable
        often = any(not call.rare for call in e.numpy_calls)
        by_python = e.parallel or often or e.timed or e.guarded
        run = self._run_one if single else self._run_many
        with changing:
            call = make_fast_call(
                address, self.inputs, self.outputs, self._first_frame.words, main=self._address,
                long=e.long, single=single, run=run if by_python else None, failed=self._failed,
                threads=self._thread_flag() if e.threads else None, keepalive=self,
                numbers=numbers,
            )  # fmt: skip
            if e.iteration_words:
                self._call_specs.append(call_spec_of(call))
        return call

    def instruction_times(self) -> list[InstructionTime]:
        """Return the time of each instruction in the fastest of all calls, if it is measured."""
        return self._timing.times()

    def _thread_flag(self) -> int:
        """Return the flag under which this program is valid; -2, which no flag is, if it is not."""
        flag = config.num_threads
        return flag if (flag or usable_cpus()) == self.executable.threads else -2

    def _run_many(self, results: list[Any]) -> list[Any]:
        return self._run(self._first_frame, results)

    def _run_one(self, results: list[Any]) -> Any:
        return self._run(self._first_frame, results)[0]

    def _failed(self, status: int) -> None:
        self._raise(status, self._first_frame)

    def _run(self, frame: Frame, results: list[Any]) -> list[Any]:
        """Run `main` in a frame whose addresses are set."""
        executable = self.executable
        start = perf_counter() if executable.timed else 0.0
        shared = pool(worker()) if executable.parallel else None
        frame.words[AUTOTUNED_POOL] = 0
        frame.words[POOL] = 0 if shared is None else shared.address
        try:
            if shared is None:
                status = self._main(frame.pointer)
            else:
                shared.wake()
                status = within()(shared.address, self._address, frame.address)
        except SystemError as error:  # ctypes saw an exception of SciPy's
            raise (error.__cause__ or error) from None
        if executable.timed:
            counters = frame.words[executable.n_words :]
            self._timing.add(counters, perf_counter() - start)
        if executable.guarded:
            frame.check_guards(executable)
        if status:
            self._raise(status, frame)
        return [r if r.ndim else r[()] for r in results]

    def _new_frame(self) -> Frame:
        frame = Frame(self.executable, self.constants, self._callback)
        self._frame_at[frame.address] = frame
        with changing:
            self._set_iterations(frame)
            self._frames.add(frame)
        return frame

    def _take_frame(self) -> Frame:
        """Return a frame that no other call uses."""
        try:
            return self._idle_frames.pop()
        except IndexError:
            return self._new_frame()

    def _raise(self, status: int, frame: Frame) -> None:
        if status == FAILED:
            error, frame.error = frame.error, None
            raise error or KeyboardInterrupt  # ctypes printed what a signal handler raised
        if status == INTERRUPTED:
            raise_from_frame(frame.words)
        node = self.executable.bounds_checks[status - 1]
        line = f"{node.line}: " if node.line else ""
        raise IndexError(
            f"{line}{node.primitive.name}: an index is out of bounds for an array of shape "
            f"{node.inputs[0].shape}"
        )

    def _call_numpy(self, address: int, number: int) -> None:
        """Compute a node with NumPy, or call the user's function; called from native code."""
        frame = self._frame_at[address]
        try:
            with np.errstate(all="ignore"):
                _evaluate(self.executable.numpy_calls[number], frame)
        except BaseException as error:  # raised again when native code has returned
            frame.error = error
        else:
            frame.words[STATUS] = 0


def _evaluate(call: NumpyCall, frame: Frame) -> None:
    node = call.node
    values = [frame.array(location) for location in call.inputs]
    into = node.primitive.spec.get("into")
    if into is not None:
        into(REFERENCE, [frame.array(x) for x in call.outputs], *values, **node.params)
        return
    result = node.primitive.evaluate(REFERENCE, *values, **node.params)
    results = result if node.dtype is None else (result,)
    for value, location in zip(results, call.outputs, strict=True):
        frame.array(location)[...] = value


def _never(*_: Any) -> None:
    """Stand for a fast call where there is none: it never runs."""


def _as_input(x: Any, type_: Type) -> Any:
    """Return an argument as compiled code reads it: C-contiguous, aligned, native byte order."""
    return np.require(x, type_.dtype, ["C", "A"])
