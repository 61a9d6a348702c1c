"""Which operation made the nan in a result: from the result back to where it arose.

A nan that is masked away is nobody's fault, so the search starts at the result. It follows those
inputs of a node that its nans come from: an input counts if, with ones in place of the nans in
all others, the result has more nans than with ones in place of all. ``where`` passes on what it
chose, and a product whatever it reads. A node that has nans with ones in place of all nans in its
inputs made them; of several such nodes the first one is reported. If it is a loop, the search
goes on in the iteration that made them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from typing import Any

import numpy as np

from ...control.effects import effects
from ...control.scan import split_operands
from ...graph.graph import Graph
from ...graph.node import CONSTANT, INPUT, ITEM, REFERENCE, Node
from ...graph.types import is_inexact
from ...primitives.callback import callback
from ...primitives.declare import ELEMENTWISE_FAMILIES


@dataclass(frozen=True)
class Source:
    """Where nans, or infinities, arose.

    Attributes
    ----------
    node : Node
        An operation, or a leaf that they came in with.
    inputs : tuple of arrays
        That the operation read, with ones in place of older nans.
    value : array
        Its result.
    mask : array of bool
        The entries that are not finite, and reach the result.
    loops : tuple of (Node, int)
        The loops around it, the outermost first, and the iteration of each, from 0.
    is_leaf : bool
        Whether they came in from outside.
    """

    node: Node
    inputs: tuple[Any, ...]
    value: Any
    mask: Any
    loops: tuple[tuple[Node, int], ...] = ()
    is_leaf: bool = False


class Finder:
    """Looks for nans, and for infinities if `infs`."""

    def __init__(self, infs: bool) -> None:
        self.infs = infs

    def mask(self, x: Any) -> Any:
        """Return which entries of an array count."""
        if not is_inexact(np.asarray(x).dtype):
            return np.zeros(np.shape(x), bool)
        return ~np.isfinite(x) if self.infs else np.isnan(x)

    def any(self, xs: Sequence[Any]) -> bool:
        """Return whether an array has such entries."""
        return any(bool(np.any(self.mask(x))) for x in xs)

    def _cleaned(self, x: Any) -> Any:
        if type(x) is tuple:
            return x
        mask = self.mask(x)
        return np.where(mask, np.ones((), np.asarray(x).dtype), x)[()] if np.any(mask) else x

    def search(
        self, inputs: Sequence[Node], outputs: Sequence[Node], values: Mapping[Node, Any]
    ) -> Source | None:
        """Return where the nans in the outputs arose; None if there are none."""
        trail = _Trail(self, values)
        for node in outputs:
            trail.add(node, self.mask(_value(values, node)))
        return trail.follow(set(inputs))

    def search_graph(
        self, graph: Graph, arguments: Sequence[Any], wanted: Sequence[int] | None = None
    ) -> Source | None:
        """Return where the nans in a graph's outputs, or some of them, arise for these arguments.

        The reference computes all nodes, and keeps their values.
        """
        values = values_of_nodes(graph, arguments)
        indices = range(len(graph.outputs)) if wanted is None else wanted
        return self.search(graph.inputs, [graph.outputs[k] for k in indices], values)

    def inside(self, node: Node, inputs: Sequence[Any], wanted: Sequence[int]) -> Source | None:
        """Return where in a loop, a branch or a call the nans of a node's results arise."""
        graphs = {key: g for key, g in node.params.items() if isinstance(g, Graph)}
        if not graphs or any(effects(graph) for graph in graphs.values()):
            return None
        name = node.primitive.name
        if name == "scan":
            return self._in_scan(node, inputs, wanted)
        if name == "while_loop":
            return self._in_while(node, inputs, wanted)
        if name == "cond":
            branch = graphs["true" if inputs[0] else "false"]
            return self.search_graph(branch, inputs[1:], wanted)
        bodies = [graph for graph in graphs.values() if len(graph.inputs) == len(inputs)]
        return self.search_graph(bodies[0], inputs, wanted) if bodies else None

    def _in_scan(self, node: Node, inputs: Sequence[Any], wanted: Sequence[int]) -> Source | None:
        body, n, length = node.params["body"], node.params["n_carry"], node.params["length"]
        carry, xs, constants = split_operands(inputs, n, node.params["n_xs"])
        chain = _Chain(self, carry)
        stacked = [k for k in wanted if k >= n]
        for k in reversed(range(length)) if node.params["reverse"] else range(length):
            results = chain.step(body, k, [*carry, *[x[k] for x in xs], *constants], n)
            carry = results[:n]
            if self.any([results[j] for j in stacked]):
                break
        return chain.search(node, body, wanted, n)

    def _in_while(self, node: Node, inputs: Sequence[Any], wanted: Sequence[int]) -> Source | None:
        cond, body = node.params["cond"], node.params["body"]
        n, stop = len(body.outputs), len(cond.inputs)
        carry, asked, constants = list(inputs[:n]), inputs[n:stop], inputs[stop:]
        chain = _Chain(self, carry)
        k = 0
        while cond.schedule.run(REFERENCE, [*carry, *asked])[0]:
            carry = chain.step(body, k, [*carry, *constants], n)
            k += 1
        return chain.search(node, body, wanted, n)


class _Chain:
    """The iterations of a loop: the last one that began with finite numbers, and was not the end.

    From there on there were nans in the state up to the iteration whose results are asked for.
    """

    def __init__(self, finder: Finder, carry: Sequence[Any]) -> None:
        self._finder, self._is_clean = finder, not finder.any(carry)
        self._start: tuple[int, list[Any], list[Any]] | None = None
        self._latest = -1

    def step(self, body: Graph, k: int, arguments: list[Any], n: int) -> list[Any]:
        """Run an iteration, and return its results."""
        results = body.schedule.run(REFERENCE, arguments)
        if self._is_clean or self._start is None:
            self._start = k, arguments, results
        self._is_clean = not self._finder.any(results[:n])
        self._latest = k
        return results

    def search(self, node: Node, body: Graph, wanted: Sequence[int], n: int) -> Source | None:
        if self._start is None:
            return None
        k, arguments, results = self._start
        outputs = list(wanted)
        if k != self._latest:
            outputs = [j for j in range(n) if self._finder.any(results[j : j + 1])]
        source = self._finder.search_graph(body, arguments, outputs)
        if source is None or source.is_leaf:
            return source
        return replace(source, loops=((node, k), *source.loops))


class _Trail:
    """Nodes that nans in the results come from, the last ones first."""

    def __init__(self, finder: Finder, values: Mapping[Node, Any]) -> None:
        self._finder, self._values = finder, values
        self._masks: dict[Node, Any] = {}  # of a node with several results: a dict by index
        self._heap: list[tuple[int, Node]] = []

    def add(self, node: Node, mask: Any) -> None:
        """Follow some entries of a node's value."""
        if not np.any(mask):
            return
        if node not in self._masks:
            heappush(self._heap, (-node.serial, node))
        self._masks[node] = self._masks[node] | mask if node in self._masks else mask

    def follow(self, inputs: set[Node]) -> Source | None:
        """Return the first source among all that the entries come from."""
        leaves: list[Source] = []
        sources: list[tuple[Node, tuple[Any, ...]]] = []
        while self._heap:
            _, node = heappop(self._heap)
            if node in inputs or node.primitive in (INPUT, CONSTANT):
                value = _value(self._values, node)
                leaves.append(Source(node, (), value, self._masks[node], is_leaf=True))
            elif node.primitive is ITEM:
                self._add_item(node)
            else:
                operands = self._pass_on(node)
                if operands is not None:
                    sources.append((node, operands))
        if sources:
            return self._at(*sources[-1])
        return leaves[-1] if leaves else None

    def _add_item(self, node: Node) -> None:
        parent, index = node.inputs[0], node.params["index"]
        if parent not in self._masks:
            heappush(self._heap, (-parent.serial, parent))
            self._masks[parent] = {}
        self._masks[parent][index] = self._masks[node]

    def _pass_on(self, node: Node) -> tuple[Any, ...] | None:
        """Follow the inputs that a node's nans come from; return its inputs if it made some."""
        finder = self._finder
        values = tuple([_value(self._values, child) for child in node.inputs])
        bad = [k for k, x in enumerate(values) if type(x) is not tuple and finder.any([x])]
        if node.primitive is callback and not node.params["call"].pure:  # not to be called again
            for k in bad:
                self.add(node.inputs[k], finder.mask(values[k]))
            return None if bad else values
        cleaned = tuple([finder._cleaned(x) for x in values])
        mask = self._masks[node]
        unclean = self._masks_of(node, cleaned) if bad else mask
        contributing = False
        for k in bad:
            alone = (*cleaned[:k], values[k], *cleaned[k + 1 :])
            entries = mask
            if len(bad) > 1 or _any(unclean):
                entries = _minus(self._masks_of(node, alone), unclean)
            if _any(entries):
                contributing = True
                self.add(node.inputs[k], self._entries(node, k, values[k], entries))
        if not bad or _any(unclean):
            return cleaned
        if not contributing:  # only all of them together: any may be the cause
            for k in bad:
                self.add(node.inputs[k], finder.mask(values[k]))
        return None

    def _masks_of(self, node: Node, operands: Sequence[Any]) -> Any:
        """Return which of the entries in question are nan for other operands."""
        value = node.primitive.evaluate(REFERENCE, *operands, **node.params)
        mask = self._masks[node]
        if isinstance(mask, dict):
            return {k: self._finder.mask(value[k]) & m for k, m in mask.items()}
        return self._finder.mask(value) & mask

    def _entries(self, node: Node, k: int, value: Any, entries: Any) -> Any:
        """Return the entries of an input to follow: where each is read by its place, just those."""
        mask = self._finder.mask(value)
        by_entry = node.primitive.spec.get("family") in ELEMENTWISE_FAMILIES
        if by_entry and np.shape(entries) == np.shape(mask) and np.any(mask & entries):
            return mask & entries
        return mask

    def _at(self, node: Node, operands: tuple[Any, ...]) -> Source:
        mask = self._masks[node]
        if isinstance(mask, dict):
            inner = self._finder.inside(node, operands, sorted(mask))
            if inner is not None and not inner.is_leaf:
                return inner
            index = min(mask)
            return Source(node, operands, _value(self._values, node)[index], mask[index])
        return Source(node, operands, _value(self._values, node), mask)


def values_of_nodes(graph: Graph, arguments: Sequence[Any]) -> dict[Node, Any]:
    """Return the values of all nodes of a graph, by the reference."""
    values: dict[Node, Any] = dict(zip(graph.inputs, arguments, strict=True))
    for node in graph.nodes:
        if node.primitive is CONSTANT:
            values[node] = node.value
        elif node not in values:
            operands = [values[child] for child in node.inputs]
            values[node] = node.primitive.evaluate(REFERENCE, *operands, **node.params)
    return values


def _value(values: Mapping[Node, Any], node: Node) -> Any:
    return values.get(node, node.value)


def _any(masks: Any) -> bool:
    return any(map(np.any, masks.values())) if isinstance(masks, dict) else bool(np.any(masks))


def _minus(masks: Any, others: Any) -> Any:
    if isinstance(masks, dict):
        return {k: mask & ~others[k] for k, mask in masks.items()}
    return masks & ~others
