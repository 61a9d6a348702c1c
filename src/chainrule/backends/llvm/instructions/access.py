"""What part of a buffer an instruction reads or writes, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..expressions.expression import Expression, Load, Lookup
from ..layout.view import Buffer, View

RowSpan = tuple[int, int, int]
"""Row r touches numbers from ``low + r * stride`` to ``high + r * stride``: (stride, low, high)."""


@dataclass(frozen=True)
class Access:
    """A buffer that is read or written, row by row, or anywhere if `rows` is None."""

    buffer: Buffer
    writes: bool
    rows: RowSpan | None = None


def reads(expressions: Iterable[Expression], domain: Sequence[int] = ()) -> Iterator[Access]:
    """Yield what expressions read, of which all parts are listed; rows are those of the domain, if
    one is given.
    """
    for expression in expressions:
        if isinstance(expression, Load):
            rows = row_span(expression.offset, expression.strides, domain) if domain else None
            yield Access(expression.buffer, False, rows)
        elif isinstance(expression, Lookup):
            yield Access(expression.buffer, False)


def rows_of_view(view: View, per_row: int = 1) -> RowSpan | None:
    """Return what a row touches that consists of `per_row` consecutive rows of a view."""
    strides = (view.strides[0] * per_row, *view.strides)
    return row_span(view.offset, strides, (0, per_row, *view.shape[1:]))


def row_span(offset: int, strides: Sequence[int], domain: Sequence[int]) -> RowSpan | None:
    """Return what a row of a domain touches; None without axes."""
    if not domain:
        return None
    reach = [stride * (size - 1) for stride, size in zip(strides[1:], domain[1:], strict=True)]
    low = offset + sum(r for r in reach if r < 0)
    return strides[0], low, offset + sum(r for r in reach if r > 0)
