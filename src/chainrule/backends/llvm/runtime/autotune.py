"""Whether threads share small work, found by trying it in the turns of a loop.

Numbers go to another core in 40 ns where both share a cache and in 200 ns where they do not, and
that changes while a program runs, as the system moves its threads. So a loop turns alone for a
while, then shares; it goes on so as long as that takes clearly less time, and tries again later. ::

    turn    0 ... 31 | 32 ... 63 | 64 ... 95 | ... | 992 ... 1023
             alone      shared      shared if that is faster
"""

from __future__ import annotations

from ..ir.builder import FunctionBuilder, Module
from ..layout.frame import NEAR, POOL

WORDS = 7  # of a loop's state
_TURN, _BEGAN, _SHARE, _ALONE, _LEAST, _SUM, _COUNT = range(WORDS)
_WINDOW = 32  # turns between two decisions, a power of two
_WARM = 8  # of them are not timed: they bring numbers where they are needed
_AGAIN = 1024  # turns from one trial to the next
_CLEAR = 5  # of a hundred: sharing takes another core, and must save as much
_NEVER = 2**50  # ticks; a window's sum has room in 64 bits


def write_trial(module: Module) -> None:
    """``trial(frame, state, index)`` sets the slot NEAR, at the beginning of each turn."""
    f = module.function("trial", [("ptr", "frame"), ("ptr", "state"), ("i64", "index")])
    module.declare("umin", "declare i64 @llvm.umin.i64(i64, i64)")
    turn, now = _load(f, _TURN), f.clock()
    before = f.name(f"and i64 {f.name(f'add i64 {turn}, {_WINDOW - 1}')}, {_WINDOW - 1}")
    warm = f.name(f"icmp uge i64 {before}, {_WARM}")
    known = f.name("icmp ne i64 %index, 0")  # else the turn before belongs to another call
    with f.when(f.name(f"and i1 {warm}, {known}")):
        took = f.name(f"sub i64 {now}, {_load(f, _BEGAN)}")
        _store(f, _LEAST, f.name(f"call i64 @llvm.umin.i64(i64 {_load(f, _LEAST)}, i64 {took})"))
        _store(f, _SUM, f.name(f"add i64 {_load(f, _SUM)}, {took}"))
        _store(f, _COUNT, f.name(f"add i64 {_load(f, _COUNT)}, 1"))
    _store(f, _BEGAN, now)
    with f.when(f.name(f"icmp eq i64 {f.name(f'and i64 {turn}, {_WINDOW - 1}')}, 0")):
        _decide(f, turn)
    after = f.name(f"add i64 {turn}, 1")
    again = f.name(f"icmp eq i64 {after}, {_AGAIN}")
    _store(f, _TURN, f.name(f"select i1 {again}, i64 0, i64 {after}"))
    share = f.name(f"icmp ne i64 {_load(f, _SHARE)}, 0")
    pool = f.name(f"load ptr, ptr {f.offset('%frame', POOL, 8)}, align 8")
    near = f.name(f"select i1 {share}, ptr {pool}, ptr null")
    f.emit(f"store ptr {near}, ptr {f.offset('%frame', NEAR, 8)}, align 8")
    f.emit("ret void")


def _decide(f: FunctionBuilder, turn: str) -> None:
    """A window is over: how the next one turns.

    The fastest turn alone stands against the mean of those shared, which counts what it costs when
    the system takes a core away.
    """
    second = f.name(f"icmp eq i64 {turn}, {_WINDOW}")
    alone = f.name(f"select i1 {second}, i64 {_load(f, _LEAST)}, i64 {_load(f, _ALONE)}")
    _store(f, _ALONE, alone)
    least = f.name(f"mul i64 {alone}, {_load(f, _COUNT)}")
    left = f.name(f"mul i64 {_load(f, _SUM)}, 100")
    right = f.name(f"mul i64 {least}, {100 - _CLEAR}")
    pays = f.name(f"zext i1 {f.name(f'icmp ult i64 {left}, {right}')} to i64")
    kept = f.name(f"and i64 {pays}, {_load(f, _SHARE)}")
    first = f.name(f"icmp eq i64 {turn}, 0")
    later = f.name(f"select i1 {second}, i64 1, i64 {kept}")
    _store(f, _SHARE, f.name(f"select i1 {first}, i64 0, i64 {later}"))
    for word, value in ((_LEAST, _NEVER), (_SUM, 0), (_COUNT, 0)):
        _store(f, word, str(value))


def _load(f: FunctionBuilder, word: int) -> str:
    return f.name(f"load i64, ptr {f.offset('%state', word, 8)}, align 8")


def _store(f: FunctionBuilder, word: int, value: str) -> None:
    f.emit(f"store i64 {value}, ptr {f.offset('%state', word, 8)}, align 8")
