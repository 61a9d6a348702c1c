"""A compiled graph as a function of arrays: it fills a frame, calls `main`, reads the status."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np

from ...errors import CheckError, CompileError
from ...graph.graph import Graph
from ...graph.node import REFERENCE, Node
from ...graph.types import Type
from .arena import padded
from .engine import Loaded
from .instructions import Call, Plan
from .layout import View
from .runtime import Collector, collect, pool, raise_kept, symbols, worker
from .slots import ARENA, FIRST, POOL, RAISED
from .slots import REFERENCE as CALLBACK
from .timing import report

_Callback = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64)
_Main = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)


CANARY = 0xA5  # what lies in the arena before anything is written


class Frame:
    """What one running call owns: the slots, and the arena they begin with."""

    def __init__(self, slots: int, arena: int) -> None:
        self.memory = np.full(arena + 64, CANARY, np.uint8)
        self.slots = np.zeros(slots, np.int64)
        start = self.memory.ctypes.data
        self.slots[ARENA] = start + -start % 64
        self.address = self.slots.ctypes.data
        self.pointer = ctypes.c_void_p(self.address)  # made once: each conversion takes time
        self.arrays = ctypes.c_void_p(self.address + 8 * FIRST)
        self.error: BaseException | None = None


class NativeProgram:
    """The function of arrays; several threads may call it at once, each with its own frame."""

    def __init__(self, graph: Graph, plan: Plan, code: bytes) -> None:
        self.inputs, self.outputs = graph.input_types, graph.output_types
        self.plan = plan
        self.constants = [
            (slot, np.ascontiguousarray(node.value)) for node, slot in plan.constants.items()
        ]
        known = symbols()
        self._loaded = Loaded(code, {name: known[name] for name in plan.symbols}, ["main"])
        (address,) = self._loaded.addresses
        self._main = _Main(address)
        self._frames: list[Frame] = []
        self._running: dict[int, Frame] = {}
        found = collect()
        types = [*self.inputs, *self.outputs]
        self._collector = None if found is None else Collector(types, found)
        self._callback = _Callback(self._reference) if plan.calls else None

    @property
    def arena_bytes(self) -> int:
        """Bytes that a call needs beside its arguments and results."""
        return self.plan.arena

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        """The outputs, as new arrays."""
        found = self.attempt(list(arguments))
        if found is not None:
            return found
        kept = [_array(x, t) for x, t in zip(arguments, self.inputs, strict=True)]
        results = [np.empty(t.shape, t.dtype) for t in self.outputs]
        frame = self._take()
        addresses = [x.ctypes.data for x in (*kept, *results)]
        frame.slots[FIRST : FIRST + len(addresses)] = addresses
        return self._run(frame, results)

    def attempt(self, arguments: list[Any]) -> list[Any] | None:
        """The outputs, if the arguments are arrays just as compiled code reads them; else None."""
        if self._collector is None:
            return None
        frame = self._take()
        results = [np.empty(shape, dtype) for shape, dtype in self.outputs]
        if self._collector([*arguments, *results], frame.arrays):
            return self._run(frame, results)
        self._give(frame)
        return None

    def _run(self, frame: Frame, results: list[Any]) -> list[Any]:
        start = perf_counter() if self.plan.timed else 0.0
        shared = pool(worker()) if self.plan.parallel else None
        if shared is None:
            status = self._main(frame.pointer)
        else:
            frame.slots[POOL] = shared.address
            shared.begin()
            try:
                status = self._main(frame.pointer)
            finally:
                shared.end()
        if self.plan.timed:
            words = frame.slots[self.plan.slots :]
            report(self.plan.timed, words, perf_counter() - start)
        if self.plan.guarded:
            self._watch(frame)
        if status:
            self._raise(status, frame)
        self._give(frame)
        return [r if r.ndim else r[()] for r in results]

    def _give(self, frame: Frame) -> None:
        """The frame may be used again."""
        if self._callback is not None:
            del self._running[frame.address]
        self._frames.append(frame)

    def _watch(self, frame: Frame) -> None:
        """Raise if code wrote beyond a buffer of the arena."""
        start = int(frame.slots[ARENA]) - frame.memory.ctypes.data
        for k, buffer in enumerate(self.plan.guarded):
            end = start + buffer.offset + buffer.nbytes
            after = frame.memory[end : start + buffer.offset + padded(buffer)]
            if (after != CANARY).any():
                raise CheckError(f"compiled code wrote beyond buffer {k} of the arena")

    def _take(self) -> Frame:
        """A frame that nobody uses."""
        try:
            frame = self._frames.pop()
        except IndexError:
            frame = Frame(self.plan.slots + 2 * len(self.plan.timed), self.plan.arena)
            for slot, array in self.constants:
                frame.slots[slot] = array.ctypes.data
            if self._callback is not None:
                frame.slots[CALLBACK] = ctypes.cast(self._callback, ctypes.c_void_p).value or 0
        if self._callback is not None:
            self._running[frame.address] = frame
        return frame

    def _raise(self, status: int, frame: Frame) -> None:
        self._running.pop(frame.address, None)
        if frame.error is not None:
            raise frame.error
        if frame.slots[RAISED]:
            raise_kept(frame.slots)
        if status < 0:
            raise CompileError(f"compiled code ended with status {status}")
        node = self.plan.sites[status - 1]
        where = f"{node.line}: " if node.line else ""
        raise IndexError(
            f"{where}{node.primitive.name}: an index is out of bounds for an array of shape "
            f"{node.inputs[0].shape}"
        )

    def _reference(self, address: int, number: int) -> int:
        """Compute one node with NumPy, called from native code."""
        frame = self._running[address]
        try:
            call = self.plan.calls[number]
            with np.errstate(all="ignore"):
                _evaluate(call, frame)
        except BaseException as error:  # raised again when native code has returned
            frame.error = error
            return 1
        return 0


def _evaluate(call: Call, frame: Frame) -> None:
    node = call.node
    values = [_seen(view, frame) for view in call.inputs]
    made = node.primitive.evaluate(REFERENCE, *values, **node.params)
    made = made if node.dtype is None else (made,)
    for value, view in zip(made, call.results, strict=True):
        _seen(view, frame)[...] = value


def _seen(view: View, frame: Frame) -> Any:
    """A view as an array over the frame's memory."""
    buffer, size = view.buffer, view.dtype.itemsize
    if buffer.slot is None:
        start = int(frame.slots[ARENA]) + buffer.offset
    else:
        start = int(frame.slots[buffer.slot])
    if not buffer.size:
        return np.empty(view.shape, view.dtype)
    raw: Any = (ctypes.c_uint8 * buffer.nbytes).from_address(start)
    strides = [stride * size for stride in view.strides]
    return np.ndarray(view.shape, view.dtype, raw, view.offset * size, strides)


def _array(x: Any, type_: Type) -> Any:
    """An argument as compiled code reads it: dense, aligned, native byte order."""
    return np.require(x, type_.dtype, ["C", "A"])


def describe(node: Node) -> str:
    """A node for a line of debug output."""
    return f"{node.primitive.name} {node.type} {node.line}".rstrip()
