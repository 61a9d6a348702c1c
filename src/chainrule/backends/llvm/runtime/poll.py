"""Ctrl-C while native code runs: Python is polled for signals from time to time.

A signal handler runs inside the poll, in the main thread. What it raises is saved in the frame, the
native code ends, and the exception is raised again where Python called it.
"""

from __future__ import annotations

import ctypes
from typing import Any

from ..ir.builder import Module
from ..layout.frame import EXCEPTION, LAST_POLL

# Ticks of the CPU's clock between two polls: 20-50 ms at 2-5 GHz. Where the clock is slower
# (24 MHz to 1 GHz on ARM) polls come more often than needed, but for at most 4 s: see below
_TICKS = 100_000_000
API = ("PyGILState_Ensure", "PyGILState_Release", "PyErr_CheckSignals", "PyErr_Fetch")


def write_poll(module: Module, x86: bool) -> None:
    """Write ``i32 poll(frame)``: it returns 0 unless a handler raised."""
    module.declare("ensure", "declare i32 @PyGILState_Ensure()")
    module.declare("release", "declare void @PyGILState_Release(i32)")
    module.declare("check", "declare i32 @PyErr_CheckSignals()")
    module.declare("fetch", "declare void @PyErr_Fetch(ptr, ptr, ptr)")
    f = module.function("poll", [("ptr", "frame")], "i32")
    last_poll = f.offset("%frame", LAST_POLL, 8)
    now = f.clock()
    before = f.name(f"load i64, ptr {last_poll}, align 8")
    passed = f.name(f"sub i64 {now}, {before}")
    ask, on, raised = f.fresh("ask"), f.fresh("on"), f.fresh("raised")
    f.branch(f.name(f"icmp ugt i64 {passed}, {_TICKS if x86 else _TICKS // 100}"), ask, on)
    f.label(on)
    f.emit("ret i32 0")
    f.label(ask)
    f.emit(f"store i64 {now}, ptr {last_poll}, align 8")
    state = f.name("call i32 @PyGILState_Ensure()")
    answer = f.name("call i32 @PyErr_CheckSignals()")
    done = f.fresh("done")
    f.branch(f.name(f"icmp eq i32 {answer}, 0"), done, raised)
    f.label(raised)
    words = ", ".join(f"ptr {f.offset('%frame', EXCEPTION + k, 8)}" for k in range(3))
    f.emit(f"call void @PyErr_Fetch({words})")
    f.jump(done)
    f.label(done)
    f.emit(f"call void @PyGILState_Release(i32 {state})")
    f.emit(f"ret i32 {answer}")


def raise_from_frame(words: Any) -> None:
    """Raise the exception that `poll` saved in a frame."""
    saved = [int(x) or None for x in words[EXCEPTION : EXCEPTION + 3]]
    words[EXCEPTION : EXCEPTION + 3] = 0
    restore = ctypes.pythonapi.PyErr_Restore
    restore.argtypes, restore.restype = [ctypes.c_void_p] * 3, None
    restore(*saved)  # takes the references, and raises
