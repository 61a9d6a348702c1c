"""Where each number lies, and the instructions so far: what the rules of planning work with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from ....graph.graph import Graph
from ....graph.node import CONSTANT, ITEM, Node
from ....graph.stages import times_instructions
from ....graph.types import Type
from ..expressions.lowering import Lowering, identity_index
from ..fuse.op_traits import VIEW_OPS, cost, is_native, uniform_value
from ..fuse.steps import FusedGraph, Materialized, Step, view_of
from ..fuse.updates import Storage, storage
from ..instructions.base import Instruction
from ..instructions.elementwise import Elementwise
from ..instructions.host_call import HostCall
from ..layout.frame import FIRST_ARGUMENT
from ..layout.view import Buffer, View
from .in_place import changes, states

Rule = Callable[["Planner", Node], None]
"""Adds the instructions that compute a node, and its views."""


class Planner:
    """Collects instructions, and the views of nodes that are known so far.

    Parameters
    ----------
    rules : mapping of str to Rule
        By the names of primitives that are neither elementwise nor views.
    """

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self.rules = rules
        self.n_words = FIRST_ARGUMENT
        self.views: dict[Node, View] = {}
        self.results: dict[Node, list[View]] = {}  # of nodes with several results
        self.result_targets: dict[tuple[Node, int], View] = {}  # where those are to be written
        self.changed: dict[Storage, Storage] = {}  # see `in_place.changes`; no inputs
        self.lying: set[Node] = set()  # outputs that are computed in their places, in other shapes
        self.constants: dict[Node, int] = {}
        self.host_calls: list[HostCall] = []
        self.bounds_checks: dict[Node, None] = {}
        self.instructions: list[Instruction] = []
        self.graph: Graph | None = None  # whose steps are planned
        self.computes: tuple[tuple[Node, float], ...] = ()  # of the step at hand, if measured

    # Memory

    def external(self, type_: Type) -> View:
        """Return an array whose address stands in a new word of the frame."""
        buffer = Buffer(prod(type_.shape), type_.dtype, word=self.n_words)
        self.n_words += 1
        return View.whole(buffer, type_.shape)

    def allocate(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], order: Sequence[int] | None = None
    ) -> View:
        """Return a new array in the arena; `order` lists its axes by decreasing stride."""
        return View.whole(Buffer(prod(shape), dtype), shape, order)

    def view(self, node: Node) -> View | None:
        """Return where a node lies in memory; None if it is computed inside its consumers."""
        known = self.views.get(node)
        if known is not None:
            return known
        view: View | None = None
        if node.primitive is ITEM:
            view = self.results[node.inputs[0]][node.params["index"]]
        elif node.primitive is CONSTANT:
            view = self._constant(node)
        elif node.primitive.name in VIEW_OPS and is_native(node):
            source = self.view(node.inputs[0]) if uniform_value(node.inputs[0]) is None else None
            view = None if source is None else view_of(node, source)
        if view is not None:
            self.views[node] = view
        return view

    def _constant(self, node: Node) -> View:
        known = self.constants.get(node)
        if known is not None:  # of another body, whose views are forgotten, but not its word
            return View.whole(Buffer(prod(node.shape), node.dtype, word=known), node.shape)
        view = self.external(node.type)
        assert view.buffer.word is not None
        self.constants[node] = view.buffer.word
        return view

    def materialize(self, node: Node) -> View:
        """Return where a node lies; a number that only views repeat is copied."""
        view = self.view(node)
        if view is None:
            view = self.allocate(node.shape, node.dtype)
            self.copy(node, view)
        return view

    def materialize_contiguous(self, node: Node) -> View:
        """Return where a node lies C-contiguous, as the body of a loop or branch expects it."""
        view = self.materialize(node)
        if view.is_contiguous:
            return view
        target = self.allocate(node.shape, node.dtype)
        self.copy(node, target)
        return target

    def materialize_as(self, node: Node, dtype: np.dtype[Any]) -> View:
        """Return a node's numbers in a dtype: where they lie, or a copy."""
        if node.dtype == dtype:
            return self.materialize(node)
        target = self.allocate(node.shape, dtype)
        self.copy(node, target)
        return target

    def target(self, node: Node) -> View:
        """Return where a node is to be written."""
        if node not in self.views:
            array = self._changed_array(node)
            self.views[node] = array or self.allocate(node.shape, node.dtype)
        return self.views[node]

    def result_buffers(self, node: Node, orders: Sequence[Sequence[int] | None] = ()) -> list[View]:
        """Return where the results of a loop or branch are to be written."""
        return [
            self.result_targets.get((node, k)) or self._changed_array((node, k))
            or self.allocate(t.shape, t.dtype, orders[k] if orders else None)
            for k, t in enumerate(node.shape)
        ]  # fmt: skip

    def result_views(self, node: Node, orders: Sequence[Sequence[int] | None] = ()) -> list[View]:
        """Return where the results of a node are to be written; `orders` as in `allocate`."""
        self.results[node] = self.result_buffers(node, orders)
        return self.results[node]

    def is_read_only_by(self, node: Node, names: Collection[str]) -> bool:
        """Whether all that reads the results of a node are primitives of these names."""
        graph = self.graph
        assert graph is not None
        items = {n for n in graph.nodes if n.primitive is ITEM and n.inputs[0] is node}
        readers = [n for n in graph.nodes if not items.isdisjoint(n.inputs)]
        named = all(n.primitive.name in names and is_native(n) for n in readers)
        return named and items.isdisjoint(graph.outputs)

    def is_read_only_at(self, node: Node, arrays: Sequence[Node], pattern: Any) -> bool:
        """Whether all that is read of a node are its entries at an index."""
        graph = self.graph
        assert graph is not None
        readers = [n for n in graph.nodes if node in n.inputs]
        return node not in graph.outputs and all(
            n.primitive.name == "gather" and is_native(n) and n.inputs == (node, *arrays)
            and n.params["pattern"] == pattern for n in readers
        )  # fmt: skip

    def _changed_array(self, result: Storage) -> View | None:
        """Return where the array lies that a result is a change of, and whose memory it takes."""
        array = self.changed.get(result)
        if isinstance(array, tuple):
            loop, number = array
            return self.results[loop][number]
        return None if array is None else self.views[array]

    # Instructions

    def append(self, instruction: Instruction) -> None:
        """Add the next instruction."""
        if self.computes:
            instruction = replace(instruction, computes=self.computes)
        self.instructions.append(instruction)
        self.bounds_checks.update(dict.fromkeys(instruction.bounds_checks()))

    def lowering(self, rank: int, inlined: Iterable[Node] = ()) -> Lowering:
        """Return a translation of nodes to expressions, which load what lies in memory by now."""
        return Lowering(rank, set(inlined), self.view)

    def lies_at(self, node: Node, target: View) -> bool:
        """Whether a node's numbers are what a view of its shape holds."""
        known = self.view(node) if node.primitive is ITEM else self.views.get(node)
        return known is target

    def copy(self, node: Node, target: View) -> None:
        """Write a node's numbers to a view of its shape, in the order of that view's strides."""
        if self.lies_at(node, target):
            return
        order = target.axes_by_stride
        index = identity_index([node.shape[k] for k in order])
        permuted = tuple(index[order.index(k)] for k in range(len(order)))
        view = target.transposed(order)
        self.append(Elementwise(view.shape, [(self.lowering(len(order))(node, permuted), view)]))

    def move(self, source: View, target: View) -> None:
        """Copy an array, in the order of the target's strides."""
        order = target.axes_by_stride
        source, target = source.transposed(order), target.transposed(order)
        load = self.lowering(len(source.shape)).load(source, identity_index(source.shape))
        self.append(Elementwise(source.shape, [(load, target)]))

    def fill(self, target: View, number: Any) -> None:
        """Write one number everywhere."""
        target = target.transposed(target.axes_by_stride)
        value = self.lowering(len(target.shape)).number(number, target.dtype)
        self.append(Elementwise(target.shape, [(value, target)]))

    # Graphs

    def run_steps(self, fused: FusedGraph, targets: Sequence[View | None]) -> None:
        """Plan all steps. Materialised outputs of C order are written to their targets at once."""
        materialized = fused.materialized
        for node in materialized.nodes:
            if (order := materialized.axis_order(node)) is not None:
                self.views[node] = self.allocate(node.shape, node.dtype, order)
        changed = changes(fused)
        inputs = frozenset(fused.graph.inputs)
        self.changed.update({r: array for r, array in changed.items() if array not in inputs})
        self.lying.difference_update(fused.graph.outputs)  # a body may be planned twice
        shared = {self.views[x].buffer for x in fused.graph.inputs}
        changing = {*self.changed, *self.changed.values()}
        for node, target in zip(fused.graph.outputs, targets, strict=True):
            source = _unshaped(node, materialized)
            if target is not None and source is not node and storage(source) not in changing:
                whole = target.reshaped(source.shape)
                if whole is None or target.buffer in shared:
                    pass  # it cannot lie there, or another array is still read from there
                elif self.views.setdefault(source, whole) is whole:
                    self.lying.add(node)
            if target is not None and (node in materialized.nodes or node.primitive is ITEM):
                for state in states(storage(node), self.changed):
                    if isinstance(state, tuple):
                        self.result_targets.setdefault(state, target)
                    else:
                        self.views.setdefault(state, target)
        read = frozenset(fused.graph.outputs).union(*[step.reads for step in fused.steps])
        outer, self.graph = self.graph, fused.graph
        measured, around = times_instructions(), self.computes
        for step in fused.steps:
            if measured:
                self.computes = _work(materialized.computed(step.nodes))
            self._run_step(step, read)
        self.graph, self.computes = outer, around

    def _run_step(self, step: Step, read: Collection[Node]) -> None:
        if step.by_numpy:
            self._host_call(step.node)
        elif step.is_cluster:
            # What only this loop nest reads, in passing, need not be stored
            self._elementwise([n for n in step.nodes if n in read] or step.nodes, step.nodes)
        else:
            self.rules[step.node.primitive.name](self, step.node)

    def _elementwise(self, nodes: Sequence[Node], computed: Sequence[Node]) -> None:
        """Store nodes, in a loop nest that computes some more."""
        nodes = [node for node in nodes if node not in self.lying]
        if not nodes:
            return
        targets = [self.target(node) for node in nodes]
        shape, order = nodes[0].shape, targets[0].axes_by_stride
        if targets[0].is_contiguous:
            order = tuple(range(len(shape)))
        lowering = self.lowering(len(shape), computed)
        index = tuple(
            (None, 0, 0) if size == 1 else (order.index(k), 1, 0) for k, size in enumerate(shape)
        )
        stores = [(lowering(n, index), target.transposed(order))
                  for n, target in zip(nodes, targets, strict=True)]  # fmt: skip
        self.append(Elementwise(tuple(shape[k] for k in order), stores))

    def _host_call(self, node: Node) -> None:
        if node.dtype is None:
            outputs = self.results[node] = [self.allocate(t.shape, t.dtype) for t in node.shape]
        else:
            outputs = [self.target(node)]
        self.append(self.host_call(node, outputs))

    def host_call(self, node: Node, outputs: Sequence[View], *, rare: bool = False) -> HostCall:
        """Return an instruction by which the reference computes a node, to be added."""
        inputs = [self.materialize(child) for child in node.inputs]
        call = HostCall(node, len(self.host_calls), inputs, outputs, rare)
        self.host_calls.append(call)
        return call

    @contextmanager
    def subplan(self) -> Iterator[list[Instruction]]:
        """Collect the instructions of a body, which are planned inside, in a list of their own.

        Views are forgotten at the end: the body may be planned again elsewhere.
        """
        outer, body = self.instructions, list[Instruction]()
        views, results = dict(self.views), dict(self.results)
        self.instructions = body
        yield body
        self.instructions = outer
        self.views, self.results = views, results


def _unshaped(node: Node, materialized: Materialized) -> Node:
    """Return the node in memory, in C order, whose numbers an output has in another shape."""
    source = node
    while source.primitive.name in ("identity", "reshape"):
        (source,) = source.inputs
    stored = source in materialized.nodes and materialized.axis_order(source) is None
    return source if stored else node


def _work(nodes: Iterable[Node]) -> tuple[tuple[Node, float], ...]:
    """Return nodes with about how much work each is."""
    return tuple((node, (1 + cost(node)) * max(map(_size, (node, *node.inputs)))) for node in nodes)


def _size(node: Node) -> float:
    return 1.0 if node.dtype is None else float(max(1, prod(node.shape)))
