"""The lanes of a vector read from, or written to, memory at offsets that are known in advance.

Lanes side by side are one load. Lanes backwards, a few numbers apart or repeated are taken out of
whole vectors by shuffles, and put into them by shuffles and masked stores, where these are few;
else they are gathered, or read one by one. Nothing is read but what lies between the first and
the last of them, and nothing else is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..ir.builder import FunctionBuilder
from ..ir.types import BOOL, I32, I64
from ..ir.value import Value
from ..target.host import host

Offsets = Sequence[int]
"""Where each lane lies, in numbers from an address; the lanes after them are not used."""

_BYTE = np.dtype(np.uint8)
_GATHERED = 4  # bytes of a number that the CPU can gather
_MOST_VECTORS = 8  # from which lanes are taken
_NONE: int | str = "poison"  # a lane that nobody reads


def read_lanes(
    f: FunctionBuilder, pointer: str, dtype: np.dtype[Any], offsets: Offsets, lanes: int
) -> Value:
    """Load numbers at offsets from an address; lanes without one are some number."""
    if is_consecutive(offsets):
        mask = None if len(offsets) == lanes else f.first_lanes(len(offsets), lanes)
        return f.load(f.offset(pointer, offsets[0], dtype.itemsize), dtype, lanes, mask)
    if dtype.kind == "b":
        return f.convert(read_lanes(f, pointer, _BYTE, offsets, lanes), BOOL)
    if len(set(offsets)) == 1:
        return f.splat(f.load(f.offset(pointer, offsets[0], dtype.itemsize), dtype), lanes)
    filled = _filled(offsets, lanes)  # unused lanes must be numbers, too: they may be divided by
    width, starts = _windows(offsets, host().lanes(dtype.itemsize))
    if len(starts) <= min(_MOST_VECTORS, max(2, lanes // 2)):
        return _shuffled(f, pointer, dtype, filled, width, starts)
    if _can_gather(dtype):
        everywhere = f.constant(True, BOOL, lanes)
        return f.gather(pointer, dtype, _vector(f, filled), everywhere)
    x = f.constant(0, dtype, lanes)
    for lane, offset in enumerate(offsets):
        number = f.load(f.offset(pointer, offset, dtype.itemsize), dtype)
        x = f.insert(x, number, lane, lanes)
    return x


def write_lanes(f: FunctionBuilder, x: Value, pointer: str, offsets: Offsets) -> None:
    """Store as many lanes as there are offsets, which all differ."""
    lanes, count = x.lanes, len(offsets)
    if is_consecutive(offsets):
        mask = None if count == lanes else f.first_lanes(count, lanes)
        f.store(x, f.offset(pointer, offsets[0], x.dtype.itemsize), mask)
        return
    if x.dtype.kind == "b":
        x = f.convert(x, _BYTE)
    first = min(offsets)
    if max(offsets) - first == count - 1:  # in another order
        order = sorted(range(count), key=lambda lane: offsets[lane])
        write_lanes(f, _permuted(f, x, order), pointer, range(first, first + count))
        return
    width, starts = _windows(offsets, lanes)
    wide = host().vector_bytes == 64
    if wide and width == lanes and len(starts) <= _MOST_VECTORS:
        _store_masked(f, x, pointer, offsets, starts)
    elif _can_gather(x.dtype):
        mask = f.first_lanes(count, lanes)
        f.scatter(x, pointer, _vector(f, _filled(offsets, lanes)), mask)
    else:
        for lane, offset in enumerate(offsets):
            f.store(f.extract(x, lane), f.offset(pointer, offset, x.dtype.itemsize))


def is_consecutive(offsets: Offsets) -> bool:
    """Whether numbers lie side by side, in order."""
    return all(b == a + 1 for a, b in pairwise(offsets))


def _can_gather(dtype: np.dtype[Any]) -> bool:
    """Whether gathers and scatters are instructions of this CPU, and worth it."""
    return dtype.itemsize >= _GATHERED and host().vector_bytes == 64


def _filled(offsets: Offsets, lanes: int) -> Offsets:
    return [*offsets, *[offsets[0]] * (lanes - len(offsets))]


def _vector(f: FunctionBuilder, offsets: Offsets) -> Value:
    small = max(map(abs, offsets)) < 2**27  # as bytes, too
    return f.vector(offsets, I32 if small else I64)


def _windows(offsets: Offsets, most: int) -> tuple[int, list[int]]:
    """Return the width, and the starts, of vectors that cover all offsets and reach no further."""
    first, last = min(offsets), max(offsets)
    width = min(most, 1 << ((last - first + 1).bit_length() - 1))
    starts: list[int] = []
    for offset in sorted(set(offsets)):
        if not starts or offset >= starts[-1] + width:
            starts.append(min(offset, last - width + 1))
    return width, starts


def _shuffled(
    f: FunctionBuilder, pointer: str, dtype: np.dtype[Any], offsets: Offsets, width: int,
    starts: Sequence[int],
) -> Value:  # fmt: skip
    """Load vectors, and take the lanes out of them, each out of the last one that has it."""
    vectors = [f.load(f.offset(pointer, start, dtype.itemsize), dtype, width) for start in starts]
    source = [max(k for k, start in enumerate(starts) if start <= offset) for offset in offsets]
    position = [offset - starts[k] for offset, k in zip(offsets, source, strict=True)]
    lanes = len(offsets)
    wide = max(width, lanes) if len(vectors) > 2 else lanes
    unused = [_NONE] * (wide - lanes)
    order = [p + width * k if k < 2 else _NONE for k, p in zip(source, position, strict=True)]
    x = f.shuffle(vectors[0], vectors[1] if len(vectors) > 1 else None, [*order, *unused])
    for number, vector in enumerate(vectors[2:], 2):
        order = [
            lane if k < number else wide + p if k == number else _NONE
            for lane, (k, p) in enumerate(zip(source, position, strict=True))
        ]
        x = f.shuffle(x, vector, [*order, *unused])
    return x if wide == lanes else f.shuffle(x, None, range(lanes))


def _permuted(f: FunctionBuilder, x: Value, order: Sequence[int]) -> Value:
    return f.shuffle(x, None, [*order, *[_NONE] * (x.lanes - len(order))])


def _store_masked(
    f: FunctionBuilder, x: Value, pointer: str, offsets: Offsets, starts: Sequence[int]
) -> None:
    """Store whole vectors, of which only some lanes are written."""
    lanes = x.lanes
    pending = {offset: lane for lane, offset in enumerate(offsets)}
    for start in starts:
        window = range(start, start + lanes)
        order = [pending.pop(offset, None) for offset in window]
        spread = f.shuffle(x, None, [_NONE if lane is None else lane for lane in order])
        mask = f.vector([lane is not None for lane in order], BOOL)
        f.store(spread, f.offset(pointer, start, x.dtype.itemsize), mask)
