"""Work moved out of a loop, after it: sums of products, and products that no iteration reads.

The backward pass of a recurrent layer adds up its weights' gradients iteration by iteration::

    scan:  total = total + a_t.T @ b_t        ->   total + a.T @ b,  over iterations and rows
    scan:  total = total + sum(b_t, axis=0)   ->   total + sum(b, axis=(0, 1)),  if b is stacked
    scan:  y_t = a_t @ W                      ->   a @ W

Where it pays: if a and b are stacked anyway, or are not much larger than their product.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod

import numpy as np

from ..graph.graph import Graph
from ..graph.node import CONSTANT, ITEM, Node, apply
from ..graph.types import Type
from ..primitives.elementwise import add
from ..primitives.products import matmul
from ..primitives.structure import reshape, sum_, transpose
from .hoist import MAX_STACK_BYTES, Stacker, is_worth_hoisting, stacked_view
from .rewrite import replace, rewrite

VIEWS = ("reshape", "transpose")


def sink_after_scan(graph: Graph) -> Graph:
    """Move out of each scan what can be computed after it."""
    replacements: dict[Node, list[Node]] = {}

    def rule(node: Node, _original: Node) -> Node:
        if node.primitive.name == "scan":
            results = _ScanSinker(node).results()
            if results is not None:
                replacements[node] = results
        elif node.primitive is ITEM and node.inputs[0] in replacements:
            index: int = node.params["index"]
            return replacements[node.inputs[0]][index]
        return node

    return rewrite(graph, rule)


@dataclass
class _Accumulator:
    """A carry that only accumulates: terms to add after the loop, and terms that stay in it."""

    type: Type
    rest: list[Node]
    sunk: list[Node] = field(default_factory=list)

    def take(self, chosen: Callable[[Node], bool]) -> None:
        """Move terms from the rest to the sunk ones."""
        terms = self.rest
        self.rest = []
        for term in terms:
            alike = term.type == self.type  # another one is broadcast as it is added
            (self.sunk if alike and chosen(term) else self.rest).append(term)


class _ScanSinker:
    """Finds and moves what one scan need not compute itself."""

    def __init__(self, scan: Node) -> None:
        self.scan = scan
        self.body: Graph = scan.params["body"]
        self.n_carry: int = scan.params["n_carry"]
        self.outside = Stacker(scan)
        self.readers = Counter(child for node in self.body.nodes for child in node.inputs)
        self.readers.update(self.body.outputs)
        self.ys = dict.fromkeys(self.body.outputs[self.n_carry :])  # what is stacked

    def results(self) -> list[Node] | None:
        """Return nodes in place of the scan's results, or None if nothing is to be moved."""
        if self.outside.length < 2:
            return None
        totals = {
            k: _Accumulator(self.body.inputs[k].type, terms)
            for k in range(self.n_carry) if (terms := self._terms(k))
        }  # fmt: skip
        for total in totals.values():
            total.take(self._is_product)
        deferred = {y for y in tuple(self.ys) if self._is_deferrable(y)}
        for y in deferred:
            del self.ys[y]
        for total in totals.values():
            total.take(self._is_sum)
        totals = {k: total for k, total in totals.items() if total.sunk}
        if not totals and not deferred:
            return None
        retained = [k for k in range(self.n_carry) if k not in totals or totals[k].rest]
        smaller = self._without(retained, totals)
        for position, y in enumerate(self.ys, len(retained)):
            self.outside.known.setdefault(y, apply(ITEM, (smaller,), {"index": position}))
        results = []
        for k, last in enumerate(self.scan.inputs[: self.n_carry]):
            if k in retained:
                last = apply(ITEM, (smaller,), {"index": retained.index(k)})
            if k in totals:
                last = _added(last, [self._summed(term) for term in totals[k].sunk])
            results.append(last)
        ys = self.body.outputs[self.n_carry :]
        return results + [
            self._deferred_product(y) if y in deferred else self._stack(y) for y in ys
        ]

    def _without(self, retained: list[int], totals: dict[int, _Accumulator]) -> Node:
        """Rebuild the scan with fewer carries and with the ys collected so far."""
        before, after = self.body.inputs, self.body.outputs
        carries = [_added(before[k], totals[k].rest) if k in totals else after[k] for k in retained]
        positions = [*retained, *range(self.n_carry, len(before))]
        body = Graph(tuple(before[k] for k in positions), (*carries, *self.ys))
        inputs = tuple(self.scan.inputs[k] for k in positions)
        return replace(self.scan, inputs, body=body, n_carry=len(retained))

    def _terms(self, k: int) -> list[Node]:
        """Return what a carry adds to itself if nothing else reads it, else nothing."""
        total, out = self.body.inputs[k], self.body.outputs[k]
        terms, pending = [], [out]
        while pending:
            node = pending.pop()
            if node.primitive is add and self.readers[node] == 1:
                pending += node.inputs
            else:
                terms.append(node)
        if self.readers[total] != 1 or total not in terms or out is total:
            return []
        return [term for term in terms if term is not total]

    # What pays

    def _is_product(self, term: Node) -> bool:
        """Return whether a term multiplies two varying matrices with available or small stacks."""
        if not is_worth_hoisting(term) or any(x not in self.outside.varying for x in term.inputs):
            return False
        return self._stackable(list(term.inputs), 2 * prod(term.shape))

    def _is_deferrable(self, y: Node) -> bool:
        """Return whether y is a product with an invariant matrix that the body does not read."""
        if not is_worth_hoisting(y) or self.readers[y] != 1:
            return False
        x, matrix = y.inputs
        fixed = matrix not in self.outside.varying and x in self.outside.varying
        return fixed and self._stackable([x], 2 * prod(y.shape))

    def _is_sum(self, term: Node) -> bool:
        return term.primitive is sum_ and self._stackable([term.inputs[0]], 0)

    def _stackable(self, nodes: list[Node], most: int) -> bool:
        """Return whether nodes are stacked already, or may be, adding at most `most` entries."""
        new = {source for node in nodes if not self._is_stacked(source := self._source(node))}
        size = sum(prod(node.shape) for node in new)
        if size > most or size * self.outside.length * nodes[0].dtype.itemsize > MAX_STACK_BYTES:
            return False
        self.ys.update(dict.fromkeys(sorted(new, key=lambda node: node.serial)))
        return True

    def _source(self, node: Node) -> Node:
        """Return the stacked node of which a node is a view."""
        while not self._is_stacked(node) and node.primitive.name in VIEWS:
            (node,) = node.inputs
        return node

    def _is_stacked(self, node: Node) -> bool:
        return node in self.outside.known or node in self.ys

    # What is made of it

    def _stack(self, node: Node) -> Node:
        known = self.outside.known
        return known[node] if node in known else stacked_view(node, self._stack(node.inputs[0]))

    def _deferred_product(self, y: Node) -> Node:
        x, matrix = y.inputs
        return matmul(self._stack(x), self.outside.invariant(matrix))  # type: ignore[no-any-return]

    def _summed(self, term: Node) -> Node:
        """Compute a term summed over all iterations."""
        if term.primitive is sum_:
            axes = (0, *[axis + 1 for axis in term.params["axes"]])
            return sum_(self._stack(term.inputs[0]), axes=axes)  # type: ignore[no-any-return]
        left, right = term.inputs
        return matmul(self._concat_columns(left), self._concat_rows(right))  # type: ignore[no-any-return]

    def _concat_columns(self, left: Node) -> Node:
        """Return [a_1 a_2 ...] of shape (m, iterations * k)."""
        if left.primitive is transpose:
            return transpose(self._concat_rows(left.inputs[0]), axes=(1, 0))  # type: ignore[no-any-return]
        transposed = transpose(self._stack(left), axes=(1, 0, 2))
        return reshape(transposed, shape=(left.shape[0], prod(transposed.shape[1:])))  # type: ignore[no-any-return]

    def _concat_rows(self, right: Node) -> Node:
        """Return [b_1; b_2; ...] of shape (iterations * k, n)."""
        stack = self._stack(right)
        return reshape(stack, shape=(stack.shape[0] * stack.shape[1], stack.shape[2]))  # type: ignore[no-any-return]


def _added(first: Node, terms: list[Node]) -> Node:
    """Sum the terms; a first one of zeros is left out."""
    if first.primitive is CONSTANT and not np.any(first.value):
        first, *terms = terms
    for term in terms:
        first = add(first, term)
    return first
