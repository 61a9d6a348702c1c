"""How many multiply-adds this machine does at most: vectors in registers, no memory at all."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from time import perf_counter
from typing import Any

import numpy as np
from llvmlite import binding

from chainrule.backends.llvm.target.host import host

# Two units of up to five cycles need ten chains to be kept busy; with the two factors these fit
# the 16 registers of AVX2.
CHAINS = 12
UNROLLED = 4


@lru_cache(maxsize=1)
def _loop() -> tuple[Any, Callable[..., None]]:
    """The engine that owns the code, and ``loop(turns, vectors)``, which runs without the GIL."""
    machine = binding.Target.from_triple(host().triple).create_target_machine(
        cpu=host().cpu, features=host().features, opt=2, jit=True
    )
    engine = binding.create_mcjit_compiler(binding.parse_assembly(_text(host().lanes(4))), machine)
    engine.finalize_object()
    kind = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p)
    return engine, kind(engine.get_function_address("loop"))


def _text(lanes: int) -> str:
    """``chain = chain * factor + term``, for all chains; their values come from memory once."""
    vector = f"<{lanes} x float>"
    fma = f"llvm.fma.v{lanes}f32"
    lines = [f"declare {vector} @{fma}({vector}, {vector}, {vector})",
             "define void @loop(i64 %turns, ptr %vectors) {", "entry:"]  # fmt: skip
    for k in range(CHAINS + 2):
        lines += [f"%p{k} = getelementptr {vector}, ptr %vectors, i64 {k}",
                  f"%c{k} = load {vector}, ptr %p{k}, align 4"]  # fmt: skip
    lines += ["br label %again", "again:", "%turn = phi i64 [0, %entry], [%next, %again]"]
    for k in range(CHAINS):
        lines.append(f"%x0_{k} = phi {vector} [%c{k}, %entry], [%x{UNROLLED}_{k}, %again]")
    for step in range(UNROLLED):
        for k in range(CHAINS):
            lines.append(
                f"%x{step + 1}_{k} = call {vector} @{fma}({vector} %x{step}_{k}, "
                f"{vector} %c{CHAINS}, {vector} %c{CHAINS + 1})"
            )
    lines += ["%next = add i64 %turn, 1", "%more = icmp slt i64 %next, %turns",
              "br i1 %more, label %again, label %done", "done:"]  # fmt: skip
    for k in range(CHAINS):
        lines.append(f"store {vector} %x{UNROLLED}_{k}, ptr %p{k}, align 4")
    return "\n".join([*lines, "ret void", "}"])


@lru_cache(maxsize=1)
def _workers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor()


def run(operations: float, threads: int) -> None:
    """Do so many multiplications and additions, in float32, shared by so many threads."""
    lanes = host().lanes(4)
    turns = round(operations / threads / (2 * lanes * CHAINS * UNROLLED))
    _, loop = _loop()

    def share(_: int) -> None:
        vectors = np.full((CHAINS + 2, lanes), 0.5, np.float32)  # x = x / 2 + 1/2 stays small
        loop(turns, vectors.ctypes.data)

    if threads == 1:
        share(0)
    else:
        list(_workers().map(share, range(threads)))


def peak(threads: int) -> float:
    """Operations a second, the best of some runs of about 20 ms."""
    operations = 1e9
    best = 0.0
    for _ in range(12):
        start = perf_counter()
        run(operations, threads)
        rate = operations / (perf_counter() - start)
        best = max(best, rate)
        operations = 0.02 * rate
    return best
