"""Ctrl-C while native code runs: from time to time Python is asked whether a signal came.

A signal's handler runs inside the question, in the main thread; what it raises is kept in the
frame, the native code ends, and the exception goes on where Python called it.
"""

from __future__ import annotations

import ctypes
from typing import Any

from ..ir.builder import Module
from ..layout.frame import RAISED, TICK

# Counts of the CPU's clock between two questions: 20-50 ms at 2-5 GHz. Where the clock is slower
# (24 MHz to 1 GHz on ARM) the question comes more often than needed, but for at most 4 s: see below
_TICKS = 100_000_000
API = ("PyGILState_Ensure", "PyGILState_Release", "PyErr_CheckSignals", "PyErr_Fetch")


def write_poll(module: Module, x86: bool) -> None:
    """``i32 poll(frame)``: not 0 if a handler raised."""
    module.declare("ensure", "declare i32 @PyGILState_Ensure()")
    module.declare("release", "declare void @PyGILState_Release(i32)")
    module.declare("check", "declare i32 @PyErr_CheckSignals()")
    module.declare("fetch", "declare void @PyErr_Fetch(ptr, ptr, ptr)")
    f = module.function("poll", [("ptr", "frame")], "i32")
    place = f.offset("%frame", TICK, 8)
    now = f.clock()
    before = f.name(f"load i64, ptr {place}, align 8")
    passed = f.name(f"sub i64 {now}, {before}")
    ask, on, raised = f.fresh("ask"), f.fresh("on"), f.fresh("raised")
    f.branch(f.name(f"icmp ugt i64 {passed}, {_TICKS if x86 else _TICKS // 100}"), ask, on)
    f.label(on)
    f.emit("ret i32 0")
    f.label(ask)
    f.emit(f"store i64 {now}, ptr {place}, align 8")
    state = f.name("call i32 @PyGILState_Ensure()")
    answer = f.name("call i32 @PyErr_CheckSignals()")
    done = f.fresh("done")
    f.branch(f.name(f"icmp eq i32 {answer}, 0"), done, raised)
    f.label(raised)
    slots = ", ".join(f"ptr {f.offset('%frame', RAISED + k, 8)}" for k in range(3))
    f.emit(f"call void @PyErr_Fetch({slots})")
    f.jump(done)
    f.label(done)
    f.emit(f"call void @PyGILState_Release(i32 {state})")
    f.emit(f"ret i32 {answer}")


def raise_kept(slots: Any) -> None:
    """Raise the exception that `poll` kept in a frame's slots."""
    kept = [int(x) or None for x in slots[RAISED : RAISED + 3]]
    slots[RAISED : RAISED + 3] = 0
    restore = ctypes.pythonapi.PyErr_Restore
    restore.argtypes, restore.restype = [ctypes.c_void_p] * 3, None
    restore(*kept)  # takes the references, and raises
