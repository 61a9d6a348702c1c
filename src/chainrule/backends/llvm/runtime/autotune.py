"""Autotuning in loops: whether threads share small work is found by trying it.

Data goes to another core in 40 ns where both share a cache and in 200 ns where they do not, and
that changes while a program runs, as the system migrates its threads. So a loop runs
single-threaded for a while, then shared; it stays so as long as that takes clearly less time, and
tries again later. ::

    iteration   0 ... 31 | 32 ... 63 | 64 ... 95 | ... | 992 ... 1023
                 alone      shared      shared if that is faster
"""

from __future__ import annotations

from ..ir.builder import FunctionBuilder, Module
from ..layout.frame import AUTOTUNE_WORDS, AUTOTUNED_POOL, POOL

_ITERATION, _BEGAN, _SHARE, _ALONE, _LEAST, _SUM, _COUNT = range(AUTOTUNE_WORDS)
_WINDOW = 32  # iterations between two decisions, a power of two
_WARM_UP = 8  # of them are not timed: they fill the caches
_PERIOD = 1024  # iterations from one trial to the next
_MIN_GAIN = 5  # percent that sharing must save, since it takes another core
_NEVER = 2**50  # ticks; the sum of a window fits into 64 bits


def write_autotune(module: Module) -> None:
    """Write ``autotune(frame, state, index)``, which sets AUTOTUNED_POOL before each iteration."""
    f = module.function("autotune", [("ptr", "frame"), ("ptr", "state"), ("i64", "index")])
    module.declare("umin", "declare i64 @llvm.umin.i64(i64, i64)")
    iteration, now = _load(f, _ITERATION), f.clock()
    before = f.name(f"and i64 {f.name(f'add i64 {iteration}, {_WINDOW - 1}')}, {_WINDOW - 1}")
    warm = f.name(f"icmp uge i64 {before}, {_WARM_UP}")
    known = f.name("icmp ne i64 %index, 0")  # else the iteration before belongs to another call
    with f.when(f.name(f"and i1 {warm}, {known}")):
        took = f.name(f"sub i64 {now}, {_load(f, _BEGAN)}")
        _store(f, _LEAST, f.name(f"call i64 @llvm.umin.i64(i64 {_load(f, _LEAST)}, i64 {took})"))
        _store(f, _SUM, f.name(f"add i64 {_load(f, _SUM)}, {took}"))
        _store(f, _COUNT, f.name(f"add i64 {_load(f, _COUNT)}, 1"))
    _store(f, _BEGAN, now)
    with f.when(f.name(f"icmp eq i64 {f.name(f'and i64 {iteration}, {_WINDOW - 1}')}, 0")):
        _decide(f, iteration)
    after = f.name(f"add i64 {iteration}, 1")
    again = f.name(f"icmp eq i64 {after}, {_PERIOD}")
    _store(f, _ITERATION, f.name(f"select i1 {again}, i64 0, i64 {after}"))
    share = f.name(f"icmp ne i64 {_load(f, _SHARE)}, 0")
    pool = f.name(f"load ptr, ptr {f.offset('%frame', POOL, 8)}, align 8")
    near = f.name(f"select i1 {share}, ptr {pool}, ptr null")
    f.emit(f"store ptr {near}, ptr {f.offset('%frame', AUTOTUNED_POOL, 8)}, align 8")
    f.emit("ret void")


def _decide(f: FunctionBuilder, iteration: str) -> None:
    """Decide how the next window of iterations runs.

    The fastest single-threaded iteration is compared with the mean of the shared ones, which
    includes what it costs when the system takes a core away.
    """
    second = f.name(f"icmp eq i64 {iteration}, {_WINDOW}")
    alone = f.name(f"select i1 {second}, i64 {_load(f, _LEAST)}, i64 {_load(f, _ALONE)}")
    _store(f, _ALONE, alone)
    least = f.name(f"mul i64 {alone}, {_load(f, _COUNT)}")
    left = f.name(f"mul i64 {_load(f, _SUM)}, 100")
    right = f.name(f"mul i64 {least}, {100 - _MIN_GAIN}")
    pays = f.name(f"zext i1 {f.name(f'icmp ult i64 {left}, {right}')} to i64")
    still = f.name(f"and i64 {pays}, {_load(f, _SHARE)}")
    first = f.name(f"icmp eq i64 {iteration}, 0")
    later = f.name(f"select i1 {second}, i64 1, i64 {still}")
    _store(f, _SHARE, f.name(f"select i1 {first}, i64 0, i64 {later}"))
    for word, value in ((_LEAST, _NEVER), (_SUM, 0), (_COUNT, 0)):
        _store(f, word, str(value))


def _load(f: FunctionBuilder, word: int) -> str:
    return f.name(f"load i64, ptr {f.offset('%state', word, 8)}, align 8")


def _store(f: FunctionBuilder, word: int, value: str) -> None:
    f.emit(f"store i64 {value}, ptr {f.offset('%state', word, 8)}, align 8")
