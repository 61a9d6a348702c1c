"""What an instruction reads and writes, and of what part a single row of it does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..expressions.expression import Expression, Load, Lookup, parts
from ..layout.view import Buffer, View
from .base import Along, Convolution, Instruction, Map, Product, Reduce, Scatter, Sort
from .convolution import tiles_rows
from .reduce import over_kept

Rows = tuple[int, int, int]
"""Row r touches numbers from ``low + r * stride`` to ``high + r * stride``: (stride, low, high)."""


@dataclass(frozen=True)
class Access:
    """A buffer that is read or written; by rows, or anywhere."""

    buffer: Buffer
    writes: bool
    rows: Rows | None = None


def accesses(step: Instruction) -> list[Access]:
    """All that an instruction reads and writes."""
    return list(_accesses(step))


def rows_of(step: Instruction) -> int:
    """How many rows an instruction computes, each by itself; 0 if it is not of that kind."""
    if type(step) is Map or isinstance(step, Reduce):
        if not step.domain or 0 in step.domain:
            return 0
        return 0 if isinstance(step, Reduce) and 0 in step.axes else step.domain[0]
    if isinstance(step, Product) and 0 not in step.view.shape:
        return step.view.shape[0] // step.each
    if isinstance(step, Convolution) and len(step.view.shape) == 4 and 0 not in step.view.shape:
        return 0 if tiles_rows(step) else step.view.shape[0]
    return 0


def _accesses(step: Instruction) -> Iterator[Access]:
    if isinstance(step, Map):
        for _, view in step.stores:
            yield Access(view.buffer, True, _range(view.offset, view.strides, step.domain))
        yield from _read([expression for expression, _ in step.stores], step.domain)
    elif isinstance(step, Reduce):
        view = over_kept(step.view, step.domain, step.axes)
        yield Access(view.buffer, True, _range(view.offset, view.strides, step.domain))
        yield from _read([step.expression], step.domain)
    elif isinstance(step, Product):
        yield Access(step.view.buffer, True, _of_view(step.view, step.each))
        yield Access(step.left.buffer, False, _of_view(step.left, step.each))
        by_rows = len(step.view.shape) > 2 and step.right.strides[0] != 0
        yield Access(step.right.buffer, False, _of_view(step.right) if by_rows else None)
    elif isinstance(step, Convolution):
        yield Access(step.view.buffer, True, _of_view(step.view))
        yield Access(step.left.buffer, False, _of_view(step.left))
        yield Access(step.right.buffer, False)
    elif isinstance(step, Along):
        yield Access(step.view.buffer, True)
        yield from _read([step.expression], ())
    elif isinstance(step, Scatter):
        yield Access(step.target.buffer, True)
        yield from _read([step.value, step.target], ())
    elif isinstance(step, Sort):
        yield Access(step.keys.buffer, True)  # sorting moves the keys
        yield Access(step.view.buffer, True)
    else:
        for buffer in step.buffers():
            yield Access(buffer, True)


def _read(expressions: Sequence[Expression], domain: Sequence[int]) -> Iterator[Access]:
    for found in parts(expressions):
        if isinstance(found, Load):
            rows = _range(found.offset, found.strides, domain) if domain else None
            yield Access(found.buffer, False, rows)
        elif isinstance(found, Lookup):
            yield Access(found.buffer, False)


def _of_view(view: View, each: int = 1) -> Rows | None:
    """Of rows that are `each` of the view's together."""
    strides = (view.strides[0] * each, *view.strides)
    return _range(view.offset, strides, (0, each, *view.shape[1:]))


def _range(offset: int, strides: Sequence[int], domain: Sequence[int]) -> Rows | None:
    if not domain:
        return None
    reach = [stride * (size - 1) for stride, size in zip(strides[1:], domain[1:], strict=True)]
    low = offset + sum(r for r in reach if r < 0)
    return strides[0], low, offset + sum(r for r in reach if r > 0)
