"""Values written, or added, at computed positions of an array."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from ....graph.node import Node
from ....graph.types import Shape
from ..codegen.emitter import Emitter
from ..codegen.loop_nest import LoopNestEmitter, access_strides, lanes_for, merge_axes
from ..codegen.vector_loops import emit_loops, emit_vector_loop
from ..expressions.expression import (
    Expression,
    Lookup,
    buffers_read,
    lookups,
    primitive_names,
    subexpressions,
)
from ..expressions.lowering import gathered_shape, identity_index
from ..fuse.op_traits import SCATTERS, uniform_value
from ..layout.view import Buffer, View
from .access import Access, reads
from .base import Instruction
from .planning import Planning, Rule


@dataclass(frozen=True, eq=False)
class Scatter(Instruction):
    """Values written, or added, one after the other, in the order of the domain."""

    adds: bool
    domain: Shape
    value: Expression
    target: Lookup

    def buffers(self) -> Iterator[Buffer]:
        yield from buffers_read([self.value])
        yield from buffers_read([self.target])

    def accesses(self) -> list[Access]:
        return [Access(self.target.buffer, True), *reads(subexpressions([self.value, self.target]))]

    def results(self) -> Sequence[View]:
        return [View(self.target.buffer, self.target.offset, self.domain, self.target.strides)]

    def bounds_checks(self) -> Iterable[Node]:
        return [lookup.node for lookup in lookups([self.value, self.target])]

    def index_buffers(self) -> set[Buffer]:
        """Return the buffers that the positions are computed from."""
        return set(buffers_read([index for index, _, _ in self.target.indices]))

    def nanoseconds(self) -> float:
        return 3.0 + prod(self.domain) * 2.0

    def summary(self) -> str:
        names = " ".join(primitive_names([self.value])[:8])
        return f"scatter{'-add' if self.adds else ''} {list(self.domain)} {names}".rstrip()

    def emit(self, emitter: Emitter) -> None:
        """Write loops over the domain; vectors of axes along which no index varies."""
        if 0 in self.domain:
            return
        f, target, (whole,) = emitter.f, self.target, self.results()
        expressions = [self.value, *[index for index, _, _ in target.indices]]
        indexed = {axis for index, _, _ in target.indices for axis in index.axes}
        sliced = frozenset(range(len(self.domain))) - indexed
        strides = [*access_strides(expressions, []), target.strides]
        axes = merge_axes(self.domain, strides, sliced)
        nest = LoopNestEmitter(emitter.addresses, axes, expressions, [whole], emitter.check_number)

        def write() -> None:
            x = f.convert(nest.value(self.value), target.dtype)
            pointer, step = nest.address(target)
            if self.adds:
                before = nest.read(pointer, target.dtype, step)
                x = before | x if x.dtype.kind == "b" else before + x
            nest.write(x, pointer, step)

        last = axes[-1] if axes else None
        if last is not None and last.last in sliced and target.strides[last.last] == 1:
            dtypes = [e.dtype for e in nest.subexpressions if nest.varies(e, last)]
            lanes = lanes_for([*dtypes, target.dtype], last.size)
            emit_loops(nest, axes[:-1], lambda: emit_vector_loop(nest, last, lanes, write))
        else:
            emit_loops(nest, axes, write)


def plan_scatter(planner: Planning, node: Node) -> None:
    """Plan a copy with values written, or added, at computed positions.

    If those are all that is read of it, a number is not copied but to them: what a step with
    `optim.lazy_adam` costs does not depend on the number of rows that it does not look up.
    """
    x, value, *arrays = node.inputs
    target = planner.target(node)
    pattern = node.params["pattern"]
    shape = gathered_shape(node.shape, arrays, pattern)
    lowering = planner.lowering(len(shape))
    lookup = lowering.lookup(target, node, pattern, arrays, identity_index(shape))
    number = uniform_value(x)
    if number is not None and planner.is_read_only_at(node, arrays, pattern):
        planner.append(Scatter(False, shape, lowering.number(number, target.dtype), lookup))
    else:
        planner.copy(x, target)
    values = lowering.broadcast(value, shape)
    planner.append(Scatter(node.primitive.name == "scatter_add", shape, values, lookup))


RULES: Mapping[str, Rule] = dict.fromkeys(SCATTERS, plan_scatter)
