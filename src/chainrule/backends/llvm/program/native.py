"""A compiled graph as a function of arrays: it fills a frame, calls `main`, reads the status."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from time import perf_counter
from typing import Any
from weakref import WeakSet, WeakValueDictionary

import numpy as np

from ....config import config
from ....errors import CheckError, CompileError
from ....forks import changing
from ....graph.graph import Graph
from ....graph.node import REFERENCE, Node
from ....graph.types import Type
from ...base import Function
from ...threads import usable_cpus
from ..debug.timing import report
from ..instructions.base import Call, Plan
from ..layout.frame import ARENA, FAILED, FIRST, INTERRUPTED, NEAR, POOL
from ..layout.frame import REFERENCE as CALLBACK
from ..layout.view import View
from ..runtime import (
    card_of,
    entry_address,
    make_entry,
    pool,
    raise_kept,
    set_main,
    symbols,
    within,
    worker,
)
from ..schedule.arena import padded
from ..target.assembler import Loaded

_Callback = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64)
_Main = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)


CANARY = 0xA5  # what lies in the arena before anything is written


class Frame:
    """What one running call owns: the slots, and the arena they begin with."""

    def __init__(self, plan: Plan, constants: Sequence[tuple[int, Any]], callback: Any) -> None:
        self.memory = np.empty(plan.arena + 64, np.uint8)
        if plan.guarded:
            self.memory[:] = CANARY
        self.slots = np.zeros(plan.slots + 2 * len(plan.timed), np.int64)
        start = self.memory.ctypes.data
        self.slots[ARENA] = start + -start % 64
        for slot, array in constants:
            self.slots[slot] = array.ctypes.data
        if callback is not None:
            self.slots[CALLBACK] = ctypes.cast(callback, ctypes.c_void_p).value or 0
        self.address = self.slots.ctypes.data
        self.pointer = ctypes.c_void_p(self.address)
        self.error: BaseException | None = None


class NativeProgram:
    """The function of arrays; several threads may call it at once, each with its own frame."""

    def __init__(self, graph: Graph, plan: Plan, code: bytes) -> None:
        self.inputs, self.outputs = graph.input_types, graph.output_types
        self.plan = plan
        self.constants = [
            (slot, np.ascontiguousarray(node.value)) for node, slot in plan.constants.items()
        ]
        self._loaded: list[Loaded] = []
        self._cards: list[Any] = []
        self._frames: list[Frame] = []
        self._made: WeakSet[Frame] = WeakSet()
        self._load(code)
        self._by_address: WeakValueDictionary[int, Frame] = WeakValueDictionary()
        self._callback = _Callback(self._reference) if plan.calls else None
        self._own = self._frame()

    def _load(self, code: bytes) -> None:
        known = symbols()
        names = ["main", *[f"turn{k}" for k in range(len(self.plan.turns))]]
        loaded = Loaded(code, {name: known[name] for name in self.plan.symbols}, names)
        with changing:
            self._loaded.append(loaded)  # code that still runs must not go
            self._address, *self._turns = loaded.addresses
            self._main = _Main(self._address)
            for frame in self._made:
                self._set_turns(frame)
            for card in self._cards:
                set_main(card(), self._address)

    def improve(self, code: bytes) -> None:
        """Use other code for the same plan from now on; calls that run take it up, too."""
        self._load(code)

    def _set_turns(self, frame: Frame) -> None:
        for slot, address in zip(self.plan.turns, self._turns, strict=True):
            frame.slots[slot] = address

    @property
    def arena_bytes(self) -> int:
        """Bytes that a call needs beside its arguments and results."""
        return self.plan.arena

    @property
    def threads(self) -> int:
        """For how many threads it was made; 0 if it is the same for any number."""
        return self.plan.threads

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        """The outputs, as new arrays; the arguments may be laid out anyhow."""
        kept = [_array(x, t) for x, t in zip(arguments, self.inputs, strict=True)]
        results = [np.empty(t.shape, t.dtype) for t in self.outputs]
        frame = self._take()
        addresses = [x.ctypes.data for x in (*kept, *results)]
        frame.slots[FIRST : FIRST + len(addresses)] = addresses
        try:
            return self._run(frame, results)
        finally:
            self._frames.append(frame)

    def bound(self, single: bool = False) -> Function:
        """The program as a function of arrays that are just as its code reads them, or None."""
        address = entry_address()
        if address is None:
            return _unable
        plan = self.plan
        by_python = plan.parallel or plan.calls or plan.timed or plan.guarded
        finish = self._only if single else self._all
        with changing:
            made = make_entry(
                address, self.inputs, self.outputs, self._own.slots, main=self._address,
                long=plan.long, single=single, run=finish if by_python else None,
                failed=self._failed, threads=self._flag() if plan.threads else None, kept=self,
            )  # fmt: skip
            if plan.turns:
                self._cards.append(card_of(made))
        return made

    def _flag(self) -> int:
        """The flag under which the program is the right one; -2, which none is, if it is not."""
        flag = config.num_threads
        return flag if (flag or usable_cpus()) == self.plan.threads else -2

    def _all(self, results: list[Any]) -> list[Any]:
        return self._run(self._own, results)

    def _only(self, results: list[Any]) -> Any:
        return self._run(self._own, results)[0]

    def _failed(self, status: int) -> None:
        self._raise(status, self._own)

    def _run(self, frame: Frame, results: list[Any]) -> list[Any]:
        """Run `main` in a frame whose addresses are set."""
        start = perf_counter() if self.plan.timed else 0.0
        shared = pool(worker()) if self.plan.parallel else None
        frame.slots[NEAR] = 0
        if shared is None:
            frame.slots[POOL] = 0
            status = self._main(frame.pointer)
        else:
            frame.slots[POOL] = shared.address
            shared.wake()
            status = within()(shared.address, self._address, frame.address)
        if self.plan.timed:
            words = frame.slots[self.plan.slots :]
            report(self.plan.timed, words, perf_counter() - start)
        if self.plan.guarded:
            self._watch(frame)
        if status:
            self._raise(status, frame)
        return [r if r.ndim else r[()] for r in results]

    def _frame(self) -> Frame:
        frame = Frame(self.plan, self.constants, self._callback)
        self._by_address[frame.address] = frame
        with changing:
            self._set_turns(frame)
            self._made.add(frame)
        return frame

    def _take(self) -> Frame:
        """A frame that nobody uses."""
        try:
            return self._frames.pop()
        except IndexError:
            return self._frame()

    def _watch(self, frame: Frame) -> None:
        """Raise if code wrote beyond a buffer of the arena."""
        start = int(frame.slots[ARENA]) - frame.memory.ctypes.data
        for k, buffer in enumerate(self.plan.guarded):
            end = start + buffer.offset + buffer.nbytes
            after = frame.memory[end : start + buffer.offset + padded(buffer)]
            if (after != CANARY).any():
                raise CheckError(f"compiled code wrote beyond buffer {k} of the arena")

    def _raise(self, status: int, frame: Frame) -> None:
        if status == FAILED:
            error, frame.error = frame.error, None
            raise error or CompileError("a computation by NumPy failed")
        if status == INTERRUPTED:
            raise_kept(frame.slots)
        node = self.plan.sites[status - 1]
        where = f"{node.line}: " if node.line else ""
        raise IndexError(
            f"{where}{node.primitive.name}: an index is out of bounds for an array of shape "
            f"{node.inputs[0].shape}"
        )

    def _reference(self, address: int, number: int) -> int:
        """Compute one node with NumPy, called from native code."""
        frame = self._by_address[address]
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


def _unable(*_: Any) -> None:
    """No program as a function of arrays."""


def _array(x: Any, type_: Type) -> Any:
    """An argument as compiled code reads it: dense, aligned, native byte order."""
    return np.require(x, type_.dtype, ["C", "A"])


def describe(node: Node) -> str:
    """A node for a line of debug output."""
    return f"{node.primitive.name} {node.type} {node.line}".rstrip()
