"""Threads that share one call: tiles of work are claimed one by one, by whichever thread is free.

Workers are Python threads parked in a native loop without the GIL. The caller works, too, and
waits only for chunks that somebody has begun: a worker that the system has not scheduled costs
nothing. What a chunk computes does not depend on who computes it, so results don't either.

A ticket is ``generation << 32 | chunks left``; claiming one is a compare-and-swap of ticket for
ticket - 1. Function and frame are read before it: they only change once all chunks are done, with
a new generation, which makes the swap of a latecomer fail.
"""

from __future__ import annotations

import ctypes
import os
import threading
from contextlib import suppress
from platform import machine

import numpy as np

from ....forks import changing
from ...threads import get_num_threads
from ..ir.builder import FunctionBuilder, Module

# Bytes from the start of the shared memory: a cache line each, so that nobody waits for a neighbour
_TICKET, _DONE, _TASK, _FRAME, _LOCK, _AWAKE, _ACTIVE, _STOP = 0, 64, 128, 136, 192, 256, 320, 384
_ALONE_UNTIL, _BACKOFF = 448, 456  # see `_update_backoff`
_BYTES = 512
_PAUSES = 100  # between two calls of sched_yield; more hurt where other processes run
_X86 = machine() in ("x86_64", "AMD64")
# 0.2, 2 and 100 milliseconds by the clock of the CPU, which is slower where it is no x86
_TOLERANCE, _MIN_BACKOFF, _MAX_BACKOFF = (
    n // (1 if _X86 else 100) for n in (500_000, 6_000_000, 300_000_000)
)
_IDLE = 100_000  # pauses without work until a worker parks; some milliseconds


def write_pool(module: Module) -> None:
    """Write ``parallel(pool, task, frame, n)``, ``work(pool)``, ``within(pool, main, frame)``."""
    _parallel(module)
    _work(module)
    _within(module)


def _field(f: FunctionBuilder, offset: int) -> str:
    return f.offset("%pool", offset, 1)


def _claim(f: FunctionBuilder, on_chunk: str, nothing: str) -> tuple[str, str]:
    """Try to claim a chunk and compute it; jump to `on_chunk`, or to `nothing` if none is left."""
    address = _field(f, _TICKET)
    ticket = f.name(f"load atomic i64, ptr {address} acquire, align 8")
    left = f.name(f"and i64 {ticket}, {2**32 - 1}")
    some, won = f.fresh("some"), f.fresh("won")
    f.branch(f.name(f"icmp eq i64 {left}, 0"), nothing, some)
    f.label(some)
    task = f.name(f"load ptr, ptr {_field(f, _TASK)}, align 8")
    frame = f.name(f"load ptr, ptr {_field(f, _FRAME)}, align 8")
    less = f.name(f"sub i64 {ticket}, 1")
    swap = f.name(f"cmpxchg ptr {address}, i64 {ticket}, i64 {less} acq_rel acquire, align 8")
    f.branch(f.name(f"extractvalue {{i64, i1}} {swap}, 1"), won, on_chunk)
    f.label(won)
    chunk = f.name(f"sub i64 {left}, 1")
    f.emit(f"call void {task}(ptr {frame}, i64 {chunk})")
    f.name(f"atomicrmw add ptr {_field(f, _DONE)}, i64 1 release, align 8")
    return task, frame


def _wait(f: FunctionBuilder, again: str) -> None:
    """Pause, yield to the system every hundredth time, then jump back; %waits counts pauses."""
    f.declare("sched_yield", "declare i32 @sched_yield()")
    waits = f.name(f"add i64 {f.name('load i64, ptr %waits, align 8')}, 1")
    f.emit(f"store i64 {waits}, ptr %waits, align 8")
    if _X86:
        f.declare("pause", "declare void @llvm.x86.sse2.pause()")
        f.emit("call void @llvm.x86.sse2.pause()")
    rest = f.name(f"urem i64 {waits}, {_PAUSES}")
    with f.when(f.name(f"icmp eq i64 {rest}, 0")):
        f.name("call i32 @sched_yield()")
    f.jump(again)


def _parallel(module: Module) -> None:
    arguments = [("ptr", "pool"), ("ptr", "task"), ("ptr", "frame"), ("i64", "chunks")]
    f = module.function("parallel", arguments)
    f.emit("%waits = alloca i64, align 8")
    f.emit("store i64 0, ptr %waits, align 8")
    ask, lock, share, alone = (f.fresh(s) for s in ("ask", "lock", "share", "alone"))
    f.branch(f.name("icmp eq ptr %pool, null"), alone, ask)
    f.label(ask)
    until = f.name(f"load i64, ptr {_field(f, _ALONE_UNTIL)}, align 8")
    f.branch(f.name(f"icmp ult i64 {f.clock()}, {until}"), alone, lock)
    f.label(lock)
    swap = f.name(f"cmpxchg ptr {_field(f, _LOCK)}, i64 0, i64 1 acq_rel acquire, align 8")
    f.branch(f.name(f"extractvalue {{i64, i1}} {swap}, 1"), share, alone)
    f.label(share)
    f.emit(f"store ptr %task, ptr {_field(f, _TASK)}, align 8")
    f.emit(f"store ptr %frame, ptr {_field(f, _FRAME)}, align 8")
    f.emit(f"store atomic i64 0, ptr {_field(f, _DONE)} release, align 8")
    before = f.name(f"load i64, ptr {_field(f, _TICKET)}, align 8")
    generation = f.name(f"add i64 {f.name(f'and i64 {before}, {-(2**32)}')}, {2**32}")
    ticket = f.name(f"add i64 {generation}, %chunks")
    f.emit(f"store atomic i64 {ticket}, ptr {_field(f, _TICKET)} release, align 8")
    claim, last, join, idle, done = (f.fresh(s) for s in ("claim", "last", "join", "idle", "done"))
    began = f.clock()
    f.jump(claim)
    f.label(claim)
    _claim(f, claim, last)
    f.jump(claim)
    f.label(last)
    worked = f.clock()
    f.jump(join)
    f.label(join)
    finished = f.name(f"load atomic i64, ptr {_field(f, _DONE)} acquire, align 8")
    f.branch(f.name(f"icmp eq i64 {finished}, %chunks"), done, idle)
    f.label(idle)
    _wait(f, join)
    f.label(done)
    _update_backoff(f, began, worked)
    f.emit(f"store atomic i64 0, ptr {_field(f, _LOCK)} release, align 8")
    f.emit("ret void")
    f.label(alone)
    with f.loop(0, "%chunks") as loop:
        f.emit(f"call void %task(ptr %frame, i64 {loop.index})")
    f.emit("ret void")


def _update_backoff(f: FunctionBuilder, began: str, worked: str) -> None:
    """Work single-threaded for a while if the workers took much longer than the caller.

    Then they were not running: on a busy machine the system preempts a worker in the middle of a
    chunk, and the caller would wait for milliseconds, again and again. The interval doubles each
    time (exponential back-off), and slowly shrinks as long as workers are in time.
    """
    now = f.clock()
    waited = f.name(f"sub i64 {now}, {worked}")
    fair = f.name(f"mul i64 {f.name(f'sub i64 {worked}, {began}')}, 2")
    long = f.name(f"icmp sgt i64 {waited}, {f.name(f'add i64 {fair}, {_TOLERANCE}')}")
    address = _field(f, _BACKOFF)
    f.declare("smin", "declare i64 @llvm.smin.i64(i64, i64)")
    f.declare("smax", "declare i64 @llvm.smax.i64(i64, i64)")
    before = f.name(f"load i64, ptr {address}, align 8")
    least = f.name(f"call i64 @llvm.smax.i64(i64 {before}, i64 {_MIN_BACKOFF})")
    twice = f.name(
        f"call i64 @llvm.smin.i64(i64 {f.name(f'mul i64 {least}, 2')}, i64 {_MAX_BACKOFF})"
    )
    less = f.name(f"sub i64 {before}, {f.name(f'lshr i64 {before}, 4')}")
    f.emit(
        f"store i64 {f.name(f'select i1 {long}, i64 {twice}, i64 {less}')}, ptr {address}, align 8"
    )
    until = f.name(f"add i64 {now}, {least}")
    until = f.name(f"select i1 {long}, i64 {until}, i64 0")
    f.emit(f"store i64 {until}, ptr {_field(f, _ALONE_UNTIL)}, align 8")


def _work(module: Module) -> None:
    f = module.function("work", [("ptr", "pool")])
    f.name(f"atomicrmw add ptr {_field(f, _AWAKE)}, i64 1 acq_rel, align 8")
    claim, idle, count, leave = (f.fresh(s) for s in ("claim", "idle", "count", "leave"))
    f.emit("%waits = alloca i64, align 8")
    f.emit("store i64 0, ptr %waits, align 8")
    f.jump(claim)
    f.label(claim)
    _claim(f, claim, idle)
    f.emit("store i64 0, ptr %waits, align 8")
    f.jump(claim)
    f.label(idle)
    stop = f.name(f"load atomic i64, ptr {_field(f, _STOP)} acquire, align 8")
    f.branch(f.name(f"icmp ne i64 {stop}, 0"), leave, count)
    f.label(count)
    active = f.name(f"load atomic i64, ptr {_field(f, _ACTIVE)} acquire, align 8")
    waits = f.name("load i64, ptr %waits, align 8")
    long = f.name(f"icmp sgt i64 {waits}, {_IDLE}")
    calm = f.name(f"icmp eq i64 {active}, 0")
    pause = f.fresh("rest")
    f.branch(f.name(f"and i1 {long}, {calm}"), leave, pause)
    f.label(pause)  # waits anew while a call goes on that may share work again
    young = f.name(f"urem i64 {waits}, {_PAUSES}")
    f.emit(
        f"store i64 {f.name(f'select i1 {calm}, i64 {waits}, i64 {young}')}, ptr %waits, align 8"
    )
    _wait(f, claim)
    f.label(leave)
    f.name(f"atomicrmw sub ptr {_field(f, _AWAKE)}, i64 1 acq_rel, align 8")
    f.emit("ret void")


def _within(module: Module) -> None:
    """Write what calls ``main(frame)`` and returns its status; workers stay awake meanwhile.

    In native code, where no exception comes in between.
    """
    f = module.function("within", [("ptr", "pool"), ("ptr", "main"), ("ptr", "frame")], "i32")
    f.name(f"atomicrmw add ptr {_field(f, _ACTIVE)}, i64 1 acq_rel, align 8")
    status = f.name("call i32 %main(ptr %frame)")
    f.name(f"atomicrmw sub ptr {_field(f, _ACTIVE)}, i64 1 acq_rel, align 8")
    f.emit(f"ret i32 {status}")


class Pool:
    """The workers of this process, started when first needed, parked when idle.

    Parameters
    ----------
    threads : int
        Threads that work at once, the caller included.
    work : callable
        The native loop of a worker.
    """

    def __init__(self, threads: int, work: object) -> None:
        self.threads = threads
        self._memory = np.zeros(_BYTES + 64, np.uint8)
        start = self._memory.ctypes.data
        skip = -start % 64
        self.address = start + skip
        fields = self._memory[skip : skip + _BYTES].view(np.int64)
        self._awake = fields[_AWAKE // 8 : _AWAKE // 8 + 1]
        self._stop = fields[_STOP // 8 : _STOP // 8 + 1]
        self._work = work
        self._calls = [threading.Event() for _ in range(threads - 1)]
        self._to_start = list(self._calls)

    def wake(self) -> None:
        """Wake the workers: a call that shares work is about to begin."""
        if self._awake[0] < self.threads - 1:
            while self._to_start:
                self._start()
            for call in self._calls:
                call.set()

    def close(self) -> None:
        """End the workers."""
        self._stop[0] = 1
        for call in self._calls:
            call.set()

    def _start(self) -> None:
        """Start one more worker; several threads may do this at once."""
        with suppress(IndexError):
            call = self._to_start.pop()
            threading.Thread(target=self._serve, args=(call,), daemon=True).start()

    def _serve(self, call: threading.Event) -> None:
        while not self._stop[0]:
            call.wait()
            call.clear()
            self._work(ctypes.c_void_p(self.address))  # type: ignore[operator]


_pools: dict[int, Pool] = {}  # by how many threads they have
_MOST = 4


def pool(work: object) -> Pool | None:
    """Return the pool for as many threads as are set; None for one thread."""
    threads = get_num_threads()
    if threads == 1:
        return None
    return _pools.get(threads) or _new_pool(threads, work)


def _new_pool(threads: int, work: object) -> Pool:
    """Make another pool; the oldest one ends once no call uses it."""
    with changing:
        if threads not in _pools:
            if len(_pools) == _MOST:
                _pools.pop(next(iter(_pools))).close()
            _pools[threads] = Pool(threads, work)
        return _pools[threads]


if hasattr(os, "register_at_fork"):  # a child has none of its parent's threads
    os.register_at_fork(after_in_child=_pools.clear)
