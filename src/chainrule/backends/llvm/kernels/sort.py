"""Stable orders: keys whose bits sort as the numbers do, then a radix sort of key and place.

Eight passes of eight bits, the lowest first; a pass in which all keys agree is left out. Few keys
are put in order by insertion.
"""

from __future__ import annotations

from ..ir.builder import FunctionBuilder, Module
from ..ir.types import F64, I64
from ..ir.value import Value

_FEW = 48
_DIGITS = 256
_COUNTS = 8 * _DIGITS


def scratch_words(n: int) -> int:
    """Words of room that sorting n keys takes: keys and places once more, and counts."""
    return 2 * n + _COUNTS


def to_key(f: FunctionBuilder, x: Value) -> Value:
    """64 bits that, read without sign, order as the numbers do: -0 equals 0, nan comes last."""
    if x.dtype.kind in "bu":
        return f.convert(x, "uint64")
    if x.dtype.kind == "i":
        return f.bitcast(f.convert(x, I64) ^ -(2**63), "uint64")
    number = f.convert(x, F64) + 0.0  # -0 + 0 is 0
    bits = f.bitcast(number, I64)
    key = bits ^ ((bits >> 63) | -(2**63))
    return f.bitcast(f.select(number.is_nan(), -1, key), "uint64")


def write_sort(module: Module) -> None:
    """``order(keys, n, places, scratch)``: places[k] is where the k-th smallest key was."""
    arguments = [("ptr", "keys"), ("i64", "n"), ("ptr", "places"), ("ptr", "scratch")]
    f = module.function("order", arguments)
    with f.loop(0, "%n") as loop:
        f.emit(f"store i64 {loop.index}, ptr {f.offset('%places', loop.index, 8)}, align 8")
    few, many = f.fresh("few"), f.fresh("many")
    f.branch(f.name(f"icmp sle i64 %n, {_FEW}"), few, many)
    f.label(few)
    _insert(f)
    f.emit("ret void")
    f.label(many)
    _radix(f)
    f.emit("ret void")


def _word(f: FunctionBuilder, base: str, index: str | int) -> str:
    return f.name(f"load i64, ptr {f.offset(base, index, 8)}, align 8")


def _put(f: FunctionBuilder, value: str | int, base: str, index: str | int) -> None:
    f.emit(f"store i64 {value}, ptr {f.offset(base, index, 8)}, align 8")


def _insert(f: FunctionBuilder) -> None:
    """Each key moves down past the larger ones before it."""
    with f.loop(1, "%n") as loop:
        key, place = _word(f, "%keys", loop.index), _word(f, "%places", loop.index)
        head, look, shift, done = (f.fresh(s) for s in ("head", "look", "shift", "done"))
        before = f.block
        f.jump(head)
        f.label(head)
        j = "%" + f.fresh("j")
        f.emit(f"{j} = phi i64 [{loop.index}, %{before}], [{j}.less, %{shift}]")
        f.branch(f.name(f"icmp eq i64 {j}, 0"), done, look)
        f.label(look)
        f.emit(f"{j}.less = sub i64 {j}, 1")
        other = _word(f, "%keys", f"{j}.less")
        f.branch(f.name(f"icmp ugt i64 {other}, {key}"), shift, done)
        f.label(shift)
        _put(f, other, "%keys", j)
        _put(f, _word(f, "%places", f"{j}.less"), "%places", j)
        f.jump(head)
        f.label(done)
        _put(f, key, "%keys", j)
        _put(f, place, "%places", j)


def _radix(f: FunctionBuilder) -> None:
    counts = "%scratch"
    spare_keys = f.offset(counts, _COUNTS, 8)
    spare_places = f.offset(spare_keys, "%n", 8)
    with f.loop(0, _COUNTS) as loop:
        _put(f, 0, counts, loop.index)
    with f.loop(0, "%n", at_least_once=True) as loop:
        key = _word(f, "%keys", loop.index)
        for turn in range(8):
            bucket = f.plus(_digit(f, key, turn), turn * _DIGITS)
            _put(f, f.name(f"add i64 {_word(f, counts, bucket)}, 1"), counts, bucket)
    held = [f.name("alloca ptr, align 8") for _ in range(4)]
    for place, pointer in zip(held, ("%keys", "%places", spare_keys, spare_places), strict=True):
        f.emit(f"store ptr {pointer}, ptr {place}, align 8")
    first = _word(f, "%keys", 0)
    for turn in range(8):
        mine = f.offset(counts, turn * _DIGITS, 8)
        alike = _word(f, mine, _digit(f, first, turn))  # unchanged by what sorting moves
        with f.when(f.name(f"icmp ne i64 {alike}, %n")):
            _pass(f, turn, mine, held)
    last = f.name(f"load ptr, ptr {held[1]}, align 8")
    with f.when(f.name(f"icmp ne ptr {last}, %places")), f.loop(0, "%n") as loop:
        _put(f, _word(f, last, loop.index), "%places", loop.index)


def _pass(f: FunctionBuilder, turn: int, counts: str, held: list[str]) -> None:
    """Move keys and places to where their digit's bucket begins, in order; then change roles."""
    keys, places, to_keys, to_places = (f.name(f"load ptr, ptr {h}, align 8") for h in held)
    with f.loop(0, _DIGITS, carried=[f.constant(0, I64)]) as loop:
        (start,) = loop.values
        count = _word(f, counts, loop.index)
        _put(f, start.name, counts, loop.index)
        loop.carry(start + Value(f, count, I64, 1))
    with f.loop(0, "%n", at_least_once=True) as loop:
        key = _word(f, keys, loop.index)
        digit = _digit(f, key, turn)
        target = _word(f, counts, digit)
        _put(f, f.name(f"add i64 {target}, 1"), counts, digit)
        _put(f, key, to_keys, target)
        _put(f, _word(f, places, loop.index), to_places, target)
    for place, pointer in zip(held, (to_keys, to_places, keys, places), strict=True):
        f.emit(f"store ptr {pointer}, ptr {place}, align 8")


def _digit(f: FunctionBuilder, key: str, turn: int) -> str:
    shifted = f.name(f"lshr i64 {key}, {8 * turn}")
    return f.name(f"and i64 {shifted}, {_DIGITS - 1}")
