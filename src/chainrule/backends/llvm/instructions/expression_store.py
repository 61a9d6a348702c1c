"""What instructions that store one expression in one view have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ....graph.node import Node
from ..expressions.expression import Expression, buffers_read, lookups, primitive_names
from ..layout.view import Buffer, View
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
        return [Access(self.view.buffer, True), *reads([self.expression])]

    def results(self) -> Sequence[View]:
        return [self.view]

    def bounds_checks(self) -> Iterable[Node]:
        return [lookup.node for lookup in lookups([self.expression])]

    def primitives_text(self) -> str:
        """Name the first primitives of the expression."""
        return " ".join(primitive_names([self.expression])[:8])
