"""Indices of views: what is read at each point of a domain."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.backends.llvm.expressions.expression import Load, Lookup, subexpressions
from chainrule.backends.llvm.expressions.lowering import Lowering, gathered_shape
from chainrule.backends.llvm.layout.view import Buffer, View
from chainrule.graph.node import Node, input_node
from chainrule.graph.types import Type
from chainrule.primitives.elementwise import add
from chainrule.primitives.indexing import gather
from chainrule.primitives.structure import broadcast_to, slice_, transpose

F64, I64 = np.dtype(np.float64), np.dtype(np.int64)


def lowered(node: Node, *inputs: Node) -> list[Load | Lookup]:
    """What a node's expression loads; inputs are contiguous."""
    views = {n: View.whole(Buffer(int(np.prod(n.shape)), n.dtype), n.shape) for n in inputs}
    expression = Lowering(len(node.shape), (), views.get)(node)
    return [e for e in subexpressions([expression]) if isinstance(e, (Load, Lookup))]


def test_views_vanish_into_strides() -> None:
    """A transpose of a slice is a load with an offset."""
    x = input_node(Type((4, 6), F64))
    part = slice_(x, index=(slice(1, 4), slice(None, None, -2)))
    (load,) = lowered(add(transpose(part, axes=(1, 0)), 1.0), x)
    assert (load.offset, load.strides) == (6 + 5, (-2, 6))


def test_a_broadcast_array_does_not_vary() -> None:
    """Stride 0 along the axis, which is not among those that the load varies with."""
    x = input_node(Type((1, 6), F64))
    (load,) = lowered(add(broadcast_to(x, shape=(4, 6)), 1.0), x)
    assert load.strides == (0, 1) and load.axes == {1}


@pytest.mark.parametrize("pattern", [(0, slice(None)), (slice(1, 3), 0), (0, 1)])
def test_lookups_take_computed_indices(pattern: tuple[object, ...]) -> None:
    """The shape is NumPy's, and slices are offsets."""
    x, i = input_node(Type((4, 6), F64)), input_node(Type((5,), I64))
    arrays = [i] * sum(isinstance(p, int) for p in pattern)
    pattern = tuple(k if isinstance(p, int) else p for k, p in enumerate(pattern))
    numbers = iter(range(len(arrays)))
    pattern = tuple(next(numbers) if isinstance(p, int) else p for p in pattern)
    zeros = [np.zeros(5, int)] * len(arrays)
    index = tuple(zeros[p] if isinstance(p, int) else p for p in pattern)
    assert gathered_shape(x.shape, arrays, pattern) == np.zeros((4, 6))[index].shape
    node = gather(x, *arrays, pattern=pattern)
    (lookup,) = [e for e in lowered(node, x, i) if isinstance(e, Lookup)]
    assert lookup.offset == (6 if pattern[0] == slice(1, 3) else 0)
    assert len(lookup.indices) == len(arrays)
