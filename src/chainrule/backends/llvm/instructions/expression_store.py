"""What instructions that store one expression in one view have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import prod

from ....graph.node import Node
from ....graph.types import Shape
from ..expressions.expression import (
    Apply,
    Expression,
    buffers_read,
    lookups,
    primitive_names,
    subexpressions,
)
from ..fuse.op_traits import cost
from ..layout.view import Buffer, View
from ..target.host import host
from .access import Access, reads
from .base import Instruction


class ExpressionStore(Instruction):
    """An instruction with the fields `expression`, which it reads, and `view`, which it writes."""

    expression: Expression
    view: View

    def buffers(self) -> Iterator[Buffer]:
        yield self.view.buffer
        yield from buffers_read([self.expression])

    def accesses(self) -> list[Access]:
        return [Access(self.view.buffer, True), *reads(subexpressions([self.expression]))]

    def results(self) -> Sequence[View]:
        return [self.view]

    def bounds_checks(self) -> Iterable[Node]:
        return [lookup.node for lookup in lookups([self.expression])]

    def primitives_text(self) -> str:
        """Name the first primitives of the expression."""
        return " ".join(primitive_names([self.expression])[:8])


def lines_of(expressions: Sequence[Expression], domain: Shape) -> int:
    """Return about how many lines of IR compute expressions, of which all parts are listed: for a
    vector, and for what is left.
    """
    lines = 6
    for expression in expressions:
        lines += 2 * (cost(expression.node) if isinstance(expression, Apply) else 1)
    return lines if len(domain) < 2 and prod(domain) <= host().lanes(8) else 2 * lines
