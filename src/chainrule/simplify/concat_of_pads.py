"""Sums of padded operands that overlap or lie beside each other, as one concatenation.

The gradient of slices adds up arrays of zeros, each with one operand in it. Between the ends of
the operands the same ones add up, and there is a piece for each of these segments::

    pad(a) + pad(b)    a a a .    -> concatenate(a[:1] + 0, a[1:] + b[:-1], b[-1:] + 0)
                       . b b b

Operands with gaps that the others fill (of ``x[::2]`` and ``x[1::2]``) are joined along a new axis.
So nothing is stored but the sum. The zero is added because ``-0 + 0`` is 0.
"""

from __future__ import annotations

from collections import Counter
from itertools import accumulate, pairwise
from math import prod
from operator import attrgetter
from typing import NamedTuple

from ..graph.graph import Graph
from ..graph.node import Node, constant
from ..graph.types import is_inexact
from ..primitives.declare import ELEMENTWISE_FAMILIES
from ..primitives.elementwise import add
from ..primitives.structure import concatenate, pad, reshape, slice_
from .rewrite import rewrite

_MOST_SEGMENTS = 9
_MOST_VISITED = 200
# What may be computed once for each operand in which it is, and what counts as too much of it
_COSTS = {"div": 4, "sqrt": 4} | dict.fromkeys(
    ["add", "sub", "mul", "neg", "abs", "maximum", "minimum", "where", "equal", "less",
     "bitwise_and", "bitwise_xor", "sign"], 1
)  # fmt: skip
_COSTLY = 24
_SEEN_THROUGH = {"identity", "cast", "reshape", "transpose", "broadcast_to", "slice"}
_LARGE = 1024  # entries from which on a sum is cut into more segments than it has operands


def concat_of_pads(graph: Graph) -> Graph:
    """Replace sums of padded operands by one concatenation."""
    if not any(node.primitive is pad for node in graph.nodes):
        return graph
    readers = Counter(child for node in graph.nodes for child in node.inputs)
    readers.update(graph.outputs)
    inner = {
        child
        for node in graph.nodes if node.primitive is add
        for child in node.inputs if child.primitive is add and readers[child] == 1
    }  # fmt: skip

    def rule(node: Node, original: Node) -> Node:
        if node.primitive is not add or original in inner:  # the whole sum is seen at its end
            return node
        terms: list[_Term] = []
        total = _sum_of(node, original, inner, terms)
        return _concatenated(node, terms, total)

    return rewrite(graph, rule)


class _Term(NamedTuple):
    """An operand of a sum, and where it lies along each axis of the whole; nowhere if it is of
    another type.
    """

    operand: Node
    spans: tuple[range, ...]


_Sum = list[int | None]  # in postfix: the number of a term, or None, which adds the last two


def _sum_of(node: Node, original: Node, inner: set[Node], terms: list[_Term]) -> _Sum:
    """Enter the terms of a sum of sums into a list, and return how they add up."""
    total: list[_Term | None] = []  # from the last one to the first
    pending = [(node, original)]
    while pending:  # of thousands of terms, after a long loop
        now, before = pending.pop()
        if before is original or (before in inner and now.type == node.type):
            total.append(None)
            pending += zip(now.inputs, before.inputs, strict=True)
            continue
        operand, spans = now, tuple(map(range, now.shape))
        if now.type != node.type:
            spans = ()  # it is broadcast, or cast
        elif now.primitive is pad:
            (operand,) = now.inputs
            index = zip(now.params["index"], now.shape, strict=True)
            spans = tuple([range(*s.indices(size)) for s, size in index])
        total.append(_Term(operand, spans))
    result: _Sum = []
    for entry in reversed(total):
        result.append(None if entry is None else len(terms))
        if entry is not None:
            terms.append(entry)
    return result


def _concatenated(node: Node, terms: list[_Term], total: _Sum) -> Node:
    """Return one concatenation of the sums in each segment, if that is better, else the node."""
    if not all(term.spans for term in terms):
        return node
    whole = tuple(map(range, node.shape))
    cut = [k for k, r in enumerate(whole) if any(term.spans[k] != r for term in terms)]
    if len(cut) != 1 or any(term.operand.shape != _sizes(term) for term in terms):
        return node
    (axis,) = cut
    spans = [term.spans[axis] for term in terms]
    if all(span.step == len(spans) > 1 for span in spans):
        return _interleaved(node, terms, axis)
    if any(span.step != 1 or not span for span in spans):
        return node
    begun, over = (Counter(map(attrgetter(end), spans)) for end in ("start", "stop"))
    ends = sorted({*begun, *over})
    segments = list(pairwise(ends))
    covering = list(accumulate(begun[a] - over[a] for a, _ in segments))
    if 0 in covering:
        return node
    if (ends[0], ends[-1]) != (0, node.shape[axis]) or not _better(node, terms, covering):
        return node

    by_start = {span.start: [k] for k, span in enumerate(spans)}
    beside = all(count == 1 for count in covering)
    pieces = []
    for (start, stop), count in zip(segments, covering, strict=True):
        stack: list[Node | None] = []  # None where nothing is added
        for k in by_start[start] if beside else total:
            if k is None:
                right, left = stack.pop(), stack.pop()
                both = left is not None and right is not None
                stack.append(add(left, right) if both else right if left is None else left)
            else:
                operand, span = terms[k].operand, spans[k]
                inside = start in span
                stack.append(_cut(operand, axis, start, stop, span) if inside else None)
        (piece,) = stack
        assert piece is not None
        if count < len(terms) and is_inexact(node.dtype):
            piece = add(piece, constant(node.dtype.type(0)))
        pieces.append(piece)
    return concatenate(*pieces, axis=axis)  # type: ignore[no-any-return]


def _interleaved(node: Node, terms: list[_Term], axis: int) -> Node:
    """Return operands of which each has every so-manieth entry, side by side along a new axis."""
    step, shape = len(terms), node.shape
    in_order = sorted(terms, key=lambda term: term.spans[axis].start)
    for start, term in enumerate(in_order):
        if term.spans[axis] != range(start, shape[axis] - step + start + 1, step):
            return node
    pieces = []
    for term in in_order:
        piece = term.operand
        if is_inexact(node.dtype):
            piece = add(piece, constant(node.dtype.type(0)))
        apart = (*shape[:axis], shape[axis] // step, 1, *shape[axis + 1 :])
        pieces.append(reshape(piece, shape=apart))
    return reshape(concatenate(*pieces, axis=axis + 1), shape=shape)  # type: ignore[no-any-return]


def _sizes(term: _Term) -> tuple[int, ...]:
    return tuple(map(len, term.spans))


def _better(node: Node, terms: list[_Term], covering: list[int]) -> bool:
    """Return whether nothing is computed twice, or little of what need not be stored."""
    if all(count == 1 for count in covering):
        return True
    if prod(node.shape) < _LARGE or len(covering) > _MOST_SEGMENTS:
        return False
    shared = Counter(inner for term in terms for inner in _inline(term.operand))
    repeated = [inner for inner, count in shared.items() if count > 1]
    return sum(_COSTS.get(inner.primitive.name, _COSTLY) for inner in repeated) < _COSTLY


def _inline(operand: Node) -> set[Node]:
    """Return the elementwise operations that an operand is computed by."""
    seen: set[Node] = set()
    visited = {operand}
    stack = [operand]
    while stack and len(visited) < _MOST_VISITED:
        node = stack.pop()
        if node.primitive.spec.get("family") in ELEMENTWISE_FAMILIES:
            seen.add(node)
        elif node.primitive.name not in _SEEN_THROUGH:
            continue
        stack += [child for child in node.inputs if child not in visited]
        visited.update(node.inputs)
    return seen


def _cut(operand: Node, axis: int, start: int, stop: int, span: range) -> Node:
    if (start, stop) == (span.start, span.stop):
        return operand
    index = [slice(0, size) for size in operand.shape]
    index[axis] = slice(start - span.start, stop - span.start)
    return slice_(operand, index=tuple(index))  # type: ignore[no-any-return]
