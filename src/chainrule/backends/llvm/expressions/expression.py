"""What a loop nest computes at one place: a tree of loads and operations.

A node's place is written as an `Index`: for each of its axes a variable of the nest, a step and
an offset. Views inside the tree vanish: they change the index that their input is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ....graph.node import Node
from ....graph.types import Shape
from ..fuse.op_traits import is_elementwise, shown, uniform
from ..layout.view import Buffer, View

Place = tuple[int | None, int, int]
"""``step * variable + offset``; without a variable the offset alone."""
Index = tuple[Place, ...]


@dataclass(eq=False)
class Expression:
    """A number at each place of the nest; `axes` are the variables that it varies with."""

    dtype: np.dtype[Any]
    axes: frozenset[int] = field(default=frozenset(), kw_only=True)


@dataclass(eq=False)
class Number(Expression):
    """The same known number everywhere."""

    value: Any


@dataclass(eq=False)
class Load(Expression):
    """What lies at ``offset + sum of stride * variable`` (in numbers)."""

    buffer: Buffer
    offset: int
    strides: tuple[int, ...]


@dataclass(eq=False)
class Lookup(Expression):
    """A load whose address also depends on computed indices: (index, axis size, stride) each."""

    buffer: Buffer
    offset: int
    strides: tuple[int, ...]
    indices: tuple[tuple[Expression, int, int], ...]
    node: Node


@dataclass(eq=False)
class Truth(Expression):
    """Whether a number is not zero."""

    inputs: tuple[Expression, ...]


@dataclass(eq=False)
class Apply(Expression):
    """An elementwise primitive of expressions."""

    node: Node
    inputs: tuple[Expression, ...]


def parts(expressions: Iterable[Expression]) -> list[Expression]:
    """All expressions inside some, each once."""
    stack, seen = list(expressions), dict[Expression, None]()
    while stack:
        found = stack.pop()
        if found not in seen:
            seen[found] = None
            stack.extend(children(found))
    return list(seen)


def children(expression: Expression) -> Sequence[Expression]:
    """What an expression is computed from."""
    if isinstance(expression, (Apply, Truth)):
        return expression.inputs
    if isinstance(expression, Lookup):
        return [index for index, _, _ in expression.indices]
    return ()


def identity_index(shape: Sequence[int]) -> Index:
    """Each axis is the nest's variable of the same number."""
    return tuple((None, 0, 0) if size == 1 else (k, 1, 0) for k, size in enumerate(shape))


def strides_of(view: View, index: Index, rank: int) -> tuple[int, tuple[int, ...]]:
    """Offset and strides by the nest's variables of an array seen at an index."""
    offset, strides = view.offset, [0] * rank
    for (axis, step, start), stride in zip(index, view.strides, strict=True):
        offset += start * stride
        if axis is not None:
            strides[axis] += step * stride
    return offset, tuple(strides)


class Lowering:
    """Nodes to expressions over one nest's variables.

    Parameters
    ----------
    rank : int
        Of the nest.
    own : collection of Node
        What the nest itself computes and stores.
    view : callable
        ``view(node)``, where a node's numbers lie, or None for one that is computed in place.
    """

    def __init__(
        self, rank: int, own: Collection[Node], view: Callable[[Node], View | None]
    ) -> None:
        self.rank, self.own, self.view = rank, own, view
        self._known: dict[tuple[Node, Index], Expression] = {}

    def __call__(self, node: Node, index: Index | None = None) -> Expression:
        """The node's number at an index; by default at the nest's own place."""
        if index is None:
            index = identity_index(node.shape)
        key = (node, index)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._lower(node, index)
        return found

    def _lower(self, node: Node, index: Index) -> Expression:
        number = uniform(node)
        if number is not None:
            return Number(node.dtype, number)
        if node not in self.own:
            view = self.view(node)
            if view is not None:
                return self.load(view, index)
        rule = _MOVES.get(node.primitive.name)
        if node.primitive.name == "reshape" and not keeps_order(node):
            source = self.view(node.inputs[0])
            seen = None if source is None else source.reshaped(node.shape)
            assert seen is not None, "fusion stores the input of such a reshape"
            return self.load(seen, index)
        if rule is not None:
            return self(node.inputs[0], rule(node, index))
        if node.primitive.name == "gather":
            return self._lookup(node, index)
        assert is_elementwise(node), node
        inputs = tuple(self(child, aligned(child.shape, index)) for child in node.inputs)
        axes = frozenset[int]().union(*[x.axes for x in inputs])
        return Apply(node.dtype, node, inputs, axes=axes)

    def load(self, view: View, index: Index) -> Load:
        """What lies at an index of a view."""
        offset, strides = strides_of(view, index, self.rank)
        axes = frozenset(k for k, stride in enumerate(strides) if stride)
        return Load(view.dtype, view.buffer, offset, strides, axes=axes)

    def number(self, value: Any, dtype: np.dtype[Any]) -> Number:
        """One number everywhere."""
        return Number(dtype, dtype.type(value))

    def truth(self, expression: Expression) -> Expression:
        """Whether a number is not zero."""
        return Truth(np.dtype(np.bool_), (expression,), axes=expression.axes)

    def broadcast(self, node: Node, shape: Shape) -> Expression:
        """A node seen in a larger shape."""
        return self(node, aligned(node.shape, identity_index(shape)))

    def _lookup(self, node: Node, index: Index) -> Lookup:
        source = self.view(node.inputs[0])
        if source is None:
            source = self._repeated(node.inputs[0])
        return self.lookup(source, node, node.params["pattern"], node.inputs[1:], index)

    def _repeated(self, node: Node) -> View:
        """One number that views repeat, where it lies: indices are checked, but move nothing."""
        number = self.view(shown(node))
        assert number is not None and uniform(node) is not None, "fusion stores what is looked up"
        return View(number.buffer, number.offset, node.shape, (0,) * len(node.shape))

    def lookup(
        self, source: View, node: Node, pattern: Sequence[Any], arrays: Sequence[Node],
        index: Index,
    ) -> Lookup:  # fmt: skip
        """An entry of `source[pattern]` with computed arrays in the pattern."""
        sliced, asked = gather_places(pattern, arrays, index)
        offset, strides = source.offset, [0] * self.rank
        indices = []
        for k, entry in enumerate(pattern):
            stride = source.strides[k]
            if isinstance(entry, int):
                array = arrays[entry]
                place = self(array, aligned(array.shape, asked))
                indices.append((place, source.shape[k], stride))
                continue
            axis, step, start = sliced[k]
            taken = range(*entry.indices(source.shape[k]))
            offset += (taken.start + start * taken.step) * stride
            if axis is not None:
                strides[axis] += step * taken.step * stride
        axes = frozenset(k for k, stride in enumerate(strides) if stride)
        axes = axes.union(*[place.axes for place, _, _ in indices])
        return Lookup(
            source.dtype, source.buffer, offset, tuple(strides), tuple(indices), node, axes=axes
        )


def aligned(shape: Shape, index: Index) -> Index:
    """The index of an array that is broadcast: last axes match, size 1 stays at 0."""
    kept = index[len(index) - len(shape) :]
    pairs = zip(shape, kept, strict=True)
    return tuple((None, 0, 0) if size == 1 else place for size, place in pairs)


def gather_places(
    pattern: Sequence[Any], arrays: Sequence[Node], index: Index
) -> tuple[dict[int, Place], Index]:
    """Of a gather's index: the place along each sliced axis, and that in the index arrays."""
    found = [k for k, entry in enumerate(pattern) if isinstance(entry, int)]
    count = len(np.broadcast_shapes(*[x.shape for x in arrays]))
    together = not found or found[-1] - found[0] + 1 == len(found)
    front = found[0] if found and together else 0
    asked = index[front : front + count]
    rest = iter(index[:front] + index[front + count :])
    return {k: next(rest) for k, e in enumerate(pattern) if not isinstance(e, int)}, asked


def gathered_shape(
    shape: tuple[int, ...], arrays: Sequence[Node], pattern: Sequence[Any]
) -> tuple[int, ...]:
    """The shape of an array indexed by a pattern."""
    places = [k for k, entry in enumerate(pattern) if isinstance(entry, int)]
    common = np.broadcast_shapes(*[x.shape for x in arrays])
    sliced = [
        len(range(*entry.indices(size)))
        for entry, size in zip(pattern, shape, strict=True)
        if not isinstance(entry, int)
    ]
    together = not places or places[-1] - places[0] + 1 == len(places)
    front = places[0] if places and together else 0
    return (*sliced[:front], *common, *sliced[front:])


def _transpose(node: Node, index: Index) -> Index:
    inner: list[Place] = [(None, 0, 0)] * len(index)
    for k, axis in enumerate(node.params["axes"]):
        inner[axis] = index[k]
    return tuple(inner)


def _slice(node: Node, index: Index) -> Index:
    result = []
    for part, size, (axis, step, start) in zip(
        node.params["index"], node.inputs[0].shape, index, strict=True
    ):
        taken = range(*part.indices(size))
        result.append((axis, step * taken.step, taken.start + start * taken.step))
    return tuple(result)


def _reshape(node: Node, index: Index) -> Index:
    """Only axes of size 1 come and go."""
    places = iter([p for p, size in zip(index, node.shape, strict=True) if size != 1])
    return tuple((None, 0, 0) if size == 1 else next(places) for size in node.inputs[0].shape)


_MOVES: Mapping[str, Callable[[Node, Index], Index]] = {
    "identity": lambda node, index: index,
    "stop_gradient": lambda node, index: index,
    "transpose": _transpose,
    "slice": _slice,
    "reshape": _reshape,
    "broadcast_to": lambda node, index: aligned(node.inputs[0].shape, index),
}


def keeps_order(node: Node) -> bool:
    """Whether a reshape only adds and drops axes of size 1."""
    before = [size for size in node.inputs[0].shape if size != 1]
    return before == [size for size in node.shape if size != 1]
