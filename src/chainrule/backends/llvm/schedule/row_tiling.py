"""What runs row by row together: chains of instructions of which each needs only its own rows.

Row r of a layer's activation depends on row r of the layer before, and so does the gradient on the
way back. Such instructions become one `Region`, which is cut into chunks of rows: a thread takes
its rows through all of them, without waiting for others in between, while they are in its cache.
The same holds for the rows of a weight's gradient and the optimiser's step that reads it.

::

    [128 rows]  gather, x @ w, relu, h @ v, ..., d @ v.T, mask         one region
    [784 rows]  x.T @ d, Adam                                          another
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from math import prod

from ...threads import get_num_threads
from ..emit.loop_nest import merge, strides_in
from ..instructions import sharing as costs
from ..instructions.access import Access, Rows, accesses, rows_of
from ..instructions.base import (
    Convolution,
    Either,
    Instruction,
    Map,
    Product,
    Reduce,
    Region,
    Turns,
    While,
)
from ..instructions.convolution import pieces
from ..instructions.sharing import count_chunks, nanoseconds, share_product, takes_rows
from ..layout.view import Buffer

_UNIT = 16  # rows: chunks of a multiple begin where a vector does
_TALL = 512  # rows a chunk about where there are products: each reads all of the right matrix
_CACHED = 2**20  # bytes of numbers on their way that the second cache holds
_SAME = 0.02  # of the time: fewer chunks must save as much


def arrange(code: Sequence[Instruction], tried: bool = False) -> list[Instruction]:
    """The same computation, with regions, and all else cut for threads where that pays.

    `tried` says whether a loop around finds out if small work is to be shared; what stands beside
    a loop does as that did.
    """
    tried = tried or any(isinstance(step, Turns) for step in everything(code))
    for step in code:
        if isinstance(step, Turns):
            step.body = arrange(step.body, tried)
        elif isinstance(step, While):
            step.asks, step.body = arrange(step.asks, tried), arrange(step.body, tried)
        elif isinstance(step, Either):
            step.yes, step.no = arrange(step.yes, tried), arrange(step.no, tried)
    least = costs.NEAR if tried else costs.SHARED
    return [_shared(step, least) for step in _grouped([_Used(step) for step in code], least)]


@dataclass(eq=False)
class _Used:
    """An instruction and what it reads and writes."""

    step: Instruction

    def __post_init__(self) -> None:
        self.accesses: list[Access] = accesses(self.step)
        self.rows = rows_of(self.step) if takes_rows(self.step) else 0


def depends_on_threads(code: Sequence[Instruction], tried: bool = False) -> bool:
    """Whether for another number of threads, code would have been arranged otherwise."""
    tried = tried or any(isinstance(step, Turns) for step in everything(code))
    own = [step for step in code if isinstance(step, (Convolution, Map, Product, Reduce, Region))]
    if sum(map(nanoseconds, own)) >= (costs.NEAR if tried else costs.SHARED):
        return True
    if any(isinstance(step, Region) for step in own):
        return True
    bodies = [step for step in code if step not in own]
    return any(depends_on_threads([*inside(step)], tried) for step in bodies)


def _grouped(code: Sequence[_Used], least: float) -> list[Instruction]:
    """Regions of the number of rows that most work has; then again for what is left."""
    work: dict[int, float] = {}
    for used in code:
        if used.rows >= 2 * _UNIT:
            work[used.rows] = work.get(used.rows, 0.0) + nanoseconds(used.step)
    for rows in sorted(work, key=lambda rows: -work[rows]):
        written = sum(_written(used.step) for used in code if used.rows == rows)
        if count_chunks(work[rows], least) == 1 and written <= _CACHED:
            break
        before, region, after = _split(code, rows)
        steps = [used.step for used in region]
        made = [Region(rows, steps)] if len(steps) > 1 else steps
        return [*_grouped(before, least), *made, *_grouped(after, least)]
    return [used.step for used in code]


def _split(code: Sequence[_Used], rows: int) -> tuple[list[_Used], list[_Used], list[_Used]]:
    """What must or may run before a region, the region, and what must run after it."""
    before: list[_Used] = []
    region, after = _Touched(), _Touched()
    for used in code:
        late = after.conflicts(used)
        if used.rows == rows and not late and _fits(used, region.steps):
            region.append(used)
        elif late or region.conflicts(used):
            after.append(used)
        else:
            before.append(used)
    return before, region.steps, after.steps


class _Touched:
    """Instructions, and the buffers that they read and write."""

    def __init__(self) -> None:
        self.steps: list[_Used] = []
        self.read: set[Buffer] = set()
        self.written: set[Buffer] = set()

    def append(self, used: _Used) -> None:
        """One more."""
        self.steps.append(used)
        for access in used.accesses:
            (self.written if access.writes else self.read).add(access.buffer)

    def conflicts(self, used: _Used) -> bool:
        """Whether an instruction must stay behind one of them."""
        return any(
            a.buffer in self.written or (a.writes and a.buffer in self.read) for a in used.accesses
        )


def _fits(used: _Used, region: Sequence[_Used]) -> bool:
    """Whether each row depends only on the same row of what the region has so far."""
    for mine in used.accesses:
        same = [b for other in region for b in other.accesses if b.buffer is mine.buffer]
        if mine.writes or any(b.writes for b in same):
            ranges = [a.rows for a in (mine, *same)]
            if not _apart(ranges):
                return False
    return True


def _apart(ranges: Sequence[Rows | None]) -> bool:
    """Whether different rows never meet: one stride, and all of a row within it."""
    if any(r is None for r in ranges):
        return False
    known = [r for r in ranges if r is not None]
    strides = {stride for stride, _, _ in known}
    if len(strides) != 1:
        return False
    width = max(high for _, _, high in known) - min(low for _, low, _ in known)
    return width < abs(strides.pop())


def _shared(step: Instruction, least: float) -> Instruction:
    """An instruction cut into chunks, if that pays."""
    if isinstance(step, Region):
        step.near = nanoseconds(step) < costs.SHARED
        step.chunk = _chunk(step.rows, _turns(step, least))
        for inner in step.steps:
            if isinstance(inner, Product):
                inner.axis, inner.chunk = 0, step.chunk * inner.each
    elif isinstance(step, Product):
        share_product(step, least)
    elif isinstance(step, Convolution):
        step.near = nanoseconds(step) < costs.SHARED
        if count_chunks(nanoseconds(step), least) > 1:
            step.pieces = pieces(step, get_num_threads())
    elif type(step) is Map and 0 not in step.domain:
        work = nanoseconds(step)
        count = count_chunks(work, least)
        views = [view for _, view in step.stores]
        axes = merge(step.domain, strides_in([e for e, _ in step.stores], views), frozenset())
        if count > 1 and axes and axes[0].size >= 2 * _UNIT:
            chunk = _chunk(axes[0].size, count // get_num_threads())
            return Region(axes[0].size, [step], chunk, near=work < costs.SHARED)
    return step


def _turns(region: Region, least: float) -> int:
    """Chunks a thread: several, to end together; many, where rows are too wide for the cache."""
    threads = get_num_threads()
    turns = count_chunks(nanoseconds(region), least) // threads
    tall = [inner.each for inner in region.steps if isinstance(inner, Product)]
    if tall:
        turns = min(turns, region.rows * min(tall) // (threads * _TALL))
    return max(turns, sum(map(_written, region.steps)) // (threads * _CACHED))


def _written(step: Instruction) -> int:
    """Bytes that an instruction writes."""
    views = [view for _, view in step.stores] if isinstance(step, Map) else []
    views += [step.view] if isinstance(step, (Product, Convolution, Reduce)) else []
    return sum(prod(view.shape) * view.dtype.itemsize for view in views)


def _chunk(rows: int, turns: int) -> int:
    """Rows a chunk: at most so many chunks a thread, and all threads end at about the same time."""
    threads = get_num_threads()
    best, lost = rows, 1.0
    for count in range(max(1, turns), 0, -1):
        chunk = -(-rows // (threads * count * _UNIT)) * _UNIT
        chunks = -(-rows // chunk)
        longest = min(rows, chunk * -(-chunks // threads))
        waiting = longest * threads / rows - 1.0
        if waiting < lost - _SAME:
            best, lost = chunk, waiting
    return best


def loops_that_try(code: Iterable[Instruction]) -> Iterable[Turns]:
    """The innermost loops with small work, who find out whether to share it."""
    for step in code:
        loops = list(loops_that_try(inside(step)))
        yield from loops
        near = (
            isinstance(s, (Product, Convolution, Region)) and s.near
            for s in everything(inside(step))
        )
        if isinstance(step, Turns) and not loops and any(near):
            yield step


def everything(code: Iterable[Instruction]) -> Iterable[Instruction]:
    """Some instructions and those inside them."""
    for step in code:
        yield step
        yield from everything(inside(step))


def inside(step: Instruction) -> Iterable[Instruction]:
    """The instructions that one holds."""
    if isinstance(step, Region):
        return step.steps
    if isinstance(step, Turns):
        return step.body
    if isinstance(step, While):
        return chain(step.asks, step.body)
    return chain(step.yes, step.no) if isinstance(step, Either) else ()
